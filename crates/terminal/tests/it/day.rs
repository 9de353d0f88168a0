//! Paper cards, gifts, answers, and what they sum up to at closing.

use stempel_domain::Fact;
use stempel_terminal::counter::Circumstances;
use stempel_terminal::operators::{Authority, Role};
use stempel_terminal::setup::{Beginning, begin_alone};
use stempel_terminal::{Terminal, TerminalError};
use stempel_wire::slip::SlipPurpose;

use crate::support::*;

fn by(operator: &str) -> Circumstances {
    Circumstances { operator: Some(operator.parse().unwrap()), by_hand: true, ..Circumstances::default() }
}

fn shop(dir: &std::path::Path, clock: &Hand) -> (Terminal, String) {
    let mut till = alone_in(dir, clock);
    let code = till.add_member(None, &None, None).unwrap().token.to_string();
    (till, code)
}

#[test]
fn a_paper_card_is_one_event_and_a_full_one_is_a_reward() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = shop(dir.path(), &clock);
    let before = head(&till);
    let taken = till.take_paper_card(&code, None, 10, None, &by("lena")).unwrap();
    assert_eq!(head(&till), before + 1);
    assert_eq!(taken.reason, "paper-card");
    drop(till);
    let mut till = reopened(dir.path(), &clock);
    assert_eq!(coffees(&till, &code), 10);
    assert!(till.redeem(&code, free_coffee(), &by("lena")).is_ok());
    for wrong in [0, 11, 1000] {
        let error = till.take_paper_card(&code, None, wrong, None, &by("lena")).unwrap_err();
        assert!(matches!(error, TerminalError::Input(_)), "{wrong}");
    }
    let again =
        till.take_paper_card(&code, None, 4, None, &Circumstances { key: Some("k".into()), ..by("lena") });
    let same =
        till.take_paper_card(&code, None, 4, None, &Circumstances { key: Some("k".into()), ..by("lena") });
    assert_eq!(again.unwrap().event, same.unwrap().event);
    assert_eq!(coffees(&till, &code), 4);
}

#[test]
fn a_paper_card_is_taken_back_once() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = shop(dir.path(), &clock);
    stamp(&mut till, &code, 1);
    let taken = till.take_paper_card(&code, None, 7, None, &by("lena")).unwrap();
    let back = till.undo(taken.event, &by("lena")).unwrap();
    assert_eq!(coffees(&till, &code), 1);
    assert!(matches!(till.undo(taken.event, &by("lena")), Err(TerminalError::AlreadyReversed(_))));
    let Fact::Reversal(fact) = till.event(back.event).unwrap().record.fact else { panic!() };
    assert!(stempel_domain::ledger::imbalance(&fact.postings).is_empty());
    let (_, sums) = till.day_sums(None).unwrap();
    assert_eq!((sums.all.paper_cards, sums.all.paper_stamps, sums.all.undone), (0, 0, 1));
}

#[test]
fn paper_cards_have_an_end_and_a_limit_that_a_manager_lifts() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = shop(dir.path(), &clock);
    till.set_setting("paper.operator_day", "2").unwrap();
    let lena = "lena".parse().unwrap();
    till.put_operator(&lena, "Lena", Role::Manager, Authority::First).unwrap();
    till.set_pin(&lena, "4711", Authority::First).unwrap();
    let first = till.take_paper_card(&code, None, 1, None, &by("kim")).unwrap();
    till.take_paper_card(&code, None, 1, None, &by("kim")).unwrap();
    drop(till);
    let mut till = reopened(dir.path(), &clock);
    assert!(matches!(
        till.take_paper_card(&code, None, 1, None, &by("kim")),
        Err(TerminalError::NeedsManager)
    ));
    till.take_paper_card(&code, None, 1, None, &by("ben")).expect("each operator has a limit of their own");
    let wrong = till.take_paper_card(&code, None, 1, Some(Authority::Pin("1147")), &by("kim"));
    assert!(matches!(wrong, Err(TerminalError::WrongPin)));
    let agreed = till.take_paper_card(&code, None, 1, Some(Authority::Pin("4711")), &by("kim")).unwrap();
    assert_eq!(agreed.agreed, Some(lena));
    till.undo(first.event, &by("kim")).unwrap();
    till.undo(agreed.event, &by("kim")).unwrap();
    till.take_paper_card(&code, None, 1, None, &by("kim")).expect("what was undone does not count");
    till.set_setting("paper.manager_above", "false").unwrap();
    let most = till.take_paper_card(&code, None, 1, Some(Authority::Pin("4711")), &by("kim"));
    assert!(matches!(most, Err(TerminalError::NotNow(_))));
    clock.move_by(DAY);
    till.take_paper_card(&code, None, 1, None, &by("kim")).expect("a new day");
    till.set_setting("paper.until", "2026-06-02").unwrap();
    assert!(matches!(till.take_paper_card(&code, None, 1, None, &by("kim")), Err(TerminalError::NotNow(_))));
}

