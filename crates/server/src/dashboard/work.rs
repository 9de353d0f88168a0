//! “What waits for me?”: cases, journals that were stopped, rows that were not understood, changes that wait for a second
//! pair of eyes. Each with what it means and one press for each way out.

use axum::extract::Path;
use axum::http::StatusCode;
use maud::{Markup, html};
use serde_json::Value as Json;
use stempel_domain::AuthorId;

use super::Page;
use super::shell::{Tab, frame, token};
use super::visitor::{Sent, Visitor, on};
use crate::admin::{CaseInfo, RowInfo};
use crate::api::access::Scope;
use crate::error::Error;
use crate::web;

pub(crate) async fn page(visitor: Visitor) -> Page {
    visitor.principal().may(Scope::Manage)?;
    let everywhere = visitor.may_everywhere(Scope::Manage);
    let inbox = if everywhere { visitor.server.inbox(visitor.tenant()).await? } else { Default::default() };
    let changes = visitor.server.changes(visitor.principal()).await?;
    let changes = changes["changes"].as_array().cloned().unwrap_or_default();
    let say = |english, german| visitor.say(english, german);
    let nothing = changes.is_empty()
        && inbox.cases.is_empty()
        && [&inbox.quarantined, &inbox.dead, &inbox.held].into_iter().all(|list| list.is_empty());
    let body = html! {
        @if nothing {
            div class="empty" {
                h2 { (say("Nothing waits", "Nichts wartet")) }
                p { (say("Here stand things that only a person can decide: two devices that gave the same coffee while they could not know of each other, a device that was copied, a correction that needs a second person.",
                    "Hier steht, was nur ein Mensch entscheiden kann: zwei Geräte, die denselben Kaffee gaben, ohne voneinander zu wissen; ein kopiertes Gerät; eine Korrektur, die eine zweite Person braucht.")) }
            }
        }
        @if !changes.is_empty() {
            section {
                h2 { (say("Waiting for a second person", "Wartet auf eine zweite Person")) }
                ul class="list" { @for change in &changes { li { (pending(&visitor, change).await?) } } }
            }
        }
        @if !inbox.cases.is_empty() {
            section {
                h2 { (say("Cases", "Fälle")) }
                ul class="list" { @for case in &inbox.cases { li { (one_case(&visitor, case)) } } }
            }
        }
        @if everywhere { (super::odd::section(&visitor).await?) }
        @if !inbox.quarantined.is_empty() {
            section {
                h2 { (say("Stopped journals", "Angehaltene Geräte")) }
                p { (say("Two different entries claim the same number: the device was copied, or set back to an older state. What is here stands; nothing was overwritten. Set the device up again as a new one, then let this journal go on.",
                    "Zwei verschiedene Einträge tragen dieselbe Nummer: Das Gerät wurde kopiert oder auf einen älteren Stand gesetzt. Was hier ist, gilt; nichts wurde überschrieben. Richten Sie das Gerät neu ein, dann lassen Sie dieses weitergehen.")) }
                ul class="list" {
                    @for row in &inbox.quarantined {
                        li {
                            (row_line(&visitor, row))
                            form method="post" action={ "/dashboard/work/journal/" (row.author) } class="actions" {
                                (token(&visitor))
                                button { (say("Go on with what is here", "Mit dem weitermachen, was hier ist")) }
                            }
                        }
                    }
                }
            }
        }
        @if !inbox.held.is_empty() {
            section {
                h2 { (say("From devices that were signed out", "Von abgemeldeten Geräten")) }
                p { (say("These entries came after the device had been signed out. They are kept and do not count yet.",
                    "Diese Einträge kamen, nachdem das Gerät abgemeldet war. Sie sind aufgehoben und zählen noch nicht.")) }
                @for author in authors(&inbox.held) {
                    form method="post" action={ "/dashboard/work/held/" (author) } class="actions" {
                        (token(&visitor))
                        span { (author) ": " (inbox.held.iter().filter(|row| row.author == author).count()) }
                        button { (say("Let them count", "Zählen lassen")) }
                    }
                }
            }
        }
        @if !inbox.dead.is_empty() {
            section {
                h2 { (say("Not understood", "Nicht verstanden")) }
                p { (say("Usually a device is newer than this server. Update the server, then try again; nothing is lost meanwhile.",
                    "Meist ist ein Gerät neuer als dieser Server. Aktualisieren Sie den Server und versuchen Sie es noch einmal; solange geht nichts verloren.")) }
                form method="post" action="/dashboard/work/retry" class="actions" {
                    (token(&visitor))
                    button { (say("Try all again", "Alle noch einmal versuchen")) }
                }
                ul class="list" { @for row in &inbox.dead { li { (row_line(&visitor, row)) } } }
            }
        }
        @if visitor.may_everywhere(Scope::Own) { p { a class="line" href=(super::limits::PATH) { (say("From when on does something look odd?", "Ab wann fällt etwas auf?")) } } }
        @if inbox.more { p class="notice info" { (say("There is more than is shown; decide some of these first.", "Es gibt mehr, als hier steht; entscheiden Sie zuerst einiges hiervon.")) } }
    };
    let title = say("What waits for you?", "Was wartet auf Sie?");
    Ok(web::page(StatusCode::OK, frame(&visitor, Tab::Work, title, body)))
}

