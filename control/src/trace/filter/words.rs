//! An expression in pieces.

/// A word, a number, an address or an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word<'e> {
    /// It.
    pub(super) text: &'e str,
    /// How many bytes of the expression stand before it.
    pub(super) at: usize,
}

/// Operators of two characters; every other one has one.
const LONG: [&str; 8] = ["!=", "<=", ">=", "==", "<<", ">>", "&&", "||"];

/// The pieces, less the blanks between them.
pub(super) fn split(expression: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut rest = expression;
    loop {
        rest = rest.trim_ascii_start();
        let Some(first) = rest.chars().next() else {
            return words;
        };
        let len = match rest.find(|c| !in_word(c)) {
            // A minus before a number.
            _ if first == '-' => 1,
            Some(0) => match rest.get(..2).filter(|two| LONG.contains(two)) {
                Some(two) => two.len(),
                None => first.len_utf8(),
            },
            Some(end) => end,
            None => rest.len(),
        };
        let (text, after) = rest.split_at(len);
        let at = expression.len() - rest.len();
        words.push(Word { text, at });
        rest = after;
    }
}

/// A colon and a full stop are parts of addresses, a backslash makes a name of a word.
fn in_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '-' | '\\' | '$')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(expression: &str) -> Vec<&str> {
        split(expression).iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_end_at_blanks_and_operators() {
        let expression = "tcp[tcpflags]&(tcp-syn|0x10)!=0 and  not ether src 2:0:0:0:0:1";
        let expected = [
            "tcp",
            "[",
            "tcpflags",
            "]",
            "&",
            "(",
            "tcp-syn",
            "|",
            "0x10",
            ")",
            "!=",
            "0",
            "and",
            "not",
            "ether",
            "src",
            "2:0:0:0:0:1",
        ];
        assert_eq!(texts(expression), expected);
        assert_eq!(
            texts("ip[2:2]-20>=5<<1"),
            ["ip", "[", "2:2", "]", "-", "20", ">=", "5", "<<", "1"]
        );
        assert_eq!(texts("é!ü"), ["é", "!", "ü"]);
        assert_eq!(texts("portrange 1-2"), ["portrange", "1-2"]);
        assert_eq!(texts(" \t\n"), [""; 0]);
        // Not a blank to libpcap.
        assert_eq!(texts("arp\u{3000}ip"), ["arp", "\u{3000}", "ip"]);
    }

    proptest! {
        #[test]
        fn nothing_but_blanks_is_lost_and_every_word_knows_its_place(expression in "\\PC{0,40}") {
            let mut end = 0;
            for word in split(&expression) {
                prop_assert!(!word.text.is_empty());
                prop_assert_eq!(expression[end..word.at].trim_ascii(), "");
                end = word.at + word.text.len();
                prop_assert_eq!(&expression[word.at..end], word.text);
            }
            prop_assert_eq!(expression[end..].trim_ascii(), "");
        }
    }
}
