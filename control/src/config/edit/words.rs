//! The parameters of a command as a table, such as a file would have.

use crate::config::report::{Report, Span};
use crate::config::section::Section;
use crate::config::{Setting, Written};
use serde_json::{Map, Value};
use std::slice::Iter;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// Keys and values, by the keys of the file's tables.
pub type Words = Map<String, Value>;

/// Has `words`, which stand at `span`, read as a table whose keys are told with `prefix` before
/// them. A `null` counts as nothing.
pub(super) fn read<T>(
    report: &Report,
    prefix: &'static str,
    words: &Words,
    span: &Span,
    reader: impl FnOnce(Section<'_>) -> T,
) -> T {
    let mut numbers = Vec::new();
    words.values().for_each(|value| write(value, &mut numbers));
    let table = table(words, span, &mut numbers.iter());
    reader(Section::of(report, prefix, span, &table))
}

/// The numbers within `value` as text, which values of TOML borrow.
fn write(value: &Value, numbers: &mut Vec<String>) {
    match value {
        Value::Number(number) => numbers.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| write(item, numbers)),
        Value::Object(words) => words.values().for_each(|value| write(value, numbers)),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// `numbers` are those of [`write`].
fn table<'t>(words: &'t Words, span: &Span, numbers: &mut Iter<'t, String>) -> DeTable<'t> {
    let mut table = DeTable::new();
    for (key, value) in words {
        if let Some(value) = self::value(value, span, numbers) {
            let key = Spanned::new(span.clone(), key.as_str().into());
            table.insert(key, Spanned::new(span.clone(), value));
        }
    }
    table
}

fn value<'t>(value: &'t Value, span: &Span, numbers: &mut Iter<'t, String>) -> Option<DeValue<'t>> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => DeValue::Boolean(*value),
        Value::Number(_) => number(numbers.next()?),
        Value::String(text) => DeValue::String(text.as_str().into()),
        Value::Array(items) => {
            let mut all = DeArray::new();
            for item in items {
                if let Some(item) = self::value(item, span, numbers) {
                    all.push(Spanned::new(span.clone(), item));
                }
            }
            DeValue::Array(all)
        }
        Value::Object(words) => DeValue::Table(table(words, span, numbers)),
    })
}

/// A number of JSON is one of TOML.
fn number(text: &str) -> DeValue<'_> {
    match DeValue::parse(text) {
        Ok(value) => value.into_inner(),
        Err(_) => DeValue::String(text.into()),
    }
}

/// What is set already, with `words` laid over it.
pub(super) fn over(settings: Vec<Setting>, words: &Words) -> Words {
    let known = settings.into_iter().map(|(key, written)| {
        let value = match written {
            Written::Number(number) => number.into(),
            Written::Bool(value) => value.into(),
            Written::Text(text) => text.into(),
            Written::Range(first, last) => [first, last].as_slice().into(),
        };
        (key.to_owned(), value)
    });
    let mut all: Words = known.collect();
    all.extend(
        words
            .iter()
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    all
}
