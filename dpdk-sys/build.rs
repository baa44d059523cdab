//! Finds libdpdk, generates the bindings and builds the shims.
//!
//! Everything about the installed DPDK (versions, include paths, compiler flags) is asked from
//! pkg-config, so another DPDK is chosen with `PKG_CONFIG_PATH` alone.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// The oldest release this crate is written for.
const FLOOR: &str = "22.11";

/// Libraries whose functions are called. Drivers are plug-ins that the EAL loads at run time, so
/// none is named here. `rte_log` exists from 24.03 on, before that it is a part of `rte_eal`.
const LIBRARIES: [&str; 5] = [
    "rte_eal",
    "rte_log",
    "rte_mempool",
    "rte_mbuf",
    "rte_ethdev",
];

/// What of the headers is bound. Other types follow from these.
const FUNCTIONS: &str = "rte_eal_init|rte_eal_cleanup|rte_version|rte_eal_remote_launch\
    |rte_eal_wait_lcore|rte_eal_get_lcore_state|rte_get_main_lcore|rte_get_next_lcore\
    |rte_lcore_cpuset|rte_lcore_to_socket_id\
    |rte_get_tsc_hz|rte_openlog_stream|rte_log_cur_msg_loglevel|rte_log_cur_msg_logtype\
    |rte_log_dump|rte_dev_probe|rte_dev_remove\
    |rte_pktmbuf_pool_create|rte_mempool_free|rte_mempool_avail_count\
    |rte_eth_dev_get_port_by_name|rte_eth_dev_get_name_by_port|rte_eth_find_next_of\
    |rte_eth_iterator_init|rte_eth_iterator_next|rte_eth_iterator_cleanup\
    |rte_eth_dev_info_get|rte_eth_dev_socket_id|rte_eth_macaddr_get|rte_eth_dev_default_mac_addr_set\
    |rte_eth_dev_configure|rte_eth_dev_adjust_nb_rx_tx_desc|rte_eth_dev_set_mtu\
    |rte_eth_rx_queue_setup|rte_eth_tx_queue_setup|rte_eth_dev_start|rte_eth_dev_stop\
    |rte_eth_dev_close|rte_eth_promiscuous_enable|rte_eth_promiscuous_disable\
    |rte_eth_dev_rss_hash_conf_get|rte_eth_stats_get\
    |rte_eth_rx_metadata_negotiate|rte_eth_dev_udp_tunnel_port_add|rte_eth_dev_udp_tunnel_port_delete\
    |rte_flow_validate|rte_flow_create|rte_flow_destroy|rte_flow_flush|rte_flow_query\
    |rte_eth_dev_callback_register|rte_eth_dev_callback_unregister|fopencookie|shim_.*";

