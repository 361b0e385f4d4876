//! The cluster as its clients see it: over HTTP and WebSocket, with real transactions.

#[cfg(test)]
mod dump;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod forks;
#[cfg(test)]
mod lies;
#[cfg(test)]
mod lookup_tables;
#[cfg(test)]
mod pubsub;
#[cfg(test)]
mod support;
#[cfg(test)]
mod swaps;
#[cfg(test)]
mod transactions;
#[cfg(test)]
mod version_1;
