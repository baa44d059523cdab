//! What would decide a simulated frame at the workers that poll its port, and what simulating took.

use super::page::Page;
use crate::cache::line;
use control::api::messages::{DecidedBy, Explanation, FrameCycles, Poller};

pub(super) fn told(page: &mut Page, life: &Explanation) {
    for poller in &life.pollers {
        let who = who(poller);
        let Some(decided) = &poller.decided else {
            page.line(0, format_args!("{who}: does not answer"));
            continue;
        };
        let what = what(poller, decided);
        page.line(
            0,
            format_args!("{who}: {what}, look-up {} cycles (cold)", poller.look_up),
        );
        if let Some(entry) = &poller.entry {
            page.line(3, line(entry));
        }
    }
    let Some(cycles) = life.cycles else {
        return page.line(0, "no cache is asked: it is dropped before");
    };
    if life.pollers.is_empty() {
        page.line(0, "no cache is asked: no worker polls the port");
    }
    let FrameCycles {
        decide,
        parse,
        resolve,
        act,
    } = cycles;
    page.line(
        0,
        format_args!(
            "cycles of this simulation, of one packet with cold caches: \
             decide {decide} (parse {parse}, resolve {resolve}), act {act}"
        ),
    );
}

fn who(poller: &Poller) -> String {
    let queues: Vec<_> = poller.queues.iter().map(u16::to_string).collect();
    let word = if queues.len() == 1 { "queue" } else { "queues" };
    format!("{word} {}, worker {}", queues.join(" "), poller.worker)
}

fn what(poller: &Poller, decided: &DecidedBy) -> String {
    match (decided.entry, &poller.entry) {
        (Some(number), None) => format!("hit, entry {number} is remembered, and gone"),
        (Some(number), _) if poller.remembered => format!("hit, entry {number} is remembered"),
        (Some(number), _) => format!("hit, entry {number}"),
        (None, Some(stale)) => format!("miss, entry {} is stale", stale.entry),
        (None, None) => "miss".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::life;
    use super::*;
    use control::api::messages::{CacheAction, CacheEntry, Verdict};

    fn entry(current: bool) -> CacheEntry {
        CacheEntry {
            entry: "1:17".parse().unwrap(),
            port: "lan".into(),
            fields: Vec::new(),
            packets: 7,
            current,
            actions: vec![CacheAction::Punt],
            vlan: None,
            tunnel: None,
            remote: None,
        }
    }

    fn poller(decides: bool, remembered: bool, entry: Option<CacheEntry>) -> Poller {
        Poller {
            worker: 1,
            queues: vec![0],
            decided: Some(DecidedBy {
                resolved: !decides,
                entry: decides.then(|| "1:17".parse().unwrap()),
            }),
            remembered,
            entry,
            look_up: 90,
        }
    }

    fn shown(pollers: Vec<Poller>, cycles: Option<FrameCycles>) -> String {
        let mut page = Page::default();
        let life = Explanation {
            pollers,
            cycles,
            ..life(Vec::new(), Verdict::Consumed)
        };
        told(&mut page, &life);
        page.text()
    }

    const CYCLES: FrameCycles = FrameCycles {
        decide: 5,
        parse: 2,
        resolve: 3,
        act: 4,
    };
    const TOOK: &str = "cycles of this simulation, of one packet with cold caches: \
                        decide 5 (parse 2, resolve 3), act 4\n";

    #[test]
    fn each_worker_has_a_line_with_its_entry_below() {
        let many = Poller {
            queues: vec![1, 3],
            ..poller(false, false, None)
        };
        let pollers = vec![
            poller(true, false, Some(entry(true))),
            poller(true, true, Some(entry(true))),
            poller(true, true, None),
            poller(false, false, Some(entry(false))),
            many,
            Poller {
                decided: None,
                ..poller(false, false, None)
            },
        ];
        let expected = "\
queue 0, worker 1: hit, entry 1:17, look-up 90 cycles (cold)
   1:17 port(lan), packets:7, current, actions:punt
queue 0, worker 1: hit, entry 1:17 is remembered, look-up 90 cycles (cold)
   1:17 port(lan), packets:7, current, actions:punt
queue 0, worker 1: hit, entry 1:17 is remembered, and gone, look-up 90 cycles (cold)
queue 0, worker 1: miss, entry 1:17 is stale, look-up 90 cycles (cold)
   1:17 port(lan), packets:7, stale, actions:punt
queues 1 3, worker 1: miss, look-up 90 cycles (cold)
queue 0, worker 1: does not answer
";
        let told = shown(pollers, Some(CYCLES));
        assert_eq!(told, expected.to_owned() + TOOK);
    }

    #[test]
    fn that_nobody_was_asked_is_told_with_the_reason() {
        let nobody = "no cache is asked: no worker polls the port\n";
        assert_eq!(shown(Vec::new(), Some(CYCLES)), nobody.to_owned() + TOOK);
        let before = "no cache is asked: it is dropped before\n";
        assert_eq!(shown(Vec::new(), None), before);
    }
}
