//! The program itself, as a process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stempel_domain::TenantId;
use stempel_domain::ports::Clock;
use stempel_domain::programme::Programme;
use stempel_server::system::{SystemClock, SystemEntropy};
use stempel_server::{Db, Scope, Server};
use stempel_wire::message::{EnrollAnswer, FeedPage, PushAnswer, PushHeader};

use crate::http::Address;
use crate::world::{Device, HOUR_MS, card, member};

const PROGRAM: &str = env!("CARGO_BIN_EXE_stempel-server");

struct Running {
    child: Child,
    at: Address,
}

impl Running {
    /// Starts the program and waits until it says where it listens.
    fn start(database: &str) -> Self {
        Self::begin(&mut Command::new(PROGRAM), database, Stdio::null())
    }

    /// As [`Running::start`], with an environment and a place for the log.
    fn begin(command: &mut Command, database: &str, log: Stdio) -> Self {
        if !command.get_envs().any(|(name, _)| name == "STEMPEL_KEYS") {
            command.env("STEMPEL_KEYS", crate::world::keys());
        }
        let mut child = command
            .args(["serve", "--database", database, "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap();
        let url = said["listening"].as_str().unwrap();
        let at = Address(url.strip_prefix("http://").unwrap().to_owned());
        Self { child, at }
    }

    /// Ends it as a pulled plug would.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn url(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("server.db").display())
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let database = crate::database::fresh(folder.path()).await;
    let clock = Arc::new(SystemClock::new());
    // The owner's command works beside the server, on the same database.
    let owner = Server::open(Db::open(&database).await.unwrap(), clock.clone(), Box::new(SystemEntropy));
    owner.use_keys(Some(&crate::world::keys())).await.unwrap();
    let tenant = owner.tenant_add("Café", false).await.unwrap();
    let shop = owner.shop_add(tenant, "Mitte", "Europe/Berlin", 0).await.unwrap().id;
    let mut device = Device::new(1);
    let mut held = 0;
    for round in 0..4 {
        let running = Running::start(&database);
        if round == 0 {
            let code = owner.device_invite(tenant, shop, HOUR_MS).await.unwrap().code;
            let body = serde_json::to_vec(&device.ask(&code)).unwrap();
            let answer: EnrollAnswer = running.at.send("POST", "/v1/enroll", "", &body).await.read();
            device.belongs(&answer);
            device.join(member(1), card(1));
        }
        let page: FeedPage =
            running.at.signed(&device, "GET", "/v1/feed?after=0", b"", clock.now_ms()).await.read();
        assert_eq!(page.held, held, "round {round}");
        for _ in 0..5 {
            device.give(member(1), 1);
            let body = device.push_from(held as usize);
            let answer: PushAnswer =
                running.at.signed(&device, "POST", "/v1/push", &body, clock.now_ms()).await.read();
            held = answer.held[&device.id];
            assert_eq!(held, device.rows.len() as u64);
        }
        running.kill();
    }
    let report = owner.verify(tenant).await.unwrap();
    assert_eq!((report.problems, report.members), (Vec::new(), 1));
    assert_eq!(report.events, 1 + 2 + 4 * 5);
}

/// The owner's command on a database with a tenant whose programme forgives overdrafts, and a device.
async fn owner_of(database: &str) -> (Server, TenantId, Device) {
    let owner = Server::open(
        Db::open(database).await.unwrap(),
        Arc::new(SystemClock::new()),
        Box::new(SystemEntropy),
    );
    owner.use_keys(Some(&crate::world::keys())).await.unwrap();
    let tenant = owner.tenant_add("Café", false).await.unwrap();
    let shop = owner.shop_add(tenant, "Mitte", "Europe/Berlin", 0).await.unwrap().id;
    let forgives = r#"{"id":"points","unit":"point","overdraft":"forgive"}"#;
    owner.programme_publish(tenant, &"points".parse().unwrap(), forgives).await.unwrap();
    let mut device = Device::new(1);
    let code = owner.device_invite(tenant, shop, HOUR_MS).await.unwrap().code;
    device.belongs(&owner.enroll(&device.ask(&code)).await.unwrap());
    (owner, tenant, device)
}

#[tokio::test]
async fn one_of_two_servers_is_killed_at_its_work_and_nothing_is_done_twice() {
    const MEMBERS: u8 = 150;
    let folder = tempfile::tempdir().unwrap();
    let database = crate::database::fresh(folder.path()).await;
    let (owner, tenant, mut device) = owner_of(&database).await;
    for number in 1..=MEMBERS {
        device.give(member(number), -3);
    }
    let caller = owner.caller(device.id).await.unwrap();
    owner.push(&caller, &PushHeader::default(), device.rows.clone()).await.unwrap();
    let waiting = || async { owner.inbox(tenant).await.unwrap().cases.len() };
    let deadline = Instant::now() + Duration::from_secs(60);
    let (one, two) = (Running::start(&database), Running::start(&database));
    while waiting().await > usize::from(MEMBERS) - 10 {
        assert!(Instant::now() < deadline, "nothing is done");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    one.kill();
    // What it was at is taken over when its lease has run out; a minute is not waited for here.
    crate::database::script(&database, "UPDATE job SET lease_until_ms = 0, due_ms = 0").await;
    while waiting().await > 0 {
        assert!(Instant::now() < deadline, "the other one does the rest");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    two.kill();
    let report = owner.verify(tenant).await.unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    // Two beginnings, a programme, and two events for each member.
    assert_eq!(report.events, 3 + 2 * u64::from(MEMBERS));
    for number in 1..=MEMBERS {
        let found = owner.member_find(tenant, &member(number).to_string()).await.unwrap();
        assert!(found.balances.values().all(|balance| balance == "0"), "{found:?}");
    }
}

#[tokio::test]
async fn a_device_at_one_server_learns_within_a_second_what_another_took_in() {
    let folder = tempfile::tempdir().unwrap();
    let database = crate::database::fresh(folder.path()).await;
    let (owner, _, mut device) = owner_of(&database).await;
    let (one, two) = (Running::start(&database), Running::start(&database));
    let clock = SystemClock::new();
    let caller = owner.caller(device.id).await.unwrap();
    let head = owner.feed(&caller, 0, 1).await.unwrap().head;
    let path = format!("/v1/feed?after={head}&wait_ms=20000");
    device.join(member(1), card(1));
    let body = device.push_from(0);
    let (page, pushed) = tokio::join!(
        async {
            let answer = one.at.signed(&device, "GET", &path, b"", clock.now_ms()).await;
            (answer.read::<FeedPage>(), Instant::now())
        },
        async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            two.at.signed(&device, "POST", "/v1/push", &body, clock.now_ms()).await.read::<PushAnswer>();
            Instant::now()
        }
    );
    assert_eq!(page.0.changes.len(), 1);
    // It looks every half second; the rest is for a machine that is busy with other tests.
    assert!(page.1 < pushed + Duration::from_millis(2500), "{:?}", page.1 - pushed);
    one.kill();
    two.kill();
}

#[test]
fn plain_http_to_the_outside_needs_a_clear_word() {
    let folder = tempfile::tempdir().unwrap();
    let outside = Command::new(PROGRAM)
        .args(["serve", "--database", &url(folder.path()), "--listen", "0.0.0.0:0"])
        .output()
        .unwrap();
    assert!(!outside.status.success());
    assert!(String::from_utf8_lossy(&outside.stderr).contains("--behind-proxy"));
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_reads_the_database() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&url(folder.path())).await.unwrap();
    let server = Server::open(db, Arc::new(SystemClock::new()), Box::new(SystemEntropy));
    server.use_keys(None).await.unwrap();
    server.tenant_add("Café", false).await.unwrap();
    server.backup(&folder.path().join("copy")).await.unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn no_secret_stands_in_the_log_of_a_busy_server() {
    let folder = tempfile::tempdir().unwrap();
    let database = crate::database::fresh(folder.path()).await;
    let clock = Arc::new(SystemClock::new());
    let owner = Server::open(Db::open(&database).await.unwrap(), clock.clone(), Box::new(SystemEntropy));
    owner.use_keys(Some(&crate::world::keys())).await.unwrap();
    let tenant = owner.tenant_add("Café", false).await.unwrap();
    let shop = owner.shop_add(tenant, "Mitte", "Europe/Berlin", 0).await.unwrap().id;
    let programme = Programme::parse_toml(crate::api::COFFEE).unwrap();
    owner.programme_publish(tenant, programme.id(), &programme.to_json()).await.unwrap();
    let key = owner.api_key_add(tenant, "Kasse", &Scope::OF_KEYS.into(), None).await.unwrap().key;
    let link = owner.owner_add(tenant, "olga@example.org").await.unwrap().code;
    let invite = owner.device_invite(tenant, shop, HOUR_MS).await.unwrap().code;
    let (password, guess, token) = ("mein sehr geheimer Satz", "falsch geratener Satz", "figuren-wort-4711");

    let log = folder.path().join("log");
    let mut command = Command::new(PROGRAM);
    command.env("RUST_LOG", "trace").env("STEMPEL_LOG_FORMAT", "json").env("STEMPEL_METRICS_TOKEN", token);
    command.env("STEMPEL_MAIL_SERVER", "smtp://absender:postgeheimnis@127.0.0.1:1");
    command.env("STEMPEL_MAIL_FROM", "stempel@example.org");
    let running = Running::begin(&mut command, &database, std::fs::File::create(&log).unwrap().into());
    let at = &running.at;
    let mut device = Device::new(1);
    let body = serde_json::to_vec(&device.ask(&invite)).unwrap();
    device.belongs(&at.send("POST", "/v1/enroll", "", &body).await.read::<EnrollAnswer>());
    let bearer = crate::api::bearer(&key);
    let ada = at.ask("POST", "/api/v1/members", &bearer, &json!({ "name": "Adelgunde" })).await.json();
    let (card, number) = (ada["code"].as_str().unwrap(), ada["number"].as_str().unwrap());
    for code in [card, number] {
        at.ask("POST", "/api/v1/stamps", &bearer, &json!({ "code": code })).await;
        at.ask("GET", &format!("/api/v1/members/{code}/offers"), &bearer, &Value::Null).await;
        at.ask("GET", &format!("/api/v1/members?after={code}"), &bearer, &Value::Null).await;
    }
    let set = json!({ "code": link, "password": password });
    assert_eq!(at.ask("POST", "/api/v1/password", "", &set).await.status, 204);
    let sign_in = |password: &str| json!({ "email": "olga@example.org", "password": password });
    at.ask("POST", "/api/v1/session", "", &sign_in(guess)).await;
    at.ask("POST", "/api/v1/session", "", &json!({ "email": "x", "password": [guess] })).await;
    let session = at.ask("POST", "/api/v1/session", "", &sign_in(password)).await;
    let cookie = session.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let csrf = session.json()["csrf"].as_str().unwrap().to_owned();
    let signed = format!("cookie: {cookie}\r\nx-csrf-token: {csrf}\r\n");
    let invited = json!({ "email": "mia@example.org", "roles": [{ "role": "staff" }] });
    let invited = at.ask("POST", "/api/v1/accounts", &signed, &invited).await.json();
    at.ask("POST", "/api/v1/password/forgotten", "", &json!({ "email": "olga@example.org" })).await;
    at.send("GET", "/metrics", &format!("authorization: Bearer {token}\r\n"), b"").await;
    let id = at.send("GET", "/api/v1/shops", &bearer, b"").await.header("x-request-id").unwrap().to_owned();
    running.kill();

    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains(&id), "the log speaks of a request by its id");
    assert!(log.lines().count() > 100 && log.contains("/api/v1/members/{code}/offers"));
    assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok_and(|line| line.is_object())));
    let secret = cookie.split_once('=').unwrap().1;
    let later = invited["code"].as_str().unwrap();
    for (what, secret) in [
        ("password", password),
        ("guess", guess),
        ("API key", &key),
        ("session", secret),
        ("csrf", &csrf),
        ("link", &link),
        ("invitation", later),
        ("device's code", &invite),
        ("card", card),
        ("number", number),
        ("metrics token", token),
        ("mail password", "postgeheimnis"),
        ("name", "Adelgunde"),
    ] {
        let found = log.lines().find(|line| line.to_lowercase().contains(&secret.to_lowercase()));
        assert!(found.is_none(), "{what} stands in the log: {found:?}");
    }
}

