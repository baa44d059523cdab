//! `overpath explain`: the life of a frame, from top to bottom.

pub(crate) mod behind;
pub(crate) mod next;
mod page;
mod pollers;
mod words;

pub(crate) use words::ExplainWords;

use crate::table::{Cell, line, maybe, word};
use control::api::messages::{
    Action, Bridging, End, Explanation, Fate, FdbEntry, FdbKind, Field, Reason, Road, Step,
    Stripped, Target, Told, Verdict,
};
use page::Page;

/// Bytes shown of a frame that leaves as it is.
const SHOWN: usize = 32;
/// Changed bytes shown.
const CHANGES: usize = 8;

pub(crate) fn text(life: &Explanation) -> String {
    let mut page = Page::default();
    page.line(
        0,
        format_args!("frame of {} bytes into port {}", life.len, life.port),
    );
    page.line(
        0,
        "simulated: nothing is sent, learned, counted or asked for",
    );
    page.line(0, "");
    found(&mut page, life);
    pollers::told(&mut page, life);
    steps(&mut page, life);
    page.text()
}

/// What was found in it.
fn found(page: &mut Page, life: &Explanation) {
    fields(page, &life.fields);
    if let Some(fault) = &life.fault {
        page.line(2, format_args!("fault {}: {}", fault.reason, fault.meaning));
    }
    if let Some(tunnel) = &life.tunnel {
        let remote = life.remote.map_or_else(
            || "from no remote of it that is known".to_owned(),
            |remote| word("remote", remote).to_string(),
        );
        page.line(2, format_args!("tunnel {tunnel} {remote}"));
    }
    page.line(0, "");
}

/// What is done with it, and what comes of that.
fn steps(page: &mut Page, life: &Explanation) {
    for (number, step) in life.steps.iter().enumerate() {
        step_text(page, number + 1, step);
    }
    page.line(0, "");
    verdict(page, life);
    for told in &life.told {
        page.line(0, format_args!("control is told: {}", told_text(told)));
    }
}

/// Those that decided are marked.
fn fields(page: &mut Page, fields: &[Field]) {
    let width = fields.iter().map(|field| field.name.len()).max();
    let width = width.unwrap_or_default();
    for field in fields {
        let mark = if field.decided { '*' } else { ' ' };
        page.line(
            0,
            format_args!("{mark} {:width$} {}", field.name, field.value),
        );
    }
    page.line(0, "(*: decided what is done)");
}

fn step_text(page: &mut Page, number: usize, step: &Step) {
    let what = match &step.action {
        Action::Recompute => "recompute: its checksums are made right".to_owned(),
        Action::Decap(Stripped { front, .. }) if step.after.is_some() => {
            format!("decap: {front} bytes of outer headers are stripped")
        }
        Action::Decap(_) => "decap: the outer headers are checked".to_owned(),
        Action::Bridge(bridging) => word("bridge", &bridging.bridge).to_string(),
        Action::Output => "output".to_owned(),
        Action::Punt => "punt: it is handed to control".to_owned(),
        Action::Drop => "drop".to_owned(),
    };
    page.line(0, format_args!("{number}. {what}"));
    match &step.action {
        Action::Decap(stripped) => {
            page.dump(3, step.before.0.get(..stripped.front).unwrap_or_default());
            if stripped.back > 0 {
                page.line(
                    3,
                    format_args!("{} bytes of padding are cut", stripped.back),
                );
            }
            changes(page, step, stripped.front);
        }
        Action::Recompute => changes(page, step, 0),
        Action::Bridge(bridging) => bridging_text(page, bridging),
        Action::Output | Action::Punt | Action::Drop => {}
    }
    for end in &step.ends {
        end_text(page, end, step.before.0.len());
    }
    if step.more > 0 {
        page.line(3, format_args!("and to {} more", step.more));
    }
}

/// Bytes that are others afterwards, of the frame without its first `front` bytes.
fn changes(page: &mut Page, step: &Step, front: usize) {
    let before = step.before.0.get(front..).unwrap_or_default();
    let after = step.after.iter().flat_map(|after| &after.0);
    let pairs = before.iter().zip(after).enumerate();
    let mut changed = pairs.filter(|(_, (before, after))| before != after);
    for (at, (before, after)) in changed.by_ref().take(CHANGES) {
        page.line(
            3,
            format_args!("byte {at}: {before:02x} becomes {after:02x}"),
        );
    }
    match changed.count() {
        0 => {}
        more => page.line(3, format_args!("and {more} more")),
    }
}

