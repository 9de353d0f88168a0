//! Reading bodies within their bounds.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;

use super::Http;
use crate::error::{Error, Result};

/// The longest body of anything but a push, in bytes.
pub(super) const BODY_LEN_MAX: usize = 16 * 1024;

/// Reads a body within its bounds on length and time.
pub(crate) async fn read_body(http: &Http, headers: &HeaderMap, body: Body, len_max: usize) -> Result<Bytes> {
    let too_large = || {
        let detail = format!("At most {len_max} bytes are taken here. Send it in smaller parts.");
        Error::refused("too-large", 413, "This is too much at once", detail)
    };
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > len_max) {
        return Err(too_large());
    }
    let read = tokio::time::timeout(http.options.body_time, to_bytes(body, len_max)).await;
    let read = read.map_err(|_| {
        let detail = "It did not arrive in time. Nothing was changed; send it again.";
        // As “busy”: a device behind a slow line waits and tries again.
        Error::refused("too-slow", 503, "The request came too slowly", detail)
    })?;
    read.map_err(|error| {
        // Without an announced length, the bound is met while reading.
        if announced.is_none() && error.to_string().contains("length limit") {
            return too_large();
        }
        Error::refused("cut-off", 400, "The request was cut off", "It ended before its end. Send it again.")
    })
}
