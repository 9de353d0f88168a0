//! A catalogue as spreadsheets write it: CSV.
//!
//! The first line names the columns: `sku,name,category,price,vat`, in any order, `deposit` may be added.
//! Separated by commas or by semicolons; with semicolons a price may be written with a comma. Texts may stand
//! in double quotes. Nothing is taken from a file with a mistake in it.

use std::collections::BTreeMap;

use stempel_domain::{Money, Rate, Sku};

use crate::message::Article;

/// The longest file, in bytes.
const LEN_MAX: usize = 8 * 1024 * 1024;
/// The longest text of a field, in characters.
const FIELD_CHARS_MAX: usize = 120;
/// Mistakes named in one answer.
const MISTAKES_MAX: usize = 10;
const REQUIRED: [&str; 5] = ["sku", "name", "category", "price", "vat"];
const DEPOSIT: &str = "deposit";

/// A field with the place where it begins.
#[derive(Debug, Clone)]
struct Field {
    text: String,
    line: usize,
    column: usize,
}

/// One mistake in a file, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
}

/// A file with mistakes. Nothing of it is taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the catalogue has mistakes; nothing was taken:\n{}", listed(.0))]
pub struct CatalogueError(pub Vec<Mistake>);

impl CatalogueError {
    /// The mistakes, one on each line; of many only the first.
    pub fn detail(&self) -> String {
        listed(&self.0)
    }
}

impl Mistake {
    fn at(field: &Field, what: impl Into<String>) -> Self {
        Self { line: field.line, column: field.column, what: what.into() }
    }
}

/// Reads the articles of a catalogue, in the file's order.
pub fn read(text: &str) -> Result<Vec<Article>, CatalogueError> {
    if text.len() > LEN_MAX {
        return Err(CatalogueError(vec![Mistake {
            line: 1,
            column: 1,
            what: "the file is too long".to_owned(),
        }]));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let separator = if text.lines().next().unwrap_or("").contains(';') { ';' } else { ',' };
    let records = split(text, separator).map_err(|mistake| CatalogueError(vec![mistake]))?;
    let mut records = records.into_iter();
    let header = records.next().unwrap_or_default();
    let columns = columns(&header).map_err(CatalogueError)?;
    let (mut articles, mut mistakes) = (Vec::new(), Vec::new());
    let mut seen: BTreeMap<Sku, usize> = BTreeMap::new();
    for record in records {
        match article(&record, &header, &columns, separator) {
            Ok(article) => {
                let line = record[0].line;
                if let Some(first) = seen.insert(article.sku.clone(), line) {
                    let what = format!("article {} stands in line {first} already", article.sku);
                    mistakes.push(Mistake::at(&record[columns["sku"]], what));
                }
                articles.push(article);
            }
            Err(mistake) => mistakes.push(mistake),
        }
    }
    if mistakes.is_empty() { Ok(articles) } else { Err(CatalogueError(mistakes)) }
}

fn listed(mistakes: &[Mistake]) -> String {
    let mut lines: Vec<String> = mistakes
        .iter()
        .take(MISTAKES_MAX)
        .map(|Mistake { line, column, what }| format!("line {line}, column {column}: {what}"))
        .collect();
    if mistakes.len() > MISTAKES_MAX {
        lines.push(format!("and {} more", mistakes.len() - MISTAKES_MAX));
    }
    lines.join("\n")
}

fn columns(header: &[Field]) -> Result<BTreeMap<&'static str, usize>, Vec<Mistake>> {
    let (mut columns, mut mistakes) = (BTreeMap::new(), Vec::new());
    for (index, field) in header.iter().enumerate() {
        let name = field.text.trim().to_lowercase();
        match REQUIRED.into_iter().chain([DEPOSIT]).find(|known| *known == name) {
            Some(known) if columns.insert(known, index).is_none() => {}
            Some(known) => mistakes.push(Mistake::at(field, format!("there are two columns {known}"))),
            None => mistakes.push(Mistake::at(field, format!("there is no column “{name}”"))),
        }
    }
    let missing: Vec<&str> = REQUIRED.into_iter().filter(|name| !columns.contains_key(name)).collect();
    if !missing.is_empty() {
        let what = format!(
            "the first line names the columns {}; missing: {}",
            REQUIRED.join(","),
            missing.join(", ")
        );
        mistakes.push(Mistake { line: 1, column: 1, what });
    }
    if mistakes.is_empty() { Ok(columns) } else { Err(mistakes) }
}

