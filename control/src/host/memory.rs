//! Whether there is memory for DPDK, in huge pages or without.

use super::facts::{HugeMount, HugePages};
use super::{Doctor, arguments};
use std::path::Path;

/// Megabytes that are worth reserving when nothing says how many.
const RESERVE_MB: u64 = 1024;
/// Megabytes that EAL takes with `--no-huge` when `-m` does not say how many
/// (`MEMSIZE_IF_NO_HUGE_PAGE`).
const NO_HUGE_MB: u64 = 64;
/// Megabytes to suggest for a trial without huge pages.
const TRIAL_MB: u64 = 256;

impl Doctor<'_> {
    /// Memory without huge pages.
    pub(super) fn plain_memory(&mut self) {
        let given = &self.facts.arguments;
        let has = given.memory_mb.unwrap_or(NO_HUGE_MB);
        let needs = self.facts.pool_mb;
        if needs > has {
            let enough = needs.saturating_mul(2).max(TRIAL_MB);
            self.find(
                format!("the packet pool needs {needs} MB, and with --no-huge DPDK has {has} MB"),
                given.command(&["m"], &[format!("-m {enough}")]),
            );
        }
    }

    pub(super) fn huge_pages(&mut self) {
        let before = self.found.len();
        if self.facts.huge_pages.is_empty() {
            let what = "this kernel has no huge pages";
            return self.find(what, self.without_huge_pages());
        }
        self.reserved();
        if !self.facts.arguments.in_memory {
            self.mounts();
        }
        if self.found.len() > before {
            let what = "to try it out without huge pages, slower and with virtual devices only";
            self.find(what, self.without_huge_pages());
        }
    }

    /// Whether enough huge pages are reserved and free.
    fn reserved(&mut self) {
        let Some(page) = self.facts.usual_page() else {
            return;
        };
        let pages = &self.facts.huge_pages;
        let total: u64 = pages.iter().map(|page| page.total).sum();
        let free_mb: u64 = pages.iter().map(HugePages::free_mb).sum();
        let (asked_mb, who) = self.asked();
        let what = if total == 0 {
            "no huge pages are reserved".to_owned()
        } else if free_mb == 0 {
            format!("all of the {total} huge pages are in use")
        } else if asked_mb > free_mb {
            format!("{who} {asked_mb} MB, and huge pages have {free_mb} MB free")
        } else {
            return;
        };
        let lacking = asked_mb.max(RESERVE_MB).saturating_sub(page.free_mb());
        let number = page.total + (lacking * 1024).div_ceil(page.kb.max(1));
        let kb = page.kb;
        let file = format!("/sys/kernel/mm/hugepages/hugepages-{kb}kB/nr_hugepages");
        let mend = self.as_root(format!("echo {number} > {file}"));
        self.find(what, mend);
    }

    /// How many megabytes are asked for, and the words that say by whom.
    fn asked(&self) -> (u64, &'static str) {
        let given = &self.facts.arguments;
        match (given.memory_mb, given.socket_mb) {
            (Some(mb), _) if mb >= self.facts.pool_mb => (mb, "-m asks for"),
            (_, Some(mb)) if mb >= self.facts.pool_mb => (mb, "--socket-mem asks for"),
            _ => (self.facts.pool_mb, "the packet pool needs"),
        }
    }

    /// Whether a hugetlbfs is there for the pages, and may be written.
    fn mounts(&mut self) {
        let chosen = self.facts.arguments.huge_dir.as_deref();
        let mounts = self.facts.mounts.iter();
        let mounts: Vec<&HugeMount> = mounts
            .filter(|mount| chosen.is_none_or(|dir| Path::new(dir).starts_with(&mount.path)))
            .collect();
        let pages = &self.facts.huge_pages;
        let page = pages
            .iter()
            .find(|page| page.free > 0)
            .or(self.facts.usual_page());
        let kb = page.map_or(0, |page| page.kb);
        let Some(mount) = mounts.iter().find(|mount| mount.page_kb == kb) else {
            let what = match chosen {
                Some(dir) => format!("no hugetlbfs for pages of {kb} kB is mounted on {dir}"),
                None if mounts.is_empty() => "hugetlbfs is not mounted".to_owned(),
                None => format!("no hugetlbfs for pages of {kb} kB is mounted"),
            };
            return self.find(what, self.mount(kb, chosen, mounts.is_empty()));
        };
        if mount.writable {
            return;
        }
        let path = arguments::quoted(&mount.path);
        let command = if self.facts.uid == 0 {
            format!("mount -o remount,rw {path}")
        } else {
            format!("sudo chown {} {path}", self.facts.uid)
        };
        self.find(format!("{} is not writable", mount.path), command);
    }

    /// The command that mounts a hugetlbfs for pages of `kb`.
    fn mount(&self, kb: u64, chosen: Option<&str>, first: bool) -> String {
        let usual = self.facts.default_huge_kb == Some(kb);
        let size = match kb {
            _ if usual => String::new(),
            kb if kb % (1024 * 1024) == 0 => format!(" -o pagesize={}G", kb / 1024 / 1024),
            kb => format!(" -o pagesize={}K", kb),
        };
        let dir = match chosen {
            Some(dir) => arguments::quoted(dir),
            None if first => "/dev/hugepages".to_owned(),
            None => format!("/dev/hugepages-{kb}kB"),
        };
        self.as_root(format!(
            "mkdir -p {dir} && mount -t hugetlbfs{size} nodev {dir}"
        ))
    }

    /// The command line, changed so that it does without huge pages.
    fn without_huge_pages(&self) -> String {
        let drop = [
            "in-memory",
            "socket-mem",
            "huge-dir",
            "huge-unlink",
            "m",
            "no-huge",
        ];
        let given = &self.facts.arguments;
        let asked = given.memory_mb.or(given.socket_mb).unwrap_or_default();
        let mb = asked
            .max(self.facts.pool_mb.saturating_mul(2))
            .max(TRIAL_MB);
        given.command(&drop, &["--no-huge".to_owned(), format!("-m {mb}")])
    }
}
