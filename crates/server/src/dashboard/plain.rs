//! A programme as a plain form, made from the programme's own structure: each value that it holds becomes a field with
//! a word for it, in sections for each rule and reward. What the form does not show can be written in the text.

use toml::{Table, Value};

use super::visitor::Values;
use crate::web::Language;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Text,
    Decimal,
    YesNo,
    List,
    Day,
    /// One of some words.
    OneOf(&'static [[&'static str; 3]]),
}

/// A field of the form.
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// Where it stands: `earn.0.amount`.
    pub path: String,
    pub label: String,
    pub value: String,
    pub holds: Holds,
}

/// Fields that belong together.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub title: String,
    pub fields: Vec<Field>,
}

const PER: &[[&str; 3]] = &[
    ["order", "order", "Bestellung"],
    ["money", "amount of money", "Geldbetrag"],
    ["item", "item", "Artikel"],
    ["visit", "visit", "Besuch"],
];
const BY: &[[&str; 3]] = &[
    ["spend", "what was spent", "Ausgaben"],
    ["visits", "visits", "Besuchen"],
    ["units", "what was collected", "Gesammeltem"],
];
const END_OF: &[[&str; 3]] = &[["month", "the month", "Monat"], ["year", "the year", "Jahr"]];

/// Keys that are names within the programme, and kinds that decide which other keys there are.
const FIXED: [&str; 3] = ["id", "language", "kind"];
/// What comes first in a section.
const FIRST: [&str; 10] =
    ["name", "unit", "card", "amount", "per", "every", "cost", "percent", "factor", "minimum"];

/// The words for a key.
fn label(key: &str, language: Language) -> String {
    let found = WORDS.iter().find(|[known, _, _]| *known == key);
    found.map_or_else(
        || key.replace('_', " "),
        |[_, english, german]| language.pick(english, german).to_owned(),
    )
}

/// The sections of a programme's form.
pub(super) fn sections(table: &Table, language: Language) -> Vec<Section> {
    let mut general =
        Section { title: language.pick("In general", "Allgemein").to_owned(), fields: Vec::new() };
    let mut others = Vec::new();
    for key in ordered(table) {
        let Some(value) = table.get(key) else { continue };
        match value {
            Value::Array(items) if items.iter().all(Value::is_table) && !items.is_empty() => {
                for (place, item) in items.iter().enumerate() {
                    let Some(item) = item.as_table() else { continue };
                    let named = item.get("name").map(|name| spoken(name, language));
                    let named = named.or_else(|| item.get("id").and_then(Value::as_str).map(str::to_owned));
                    let title = match named {
                        Some(named) => format!("{}: {named}", label(key, language)),
                        None => format!("{} {}", label(key, language), place + 1),
                    };
                    let mut section = Section { title, fields: Vec::new() };
                    collect(item, &format!("{key}.{place}"), "", language, &mut section.fields);
                    others.push(section);
                }
            }
            _ => one(key, value, key, "", language, &mut general.fields),
        }
    }
    for (path, english, german) in [
        ("valid.from", "From which day (or at once)", "Ab welchem Tag (sonst sofort)"),
        ("valid.to", "To which day (or for good)", "Bis zu welchem Tag (sonst für immer)"),
    ] {
        let old = general.fields.iter().position(|field| field.path == path);
        let value = old.map(|place| general.fields.remove(place).value).unwrap_or_default();
        let label = language.pick(english, german).to_owned();
        general.fields.push(Field { path: path.to_owned(), label, value, holds: Holds::Day });
    }
    std::iter::once(general).chain(others).filter(|section| !section.fields.is_empty()).collect()
}

/// A name in the reader's language.
fn spoken(name: &Value, language: Language) -> String {
    let text =
        name.as_str().or_else(|| name.get(language.tag())?.as_str()).or_else(|| name.get("en")?.as_str());
    text.unwrap_or_default().to_owned()
}

fn ordered(table: &Table) -> Vec<&str> {
    let place = |key: &&str| FIRST.iter().position(|first| first == key).unwrap_or(FIRST.len());
    let mut keys: Vec<&str> = table.keys().map(String::as_str).filter(|key| !FIXED.contains(key)).collect();
    keys.sort_by_key(place);
    keys
}

fn collect(table: &Table, path: &str, before: &str, language: Language, fields: &mut Vec<Field>) {
    for key in ordered(table) {
        if let Some(value) = table.get(key) {
            one(key, value, &format!("{path}.{key}"), before, language, fields);
        }
    }
}

