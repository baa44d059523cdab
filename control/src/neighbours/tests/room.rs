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
