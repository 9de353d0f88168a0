//! Tables as spreadsheets read and write them.
//!
//! A cell that a spreadsheet would take for a formula is written with an apostrophe before it; reading takes it away
//! again, so that a file goes there and back unchanged.

/// The most lines that are read at once.
pub(super) const LINES_MAX: usize = 5000;
/// What a formula begins with.
const FORMULAS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// One line of cells.
pub(super) fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    cells.join(",") + "\r\n"
}

fn cell(text: &str) -> String {
    let number = text.parse::<f64>().is_ok();
    let text = if !number && text.starts_with(FORMULAS) { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', ';', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// Takes away the apostrophe before what looks like a formula.
pub(super) fn undefused(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if rest.starts_with(FORMULAS) => rest,
        _ => text,
    }
}

/// The lines of a table with their numbers in the file, from 1. Cells are separated by whichever of tab, semicolon and
/// comma the first line has.
pub(super) fn read(text: &str) -> Vec<(usize, Vec<String>)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let head = text.lines().next().unwrap_or_default();
    let separator = [';', '\t'].into_iter().find(|mark| head.contains(*mark)).unwrap_or(',');
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut number, mut begun) = (false, 1, 1);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push((begun, std::mem::take(&mut row)));
                number += 1;
                begun = number;
                if rows.len() > LINES_MAX {
                    break;
                }
            }
            c if c == separator && !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            c => {
                number += usize::from(c == '\n');
                cell.push(c);
            }
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push((begun, row));
    }
    for (_, row) in &mut rows {
        for cell in row {
            *cell = undefused(cell.trim()).to_owned();
        }
    }
    rows.retain(|(_, row)| row.iter().any(|cell| !cell.is_empty()));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_defused_and_comes_back() {
        assert_eq!(
            line(["=1+2", "-cmd", "-3", "a,b", "say \"hi\""]),
            "'=1+2,'-cmd,-3,\"a,b\",\"say \"\"hi\"\"\"\r\n"
        );
        let back = read(&line(["=1+2", "@x", "it's", "a\nb"]));
        assert_eq!(back, [(1, vec!["=1+2".to_owned(), "@x".into(), "it's".into(), "a\nb".into()])]);
    }

    #[test]
    fn separators_quotes_and_empty_lines_are_read() {
        let rows = read("\u{feff}name;stamps\r\n\r\nAda;3\n\"B;C\";\n");
        let texts = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            rows,
            [(1, texts(&["name", "stamps"])), (3, texts(&["Ada", "3"])), (4, texts(&["B;C", ""]))]
        );
        assert_eq!(read("a\tb\n1\t2"), [(1, texts(&["a", "b"])), (2, texts(&["1", "2"]))]);
        assert!(read(&"x\n".repeat(LINES_MAX * 2)).len() <= LINES_MAX + 1);
    }
}
