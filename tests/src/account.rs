//! Reading the account: every packet that came in, or was made, went somewhere that has a name.

use crate::Result;
use serde_json::Value;
use std::collections::BTreeMap;

/// The sums over the whole switch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Packets taken from ports.
    pub received: u64,
    /// Packets the switch made itself: ARP, ICMP.
    pub originated: u64,
    /// Further copies made by flooding.
    pub copied: u64,
    /// Packets that ports accepted.
    pub sent: u64,
    /// Packets dropped, each by a named reason.
    pub dropped: u64,
    /// Packets that were for the switch itself.
    pub consumed: u64,
    /// Packets that still wait for something, such as a next hop.
    pub held: u64,
}

const NAMES: [&str; 7] = [
    "received",
    "originated",
    "copied",
    "sent",
    "dropped",
    "consumed",
    "held",
];

impl Account {
    /// From the answer to `stats.show`.
    ///
    /// # Errors
    /// If one of the sums is not there.
    pub fn from_stats(stats: &Value) -> Result<Self> {
        Self::from_sums(|name| stats["account"][name].as_u64())
            .map_err(|name| format!("no account.{name} in {stats}").into())
    }

    /// From the text that the daemon prints when it stops: the first number after each name.
    ///
    /// # Errors
    /// If one of the sums is not there.
    pub fn from_text(text: &str) -> Result<Self> {
        let words: Vec<&str> = text
            .split(|c: char| c.is_whitespace() || ":=,".contains(c))
            .filter(|word| !word.is_empty())
            .collect();
        Self::from_sums(|name| {
            let at = words
                .windows(2)
                .find(|pair| pair[0] == name && pair[1].parse::<u64>().is_ok());
            at.and_then(|pair| pair[1].parse().ok())
        })
        .map_err(|name| format!("no sum {name:?} in the account:\n{text}").into())
    }

    fn from_sums(read: impl Fn(&str) -> Option<u64>) -> std::result::Result<Self, &'static str> {
        let mut sums = [0; NAMES.len()];
        for (sum, name) in sums.iter_mut().zip(NAMES) {
            *sum = read(name).ok_or(name)?;
        }
        let [received, originated, copied, sent, dropped, consumed, held] = sums;
        Ok(Self {
            received,
            originated,
            copied,
            sent,
            dropped,
            consumed,
            held,
        })
    }

    /// That what came is what went: at a stop, with nothing held.
    ///
    /// # Errors
    /// If the two sides differ, or packets are still held.
    pub fn closed(&self) -> Result {
        let came = self.received + self.originated + self.copied;
        let went = self.sent + self.dropped + self.consumed + self.held;
        if came != went {
            return Err(
                format!("the account does not close: {came} in, {went} out: {self:?}").into(),
            );
        }
        if self.held != 0 {
            return Err(format!("{} packets are still held: {self:?}", self.held).into());
        }
        Ok(())
    }
}

/// That each port's own sums agree, in an answer to `stats.show` taken while nothing moves: what a
/// port received is the sum of the verdicts, what was queued for it was sent or dropped there.
///
/// # Errors
/// Which port's do not.
pub fn ports_closed(stats: &Value) -> Result {
    let ports = stats["ports"]
        .as_array()
        .ok_or_else(|| format!("no ports in {stats}"))?;
    for port in ports {
        let count = |name: &str| {
            port[name]
                .as_u64()
                .ok_or_else(|| format!("no {name} in {port}"))
        };
        let verdicts =
            count("forwarded")? + count("dropped")? + count("consumed")? + count("waited")?;
        let gone = count("sent")? + count("tx_dropped")?;
        if (verdicts, gone) != (count("received")?, count("enqueued")?) {
            return Err(format!("the sums of a port differ: {port}").into());
        }
    }
    Ok(())
}

/// A counter of a port, in an answer to `stats.show`.
///
/// # Errors
/// If there is no such port or counter.
pub fn of_port(stats: &Value, port: &str, counter: &str) -> Result<u64> {
    let ports = stats["ports"].as_array().ok_or("no ports")?;
    let port = ports.iter().find(|entry| entry["port"] == port);
    let count = port.and_then(|port| port[counter].as_u64());
    count.ok_or_else(|| format!("no {counter} of a port: {stats}").into())
}

/// The drop counters in an answer to `stats.show`, by name.
///
/// # Errors
/// If there are none, or one is no number.
pub fn drops(stats: &Value) -> Result<BTreeMap<String, u64>> {
    let drops = stats["drops"]
        .as_object()
        .ok_or_else(|| format!("no drops in {stats}"))?;
    drops
        .iter()
        .map(|(name, n)| {
            let n = n
                .as_u64()
                .ok_or_else(|| format!("drops.{name} is no count: {n}"))?;
            Ok((name.clone(), n))
        })
        .collect()
}

/// Which drop counters moved between two answers to `stats.show`, and by how much. A test compares
/// the whole of it, so that a counter that nobody expected to move is found too.
///
/// # Errors
/// As [`drops`]; or if a counter ran backwards.
pub fn counters_moved(before: &Value, after: &Value) -> Result<BTreeMap<String, u64>> {
    let before = drops(before)?;
    let mut moved = BTreeMap::new();
    for (name, now) in drops(after)? {
        let then = before.get(&name).copied().unwrap_or(0);
        let by = now
            .checked_sub(then)
            .ok_or_else(|| format!("{name} went from {then} to {now}"))?;
        if by != 0 {
            moved.insert(name, by);
        }
    }
    Ok(moved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn stats(sent: u64, held: u64) -> Value {
        json!({"account": {"received": 10, "originated": 2, "copied": 1, "sent": sent,
            "dropped": 3, "consumed": 1, "held": held}})
    }

    #[test]
    fn an_account_closes_only_if_both_sides_agree_and_nothing_is_held() {
        assert!(Account::from_stats(&stats(9, 0)).unwrap().closed().is_ok());
        assert!(Account::from_stats(&stats(8, 0)).unwrap().closed().is_err());
        assert!(Account::from_stats(&stats(8, 1)).unwrap().closed().is_err());
        assert!(Account::from_stats(&json!({})).is_err());
    }

    #[test]
    fn an_account_is_read_from_text_in_any_layout() {
        let text = "account:\n received 10  originated: 2 copied=1\nsent 9, dropped 3\n\
                    consumed 1\nheld 0\n";
        let account = Account::from_text(text).unwrap();
        assert_eq!(account, Account::from_stats(&stats(9, 0)).unwrap());
        assert!(Account::from_text("received 10").is_err());
    }

    #[test]
    fn a_port_whose_sums_differ_is_found() {
        let stats = |received: u64, sent: u64| {
            json!({"ports": [{"port": "a", "received": received, "forwarded": 1, "dropped": 2,
                "consumed": 1, "waited": 2, "enqueued": 7, "sent": sent, "tx_dropped": 2}]})
        };
        assert!(ports_closed(&stats(6, 5)).is_ok());
        assert!(ports_closed(&stats(5, 5)).is_err());
        assert!(ports_closed(&stats(6, 6)).is_err());
    }

    #[test]
    fn counters_that_moved_are_named_and_others_are_not() {
        let before = json!({"drops": {"a": 1, "b": 2}});
        let after = json!({"drops": {"a": 1, "b": 5, "c": 1}});
        let moved = counters_moved(&before, &after).unwrap();
        assert_eq!(moved, BTreeMap::from([("b".into(), 3), ("c".into(), 1)]));
        assert!(counters_moved(&after, &before).is_err());
    }
}
