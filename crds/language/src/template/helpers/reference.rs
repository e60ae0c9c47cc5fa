//! The reference of the helpers, made from their tables. Every example in it is tested.

use std::fmt::Write;

use super::{Doc, blocks, families};

/// All helpers in Markdown.
pub(in crate::template) fn reference() -> String {
    let mut page = String::new();
    for (family, helpers) in families() {
        heading(&mut page, family);
        for helper in helpers {
            entry(&mut page, "", helper.name, &helper.doc);
        }
    }
    heading(&mut page, "Blocks");
    page.push_str(
        "Every block may have an `{{else}}` and any number of `{{else other ...}}` before it. \
         `and`, `or`, `neither`, `not` and `compare` also stand in `( )` and give true or false.\n\n",
    );
    for block in blocks::HELPERS {
        entry(&mut page, "#", block.name, &block.doc);
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

fn heading(page: &mut String, family: &str) {
    let _ = write!(page, "### {family}\n\n");
}

fn entry(page: &mut String, sign: &str, name: &str, doc: &Doc) {
    let [template, record, output] = doc.example;
    let call = format!("{sign}{name} {}", doc.args);
    let _ = write!(page, "**{}** {}", code(call.trim()), doc.gives);
    if !template.is_empty() {
        let _ = write!(page, "\\\n{} for {} gives {}", code(template), code(record), code(output));
    }
    page.push_str("\n\n");
}

/// A code span, whatever is in it.
fn code(text: &str) -> String {
    let ends = text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']);
    let fence = if text.contains('`') { "``" } else { "`" };
    let space = if ends { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{Place, Scope, Template};

    const MARK: &str = "<!-- From here on made from the helpers' tables: UPDATE_DOCS=1 cargo test -p language --lib reference -->\n";

    fn docs() -> impl Iterator<Item = (&'static str, &'static Doc)> {
        let inline =
            families().into_iter().flat_map(|(_, helpers)| helpers).map(|helper| (helper.name, &helper.doc));
        inline.chain(blocks::HELPERS.iter().map(|block| (block.name, &block.doc)))
    }

    #[test]
    fn every_example_gives_what_it_says() {
        for (name, doc) in docs() {
            let [template, record, output] = doc.example;
            if name == "aws4" {
                assert!(Template::compile("{{aws4 a}}", Place::Raw).is_err());
                continue;
            }
            assert!(template.contains(name), "the example of {name} does not use it");
            assert!(!doc.gives.is_empty(), "{name}");
            let record_value: serde_json::Value = serde_json::from_str(record).unwrap();
            let settings = record_value.get("settings").map(crate::template::Json::from);
            let scope =
                Scope { record: Some(record.as_bytes()), settings: settings.as_ref(), ..Scope::default() };
            let template =
                Template::compile(template, Place::Raw).unwrap_or_else(|mistake| panic!("{name}: {mistake}"));
            assert_eq!(template.render(&scope).as_deref(), Ok(output), "{name}");
        }
    }

    #[test]
    fn every_helper_of_the_reference_is_there() {
        let names: Vec<&str> = docs().map(|(name, _)| name).collect();
        let wanted = "abs add avg ceil divide floor modulo multiply random round subtract sum toExponential toFixed \
            toPrecision camelcase capitalize capitalizeAll chop dashcase dotcase join lowercase occurrences padLeft \
            padRight pascalcase pathcase removefirst replace replacefirst reverse sanitize sentence snakecase split \
            substring trim trimLeft trimRight truncateWords uppercase after arrayify before getValue lookup pluck \
            sort unique first last dateAdd dateFormat timestamp base64Decode base64Encode decodeURI encodeURI \
            htmlDecode htmlEncode jsonEncode jsonParse jsonSerialize jsonStringify stripProtocol stripQuerystring \
            regexMatch regexReplace regexSearch aws4 hash hmac eq hasNoItems hasOwn isFalsey isTruthy typeOf \
            addCommas bytes ordinalize and compare contains each filter if ifEven inArray isEmpty neither not or \
            some startsWith unless with";
        for name in wanted.split_whitespace() {
            assert!(names.contains(&name), "{name}");
        }
        let mut once = names.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), names.len(), "a helper is in the tables twice");
    }

    #[test]
    fn the_reference_page_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/templates.md");
        let page = std::fs::read_to_string(path).unwrap();
        let (intro, _) = page.split_once(MARK).expect("docs/templates.md has lost its mark");
        let made = format!("{intro}{MARK}\n{}", reference());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, made).unwrap();
            return;
        }
        assert!(
            page == made,
            "docs/templates.md is not current. Run\n  UPDATE_DOCS=1 cargo test -p language --lib reference\n  \
             git diff docs/templates.md"
        );
    }
}
