//! What is the case on this host.

use super::arguments::Arguments;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;

/// What there is to know about a host before a judgement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The command line of the daemon.
    pub arguments: Arguments,
    /// Megabytes that the packet pool takes, 0 if that is not known yet.
    pub pool_mb: u64,
    /// The effective user.
    pub uid: u32,
    /// The effective capabilities, a bit for each number of `linux/capability.h`.
    pub capabilities: u64,
    /// Huge pages, by size from small to large; empty if the kernel knows none.
    pub huge_pages: Vec<HugePages>,
    /// The size of page in kB that a hugetlbfs has unless told otherwise.
    pub default_huge_kb: Option<u64>,
    /// Where hugetlbfs is mounted.
    pub mounts: Vec<HugeMount>,
    /// The VFIO driver is there.
    pub vfio: bool,
    /// The IOMMU groups that VFIO has.
    pub vfio_groups: Vec<VfioGroup>,
}

/// Huge pages of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HugePages {
    /// Size of each in kB.
    pub kb: u64,
    /// Reserved.
    pub total: u64,
    /// Of these, not in use.
    pub free: u64,
}

impl HugePages {
    /// Megabytes that are not in use.
    pub fn free_mb(&self) -> u64 {
        self.free.saturating_mul(self.kb) / 1024
    }
}

/// A mounted hugetlbfs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HugeMount {
    /// Where.
    pub path: String,
    /// Size of its pages in kB.
    pub page_kb: u64,
    /// We may create files there.
    pub writable: bool,
}

/// An IOMMU group in the hands of VFIO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VfioGroup {
    /// Its name in `/dev/vfio`.
    pub name: String,
    /// We may open it.
    pub accessible: bool,
}

impl Facts {
    /// Looks at this host. `command` is the daemon's command line, the program first, and `pool_mb`
    /// how many megabytes its packet pool takes. What cannot be read counts as not there. Creates
    /// and removes an empty file in each hugetlbfs, since nothing else tells whether one may.
    pub fn gather(command: impl IntoIterator<Item = OsString>, pool_mb: u64) -> Self {
        Facts::gather_below(Path::new("/"), command, pool_mb)
    }

    fn gather_below(
        root: &Path,
        command: impl IntoIterator<Item = OsString>,
        pool_mb: u64,
    ) -> Self {
        let command = command
            .into_iter()
            .map(|word| word.to_string_lossy().into_owned());
        let status = read(root, "proc/self/status");
        let default_huge_kb = default_huge_kb(&read(root, "proc/meminfo"));
        let mut mounts = mounts(&read(root, "proc/mounts"), default_huge_kb.unwrap_or(0));
        for mount in &mut mounts {
            let path = root.join(mount.path.trim_start_matches('/'));
            mount.writable = mount.writable && may_create(&path);
        }
        Facts {
            arguments: Arguments::parse(command),
            pool_mb,
            uid: uid(&status).unwrap_or_default(),
            capabilities: capabilities(&status).unwrap_or_default(),
            huge_pages: huge_pages(&root.join("sys/kernel/mm/hugepages")),
            default_huge_kb,
            mounts,
            vfio: root.join("dev/vfio/vfio").exists(),
            vfio_groups: vfio_groups(&root.join("dev/vfio")),
        }
    }

    /// The size of huge page that is the usual one here.
    pub(super) fn usual_page(&self) -> Option<&HugePages> {
        let usual = |page: &&HugePages| Some(page.kb) == self.default_huge_kb;
        self.huge_pages
            .iter()
            .find(usual)
            .or(self.huge_pages.first())
    }
}

fn read(root: &Path, path: &str) -> String {
    fs::read_to_string(root.join(path)).unwrap_or_default()
}

/// What follows `name:` in text of the form of `/proc/meminfo`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.lines();
    lines
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(str::trim)
}

