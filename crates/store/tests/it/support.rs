//! Journals, members and bases for the tests.

use std::path::Path;
use std::time::Duration;

use stempel_domain::event::{Adjustment, CardBlocked, CounterStep, Fact, MemberJoined, Record};
use stempel_domain::member::{Base, Effect, effect_of};
use stempel_domain::ports::Entropy;
use stempel_domain::{
    Account, AuthorId, Booking, CardId, Day, Event, EventRef, MemberId, MemberState, Moment, Posting,
    TenantId, Unit,
};
use stempel_store::journal::Keeping;
use stempel_store::{Folder, Head, Store, StoreError};
use stempel_wire::message::{FeedChange, FeedItem};
use stempel_wire::{Row, SecretKey};
use tempfile::TempDir;

pub const OWN: AuthorId = AuthorId([0xd1; 16]);
pub const OTHER: AuthorId = AuthorId([0xd2; 16]);
pub const TENANT: TenantId = TenantId([0x11; 16]);

/// A folder on a disk.
pub fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A folder in memory where there is one, for tests with thousands of writes and no pulled plug.
pub fn fast_folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| folder())
}

/// Takes a folder that nobody should hold. A child that another test is just starting has our open files for
/// an instant, and with them a lock that we have let go.
pub fn take(path: &Path) -> Folder {
    for _ in 0..200 {
        match Folder::take(path, "till, process 1") {
            Err(StoreError::InUse { .. }) => std::thread::sleep(Duration::from_millis(10)),
            taken => return taken.unwrap(),
        }
    }
    panic!("somebody holds {}", path.display());
}

pub fn open(path: &Path) -> Store {
    Store::open(take(path)).unwrap()
}

/// The same numbers for the same seed.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

impl Entropy for Random {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.below(256) as u8);
    }
}

pub fn member(number: u8) -> MemberId {
    MemberId::of_first_card(TENANT, card(number))
}

pub fn card(number: u8) -> CardId {
    CardId([number, 2, 3, 4, 5, 6, 7, 8])
}

pub fn day(number: i64) -> Day {
    Day::from_number(20_000 + number)
}

pub fn moment(on: Day, minute: i64) -> Moment {
    let utc_ms = i64::from(on.number()) * 86_400_000 + minute * 60_000;
    Moment { utc_ms, offset_minutes: 0, day: on, skew_ms: None, clock_doubtful: false }
}

pub fn stamps() -> Unit {
    "stamp:coffee".parse().unwrap()
}

/// Units given to a member (or taken, with a negative amount).
pub fn given(member: MemberId, on: Day, amount: i64) -> Fact {
    let booking = if amount < 0 {
        Booking::Spend { day: on }
    } else {
        Booking::Lot { earned: on, last: None, idle: None }
    };
    let postings = vec![
        Posting { account: Account::Member(member), unit: stamps(), amount, booking: Some(booking) },
        Posting { account: Account::Goodwill, unit: stamps(), amount: -amount, booking: None },
    ];
    Fact::Adjustment(Adjustment::new(member, "test", postings))
}

/// Something of which there is only so much, given so often. No units move.
pub fn tallied(number: u8, key: &str, on: Day, amount: i64) -> Fact {
    let tallies = vec![CounterStep { key: key.into(), day: on, amount }];
    Fact::Adjustment(Adjustment { tallies, ..Adjustment::new(member(number), "test", Vec::new()) })
}

pub fn joined(number: u8) -> Fact {
    Fact::MemberJoined(MemberJoined::new(member(number), card(number), None))
}

pub fn blocked(number: u8, member: Option<MemberId>) -> Fact {
    Fact::CardBlocked(CardBlocked { card: card(number), member })
}

pub fn key() -> SecretKey {
    SecretKey::from_bytes(&[0xd1; 32])
}

/// Signs a fact as the next row after a head.
pub fn row_after(head: Head, fact: Fact, at: Moment) -> (Row, Event) {
    let reference = EventRef { author: OWN, seq: head.seq + 1 };
    let record = Record { at, operator: None, fact };
    let row = Row::write(&key(), reference, head.hash, &record).unwrap();
    (row, Event { author: OWN, seq: reference.seq, record })
}

/// Appends facts in one transaction; gives their effects.
pub fn append(
    store: &mut Store,
    facts: impl IntoIterator<Item = (Fact, Moment)>,
    keeping: Keeping,
) -> Result<Vec<(MemberId, Effect)>, StoreError> {
    store.write(|write| {
        let mut effects = Vec::new();
        for (fact, at) in facts {
            let (row, event) = row_after(write.view().head(OWN)?, fact, at);
            write.append(&row, &event, keeping)?;
            effects.extend(effect_of(&event));
        }
        Ok(effects)
    })
}

/// Appends one fact about a member, at noon of a day.
pub fn note(store: &mut Store, fact: Fact, on: Day, keeping: Keeping) -> Effect {
    append(store, [(fact, moment(on, 720))], keeping).unwrap().pop().unwrap().1
}

pub fn balance(store: &Store, member: MemberId, on: Day) -> i64 {
    let state = store.view().member(member).unwrap().unwrap_or_default();
    state.balances(on).get(&stamps()).copied().unwrap_or(0)
}

/// The state that effects make, in plain order.
pub fn folded<'a>(effects: impl IntoIterator<Item = &'a Effect>) -> MemberState {
    let mut state = MemberState::default();
    effects.into_iter().for_each(|effect| state.apply(effect));
    state
}

/// What a server that has these effects of a member says of it.
pub fn base<'a>(effects: impl IntoIterator<Item = &'a Effect> + Clone) -> Base {
    let mut base = Base { state: folded(effects.clone()), ..Base::default() };
    for effect in effects {
        let seq = base.includes.entry(effect.event.author).or_default();
        *seq = effect.event.seq.max(*seq);
    }
    base
}

/// Takes changes as the feed brings them.
pub fn feed(store: &mut Store, changes: &[FeedChange]) {
    let items: Vec<FeedItem> =
        changes.iter().enumerate().map(|(at, change)| FeedItem::new(at as u64, change).unwrap()).collect();
    let unknown = store.write(|write| write.apply_changes(&items)).unwrap();
    assert_eq!(unknown, 0);
}

pub fn feed_base(store: &mut Store, member: MemberId, base: Base) {
    feed(store, &[FeedChange::Member { member, base: Box::new(base), keys: Vec::new() }]);
}
