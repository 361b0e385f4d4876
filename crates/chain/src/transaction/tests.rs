use super::*;
use crate::Hash;
use futures_util::FutureExt as _;
use order_core::AccountAddress;
use solana_instruction::AccountMeta;

mod v1;

const WALLET: &str = "GmaDrppBC7P5ARKV8g3djiwP89vz1jLK23V2GBjuAEGB";
/// The marker's seed, and what it makes.
const SEED: &str = "abcdefghijklmnop";
const TEMPORARY: &str = "Brn15t61Zrbta1SHNBJz5w5zvPci8K7FZu3vkf3TcepM";
const MARKER: &str = "2aTV8JXztKxghRrFFMVtigV4BWGg6AWRSnQb97d82Xvf";
const USDC_ACCOUNT: &str = "7woc3ajaGMMXczFYjxon4aQoHH3j126fMUR9c58eHRsK";
const POOL_PROGRAM: Pubkey = Pubkey::new_from_array([9; 32]);

const NO_RESERVED: Option<&std::collections::HashSet<Pubkey>> = None;

fn known(symbol: &str) -> Token {
    token::known().find(|token| token.symbol == symbol).unwrap()
}

fn draft(token_in: &str, token_out: &str) -> Draft {
    let accounts = vec![AccountMeta::new(Pubkey::new_from_array([8; 32]), false)];
    Draft {
        marker: marker(token_in, token_out),
        token_in: known(token_in),
        token_out: known(token_out),
        intermediates: Vec::new(),
        amount_in: Atoms::new(1_000_000_000),
        swaps: vec![Instruction { program_id: POOL_PROGRAM, accounts, data: vec![1, 2, 3] }],
        compute_unit_limit: 200_000,
        compute_unit_price: 5_000,
        loaded_bytes_limit: 1_000_000,
        token_account_rent: Atoms::new(2_039_280),
        marker_rent: Atoms::new(890_880),
        tip: None,
    }
}

/// A tip of 10,000 lamports.
fn tip() -> Tip {
    Tip { account: AccountAddress::new([7; 32]), lamports: Atoms::new(10_000) }
}

fn marker(token_in: &str, token_out: &str) -> Marker {
    let wallet = WALLET.parse().unwrap();
    let program = marker::marker_program(&known(token_in), &known(token_out));
    let address = seeded_account(&wallet, SEED, &program).into();
    Marker { address, wallet: wallet.into(), seed: SEED.to_owned(), generation: 0 }
}

fn blockhash() -> Blockhash {
    Blockhash { hash: Hash::new_from_array([3; 32]), last_valid_block_height: 1_234, slot: 1_100 }
}

fn built(draft: &Draft) -> Unsigned {
    build(&Wallet::for_test(7).pubkey(), draft, &Formats::default(), &blockhash()).unwrap()
}

/// Every instruction as its program, its accounts (`w` writable, `s` signer), and its data in hexadecimal.
fn written(unsigned: &Unsigned) -> Vec<(String, Vec<String>, String)> {
    let keys = unsigned.accounts();
    let describe = |index: &u8| {
        let index = usize::from(*index);
        let writable = if unsigned.message.is_maybe_writable_with_reserved_addresses(index, NO_RESERVED) {
            "w"
        } else {
            ""
        };
        let signer = if unsigned.message.is_signer(index) { "s" } else { "" };
        format!("{} {writable}{signer}", keys[index]).trim_end().to_owned()
    };
    let hex = |data: &[u8]| data.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let instructions = unsigned.message.instructions().iter();
    instructions
        .map(|instruction| {
            let program = keys[usize::from(instruction.program_id_index)].to_string();
            (program, instruction.accounts.iter().map(describe).collect(), hex(&instruction.data))
        })
        .collect()
}

fn row(program: &str, accounts: &[&str], data: String) -> (String, Vec<String>, String) {
    (program.to_owned(), accounts.iter().map(|account| (*account).to_owned()).collect(), data)
}

