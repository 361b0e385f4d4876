//! Decimal notation, read and written exactly: no binary fraction is ever in between.

/// Why a text is no decimal number of the wanted precision and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a number in decimal or JSON notation.
    #[error("is not a decimal number")]
    Malformed,
    /// Below zero.
    #[error("must not be negative")]
    Negative,
    /// More digits after the point than the unit has; nothing is rounded silently.
    #[error("has more than {limit} decimals")]
    TooPrecise {
        /// The number of decimals that are allowed.
        limit: u8,
    },
    /// Does not fit in 64 bits of the smallest unit.
    #[error("is too large")]
    TooLarge,
}

/// Longest text that is looked at: more digits than any amount has, few enough to never cost time.
const MAX_LENGTH: usize = 64;

/// Reads a non-negative number as a count of units of `10^-decimals`, exactly.
///
/// Accepts what JSON calls a number (`12`, `0.5`, `1e3`, `1.5E-2`).
///
/// # Errors
/// See [`Error`]; zeros after the last significant digit never count as precision.
pub fn parse(text: &str, decimals: u8) -> Result<u64, Error> {
    let (digits, exponent) = read(text)?;
    if digits == "0" {
        return Ok(0);
    }
    let shift = exponent.checked_add(i64::from(decimals)).ok_or(Error::TooLarge)?;
    scale(&digits, shift, decimals)
}

/// A number in the one notation that all of its notations share: `15e-1` for `1.5` and `1.50`.
///
/// # Errors
/// [`Error::Malformed`], [`Error::Negative`] or [`Error::TooLarge`], as [`parse`].
pub fn canonical(text: &str) -> Result<String, Error> {
    read(text).map(|(digits, exponent)| format!("{digits}e{exponent}"))
}

/// Writes `units` of `10^-decimals` as a decimal number without needless zeros.
pub fn format(units: u128, decimals: u8) -> String {
    let width = usize::from(decimals).saturating_add(1);
    let digits = format!("{units:0>width$}");
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(usize::from(decimals)));
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

/// The number as `digits · 10^exponent`, without needless zeros.
fn read(text: &str) -> Result<(String, i64), Error> {
    if text.len() > MAX_LENGTH {
        return Err(Error::Malformed);
    }
    let (text, negative) = match text.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let (mantissa, exponent) = split_exponent(text)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    if whole.is_empty() || fraction.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return Err(Error::Malformed);
    }
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Ok(("0".to_owned(), 0));
    }
    if negative {
        return Err(Error::Negative);
    }
    let significant = digits.trim_end_matches('0');
    let zeros = digits.len().saturating_sub(significant.len());
    let shift = |length: usize| i64::try_from(length).map_err(|_| Error::Malformed);
    let exponent = exponent.checked_sub(shift(fraction.len())?).ok_or(Error::Malformed)?;
    let exponent = exponent.checked_add(shift(zeros)?).ok_or(Error::TooLarge)?;
    Ok((significant.to_owned(), exponent))
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn split_exponent(text: &str) -> Result<(&str, i64), Error> {
    match text.split_once(['e', 'E']) {
        None => Ok((text, 0)),
        Some((mantissa, exponent)) => {
            let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            if unsigned.is_empty() || !is_digits(unsigned) {
                return Err(Error::Malformed);
            }
            Ok((mantissa, exponent.parse().map_err(|_| Error::Malformed)?))
        }
    }
}

fn scale(significant: &str, shift: i64, limit: u8) -> Result<u64, Error> {
    if shift < 0 {
        return Err(Error::TooPrecise { limit });
    }
    let value: u128 = significant.parse().map_err(|_| Error::TooLarge)?;
    let shift = u32::try_from(shift).map_err(|_| Error::TooLarge)?;
    let factor = 10u128.checked_pow(shift).ok_or(Error::TooLarge)?;
    let units = value.checked_mul(factor).ok_or(Error::TooLarge)?;
    u64::try_from(units).map_err(|_| Error::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn all_notations_of_a_number_share_one() {
        for text in ["1.5", "1.50", "01.5", "15e-1", "0.15E+1", "150e-2"] {
            assert_eq!(canonical(text).as_deref(), Ok("15e-1"), "{text}");
        }
        for text in ["0", "-0", "0.00", "0e7"] {
            assert_eq!(canonical(text).as_deref(), Ok("0e0"), "{text}");
        }
        assert_eq!(canonical("100").as_deref(), Ok("1e2"));
        assert_eq!(canonical("-1"), Err(Error::Negative));
        assert_eq!(canonical("1,5"), Err(Error::Malformed));
    }

    #[test]
    fn reads_what_json_calls_a_number() {
        for (text, units) in [
            ("100", 100_000_000),
            ("0.000001", 1),
            ("1e2", 100_000_000),
            ("1.5E-3", 1_500),
            ("1.50000000000", 1_500_000),
            ("0", 0),
            ("-0.0", 0),
            ("18446744073709.551615", u64::MAX),
        ] {
            assert_eq!(parse(text, 6), Ok(units), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest_by_name() {
        for (text, error) in [
            ("", Error::Malformed),
            (".5", Error::Malformed),
            ("5.", Error::Malformed),
            ("1e", Error::Malformed),
            ("0x10", Error::Malformed),
            ("1 ", Error::Malformed),
            ("NaN", Error::Malformed),
            ("+1", Error::Malformed),
            ("-1", Error::Negative),
            ("0.0000001", Error::TooPrecise { limit: 6 }),
            ("1e-7", Error::TooPrecise { limit: 6 }),
            ("18446744073709.551616", Error::TooLarge),
            ("1e400", Error::TooLarge),
        ] {
            assert_eq!(parse(text, 6), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn writing_and_reading_is_the_identity(units: u64, decimals in 0u8..=18) {
            prop_assert_eq!(parse(&format(u128::from(units), decimals), decimals), Ok(units));
        }

        #[test]
        fn no_text_panics(text in ".{0,80}", decimals in 0u8..=18) {
            let _ = parse(&text, decimals);
        }
    }
}
