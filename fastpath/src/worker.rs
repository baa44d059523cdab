//! The loop of one core: receive, parse, look up, resolve what is missed, act, transmit.

mod measure;
mod straighten;

use self::measure::{Measure, Measures};
use crate::action::{Context, Facts, Scratch, Straight, release};
use crate::cache::Survey;
use crate::cpu::{Cpu, Work, ticks};
use crate::cut::note_uncut;
use crate::decide::{Decider, RESOLVE_BUDGET, Sources};
use crate::event::Event;
use crate::fdb::FdbReader;
use crate::ids::{PortId, QueueId, WorkerId};
use crate::io::{BURST, Burst, Io, RxQueue};
use crate::learn::Learner;
use crate::offload::belief::{Belief, Sampler};
use crate::publish::Reader;
use crate::recompute::{any_open, recompute};
use crate::snapshot::{Port, RxChecksum, Snapshot};
use crate::stats::WorkerStats;
use crate::trace::tap::Tap;
use crate::tx::{Handoff, HandoffTo, Outputs, count_originated, discard};
use arrayvec::ArrayVec;
use rtrb::{Consumer, Producer};
use std::sync::Arc;

/// Most receive queues of one worker.
pub const MAX_RX_QUEUES: usize = 256;
/// Bytes in which all headers that overpath reads lie. A first segment shorter than that, with more
/// behind it, is straightened on receipt.
const HEADERS: usize = 256;

/// Control tells a worker which queues to serve.
pub enum Command<I: Io> {
    /// Poll this queue from now on.
    AddRx(I::Rx),
    /// Send through this queue from now on.
    AddTx(I::Tx),
    /// Give all queues of a port back.
    Withdraw(PortId),
    /// Give one receive queue of a port back, if it is here.
    WithdrawRx(PortId, QueueId),
    /// Copy packets, until nobody reads them any more.
    Watch(Box<Tap>),
    /// Look over the flow cache, a little in each round. One at a time: the one before is given back
    /// as it is.
    Survey(Box<Survey>),
}

/// What a worker gives back.
pub enum Returned<I: Io> {
    /// A receive queue that is no longer polled.
    Rx(I::Rx),
    /// A transmit queue that is no longer used.
    Tx(I::Tx),
    /// All queues of this port have been given back.
    Withdrawn(PortId),
    /// A tap that nobody reads, or that found no room. To drop it frees memory.
    Tap(Box<Tap>),
    /// The flow cache has been looked over.
    Surveyed(Box<Survey>),
}

/// Everything that a worker is made of.
pub struct Parts<I: Io> {
    /// Its number.
    pub id: WorkerId,
    /// Where its copies come from.
    pub pool: I::Pool,
    /// The snapshot.
    pub snapshot: Reader<Snapshot>,
    /// The FDB.
    pub fdb: FdbReader,
    /// Its voice towards control.
    pub learner: Learner,
    /// Its ways out.
    pub outputs: Outputs<I>,
    /// Packets that others want sent.
    pub inbound: Vec<Consumer<Handoff<I::Packet>>>,
    /// What control wants of it.
    pub commands: Consumer<Command<I>>,
    /// Queues that it gives back.
    pub returned: Producer<Returned<I>>,
    /// Its counters.
    pub stats: Arc<WorkerStats>,
    /// Entries of its flow cache; 0 turns it off.
    pub cache_entries: usize,
}

/// One worker.
pub struct Worker<I: Io> {
    parts: Parts<I>,
    cpu: Cpu,
    decider: Decider,
    scratch: Scratch,
    queues: ArrayVec<I::Rx, MAX_RX_QUEUES>,
    /// The queue that comes first in this round: each in turn, or the budget would favour one.
    first: usize,
    /// Which packets are held against what the NIC says of them.
    sampler: Sampler,
    /// What is under way.
    survey: Option<Box<Survey>>,
    /// When the last round ended, by [`ticks`].
    ended: Option<u64>,
}

/// A round of a worker at a time.
struct Round<'a, I: Io>(&'a mut Worker<I>, u64);

impl<I: Io> Work for Round<'_, I> {
    type Output = usize;

    #[inline(always)]
    fn work(self) -> usize {
        self.0.round(self.1)
    }
}

impl<I: Io> Worker<I> {
    /// A worker without queues. All that it will ever allocate is allocated here.
    pub fn new(parts: Parts<I>) -> Self {
        let decider = Decider::new(parts.cache_entries);
        Worker {
            parts,
            cpu: Cpu::detect(),
            decider,
            scratch: Scratch::default(),
            queues: ArrayVec::new(),
            first: 0,
            sampler: Sampler::default(),
            survey: None,
            ended: None,
        }
    }

    /// One round over all queues, at a time given in milliseconds since any fixed point. Returns how
    /// many packets it moved.
    pub fn poll(&mut self, now: u64) -> usize {
        self.cpu.run(Round(self, now))
    }

