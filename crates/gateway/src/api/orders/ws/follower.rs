//! Sends the events of one order to one WebSocket, without gaps and duplicates.

use super::connection::{Closing, Connection, Inbound};
use super::message::Message;
use crate::access::Caller;
use crate::api::orders::fold::OrderView;
use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use crate::hub::Subscription;
use crate::state::App;
use order_core::order::{Id, Recorded};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, MissedTickBehavior};

/// Interval of heartbeats and pings.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);

/// Interval at which the key of the socket is verified again.
const CHECK_KEY_EVERY: Duration = Duration::from_secs(1);

/// A client that sends nothing for three heartbeats, not even a pong, is gone.
const SILENCE: Duration = Duration::from_secs(50);

/// Pause before the database is read again after a failed read.
const REREAD_AFTER: Duration = Duration::from_secs(1);

/// Reads of the first events of an accepted order, with a pause between them: about as long as a socket may
/// be without a heartbeat.
const MAX_FIRST_READS: u32 = 15;

/// Sends the events after `after`: first the recorded ones, then new ones, until the order ends or the socket
/// closes.
pub(crate) async fn follow(
    app: &App,
    caller: &Caller,
    connection: &mut Connection,
    id: Id,
    after: u64,
) -> Closing {
    // Subscribes first, so that events recorded during the read arrive through the subscription.
    let subscription = app.hub.subscribe(id);
    // Held until the recorded events are sent: reading and sending them is the work of a new socket.
    let turn = connection.turns().acquire_owned().await.ok();
    let read = app.journal.history.read_for(&caller.account, id, 0).await;
    let history = match read {
        Ok(Some(history)) => history,
        Ok(None) => return Closing::UnknownOrder,
        Err(error) => {
            tracing::warn!(order.id = %id, %error, "database unavailable: events of the order not read");
            return Closing::Unavailable { seq: after };
        }
    };
    let start = Start { after, placed: false, turn };
    stream(app, caller, connection, subscription, id, start, history).await
}

/// As [`follow`], for an order that was just accepted. The client gets its id even if the database is
/// unavailable now. Otherwise it would take the order for rejected, and place another.
pub(crate) async fn follow_accepted(
    app: &App,
    caller: &Caller,
    connection: &mut Connection,
    id: Id,
) -> Closing {
    let subscription = app.hub.subscribe(id);
    match first_history(app, connection, id).await {
        Ok(history) => {
            let start = Start { after: 0, placed: true, turn: None };
            stream(app, caller, connection, subscription, id, start, history).await
        }
        Err(closing) => closing,
    }
}

async fn first_history(app: &App, connection: &mut Connection, id: Id) -> Result<Vec<Recorded>, Closing> {
    for read in 0..MAX_FIRST_READS {
        match app.journal.history.read(id, 0).await {
            Ok(Some(history)) => return Ok(history),
            Ok(None) => return Err(Closing::UnknownOrder),
            Err(error) => {
                tracing::warn!(order.id = %id, %error, "database unavailable: first events of the order not read");
            }
        }
        if read == 0 {
            connection.send(&Message::Accepted { order_id: id }, 0).await?;
        }
        pause(app, connection).await?;
    }
    Err(Closing::Unavailable { seq: 0 })
}

/// The beginning of a stream of events.
#[derive(Debug)]
struct Start {
    /// The last event that the client has.
    after: u64,
    /// True if the order was placed on this socket, where any further message is a mistake.
    placed: bool,
    /// The client's turn to read and to send the recorded events.
    turn: Option<OwnedSemaphorePermit>,
}

/// Refuses a message after the order. Taking it in silence, the client would wait for a second order.
async fn refuse_message(connection: &mut Connection, seq: u64) -> Closing {
    let detail = "this WebSocket has placed its order, which goes on; open another one for another order";
    match connection.refuse(&Problem::new(Code::InvalidRequest, detail), seq).await {
        Ok(()) => Closing::SecondMessage { seq },
        Err(closing) => closing,
    }
}

/// Waits until the database may be read again.
async fn pause(app: &App, connection: &mut Connection) -> Result<(), Closing> {
    let shutdown = app.shell.shutdown();
    let over = Instant::now() + REREAD_AFTER;
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return Err(Closing::GoingAway { seq: 0 }),
            () = tokio::time::sleep_until(over) => return Ok(()),
            inbound = connection.receive() => match inbound {
                Inbound::End(closing) => return Err(closing),
                Inbound::Text(_) | Inbound::Binary => return Err(refuse_message(connection, 0).await),
                Inbound::Sign => {}
            },
        }
    }
}

/// Sends the events of `history` after the one that the client has, then new ones.
async fn stream(
    app: &App,
    caller: &Caller,
    connection: &mut Connection,
    subscription: Subscription,
    id: Id,
    start: Start,
    history: Vec<Recorded>,
) -> Closing {
    let mut history = history.into_iter();
    let Some(first) = history.next() else { return Closing::UnknownOrder };
    let view = match OrderView::begin(id, &first) {
        Ok(view) => view,
        Err(error) => {
            tracing::error!(order.id = %id, %error, "corrupt events: not a valid history of an order");
            return Closing::Fault;
        }
    };
    let Start { after, placed, turn } = start;
    let mut follower =
        Follower { app, caller, connection, subscription, view, after, placed, reread_at: None };
    match follower.run(history, turn).await {
        Ok(closing) | Err(closing) => closing,
    }
}

