//! “What is this article?”: one article with its price, its tax by day and place, its variants, what can be added to it,
//! and its photo.

use axum::extract::Query;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use stempel_domain::{Money, Rate, Sku};
use stempel_wire::article::{Article, Modifier, Photo, RateFrom, Variant};
use stempel_wire::catalogue::{FIELD_CHARS_MAX, Wrong, modifier_fits};
use stempel_wire::gtin::Gtin;

use super::catalogue::decimal;
use super::shell::{self, Field, Tab, frame, token};
use super::visitor::{Sent, SentFile, Values, Visitor, on};
use super::{Page, Trouble, mistakes};
use crate::api::access::Scope;
use crate::error::{Error, Result};
use crate::picture;
use crate::web;

/// Where the page is.
pub(super) const HERE: &str = "/dashboard/catalogue/article";
/// Empty lines to type further rates and modifiers into.
const FREE_LINES: usize = 2;

/// An article's number as it stands in an address.
fn encoded(sku: &Sku) -> String {
    form_urlencoded::byte_serialize(sku.as_str().as_bytes()).collect()
}

/// The address of one article's page.
pub(super) fn address(sku: &Sku) -> String {
    format!("{HERE}?sku={}", encoded(sku))
}

/// The address of an article's photo, which is another one for each picture.
pub(super) fn photo_address(sku: &Sku, photo: &Photo) -> String {
    let mark = blake3::hash(photo.base64().as_bytes()).to_hex();
    format!("/dashboard/catalogue/photo?sku={}&v={}", encoded(sku), &mark.as_str()[..16])
}

/// What the page is about.
struct Editing {
    /// The article as it is; none: it is new.
    known: Option<Article>,
    /// What stands in the form.
    typed: Values,
    above: Markup,
}

/// What tells one state of an article from another.
fn mark(article: &Article) -> String {
    let text = serde_json::to_vec(article).unwrap_or_default();
    blake3::hash(&text).to_hex().as_str()[..16].to_owned()
}

pub(crate) async fn page(visitor: Visitor) -> Page {
    visitor.principal().may(Scope::Manage)?;
    let asked = |name: &str| visitor.query.given(name).and_then(|sku| sku.parse::<Sku>().ok());
    let (known, mut typed) = match (asked("sku"), asked("like")) {
        (Some(sku), _) => {
            let article = visitor.server.article(visitor.tenant(), &sku).await?;
            let article = article.ok_or_else(|| Error::not_found("such article"))?;
            let typed = values_of(&visitor, &article);
            (Some(article), typed)
        }
        (None, Some(base)) => {
            let base = visitor.server.article(visitor.tenant(), &base).await?;
            let mut variant = base.ok_or_else(|| Error::not_found("such article"))?;
            variant.variant = Some(Variant { of: variant.sku.clone(), name: String::new() });
            let mut typed = values_of(&visitor, &variant);
            typed.0.retain(|(name, _)| !matches!(&name[..], "sku" | "base" | "code"));
            (None, typed)
        }
        (None, None) => (None, Values::default()),
    };
    if let Some(draft) = &visitor.draft {
        typed = draft.clone();
    }
    show(&visitor, StatusCode::OK, Editing { known, typed, above: html! {} }).await
}

/// An article as the form shows it.
fn values_of(visitor: &Visitor, article: &Article) -> Values {
    let language = visitor.language;
    let rate = |rate: Rate| decimal(language, rate.to_string());
    let maybe = |value: Option<Rate>| value.map(rate).unwrap_or_default();
    let money = |money: Money| decimal(language, money.to_string());
    let yes = |yes: bool| if yes { "yes".to_owned() } else { String::new() };
    let variant = article.variant.as_ref();
    let mut values = vec![
        ("base".to_owned(), mark(article)),
        ("sku".to_owned(), article.sku.to_string()),
        ("name".to_owned(), article.name.clone()),
        ("category".to_owned(), article.category.clone()),
        ("price".to_owned(), money(article.price)),
        ("vat".to_owned(), rate(article.vat)),
        ("vat_away".to_owned(), maybe(article.vat_away)),
        ("deposit".to_owned(), yes(article.deposit)),
        ("gone".to_owned(), yes(article.gone)),
        ("code".to_owned(), article.code.as_ref().map(Gtin::to_string).unwrap_or_default()),
        ("variant_of".to_owned(), variant.map(|variant| variant.of.to_string()).unwrap_or_default()),
        ("variant".to_owned(), variant.map(|variant| variant.name.clone()).unwrap_or_default()),
    ];
    for (line, from) in article.rates.iter().enumerate() {
        values.push((format!("r{line}.from"), from.from.to_string()));
        values.push((format!("r{line}.vat"), rate(from.vat)));
        values.push((format!("r{line}.away"), maybe(from.vat_away)));
    }
    for (line, modifier) in article.modifiers.iter().enumerate() {
        values.push((format!("m{line}.code"), modifier.code.to_string()));
        values.push((format!("m{line}.name"), modifier.name.clone()));
        values.push((format!("m{line}.price"), money(modifier.price)));
        values.push((format!("m{line}.vat"), maybe(modifier.vat)));
        values.push((format!("m{line}.away"), maybe(modifier.vat_away)));
    }
    Values(values)
}

