//! Tables on paper: a heading, some tables one below the other, as many pages as they take.

use super::paper::{CUT, FADED, Font, INK, MM, PAGE, Paper, Pen};

const LEFT: f32 = 20.0 * MM;
const TOP: f32 = PAGE.1 - 22.0 * MM;
const BOTTOM: f32 = 20.0 * MM;
const WIDTH: f32 = PAGE.0 - 2.0 * LEFT;
const ROW: f32 = 6.5 * MM;
/// Rows of one table. More would be a book.
const ROWS_MAX: usize = 5000;

/// What is printed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    pub title: String,
    /// Below the title: whose it is, and for which days.
    pub lead: Vec<String>,
    pub tables: Vec<Table>,
    /// At the foot of each page, before its number.
    pub foot: String,
}

/// A table: the first column holds words, the others figures.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub title: String,
    pub heads: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// Sentences below it.
    pub notes: Vec<String>,
}

struct Sheet<'a> {
    report: &'a Report,
    paper: Paper,
    pen: Pen,
    y: f32,
    number: usize,
}

impl Sheet<'_> {
    /// Makes sure that there is room for so many points, on a new page if need be.
    fn room(&mut self, height: f32) {
        if self.y - height < BOTTOM {
            self.turn();
        }
    }

    fn turn(&mut self) {
        let foot = format!("{} · {}", self.report.foot, self.number);
        self.pen.fitted((LEFT, BOTTOM - 8.0 * MM), WIDTH, Font::Plain, 8.0, FADED, &foot);
        let pen = std::mem::take(&mut self.pen);
        self.paper.page(pen);
        self.number += 1;
        self.y = TOP;
    }

    fn words(&mut self, font: Font, size: f32, colour: [f32; 3], text: &str) {
        self.room(ROW);
        self.pen.fitted((LEFT, self.y), WIDTH, font, size, colour, text);
        self.y -= size * 1.5;
    }

    fn row(&mut self, font: Font, colour: [f32; 3], cells: &[String]) {
        let others = cells.len().saturating_sub(1).max(1) as f32;
        let first = if cells.len() > 1 { WIDTH * 0.4 } else { WIDTH };
        let other = (WIDTH - first) / others;
        for (place, cell) in cells.iter().enumerate() {
            if place == 0 {
                self.pen.fitted((LEFT, self.y), first - 2.0 * MM, font, 9.5, colour, cell);
                continue;
            }
            // Figures end at the right of their column.
            let size = font.fitting(cell, 9.5, other - 2.0 * MM);
            let right = LEFT + first + other * place as f32;
            self.pen.fitted((right - font.width(cell, size), self.y), other, font, size, colour, cell);
        }
        self.pen.line((LEFT, self.y - 2.0 * MM), (LEFT + WIDTH, self.y - 2.0 * MM), CUT);
        self.y -= ROW;
    }

    fn table(&mut self, table: &Table) {
        // A heading does not stand alone at the foot of a page.
        self.room(5.0 * ROW);
        self.y -= 4.0 * MM;
        self.words(Font::Bold, 13.0, INK, &table.title);
        self.row(Font::Plain, FADED, &table.heads);
        for row in table.rows.iter().take(ROWS_MAX) {
            if self.y - ROW < BOTTOM {
                self.turn();
                self.row(Font::Plain, FADED, &table.heads);
            }
            self.row(Font::Plain, INK, row);
        }
        for note in &table.notes {
            self.words(Font::Plain, 9.5, INK, note);
        }
    }
}

/// The report as a PDF.
pub(crate) fn report(report: &Report) -> Vec<u8> {
    let mut sheet = Sheet { report, paper: Paper::new(), pen: Pen::default(), y: TOP, number: 1 };
    sheet.words(Font::Bold, 20.0, INK, &report.title);
    for line in &report.lead {
        sheet.words(Font::Plain, 10.0, FADED, line);
    }
    for table in &report.tables {
        sheet.table(table);
    }
    sheet.turn();
    sheet.paper.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_table_goes_on_with_its_heads_on_the_next_page() {
        let table = |rows: usize| Report {
            title: "Clearing".into(),
            tables: vec![Table {
                title: "coffee".into(),
                heads: vec!["Merchant".into(), "Gets".into()],
                rows: vec![vec!["Café".into(), "1".into()]; rows],
                notes: Vec::new(),
            }],
            ..Report::default()
        };
        let count = |pdf: &[u8], text: &[u8]| pdf.windows(text.len()).filter(|part| *part == text).count();
        for (rows, pages) in [(0, 1), (20, 1), (100, 3)] {
            let pdf = report(&table(rows));
            assert_eq!(count(&pdf, b"/Type /Page\n"), pages, "{rows}");
            assert_eq!(count(&pdf, b"(Merchant)"), pages, "{rows}");
        }
    }
}
