//! Frames and calls at random: no panic, and nothing grows without bound.

use super::*;
use fastpath::wire::icmp::{Echo, Repr};
use proptest::collection::vec;
use proptest::prelude::*;

/// A call, with addresses out of a few, so that calls meet.
#[derive(Clone, Debug)]
enum Call {
    Link(bool),
    Port(u8),
    Want(u8),
    Unwant(u8),
    Needed(u8),
    Input(Vec<u8>),
    Tick(u64),
}

fn near(n: u8) -> Ipv4Addr {
    [192, 0, 2, n].into()
}

/// A sound frame of a neighbour.
fn sound() -> impl Strategy<Value = Vec<u8>> {
    (0..6u8, 0..6u8, 0..4u8, 0..4u8).prop_map(|(from, to, mac, kind)| {
        let mac = Mac::new([2, 0, 0, 0, 0, mac]);
        let pair = Pair::new((mac, near(from)), (OUR_MAC, near(to)));
        let echo = Repr {
            echo: Echo::Request,
            ident: 1,
            sequence: 1,
        };
        match kind {
            0 => pair.arp_request(),
            1 => pair.arp_reply(),
            2 => Pair::new((mac, near(from)), (mac, near(from))).arp_request(),
            _ => pair.echo(echo, &[7; 20]),
        }
    })
}

/// The same with some bytes changed, cut short or drawn out.
fn broken() -> impl Strategy<Value = Vec<u8>> {
    (sound(), vec((0..90usize, any::<u8>()), 0..4), 0..90usize).prop_map(|(frame, changes, len)| {
        let mut frame = frame;
        for (at, byte) in changes {
            if let Some(place) = frame.get_mut(at) {
                *place = byte;
            }
        }
        frame.resize(len, 0x5a);
        frame
    })
}

fn call() -> impl Strategy<Value = Call> {
    let frame = prop_oneof![4 => sound(), 2 => broken(), 1 => vec(any::<u8>(), 0..100)];
    prop_oneof![
        1 => any::<bool>().prop_map(Call::Link),
        1 => (0..4u8).prop_map(Call::Port),
        2 => (0..6u8).prop_map(Call::Want),
        2 => (0..6u8).prop_map(Call::Unwant),
        2 => (0..6u8).prop_map(Call::Needed),
        8 => frame.prop_map(Call::Input),
        4 => prop_oneof![0..2_000u64, 0..70_000u64].prop_map(Call::Tick),
    ]
}

/// What the caller was told last about a way, and how many want it.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    wanted: u32,
    next_hop: Option<(PortId, Mac)>,
}

fn act(host: &mut Host, told: &mut [Told; 6], call: &Call) {
    let (now, out) = (host.now, &mut host.out);
    match call {
        Call::Link(up) => host.neighbours.set_link(port(0), *up, now, out),
        Call::Port(0) => host.neighbours.remove_port(port(0), now, out),
        Call::Port(n) => {
            let own = Prefix::new(near(*n), 24 + n).unwrap();
            host.neighbours.add_port(port(0), OUR_MAC, &[own], now, out);
            host.neighbours.set_link(port(0), true, now, out);
        }
        Call::Want(n) => {
            host.neighbours.want(near(*n), now, out);
            let told = &mut told[usize::from(*n)];
            told.wanted += 1;
            if told.wanted == 1 {
                told.next_hop = host.neighbours.next_hop(near(*n));
            }
        }
        Call::Unwant(n) => {
            host.neighbours.unwant(near(*n));
            let told = &mut told[usize::from(*n)];
            told.wanted = told.wanted.saturating_sub(1);
        }
        Call::Needed(n) => host.neighbours.needed(near(*n), now, out),
        Call::Input(frame) => host.neighbours.input(port(0), frame, now, out),
        Call::Tick(ms) => {
            host.now += ms;
            host.neighbours.tick(host.now, out);
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens(calls in vec(call(), 0..60)) {
        let mut host = Host::new();
        let mut told = [Told::default(); 6];
        for call in &calls {
            act(&mut host, &mut told, call);
            let out = host.taken();
            prop_assert!(out.len() <= 2 * 6 + 1, "{out:?}");
            if let Call::Input(_) = call {
                prop_assert!(out.len() <= 3, "{out:?}");
            }
            for output in out {
                if let Output::Changed { address, next_hop } = output {
                    let told = &mut told[usize::from(address.octets()[3])];
                    prop_assert!(told.wanted > 0, "nobody asked for {address}");
                    told.next_hop = next_hop;
                }
            }
            for (n, told) in told.iter().enumerate().filter(|(_, told)| told.wanted > 0) {
                prop_assert_eq!(told.next_hop, host.neighbours.next_hop(near(n as u8)));
            }
            let mut table = host.neighbours.table.values();
            prop_assert!(table.all(|who| who.deadline >= host.neighbours.due));
        }
        // Once nobody wants anything, everything is forgotten.
        for n in 0..6 {
            while told[n].wanted > 0 {
                act(&mut host, &mut told, &Call::Unwant(n as u8));
            }
        }
        for _ in 0..3 {
            act(&mut host, &mut told, &Call::Tick(60_000));
        }
        prop_assert_eq!(host.neighbours.table.len(), 0);
        prop_assert_eq!(host.neighbours.next_deadline(), None);
    }

    #[test]
    fn noise_is_counted_once(frame in vec(any::<u8>(), 0..100)) {
        let mut host = Host::new();
        prop_assert_eq!(host.input(&frame), []);
        let counted = host.counted();
        prop_assert!(matches!(&counted[..], [(_, 1)]), "{counted:?}");
    }
}
