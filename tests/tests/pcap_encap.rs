//! Bytes in, bytes out, from a local port to the underlay: each field of the outer headers.

use overpath_tests::Result;
use overpath_tests::frame::{self, Ipv4, Outer};
use overpath_tests::golden::{Golden, LOCAL, REMOTE, REMOTE_MAC, UPLINK_MAC, inner};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const B: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// An inner UDP packet with these bits in the TOS byte.
fn with_tos(tos: u8) -> Vec<u8> {
    let ip = Ipv4 {
        tos,
        ttl: 33,
        ..Ipv4::new(A, B, 17)
    };
    frame::udp_frame(frame::mac(0x22), frame::mac(0x11), ip, (1, 2), &[tos; 40])
}

/// The inner flow with this source port.
fn flow(port: u16) -> Vec<u8> {
    let ip = Ipv4::new(A, B, 17);
    frame::udp_frame(frame::mac(0x22), frame::mac(0x11), ip, (port, 80), &[0; 40])
}

/// Different flows may overtake each other.
fn sorted<T: Ord>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.into_iter().collect();
    values.sort();
    values
}

fn arp() -> Vec<u8> {
    frame::arp(1, (frame::mac(0x11), A), ([0; 6], B))
}

#[test]
fn by_default_each_outer_field_is_that_of_the_defaults_table() -> Result {
    let sent = vec![inner(1), arp(), with_tos(0xb8), inner(2)];
    let output = Golden::from_lan(sent.clone()).run()?;
    assert_eq!(output.dropped(), "");
    let frames = output.encapsulated()?;
    assert_eq!(
        sorted(frames.iter().map(|(_, inner)| inner.clone())),
        sorted(sent)
    );
    for (outer, inner) in &frames {
        // Everything but the source port, which carries entropy.
        let mut expected = Outer::new((REMOTE_MAC, UPLINK_MAC), (REMOTE, LOCAL), 10);
        assert!((49152..=65535).contains(&outer.ports.0), "{outer:?}");
        expected.ports.0 = outer.ports.0;
        assert_eq!(*outer, expected, "around {inner:02x?}");
    }
    Ok(())
}

#[test]
fn a_flow_keeps_its_source_port_and_flows_differ() -> Result {
    let sent: Vec<_> = (0..64).map(flow).chain((0..64).map(flow)).collect();
    let frames = Golden::from_lan(sent).run()?.encapsulated()?;
    let ports: Vec<u16> = frames.iter().map(|(outer, _)| outer.ports.0).collect();
    assert_eq!(ports.len(), 128);
    assert_eq!(ports[..64], ports[64..], "a flow changed its port");
    let distinct: BTreeSet<_> = ports.iter().collect();
    assert!(distinct.len() > 56, "64 flows on {} ports", distinct.len());
    Ok(())
}

#[test]
fn fragments_of_a_packet_share_a_source_port() -> Result {
    let fragment = |fragment| {
        let ip = Ipv4 {
            fragment,
            id: 7,
            ..Ipv4::new(A, B, 17)
        };
        // The first one has ports to be seen; the others' payload must not be taken for ports.
        frame::udp_frame(
            frame::mac(0x22),
            frame::mac(0x11),
            ip,
            (fragment, 80),
            &[0; 40],
        )
    };
    let frames = Golden::from_lan(vec![fragment(0x2000), fragment(0x2006), fragment(0x000c)]);
    let frames = frames.run()?.encapsulated()?;
    let ports: BTreeSet<u16> = frames.iter().map(|(outer, _)| outer.ports.0).collect();
    assert_eq!((frames.len(), ports.len()), (3, 1));
    Ok(())
}

#[test]
fn ecn_is_copied_and_dscp_is_not() -> Result {
    // RFC 6040, section 4.1, normal mode.
    let output = Golden::from_lan((0..4).map(|ecn| with_tos(0xb8 | ecn)).collect()).run()?;
    let tos: Vec<u8> = output
        .encapsulated()?
        .iter()
        .map(|(outer, _)| outer.ip.tos)
        .collect();
    assert_eq!(tos, [0, 1, 2, 3]);
    Ok(())
}

#[test]
fn ttl_dscp_and_df_are_inherited_on_request() -> Result {
    let ip = Ipv4 {
        tos: 0xb9,
        ttl: 7,
        fragment: 0x4000,
        ..Ipv4::new(A, B, 17)
    };
    let marked = |ip| frame::udp_frame(frame::mac(0x22), frame::mac(0x11), ip, (1, 2), &[0; 40]);
    let sent = vec![
        marked(ip),
        marked(Ipv4 {
            fragment: 0,
            tos: 0,
            ..ip
        }),
        arp(),
    ];
    let tunnel = "ttl = \"inherit\"\ndscp = \"inherit\"\ndf = \"inherit\"";
    let frames = Golden::from_lan(sent)
        .tunnel(tunnel)
        .run()?
        .encapsulated()?;
    let fields = frames
        .iter()
        .map(|(o, _)| (o.ip.tos, o.ip.ttl, o.ip.fragment));
    assert_eq!(sorted(fields), [(0, 7, 0), (0, 64, 0), (0xb9, 7, 0x4000)]);
    Ok(())
}

