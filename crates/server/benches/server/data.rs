//! Devices with real journals: stamps as a counter writes them.

use std::sync::Arc;

use stempel_domain::event::{Fact, JournalBegun, Loyalty, Record, StampFact};
use stempel_domain::programme::Programme;
use stempel_domain::rules::{self, RuleBook};
use stempel_domain::sale::{Order, StampCount, StampOrder};
use stempel_domain::{AuthorId, EventRef, MemberFacts, MemberId, Moment, ShopId, TenantId, Unit};
use stempel_server::system::{SystemClock, SystemEntropy};
use stempel_server::{Caller, Db, Server};
use stempel_wire::message::{EnrollRequest, PushHeader, push_body};
use stempel_wire::{Hash, Row, SecretKey};

use crate::database::{self, Kind};

const COFFEE: &str = r#"{"id":"coffee","name":"Coffee card","unit":"stamp:coffee","card":10,"earn":[{"id":"coffees","per":"item","amount":"1","categories":["coffee"]}],"reward":[{"id":"free-coffee","kind":"free-item","cost":"10","categories":["coffee"]}]}"#;
const NOON_MS: i64 = 1_795_000_000_000;

/// A server on a fresh database.
pub struct Site {
    pub server: Server,
    pub tenant: TenantId,
    pub shop: ShopId,
    pub url: String,
    _folder: tempfile::TempDir,
}

impl Site {
    pub async fn open(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = database::of_kind(kind, folder.path()).await;
        let db = Db::open(&url).await.unwrap();
        let server = Server::open(db, Arc::new(SystemClock::new()), Box::new(SystemEntropy));
        let tenant = server.tenant_add("Café", false).await.unwrap();
        let shop = server.shop_add(tenant, "Mitte", "Europe/Berlin", 0).await.unwrap().id;
        server.programme_publish(tenant, &"coffee".parse().unwrap(), COFFEE).await.unwrap();
        Self { server, tenant, shop, url, _folder: folder }
    }

    /// So many devices, each with so many rows about guests among `members`.
    pub async fn journals(&self, devices: usize, rows: usize, members: usize, seed: u64) -> Vec<Journal> {
        let mut journals = Vec::new();
        for number in 0..devices {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&(number as u64 + 1).to_be_bytes());
            let key = SecretKey::from_bytes(&[number as u8 + 1; 32]);
            let device = AuthorId(id);
            let code = self.server.device_invite(self.tenant, self.shop, 3_600_000).await.unwrap().code;
            let proof = key.sign(EnrollRequest::CONTEXT, code.as_bytes());
            let ask = EnrollRequest {
                code,
                device,
                public_key: key.public(),
                proof,
                name: "Kasse".to_owned(),
                journal_key: None,
            };
            self.server.enroll(&ask).await.unwrap();
            let mut journal = Journal {
                caller: self.server.caller(device).await.unwrap(),
                key,
                tenant: self.tenant,
                shop: self.shop,
                rows: Vec::new(),
                head: (0, Hash::NONE),
                random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (number as u64 + 1) << 32 | 1,
                number,
                members,
                book: book(),
            };
            journal.begin();
            journal.write(rows);
            journals.push(journal);
        }
        journals
    }
}

fn book() -> RuleBook {
    RuleBook::new(vec![Programme::from_json(COFFEE).unwrap().published(1)]).unwrap()
}

/// A device's journal.
pub struct Journal {
    pub caller: Caller,
    key: SecretKey,
    tenant: TenantId,
    shop: ShopId,
    /// Rows that were written and not dropped.
    pub rows: Vec<Row>,
    head: (u64, Hash),
    random: u64,
    number: usize,
    members: usize,
    book: RuleBook,
}

impl Journal {
    fn begin(&mut self) {
        let public_key = self.key.public().to_string();
        let fact = JournalBegun { tenant: self.tenant, shop: Some(self.shop), public_key };
        self.add(Fact::JournalBegun(fact));
    }

    fn add(&mut self, fact: Fact) {
        let reference = EventRef { author: self.caller.device, seq: self.head.0 + 1 };
        let record = Record { at: moment(), operator: None, fact };
        let row = Row::write(&self.key, reference, self.head.1, &record).unwrap();
        self.head = (reference.seq, row.hash());
        self.rows.push(row);
    }

    /// Writes stamps for guests who come by chance.
    pub fn write(&mut self, rows: usize) {
        for _ in 0..rows {
            // Xorshift: repeatable, and good enough to choose a guest.
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            let guest = (self.random % self.members as u64) as usize;
            self.stamp(guest);
        }
    }

    fn stamp(&mut self, guest: usize) {
        let order = StampOrder {
            stamps: vec![StampCount { programme: "coffee".parse().unwrap(), count: 1 }],
            claims: Vec::new(),
        };
        let facts = MemberFacts::default();
        let outcome = rules::evaluate(&self.book, Some(&facts), Order::Stamps(&order), self.shop, &moment());
        let member = member(guest);
        let fact = StampFact {
            shop: self.shop,
            order,
            loyalty: Loyalty {
                member,
                card: None,
                rules: rules::VERSION,
                programmes: self.book.references(),
                facts,
            },
            postings: outcome.postings(member, self.shop, moment().day),
            outcome,
            place: Default::default(),
            proof: None,
        };
        self.add(Fact::Stamp(Box::new(fact)));
    }

    /// A push of the rows that were written since, with the journal's beginning at the first time.
    pub fn take(&mut self, rows: usize) -> Vec<u8> {
        let rows: Vec<Row> = self.rows.drain(..(rows + 1).min(self.rows.len())).collect();
        body(&rows)
    }

    /// Everything, in pushes of so many rows.
    pub fn pushes(&self, rows: usize) -> Vec<Vec<u8>> {
        self.rows.chunks(rows).map(body).collect()
    }

    /// Pushes with one stamp for each guest of a part of this device's share.
    pub fn everybody(&mut self, share: usize, first: usize, most: usize) -> Vec<Vec<u8>> {
        for guest in first..(first + most).min(share) {
            self.stamp(self.number * share + guest);
        }
        std::mem::take(&mut self.rows).chunks(1000).map(body).collect()
    }

    /// A guest with units at the moment.
    pub fn holder(&self) -> (MemberId, Unit) {
        let mut random = self.random;
        // The last guest that `write` chose.
        random %= self.members as u64;
        (member(random as usize), Unit::new("stamp:coffee", 0).unwrap())
    }
}

fn body(rows: &[Row]) -> Vec<u8> {
    let rows: Vec<Vec<u8>> = rows.iter().map(|row| row.bytes().to_vec()).collect();
    push_body(&PushHeader::default(), &rows).unwrap()
}

fn member(guest: usize) -> MemberId {
    // Spread like real ids, which are hashes.
    let mut id = [0; 16];
    id[..8].copy_from_slice(&(guest as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    id[8..].copy_from_slice(&(guest as u64).to_be_bytes());
    MemberId(id)
}

fn moment() -> Moment {
    let day = stempel_domain::time::business_day(NOON_MS, 60, 0);
    Moment { utc_ms: NOON_MS, offset_minutes: 60, day, skew_ms: None, clock_doubtful: false }
}
