//! Alarms at a device with no network: they warn, then a second person has to agree.

use stempel_domain::OperatorId;
use stempel_domain::alarm::{Alarm, AlarmKind, Level, Limit, LimitsSet};
use stempel_domain::event::Fact;
use stempel_terminal::counter::Circumstances;
use stempel_terminal::operators::{Authority, Role};
use stempel_terminal::{Terminal, TerminalError};
use stempel_wire::message::FeedChange;

use crate::server::*;
use crate::support::*;

fn id(name: &str) -> OperatorId {
    name.parse().unwrap()
}

fn by(name: &str) -> Circumstances {
    Circumstances { operator: Some(id(name)), by_hand: true, ..Circumstances::default() }
}

fn stamps(till: &mut Terminal, code: &str, who: &str) -> Result<u64, TerminalError> {
    till.stamp(code, None, 1, Vec::new(), &by(who)).map(|given| given.event.unwrap().seq)
}

fn told(alarms: &[Alarm]) -> Vec<(AlarmKind, Level, u64)> {
    alarms.iter().map(|alarm| (alarm.kind, alarm.level, alarm.count)).collect()
}

/// The manager Lena (4711), and a member who is nobody who works here.
fn staffed(dir: &std::path::Path, clock: &Hand) -> (Terminal, String) {
    let mut till = alone_in(dir, clock);
    till.put_operator(&id("lena"), "Lena", Role::Manager, Authority::First).unwrap();
    till.set_pin(&id("lena"), "4711", Authority::First).unwrap();
    let code = till.add_member(Some("Ada"), &None, None).unwrap().token.to_string();
    (till, code)
}

#[test]
fn a_card_that_is_stamped_again_and_again_warns_and_then_needs_a_second_person() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = staffed(dir.path(), &clock);
    let mut events = Vec::new();
    for turn in 1..=7 {
        clock.move_by(MINUTE);
        events.push(stamps(&mut till, &code, "kim").unwrap());
        let raised = told(&till.raised());
        match turn {
            4.. => assert_eq!(raised, [(AlarmKind::CardOften, Level::Warn, turn)]),
            _ => assert_eq!(raised, []),
        }
    }
    let rows = head(&till);
    let Err(TerminalError::SecondPerson(beyond)) = stamps(&mut till, &code, "kim") else { panic!() };
    assert_eq!(told(&beyond), [(AlarmKind::CardOften, Level::FourEyes, 8)]);
    assert_eq!((head(&till), coffees(&till, &code)), (rows, 7), "nothing was changed");

    // The program was restarted meanwhile: it still knows.
    drop(till);
    let mut till = reopened(dir.path(), &clock);
    assert!(matches!(stamps(&mut till, &code, "kim"), Err(TerminalError::SecondPerson(_))));
    let subject = beyond[0].subject.clone();
    assert!(matches!(till.agree(AlarmKind::CardOften, &subject, "0815"), Err(TerminalError::WrongPin)));
    let agreed = till.agree(AlarmKind::CardOften, &subject, "4711").unwrap();
    let Fact::LimitLifted(lifted) = till.event(agreed).unwrap().record.fact else { panic!() };
    assert_eq!((lifted.agreed, &lifted.subject), (id("lena"), &subject));
    events.push(stamps(&mut till, &code, "kim").unwrap());
    assert_eq!(told(&till.raised()), [(AlarmKind::CardOften, Level::FourEyes, 8)]);
    // Lena herself is no second person for what Lena does.
    assert!(stamps(&mut till, &code, "lena").is_ok(), "there is nobody else whom to ask");

    // After a quarter of an hour it has to be agreed to again; after an hour it is forgotten.
    clock.move_by(16 * MINUTE);
    assert!(matches!(stamps(&mut till, &code, "kim"), Err(TerminalError::SecondPerson(_))));
    clock.move_by(60 * MINUTE);
    stamps(&mut till, &code, "kim").unwrap();
    assert_eq!(told(&till.raised()), []);

    // The list opens to the events, and a reader that cannot write sees it too.
    let opened = till.alarms(0).unwrap();
    assert_eq!((opened.len(), opened[0].alarm.count, opened[0].alarm.level), (1, 9, Level::FourEyes));
    let seqs: Vec<u64> = opened[0].facts.iter().map(|event| event.seq).collect();
    assert_eq!(seqs[..8], events[..]);
    assert!(till.alarms(clock_ms(&till) + 1).unwrap().is_empty());
    till.verify_journal().unwrap();
}

fn clock_ms(till: &Terminal) -> i64 {
    till.clock().now_ms()
}

