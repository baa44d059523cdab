//! What is left to a NIC of packets that it sends: to cut them, and their checksums.
//!
//! The model makes of it what DPDK's documentation says, and refuses what that does not allow.

use crate::port::{LOCAL, Nic, config, outer, vni};
use crate::rig::{Bench, with};
use fastpath::cut::{for_nic, in_software};
use fastpath::dpdk::{Mbuf, Mempool, PoolConfig, Port, PortConfig};
use fastpath::io::{Burst, Left, Packet, Pool, RxQueue as _, TxQueue as _};
use fastpath::snapshot::{Inside, TxChecksums};
use fastpath::wire::craft::{Pair, tagged};
use fastpath::wire::{EtherType, Mac, Protocol, Tag};
use std::num::NonZeroU16;

/// Bytes of a TCP header without options in front of [`OPTIONS`].
const TCP: usize = 20;
const OPTIONS: [u8; 12] = [1; 12];
/// CWR, ACK, PSH and FIN.
const FLAGS: u8 = 0x99;
/// The first of its segments wraps the sequence number around.
const SEQUENCE: u32 = 0xffff_ff00;

/// With queues that are long enough for packets in many buffers.
fn offload() -> PortConfig {
    PortConfig {
        tx_descriptors: 128,
        ..config()
    }
}

/// Runs a test with a NIC that has the name of a driver.
fn under<F: FnOnce(&Bench)>(driver: &str, test: F) {
    with(&[("NICMODEL", "any"), ("NICMODEL_DRIVER", driver)], test);
}

/// A pool of buffers that hold a whole packet, as some guests hand them over.
fn wide(bench: &Bench) -> Mempool {
    let config = PoolConfig {
        name: "wide".to_owned(),
        mbufs: 63,
        mtu: 14_000,
        socket: None,
    };
    Mempool::new(&bench.eal, &config).unwrap()
}

fn pair() -> Pair {
    let guest = |n| (Mac::new([2, 0, 0, 0, 0, n]), [10, 0, 0, n].into());
    Pair::new(guest(1), guest(2))
}

/// A packet of TCP with so many bytes of payload, and zero in the place of the checksum.
fn tcp(ipv6: bool, payload: usize) -> Vec<u8> {
    let mut segment = vec![0; TCP];
    segment[..4].copy_from_slice(&[0x12, 0x34, 0, 80]);
    segment[4..8].copy_from_slice(&SEQUENCE.to_be_bytes());
    segment[12] = 8 << 4;
    segment[13] = FLAGS;
    segment.extend_from_slice(&OPTIONS);
    segment.extend((0..payload).map(|at| (at * 7 + at / 251) as u8));
    match ipv6 {
        true => pair().ipv6(Protocol::TCP, &segment),
        false => pair().ipv4(Protocol::TCP, &segment),
    }
}

/// The same as a guest leaves it, in VXLAN or not, and what is left of it.
fn left(ipv6: bool, tunnel: bool, payload: usize, size: u16) -> (Vec<u8>, Left) {
    let frame = tcp(ipv6, payload);
    let left = Left {
        segment: NonZeroU16::new(size),
        ..Left::of(&frame).unwrap()
    };
    match tunnel {
        true => (
            outer(LOCAL).vxlan(50_000, vni(10), &frame),
            left.inside(14, 20),
        ),
        false => (frame, left),
    }
}

/// The same with a tag in the frame, and, if that is in VXLAN, one before the outer header.
fn left_tagged(ipv6: bool, tunnel: bool, payload: usize, size: u16) -> (Vec<u8>, Left) {
    let tagged = |frame: &[u8]| tagged(frame, EtherType::VLAN, Tag::from_bits(0x2007));
    let frame = tagged(&tcp(ipv6, payload));
    let left = Left {
        segment: NonZeroU16::new(size),
        ..Left::of(&frame).unwrap()
    };
    match tunnel {
        true => (
            tagged(&outer(LOCAL).vxlan(50_000, vni(10), &frame)),
            left.inside(18, 20),
        ),
        false => (frame, left),
    }
}

/// A packet whose checksum is open.
fn open(pool: &Mempool, frame: &[u8], left: Left) -> Mbuf {
    opened(pool.alloc(frame).unwrap(), left)
}

