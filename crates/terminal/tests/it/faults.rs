//! What can go wrong between terminal and server. Whatever it is, nothing is lost and nothing counts twice.

use std::path::Path;
use std::sync::Arc;

use stempel_domain::AuthorId;
use stempel_sync::SyncError;
use stempel_terminal::counter::Circumstances;
use stempel_terminal::setup::enroll;
use stempel_terminal::{Terminal, TerminalError};

use crate::server::*;
use crate::support::*;

/// Shows that the server holds the terminal's journal, row by row, and both say the same of two members.
fn agree(till: &Terminal, server: &Shared, what: &str) {
    let server = server.lock().unwrap();
    let device = till.identity().device;
    let rows = till.view().rows_after(device, 0, usize::MAX >> 1, usize::MAX).unwrap();
    let held: Vec<Vec<u8>> = server.rows[&device].iter().map(|row| row.bytes().to_vec()).collect();
    assert_eq!(rows, held, "{what}");
    for number in [1, 2] {
        let member = till.who(&printed(number)).unwrap().member();
        let state = till.view().member(member).unwrap().unwrap_or_default();
        assert_eq!(state, server.member_state(member), "{what}");
        assert_eq!(till.view().overlay(member).unwrap(), [], "{what}");
    }
}

#[test]
fn any_question_may_fail_in_any_way_and_the_next_exchange_mends_it() {
    let faults = [Fault::Unreachable, Fault::AnswerLost, Fault::Rubbish];
    for fault in faults {
        for place in 0..5 {
            let what = format!("{fault:?} at question {place}");
            let (dir, clock, server) = (folder(), Hand::noon(), server());
            let (mut till, mut wire) = enrolled_in(dir.path(), &clock, &server);
            sync(&mut till, &mut wire).unwrap();
            stamp(&mut till, &printed(1), 2);
            stamp(&mut till, &printed(2), 1);
            server.lock().unwrap().page_max = 1;
            wire.script = std::iter::repeat_n(Fault::None, place).chain([fault.clone()]).collect();
            let shown = (coffees(&till, &printed(1)), coffees(&till, &printed(2)));
            match sync(&mut till, &mut wire) {
                Ok(report) => assert_eq!(report.pending, 0, "{what}: it needed no such question"),
                Err(error) => {
                    let state = till.view().sync_state().unwrap();
                    assert_eq!(state.last_error, Some(error.to_string()), "{what}");
                }
            }
            assert_eq!((coffees(&till, &printed(1)), coffees(&till, &printed(2))), shown, "{what}");
            stamp(&mut till, &printed(1), 1);
            wire.script.clear();
            sync(&mut till, &mut wire).unwrap();
            assert_eq!(till.view().sync_state().unwrap().last_error, None, "{what}");
            assert_eq!(coffees(&till, &printed(1)), 3, "{what}");
            agree(&till, &server, &what);
        }
    }
}

#[test]
fn a_push_whose_answer_was_lost_is_not_taken_for_a_clone() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
    stamp(&mut till, &printed(1), 2);
    stamp(&mut till, &printed(2), 2);
    wire.script = [Fault::None, Fault::AnswerLost].into();
    sync(&mut till, &mut wire).unwrap_err();
    assert_eq!(till.pending().unwrap(), 4, "without an acknowledgement they wait");
    let report = sync(&mut till, &mut wire).unwrap();
    assert_eq!(
        (report.sent, report.pending, report.quarantined),
        (0, 0, false),
        "the feed tells that they are there"
    );
    agree(&till, &server, "lost answer");
}

#[test]
fn an_enrolment_whose_answer_was_lost_is_finished_by_asking_again() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let mut devices: Vec<AuthorId> = Vec::new();
    for (fault, seed) in [(Fault::AnswerLost, 1), (Fault::Unreachable, 2), (Fault::None, 3)] {
        let connect = |device, _| {
            devices.push(device);
            let mut wire = Wire::new(&server, device);
            wire.script = [fault.clone()].into();
            Ok(wire)
        };
        let (hand, entropy) = (Arc::new(clock.clone()), Box::new(Seeded(seed)));
        let done =
            enroll(store(dir.path()), hand, entropy, "https://x.example", "K7Q2-M9XV", "Counter", connect);
        assert_eq!(done.is_ok(), fault == Fault::None);
    }
    assert!(devices.iter().all(|device| *device == devices[0]), "it is the same device each time");
    let till = reopened(dir.path(), &clock);
    assert_eq!((till.identity().device, head(&till)), (devices[0], 1));
}

