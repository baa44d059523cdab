//! The API: JSON-RPC 2.0 over a Unix socket.

pub mod messages;
mod request;
mod text;

pub use request::{Request, RequestReceiver, RequestSender, requests};