fn bridging_text(page: &mut Page, bridging: &Bridging) {
    let place = |entry: &Option<FdbEntry>, unknown: &str| {
        entry
            .as_ref()
            .map_or_else(|| unknown.to_owned(), entry_text)
    };
    if let Some(mac) = bridging.source_mac {
        let place = place(&bridging.source, "not known");
        let learning = if bridging.learning {
            ""
        } else {
            ", and nothing is learned"
        };
        page.line(3, format_args!("source {mac}: {place}{learning}"));
    }
    if let Some(mac) = bridging.destination_mac {
        let place = place(
            &bridging.destination,
            "not known, for everybody else in the bridge",
        );
        page.line(3, format_args!("destination {mac}: {place}"));
    }
}

fn entry_text(entry: &FdbEntry) -> String {
    let kind = match entry.kind {
        FdbKind::Learned => "learned",
        FdbKind::Static => "static",
    };
    let [port, tunnel, remote] = place(entry);
    line(&[port, tunnel, remote, kind.into(), maybe("age", entry.age)])
}

fn place_text(entry: &FdbEntry) -> String {
    line(&place(entry))
}

fn place(entry: &FdbEntry) -> [Cell; 3] {
    [
        maybe("port", entry.port.as_ref()),
        maybe("tunnel", entry.tunnel.as_ref()),
        maybe("remote", entry.remote),
    ]
}

/// `len` is how long the frame was before.
fn end_text(page: &mut Page, end: &End, len: usize) {
    let to = match &end.to {
        None => String::new(),
        Some(Target::Port { port }) => format!("to port {port}: "),
        Some(Target::Remote(road)) => format!("to tunnel {} remote {}: ", road.tunnel, road.remote),
    };
    match &end.fate {
        Fate::Sent { port, frame } => {
            let frame = &frame.0;
            page.line(
                3,
                format_args!("{to}leaves by port {port}, {} bytes", frame.len()),
            );
            if let Some(Target::Remote(road)) = &end.to {
                road_text(page, road);
                let outer = frame.len().saturating_sub(len);
                page.line(6, format_args!("{outer} bytes are put before it"));
                page.dump(6, frame.get(..outer).unwrap_or_default());
            } else {
                page.dump(6, frame.get(..SHOWN).unwrap_or(frame));
            }
        }
        Fate::Waiting => {
            page.line(
                3,
                format_args!("{to}waits until a neighbour on the way is known"),
            );
            if let Some(Target::Remote(road)) = &end.to {
                road_text(page, road);
            }
        }
        Fate::Consumed => page.line(3, "goes to control: it is for the switch itself"),
        Fate::Dropped(why) => {
            page.line(3, format_args!("{to}dropped: {}", why.reason));
            reason(page, 6, why);
        }
    }
}

fn road_text(page: &mut Page, road: &Road) {
    let route = road.route.as_ref();
    let gateways = route.into_iter().flat_map(|route| &route.via);
    let gateways = gateways.filter_map(|via| via.gateway);
    let gateways: String = gateways.map(|gateway| format!(" via {gateway}")).collect();
    let to = route.map_or_else(|| "none".to_owned(), |route| route.to.to_string());
    page.line(6, format_args!("route {to}{gateways}"));
    if let Some(way) = &road.neighbour {
        let neighbour = line(&[
            word("neighbour port", &way.port),
            maybe("vlan", way.vlan),
            maybe("lladdr", way.mac),
        ]);
        page.line(6, neighbour);
    }
}

fn reason(page: &mut Page, indent: usize, why: &Reason) {
    page.line(indent, &why.meaning);
    page.line(indent, &why.advice);
}

fn verdict(page: &mut Page, life: &Explanation) {
    match &life.verdict {
        Verdict::Forwarded => page.line(0, "verdict forwarded"),
        Verdict::Consumed => page.line(0, "verdict consumed"),
        Verdict::Waiting => page.line(0, "verdict waiting"),
        Verdict::Dropped(why) => {
            page.line(0, format_args!("verdict dropped, reason {}", why.reason));
            if life.steps.is_empty() {
                reason(page, 3, why);
            }
        }
    }
}

fn told_text(told: &Told) -> String {
    let entry = |verb: &str, entry: &FdbEntry| {
        let (mac, bridge) = (entry.mac, &entry.bridge);
        format!("{verb} {mac} in bridge {bridge}: {}", place_text(entry))
    };
    match told {
        Told::Learn(seen) => entry("learn", seen),
        Told::Move(seen) => entry("move", seen),
        Told::Remote { tunnel, address } => {
            format!("{address} sends by tunnel {tunnel} and is no remote yet")
        }
        Told::Resolve { tunnel, remote } => {
            format!("find the way to tunnel {tunnel} remote {remote}")
        }
    }
}

#[cfg(test)]
mod tests;
