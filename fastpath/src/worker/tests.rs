//! The loop as a whole, on heap queues.

mod alike;
mod bare;
mod left_whole;
mod measured;
mod memo;
mod probe;
mod received;
mod survey;
mod uncut_lost;
mod watch;

use super::*;
use crate::drop::DropReason;
use crate::fdb::Destination;
use crate::io::{Packet, Pool};
use crate::testing::{
    A, B, BOTH, LONE, Site, UPLINK, edit_port, guest, inner, learned, moved, outer, pinned, port,
    remote, switch, tunnelled, untagged, vtep,
};
use crate::wire::craft::Pair;
use crate::wire::{Mac, Vni, icmp};

fn to_port(number: usize) -> Destination {
    Destination::Port(port(number))
}

#[test]
fn in_by_the_tunnel_out_by_the_port_and_back() {
    let mut site = Site::alone(16);
    site.learn(learned(0, guest(1).0, Destination::Remote(remote(0))));
    site.learn(learned(0, guest(2).0, to_port(A)));
    let frames: Vec<_> = (0..3).map(|len| inner(1, 2, len)).collect();
    for frame in &frames {
        site.arrive(UPLINK, &tunnelled(1, 10, frame));
    }
    site.arrive(A, &inner(2, 1, 5));
    assert_eq!(site.poll(0, 5000), 4);
    assert_eq!(site.sent(A), frames);
    assert_eq!(site.sent(UPLINK)[0][50..], inner(2, 1, 5));
    assert_eq!(site.poll(0, 5000), 0);
    assert_eq!(site.events.drain(9).next(), None, "both stations are known");
    let entry = site.fdb.iter().next().unwrap();
    assert_eq!(entry.seen, 5);
    let stats = site.stop();
    assert_eq!((stats[0].rounds.get(), stats[0].idle_rounds.get()), (2, 1));
    let received: usize = frames.iter().map(|frame| frame.len() + 50).sum();
    let uplink = stats[0].port(port(UPLINK));
    assert_eq!(uplink.received_bytes.get(), received as u64);
    let expected = "0.received 1, 0.forwarded 1, 0.enqueued 3, 0.sent 3, \
        2.received 3, 2.forwarded 3, 2.enqueued 1, 2.sent 1, \
        r0.received 3, r0.sent 1, hits 2, misses 2, inserted 2";
    assert_eq!(moved(&stats[0]), expected);
}

#[test]
fn a_change_of_the_table_is_used_by_the_very_next_packet() {
    // By a memo, by the cache, and by neither.
    for (cache_entries, number) in [(16, A), (16, UPLINK), (0, A), (0, UPLINK)] {
        let mut site = Site::alone(cache_entries);
        let frame = match number {
            A => inner(1, 2, 0),
            _ => tunnelled(1, 10, &inner(1, 2, 0)),
        };
        // Who is where, of: the port B, the port LONE, and nobody, so that B gets a copy.
        let mut found = Vec::new();
        for to in [None, Some(LONE), Some(B), Some(LONE), None] {
            let (key, value) = learned(0, guest(2).0, to_port(to.unwrap_or_default()));
            if to.is_some() {
                site.learn((key, value));
            } else {
                site.fdb.remove(key);
            }
            site.arrive(number, &frame);
            site.poll(0, 0);
            found.push((site.sent(B).len(), site.sent(LONE).len()));
        }
        assert_eq!(found, [(1, 0), (0, 1), (1, 0), (0, 1), (1, 0)]);
        let (hits, misses) = if cache_entries > 0 { (4, 1) } else { (0, 5) };
        let cache = &site.stats[0].cache;
        assert_eq!((cache.hits.get(), cache.misses.get()), (hits, misses));
        site.stop();
    }
}

#[test]
fn a_new_generation_of_a_port_is_decided_anew() {
    let mut site = Site::alone(16);
    site.learn(learned(0, guest(2).0, to_port(B)));
    site.arrive(A, &inner(1, 2, 0));
    site.poll(0, 0);
    let mut snapshot = switch();
    edit_port(&mut snapshot, A, |port| {
        port.bridge = None;
        port.generation += 1;
    });
    let change = site.publisher.publish(snapshot);
    site.arrive(A, &inner(1, 2, 0));
    site.poll(0, 0);
    assert!(site.publisher.passed(change));
    assert_eq!(site.sent(B).len(), 1);
    let drops = &site.stats[0].port(port(A)).dropped;
    assert_eq!(drops.get(DropReason::NoBridge), 1);
    site.stop();
}

/// Four ports by which strangers of tunnel 1 may come: each of them is a flow of its own.
#[test]
fn new_flows_have_a_budget_and_established_ones_do_not() {
    let ports = [A, B, UPLINK, BOTH];
    let mut snapshot = switch();
    for number in ports {
        edit_port(&mut snapshot, number, |port| {
            port.addresses = vec![untagged(vtep(2).1)];
        });
    }
    let mut site = Site::with_all(1024, snapshot);
    let stranger = |number: usize, n: u8| {
        let us = (Mac::new([2, 0, 0, 0, 2, number as u8]), vtep(2).1);
        let vni = Vni::from_bytes([0, 0, 20]);
        Pair::new((vtep(1).0, [203, 0, 113, n].into()), us).vxlan(5, vni, &inner(1, 2, 0))
    };
    site.arrive(BOTH, &stranger(BOTH, 99));
    site.poll(0, 0);
    for n in 0..20 {
        for number in ports {
            site.arrive(number, &stranger(number, n));
        }
    }
    site.arrive(BOTH, &stranger(BOTH, 99));
    assert_eq!(site.poll(0, 0), 81);
    let stats = Arc::clone(&site.stats[0]);
    let drops = |number: usize| {
        stats
            .port(port(number))
            .dropped
            .get(DropReason::ResolveBudget)
    };
    assert_eq!(
        ports.map(drops),
        [0, 16, 0, 0],
        "64 of 80 in the order of the queues, the third one first in this round"
    );
    assert_eq!((stats.cache.hits.get(), stats.cache.misses.get()), (1, 81));
    // A round later there is a new one.
    site.arrive(B, &stranger(B, 19));
    site.poll(0, 0);
    assert_eq!((drops(B), stats.cache.misses.get()), (16, 82));
    drop(stats);
    site.stop();
}

