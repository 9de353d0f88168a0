//! “How do I sign in?”: the second factor of whoever looks.

use axum::http::StatusCode;
use maud::{Markup, html};

use super::shell::{self, Field, Tab, frame, token};
use super::visitor::{Sent, Visitor, on};
use super::{Page, code};
use crate::accounts::second::{Second, SetUp};
use crate::error::Error;
use crate::web;

const HERE: &str = "/dashboard/account";

pub(crate) async fn page(visitor: Visitor) -> Page {
    show(&visitor, StatusCode::OK, None, html! {}).await
}

async fn show(visitor: &Visitor, status: StatusCode, error: Option<&Error>, above: Markup) -> Page {
    let say = |english, german| visitor.say(english, german);
    let (tenant, account) = (visitor.tenant(), &visitor.session.account);
    let second = visitor.server.second(tenant, account).await?;
    let begun = visitor.server.second_begun(tenant, account).await?;
    let body = html! {
        (above)
        section class="card narrow" {
            h2 { (say("Second factor", "Zweiter Faktor")) " "
                @if matches!(second, Second::On(_)) { span class="state good" { (say("on", "an")) } }
                @else { span class="state" { (say("off", "aus")) } }
            }
            @if let Some(error) = error { (shell::problem(error, visitor.language)) }
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
    let say = |english, german| visitor.say(english, german);
    let codes =
        visitor.server.second_confirm(visitor.tenant(), &visitor.session.account, values.get("code")).await;
    let codes = match codes {
        Ok(codes) => codes,
        Err(error) if error.problem().status < 500 => {
            return show(&visitor, StatusCode::UNPROCESSABLE_ENTITY, Some(&error), html! {}).await;
        }
        Err(error) => return Err(error.into()),
    };
    let above = html! {
        section class="card narrow" id="recovery" {
            h2 { (say("Write these down", "Schreiben Sie diese auf")) }
            p { (say("Each of them gets you in once when the phone is lost. They are not shown again.",
                "Jeder davon lässt Sie einmal hinein, wenn das Handy weg ist. Sie werden nicht noch einmal gezeigt.")) }
            pre tabindex="0" { (codes.join("\n")) }
        }
    };
    show(&visitor, StatusCode::OK, None, above).await
}

pub(crate) async fn off(Sent(mut visitor, values): Sent) -> Page {
    HERE.clone_into(&mut visitor.path);
    match visitor.server.second_off(visitor.tenant(), &visitor.session.account, values.get("code")).await {
        Ok(()) => Ok(on(HERE, "saved")),
        Err(error) if error.problem().status < 500 => {
            show(&visitor, StatusCode::UNPROCESSABLE_ENTITY, Some(&error), html! {}).await
        }
        Err(error) => Err(error.into()),
    }
}