fn main() {
    for file in ["build.rs", "wrapper.h", "shim.c"] {
        println!("cargo::rerun-if-changed={file}");
    }
    for variable in ["LIBCLANG_PATH", "LLVM_CONFIG_PATH", "CLANG_PATH"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    // Cargo fails the build for these, and shows them without the rest of the output.
    for line in build().err().iter().flat_map(|text| text.lines()) {
        println!("cargo::error={line}");
    }
}

fn build() -> Result<(), String> {
    let library = find_library()?;
    let flags = compiler_flags()?;
    check_libclang()?;
    bindings(&flags)?;
    shims(&flags)?;
    for path in &library.link_paths {
        println!("cargo::rustc-link-search=native={}", path.display());
    }
    for name in LIBRARIES
        .iter()
        .filter(|name| library.libs.iter().any(|lib| lib == **name))
    {
        println!("cargo::rustc-link-lib=dylib={name}");
    }
    Ok(())
}

fn find_library() -> Result<pkg_config::Library, String> {
    let library = pkg_config::Config::new()
        .cargo_metadata(false)
        .env_metadata(true)
        .statik(false)
        .probe("libdpdk")
        .map_err(|error| {
            format!(
                "DPDK was not found: `pkg-config libdpdk` failed.\n\
                 Install it: apt-get install libdpdk-dev pkg-config (DPDK {FLOOR} or newer).\n\
                 Without DPDK, build without the feature \"dpdk\": all but the daemon needs none.\n\
                 {error}"
            )
        })?;
    if numbers(&library.version) < numbers(FLOOR) {
        return Err(format!(
            "DPDK {} is too old: {FLOOR} or newer is needed.\n\
             Choose another installation with PKG_CONFIG_PATH.",
            library.version
        ));
    }
    Ok(library)
}

/// The year and month of a release.
fn numbers(version: &str) -> (u32, u32) {
    let mut parts = version
        .split(['.', '-', '~'])
        .map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// All of `pkg-config --cflags`. The crate keeps include paths and defines only, but the headers
/// also need `-include rte_config.h` and the instruction set DPDK was built for.
fn compiler_flags() -> Result<Vec<String>, String> {
    let program = env::var_os("PKG_CONFIG").unwrap_or_else(|| "pkg-config".into());
    let output = Command::new(&program)
        .args(["--cflags", "libdpdk"])
        .output()
        .map_err(|error| format!("cannot run {}: {error}", program.display()))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("pkg-config --cflags libdpdk failed\n{text}"));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // For fopencookie(), which is how DPDK's log is led elsewhere.
    let ours = ["-D_GNU_SOURCE"];
    Ok(ours
        .into_iter()
        .chain(text.split_whitespace())
        .map(str::to_owned)
        .collect())
}

/// bindgen panics in its own words if libclang is missing; these say what to do.
fn check_libclang() -> Result<(), String> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let found = std::panic::catch_unwind(bindgen::clang_version);
    std::panic::set_hook(hook);
    match found {
        Ok(_) => Ok(()),
        Err(reason) => Err(format!(
            "libclang was not found; the bindings to DPDK are generated with it.\n\
             Install it: apt-get install libclang-dev (or set LIBCLANG_PATH).\n\
             Without it, build without the feature \"dpdk\": all but the daemon needs none.\n\
             {}",
            reason.downcast_ref::<String>().map_or("", String::as_str)
        )),
    }
}

fn bindings(flags: &[String]) -> Result<(), String> {
    let generated = bindgen::Builder::default()
        .header("wrapper.h")
        .clang_args(flags)
        // With several clangs installed the include paths may come from another one than libclang.
        .detect_include_paths(false)
        .allowlist_function(FUNCTIONS)
        .allowlist_type("rte_eth_event_type|rte_lcore_state_t|rte_eth_tunnel_type")
        // What rte_flow takes behind untyped pointers.
        .allowlist_type("rte_flow_item_(eth|vlan|ipv4|udp|vxlan)|rte_flow_action_(mark|count|rss)")
        .allowlist_type("rte_flow_query_count")
        .allowlist_var("K_.*")
        .opaque_type("rte_mbuf|rte_mempool|_IO_FILE")
        .opaque_type("rte_arp_.*|rte_l2tpv2_.*|rte_ecpri_.*|rte_gtp_psc_.*")
        .default_enum_style(bindgen::EnumVariation::ModuleConsts)
        .derive_default(true)
        .layout_tests(true)
        .generate_comments(false)
        .use_core()
        .rust_target(bindgen::RustTarget::stable(88, 0).map_err(|error| error.to_string())?)
        .rust_edition(bindgen::RustEdition::Edition2024)
        .parse_callbacks(Box::new(bindgen::CargoCallbacks::new()))
        .generate()
        .map_err(|error| format!("bindgen cannot read the headers of DPDK\n{error}"))?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    generated
        .write_to_file(out.join("bindings.rs"))
        .map_err(|error| format!("cannot write the bindings: {error}"))
}

fn shims(flags: &[String]) -> Result<(), String> {
    let mut compiler = cc::Build::new();
    compiler.file("shim.c").opt_level(3).warnings(true);
    for flag in flags {
        compiler.flag(flag);
    }
    // DPDK's inline functions are not clean under -Wextra in every release.
    compiler.flag_if_supported("-Wno-unused-parameter");
    compiler
        .try_compile("overpath_shim")
        .map_err(|error| format!("cannot compile shim.c\n{error}"))
}
