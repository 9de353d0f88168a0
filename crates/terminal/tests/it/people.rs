//! Personal data at a terminal: merges, consents, what is held about a person, erasure.

use std::path::Path;

use stempel_domain::event::{ConsentKind, ConsentPlace};
use stempel_terminal::counter::Circumstances;
use stempel_terminal::people::NewConsent;
use stempel_terminal::{Terminal, TerminalError};

use crate::server::*;
use crate::support::*;

fn how() -> Circumstances {
    Circumstances::default()
}

fn join(terminal: &mut Terminal, name: &str) -> String {
    terminal.add_member(Some(name), &None, None).unwrap().token.to_string()
}

fn name(terminal: &Terminal, code: &str) -> Option<String> {
    let who = terminal.who_ever(code).unwrap();
    terminal.look(&who).unwrap().profile.map(|profile| profile.name)
}

#[test]
fn two_cards_of_one_person_open_the_same_member_until_that_is_undone() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let (ada, also) = (join(&mut till, "Ada"), join(&mut till, "Ada L."));
    stamp(&mut till, &ada, 6);
    stamp(&mut till, &also, 5);
    let merged = till.merge_members(&also, &ada, &how()).unwrap();
    assert!(merged.event.is_some());
    assert_eq!((coffees(&till, &ada), coffees(&till, &also)), (11, 11));
    assert_eq!(name(&till, &also).as_deref(), Some("Ada"));
    // Together they have a free coffee, and take it with either card.
    clock.move_by(MINUTE);
    till.redeem(&also, free_coffee(), &how()).unwrap();
    assert_eq!(coffees(&till, &ada), 1);
    let member = till.who(&ada).unwrap().member();
    assert_eq!(till.why(member).unwrap().events.len(), 6);
    assert_eq!(till.look(&till.who(&ada).unwrap()).unwrap().merged, [merged.member]);
    let again = till.merge_members(&also, &ada, &how());
    assert!(matches!(again, Ok(ref merged) if merged.event.is_none()), "{again:?}");
    assert!(matches!(till.merge_members(&ada, &ada, &how()), Err(TerminalError::Input(_))));
    till.unmerge_member(&also, &how()).unwrap();
    assert_eq!((coffees(&till, &ada), coffees(&till, &also)), (-4, 5));
    assert_eq!(name(&till, &also).as_deref(), Some("Ada L."));
    assert!(matches!(till.unmerge_member(&also, &how()), Err(TerminalError::NotNow(_))));
    till.verify_journal().unwrap();
    drop(till);
    assert_eq!(coffees(&reopened(dir.path(), &clock), &also), 5);
}

#[test]
fn a_device_that_does_not_know_of_a_merge_yet_loses_nothing() {
    let (dirs, clock, server) = ([folder(), folder()], Hand::noon(), server());
    let (mut one, mut wire_one) = device_in(dirs[0].path(), &clock, &server);
    let (mut two, mut wire_two) = device_in(dirs[1].path(), &clock, &server);
    let (ada, also) = (printed(1), printed(2));
    stamp(&mut one, &ada, 1);
    stamp(&mut one, &also, 2);
    sync(&mut one, &mut wire_one).unwrap();
    sync(&mut two, &mut wire_two).unwrap();
    one.merge_members(&also, &ada, &how()).unwrap();
    clock.move_by(MINUTE);
    stamp(&mut two, &also, 4);
    stamp(&mut one, &also, 8);
    assert_eq!((coffees(&one, &also), coffees(&two, &also)), (11, 6));
    for _ in 0..2 {
        sync(&mut one, &mut wire_one).unwrap();
        sync(&mut two, &mut wire_two).unwrap();
    }
    for till in [&one, &two] {
        assert_eq!((coffees(till, &ada), coffees(till, &also)), (15, 15));
        assert_eq!(till.who(&also).unwrap().member(), till.who(&ada).unwrap().member());
    }
    // Both merge them, each into the other, while apart: all come to the same.
    two.unmerge_member(&also, &how()).unwrap();
    sync(&mut two, &mut wire_two).unwrap();
    sync(&mut one, &mut wire_one).unwrap();
    assert_eq!(coffees(&one, &also), 6, "what was given under its own id");
    clock.move_by(MINUTE);
    one.merge_members(&also, &ada, &how()).unwrap();
    two.merge_members(&ada, &also, &how()).unwrap();
    for _ in 0..2 {
        sync(&mut one, &mut wire_one).unwrap();
        sync(&mut two, &mut wire_two).unwrap();
    }
    assert_eq!(one.who(&also).unwrap().member(), two.who(&ada).unwrap().member());
    assert_eq!((coffees(&one, &ada), coffees(&two, &also)), (15, 15));
}

