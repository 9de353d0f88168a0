//! “What do we sell?”: articles, their price, tax and category; the catalogue as a table both ways.

use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use stempel_domain::{Money, Rate};
use stempel_wire::catalogue;
use stempel_wire::message::Article;

use super::shell::{self, Field, Tab, frame, token};
use super::visitor::{Sent, Values, Visitor, on};
use super::{Page, Trouble, csv};
use crate::api::access::Scope;
use crate::error::{Error, Result};
use crate::web::{self, Language};

pub(crate) async fn page(visitor: Visitor) -> Page {
    let draft = visitor.draft.clone();
    show(&visitor, StatusCode::OK, draft.as_ref(), html! {}).await
}

async fn show(visitor: &Visitor, status: StatusCode, typed: Option<&Values>, above: Markup) -> Page {
    visitor.principal().may(Scope::Manage)?;
    let mut articles = visitor.server.catalogue_list(visitor.tenant()).await?;
    let asked = visitor.query.get("find").to_lowercase();
    articles.retain(|article| {
        asked.is_empty()
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
            (Field { name: "find", label: say("Name, number or category", "Name, Nummer oder Gruppe"), kind: "search", value: visitor.query.get("find"), ..Field::default() }.draw())
            button { (say("Find", "Finden")) }
        }
        section class="space" {
            @if articles.is_empty() && asked.is_empty() {
                (shell::empty(say("Nothing to sell yet", "Noch nichts zu verkaufen"),
                    say("A stamp card needs no articles. A till does: paste a table below.", "Eine Stempelkarte braucht keine Artikel. Eine Kasse schon: Fügen Sie unten eine Tabelle ein."), None))
            } @else {
                ul class="list" { @for article in &articles { li { (one(visitor, article, manages)) } } }
                @if more { p class="faded" { (say("Only the first 300 are shown; find others above.", "Nur die ersten 300 stehen hier; andere finden Sie oben.")) } }
            }
        }
        @if manages { (table(visitor, typed)) }
    };
    let title = say("What do you sell?", "Was verkaufen Sie?");
    Ok(web::page(status, frame(visitor, Tab::Catalogue, title, body)))
}

fn shown(language: Language, decimal: String) -> String {
    match language {
        Language::De => decimal.replace('.', ","),
        Language::En => decimal,
    }
}

fn percent(rate: Rate) -> String {
    let (whole, part) = (rate.0 / 100, rate.0 % 100);
    if part == 0 { whole.to_string() } else { format!("{whole}.{part:02}") }
}

