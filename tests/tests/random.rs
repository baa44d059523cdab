//! Random commands against a plain model, and a kill at a random moment of the last of them: what is
//! there afterwards is what was acknowledged, or that and the command that was on its way.

use overpath_tests::Result;
use overpath_tests::daemon::{Daemon, Setup};
use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use std::time::Duration;

const PORTS: &str = "[[port]]\nname = \"a\"\ndevice = \"net_null0,no-rx=1\"\n\
                     [[port]]\nname = \"b\"\ndevice = \"net_null1,no-rx=1\"\n";
const KILLS: u32 = 25;
const COMMANDS: u32 = 6;

/// Numbers that look random (xorshift, of Marsaglia): a failure can be had again by its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Bridges by name: how long stations live, and the ports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Model(BTreeMap<String, (u64, Vec<String>)>);

/// A command, and what is there after it; `None` if it has to be refused.
fn command(random: &mut Random, model: &Model) -> (String, Option<Model>) {
    let bridge = format!("br{}", random.below(5));
    let port = ["a", "b"][random.below(2) as usize].to_owned();
    let ageing = 1 + random.below(900);
    let mut next = model.clone();
    let known = next.0.contains_key(&bridge);
    let leave = |next: &mut Model| {
        for (_, ports) in next.0.values_mut() {
            ports.retain(|known| *known != port);
        }
    };
    match random.below(5) {
        0 => {
            next.0.insert(bridge.clone(), (ageing, Vec::new()));
            (
                format!("bridge add {bridge} ageing {ageing}"),
                (!known).then_some(next),
            )
        }
        1 => {
            if let Some((old, _)) = next.0.get_mut(&bridge) {
                *old = ageing;
            }
            (
                format!("bridge set {bridge} ageing {ageing}"),
                known.then_some(next),
            )
        }
        2 => {
            next.0.remove(&bridge);
            (format!("bridge del {bridge}"), known.then_some(next))
        }
        3 => {
            leave(&mut next);
            if let Some((_, ports)) = next.0.get_mut(&bridge) {
                ports.push(port.clone());
            }
            (
                format!("port set {port} bridge {bridge}"),
                known.then_some(next),
            )
        }
        _ => {
            leave(&mut next);
            (format!("port set {port} nobridge"), Some(next))
        }
    }
}

/// What the daemon says that it wants.
fn exported(daemon: &Daemon) -> Result<Model> {
    let text = daemon.client(&["config", "export"])?;
    let mut model = Model::default();
    for table in text
        .split("[[")
        .filter(|table| table.starts_with("bridge]]"))
    {
        let value = |key: &str| {
            let line = table
                .lines()
                .find(|line| line.starts_with(&format!("{key} = ")));
            line.map(|line| line[key.len() + 3..].to_owned())
        };
        let name = value("name").ok_or("a bridge without a name")?;
        let ports = value("ports").unwrap_or_default();
        let ports = ports.split('"').skip(1).step_by(2).map(str::to_owned);
        let ageing = value("ageing").map_or(Ok(300), |ageing| ageing.parse())?;
        let name = name.trim_matches('"').to_owned();
        model.0.insert(name, (ageing, ports.collect()));
    }
    Ok(model)
}

/// Some commands, each answered as the model says.
fn some(daemon: &Daemon, random: &mut Random, model: &mut Model) -> Result {
    for _ in 0..random.below(COMMANDS.into()) {
        let (line, next) = command(random, model);
        let words: Vec<_> = line.split(' ').collect();
        match (daemon.client(&words), next) {
            (Ok(_), Some(next)) => *model = next,
            (Err(_), None) => {}
            (said, next) => return Err(format!("{line}: {said:?}, expected {next:?}").into()),
        }
    }
    Ok(())
}

/// One more command, and a kill while it is under way. Returns whether it was answered, and what is
/// there if it was made.
fn kill_in_the_midst(daemon: &Daemon, random: &mut Random, model: &Model) -> Result<(bool, Model)> {
    let (line, next) = command(random, model);
    let words: Vec<_> = line.split(' ').collect();
    let pause = Duration::from_micros(random.below(12_000));
    let answered = thread::scope(|scope| {
        let client = scope.spawn(|| daemon.client(&words).is_ok());
        thread::sleep(pause);
        let killed = daemon.signal("KILL").map_err(|error| error.to_string());
        let answered = client.join().map_err(|_| "the client panicked".to_owned());
        killed.and(answered)
    })?;
    Ok((answered, next.unwrap_or_else(|| model.clone())))
}

fn start(store: &Path) -> Result<Daemon> {
    Setup::new(PORTS).store(store).start()
}

#[test]
fn what_is_there_after_a_kill_is_what_was_acknowledged() -> Result {
    let dir = tempfile::tempdir()?;
    let store = dir.path().join("store");
    let seed = u64::from(std::process::id()) << 20 | 0x9e37;
    let mut random = Random(seed);
    let mut model = Model::default();
    let mut cut_off = 0;
    for kill in 0..KILLS {
        let daemon = start(&store)?;
        some(&daemon, &mut random, &mut model)?;
        assert_eq!(exported(&daemon)?, model, "seed {seed}, before kill {kill}");
        let (answered, after) = kill_in_the_midst(&daemon, &mut random, &model)?;
        daemon.wait_end()?;
        let daemon = start(&store)?;
        let there = exported(&daemon)?;
        let whole = there == after || (!answered && there == model);
        assert!(
            whole,
            "seed {seed}, kill {kill}: {there:?} is neither {model:?} nor {after:?}"
        );
        cut_off += u32::from(!answered);
        model = there;
        daemon.stop()?.check()?;
    }
    assert!(
        cut_off > 0,
        "no command was cut off: the kills came too late"
    );
    Ok(())
}
