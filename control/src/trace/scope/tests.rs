use super::*;

const SWITCH: &str = r#"
    port = [
        { name = "up", device = "heap0", addresses = ["192.0.2.2/24"] },
        { name = "up2", device = "heap1", addresses = ["198.51.100.2/24"] },
        { name = "a", device = "heap2" },
        { name = "b", device = "heap3" },
        { name = "twice", device = "heap4" },
    ]
    bridge = [
        { name = "br0", ports = ["a", "b"] },
        { name = "br1", ports = ["up2", "twice"] },
        { name = "twice" },
    ]
"#;

fn capture(wanted: &Wanted, of: Subject) -> Result<Scope, String> {
    let every = Program::everything();
    Scope::new(wanted, numbers(wanted), of, &every).map_err(|refused| refused.to_string())
}

fn wanted(more: &str) -> Wanted {
    Wanted::parse(&format!("{SWITCH}{more}"), "test").unwrap()
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// The numbers of the ports of each wish.
fn ports(scope: &Scope) -> Vec<Vec<usize>> {
    let there = |wish: &Wish| {
        let numbers = (0..5).filter(|n| wish.ports.contains(PortId::new(*n).unwrap()));
        assert!(wish.received && wish.sent);
        numbers.collect()
    };
    scope.wishes.iter().map(there).collect()
}

/// Ports have the numbers of their places.
fn numbers(wanted: &Wanted) -> impl Fn(Name) -> Option<PortId> {
    let names: Vec<_> = wanted.ports.iter().map(|port| port.name).collect();
    move |name| PortId::new(names.iter().position(|known| *known == name)?)
}

#[test]
fn a_name_means_the_one_thing_that_has_it() {
    let wanted = wanted("");
    for (text, of, numbers) in [
        ("a", Subject::Port(name("a")), vec![2]),
        ("br0", Subject::Bridge(name("br0")), vec![2, 3]),
        ("br1", Subject::Bridge(name("br1")), vec![1, 4]),
    ] {
        let scope = capture(&wanted, Subject::Named(name(text))).unwrap();
        assert_eq!((scope.of, ports(&scope)), (of, vec![numbers]), "{text}");
        assert_eq!(scope.wishes[0].only, Only::Everything);
    }
    let refused = |of| capture(&wanted, of).unwrap_err();
    assert_eq!(
        refused(Subject::Named(name("twice"))),
        "twice is the name of several: say port twice or bridge twice"
    );
    assert_eq!(
        refused(Subject::Named(name("br2"))),
        "there is no port, bridge or tunnel br2; did you mean br0?"
    );
    assert_eq!(
        refused(Subject::Port(name("aa"))),
        "there is no port aa; did you mean a?"
    );
    for of in [Subject::Bridge, Subject::Tunnel] {
        assert!(refused(of(name("nothing"))).starts_with("there is no "));
    }
    assert_eq!(
        refused(Subject::Bridge(name("twice"))),
        "bridge twice has neither ports nor tunnels"
    );
}

#[test]
fn drops_are_those_of_all_ports() {
    let wanted = wanted("");
    let reason = fastpath::drop::DropReason::TxFull;
    for (why, only) in [
        (None, Only::Dropped),
        (Some(reason), Only::DroppedFor(reason)),
    ] {
        let scope = capture(&wanted, Subject::Drops(why)).unwrap();
        assert_eq!(scope.wishes[0].only, only);
        assert_eq!(ports(&scope), [[0, 1, 2, 3, 4]]);
    }
}

mod tunnels {
    use super::*;
    use crate::trace::filter::program;
    use fastpath::wire::{Mac, craft};

    const TUNNELS: &str = r#"
        [[tunnel]]
        name = "vx7"
        bridge = "br0"
        vni = 7
        local = "192.0.2.2"
        [[tunnel]]
        name = "vx8"
        bridge = "br0"
        vni = 8
        udp_port = 8472
        local = "198.51.100.2"
    "#;
    const OURS: [u8; 4] = [192, 0, 2, 2];
    const SECOND: [u8; 4] = [198, 51, 100, 2];
    const THEIRS: [u8; 4] = [192, 0, 2, 1];

    /// An outer frame; the inner one does not matter.
    fn outer(from: [u8; 4], to: [u8; 4], port: u16, vni: u8) -> Vec<u8> {
        let [from, to] = [from, to].map(|ip| (Mac::new([2, 0, 0, 0, 0, ip[3]]), ip.into()));
        let vxlan = [&[8, 0, 0, 0, 0, 0, vni, 0][..], &[1; 60]].concat();
        craft::Pair::new(from, to).udp(50_000, port, &vxlan)
    }

    fn tagged(mut frame: Vec<u8>) -> Vec<u8> {
        frame.splice(12..12, [0x81, 0x00, 0x00, 0x64]);
        frame
    }

    fn matches(wish: &Wish, frame: &[u8]) -> bool {
        wish.filter.matches(frame, frame.len())
    }

    fn tunnel(wanted: &Wanted, filter: &str) -> Wish {
        let of = Subject::Tunnel(name("vx7"));
        let mut scope = Scope::new(wanted, numbers(wanted), of, &program(filter).unwrap()).unwrap();
        assert_eq!(ports(&scope), [[0, 1]], "all underlay ports");
        scope.wishes.remove(0)
    }

    #[test]
    fn a_tunnel_is_its_end_point_both_ways() {
        let wish = tunnel(&wanted(TUNNELS), "");
        for good in [outer(OURS, THEIRS, 4789, 7), outer(THEIRS, OURS, 4789, 7)] {
            assert!(matches(&wish, &good) && matches(&wish, &tagged(good)));
        }
        for bad in [
            outer(THEIRS, OURS, 4789, 8),
            outer(THEIRS, OURS, 8472, 7),
            outer(THEIRS, SECOND, 4789, 7),
        ] {
            assert!(!matches(&wish, &bad) && !matches(&wish, &tagged(bad)));
        }
    }

    #[cfg(feature = "libpcap")]
    #[test]
    fn the_filter_of_the_user_is_about_the_outer_frame() {
        let wanted = wanted(TUNNELS);
        let frame = outer(THEIRS, OURS, 4789, 7);
        let long = outer(THEIRS, OURS, 4789, 8);
        for (filter, is_wanted) in [
            ("src host 192.0.2.1", true),
            ("src host 192.0.2.2", false),
            ("greater 60 and not vlan", true),
            ("arp or ip", true),
        ] {
            let wish = tunnel(&wanted, filter);
            assert_eq!(matches(&wish, &frame), is_wanted, "{filter}");
            assert!(!matches(&wish, &long), "{filter}");
        }
    }

    #[test]
    fn a_bridge_is_its_ports_and_what_its_tunnels_carry_elsewhere() {
        let wanted = wanted(TUNNELS);
        let scope = capture(&wanted, Subject::Bridge(name("br0"))).unwrap();
        assert_eq!(ports(&scope), [vec![2, 3], vec![0, 1]]);
        let carried = &scope.wishes[1];
        assert!(matches(carried, &outer(THEIRS, OURS, 4789, 7)));
        assert!(matches(carried, &outer(THEIRS, SECOND, 8472, 8)));
        assert!(!matches(carried, &outer(THEIRS, OURS, 4789, 8)));
        assert!(matches(&scope.wishes[0], &[0; 60]));

        let text = TUNNELS.replace("br0", "br1");
        let wanted = self::wanted(&text);
        let scope = capture(&wanted, Subject::Bridge(name("br1"))).unwrap();
        assert_eq!(ports(&scope), [vec![1, 4], vec![0]], "no port is in both");
    }

    #[test]
    fn a_bridge_of_very_many_tunnels_is_refused() {
        let tunnels = (0..=MAX_TUNNELS).map(|vni| {
            format!(
                "[[tunnel]]\nname = \"t{vni}\"\nbridge = \"br0\"\nvni = {vni}\n\
                 local = \"192.0.2.2\"\n"
            )
        });
        let tunnels: Vec<_> = tunnels.collect();
        let most = wanted(&tunnels[1..].concat());
        assert!(capture(&most, Subject::Bridge(name("br0"))).is_ok());
        let refused = capture(&wanted(&tunnels.concat()), Subject::Bridge(name("br0")));
        assert!(refused.unwrap_err().contains("br0 has 33 tunnels"));
    }
}
