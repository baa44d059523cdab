//! What it takes to read what a client sends: memory is bounded whatever stands in it.
//!
//! The test is alone in its process, whose memory it measures.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use control::config::Wanted;

/// The longest text that can be sent.
const LONGEST: usize = 32 << 20;
/// Kilobytes that reading may take, all in all: a gigabyte, and what an allocator holds beside.
const MOST: u64 = 5 << 18;

/// Kinds of texts: what they begin with, what they repeat, how many words, signs and blanks that is, and
/// what they end with. The first three are those that take most.
const TEXTS: [(&str, &str, usize, &str); 6] = [
    ("fdb=[", "{},", 3, "]"),
    ("a", ".a", 2, "=1"),
    ("", "=", 1, ""),
    ("a=[", "1,", 2, "]"),
    ("", "a=1\n", 4, ""),
    (
        "",
        "[[fdb]]\nbridge='b'\nmac='02:00:00:00:00:01'\nport='p'\n",
        18,
        "",
    ),
];
/// Beyond which nothing is read.
const PIECES: usize = 4_000_000;

fn kilobytes(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(key)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What is wrong with the text, and the most memory that this process has had at a time until now.
fn read(text: &str) -> (String, u64) {
    let errors = Wanted::parse_bounded(text, "t").err();
    let errors = errors.map_or_else(String::new, |errors| errors.to_string());
    (errors, kilobytes("VmHWM:"))
}

#[test]
fn what_is_read_takes_so_much_memory_and_what_takes_more_is_not_read() {
    let before = kilobytes("VmRSS:");
    let limit = format!("more than {PIECES} words, signs and blanks");
    for (head, piece, pieces, tail) in TEXTS.into_iter().take(3) {
        let most = format!("{head}{}{tail}", piece.repeat(PIECES / pieces - 10));
        let (errors, peak) = read(&most);
        println!("{} bytes of {piece:?}: {peak} kB", most.len());
        assert!(!errors.contains(&limit), "{piece:?}: {errors}");
        assert!(peak < before + MOST, "{piece:?}: {before} kB became {peak}");
    }
    let (errors, _) = read(&"\n".repeat(PIECES + 1));
    assert!(errors.contains(&limit), "{errors}");
    let used = kilobytes("VmHWM:");
    for (head, piece, _, tail) in TEXTS {
        let count = (LONGEST - head.len() - tail.len()) / piece.len();
        let (errors, peak) = read(&format!("{head}{}{tail}", piece.repeat(count)));
        assert!(errors.contains(&limit), "{piece:?}: {errors}");
        assert!(
            peak < used + (LONGEST as u64 >> 7),
            "{piece:?}: {used} kB became {peak}"
        );
    }
}
