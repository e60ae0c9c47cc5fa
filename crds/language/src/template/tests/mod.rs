//! Tests of the whole language.

mod cases;
mod fuzz;
mod limits;
mod mistakes;
mod scopes;

use super::{Json, Place, Scope, Template};

/// Renders a template for a record: the text, or what is wrong.
fn render(template: &str, record: &str) -> Result<String, String> {
    let settings: Option<Json> = serde_json::from_str::<serde_json::Value>(record)
        .ok()
        .and_then(|record| record.get("settings").map(Json::from));
    let scope = Scope { record: Some(record.as_bytes()), settings: settings.as_ref(), ..Scope::default() };
    let template = Template::compile(template, Place::Raw).map_err(|mistake| format!("load: {mistake}"))?;
    template.render(&scope).map_err(|error| format!("render: {error}"))
}
