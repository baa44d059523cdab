//! Where packets for a remote go next: one word for each path, so that a change is one store.

use crate::ids::LinkId;
use crate::wire::Mac;
use std::sync::atomic::{AtomicU64, Ordering};

/// Most paths to one remote.
pub const MAX_PATHS: usize = 8;

/// A neighbour on an underlay link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The link that it is on.
    pub link: LinkId,
    /// Its MAC there.
    pub mac: Mac,
}

/// Why there is no next hop now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoHop {
    /// The tunnel is down.
    Down,
    /// No route leads to the remote.
    NoRoute,
    /// No neighbour on the way is known, and control keeps packets until one is.
    Wait,
    /// No neighbour on the way is known, and control keeps no more packets.
    Unresolved,
}

/// What control knows of the way to a remote, beside the neighbours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// The tunnel is down, whatever there is of paths.
    pub down: bool,
    /// How many paths there are, at most [`MAX_PATHS`].
    pub paths: u8,
    /// Packets that find no path resolved may be given to control, which keeps them a while.
    pub hold: bool,
}

impl Way {
    const DOWN: u64 = 1 << 8;
    const HOLD: u64 = 1 << 9;

    fn word(self) -> u64 {
        let bit = |set: bool, bit| if set { bit } else { 0 };
        u64::from(self.paths) | bit(self.down, Self::DOWN) | bit(self.hold, Self::HOLD)
    }
}

/// The next hops of one remote, over several paths of equal cost.
///
/// # Thread safety
/// Control writes, workers read. Each word stands for itself: a neighbour that changes is one
/// store, and what a worker finds in a path is always a neighbour of now or of just before.
#[derive(Debug, Default)]
pub struct NextHops {
    way: AtomicU64,
    paths: [AtomicU64; MAX_PATHS],
}

impl NextHops {
    /// The next hop of a flow, by its hash. A flow stays on its path while that is resolved, else it
    /// takes the next one that is.
    ///
    /// # Errors
    /// Why there is none.
    #[inline(always)]
    pub fn pick(&self, flow: u32) -> Result<Hop, NoHop> {
        let way = self.way.load(Ordering::Relaxed);
        if way & Way::DOWN != 0 {
            return Err(NoHop::Down);
        }
        let paths = self.paths.get(..(way & 0xff) as usize).unwrap_or_default();
        let first = match paths.len() {
            0 => return Err(NoHop::NoRoute),
            1 => 0,
            // The low half: the high half chooses the UDP source port, by which routers spread.
            count => (usize::from(flow as u16) * count) >> 16,
        };
        match paths.get(first).and_then(load) {
            Some(hop) => Ok(hop),
            None => Self::next(paths, first, way),
        }
    }

    /// The next hop of all flows, if there is one path only, and nothing keeps packets from it.
    #[inline(always)]
    pub fn only(&self) -> Option<Hop> {
        let way = self.way.load(Ordering::Relaxed);
        match way & (Way::DOWN | 0xff) {
            1 => load(&self.paths[0]),
            _ => None,
        }
    }

    /// The next path behind `first` that is resolved.
    #[cold]
    fn next(paths: &[AtomicU64], first: usize, way: u64) -> Result<Hop, NoHop> {
        let (before, from) = paths.split_at_checked(first).unwrap_or((&[], paths));
        match from.iter().chain(before).find_map(load) {
            Some(hop) => Ok(hop),
            None if way & Way::HOLD != 0 => Err(NoHop::Wait),
            None => Err(NoHop::Unresolved),
        }
    }

    /// What is known beside the neighbours.
    pub fn way(&self) -> Way {
        let word = self.way.load(Ordering::Relaxed);
        Way {
            down: word & Way::DOWN != 0,
            paths: word as u8,
            hold: word & Way::HOLD != 0,
        }
    }

    /// Sets what is known beside the neighbours. Called by control only.
    pub fn set_way(&self, way: Way) {
        self.way.store(way.word(), Ordering::Relaxed);
    }

