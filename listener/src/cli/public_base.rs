//! `--public-url`: scheme and host under which HubSpot reaches this machine.

use anyhow::{bail, ensure};

/// Scheme and host, nothing behind them: the path is the listener's.
pub(super) fn check(text: &str) -> anyhow::Result<String> {
    let base = text.trim_end_matches('/');
    let Some((scheme, host)) = base.split_once("://") else {
        bail!("--public-url {text:?} has no scheme; write https://host");
    };
    ensure!(matches!(scheme, "https" | "http"), "--public-url {text:?}: use https:// or http://");
    ensure!(
        !host.is_empty() && !host.contains(['/', '?', '#', '@']) && !host.contains(char::is_whitespace),
        "--public-url {text:?}: give scheme and host only; the path is spec.url.path or /namespace/name"
    );
    Ok(base.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_scheme_and_host() {
        assert_eq!(check("https://abc.example.com/").unwrap(), "https://abc.example.com");
        assert_eq!(check("http://127.0.0.1:8080").unwrap(), "http://127.0.0.1:8080");
        for wrong in
            ["abc.example.com", "ftp://x", "https://", "https://x/path", "https://u@x", "https://x?y"]
        {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }
}
