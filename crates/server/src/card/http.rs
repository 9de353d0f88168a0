//! What pages of the card ask of the server.

use std::net::IpAddr;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use stempel_domain::TenantId;
use stempel_domain::rules::Language;
use stempel_wire::token::Token;

use super::back::{AttachRequest, Letter, clean_email};
use super::gate::{Bound, Toll, network};
use super::join::JoinRequest;
use super::phone::{BODY_LEN_MAX, Caller, id_of, read_key, signed};
use super::{back, pages, rights};
use crate::api::{Route, query};
use crate::error::{Error, Result};
use crate::feed::WAIT_MS_MAX;
use crate::http::{Answer, Http, Shared, read_body};

/// The route that waits for news.
pub(crate) const WAITS: &str = "/card/v1/card";

/// Mails that one address, and attempts with codes, may ask for in ten minutes.
const MAILS: Bound = Bound { free: 0, most: 10 };
const CODES: Bound = Bound { free: 60, most: 60 };
const PUZZLES: Bound = Bound { free: 200, most: 200 };

pub(crate) fn routes() -> Vec<Route> {
    let mut routes: Vec<Route> = vec![
        ("/card/v1/join", post(join)),
        ("/card/v1/attach", post(attach)),
        ("/card/v1/puzzle", get(puzzle)),
        ("/card/v1/return", post(come_back)),
        ("/card/v1/mail/confirm", post(mail_confirm)),
        (WAITS, get(card)),
        ("/card/v1/profile", post(profile)),
        ("/card/v1/hand-over", post(hand_over)),
        ("/card/v1/mail", post(mail)),
        ("/card/v1/end", post(end)),
        ("/card/v1/export", get(rights::export)),
        ("/card/v1/consent", post(rights::consent)),
        ("/card/v1/leave", post(rights::leave)),
    ];
    routes.extend(pages::routes());
    routes
}

/// Whether those ask who are not known yet.
pub(crate) fn is_for_strangers(route: &str) -> bool {
    matches!(
        route,
        "/card/v1/join"
            | "/card/v1/attach"
            | "/card/v1/puzzle"
            | "/card/v1/return"
            | "/card/v1/mail/confirm"
            | "/C/{token}"
            | "/c/{token}"
    )
}

/// Reads a small body of JSON. That it has to be called so keeps other sites from sending it.
async fn body<T: DeserializeOwned>(http: &Http, request: Request) -> Result<T> {
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        return Err(Error::refused("content-type", 415, "This is not JSON", "The page sends JSON."));
    }
    let bytes = read_body(http, &parts.headers, body, BODY_LEN_MAX).await?;
    read(&bytes)
}

pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|_| {
        Error::refused("body", 422, "The page sent something else than is wanted", "Load it again.")
    })
}

fn named(caller: &Caller) -> serde_json::Value {
    json!({ "tenant": caller.tenant, "phone": data_encoding::HEXLOWER.encode(&caller.phone) })
}

async fn join(State(http): Shared, request: Request) -> Answer {
    let network = network(http.address_of(&request));
    let asked: JoinRequest = body(&http, request).await?;
    let caller = http.server.join(&http.gate, &network, &asked).await?;
    http.metrics.add("stempel_card_total", "joined", 1);
    Ok(Json(named(&caller)).into_response())
}

async fn attach(State(http): Shared, request: Request) -> Answer {
    let address = http.address_of(&request);
    let asked: AttachRequest = body(&http, request).await?;
    let key = read_key(&asked.key)?;
    let caller = match (&asked.code, &asked.token, &asked.second) {
        (Some(code), None, None) => {
            http.gate.pass(&format!("code {}", network(address)), CODES, http.server.now_ms())?;
            http.server.attach_by_code(&key, code).await?
        }
        (None, Some(token), Some(second)) => {
            let guess = guess_second(&http, address, token)?;
            let caller = http.server.attach_printed(&key, token, second).await?;
            guess.right();
            caller
        }
        _ => return Err(Error::bad_request("Show either a code, or a card with its second code.").into()),
    };
    http.metrics.add("stempel_card_total", "attached", 1);
    Ok(Json(named(&caller)).into_response())
}

/// An attempt with a card's second code, which counts as wrong until it is said to be right.
pub(super) struct Guess<'a> {
    http: &'a Http,
    name: String,
    address: IpAddr,
}

impl Guess<'_> {
    pub(super) fn right(self) {
        self.http.guard.succeeded(&self.name, self.address);
    }
}

