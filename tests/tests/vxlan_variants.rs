//! The kernel's VXLAN in its other forms, all at once on one underlay with the switch: with and
//! without outer checksums, sending by route instead of by device, to several remotes of its own.
//!
//! ```text
//!   1 plain   2 noudpcsum   3 by route   4 by route, csum   5 two remotes: the switch and 1
//!   +-----------+-------------+-------------+-----------------+---- segment ---- switch -- host 1
//! ```

use overpath_tests::account::counters_moved;
use overpath_tests::lab::{HOST_END, Link};
use overpath_tests::netns::Netns;
use overpath_tests::site::{
    HOST_DEVICE, MARKED, Plan, SWITCH, Site, VNI, VTEP_DEVICE, host_ip, host_mac, marked, underlay,
    vtep_ip, vtep_mac,
};
use overpath_tests::traffic::{self, Capture};
use overpath_tests::{Result, need, skip};

const BROADCAST: &str = "ff:ff:ff:ff:ff:ff";

/// How a kernel VTEP differs from the usual one.
#[derive(Clone, Copy, Debug)]
struct Variant {
    /// Of the device; its remote is the switch unless it sends by route.
    device: &'static str,
    /// It sends by a route that says tunnel and remote, with these words.
    route: Option<&'static str>,
    /// It has VTEP 1 as a second remote.
    second: bool,
    /// Its outer UDP checksums are not zero.
    sums: bool,
}

const PLAIN: Variant = Variant {
    device: "udpcsum",
    route: None,
    second: false,
    sums: true,
};

const VARIANTS: [Variant; 5] = [
    PLAIN,
    Variant {
        device: "noudpcsum",
        sums: false,
        ..PLAIN
    },
    Variant {
        device: "external",
        route: Some(""),
        sums: false,
        ..PLAIN
    },
    Variant {
        device: "external",
        route: Some("csum"),
        ..PLAIN
    },
    Variant {
        second: true,
        ..PLAIN
    },
];

impl Variant {
    /// Makes VTEP `n`, from 1, such a one.
    fn apply(self, vtep: &Netns, n: u8) -> Result {
        let (local, mac, dev) = (underlay(n), vtep_mac(n), VTEP_DEVICE);
        let what = match self.route {
            Some(_) => self.device.to_owned(),
            None => format!("id {VNI} local {local} dev {HOST_END} {}", self.device),
        };
        vtep.ip(&format!("link del {dev}"))?;
        vtep.ip(&format!(
            "link add {dev} address {mac} type vxlan dstport 4789 {what}"
        ))?;
        vtep.ip(&format!("link set {dev} up mtu 1450"))?;
        let Some(options) = self.route else {
            vtep.ip(&format!("addr add {}/24 dev {dev}", vtep_ip(n)))?;
            append(vtep, SWITCH)?;
            return match self.second {
                true => append(vtep, &underlay(1)),
                false => Ok(()),
            };
        };
        let host = host_ip(1);
        vtep.ip(&format!("addr add {}/32 dev {dev}", vtep_ip(n)))?;
        vtep.ip(&format!(
            "route add {host}/32 encap ip id {VNI} dst {SWITCH} src {local} {options} dev {dev}"
        ))?;
        let mac = host_mac(1);
        vtep.ip(&format!("neigh add {host} lladdr {mac} dev {dev}"))
            .map(drop)
    }
}

/// Adds a remote to those that get what has no entry.
fn append(vtep: &Netns, remote: &str) -> Result {
    let all = "00:00:00:00:00:00";
    let entry = ["fdb", "append", all, "dev", VTEP_DEVICE, "dst", remote];
    vtep.run("bridge", &entry).map(drop)
}

