use order_core::{Failure, failure};
use serde_json::Value;
use solana_pubkey::Pubkey;
use std::fmt;

/// Says what a program's own error code means: the catalogue's code and the program's name for it.
/// None for a program or a code that is not known. The logs are the transaction's.
pub type Explain = fn(program: &Pubkey, code: u32, logs: &[String]) -> Option<(failure::Code, &'static str)>;

/// Why the runtime refused or reverted a transaction, exactly as the node put it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionFailure(Value);

impl TransactionFailure {
    /// Reads a node's `err`: None for null, which means success.
    pub fn read(err: &Value) -> Option<Self> {
        if err.is_null() { None } else { Some(Self(err.clone())) }
    }

    /// The failure's name, such as `BlockhashNotFound` or `InstructionError`.
    pub fn name(&self) -> &str {
        match &self.0 {
            Value::String(name) => name,
            Value::Object(fields) => fields.keys().next().map_or("", String::as_str),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => "",
        }
    }

    /// The index of the instruction that failed.
    pub fn instruction(&self) -> Option<usize> {
        self.0.get("InstructionError")?.get(0)?.as_u64().and_then(|index| usize::try_from(index).ok())
    }

    /// The error code that the failed instruction's program gave.
    pub fn custom(&self) -> Option<u32> {
        let code = self.0.get("InstructionError")?.get(1)?.get("Custom")?.as_u64()?;
        u32::try_from(code).ok()
    }

    /// True if the very transaction has landed before: good news.
    pub fn is_already_processed(&self) -> bool {
        self.name() == "AlreadyProcessed"
    }

    /// The failure in the catalogue's words. `program` is the program that failed;
    /// `fallback` stands for what nothing else is known of.
    pub(crate) fn explained(
        &self,
        program: Option<Pubkey>,
        logs: &[String],
        explain: Explain,
        fallback: failure::Code,
    ) -> Failure {
        if matches!(self.name(), "InsufficientFundsForFee" | "InsufficientFundsForRent" | "AccountNotFound") {
            return Failure::new(
                failure::Code::InsufficientFunds,
                format!("the wallet cannot pay the transaction's fee or rent: {self}"),
            );
        }
        let Some((program, code)) = program.zip(self.custom()) else {
            return Failure::new(fallback, format!("the transaction failed: {self}"));
        };
        if program == solana_system_interface::program::ID && code == LAMPORTS_MISSING {
            return Failure::new(
                failure::Code::InsufficientFunds,
                format!("the wallet has too little SOL: {self}"),
            );
        }
        if program == solana_system_interface::program::ID && code == ACCOUNT_IN_USE {
            let message = format!("the order's marker exists already: {self}");
            return Failure::new(failure::Code::MarkerInUse, message);
        }
        match explain(&program, code, logs) {
            Some((failure::Code::SimulationFailed, name)) => {
                Failure::new(fallback, format!("program {program} failed with {name}: {self}"))
            }
            Some((known, name)) => {
                Failure::new(known, format!("program {program} failed with {name}: {self}"))
            }
            None => Failure::new(fallback, format!("program {program} failed: {self}")),
        }
    }
}

/// The System program's code for the creation of an account that has lamports. The marker is the only one that
/// our transactions create this way.
const ACCOUNT_IN_USE: u32 = 0;
/// The System program's code for a transfer of more than there is.
const LAMPORTS_MISSING: u32 = 1;

impl fmt::Display for TransactionFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Value::String(name) => f.write_str(name),
            other => write!(f, "{other}"),
        }
    }
}
