//! Rows of cells, aligned.

mod cell;

pub(crate) use cell::{Cell, Hue, line, maybe, plain, set_coloured, word};

use cell::is_coloured;
use std::fmt;

/// Rows of cells. A column that is empty in all rows takes no room.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn push<const N: usize>(&mut self, cells: [Cell; N]) {
        self.push_all(cells);
    }

    /// A row of any number of cells.
    pub(crate) fn push_all(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// A line for each row. Colours take no room.
    fn show(&self, coloured: bool) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(Cell::width).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let cells = row.iter().zip(&widths).filter(|(_, width)| **width > 0);
            // What stands behind the last one is not filled up.
            let mut gap = 0;
            for (cell, width) in cells {
                if !cell.is_empty() {
                    text.extend(std::iter::repeat_n(' ', gap));
                    text += &cell.show(coloured);
                    gap = 0;
                }
                gap += width + 1 - if cell.is_empty() { 0 } else { cell.width() };
            }
            text.push('\n');
        }
        text
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.show(is_coloured()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        let mut table = Table::default();
        let none = Cell::default;
        table.push(["a".into(), none(), "x 1".into(), none()]);
        table.push(["bcd".into(), none(), none(), "end".into()]);
        table.push(["ä\x1b[1m".into(), none(), none(), none()]);
        assert_eq!(table.to_string(), "a     x 1\nbcd       end\nä [1m\n");
        assert_eq!(Table::default().to_string(), "");
    }

    #[test]
    fn colours_leave_the_columns_where_they_are() {
        let mut table = Table::default();
        let row = |name: &str, state: &str| {
            let name = Cell::from(name).hued(Hue::Name);
            [name, word("state", state).hued(Hue::Good), "end".into()]
        };
        table.push(row("a", "up"));
        table.push(row("bcd", "failed"));
        table.push([Cell::default(), Cell::default(), "last".into()]);
        let plain = "a   state up     end\nbcd state failed end\n                 last\n";
        assert_eq!(table.show(false), plain);
        let coloured = table.show(true);
        let first = "\x1b[36ma\x1b[0m   state \x1b[32mup\x1b[0m     end\n";
        assert!(coloured.starts_with(first), "{coloured}");
        let mut stripped = coloured;
        for escape in ["\x1b[36m", "\x1b[32m", "\x1b[0m"] {
            stripped = stripped.replace(escape, "");
        }
        assert_eq!(stripped, plain);
    }
}
