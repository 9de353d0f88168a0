//! The network: signatures, times, bounds, damaged requests.

use std::time::Duration;

use stempel_server::Server;
use stempel_server::http::{self, Options};
use stempel_wire::message::{BlanksAnswer, EnrollAnswer, FeedPage, PUSH_LEN_MAX, Problem, PushAnswer};
use stempel_wire::request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::database;
use crate::world::{Device, HOUR_MS, NOON_MS, World, card, member};

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn problem(&self) -> Problem {
        assert!(self.head.contains("application/problem+json"), "{}", self.head);
        let problem: Problem = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem.status, self.status);
        assert!(!problem.title.is_empty() && !problem.detail.is_empty());
        problem
    }

    /// The body as JSON, of whatever status.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{} {}", self.status, String::from_utf8_lossy(&self.body)))
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(found, _)| *found == name).map(|(_, value)| value).next()
    }

    pub fn read<T: serde::de::DeserializeOwned>(&self) -> T {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A server on a free port of this machine.
pub struct Site {
    pub at: Address,
    pub stop: oneshot::Sender<()>,
    pub served: tokio::task::JoinHandle<()>,
}

impl std::ops::Deref for Site {
    type Target = Address;
    fn deref(&self) -> &Address {
        &self.at
    }
}

/// Where a server listens, and a client that sends whatever it is told to.
#[derive(Clone)]
pub struct Address(pub String);

impl Site {
    pub async fn open(world: &World) -> Self {
        Self::open_with(world, Options::default()).await
    }

    pub async fn open_with(world: &World, options: Options) -> Self {
        Self::open_named(world, |_| options).await
    }

    /// Opens a site whose options know at which port it is.
    pub async fn open_named(world: &World, options: impl FnOnce(u16) -> Options) -> Self {
        Self::of(world.server.clone(), options).await
    }

    /// One of several processes' doors.
    pub async fn of(server: Server, options: impl FnOnce(u16) -> Options) -> Self {
        let listener = http::listen("127.0.0.1:0", false).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (options, address) = (options(address.port()), address.to_string());
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            http::serve_with(server, listener, options, async { drop(stopped.await) }).await.unwrap();
        });
        Self { at: Address(address), stop, served }
    }
}

impl Address {
    /// Sends bytes as they are and reads the answer.
    pub async fn raw(&self, bytes: &[u8]) -> Answer {
        self.exchange(bytes, false).await
    }

    /// Sends bytes, says that there will be no more, and reads the answer, if there is one.
    async fn cut_off(&self, bytes: &[u8]) -> Answer {
        self.exchange(bytes, true).await
    }

    async fn exchange(&self, bytes: &[u8], end: bool) -> Answer {
        let mut stream = TcpStream::connect(&self.0).await.unwrap();
        // A server that has answered already may have closed its side.
        let _ = stream.write_all(bytes).await;
        if end {
            let _ = stream.shutdown().await;
        }
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let end = answer.windows(4).position(|part| part == b"\r\n\r\n").unwrap_or(answer.len());
        let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Answer { status, head, body: answer.get(end + 4..).unwrap_or_default().to_vec() }
    }

    pub async fn send(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let mut bytes = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n",
            self.0,
            body.len()
        )
        .into_bytes();
        bytes.extend_from_slice(body);
        self.raw(&bytes).await
    }

    /// Sends JSON with some headers.
    pub async fn ask(&self, method: &str, path: &str, headers: &str, body: &serde_json::Value) -> Answer {
        let headers = format!("content-type: application/json\r\n{headers}");
        self.send(method, path, &headers, body.to_string().as_bytes()).await
    }

    pub async fn signed(
        &self,
        device: &Device,
        method: &str,
        path: &str,
        body: &[u8],
        time_ms: i64,
    ) -> Answer {
        self.send(method, path, &headers(device, method, path, body, time_ms), body).await
    }
}

fn headers(device: &Device, method: &str, path: &str, body: &[u8], time_ms: i64) -> String {
    let signature = request::sign(&device.key, method, path, device.id, time_ms, body);
    format!("stempel-device: {}\r\nstempel-time: {time_ms}\r\nstempel-signature: {signature}\r\n", device.id)
}