const WALLET_HEX: &str = "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";
const TOKEN_PROGRAM: &str = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";
const TOKEN_PROGRAM_HEX: &str = "06ddf6e1d765a193d9cbe146ceeb79ac1cb485ed5f5b37913a8cf5857eff00a9";
const SYSTEM: &str = "11111111111111111111111111111111";
const BUDGET: &str = "ComputeBudget111111111111111111111111111111";
const ASSOCIATED: &str = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL";
const USDC: &str = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v";
const SOL: &str = "So11111111111111111111111111111111111111112";

/// [`SEED`] in ASCII, with its length in front.
const SEED_HEX: &str = "10000000000000006162636465666768696a6b6c6d6e6f70";

/// 890 880 lamports.
const MARKER_RENT_HEX: &str = "00980d0000000000";

/// The account of wrapped SOL is created, initialised and closed, and then it is the marker.
fn open_and_close(lamports: &str) -> [(String, Vec<String>, String); 4] {
    let (payer, temporary) = (format!("{WALLET} ws"), format!("{TEMPORARY} w"));
    let create = format!("03000000{WALLET_HEX}{SEED_HEX}{lamports}a500000000000000{TOKEN_PROGRAM_HEX}");
    [
        row(SYSTEM, &[&payer, &temporary], create),
        row(TOKEN_PROGRAM, &[&temporary, SOL], format!("12{WALLET_HEX}")),
        row(TOKEN_PROGRAM, &[&temporary, &payer, &payer], "09".to_owned()),
        row(SYSTEM, &[&payer, &temporary], format!("02000000{MARKER_RENT_HEX}")),
    ]
}

/// The marker is an account of its own.
fn create_marker() -> (String, Vec<String>, String) {
    let system = "00".repeat(32);
    let create = format!("03000000{WALLET_HEX}{SEED_HEX}{MARKER_RENT_HEX}{}{system}", "00".repeat(8));
    row(SYSTEM, &[&format!("{WALLET} ws"), &format!("{MARKER} w")], create)
}

fn budget() -> [(String, Vec<String>, String); 2] {
    [row(BUDGET, &[], "02400d0300".to_owned()), row(BUDGET, &[], "038813000000000000".to_owned())]
}

fn swap() -> (String, Vec<String>, String) {
    let pool = format!("{} w", Pubkey::new_from_array([8; 32]));
    row(&POOL_PROGRAM.to_string(), &[&pool], "010203".to_owned())
}

#[test]
fn sol_is_wrapped_into_the_temporary_account_and_the_rest_comes_back() {
    let unsigned = built(&draft("SOL", "USDC"));
    // 1 000 000 000 + 2 039 280 lamports.
    let [create, initialise, close, refill] = open_and_close("f0e7b93b00000000");
    let [limit, price] = budget();
    let (payer, usdc_account) = (format!("{WALLET} ws"), format!("{USDC_ACCOUNT} w"));
    let associated =
        row(ASSOCIATED, &[&payer, &usdc_account, &payer, USDC, SYSTEM, TOKEN_PROGRAM], "01".to_owned());
    assert_eq!(written(&unsigned), [limit, price, create, initialise, associated, swap(), close, refill]);
}

#[test]
fn bought_sol_is_unwrapped_at_the_end() {
    let unsigned = built(&draft("USDC", "SOL"));
    // 2 039 280 lamports: the rent alone.
    let [create, initialise, close, refill] = open_and_close("f01d1f0000000000");
    let [limit, price] = budget();
    assert_eq!(written(&unsigned), [limit, price, create, initialise, swap(), close, refill]);
}

#[test]
fn without_sol_there_is_no_temporary_account() {
    let written = written(&built(&draft("USDC", "USDT")));
    assert_eq!(written[2], create_marker());
    let programs: Vec<&str> = written.iter().map(|(program, _, _)| program.as_str()).collect();
    assert_eq!(programs, [BUDGET, BUDGET, SYSTEM, ASSOCIATED, &POOL_PROGRAM.to_string()]);
}

