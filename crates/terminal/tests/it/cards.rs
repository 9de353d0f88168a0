//! Whom a code names.

use stempel_domain::{CardId, Fact, MemberId};
use stempel_terminal::cards::{NewMember, Who};
use stempel_terminal::counter::Circumstances;
use stempel_terminal::lost::Ownership;
use stempel_terminal::operators::{Authority, Role};
use stempel_terminal::{Terminal, TerminalError};
use stempel_wire::SecretKey;
use stempel_wire::message::FeedChange;
use stempel_wire::token::{Token, TokenError};

use crate::server::*;
use crate::support::*;

#[test]
fn a_genuine_card_that_nobody_has_seen_is_live_at_its_first_scan() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, _) = device_in(dir.path(), &clock, &server);
    let code = printed(1);
    let Who::NewCard { card, member } = till.who(&code).unwrap() else { panic!() };
    assert_eq!(member, MemberId::of_first_card(TENANT, card));
    assert!(till.look(&till.who(&code).unwrap()).unwrap().new_card);
    assert!(
        matches!(till.who(&card.number().to_string()), Err(TerminalError::Unknown(_))),
        "a number proves nothing"
    );
    let before = head(&till);
    stamp(&mut till, &code, 1);
    assert_eq!(head(&till), before + 2, "the member begins, then the stamp");
    assert_eq!(till.who(&code).unwrap(), Who::Member { member, card: Some(card) });
    assert_eq!(till.who(&card.number().to_string()).unwrap().member(), member);
    assert_eq!(till.who(&member.to_string()).unwrap(), Who::Member { member, card: None });
}

#[test]
fn looking_at_a_new_card_begins_nothing() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (till, _) = device_in(dir.path(), &clock, &server);
    let before = head(&till);
    till.look(&till.who(&printed(1)).unwrap()).unwrap();
    till.offers(&till.who(&printed(1)).unwrap(), None).unwrap();
    assert_eq!(head(&till), before);
    assert!(matches!(till.who(&printed(1)).unwrap(), Who::NewCard { .. }));
}

#[test]
fn each_wrong_code_is_refused_by_its_name() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, _) = device_in(dir.path(), &clock, &server);
    let card = CardId([1; 8]);
    let foreign = Token::issue(TENANT, &SecretKey::from_bytes(&[9; 32]), card).to_string();
    let other_tenant = Token::issue(stempel_domain::TenantId([9; 16]), &card_key(), card).to_string();
    let mut misread = printed(1);
    let last = if misread.pop() == Some('A') { 'B' } else { 'A' };
    misread.push(last);
    assert!(matches!(till.who(&foreign), Err(TerminalError::Code(TokenError::Foreign(_)))));
    assert!(matches!(till.who(&other_tenant), Err(TerminalError::Code(TokenError::Forged))));
    assert!(matches!(till.who(&misread), Err(TerminalError::Code(TokenError::Forged))));
    for nothing in ["", "   ", "https://hotel.example/menu", &"x".repeat(10_000)] {
        assert!(matches!(till.who(nothing), Err(TerminalError::Code(TokenError::NotACard))), "{nothing:.20}");
    }
    assert!(matches!(till.who("04106-1053W"), Err(TerminalError::Unknown(_))));
    assert!(matches!(till.who("Ada"), Err(TerminalError::Unknown(_))));
    let before = head(&till);
    for code in [&foreign, &other_tenant, &misread] {
        assert!(!till.is_card(code));
        assert!(till.stamp(code, None, 1, Vec::new(), &Circumstances::default()).is_err());
    }
    assert_eq!(head(&till), before);
}

