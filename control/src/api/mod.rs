//! The API: JSON-RPC 2.0 over a Unix socket.
//!
//! A message is one JSON object on one line: UTF-8, ended by `\n`. A request has at most
//! [`MAX_REQUEST`] bytes, or [`MAX_LONG_REQUEST`] if it brings a whole configuration or many entries,
//! of which there is one at a time; an answer may be longer. Requests of one connection are answered one
//! after the other. A notification is carried out and not answered; lists of requests are refused.
//!
//! ```text
//! client -> socket -> api thread -> queue -> state thread: what is
//!                       |  text  \  typed
//!                       |         `-> queue -> keeper: what is wanted
//!                       '- bounds in number, size and time, so that a slow client waits alone
//! ```
//!
//! [`messages`] are the answers, [`RpcError`] has the codes of refusals.

mod access;
mod ask;
mod beside;
mod capture;
pub mod client;
mod connection;
mod dump;
mod ending;
mod events;
mod gone;
mod live;
pub mod messages;
mod params;
mod request;
mod room;
mod rpc;
mod schema;
mod server;
mod socket;
mod subscription;
mod text;
mod waiting;

pub use access::Access;
pub use request::{Answer, Refused, Request, RequestReceiver, RequestSender, Ways, requests};
pub use rpc::{MAX_LONG_REQUEST, MAX_REQUEST, RpcError};
pub use schema::{API_VERSION, schema};
pub use server::{Server, Settings};
pub use socket::ApiError;
pub use subscription::{LISTENERS, Subscriber, Subscription, subscription};

#[cfg(test)]
mod tests;
