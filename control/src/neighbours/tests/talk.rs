//! Two switches joined by hand.

use super::*;

const WEST: usize = 0;
const EAST: usize = 1;
const MACS: [Mac; 2] = [OUR_MAC, PEER];
const IPS: [Ipv4Addr; 2] = [OUR_IP, PEER_IP];

/// Two switches on one link.
struct Wire {
    ends: [Neighbours; 2],
    now: u64,
    /// By end, what changed.
    changes: [Vec<Option<Mac>>; 2],
    /// Frames are lost.
    cut: bool,
}

impl Wire {
    fn new() -> Self {
        let mut wire = Wire {
            ends: [Neighbours::new(), Neighbours::new()],
            now: 0,
            changes: [vec![], vec![]],
            cut: true,
        };
        for end in [WEST, EAST] {
            let own = Prefix::new(IPS[end], 24).unwrap();
            wire.at(end, |host, now, out| {
                let settings = LinkSettings {
                    place: place(end),
                    mac: MACS[end],
                    prefixes: &[own],
                };
                host.add_link(link(end), settings, now, out);
                host.set_link_up(link(end), true, now, out);
            });
        }
        wire.cut = false;
        wire.pass(7);
        wire
    }

    /// Does something at one end, then carries frames until there are none.
    fn at(&mut self, end: usize, act: impl FnOnce(&mut Neighbours, u64, &mut Vec<Output>)) {
        let mut out = Vec::new();
        act(&mut self.ends[end], self.now, &mut out);
        let mut pending: Vec<_> = out.into_iter().map(|output| (end, output)).collect();
        let mut carried = 0;
        while let Some((from, output)) = pending.pop() {
            match output {
                Output::Way { destination, hops } => {
                    assert_eq!((destination, hops.len()), (IPS[1 - from], 1));
                    self.changes[from].push(hops[0].map(|(_, mac)| mac));
                }
                Output::Send { frame, .. } if !self.cut => {
                    carried += 1;
                    assert!(carried < 10, "they do not come to an end");
                    let mut out = Vec::new();
                    self.ends[1 - from].input(port(1 - from), &frame, self.now, &mut out);
                    pending.extend(out.into_iter().map(|output| (1 - from, output)));
                }
                Output::Send { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds * 10 {
            self.now += 100;
            self.at(WEST, |host, now, out| host.tick(now, out));
            self.at(EAST, |host, now, out| host.tick(now, out));
        }
    }

    fn state(&self, end: usize) -> Option<NeighbourState> {
        let rows = self.ends[end].show(|_| String::new());
        rows.first().map(|row| row.state)
    }
}

#[test]
fn they_find_each_other_and_notice_a_cut() {
    let mut wire = Wire::new();
    wire.at(WEST, |host, now, out| host.want(PEER_IP, now, out));
    assert_eq!(wire.changes, [vec![None, Some(PEER)], vec![]]);
    assert_eq!(wire.state(WEST), Some(NeighbourState::Reachable));
    assert_eq!(
        wire.state(EAST),
        Some(NeighbourState::Stale),
        "met, not wanted"
    );
    wire.at(EAST, |host, now, out| host.want(OUR_IP, now, out));
    assert_eq!(wire.state(EAST), Some(NeighbourState::Reachable));

    let before = [vec![None, Some(PEER)], vec![Some(OUR_MAC)]];
    assert_eq!(wire.changes, before);
    wire.pass(300);
    assert_eq!(wire.changes, before, "nothing changes in five minutes");
    for end in &wire.ends {
        // An exchange each half minute from either side, and the first one.
        assert!((10..=12).contains(&end.counter(Counter::ArpRequestSent)));
    }

    wire.cut = true;
    wire.pass(40);
    assert_eq!(
        wire.changes,
        [vec![None, Some(PEER), None], vec![Some(OUR_MAC), None]]
    );
    wire.pass(60);
    wire.cut = false;
    wire.pass(6);
    assert_eq!(
        wire.changes,
        [
            vec![None, Some(PEER), None, Some(PEER)],
            vec![Some(OUR_MAC), None, Some(OUR_MAC)]
        ]
    );
    for end in &wire.ends {
        let strange = end
            .counters()
            .filter(|(name, count)| *count != 0 && !name.contains("_request_"))
            // Probes, and announcements of somebody who was not known yet.
            .filter(|(name, _)| !name.ends_with("_sent") && *name != "arp_other");
        assert_eq!(strange.collect::<Vec<_>>(), [], "no refusals");
    }
}

#[test]
fn who_wants_nothing_forgets() {
    let mut wire = Wire::new();
    wire.at(WEST, |host, now, out| host.want(PEER_IP, now, out));
    wire.ends[WEST].unwant(PEER_IP);
    wire.pass(91);
    assert_eq!([wire.state(WEST), wire.state(EAST)], [None, None]);
}
