//! Who is in the table when there is no room for all.

use super::*;
use crate::neighbours::table::EVICTED_AT_ONCE;

fn nth(n: usize) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(192, 0, 16, 0).to_bits() + n as u32)
}

/// The `n`th stranger asks for our address.
fn stranger(n: usize) -> Vec<u8> {
    Pair::new((OTHER, nth(n)), (OUR_MAC, OUR_IP)).arp_request()
}

#[test]
fn strangers_give_way_oldest_first_and_the_wanted_never() {
    let mut host = Host::new();
    host.want(PEER_IP);
    for n in 1..Neighbours::MAX {
        host.now += 1;
        host.input(&stranger(n));
    }
    host.now += 1;
    host.input(&stranger(1));
    assert_eq!(host.neighbours.table.len(), Neighbours::MAX);
    host.input(&stranger(5_000));
    assert_eq!(
        host.neighbours.table.len(),
        Neighbours::MAX + 1 - EVICTED_AT_ONCE
    );
    assert_eq!(
        host.neighbours.counter(Counter::NeighbourEvicted),
        EVICTED_AT_ONCE as u64
    );
    let gone: Vec<usize> = (1..Neighbours::MAX)
        .filter(|n| host.state(nth(*n)).is_none())
        .collect();
    assert_eq!(
        gone,
        (2..2 + EVICTED_AT_ONCE).collect::<Vec<_>>(),
        "1 was heard again"
    );
    assert!(host.state(PEER_IP).is_some() && host.state(nth(5_000)).is_some());
}

/// Those that are set by hand have places of their own, and give way to nobody.
#[test]
fn who_is_set_takes_nobody_s_place_and_keeps_its_own() {
    let mut host = Host::new();
    let set = |host: &mut Host, n| {
        let neighbour = Permanent {
            place: place(0),
            address: nth(n),
            mac: PEER,
        };
        let (now, out) = (host.now, &mut host.out);
        host.neighbours.set_permanent(neighbour, now, out)
    };
    for n in 0..Neighbours::MAX_PERMANENT {
        assert!(set(&mut host, n), "{n}");
    }
    assert!(!set(&mut host, Neighbours::MAX_PERMANENT), "one too many");
    assert!(set(&mut host, 0), "it is there");
    let both = Neighbours::MAX + Neighbours::MAX_PERMANENT;
    for n in Neighbours::MAX_PERMANENT..both {
        host.now += 1;
        host.input(&stranger(n));
    }
    assert_eq!(host.neighbours.table.len(), both);
    host.input(&stranger(5_000));
    assert_eq!(host.neighbours.table.len(), both + 1 - EVICTED_AT_ONCE);
    for n in 0..Neighbours::MAX_PERMANENT {
        let known = host.neighbours.table.get(&nth(n));
        assert!(known.is_some_and(|known| known.mac == PEER), "{n}");
    }
}

#[test]
fn who_is_set_leaves_its_place_to_who_waits_for_one() {
    let mut host = Host::new();
    for n in 0..Neighbours::MAX {
        host.want(nth(n));
    }
    assert_eq!(host.want(PEER_IP), [changed(None)]);
    let seventh = Permanent {
        place: place(0),
        address: nth(7),
        mac: OTHER,
    };
    let (now, out) = (host.now, &mut host.out);
    assert!(host.neighbours.set_permanent(seventh, now, out));
    host.neighbours.tick(host.now, &mut host.out);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Incomplete));
    assert_eq!(host.neighbours.table.len(), Neighbours::MAX + 1);
    // There is no room for it when it is not set any more: it waits too.
    let (now, out) = (host.now, &mut host.out);
    assert!(host.neighbours.unset_permanent(place(0), nth(7), now, out));
    assert_eq!(host.state(nth(7)), None);
    assert_eq!(host.hop(nth(7)), None);
    host.neighbours.unwant(PEER_IP);
    host.neighbours.tick(host.now, &mut host.out);
    assert_eq!(host.state(nth(7)), Some(NeighbourState::Incomplete));
}

#[test]
fn the_wanted_wait_for_room() {
    let mut host = Host::new();
    for n in 0..Neighbours::MAX {
        host.want(nth(n));
    }
    assert_eq!(host.want(PEER_IP), [changed(None)]);
    assert_eq!(host.state(PEER_IP), None);
    assert_eq!(
        host.input(&stranger(5_000)).len(),
        1,
        "answered, not remembered"
    );
    assert_eq!(host.neighbours.counter(Counter::NeighbourTableFull), 2);
    host.neighbours.tick(host.now, &mut host.out);
    assert_eq!(host.taken(), []);
    host.neighbours.unwant(nth(7));
    assert!(host.neighbours.next_deadline().unwrap() <= host.now);
    host.neighbours.tick(host.now, &mut host.out);
    assert_eq!(host.taken(), [], "others are asked first");
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Incomplete));
    assert_eq!(host.state(nth(7)), None);
    assert_eq!(host.neighbours.table.len(), Neighbours::MAX);
}