/// The second number is the effective user (proc(5)).
fn uid(status: &str) -> Option<u32> {
    field(status, "Uid")?
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

fn capabilities(status: &str) -> Option<u64> {
    u64::from_str_radix(field(status, "CapEff")?, 16).ok()
}

fn default_huge_kb(meminfo: &str) -> Option<u64> {
    field(meminfo, "Hugepagesize")?
        .strip_suffix("kB")?
        .trim()
        .parse()
        .ok()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

fn huge_pages(directory: &Path) -> Vec<HugePages> {
    let number = |name: &str, file: &str| {
        let text = fs::read_to_string(directory.join(name).join(file)).ok()?;
        text.trim().parse().ok()
    };
    let one = |name: &String| {
        Some(HugePages {
            kb: name
                .strip_prefix("hugepages-")?
                .strip_suffix("kB")?
                .parse()
                .ok()?,
            total: number(name, "nr_hugepages")?,
            free: number(name, "free_hugepages")?,
        })
    };
    let mut pages: Vec<HugePages> = names(directory).iter().filter_map(one).collect();
    pages.sort_by_key(|page| page.kb);
    pages
}

/// The hugetlbfs of a mount table, writable if mounted so.
fn mounts(table: &str, default_kb: u64) -> Vec<HugeMount> {
    let one = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let (path, kind, options) = (words.next()?, words.next()?, words.next()?);
        let mut options = options.split(',');
        (kind == "hugetlbfs").then(|| HugeMount {
            path: unescaped(path),
            writable: options.clone().any(|option| option == "rw"),
            page_kb: options
                .find_map(|option| kilobytes(option.strip_prefix("pagesize=")?))
                .unwrap_or(default_kb),
        })
    };
    table.lines().filter_map(one).collect()
}

/// A size as the kernel shows it: `2M`.
fn kilobytes(text: &str) -> Option<u64> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let factor: u64 = match unit {
        "K" => 1,
        "M" => 1024,
        "G" => 1024 * 1024,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// Blanks and the like stand as `\040` in a mount table.
fn unescaped(path: &str) -> String {
    let escapes = [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ];
    escapes
        .iter()
        .fold(path.to_owned(), |path, (escape, text)| {
            path.replace(escape, text)
        })
}

fn may_create(directory: &Path) -> bool {
    let file = directory.join(format!(".overpathd-{}", std::process::id()));
    let created = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&file)
        .is_ok();
    created && fs::remove_file(&file).is_ok()
}

fn vfio_groups(directory: &Path) -> Vec<VfioGroup> {
    let group = |name: &String| name.trim_start_matches("noiommu-").parse::<u32>().is_ok();
    let mut groups: Vec<String> = names(directory).into_iter().filter(group).collect();
    groups.sort_unstable();
    let one = |name: String| {
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .open(directory.join(&name));
        let denied = opened.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
        VfioGroup {
            name,
            accessible: !denied,
        }
    };
    groups.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files of a made-up host.
    fn host(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn facts_are_read() {
        let root = host(&[
            (
                "proc/self/status",
                "Name:\tod\nUid:\t1000\t7\t1000\t1000\nCapEff:\t0000000000003000\n",
            ),
            (
                "proc/meminfo",
                "MemTotal:  8 kB\nHugePages_Total:       3\nHugepagesize:       2048 kB\n",
            ),
            (
                "proc/mounts",
                "proc /proc proc rw,nosuid 0 0\n\
                 hugetlbfs /dev/huge\\040pages hugetlbfs rw,relatime,pagesize=2M 0 0\n\
                 nodev /gone hugetlbfs rw,pagesize=1024M 0 0\n\
                 nodev /ro hugetlbfs ro 0 0\n",
            ),
            (
                "sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages",
                "0\n",
            ),
            (
                "sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages",
                "0\n",
            ),
            (
                "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages",
                "3\n",
            ),
            (
                "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages",
                "1\n",
            ),
            ("dev/huge pages/x", ""),
            ("ro/x", ""),
            ("dev/vfio/vfio", ""),
            ("dev/vfio/12", ""),
            ("dev/vfio/noiommu-0", ""),
        ]);
        let command = ["od", "-m", "64", "--"].map(OsString::from);
        let facts = Facts::gather_below(root.path(), command, 40);
        let mount = |path: &str, page_kb, writable| HugeMount {
            path: path.to_owned(),
            page_kb,
            writable,
        };
        let group = |name: &str| VfioGroup {
            name: name.to_owned(),
            accessible: true,
        };
        let page = |kb, total, free| HugePages { kb, total, free };
        let expected = Facts {
            arguments: Arguments::parse(["od", "-m", "64", "--"].map(str::to_owned)),
            pool_mb: 40,
            uid: 7,
            capabilities: 0x3000,
            huge_pages: vec![page(2048, 3, 1), page(1_048_576, 0, 0)],
            default_huge_kb: Some(2048),
            mounts: vec![
                mount("/dev/huge pages", 2048, true),
                mount("/gone", 1_048_576, false),
                mount("/ro", 2048, false),
            ],
            vfio: true,
            vfio_groups: vec![group("12"), group("noiommu-0")],
        };
        assert_eq!(facts, expected);
        let left: Vec<String> = names(&root.path().join("dev/huge pages"));
        assert_eq!(left, ["x"], "nothing is left behind");
    }

    #[test]
    fn a_host_without_any_of_it_has_no_facts() {
        let root = host(&[]);
        let facts = Facts::gather_below(root.path(), ["od".into()], 0);
        let arguments = Arguments::parse(["od".to_owned()]);
        assert_eq!(
            facts,
            Facts {
                arguments,
                ..Facts::default()
            }
        );
    }

    #[test]
    fn sizes_of_pages() {
        for (text, kb) in [
            ("64K", Some(64)),
            ("2M", Some(2048)),
            ("1G", Some(1_048_576)),
        ] {
            assert_eq!(kilobytes(text), kb);
        }
        for bad in ["", "2", "M", "2T", "xM", "2µ"] {
            assert_eq!(kilobytes(bad), None, "{bad}");
        }
    }
}
