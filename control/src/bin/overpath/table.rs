//! Rows of words, aligned.

use std::fmt;

/// Rows of cells. A column that is empty in all rows takes no room.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn push<const N: usize>(&mut self, cells: [String; N]) {
        self.push_all(cells);
    }

    /// A row of any number of cells.
    pub(crate) fn push_all(&mut self, cells: impl IntoIterator<Item = String>) {
        let row = cells.into_iter().map(|cell| plain(&cell));
        self.rows.push(row.collect());
    }
}

/// A word and its value.
pub(crate) fn word(word: &str, value: impl fmt::Display) -> String {
    format!("{word} {value}")
}

/// A word and its value, or nothing.
pub(crate) fn maybe(name: &str, value: Option<impl fmt::Display>) -> String {
    value.map(|value| word(name, value)).unwrap_or_default()
}

/// Nothing that moves the cursor or changes colours, whatever the daemon says.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths).filter(|(_, width)| **width > 0) {
                line += &format!("{cell:width$} ");
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        let mut table = Table::default();
        table.push(["a".into(), String::new(), "x 1".into(), String::new()]);
        table.push(["bcd".into(), String::new(), String::new(), "end".into()]);
        table.push([
            "ä\x1b[1m".into(),
            String::new(),
            String::new(),
            String::new(),
        ]);
        assert_eq!(table.to_string(), "a     x 1\nbcd       end\nä [1m\n");
        assert_eq!(Table::default().to_string(), "");
    }

    #[test]
    fn words_have_values_or_are_not_there() {
        assert_eq!(word("mtu", 1500), "mtu 1500");
        assert_eq!(maybe("age", Some(3)), "age 3");
        assert_eq!(maybe("age", None::<u64>), "");
    }
}
