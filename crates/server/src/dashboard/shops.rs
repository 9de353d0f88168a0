//! “Where do we sell?”: the shops, their time and the end of their day.

use axum::extract::Path;
use axum::http::StatusCode;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use stempel_wire::message::Shop;

use super::Page;
use super::shell::{self, Field, Tab, frame, token};
use super::visitor::{Sent, Values, Visitor, on};
use crate::api::access::Scope;
use crate::error::{Error, Result};
use crate::silence::OpenDays;
use crate::web;

pub(crate) async fn page(visitor: Visitor) -> Page {
    show(&visitor, StatusCode::OK, None, None).await
}

async fn show(visitor: &Visitor, status: StatusCode, sent: Option<&Values>, error: Option<&Error>) -> Page {
    visitor.principal().may(Scope::Manage)?;
    let shops = visitor.shops(Scope::Manage).await?;
    let open = visitor.server.open_days(visitor.tenant()).await?;
    let empty = Values::default();
    let typed = sent.or(visitor.draft.as_ref()).unwrap_or(&empty);
    let say = |english, german| visitor.say(english, german);
    let zone = typed.given("zone").or(shops.first().map(|shop| &shop.zone[..])).unwrap_or("Europe/Berlin");
    let body = html! {
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
                            (weekdays(visitor, shop, open.get(&shop.id).copied().unwrap_or_default()))
                        }
                    }
                }
            }
        }
        @if visitor.may_everywhere(Scope::Manage) {
            section class="card narrow" {
                h2 { (say("Add a shop", "Laden anlegen")) }
                @if let Some(error) = error { (shell::problem(error, visitor.language)) }
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

const WEEKDAYS: [[&str; 2]; 7] =
    [["Mon", "Mo"], ["Tue", "Di"], ["Wed", "Mi"], ["Thu", "Do"], ["Fri", "Fr"], ["Sat", "Sa"], ["Sun", "So"]];

pub(crate) async fn open(Path(shop): Path<String>, Sent(visitor, values): Sent) -> Page {
    let shop = shop.parse().map_err(|_| Error::not_found("such shop"))?;
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
    match added(&visitor, &values).await {
        Ok(()) => Ok(on("/dashboard/shops", "saved")),
        Err(error) if error.problem().status < 500 => {
            show(&visitor, StatusCode::UNPROCESSABLE_ENTITY, Some(&values), Some(&error)).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn added(visitor: &Visitor, values: &Values) -> Result<()> {
    let wrong = |code, detail: &str| Error::refused(code, 422, "The shop was not added", detail);
    let zone = values.get("zone");
    TimeZone::get(zone)
        .map_err(|_| wrong("zone", "This time zone is not known; write it like Europe/Berlin."))?;
    let ends = minutes(values.get("ends")).ok_or_else(|| wrong("time", "Write the time like 04:00."))?;
    visitor.server.shop_add(visitor.tenant(), values.get("name"), zone, ends).await?;
    Ok(())
}
