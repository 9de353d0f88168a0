//! A catalogue as spreadsheets write it: CSV.
//!
//! The first line names the columns: `sku,name,category,price,vat`, in any order; others may be added:
//!
//! | column | what stands in it |
//! |---|---|
//! | `deposit` | yes or no |
//! | `variant_of`, `variant` | the article that it is a variant of, and what tells it from the others |
//! | `vat_away` | the rate where it is taken away |
//! | `rates` | rates from a day on: `2027-01-01:7:5` (day, in the house, taken away), several with a bar between |
//! | `modifiers` | what can be added: `oat:Oat milk:0.50:19:7` (code, name, price, rates of the whole), several with a bar |
//! | `code` | the number on its package (EAN, UPC, GTIN): 8, 12, 13 or 14 digits |
//!
//! Separated by commas or by semicolons; with semicolons a price may be written with a comma. Texts may stand
//! in double quotes. Nothing is taken from a file with a mistake in it.

mod mistake;

use std::collections::BTreeMap;

use stempel_domain::{Money, Rate, Sku};

use crate::article::{Article, Modifier, RateFrom, Variant};
use crate::gtin::Gtin;
pub use mistake::{CatalogueError, Mistake, Wrong};

/// The longest file, in bytes.
const LEN_MAX: usize = 8 * 1024 * 1024;
/// The longest text of a field, in characters.
pub const FIELD_CHARS_MAX: usize = 120;
/// Mistakes named in one answer.
const MISTAKES_MAX: usize = 10;
/// The columns that have to be there.
pub const REQUIRED: [&str; 5] = ["sku", "name", "category", "price", "vat"];
const DEPOSIT: &str = "deposit";
const VARIANT_OF: &str = "variant_of";
const VARIANT: &str = "variant";
const VAT_AWAY: &str = "vat_away";
const RATES: &str = "rates";
const MODIFIERS: &str = "modifiers";
const CODE: &str = "code";
const OPTIONAL: [&str; 7] = [DEPOSIT, VARIANT_OF, VARIANT, VAT_AWAY, RATES, MODIFIERS, CODE];
/// Between several values of one field.
const BAR: char = '|';
/// Between the parts of one value.
const COLON: char = ':';

/// The columns in the order in which [`row`] writes them.
pub const COLUMNS: [&str; REQUIRED.len() + OPTIONAL.len()] = {
    let mut all = [""; REQUIRED.len() + OPTIONAL.len()];
    let (required, optional) = all.split_at_mut(REQUIRED.len());
    required.copy_from_slice(&REQUIRED);
    optional.copy_from_slice(&OPTIONAL);
    all
};

/// A field with the place where it begins.
#[derive(Debug, Clone)]
struct Field {
    text: String,
    line: usize,
    column: usize,
}

/// Reads the articles of a catalogue, in the file's order.
pub fn read(text: &str) -> Result<Vec<Article>, CatalogueError> {
    read_over(text, &[])
}

