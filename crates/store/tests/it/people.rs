//! Members that are one person, and members who are forgotten.

use stempel_domain::event::Record;
use stempel_domain::event::{ErasureReason, MemberErased, MemberJoined, MemberMerged, ProfileChanged};
use stempel_domain::member::effect_of;
use stempel_domain::{Event, Fact, MemberId};
use stempel_store::journal::Keeping;
use stempel_store::{Folder, Store, StoreError};
use stempel_wire::message::FeedChange;
use stempel_wire::wrap::SealingKey;
use stempel_wire::{MemberKey, Profile};

use crate::support::*;

fn merged(number: u8, into: Option<u8>) -> Fact {
    Fact::MemberMerged(MemberMerged { member: member(number), into: into.map(member) })
}

fn erased(number: u8) -> Fact {
    Fact::MemberErased(MemberErased { member: member(number), reason: ErasureReason::Asked })
}

fn key_of(number: u8) -> MemberKey {
    let mut bytes = [0xa5; 32];
    bytes[..16].fill(number);
    MemberKey::from_slice(&bytes).unwrap()
}

/// A member joins with a name.
fn join(store: &mut Store, number: u8, name: &str, keeping: Keeping) {
    let profile = Profile { name: name.into(), language: None };
    let sealed = key_of(number).seal(member(number), &profile, &mut Random(number.into())).unwrap();
    store.write::<_, StoreError>(|write| write.keep_key(member(number), &key_of(number), true)).unwrap();
    let fact = Fact::MemberJoined(MemberJoined::new(member(number), card(number), Some(sealed)));
    note(store, fact, day(0), keeping);
}

fn name(store: &Store, member: MemberId) -> Option<String> {
    store.view().profile(member).unwrap().map(|profile| profile.name)
}

fn found(store: &Store, text: &str) -> Vec<(MemberId, String)> {
    let found = store.view().find_by_name(text, 10).unwrap();
    found.into_iter().map(|(member, profile)| (member, profile.name)).collect()
}

#[test]
fn merged_members_are_one_and_an_undo_finds_both_as_they_were() {
    for keeping in [Keeping::Base, Keeping::Overlay] {
        let dir = fast_folder();
        let mut store = open(dir.path());
        join(&mut store, 1, "Ada", keeping);
        join(&mut store, 2, "Ada L.", keeping);
        note(&mut store, given(member(1), day(0), 3), day(0), keeping);
        note(&mut store, given(member(2), day(0), 4), day(0), keeping);
        assert_eq!(store.view().member_count().unwrap(), 2);
        note(&mut store, merged(2, Some(1)), day(1), keeping);
        // A device that does not know of it goes on with the old id.
        note(&mut store, given(member(2), day(2), 1), day(2), keeping);
        note(&mut store, given(member(1), day(2), -8), day(2), keeping);
        for id in [1, 2].map(member) {
            assert_eq!(balance(&store, id, day(2)), 0);
            assert_eq!(name(&store, id).as_deref(), Some("Ada"));
            assert_eq!(store.view().root(id).unwrap(), member(1));
        }
        assert_eq!(store.view().card(card(2)).unwrap().unwrap().member, Some(member(1)));
        assert_eq!(found(&store, "ada"), [(member(1), "Ada".to_owned())]);
        assert_eq!(found(&store, "L."), [(member(1), "Ada".to_owned())]);
        assert_eq!(store.view().member_count().unwrap(), 1);
        let mut seen = Vec::new();
        store.view().for_each_member(|member, state| seen.push((member, state.events))).unwrap();
        assert_eq!(seen, [(member(1), 7)]);
        note(&mut store, merged(2, None), day(3), keeping);
        assert_eq!([1, 2].map(|id| balance(&store, member(id), day(3))), [-5, 5]);
        assert_eq!(name(&store, member(2)).as_deref(), Some("Ada L."));
        assert_eq!(store.view().card(card(2)).unwrap().unwrap().member, Some(member(2)));
        assert_eq!(store.view().member_count().unwrap(), 2);
    }
}

#[test]
fn what_one_has_earned_is_not_settled_away_while_another_one_spends_it() {
    let dir = fast_folder();
    let mut store = open(dir.path());
    note(&mut store, joined(1), day(0), Keeping::Base);
    note(&mut store, joined(2), day(0), Keeping::Base);
    note(&mut store, merged(2, Some(1)), day(0), Keeping::Base);
    note(&mut store, given(member(2), day(0), 5), day(0), Keeping::Base);
    note(&mut store, given(member(1), day(1), -5), day(1), Keeping::Base);
    note(&mut store, given(member(1), day(2000), 1), day(2000), Keeping::Base);
    note(&mut store, given(member(2), day(2000), 1), day(2000), Keeping::Base);
    assert_eq!(balance(&store, member(1), day(2000)), 2);
    let base = store.view().base(member(2)).unwrap().unwrap();
    assert_eq!(base.state.balances(day(2000))[&stamps()], 6, "its own part is whole, for an undo");
}

