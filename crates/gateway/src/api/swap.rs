//! The fields that requests for quotes and orders share.

use crate::http::error_codes::Code;
use crate::http::json_fields::Fields;
use crate::http::problem::{FieldErrors, Problem};
use crate::registry::Registry;
use order_core::quote::Mode;
use order_core::{Atoms, Mint, Slippage, Token, decimal};

/// A swap as requested: valid on its own, with tokens that are not looked up yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SwapRequest {
    /// A known symbol or a mint address; any other text is an unknown token.
    pub(crate) token_in: String,
    pub(crate) token_out: String,
    /// A non-negative decimal number of whole tokens, as the client wrote it.
    amount: String,
    /// The same number in its canonical notation.
    pub(crate) canonical_amount: String,
    mode: Mode,
    pub(crate) max_slippage: Option<Slippage>,
    pub(crate) use_full_input: bool,
}

/// A swap with its tokens looked up: two different tokens, and an amount above zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Swap {
    pub(crate) token_in: Token,
    pub(crate) token_out: Token,
    /// In base units of the token that `mode` fixes.
    pub(crate) amount: Atoms,
    pub(crate) mode: Mode,
    pub(crate) max_slippage: Option<Slippage>,
    /// True if an exact input is spent to the last base unit.
    pub(crate) use_full_input: bool,
}

impl SwapRequest {
    /// Reads the rest of a request's fields. Does no I/O.
    ///
    /// # Errors
    /// All errors that can be found without the router, of these fields and of those read before.
    pub(crate) fn parse(mut fields: Fields<'_>, mode: Mode) -> Result<Self, Problem> {
        let (token_in, token_out) = (fields.text("tokenIn"), fields.text("tokenOut"));
        let amount = fields.number("amount").and_then(|written| match decimal::canonical(&written) {
            Ok(canonical) => Some((written, canonical)),
            Err(error) => {
                fields.refuse(Code::InvalidAmount, "amount", error);
                None
            }
        });
        let max_slippage = fields.optional_number("maxSlippage").and_then(|text| {
            Slippage::parse(&text)
                .map_err(|error| fields.refuse(Code::InvalidSlippage, "maxSlippage", error))
                .ok()
        });
        let use_full_input = fields.optional_flag("useFullInput").unwrap_or(false);
        match (token_in, token_out, amount) {
            (Some(token_in), Some(token_out), Some((amount, canonical_amount))) if !fields.is_refused() => {
                Ok(Self { token_in, token_out, amount, canonical_amount, mode, max_slippage, use_full_input })
            }
            (token_in, token_out, amount) => {
                let mut errors = fields.into_errors();
                let token_in = known(&mut errors, "tokenIn", token_in.as_deref());
                let token_out = known(&mut errors, "tokenOut", token_out.as_deref());
                let amount = amount.as_ref().map(|(written, _)| written.as_str());
                check(&mut errors, token_in.as_ref(), token_out.as_ref(), amount, mode);
                Err(errors.finish().err().unwrap_or_else(incomplete))
            }
        }
    }

    /// Looks up the tokens, and converts the amount to base units.
    ///
    /// # Errors
    /// An unknown token, equal tokens, an amount that the token cannot have, or the router does not answer.
    pub(crate) async fn resolve(self, registry: &Registry) -> Result<Swap, Problem> {
        let Self { mode, max_slippage, use_full_input, .. } = self;
        let mut errors = FieldErrors::default();
        let token_in = find(&mut errors, "tokenIn", &self.token_in, registry).await?;
        let token_out = find(&mut errors, "tokenOut", &self.token_out, registry).await?;
        let amount =
            check(&mut errors, token_in.as_ref(), token_out.as_ref(), Some(self.amount.as_str()), mode);
        errors.finish()?;
        match (token_in, token_out, amount) {
            (Some(token_in), Some(token_out), Some(amount)) => {
                Ok(Swap { token_in, token_out, amount, mode, max_slippage, use_full_input })
            }
            (_, _, _) => Err(incomplete()),
        }
    }
}

fn incomplete() -> Problem {
    Problem::new(Code::InvalidRequest, "the request is not complete")
}

/// The token if it can be found without the router. Text that is no symbol and no mint is an error.
fn known(errors: &mut FieldErrors, field: &str, name: Option<&str>) -> Option<Token> {
    let name = name?;
    let token = Registry::known(name);
    if token.is_none() && name.parse::<Mint>().is_err() {
        unknown(errors, field);
    }
    token
}

/// The token, from the router if it must be.
async fn find(
    errors: &mut FieldErrors,
    field: &str,
    name: &str,
    registry: &Registry,
) -> Result<Option<Token>, Problem> {
    match registry.resolve(name).await {
        Ok(Some(token)) => Ok(Some(token)),
        Ok(None) => {
            unknown(errors, field);
            Ok(None)
        }
        // An invalid request is answered as such even if the router does not answer.
        Err(_) if !errors.is_empty() => Ok(None),
        Err(failure) => Err(Problem::failure(&failure)),
    }
}

fn unknown(errors: &mut FieldErrors, field: &str) {
    let message = "is neither a known symbol nor a mint that can be traded; GET /api/tokens lists them";
    errors.add(Code::UnknownToken, field, message);
}

/// Checks the tokens that were found against each other, and the amount against its token's decimals.
fn check(
    errors: &mut FieldErrors,
    token_in: Option<&Token>,
    token_out: Option<&Token>,
    amount: Option<&str>,
    mode: Mode,
) -> Option<Atoms> {
    if let (Some(input), Some(output)) = (token_in, token_out)
        && input.mint == output.mint
    {
        errors.add(Code::EqualTokens, "tokenOut", "must differ from tokenIn");
    }
    let fixed = match mode {
        Mode::ExactIn => token_in,
        Mode::ExactOut => token_out,
    };
    match Atoms::parse(amount?, fixed?.decimals) {
        Ok(amount) if amount.is_zero() => {
            errors.add(Code::InvalidAmount, "amount", "must be greater than zero");
            None
        }
        Ok(amount) => Some(amount),
        Err(error) => {
            errors.add(Code::InvalidAmount, "amount", error);
            None
        }
    }
}

/// Refuses an amount whose minimum output rounds to zero: the chain would enforce nothing.
///
/// # Errors
/// The minimum is zero.
pub(crate) fn require_minimum(amount_out: Atoms, max_slippage: Slippage) -> Result<(), Problem> {
    if max_slippage.min_out(amount_out).is_zero() {
        let message = "is too small: the minimum output with this slippage rounds to zero";
        return Err(Problem::field(Code::InvalidAmount, "amount", message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amount_whose_minimum_rounds_to_zero_is_refused() {
        let slippage = |text| Slippage::parse(text).unwrap();
        assert!(require_minimum(Atoms::new(1), slippage("0.01")).is_err());
        assert!(require_minimum(Atoms::ZERO, slippage("0")).is_err());
        assert!(require_minimum(Atoms::new(1), slippage("0")).is_ok());
        assert!(require_minimum(Atoms::new(2), slippage("0.01")).is_ok());
    }
}