#[tokio::test]
async fn a_device_enrols_pushes_and_follows_over_the_network() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let mut device = Device::new(1);
    let code = world.server.device_invite(world.tenant, world.shop, HOUR_MS).await.unwrap().code;
    let body = serde_json::to_vec(&device.ask(&code)).unwrap();
    let answer: EnrollAnswer = site.send("POST", "/v1/enroll", "", &body).await.read();
    device.belongs(&answer);
    device.join(member(1), card(1));
    device.give(member(1), 5);
    let body = device.push_from(0);
    let pushed: PushAnswer = site.signed(&device, "POST", "/v1/push", &body, NOON_MS).await.read();
    assert_eq!(pushed.held[&device.id], 3);
    assert_eq!(pushed.epoch, answer.epoch);
    let path = "/v1/feed?after=0&limit=2";
    let page: FeedPage = site.signed(&device, "GET", path, b"", NOON_MS).await.read();
    assert_eq!((page.changes.len(), page.next, page.head, page.held), (2, 2, 4, 3));
    let blanks: BlanksAnswer = site.signed(&device, "POST", "/v1/blanks", b"", NOON_MS).await.read();
    assert_eq!(blanks.blanks.len(), 200);
}

#[tokio::test]
async fn health_says_whether_the_database_answers() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    for path in ["/health", "/health/live", "/health/ready"] {
        let answer = site.send("GET", path, "", b"").await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.head.contains(&format!("stempel-server-time: {NOON_MS}")));
    }
    world.server.db().close().await;
    assert_eq!(site.send("GET", "/health/live", "", b"").await.status, 200);
    assert_eq!(site.send("GET", "/health/ready", "", b"").await.problem().status, 503);
}

#[tokio::test]
async fn a_wrong_clock_is_told_the_servers_time() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let device = world.device(1).await;
    for apart in [request::WINDOW_MS + 1, -request::WINDOW_MS - 1, i64::MAX - NOON_MS, -NOON_MS] {
        let answer = site.signed(&device, "GET", "/v1/feed", b"", NOON_MS + apart).await;
        assert_eq!((answer.status, answer.problem().code.as_str()), (401, "clock"));
        assert!(answer.head.contains(&format!("stempel-server-time: {NOON_MS}")), "{}", answer.head);
    }
    let answer = site.signed(&device, "GET", "/v1/feed", b"", NOON_MS + request::WINDOW_MS).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_request_that_is_replayed_does_nothing_twice_and_later_nothing_at_all() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    device.give(member(1), 5);
    let body = device.push_from(0);
    let signed = headers(&device, "POST", "/v1/push", &body, NOON_MS);
    let hold =
        serde_json::json!({ "hold": "0".repeat(32), "member": member(1), "unit": "point", "amount": 5 });
    let hold = serde_json::to_vec(&hold).unwrap();
    let held = headers(&device, "POST", "/v1/hold", &hold, NOON_MS);
    for _ in 0..3 {
        let answer = site.send("POST", "/v1/push", &signed, &body).await;
        assert_eq!(answer.read::<PushAnswer>().held[&device.id], 3);
        assert_eq!(site.send("POST", "/v1/hold", &held, &hold).await.json()["left"], 0, "the same hold");
    }
    assert_eq!(world.points(&device, member(1)).await, Some(5));
    world.clock.forward(HOUR_MS);
    let late = site.send("POST", "/v1/push", &signed, &body).await;
    assert_eq!((late.status, late.problem().code.as_str()), (401, "clock"));
    world.sound().await;
}

#[tokio::test]
async fn only_what_the_device_signed_is_answered() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let device = world.device(1).await;
    let other = Device { key: Device::new(2).key, ..device.clone() };
    assert_eq!(site.signed(&other, "GET", "/v1/feed", b"", NOON_MS).await.problem().code, "signature");
    let for_another_page = headers(&device, "GET", "/v1/feed?after=1", b"", NOON_MS);
    let answer = site.send("GET", "/v1/feed?after=0", &for_another_page, b"").await;
    assert_eq!((answer.status, answer.problem().code.as_str()), (401, "signature"));
    let stranger = Device::new(9);
    assert_eq!(
        site.signed(&stranger, "GET", "/v1/feed", b"", NOON_MS).await.problem().code,
        "device-unknown"
    );
    for path in ["/v1/push", "/v1/blanks"] {
        let answer = site.send("POST", path, "", b"").await;
        assert_eq!((answer.status, answer.problem().code.as_str()), (401, "signature-missing"));
    }
    let garbled = "stempel-device: zz\r\nstempel-time: x\r\nstempel-signature: 00\r\n";
    assert_eq!(site.send("GET", "/v1/feed", garbled, b"").await.problem().code, "bad-request");
}

