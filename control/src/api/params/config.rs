//! Parameters of what changes what is wanted. Values are judged by the keeper, as those of a file.

use super::super::messages::{ConfigText, Method};
use super::{Members, RpcError, wrong};
use crate::config::{Edit, NoWords, Words};
use serde_json::value::RawValue;
use std::num::NonZeroU32;

/// The words of a command, each of them there once.
pub(super) fn words(params: Option<&RawValue>) -> Result<Words, RpcError> {
    let text = params.map_or("{}", RawValue::get);
    crate::config::words(text).map_err(|why| {
        let message = match why {
            NoWords::NoObject => {
                "params must be an object with the keys of a table of the configuration".to_owned()
            }
            NoWords::Wrong(told) => told,
        };
        RpcError::new(RpcError::INVALID_PARAMS, message)
    })
}

/// Many static entries, which are looked into by the keeper: it has the time.
pub(super) fn load(params: Option<&RawValue>) -> Result<Edit, RpcError> {
    let members = Members::read(params, &["entries"])?;
    let entries: &RawValue = members.get("entries", "list", "a list of static entries")?;
    if entries.get().starts_with('[') {
        return Ok(Edit::Load(entries.get().into()));
    }
    Err(wrong("entries", "is no list", "a list of static entries"))
}

/// A whole configuration.
pub(super) fn text(params: Option<&RawValue>) -> Result<ConfigText, RpcError> {
    file(&Members::read(params, &["text", "name"])?)
}

fn file(members: &Members<'_>) -> Result<ConfigText, RpcError> {
    let name = members.has("name");
    let name = name.then(|| members.get("name", "text", "what errors call it"));
    Ok(ConfigText {
        text: members.get("text", "text", "a configuration in TOML")?,
        name: name.transpose()?.unwrap_or_else(|| "config".to_owned()),
    })
}

/// Of a change that may have to be confirmed.
pub(super) fn apply(params: Option<&RawValue>) -> Result<Method, RpcError> {
    let members = Members::read(params, &["text", "name", "confirm"])?;
    let file = file(&members)?;
    let allowed = "whole seconds, 1 to 86400";
    let confirm = members.has("confirm");
    let confirm = confirm.then(|| members.get("confirm", "number of seconds", allowed));
    let confirm: Option<NonZeroU32> = confirm.transpose()?;
    match confirm.filter(|seconds| seconds.get() > 86_400) {
        Some(seconds) => Err(wrong("confirm", format!("{seconds} is too long"), allowed)),
        None => Ok(Method::ConfigApply { file, confirm }),
    }
}
