//! “Who are my guests?”: searching, the newest, adding somebody.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use stempel_domain::MemberId;
use stempel_wire::seal::NAME_CHARS_MAX;

use super::shell::{self, Field, Tab, frame, token};
use super::visitor::{Sent, Values, Visitor, on};
use super::{Page, words};
use crate::admin::{MemberInfo, NewMember};
use crate::api::access::Scope;
use crate::db::values;
use crate::error::{Error, Result};
use crate::web;

/// How many members are shown that changed last.
const NEWEST: i64 = 30;

pub(crate) async fn page(visitor: Visitor) -> Page {
    visitor.principal().may(Scope::Read)?;
    let asked = visitor.query.get("find").to_owned();
    if !asked.is_empty() && looks_like_a_code(&asked) {
        match visitor.server.member_find(visitor.tenant(), &asked).await {
            Ok(found) => {
                return Ok(Redirect::to(&format!("/dashboard/members/{}", found.member)).into_response());
            }
            Err(error) if error.problem().status < 500 => {}
            Err(error) => return Err(error.into()),
        }
    }
    show(&visitor, StatusCode::OK, None, None).await
}

/// Whether somebody typed a card's number, its code, or a member's id rather than a name.
fn looks_like_a_code(text: &str) -> bool {
    text.chars().any(|c| c.is_ascii_digit()) && text.len() >= 8
}

async fn show(visitor: &Visitor, status: StatusCode, sent: Option<&Values>, error: Option<&Error>) -> Page {
    let asked = visitor.query.get("find").to_owned();
    let (members, cut, so_far) = if asked.is_empty() {
        visitor.http.names.warm(&visitor.server, visitor.tenant());
        (newest(visitor).await?, false, None)
    } else {
        let found = visitor.http.names.find(&visitor.server, visitor.tenant(), &asked).await?;
        let members = visitor.server.member_infos(visitor.tenant(), &found.members).await?;
        (members, found.cut, found.so_far)
    };
    let say = |english, german| visitor.say(english, german);
    let body = html! {
        form class="row" method="get" action="/dashboard/members" role="search" {
            (Field {
                name: "find", label: say("Name, number or code of a card", "Name, Nummer oder Code einer Karte"),
                kind: "search", value: &asked, ..Field::default()
            }.draw())
            button class="main" { (say("Find", "Finden")) }
        }
        @if cut {
            p class="notice warn" {
                (say("There are more names than are searched at once; find others by the number of their card.",
                    "Es gibt mehr Namen, als auf einmal durchsucht werden; andere finden Sie über die Nummer ihrer Karte."))
            }
        }
        section id="found" class="space" {
            @if let Some(so_far) = so_far { (still_reading(visitor, so_far)) }
            @if asked.is_empty() {
                h2 { (say("Changed last", "Zuletzt geändert")) }
            } @else {
                h2 { (say("Found for", "Gefunden zu")) " “" (asked) "”" }
            }
            @if members.is_empty() && asked.is_empty() {
                (shell::empty(
                    say("No members yet", "Noch keine Mitglieder"),
                    say("A card becomes a member with its first scan at a counter. You can also make one here.",
                        "Eine Karte wird mit dem ersten Scan an der Theke zum Mitglied. Sie können auch hier eines anlegen."),
                    None,
                ))
            } @else if members.is_empty() && so_far.is_some() {
                p { (say("Nobody among these.", "Unter diesen niemand.")) }
            } @else if members.is_empty() {
                p {
                    (say("Nobody. Spelling does not matter, but a first name is all that is known; the number stands on the card.",
                        "Niemand. Die Schreibweise ist egal, aber mehr als der Vorname ist nicht bekannt; die Nummer steht auf der Karte."))
                }
                p { a href="/dashboard/members" { (say("Show who changed last", "Zuletzt Geänderte zeigen")) } }
            } @else {
                (list(visitor, &members))
            }
        }
        @if visitor.may(Scope::Members) { (adding(visitor, sent, error)) }
        @if visitor.may(Scope::Manage) {
            p class="space" { a href="/dashboard/cards" { (say("Cards to print for the counter", "Karten für die Theke drucken")) } }
        }
        @if visitor.may_everywhere(Scope::Manage) {
            p class="space" { a href="/dashboard/import" { (say("Bring members and paper cards along from a table", "Mitglieder und Papierkarten aus einer Tabelle mitbringen")) } }
        }
    };
    let title = say("Who are your guests?", "Wer sind Ihre Gäste?");
    Ok(web::page(status, frame(visitor, Tab::Members, title, body)))
}

