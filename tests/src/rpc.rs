//! The daemon's socket: JSON-RPC 2.0, one message per line. Written here on its own, so that the
//! product's client is not the judge of the product's server.

use crate::Result;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long the daemon may take to answer on a machine that is busy with other tests.
const ANSWER: Duration = Duration::from_secs(30);

/// Calls one method and gives its result.
///
/// # Errors
/// If the socket is not there, the answer is no JSON-RPC answer to this call, or it is an error.
pub fn call(socket: &Path, method: &str) -> Result<Value> {
    let stream = UnixStream::connect(socket)
        .map_err(|error| format!("cannot connect to {}: {error}", socket.display()))?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.set_write_timeout(Some(ANSWER))?;
    let request = json!({"jsonrpc": "2.0", "id": 7, "method": method});
    writeln!(&stream, "{request}")?;
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line)?;
    let mut answer: Value =
        serde_json::from_str(&line).map_err(|error| format!("{method}: {error}: {line:?}"))?;
    if answer["jsonrpc"] != "2.0" || answer["id"] != 7 {
        return Err(format!("{method}: not an answer to the call: {line}").into());
    }
    match answer.get_mut("result") {
        Some(result) => Ok(result.take()),
        None => Err(format!("{method}: {}", answer["error"]).into()),
    }
}
