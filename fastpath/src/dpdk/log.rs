//! DPDK's log, led into `tracing`.
//!
//! DPDK writes to a C stream, on whichever thread has something to say, in pieces that need not be
//! lines. The stream's write function collects the pieces of each thread and emits whole lines with
//! the target `dpdk` and the log type (`lib.eal`, `pmd.net.tap`) as a field.

#![expect(unsafe_code, reason = "is called as the write function of a C stream")]

use dpdk_sys as sys;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{c_char, c_int, c_long, c_void};
use std::ptr::{null_mut, slice_from_raw_parts};
use std::sync::{Mutex, PoisonError};

/// A line without an end is cut here.
const LONGEST_LINE: usize = 4096;

thread_local! {
    /// What this thread wrote since its last end of line.
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Names of log types, by their number.
static TYPES: Mutex<BTreeMap<i32, String>> = Mutex::new(BTreeMap::new());

/// Leads DPDK's log into `tracing` for the rest of the process. On failure DPDK keeps its own way,
/// the standard error and the system log.
pub(super) fn redirect() {
    let functions = sys::cookie_io_functions_t {
        read: None,
        write: Some(write),
        seek: None,
        close: None,
    };
    // SAFETY: the mode is a C string, and `write` does not use its cookie.
    let stream = unsafe { sys::fopencookie(null_mut(), c"w".as_ptr(), functions) };
    if stream.is_null() {
        tracing::warn!("DPDK's log cannot be redirected");
        return;
    }
    // SAFETY: the stream is never closed, so DPDK may write to it as long as it likes.
    unsafe { sys::rte_openlog_stream(stream) };
}

/// The write function of the stream. Does not unwind: nothing in it panics, short of a subscriber
/// that does, which ends the process, as `extern "C"` has it.
unsafe extern "C" fn write(_cookie: *mut c_void, text: *const c_char, len: usize) -> c_long {
    // SAFETY: the C library gives the bytes that were written to the stream.
    let bytes = unsafe { &*slice_from_raw_parts(text.cast::<u8>(), len) };
    // Fails only while the thread ends, or if a subscriber calls DPDK: then there is no log line.
    let _ = LINE.try_with(|line| {
        if let Ok(mut line) = line.try_borrow_mut() {
            collect(&mut line, bytes, emit);
        }
    });
    len as c_long
}

/// Adds `bytes` to the line, and calls `emit` with each that is complete.
fn collect(line: &mut Vec<u8>, bytes: &[u8], emit: impl Fn(&str)) {
    for byte in bytes {
        match byte {
            b'\n' => {
                emit(String::from_utf8_lossy(line).trim_end());
                line.clear();
            }
            _ => line.push(*byte),
        }
        if line.len() == LONGEST_LINE {
            emit(&String::from_utf8_lossy(line));
            line.clear();
        }
    }
}

/// One line, with level and type of the message that its last piece belongs to.
fn emit(line: &str) {
    if line.is_empty() {
        return;
    }
    // SAFETY: reads what DPDK keeps for the message that this thread is writing.
    let level = unsafe { sys::rte_log_cur_msg_loglevel() };
    // SAFETY: as above.
    let logtype = type_name(unsafe { sys::rte_log_cur_msg_logtype() });
    // The levels of syslog, as rte_log.h numbers them: 4 error, 5 warning, 6 notice, 7 info.
    match level {
        ..=4 => tracing::error!(target: "dpdk", logtype, "{line}"),
        5 => tracing::warn!(target: "dpdk", logtype, "{line}"),
        6..=7 => tracing::info!(target: "dpdk", logtype, "{line}"),
        8.. => tracing::debug!(target: "dpdk", logtype, "{line}"),
    }
}

/// The name of a log type, or its number.
fn type_name(number: i32) -> String {
    let mut types = TYPES.lock().unwrap_or_else(PoisonError::into_inner);
    if !types.contains_key(&number) {
        types.extend(parse_types(&dump_types()));
    }
    types
        .entry(number)
        .or_insert_with(|| number.to_string())
        .clone()
}

/// All log types as DPDK lists them: the only way to get a name.
fn dump_types() -> String {
    let (mut text, mut len) = (null_mut::<c_char>(), 0);
    // SAFETY: both pointers are written when the stream is flushed or closed.
    let stream = unsafe { libc::open_memstream(&raw mut text, &raw mut len) };
    if stream.is_null() {
        return String::new();
    }
    // SAFETY: DPDK writes to the stream and does not keep it; it is closed once.
    unsafe {
        sys::rte_log_dump(stream.cast());
        libc::fclose(stream);
    }
    if text.is_null() {
        return String::new();
    }
    // SAFETY: closing stored a buffer of this length, which is ours.
    let bytes = unsafe { &*slice_from_raw_parts(text.cast::<u8>(), len) };
    let list = String::from_utf8_lossy(bytes).into_owned();
    // SAFETY: the buffer came from the C library's allocator, and `bytes` is not used any more.
    unsafe { libc::free(text.cast()) };
    list
}

/// Lines like `id 3: lib.mbuf, level is notice`.
fn parse_types(list: &str) -> BTreeMap<c_int, String> {
    let parse = |line: &str| {
        let (number, rest) = line.trim().strip_prefix("id ")?.split_once(": ")?;
        let (name, _) = rest.split_once(", ")?;
        Some((number.parse().ok()?, name.to_owned()))
    };
    list.lines().filter_map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_lines() {
        let lines = RefCell::new(Vec::new());
        let mut line = Vec::new();
        for piece in ["EAL: one ", "line\r\nand ", "two\n\nrest", "\n"] {
            collect(&mut line, piece.as_bytes(), |line| {
                lines.borrow_mut().push(line.to_owned())
            });
        }
        assert_eq!(*lines.borrow(), ["EAL: one line", "and two", "", "rest"]);
        assert!(line.is_empty());
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let count = RefCell::new(0);
        let mut line = Vec::new();
        collect(&mut line, &[b'x'; 2 * LONGEST_LINE + 1], |_| {
            *count.borrow_mut() += 1
        });
        assert_eq!((*count.borrow(), line.len()), (2, 1));
    }

    #[test]
    fn names_of_types_are_read_from_the_list() {
        let list = "global log level is debug\nid 0: lib.eal, level is info\nid 31: pmd.net.tap, level is notice\n";
        let types = parse_types(list);
        assert_eq!(types.get(&31).map(String::as_str), Some("pmd.net.tap"));
        assert_eq!(
            (types.len(), types.get(&0).map(String::as_str)),
            (2, Some("lib.eal"))
        );
    }
}
