//! What the walk over a frame notes; whether it is right is asked of a whole switch, in
//! `control/tests/switch/explain.rs`.

use super::*;
use crate::fdb::Fdb;
use fastpath::ids::BridgeId;
use fastpath::snapshot::{Bridge, Member, Port, RxChecksum, TxChecksums};
use fastpath::wire::Mac;
use fastpath::wire::craft::Pair;
use std::sync::Arc;

fn id(number: usize) -> PortId {
    PortId::new(number).unwrap()
}

fn port(number: usize) -> Port {
    Port {
        id: id(number),
        mac: Mac::new([2, 0, 0, 0, 0xff, number as u8]),
        mtu: 9000,
        generation: 0,
        up: true,
        bridge: BridgeId::new(0),
        addresses: Vec::new(),
        local: None,
        uplink: None,
        tx_queues: 1,
        may_chain: false,
        tx: TxChecksums::default(),
        rx_open: false,
        rx_checksum: RxChecksum::Verify,
        rx_limit: None,
    }
}

/// A bridge of these ports.
fn switch(ports: Vec<Port>) -> Snapshot {
    let flood = ports.iter().map(|port| Member::Port(port.id)).collect();
    let bridge = Bridge {
        id: BridgeId::new(0).unwrap(),
        learning: true,
        flood,
    };
    Snapshot {
        ports: ports.into_iter().map(|port| Some(Arc::new(port))).collect(),
        bridges: vec![Arc::new(bridge)],
        ..Snapshot::default()
    }
}

/// From one host to another, with a UDP checksum and so much in it.
fn frame(len: usize) -> Vec<u8> {
    let host = |last| (Mac::new([2, 0, 0, 0, 0, last]), [10, 0, 0, last].into());
    Pair::new(host(1), host(2)).udp(1000, 2000, &vec![5; len])
}

fn life(snapshot: &Snapshot, frame: &[u8]) -> Life {
    let (_writer, fdb) = Fdb::new(16);
    let world = World {
        snapshot,
        fdb: &fdb,
        unread: &WorkerStats::default(),
    };
    explain(world, id(0), frame)
}

#[test]
fn a_frame_of_many_bytes_needs_no_second_buffer() {
    let snapshot = switch((0..3).map(port).collect());
    let frame = frame(8000);
    let life = life(&snapshot, &frame);
    let ends = [1, 2].map(|number| End {
        to: Some(Target::Port(id(number))),
        fate: Fate::Sent {
            port: id(number),
            frame: frame.clone(),
        },
    });
    assert_eq!(life.steps[0].ends, ends);
    assert_eq!(life.verdict, Verdict::Forwarded);
}

#[test]
fn checksums_that_were_left_open_are_made_right_first() {
    let recompute = Port {
        rx_checksum: RxChecksum::Recompute,
        ..port(0)
    };
    let snapshot = switch(vec![recompute, port(1)]);
    let right = frame(9);
    assert_eq!(life(&snapshot, &right).steps.len(), 1);
    let mut open = right.clone();
    open[40] ^= 0x55;
    let life = life(&snapshot, &open);
    assert_eq!(life.steps[0].work, Work::Recompute);
    assert_eq!(
        (&life.steps[0].before, &life.steps[1].before),
        (&open, &right)
    );
}

#[test]
fn a_port_without_a_queue_takes_nothing() {
    let mute = Port {
        tx_queues: 0,
        ..port(1)
    };
    let life = life(&switch(vec![port(0), mute]), &frame(9));
    let fate = Fate::Dropped(DropReason::PortDown);
    assert_eq!(life.steps[0].ends[0].fate, fate);
}

#[test]
fn of_many_ends_the_first_are_told_and_the_others_counted() {
    let mut snapshot = switch((0..2).map(port).collect());
    let bridge = Arc::make_mut(&mut snapshot.bridges[0]);
    bridge.flood = vec![Member::Port(id(1)); MAX_ENDS + 3];
    let life = life(&snapshot, &frame(9));
    assert_eq!(
        (life.steps[0].ends.len(), life.steps[0].more),
        (MAX_ENDS, 3)
    );
}
