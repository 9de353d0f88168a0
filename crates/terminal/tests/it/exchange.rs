//! Terminal and server come to agree.

use stempel_domain::CardId;
use stempel_terminal::TerminalError;
use stempel_terminal::exchange::Report;
use stempel_wire::token::Token;

use crate::server::*;
use crate::support::*;

#[test]
fn what_waits_is_sent_once_and_then_nothing_is_left_to_do() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
    stamp(&mut till, &printed(1), 2);
    stamp(&mut till, &printed(2), 1);
    assert_eq!(till.pending().unwrap(), 4);
    let report = sync(&mut till, &mut wire).unwrap();
    assert_eq!(report, Report { sent: 4, acked: 4, received: 2, pending: 0, quarantined: false });
    wire.asked.clear();
    assert_eq!(sync(&mut till, &mut wire).unwrap(), Report::default());
    assert_eq!(wire.asked, ["feed"], "nothing to do is one question");
    let state = till.view().sync_state().unwrap();
    assert_eq!((state.last_error, state.held), (None, head(&till)));
    assert!(state.last_sync_ms.is_some());
}

#[test]
fn two_devices_that_were_apart_come_to_the_same_balances() {
    let (dirs, clock, server) = ([folder(), folder()], Hand::noon(), server());
    let (mut one, mut wire_one) = device_in(dirs[0].path(), &clock, &server);
    let (mut two, mut wire_two) = device_in(dirs[1].path(), &clock, &server);
    // Both meet the same new card while apart.
    let code = printed(1);
    for round in 1..=3 {
        stamp(&mut one, &code, 1);
        stamp(&mut two, &code, 2);
        clock.move_by(MINUTE);
        assert_eq!(coffees(&one, &code), if round == 1 { 1 } else { round * 3 - 2 });
        sync(&mut one, &mut wire_one).unwrap();
        sync(&mut two, &mut wire_two).unwrap();
        sync(&mut one, &mut wire_one).unwrap();
        assert_eq!((coffees(&one, &code), coffees(&two, &code)), (round * 3, round * 3));
    }
    let member = one.who(&code).unwrap().member();
    assert_eq!(one.view().member(member).unwrap(), two.view().member(member).unwrap());
    assert_eq!(one.view().member(member).unwrap().unwrap(), server.lock().unwrap().member_state(member));
    let why = one.why(member).unwrap();
    assert_eq!(why.confirmed.values().sum::<i64>(), 6, "what others gave is one line");
}

#[test]
fn an_acknowledgement_empties_the_outbox_and_nothing_else() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
    stamp(&mut till, &printed(1), 2);
    wire.script = [Fault::None, Fault::None, Fault::Unreachable].into();
    sync(&mut till, &mut wire).unwrap_err();
    let member = till.who(&printed(1)).unwrap().member();
    assert_eq!(till.pending().unwrap(), 0);
    assert_eq!(till.view().overlay(member).unwrap().len(), 2, "until the server's state has them");
    assert_eq!(coffees(&till, &printed(1)), 2);
    sync(&mut till, &mut wire).unwrap();
    assert_eq!(till.view().overlay(member).unwrap().len(), 0);
    assert_eq!(coffees(&till, &printed(1)), 2);
}

#[test]
fn pages_of_any_size_give_the_same() {
    let (clock, server) = (Hand::noon(), server());
    let first = folder();
    let (mut till, mut wire) = device_in(first.path(), &clock, &server);
    for number in 1..20 {
        stamp(&mut till, &printed(number), u32::from(number % 7) + 1);
    }
    sync(&mut till, &mut wire).unwrap();
    let look = |till: &stempel_terminal::Terminal| -> Vec<i64> {
        (1..20).map(|number| coffees(till, &printed(number))).collect()
    };
    for page_max in [1, 2, 3, 7, 1000] {
        server.lock().unwrap().page_max = page_max;
        let dir = folder();
        let (other, _) = device_in(dir.path(), &clock, &server);
        assert_eq!(look(&other), look(&till), "{page_max} changes a page");
        assert_eq!(other.view().member_count().unwrap(), 19);
        assert_eq!(other.programmes(), till.programmes());
        assert_eq!(other.view().articles().unwrap(), till.view().articles().unwrap());
    }
}

#[test]
fn a_long_queue_goes_in_several_pieces() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
    for number in 0..1100_u32 {
        stamp(&mut till, &printed((number % 50) as u8), 1);
    }
    wire.asked.clear();
    let report = sync(&mut till, &mut wire).unwrap();
    assert_eq!((report.sent, report.acked, report.pending), (1150, 1150, 0));
    assert!(wire.asked.iter().filter(|asked| **asked == "push").count() >= 3);
    assert_eq!(server.lock().unwrap().held(till.identity().device), head(&till));
}

