//! Packets that wait for a neighbour: a few for each, not for long.
//!
//! Workers give a packet for a remote to state if nobody on the way there is known yet and the
//! remote's record says that state keeps packets ([`fastpath::snapshot::Way::hold`]). State asks for
//! the neighbour and keeps the packet here. When the answer comes packets go back to a worker in the
//! order in which they came; when none comes they are dropped by name.

use fastpath::ids::{PortId, RemoteId};
use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;

/// A packet that waits.
#[derive(Debug)]
pub struct Parked<P> {
    /// The inner frame.
    pub packet: P,
    /// The port that it was received from.
    pub ingress: PortId,
    /// Where it is to go.
    pub remote: RemoteId,
    /// The place of the worker that gave it.
    pub worker: usize,
}

/// One with the neighbour that it waits for, and since when.
type Waiter<P> = (Ipv4Addr, u64, Parked<P>);

/// All packets that wait. Belongs to the state thread.
#[derive(Debug)]
pub struct Waiting<P> {
    /// By remote, oldest first; never an empty list. A gateway that answers releases thousands of
    /// remotes, for most of which nothing waits.
    queues: BTreeMap<RemoteId, Vec<Waiter<P>>>,
    count: HashMap<Ipv4Addr, usize>,
    len: usize,
    /// Remotes whose packets are refused for want of room, each with the neighbour that they would
    /// wait for.
    shut: BTreeMap<RemoteId, Ipv4Addr>,
}

impl<P> Default for Waiting<P> {
    fn default() -> Self {
        Waiting {
            queues: BTreeMap::new(),
            count: HashMap::new(),
            len: 0,
            shut: BTreeMap::new(),
        }
    }
}

impl<P> Waiting<P> {
    /// Most packets that wait for one neighbour. Later ones are not kept: the first are those that
    /// somebody waits for, and a flood changes nothing.
    pub const PER_NEIGHBOUR: usize = 8;
    /// Most packets that wait.
    pub const MAX: usize = 512;
    /// Milliseconds after which a packet waited in vain: as long as a neighbour has to answer.
    pub const PATIENCE: u64 = 3_000;

    /// Whether one more packet may wait for `neighbour`.
    pub fn has_room(&self, neighbour: Ipv4Addr) -> bool {
        let waiting = self.count.get(&neighbour).copied().unwrap_or_default();
        waiting < Self::PER_NEIGHBOUR && self.len < Self::MAX
    }

    /// Keeps a packet.
    ///
    /// # Errors
    /// The packet, if there is no room.
    pub fn park(
        &mut self,
        neighbour: Ipv4Addr,
        now: u64,
        what: Parked<P>,
    ) -> Result<(), Parked<P>> {
        if !self.has_room(neighbour) {
            return Err(what);
        }
        *self.count.entry(neighbour).or_default() += 1;
        self.len += 1;
        let queue = self.queues.entry(what.remote).or_default();
        queue.push((neighbour, now, what));
        Ok(())
    }

    /// No more packets for `remote` are to come: there is no room behind `neighbour`.
    pub fn shut(&mut self, remote: RemoteId, neighbour: Ipv4Addr) {
        self.shut.insert(remote, neighbour);
    }

    /// The remotes that were shut and for which there is room now: they are shut no more.
    pub fn open(&mut self) -> Vec<RemoteId> {
        let all = std::mem::take(&mut self.shut);
        let (open, shut) = all.into_iter().partition(|(_, at)| self.has_room(*at));
        self.shut = shut;
        let open: BTreeMap<RemoteId, Ipv4Addr> = open;
        open.into_keys().collect()
    }

    /// A remote is no more, and nothing waits for it.
    pub fn forget(&mut self, remote: RemoteId) {
        self.shut.remove(&remote);
    }

    /// Takes out what waits for a remote, oldest first.
    pub fn release(&mut self, remote: RemoteId) -> Vec<Parked<P>> {
        let queue = self.queues.remove(&remote);
        self.let_go(queue.unwrap_or_default())
    }

    /// Takes out what waited for too long.
    pub fn expire(&mut self, now: u64) -> Vec<Parked<P>> {
        let over = |(_, since, _): &mut Waiter<P>| now.saturating_sub(*since) >= Self::PATIENCE;
        let mut gone = Vec::new();
        self.queues.retain(|_, queue| {
            gone.extend(queue.extract_if(.., over));
            !queue.is_empty()
        });
        self.let_go(gone)
    }