/// Ends the socket of a key that was revoked or has expired.
async fn check_key(app: &App, caller: &Caller) -> Result<(), Closing> {
    match &caller.key {
        Some(key) if !app.keys.holds(key, &caller.account).await => Err(Closing::Refused),
        Some(_) | None => Ok(()),
    }
}

struct Follower<'a> {
    app: &'a App,
    caller: &'a Caller,
    connection: &'a mut Connection,
    subscription: Subscription,
    /// The order up to the last event that was read.
    view: OrderView,
    /// The last event that the client has.
    after: u64,
    /// True if the order was placed on this socket.
    placed: bool,
    /// Time of the next read of the database, after a failed one.
    reread_at: Option<Instant>,
}

impl Follower<'_> {
    /// Consumes `rest` while sending, so that no history is kept in memory while the socket is open.
    async fn run(
        &mut self,
        rest: std::vec::IntoIter<Recorded>,
        turn: Option<OwnedSemaphorePermit>,
    ) -> Result<Closing, Closing> {
        self.send_latest().await?;
        for recorded in rest {
            self.push(&recorded).await?;
        }
        drop(turn);
        self.subscription.read_up_to(self.seq());
        let shutdown = self.app.shell.shutdown();
        let mut heartbeat = tokio::time::interval_at(Instant::now() + HEARTBEAT_EVERY, HEARTBEAT_EVERY);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut key_check = tokio::time::interval_at(Instant::now() + CHECK_KEY_EVERY, CHECK_KEY_EVERY);
        key_check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        while !self.view.is_ended() {
            let reread_at = self.reread_at.unwrap_or_else(Instant::now);
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(Closing::GoingAway { seq: self.sent() }),
                event = self.subscription.next() => match event {
                    Some(recorded) => self.take(&recorded).await?,
                    None => return Ok(Closing::TooSlow { seq: self.sent() }),
                },
                () = tokio::time::sleep_until(reread_at), if self.reread_at.is_some() => self.reread().await?,
                inbound = self.connection.receive() => match inbound {
                    Inbound::End(closing) => return Ok(closing),
                    Inbound::Text(_) | Inbound::Binary if self.placed => {
                        let seq = self.sent();
                        return Ok(refuse_message(self.connection, seq).await);
                    }
                    // Messages from the client have no meaning here, but show that it is alive.
                    Inbound::Text(_) | Inbound::Binary | Inbound::Sign => heard = Instant::now(),
                },
                _ = key_check.tick() => check_key(self.app, self.caller).await?,
                _ = heartbeat.tick() => {
                    if heard.elapsed() > SILENCE {
                        return Ok(Closing::Gone);
                    }
                    self.beat().await?;
                }
            }
        }
        Ok(Closing::Ended)
    }

    /// Handles an event of the subscription, which may be a duplicate or leave a gap.
    async fn take(&mut self, recorded: &Recorded) -> Result<(), Closing> {
        if recorded.seq <= self.seq() {
            return Ok(());
        }
        if recorded.seq == self.seq().saturating_add(1) && self.view.push(recorded).is_ok() {
            self.send_latest().await?;
            crate::metrics::event_delivered(recorded.at);
            return Ok(());
        }
        // A gap, or an event that is not allowed now: the database decides.
        self.reread().await
    }

    /// Reads the missing events from the database.
    async fn reread(&mut self) -> Result<(), Closing> {
        let id = self.view.inner().id();
        match self.app.journal.history.read(id, self.seq()).await {
            Ok(history) => {
                self.reread_at = None;
                for recorded in history.unwrap_or_default() {
                    self.push(&recorded).await?;
                }
                self.subscription.read_up_to(self.seq());
            }
            Err(error) => {
                tracing::debug!(order.id = %id, %error, "database unavailable: events of the order not read");
                self.reread_at = Some(Instant::now() + REREAD_AFTER);
            }
        }
        Ok(())
    }

    /// Adds an event of the database, and sends it.
    async fn push(&mut self, recorded: &Recorded) -> Result<(), Closing> {
        if let Err(error) = self.view.push(recorded) {
            let id = self.view.inner().id();
            tracing::error!(order.id = %id, %error, "corrupt events: not a valid history of an order");
            return Err(Closing::Fault);
        }
        self.send_latest().await
    }

    /// Sends the latest event, unless the client has it.
    async fn send_latest(&mut self) -> Result<(), Closing> {
        if self.seq() <= self.after {
            return Ok(());
        }
        self.connection.send(&Message::OrderUpdate(Box::new(self.view.update())), self.after).await?;
        self.after = self.seq();
        Ok(())
    }

    async fn beat(&mut self) -> Result<(), Closing> {
        let seq = self.sent();
        self.connection.send(&Message::Heartbeat { seq }, seq).await?;
        self.connection.ping(seq).await
    }

    /// The last event that was read.
    fn seq(&self) -> u64 {
        self.view.inner().seq()
    }

    /// The last event that the client has.
    fn sent(&self) -> u64 {
        self.after
    }
}
