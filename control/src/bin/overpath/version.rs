//! `overpath version`.

use control::api::messages::Version;

pub(crate) fn text(version: &Version) -> String {
    format!("{} {}, {}\n", version.name, version.version, version.dpdk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line() {
        let (name, version) = ("overpath".into(), "0.1.0".into());
        let version = Version {
            name,
            version,
            api: "1.0.0".into(),
            dpdk: "DPDK 22.11.11".into(),
        };
        assert_eq!(text(&version), "overpath 0.1.0, DPDK 22.11.11\n");
    }
}