/// Reads the articles of a catalogue, in the file's order. What the file has no column for stays as it is at the
/// `known` article of the same number; so does its photo.
pub fn read_over(text: &str, known: &[Article]) -> Result<Vec<Article>, CatalogueError> {
    if text.len() > LEN_MAX {
        return Err(CatalogueError(vec![Mistake::first(Wrong::FileTooLong)]));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let separator = if text.lines().next().unwrap_or("").contains(';') { ';' } else { ',' };
    let records = split(text, separator).map_err(|mistake| CatalogueError(vec![mistake]))?;
    let mut records = records.into_iter();
    let header = records.next().unwrap_or_default();
    let columns = columns(&header).map_err(CatalogueError)?;
    let known: BTreeMap<&Sku, &Article> = known.iter().map(|article| (&article.sku, article)).collect();
    let (mut articles, mut mistakes) = (Vec::new(), Vec::new());
    let mut seen: BTreeMap<Sku, usize> = BTreeMap::new();
    let mut packages = Vec::new();
    for record in records {
        match article(&record, &header, &columns, separator) {
            Ok(mut article) => {
                if let Some(known) = known.get(&article.sku) {
                    keep(&mut article, known, &columns);
                }
                let line = record[0].line;
                if let Some(first) = seen.insert(article.sku.clone(), line) {
                    let what = Wrong::ArticleTwice { sku: article.sku.clone(), line: first };
                    mistakes.push(Mistake::at(&record[columns["sku"]], what));
                }
                if let Some(package) = article.package() {
                    let field = &record[columns.get(CODE).copied().unwrap_or(columns["sku"])];
                    packages.push((package, field.clone(), article.sku.clone()));
                }
                articles.push(article);
            }
            Err(mistake) => mistakes.push(mistake),
        }
    }
    let others = known.values().filter(|known| !known.gone && !seen.contains_key(&known.sku));
    mistakes.extend(doubled(packages, others.copied()));
    if mistakes.is_empty() { Ok(articles) } else { Err(CatalogueError(mistakes)) }
}

/// Packages that name two articles: the till could not tell which was sold. Each package comes with its field in the
/// file and the article's number.
fn doubled<'a>(
    packages: Vec<(Gtin, Field, Sku)>,
    others: impl Iterator<Item = &'a Article>,
) -> impl Iterator<Item = Mistake> {
    let mut names: BTreeMap<Gtin, Sku> =
        others.filter_map(|other| Some((other.package()?, other.sku.clone()))).collect();
    packages.into_iter().filter_map(move |(code, field, sku)| match names.get(&code) {
        Some(first) => Some(Mistake::at(&field, Wrong::CodeTaken { code, sku: first.clone() })),
        None => {
            names.insert(code, sku);
            None
        }
    })
}

/// One article as a line of a table, in the order of [`COLUMNS`].
pub fn row(article: &Article) -> [String; COLUMNS.len()] {
    let rate = |rate: Rate| rate.to_string();
    let maybe = |rate: Option<Rate>| rate.map(|rate| rate.to_string());
    let parts = |parts: Vec<Option<String>>| {
        // Parts that are left out at the end need no colon.
        let length = parts.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        let parts = parts.into_iter().take(length).map(Option::unwrap_or_default);
        parts.collect::<Vec<_>>().join(&COLON.to_string())
    };
    let rates = article
        .rates
        .iter()
        .map(|from| parts(vec![Some(from.from.to_string()), Some(rate(from.vat)), maybe(from.vat_away)]));
    let modifiers = article.modifiers.iter().map(|modifier| {
        let (code, name, price) =
            (modifier.code.to_string(), modifier.name.clone(), modifier.price.to_string());
        parts(vec![Some(code), Some(name), Some(price), maybe(modifier.vat), maybe(modifier.vat_away)])
    });
    let variant = article.variant.as_ref();
    [
        article.sku.to_string(),
        article.name.clone(),
        article.category.clone(),
        article.price.to_string(),
        rate(article.vat),
        if article.deposit { "yes".to_owned() } else { String::new() },
        variant.map(|variant| variant.of.to_string()).unwrap_or_default(),
        variant.map(|variant| variant.name.clone()).unwrap_or_default(),
        maybe(article.vat_away).unwrap_or_default(),
        rates.collect::<Vec<_>>().join(&BAR.to_string()),
        modifiers.collect::<Vec<_>>().join(&BAR.to_string()),
        article.code.as_ref().map(Gtin::to_string).unwrap_or_default(),
    ]
}

/// Keeps of the known article what the file has no column for.
fn keep(article: &mut Article, known: &Article, columns: &BTreeMap<&'static str, usize>) {
    let lacks = |name: &str| !columns.contains_key(name);
    article.photo.clone_from(&known.photo);
    if lacks(DEPOSIT) {
        article.deposit = known.deposit;
    }
    if lacks(VARIANT_OF) {
        article.variant.clone_from(&known.variant);
    }
    if lacks(VAT_AWAY) {
        article.vat_away = known.vat_away;
    }
    if lacks(RATES) {
        article.rates.clone_from(&known.rates);
    }
    if lacks(MODIFIERS) {
        article.modifiers.clone_from(&known.modifiers);
    }
    if lacks(CODE) {
        article.code.clone_from(&known.code);
    }
}

