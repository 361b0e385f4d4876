use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A name that stands for nothing here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not one of {expected}")]
pub struct UnknownName {
    /// The name that was given.
    pub name: String,
    /// The names that are known.
    pub expected: String,
}

/// An exchange, as its users name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Dex {
    /// raydium.io
    Raydium,
    /// meteora.ag
    Meteora,
    /// orca.so
    Orca,
}

impl Dex {
    /// Every exchange.
    pub const ALL: [Self; 3] = [Self::Raydium, Self::Meteora, Self::Orca];

    /// The name in API answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raydium => "Raydium",
            Self::Meteora => "Meteora",
            Self::Orca => "Orca",
        }
    }
}

impl fmt::Display for Dex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Dex {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|dex| dex.name().eq_ignore_ascii_case(name)).ok_or_else(|| UnknownName {
            name: name.chars().take(100).collect(),
            expected: Self::ALL.map(Self::name).join(", "),
        })
    }
}

/// A pool program: one kind of pool of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Venue {
    /// Raydium's constant-product pools without an order book.
    RaydiumCpmm,
    /// Raydium's oldest pools, of constant product too.
    RaydiumAmmV4,
    /// Meteora's dynamic AMM, first version, whose tokens are in lending vaults.
    MeteoraDammV1,
    /// Raydium's pools of concentrated liquidity.
    RaydiumClmm,
    /// Meteora's dynamic AMM, second version.
    MeteoraDammV2,
    /// Meteora's bins of liquidity, each of one price.
    MeteoraDlmm,
    /// Orca's pools of concentrated liquidity.
    OrcaWhirlpool,
}

impl Venue {
    /// Every pool program.
    pub const ALL: [Self; 7] = [
        Self::RaydiumCpmm,
        Self::RaydiumAmmV4,
        Self::RaydiumClmm,
        Self::MeteoraDammV1,
        Self::MeteoraDammV2,
        Self::MeteoraDlmm,
        Self::OrcaWhirlpool,
    ];

    /// Whose program it is.
    pub const fn dex(self) -> Dex {
        match self {
            Self::RaydiumCpmm | Self::RaydiumAmmV4 | Self::RaydiumClmm => Dex::Raydium,
            Self::MeteoraDammV1 | Self::MeteoraDammV2 | Self::MeteoraDlmm => Dex::Meteora,
            Self::OrcaWhirlpool => Dex::Orca,
        }
    }

    /// The name in API answers and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RaydiumCpmm => "raydium_cpmm",
            Self::RaydiumAmmV4 => "raydium_amm_v4",
            Self::RaydiumClmm => "raydium_clmm",
            Self::MeteoraDammV1 => "meteora_damm_v1",
            Self::MeteoraDammV2 => "meteora_damm_v2",
            Self::MeteoraDlmm => "meteora_dlmm",
            Self::OrcaWhirlpool => "orca_whirlpool",
        }
    }
}

impl fmt::Display for Venue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Venue {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|venue| venue.name() == name).ok_or_else(|| UnknownName {
            name: name.chars().take(100).collect(),
            expected: Self::ALL.map(Self::name).join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for venue in Venue::ALL {
            assert_eq!(venue.name().parse(), Ok(venue));
            assert_eq!(serde_json::to_string(&venue).unwrap(), format!("\"{venue}\""));
        }
        for dex in Dex::ALL {
            assert_eq!(dex.name().parse(), Ok(dex));
        }
        assert!("raydium_amm_v9".parse::<Venue>().is_err());
    }
}
