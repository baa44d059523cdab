//! A switch that is put together, changed and taken apart by commands, while frames go through it.

use crate::common::{broadcast, from_to};
use control::api::messages::{Bridge, Method, Reply};
use control::config::{Command, Wanted};
use control::rig::Rig;
use serde_json::{Value, json};

struct Commanded {
    rig: Rig,
}

impl Commanded {
    fn say(&mut self, command: Command, words: Value) {
        let edit = format!("{command:?} {words}");
        let words = serde_json::from_value(words).unwrap();
        let done = self.rig.edit(command, words);
        done.unwrap_or_else(|refused| panic!("{edit}: {refused}"));
    }

    /// What leaves by each of `ports` of a frame that comes in by `a`.
    fn pass(&mut self, frame: &[u8], ports: &[&str]) -> Vec<usize> {
        assert!(self.rig.send("a", frame));
        self.rig.run(1);
        let received = ports.iter().map(|port| self.rig.received(port));
        received.map(|frames| frames.len()).collect()
    }
}

#[test]
fn a_switch_is_built_changed_and_taken_apart_by_commands() {
    let rig = Rig::new(Wanted::default(), 1);
    let mut switch = Commanded { rig };
    for (name, device) in [("a", "heap0"), ("b", "heap1"), ("c", "heap2")] {
        let words = json!({"name": name, "device": device});
        switch.say(Command::PortAdd, words);
    }
    switch.say(
        Command::BridgeAdd,
        json!({"name": "br0", "ports": ["a", "b"]}),
    );
    assert_eq!(switch.pass(&broadcast(1), &["b", "c"]), [1, 0]);
    switch.say(Command::PortSet, json!({"name": "c", "bridge": "br0"}));
    assert_eq!(switch.pass(&broadcast(1), &["b", "c"]), [1, 1]);

    let mac = "02:00:00:00:00:09";
    let entry = json!({"bridge": "br0", "mac": mac, "port": "c"});
    switch.say(Command::FdbAdd, entry);
    let frame = [&[2, 0, 0, 0, 0, 9][..], &from_to(1, 2)[6..]].concat();
    assert_eq!(switch.pass(&frame, &["b", "c"]), [0, 1]);
    switch.say(
        Command::FdbReplace,
        json!({"bridge": "br0", "mac": mac, "port": "b"}),
    );
    assert_eq!(switch.pass(&frame, &["b", "c"]), [1, 0]);

    // The port that leaves takes its entry along: the station is unknown, and flooded for.
    switch.say(Command::PortSet, json!({"name": "b", "bridge": null}));
    assert!(switch.rig.wanted().fdb.is_empty());
    assert_eq!(switch.pass(&frame, &["b", "c"]), [0, 1]);
    switch.say(Command::PortDel, json!({"name": "b"}));
    assert_eq!(switch.pass(&broadcast(1), &["c"]), [1]);
    switch.say(Command::BridgeDel, json!({"name": "br0"}));
    assert_eq!(switch.pass(&broadcast(1), &["c"]), [0]);
    for name in ["a", "c"] {
        switch.say(Command::PortDel, json!({"name": name}));
    }
    assert_eq!(switch.rig.wanted(), &Wanted::default());
    let account = switch.rig.close();
    assert_eq!((account.received, account.dropped), (7, 1));
}

#[test]
fn bridges_are_shown_as_they_are_wanted() {
    let text = "port = [{ name = 'up', device = 'heap0', addresses = ['192.0.2.2/24'] }, \
        { name = 'a', device = 'heap1' }]\n\
        bridge = [{ name = 'b', ports = ['a'], ageing = 5 }, { name = 'c', learning = false }]\n\
        tunnel = [{ name = 'vx', bridge = 'b', vni = 1, local = '192.0.2.2' }]\n\
        fdb = [{ bridge = 'b', mac = '02:00:00:00:00:01', port = 'a' }]\n";
    let mut rig = Rig::new(Wanted::parse(text, "test").unwrap(), 1);
    let Some(Reply::Bridges(bridges)) = rig.ask(Method::BridgeShow) else {
        panic!("another answer")
    };
    let b = Bridge {
        name: "b".to_owned(),
        ports: vec!["a".to_owned()],
        tunnels: vec!["vx".to_owned()],
        ageing: 5,
        learning: true,
        static_entries: 1,
    };
    let c = Bridge {
        name: "c".to_owned(),
        ports: Vec::new(),
        tunnels: Vec::new(),
        ageing: 300,
        learning: false,
        static_entries: 0,
    };
    assert_eq!(bridges, [b, c]);
    rig.close();
}
