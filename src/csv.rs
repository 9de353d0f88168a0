//! Articles from a CSV file: `sku,name,category,price,vat`, with a header in any order.

use stempel_domain::{Money, Rate};
use stempel_wire::message::Article;

/// The longest file, in bytes.
const FILE_LEN_MAX: usize = 10 * 1024 * 1024;
/// The most articles of one file.
const ARTICLES_MAX: usize = 50_000;

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}{}: {message}", column.map(|column| format!(", column {column}")).unwrap_or_default())]
pub struct CsvError {
    /// The line, from 1.
    pub line: usize,
    /// The field, from 1.
    pub column: Option<usize>,
    /// What is wrong, and what to write instead.
    pub message: String,
}

/// Reads articles. All of the file is good, or nothing of it is taken.
pub fn articles_from_csv(text: &str) -> Result<Vec<Article>, CsvError> {
    let wrong = |line: usize, column: Option<usize>, message: String| CsvError { line, column, message };
    if text.len() > FILE_LEN_MAX {
        return Err(wrong(1, None, format!("the file is longer than {FILE_LEN_MAX} bytes")));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| !line.trim().is_empty());
    let (_, header) = lines.next().ok_or_else(|| wrong(1, None, "the file is empty".into()))?;
    let separator = if header.contains(';') { ';' } else { ',' };
    let names: Vec<String> = fields(header, separator)
        .map_err(|message| wrong(1, None, message))?
        .iter()
        .map(|name| name.trim().to_lowercase())
        .collect();
    let place = |name: &str| {
        names.iter().position(|known| known == name).ok_or_else(|| {
            wrong(
                1,
                None,
                format!(
                    "the first line names the columns; “{name}” is missing (sku,name,category,price,vat)"
                ),
            )
        })
    };
    let (sku, name, category, price, vat) =
        (place("sku")?, place("name")?, place("category")?, place("price")?, place("vat")?);
    let deposit = names.iter().position(|known| known == "deposit");
    let mut articles = Vec::new();
    for (number, line) in lines {
        if articles.len() == ARTICLES_MAX {
            return Err(wrong(number, None, format!("there are more than {ARTICLES_MAX} articles")));
        }
        let fields = fields(line, separator).map_err(|message| wrong(number, None, message))?;
        let field = |place: usize| {
            fields.get(place).map(|field| field.trim()).ok_or_else(|| {
                wrong(
                    number,
                    Some(place + 1),
                    format!("the line has {} fields, {} are needed", fields.len(), names.len()),
                )
            })
        };
        let at = |place: usize| {
            move |error: &dyn std::fmt::Display| wrong(number, Some(place + 1), error.to_string())
        };
        let label = field(name)?;
        if label.is_empty() || label.chars().count() > 80 || label.chars().any(char::is_control) {
            return Err(wrong(number, Some(name + 1), "a name has 1 to 80 letters".into()));
        }
        articles.push(Article {
            sku: field(sku)?.parse().map_err(|error| at(sku)(&error))?,
            name: label.to_owned(),
            category: field(category)?.to_owned(),
            price: Money::parse(&field(price)?.replace(',', ".")).map_err(|error| at(price)(&error))?,
            vat: Rate::parse_percent(field(vat)?.trim_end_matches('%').trim())
                .map_err(|error| at(vat)(&error))?,
            deposit: deposit
                .map(field)
                .transpose()?
                .is_some_and(|text| matches!(text, "1" | "yes" | "ja" | "true")),
            gone: false,
        });
    }
    Ok(articles)
}

/// Takes one line apart: fields between separators, quoted ones with doubled quotes (RFC 4180, within a line).
fn fields(line: &str, separator: char) -> Result<Vec<String>, String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let last = fields.len() - 1;
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                fields[last].push('"');
            }
            '"' if quoted => quoted = false,
            '"' if fields[last].trim().is_empty() => {
                fields[last].clear();
                quoted = true;
            }
            c if c == separator && !quoted => fields.push(String::new()),
            c => fields[last].push(c),
        }
    }
    if quoted { Err("a quotation mark is not closed on its line".into()) } else { Ok(fields) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_catalogue_is_good() {
        let articles = crate::sample::articles().unwrap();
        assert!(articles.len() >= 14);
        assert_eq!(articles[0].price, Money(240));
        assert_eq!(articles[0].vat, Rate(1900));
    }

    #[test]
    fn columns_come_in_any_order_and_quotes_are_kept_together() {
        let articles =
            articles_from_csv("name;price;vat;category;sku\n\"Kuchen \"\"Oma\"\"; groß\";4,50;7 %;cake;k1\n")
                .unwrap();
        assert_eq!(articles[0].name, "Kuchen \"Oma\"; groß");
        assert_eq!(articles[0].price, Money(450));
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        let head = "sku,name,category,price,vat\n";
        for (line, column, text) in [
            (1, None, ""),
            (1, None, "sku,name\n"),
            (2, Some(4), &format!("{head}a,A,c,x,7")[..]),
            (2, Some(5), &format!("{head}a,A,c,1.00,700")),
            (3, Some(1), &format!("{head}a,A,c,1.00,7\nb b,B,c,1.00,7")),
            (2, Some(4), &format!("{head}a,A,c")),
            (2, None, &format!("{head}a,\"A,c,1.00,7")),
        ] {
            let error = articles_from_csv(text).unwrap_err();
            assert_eq!((error.line, error.column), (line, column), "{text}: {error}");
        }
    }
}
