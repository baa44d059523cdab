//! Made-up hosts, and what is found wrong with them.

use super::*;

const ALL: u64 = u64::MAX;
const NO_HUGE: &str = "to try it out without huge pages, slower and with virtual devices only";
const TRIAL: &str = "od --no-huge -m 256 -- --config c";

/// A host where DPDK comes up: 512 of 2 MB pages, 500 of them free, hugetlbfs mounted, root.
fn sound(eal: &str) -> Facts {
    let line = format!("od {eal} -- --config c");
    Facts {
        arguments: Arguments::parse(line.split_whitespace().map(str::to_owned)),
        pool_mb: 40,
        uid: 0,
        capabilities: ALL,
        huge_pages: vec![pages(2048, 512, 500), pages(1_048_576, 0, 0)],
        default_huge_kb: Some(2048),
        mounts: vec![mount("/dev/hugepages", 2048)],
        vfio: true,
        vfio_groups: vec![group("7", true)],
    }
}

fn pages(kb: u64, total: u64, free: u64) -> HugePages {
    HugePages { kb, total, free }
}

fn mount(path: &str, page_kb: u64) -> HugeMount {
    HugeMount {
        path: path.to_owned(),
        page_kb,
        writable: true,
    }
}

fn group(name: &str, accessible: bool) -> VfioGroup {
    VfioGroup {
        name: name.to_owned(),
        accessible,
    }
}

/// What is found on a sound host after `change`.
fn found(eal: &str, change: impl FnOnce(&mut Facts)) -> Vec<(String, String)> {
    let mut facts = sound(eal);
    change(&mut facts);
    let found = diagnose(&facts).into_iter();
    found.map(|finding| (finding.what, finding.mend)).collect()
}

fn check(eal: &str, change: impl FnOnce(&mut Facts), expected: &[(&str, &str)]) {
    let found = found(eal, change);
    let found: Vec<_> = found
        .iter()
        .map(|(what, mend)| (&**what, &**mend))
        .collect();
    assert_eq!(found, expected, "{eal}");
}

fn no_pages(facts: &mut Facts) {
    facts.huge_pages = vec![pages(2048, 0, 0), pages(1_048_576, 0, 0)];
}

#[test]
fn nothing_is_wrong_with_a_sound_host() {
    for eal in [
        "",
        "-m 1000",
        "--socket-mem 500,500",
        "--in-memory",
        "--no-huge -m 64",
        "--huge-dir /dev/hugepages",
        "--huge-dir=/dev/hugepages/ours",
        "--iova-mode=pa -a 01:00.0 --vdev net_tap0",
    ] {
        check(eal, |_| {}, &[]);
    }
    check("--no-huge", no_pages, &[]);
}

#[test]
fn pages_that_are_not_reserved() {
    let file = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";
    let what = "no huge pages are reserved";
    check(
        "",
        no_pages,
        &[(what, &format!("echo 512 > {file}")), (NO_HUGE, TRIAL)],
    );
    check(
        "--in-memory -m 2000 -l 0",
        |facts| {
            no_pages(facts);
            facts.mounts.clear();
        },
        &[
            (what, &format!("echo 1000 > {file}")),
            (NO_HUGE, "od -l 0 --no-huge -m 2000 -- --config c"),
        ],
    );
    check(
        "",
        |facts| {
            no_pages(facts);
            facts.uid = 1000;
        },
        &[
            (what, &format!("sudo sh -c 'echo 512 > {file}'")),
            (NO_HUGE, TRIAL),
        ],
    );
    check(
        "",
        |facts| {
            no_pages(facts);
            facts.default_huge_kb = Some(1_048_576);
            facts.mounts = vec![mount("/dev/hugepages", 1_048_576)];
        },
        &[
            (
                what,
                "echo 1 > /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages",
            ),
            (NO_HUGE, TRIAL),
        ],
    );
    let none = |facts: &mut Facts| {
        facts.huge_pages.clear();
        facts.mounts.clear();
    };
    check("", none, &[("this kernel has no huge pages", TRIAL)]);
}