fn columns(header: &[Field]) -> Result<BTreeMap<&'static str, usize>, Vec<Mistake>> {
    let (mut columns, mut mistakes) = (BTreeMap::new(), Vec::new());
    for (index, field) in header.iter().enumerate() {
        let name = field.text.trim().to_lowercase();
        match REQUIRED.into_iter().chain(OPTIONAL).find(|known| *known == name) {
            Some(known) if columns.insert(known, index).is_none() => {}
            Some(known) => mistakes.push(Mistake::at(field, Wrong::ColumnTwice(known))),
            None => mistakes.push(Mistake::at(field, Wrong::NoSuchColumn(name))),
        }
    }
    if columns.contains_key(VARIANT) != columns.contains_key(VARIANT_OF) {
        mistakes.push(Mistake::first(Wrong::HalfAVariant));
    }
    let missing: Vec<&'static str> =
        REQUIRED.into_iter().filter(|name| !columns.contains_key(name)).collect();
    if !missing.is_empty() {
        mistakes.push(Mistake::first(Wrong::Missing(missing)));
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
        let what = Wrong::Fields { here: record.len(), first: header.len() };
        return Err(Mistake::at(&record[0], what));
    }
    let field = |name: &str| &record[columns[name]];
    let text = |name: &'static str| {
        let field = field(name);
        let text = field.text.trim();
        if text.chars().count() > FIELD_CHARS_MAX || text.chars().any(char::is_control) {
            return Err(Mistake::at(field, Wrong::Text(name)));
        }
        Ok(text.to_owned())
    };
    let sku_at = |field: &Field| field.text.trim().parse::<Sku>().map_err(|error| Mistake::at(field, error));
    let sku = sku_at(field("sku"))?;
    let name = text("name")?;
    if name.is_empty() {
        return Err(Mistake::at(field("name"), Wrong::NoName));
    }
    let price = Money::parse(&dotted(&field("price").text, separator))
        .map_err(|error| Mistake::at(field("price"), error))?;
    if price < Money::ZERO {
        return Err(Mistake::at(field("price"), Wrong::PriceBelowZero));
    }
    let vat = percent(&field("vat").text, separator).map_err(|error| Mistake::at(field("vat"), error))?;
    let deposit = match columns.get(DEPOSIT).map(|&index| &record[index]) {
        None => false,
        Some(field) => match field.text.trim().to_lowercase().as_str() {
            "" | "0" | "no" | "false" | "nein" => false,
            "1" | "yes" | "true" | "ja" => true,
            _ => return Err(Mistake::at(field, Wrong::YesOrNo)),
        },
    };
    let cell = |name: &str| columns.get(name).map(|&index| &record[index]);
    let mut article = Article { category: text("category")?, deposit, ..Article::new(sku, name, price, vat) };
    article.variant = match cell(VARIANT_OF).filter(|field| !field.text.trim().is_empty()) {
        None => None,
        Some(field) => {
            let of = sku_at(field)?;
            if of == article.sku {
                return Err(Mistake::at(field, Wrong::OwnVariant));
            }
            Some(Variant { of, name: text(VARIANT)? })
        }
    };
    let values =
        |name: &str| cell(name).map(|field| (field, field.text.trim())).filter(|(_, text)| !text.is_empty());
    if let Some((field, text)) = values(VAT_AWAY) {
        article.vat_away = Some(percent(text, separator).map_err(|error| Mistake::at(field, error))?);
    }
    if let Some((field, text)) = values(RATES) {
        article.rates = rates(text, separator).map_err(|error| Mistake::at(field, error))?;
    }
    if let Some((field, text)) = values(MODIFIERS) {
        article.modifiers = modifiers(text, separator).map_err(|error| Mistake::at(field, error))?;
    }
    if let Some((field, text)) = values(CODE) {
        article.code = Some(text.parse::<Gtin>().map_err(|error| Mistake::at(field, error))?);
    }
    Ok(article)
}

fn dotted(text: &str, separator: char) -> String {
    if separator == ';' { text.trim().replace(',', ".") } else { text.trim().to_owned() }
}

fn percent(text: &str, separator: char) -> Result<Rate, Wrong> {
    let text = dotted(text, separator);
    Ok(Rate::parse_percent(text.trim_end_matches([' ', '%']))?)
}

fn maybe_percent(text: Option<&&str>, separator: char) -> Result<Option<Rate>, Wrong> {
    text.filter(|text| !text.trim().is_empty()).map(|text| percent(text, separator)).transpose()
}

