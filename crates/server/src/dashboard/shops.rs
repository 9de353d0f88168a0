//! “Where do we sell?”: the shops, their time and the end of their day.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use maud::{Markup, html};
use stempel_domain::ShopId;
use stempel_wire::message::Shop;

use super::shell::{self, Field, Tab, frame, token};
use super::visitor::{Sent, SentFile, Values, Visitor, on};
use super::{Page, Trouble};
use crate::api::access::Scope;
use crate::card::paper::{Tongue, not_printable};
use crate::error::{Error, Result};
use crate::silence::OpenDays;
use crate::web::{self, Language};

pub(crate) async fn page(visitor: Visitor) -> Page {
    show(&visitor, StatusCode::OK, None, None).await
}

async fn show(visitor: &Visitor, status: StatusCode, sent: Option<&Values>, error: Option<&Error>) -> Page {
    visitor.principal().may(Scope::Manage)?;
    let shops = visitor.shops(Scope::Manage).await?;
    let open = visitor.server.open_days(visitor.tenant()).await?;
    let logos = visitor.server.shops_with_logo(visitor.tenant()).await?;
    let empty = Values::default();
    // A form that changes a shop says which.
    let sent = sent.or(visitor.draft.as_ref());
    let adding = sent.is_none_or(|sent| sent.given("shop").is_none());
    let typed = sent.filter(|_| adding).unwrap_or(&empty);
    let say = |english, german| visitor.say(english, german);
    let zone = typed.given("zone").or(shops.first().map(|shop| &shop.zone[..])).unwrap_or("Europe/Berlin");
    let body = html! {
        @if let Some(error) = error { @if !adding { (shell::problem(error, visitor.language)) } }
        section {
            @if shops.is_empty() {
                (shell::empty(say("No shop yet", "Noch kein Laden"),
                    say("A shop is a place with counters. Devices and figures belong to one.", "Ein Laden ist ein Ort mit Theken. Geräte und Zahlen gehören zu einem."), None))
            } @else {
                ul class="list" {
                    @for shop in &shops {
                        li {
                            h2 class="inline" { (shop.name) }
                            p class="faded" {
                                (shop.zone) " · " (say("the day ends at ", "der Tag endet um ")) (clock(shop.day_ends_minutes))
                                @if let Some(merchant) = &shop.merchant { " · " (merchant) }
                            }
                            @let missing = not_printable(&shop.name);
                            @if !missing.is_empty() {
                                p class="notice warn" { (say("Paper cannot show these letters of the name: ", "Auf Papier fehlen diese Zeichen des Namens: ")) (missing)
                                    (say(". Give the shop a logo that holds its name.", ". Geben Sie dem Laden ein Logo, in dem der Name steht.")) }
                            }
                            (weekdays(visitor, shop, open.get(&shop.id).copied().unwrap_or_default()))
                            (change_form(visitor, shop, sent))
                            (on_paper(visitor, shop, logos.contains(&shop.id)))
                        }
                    }
                }
            }
        }
        @if visitor.may_everywhere(Scope::Manage) {
            section class="card narrow" {
                h2 { (say("Add a shop", "Laden anlegen")) }
                @if let Some(error) = error { @if adding { (shell::problem(error, visitor.language)) } }
                form method="post" action="/dashboard/shops" {
                    (token(visitor))
                    (Field { name: "name", label: say("What it is called", "Wie er heißt"), value: typed.get("name"), required: true, ..Field::default() }.draw())
                    (Field { name: "zone", label: say("Time zone", "Zeitzone"), value: zone, required: true, hint: say("Like Europe/Berlin.", "Wie Europe/Berlin."), ..Field::default() }.draw())
                    (Field { name: "ends", label: say("The business day ends at", "Der Geschäftstag endet um"), kind: "time", value: typed.given("ends").unwrap_or("00:00"),
                        hint: say("What is sold after midnight and before this time counts for the evening.", "Was nach Mitternacht und vor dieser Uhrzeit verkauft wird, zählt zum Abend."), ..Field::default() }.draw())
                    button class="main" { (say("Add", "Anlegen")) }
                }
            }
        }
    };
    let title = say("Where do you sell?", "Wo verkaufen Sie?");
    Ok(web::page(status, frame(visitor, Tab::Shops, title, body)))
}

