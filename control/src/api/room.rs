//! What clients share of which there is little: memory for long requests and for long answers, and places
//! among those who listen. Who may only look leaves some of it to who may do everything.

use super::access::Right;
use super::beside;
use super::messages::Method;
use super::rpc::RpcError;
use super::subscription::LISTENERS;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Long answers that state or the keeper makes, or clients have not taken yet, at one time.
const ANSWERS: usize = 4;
/// Those of them that who may only look does not get.
const ANSWERS_KEPT: usize = 2;
/// Places among those who listen that who may only look does not get.
const LISTENERS_KEPT: usize = 2;
/// How long a client waits for its turn before it is told to ask again: longer than it takes clients that
/// take their answers.
const PATIENCE: Duration = Duration::from_secs(1);

/// A part of what there is little of. Whoever drops it, on whatever thread, gives it back.
#[derive(Debug)]
pub(super) struct Held {
    _part: OwnedSemaphorePermit,
    /// And one of those for who may only look.
    _looks: Option<OwnedSemaphorePermit>,
}

/// What there is of it in one server.
#[derive(Debug)]
pub(super) struct Room {
    request: Arc<Semaphore>,
    /// Of state, and of the keeper: whom a change holds up takes nothing of the other.
    answers: [Answers; 2],
    /// For who may only look. How many listen in all is state's to say.
    listeners: Arc<Semaphore>,
}

#[derive(Debug)]
struct Answers {
    all: Arc<Semaphore>,
    looks: Arc<Semaphore>,
}

impl Room {
    pub(super) fn new() -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        let answers = || Answers {
            all: places(ANSWERS),
            looks: places(ANSWERS - ANSWERS_KEPT),
        };
        Room {
            request: places(1),
            answers: [answers(), answers()],
            listeners: places(LISTENERS - LISTENERS_KEPT),
        }
    }

    /// For a long request, until it is answered and forgotten. `None` if there is another.
    pub(super) fn request(&self) -> Option<Held> {
        let _part = Arc::clone(&self.request).try_acquire_owned().ok()?;
        let _looks = None;
        Some(Held { _part, _looks })
    }

    /// For what `method` is answered by, before it is asked, if that takes room.
    pub(super) async fn answer(
        &self,
        right: Right,
        method: &Method,
    ) -> Result<Option<Held>, RpcError> {
        if matches!(method, Method::EventsSubscribe(_)) {
            return self.listener(right);
        }
        if !beside::may_be_long(method) {
            return Ok(None);
        }
        let answers = &self.answers[usize::from(method.is_for_keeper())];
        match timeout(PATIENCE, answers.hold(right)).await {
            Ok(Ok(held)) => Ok(Some(held)),
            Ok(Err(_)) | Err(_) => Err(RpcError::new(
                RpcError::BUSY,
                "busy: other clients have not taken their long answers yet; ask again",
            )),
        }
    }

    fn listener(&self, right: Right) -> Result<Option<Held>, RpcError> {
        if right >= Right::Everything {
            return Ok(None);
        }
        let part = Arc::clone(&self.listeners).try_acquire_owned();
        let _part = part.map_err(|_| {
            let most = LISTENERS - LISTENERS_KEPT;
            let message = format!(
                "{most} clients that may only look listen to events already: end one of them"
            );
            RpcError::new(RpcError::REFUSED, message)
        })?;
        let _looks = None;
        Ok(Some(Held { _part, _looks }))
    }
}

impl Answers {
    /// Who may only look waits behind others of its kind, and takes no turn of others meanwhile.
    async fn hold(&self, right: Right) -> Result<Held, AcquireError> {
        let _looks = match right {
            Right::Everything => None,
            Right::Look | Right::Nothing => Some(Arc::clone(&self.looks).acquire_owned().await?),
        };
        let _part = Arc::clone(&self.all).acquire_owned().await?;
        Ok(Held { _part, _looks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::messages::EventKinds;

    /// What is got of it, if it is asked for so often.
    fn take(room: &Room, right: Right, method: &Method, times: usize) -> Vec<Held> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut all = Vec::new();
            for _ in 0..times {
                all.extend(room.answer(right, method).await.ok().flatten());
            }
            all
        })
    }

    #[test]
    fn one_request_at_a_time_is_long() {
        let room = Room::new();
        let first = room.request();
        assert!(first.is_some() && room.request().is_none());
        drop(first);
        assert!(room.request().is_some());
    }

    #[test]
    fn who_may_only_look_leaves_some_long_answers() {
        let (room, method) = (Room::new(), Method::StatsShow);
        let looks = take(&room, Right::Look, &method, ANSWERS - ANSWERS_KEPT + 1);
        assert_eq!(looks.len(), ANSWERS - ANSWERS_KEPT);
        let others = take(&room, Right::Everything, &method, ANSWERS_KEPT + 1);
        assert_eq!(others.len(), ANSWERS_KEPT);
        // What waits for the keeper holds up nobody who asks state.
        let keeper = take(&room, Right::Look, &Method::ConfigExport, 1);
        assert_eq!(keeper.len(), 1);
        drop(looks);
        assert_eq!(take(&room, Right::Look, &method, 1).len(), 1);
        drop((others, keeper));
        let all = take(&room, Right::Everything, &method, ANSWERS);
        assert_eq!(all.len(), ANSWERS);
    }

    #[test]
    fn who_may_only_look_leaves_places_to_listen() {
        let room = Room::new();
        let listen = Method::EventsSubscribe(EventKinds::all());
        let looks = take(&room, Right::Look, &listen, LISTENERS);
        assert_eq!(looks.len(), LISTENERS - LISTENERS_KEPT);
        let refused = room.listener(Right::Look).unwrap_err();
        assert_eq!(refused.code, RpcError::REFUSED);
        // State counts the others.
        assert!(matches!(room.listener(Right::Everything), Ok(None)));
        drop(looks);
        assert!(matches!(room.listener(Right::Look), Ok(Some(_))));
    }

    #[test]
    fn what_is_short_takes_no_room() {
        let room = Room::new();
        assert!(take(&room, Right::Look, &Method::Version, 100).is_empty());
    }
}
