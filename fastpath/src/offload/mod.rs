//! What a NIC is told of tunnels, and what it says of packets in return.
//!
//! A [`Rule`] is a plain value: the driver gets it as rte_flow, people read it in the words of
//! testpmd, tests compare it, and a model carries it out. A packet that matches it arrives with a
//! [`Mark`], which predicts its tunnel. A prediction is a hint: whoever uses it confirms it with
//! the packet's own bytes.

pub mod bare;
pub(crate) mod belief;
pub mod hints;
pub mod inspect;
pub mod mark;
pub mod rule;
pub mod truth;

pub use bare::Front;
pub use hints::{Expected, Hints};
pub use inspect::Lie;
pub use mark::{Mark, Width};
pub use rule::{Delivery, Pattern, Rule};
pub use truth::{Fit, Truth};
