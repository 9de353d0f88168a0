//! Settings, answers, keys, cards, programmes, articles, troubles: kept as given.

use stempel_domain::event::{Fact, MemberJoined, ProgrammeRef};
use stempel_domain::{CardId, Money, Rate};
use stempel_store::StoreError;
use stempel_store::inbox::{SHOP, SyncState};
use stempel_store::journal::Keeping;
use stempel_store::reference::ProgrammeRow;
use stempel_wire::message::{Article, FeedChange, FeedItem, RowTrouble, Shop};
use stempel_wire::token::Token;
use stempel_wire::{Certificate, MemberKey, Profile, SecretKey};

use crate::support::*;

fn named(number: u8, key: &MemberKey, name: &str) -> Fact {
    let profile = Profile { name: name.into(), language: None };
    let sealed = key.seal(member(number), &profile, &mut Random(9)).unwrap();
    Fact::MemberJoined(MemberJoined::new(member(number), card(number), Some(sealed)))
}

#[test]
fn a_key_waits_until_the_server_has_it() {
    let dir = folder();
    let mut store = open(dir.path());
    let key = MemberKey::from_slice(&[7; 32]).unwrap();
    store.write::<_, StoreError>(|write| write.keep_key(member(1), &key, true)).unwrap();
    assert_eq!(store.view().pending_keys().unwrap(), [(member(1), key.clone())]);
    store.write::<_, StoreError>(|write| write.keys_delivered(&[(member(1), key.clone())])).unwrap();
    assert_eq!(store.view().pending_keys().unwrap(), []);
    store.write::<_, StoreError>(|write| write.keep_key(member(1), &key, true)).unwrap();
    assert_eq!(store.view().pending_keys().unwrap(), [], "what the server has does not wait again");
    assert_eq!(store.view().member_keys(member(1)).unwrap(), [key]);
}

#[test]
fn a_key_from_the_feed_opens_the_profile_and_does_not_wait() {
    let dir = folder();
    let mut store = open(dir.path());
    let key = MemberKey::from_slice(&[7; 32]).unwrap();
    note(&mut store, named(1, &key, "Ada"), day(0), Keeping::Overlay);
    assert_eq!(store.view().profile(member(1)).unwrap(), None, "sealed, and no key is here");
    let state = base(&store.view().overlay(member(1)).unwrap());
    feed(&mut store, &[FeedChange::Member { member: member(1), base: Box::new(state), keys: vec![key] }]);
    assert_eq!(store.view().profile(member(1)).unwrap().unwrap().name, "Ada");
    assert_eq!(store.view().pending_keys().unwrap(), []);
}

#[test]
fn people_are_found_by_a_part_of_their_name() {
    let dir = folder();
    let mut store = open(dir.path());
    for (number, name) in [(1, "Ada"), (2, "Adele"), (3, "Élodie")] {
        let key = MemberKey::from_slice(&[number; 32]).unwrap();
        note(&mut store, named(number, &key, name), day(0), Keeping::Base);
        store.write::<_, StoreError>(|write| write.keep_key(member(number), &key, false)).unwrap();
    }
    let find = |text: &str, most| -> Vec<String> {
        let found = store.view().find_by_name(text, most).unwrap();
        let mut names: Vec<String> = found.into_iter().map(|(_, profile)| profile.name).collect();
        names.sort();
        names
    };
    assert_eq!(find("ad", 10), ["Ada", "Adele"]);
    assert_eq!(find("éLO", 10), ["Élodie"]);
    assert_eq!(find("ad", 1).len(), 1);
    assert!(find("x", 10).is_empty());
}

