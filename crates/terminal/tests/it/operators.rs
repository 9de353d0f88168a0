//! Who works here: PINs, roles, staff cards.

use stempel_domain::OperatorId;
use stempel_terminal::operators::{Authority, Role};
use stempel_terminal::{Terminal, TerminalError};

use crate::support::*;

fn id(name: &str) -> OperatorId {
    name.parse().unwrap()
}

/// A shop with a manager, Lena (4711), and Kim (2580). The recovery code comes along.
fn staffed(dir: &std::path::Path, clock: &Hand) -> (Terminal, String) {
    let mut till = alone_in(dir, clock);
    till.put_operator(&id("lena"), "Lena", Role::Manager, Authority::First).unwrap();
    assert!(matches!(till.manager_of("4711"), Err(TerminalError::NoManager)), "nobody could answer yet");
    let code = till.set_pin(&id("lena"), "4711", Authority::First).unwrap().unwrap();
    till.put_operator(&id("kim"), "Kim", Role::Staff, Authority::Pin("4711")).unwrap();
    assert_eq!(till.set_pin(&id("kim"), "2580", Authority::Pin("4711")).unwrap(), None);
    (till, code)
}

#[test]
fn a_pin_opens_by_name_and_a_manager_s_by_itself() {
    let (dir, clock) = (folder(), Hand::noon());
    let (till, _) = staffed(dir.path(), &clock);
    drop(till);
    let mut till = reopened(dir.path(), &clock);
    assert_eq!(till.check_pin(&id("kim"), "2580").unwrap(), Role::Staff);
    assert_eq!(till.check_pin(&id("lena"), "4711").unwrap(), Role::Manager);
    assert!(matches!(till.check_pin(&id("kim"), "4711"), Err(TerminalError::WrongPin)));
    assert_eq!(till.manager_of("4711").unwrap(), id("lena"));
    assert!(matches!(till.manager_of("2580"), Err(TerminalError::WrongPin)), "staff are no managers");
    assert!(matches!(till.check_pin(&id("nobody"), "2580"), Err(TerminalError::Unknown(_))));
    let names: Vec<String> = till.operators().unwrap().into_iter().map(|worker| worker.name).collect();
    assert_eq!(names, ["Kim", "Lena"]);
}

#[test]
fn no_pin_stands_in_the_folder_in_clear() {
    let (dir, clock) = (folder(), Hand::noon());
    let (till, code) = staffed(dir.path(), &clock);
    let kept: serde_json::Value = till.view().setting("operators").unwrap().unwrap();
    let kept = kept.to_string();
    assert!(kept.contains("$argon2id$"));
    for secret in ["4711", "2580", &code] {
        assert!(!kept.contains(secret));
    }
}

#[test]
fn wrong_pins_bring_a_wait_that_grows_and_survives_a_restart() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, _) = staffed(dir.path(), &clock);
    for _ in 0..5 {
        assert!(matches!(till.check_pin(&id("kim"), "9999"), Err(TerminalError::WrongPin)));
    }
    drop(till);
    let mut till = reopened(dir.path(), &clock);
    assert!(matches!(till.check_pin(&id("kim"), "2580"), Err(TerminalError::PinWait { seconds: 60 })));
    till.check_pin(&id("lena"), "4711").expect("the others are not locked out");
    clock.move_by(MINUTE);
    assert!(matches!(till.check_pin(&id("kim"), "9999"), Err(TerminalError::WrongPin)));
    assert!(matches!(till.check_pin(&id("kim"), "2580"), Err(TerminalError::PinWait { seconds: 120 })));
    clock.move_by(-DAY);
    let Err(TerminalError::PinWait { seconds }) = till.check_pin(&id("kim"), "2580") else { panic!() };
    assert!(seconds <= 120, "a clock that was set back locks nobody out for ever");
    clock.move_by(DAY + 2 * MINUTE);
    till.check_pin(&id("kim"), "2580").unwrap();
    assert!(matches!(till.check_pin(&id("kim"), "9999"), Err(TerminalError::WrongPin)), "counted anew");
}

