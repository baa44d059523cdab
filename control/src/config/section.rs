//! Reads the tables of a file: asks for keys by name and type, and reports what does not fit.

use super::error::Refused;
use super::report::{At, Problem, Report, Span};
use std::fmt::Display;
use std::ops::RangeInclusive;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A table of the file. What nobody asked for by the time of [`Section::finish`] is unknown.
pub(super) struct Section<'a> {
    report: &'a Report,
    /// What stands before its keys: nothing, or a name and a dot.
    prefix: &'static str,
    span: Span,
    table: &'a DeTable<'a>,
    asked: Vec<&'static str>,
}

/// A value of the file and the key it belongs to.
pub(super) struct Field<'a> {
    report: &'a Report,
    /// As that of its section.
    prefix: &'static str,
    key: &'static str,
    span: Span,
    value: &'a DeValue<'a>,
}

impl<'a> Section<'a> {
    /// The whole document.
    pub(super) fn root(report: &'a Report, document: &'a Spanned<DeTable<'a>>) -> Self {
        let (span, table) = (document.span(), document.get_ref());
        Section {
            report,
            prefix: "",
            span,
            table,
            asked: Vec::new(),
        }
    }

    /// A table that stands in no file, for the keys of `prefix`.
    pub(super) fn of(
        report: &'a Report,
        prefix: &'static str,
        span: &Span,
        table: &'a DeTable<'a>,
    ) -> Self {
        Section {
            report,
            prefix,
            span: span.clone(),
            table,
            asked: Vec::new(),
        }
    }

    /// Where the table begins: its header, or an inline table.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// The value of a key that may be left out.
    pub(super) fn get(&mut self, key: &'static str) -> Option<Field<'a>> {
        self.asked.push(key);
        let value = self.table.get(key)?;
        Some(Field {
            report: self.report,
            prefix: self.prefix,
            key,
            span: value.span(),
            value: value.get_ref(),
        })
    }

    /// The value of a key that must be there.
    pub(super) fn require(&mut self, key: &'static str) -> Option<Field<'a>> {
        let field = self.get(key);
        if field.is_none() {
            let key = format!("{}{key}", self.prefix);
            self.report
                .add(Problem::new(&self.span, key, "is missing").absence());
        }
        field
    }

    /// Reports the keys that nobody asked for.
    pub(super) fn finish(self) {
        for name in self.table.keys() {
            let key = name.get_ref().as_ref();
            if !self.asked.contains(&key) {
                let full = format!("{}{}", self.prefix, excerpt(key));
                let problem = Problem::new(&name.span(), full, "is no key that is known here")
                    .allowed(self.asked.join(", "))
                    .nearest(key, self.asked.iter().copied());
                self.report.add(problem);
            }
        }
    }
}

impl<'a> Field<'a> {
    /// The problem `text` with this value.
    fn problem(&self, text: impl Into<String>) -> Problem {
        Problem::new(&self.span, self.full_key(), text)
    }

    /// The key with what it is a key of.
    fn full_key(&self) -> String {
        format!("{}{}", self.prefix, self.key)
    }

    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    fn wrong_type<T>(&self, allowed: impl Into<String>) -> Option<T> {
        let kind = match self.value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.report.add(
            self.problem(format!("{kind} cannot stand here"))
                .allowed(allowed),
        );
        None
    }

    pub(super) fn boolean(self) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => Some(*value),
            _ => self.wrong_type("true or false"),
        }
    }

    /// A whole number of `range`.
    pub(super) fn number<T>(self, range: RangeInclusive<T>) -> Option<T>
    where
        T: TryFrom<u64> + PartialOrd + Display,
    {
        let allowed = format!("a number from {} to {}", range.start(), range.end());
        self.number_of(&range, allowed)
    }

    fn number_of<T>(&self, range: &RangeInclusive<T>, allowed: String) -> Option<T>
    where
        T: TryFrom<u64> + PartialOrd,
    {
        let DeValue::Integer(text) = self.value else {
            return self.wrong_type(allowed);
        };
        let number = u64::from_str_radix(text.as_str(), text.radix()).ok();
        let fits = number
            .and_then(|n| T::try_from(n).ok())
            .filter(|n| range.contains(n));
        if fits.is_none() {
            let text = format!("{} is out of range", excerpt(&text.to_string()));
            self.report.add(self.problem(text).allowed(allowed));
        }
        fits
    }

    /// A whole number of `range`, or the word `inherit`, which gives `None`.
    pub(super) fn number_or_inherit(self, range: RangeInclusive<u8>) -> Option<Option<u8>> {
        let allowed = format!(
            "a number from {} to {}, or \"inherit\"",
            range.start(),
            range.end()
        );
        match self.value {
            DeValue::String(_) => self.one_of_or(&[("inherit", None)], allowed),
            _ => self.number_of(&range, allowed).map(Some),
        }
    }

