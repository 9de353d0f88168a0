//! Clocks that are wrong, and pauses between two scans.

use stempel_domain::Moment;
use stempel_terminal::Terminal;
use stempel_terminal::counter::Circumstances;

use crate::server::*;
use crate::support::*;

/// The moment that a stamp was recorded with.
fn stamped_at(till: &mut Terminal, code: &str) -> Moment {
    let event = stamp(till, code, 1).event.unwrap();
    till.event(event).unwrap().record.at
}

#[test]
fn a_clock_set_back_marks_the_events_and_the_day_never_goes_back() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let code = till.add_member(None, &None, None).unwrap().token.to_string();
    let today = stamped_at(&mut till, &code);
    assert!(!today.clock_doubtful);
    clock.move_by(-40 * DAY);
    let past = stamped_at(&mut till, &code);
    assert!(past.clock_doubtful);
    assert_eq!(past.day, today.day);
    assert_eq!(past.utc_ms, today.utc_ms - 40 * DAY, "what the clock showed is evidence and kept");
    drop(till);
    let mut till = reopened(dir.path(), &clock);
    let after = stamped_at(&mut till, &code);
    assert_eq!(after.day, today.day, "also after a new start");
    clock.move_by(41 * DAY);
    let tomorrow = stamped_at(&mut till, &code);
    assert!(!tomorrow.clock_doubtful);
    assert_eq!(tomorrow.day, today.day.plus_days(1));
}

#[test]
fn a_clock_that_is_off_by_seconds_is_not_doubted() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let code = till.add_member(None, &None, None).unwrap().token.to_string();
    clock.move_by(-30_000);
    assert!(!stamped_at(&mut till, &code).clock_doubtful);
}

#[test]
fn what_the_server_says_of_the_clock_corrects_the_day() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
    let right = stamped_at(&mut till, &printed(1));
    clock.move_by(3 * DAY);
    server.lock().unwrap().skew_ms = Some(3 * DAY);
    sync(&mut till, &mut wire).unwrap();
    let corrected = stamped_at(&mut till, &printed(2));
    assert_eq!(corrected.day, right.day);
    assert_eq!(corrected.skew_ms, Some(3 * DAY));
    assert_eq!(corrected.utc_ms, right.utc_ms + 3 * DAY);
}

#[test]
fn a_time_that_a_script_names_is_taken_as_named() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let code = till.add_member(None, &None, None).unwrap().token.to_string();
    let at = Moment::parse_rfc3339("2026-06-09T08:30:00+02:00").unwrap();
    let how = Circumstances { at: Some(at), ..Circumstances::default() };
    let given = till.stamp(&code, None, 1, Vec::new(), &how).unwrap();
    assert_eq!((given.at.utc_ms, given.at.day.to_string()), (at.0, "2026-06-09".into()));
}

fn visits() -> stempel_domain::programme::Programme {
    template("visit-card")
}

#[test]
fn a_card_held_up_twice_counts_once_until_the_pause_is_over() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    till.publish(visits(), &None).unwrap();
    let id = "visits".parse().unwrap();
    let code = till.add_member(None, &None, None).unwrap().token.to_string();
    let member = till.who(&code).unwrap().member();
    let scan =
        |till: &mut Terminal| till.stamp(&code, Some(&id), 1, Vec::new(), &Circumstances::default()).unwrap();
    assert_eq!(till.last_visit_ms(member, &till.moment(None).unwrap()).unwrap(), None);
    let first = scan(&mut till);
    assert_eq!(till.last_visit_ms(member, &till.moment(None).unwrap()).unwrap(), Some(first.at.utc_ms));
    let rows = head(&till);
    clock.move_by(59 * MINUTE);
    let again = scan(&mut till);
    assert_eq!((again.event, head(&till)), (None, rows), "the same visit is no new fact");
    assert_eq!(again.balances, first.balances);
    clock.move_by(MINUTE);
    let second = scan(&mut till);
    assert!(second.event.is_some());
    assert_eq!(balance(&till, &code, "stamp:visit"), 2);
    assert_eq!(till.last_visit_ms(member, &till.moment(None).unwrap()).unwrap(), Some(second.at.utc_ms));
}

#[test]
fn a_person_at_the_counter_knows_better_than_the_pause() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    till.publish(visits(), &None).unwrap();
    let id = "visits".parse().unwrap();
    let code = till.add_member(None, &None, None).unwrap().token.to_string();
    let by_hand = Circumstances { by_hand: true, ..Circumstances::default() };
    for stamps in 1..=2 {
        let given = till.stamp(&code, Some(&id), 1, Vec::new(), &by_hand).unwrap();
        assert!(given.event.is_some());
        assert_eq!(balance(&till, &code, "stamp:visit"), stamps);
        clock.move_by(MINUTE);
    }
}
