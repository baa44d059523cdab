//! Frames and calls at random: no panic, and nothing grows without bound.

use super::*;
use fastpath::wire::craft::tagged;
use fastpath::wire::icmp::{Echo, Repr};
use fastpath::wire::{EtherType, Tag};
use proptest::collection::vec;
use proptest::prelude::*;

/// Destinations: six that may be on a link, and two that are behind gateways.
const DESTINATIONS: u8 = 8;

/// Where the links are.
const PLACES: [fn() -> Place; 2] = [|| place(0), || vlan(0, 20)];

/// A call, with addresses out of a few, so that calls meet.
#[derive(Clone, Debug)]
enum Call {
    Up(usize, bool),
    /// A link is put in, with this address of ours, or taken away.
    Link(usize, u8),
    /// A route of these gateways, or none.
    Route(usize, Vec<u8>),
    /// A neighbour is set by hand on a link, with this MAC, or not any more.
    Set(usize, u8, u8),
    Want(u8),
    Unwant(u8),
    Needed(u8),
    Input(Vec<u8>),
    Tick(u64),
}

fn near(n: u8) -> Ipv4Addr {
    [192, 0, 2, n].into()
}

fn destination(n: u8) -> Ipv4Addr {
    if n < 6 { near(n) } else { [10, 0, 0, n].into() }
}

