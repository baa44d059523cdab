//! Two switches with a wire between them: what leaves the first enters the second.

use crate::common::{Switch, broadcast, from_to, station};
use control::config::Wanted;
use fastpath::wire::craft::Pair;

/// One of two switches, as numbered as its address.
fn side(number: u8, remote: u8, tunnel: &str) -> Switch {
    let config = format!(
        r#"
[[port]]
name = "uplink"
device = "wire"
mtu = 1550
addresses = ["192.0.2.{number}/24"]
[[port]]
name = "host"
device = "host"
[[bridge]]
name = "br10"
ports = ["host"]
[[tunnel]]
name = "vx10"
bridge = "br10"
vni = 10
local = "192.0.2.{number}"
remotes = ["192.0.2.{remote}"]
{tunnel}
"#
    );
    Switch::numbered(Wanted::parse(&config, "side").unwrap(), 1, number)
}

/// Carries frames both ways until the wire is silent. Returns how many it carried.
fn carry(left: &mut Switch, right: &mut Switch) -> usize {
    let mut carried = 0;
    for _ in 0..10 {
        left.rig.run(2);
        right.rig.run(2);
        let (there, back) = (left.rig.received("uplink"), right.rig.received("uplink"));
        carried += there.len() + back.len();
        for frame in &there {
            right.rig.send("uplink", frame);
        }
        for frame in &back {
            left.rig.send("uplink", frame);
        }
    }
    carried
}

#[test]
fn two_hosts_talk_through_a_tunnel() {
    for options in [
        "",
        "ttl = \"inherit\"\ndscp = \"inherit\"\ndf = \"inherit\"",
    ] {
        let (mut left, mut right) = (side(1, 2, options), side(2, 1, options));
        carry(&mut left, &mut right);
        left.probe_all();
        right.probe_all();
        left.rig.send("host", &broadcast(1));
        assert_eq!(carry(&mut left, &mut right), 1);
        assert_eq!(right.rig.received("host"), [broadcast(1)]);
        left.expect_moved("received sent fdb_learned");
        right.expect_moved("received sent fdb_learned");
        assert_eq!(left.place(1), "host");
        assert_eq!(right.place(1), "vx10 192.0.2.1");
        right.rig.send("host", &from_to(2, 1));
        assert_eq!(carry(&mut left, &mut right), 1);
        assert_eq!(left.rig.received("host"), [from_to(2, 1)]);
        left.expect_moved("received sent fdb_learned");
        right.expect_moved("received sent fdb_learned");
        // Every length from nothing to what the tunnel can take.
        for len in (0..=1458).step_by(27) {
            let frame = Pair::new(station(1), station(2)).udp(1, 2, &vec![len as u8; len]);
            left.rig.send("host", &frame);
            carry(&mut left, &mut right);
            assert_eq!(right.rig.received("host"), [frame], "{len}");
        }
        left.expect_moved("received=55 sent=55");
        right.expect_moved("received=55 sent=55");
        let long = Pair::new(station(1), station(2)).udp(1, 2, &[0; 1473]);
        left.drops("host", &long, "mtu_exceeded");
        left.close();
        right.close();
    }
}

#[test]
fn a_host_that_migrates() {
    let (mut left, mut right) = (side(1, 2, ""), side(2, 1, ""));
    carry(&mut left, &mut right);
    left.rig.send("host", &broadcast(1));
    right.rig.send("host", &broadcast(2));
    carry(&mut left, &mut right);
    left.settle();
    right.settle();
    right.rig.send("host", &broadcast(1));
    carry(&mut left, &mut right);
    left.expect_moved("received sent fdb_moved");
    right.expect_moved("received sent fdb_moved");
    assert_eq!(
        (left.place(1), right.place(1)),
        ("vx10 192.0.2.2".into(), "host".into())
    );
    assert_eq!(left.out(), [("host".to_owned(), broadcast(1))]);
    right.drops("host", &from_to(2, 1), "same_port");
    left.drops("uplink", &[0; 60], "other_host");
    left.close();
    right.close();
}