    /// Takes out everything.
    pub fn drain(&mut self) -> Vec<Parked<P>> {
        let queues = std::mem::take(&mut self.queues);
        self.let_go(queues.into_values().flatten().collect())
    }

    /// Packets that wait now.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn let_go(&mut self, gone: Vec<Waiter<P>>) -> Vec<Parked<P>> {
        self.len -= gone.len();
        for (neighbour, ..) in &gone {
            if let Some(count) = self.count.get_mut(neighbour) {
                *count -= 1;
                if *count == 0 {
                    self.count.remove(neighbour);
                }
            }
        }
        gone.into_iter().map(|(.., parked)| parked).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parked(packet: usize, remote: usize) -> Parked<usize> {
        Parked {
            packet,
            ingress: PortId::new(0).unwrap(),
            remote: RemoteId::new(remote).unwrap(),
            worker: 0,
        }
    }

    fn neighbour(number: usize) -> Ipv4Addr {
        Ipv4Addr::from_bits(0xc000_0200 + number as u32)
    }

    fn packets(taken: Vec<Parked<usize>>) -> Vec<usize> {
        taken.into_iter().map(|parked| parked.packet).collect()
    }

    #[test]
    fn each_neighbour_has_a_few_and_the_newest_is_given_back() {
        let mut waiting = Waiting::default();
        let few = Waiting::<usize>::PER_NEIGHBOUR;
        for number in 0..few {
            assert!(waiting.has_room(neighbour(1)));
            assert!(waiting.park(neighbour(1), 0, parked(number, 1)).is_ok());
        }
        assert!(!waiting.has_room(neighbour(1)) && waiting.has_room(neighbour(2)));
        let back = waiting.park(neighbour(1), 0, parked(99, 2)).unwrap_err();
        assert_eq!(back.packet, 99);
        assert!(waiting.park(neighbour(2), 0, parked(7, 1)).is_ok());
        let expected: Vec<usize> = (0..few).chain([7]).collect();
        let remote = RemoteId::new(1).unwrap();
        assert_eq!(packets(waiting.release(remote)), expected, "in their order");
        assert!(waiting.is_empty() && waiting.has_room(neighbour(1)));
        assert!(waiting.count.is_empty());
    }

    #[test]
    fn who_was_shut_is_open_when_there_is_room() {
        let mut waiting = Waiting::default();
        for number in 0..Waiting::<usize>::PER_NEIGHBOUR {
            assert!(waiting.park(neighbour(1), 0, parked(number, 1)).is_ok());
        }
        let remote = |number| RemoteId::new(number).unwrap();
        for number in [1, 2, 3] {
            waiting.shut(remote(number), neighbour(1));
        }
        assert_eq!(waiting.open(), []);
        waiting.forget(remote(2));
        waiting.release(remote(1));
        assert_eq!(waiting.open(), [remote(1), remote(3)]);
        assert_eq!(waiting.open(), []);
    }

    #[test]
    fn all_together_have_a_limit() {
        let mut waiting = Waiting::default();
        let max = Waiting::<usize>::MAX;
        for number in 0..max {
            assert!(
                waiting
                    .park(neighbour(number), 0, parked(number, 1))
                    .is_ok()
            );
        }
        assert!(waiting.park(neighbour(max), 0, parked(max, 1)).is_err());
        assert_eq!(
            (waiting.len(), waiting.drain().len(), waiting.len()),
            (max, max, 0)
        );
    }

    #[test]
    fn who_waits_too_long_is_taken_out_alone() {
        let mut waiting = Waiting::default();
        for (number, since) in [(1, 0), (2, 10), (3, 0)] {
            assert!(
                waiting
                    .park(neighbour(number), since, parked(number, number))
                    .is_ok()
            );
        }
        let patience = Waiting::<usize>::PATIENCE;
        assert!(waiting.expire(patience - 1).is_empty());
        assert_eq!(packets(waiting.expire(patience)), [1, 3]);
        assert!(waiting.release(RemoteId::new(1).unwrap()).is_empty());
        assert_eq!(packets(waiting.release(RemoteId::new(2).unwrap())), [2]);
    }
}
