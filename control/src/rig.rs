//! A whole switch in one process and one thread, with ports on the heap and time by hand.
//!
//! State, workers, rings and tables are the real ones; only the device thread is played here. A test
//! reads: build a rig, send a frame into a port, expect a frame out of another, name the counters
//! that moved, close the account.
//!
//! ```
//! use control::config::Wanted;
//! use control::rig::Rig;
//!
//! let text = r#"
//!     [[port]]
//!     name = "a"
//!     device = "heap0"
//!     [[port]]
//!     name = "b"
//!     device = "heap1"
//!     [[bridge]]
//!     name = "br0"
//!     ports = ["a", "b"]
//! "#;
//! let mut rig = Rig::new(Wanted::parse(text, "example").unwrap(), 1);
//! let frame = [&[0xff; 6][..], &[2, 0, 0, 0, 0, 1], &[0x88, 0xb5], &[0; 46]].concat();
//! rig.send("a", &frame);
//! rig.run(1);
//! assert_eq!(rig.received("b"), [frame]);
//! rig.close();
//! ```

mod devices;
#[cfg(any(test, feature = "model"))]
pub(crate) mod nics;
mod port;

use crate::api::messages::{FdbEntry, Method, Reply, Stations, Stats};
use crate::api::{Answer, Refused, Request, RequestSender, requests};
use crate::change::{self, Change, ChangeSender, Done, changes};
use crate::config::{Command, Edit, Wanted, Words};
use crate::device::{self, Order, OrderEnd};
use crate::offload::report::PortReport;
use crate::reconcile::{Step, steps};
use crate::state::{Assembly, Settings, State, Teller, assemble};
use fastpath::ids::PortId;
use fastpath::io::heap::{HeapIo, HeapPacket, HeapPool};
use fastpath::io::{Pool, RxChecksums};
use fastpath::stats::{Account, WorkerStats};
use fastpath::wire::Mac;
use fastpath::worker::Worker;
use port::RigPort;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The largest MTU of a port, unless one has a larger one from the beginning.
const LARGEST_MTU: u16 = 2026;

/// A switch, and the hands that move it.
pub struct Rig {
    state: State<HeapIo>,
    workers: Vec<Worker<HeapIo>>,
    stats: Vec<Arc<WorkerStats>>,
    device: OrderEnd<HeapIo>,
    requests: RequestSender,
    changes: ChangeSender,
    wanted: Arc<Wanted>,
    ports: Vec<RigPort>,
    #[cfg(any(test, feature = "model"))]
    nics: nics::Nics,
    pool: HeapPool,
    number: u8,
    /// The port whose device does not answer.
    stuck: Option<PortId>,
    /// What it was ordered.
    late: Vec<Order<HeapIo>>,
    /// The device thread does not come round.
    busy: bool,
    now: u64,
}

impl Rig {
    /// A switch with all its ports up. Each has the receive queues that are wanted of it, and the
    /// transmit queues, but at most one for each worker. The pool has the wanted number of packets, in
    /// which frames that a test has sent and not yet received are included.
    pub fn new(wanted: Wanted, workers: usize) -> Self {
        Self::numbered(wanted, workers, 0)
    }

    /// The same, with MACs that no rig of another number has: for two that are on one wire.
    pub fn numbered(wanted: Wanted, workers: usize, number: u8) -> Self {
        let mut rig = Self::build(wanted, workers, number);
        rig.run(1);
        rig
    }

    /// One in which nobody had a turn yet.
    fn build(wanted: Wanted, workers: usize, number: u8) -> Self {
        let (end, device) = device::channel();
        let (sender, receiver) = requests(16);
        let pool = HeapPool::new(wanted.switch.mbufs as usize);
        let (changes, receiver_of_changes) = changes();
        let Assembly {
            mut state,
            workers,
            stats,
        } = assemble(Settings {
            switch: wanted.switch,
            version: "none".to_owned(),
            pool: pool.clone(),
            largest_mtu: wanted
                .ports
                .iter()
                .map(|port| port.mtu)
                .fold(LARGEST_MTU, u16::max),
            workers,
            device: end,
            requests: receiver,
            changes: receiver_of_changes,
        });
        let wanted = Arc::new(wanted);
        state.begin(Arc::clone(&wanted));
        let requests = sender;
        Rig {
            state,
            workers,
            stats,
            device,
            requests,
            changes,
            wanted,
            ports: Vec::new(),
            #[cfg(any(test, feature = "model"))]
            nics: nics::Nics::default(),
            pool,
            number,
            stuck: None,
            late: Vec::new(),
            busy: false,
            now: 0,
        }
    }

    /// The MAC of a port: 02:ff, zeros, and the number at the end of its device's name, or else that of
    /// the port.
    pub fn mac(place: u8) -> Mac {
        Self::mac_of(0, place)
    }

    /// The same in a rig of another number, which stands before the place.
    pub fn mac_of(number: u8, place: u8) -> Mac {
        Mac::new([0x02, 0xff, 0, 0, number, place])
    }

    /// Gives control alone a turn.
    pub fn step(&mut self) {
        self.play_device();
        self.state.step(self.now);
    }

