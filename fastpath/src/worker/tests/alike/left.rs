//! Whether NICs make checksums or software does, and whether senders made theirs or left them open, may
//! not be noticed by who gets the packets.

use super::*;
use crate::io::Left;
use crate::snapshot::{Inside, TxChecksums};
use crate::testing::{DOWN, edit_remote};
use crate::wire::Transport;

/// As many as the switch has.
const PORTS: usize = DOWN + 1;

/// What a port has beside what all have: which checksums its NIC makes, and whether its driver says what
/// is open.
type Has = (TxChecksums, bool);

/// Some remotes get outer checksums, some ports take one segment only, and one computes all anew.
fn summing(mut snapshot: Snapshot, recomputes: usize) -> Snapshot {
    for number in [0, 2] {
        edit_remote(&mut snapshot, number, |settings| {
            settings.udp_checksum = true;
        });
        edit_port(&mut snapshot, number, |port| port.may_chain = false);
    }
    if recomputes < snapshot.ports.len() {
        edit_port(&mut snapshot, recomputes, |port| {
            port.rx_checksum = RxChecksum::Recompute;
        });
    }
    snapshot
}

/// The same, each port having what it is said to.
fn with_nics(snapshot: Snapshot, recomputes: usize, has: &[Has]) -> Snapshot {
    let mut snapshot = summing(snapshot, recomputes);
    for (number, has) in (0..snapshot.ports.len()).zip(has) {
        edit_port(&mut snapshot, number, |port| {
            (port.tx, port.rx_open) = *has;
        });
    }
    snapshot
}

/// The frame as a sender sends it that makes its checksum, and as one does that leaves it open: with the
/// sum of the pseudo header, or anything if what it is of cannot be told.
fn open_and_made(frame: &Frame, pools: [&HeapPool; 2]) -> [HeapPacket; 2] {
    let [mut made, mut open] = pools.map(|pool| frame.packet(pool));
    if let Some(left) = Left::of(open.head()) {
        let found = Transport::of(open.head(), open.len());
        let pseudo = found.map_or(0x1234, |found| !found.pseudo.finish());
        for packet in [&mut open, &mut made] {
            left.put(packet, pseudo);
        }
        left.finish(&mut made);
        open = open.with_open_checksum();
    }
    [made, open]
}

fn nic() -> impl Strategy<Value = TxChecksums> {
    let inside = prop::sample::select(vec![
        Inside::Never,
        Inside::Always,
        Inside::Behind(4789),
        Inside::Behind(8472),
    ]);
    (any::<bool>(), any::<bool>(), inside).prop_map(|(udp, tcp, inside)| TxChecksums {
        udp,
        tcp,
        inside,
        ..TxChecksums::default()
    })
}

proptest! {
    #[test]
    fn left_to_nics_or_not_packets_leave_alike(
        entries in prop::sample::select(vec![0, 3, 64]),
        steps in prop::collection::vec(step(), 1..100),
        open in prop::collection::vec(any::<bool>(), 50),
        has in prop::collection::vec((nic(), any::<bool>()), PORTS),
        recomputes in 0..2 * PORTS,
    ) {
        let plain = Site::with_all(entries, summing(switch(), recomputes));
        let nics = Site::with_all(entries, with_nics(switch(), recomputes, &has));
        let mut sites = [plain, nics];
        let mut open = open.iter().cycle();
        for (step, generation) in steps.iter().zip(2..) {
            match step {
                Step::Frames(frames) => for frame in frames {
                    // A length that is wrong in an outer header is not what a sender on this host sends.
                    let sane = frame.via.is_none() || frame.broken.is_none();
                    if sane && has[frame.at].1 && *open.next().unwrap() {
                        let packets = open_and_made(frame, [&sites[0].pool, &sites[1].pool]);
                        for (site, packet) in sites.iter().zip(packets) {
                            prop_assert!(site.rx[frame.at].push(packet).is_ok());
                        }
                    } else {
                        sites.iter().for_each(|site| frame.arrive(site));
                    }
                },
                Step::Publish(wanted) => {
                    let changed = || changed(*wanted, generation);
                    sites[0].publisher.publish(summing(changed(), recomputes));
                    sites[1].publisher.publish(with_nics(changed(), recomputes, &has));
                }
                other => sites.iter_mut().for_each(|site| carry_out(site, other, generation)),
            }
            let seen = sites.each_mut().map(|site| seen(site, 0));
            prop_assert_eq!(&seen[0], &seen[1], "{:?}", step);
        }
        let counters = sites.map(counters);
        prop_assert_eq!(&counters[0], &counters[1]);
    }
}