#[test]
fn a_token_between_has_its_associated_account_opened_too() {
    let draft = Draft { intermediates: vec![known("RAY"), known("USDC")], ..draft("SOL", "USDT") };
    let written = written(&built(&draft));
    let mints: Vec<_> =
        written.iter().filter(|row| row.0 == ASSOCIATED).map(|row| row.1[3].clone()).collect();
    assert_eq!(mints, ["RAY", "USDC", "USDT"].map(|symbol| known(symbol).mint.to_string()));
}

#[test]
fn sol_between_is_held_in_the_temporary_account() {
    let unsigned = built(&Draft { intermediates: vec![known("SOL")], ..draft("JUP", "USDC") });
    // 2 039 280 lamports: the rent alone.
    let [create, initialise, close, _] = open_and_close("f01d1f0000000000");
    let [limit, price] = budget();
    let (payer, usdc_account) = (format!("{WALLET} ws"), format!("{USDC_ACCOUNT} w"));
    let associated =
        row(ASSOCIATED, &[&payer, &usdc_account, &payer, USDC, SYSTEM, TOKEN_PROGRAM], "01".to_owned());
    let marker = create_marker();
    assert_eq!(written(&unsigned), [limit, price, marker, create, initialise, associated, swap(), close]);
}

#[test]
fn token_accounts_are_those_of_the_chain() {
    let (wallet, marker) = (WALLET.parse().unwrap(), marker("SOL", "USDC"));
    assert_eq!(token_account(&wallet, &known("SOL"), &marker).to_string(), TEMPORARY);
    assert_eq!(marker.address.to_string(), TEMPORARY, "of an order for SOL they are the same");
    assert_eq!(token_account(&wallet, &known("USDC"), &marker).to_string(), USDC_ACCOUNT);
    let token_2022 = Token { program: token::Program::Token2022, ..known("USDC") };
    assert_eq!(
        token_account(&wallet, &token_2022, &marker).to_string(),
        "7xBDZrwWNm6Zj1i12GTpCVwKrMrJzPaWv5fZ1Hz817RJ"
    );
    let other = Marker { seed: "another".to_owned(), ..marker };
    assert_ne!(token_account(&wallet, &known("SOL"), &other).to_string(), TEMPORARY);
}

#[test]
fn the_signature_is_valid_and_names_the_bytes() {
    let (unsigned, wallet) = (built(&draft("SOL", "USDC")), Wallet::for_test(7));
    let signed = unsigned.sign(&wallet).now_or_never().unwrap().unwrap();
    let decoded: VersionedTransaction = decode(&signed.bytes).unwrap();
    assert_eq!(decoded.verify_with_results(), [true]);
    assert_eq!(decoded.signatures[0].to_string(), signed.signature.to_string());
    assert_eq!(decoded.message, unsigned.message);
    assert_eq!(bincode::serialize(&decoded).unwrap(), signed.bytes);
    assert_eq!(signed.last_valid_block_height, 1_234);
    // Signing is deterministic: the same bytes again, never a second transaction.
    assert_eq!(unsigned.sign(&wallet).now_or_never().unwrap().unwrap(), signed);
    assert_eq!(unsigned.bytes()[1..65], [0; 64]);
    assert_eq!(unsigned.bytes()[65..], signed.bytes[65..]);
}

#[test]
fn another_wallet_cannot_sign() {
    let error = built(&draft("SOL", "USDC")).sign(&Wallet::for_test(6)).now_or_never().unwrap().unwrap_err();
    assert!(matches!(error, SignError::OtherWallet { expected, .. } if expected.to_string() == WALLET));
}