/// Begins an attempt with a card's second code: guessing one gets slower and slower.
pub(super) fn guess_second<'a>(http: &'a Http, address: IpAddr, card: &str) -> Result<Guess<'a>> {
    let now_ms = http.server.now_ms();
    http.gate.pass(&format!("code {}", network(address)), CODES, now_ms)?;
    let card = Token::find(card).map(|token| token.card().to_string()).unwrap_or_default();
    let name = format!("second code {card}");
    http.guard.attempt(&name, address, now_ms).map_err(|_| {
        let detail = "Several wrong codes were tried. Wait a little, or ask at the counter.";
        Error::refused("too-often", 429, "Please wait a moment", detail)
    })?;
    Ok(Guess { http, name, address })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PuzzleQuery {
    tenant: Option<TenantId>,
    link: Option<String>,
}

async fn puzzle(State(http): Shared, request: Request) -> Answer {
    let network = network(http.address_of(&request));
    http.gate.pass(&format!("puzzle {network}"), PUZZLES, http.server.now_ms())?;
    let asked: PuzzleQuery = query(&request)?;
    let tenant = match (asked.tenant, asked.link) {
        (Some(tenant), None) => tenant,
        (None, Some(link)) => http.server.welcome(&link).await?.tenant,
        _ => return Err(Error::bad_request("Name a link or a tenant.").into()),
    };
    let tenant = http.server.tenant_named(tenant).await?;
    let (puzzle, bits) = http.server.puzzle(&tenant);
    Ok(Json(json!({ "puzzle": puzzle, "bits": bits })).into_response())
}

#[derive(Deserialize)]
struct CardQuery {
    after: Option<u64>,
    #[serde(default)]
    wait_ms: u64,
    #[serde(default)]
    lang: String,
}

