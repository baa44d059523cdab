//! Collects what is wrong while a file is read and checked.

use super::error::{ConfigError, ConfigErrors, Place, Refused};
use super::name::Name;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::ops::Range;

/// A place in the text, in bytes.
pub(super) type Span = Range<usize>;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Span,
}

/// One thing that is wrong, not yet turned into words for a user.
#[derive(Debug)]
pub(super) struct Problem {
    span: Span,
    key: String,
    text: String,
    allowed: Option<String>,
    nearest: Option<String>,
    /// Where the other half of a contradiction stands.
    first: Option<Span>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The parser could not read on here, and found its way again further down.
    Syntax,
    /// Something is not there.
    Absence,
    /// Something that is there is wrong.
    Fault,
}

impl Problem {
    pub(super) fn new(span: &Span, key: impl Into<String>, text: impl Into<String>) -> Self {
        let (key, text) = (key.into(), text.into());
        let (allowed, nearest, first) = (None, None, None);
        Problem {
            span: span.clone(),
            key,
            text,
            allowed,
            nearest,
            first,
            kind: Kind::Fault,
        }
    }

    pub(super) fn refused(span: &Span, key: impl Into<String>, refused: Refused) -> Self {
        Problem {
            nearest: refused.nearest,
            ..Problem::new(span, key, refused.problem).allowed(refused.allowed)
        }
    }

    /// What the parser has to say. A key given twice does not throw it off its way.
    pub(super) fn syntax(span: &Span, text: &str) -> Self {
        let kind = if text == "duplicate key" {
            Kind::Fault
        } else {
            Kind::Syntax
        };
        Problem {
            kind,
            ..Problem::new(span, "", text)
        }
    }

    pub(super) fn allowed(self, allowed: impl Into<String>) -> Self {
        Problem {
            allowed: Some(allowed.into()),
            ..self
        }
    }

    /// Offers the one of `names` that looks most like `wrong`, if one does.
    pub(super) fn nearest<'n>(self, wrong: &str, names: impl Iterator<Item = &'n str>) -> Self {
        Problem {
            nearest: nearest(wrong, names).map(str::to_string),
            ..self
        }
    }

    /// The line of `first` is told behind the text.
    pub(super) fn first(self, first: &Span) -> Self {
        Problem {
            first: Some(first.clone()),
            ..self
        }
    }

    pub(super) fn absence(self) -> Self {
        Problem {
            kind: Kind::Absence,
            ..self
        }
    }
}

/// The problems of one text.
#[derive(Debug, Default)]
pub(super) struct Report {
    problems: RefCell<Vec<Problem>>,
    /// Those beyond [`Report::KEPT`].
    more: Cell<usize>,
}

impl Report {
    /// The most problems kept: more than are shown, since some hide others. The rest are counted.
    const KEPT: usize = 10 * ConfigErrors::MAX;

    pub(super) fn add(&self, problem: Problem) {
        if self.is_over() {
            return self.more.set(self.more.get() + 1);
        }
        self.problems.borrow_mut().push(problem);
    }

    /// Whether no more problems are kept, so that it is of no use to read on.
    pub(super) fn is_over(&self) -> bool {
        self.problems.borrow().len() >= Self::KEPT
    }

    /// Whether so much is wrong already that help with one more name would not be shown.
    pub(super) fn is_full(&self) -> bool {
        self.problems.borrow().len() >= ConfigErrors::MAX
    }

    /// Whether nothing is wrong so far.
    pub(super) fn is_empty(&self) -> bool {
        self.problems.borrow().is_empty()
    }

    /// What is wrong with an edit: there is no text that it stands in. A span begins at the number
    /// of an item, from 1, where there are several, and at 0 where there is but one thing.
    pub(super) fn finish_edit(self) -> Option<ConfigErrors> {
        let more = self.more.get();
        let mut problems = self.problems.into_inner();
        if problems.is_empty() {
            return None;
        }
        let more = more + problems.len().saturating_sub(ConfigErrors::MAX);
        problems.sort_by_key(|p| p.span.start);
        problems.truncate(ConfigErrors::MAX);
        let told = |p: Problem| ConfigError {
            file: match p.span.start {
                0 => String::new(),
                item => format!("item {item}"),
            },
            place: None,
            key: p.key,
            problem: match p.first.map(|first| first.start) {
                None | Some(0) => p.text,
                Some(item) => format!("{}, as in item {item}", p.text),
            },
            allowed: p.allowed,
            nearest: p.nearest,
        };
        Some(ConfigErrors {
            file: String::new(),
            errors: problems.into_iter().map(told).collect(),
            more,
        })
    }

