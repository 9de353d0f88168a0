//! “Who is told of it?”: other systems, and what they answered.

use axum::extract::Path;
use axum::http::StatusCode;
use maud::{Markup, html};

use super::Page;
use super::shell::{self, Field, Tab, frame, token};
use super::visitor::{Sent, Values, Visitor, on};
use crate::api::access::Scope;
use crate::error::Error;
use crate::hooks::{Attempt, HookInfo};
use crate::web;

const HERE: &str = "/dashboard/hooks";
/// Attempts that the page shows of each.
const SHOWN: i64 = 10;

pub(crate) async fn page(visitor: Visitor) -> Page {
    show(&visitor, StatusCode::OK, None, None, html! {}).await
}

async fn show(
    visitor: &Visitor,
    status: StatusCode,
    sent: Option<&Values>,
    error: Option<&Error>,
    above: Markup,
) -> Page {
    visitor.principal().may_everywhere(Scope::Own)?;
    let tenant = visitor.tenant();
    let mut hooks = Vec::new();
    for hook in visitor.server.hook_list(tenant).await? {
        let log = visitor.server.hook_log(tenant, &hook.hook, SHOWN).await?;
        hooks.push((hook, log));
    }
    let zone = visitor.zone().await?;
    let empty = Values::default();
    let typed = sent.or(visitor.draft.as_ref()).unwrap_or(&empty);
    let say = |english, german| visitor.say(english, german);
    let body = html! {
        (above)
        section {
            @if hooks.is_empty() {
                (shell::empty(say("Nobody yet", "Noch niemand"),
                    say("A bookkeeping, a newsletter or a shop system can be told of every event: signed, in order, and again until it has taken it.",
                        "Eine Buchhaltung, ein Newsletter oder ein Shopsystem kann von jedem Ereignis erfahren: signiert, der Reihe nach, und so lange, bis es angenommen wurde."),
                    None))
            } @else { ul class="list" { @for (hook, log) in &hooks { li { (one(visitor, hook, log, &zone)) } } } }
        }
        section class="card narrow" {
            h2 { (say("Tell another system", "Einem anderen System melden")) }
            @if let Some(error) = error { (shell::problem(error, visitor.language)) }
            form method="post" action="/dashboard/hooks" {
                (token(visitor))
                (Field { name: "url", label: say("Address", "Adresse"), kind: "url", value: typed.get("url"), required: true,
                    hint: say("Like https://example.org/stempel. It gets a POST with JSON.", "Wie https://example.org/stempel. Sie bekommt ein POST mit JSON."), ..Field::default() }.draw())
                (Field { name: "kinds", label: say("Only these kinds of events", "Nur diese Arten von Ereignissen"), value: typed.get("kinds"),
                    hint: say("Several with commas between, like sale, stamp, member-joined. Empty: all.", "Mehrere mit Kommas, wie sale, stamp, member-joined. Leer: alle."), ..Field::default() }.draw())
                button class="main" { (say("Add", "Anlegen")) }
            }
        }
    };
    let title = say("Who is told of it?", "Wer erfährt davon?");
    Ok(web::page(status, frame(visitor, Tab::Team, title, body)))
}

fn one(visitor: &Visitor, hook: &HookInfo, log: &[Attempt], zone: &str) -> Markup {
    let say = |english, german| visitor.say(english, german);
    let language = visitor.language;
    html! {
        h2 class="inline wrap" { (hook.url) } " "
        @if hook.tries > 0 { span class="state bad" { (say("does not take it", "nimmt nicht an")) } }
        @else if hook.taken > 0 { span class="state good" { (say("takes it", "nimmt an")) } }
        @else { span class="state" { (say("not told yet", "noch nichts gemeldet")) } }
        p class="faded" {
            @if hook.kinds.is_empty() { (say("every event", "jedes Ereignis")) } @else { (hook.kinds.join(", ")) }
            " · " (language.number(hook.taken as i64)) " " (say("deliveries taken", "Sendungen angenommen"))
            @if hook.tries > 0 { " · " (say("failed attempts in a row: ", "Fehlversuche in Folge: ")) (hook.tries) }
        }
        details class="more" open[hook.tries > 0] {
            summary { (say("The last attempts", "Die letzten Versuche")) }
            @if log.is_empty() { p class="faded" { (say("None yet: it is told with the next event.", "Noch keiner: Gemeldet wird beim nächsten Ereignis.")) } }
            ol class="line-of-time" {
                @for attempt in log {
                    li {
                        p class="faded" { (language.instant(attempt.at_ms, zone)) " · " (attempt.took_ms) " ms" }
                        form method="post" action={ "/dashboard/hooks/" (hook.hook) "/replay" } class="actions" {
                            (token(visitor))
                            span {
                                "Nr. " (attempt.number) " · " (attempt.events) " " (say("events", "Ereignisse")) " · "
                                @if attempt.is_taken() { span class="state good" { (attempt.status.unwrap_or_default()) } }
                                @else { span class="state bad" { @match attempt.status { Some(status) => { (status) }, None => { (say("no answer", "keine Antwort")) } } } " " span lang="en" { (attempt.said) } }
                            }
                            button name="attempt" value=(attempt.attempt) { (say("Send again", "Noch einmal senden")) }
                        }
                    }
                }
            }
        }
        form method="post" action={ "/dashboard/hooks/" (hook.hook) "/close" } class="actions" {
            (token(visitor))
            button { (say("Tell it no more", "Nichts mehr melden")) }
        }
    }
}

pub(crate) async fn add(Sent(visitor, values): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Own)?;
    let kinds: Vec<String> = values
        .get("kinds")
        .split([',', ' '])
        .map(|kind| kind.trim().to_owned())
        .filter(|kind| !kind.is_empty())
        .take(100)
        .collect();
    let private = visitor.http.options.webhooks_private;
    let hook = match visitor.server.hook_add(visitor.tenant(), values.get("url"), &kinds, private).await {
        Ok(hook) => hook,
        Err(error) if error.problem().status < 500 => {
            return show(&visitor, StatusCode::UNPROCESSABLE_ENTITY, Some(&values), Some(&error), html! {})
                .await;
        }
        Err(error) => return Err(error.into()),
    };
    let above = html! {
        section class="card narrow" id="secret" {
            h2 { (visitor.say("The secret", "Das Geheimnis")) }
            p { (visitor.say("The other system checks with it that a message is yours. It is not shown again:",
                "Damit prüft das andere System, dass eine Meldung von Ihnen ist. Es wird nicht noch einmal gezeigt:")) }
            pre tabindex="0" class="wrap" { (hook.secret) }
            p class="faded" { (visitor.say("It is written in Base32. stempel-signature is t=MILLIS,v1=HMAC-SHA256 of “MILLIS.BODY”.",
                "Es ist in Base32 geschrieben. stempel-signature ist t=MILLIS,v1=HMAC-SHA256 von „MILLIS.BODY“.")) }
        }
    };
    show(&visitor, StatusCode::OK, None, None, above).await
}

pub(crate) async fn close(Path(hook): Path<String>, Sent(visitor, _): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Own)?;
    visitor.server.hook_close(visitor.tenant(), &hook).await?;
    Ok(on(HERE, "saved"))
}

pub(crate) async fn replay(Path(hook): Path<String>, Sent(visitor, values): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Own)?;
    let attempt = values.get("attempt").parse().map_err(|_| Error::not_found("such delivery"))?;
    let private = visitor.http.options.webhooks_private;
    let attempt = visitor.server.hook_replay(visitor.tenant(), &hook, attempt, private).await?;
    Ok(on(HERE, if attempt.is_taken() { "told" } else { "not-taken" }))
}
