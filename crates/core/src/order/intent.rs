use super::Expiry;
use crate::{Atoms, Slippage, Token, quote};
use serde::{Deserialize, Serialize};

/// Why something cannot be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIntent {
    /// The input and the output are the same token.
    #[error("the input and the output token must differ")]
    EqualTokens,
    /// Nothing would be spent.
    #[error("the amount must be greater than zero")]
    ZeroAmount,
}

/// The quote that a caller has seen, which the order's slippage is measured from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The quote's id.
    pub quote_id: quote::Id,
    /// The output that it promised, in base units.
    pub amount_out: Atoms,
}

/// An order's intent: spend exactly this much, at the market, within this slippage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Intent {
    token_in: Token,
    token_out: Token,
    amount_in: Atoms,
    max_slippage: Slippage,
    // Recorded under the name that it had first.
    #[serde(rename = "anchor")]
    reference: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiry: Option<Expiry>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    use_full_input: bool,
}

impl Intent {
    /// A market order.
    ///
    /// # Errors
    /// Equal tokens, or nothing to spend.
    pub fn market(
        token_in: Token,
        token_out: Token,
        amount_in: Atoms,
        max_slippage: Slippage,
        reference: Option<Reference>,
    ) -> Result<Self, InvalidIntent> {
        let (expiry, use_full_input) = (None, false);
        Unchecked { token_in, token_out, amount_in, max_slippage, reference, expiry, use_full_input }
            .try_into()
    }

    /// The same order, which may not be signed after its expiry.
    #[must_use]
    pub fn expiring(self, expiry: Expiry) -> Self {
        Self { expiry: Some(expiry), ..self }
    }

    /// The same order, which spends its amount to the last base unit if `use_full_input` says so.
    #[must_use]
    pub fn spending_all(self, use_full_input: bool) -> Self {
        Self { use_full_input, ..self }
    }

    /// The token that is spent.
    pub fn token_in(&self) -> &Token {
        &self.token_in
    }

    /// The token that is bought.
    pub fn token_out(&self) -> &Token {
        &self.token_out
    }

    /// How much is spent, in input atoms.
    pub fn amount_in(&self) -> Atoms {
        self.amount_in
    }

    /// The largest accepted shortfall from the reference.
    pub fn max_slippage(&self) -> Slippage {
        self.max_slippage
    }

    /// The quote the caller saw, if one was named.
    pub fn reference(&self) -> Option<&Reference> {
        self.reference.as_ref()
    }

    /// When the order expires. None for orders of before there was an expiry: they never do.
    pub fn expiry(&self) -> Option<Expiry> {
        self.expiry
    }

    /// True if the whole amount must be spent, so that two-hop paths leave none of the input.
    pub fn use_full_input(&self) -> bool {
        self.use_full_input
    }

    /// True if SOL is wrapped or unwrapped on the way.
    pub fn requires_wrapping(&self) -> bool {
        self.token_in.is_native() || self.token_out.is_native()
    }
}

#[derive(Deserialize)]
struct Unchecked {
    token_in: Token,
    token_out: Token,
    amount_in: Atoms,
    max_slippage: Slippage,
    #[serde(rename = "anchor")]
    reference: Option<Reference>,
    #[serde(default)]
    expiry: Option<Expiry>,
    #[serde(default)]
    use_full_input: bool,
}

impl TryFrom<Unchecked> for Intent {
    type Error = InvalidIntent;

    fn try_from(unchecked: Unchecked) -> Result<Self, InvalidIntent> {
        let Unchecked { token_in, token_out, amount_in, max_slippage, reference, expiry, use_full_input } =
            unchecked;
        if token_in.mint == token_out.mint {
            return Err(InvalidIntent::EqualTokens);
        }
        if amount_in.is_zero() {
            return Err(InvalidIntent::ZeroAmount);
        }
        Ok(Self { token_in, token_out, amount_in, max_slippage, reference, expiry, use_full_input })
    }
}
