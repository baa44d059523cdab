//! Whether we may use the devices that were asked for.

use super::{Doctor, arguments};

const NET_ADMIN: u32 = 12;
const NET_RAW: u32 = 13;
const IPC_LOCK: u32 = 14;
const SYS_ADMIN: u32 = 21;

/// Capabilities (`linux/capability.h`) that devices need.
struct Need {
    /// The devices' drivers; none: NICs.
    drivers: &'static [&'static str],
    /// Number and name of each capability.
    capabilities: &'static [(u32, &'static str)],
}

const NEEDS: [Need; 4] = [
    Need {
        drivers: &["net_tap"],
        capabilities: &[(NET_ADMIN, "CAP_NET_ADMIN")],
    },
    Need {
        drivers: &["net_af_packet", "net_pcap"],
        capabilities: &[(NET_RAW, "CAP_NET_RAW")],
    },
    Need {
        drivers: &["net_af_xdp"],
        capabilities: &[
            (NET_ADMIN, "CAP_NET_ADMIN"),
            (NET_RAW, "CAP_NET_RAW"),
            (SYS_ADMIN, "CAP_SYS_ADMIN"),
        ],
    },
    Need {
        drivers: &[],
        capabilities: &[(IPC_LOCK, "CAP_IPC_LOCK")],
    },
];

impl Need {
    /// Whether `device` is one of those.
    fn is_of(&self, device: &str) -> bool {
        let nic = self.drivers.is_empty() && arguments::is_pci(device);
        nic || self.drivers.iter().any(|driver| device.starts_with(driver))
    }
}

impl Doctor<'_> {
    /// Capabilities that the arguments call for.
    pub(super) fn rights(&mut self) {
        let given = &self.facts.arguments;
        let has = |bit: u32| self.facts.capabilities >> bit & 1 == 1;
        if given.iova_mode.as_deref() == Some("pa") && !given.no_huge && !has(SYS_ADMIN) {
            self.find(
                "--iova-mode=pa needs physical addresses, which CAP_SYS_ADMIN may read",
                given.command(&["iova-mode"], &["--iova-mode=va".to_owned()]),
            );
        }
        let mut lacking: Vec<&str> = Vec::new();
        for need in NEEDS {
            if given.devices().any(|device| need.is_of(device)) {
                let lacks = need.capabilities.iter().filter(|(bit, _)| !has(*bit));
                lacking.extend(lacks.map(|(_, name)| name));
            }
        }
        lacking.sort_unstable();
        lacking.dedup();
        if lacking.is_empty() {
            return;
        }
        let names = lacking.join(", ");
        if self.facts.uid == 0 {
            let add: Vec<String> = lacking
                .iter()
                .map(|name| format!("--cap-add={}", name.trim_start_matches("CAP_")))
                .collect();
            let mend = format!("docker run {} ...", add.join(" "));
            self.find(format!("root, but in a container without {names}"), mend);
        } else {
            let program = given.program();
            let mend = format!(
                "sudo setcap {}=ep {program}",
                lacking.join(",").to_lowercase()
            );
            self.find(format!("neither root nor with {names}"), mend);
        }
    }

    /// Whether NICs that were asked for can be had through VFIO.
    pub(super) fn vfio(&mut self) {
        let Some(nic) = self
            .facts
            .arguments
            .devices()
            .find(|device| arguments::is_pci(device))
        else {
            return;
        };
        let nic = nic.split(',').next().unwrap_or_default();
        let unless = "which NICs other than NVIDIA's need";
        if !self.facts.vfio {
            let mend = self.as_root("modprobe vfio-pci".to_owned());
            self.find(format!("there is no VFIO, {unless}"), mend);
        } else if self.facts.vfio_groups.is_empty() {
            let mend = self.as_root(format!("dpdk-devbind.py --bind=vfio-pci {nic}"));
            self.find(format!("no device is bound to vfio-pci, {unless}"), mend);
        } else if let Some(group) = self
            .facts
            .vfio_groups
            .iter()
            .find(|group| !group.accessible)
        {
            let path = format!("/dev/vfio/{}", group.name);
            let mend = format!("sudo chown {} {path}", self.facts.uid);
            self.find(format!("{path} may not be opened"), mend);
        }
    }
}
