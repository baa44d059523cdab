//! What is known of drivers beforehand. Nothing that is peculiar to one stands anywhere else.
//!
//! Each line was read in the sources and guides of DPDK 22.11 to 25.11. None was seen on a NIC.

use super::nic::{Meaning, NicError};
use nix::errno::Errno;

/// The UDP port of VXLAN that parsers know by themselves, if they know any (RFC 7348, section 5).
pub const IANA: u16 = fastpath::wire::vxlan::PORT;

/// How the parser of a NIC comes to know UDP ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// It knows this one and learns no other. It is not asked for it.
    Fixed(u16),
    /// It is told each, and has room for so many. More are never told: where there is room for one,
    /// the next takes its place without a word.
    Told(usize),
    /// It is told none, for this reason.
    Never(&'static str),
    /// It is told as many, but only before the port starts: later the NIC restarts for it.
    ToldBefore(usize),
}

/// On what a rule depends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// On nothing else: what names a UDP port finds it.
    Alone,
    /// On the parser: it finds tunnels behind UDP ports alone that the parser knows.
    Parser,
    /// There are to be none, for this reason.
    Never(&'static str),
}

/// Which packets a rule covers that names no UDP port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bare {
    /// Those behind any that the parser knows.
    Known,
    /// Those behind [`IANA`].
    Iana,
}

/// What is known of a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Driver {
    /// How its name begins.
    name: &'static str,
    /// UDP ports.
    pub ports: Ports,
    /// Rules.
    pub rules: Rules,
    /// Rules without a UDP port.
    pub bare: Bare,
    /// Whether it may be asked to take outer headers off.
    pub strips: bool,
    /// Whether a rule that names no tag leaves packets with one alone, even if that is not said.
    pub tells_tags: bool,
    /// Errors for a UDP port that mean something else than they say.
    odd: &'static [(Errno, Odd)],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Odd {
    /// It is known already, if it is this one, or whichever it is.
    Known(Option<u16>),
    /// No room.
    Full,
}

/// What became of a UDP port that a driver refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The parser knows it all the same.
    Known,
    /// It does not.
    Not(Meaning),
}

/// What nothing is known of.
const UNKNOWN: Driver = Driver {
    name: "",
    ports: Ports::Told(1),
    rules: Rules::Alone,
    bare: Bare::Known,
    strips: false,
    tells_tags: false,
    odd: &[],
};

const fn told(name: &'static str, ports: usize) -> Driver {
    Driver {
        name,
        ports: Ports::Told(ports),
        rules: Rules::Parser,
        ..UNKNOWN
    }
}

const fn fixed(name: &'static str) -> Driver {
    Driver {
        name,
        ports: Ports::Fixed(IANA),
        ..UNKNOWN
    }
}

/// Drivers without a NIC behind them. They have no parser and refuse everything as a rule; nothing
/// is lost by asking, and there is nothing that one port could take from another.
const fn software(name: &'static str) -> Driver {
    Driver {
        name,
        ports: Ports::Told(usize::MAX),
        ..UNKNOWN
    }
}

/// All that something is known of. Of two whose names a driver begins with, the longer counts.
pub const DRIVERS: &[Driver] = &[
    // "mlx5_pci", and "mlx5_auxiliary" of sub-functions. A rule says its UDP port itself.
    Driver {
        strips: true,
        tells_tags: true,
        bare: Bare::Iana,
        ..fixed("mlx5_")
    },
    told("net_i40e", 16),
    Driver {
        // -13, an internal number of its own, looks like a lack of rights.
        odd: &[(Errno::EACCES, Odd::Full)],
        ..told("net_ice", 16)
    },
    // The kernel's driver of the physical function has its ports.
    Driver {
        rules: Rules::Never("net_iavf has no rules for tunnels"),
        ..told("net_iavf", 0)
    },
    Driver {
        // Only X550 has the register; others refuse.
        rules: Rules::Never("rules for tunnels would set the UDP port of net_ixgbe back to 4789"),
        ..told("net_ixgbe", 1)
    },
    told("net_txgbe", 1),
    told("net_qede", 1),
    Driver {
        strips: true,
        ..told("net_bnxt", 1)
    },
    Driver {
        // It begins with 4789, and does not want to be told so.
        odd: &[(Errno::EINVAL, Odd::Known(Some(IANA)))],
        ..told("net_enic", 1)
    },
    Driver {
        ports: Ports::ToldBefore(16),
        odd: &[(Errno::EEXIST, Odd::Known(None))],
        ..told("net_sfc", 16)
    },
    Driver {
        strips: true,
        odd: &[(Errno::EINVAL, Odd::Full)],
        ..told("net_nfp", 4)
    },
    Driver {
        rules: Rules::Parser,
        ..fixed("net_hns3")
    },
    // It could take outer headers off. Its rules outlive a stop, after which their marks mean nothing.
    Driver {
        rules: Rules::Parser,
        ..fixed("net_cn9k")
    },
    Driver {
        rules: Rules::Parser,
        ..fixed("net_cn10k")
    },
    software("net_virtio"),
    software("net_vhost"),
    software("net_tap"),
    software("net_af_xdp"),
    software("net_af_packet"),
    software("net_memif"),
    software("net_null"),
    software("net_ring"),
    software("net_pcap"),
    software("net_softnic"),
    Driver {
        // Rules it does pass on, to each of them.
        ports: Ports::Never("net_bonding does not tell its members UDP ports"),
        ..software("net_bonding")
    },
    software("net_failsafe"),
];

