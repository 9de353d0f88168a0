//! The questions over HTTP.

use std::io::Read;
use std::sync::{Arc, Once};
use std::time::Duration;

use reqwest::Url;
use reqwest::blocking::{Client, Response};
use serde::de::DeserializeOwned;
use stempel_domain::AuthorId;
use stempel_domain::ports::Clock;
use stempel_wire::message::{
    BlanksAnswer, EnrollAnswer, EnrollRequest, FeedPage, HoldAnswer, HoldRequest, Problem, PushAnswer,
};
use stempel_wire::request::{DEVICE_HEADER, SERVER_TIME_HEADER, SIGNATURE_HEADER, TIME_HEADER, sign};
use stempel_wire::{PublicKey, SecretKey};

use crate::{Keys, SyncError, Transport};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest answer that is read, in bytes: a page of the feed with a thousand members fits many times.
const ANSWER_LEN_MAX: u64 = 64 * 1024 * 1024;

/// Talks to one server as one device.
pub struct Http {
    client: Client,
    base: Url,
    device: AuthorId,
    keys: Keys,
    /// The key that the server knew last.
    known: Option<PublicKey>,
    clock: Arc<dyn Clock>,
    skew_ms: Option<i64>,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Http({})", self.base)
    }
}

/// Checks a server's address: https anywhere, plain http on this machine only.
pub fn parse_address(address: &str) -> Result<Url, SyncError> {
    let url = Url::parse(address.trim()).map_err(|_| SyncError::BadAddress(address.to_owned()))?;
    let host = url.host_str().ok_or_else(|| SyncError::BadAddress(address.to_owned()))?;
    let loopback = host == "localhost"
        || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        "http" => Err(SyncError::Insecure),
        _ => Err(SyncError::BadAddress(address.to_owned())),
    }
}

/// TLS needs its cryptography named once in a process.
fn name_cryptography() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that somebody else has named one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// What the other devices of the shop have said.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Notes {
    /// The number up to which was looked.
    pub last: u64,
    /// The notes, oldest first.
    pub notes: Vec<HeardNote>,
}

/// A note of another device.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct HeardNote {
    /// Who said it.
    pub from: AuthorId,
    /// What was said.
    pub note: serde_json::Value,
}

impl Http {
    /// Prepares to talk to a server. Nothing is sent yet.
    pub fn new(
        address: &str,
        device: AuthorId,
        keys: impl Into<Keys>,
        clock: Arc<dyn Clock>,
        known_skew_ms: Option<i64>,
    ) -> Result<Self, SyncError> {
        name_cryptography();
        let base = parse_address(address)?;
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| SyncError::Rubbish(error.to_string()))?;
        Ok(Self { client, base, device, keys: keys.into(), known: None, clock, skew_ms: known_skew_ms })
    }

    fn url(&self, path: &str) -> Result<Url, SyncError> {
        self.base.join(path).map_err(|_| SyncError::BadAddress(path.to_owned()))
    }

    /// Asks, signed; a clock that is off is corrected by the server's and the question asked once more. A key that the
    /// server does not know (yet, or any more) gives way to the device's next one.
    fn ask<T: DeserializeOwned>(
        &mut self,
        method: &str,
        path: &str,
        body: Vec<u8>,
        wait_ms: u64,
    ) -> Result<T, SyncError> {
        self.ask_within(method, path, body, ANSWER_TIMEOUT + Duration::from_millis(wait_ms))
    }

    fn ask_within<T: DeserializeOwned>(
        &mut self,
        method: &str,
        path: &str,
        body: Vec<u8>,
        patience: Duration,
    ) -> Result<T, SyncError> {
        let mut keys = self.keys.all();
        // The one that it knew last comes first; the others stay in their order.
        keys.sort_by_key(|key| self.known != Some(key.public()));
        let mut last = Err(SyncError::Stuck);
        for key in keys {
            last = match self.ask_once(&key, method, path, body.clone(), patience) {
                Err(error) if error.code() == Some("clock") => {
                    self.ask_once(&key, method, path, body.clone(), patience)
                }
                answer => answer,
            };
            if !matches!(&last, Err(error) if error.code() == Some("signature")) {
                self.known = Some(key.public());
                break;
            }
        }
        last
    }

    fn ask_once<T: DeserializeOwned>(
        &mut self,
        key: &SecretKey,
        method: &str,
        path: &str,
        body: Vec<u8>,
        patience: Duration,
    ) -> Result<T, SyncError> {
        let url = self.url(path)?;
        let signed_path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let time_ms = self.clock.now_ms().saturating_sub(self.skew_ms.unwrap_or(0));
        let signature = sign(key, method, &signed_path, self.device, time_ms, &body);
        let request = if method == "GET" { self.client.get(url) } else { self.client.post(url).body(body) };
        let request = request
            .header(DEVICE_HEADER, self.device.to_string())
            .header(TIME_HEADER, time_ms.to_string())
            .header(SIGNATURE_HEADER, signature.to_string())
            .timeout(patience);
        self.send(request)
    }

    fn send<T: DeserializeOwned>(
        &mut self,
        request: reqwest::blocking::RequestBuilder,
    ) -> Result<T, SyncError> {
        let response = request.send().map_err(|error| in_plain_words(&error))?;
        self.note_server_time(&response);
        let status = response.status();
        let mut body = Vec::new();
        response.take(ANSWER_LEN_MAX + 1).read_to_end(&mut body).map_err(|_| SyncError::CutOff)?;
        if body.len() as u64 > ANSWER_LEN_MAX {
            return Err(SyncError::Rubbish("the answer is far too long".into()));
        }
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| SyncError::Rubbish(error.to_string()));
        }
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) if !problem.code.is_empty() => match status.as_u16() {
                429 | 503 => Err(SyncError::Busy),
                _ => Err(SyncError::Refused(problem)),
            },
            _ if status.is_server_error() => Err(SyncError::Busy),
            _ => Err(SyncError::Rubbish(format!("status {}", status.as_u16()))),
        }
    }

    /// Asks for units to be set aside; the server has so long for its answer.
    ///
    /// # Errors
    /// The problem `not-enough` if there is less beside what others have set aside; no answer in time.
    pub fn hold(&mut self, wanted: &HoldRequest, patience: Duration) -> Result<HoldAnswer, SyncError> {
        let body = serde_json::to_vec(wanted).map_err(|error| SyncError::Rubbish(error.to_string()))?;
        self.ask_within("POST", "/v1/hold", body, patience)
    }

    /// Gives back what was set aside under a name.
    ///
    /// # Errors
    /// It did not arrive; the hold runs out by itself.
    pub fn hold_release(&mut self, hold: &str, patience: Duration) -> Result<(), SyncError> {
        let body = serde_json::json!({ "hold": hold }).to_string().into_bytes();
        self.ask_within::<serde_json::Value>("POST", "/v1/hold/release", body, patience).map(drop)
    }

    /// Says a short note, a JSON value, to the other devices of the shop.
    ///
    /// # Errors
    /// It did not arrive; it is not kept.
    pub fn say(&mut self, note: Vec<u8>) -> Result<(), SyncError> {
        self.ask::<serde_json::Value>("POST", "/v1/relay", note, 0).map(drop)
    }

    /// Asks for the notes of the others after a number; the server may hold the answer for so long.
    ///
    /// # Errors
    /// The server does not answer, or not as it should.
    pub fn notes(&mut self, after: u64, wait_ms: u64) -> Result<Notes, SyncError> {
        self.ask("GET", &format!("/v1/relay?after={after}&wait_ms={wait_ms}"), Vec::new(), wait_ms)
    }

    fn note_server_time(&mut self, response: &Response) {
        let header = response.headers().get(SERVER_TIME_HEADER);
        if let Some(server_ms) =
            header.and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<i64>().ok())
        {
            self.skew_ms = Some(self.clock.now_ms().saturating_sub(server_ms));
        }
    }
}

