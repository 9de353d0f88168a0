//! A server on a database of its own, a clock that tests set, and devices that write real rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use stempel_domain::event::{Adjustment, Fact, JournalBegun, MemberJoined, Record};
use stempel_domain::ledger::{Account, Booking, Posting};
use stempel_domain::member::Base;
use stempel_domain::ports::{Clock, Entropy};
use stempel_domain::{AuthorId, CardId, Day, EventRef, MemberId, Moment, ShopId, TenantId, Unit};
use stempel_server::{Db, Error, Server};
use stempel_wire::message::{
    EnrollAnswer, EnrollRequest, FeedChange, FeedPage, KeyOf, PushAnswer, PushHeader, push_body,
};
use stempel_wire::{Certificate, Hash, MemberKey, Row, SecretKey};

pub const NOON_MS: i64 = 1_795_000_000_000;
pub const HOUR_MS: i64 = 3_600_000;

#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn forward(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
    fn offset_minutes_at(&self, _utc_ms: i64) -> i16 {
        60
    }
}

/// Counts through a hash: repeatable, and different at every draw.
pub struct Seeded(u64);

impl Seeded {
    pub fn new(seed: u64) -> Self {
        Self(seed << 32)
    }
}

impl Entropy for Seeded {
    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            self.0 += 1;
            let block = blake3_of(self.0);
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}

fn blake3_of(counter: u64) -> [u8; 32] {
    // A signature's bytes serve as a repeatable source here.
    let signature = SecretKey::from_bytes(&[9; 32]).sign("test entropy", &counter.to_be_bytes());
    signature.0[..32].try_into().unwrap()
}

pub struct World {
    pub server: Server,
    pub clock: Arc<TestClock>,
    pub tenant: TenantId,
    pub shop: ShopId,
    /// The database.
    pub url: String,
    /// A folder for the files of the test.
    pub folder: tempfile::TempDir,
    wrapped: bool,
}

impl World {
    pub async fn new() -> Self {
        Self::begun(NOON_MS).await
    }

    /// A world that began at another time.
    pub async fn begun(at_ms: i64) -> Self {
        Self::made(at_ms, true).await
    }

    /// A world whose secrets are stored as they are: for tests that bring a key file of their own.
    pub async fn clear() -> Self {
        Self::made(NOON_MS, false).await
    }

    async fn made(at_ms: i64, wrapped: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(at_ms)));
        let url = crate::database::fresh(folder.path()).await;
        let server = if wrapped { open(&url, &clock, 1).await } else { open_clear(&url, &clock, 1).await };
        let tenant = server.tenant_add("Café Test", false).await.unwrap();
        let shop = server.shop_add(tenant, "Mitte", "Europe/Berlin", 0).await.unwrap().id;
        Self { server, clock, tenant, shop, url, folder, wrapped }
    }

    /// Closes the server and opens it anew on the same database.
    pub async fn restart(&mut self) {
        self.server.close().await;
        let seed = 1_000 + u64::from(self.clock.now_ms().unsigned_abs() as u32);
        self.server = match self.wrapped {
            true => open(&self.url, &self.clock, seed).await,
            false => open_clear(&self.url, &self.clock, seed).await,
        };
    }

    pub async fn device(&self, number: u8) -> Device {
        let mut device = Device::new(number);
        let code = self.server.device_invite(self.tenant, self.shop, HOUR_MS).await.unwrap().code;
        let answer = self.server.enroll(&device.ask(&code)).await.unwrap();
        device.belongs(&answer);
        device
    }

    pub async fn push(&self, device: &Device, rows: &[Row]) -> Result<PushAnswer, Error> {
        let caller = self.server.sender(device.id).await?;
        self.server.push(&caller, &PushHeader::default(), rows.to_vec()).await
    }

    pub async fn push_keys(&self, device: &Device, rows: &[Row], keys: Vec<KeyOf>) -> PushAnswer {
        let caller = self.server.caller(device.id).await.unwrap();
        let header = PushHeader { keys, ..PushHeader::default() };
        self.server.push(&caller, &header, rows.to_vec()).await.unwrap()
    }

    pub async fn feed(&self, device: &Device, after: u64) -> FeedPage {
        let caller = self.server.caller(device.id).await.unwrap();
        self.server.feed(&caller, after, 1000).await.unwrap()
    }

    /// The state of a member as a device reads it from the feed.
    pub async fn base(&self, device: &Device, member: MemberId) -> Option<Base> {
        let page = self.feed(device, 0).await;
        page.changes.iter().find_map(|item| match item.read() {
            Some(FeedChange::Member { member: id, base, .. }) if id == member => Some(*base),
            _ => None,
        })
    }

    /// The keys of a member as a device reads them from the feed.
    pub async fn keys(&self, device: &Device, member: MemberId) -> Vec<MemberKey> {
        let page = self.feed(device, 0).await;
        let keys = page.changes.iter().find_map(|item| match item.read() {
            Some(FeedChange::Member { member: id, keys, .. }) if id == member => Some(keys),
            _ => None,
        });
        keys.unwrap_or_default()
    }

    pub async fn points(&self, device: &Device, member: MemberId) -> Option<i64> {
        let base = self.base(device, member).await?;
        Some(base.state.balances(today()).get(&point()).copied().unwrap_or(0))
    }

    pub async fn sound(&self) {
        let report = self.server.verify(self.tenant).await.unwrap();
        assert_eq!(report.problems, Vec::<String>::new());
    }
}