/// Says that not all names were searched. The script looks for this, and asks again.
fn still_reading(visitor: &Visitor, so_far: usize) -> Markup {
    let say = |english, german| visitor.say(english, german);
    let count = visitor.language.number(so_far as i64);
    html! {
        p class="notice warn" role="status" data-again {
            (say("The names are still being read. Searched so far: ",
                "Die Namen werden noch eingelesen. Bisher durchsucht: "))
            (count) ". "
            a href="" { (say("Search again", "Noch einmal suchen")) }
        }
    }
}

async fn newest(visitor: &Visitor) -> Result<Vec<MemberInfo>> {
    let mut tx = visitor.server.read_of(visitor.tenant()).await?;
    let rows = tx
        .rows(
            "SELECT member FROM member WHERE tenant = $1 ORDER BY position DESC LIMIT $2",
            values![visitor.tenant(), NEWEST],
        )
        .await?;
    let ids = rows.iter().map(|row| row.id(0)).collect::<Result<Vec<MemberId>>>()?;
    drop(tx);
    visitor.server.member_infos(visitor.tenant(), &ids).await
}

fn list(visitor: &Visitor, members: &[MemberInfo]) -> Markup {
    let say = |english, german| visitor.say(english, german);
    html! {
        div class="wide" tabindex="0" role="region" aria-label=(say("Members", "Mitglieder")) {
            table class="cards" {
                thead { tr {
                    th scope="col" { (say("Name", "Name")) }
                    th scope="col" { (say("Card", "Karte")) }
                    th scope="col" { (say("Holds", "Hat")) }
                } }
                tbody {
                    @for info in members {
                        tr {
                            th scope="row" {
                                a class="line" href={ "/dashboard/members/" (info.member) } {
                                    (name(visitor, info))
                                }
                            }
                            td data-label=(say("Card", "Karte")) { (info.numbers.first().map(String::as_str).unwrap_or("–")) }
                            td data-label=(say("Holds", "Hat")) { (words::balances(visitor.language, &info.balances)) }
                        }
                    }
                }
            }
        }
    }
}

/// A member's name, or what stands for it.
pub(super) fn name(visitor: &Visitor, info: &MemberInfo) -> String {
    info.name.clone().unwrap_or_else(|| visitor.say("without a name", "ohne Namen").to_owned())
}

fn adding(visitor: &Visitor, sent: Option<&Values>, error: Option<&Error>) -> Markup {
    let say = |english, german| visitor.say(english, german);
    let empty = Values::default();
    let typed = sent.or(visitor.draft.as_ref()).unwrap_or(&empty);
    let languages =
        [("de", "Deutsch"), ("en", "English")].map(|(code, name)| (code.to_owned(), name.to_owned()));
    html! {
        section id="add" class="card narrow" {
            h2 { (say("Add somebody", "Jemanden anlegen")) }
            @if let Some(error) = error { (shell::problem(error, visitor.language)) }
            form method="post" action="/dashboard/members" {
                (token(visitor))
                input type="hidden" name="key" value=(typed.given("key").map_or_else(|| fresh_key(visitor), str::to_owned));
                (Field {
                    name: "name", label: say("First name", "Vorname"), value: typed.get("name"),
                    hint: say("May stay empty: the card works without a name.", "Darf leer bleiben: Die Karte geht auch ohne Namen."),
                    ..Field::default()
                }.draw())
                (shell::choice("language", say("Language", "Sprache"), &languages, typed.given("language").unwrap_or(visitor.language.tag())))
                button class="main" { (say("Make a card", "Karte anlegen")) }
            }
        }
    }
}

/// A name for one write, so that a second press does nothing.
pub(super) fn fresh_key(visitor: &Visitor) -> String {
    data_encoding::HEXLOWER.encode(&visitor.server.random::<12>())
}

pub(crate) async fn add(Sent(visitor, values): Sent) -> Result<Response, super::Trouble> {
    visitor.principal().may(Scope::Members)?;
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let language = if values.get("language") == "de" { "de" } else { "en" };
    let new = NewMember { name: some(values.get("name")), language: Some(language.to_owned()) };
    let fits = |name: &String| name.chars().count() <= NAME_CHARS_MAX && !name.chars().any(char::is_control);
    if !new.name.as_ref().is_none_or(fits) {
        let detail = format!("A name has at most {NAME_CHARS_MAX} characters, in one line.");
        let error = Error::refused("name", 422, "This name does not go", detail);
        return show(&visitor, StatusCode::UNPROCESSABLE_ENTITY, Some(&values), Some(&error)).await;
    }
    let key = some(values.get("key")).map(|key| format!("dashboard-{key}"));
    match visitor.server.member_add(visitor.tenant(), &new, key.as_deref()).await {
        Ok(added) => Ok(on(&format!("/dashboard/members/{}", added.member), "member-added")),
        Err(error) if error.problem().status < 500 => {
            show(&visitor, StatusCode::UNPROCESSABLE_ENTITY, Some(&values), Some(&error)).await
        }
        Err(error) => Err(error.into()),
    }
}