#[test]
fn a_day_sums_up_what_stands_by_operator() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = shop(dir.path(), &clock);
    stamp(&mut till, &code, 5);
    clock.move_by(DAY);
    let mut give = |count: u32, who: &str| till.stamp(&code, None, count, Vec::new(), &by(who)).unwrap();
    give(2, "lena");
    let slip = give(3, "kim");
    give(6, "kim");
    till.undo(slip.event.unwrap(), &by("kim")).unwrap();
    till.redeem(&code, free_coffee(), &by("lena")).unwrap();
    till.take_paper_card(&code, None, 4, None, &by("lena")).unwrap();
    till.issue_slip(SlipPurpose::Stamps, 2, 14, &Some("kim".parse().unwrap()), None).unwrap();
    let (day, sums) = till.day_sums(None).unwrap();
    assert_eq!(day.to_string(), "2026-06-03");
    let all = &sums.all;
    assert_eq!((all.stamps, all.rewards, all.undone), (8, 1, 1));
    assert_eq!((all.paper_cards, all.paper_stamps, all.slips_issued), (1, 4, 1));
    assert_eq!((sums.by_operator["lena"].stamps, sums.by_operator["kim"].stamps), (2, 6));
    assert_eq!((sums.by_operator["lena"].rewards, sums.by_operator["kim"].undone), (1, 1));
    let (_, yesterday) = till.day_sums("2026-06-02".parse().ok()).unwrap();
    assert_eq!((yesterday.all.stamps, yesterday.all.joined), (5, 1));
}

#[test]
fn a_long_day_is_summed_to_its_last_row() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = shop(dir.path(), &clock);
    for _ in 0..520 {
        clock.move_by(1000);
        till.stamp(&code, None, 1, Vec::new(), &by("lena")).unwrap();
    }
    assert_eq!(till.day_sums(None).unwrap().1.all.stamps, 520);
    clock.move_by(DAY);
    assert_eq!(till.day_sums(None).unwrap().1.all.stamps, 0);
    assert_eq!(till.day_sums("2026-06-02".parse().ok()).unwrap().1.all.stamps, 520);
}

#[test]
fn the_opening_line_says_what_is_wrong() {
    let (dir, clock) = (folder(), Hand::noon());
    let (till, _) = shop(dir.path(), &clock);
    let health = till.health().unwrap();
    assert!(health.alone && !health.clock_doubtful && health.pending == 0 && health.blanks.is_none());
    clock.move_by(-10 * MINUTE);
    assert!(till.health().unwrap().clock_doubtful);
}

#[test]
fn a_coffee_given_away_waits_until_staff_hand_it_out() {
    let (dir, clock) = (folder(), Hand::noon());
    let beginning = Beginning {
        shop_name: "Morgenrot".into(),
        programmes: vec![template("suspended-coffee")],
        ..Beginning::default()
    };
    let mut till =
        begin_alone(store(dir.path()), std::sync::Arc::new(clock.clone()), Box::new(Seeded(1)), &beginning)
            .unwrap();
    let code = till.add_member(None, &None, None).unwrap().token.to_string();
    let how = by("lena");
    assert_eq!(till.waiting_gifts().unwrap()[0].count, 0);
    assert!(matches!(till.release_gift(None, &how), Err(TerminalError::NotNow(_))));
    assert!(till.give_away(&code, None, &how).is_err(), "nothing to give yet");
    till.stamp(&code, None, 20, Vec::new(), &how).unwrap();
    till.give_away(&code, None, &how).unwrap();
    till.give_away(&code, Some("coffee"), &how).unwrap();
    drop(till);
    let mut till = reopened(dir.path(), &clock);
    assert_eq!(till.waiting_gifts().unwrap()[0].count, 2);
    let key = Circumstances { key: Some("k".into()), ..how.clone() };
    let (event, left) = till.release_gift(None, &key).unwrap();
    assert_eq!((left.count, till.release_gift(None, &key).unwrap().0), (1, event), "once");
    assert_eq!(till.waiting_gifts().unwrap()[0].count, 1);
    assert!(till.release_gift(Some("tea"), &how).is_err());
    assert_eq!(coffees(&till, &code), 0);
    assert_eq!(till.day_sums(None).unwrap().1.all.gifts_released, 1);
    till.verify_journal().unwrap();
}

