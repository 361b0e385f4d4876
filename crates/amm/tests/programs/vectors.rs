//! Cases with known results. Numbers above 2^53 are strings there.

use serde_json::Value;

pub(crate) fn number<T: std::str::FromStr>(case: &Value, field: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    let value = &case[field];
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse().unwrap_or_else(|error| panic!("{field} is {value}: {error:?}"))
}

pub(crate) fn flag(case: &Value, field: &str) -> bool {
    case[field].as_bool().unwrap()
}

pub(crate) fn cases<'a>(file: &'a Value, list: &str) -> &'a Vec<Value> {
    file[list].as_array().unwrap()
}