#[test]
fn fixed_settings_are_used_and_packets_that_may_be_fragmented_have_ids() -> Result {
    let tunnel = "vni = 16777215\nudp_port = 8472\nsource_ports = [50000, 50003]\n\
                  ttl = 9\ndscp = 46\ndf = \"unset\"";
    let sent: Vec<_> = (0..32).map(flow).collect();
    let output = Golden::from_lan(sent.clone()).tunnel(tunnel).run()?;
    let frames = output.encapsulated()?;
    assert_eq!(
        frames
            .iter()
            .map(|(_, inner)| inner.clone())
            .collect::<Vec<_>>(),
        sent
    );
    for (outer, _) in &frames {
        assert_eq!(
            (outer.vni, outer.ports.1, outer.flags),
            (16_777_215, 8472, 8)
        );
        assert_eq!(
            (outer.ip.ttl, outer.ip.tos, outer.ip.fragment),
            (9, 46 << 2, 0)
        );
    }
    let ports: BTreeSet<u16> = frames.iter().map(|(outer, _)| outer.ports.0).collect();
    assert_eq!(ports, (50000..=50003).collect());
    // RFC 6864: unique while it may be fragmented.
    let ids: BTreeSet<u16> = frames.iter().map(|(outer, _)| outer.ip.id).collect();
    assert_eq!(ids.len(), frames.len());
    Ok(())
}

#[test]
fn vni_zero_is_a_network_like_any_other() -> Result {
    let output = Golden::from_lan(vec![inner(1)]).tunnel("vni = 0").run()?;
    let frames = output.encapsulated()?;
    assert_eq!(
        frames
            .iter()
            .map(|(outer, _)| outer.vni)
            .collect::<Vec<_>>(),
        [0]
    );
    Ok(())
}

#[test]
fn a_flood_has_one_copy_for_each_remote() -> Result {
    let third = Ipv4Addr::new(192, 0, 2, 3);
    let mut golden = Golden::from_lan(vec![inner(1)]);
    golden.tunnel = "remotes = [\"192.0.2.1\", \"192.0.2.3\"]".into();
    golden
        .uplink
        .push(frame::arp(1, ([2, 0, 0, 0, 1, 3], third), ([0; 6], LOCAL)));
    let output = golden.run()?;
    let mut frames = output.encapsulated()?;
    frames.sort_by_key(|(outer, _)| outer.ip.dst);
    let places: Vec<_> = frames
        .iter()
        .map(|(o, inner)| (o.dst, o.ip.dst, &inner[..]))
        .collect();
    let same = inner(1);
    assert_eq!(
        places,
        [
            (REMOTE_MAC, REMOTE, &same[..]),
            ([2, 0, 0, 0, 1, 3], third, &same[..])
        ]
    );
    assert_eq!(output.account.copied, 1);
    Ok(())
}

#[test]
fn what_is_too_long_for_the_underlay_is_dropped_by_name() -> Result {
    let frame = |payload: usize| {
        frame::ethernet(
            frame::mac(0x22),
            frame::mac(0x11),
            0x88b5,
            &vec![7; payload],
        )
    };
    // 1500 bytes of underlay less 50 for the outer headers and the inner Ethernet header.
    let output = Golden::from_lan(vec![frame(1450), frame(1451)]).run()?;
    assert_eq!(output.dropped(), "mtu_exceeded=1");
    let lengths: Vec<_> = output
        .encapsulated()?
        .iter()
        .map(|(_, inner)| inner.len())
        .collect();
    assert_eq!(lengths, [1464]);
    Ok(())
}

#[test]
fn frames_that_a_bridge_refuses_are_dropped_by_name() -> Result {
    let from = |src| frame::ethernet(frame::mac(0x22), src, 0x88b5, &[0; 46]);
    let group = [0x03, 0, 0, 0, 0, 1];
    for (sent, reason) in [
        (vec![2; 13], "frame_runt"),
        (from(group), "source_invalid"),
        (from([0; 6]), "source_invalid"),
        (
            frame::ethernet([1, 0x80, 0xc2, 0, 0, 2], frame::mac(1), 0x8809, &[0; 46]),
            "link_local",
        ),
        // A station behind the same port: both frames come from there.
        (
            frame::ethernet(frame::mac(0x11), frame::mac(0x22), 0x88b5, &[0; 46]),
            "same_port",
        ),
    ] {
        let static_entry =
            "[[fdb]]\nbridge = \"br10\"\nmac = \"02:00:00:00:00:11\"\nport = \"lan\"\n";
        let output = Golden::from_lan(vec![sent.clone()])
            .more(static_entry)
            .run()?;
        assert_eq!(output.dropped(), format!("{reason}=1"), "{sent:02x?}");
        assert_eq!(output.encapsulated()?.len(), 0, "{reason}");
    }
    Ok(())
}