impl Transport for Http {
    fn enroll(&mut self, request: &EnrollRequest) -> Result<EnrollAnswer, SyncError> {
        let body = serde_json::to_vec(request).map_err(|error| SyncError::Rubbish(error.to_string()))?;
        let url = self.url("/v1/enroll")?;
        let request = self.client.post(url).header("content-type", "application/json").body(body);
        self.send(request)
    }

    fn push(&mut self, body: Vec<u8>) -> Result<PushAnswer, SyncError> {
        self.ask("POST", "/v1/push", body, 0)
    }

    fn feed(&mut self, after: u64, limit: usize, wait_ms: u64) -> Result<FeedPage, SyncError> {
        self.ask(
            "GET",
            &format!("/v1/feed?after={after}&limit={limit}&wait_ms={wait_ms}"),
            Vec::new(),
            wait_ms,
        )
    }

    fn copy(&mut self, sealed: Vec<u8>) -> Result<PushAnswer, SyncError> {
        self.ask("POST", "/v1/copy", sealed, 0)
    }

    fn blanks(&mut self) -> Result<BlanksAnswer, SyncError> {
        self.ask("POST", "/v1/blanks", Vec::new(), 0)
    }

    fn skew_ms(&self) -> Option<i64> {
        self.skew_ms
    }
}

fn in_plain_words(error: &reqwest::Error) -> SyncError {
    if error.is_timeout() && !error.is_connect() {
        SyncError::Slow
    } else if error.is_connect() || error.is_timeout() {
        SyncError::Unreachable
    } else if error.is_body() || error.is_decode() {
        SyncError::CutOff
    } else if error.is_request() {
        // The connection was there and broke before an answer began.
        SyncError::CutOff
    } else {
        SyncError::Rubbish(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_goes_in_clear_to_this_machine_alone() {
        for good in
            ["https://stempel.example", "http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:80/"]
        {
            assert!(parse_address(good).is_ok(), "{good}");
        }
        assert_eq!(parse_address("http://192.168.0.5:8080"), Err(SyncError::Insecure));
        assert_eq!(parse_address("http://localhost.example"), Err(SyncError::Insecure));
        for bad in ["", "stempel.example", "ftp://x", "javascript:1"] {
            assert!(matches!(parse_address(bad), Err(SyncError::BadAddress(_))), "{bad}");
        }
    }
}