#[test]
fn a_server_set_back_to_a_backup_is_brought_up_to_date_again() {
    let (dirs, clock, server) = ([folder(), folder()], Hand::noon(), server());
    let (mut one, mut wire_one) = device_in(dirs[0].path(), &clock, &server);
    let (mut two, mut wire_two) = device_in(dirs[1].path(), &clock, &server);
    stamp(&mut one, &printed(1), 1);
    sync(&mut one, &mut wire_one).unwrap();
    let backup = server.lock().unwrap().clone();
    let named = one.add_member(Some("Ada"), &None, None).unwrap().token.to_string();
    for (till, wire) in [(&mut one, &mut wire_one), (&mut two, &mut wire_two)] {
        stamp(till, &printed(1), 2);
        stamp(till, &printed(2), 3);
        sync(till, wire).unwrap();
    }
    sync(&mut one, &mut wire_one).unwrap();
    server.lock().unwrap().restore(backup);
    let report = sync(&mut one, &mut wire_one).unwrap();
    assert_eq!((report.sent, report.pending, report.quarantined), (4, 0, false));
    assert!(coffees(&one, &printed(1)) >= 3, "what is ours never goes away");
    assert_eq!(one.view().sync_state().unwrap().epoch, "first, restored");
    sync(&mut two, &mut wire_two).unwrap();
    sync(&mut one, &mut wire_one).unwrap();
    for till in [&one, &two] {
        assert_eq!((coffees(till, &printed(1)), coffees(till, &printed(2))), (5, 6));
        agree(till, &server, "after the restore");
        let look = till.look(&till.who(&named).unwrap()).unwrap();
        assert_eq!(look.profile.map(|profile| profile.name).as_deref(), Some("Ada"));
    }
    let member = one.who(&named).unwrap().member();
    assert!(server.lock().unwrap().keys.contains_key(&member), "the key came again beside its row");
}

#[test]
fn what_a_server_set_back_no_longer_knows_is_no_longer_shown() {
    let (dirs, clock, server) = ([folder(), folder()], Hand::noon(), server());
    let (mut one, mut wire_one) = device_in(dirs[0].path(), &clock, &server);
    let (mut two, mut wire_two) = device_in(dirs[1].path(), &clock, &server);
    let backup = server.lock().unwrap().clone();
    stamp(&mut one, &printed(1), 4);
    stamp(&mut one, &printed(2), 4);
    sync(&mut one, &mut wire_one).unwrap();
    sync(&mut two, &mut wire_two).unwrap();
    stamp(&mut two, &printed(2), 1);
    assert_eq!((coffees(&two, &printed(1)), coffees(&two, &printed(2))), (4, 5));
    server.lock().unwrap().restore(backup);
    // The one who gave the stamps is out of order, and tells nobody.
    server.lock().unwrap().page_max = 1;
    sync(&mut two, &mut wire_two).unwrap();
    assert_eq!((coffees(&two, &printed(1)), coffees(&two, &printed(2))), (0, 1));
    assert_eq!(two.view().member(two.who(&printed(1)).unwrap().member()).unwrap(), None);
    let again = stamp(&mut two, &printed(1), 1);
    assert_eq!(head(&two), again.event.unwrap().seq);
    sync(&mut two, &mut wire_two).unwrap();
    sync(&mut one, &mut wire_one).unwrap();
    sync(&mut two, &mut wire_two).unwrap();
    for till in [&one, &two] {
        assert_eq!((coffees(till, &printed(1)), coffees(till, &printed(2))), (5, 5), "it is told again");
        agree(till, &server, "in the end");
    }
}

#[test]
fn a_server_set_back_in_the_middle_of_an_exchange_is_noticed() {
    for place in 0..4 {
        let (dir, clock, server) = (folder(), Hand::noon(), server());
        let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
        let backup = server.lock().unwrap().clone();
        stamp(&mut till, &printed(1), 1);
        sync(&mut till, &mut wire).unwrap();
        stamp(&mut till, &printed(1), 1);
        stamp(&mut till, &printed(2), 1);
        wire.backup = Some(backup);
        wire.script = std::iter::repeat_n(Fault::None, place).chain([Fault::Restored]).collect();
        sync(&mut till, &mut wire).unwrap();
        wire.script.clear();
        sync(&mut till, &mut wire).unwrap();
        assert_eq!((coffees(&till, &printed(1)), coffees(&till, &printed(2))), (2, 1), "at question {place}");
        agree(&till, &server, &format!("restored at question {place}"));
    }
}