/// Why an article was not saved.
#[derive(Debug)]
enum NotSaved {
    /// What was typed.
    Wrong(Wrong),
    /// Anything else.
    Refused(Error),
}

impl From<Wrong> for NotSaved {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl From<Error> for NotSaved {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// The article that a form describes. Its photo is that of the known one.
fn article_of(values: &Values, known: Option<&Article>) -> Result<Article, Wrong> {
    let dotted = |name: &str| values.get(name).replace(',', ".");
    let rate =
        |name: &str| Rate::parse_percent(dotted(name).trim_end_matches([' ', '%'])).map_err(Wrong::from);
    let maybe = |name: &str| if values.get(name).is_empty() { Ok(None) } else { rate(name).map(Some) };
    let money = |name: &str| match Money::parse(&dotted(name))? {
        money if money < Money::ZERO => Err(Wrong::PriceBelowZero),
        money => Ok(money),
    };
    let text = |name: &str, shown: &'static str| {
        let text = values.get(name);
        if text.chars().count() > FIELD_CHARS_MAX || text.chars().any(char::is_control) {
            return Err(Wrong::Text(shown));
        }
        Ok(text.to_owned())
    };
    let sku = |name: &str| values.get(name).parse::<Sku>().map_err(Wrong::from);
    let name = text("name", "name")?;
    if name.is_empty() {
        return Err(Wrong::NoName);
    }
    let number = match known {
        Some(known) => known.sku.clone(),
        None => sku("sku")?,
    };
    let mut article = Article::new(number, name, money("price")?, rate("vat")?);
    article.category = text("category", "category")?;
    article.vat_away = maybe("vat_away")?;
    article.code = match values.get("code") {
        "" => None,
        code => Some(code.parse::<Gtin>()?),
    };
    article.deposit = !values.get("deposit").is_empty();
    article.gone = !values.get("gone").is_empty();
    if !values.get("variant_of").is_empty() {
        let variant = Variant { of: sku("variant_of")?, name: text("variant", "variant")? };
        if variant.of == article.sku {
            return Err(Wrong::OwnVariant);
        }
        article.variant = Some(variant);
    }
    for line in 0..Article::RATES_MAX {
        let field = |part: &str| format!("r{line}.{part}");
        let from = values.get(&field("from")).to_owned();
        if from.is_empty() {
            continue;
        }
        let from = from.parse().map_err(|_| Wrong::NotADay(from))?;
        article.rates.push(RateFrom { from, vat: rate(&field("vat"))?, vat_away: maybe(&field("away"))? });
    }
    article.rates.sort_by_key(|rate| rate.from);
    if article.rates.windows(2).any(|pair| pair[0].from == pair[1].from) {
        return Err(Wrong::Days);
    }
    for line in 0..Article::MODIFIERS_MAX {
        let field = |part: &str| format!("m{line}.{part}");
        if values.get(&field("code")).is_empty() && values.get(&field("name")).is_empty() {
            continue;
        }
        let modifier = Modifier {
            code: sku(&field("code"))?,
            name: text(&field("name"), "modifiers")?,
            price: money(&field("price"))?,
            vat: maybe(&field("vat"))?,
            vat_away: maybe(&field("away"))?,
        };
        modifier_fits(&modifier, &article.modifiers)?;
        article.modifiers.push(modifier);
    }
    article.photo = known.and_then(|known| known.photo.clone());
    Ok(article)
}

pub(crate) async fn sent(Sent(visitor, values): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Manage)?;
    let known = match (values.given("base"), values.get("sku").parse::<Sku>()) {
        (Some(_), Ok(sku)) => visitor.server.article(visitor.tenant(), &sku).await?,
        _ => None,
    };
    let not_saved = match saved(&visitor, &values, known.as_ref()).await {
        Ok(sku) => return Ok(on(&address(&sku), "saved")),
        Err(NotSaved::Refused(error)) if error.problem().status >= 500 => return Err(error.into()),
        Err(not_saved) => not_saved,
    };
    let (mut typed, language) = (values, visitor.language);
    let (status, above) = match (&not_saved, &known) {
        (NotSaved::Wrong(wrong), _) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            html! {
                div class="notice bad" role="alert" id="problem" {
                    p { strong { (visitor.say("The article was not changed", "Der Artikel wurde nicht geändert")) } }
                    p { (mistakes::said(language, wrong)) }
                }
            },
        ),
        (NotSaved::Refused(error), Some(now)) if error.problem().status == 409 => {
            typed.0.retain(|(name, _)| name != "base");
            typed.0.push(("base".to_owned(), mark(now)));
            let rows = stempel_wire::catalogue::row(now);
            let above = html! { (shell::problem(error, language)) ul { @for (column, now) in stempel_wire::catalogue::COLUMNS.iter().zip(rows) {
                @if !now.is_empty() { li { (super::catalogue::column(&visitor, column)) ": " (now) } }
            } } };
            (StatusCode::CONFLICT, above)
        }
        (NotSaved::Refused(error), _) => (StatusCode::UNPROCESSABLE_ENTITY, shell::problem(error, language)),
    };
    show(&visitor, status, Editing { known, typed, above }).await
}

