//! What NICs are told to do, and when.

use super::*;

/// sfc is told UDP ports before it starts, or never.
#[test]
fn nics_know_what_is_wanted_before_their_ports_are_opened() {
    let site = Site::new(Profile::SFC, SWITCH);
    assert_eq!(site.tier(), Tier::Rule);
    site.finish();
}

#[test]
fn a_port_that_comes_with_its_tunnel_is_told_of_it_before_it_starts() {
    let (first, second) = (Model::new(Profile::SFC, 1), Model::new(Profile::SFC, 1));
    let nics = [("nic0", &first), ("nic1", &second)];
    let mut rig = Rig::with_nics(wanted(SWITCH), 1, &nics);
    rig.run(300);
    let more = format!(
        "{SWITCH}\n[[port]]\nname = \"other\"\ndevice = \"nic1\"\naddresses = [\"198.51.100.2/24\"]\n\
         [[tunnel]]\nname = \"vx20\"\nbridge = \"br20\"\nvni = 20\nlocal = \"198.51.100.2\"\n\
         udp_port = 8472\n"
    );
    rig.apply(wanted(&more)).unwrap();
    rig.run(300);
    let tiers: Vec<_> = rig.offload().values().map(|port| port.tier).collect();
    assert_eq!(tiers, [Tier::Rule, Tier::Rule]);
    rig.close();
}

#[test]
fn a_change_that_is_refused_leaves_nothing_in_nics() {
    let mut site = Site::new(Profile::ICE, SWITCH);
    let ports = |site: &Site| site.nic.chip().ports().len();
    assert_eq!((site.rules(), ports(&site)), (1, 1));
    let more = format!(
        "{SWITCH}{SECOND}udp_port = 8472\n\
         [[port]]\nname = \"other\"\ndevice = \"broken\"\n"
    );
    let refused = site.rig.apply(wanted(&more)).unwrap_err().to_string();
    assert!(refused.contains("no such device"), "{refused}");
    site.rig.run(10);
    assert_eq!((site.rules(), ports(&site)), (1, 1));

    let more = format!("{SWITCH}{SECOND}udp_port = 8472\n");
    site.rig.apply(wanted(&more)).unwrap();
    site.rig.run(300);
    assert_eq!((site.rules(), ports(&site)), (2, 2));
    site.finish();
}

/// The last of very many wishes is fulfilled, and a demotion behind them.
#[test]
fn what_there_was_no_room_for_is_told_when_there_is() {
    let mut site = Site::two_tunnels();
    let (one, both) = (SWITCH.to_owned(), format!("{SWITCH}{SECOND}"));
    site.rig.set_busy(true);
    for _ in 0..300 {
        site.rig.apply(wanted(&one)).unwrap();
        site.rig.apply(wanted(&both)).unwrap();
    }
    let third = both.replace("vni = 20", "vni = 30");
    site.rig.apply(wanted(&third)).unwrap();
    assert_eq!(site.rules(), 2);
    let mark = site.mark(10);
    site.arrive_marked(&Site::outer(30, 1), Some(mark));
    assert!(site.hints().lies > 0);

    site.rig.set_busy(false);
    site.rig.run(200);
    let report = site.rig.offload().values().next().unwrap();
    let tunnels = report.members[0].tunnels.iter();
    let tunnels: Vec<_> = tunnels.map(|it| it.target.end_point.vni.get()).collect();
    assert_eq!(tunnels, [10, 30]);
    assert_eq!((site.tier(), site.rules()), (Tier::Parser, 0));
    site.finish();
}

/// The agent remembers them, and tells of them with the others.
#[test]
fn reports_of_ports_that_are_gone_are_forgotten() {
    let (first, second) = (Model::new(Profile::MLX5, 1), Model::new(Profile::MLX5, 1));
    let nics = [("nic0", &first), ("nic1", &second)];
    let more = "[[port]]\nname = \"other\"\ndevice = \"nic1\"\n";
    let mut rig = Rig::with_nics(wanted(&format!("{SWITCH}{more}")), 1, &nics);
    rig.run(300);
    assert_eq!(rig.offload().len(), 2);
    rig.apply(wanted(SWITCH)).unwrap();
    rig.run(300);
    // So that there is something to tell.
    first.receive(&Site::outer(10, 1));
    rig.run(2_000);
    let left = rig.offload().values();
    let hits = left.map(|port| port.members[0].tunnels[0].hits);
    assert_eq!(hits.collect::<Vec<_>>(), [Some(1)]);
    rig.close();
}
