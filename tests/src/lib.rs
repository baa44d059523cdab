//! The lab of overpath's end-to-end tests: namespaces, real peers, the daemon, and what is said of
//! them afterwards.
//!
//! ```text
//!   Netns "vtep"            Netns "switch"              Netns "host"
//!   kernel vxlan -- eth0 == [uplink overpathd lan] == eth0 -- 10.0.0.2
//!                        tap or veth              tap or veth
//! ```
//!
//! A test makes a [`lab::Lab`], adds ports, starts the daemon with a configuration, plugs the
//! kernel's ends into hosts, sends traffic and reads what happened:
//!
//! ```no_run
//! use overpath_tests::{lab::{Lab, Link}, netns::Netns, traffic};
//!
//! # fn main() -> overpath_tests::Result<()> {
//! let mut lab = Lab::new(Link::Tap)?;
//! let (a, b) = (lab.port("a", 1500)?, lab.port("b", 1500)?);
//! lab.start("[[bridge]]\nname = \"br\"\nports = [\"a\", \"b\"]\n")?;
//! let (left, right) = (Netns::new("left")?, Netns::new("right")?);
//! lab.plug(&a, &left, "02:00:00:00:00:01", Some("10.0.0.1/24"))?;
//! lab.plug(&b, &right, "02:00:00:00:00:02", Some("10.0.0.2/24"))?;
//! traffic::ping(&left, "10.0.0.2", 3, 56)?.all()?;
//! lab.stop()?.check()?;
//! # Ok(())
//! # }
//! ```
//!
//! Every object takes away what it made when it is dropped, and touches nothing else: names carry
//! the process id and a count, so two copies of all tests can run at once. No test asserts a time;
//! waits end as soon as what they wait for is there, and their limits are generous.

pub mod account;
pub mod arp_peer;
pub mod capture;
pub mod command;
pub mod daemon;
pub mod frame;
pub mod golden;
pub mod guest;
pub mod hold;
pub mod lab;
pub mod manager;
pub mod mesh;
pub mod netns;
pub mod nicmodel;
pub mod numbered;
pub mod ovs;
pub mod pcap;
pub mod placement;
pub mod routed;
pub mod rpc;
pub mod site;
pub mod skip;
pub mod stream;
pub mod testpmd;
pub mod traffic;
pub mod turn;
pub mod wait;

/// What went wrong, as a sentence that a person reads in the test's output.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Result of everything in the lab.
pub type Result<T = ()> = std::result::Result<T, Error>;
