//! Yesterday's files and words, today: every folder of `tests/fixtures` is a version's databases, what its terminal and its
//! server said to each other, and its programmes. Each release adds its own (tests/fixtures/README.md).

use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stempel_domain::programme::Programme;
use stempel_domain::rules::case;
use stempel_server::{Db, Server};
use stempel_sync::{SyncError, Transport};
use stempel_terminal::Terminal;
use stempel_terminal::exchange::exchange;
use stempel_terminal::setup::enroll;
use stempel_wire::message::{BlanksAnswer, EnrollAnswer, EnrollRequest, FeedPage, PushAnswer};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::shop::*;

/// One question of a terminal and the server's answer, as they were.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "question", rename_all = "kebab-case")]
enum Said {
    Push { body: String, answer: Value },
    Feed { after: u64, limit: usize, answer: Value },
    Blanks { answer: Value },
}

/// What a version's folder says beside its files.
#[derive(Debug, Serialize, Deserialize)]
struct Truth {
    /// The device's id.
    device: stempel_domain::AuthorId,
    /// Its tenant.
    tenant: stempel_domain::TenantId,
    /// The member's card.
    card: String,
    /// Rows of the device's journal.
    rows: u64,
    /// The member's stamps.
    stamps: i64,
    /// Question and answer of the enrolment.
    enrolment: (Value, Value),
    /// What was said in one exchange, from the two databases on.
    exchange: Vec<Said>,
}

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures")
}