/// A sound frame of a neighbour.
fn sound() -> impl Strategy<Value = Vec<u8>> {
    let numbers = (0..6u8, 0..6u8, 0..4u8, 0..4u8, any::<bool>());
    numbers.prop_map(|(from, to, mac, kind, on_vlan)| {
        let mac = Mac::new([2, 0, 0, 0, 0, mac]);
        let pair = Pair::new((mac, near(from)), (OUR_MAC, near(to)));
        let echo = Repr {
            echo: Echo::Request,
            ident: 1,
            sequence: 1,
        };
        let frame = match kind {
            0 => pair.arp_request(),
            1 => pair.arp_reply(),
            2 => Pair::new((mac, near(from)), (mac, near(from))).arp_request(),
            _ => pair.echo(echo, &[7; 20]),
        };
        if on_vlan {
            tagged(&frame, EtherType::VLAN, Tag::from_bits(20))
        } else {
            frame
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
        1 => (0..2usize, any::<bool>()).prop_map(|(link, up)| Call::Up(link, up)),
        1 => (0..2usize, 0..3u8).prop_map(|(link, own)| Call::Link(link, own)),
        2 => (0..3usize, vec(0..6u8, 0..3)).prop_map(|(to, via)| Call::Route(to, via)),
        3 => (0..2usize, 0..6u8, 0..3u8).prop_map(|(link, n, mac)| Call::Set(link, n, mac)),
        3 => (0..DESTINATIONS).prop_map(Call::Want),
        2 => (0..DESTINATIONS).prop_map(Call::Unwant),
        2 => (0..DESTINATIONS).prop_map(Call::Needed),
        8 => frame.prop_map(Call::Input),
        4 => prop_oneof![0..2_000u64, 0..70_000u64].prop_map(Call::Tick),
    ]
}

/// What the caller was told last about a way, and how many want it.
#[derive(Clone, Debug, Default)]
struct Told {
    wanted: u32,
    hops: Hops,
}

/// What holds at any time, however it came to be.
fn check(host: &Host, told: &[Told]) -> Result<(), TestCaseError> {
    let host = &host.neighbours;
    for (n, told) in (0..).zip(told).filter(|(_, told)| told.wanted > 0) {
        let to = destination(n);
        prop_assert_eq!(&told.hops, &host.way(to));
        let via = host.routes.resolve(to);
        prop_assert_eq!(
            &via,
            &host.ways.via(to),
            "the way to {} is not that of the routes",
            to
        );
        for neighbour in via {
            prop_assert!(host.ways.needs(neighbour));
            let there = host.routes.on_link(neighbour).map(|there| there.link);
            let known = host.table.get(&neighbour).map(|known| known.link);
            prop_assert_eq!(known, there, "{} is not where it should be", neighbour);
        }
    }
    let wanted = (0..).zip(told).filter(|(_, told)| told.wanted > 0);
    let via: BTreeSet<_> = wanted
        .flat_map(|(n, _)| host.ways.via(destination(n)))
        .collect();
    prop_assert!(host.ways.needed().eq(via), "somebody is needed for nothing");
    for (address, known) in &host.table {
        let place = host.links.get(known.link).map(|link| link.place);
        let mut all = host.permanent();
        let set = all.find(|set| set.address == *address && Some(set.place) == place);
        let is = known.state.is_permanent().then_some(known.mac);
        prop_assert_eq!(
            set.map(|set| set.mac),
            is,
            "{} is not as it is set",
            address
        );
    }
    for set in host.permanent() {
        let there = host.routes.on_link(set.address).map(|there| there.link);
        let place = there
            .and_then(|link| host.links.get(link))
            .map(|link| link.place);
        let known = host.table.get(&set.address);
        let missing = place == Some(set.place) && known.is_none();
        prop_assert!(!missing, "{:?} is missing", set);
    }
    let placed = host.table.values().filter(|who| who.state.is_permanent());
    prop_assert_eq!(placed.count(), host.permanent.placed);
    prop_assert!(host.table.len() <= 6 && host.queue.len() <= host.table.len());
    let waiting = host
        .table
        .values()
        .filter(|who| who.pending.is_some())
        .count();
    prop_assert_eq!(waiting, host.queue.len());
    prop_assert!(host.table.values().all(|who| who.deadline >= host.due));
    Ok(())
}

fn act(host: &mut Host, told: &mut [Told; 8], call: &Call) {
    let (now, out) = (host.now, &mut host.out);
    match call {
        Call::Up(number, up) => host.neighbours.set_link_up(link(*number), *up, now, out),
        Call::Link(number, 0) => host.neighbours.remove_link(link(*number), now, out),
        Call::Link(number, n) => {
            // Addresses 1 to 4, none on both links.
            let own = near(n + 2 * *number as u8);
            let settings = LinkSettings {
                place: PLACES[*number](),
                mac: OUR_MAC,
                prefixes: &[Prefix::new(own, 27 + n).unwrap()],
            };
            host.neighbours.add_link(link(*number), settings, now, out);
            host.neighbours.set_link_up(link(*number), true, now, out);
        }
        Call::Route(to, via) => {
            let to = prefix(["0.0.0.0/0", "10.0.0.0/8", "10.0.0.7/32"][*to]);
            let via: Vec<_> = via.iter().map(|n| near(*n)).collect();
            if host.neighbours.add_route(to, &via, now, out).is_err() {
                host.neighbours.del_route(to, now, out);
            }
        }
        Call::Set(number, n, mac) => {
            let place = PLACES[*number]();
            let neighbour = Permanent {
                place,
                address: near(*n),
                mac: Mac::new([2, 0, 0, 0, 0, *mac]),
            };
            if *mac == 0 {
                let address = near(*n);
                host.neighbours.unset_permanent(place, address, now, out);
            } else {
                assert!(host.neighbours.set_permanent(neighbour, now, out));
            }
        }
        Call::Want(n) => {
            host.neighbours.want(destination(*n), now, out);
            told[usize::from(*n)].wanted += 1;
        }
        Call::Unwant(n) => {
            host.neighbours.unwant(destination(*n));
            let told = &mut told[usize::from(*n)];
            told.wanted = told.wanted.saturating_sub(1);
            if told.wanted == 0 {
                told.hops.clear();
            }
        }
        Call::Needed(n) => host.neighbours.needed(destination(*n), now, out),
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
        let mut told: [Told; 8] = Default::default();
        for call in &calls {
            act(&mut host, &mut told, call);
            let out = host.taken();
            prop_assert!(out.len() <= 2 * 6 + 8, "{out:?}");
            for output in out {
                if let Output::Way { destination, hops } = output {
                    let told = &mut told[usize::from(destination.octets()[3])];
                    prop_assert!(told.wanted > 0, "nobody asked for {destination}");
                    prop_assert!(told.hops != hops, "no news");
                    told.hops = hops;
                }
            }
            check(&host, &told)?;
        }
        // Once nobody wants anything, everything is forgotten.
        for n in 0..DESTINATIONS {
            while told[usize::from(n)].wanted > 0 {
                act(&mut host, &mut told, &Call::Unwant(n));
            }
        }
        for number in 0..2 {
            act(&mut host, &mut told, &Call::Link(number, 0));
        }
        for _ in 0..12 {
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
