//! A server in memory: holds rows, folds members, tells what has changed. Small, and written apart from the
//! real one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex};

use stempel_domain::event::{Event, Fact, ProgrammeRef, Record};
use stempel_domain::member::{Base, Effect, effect_of};
use stempel_domain::programme::Programme;
use stempel_domain::rules::Original;
use stempel_domain::{AuthorId, CardId, MemberId, ShopId, TenantId};
use stempel_sync::{SyncError, Transport};
use stempel_terminal::exchange::{Report, exchange};
use stempel_terminal::setup::enroll;
use stempel_terminal::{Terminal, TerminalError};
use stempel_wire::message::{
    BLANKS_POOL, BlanksAnswer, EnrollAnswer, EnrollRequest, FeedChange, FeedItem, FeedPage, Problem,
    PushAnswer, PushHeader, RowTrouble, Shop,
};
use stempel_wire::token::{SecondCode, Token};
use stempel_wire::{Certificate, MemberKey, Row, SecretKey, frame};

use crate::support::*;

pub const TENANT: TenantId = TenantId([0x11; 16]);
pub const SERVER: AuthorId = AuthorId([0x44; 16]);
pub const SHOP: ShopId = ShopId([0x22; 16]);

pub fn shop(merchant: Option<&str>) -> Shop {
    let merchant = merchant.map(str::to_owned);
    Shop {
        id: SHOP,
        name: "Morgenrot".into(),
        day_ends_minutes: 0,
        zone: String::new(),
        merchant,
        rotating_above: BTreeMap::new(),
    }
}

pub fn card_key() -> SecretKey {
    SecretKey::from_bytes(&[3; 32])
}

fn server_key() -> SecretKey {
    SecretKey::from_bytes(&[4; 32])
}

#[derive(Clone, Default)]
pub struct FakeServer {
    pub epoch: String,
    head: u64,
    /// Each thing at the position of its last change; a text where this version could not have written it.
    things: BTreeMap<String, (u64, String)>,
    pub rows: BTreeMap<AuthorId, Vec<Row>>,
    pub keys: BTreeMap<MemberId, Vec<MemberKey>>,
    /// What each event does to its member, and whether it counts.
    effects: BTreeMap<MemberId, Vec<(Effect, bool)>>,
    pub quarantined: BTreeSet<AuthorId>,
    /// Kinds that it does not understand.
    pub dead: BTreeSet<&'static str>,
    /// It answers and takes nothing.
    pub deaf: bool,
    /// Devices that were signed out: they are told nothing, and what they push is taken.
    pub signed_out: BTreeSet<AuthorId>,
    /// The most changes of a page.
    pub page_max: usize,
    /// How far the server's clock is behind the devices'.
    pub skew_ms: Option<i64>,
    enrolled: u8,
}

pub type Shared = Arc<Mutex<FakeServer>>;

pub fn server() -> Shared {
    let mut server = FakeServer { epoch: "first".into(), page_max: 1000, ..FakeServer::default() };
    server.publish("key", &FeedChange::CardKey { key: card_key().public(), retired: false });
    server.programme(template("coffee-card"), 1);
    server.publish("latte", &FeedChange::Article(latte()));
    Arc::new(Mutex::new(server))
}

impl FakeServer {
    pub fn publish(&mut self, name: &str, change: &FeedChange) {
        self.publish_text(name, serde_json::to_string(change).unwrap());
    }

    pub fn publish_text(&mut self, name: &str, change: String) {
        self.head += 1;
        self.things.insert(name.into(), (self.head, change));
    }

    pub fn programme(&mut self, programme: Programme, version: u32) {
        let reference = ProgrammeRef { id: programme.id().clone(), version };
        let text = programme.to_json();
        let name = format!("programme {} {version}", reference.id);
        self.publish(&name, &FeedChange::Programme { reference, text, ended: false });
    }

    pub fn held(&self, author: AuthorId) -> u64 {
        self.rows.get(&author).map_or(0, |rows| rows.len() as u64)
    }

