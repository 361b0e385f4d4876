//! A quote as clients see it.

use crate::api::schema::{Address, Decimal, Dex, EnvironmentName, SwapMode, VenueName};
use order_core::quote::{self, Mode};
use order_core::{Atoms, Environment, Fraction, Mint, Slippage, Timestamp, Token, amount, route, token};
use serde::Serialize;
use utoipa::ToSchema;

/// The best quote now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Quote)]
pub(crate) struct Quote {
    /// Id of the quote: the `quoteId` of an order that uses it as its reference.
    #[schema(value_type = uuid::Uuid)]
    quote_id: quote::Id,
    /// Input token: its known symbol, or its mint.
    #[schema(example = "SOL")]
    token_in: String,
    /// Output token: its known symbol, or its mint.
    #[schema(example = "USDC")]
    token_out: String,
    /// The amount of the request.
    #[schema(value_type = Decimal)]
    amount: String,
    /// `exactIn`: spend at most `amount`. A two-hop path leaves a little of it unspent, see `estimatedInput`, or of the
    /// intermediate token, see `leftovers`.
    /// `exactOut`: receive exactly `amount`.
    #[schema(value_type = SwapMode)]
    mode: Mode,
    /// The price and the fee.
    quote: Price,
    /// Estimated input, in whole tokens.
    #[schema(value_type = Decimal)]
    estimated_input: String,
    /// Estimated output after all fees, in whole tokens.
    #[schema(value_type = Decimal)]
    estimated_output: String,
    /// Minimum output of an order with the request's slippage, in whole tokens.
    #[schema(value_type = Decimal)]
    minimum_output: String,
    /// Intermediate tokens that two-hop paths would buy and not sell; they stay with the wallet.
    leftovers: Vec<Leftover>,
    /// Price impact: relative difference to the marginal (spot) price, before fees, as a fraction.
    #[schema(value_type = Decimal)]
    price_impact: String,
    /// Transfer fees that the tokens withhold, as a fraction of the input. It is part neither of `quote.fee` nor of
    /// `priceImpact`.
    #[schema(value_type = Decimal)]
    transfer_fee: String,
    /// The paths side by side, in the order they are swapped.
    paths: Vec<Path>,
    /// The hops of all paths in one list. Use `paths`.
    #[schema(deprecated)]
    route: Vec<Hop>,
    /// The other routes that were considered, best first, at most 32; those that cannot quote come last.
    alternatives: Vec<Alternative>,
    /// Slot of the pool state that was quoted.
    slot: u64,
    /// Age of that state, in milliseconds.
    state_age_ms: u64,
    /// An order may use this quote until this time.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// Time of the quote.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    #[schema(value_type = EnvironmentName)]
    environment: Environment,
}

/// A quote's price and fee.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Price {
    /// The exchange that takes the largest share.
    #[schema(value_type = Option<Dex>, required)]
    dex: Option<&'static str>,
    /// Whole output tokens per whole input token, after all fees, rounded down.
    #[schema(value_type = Option<Decimal>, required)]
    price: Option<String>,
    /// The pools' fee, as a fraction of the input.
    #[schema(value_type = Decimal)]
    fee: String,
    /// The fee in whole input tokens, rounded up.
    #[schema(value_type = Decimal)]
    fee_amount: String,
    /// Input after the fee, in whole tokens.
    #[schema(value_type = Decimal)]
    amount_after_fee: String,
    /// The fee in percent.
    #[schema(pattern = r"^[0-9]+(\.[0-9]+)?%$", example = "0.25%")]
    fee_percentage: String,
}

/// One hop from the input token to the output token, or two with an intermediate token between them.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QuotePath)]
pub(crate) struct Path {
    /// The path's part of the whole input, as a fraction. The shares of all paths add up to 1.
    #[schema(value_type = Decimal)]
    share: String,
    /// One or two, in the order they are swapped.
    hops: Vec<Hop>,
}

