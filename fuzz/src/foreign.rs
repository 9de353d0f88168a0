//! What holds for any bytes that come from elsewhere: cards, receipts, slips, rows, messages, tables. Each function panics
//! where it does not.

use serde::Serialize;
use serde::de::DeserializeOwned;
use stempel_domain::event::Record;
use stempel_domain::member::effect_of;
use stempel_domain::receipt::FiscalReceipt;
use stempel_domain::{AuthorId, CardNumber, Day, EventRef, MemberState, Moment, TenantId, Unit};
use stempel_wire::message::{
    BlanksAnswer, EnrollAnswer, EnrollRequest, FeedChange, FeedPage, Problem, PushAnswer, PushHeader,
};
use stempel_wire::rotating::RotatingCode;
use stempel_wire::slip::Slip;
use stempel_wire::token::{SecondCode, Token, looks_like_a_card};
use stempel_wire::{CardKeys, Certificate, Hash, Row, SecretKey, catalogue, fiscal, frame};

const TENANT: TenantId = TenantId([0x11; 16]);

/// What a scanner may read: a card, its second code, a rotating code, a slip. What is found is written as it is read.
pub fn code(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    looks_like_a_card(text);
    if let Some(token) = Token::find(text) {
        assert_eq!(Token::find(&token.to_string()), Some(token));
    }
    if let Some(code) = SecondCode::find(text) {
        assert_eq!(SecondCode::find(&code.to_string()), Some(code));
    }
    if let Some(slip) = Slip::find(text) {
        assert_eq!(Slip::find(&slip.to_string()).map(|slip| slip.to_string()), Some(slip.to_string()));
        slip.hash(TENANT);
    }
    if let Some(code) = RotatingCode::find(text) {
        let again = RotatingCode::find(&code.to_string()).expect("what was written is read");
        assert_eq!(again.to_string(), code.to_string());
    }
    // Nobody has the secret half of this key: whatever was read, it is not genuine.
    let mut keys = CardKeys::new(TENANT);
    keys.insert(SecretKey::from_bytes(&[0x5a; 32]).public(), false);
    assert!(keys.verify(text).is_err() && keys.verify_second(text).is_err());
}

/// A number that a person typed.
pub fn number(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(number) = text.parse::<CardNumber>() {
        assert_eq!(number.to_string().parse::<CardNumber>().ok(), Some(number));
    }
}

/// The code on another till's receipt.
pub fn receipt(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    FiscalReceipt::is_one(text);
    if let Ok(receipt) = FiscalReceipt::parse(text) {
        assert!(FiscalReceipt::is_one(text), "whatever can be read looks like one");
        // Signed or not: it ends, and says which.
        if let Err(error) = fiscal::check(&receipt) {
            assert!(!error.to_string().is_empty());
        }
    }
}

/// A row of a journal, as bytes.
pub fn row(bytes: &[u8]) {
    let Ok(row) = Row::parse(bytes.to_vec()) else { return };
    assert_eq!(row.bytes(), bytes);
    row.hash();
    row.kind();
    if let Ok(event) = row.event() {
        assert_eq!(event.reference(), row.reference());
    }
}

/// What a row says: whatever can be read can be written and read again, and folds into a member.
pub fn event(bytes: &[u8]) {
    let Ok(record) = serde_json::from_slice::<Record>(bytes) else {
        serde_json::from_slice::<serde_json::Value>(bytes).ok();
        return;
    };
    let written = serde_json::to_string(&record).expect("a record can be written");
    assert_eq!(serde_json::from_str::<Record>(&written).expect("what was written is read"), record);
    let key = SecretKey::from_bytes(&[2; 32]);
    let reference = EventRef { author: AuthorId([0x33; 16]), seq: 1 };
    let Ok(row) = Row::write(&key, reference, Hash::NONE, &record) else { return };
    let event = row.event().expect("a row that was written is read");
    assert_eq!(event.record, record);
    let at = event.record.at;
    at.rfc3339();
    at.minute_of_day();
    stempel_domain::alarm::Sight::of(&event, None);
    // What a server makes a dead letter of is never folded (`ingest::judge`).
    let fits = |amount: i64| amount.checked_abs().is_some_and(|amount| amount <= Unit::AMOUNT_MAX);
    let fact = &event.record.fact;
    let sound = fact.postings().iter().all(|posting| fits(posting.amount))
        && fact.counters().iter().all(|step| fits(step.amount));
    if let Some((_, effect)) = effect_of(&event).filter(|_| sound) {
        let mut state = MemberState::default();
        state.apply(&effect);
        looked_at(&state, &at);
    }
}

fn looked_at(state: &MemberState, at: &Moment) {
    let written = serde_json::to_string(state).expect("a state can be written");
    assert_eq!(&serde_json::from_str::<MemberState>(&written).expect("what was written is read"), state);
    state.balances(at.day);
    state.facts(at);
    for (_, events) in state.doubled_grants() {
        assert!(events.count() > 1);
    }
}

/// Reads a message and writes it, twice: it is the same after the first time.
fn same<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let read: T = serde_json::from_slice(bytes).ok()?;
    let written = serde_json::to_string(&read).expect("a message can be written");
    let again: T = serde_json::from_str(&written).expect("what was written is read");
    assert_eq!(serde_json::to_string(&again).expect("a message can be written"), written);
    Some(read)
}

/// Everything that device and server say to each other in JSON.
pub fn message(bytes: &[u8]) {
    same::<EnrollRequest>(bytes);
    same::<EnrollAnswer>(bytes);
    same::<PushHeader>(bytes);
    same::<PushAnswer>(bytes);
    same::<BlanksAnswer>(bytes);
    same::<Problem>(bytes);
    same::<Certificate>(bytes);
    let Some(page) = same::<FeedPage>(bytes) else { return };
    for item in page.changes.iter().take(100) {
        let Some(change) = item.read() else { continue };
        if let FeedChange::Member { base, .. } = change {
            let day = Day::from_number(20_700);
            let at = Moment {
                utc_ms: 1_788_480_000_000,
                offset_minutes: 60,
                day,
                skew_ms: None,
                clock_doubtful: false,
            };
            looked_at(&base.state, &at);
        }
    }
}

/// The body of a push: a header and rows, each behind its length.
pub fn push(bytes: &[u8]) {
    let Ok(frames) = frame::split(bytes) else { return };
    let mut again = Vec::new();
    frames.iter().for_each(|part| frame::push(&mut again, part));
    assert_eq!(again, bytes);
    if let Some((header, rows)) = frames.split_first() {
        same::<PushHeader>(header);
        rows.iter().for_each(|bytes| row(bytes));
    }
}

/// A table of articles.
pub fn table(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match catalogue::read(text) {
        Ok(articles) => {
            for article in articles {
                same::<stempel_wire::message::Article>(
                    &serde_json::to_vec(&article).expect("it can be written"),
                )
                .expect("what was written is read");
            }
        }
        Err(error) => assert!(!error.detail().is_empty()),
    }
}

/// Holds something for any bytes, or panics.
pub type Check = fn(&[u8]);

/// Every check of this file with the name of its corpus.
pub const CHECKS: [(&str, Check); 8] = [
    ("code", code),
    ("number", number),
    ("receipt", receipt),
    ("row", row),
    ("event", event),
    ("message", message),
    ("push", push),
    ("table", table),
];
