//! The parameters of `events.subscribe`.

use super::{Members, is_empty, short, wrong};
use crate::api::messages::{EventKind, EventKinds};
use crate::api::rpc::RpcError;
use serde_json::value::RawValue;
use std::borrow::Cow;

const ALLOWED: &str = "a list of port, fdb, neigh, config, tunnel, offload";

/// All kinds, if none are named.
pub(super) fn kinds(params: Option<&RawValue>) -> Result<EventKinds, RpcError> {
    let Some(params) = params.filter(|params| !is_empty(params.get())) else {
        return Ok(EventKinds::all());
    };
    let members = Members::read(Some(params), &["kinds"])?;
    let texts: Vec<Cow<'_, str>> = members.get("kinds", "list of texts", ALLOWED)?;
    if texts.is_empty() {
        return Err(wrong("kinds", "is empty", ALLOWED));
    }
    let kinds = texts.iter().map(|text| {
        let mut all = EventKind::ALL.into_iter();
        let known = all.find(|kind| kind.name() == text);
        known.ok_or_else(|| wrong("kinds", format!("{:?} is none", short(text)), ALLOWED))
    });
    kinds.collect()
}
