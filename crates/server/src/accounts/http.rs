//! Accounts over HTTP: signing in, people, keys, devices, changes that wait, the log.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{COOKIE, RETRY_AFTER, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use stempel_domain::{AuthorId, ShopId};

use super::changes::{Asked, Change};
use super::sessions::{LIFE_MS, Opened, csrf};
use super::{Link, RoleAt, second};
use crate::api::access::{Principal, Scope};
use crate::api::keys::unknown_key;
use crate::api::orders::AdjustmentRequest;
use crate::api::{Asking, CodePath, Route, body, code, idempotency_key, query};
use crate::config::Secret;
use crate::error::{Error, Result};
use crate::http::{Answer, Failure, Http, Shared};

/// The header with a session's token against requests of other sites.
const CSRF: &str = "x-csrf-token";
/// How long a code for a new device can be used, in milliseconds.
const INVITE_MS: i64 = 60 * 60 * 1000;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        ("/api/v1/session", get(session).post(session_open).delete(session_close)),
        ("/api/v1/password", post(password)),
        ("/api/v1/password/forgotten", post(password_forgotten)),
        ("/api/v1/accounts", get(accounts).post(account_invite)),
        ("/api/v1/accounts/{code}", delete(account_close)),
        ("/api/v1/accounts/{code}/roles", put(account_roles)),
        ("/api/v1/api-keys", get(api_keys).post(api_key_add)),
        ("/api/v1/api-keys/{code}", delete(api_key_revoke)),
        ("/api/v1/settings", get(settings).put(settings_put)),
        ("/api/v1/devices", get(devices)),
        ("/api/v1/devices/invitations", post(device_invite)),
        ("/api/v1/devices/{code}/revoke", post(device_revoke)),
        ("/api/v1/members/{code}/adjustments", post(adjust)),
        ("/api/v1/changes", get(changes)),
        ("/api/v1/changes/{code}/approve", post(change_approve)),
        ("/api/v1/changes/{code}/decline", post(change_decline)),
        ("/api/v1/audit", get(audit)),
    ]
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// The name of the cookie. Where the answer is sent by https, the browser takes it for this server alone.
fn cookie_name(http: &Http) -> &'static str {
    if is_https(http) { "__Host-stempel" } else { "stempel" }
}

pub(crate) fn is_https(http: &Http) -> bool {
    http.options.tls.is_some() || http.options.behind_proxy
}

pub(crate) fn cookie(http: &Http, value: &str, seconds: i64) -> Result<HeaderValue> {
    let secure = if is_https(http) { "; Secure" } else { "" };
    let name = cookie_name(http);
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&text).map_err(|error| Error::Damaged(error.to_string()))
}

/// The session's token in the cookies of a request.
pub(crate) fn token<'a>(http: &Http, headers: &'a HeaderMap) -> Option<&'a str> {
    let wanted = cookie_name(http);
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, token)| token)
}

/// Whether a request that changes something comes from a page of this server's own.
fn check_csrf(headers: &HeaderMap, token: &str) -> Result<()> {
    let shown = headers.get(CSRF).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if blake3::hash(shown.as_bytes()) == blake3::hash(csrf(token).as_bytes()) {
        return Ok(());
    }
    Err(Error::refused(
        "csrf",
        403,
        "This page is too old, or another site asks",
        format!(
            "Load the page again. Send the session's csrf token as {CSRF} with whatever changes something."
        ),
    ))
}

/// Who is signed in, by the request's cookie.
pub(crate) async fn principal(http: &Http, parts: &Parts) -> Result<Principal> {
    let token = token(http, &parts.headers).ok_or_else(unknown_key)?;
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        check_csrf(&parts.headers, token)?;
    }
    Ok(http.server.session(token).await?.principal)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    email: String,
    password: Secret,
    /// Of the second factor, where the account has one.
    #[serde(default)]
    code: Option<String>,
}

async fn session_open(State(http): Shared, request: Request) -> Answer {
    let address = http.address_of(&request);
    let (_, Login { email, password, code }) = body::<Login>(&http, request).await?;
    let name = email.trim().to_lowercase();
    if let Err(wait_ms) = http.guard.attempt(&name, address, http.server.now_ms()) {
        http.metrics.add("stempel_logins_total", "slowed", 1);
        return Ok(too_often(wait_ms));
    }
    let opened = match http.server.session_open(&email, password).await {
        Ok(Opened::Session(token)) => Ok(token),
        Ok(Opened::CodeWanted(ticket)) => match &code {
            Some(code) => http.server.session_open_second(&ticket, code).await,
            None => Err(second::wrong_code()),
        },
        Err(error) => Err(error),
    };
    let token = match opened {
        Ok(token) => token,
        Err(error) => {
            if matches!(error.code(), "login" | "second-factor") {
                http.metrics.add("stempel_logins_total", "refused", 1);
                tracing::info!(%address, "somebody could not sign in");
            }
            return Err(error.into());
        }
    };
    http.guard.succeeded(&name, address);
    http.metrics.add("stempel_logins_total", "ok", 1);
    let cookie = cookie(&http, &token, LIFE_MS / 1000)?;
    let mut response = who(&http, &token).await?;
    response.headers_mut().insert(SET_COOKIE, cookie);
    Ok(response)
}

