//! Passkeys on the pages: those of whoever looks, on the account's page, and signing in by one.
//!
//! A browser hands a passkey to a script alone, so the buttons show themselves where there is one (`passkey.js`): it asks
//! here for what is to be signed, and sends a form with what came of it.

use std::net::IpAddr;

use axum::Json;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use serde_json::json;

use super::entry::{self, SignIn};
use super::shell::{self, Field, token};
use super::trouble::Said;
use super::visitor::{Sent, Values, Visitor, form, inside, on, own_site};
use super::{Page, account};
use crate::accounts::passkeys::Passkey;
use crate::accounts::webauthn::Site;
use crate::card::gate::{Bound, network};
use crate::config::Secret;
use crate::error::{Error, Result};
use crate::http::{Http, Shared};
use crate::web::Language;

/// How often one address may ask for something to sign, in ten minutes.
const ASKED: Bound = Bound { free: 120, most: 120 };
/// Where the account's page is.
const HERE: &str = "/dashboard/account";

/// The site that passkeys of this server are bound to. None: its public address is not set, or none can be made for it.
pub(super) fn site(http: &Http) -> Option<Site> {
    http.options.public_url.as_deref().and_then(Site::of)
}

fn wanted_site(http: &Http) -> Result<Site> {
    let detail = "Set the server's public address (public_url) to one with a name and https.";
    site(http).ok_or_else(|| Error::refused("passkey-site", 422, "There are no passkeys here", detail))
}

