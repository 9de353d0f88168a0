//! The thin layer of HTTP over [`Server`]: reads requests within bounds, checks who asks, writes answers.
//!
//! | route | who | what |
//! |---|---|---|
//! | `POST /v1/enroll` | anybody with a code | makes a device belong to a shop |
//! | `POST /v1/push` | a device | takes rows of journals |
//! | `GET /v1/feed?after=&limit=&wait_ms=` | a device | changes after a position |
//! | `POST /v1/blanks` | a device | its pool of blank cards |
//! | `POST /v1/hold`, `/v1/hold/release` | a device | sets an amount aside while a guest redeems |
//! | `GET`, `POST /v1/relay` | a device | short notes between the devices of a shop (`relay`) |
//! | `/api/v1/…` | an API key or an account | what other systems and people do (`api`) |
//! | `GET /C/{token}`, `/J/{code}`, `/card`, … | anybody | the member's card (`card`) |
//! | `/card/v1/…` | a member's phone, or anybody | what the card's pages ask (`card`) |
//! | `/`, `/dashboard/…` | people with an account | the owner's pages (`dashboard`) |
//! | `GET /assets/{name}` | anybody | style sheets and scripts of the pages (`web`) |
//! | `GET /metrics` | this machine, or a token | what was counted |
//! | `GET /health`, `/health/ready` | anybody | whether the database answers |
//! | `GET /health/live` | anybody | whether the process runs |
//!
//! Every answer carries the server's time, so that a device with a wrong clock can correct itself, and the
//! request's id, under which the log speaks of it. Errors are `application/problem+json`.

mod body;
mod devices;
mod serve;
mod watch;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, RETRY_AFTER,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use stempel_wire::request;
use tokio::sync::Semaphore;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tracing::Instrument as _;

use crate::accounts::Guard;
use crate::api;
use crate::card;
use crate::config::Secret;
use crate::dashboard;
use crate::error::Error;
use crate::feed::WAIT_MS_MAX;
use crate::mail::Mailer;
use crate::metrics::Metrics;
use crate::relay::{self, Relay};
use crate::server::Server;
use crate::tls::Tls;
use crate::web;

pub(crate) use body::read_body;
pub(crate) use devices::signed;
pub use serve::{listen, serve, serve_with};
pub(crate) use watch::bearer;

/// How long a request may take, beside the wait that it asks for.
const REQUEST_TIME: Duration = Duration::from_secs(20);
/// Requests worked on at once, waits for changes not counted: each may hold a push in memory.
const REQUESTS_MAX: usize = 128;
/// Requests at once through the API.
const OTHERS_MAX: usize = 64;
/// Requests at once of those who are not known yet: enrolments, attempts to sign in.
const STRANGERS_MAX: usize = 32;
/// Waits for changes at once. Beyond it a request for changes is answered without waiting.
const WAITS_MAX: usize = 4096;
/// The header with a request's id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken from a proxy.
const REQUEST_ID_LEN_MAX: usize = 64;

/// How the door is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The server speaks TLS itself.
    pub tls: Option<Arc<Tls>>,
    /// A proxy stands before the server: it says who asks, and gives requests their ids.
    pub behind_proxy: bool,
    /// What a reader of `/metrics` has to show.
    pub metrics_token: Option<Secret>,
    /// Where mails go.
    pub mailer: Option<Mailer>,
    /// The address under which people reach the server.
    pub public_url: Option<String>,
    /// Webhooks may go to private networks, and by plain http.
    pub webhooks_private: bool,
    /// How long a client may take for the head of a request.
    pub header_time: Duration,
    /// How long a client may take for the body of a request.
    pub body_time: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tls: None,
            behind_proxy: false,
            metrics_token: None,
            mailer: None,
            public_url: None,
            webhooks_private: false,
            header_time: Duration::from_secs(30),
            body_time: Duration::from_secs(15),
        }
    }
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(IpAddr);

pub(crate) struct Http {
    pub(crate) server: Server,
    pub(crate) options: Options,
    pub(crate) metrics: Metrics,
    pub(crate) guard: Guard,
    pub(crate) names: dashboard::Names,
    requests: Arc<Semaphore>,
    /// Other systems and people: they cannot keep devices out by asking a lot.
    others: Arc<Semaphore>,
    /// Whoever is not known yet cannot keep devices out by sending slowly.
    strangers: Arc<Semaphore>,
    pub(crate) waits: Semaphore,
    pub(crate) gate: card::Gate,
    pub(crate) relay: Relay,
}

pub(crate) type Shared = State<Arc<Http>>;

impl Http {
    fn new(server: Server, options: Options) -> Self {
        Self {
            server,
            options,
            metrics: Metrics::default(),
            guard: Guard::default(),
            names: dashboard::Names::default(),
            requests: Arc::new(Semaphore::new(REQUESTS_MAX)),
            others: Arc::new(Semaphore::new(OTHERS_MAX)),
            strangers: Arc::new(Semaphore::new(STRANGERS_MAX)),
            waits: Semaphore::new(WAITS_MAX),
            gate: card::Gate::default(),
            relay: Relay::default(),
        }
    }

