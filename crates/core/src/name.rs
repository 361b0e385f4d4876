//! Names of the variants of enums, which `strum` derives.

use strum::VariantArray;

/// A name that stands for nothing here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not one of {expected}")]
pub struct UnknownName {
    /// The name that was given.
    pub name: String,
    /// The names that are known.
    pub expected: String,
}

impl UnknownName {
    /// The error for a name that no variant has.
    pub(crate) fn of<T: VariantArray + Copy + Into<&'static str>>(name: &str) -> Self {
        let known: Vec<&str> = T::VARIANTS.iter().map(|variant| (*variant).into()).collect();
        Self { name: name.chars().take(100).collect(), expected: known.join(", ") }
    }
}

/// Every variant. Fails to compile if there are not as many.
pub(crate) const fn every<T: Copy, const COUNT: usize>(variants: &'static [T]) -> [T; COUNT] {
    match variants.first_chunk() {
        Some(every) if variants.len() == COUNT => *every,
        Some(_) | None => panic!("the list has another number of variants"),
    }
}
