use crate::metrics;
use journal::Stops;
use order_core::failure::Code;
use order_core::{Failure, Quote};
use std::sync::{Mutex, PoisonError};

/// The halt and the disabled venues that this process saw last: each change is logged once.
#[derive(Debug, Default)]
pub(crate) struct TradingState(Mutex<Stops>);

impl TradingState {
    /// Shows operators what the journal says now.
    pub(crate) fn show(&self, stops: &Stops) {
        metrics::stopped(stops);
        let before =
            std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), stops.clone());
        match (&before.halt, &stops.halt) {
            (None, Some(halt)) => {
                tracing::warn!(reason = halt.reason, since = %halt.at, "trading is halted: nothing is signed")
            }
            (Some(_), None) => tracing::info!("trading goes on"),
            (None, None) | (Some(_), Some(_)) => {}
        }
        for stopped in stops.venues.iter().filter(|stopped| !before.stops(stopped.venue)) {
            let (venue, reason) = (stopped.venue, &stopped.reason);
            tracing::warn!(%venue, reason, since = %stopped.since, "no order goes over the venue");
        }
        for enabled in before.venues.iter().filter(|enabled| !stops.stops(enabled.venue)) {
            tracing::info!(venue = %enabled.venue, "orders may go over the venue again");
        }
    }
}

/// Checks that trading is not halted and that no venue of the route is disabled.
pub(super) fn check(stops: &Stops, quote: &Quote) -> Result<(), Failure> {
    if let Some(halt) = &stops.halt {
        let message = format!("an operator has stopped trading: {}", halt.reason);
        return Err(Failure::new(Code::Halted, message));
    }
    let on_route = |venue| quote.route.hops().any(|hop| hop.venue == venue);
    match stops.venues.iter().find(|stopped| on_route(stopped.venue)) {
        None => Ok(()),
        Some(stopped) => {
            let message = format!("{} was disabled after it was quoted: {}", stopped.venue, stopped.reason);
            Err(Failure::new(Code::NoRoute, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::quote;
    use journal::{DisabledVenue, Halt};
    use order_core::{Timestamp, Venue};

    #[test]
    fn a_halt_and_a_disabled_venue_stop_the_routes_over_it() {
        let at = Timestamp::UNIX_EPOCH;
        let code =
            |stops: &Stops| check(stops, &quote(Venue::RaydiumCpmm, 1, 1)).map_err(|failure| failure.code);
        let stopped = |venue| Stops {
            halt: None,
            venues: vec![DisabledVenue { venue, reason: "a test".to_owned(), since: at }],
        };
        assert_eq!(code(&Stops::default()), Ok(()));
        assert_eq!(code(&stopped(Venue::RaydiumClmm)), Ok(()));
        assert_eq!(code(&stopped(Venue::RaydiumCpmm)), Err(Code::NoRoute));
        let halt = Some(Halt { reason: "a test".to_owned(), at });
        assert_eq!(code(&Stops { halt, ..stopped(Venue::RaydiumCpmm) }), Err(Code::Halted));
    }
}
