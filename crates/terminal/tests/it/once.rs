//! The same question twice gives one event; what was taken back is taken back once.

use std::collections::BTreeMap;

use stempel_domain::EventRef;
use stempel_terminal::TerminalError;
use stempel_terminal::counter::Circumstances;

use crate::support::*;

#[test]
fn a_key_makes_an_action_happen_once() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let joined = till.add_member(Some("Ada"), &None, Some("join")).unwrap();
    assert_eq!(till.add_member(Some("Ada"), &None, Some("join")).unwrap(), joined);
    let code = joined.token.to_string();
    let stamped = till.stamp(&code, None, 2, Vec::new(), &keyed("stamp")).unwrap();
    let sold = till.sale(Some(&code), lattes(&till, 1), &keyed("sale")).unwrap();
    let undone = till.undo(sold.event.unwrap(), &keyed("undo")).unwrap();
    let rows = head(&till);
    drop(till);
    clock.move_by(DAY);
    let mut till = reopened(dir.path(), &clock);
    let again = till.stamp(&code, None, 2, Vec::new(), &keyed("stamp")).unwrap();
    assert_eq!((again.event, again.outcome, again.at), (stamped.event, stamped.outcome, stamped.at));
    assert_eq!(till.sale(Some(&code), lattes(&till, 1), &keyed("sale")).unwrap().event, sold.event);
    assert_eq!(till.undo(sold.event.unwrap(), &keyed("undo")).unwrap(), undone);
    assert_eq!(head(&till), rows);
}

#[test]
fn a_key_used_for_something_else_is_refused() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let code = till.add_member(None, &None, Some("a")).unwrap().token.to_string();
    let stamped = till.stamp(&code, None, 1, Vec::new(), &keyed("b")).unwrap();
    let rows = head(&till);
    assert!(matches!(till.stamp(&code, None, 1, Vec::new(), &keyed("a")), Err(TerminalError::Input(_))));
    assert!(matches!(till.undo(stamped.event.unwrap(), &keyed("b")), Err(TerminalError::Input(_))));
    assert!(matches!(till.add_member(None, &None, Some("b")), Err(TerminalError::Input(_))));
    assert_eq!(head(&till), rows);
}

#[test]
fn a_key_of_an_action_that_was_refused_can_be_used_again() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let code = till.add_member(None, &None, None).unwrap().token.to_string();
    assert!(till.redeem(&code, free_coffee(), &keyed("k")).is_err());
    assert!(till.stamp(&code, None, 1, Vec::new(), &keyed("k")).unwrap().event.is_some());
}

#[test]
fn an_undo_takes_everything_back_and_works_once() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let code = till.add_member(None, &None, None).unwrap().token.to_string();
    let first = stamp(&mut till, &code, 3).event.unwrap();
    let second = stamp(&mut till, &code, 2).event.unwrap();
    let how = Circumstances::default();
    let undone = till.undo(first, &how).unwrap();
    assert_eq!((undone.of, coffees(&till, &code)), (first, 2));
    let rows = head(&till);
    assert!(matches!(till.undo(first, &how), Err(TerminalError::AlreadyReversed(of)) if of == first));
    assert!(matches!(till.undo(undone.event, &how), Err(TerminalError::NotNow(_))), "an undo is not undone");
    let nobody = EventRef { seq: 999, ..first };
    assert!(matches!(till.undo(nobody, &how), Err(TerminalError::Unknown(_))));
    assert_eq!(head(&till), rows);
    till.undo(second, &how).unwrap();
    assert_eq!(coffees(&till, &code), 0);
    assert_eq!(till.last_visit_ms(undone.member.unwrap(), &till.moment(None).unwrap()).unwrap(), None);
}

#[test]
fn an_undo_of_a_reward_gives_the_stamps_back() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let code = till.add_member(None, &None, None).unwrap().token.to_string();
    stamp(&mut till, &code, 10);
    let taken = till.redeem(&code, free_coffee(), &Circumstances::default()).unwrap();
    assert_eq!(coffees(&till, &code), 0);
    till.undo(taken.event.unwrap(), &Circumstances::default()).unwrap();
    assert_eq!(coffees(&till, &code), 10);
}

#[test]
fn a_refund_goes_line_by_line_until_nothing_is_left() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let code = till.add_member(None, &None, None).unwrap().token.to_string();
    let sold = till.sale(Some(&code), lattes(&till, 3), &Circumstances::default()).unwrap().event.unwrap();
    let how = Circumstances::default();
    let part = till.refund(sold, &BTreeMap::from([(0, 1000)]), &how).unwrap();
    assert_eq!((part.money_back.0, coffees(&till, &code)), (420, 2));
    let too_much = till.refund(sold, &BTreeMap::from([(0, 3000)]), &how);
    assert!(matches!(too_much, Err(TerminalError::NotNow(_))), "{too_much:?}");
    let rest = till.refund(sold, &BTreeMap::new(), &how).unwrap();
    assert_eq!(rest.money_back.0, 840);
    assert_eq!((coffees(&till, &code), balance(&till, &code, "point")), (0, 0));
    assert!(matches!(till.refund(sold, &BTreeMap::new(), &how), Err(TerminalError::AlreadyReversed(_))));
    assert_eq!(till.verify_journal().unwrap().rows, head(&till));
}

#[test]
fn what_was_taken_back_stays_so_after_a_new_start() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let code = till.add_member(None, &None, None).unwrap().token.to_string();
    let event = stamp(&mut till, &code, 1).event.unwrap();
    till.undo(event, &Circumstances::default()).unwrap();
    drop(till);
    let mut till = reopened(dir.path(), &clock);
    assert!(matches!(till.undo(event, &Circumstances::default()), Err(TerminalError::AlreadyReversed(_))));
}
