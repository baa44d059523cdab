//! Whatever the text is, the answer is a wanted state or errors that can be shown.

use super::*;
use proptest::prelude::*;

/// Pieces that TOML files of ours are made of.
fn piece() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "[[port]]",
        "[[route]]",
        "[[neighbour]]",
        "[[bridge]]",
        "[[tunnel]]",
        "[[fdb]]",
        "[switch]",
        "[port]",
        "name",
        "device",
        "addresses",
        "remotes",
        "vlan",
        "address",
        "to",
        "via",
        "vni",
        "local",
        "mac",
        "port",
        "ports",
        "bridge",
        "=",
        " = ",
        "[",
        "]",
        "{",
        "}",
        ",",
        ".",
        "\"",
        "'",
        "\"\"\"",
        "\n",
        "\n",
        "\r\n",
        "#",
        "\"br10\"",
        "\"lan\"",
        "\"default\"",
        "\"192.0.2.254\"",
        "1",
        "-1",
        "0x",
        "1e9",
        "inf",
        "1979-05-27",
        "99999999999999999999",
        "true",
        "\"192.0.2.2/24\"",
        "ä",
        "\u{0}",
        "\u{1b}",
    ];
    prop_oneof![9 => prop::sample::select(WORDS).prop_map(str::to_string), 1 => any::<String>()]
}

fn judge(text: &str) {
    match Wanted::parse(text, "noise.toml") {
        Ok(wanted) => assert!(wanted.fdb.len() <= text.len()),
        Err(errors) => {
            assert!(!errors.errors().is_empty());
            let shown = errors.to_string();
            assert!(
                shown.chars().all(|c| c == '\n' || !c.is_control()),
                "{shown:?}"
            );
        }
    }
}

proptest! {
    #[test]
    fn random_text_never_panics(pieces in prop::collection::vec(piece(), 0..60)) {
        judge(&pieces.concat());
    }

    #[test]
    fn a_good_file_with_a_piece_changed_never_panics(
        at in 0..FULL.len(),
        cut in 0..40_usize,
        piece in piece(),
    ) {
        let end = FULL.len().min(at + cut);
        judge(&format!("{}{piece}{}", &FULL[..at], &FULL[end..]));
    }

    #[test]
    fn a_good_file_with_two_lines_exchanged_never_panics(a in 0..100_usize, b in 0..100_usize) {
        let mut lines: Vec<&str> = FULL.lines().collect();
        let count = lines.len();
        lines.swap(a % count, b % count);
        judge(&lines.join("\n"));
    }
}

#[test]
fn deep_and_wide_files_are_only_errors() {
    judge(&"[".repeat(100_000));
    judge(&format!("a = {}", "[".repeat(100_000)));
    judge(&format!("{} = 1", vec!["a"; 100_000].join(".")));
    judge(&"]\n".repeat(100_000));
    judge(&"x = 1\n".repeat(20_000));
    judge(&"[[fdb]]\nbridge = 'none'\n".repeat(20_000));
}
