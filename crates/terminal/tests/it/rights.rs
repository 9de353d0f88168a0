//! What is given without a purchase, once only, or within a budget.

use std::collections::BTreeMap;

use stempel_domain::event::{Fact, TraitsChanged};
use stempel_domain::member::birthday_week;
use stempel_domain::sale::{Claim, Sale};
use stempel_domain::{EventRef, ProgrammeId, Quantity};
use stempel_store::tallies::EARLIER;
use stempel_terminal::cards::NewMember;
use stempel_terminal::counter::Circumstances;
use stempel_terminal::{Terminal, TerminalError};
use stempel_wire::article::Served;
use stempel_wire::message::FeedChange;

use crate::server::*;
use crate::support::*;

const CLUB: &str = r#"
id = "club"
name = "Club"
unit = "point"

[[earn]]
id = "per-euro"
per = "money"
amount = 1

[[reward]]
id = "mug"
kind = "gift"
cost = 1
stock = { total = 2 }

[[activity]]
id = "review"
gives = { amount = 3 }

[[activity]]
id = "survey"
once = "reference"
gives = { amount = 2 }

[[occasion]]
id = "birthday"
on = "birthday"
gives = { amount = 7 }

[[challenge]]
id = "three-coffees"
goal = [{ count = "items", target = 3, categories = ["coffee"] }]
gives = { unit = "badge:barista", amount = 1 }

[referral]
minimum = 4.00
friend = { amount = 5 }
referrer = { amount = 10 }

[membership]
name = "plus"
days = 30

[goodwill]
reasons = ["cold coffee"]
at_once = 10
operator = { day = 15 }
four_eyes_above = 5
"#;

fn club() -> ProgrammeId {
    "club".parse().unwrap()
}

fn club_in(path: &std::path::Path, clock: &Hand) -> Terminal {
    let mut till = alone_in(path, clock);
    till.publish(programme(CLUB), &None).unwrap();
    till
}

fn joined(till: &mut Terminal) -> String {
    till.add_member(None, &None, None).unwrap().token.to_string()
}

/// A friend who was brought by the member of a card.
fn brought(till: &mut Terminal, by: &str) -> String {
    let new = NewMember { brought_by: Some(by), ..NewMember::default() };
    till.add(&new, &None, None).unwrap().token.to_string()
}

fn points(till: &Terminal, code: &str) -> i64 {
    balance(till, code, "point")
}

fn buy(till: &mut Terminal, code: &str, count: u32) -> EventRef {
    let sale = lattes(till, count);
    till.sale(Some(code), sale, &Circumstances::default()).unwrap().event.unwrap()
}

fn mug() -> Claim {
    Claim::once("mug".parse().unwrap())
}

fn by(operator: &str) -> Circumstances {
    Circumstances { operator: Some(operator.parse().unwrap()), ..Circumstances::default() }
}

/// What keeps somebody from being rewarded, by the code of the trace.
fn reason<T: std::fmt::Debug>(given: Result<T, TerminalError>) -> String {
    match given.unwrap_err() {
        TerminalError::NotGiven(trace) => trace[0].code.clone(),
        error => panic!("{error}"),
    }
}

#[test]
fn the_first_purchase_of_a_friend_rewards_both_and_its_refund_takes_both_back() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = club_in(dir.path(), &clock);
    let ada = joined(&mut till);
    let ben = brought(&mut till, &ada);
    let before = head(&till);
    let sold = buy(&mut till, &ben, 2);
    assert_eq!(head(&till), before + 2, "the sale, and what the other one is due");
    // 2 × 4.20: 8 points of each of the two programmes that give points, and 5 for being brought.
    assert_eq!((points(&till, &ada), points(&till, &ben)), (10, 21));
    buy(&mut till, &ben, 1);
    assert_eq!(points(&till, &ada), 10, "once for each friend");
    let how = Circumstances::default();
    till.refund(sold, &BTreeMap::from([(0, 1000)]), &how).unwrap();
    assert_eq!(points(&till, &ada), 10, "a part leaves the right");
    till.refund(sold, &BTreeMap::from([(0, 1000)]), &how).unwrap();
    assert_eq!(points(&till, &ada), 0, "the rest makes it whole");
    assert_eq!(points(&till, &ben), 8, "what the second purchase gave");
    let why = till.why(till.who(&ada).unwrap().member()).unwrap();
    assert_eq!(
        why.events.iter().map(|event| event.kind).collect::<Vec<_>>(),
        ["member-joined", "grant", "reversal"]
    );
    // The next purchase that counts is a first one again.
    buy(&mut till, &ben, 1);
    assert_eq!((points(&till, &ada), points(&till, &ben)), (10, 21));
    till.verify_journal().unwrap();
}

