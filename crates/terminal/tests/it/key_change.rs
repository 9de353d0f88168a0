//! A terminal changes its key: the journal stays whole, and a restart goes on with the new one.

use std::sync::Arc;

use stempel_domain::event::Fact;
use stempel_terminal::Terminal;
use stempel_wire::key_change;

use crate::server::*;
use crate::support::*;

#[test]
fn the_journal_stays_whole_over_changes_of_the_key_and_restarts() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
    stamp(&mut till, &printed(1), 2);
    let first = till.identity().key().unwrap().public();
    for round in 1..=2 {
        let before = till.identity().key().unwrap().public();
        let event = till.change_key(&None).unwrap();
        let after = till.identity().key().unwrap().public();
        assert_ne!(before, after);
        // The old key signs the row that names the new one; the new one signs what follows.
        let row = till.view().row(event).unwrap().unwrap();
        row.verify(&before).unwrap();
        assert_eq!(key_change::next_key(&row), Some(after));
        assert!(matches!(till.event(event).unwrap().record.fact, Fact::KeyChanged(_)));
        stamp(&mut till, &printed(1), 1);
        let next = stempel_domain::EventRef { seq: event.seq + 1, ..event };
        till.view().row(next).unwrap().unwrap().verify(&after).unwrap();
        assert_eq!(coffees(&till, &printed(1)), 2 + round);
        till.verify_journal().unwrap();
        // The folder is opened again, by whoever.
        drop(till);
        till = Terminal::open(store(dir.path()), Arc::new(clock.clone()), Box::new(Seeded(77))).unwrap();
        assert_eq!(till.identity().key().unwrap().public(), after);
        assert_eq!(till.identity().first_key().unwrap().public(), first);
        till.verify_journal().unwrap();
    }
    let report = sync(&mut till, &mut wire).unwrap();
    assert_eq!(report.pending, 0);
}

#[test]
fn a_key_is_changed_a_bounded_number_of_times() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, _) = device_in(dir.path(), &clock, &server);
    for _ in 0..16 {
        till.change_key(&None).unwrap();
    }
    let error = till.change_key(&None).unwrap_err().to_string();
    assert!(error.contains("set up a new folder"), "{error}");
    till.verify_journal().unwrap();
}
