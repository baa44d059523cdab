//! What stands in a table: a word and its value, and what kind of thing the value is.

use anstyle::{AnsiColor, Style};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether values have colours. Set once, before anything is shown.
static COLOURED: AtomicBool = AtomicBool::new(false);

/// From now on values have colours, or have none.
pub(crate) fn set_coloured(coloured: bool) {
    COLOURED.store(coloured, Ordering::Relaxed);
}

/// Whether values have colours.
pub(super) fn is_coloured() -> bool {
    COLOURED.load(Ordering::Relaxed)
}

/// What a value is. Each kind has the colour that iproute2 gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hue {
    /// The name of a port, a bridge or a tunnel.
    Name,
    /// An Ethernet address.
    Mac,
    /// An IP address, or a network.
    Address,
    /// A state in which all is well.
    Good,
    /// A state in which something is wrong, or what was lost.
    Bad,
}

impl Hue {
    const fn style(self) -> Style {
        let color = match self {
            Hue::Name => AnsiColor::Cyan,
            Hue::Mac => AnsiColor::Yellow,
            Hue::Address => AnsiColor::Magenta,
            Hue::Good => AnsiColor::Green,
            Hue::Bad => AnsiColor::Red,
        };
        color.on_default()
    }

    /// That of a state, by whether all is well.
    pub(crate) const fn of(good: bool) -> Self {
        if good { Hue::Good } else { Hue::Bad }
    }
}

/// A cell. The word before its value has no colour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    word: String,
    value: String,
    hue: Option<Hue>,
}

impl Cell {
    /// The same, of which the value is something of this kind.
    pub(crate) fn hued(self, hue: Hue) -> Self {
        let hue = Some(hue);
        Cell { hue, ..self }
    }

    /// The same, of which the value is of this kind if that is said.
    pub(crate) fn hued_if(self, said: bool, hue: Hue) -> Self {
        if said { self.hued(hue) } else { self }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.word.is_empty() && self.value.is_empty()
    }

    /// Characters that are seen.
    pub(super) fn width(&self) -> usize {
        self.word.chars().count() + self.value.chars().count()
    }

    /// As it is printed, with colours or without.
    pub(super) fn show(&self, coloured: bool) -> String {
        let Cell { word, value, hue } = self;
        match hue.filter(|_| coloured && !value.is_empty()) {
            Some(hue) => {
                let style = hue.style();
                format!("{word}{style}{value}{style:#}")
            }
            None => format!("{word}{value}"),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.show(is_coloured()))
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(value: T) -> Self {
        Cell {
            word: String::new(),
            value: plain(value.as_ref()),
            hue: None,
        }
    }
}

/// A word and its value.
pub(crate) fn word(word: &str, value: impl fmt::Display) -> Cell {
    Cell {
        word: format!("{} ", plain(word)),
        ..Cell::from(value.to_string())
    }
}

/// A word and its value, or nothing.
pub(crate) fn maybe(name: &str, value: Option<impl fmt::Display>) -> Cell {
    value.map(|value| word(name, value)).unwrap_or_default()
}

/// Those that are not empty, with a space between.
pub(crate) fn line(cells: &[Cell]) -> String {
    let some = cells.iter().filter(|cell| !cell.is_empty());
    let some: Vec<_> = some.map(|cell| cell.show(is_coloured())).collect();
    some.join(" ")
}

/// Nothing that moves the cursor or changes colours, whatever the daemon says.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_values_or_are_not_there() {
        assert_eq!(word("mtu", 1500).to_string(), "mtu 1500");
        assert_eq!(maybe("age", Some(3)).to_string(), "age 3");
        assert!(maybe("age", None::<u64>).is_empty());
        let cells = [word("a", 1), Cell::default(), "b".into()];
        assert_eq!(line(&cells), "a 1 b");
    }

    #[test]
    fn a_value_has_the_colour_of_its_kind_and_its_word_has_none() {
        let port = word("port", "lan").hued(Hue::Name);
        assert_eq!(port.show(false), "port lan");
        assert_eq!(port.show(true), "port \x1b[36mlan\x1b[0m");
        assert_eq!(port.width(), "port lan".len());
        let hued = |hue| Cell::from("x").hued(hue).show(true);
        assert_eq!(hued(Hue::Mac), "\x1b[33mx\x1b[0m");
        assert_eq!(hued(Hue::Address), "\x1b[35mx\x1b[0m");
        assert_eq!(hued(Hue::of(true)), "\x1b[32mx\x1b[0m");
        assert_eq!(hued(Hue::of(false)), "\x1b[31mx\x1b[0m");
        assert_eq!(Cell::default().hued(Hue::Bad).show(true), "");
        assert_eq!(Cell::from("x").hued_if(false, Hue::Bad).show(true), "x");
    }

    #[test]
    fn what_the_daemon_says_has_no_colour_of_its_own() {
        let cell = word("port", "\x1b[31mlan").hued(Hue::Name);
        assert_eq!(cell.show(true), "port \x1b[36m [31mlan\x1b[0m");
    }
}
