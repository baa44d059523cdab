//! Look-ups in the forwarding table by its size, of stations drawn at random.

use divan::Bencher;
use divan::counter::ItemsCount;
use fastpath::fdb::{Destination, Fdb, FdbKey, FdbReader, FdbValue, FdbWriter, Kind, Pair, Word};
use fastpath::ids::{BridgeId, PortId};
use fastpath::io::BURST;
use fastpath::wire::Mac;

const SIZES: [usize; 4] = [1, 10_000, 100_000, 1_000_000];

/// The writer of a full table, which keeps it, and its reader.
fn filled(entries: usize) -> (FdbWriter, FdbReader) {
    let (mut fdb, table) = Fdb::new(entries);
    let value = FdbValue {
        to: Destination::Port(PortId::new(1).unwrap()),
        kind: Kind::Learned,
    };
    for number in 0..entries {
        fdb.insert(key(number as u64), value).unwrap();
    }
    (fdb, table)
}

fn key(number: u64) -> FdbKey {
    let mac = Mac::from_u64(0x0200_0000_0000 | number);
    FdbKey::new(BridgeId::new(0).unwrap(), mac)
}

/// Keys of a table, the same ones each time. They are drawn as they are used: a list of them would
/// take the cache that is to hold the table, or repeat itself and leave most of the table out.
fn draw(entries: usize) -> impl FnMut() -> FdbKey {
    let mut state = 1u64;
    move || {
        // A linear congruential generator with the multiplier of Knuth's MMIX.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        key(((state >> 32) * entries as u64) >> 32)
    }
}

/// One after the other, nothing asked for before.
#[divan::bench(args = SIZES, sample_count = 300, sample_size = 3200)]
fn single(bencher: Bencher<'_, '_>, entries: usize) {
    let (_fdb, table) = filled(entries);
    let mut draw = draw(entries);
    bencher
        .counter(ItemsCount::new(1usize))
        .bench_local(|| table.lookup(draw()).unwrap());
}

/// The keys of a burst, asked for before they are read, as a worker does.
#[divan::bench(args = SIZES, sample_count = 300, sample_size = 100)]
fn burst(bencher: Bencher<'_, '_>, entries: usize) {
    let (_fdb, table) = filled(entries);
    let mut draw = draw(entries);
    let mut words = [[Word::default(); 2]; BURST / 2];
    bencher.counter(ItemsCount::new(BURST)).bench_local(|| {
        let view = table.view();
        let pairs: [Pair; BURST / 2] = std::array::from_fn(|_| view.ask(draw(), draw()));
        view.words(&pairs, &mut words);
        divan::black_box(&words);
    });
}
