//! Why DPDK may not have started, and the command that mends it.

use std::fs;

/// What of the machine decides whether the EAL starts.
struct Machine {
    /// `/proc/meminfo`.
    meminfo: String,
    /// `/proc/mounts`.
    mounts: String,
    root: bool,
}

/// Advice in one or more sentences, or nothing. Looks at the machine as it is now.
pub(super) fn advice(args: &[String], root: bool) -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let machine = Machine {
        meminfo: read("/proc/meminfo"),
        mounts: read("/proc/mounts"),
        root,
    };
    advice_for(args, &machine)
}

fn advice_for(args: &[String], machine: &Machine) -> String {
    let has = |name: &str| args.iter().any(|arg| arg == name);
    let mut advice = Vec::new();
    if !has("--no-huge") {
        if value(&machine.meminfo, "HugePages_Free:") == Some(0) {
            advice.push(
                "No huge page is free: reserve some with `sysctl -w vm.nr_hugepages=512`, \
                 or start with --no-huge -m 512.",
            );
        } else if !has("--in-memory") && !machine.mounts.contains(" hugetlbfs ") {
            advice.push(
                "No file system of huge pages is mounted: `mkdir -p /dev/hugepages && \
                 mount -t hugetlbfs none /dev/hugepages`, or start with --in-memory.",
            );
        }
    }
    if !machine.root {
        advice.push("Huge pages and devices need rights: start as root, or through sudo.");
    }
    advice.join(" ")
}

/// The number behind a name in `/proc/meminfo`.
fn value(meminfo: &str, name: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice_with(args: &[&str], free: u32, mounts: &str, root: bool) -> String {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let meminfo = format!("MemTotal: 1 kB\nHugePages_Total: 9\nHugePages_Free:    {free}\n");
        advice_for(
            &args,
            &Machine {
                meminfo,
                mounts: mounts.to_owned(),
                root,
            },
        )
    }

    const MOUNTED: &str = "none /dev/hugepages hugetlbfs rw 0 0\n";

    #[test]
    fn names_what_is_missing_and_nothing_else() {
        assert!(advice_with(&[], 0, MOUNTED, true).contains("vm.nr_hugepages"));
        assert!(advice_with(&[], 4, "", true).contains("mount -t hugetlbfs"));
        assert!(advice_with(&[], 4, MOUNTED, false).contains("sudo"));
        assert_eq!(advice_with(&["--in-memory"], 4, "", true), "");
        assert_eq!(advice_with(&["--no-huge"], 0, "", true), "");
        assert_eq!(advice_with(&[], 4, MOUNTED, true), "");
    }
}
