//! The api thread: accepts clients and serves each in a task of its own.

use super::access::{Access, Gate, Pass, Peer};
use super::connection;
use super::ending::Ending;
use super::request::Ways;
use super::rpc::RpcError;
use super::socket::{ApiError, SocketFile};
use super::waiting::{Connections, Ticket};
use crate::service::BEAT;
use fastpath::stats::Counter;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::LocalSet;

/// How much clients may ask of the server.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Connections at one time, 64 by default. Each has at most one request in flight. One more
    /// takes the place of the one that has idled longest. Four of them, at most, are not for those who
    /// may only look.
    pub connections: usize,
    /// From the first byte of a request to its last, 10 s by default.
    pub read_timeout: Duration,
    /// For an answer to be taken, 10 s by default.
    pub write_timeout: Duration,
    /// For the state thread to answer, 10 s by default.
    pub answer_timeout: Duration,
    /// For the keeper to make a change and to answer, 60 s by default.
    pub change_timeout: Duration,
    /// For the end of captures to be written and taken when the server ends, 1 s by default.
    pub parting: Duration,
    /// The core that the api thread is pinned to; none by default: where the caller may run.
    pub core: Option<usize>,
}

impl Default for Settings {
    fn default() -> Self {
        let timeout = Duration::from_secs(10);
        Settings {
            connections: 64,
            read_timeout: timeout,
            write_timeout: timeout,
            answer_timeout: timeout,
            change_timeout: 6 * timeout,
            parting: Duration::from_secs(1),
            core: None,
        }
    }
}

/// A running API server: a thread, and the socket that it serves. Both are gone when it is dropped.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
    turns: Arc<Counter>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens at `path`, whose folder is made if need be, and starts the thread. From the return
    /// on clients can connect. Their requests go by `ways`.
    ///
    /// # Errors
    /// [`ApiError::InUse`] if somebody listens there already; the others say what the system
    /// refused. Nothing is left behind then.
    pub fn start(path: &Path, ways: impl Into<Ways>, settings: Settings) -> Result<Self, ApiError> {
        Self::start_for(Access::default(), path, ways, settings)
    }

    /// The same, for others than root and the daemon's user as well.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_for(
        access: Access,
        path: &Path,
        ways: impl Into<Ways>,
        settings: Settings,
    ) -> Result<Self, ApiError> {
        let ways = ways.into();
        let mut runtime = Builder::new_current_thread();
        // One thread beside it reads long requests and makes texts of long answers.
        let runtime = runtime.enable_all().max_blocking_threads(1);
        let runtime = runtime.thread_name("api-text").build();
        let runtime = runtime.map_err(ApiError::Thread)?;
        let (file, listener) = runtime.block_on(SocketFile::listen(path, access.group))?;
        let gate = Gate::new(access, file.owner);
        let (stop, stopped) = oneshot::channel();
        let turns = Arc::<Counter>::default();
        let counted = Arc::clone(&turns);
        let run = move || {
            if let Some(id) = settings.core
                && !core_affinity::set_for_current(core_affinity::CoreId { id })
            {
                tracing::warn!("the api thread cannot be pinned to core {id}");
            }
            serve(
                runtime,
                (listener, stopped),
                &counted,
                (ways, gate),
                settings,
            );
            drop(file);
        };
        let thread = std::thread::Builder::new().name("api".into()).spawn(run);
        let thread = thread.map_err(ApiError::Thread)?;
        Ok(Server {
            path: path.into(),
            turns,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Counts up at least each [`BEAT`], for as long as the thread comes round.
    pub fn turns(&self) -> Arc<Counter> {
        Arc::clone(&self.turns)
    }

    /// Closes all connections and removes the socket. Captures end in good order first: what was
    /// copied before is written, and the statistics. Waits for the thread, which itself waits for
    /// nobody else, and for captures no longer than [`Settings::parting`].
    pub fn shutdown(mut self) {
        self.stop_thread();
    }

    fn stop_thread(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the api thread panicked");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop_thread();
    }
}

/// Runs until `stopped`, then drops whatever its tasks are at, but for the ends of captures.
fn serve(
    runtime: Runtime,
    (listener, stopped): (UnixListener, oneshot::Receiver<()>),
    turns: &Counter,
    (requests, gate): (Ways, Gate),
    settings: Settings,
) {
    let gate = Rc::new(gate);
    let tasks = LocalSet::new();
    let ending = Rc::new(Ending::new());
    runtime.block_on(tasks.run_until(async {
        tokio::select! {
            _ = stopped => {}
            () = accept(listener, requests, settings, (&gate, &ending)) => {}
            () = count(turns) => {}
        }
        ending.come(settings.parting).await;
    }));
}

/// Says that the runtime turns. A task that does not let go of it holds this up too.
async fn count(turns: &Counter) {
    loop {
        turns.add(1);
        tokio::time::sleep(BEAT).await;
    }
}

/// Who may not ask gets no place.
fn admit(
    stream: &UnixStream,
    gate: &Rc<Gate>,
    connections: &Connections,
) -> Result<(Pass, Ticket), RpcError> {
    let peer = stream.peer_cred().map_err(|error| {
        let message = format!("the kernel does not say who you are: {error}");
        RpcError::new(RpcError::DENIED, message)
    })?;
    let (uid, gid) = (peer.uid(), peer.gid());
    let right = gate.admit(Peer { uid, gid })?;
    let ticket = connections.admit(right).ok_or_else(|| {
        let message = "too many connections, all of them busy; ask again";
        RpcError::new(RpcError::BUSY, message)
    })?;
    let gate = Rc::clone(gate);
    Ok((Pass { gate, right }, ticket))
}

async fn accept(
    listener: UnixListener,
    requests: Ways,
    settings: Settings,
    (gate, ending): (&Rc<Gate>, &Rc<Ending>),
) {
    let connections = Connections::new(settings.connections);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => match admit(&stream, gate, &connections) {
                Ok((pass, ticket)) => {
                    let (requests, ending) = (requests.clone(), Rc::clone(ending));
                    let task =
                        connection::serve(stream, (pass, ticket), settings, requests, ending);
                    tokio::task::spawn_local(task);
                }
                Err(error) => connection::refuse(stream, error),
            },
            Err(error) => {
                // Out of file descriptors, most likely: it passes when a client goes.
                tracing::warn!("cannot accept a client: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
