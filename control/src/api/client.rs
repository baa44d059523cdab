//! The API from a client's side: blocking, one call at a time.

use super::messages::{
    Address, Bridge, Caches, Capture, Capturing, Changed, Checked, ConfigText, Differing,
    DropBehind, DropCount, Entries, EntryBehind, EntryNumber, Event, EventKinds, Explanation,
    Exported, FdbEntry, Flushed, Learned, Method, Neighbour, Network, NewRoute, Port, PortOffload,
    Question, Route, SelfTest, StationBehind, Stations, Stats, Subscribed, Tunnel, Version,
};
use super::rpc::RpcError;
use crate::config::{Edit, Name};
use fastpath::drop::DropReason;
use fastpath::wire::Mac;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::num::NonZeroU32;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest answer that is read, in bytes: 256 MiB.
const MAX_ANSWER: u64 = 1 << 28;

/// How long a change may take: a little longer than the daemon waits for it.
const CHANGE: Duration = Duration::from_secs(65);

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no daemon at this socket.
    #[error("nothing listens on {}", .0.display())]
    NotListening(PathBuf),
    /// The socket cannot be connected to for another reason.
    #[error("{}: cannot connect: {}", .0.display(), .1)]
    Connect(PathBuf, #[source] io::Error),
    /// The connection broke, or the daemon took too long.
    #[error("the connection to the daemon broke: {0}")]
    Io(#[from] io::Error),
    /// What came is no answer to what was asked.
    #[error("the daemon's answer makes no sense: {0}")]
    Answer(#[from] serde_json::Error),
    /// The daemon said no.
    #[error(transparent)]
    Rpc(RpcError),
}

/// A connection to the daemon.
///
/// An answer is read as a whole, up to 256 MiB, and one that is longer is an error. Only
/// [`Client::fdb_show`] can have one: a table of some two million entries. It has to be asked for in parts
/// then, by bridge, port or tunnel, or read from the socket by a program that takes the list as it comes.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<UnixStream>,
    last: u64,
}

/// What follows an answer, as it comes: the file of a capture, pcapng; or lines. Dropped, it ends
/// the capture.
#[derive(Debug)]
pub struct CaptureStream(BufReader<UnixStream>);

impl CaptureStream {
    /// A handle by which another thread can end the capture.
    ///
    /// # Errors
    /// Those of the system.
    pub fn ender(&self) -> io::Result<Ender> {
        self.0.get_ref().try_clone().map(Ender)
    }
}

impl BufRead for CaptureStream {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.0.consume(bytes);
    }
}

impl Read for CaptureStream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}

/// Events as they come. It waits for each, and ends with the daemon.
#[derive(Debug)]
pub struct Events(CaptureStream);

impl Events {
    /// The lines as they come, fields that are not known here included.
    pub fn into_lines(self) -> CaptureStream {
        self.0
    }
}

impl Iterator for Events {
    type Item = Result<Event, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_str(&line).map_err(ClientError::from)),
            Err(error) => Some(Err(error.into())),
        }
    }
}

/// Ends a capture.
#[derive(Debug)]
pub struct Ender(UnixStream);

impl Ender {
    /// Asks for the end. What was copied before is still to be read, and the statistics behind it.
    ///
    /// # Errors
    /// Those of the system.
    pub fn end(&self) -> io::Result<()> {
        self.0.shutdown(Shutdown::Write)
    }
}

#[derive(Deserialize)]
struct Incoming {
    id: Option<u64>,
    result: Option<Box<RawValue>>,
    error: Option<RpcError>,
}

