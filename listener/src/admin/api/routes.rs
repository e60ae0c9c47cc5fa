//! Every route of the API.

use axum::routing::{get, post};
use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::query::{
    AUDIT, COUNT, DELIVERIES, DELIVERIES_EXPORT, ERRORS, EXPORT, LIMIT, PAGING, RECORDS, RECORDS_EXPORT,
    REFUSALS, REFUSALS_EXPORT, SERIES,
};
use super::route::{About, Answer, Route};
use super::{acts, audit, bulk, deliveries, errors, openapi, records, refusals, series, settings};
use crate::admin::saving;
use crate::admin::tokens::Role;
use crate::admin::{lists, status};
use crate::desk::{
    Acted, AuditEntry, Bulk, Counts, DeliveryShown, ErrorShown, Listing, Plan, Records, Series,
};
use crate::store::Refused;

/// Every route.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = process();
    routes.extend(one_by_one());
    routes.extend(many());
    routes.extend(saved());
    routes.extend(history());
    routes
}

fn process() -> Vec<Route> {
    let route = |path, summary, parameters, handler| Route {
        method: Method::GET,
        path,
        about: About::Process,
        needs: Role::View,
        summary,
        parameters,
        body: None,
        answer: Answer::Json(free),
        handler,
    };
    vec![
        route("/status", "Listeners, their stores and destinations", &[][..], get(status::get)),
        route(
            "/refused",
            "Refused requests of all listeners, newest first, without bodies; /refusals filters those of one",
            LIMIT,
            get(lists::refused),
        ),
        route("/openapi.json", "This description", &[][..], get(openapi::get)),
    ]
}

fn one_by_one() -> Vec<Route> {
    vec![
        read(
            "/errors",
            "Errors, newest first, without payloads",
            ERRORS,
            of::<Listing<ErrorShown>>,
            get(errors::list),
        ),
        read("/errors/count", "How many errors match", COUNT, of::<Counts>, get(errors::count)),
        Route {
            answer: Answer::File,
            ..read("/errors/export", "Errors as a file, without payloads", EXPORT, free, get(errors::export))
        },
        read(
            "/errors/{id}",
            "One error; its payload for operate and above",
            &[],
            of::<errors::Whole>,
            get(errors::one),
        ),
        Route {
            body: Some(of::<acts::Fields>),
            ..write("/errors/{id}/{act}", "Does one act on one error", of::<Acted>, post(acts::post))
        },
    ]
}

fn many() -> Vec<Route> {
    vec![
        Route {
            body: Some(of::<bulk::Wanted>),
            ..write("/bulk-plans", "What a bulk act would do; kept for an hour", of::<Plan>, post(bulk::plan))
        },
        write("/bulk-plans/{id}/start", "Begins what was planned", of::<Bulk>, post(bulk::start)),
        read("/bulk", "Bulk acts, newest first", PAGING, of::<Listing<Bulk>>, get(bulk::list)),
        read("/bulk/{id}", "A bulk act and how far it is", &[], of::<Bulk>, get(bulk::one)),
        write(
            "/bulk/{id}/cancel",
            "Stops a bulk act; what is done stays done",
            of::<Bulk>,
            post(bulk::cancel),
        ),
        Route {
            needs: Role::Admin,
            ..read("/audit", "Who did what, newest first", AUDIT, of::<Listing<AuditEntry>>, get(audit::list))
        },
    ]
}

fn saved() -> Vec<Route> {
    vec![
        read(
            "/settings",
            "The settings, and how they are saved",
            &[],
            of::<settings::Shown>,
            get(settings::get),
        ),
        Route {
            needs: saving::ROLE,
            body: Some(of::<settings::Wanted>),
            ..write(
                "/settings",
                "Has the operator save new settings, where its chart allows it",
                of::<settings::Shown>,
                post(settings::post),
            )
        },
    ]
}

fn history() -> Vec<Route> {
    let export = |path, summary, parameters, handler| Route {
        answer: Answer::File,
        ..read(path, summary, parameters, free, handler)
    };
    vec![
        read(
            "/deliveries",
            "Accepted deliveries, newest first",
            DELIVERIES,
            of::<Listing<DeliveryShown>>,
            get(deliveries::list),
        ),
        export(
            "/deliveries/export",
            "Accepted deliveries as a file",
            DELIVERIES_EXPORT,
            get(deliveries::export),
        ),
        read("/deliveries/{id}", "One accepted delivery", &[], of::<DeliveryShown>, get(deliveries::one)),
        read(
            "/records",
            "Records, newest first, without payloads; a search may end early, with a cursor to go on by",
            RECORDS,
            of::<Records>,
            get(records::list),
        ),
        export(
            "/records/export",
            "Records as a file, without payloads",
            RECORDS_EXPORT,
            get(records::export),
        ),
        read(
            "/records/{id}",
            "One record and its way; its payload for operate and above",
            &[],
            of::<records::Whole>,
            get(records::one),
        ),
        read(
            "/refusals",
            "Refused requests, newest first, without bodies",
            REFUSALS,
            of::<Listing<Refused>>,
            get(refusals::list),
        ),
        export(
            "/refusals/export",
            "Refused requests as a file, without bodies",
            REFUSALS_EXPORT,
            get(refusals::export),
        ),
        read(
            "/refusals/{id}",
            "One refused request; the beginning of its body for operate and above",
            &[],
            of::<refusals::Whole>,
            get(refusals::one),
        ),
        read("/series", "How it went over time", SERIES, of::<Series>, get(series::get)),
    ]
}

type Handler = axum::routing::MethodRouter<crate::admin::Admin>;

fn read(
    path: &'static str,
    summary: &'static str,
    parameters: &'static [super::query::Parameter],
    shape: super::route::Shape,
    handler: Handler,
) -> Route {
    Route {
        method: Method::GET,
        path,
        about: About::Listener,
        needs: Role::View,
        summary,
        parameters,
        body: None,
        answer: Answer::Json(shape),
        handler,
    }
}

fn write(path: &'static str, summary: &'static str, shape: super::route::Shape, handler: Handler) -> Route {
    Route { method: Method::POST, needs: Role::Operate, ..read(path, summary, &[], shape, handler) }
}

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Said in words in `docs/operations.md`.
fn free(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object"})
}
