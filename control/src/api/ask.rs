//! From a connection to the state thread or the keeper, and back.

use super::messages::{Method, Reply};
use super::request::{Refused, Request, Ways};
use super::rpc::RpcError;
use crossbeam_channel::TrySendError;
use std::time::Duration;
use tokio::time::timeout;

/// Has the one who knows answer, as long as `patience` lasts.
pub(super) async fn ask(
    ways: &Ways,
    patience: Duration,
    method: Method,
) -> Result<Reply, RpcError> {
    let stopping = || RpcError::new(RpcError::STOPPING, "the daemon is stopping");
    let refused = |why: Refused| RpcError::new(RpcError::REFUSED, why.to_string());
    let (requests, keeper) = (ways.of(&method), method.is_for_keeper());
    let (request, answer) = Request::new(method).map_err(refused)?;
    requests.try_send(request).map_err(|e| match e {
        TrySendError::Full(_) => RpcError::new(
            RpcError::BUSY,
            "busy: the queue of requests is full; ask again",
        ),
        TrySendError::Disconnected(_) => stopping(),
    })?;
    match timeout(patience, answer).await {
        Ok(Ok(Ok(reply))) => Ok(reply),
        Ok(Ok(Err(why))) => Err(refused(why)),
        Ok(Err(_)) => Err(stopping()),
        Err(_) if keeper => Err(RpcError::new(
            RpcError::TIMEOUT,
            "the change takes long, and may still be made: see config diff",
        )),
        Err(_) => Err(RpcError::new(
            RpcError::TIMEOUT,
            "the state thread did not answer in time",
        )),
    }
}
