//! The API as a JSON Schema: parameters and result of each method, and the lines that follow some.
//!
//! Made from the types, and kept as `docs/api.schema.json`.

mod edits;
mod params;

use super::messages::{
    Address, Bridge, Caches, Capturing, Changed, Checked, Differing, DropBehind, DropCount,
    EntryBehind, Event, Explanation, Exported, FdbEntry, Flushed, Method, Neighbour, Port,
    PortOffload, Route, SeenLine, SelfTest, StationBehind, Stats, Subscribed, Tunnel, Version,
};
use crate::config::Command;
use edits::FdbLoad;
use params::{
    CacheShow, CaptureStart, ConfigApply, ConfigFile, DropsShow, EventsSubscribe, Explain,
    ExplainDrop, ExplainEntry, ExplainFdb, FdbFlush, FdbShow, OffloadSelftest, OffloadShow,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// The version of the API: methods, parameters, fields and their meaning. The last number grows
/// with what clients do not see, the second with what they may pass over, the first with all else.
pub const API_VERSION: &str = "1.0.0";

/// Methods by name, each with `params`, `result` and, if a line follows for each of something,
/// `line`. What they share is in `$defs`.
pub fn schema() -> Value {
    let mut types = SchemaSettings::draft2020_12().into_generator();
    let methods: Map<String, Value> = Method::names()
        .map(|name| (name.to_owned(), method(name, &mut types)))
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The API of overpath",
        "version": API_VERSION,
        "methods": methods,
        "$defs": types.take_definitions(true),
    })
}

/// Null stands for a method that is not known here, of which a test finds none.
fn method(name: &str, types: &mut SchemaGenerator) -> Value {
    match name {
        "version" => plain::<Version>(types),
        "port.show" => plain::<Vec<Port>>(types),
        "fdb.show" => optional::<FdbShow, Vec<FdbEntry>>(types),
        "neigh.show" => plain::<Vec<Neighbour>>(types),
        "route.show" => plain::<Vec<Route>>(types),
        "fdb.flush" => optional::<FdbFlush, Changed>(types),
        "fdb.load" => with::<FdbLoad, Changed>(types),
        "bridge.show" => plain::<Vec<Bridge>>(types),
        "config.check" => with::<ConfigFile, Checked>(types),
        "config.diff" => with::<ConfigFile, Differing>(types),
        "config.apply" => with::<ConfigApply, Changed>(types),
        "config.confirm" | "config.rollback" => plain::<Changed>(types),
        "config.export" => plain::<Exported>(types),
        "addr.show" => plain::<Vec<Address>>(types),
        "vxlan.show" => plain::<Vec<Tunnel>>(types),
        "drops.show" => optional::<DropsShow, Vec<DropCount>>(types),
        "offload.show" => optional::<OffloadShow, Vec<PortOffload>>(types),
        "offload.selftest" => with::<OffloadSelftest, SelfTest>(types),
        "stats.show" => plain::<Stats>(types),
        "cache.show" => optional::<CacheShow, Caches>(types),
        "cache.flush" => plain::<Flushed>(types),
        "explain" => with::<Explain, Explanation>(types),
        "explain.entry" => with::<ExplainEntry, EntryBehind>(types),
        "explain.drop" => with::<ExplainDrop, DropBehind>(types),
        "explain.fdb" => with::<ExplainFdb, Vec<StationBehind>>(types),
        "capture.start" => with::<CaptureStart, Capturing>(types),
        "explain.next" => lines::<SeenLine>(with::<CaptureStart, Capturing>(types), types),
        "events.subscribe" => lines::<Event>(optional::<EventsSubscribe, Subscribed>(types), types),
        _ => match Command::ALL.iter().find(|command| command.name() == name) {
            Some(command) => {
                let params = edits::params(*command, types);
                described(params, &types.subschema_for::<Changed>())
            }
            None => Value::Null,
        },
    }
}

/// A method without parameters: none, or an empty object.
fn plain<R: JsonSchema>(types: &mut SchemaGenerator) -> Value {
    let none = json!({"type": ["object", "array", "null"], "maxProperties": 0, "maxItems": 0});
    described(none, &types.subschema_for::<R>())
}

/// One that can be asked without its parameters.
fn optional<P: JsonSchema, R: JsonSchema>(types: &mut SchemaGenerator) -> Value {
    let params = json!({"anyOf": [types.subschema_for::<P>(), {"type": "null"}]});
    described(params, &types.subschema_for::<R>())
}

fn with<P: JsonSchema, R: JsonSchema>(types: &mut SchemaGenerator) -> Value {
    let params = types.subschema_for::<P>();
    described(params.to_value(), &types.subschema_for::<R>())
}

fn described(params: Value, result: &Schema) -> Value {
    json!({"params": params, "result": result})
}

/// It is followed by lines.
fn lines<L: JsonSchema>(mut method: Value, types: &mut SchemaGenerator) -> Value {
    method["line"] = types.subschema_for::<L>().to_value();
    method
}
