//! Databases of every format so far: kept as files, opened by every later version.

use std::fs;
use std::path::PathBuf;

use rusqlite::Connection;
use stempel_domain::event::{ProgrammeRef, Reversal, ReversalReason};
use stempel_domain::rules::Tallies;
use stempel_domain::{EventRef, Fact, Money, Rate, ShopId};
use stempel_store::inbox::{SHOP, SyncState};
use stempel_store::journal::Keeping;
use stempel_store::reference::ProgrammeRow;
use stempel_store::{Store, StoreError};
use stempel_wire::message::{Article, RowTrouble, Shop};
use stempel_wire::token::Token;
use stempel_wire::{Certificate, MemberKey, SecretKey};

use crate::support::*;

fn fixture(format: u32) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/fixtures/format-{format}.db"))
}

fn shop() -> Shop {
    Shop {
        id: ShopId([0x22; 16]),
        name: "Morgenrot".into(),
        day_ends_minutes: 240,
        zone: "Europe/Berlin".into(),
        merchant: None,
        rotating_above: std::collections::BTreeMap::new(),
    }
}

fn programme() -> ProgrammeRow {
    let reference = ProgrammeRef { id: "coffee".parse().unwrap(), version: 1 };
    ProgrammeRow { reference, text: "{}".into(), ended: false }
}

fn article() -> Article {
    let latte = Article::new("latte".parse().unwrap(), "Latte", Money(420), Rate(700));
    Article { category: "coffee".into(), ..latte }
}

fn certificate() -> Certificate {
    let server = SecretKey::from_bytes(&[4; 32]);
    Certificate::issue(&server, TENANT, shop().id, OTHER, key().public(), 5)
}

fn token() -> Token {
    Token::issue(TENANT, &SecretKey::from_bytes(&[3; 32]), card(9))
}

fn sync_state() -> SyncState {
    SyncState { epoch: "m3x7q2".into(), cursor: 41, held: 2, skew_ms: Some(250), ..SyncState::default() }
}

fn trouble() -> RowTrouble {
    RowTrouble { author: OWN, seq: 2, reason: "it cannot be read".into() }
}

fn undo() -> Fact {
    Fact::Reversal(Box::new(Reversal {
        of: EventRef { author: OWN, seq: 3 },
        member: Some(member(1)),
        reason: ReversalReason::Undo,
        quantities: Vec::new(),
        postings: given(member(1), day(0), -2).postings().to_vec(),
        counters: Vec::new(),
        tallies: Vec::new(),
        grants: Vec::new(),
        visit_ms: None,
        planned: false,
    }))
}

/// Puts something into every table.
fn fill(store: &mut Store) {
    let confirmed = [
        note(store, joined(1), day(0), Keeping::Overlay),
        note(store, given(member(1), day(0), 5), day(0), Keeping::Overlay),
    ];
    feed_base(store, member(1), base(&confirmed));
    note(store, given(member(1), day(0), 2), day(0), Keeping::Overlay);
    note(store, undo(), day(0), Keeping::Overlay);
    note(store, given(member(1), day(1), 1), day(1), Keeping::Overlay);
    note(store, tallied(2, "shop/mug#stock", day(1), 2), day(1), Keeping::Overlay);
    store
        .write::<_, StoreError>(|write| {
            write.set(SHOP, &shop())?;
            write.set_sync_state(&sync_state())?;
            write.remember("key 1", "answer 1")?;
            write.keep_key(member(1), &MemberKey::from_slice(&[7; 32]).unwrap(), true)?;
            write.add_blanks(&[token()])?;
            write.put_programme(&programme())?;
            write.put_article(&article())?;
            write.put_device(&certificate(), true)?;
            write.put_card_key(&SecretKey::from_bytes(&[3; 32]).public(), false)?;
            write.put_trouble(&trouble(), "dead")
        })
        .unwrap();
}

