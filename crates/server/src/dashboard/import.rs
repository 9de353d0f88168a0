//! Members and their paper stamps from a table: looked at first, with each problem by its line, then taken over.
//!
//! Taking the same table over again makes nobody twice: each line has its own key.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use maud::{Markup, html};
use stempel_domain::Unit;
use stempel_domain::programme::Programme;

use super::shell::{Tab, choice, frame, token};
use super::visitor::{Sent, Values, Visitor};
use super::{Page, csv, words};
use crate::accounts::changes::{Asked, Change};
use crate::admin::{AddedMember, NewMember};
use crate::api::access::Scope;
use crate::api::orders::AdjustmentRequest;
use crate::error::Result;
use crate::web;

/// Lines taken over at once: each is two transactions.
const TAKEN_MAX: usize = 500;

/// Columns named that nothing is taken from.
const COLUMNS_NAMED_MAX: usize = 20;

/// A line of the table as it was read.
struct Guest {
    line: usize,
    name: String,
    language: String,
    amount: Option<String>,
}

pub(crate) async fn page(visitor: Visitor) -> Page {
    let draft = visitor.draft.clone().unwrap_or_default();
    show(&visitor, StatusCode::OK, &draft, html! {}).await
}

/// The units of the programmes in force.
async fn units(visitor: &Visitor) -> Result<Vec<Unit>> {
    let mut units: Vec<Unit> = Vec::new();
    for info in visitor.server.programme_list(visitor.tenant()).await? {
        if let Ok(read) = Programme::from_json(&info.text)
            && !info.ended
            && !units.contains(read.unit())
        {
            units.push(read.unit().clone());
        }
    }
    // Paper cards hold stamps.
    units.sort_by_key(|unit| !unit.is_stamp());
    Ok(units)
}

async fn show(visitor: &Visitor, status: StatusCode, typed: &Values, above: Markup) -> Page {
    visitor.principal().may_everywhere(Scope::Manage)?;
    let say = |english, german| visitor.say(english, german);
    let units = units(visitor).await?;
    let units: Vec<(String, String)> =
        units.iter().map(|unit| (unit.to_string(), words::unit(visitor.language, unit))).collect();
    let shops = visitor.server.shops(visitor.tenant()).await?;
    let shops: Vec<(String, String)> =
        shops.iter().map(|shop| (shop.id.to_string(), shop.name.clone())).collect();
    let body = html! {
        (above)
        form method="post" action="/dashboard/import" {
            (token(visitor))
            div class="field whole" {
                label for="f-table" { (say("Paste a table", "Tabelle einfügen")) }
                p class="hint" id="f-table-hint" { (say("The first line names the columns: name, and if you like language (de or en) and stamps (what is on the paper card).",
                    "Die erste Zeile nennt die Spalten: name, und wenn gewünscht language (de oder en) und stamps (was auf der Papierkarte steht).")) }
                textarea id="f-table" name="table" rows="12" spellcheck="false" required aria-describedby="f-table-hint" data-file=(say("Choose a file", "Datei wählen")) {
                    "\n" (typed.get("table"))
                }
            }
            @if !units.is_empty() { (choice("unit", say("What the paper cards hold", "Was auf den Papierkarten steht"), &units, typed.get("unit"))) }
            @if shops.len() > 1 { (choice("shop", say("Which shop owes it", "Welcher Laden schuldet es"), &shops, typed.get("shop"))) }
            div class="actions" {
                button class="main" name="do" value="look" { (say("Check it", "Prüfen")) }
                button name="do" value="take" { (say("Take it over", "Übernehmen")) }
            }
        }
    };
    let title = say("Who comes along from before?", "Wer kommt von früher mit?");
    Ok(web::page(status, frame(visitor, Tab::Members, title, body)))
}

/// What a table says.
#[derive(Default)]
struct Read {
    guests: Vec<Guest>,
    /// Each with its line.
    problems: Vec<(usize, String)>,
    /// Columns that nothing is taken from.
    unused: Vec<String>,
}

const NAME: [&str; 3] = ["name", "vorname", "first name"];
const LANGUAGE: [&str; 2] = ["language", "sprache"];
const STAMPS: [&str; 4] = ["stamps", "stempel", "points", "punkte"];

