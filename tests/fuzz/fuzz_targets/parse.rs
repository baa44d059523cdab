//! Arbitrary bytes as a frame for a small switch: parsed, resolved and run, once as one segment and
//! once as a chain. Nothing panics, a decision holds for all that its mask covers, the account
//! closes and every packet comes back to the pool. The same as one that is to be cut.
//!
//! The first byte says where the frame arrives and in how many pieces; the rest is the frame.

#![no_main]

use fastpath::action::{Context, run};
use fastpath::cpu::Cpu;
use fastpath::cut::{in_software, uncut};
use fastpath::event::channel;
use fastpath::fdb::{Destination, Fdb, FdbKey, FdbReader, FdbValue, FdbWriter, Kind};
use fastpath::ids::{BridgeId, LinkId, PortId, RemoteId, TunnelId, WorkerId};
use fastpath::io::heap::{HeapIo, HeapPacket, HeapPool, HeapQueue};
use fastpath::io::{Packet, Pool};
use fastpath::key::FlowKey;
use fastpath::learn::Learner;
use fastpath::parse::parse;
use fastpath::recompute::recompute;
use fastpath::resolve::{Resolution, resolve};
use fastpath::snapshot::{
    Bridge, Df, EncapSettings, EndPoint, Hop, Inherit, Member, Own, Place, Port, Remote,
    RxChecksum, Snapshot, Tunnel, TxChecksums, Way,
};
use fastpath::stats::{Account, WorkerStats};
use fastpath::tx::{Outputs, Punt};
use fastpath::wire::{Mac, VlanId, Vni};
use libfuzzer_sys::fuzz_target;
use rtrb::{Consumer, RingBuffer};
use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::num::NonZeroU16;
use std::sync::Arc;

const PORTS: usize = 4;
const LOCAL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const ON_VLAN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 3);

fuzz_target!(|data: &[u8]| {
    if let Some((how, frame)) = data.split_first() {
        SWITCH.with_borrow_mut(|switch| switch.frame(*how, frame));
    }
});

thread_local! {
    static SWITCH: RefCell<Switch> = RefCell::new(Switch::new());
}

struct Switch {
    snapshot: Snapshot,
    fdb: FdbReader,
    _writer: FdbWriter,
    pool: HeapPool,
    outputs: Outputs<HeapIo>,
    learner: Learner,
    punts: Consumer<Punt<HeapPacket>>,
    stats: WorkerStats,
    wires: Vec<HeapQueue>,
}

fn mac(last: u8) -> Mac {
    Mac::new([2, 0, 0, 0, 0x0a, last])
}

fn port(number: usize) -> PortId {
    PortId::new(number).unwrap()
}

impl Switch {
    fn new() -> Self {
        let (mut writer, fdb) = Fdb::new(16);
        let entries = [
            (
                [2, 0, 0, 0, 0x0b, 1],
                Destination::Port(port(0)),
                Kind::Learned,
            ),
            (
                [2, 0, 0, 0, 0x0b, 2],
                Destination::Port(port(1)),
                Kind::Static,
            ),
            (
                [2, 0, 0, 0, 0x0b, 3],
                Destination::Remote(RemoteId::new(0).unwrap()),
                Kind::Learned,
            ),
        ];
        for (station, to, kind) in entries {
            let key = FdbKey::new(BridgeId::new(0).unwrap(), Mac::new(station));
            writer.insert(key, FdbValue { to, kind }).unwrap();
        }
        let (sender, _) = channel(1);
        let learner = Learner::new(sender);
        let (punt, punts) = RingBuffer::new(1);
        let mut outputs = Outputs::new(WorkerId::new(0).unwrap(), vec![None], punt);
        let wires: Vec<_> = (0..PORTS).map(|n| HeapQueue::new(port(n), 8)).collect();
        for wire in &wires {
            assert!(outputs.add_queue(wire.clone()).is_ok());
        }
        Switch {
            snapshot: snapshot(),
            fdb,
            _writer: writer,
            pool: HeapPool::new(16),
            outputs,
            learner,
            punts,
            stats: WorkerStats::default(),
            wires,
        }
    }

    fn frame(&mut self, how: u8, frame: &[u8]) {
        let Some(packet) = self.packet(how, frame) else {
            return;
        };
        self.cut(frame);
        self.forward(port(usize::from(how) % PORTS), packet);
        self.outputs.flush(&self.stats);
        for wire in &self.wires {
            while wire.pop().is_some() {}
        }
        while self.punts.pop().is_ok() {}
        assert_eq!(Account::of([&self.stats]).held(), 0);
        assert_eq!(self.pool.out(), 0);
    }

    fn packet(&self, how: u8, frame: &[u8]) -> Option<HeapPacket> {
        let packet = self.pool.alloc(frame)?;
        if how & 0x80 == 0 {
            return Some(packet);
        }
        self.pool.replicate(&packet, true)
    }