fn one(key: &str, value: &Value, path: &str, before: &str, language: Language, fields: &mut Vec<Field>) {
    if key == "shops" {
        // Chosen by name, beside the form.
        return;
    }
    let label = match before {
        "" => label(key, language),
        before => format!("{before}: {}", self::label(key, language)),
    };
    let mut add = |value: String, holds| {
        fields.push(Field { path: path.to_owned(), label: label.clone(), value, holds });
    };
    match value {
        Value::String(text) if key == "per" => add(text.clone(), Holds::OneOf(PER)),
        Value::String(text) if key == "by" && BY.iter().any(|[word, _, _]| word == text) => {
            add(text.clone(), Holds::OneOf(BY));
        }
        Value::String(text) if key == "to_end_of" => add(text.clone(), Holds::OneOf(END_OF)),
        // A published programme holds its decimals as texts, so that they are exact.
        Value::String(text) if text.parse::<f64>().is_ok() => add(shown(text, language), Holds::Decimal),
        Value::String(text) => add(text.clone(), Holds::Text),
        Value::Integer(number) => add(number.to_string(), Holds::Decimal),
        Value::Float(number) => add(shown(&number.to_string(), language), Holds::Decimal),
        Value::Boolean(on) => add(if *on { "on" } else { "" }.to_owned(), Holds::YesNo),
        Value::Datetime(day) => add(day.to_string(), Holds::Day),
        Value::Array(items) if items.iter().all(|item| !item.is_table()) => {
            let words: Vec<String> = items
                .iter()
                .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
                .collect();
            add(words.join(", "), Holds::List);
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                if let Some(item) = item.as_table() {
                    collect(
                        item,
                        &format!("{path}.{place}"),
                        &format!("{label} {}", place + 1),
                        language,
                        fields,
                    );
                }
            }
        }
        Value::Table(table) => collect(table, path, &label, language, fields),
    }
}

/// A decimal with the reader's comma, and nothing between thousands: it is typed again.
pub(super) fn shown(decimal: &str, language: Language) -> String {
    match language {
        Language::De => decimal.replace('.', ","),
        Language::En => decimal.to_owned(),
    }
}

/// Puts what was typed into the programme. What cannot be read is said by field.
pub(super) fn apply(table: &mut Table, typed: &Values, language: Language) -> Vec<(String, &'static str)> {
    let mut wrong = Vec::new();
    for field in sections(table, language).into_iter().flat_map(|section| section.fields) {
        let name = format!("v.{}", field.path);
        let text = match (typed.given(&name), field.holds) {
            (Some(text), _) => text,
            // A box that is not ticked is not sent.
            (None, Holds::YesNo) if typed.given("form").is_some() => "",
            (None, _) => continue,
        };
        if text == field.value {
            continue;
        }
        match read(text, &field) {
            Ok(value) => put(table, &field.path, value),
            Err(why) => wrong.push((field.label.clone(), why)),
        }
    }
    wrong
}

fn read(text: &str, field: &Field) -> Result<Option<Value>, &'static str> {
    Ok(Some(match field.holds {
        Holds::Text | Holds::OneOf(_) => Value::String(text.to_owned()),
        Holds::YesNo => Value::Boolean(!text.is_empty()),
        Holds::Day if text.is_empty() => return Ok(None),
        Holds::Day => {
            let day: stempel_domain::Day = text.parse().map_err(|_| "day")?;
            Value::String(day.to_string())
        }
        Holds::List => {
            let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
            Value::Array(words.map(|word| Value::String(word.to_owned())).collect())
        }
        Holds::Decimal => {
            let plain = text.replace(' ', "").replace(',', ".").replace('−', "-");
            match plain.parse::<i64>() {
                Ok(whole) => Value::Integer(whole),
                Err(_) => {
                    let number: f64 = plain.parse().map_err(|_| "number")?;
                    if !number.is_finite() {
                        return Err("number");
                    }
                    Value::String(plain)
                }
            }
        }
    }))
}

/// Writes a value at a path, or takes it away.
fn put(table: &mut Table, path: &str, value: Option<Value>) {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let Some(rest) = rest else {
        match value {
            Some(value) => table.insert(first.to_owned(), value),
            None => table.remove(first),
        };
        return;
    };
    match table.entry(first.to_owned()).or_insert_with(|| Value::Table(Table::new())) {
        Value::Table(inner) => {
            put(inner, rest, value);
            if inner.is_empty() {
                table.remove(first);
            }
        }
        Value::Array(items) => {
            let (place, rest) = rest.split_once('.').unwrap_or((rest, ""));
            let item = place.parse::<usize>().ok().and_then(|place| items.get_mut(place));
            if let Some(Value::Table(item)) = item {
                put(item, rest, value);
            }
        }
        _ => {}
    }
}

