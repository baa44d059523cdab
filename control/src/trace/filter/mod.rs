//! From an expression of pcap-filter, as tcpdump takes it, to a program that workers run.
//!
//! libpcap compiles. Before it does, every word is looked at here, for two reasons: libpcap takes a
//! word that it does not know for a name and asks the network for it, and it does not say where an
//! error is.
//!
//! ```
//! use control::trace::filter::compile;
//!
//! let error = compile("udp prot 4789").unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "`prot` is no word of a filter; names are not looked up\n  \
//!        1 | udp prot 4789\n    \
//!          |     ^^^^\n  \
//!        did you mean `port`?"
//! );
//! ```

mod libpcap;
#[cfg(feature = "libpcap")]
mod locate;
mod outer;
mod program;
mod vocabulary;
mod words;

pub(super) use outer::outer;
pub use program::Program;

use crate::config::{Place, nearest};
use fastpath::trace::filter::Filter;
use std::fmt;
use words::Word;

/// Bytes of the longest expression.
pub const MAX_EXPRESSION: usize = 1024;

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionError {
    /// What is wrong.
    pub problem: String,
    /// Where; none if it is about all of it.
    pub place: Option<Place>,
    /// The nearest right word, if one was mistyped.
    pub nearest: Option<&'static str>,
}

impl ExpressionError {
    fn whole(problem: impl Into<String>) -> Self {
        ExpressionError {
            problem: problem.into(),
            place: None,
            nearest: None,
        }
    }

    /// `word` is a part of `expression`, the first one to be wrong: what stands before it is ASCII.
    fn at(problem: impl Into<String>, expression: &str, word: Word<'_>) -> Self {
        let place = Place {
            line: 1,
            column: word.at + 1,
            width: word.text.chars().count().max(1),
            text: expression.to_owned(),
        };
        ExpressionError {
            place: Some(place),
            ..ExpressionError::whole(problem)
        }
    }
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)?;
        if let Some(place) = &self.place {
            write!(f, "\n{}", place.to_string().trim_end())?;
        }
        match self.nearest {
            Some(nearest) => write!(f, "\n  did you mean `{nearest}`?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ExpressionError {}

/// Compiles an expression for Ethernet frames; an empty one is for every frame. Names of hosts and
/// services are not looked up, and only what can be read from the frame may be asked for. It takes
/// less than a millisecond, and a tenth of a second for the longest.
///
/// # Errors
/// What is wrong, and where. Every expression but the empty one is refused by a build without the
/// feature `libpcap`.
pub fn compile(expression: &str) -> Result<Filter, ExpressionError> {
    program(expression)?.filter()
}

/// The same, to be joined with others. For the api thread: state must not wait so long.
///
/// # Errors
/// As [`compile`], but for a program that cannot be run.
pub fn program(expression: &str) -> Result<Program, ExpressionError> {
    if expression.len() > MAX_EXPRESSION {
        let problem = format!("a filter has at most {MAX_EXPRESSION} characters");
        return Err(ExpressionError::whole(problem));
    }
    let words = words::split(expression);
    if words.is_empty() {
        return Ok(Program::everything());
    }
    let mut before = "";
    for word in &words {
        if !vocabulary::knows(word.text, before) {
            let problem = match word.text {
                text if text.contains(char::is_alphabetic) => {
                    format!("`{text}` is no word of a filter; names are not looked up")
                }
                text => format!("`{text}` is neither a number nor an address"),
            };
            let nearest = nearest(word.text, vocabulary::WORDS.iter().copied());
            let error = ExpressionError::at(problem, expression, *word);
            return Err(ExpressionError { nearest, ..error });
        }
        before = word.text;
    }
    libpcap::compile(expression, &words).map(Program::new)
}

#[cfg(test)]
mod tests;
