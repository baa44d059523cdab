//! Which CPUs a poll-mode process of a test runs on.

use crate::Result;
use std::sync::atomic::{AtomicUsize, Ordering};

static NEXT: AtomicUsize = AtomicUsize::new(0);

/// The CPUs this process may use, from /proc.
///
/// # Errors
/// If /proc has no list, or one that cannot be read.
pub fn cpus() -> Result<Vec<usize>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
        .ok_or("no Cpus_allowed_list in /proc/self/status")?;
    let mut cpus = Vec::new();
    for range in list.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        cpus.extend(first.parse::<usize>()?..=last.parse()?);
    }
    Ok(cpus)
}

/// The EAL's `--lcores` value for one main lcore and `workers` more. Each call starts at another
/// CPU, so that the workers of tests that run side by side are spread.
///
/// # Errors
/// As [`cpus`].
pub fn lcores(workers: usize) -> Result<String> {
    let cpus = cpus()?;
    let start = std::process::id() as usize + NEXT.fetch_add(1, Ordering::Relaxed);
    let places: Vec<String> = (0..=workers)
        .map(|lcore| format!("{lcore}@{}", cpus[(start + lcore) % cpus.len()]))
        .collect();
    Ok(places.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lcores_has_one_place_for_each_and_stays_on_our_cpus() {
        let allowed = cpus().unwrap();
        let places = lcores(3).unwrap();
        let places: Vec<_> = places
            .split(',')
            .map(|p| p.split_once('@').unwrap())
            .collect();
        assert_eq!(
            places.iter().map(|p| p.0).collect::<Vec<_>>(),
            ["0", "1", "2", "3"]
        );
        assert!(
            places
                .iter()
                .all(|p| allowed.contains(&p.1.parse().unwrap()))
        );
        let distinct: std::collections::BTreeSet<_> = places.iter().map(|p| p.1).collect();
        assert_eq!(distinct.len(), allowed.len().min(4));
    }
}
