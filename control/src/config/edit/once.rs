//! The words of a command as they stand in JSON: an object, in which each key is there once. Which of
//! two values is meant nobody can know, so neither is taken.

use super::words::Words;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// Most characters of a key that are repeated in a refusal.
const MAX_SHOWN: usize = 40;
/// What serde_json says behind a message: a place in a line that nobody sees.
const PLACE: &str = " at line ";

/// Why a text has no words of a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoWords {
    /// It is something else than an object.
    #[error("is no object")]
    NoObject,
    /// The keys that lead to what is wrong, and what that is.
    #[error("{0}")]
    Wrong(String),
}

/// The words in `text`, which is JSON.
///
/// # Errors
/// If it is no object, a key is there twice in one, or a value is none, as a number that is too large.
pub(crate) fn words(text: &str) -> Result<Words, NoWords> {
    if !text.trim_start().starts_with('{') {
        return Err(NoWords::NoObject);
    }
    match serde_json::from_str(text) {
        Ok(Once(Value::Object(words))) => Ok(words),
        Ok(_) => Err(NoWords::NoObject),
        Err(error) => {
            let mut text = error.to_string();
            text.truncate(text.rfind(PLACE).unwrap_or(text.len()));
            Err(NoWords::Wrong(text))
        }
    }
}

/// A value in whose objects each key is there once.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Any).map(Once)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Once(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(all.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut words = Words::new();
        while let Some(key) = members.next_key::<String>()? {
            if words.contains_key(&key) {
                return Err(at(&key, "is given twice"));
            }
            let value = members.next_value();
            let Once(value) = value.map_err(|error: A::Error| at(&key, error))?;
            words.insert(key, value);
        }
        Ok(words.into())
    }
}

fn at<E: Error>(key: &str, problem: impl fmt::Display) -> E {
    let shown: String = key.chars().take(MAX_SHOWN).collect();
    E::custom(format_args!("{shown}: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_as_it_stands() {
        let text =
            r#" {"a": [1, -2, 0.5, "x\n", null, true, {}], "b": {"a": 18446744073709551615}}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(Value::Object(words(text).unwrap()), value);
        assert_eq!(words("{}"), Ok(Words::new()));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_keys() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
        for (text, told) in [
            (r#"{"mtu":1500,"mtu":9000}"#, "mtu: is given twice"),
            (r#"{"mtu":1,"m\u0074u":1}"#, "mtu: is given twice"),
            (
                r#"{"a":{"b":[1,{"c":1,"c":1}]}}"#,
                "a: b: c: is given twice",
            ),
            (r#"{"mtu":1e999}"#, "mtu: number out of range"),
            (r#"{"a":[{"b":-1e999}]}"#, "a: b: number out of range"),
            (&deep, "a: recursion limit exceeded"),
        ] {
            let wrong = NoWords::Wrong(told.to_owned());
            assert_eq!(words(text), Err(wrong), "{text}");
        }
        let long = "x".repeat(10_000);
        let twice = words(&format!("{{\"{long}\":1,\"{long}\":1}}"));
        assert!(twice.unwrap_err().to_string().len() < 100);
        for text in ["[]", "1", "null", "\"a\"", "[1e999]"] {
            assert_eq!(words(text), Err(NoWords::NoObject), "{text}");
        }
    }
}
