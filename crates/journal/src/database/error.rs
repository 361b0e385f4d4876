use order_core::order;
use std::sync::Arc;

/// Why the journal did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The database did not answer. Nothing was recorded; the same call may be made again.
    #[error("the journal could not {doing}: {cause}")]
    Unavailable {
        /// The work that failed.
        doing: &'static str,
        /// The error of the database's client.
        cause: Arc<sqlx::Error>,
    },
    /// The connection was lost, and stayed lost, while a statement was on its way: it may or may
    /// not have been recorded. The same call tells, made again.
    #[error(
        "the journal lost the database while it was to {doing}, which may or may not be recorded: {cause}"
    )]
    Unknown {
        /// The work that failed.
        doing: &'static str,
        /// The error of the database's client.
        cause: Arc<sqlx::Error>,
    },
    /// More is waiting to be written than the bound allows. Nothing was recorded.
    #[error("the journal has too much waiting to {doing}, nothing was recorded: try again later")]
    Overloaded {
        /// The work that failed.
        doing: &'static str,
    },
    /// The database refused the values: a rule of the schema was broken. Nothing was recorded.
    #[error("the journal refused to {doing}: {rule}")]
    Refused {
        /// The work that failed.
        doing: &'static str,
        /// Which rule was broken.
        rule: String,
    },
    /// The events of an order do not add up to one.
    #[error("the recorded events of order {id} are no order: {reason}")]
    Corrupt {
        /// The order.
        id: order::Id,
        /// The fault of its events.
        reason: String,
    },
    /// The database lacks a migration of this version of the program.
    #[error("the database lacks migration {version}: run `ops migrate` first")]
    NotMigrated {
        /// The first that is missing.
        version: i64,
    },
}

impl Error {
    /// The meaning of a statement's error to its caller.
    pub(crate) fn from_statement(doing: &'static str, error: sqlx::Error) -> Self {
        match Fate::of(&error) {
            Fate::Refused { rule } => Self::Refused { doing, rule },
            Fate::NotRecorded => Self::Unavailable { doing, cause: Arc::new(error) },
            Fate::Unknown => Self::Unknown { doing, cause: Arc::new(error) },
        }
    }
}

/// The fate of a statement, as its error tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The statement is at fault, and would be again: nothing was recorded.
    Refused {
        /// The rule that it broke.
        rule: String,
    },
    /// The moment is at fault, and nothing was recorded.
    NotRecorded,
    /// Nobody knows whether it was recorded.
    Unknown,
}

impl Fate {
    /// Reads it from the SQLSTATE, or from the kind of failure if the server said nothing.
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        if let sqlx::Error::Database(refusal) = error {
            let state = refusal.code();
            let class = state.as_deref().and_then(|state| state.get(..2)).unwrap_or_default();
            return match class {
                // Data, constraint, syntax or privilege, limits of the program: the statement itself.
                "22" | "23" | "42" | "54" | "0A" => Self::Refused {
                    rule: match refusal.constraint() {
                        Some(constraint) => broken_rule(constraint).to_owned(),
                        None => refusal.message().to_owned(),
                    },
                },
                // The server was shut down under the statement.
                "08" | "58" => Self::Unknown,
                "57" if state.as_deref() != Some("57014") => Self::Unknown,
                // Deadlock, lock or statement timeout, no resources: rolled back.
                _ => Self::NotRecorded,
            };
        }
        if matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) {
            return Self::NotRecorded;
        }
        Self::Unknown
    }
}

