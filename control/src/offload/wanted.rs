//! From the configuration to what is wanted of NICs.

use super::target::{Target, Targets};
use super::tier::Tier;
use crate::config::{FdbTarget, Name, Tunnel, Wanted, ZeroChecksum};
use fastpath::ids::PortId;
use fastpath::snapshot::EndPoint;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::Ipv4Addr;

/// Most remotes of a port whose outer headers are taken off; those beyond are as all are elsewhere.
pub const REMOTES: usize = 1024;

/// What is wanted of each port, by the number that `number` has for its name: the end points of
/// tunnels whose packets arrive there, be they wanted by one of `all` or by several. A tunnel's
/// packets arrive where its local address is, in frames of the VLAN that the address is in.
///
/// Where outer headers are to be taken off, each remote that is configured is wanted beside its end point,
/// up to [`REMOTES`] of a port. Not of a tunnel that wants an outer checksum: nobody could see whether there
/// was one.
pub fn targets<'a>(
    all: impl IntoIterator<Item = &'a Wanted>,
    number: impl Fn(Name) -> Option<PortId>,
) -> BTreeMap<PortId, Targets> {
    let mut targets: BTreeMap<PortId, Targets> = BTreeMap::new();
    let mut stripped: HashMap<PortId, usize> = HashMap::new();
    for wanted in all {
        let remotes = remotes(wanted);
        let mut places: HashMap<Ipv4Addr, Vec<_>> = HashMap::new();
        for port in &wanted.ports {
            for own in &port.addresses {
                let strips = port.offload.cap() == Tier::Decap;
                let place = (number(port.name), own.vlan, strips);
                places.entry(own.prefix.address()).or_default().push(place);
            }
        }
        for tunnel in &wanted.tunnels {
            let end_point = EndPoint {
                local: tunnel.local,
                udp_port: tunnel.udp_port,
                vni: tunnel.vni,
            };
            for (port, vlan, strips) in places.get(&tunnel.local).into_iter().flatten() {
                let target = Target {
                    vlan: *vlan,
                    end_point,
                    remote: None,
                };
                let Some(port) = port else { continue };
                let targets = targets.entry(*port).or_default();
                targets.insert(target);
                if *strips && let Some(remotes) = remotes.get(&tunnel.name) {
                    let count = stripped.entry(*port).or_default();
                    add_remotes(remotes, target, targets, count);
                }
            }
        }
    }
    targets
}

/// Remotes of each tunnel, where outer headers are to be taken off at all and may be.
fn remotes(wanted: &Wanted) -> HashMap<Name, BTreeSet<Ipv4Addr>> {
    let mut ports = wanted.ports.iter();
    if !ports.any(|port| port.offload.cap() == Tier::Decap) {
        return HashMap::new();
    }
    let may_be = |tunnel: &&Tunnel| tunnel.zero_checksum != ZeroChecksum::Refuse;
    let listed = |tunnel: &Tunnel| {
        let remotes = tunnel.remotes.iter().map(|remote| remote.address);
        (tunnel.name, remotes.collect())
    };
    let tunnels = wanted.tunnels.iter().filter(may_be).map(listed);
    let mut remotes: HashMap<_, BTreeSet<_>> = tunnels.collect();
    for entry in &wanted.fdb {
        if let FdbTarget::Remote { tunnel, remote } = entry.target
            && let Some(remotes) = remotes.get_mut(&tunnel)
        {
            remotes.insert(remote);
        }
    }
    remotes
}

