//! One worker's parts without the worker: packets go in by hand, through any program.

use super::switch::{port, switch, worker};
use super::{moved, udp_ports, wire};
use crate::action::{Action, Actions, Context, Program, Verdict, run};
use crate::event::{EventReceiver, channel};
use crate::fdb::{Fdb, FdbKey, FdbReader, FdbValue, FdbWriter};
use crate::ids::PortId;
use crate::io::heap::{HeapIo, HeapPacket, HeapPool, HeapQueue};
use crate::io::{Packet, Pool};
use crate::learn::Learner;
use crate::parse::{Layout, parse};
use crate::snapshot::Snapshot;
use crate::stats::{Account, WorkerStats};
use crate::trace::last::Headers;
use crate::tx::{Outputs, Punt};
use rtrb::{Consumer, RingBuffer};

pub(crate) struct Rig {
    pub(crate) snapshot: Snapshot,
    pub(crate) fdb: FdbWriter,
    table: FdbReader,
    pub(crate) pool: HeapPool,
    pub(crate) outputs: Outputs<HeapIo>,
    pub(crate) learner: Learner,
    pub(crate) events: EventReceiver,
    pub(crate) punts: Consumer<Punt<HeapPacket>>,
    pub(crate) stats: WorkerStats,
    wires: Vec<HeapQueue>,
}

impl Rig {
    /// The small switch with a queue for each port, and room for two punts and four events.
    pub(crate) fn new() -> Self {
        Self::with(switch())
    }

    /// The same for another switch.
    pub(crate) fn with(snapshot: Snapshot) -> Self {
        let (fdb, table) = Fdb::new(64);
        let (events, receiver) = channel(4);
        let learner = Learner::new(events);
        let (punt, punts) = RingBuffer::new(2);
        let mut outputs = Outputs::new(worker(0), vec![None], punt);
        let ports = 0..snapshot.ports.len();
        let wires: Vec<_> = ports.map(|n| wire(&snapshot, n)).collect();
        for wire in &wires {
            assert!(outputs.add_queue(wire.clone()).is_ok());
        }
        Rig {
            snapshot,
            fdb,
            table,
            pool: HeapPool::new(64),
            outputs,
            learner,
            events: receiver,
            punts,
            stats: WorkerStats::default(),
            wires,
        }
    }

    pub(crate) fn packet(&self, bytes: &[u8]) -> HeapPacket {
        self.pool.alloc(bytes).unwrap()
    }

    /// Writes an entry of the forwarding table.
    pub(crate) fn know(&mut self, (key, value): (FdbKey, FdbValue)) {
        self.fdb.insert(key, value).unwrap();
    }

    fn layout(&self, ingress: usize, packet: &HeapPacket) -> Layout {
        parse(port(ingress), packet.head(), packet.len(), &udp_ports()).layout
    }

    /// Runs a list of actions on a frame from a port.
    pub(crate) fn act(&mut self, ingress: usize, actions: &[Action], bytes: &[u8]) -> Verdict {
        let packet = self.packet(bytes);
        self.act_packet(ingress, actions, packet)
    }

    pub(crate) fn act_packet(
        &mut self,
        ingress: usize,
        actions: &[Action],
        packet: HeapPacket,
    ) -> Verdict {
        let layout = self.layout(ingress, &packet);
        let program = Program::compile(&actions.iter().copied().collect::<Actions>());
        let ingress: PortId = port(ingress);
        self.stats.port(ingress).received.add(1);
        let headers = Headers::of(&packet);
        let vlan = headers.vlan();
        if let Some(frames) = self.stats.frames(&self.snapshot, ingress, vlan) {
            frames.received.add(1);
        }
        let mut context: Context<'_, HeapIo> = Context {
            cpu: crate::cpu::Cpu::detect(),
            snapshot: &self.snapshot,
            fdb: &self.table,
            pool: &self.pool,
            outputs: &mut self.outputs,
            learner: &mut self.learner,
            stats: &self.stats,
            rx_checksum: self.snapshot.port(ingress).unwrap().rx_checksum,
        };
        let verdict = run(&mut context, ingress, &program, &layout, [packet]).verdict;
        self.stats
            .count_verdict(&self.snapshot, ingress, &headers, verdict);
        verdict
    }

    /// Packets that left by a port since the last call.
    pub(crate) fn sent_packets(&mut self, number: usize) -> Vec<HeapPacket> {
        self.outputs.flush(&self.stats);
        let wire = &self.wires[number];
        std::iter::from_fn(|| wire.pop()).collect()
    }

    /// Their bytes.
    pub(crate) fn sent(&mut self, number: usize) -> Vec<Vec<u8>> {
        let packets = self.sent_packets(number);
        packets.iter().map(HeapPacket::bytes).collect()
    }

    /// Checksums that the NIC of a port has made.
    pub(crate) fn finished(&self, number: usize) -> usize {
        self.wires[number].finished()
    }

    /// All counters that moved since the last call. Asserts that the account closes and, if nothing
    /// waits in a queue, that every packet is back in the pool.
    pub(crate) fn moved(&mut self) -> String {
        self.outputs.flush(&self.stats);
        assert_eq!(Account::of([&self.stats]).held(), 0);
        for wire in &self.wires {
            while wire.pop().is_some() {}
        }
        while self.punts.pop().is_ok() {}
        assert_eq!(self.pool.out(), 0);
        moved(&std::mem::take(&mut self.stats))
    }
}
