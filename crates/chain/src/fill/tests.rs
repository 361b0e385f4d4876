use super::*;
use crate::LandedTransaction;
use crate::wire::WireTransaction;
use order_core::token;
use serde_json::json;

const WALLET: &str = "GmaDrppBC7P5ARKV8g3djiwP89vz1jLK23V2GBjuAEGB";
const TEMPORARY: &str = "DSU5VmrBZ5yDphQ86HUQA5nPgbm2w4MCSfGFynfZUrWa";
const USDC_ACCOUNT: &str = "7woc3ajaGMMXczFYjxon4aQoHH3j126fMUR9c58eHRsK";
const USDT_ACCOUNT: &str = "FXJ6Y213C7fJdcwmDRXUtFsokkV1XAni6JwD1Jf1rxcB";
const POOL: &str = "GpMZbSM2GgvTKHJirzeGfMFoaZ8UR2X7F4v8vHTvxFbL";
const MARKER: &str = "Emm5qJu64jqd9w3Fv3YdrEeTySwbVYdmjjADaRWZMJPY";
const SOL: &str = "So11111111111111111111111111111111111111112";
const USDC: &str = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v";
const USDT: &str = "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB";

fn trade(token_in: &str, token_out: &str) -> Trade {
    let known = |symbol: &str| token::known().find(|token| token.symbol == symbol).unwrap();
    let [wallet, temporary] = [WALLET, TEMPORARY].map(|address| address.parse().unwrap());
    let (token_in, token_out) = (known(token_in), known(token_out));
    let (max_in, min_out, tip) = (Atoms::new(u64::MAX), Atoms::ZERO, Atoms::ZERO);
    Trade {
        wallet,
        temporary,
        token_in,
        token_out,
        max_in,
        min_out,
        tip,
        marker: Some(MARKER.parse().unwrap()),
        kept: Vec::new(),
    }
}

/// A transaction as `getTransaction` gives it; `meta` replaces what differs.
fn landed(meta: serde_json::Value) -> LandedTransaction {
    let mut whole = json!({
        "blockTime": 1_732_262_400, "slot": 301_234_567, "version": 0,
        "transaction": ["AQAB", "base64"],
        "meta": {
            "computeUnitsConsumed": 41_234, "costUnits": 50_000, "err": null, "fee": 5_001,
            "innerInstructions": [], "loadedAddresses": { "readonly": [], "writable": [] },
            "logMessages": ["Program 11111111111111111111111111111111 success"],
            "preBalances": [], "postBalances": [], "preTokenBalances": [], "postTokenBalances": [],
            "rewards": [], "returnData": null, "status": { "Ok": null }
        }
    });
    for (name, value) in meta.as_object().unwrap() {
        whole["meta"][name] = value.clone();
    }
    serde_json::from_value::<WireTransaction>(whole).unwrap().decode().unwrap()
}

fn holding(index: usize, owner: &str, mint: &str, amount: &str) -> serde_json::Value {
    json!({
        "accountIndex": index, "mint": mint, "owner": owner,
        "programId": "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
        "uiTokenAmount": { "amount": amount, "decimals": 6, "uiAmount": 0.1, "uiAmountString": "0.1" }
    })
}

fn fill(
    trade: &Trade,
    accounts: &[&str],
    meta: serde_json::Value,
) -> Result<(u64, u64, u64, u64), InvalidBalances> {
    let accounts: Vec<Pubkey> = accounts.iter().map(|account| account.parse().unwrap()).collect();
    let landed = landed(meta);
    let fill = landed.balances.fill(trade, &accounts, landed.slot)?;
    Ok((fill.amount_in.get(), fill.amount_out.get(), fill.network_fee.get(), fill.slot))
}

#[test]
fn the_rent_of_a_new_account_is_not_spent_on_the_swap() {
    // 1 SOL for 150.25 USDC; the USDC account is opened by the same transaction for 2 039 280 lamports.
    let meta = json!({
        "preBalances": [10_000_000_000u64, 0, 0, 70_000_000_000u64],
        "postBalances": [10_000_000_000u64 - 1_000_000_000 - 2_039_280 - 5_001, 0, 2_039_280, 71_000_000_000u64],
        "preTokenBalances": [holding(3, POOL, SOL, "70000000000")],
        "postTokenBalances": [holding(2, WALLET, USDC, "150250000"), holding(3, POOL, SOL, "71000000000")],
    });
    let accounts = [WALLET, TEMPORARY, USDC_ACCOUNT, POOL];
    assert_eq!(
        fill(&trade("SOL", "USDC"), &accounts, meta),
        Ok((1_000_000_000, 150_250_000, 5_001, 301_234_567))
    );
}

