//! `GET /deliveries`, `/deliveries/export` and `/deliveries/{id}`

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::RawQuery;
use axum::response::Response;
use axum::{Extension, Json};

use super::export::{self, Rows, time};
use super::query::{Asked, DELIVERIES, DELIVERIES_EXPORT};
use super::target::Target;
use crate::admin::problem::Problem;
use crate::desk::{DeliveryFilter, DeliveryShown, DeskError, History, Listing, Query};

pub(super) async fn list(
    Extension(target): Extension<Target>,
    RawQuery(query): RawQuery,
) -> Result<Json<Listing<DeliveryShown>>, Problem> {
    let mut asked = Asked::read(query.as_deref(), DELIVERIES)?;
    let filter = asked.deliveries()?;
    Ok(Json(target.history()?.deliveries(asked.query(filter)?).await?))
}

pub(super) async fn one(Extension(target): Extension<Target>) -> Result<Json<DeliveryShown>, Problem> {
    let number = target.named("number", "give the number of the list")?;
    Ok(Json(target.history()?.delivery(number).await?))
}

pub(super) async fn export(
    Extension(target): Extension<Target>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut asked = Asked::read(query.as_deref(), DELIVERIES_EXPORT)?;
    let format = export::format(&mut asked)?;
    let rows = Deliveries { history: Arc::clone(target.history()?), filter: asked.deliveries()? };
    export::file(rows, format).await
}

struct Deliveries {
    history: Arc<dyn History>,
    filter: DeliveryFilter,
}

#[async_trait]
impl Rows for Deliveries {
    type Item = DeliveryShown;

    const NAME: &'static str = "deliveries";
    const COLUMNS: &'static str = "delivery,receivedAt,requestId,bytes,records";

    async fn part(&self, query: Query<()>) -> Result<Listing<DeliveryShown>, DeskError> {
        self.history.deliveries(query.with(self.filter.clone())).await
    }

    fn cells(item: &DeliveryShown) -> Vec<String> {
        let DeliveryShown { delivery, received_at_ms, request_id, bytes, records } = item;
        vec![
            delivery.to_string(),
            time(Some(*received_at_ms)),
            request_id.clone(),
            bytes.to_string(),
            records.to_string(),
        ]
    }
}