/// The file with the wrapping key of every world that does not bring its own.
pub fn keys() -> std::path::PathBuf {
    static FOLDER: std::sync::OnceLock<tempfile::TempDir> = std::sync::OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        // Made here, so that no server draws it: the same seed gives the same world.
        let keys = stempel_wire::WrappingKeys::generate(&mut Seeded::new(7)).to_text();
        std::fs::write(folder.path().join("server.keys"), keys).unwrap();
        folder
    });
    folder.path().join("server.keys")
}

/// Opens a server as the program does: secrets are stored wrapped.
pub async fn open(url: &str, clock: &Arc<TestClock>, seed: u64) -> Server {
    let server = open_clear(url, clock, seed).await;
    server.use_keys(Some(&keys())).await.unwrap();
    server
}

/// Opens a server without a wrapping key.
pub async fn open_clear(url: &str, clock: &Arc<TestClock>, seed: u64) -> Server {
    let db = Db::open(url).await.unwrap();
    Server::open(db, clock.clone(), Box::new(Seeded::new(seed)))
}

pub fn point() -> Unit {
    Unit::new("point", 0).unwrap()
}

pub fn today() -> Day {
    moment().day
}

pub fn moment() -> Moment {
    let day = stempel_domain::time::business_day(NOON_MS, 60, 0);
    Moment { utc_ms: NOON_MS, offset_minutes: 60, day, skew_ms: None, clock_doubtful: false }
}

pub fn member(number: u8) -> MemberId {
    MemberId([number; 16])
}

pub fn card(number: u8) -> CardId {
    CardId([number; 8])
}

/// A device with its key and its journal.
#[derive(Clone)]
pub struct Device {
    pub id: AuthorId,
    pub key: Arc<SecretKey>,
    pub tenant: TenantId,
    pub shop: ShopId,
    pub certificate: Option<Certificate>,
    pub rows: Vec<Row>,
}

impl Device {
    pub fn new(number: u8) -> Self {
        Self {
            id: AuthorId([number; 16]),
            key: Arc::new(SecretKey::from_bytes(&[number; 32])),
            tenant: TenantId([0; 16]),
            shop: ShopId([0; 16]),
            certificate: None,
            rows: Vec::new(),
        }
    }

