//! Words as they may be shortened, and what is said of one that is none.

/// Why a word means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    /// Nothing begins with it.
    Unknown,
    /// These do, and they mean different things.
    Ambiguous(Vec<&'static str>),
}

/// What a word means: the thing of that name, or the only one whose name begins with it, as with
/// `ip`. A thing may have several names.
///
/// # Errors
/// Why it means nothing.
pub(crate) fn pick<T: PartialEq>(
    word: &str,
    known: impl IntoIterator<Item = (&'static str, T)>,
) -> Result<T, Pick> {
    let begins = |(name, _): &(&'static str, T)| !word.is_empty() && name.starts_with(word);
    let mut near: Vec<_> = known.into_iter().filter(begins).collect();
    if let Some(whole) = near.iter().position(|(name, _)| *name == word) {
        return Ok(near.swap_remove(whole).1);
    }
    let same = near.windows(2).all(|two| two[0].1 == two[1].1);
    match near.pop() {
        None => Err(Pick::Unknown),
        Some((_, thing)) if same => Ok(thing),
        Some((last, _)) => {
            let mut names: Vec<_> = near.into_iter().map(|(name, _)| name).collect();
            names.push(last);
            Err(Pick::Ambiguous(names))
        }
    }
}

impl Pick {
    /// For a human: what could be meant, or what could be said.
    pub(crate) fn tell(&self, word: &str, allowed: &[&str]) -> String {
        let all = allowed.join(", ");
        match self {
            Pick::Ambiguous(names) => {
                let names = names.join(" or ");
                format!("{word:?} may be {names}; allowed: {all}")
            }
            Pick::Unknown => {
                let near = control::config::nearest(word, allowed.iter().copied());
                let near =
                    near.map_or_else(String::new, |near| format!(", did you mean `{near}`?"));
                let allowed = match allowed {
                    [] => String::new(),
                    _ => format!("; allowed: {all}"),
                };
                format!("{word:?} is not understood here{near}{allowed}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [(&str, u8); 6] = [
        ("port", 1),
        ("dev", 1),
        ("dst", 2),
        ("device", 1),
        ("viable", 4),
        ("via", 3),
    ];

    #[test]
    fn a_word_is_whole_or_the_beginning_of_one_thing() {
        for (word, thing) in [
            ("dev", 1),
            ("devi", 1),
            ("ds", 2),
            ("p", 1),
            ("via", 3),
            ("viab", 4),
        ] {
            assert_eq!(pick(word, KNOWN), Ok(thing), "{word}");
        }
        assert_eq!(pick("de", KNOWN), Ok(1), "two names of one thing");
    }

    #[test]
    fn what_may_be_several_things_is_told_with_all_of_them() {
        let ambiguous = pick("d", KNOWN).unwrap_err();
        assert_eq!(ambiguous, Pick::Ambiguous(vec!["dev", "dst", "device"]));
        assert_eq!(
            ambiguous.tell("d", &["port", "dst"]),
            "\"d\" may be dev or dst or device; allowed: port, dst"
        );
    }

    #[test]
    fn what_is_nothing_is_told_with_the_nearest() {
        for word in ["", "x", "ports", "dstt"] {
            assert_eq!(pick(word, KNOWN), Err(Pick::Unknown), "{word}");
        }
        assert_eq!(
            Pick::Unknown.tell("prt", &["port", "dst"]),
            "\"prt\" is not understood here, did you mean `port`?; allowed: port, dst"
        );
        assert_eq!(Pick::Unknown.tell("x", &[]), "\"x\" is not understood here");
    }
}