/// The words that the script may have to say, and where it works.
fn words(language: Language, site: &Site) -> [(&'static str, String); 3] {
    let say = |english, german| language.pick(english, german).to_owned();
    [
        (
            "broken-off",
            say(
                "It was broken off, or took too long. Nothing was changed.",
                "Abgebrochen, oder es hat zu lange gedauert. Nichts wurde geändert.",
            ),
        ),
        (
            "known",
            say(
                "This device has a passkey for here already.",
                "Dieses Gerät hat schon einen Passkey für hier.",
            ),
        ),
        ("elsewhere", format!("{} {}", say("Passkeys work at", "Passkeys gehen unter"), site.origin)),
    ]
}

/// The part of a form that the script reads. `begin` is where it asks, `what` what for.
fn scripted(language: Language, site: &Site, what: &str, begin: &str) -> Markup {
    let [(_, broken_off), (_, known), (_, elsewhere)] = words(language, site);
    html! {
        input type="hidden" name="passkey" data-passkey=(what) data-begin=(begin) data-origin=(site.origin)
            data-broken-off=(broken_off) data-known=(known) data-elsewhere=(elsewhere);
        p class="notice bad" role="alert" hidden {}
    }
}

/// The button to sign in by a passkey, with what has to go along. Nothing where passkeys cannot be.
pub(super) fn sign_in_part(http: &Http, language: Language, to: &str, kept: &Values, ticket: &str) -> Markup {
    let Some(site) = site(http) else { return html! {} };
    let say = |english, german| language.pick(english, german);
    html! {
        form method="post" action="/dashboard/sign-in/passkey" class="passkey" {
            input type="hidden" name="to" value=(inside(to));
            @if !ticket.is_empty() { input type="hidden" name="ticket" value=(ticket); }
            (shell::carried(kept))
            (scripted(language, &site, "get", "/dashboard/sign-in/passkey/begin"))
            button hidden { (say("Sign in with a passkey", "Mit Passkey anmelden")) }
            noscript { p class="faded" { (say("Signing in with a passkey needs JavaScript.", "Zum Anmelden mit Passkey braucht es JavaScript.")) } }
        }
        script src="/assets/passkey.js" defer {}
    }
}

/// The passkeys of whoever looks: list, adding, removal.
pub(super) async fn account_part(visitor: &Visitor, typed: &str, error: Option<&Error>) -> Result<Markup> {
    let say = |english, german| visitor.say(english, german);
    let (tenant, account) = (visitor.tenant(), &visitor.session.account);
    let passkeys = visitor.server.passkeys(tenant, account).await?;
    let left = visitor.server.recovery_left(tenant, account).await?;
    let zone = visitor.zone().await?;
    let site = site(&visitor.http);
    Ok(html! {
        section class="card narrow" id="passkeys" {
            h2 { "Passkeys" }
            @if let Some(error) = error { (shell::problem(error, visitor.language)) }
            p { (say("A passkey signs you in with finger, face or PIN, without the password. Beside the password it is a second factor. It works on this server's address alone, so nobody can ask for it under a false one.",
                "Ein Passkey meldet Sie mit Finger, Gesicht oder PIN an, ohne Passwort. Neben dem Passwort ist er ein zweiter Faktor. Er geht nur unter der Adresse dieses Servers; unter einer falschen kann ihn niemand abfragen.")) }
            @if !passkeys.is_empty() {
                ul class="list" { @for passkey in &passkeys { li { (one(visitor, passkey, &zone)) } } }
                p class="faded" { (say("Recovery codes left: ", "Wiederherstellungscodes übrig: ")) (left) "." }
            }
            @if let Some(site) = &site {
                form method="post" action="/dashboard/account/passkey" class="passkey" {
                    (token(visitor))
                    (scripted(visitor.language, site, "create", "/dashboard/account/passkey/begin"))
                    (Field { name: "name", label: say("What you call it", "Wie Sie ihn nennen"), value: typed, hint: say("Like: my phone", "Etwa: mein Handy"), ..Field::default() }.draw())
                    (Field { name: "password", label: say("Your password", "Ihr Passwort"), kind: "password", fill: "current-password", required: true, ..Field::default() }.draw())
                    button class="main" { (say("Add a passkey", "Passkey hinzufügen")) }
                    noscript { p class="notice warn" { (say("Adding a passkey needs JavaScript. The code from an app works without.", "Für einen Passkey braucht es JavaScript. Der Code aus einer App geht ohne.")) } }
                }
                script src="/assets/passkey.js" defer {}
            } @else {
                p class="faded" { (say("Passkeys need a public address with a name and https (“public_url” in the server's settings).",
                    "Passkeys brauchen eine öffentliche Adresse mit Namen und https („public_url“ in den Einstellungen des Servers).")) }
            }
        }
    })
}

fn one(visitor: &Visitor, passkey: &Passkey, zone: &str) -> Markup {
    let say = |english, german| visitor.say(english, german);
    let at = |ms| visitor.language.instant(ms, zone);
    let field = format!("password-{}", &passkey.credential[..passkey.credential.len().min(12)]);
    html! {
        strong { (passkey.name) }
        p class="faded" {
            (say("added ", "hinzugefügt ")) (at(passkey.created_ms)) " · "
            @match passkey.used_ms {
                Some(ms) => { (say("last used ", "zuletzt benutzt ")) (at(ms)) }
                None => (say("not used yet", "noch nicht benutzt")),
            }
        }
        details class="more" {
            summary { (say("Remove", "Entfernen")) ": " (passkey.name) }
            form method="post" action="/dashboard/account/passkey/remove" {
                (token(visitor))
                input type="hidden" name="credential" value=(passkey.credential);
                div class="field" {
                    label for=(field) { (say("Your password", "Ihr Passwort")) }
                    input id=(field) name="password" type="password" required autocomplete="current-password";
                }
                button { (say("Remove this passkey", "Diesen Passkey entfernen")) }
            }
        }
    }
}

/// Looks whether the password is right that a form brings. Guessing gets slower, as at the sign-in.
async fn check_password(visitor: &Visitor, values: &Values, address: IpAddr) -> Result<()> {
    let guard = &visitor.http.guard;
    let email = &visitor.session.email;
    guard.attempt(email, address, visitor.server.now_ms()).map_err(entry::slowed)?;
    // As it was typed: a password may begin with a blank.
    let typed = values.0.iter().find(|(name, _)| name == "password").map(|(_, value)| value.clone());
    let (tenant, account) = (visitor.tenant(), &visitor.session.account);
    visitor.server.password_is(tenant, account, Secret::new(typed.unwrap_or_default())).await?;
    guard.succeeded(email, address);
    Ok(())
}

/// An answer to the script: what the browser is to do, or what is wrong in the reader's words.
fn to_script(said: Result<serde_json::Value>, language: Language) -> Response {
    let error = match said {
        Ok(options) => return Json(json!({ "options": options })).into_response(),
        Err(error) => error,
    };
    let status = StatusCode::from_u16(error.problem().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status.is_server_error() {
        tracing::error!(?error, "a passkey could not be asked for");
    }
    let said = Said::of(&error, language);
    (status, Json(json!({ "problem": format!("{}. {}", said.title, said.text) }))).into_response()
}

pub(crate) async fn begin(State(http): Shared, request: Request) -> Result<Response, Response> {
    let address = http.address_of(&request);
    let Sent(visitor, values) = Sent::from_request(request, &http).await?;
    let begun = async {
        let site = wanted_site(&http)?;
        check_password(&visitor, &values, address).await?;
        visitor.server.passkey_begin(&site, visitor.tenant(), &visitor.session.account).await
    };
    Ok(to_script(begun.await, visitor.language))
}

pub(crate) async fn add(Sent(mut visitor, values): Sent) -> Page {
    HERE.clone_into(&mut visitor.path);
    let added = async {
        let (tenant, account) = (visitor.tenant(), &visitor.session.account);
        if values.get("passkey").is_empty() {
            let detail = "A browser hands a passkey to a script alone: switch JavaScript on, or use the code from an app.";
            return Err(Error::refused("passkey-script", 422, "The browser brought no passkey", detail));
        }
        let site = wanted_site(&visitor.http)?;
        visitor.server.passkey_add(&site, tenant, account, values.get("name"), values.get("passkey")).await
    };
    match added.await {
        Ok(None) => Ok(on(HERE, "saved")),
        Ok(Some(codes)) => {
            let above = account::recovery_part(&visitor, &codes);
            account::show(&visitor, StatusCode::OK, account::Said { above, ..Default::default() }).await
        }
        Err(error) => shown_again(&visitor, &values, error).await,
    }
}

pub(crate) async fn remove(State(http): Shared, request: Request) -> Result<Page, Response> {
    let address = http.address_of(&request);
    let Sent(mut visitor, values) = Sent::from_request(request, &http).await?;
    HERE.clone_into(&mut visitor.path);
    let removed = async {
        check_password(&visitor, &values, address).await?;
        let (tenant, account) = (visitor.tenant(), &visitor.session.account);
        visitor.server.passkey_remove(tenant, account, values.get("credential")).await
    };
    Ok(match removed.await {
        Ok(()) => Ok(on(HERE, "saved")),
        Err(error) => shown_again(&visitor, &values, error).await,
    })
}

async fn shown_again(visitor: &Visitor, values: &Values, error: Error) -> Page {
    if error.problem().status >= 500 {
        return Err(error.into());
    }
    let said = account::Said { passkey: Some(&error), typed: values.get("name"), ..Default::default() };
    account::show(visitor, StatusCode::UNPROCESSABLE_ENTITY, said).await
}

/// What stands between an address and the next thing to sign.
fn check_asking(http: &Http, address: IpAddr) -> Result<()> {
    let name = format!("passkey {}", network(address));
    let passed = http.gate.pass(&name, ASKED, http.server.now_ms());
    passed.map(drop).map_err(|_| entry::slowed(10 * 60 * 1000))
}

fn ticket_of(values: &Values) -> Option<&str> {
    Some(values.get("ticket")).filter(|ticket| !ticket.is_empty())
}

pub(crate) async fn sign_in_begin(State(http): Shared, request: Request) -> Page {
    own_site(request.headers())?;
    let address = http.address_of(&request);
    let (parts, values) = form(request, &http).await?;
    let asked = async {
        check_asking(&http, address)?;
        http.server.passkey_ask(&wanted_site(&http)?, ticket_of(&values)).await
    };
    Ok(to_script(asked.await, Language::of(&parts.headers)))
}

pub(crate) async fn sign_in(State(http): Shared, request: Request) -> Page {
    own_site(request.headers())?;
    let address = http.address_of(&request);
    let (parts, values) = form(request, &http).await?;
    let to = inside(values.get("to"));
    let kept = entry::carried(&values);
    let opened = async {
        let site = wanted_site(&http)?;
        http.guard.attempt("passkey", address, http.server.now_ms()).map_err(entry::slowed)?;
        http.server.session_open_passkey(&site, ticket_of(&values), values.get("passkey")).await
    };
    match opened.await {
        Ok(session) => {
            http.guard.succeeded("passkey", address);
            http.guard.succeeded(&http.server.session(&session).await?.email, address);
            entry::begun(&http, &session, to, &kept).await
        }
        Err(error) if error.problem().status < 500 => {
            http.metrics.add("stempel_logins_total", "refused", 1);
            tracing::info!(%address, "somebody could not sign in by a passkey");
            let shown = SignIn { to, kept, error: Some(error), ..SignIn::default() };
            Ok(entry::sign_in_page(&http, Language::of(&parts.headers), StatusCode::UNAUTHORIZED, &shown))
        }
        Err(error) => Err(error.into()),
    }
}
