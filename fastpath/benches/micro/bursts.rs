//! Full bursts from a source to a sink.

use crate::support::frames::{BURST_FRAMES, Case};
use crate::support::site::{Control, Site};
use crate::support::switch::port;
use divan::Bencher;
use divan::counter::ItemsCount;

/// Rounds after which a memo or the cache knows all flows.
const WARM_UP: usize = 64;

/// Through a worker: a whole round.
#[divan::bench(args = Case::ALL, sample_count = 300, sample_size = 100)]
fn worker(bencher: Bencher<'_, '_>, case: Case) {
    let mut site = Site::of(case);
    for _ in 0..WARM_UP {
        site.worker.poll(0);
    }
    bencher
        .counter(ItemsCount::new(BURST_FRAMES))
        .bench_local(|| site.worker.poll(0));
    let [came, went] = <[usize; 2]>::from(case.ports()).map(|n| site.stats.port(port(n)));
    assert_eq!(came.received.get(), went.sent.get(), "{case}");
}

/// Through nothing: part of the above.
#[divan::bench(args = Case::ALL, sample_count = 300, sample_size = 100)]
fn control(bencher: Bencher<'_, '_>, case: Case) {
    let mut control = Control::of(case);
    bencher
        .counter(ItemsCount::new(BURST_FRAMES))
        .bench_local(|| control.poll());
}
