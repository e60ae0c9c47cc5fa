//! The real `operator` binary against a real control plane: who leads, what it waits for, what it
//! repairs and keeps, and what it asks of the API server. There is no node, so no pod runs.

#[path = "operator/support.rs"]
mod support;

#[path = "operator/console.rs"]
mod console;
#[path = "operator/lead.rs"]
mod lead;
#[path = "operator/many.rs"]
mod many;
#[path = "operator/program.rs"]
mod program;
#[path = "operator/rest.rs"]
mod rest;
#[path = "operator/saves.rs"]
mod saves;
