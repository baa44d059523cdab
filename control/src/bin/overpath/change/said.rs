//! Words and their values, in pairs, as `ip` takes them.

use control::config::Words;
use serde_json::{Value, json};

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text, whatever it looks like.
    Text,
    /// A number, where it is one.
    Number,
    /// `true` and `false`, or `on` and `off`.
    Bool,
    /// Text; the word may be said several times.
    List,
}

/// A word, and the key of the configuration that it stands for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    word: &'static str,
    alias: Option<&'static str>,
    key: &'static str,
    kind: Kind,
}

impl Key {
    pub(super) const fn new(word: &'static str, key: &'static str, kind: Kind) -> Self {
        let alias = None;
        Key {
            word,
            alias,
            key,
            kind,
        }
    }

    /// The word of `ip` for it.
    pub(super) const fn or(self, alias: &'static str) -> Self {
        let alias = Some(alias);
        Key { alias, ..self }
    }

    fn is(&self, word: &str) -> bool {
        self.word == word || self.alias == Some(word)
    }

    /// What has its default again is `null`.
    fn value(&self, word: &str) -> Value {
        match (self.kind, word) {
            (_, "default") => Value::Null,
            (Kind::Bool, "true" | "on") => true.into(),
            (Kind::Bool, "false" | "off") => false.into(),
            (Kind::Number, number) => match number.parse::<u64>() {
                Ok(number) => number.into(),
                Err(_) => number.into(),
            },
            (_, text) => text.into(),
        }
    }
}

/// What can be said behind a verb.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    /// What stands first, without a word before it.
    pub(super) first: Option<Key>,
    /// What follows.
    pub(super) keys: &'static [Key],
}

impl Said {
    /// # Errors
    /// The word that is not understood or has no value, and what could be said.
    pub(super) fn read<'w>(
        &self,
        words: impl IntoIterator<Item = &'w str>,
    ) -> Result<Words, String> {
        let mut words = words.into_iter();
        let mut said = Words::new();
        if let Some(first) = &self.first {
            let value = words
                .next()
                .ok_or_else(|| format!("the {} is missing{}", first.word, self.allowed()))?;
            said.insert(first.key.to_owned(), value.into());
        }
        while let Some(word) = words.next() {
            if let Some((key, value)) = self.without_value(word) {
                said.insert(key.key.to_owned(), value);
                continue;
            }
            let key = self.keys.iter().find(|key| key.is(word));
            let key = key.ok_or_else(|| self.unknown(word))?;
            let value = words.next();
            let value = value.ok_or_else(|| format!("{word}: the value is missing"))?;
            put(&mut said, key, value)?;
        }
        Ok(said)
    }

    /// `nobridge`, `nomaster`, `nolocal`; `nolearning`.
    fn without_value(&self, word: &str) -> Option<(&Key, Value)> {
        let bare = word.strip_prefix("no")?;
        let key = self.keys.iter().find(|key| key.is(bare))?;
        match key.kind {
            Kind::Bool => Some((key, false.into())),
            Kind::Text => Some((key, Value::Null)),
            Kind::Number | Kind::List => None,
        }
    }

    fn unknown(&self, word: &str) -> String {
        let names = self.keys.iter().map(|key| key.word);
        let near = control::config::nearest(word, names);
        let near = near.map_or_else(String::new, |near| format!(", did you mean `{near}`?"));
        format!("{word:?} is not understood here{near}{}", self.allowed())
    }

    fn allowed(&self) -> String {
        let words: Vec<&str> = self.keys.iter().map(|key| key.word).collect();
        match words.len() {
            0 => String::new(),
            _ => format!("; allowed: {}", words.join(", ")),
        }
    }
}

fn put(said: &mut Words, key: &Key, word: &str) -> Result<(), String> {
    let value = key.value(word);
    let before = said.get_mut(key.key);
    match (key.kind, before, value) {
        (Kind::List, Some(Value::Array(list)), Value::String(text)) => list.push(text.into()),
        (Kind::List, None, Value::String(text)) => {
            said.insert(key.key.to_owned(), json!([text]));
        }
        (_, None, value) => {
            said.insert(key.key.to_owned(), value);
        }
        (_, Some(_), _) => return Err(format!("{}: is said twice", key.word)),
    }
    Ok(())
}