/// Every version that is kept, by name.
fn versions() -> Vec<PathBuf> {
    let entries = fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

fn truth(version: &Path) -> Truth {
    serde_json::from_slice(&fs::read(version.join("truth.json")).unwrap()).unwrap()
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

/// A version's terminal and server, in a folder of their own.
fn unpacked(version: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copied(&version.join("till"), &folder.path().join("till"));
    copied(&version.join("server"), &folder.path().join("server"));
    folder
}

/// Asks a server, and writes down what was said.
struct Recorder<'a> {
    line: Line<'a>,
    said: Vec<Said>,
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

impl Transport for Recorder<'_> {
    fn enroll(&mut self, request: &EnrollRequest) -> Result<EnrollAnswer, SyncError> {
        self.line.enroll(request)
    }

    fn push(&mut self, body: Vec<u8>) -> Result<PushAnswer, SyncError> {
        let asked = HEXLOWER.encode(&body);
        let answer = self.line.push(body)?;
        self.said.push(Said::Push { body: asked, answer: json(&answer) });
        Ok(answer)
    }

    fn feed(&mut self, after: u64, limit: usize, wait_ms: u64) -> Result<FeedPage, SyncError> {
        let answer = self.line.feed(after, limit, wait_ms)?;
        // As it went over the line: raw values and all.
        let text = serde_json::to_string(&answer).unwrap();
        self.said.push(Said::Feed { after, limit, answer: serde_json::from_str(&text).unwrap() });
        Ok(answer)
    }

    fn blanks(&mut self) -> Result<BlanksAnswer, SyncError> {
        let answer = self.line.blanks()?;
        self.said.push(Said::Blanks { answer: json(&answer) });
        Ok(answer)
    }

    fn skew_ms(&self) -> Option<i64> {
        None
    }
}

/// Answers as a server of that version did, in that order. What it was not asked then, it does not know.
struct Recorded(Vec<Said>);

impl Recorded {
    fn answer<T: for<'a> Deserialize<'a>>(
        &mut self,
        fits: impl Fn(&Said) -> Option<&Value>,
    ) -> Result<T, SyncError> {
        let place = self.0.iter().position(|said| fits(said).is_some()).ok_or(SyncError::Unreachable)?;
        let said = self.0.remove(place);
        let answer = fits(&said).ok_or(SyncError::Unreachable)?;
        Ok(serde_json::from_str(&answer.to_string()).unwrap())
    }
}

impl Transport for Recorded {
    fn enroll(&mut self, _request: &EnrollRequest) -> Result<EnrollAnswer, SyncError> {
        Err(SyncError::Unreachable)
    }

    fn push(&mut self, _body: Vec<u8>) -> Result<PushAnswer, SyncError> {
        self.answer(|said| match said {
            Said::Push { answer, .. } => Some(answer),
            _ => None,
        })
    }

    fn feed(&mut self, asked: u64, _limit: usize, _wait_ms: u64) -> Result<FeedPage, SyncError> {
        self.answer(|said| match said {
            Said::Feed { after, answer, .. } if *after == asked => Some(answer),
            _ => None,
        })
    }

    fn blanks(&mut self) -> Result<BlanksAnswer, SyncError> {
        self.answer(|said| match said {
            Said::Blanks { answer } => Some(answer),
            _ => None,
        })
    }

    fn skew_ms(&self) -> Option<i64> {
        None
    }
}

/// Holds what a terminal and a server that have agreed have in common.
fn agreed(runtime: &Runtime, server: &Server, till: &Terminal, truth: &Truth) {
    assert_eq!(till.pending().unwrap(), 0);
    assert_eq!((head(till), stamps(till, &truth.card)), (truth.rows, truth.stamps));
    till.verify_journal().unwrap();
    whole(runtime, server, truth);
}

fn whole(runtime: &Runtime, server: &Server, truth: &Truth) {
    while runtime.block_on(server.work()).unwrap() > 0 {}
    let report = runtime.block_on(server.verify(truth.tenant)).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    let devices = runtime.block_on(server.device_list(truth.tenant)).unwrap();
    assert_eq!(devices[0].held, truth.rows);
    let found = runtime.block_on(server.member_find(truth.tenant, &truth.card)).unwrap();
    let stamp: stempel_domain::Unit = "stamp:coffee".parse().unwrap();
    assert_eq!(found.balances[&stamp], truth.stamps.to_string());
}

#[test]
fn terminal_and_server_of_each_version_are_opened_and_agree() {
    let runtime = runtime();
    for version in versions() {
        let (folder, truth) = (unpacked(&version), truth(&version));
        let mut till = opened(&folder.path().join("till")).unwrap();
        let server = runtime.block_on(server(&folder.path().join("server"))).unwrap();
        let mut line = Line { runtime: &runtime, server: &server, device: truth.device };
        assert!(till.pending().unwrap() > 0, "{}: it has something to say", version.display());
        exchange(&mut till, &mut line).unwrap();
        agreed(&runtime, &server, &till, &truth);
        sell(&mut till, &truth.card).unwrap();
        exchange(&mut till, &mut line).unwrap();
        assert_eq!((till.pending().unwrap(), stamps(&till, &truth.card)), (0, truth.stamps + 1));
        runtime.block_on(server.close());
    }
}

#[test]
fn a_server_answers_what_a_terminal_of_each_version_asks() {
    let runtime = runtime();
    for version in versions() {
        let (folder, truth) = (unpacked(&version), truth(&version));
        let server = runtime.block_on(server(&folder.path().join("server"))).unwrap();
        let mut line = Line { runtime: &runtime, server: &server, device: truth.device };
        for said in &truth.exchange {
            match said {
                Said::Push { body, answer } => {
                    let today = json(&line.push(HEXLOWER.decode(body.as_bytes()).unwrap()).unwrap());
                    assert_holds(&today, answer, &version);
                }
                Said::Feed { after, limit, answer } => {
                    let today = json(&line.feed(*after, *limit, 0).unwrap());
                    // Each thing stands where it stood, and says at least what it said.
                    assert_holds(&today, answer, &version);
                }
                Said::Blanks { answer } => {
                    let today: BlanksAnswer = line.blanks().unwrap();
                    let then: BlanksAnswer = serde_json::from_value(answer.clone()).unwrap();
                    assert_eq!(
                        json(&today).as_object().unwrap().len(),
                        json(&then).as_object().unwrap().len()
                    );
                }
            }
        }
        whole(&runtime, &server, &truth);
        runtime.block_on(server.close());
    }
}

/// Holds that an answer says everything that it said then; it may say more.
fn assert_holds(today: &Value, then: &Value, version: &Path) {
    match (today, then) {
        (Value::Object(today), Value::Object(then)) => {
            for (name, value) in then {
                let found =
                    today.get(name).unwrap_or_else(|| panic!("{}: {name} is gone", version.display()));
                assert_holds(found, value, version);
            }
        }
        (Value::Array(today), Value::Array(then)) if today.len() == then.len() => {
            today.iter().zip(then).for_each(|(today, then)| assert_holds(today, then, version));
        }
        (today, then) => assert_eq!(today, then, "{}", version.display()),
    }
}

#[test]
fn a_terminal_understands_what_a_server_of_each_version_answered() {
    let runtime = runtime();
    for version in versions() {
        let (folder, truth) = (unpacked(&version), truth(&version));
        serde_json::from_value::<EnrollRequest>(truth.enrolment.0.clone()).unwrap();
        let enrolled: EnrollAnswer = serde_json::from_value(truth.enrolment.1.clone()).unwrap();
        enrolled.certificate.verify(&enrolled.server_key).unwrap();
        let mut till = opened(&folder.path().join("till")).unwrap();
        exchange(&mut till, &mut Recorded(truth.exchange.clone())).unwrap();
        assert_eq!((till.pending().unwrap(), head(&till)), (0, truth.rows));
        assert_eq!(stamps(&till, &truth.card), truth.stamps);
        till.verify_journal().unwrap();
        // What it says next is new to that server, and a server of today takes it.
        sell(&mut till, &truth.card).unwrap();
        let server = runtime.block_on(server(&folder.path().join("server"))).unwrap();
        let mut line = Line { runtime: &runtime, server: &server, device: truth.device };
        exchange(&mut till, &mut line).unwrap();
        assert_eq!((till.pending().unwrap(), stamps(&till, &truth.card)), (0, truth.stamps + 1));
        runtime.block_on(server.close());
    }
}

#[test]
fn a_copy_of_each_version_is_restored() {
    let runtime = runtime();
    for version in versions() {
        let truth = truth(&version);
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("server.db").display());
        copied(&version.join("server"), folder.path());
        let copy = folder.path().join("copy.db");
        fs::rename(folder.path().join("server.db"), &copy).unwrap();
        let restored = runtime.block_on(stempel_server::admin::restore(
            &copy,
            &url,
            None,
            std::sync::Arc::new(Noon),
            Box::new(Seeded(9)),
        ));
        restored.unwrap();
        let db = runtime.block_on(Db::open(&url)).unwrap();
        let server = Server::open(db, std::sync::Arc::new(Noon), Box::new(Seeded(9)));
        let report = runtime.block_on(server.verify(truth.tenant)).unwrap();
        assert_eq!(report.problems, Vec::<String>::new(), "{}", version.display());
        runtime.block_on(server.close());
    }
}