#[test]
fn blank_cards_are_given_out_once_and_in_order() {
    let dir = folder();
    let mut store = open(dir.path());
    let signer = SecretKey::from_bytes(&[3; 32]);
    let blanks: Vec<Token> = (1..=3).map(|number| Token::issue(TENANT, &signer, card(number))).collect();
    store.write::<_, StoreError>(|write| write.add_blanks(&blanks)).unwrap();
    assert_eq!(store.view().next_blank().unwrap().as_ref(), Some(&blanks[0]));
    store.write::<_, StoreError>(|write| write.use_blank(card(1))).unwrap();
    // The server sends the pool again, before it has heard that one card was used.
    store.write::<_, StoreError>(|write| write.add_blanks(&blanks)).unwrap();
    assert_eq!(store.view().blanks_left().unwrap(), 2);
    assert_eq!(store.view().next_blank().unwrap().as_ref(), Some(&blanks[1]));
    assert_eq!(
        store.view().blank_token(card(1)).unwrap().as_ref(),
        Some(&blanks[0]),
        "it can be printed again"
    );
    assert_eq!(store.view().blank_token(card(9)).unwrap(), None);
}

#[test]
fn a_card_opens_the_member_that_had_it_first_and_a_block_stays() {
    let dir = folder();
    let mut store = open(dir.path());
    note(&mut store, joined(1), day(0), Keeping::Base);
    let row = store.view().card(card(1)).unwrap().unwrap();
    assert_eq!((row.member, row.blocked), (Some(member(1)), false));
    assert_eq!(store.view().card_of_number(card(1).number()).unwrap().unwrap(), row);
    let taken = Fact::MemberJoined(MemberJoined::new(member(2), card(1), None));
    note(&mut store, taken, day(0), Keeping::Base);
    assert_eq!(store.view().card(card(1)).unwrap().unwrap().member, Some(member(1)));
    note(&mut store, blocked(1, Some(member(1))), day(0), Keeping::Base);
    assert!(store.view().card(card(1)).unwrap().unwrap().blocked);
    feed_base(&mut store, member(2), base([]));
    assert!(store.view().card(card(1)).unwrap().unwrap().blocked);
    assert_eq!(store.view().card(card(8)).unwrap(), None);
}

#[test]
fn a_card_of_nobody_is_blocked_by_hand_and_by_the_feed() {
    let dir = folder();
    let mut store = open(dir.path());
    append(&mut store, [(blocked(5, None), moment(day(0), 1))], Keeping::Overlay).unwrap();
    feed(&mut store, &[FeedChange::CardRevoked { card: card(6) }]);
    for number in [5, 6] {
        let row = store.view().card(card(number)).unwrap().unwrap();
        assert_eq!((row.member, row.blocked), (None, true));
    }
    feed(&mut store, &[FeedChange::CardRevoked { card: card(6) }]);
    assert!(store.view().card(card(6)).unwrap().unwrap().blocked);
}

#[test]
fn settings_and_answers_are_kept_by_name() {
    let dir = folder();
    let mut store = open(dir.path());
    store
        .write::<_, StoreError>(|write| {
            write.set("volume", &7)?;
            write.set("volume", &9)?;
            write.remember("key 1", "answer 1")
        })
        .unwrap();
    let again = store.write::<_, StoreError>(|write| write.remember("key 1", "answer 2"));
    assert!(again.is_err(), "a key has one answer");
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.view().setting::<u8>("volume").unwrap(), Some(9));
    assert_eq!(store.view().setting::<u8>("colour").unwrap(), None);
    assert!(matches!(store.view().setting::<String>("volume"), Err(StoreError::Damaged(_))));
    assert_eq!(store.view().answered("key 1").unwrap().as_deref(), Some("answer 1"));
    assert_eq!(store.view().answered("key 2").unwrap(), None);
}

#[test]
fn the_newest_version_of_a_programme_counts_until_it_ends() {
    let dir = folder();
    let mut store = open(dir.path());
    let programme = |version, ended| ProgrammeRow {
        reference: ProgrammeRef { id: "coffee".parse().unwrap(), version },
        text: format!("{{\"v\":{version}}}"),
        ended,
    };
    // The feed may bring versions in any order.
    for row in [programme(2, false), programme(1, false)] {
        store.write::<_, StoreError>(|write| write.put_programme(&row)).unwrap();
    }
    assert_eq!(store.view().programmes().unwrap(), [programme(2, false)]);
    let changed = ProgrammeRow { text: "{}".into(), ..programme(2, true) };
    store.write::<_, StoreError>(|write| write.put_programme(&changed)).unwrap();
    assert_eq!(store.view().programmes().unwrap(), []);
    let kept = store.view().programme(&programme(2, true).reference).unwrap().unwrap();
    assert_eq!(kept, programme(2, true), "a published version never changes");
}