/// A published programme as text that people read and write.
pub(super) fn text_of(json: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(json).ok()?;
    let Value::Table(table) = of_json(value)? else { return None };
    toml::to_string_pretty(&table).ok()
}

fn of_json(value: serde_json::Value) -> Option<Value> {
    use serde_json::Value as Json;
    Some(match value {
        Json::Null => return None,
        Json::Bool(on) => Value::Boolean(on),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::Integer(whole),
            None => Value::Float(number.as_f64()?),
        },
        Json::String(text) => Value::String(text),
        Json::Array(items) => Value::Array(items.into_iter().filter_map(of_json).collect()),
        Json::Object(entries) => Value::Table(
            entries.into_iter().filter_map(|(key, value)| Some((key, of_json(value)?))).collect(),
        ),
    })
}

/// Words for keys: the key, English, German.
#[rustfmt::skip]
const WORDS: [[&str; 3]; 99] = [
    ["name", "Name", "Name"],
    ["de", "German", "Deutsch"],
    ["en", "English", "Englisch"],
    ["amount", "How much", "Wie viel"],
    ["every", "For every", "Je"],
    ["per", "Counted by", "Gezählt nach"],
    ["cost", "Costs", "Kostet"],
    ["card", "Stamps on a card", "Stempel auf einer Karte"],
    ["categories", "Categories of articles", "Artikelgruppen"],
    ["skus", "Articles", "Artikel"],
    ["except_skus", "Not these articles", "Diese Artikel nicht"],
    ["except_categories", "Not these categories", "Diese Gruppen nicht"],
    ["unit", "What is counted", "Was gezählt wird"],
    ["scale", "Digits after the point", "Nachkommastellen"],
    ["minimum", "From so much", "Ab so viel"],
    ["minimum_quantity", "From how many", "Ab wie vielen"],
    ["percent", "Per cent", "Prozent"],
    ["automatic", "Comes by itself", "Kommt von selbst"],
    ["factor", "Times", "Mal"],
    ["months", "Months", "Monate"],
    ["days", "Days", "Tage"],
    ["to_end_of", "To the end of", "Bis zum Ende von"],
    ["idle_months", "Months without a visit", "Monate ohne Besuch"],
    ["weekdays", "Weekdays", "Wochentage"],
    ["hours", "Hours", "Uhrzeiten"],
    ["from", "From", "Ab"],
    ["to", "To", "Bis"],
    ["valid", "Valid", "Gültig"],
    ["when", "When", "Wann"],
    ["who", "Who", "Wer"],
    ["tiers", "Tiers", "Stufen"],
    ["ladder", "Step", "Stufe"],
    ["earn", "Earning", "Sammeln"],
    ["multiplier", "More at times", "Mehr zu Zeiten"],
    ["reward", "Reward", "Prämie"],
    ["voucher", "Voucher", "Gutschein"],
    ["challenge", "Challenge", "Aufgabe"],
    ["occasion", "Occasion", "Anlass"],
    ["activity", "Activity", "Aktivität"],
    ["giving", "Giving", "Spende"],
    ["referral", "Bringing friends", "Freunde werben"],
    ["membership", "Membership", "Mitgliedschaft"],
    ["goodwill", "Goodwill", "Kulanz"],
    ["offline", "Without a network", "Ohne Netz"],
    ["expiry", "Expiry", "Verfall"],
    ["limit", "Limit", "Grenze"],
    ["day", "A day", "Am Tag"],
    ["week", "A week", "In der Woche"],
    ["month", "A month", "Im Monat"],
    ["year", "A year", "Im Jahr"],
    ["total", "In all", "Insgesamt"],
    ["member", "For each member", "Je Mitglied"],
    ["device", "For each device", "Je Gerät"],
    ["operator", "For each of the team", "Je Teammitglied"],
    ["device_day", "For each device and day", "Je Gerät und Tag"],
    ["at_once", "At once", "Auf einmal"],
    ["four_eyes_above", "A second person above", "Zweite Person ab"],
    ["stock", "Stock", "Vorrat"],
    ["goal", "Goal", "Ziel"],
    ["target", "Target", "Ziel"],
    ["count", "How many", "Wie viele"],
    ["by", "Measured by", "Gemessen an"],
    ["on", "On", "Auf"],
    ["window_days", "Days that are looked at", "Betrachtete Tage"],
    ["grace_days", "Days of grace", "Tage Kulanz"],
    ["within_days", "Within days", "In Tagen"],
    ["pause_minutes", "Minutes between two", "Minuten dazwischen"],
    ["gives", "Gives", "Gibt"],
    ["needs", "Needs", "Setzt voraus"],
    ["quantity", "How many", "Wie viele"],
    ["each", "As often as it fits", "So oft es passt"],
    ["cause", "Cause", "Zweck"],
    ["text", "Text", "Text"],
    ["code", "Code", "Code"],
    ["message", "Message", "Nachricht"],
    ["at", "At", "Bei"],
    ["friend", "The friend", "Die geworbene Person"],
    ["referrer", "Who brought them", "Wer geworben hat"],
    ["top", "Places", "Plätze"],
    ["clearing", "Clearing", "Verrechnung"],
    ["per_unit", "Worth of one", "Wert von einem"],
    ["leaderboard", "Leaderboard", "Rangliste"],
    ["streak", "In a row", "Hintereinander"],
    ["holds", "Who holds", "Wer hat"],
    ["tags", "Who has the mark", "Wer die Markierung hat"],
    ["birthday", "In the week of the birthday", "In der Geburtstagswoche"],
    ["absent_days", "Away for days", "Tage weg"],
    ["joined_within_days", "Joined within days", "Beigetreten in Tagen"],
    ["only_best", "Only the best of", "Nur das Beste von"],
    ["once", "Once", "Einmal"],
    ["cap", "At most", "Höchstens"],
    ["from_pool", "From the pool", "Aus dem Topf"],
    ["fills", "Fills the pool", "Füllt den Topf"],
    ["warn_days", "Warn so many days before", "So viele Tage vorher erinnern"],
    ["reasons", "Reasons", "Gründe"],
    ["period", "Period", "Zeitraum"],
    ["window", "Window", "Zeitfenster"],
    ["shops", "Shops", "Läden"],
    ["kind", "Kind", "Art"],
];

