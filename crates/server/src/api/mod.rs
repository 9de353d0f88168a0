//! The API for other systems, `/api/v1/…`: somebody else's till awards a stamp in one call, and asks in another
//! what a member can have now. The pages that people see are served by the same functions.
//!
//! | module | what it does |
//! |---|---|
//! | `access` | who asks, and what they may |
//! | `keys` | API keys |
//! | `orders`, `look` | what is done, and what is looked at |
//! | `idempotency` | writes that happen once |
//! | `openapi.json` | the description, served at `/api/v1/openapi.json` |

pub(crate) mod access;
pub(crate) mod idempotency;
pub(crate) mod keys;
pub(crate) mod look;
pub(crate) mod orders;

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use stempel_domain::{EventRef, ShopId};

use crate::accounts;
use crate::admin::NewMember;
use crate::alarms;
use crate::error::{Error, Result};
use crate::http::{Answer, Failure, Http, Shared, bearer, read_body};
use crate::people;
use crate::server::Server;
use access::{Principal, Scope};
pub(crate) use look::event;
use look::{PAGE, PAGE_MAX};
use orders::{ActivityRequest, RedemptionRequest, StampRequest};

/// The longest body of a write, in bytes: a sale of 500 lines fits.
const BODY_LEN_MAX: usize = 256 * 1024;
/// The longest code in an address, in bytes.
const CODE_LEN_MAX: usize = 512;

/// A route of the API with its methods.
pub(crate) type Route = (&'static str, MethodRouter<Arc<Http>>);

/// Every route of the API.
pub(crate) fn routes() -> Vec<Route> {
    let mut routes: Vec<Route> = vec![
        ("/api/v1/openapi.json", get(openapi)),
        ("/api/v1/stamps", post(stamps)),
        ("/api/v1/redemptions", post(redemptions)),
        ("/api/v1/activities", post(activities)),
        ("/api/v1/members", get(members).post(member_add)),
        ("/api/v1/members/{code}", get(member)),
        ("/api/v1/members/{code}/offers", get(offers)),
        ("/api/v1/events", get(events)),
        ("/api/v1/programmes", get(programmes)),
        ("/api/v1/shops", get(shops)),
    ];
    routes.extend(accounts::routes());
    routes.extend(people::http::routes());
    routes.extend(alarms::routes());
    routes
}

/// The path of every route of the API, as the router writes it.
pub fn api_routes() -> Vec<&'static str> {
    routes().into_iter().map(|(path, _)| path).collect()
}

/// The description of the API, in OpenAPI 3.1.
pub const OPENAPI: &str = include_str!("openapi.json");

async fn openapi() -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], OPENAPI).into_response()
}

/// Somebody who asks, found out before the body is read: by an API key, or by a session's cookie. With a
/// cookie, whatever changes something needs the session's token too, so that no other site can ask for it.
pub(crate) struct Asking {
    pub principal: Principal,
    /// The server, acting for whoever asks.
    pub server: Server,
}

impl FromRequestParts<Arc<Http>> for Asking {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, http: &Arc<Http>) -> Result<Self, Failure> {
        let principal = match bearer(&parts.headers) {
            Some(key) => http.server.key_principal(key).await,
            None => accounts::principal(http, parts).await,
        };
        let principal = principal.map_err(|error| match error {
            // A tenant that is not here is not told from a key that is not known.
            Error::Refused(refusal) if refusal.status == 404 => keys::unknown_key(),
            error => error,
        })?;
        let server = http.server.acting(principal.actor.clone());
        tracing::info!(tenant = %principal.tenant, who = principal.actor.as_str(), "asks");
        Ok(Self { principal, server })
    }
}

/// Reads a body of JSON.
pub(crate) async fn body<T: DeserializeOwned>(http: &Http, request: Request) -> Result<(HeaderMap, T)> {
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        return Err(Error::refused(
            "content-type",
            415,
            "This is not JSON",
            "Send the body as JSON, with the header content-type: application/json.",
        ));
    }
    let bytes: Bytes = read_body(http, &parts.headers, body, BODY_LEN_MAX).await?;
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        // A list would be read as the fields in their order.
        return Err(Error::refused(
            "body",
            422,
            "The body is not as it should be",
            "It is a list; an object is wanted. The description is at /api/v1/openapi.json.",
        ));
    }
    let read = serde_json::from_slice(&bytes).map_err(|error| {
        // What stood there is not repeated: it may be a password.
        let place = format!("line {}, column {}", error.line(), error.column());
        match error.classify() {
            serde_json::error::Category::Data => Error::refused(
                "body",
                422,
                "The body is not as it should be",
                format!("{error}. The description is at /api/v1/openapi.json."),
            ),
            _ => Error::bad_request(format!("The body is not JSON: {place}.")),
        }
    })?;
    Ok((parts.headers, read))
}

/// The key that makes a write happen once.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    value.to_str().map(Some).map_err(|_| Error::bad_request("The idempotency-key is not plain text."))
}

/// Reads the query of an address.
pub(crate) fn query<T: DeserializeOwned>(request: &Request) -> Result<T> {
    axum::extract::Query::<T>::try_from_uri(request.uri())
        .map(|query| query.0)
        .map_err(|error| Error::bad_request(format!("{}.", error.body_text())))
}