#[test]
fn articles_stand_in_the_catalogue_s_order() {
    let dir = folder();
    let mut store = open(dir.path());
    let article = |sku: &str, price, gone| Article {
        gone,
        ..Article::new(sku.parse().unwrap(), sku.to_uppercase(), Money(price), Rate(700))
    };
    let list = [article("tea", 300, false), article("latte", 420, false), article("cake", 350, false)];
    feed(&mut store, &list.clone().map(FeedChange::Article));
    feed(
        &mut store,
        &[FeedChange::Article(article("tea", 320, false)), FeedChange::Article(article("latte", 420, true))],
    );
    assert_eq!(store.view().articles().unwrap(), [article("tea", 320, false), list[2].clone()]);
    assert_eq!(store.view().article(&"latte".parse().unwrap()).unwrap(), Some(article("latte", 420, true)));
    assert_eq!(store.view().article(&"soup".parse().unwrap()).unwrap(), None);
}

#[test]
fn devices_card_keys_and_the_own_shop_follow_the_feed() {
    let dir = folder();
    let mut store = open(dir.path());
    let shop = |number, name: &str| Shop {
        id: stempel_domain::ShopId([number; 16]),
        name: name.into(),
        day_ends_minutes: 0,
        zone: String::new(),
        merchant: None,
        rotating_above: std::collections::BTreeMap::new(),
    };
    let signer = SecretKey::from_bytes(&[3; 32]).public();
    let server = SecretKey::from_bytes(&[4; 32]);
    let certificate = Certificate::issue(&server, TENANT, shop(1, "").id, OTHER, signer, 5);
    feed(
        &mut store,
        &[
            FeedChange::Shop(shop(1, "Ours")),
            FeedChange::Shop(shop(2, "Another")),
            FeedChange::Shop(shop(1, "Ours, renamed")),
            FeedChange::CardKey { key: signer, retired: false },
            FeedChange::CardKey { key: signer, retired: true },
            FeedChange::Device { certificate: certificate.clone(), revoked: false },
            FeedChange::Device { certificate: certificate.clone(), revoked: true },
        ],
    );
    assert_eq!(store.view().setting::<Shop>(SHOP).unwrap(), Some(shop(1, "Ours, renamed")));
    assert_eq!(store.view().card_keys().unwrap(), [(signer, true)]);
    assert_eq!(store.view().device(OTHER).unwrap(), Some((certificate, true)));
    assert_eq!(store.view().device(OWN).unwrap(), None);
}

#[test]
fn unknown_changes_are_counted_and_the_rest_is_applied() {
    let dir = folder();
    let mut store = open(dir.path());
    let known = FeedItem::new(2, &FeedChange::CardRevoked { card: CardId([1; 8]) }).unwrap();
    let unknown = r#"{"position":1,"change":{"weather":{"sun":true}}}"#;
    let items = [serde_json::from_str(unknown).unwrap(), known];
    assert_eq!(store.write(|write| write.apply_changes(&items)).unwrap(), 1);
    assert!(store.view().card(CardId([1; 8])).unwrap().unwrap().blocked);
}

#[test]
fn how_far_we_have_come_and_what_is_in_trouble_is_kept() {
    let dir = folder();
    let mut store = open(dir.path());
    assert_eq!(store.view().sync_state().unwrap(), SyncState::default());
    let state =
        SyncState { epoch: "e".into(), cursor: 7, held: 3, unknown_changes: 2, ..SyncState::default() };
    let trouble = RowTrouble { author: OWN, seq: 3, reason: "two rows".into() };
    store
        .write::<_, StoreError>(|write| {
            write.set_sync_state(&state)?;
            write.put_trouble(&trouble, "dead")?;
            write.put_trouble(&trouble, "quarantined")
        })
        .unwrap();
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.view().sync_state().unwrap(), state);
    assert_eq!(store.view().troubles().unwrap(), [(trouble, "quarantined".to_owned())]);
}