    /// See [`State::offload`].
    pub fn offload(&self) -> &BTreeMap<PortId, PortReport> {
        self.state.offload()
    }

    /// See [`State::progress`].
    pub fn progress(&self) -> (usize, usize, usize) {
        self.state.progress()
    }

    /// Gives one worker alone one round. Returns how many packets it moved.
    pub fn poll(&mut self, worker: usize) -> usize {
        self.workers[worker].poll(self.now)
    }

    /// Lets time pass in which nobody gets a turn.
    pub fn wait(&mut self, milliseconds: u64) {
        self.now += milliseconds;
    }

    /// Lets time pass, in steps of a millisecond in which everybody gets a turn.
    pub fn run(&mut self, milliseconds: u64) {
        for _ in 0..milliseconds {
            self.now += 1;
            self.turn();
        }
    }

    /// Lets time pass in one leap, and then runs for some milliseconds.
    pub fn leap(&mut self, milliseconds: u64) {
        self.now += milliseconds;
        self.run(5);
    }

    fn turn(&mut self) {
        for _ in 0..3 {
            self.play_device();
            self.state.step(self.now);
            for worker in &mut self.workers {
                while worker.poll(self.now) > 0 {}
            }
        }
    }

    fn at(&self, port: &str) -> usize {
        let place = self.ports.iter().rposition(|p| p.name == port);
        place.unwrap_or_else(|| unknown(port))
    }

    fn id(&self, port: &str) -> PortId {
        self.ports[self.at(port)].id
    }

    /// Has something else wanted from now on, and runs until it is acknowledged or refused.
    ///
    /// # Errors
    /// What state says, and that it says nothing for long.
    pub fn apply(&mut self, next: Wanted) -> Result<Done, Refused> {
        let before = Arc::clone(&self.wanted);
        let answer = self.apply_later(next);
        self.wait_for(&answer, before)
    }

    /// Goes back to what was wanted before, as far as it can be had, and runs until that is
    /// acknowledged or refused.
    ///
    /// # Errors
    /// Those of [`Rig::apply`].
    pub fn go_back(&mut self, next: Wanted) -> Result<Done, Refused> {
        let before = Arc::clone(&self.wanted);
        let answer = self.order(next, Change::back);
        self.wait_for(&answer, before)
    }

    /// As [`Rig::apply`], of what is to be confirmed.
    ///
    /// # Errors
    /// Those of [`Rig::apply`], and what could not be gone back on.
    pub fn try_out(&mut self, next: Wanted) -> Result<Done, Refused> {
        let before = Arc::clone(&self.wanted);
        let answer = self.order(next, Change::trial);
        self.wait_for(&answer, before)
    }

    fn wait_for(&mut self, answer: &change::Answer, before: Arc<Wanted>) -> Result<Done, Refused> {
        let said = (0..100).find_map(|_| {
            self.run(1);
            answer.try_recv().ok()
        });
        let said = said.unwrap_or_else(|| Err(Refused("no answer".to_owned())));
        if said.is_err() {
            self.wanted = before;
        }
        said
    }

    /// Changes what is wanted by a command, and runs until that is acknowledged or refused.
    ///
    /// # Errors
    /// What is wrong with the command, and those of [`Rig::apply`].
    pub fn edit(&mut self, command: Command, words: Words) -> Result<Done, Refused> {
        let next = self.wanted.edited(&Edit::Do(command, words));
        self.apply(next.map_err(|errors| Refused(errors.to_string()))?)
    }

    /// What is wanted.
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// The same as [`Rig::apply`], and leaves it to the test when anybody has a turn. What is wanted is
    /// what was applied last, even if it is refused.
    pub fn apply_later(&mut self, next: Wanted) -> change::Answer {
        self.order(next, Change::new)
    }

    fn order(
        &mut self,
        next: Wanted,
        change: fn(Arc<Wanted>, Vec<Step>) -> (Change, change::Answer),
    ) -> change::Answer {
        let next = Arc::new(next);
        let steps = steps(&self.wanted, &next);
        let (change, answer) = change(Arc::clone(&next), steps);
        // One at a time: there is room.
        drop(self.changes.try_send(change));
        self.wanted = next;
        answer
    }

    /// Puts a frame into a port's first receive queue. `false` if the queue or the pool is full.
    pub fn send(&self, port: &str, frame: &[u8]) -> bool {
        self.send_checked(port, frame, RxChecksums::default())
    }

    /// Puts a frame into another receive queue of a port.
    pub fn send_by(&self, port: &str, queue: usize, frame: &[u8]) -> bool {
        self.put(port, queue, self.pool.alloc(frame))
    }

    /// The same, from a NIC that has checksums to say something of.
    pub fn send_checked(&self, port: &str, frame: &[u8], checksums: RxChecksums) -> bool {
        let packet = self
            .pool
            .alloc(frame)
            .map(|packet| packet.with_rx_checksums(checksums));
        self.put(port, 0, packet)
    }

