//! Signing in and out, the first password, a forgotten one, the language.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

use super::shell::{self, Field};
use super::visitor::{Sent, Values, form, inside, keep_draft, on, own_site};
use super::{HOME, Page, passkeys};
use crate::accounts::http::{cookie, mail, token, too_often};
use crate::accounts::sessions::{LIFE_MS, Opened};
use crate::config::Secret;
use crate::error::Error;
use crate::http::{Http, Shared};
use crate::web::{self, Language};

/// What a page to sign in shows.
#[derive(Default)]
pub(super) struct SignIn<'a> {
    pub(super) email: &'a str,
    pub(super) to: &'a str,
    pub(super) kept: Values,
    pub(super) error: Option<Error>,
    pub(super) notice: Option<&'static str>,
}

pub(super) fn sign_in_page(http: &Http, language: Language, status: StatusCode, shown: &SignIn) -> Response {
    let say = |english, german| language.pick(english, german);
    let title = say("Sign in", "Anmelden");
    let body = html! {
        h1 { (title) }
        @if let Some(error) = &shown.error { (shell::problem(error, language)) }
        @if let Some(notice) = shown.notice { p class="notice info" role="status" { (notice) } }
        form method="post" action="/dashboard/sign-in" {
            input type="hidden" name="to" value=(inside(shown.to));
            (shell::carried(&shown.kept))
            (Field {
                name: "email", label: say("E-mail address", "E-Mail-Adresse"), kind: "email", value: shown.email,
                required: true, fill: "username", ..Field::default()
            }.draw())
            (Field {
                name: "password", label: say("Password", "Passwort"), kind: "password", required: true,
                fill: "current-password", ..Field::default()
            }.draw())
            button class="main" { (title) }
        }
        (passkeys::sign_in_part(http, language, shown.to, &shown.kept, ""))
        p { a href="/dashboard/forgotten" { (say("Forgotten password?", "Passwort vergessen?")) } }
        p { a href="/dashboard/password" { (say("I have a code for a new password", "Ich habe einen Code für ein neues Passwort")) } }
    };
    web::page(status, shell::bare(language, title, body))
}

pub(crate) async fn page(State(http): Shared, request: Request) -> Response {
    let query = Values::read(request.uri().query().unwrap_or_default().as_bytes());
    if let Some(token) = token(&http, request.headers())
        && http.server.session(token).await.is_ok()
    {
        return Redirect::to(inside(query.get("to"))).into_response();
    }
    let language = Language::of(request.headers());
    let notice = match query.get("done") {
        "password" => Some(language.pick(
            "Your password is set. Sign in with it.",
            "Ihr Passwort ist gesetzt. Melden Sie sich damit an.",
        )),
        "out" => Some(language.pick("You are signed out.", "Sie sind abgemeldet.")),
        _ => None,
    };
    sign_in_page(
        &http,
        language,
        StatusCode::OK,
        &SignIn { to: query.get("to"), notice, ..SignIn::default() },
    )
}

/// Asks somebody to sign in whose form came too late, and takes the form along.
pub(crate) fn again(http: &Http, parts: &Parts, values: &Values) -> Response {
    let language = Language::of(&parts.headers);
    let page = values.given("page").unwrap_or_else(|| parts.uri.path());
    let notice = language.pick(
        "Your session had ended. Sign in: what you typed comes back.",
        "Die Anmeldung war abgelaufen. Melden Sie sich an: Was Sie eingegeben haben, kommt wieder.",
    );
    let shown = SignIn { to: inside(page), kept: values.clone(), notice: Some(notice), ..SignIn::default() };
    sign_in_page(http, language, StatusCode::UNAUTHORIZED, &shown)
}