#[test]
fn a_transaction_fits_in_a_packet_to_the_byte_or_is_refused() {
    let wallet = Wallet::for_test(7).pubkey();
    let padded = |bytes: usize| {
        let mut draft = draft("SOL", "USDC");
        draft.swaps[0].data = vec![0; bytes];
        build(&wallet, &draft, &Formats::default(), &blockhash())
    };
    let spare = LENGTH_MAX - padded(200).unwrap().bytes().len();
    assert_eq!(padded(200 + spare).unwrap().bytes().len(), LENGTH_MAX);
    assert_eq!(
        padded(201 + spare),
        Err(BuildError::TooLong { length: LENGTH_MAX + 1, version: Version::V0 })
    );
}

#[test]
fn a_lookup_table_leaves_room_for_so_many_accounts_and_no_more() {
    let wallet = Wallet::for_test(7).pubkey();
    let pool: Vec<Pubkey> = (100..200).map(|seed| Pubkey::new_from_array([seed; 32])).collect();
    let table = LookupTable { key: Pubkey::new_from_array([5; 32]), addresses: pool.clone() };
    let formats = Formats { tables: vec![table], newest: Version::V0 };
    let with = |count: usize| {
        let mut draft = draft("SOL", "USDC");
        draft.swaps[0].accounts = pool[..count].iter().map(|key| AccountMeta::new(*key, false)).collect();
        build(&wallet, &draft, &formats, &blockhash())
    };
    let others = with(2).unwrap().every_account().len() - 2;
    assert!(with(ACCOUNTS_MAX - others).is_ok());
    let accounts = ACCOUNTS_MAX + 1;
    assert_eq!(with(accounts - others), Err(BuildError::TooManyAccounts { accounts }));
}

#[test]
fn an_amount_beyond_64_bits_is_refused() {
    let draft = Draft { amount_in: Atoms::new(u64::MAX), ..draft("SOL", "USDC") };
    let result = build(&Wallet::for_test(7).pubkey(), &draft, &Formats::default(), &blockhash());
    assert!(matches!(result, Err(BuildError::Encoding(_))), "{result:?}");
}

fn explain(program: &Pubkey, code: u32, _logs: &[String]) -> Option<(failure::Code, &'static str)> {
    match code {
        _ if *program != POOL_PROGRAM => None,
        6005 => Some((failure::Code::SlippageExceeded, "ExceededSlippage")),
        6000 => Some((failure::Code::SimulationFailed, "NotApproved")),
        _ => None,
    }
}

#[test]
fn failures_are_told_in_the_catalogues_words() {
    let unsigned = built(&draft("SOL", "USDC"));
    let code = |err: serde_json::Value| {
        let failure = TransactionFailure::read(&err).unwrap();
        unsigned.failure(&failure, &[], explain).code
    };
    // The swap is instruction 5, opening the temporary account begins with instruction 2.
    assert_eq!(
        code(serde_json::json!({"InstructionError":[5,{"Custom":6005}]})),
        failure::Code::SlippageExceeded
    );
    assert_eq!(
        code(serde_json::json!({"InstructionError":[5,{"Custom":6000}]})),
        failure::Code::SimulationFailed
    );
    assert_eq!(
        code(serde_json::json!({"InstructionError":[4,{"Custom":6005}]})),
        failure::Code::SimulationFailed
    );
    assert_eq!(
        code(serde_json::json!({"InstructionError":[2,{"Custom":1}]})),
        failure::Code::InsufficientFunds
    );
    assert_eq!(code(serde_json::json!({"InstructionError":[2,{"Custom":0}]})), failure::Code::MarkerInUse);
    assert_eq!(code(serde_json::json!("InsufficientFundsForFee")), failure::Code::InsufficientFunds);
    assert_eq!(
        code(serde_json::json!({"InsufficientFundsForRent":{"account_index":0}})),
        failure::Code::InsufficientFunds
    );
    assert_eq!(code(serde_json::json!("BlockhashNotFound")), failure::Code::SimulationFailed);
    assert_eq!(TransactionFailure::read(&serde_json::Value::Null), None);
}

