//! What is wrong with a configuration, and how a user gets to see it.

use std::fmt;

/// Everything that is wrong with a configuration, in the order of the file. Never empty.
///
/// Its `Display` is what a user sees: a block for each error, then how many there are, unless it is
/// one edit that is wrong and no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    pub(super) file: String,
    pub(super) errors: Vec<ConfigError>,
    pub(super) more: usize,
}

impl ConfigErrors {
    /// The most errors kept. A file with more of them needs another look anyway.
    pub const MAX: usize = 100;

    /// The first [`ConfigErrors::MAX`] errors.
    pub fn errors(&self) -> &[ConfigError] {
        &self.errors
    }

    /// How many more there are.
    pub fn more(&self) -> usize {
        self.more
    }

    /// The errors of an edit, without empty lines between them.
    fn edit(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blocks: Vec<String> = self.errors.iter().map(ToString::to_string).collect();
        f.write_str(blocks.concat().trim_end())?;
        match self.more {
            0 => Ok(()),
            more => write!(f, "\nand {more} more errors"),
        }
    }

    /// The one error of a file that cannot be read.
    pub(super) fn unreadable(file: String, problem: String) -> Self {
        let error = ConfigError {
            file: file.clone(),
            place: None,
            key: String::new(),
            problem,
            allowed: None,
            nearest: None,
        };
        ConfigErrors {
            file,
            errors: vec![error],
            more: 0,
        }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.file.is_empty() {
            return self.edit(f);
        }
        for error in &self.errors {
            writeln!(f, "{error}")?;
        }
        match self.errors.len() + self.more {
            1 => write!(f, "1 error in {}", self.file)?,
            count => write!(f, "{count} errors in {}", self.file)?,
        }
        if self.more > 0 {
            write!(f, ", of which the first {} are shown", Self::MAX)
        } else {
            Ok(())
        }
    }
}

impl std::error::Error for ConfigErrors {}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, as it was named to us, or which item of an edit it is; empty if an edit is but one
    /// thing.
    pub file: String,
    /// Where in the file; none if it could not be read at all, and in an edit.
    pub place: Option<Place>,
    /// The key, as in `port.mtu`; empty if the error is about none.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What is allowed, where that is more than `problem` says.
    pub allowed: Option<String>,
    /// The nearest right name, if one was mistyped.
    pub nearest: Option<String>,
}

/// Why a value is refused: the words of a [`ConfigError`] without a place, for a change at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong.
    pub problem: String,
    /// What is allowed.
    pub allowed: String,
    /// The nearest right value, if one was mistyped.
    pub nearest: Option<String>,
}

impl Refused {
    pub(super) fn new(problem: impl Into<String>, allowed: impl Into<String>) -> Self {
        Refused {
            problem: problem.into(),
            allowed: allowed.into(),
            nearest: None,
        }
    }

    pub(super) fn nearest(self, nearest: Option<impl fmt::Display>) -> Self {
        let nearest = nearest.map(|nearest| nearest.to_string());
        Refused { nearest, ..self }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)?;
        match &self.nearest {
            Some(nearest) => write!(f, ", did you mean `{nearest}`?")?,
            None => f.write_str(".")?,
        }
        write!(f, " Allowed: {}", self.allowed)
    }
}

impl std::error::Error for Refused {}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// How many characters of the line are meant.
    pub width: usize,
    /// The text of the line.
    pub text: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut space = "";
        if !self.file.is_empty() {
            write!(f, "{}:", self.file)?;
            space = " ";
        }
        if let Some(place) = &self.place {
            write!(f, "{}:{}:", place.line, place.column)?;
        }
        if !self.key.is_empty() {
            write!(f, "{space}{}:", self.key)?;
            space = " ";
        }
        writeln!(f, "{space}{}", self.problem)?;
        if let Some(place) = &self.place {
            fmt::Display::fmt(place, f)?;
        }
        if let Some(allowed) = &self.allowed {
            writeln!(f, "  allowed: {allowed}")?;
        }
        if let Some(nearest) = &self.nearest {
            writeln!(f, "  did you mean `{nearest}`?")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// The line, with the part that is meant underlined.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// A longer line is shown from a little before the place on.
        const SHOWN: usize = 100;
        const BEFORE: usize = 60;
        let skip = if self.column > SHOWN {
            self.column - BEFORE
        } else {
            0
        };
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let text: String = self
            .text
            .chars()
            .skip(skip)
            .take(SHOWN)
            .map(plain)
            .collect();
        let before = self.column - 1 - skip;
        let width = self.width.min(SHOWN - before).max(1);
        let gutter = self.line.to_string().len();
        writeln!(f, "  {} | {}", self.line, text.trim_end())?;
        writeln!(f, "  {:gutter$} | {:before$}{}", "", "", "^".repeat(width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(column: usize, width: usize, text: &str) -> ConfigError {
        ConfigError {
            file: "a.toml".into(),
            place: Some(Place {
                line: 12,
                column,
                width,
                text: text.into(),
            }),
            key: "port.mtu".into(),
            problem: "20000 is out of range".into(),
            allowed: Some("68 to 9600".into()),
            nearest: Some("mtu".into()),
        }
    }

    #[test]
    fn an_error_is_a_block() {
        let expected = "a.toml:12:7: port.mtu: 20000 is out of range
  12 | mtu = 20000
     |       ^^^^^
  allowed: 68 to 9600
  did you mean `mtu`?
";
        assert_eq!(error(7, 5, "mtu = 20000").to_string(), expected);
    }

    #[test]
    fn a_long_line_is_cut_and_control_characters_do_not_reach_the_terminal() {
        let line = format!("{}\x1b[31mhere{}", "x".repeat(500), "y".repeat(500));
        let text = error(506, 300, &line).to_string();
        let shown: Vec<&str> = text.lines().collect();
        assert!(shown[1].contains(" [31mhere"), "{text}");
        assert!(shown[1].len() < 120 && shown[2].len() < 120, "{text}");
        let under = shown[2].find('^').unwrap();
        assert!(shown[1][under..].starts_with("here"), "{text}");
    }

    #[test]
    fn a_list_of_errors_ends_with_their_number() {
        let one = error(1, 1, "");
        let mut errors = ConfigErrors {
            file: "a.toml".into(),
            errors: vec![one],
            more: 0,
        };
        assert!(
            errors.to_string().ends_with("\n\n1 error in a.toml"),
            "{errors}"
        );
        errors.more = 5;
        let end = "6 errors in a.toml, of which the first 100 are shown";
        assert!(errors.to_string().ends_with(end), "{errors}");
    }

    #[test]
    fn a_file_that_cannot_be_read_has_no_place() {
        let errors = ConfigErrors::unreadable("a.toml".into(), "No such file".into());
        assert_eq!(
            errors.to_string(),
            "a.toml: No such file\n\n1 error in a.toml"
        );
    }
}