async fn saved(visitor: &Visitor, values: &Values, known: Option<&Article>) -> Result<Sku, NotSaved> {
    let changed = Error::refused(
        "article-changed",
        409,
        "Somebody else has changed this article",
        "Above is what it is now; what you typed stands below. Save once more if yours is to hold.",
    );
    if known.is_some_and(|known| mark(known) != values.get("base")) {
        return Err(changed.into());
    }
    let article = article_of(values, known)?;
    if known.is_none() && visitor.server.article(visitor.tenant(), &article.sku).await?.is_some() {
        let detail = "There is an article with this number already. Choose another number.";
        return Err(Error::refused("article-there", 422, "This number is taken", detail).into());
    }
    if let Some(variant) = &article.variant
        && visitor.server.article(visitor.tenant(), &variant.of).await?.is_none()
    {
        return Err(Wrong::NoSuchArticle(variant.of.clone()).into());
    }
    if let Some(package) = article.package().filter(|_| !article.gone) {
        let mut others = visitor.server.catalogue_list(visitor.tenant()).await?;
        others.retain(|other| other.sku != article.sku && !other.gone);
        if let Some(other) = others.iter().find(|other| other.package().as_ref() == Some(&package)) {
            return Err(Wrong::CodeTaken { code: package, sku: other.sku.clone() }.into());
        }
    }
    let sku = article.sku.clone();
    visitor.server.article_put(visitor.tenant(), known, article).await?;
    Ok(sku)
}

async fn show(visitor: &Visitor, status: StatusCode, editing: Editing) -> Page {
    let say = |english, german| visitor.say(english, german);
    let Editing { known, typed, above } = editing;
    let manages = visitor.may_everywhere(Scope::Manage);
    let title = match &known {
        Some(article) => article.name.clone(),
        None if !typed.get("variant_of").is_empty() => say("A new variant", "Eine neue Variante").to_owned(),
        None => say("A new article", "Ein neuer Artikel").to_owned(),
    };
    let variants = match &known {
        Some(article) => variants(visitor, article).await?,
        None => html! {},
    };
    let body = html! {
        (above)
        p { a class="line" href="/dashboard/catalogue" { (say("All articles", "Alle Artikel")) } }
        div class="columns" {
            form method="post" action=(HERE) class="editor" {
                (token(visitor))
                @if let Some(article) = &known {
                    input type="hidden" name="sku" value=(article.sku);
                    input type="hidden" name="base" value=(typed.get("base"));
                }
                (fields(visitor, &typed, known.is_none()))
                (rates(visitor, &typed))
                (modifiers(visitor, &typed))
                @if manages { p class="actions" { button class="main" { (say("Save", "Speichern")) } } }
            }
            div {
                @if let Some(article) = &known {
                    (photo_card(visitor, article, manages))
                    (variants)
                }
            }
        }
    };
    Ok(web::page(status, frame(visitor, Tab::Catalogue, &title, body)))
}