pub(crate) async fn sign_in(State(http): Shared, request: Request) -> Page {
    own_site(request.headers())?;
    let address = http.address_of(&request);
    let (parts, values) = form(request, &http).await?;
    let language = Language::of(&parts.headers);
    let (email, to) = (values.get("email"), inside(values.get("to")));
    let kept = carried(&values);
    let failed = |error: Error, kept: Values| {
        let status = StatusCode::from_u16(error.problem().status).unwrap_or(StatusCode::UNAUTHORIZED);
        sign_in_page(&http, language, status, &SignIn { email, to, kept, error: Some(error), notice: None })
    };
    let name = email.to_lowercase();
    if let Err(wait_ms) = http.guard.attempt(&name, address, http.server.now_ms()) {
        http.metrics.add("stempel_logins_total", "slowed", 1);
        let answer = too_often(wait_ms);
        let mut page = failed(slowed(wait_ms), kept);
        if let Some(after) = answer.headers().get("retry-after") {
            page.headers_mut().insert("retry-after", after.clone());
        }
        return Ok(page);
    }
    // As it was typed: a password may begin with a blank.
    let password = values.0.iter().find(|(name, _)| name == "password").map(|(_, value)| value.clone());
    let token = match http.server.session_open(email, Secret::new(password.unwrap_or_default())).await {
        Ok(Opened::Session(token)) => token,
        Ok(Opened::CodeWanted(ticket)) => {
            // The attempt counts as failed until the code was right too: so guessing codes gets slower and slower.
            let passkey = http.server.passkey_expected(&ticket).await?;
            let shown = Code { ticket: &ticket, passkey, to, kept, error: None };
            return Ok(code_page(&http, language, StatusCode::OK, &shown));
        }
        Err(error) if error.problem().status < 500 => {
            http.metrics.add("stempel_logins_total", "refused", 1);
            tracing::info!(%address, "somebody could not sign in");
            return Ok(failed(error, kept));
        }
        Err(error) => return Err(error.into()),
    };
    http.guard.succeeded(&name, address);
    begun(&http, &token, to, &kept).await
}

/// Goes where somebody wanted to go before the session began.
pub(super) async fn begun(http: &Http, token: &str, to: &str, kept: &Values) -> Page {
    http.metrics.add("stempel_logins_total", "ok", 1);
    let to = match kept.is_empty() {
        true => to.to_owned(),
        false => keep_draft(http, token, to, kept).await?,
    };
    let mut response = Redirect::to(&to).into_response();
    response.headers_mut().insert(SET_COOKIE, cookie(http, token, LIFE_MS / 1000)?);
    Ok(response)
}

/// What the page for the second factor's code shows.
struct Code<'a> {
    ticket: &'a str,
    /// The account has a passkey.
    passkey: bool,
    to: &'a str,
    kept: Values,
    error: Option<Error>,
}

fn code_page(http: &Http, language: Language, status: StatusCode, shown: &Code) -> Response {
    let say = |english, german| language.pick(english, german);
    let title = match shown.passkey {
        true => say("Your passkey, or a code", "Ihr Passkey, oder ein Code"),
        false => say("The code from your app", "Der Code aus Ihrer App"),
    };
    let body = html! {
        h1 { (title) }
        @if let Some(error) = &shown.error { (shell::problem(error, language)) }
        @if shown.passkey { (passkeys::sign_in_part(http, language, shown.to, &shown.kept, shown.ticket)) }
        form method="post" action="/dashboard/sign-in/code" {
            input type="hidden" name="to" value=(shown.to);
            input type="hidden" name="ticket" value=(shown.ticket);
            (shell::carried(&shown.kept))
            (Field {
                name: "code", label: say("Code", "Code"), required: true, fill: "one-time-code",
                hint: say("Six digits that the app shows now, or one of your recovery codes.",
                    "Sechs Ziffern, die die App gerade zeigt, oder einer Ihrer Wiederherstellungscodes."),
                ..Field::default()
            }.draw())
            button class="main" { (say("Sign in", "Anmelden")) }
        }
        p { a href="/dashboard/sign-in" { (say("Begin again", "Von vorn anfangen")) } }
        p class="faded" { (say("App and codes lost? Another owner takes the second factor away under “Team”; at the server's machine “stempel admin owner add” does.",
            "App und Codes verloren? Ein anderer Inhaber nimmt den zweiten Faktor unter „Team“ weg; am Rechner des Servers tut es „stempel admin owner add“.")) }
    };
    web::page(status, shell::bare(language, title, body))
}