#[tokio::test]
async fn a_forgotten_name_stands_in_no_log_no_file_no_copy_and_no_restored_backup() {
    const NAME: &str = "Quirinalde";
    let folder = tempfile::tempdir().unwrap();
    let database = crate::database::fresh(folder.path()).await;
    let clock = Arc::new(SystemClock::new());
    let keys = folder.path().join("server.keys");
    let open = async || {
        let db = Db::open(&database).await.unwrap();
        let server = Server::open(db, clock.clone(), Box::new(SystemEntropy));
        server.use_keys(Some(&keys)).await.unwrap();
        server
    };
    let owner = open().await;
    let tenant = owner.tenant_add("Café", false).await.unwrap();
    owner.shop_add(tenant, "Mitte", "Europe/Berlin", 0).await.unwrap();
    let link = owner.owner_add(tenant, "olga@example.org").await.unwrap().code;
    let log = folder.path().join("log");
    let mut command = Command::new(PROGRAM);
    command.env("RUST_LOG", "trace").env("STEMPEL_KEYS", &keys);
    let running = Running::begin(&mut command, &database, std::fs::File::create(&log).unwrap().into());
    let at = &running.at;
    let set = json!({ "code": link, "password": "mein sehr geheimer Satz" });
    assert_eq!(at.ask("POST", "/api/v1/password", "", &set).await.status, 204);
    let sign_in = json!({ "email": "olga@example.org", "password": "mein sehr geheimer Satz" });
    let session = at.ask("POST", "/api/v1/session", "", &sign_in).await;
    let cookie = session.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let csrf = session.json()["csrf"].as_str().unwrap().to_owned();
    let signed = format!("cookie: {cookie}\r\nx-csrf-token: {csrf}\r\nidempotency-key: q\r\n");
    let added = at.ask("POST", "/api/v1/members", &signed, &json!({ "name": NAME })).await;
    assert_eq!(added.status, 200, "{}", added.json());
    let member = added.json()["member"].as_str().unwrap().to_owned();
    // Whatever shows or asks for the name: a search, the file, a form after its session, an export.
    let page = at.send("GET", &format!("/dashboard/members?find={NAME}"), &signed, b"").await;
    assert!(String::from_utf8_lossy(&page.body).contains(NAME));
    let form = format!("{signed}content-type: application/x-www-form-urlencoded\r\n");
    let old = format!("name={NAME}&csrf=old&page=%2Fdashboard%2Fmembers");
    assert_eq!(at.send("POST", "/dashboard/members", &form, old.as_bytes()).await.status, 303);
    let export = at.ask("GET", &format!("/api/v1/members/{member}/export"), &signed, &Value::Null).await;
    assert!(export.json().to_string().contains(NAME));
    let backup = folder.path().join("yesterday.backup");
    owner.backup(&backup).await.unwrap();
    let file = format!("/api/v1/members/{member}");
    assert_eq!(at.ask("POST", &format!("{file}/erase"), &signed, &Value::Null).await.status, 200);
    assert!(!at.ask("GET", &file, &signed, &Value::Null).await.json().to_string().contains(NAME));
    running.kill();
    let nowhere = |folder: &Path| {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read(&path).unwrap().to_ascii_lowercase();
            let name = NAME.to_ascii_lowercase();
            let found = text.windows(name.len()).any(|window| window == name.as_bytes());
            assert!(!found, "the name stands in {}", path.display());
        }
    };
    nowhere(folder.path());
    assert!(std::fs::read_to_string(&log).unwrap().contains("/api/v1/members/{code}/erase"));
    assert!(!crate::database::holds(&database, NAME.as_bytes()).await);
    owner.close().await;
    let entropy = Box::new(SystemEntropy);
    stempel_server::admin::restore(&backup, &database, Some(&keys), clock.clone(), entropy).await.unwrap();
    let restored = open().await;
    let found = restored.member_find(tenant, &member).await.unwrap();
    assert!(found.name.is_none() && found.erased.is_some(), "{found:?}");
    restored.close().await;
    nowhere(folder.path());
    assert!(!crate::database::holds(&database, NAME.as_bytes()).await);
}

#[test]
fn the_settings_are_printed_with_where_they_came_from() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.toml");
    std::fs::write(&file, "log_format = \"json\"\nlisten = \"127.0.0.1:1\"\n").unwrap();
    let printed = Command::new(PROGRAM)
        .args(["serve", "--print-config", "--listen", "127.0.0.1:9", "--config"])
        .arg(&file)
        .env("STEMPEL_DATABASE", "postgres://stempel:geheim@db.example/stempel")
        .output()
        .unwrap();
    let text = String::from_utf8(printed.stdout).unwrap();
    assert!(printed.status.success());
    assert!(text.contains("listen = \"127.0.0.1:9\"  # flag --listen"), "{text}");
    assert!(text.contains("database = \"postgres://stempel@db.example/stempel\"  # environment"), "{text}");
    assert!(text.contains("log_format = \"json\"  # file") && !text.contains("geheim"), "{text}");
    let unknown = Command::new(PROGRAM).args(["serve", "--config", "/nowhere/server.toml"]).output().unwrap();
    assert!(!unknown.status.success());
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("/nowhere/server.toml"));
}