fn article(
    record: &[Field],
    header: &[Field],
    columns: &BTreeMap<&'static str, usize>,
    separator: char,
) -> Result<Article, Mistake> {
    if record.len() != header.len() {
        let what = format!("there are {} fields, the first line has {}", record.len(), header.len());
        return Err(Mistake::at(&record[0], what));
    }
    let field = |name: &str| &record[columns[name]];
    let text = |name: &str| {
        let field = field(name);
        let text = field.text.trim();
        if text.chars().count() > FIELD_CHARS_MAX || text.chars().any(char::is_control) {
            return Err(Mistake::at(
                field,
                format!("the {name} is too long or has signs that cannot be shown"),
            ));
        }
        Ok(text.to_owned())
    };
    let number = |name: &str| {
        let text = field(name).text.trim();
        if separator == ';' { text.replace(',', ".") } else { text.to_owned() }
    };
    let sku =
        field("sku").text.trim().parse().map_err(|error| Mistake::at(field("sku"), format!("{error}")))?;
    let name = text("name")?;
    if name.is_empty() {
        return Err(Mistake::at(field("name"), "the name is empty"));
    }
    let price =
        Money::parse(&number("price")).map_err(|error| Mistake::at(field("price"), error.to_string()))?;
    if price < Money::ZERO {
        return Err(Mistake::at(field("price"), "the price is below zero"));
    }
    let vat = Rate::parse_percent(number("vat").trim_end_matches([' ', '%']))
        .map_err(|error| Mistake::at(field("vat"), error.to_string()))?;
    let deposit = match columns.get(DEPOSIT).map(|&index| &record[index]) {
        None => false,
        Some(field) => match field.text.trim().to_lowercase().as_str() {
            "" | "0" | "no" | "false" | "nein" => false,
            "1" | "yes" | "true" | "ja" => true,
            _ => return Err(Mistake::at(field, "write yes or no")),
        },
    };
    Ok(Article { sku, name, category: text("category")?, price, vat, deposit, gone: false })
}

/// Splits the text into records of fields. Empty lines are passed over.
fn split(text: &str, separator: char) -> Result<Vec<Vec<Field>>, Mistake> {
    let (mut records, mut record) = (Vec::new(), Vec::new());
    let (mut line, mut column) = (1, 1);
    let mut field = Field { text: String::new(), line, column };
    let mut quoted = false;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        column += 1;
        match sign {
            '"' if quoted && signs.peek() == Some(&'"') => {
                signs.next();
                column += 1;
                field.text.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.text.trim().is_empty() => {
                field.text.clear();
                quoted = true;
            }
            '\n' => {
                (line, column) = (line + 1, 1);
                if quoted {
                    field.text.push('\n');
                    continue;
                }
                let next = Field { text: String::new(), line, column };
                record.push(std::mem::replace(&mut field, next));
                end(&mut records, &mut record);
            }
            '\r' if !quoted => {}
            sign if sign == separator && !quoted => {
                let next = Field { text: String::new(), line, column };
                record.push(std::mem::replace(&mut field, next));
            }
            sign => field.text.push(sign),
        }
    }
    if quoted {
        return Err(Mistake::at(&field, "a quote is not closed"));
    }
    record.push(field);
    end(&mut records, &mut record);
    Ok(records)
}

fn end(records: &mut Vec<Vec<Field>>, record: &mut Vec<Field>) {
    let record = std::mem::take(record);
    let empty = matches!(&record[..], [only] if only.text.trim().is_empty());
    if !empty {
        records.push(record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(text: &str) -> String {
        read(text).unwrap_err().detail()
    }

    #[test]
    fn spreadsheets_of_both_kinds_are_read() {
        let comma = "sku,name,category,price,vat\nespresso,Espresso,coffee,2.40,19\r\n\n\"tea\",\"Tee, \"\"groß\"\"\",tea,3,7 %\n";
        let articles = read(comma).unwrap();
        assert_eq!(articles.len(), 2);
        assert_eq!((articles[0].price, articles[0].vat), (Money(240), Rate(1900)));
        assert_eq!(articles[1].name, "Tee, \"groß\"");
        let semicolon = "\u{feff}VAT;Price;SKU;Name;Category;Deposit\n19;1,00;cup;Becher;deposit;ja";
        let articles = read(semicolon).unwrap();
        assert_eq!((articles[0].price, articles[0].deposit), (Money(100), true));
    }

    #[test]
    fn mistakes_are_named_by_line_and_column() {
        assert!(mistake("").contains("missing: sku, name"), "{}", mistake(""));
        assert!(mistake("sku,name,price,vat\n").contains("missing: category"));
        assert!(mistake("sku,name,category,price,vat,colour\n").contains("line 1, column 29"));
        let head = "sku,name,category,price,vat\n";
        let cases = [
            ("a,A,c,2.4.0,19", "line 2, column 7"),
            ("a b,A,c,2,19", "line 2, column 1"),
            ("a,,c,2,19", "line 2, column 3"),
            ("a,A,c,-2,19", "line 2, column 7"),
            ("a,A,c,2,190", "line 2, column 9"),
            ("a,A,c,2", "line 2, column 1"),
            ("a,A,c,2,19\na,B,c,2,19", "line 3, column 1"),
            ("a,\"A,c,2,19", "line 2, column 3"),
        ];
        for (row, place) in cases {
            let said = mistake(&format!("{head}{row}"));
            assert!(said.contains(place), "{row}: {said}");
        }
    }
}
