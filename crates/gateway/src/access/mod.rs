//! Access to the API: which sites' pages may use it, who calls, and with which rights.
//!
//! One guard stands before all routes. A route needs the scope that `guard::needed` names, and everything but the
//! pages of `guard::PUBLIC` needs one. Handlers take the [`Caller`] as an argument and read and write for its account.

mod caller;
mod cors;
mod guard;
mod keys;
mod ticket;

pub(crate) use caller::Caller;
pub(crate) use cors::cors;
pub(crate) use guard::{guard, needed};
pub(crate) use keys::Keys;
pub(crate) use ticket::Ticket;

#[cfg(test)]
pub(crate) use guard::PUBLIC;