    /// The frame as one that a guest left to be cut, into segments of a size that its own end says: what is
    /// made of it has all of its payload, and none is longer than that.
    fn cut(&self, frame: &[u8]) {
        let Some(packet) = self.pool.alloc(frame) else {
            return;
        };
        let size = frame.last_chunk().copied().map_or(0, u16::from_be_bytes);
        let packet = packet.with_segments(NonZeroU16::new(size));
        let Some(left) = uncut(&packet) else {
            return;
        };
        if let Some(segments) = in_software(&self.pool, &packet, left) {
            let payloads = segments.iter().map(|one| one.len() - left.payload_at());
            assert_eq!(payloads.sum::<usize>(), packet.len() - left.payload_at());
            let longest = left.longest(packet.len());
            assert!(segments.iter().all(|segment| segment.len() <= longest));
        }
    }

    fn forward(&mut self, ingress: PortId, mut packet: HeapPacket) {
        let (head, len) = (packet.head(), packet.len());
        let parsed = parse(ingress, head, len, &self.snapshot.udp_ports);
        let _ = format!("{parsed:?}");
        let port = self.snapshot.port(ingress);
        let rx_checksum = port.map(|port| port.rx_checksum).unwrap_or_default();
        if rx_checksum == RxChecksum::Recompute {
            recompute(&mut packet, &parsed.layout);
        }
        let resolution = resolve(&parsed.key, &self.snapshot);
        // Everything that the mask does not name, inverted.
        let mask = resolution.mask.0;
        let other = FlowKey(std::array::from_fn(|at| parsed.key.0[at] ^ !mask[at]));
        assert_eq!(resolution, resolve(&other, &self.snapshot));

        self.stats.port(ingress).received.add(1);
        let mut context: Context<'_, HeapIo> = Context {
            cpu: Cpu::detect(),
            snapshot: &self.snapshot,
            fdb: &self.fdb,
            pool: &self.pool,
            outputs: &mut self.outputs,
            learner: &mut self.learner,
            stats: &self.stats,
            rx_checksum,
        };
        let Resolution { program, .. } = &resolution;
        let _ = run(&mut context, ingress, program, &parsed.layout, [packet]);
    }
}

fn own(address: Ipv4Addr, vlan: Option<VlanId>) -> Own {
    Own { address, vlan }
}

/// Two guests, an underlay port with a VLAN and the kernel beside it, and one that is both underlay
/// and bridged. Flows to the remote go by the port and by its VLAN.
fn snapshot() -> Snapshot {
    let bridge = BridgeId::new(0).unwrap();
    let tunnel = TunnelId::new(0).unwrap();
    let vni = Vni::from_bytes([0, 0, 10]);
    let mut snapshot = Snapshot::default();
    for number in 0..PORTS {
        snapshot.ports.push(Some(Arc::new(Port {
            id: port(number),
            mac: mac(2),
            mtu: 1500,
            generation: 1,
            up: true,
            bridge: (number != 2).then_some(bridge),
            addresses: match number {
                2 => vec![own(LOCAL, None), own(ON_VLAN, VlanId::new(5))],
                3 => vec![own(LOCAL, None)],
                _ => vec![],
            },
            local: (number == 2).then(|| port(0)),
            uplink: None,
            tx_queues: 1,
            may_chain: number % 2 == 0,
            tx: TxChecksums {
                udp: number % 3 == 2,
                ..TxChecksums::default()
            },
            rx_open: false,
            rx_checksum: [RxChecksum::Verify, RxChecksum::Recompute][number % 2],
            rx_limit: None,
        })));
    }
    let settings = EncapSettings {
        local: LOCAL,
        udp_port: 4789,
        vni,
        source_ports: 49152..=65535,
        ttl: Inherit::Inner(64),
        dscp: Inherit::Inner(0),
        df: Df::Inherit,
        udp_checksum: true,
    };
    let id = RemoteId::new(0).unwrap();
    let address = Ipv4Addr::new(192, 0, 2, 1);
    let remote = Remote::new(id, tunnel, address, false, settings);
    for (path, vlan) in [None, VlanId::new(5)].into_iter().enumerate() {
        let place = Place {
            port: port(2),
            vlan,
        };
        let link = LinkId::new(path).unwrap();
        snapshot.links.push(place);
        remote
            .next_hops
            .store(path, Some(Hop { link, mac: mac(1) }));
    }
    remote.next_hops.set_way(Way {
        down: false,
        paths: 2,
        hold: false,
    });
    snapshot.remotes.push(Some(Arc::new(remote)));
    let mut flood: Vec<_> = [0, 1, 3].map(|n| Member::Port(port(n))).into();
    flood.push(Member::Remote(tunnel, id));
    snapshot.bridges.push(Arc::new(Bridge {
        id: bridge,
        learning: true,
        flood,
    }));
    snapshot.tunnels.push(Arc::new(Tunnel {
        id: tunnel,
        bridge,
        learning: true,
        accept_any: true,
        lenient: true,
        need_checksum: false,
        known: [(address, id)].into(),
    }));
    let end_point = EndPoint {
        local: LOCAL,
        udp_port: 4789,
        vni,
    };
    snapshot.end_points.insert(end_point, tunnel);
    assert!(snapshot.udp_ports.insert(4789));
    snapshot
}