#[test]
fn headers_in_pieces_are_straightened() {
    let mut site = Site::alone(16);
    site.learn(learned(0, guest(2).0, to_port(A)));
    let frame = inner(1, 2, 600);
    let outer = tunnelled(1, 10, &frame);
    let pieces = |site: &Site| {
        let packet = site.pool.alloc(&outer).unwrap();
        let chained = site.pool.replicate(&packet, true).unwrap();
        assert!(chained.head().len() < HEADERS);
        chained
    };
    let packet = pieces(&site);
    assert!(site.rx[UPLINK].push(packet).is_ok());
    site.poll(0, 0);
    assert_eq!(site.sent(A), std::slice::from_ref(&frame));
    // Without a buffer to do it in, there is a drop, and the others pass.
    let packet = pieces(&site);
    assert!(site.rx[UPLINK].push(packet).is_ok());
    site.arrive(UPLINK, &outer);
    let out = site.pool.out();
    let held: Vec<_> = (out..512).map(|_| site.pool.alloc(&[]).unwrap()).collect();
    site.poll(0, 0);
    drop(held);
    assert_eq!(site.sent(A), [frame]);
    let stats = site.stop();
    let expected = "0.enqueued 2, 0.sent 2, 2.received 3, 2.forwarded 2, 2.dropped.no_buffer 1, \
        r0.received 2, hits 1, misses 1, inserted 1";
    assert_eq!(moved(&stats[0]), expected);
}

#[test]
fn what_is_for_the_switch_goes_to_control() {
    let mut site = Site::alone(16);
    let echo = icmp::Repr {
        echo: icmp::Echo::Request,
        ident: 1,
        sequence: 1,
    };
    let frame = outer(1).echo(echo, &[1; 20]);
    for _ in 0..10 {
        site.arrive(UPLINK, &frame);
    }
    site.poll(0, 0);
    let punt = site.punts[0].pop().unwrap();
    assert_eq!((punt.ingress, punt.packet.bytes()), (port(UPLINK), frame));
    drop(punt);
    let stats = site.stop();
    // Echo requests may fill half of the ring.
    let expected = "2.received 10, 2.consumed 4, 2.dropped.punt_full 6, \
        hits 9, misses 1, inserted 1";
    assert_eq!(moved(&stats[0]), expected);
}

fn names(returned: &mut Consumer<Returned<crate::io::heap::HeapIo>>) -> Vec<String> {
    let mut names = Vec::new();
    while let Ok(back) = returned.pop() {
        names.push(match back {
            Returned::Rx(queue) => format!("rx {}", RxQueue::port(&queue)),
            Returned::Tx(queue) => format!("tx {}", crate::io::TxQueue::port(&queue)),
            Returned::Withdrawn(port) => format!("withdrawn {port}"),
            Returned::Tap(_) => "tap".to_owned(),
            Returned::Surveyed(_) => "surveyed".to_owned(),
        });
    }
    names
}

#[test]
fn a_port_is_withdrawn_with_all_its_queues() {
    let mut site = Site::alone(16);
    site.add_rx(0, B);
    site.add_tx(0, B);
    site.poll(0, 0);
    assert_eq!(
        names(&mut site.returned[0]),
        ["tx 1"],
        "a second one to send by"
    );
    site.arrive(B, &inner(1, 2, 0));
    assert!(site.commands[0].push(Command::Withdraw(port(B))).is_ok());
    assert!(site.commands[0].push(Command::Withdraw(port(B))).is_ok());
    assert_eq!(site.poll(0, 0), 0, "nobody polls it");
    let expected = ["rx 1", "rx 1", "tx 1", "withdrawn 1", "withdrawn 1"];
    assert_eq!(names(&mut site.returned[0]), expected);
    site.add_rx(0, B);
    assert_eq!(site.poll(0, 0), 1);
    site.stop();
}

#[test]
fn more_queues_than_there_can_be_come_back() {
    let mut site = Site::new(1, 0);
    for _ in 0..MAX_RX_QUEUES {
        site.add_rx(0, A);
        site.poll(0, 0);
    }
    site.add_rx(0, B);
    site.poll(0, 0);
    assert_eq!(names(&mut site.returned[0]), ["rx 1"]);
    site.stop();
}

#[test]
fn a_stop_gives_everything_back() {
    let mut site = Site::alone(16);
    site.poll(0, 0);
    site.add_rx(0, A);
    site.add_tx(0, B);
    assert!(site.commands[0].push(Command::Withdraw(port(B))).is_ok());
    let ports = site.rx.len();
    let change = site.publisher.change();
    let back = site.workers.pop().unwrap().stop();
    let of = |kind: fn(&Returned<_>) -> bool| back.iter().filter(|one| kind(one)).count();
    assert_eq!(of(|one| matches!(one, Returned::Rx(_))), ports + 1);
    assert_eq!(of(|one| matches!(one, Returned::Tx(_))), ports + 1);
    assert!(site.publisher.passed(change), "who is gone holds nothing");
    drop(back);
    site.stop();
}
