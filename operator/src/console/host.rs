//! Which hosts the console answers to.
//!
//! A port-forward makes it reachable for every site that the browser has open, under a name whose address that
//! site can change at will (DNS rebinding). An address has no such name, `localhost` and the names of a cluster
//! belong to nobody else, and any other must be told (`--hosts`).

use std::net::IpAddr;

/// Whether a request may name this host (`host` or `host:port`).
pub(super) fn is_known(authority: &str, told: &[String]) -> bool {
    let Ok(authority) = authority.parse::<http::uri::Authority>() else { return false };
    let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
    host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
        || (!host.is_empty() && !host.contains('.'))
        || [".svc", ".cluster.local", ".localhost"].iter().any(|end| host.ends_with(end))
        || told.contains(&host)
}

/// A name for `--hosts`; an empty text, as an unset variable of a chart gives it, names nothing.
pub(super) fn name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    if text.chars().all(fits) && text.len() <= 253 {
        return Ok(text.to_owned());
    }
    Err("write a host in small letters, without scheme, port or path, such as console.example.com".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_of_the_cluster_are_known_and_others_must_be_told() {
        let told = ["console.example.com".to_owned()];
        for host in [
            "127.0.0.1:8080",
            "[::1]:8080",
            "10.0.0.7",
            "localhost:8080",
            "console",
            "console.system.svc:8080",
            "console.system.svc.cluster.local",
            "console.example.com",
            "Console.Example.com:443",
            "console.example.com.",
        ] {
            assert!(is_known(host, &told), "{host}");
        }
        for host in ["", "evil.example.net", "127.0.0.1.evil.net", "example.com", "svc.evil.net:8080", "a b"]
        {
            assert!(!is_known(host, &told), "{host}");
        }
    }

    #[test]
    fn a_host_is_told_as_browsers_send_it() {
        assert_eq!(name("console.example.com").as_deref(), Ok("console.example.com"));
        for wrong in ["https://console.example.com", "console.example.com:443", "Console"] {
            assert!(name(wrong).unwrap_err().contains("console.example.com"), "{wrong}");
        }
    }
}