fn fields(visitor: &Visitor, typed: &Values, is_new: bool) -> Markup {
    let say = |english, german| visitor.say(english, german);
    let field = |name: &'static str, label, hint, required| {
        Field { name, label, hint, value: typed.get(name), required, ..Field::default() }.draw()
    };
    html! {
        fieldset {
            legend { (say("The article", "Der Artikel")) }
            @if is_new {
                (field("sku", say("Number", "Nummer"), say("Short and without spaces. It stays.", "Kurz und ohne Leerzeichen. Sie bleibt."), true))
            }
            (field("name", say("Name", "Name"), "", true))
            (field("category", say("Category", "Gruppe"), "", false))
            (field("price", say("Price, tax inside", "Preis mit Steuer"), "", true))
            (field("vat", say("Tax in the house, per cent", "Steuer im Haus, Prozent"), "", true))
            (field("code", say("Code on the package", "Code auf der Packung"), say("The number under the bars (EAN): the till finds it by that.", "Die Zahl unter den Strichen (EAN): Daran erkennt ihn die Kasse."), false))
            (field("vat_away", say("Tax taken away, per cent", "Steuer außer Haus, Prozent"), say("Empty: the same.", "Leer: dieselbe."), false))
            label class="check" { input type="checkbox" name="deposit" value="yes" checked[!typed.get("deposit").is_empty()]; span { (say("A deposit", "Pfand")) } }
            label class="check" { input type="checkbox" name="gone" value="yes" checked[!typed.get("gone").is_empty()]; span { (say("No longer sold", "Nicht mehr verkauft")) } }
        }
        fieldset {
            legend { (say("Variant", "Variante")) }
            p class="hint" { (say("A size or kind of another article, with a price of its own.", "Eine Größe oder Art eines anderen Artikels, mit eigenem Preis.")) }
            (field("variant_of", say("Of which article (number)", "Von welchem Artikel (Nummer)"), "", false))
            (field("variant", say("Which one", "Welche"), say("Like: large.", "Wie: groß."), false))
        }
    }
}

/// The lines of a table that were typed, and some free ones.
fn lines(typed: &Values, letter: char, first: &str, most: usize) -> usize {
    let used = (0..most).rev().find(|line| !typed.get(&format!("{letter}{line}.{first}")).is_empty());
    (used.map_or(0, |line| line + 1) + FREE_LINES).min(most)
}

fn cell(typed: &Values, name: &str, kind: &str, label: &str, line: usize) -> Markup {
    html! {
        input name=(name) type=(kind) value=(typed.get(name)) autocomplete="off" aria-label={ (label) ", " (line + 1) };
    }
}

fn grid(
    title: &str,
    hint: &str,
    heads: &[(&str, &str, &str)],
    letter: char,
    count: usize,
    typed: &Values,
) -> Markup {
    html! {
        fieldset class="table" {
            legend { (title) }
            p class="hint" { (hint) }
            div class="wide" tabindex="0" role="region" aria-label=(title) {
                table class="cells" {
                    thead { tr { @for (_, label, _) in heads { th scope="col" { (label) } } } }
                    tbody { @for line in 0..count { tr {
                        @for (part, label, kind) in heads { td data-label=(label) { (cell(typed, &format!("{letter}{line}.{part}"), kind, label, line)) } }
                    } } }
                }
            }
        }
    }
}

fn rates(visitor: &Visitor, typed: &Values) -> Markup {
    let say = |english, german| visitor.say(english, german);
    let heads = [
        ("from", say("From day", "Ab Tag"), "date"),
        ("vat", say("House %", "Haus %"), "text"),
        ("away", say("Away %", "Außer Haus %"), "text"),
    ];
    let count = lines(typed, 'r', "from", Article::RATES_MAX);
    let hint = say(
        "When the law changes: the rates from that business day on. Devices know them before, and change by themselves.",
        "Wenn sich das Gesetz ändert: die Sätze ab diesem Geschäftstag. Geräte kennen sie vorher und stellen von selbst um.",
    );
    grid(say("Other rates from a day on", "Andere Sätze ab einem Tag"), hint, &heads, 'r', count, typed)
}

fn modifiers(visitor: &Visitor, typed: &Values) -> Markup {
    let say = |english, german| visitor.say(english, german);
    let heads = [
        ("code", say("Code", "Kürzel"), "text"),
        ("name", say("Name", "Name"), "text"),
        ("price", say("On top", "Aufpreis"), "text"),
        ("vat", say("House %", "Haus %"), "text"),
        ("away", say("Away %", "Außer Haus %"), "text"),
    ];
    let count = lines(typed, 'm', "code", Article::MODIFIERS_MAX);
    let hint = say(
        "Oat milk, an extra shot: rates only where the whole is taxed otherwise with it. A sale names them after the article, \
         as latte+oat; the till's screen does not offer them yet.",
        "Hafermilch, ein Extra-Shot: Sätze nur, wenn das Ganze damit anders besteuert wird. Ein Verkauf nennt sie nach dem \
         Artikel, wie latte+hafer; der Bildschirm der Kasse bietet sie noch nicht an.",
    );
    grid(say("What can be added", "Was dazukommen kann"), hint, &heads, 'm', count, typed)
}

