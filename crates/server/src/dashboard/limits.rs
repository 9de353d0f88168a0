//! “From when on does something look odd?”: the limits of alarms, for the server and every device. A page of `work`.

use axum::http::StatusCode;
use maud::{Markup, html};
use stempel_domain::alarm::{AlarmKind, Limit, Limits, LimitsSet};
use stempel_domain::{Money, Unit};

use super::Page;
use super::plain::shown;
use super::shell::{self, Tab, frame, token};
use super::visitor::{Sent, Values, Visitor, on};
use crate::api::access::Scope;
use crate::error::{Error, Result};
use crate::web;

/// Where the page is.
pub(super) const PATH: &str = "/dashboard/work/limits";

/// What a kind is called, and what is counted.
fn words(visitor: &Visitor, kind: AlarmKind) -> (&'static str, &'static str) {
    let say = |english, german| visitor.say(english, german);
    match kind {
        AlarmKind::SelfAward => (
            say("The own card", "Die eigene Karte"),
            say(
                "stamps for the card of whoever works there",
                "Stempel für die Karte dessen, der da arbeitet",
            ),
        ),
        AlarmKind::CardOften => (
            say("One card again and again", "Immer wieder dieselbe Karte"),
            say("times that a card is given something", "Male, die eine Karte etwas bekommt"),
        ),
        AlarmKind::OperatorOften => (
            say("One person again and again", "Immer wieder dieselbe Person"),
            say("times that somebody gives something", "Male, die jemand etwas gibt"),
        ),
        AlarmKind::TwoPlaces => (
            say("One card in two shops", "Eine Karte in zwei Läden"),
            say("changes from one shop to another", "Wechsel von einem Laden in einen anderen"),
        ),
        AlarmKind::TakeBacks => (
            say("Taken back", "Zurückgenommen"),
            say("undos and refunds by one person", "Stornos und Erstattungen einer Person"),
        ),
        AlarmKind::MoneyBack => (
            say("Money handed back", "Geld ausgezahlt"),
            say("money that one person hands back", "Geld, das eine Person auszahlt"),
        ),
    }
}

/// A step as it is written: money with its cents, everything else as a number.
fn written(visitor: &Visitor, kind: AlarmKind, step: u32) -> String {
    match kind {
        AlarmKind::MoneyBack => shown(&Money(i64::from(step)).to_string(), visitor.language),
        _ => step.to_string(),
    }
}

pub(crate) async fn page(visitor: Visitor) -> Page {
    show(&visitor, StatusCode::OK, None, None).await
}

async fn show(visitor: &Visitor, status: StatusCode, sent: Option<&Values>, error: Option<&Error>) -> Page {
    visitor.principal().may_everywhere(Scope::Own)?;
    let (_, limits) = visitor.server.alarm_limits(visitor.tenant()).await?;
    let typed = sent.or(visitor.draft.as_ref());
    let say = |english, german| visitor.say(english, german);
    let body = html! {
        @if let Some(error) = error { (shell::problem(error, visitor.language)) }
        p class="lead" { (say("Whoever reaches the first number is told that it looks odd. From the second number on, a manager other than the one at work has to agree at the counter. 0 is never.",
            "Wer die erste Zahl erreicht, dem wird gesagt, dass es auffällt. Ab der zweiten Zahl muss an der Theke ein anderer Verantwortlicher zustimmen. 0 heißt nie.")) }
        form method="post" action=(PATH) class="card narrow" {
            (token(visitor))
            @for kind in AlarmKind::ALL { (one(visitor, kind, limits.of(kind), typed)) }
            p class="hint" { (say("Devices follow at their next contact.", "Geräte folgen beim nächsten Kontakt.")) }
            div class="actions" {
                button class="main" { (say("Save", "Speichern")) }
                button class="quiet" name="do" value="defaults" formnovalidate { (say("As it comes", "Wie ausgeliefert")) }
            }
        }
    };
    let title = say("From when on does something look odd?", "Ab wann fällt etwas auf?");
    Ok(web::page(status, frame(visitor, Tab::Work, title, body)))
}

fn one(visitor: &Visitor, kind: AlarmKind, limit: Limit, typed: Option<&Values>) -> Markup {
    let say = |english, german| visitor.say(english, german);
    let ((title, counted), name) = (words(visitor, kind), kind.name());
    let mut fields = vec![
        ("warn", say("Looks odd from", "Fällt auf ab"), written(visitor, kind, limit.warn)),
        (
            "minutes",
            say("within so many minutes", "innerhalb von so vielen Minuten"),
            limit.minutes.to_string(),
        ),
    ];
    // The server alone sees two shops, and nobody could be asked there.
    if kind != AlarmKind::TwoPlaces {
        fields.insert(1, ("ask", say("two people from", "zu zweit ab"), written(visitor, kind, limit.ask)));
    }
    html! {
        fieldset {
            legend { (title) }
            p class="hint" { (counted) }
            div class="three" {
                @for (part, label, known) in fields {
                    @let field = format!("{name}.{part}");
                    div class="field" {
                        label for={ "f-" (field) } { (label) }
                        input id={ "f-" (field) } name=(field) inputmode="decimal" required autocomplete="off"
                            value=(typed.and_then(|typed| typed.given(&field)).unwrap_or(&known));
                    }
                }
            }
        }
    }
}

/// What was typed for a kind; a decimal comma is a point.
fn typed_limit(values: &Values, kind: AlarmKind) -> Result<Limit> {
    let wrong = || {
        let detail = "Write whole numbers, and money like 100.00; a limit counts over 1 to 10080 minutes.";
        Error::refused("limit", 422, "The limits were not saved", detail)
    };
    let scale = if kind == AlarmKind::MoneyBack { 2 } else { 0 };
    let unit = Unit::new("step", scale).map_err(|_| wrong())?;
    let text = |part: &str| values.get(&format!("{}.{part}", kind.name())).trim().replace(',', ".");
    let step = |part: &str| -> Result<u32> {
        let amount = unit.parse_amount(&text(part)).map_err(|_| wrong())?;
        u32::try_from(amount).map_err(|_| wrong())
    };
    Ok(Limit {
        minutes: text("minutes").parse().map_err(|_| wrong())?,
        warn: step("warn")?,
        ask: if kind == AlarmKind::TwoPlaces { 0 } else { step("ask")? },
    })
}

pub(crate) async fn sent(Sent(visitor, values): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Own)?;
    let done = async {
        let mut limits = LimitsSet::new();
        if values.get("do") != "defaults" {
            for kind in AlarmKind::ALL {
                let limit = typed_limit(&values, kind)?;
                if limit != Limits::default().of(kind) {
                    limits.insert(kind, limit);
                }
            }
        }
        visitor.server.alarm_limits_set(visitor.tenant(), limits).await
    };
    match done.await {
        Ok(()) => Ok(on(PATH, "saved")),
        Err(error) if error.problem().status < 500 => {
            show(&visitor, StatusCode::UNPROCESSABLE_ENTITY, Some(&values), Some(&error)).await
        }
        Err(error) => Err(error.into()),
    }
}