pub(crate) async fn sign_in_code(State(http): Shared, request: Request) -> Page {
    own_site(request.headers())?;
    let address = http.address_of(&request);
    let (parts, values) = form(request, &http).await?;
    let language = Language::of(&parts.headers);
    let (ticket, to) = (values.get("ticket"), inside(values.get("to")));
    let kept = carried(&values);
    match http.server.session_open_second(ticket, values.get("code")).await {
        Ok(token) => {
            http.guard.succeeded(&http.server.session(&token).await?.email, address);
            begun(&http, &token, to, &kept).await
        }
        Err(error) if error.code() == "second-factor" => {
            http.metrics.add("stempel_logins_total", "refused", 1);
            // With the last try the ticket has ended: then there is nothing to go on with.
            let passkey = http.server.passkey_expected(ticket).await.unwrap_or(false);
            let shown = Code { ticket, passkey, to, kept, error: Some(error) };
            Ok(code_page(&http, language, StatusCode::UNAUTHORIZED, &shown))
        }
        Err(error) if error.problem().status < 500 => {
            let shown = SignIn { to, kept, error: Some(error), ..SignIn::default() };
            Ok(sign_in_page(&http, language, StatusCode::UNAUTHORIZED, &shown))
        }
        Err(error) => Err(error.into()),
    }
}

/// What a form brought that was sent after its session had ended.
pub(super) fn carried(values: &Values) -> Values {
    let kept = values.0.iter();
    let kept = kept.filter_map(|(name, value)| Some((name.strip_prefix("kept.")?.to_owned(), value.clone())));
    Values(kept.collect())
}

pub(crate) async fn sign_out(State(http): Shared, headers: HeaderMap, sent: Sent) -> Page {
    drop(sent);
    if let Some(token) = token(&http, &headers) {
        http.server.session_close(token).await?;
    }
    let mut response = on("/dashboard/sign-in", "out");
    response.headers_mut().insert(SET_COOKIE, cookie(&http, "", 0)?);
    Ok(response)
}

fn password_form(language: Language, status: StatusCode, code: &str, error: Option<&Error>) -> Response {
    let say = |english, german| language.pick(english, german);
    let title = say("Choose a password", "Passwort wählen");
    let body = html! {
        h1 { (title) }
        @if let Some(error) = error { (shell::problem(error, language)) }
        form method="post" action="/dashboard/password" {
            (Field {
                name: "code", label: say("Code", "Code"), value: code, required: true,
                hint: say("It stands in the mail that you got, or the owner gave it to you.",
                    "Er steht in der Mail, die Sie bekommen haben, oder der Inhaber hat ihn Ihnen gegeben."),
                ..Field::default()
            }.draw())
            (Field {
                name: "password", label: say("New password", "Neues Passwort"), kind: "password", required: true,
                fill: "new-password",
                hint: say("At least 10 characters. A sentence that only you know is good.",
                    "Mindestens 10 Zeichen. Ein Satz, den nur Sie kennen, ist gut."),
                ..Field::default()
            }.draw())
            button class="main" { (say("Set password", "Passwort setzen")) }
        }
    };
    web::page(status, shell::bare(language, title, body))
}

pub(crate) async fn password_page(request: Request) -> Response {
    let query = Values::read(request.uri().query().unwrap_or_default().as_bytes());
    password_form(Language::of(request.headers()), StatusCode::OK, query.get("code"), None)
}

pub(crate) async fn password_set(State(http): Shared, request: Request) -> Page {
    own_site(request.headers())?;
    let (parts, values) = form(request, &http).await?;
    let password = values.0.iter().find(|(name, _)| name == "password").map(|(_, value)| value.clone());
    match http.server.password_set(values.get("code"), Secret::new(password.unwrap_or_default())).await {
        Ok(()) => Ok(on("/dashboard/sign-in", "password")),
        Err(error) if error.problem().status < 500 => Ok(password_form(
            Language::of(&parts.headers),
            StatusCode::UNPROCESSABLE_ENTITY,
            values.get("code"),
            Some(&error),
        )),
        Err(error) => Err(error.into()),
    }
}

