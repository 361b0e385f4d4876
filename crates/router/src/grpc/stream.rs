use super::answer::{Answer, LIFETIME};
use super::{Service, StreamPermit, answer};
use crate::book::Book;
use crate::metrics::{self, StreamChange};
use futures_util::stream::{self, BoxStream, StreamExt};
use order_core::Failure;
use order_core::failure::Code;
use proto::quote::Request;
use proto::status;
use proto::wire::QuoteResponse;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tonic::Status;

/// How often a stream looks whether its last quote is about to expire, or the state has become too
/// old: neither is a change of the book.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// An unchanged quote is given anew this long after the last, so that a reader always holds one that
/// can still be used.
const RENEWAL: Duration = Duration::from_secs(LIFETIME.as_secs() / 2);

/// A quote whenever the route or an amount changes. Ends with the failure when there is none.
pub(super) fn open(
    service: Service,
    request: Request,
    first: Answer,
    permit: StreamPermit,
) -> BoxStream<'static, Result<QuoteResponse, Status>> {
    metrics::streams(StreamChange::Opened);
    let seen = service.books.borrow().clone();
    let opening = stream::once(std::future::ready(Ok(first.to_wire())));
    let sent = (first, Instant::now());
    let watcher = Watcher { service, request, seen, sent, ended: false, _permit: permit };
    let quotes = stream::unfold(watcher, |mut watcher| async move {
        let next = watcher.next().await?;
        Some((next, watcher))
    });
    opening.chain(quotes).boxed()
}

struct Watcher {
    service: Service,
    request: Request,
    seen: Book,
    sent: (Answer, Instant),
    ended: bool,
    _permit: StreamPermit,
}

impl Watcher {
    async fn next(&mut self) -> Option<Result<QuoteResponse, Status>> {
        if self.ended {
            return None;
        }
        loop {
            if let Err(failure) = self.wait().await {
                return Some(Err(self.end(&failure)));
            }
            let now = Instant::now();
            let decided =
                answer::answer(&self.seen, &self.request, now, self.service.max_age, service::now());
            match decided {
                Err(failure) => return Some(Err(self.end(&failure))),
                Ok(answer) if self.is_news(&answer, now) => return Some(Ok(self.send(answer, now))),
                Ok(_) => {}
            }
        }
    }

    /// Until the pools change, or it is time to look.
    async fn wait(&mut self) -> Result<(), Failure> {
        let look = Instant::now() + LOOK_INTERVAL;
        while Instant::now() < look {
            tokio::select! {
                biased;
                () = self.service.shutdown.cancelled() => {
                    return Err(Failure::new(Code::RouterUnavailable, "the router is shutting down"));
                }
                changed = self.service.books.changed() => {
                    changed.map_err(|_| Failure::new(Code::RouterUnavailable, "the pools are no longer followed"))?;
                }
                () = sleep(look.saturating_duration_since(Instant::now())) => {}
            }
            let book = self.service.books.borrow_and_update().clone();
            let same = book.same_pools(&self.seen);
            self.seen = book;
            if !same {
                return Ok(());
            }
        }
        Ok(())
    }

    fn is_news(&self, answer: &Answer, now: Instant) -> bool {
        let (sent, at) = &self.sent;
        sent.quote.route != answer.quote.route || now.duration_since(*at) >= RENEWAL
    }

    fn send(&mut self, answer: Answer, now: Instant) -> QuoteResponse {
        answer::log(&self.request, Ok(&answer));
        let message = answer.to_wire();
        self.sent = (answer, now);
        message
    }

    fn end(&mut self, failure: &Failure) -> Status {
        self.ended = true;
        answer::log(&self.request, Err(failure));
        status::from_failure(failure)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        metrics::streams(StreamChange::Closed);
    }
}