fn one(visitor: &Visitor, article: &Article, manages: bool) -> Markup {
    let language = visitor.language;
    let say = |english, german| visitor.say(english, german);
    html! {
        h2 class="inline" { (article.name) } " "
        @if article.gone { span class="state warn" { (say("no longer sold", "nicht mehr verkauft")) } }
        p class="faded" {
            (language.spoken().money(&article.price.to_string())) " · " (shown(language, percent(article.vat))) " % · "
            (article.category) " · " (article.sku)
        }
        @if manages {
            details class="more" {
                summary { (say("Change", "Ändern")) }
                form method="post" action="/dashboard/catalogue/article" class="card narrow" {
                    (token(visitor))
                    input type="hidden" name="sku" value=(article.sku);
                    @for (name, label, value) in [
                        ("name", say("Name", "Name"), article.name.clone()),
                        ("price", say("Price, tax inside", "Preis mit Steuer"), shown(language, article.price.to_string())),
                        ("vat", say("Tax in per cent", "Steuer in Prozent"), shown(language, percent(article.vat))),
                        ("category", say("Category", "Gruppe"), article.category.clone()),
                    ] {
                        div class="field" {
                            label for={ "f-" (name) "-" (article.sku) } { (label) }
                            input id={ "f-" (name) "-" (article.sku) } name=(name) value=(value) required[name != "category"] autocomplete="off";
                        }
                    }
                    label class="check" { input type="checkbox" name="gone" value="yes" checked[article.gone]; span { (say("No longer sold", "Nicht mehr verkauft")) } }
                    button class="main" { (say("Save", "Speichern")) }
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
                    p class="hint" id="f-table-hint" { (say("The first line names the columns: sku, name, category, price, vat, and deposit if you like. Articles that are not in it stay as they are.",
                        "Die erste Zeile nennt die Spalten: sku, name, category, price, vat, und deposit, wenn gewünscht. Artikel, die nicht darin stehen, bleiben, wie sie sind.")) }
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
    let articles = match catalogue::read(&lines) {
        Ok(articles) => articles,
        Err(error) => {
            let above = html! {
                div class="notice bad" role="alert" id="problem" {
                    p { strong { (visitor.say("The table has mistakes; nothing was taken", "Die Tabelle hat Fehler; nichts wurde übernommen")) } }
                    ul { @for mistake in error.0.iter() { li { (visitor.say("Line", "Zeile")) " " (mistake.line) ": " span lang="en" { (mistake.what) } } } }
                }
            };
            return show(&visitor, StatusCode::UNPROCESSABLE_ENTITY, Some(&values), above).await;
        }
    };
    let known = visitor.server.catalogue_list(visitor.tenant()).await?;
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
                    li { (new.name) ": " (language.spoken().money(&old.price.to_string())) " → " (language.spoken().money(&new.price.to_string()))
                        @if old.category != new.category { " · " (old.category) " → " (new.category) } }
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

pub(crate) async fn article(Sent(visitor, values): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Manage)?;
    match changed(&visitor, &values).await {
        Ok(()) => Ok(on("/dashboard/catalogue", "saved")),
        Err(error) if error.problem().status < 500 => {
            let mut visitor = visitor;
            visitor.path = "/dashboard/catalogue".to_owned();
            let above = shell::problem(&error, visitor.language);
            show(&visitor, StatusCode::UNPROCESSABLE_ENTITY, None, above).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn changed(visitor: &Visitor, values: &Values) -> Result<()> {
    let wrong = |detail: &str| Error::refused("article", 422, "The article was not changed", detail);
    let dot = |name: &str| values.get(name).replace(',', ".");
    let mut articles = visitor.server.catalogue_list(visitor.tenant()).await?;
    let found = articles.iter_mut().find(|article| article.sku.as_str() == values.get("sku"));
    let article = found.ok_or_else(|| Error::not_found("such article"))?;
    article.price = Money::parse(&dot("price")).map_err(|_| wrong("The price is an amount like 3.60."))?;
    article.vat = Rate::parse_percent(&dot("vat")).map_err(|_| wrong("The tax is a percentage like 19."))?;
    if values.get("name").is_empty() {
        return Err(wrong("The name is empty."));
    }
    article.name = values.get("name").chars().take(120).collect();
    article.category = values.get("category").chars().take(120).collect();
    article.gone = !values.get("gone").is_empty();
    // The whole list, so that each keeps its place.
    visitor.server.articles_put(visitor.tenant(), articles).await?;
    Ok(())
}

pub(crate) async fn download(visitor: Visitor) -> Result<Response, Trouble> {
    visitor.principal().may(Scope::Manage)?;
    let mut text = csv::line(["sku", "name", "category", "price", "vat", "deposit"]);
    for article in visitor.server.catalogue_list(visitor.tenant()).await? {
        if !article.gone {
            let deposit = if article.deposit { "yes" } else { "" };
            text += &csv::line([
                article.sku.as_str(),
                &article.name,
                &article.category,
                &article.price.to_string(),
                &percent(article.vat),
                deposit,
            ]);
        }
    }
    Ok(file("catalogue.csv", text))
}

/// A table as a file to keep.
pub(super) fn file(name: &str, text: String) -> Response {
    let kind = (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned());
    ([kind, (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))], text).into_response()
}