    /// One of a few words.
    pub(super) fn one_of<T: Copy>(self, words: &[(&'static str, T)]) -> Option<T> {
        let quoted: Vec<String> = words
            .iter()
            .map(|(word, _)| format!("\"{word}\""))
            .collect();
        self.one_of_or(words, quoted.join(", "))
    }

    fn one_of_or<T: Copy>(&self, words: &[(&'static str, T)], allowed: String) -> Option<T> {
        let DeValue::String(text) = self.value else {
            return self.wrong_type(allowed);
        };
        let found = words
            .iter()
            .find(|(word, _)| word == text)
            .map(|(_, value)| *value);
        if found.is_none() {
            let problem = self.problem(format!("`{}` is not allowed", excerpt(text)));
            let names = words.iter().map(|(word, _)| *word);
            self.report
                .add(problem.allowed(allowed).nearest(text, names));
        }
        found
    }

    /// Any text.
    pub(super) fn text(self) -> Option<At<String>> {
        match self.value {
            DeValue::String(text) => Some(At {
                value: text.to_string(),
                span: self.span,
            }),
            _ => self.wrong_type("a string"),
        }
    }

    /// Text that `parse` understands.
    pub(super) fn parse<T>(
        self,
        allowed: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<At<T>> {
        let DeValue::String(text) = self.value else {
            return self.wrong_type(allowed);
        };
        let Some(value) = parse(text) else {
            let text = format!("`{}` is not allowed", excerpt(text));
            self.report.add(self.problem(text).allowed(allowed));
            return None;
        };
        Some(At {
            value,
            span: self.span,
        })
    }

    /// Text that `parse` understands, or refuses in words of its own.
    pub(super) fn judge<T>(
        self,
        allowed: &str,
        parse: impl FnOnce(&str) -> Result<T, Refused>,
    ) -> Option<At<T>> {
        let DeValue::String(text) = self.value else {
            return self.wrong_type(allowed);
        };
        let span = self.span();
        match parse(text) {
            Ok(value) => Some(At { value, span }),
            Err(refused) => self.refuse(refused),
        }
    }

    /// Reports that the value cannot be taken.
    pub(super) fn refuse<T>(&self, refused: Refused) -> Option<T> {
        self.report
            .add(Problem::refused(&self.span, self.full_key(), refused));
        None
    }

    /// `[first, last]`, or `"first-last"`, the one word of a command: UDP ports from the first to the
    /// last.
    pub(super) fn range(self) -> Option<RangeInclusive<u16>> {
        let allowed = "[first, last], two numbers from 1 to 65535, the first not above the last";
        let number = |item: &Spanned<DeValue<'_>>| match item.get_ref() {
            DeValue::Integer(n) => u16::from_str_radix(n.as_str(), n.radix()).ok(),
            _ => None,
        };
        let numbers: Vec<_> = match self.value {
            DeValue::Array(items) => items.iter().map(number).collect(),
            DeValue::String(text) => text.split('-').map(|n| n.parse().ok()).collect(),
            _ => return self.wrong_type(allowed),
        };
        if let [Some(first), Some(last)] = numbers[..]
            && 0 < first
            && first <= last
        {
            return Some(first..=last);
        }
        self.report
            .add(self.problem("is not a range of UDP ports").allowed(allowed));
        None
    }

    /// The items of a list, all under the key of the list.
    pub(super) fn items(self, allowed: &str) -> Vec<Field<'a>> {
        let DeValue::Array(items) = self.value else {
            return self.wrong_type(allowed).unwrap_or_default();
        };
        let field = |item: &'a Spanned<DeValue<'a>>| Field {
            report: self.report,
            prefix: self.prefix,
            key: self.key,
            span: item.span(),
            value: item.get_ref(),
        };
        items.iter().map(field).collect()
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.value, DeValue::Array(_))
    }

    pub(super) fn is_empty_list(&self) -> bool {
        matches!(self.value, DeValue::Array(items) if items.is_empty())
    }

    pub(super) fn is_table(&self) -> bool {
        matches!(self.value, DeValue::Table(_))
    }

    /// A table, whose keys are told with `prefix` before them.
    pub(super) fn table(self, prefix: &'static str, allowed: &str) -> Option<Section<'a>> {
        let DeValue::Table(table) = self.value else {
            return self.wrong_type(allowed);
        };
        Some(Section {
            report: self.report,
            prefix,
            span: self.span,
            table,
            asked: Vec::new(),
        })
    }
}

/// A piece of the file for a message: not endless, and nothing that moves a terminal's cursor.
pub(super) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut short: String = text
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push_str("...");
    }
    short
}