/// The outer UDP checksums of what a VTEP sends are there, or are not.
fn check_sums(site: &Site, n: u8, variant: Variant) -> Result {
    let sent = Capture::start(
        site.vtep(n),
        HOST_END,
        "-Q out udp dst port 4789 and host 192.0.2.254",
    )?;
    traffic::ping(site.vtep(n), &host_ip(1), 2, 64)?.all()?;
    for frame in sent.wait(2)? {
        assert_eq!(frame[40..42] != [0, 0], variant.sums, "{n} {variant:?}");
    }
    Ok(())
}

/// What is flooded reaches each VTEP once, whatever it is; what the VTEP with two remotes floods
/// comes to the host through the switch, and through nobody to the other VTEPs.
fn floods(site: &Site) -> Result {
    let filter = format!("-Q in ether proto {MARKED:#x}");
    let vteps = site.vteps.iter();
    let seen = vteps.map(|vtep| Capture::start(vtep, VTEP_DEVICE, &filter));
    let seen = seen.collect::<Result<Vec<_>>>()?;
    let host = Capture::start(site.host(1), HOST_DEVICE, &filter)?;
    let flood = marked(BROADCAST, &host_mac(1), 1);
    site.host(1)
        .send_frames(HOST_DEVICE, std::slice::from_ref(&flood), 1)?;
    for capture in &seen {
        assert_eq!(capture.wait(1)?, std::slice::from_ref(&flood));
    }
    let second = marked(BROADCAST, &vtep_mac(5), 2);
    site.vtep(5)
        .send_frames(VTEP_DEVICE, std::slice::from_ref(&second), 1)?;
    assert_eq!(host.wait(1)?, std::slice::from_ref(&second));
    assert_eq!(seen[0].wait(2)?, [flood, second]);
    assert_eq!(host.settle()?.len(), 1);
    let copies: Vec<_> = seen
        .iter()
        .map(|c| Ok(c.frames()?.len()))
        .collect::<Result<_>>()?;
    assert_eq!(copies, [2, 1, 1, 1, 1]);
    Ok(())
}

fn every_form_of_kernel_vtep_talks(link: Link) -> Result {
    let site = Site::new(Plan::new(link).vteps(VARIANTS.len() as u8))?;
    let before = site.lab.daemon()?.stats()?;
    for (n, variant) in (1..).zip(VARIANTS) {
        let (vtep, host) = (site.vtep(n), site.host(1));
        variant.apply(vtep, n)?;
        traffic::reach(vtep, &host_ip(1))?;
        traffic::reach(host, &vtep_ip(n))?;
        for payload in [64, 1422] {
            traffic::ping(vtep, &host_ip(1), 3, payload)?.all()?;
            traffic::ping(host, &vtep_ip(n), 3, payload)?.all()?;
        }
        let entry = site.wait_fdb(&vtep_mac(n), "remote", &underlay(n))?;
        assert_eq!(entry["kind"], "learned", "{entry}");
        check_sums(&site, n, variant)?;
    }
    traffic::iperf3(site.vtep(4), site.host(1), &host_ip(1), &["-t", "1"])?;
    floods(&site)?;
    // The VTEPs' ARP for each other; and what two of them send each other through nobody.
    let moved = counters_moved(&before, &site.lab.daemon()?.wait_quiet()?)?;
    let usual = ["not_for_us", "other_host"];
    let mut names = moved.keys();
    assert!(names.all(|name| usual.contains(&&**name)), "{moved:?}");
    site.finish()
}

macro_rules! over {
    ($($name:ident: $link:expr),+ $(,)?) => {
        $(
            #[test]
            fn $name() -> Result {
                need!(skip::LAB, skip::VXLAN, "ethtool", "iperf3", "ping", "tcpdump", "bridge", "python3");
                need!($link.need());
                every_form_of_kernel_vtep_talks($link)
            }
        )+
    };
}

over!(
    every_form_of_kernel_vtep_talks_over_net_tap: Link::Tap,
    every_form_of_kernel_vtep_talks_over_net_af_packet: Link::AfPacket,
    every_form_of_kernel_vtep_talks_over_net_af_xdp: Link::AfXdp,
);
