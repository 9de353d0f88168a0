//! A phone's rotating code at a terminal without a network.

use std::collections::BTreeMap;

use stempel_domain::CardId;
use stempel_domain::ports::Clock;
use stempel_terminal::cards::Who;
use stempel_terminal::counter::Circumstances;
use stempel_terminal::{Terminal, TerminalError};
use stempel_wire::message::{FeedChange, Shop};
use stempel_wire::phone::{Certified, PhoneCertificate, PhoneSecret};
use stempel_wire::rotating::{RotatingCode, turn_at};

use crate::server::*;
use crate::support::*;

fn phone() -> PhoneSecret {
    PhoneSecret::from_bytes(&[7; 32]).unwrap()
}

fn card() -> CardId {
    CardId([1, 2, 3, 4, 5, 6, 7, 8])
}

/// What the phone shows when its clock is ahead by so much.
fn shows(clock: &Hand, ahead_ms: i64) -> String {
    let said = Certified {
        card: card(),
        phone: phone().public().unwrap(),
        since_minutes: (Hand::noon().now_ms() / MINUTE) as u32,
        valid_hours: 720,
        balance: None,
    };
    let certificate = PhoneCertificate::issue(TENANT, &card_key(), said);
    RotatingCode::show(certificate, &phone(), turn_at(clock.now_ms() + ahead_ms)).to_string()
}

/// A device of a shop that gives at most ten stamps' worth for a code that anybody could have copied.
fn guarded(path: &std::path::Path, clock: &Hand, above: i64) -> Terminal {
    let server = server();
    let rotating_above = BTreeMap::from([("stamp:coffee".parse().unwrap(), above)]);
    let shop = FeedChange::Shop(Shop { rotating_above, ..shop(None) });
    server.lock().unwrap().publish("shop", &shop);
    let (till, _) = device_in(path, clock, &server);
    till
}

fn take_one(till: &mut Terminal, code: &str) -> Result<(), TerminalError> {
    till.stamp(code, None, 0, vec![free_coffee()], &Circumstances::default()).map(|_| ())
}

#[test]
fn a_phone_that_was_never_seen_here_earns_offline_by_its_rotating_code() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = guarded(dir.path(), &clock, 100);
    let code = shows(&clock, 0);
    assert!(till.is_card(&code));
    assert!(matches!(till.who(&code).unwrap(), Who::NewCard { card: found, .. } if found == card()));
    stamp(&mut till, &code, 1);
    clock.move_by(10 * MINUTE);
    let later = shows(&clock, 0);
    assert_ne!(later, code);
    stamp(&mut till, &later, 1);
    assert_eq!(coffees(&till, &later), 2, "the same member, whichever half-minute it is");
    stamp(&mut till, &code, 1);
    assert_eq!(coffees(&till, &code), 3, "an old code is worth what paper is: it earns");
}

#[test]
fn above_the_limit_only_the_code_of_this_moment_spends() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = guarded(dir.path(), &clock, 5);
    let start = shows(&clock, 0);
    stamp(&mut till, &start, 30);
    let member = till.who(&start).unwrap().member();
    let paper = till.who(&start).unwrap().card().unwrap();
    clock.move_by(5 * MINUTE);
    for copied in [start.clone(), member.to_string(), paper.number().to_string()] {
        assert!(
            matches!(take_one(&mut till, &copied), Err(TerminalError::RotatingCodeWanted)),
            "{copied:.12}"
        );
    }
    for wrong_clock_ms in [-MINUTE, 2 * MINUTE] {
        let code = shows(&clock, wrong_clock_ms);
        assert!(matches!(take_one(&mut till, &code), Err(TerminalError::RotatingCodeWanted)));
    }
    take_one(&mut till, &shows(&clock, 25_000)).unwrap();
    take_one(&mut till, &shows(&clock, 0)).unwrap();
    assert_eq!(coffees(&till, &start), 10);
}

#[test]
fn a_guest_at_the_counter_may_take_a_moment_to_choose() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = guarded(dir.path(), &clock, 5);
    let code = shows(&clock, 0);
    stamp(&mut till, &code, 30);
    clock.move_by(2 * MINUTE);
    take_one(&mut till, &code).unwrap();
    clock.move_by(2 * MINUTE);
    assert!(matches!(take_one(&mut till, &code), Err(TerminalError::RotatingCodeWanted)));
}

#[test]
fn below_the_limit_paper_is_enough() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = guarded(dir.path(), &clock, 10);
    let code = shows(&clock, 0);
    stamp(&mut till, &code, 10);
    clock.move_by(60 * MINUTE);
    take_one(&mut till, &code).unwrap();
}
