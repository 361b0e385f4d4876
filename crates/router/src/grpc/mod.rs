//! The gRPC service: reads the latest book, decides, answers.

mod answer;
mod listing;
mod stream;
#[cfg(test)]
mod tests;
mod transfer_fee;

use crate::book::Book;
use crate::metrics;
use answer::Answer;
use futures_util::stream::BoxStream;
use order_core::{Failure, Quote};
use proto::quote::Request;
use proto::wire::{ListPoolsRequest, ListPoolsResponse, QuoteRequest, QuoteResponse};
use proto::{status, wire};
use service::CancellationToken;
use service::net::{Exchange, NoSeat, Seat, Seats};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tonic::{Response, Status};

/// Most streams at once: each decides again whenever a pool changes.
const STREAMS_MAX: usize = 256;

/// Most streams of one caller at once.
const STREAMS_PER_CALLER: usize = 64;

/// Answers from the latest book.
#[derive(Clone)]
pub(crate) struct Service {
    books: watch::Receiver<Book>,
    max_age: Duration,
    streams: Arc<Seats>,
    shutdown: CancellationToken,
}

/// The right to one stream, given back when it is dropped.
#[derive(Debug)]
struct StreamPermit {
    _running: Exchange,
    _seat: Seat,
}

impl Service {
    pub(crate) fn new(books: watch::Receiver<Book>, max_age: Duration, shutdown: CancellationToken) -> Self {
        Self { books, max_age, streams: Seats::new(STREAMS_MAX, STREAMS_PER_CALLER, 1), shutdown }
    }

    /// The permit for one more stream of a caller.
    fn permit(&self, caller: Option<SocketAddr>) -> Result<StreamPermit, Status> {
        let caller = caller.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |caller| caller.ip());
        let seat = self.streams.take(caller).map_err(|reason| {
            Status::resource_exhausted(match reason {
                NoSeat::ClientHasItsShare => {
                    format!("{STREAMS_PER_CALLER} streams of this caller are open, and it may have no more")
                }
                NoSeat::AllTaken => format!("{STREAMS_MAX} streams are open, the router serves no more"),
            })
        })?;
        // A stream is never idle, so it is not given up for another.
        Ok(StreamPermit { _running: seat.activity().begin(), _seat: seat })
    }

    /// The decision on the latest book, logged and counted.
    fn decide(&self, request: &Request) -> Result<Answer, Failure> {
        let started = Instant::now();
        let book = self.books.borrow().clone();
        let answer = answer::answer(&book, request, started, self.max_age, service::now());
        metrics::quoted(outcome(&answer), started.elapsed());
        answer::log(request, answer.as_ref());
        answer
    }
}

/// The best quote over a book at a moment.
pub(crate) fn quote(
    book: &Book,
    request: &Request,
    now: Instant,
    max_age: Duration,
) -> Result<Quote, Failure> {
    answer::answer(book, request, now, max_age, service::now()).map(|answer| answer.quote)
}

fn outcome(answer: &Result<Answer, Failure>) -> &'static str {
    match answer {
        Ok(_) => "quoted",
        Err(failure) => failure.code.name(),
    }
}

#[tonic::async_trait]
impl wire::router_service_server::RouterService for Service {
    type StreamQuotesStream = BoxStream<'static, Result<QuoteResponse, Status>>;

    async fn quote(&self, message: tonic::Request<QuoteRequest>) -> Result<Response<QuoteResponse>, Status> {
        let span = tracing::info_span!("quote");
        continue_trace(&span, &message);
        let _entered = span.entered();
        let request = read(message.get_ref())?;
        let answer = self.decide(&request).map_err(|failure| status::from_failure(&failure))?;
        Ok(Response::new(answer.to_wire()))
    }

    async fn stream_quotes(
        &self,
        message: tonic::Request<QuoteRequest>,
    ) -> Result<Response<Self::StreamQuotesStream>, Status> {
        let span = tracing::info_span!("stream_quotes");
        continue_trace(&span, &message);
        let _entered = span.entered();
        let request = read(message.get_ref())?;
        let first = self.decide(&request).map_err(|failure| status::from_failure(&failure))?;
        let permit = self.permit(message.remote_addr())?;
        Ok(Response::new(stream::open(self.clone(), request, first, permit)))
    }

    async fn list_pools(
        &self,
        _message: tonic::Request<ListPoolsRequest>,
    ) -> Result<Response<ListPoolsResponse>, Status> {
        let book = self.books.borrow().clone();
        Ok(Response::new(listing::pools(&book, Instant::now(), self.max_age).to_wire()))
    }
}

fn read(message: &QuoteRequest) -> Result<Request, Status> {
    Request::from_wire(message).map_err(|invalid| {
        metrics::quoted(status::INVALID_REQUEST, Duration::ZERO);
        tracing::debug!(%invalid, "refused a request");
        status::from_invalid(&invalid)
    })
}

fn continue_trace<T>(span: &tracing::Span, message: &tonic::Request<T>) {
    let sent = message.metadata().get(service::trace::TRACEPARENT);
    if let Some(traceparent) = sent.and_then(|value| value.to_str().ok()) {
        service::trace::continue_from(span, traceparent);
    }
}