#[test]
fn a_blocked_card_is_refused_and_the_new_one_has_everything() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, _) = device_in(dir.path(), &clock, &server);
    let old = printed(1);
    stamp(&mut till, &old, 4);
    let new = till.replace_card(&till.who(&old).unwrap(), &None).unwrap();
    assert!(matches!(till.who(&old), Err(TerminalError::Blocked)));
    assert_eq!(coffees(&till, &new.token.to_string()), 4);
    till.block_card(&till.who(&new.token.to_string()).unwrap(), &None).unwrap();
    assert!(matches!(till.who(&new.token.to_string()), Err(TerminalError::Blocked)));
    let unused = printed(2);
    till.block_card(&till.who(&unused).unwrap(), &None).unwrap();
    assert!(matches!(till.who(&unused), Err(TerminalError::Blocked)), "also a card that nobody had");
    assert!(till.who(&new.member.to_string()).is_ok(), "the person is not blocked");
}

#[test]
fn the_second_code_replaces_a_lost_anonymous_card_offline() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
    sync(&mut till, &mut wire).unwrap();
    let joined = till.add_member(None, &None, None).unwrap();
    let code = joined.token.to_string();
    let second = till.second_code(joined.card).unwrap().to_string();
    stamp(&mut till, &code, 4);
    assert!(matches!(till.who(&second), Err(TerminalError::Code(TokenError::NotACard))), "it earns nothing");
    let replace = |till: &mut Terminal, second: &str| till.replace_lost("", Ownership::Second(second), &None);
    assert!(replace(&mut till, &code).is_err(), "the front proves nothing");
    assert!(replace(&mut till, &code.replacen("S1", "R1", 1)).is_err());
    let other = till.add_member(None, &None, None).unwrap();
    let wrong = till.replace_lost(&other.token.to_string(), Ownership::Second(&second), &None);
    assert!(matches!(wrong, Err(TerminalError::Input(_))));
    let new = replace(&mut till, &second).unwrap();
    assert!(matches!(till.who(&code), Err(TerminalError::Blocked)));
    assert_eq!(coffees(&till, &new.token.to_string()), 4);
    drop(till);
    let mut till = reopened(dir.path(), &clock);
    let again = replace(&mut till, &second).unwrap();
    assert_eq!(again.token, new.token, "the power went before anybody had photographed it");
    assert_eq!(again.event, new.event, "nothing was written anew");
    stamp(&mut till, &new.token.to_string(), 1);
    assert!(matches!(replace(&mut till, &second), Err(TerminalError::Blocked)), "it is in somebody's hand");
    let next = till.second_code(new.card).unwrap().to_string();
    let third = replace(&mut till, &next).unwrap();
    assert!(
        matches!(replace(&mut till, &second), Err(TerminalError::Blocked)),
        "good for its own card alone"
    );
    assert_eq!(replace(&mut till, &next).unwrap().token, third.token);
    clock.move_by(24 * 3_600_000);
    assert!(matches!(replace(&mut till, &next), Err(TerminalError::Blocked)), "good for the day");
}

#[test]
fn what_was_read_about_a_name_stands_in_the_event_that_brings_it() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let new = NewMember { name: Some("Ada"), terms: Some("2026-11"), ..NewMember::default() };
    let ada = till.add(&new, &None, None).unwrap();
    let anonymous = till.add_member(None, &None, None).unwrap();
    let terms = |event| match till.event(event).unwrap().record.fact {
        Fact::MemberJoined(joined) => joined.terms,
        other => panic!("{other:?}"),
    };
    assert_eq!(terms(ada.event).as_deref(), Some("2026-11"));
    assert_eq!(terms(anonymous.event), None);
}

#[test]
fn a_named_card_is_replaced_by_a_manager_alone() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let ada = till.add_member(Some("Ada"), &None, None).unwrap();
    let (number, second) = (ada.card.number().to_string(), till.second_code(ada.card).unwrap().to_string());
    let lena = "lena".parse().unwrap();
    till.put_operator(&lena, "Lena", Role::Manager, Authority::First).unwrap();
    till.set_pin(&lena, "4711", Authority::First).unwrap();
    let refused = till.replace_lost(&number, Ownership::Second(&second), &None);
    assert!(matches!(refused, Err(TerminalError::NeedsManager)));
    for authority in [Authority::First, Authority::Pin("1147")] {
        assert!(till.replace_lost(&number, Ownership::Manager(authority), &None).is_err());
    }
    assert!(till.who(&number).is_ok());
    let new = till.replace_lost(&number, Ownership::Manager(Authority::Pin("4711")), &None).unwrap();
    assert_eq!((new.member, till.event(new.event).unwrap().record.operator), (ada.member, Some(lena)));
    assert!(matches!(till.who(&number), Err(TerminalError::Blocked)));
}