/// The same in two buffers, of which the first has the headers and little more.
fn open_chain(pool: &Mempool, frame: &[u8], left: Left) -> Mbuf {
    let (outer, inner) = frame.split_at(left.frame_at());
    let inner = pool.alloc(inner).unwrap();
    let mut chain = pool.replicate(&inner, true).unwrap();
    chain.prepend(outer.len()).unwrap().copy_from_slice(outer);
    assert_eq!(chain.buffers(), 2);
    opened(chain, left)
}

fn opened(mut packet: Mbuf, left: Left) -> Mbuf {
    let pseudo = left.transport(&packet).unwrap().pseudo;
    left.open(&mut packet, pseudo);
    packet
}

fn bytes(packet: &Mbuf) -> Vec<u8> {
    let mut bytes = Vec::new();
    packet.for_each_segment(0, |part| bytes.extend_from_slice(part));
    bytes
}

/// What comes back of a packet.
fn sent(nic: &mut Nic, packet: Mbuf) -> Vec<Vec<u8>> {
    let mut burst: Burst<Mbuf> = Burst::from_iter([packet]);
    assert_eq!(nic.tx.transmit(&mut burst), 1);
    let mut all = Vec::new();
    while nic.rx.receive(&mut burst) > 0 {
        all.extend(burst.drain(..).map(|packet| bytes(&packet)));
    }
    all
}

fn errors(nic: &Nic) -> u64 {
    nic.port.device().counters().unwrap().tx_errors
}

#[test]
#[ignore = "needs the model as a driver: scripts/test nic"]
fn a_packet_left_whole_comes_back_as_the_segments_that_software_makes() {
    under("net_ice", |bench| {
        let mut nic = Nic::configured(bench, "whole", &offload());
        let tx = nic.settings().tx;
        assert!(tx.segments && tx.inside_segments && tx.inside == Inside::Always);
        let wide = wide(bench);
        for (payload, size) in [
            (12_000, 1448),
            (2896, 1448),
            (2897, 1448),
            (600, 256),
            (8000, 1000),
        ] {
            let forms = [(false, false), (true, false), (false, true), (true, true)];
            let all = forms.into_iter().flat_map(|(ipv6, tunnel)| {
                let forms = [left, left_tagged];
                forms.map(|form| (ipv6, tunnel, form(ipv6, tunnel, payload, size)))
            });
            for (ipv6, tunnel, (frame, left)) in all {
                let whole = open(&wide, &frame, left);
                let expected = in_software(&nic.pool, &whole, left).unwrap();
                let expected: Vec<_> = expected.iter().map(bytes).collect();
                assert_eq!(expected.len(), payload.div_ceil(size.into()));
                let chain = open_chain(&wide, &frame, left);
                for mut packet in [whole, chain] {
                    packet.leave(Some(left));
                    assert_eq!(packet.left(), Some(left));
                    for_nic(&mut packet, left);
                    let sent = sent(&mut nic, packet);
                    let what = format!(
                        "{payload} {size} {ipv6} {tunnel}: {:?}",
                        bench.asked("wrong")
                    );
                    assert_eq!(sent.len(), expected.len(), "{what}");
                    assert!(sent == expected, "{what}");
                }
            }
        }
        assert_eq!(
            (errors(&nic), wide.in_use(), bench.asked("wrong")),
            (0, 0, vec![])
        );
    });
}

#[test]
#[ignore = "needs the model as a driver: scripts/test nic"]
fn a_checksum_that_is_left_is_made() {
    under("mlx5_pci", |bench| {
        let mut nic = Nic::configured(bench, "sum", &offload());
        for (ipv6, tunnel) in [(false, false), (true, false), (false, true), (true, true)] {
            let (frame, left) = left(ipv6, tunnel, 1000, 0);
            let mut packet = open(&nic.pool, &frame, left);
            let mut made = open(&nic.pool, &frame, left);
            left.finish(&mut made);
            packet.leave(Some(left));
            let sent = sent(&mut nic, packet);
            assert!(sent == [bytes(&made)], "{:?}", bench.asked("wrong"));
        }
        assert_eq!(errors(&nic), 0);
    });
}

