//! Reader of JSON objects that collects the errors of all fields. Numbers are kept as text, exactly as
//! written: none passes through a binary fraction.

use crate::http::error_codes::Code;
use crate::http::problem::{FieldErrors, Problem};
use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// The unread fields of a body, and the errors of the fields that were read.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    unread: BTreeMap<String, &'a RawValue>,
    errors: FieldErrors,
}

impl<'a> Fields<'a> {
    /// Reads a body as a JSON object.
    ///
    /// # Errors
    /// The body is not JSON (400), or JSON but not an object (422).
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, Problem> {
        let malformed = |error: &dyn fmt::Display| {
            Problem::new(Code::MalformedJson, format!("the body is not JSON: {error}"))
        };
        let body = std::str::from_utf8(body).map_err(|error| malformed(&error))?;
        let value: &RawValue = serde_json::from_str(body).map_err(|error| malformed(&error))?;
        let mut errors = FieldErrors::default();
        let unread = serde_json::Deserializer::from_str(value.get())
            .deserialize_map(Object { errors: &mut errors })
            .map_err(|_| Problem::new(Code::WrongType, "the body must be a JSON object"))?;
        Ok(Self { unread, errors })
    }

    /// A required string.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        self.required(name).and_then(|value| self.as_text(name, value))
    }

    /// An optional string; null counts as missing.
    pub(crate) fn optional_text(&mut self, name: &'static str) -> Option<String> {
        self.take(name).and_then(|value| self.as_text(name, value))
    }

    /// A required number, as JSON number or as string. Returns its text as written.
    pub(crate) fn number(&mut self, name: &'static str) -> Option<String> {
        self.required(name).and_then(|value| self.as_number(name, value))
    }

    /// An optional number, as JSON number or as string; null counts as missing. Returns its text as written.
    pub(crate) fn optional_number(&mut self, name: &'static str) -> Option<String> {
        self.take(name).and_then(|value| self.as_number(name, value))
    }

    /// An optional boolean; null counts as missing.
    pub(crate) fn optional_flag(&mut self, name: &'static str) -> Option<bool> {
        let flag = serde_json::from_str(self.take(name)?.get()).ok();
        if flag.is_none() {
            self.refuse(Code::WrongType, name, "must be true or false");
        }
        flag
    }

    /// Adds an error of a field.
    pub(crate) fn refuse(&mut self, code: Code, name: &str, message: impl fmt::Display) {
        self.errors.add(code, name, message);
    }

    /// Returns true if a field had an error so far, or is left unread.
    pub(crate) fn is_refused(&self) -> bool {
        !self.errors.is_empty() || !self.unread.is_empty()
    }

    /// The errors so far. Fields that are left unread are unknown fields.
    pub(crate) fn into_errors(self) -> FieldErrors {
        let Self { unread, mut errors } = self;
        for name in unread.keys() {
            errors.add(Code::UnknownField, name, "is unknown");
        }
        errors
    }

    fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        self.unread.remove(name).filter(|value| value.get() != "null")
    }

    fn required(&mut self, name: &'static str) -> Option<&'a RawValue> {
        let value = self.take(name);
        if value.is_none() {
            self.refuse(Code::MissingField, name, "is required");
        }
        value
    }

    fn as_text(&mut self, name: &'static str, value: &RawValue) -> Option<String> {
        let text = serde_json::from_str(value.get()).ok();
        if text.is_none() {
            self.refuse(Code::WrongType, name, "must be a string");
        }
        text
    }

    fn as_number(&mut self, name: &'static str, value: &RawValue) -> Option<String> {
        let written = value.get();
        if written.starts_with(|first: char| first.is_ascii_digit() || first == '-') {
            return Some(written.to_owned());
        }
        let text = serde_json::from_str(written).ok();
        if text.is_none() {
            self.refuse(Code::WrongType, name, "must be a number, or a string with a decimal number");
        }
        text
    }
}

struct Object<'e> {
    errors: &'e mut FieldErrors,
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = BTreeMap<String, &'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value()?;
            if self.errors.len() + fields.len() >= MAX_FIELDS {
                continue;
            }
            if fields.insert(name.clone(), value).is_some() {
                self.errors.add(Code::InvalidRequest, &name, "is given more than once");
            }
        }
        Ok(fields)
    }
}

/// Fields that are read: more than any request has, few enough to be listed in a response. Further fields are
/// ignored.
const MAX_FIELDS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str, read: impl FnOnce(&mut Fields<'_>)) -> Problem {
        let mut fields = Fields::read(body.as_bytes()).unwrap();
        read(&mut fields);
        fields.into_errors().finish().unwrap_err()
    }

    fn named(problem: &Problem) -> Vec<(&str, &str)> {
        problem.errors.iter().map(|error| (error.field.as_str(), error.message.as_str())).collect()
    }

    #[test]
    fn numbers_are_kept_as_written() {
        let body = br#"{"a":0.1000000000000000055511151231257827,"b":"1e3","c":-0,"d":null}"#;
        let mut fields = Fields::read(body).unwrap();
        assert_eq!(fields.number("a").as_deref(), Some("0.1000000000000000055511151231257827"));
        assert_eq!(fields.number("b").as_deref(), Some("1e3"));
        assert_eq!(fields.number("c").as_deref(), Some("-0"));
        assert_eq!(fields.optional_number("d"), None);
        fields.into_errors().finish().unwrap();
    }

    #[test]
    fn invalid_json_and_non_objects_have_different_codes() {
        for body in ["", "{", "{\"a\":}", "{\"a\":1}x", "{a:1}", "{\"a\":01}", "NaN"] {
            assert_eq!(Fields::read(body.as_bytes()).unwrap_err().code, Code::MalformedJson, "{body}");
        }
        assert_eq!(Fields::read(b"{\"a\":\"\xff\"}").unwrap_err().code, Code::MalformedJson);
        for body in ["[]", "1", "\"x\"", "null"] {
            assert_eq!(Fields::read(body.as_bytes()).unwrap_err().code, Code::WrongType, "{body}");
        }
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(8_000), "]".repeat(8_000));
        let problem = refusal(&deep, |fields| drop(fields.number("a")));
        assert_eq!(problem.code, Code::WrongType, "depth costs no stack");
    }

    #[test]
    fn every_wrong_field_is_named() {
        let problem = refusal(r#"{"a":true,"extra":1}"#, |fields| {
            fields.number("a");
            fields.text("b");
        });
        assert_eq!(problem.code, Code::InvalidRequest);
        assert_eq!(
            named(&problem),
            [
                ("a", "must be a number, or a string with a decimal number"),
                ("b", "is required"),
                ("extra", "is unknown")
            ]
        );
    }

    #[test]
    fn a_single_mistake_has_its_own_code() {
        assert_eq!(refusal("{}", |fields| drop(fields.text("a"))).code, Code::MissingField);
        assert_eq!(refusal(r#"{"a":1}"#, |fields| drop(fields.text("a"))).code, Code::WrongType);
        assert_eq!(refusal(r#"{"a":1}"#, |_| {}).code, Code::UnknownField);
        let many: Vec<String> = (0..1_000).map(|name| format!("\"{name}\":1")).collect();
        assert_eq!(refusal(&format!("{{{}}}", many.join(",")), |_| {}).errors.len(), MAX_FIELDS);
        let twice = refusal(r#"{"a":"1","a":"2"}"#, |fields| drop(fields.text("a")));
        assert_eq!(named(&twice), [("a", "is given more than once")]);
    }
}