impl Client {
    /// Connects to the daemon at `path`. Each later read and write waits for at most 30 seconds.
    ///
    /// # Errors
    /// [`ClientError::NotListening`] or [`ClientError::Connect`].
    pub fn connect(path: &Path) -> Result<Self, ClientError> {
        let stream = UnixStream::connect(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                ClientError::NotListening(path.into())
            }
            _ => ClientError::Connect(path.into(), error),
        })?;
        let timeout = Some(Duration::from_secs(30));
        stream.set_read_timeout(timeout)?;
        stream.set_write_timeout(timeout)?;
        Ok(Client {
            stream: BufReader::new(stream),
            last: 0,
        })
    }

    /// Who answers.
    ///
    /// # Errors
    /// As [`Client::call`], and so for all methods.
    pub fn version(&mut self) -> Result<Version, ClientError> {
        self.typed(&Method::Version)
    }

    /// The ports.
    pub fn port_show(&mut self) -> Result<Vec<Port>, ClientError> {
        self.typed(&Method::PortShow)
    }

    /// The forwarding entries that are asked for, in memory at once: of a table of more than a million
    /// ask for parts, see [`Client`].
    pub fn fdb_show(&mut self, stations: Stations) -> Result<Vec<FdbEntry>, ClientError> {
        self.typed(&Method::FdbShow(stations))
    }

    /// The neighbours.
    pub fn neigh_show(&mut self) -> Result<Vec<Neighbour>, ClientError> {
        self.typed(&Method::NeighShow)
    }

    /// The routes.
    pub fn route_show(&mut self) -> Result<Vec<Route>, ClientError> {
        self.typed(&Method::RouteShow)
    }

    /// Adds a route to a network that has none.
    pub fn route_add(&mut self, route: NewRoute) -> Result<Changed, ClientError> {
        self.typed(&Method::RouteAdd(route))
    }

    /// Removes the route to a network.
    pub fn route_del(&mut self, to: Network) -> Result<Changed, ClientError> {
        self.typed(&Method::RouteDel(to))
    }

    /// Adds a route, in the place of the one to the same network if there is one.
    pub fn route_replace(&mut self, route: NewRoute) -> Result<Changed, ClientError> {
        self.typed(&Method::RouteReplace(route))
    }

    /// Our addresses.
    pub fn addr_show(&mut self) -> Result<Vec<Address>, ClientError> {
        self.typed(&Method::AddrShow)
    }

    /// The tunnels.
    pub fn vxlan_show(&mut self) -> Result<Vec<Tunnel>, ClientError> {
        self.typed(&Method::VxlanShow)
    }

    /// What was dropped, on all ports or on one, most first.
    pub fn drops_show(&mut self, port: Option<Name>) -> Result<Vec<DropCount>, ClientError> {
        self.typed(&Method::DropsShow(port))
    }

    /// What NICs do for tunnels, of all ports or of one.
    pub fn offload_show(&mut self, port: Option<Name>) -> Result<Vec<PortOffload>, ClientError> {
        self.typed(&Method::OffloadShow(port))
    }

    /// Has the NIC of a port tested.
    pub fn offload_selftest(&mut self, port: Name) -> Result<SelfTest, ClientError> {
        self.typed(&Method::OffloadSelftest(port))
    }

    /// The counters.
    pub fn stats_show(&mut self) -> Result<Stats, ClientError> {
        self.typed(&Method::StatsShow)
    }

    /// What decides packets.
    pub fn cache_show(&mut self, entries: Entries) -> Result<Caches, ClientError> {
        self.typed(&Method::CacheShow(entries))
    }

    /// Has every packet decided anew.
    pub fn cache_flush(&mut self) -> Result<Flushed, ClientError> {
        self.typed(&Method::CacheFlush)
    }

    /// What would become of a frame.
    pub fn explain(&mut self, question: Question) -> Result<Explanation, ClientError> {
        self.typed(&Method::Explain(question))
    }

    /// An entry of a flow cache, and what stands behind it.
    pub fn explain_entry(&mut self, entry: EntryNumber) -> Result<EntryBehind, ClientError> {
        self.typed(&Method::ExplainEntry(entry))
    }

    /// A reason for drops, and what stands behind it.
    pub fn explain_drop(&mut self, reason: DropReason) -> Result<DropBehind, ClientError> {
        self.typed(&Method::ExplainDrop(reason))
    }

    /// A station, and what would become of frames for it.
    pub fn explain_fdb(&mut self, mac: Mac) -> Result<Vec<StationBehind>, ClientError> {
        self.typed(&Method::ExplainFdb(mac))
    }

    /// Begins a capture, whose file is what can be read from then on.
    pub fn capture(mut self, capture: Capture) -> Result<(Capturing, CaptureStream), ClientError> {
        let told = self.typed(&Method::CaptureStart(capture))?;
        // The next packet may be far.
        self.stream.get_ref().set_read_timeout(None)?;
        Ok((told, CaptureStream(self.stream)))
    }

    /// Begins to look for packets, which are explained in lines that can be read from then on.
    pub fn explain_next(
        mut self,
        wanted: Capture,
    ) -> Result<(Capturing, CaptureStream), ClientError> {
        let told = self.typed(&Method::ExplainNext(wanted))?;
        self.stream.get_ref().set_read_timeout(None)?;
        Ok((told, CaptureStream(self.stream)))
    }

    /// The bridges.
    pub fn bridge_show(&mut self) -> Result<Vec<Bridge>, ClientError> {
        self.typed(&Method::BridgeShow)
    }

    /// Has learned stations forgotten.
    pub fn fdb_flush(&mut self, which: Learned) -> Result<Changed, ClientError> {
        self.typed(&Method::FdbFlush(which))
    }

    /// Makes a change of what is wanted.
    pub fn edit(&mut self, edit: Edit) -> Result<Changed, ClientError> {
        self.typed(&Method::Edit(edit))
    }

    /// Makes all of it what is wanted; for so many seconds only, if it is not confirmed then.
    pub fn config_apply(
        &mut self,
        file: ConfigText,
        confirm: Option<NonZeroU32>,
    ) -> Result<Changed, ClientError> {
        self.typed(&Method::ConfigApply { file, confirm })
    }

    /// Keeps the change that waits to be confirmed.
    pub fn config_confirm(&mut self) -> Result<Changed, ClientError> {
        self.typed(&Method::ConfigConfirm)
    }

    /// Takes back the change that waits to be confirmed, or else the last one.
    pub fn config_rollback(&mut self) -> Result<Changed, ClientError> {
        self.typed(&Method::ConfigRollback)
    }

    /// How many steps lie between what is wanted and a file, which is found to be right.
    pub fn config_check(&mut self, file: ConfigText) -> Result<Checked, ClientError> {
        self.typed(&Method::ConfigCheck(file))
    }

    /// The steps from what is wanted to a file.
    pub fn config_diff(&mut self, file: ConfigText) -> Result<Differing, ClientError> {
        self.typed(&Method::ConfigDiff(file))
    }

    /// What is wanted.
    pub fn config_export(&mut self) -> Result<Exported, ClientError> {
        self.typed(&Method::ConfigExport)
    }

    /// Begins to listen to what happens.
    pub fn events(mut self, kinds: EventKinds) -> Result<(Subscribed, Events), ClientError> {
        let told = self.typed(&Method::EventsSubscribe(kinds))?;
        // The next one may be far.
        self.stream.get_ref().set_read_timeout(None)?;
        Ok((told, Events(CaptureStream(self.stream))))
    }

    fn typed<T: DeserializeOwned>(&mut self, method: &Method) -> Result<T, ClientError> {
        Ok(serde_json::from_str(self.call(method)?.get())?)
    }

    /// The answer as it came, fields that are not known here included.
    ///
    /// # Errors
    /// [`ClientError::Rpc`] if the daemon refuses, else what went wrong on the way. After any other
    /// than `Rpc` the connection is of no further use.
    pub fn call(&mut self, method: &Method) -> Result<Box<RawValue>, ClientError> {
        if method.takes_long() {
            self.stream.get_ref().set_read_timeout(Some(CHANGE))?;
        }
        self.last += 1;
        let params = method.params();
        let params = params.map_or_else(String::new, |params| format!(",\"params\":{params}"));
        let request = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"{}\"{params}}}\n",
            self.last,
            method.name()
        );
        let sent = self.stream.get_mut().write_all(request.as_bytes());
        // A daemon that closes the connection may have said why.
        let answer = match (self.read(), sent) {
            (Err(_), Err(error)) => return Err(error.into()),
            (answer, _) => answer?,
        };
        let answer: Incoming = serde_json::from_slice(&answer)?;
        match answer {
            Incoming {
                error: Some(error), ..
            } => Err(ClientError::Rpc(error)),
            Incoming {
                id,
                result: Some(result),
                ..
            } if id == Some(self.last) => Ok(result),
            _ => {
                Err(io::Error::new(io::ErrorKind::InvalidData, "not the answer to our call").into())
            }
        }
    }

    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        (&mut self.stream)
            .take(MAX_ANSWER)
            .read_until(b'\n', &mut line)?;
        if line.last() == Some(&b'\n') {
            return Ok(line);
        }
        if line.len() as u64 >= MAX_ANSWER {
            let why = "the answer has more than 256 MiB: ask for parts of it";
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
        }
        let why = if line.is_empty() {
            "it was closed"
        } else {
            "the answer is incomplete"
        };
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, why))
    }
}
