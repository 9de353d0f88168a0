//! For those who watch over the server: health and figures.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};

use super::{Answer, Failure, Http, Shared};
use crate::error::Error;
use crate::metrics;

pub(super) async fn ready(State(http): Shared) -> Answer {
    http.server.check_ready().await?;
    Ok(healthy())
}

pub(super) async fn live() -> Response {
    healthy()
}

fn healthy() -> Response {
    Json(serde_json::json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") })).into_response()
}

pub(super) async fn metrics(State(http): Shared, request: Request) -> Response {
    if !may_read(&http, &request) {
        let refusal = Error::refused(
            "metrics",
            401,
            "These figures are not for everybody",
            "Ask from the server's own machine, or set metrics_token and send it as a bearer token.",
        );
        let mut response = Failure(refusal).into_response();
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return response;
    }
    let mut gauges = metrics::of_process();
    let names = http.names.kept() as f64;
    gauges.push(("stempel_names_open", "Members' names that are open in memory for searching.", names));
    match http.server.figures().await {
        Ok(figures) => {
            gauges.push(("stempel_database_up", "Whether the database answers.", 1.0));
            gauges.extend(figures);
        }
        Err(error) => {
            tracing::warn!(%error, "the database was asked for figures and did not answer");
            gauges.push(("stempel_database_up", "Whether the database answers.", 0.0));
        }
    }
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(CONTENT_TYPE, kind)], http.metrics.text(&gauges)).into_response()
}

/// A token, where there is one; otherwise this machine itself, and nobody through a proxy on it.
fn may_read(http: &Http, request: &Request) -> bool {
    match &http.options.metrics_token {
        Some(token) => bearer(request.headers()).is_some_and(|shown| same(shown, token.reveal())),
        None => {
            let headers = request.headers();
            let direct = !http.options.behind_proxy
                && !headers.contains_key("x-forwarded-for")
                && !headers.contains_key("forwarded");
            direct && http.address_of(request).is_loopback()
        }
    }
}

/// The token of a header `authorization: Bearer …`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares hashes, so that the time it takes says nothing of the text.
fn same(a: &str, b: &str) -> bool {
    blake3::hash(a.as_bytes()) == blake3::hash(b.as_bytes())
}
