//! “What do we sell?”: articles, their price, tax and category; the catalogue as a table both ways.

use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use stempel_domain::Rate;
use stempel_wire::article::Article;
use stempel_wire::catalogue;
use stempel_wire::gtin::Gtin;

use super::shell::{self, Field, Tab, frame, token};
use super::visitor::{Sent, Values, Visitor, on};
use super::{Page, Trouble, article, csv, mistakes};
use crate::api::access::Scope;
use crate::web::{self, Language};

pub(crate) async fn page(visitor: Visitor) -> Page {
    let draft = visitor.draft.clone();
    show(&visitor, StatusCode::OK, draft.as_ref(), html! {}).await
}

async fn show(visitor: &Visitor, status: StatusCode, typed: Option<&Values>, above: Markup) -> Page {
    visitor.principal().may(Scope::Manage)?;
    let mut articles = visitor.server.catalogue_list(visitor.tenant()).await?;
    let asked = visitor.query.get("find").to_lowercase();
    // A code may be asked for as a scanner gives it.
    let package = asked.parse::<Gtin>().ok();
    articles.retain(|article| {
        asked.is_empty()
            || (package.is_some() && article.package() == package)
            || [article.name.as_str(), article.sku.as_str(), &article.category]
                .iter()
                .any(|text| text.to_lowercase().contains(&asked))
    });
    let more = articles.len() > 300;
    articles.truncate(300);
    let manages = visitor.may_everywhere(Scope::Manage);
    let say = |english, german| visitor.say(english, german);
    let body = html! {
        (above)
        form class="row" method="get" role="search" {
            (Field { name: "find", label: say("Name, number, code or category", "Name, Nummer, Code oder Gruppe"), kind: "search", value: visitor.query.get("find"), ..Field::default() }.draw())
            button { (say("Find", "Finden")) }
        }
        @if manages { p class="actions" { a class="button" href=(article::HERE) { (say("Add an article", "Artikel anlegen")) } } }
        section class="space" {
            @if articles.is_empty() && asked.is_empty() {
                (shell::empty(say("Nothing to sell yet", "Noch nichts zu verkaufen"),
                    say("A stamp card needs no articles. A till does: paste a table below.", "Eine Stempelkarte braucht keine Artikel. Eine Kasse schon: Fügen Sie unten eine Tabelle ein."), None))
            } @else {
                ul class="list articles" { @for article in &articles { li { (one(visitor, article)) } } }
                @if more { p class="faded" { (say("Only the first 300 are shown; find others above.", "Nur die ersten 300 stehen hier; andere finden Sie oben.")) } }
            }
        }
        @if manages { (table(visitor, typed)) }
    };
    let title = say("What do you sell?", "Was verkaufen Sie?");
    Ok(web::page(status, frame(visitor, Tab::Catalogue, title, body)))
}

/// A decimal as the reader writes it.
pub(super) fn decimal(language: Language, decimal: String) -> String {
    match language {
        Language::De => decimal.replace('.', ","),
        Language::En => decimal,
    }
}

/// What a column of the table holds, in words.
pub(super) fn column<'a>(visitor: &Visitor, column: &'a str) -> &'a str {
    match column {
        "sku" => visitor.say("number", "Nummer"),
        "name" => visitor.say("name", "Name"),
        "category" => visitor.say("category", "Gruppe"),
        "price" => visitor.say("price", "Preis"),
        "vat" => visitor.say("tax", "Steuer"),
        "deposit" => visitor.say("deposit", "Pfand"),
        "variant_of" => visitor.say("variant of", "Variante von"),
        "variant" => visitor.say("variant", "Variante"),
        "vat_away" => visitor.say("tax taken away", "Steuer außer Haus"),
        "rates" => visitor.say("rates from a day on", "Sätze ab einem Tag"),
        "modifiers" => visitor.say("what can be added", "was dazukommen kann"),
        "code" => visitor.say("code on the package", "Code auf der Packung"),
        other => other,
    }
}

fn one(visitor: &Visitor, article: &Article) -> Markup {
    let language = visitor.language;
    let say = |english, german| visitor.say(english, german);
    let rate = |rate: Rate| decimal(language, rate.to_string());
    html! {
        @if let Some(photo) = &article.photo {
            img class="tile-photo" src=(article::photo_address(&article.sku, photo)) width="56" height="56" alt="" loading="lazy";
        }
        div {
            h2 class="inline" { a href=(article::address(&article.sku)) { (article.name) } } " "
            @if article.gone { span class="state warn" { (say("no longer sold", "nicht mehr verkauft")) } }
            p class="faded" {
                (language.spoken().money(&article.price.to_string())) " · " (rate(article.vat)) " %"
                @if let Some(away) = article.vat_away { " (" (say("taken away ", "außer Haus ")) (rate(away)) " %)" }
                @if !article.category.is_empty() { " · " (article.category) } " · " (article.sku)
                @if let Some(code) = &article.code { " · " (say("code ", "Code ")) (code) }
                @if let Some(variant) = &article.variant { " · " (say("variant of ", "Variante von ")) (variant.of) }
                @if !article.modifiers.is_empty() {
                    " · + " (article.modifiers.iter().map(|modifier| &modifier.name[..]).collect::<Vec<_>>().join(", "))
                }
            }
        }
    }
}

