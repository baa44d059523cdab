//! DPDK's log arrives in tracing.

use crate::rig::on_eal;
use fastpath::dpdk::Port;
use std::fmt::Debug;
use std::sync::Mutex;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Level, log type and text of each line with the target `dpdk`.
static LINES: Mutex<Vec<(Level, String, String)>> = Mutex::new(Vec::new());

struct Capture;

#[derive(Default)]
struct Line {
    logtype: String,
    text: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "logtype" => self.logtype = format!("{value:?}"),
            "message" => self.text = format!("{value:?}"),
            _ => (),
        }
    }
}

impl Subscriber for Capture {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "dpdk"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        LINES
            .lock()
            .unwrap()
            .push((*event.metadata().level(), line.logtype, line.text));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Before the EAL starts.
pub(crate) fn capture() {
    tracing::subscriber::set_global_default(Capture).unwrap();
}

#[test]
fn lines_arrive_whole_with_level_and_type() {
    on_eal(|eal| assert!(Port::open(eal, "net_unknown0").is_err()));
    let lines = LINES.lock().unwrap();
    assert!(
        lines.iter().any(|(level, logtype, text)| {
            *level == Level::INFO && logtype == "lib.eal" && text.starts_with("EAL: Detected CPU")
        }),
        "no line of the start in {lines:#?}"
    );
    assert!(
        lines
            .iter()
            .any(|(level, _, text)| { *level == Level::ERROR && text.contains("net_unknown0") }),
        "no line of the failure in {lines:#?}"
    );
    assert!(
        lines
            .iter()
            .all(|(_, _, text)| !text.contains('\n') && !text.is_empty())
    );
}
