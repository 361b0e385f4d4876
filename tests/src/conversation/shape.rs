//! The shape of an answer: its keys, the types of its values, and the words and codes that mean something.

use serde_json::{Map, Value, json};

/// Values below these keys are part of the shape as they are.
const VERBATIM: [&str; 6] = ["err", "status", "code", "version", "decimals", "stackHeight"];

/// Codes of errors about the request itself. Their words differ from version to version, and nobody reads them.
const OF_THE_REQUEST: [i64; 4] = [-32700, -32600, -32601, -32602];

/// A longer text is no word of the protocol.
const WORD_LENGTH_MAX: usize = 40;

/// The shape of a value.
pub(super) fn shape(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::Number(number) if number.is_f64() => json!("<float>"),
        Value::Number(_) => json!("<integer>"),
        Value::String(text) if is_word(text) => value.clone(),
        Value::String(text) if text.chars().all(|c| c.is_ascii_digit()) => json!("<digits>"),
        Value::String(_) => json!("<text>"),
        Value::Array(values) => shape_of_list(values),
        Value::Object(fields) => {
            let mut shape: Map<String, Value> =
                fields.iter().map(|(key, value)| (key.clone(), field(key, value))).collect();
            if fields.get("code").and_then(Value::as_i64).is_some_and(|code| OF_THE_REQUEST.contains(&code)) {
                shape.insert("message".to_owned(), json!("<words>"));
            }
            Value::Object(shape)
        }
    }
}

fn field(key: &str, value: &Value) -> Value {
    match (key, value) {
        ("message", Value::String(text)) => Value::String(without_details(text)),
        _ if VERBATIM.contains(&key) => value.clone(),
        _ => shape(value),
    }
}

/// The different shapes in a list. How many there are, and in which order, is no part of it.
fn shape_of_list(values: &[Value]) -> Value {
    let mut shapes: Vec<Value> = values.iter().map(shape).collect();
    shapes.sort_by_key(Value::to_string);
    shapes.dedup();
    Value::Array(shapes)
}

/// True for `base64`, `finalized` or `Token not found`; not for addresses, hashes and amounts.
fn is_word(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphabetic() || " ._-:".contains(c);
    text.len() <= WORD_LENGTH_MAX && (text.chars().all(plain) || ["base64", "base58"].contains(&text))
}

/// An error message without numbers and addresses, which differ from call to call.
fn without_details(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let is_detail = word.chars().any(|c| c.is_ascii_digit()) && !word.starts_with("0x");
        if is_detail { "#" } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The places where two shapes differ, each with both.
pub fn differences(first: &Value, second: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", first, second, &mut found);
    found
}

fn compare(place: &str, first: &Value, second: &Value, found: &mut Vec<String>) {
    match (first, second) {
        (Value::Object(first), Value::Object(second)) => {
            let nothing = json!("<nothing>");
            let get = |fields: &Map<String, Value>, key: &str| fields.get(key).unwrap_or(&nothing).clone();
            let mut keys: Vec<&String> = first.keys().chain(second.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                compare(&format!("{place}.{key}"), &get(first, key), &get(second, key), found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == 1 && b.len() == 1 => {
            compare(&format!("{place}[]"), &a[0], &b[0], found);
        }
        _ if first == second => {}
        _ => found.push(format!("{place}: {first} / {second}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_has_types_and_words_and_no_details() {
        let answer = json!({
            "error": { "code": -32016, "message": "slot 17 of 9xQeWvG816bUx9EPjHmaT23yvVM2 has not come" },
            "err": { "InstructionError": [2, { "Custom": 1 }] },
            "data": ["AAEC3w==", "base64"],
            "slots": [1, 2, 3],
            "amount": { "ui": 1.5, "text": "1500", "final": true, "status": { "Ok": null } },
        });
        assert_eq!(
            shape(&answer),
            json!({
                "error": { "code": -32016, "message": "slot # of # has not come" },
                "err": { "InstructionError": [2, { "Custom": 1 }] },
                "data": ["<text>", "base64"],
                "slots": ["<integer>"],
                "amount": { "ui": "<float>", "text": "<digits>", "final": true, "status": { "Ok": null } },
            })
        );
    }

    #[test]
    fn differences_name_their_place() {
        let first = json!({ "a": [{ "b": 1, "c": null }], "d": "x" });
        let second = json!({ "a": [{ "b": 2 }], "d": "x" });
        assert_eq!(differences(&first, &second), [".a[].b: 1 / 2", ".a[].c: null / \"<nothing>\""]);
        assert!(differences(&first, &first).is_empty());
    }
}