#[tokio::test]
async fn requests_that_are_too_large_or_no_requests_are_refused() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let device = world.device(1).await;
    let large = vec![0; PUSH_LEN_MAX + 1];
    let answer = site.signed(&device, "POST", "/v1/push", &large, NOON_MS).await;
    // The answer comes before the body was sent; on some systems the closed connection swallows it.
    assert!(answer.status == 413 || answer.status == 0, "{}", answer.status);
    let head = format!(
        "POST /v1/push HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n{}\r\n",
        PUSH_LEN_MAX + 1,
        headers(&device, "POST", "/v1/push", b"", NOON_MS)
    );
    assert_eq!(site.raw(head.as_bytes()).await.problem().code, "too-large");
    let long = vec![b' '; 17 * 1024];
    assert_eq!(site.send("POST", "/v1/enroll", "", &long).await.problem().code, "too-large");

    let chunked = format!(
        "POST /v1/enroll HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n\
         4400\r\n{}\r\n0\r\n\r\n",
        " ".repeat(0x4400)
    );
    assert_eq!(site.raw(chunked.as_bytes()).await.problem().code, "too-large");

    for body in [
        &b""[..],
        b"\x00",
        b"\x00\x00\x00\xffabc",
        b"\x00\x00\x00\x02{}\x00\x00\x00\x01x",
        b"\xff\xff\xff\xff",
    ] {
        let answer = site.signed(&device, "POST", "/v1/push", body, NOON_MS).await;
        assert_eq!((answer.status, answer.problem().code.as_str()), (400, "push-unreadable"), "{body:?}");
    }
    for body in [&b""[..], b"{", b"[]", b"{\"code\":1}"] {
        assert_eq!(site.send("POST", "/v1/enroll", "", body).await.problem().code, "bad-request");
    }
    for path in ["/v1/feed?after=-1", "/v1/feed?after=x", "/v1/feed?limit=1e9"] {
        assert_eq!(site.signed(&device, "GET", path, b"", NOON_MS).await.problem().code, "bad-request");
    }
    assert_eq!(site.send("GET", "/nothing", "", b"").await.problem().code, "not-found");
    assert_eq!(site.send("DELETE", "/v1/push", "", b"").await.problem().code, "method");
    assert_eq!(site.raw(b"\x16\x03\x01 no http at all\r\n\r\n").await.status, 400);
}

#[tokio::test]
async fn a_push_that_is_cut_off_changes_nothing() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    let body = device.push_from(0);
    let mut bytes = format!(
        "POST /v1/push HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n{}\r\n",
        body.len(),
        headers(&device, "POST", "/v1/push", &body, NOON_MS)
    )
    .into_bytes();
    bytes.extend_from_slice(&body[..body.len() - 5]);
    let answer = site.cut_off(&bytes).await;
    assert_ne!(answer.status, 200);
    assert_eq!(world.feed(&device, 0).await.held, 0);
    let again: PushAnswer = site.signed(&device, "POST", "/v1/push", &body, NOON_MS).await.read();
    assert_eq!(again.held[&device.id], 2);
}

#[tokio::test]
async fn a_wait_for_changes_ends_with_a_change_or_with_the_server() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let (mut device, other) = (world.device(1).await, world.device(2).await);
    let head = world.feed(&other, 0).await.head;
    let path = format!("/v1/feed?after={head}&wait_ms=20000");
    let wait = site.signed(&other, "GET", &path, b"", NOON_MS);
    let push = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        device.join(member(1), card(1));
        world.push(&device, &device.rows).await.unwrap();
    };
    let started = tokio::time::Instant::now();
    let (answer, ()) = tokio::join!(wait, push);
    assert_eq!(answer.read::<FeedPage>().changes.len(), 1);
    assert!(started.elapsed() < Duration::from_secs(10));

    let path = format!("/v1/feed?after={}&wait_ms=20000", head + 1);
    let Site { at: waiting, stop, served } = site;
    let (answer, ()) = tokio::join!(waiting.signed(&other, "GET", &path, b"", NOON_MS), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        stop.send(()).unwrap();
    });
    assert_eq!(answer.read::<FeedPage>().changes.len(), 0);
    served.await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn a_wait_notices_what_another_process_wrote() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let device = world.device(1).await;
    let head = world.feed(&device, 0).await.head;
    let foreign = crate::world::open(&world.url, &world.clock, 77).await;
    let path = format!("/v1/feed?after={head}&wait_ms=20000");
    let (answer, ()) = tokio::join!(site.signed(&device, "GET", &path, b"", NOON_MS), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        foreign.shop_add(world.tenant, "Süd", "Europe/Berlin", 0).await.unwrap();
    });
    assert_eq!(answer.read::<FeedPage>().changes.len(), 1);
}

