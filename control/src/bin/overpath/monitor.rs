//! `overpath monitor`: what happens, a line for each event.

use crate::table::{maybe, word};
use control::api::client::{Client, ClientError};
use control::api::messages::{
    ConfigEvent, Event, EventKind, EventKinds, NeighbourEvent, NeighbourHappened, PortEvent,
    PortHappened, StationEvent, StationHappened, StationPlace, TunnelEvent, TunnelHappened, What,
};
use std::io::{self, BufRead, ErrorKind, Write};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

/// What is listened to.
#[derive(Debug, clap::Args)]
pub(crate) struct MonitorWords {
    /// What events are about: port, fdb, neigh, config, tunnel; all, if nothing is said
    #[arg(value_parser = kinds)]
    kinds: Vec<EventKinds>,
    /// Say when each happened
    #[arg(short, long)]
    timestamp: bool,
}

fn kinds(word: &str) -> Result<EventKinds, String> {
    let mut known = EventKind::ALL.into_iter();
    match known.find(|kind| kind.name() == word) {
        Some(kind) => Ok([kind].into_iter().collect()),
        None if word == "all" => Ok(EventKinds::all()),
        None => Err("say port, fdb, neigh, config, tunnel or all".to_owned()),
    }
}

impl MonitorWords {
    /// All kinds, if none are said.
    pub(crate) fn kinds(&self) -> EventKinds {
        let said = self.kinds.iter().copied();
        said.reduce(EventKinds::union)
            .unwrap_or_else(EventKinds::all)
    }
}

/// Prints events until the daemon is gone or nobody reads any more.
///
/// # Errors
/// What went wrong, for a human.
pub(crate) fn run(socket: &Path, words: &MonitorWords, json: bool) -> Result<(), String> {
    let events = Client::connect(socket).and_then(|client| client.events(words.kinds()));
    let (_, events) = events.map_err(|error| crate::complaint(&error, socket))?;
    let mut out = io::stdout().lock();
    for line in events.into_lines().lines() {
        let line = line.map_err(|error| ClientError::from(error).to_string())?;
        let text = if json {
            line + "\n"
        } else {
            let read = serde_json::from_str(&line);
            let event = read.map_err(|error| ClientError::from(error).to_string())?;
            text(&event, words.timestamp)
        };
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(format!("cannot write the answer: {error}")),
        }
    }
    Err("the daemon went away".to_owned())
}

fn text(event: &Event, timestamp: bool) -> String {
    let said = match &event.what {
        What::Port(port) => port_text(port),
        What::Fdb(station) => station_text(station),
        What::Neigh(neighbour) => neighbour_text(neighbour),
        What::Config(change) => config_text(change),
        What::Tunnel(tunnel) => tunnel_text(tunnel),
        What::Missed(count) => format!("missed {count}"),
    };
    if timestamp {
        let time = UNIX_EPOCH.checked_add(Duration::from_millis(event.time));
        let time = humantime::format_rfc3339_millis(time.unwrap_or(UNIX_EPOCH));
        format!("[{time}] {said}\n")
    } else {
        said + "\n"
    }
}

/// Words with one space between; what is not known is left out.
fn line(words: &[String]) -> String {
    let said: Vec<_> = words.iter().map(String::as_str).collect();
    let said = said.into_iter().filter(|word| !word.is_empty());
    said.collect::<Vec<_>>().join(" ")
}

fn because(reason: Option<&String>) -> String {
    reason
        .map(|reason| format!(": {reason}"))
        .unwrap_or_default()
}

fn port_text(event: &PortEvent) -> String {
    let what = match event.event {
        PortHappened::Started => "started",
        PortHappened::Failed => "failed",
        PortHappened::LinkUp => "link up",
        PortHappened::LinkDown => "link down",
        PortHappened::Closed => "closed",
    };
    format!(
        "port {} {what}{}",
        event.port,
        because(event.reason.as_ref())
    )
}

fn station_text(event: &StationEvent) -> String {
    let what = match event.event {
        StationHappened::Learned => "learned",
        StationHappened::Moved => "moved",
        StationHappened::Aged => "aged",
        StationHappened::Flushed => "flushed",
    };
    let from = event.from.as_ref();
    line(&[
        word("fdb", what),
        event.mac.to_string(),
        word("bridge", &event.bridge),
        place(&event.at),
        from.map(|from| word("from", place(from)))
            .unwrap_or_default(),
    ])
}

