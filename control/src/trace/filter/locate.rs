//! Where the error is that libpcap found. It does not say, but can be asked.

use super::{ExpressionError, Word};

/// Libpcap's words for most errors.
const SYNTAX: &str = "syntax error";

/// What may follow, so that the beginning of a right expression becomes a right one.
const COMPLETIONS: &[&str] = &[
    "",
    "arp",
    "1",
    "1.2.3.4",
    "02:00:00:00:00:01",
    "host 1.2.3.4",
    "host 02:00:00:00:00:01",
    "fe80::1",
    "= 1",
    "] = 1",
    "1 ] = 1",
    "1 = 1",
    "port 1",
];

/// Follows the completion. It is an error of another kind, so that libpcap, if it comes that far, stops
/// there, with brackets open: to translate what it has read would take it much longer.
const STOP: &str = "and vlan 4294967295";

/// What to say of an expression that `compile` refuses with this message.
///
/// libpcap reads from left to right and stops at the first error. So a beginning of the expression
/// that has the error in it ends with the same message whatever follows, and one that has it not
/// ends with another, if something follows that fits. The first word of which that is not so is the
/// place.
pub(super) fn locate(
    expression: &str,
    words: &[Word<'_>],
    message: &str,
    compile: impl Fn(&str) -> Result<(), String>,
) -> ExpressionError {
    let wrong_up_to = |word: &Word<'_>| {
        let begin = &expression[..word.at + word.text.len()];
        let outcome = |end: &str| compile(&format!("{begin} {end} {STOP}"));
        let same = |outcome: Result<(), String>| outcome.is_err_and(|other| other == message);
        COMPLETIONS.iter().map(|end| outcome(end)).all(same)
    };
    let first = words.partition_point(|word| !wrong_up_to(word));
    match words.get(first) {
        Some(word) if message == SYNTAX => {
            let problem = format!("`{}` does not fit here", word.text);
            ExpressionError::at(problem, expression, *word)
        }
        Some(word) => ExpressionError::at(message, expression, *word),
        None if message == SYNTAX => {
            let at = expression.trim_end().len();
            let end = Word { text: "", at };
            ExpressionError::at("the filter ends too early", expression, end)
        }
        // About all of it, such as that it cannot match.
        None => ExpressionError::whole(message),
    }
}
