//! Lines of text, and bytes among them.

use crate::table::plain;
use std::fmt::{Display, Write};

/// Bytes in a line.
const WIDTH: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Page(String);

impl Page {
    /// A line, `indent` spaces from the left.
    pub(super) fn line(&mut self, indent: usize, text: impl Display) {
        let line = plain(&format!("{:indent$}{text}", ""));
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }

    /// Lines of tables, which may have colours.
    pub(super) fn lines(&mut self, indent: usize, table: &str) {
        for line in table.lines() {
            self.0 += &format!("{:indent$}{line}\n", "");
        }
    }

    /// Bytes in hex, a line for each 16 of them.
    pub(super) fn dump(&mut self, indent: usize, bytes: &[u8]) {
        for (at, row) in bytes.chunks(WIDTH).enumerate() {
            let mut line = format!("{:04x} ", at * WIDTH);
            for byte in row {
                // Text takes all that is written to it.
                let _ = write!(line, " {byte:02x}");
            }
            self.line(indent, line);
        }
    }

    pub(super) fn text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stand_sixteen_in_a_line_with_their_place() {
        let mut page = Page::default();
        page.dump(2, &[0xab; 17]);
        page.dump(2, &[]);
        let first = format!("  0000 {}\n", " ab".repeat(16));
        assert_eq!(page.text(), first + "  0010  ab\n");
    }

    #[test]
    fn no_line_moves_the_cursor() {
        let mut page = Page::default();
        page.line(1, "a\x1b[1m\nb");
        assert_eq!(page.text(), " a [1m b\n");
    }
}
