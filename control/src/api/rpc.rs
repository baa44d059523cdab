//! JSON-RPC 2.0 as it stands on a line: one object, UTF-8, ended by `\n`.

use super::messages::Method;
use super::params;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The longest request in bytes, without the `\n`. Answers may be longer.
pub const MAX_REQUEST: usize = 1 << 20;
/// The longest that brings a whole configuration or many entries. There is one at a time.
pub const MAX_LONG_REQUEST: usize = 32 << 20;

/// What is said of a request that is longer than it may be.
pub(super) const TOO_LONG: &str = "a request has at most 1048576 bytes on one line, \
     33554432 if it is fdb.load, config.apply, config.check or config.diff";

/// Why a request got no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message} (code {code})")]
pub struct RpcError {
    /// One of the constants here.
    pub code: i32,
    /// For a human.
    pub message: String,
}

impl RpcError {
    /// The line is not JSON.
    pub const PARSE: i32 = -32700;
    /// The line is JSON and not a request.
    pub const INVALID_REQUEST: i32 = -32600;
    /// There is no such method.
    pub const METHOD_NOT_FOUND: i32 = -32601;
    /// The parameters do not fit the method.
    pub const INVALID_PARAMS: i32 = -32602;
    /// More is asked than the daemon keeps in mind: too many requests or connections. Ask again.
    pub const BUSY: i32 = -32000;
    /// The daemon is stopping.
    pub const STOPPING: i32 = -32001;
    /// The state thread did not answer in time.
    pub const TIMEOUT: i32 = -32002;
    /// What is asked cannot be done; the message says why.
    pub const REFUSED: i32 = -32003;

    /// Who asks may not; the message says who may.
    pub const DENIED: i32 = -32004;

    pub(super) fn new(code: i32, message: impl Into<String>) -> Self {
        RpcError {
            code,
            message: message.into(),
        }
    }
}

/// A request that can be passed on.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    /// None for a notification, which gets no answer.
    pub(super) id: Option<Box<RawValue>>,
}

/// A request that cannot, and whom to tell.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) error: RpcError,
    pub(super) id: Option<Box<RawValue>>,
}

/// The members of a request. A raw value is checked for form and not looked into.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<&'a RawValue>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    /// `null` counts as an id here, and as none when it is absent.
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
}

fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

/// Reads one line, without its `\n`.
pub(super) fn parse(line: &[u8]) -> Result<Call, Refusal> {
    let refuse = |code, message: String| Refusal {
        error: RpcError::new(code, message),
        id: None,
    };
    let text = std::str::from_utf8(line)
        .map_err(|e| refuse(RpcError::PARSE, format!("the line is not UTF-8: {e}")))?;
    let value: &RawValue = serde_json::from_str(text)
        .map_err(|e| refuse(RpcError::PARSE, format!("the line is not JSON: {e}")))?;
    if !value.get().starts_with('{') {
        let message = "a request is one JSON object; lists of requests are not taken";
        return Err(refuse(RpcError::INVALID_REQUEST, message.into()));
    }
    let members: Members<'_> = serde_json::from_str(value.get())
        .map_err(|e| refuse(RpcError::INVALID_REQUEST, format!("not a request: {e}")))?;
    members.check(line.len())
}

/// Whether a line that begins like this can be a request that may be long: by the name of its
/// method, which stands before its parameters.
pub(super) fn may_be_long(line: &[u8]) -> bool {
    const HEAD: usize = 256;
    let head = line.get(..HEAD).unwrap_or(line);
    let mut words = head.split(|byte| *byte == b'"');
    words.any(|word| std::str::from_utf8(word).is_ok_and(Method::may_be_long))
}

impl Members<'_> {
    /// `length` is that of the whole request.
    fn check(self, length: usize) -> Result<Call, Refusal> {
        let id = self.id;
        if id.is_some_and(|id| id.get().starts_with(['{', '[', 't', 'f'])) {
            let error = RpcError::new(RpcError::INVALID_REQUEST, "id is a number, text or null");
            return Err(Refusal { error, id: None });
        }
        let refuse = |code, message: String| {
            Err(Refusal {
                error: RpcError::new(code, message),
                id: id.map(ToOwned::to_owned),
            })
        };
        if self
            .jsonrpc
            .is_none_or(|version| version.get() != "\"2.0\"")
        {
            let message = "jsonrpc must be \"2.0\"";
            return refuse(RpcError::INVALID_REQUEST, message.into());
        }
        let name = self
            .method
            .and_then(|m| serde_json::from_str::<String>(m.get()).ok());
        let Some(name) = name else {
            return refuse(RpcError::INVALID_REQUEST, "method must be text".into());
        };
        if length > MAX_REQUEST && !Method::may_be_long(&name) {
            return refuse(RpcError::INVALID_REQUEST, TOO_LONG.into());
        }
        let read = params::method(&name, self.params);
        let id = id.map(ToOwned::to_owned);
        match read {
            Ok(method) => Ok(Call { method, id }),
            Err(error) => Err(Refusal { error, id }),
        }
    }
}