/// What is answered to whoever guesses.
pub(crate) fn too_often(wait_ms: i64) -> Response {
    let seconds = (wait_ms.max(0) + 999) / 1000;
    let detail =
        format!("Wait {seconds} seconds, then try again. From another place you can sign in at once.");
    let mut response =
        Failure(Error::refused("too-often", 429, "Too many attempts from here", detail)).into_response();
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

async fn who(http: &Http, token: &str) -> Result<Response> {
    let session = http.server.session(token).await?;
    Ok(Json(json!({
        "account": super::shown(&session.account),
        "email": session.email,
        "roles": session.roles,
        "csrf": csrf(token),
    }))
    .into_response())
}

async fn session(State(http): Shared, request: Request) -> Answer {
    let token = token(&http, request.headers()).ok_or_else(unknown_key)?;
    Ok(who(&http, token).await.map_err(hidden)?)
}

/// A tenant that is not here is not told from a session that is not known.
fn hidden(error: Error) -> Error {
    match error {
        Error::Refused(refusal) if refusal.status == 404 => unknown_key(),
        error => error,
    }
}

async fn session_close(State(http): Shared, request: Request) -> Answer {
    let token = token(&http, request.headers()).ok_or_else(unknown_key)?;
    check_csrf(request.headers(), token)?;
    http.server.session_close(token).await.map_err(hidden)?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(SET_COOKIE, cookie(&http, "", 0)?);
    Ok(response)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    code: String,
    password: Secret,
}

async fn password(State(http): Shared, request: Request) -> Answer {
    let (_, NewPassword { code, password }) = body::<NewPassword>(&http, request).await?;
    http.server.password_set(&code, password).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Forgotten {
    email: String,
}

async fn password_forgotten(State(http): Shared, request: Request) -> Answer {
    let address = http.address_of(&request);
    let (_, Forgotten { email }) = body::<Forgotten>(&http, request).await?;
    let name = format!("forgotten {}", email.trim().to_lowercase());
    if let Err(wait_ms) = http.guard.attempt(&name, address, http.server.now_ms()) {
        return Ok(too_often(wait_ms));
    }
    // The answer says nothing and comes at once, whether there is an account or not.
    tokio::spawn(async move {
        match http.server.password_forgotten(&email).await {
            Ok(links) => {
                for link in links {
                    // The log has said why.
                    let _ = mail(&http, &link, "A new password for Stempel").await;
                }
            }
            Err(error) => tracing::debug!(%error, "no code for a new password was made"),
        }
    });
    Ok((StatusCode::ACCEPTED, Json(json!({ "sent": "if there is such an account" }))).into_response())
}

/// Sends a code. False: there is no mail server.
pub(crate) async fn mail(http: &Http, link: &Link, subject: &str) -> Result<bool> {
    let Some(mailer) = &http.options.mailer else {
        tracing::warn!("no mail server is set: a code could not be sent");
        return Ok(false);
    };
    let server = http.options.public_url.as_deref().unwrap_or("your server");
    let text = format!(
        "With this code you set your password at {server}:\n\n{}\n\nIt can be used once. If you did not expect \
         this mail, do nothing: without the code nobody gets in.\n",
        link.code
    );
    let sent = mailer.send(&link.email, subject, text).await;
    http.metrics.add("stempel_mails_total", if sent.is_ok() { "sent" } else { "failed" }, 1);
    sent.map(|()| true)
}

async fn accounts(asking: Asking) -> Answer {
    asking.principal.may_everywhere(Scope::Own)?;
    let accounts = asking.server.accounts(asking.principal.tenant).await?;
    Ok(Json(json!({ "accounts": accounts })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invitation {
    email: String,
    roles: Vec<RoleAt>,
}

async fn account_invite(State(http): Shared, asking: Asking, request: Request) -> Answer {
    asking.principal.may_everywhere(Scope::Own)?;
    let (_, Invitation { email, roles }) = body::<Invitation>(&http, request).await?;
    let link = asking.server.account_invite(asking.principal.tenant, &email, &roles).await?;
    let mut answer = json!({ "account": link.account, "email": link.email, "expires_ms": link.expires_ms });
    // Without a mail server the owner hands the code over.
    match mail(&http, &link, "Your invitation to Stempel").await {
        Ok(true) => answer["mail"] = json!("sent"),
        Ok(false) => {
            answer["mail"] = json!("not set up");
            answer["code"] = json!(link.code);
        }
        Err(_) => {
            answer["mail"] = json!("failed");
            answer["code"] = json!(link.code);
        }
    }
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

async fn account_close(asking: Asking, path: CodePath) -> Answer {
    asking.principal.may_everywhere(Scope::Own)?;
    asking.server.account_close(asking.principal.tenant, &code(path)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Roles {
    roles: Vec<RoleAt>,
}

async fn account_roles(State(http): Shared, asking: Asking, path: CodePath, request: Request) -> Answer {
    asking.principal.may_everywhere(Scope::Own)?;
    let (_, Roles { roles }) = body::<Roles>(&http, request).await?;
    asking.server.account_roles(asking.principal.tenant, &code(path)?, &roles).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn api_keys(asking: Asking) -> Answer {
    asking.principal.may_everywhere(Scope::Own)?;
    let keys = asking.server.api_keys(asking.principal.tenant).await?;
    Ok(Json(json!({ "keys": keys })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewApiKey {
    name: String,
    scopes: Vec<String>,
    shop: Option<ShopId>,
}

async fn api_key_add(State(http): Shared, asking: Asking, request: Request) -> Answer {
    asking.principal.may_everywhere(Scope::Own)?;
    let (_, NewApiKey { name, scopes, shop }) = body::<NewApiKey>(&http, request).await?;
    let scopes = scopes.iter().map(|scope| Scope::of_key(scope)).collect::<Result<_>>()?;
    let key = asking.server.api_key_add(asking.principal.tenant, &name, &scopes, shop).await?;
    Ok((StatusCode::CREATED, Json(key)).into_response())
}

async fn api_key_revoke(asking: Asking, path: CodePath) -> Answer {
    asking.principal.may_everywhere(Scope::Own)?;
    asking.server.api_key_revoke(asking.principal.tenant, &code(path)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn settings(asking: Asking) -> Answer {
    asking.principal.may(Scope::Manage)?;
    let on = asking.server.four_eyes(asking.principal.tenant).await?;
    Ok(Json(json!({ "four_eyes": on })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSettings {
    four_eyes: bool,
}

async fn settings_put(State(http): Shared, asking: Asking, request: Request) -> Answer {
    asking.principal.may_everywhere(Scope::Own)?;
    let (_, NewSettings { four_eyes }) = body::<NewSettings>(&http, request).await?;
    let change = Change::FourEyes { on: four_eyes };
    answered(asking.server.change(&asking.principal, change, None).await?)
}

/// What was done, or that it waits.
pub(crate) fn answered(asked: Asked) -> Answer {
    Ok(match asked {
        Asked::Done(answer) => Json(answer).into_response(),
        Asked::Waits(answer) => (StatusCode::ACCEPTED, Json(answer)).into_response(),
    })
}

async fn devices(asking: Asking) -> Answer {
    asking.principal.may(Scope::Manage)?;
    let seen = asking.principal.shops(Scope::Manage);
    let mut devices = asking.server.device_list(asking.principal.tenant).await?;
    devices.retain(|device| seen.as_ref().is_none_or(|seen| seen.contains(&device.shop)));
    Ok(Json(json!({ "devices": devices })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceInvitation {
    shop: ShopId,
}

async fn device_invite(State(http): Shared, asking: Asking, request: Request) -> Answer {
    asking.principal.may(Scope::Manage)?;
    let (_, DeviceInvitation { shop }) = body::<DeviceInvitation>(&http, request).await?;
    asking.principal.may_at(Scope::Manage, shop)?;
    let invite = asking.server.device_invite(asking.principal.tenant, shop, INVITE_MS).await?;
    Ok((StatusCode::CREATED, Json(invite)).into_response())
}

async fn device_revoke(asking: Asking, path: CodePath) -> Answer {
    asking.principal.may(Scope::Manage)?;
    let device: AuthorId = code(path)?.parse().map_err(|error| Error::bad_request(format!("{error}.")))?;
    let shop = asking.server.device_shop(asking.principal.tenant, device).await?;
    let change = Change::DeviceRevoke { device, shop };
    answered(asking.server.change(&asking.principal, change, None).await?)
}

async fn adjust(State(http): Shared, asking: Asking, path: CodePath, request: Request) -> Answer {
    asking.principal.may(Scope::Manage)?;
    let (headers, adjustment) = body::<AdjustmentRequest>(&http, request).await?;
    let change = Change::Adjust { code: code(path)?, adjustment };
    let key = idempotency_key(&headers)?;
    let asked = asking.server.change(&asking.principal, change, key).await?;
    http.metrics.add("stempel_api_writes_total", "adjustments", 1);
    answered(asked)
}

async fn changes(asking: Asking) -> Answer {
    Ok(Json(asking.server.changes(&asking.principal).await?).into_response())
}

async fn change_approve(asking: Asking, path: CodePath) -> Answer {
    let answer = asking.server.change_decide(&asking.principal, &code(path)?, true).await?;
    Ok(Json(answer).into_response())
}

async fn change_decline(asking: Asking, path: CodePath) -> Answer {
    let answer = asking.server.change_decide(&asking.principal, &code(path)?, false).await?;
    Ok(Json(answer).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuditQuery {
    #[serde(default)]
    after: u64,
}

async fn audit(asking: Asking, request: Request) -> Answer {
    asking.principal.may_everywhere(Scope::Manage)?;
    let AuditQuery { after } = query(&request)?;
    let entries = asking.server.audit(asking.principal.tenant, after).await?;
    let next = entries.last().map_or(after, |entry| entry.seq);
    Ok(Json(json!({ "entries": entries, "next": next })).into_response())
}
