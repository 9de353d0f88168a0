//! How a device signs what it says to the server.
//!
//! Three headers: [`DEVICE_HEADER`], [`TIME_HEADER`] (milliseconds) and [`SIGNATURE_HEADER`]. Signed,
//! context `stempel request v1`: method, path with query, device, time and the BLAKE3 hash of the body, each
//! on a line of its own. A request older or newer than [`WINDOW_MS`] is refused with the server's time, so
//! that a device with a wrong clock can correct itself and ask again.

use stempel_domain::AuthorId;

use crate::key::{KeyError, PublicKey, SecretKey, Signature};

/// Who asks.
pub const DEVICE_HEADER: &str = "stempel-device";
/// When, by the device's clock corrected by what it knows of the server's.
pub const TIME_HEADER: &str = "stempel-time";
/// The signature.
pub const SIGNATURE_HEADER: &str = "stempel-signature";
/// In answers: the server's clock.
pub const SERVER_TIME_HEADER: &str = "stempel-server-time";
/// How far a request's time may be from the server's clock.
pub const WINDOW_MS: i64 = 5 * 60 * 1000;

const CONTEXT: &str = "stempel request v1";

fn message(method: &str, path_and_query: &str, device: AuthorId, time_ms: i64, body: &[u8]) -> Vec<u8> {
    format!("{method}\n{path_and_query}\n{device}\n{time_ms}\n{}", blake3::hash(body).to_hex()).into_bytes()
}

/// Signs a request.
pub fn sign(
    key: &SecretKey,
    method: &str,
    path_and_query: &str,
    device: AuthorId,
    time_ms: i64,
    body: &[u8],
) -> Signature {
    key.sign(CONTEXT, &message(method, path_and_query, device, time_ms, body))
}

/// Checks a request's signature.
pub fn verify(
    key: &PublicKey,
    method: &str,
    path_and_query: &str,
    device: AuthorId,
    time_ms: i64,
    body: &[u8],
    signature: &Signature,
) -> Result<(), KeyError> {
    key.verify(CONTEXT, &message(method, path_and_query, device, time_ms, body), signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_request_is_signed() {
        let (key, device) = (SecretKey::from_bytes(&[1; 32]), AuthorId([2; 16]));
        let signature = sign(&key, "POST", "/v1/push", device, 5, b"body");
        let check = |method, path, time, body: &[u8]| {
            verify(&key.public(), method, path, device, time, body, &signature).is_ok()
        };
        assert!(check("POST", "/v1/push", 5, b"body"));
        assert!(!check("GET", "/v1/push", 5, b"body"));
        assert!(!check("POST", "/v1/pull", 5, b"body"));
        assert!(!check("POST", "/v1/push", 6, b"body"));
        assert!(!check("POST", "/v1/push", 5, b"bodY"));
    }
}
