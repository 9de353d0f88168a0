//! What waits is kept in another place, and comes to the server from there when the device is dead.

use stempel_terminal::second_copy::hand_over;

use crate::server::*;
use crate::support::*;

/// The only file of a folder, if there is one.
fn copy_in(folder: &tempfile::TempDir) -> Option<std::path::PathBuf> {
    let mut files: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() <= 1, "{files:?}");
    files.pop()
}

#[test]
fn a_dead_device_is_replaced_from_its_second_copy() {
    let (dirs, stick) = ([folder(), folder()], folder());
    let (clock, server) = (Hand::noon(), server());
    let (mut dead, mut wire) = device_in(dirs[0].path(), &clock, &server);
    dead.set_setting("second_copy", stick.path().to_str().unwrap()).unwrap();
    stamp(&mut dead, &printed(1), 2);
    sync(&mut dead, &mut wire).unwrap();
    assert_eq!(copy_in(&stick), None, "the server has everything");
    // Offline, again and again.
    let named = dead.add_member(Some("Quirinalde"), &None, None).unwrap().token.to_string();
    for round in 1..=3 {
        stamp(&mut dead, &printed(2), round);
        wire.script.push_back(Fault::Unreachable);
        assert!(sync(&mut dead, &mut wire).is_err());
        let state = dead.second_copy().unwrap().unwrap();
        assert_eq!((state.through, state.error), (head(&dead), None));
    }
    let file = copy_in(&stick).unwrap();
    let text = std::fs::read(&file).unwrap();
    for clear in [&b"Quirinalde"[..], b"stamp", b"SE\x01"] {
        assert!(!text.windows(clear.len()).any(|window| window == clear), "sealed");
    }
    let (device, written) = (dead.identity().device, head(&dead));
    drop(dead);
    // The tablet is gone; another device takes its place.
    let (mut new, mut line) = device_in(dirs[1].path(), &clock, &server);
    for _ in 0..2 {
        let done = hand_over(&file, &mut line).unwrap();
        assert_eq!((done.held, done.trouble.len()), ([(device, written)].into(), 0));
    }
    sync(&mut new, &mut line).unwrap();
    assert_eq!((coffees(&new, &printed(1)), coffees(&new, &printed(2))), (2, 6));
    let who = new.who_ever(&named).unwrap();
    let name = new.look(&who).unwrap().profile.map(|profile| profile.name);
    assert_eq!(name.as_deref(), Some("Quirinalde"), "keys come along");
}

#[test]
fn a_stick_that_is_pulled_or_cut_off_keeps_nobody_waiting_and_is_written_anew() {
    let (dir, stick) = (folder(), folder());
    let (clock, server) = (Hand::noon(), server());
    let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
    till.set_setting("second_copy", stick.path().join("here").to_str().unwrap()).unwrap();
    let mut offline = |till: &mut _| {
        stamp(till, &printed(1), 1);
        wire.script.push_back(Fault::Unreachable);
        assert!(matches!(sync(till, &mut wire), Err(stempel_terminal::TerminalError::Sync(_))));
        till.second_copy().unwrap().unwrap()
    };
    assert!(offline(&mut till).error.is_some(), "there is no such folder");
    std::fs::create_dir(stick.path().join("here")).unwrap();
    let state = offline(&mut till);
    assert_eq!((state.through, state.error), (head(&till), None));
    let text = std::fs::read(&state.file).unwrap();
    std::fs::write(&state.file, &text[..text.len() - 5]).unwrap();
    let state = offline(&mut till);
    let frames = std::fs::read(&state.file).unwrap();
    let frames = stempel_wire::copy::frames(&frames).unwrap().len();
    assert_eq!((frames, state.from, state.through), (1, till.view().sync_state().unwrap().held, head(&till)));
    let error = hand_over(dir.path(), &mut Wire::new(&server, till.identity().device)).unwrap_err();
    assert!(matches!(error, stempel_terminal::TerminalError::Input(_)), "{error}");
}
