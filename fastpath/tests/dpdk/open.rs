//! Checksums that are left open: by a guest to net_vhost, and by net_vhost to a guest.

use crate::rig::{bytes, on_eal, pool};
use fastpath::dpdk::{Eal, Mbuf, Mempool, Port, PortConfig, RxQueue, StartedPort, TxQueue};
use fastpath::ids::PortId;
use fastpath::io::{Burst, Left, Packet, Pool, RxQueue as _, TxQueue as _};
use fastpath::wire::craft::Pair;
use fastpath::wire::{Mac, Protocol, Transport};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) type Running = (StartedPort, RxQueue, TxQueue);

fn started(eal: &Eal, device: &str, pool: &Mempool, offload: bool) -> Running {
    let mut port = Port::open(eal, device).unwrap();
    let config = PortConfig {
        rx_descriptors: 64,
        tx_descriptors: 64,
        offload,
        ..PortConfig::default()
    };
    port.configure(&config, pool).unwrap();
    let (port, mut rx, mut tx) = port.start(PortId::new(7).unwrap()).unwrap();
    (port, rx.pop().unwrap(), tx.pop().unwrap())
}

/// A host's end of a socket and a guest's, once they know each other.
fn pair(eal: &Eal, name: &str, pool: &Mempool, host_offload: bool) -> [Running; 2] {
    pair_with(eal, name, pool, host_offload, ["", ""])
}

/// The same with more arguments of both devices.
fn pair_with(
    eal: &Eal,
    name: &str,
    pool: &Mempool,
    host_offload: bool,
    more: [&str; 2],
) -> [Running; 2] {
    pair_of(eal, name, [pool; 2], host_offload, more)
}

/// The same, each with a pool of its own.
pub(crate) fn pair_of(
    eal: &Eal,
    name: &str,
    pools: [&Mempool; 2],
    host_offload: bool,
    more: [&str; 2],
) -> [Running; 2] {
    let [of_host, of_guest] = more;
    let socket = std::env::temp_dir().join(format!("overpath-{name}-{}", std::process::id()));
    let path = socket.display();
    let host = started(
        eal,
        &format!("net_vhost_{name},iface={path}{of_host}"),
        pools[0],
        host_offload,
    );
    let guest = format!("net_virtio_user_{name},path={path}{of_guest}");
    let guest = started(eal, &guest, pools[1], true);
    let end = Instant::now() + Duration::from_secs(60);
    while !host.0.device().link().unwrap().up {
        assert!(Instant::now() < end, "no link");
        thread::sleep(Duration::from_millis(1));
    }
    [host, guest]
}

/// UDP and TCP over IPv4 with their checksums, and without.
fn frames() -> Vec<(Vec<u8>, Vec<u8>)> {
    let end = |n| (Mac::new([2, 0, 0, 0, 0, n]), [10, 0, 0, n].into());
    let pair = Pair::new(end(1), end(2));
    let made = [pair.udp(1, 2, &[7; 700]), pair.tcp(1, 2, &[7; 701])];
    let both = made.map(|made| {
        let found = Transport::of(&made, made.len()).unwrap();
        let mut open = made.clone();
        let pseudo = !found.pseudo.finish();
        open[found.checksum_at()..][..2].copy_from_slice(&pseudo.to_be_bytes());
        (made, open)
    });
    both.into()
}

/// The packet as it comes out at the other end.
pub(crate) fn across(tx: &mut TxQueue, rx: &mut RxQueue, packet: Mbuf) -> Mbuf {
    let mut burst = Burst::new();
    burst.push(packet);
    let end = Instant::now() + Duration::from_secs(60);
    while tx.transmit(&mut burst) == 0 {
        assert!(Instant::now() < end, "not taken");
    }
    let mut burst = Burst::new();
    while rx.receive(&mut burst) == 0 {
        assert!(Instant::now() < end, "nothing came");
    }
    burst.pop().unwrap()
}

fn packet(pool: &Mempool, frame: &[u8], left: Option<Left>) -> Mbuf {
    let mut packet = pool.alloc(frame).unwrap();
    packet.leave(left);
    packet
}

