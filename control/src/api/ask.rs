//! From a connection to the state thread or the keeper, and back.

use super::access::Right;
use super::messages::{Method, Reply};
use super::request::{Refused, Request, RequestSender, Ways};
use super::room::Held;
use super::rpc::RpcError;
use crossbeam_channel::TrySendError;
use std::time::Duration;
use tokio::time::timeout;

/// A question, and who asks.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) right: Right,
    /// What it takes while it is on its way and answered, if it is long.
    pub(super) room: Option<Held>,
}

impl Asked {
    /// A short one.
    pub(super) fn by(right: Right, method: Method) -> Self {
        Asked {
            method,
            right,
            room: None,
        }
    }
}

/// Has the one who knows answer, as long as `patience` lasts.
pub(super) async fn ask(ways: &Ways, patience: Duration, asked: Asked) -> Result<Reply, RpcError> {
    let stopping = || RpcError::new(RpcError::STOPPING, "the daemon is stopping");
    let refused = |why: Refused| RpcError::new(RpcError::REFUSED, why.to_string());
    let full = || {
        RpcError::new(
            RpcError::BUSY,
            "busy: the queue of requests is full; ask again",
        )
    };
    let (requests, late) = (ways.of(&asked.method), late(&asked.method));
    if !has_room(requests, asked.right) {
        return Err(full());
    }
    let (mut request, answer) = Request::new(asked.method).map_err(refused)?;
    request.room = asked.room;
    requests.try_send(request).map_err(|e| match e {
        TrySendError::Full(_) => full(),
        TrySendError::Disconnected(_) => stopping(),
    })?;
    match timeout(patience, answer).await {
        Ok(Ok(Ok(reply))) => Ok(reply),
        Ok(Ok(Err(why))) => Err(refused(why)),
        Ok(Err(_)) => Err(stopping()),
        Err(_) => Err(RpcError::new(RpcError::TIMEOUT, late)),
    }
}

/// Whether who has this right may put one more there: of who may only look half of the places are kept
/// free, since requests stay in a queue whose clients have gone.
fn has_room(requests: &RequestSender, right: Right) -> bool {
    let half = requests.capacity().map(|all| all.div_ceil(2));
    right >= Right::Everything || half.is_none_or(|half| requests.len() < half)
}

/// What is said of an answer that does not come in time.
fn late(method: &Method) -> &'static str {
    if matches!(method, Method::OffloadSelftest(_)) {
        return "the test takes long, and may still be made: offload show has what it finds, if anything comes \
                back";
    }
    match (method.is_change(), method.is_for_keeper()) {
        (true, true) => "the change takes long, and may still be made: see config diff",
        (true, false) => "the change takes long, and may still be made",
        (false, true) => "the keeper did not answer in time: it may be at a change that takes long",
        (false, false) => "the state thread did not answer in time",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::requests;

    #[test]
    fn who_may_only_look_leaves_half_of_the_queue() {
        let block = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let ask = |ways: &Ways, right| {
            let asked = Asked::by(right, Method::Version);
            let error = block
                .block_on(ask(ways, Duration::ZERO, asked))
                .unwrap_err();
            error.code
        };
        for (capacity, looks) in [(1, 1), (2, 1), (8, 4), (64, 32)] {
            // Nobody takes what is asked: its clients are gone, as these are.
            let (sender, asked) = requests(capacity);
            let ways = sender.into();
            for number in 0..capacity {
                let told = ask(&ways, Right::Look);
                let busy = number >= looks;
                assert_eq!(
                    told == RpcError::BUSY,
                    busy,
                    "{number} of {capacity}: {told}"
                );
                if busy {
                    assert_eq!(ask(&ways, Right::Everything), RpcError::TIMEOUT);
                }
            }
            assert_eq!(asked.len(), capacity);
            assert_eq!(ask(&ways, Right::Everything), RpcError::BUSY);
        }
    }
}
