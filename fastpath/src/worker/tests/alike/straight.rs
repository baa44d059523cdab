//! That a burst goes the straight way may not be noticed: it is as if each packet went the long one.

use super::*;
use crate::action::{Action, Verdict};
use crate::parse::parse;
use crate::resolve::resolve;
use crate::snapshot::{Df, Hop, Inherit, Place, Way};
use crate::testing::{Rig, edit_remote, link, udp_ports};
use crate::wire::VlanId;

/// One packet after the other, parsed and resolved each, as the long way has it.
pub(super) fn long_way(rig: &mut Rig, frame: &Frame) -> (Verdict, Vec<Event>) {
    let bytes = frame.bytes();
    let parsed = parse(port(frame.at), &bytes, bytes.len(), &udp_ports());
    let resolution = resolve(&parsed.key, &rig.snapshot);
    let actions: Vec<Action> = resolution.program.actions().collect();
    let packet = frame.packet(&rig.pool);
    let verdict = rig.act_packet(frame.at, &actions, packet);
    while rig.punts.pop().is_ok() {}
    (verdict, rig.events.drain(9).collect())
}

/// What becomes of a station in the table.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    Learn,
    Pin,
    Forget,
}

/// Of a bridge, a station, and a place.
fn learning() -> impl Strategy<Value = (usize, u8, usize, Change)> {
    let change =
        prop_oneof![6 => Just(Change::Learn), 2 => Just(Change::Pin), 1 => Just(Change::Forget)];
    (0..2usize, station(), 0..6usize, change)
}

/// Frames that arrive together at one port: a few, or those few in turns until they fill a burst and
/// more. Each turn is another flow, and has another byte changed.
pub(super) fn burst() -> impl Strategy<Value = Vec<Frame>> {
    let few = prop_oneof![
        prop::collection::vec(frame_at(Just(UPLINK), 90), 1..5),
        (0..5usize).prop_flat_map(|at| prop::collection::vec(frame_at(Just(at), 30), 1..5)),
    ];
    let count = prop_oneof![3 => Just(0usize), 1 => 20..70usize];
    (few, count).prop_map(|(few, count)| {
        let count = count.max(few.len());
        let turns = (0..).flat_map(|turn| few.iter().map(move |frame| frame.turned(turn)));
        turns.take(count).collect()
    })
}

/// In what a switch is not the small one: a bridge that learns nothing, ports that take no chains, a
/// second path to each remote, a tagged link, a port that is down, outer fields of the inner frame.
pub(super) fn other([still, whole, paths, tagged, down, inherits]: [bool; 6]) -> Snapshot {
    let mut snapshot = switch();
    Arc::make_mut(&mut snapshot.bridges[0]).learning = !still;
    for number in [A, UPLINK] {
        edit_port(&mut snapshot, number, |port| port.may_chain = !whole);
    }
    edit_port(&mut snapshot, A, |port| port.up = !down);
    for (number, vlan) in [(UPLINK, VlanId::new(7)), (BOTH, None)] {
        snapshot.links.push(Place {
            port: port(number),
            vlan,
        });
    }
    for number in 0..snapshot.remotes.len() {
        edit_remote(&mut snapshot, number, |settings| {
            if inherits {
                settings.ttl = Inherit::Inner(1);
                settings.dscp = Inherit::Inner(2);
                settings.df = Df::Inherit;
            }
        });
        let hops = &snapshot.remote(remote(number)).unwrap().next_hops;
        hops.set_way(Way {
            paths: 1 + u8::from(paths),
            ..Way::default()
        });
        let first = hops.hop(0).map(|hop| Hop {
            link: link(usize::from(tagged)),
            ..hop
        });
        hops.store(0, first);
        hops.store(
            1,
            Some(Hop {
                link: link(2),
                mac: vtep(7).0,
            }),
        );
    }
    snapshot
}

proptest! {
    /// Bursts, at a time that goes on, beside stations that are learned, come and go, and are
    /// configured.
    #[test]
    fn straight_and_long_forward_alike(
        differs in prop::array::uniform6(prop::bool::weighted(0.3)),
        steps in prop::collection::vec(
            (burst(), learning(), prop_oneof![0..30u64, 0..700u64]),
            1..80,
        ),
    ) {
        let (mut site, mut rig) = (Site::with_all(64, other(differs)), Rig::new());
        (rig.snapshot, rig.pool) = (other(differs), HeapPool::new(512));
        let mut now = 0;
        for (frames, (number, station, to, change), time) in steps {
            now += time;
            rig.learner.set_now(now);
            for fdb in [&mut site.fdb, &mut rig.fdb] {
                fdb.set_tick((now / 1000) as u32);
            }
            let to = destination(to);
            let key = FdbKey::new(bridge(number), mac(station));
            let entry = [learned, pinned][usize::from(change == Change::Pin)](number, mac(station), to);
            if change == Change::Forget {
                site.fdb.remove(key);
                rig.fdb.remove(key);
            } else {
                site.learn(entry);
                rig.know(entry);
            }
            let mut events = Vec::new();
            for frame in &frames {
                frame.arrive(&site);
                events.extend(long_way(&mut rig, frame).1);
            }
            let sent = (0..site.tx.len()).map(|number| shapes(rig.sent_packets(number)));
            let sent: Vec<_> = sent.collect();
            prop_assert_eq!(seen(&mut site, now), (sent, events), "{:?}", frames);
            for station in 0..7 {
                let key = FdbKey::new(bridge(number), mac(station));
                let known = [&site.fdb, &rig.fdb].map(|fdb| fdb.get(key));
                let known = known.map(|entry| entry.map(|entry| (entry.value, entry.seen)));
                prop_assert_eq!(known[0], known[1]);
            }
        }
        let bytes = carried(&rig.stats);
        prop_assert_eq!(counters(site), (rig.moved(), bytes));
    }
}