#[test]
fn pages_that_are_too_few() {
    let file = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";
    let in_use = |facts: &mut Facts| facts.huge_pages[0] = pages(2048, 16, 0);
    check(
        "",
        in_use,
        &[
            (
                "all of the 16 huge pages are in use",
                &format!("echo 528 > {file}"),
            ),
            (NO_HUGE, TRIAL),
        ],
    );
    check(
        "-m 1024",
        |_| {},
        &[
            (
                "-m asks for 1024 MB, and huge pages have 1000 MB free",
                &format!("echo 524 > {file}"),
            ),
            (NO_HUGE, "od --no-huge -m 1024 -- --config c"),
        ],
    );
    check(
        "--socket-mem=1000,1000",
        |_| {},
        &[
            (
                "--socket-mem asks for 2000 MB, and huge pages have 1000 MB free",
                &format!("echo 1012 > {file}"),
            ),
            (NO_HUGE, "od --no-huge -m 2000 -- --config c"),
        ],
    );
    check(
        "-m 64",
        |facts| facts.pool_mb = 1200,
        &[
            (
                "the packet pool needs 1200 MB, and huge pages have 1000 MB free",
                &format!("echo 612 > {file}"),
            ),
            (NO_HUGE, "od --no-huge -m 2400 -- --config c"),
        ],
    );
    // Pages of another size count too.
    check(
        "-m 1024",
        |facts| facts.huge_pages[1] = pages(1_048_576, 1, 1),
        &[],
    );
}

#[test]
fn hugetlbfs_that_is_not_there() {
    let none = |facts: &mut Facts| facts.mounts.clear();
    let mend = "mkdir -p /dev/hugepages && mount -t hugetlbfs nodev /dev/hugepages";
    check(
        "",
        none,
        &[("hugetlbfs is not mounted", mend), (NO_HUGE, TRIAL)],
    );
    check("--in-memory", none, &[]);
    check("--no-huge", none, &[]);
    check(
        "--huge-dir /mnt/h",
        |_| {},
        &[
            (
                "no hugetlbfs for pages of 2048 kB is mounted on /mnt/h",
                "mkdir -p /mnt/h && mount -t hugetlbfs nodev /mnt/h",
            ),
            (NO_HUGE, TRIAL),
        ],
    );
    check(
        "",
        |facts| {
            facts.huge_pages = vec![pages(2048, 0, 0), pages(1_048_576, 4, 4)];
            facts.uid = 1000;
        },
        &[
            (
                "no hugetlbfs for pages of 1048576 kB is mounted",
                "sudo sh -c 'mkdir -p /dev/hugepages-1048576kB && mount -t hugetlbfs -o \
                 pagesize=1G nodev /dev/hugepages-1048576kB'",
            ),
            (NO_HUGE, TRIAL),
        ],
    );
}

#[test]
fn hugetlbfs_that_is_not_ours() {
    let read_only = |facts: &mut Facts| facts.mounts[0].writable = false;
    let what = "/dev/hugepages is not writable";
    check(
        "",
        read_only,
        &[
            (what, "mount -o remount,rw /dev/hugepages"),
            (NO_HUGE, TRIAL),
        ],
    );
    check("--in-memory", read_only, &[]);
    let user = |facts: &mut Facts| {
        facts.mounts[0].writable = false;
        facts.uid = 1000;
    };
    check(
        "",
        user,
        &[(what, "sudo chown 1000 /dev/hugepages"), (NO_HUGE, TRIAL)],
    );
    // EAL takes the first one of the right size.
    let second = |facts: &mut Facts| {
        facts.mounts[0].writable = false;
        facts.mounts.insert(0, mount("/mnt/1g", 1_048_576));
        facts.mounts.push(mount("/mnt/h", 2048));
    };
    assert_eq!(found("", second)[0].0, what);
    check("--huge-dir /mnt/h", second, &[]);
}