#[test]
fn a_stamp_that_becomes_the_free_one_keeps_what_the_referrer_was_given() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let friends = CLUB.replace("minimum = 4.00", "").replace("id = \"club\"", "id = \"club\"\ncard = 10");
    let friends = friends.replace("unit = \"point\"\n", "unit = \"stamp:club\"\n");
    let friends = friends.replace("per = \"money\"", "per = \"item\"");
    let friends = friends.replace(
        "kind = \"gift\"\ncost = 1\nstock = { total = 2 }",
        "kind = \"free-item\"\ncost = 2\ncategories = [\"coffee\"]\nstock = { total = 2 }",
    );
    till.publish(programme(&friends), &None).unwrap();
    let ada = joined(&mut till);
    let ben = brought(&mut till, &ada);
    let how = Circumstances::default();
    let stamped = till.stamp(&ben, Some(&club()), 3, Vec::new(), &how).unwrap().event.unwrap();
    assert_eq!((balance(&till, &ada, "stamp:club"), balance(&till, &ben, "stamp:club")), (10, 8));
    // The club's card is the first of its kind by name, so a plain scan is for it.
    till.free_among(stamped, &ben, mug(), &how).unwrap();
    assert_eq!((balance(&till, &ada, "stamp:club"), balance(&till, &ben, "stamp:club")), (10, 5));
    let member = till.who(&ada).unwrap().member();
    let state = till.view().member(member).unwrap().unwrap();
    assert_eq!(state.grants.values().map(BTreeMap::len).collect::<Vec<_>>(), [1], "the right stands once");
    assert_eq!(
        till.day_sums(None).unwrap().1.all.undone,
        0,
        "given anew, with what Ada was given for it: no slip"
    );
}

#[test]
fn who_can_bring_whom() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = club_in(dir.path(), &clock);
    let how = Circumstances::default();
    let (ada, ben) = (joined(&mut till), joined(&mut till));
    clock.move_by(DAY);
    let (cem, dora) = (joined(&mut till), joined(&mut till));
    buy(&mut till, &dora, 1);
    let before = head(&till);
    let no = |till: &mut Terminal, friend: &str, by: &str| match till.refer(friend, by, &how) {
        Err(TerminalError::NotNow(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(no(&mut till, &ada, &ada).contains("themselves"));
    assert!(no(&mut till, &ada, &cem).contains("was here first"));
    assert!(no(&mut till, &dora, &ada).contains("has bought here before"));
    assert_eq!(head(&till), before);
    till.refer(&cem, &ben, &how).unwrap();
    assert!(no(&mut till, &cem, &ada).contains("named before"));
    till.refer(&ben, &ada, &how).unwrap();
    assert!(no(&mut till, &ada, &ben).contains("circle"));
    // Ada came on the same day as Ben, who brought Cem: through others, too.
    let emil = brought(&mut till, &cem);
    assert!(no(&mut till, &ada, &emil).contains("was here first"));
    let member = till.who(&cem).unwrap().member();
    assert_eq!(till.look(&till.who(&emil).unwrap()).unwrap().referrer, Some(member));
}

#[test]
fn a_deed_is_rewarded_as_often_as_the_programme_says() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = club_in(dir.path(), &clock);
    let ada = joined(&mut till);
    let review = till.earn(&ada, &club(), "review", "", &keyed("r")).unwrap();
    assert_eq!(till.earn(&ada, &club(), "review", "", &keyed("r")).unwrap().event, review.event);
    let how = Circumstances::default();
    assert_eq!(reason(till.earn(&ada, &club(), "review", "", &how)), "given-before");
    assert_eq!(reason(till.earn(&ada, &club(), "dance", "", &how)), "unknown-activity");
    assert_eq!(reason(till.earn(&ada, &"tea".parse().unwrap(), "review", "", &how)), "unknown-programme");
    assert!(matches!(till.earn(&ada, &club(), "survey", "", &how), Err(TerminalError::Input(_))));
    till.earn(&ada, &club(), "survey", "7", &how).unwrap();
    till.earn(&ada, &club(), "survey", "8", &how).unwrap();
    assert_eq!(reason(till.earn(&ada, &club(), "survey", "7", &how)), "given-before");
    assert_eq!(points(&till, &ada), 7);
    // An undo gives the right back, and takes no visit: there was none.
    till.undo(review.event.unwrap(), &how).unwrap();
    assert_eq!(points(&till, &ada), 4);
    let state = till.view().member(till.who(&ada).unwrap().member()).unwrap().unwrap();
    assert!(state.visits.is_empty(), "{:?}", state.visits);
    till.earn(&ada, &club(), "review", "", &how).unwrap();
    assert_eq!(points(&till, &ada), 7);
}

#[test]
fn a_day_brings_what_it_brings_once() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = club_in(dir.path(), &clock);
    let ada = joined(&mut till);
    let how = Circumstances::default();
    let nothing = till.occasions(&ada, &how).unwrap();
    assert_eq!((nothing.event, points(&till, &ada)), (None, 0));
    // The week of 30 May ends with 2 June, which is today.
    till.note_traits(&ada, BTreeMap::new(), birthday_week(5, 30), &how).unwrap();
    assert!(till.look(&till.who(&ada).unwrap()).unwrap().birthday);
    assert!(till.occasions(&ada, &how).unwrap().event.is_some());
    assert!(till.occasions(&ada, &how).unwrap().event.is_none());
    buy(&mut till, &ada, 1);
    assert_eq!(points(&till, &ada), 7 + 4 + 4, "a purchase does not bring it again");
    clock.move_by(365 * DAY);
    buy(&mut till, &ada, 1);
    assert_eq!(points(&till, &ada), 2 * (7 + 4 + 4), "a year later a purchase brings it by itself");
}

