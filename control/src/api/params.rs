//! From the name of a method and its parameters to a [`Method`]: everything is checked here, once.

mod capture;
mod config;
mod kinds;

use super::messages::{
    CACHE_SHOW, CAPTURE_START, CONFIG_APPLY, CONFIG_CHECK, CONFIG_DIFF, DROPS_SHOW,
    EVENTS_SUBSCRIBE, EXPLAIN, EXPLAIN_DROP, EXPLAIN_ENTRY, EXPLAIN_FDB, EXPLAIN_NEXT, Entries,
    EntryNumber, FDB_FLUSH, FDB_LOAD, FDB_SHOW, Frame, Gateways, Learned, Method, Network,
    NewRoute, OFFLOAD_SELFTEST, OFFLOAD_SHOW, Question, ROUTE_ADD, ROUTE_DEL, ROUTE_REPLACE,
    Stations,
};
use super::rpc::RpcError;
use crate::config::{Command, Edit, Name, nearest};
use fastpath::drop::DropReason;
use fastpath::wire::Mac;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Most characters of a value or name that are repeated in a refusal.
const MAX_SHOWN: usize = 40;

/// The method of this name. `params` is what came with it.
pub(super) fn method(name: &str, params: Option<&RawValue>) -> Result<Method, RpcError> {
    if let Some(method) = Method::PLAIN.into_iter().find(|plain| plain.name() == name) {
        return match params {
            Some(params) if !is_empty(params.get()) => Err(none_taken(&method)),
            _ => Ok(method),
        };
    }
    match name {
        ROUTE_ADD => new_route(params).map(Method::RouteAdd),
        ROUTE_REPLACE => new_route(params).map(Method::RouteReplace),
        ROUTE_DEL => Members::read(params, &["to"])?.to().map(Method::RouteDel),
        FDB_SHOW => stations(params).map(Method::FdbShow),
        DROPS_SHOW => one_port(params).map(Method::DropsShow),
        OFFLOAD_SHOW => one_port(params).map(Method::OffloadShow),
        OFFLOAD_SELFTEST => Members::read(params, &["port"])?
            .port()
            .map(Method::OffloadSelftest),
        CACHE_SHOW => entries(params).map(Method::CacheShow),
        EXPLAIN => question(params).map(Method::Explain),
        EXPLAIN_ENTRY => Members::read(params, &["entry"])?
            .entry()
            .map(Method::ExplainEntry),
        EXPLAIN_DROP => Members::read(params, &["reason"])?
            .reason("reason", "the name of a reason for drops")
            .map(Method::ExplainDrop),
        EXPLAIN_FDB => Members::read(params, &["mac"])?
            .mac()
            .map(Method::ExplainFdb),
        CAPTURE_START => capture::capture(params).map(Method::CaptureStart),
        EXPLAIN_NEXT => capture::capture(params).map(Method::ExplainNext),
        EVENTS_SUBSCRIBE => kinds::kinds(params).map(Method::EventsSubscribe),
        FDB_FLUSH => learned(params).map(Method::FdbFlush),
        FDB_LOAD => config::load(params).map(Method::Edit),
        CONFIG_CHECK => config::text(params).map(Method::ConfigCheck),
        CONFIG_DIFF => config::text(params).map(Method::ConfigDiff),
        CONFIG_APPLY => config::apply(params),
        _ => {
            let mut commands = Command::ALL.into_iter();
            let command = commands.find(|command| command.name() == name);
            let command = command.ok_or_else(|| not_found(name))?;
            let words = config::words(params)?;
            Ok(Method::Edit(Edit::Do(command, words)))
        }
    }
}

/// `{}`, `[]` or `null`, with white space or without.
fn is_empty(params: &str) -> bool {
    // Of what may be long no more is looked at than tells.
    let letters = params.chars().filter(|c| !c.is_ascii_whitespace());
    let bare: String = letters.take("null".len() + 1).collect();
    matches!(bare.as_str(), "{}" | "[]" | "null")
}