#[test]
fn a_server_that_was_set_back_to_before_a_merge_knows_of_two_again() {
    let dir = fast_folder();
    let mut store = open(dir.path());
    let of = |number: u8, seq: u64, fact: Fact| {
        let event =
            Event { author: OTHER, seq, record: Record { at: moment(day(0), 720), operator: None, fact } };
        (member(number), effect_of(&event).unwrap().1)
    };
    let one = of(1, 1, joined(1)).1;
    let other = [of(2, 2, joined(2)).1, of(2, 3, merged(2, Some(1))).1];
    feed_base(&mut store, member(1), base([&one]));
    // In one the server still knows of the second member, in the other it does not.
    for known in [1, 0] {
        feed_base(&mut store, member(2), base(&other));
        assert_eq!(store.view().group(member(1)).unwrap(), [1, 2].map(member));
        store.write::<_, StoreError>(|write| write.begin_snapshot(OWN)).unwrap();
        feed_base(&mut store, member(1), base([&one]));
        if known > 0 {
            feed_base(&mut store, member(2), base(&other[..known]));
        }
        store.write::<_, StoreError>(|write| write.end_snapshot()).unwrap();
        assert_eq!(store.view().group(member(1)).unwrap(), [member(1)]);
        assert_eq!(store.view().member_count().unwrap(), 1 + known as u64);
    }
}

fn files_hold(dir: &std::path::Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(dir).unwrap().any(|entry| {
        let text = std::fs::read(entry.unwrap().path()).unwrap();
        text.windows(bytes.len()).any(|window| window == bytes)
    })
}

#[test]
fn nothing_of_a_forgotten_members_key_is_left_on_the_disk() {
    for keeping in [Keeping::Base, Keeping::Overlay] {
        let dir = folder();
        let mut store = open(dir.path());
        join(&mut store, 7, "Ada", keeping);
        // So many that the keys are moved from page to page.
        for number in (8..=255).rev().chain(1..7) {
            store
                .write::<_, StoreError>(|write| write.keep_key(member(number), &key_of(number), true))
                .unwrap();
        }
        let key = *key_of(7).as_bytes();
        assert!(files_hold(dir.path(), &key), "the test looks in the right place");
        note(&mut store, erased(7), day(1), keeping);
        assert!(!store.view().is_to_clean().unwrap());
        assert!(!files_hold(dir.path(), &key));
        assert!(files_hold(dir.path(), key_of(8).as_bytes()));
        // Nor does it come back: late with a row, with the feed, or with a name that was given elsewhere.
        store.write::<_, StoreError>(|write| write.keep_key(member(7), &key_of(7), false)).unwrap();
        let profile = Profile { name: "Ada".into(), language: None };
        let profile = key_of(7).seal(member(7), &profile, &mut Random(9)).unwrap();
        note(
            &mut store,
            Fact::ProfileChanged(ProfileChanged { member: member(7), profile, terms: None }),
            day(2),
            keeping,
        );
        assert!(store.view().member_keys(member(7)).unwrap().is_empty());
        assert_eq!(name(&store, member(7)), None);
        let row = store.view().card(card(7)).unwrap().unwrap();
        assert_eq!((row.member, row.blocked), (None, true));
        drop(store);
        assert!(!files_hold(dir.path(), &key));
    }
}

#[test]
fn an_erasure_in_the_feed_drops_the_key_whatever_comes_first() {
    let dir = fast_folder();
    let mut store = open(dir.path());
    join(&mut store, 1, "Ada", Keeping::Overlay);
    feed(&mut store, &[FeedChange::MemberErased { member: member(1) }]);
    assert_eq!(name(&store, member(1)), None);
    assert!(store.view().card(card(1)).unwrap().unwrap().blocked);
    // The server's state of it, from before it knew, brings nothing back.
    let base = store.view().member(member(1)).unwrap().unwrap();
    let base = stempel_domain::member::Base { state: base, ..Default::default() };
    let change = FeedChange::Member { member: member(1), base: Box::new(base), keys: vec![key_of(1)] };
    feed(&mut store, &[change]);
    assert!(store.view().member_keys(member(1)).unwrap().is_empty());
    assert_eq!(store.view().card(card(1)).unwrap().unwrap().member, None);
}