#[test]
fn tags_are_given_and_taken() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = club_in(dir.path(), &clock);
    let ada = joined(&mut till);
    let how = Circumstances::default();
    let tags = |tags: &[(&str, bool)]| tags.iter().map(|(tag, held)| ((*tag).to_owned(), *held)).collect();
    till.note_traits(&ada, tags(&[("student", true), ("regular", true)]), None, &keyed("t")).unwrap();
    clock.move_by(MINUTE);
    till.note_traits(&ada, tags(&[("student", false)]), None, &how).unwrap();
    let rows = head(&till);
    till.note_traits(&ada, tags(&[("student", true), ("regular", true)]), None, &keyed("t")).unwrap();
    assert_eq!(head(&till), rows, "the key makes it happen once");
    assert_eq!(till.look(&till.who(&ada).unwrap()).unwrap().tags, ["regular"]);
    for wrong in [tags(&[]), tags(&[("", true)]), tags(&[("a\u{7}", true)]), tags(&[(&"x".repeat(65), true)])]
    {
        assert!(matches!(till.note_traits(&ada, wrong, None, &how), Err(TerminalError::Input(_))));
    }
    let event = till.event(EventRef { author: till.identity().device, seq: head(&till) }).unwrap();
    let Fact::TraitsChanged(TraitsChanged { birthday_week: None, .. }) = event.record.fact else { panic!() };
}

#[test]
fn goodwill_stays_within_its_budgets() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = club_in(dir.path(), &clock);
    let ada = joined(&mut till);
    let mut give = |amount: &str, why: &str, agreed: Option<&str>, how: &Circumstances| {
        let agreed = agreed.map(|name| name.parse().unwrap());
        till.goodwill(&ada, &club(), amount.parse().unwrap(), why, agreed.as_ref(), how)
    };
    assert_eq!(reason(give("3", "no reason", None, &by("eva"))), "unknown-reason");
    assert_eq!(reason(give("11", "cold coffee", Some("max"), &by("eva"))), "sale-limit");
    assert_eq!(reason(give("6", "cold coffee", None, &by("eva"))), "four-eyes");
    assert_eq!(reason(give("6", "cold coffee", Some("eva"), &by("eva"))), "four-eyes");
    let keyed = Circumstances { key: Some("k".into()), ..by("eva") };
    let given = give("10", "cold coffee", Some("max"), &keyed).unwrap();
    assert_eq!((given.given[&"point".parse().unwrap()], given.agreed.unwrap().as_str()), (10, "max"));
    assert_eq!(give("10", "cold coffee", Some("max"), &keyed).unwrap().event, given.event);
    give("5", "cold coffee", None, &by("eva")).unwrap();
    assert_eq!(reason(give("1", "cold coffee", None, &by("eva"))), "daily-limit");
    give("1", "cold coffee", None, &by("max")).unwrap();
    clock.move_by(DAY);
    give("5", "cold coffee", None, &by("eva")).unwrap();
    assert_eq!(points(&till, &ada), 21);
}

