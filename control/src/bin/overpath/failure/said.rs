//! What a message says is wrong, taken apart.
//!
//! Messages are for humans, and have one of two forms:
//!
//! ```text
//! FIELD: TEXT, did you mean `NEAREST`?; allowed: ALLOWED
//!
//! FILE:LINE:COLUMN: FIELD: TEXT
//!   LINE | what stands there
//!   allowed: ALLOWED
//!   did you mean `NEAREST`?
//! ```

use serde_json::{Value, json};

/// One thing that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Problem {
    /// The key or word that it is about.
    pub(super) field: Option<String>,
    /// What could stand there.
    pub(super) allowed: Option<String>,
    /// What may have been meant.
    pub(super) nearest: Option<String>,
    /// All of its first line.
    pub(super) text: String,
}

impl Problem {
    pub(super) fn json(&self) -> Value {
        json!({
            "message": self.text,
            "field": self.field,
            "allowed": self.allowed,
            "nearest": self.nearest,
        })
    }

    /// Of the line in which it begins.
    fn of(line: &str) -> Self {
        let (said, allowed) = match split(line, ["; allowed: ", " Allowed: "]) {
            Some((said, allowed)) => (said, Some(allowed.to_owned())),
            None => (line, None),
        };
        Problem {
            field: field(said),
            allowed,
            nearest: nearest(said),
            text: line.to_owned(),
        }
    }
}

/// All that a message says is wrong. Lines that stand further in say more of the one before. What
/// follows and has no field, such as a hint, is no other problem.
pub(super) fn problems(message: &str) -> Vec<Problem> {
    let mut found: Vec<Problem> = Vec::new();
    for line in message.lines() {
        if let (Some(more), Some(last)) = (line.strip_prefix("  "), found.last_mut()) {
            let allowed = more.strip_prefix("allowed: ").map(str::to_owned);
            last.allowed = last.allowed.take().or(allowed);
            if more.starts_with("did you mean `") {
                last.nearest = last.nearest.take().or_else(|| nearest(more));
            }
        } else if !line.is_empty() && (found.is_empty() || field(line).is_some()) {
            found.push(Problem::of(line));
        }
    }
    found
}

fn split<'t, const N: usize>(text: &'t str, at: [&str; N]) -> Option<(&'t str, &'t str)> {
    at.into_iter().find_map(|at| text.split_once(at))
}

fn nearest(text: &str) -> Option<String> {
    let (_, behind) = text.split_once("did you mean `")?;
    let (nearest, _) = behind.split_once("`?")?;
    Some(nearest.to_owned())
}

/// The key before the first colon that one stands before; a file and a place in it may stand before
/// that.
fn field(text: &str) -> Option<String> {
    let is_key = |text: &str| {
        let mut parts = text.split('.');
        !text.is_empty()
            && parts.all(|part| {
                let mut letters = part.chars();
                letters.next().is_some_and(|c| c.is_ascii_lowercase())
                    && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            })
    };
    let quoted = text.strip_prefix('"').and_then(|rest| rest.split_once('"'));
    if let Some((word, _)) = quoted {
        return Some(word.to_owned());
    }
    let mut parts = text.split(": ");
    let first = parts.next()?;
    let second = parts.next()?;
    let placed = || first.contains([':', '/']);
    match (is_key(first), is_key(second)) {
        (true, _) => Some(first.to_owned()),
        (false, true) if placed() || first.ends_with(".toml") => Some(second.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use control::config::{Command, Edit, Wanted};

    fn first(message: &str) -> Problem {
        let found = problems(message);
        found.into_iter().next().unwrap_or_default()
    }

    #[test]
    fn a_line_has_a_field_what_is_allowed_and_the_nearest() {
        let found =
            first("port: \"lam\" is none, did you mean `lan`?; allowed: the name of a port");
        assert_eq!(found.field.as_deref(), Some("port"));
        assert_eq!(found.nearest.as_deref(), Some("lan"));
        assert_eq!(found.allowed.as_deref(), Some("the name of a port"));
        let found =
            first("\"prt\" is not understood here, did you mean `port`?; allowed: port, vlan");
        assert_eq!(found.field.as_deref(), Some("prt"));
        assert_eq!(found.allowed.as_deref(), Some("port, vlan"));
        for plain in [
            "nothing listens on /run/s: the daemon does not run\nstart it with: overpathd -l 0,1",
            "there is no entry 0:17",
            "the change cannot be stored: No space left",
        ] {
            assert_eq!(first(plain).field, None, "{plain}");
            assert_eq!(problems(plain).len(), 1, "{plain}");
        }
        assert_eq!(problems(""), []);
    }

    /// The words of the daemon itself.
    #[test]
    fn what_is_said_of_an_edit_is_understood() {
        let wanted = Wanted::parse("port = [{ name = 'lan', device = 'd0' }]", "f").unwrap();
        let words = serde_json::from_str(r#"{"name": "lam", "mtu": 1}"#).unwrap();
        let said = wanted
            .edited(&Edit::Do(Command::PortSet, words))
            .unwrap_err();
        let found = first(&said.to_string());
        assert_eq!(found.field.as_deref(), Some("port.name"), "{said}");
        assert_eq!(found.nearest.as_deref(), Some("lan"), "{said}");
        assert!(found.allowed.is_some(), "{said}");
    }

    #[test]
    fn all_that_is_wrong_with_a_file_is_found() {
        let file = "[[port]]\nname = 'lan'\nmtu = 3\ndevcie = 'd0'\n";
        let said = Wanted::parse(file, "c.toml").unwrap_err();
        let structured = said.errors();
        let found = problems(&said.to_string());
        assert_eq!(found.len(), structured.len(), "{said}\n{found:?}");
        for (found, real) in found.iter().zip(structured) {
            assert_eq!(found.field.as_deref(), Some(&*real.key));
            assert_eq!(found.allowed, real.allowed);
            assert_eq!(found.nearest, real.nearest);
        }
        let said = Wanted::parse(file, "/etc/overpath/c").unwrap_err();
        assert_eq!(
            problems(&said.to_string()).len(),
            structured.len(),
            "{said}"
        );
    }
}