    fn push(&mut self, asks: AuthorId, body: &[u8]) -> PushAnswer {
        let frames = frame::split(body).unwrap();
        let header: PushHeader = serde_json::from_slice(frames[0]).unwrap();
        assert!(header.keys.len() <= 1000 && frames.len() <= 1001, "more than a push holds");
        for key in header.keys {
            let keys = self.keys.entry(key.member).or_default();
            if !keys.contains(&key.key) {
                keys.push(key.key);
            }
        }
        let mut answer = PushAnswer { epoch: self.epoch.clone(), ..PushAnswer::default() };
        let mut touched = BTreeSet::new();
        for bytes in frames[1..].iter().filter(|_| !self.deaf) {
            let row = Row::parse(bytes.to_vec()).unwrap();
            let (author, seq) = (row.author(), row.seq());
            let held = self.rows.entry(author).or_default();
            let trouble = |reason: &str| RowTrouble { author, seq, reason: reason.into() };
            if self.quarantined.contains(&author) {
                answer.quarantined.push(trouble("it waits for a person"));
                break;
            }
            match held.get(seq as usize - 1) {
                Some(known) if known == &row => {}
                Some(_) => {
                    self.quarantined.insert(author);
                    answer.quarantined.push(trouble("another row is there"));
                    break;
                }
                None if seq as usize != held.len() + 1 => break,
                None => {
                    if held.last().is_some_and(|last| !row.follows(last.seq(), last.hash())) {
                        self.quarantined.insert(author);
                        answer.quarantined.push(trouble("it follows another row"));
                        break;
                    }
                    let event = row.event().unwrap();
                    let counts = !self.dead.contains(event.record.fact.kind());
                    if !counts {
                        answer.dead.push(trouble("not understood"));
                    }
                    if let Some((member, effect)) = effect_of(&event) {
                        self.effects.entry(member).or_default().push((effect, counts));
                        touched.insert(member);
                    }
                    held.push(row);
                }
            }
        }
        touched.into_iter().for_each(|member| self.tell(member));
        answer.held.insert(asks, self.held(asks));
        answer
    }

    /// Publishes a member anew: the fold of all rows about them.
    fn tell(&mut self, member: MemberId) {
        let mut base = Base::default();
        for (effect, counts) in &self.effects[&member] {
            if *counts {
                base.state.apply(effect);
            }
            let included = base.includes.entry(effect.event.author).or_default();
            *included = effect.event.seq.max(*included);
        }
        let keys = self.keys.get(&member).cloned().unwrap_or_default();
        self.publish(&format!("member {member}"), &FeedChange::Member { member, base: Box::new(base), keys });
    }

    /// Takes every right back that an event gave, as one that was given twice.
    pub fn withdraw(&mut self, event: &Event) {
        let Event { record, .. } = event;
        let original = Original::of(&record.fact, &record.at).unwrap();
        let member = original.member.unwrap();
        for (seq, grant) in (1..).zip(record.fact.grants()) {
            let fact = stempel_domain::rules::withdraw(&original, event.reference(), grant).unwrap();
            let fact = Fact::GrantWithdrawn(Box::new(fact));
            let record = Record { at: record.at, operator: None, fact };
            let (_, effect) = effect_of(&Event { author: SERVER, seq, record }).unwrap();
            self.effects.entry(member).or_default().push((effect, true));
        }
        self.tell(member);
    }

    fn feed(&self, asks: AuthorId, after: u64, limit: usize) -> FeedPage {
        let mut changes: Vec<FeedItem> = self
            .things
            .values()
            .filter(|(position, _)| *position > after)
            .map(|(position, text)| FeedItem {
                position: *position,
                change: serde_json::value::RawValue::from_string(text.clone()).unwrap(),
            })
            .collect();
        changes.sort_by_key(|item| item.position);
        changes.truncate(limit.min(self.page_max));
        let next = changes.last().map_or(self.head, |item| item.position);
        let last = self.rows.get(&asks).and_then(|rows| rows.last());
        FeedPage {
            epoch: self.epoch.clone(),
            changes,
            next,
            head: self.head,
            held: self.held(asks),
            held_hash: last.map_or(String::new(), |row| row.hash().to_string()),
        }
    }

    /// What a backup of this server knows, put in its place: an older state under a new epoch.
    pub fn restore(&mut self, backup: FakeServer) {
        let epoch = format!("{}, restored", self.epoch);
        *self = FakeServer { epoch, ..backup };
    }

    /// What it says of a member.
    pub fn member_state(&self, member: MemberId) -> stempel_domain::MemberState {
        match self
            .things
            .get(&format!("member {member}"))
            .map(|(_, text)| serde_json::from_str(text).unwrap())
        {
            Some(FeedChange::Member { base, .. }) => base.state,
            _ => stempel_domain::MemberState::default(),
        }
    }
}

/// What happens to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It does not arrive.
    Unreachable,
    /// It arrives and is done; the answer is lost.
    AnswerLost,
    /// Something else answers.
    Rubbish,
    /// The server was restored from its backup a moment before.
    Restored,
    /// The thread that asks dies of it.
    Dies,
    /// The answer to a push says that own rows are not genuine.
    Refused,
}

/// Carries the questions of one device, with faults as scripted.
pub struct Wire {
    pub server: Shared,
    pub device: AuthorId,
    pub script: VecDeque<Fault>,
    pub asked: Vec<&'static str>,
    pub backup: Option<FakeServer>,
}

impl Wire {
    pub fn new(server: &Shared, device: AuthorId) -> Self {
        Self { server: server.clone(), device, script: VecDeque::new(), asked: Vec::new(), backup: None }
    }