#[test]
fn a_consent_is_noted_with_its_terms_and_is_no_tag() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let ada = join(&mut till, "Ada");
    let new = |given, terms: &str| NewConsent {
        kind: ConsentKind::Leaderboard,
        given,
        terms: terms.into(),
        place: ConsentPlace::Counter,
    };
    let (_, _, said) = till.note_consent(&ada, &new(true, "2026-01"), &how()).unwrap();
    assert_eq!((said.len(), said[0].given, &said[0].terms[..]), (1, true, "2026-01"));
    let look = till.look(&till.who(&ada).unwrap()).unwrap();
    assert_eq!((look.tags, look.consents), (vec!["consent:leaderboard".to_owned()], said));
    clock.move_by(MINUTE);
    till.note_consent(&ada, &new(false, "2026-02"), &how()).unwrap();
    assert!(till.look(&till.who(&ada).unwrap()).unwrap().tags.is_empty());
    assert!(matches!(till.note_consent(&ada, &new(true, " "), &how()), Err(TerminalError::Input(_))));
    let tag = [("consent:leaderboard".to_owned(), true)].into();
    assert!(matches!(till.note_traits(&ada, tag, None, &how()), Err(TerminalError::Input(_))));
}

#[test]
fn what_is_held_here_is_in_one_document() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let ada = join(&mut till, "Ada");
    let sale = lattes(&till, 2);
    till.sale(Some(&ada), sale, &how()).unwrap();
    let export = serde_json::to_value(till.export_member(&ada).unwrap()).unwrap();
    assert_eq!((&export["profile"]["name"], &export["complete"]), (&"Ada".into(), &true.into()));
    let events = export["events"].as_array().unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!((&events[1]["kind"], &events[1]["moved"]["stamp:coffee"]), (&"sale".into(), &"2".into()));
    let why = |language: &str| events[1]["why"][language].as_array().unwrap().len();
    assert!(why("de") > 0 && why("de") == why("en"));
    assert_eq!(events[1]["record"]["fact"]["sale"]["sale"]["lines"][0]["sku"], "latte");
}

/// Whether a text stands in any file of a folder, as it is or in hexadecimal.
fn files_hold(folder: &Path, bytes: &[u8]) -> bool {
    let hex = data_encoding::HEXLOWER.encode(bytes).into_bytes();
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let text = std::fs::read(entry.unwrap().path()).unwrap();
        [bytes, &hex].iter().any(|wanted| text.windows(wanted.len()).any(|window| window == *wanted))
    })
}

#[test]
fn nothing_in_the_folder_says_who_a_forgotten_member_was() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let name = "Wilhelmine";
    till.bind_key("key-1", &format!("{{\"member-add\":{{\"name\":\"{name}\"}}}}")).unwrap();
    let joined = till.add_member(Some(name), &None, Some("key-1")).unwrap();
    let code = joined.token.to_string();
    let other = join(&mut till, "Ada");
    stamp(&mut till, &code, 3);
    let key = till.view().member_keys(joined.member).unwrap().remove(0);
    assert!(!files_hold(dir.path(), name.as_bytes()), "it is sealed from the beginning");
    assert!(till.view().profile(joined.member).unwrap().is_some());
    let erased = till.erase_member(&code, &how()).unwrap();
    assert_eq!((erased.member, erased.events.len()), (joined.member, 1));
    assert!(!files_hold(dir.path(), key.as_bytes()));
    assert!(!files_hold(dir.path(), name.as_bytes()));
    assert_eq!(
        till.view().answered("deed of key-1").unwrap(),
        None,
        "nor does a hash from which it is guessed"
    );
    assert!(matches!(till.who(&code), Err(TerminalError::Blocked)));
    let id = joined.member.to_string();
    assert!(matches!(till.who(&id), Err(TerminalError::NotNow(_))));
    assert!(till.view().find_by_name("wilh", 9).unwrap().is_empty());
    let export = till.export_member(&id).unwrap();
    assert!(export.profile.is_none() && export.erased.is_some() && export.events.len() == 3);
    assert!(till.erase_member(&id, &how()).unwrap().events.is_empty());
    assert!(matches!(till.merge_members(&id, &other, &how()), Err(TerminalError::NotNow(_))));
    till.verify_journal().unwrap();
    assert_eq!(coffees(&till, &other), 0);
}

#[test]
fn an_erasure_reaches_the_other_terminal() {
    let (dirs, clock, server) = ([folder(), folder()], Hand::noon(), server());
    let (mut one, mut wire_one) = device_in(dirs[0].path(), &clock, &server);
    let (mut two, mut wire_two) = device_in(dirs[1].path(), &clock, &server);
    let code = printed(1);
    stamp(&mut one, &code, 1);
    let who = one.who(&code).unwrap();
    one.name_member(&who, "Wilhelmine", None, &None).unwrap();
    sync(&mut one, &mut wire_one).unwrap();
    sync(&mut two, &mut wire_two).unwrap();
    assert_eq!(name(&two, &code).as_deref(), Some("Wilhelmine"));
    let key = two.view().member_keys(who.member()).unwrap().remove(0);
    assert!(!files_hold(dirs[1].path(), key.as_bytes()), "it is kept wrapped");
    one.erase_member(&code, &how()).unwrap();
    sync(&mut one, &mut wire_one).unwrap();
    sync(&mut two, &mut wire_two).unwrap();
    assert!(!files_hold(dirs[1].path(), key.as_bytes()));
    assert!(matches!(two.who(&code), Err(TerminalError::Blocked)));
    assert_eq!(two.view().member(who.member()).unwrap().unwrap().balances(stempel_domain::Day::MAX).len(), 1);
}
