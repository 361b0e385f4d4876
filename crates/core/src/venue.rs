use crate::name::{UnknownName, every};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// An exchange, as its users name it.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(ascii_case_insensitive, parse_err_ty = UnknownName, parse_err_fn = UnknownName::of::<Self>)]
pub enum Dex {
    /// raydium.io
    Raydium,
    /// meteora.ag
    Meteora,
    /// orca.so
    Orca,
    /// swap.pump.fun
    PumpSwap,
}

impl Dex {
    /// Every exchange.
    pub const ALL: [Self; 4] = every(Self::VARIANTS);

    /// The name in API answers.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A pool program: one kind of pool of one exchange.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", parse_err_ty = UnknownName, parse_err_fn = UnknownName::of::<Self>)]
pub enum Venue {
    /// Raydium's constant-product pools without an order book.
    RaydiumCpmm,
    /// Raydium's oldest pools, of constant product too.
    RaydiumAmmV4,
    /// Raydium's pools of concentrated liquidity.
    RaydiumClmm,
    /// Meteora's dynamic AMM, first version, whose tokens are in lending vaults.
    MeteoraDammV1,
    /// Meteora's dynamic AMM, second version.
    MeteoraDammV2,
    /// Meteora's bins of liquidity, each of one price.
    MeteoraDlmm,
    /// Orca's pools of concentrated liquidity.
    OrcaWhirlpool,
    /// Pump's constant-product pools, whose fees follow from the token's market capitalisation.
    PumpSwap,
}

impl Venue {
    /// Every pool program.
    pub const ALL: [Self; 8] = every(Self::VARIANTS);

    /// Whose program it is.
    pub const fn dex(self) -> Dex {
        match self {
            Self::RaydiumCpmm | Self::RaydiumAmmV4 | Self::RaydiumClmm => Dex::Raydium,
            Self::MeteoraDammV1 | Self::MeteoraDammV2 | Self::MeteoraDlmm => Dex::Meteora,
            Self::OrcaWhirlpool => Dex::Orca,
            Self::PumpSwap => Dex::PumpSwap,
        }
    }

    /// The name in API answers and metrics.
    pub fn name(self) -> &'static str {
        self.into()
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
