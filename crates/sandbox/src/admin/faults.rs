//! Deliberate faults: those that last, and those that strike the cluster at once.

use super::{Answer, Refused, blocking};
use crate::App;
use crate::faults::Script;
use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RollBack {
    slots: u64,
    land_again_after_slots: Option<u64>,
}

pub(super) async fn add(State(app): State<App>, Json(script): Json<Script>) -> Answer {
    script.check(app.nodes)?;
    tracing::info!(script = %json!(script), "a fault begins");
    Ok(Json(json!({ "id": app.node.faults().add(script)? })))
}

pub(super) async fn list(State(app): State<App>) -> Json<Value> {
    Json(json!(app.node.faults().list()))
}

pub(super) async fn remove(State(app): State<App>, Path(id): Path<u64>) -> Answer {
    let removed = app.node.faults().remove(id);
    let unknown = || Refused::from(anyhow::anyhow!("there is no fault {id}"));
    removed.map(|report| Json(json!(report))).ok_or_else(unknown)
}

pub(super) async fn clear(State(app): State<App>) -> Json<Value> {
    Json(json!(app.node.faults().clear()))
}

pub(super) async fn roll_back(State(app): State<App>, Json(request): Json<RollBack>) -> Answer {
    blocking(move || {
        let (slot, abandoned) = app.node.network.roll_back(request.slots, request.land_again_after_slots)?;
        let signatures: Vec<String> = abandoned.signatures.iter().map(ToString::to_string).collect();
        tracing::info!(slot, parent = abandoned.parent, transactions = signatures.len(), "rolled back");
        Ok(json!({ "slot": slot, "parent": abandoned.parent, "rolledBack": signatures }))
    })
    .await
}

pub(super) async fn expire_blockhashes(State(app): State<App>) -> Answer {
    blocking(move || Ok(json!({ "slot": app.node.network.expire_blockhashes()? }))).await
}
