//! A worker on its sources and sinks, with the ends of control that it talks to.

use super::frames::{BURST_FRAMES, Case, Side};
use super::io::{Frame, Recycled, Shelf, Sink, Source};
use super::nic::Nic;
use super::switch::{add_tagged, bridge, port, snapshot, sum};
use fastpath::event::{EventReceiver, channel};
use fastpath::fdb::{Fdb, FdbKey, FdbReader, FdbValue, FdbWriter, Kind};
use fastpath::ids::WorkerId;
use fastpath::io::{Burst, NicWord, RxQueue, TxQueue};
use fastpath::learn::Learner;
use fastpath::publish::Publisher;
use fastpath::snapshot::Snapshot;
use fastpath::stats::WorkerStats;
use fastpath::tx::{Outputs, Punt};
use fastpath::worker::{Command, Parts, Returned, Worker};
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::Arc;

/// Buffers on the shelf.
pub(crate) const BUFFERS: usize = 512;

/// One worker that serves all ports.
pub(crate) struct Site {
    pub(crate) worker: Worker<Recycled>,
    pub(crate) stats: Arc<WorkerStats>,
    pub(crate) shelf: Shelf,
    pub(crate) events: EventReceiver,
    pub(crate) punts: Consumer<Punt<Frame>>,
    pub(crate) publisher: Publisher<Snapshot>,
    pub(crate) fdb: FdbWriter,
    pub(crate) commands: Producer<Command<Recycled>>,
    pub(crate) returned: Consumer<Returned<Recycled>>,
}

impl Site {
    /// The frames of a case arrive for ever.
    pub(crate) fn of(case: Case) -> Self {
        Self::by(case, Nic::Plain)
    }

    /// The same from such a NIC.
    pub(crate) fn by(case: Case, nic: Nic) -> Self {
        let mut snapshot = snapshot();
        if case == Case::DecapTagged {
            add_tagged(&mut snapshot);
        }
        if matches!(case, Case::EncapSummed | Case::EncapLeft) {
            sum(&mut snapshot, case == Case::EncapLeft);
        }
        let word = nic.word(&mut snapshot, case);
        let arrivals = vec![(case.ports().0, nic.frames(case))];
        Self::with(snapshot, arrivals, word, &nic.marks(case))
    }

    /// Frames arrive for ever at some ports.
    pub(crate) fn new(arrivals: Vec<(usize, Vec<Vec<u8>>)>) -> Self {
        Self::with(snapshot(), arrivals, NicWord::default(), &[])
    }

    fn with(
        snapshot: Snapshot,
        arrivals: Vec<(usize, Vec<Vec<u8>>)>,
        word: NicWord,
        marks: &[Option<u32>],
    ) -> Self {
        let id = WorkerId::new(0).unwrap();
        let shelf = Shelf::new(BUFFERS);
        let ports = snapshot.ports.len();
        let (fdb, table) = table();
        let (publisher, mut readers) = Publisher::new(snapshot, 1);
        let (sender, events) = channel(64);
        let (mut commands, obeyed) = RingBuffer::new(16);
        let (given, returned) = RingBuffer::new(16);
        let (punt, punts) = RingBuffer::new(64);
        let stats = Arc::<WorkerStats>::default();
        let sources = arrivals
            .into_iter()
            .map(|(number, frames)| {
                Source::new(port(number), shelf, frames).saying(word, marks.to_vec())
            })
            .map(Command::AddRx);
        let sinks = (0..ports).map(|number| Command::AddTx(Sink(port(number))));
        for command in sources.chain(sinks) {
            assert!(commands.push(command).is_ok());
        }
        let worker = Worker::new(Parts {
            id,
            pool: shelf,
            snapshot: readers.remove(0),
            fdb: table,
            learner: Learner::new(sender),
            outputs: Outputs::new(id, vec![None], punt),
            inbound: Vec::new(),
            commands: obeyed,
            returned: given,
            stats: Arc::clone(&stats),
            cache_entries: 1024,
        });
        Site {
            worker,
            stats,
            shelf,
            events,
            punts,
            publisher,
            fdb,
            commands,
            returned,
        }
    }
}

/// What moves the frames of a case from its source to its sink, and looks at none: what the packets
/// themselves cost.
pub(crate) struct Control {
    source: Source,
    sink: Sink,
}

impl Control {
    /// Between the ports of a case.
    pub(crate) fn of(case: Case) -> Self {
        Self::by(case, Nic::Plain)
    }

    /// The same of what such a NIC leaves of the frames.
    pub(crate) fn by(case: Case, nic: Nic) -> Self {
        let (ingress, egress) = case.ports();
        Control {
            source: Source::new(port(ingress), Shelf::new(BUFFERS), nic.frames(case)),
            sink: Sink(port(egress)),
        }
    }

    /// One burst. Returns how many packets it moved.
    pub(crate) fn poll(&mut self) -> usize {
        let mut burst = Burst::new();
        self.source.receive(&mut burst);
        self.sink.transmit(&mut burst)
    }
}

/// The forwarding table with all stations that it knows.
pub(crate) fn table() -> (FdbWriter, FdbReader) {
    let (mut fdb, table) = Fdb::new(4096);
    for side in Side::KNOWN {
        let value = FdbValue {
            to: side.destination(),
            kind: Kind::Learned,
        };
        for number in 1..=BURST_FRAMES as u8 {
            let key = FdbKey::new(bridge(), side.station(number).0);
            fdb.insert(key, value).unwrap();
        }
    }
    (fdb, table)
}
