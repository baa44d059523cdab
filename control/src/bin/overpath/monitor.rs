//! `overpath monitor`: what happens, a line for each event.

use crate::failure::Failure;
use crate::print;
use crate::table::{Cell, Hue, line, maybe, plain, word};
use crate::words::pick;
use control::api::client::{Client, ClientError};
use control::api::messages::{
    ConfigEvent, Event, EventKind, EventKinds, NeighbourEvent, NeighbourHappened, OffloadEvent,
    PortEvent, PortHappened, StationEvent, StationHappened, StationPlace, TunnelEvent,
    TunnelHappened, What,
};
use std::io::BufRead;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

/// What is listened to.
#[derive(Debug, clap::Args)]
pub(crate) struct MonitorWords {
    /// What events are about: port, fdb, neigh, config, tunnel, offload; all, if
    /// nothing is said
    #[arg(value_parser = kinds)]
    kinds: Vec<EventKinds>,
    /// Say when each happened
    #[arg(short, long)]
    timestamp: bool,
}

fn kinds(word: &str) -> Result<EventKinds, String> {
    let known = EventKind::ALL.into_iter();
    let known = known.map(|kind| (kind.name(), [kind].into_iter().collect()));
    let known = known.chain([("all", EventKinds::all())]);
    let names: Vec<_> = known.clone().map(|(name, _)| name).collect();
    pick(word, known).map_err(|wrong| wrong.tell(word, &names))
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
pub(crate) fn run(socket: &Path, words: &MonitorWords, json: bool) -> Result<(), Failure> {
    let events = Client::connect(socket).and_then(|client| client.events(words.kinds()));
    let complain = |error: &ClientError| Failure::of_call(error, socket);
    let (_, events) = events.map_err(|error| complain(&error))?;
    for line in events.into_lines().lines() {
        let line = line.map_err(|error| complain(&error.into()))?;
        let text = if json {
            line + "\n"
        } else {
            let read = serde_json::from_str(&line);
            let event = read.map_err(|error| complain(&ClientError::Answer(error)))?;
            text(&event, words.timestamp)
        };
        if print(&text)?.is_break() {
            return Ok(());
        }
    }
    Err(Failure::gone())
}

fn text(event: &Event, timestamp: bool) -> String {
    let said = match &event.what {
        What::Port(port) => port_text(port),
        What::Fdb(station) => station_text(station),
        What::Neigh(neighbour) => neighbour_text(neighbour),
        What::Config(change) => config_text(change),
        What::Tunnel(tunnel) => tunnel_text(tunnel),
        What::Offload(offload) => offload_text(offload),
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

fn because(reason: Option<&String>) -> String {
    reason
        .map(|reason| format!(": {}", plain(reason)))
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
    let good = matches!(event.event, PortHappened::Started | PortHappened::LinkUp);
    line(&[
        word("port", &event.port).hued(Hue::Name),
        Cell::from(what).hued_if(event.event != PortHappened::Closed, Hue::of(good)),
    ]) + &because(event.reason.as_ref())
}

fn station_text(event: &StationEvent) -> String {
    let what = match event.event {
        StationHappened::Learned => "learned",
        StationHappened::Moved => "moved",
        StationHappened::Aged => "aged",
        StationHappened::Flushed => "flushed",
    };
    let mut cells = vec![
        word("fdb", what),
        Cell::from(event.mac.to_string()).hued(Hue::Mac),
        word("bridge", &event.bridge).hued(Hue::Name),
    ];
    cells.extend(place(&event.at));
    if let Some(from) = &event.from {
        cells.push("from".into());
        cells.extend(place(from));
    }
    line(&cells)
}

fn place(at: &StationPlace) -> [Cell; 3] {
    [
        maybe("port", at.port.as_ref()).hued(Hue::Name),
        maybe("tunnel", at.tunnel.as_ref()).hued(Hue::Name),
        maybe("dst", at.remote).hued(Hue::Address),
    ]
}

fn neighbour_text(event: &NeighbourEvent) -> String {
    let what = match event.event {
        NeighbourHappened::Resolved => "resolved",
        NeighbourHappened::Changed => "changed",
        NeighbourHappened::Failed => "failed",
        NeighbourHappened::Forgotten => "forgotten",
    };
    let neighbour = &event.neighbour;
    line(&[
        word("neigh", what),
        Cell::from(neighbour.address.to_string()).hued(Hue::Address),
        word("port", &neighbour.port).hued(Hue::Name),
        maybe("vlan", neighbour.vlan),
        maybe("lladdr", neighbour.mac).hued(Hue::Mac),
    ])
}

fn config_text(event: &ConfigEvent) -> String {
    let steps = event
        .steps
        .iter()
        .map(|step| format!("\n    {}", plain(step)));
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
    line(&[
        word("tunnel", &event.tunnel).hued(Hue::Name),
        Cell::from(what).hued(Hue::of(event.event == TunnelHappened::Up)),
    ]) + &because(event.reason.as_ref())
}

fn offload_text(event: &OffloadEvent) -> String {
    if let Some(found) = &event.selftest {
        let frames = format!("{} of {} frames", found.heard, found.frames);
        return line(&[
            word("offload", &event.port).hued(Hue::Name),
            word("selftest", frames).hued(Hue::of(found.conclusive)),
            word("marks", &found.marks),
            word("checksums", &found.checksums),
        ]);
    }
    line(&[
        word("offload", &event.port).hued(Hue::Name),
        word("tier", event.tier).hued(Hue::of(event.tier >= event.before)),
        word("before", event.before),
    ]) + &because(event.reason.as_ref())
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
            (
                r#"{"time":0,"offload":{"port":"up","tier":"t2","before":"t0","reason":null}}"#,
                "offload up tier T2 before T0",
            ),
            (
                r#"{"time":0,"offload":{"port":"up","tier":"t1","before":"t2","reason":"it lied"}}"#,
                "offload up tier T1 before T2: it lied",
            ),
            (
                r#"{"time":0,"offload":{"port":"up","tier":"t0","before":"t0","reason":null,"selftest":{
                    "asked":true,"looped":true,"conclusive":true,"frames":9,"heard":8,
                    "marks":{"allowed":true,"reason":"they were right"},
                    "checksums":{"allowed":false,"reason":"one was wrong"},
                    "demoted":null,"distrusted":"one was wrong"}}}"#,
                "offload up selftest 8 of 9 frames marks on: they were right checksums off: one was wrong",
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
        assert_eq!(kinds("n"), kinds("neigh"));
        assert_eq!(kinds("o"), kinds("offload"));
        let told = kinds("link").unwrap_err();
        assert!(
            told.contains("allowed: port, fdb, neigh, config, tunnel, offload, all"),
            "{told}"
        );
    }
}