    #[inline(always)]
    fn round(&mut self, now: u64) -> usize {
        self.catch_up();
        if self.parts.outputs.watch().is_on() {
            self.give_back_taps();
        }
        if self.survey.is_some() {
            self.survey();
        }
        self.parts.learner.set_now(now);
        self.decider.budget = RESOLVE_BUDGET;
        let mut moved = self.drain_inbound();
        let count = self.queues.len();
        self.first = (self.first + 1).checked_rem(count).unwrap_or(0);
        for at in (self.first..count).chain(0..self.first) {
            let mut burst = Burst::new();
            let queue = &mut self.queues[at];
            if queue.receive(&mut burst) > 0 {
                moved += burst.len();
                let (ingress, number) = (queue.port(), queue.number());
                let stats = &self.parts.stats;
                stats.count_received(ingress, number, burst.len());
                self.forward(ingress, number, burst);
            }
        }
        self.parts.outputs.flush(&self.parts.stats);
        // The end of a round is the beginning of the next; before the first there is none.
        let now = ticks();
        let began = self.ended.replace(now).unwrap_or(now);
        let stats = &self.parts.stats;
        stats.count_round(now.saturating_sub(began), moved);
        moved
    }

    /// A quiescent point: nothing of the old state is held here. Everything that changed is taken
    /// over before control is told that it was.
    ///
    /// A receive queue comes after the snapshot that knows its port, a transmit queue before it. So
    /// commands are obeyed until there is no news: what is polled is known, and who is told that a
    /// snapshot was passed may send by its ports.
    fn catch_up(&mut self) {
        let before = std::ptr::from_ref(self.parts.snapshot.get());
        let mut news = false;
        loop {
            while let Ok(command) = self.parts.commands.pop() {
                self.obey(command);
            }
            if !self.parts.snapshot.observe() {
                break;
            }
            news = true;
        }
        if news {
            // The old snapshot is there until it is passed, so another one is elsewhere.
            if !std::ptr::eq(before, self.parts.snapshot.get()) {
                self.decider.forget();
            }
            self.parts.snapshot.pass();
        }
    }

    fn obey(&mut self, command: Command<I>) {
        let back = match command {
            Command::AddRx(queue) => self
                .queues
                .try_push(queue)
                .err()
                .map(|e| Returned::Rx(e.element())),
            Command::AddTx(queue) => self.parts.outputs.add_queue(queue).err().map(Returned::Tx),
            Command::Withdraw(port) => return self.withdraw(port),
            Command::WithdrawRx(port, number) => {
                let mut queues = self.queues.iter();
                let at = queues.position(|q| (q.port(), q.number()) == (port, number));
                at.map(|at| Returned::Rx(self.queues.swap_remove(at)))
            }
            Command::Watch(tap) => self.parts.outputs.watch().add(tap).err().map(Returned::Tap),
            Command::Survey(survey) => self.survey.replace(survey).map(Returned::Surveyed),
        };
        if let Some(back) = back {
            self.give_back(back);
        }
    }

    #[cold]
    fn survey(&mut self) {
        if let Some(mut survey) = self.survey.take() {
            let Parts {
                snapshot, stats, ..
            } = &self.parts;
            let done = self
                .decider
                .survey(&mut survey, snapshot.get(), &stats.cache);
            if done {
                self.give_back(Returned::Surveyed(survey));
            } else {
                self.survey = Some(survey);
            }
        }
    }

    fn withdraw(&mut self, port: PortId) {
        while let Some(at) = self.queues.iter().position(|queue| queue.port() == port) {
            let queue = self.queues.swap_remove(at);
            self.give_back(Returned::Rx(queue));
        }
        if let Some(queue) = self.parts.outputs.remove_queue(port, &self.parts.stats) {
            self.give_back(Returned::Tx(queue));
        }
        self.give_back(Returned::Withdrawn(port));
    }

    #[cold]
    fn give_back_taps(&mut self) {
        while let Some(tap) = self.parts.outputs.watch().abandoned() {
            self.give_back(Returned::Tap(tap));
        }
    }

    /// The ring has room for every queue and every tap there can be and a survey, so nothing is lost
    /// here.
    fn give_back(&mut self, what: Returned<I>) {
        drop(self.parts.returned.push(what));
    }

    fn drain_inbound(&mut self) -> usize {
        let Parts {
            inbound,
            fdb,
            pool,
            outputs,
            learner,
            snapshot,
            stats,
            ..
        } = &mut self.parts;
        let snapshot = snapshot.get();
        let mut moved = 0;
        for ring in inbound {
            for _ in 0..BURST {
                let Ok(Handoff { packet, to }) = ring.pop() else {
                    break;
                };
                moved += 1;
                match to {
                    HandoffTo::Port(port) => {
                        outputs.take(port, snapshot.port(port), packet, stats);
                    }
                    HandoffTo::Originated(port) => {
                        count_originated(port, &packet, snapshot, stats);
                        outputs.take(port, snapshot.port(port), packet, stats);
                    }
                    HandoffTo::Remote { ingress, remote } => {
                        let mut context = Context {
                            cpu: self.cpu,
                            snapshot,
                            fdb,
                            pool,
                            outputs,
                            learner,
                            stats,
                            rx_checksum: RxChecksum::default(),
                        };
                        release(&mut context, ingress, remote, packet);
                    }
                }
            }
        }
        moved
    }