    /// Sets or forgets the neighbour of one path. Called by control only; a path that cannot be is
    /// passed over.
    pub fn store(&self, path: usize, hop: Option<Hop>) {
        let word = hop.map_or(0, |hop| {
            (u64::from(hop.link.get()) + 1) << 48 | hop.mac.to_u64()
        });
        if let Some(place) = self.paths.get(path) {
            place.store(word, Ordering::Relaxed);
        }
    }

    /// The neighbour of one path.
    pub fn hop(&self, path: usize) -> Option<Hop> {
        self.paths.get(path).and_then(load)
    }
}

fn load(path: &AtomicU64) -> Option<Hop> {
    let word = path.load(Ordering::Relaxed);
    let link = LinkId::new(((word >> 48) as usize).checked_sub(1)?)?;
    let mac = Mac::from_u64(word);
    Some(Hop { link, mac })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(number: usize) -> Option<Hop> {
        let mac = Mac::new([2, 0, 0, 0, 0, number as u8]);
        LinkId::new(number).map(|link| Hop { link, mac })
    }

    fn ways(paths: u8) -> Way {
        Way {
            paths,
            ..Way::default()
        }
    }

    #[test]
    fn a_hop_round_trips() {
        let hops = NextHops::default();
        assert_eq!(hops.hop(0), None);
        let there = LinkId::new(LinkId::LIMIT - 1).map(|link| Hop {
            link,
            mac: Mac::BROADCAST,
        });
        hops.store(7, there);
        assert_eq!((hops.hop(7), hops.hop(6)), (there, None));
        hops.store(7, None);
        hops.store(MAX_PATHS, there);
        assert_eq!((hops.hop(7), hops.hop(MAX_PATHS)), (None, None));
    }

    #[test]
    fn what_keeps_a_packet_back_has_a_name() {
        let hops = NextHops::default();
        let why = |way| {
            hops.set_way(way);
            assert_eq!(hops.way(), way);
            hops.pick(0).unwrap_err()
        };
        assert_eq!(why(Way::default()), NoHop::NoRoute);
        assert_eq!(why(ways(1)), NoHop::Unresolved);
        let hold = Way {
            hold: true,
            ..ways(3)
        };
        assert_eq!(why(hold), NoHop::Wait);
        assert_eq!(why(Way { down: true, ..hold }), NoHop::Down);
        hops.store(0, hop(1));
        assert_eq!(why(Way { down: true, ..hold }), NoHop::Down);
        hops.set_way(hold);
        assert_eq!(hops.pick(0).ok(), hop(1));
    }

    #[test]
    fn a_single_path_takes_every_flow() {
        let hops = NextHops::default();
        hops.set_way(ways(1));
        hops.store(0, hop(4));
        hops.store(1, hop(5));
        for flow in [0, 0xffff, u32::MAX] {
            assert_eq!(hops.pick(flow).ok(), hop(4));
        }
        assert_eq!(hops.only(), hop(4));
        hops.set_way(ways(2));
        assert_eq!(hops.only(), None, "there are two");
        hops.set_way(Way {
            down: true,
            ..ways(1)
        });
        assert_eq!(hops.only(), None, "it is down");
    }

    #[test]
    fn flows_spread_over_all_paths_and_leave_only_the_one_that_is_gone() {
        for paths in 2..=MAX_PATHS {
            let hops = NextHops::default();
            hops.set_way(ways(paths as u8));
            for path in 0..paths {
                hops.store(path, hop(path));
            }
            let flows = || (0..4096u32).map(|n| n.wrapping_mul(0x9e37_79b9));
            let place = |flow| hops.pick(flow).unwrap().link.index();
            let before: Vec<usize> = flows().map(place).collect();
            for path in 0..paths {
                let share = before.iter().filter(|at| **at == path).count();
                let fair = 4096 / paths;
                assert!((fair * 8 / 10..fair * 12 / 10).contains(&share), "{share}");
            }
            hops.store(1, None);
            for (before, after) in before.iter().zip(flows().map(place)) {
                assert!(after != 1 && (*before == 1 || *before == after));
            }
        }
    }
}
