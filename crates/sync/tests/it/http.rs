//! What is said over HTTP, and what is made of answers that are none.

use std::sync::Arc;

use stempel_domain::AuthorId;
use stempel_domain::ports::Clock;
use stempel_sync::Keys;
use stempel_sync::http::Http;
use stempel_sync::{SyncError, Transport};
use stempel_wire::message::EnrollRequest;
use stempel_wire::request::{self, DEVICE_HEADER, SIGNATURE_HEADER, TIME_HEADER};
use stempel_wire::{SecretKey, Signature};

use crate::stranger::{Asked, answer, answering};

const DEVICE: AuthorId = AuthorId([0x33; 16]);
const NOW_MS: i64 = 1_780_395_000_000;
const PAGE: &str = r#"{"epoch":"e","changes":[],"next":7,"head":7,"held":3,"held_hash":""}"#;
const PUSHED: &str = r#"{"epoch":"e","held":{}}"#;

struct Still;

impl Clock for Still {
    fn now_ms(&self) -> i64 {
        NOW_MS
    }

    fn offset_minutes_at(&self, _utc_ms: i64) -> i16 {
        0
    }
}

fn key() -> SecretKey {
    SecretKey::from_bytes(&[2; 32])
}

fn to(address: &str, known_skew_ms: Option<i64>) -> Http {
    Http::new(address, DEVICE, Arc::new(key()), Arc::new(Still), known_skew_ms).unwrap()
}

/// Asks for the feed where this answers.
fn fed(answers: &[String]) -> SyncError {
    let (address, _) = answering(answers.to_vec());
    to(&address, None).feed(0, 10, 0).unwrap_err()
}

