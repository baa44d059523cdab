//! Programs on a burst of packets each, one by one, with the transmission of what they send.

use crate::support::frames::{BURST_FRAMES, Case, Side, between};
use crate::support::io::{Recycled, Shelf, Sink};
use crate::support::site::{BUFFERS, table};
use crate::support::switch::{GUESTS, SERVERS, bridge, port, remote, snapshot};
use divan::Bencher;
use divan::counter::ItemsCount;
use fastpath::action::{Action, Arrival, Context, From, Inlet, Program, Target, run};
use fastpath::drop::DropReason;
use fastpath::event::{Origin, channel};
use fastpath::ids::{TunnelId, WorkerId};
use fastpath::io::Pool;
use fastpath::learn::Learner;
use fastpath::parse::parse;
use fastpath::snapshot::RxChecksum;
use fastpath::stats::WorkerStats;
use fastpath::tx::Outputs;
use rtrb::RingBuffer;

#[derive(Clone, Copy, Debug)]
enum Work {
    /// Nothing but a packet that is taken and given back: part of all others.
    Drop,
    Output,
    Bridge,
    Decap,
    Encap,
    /// To a port and to a remote.
    Flood,
}

impl Work {
    const ALL: [Work; 6] = [
        Work::Drop,
        Work::Output,
        Work::Bridge,
        Work::Decap,
        Work::Encap,
        Work::Flood,
    ];

    fn actions(self) -> Vec<Action> {
        let to_port = Action::Output(Target::Port(port(SERVERS)));
        let bridge = Action::Bridge(Inlet {
            bridge: bridge(),
            from: From::Port(port(GUESTS)),
            origin: Origin::Port(port(GUESTS)),
            learning: true,
        });
        let from_remote = Arrival {
            tunnel: TunnelId::modulo(0),
            remote: Some(remote(0)),
            link: None,
        };
        match self {
            Work::Drop => vec![Action::Drop(DropReason::NoDestination)],
            Work::Output => vec![to_port],
            Work::Bridge | Work::Flood => vec![bridge],
            Work::Decap => vec![Action::Decap(from_remote), to_port],
            Work::Encap => vec![Action::Output(Target::Remote(remote(0)))],
        }
    }

    fn frames(self) -> Vec<Vec<u8>> {
        let flows = 1..=BURST_FRAMES as u8;
        match self {
            Work::Drop | Work::Output | Work::Bridge => Case::Bridge.frames(),
            Work::Decap => Case::Decap.frames(),
            Work::Encap => Case::Encap.frames(),
            Work::Flood => flows
                .map(|flow| between(Side::Guest, Side::Stranger, flow))
                .collect(),
        }
    }
}

#[divan::bench(args = Work::ALL, sample_count = 300, sample_size = 100)]
fn program(bencher: Bencher<'_, '_>, work: Work) {
    let (snapshot, pool, stats) = (snapshot(), Shelf::new(BUFFERS), WorkerStats::default());
    let (_fdb, table) = table();
    let (punt, _punts) = RingBuffer::new(16);
    let (sender, _events) = channel(16);
    let mut learner = Learner::new(sender);
    let mut outputs = Outputs::<Recycled>::new(WorkerId::new(0).unwrap(), vec![None], punt);
    for number in 0..snapshot.ports.len() {
        assert!(outputs.add_queue(Sink(port(number))).is_ok());
    }
    let ingress = port(GUESTS);
    let program = Program::compile(&work.actions().into_iter().collect());
    let frames = work.frames();
    let layout = |frame: &Vec<u8>| parse(ingress, frame, frame.len(), &snapshot.udp_ports).layout;
    let layouts: Vec<_> = frames.iter().map(layout).collect();
    let items = ItemsCount::new(frames.len());
    bencher.counter(items).bench_local(|| {
        let mut context = Context {
            cpu: fastpath::cpu::Cpu::detect(),
            snapshot: &snapshot,
            fdb: &table,
            pool: &pool,
            outputs: &mut outputs,
            learner: &mut learner,
            stats: &stats,
            rx_checksum: RxChecksum::Verify,
        };
        for (frame, layout) in frames.iter().zip(&layouts) {
            let packet = pool.alloc(frame).unwrap();
            run(&mut context, ingress, &program, layout, [packet]);
        }
        outputs.flush(&stats);
    });
    let sent: u64 = (0..snapshot.ports.len())
        .map(|number| stats.port(port(number)).sent.get())
        .sum();
    assert_eq!(sent > 0, !matches!(work, Work::Drop));
}