fn place(at: &StationPlace) -> String {
    line(&[
        maybe("port", at.port.as_ref()),
        maybe("tunnel", at.tunnel.as_ref()),
        maybe("dst", at.remote),
    ])
}

fn neighbour_text(event: &NeighbourEvent) -> String {
    let what = match event.event {
        NeighbourHappened::Resolved => "resolved",
        NeighbourHappened::Changed => "changed",
        NeighbourHappened::Failed => "failed",
    };
    let neighbour = &event.neighbour;
    line(&[
        word("neigh", what),
        neighbour.address.to_string(),
        word("port", &neighbour.port),
        maybe("vlan", neighbour.vlan),
        maybe("lladdr", neighbour.mac),
    ])
}

fn config_text(event: &ConfigEvent) -> String {
    let steps = event.steps.iter().map(|step| format!("\n    {step}"));
    let more = match event.more {
        0 => String::new(),
        more => format!("\n    and {more} more steps"),
    };
    format!(
        "config revision {}{}{more}",
        event.revision,
        steps.collect::<String>()
    )
}

fn tunnel_text(event: &TunnelEvent) -> String {
    let what = match event.event {
        TunnelHappened::Up => "up",
        TunnelHappened::Down => "down",
    };
    format!(
        "tunnel {} {what}{}",
        event.tunnel,
        because(event.reason.as_ref())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str) -> String {
        text(&serde_json::from_str(json).unwrap(), false)
    }

    #[test]
    fn one_line_for_each_event() {
        for (json, line) in [
            (
                r#"{"time":0,"port":{"port":"lan","event":"link_down","reason":null}}"#,
                "port lan link down",
            ),
            (
                r#"{"time":0,"port":{"port":"lan","event":"failed","reason":"gone"}}"#,
                "port lan failed: gone",
            ),
            (
                r#"{"time":0,"fdb":{"event":"moved","bridge":"br10","mac":"02:00:00:00:00:01",
                    "port":null,"tunnel":"vx10","remote":"192.0.2.1",
                    "from":{"port":"lan","tunnel":null,"remote":null}}}"#,
                "fdb moved 02:00:00:00:00:01 bridge br10 tunnel vx10 dst 192.0.2.1 from port lan",
            ),
            (
                r#"{"time":0,"neigh":{"event":"resolved","port":"up","vlan":20,
                    "address":"192.0.2.1","mac":"02:00:00:00:01:01","state":"reachable"}}"#,
                "neigh resolved 192.0.2.1 port up vlan 20 lladdr 02:00:00:00:01:01",
            ),
            (
                r#"{"time":0,"config":{"revision":7,"steps":["route del default"]}}"#,
                "config revision 7\n    route del default",
            ),
            (
                r#"{"time":0,"config":{"revision":7,"steps":["route del default"],"more":2}}"#,
                "config revision 7\n    route del default\n    and 2 more steps",
            ),
            (
                r#"{"time":0,"tunnel":{"tunnel":"vx10","event":"up","reason":null}}"#,
                "tunnel vx10 up",
            ),
            (r#"{"time":0,"missed":3}"#, "missed 3"),
        ] {
            assert_eq!(shown(json), format!("{line}\n"));
        }
    }

    #[test]
    fn a_time_stands_before_it_if_that_is_wanted() {
        let event = Event {
            time: 1_700_000_000_123,
            what: What::Missed(1),
        };
        assert_eq!(text(&event, true), "[2023-11-14T22:13:20.123Z] missed 1\n");
    }

    #[test]
    fn kinds_are_joined() {
        let words = |kinds| MonitorWords {
            kinds,
            timestamp: false,
        };
        assert_eq!(words(Vec::new()).kinds(), EventKinds::all());
        let two = vec![kinds("port").unwrap(), kinds("fdb").unwrap()];
        let said: Vec<_> = words(two).kinds().iter().map(EventKind::name).collect();
        assert_eq!(said, ["port", "fdb"]);
        assert_eq!(kinds("all"), Ok(EventKinds::all()));
        assert!(kinds("link").is_err());
    }
}
