//! “How do I sign in?”: the second factor and the passkeys of whoever looks.

use axum::http::StatusCode;
use maud::{Markup, html};

use super::shell::{self, Field, Tab, frame, token};
use super::visitor::{Sent, Visitor, on};
use super::{Page, code, passkeys};
use crate::accounts::second::{Second, SetUp};
use crate::error::Error;
use crate::web;

const HERE: &str = "/dashboard/account";

/// What the page says beside how things stand.
#[derive(Default)]
pub(super) struct Said<'a> {
    /// What went wrong with the code of an app.
    pub(super) code: Option<&'a Error>,
    /// What went wrong with a passkey.
    pub(super) passkey: Option<&'a Error>,
    /// What somebody had typed as a passkey's name.
    pub(super) typed: &'a str,
    pub(super) above: Markup,
}

pub(crate) async fn page(visitor: Visitor) -> Page {
    show(&visitor, StatusCode::OK, Said::default()).await
}

pub(super) async fn show(visitor: &Visitor, status: StatusCode, said: Said<'_>) -> Page {
    let say = |english, german| visitor.say(english, german);
    let (tenant, account) = (visitor.tenant(), &visitor.session.account);
    let second = visitor.server.second(tenant, account).await?;
    let begun = visitor.server.second_begun(tenant, account).await?;
    let passkeys = passkeys::account_part(visitor, said.typed, said.passkey).await?;
    let body = html! {
        (said.above)
        section class="card narrow" {
            h2 { (say("Code from an app", "Code aus einer App")) " "
                @if matches!(second, Second::On(_)) { span class="state good" { (say("on", "an")) } }
                @else { span class="state" { (say("off", "aus")) } }
            }
            @if let Some(error) = said.code { (shell::problem(error, visitor.language)) }
            @match (second, &begun) {
                (Second::On(left), _) => (on_part(visitor, left)),
                (_, Some(set_up)) => (begun_part(visitor, set_up)),
                _ => {
                    p { (say("Beside your password, signing in then wants a code that an app on your phone makes anew each half-minute. A password that somebody else has learnt opens nothing.",
                        "Beim Anmelden wird dann neben dem Passwort ein Code verlangt, den eine App auf Ihrem Handy jede halbe Minute neu macht. Ein Passwort, das jemand anders kennt, öffnet nichts mehr.")) }
                    form method="post" action="/dashboard/account/begin" {
                        (token(visitor))
                        button class="main" { (say("Set it up", "Einrichten")) }
                    }
                }
            }
        }
        (passkeys)
    };
    let title = say("How do you sign in?", "Wie melden Sie sich an?");
    Ok(web::page(status, frame(visitor, Tab::Own, title, body)))
}

fn begun_part(visitor: &Visitor, set_up: &SetUp) -> Markup {
    let say = |english, german| visitor.say(english, german);
    html! {
        ol class="steps" {
            li { (say("Install an authenticator app on your phone, if there is none.", "Installieren Sie auf dem Handy eine Authenticator-App, falls keine da ist.")) }
            li { (say("Scan this code with it:", "Scannen Sie damit diesen Code:"))
                @if let Some(picture) = code::picture(&set_up.link, say("The code for the app", "Der Code für die App")) { (picture) }
                p class="faded" { (say("Or type it: ", "Oder eintippen: ")) code class="wrap" { (set_up.secret) } }
            }
            li { (say("Type the code that the app shows now.", "Geben Sie den Code ein, den die App jetzt zeigt.")) }
        }
        form method="post" action="/dashboard/account/confirm" {
            (token(visitor))
            (Field { name: "code", label: say("Code", "Code"), required: true, fill: "one-time-code", ..Field::default() }.draw())
            button class="main" { (say("Switch on", "Einschalten")) }
        }
    }
}

fn on_part(visitor: &Visitor, left: usize) -> Markup {
    let say = |english, german| visitor.say(english, german);
    html! {
        p { (say("Recovery codes left: ", "Wiederherstellungscodes übrig: ")) (left) "."
            @if left < 3 { " " span class="state warn" { (say("few", "wenige")) } }
        }
        @if left < 3 {
            p { (say("Switch it off and on again: that makes ten new ones.", "Schalten Sie ihn aus und wieder ein: Dann gibt es zehn neue.")) }
        }
        details class="more" {
            summary { (say("Switch off, or move to another phone", "Ausschalten, oder auf ein anderes Handy umziehen")) }
            form method="post" action="/dashboard/account/off" {
                (token(visitor))
                (Field { name: "code", label: say("A code from the app, or a recovery code", "Ein Code aus der App oder ein Wiederherstellungscode"), required: true, fill: "one-time-code", ..Field::default() }.draw())
                button { (say("Switch off", "Ausschalten")) }
            }
        }
    }
}

pub(crate) async fn begin(Sent(visitor, _): Sent) -> Page {
    visitor.server.second_begin(visitor.tenant(), &visitor.session.account).await?;
    Ok(on(HERE, ""))
}

pub(crate) async fn confirm(Sent(mut visitor, values): Sent) -> Page {
    HERE.clone_into(&mut visitor.path);
    let codes =
        visitor.server.second_confirm(visitor.tenant(), &visitor.session.account, values.get("code")).await;
    let codes = match codes {
        Ok(codes) => codes,
        Err(error) if error.problem().status < 500 => {
            let said = Said { code: Some(&error), ..Said::default() };
            return show(&visitor, StatusCode::UNPROCESSABLE_ENTITY, said).await;
        }
        Err(error) => return Err(error.into()),
    };
    let above = recovery_part(&visitor, &codes);
    show(&visitor, StatusCode::OK, Said { above, ..Said::default() }).await
}

/// The recovery codes, shown once.
pub(super) fn recovery_part(visitor: &Visitor, codes: &[String]) -> Markup {
    let say = |english, german| visitor.say(english, german);
    html! {
        section class="card narrow" id="recovery" {
            h2 { (say("Write these down", "Schreiben Sie diese auf")) }
            p { (say("Each of them gets you in once when the phone is lost. They are not shown again.",
                "Jeder davon lässt Sie einmal hinein, wenn das Handy weg ist. Sie werden nicht noch einmal gezeigt.")) }
            pre tabindex="0" { (codes.join("\n")) }
        }
    }
}

pub(crate) async fn off(Sent(mut visitor, values): Sent) -> Page {
    HERE.clone_into(&mut visitor.path);
    match visitor.server.second_off(visitor.tenant(), &visitor.session.account, values.get("code")).await {
        Ok(()) => Ok(on(HERE, "saved")),
        Err(error) if error.problem().status < 500 => {
            let said = Said { code: Some(&error), ..Said::default() };
            show(&visitor, StatusCode::UNPROCESSABLE_ENTITY, said).await
        }
        Err(error) => Err(error.into()),
    }
}
