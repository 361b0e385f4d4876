//! Decimal strings as JSON numbers.

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The fields whose decimal strings are numbers in version 0, wherever they are.
const DECIMALS: [&str; 28] = [
    "amount",
    "amountAfterFee",
    "amountIn",
    "amountOut",
    "averageSlippage",
    "estimatedInput",
    "estimatedOutput",
    "executedInput",
    "executedOutput",
    "executedPrice",
    "fee",
    "feeAmount",
    "input",
    "maxSlippage",
    "minimumOutput",
    "networkFee",
    "output",
    "overallSuccessRate",
    "percentage",
    "price",
    "priceImpact",
    "reserves",
    "share",
    "slippage",
    "successRate",
    "tip",
    "totalVolume",
    "transferFee",
];

/// The same JSON with numbers in place of the decimal strings. Text that is no JSON comes back as it is.
pub(crate) fn numbers(json: &str) -> String {
    let mut written = String::with_capacity(json.len());
    match serde_json::from_str::<&RawValue>(json) {
        Ok(value) if write(value, false, &mut written).is_ok() => written,
        Ok(_) | Err(_) => json.to_owned(),
    }
}

/// Writes a value. `decimal`: it is in a field of decimals.
fn write(value: &RawValue, decimal: bool, to: &mut String) -> serde_json::Result<()> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'{') => {
            to.push('{');
            for (place, (name, value)) in members(text)?.into_iter().enumerate() {
                if place > 0 {
                    to.push(',');
                }
                to.push_str(&serde_json::to_string(&name)?);
                to.push(':');
                write(value, decimal || DECIMALS.contains(&name.as_str()), to)?;
            }
            to.push('}');
        }
        Some(b'[') => {
            to.push('[');
            for (place, value) in serde_json::from_str::<Vec<&RawValue>>(text)?.into_iter().enumerate() {
                if place > 0 {
                    to.push(',');
                }
                write(value, decimal, to)?;
            }
            to.push(']');
        }
        _ => to.push_str(if decimal { unquoted(text) } else { text }),
    }
    Ok(())
}

/// The number in a string. Clients of version 0 read it as a binary fraction; that it was exact ends with them.
fn unquoted(text: &str) -> &str {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.filter(|inner| is_number(inner)).unwrap_or(text)
}

/// True for a decimal number that JSON has, too.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, rest)| (whole, Some(rest)));
    digits(whole) && (whole == "0" || !whole.starts_with('0')) && fraction.is_none_or(digits)
}

/// The members of an object in their order.
pub(super) fn members(object: &str) -> serde_json::Result<Vec<(String, &RawValue)>> {
    struct Members;
    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(members)
        }
    }
    // This refuses what comes after the object, too.
    let object: &RawValue = serde_json::from_str(object)?;
    serde_json::Deserializer::from_str(object.get()).deserialize_map(Members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_lose_their_quotes_and_nothing_else_changes() {
        let current = r#"{"b":"1","amount":"100","data":{"slippage":"-0.0005","executedPrice":null,"txHash":"12"},"totalVolume":{"SOL":"1.50"},"reserves":["7","x"],"amounts":"3","seq":5,"fee":"0.0025"}"#;
        assert_eq!(
            numbers(current),
            r#"{"b":"1","amount":100,"data":{"slippage":-0.0005,"executedPrice":null,"txHash":"12"},"totalVolume":{"SOL":1.50},"reserves":[7,"x"],"amounts":"3","seq":5,"fee":0.0025}"#
        );
        assert_eq!(numbers("no JSON"), "no JSON");
    }

    #[test]
    fn only_what_json_calls_a_number_is_one() {
        for number in ["0", "7", "0.5", "-1.25", "18446744073709551615.123456789"] {
            assert!(is_number(number), "{number}");
        }
        for text in ["", "-", ".5", "1.", "01", "1e3", "0x1", "+1", "1 ", "--1", "NaN"] {
            assert!(!is_number(text), "{text}");
        }
    }
}