/// One pool's swap.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QuoteHop)]
pub(crate) struct Hop {
    #[schema(value_type = Dex)]
    dex: &'static str,
    /// The pool's program.
    #[schema(value_type = VenueName)]
    venue: &'static str,
    /// The same as `venue`.
    #[schema(value_type = VenueName, deprecated)]
    program: &'static str,
    /// The pool's address.
    #[schema(value_type = Address)]
    pool: String,
    token_in: String,
    token_out: String,
    /// The input in whole tokens; null for an intermediate token whose decimals are not known here.
    #[schema(value_type = Option<Decimal>, required)]
    amount_in: Option<String>,
    /// The output in whole tokens, after every fee; null as above.
    #[schema(value_type = Option<Decimal>, required)]
    amount_out: Option<String>,
    /// The share of its path, as a fraction.
    #[schema(value_type = Decimal)]
    share: String,
}

/// An intermediate token of which two hops bought more than they sold.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Leftover {
    /// Its symbol, or else its mint.
    token: String,
    /// The amount in whole tokens; null if the token's decimals are not known here.
    #[schema(value_type = Option<Decimal>, required)]
    amount: Option<String>,
    /// The amount in base units.
    #[schema(value_type = Decimal)]
    base_units: String,
}

/// A route that was considered and not chosen: one pool, two hops, or a split, as the reason says. The first pool
/// identifies it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Alternative {
    #[schema(value_type = Dex)]
    dex: &'static str,
    /// The first pool's program.
    #[schema(value_type = VenueName)]
    venue: &'static str,
    /// The same as `venue`.
    #[schema(value_type = VenueName, deprecated)]
    program: &'static str,
    /// The pool's address.
    #[schema(value_type = Address)]
    pool: String,
    /// Estimated output for the same input, in whole tokens; null if it could not quote, or for an exact output.
    #[schema(value_type = Option<Decimal>, required)]
    estimated_output: Option<String>,
    /// Estimated input for the same output, in whole tokens; null if it could not quote, or for an exact input.
    #[schema(value_type = Option<Decimal>, required)]
    estimated_input: Option<String>,
    /// Reason why it was not chosen.
    reason: String,
}

impl Quote {
    /// The response to a request for a quote.
    pub(crate) fn of(
        quote: &order_core::Quote,
        pair: Pair<'_>,
        amount: Atoms,
        mode: Mode,
        max_slippage: Slippage,
        environment: Environment,
    ) -> Self {
        let (input, output) = (pair.token_in, pair.token_out);
        let fixed = match mode {
            Mode::ExactIn => input,
            Mode::ExactOut => output,
        };
        Self {
            quote_id: quote.id,
            token_in: input.symbol.clone(),
            token_out: output.symbol.clone(),
            amount: amount.to_decimal(fixed.decimals),
            mode,
            quote: Price::of(quote, pair),
            estimated_input: quote.amount_in().to_decimal(input.decimals),
            estimated_output: quote.amount_out().to_decimal(output.decimals),
            minimum_output: max_slippage.min_out(quote.amount_out()).to_decimal(output.decimals),
            leftovers: Leftover::all(&quote.route.leftovers(), pair),
            price_impact: quote.price_impact.to_decimal(),
            transfer_fee: quote.transfer_fee.to_decimal(),
            paths: Path::all(quote, pair),
            route: Hop::all(quote, pair),
            alternatives: Alternative::all(quote, pair, mode),
            slot: quote.slot,
            state_age_ms: quote.state_age_ms,
            expires_at: quote.expires_at,
            timestamp: quote.created_at,
            environment,
        }
    }
}