/// The rule behind each named constraint of the schema.
pub(crate) const RULES: [(&str, &str); 90] = [
    ("orders_pkey", "an order's id is used once"),
    ("orders_owner_idempotency_key_key", "an owner's idempotency key names one order"),
    ("orders_keep_idempotency_key", "an owner's idempotency key names one order, of all months"),
    ("orders_filed_when_ended", "an order that has ended is in the tables of its month"),
    ("orders_corrected", "an end that is corrected is counted as what it is"),
    ("orders_filed_when_inserted", "an order that has ended is in the tables of its month"),
    ("ended_orders_pkey", "an order's id is used once in a month"),
    ("ended_orders_ended", "the tables of a month have the orders that ended"),
    ("ended_orders_month", "an order that ended is in the tables of its month"),
    ("order_events_month", "an event is in the tables of its order's month"),
    ("order_months_pkey", "months begin at distinct ids"),
    ("order_months_name_key", "months have distinct names"),
    ("order_months_span", "a month ends after it begins"),
    ("idempotency_keys_pkey", "an owner's idempotency key is kept once"),
    ("accounts_pkey", "accounts have distinct names"),
    ("accounts_id_form", "an account's name has 1 to 64 characters of a-z, 0-9, - and _"),
    ("accounts_values_not_negative", "an account's limits are not negative"),
    ("accounts_slippage_range", "an account's slippage is at least 0 and below 1"),
    ("accounts_lists_bound", "an account's list has 1 to 1000 tokens, or 1 to 100 venues"),
    ("accounts_max_working_range", "an account has 1 to 10000 orders in work"),
    ("account_spending_days_pkey", "an account's days have one sum each"),
    ("account_spending_days_not_negative", "an account's sum of a day is not negative"),
    ("reservations_pkey", "an order reserves a token once"),
    ("reservations_not_negative", "a reserved amount is not negative"),
    ("api_keys_pkey", "keys have distinct ids"),
    ("api_keys_account_fkey", "a key acts for an account that exists"),
    ("api_keys_label_length", "a key's label has at most 255 bytes"),
    ("api_keys_secret_hash_length", "the hash of a key's secret has 32 bytes"),
    ("api_keys_scopes_known", "a key has one scope or more, of read, trade and admin"),
    ("api_keys_networks_bound", "a key has at most 100 networks"),
    ("ended_counts_pkey", "what has ended has one count"),
    ("ended_counts_only_one", "what has ended has one count"),
    ("open_mark_pkey", "open orders have one mark"),
    ("open_mark_only_one", "open orders have one mark"),
    ("open_stragglers_pkey", "an order is behind the mark once"),
    ("orders_owner_length", "an owner has 1 to 255 bytes"),
    ("orders_idempotency_key_length", "an idempotency key has 1 to 255 bytes"),
    ("orders_request_hash_length", "a request's hash has 32 bytes"),
    ("orders_idempotency_whole", "an idempotency key comes with the request's hash"),
    ("orders_traceparent_length", "a trace context has at most 255 bytes"),
    ("orders_status_known", "an order has one of the known statuses"),
    ("orders_seq_positive", "an order has at least one event"),
    ("orders_attempt_not_negative", "attempts are counted from 0"),
    ("orders_ended_whole", "an order has an end exactly if its status is final"),
    ("orders_executed_when_confirmed", "an order has an output only if it is confirmed"),
    ("orders_ended_unleased", "nobody holds an ended order"),
    ("orders_kept", "an order is never deleted"),
    ("orders_ended_is_final", "an ended order never changes"),
    ("order_events_pkey", "an order's events have distinct numbers"),
    ("order_events_order_id_fkey", "an event belongs to an order"),
    ("order_events_no_gap", "an order's events are numbered without a gap"),
    ("order_events_seq_positive", "an order's events are numbered from 1"),
    ("order_events_begins_with_acceptance", "an order's first event, and no other, is its acceptance"),
    ("order_events_append_only", "events are never changed or deleted"),
    ("transactions_pkey", "a signature belongs to one transaction"),
    ("transactions_order_id_fkey", "a transaction belongs to an open order"),
    ("transactions_state_known", "a transaction has one of the known states"),
    ("transactions_observed_whole", "a transaction has a time of observation exactly if it was observed"),
    (
        "transactions_one_open_or_landed",
        "an order has no second transaction before the first is known to swap nothing",
    ),
    ("transactions_not_while_halted", "no signature is recorded while trading is halted"),
    ("transactions_not_after_expiry", "no signature is recorded of an order that is cancelled or expired"),
    ("transactions_kept", "a transaction is never deleted"),
    ("transactions_observed_is_final", "a transaction that was observed never changes"),
    ("order_markers_pkey", "an order marker is told by its address"),
    ("cluster_pkey", "a database belongs to one cluster"),
    ("cluster_one_row", "a database belongs to one cluster at a time"),
    ("landings_pkey", "an order has one landing"),
    ("adopted_transactions_pkey", "an adopted transaction is told by its signature"),
    ("adopted_transactions_reason_length", "a transaction is adopted for a reason of 1 to 1000 bytes"),
    ("halts_pkey", "halts are told apart by their number"),
    ("halts_reason_length", "a halt has a reason of 1 to 1000 bytes"),
    ("halts_wait_for_signatures", "a halt waits for signatures under way"),
    ("halts_one_at_a_time", "what is halted is not halted again"),
    ("shared_keys_pkey", "a shared key is told by its name"),
    ("shared_keys_length", "a shared key has 32 bytes"),
    ("orders_give_back_spending", "an order without a swap spends nothing"),
    ("spending_pkey", "an order's spending counts once"),
    ("spending_order_id_fkey", "spending belongs to an order"),
    ("spending_day_fkey", "spending belongs to a day"),
    ("spending_not_negative", "spending is not negative"),
    ("spending_days_pkey", "a day's spending has one sum"),
    ("spending_days_not_negative", "a day's spending is not negative"),
    ("parked_messages_pkey", "parked messages are told apart by their number"),
    ("parked_messages_once", "a message is parked once"),
    ("venue_disablings_pkey", "disablings of venues are told apart by their number"),
    ("venue_disablings_reason_length", "a venue is disabled for a reason of 1 to 1000 bytes"),
    ("venue_disablings_one_at_a_time", "what is disabled is not disabled again"),
    ("pool_refusals_pkey", "an order meets a refusal of a pool once"),
    ("drift_observations_pkey", "an order meets drift on a pool once"),
    ("drift_observations_order_id_fkey", "drift is met by an order"),
];

/// The rule that a constraint stands for: the one place that knows the constraints' names.
pub(crate) fn broken_rule(constraint: &str) -> &str {
    RULES.into_iter().find(|(name, _)| *name == constraint).map_or(constraint, |(_, rule)| rule)
}
