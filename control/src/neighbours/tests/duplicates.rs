//! Whether our addresses are ours alone.

use super::*;

/// Who has it? From nobody.
fn probe() -> Output {
    let nobody = (OUR_MAC, Ipv4Addr::UNSPECIFIED);
    send(Pair::new(nobody, (PEER, OUR_IP)).arp_request())
}

fn announced() -> Output {
    send(Pair::new((OUR_MAC, OUR_IP), (PEER, OUR_IP)).arp_request())
}

fn lost(by: Mac) -> Output {
    Output::Address {
        link: link(0),
        address: OUR_IP,
        usable: false,
        taken_by: Some(by),
    }
}

fn recovered() -> Output {
    Output::Address {
        link: link(0),
        address: OUR_IP,
        usable: true,
        taken_by: None,
    }
}

/// Our link has just come up.
fn new() -> Host {
    let mut host = Host::empty();
    assert_eq!(
        host.link(0, place(0), OUR_MAC, &["192.0.2.2/16"]),
        [probe()]
    );
    host
}

/// Another station has our address, and answers our probe.
fn taken() -> Host {
    let mut host = new();
    assert_eq!(host.input(&theirs()), [lost(OTHER)]);
    host
}

/// Another station says that it has our address, to us alone.
fn theirs() -> Vec<u8> {
    let asker = (OUR_MAC, Ipv4Addr::UNSPECIFIED);
    Pair::new((OTHER, OUR_IP), asker).arp_reply()
}

/// Another station asks whether anybody has our address.
fn their_probe() -> Vec<u8> {
    Pair::new((OTHER, Ipv4Addr::UNSPECIFIED), (PEER, OUR_IP)).arp_request()
}

fn state_of(host: &Host) -> AddressState {
    host.neighbours.addresses().next().unwrap().state
}

fn ask_us() -> Vec<u8> {
    Pair::new((PEER, PEER_IP), (OUR_MAC, OUR_IP)).arp_request()
}

#[test]
fn three_probes_and_two_announcements() {
    let mut host = new();
    assert_eq!(state_of(&host), AddressState::Tentative);
    assert_eq!(host.after(1_000), [probe()]);
    assert_eq!(host.after(1_000), [probe()]);
    assert_eq!(state_of(&host), AddressState::Tentative);
    assert_eq!(host.after(2_000), [announced()]);
    assert_eq!(state_of(&host), AddressState::Preferred);
    assert_eq!(host.after(2_000), [announced()]);
    assert_eq!(host.neighbours.next_deadline(), None);
    assert_eq!(
        host.counted(),
        [("probe_sent", 3), ("announcement_sent", 2)]
    );
    assert_eq!(host.set_up(0, true), [], "nothing new");
}

#[test]
fn an_address_is_used_from_the_first_moment() {
    let mut host = new();
    assert_eq!(host.want(PEER_IP)[0], question());
    let reply = Pair::new((OUR_MAC, OUR_IP), (PEER, PEER_IP)).arp_reply();
    assert!(host.input(&ask_us()).contains(&send(reply)));
}

#[test]
fn an_address_that_another_has_is_not_used() {
    let their_claim = Pair::new((OTHER, OUR_IP), (PEER, PEER_IP)).arp_request();
    let announcement = Pair::new((OTHER, OUR_IP), (PEER, OUR_IP)).arp_request();
    for frame in [theirs(), their_claim, announcement, their_probe()] {
        let mut host = new();
        host.want(PEER_IP);
        host.input(&answer(PEER));
        host.now += 1_500;
        host.neighbours.tick(host.now, &mut host.out);
        host.taken();
        assert_eq!(host.input(&frame), [lost(OTHER), way(PEER_IP, &[])]);
        assert_eq!(state_of(&host), AddressState::Duplicate(OTHER));
        assert_eq!(host.neighbours.counter(Counter::AddressDuplicate), 1);
        assert_eq!(host.input(&ask_us()), [], "no answers for it");
        assert_eq!(host.needed(PEER_IP), [], "and no questions from it");
        assert_eq!(host.input(&frame), [], "told once");
    }
}

#[test]
fn an_address_that_is_free_again_is_used_again() {
    let mut host = taken();
    host.want(PEER_IP);
    assert_eq!(host.after(60_000), [probe()]);
    assert_eq!(host.after(1_000), [probe()]);
    assert_eq!(host.after(1_000), [probe()]);
    assert_eq!(state_of(&host), AddressState::Duplicate(OTHER));
    let out = host.after(2_000);
    assert_eq!(out, [recovered(), question(), changed(None), announced()]);
    assert_eq!(state_of(&host), AddressState::Preferred);
    assert_eq!(host.neighbours.counter(Counter::AddressRecovered), 1);
    host.input(&answer(PEER));
    assert_eq!(host.after(2_000), [announced()]);
}