#[test]
fn what_one_end_leaves_open_the_other_is_told_is_open() {
    on_eal(|eal| {
        let pool = pool(eal, "open");
        let [
            (host, mut host_rx, mut host_tx),
            (guest, mut guest_rx, mut guest_tx),
        ] = pair(eal, "open", &pool, true);
        for settings in [host.settings(), guest.settings()] {
            assert!(
                settings.open && settings.tx.udp && settings.tx.tcp,
                "{settings:?}"
            );
        }
        for (tx, rx) in [(&mut guest_tx, &mut host_rx), (&mut host_tx, &mut guest_rx)] {
            for (made, open) in frames() {
                let left = Left::of(&open).unwrap();
                let mut got = across(tx, rx, packet(&pool, &open, Some(left)));
                assert!(got.is_open() && bytes(&got) == open);
                left.finish(&mut got);
                assert_eq!(bytes(&got), made);
                let whole = across(tx, rx, packet(&pool, &made, None));
                assert!(!whole.is_open() && bytes(&whole) == made);
                assert_eq!(whole.left(), None);
            }
        }
        drop(guest.stop(vec![guest_rx], vec![guest_tx]).unwrap());
        drop(host.stop(vec![host_rx], vec![host_tx]).unwrap());
        assert_eq!(pool.in_use(), 0);
    });
}

#[test]
fn who_is_not_told_makes_what_a_guest_leaves_open() {
    on_eal(|eal| {
        let pool = pool(eal, "made");
        let [
            (host, mut host_rx, host_tx),
            (guest, guest_rx, mut guest_tx),
        ] = pair(eal, "made", &pool, false);
        assert!(!host.settings().open && !host.settings().tx.udp);
        for (made, open) in frames() {
            let left = Left::of(&open);
            let got = across(&mut guest_tx, &mut host_rx, packet(&pool, &open, left));
            assert!(!got.is_open());
            assert_eq!(bytes(&got), made);
        }
        drop(guest.stop(vec![guest_rx], vec![guest_tx]).unwrap());
        drop(host.stop(vec![host_rx], vec![host_tx]).unwrap());
        assert_eq!(pool.in_use(), 0);
    });
}

/// Hop by hop options that make an IPv6 header of 512 bytes, whose nine lowest bits are zero.
fn behind_options() -> (Vec<u8>, Left) {
    let end = |n| (Mac::new([2, 0, 0, 0, 0, n]), [10, 0, 0, n].into());
    let pair = Pair::new(end(1), end(2));
    let mut options = vec![0; 472];
    options[..2].copy_from_slice(&[17, 58]);
    let datagram = &pair.udp6(1, 2, &[7; 9])[54..];
    let frame = pair.ipv6(Protocol(0), &[&options, datagram].concat());
    let left = Left::of(&frame).unwrap();
    (frame, left)
}

#[test]
fn what_a_nic_cannot_be_told_is_made_at_once() {
    on_eal(|eal| {
        let pool = pool(eal, "told");
        let (frame, left) = behind_options();
        assert_eq!(left.l3_len, 512);
        let mut asked = packet(&pool, &frame, Some(left));
        let mut made = packet(&pool, &frame, None);
        left.finish(&mut made);
        assert_eq!(asked.left(), None);
        assert!(bytes(&asked) == bytes(&made) && bytes(&made) != frame);
        // What was asked before is not asked any more.
        let plain = Left { l3_len: 40, ..left };
        asked.leave(Some(plain));
        assert_eq!(asked.left(), Some(plain));
        asked.leave(Some(left));
        assert_eq!(asked.left(), None);
        drop((asked, made));
        assert_eq!(pool.in_use(), 0);
    });
}

#[test]
fn what_others_asked_for_is_not_asked_again() {
    on_eal(|eal| {
        let pool = pool(eal, "stray");
        let (port, mut rx, mut tx) = started(eal, "net_ring_stray", &pool, true);
        let (frame, open) = frames().remove(0);
        let left = Left::of(&open);
        assert!(left.is_some());
        // A ring hands on what it gets, flags and all.
        let got = across(&mut tx, &mut rx, packet(&pool, &open, left));
        assert!(got.left().is_none() && bytes(&got) == open);
        drop(got);
        let got = across(&mut tx, &mut rx, packet(&pool, &frame, None));
        assert!(got.left().is_none());
        drop(got);
        drop(port.stop(vec![rx], vec![tx]).unwrap());
        assert_eq!(pool.in_use(), 0);
    });
}

#[test]
fn nothing_is_taken_to_be_open_where_arguments_change_what_flags_mean() {
    on_eal(|eal| {
        let pool = pool(eal, "mean");
        let more = [",legacy-ol-flags=1", ",vectorized=1"];
        let ends = pair_with(eal, "mean", &pool, true, more);
        for ((port, rx, tx), argument) in ends.into_iter().zip(more) {
            let settings = port.settings();
            assert!(!settings.open, "{settings:?}");
            let told = |note: &String| note.starts_with(&argument[1..]);
            assert!(settings.notes.iter().any(told), "{settings:?}");
            drop(port.stop(vec![rx], vec![tx]).unwrap());
        }
        assert_eq!(pool.in_use(), 0);
    });
}