async fn card(State(http): Shared, request: Request) -> Answer {
    let asked: Result<CardQuery> = query(&request);
    let (caller, _) = signed(&http, request).await?;
    let CardQuery { after, wait_ms, lang } = asked?;
    let language = Language::of(&lang);
    let wait = match http.waits.try_acquire() {
        Ok(permit) => Some((permit, Duration::from_millis(wait_ms.min(WAIT_MS_MAX)))),
        Err(_) => None,
    };
    let time = wait.as_ref().map_or(Duration::ZERO, |(_, time)| *time);
    Ok(Json(http.server.card_view(&caller, language, after, time).await?).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileRequest {
    name: Option<String>,
    language: Option<String>,
}

async fn profile(State(http): Shared, request: Request) -> Answer {
    let (caller, bytes) = signed(&http, request).await?;
    let asked: ProfileRequest = read(&bytes)?;
    http.gate.pass(&caller_name("profile", &caller), CODES, http.server.now_ms())?;
    http.server.card_profile(&caller, asked.name.as_deref(), asked.language.as_deref()).await?;
    Ok(Json(json!({})).into_response())
}

async fn hand_over(State(http): Shared, request: Request) -> Answer {
    let (caller, _) = signed(&http, request).await?;
    http.gate.pass(&caller_name("hand-over", &caller), CODES, http.server.now_ms())?;
    Ok(Json(json!({ "code": http.server.hand_over(&caller).await? })).into_response())
}

async fn end(State(http): Shared, request: Request) -> Answer {
    let (caller, _) = signed(&http, request).await?;
    http.server.phone_end(&caller).await?;
    Ok(Json(json!({})).into_response())
}

fn caller_name(what: &str, caller: &Caller) -> String {
    format!("{what} {}", data_encoding::HEXLOWER.encode(&id_of(&caller.key)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MailRequest {
    email: String,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    tenant: Option<TenantId>,
    proof: Option<String>,
}

impl MailRequest {
    fn language(&self) -> Language {
        Language::of(self.language.as_deref().unwrap_or_default())
    }
}

async fn mail(State(http): Shared, request: Request) -> Answer {
    let (caller, bytes) = signed(&http, request).await?;
    let asked: MailRequest = read(&bytes)?;
    let email = clean_email(&asked.email)?;
    let now_ms = http.server.now_ms();
    http.gate.pass(&caller_name("mail", &caller), MAILS, now_ms)?;
    let tenant = http.server.tenant_named(caller.tenant).await?;
    http.gate.check(&tenant, asked.proof.as_deref(), now_ms)?;
    mailer(&http)?;
    let letter = http.server.address_ask(&caller, &email).await?;
    let Some(letter) = letter else {
        let detail = "Look into the mailbox, also among unwanted mails. Another one can be sent tomorrow.";
        return Err(Error::refused("too-often", 429, "Some mails are under way already", detail).into());
    };
    send(&http, &email, &letter, asked.language(), Purpose::Confirm).await?;
    Ok(Json(json!({})).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeRequest {
    code: String,
}

async fn mail_confirm(State(http): Shared, request: Request) -> Answer {
    let network = network(http.address_of(&request));
    let asked: CodeRequest = body(&http, request).await?;
    http.gate.pass(&format!("code {network}"), CODES, http.server.now_ms())?;
    http.server.address_confirm(&asked.code).await?;
    Ok(Json(json!({})).into_response())
}

async fn come_back(State(http): Shared, request: Request) -> Answer {
    let network = network(http.address_of(&request));
    let asked: MailRequest = body(&http, request).await?;
    let email = clean_email(&asked.email)?;
    let now_ms = http.server.now_ms();
    // Work is wanted from the first mail on.
    debug_assert_eq!(MAILS.free, 0);
    let toll = http.gate.pass(&format!("return {network}"), MAILS, now_ms)?;
    let tenant = asked.tenant.ok_or_else(|| Error::bad_request("Name the tenant."))?;
    let tenant = http.server.tenant_named(tenant).await?;
    if toll == Toll::Work {
        http.gate.check(&tenant, asked.proof.as_deref(), now_ms)?;
    }
    mailer(&http)?;
    // The answer says nothing and comes at once, whether the address is known or not.
    let language = asked.language();
    tokio::spawn(async move {
        match http.server.address_return(&email).await {
            Ok(letters) => {
                for letter in letters {
                    // The log has said why.
                    let _ = send(&http, &email, &letter, language, Purpose::Return).await;
                }
            }
            Err(error) => tracing::debug!(%error, "no way back was made"),
        }
    });
    Ok(Json(json!({})).into_response())
}

fn mailer(http: &Http) -> Result<(&crate::mail::Mailer, &str)> {
    match (&http.options.mailer, http.options.public_url.as_deref()) {
        (Some(mailer), Some(url)) => Ok((mailer, url)),
        _ => Err(Error::refused(
            "no-mail",
            503,
            "This shop sends no mail",
            "Take the second code on the back of a printed card, or ask at the counter.",
        )),
    }
}

#[derive(Debug, Clone, Copy)]
enum Purpose {
    Confirm,
    Return,
}

async fn send(http: &Http, to: &str, letter: &Letter, language: Language, purpose: Purpose) -> Result<()> {
    let (mailer, url) = mailer(http)?;
    let back::Letter { shop, code } = letter;
    let url = url.trim_end_matches('/');
    // What stands behind the hash is not sent to any server, and so stands in no log.
    let (subject, text) = match (purpose, language) {
        (Purpose::Confirm, Language::De) => (
            format!("{shop}: E-Mail bestätigen"),
            format!(
                "Mit diesem Link bestätigst du deine Adresse. Damit kommst du zu deiner Karte zurück, wenn das \
                     Handy neu ist:\n\n{url}/card#m={code}\n\nEr gilt einen Tag. Hast du das nicht angefordert? Dann \
                     tu nichts: Wir haben die Adresse nicht gespeichert.\n"
            ),
        ),
        (Purpose::Confirm, Language::En) => (
            format!("{shop}: confirm your address"),
            format!(
                "With this link you confirm your address. It brings you back to your card when the phone is \
                     new:\n\n{url}/card#m={code}\n\nIt is good for one day. If you did not ask for it, do nothing: \
                     the address was not kept.\n"
            ),
        ),
        (Purpose::Return, Language::De) => (
            format!("{shop}: deine Karte"),
            format!(
                "Mit diesem Link kommt deine Karte auf dieses Gerät:\n\n{url}/card#r={code}\n\nEr gilt eine Stunde \
                     und einmal. Auf dem alten Handy ist die Karte danach nicht mehr.\n"
            ),
        ),
        (Purpose::Return, Language::En) => (
            format!("{shop}: your card"),
            format!(
                "This link brings your card to this device:\n\n{url}/card#r={code}\n\nIt is good for one hour, and \
                     once. The old phone holds the card no more afterwards.\n"
            ),
        ),
    };
    let sent = mailer.send(to, &subject, text).await;
    http.metrics.add("stempel_mails_total", if sent.is_ok() { "sent" } else { "failed" }, 1);
    sent
}