#[tokio::test]
async fn plain_http_goes_to_this_machine_alone() {
    let error = http::listen("0.0.0.0:0", false).await.unwrap_err();
    assert_eq!(error.code(), "listen");
    http::listen("0.0.0.0:0", true).await.unwrap();
    http::listen("[::1]:0", false).await.ok();
    assert_eq!(http::listen("localhost", false).await.unwrap_err().code(), "listen");
}

#[tokio::test]
async fn a_device_that_was_signed_out_can_still_send_what_it_has() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let mut device = world.device(1).await;
    world.server.device_revoke(world.tenant, device.id).await.unwrap();
    device.join(member(1), card(1));
    let body = device.push_from(0);
    let answer: PushAnswer = site.signed(&device, "POST", "/v1/push", &body, NOON_MS).await.read();
    assert_eq!(answer.held[&device.id], 2);
    assert_eq!(world.server.inbox(world.tenant).await.unwrap().held.len(), 2);
    for (method, path) in [("GET", "/v1/feed"), ("POST", "/v1/blanks")] {
        let refused = site.signed(&device, method, path, b"", NOON_MS).await;
        assert_eq!((refused.status, refused.problem().code.as_str()), (403, "device-revoked"));
    }
}

#[tokio::test]
async fn more_than_the_server_takes_at_once_is_asked_to_come_again() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let device = world.device(1).await;
    let head = "POST /v1/push HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n";
    let signed = headers(&device, "POST", "/v1/push", b"", NOON_MS);
    // Requests that never come to their end hold their places.
    let mut slow = Vec::new();
    for _ in 0..128 {
        let mut stream = TcpStream::connect(&site.at.0).await.unwrap();
        stream.write_all(format!("{head}{signed}\r\n").as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        let answer = site.signed(&device, "POST", "/v1/push", &device.push_from(0), NOON_MS).await;
        if answer.status == 429 {
            assert_eq!(answer.problem().code, "too-many");
            assert!(answer.head.contains("retry-after: 1"), "{}", answer.head);
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{}", answer.status);
    }
    // Enrolments have places of their own.
    assert_eq!(site.send("POST", "/v1/enroll", "", b"{").await.problem().code, "bad-request");
    drop(slow);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while site.signed(&device, "POST", "/v1/push", &device.push_from(0), NOON_MS).await.status != 200 {
        assert!(tokio::time::Instant::now() < deadline);
    }
}

#[tokio::test]
async fn a_long_answer_is_compressed_for_whoever_can_read_it() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let mut device = world.device(1).await;
    for number in 1..60 {
        device.join(member(number), card(number));
    }
    world.push(&device, &device.rows).await.unwrap();
    let plain = site.signed(&device, "GET", "/v1/feed", b"", NOON_MS).await;
    assert!(!plain.head.contains("content-encoding"), "{}", plain.head);
    let signed = headers(&device, "GET", "/v1/feed", b"", NOON_MS);
    let small = site.send("GET", "/v1/feed", &format!("{signed}accept-encoding: gzip\r\n"), b"").await;
    assert!(small.head.contains("content-encoding: gzip"), "{}", small.head);
    assert!(small.body.len() * 3 < plain.body.len(), "{} of {}", small.body.len(), plain.body.len());
}