#[test]
fn lamports_that_were_sent_to_the_temporary_account_are_no_part_of_the_trade() {
    // Nobody knows better than the wallet's balance that 3 SOL were there: it gains 2 although it sells 1.
    let meta = json!({
        "preBalances": [10_000_000_000u64, 3_000_000_000u64, 2_039_280],
        "postBalances": [12_000_000_000u64 - 5_001, 0, 2_039_280],
        "preTokenBalances": [holding(2, WALLET, USDC, "0")],
        "postTokenBalances": [holding(2, WALLET, USDC, "150250000")],
    });
    assert_eq!(
        fill(&trade("SOL", "USDC"), &[WALLET, TEMPORARY, USDC_ACCOUNT], meta),
        Ok((1_000_000_000, 150_250_000, 5_001, 301_234_567))
    );
}

#[test]
fn bought_sol_is_counted_before_the_network_fee() {
    // The wallet gains 0.5 SOL and pays 5001 lamports for the transaction.
    let meta = json!({
        "preBalances": [10_000_000_000u64, 0, 2_039_280],
        "postBalances": [10_499_994_999u64, 0, 2_039_280],
        "preTokenBalances": [holding(2, WALLET, USDC, "200000000")],
        "postTokenBalances": [holding(2, WALLET, USDC, "124000000")],
    });
    assert_eq!(
        fill(&trade("USDC", "SOL"), &[WALLET, TEMPORARY, USDC_ACCOUNT], meta),
        Ok((76_000_000, 500_000_000, 5_001, 301_234_567))
    );
}

#[test]
fn a_tip_is_no_part_of_the_trade() {
    let tipped = |trade: Trade| Trade { tip: Atoms::new(700_000), ..trade };
    // 1 SOL for 150.25 USDC, and 0.0007 SOL for whoever landed it.
    let meta = json!({
        "preBalances": [10_000_000_000u64, 0, 2_039_280],
        "postBalances": [10_000_000_000u64 - 1_000_000_000 - 700_000 - 5_001, 0, 2_039_280],
        "preTokenBalances": [holding(2, WALLET, USDC, "0")],
        "postTokenBalances": [holding(2, WALLET, USDC, "150250000")],
    });
    let accounts = [WALLET, TEMPORARY, USDC_ACCOUNT];
    let spent = fill(&tipped(trade("SOL", "USDC")), &accounts, meta);
    assert_eq!(spent, Ok((1_000_000_000, 150_250_000, 5_001, 301_234_567)));
    // 76 USDC for half a SOL.
    let meta = json!({
        "preBalances": [10_000_000_000u64, 0, 2_039_280],
        "postBalances": [10_500_000_000u64 - 700_000 - 5_001, 0, 2_039_280],
        "preTokenBalances": [holding(2, WALLET, USDC, "200000000")],
        "postTokenBalances": [holding(2, WALLET, USDC, "124000000")],
    });
    let bought = fill(&tipped(trade("USDC", "SOL")), &accounts, meta);
    assert_eq!(bought, Ok((76_000_000, 500_000_000, 5_001, 301_234_567)));
}

#[test]
fn so_little_sol_that_the_fee_exceeds_it_is_still_a_fill() {
    let meta = json!({
        "preBalances": [10_000_000_000u64, 0, 2_039_280],
        "postBalances": [9_999_995_999u64, 0, 2_039_280],
        "preTokenBalances": [holding(2, WALLET, USDC, "200")],
        "postTokenBalances": [holding(2, WALLET, USDC, "100")],
    });
    assert_eq!(
        fill(&trade("USDC", "SOL"), &[WALLET, TEMPORARY, USDC_ACCOUNT], meta),
        Ok((100, 1_000, 5_001, 301_234_567))
    );
}