#[test]
fn an_address_that_is_still_taken_is_probed_each_minute() {
    let mut host = taken();
    for by in [PEER, OTHER] {
        assert_eq!(host.after(60_000), [probe()]);
        host.now += 500;
        assert_eq!(
            host.input(&Pair::new((by, OUR_IP), (OUR_MAC, OUR_IP)).arp_reply()),
            []
        );
        assert_eq!(state_of(&host), AddressState::Duplicate(by));
    }
    // What is said meanwhile does not put it off, and a probe of another is no news.
    for _ in 0..59 {
        host.now += 1_000;
        assert_eq!(host.input(&theirs()), []);
        assert_eq!(host.input(&their_probe()), []);
    }
    assert_eq!(host.after(1_000), [probe()]);
    assert_eq!(host.input(&their_probe()), []);
    assert_eq!(host.after(60_000), [probe()]);
}

#[test]
fn an_address_that_was_ours_alone_is_defended() {
    let mut host = Host::new();
    let defence = [
        Output::Conflict {
            link: link(0),
            address: OUR_IP,
            by: OTHER,
        },
        announced(),
    ];
    for _ in 0..3 {
        assert_eq!(host.input(&theirs()), defence);
        for _ in 0..9 {
            host.now += 1_000;
            assert_eq!(host.input(&theirs()), [], "once in ten seconds");
        }
        host.now += 1_000;
    }
    assert_eq!(state_of(&host), AddressState::Preferred);
    let counted = [
        ("announcement_sent", 3),
        ("address_defended", 3),
        ("arp_conflict", 30),
    ];
    assert_eq!(host.counted(), counted);
    let told = Pair::new((OUR_MAC, OUR_IP), (OTHER, Ipv4Addr::UNSPECIFIED)).arp_reply();
    assert_eq!(host.input(&their_probe()), [send(told)]);
}

/// A local kernel may have the port's MAC, and the address.
#[test]
fn our_own_mac_is_no_conflict() {
    let mut host = new();
    for frame in [
        Pair::new((OUR_MAC, OUR_IP), (OUR_MAC, OUR_IP)).arp_reply(),
        Pair::new((OUR_MAC, OUR_IP), (PEER, OUR_IP)).arp_request(),
        Pair::new((OUR_MAC, Ipv4Addr::UNSPECIFIED), (PEER, OUR_IP)).arp_request(),
    ] {
        assert_eq!(host.input(&frame), []);
        let mut relayed = frame;
        relayed[6..12].copy_from_slice(&PEER.bytes());
        assert_eq!(host.input(&relayed), []);
    }
    assert_eq!(state_of(&host), AddressState::Tentative);
    assert_eq!(host.counted(), [("probe_sent", 1), ("frame_loop", 6)]);
}

#[test]
fn what_is_said_on_another_link_does_not_count() {
    let mut host = new();
    host.link(1, place(1), PEER, &["10.0.0.1/8"]);
    let mut frame = theirs();
    frame[..6].copy_from_slice(&PEER.bytes());
    let (now, out) = (host.now, &mut host.out);
    host.neighbours.input(port(1), &frame, now, out);
    assert_eq!(host.taken(), []);
    assert_eq!(host.neighbours.counter(Counter::ArpConflict), 1);
    assert_eq!(state_of(&host), AddressState::Tentative);
}

#[test]
fn a_link_that_flaps_does_not_bring_a_taken_address_back() {
    let mut host = taken();
    assert_eq!(host.set_up(0, false), []);
    assert_eq!(host.after(120_000), []);
    assert_eq!(host.set_up(0, true), [probe()]);
    assert_eq!(state_of(&host), AddressState::Duplicate(OTHER));
    assert_eq!(host.input(&ask_us()), []);
    host.after(1_000);
    host.after(1_000);
    assert_eq!(host.after(2_000), [recovered(), announced()]);
    // One that was ours is used at once when the link is back.
    host.set_up(0, false);
    assert_eq!(host.set_up(0, true), [probe()]);
    assert_eq!(host.input(&ask_us()).len(), 1);
}

#[test]
fn another_address_of_the_link_stands_in() {
    let mut host = Host::empty();
    host.link(0, place(0), OUR_MAC, &["192.0.2.2/16", "192.0.2.3/16"]);
    host.want(PEER_IP);
    host.input(&answer(PEER));
    assert_eq!(host.input(&theirs()), [lost(OTHER)], "the way stays");
    let from = Pair::new((OUR_MAC, [192, 0, 2, 3].into()), (PEER, PEER_IP));
    let mut question = from.arp_request();
    question[..6].copy_from_slice(&PEER.bytes());
    host.now += 30_000;
    host.neighbours.tick(host.now, &mut host.out);
    assert!(host.taken().contains(&send(question)));
}

#[test]
fn a_change_of_a_link_keeps_what_is_known_of_its_addresses() {
    let mut host = taken();
    let both = ["192.0.2.2/24", "192.0.2.3/24"];
    let out = host.link(0, place(0), OUR_MAC, &both);
    let nobody = (OUR_MAC, Ipv4Addr::UNSPECIFIED);
    let new = Pair::new(nobody, (PEER, [192, 0, 2, 3].into())).arp_request();
    assert_eq!(out, [send(new)], "only the new one");
    assert_eq!(state_of(&host), AddressState::Duplicate(OTHER));
    // With another MAC it is another station, and all begins anew.
    let out = host.link(0, place(0), PEER, &both);
    assert_eq!(out.len(), 2);
    assert_eq!(state_of(&host), AddressState::Tentative);
}