#[test]
fn an_invitation_opens_a_membership_until_its_day() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = club_in(dir.path(), &clock);
    let ada = joined(&mut till);
    let how = Circumstances::default();
    let term = till.invite(&ada, &club(), None, &how).unwrap();
    assert_eq!(term.last.unwrap().to_string(), "2026-07-01");
    let until = till.invite(&ada, &club(), Some("2026-12-31".parse().unwrap()), &how).unwrap();
    assert_eq!(until.last.unwrap().to_string(), "2026-12-31");
    let held = till.look(&till.who(&ada).unwrap()).unwrap().memberships;
    assert_eq!((held[0].name.as_str(), held[0].last), ("plus", until.last));
    let past = till.invite(&ada, &club(), Some("2026-06-01".parse().unwrap()), &how);
    assert!(matches!(past, Err(TerminalError::Input(_))), "{past:?}");
    let none = till.invite(&ada, &"points".parse().unwrap(), None, &how);
    assert!(matches!(none, Err(TerminalError::NotNow(_))), "{none:?}");
    clock.move_by(300 * DAY);
    assert!(till.look(&till.who(&ada).unwrap()).unwrap().memberships.is_empty());
}

#[test]
fn a_device_gives_no_more_than_there_is_and_an_undo_puts_one_back() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = club_in(dir.path(), &clock);
    let (ada, ben) = (joined(&mut till), joined(&mut till));
    buy(&mut till, &ada, 2);
    buy(&mut till, &ben, 2);
    let how = Circumstances::default();
    till.redeem(&ada, mug(), &how).unwrap();
    clock.move_by(DAY);
    let second = till.redeem(&ben, mug(), &how).unwrap().event.unwrap();
    let Fact::Stamp(fact) = till.event(second).unwrap().record.fact else { panic!() };
    assert_eq!(
        fact.place.tallies["club/mug#stock"],
        [(EARLIER, 1)].into(),
        "the event carries what was read"
    );
    assert!(matches!(till.redeem(&ada, mug(), &how), Err(TerminalError::Refused(refused, _))
        if refused[0].reason == "sold-out"));
    let offers = till.offers(&till.who(&ada).unwrap(), None).unwrap();
    let offer = offers.rewards.iter().find(|offer| offer.reward.as_str() == "mug").unwrap();
    assert!(!offer.possible(), "the screen does not offer it");
    drop(till);
    let mut till = reopened(dir.path(), &clock);
    till.undo(second, &how).unwrap();
    till.redeem(&ada, mug(), &how).unwrap();
    assert!(till.redeem(&ada, mug(), &how).is_err());
}

#[test]
fn an_order_for_more_than_there_is_is_refused() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = club_in(dir.path(), &clock);
    let ada = joined(&mut till);
    buy(&mut till, &ada, 2);
    let line = till.line(&"latte".parse().unwrap(), Quantity::ONE, Served::Here).unwrap();
    let sale = Sale { lines: vec![line], claims: vec![Claim { times: 3, ..mug() }], ..Sale::default() };
    assert!(till.sale(Some(&ada), sale, &Circumstances::default()).is_err());
}

#[test]
fn a_challenge_gives_its_badge_and_shows_how_far_it_is() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = club_in(dir.path(), &clock);
    let ada = joined(&mut till);
    buy(&mut till, &ada, 2);
    let look = till.look(&till.who(&ada).unwrap()).unwrap();
    assert_eq!(look.challenges[0].goals, [("2".to_owned(), "3".to_owned())]);
    assert!(look.badges.is_empty() && !look.challenges[0].reached);
    buy(&mut till, &ada, 1);
    let look = till.look(&till.who(&ada).unwrap()).unwrap();
    assert!(look.challenges[0].reached);
    assert_eq!((look.badges[0].name.as_str(), look.badges[0].amount), ("barista", 1));
}

const LIMITED: &str = r#"
id = "limited"
name = "Limited"
unit = "point"
offline = { spend_day = 2, age_days = 3 }
merchants = ["anker"]

[[earn]]
id = "visits"
per = "order"
amount = 10

[[reward]]
id = "mug"
kind = "gift"
cost = 1
"#;

