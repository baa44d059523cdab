//! How long a large configuration takes: as text, and in the store. Run by
//! `cargo bench -p control --bench store`; prints milliseconds.

use control::config::Wanted;
use std::fmt::Write;
use std::time::Instant;

const TUNNELS: usize = 1_000;

/// A thousand tunnels, each with a bridge, and so many static entries over all of them.
fn text(entries: usize) -> String {
    let mut text = String::from("[[port]]\nname = 'up'\ndevice = 'd'\naddresses = ['10.0.0.1/8']\n");
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

fn timed<T>(what: &str, mut work: impl FnMut() -> T) -> T {
    let start = Instant::now();
    let result = work();
    println!("{:9.2} ms  {what}", start.elapsed().as_secs_f64() * 1e3);
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

fn main() -> Result<(), Box<dyn std::error::Error>> {
    texts()?;
    Ok(())
}