fn forgotten_form(language: Language, said: Option<Markup>) -> Response {
    let say = |english, german| language.pick(english, german);
    let title = say("Forgotten password", "Passwort vergessen");
    let body = html! {
        h1 { (title) }
        @if let Some(said) = said { (said) }
        form method="post" action="/dashboard/forgotten" {
            (Field {
                name: "email", label: say("E-mail address", "E-Mail-Adresse"), kind: "email", required: true,
                fill: "username", ..Field::default()
            }.draw())
            button class="main" { (say("Send me a code", "Code schicken")) }
        }
        p { a href="/dashboard/sign-in" { (say("Back to signing in", "Zurück zum Anmelden")) } }
    };
    web::page(StatusCode::OK, shell::bare(language, title, body))
}

pub(crate) async fn forgotten_page(headers: HeaderMap) -> Response {
    forgotten_form(Language::of(&headers), None)
}

pub(crate) async fn forgotten(State(http): Shared, request: Request) -> Page {
    own_site(request.headers())?;
    let address = http.address_of(&request);
    let (parts, values) = form(request, &http).await?;
    let language = Language::of(&parts.headers);
    let email = values.get("email").to_owned();
    let name = format!("forgotten {}", email.to_lowercase());
    if let Err(wait_ms) = http.guard.attempt(&name, address, http.server.now_ms()) {
        let error = slowed(wait_ms);
        return Ok(forgotten_form(language, Some(shell::problem(&error, language))));
    }
    // The answer says nothing and comes at once, whether there is an account or not.
    let has_mail = http.options.mailer.is_some();
    tokio::spawn(send(Arc::clone(&http), email));
    let said = html! {
        p class="notice info" role="status" {
            (language.pick(
                "If there is an account for this address, a code is on its way. It can be used for an hour.",
                "Wenn es zu dieser Adresse ein Konto gibt, ist ein Code unterwegs. Er gilt eine Stunde.",
            ))
        }
        @if !has_mail {
            p class="notice warn" {
                (language.pick(
                    "This server sends no mail. Ask the owner for a new invitation; the owner gets one at the server's \
                     machine with “stempel admin owner add”.",
                    "Dieser Server verschickt keine Mail. Bitten Sie den Inhaber um eine neue Einladung; der Inhaber \
                     bekommt eine am Rechner des Servers mit „stempel admin owner add“.",
                ))
            }
        }
    };
    Ok(forgotten_form(language, Some(said)))
}

async fn send(http: Arc<Http>, email: String) {
    match http.server.password_forgotten(&email).await {
        Ok(links) => {
            for link in links {
                // The log has said why.
                let _ = mail(&http, &link, "A new password for Stempel").await;
            }
        }
        Err(error) => tracing::debug!(%error, "no code for a new password was made"),
    }
}

/// Notes the language that somebody chose, for a year.
pub(crate) async fn language(Path(code): Path<String>, request: Request) -> Response {
    let query = Values::read(request.uri().query().unwrap_or_default().as_bytes());
    let to = inside(query.get("to"));
    let code = if code == "de" { "de" } else { "en" };
    let mut response = Redirect::to(if query.get("to").is_empty() { HOME } else { to }).into_response();
    let cookie = format!("{}={code}; Path=/; SameSite=Lax; Max-Age=31536000", web::LANGUAGE_COOKIE);
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// Whoever tries too often waits for that long, in milliseconds.
pub(super) fn slowed(wait_ms: i64) -> Error {
    let seconds = (wait_ms.max(0) + 999) / 1000;
    let detail = format!("Wait {seconds} seconds, then try again.");
    Error::refused("too-often", 429, "Too many attempts from here", detail)
}