fn authors(rows: &[RowInfo]) -> Vec<AuthorId> {
    let mut authors: Vec<AuthorId> = rows.iter().map(|row| row.author).collect();
    authors.sort();
    authors.dedup();
    authors
}

fn row_line(visitor: &Visitor, row: &RowInfo) -> Markup {
    html! {
        p { strong { (row.author) " · " (row.seq) } " " (row.kind) }
        p class="faded" lang="en" { (row.reason) }
        p class="faded" { (visitor.language.ago(visitor.server.now_ms() - row.since_ms)) }
    }
}

/// What a kind of case is called, and what it means.
fn words(visitor: &Visitor, kind: &str) -> (&'static str, &'static str) {
    let say = |english, german| visitor.say(english, german);
    match kind {
        "overdraft" => (
            say("More was given than there was", "Es wurde mehr gegeben, als da war"),
            say(
                "Two devices gave the same while they could not know of each other. Both coffees were drunk.",
                "Zwei Geräte gaben dasselbe, ohne voneinander zu wissen. Beide Kaffees sind getrunken.",
            ),
        ),
        "card-of-two" => (
            say("One card, two members", "Eine Karte, zwei Mitglieder"),
            say(
                "Two devices gave the same card to two members.",
                "Zwei Geräte haben dieselbe Karte zwei Mitgliedern gegeben.",
            ),
        ),
        "stock" => (
            say("More than there were", "Mehr, als es gab"),
            say(
                "A reward was given more often than its stock allowed.",
                "Eine Prämie wurde öfter gegeben, als der Vorrat erlaubte.",
            ),
        ),
        "judged-otherwise" => (
            say("Judged otherwise", "Anders berechnet"),
            say(
                "The rules give something else for what a device wrote down.",
                "Die Regeln ergeben etwas anderes, als ein Gerät notiert hat.",
            ),
        ),
        _ => (
            say("Does not go together", "Passt nicht zusammen"),
            say(
                "What a device knew differs from what the server knows.",
                "Was ein Gerät wusste, ist anders als das, was der Server weiß.",
            ),
        ),
    }
}

fn one_case(visitor: &Visitor, case: &CaseInfo) -> Markup {
    let say = |english, german| visitor.say(english, german);
    let (title, meaning) = words(visitor, &case.kind);
    html! {
        h3 { (title) }
        p { (meaning) }
        @if let Some(member) = case.member {
            p { a class="line" href={ "/dashboard/members/" (member) } { (say("The member's file", "Die Akte des Mitglieds")) } }
        }
        details class="more" { summary { (say("Exactly", "Genau")) } p lang="en" { (case.detail) } p class="faded" { (case.event) } }
        form method="post" action="/dashboard/work/case" class="actions" {
            (token(visitor))
            input type="hidden" name="kind" value=(case.kind);
            input type="hidden" name="subject" value=(case.subject);
            @if case.kind == "overdraft" {
                button class="main" name="do" value="forgive" { (say("Forgive: the shop bears it", "Verzeihen: Der Laden trägt es")) }
                button name="do" value="owe" { (say("Owe: what is earned next pays it", "Anschreiben: Künftiges zahlt es ab")) }
            } @else {
                button name="do" value="seen" { (say("Seen, leave it", "Gesehen, so lassen")) }
            }
        }
    }
}

