//! The control plane of overpath: wanted state in, snapshots out.
//!
//! ```text
//!   config::Wanted --> state::State --snapshot, fdb, next hops--> workers (fastpath)
//!                       ^   ^   |  <--events, punts, queues back--
//!          api::Server -+   |   +--Order--> device thread: every slow call to a NIC
//!          (clients)        +-----Report---
//! ```
//!
//! [`config`] reads what is wanted. [`state::assemble`] makes a [`state::State`] and its workers, and
//! [`state::State::step`] is one round of it: it takes what came in, lets time pass, and makes the
//! difference known. What it knows is in [`ports`], [`tunnels`], [`neighbours`] and [`mod@fdb`];
//! [`mod@snapshot`] makes of them what workers read. [`mod@explain`] says what they would do with a
//! frame. [`api`] answers clients, and [`device`] is the
//! language between state and the thread that talks to NICs. [`service`] tells a service manager that
//! all goes on. The binaries `overpathd` and `overpath` join these.
//!
//! # Threads
//!
//! State is the one writer of all that workers read; it never waits for a client, a worker or a NIC.
//! The api thread and the device thread talk to it by bounded queues and share nothing with it. The
//! library starts the api thread only ([`api::Server::start`]); the daemon places the others.
//!
//! # Example
//!
//! [`rig::Rig`] is a whole switch in one thread, on the heap, with time by hand:
//!
//! ```
//! use control::{config::Wanted, rig::Rig};
//!
//! let wanted = Wanted::parse(
//!     r#"
//!     port = [{ name = "a", device = "heap0" }, { name = "b", device = "heap1" }]
//!     bridge = [{ name = "br0", ports = ["a", "b"] }]
//!     "#,
//!     "example.toml",
//! )?;
//! let mut rig = Rig::new(wanted, 1);
//! let frame = [&[0xff; 6][..], &[2, 0, 0, 0, 0, 1], &[0x88, 0xb5], &[0; 46]].concat();
//! rig.send("a", &frame);
//! rig.run(1);
//! assert_eq!(rig.received("b"), [frame]);
//! let account = rig.close();
//! assert_eq!((account.received, account.sent, account.dropped), (1, 1, 0));
//! # Ok::<(), control::config::ConfigErrors>(())
//! ```

pub mod ageing;
pub mod api;
pub mod args;
pub mod bridges;
mod bucket;
pub mod change;
pub mod config;
pub mod device;
pub mod explain;
pub mod fdb;
pub mod host;
pub mod keeper;
pub mod links;
pub mod neighbours;
pub mod news;
pub mod numbers;
pub mod offload;
pub mod ports;
mod rates;
pub mod reconcile;
pub mod rig;
pub mod routes;
pub mod service;
pub mod snapshot;
pub mod state;
pub mod store;
pub mod trace;
pub mod tunnels;
pub mod waiting;