    pub fn ask(&self, code: &str) -> EnrollRequest {
        EnrollRequest {
            code: code.to_owned(),
            device: self.id,
            public_key: self.key.public(),
            proof: self.key.sign(EnrollRequest::CONTEXT, code.as_bytes()),
            name: "Counter".to_owned(),
            journal_key: None,
        }
    }

    /// Takes the certificate and begins the journal.
    pub fn belongs(&mut self, answer: &EnrollAnswer) {
        answer.certificate.verify(&answer.server_key).unwrap();
        (self.tenant, self.shop) = (answer.tenant, answer.shop.id);
        self.certificate = Some(answer.certificate.clone());
        let public_key = self.key.public().to_string();
        self.write(Fact::JournalBegun(JournalBegun {
            tenant: self.tenant,
            shop: Some(self.shop),
            public_key,
        }));
    }

    /// The body of a push of its rows after that many.
    pub fn push_from(&self, rows: usize) -> Vec<u8> {
        let rows: Vec<Vec<u8>> = self.rows[rows..].iter().map(|row| row.bytes().to_vec()).collect();
        push_body(&PushHeader::default(), &rows).unwrap()
    }

    pub fn next(&self) -> (EventRef, Hash) {
        let seq = self.rows.len() as u64 + 1;
        let hash = self.rows.last().map_or(Hash::NONE, Row::hash);
        (EventRef { author: self.id, seq }, hash)
    }

    pub fn write(&mut self, fact: Fact) -> Row {
        self.write_at(moment(), fact)
    }

    pub fn write_at(&mut self, at: Moment, fact: Fact) -> Row {
        let (reference, previous) = self.next();
        let record = Record { at, operator: None, fact };
        let row = Row::write(&self.key, reference, previous, &record).unwrap();
        self.rows.push(row.clone());
        row
    }

    /// Writes a row whose record is that JSON, whatever it says.
    pub fn write_json(&mut self, json: &str) -> Row {
        let (reference, previous) = self.next();
        let row = Row::parse(raw_row(&self.key, reference, previous, json.as_bytes())).unwrap();
        self.rows.push(row.clone());
        row
    }

    /// Changes the key by an event that the old one signs.
    pub fn change_key(&mut self, number: u8) -> Row {
        let new = SecretKey::from_bytes(&[number; 32]);
        let row = self.write(stempel_wire::key_change::fact(self.id, &new));
        self.key = Arc::new(new);
        row
    }

    pub fn join(&mut self, member: MemberId, card: CardId) -> Row {
        self.write(Fact::MemberJoined(MemberJoined::new(member, card, None)))
    }

    pub fn give(&mut self, member: MemberId, amount: i64) -> Row {
        self.write(give(self.shop, member, amount))
    }
}

/// Points by hand; a negative amount is spent.
pub fn give(shop: ShopId, member: MemberId, amount: i64) -> Fact {
    let booking = if amount < 0 {
        Booking::Spend { day: today() }
    } else {
        Booking::Lot { earned: today(), last: None, idle: None }
    };
    let postings = vec![
        Posting { account: Account::Member(member), unit: point(), amount, booking: Some(booking) },
        Posting { account: Account::Shop(shop), unit: point(), amount: -amount, booking: None },
    ];
    Fact::Adjustment(Adjustment::new(member, "test", postings))
}

/// A signed row by the protocol's page, so that a record can be anything.
pub fn raw_row(key: &SecretKey, reference: EventRef, previous: Hash, record: &[u8]) -> Vec<u8> {
    let mut bytes = b"SE\x01\x00".to_vec();
    bytes.extend_from_slice(&reference.author.0);
    bytes.extend_from_slice(&reference.seq.to_be_bytes());
    bytes.extend_from_slice(&previous.0);
    bytes.extend_from_slice(&(record.len() as u32).to_be_bytes());
    bytes.extend_from_slice(record);
    let hash = blake3::hash(&bytes);
    bytes.extend_from_slice(&key.sign("stempel event v1", hash.as_bytes()).0);
    bytes
}

pub fn code(error: &Error) -> &'static str {
    error.code()
}
