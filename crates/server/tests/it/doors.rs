//! What every request meets: its id, the headers of every answer, figures, TLS, bounds on slow clients.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use stempel_server::config::Secret;
use stempel_server::http::{self, Options};
use stempel_server::tls::Tls;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use crate::http::{Address, Site};
use crate::world::World;

#[tokio::test]
async fn every_answer_has_an_id_and_says_what_browsers_may_do() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let mut ids = Vec::new();
    for path in ["/health/live", "/v1/feed", "/api/v1/shops", "/nothing", "/api/v1/openapi.json"] {
        let answer = site.send("GET", path, "x-request-id: mine\r\n", b"").await;
        for (name, part) in [
            ("content-security-policy", "default-src 'none'"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "deny"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
        ] {
            assert!(answer.header(name).is_some_and(|value| value.contains(part)), "{path}: {}", answer.head);
        }
        assert!(answer.header("strict-transport-security").is_none());
        let id = answer.header("x-request-id").unwrap().to_owned();
        assert_eq!(id.len(), 16, "a stranger's id is not taken");
        ids.push(id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 5);
    let behind = Site::open_with(&world, Options { behind_proxy: true, ..Options::default() }).await;
    let answer = behind.send("GET", "/health/live", "x-request-id: proxy-7\r\n", b"").await;
    assert_eq!(answer.header("x-request-id"), Some("proxy-7"));
    let answer = behind.send("GET", "/health/live", "x-request-id: a b\r\n", b"").await;
    assert_eq!(answer.header("x-request-id").unwrap().len(), 16);
}

#[tokio::test]
async fn figures_are_counted_and_not_for_everybody() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    world.device(1).await;
    for _ in 0..3 {
        site.send("GET", "/api/v1/members/S1SECRETCODE", "", b"").await;
    }
    let text = String::from_utf8(site.send("GET", "/metrics", "", b"").await.body).unwrap();
    for line in [
        "stempel_http_requests_total{route=\"/api/v1/members/{code}\",method=\"GET\",status=\"401\"} 3",
        "stempel_devices 1",
        "stempel_tenants 1",
        "stempel_database_up 1",
        "stempel_http_requests_in_flight 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(!text.contains("S1SECRETCODE"));
    // Each line is a comment or a series with a number.
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    let proxied = site.send("GET", "/metrics", "x-forwarded-for: 203.0.113.9\r\n", b"").await;
    assert_eq!((proxied.status, &proxied.problem().code[..]), (401, "metrics"));
    let options = Options { metrics_token: Some(Secret::new("wort")), ..Options::default() };
    let guarded = Site::open_with(&world, options).await;
    assert_eq!(guarded.send("GET", "/metrics", "", b"").await.status, 401);
    assert_eq!(guarded.send("GET", "/metrics", "authorization: Bearer wort\r\n", b"").await.status, 200);
    world.server.db().close().await;
    let text = String::from_utf8(site.send("GET", "/metrics", "", b"").await.body).unwrap();
    assert!(text.contains("stempel_database_up 0"), "{text}");
}

#[tokio::test]
async fn whoever_sends_slowly_is_not_waited_for() {
    let world = World::new().await;
    let options = Options {
        header_time: Duration::from_millis(400),
        body_time: Duration::from_millis(400),
        ..Options::default()
    };
    let site = Site::open_with(&world, options).await;
    let started = Instant::now();
    // A head that never ends.
    let mut stream = TcpStream::connect(&site.at.0).await.unwrap();
    stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    let mut rest = Vec::new();
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await.unwrap();
    // A byte now and then keeps nothing alive either.
    let mut stream = TcpStream::connect(&site.at.0).await.unwrap();
    let dripping = async {
        for byte in b"GET /health/live HTTP/1.1\r\nx: ".iter().cycle() {
            if stream.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(8), dripping).await.unwrap();
    // A body that never comes.
    let head = "POST /api/v1/session HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                content-type: application/json\r\ncontent-length: 50\r\n\r\n{";
    let answer = timeout(Duration::from_secs(5), site.raw(head.as_bytes())).await.unwrap();
    assert_eq!((answer.status, &answer.problem().code[..]), (503, "too-slow"));
    assert!(started.elapsed() < Duration::from_secs(15));
    assert_eq!(site.send("GET", "/health/live", "", b"").await.status, 200);
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let long = format!("x-long: {}\r\n", "a".repeat(40_000));
    let answer = site.send("GET", "/health/live", &long, b"").await;
    assert!([0, 431].contains(&answer.status), "{}", answer.status);
    let many: String = (0..100).map(|number| format!("x-{number}: 1\r\n")).collect();
    let answer = site.send("GET", "/health/live", &many, b"").await;
    assert!([0, 431].contains(&answer.status), "{}", answer.status);
    assert_eq!(site.send("GET", "/health/live", "", b"").await.status, 200);
}

/// A certificate for localhost, written beside each other: the certificate's bytes are given.
fn certify(folder: &std::path::Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("chain.pem"), made.cert.pem()).unwrap();
    made.cert.der().clone()
}

/// What a client that trusts this certificate alone is answered.
async fn over_tls(at: &Address, trusted: &CertificateDer<'static>) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(&at.0).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    Ok(String::from_utf8_lossy(&answer).to_lowercase())
}

#[tokio::test]
async fn tls_is_spoken_and_a_new_certificate_is_taken_while_running() {
    let world = World::new().await;
    let folder = world.folder.path();
    let first = certify(folder);
    let tls = Arc::new(Tls::read(&folder.join("chain.pem"), &folder.join("key.pem")).unwrap());
    let site = Site::open_with(&world, Options { tls: Some(Arc::clone(&tls)), ..Options::default() }).await;
    let answer = over_tls(&site.at, &first).await.unwrap();
    assert!(answer.starts_with("http/1.1 200") && answer.contains("strict-transport-security"), "{answer}");
    // Plain http is not answered there.
    assert_eq!(site.send("GET", "/health/live", "", b"").await.status, 0);
    // A file that is no certificate changes nothing.
    std::fs::write(folder.join("chain.pem"), "nonsense").unwrap();
    tls.look_again();
    assert!(over_tls(&site.at, &first).await.is_ok());
    tokio::time::sleep(Duration::from_millis(20)).await;
    let second = certify(folder);
    tls.look_again();
    assert!(over_tls(&site.at, &second).await.is_ok());
    assert!(over_tls(&site.at, &first).await.is_err());
    let error = Tls::read(&folder.join("key.pem"), &folder.join("key.pem")).unwrap_err();
    assert!(error.to_string().contains("no certificate"), "{error}");
}

#[tokio::test]
async fn what_was_begun_is_finished_when_the_server_stops() {
    let world = World::new().await;
    let Site { at, stop, served } = Site::open(&world).await;
    let link = world.server.owner_add(world.tenant, "olga@example.org").await.unwrap();
    let body = serde_json::json!({ "code": link.code, "password": "ein guter langer Satz" }).to_string();
    let mut stream = TcpStream::connect(&at.0).await.unwrap();
    let head = format!(
        "POST /api/v1/password HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(TcpStream::connect(&at.0).await.is_err(), "nobody new is let in");
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(Duration::from_secs(10), stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    timeout(Duration::from_secs(10), served).await.unwrap().unwrap();
}

#[tokio::test]
async fn plain_http_to_the_outside_says_what_to_do() {
    let error = http::listen("0.0.0.0:0", false).await.unwrap_err().to_string();
    assert!(error.contains("--tls-certificate") && error.contains("--behind-proxy"), "{error}");
}

#[tokio::test]
async fn the_description_is_served() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let described: Value = site.send("GET", "/api/v1/openapi.json", "", b"").await.json();
    assert!(described["openapi"].as_str().unwrap().starts_with("3.1"));
}