#[test]
fn changes_of_a_kind_that_is_not_known_are_counted_and_passed_over() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
    server.lock().unwrap().publish_text("weather", r#"{"weather":{"sun":true}}"#.into());
    server.lock().unwrap().publish_text("tide", r#"{"tide":3}"#.into());
    sync(&mut till, &mut wire).unwrap();
    assert_eq!(till.view().sync_state().unwrap().unknown_changes, 2);
    sync(&mut till, &mut wire).unwrap();
    assert_eq!(till.view().sync_state().unwrap().unknown_changes, 2, "each is counted once");
    stamp(&mut till, &printed(1), 1);
}

#[test]
fn a_programme_of_a_later_language_is_kept_and_said_and_the_others_run() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
    let later = r#"{"programme":{"reference":{"id":"tea","version":1},"text":"{\"id\":\"tea\",\"magic\":true}","ended":false}}"#;
    server.lock().unwrap().publish_text("tea", later.into());
    sync(&mut till, &mut wire).unwrap();
    assert_eq!(till.programmes().len(), 1);
    assert_eq!(till.unreadable_programmes().len(), 1);
    assert!(till.unreadable_programmes()[0].starts_with("tea: "), "{:?}", till.unreadable_programmes());
    stamp(&mut till, &printed(1), 1);
    drop(till);
    let mut till = reopened(dir.path(), &clock);
    assert_eq!(till.unreadable_programmes().len(), 1, "kept, and said again after a new start");
    // A version that can be read takes its place.
    let json = template("coffee-card").to_json().replace("\"coffee\"", "\"tea\"");
    let readable = stempel_domain::programme::Programme::from_json(&json).unwrap();
    server.lock().unwrap().programme(readable, 2);
    sync(&mut till, &mut wire).unwrap();
    assert_eq!(till.unreadable_programmes().len(), 0);
    assert_eq!(till.programmes().len(), 2);
}

#[test]
fn a_name_given_at_one_device_is_read_at_another() {
    let (dirs, clock, server) = ([folder(), folder()], Hand::noon(), server());
    let (mut one, mut wire_one) = device_in(dirs[0].path(), &clock, &server);
    let (mut two, mut wire_two) = device_in(dirs[1].path(), &clock, &server);
    let code = one.add_member(Some("Ada"), &None, None).unwrap().token.to_string();
    assert_eq!(one.view().pending_keys().unwrap().len(), 1);
    sync(&mut one, &mut wire_one).unwrap();
    assert_eq!(one.view().pending_keys().unwrap().len(), 0);
    sync(&mut two, &mut wire_two).unwrap();
    assert_eq!(two.look(&two.who(&code).unwrap()).unwrap().profile.unwrap().name, "Ada");
}

#[test]
fn more_names_than_one_push_holds_are_all_delivered() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
    for number in 0..1100_u16 {
        let [high, low] = number.to_be_bytes();
        let code = Token::issue(TENANT, &card_key(), CardId([high, low, 5, 5, 5, 5, 5, 5])).to_string();
        till.name_member(&till.who(&code).unwrap(), "Ada", None, &None).unwrap();
    }
    sync(&mut till, &mut wire).unwrap();
    assert_eq!(till.view().pending_keys().unwrap().len(), 0);
    assert_eq!(server.lock().unwrap().keys.len(), 1100);
}

#[test]
fn a_row_that_the_server_keeps_without_effect_is_said() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
    server.lock().unwrap().dead.insert("stamp");
    stamp(&mut till, &printed(1), 2);
    let report = sync(&mut till, &mut wire).unwrap();
    assert_eq!((report.pending, report.quarantined), (0, false));
    let troubles = till.view().troubles().unwrap();
    assert_eq!((troubles.len(), troubles[0].0.seq, troubles[0].1.as_str()), (1, head(&till), "dead"));
    assert_eq!(coffees(&till, &printed(1)), 0, "as the server counts it");
}

#[test]
fn what_belongs_to_the_server_is_not_changed_here() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, _) = device_in(dir.path(), &clock, &server);
    assert!(matches!(till.publish(template("points"), &None), Err(TerminalError::NotNow(_))));
    assert!(matches!(till.import_articles(&[latte()]), Err(TerminalError::NotNow(_))));
    till.move_to("https://elsewhere.example").unwrap();
    drop(till);
    let till = reopened(dir.path(), &clock);
    assert_eq!(till.identity().server.as_ref().unwrap().url, "https://elsewhere.example");
}

#[test]
fn a_device_that_was_signed_out_hands_over_what_waits_and_says_so() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
    stamp(&mut till, &printed(1), 2);
    server.lock().unwrap().signed_out.insert(wire.device);
    wire.asked.clear();
    for asked in [&["feed", "push"][..], &["feed"]] {
        let error = sync(&mut till, &mut wire).unwrap_err();
        assert!(matches!(&error, TerminalError::Sync(error) if error.is_signed_out()), "{error}");
        assert_eq!(wire.asked, asked);
        wire.asked.clear();
        assert_eq!((till.pending().unwrap(), server.lock().unwrap().held(wire.device)), (0, head(&till)));
    }
    assert!(till.view().sync_state().unwrap().last_error.unwrap().contains("signed out"));
}

#[test]
fn a_folder_that_a_restored_server_does_not_know_comes_back_with_its_own_journal() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let backup = server.lock().unwrap().clone();
    let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
    stamp(&mut till, &printed(1), 2);
    sync(&mut till, &mut wire).unwrap();
    let (device, before) = (till.identity().device, head(&till));
    drop(till);
    server.lock().unwrap().restore(backup);
    let (mut till, mut wire) = enrolled_in(dir.path(), &clock, &server);
    assert_eq!((till.identity().device, head(&till)), (device, before), "nobody new");
    sync(&mut till, &mut wire).unwrap();
    assert_eq!((till.pending().unwrap(), server.lock().unwrap().held(device)), (0, before));
    assert_eq!(coffees(&till, &printed(1)), 2);
}

#[test]
fn a_terminal_that_works_alone_is_not_enrolled() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    drop(alone_in(dir.path(), &clock));
    let enrolled = stempel_terminal::setup::enroll(
        store(dir.path()),
        std::sync::Arc::new(clock.clone()),
        Box::new(Seeded(1)),
        "https://stempel.example",
        "K7Q2-M9XV",
        "Counter",
        |device, _| Ok(Wire::new(&server, device)),
    );
    assert!(matches!(enrolled, Err(TerminalError::SetUpAlready(_))));
}