/// The days on which a shop is open: devices may be silent on the others.
fn weekdays(visitor: &Visitor, shop: &Shop, open: OpenDays) -> Markup {
    let say = |english, german| visitor.say(english, german);
    html! {
        details class="more" {
            summary {
                (say("Open: ", "Geöffnet: "))
                @if open == OpenDays::default() { (say("every day", "jeden Tag")) }
                @else { (WEEKDAYS.iter().enumerate().filter(|(day, _)| open.weekday(*day)).map(|(_, [english, german])| say(english, german)).collect::<Vec<_>>().join(", ")) }
            }
            form method="post" action={ "/dashboard/shops/" (shop.id) "/open" } {
                (token(visitor))
                fieldset {
                    legend { (say("Open on", "Geöffnet am")) }
                    p class="hint" { (say("On other days a silent device needs no look.", "An anderen Tagen muss ein stilles Gerät nicht auffallen.")) }
                    @for (day, [english, german]) in WEEKDAYS.iter().enumerate() {
                        label class="check" {
                            input type="checkbox" name="day" value=(day) checked[open.weekday(day)];
                            span { (say(english, german)) }
                        }
                    }
                }
                button { (say("Save", "Speichern")) }
            }
        }
    }
}

/// What can be changed about a shop.
fn change_form(visitor: &Visitor, shop: &Shop, sent: Option<&Values>) -> Markup {
    let say = |english, german| visitor.say(english, german);
    let id = shop.id.to_string();
    let typed = sent.filter(|sent| sent.get("shop") == id);
    let value = |name: &str, known: &str| typed.map_or(known, |typed| typed.get(name)).to_owned();
    let ends = clock(shop.day_ends_minutes);
    html! {
        details class="more" open[typed.is_some()] {
            summary { (say("Name, time zone, end of the day", "Name, Zeitzone, Ende des Tages")) }
            form method="post" action={ "/dashboard/shops/" (id) } class="card narrow" {
                (token(visitor))
                input type="hidden" name="shop" value=(id);
                @for (name, label, kind, value) in [
                    ("name", say("What it is called", "Wie er heißt"), "text", value("name", &shop.name)),
                    ("zone", say("Time zone", "Zeitzone"), "text", value("zone", &shop.zone)),
                    ("ends", say("The business day ends at", "Der Geschäftstag endet um"), "time", value("ends", &ends)),
                ] {
                    div class="field" {
                        label for={ "f-" (name) "-" (id) } { (label) }
                        input id={ "f-" (name) "-" (id) } name=(name) type=(kind) value=(value) required autocomplete="off";
                    }
                }
                p class="hint" { (say("Devices follow at their next contact. A day that has begun there never goes back.",
                    "Geräte folgen beim nächsten Kontakt. Ein dort begonnener Tag geht nie zurück.")) }
                button { (say("Save", "Speichern")) }
            }
        }
    }
}

/// The logo, and what is printed.
fn on_paper(visitor: &Visitor, shop: &Shop, has_logo: bool) -> Markup {
    let say = |english, german| visitor.say(english, german);
    let id = shop.id.to_string();
    html! {
        details class="more" {
            summary { (say("Logo and poster", "Logo und Plakat")) }
            div class="card narrow" {
                @if has_logo { p { img class="logo" src={ "/dashboard/shops/" (id) "/logo" } alt=(say("The logo", "Das Logo")); } }
                form method="post" action={ "/dashboard/shops/" (id) "/logo" } enctype="multipart/form-data" {
                    (token(visitor))
                    div class="field" {
                        label for={ "f-logo-" (id) } { (say("A logo from this device", "Ein Logo von diesem Gerät")) }
                        p class="hint" id={ "f-logo-" (id) "-hint" } { (say("JPEG or PNG. It stands on cards, posters and tents, and on the page that a poster opens.",
                            "JPEG oder PNG. Es steht auf Karten, Plakaten und Aufstellern und auf der Seite, die ein Plakat öffnet.")) }
                        input id={ "f-logo-" (id) } type="file" name="file" accept="image/jpeg,image/png" aria-describedby={ "f-logo-" (id) "-hint" };
                    }
                    div class="actions" {
                        button { (say("Take this logo", "Logo übernehmen")) }
                        @if has_logo { button class="quiet" name="do" value="none" { (say("Without a logo", "Ohne Logo")) } }
                    }
                }
                p class="actions" {
                    a class="button" href={ "/dashboard/shops/" (id) "/poster.pdf" } download { (say("Poster (PDF)", "Plakat (PDF)")) }
                    a class="button" href={ "/dashboard/shops/" (id) "/poster.pdf?tent=yes" } download { (say("Table tent (PDF)", "Tischaufsteller (PDF)")) }
                }
            }
        }
    }
}

fn parsed(shop: &str) -> Result<ShopId> {
    shop.parse().map_err(|_| Error::not_found("such shop"))
}