fn table(visitor: &Visitor, typed: Option<&Values>) -> Markup {
    let say = |english, german| visitor.say(english, german);
    html! {
        section class="card" id="table" {
            h2 { (say("As a table", "Als Tabelle")) }
            p { a class="button" href="/dashboard/catalogue.csv" download { (say("Download as CSV", "Als CSV herunterladen")) } }
            form method="post" action="/dashboard/catalogue" {
                (token(visitor))
                div class="field whole" {
                    label for="f-table" { (say("Paste a table", "Tabelle einfügen")) }
                    p class="hint" id="f-table-hint" { (say("The first line names the columns: sku, name, category, price, vat; if you like deposit, variant_of and variant, vat_away, rates (2027-01-01:7:5), modifiers (oat:Oat milk:0.50), code (the number on the package). Articles and columns that are not in it stay as they are; so do photos.",
                        "Die erste Zeile nennt die Spalten: sku, name, category, price, vat; wenn gewünscht deposit, variant_of und variant, vat_away, rates (2027-01-01:7:5), modifiers (hafer:Hafermilch:0,50), code (die Zahl auf der Packung). Artikel und Spalten, die nicht darin stehen, bleiben, wie sie sind; Fotos auch.")) }
                    textarea id="f-table" name="table" rows="8" spellcheck="false" required aria-describedby="f-table-hint" data-file=(say("Choose a file", "Datei wählen")) {
                        "\n" (typed.map(|typed| typed.get("table")).unwrap_or_default())
                    }
                }
                div class="actions" {
                    button class="main" name="do" value="look" { (say("Check it", "Prüfen")) }
                    button name="do" value="take" { (say("Take it over", "Übernehmen")) }
                }
            }
        }
    }
}

pub(crate) async fn import(Sent(visitor, values): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Manage)?;
    let text = values.get("table");
    // As it was defused when it was written.
    let lines: String = csv::read(text).iter().map(|(_, cells)| csv_line(cells)).collect();
    let known = visitor.server.catalogue_list(visitor.tenant()).await?;
    let articles = match catalogue::read_over(&lines, &known) {
        Ok(articles) => articles,
        Err(error) => {
            let above = html! {
                div class="notice bad" role="alert" id="problem" {
                    p { strong { (visitor.say("The table has mistakes; nothing was taken", "Die Tabelle hat Fehler; nichts wurde übernommen")) } }
                    ul { @for mistake in error.0.iter() { li { (visitor.say("Line", "Zeile")) " " (mistake.line) ": " (mistakes::said(visitor.language, &mistake.what)) } } }
                }
            };
            return show(&visitor, StatusCode::UNPROCESSABLE_ENTITY, Some(&values), above).await;
        }
    };
    if values.get("do") == "take" {
        visitor.server.articles_put(visitor.tenant(), articles).await?;
        return Ok(on("/dashboard/catalogue", "saved"));
    }
    let old = |article: &Article| known.iter().find(|known| known.sku == article.sku);
    let added: Vec<&Article> = articles.iter().filter(|article| old(article).is_none()).collect();
    let changed: Vec<(&Article, &Article)> = articles
        .iter()
        .filter_map(|article| Some((old(article).filter(|old| *old != article)?, article)))
        .collect();
    let language = visitor.language;
    let above = html! {
        div class="notice info" role="status" {
            p { strong {
                (added.len()) " " (visitor.say("new", "neu")) ", " (changed.len()) " " (visitor.say("changed", "geändert")) ", "
                (articles.len() - added.len() - changed.len()) " " (visitor.say("as they are", "unverändert")) "."
            } " " (visitor.say("Nothing is taken over yet.", "Noch ist nichts übernommen.")) }
            ul {
                @for article in added.iter().take(50) { li { "+ " (article.name) " · " (language.spoken().money(&article.price.to_string())) } }
                @for (old, new) in changed.iter().take(50) {
                    li { (new.name) ": " (differences(&visitor, old, new)) }
                }
            }
        }
    };
    show(&visitor, StatusCode::OK, Some(&values), above).await
}

/// A line as the catalogue's reader takes it: whatever stands in a cell is quoted.
fn csv_line(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
    cells.join(";") + "\n"
}

/// What a table changes about an article, column by column.
fn differences(visitor: &Visitor, old: &Article, new: &Article) -> String {
    let columns = catalogue::COLUMNS.iter().zip(catalogue::row(old).into_iter().zip(catalogue::row(new)));
    let mut said: Vec<String> = columns
        .filter(|(_, (old, new))| old != new)
        .map(|(name, (old, new))| {
            let shown = |text: String| {
                if text.is_empty() { "–".to_owned() } else { decimal(visitor.language, text) }
            };
            format!("{} {} → {}", column(visitor, name), shown(old), shown(new))
        })
        .collect();
    if old.gone {
        said.push(visitor.say("sold again", "wieder im Verkauf").to_owned());
    }
    said.join(" · ")
}

pub(crate) async fn download(visitor: Visitor) -> Result<Response, Trouble> {
    visitor.principal().may(Scope::Manage)?;
    let mut text = csv::line(catalogue::COLUMNS);
    for article in visitor.server.catalogue_list(visitor.tenant()).await? {
        if !article.gone {
            text += &csv::line(catalogue::row(&article).iter().map(|cell| &cell[..]));
        }
    }
    Ok(file("catalogue.csv", text))
}

/// A table as a file to keep.
pub(super) fn file(name: &str, text: String) -> Response {
    let kind = (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned());
    ([kind, (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))], text).into_response()
}