fn read(visitor: &Visitor, text: &str, unit: Option<&Unit>) -> Read {
    let say = |english: &'static str, german: &'static str| visitor.say(english, german).to_owned();
    let Read { mut guests, mut problems, mut unused } = Read::default();
    let mut rows = csv::read(text).into_iter();
    let Some((line, head)) = rows.next() else {
        problems.push((1, say("The table is empty.", "Die Tabelle ist leer.")));
        return Read { guests, problems, unused };
    };
    let head: Vec<String> = head.iter().map(|cell| cell.to_lowercase()).collect();
    let column = |names: &[&str]| head.iter().position(|cell| names.contains(&cell.as_str()));
    let (language_column, stamps_column) = (column(&LANGUAGE), column(&STAMPS));
    let Some(name_column) = column(&NAME) else {
        problems.push((line, say("There is no column “name”.", "Es gibt keine Spalte „name“.")));
        return Read { guests, problems, unused };
    };
    let used = [Some(name_column), language_column, stamps_column];
    let others =
        head.iter().enumerate().filter(|(place, name)| !used.contains(&Some(*place)) && !name.is_empty());
    unused.extend(others.map(|(_, name)| name.chars().take(40).collect()).take(COLUMNS_NAMED_MAX));
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (line, cells) in rows {
        let cell = |place: Option<usize>| place.and_then(|place| cells.get(place)).map_or("", String::as_str);
        let name = cell(Some(name_column));
        if name.is_empty() || name.chars().count() > 40 || name.chars().any(char::is_control) {
            problems.push((line, say("A name has 1 to 40 characters.", "Ein Name hat 1 bis 40 Zeichen.")));
            continue;
        }
        if let Some(first) = seen.insert(cells.join("\n"), line) {
            let before = say("The same as line", "Dasselbe wie Zeile");
            problems.push((line, format!("{before} {first}.")));
            continue;
        }
        let language = match cell(language_column).to_lowercase().as_str() {
            "" => visitor.language.tag().to_owned(),
            code @ ("de" | "en") => code.to_owned(),
            _ => {
                problems.push((line, say("A language is de or en.", "Eine Sprache ist de oder en.")));
                continue;
            }
        };
        let amount = cell(stamps_column).replace(',', ".");
        let amount = match (amount.as_str(), unit) {
            ("" | "0", _) => None,
            (_, None) => {
                problems.push((
                    line,
                    say("There is no programme in force that counts.", "Es gilt kein Programm, das zählt."),
                ));
                continue;
            }
            (text, Some(unit)) => match unit.parse_amount(text) {
                Ok(amount) if (1..=1_000_000).contains(&amount) => Some(text.to_owned()),
                _ => {
                    problems.push((
                        line,
                        say("That many cannot be on a card.", "So viel kann nicht auf einer Karte sein."),
                    ));
                    continue;
                }
            },
        };
        guests.push(Guest { line, name: name.to_owned(), language, amount });
    }
    if guests.len() > TAKEN_MAX {
        problems.push((0, format!("{} {TAKEN_MAX}.", say("At once at most", "Auf einmal höchstens"))));
    }
    Read { guests, problems, unused }
}

pub(crate) async fn sent(Sent(visitor, values): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Manage)?;
    let unit: Option<Unit> = values.get("unit").parse().ok();
    let Read { guests, problems, unused } = read(&visitor, values.get("table"), unit.as_ref());
    let say = |english, german| visitor.say(english, german);
    if !problems.is_empty() || values.get("do") != "take" {
        let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        let above = html! {
            @if !problems.is_empty() {
                div class="notice bad" role="alert" id="problem" {
                    p { strong { (say("The table has problems; nothing was taken", "Die Tabelle hat Probleme; nichts wurde übernommen")) } }
                    ul { @for (line, what) in problems.iter().take(50) {
                        li { @if *line > 0 { (say("Line", "Zeile")) " " (line) ": " } (what) }
                    } }
                }
            } @else {
                div class="notice info" role="status" {
                    @if guests.len() == 1 {
                        p { (say("One member can be taken over; nothing is yet.", "Ein Mitglied kann übernommen werden; noch ist nichts übernommen.")) }
                    } @else {
                        p { (guests.len()) " " (say("members can be taken over; nothing is yet.", "Mitglieder können übernommen werden; noch ist nichts übernommen.")) }
                    }
                    (not_taken(&visitor, &unused))
                }
            }
        };
        return show(&visitor, status, &values, above).await;
    }
    let mut added = Vec::with_capacity(guests.len());
    for guest in guests {
        added.push((take(&visitor, &values, &guest, unit.as_ref()).await?, guest));
    }
    let waits = added.iter().any(|((_, waits), _)| *waits);
    let above = html! {
        div class="notice good" role="status" {
            p { strong { (added.len()) " " (say("members were taken over.", "Mitglieder wurden übernommen.")) } }
            (not_taken(&visitor, &unused))
            @if waits { p { (say("Their stamps wait for a second person.", "Ihre Stempel warten auf eine zweite Person.")) } }
        }
        div class="wide" tabindex="0" role="region" aria-label=(say("Taken over", "Übernommen")) {
            table {
                thead { tr { th scope="col" { (say("Name", "Name")) } th scope="col" { (say("Card", "Karte")) } } }
                tbody { @for ((member, _), guest) in &added {
                    tr { th scope="row" { a class="line" href={ "/dashboard/members/" (member.member) } { (guest.name) } } td { (member.number) } }
                } }
            }
        }
    };
    show(&visitor, StatusCode::OK, &Values::default(), above).await
}

/// Names the columns that nothing is taken from: a list from elsewhere has more than fits here.
fn not_taken(visitor: &Visitor, unused: &[String]) -> Markup {
    html! {
        @if !unused.is_empty() {
            p { (visitor.say("Nothing is taken from these columns: ", "Aus diesen Spalten wird nichts übernommen: ")) (unused.join(", ")) }
        }
    }
}

/// Takes one guest over: the card, and what was on the paper. Whether the latter waits for a second person.
async fn take(
    visitor: &Visitor,
    values: &Values,
    guest: &Guest,
    unit: Option<&Unit>,
) -> Result<(AddedMember, bool)> {
    let named = format!("{}\n{}\n{}\n{:?}", guest.line, guest.name, guest.language, guest.amount);
    let hash = blake3::derive_key("stempel import line v1", named.as_bytes());
    let key = format!("import-{}", data_encoding::HEXLOWER.encode(&hash[..16]));
    let new = NewMember { name: Some(guest.name.clone()), language: Some(guest.language.clone()) };
    let added = visitor.server.member_add(visitor.tenant(), &new, Some(&key)).await?;
    let Some((unit, amount)) = unit.zip(guest.amount.clone()) else { return Ok((added, false)) };
    let reason = visitor.say("Paper card brought along", "Papierkarte mitgebracht").to_owned();
    let shop = values.given("shop").and_then(|shop| shop.parse().ok());
    let adjustment = AdjustmentRequest { shop, unit: unit.clone(), amount, reason };
    let change = Change::Adjust { code: added.member.to_string(), adjustment };
    let asked = visitor.server.change(visitor.principal(), change, Some(&key)).await?;
    Ok((added, matches!(asked, Asked::Waits(_))))
}
