//! The thin layer of HTTP over [`Server`]: reads requests within bounds, checks who asks, writes answers.
//!
//! | route | who | what |
//! |---|---|---|
//! | `POST /v1/enroll` | anybody with a code | makes a device belong to a shop |
//! | `POST /v1/push` | a device | takes rows of journals |
//! | `GET /v1/feed?after=&limit=&wait_ms=` | a device | changes after a position |
//! | `POST /v1/blanks` | a device | its pool of blank cards |
//! | `POST /v1/hold`, `/v1/hold/release` | a device | sets an amount aside while a guest redeems |
//! | `GET /health`, `/health/ready` | anybody | whether the database answers |
//! | `GET /health/live` | anybody | whether the process runs |
//!
//! Every answer carries the server's time, so that a device with a wrong clock can correct itself. Errors are
//! `application/problem+json`.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Query, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use serde::Deserialize;
use stempel_domain::AuthorId;
use stempel_wire::message::{EnrollRequest, FEED_CHANGES_MAX, PUSH_LEN_MAX};
use stempel_wire::{Signature, request};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

use crate::caller::{Caller, SignedRequest};
use crate::error::{Error, Result};
use crate::feed::WAIT_MS_MAX;
use crate::holds::HoldRequest;
use crate::server::Server;

/// The longest body of anything but a push, in bytes.
const BODY_LEN_MAX: usize = 16 * 1024;
/// How long a request may take, beside the wait that it asks for.
const REQUEST_TIME: Duration = Duration::from_secs(20);
/// Requests worked on at once, waits for changes not counted: each may hold a push in memory.
const REQUESTS_MAX: usize = 128;
/// Enrolments at once.
const STRANGERS_MAX: usize = 32;
/// Waits for changes at once. Beyond it a request for changes is answered without waiting.
const WAITS_MAX: usize = 4096;
/// How often the server looks for what other processes wrote.
const FOREIGN_WRITES: Duration = Duration::from_millis(500);
/// How long the server waits for requests to end when it stops.
const GRACE: Duration = Duration::from_secs(10);

struct Http {
    server: Server,
    requests: Arc<Semaphore>,
    /// Enrolments: whoever is not known yet cannot keep devices out by sending slowly.
    strangers: Arc<Semaphore>,
    waits: Semaphore,
}

type Shared = State<Arc<Http>>;

/// Opens the door. Plain http goes to this machine alone, unless a proxy with TLS stands before it.
pub async fn listen(address: &str, behind_proxy: bool) -> Result<TcpListener> {
    let wrong = |detail: String| Error::refused("listen", 400, "The server cannot listen there", detail);
    let parsed: SocketAddr = address
        .parse()
        .map_err(|_| wrong(format!("“{address}” is not an address; write it like 127.0.0.1:8080.")))?;
    if !parsed.ip().is_loopback() && !behind_proxy {
        return Err(wrong(format!(
            "{address} can be reached from outside, and plain http would show everything on its way. Listen on \
             127.0.0.1, put a proxy with TLS before it, and say --behind-proxy if the proxy is another machine."
        )));
    }
    TcpListener::bind(parsed).await.map_err(Error::io(format!("cannot listen on {address}")))
}

/// Serves until `shutdown` comes, then finishes what was begun.
pub async fn serve(
    server: Server,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let watcher = tokio::spawn({
        let server = server.clone();
        async move {
            let mut ticks = tokio::time::interval(FOREIGN_WRITES);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
            loop {
                ticks.tick().await;
                if let Err(error) = server.notice_foreign_writes().await {
                    tracing::warn!(%error, "could not look for changes by other processes");
                }
            }
        }
    });
    let worker = tokio::spawn(server.clone().work_until_stopped());
    let mut stopping = server.stopping();
    let listener = listener.tap_io(|stream| {
        // Answers are short: none of them should wait for more to send.
        let _ = stream.set_nodelay(true);
    });
    let told = server.clone();
    let serving = axum::serve(listener, router(server.clone())).with_graceful_shutdown(async move {
        shutdown.await;
        told.stop_waiting();
    });
    let too_long = async {
        if stopping.wait_for(|stopping| *stopping).await.is_ok() {
            tokio::time::sleep(GRACE).await;
        }
    };
    let outcome = tokio::select! {
        outcome = serving => outcome.map_err(Error::io("the server stopped")),
        () = too_long => Ok(()),
    };
    watcher.abort();
    // Also when the listener failed: then nobody has said yet that the server stops.
    server.stop_waiting();
    // What it has begun is one transaction: done, or as if it had not begun.
    if tokio::time::timeout(GRACE, worker).await.is_err() {
        tracing::warn!("a job was broken off; another server does it, or this one at its next start");
    }
    outcome
}

/// Everything that is served.
pub fn router(server: Server) -> Router {
    let http = Arc::new(Http {
        server,
        requests: Arc::new(Semaphore::new(REQUESTS_MAX)),
        strangers: Arc::new(Semaphore::new(STRANGERS_MAX)),
        waits: Semaphore::new(WAITS_MAX),
    });
    Router::new()
        .route("/v1/enroll", post(enroll))
        .route("/v1/push", post(push))
        .route("/v1/feed", get(feed))
        .route("/v1/blanks", post(blanks))
        .route("/v1/hold", post(hold))
        .route("/v1/hold/release", post(hold_release))
        .route("/health", get(ready))
        .route("/health/ready", get(ready))
        .route("/health/live", get(live))
        .fallback(|| async { Failure(Error::not_found("such page here")) })
        .method_not_allowed_fallback(|| async {
            Failure(Error::refused("method", 405, "Not in this way", "This address takes another method."))
        })
        .layer(from_fn_with_state(Arc::clone(&http), around))
        // A page of members shrinks to a fifth. The fastest level: the network is slower than the processor
        // only up to a point.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .with_state(http)
}

