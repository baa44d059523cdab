//! Learned stations that are forgotten because a client says so.

use crate::common::{LAN, Switch, broadcast, from_peer, from_to, vxlan};
use control::api::messages::{Changed, Learned, Method, Reply};

fn flush(switch: &mut Switch, words: &[(&str, &str)]) {
    let name = |kind: &str| {
        let said = words.iter().find(|(key, _)| *key == kind);
        said.map(|(_, name)| name.parse().unwrap())
    };
    let which = Learned {
        bridge: name("bridge"),
        port: name("port"),
        tunnel: name("tunnel"),
    };
    match switch.rig.change(Method::FdbFlush(which)) {
        Some(Reply::Changed(changed)) => assert_eq!(changed, Changed::default()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_flushed_is_unknown_to_the_next_packet() {
    let fixed = "[[fdb]]\nbridge = 'br0'\nmac = '02:00:00:00:00:77'\nport = 'c'\n";
    let mut switch = Switch::new(&format!("{LAN}{fixed}"));
    switch.pass("a", &broadcast(1));
    switch.pass("b", &broadcast(2));
    switch.settle();
    flush(&mut switch, &[("port", "a")]);
    assert_eq!((switch.place(1), switch.place(2)), ("".into(), "b".into()));
    switch.bridges(
        "b",
        &from_to(2, 1),
        &["a", "c"],
        "received copied sent=2 fdb_flushed",
    );
    flush(&mut switch, &[("bridge", "br0")]);
    assert_eq!(switch.fdb().len(), 1, "the static one");
    switch.close();
}

#[test]
fn each_word_makes_it_less() {
    let mut switch = Switch::new(&vxlan("remotes = [\"192.0.2.1\"]"));
    switch.pass("a", &broadcast(1));
    switch.pass("uplink", &from_peer(1, &from_to(2, 1)));
    switch.settle();
    flush(&mut switch, &[("port", "a"), ("tunnel", "vx10")]);
    assert_eq!(
        (switch.place(1), switch.place(2)),
        ("a".into(), "vx10 192.0.2.1".into())
    );
    flush(&mut switch, &[("tunnel", "vx10")]);
    assert_eq!((switch.place(1), switch.place(2)), ("a".into(), "".into()));
    flush(&mut switch, &[]);
    assert_eq!(switch.fdb(), []);
    let none = Learned {
        port: Some("aa".parse().unwrap()),
        ..Learned::default()
    };
    let refusal = switch.rig.refusal(Method::FdbFlush(none)).unwrap();
    assert_eq!(refusal, "port: there is no port aa; did you mean a?");
    switch.settle();
    switch.close();
}