#[test]
fn an_operator_s_own_card_is_noticed_at_the_first_stamp() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = staffed(dir.path(), &clock);
    let tags = [("operator:kim".to_owned(), true)].into();
    till.note_traits(&code, tags, None, &Circumstances::default()).unwrap();
    stamps(&mut till, &code, "eva").unwrap();
    assert_eq!(told(&till.raised()), []);
    stamps(&mut till, &code, "kim").unwrap();
    assert_eq!(told(&till.raised()), [(AlarmKind::SelfAward, Level::Warn, 1)]);
    stamps(&mut till, &code, "kim").unwrap();
    let Err(TerminalError::SecondPerson(beyond)) = stamps(&mut till, &code, "kim") else { panic!() };
    assert_eq!(told(&beyond), [(AlarmKind::SelfAward, Level::FourEyes, 3)]);
    assert_eq!(beyond[0].subject, "kim");
    // What was undone was not given.
    let last = stempel_domain::EventRef { author: till.identity().device, seq: head(&till) };
    till.undo(last, &by("kim")).unwrap();
    stamps(&mut till, &code, "kim").unwrap();
    assert_eq!(coffees(&till, &code), 3);
    // It is the card of somebody who works here no longer.
    till.note_traits(&code, [("operator:kim".to_owned(), false)].into(), None, &Circumstances::default())
        .unwrap();
    assert!(till.alarms(0).unwrap().iter().all(|opened| opened.alarm.kind != AlarmKind::SelfAward));
}

#[test]
fn take_backs_need_a_second_person_and_a_paid_sale_never_does() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = staffed(dir.path(), &clock);
    till.set_setting("alarms.take_backs", r#"{"minutes":60,"warn":2,"ask":3}"#).unwrap();
    till.set_setting("alarms.card_often.ask", "2").unwrap();
    let mut sales = Vec::new();
    for _ in 0..4 {
        let sale = lattes(&till, 1);
        sales.push(till.sale(Some(&code), sale, &by("kim")).unwrap().event.unwrap());
    }
    assert_eq!(told(&till.raised()), [(AlarmKind::CardOften, Level::FourEyes, 4)], "said, and done");
    till.refund(sales[0], &Default::default(), &by("kim")).unwrap();
    assert_eq!(told(&till.raised()), []);
    till.undo(sales[1], &by("kim")).unwrap();
    assert_eq!(told(&till.raised()), [(AlarmKind::TakeBacks, Level::Warn, 2)]);
    assert!(matches!(till.undo(sales[2], &by("kim")), Err(TerminalError::SecondPerson(_))));
    assert!(matches!(till.agree(AlarmKind::TakeBacks, "lena", "4711"), Err(TerminalError::NotNow(_))));
    till.agree(AlarmKind::TakeBacks, "kim", "4711").unwrap();
    till.undo(sales[2], &by("kim")).unwrap();
    // A script is told, and not stopped.
    till.undo(sales[3], &by("cli")).unwrap();
    assert_eq!(told(&till.raised()), []);
    assert!(till.set_setting("alarms.take_backs.minutes", "0").is_err());
}

#[test]
fn where_nobody_could_agree_it_stays_a_warning() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let code = till.add_member(None, &None, None).unwrap().token.to_string();
    for _ in 0..8 {
        stamps(&mut till, &code, "kim").unwrap();
    }
    assert_eq!(told(&till.raised()), [(AlarmKind::CardOften, Level::FourEyes, 8)]);
}

#[test]
fn what_the_owner_has_set_holds_before_what_is_set_here() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
    till.put_operator(&id("lena"), "Lena", Role::Manager, Authority::First).unwrap();
    till.set_pin(&id("lena"), "4711", Authority::First).unwrap();
    till.set_setting("alarms.card_often.warn", "0").unwrap();
    till.set_setting("alarms.card_often.ask", "0").unwrap();
    let mut owner_says = |till: &mut Terminal, limits: LimitsSet| {
        server.lock().unwrap().publish("alarm-limits", &FeedChange::AlarmLimits { limits });
        sync(till, &mut wire).unwrap();
    };
    let limit = Limit { minutes: 60, warn: 2, ask: 4 };
    owner_says(&mut till, [(AlarmKind::CardOften, limit)].into());
    for turn in 1..=3 {
        clock.move_by(MINUTE);
        stamps(&mut till, &printed(1), "kim").unwrap();
        assert_eq!(till.raised().len(), usize::from(turn > 1), "stamp {turn}");
    }
    assert!(matches!(stamps(&mut till, &printed(1), "kim"), Err(TerminalError::SecondPerson(_))));
    // Also after a restart, with no network.
    drop(till);
    let mut till = reopened(dir.path(), &clock);
    assert!(matches!(stamps(&mut till, &printed(1), "kim"), Err(TerminalError::SecondPerson(_))));
    // Says the owner nothing any more, what is set here holds: never.
    owner_says(&mut till, LimitsSet::new());
    stamps(&mut till, &printed(1), "kim").unwrap();
    assert_eq!(till.raised(), []);
}
