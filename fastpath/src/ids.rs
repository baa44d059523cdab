//! Small numbers that name things, each a type of its own so that none is taken for another.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $limit:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u16);

        impl $name {
            /// One more than the largest number.
            pub const LIMIT: usize = $limit;

            /// `None` at or above [`Self::LIMIT`].
            pub const fn new(number: usize) -> Option<Self> {
                if number < Self::LIMIT { Some($name(number as u16)) } else { None }
            }

            /// What is left of a number that is known to be below the limit, without a branch.
            #[inline]
            pub const fn modulo(number: usize) -> Self {
                $name((number % Self::LIMIT) as u16)
            }

            /// The number, as an index into a table.
            pub const fn index(self) -> usize {
                self.0 as usize
            }

            /// The number, as it stands in keys and table values.
            pub const fn get(self) -> u16 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

id!(
    /// A port of the switch: its place in [`Snapshot::ports`](crate::snapshot::Snapshot::ports).
    /// Not the number that DPDK gives it.
    PortId, 256
);
id!(
    /// A receive or transmit queue of a port: its number there, as the device has it.
    QueueId, 64
);
id!(
    /// An underlay link, which is a port or one VLAN of it on which the switch has addresses: its
    /// place in the snapshot's list of links.
    LinkId, 2048
);
id!(
    /// A bridge: its place in the snapshot's list of bridges.
    BridgeId, 4096
);
id!(
    /// A tunnel end point of ours (local address, UDP port, VNI): its place in the snapshot.
    TunnelId, 4096
);
id!(
    /// A (tunnel, remote) pair: its place in the snapshot's list of remote records.
    RemoteId, 16384
);
id!(
    /// A worker: 0 for the first one.
    WorkerId, 64
);
