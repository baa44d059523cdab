//! The parameters of `capture.start`.

use super::Members;
use crate::api::messages::{Capture, Subject};
use crate::api::rpc::RpcError;
use fastpath::drop::DropReason;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// One of them says whose packets.
const SUBJECTS: [&str; 6] = ["port", "bridge", "tunnel", "name", "drops", "all"];
/// What may be said of which.
const OTHERS: [&str; 3] = ["filter", "snap", "count"];

pub(super) fn capture(params: Option<&RawValue>) -> Result<Capture, RpcError> {
    let members = Members::read(params, &[&SUBJECTS[..], &OTHERS].concat())?;
    let mut capture = Capture::of(subject(&members)?);
    if members.has("filter") {
        let text: Cow<'_, str> = members.get("filter", "text", "words of pcap-filter")?;
        capture.filter = text.into_owned();
    }
    if members.has("snap") {
        capture.snap = members.get("snap", "such number", "a number from 1 to 65535")?;
    }
    if members.has("count") {
        capture.count = Some(members.get("count", "such number", "a number above 0")?);
    }
    Ok(capture)
}

fn subject(members: &Members<'_>) -> Result<Subject, RpcError> {
    let mut said = SUBJECTS.into_iter().filter(|key| members.has(key));
    let (Some(key), None) = (said.next(), said.next()) else {
        let message = format!("say whose packets: one of {}", SUBJECTS.join(", "));
        return Err(RpcError::new(RpcError::INVALID_PARAMS, message));
    };
    Ok(match key {
        "drops" => Subject::Drops(reason(members)?),
        "all" => match members.get("all", "truth", "true")? {
            true => Subject::All,
            false => {
                return Err(RpcError::new(
                    RpcError::INVALID_PARAMS,
                    "all: can only be true",
                ));
            }
        },
        "port" => Subject::Port(members.name(key)?),
        "bridge" => Subject::Bridge(members.name(key)?),
        "tunnel" => Subject::Tunnel(members.name(key)?),
        _ => Subject::Named(members.name(key)?),
    })
}

/// `true`, or the name of a reason.
fn reason(members: &Members<'_>) -> Result<Option<DropReason>, RpcError> {
    let allowed = "true, or the name of a reason for drops";
    match members.get("drops", "truth", allowed) {
        Ok(true) => Ok(None),
        _ => members.reason("drops", allowed).map(Some),
    }
}