/// Around every request: bounds on number and time, a guard against panics, and the headers of every answer.
async fn around(State(http): Shared, request: Request, next: Next) -> Response {
    let bound = if request.uri().path() == "/v1/enroll" { &http.strangers } else { &http.requests };
    let mut response = match Arc::clone(bound).try_acquire_owned() {
        Err(_) => Failure(Error::TooMany).into_response(),
        Ok(permit) => {
            let is_feed = request.uri().path() == "/v1/feed";
            let limit =
                if is_feed { REQUEST_TIME + Duration::from_millis(WAIT_MS_MAX) } else { REQUEST_TIME };
            // Waits have their own bound.
            let permit = (!is_feed).then_some(permit);
            let mut work = tokio::spawn(async move {
                let response = next.run(request).await;
                drop(permit);
                response
            });
            match tokio::time::timeout(limit, &mut work).await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => {
                    tracing::error!(%error, "a request failed in a way it must not");
                    Failure(Error::Damaged("a request failed".to_owned())).into_response()
                }
                Err(_) => {
                    work.abort();
                    Failure(Error::refused(
                        "timeout",
                        503,
                        "This took too long",
                        "Nothing was changed, or the same request finds it done. Try again.",
                    ))
                    .into_response()
                }
            }
        }
    };
    let headers = response.headers_mut();
    headers.insert(request::SERVER_TIME_HEADER, HeaderValue::from(http.server.now_ms()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// An error as an answer.
struct Failure(Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let problem = self.0.problem();
        if problem.status >= 500 {
            tracing::error!(error = ?self.0, "a request failed");
        } else {
            tracing::debug!(code = problem.code, "a request was refused");
        }
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match status {
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}

type Answer = std::result::Result<Response, Failure>;

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

/// Reads a body within its bound.
async fn read_body(headers: &HeaderMap, body: Body, len_max: usize) -> Result<Bytes> {
    let too_large = || {
        let detail = format!("At most {len_max} bytes are taken here. Send it in smaller parts.");
        Error::refused("too-large", 413, "This is too much at once", detail)
    };
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > len_max) {
        return Err(too_large());
    }
    to_bytes(body, len_max).await.map_err(|error| {
        // Without an announced length, the bound is met while reading.
        if announced.is_none() && error.to_string().contains("length limit") {
            return too_large();
        }
        Error::refused("cut-off", 400, "The request was cut off", "It ended before its end. Send it again.")
    })
}

/// Reads a signed request and finds the device behind it. The body is read only for a device that is known.
async fn signed(http: &Http, request: Request, len_max: usize) -> Result<(Caller, Bytes)> {
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
    let body = read_body(&parts.headers, body, len_max).await?;
    let path_and_query = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let method = parts.method.as_str();
    caller.check(&SignedRequest { method, path_and_query, device, time_ms, body: &body, signature })?;
    Ok((caller, body))
}

async fn enroll(State(http): Shared, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let body = read_body(&parts.headers, body, BODY_LEN_MAX).await?;
    let asked: EnrollRequest = serde_json::from_slice(&body)
        .map_err(|error| Error::bad_request(format!("The body is not an enrolment: {error}.")))?;
    Ok(Json(http.server.enroll(&asked).await?).into_response())
}

async fn push(State(http): Shared, request: Request) -> Answer {
    let (caller, body) = sent(&http, request, PUSH_LEN_MAX).await?;
    Ok(Json(http.server.push_body(&caller, &body).await?).into_response())
}

async fn blanks(State(http): Shared, request: Request) -> Answer {
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

async fn feed(State(http): Shared, request: Request) -> Answer {
    let query = Query::<FeedQuery>::try_from_uri(request.uri())
        .map_err(|_| Error::bad_request("after, limit and wait_ms are numbers."));
    let (caller, _) = signed(&http, request, BODY_LEN_MAX).await?;
    let Query(FeedQuery { after, limit, wait_ms }) = query?;
    let limit = limit.unwrap_or(FEED_CHANGES_MAX);
    let page = match http.waits.try_acquire() {
        Ok(_permit) => http.server.feed_wait(&caller, after, limit, wait_ms).await?,
        Err(_) => http.server.feed(&caller, after, limit).await?,
    };
    Ok(Json(page).into_response())
}

async fn hold(State(http): Shared, request: Request) -> Answer {
    let (caller, body) = signed(&http, request, BODY_LEN_MAX).await?;
    let asked: HoldRequest = serde_json::from_slice(&body)
        .map_err(|error| Error::bad_request(format!("The body does not ask for a hold: {error}.")))?;
    Ok(Json(http.server.hold(&caller, &asked).await?).into_response())
}

#[derive(Debug, Deserialize)]
struct HoldName {
    hold: String,
}

async fn hold_release(State(http): Shared, request: Request) -> Answer {
    let (caller, body) = signed(&http, request, BODY_LEN_MAX).await?;
    let asked: HoldName = serde_json::from_slice(&body)
        .map_err(|error| Error::bad_request(format!("The body does not name a hold: {error}.")))?;
    http.server.hold_release(&caller, &asked.hold).await?;
    Ok(Json(serde_json::json!({})).into_response())
}

async fn ready(State(http): Shared) -> Answer {
    http.server.check_ready().await?;
    Ok(healthy())
}

async fn live() -> Response {
    healthy()
}

fn healthy() -> Response {
    Json(serde_json::json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") })).into_response()
}