/// A member by name, as a link to their file.
async fn member_link(visitor: &Visitor, member: &Json) -> Markup {
    let id = member.as_str().unwrap_or_default();
    html! {
        a class="line" href={ "/dashboard/members?find=" (id) } {
            @match visitor.server.member_find(visitor.tenant(), id).await {
                Ok(info) => { (super::members::name(visitor, &info)) },
                Err(_) => { (id) },
            }
        }
    }
}

async fn pending(visitor: &Visitor, change: &Json) -> Result<Markup, Error> {
    let say = |english, german| visitor.say(english, german);
    let id = change["change"].as_str().unwrap_or_default();
    let asked_by = change["asked_by"].as_str().unwrap_or_default();
    let own = asked_by == visitor.principal().actor.as_str();
    let what = &change["what"];
    Ok(html! {
        @if let Some(adjust) = what.get("adjust") {
            @let code = &adjust["code"];
            h3 { (say("Correction by hand", "Korrektur von Hand")) }
            p {
                (adjust["adjustment"]["amount"].as_str().unwrap_or_default()) " "
                (adjust["adjustment"]["unit"].as_str().unwrap_or_default()) " · "
                (adjust["adjustment"]["reason"].as_str().unwrap_or_default()) " · "
                (member_link(visitor, code).await)
            }
        } @else if let Some(device) = what.get("device-revoke") {
            h3 { (say("Sign a device out", "Ein Gerät abmelden")) }
            p { (device["device"].as_str().unwrap_or_default()) }
        } @else if let Some(merge) = what.get("merge") {
            h3 { (say("Make two members one", "Zwei Mitglieder zusammenführen")) }
            p { (member_link(visitor, &merge["member"]).await) " → " (member_link(visitor, &merge["into"]).await) }
        } @else if let Some(erase) = what.get("erase") {
            h3 { (say("Forget a member", "Ein Mitglied vergessen")) }
            p { (member_link(visitor, &erase["member"]).await) }
        } @else if let Some(rule) = what.get("retention") {
            h3 { (say("How long members are kept", "Wie lange Mitglieder behalten werden")) }
            p {
                @match rule["months"].as_u64() {
                    Some(months) => { (months) " " (say("months without a visit", "Monate ohne Besuch")) },
                    None => { (say("for ever", "für immer")) },
                }
            }
        } @else {
            h3 { (say("Switch the second pair of eyes", "Vier Augen umschalten")) }
        }
        p class="faded" { (visitor.language.ago(visitor.server.now_ms() - change["asked_ms"].as_i64().unwrap_or_default())) }
        form method="post" action={ "/dashboard/work/change/" (id) } class="actions" {
            (token(visitor))
            @if own {
                span class="faded" { (say("You asked for it; somebody else has to agree.", "Sie haben darum gebeten; jemand anderes muss zustimmen.")) }
                button name="do" value="decline" { (say("Take it back", "Zurückziehen")) }
            } @else {
                button class="main" name="do" value="approve" { (say("Agree", "Zustimmen")) }
                button name="do" value="decline" { (say("Decline", "Ablehnen")) }
            }
        }
    })
}

pub(crate) async fn change(Path(id): Path<String>, Sent(visitor, values): Sent) -> Page {
    visitor.server.change_decide(visitor.principal(), &id, values.get("do") == "approve").await?;
    Ok(on("/dashboard/work", "decided"))
}

pub(crate) async fn case(Sent(visitor, values): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Manage)?;
    let tenant = visitor.tenant();
    visitor.server.case_decide(tenant, values.get("kind"), values.get("subject"), values.get("do")).await?;
    Ok(on("/dashboard/work", "decided"))
}

pub(crate) async fn journal(Path(author): Path<String>, Sent(visitor, _): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Manage)?;
    let author = author.parse().map_err(|_| Error::not_found("such journal"))?;
    visitor.server.quarantine_lift(visitor.tenant(), author).await?;
    Ok(on("/dashboard/work", "decided"))
}

pub(crate) async fn held(Path(author): Path<String>, Sent(visitor, _): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Manage)?;
    let author = author.parse().map_err(|_| Error::not_found("such device"))?;
    visitor.server.held_release(visitor.tenant(), author).await?;
    Ok(on("/dashboard/work", "decided"))
}

pub(crate) async fn retry(Sent(visitor, _): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Manage)?;
    visitor.server.dead_retry(visitor.tenant()).await?;
    Ok(on("/dashboard/work", "retried"))
}