#[test]
fn without_the_server_the_limits_of_the_programme_hold() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    server.lock().unwrap().programme(programme(LIMITED), 1);
    server.lock().unwrap().publish("shop", &FeedChange::Shop(shop(Some("anker"))));
    let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
    sync(&mut till, &mut wire).unwrap();
    assert_eq!(till.unconfirmed().unwrap(), None, "the server was heard a moment ago");
    let ada = printed(1);
    buy(&mut till, &ada, 1);
    assert_eq!(points(&till, &ada), 10, "the shop's merchant is one of those");
    let how = Circumstances::default();
    for _ in 0..3 {
        till.redeem(&ada, mug(), &how).unwrap();
    }
    // The server does not answer: from now on two a day.
    wire.script = [Fault::Unreachable].into();
    sync(&mut till, &mut wire).unwrap_err();
    assert_eq!(till.unconfirmed().unwrap().unwrap().days, 0);
    let event = till.redeem(&ada, mug(), &how).unwrap().event.unwrap();
    let Fact::Stamp(fact) = till.event(event).unwrap().record.fact else { panic!() };
    assert_eq!((fact.place.merchant.as_deref(), fact.place.offline.unwrap().days), (Some("anker"), 0));
    till.redeem(&ada, mug(), &how).unwrap();
    let refused = |given| match given {
        Err(TerminalError::Refused(refused, _)) => refused[0].reason.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(till.redeem(&ada, mug(), &how)), "offline-limit");
    clock.move_by(DAY);
    till.redeem(&ada, mug(), &how).unwrap();
    clock.move_by(3 * DAY);
    assert_eq!(till.unconfirmed().unwrap().unwrap().days, 4);
    assert_eq!(refused(till.redeem(&ada, mug(), &how)), "offline-too-long");
    // It is back.
    sync(&mut till, &mut wire).unwrap();
    for _ in 0..3 {
        till.redeem(&ada, mug(), &how).unwrap();
    }
    // Silence for a while is enough.
    clock.move_by(3 * MINUTE);
    assert_eq!(till.unconfirmed().unwrap().unwrap().days, 0);
    clock.move_by(-4 * MINUTE - DAY);
    assert_eq!(till.unconfirmed().unwrap().unwrap().days, 0, "a clock that was set back confirms nothing");
}

#[test]
fn a_terminal_that_works_alone_is_never_without_its_server() {
    let (dir, clock) = (folder(), Hand::noon());
    let till = alone_in(dir.path(), &clock);
    clock.move_by(400 * DAY);
    assert_eq!(till.unconfirmed().unwrap(), None);
}

#[test]
fn a_friend_who_is_met_elsewhere_first_has_what_is_due() {
    let (dirs, clock, server) = ([folder(), folder()], Hand::noon(), server());
    server.lock().unwrap().programme(programme(CLUB), 1);
    let [(mut one, mut wire_one), (mut two, mut wire_two)] =
        [&dirs[0], &dirs[1]].map(|dir| device_in(dir.path(), &clock, &server));
    sync(&mut one, &mut wire_one).unwrap();
    sync(&mut two, &mut wire_two).unwrap();
    // A printed card that this device has never seen brings a friend, and the friend buys here.
    let (ada, ben) = (printed(1), printed(2));
    one.refer(&ben, &ada, &Circumstances::default()).unwrap();
    buy(&mut one, &ben, 1);
    assert_eq!(points(&one, &ada), 10, "known here before the card is");
    // Its first scan here finds it, and so does the other device after a sync.
    one.earn(&ada, &club(), "review", "", &Circumstances::default()).unwrap();
    assert_eq!(points(&one, &ada), 13);
    sync(&mut one, &mut wire_one).unwrap();
    sync(&mut two, &mut wire_two).unwrap();
    assert_eq!(points(&two, &ada), 13);
    assert_eq!(reason(two.earn(&ada, &club(), "review", "", &Circumstances::default())), "given-before");
}

#[test]
fn a_right_that_the_server_withdrew_is_not_taken_back_again() {
    let (dirs, clock, server) = ([folder(), folder()], Hand::noon(), server());
    server.lock().unwrap().programme(programme(CLUB), 1);
    let [(mut one, mut wire_one), (mut two, mut wire_two)] =
        [&dirs[0], &dirs[1]].map(|dir| device_in(dir.path(), &clock, &server));
    sync(&mut one, &mut wire_one).unwrap();
    sync(&mut two, &mut wire_two).unwrap();
    let ada = printed(1);
    // Apart, both give the badge for three coffees with the same right.
    buy(&mut one, &ada, 3);
    let sold = buy(&mut two, &ada, 3);
    sync(&mut one, &mut wire_one).unwrap();
    sync(&mut two, &mut wire_two).unwrap();
    let badges = |till: &Terminal| balance(till, &ada, "badge:barista");
    assert_eq!(badges(&two), 2);
    server.lock().unwrap().withdraw(&two.event(sold).unwrap());
    sync(&mut two, &mut wire_two).unwrap();
    assert_eq!(badges(&two), 1);
    // The purchase comes back: its points go, the badge that stands is the other purchase's.
    two.refund(sold, &BTreeMap::new(), &Circumstances::default()).unwrap();
    assert_eq!(badges(&two), 1);
    sync(&mut two, &mut wire_two).unwrap();
    sync(&mut one, &mut wire_one).unwrap();
    assert_eq!((badges(&one), coffees(&one, &ada)), (1, 3));
}