/// What is wrong with a packet that is left so.
fn refused(bench: &Bench, nic: &mut Nic, packet: Mbuf) -> String {
    let before = errors(nic);
    assert_eq!(sent(nic, packet), Vec::<Vec<u8>>::new());
    assert_eq!(errors(nic), before + 1);
    let line = bench.asked("wrong").pop().unwrap();
    line.split_once("wrong: ").unwrap().1.to_owned()
}

#[test]
#[ignore = "needs the model as a driver: scripts/test nic"]
fn what_is_not_asked_for_as_it_is_documented_is_an_error() {
    under("net_i40e", |bench| {
        let mut nic = Nic::configured(bench, "wrong", &offload());
        let pool = nic.pool.clone();
        for tunnel in [false, true] {
            let (frame, left) = left(false, tunnel, 1500, 500);
            // As it is to be, but for one thing.
            let mut ask = |asked: Left, edit: fn(&mut Mbuf, Left)| {
                let mut packet = open(&pool, &frame, left);
                for_nic(&mut packet, left);
                packet.leave(Some(asked));
                edit(&mut packet, left);
                refused(bench, &mut nic, packet)
            };
            assert_eq!(
                ask(left, |packet, left| packet.head_mut()[left.at() - 10] = 1),
                "an IP checksum is there"
            );
            assert_eq!(
                ask(left, |packet, left| left.put(packet, left.word(packet) ^ 1)),
                "the sum of another pseudo header"
            );
            let l4_len = Left { l4_len: 20, ..left };
            assert_eq!(
                ask(l4_len, |_, _| {}),
                "the length of the TCP or UDP header is another"
            );
            let l2_len = Left {
                l2_len: left.l2_len + 2,
                ..left
            };
            assert_eq!(ask(l2_len, |_, _| {}), "no IP header is there");
            let ipv6 = Left { ipv6: true, ..left };
            assert_eq!(ask(ipv6, |_, _| {}), "no IP header is there");
            if tunnel {
                assert_eq!(
                    ask(left, |packet, _| packet.head_mut()[24] = 1),
                    "an outer IP checksum is there"
                );
                assert_eq!(
                    ask(left, |packet, _| packet.head_mut()[40] = 1),
                    "an outer UDP checksum is there"
                );
            }
        }
    });
}

#[test]
#[ignore = "needs the model as a driver: scripts/test nic"]
fn what_was_not_configured_is_not_cut() {
    for (driver, tunnel, why) in [
        ("net_nicmodel", false, "cuts were not configured"),
        ("net_ixgbe", true, "cuts in VXLAN were not configured"),
    ] {
        let test = move |bench: &Bench| {
            let mut nic = Nic::configured(bench, "plain", &offload());
            let tx = nic.settings().tx;
            assert_eq!((tx.segments, tx.inside_segments), (tunnel, false));
            let (frame, left) = left(false, tunnel, 1500, 500);
            let mut packet = open(&nic.pool, &frame, left);
            packet.leave(Some(left));
            for_nic(&mut packet, left);
            assert_eq!(refused(bench, &mut nic, packet), why);
        };
        with(&[("NICMODEL", "any"), ("NICMODEL_DRIVER", driver)], test);
    }
}

#[test]
#[ignore = "needs the model as a driver: scripts/test nic"]
fn a_queue_without_room_for_headers_cuts_nothing_and_a_note_says_so() {
    under("mlx5_pci", |bench| {
        for (descriptors, cuts) in [(4096, true), (4097, false)] {
            let config = PortConfig {
                tx_descriptors: descriptors,
                ..offload()
            };
            let mut port =
                Port::open(&bench.eal, &bench.device(&format!("q{descriptors}"))).unwrap();
            let pool = crate::port::pool(bench, &format!("q{descriptors}"));
            let settings = port.configure(&config, &pool).unwrap();
            assert_eq!(settings.tx.segments, cuts);
            assert_eq!(settings.tx.inside_segments, cuts);
            assert!(settings.tx.tcp && settings.tx.inside != Inside::Never);
            let told =
                |note: &String| note.starts_with("the device cannot be set up to cut packets");
            assert_eq!(
                settings.notes.iter().any(told),
                !cuts,
                "{:?}",
                settings.notes
            );
            assert_ne!(settings.tx, TxChecksums::default());
        }
    });
}
