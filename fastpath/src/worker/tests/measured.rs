//! What is counted of queues, bursts and time.

use super::*;
use crate::ids::QueueId;
use crate::io::heap::HeapQueue;
use crate::stats::{Histogram, QueueStats};

fn counted(queue: &QueueStats) -> [u64; 4] {
    [
        &queue.received,
        &queue.rx_bursts,
        &queue.sent,
        &queue.tx_bursts,
    ]
    .map(|counter| counter.get())
}

/// The buckets up to the last that is not empty.
fn sizes(histogram: &Histogram) -> Vec<u64> {
    let counts = histogram.counts();
    let used = counts.iter().rposition(|count| *count > 0);
    counts[..used.map_or(0, |last| last + 1)].to_vec()
}

#[test]
fn packets_and_bursts_are_counted_for_their_queue_also_when_it_comes_again() {
    let mut site = Site::new(1, 16);
    site.learn(learned(0, guest(2).0, to_port(B)));
    let second = QueueId::new(1).unwrap();
    let rx = HeapQueue::numbered(port(A), second, 256);
    let tx = HeapQueue::numbered(port(B), QueueId::new(5).unwrap(), 8);
    for _ in 0..2 {
        site.add_rx(0, A);
        for command in [Command::AddRx(rx.clone()), Command::AddTx(tx.clone())] {
            assert!(site.commands[0].push(command).is_ok());
        }
        for _ in 0..3 {
            site.arrive(A, &inner(1, 2, 0));
        }
        for _ in 0..70 {
            let packet = site.pool.alloc(&inner(1, 2, 0)).unwrap();
            assert!(rx.push(packet).is_ok());
        }
        // 64 are sent at once, of which 8 find room; the other 9 in two rounds find none.
        assert_eq!((site.poll(0, 0), site.poll(0, 0)), (67, 6));
        while tx.pop().is_some() {}
        for number in [A, B] {
            let withdraw = Command::Withdraw(port(number));
            assert!(site.commands[0].push(withdraw).is_ok());
        }
        assert_eq!(site.poll(0, 0), 0);
        while site.returned[0].pop().is_ok() {}
    }
    let stats = site.stop().remove(0);
    let of = |number: usize, queue: usize| {
        counted(stats.queue(port(number), QueueId::new(queue).unwrap()))
    };
    assert_eq!([of(A, 0), of(A, 1)], [[6, 2, 0, 0], [140, 4, 0, 0]]);
    assert_eq!([of(B, 5), of(B, 0)], [[0, 0, 16, 6], [0; 4]]);
    assert_eq!(stats.port(port(A)).received.get(), 146);
    assert_eq!(stats.port(port(B)).sent.get(), 16);
    assert_eq!(sizes(&stats.rx_bursts), [0, 0, 2, 2, 0, 0, 2]);
    assert_eq!(sizes(&stats.tx_bursts), [0, 0, 2, 2, 0, 0, 2]);
}

#[test]
fn the_time_of_a_round_is_that_of_each_packet_it_moved() {
    let mut site = Site::new(2, 16);
    site.learn(learned(0, guest(2).0, to_port(B)));
    site.add_rx(1, A);
    site.add_tx(0, B);
    assert_eq!(site.poll(1, 0), 0, "the first round begins nowhere");
    assert_eq!(site.stats[1].idle_ticks.get(), 0);
    let ticks = |site: &Site, worker: usize| {
        let stats = &site.stats[worker];
        [stats.busy_ticks.get(), stats.idle_ticks.get()].map(|ticks| ticks > 0)
    };
    let counts = !cfg!(miri);
    for _ in 0..3 {
        site.arrive(A, &inner(1, 2, 0));
    }
    site.poll(1, 0);
    assert_eq!(ticks(&site, 1), [counts, false]);
    site.poll(1, 0);
    assert_eq!(ticks(&site, 1), [counts, counts]);
    // Worker 1 has no queue of port B: what it hands over is moved by both.
    site.poll(0, 0);
    let stats = site.stop();
    assert_eq!([stats[0].moved(), stats[1].moved()], [3, 3]);
    let cache = &stats[1].cache;
    assert_eq!((cache.misses.get(), cache.resolve_times.total()), (1, 1));
    assert_eq!(cache.resolve_ticks.get() > 0, counts);
}