/// An answer as a client reads and a server writes it.
#[derive(Serialize)]
pub(super) struct Answer<'a, T> {
    jsonrpc: &'static str,
    id: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<RpcError>,
}

/// The line, `\n` included, that answers request `id`.
pub(super) fn answer<T: Serialize>(
    id: Option<&RawValue>,
    outcome: Result<T, RpcError>,
) -> Result<Vec<u8>, serde_json::Error> {
    let (result, error) = match outcome {
        Ok(result) => (Some(result), None),
        Err(error) => (None, Some(error)),
    };
    let mut line = serde_json::to_vec(&Answer {
        jsonrpc: "2.0",
        id,
        result,
        error,
    })?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(line: &str) -> i32 {
        parse(line.as_bytes()).unwrap_err().error.code
    }

    fn id_of(line: &str) -> Option<String> {
        let id = match parse(line.as_bytes()) {
            Ok(call) => call.id,
            Err(refusal) => refusal.id,
        };
        id.map(|id| id.get().to_string())
    }

    #[test]
    fn a_request_is_a_method_and_an_id() {
        for (params, id) in [
            ("", "1"),
            (r#","params":{}"#, "\"a\""),
            (r#","params":[ ]"#, "null"),
        ] {
            let line = format!(r#" {{"jsonrpc":"2.0","method":"vxlan.show","id":{id}{params}}} "#);
            assert_eq!(parse(line.as_bytes()).unwrap().method, Method::VxlanShow);
            assert_eq!(id_of(&line).as_deref(), Some(id));
        }
        let note = r#"{"jsonrpc":"2.0","method":"version"}"#;
        assert!(parse(note.as_bytes()).unwrap().id.is_none());
    }

    #[test]
    fn what_is_not_json_is_a_parse_error() {
        for line in ["", "{", "nul", "{} {}", "{\"a\":}", "\u{0}"] {
            assert_eq!(code(line), RpcError::PARSE, "{line:?}");
        }
        assert_eq!(
            parse(b"{\"a\":\"\xff\"}").unwrap_err().error.code,
            RpcError::PARSE
        );
        assert_eq!(code(&"[".repeat(10_000)), RpcError::PARSE);
    }

    #[test]
    fn what_is_no_request_is_invalid() {
        for line in [
            "[]",
            "1",
            "null",
            "{}",
            r#"{"jsonrpc":"1.0","method":"version","id":1}"#,
            r#"{"jsonrpc":2.0,"method":"version","id":1}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"2.0","method":5,"id":1}"#,
            r#"{"jsonrpc":"2.0","method":"version","id":{}}"#,
            r#"{"jsonrpc":"2.0","method":"version","id":true}"#,
            r#"{"jsonrpc":"2.0","method":"version","id":1,"id":2}"#,
            r#"[{"jsonrpc":"2.0","method":"version","id":1}]"#,
        ] {
            assert_eq!(code(line), RpcError::INVALID_REQUEST, "{line}");
        }
    }

    #[test]
    fn a_refusal_goes_to_the_one_who_asked() {
        let line = r#"{"jsonrpc":"2.0","method":"version","params":[1],"id":7}"#;
        assert_eq!(code(line), RpcError::INVALID_PARAMS);
        assert_eq!(id_of(line).as_deref(), Some("7"));
        assert_eq!(id_of("{"), None);
    }

    #[test]
    fn an_answer_is_one_line() {
        let id = RawValue::from_string("7".into()).unwrap();
        let good = answer(Some(&id), Ok("a\nb")).unwrap();
        assert_eq!(
            good,
            b"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"a\\nb\"}\n"
        );
        let bad = answer::<()>(None, Err(RpcError::new(RpcError::BUSY, "busy"))).unwrap();
        let text =
            "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32000,\"message\":\"busy\"}}\n";
        assert_eq!(String::from_utf8(bad).unwrap(), text);
    }
}