/// A code in an address.
pub(crate) fn code(path: Result<Path<String>, axum::extract::rejection::PathRejection>) -> Result<String> {
    let Path(code) = path.map_err(|_| Error::bad_request("The address holds text that is not UTF-8."))?;
    if code.len() > CODE_LEN_MAX {
        return Err(Error::bad_request("The code in the address is too long."));
    }
    Ok(code)
}

pub(crate) type CodePath = Result<Path<String>, axum::extract::rejection::PathRejection>;

async fn stamps(State(http): Shared, asking: Asking, request: Request) -> Answer {
    asking.principal.may(Scope::Award)?;
    let (headers, asked) = body::<StampRequest>(&http, request).await?;
    let answer = asking.server.api_stamp(&asking.principal, &asked, idempotency_key(&headers)?).await?;
    http.metrics.add("stempel_api_writes_total", "stamps", 1);
    Ok(Json(answer).into_response())
}

async fn redemptions(State(http): Shared, asking: Asking, request: Request) -> Answer {
    asking.principal.may(Scope::Redeem)?;
    let (headers, asked) = body::<RedemptionRequest>(&http, request).await?;
    let answer = asking.server.api_redeem(&asking.principal, &asked, idempotency_key(&headers)?).await?;
    http.metrics.add("stempel_api_writes_total", "redemptions", 1);
    Ok(Json(answer).into_response())
}

async fn activities(State(http): Shared, asking: Asking, request: Request) -> Answer {
    asking.principal.may(Scope::Award)?;
    let (headers, asked) = body::<ActivityRequest>(&http, request).await?;
    let answer = asking.server.api_activity(&asking.principal, &asked, idempotency_key(&headers)?).await?;
    http.metrics.add("stempel_api_writes_total", "activities", 1);
    Ok(Json(answer).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberRequest {
    name: Option<String>,
    language: Option<String>,
}

/// The longest code of a language.
const LANGUAGE_LEN_MAX: usize = 16;

async fn member_add(State(http): Shared, asking: Asking, request: Request) -> Answer {
    asking.principal.may(Scope::Members)?;
    let (headers, asked) = body::<MemberRequest>(&http, request).await?;
    let key = idempotency_key(&headers)?;
    let key = key.map(|key| idempotency::name(&asking.principal, key)).transpose()?;
    if asked.language.as_ref().is_some_and(|language| {
        let plain = language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        language.len() > LANGUAGE_LEN_MAX || !plain
    }) {
        return Err(Error::bad_request("A language is a code like de or en-GB.").into());
    }
    if asked.name.as_ref().is_some_and(|name| name.chars().any(char::is_control)) {
        return Err(Error::bad_request("A name holds no control characters.").into());
    }
    let new = NewMember { name: asked.name, language: asked.language };
    let added = asking.server.member_add(asking.principal.tenant, &new, key.as_deref()).await;
    let added = added
        .map_err(|error| if error.code() == "key-used" { idempotency::used_otherwise() } else { error })?;
    http.metrics.add("stempel_api_writes_total", "members", 1);
    Ok(Json(added).into_response())
}

/// Reads how many things a page holds.
pub(crate) fn limit(asked: Option<usize>) -> Result<usize> {
    match asked.unwrap_or(PAGE) {
        limit @ 1..=PAGE_MAX => Ok(limit),
        _ => Err(Error::bad_request(format!("limit is 1 to {PAGE_MAX}."))),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MembersQuery {
    after: Option<String>,
    limit: Option<usize>,
}

async fn members(asking: Asking, request: Request) -> Answer {
    let MembersQuery { after, limit: asked } = query(&request)?;
    let after = after.map(|after| after.parse()).transpose();
    let after = after.map_err(|error| Error::bad_request(format!("after: {error}.")))?;
    let answer = asking.server.api_members(&asking.principal, after, limit(asked)?).await?;
    Ok(Json(answer).into_response())
}

async fn member(asking: Asking, path: CodePath) -> Answer {
    let answer = asking.server.api_member(&asking.principal, &code(path)?).await?;
    Ok(Json(answer).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShopQuery {
    shop: Option<ShopId>,
}

async fn offers(asking: Asking, path: CodePath, request: Request) -> Answer {
    let ShopQuery { shop } = query(&request)?;
    let answer = asking.server.api_offers(&asking.principal, &code(path)?, shop).await?;
    Ok(Json(answer).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventsQuery {
    author: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

async fn events(asking: Asking, request: Request) -> Answer {
    let EventsQuery { author, after, limit: asked } = query(&request)?;
    let author = author.map(|author| author.parse()).transpose();
    let author = author.map_err(|error| Error::bad_request(format!("author: {error}.")))?;
    let after = after.map(|after| after.parse::<EventRef>()).transpose();
    let after = after.map_err(|error| Error::bad_request(format!("after: {error}.")))?;
    let after = after.map(|after| (after.author, after.seq));
    let answer: Value = asking.server.api_events(&asking.principal, author, after, limit(asked)?).await?;
    Ok(Json(answer).into_response())
}

async fn programmes(asking: Asking) -> Answer {
    Ok(Json(asking.server.api_programmes(&asking.principal).await?).into_response())
}

async fn shops(asking: Asking) -> Answer {
    Ok(Json(asking.server.api_shops(&asking.principal).await?).into_response())
}