#[test]
fn an_answer_is_nobody_s_and_one_of_those_offered() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, _) = shop(dir.path(), &clock);
    assert!(matches!(till.answer(9, None, &by("lena")), Err(TerminalError::NotNow(_))));
    let question = r#"{"id":"again","text":"Wie gern kommst du wieder?","reasons":["taste","wait"]}"#;
    till.set_setting("question", question).unwrap();
    let event = till.answer(9, Some("taste"), &by("lena")).unwrap();
    let record = till.event(event).unwrap().record;
    assert_eq!((record.operator, record.fact.member()), (None, None));
    let Fact::AnswerGiven(answer) = record.fact else { panic!() };
    assert_eq!((answer.score, answer.reason.as_deref()), (9, Some("taste")));
    assert!(till.answer(11, None, &by("lena")).is_err());
    assert!(till.answer(5, Some("Ada was rude"), &by("lena")).is_err(), "no free text");
    let both = r#"{"id":"again","text":"Gern wieder?","reasons":["Geschmack","Warten"],
        "in":{"en":{"text":"Will you be back?","reasons":["taste","wait"]}}}"#;
    till.set_setting("question", both).unwrap();
    let asked = till.settings().unwrap().question.unwrap();
    assert_eq!(asked.worded("en").0, "Will you be back?");
    assert_eq!(asked.worded("fr").0, "Gern wieder?", "as the shop says it");
    let event = till.answer(9, Some("wait"), &by("lena")).unwrap();
    let Fact::AnswerGiven(answer) = till.event(event).unwrap().record.fact else { panic!() };
    assert_eq!(answer.reason.as_deref(), Some("Warten"), "one reason, whoever chose it");
    let short = both.replace(r#","wait""#, "");
    assert!(till.set_setting("question", &short).is_err(), "a reason is missing in English");
    let key = keyed("k");
    assert_eq!(till.answer(3, None, &key).unwrap(), till.answer(3, None, &key).unwrap());
}

#[test]
fn the_plug_test_and_a_free_one_among_stamps_are_no_guests_and_no_mistakes() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = shop(dir.path(), &clock);
    till.begin_plug_test("a").unwrap();
    drop(till);
    clock.move_by(1000);
    let mut till = reopened(dir.path(), &clock);
    till.check_plug_test("b").unwrap();
    let sums = till.day_sums(None).unwrap().1.all;
    assert_eq!((sums.stamps, sums.joined, sums.undone), (0, 1, 0), "the guest alone");
    till.stamp(&code, None, 10, Vec::new(), &by("lena")).unwrap();
    clock.move_by(1000);
    let eleventh = till.stamp(&code, None, 1, Vec::new(), &by("lena")).unwrap().event.unwrap();
    clock.move_by(1000);
    let free = till.free_among(eleventh, &code, free_coffee(), &by("lena")).unwrap();
    let sums = till.day_sums(None).unwrap().1.all;
    assert_eq!((sums.stamps, sums.rewards, sums.undone), (10, 1, 0));
    clock.move_by(1000);
    till.undo(free.event.unwrap(), &by("lena")).unwrap();
    let sums = till.day_sums(None).unwrap().1.all;
    assert_eq!((sums.stamps, sums.rewards, sums.undone), (11, 0, 1));
}

#[test]
fn the_last_guests_are_known_after_a_restart() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = shop(dir.path(), &clock);
    let lena = "lena".parse().unwrap();
    assert!(till.last_given(&lena, 3).unwrap().is_empty());
    let named = till.add_member(Some("Ada"), &None, None).unwrap().token.to_string();
    till.stamp(&code, None, 11, Vec::new(), &by("lena")).unwrap();
    till.stamp(&named, None, 2, Vec::new(), &by("ben")).unwrap();
    clock.move_by(1000);
    let twice = till.stamp(&named, None, 2, Vec::new(), &by("lena")).unwrap().event.unwrap();
    clock.move_by(1000);
    let one = till.stamp(&code, None, 1, Vec::new(), &by("lena")).unwrap().event.unwrap();
    clock.move_by(1000);
    till.free_among(one, &code, free_coffee(), &by("lena")).unwrap();
    till.undo(twice, &by("lena")).unwrap();
    drop(till);
    let till = reopened(dir.path(), &clock);
    let last = till.last_given(&lena, 3).unwrap();
    let seen: Vec<_> =
        last.iter().map(|one| (one.name.as_str(), one.stamps, one.reward, one.undone)).collect();
    assert_eq!(seen, [("", 0, true, false), ("Ada", 2, false, true), ("", 11, false, false)]);
    assert_eq!(till.last_given(&lena, 1).unwrap().len(), 1);
    clock.move_by(24 * 3_600_000);
    assert!(till.last_given(&lena, 3).unwrap().is_empty(), "another day");
}

#[test]
fn the_last_sale_is_known_after_a_restart_unless_it_was_taken_back() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = shop(dir.path(), &clock);
    let lena = "lena".parse().unwrap();
    assert_eq!(till.last_sold(&lena).unwrap(), None);
    let sale = lattes(&till, 2);
    let sold = till.sale(Some(&code), sale, &by("lena")).unwrap();
    clock.move_by(1000);
    till.sale(None, lattes(&till, 1), &by("ben")).unwrap();
    till.stamp(&code, None, 1, Vec::new(), &by("lena")).unwrap();
    drop(till);
    let mut till = reopened(dir.path(), &clock);
    let last = till.last_sold(&lena).unwrap().expect("hers, whatever came after it");
    assert_eq!((Some(last.event), last.total), (sold.event, sold.outcome.total));
    till.undo(last.event, &by("lena")).unwrap();
    assert_eq!(till.last_sold(&lena).unwrap(), None);
    till.sale(None, lattes(&till, 1), &by("lena")).unwrap();
    assert!(till.last_sold(&lena).unwrap().is_some());
    clock.move_by(24 * 3_600_000);
    assert_eq!(till.last_sold(&lena).unwrap(), None, "yesterday's is nobody's");
}
