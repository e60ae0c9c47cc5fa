//! The store in PostgreSQL, which several processes may share.

mod check;
mod connect;
mod schema;
mod tls;
mod trouble;
mod url;

pub use url::{UrlError, check as check_url};