/// Adds the remotes of a tunnel whose packets are `anyones`, as far as there is room. `count` is how many
/// the port has.
fn add_remotes(
    remotes: &BTreeSet<Ipv4Addr>,
    anyones: Target,
    targets: &mut Targets,
    count: &mut usize,
) {
    for remote in remotes {
        if *count == REMOTES {
            return;
        }
        let remote = Some(*remote);
        *count += usize::from(targets.insert(Target { remote, ..anyones }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Port `upN` has number N.
    fn of(texts: &[&str]) -> Vec<(usize, Vec<String>)> {
        let all: Vec<_> = texts
            .iter()
            .map(|text| Wanted::parse(text, "test").unwrap())
            .collect();
        let number = |name: Name| {
            let digit = name.to_string().strip_prefix("up")?.parse().ok()?;
            PortId::new(digit)
        };
        let targets = targets(&all, number);
        let words = targets.into_iter().map(|(port, targets)| {
            let words = targets.iter().map(ToString::to_string);
            (port.index(), words.collect())
        });
        words.collect()
    }

    const PORTS: &str = r#"
        bridge = [{ name = "br0" }, { name = "br1" }, { name = "br2" }]
        [[port]]
        name = "up1"
        device = "d1"
        addresses = ["192.0.2.1/24", { address = "198.51.100.1/24", vlan = 7 }]
        [[port]]
        name = "up2"
        device = "d2"
        addresses = ["203.0.113.1/24"]
        [[port]]
        name = "guest"
        device = "d3"
    "#;

    fn tunnel(name: &str, bridge: &str, vni: u32, local: &str, more: &str) -> String {
        format!(
            "{PORTS}\n[[tunnel]]\nname = \"{name}\"\nbridge = \"{bridge}\"\nvni = {vni}\n\
             local = \"{local}\"\nremotes = [\"192.0.2.9\"]\n{more}\n"
        )
    }

    #[test]
    fn a_tunnel_is_wanted_of_the_port_that_has_its_address_in_the_vlan_of_the_address() {
        assert!(of(&[PORTS]).is_empty());
        let tagged = format!(
            "{}[[tunnel]]\nname = \"b\"\nbridge = \"br1\"\nvni = 20\nlocal = \"198.51.100.1\"\n\
             [[tunnel]]\nname = \"c\"\nbridge = \"br2\"\nvni = 10\nlocal = \"203.0.113.1\"\n",
            tunnel("a", "br0", 10, "192.0.2.1", "udp_port = 8472")
        );
        assert_eq!(
            of(&[&tagged]),
            [
                (
                    1,
                    vec![
                        "vni 10 local 192.0.2.1 dstport 8472".to_owned(),
                        "vni 20 local 198.51.100.1 dstport 4789 vlan 7".to_owned(),
                    ]
                ),
                (2, vec!["vni 10 local 203.0.113.1 dstport 4789".to_owned()]),
            ]
        );
    }

    #[test]
    fn what_several_configurations_want_is_wanted_once() {
        let one = tunnel("a", "br0", 10, "192.0.2.1", "");
        let other = tunnel("b", "br1", 20, "203.0.113.1", "");
        let (first, second) = (
            (1, vec!["vni 10 local 192.0.2.1 dstport 4789".to_owned()]),
            (2, vec!["vni 20 local 203.0.113.1 dstport 4789".to_owned()]),
        );
        let both = [first, second];
        assert_eq!(of(&[&one, &one]), both[..1]);
        assert_eq!(of(&[&one, &other]), both);
    }

    #[test]
    fn remotes_are_wanted_where_outer_headers_are_to_be_taken_off() {
        let entry = |remote: &str| {
            format!(
                "[[fdb]]\nbridge = \"br0\"\nmac = \"02:00:00:00:00:01\"\ntunnel = \"a\"\n\
                 remote = \"{remote}\"\n"
            )
        };
        let text = tunnel("a", "br0", 10, "192.0.2.1", &entry("192.0.2.8"));
        let strips = |text: &str| text.replace("\"d1\"", "\"d1\"\noffload = \"t3\"");
        let own = "vni 10 local 192.0.2.1 dstport 4789";
        let [listed, of_entry] = [9, 8].map(|last| format!("{own} remote 192.0.2.{last}"));
        assert_eq!(of(&[&text]), [(1, vec![own.to_owned()])]);
        let all = vec![own.to_owned(), of_entry, listed];
        assert_eq!(of(&[&strips(&text)]), [(1, all)]);
        // Nobody could see whether there was one.
        let summed = tunnel("a", "br0", 10, "192.0.2.1", "zero_checksum = \"refuse\"");
        assert_eq!(of(&[&strips(&summed)]), [(1, vec![own.to_owned()])]);
    }

    #[test]
    fn there_are_no_more_remotes_of_a_port_than_its_marks_have_room_for() {
        let remote = |n: u32| format!("\"10.0.{}.{}\"", n / 200, n % 200 + 1);
        let remotes: Vec<_> = (0..REMOTES as u32 + 76).map(remote).collect();
        let list = format!("remotes = [{}]", remotes.join(", "));
        let text = tunnel("a", "br0", 10, "192.0.2.1", "");
        let text = text.replace("remotes = [\"192.0.2.9\"]", &list);
        let text = text.replace("\"d1\"", "\"d1\"\noffload = \"t3\"");
        assert_eq!(of(&[&text])[0].1.len(), 1 + REMOTES);
        // What is wanted twice counts once.
        assert_eq!(of(&[&text, &text])[0].1.len(), 1 + REMOTES);
        let fewer = list.replace(&remotes[REMOTES / 2 - 1..].join(", "), "\"10.9.9.9\"");
        let fewer = text.replace(&list, &fewer);
        assert_eq!(of(&[&fewer, &fewer])[0].1.len(), 1 + REMOTES / 2);
        assert_eq!(of(&[&fewer, &text])[0].1.len(), 1 + REMOTES);
    }

    #[test]
    fn a_port_without_a_number_is_left_out() {
        let unknown = tunnel("a", "br0", 10, "192.0.2.1", "").replace("up1", "other");
        assert!(of(&[&unknown]).is_empty());
    }
}