pub(crate) async fn change(Path(shop): Path<String>, Sent(visitor, values): Sent) -> Page {
    let shop = parsed(&shop)?;
    visitor.principal().may_at(Scope::Manage, shop)?;
    let done = async {
        let (zone, ends) = zone_and_ends(&values)?;
        visitor.server.shop_change(visitor.tenant(), shop, values.get("name"), zone, ends).await
    };
    again(&visitor, &values, done.await.map(|_| ())).await
}

pub(crate) async fn logo_sent(Path(shop): Path<String>, SentFile(visitor, values, file): SentFile) -> Page {
    let shop = parsed(&shop)?;
    visitor.principal().may_at(Scope::Manage, shop)?;
    let done = match (values.get("do"), file.is_empty()) {
        ("none", _) => visitor.server.logo_set(visitor.tenant(), shop, Vec::new()).await,
        (_, true) => {
            Err(Error::refused("picture", 422, "No picture was chosen", "Choose a JPEG or PNG first."))
        }
        _ => visitor.server.logo_set(visitor.tenant(), shop, file).await,
    };
    let values = Values(vec![("shop".to_owned(), String::new())]);
    again(&visitor, &values, done).await
}

/// Goes back to the page, or shows it with what went wrong.
async fn again(visitor: &Visitor, values: &Values, done: Result<()>) -> Page {
    match done {
        Ok(()) => Ok(on("/dashboard/shops", "saved")),
        Err(error) if error.problem().status < 500 => {
            show(visitor, StatusCode::UNPROCESSABLE_ENTITY, Some(values), Some(&error)).await
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn logo(
    visitor: Visitor,
    Path(shop): Path<String>,
) -> std::result::Result<Response, Trouble> {
    let shop = parsed(&shop)?;
    visitor.principal().may_at(Scope::Manage, shop)?;
    let png = visitor.server.logo(visitor.tenant(), shop).await?;
    let png = png.ok_or_else(|| Error::not_found("such logo"))?;
    Ok(([(CONTENT_TYPE, "image/png")], png).into_response())
}

/// A shop's poster or tent, with the code to join there.
pub(crate) async fn poster(
    visitor: Visitor,
    Path(shop): Path<String>,
) -> std::result::Result<Response, Trouble> {
    let shop = parsed(&shop)?;
    visitor.principal().may_at(Scope::Manage, shop)?;
    let tongue = match visitor.language {
        Language::De => Tongue::De,
        Language::En => Tongue::En,
    };
    let tent = !visitor.query.get("tent").is_empty();
    let (pdf, _) =
        visitor.server.poster(visitor.tenant(), Some(shop), &visitor.address(), tent, tongue).await?;
    let name = if tent { "attachment; filename=\"tent.pdf\"" } else { "attachment; filename=\"poster.pdf\"" };
    Ok(([(CONTENT_TYPE, "application/pdf"), (CONTENT_DISPOSITION, name)], pdf).into_response())
}

const WEEKDAYS: [[&str; 2]; 7] =
    [["Mon", "Mo"], ["Tue", "Di"], ["Wed", "Mi"], ["Thu", "Do"], ["Fri", "Fr"], ["Sat", "Sa"], ["Sun", "So"]];

pub(crate) async fn open(Path(shop): Path<String>, Sent(visitor, values): Sent) -> Page {
    let shop = parsed(&shop)?;
    visitor.principal().may_at(Scope::Manage, shop)?;
    let days = OpenDays::of(values.all("day").filter_map(|day| day.parse().ok()));
    visitor.server.open_days_set(visitor.tenant(), shop, days).await?;
    Ok(on("/dashboard/shops", "saved"))
}

fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.get(..2)?.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

pub(crate) async fn add(Sent(visitor, values): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Manage)?;
    let done = async {
        let (zone, ends) = zone_and_ends(&values)?;
        visitor.server.shop_add(visitor.tenant(), values.get("name"), zone, ends).await
    };
    again(&visitor, &values, done.await.map(|_| ())).await
}

/// The time zone and the end of the business day that were typed.
fn zone_and_ends(values: &Values) -> Result<(&str, u16)> {
    let wrong = |code, detail: &str| Error::refused(code, 422, "The shop was not saved", detail);
    let zone = values.get("zone");
    TimeZone::get(zone)
        .map_err(|_| wrong("zone", "This time zone is not known; write it like Europe/Berlin."))?;
    let ends = minutes(values.get("ends")).ok_or_else(|| wrong("time", "Write the time like 04:00."))?;
    Ok((zone, ends))
}