#[test]
fn the_program_that_was_called_is_the_one_that_failed() {
    fn explain(program: &Pubkey, code: u32, _logs: &[String]) -> Option<(failure::Code, &'static str)> {
        let token = program.to_string() == TOKEN_PROGRAM && code == 1;
        token.then_some((failure::Code::InsufficientFunds, "InsufficientFunds"))
    }
    let unsigned = built(&draft("USDC", "USDT"));
    let err = serde_json::json!({"InstructionError":[4,{"Custom":1}]});
    let failure = TransactionFailure::read(&err).unwrap();
    let code = |logs: &[&str]| {
        let logs: Vec<String> = logs.iter().map(|line| (*line).to_owned()).collect();
        unsigned.failure(&failure, &logs, explain).code
    };
    let failed =
        |program: &str, code: &str| format!("Program {program} failed: custom program error: {code}");
    let (called, caller) = (failed(TOKEN_PROGRAM, "0x1"), failed(&POOL_PROGRAM.to_string(), "0x1"));
    assert_eq!(
        code(&["Program log: Error: insufficient funds", &called, &caller]),
        failure::Code::InsufficientFunds
    );
    assert_eq!(code(&[&caller]), failure::Code::SimulationFailed, "the pool's own error 1");
    assert_eq!(code(&[&failed(TOKEN_PROGRAM, "0x11"), &caller]), failure::Code::SimulationFailed);
    assert_eq!(code(&[&format!("Program log: {called}")]), failure::Code::SimulationFailed);
    assert_eq!(code(&[]), failure::Code::SimulationFailed, "a node that gives no logs");
}

/// The bytes that a tip adds: an address, and the transfer.
const TIP_LENGTH: usize = 32 + 17;

#[test]
fn a_tip_is_the_last_instruction_and_is_read_back_from_the_bytes() {
    for (token_in, token_out) in [("SOL", "USDC"), ("USDC", "SOL"), ("JUP", "USDC")] {
        let plain = draft(token_in, token_out);
        let tipped = Draft { tip: Some(tip()), ..plain.clone() };
        let (without, with) = (built(&plain), built(&tipped));
        let mut expected = written(&without);
        let account = format!("{} w", tip().account);
        let data = format!("02000000{}", "1027000000000000");
        let system = "11111111111111111111111111111111";
        expected.push(row(system, &[&format!("{WALLET} ws"), &account], data));
        assert_eq!(written(&with), expected);
        assert_eq!(with.bytes().len(), without.bytes().len() + TIP_LENGTH);
        let temporary = temporary_account(&WALLET.parse().unwrap(), &plain.marker);
        assert_eq!(crate::tip::tip(&with.message, &temporary), Some(tip()));
        assert_eq!(crate::tip::tip(&without.message, &temporary), None, "the marker is no tip");
        let signed = with.sign(&Wallet::for_test(7)).now_or_never().unwrap().unwrap();
        assert_eq!(signed.tip, Some(tip()));
    }
}

#[test]
fn the_account_of_a_tip_is_never_looked_up() {
    let pool = Pubkey::new_from_array([8; 32]);
    let addresses = vec![tip().account.pubkey(), pool, Pubkey::new_from_array([6; 32])];
    let table = LookupTable { key: Pubkey::new_from_array([5; 32]), addresses };
    let mut draft = Draft { tip: Some(tip()), ..draft("SOL", "USDC") };
    draft.swaps[0].accounts.push(AccountMeta::new(Pubkey::new_from_array([6; 32]), false));
    let unsigned = build(
        &WALLET.parse().unwrap(),
        &draft,
        &Formats { tables: vec![table], newest: Version::V0 },
        &blockhash(),
    )
    .unwrap();
    assert!(unsigned.accounts().contains(&tip().account.pubkey()));
    assert!(!unsigned.accounts().contains(&pool), "the table is used");
}
