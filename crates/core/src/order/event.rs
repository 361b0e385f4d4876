use super::{Intent, Marker};
use crate::route::Leftover;
use crate::{AccountAddress, AccountId, Atoms, Failure, Quote, Signature, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};

/// An event in an order's life. Events are only ever appended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantNames)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Event {
    /// The order was taken on. Always the first.
    Accepted {
        /// The account that owns the order. Not written for the operator's, as before there were accounts.
        #[serde(default = "AccountId::operator", skip_serializing_if = "AccountId::is_operator")]
        account: AccountId,
        /// The order's intent.
        intent: Intent,
    },
    /// An attempt began.
    RoutingStarted {
        /// Its number, from 1.
        attempt: u32,
    },
    /// The best route was found.
    RouteChosen {
        /// The route, and what was considered besides.
        quote: Quote,
    },
    /// A transaction was signed. From here on only the chain can move the order.
    TransactionSigned {
        /// The bytes that may be sent, and no others.
        transaction: SignedTransaction,
    },
    /// A transaction of the order was found on the chain after all: one that counted as expired, or one that
    /// a restored database had lost. The order waits for it again.
    TransactionFound {
        /// Its bytes.
        transaction: SignedTransaction,
    },
    /// An operator has said what became of a transaction that no node decides.
    Settled {
        /// True if it landed, and so swapped.
        landed: bool,
        /// The operator's evidence, in the operator's words.
        evidence: String,
    },
    /// The chain spoke of the transaction.
    Observed {
        /// Its text.
        observation: Observation,
    },
    /// The block in which a transaction had landed was dropped after the order had ended.
    RolledBack {
        /// The finalized chain's word on the transaction.
        observation: Observation,
    },
    /// The attempt failed, nothing was swapped, and another attempt follows.
    AttemptFailed {
        /// Why.
        failure: Failure,
        /// The pause before the next attempt, in milliseconds from the moment of this event.
        retry_in_ms: u64,
    },
    /// The order ended without a swap.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// The order ended without a swap: its owner cancelled it, and nothing could land any more.
    Cancelled,
    /// The order ended without a swap: its expiry passed, and nothing could land any more.
    Expired,
}

impl Event {
    /// The names of all kinds of events, as in JSON.
    pub const KINDS: &'static [&'static str] = <Self as VariantNames>::VARIANTS;

    /// The name of the kind of event, as in JSON.
    pub fn kind(&self) -> &'static str {
        self.into()
    }
}

/// An event with its place in the order's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Its number, from 1 without a gap.
    pub seq: u64,
    /// The attempt it belongs to; 0 before the first.
    pub attempt: u32,
    /// The event itself.
    pub event: Event,
    /// When the database recorded it.
    pub at: Timestamp,
}

/// A transaction that may have been sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedTransaction {
    /// Its name on the chain.
    pub signature: Signature,
    /// The signed bytes as they go over the wire.
    #[serde(with = "base64_text")]
    pub bytes: Vec<u8>,
    /// The last block height at which it can land.
    pub last_valid_block_height: u64,
    /// The slot that its blockhash was given in: it lands in a later one. None in events that were recorded
    /// before this was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blockhash_slot: Option<u64>,
    /// The account that it creates, as every transaction of its order does. None in events that were
    /// recorded before there were markers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<Marker>,
    /// The tip that it pays if it succeeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tip: Option<Tip>,
}

/// A tip: lamports for those who land the transaction. It is part of the transaction, so one that fails pays none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tip {
    /// The account that gets it.
    pub account: AccountAddress,
    /// How much.
    pub lamports: Atoms,
}

/// The chain's verdict on a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Observation {
    /// It landed without an error, at the configured commitment.
    Landed {
        /// The amounts that it moved. None if no node shows the transaction, though several confirm it.
        fill: Option<Fill>,
    },
    /// It landed with an error: the fee was paid, nothing was swapped.
    Reverted {
        /// The program's reason.
        failure: Failure,
        /// The fee, in lamports.
        network_fee: Atoms,
        /// Where it landed.
        slot: u64,
    },
    /// It can never land: the finalized chain is past its last block and its history lacks it.
    Expired,
}

/// The amounts that a landed transaction moved, read from the chain's own balances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// The input that left the wallet, in base units, network fee and tip apart.
    pub amount_in: Atoms,
    /// The output that reached the wallet, in base units, network fee and tip apart.
    pub amount_out: Atoms,
    /// Base and priority fee, in lamports.
    pub network_fee: Atoms,
    /// The tip, in lamports.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub tip: Atoms,
    /// Intermediate tokens that it bought and did not sell, which stay with the wallet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leftovers: Vec<Leftover>,
    /// Where it landed.
    pub slot: u64,
}

fn is_nothing(lamports: &Atoms) -> bool {
    lamports.is_zero()
}

mod base64_text {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
