//! `kubectl hubspot`: this binary under the name of a plugin of kubectl.
//!
//! kubectl runs `kubectl-hubspot` for `kubectl hubspot`, so a link of that name is the whole of it. What it
//! changes: help speaks of `kubectl hubspot`, commands that run a listener are not shown, and those that
//! ask one look for it in the cluster, unless `--url` or `LISTENER_URL` names an address.

use std::ffi::OsStr;
use std::path::Path;

/// The name of the link.
const NAME: &str = "kubectl-hubspot";
/// Commands that people run in no cluster.
const HIDDEN: [&str; 4] = ["serve", "dev", "send", "store"];

/// Whether this process was called as a plugin of kubectl.
pub(super) fn is_called() -> bool {
    std::env::args_os().next().is_some_and(|called| is_plugin(&called))
}

/// Whether a program of this name is the plugin.
fn is_plugin(called: &OsStr) -> bool {
    Path::new(called).file_stem().is_some_and(|name| name == NAME)
}

/// The command as kubectl shows it.
pub(super) fn dress(command: clap::Command) -> clap::Command {
    let command = command
        .name("kubectl hubspot")
        .bin_name("kubectl hubspot")
        .about("See and mend what a HubSpotListener could not deliver, and check manifests");
    HIDDEN.into_iter().fold(command, |command, name| command.mut_subcommand(name, |one| one.hide(true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_is_told_by_its_name_wherever_it_lies() {
        for plugin in ["kubectl-hubspot", "/usr/local/bin/kubectl-hubspot", "./kubectl-hubspot.exe"] {
            assert!(is_plugin(OsStr::new(plugin)), "{plugin}");
        }
        for other in ["listener", "kubectl-hubspot-more", "kubectl", "", "kubectl-hubspot/listener"] {
            assert!(!is_plugin(OsStr::new(other)), "{other}");
        }
    }
}