impl Driver {
    /// What is known of the driver of this name. One that is not in the list is told one UDP port at
    /// most, since it might forget the one before without a word.
    pub fn of(name: &str) -> &'static Driver {
        let fits = DRIVERS.iter().filter(|it| name.starts_with(it.name));
        fits.max_by_key(|it| it.name.len()).unwrap_or(&UNKNOWN)
    }

    /// UDP ports that its parser knows without being told.
    pub const fn knows(&self, port: u16) -> bool {
        matches!(self.ports, Ports::Fixed(fixed) if fixed == port)
    }

    /// Most UDP ports that it is told.
    pub const fn room(&self) -> usize {
        match self.ports {
            Ports::Fixed(_) | Ports::Never(_) => 0,
            Ports::Told(room) | Ports::ToldBefore(room) => room,
        }
    }

    /// Whether it is told UDP ports before its port starts, and not later.
    pub const fn told_before(&self) -> bool {
        matches!(self.ports, Ports::ToldBefore(_))
    }

    /// What it means that it did not take a UDP port.
    pub fn refused(&self, port: u16, error: &NicError) -> Refusal {
        let mut odd = self.odd.iter().filter(|(errno, _)| *errno == error.errno);
        match odd.next() {
            Some((_, Odd::Full)) => Refusal::Not(Meaning::Full),
            Some((_, Odd::Known(which))) if which.is_none_or(|which| which == port) => {
                Refusal::Known
            }
            _ => Refusal::Not(error.meaning()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str, port: u16, errno: Errno) -> Refusal {
        Driver::of(name).refused(
            port,
            &NicError {
                errno,
                message: None,
            },
        )
    }

    #[test]
    fn a_driver_is_known_by_how_its_name_begins() {
        for (name, begins) in [
            ("mlx5_pci", "mlx5_"),
            ("mlx5_auxiliary", "mlx5_"),
            ("net_ice", "net_ice"),
            ("net_ice_dcf", "net_ice"),
            ("net_sfc_efx", "net_sfc"),
            ("net_nfp_pf", "net_nfp"),
            ("net_cn10k", "net_cn10k"),
            ("net_virtio_user", "net_virtio"),
            ("net_i40e_vf", "net_i40e"),
            ("net_nothing", ""),
            ("", ""),
        ] {
            assert_eq!(Driver::of(name).name, begins, "{name}");
        }
    }

    #[test]
    fn where_one_port_would_take_the_place_of_another_only_one_is_told() {
        for name in [
            "net_ixgbe",
            "net_txgbe",
            "net_bnxt",
            "net_enic",
            "net_qede",
            "net_new",
        ] {
            assert_eq!(Driver::of(name).room(), 1, "{name}");
        }
        assert_eq!(Driver::of("net_nfp_pf").room(), 4);
        for name in ["net_i40e", "net_ice", "net_sfc_efx"] {
            assert_eq!(Driver::of(name).room(), 16, "{name}");
        }
        assert!(Driver::of("net_ring").room() > 16);
        assert_eq!(Driver::of("net_bonding").room(), 0);
    }

    #[test]
    fn parsers_that_know_4789_alone_are_told_nothing() {
        for name in ["mlx5_pci", "net_hns3", "net_cn9k", "net_cn10k"] {
            let driver = Driver::of(name);
            assert!(driver.knows(4789) && !driver.knows(8472), "{name}");
            assert_eq!(driver.room(), 0, "{name}");
        }
        assert!(!Driver::of("net_ice").knows(4789));
    }

    #[test]
    fn what_errors_for_udp_ports_mean() {
        use Refusal::{Known, Not};
        for (name, port, errno, meaning) in [
            ("mlx5_pci", 8472, Errno::ENOTSUP, Not(Meaning::Never)),
            ("net_i40e", 4789, Errno::EINVAL, Not(Meaning::Never)),
            ("net_i40e", 4789, Errno::ENOSPC, Not(Meaning::Full)),
            ("net_ice", 4789, Errno::EACCES, Not(Meaning::Full)),
            ("net_i40e", 4789, Errno::EACCES, Not(Meaning::Never)),
            ("net_ixgbe", 4789, Errno::ENOTSUP, Not(Meaning::Never)),
            ("net_bnxt", 8472, Errno::ENOSPC, Not(Meaning::Full)),
            ("net_sfc_efx", 8472, Errno::EEXIST, Known),
            ("net_sfc_efx", 8472, Errno::ENOSPC, Not(Meaning::Full)),
            ("net_nfp_pf", 8472, Errno::EINVAL, Not(Meaning::Full)),
            ("net_enic", 4789, Errno::EINVAL, Known),
            ("net_enic", 8472, Errno::EINVAL, Not(Meaning::Never)),
            ("net_virtio", 4789, Errno::ENOTSUP, Not(Meaning::Never)),
            ("net_bnxt", 4789, Errno::EBUSY, Not(Meaning::Later)),
            ("net_bnxt", 4789, Errno::ENODEV, Not(Meaning::Gone)),
            ("net_enic", 4789, Errno::EIO, Not(Meaning::Gone)),
        ] {
            assert_eq!(refused(name, port, errno), meaning, "{name} {port} {errno}");
        }
    }

    #[test]
    fn outer_headers_are_taken_off_by_few() {
        let strips = |name: &&str| Driver::of(name).strips;
        let can = ["mlx5_pci", "net_bnxt", "net_nfp_pf"];
        assert!(can.iter().all(strips));
        let cannot = [
            "net_ice",
            "net_i40e",
            "net_cn9k",
            "net_cn10k",
            "net_ring",
            "net_new",
        ];
        assert!(!cannot.iter().any(strips));
    }
}
