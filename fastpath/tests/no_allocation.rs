//! The loop of a worker allocates nothing and frees nothing, whatever becomes of a packet.

#[expect(dead_code, reason = "the benches use the rest")]
#[path = "../benches/support/mod.rs"]
mod support;

use fastpath::cache::{Survey, Task, Which};
use fastpath::drop::DropReason;
use fastpath::io::BURST;
use fastpath::parse::parse;
use fastpath::probe::Probe;
use fastpath::snapshot::Way;
use fastpath::stats::Account;
use fastpath::trace::filter::Filter;
use fastpath::trace::tap::{Limits, tap};
use fastpath::trace::wish::{PortSet, Wish};
use fastpath::worker::{Command, Returned};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use support::frames::{Case, OTHER_VNI, Side, VNI, arp, between, tunnelled};
use support::nic::Nic;
use support::site::{BUFFERS, Site};
use support::switch::{GUESTS, SERVERS, UPLINK, port, remote, snapshot};

/// The system's allocator, which counts what a thread asks of it while that is wanted.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// Calls of the allocator by this thread, while they are counted.
    static CALLS: Cell<Option<u64>> = const { Cell::new(None) };
}

fn count() {
    // A thread that ends may still free something, and is not counted.
    let counted = CALLS.try_with(|calls| calls.set(calls.get().map(|calls| calls + 1)));
    counted.unwrap_or_default();
}

#[expect(unsafe_code, reason = "an allocator is an unsafe trait")]
// SAFETY: every call goes on to the system's allocator as it came. Counting neither allocates nor
// panics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of this very method.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count();
        // SAFETY: the caller keeps the contract of this very method.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of this very method.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of this very method.
        unsafe { System.realloc(at, layout, size) }
    }
}

/// How often this thread allocates, grows or frees anything in `work`.
fn calls_in(work: impl FnOnce()) -> u64 {
    CALLS.set(Some(0));
    work();
    CALLS.take().unwrap_or_default()
}

/// Rounds at 10 ms each. Control takes what it is told in between, but is not counted.
fn calls_in_rounds(site: &mut Site, rounds: std::ops::Range<u64>) -> u64 {
    rounds
        .map(|round| {
            let calls = calls_in(|| {
                site.worker.poll(round * 10);
            });
            while site.punts.pop().is_ok() {}
            site.events.drain(usize::MAX).for_each(drop);
            calls
        })
        .sum()
}

/// Asserts that every packet is back on its shelf and accounted for, but for those that control was to
/// keep and threw away here.
fn close(site: Site) {
    drop(site.worker.stop());
    let waited = site.stats.port(port(GUESTS)).waited.get();
    let account = Account::of([site.stats.as_ref()]);
    assert_eq!(account.held(), waited as i64);
    assert_eq!(site.shelf.free(), BUFFERS);
}

#[test]
fn a_call_of_the_allocator_is_counted() {
    let calls = calls_in(|| {
        let mut list = std::hint::black_box(vec![1]);
        list.reserve(1000);
        drop(std::hint::black_box(list));
    });
    assert_eq!(calls, 3);
}

#[test]
fn the_common_ways_allocate_nothing() {
    let by_nics = [Nic::Rule, Nic::Decap].map(|nic| (Case::DecapTagged, nic));
    let plain = Case::ALL.map(|case| (case, Nic::Plain));
    for (case, nic) in plain.into_iter().chain(by_nics) {
        let mut site = Site::by(case, nic);
        let calls = calls_in_rounds(&mut site, 0..100);
        assert_eq!(calls, 0, "{case} {nic:?}");
        let (ingress, egress) = case.ports();
        let (came, went) = (
            site.stats.port(port(ingress)),
            site.stats.port(port(egress)),
        );
        let all = 100 * BURST as u64;
        assert_eq!((came.forwarded.get(), went.sent.get()), (all, all));
        close(site);
    }
}

/// What guests and the underlay send, so that every kind of end is reached.
fn of_every_kind() -> Vec<(usize, Vec<Vec<u8>>)> {
    let guests = vec![
        between(Side::Guest, Side::Server, 1),
        between(Side::Guest, Side::Far, 2),
        between(Side::Guest, Side::Stranger, 3),
        between(Side::Stranger, Side::Server, 4),
        between(Side::Guest, Side::Lost, 5),
        between(Side::Guest, Side::Guest, 6),
        vec![0; 5],
    ];
    let sent_in = |vni, host, from, to| tunnelled(vni, host, &between(from, to, 7));
    let mut damaged = sent_in(VNI, 1, Side::Far, Side::Server);
    // The checksum of the outer IPv4 header.
    damaged[24] ^= 1;
    let uplink = vec![
        sent_in(VNI, 1, Side::Far, Side::Server),
        sent_in(VNI, 1, Side::Far, Side::Stranger),
        sent_in(VNI, 1, Side::Stranger, Side::Server),
        sent_in(VNI, 7, Side::Far, Side::Server),
        sent_in(OTHER_VNI, 1, Side::Far, Side::Server),
        damaged,
        arp(1),
    ];
    vec![(GUESTS, guests), (UPLINK, uplink)]
}