#[test]
fn arguments_that_exclude_each_other() {
    check(
        "--no-huge --in-memory -m 64",
        |_| {},
        &[(
            "DPDK refuses --in-memory together with --no-huge, which leaves no files with memory \
             behind either",
            "od --no-huge -m 64 -- --config c",
        )],
    );
    check(
        "--no-huge --socket-mem=64,64",
        |_| {},
        &[(
            "DPDK refuses --socket-mem together with --no-huge",
            "od --no-huge -m 128 -- --config c",
        )],
    );
    check(
        "-m 64 --socket-mem 64",
        |_| {},
        &[(
            "DPDK refuses -m together with --socket-mem",
            "od -m 64 -- --config c",
        )],
    );
    check(
        "--no-huge --huge-unlink",
        |_| {},
        &[(
            "DPDK refuses --huge-unlink together with --no-huge",
            "od --no-huge -- --config c",
        )],
    );
}

#[test]
fn too_little_without_huge_pages() {
    let big = |facts: &mut Facts| facts.pool_mb = 300;
    check(
        "--no-huge",
        big,
        &[(
            "the packet pool needs 300 MB, and with --no-huge DPDK has 64 MB",
            "od --no-huge -m 600 -- --config c",
        )],
    );
    check(
        "-m 100 --no-huge",
        big,
        &[(
            "the packet pool needs 300 MB, and with --no-huge DPDK has 100 MB",
            "od --no-huge -m 600 -- --config c",
        )],
    );
    check("--no-huge -m 300", big, &[]);
}

#[test]
fn rights_that_are_lacking() {
    let user = |facts: &mut Facts| (facts.uid, facts.capabilities) = (1000, 0);
    check("", user, &[]);
    check(
        "--vdev net_tap0 --vdev=net_af_packet0,iface=x",
        user,
        &[(
            "neither root nor with CAP_NET_ADMIN, CAP_NET_RAW",
            "sudo setcap cap_net_admin,cap_net_raw=ep \"$(command -v od)\"",
        )],
    );
    check(
        "--vdev net_tap0",
        |facts| (facts.uid, facts.capabilities) = (1000, 1 << 12),
        &[],
    );
    check(
        "-a 01:00.0 --vdev net_af_xdp0",
        |facts| facts.capabilities = 0,
        &[(
            "root, but in a container without CAP_IPC_LOCK, CAP_NET_ADMIN, CAP_NET_RAW, \
             CAP_SYS_ADMIN",
            "docker run --cap-add=IPC_LOCK --cap-add=NET_ADMIN --cap-add=NET_RAW \
             --cap-add=SYS_ADMIN ...",
        )],
    );
    let virtual_addresses = "od --iova-mode=va -- --config c";
    let what = "--iova-mode=pa needs physical addresses, which CAP_SYS_ADMIN may read";
    check("--iova-mode pa", user, &[(what, virtual_addresses)]);
    check("--iova-mode va", user, &[]);
    check("--iova-mode=pa --no-huge", user, &[]);
}

#[test]
fn nics_that_cannot_be_had() {
    let bind = "dpdk-devbind.py --bind=vfio-pci 0000:01:00.0";
    let eal = "-a 0000:01:00.0,x=1";
    let none = |facts: &mut Facts| (facts.vfio, facts.vfio_groups) = (false, vec![]);
    let what = "there is no VFIO, which NICs other than NVIDIA's need";
    check(eal, none, &[(what, "modprobe vfio-pci")]);
    check("--vdev net_tap0", none, &[]);
    let unbound = |facts: &mut Facts| facts.vfio_groups.clear();
    let what = "no device is bound to vfio-pci, which NICs other than NVIDIA's need";
    check(eal, unbound, &[(what, bind)]);
    let denied = |facts: &mut Facts| {
        facts.uid = 1000;
        facts.vfio_groups.push(group("8", false));
    };
    check(
        eal,
        denied,
        &[(
            "/dev/vfio/8 may not be opened",
            "sudo chown 1000 /dev/vfio/8",
        )],
    );
}

#[test]
fn a_finding_reads_well() {
    let finding = Finding {
        what: "hugetlbfs is not mounted".to_owned(),
        mend: "mount it".to_owned(),
    };
    assert_eq!(
        finding.to_string(),
        "hugetlbfs is not mounted:\n    mount it"
    );
}
