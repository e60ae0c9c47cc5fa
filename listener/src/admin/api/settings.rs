//! `/settings`

use axum::body::Body;
use axum::{Extension, Json};
use crds::saving::MAX_SETTINGS_BYTES;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::body;
use super::target::Target;
use crate::admin::problem::Problem;
use crate::admin::saving::{LastSave, Saving};

/// The settings, and what goes around them.
const MAX_BODY: usize = MAX_SETTINGS_BYTES + 4 * 1024;

/// The settings of a listener, and how they are saved.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Settings {
    /// `spec.settings` of the resource.
    settings: Map<String, Value>,
    /// Generation of the resource that this listener runs by.
    generation: i64,
    /// Whether they can be saved here.
    offered: bool,
    /// The command that saves these settings; change them in it.
    command: String,
    /// The last change that was wanted here since the process runs.
    last: Option<LastSave>,
}

/// New settings.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Wanted {
    /// `spec.settings`, whole.
    settings: Map<String, Value>,
    /// Generation that they were made from.
    generation: i64,
}

pub(super) async fn get(Extension(target): Extension<Target>) -> Result<Json<Settings>, Problem> {
    look(&target.saving())
}

pub(super) async fn post(
    Extension(target): Extension<Target>,
    request: Body,
) -> Result<Json<Settings>, Problem> {
    let Wanted { settings, generation } = body::parse(&body::read(request, MAX_BODY).await?)?;
    let saving = target.saving();
    saving.request(target.role, &target.actor, generation, &Value::Object(settings).to_string()).await?;
    look(&saving)
}

fn look(saving: &Saving<'_>) -> Result<Json<Settings>, Problem> {
    let settings = saving.settings();
    Ok(Json(Settings {
        command: saving.command(&Value::Object(settings.clone()).to_string())?,
        settings,
        generation: saving.generation(),
        offered: saving.offered(),
        last: saving.last(),
    }))
}
