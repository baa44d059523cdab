//! One good VXLAN frame, cut after every byte and changed in every byte to every other value: each
//! has the one fate that an oracle knows, moves the counters of that fate and no other, and what is
//! wrong inside is none of the switch's business.

mod oracle;

use crate::common::{Switch, from_peer, from_to, peer, us, vxlan};
use fastpath::wire::{ipv4, udp};
use oracle::{Fate, Sums, cut, ended, fate};

/// Bytes of the good frame: the outer headers, and a UDP packet of four bytes.
const LEN: usize = INNER_AT + 14 + 20 + 8 + 4;
/// Where the inner frame begins.
const INNER_AT: usize = 50;

/// Station 1 is fixed at port a, so that no forged source moves it.
const CONFIG: &str = r#"remotes = ["192.0.2.1"]
[[fdb]]
bridge = "br10"
mac = "02:00:00:00:02:01"
port = "a"
"#;

/// With DF set, as VTEPs do, and maybe with an outer UDP checksum.
fn good(sums: Sums) -> Vec<u8> {
    let mut frame = from_peer(1, &from_to(2, 1));
    frame[20] = 0x40;
    mend(&mut frame);
    if sums == Sums::Both {
        sum_up(&mut frame);
        assert!(frame[40] != 0 && frame[41] != 0, "a change could make it 0");
    }
    assert_eq!(frame.len(), LEN);
    frame
}

/// Makes the checksum of the IPv4 header right, if one can be found.
fn mend(frame: &mut [u8]) {
    if let Some(mut header) = ipv4::Ipv4::new(&mut frame[14..]) {
        header.fill_checksum();
    }
}

fn sum_up(frame: &mut [u8]) {
    let mut header = udp::Udp::new(&mut frame[34..]).unwrap();
    header.fill_checksum_v4(peer(1).1, us().1);
}

/// A switch that knows station 2 behind its peer.
fn switch() -> Switch {
    let mut switch = Switch::new(&vxlan(CONFIG));
    switch.pass("uplink", &good(Sums::NoUdp));
    switch.settle();
    switch
}

/// Sends a frame and sees its fate: what leaves, byte for byte, and which counters moved.
#[track_caller]
fn meets(switch: &mut Switch, frame: &[u8], fate: Fate, what: &str) {
    let (ports, len, moved) = match fate {
        Fate::Forwarded(len) => (&["a"][..], len, "received sent".to_owned()),
        Fate::Flooded => (
            &["a", "b"][..],
            LEN - INNER_AT,
            "received copied sent=2".to_owned(),
        ),
        Fate::Consumed(refusal) => (&[][..], 0, format!("received consumed neigh_{refusal}")),
        Fate::Dropped(reason) => (&[][..], 0, format!("received dropped drop.{reason}")),
    };
    let out = switch.pass("uplink", frame);
    let expected: Vec<_> = ports
        .iter()
        .map(|port| ((*port).to_owned(), frame[INNER_AT..INNER_AT + len].to_vec()))
        .collect();
    assert_eq!(out, expected, "{what}: {fate:?}: {frame:02x?}");
    let mut moved_now = switch.moved();
    // A source that nobody had before: only if the frame came through, and at most once.
    let learned = moved_now.remove("fdb_learned").unwrap_or(0);
    let through = matches!(fate, Fate::Forwarded(_) | Fate::Flooded);
    assert!(learned == 0 || (learned == 1 && through), "{what}: learned");
    assert_eq!(moved_now, crate::common::parse_moved(&moved), "{what}");
}

fn every_byte(sums: Sums) {
    let good = good(sums);
    for at in 0..LEN {
        // A new one each time, or the peer would have to answer ARP on the way.
        let mut switch = switch();
        for new in (0..=u8::MAX).filter(|new| *new != good[at]) {
            let mut frame = good.clone();
            frame[at] = new;
            if sums == Sums::Mended && at != 24 && at != 25 {
                mend(&mut frame);
            }
            let what = format!("{sums:?}: byte {at} from {:#04x} to {new:#04x}", good[at]);
            meets(&mut switch, &frame, fate(at, good[at], new, sums), &what);
        }
        let whole = Fate::Forwarded(LEN - INNER_AT);
        meets(&mut switch, &good, whole, "good");
        switch.close();
    }
}

#[test]
fn every_change_of_a_byte_without_udp_checksum() {
    every_byte(Sums::NoUdp);
}

#[test]
fn every_change_of_a_byte_with_udp_checksum() {
    every_byte(Sums::Both);
}

#[test]
fn every_change_of_a_byte_under_a_right_header_checksum() {
    every_byte(Sums::Mended);
}

#[test]
fn every_cut() {
    for sums in [Sums::NoUdp, Sums::Both] {
        let mut switch = switch();
        let good = good(sums);
        for len in 0..=LEN {
            meets(&mut switch, &good[..len], cut(len), &format!("{len} bytes"));
        }
        switch.close();
    }
}

/// The same cuts, by a sender who says so in both lengths, with and without padding behind.
#[test]
fn every_length_that_is_said() {
    for (sums, padding) in [(Sums::NoUdp, 0), (Sums::NoUdp, 60), (Sums::Both, 9)] {
        let mut switch = switch();
        for len in 34..=LEN {
            let mut frame = good(Sums::NoUdp);
            frame.truncate(len);
            frame[16..18].copy_from_slice(&((len - 14) as u16).to_be_bytes());
            if len >= 42 {
                frame[38..40].copy_from_slice(&((len - 34) as u16).to_be_bytes());
            }
            mend(&mut frame);
            if sums == Sums::Both && len >= 42 {
                sum_up(&mut frame);
            }
            frame.resize(len + padding, 0xee);
            meets(
                &mut switch,
                &frame,
                ended(len),
                &format!("{len} and {padding}"),
            );
        }
        switch.close();
    }
}

/// Whatever stands behind the inner addresses passes in both directions as it is: cut, changed, or
/// of a kind that nobody knows.
#[test]
fn broken_inner_packets_pass_untouched() {
    let whole = from_to(2, 1);
    for len in 14..=whole.len() {
        let mut switch = switch();
        for noise in 0..=u8::MAX {
            let mut inner = whole[..len].to_vec();
            for byte in inner.iter_mut().skip(12) {
                *byte = byte.wrapping_mul(3).wrapping_add(noise);
            }
            meets(
                &mut switch,
                &from_peer(1, &inner),
                Fate::Forwarded(len),
                "noise",
            );
            let back = [&whole[6..12], &whole[..6], &inner[12..]].concat();
            switch.tunnels("a", &back, &[1], &[], "received sent");
        }
        switch.close();
    }
}
