//! How one gets from a row to the web page of that listener.

use std::str::FromStr;

/// Characters of a template.
const MAX: usize = 1_024;

/// An address with `{namespace}` and `{name}` in it. Both are DNS labels, so nothing has to be escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(String);

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |reason: &str| {
            Err(format!("{reason}; write an address such as https://desk.example.com/{{namespace}}/{{name}}"))
        };
        if text.len() > MAX {
            return wrong("it is too long");
        }
        let filled = text.replace("{namespace}", "a").replace("{name}", "b");
        let Ok(uri) = filled.parse::<http::Uri>() else { return wrong("it is no address") };
        let Some("https" | "http") = uri.scheme_str() else {
            return wrong("it begins with neither https nor http");
        };
        if uri.host().is_none_or(str::is_empty)
            || uri.authority().is_some_and(|one| one.as_str().contains('@'))
        {
            return wrong("it has no host, or a user in it");
        }
        if !text.contains("{namespace}") || !text.contains("{name}") {
            return wrong("{namespace} or {name} is not in it, and every listener would have the same");
        }
        Ok(Self(text.to_owned()))
    }
}

impl Template {
    /// The address of one listener.
    pub(super) fn of(&self, namespace: &str, name: &str) -> String {
        self.0.replace("{namespace}", namespace).replace("{name}", name)
    }
}

/// The command that forwards the admin port of one listener.
pub(super) fn command(namespace: &str, name: &str) -> String {
    let port = crds::limits::ADMIN_PORT;
    format!("kubectl -n {namespace} port-forward deploy/{name} {port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_names_both_and_is_an_address_of_the_web() {
        let template: Template = "https://desk.example.com/{namespace}/{name}/".parse().unwrap();
        assert_eq!(template.of("sales", "contacts"), "https://desk.example.com/sales/contacts/");
        let hosts: Template = "https://{name}.{namespace}.example.com".parse().unwrap();
        assert_eq!(hosts.of("sales", "contacts"), "https://contacts.sales.example.com");
        for (wrong, expected) in [
            ("javascript:alert(1)//{namespace}{name}", "no address"),
            ("ftp://desk.example.com/{namespace}/{name}", "neither https nor http"),
            ("/{namespace}/{name}", "neither https nor http"),
            ("https://desk.example.com/{namespace}", "{name} is not in it"),
            ("https://a@desk.example.com/{namespace}/{name}", "a user in it"),
            ("https://desk.example.com/{namespace}/{name} x", "no address"),
            ("", "no address"),
        ] {
            let said = wrong.parse::<Template>().unwrap_err();
            assert!(said.contains(expected) && said.contains("https://desk.example.com"), "{wrong}: {said}");
        }
    }

    #[test]
    fn without_a_template_there_is_a_command() {
        assert_eq!(command("sales", "contacts"), "kubectl -n sales port-forward deploy/contacts 9090");
    }
}