fn none_taken(method: &Method) -> RpcError {
    let message = format!("{} takes no parameters", method.name());
    RpcError::new(RpcError::INVALID_PARAMS, message)
}

fn not_found(name: &str) -> RpcError {
    let shown = short(name);
    let message = match nearest(&shown, Method::names()) {
        Some(near) => format!("no method {shown:?}; did you mean {near}?"),
        None => {
            let names = Method::names().collect::<Vec<_>>().join(", ");
            format!("no method {shown:?}; there are {names}")
        }
    };
    RpcError::new(RpcError::METHOD_NOT_FOUND, message)
}

fn new_route(params: Option<&RawValue>) -> Result<NewRoute, RpcError> {
    let members = Members::read(params, &["to", "via"])?;
    let (to, via) = (members.to()?, members.via()?);
    Ok(NewRoute { to, via })
}

/// The port that is named, if one is.
fn one_port(params: Option<&RawValue>) -> Result<Option<Name>, RpcError> {
    match params.filter(|params| !is_empty(params.get())) {
        None => Ok(None),
        some => Members::read(some, &["port"])?.port().map(Some),
    }
}

/// Which learned stations are meant: all, if nothing is said.
fn learned(params: Option<&RawValue>) -> Result<Learned, RpcError> {
    let Some(params) = params.filter(|params| !is_empty(params.get())) else {
        return Ok(Learned::default());
    };
    let members = Members::read(Some(params), &["bridge", "port", "tunnel"])?;
    let name = |key| members.has(key).then(|| members.name(key)).transpose();
    Ok(Learned {
        bridge: name("bridge")?,
        port: name("port")?,
        tunnel: name("tunnel")?,
    })
}

/// Which forwarding entries are asked for: all, if nothing is said.
fn stations(params: Option<&RawValue>) -> Result<Stations, RpcError> {
    let Some(params) = params.filter(|params| !is_empty(params.get())) else {
        return Ok(Stations::default());
    };
    let members = Members::read(Some(params), &["bridge", "port", "tunnel", "mac"])?;
    let name = |key| members.has(key).then(|| members.name(key)).transpose();
    Ok(Stations {
        bridge: name("bridge")?,
        port: name("port")?,
        tunnel: name("tunnel")?,
        mac: members.has("mac").then(|| members.mac()).transpose()?,
        from: 0,
    })
}

/// The entries of the flow caches that are asked for: all, those of a port, or one.
fn entries(params: Option<&RawValue>) -> Result<Entries, RpcError> {
    let Some(params) = params.filter(|params| !is_empty(params.get())) else {
        return Ok(Entries::All);
    };
    let members = Members::read(Some(params), &["port", "entry"])?;
    match (members.has("port"), members.has("entry")) {
        (true, true) => Err(wrong(
            "entry",
            "is not taken together with port",
            "one of them",
        )),
        (_, true) => members.entry().map(Entries::Entry),
        _ => members.port().map(Entries::Port),
    }
}

fn question(params: Option<&RawValue>) -> Result<Question, RpcError> {
    let members = Members::read(params, &["port", "frame", "ask_workers"])?;
    let said = members.has("ask_workers");
    Ok(Question {
        port: members.port()?,
        frame: members.frame()?,
        ask_workers: !said || members.get("ask_workers", "truth", "true or false")?,
    })
}

fn short(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
}

/// What is wrong with parameter `name`.
fn wrong(name: &str, problem: impl fmt::Display, allowed: &str) -> RpcError {
    let message = format!("{name}: {problem}; allowed: {allowed}");
    RpcError::new(RpcError::INVALID_PARAMS, message)
}