    /// Puts a frame into a port's first receive queue that a rule of the NIC has marked, or not.
    pub fn send_marked(&self, port: &str, frame: &[u8], mark: Option<u32>) -> bool {
        let packet = self.pool.alloc(frame);
        self.put(port, 0, packet.map(|packet| packet.with_mark(mark)))
    }

    fn put(&self, port: &str, queue: usize, packet: Option<HeapPacket>) -> bool {
        let queue = self.ports[self.at(port)].rx.get(queue);
        let pushed = queue.zip(packet).map(|(queue, packet)| queue.push(packet));
        pushed.is_some_and(|pushed| pushed.is_ok())
    }

    /// Takes all frames that have left by a port: those of each transmit queue in their order.
    pub fn received(&mut self, port: &str) -> Vec<Vec<u8>> {
        let queues = &self.ports[self.at(port)].tx;
        let packets = queues
            .iter()
            .flat_map(|queue| std::iter::from_fn(|| queue.pop()));
        packets.map(|packet| packet.bytes()).collect()
    }

    /// Asks what a client of the API would ask. `None` if it is refused.
    pub fn ask(&mut self, method: Method) -> Option<Reply> {
        let mut answer = self.ask_later(method)?;
        self.state.step(self.now);
        answer.try_recv().ok()?.ok()
    }

    /// The forwarding table, as a client would get it.
    pub fn fdb(&mut self) -> Vec<FdbEntry> {
        let (mut all, mut next) = (Vec::new(), Some(0));
        while let Some(from) = next.take() {
            let stations = Stations {
                from,
                ..Stations::default()
            };
            if let Some(Reply::Fdb(page)) = self.ask(Method::FdbShow(stations)) {
                all.extend(page.entries);
                next = page.next;
            }
        }
        all
    }

    /// Asks what workers are to answer, and gives state and them the turns that it takes, in which no
    /// time passes. `None` if it is refused.
    pub fn ask_workers(&mut self, method: Method) -> Option<Reply> {
        let mut answer = self.ask_later(method)?;
        let answer = (0..20_000).find_map(|_| {
            self.step();
            for worker in &mut self.workers {
                worker.poll(self.now);
            }
            answer.try_recv().ok()
        });
        answer?.ok()
    }

    /// Makes a change that a client of the API would make, and runs until it is acknowledged, a few
    /// milliseconds at most.
    pub fn change(&mut self, method: Method) -> Option<Reply> {
        self.request(method)?.ok()
    }

    /// Why a change is refused.
    pub fn refusal(&mut self, method: Method) -> Option<String> {
        self.request(method)?
            .err()
            .map(|refused| refused.to_string())
    }

    fn request(&mut self, method: Method) -> Option<Result<Reply, Refused>> {
        let mut answer = self.ask_later(method)?;
        (0..20).find_map(|_| {
            self.run(1);
            answer.try_recv().ok()
        })
    }

    /// Asks, and leaves it to the test when state has a turn. `None` if too many are asking.
    pub fn ask_later(&mut self, method: Method) -> Option<Answer> {
        match Request::new(method) {
            Ok((request, answer)) => {
                self.requests.try_send(request).ok()?;
                Some(answer)
            }
            Err(refused) => {
                let (reply, answer) = tokio::sync::oneshot::channel();
                drop(reply.send(Err(refused)));
                Some(answer)
            }
        }
    }

    /// What whoever changes what is wanted tells of it by.
    pub fn teller(&self) -> Teller {
        self.state.teller()
    }

    /// The counters, as clients see them.
    pub fn stats(&mut self) -> Stats {
        match self.ask(Method::StatsShow) {
            Some(Reply::Stats(stats)) => *stats,
            _ => Stats::default(),
        }
    }

    /// The counters of each worker, to be read also when the switch has stopped.
    pub fn worker_stats(&self) -> Vec<Arc<WorkerStats>> {
        self.stats.clone()
    }

    /// Stops the switch and returns its account, in which nothing may be held, with the packets that
    /// did not come back to the pool, which must be none.
    pub fn stop(mut self) -> (Account, usize) {
        for port in &self.ports {
            for queue in &port.rx {
                while queue.pop().is_some() {}
            }
        }
        let workers = std::mem::take(&mut self.workers);
        let queues: Vec<_> = workers.into_iter().flat_map(Worker::stop).collect();
        for port in &self.ports {
            for queue in &port.tx {
                while queue.pop().is_some() {}
            }
        }
        // Nobody answers for the ports: what waits for a neighbour is dropped, and that is all.
        drop(self.state.close(queues, || false));
        drop(self.device);
        (
            Account::of(self.stats.iter().map(|stats| &**stats)),
            self.pool.out(),
        )
    }

    /// Stops the switch and makes sure that every packet is accounted for.
    ///
    /// # Panics
    /// If the account does not close, or a packet is missing from the pool.
    pub fn close(self) -> Account {
        let (account, out) = self.stop();
        assert_eq!(
            (account.held(), out),
            (0, 0),
            "the account does not close: {account:?}"
        );
        account
    }
}

#[expect(clippy::panic, reason = "a mistake in a test")]
fn unknown(port: &str) -> ! {
    panic!("there is no port {port}")
}