#[test]
fn pins_without_a_name_are_limited_too() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, _) = staffed(dir.path(), &clock);
    for guess in 0..5 {
        assert!(till.manager_of(&format!("91{guess}7")).is_err());
    }
    assert!(matches!(till.manager_of("4711"), Err(TerminalError::PinWait { .. })));
    assert!(matches!(
        till.set_pin(&id("kim"), "3691", Authority::Pin("4711")),
        Err(TerminalError::PinWait { .. })
    ));
    assert!(matches!(
        till.set_pin(&id("kim"), "3691", Authority::Recovery("0000000000000000")),
        Err(TerminalError::PinWait { .. })
    ));
}

#[test]
fn a_forgotten_pin_has_a_way() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = staffed(dir.path(), &clock);
    till.set_pin(&id("kim"), "3691", Authority::Pin("4711")).unwrap();
    till.check_pin(&id("kim"), "3691").unwrap();
    assert!(matches!(
        till.set_pin(&id("lena"), "8024", Authority::Recovery("ABCD")),
        Err(TerminalError::WrongPin)
    ));
    let spaced = format!("{} {}", &code[..8], code[8..].to_lowercase());
    let next = till.set_pin(&id("lena"), "8024", Authority::Recovery(&spaced)).unwrap().unwrap();
    assert_ne!(next, code);
    assert_eq!(till.manager_of("8024").unwrap(), id("lena"));
    assert!(till.set_pin(&id("lena"), "7531", Authority::Recovery(&code)).is_err(), "good once");
    till.change_pin(&id("lena"), "8024", "1593").unwrap();
    assert!(till.change_pin(&id("lena"), "8024", "1593").is_err());
}

#[test]
fn only_managers_change_who_works_here_and_the_last_one_stays() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, _) = staffed(dir.path(), &clock);
    for authority in [Authority::First, Authority::Pin("2580"), Authority::Pin("")] {
        assert!(till.put_operator(&id("eve"), "Eve", Role::Manager, authority).is_err());
        assert!(till.set_pin(&id("kim"), "3691", authority).is_err());
        assert!(till.remove_operator(&id("lena"), authority).is_err());
    }
    clock.move_by(DAY);
    assert!(matches!(
        till.remove_operator(&id("lena"), Authority::Pin("4711")),
        Err(TerminalError::NotNow(_))
    ));
    assert!(till.put_operator(&id("lena"), "Lena", Role::Staff, Authority::Pin("4711")).is_err());
    till.remove_operator(&id("kim"), Authority::Pin("4711")).unwrap();
    assert_eq!(till.operators().unwrap().len(), 1);
    for (wrong, what) in
        [("123", "short"), ("1234", "a row"), ("0000", "one digit"), ("12a4", "a letter"), ("9876", "a row")]
    {
        assert!(
            matches!(till.set_pin(&id("lena"), wrong, Authority::Pin("4711")), Err(TerminalError::Input(_))),
            "{what}"
        );
    }
    for wrong in ["", " ", "a\u{7}", &"x".repeat(41)] {
        assert!(till.put_operator(&id("x"), wrong, Role::Staff, Authority::Machine).is_err());
    }
}

#[test]
fn a_staff_card_names_who_holds_it_and_is_nobody_s_customer_card() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, _) = staffed(dir.path(), &clock);
    let card = till.give_staff_card(&id("kim"), Authority::Pin("4711")).unwrap().to_string();
    drop(till);
    let mut till = reopened(dir.path(), &clock);
    assert_eq!(till.staff_card(&card).unwrap().unwrap().id, id("kim"));
    assert!(matches!(till.who(&card), Err(TerminalError::Blocked)));
    let guest = till.add_member(None, &None, None).unwrap().token.to_string();
    assert_eq!(till.staff_card(&guest).unwrap(), None);
    assert_eq!(till.staff_card("https://example.org").unwrap(), None);
    let new = till.give_staff_card(&id("kim"), Authority::Pin("4711")).unwrap().to_string();
    assert_eq!(till.staff_card(&card).unwrap(), None, "the old one is worth nothing");
    assert!(till.staff_card(&new).unwrap().is_some());
    till.remove_operator(&id("kim"), Authority::Pin("4711")).unwrap();
    assert_eq!(till.staff_card(&new).unwrap(), None);
}