fn copied(from: &Path) -> tempfile::TempDir {
    let to = folder();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.path().join(path.file_name().unwrap())).unwrap();
    }
    to
}

#[test]
fn a_clone_is_put_aside_and_what_it_did_is_kept_on_it() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (till, mut wire) = device_in(dir.path(), &clock, &server);
    drop(till);
    let copy = copied(dir.path());
    let (mut till, mut clone) = (reopened(dir.path(), &clock), reopened(copy.path(), &clock));
    let mut clone_wire = Wire::new(&server, clone.identity().device);
    stamp(&mut till, &printed(1), 1);
    sync(&mut till, &mut wire).unwrap();
    stamp(&mut clone, &printed(1), 5);
    clock.move_by(MINUTE);
    for _ in 0..2 {
        let report = sync(&mut clone, &mut clone_wire).unwrap();
        assert!(report.quarantined && report.pending > 0, "{report:?}");
    }
    assert_eq!(clone.view().troubles().unwrap()[0].1, "quarantined");
    let held = server.lock().unwrap().rows[&till.identity().device].last().unwrap().hash();
    assert_eq!(held, till.view().head(till.identity().device).unwrap().hash, "nothing was overwritten");
    clone.verify_journal().unwrap();
    // The feed goes on all the same, and so does the counter.
    server.lock().unwrap().programme(template("points"), 1);
    sync(&mut clone, &mut clone_wire).unwrap();
    assert_eq!(clone.programmes().len(), 2);
    stamp(&mut clone, &printed(2), 1);
}

#[test]
fn an_older_copy_sends_nothing_and_says_so() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
    let first = stamp(&mut till, &printed(1), 1).event.unwrap();
    let of_another = stamp(&mut till, &printed(2), 1).event.unwrap();
    drop(till);
    let copy = copied(dir.path());
    let mut till = reopened(dir.path(), &clock);
    till.undo(first, &Circumstances::default()).unwrap();
    stamp(&mut till, &printed(1), 1);
    sync(&mut till, &mut wire).unwrap();
    let mut old = reopened(copy.path(), &clock);
    wire.asked.clear();
    let refused = sync(&mut old, &mut wire);
    assert!(matches!(refused, Err(TerminalError::Sync(SyncError::OlderCopy))), "{refused:?}");
    assert!(!wire.asked.contains(&"push"));
    assert_eq!(coffees(&old, &printed(1)), 1, "what the server has is shown");
    // What was taken back in the part that it lacks is not taken back once more.
    let refused = old.undo(first, &Circumstances::default());
    assert!(matches!(refused, Err(TerminalError::NotNow(_))), "{refused:?}");
    old.undo(of_another, &Circumstances::default()).unwrap();
}

#[test]
fn rows_that_the_server_refuses_wait_and_are_said() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
    stamp(&mut till, &printed(1), 1);
    stamp(&mut till, &printed(2), 1);
    wire.script = [Fault::None, Fault::Refused].into();
    wire.asked.clear();
    let report = sync(&mut till, &mut wire).unwrap();
    assert_eq!((report.pending, report.acked), (4, 0));
    assert_eq!(wire.asked.iter().filter(|asked| **asked == "push").count(), 1, "it does not insist");
    assert_eq!(till.view().troubles().unwrap()[0].1, "refused");
    assert_eq!(coffees(&till, &printed(1)), 1);
    assert_eq!(sync(&mut till, &mut wire).unwrap().pending, 0);
    agree(&till, &server, "taken after all");
}

#[test]
fn a_server_that_answers_and_takes_nothing_is_noticed() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
    stamp(&mut till, &printed(1), 1);
    server.lock().unwrap().deaf = true;
    let refused = sync(&mut till, &mut wire);
    assert!(matches!(refused, Err(TerminalError::Sync(SyncError::Stuck))), "{refused:?}");
    assert!(wire.asked.len() < 20, "it does not ask for ever");
    assert_eq!(till.pending().unwrap(), 2);
    server.lock().unwrap().deaf = false;
    assert_eq!(sync(&mut till, &mut wire).unwrap().pending, 0);
}
