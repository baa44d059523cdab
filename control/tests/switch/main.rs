//! Whole switches in one process: bytes in, bytes out, and exactly the counters that moved.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/readers.rs"]
mod readers;
#[path = "../common/offload.rs"]
mod reports;

mod ageing;
mod behind;
mod bridging;
mod cache;
mod capture;
mod change;
mod change_any;
mod change_devices;
mod change_order;
mod cold_warm;
mod commands;
mod dropped;
mod drops;
mod dump;
mod events;
mod explain;
mod flood;
mod flush;
mod frames;
mod going_back;
mod host;
mod joined;
mod large;
mod links;
mod malformed;
mod moves;
mod neighbours;
mod next;
mod numbers;
mod offload;
mod outer;
mod parting;
mod permanent;
mod pollers;
mod reasons;
mod remotes;
mod returning;
mod reuse;
mod routes;
mod statics;
mod sums;
mod told;
mod vlans;
mod waiting;
mod workers;
