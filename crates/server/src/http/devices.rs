//! What devices ask: enrolment, pushes, changes, blank cards. Every request but the first is signed.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, Request, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde::Deserialize;
use stempel_domain::AuthorId;
use stempel_wire::message::{EnrollRequest, FEED_CHANGES_MAX, HoldRequest, PUSH_LEN_MAX, PushAnswer};
use stempel_wire::{Signature, request};

use super::body::{BODY_LEN_MAX, read_body};
use super::{Answer, Http, Shared};
use crate::caller::{Caller, SignedRequest};
use crate::error::{Error, Result};

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).ok_or_else(|| {
        Error::refused(
            "signature-missing",
            401,
            "The request is not signed",
            format!("It lacks the header {name}. Only devices that were enrolled are answered here."),
        )
    })
}

/// Reads a signed request and finds the device behind it. The body is read only for a device that is known.
pub(crate) async fn signed(http: &Http, request: Request, len_max: usize) -> Result<(Caller, Bytes)> {
    let (caller, body) = sent(http, request, len_max).await?;
    Ok((caller.not_revoked()?, body))
}

/// As [`signed`], also for a device that was signed out: what it still has to send is a fact.
async fn sent(http: &Http, request: Request, len_max: usize) -> Result<(Caller, Bytes)> {
    let (parts, body) = request.into_parts();
    let bad = |_| Error::bad_request("A header of the signature is not as it should be.");
    let device: AuthorId = header(&parts.headers, request::DEVICE_HEADER)?.parse().map_err(|_| bad(()))?;
    let time_ms: i64 = header(&parts.headers, request::TIME_HEADER)?.parse().map_err(|_| bad(()))?;
    let signature =
        Signature::parse(header(&parts.headers, request::SIGNATURE_HEADER)?).map_err(|_| bad(()))?;
    http.server.check_time(time_ms)?;
    let caller = http.server.sender(device).await?;
    let body = read_body(http, &parts.headers, body, len_max).await?;
    let path_and_query = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let method = parts.method.as_str();
    caller.check(&SignedRequest { method, path_and_query, device, time_ms, body: &body, signature })?;
    Ok((caller, body))
}

pub(super) async fn enroll(State(http): Shared, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let body = read_body(&http, &parts.headers, body, BODY_LEN_MAX).await?;
    let asked: EnrollRequest = serde_json::from_slice(&body)
        .map_err(|error| Error::bad_request(format!("The body is not an enrolment: {error}.")))?;
    Ok(Json(http.server.enroll(&asked).await?).into_response())
}

pub(super) async fn push(State(http): Shared, request: Request) -> Answer {
    let (caller, body) = sent(&http, request, PUSH_LEN_MAX).await?;
    let answer = http.server.push_body(&caller, &body).await?;
    count(&http, &answer);
    Ok(Json(answer).into_response())
}

pub(super) async fn copy(State(http): Shared, request: Request) -> Answer {
    let (caller, sealed) = signed(&http, request, PUSH_LEN_MAX).await?;
    let answer = http.server.copy_body(&caller, &sealed).await?;
    count(&http, &answer);
    Ok(Json(answer).into_response())
}

pub(super) async fn blanks(State(http): Shared, request: Request) -> Answer {
    let (caller, _) = signed(&http, request, BODY_LEN_MAX).await?;
    Ok(Json(http.server.blanks(&caller).await?).into_response())
}

#[derive(Debug, Deserialize)]
struct FeedQuery {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
    #[serde(default)]
    wait_ms: u64,
}

pub(super) async fn feed(State(http): Shared, request: Request) -> Answer {
    let query = Query::<FeedQuery>::try_from_uri(request.uri())
        .map_err(|_| Error::bad_request("after, limit and wait_ms are numbers."));
    let (caller, _) = signed(&http, request, BODY_LEN_MAX).await?;
    let Query(FeedQuery { after, limit, wait_ms }) = query?;
    let limit = limit.unwrap_or(FEED_CHANGES_MAX);
    let page = match http.waits.try_acquire() {
        Ok(_permit) => http.server.feed_wait(&caller, after, limit, wait_ms).await?,
        Err(_) => http.server.feed_page(&caller, after, limit).await?,
    };
    Ok(([(CONTENT_TYPE, "application/json")], page.to_json()).into_response())
}

/// Counts what became of rows that are trouble.
fn count(http: &Http, answer: &PushAnswer) {
    for (outcome, rows) in
        [("dead", &answer.dead), ("quarantined", &answer.quarantined), ("refused", &answer.refused)]
    {
        http.metrics.add("stempel_push_rows_total", outcome, rows.len() as u64);
    }
}

pub(super) async fn hold(State(http): Shared, request: Request) -> Answer {
    let (caller, body) = signed(&http, request, BODY_LEN_MAX).await?;
    let asked: HoldRequest = serde_json::from_slice(&body)
        .map_err(|error| Error::bad_request(format!("The body does not ask for a hold: {error}.")))?;
    Ok(Json(http.server.hold(&caller, &asked).await?).into_response())
}

#[derive(Debug, Deserialize)]
struct HoldName {
    hold: String,
}

pub(super) async fn hold_release(State(http): Shared, request: Request) -> Answer {
    let (caller, body) = signed(&http, request, BODY_LEN_MAX).await?;
    let asked: HoldName = serde_json::from_slice(&body)
        .map_err(|error| Error::bad_request(format!("The body does not name a hold: {error}.")))?;
    http.server.hold_release(&caller, &asked.hold).await?;
    Ok(Json(serde_json::json!({})).into_response())
}
