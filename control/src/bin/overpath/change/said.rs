//! Words and their values, in pairs, as `ip` takes them.

use crate::words::pick;
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
    /// One of several words, of which `off` is one.
    OrOff,
    /// A number of a VLAN, which may also be none.
    Vlan,
    /// There is no value: the word says it all.
    Flag,
}

/// A word, and the key of the configuration that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    word: &'static str,
    alias: Option<&'static str>,
    key: &'static str,
    kind: Kind,
    value: &'static str,
    about: &'static str,
}

impl Key {
    pub(super) const fn new(word: &'static str, key: &'static str, kind: Kind) -> Self {
        Key {
            word,
            alias: None,
            key,
            kind,
            value: "",
            about: "",
        }
    }

    /// What help calls its value, and says of it.
    pub(super) const fn says(self, value: &'static str, about: &'static str) -> Self {
        Key {
            value,
            about,
            ..self
        }
    }

    /// In a list of words.
    fn head(&self) -> String {
        let more = match self.kind {
            Kind::List => ", ...",
            _ => "",
        };
        let text = format!("{} {}{more}", self.word, self.value);
        text.trim_end().to_owned()
    }

    /// The word of `ip` for it.
    pub(super) const fn or(self, alias: &'static str) -> Self {
        let alias = Some(alias);
        Key { alias, ..self }
    }

    /// What `no` before the word means.
    fn without(&self) -> Option<Value> {
        match self.kind {
            Kind::Bool => Some(false.into()),
            Kind::OrOff => Some("off".into()),
            Kind::Text | Kind::Vlan => Some(Value::Null),
            Kind::Number | Kind::List | Kind::Flag => None,
        }
    }

    /// What has its default again is `null`.
    fn value(&self, word: &str) -> Value {
        match (self.kind, word) {
            (_, "default") => Value::Null,
            (Kind::Bool, "true" | "on") => true.into(),
            (Kind::Bool, "false" | "off") => false.into(),
            (Kind::Number | Kind::Vlan, number) => match number.parse::<u64>() {
                Ok(number) => number.into(),
                Err(_) => number.into(),
            },
            (_, text) => text.into(),
        }
    }
}

/// What a word means.
enum Meant {
    /// This, and no value stands behind it.
    Whole(&'static Key, Value),
    /// This, and its value stands behind it.
    Before(&'static Key),
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
            match self.meant(word)? {
                Meant::Whole(key, value) => {
                    if said.insert(key.key.to_owned(), value).is_some() {
                        return Err(twice(key));
                    }
                }
                Meant::Before(key) => {
                    let value = words.next();
                    let value =
                        value.ok_or_else(|| format!("{}: the value is missing", key.word))?;
                    put(&mut said, key, value)?;
                }
            }
        }
        Ok(said)
    }

    /// What a word means: one of those that can be said, as it is or shortened, perhaps with `no`
    /// before it, as in `nobridge`, `nomaster`, `nolearning`.
    fn meant(&self, word: &str) -> Result<Meant, String> {
        let before = |key: &'static Key| match key.kind {
            Kind::Flag => Meant::Whole(key, true.into()),
            _ => Meant::Before(key),
        };
        let unknown = match pick(word, self.names()) {
            Ok(key) => return Ok(before(key)),
            Err(unknown) => unknown,
        };
        let bare = word.strip_prefix("no").unwrap_or_default();
        let names = self.names();
        let key = pick(bare, names.filter(|(_, key)| key.without().is_some()));
        let key = key.ok().and_then(|key| Some((key, key.without()?)));
        match key {
            Some((key, value)) => Ok(Meant::Whole(key, value)),
            None => Err(unknown.tell(word, &self.words())),
        }
    }

    fn names(&self) -> impl Iterator<Item = (&'static str, &'static Key)> {
        let names = |key: &'static Key| [Some(key.word), key.alias].map(|name| Some((name?, key)));
        self.keys.iter().flat_map(names).flatten()
    }

    fn words(&self) -> Vec<&'static str> {
        self.keys.iter().map(|key| key.word).collect()
    }

    /// The words, a line for each, with what its value is.
    pub(super) fn help(&self) -> String {
        let heads: Vec<String> = self.keys.iter().map(Key::head).collect();
        let width = heads.iter().map(String::len).max().unwrap_or_default();
        let lines = self.keys.iter().zip(&heads).map(|(key, head)| {
            let alias = key.alias.map(|alias| format!(" (or {alias})"));
            let alias = alias.unwrap_or_default();
            format!("  {head:width$}  {}{alias}\n", key.about)
        });
        lines.collect()
    }

    /// What stands behind the verb: `NAME [WORD VALUE]...`.
    pub(super) fn usage(&self) -> String {
        let first = self.first.map(|first| first.value);
        let more = (!self.keys.is_empty()).then_some("[WORD VALUE]...");
        let parts: Vec<_> = first.into_iter().chain(more).collect();
        parts.join(" ")
    }

    fn allowed(&self) -> String {
        match self.words() {
            none if none.is_empty() => String::new(),
            words => format!("; allowed: {}", words.join(", ")),
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
        (_, Some(_), _) => return Err(twice(key)),
    }
    Ok(())
}

fn twice(key: &Key) -> String {
    format!("{}: is said twice", key.word)
}
