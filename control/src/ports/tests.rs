//! The life of a port, step by step.

use super::*;
use fastpath::io::heap::{HeapIo, HeapQueue};
use fastpath::snapshot::TxChecksums;
use fastpath::wire::Mac;

fn port() -> Port<HeapIo> {
    let text = "[[port]]\nname = \"p\"\ndevice = \"d\"\naddresses = [\"192.0.2.2/24\"]";
    let wanted = config::Wanted::parse(text, "test").unwrap();
    Port::new(PortId::new(3).unwrap(), wanted.ports[0].clone(), None)
}

fn queue() -> HeapQueue {
    HeapQueue::new(PortId::new(3).unwrap(), 1)
}

fn opened() -> Opened<HeapIo> {
    Opened {
        id: PortId::new(3).unwrap(),
        info: PortInfo {
            driver: "heap".to_owned(),
            mac: Mac::new([2, 0, 0, 0, 0, 3]),
            mtu: 1400,
            link: true,
            may_chain: false,
            tx: TxChecksums::default(),
            tx_refused: false,
            rx_open: false,
            rx_limit: Some(1982),
            opens_once: false,
            may_loop: false,
            notes: Vec::new(),
        },
        rx: vec![queue()],
        tx: vec![queue(), queue()],
        tested: None,
        known: Default::default(),
    }
}

/// How long a port that failed at `now` waits.
fn wait(port: &mut Port<HeapIo>, now: u64) -> u64 {
    port.failed("no".to_owned(), now);
    let early = (0..RETRY.1)
        .find(|wait| port.due(now + wait))
        .unwrap_or(RETRY.1);
    assert!(
        early < RETRY.1 || port.due(now + early),
        "waits longer than ever"
    );
    assert_eq!(port.life, Life::Opening);
    assert!(!port.due(u64::MAX), "due once");
    early
}

#[test]
fn each_failure_doubles_the_wait_up_to_a_limit_and_success_makes_it_short() {
    let mut port = port();
    assert!(!port.due(u64::MAX), "it is being opened");
    let waits: Vec<_> = (0..7).map(|n| wait(&mut port, n * 100_000)).collect();
    assert_eq!(
        waits,
        [1, 2, 4, 8, 16, 30, 30].map(|seconds| seconds * 1_000)
    );
    port.opened(&opened());
    assert!(!port.due(u64::MAX));
    assert_eq!(wait(&mut port, 5), 1_000);
}

#[test]
fn it_is_untried_until_it_is_opened_or_fails() {
    let mut failed = port();
    assert!(failed.is_untried());
    failed.failed("no".to_owned(), 0);
    assert!(!failed.is_untried() && failed.due(u64::MAX));
    assert!(
        failed.life == Life::Opening && !failed.is_untried(),
        "again"
    );
    let mut open = port();
    open.opened(&opened());
    open.life = Life::Opening;
    assert!(!open.is_untried(), "it is opened anew");
    let mut left = port();
    left.life = Life::Closing("it is wanted otherwise".to_owned());
    assert!(!left.is_untried(), "it never will be");
}

#[test]
fn a_link_is_news_only_when_it_changes_on_an_open_port() {
    let mut port = port();
    assert!(!port.set_link(true) && !port.is_up(), "not open");
    port.opened(&opened());
    assert!(port.is_up() && !port.set_link(true));
    assert!(port.set_link(false) && !port.is_up() && !port.set_link(false));
    assert!(port.set_link(true) && port.is_up());
    port.life = Life::Closing("gone".to_owned());
    assert!(!port.set_link(false) && !port.is_up());
}

#[test]
fn it_is_whole_with_all_its_queues() {
    let mut port = port();
    port.opened(&opened());
    for queue in [
        Returned::Rx(queue()),
        Returned::Tx(queue()),
        Returned::Tx(queue()),
    ] {
        assert!(!port.is_whole());
        port.back.push(queue);
    }
    assert!(port.is_whole());
}

#[test]
fn queues_that_it_had_keep_their_numbers() {
    let mut port = port();
    let with = |rx, tx| Opened {
        rx: vec![queue(); rx],
        tx: vec![queue(); tx],
        ..opened()
    };
    let numbers = [(1, 2), (3, 1), (1, 1)].map(|(rx, tx)| {
        port.opened(&with(rx, tx));
        port.failed("gone".to_owned(), 0);
        port.numbers
    });
    assert_eq!(numbers, [2, 3, 3]);
}

#[test]
fn workers_see_an_open_port_as_its_device_is() {
    let mut port = port();
    assert!(port.view(1).is_none());
    port.opened(&opened());
    let view = port.view(7).unwrap();
    assert_eq!(
        (view.id, view.mtu, view.generation, view.tx_queues),
        (port.id, 1400, 7, 2)
    );
    assert!(view.has(None, std::net::Ipv4Addr::new(192, 0, 2, 2)));
    assert!(view.up && !view.may_chain && view.bridge.is_none());
    assert_eq!(view.rx_limit, Some(1982));
    port.set_link(false);
    assert!(port.view(8).is_some_and(|view| !view.up), "known, and down");
    port.failed("gone".to_owned(), 0);
    assert!(port.view(9).is_none());
}