/// Shows that everything that [`fill`] wrote is there, as far as the format had a place for it.
fn check(store: &Store, format: u32) {
    store.check_file().unwrap();
    let view = store.view();
    assert_eq!(
        view.verify(|author| (author == OWN).then(|| key().public())).unwrap().rows,
        if format < 2 { 5 } else { 6 }
    );
    assert_eq!(balance(store, member(1), day(1)), 6);
    assert_eq!(view.base(member(1)).unwrap().unwrap().includes, [(OWN, 2)].into());
    assert_eq!(view.overlay(member(1)).unwrap().len(), 3);
    assert_eq!(view.card_of_number(card(1).number()).unwrap().unwrap().member, Some(member(1)));
    assert_eq!(
        view.reversals_of(EventRef { author: OWN, seq: 3 }).unwrap(),
        [EventRef { author: OWN, seq: 4 }]
    );
    assert_eq!(view.setting::<Shop>(SHOP).unwrap(), Some(shop()));
    assert_eq!(view.sync_state().unwrap(), sync_state());
    assert_eq!(view.answered("key 1").unwrap().as_deref(), Some("answer 1"));
    assert_eq!(view.pending_keys().unwrap().len(), 1);
    assert_eq!(view.next_blank().unwrap(), Some(token()));
    assert_eq!(view.programmes().unwrap(), [programme()]);
    assert_eq!(view.articles().unwrap(), [article()]);
    assert_eq!(view.device(OTHER).unwrap(), Some((certificate(), true)));
    assert_eq!(view.card_keys().unwrap(), [(SecretKey::from_bytes(&[3; 32]).public(), false)]);
    assert_eq!(view.troubles().unwrap(), [(trouble(), "dead".to_owned())]);
    let tallies = if format < 2 { Tallies::new() } else { mugs() };
    assert_eq!(view.tallies(OWN, &["shop/mug#stock".to_owned()]).unwrap(), tallies);
}

fn mugs() -> Tallies {
    Tallies::from([("shop/mug#stock".to_owned(), [(day(1), 2)].into())])
}

#[test]
fn a_database_of_each_format_is_opened_read_and_continued() {
    for format in 1..=3 {
        let dir = folder();
        fs::copy(fixture(format), dir.path().join("stempel.db")).unwrap();
        check(&Store::read(dir.path()).unwrap(), format);
        let mut store = open(dir.path());
        check(&store, format);
        note(&mut store, given(member(1), day(1), 1), day(1), Keeping::Overlay);
        note(&mut store, tallied(1, "shop/cup#stock", day(1), 1), day(1), Keeping::Overlay);
        drop(store);
        let store = open(dir.path());
        assert_eq!(balance(&store, member(1), day(1)), 7);
        let cups = store.view().tallies(OWN, &["shop/cup#stock".to_owned()]).unwrap();
        assert_eq!(cups["shop/cup#stock"], [(day(1), 1)].into());
    }
}

#[test]
fn tallies_of_an_older_format_are_summed_from_the_journal() {
    let dir = folder();
    let mut store = open(dir.path());
    fill(&mut store);
    drop(store);
    // Format 1 had the same rows and no table of tallies.
    let connection = Connection::open(dir.path().join("stempel.db")).unwrap();
    connection
        .execute_batch("DROP TABLE tally; DROP TABLE alias; DROP TABLE erased; PRAGMA user_version = 1;")
        .unwrap();
    drop(connection);
    let reader = Store::read(dir.path()).unwrap();
    assert!(reader.view().tallies(OWN, &["shop/mug#stock".to_owned()]).unwrap().is_empty());
    drop(reader);
    check(&open(dir.path()), 2);
}

#[test]
fn a_new_database_holds_the_same() {
    let dir = folder();
    let mut store = open(dir.path());
    fill(&mut store);
    check(&store, 2);
}

#[test]
fn each_format_has_its_fixture() {
    let dir = folder();
    drop(open(dir.path()));
    let connection = Connection::open(dir.path().join("stempel.db")).unwrap();
    let format: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    for number in 1..=format {
        assert!(fixture(number).exists(), "keep a database of format {number} before the next format comes");
    }
}

/// Writes the fixture of today's format. One that is there stays: it is for ever.
#[test]
#[ignore = "run it once for a new format"]
fn write_a_fixture_that_is_missing() {
    let dir = folder();
    fill(&mut open(dir.path()));
    let path = dir.path().join("stempel.db");
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "journal_mode", "DELETE").unwrap();
    connection.pragma_update(None, "page_size", 512).unwrap();
    connection.execute("VACUUM", []).unwrap();
    let format: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    drop(connection);
    if !fixture(format).exists() {
        fs::copy(path, fixture(format)).unwrap();
    }
}
