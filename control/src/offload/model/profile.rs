//! What NICs of one kind do, as far as it was read of their drivers.

use crate::offload::nic::MarkDelivery;
use fastpath::offload::{Delivery, Pattern};
use nix::errno::Errno;

/// A kind of NIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Name of the driver.
    pub driver: &'static str,
    /// How its parser learns UDP ports.
    pub udp_ports: UdpPorts,
    /// Whether it has rules at all.
    pub has_rules: bool,
    /// Patterns that it takes.
    pub patterns: &'static [Pattern],
    /// Deliveries that it takes.
    pub deliveries: &'static [Delivery],
    /// Whether rules may name a VLAN.
    pub tagged: bool,
    /// Whether rules may count.
    pub counts: bool,
    /// Whether rules may take outer headers off.
    pub strips: bool,
    /// Whether rules may name VNI 0.
    pub vni_zero: bool,
    /// Whether rules find tunnels behind UDP ports that the parser does not know.
    pub own_ports: bool,
    /// The largest mark that it takes; `None`: it delivers none with tunnels.
    pub marks: Option<u32>,
    /// What it says when it is asked to deliver them.
    pub delivery: MarkDelivery,
    /// Whether UDP ports are to be told before it starts.
    pub tell_before: bool,
    /// How many rules it has room for.
    pub room: usize,
    /// Whether they live on while the port is stopped.
    pub keeps_rules: bool,
    /// Whether UDP ports do.
    pub keeps_ports: bool,
    /// The error for rules that it does not take.
    pub refusal: Errno,
}

/// How a parser learns UDP ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UdpPorts {
    /// Not at all, and there is no call.
    None,
    /// It knows this one. There is a call, which says so and does nothing, and none to take it back.
    Stub(u16),
    /// It knows this one, and there is no call.
    Fixed(u16),
    /// It has a table.
    Table(Table),
    /// It has one register.
    Register(Register),
}

/// A table of UDP ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// For so many.
    pub room: usize,
    /// What a port that somebody else told it already gives.
    pub duplicate: Duplicate,
    /// What one too many gives.
    pub full: Errno,
}

/// What comes of a UDP port that is known already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicate {
    /// Nothing.
    Accepted,
    /// This error.
    Refused(Errno),
}

/// A register for one UDP port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register {
    /// What it holds at first.
    pub first: Option<u16>,
    /// What that port gives when it is told.
    pub duplicate: Duplicate,
    /// What a second port gives; `None`: it takes the place of the first.
    pub full: Option<Errno>,
}

/// Knows nothing and does nothing.
const NOTHING: Profile = Profile {
    driver: "net_null",
    udp_ports: UdpPorts::None,
    has_rules: false,
    patterns: &[],
    deliveries: &[],
    tagged: false,
    counts: false,
    strips: false,
    vni_zero: true,
    own_ports: false,
    marks: None,
    delivery: MarkDelivery::Assumed,
    tell_before: false,
    room: 0,
    keeps_rules: false,
    keeps_ports: false,
    refusal: Errno::EINVAL,
};

impl Profile {
    /// No NIC at all.
    pub const NONE: Profile = NOTHING;

    /// virtio: neither a parser nor rules.
    pub const VIRTIO: Profile = Profile {
        driver: "net_virtio",
        ..NOTHING
    };

    /// ConnectX with DPDK 22.11.
    pub const MLX5: Profile = Profile {
        driver: "mlx5_pci",
        udp_ports: UdpPorts::Stub(4789),
        has_rules: true,
        patterns: &[
            Pattern::Tunnel,
            Pattern::Whole,
            Pattern::InnerEthernet,
            Pattern::InnerIpv4,
            Pattern::VniOnly,
        ],
        deliveries: &[Delivery::InnerRss, Delivery::Rss],
        tagged: true,
        counts: true,
        strips: true,
        vni_zero: false,
        own_ports: true,
        marks: Some(0xff_ffef),
        delivery: MarkDelivery::Assumed,
        room: usize::MAX,
        refusal: Errno::ENOTSUP,
        ..NOTHING
    };