#[test]
fn a_reader_in_the_way_keeps_the_erasure_open_until_it_is_gone() {
    let dir = folder();
    let mut store = open(dir.path());
    join(&mut store, 1, "Ada", Keeping::Overlay);
    let reader = rusqlite::Connection::open(store.path()).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM member;").unwrap();
    note(&mut store, erased(1), day(1), Keeping::Overlay);
    assert!(store.view().is_to_clean().unwrap());
    assert!(matches!(store.clean(), Err(StoreError::Uncleaned)));
    drop(reader);
    store.clean().unwrap();
    assert!(!store.view().is_to_clean().unwrap());
    assert!(!files_hold(dir.path(), key_of(1).as_bytes()));
}

#[test]
fn the_database_holds_wrapped_keys_only() {
    let dir = folder();
    let mut store = open(dir.path());
    join(&mut store, 1, "Ada", Keeping::Overlay);
    assert!(files_hold(dir.path(), key_of(1).as_bytes()), "as earlier versions kept it");
    store.wrap_keys(&mut Random(5)).unwrap();
    join(&mut store, 2, "Bob", Keeping::Overlay);
    let names = |store: &Store| [1, 2].map(|number| name(store, member(number)).unwrap());
    assert_eq!(names(&store), ["Ada", "Bob"]);
    for number in [1, 2] {
        assert!(!files_hold(dir.path(), key_of(number).as_bytes()));
    }
    assert_eq!(store.view().pending_keys().unwrap().len(), 2, "the server gets the keys themselves");
    let old = std::fs::read(dir.path().join("stempel.keys")).unwrap();
    store.rotate_keys(&mut Random(6)).unwrap();
    let new = std::fs::read(dir.path().join("stempel.keys")).unwrap();
    assert!(old != new && old.len() == new.len(), "the old one is dropped");
    assert_eq!(names(&store), ["Ada", "Bob"]);
    assert_eq!(names(&Store::read(dir.path()).unwrap()), ["Ada", "Bob"]);
    drop(store);
    // Without the file the terminal goes on; names are back when the server has sent the keys again.
    std::fs::remove_file(dir.path().join("stempel.keys")).unwrap();
    let mut store = open(dir.path());
    store.wrap_keys(&mut Random(7)).unwrap();
    assert_eq!(name(&store, member(1)), None);
    let base = stempel_domain::member::Base {
        state: store.view().member(member(1)).unwrap().unwrap(),
        ..Default::default()
    };
    feed(
        &mut store,
        &[FeedChange::Member { member: member(1), base: Box::new(base), keys: vec![key_of(1)] }],
    );
    assert_eq!(name(&store, member(1)).as_deref(), Some("Ada"));
}

#[test]
fn a_key_file_is_sealed_where_the_system_keeps_a_secret_for_it() {
    let secret = |text: &str| SealingKey::of(text.as_bytes());
    let (dir, file) = (tempfile::tempdir().unwrap(), "stempel.keys");
    let text = || std::fs::read_to_string(dir.path().join(file)).unwrap();
    let with =
        |sealing: Option<SealingKey>| Store::open_sealed(Folder::take(dir.path(), "test").unwrap(), sealing);
    let mut store = open(dir.path());
    store.wrap_keys(&mut Random(5)).unwrap();
    join(&mut store, 1, "Ada", Keeping::Base);
    drop(store);
    let clear = text();
    // The first start with a secret: the file is sealed, and the key that had stood in clear opens nothing any more.
    let mut store = with(secret("a secret of the machine")).unwrap();
    store.wrap_keys(&mut Random(6)).unwrap();
    assert_eq!(name(&store, member(1)).as_deref(), Some("Ada"));
    drop(store);
    assert!(text().contains("sealed_keys") && !text().contains("wrapping_keys"));
    let sealed = text();
    std::fs::write(dir.path().join(file), clear).unwrap();
    assert_eq!(name(&open(dir.path()), member(1)), None);
    std::fs::write(dir.path().join(file), &sealed).unwrap();
    // Opened again it stays as it is, and is open to whoever has the secret alone.
    let mut store = with(secret("a secret of the machine")).unwrap();
    store.wrap_keys(&mut Random(7)).unwrap();
    assert_eq!((name(&store, member(1)).as_deref(), text()), (Some("Ada"), sealed.clone()));
    drop(store);
    for other in [None, secret("another secret of one")] {
        assert!(matches!(with(other.clone()), Err(StoreError::Sealed)));
        let reader = Store::read_sealed(dir.path(), other).unwrap();
        assert_eq!(name(&reader, member(1)), None, "whoever only looks sees no names");
    }
    assert_eq!(text(), sealed);
    let reader = Store::read_sealed(dir.path(), secret("a secret of the machine")).unwrap();
    assert_eq!(name(&reader, member(1)).as_deref(), Some("Ada"));
}