    #[inline(always)]
    fn forward(&mut self, ingress: PortId, queue: QueueId, mut burst: Burst<I::Packet>) {
        if self.parts.outputs.watch().is_on() {
            self.parts.outputs.watch().begin(ingress, queue, &burst);
        }
        let snapshot = self.parts.snapshot.get();
        let port = snapshot.port(ingress);
        // Its links are there before it is and after.
        let underlay = port.map_or_else(|| snapshot.has_links(ingress), Port::is_underlay);
        let rx_checksum = port.map(|port| port.rx_checksum).unwrap_or_default();
        let limit = port.and_then(|port| port.rx_limit);
        let facts = Facts {
            underlay,
            ..self.account(ingress, limit, &mut burst)
        };
        let Parts {
            snapshot,
            fdb,
            pool,
            outputs,
            learner,
            stats,
            ..
        } = &mut self.parts;
        let snapshot = snapshot.get();
        let sources = Sources {
            cpu: self.cpu,
            ingress,
            snapshot,
            fdb,
            stats: &stats.cache,
            belief: Belief::of(ingress, snapshot, stats.hints(ingress)),
        };
        if let Some(belief) = &sources.belief
            && let Some(lie) = self.sampler.burst(belief, &mut burst)
        {
            self.decider.lie = Some(lie);
        }
        let plans = self.decider.decide(&sources, &burst);
        let count = burst.len();
        if outputs.watch().is_on() {
            outputs.watch().decided(plans.decided());
        }
        if rx_checksum == RxChecksum::Recompute {
            for (packet, layout) in burst.iter_mut().zip(plans.layouts(count)) {
                recompute(packet, &layout);
            }
        }
        let mut context = Context {
            cpu: self.cpu,
            snapshot,
            fdb,
            pool,
            outputs,
            learner,
            stats,
            rx_checksum,
        };
        // Asked here, so that it need not be kept while packets are looked at.
        let open = any_open(snapshot.port(ingress), &burst);
        if open {
            note_uncut(&mut burst);
        }
        let straight = Straight::new(&mut context, ingress, Facts { open, ..facts }, burst);
        straight.carry_out(plans, &mut self.scratch);
        if outputs.watch().is_on() {
            outputs.watch().finish(ingress);
        }
        if let Some(lie) = self.decider.lie.take() {
            self.tell(Event::Lied { port: ingress, lie });
        }
    }

    #[cold]
    fn tell(&mut self, event: Event) {
        let told = self.parts.learner.tell(event);
        self.parts.stats.events_lost.add(u64::from(!told));
    }

    /// Counts what came in, and brings the headers of chained packets into one segment. What cannot
    /// be straightened for want of a buffer is dropped here, and so is what may lack its end.
    #[inline(always)]
    fn account(
        &mut self,
        ingress: PortId,
        limit: Option<u16>,
        burst: &mut Burst<I::Packet>,
    ) -> Facts {
        let Measures {
            bytes,
            longest,
            behind,
        } = self.cpu.run(Measure(burst));
        let counters = self.parts.stats.port(ingress);
        counters.received.add(burst.len() as u64);
        counters.received_bytes.add(bytes);
        let limit = limit.map_or(usize::MAX, usize::from);
        let whole = behind == 0;
        if !whole || longest >= limit {
            self.straighten(ingress, limit, burst);
        }
        Facts {
            longest,
            whole,
            underlay: false,
            open: false,
        }
    }

    /// Stops: sends what is buffered, gives every queue back, frees what waits in the rings. Control
    /// stops the other workers' polling first, so that nothing arrives behind this.
    pub fn stop(mut self) -> Vec<Returned<I>> {
        self.parts.outputs.flush(&self.parts.stats);
        let mut back: Vec<_> = self.queues.drain(..).map(Returned::Rx).collect();
        for port in (0..PortId::LIMIT).filter_map(PortId::new) {
            let queue = self.parts.outputs.remove_queue(port, &self.parts.stats);
            back.extend(queue.map(Returned::Tx));
        }
        back.extend(self.survey.take().map(Returned::Surveyed));
        while let Ok(command) = self.parts.commands.pop() {
            match command {
                Command::AddRx(queue) => back.push(Returned::Rx(queue)),
                Command::AddTx(queue) => back.push(Returned::Tx(queue)),
                Command::Watch(tap) => back.push(Returned::Tap(tap)),
                Command::Withdraw(_) | Command::WithdrawRx(..) => {}
                Command::Survey(survey) => back.push(Returned::Surveyed(survey)),
            }
        }
        let watch = self.parts.outputs.watch();
        for ring in &mut self.parts.inbound {
            let snapshot = self.parts.snapshot.get();
            discard(ring, snapshot, &self.parts.stats, watch);
        }
        back.extend(std::iter::from_fn(|| watch.remove()).map(Returned::Tap));
        self.parts.snapshot.retire();
        back
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests;