#[test]
fn a_revoked_blank_is_refused() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
    let Who::NewCard { card, .. } = till.who(&printed(1)).unwrap() else { panic!() };
    server.lock().unwrap().publish("revoked", &FeedChange::CardRevoked { card });
    sync(&mut till, &mut wire).unwrap();
    assert!(matches!(till.who(&printed(1)), Err(TerminalError::Blocked)));
}

#[test]
fn of_an_old_series_only_known_cards_count() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
    stamp(&mut till, &printed(1), 2);
    assert!(
        till.who(&printed(2)).is_ok(),
        "as yet it is a new card, and the terminal has it in mind as genuine"
    );
    server.lock().unwrap().publish("key", &FeedChange::CardKey { key: card_key().public(), retired: true });
    sync(&mut till, &mut wire).unwrap();
    assert_eq!(coffees(&till, &printed(1)), 2);
    stamp(&mut till, &printed(1), 1);
    assert!(matches!(till.who(&printed(2)), Err(TerminalError::OldSeries)));
}

#[test]
fn an_anonymous_card_is_named_later_and_keeps_everything() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, _) = device_in(dir.path(), &clock, &server);
    let code = printed(1);
    stamp(&mut till, &code, 2);
    let who = till.who(&code).unwrap();
    for name in ["Ada", "Ada L."] {
        till.name_member(&who, name, None, &None).unwrap();
        clock.move_by(MINUTE);
        assert_eq!(till.look(&who).unwrap().profile.unwrap().name, name);
    }
    assert_eq!(coffees(&till, &code), 2);
    assert_eq!(till.view().member_keys(who.member()).unwrap().len(), 1, "one key for one person");
    for wrong in ["", "  ", "a\u{7}b", &"x".repeat(81)] {
        assert!(
            matches!(till.name_member(&who, wrong, None, &None), Err(TerminalError::Input(_))),
            "{wrong:.10}"
        );
    }
}

#[test]
fn a_name_never_stands_in_the_journal_in_clear() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, _) = device_in(dir.path(), &clock, &server);
    let joined = till.add_member(Some("Zebulon"), &None, None).unwrap();
    let Fact::MemberJoined(fact) = till.event(joined.event).unwrap().record.fact else { panic!() };
    assert!(fact.profile.is_some());
    let row = till.view().row(joined.event).unwrap().unwrap();
    let hex = data_encoding::HEXLOWER.encode(b"Zebulon");
    let text = String::from_utf8(row.record_json().to_vec()).unwrap();
    assert!(!text.contains("Zebulon") && !text.contains(&hex));
}

#[test]
fn joining_takes_the_next_card_of_the_pool_until_there_is_none() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, _) = enrolled_in(dir.path(), &clock, &server);
    let refused = till.add_member(None, &None, None).unwrap_err();
    assert!(refused.to_string().contains("connect to the server once"), "{refused}");
    let mut wire = Wire::new(&server, till.identity().device);
    sync(&mut till, &mut wire).unwrap();
    let first = till.add_member(None, &None, None).unwrap();
    let second = till.add_member(None, &None, None).unwrap();
    assert_ne!(first.card, second.card);
    assert_eq!(till.view().blanks_left().unwrap(), 198);
    assert!(matches!(till.who(&first.token.to_string()).unwrap(), Who::Member { .. }));
    assert_eq!(till.token_of(first.card).unwrap(), first.token);
}
