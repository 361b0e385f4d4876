use crate::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The moment after which an order may not be signed any more. The database's clock decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// At this moment, which the client named.
    At(Timestamp),
    /// This many milliseconds after the acceptance.
    AfterMs(u64),
}

impl Expiry {
    /// The longest time from the acceptance to the expiry.
    pub const MAX: Duration = Duration::from_mins(30);

    /// The moment itself, for an order that was accepted at `accepted_at`.
    pub fn moment(self, accepted_at: Timestamp) -> Timestamp {
        match self {
            Self::At(moment) => moment,
            Self::AfterMs(milliseconds) => accepted_at
                .checked_add_signed(chrono::TimeDelta::milliseconds(
                    i64::try_from(milliseconds).unwrap_or(i64::MAX),
                ))
                .unwrap_or(chrono::DateTime::<chrono::Utc>::MAX_UTC),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_expiry_counts_from_the_acceptance() {
        let accepted = Timestamp::from_timestamp(100, 0).unwrap();
        assert_eq!(Expiry::AfterMs(1_500).moment(accepted).timestamp_millis(), 101_500);
        assert_eq!(Expiry::At(accepted).moment(Timestamp::UNIX_EPOCH), accepted);
        assert_eq!(Expiry::AfterMs(u64::MAX).moment(accepted), chrono::DateTime::<chrono::Utc>::MAX_UTC);
    }

    #[test]
    fn the_json_form_is_kept() {
        let json = |expiry: Expiry| serde_json::to_string(&expiry).unwrap();
        assert_eq!(json(Expiry::AfterMs(60_000)), r#"{"after_ms":60000}"#);
        assert_eq!(json(Expiry::At(Timestamp::UNIX_EPOCH)), r#"{"at":"1970-01-01T00:00:00Z"}"#);
    }
}
