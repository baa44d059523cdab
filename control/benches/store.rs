//! How long a large configuration takes: as text, and in the store. Run by
//! `cargo bench -p control --bench store`; prints milliseconds.

use control::config::Wanted;
use control::store::Store;
use std::fmt::Write;
use std::time::Instant;

const TUNNELS: usize = 1_000;

/// A thousand tunnels, each with a bridge, and so many static entries over all of them.
fn text(entries: usize) -> String {
    let mut text =
        String::from("[[port]]\nname = 'up'\ndevice = 'd'\naddresses = ['10.0.0.1/8']\n");
    for i in 0..TUNNELS {
        let (high, low) = (i / 250, 1 + i % 250);
        let _ = write!(
            text,
            "[[bridge]]\nname = 'br{i}'\n[[tunnel]]\nname = 'vx{i}'\nbridge = 'br{i}'\nvni = {i}\n\
             local = '10.0.0.1'\nremotes = ['10.1.{high}.{low}', '10.2.{high}.{low}']\n"
        );
    }
    for i in 0..entries {
        let (bridge, [_, b, c, d]) = (i % TUNNELS, (i as u32).to_be_bytes());
        let (high, low) = (bridge / 250, 1 + bridge % 250);
        let _ = write!(
            text,
            "[[fdb]]\nbridge = 'br{bridge}'\nmac = '02:00:00:{b:02x}:{c:02x}:{d:02x}'\n\
             tunnel = 'vx{bridge}'\nremote = '10.1.{high}.{low}'\n"
        );
    }
    format!("switch = {{ fdb_entries = 1048576 }}\n{text}")
}

/// Time that this thread had a CPU for, where the system says it: the machine may be busy.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = stat.split(' ').next().and_then(|first| first.parse().ok());
    nanoseconds.map_or(0.0, |n: f64| n / 1e6)
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let (start, busy) = (Instant::now(), cpu());
    let result = work();
    let (busy, all) = (cpu() - busy, start.elapsed().as_secs_f64() * 1e3);
    println!("{all:9.2} ms, {busy:9.2} of CPU  {what}");
    result
}

fn texts() -> Result<Wanted, Box<dyn std::error::Error>> {
    let mut last = Wanted::default();
    for entries in [25_000, 50_000, 100_000, 200_000] {
        let wanted = Wanted::parse(&text(entries), "bench")?;
        let text = timed(&format!("export of {entries} entries"), || wanted.to_toml());
        let what = format!("parse of {entries} entries, {} KiB", text.len() / 1024);
        let read = timed(&what, || Wanted::parse(&text, "bench"))?;
        assert!(read == wanted, "what is written is read as the same");
        if entries == 100_000 {
            last = wanted;
        }
    }
    Ok(last)
}

fn store(wanted: &Wanted) -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir_in(".")?;
    let path = folder.path().join("store");
    let mut store = timed("a new store", || Store::open(&path))?;
    let (entries, nothing) = (wanted.fdb.len(), Wanted::default());
    let what = format!("commit of {entries} entries and {TUNNELS} tunnels");
    timed(&what, || store.commit(&nothing, wanted))?;
    let mut now = wanted.clone();
    for _ in 0..3 {
        let mut next = now.clone();
        let gone = next.fdb.swap_remove(entries / 2);
        timed("commit that removes one entry and moves one", || {
            store.commit(&now, &next)
        })?;
        let mut more = next.clone();
        more.fdb.push(gone);
        timed("commit of one more entry", || store.commit(&next, &more))?;
        now = more;
    }
    let mut other = now.clone();
    if let Some(tunnel) = other.tunnels.first_mut() {
        tunnel.learning = false;
    }
    timed("commit of one tunnel's setting", || {
        store.commit(&now, &other)
    })?;
    timed("what was before", || store.previous())?;
    drop(store);
    println!(
        "{:9} KiB in the file",
        std::fs::metadata(&path)?.len() / 1024
    );
    let saved = timed("open and load", || Store::open(&path)?.load())?;
    assert!(
        saved.is_some_and(|saved| saved.wanted == other),
        "what was committed is loaded"
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    store(&texts()?)
}
