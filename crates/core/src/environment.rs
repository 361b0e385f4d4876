use crate::name::every;
use serde::Serialize;
use strum::{IntoStaticStr, VariantArray};

/// Genesis hash of mainnet.
pub const MAINNET_GENESIS_HASH: &str = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";

/// The kind of cluster that orders are executed on. It follows from the genesis hash of the cluster, not from
/// configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, IntoStaticStr, VariantArray)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Environment {
    /// Any cluster but mainnet: tokens without a value.
    Sandbox,
    /// Mainnet: real money.
    Live,
    /// No executor has met a cluster yet.
    Unknown,
}

impl Environment {
    /// Every environment.
    pub const ALL: [Self; 3] = every(Self::VARIANTS);

    /// The environment of a cluster; None if the genesis hash is not known yet.
    pub fn of(genesis_hash: Option<&str>) -> Self {
        match genesis_hash {
            Some(MAINNET_GENESIS_HASH) => Self::Live,
            Some(_) => Self::Sandbox,
            None => Self::Unknown,
        }
    }

    /// The name in API answers.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mainnet_is_live() {
        assert_eq!(Environment::of(Some(MAINNET_GENESIS_HASH)), Environment::Live);
        assert_eq!(
            Environment::of(Some("5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9e")),
            Environment::Sandbox
        );
        assert_eq!(Environment::of(None), Environment::Unknown);
        assert_eq!(Environment::ALL.map(Environment::name), ["sandbox", "live", "unknown"]);
    }
}