    fn carry<T>(
        &mut self,
        what: &'static str,
        ask: impl FnOnce(&mut FakeServer, AuthorId) -> T,
    ) -> Result<T, SyncError> {
        self.asked.push(what);
        let fault = self.script.pop_front().unwrap_or(Fault::None);
        if fault == Fault::Unreachable {
            return Err(SyncError::Unreachable);
        }
        let answer = {
            let mut server = self.server.lock().unwrap();
            if fault == Fault::Restored {
                let backup = self.backup.take().unwrap();
                server.restore(backup);
            }
            ask(&mut server, self.device)
        };
        match fault {
            Fault::Dies => panic!("the transport dies"),
            Fault::AnswerLost => Err(SyncError::CutOff),
            Fault::Rubbish => Err(SyncError::Rubbish("a page of a hotel".into())),
            _ => Ok(answer),
        }
    }
}

impl Transport for Wire {
    fn enroll(&mut self, request: &EnrollRequest) -> Result<EnrollAnswer, SyncError> {
        let (device, key) = (request.device, request.public_key);
        request.public_key.verify(EnrollRequest::CONTEXT, request.code.as_bytes(), &request.proof).unwrap();
        self.device = device;
        self.carry("enroll", |server, _| EnrollAnswer {
            tenant: TENANT,
            tenant_name: "Morgenrot".into(),
            certificate: Certificate::issue(&server_key(), TENANT, SHOP, device, key, 1),
            server: SERVER,
            server_key: server_key().public(),
            epoch: server.epoch.clone(),
            shop: shop(None),
        })
    }

    fn push(&mut self, body: Vec<u8>) -> Result<PushAnswer, SyncError> {
        if self.script.front() == Some(&Fault::Refused) {
            self.asked.push("push");
            self.script.pop_front();
            let server = self.server.lock().unwrap();
            let held = server.held(self.device);
            let trouble = RowTrouble { author: self.device, seq: held + 1, reason: "not signed".into() };
            return Ok(PushAnswer {
                epoch: server.epoch.clone(),
                held: [(self.device, held)].into(),
                refused: vec![trouble],
                ..PushAnswer::default()
            });
        }
        self.carry("push", |server, device| server.push(device, &body))
    }

    fn copy(&mut self, sealed: Vec<u8>) -> Result<PushAnswer, SyncError> {
        self.carry("copy", |server, asks| {
            let (device, body) = stempel_wire::copy::open(&server_key(), &sealed).unwrap();
            let mut answer = server.push(asks, &body);
            answer.held.insert(device, server.held(device));
            answer
        })
    }

    fn feed(&mut self, after: u64, limit: usize, _wait_ms: u64) -> Result<FeedPage, SyncError> {
        let answer = self.carry("feed", |server, device| {
            if server.signed_out.contains(&device) {
                return Err(Problem {
                    code: "device-revoked".into(),
                    status: 403,
                    title: "This device was signed out by the owner".into(),
                    detail: "It hands over what it has not sent yet.".into(),
                });
            }
            Ok(server.feed(device, after, limit))
        })?;
        answer.map_err(SyncError::Refused)
    }

    fn blanks(&mut self) -> Result<BlanksAnswer, SyncError> {
        self.carry("blanks", |_, device| {
            let card = |number: usize| CardId([device.0[15], number as u8, 1, 1, 1, 1, 1, 1]);
            let blank = |number| Token::issue(TENANT, &card_key(), card(number));
            let blanks: Vec<Token> = (0..BLANKS_POOL).map(blank).collect();
            let second = |token: &Token| SecondCode::issue(TENANT, &card_key(), token.card());
            BlanksAnswer { seconds: blanks.iter().map(second).collect(), blanks }
        })
    }

    fn skew_ms(&self) -> Option<i64> {
        self.server.lock().unwrap().skew_ms
    }
}

/// A device of the server, before its first exchange.
pub fn enrolled_in(path: &Path, clock: &Hand, server: &Shared) -> (Terminal, Wire) {
    let seed = {
        let mut server = server.lock().unwrap();
        server.enrolled += 1;
        u64::from(server.enrolled) * 1000
    };
    let connect = |device, _| Ok(Wire::new(server, device));
    enroll(
        store(path),
        Arc::new(clock.clone()),
        Box::new(Seeded(seed)),
        "https://stempel.example",
        "K7Q2-M9XV",
        "Counter",
        connect,
    )
    .unwrap()
}

/// A device that has exchanged once.
pub fn device_in(path: &Path, clock: &Hand, server: &Shared) -> (Terminal, Wire) {
    let (mut terminal, mut wire) = enrolled_in(path, clock, server);
    sync(&mut terminal, &mut wire).unwrap();
    (terminal, wire)
}

pub fn sync(terminal: &mut Terminal, wire: &mut Wire) -> Result<Report, TerminalError> {
    exchange(terminal, wire)
}

/// A card that the tenant's key has signed.
pub fn printed(number: u8) -> String {
    Token::issue(TENANT, &card_key(), CardId([number, 7, 7, 7, 7, 7, 7, 7])).to_string()
}