/// The members of an object in their order. A raw value is checked for form and not looked into.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// The members of `params`, each of them one of `known` and there once.
    fn read(params: Option<&'a RawValue>, known: &[&str]) -> Result<Self, RpcError> {
        let text = params.map_or("null", RawValue::get);
        let members: Members<'_> = serde_json::from_str(text).map_err(|_| {
            let message = format!("params must be an object with {}", known.join(" and "));
            RpcError::new(RpcError::INVALID_PARAMS, message)
        })?;
        let mut seen: Vec<&str> = Vec::new();
        for (name, _) in &members.0 {
            if !known.contains(&&**name) {
                let hint = nearest(name, known.iter().copied());
                let hint = hint.map_or_else(String::new, |near| format!("; did you mean {near}?"));
                let message = format!("{}: is no parameter here{hint}", short(name));
                return Err(RpcError::new(RpcError::INVALID_PARAMS, message));
            }
            if seen.contains(&&**name) {
                let message = format!("{name}: is given twice");
                return Err(RpcError::new(RpcError::INVALID_PARAMS, message));
            }
            seen.push(name);
        }
        Ok(members)
    }

    fn get<T: Deserialize<'a>>(
        &self,
        name: &str,
        kind: &str,
        allowed: &str,
    ) -> Result<T, RpcError> {
        let found = self.0.iter().find(|(known, _)| known == name);
        let (_, value) = found.ok_or_else(|| wrong(name, "is missing", allowed))?;
        let value = value.get();
        serde_json::from_str(value)
            .map_err(|_| wrong(name, format!("{} is no {kind}", short(value)), allowed))
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    fn entry(&self) -> Result<EntryNumber, RpcError> {
        let allowed = EntryNumber::ALLOWED;
        let text: Cow<'_, str> = self.get("entry", "text", allowed)?;
        let parsed = text.parse();
        parsed.map_err(|e| wrong("entry", format!("{:?} {e}", short(&text)), allowed))
    }

    fn reason(&self, key: &str, allowed: &str) -> Result<DropReason, RpcError> {
        let text: Cow<'_, str> = self.get(key, "text", allowed)?;
        DropReason::named(&text).ok_or_else(|| {
            let shown = short(&text);
            let names = DropReason::ALL.iter().map(|reason| reason.name());
            let hint = nearest(&shown, names);
            let hint = hint.map_or_else(String::new, |near| format!(", did you mean {near}?"));
            wrong(key, format!("{shown:?} is none{hint}"), allowed)
        })
    }

    fn mac(&self) -> Result<Mac, RpcError> {
        let allowed = "an Ethernet address, as in 02:00:00:00:00:01";
        let text: Cow<'_, str> = self.get("mac", "text", allowed)?;
        let none = |_| wrong("mac", format!("{:?} is none", short(&text)), allowed);
        text.parse().map_err(none)
    }

    fn to(&self) -> Result<Network, RpcError> {
        let allowed = Network::ALLOWED;
        let text: Cow<'_, str> = self.get("to", "text", allowed)?;
        let parsed = text.parse();
        parsed.map_err(|e| wrong("to", format!("{:?}: {e}", short(&text)), allowed))
    }

    fn port(&self) -> Result<Name, RpcError> {
        self.name("port")
    }

    /// Whether there is anything of that name is known elsewhere.
    fn name(&self, key: &str) -> Result<Name, RpcError> {
        let allowed = Name::ALLOWED;
        let text: Cow<'_, str> = self.get(key, "text", allowed)?;
        let no_name = |_| wrong(key, format!("{:?} is no name", short(&text)), allowed);
        text.parse().map_err(no_name)
    }

    fn frame(&self) -> Result<Frame, RpcError> {
        let allowed = Frame::ALLOWED;
        let text: Cow<'_, str> = self.get("frame", "text", allowed)?;
        text.parse().map_err(|e| wrong("frame", e, allowed))
    }

    fn via(&self) -> Result<Gateways, RpcError> {
        let allowed = Gateways::ALLOWED;
        let texts: Vec<Cow<'_, str>> = self.get("via", "list of texts", allowed)?;
        let mut gateways = Vec::new();
        for text in texts.iter().take(Gateways::MAX + 1) {
            let parsed = text.parse();
            let gateway = parsed.map_err(|_| {
                wrong(
                    "via",
                    format!("{:?} is no IPv4 address", short(text)),
                    allowed,
                )
            })?;
            gateways.push(gateway);
        }
        Gateways::new(gateways).map_err(|e| wrong("via", e, allowed))
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests;