/// The programmes of a folder, and the case beside them.
fn judged(folder: &Path) -> String {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let text = |path: &PathBuf| fs::read_to_string(path).unwrap();
    let read = |path: &PathBuf| Programme::parse_toml(&text(path)).unwrap_or_else(|error| panic!("{error}"));
    let is = |kind| move |path: &&PathBuf| path.extension().is_some_and(|found| found == kind);
    let programmes: Vec<Programme> = files.iter().filter(is("toml")).map(read).collect();
    // As they travel: the same programme.
    for programme in &programmes {
        assert_eq!(Programme::from_json(&programme.to_json()).unwrap(), *programme);
    }
    let answers = case::run(&programmes, &text(&folder.join("case.json"))).unwrap();
    let lines = answers.iter().map(|answer| serde_json::to_string(answer).unwrap());
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn programmes_of_each_version_give_what_they_gave() {
    for version in versions() {
        let folder = version.join("programmes");
        let then = fs::read_to_string(folder.join("answers.jsonl")).unwrap();
        let today = judged(&folder);
        let lines = |text: &str| -> Vec<Value> {
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        let (today, then) = (Value::Array(lines(&today)), Value::Array(lines(&then)));
        assert_holds(&today, &then, &version);
    }
}

#[test]
fn this_version_is_kept() {
    let folder = fixtures().join(env!("CARGO_PKG_VERSION"));
    assert!(folder.join("truth.json").exists(), "write it: see tests/fixtures/README.md");
}

/// Writes this version's folder. One that is there stays: it is for ever.
#[test]
#[ignore = "run it once for each release"]
fn write_this_version() {
    let place = fixtures().join(env!("CARGO_PKG_VERSION"));
    assert!(!place.exists(), "{} is there, and is for ever", place.display());
    let (runtime, folder) = (runtime(), tempfile::tempdir().unwrap());
    let (house, home) = (folder.path().join("server"), folder.path().join("till"));
    fs::create_dir_all(&house).unwrap();
    let server = runtime.block_on(server(&house)).unwrap();
    let (tenant, code) = runtime.block_on(async {
        let tenant = server.tenant_add("Morgenrot", false).await.unwrap();
        let shop = server.shop_add(tenant, "Mitte", "Europe/Berlin", 0).await.unwrap().id;
        server.programme_publish(tenant, card().id(), &card().to_json()).await.unwrap();
        server.catalogue_import(tenant, CATALOGUE).await.unwrap();
        (tenant, server.device_invite(tenant, shop, 3_600_000).await.unwrap().code)
    });
    let mut enrolment = (Value::Null, Value::Null);
    let line = |device, _| Ok(Line { runtime: &runtime, server: &server, device });
    let (mut till, line) = enroll(
        store(&home).unwrap(),
        std::sync::Arc::new(Noon),
        Box::new(Seeded(3)),
        "https://x.example",
        &code,
        "Till",
        line,
    )
    .unwrap();
    let device = till.identity().device;
    // Asked again with the same code, the server gives the same answer.
    let request = EnrollRequest {
        code: code.clone(),
        device,
        public_key: till.identity().key().unwrap().public(),
        proof: till.identity().key().unwrap().sign(EnrollRequest::CONTEXT, code.as_bytes()),
        name: "Till".to_owned(),
        journal_key: None,
    };
    enrolment.0 = json(&request);
    enrolment.1 = json(&runtime.block_on(server.enroll(&request)).unwrap());
    let mut recorder = Recorder { line, said: Vec::new() };
    exchange(&mut till, &mut recorder).unwrap();
    let token = till.add_member(Some("Ada"), &None, None).unwrap().token.to_string();
    sell(&mut till, &token).unwrap();
    exchange(&mut till, &mut recorder).unwrap();
    // From here on both are kept: the device has said something that the server has not heard.
    for _ in 0..3 {
        sell(&mut till, &token).unwrap();
    }
    let last = stempel_domain::EventRef { author: device, seq: head(&till) };
    till.undo(last, &Default::default()).unwrap();
    drop(till);
    runtime.block_on(server.close());
    kept(&home, &place.join("till"));
    kept(&house, &place.join("server"));
    let mut till = opened(&home).unwrap();
    let server = runtime.block_on(crate::shop::server(&house)).unwrap();
    let mut recorder =
        Recorder { line: Line { runtime: &runtime, server: &server, device }, said: Vec::new() };
    exchange(&mut till, &mut recorder).unwrap();
    let truth = Truth {
        device,
        tenant,
        rows: head(&till),
        stamps: stamps(&till, &token),
        card: token,
        enrolment,
        exchange: recorder.said,
    };
    fs::write(place.join("truth.json"), serde_json::to_string_pretty(&truth).unwrap() + "\n").unwrap();
    let programmes = place.join("programmes");
    fs::create_dir_all(&programmes).unwrap();
    for name in ["coffee-card", "points", "levels"] {
        let from = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../assets/programmes");
        let file = format!("{name}.toml");
        fs::copy(from.join(&file), programmes.join(&file)).unwrap();
    }
    fs::write(programmes.join("case.json"), CASE).unwrap();
    fs::write(programmes.join("answers.jsonl"), judged(&programmes)).unwrap();
}

/// A few orders before each version's programmes.
const CASE: &str = r#"{
  "member": {"balances": {"point": "90"}, "joined": "2026-01-02"},
  "steps": [
    {"at": "2026-06-02T09:00:00+02:00", "sale": {"lines": [{"sku": "latte", "category": "coffee", "quantity": "2", "price": "4.20", "vat": "7"}], "tenders": [{"kind": "cash", "amount": "8.40"}]}},
    {"at": "2026-06-03T09:00:00+02:00", "sale": {"lines": [{"sku": "latte", "category": "coffee", "quantity": "9", "price": "4.20", "vat": "7"}, {"sku": "bagel", "category": "food", "quantity": "1", "price": "3.30", "vat": "7"}]}},
    {"at": "2026-06-04T09:00:00+02:00", "refund": {"of": 1, "lines": {"bagel": "1"}}},
    {"at": "2026-06-05T09:00:00+02:00", "look": true}
  ]
}
"#;

/// Copies a folder that nobody has open, its databases in small pages and without what was emptied.
fn kept(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with("-wal") || name.ends_with("-shm") || name.contains("lock") {
            continue;
        }
        fs::copy(&path, to.join(&name)).unwrap();
        if name.ends_with(".db") {
            let database = rusqlite::Connection::open(to.join(&name)).unwrap();
            database.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM;").unwrap();
        }
    }
}
