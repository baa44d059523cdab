//! The model lies as it is told to, so that whoever believes a NIC can be tested with it.

use crate::port::{LOCAL, Nic, OTHER, UDP, inner, mark, ours, rule, vxlan};
use crate::rig::{Bench, with};
use fastpath::io::{Checksum, NicWord};
use fastpath::offload::Rule;

/// What a NIC says that has rules for two addresses and had one for a third, of a packet of the
/// first rule and of one of none.
fn words(bench: &Bench) -> [NicWord; 2] {
    let mut nic = Nic::new(bench, "lie");
    nic.port.device().add_vxlan_port(UDP).unwrap();
    let of = |slot, local| {
        let mut rule = Rule {
            mark: mark(slot),
            ..rule()
        };
        rule.end_point.local = local;
        rule
    };
    let gone = nic.port.device().create_flow(&of(7, OTHER)).unwrap();
    nic.port.device().destroy_flow(gone).unwrap();
    let _flows = [(5, LOCAL), (6, OTHER)]
        .map(|(slot, local)| nic.port.device().create_flow(&of(slot, local)).unwrap());
    let unmatched = vxlan(LOCAL, UDP, 11, &inner());
    let mut bad = ours();
    bad[40] ^= 1;
    [nic.word(&bad), nic.word(&unmatched)]
}

#[test]
fn it_lies_of_marks() {
    for (lies, marks) in [
        ("none", [Some(mark(5).get()), None]),
        ("wrong", [Some(mark(6).get()), None]),
        ("stale", [Some(mark(7).get()), None]),
        ("range", [Some(u32::MAX), None]),
        ("zero", [Some(0), None]),
        ("missing", [None, None]),
        ("stray", [Some(mark(5).get()), Some(mark(5).get())]),
    ] {
        with(&[("NICMODEL", "any"), ("NICMODEL_LIES", lies)], |bench| {
            assert_eq!(words(bench).map(|word| word.mark), marks, "{lies}");
        });
    }
}

#[test]
fn it_lies_of_checksums_and_tunnels() {
    use Checksum::{Bad, Good};
    for (lies, tunnel, l4) in [
        ("none", true, Bad),
        ("missing,good", true, Good),
        ("blind", false, Good),
    ] {
        with(&[("NICMODEL", "any"), ("NICMODEL_LIES", lies)], |bench| {
            let [word, _] = words(bench);
            // One that sees no tunnel says of outer headers what it knows of inner ones.
            assert_eq!((word.tunnel, word.checksums.l4), (tunnel, l4), "{lies}");
        });
    }
}

#[test]
fn it_lies_now_and_then() {
    let model = [
        ("NICMODEL", "any"),
        ("NICMODEL_LIES", "missing"),
        ("NICMODEL_LIE_EVERY", "2"),
    ];
    with(&model, |bench| {
        let mut nic = Nic::new(bench, "every");
        let _flow = nic.port.device().create_flow(&rule()).unwrap();
        let marked = [(); 4].map(|()| nic.mark(&ours()).is_some());
        assert_eq!(marked, [true, false, true, false]);
    });
}
