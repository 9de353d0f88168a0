//! The plug test of the first run: what was said to be safe is counted after the next start, and taken back.

use stempel_terminal::TerminalError;
use stempel_terminal::plug::PLUG_STAMPS;

use crate::support::{Hand, alone_in, coffees, folder, head, reopened};

#[test]
fn five_of_five_after_the_machine_was_started_again() {
    let (folder, clock) = (folder(), Hand::noon());
    let mut terminal = alone_in(folder.path(), &clock);
    let code = terminal.test_card().unwrap();
    let test = terminal.begin_plug_test("first start").unwrap();
    assert!(test.ready && test.result.is_none());
    assert_eq!(coffees(&terminal, &code), 5);
    drop(terminal);

    clock.move_by(60_000);
    let mut terminal = reopened(folder.path(), &clock);
    let test = terminal.check_plug_test("second start").unwrap().unwrap();
    let result = test.result.unwrap();
    assert_eq!((result.found, result.machine), (PLUG_STAMPS, true));
    assert_eq!(coffees(&terminal, &code), 0, "no guest has the stamps of the test");
    let written = head(&terminal);
    assert_eq!(terminal.check_plug_test("third start").unwrap().unwrap().result, Some(result), "it is kept");
    assert_eq!(head(&terminal), written, "and nothing more is written");
    let sums = terminal.day_sums(None).unwrap().1.all;
    assert_eq!(sums.stamps, 0, "and no sum of the day");
}

#[test]
fn the_program_alone_is_told_from_the_machine() {
    for (before, after, machine) in [("a", "a", false), ("", "", false), ("", "b", false), ("a", "b", true)] {
        let (folder, clock) = (folder(), Hand::noon());
        let mut terminal = alone_in(folder.path(), &clock);
        terminal.begin_plug_test(before).unwrap();
        drop(terminal);
        let mut terminal = reopened(folder.path(), &clock);
        let test = terminal.check_plug_test(after).unwrap().unwrap();
        assert_eq!(test.result.map(|result| result.machine), Some(machine), "{before:?} {after:?}");
    }
}

#[test]
fn a_test_that_is_asked_for_again_begins_anew_with_the_same_card() {
    let (folder, clock) = (folder(), Hand::noon());
    let mut terminal = alone_in(folder.path(), &clock);
    let code = terminal.test_card().unwrap();
    for _ in 0..3 {
        terminal.begin_plug_test("a").unwrap();
        assert_eq!(coffees(&terminal, &code), 5);
    }
    assert_eq!(terminal.test_card().unwrap(), code);
    assert_eq!(reopened_after(terminal, folder.path(), &clock), 5);
}

fn reopened_after(terminal: stempel_terminal::Terminal, path: &std::path::Path, clock: &Hand) -> u32 {
    drop(terminal);
    let test = reopened(path, clock).check_plug_test("b").unwrap().unwrap();
    test.result.map_or(0, |result| result.found)
}

#[test]
fn without_a_test_there_is_no_result() {
    let (folder, clock) = (folder(), Hand::noon());
    let mut terminal = alone_in(folder.path(), &clock);
    assert_eq!(terminal.check_plug_test("a").unwrap(), None);
    assert!(matches!(terminal.plug_test(), Ok::<_, TerminalError>(None)));
}
