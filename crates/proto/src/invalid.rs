use std::fmt::Display;

/// A field of a message that cannot be what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Invalid {
    /// The field's name on the wire.
    pub field: &'static str,
    /// The fault, as a sentence for people.
    pub message: String,
}

impl Invalid {
    pub(crate) fn new(field: &'static str, message: impl Display) -> Self {
        Self { field, message: message.to_string() }
    }
}

/// Reads a text field, or says which field is no such thing.
pub(crate) fn parse<T>(field: &'static str, text: &str) -> Result<T, Invalid>
where
    T: std::str::FromStr,
    T::Err: Display,
{
    text.parse().map_err(|error| Invalid::new(field, error))
}
