//! A large switch is there again soon after it was killed: 100,000 static entries and 1,000 tunnels.
//! The goal is 2 s from the start to forwarding; what it takes is printed.

use overpath_tests::Result;
use overpath_tests::daemon::{Daemon, Setup};
use std::fmt::Write as _;
use std::time::Instant;

const TUNNELS: u32 = 1_000;
const ENTRIES: u32 = 100_000;

fn config() -> Result<String> {
    let mut text = "fdb = [\n".to_owned();
    for number in 0..ENTRIES {
        let [a, b, c, d] = number.to_be_bytes();
        let (tunnel, remote) = (number % TUNNELS, 1 + number / TUNNELS % 8);
        writeln!(
            text,
            "{{ bridge = \"br{tunnel}\", mac = \"02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}\", \
             tunnel = \"vx{tunnel}\", remote = \"192.0.2.{remote}\" }},"
        )?;
    }
    text += "]\n[switch]\nfdb_entries = 262144\n[[port]]\nname = \"up\"\n\
             device = \"net_null0,no-rx=1\"\naddresses = [\"192.0.2.254/24\"]\n";
    for tunnel in 0..TUNNELS {
        writeln!(
            text,
            "[[bridge]]\nname = \"br{tunnel}\"\n[[tunnel]]\nname = \"vx{tunnel}\"\n\
             bridge = \"br{tunnel}\"\nvni = {tunnel}\nlocal = \"192.0.2.254\"\n\
             remotes = [\"192.0.2.1\"]"
        )?;
    }
    Ok(text)
}

fn assert_whole(daemon: &Daemon) -> Result {
    let stats = daemon.stats()?;
    let tunnels = stats["tunnels"].as_array().map_or(0, Vec::len);
    assert_eq!(stats["fdb"]["static_entries"], ENTRIES);
    assert_eq!(tunnels, TUNNELS as usize);
    Ok(())
}

#[test]
fn a_large_switch_is_back_soon_after_a_kill() -> Result {
    let dir = tempfile::tempdir()?;
    let setup = Setup::new(&config()?).store(&dir.path().join("store"));
    let daemon = setup.start()?;
    assert_whole(&daemon)?;
    daemon.signal("KILL")?;
    daemon.wait_end()?;
    let began = Instant::now();
    let daemon = setup.start()?;
    let took = began.elapsed();
    println!("forwarding again after {} ms", took.as_millis());
    assert_whole(&daemon)?;
    daemon.stop()?.check().map(drop)
}
