//! A table: aligned and cut for a terminal, tab-separated and whole for everything else.

use crate::failure::push_visible;
use crate::output::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns are never cut below this many terminal cells.
const NARROWEST: usize = 8;
/// A column that would be cut below this many cells tells nothing: the last columns go instead, down to so many.
const LEGIBLE: usize = 16;
const FEWEST: usize = 3;
const GAP: usize = 2;

/// One cell: what it says and what that means.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(crate) fn styled(text: impl AsRef<str>, style: Style) -> Cell {
        Cell { text: text.as_ref().to_owned(), style }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell::styled(text, Style::Plain)
    }
}

/// One row: its cells in one text, since a list may have ten thousand of them.
pub(crate) struct Row {
    text: String,
    cells: Vec<Extent>,
}

/// Where a cell of a row ends, and what it means.
struct Extent {
    end: usize,
    style: Style,
}

impl Row {
    pub(crate) fn of(cells: &[(&str, Style)]) -> Row {
        let mut text = String::with_capacity(cells.iter().map(|(text, _)| text.len()).sum());
        let extent = |(cell, style): &(&str, Style)| {
            push_visible(&mut text, cell);
            Extent { end: text.len(), style: *style }
        };
        let cells = cells.iter().map(extent).collect();
        Row { text, cells }
    }

    fn cells(&self) -> impl Iterator<Item = (&str, Style)> {
        let mut from = 0;
        self.cells
            .iter()
            .map(move |cell| (&self.text[std::mem::replace(&mut from, cell.end)..cell.end], cell.style))
    }
}

/// Rows under a heading.
pub(crate) struct Table {
    heading: Row,
    rows: Vec<Row>,
}

impl Table {
    pub(crate) fn new(heading: &[&str]) -> Table {
        Table::of(heading, Vec::new())
    }

    pub(crate) fn of(heading: &[&str], rows: Vec<Row>) -> Table {
        let heading: Vec<_> = heading.iter().map(|text| (*text, Style::Heading)).collect();
        Table { heading: Row::of(&heading), rows }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let cells: Vec<Cell> = cells.into_iter().collect();
        let cells: Vec<_> = cells.iter().map(|cell| (cell.text.as_str(), cell.style)).collect();
        self.rows.push(Row::of(&cells));
    }

    /// One row a line, cells separated by one tab, no heading: for `cut`, `awk` and `read`.
    pub(crate) fn plain(&self) -> String {
        let mut text =
            String::with_capacity(self.rows.iter().map(|row| row.text.len() + row.cells.len()).sum());
        for row in &self.rows {
            for (number, (cell, _)) in row.cells().enumerate() {
                text.push_str(if number == 0 { "" } else { "\t" });
                text.push_str(cell);
            }
            text.push('\n');
        }
        text
    }

    /// Aligned under a heading; the widest columns give way until a row fits into `width` cells, and if that leaves
    /// too little of them, the last ones are left out.
    pub(crate) fn aligned(&self, width: usize, paint: impl Fn(Style, &str) -> String) -> String {
        let widths = self.fit(width);
        let mut text = String::new();
        for row in std::iter::once(&self.heading).chain(&self.rows) {
            let mut line = String::new();
            let mut owed = 0;
            for ((cell, style), &room) in row.cells().zip(&widths) {
                let shown = cut(cell, room);
                line.push_str(&" ".repeat(owed));
                owed = room - shown.width() + GAP;
                line.push_str(&if shown.is_empty() { shown } else { paint(style, &shown) });
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn fit(&self, width: usize) -> Vec<usize> {
        let mut natural = vec![0; self.heading.cells.len()];
        for row in std::iter::once(&self.heading).chain(&self.rows) {
            for (widest, (cell, _)) in natural.iter_mut().zip(row.cells()) {
                *widest = (*widest).max(cell.width());
            }
        }
        loop {
            let widths = narrowed(&natural, width);
            let legible = widths.iter().zip(&natural).all(|(room, wanted)| *room >= LEGIBLE.min(*wanted));
            if legible || natural.len() <= FEWEST {
                return widths;
            }
            natural.pop();
        }
    }
}

fn narrowed(natural: &[usize], width: usize) -> Vec<usize> {
    let mut widths = natural.to_vec();
    let gaps = GAP * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > width {
        match widths.iter_mut().filter(|column| **column > NARROWEST).max() {
            Some(widest) => *widest -= 1,
            None => break,
        }
    }
    widths
}

fn cut(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let mut shown = String::new();
    let mut used = 0;
    for letter in text.chars() {
        let wide = letter.width().unwrap_or(0);
        if used + wide + 1 > room {
            break;
        }
        used += wide;
        shown.push(letter);
    }
    shown.push('…');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::new(&["NAME", "HOSTS"]);
        table.row(["a".into(), "api.example.com".into()]);
        table.row(["日本語/key".into(), "".into()]);
        table
    }

    #[test]
    fn columns_line_up_by_cells_of_the_terminal() {
        let text = sample().aligned(80, |_, text| text.to_owned());
        assert_eq!(text, "NAME        HOSTS\na           api.example.com\n日本語/key\n");
    }

    #[test]
    fn rows_are_cut_to_the_width() {
        let text = sample().aligned(20, |_, text| text.to_owned());
        assert!(text.lines().all(|line| line.width() <= 20), "{text}");
        assert!(text.contains('…'));
    }

    #[test]
    fn a_narrow_terminal_shows_fewer_columns_rather_than_stumps() {
        let mut table = Table::new(&["NAME", "STATE", "HOSTS", "CHANGED", "DESCRIPTION"]);
        let row = ["stripe-key", "ready", "https://api.example.com", "2026-05-01 12:00", "what it is for"];
        table.row(row.map(Into::into));
        let text = table.aligned(40, |_, text| text.to_owned());
        assert_eq!(text, "NAME        STATE  HOSTS\nstripe-key  ready  https://api.example.…\n");
    }

    #[test]
    fn a_pipe_gets_whole_cells_without_heading() {
        assert_eq!(sample().plain(), "a\tapi.example.com\n日本語/key\t\n");
    }
}