    /// X710: a table of ports; rules for tunnels choose a function and write no marks.
    pub const I40E: Profile = Profile {
        driver: "net_i40e",
        udp_ports: UdpPorts::Table(Table {
            room: 16,
            duplicate: Duplicate::Refused(Errno::EINVAL),
            full: Errno::ENOSPC,
        }),
        has_rules: true,
        patterns: &[Pattern::InnerEthernet],
        deliveries: &[],
        room: 512,
        keeps_ports: true,
        ..NOTHING
    };

    /// E810: the flow director wants an inner IPv4 header, and has no RSS by inner headers.
    pub const ICE: Profile = Profile {
        driver: "net_ice",
        udp_ports: UdpPorts::Table(Table {
            room: 16,
            duplicate: Duplicate::Accepted,
            full: Errno::EACCES,
        }),
        has_rules: true,
        patterns: &[Pattern::InnerIpv4],
        deliveries: &[Delivery::PassOn, Delivery::Plain],
        counts: true,
        marks: Some(u32::MAX),
        room: 14_336,
        keeps_ports: true,
        ..NOTHING
    };

    /// X2: marks have to be negotiated, the hash of rules is the outer one.
    pub const SFC: Profile = Profile {
        driver: "net_sfc_efx",
        udp_ports: UdpPorts::Table(Table {
            room: 16,
            duplicate: Duplicate::Refused(Errno::EEXIST),
            full: Errno::ENOSPC,
        }),
        has_rules: true,
        patterns: &[Pattern::Tunnel],
        deliveries: &[Delivery::Rss],
        marks: Some(0xffff),
        delivery: MarkDelivery::Agreed,
        tell_before: true,
        room: 4_096,
        keeps_ports: true,
        ..NOTHING
    };

    /// NetXtreme-E: one port; rules mark, and may take outer headers off.
    pub const BNXT: Profile = Profile {
        driver: "net_bnxt",
        udp_ports: UdpPorts::Register(Register {
            first: None,
            duplicate: Duplicate::Accepted,
            full: Some(Errno::ENOSPC),
        }),
        has_rules: true,
        patterns: &[Pattern::Tunnel],
        deliveries: &[Delivery::Rss, Delivery::Plain],
        tagged: true,
        counts: true,
        strips: true,
        marks: Some(0xffff),
        room: 2_048,
        ..NOTHING
    };

    /// X550: one register, which the next port overwrites without a word.
    pub const IXGBE: Profile = Profile {
        driver: "net_ixgbe",
        udp_ports: UdpPorts::Register(Register {
            first: None,
            duplicate: Duplicate::Accepted,
            full: None,
        }),
        ..NOTHING
    };

    /// VIC: one register, which holds 4789 at first.
    pub const ENIC: Profile = Profile {
        driver: "net_enic",
        udp_ports: UdpPorts::Register(Register {
            first: Some(4789),
            duplicate: Duplicate::Refused(Errno::EINVAL),
            full: None,
        }),
        ..NOTHING
    };

    /// OCTEON: rules live on while the port is stopped.
    pub const CNXK: Profile = Profile {
        driver: "net_cn10k",
        udp_ports: UdpPorts::Fixed(4789),
        has_rules: true,
        patterns: &[Pattern::Tunnel],
        deliveries: &[Delivery::InnerRss, Delivery::Rss],
        counts: true,
        marks: Some(0xfffe),
        delivery: MarkDelivery::Agreed,
        room: 1_024,
        keeps_rules: true,
        ..NOTHING
    };

    /// All of them.
    pub const ALL: [Profile; 10] = [
        Profile::NONE,
        Profile::VIRTIO,
        Profile::MLX5,
        Profile::I40E,
        Profile::ICE,
        Profile::SFC,
        Profile::BNXT,
        Profile::IXGBE,
        Profile::ENIC,
        Profile::CNXK,
    ];
}