/// Rates from a day on: `2027-01-01:7:5|2028-01-01:8`.
fn rates(text: &str, separator: char) -> Result<Vec<RateFrom>, Wrong> {
    let mut rates: Vec<RateFrom> = Vec::new();
    for value in text.split(BAR) {
        let parts: Vec<&str> = value.split(COLON).collect();
        let [from, vat, away @ ..] = &parts[..] else {
            return Err(Wrong::DayAndRate);
        };
        if away.len() > 1 {
            return Err(Wrong::RatesOfDay);
        }
        let from = from.trim().parse().map_err(|_| Wrong::NotADay((*from).to_owned()))?;
        if rates.last().is_some_and(|last| last.from >= from) || rates.len() >= Article::RATES_MAX {
            return Err(Wrong::Days);
        }
        let (vat, vat_away) = (percent(vat, separator)?, maybe_percent(away.first(), separator)?);
        rates.push(RateFrom { from, vat, vat_away });
    }
    Ok(rates)
}

/// What can be added: `oat:Oat milk:0.50:19:7|shot:Extra shot:0.80`.
fn modifiers(text: &str, separator: char) -> Result<Vec<Modifier>, Wrong> {
    let mut modifiers: Vec<Modifier> = Vec::new();
    for value in text.split(BAR) {
        let parts: Vec<&str> = value.split(COLON).collect();
        let [code, name, price, rates @ ..] = &parts[..] else {
            return Err(Wrong::CodeNamePrice);
        };
        if rates.len() > 2 {
            return Err(Wrong::RatesOfModifier);
        }
        let price = Money::parse(&dotted(price, separator))?;
        let (vat, vat_away) =
            (maybe_percent(rates.first(), separator)?, maybe_percent(rates.get(1), separator)?);
        let code: Sku = code.trim().parse()?;
        let modifier = Modifier { code, name: name.trim().to_owned(), price, vat, vat_away };
        modifier_fits(&modifier, &modifiers)?;
        modifiers.push(modifier);
    }
    Ok(modifiers)
}