    /// What a user is told. Behind bad syntax the parser reads on as well as it can: what is wrong
    /// in the same line, or missing then, is not held against the user.
    pub(super) fn finish(self, file: &str, text: &str) -> Option<ConfigErrors> {
        let (lines, more) = (Lines::new(text), self.more.get());
        let mut problems = self.problems.into_inner();
        let syntax = problems.iter().filter(|p| p.kind == Kind::Syntax);
        let broken: HashSet<usize> = syntax.map(|p| lines.of(p.span.start)).collect();
        problems.retain(|p| match p.kind {
            Kind::Syntax => true,
            Kind::Absence => broken.is_empty(),
            Kind::Fault => !broken.contains(&lines.of(p.span.start)),
        });
        if problems.is_empty() {
            return None;
        }
        problems.sort_by_key(|p| p.span.start);
        let more = more + problems.len().saturating_sub(ConfigErrors::MAX);
        problems.truncate(ConfigErrors::MAX);
        let see = |first: Span| format!(", as in line {}", lines.of(first.start) + 1);
        let told = |p: Problem| ConfigError {
            file: file.to_string(),
            place: Some(lines.place(&p.span)),
            key: p.key,
            problem: p.text + &p.first.map(see).unwrap_or_default(),
            allowed: p.allowed,
            nearest: p.nearest,
        };
        let errors = problems.into_iter().map(told).collect();
        Some(ConfigErrors {
            file: file.to_string(),
            errors,
            more,
        })
    }
}

/// Where the lines of a text begin.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Self {
        let after = text.match_indices('\n').map(|(at, _)| at + 1);
        Lines {
            text,
            starts: std::iter::once(0).chain(after).collect(),
        }
    }

    /// The number, from 0, of the line that byte `at` is in.
    fn of(&self, at: usize) -> usize {
        self.starts
            .partition_point(|start| *start <= at)
            .saturating_sub(1)
    }

    fn place(&self, span: &Span) -> Place {
        let line = self.of(span.start);
        let start = self.starts.get(line).copied().unwrap_or_default();
        let rest = self.text.get(start..).unwrap_or_default();
        let text = rest.lines().next().unwrap_or_default();
        let chars = |to: usize| {
            text.char_indices()
                .take_while(|(at, _)| start + at < to)
                .count()
        };
        let before = chars(span.start);
        let width = chars(span.end).saturating_sub(before).max(1);
        Place {
            line: line + 1,
            column: before + 1,
            width,
            text: text.to_string(),
        }
    }
}

/// The name most like `wrong`: at most a third of its letters, and at least one, may differ.
pub fn nearest<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let limit = (wrong.chars().count() / 3).max(1);
    let lower = wrong.to_lowercase();
    let far = |name: &str| strsim::damerau_levenshtein(&lower, &name.to_lowercase());
    let best = names
        .map(|name| (far(name), name))
        .min_by_key(|(distance, _)| *distance)?;
    (best.0 <= limit).then_some(best.1)
}

/// What is said of a `name` that nothing of this kind has, but perhaps something else of `names`.
pub fn no_such<'n>(kind: &str, name: Name, names: impl Iterator<Item = &'n Name>) -> String {
    let hint = nearest(name.as_str(), names.map(Name::as_str));
    let hint = hint.map_or_else(String::new, |near| format!("; did you mean {near}?"));
    format!("there is no {kind} {name}{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(wrong: &str) -> Option<&'static str> {
        nearest(
            wrong,
            ["mtu", "addresses", "rx_queues", "tx_queues"].into_iter(),
        )
    }

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(close("mtuu"), Some("mtu"));
        assert_eq!(close("MTU"), Some("mtu"));
        assert_eq!(close("adresses"), Some("addresses"));
        assert_eq!(close("rx_queue"), Some("rx_queues"));
        assert_eq!(close("xyz"), None);
        assert_eq!(close(""), None);
    }

    #[test]
    fn a_place_counts_characters() {
        let lines = Lines::new("a\nä = öx\r\n");
        let at = "a\nä = ".len();
        let place = lines.place(&(at..at + "öx".len()));
        assert_eq!((place.line, place.column, place.width), (2, 5, 2));
        assert_eq!(place.text, "ä = öx");
        let end = lines.place(&(12..12));
        assert_eq!((end.line, end.column, end.width), (3, 1, 1));
    }

    #[test]
    fn no_problem_is_no_error() {
        assert_eq!(Report::default().finish("f", ""), None);
    }

    #[test]
    fn a_thousand_problems_are_kept_and_the_others_counted() {
        let report = Report::default();
        for at in 0..5000 {
            report.add(Problem::new(&(at..at), "", "wrong"));
        }
        assert_eq!(report.problems.borrow().len(), 1000);
        let errors = report.finish("f", "").unwrap();
        assert_eq!((errors.errors().len(), errors.more()), (100, 4900));
    }

    #[test]
    fn what_bad_syntax_may_have_hidden_is_not_reported() {
        let report = Report::default();
        report.add(Problem::new(&(0..1), "", "hidden: same line"));
        report.add(Problem::new(&(4..5), "", "hidden: absent").absence());
        report.add(Problem::new(&(4..5), "", "told"));
        report.add(Problem::syntax(&(2..3), "syntax"));
        let errors = report.finish("f", "abc\ndef\n").unwrap();
        let told: Vec<&str> = errors.errors().iter().map(|e| e.problem.as_str()).collect();
        assert_eq!(told, ["syntax", "told"]);
    }
}
