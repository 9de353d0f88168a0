//! “Which cards are printed?”: piles of cards for the counter, as sheets to print on both sides.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use stempel_domain::ShopId;
use stempel_wire::message::Shop;

use super::shell::{self, Field, Tab, choice, frame, token};
use super::visitor::{Sent, Values, Visitor, on};
use super::{Page, Trouble};
use crate::api::access::Scope;
use crate::card::batches::{BATCH_MAX, Batch};
use crate::card::paper::Tongue;
use crate::error::{Error, Result};
use crate::web;

const HERE: &str = "/dashboard/cards";
/// How many are offered: ten sheets of ten.
const OFFERED: &str = "100";

pub(crate) async fn page(visitor: Visitor) -> Page {
    show(&visitor, StatusCode::OK, None, None).await
}

/// Whether somebody may handle the cards of a shop; none: of all.
fn check_at(visitor: &Visitor, shop: Option<ShopId>) -> Result<()> {
    match shop {
        Some(shop) => visitor.principal().may_at(Scope::Manage, shop),
        None => visitor.principal().may_everywhere(Scope::Manage),
    }
}

async fn show(visitor: &Visitor, status: StatusCode, sent: Option<&Values>, error: Option<&Error>) -> Page {
    visitor.principal().may(Scope::Manage)?;
    let shops = visitor.shops(Scope::Manage).await?;
    let mut batches = visitor.server.batches(visitor.tenant()).await?;
    batches.retain(|batch| check_at(visitor, batch.shop).is_ok());
    let zone = visitor.zone().await?;
    let say = |english, german| visitor.say(english, german);
    let empty = Values::default();
    let typed = sent.or(visitor.draft.as_ref()).unwrap_or(&empty);
    let mut places: Vec<(String, String)> =
        shops.iter().map(|shop| (shop.id.to_string(), shop.name.clone())).collect();
    if visitor.may_everywhere(Scope::Manage) {
        places.insert(0, (String::new(), say("the programme's own", "der des Programms").to_owned()));
    }
    let body = html! {
        p class="lead" { (say("Printed cards lie in a pile at the counter. Each is nobody's until its first stamp, also where there is no network.",
            "Gedruckte Karten liegen als Stapel an der Theke. Jede gehört niemandem bis zum ersten Stempel, auch ohne Netz.")) }
        section {
            @if batches.is_empty() {
                (shell::empty(say("No cards printed yet", "Noch keine Karten gedruckt"),
                    say("Ten fit on a sheet. Print it on both sides, turned at the long edge, and cut it along the marks.", "Auf ein Blatt passen zehn. Beidseitig drucken, über die lange Kante gewendet, und an den Marken schneiden."), None))
            } @else {
                ul class="list" { @for batch in &batches { li { (pile(visitor, batch, &shops, &zone)) } } }
            }
        }
        section class="card narrow" {
            h2 { (say("Make cards", "Karten machen")) }
            @if let Some(error) = error { (shell::problem(error, visitor.language)) }
            form method="post" action=(HERE) {
                (token(visitor))
                (Field { name: "count", label: say("How many", "Wie viele"), kind: "number", value: typed.given("count").unwrap_or(OFFERED), required: true,
                    hint: say("1 to 1,000; ten fit on a sheet.", "1 bis 1.000; auf ein Blatt passen zehn."), ..Field::default() }.draw())
                (choice("shop", say("Which name is on them", "Welcher Name darauf steht"), &places, typed.get("shop")))
                button class="main" { (say("Make them", "Machen")) }
            }
        }
    };
    let title = say("Which cards are printed?", "Welche Karten sind gedruckt?");
    Ok(web::page(status, frame(visitor, Tab::Members, title, body)))
}

fn pile(visitor: &Visitor, batch: &Batch, shops: &[Shop], zone: &str) -> Markup {
    let say = |english, german| visitor.say(english, german);
    let name = shops.iter().find(|shop| Some(shop.id) == batch.shop).map(|shop| &shop.name[..]);
    html! {
        h2 class="inline" { (batch.cards) " " (say("cards", "Karten")) } " "
        span class="state good" { (batch.live) " " (say("live", "in Gebrauch")) }
        @if batch.withdrawn { " " span class="state warn" { (say("rest withdrawn", "Rest zurückgezogen")) } }
        p class="faded" {
            (visitor.language.instant(batch.created_ms, zone)) " · "
            (name.unwrap_or(say("the programme's name", "Name des Programms"))) " · "
            (batch.blank) " " (say("not used yet", "noch unbenutzt"))
        }
        @if batch.blank > 0 {
            form method="post" action={ (HERE) "/" (batch.id) "/sheets.pdf" } class="actions" {
                (token(visitor))
                button name="language" value="de" { (say("Sheets in German (PDF)", "Bogen auf Deutsch (PDF)")) }
                button name="language" value="en" { (say("Sheets in English (PDF)", "Bogen auf Englisch (PDF)")) }
            }
            details class="more" {
                summary { (say("The pile is lost", "Der Stapel ist weg")) }
                form method="post" action={ (HERE) "/" (batch.id) "/withdraw" } {
                    (token(visitor))
                    p { (say("Cards of it that somebody has stay good. The others are good for nothing from each device's next contact on.",
                        "Karten daraus, die schon jemand hat, bleiben gültig. Die anderen gelten ab dem nächsten Kontakt jedes Geräts nicht mehr.")) }
                    label class="check" { input type="checkbox" name="sure" value="yes"; span { (say("Yes, withdraw the rest", "Ja, den Rest zurückziehen")) } }
                    button { (say("Withdraw", "Zurückziehen")) }
                }
            }
        }
    }
}

pub(crate) async fn make(Sent(visitor, values): Sent) -> Page {
    let made = async {
        let shop = match values.get("shop") {
            "" => None,
            shop => Some(shop.parse().map_err(|_| Error::not_found("such shop"))?),
        };
        check_at(&visitor, shop)?;
        // What is no number is none that can be made.
        let count = values.get("count").parse::<usize>().unwrap_or(BATCH_MAX + 1);
        visitor.server.batch_make(visitor.tenant(), shop, count).await
    };
    match made.await {
        Ok(_) => Ok(on(HERE, "cards-made")),
        Err(error) if error.code() == "batch" => {
            show(&visitor, StatusCode::UNPROCESSABLE_ENTITY, Some(&values), Some(&error)).await
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn sheets(
    Path(batch): Path<String>,
    Sent(visitor, values): Sent,
) -> std::result::Result<Response, Trouble> {
    let (server, tenant) = (&visitor.server, visitor.tenant());
    let shop = server.batch_shop(tenant, &batch).await?;
    check_at(&visitor, shop)?;
    let tongue = if values.get("language") == "de" { Tongue::De } else { Tongue::En };
    let cards = server.batch_cards(tenant, &batch).await?;
    let pdf = server.sheets(tenant, shop, &cards, Some(&visitor.address()), tongue).await?;
    let head =
        [(CONTENT_TYPE, "application/pdf"), (CONTENT_DISPOSITION, "attachment; filename=\"cards.pdf\"")];
    Ok((head, pdf).into_response())
}

pub(crate) async fn withdraw(Path(batch): Path<String>, Sent(visitor, values): Sent) -> Page {
    check_at(&visitor, visitor.server.batch_shop(visitor.tenant(), &batch).await?)?;
    if values.get("sure").is_empty() {
        return Ok(on(HERE, "not-sure"));
    }
    visitor.server.batch_withdraw(visitor.tenant(), &batch).await?;
    Ok(on(HERE, "saved"))
}