/// Whether something can be added beside what stands before it.
///
/// # Errors
///
/// What is wrong with it.
pub fn modifier_fits(modifier: &Modifier, before: &[Modifier]) -> Result<(), Wrong> {
    let Modifier { code, name, price, .. } = modifier;
    if code.as_str().contains(['+', '=', BAR, COLON]) {
        return Err(Wrong::ModifierCode(code.clone()));
    }
    if before.iter().any(|known| known.code == *code) {
        return Err(Wrong::ModifierTwice(code.clone()));
    }
    if name.is_empty() || name.chars().count() > FIELD_CHARS_MAX || name.contains([BAR, COLON]) {
        return Err(Wrong::ModifierName(code.clone()));
    }
    if name.chars().any(char::is_control) {
        return Err(Wrong::ModifierSigns(code.clone()));
    }
    if *price < Money::ZERO {
        return Err(Wrong::ModifierBelowZero(code.clone()));
    }
    if before.len() >= Article::MODIFIERS_MAX {
        return Err(Wrong::TooManyModifiers);
    }
    Ok(())
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
        return Err(Mistake::at(&field, Wrong::OpenQuote));
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
    fn a_code_names_one_article() {
        let table = |rows: &str| format!("sku,name,category,price,vat,code\n{rows}");
        let bag = "bag,Bag,beans,9,7,4006381333931\n";
        let mistyped = mistake(&table("bag,Bag,beans,9,7,4006381333932\n"));
        assert!(mistyped.starts_with("line 2, column 19: the code does not agree"), "{mistyped}");
        let twice = mistake(&table(&format!("{bag}tin,Tin,beans,12,7,04006381333931\n")));
        assert_eq!(twice, "line 3, column 20: the code 4006381333931 is that of article bag already");
        // An article whose own number is the one on its package is found by it, too.
        let own = mistake(&table(&format!("4006381333931,Old bag,beans,8,7,\n{bag}")));
        assert!(own.ends_with("the code 4006381333931 is that of article 4006381333931 already"), "{own}");
        let known = read(&table(bag)).unwrap();
        let over = |rows: &str| read_over(&table(rows), &known);
        let taken = over("tin,Tin,beans,12,7,4006381333931\n").unwrap_err().detail();
        assert!(taken.contains("article bag"), "{taken}");
        let gone = Article { gone: true, ..known[0].clone() };
        assert!(read_over(&table("tin,Tin,beans,12,7,4006381333931\n"), &[gone]).is_ok(), "no longer sold");
        assert_eq!(over(bag).unwrap(), known);
        assert_eq!(over("bag,Bag,beans,9,7,\n").unwrap()[0].code, None);
        let without = read_over("sku,name,category,price,vat\nbag,Bag,beans,9,7\n", &known).unwrap();
        assert_eq!(without, known, "no column: it stays");
        let moved = over("bag,Bag,beans,9,7,\ntin,Tin,beans,12,7,4006381333931\n").unwrap();
        assert_eq!(moved[1].package(), known[0].code, "it goes from one to another in one file");
    }

    #[test]
    fn what_an_article_can_say_goes_there_and_back() {
        let head = COLUMNS.join(";");
        let table = format!(
            "{head}\nlatte;Latte;coffee;4,20;19;;;;7;2027-01-01:7:5,5|2028-01-01:8;oat:Hafermilch:0,50:19|shot:Extra:0,80::7;\n\
             latte-l;Latte groß;coffee;4,90;7;;latte;groß;;;;4006381333931\n"
        );
        let articles = read(&table).unwrap();
        let latte = &articles[0];
        assert_eq!((latte.vat_away, latte.rates[0].vat_away), (Some(Rate(700)), Some(Rate(550))));
        assert_eq!((latte.rates[1].vat, latte.rates[1].vat_away), (Rate(800), None));
        assert_eq!((latte.modifiers[0].price, latte.modifiers[0].vat), (Money(50), Some(Rate(1900))));
        assert_eq!((latte.modifiers[1].vat, latte.modifiers[1].vat_away), (None, Some(Rate(700))));
        assert_eq!(articles[1].variant.as_ref().map(|variant| variant.of.as_str()), Some("latte"));
        let rows = articles.iter().map(|article| row(article).join(","));
        let written = format!("{}\n{}", COLUMNS.join(","), rows.collect::<Vec<_>>().join("\n"));
        assert_eq!(read(&written).unwrap(), articles, "{written}");
        // A table of the plain columns alone takes nothing away.
        let mut known = articles.clone();
        known[0].photo = crate::article::Photo::of(b"jpeg");
        let plain = "sku,name,category,price,vat\nlatte,Latte,coffee,4.40,19\n";
        let over = read_over(plain, &known).unwrap();
        assert_eq!(over, [Article { price: Money(440), ..known[0].clone() }]);
        let bare =
            read_over(&written.replace("oat:Hafermilch:0.50:19|shot:Extra:0.80::7", ""), &known).unwrap();
        assert!(bare[0].modifiers.is_empty() && bare[0].photo.is_some(), "an empty cell empties");
    }

    #[test]
    fn mistakes_in_what_may_be_added_are_named() {
        let head = "sku,name,category,price,vat,rates,modifiers,variant_of,variant,vat_away\na,A,c,2,19,";
        for (row, said) in [
            ("2027-01-01,,,,", "a day and a rate"),
            ("2027-13-01:7,,,,", "no day"),
            ("2027-01-01:7:5:5,,,,", "two rates at most"),
            ("2027-01-01:7|2027-01-01:8,,,,", "days rise"),
            ("2027-01-01:107,,,,", "100 %"),
            (",oat:Oat,,,", "code, name and price"),
            (",oat::0.5,,,", "needs a name"),
            (",oat:Oat:0.5|oat:Oat:0.5,,,", "twice"),
            (",o+t:Oat:0.5,,,", "means something else"),
            (",oat:Oat:-0.5,,,", "below zero"),
            (",oat:Oat:0.5:19:7:7,,,", "two rates at most"),
            (",,a,large,", "no variant of itself"),
            (",,,,x", "line 2, column"),
        ] {
            let found = mistake(&format!("{head}{row}\n"));
            assert!(found.contains(said), "{row}: {found}");
        }
        assert!(mistake("sku,name,category,price,vat,variant\n").contains("go together"));
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
