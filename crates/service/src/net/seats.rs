use super::{Activity, ClientNetwork};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// The connections of a port: how many there may be in all, and of one client. When all are taken, the client
/// with the most loses its oldest idle one to whoever comes.
#[derive(Debug)]
pub struct Seats {
    total: usize,
    per_client: usize,
    turns: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    last: u64,
    seats: HashMap<u64, (ClientNetwork, Arc<Activity>)>,
    clients: HashMap<ClientNetwork, Client>,
}

#[derive(Debug)]
struct Client {
    connections: usize,
    turns: Arc<Semaphore>,
    arrivals: Arc<Semaphore>,
}

/// The reason why a connection gets no seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSeat {
    /// The client has its share.
    ClientHasItsShare,
    /// All are taken, and none of them is idle.
    AllTaken,
}

impl Seats {
    /// Seats of which one client has at most `per_client`. Its connections share `turns` turns to do something, and as
    /// many to arrive.
    pub fn new(total: usize, per_client: usize, turns: usize) -> Arc<Self> {
        Arc::new(Self { total, per_client, turns, taken: Mutex::default() })
    }

    /// A seat for a connection of `client`.
    ///
    /// # Errors
    /// The client has its share, or all are taken and none is idle.
    pub fn take(self: &Arc<Self>, client: IpAddr) -> Result<Seat, NoSeat> {
        self.take_of(client, self.per_client, self.turns)
    }

    /// A seat for a proxy's connection, which is not the connection of one client.
    ///
    /// # Errors
    /// All are taken and none is idle.
    pub fn take_for_proxy(self: &Arc<Self>, proxy: IpAddr) -> Result<Seat, NoSeat> {
        self.take_of(proxy, usize::MAX, Semaphore::MAX_PERMITS)
    }

    fn take_of(self: &Arc<Self>, client: IpAddr, most: usize, turns: usize) -> Result<Seat, NoSeat> {
        let client = ClientNetwork::from(client);
        let mut taken = self.lock();
        if taken.connections(client) >= most {
            return Err(NoSeat::ClientHasItsShare);
        }
        if taken.seats.len() >= self.total {
            let idle = taken.longest_idle().ok_or(NoSeat::AllTaken)?;
            if let Some(activity) = taken.remove(idle) {
                activity.evict();
            }
        }
        taken.last = taken.last.wrapping_add(1);
        let (number, activity) = (taken.last, Arc::new(Activity::default()));
        taken.seats.insert(number, (client, Arc::clone(&activity)));
        let shared = || Arc::new(Semaphore::new(turns));
        let known = || Client { connections: 0, turns: shared(), arrivals: shared() };
        let client = taken.clients.entry(client).or_insert_with(known);
        client.connections += 1;
        let (turns, arrivals) = (Arc::clone(&client.turns), Arc::clone(&client.arrivals));
        drop(taken);
        Ok(Seat { seats: Arc::clone(self), number, activity, turns, arrivals })
    }

    /// The number of seats that are taken.
    pub fn taken(&self) -> usize {
        self.lock().seats.len()
    }

    /// The number of seats of one client.
    pub fn per_client(&self) -> usize {
        self.per_client
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// The connection that is given up first: of the clients with the most connections, the one that has been
    /// idle for longest.
    fn longest_idle(&self) -> Option<u64> {
        let idle = self.seats.iter().filter_map(|(number, (client, activity))| {
            let connections = self.connections(*client);
            Some((std::cmp::Reverse(connections), activity.idle_since()?, *number))
        });
        idle.min().map(|(_, _, number)| number)
    }

    fn connections(&self, client: ClientNetwork) -> usize {
        self.clients.get(&client).map_or(0, |client| client.connections)
    }

    fn remove(&mut self, number: u64) -> Option<Arc<Activity>> {
        let (network, activity) = self.seats.remove(&number)?;
        if let Some(client) = self.clients.get_mut(&network) {
            client.connections = client.connections.saturating_sub(1);
            if client.connections == 0 {
                self.clients.remove(&network);
            }
        }
        Some(activity)
    }
}

/// The seat of one connection, free again when it is dropped.
#[derive(Debug)]
pub struct Seat {
    seats: Arc<Seats>,
    number: u64,
    activity: Arc<Activity>,
    turns: Arc<Semaphore>,
    arrivals: Arc<Semaphore>,
}

impl Seat {
    /// The exchanges of the connection.
    pub fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    /// The turns that all connections of its client share. A client with many connections would take the
    /// processors from the others, because each of its requests waits in the same queue as theirs.
    pub fn turns(&self) -> &Arc<Semaphore> {
        &self.turns
    }

    /// The turns to arrive that all connections of its client share: a crowd of new connections, each with the work of
    /// a handshake and of a first request, would take the processors from the others.
    pub fn arrivals(&self) -> &Arc<Semaphore> {
        &self.arrivals
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // It is gone already if the connection was given up for another.
        self.seats.lock().remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn a_client_has_its_share_and_no_more() {
        let seats = Seats::new(10, 2, 1);
        let first = seats.take(address(1)).unwrap();
        let _second = seats.take(address(1)).unwrap();
        assert_eq!(seats.take(address(1)).unwrap_err(), NoSeat::ClientHasItsShare);
        let _other = seats.take(address(2)).unwrap();
        let _proxy: Vec<Seat> = (0..3).map(|_| seats.take_for_proxy(address(3)).unwrap()).collect();
        drop(first);
        let _again = seats.take(address(1)).unwrap();
        assert_eq!(seats.taken(), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_idle_connection_of_the_greediest_client_is_given_up() {
        let seats = Seats::new(4, 3, 1);
        let modest = seats.take(address(1)).unwrap();
        let mut greedy = Vec::new();
        for _ in 0..3 {
            tokio::time::advance(Duration::from_secs(1)).await;
            greedy.push(seats.take(address(2)).unwrap());
        }
        let exchange = greedy[0].activity().begin();
        let _newcomer = seats.take(address(3)).unwrap();
        greedy[1].activity().evicted().await;
        assert_eq!(seats.taken(), 4);
        greedy.remove(1);
        assert_eq!(seats.taken(), 4, "a seat is given back once");
        drop(exchange);
        drop(modest);
        assert_eq!(seats.taken(), 3);
    }

    #[test]
    fn the_connections_of_a_client_share_its_turns() {
        let seats = Seats::new(10, 2, 1);
        let (first, second) = (seats.take(address(1)).unwrap(), seats.take(address(1)).unwrap());
        let turn = first.turns().try_acquire().unwrap();
        assert!(second.turns().try_acquire().is_err());
        assert!(seats.take(address(2)).unwrap().turns().try_acquire().is_ok());
        drop(turn);
        assert!(second.turns().try_acquire().is_ok());
    }

    #[test]
    fn without_an_idle_connection_nobody_is_given_up() {
        let seats = Seats::new(1, 1, 1);
        let busy = seats.take(address(1)).unwrap();
        let _exchange = busy.activity().begin();
        assert_eq!(seats.take(address(2)).unwrap_err(), NoSeat::AllTaken);
    }
}