#[test]
fn two_tokens_are_counted_by_the_wallets_own_accounts() {
    // The pool's accounts of the same mints move the other way, and the output account is new.
    let meta = json!({
        "preBalances": [10_000_000_000u64, 2_039_280, 0, 5],
        "postBalances": [9_997_955_719u64, 2_039_280, 2_039_280, 5],
        "preTokenBalances": [holding(1, WALLET, USDC, "1000000"), holding(3, POOL, USDC, "7")],
        "postTokenBalances": [
            holding(1, WALLET, USDC, "0"), holding(2, WALLET, USDT, "999000"), holding(3, POOL, USDC, "1000007")
        ],
    });
    assert_eq!(
        fill(&trade("USDC", "USDT"), &[WALLET, USDC_ACCOUNT, USDT_ACCOUNT, POOL], meta),
        Ok((1_000_000, 999_000, 5_001, 301_234_567))
    );
}

#[test]
fn a_token_between_and_what_is_left_of_the_input_do_not_count() {
    // Of 1 USDC 0.999998 is swapped for SOL in the temporary account, and that for USDT.
    let meta = json!({
        "preBalances": [10_000_000_000u64, 0, 2_039_280, 0, 9_000_000_000u64],
        "postBalances": [9_997_955_719u64, 0, 2_039_280, 2_039_280, 9_000_000_000u64],
        "preTokenBalances": [holding(2, WALLET, USDC, "1000000"), holding(4, POOL, SOL, "9000000000")],
        "postTokenBalances": [
            holding(2, WALLET, USDC, "2"), holding(3, WALLET, USDT, "999000"), holding(4, POOL, SOL, "9000000000")
        ],
    });
    let accounts = [WALLET, TEMPORARY, USDC_ACCOUNT, USDT_ACCOUNT, POOL];
    assert_eq!(fill(&trade("USDC", "USDT"), &accounts, meta), Ok((999_998, 999_000, 5_001, 301_234_567)));
    // SOL for USDC over USDT, whose account is opened on the way: its rent is not spent.
    let meta = json!({
        "preBalances": [10_000_000_000u64, 0, 2_039_280, 0],
        "postBalances": [10_000_000_000u64 - 999_999_998 - 2_039_280 - 5_001, 0, 2_039_280, 2_039_280],
        "preTokenBalances": [holding(2, WALLET, USDC, "5")],
        "postTokenBalances": [holding(2, WALLET, USDC, "150250005"), holding(3, WALLET, USDT, "0")],
    });
    let accounts = [WALLET, TEMPORARY, USDC_ACCOUNT, USDT_ACCOUNT];
    assert_eq!(
        fill(&trade("SOL", "USDC"), &accounts, meta),
        Ok((999_999_998, 150_250_000, 5_001, 301_234_567))
    );
}

#[test]
fn balances_that_do_not_fit_the_trade_are_refused() {
    let accounts = [WALLET, TEMPORARY, USDC_ACCOUNT];
    let moved = |before: &str, after: &str| {
        json!({
            "preBalances": [10_000_000_000u64, 0, 0], "postBalances": [9_000_000_000u64, 0, 0],
            "preTokenBalances": [holding(2, WALLET, USDC, before)],
            "postTokenBalances": [holding(2, WALLET, USDC, after)],
        })
    };
    let sol_for_usdc = trade("SOL", "USDC");
    assert!(fill(&sol_for_usdc, &accounts, moved("0", "1")).is_ok());
    assert!(fill(&sol_for_usdc, &accounts, moved("1", "0")).is_err(), "the output fell");
    assert!(fill(&sol_for_usdc, &accounts, moved("1", "1")).is_err(), "nothing arrived");
    assert!(fill(&trade("USDC", "SOL"), &accounts, moved("1", "0")).is_err(), "no SOL arrived");
    assert!(fill(&sol_for_usdc, &accounts[1..], moved("0", "1")).is_err(), "the wallet is not among them");
    assert!(fill(&trade("SOL", "USDT"), &accounts, moved("0", "1")).is_err(), "no balance of the token");
    let mut short = moved("0", "1");
    short["postBalances"] = json!([9_000_000_000u64]);
    assert!(fill(&sol_for_usdc, &accounts, short).is_err(), "an account is missing");
}