fn problem(status: u16, code: &str) -> String {
    let body = format!(r#"{{"code":"{code}","title":"Title","detail":"Detail.","status":{status}}}"#);
    answer(status, "content-type: application/problem+json\r\n", &body)
}

/// Whether the device signed exactly what arrived; gives the time it named.
fn signed(asked: &Asked) -> i64 {
    assert_eq!(asked.headers[DEVICE_HEADER], DEVICE.to_string());
    let time_ms = asked.headers[TIME_HEADER].parse().unwrap();
    let signature = Signature::parse(&asked.headers[SIGNATURE_HEADER]).unwrap();
    request::verify(&key().public(), &asked.method, &asked.path, DEVICE, time_ms, &asked.body, &signature)
        .unwrap();
    time_ms
}

#[test]
fn every_question_is_signed_as_it_is_sent() {
    let blanks = r#"{"blanks":[]}"#;
    let (address, asked) = answering([PAGE, PUSHED, blanks].map(|body| answer(200, "", body)).to_vec());
    let mut http = to(&address, None);
    assert_eq!(http.feed(5, 10, 250).unwrap().next, 7);
    assert_eq!(http.push(b"rows".to_vec()).unwrap().epoch, "e");
    assert!(http.blanks().unwrap().blanks.is_empty());
    let lines: Vec<String> = asked
        .iter()
        .take(3)
        .map(|asked| {
            assert_eq!(signed(&asked), NOW_MS);
            format!("{} {} {}", asked.method, asked.path, asked.body.len())
        })
        .collect();
    assert_eq!(
        lines,
        ["GET /v1/feed?after=5&limit=10&wait_ms=250 0", "POST /v1/push 4", "POST /v1/blanks 0"]
    );
}

#[test]
fn a_wrong_clock_is_corrected_by_the_server_s_and_the_question_asked_once_more() {
    let server_ms = NOW_MS - 3_600_000;
    let time = format!("stempel-server-time: {server_ms}\r\n");
    let refused = problem(401, "clock").replace("\r\n\r\n", &format!("\r\n{time}\r\n"));
    let (address, asked) = answering(vec![refused.clone(), answer(200, &time, PAGE)]);
    let mut http = to(&address, None);
    http.feed(0, 10, 0).unwrap();
    let times: Vec<i64> = asked.iter().take(2).map(|asked| signed(&asked)).collect();
    assert_eq!(times, [NOW_MS, server_ms]);
    assert_eq!(http.skew_ms(), Some(3_600_000));
    let (address, asked) = answering(vec![refused.clone(), refused]);
    let error = to(&address, None).feed(0, 10, 0).unwrap_err();
    assert_eq!(error.code(), Some("clock"), "it does not insist");
    assert_eq!(asked.iter().count(), 2);
}

#[test]
fn a_server_that_has_not_heard_of_the_newest_key_is_asked_with_the_one_before() {
    let refused = problem(401, "signature");
    let page = || answer(200, "", PAGE);
    let answers = vec![refused.clone(), page(), page(), refused.clone(), page(), refused.clone(), refused];
    let (address, asked) = answering(answers);
    let keys = Keys::from(Arc::new(key()));
    let newest = Arc::new(SecretKey::from_bytes(&[9; 32]));
    let mut http = Http::new(&address, DEVICE, keys.clone(), Arc::new(Still), None).unwrap();
    // The line was there before the key was changed.
    keys.change(Arc::clone(&newest));
    http.feed(0, 10, 0).unwrap();
    http.feed(0, 10, 0).unwrap();
    // By now the server has heard of it.
    http.feed(0, 10, 0).unwrap();
    let by_newest = |asked: &Asked| {
        let signature = Signature::parse(&asked.headers[SIGNATURE_HEADER]).unwrap();
        let time_ms = asked.headers[TIME_HEADER].parse().unwrap();
        request::verify(
            &newest.public(),
            &asked.method,
            &asked.path,
            DEVICE,
            time_ms,
            &asked.body,
            &signature,
        )
        .is_ok()
    };
    let used: Vec<bool> = asked.iter().take(5).map(|asked| by_newest(&asked)).collect();
    assert_eq!(used, [true, false, false, false, true], "the one that was taken last comes first");
    assert_eq!(http.feed(0, 10, 0).unwrap_err().code(), Some("signature"), "each key is tried once");
}

#[test]
fn what_was_known_of_the_clock_is_used_from_the_first_question() {
    let (address, asked) = answering(vec![answer(200, "", PAGE)]);
    to(&address, Some(60_000)).feed(0, 10, 0).unwrap();
    assert_eq!(signed(&asked.recv().unwrap()), NOW_MS - 60_000);
}

#[test]
fn an_enrolment_goes_unsigned_with_its_proof() {
    let (address, asked) = answering(vec![problem(409, "code-used")]);
    let code = "K7Q2-M9XV";
    let proof = key().sign(EnrollRequest::CONTEXT, code.as_bytes());
    let request = EnrollRequest {
        code: code.into(),
        device: DEVICE,
        public_key: key().public(),
        proof,
        name: "Bar".into(),
        journal_key: None,
    };
    let error = to(&address, None).enroll(&request).unwrap_err();
    assert_eq!(error.code(), Some("code-used"));
    assert_eq!(error.to_string(), "Title. Detail.");
    let asked = asked.recv().unwrap();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/v1/enroll"));
    assert_eq!(serde_json::from_slice::<EnrollRequest>(&asked.body).unwrap(), request);
}

#[test]
fn each_wrong_answer_is_called_by_its_name() {
    let rubbish = |error: &SyncError| matches!(error, SyncError::Rubbish(_));
    assert_eq!(fed(&[problem(403, "device-revoked")]).code(), Some("device-revoked"));
    assert_eq!(fed(&[problem(503, "timeout")]), SyncError::Busy);
    assert_eq!(fed(&[problem(429, "slow-down")]), SyncError::Busy);
    assert_eq!(fed(&[answer(502, "", "<html>bad gateway</html>")]), SyncError::Busy);
    assert_eq!(fed(&[answer(500, "", "")]), SyncError::Busy);
    assert!(rubbish(&fed(&[answer(200, "", "<html>welcome to our hotel</html>")])));
    assert!(rubbish(&fed(&[answer(200, "", "{}")])));
    assert!(rubbish(&fed(&[answer(404, "", "nothing here")])));
    assert!(
        rubbish(&fed(&[answer(302, "location: https://hotel.example/\r\n", "")])),
        "it follows nobody elsewhere"
    );
    assert!(rubbish(&fed(&[answer(400, "", r#"{"code":""}"#)])), "a problem has a code");
}

#[test]
fn an_answer_that_breaks_off_changes_nothing() {
    let whole = answer(200, "", PAGE);
    for part in [0, 10, 40, whole.len() - 30, whole.len() - 1] {
        let error = fed(&[whole[..part].to_owned()]);
        assert!(matches!(error, SyncError::CutOff | SyncError::Unreachable), "after {part} bytes: {error:?}");
    }
    let garbled = fed(&["SSH-2.0-OpenSSH_9.2\r\n".to_owned()]);
    assert!(matches!(garbled, SyncError::CutOff | SyncError::Rubbish(_)), "{garbled:?}");
}

#[test]
fn nobody_at_the_address_is_said_so() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = to(&format!("http://127.0.0.1:{port}"), None).feed(0, 10, 0).unwrap_err();
    assert_eq!(error, SyncError::Unreachable);
    assert!(error.to_string().contains("everything is kept here"));
}

#[test]
fn questions_go_to_the_root_of_the_address() {
    let (address, asked) = answering(vec![answer(200, "", PAGE)]);
    to(&format!("{address}/"), None).feed(0, 10, 0).unwrap();
    assert!(asked.recv().unwrap().path.starts_with("/v1/feed"));
}