/// From the first packet on, while the cache and the memos are filled, and through a change.
#[test]
fn nothing_that_becomes_of_a_packet_allocates() {
    let mut site = Site::new(of_every_kind());
    let before = calls_in_rounds(&mut site, 0..100);
    let mut next = snapshot();
    for port in next.ports.iter_mut().flatten() {
        Arc::make_mut(port).generation += 1;
    }
    let lost = next.remote(remote(1)).unwrap();
    lost.next_hops.set_way(Way {
        hold: false,
        ..lost.next_hops.way()
    });
    let change = site.publisher.publish(next);
    let after = calls_in_rounds(&mut site, 100..200);
    assert_eq!((before, after), (0, 0));
    assert!(site.publisher.passed(change));

    let [guests, servers, uplink] = [GUESTS, SERVERS, UPLINK].map(|n| site.stats.port(port(n)));
    let cache = &site.stats.cache;
    let moved = [
        ("sent to servers", servers.sent.get()),
        ("sent to remote 0", site.stats.remote(remote(0)).sent.get()),
        (
            "received from remote 0",
            site.stats.remote(remote(0)).received.get(),
        ),
        ("copied from guests", guests.copied.get()),
        ("copied from the uplink", uplink.copied.get()),
        ("waited", guests.waited.get()),
        ("consumed", uplink.consumed.get()),
        ("hits", cache.hits.get()),
        ("inserted", cache.inserted.get()),
        ("replaced", cache.replaced.get()),
        ("same_port", guests.dropped.get(DropReason::SamePort)),
        ("frame_runt", guests.dropped.get(DropReason::FrameRunt)),
        (
            "neighbour_unresolved",
            guests.dropped.get(DropReason::NeighbourUnresolved),
        ),
        (
            "remote_unknown",
            uplink.dropped.get(DropReason::RemoteUnknown),
        ),
        ("vni_unknown", uplink.dropped.get(DropReason::VniUnknown)),
        ("ip_checksum", uplink.dropped.get(DropReason::IpChecksum)),
    ];
    for (name, count) in moved {
        assert!(count > 0, "nothing was {name}");
    }
    close(site);
}

/// Also while packets pass, from the first round to the last.
#[test]
fn a_survey_of_the_cache_allocates_nothing() {
    let mut site = Site::new(of_every_kind());
    calls_in_rounds(&mut site, 0..100);
    let entries = site.stats.cache.entries.get() as usize;
    let frame = between(Side::Guest, Side::Server, 1);
    let key = parse(port(GUESTS), &frame, frame.len(), &snapshot().udp_ports).key;
    let find = Task::Find(Probe::new(port(GUESTS), key, &frame));
    let tasks = [
        (find, 1),
        (Task::Show(Which::All), entries),
        (Task::Flush, entries),
    ];
    for (task, found) in tasks {
        let survey = Command::Survey(Box::new(Survey::new(task, 64)));
        assert!(site.commands.push(survey).is_ok());
        assert_eq!(calls_in_rounds(&mut site, 100..200), 0, "{task:?}");
        let Ok(Returned::Surveyed(survey)) = site.returned.pop() else {
            panic!("nothing comes back");
        };
        assert_eq!(survey.found(), found, "{task:?}");
    }
    assert_eq!(site.stats.cache.flushed.get() as usize, entries);
    close(site);
}

/// Also when its rings are full, and whether a packet is wanted or not.
#[test]
fn a_worker_with_a_tap_allocates_nothing() {
    let limits = Limits {
        copies: 2,
        ..Limits::default()
    };
    let long = ["128 0 0 0", "37 0 1 64", "6 0 0 1", "6 0 0 0"].map(|line| line.parse().unwrap());
    let wish = Wish {
        filter: Filter::new(&long).unwrap(),
        ..Wish::everything(PortSet::ALL)
    };
    let mut site = Site::new(of_every_kind());
    let (tap, reader) = tap(wish, limits);
    site.commands.push(Command::Watch(Box::new(tap))).unwrap();
    assert_eq!(calls_in_rounds(&mut site, 0..100), 0);
    let counters = reader.stats().port(port(UPLINK));
    assert!(counters.copied.get() > 0 && counters.lost.get() > 0);
    drop(reader);
    // It is given back, and freed by who takes it.
    assert_eq!(calls_in_rounds(&mut site, 100..101), 0);
    assert!(matches!(site.returned.pop(), Ok(Returned::Tap(_))));
    close(site);
}