#[tokio::test]
async fn a_database_that_goes_away_and_comes_back_is_used_again() {
    let Some(cable) = crate::database::Cable::lay().await else { return };
    let mut world = World::new().await;
    world.url = cable.through(&world.url);
    world.restart().await;
    let site = Site::open(&world).await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    let body = device.push_from(0);
    cable.cut();
    let started = tokio::time::Instant::now();
    for _ in 0..3 {
        let answer = site.signed(&device, "POST", "/v1/push", &body, NOON_MS).await;
        let problem = answer.problem();
        assert!(["database-away", "busy"].contains(&problem.code.as_str()), "{problem:?}");
        assert_eq!(answer.status, 503);
        assert!(answer.head.contains("retry-after: 5"), "{}", answer.head);
    }
    assert!(started.elapsed() < Duration::from_secs(15), "an answer comes soon");
    assert_eq!(site.send("GET", "/health/ready", "", b"").await.status, 503);
    assert_eq!(site.send("GET", "/health/live", "", b"").await.status, 200);
    cable.mend();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(15);
    loop {
        let answer = site.signed(&device, "POST", "/v1/push", &body, NOON_MS).await;
        if answer.status == 200 {
            assert_eq!(answer.read::<PushAnswer>().held[&device.id], 2);
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "it recovers by itself");
    }
    world.sound().await;
}

#[tokio::test]
async fn a_full_disk_is_said_and_nothing_is_lost() {
    database::prepare_disk();
    let mut world = World::new().await;
    let site = Site::open(&world).await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    let first = device.push_from(0);
    let known: PushAnswer = site.signed(&device, "POST", "/v1/push", &first, NOON_MS).await.read();
    assert_eq!(known.held[&device.id], 2);
    device.give(member(1), 5);
    let body = device.push_from(2);
    database::fill_disk(&world.url).await;
    for _ in 0..3 {
        let answer = site.signed(&device, "POST", "/v1/push", &body, NOON_MS).await;
        assert_eq!((answer.status, answer.problem().code.as_str()), (503, "disk-full"));
        assert!(answer.head.contains("retry-after"), "{}", answer.head);
        let page: FeedPage = site.signed(&device, "GET", "/v1/feed", b"", NOON_MS).await.read();
        assert_eq!(page.held, 2, "what was acknowledged is there, and nothing else");
    }
    database::empty_disk(&world.url).await;
    let again: PushAnswer = site.signed(&device, "POST", "/v1/push", &body, NOON_MS).await.read();
    assert_eq!(again.held[&device.id], 3, "it recovers by itself");
    drop(site);
    world.restart().await;
    assert_eq!(world.points(&device, member(1)).await, Some(5));
    world.sound().await;
}

#[tokio::test]
async fn a_database_that_is_held_by_others_is_asked_again_later() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    let body = device.push_from(0);
    let held = database::Held::take(&world.url).await;
    let answer = site.signed(&device, "POST", "/v1/push", &body, NOON_MS).await;
    assert_eq!((answer.status, answer.problem().code.as_str()), (503, "busy"));
    assert!(answer.head.contains("retry-after"), "{}", answer.head);
    let page: FeedPage = site.signed(&device, "GET", "/v1/feed", b"", NOON_MS).await.read();
    assert_eq!(page.held, 0, "reading goes on");
    held.give_back().await;
    let again: PushAnswer = site.signed(&device, "POST", "/v1/push", &body, NOON_MS).await.read();
    assert_eq!(again.held[&device.id], 2);
}

#[tokio::test]
async fn a_dead_devices_second_copy_is_taken_from_another_device() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let (mut dead, mut new) = (world.device(1).await, Device::new(2));
    dead.join(member(1), card(1));
    dead.give(member(1), 5);
    let code = world.server.device_invite(world.tenant, world.shop, HOUR_MS).await.unwrap().code;
    let enrolled = world.server.enroll(&new.ask(&code)).await.unwrap();
    new.belongs(&enrolled);
    let (body, mut entropy) = (dead.push_from(0), crate::world::Seeded::new(4));
    let sealed = stempel_wire::copy::seal(&enrolled.server_key, dead.id, &body, &mut entropy).unwrap();
    let stranger = site.send("POST", "/v1/copy", "", &sealed).await;
    assert_eq!(stranger.status, 401);
    let mut damaged = sealed.clone();
    damaged[100] ^= 1;
    let refused = site.signed(&new, "POST", "/v1/copy", &damaged, NOON_MS).await;
    assert_eq!((refused.status, refused.problem().code.as_str()), (422, "copy-unreadable"));
    for _ in 0..2 {
        let answer = site.signed(&new, "POST", "/v1/copy", &sealed, NOON_MS).await;
        assert_eq!(answer.read::<PushAnswer>().held[&dead.id], 3);
    }
    assert_eq!(world.points(&new, member(1)).await, Some(5));
    world.sound().await;
}
