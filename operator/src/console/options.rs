//! What a console is started with: flags, each also an environment variable; the chart sets them.

use std::net::SocketAddr;

use super::host;
use super::link::Template;

/// What a console is started with.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Only this namespace; all of them without it
    #[arg(long, value_name = "NAMESPACE", env = "WATCH_NAMESPACE")]
    pub namespace: Option<String>,
    /// Address of the page
    #[arg(long, value_name = "ADDR", env = "LISTEN", default_value_t = SocketAddr::from(([0, 0, 0, 0], 8080)))]
    pub listen: SocketAddr,
    /// Where the web page of a listener is, with {namespace} and {name}; without it the page shows how to forward its port
    #[arg(long, value_name = "URL", env = "DESK_URL_TEMPLATE")]
    pub desk_url_template: Option<Template>,
    /// Names under which browsers may ask for the page, beside addresses, localhost and names within the cluster
    #[arg(long, value_name = "HOST", env = "CONSOLE_HOSTS", value_delimiter = ',', value_parser = host::name)]
    pub hosts: Vec<String>,
}
