//! Custom error codes that several programs share, and their names.

use order_core::failure::Code;

/// The names of a program's custom error codes.
pub(crate) type Names = &'static [(u32, &'static str)];

/// Anchor: the accounts that were given are fewer than the instruction needs.
pub const ACCOUNT_NOT_ENOUGH_KEYS: u32 = 3005;
/// Anchor: no instruction of the program begins with these bytes.
pub const INSTRUCTION_FALLBACK_NOT_FOUND: u32 = 101;
/// Anchor: the instruction's bytes are too few for its arguments.
pub const INSTRUCTION_DID_NOT_DESERIALIZE: u32 = 102;
/// Anchor: an account is not the one that the pool names.
pub const CONSTRAINT_ADDRESS: u32 = 2012;
/// Anchor: an account is of another type than the instruction needs.
pub const ACCOUNT_DISCRIMINATOR_MISMATCH: u32 = 3002;
/// Anchor: a number is not greater than it must be.
pub const REQUIRE_GREATER_VIOLATED: u32 = 2505;

/// The SPL Token programs: the account that is taken from has less.
const TOKEN_INSUFFICIENT_FUNDS: u32 = 1;

/// The SPL Token programs: an account holds another token than the transfer moves.
pub const TOKEN_MINT_MISMATCH: u32 = 3;

const TOKEN: Names = &[
    (0, "token: NotRentExempt"),
    (TOKEN_INSUFFICIENT_FUNDS, "token: InsufficientFunds"),
    (2, "token: InvalidMint"),
    (TOKEN_MINT_MISMATCH, "token: MintMismatch"),
    (4, "token: OwnerMismatch"),
    (9, "token: UninitializedState"),
    (14, "token: Overflow"),
    (17, "token: AccountFrozen"),
];

const ANCHOR: Names = &[
    (INSTRUCTION_FALLBACK_NOT_FOUND, "anchor: InstructionFallbackNotFound"),
    (INSTRUCTION_DID_NOT_DESERIALIZE, "anchor: InstructionDidNotDeserialize"),
    (2000, "anchor: ConstraintMut"),
    (2001, "anchor: ConstraintHasOne"),
    (2003, "anchor: ConstraintRaw"),
    (2006, "anchor: ConstraintSeeds"),
    (CONSTRAINT_ADDRESS, "anchor: ConstraintAddress"),
    (2014, "anchor: ConstraintTokenMint"),
    (2015, "anchor: ConstraintTokenOwner"),
    (2500, "anchor: RequireViolated"),
    (2501, "anchor: RequireEqViolated"),
    (2502, "anchor: RequireKeysEqViolated"),
    (2503, "anchor: RequireNeqViolated"),
    (2504, "anchor: RequireKeysNeqViolated"),
    (REQUIRE_GREATER_VIOLATED, "anchor: RequireGtViolated"),
    (2506, "anchor: RequireGteViolated"),
    (3001, "anchor: AccountDiscriminatorNotFound"),
    (ACCOUNT_DISCRIMINATOR_MISMATCH, "anchor: AccountDiscriminatorMismatch"),
    (3003, "anchor: AccountDidNotDeserialize"),
    (ACCOUNT_NOT_ENOUGH_KEYS, "anchor: AccountNotEnoughKeys"),
    (3006, "anchor: AccountNotMutable"),
    (3007, "anchor: AccountOwnedByWrongProgram"),
    (3010, "anchor: AccountNotSigner"),
    (3012, "anchor: AccountNotInitialized"),
];

/// In place of a name that is not known.
pub(crate) const UNKNOWN: &str = "unknown error of the pool program";

/// Name of a code in the transaction's log, as an Anchor program writes it.
pub(crate) fn told(logs: &[String], code: u32) -> Option<&str> {
    let number = format!("Error Number: {code}.");
    logs.iter().find_map(|line| {
        let (_, told) = line.split_once("Error Code: ")?;
        let (name, rest) = told.split_once(". ")?;
        rest.starts_with(&number).then_some(name)
    })
}

/// Meaning of a custom error code of a token program.
pub(crate) fn token_failure(code: u32) -> (Code, &'static str) {
    let name = TOKEN.iter().find(|(known, _)| *known == code);
    let name = name.map_or("unknown error of the token program", |(_, name)| *name);
    let code =
        if code == TOKEN_INSUFFICIENT_FUNDS { Code::InsufficientFunds } else { Code::SimulationFailed };
    (code, name)
}

/// Meaning of a custom error code of a pool program. The program fails with the codes of the programs that it
/// calls, too: the code alone does not say whose it is.
pub(crate) fn failure(names: Names, slippage: [u32; 2], code: u32) -> (Code, &'static str) {
    let name = [names, ANCHOR, TOKEN]
        .into_iter()
        .flatten()
        .find(|(known, _)| *known == code)
        .map_or(UNKNOWN, |(_, name)| *name);
    let code = if slippage.contains(&code) { Code::SlippageExceeded } else { Code::SimulationFailed };
    (code, name)
}
