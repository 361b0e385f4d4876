//! Tokens, and the few that are known by their symbol.

use crate::Mint;
use serde::{Deserialize, Serialize};

/// The most decimals a token may have: ratios of two amounts then fit in 128 bits.
pub const MAX_DECIMALS: u8 = 18;

/// Which program keeps a token's accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Program {
    /// The original SPL Token program.
    SplToken,
    /// Token-2022, with extensions such as transfer fees.
    Token2022,
}

impl Program {
    /// The name in API answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SplToken => "spl_token",
            Self::Token2022 => "token_2022",
        }
    }
}

/// A token that can be traded.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Token {
    /// The symbol of a known token, the mint's address of any other.
    pub symbol: String,
    /// The token's address on the chain.
    pub mint: Mint,
    /// Digits after the point of a whole token; at most [`MAX_DECIMALS`].
    pub decimals: u8,
    /// The program that keeps its accounts.
    pub program: Program,
}

impl Token {
    /// True if this is SOL: held as lamports, wrapped into a token account for the swap only.
    pub fn is_native(&self) -> bool {
        self.mint == NATIVE_MINT
    }

    /// True if an issuer gives a US dollar for it. It has six decimals then.
    pub fn is_dollar(&self) -> bool {
        self.mint == USDC_MINT || self.mint == USDT_MINT
    }
}

/// The mint of wrapped SOL, which stands for SOL itself everywhere.
pub const NATIVE_MINT: Mint = mint("So11111111111111111111111111111111111111112");

/// The mint of USDC.
pub const USDC_MINT: Mint = mint("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v");

const USDT_MINT: Mint = mint("Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB");

const KNOWN: [(&str, Mint, u8); 6] = [
    ("SOL", NATIVE_MINT, 9),
    ("USDC", USDC_MINT, 6),
    ("USDT", USDT_MINT, 6),
    ("RAY", mint("4k3Dyjzvzp8eMZWUXbBCjEvwSkkk59S5iCNLY3QrkX6R"), 6),
    ("JUP", mint("JUPyiwrYJFskUPiHa7hkeR8VUtAeFoSYbKedZNsDvCN"), 6),
    ("BONK", mint("DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263"), 5),
];

/// Every token that is known by its symbol, SOL first.
pub fn known() -> impl Iterator<Item = Token> {
    KNOWN.into_iter().map(|(symbol, mint, decimals)| Token {
        symbol: symbol.to_owned(),
        mint,
        decimals,
        program: Program::SplToken,
    })
}

/// The symbol of a known mint.
pub fn symbol(mint: Mint) -> Option<&'static str> {
    KNOWN.into_iter().find(|(_, known, _)| *known == mint).map(|(symbol, _, _)| symbol)
}

const fn mint(address: &str) -> Mint {
    Mint::new(solana_pubkey::Pubkey::from_str_const(address).to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_tokens_are_distinct_and_sol_is_native() {
        let known: Vec<Token> = known().collect();
        assert!(known[0].is_native() && !known[1].is_native());
        let dollars: Vec<&str> =
            known.iter().filter(|token| token.is_dollar()).map(|token| token.symbol.as_str()).collect();
        assert_eq!(dollars, ["USDC", "USDT"]);
        assert!(known.iter().all(|token| !token.is_dollar() || token.decimals == 6));
        for token in &known {
            assert_eq!(
                known.iter().filter(|other| other.mint == token.mint || other.symbol == token.symbol).count(),
                1
            );
            assert_eq!(symbol(token.mint), Some(token.symbol.as_str()));
        }
    }
}
