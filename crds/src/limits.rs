//! Every name, limit and default, once. The schema, the checks and the listener read them here.

/// API group of the resource.
pub const GROUP: &str = "hubspot-listener.dev";
/// Client secrets on one listener.
pub const MAX_CLIENT_SECRETS: usize = 8;
/// Destinations on one listener.
pub const MAX_DESTINATIONS: usize = 32;
/// Answer headers on one listener, and headers on one destination.
pub const MAX_HEADERS: usize = 32;
/// Sets of shared settings on one listener.
pub const MAX_SETTINGS_FROM: usize = 16;
/// Characters of a display name.
pub const MAX_DISPLAY_NAME: usize = 128;
/// Characters of a description.
pub const MAX_DESCRIPTION: usize = 1_024;
/// Characters of a filter, a trace key template or a data URI template.
pub const MAX_EXPRESSION: usize = 4_096;
/// Characters of an answer's body in the manifest.
pub const MAX_BODY_TEMPLATE: usize = 65_536;
/// Characters of a header's name.
pub const MAX_HEADER_NAME: usize = 128;
/// Characters of a header's value in the manifest.
pub const MAX_HEADER_VALUE: usize = 4_096;
/// Characters of a public host: 253 of DNS and a port.
pub const MAX_HOST: usize = 259;
/// Characters of a public path.
pub const MAX_PATH: usize = 1_024;
/// Characters of a destination's URL.
pub const MAX_URL: usize = 2_048;
/// Characters of a destination's transform template.
pub const MAX_TRANSFORM_TEMPLATE: usize = 32_768;
/// Rules of a destination's transform.
pub const MAX_TRANSFORM_RULES: usize = 64;
/// Fields that one rule of a transform names.
pub const MAX_TRANSFORM_PATHS: usize = 128;
/// Characters of a field's path in a transform.
pub const MAX_TRANSFORM_PATH: usize = 256;
/// Names in a field's path in a transform.
pub const MAX_TRANSFORM_NAMES: usize = 16;
/// Characters of a value that a transform sets.
pub const MAX_TRANSFORM_VALUE: usize = 4_096;
/// Bytes of what a transform gives for one record.
pub const MAX_TRANSFORMED_BYTES: usize = 8 * 1024 * 1024;
/// Levels that objects and lists may nest in what a transform makes.
pub const MAX_TRANSFORMED_DEPTH: usize = 128;
/// Seconds that a v3 timestamp may be old; HubSpot documents five minutes.
pub const DEFAULT_MAX_AGE_SECONDS: i32 = 300;
/// Seconds that a v3 timestamp may be ahead; ours, HubSpot documents none.
pub const DEFAULT_FUTURE_SKEW_SECONDS: i32 = 60;
/// Answer to a delivery that is on disk.
pub const DEFAULT_STATUS_CODE: i32 = 204;
/// Records in a page.
pub const DEFAULT_PAGE_SIZE: i32 = 20;
/// Milliseconds that a page waits to fill.
pub const DEFAULT_LINGER_MILLISECONDS: i32 = 500;
/// Bytes of a page's body as sent: 5 x 1024 x 1024.
pub const MAX_PAGE_BYTES: usize = 5 * 1024 * 1024;
/// Seconds that one request to a destination may take.
pub const DEFAULT_TIMEOUT_SECONDS: i32 = 30;
/// Pages in flight to one destination.
pub const DEFAULT_CONCURRENCY: i32 = 4;
/// Attempts before a page becomes open errors.
pub const DEFAULT_MAX_ATTEMPTS: i32 = 10;
/// Seconds from the first attempt until a page becomes open errors.
pub const DEFAULT_MAX_AGE_OF_RETRY_SECONDS: i32 = 86_400;
/// Hours that a delivered record is kept.
pub const DEFAULT_DELIVERED_HOURS: i32 = 72;
/// Days that an error is kept.
pub const DEFAULT_ERROR_DAYS: i32 = 30;
/// Hours that a refused request is kept.
pub const DEFAULT_REFUSED_HOURS: i32 = 72;
/// Hours that a dedupe key is known.
pub const DEFAULT_DEDUPE_HOURS: i32 = 168;
/// Size of the claim of an embedded store.
pub const DEFAULT_STORAGE_SIZE: &str = "5Gi";
/// Bytes of a request's body.
pub const DEFAULT_MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
/// Characters of a trace key.
pub const MAX_TRACE_KEY_CHARACTERS: usize = 256;
/// Port of the webhook path.
pub const PUBLIC_PORT: u16 = 8080;
/// Port of probes, metrics and API.
pub const ADMIN_PORT: u16 = 9090;

/// Fields that are masked.
pub const MAX_MASKED_FIELDS: u32 = 64;
/// Notices of a listener at most.
pub const MAX_NOTICES: u32 = 8;
/// Minutes between two notices of the same thing at most.
pub const MAX_NOTICE_MINUTES: i32 = 1_440;
/// Minutes between two notices of the same thing, where nothing else is said.
pub const DEFAULT_NOTICE_MINUTES: i32 = 5;
/// Refused requests per minute that are told, where nothing else is said.
pub const DEFAULT_NOTICE_REFUSALS: i32 = 10;
/// Seconds that a notice may take, where nothing else is said.
pub const DEFAULT_NOTICE_TIMEOUT_SECONDS: i32 = 10;
/// Trace keys that a notice names of a group at most.
pub const MAX_NOTICE_TRACE_KEYS: i32 = 20;
