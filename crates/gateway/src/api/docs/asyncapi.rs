//! The AsyncAPI document of the WebSockets. Its schemas are those of the OpenAPI document, so both say the same.

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

/// Schema of the messages from the gateway, one form per kind of message.
const SENT: &str = "SocketMessage";

/// Schema of an order.
const ORDER: &str = "ExecuteRequest";

/// The AsyncAPI document for the schemas of the OpenAPI document.
pub(super) fn document(openapi: &OpenApi) -> Value {
    let openapi = serde_json::to_value(openapi).unwrap_or_default();
    let messages = messages(&openapi["components"]["schemas"][SENT]);
    let sent: Vec<String> = messages.keys().cloned().collect();
    let mut all = messages;
    all.insert("order".to_owned(), order(&openapi));
    let mut schemas = Map::new();
    collect(&Value::Object(all.clone()), &openapi, &mut schemas);
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Order execution: WebSockets",
            "version": openapi["info"]["version"],
            "description": ABOUT,
            "license": { "name": openapi["info"]["license"]["name"] },
        },
        "defaultContentType": "application/json",
        "servers": { "gateway": {
            "host": "{host}", "protocol": "ws", "description": "This gateway; `wss` behind TLS",
            "variables": { "host": { "default": "localhost:3000", "description": "Host and port" } },
            "security": [{ "$ref": "#/components/securitySchemes/bearer" }],
        }},
        "channels": { "execute": execute(&sent), "watch": watch(&sent) },
        "operations": {
            "receiveOrder": operation("receive", "execute", &["order".to_owned()], "The client sends one order."),
            "sendExecution": operation("send", "execute", &sent, "The events of the order follow."),
            "sendUpdates": operation("send", "watch", &sent, "The events of the order."),
        },
        "components": {
            "messages": all,
            "schemas": schemas,
            "securitySchemes": { "bearer": {
                "type": "http", "scheme": "bearer",
                "description": "An API key, as for HTTP: `Authorization: Bearer KEY`",
            }},
        },
    })
}

const ABOUT: &str = "Text messages over WebSockets. Events of an order are numbered by `seq`, without gaps and \
    duplicates. A heartbeat is sent every 15 seconds. Close codes: 1000 after the last event of the order; 1008 for an \
    unknown or rejected order, and for more than 100 messages in a second; 1013 if the client is too slow or a dependency does not answer; 1001 if the service \
    stops; 1011 for a fault. After 1001 and 1013, open `/api/orders/{orderId}/ws?after=SEQ` with the last `seq`.";

/// The messages from the gateway by their type, from the forms of their schema.
fn messages(schema: &Value) -> Map<String, Value> {
    let forms = schema["oneOf"].as_array().into_iter().flatten();
    let named = forms.filter_map(|form| {
        let name = kind(form)?.to_owned();
        let summary = form["description"].as_str().unwrap_or_default();
        Some((name.clone(), json!({ "name": name, "summary": summary, "payload": form })))
    });
    named.collect()
}

/// The only value that the field `type` of a form may have.
fn kind(form: &Value) -> Option<&str> {
    let parts = form["allOf"].as_array().map_or_else(|| std::slice::from_ref(form), Vec::as_slice);
    parts.iter().find_map(|part| part["properties"]["type"]["enum"][0].as_str())
}

/// The schema of an order with the idempotency key as one more field.
fn order(openapi: &Value) -> Value {
    let mut payload = openapi["components"]["schemas"][ORDER].clone();
    payload["properties"]["idempotencyKey"] = json!({
        "type": ["string", "null"],
        "description": "As the header `Idempotency-Key`; if both are given, they must be the same",
        "maxLength": 512,
    });
    json!({ "name": "order", "summary": "The order to place, as the first message", "payload": payload })
}

fn execute(sent: &[String]) -> Value {
    let mut names = sent.to_vec();
    names.push("order".to_owned());
    json!({
        "address": "/api/orders/execute",
        "description": "Places an order, and sends its events. The order is the first message.",
        "messages": references(&names, "#/components/messages"),
        "bindings": { "ws": {
            "method": "GET",
            "query": { "type": "object", "properties": { "ticket": ticket() } },
            "headers": {
                "type": "object",
                "properties": { "Idempotency-Key": { "type": "string", "description": "The key of the order" } },
            },
        }},
    })
}

fn watch(sent: &[String]) -> Value {
    json!({
        "address": "/api/orders/{orderId}/ws",
        "description": "Sends the events of an order: first those after `after`, then new ones.",
        "parameters": { "orderId": { "description": "The id of the order, a UUID" } },
        "messages": references(sent, "#/components/messages"),
        "bindings": { "ws": { "method": "GET", "query": {
            "type": "object",
            "properties": { "ticket": ticket(), "after": {
                "type": "integer", "minimum": 0, "default": 0, "description": "The last `seq` that the client has",
            }},
        }}},
    })
}

fn ticket() -> Value {
    let about = "A ticket of `POST /api/ws-ticket`, in place of the header Authorization";
    json!({ "type": "string", "description": about })
}

fn operation(action: &str, channel: &str, messages: &[String], summary: &str) -> Value {
    let messages =
        messages.iter().map(|name| json!({ "$ref": format!("#/channels/{channel}/messages/{name}") }));
    json!({
        "action": action,
        "channel": { "$ref": format!("#/channels/{channel}") },
        "summary": summary,
        "messages": messages.collect::<Vec<_>>(),
    })
}

fn references(names: &[String], place: &str) -> Map<String, Value> {
    names.iter().map(|name| (name.clone(), json!({ "$ref": format!("{place}/{name}") }))).collect()
}

/// Adds every schema that `value` refers to, and those that these refer to.
fn collect(value: &Value, openapi: &Value, schemas: &mut Map<String, Value>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field.as_str().and_then(|text| text.strip_prefix("#/components/schemas/")) {
                    Some(schema) if name == "$ref" && !schemas.contains_key(schema) => {
                        let found = openapi["components"]["schemas"][schema].clone();
                        schemas.insert(schema.to_owned(), found.clone());
                        collect(&found, openapi, schemas);
                    }
                    Some(_) => {}
                    None => collect(field, openapi, schemas),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, openapi, schemas)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
