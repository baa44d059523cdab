//! What a NIC says of headers.

use crate::port::{LOCAL, Nic, UDP, inner, ours, outer, rule, vni};
use crate::rig::under;
use fastpath::io::{Checksum, NicWord, Packet, RxChecksums};

/// Offsets in an untagged frame without IPv4 options.
const IP_SUM: usize = 14 + 10;
const UDP_SUM: usize = 14 + 20 + 6;
const INNER_SUM: usize = 50 + UDP_SUM;

fn broken(frame: &[u8], at: usize) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[at] ^= 1;
    frame
}

/// Of a packet whose inner headers are right.
fn says(tunnel: bool, ip: Checksum, l4: Checksum) -> NicWord {
    let sound = RxChecksums {
        ip: Checksum::Good,
        l4: Checksum::Good,
    };
    NicWord {
        tunnel,
        checksums: RxChecksums { ip, l4 },
        inner: if tunnel {
            sound
        } else {
            RxChecksums::default()
        },
        mark: None,
    }
}

/// The same, whose inner UDP checksum is wrong.
fn says_inner_is_bad(ip: Checksum, l4: Checksum) -> NicWord {
    let mut word = says(true, ip, l4);
    word.inner.l4 = Checksum::Bad;
    word
}

#[test]
fn a_nic_that_knows_the_tunnel_speaks_of_the_outer_headers_apart() {
    use Checksum::{Bad, Good, Unknown};
    under("any", |bench| {
        let mut nic = Nic::new(bench, "outer");
        nic.port.device().add_vxlan_port(UDP).unwrap();
        nic.port.device().add_vxlan_port(4789).unwrap();
        assert_eq!(nic.word(&ours()), says(true, Unknown, Good));
        assert_eq!(
            nic.word(&broken(&ours(), UDP_SUM)),
            says(true, Unknown, Bad)
        );
        assert_eq!(nic.word(&broken(&ours(), IP_SUM)), says(true, Bad, Good));
        // What is said of inner headers is told apart.
        assert_eq!(
            nic.word(&broken(&ours(), INNER_SUM)),
            says_inner_is_bad(Unknown, Bad)
        );
        let zero = outer(LOCAL).vxlan(50_000, vni(10), &inner());
        assert_eq!(nic.word(&zero), says(true, Unknown, Unknown));
        let zero = broken(&zero, INNER_SUM);
        assert_eq!(nic.word(&zero), says_inner_is_bad(Unknown, Unknown));
    });
}

#[test]
fn good_inner_headers_are_not_taken_for_good_outer_ones() {
    use Checksum::Unknown;
    under("mlx5", |bench| {
        let mut nic = Nic::new(bench, "inner");
        let _flow = nic.port.device().create_flow(&rule()).unwrap();
        let word = nic.word(&broken(&ours(), UDP_SUM));
        let mark = Some(rule().mark.get());
        assert_eq!(
            word,
            NicWord {
                mark,
                ..says(true, Unknown, Unknown)
            }
        );
    });
}

#[test]
fn a_nic_that_does_not_know_the_tunnel_speaks_of_the_outer_headers() {
    use Checksum::{Bad, Good};
    under("ice", |bench| {
        let mut nic = Nic::new(bench, "plain");
        assert_eq!(nic.word(&ours()), says(false, Good, Good));
        assert_eq!(nic.word(&broken(&ours(), UDP_SUM)), says(false, Good, Bad));
        assert_eq!(nic.word(&broken(&ours(), IP_SUM)), says(false, Bad, Good));
    });
}

#[test]
fn all_is_forgotten_with_the_outer_headers() {
    under("any", |bench| {
        let mut nic = Nic::new(bench, "forget");
        let _flow = nic.port.device().create_flow(&rule()).unwrap();
        let mut packet = nic.receive(&ours());
        assert!(packet.mark().is_some() && packet.nic_says().tunnel);
        let mark = packet.mark();
        packet.distrust_rx_checksums();
        let only = NicWord {
            mark,
            ..NicWord::default()
        };
        assert_eq!(packet.nic_says(), only);
        packet.clear_rx_checksums();
        assert_eq!(packet.nic_says(), NicWord::default());
    });
}