async fn variants(visitor: &Visitor, article: &Article) -> Result<Markup> {
    let say = |english, german| visitor.say(english, german);
    if article.variant.is_some() {
        return Ok(html! {});
    }
    let mut all = visitor.server.catalogue_list(visitor.tenant()).await?;
    all.retain(|other| other.variant.as_ref().is_some_and(|variant| variant.of == article.sku));
    Ok(html! {
        section class="card" {
            h2 { (say("Variants", "Varianten")) }
            @if all.is_empty() { p class="faded" { (say("Sizes or kinds with a price of their own.", "Größen oder Arten mit eigenem Preis.")) } }
            ul class="list" { @for variant in &all {
                li {
                    a class="line" href=(address(&variant.sku)) {
                        (variant.variant.as_ref().map_or(&variant.name, |known| &known.name)) " · "
                        (visitor.language.spoken().money(&variant.price.to_string()))
                    }
                    @if variant.gone { " " span class="state warn" { (say("no longer sold", "nicht mehr verkauft")) } }
                }
            } }
            @if visitor.may_everywhere(Scope::Manage) {
                p { a class="button" href={ (HERE) "?like=" (encoded(&article.sku)) } { (say("Add a variant", "Variante anlegen")) } }
            }
        }
    })
}

fn photo_card(visitor: &Visitor, article: &Article, manages: bool) -> Markup {
    let say = |english, german| visitor.say(english, german);
    html! {
        section class="card" id="photo" {
            h2 { (say("Photo", "Foto")) }
            @if let Some(photo) = &article.photo {
                img class="photo" src=(photo_address(&article.sku, photo)) width="240" height="240" alt=(article.name);
            }
            @if manages {
                form method="post" action="/dashboard/catalogue/photo" enctype="multipart/form-data" {
                    (token(visitor))
                    input type="hidden" name="sku" value=(article.sku);
                    div class="field" {
                        label for="f-photo" { (say("A picture from this device", "Ein Bild von diesem Gerät")) }
                        p class="hint" id="f-photo-hint" { (say("JPEG or PNG. Its middle is kept, small; where and when it was taken is not.",
                            "JPEG oder PNG. Behalten wird die Mitte, klein; wo und wann es aufgenommen wurde, nicht.")) }
                        input id="f-photo" type="file" name="file" accept="image/jpeg,image/png" aria-describedby="f-photo-hint";
                    }
                    div class="actions" {
                        button { (say("Take this photo", "Foto übernehmen")) }
                        @if article.photo.is_some() { button class="quiet" name="do" value="none" { (say("Without a photo", "Ohne Foto")) } }
                    }
                }
            }
        }
    }
}

pub(crate) async fn photo_sent(SentFile(visitor, values, file): SentFile) -> Page {
    visitor.principal().may_everywhere(Scope::Manage)?;
    let sku: Sku = values.get("sku").parse().map_err(|_| Error::not_found("such article"))?;
    let known = visitor.server.article(visitor.tenant(), &sku).await?;
    let known = known.ok_or_else(|| Error::not_found("such article"))?;
    let photo = match values.get("do") {
        "none" => Ok(None),
        _ => picture::photo(file).await.map(Some),
    };
    let done = match photo {
        Ok(photo) => {
            let article = Article { photo, ..known.clone() };
            visitor.server.article_put(visitor.tenant(), Some(&known), article).await
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(on(&format!("{}#photo", address(&sku)), "saved")),
        Err(error) if error.problem().status < 500 => {
            let mut visitor = visitor;
            visitor.path = HERE.to_owned();
            let above = shell::problem(&error, visitor.language);
            let typed = values_of(&visitor, &known);
            let editing = Editing { known: Some(known), typed, above };
            show(&visitor, StatusCode::UNPROCESSABLE_ENTITY, editing).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Which photo is asked for.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    sku: String,
}

/// An article's photo. Its address is another one when it changes, so a browser may keep it.
pub(crate) async fn photo(visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response, Trouble> {
    visitor.principal().may(Scope::Manage)?;
    let sku: Sku = asked.sku.parse().map_err(|_| Error::not_found("such article"))?;
    let article = visitor.server.article(visitor.tenant(), &sku).await?;
    let jpeg =
        article.and_then(|article| article.photo?.jpeg()).ok_or_else(|| Error::not_found("such photo"))?;
    let headers = [(CONTENT_TYPE, "image/jpeg"), (CACHE_CONTROL, "private, max-age=31536000, immutable")];
    Ok((headers, jpeg).into_response())
}