impl Price {
    pub(crate) fn of(quote: &order_core::Quote, pair: Pair<'_>) -> Self {
        let (input, output) = (pair.token_in, pair.token_out);
        let rate = u64::try_from(quote.fee.billionths()).unwrap_or(0);
        // A fee of at most the whole never leaves 64 bits.
        let fee =
            quote.amount_in().mul_div_ceil(rate, Fraction::ONE_IN_BILLIONTHS).unwrap_or(quote.amount_in());
        let after_fee = quote.amount_in().checked_sub(fee).unwrap_or(Atoms::ZERO);
        Self {
            dex: quote.dex().map(order_core::Dex::name),
            price: amount::price(quote.amount_in(), input.decimals, quote.amount_out(), output.decimals),
            fee: quote.fee.to_decimal(),
            fee_amount: fee.to_decimal(input.decimals),
            amount_after_fee: after_fee.to_decimal(input.decimals),
            fee_percentage: format!("{}%", quote.fee.to_percent()),
        }
    }
}

impl Leftover {
    /// Those of a route or of a fill.
    pub(crate) fn all(leftovers: &[route::Leftover], pair: Pair<'_>) -> Vec<Self> {
        let one = |left: &route::Leftover| {
            let (token, decimals) = pair.name(left.mint);
            let amount = decimals.map(|decimals| left.amount.to_decimal(decimals));
            Self { token, amount, base_units: left.amount.get().to_string() }
        };
        leftovers.iter().map(one).collect()
    }
}

impl Path {
    pub(crate) fn all(quote: &order_core::Quote, pair: Pair<'_>) -> Vec<Self> {
        quote.route.paths().iter().map(|path| Self::of(path, pair)).collect()
    }

    fn of(path: &route::Path, pair: Pair<'_>) -> Self {
        let hops = path.hops().map(|hop| Hop::of(hop, path.share(), pair));
        Self { share: path.share().to_decimal(), hops: hops.collect() }
    }
}

impl Hop {
    pub(crate) fn all(quote: &order_core::Quote, pair: Pair<'_>) -> Vec<Self> {
        quote.route.hops_with_shares().map(|(hop, share)| Self::of(hop, share, pair)).collect()
    }

    fn of(hop: &route::Hop, share: Fraction, pair: Pair<'_>) -> Self {
        let (input, output) = (pair.name(hop.mint_in), pair.name(hop.mint_out));
        Self {
            dex: hop.venue.dex().name(),
            venue: hop.venue.name(),
            program: hop.venue.name(),
            pool: hop.pool.to_string(),
            amount_in: input.1.map(|decimals| hop.amount_in.to_decimal(decimals)),
            amount_out: output.1.map(|decimals| hop.amount_out.to_decimal(decimals)),
            token_in: input.0,
            token_out: output.0,
            share: share.to_decimal(),
        }
    }
}

impl Alternative {
    pub(crate) fn all(quote: &order_core::Quote, pair: Pair<'_>, mode: Mode) -> Vec<Self> {
        quote.alternatives.iter().map(|alternative| Self::of(alternative, pair, mode)).collect()
    }

    fn of(alternative: &quote::Alternative, pair: Pair<'_>, mode: Mode) -> Self {
        let (estimated_output, estimated_input) = match mode {
            Mode::ExactIn => {
                (alternative.amount.map(|amount| amount.to_decimal(pair.token_out.decimals)), None)
            }
            Mode::ExactOut => {
                (None, alternative.amount.map(|amount| amount.to_decimal(pair.token_in.decimals)))
            }
        };
        Self {
            dex: alternative.venue.dex().name(),
            venue: alternative.venue.name(),
            program: alternative.venue.name(),
            pool: alternative.pool.to_string(),
            estimated_output,
            estimated_input,
            reason: alternative.reason.clone(),
        }
    }
}

/// The two tokens that a quote or an order is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair<'a> {
    /// The input token.
    pub(crate) token_in: &'a Token,
    /// The output token.
    pub(crate) token_out: &'a Token,
}

