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

/// A connection to a daemon, by which lines go and come.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<UnixStream>,
    last: u64,
}

impl Connection {
    /// Connects. Each later read and write waits for at most 30 seconds.
    ///
    /// # Errors
    /// If nothing listens there.
    pub fn open(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket)
            .map_err(|error| format!("cannot connect to {}: {error}", socket.display()))?;
        stream.set_read_timeout(Some(ANSWER))?;
        stream.set_write_timeout(Some(ANSWER))?;
        let stream = BufReader::new(stream);
        Ok(Self { stream, last: 0 })
    }

    /// What lines go through, for a client that sends what it likes.
    #[must_use]
    pub fn stream(&self) -> &UnixStream {
        self.stream.get_ref()
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// If nothing comes, or no JSON.
    pub fn line(&mut self) -> Result<Option<Value>> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let value = serde_json::from_str(&line).map_err(|error| format!("{error}: {line:?}"))?;
        Ok(Some(value))
    }

    /// Calls one method and gives its whole answer, which may be an error of the daemon's.
    ///
    /// # Errors
    /// If the connection breaks, or what comes is no answer to this call.
    pub fn ask(&mut self, method: &str, params: &Value) -> Result<Value> {
        self.last += 1;
        let mut request = json!({"jsonrpc": "2.0", "id": self.last, "method": method});
        if !params.is_null() {
            request["params"] = params.clone();
        }
        writeln!(self.stream(), "{request}")?;
        let answer = self.line()?;
        let answer = answer.ok_or_else(|| format!("{method}: the connection was closed"))?;
        // What is said of a connection and not of a call has no number.
        let ours =
            answer["id"] == self.last || (answer["id"].is_null() && answer["result"].is_null());
        if answer["jsonrpc"] != "2.0" || !ours {
            return Err(format!("{method}: not an answer to the call: {answer}").into());
        }
        Ok(answer)
    }
}

/// Calls one method and gives its result.
///
/// # Errors
/// If the socket is not there, the answer is no JSON-RPC answer to this call, or it is an error.
pub fn call(socket: &Path, method: &str) -> Result<Value> {
    let mut answer = Connection::open(socket)?.ask(method, &Value::Null)?;
    match answer.get_mut("result") {
        Some(result) => Ok(result.take()),
        None => Err(format!("{method}: {}", answer["error"]).into()),
    }
}
