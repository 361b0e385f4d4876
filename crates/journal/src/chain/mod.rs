//! The chain's side of the record: landings until they are finalized, order markers.

mod landings;
mod markers;
mod unknown;

pub use landings::{Landing, Landings};
pub use markers::{Markers, OldMarker};

#[cfg(test)]
mod tests;
