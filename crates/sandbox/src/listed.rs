//! The tokens that the cluster begins with.

use amm::{PoolToken, TransferFee};
use order_core::token::{Program, known};
use order_core::{Mint, Pubkey};

/// A token of Token-2022 of which a part of each transfer is withheld.
const TAXED: Mint =
    Mint::new(Pubkey::from_str_const("CKfatsPMUf8SkiURsDXs7eK6GWb4Jsd6UDbs7twMCWxo").to_bytes());
const TAXED_SYMBOL: &str = "BERN";
const TAXED_DECIMALS: u8 = 5;

/// The part of each transfer that is withheld: 6.9 %, at most ten million tokens.
const TAX: TransferFee = TransferFee { basis_points: 690, maximum: 1_000_000_000_000 };

/// A token by the symbol that the cluster's own lists use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) symbol: String,
    pub(crate) token: PoolToken,
}

/// All of them, SOL first.
pub(crate) fn tokens() -> impl Iterator<Item = Listed> {
    let plain = known().map(|token| {
        let transfer_fee = TransferFee::default();
        let kept =
            PoolToken { mint: token.mint, decimals: token.decimals, program: token.program, transfer_fee };
        Listed { symbol: token.symbol, token: kept }
    });
    let taxed =
        PoolToken { mint: TAXED, decimals: TAXED_DECIMALS, program: Program::Token2022, transfer_fee: TAX };
    plain.chain([Listed { symbol: TAXED_SYMBOL.to_owned(), token: taxed }])
}

/// The token of a symbol.
pub(crate) fn token(symbol: &str) -> Option<PoolToken> {
    tokens().find(|listed| listed.symbol == symbol).map(|listed| listed.token)
}