#[cfg(test)]
mod tests {
    use stempel_domain::programme::Programme;

    use super::super::templates::TEMPLATES;
    use super::*;

    #[test]
    fn a_form_that_is_sent_as_it_stands_changes_nothing() {
        for template in &TEMPLATES {
            let table: Table = template.text.parse().unwrap();
            for language in [Language::De, Language::En] {
                let fields = sections(&table, language).into_iter().flat_map(|section| section.fields);
                let sent = fields.filter(|field| field.holds != Holds::YesNo || !field.value.is_empty());
                let mut sent: Vec<(String, String)> =
                    sent.map(|field| (format!("v.{}", field.path), field.value)).collect();
                sent.push(("form".into(), "yes".into()));
                let mut again = table.clone();
                assert_eq!(apply(&mut again, &Values(sent), language), Vec::new(), "{}", template.name);
                assert_eq!(again, table, "{}", template.name);
            }
        }
    }

    #[test]
    fn every_template_survives_being_published_and_edited_again() {
        for template in &TEMPLATES {
            let programme = Programme::parse_toml(template.text).unwrap();
            let text = text_of(&programme.to_json()).unwrap();
            let again = Programme::parse_toml(&text)
                .unwrap_or_else(|error| panic!("{}: {error}\n{text}", template.name));
            assert_eq!(again.to_json(), programme.to_json(), "{}", template.name);
        }
    }

    #[test]
    fn what_was_typed_goes_where_it_belongs() {
        let mut table: Table = TEMPLATES[0].text.parse().unwrap();
        let typed = |pairs: &[(&str, &str)]| {
            Values(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        let sent = typed(&[
            ("v.reward.0.cost", "8"),
            ("v.card", "8"),
            ("v.earn.0.amount", "1,5"),
            ("v.valid.to", "2027-01-31"),
            ("v.name.de", "Neue Karte"),
        ]);
        assert_eq!(apply(&mut table, &sent, Language::De), Vec::new());
        assert_eq!(table["reward"][0]["cost"].as_integer(), Some(8));
        assert_eq!(table["earn"][0]["amount"].as_str(), Some("1.5"));
        assert_eq!(table["valid"]["to"].as_str(), Some("2027-01-31"));
        assert_eq!(table["name"]["de"].as_str(), Some("Neue Karte"));
        let wrong = apply(&mut table, &typed(&[("v.card", "acht"), ("v.valid.to", "")]), Language::En);
        assert_eq!(wrong, [("Stamps on a card".to_owned(), "number")]);
        assert!(table.get("valid").is_none());
    }
}
