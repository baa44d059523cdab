//! Asks the daemon, and makes text of what it answers.

use crate::args::{Arguments, Noun};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{
    addr, bridge, cache, change, config, drops, explain, fdb, neigh, offload, port, route, stats,
    users, version, vxlan,
};
use control::api::client::{Client, ClientError};
use control::api::messages::Method;
use serde_json::from_str;
use serde_json::value::RawValue;

/// The answer as it is printed.
///
/// # Errors
/// Why there is none.
pub(crate) fn answer(arguments: &Arguments, method: &Method) -> Result<String, Failure> {
    let answer = ask(arguments, method);
    answer.map_err(|error| Failure::of_call(&error, &arguments.socket))
}

fn ask(arguments: &Arguments, method: &Method) -> Result<String, ClientError> {
    let mut client = Client::connect(&arguments.socket)?;
    let answer = {
        let _progress = Progress::of_request(method);
        client.call(method)?
    };
    let beside = if arguments.statistics {
        beside(method)
    } else {
        &[]
    };
    let mut more = Vec::new();
    for method in beside {
        more.push(client.call(method)?);
    }
    match (arguments.json, more.as_slice()) {
        (true, []) => Ok(format!("{}\n", answer.get())),
        (true, more) => Ok(joined(method, &answer, beside, more)),
        (false, []) => text(arguments, method, answer.get()),
        (false, more) => counted(method, answer.get(), more),
    }
}

/// What is asked too for `--statistics`.
const fn beside(method: &Method) -> &'static [Method] {
    match method {
        Method::PortShow => &[Method::StatsShow, Method::DropsShow(None)],
        Method::BridgeShow | Method::VxlanShow | Method::FdbShow(_) => &[Method::StatsShow],
        Method::RouteShow => &[Method::VxlanShow],
        Method::NeighShow => &[Method::RouteShow, Method::VxlanShow],
        _ => &[],
    }
}

/// Whether `--statistics` has something to say.
pub(crate) const fn has_statistics(method: &Method) -> bool {
    !beside(method).is_empty()
}

/// One object, in which each answer as it came has the name of its method.
fn joined(method: &Method, answer: &RawValue, beside: &[Method], more: &[Box<RawValue>]) -> String {
    let more = beside.iter().zip(more);
    let more = more.map(|(method, answer)| format!(",\"{}\":{}", method.name(), answer.get()));
    let more: String = more.collect();
    format!("{{\"{}\":{}{more}}}\n", method.name(), answer.get())
}

/// What is shown, and what is counted of it.
fn counted(method: &Method, answer: &str, more: &[Box<RawValue>]) -> Result<String, ClientError> {
    let more: Vec<&str> = more.iter().map(|answer| answer.get()).collect();
    Ok(match (method, more.as_slice()) {
        (Method::PortShow, [stats, drops]) => {
            let drops: Vec<_> = from_str(drops)?;
            port::counted(&from_str::<Vec<_>>(answer)?, &from_str(stats)?, &drops)
        }
        (Method::BridgeShow, [stats]) => {
            bridge::counted(&from_str::<Vec<_>>(answer)?, &from_str(stats)?)
        }
        (Method::VxlanShow, [stats]) => {
            vxlan::counted(&from_str::<Vec<_>>(answer)?, &from_str(stats)?)
        }
        (Method::FdbShow(which), [stats]) => {
            let entries: Vec<_> = from_str(answer)?;
            fdb::counted(&entries, which, &from_str(stats)?)
        }
        (Method::RouteShow, [tunnels]) => {
            let tunnels: Vec<_> = from_str(tunnels)?;
            users::routes(&from_str::<Vec<_>>(answer)?, &tunnels)
        }
        (Method::NeighShow, [routes, tunnels]) => {
            let (routes, tunnels): (Vec<_>, Vec<_>) = (from_str(routes)?, from_str(tunnels)?);
            users::neighbours(&from_str::<Vec<_>>(answer)?, &routes, &tunnels)
        }
        _ => String::new(),
    })
}

fn text(arguments: &Arguments, method: &Method, answer: &str) -> Result<String, ClientError> {
    Ok(match method {
        Method::Version => version::text(&from_str(answer)?),
        Method::PortShow => port::text(&from_str::<Vec<_>>(answer)?),
        Method::FdbShow(_) => fdb::text(&from_str::<Vec<_>>(answer)?),
        Method::NeighShow => neigh::text(&from_str::<Vec<_>>(answer)?),
        Method::RouteShow => route::text(&from_str::<Vec<_>>(answer)?),
        Method::RouteAdd(_)
        | Method::RouteDel(_)
        | Method::RouteReplace(_)
        | Method::Edit(_)
        | Method::FdbFlush(_)
        | Method::ConfigApply { .. }
        | Method::ConfigConfirm
        | Method::ConfigRollback => change::text(&from_str(answer)?),
        Method::BridgeShow => bridge::text(&from_str::<Vec<_>>(answer)?),
        Method::ConfigCheck(_) => config::checked(&from_str(answer)?),
        Method::ConfigDiff(_) => config::differing(&from_str(answer)?),
        Method::ConfigExport => config::exported(&from_str(answer)?),
        Method::AddrShow => addr::text(&from_str::<Vec<_>>(answer)?),
        Method::VxlanShow => vxlan::text(&from_str::<Vec<_>>(answer)?),
        Method::DropsShow(_) => drops::text(&from_str::<Vec<_>>(answer)?),
        Method::OffloadShow(_) => offload::text(&from_str::<Vec<_>>(answer)?),
        Method::OffloadSelftest(_) => offload::tested(&from_str(answer)?),
        Method::StatsShow => stats::text(&from_str(answer)?, &arguments.noun.sections()),
        Method::CacheShow(_) => {
            let details = match &arguments.noun {
                Noun::Cache { verb: Some(verb) } => verb.details(),
                _ => arguments.statistics,
            };
            cache::text(&from_str(answer)?, details)
        }
        Method::CacheFlush => cache::flushed(&from_str(answer)?),
        Method::ExplainEntry(_) => explain::behind::entry(&from_str(answer)?),
        Method::ExplainDrop(_) => explain::behind::drop(&from_str(answer)?),
        Method::ExplainFdb(_) => explain::behind::stations(&from_str::<Vec<_>>(answer)?),
        Method::Explain(_) => explain::text(&from_str(answer)?),
        // More follows, and it is done elsewhere.
        Method::CaptureStart(_) | Method::ExplainNext(_) | Method::EventsSubscribe(_) => {
            String::new()
        }
    })
}