impl Pair<'_> {
    /// A token's symbol, or else its mint, and its decimals where they are known.
    fn name(self, mint: Mint) -> (String, Option<u8>) {
        [self.token_in, self.token_out]
            .into_iter()
            .cloned()
            .chain(token::known())
            .find(|token| token.mint == mint)
            .map_or_else(|| (mint.to_string(), None), |token| (token.symbol, Some(token.decimals)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::example;

    #[test]
    fn a_quote_keeps_its_wire_form() {
        let (input, output) = (example::token("SOL"), example::token("USDC"));
        let pair = Pair { token_in: &input, token_out: &output };
        let quote = example::quote(15_000_000_000);
        let slippage = Slippage::parse("0.01").unwrap();
        let seen = Quote::of(&quote, pair, quote.amount_in(), Mode::ExactIn, slippage, Environment::Live);
        assert_eq!(
            serde_json::to_string(&seen).unwrap(),
            concat!(
                r#"{"quoteId":"00000000-0000-0000-0000-000000000005","tokenIn":"SOL","tokenOut":"USDC","amount":"100","mode":"exactIn","#,
                r#""quote":{"dex":"Raydium","price":"150","fee":"0.0025","feeAmount":"0.25","amountAfterFee":"99.75","feePercentage":"0.25%"},"#,
                r#""estimatedInput":"100","estimatedOutput":"15000","minimumOutput":"14850","leftovers":[],"priceImpact":"0.0012","transferFee":"0","#,
                r#""paths":[{"share":"1","hops":[{"dex":"Raydium","venue":"raydium_cpmm","program":"raydium_cpmm","pool":"CktRuQ2mttgRGkXJtyksdKHjUdc2C4TgDzyB98oEzy8","tokenIn":"SOL","tokenOut":"USDC","amountIn":"100","amountOut":"15000","share":"1"}]}],"#,
                r#""route":[{"dex":"Raydium","venue":"raydium_cpmm","program":"raydium_cpmm","pool":"CktRuQ2mttgRGkXJtyksdKHjUdc2C4TgDzyB98oEzy8","tokenIn":"SOL","tokenOut":"USDC","amountIn":"100","amountOut":"15000","share":"1"}],"#,
                r#""alternatives":[{"dex":"Meteora","venue":"meteora_damm_v2","program":"meteora_damm_v2","pool":"GgBaCs3NCBuZN12kCJgAW63ydqohFkHEdfdEXBPzLHq","estimatedOutput":"14990.5","estimatedInput":null,"reason":"gives less"}],"#,
                r#""slot":5,"stateAgeMs":20,"expiresAt":"1970-01-01T00:00:30Z","timestamp":"1970-01-01T00:00:00Z","environment":"live"}"#
            )
        );
    }

    #[test]
    fn an_exact_output_fixes_the_output_and_asks_pools_for_their_input() {
        let (input, output) = (example::token("SOL"), example::token("USDC"));
        let pair = Pair { token_in: &input, token_out: &output };
        let quote = example::quote(15_000_000_000);
        let (amount, slippage) = (quote.amount_out(), Slippage::parse("0").unwrap());
        let seen = Quote::of(&quote, pair, amount, Mode::ExactOut, slippage, Environment::Sandbox);
        assert_eq!((seen.amount.as_str(), seen.estimated_input.as_str()), ("15000", "100"));
        assert_eq!(seen.alternatives[0].estimated_output, None);
        assert_eq!(seen.alternatives[0].estimated_input.as_deref(), Some("14.9905"));
    }

    #[test]
    fn unknown_decimals_of_an_intermediate_token_are_null() {
        let (input, output) = (example::token("SOL"), example::token("USDC"));
        let pair = Pair { token_in: &input, token_out: &output };
        let stranger = Mint::new([9; 32]);
        assert_eq!(pair.name(stranger), (stranger.to_string(), None));
        assert_eq!(pair.name(example::token("BONK").mint), ("BONK".to_owned(), Some(5)));
    }
}
