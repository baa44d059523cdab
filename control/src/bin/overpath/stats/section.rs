//! The sections of `overpath stats`, by their words.

/// What is shown together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Account,
    Drop,
    Port,
    Queue,
    Bridge,
    Vxlan,
    Link,
    Offload,
    Fdb,
    Worker,
    Cache,
    Event,
}

impl Section {
    /// In the order in which they are shown.
    pub(crate) const ALL: [Section; 12] = [
        Section::Account,
        Section::Drop,
        Section::Port,
        Section::Queue,
        Section::Bridge,
        Section::Vxlan,
        Section::Link,
        Section::Offload,
        Section::Fdb,
        Section::Worker,
        Section::Cache,
        Section::Event,
    ];

    const fn word(self) -> &'static str {
        match self {
            Section::Account => "account",
            Section::Drop => "drop",
            Section::Port => "port",
            Section::Queue => "queue",
            Section::Bridge => "bridge",
            Section::Vxlan => "vxlan",
            Section::Link => "link",
            Section::Offload => "offload",
            Section::Fdb => "fdb",
            Section::Worker => "worker",
            Section::Cache => "cache",
            Section::Event => "event",
        }
    }
}

/// The sections of `[show] [SECTION...]`, in their order; all, if none is named. A word may be
/// shortened: no two begin alike.
///
/// # Errors
/// The word that is none, and those that there are.
pub(crate) fn sections(words: &[String]) -> Result<Vec<Section>, String> {
    let begins = |whole: &str, word: &str| !word.is_empty() && whole.starts_with(word);
    let words = match words {
        [show, rest @ ..] if begins("show", show) => rest,
        all => all,
    };
    let named = |section: &Section| words.iter().any(|word| begins(section.word(), word));
    for word in words {
        if !Section::ALL
            .iter()
            .any(|section| begins(section.word(), word))
        {
            let all = Section::ALL.map(Section::word).join(", ");
            return Err(format!(
                "stats: there is no section {word}; there are {all}"
            ));
        }
    }
    let all = Section::ALL.into_iter();
    Ok(all
        .filter(|section| words.is_empty() || named(section))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Vec<Section>, String> {
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        sections(&words)
    }

    #[test]
    fn sections_are_named_or_all() {
        for line in ["", "show", "s"] {
            assert_eq!(of(line).unwrap(), Section::ALL, "{line}");
        }
        let two = [Section::Port, Section::Worker];
        for line in ["port worker", "show worker port", "s w p", "w w p"] {
            assert_eq!(of(line).unwrap(), two, "{line}");
        }
        let wrong = of("port ports").unwrap_err();
        assert!(wrong.contains("ports; there are account, drop"), "{wrong}");
        assert!(of("show show").is_err());
    }

    #[test]
    fn a_letter_is_enough() {
        for section in Section::ALL {
            assert_eq!(of(&section.word()[..1]).unwrap(), [section]);
        }
    }
}