#[test]
fn the_change_of_each_token_account_is_told_that_lives_through_it() {
    let meta = json!({
        "preTokenBalances": [holding(1, POOL, USDC, "500"), holding(2, POOL, SOL, "40"), holding(3, WALLET, USDC, "1")],
        "postTokenBalances": [holding(1, POOL, USDC, "450"), holding(2, POOL, SOL, "47"), holding(0, WALLET, USDT, "9")]
    });
    let accounts = [TEMPORARY, USDC_ACCOUNT, USDT_ACCOUNT, POOL].map(|account| account.parse().unwrap());
    let changes = landed(meta).balances.token_changes(&accounts);
    assert_eq!(changes, HashMap::from([(accounts[1], -50), (accounts[2], 7)]));
}

/// A fill's leftovers, as mint and amount.
fn leftovers(trade: &Trade, accounts: &[&str], meta: serde_json::Value) -> Vec<(String, u64)> {
    let accounts: Vec<Pubkey> = accounts.iter().map(|account| account.parse().unwrap()).collect();
    let landed = landed(meta);
    let fill = landed.balances.fill(trade, &accounts, landed.slot).unwrap();
    fill.leftovers.iter().map(|left| (left.mint.to_string(), left.amount.get())).collect()
}

#[test]
fn what_is_bought_between_and_not_sold_is_left_over() {
    // USDC for SOL through USDT, whose account is opened by the transaction: 0.07 USDT stay.
    let meta = json!({
        "preBalances": [10_000_000_000u64, 0, 2_039_280, 0, 2_039_280],
        "postBalances": [10_500_000_000u64 - 2_039_280 - 5_001, 0, 2_039_280, 2_039_280, 2_039_280],
        "preTokenBalances": [holding(2, WALLET, USDC, "200000000"), holding(4, POOL, USDT, "9000000")],
        "postTokenBalances": [
            holding(2, WALLET, USDC, "124000000"), holding(3, WALLET, USDT, "70000"),
            holding(4, POOL, USDT, "8000000"),
        ],
    });
    let accounts = [WALLET, TEMPORARY, USDC_ACCOUNT, USDT_ACCOUNT, POOL];
    assert_eq!(leftovers(&trade("USDC", "SOL"), &accounts, meta), [(USDT.to_owned(), 70_000)]);
}

#[test]
fn lamports_that_a_program_keeps_for_the_wallet_are_not_spent() {
    // 1 SOL for 150.25 USDC; an account that counts the wallet's purchases is made for 1 844 400 lamports.
    let meta = json!({
        "preBalances": [10_000_000_000u64, 0, 2_039_280, 0],
        "postBalances": [10_000_000_000u64 - 1_000_000_000 - 1_844_400 - 5_001, 0, 2_039_280, 1_844_400],
        "preTokenBalances": [holding(2, WALLET, USDC, "0")],
        "postTokenBalances": [holding(2, WALLET, USDC, "150250000")],
    });
    let accounts = [WALLET, TEMPORARY, USDC_ACCOUNT, POOL];
    let keeping = trade("SOL", "USDC").keeping([POOL.parse().unwrap()]);
    let of = |trade: &Trade| fill(trade, &accounts, meta.clone());
    assert_eq!(of(&keeping), Ok((1_000_000_000, 150_250_000, 5_001, 301_234_567)));
    assert_eq!(of(&trade("SOL", "USDC")), Ok((1_001_844_400, 150_250_000, 5_001, 301_234_567)));
}

#[test]
fn lamports_are_left_over_beside_fee_tip_and_marker() {
    // USDC for USDT through SOL: 0.004 SOL stay, and the marker keeps its own.
    let meta = |marker: u64, left: u64| {
        json!({
            "preBalances": [10_000_000_000u64, 0, 2_039_280, 2_039_280, 0],
            "postBalances": [10_000_000_000u64 + left - 700_000 - marker - 5_001, 0, 2_039_280, 2_039_280, marker],
            "preTokenBalances": [holding(2, WALLET, USDC, "200000000"), holding(3, WALLET, USDT, "5")],
            "postTokenBalances": [holding(2, WALLET, USDC, "124000000"), holding(3, WALLET, USDT, "75000005")],
        })
    };
    let trade = Trade { tip: Atoms::new(700_000), ..trade("USDC", "USDT") };
    let accounts = [WALLET, TEMPORARY, USDC_ACCOUNT, USDT_ACCOUNT, MARKER];
    assert_eq!(leftovers(&trade, &accounts, meta(890_880, 4_000_000)), [(SOL.to_owned(), 4_000_000)]);
    assert_eq!(leftovers(&trade, &accounts, meta(890_880, 0)), []);
}
