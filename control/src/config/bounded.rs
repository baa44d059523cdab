//! How much of a text is read: before anything of it is kept, the pieces that the parser would keep are
//! counted.
//!
//! A parser has to keep each piece of a text (a word, a sign, a blank, the end of a line), and a text of
//! nothing but small pieces takes some hundred times its own length of memory. What a configuration is
//! made of is larger: 100,000 static entries, each a table of its own, are 2.4 million pieces.

use super::report::{Problem, Report};
use toml_parser::Source;

/// Most pieces of a text that a client sends.
pub(super) const MAX_PIECES: usize = 4_000_000;

/// Reports that `text` has more than `most` pieces, at the first one beyond them.
pub(super) fn check(report: &Report, text: &str, most: usize) {
    let Some(beyond) = Source::new(text).lex().nth(most) else {
        return;
    };
    let span = beyond.span();
    let problem = format!("the text is made of more than {most} words, signs and blanks");
    let allowed =
        "as many as 160,000 static entries need; fdb load takes more of them, at some times";
    let problem = Problem::new(&(span.start()..span.end()), "", problem);
    report.add(problem.allowed(allowed));
}