    /// Where a request comes from: the connection's other end, or what the proxy before the server says.
    pub(crate) fn address_of(&self, request: &Request) -> IpAddr {
        let peer =
            request.extensions().get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0);
        if !self.options.behind_proxy {
            return peer;
        }
        // The proxy adds the address that it saw at the end; what stands before it anybody can write.
        let said = request.headers().get_all("x-forwarded-for").iter().next_back();
        let last = said.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
        last.unwrap_or(peer)
    }

    /// The id of a request: the proxy's, if there is one, or a new one.
    fn request_id(&self, headers: &HeaderMap) -> String {
        let said = headers.get(REQUEST_ID).filter(|_| self.options.behind_proxy);
        let said = said.and_then(|value| value.to_str().ok()).filter(|id| {
            (1..=REQUEST_ID_LEN_MAX).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        });
        said.map_or_else(|| crate::enroll::short_name(&self.server.random::<10>()), str::to_owned)
    }
}

/// Everything that is served.
pub fn router(server: Server) -> Router {
    router_of(Arc::new(Http::new(server, Options::default())))
}

fn router_of(http: Arc<Http>) -> Router {
    let pages = web::routes().into_iter().chain(dashboard::routes()).chain(card::routes());
    let routes = api::routes().into_iter().chain(pages);
    let router = routes.fold(Router::new(), |router, (path, methods)| router.route(path, methods));
    router
        .route("/v1/enroll", post(devices::enroll))
        .route("/v1/push", post(devices::push))
        .route("/v1/copy", post(devices::copy))
        .route("/v1/feed", get(devices::feed))
        .route("/v1/blanks", post(devices::blanks))
        .route(relay::PATH, get(relay::get).post(relay::post))
        .route("/v1/hold", post(devices::hold))
        .route("/v1/hold/release", post(devices::hold_release))
        .route("/health", get(watch::ready))
        .route("/health/ready", get(watch::ready))
        .route("/health/live", get(watch::live))
        .route("/metrics", get(watch::metrics))
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

/// Around every request: its id, what is counted and logged of it, and the headers of every answer. The log
/// names routes as the router writes them: what stands in an address may be a card's code.
async fn around(State(http): Shared, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("unknown", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let id = http.request_id(request.headers());
    let span = tracing::info_span!("request", %id, %method, route);
    let began = Instant::now();
    http.metrics.began();
    let mut response = bounded(&http, &route, request, next).instrument(span.clone()).await;
    let (status, took) = (response.status().as_u16(), began.elapsed());
    http.metrics.answered(&route, method.as_str(), status, took);
    let millis = took.as_millis() as u64;
    span.in_scope(|| {
        if route.starts_with("/health") || route == "/metrics" {
            tracing::debug!(status, millis, "answered");
        } else {
            tracing::info!(status, millis, "answered");
        }
    });
    let headers = response.headers_mut();
    headers.insert(request::SERVER_TIME_HEADER, HeaderValue::from(http.server.now_ms()));
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        // A page for people says itself what it may load, and for how long it can be kept.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if http.options.tls.is_some() {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

/// Answers a request within the bounds on number and time, guarded against panics.
async fn bounded(http: &Arc<Http>, route: &str, request: Request, next: Next) -> Response {
    let bound = match route {
        _ if is_for_strangers(route) || card::is_for_strangers(route) => &http.strangers,
        _ if route.starts_with("/api/") || route.starts_with("/dashboard") => &http.others,
        _ => &http.requests,
    };
    let Ok(permit) = Arc::clone(bound).try_acquire_owned() else {
        return Failure(Error::TooMany).into_response();
    };
    let waits = request.method() == Method::GET;
    let is_feed = waits && ["/v1/feed", relay::PATH, card::WAITS].contains(&route);
    let limit = if is_feed { REQUEST_TIME + Duration::from_millis(WAIT_MS_MAX) } else { REQUEST_TIME };
    // Waits have their own bound.
    let permit = (!is_feed).then_some(permit);
    let work = async move {
        let response = next.run(request).await;
        drop(permit);
        response
    };
    let mut work = tokio::spawn(work.in_current_span());
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

/// Whether those ask who are not known yet.
fn is_for_strangers(route: &str) -> bool {
    matches!(
        route,
        "/v1/enroll"
            | "/api/v1/session"
            | "/api/v1/password"
            | "/api/v1/password/forgotten"
            | "/dashboard/sign-in"
            | "/dashboard/sign-in/code"
            | "/dashboard/password"
            | "/dashboard/forgotten"
    )
}

/// An error as an answer.
pub(crate) struct Failure(pub(crate) Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let problem = self.0.problem();
        if problem.status >= 500 {
            tracing::error!(error = ?self.0, code = problem.code, "a request failed");
        } else {
            tracing::debug!(code = problem.code, "refused");
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

pub(crate) type Answer = std::result::Result<Response, Failure>;
