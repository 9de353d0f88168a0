//! Figures worked out by hand: what a purse, a member and a sale come to at the very edge of each rule.

use std::collections::BTreeMap;

use stempel_domain::event::{Fact, Loyalty, Reversal, ReversalReason, StampFact};
use stempel_domain::ledger::{Idle, Purse, imbalance};
use stempel_domain::member::{Base, Change, Effect, effect_of};
use stempel_domain::money::Money;
use stempel_domain::rules::{self, Outcome, Place, PlaceFacts, RuleBook, Unconfirmed};
use stempel_domain::sale::{Claim, Line, Order, Sale, StampOrder};
use stempel_domain::{
    Account, AuthorId, Booking, Day, Event, EventRef, MemberFacts, MemberId, MemberState, Posting, Rate,
    ShopId,
};

use crate::support::*;

const MEMBER: MemberId = MemberId([5; 16]);
const AUTHOR: AuthorId = AuthorId([3; 16]);

fn programme(head: &str, rules: &str) -> RuleBook {
    book(&[&format!("id = \"p\"\nname = \"P\"\n{head}\n{rules}")])
}

fn day(number: i64) -> Day {
    Day::from_number(20_000 + number)
}

fn lot(earned: i64, last: Option<i64>, amount: i64) -> (Booking, i64) {
    (Booking::Lot { earned: day(earned), last: last.map(day), idle: None }, amount)
}

fn idle(earned: i64, days: u16, amount: i64) -> (Booking, i64) {
    (Booking::Lot { earned: day(earned), last: None, idle: Some(Idle { months: 0, days }) }, amount)
}

fn spent(on: i64, amount: i64) -> (Booking, i64) {
    (Booking::Spend { day: day(on) }, -amount)
}

fn purse(entries: &[(Booking, i64)]) -> Purse {
    let mut purse = Purse::default();
    entries.iter().for_each(|&(booking, amount)| purse.add(booking, amount));
    purse
}

#[test]
fn an_account_is_read_as_it_is_written() {
    let member = MemberId([1; 16]);
    let shop = ShopId([2; 16]);
    for (account, kind) in [
        (Account::Member(member), "member:"),
        (Account::Shop(shop), "shop:"),
        (Account::Sales(shop), "sales:"),
        (Account::Prepaid(shop), "prepaid:"),
        (Account::Cash, "cash"),
        (Account::Tax(Rate(1900)), "tax:1900"),
        (Account::Goodwill, "goodwill"),
        (Account::Cause("trees:old".to_owned()), "cause:trees:old"),
    ] {
        let text = account.to_string();
        assert!(text.starts_with(kind), "{text}");
        assert_eq!(text.parse(), Ok(account), "{text}");
    }
    for text in ["", "cash:x", "goodwill:x", "cause", "cause:", "tax", "tax:x", "member:x", "till"] {
        assert!(text.parse::<Account>().is_err(), "{text}");
    }
}

#[test]
fn what_does_not_balance_is_named_with_its_sum() {
    let posting =
        |kind: &str, amount: i64| Posting { account: Account::Cash, unit: unit(kind), amount, booking: None };
    let postings = [
        posting("point", 5),
        posting("ticket", 7),
        posting("point", -3),
        posting("ticket", -7),
        posting("point", 4),
    ];
    assert_eq!(imbalance(&postings), BTreeMap::from([(unit("point"), 6)]));
}

#[test]
fn a_purse_holds_on_each_day_what_was_worked_out_by_hand() {
    for (what, entries, balances) in [
        ("its last day counts", vec![lot(0, Some(10), 5)], vec![(10, 5), (11, 0)]),
        ("taken back beyond what it held", vec![lot(0, None, -3)], vec![(0, -3)]),
        ("and still owed after its last day", vec![lot(0, Some(10), -3)], vec![(11, -3)]),
        ("and paid by what comes next", vec![lot(0, None, -3), lot(1, None, 5)], vec![(1, 2)]),
        ("given back beyond what was spent", vec![spent(4, -3)], vec![(4, 3)]),
        (
            "what is earned on the day of a spend is there for it",
            vec![lot(3, None, 4), lot(5, Some(5), 10), spent(5, 4)],
            vec![(5, 10), (6, 4)],
        ),
        (
            "of two that go by activity the one that ends first is spent first",
            vec![idle(1, 100, 5), idle(2, 10, 5), spent(3, 3)],
            vec![(13, 7), (14, 5), (103, 5), (104, 0)],
        ),
    ] {
        for (on, balance) in balances {
            assert_eq!(purse(&entries).balance(day(on)), balance, "{what}, on day {on}");
        }
    }
    let ends = purse(&[lot(0, Some(10), 5)]);
    assert_eq!((ends.expired(day(10)), ends.expired(day(11))), (0, 5), "its last day is over first");
}

#[test]
fn a_purse_is_empty_only_when_nothing_moved() {
    for (entries, empty) in [
        (vec![], true),
        (vec![idle(0, 30, 5), idle(0, 30, -5)], true),
        (vec![lot(0, None, 5)], false),
        (vec![spent(0, 5)], false),
        (vec![lot(0, None, 5), spent(0, 5)], false),
    ] {
        assert_eq!(purse(&entries).is_empty(), empty, "{entries:?}");
    }
}

/// Days up to 200 are settled when the newest is day 1000.
#[test]
fn settling_keeps_what_is_left_and_nothing_more() {
    for (what, before, after) in [
        ("one old entry stays as it is", vec![lot(0, None, 5)], vec![lot(0, None, 5)]),
        ("two that never expire are one", vec![lot(0, None, 5), lot(1, None, 3)], vec![lot(200, None, 8)]),
        ("an earning and a spend are the rest", vec![lot(0, None, 5), spent(1, 3)], vec![lot(200, None, 2)]),
        (
            "three are settled too",
            vec![lot(0, None, 5), lot(1, None, 3), spent(1, 7)],
            vec![lot(200, None, 1)],
        ),
        ("two spends are one debt", vec![spent(1, 2), spent(2, 3)], vec![spent(200, 5)]),
        (
            "what ends on the last settled day can still be spent on it",
            vec![lot(0, Some(200), 5), lot(0, Some(199), 7)],
            vec![lot(0, Some(200), 5)],
        ),
        (
            "what is of the last settled day is not there twice",
            vec![lot(200, None, 5), lot(200, Some(900), 3), spent(200, 1), lot(201, None, 4), spent(201, 2)],
            vec![lot(200, None, 5), lot(200, Some(900), 2), lot(201, None, 4), spent(201, 2)],
        ),
        ("nor is a debt of that day", vec![lot(199, None, 1), spent(200, 4)], vec![spent(200, 3)]),
        (
            "what is newer stays",
            vec![lot(0, None, 5), lot(201, None, 3), spent(900, 4)],
            vec![lot(0, None, 5), lot(201, None, 3), spent(900, 4)],
        ),
    ] {
        let mut settled = purse(&before);
        settled.settle(day(1000));
        assert_eq!(settled, purse(&after), "{what}");
    }
}

#[test]
fn settling_is_no_visit_and_forgets_none() {
    // What never expires moves to day 200; nobody came that day, so the other lot ends 300 days after day 0.
    let mut moved = purse(&[idle(0, 300, 5), lot(0, None, 3)]);
    moved.settle(day(1000));
    assert_eq!((moved.balance(day(300)), moved.balance(day(301))), (8, 3));
    // The visit of day 150 keeps what was earned before it until day 250, though it is heard of later.
    let mut late = purse(&[idle(60, 100, 5), spent(150, 1)]);
    late.settle(day(1000));
    late.add(idle(10, 100, 7).0, 7);
    assert_eq!((late.balance(day(250)), late.balance(day(251))), (11, 0));
}

fn effect(seq: u64, on: Day, changes: Vec<Change>) -> Effect {
    Effect {
        event: EventRef { author: AUTHOR, seq },
        at_ms: 1_000 + i64::try_from(seq).unwrap(),
        day: on,
        changes,
    }
}

fn folded(changes: Vec<Change>) -> MemberState {
    let mut state = MemberState::default();
    state.apply(&effect(7, noon().day, changes));
    state
}

#[test]
fn a_state_is_settled_by_its_newest_day() {
    // 800 days before 20 November 2026 is 11 September 2024.
    let first = Day::from_date(2024, 9, 11).unwrap();
    let before = first.plus_days(-1);
    let mut state = MemberState { newest: Some(noon().day), ..MemberState::default() };
    state.counters.insert("p/a".to_owned(), BTreeMap::from([(before, 1), (first, 2)]));
    state.counters.insert("p/b".to_owned(), BTreeMap::from([(before, 3)]));
    let by = BTreeMap::from([(EventRef { author: AUTHOR, seq: 1 }, 1)]);
    for grant in ["p/x@2023", "p/x@2023-12", "p/x@2023-W52", "p/x@2024", "p/x@2024-01", "p/x@", "p/x@0abc"] {
        state.grants.insert(grant.to_owned(), by.clone());
    }
    let last = noon().utc_ms;
    let three_days = 259_200_000;
    state.visits = BTreeMap::from([(last - three_days - 1, 1), (last - three_days, 1), (last, 1)]);
    state.purses.insert(unit("point"), purse(&[lot(-5000, None, 5), lot(-4000, None, 3)]));
    state.settle();
    assert_eq!(state.counters, BTreeMap::from([("p/a".to_owned(), BTreeMap::from([(first, 2)]))]));
    let grants: Vec<&str> = state.grants.keys().map(String::as_str).collect();
    assert_eq!(grants, ["p/x@", "p/x@0abc", "p/x@2024", "p/x@2024-01"]);
    assert_eq!(state.visits, BTreeMap::from([(last - three_days, 1), (last, 1)]));
    let mut one = Purse::default();
    one.add(Booking::Lot { earned: first, last: None, idle: None }, 8);
    assert_eq!(state.purses[&unit("point")], one);
}

#[test]
fn what_is_owed_is_said_as_a_positive_amount() {
    let units = |kind: &str, amount: i64| Change::Units {
        unit: unit(kind),
        booking: Booking::Lot { earned: noon().day, last: None, idle: None },
        amount,
    };
    let state = folded(vec![units("point", -3), units("ticket", 2), units("ticket", -2), units("euro", 500)]);
    let mut zero = state.clone();
    zero.purses.insert(unit("stamp"), Purse::default());
    assert_eq!(zero.overdrafts(noon().day), BTreeMap::from([(unit("point"), 3)]));
}

#[test]
fn a_member_is_known_under_another_id_until_that_is_taken_back() {
    let other = MemberId([9; 16]);
    let mut state = folded(vec![Change::Merged { into: Some(other) }]);
    assert_eq!(state.merged_into(), Some(other));
    assert_eq!(state.merged.as_ref().unwrap().at_ms(), 1_007);
    state.apply(&effect(8, noon().day, vec![Change::Merged { into: None }]));
    assert_eq!(state.merged_into(), None);
}

#[test]
fn a_birthday_is_read_from_its_week() {
    let today = noon().day.civil();
    let week = stempel_domain::member::birthday_week(today.month(), today.day()).unwrap();
    for (week, birthday) in [(week, true), (week - 1, false), (week + 1, false)] {
        assert_eq!(folded(vec![Change::BirthdayWeek { week }]).facts(&noon()).birthday, birthday, "{week}");
    }
}

#[test]
fn a_base_has_what_its_author_wrote_up_to_its_number() {
    let base = Base { includes: BTreeMap::from([(AUTHOR, 5)]), ..Base::default() };
    let has = |author: AuthorId, seq: u64| base.has(EventRef { author, seq });
    assert_eq!([4, 5, 6].map(|seq| has(AUTHOR, seq)), [true, true, false]);
    assert!(!has(AuthorId([4; 16]), 1));
}

fn changes(fact: Fact) -> Vec<Change> {
    let record = stempel_domain::event::Record { at: noon(), operator: None, fact };
    effect_of(&Event { author: AUTHOR, seq: 1, record }).unwrap().1.changes
}

#[test]
fn a_stamp_order_is_a_purchase_only_with_stamps() {
    let of = |order: StampOrder, amount: i64| {
        let account = Account::Member(MEMBER);
        let loyalty = Loyalty {
            member: MEMBER,
            card: None,
            rules: rules::VERSION,
            programmes: vec![],
            facts: MemberFacts::default(),
        };
        changes(Fact::Stamp(Box::new(StampFact {
            shop: SHOP,
            order,
            loyalty,
            outcome: Outcome::default(),
            postings: vec![Posting { account, unit: unit("stamp"), amount, booking: None }],
            place: PlaceFacts::default(),
            proof: None,
        })))
    };
    let visit = Change::Visit { at_ms: noon().utc_ms, amount: 1 };
    let units = |booking: Booking, amount: i64| Change::Units { unit: unit("stamp"), booking, amount };
    let earned = units(Booking::Lot { earned: noon().day, last: None, idle: None }, 2);
    let spent = units(Booking::Spend { day: noon().day }, -2);
    // Without a word on how it touches the purse, what goes in is earned today and what goes out is spent today.
    assert_eq!(of(stamps("p", 2, vec![]), 2), [visit.clone(), Change::Bought, earned]);
    assert_eq!(of(StampOrder { claims: vec![claim("g")], ..StampOrder::default() }, -2), [visit, spent]);
}

#[test]
fn a_visit_that_did_not_happen_is_taken_off() {
    let reversal = Reversal {
        of: EventRef { author: AUTHOR, seq: 1 },
        member: Some(MEMBER),
        reason: ReversalReason::Undo,
        quantities: vec![],
        postings: vec![],
        counters: vec![],
        tallies: vec![],
        grants: vec![],
        visit_ms: Some(17),
        planned: false,
    };
    assert_eq!(changes(Fact::Reversal(Box::new(reversal))), [Change::Visit { at_ms: 17, amount: -1 }]);
}

fn named(line: Line, name: &str) -> Line {
    Line { name: name.to_owned(), ..line }
}

fn times(reward: &str, times: u32) -> Claim {
    Claim { times, ..claim(reward) }
}

fn claiming(claims: Vec<Claim>, lines: Vec<Line>) -> Sale {
    Sale { claims, ..sale(lines) }
}

fn value(outcome: &Outcome, code: &str, name: &str) -> String {
    let step = outcome.trace.iter().find(|step| step.code == code);
    step.unwrap_or_else(|| panic!("{code} in {:?}", outcome.trace)).value(name).to_owned()
}

fn counter(outcome: &Outcome, key: &str) -> Option<i64> {
    outcome.counters.iter().find(|step| step.key == key).map(|step| step.amount)
}

#[test]
fn a_claim_is_reduced_to_what_takes_something_off() {
    let off = "[[reward]]\nid = \"off\"\nkind = \"amount-off\"\namount = 1.00\ncost = 10\n";
    let book = programme("", off);
    for (price, asked, total, cost) in
        [("2.00", 3, 0, 20), ("2.01", 3, 0, 30), ("2.01", 2, 1, 20), ("5.00", 3, 200, 30), ("1.00", 1, 0, 10)]
    {
        let order = claiming(vec![times("off", asked)], vec![line("a", "", "1", price)]);
        let outcome = judge(&book, &member("point", 100), Order::Sale(&order));
        assert_eq!((outcome.total, outcome.spends[0].amount), (Money(total), cost), "{asked} off {price}");
        assert_eq!(has(&outcome, "claim-reduced"), cost < i64::from(asked) * 10, "{asked} off {price}");
    }
}

#[test]
fn a_claim_asks_for_one_to_a_million() {
    let book = programme("", "[[reward]]\nid = \"g\"\nkind = \"gift\"\ncost = 1\n");
    for (asked, reason) in [
        (0, Some("bad-claim")),
        (1, None),
        (999_999, None),
        (1_000_000, None),
        (1_000_001, Some("bad-claim")),
        (u32::MAX, Some("bad-claim")),
    ] {
        let order = claiming(vec![times("g", asked)], vec![]);
        let outcome = judge(&book, &member("point", 1_000_000), Order::Sale(&order));
        assert_eq!(outcome.refused.first().map(|refusal| refusal.reason.as_str()), reason, "{asked}");
    }
}

#[test]
fn what_is_needed_may_have_to_come_to_an_amount() {
    let needs = "needs = { categories = [\"tea\"], minimum = 5.00 }";
    let off = format!(
        "[[reward]]\nid = \"off\"\nkind = \"amount-off\"\namount = 1.00\nautomatic = true\n{needs}\n"
    );
    let book = programme("", &off);
    for (tea, total) in [("4.99", 1499), ("5.00", 1400), ("5.01", 1401)] {
        let order = sale(vec![line("a", "", "1", "10.00"), line("b", "tea", "1", tea)]);
        assert_eq!(judge(&book, &MemberFacts::default(), Order::Sale(&order)).total, Money(total), "{tea}");
    }
}

#[test]
fn a_free_article_is_named_and_valued() {
    let book = programme(
        "",
        "[[reward]]\nid = \"f\"\nkind = \"free-item\"\ncost = 1\nskus = [\"latte\"]\n\
         [[earn]]\nid = \"e\"\nper = \"item\"\namount = 1\n",
    );
    let cake = named(line("cake", "food", "1", "3.00"), "Cake");
    let latte = named(line("latte", "coffee", "1", "4.00"), "Latte");
    let order = claiming(vec![claim("f")], vec![cake.clone(), latte.clone()]);
    let outcome = judge(&book, &member("point", 1), Order::Sale(&order));
    assert_eq!(
        (value(&outcome, "free-item", "what"), value(&outcome, "free-item", "off")),
        ("Latte".into(), "4.00".into())
    );
    assert_eq!(value(&outcome, "earned", "what"), "Cake", "what is free is not among the things counted");
    assert_eq!(outcome.spends[0].weights, [0, 400]);
    // One of two is in the basket: its price is what a refund goes by.
    let order = claiming(vec![times("f", 2)], vec![cake.clone(), latte.clone()]);
    assert_eq!(judge(&book, &member("point", 2), Order::Sale(&order)).spends[0].weights, [0, 400, 0]);
    // None is in the basket: each goes with the line that was added for it.
    let extra = Claim { extra: true, ..claim("f") };
    let order = claiming(vec![extra.clone(), extra], vec![cake]);
    let weights: Vec<Vec<i64>> = judge(&book, &member("point", 2), Order::Sale(&order))
        .spends
        .into_iter()
        .map(|spend| spend.weights)
        .collect();
    assert_eq!(weights, [[0, 1, 0], [0, 0, 1]]);
}

#[test]
fn the_things_counted_are_named_together() {
    let latte = || named(line("latte", "coffee", "1", "4.00"), "Latte");
    let mocha = || named(line("mocha", "coffee", "1", "4.00"), "Mocha");
    for (set, lines, what) in [
        ("categories = [\"coffee\"]", vec![latte(), latte()], "Latte"),
        ("categories = [\"coffee\"]", vec![latte(), mocha()], "coffee"),
        ("categories = [\"coffee\", \"tea\"]", vec![latte(), mocha()], ""),
        ("", vec![latte(), mocha()], ""),
    ] {
        let book = programme("", &format!("[[earn]]\nid = \"e\"\nper = \"item\"\namount = 1\n{set}\n"));
        let outcome = judge(&book, &MemberFacts::default(), Order::Sale(&sale(lines)));
        assert_eq!(
            (value(&outcome, "earned", "what").as_str(), outcome.awards[0].amount),
            (what, 2),
            "{set}"
        );
    }
}

#[test]
fn what_the_whole_sale_earned_falls_to_no_line() {
    let rules = "[[earn]]\nid = \"e\"\nper = \"money\"\namount = 1\nSET\n\
         [[reward]]\nid = \"f\"\nkind = \"free-item\"\ncost = 1\nskus = [\"x\"]\n";
    let lines = || vec![line("a", "tea", "1", "3.00"), line("b", "", "1", "4.00")];
    for (set, claims, weights) in [
        ("", vec![], vec![]),
        ("categories = [\"tea\"]", vec![], vec![300, 0]),
        ("", vec![claim("f")], vec![]),
    ] {
        let book = programme("", &rules.replace("SET", set));
        let outcome = judge(&book, &member("point", 1), Order::Sale(&claiming(claims, lines())));
        assert_eq!(outcome.awards[0].weights, weights, "{set}");
    }
    // What comes back in the same sale has its part in the whole.
    let book = programme("", &rules.replace("SET", ""));
    let returned = sale(vec![line("a", "", "1", "10.00"), line("b", "", "-1", "3.00")]);
    let award = judge(&book, &MemberFacts::default(), Order::Sale(&returned)).awards.remove(0);
    assert_eq!((award.amount, award.weights), (7, vec![]));
}

#[test]
fn a_cap_that_is_used_up_says_nothing_of_earning() {
    let book = programme("", "[[earn]]\nid = \"e\"\nper = \"money\"\namount = 1\ncap = { day = 10 }\n");
    let mut facts = MemberFacts::default();
    facts.counters.entry("p/e".to_owned()).or_default().insert(noon().day, 10);
    let outcome = judge(&book, &facts, Order::Sale(&sale(vec![line("a", "", "1", "5.00")])));
    assert!(outcome.awards.is_empty() && has(&outcome, "daily-limit") && !has(&outcome, "earned"));
}

#[test]
fn a_pause_is_all_that_keeps_visits_apart_where_there_is_one() {
    let book = programme("", "[[earn]]\nid = \"v\"\nper = \"visit\"\namount = 1\npause_minutes = 60\n");
    let bought = sale(vec![line("a", "", "1", "5.00")]);
    let mut facts = MemberFacts::default();
    // Counted by an earlier version of the programme, which went by days.
    facts.counters.entry("p/v#visit".to_owned()).or_default().insert(noon().day, 1);
    assert_eq!(judge(&book, &facts, Order::Sale(&bought)).awards.len(), 1);
    facts.last_visit_ms = Some(noon().utc_ms - 50 * 60_000);
    assert_eq!(value(&judge(&book, &facts, Order::Sale(&bought)), "too-soon", "minutes"), "10");
}

#[test]
fn a_share_for_a_cause_begins_at_its_minimum_and_ends_with_its_last_day() {
    for (giving, paid, share) in [
        ("minimum = 10.00", "9.99", None),
        ("minimum = 10.00", "10.00", Some(100)),
        ("minimum = 10.00", "10.05", Some(101)),
        ("", "0.05", Some(1)),
        ("", "0.04", None),
        ("valid = { to = \"2026-11-20\" }", "10.00", Some(100)),
        ("valid = { to = \"2026-11-19\" }", "10.00", None),
    ] {
        let rule = format!("[[giving]]\nid = \"g\"\ncause = \"trees\"\npercent = 10\n{giving}\n");
        let order = sale(vec![line("a", "", "1", paid)]);
        let outcome = judge(&programme("", &rule), &MemberFacts::default(), Order::Sale(&order));
        assert_eq!(outcome.shares.first().map(|share| share.amount.0), share, "{giving} {paid}");
    }
}

#[test]
fn a_tier_counts_the_units_of_its_own_programme() {
    let tiers = "tiers = { by = \"units\", window = \"year\", ladder = [{ name = \"gold\", from = 1000 }] }";
    let text = |id: &str, head: &str, per: &str, amount: i64| {
        let gift =
            "[[reward]]\nid = \"x\"\nkind = \"units\"\ncost = 1\ngives = { unit = \"ticket\", amount = 7 }\n";
        format!(
            "id = \"{id}\"\nname = \"P\"\n{head}\n[[earn]]\nid = \"e\"\nper = \"{per}\"\namount = {amount}\n{gift}"
        )
    };
    for (per, wanted) in [("order", 2), ("item", 6)] {
        let book = book(&[&text("a", "", per, 1), &text("p", tiers, per, 2)]);
        let exchange = Claim { programme: Some("p".parse().unwrap()), ..claim("x") };
        let sold = claiming(vec![exchange.clone()], vec![line("a", "", "3", "1.00")]);
        let outcome = judge(&book, &member("point", 9), Order::Sale(&sold));
        assert_eq!(outcome.earned()[&unit("ticket")], 7);
        assert_eq!(counter(&outcome, "p#tier"), Some(wanted), "a sale by {per}");
        let mut order = stamps("a", 3, vec![exchange]);
        order.stamps.extend(stamps("p", 3, vec![]).stamps);
        let outcome = judge(&book, &member("point", 9), Order::Stamps(&order));
        assert_eq!(outcome.earned()[&unit("ticket")], 7);
        assert_eq!(counter(&outcome, "p#tier"), Some(wanted), "stamps by {per}");
    }
}

#[test]
fn a_membership_counts_at_once_from_one_whole_piece_on() {
    let rules = "[membership]\nname = \"plus\"\nskus = [\"plus\"]\nmonths = 12\n\
         [[reward]]\nid = \"half\"\nkind = \"percent-off\"\npercent = 50\nautomatic = true\nskus = [\"a\"]\n\
         who = { holds = [\"membership:plus\"] }\n";
    let book = programme("", rules);
    for (quantity, deposit, off) in [("1", false, 500), ("0.5", false, 0), ("1", true, 0)] {
        let plus = Line { deposit, ..line("plus", "", quantity, "20.00") };
        let outcome = judge(
            &book,
            &MemberFacts::default(),
            Order::Sale(&sale(vec![plus, line("a", "", "1", "10.00")])),
        );
        assert_eq!(outcome.lines[1].discount, Money(off), "{quantity} {deposit}");
    }
}

#[test]
fn a_sale_without_a_card_is_told_once_what_it_misses() {
    let earn = "[[earn]]\nid = \"e\"\nper = \"money\"\namount = 1\n";
    let off = "[[reward]]\nid = \"o\"\nkind = \"amount-off\"\namount = 1.00\nautomatic = true\n";
    let plain = || line("a", "", "1", "10.00");
    let stored = || Line { stored: true, ..plain() };
    for (head, rules, line, said) in [
        ("", earn, plain(), vec!["no-card"]),
        ("", off, plain(), vec!["discount"]),
        ("who = { tags = [\"vip\"] }", earn, plain(), vec![]),
        ("", off, stored(), vec!["nothing-to-discount", "stored-needs-card"]),
    ] {
        let book = programme(head, rules);
        let outcome = rules::evaluate(&book, None, Order::Sale(&sale(vec![line])), SHOP, &noon());
        let codes: Vec<&str> = outcome.trace.iter().map(|step| step.code.as_str()).collect();
        assert_eq!(codes, said, "{head} {rules}");
    }
    let with_card = judge(&programme("", earn), &MemberFacts::default(), Order::Sale(&sale(vec![plain()])));
    assert!(!has(&with_card, "stored-needs-card"));
}

#[test]
fn a_stamp_card_gives_what_needs_no_prices() {
    let earn = "[[earn]]\nid = \"e\"\nper = \"item\"\namount = 1\nminimum_quantity = 3\n";
    let book = programme("", earn);
    for (count, given) in [(2, None), (3, Some(3)), (4, Some(4))] {
        let outcome = judge(&book, &MemberFacts::default(), Order::Stamps(&stamps("p", count, vec![])));
        assert_eq!(outcome.awards.first().map(|award| award.amount), given, "{count}");
        assert_eq!(has(&outcome, "below-quantity"), given.is_none(), "{count}");
    }
    for (condition, refused) in [
        ("", None),
        ("minimum = 5.00", Some("needs-price")),
        ("minimum_quantity = 2", Some("needs-price")),
        ("needs = { skus = [\"a\"] }", Some("needs-price")),
    ] {
        let reward = "[[reward]]\nid = \"r\"\nkind = \"free-item\"\ncost = 1\nskus = [\"b\"]\n";
        let order = stamps("p", 1, vec![claim("r")]);
        let outcome = judge(
            &programme("", &format!("{reward}{condition}\n")),
            &member("point", 1),
            Order::Stamps(&order),
        );
        assert_eq!(outcome.refused.first().map(|refusal| refusal.reason.as_str()), refused, "{condition}");
    }
}

#[test]
fn a_stamp_order_counts_what_was_bought() {
    let rules = "[[earn]]\nid = \"e\"\nper = \"item\"\namount = 1\n\
         [[reward]]\nid = \"g\"\nkind = \"gift\"\ncost = 1\n\
         [[reward]]\nid = \"f\"\nkind = \"free-item\"\ncost = 1\nskus = [\"a\"]\n\
         [referral]\nfriend = { amount = 50 }\nreferrer = { amount = 100 }\n";
    let book = programme("", rules);
    let facts =
        MemberFacts { referrer: Some(MemberId([9; 16])), joined: Some(noon().day), ..member("point", 5) };
    for (reward, said, earned) in [(None, "earned", 51), (Some("g"), "gift", 51), (Some("f"), "free-item", 0)]
    {
        let order = stamps("p", 1, reward.map(claim).into_iter().collect());
        let outcome = judge(&book, &facts, Order::Stamps(&order));
        assert!(has(&outcome, said), "{reward:?} {:?}", outcome.trace);
        assert_eq!(outcome.earned().get(&unit("point")).copied().unwrap_or(0), earned, "{reward:?}");
        assert_eq!(outcome.due.len(), usize::from(earned > 0), "{reward:?}");
    }
}

fn without_server(days: u16) -> Place {
    Place { shop: SHOP, facts: PlaceFacts { offline: Some(Unconfirmed { days }), ..PlaceFacts::default() } }
}

#[test]
fn without_the_server_units_are_spent_within_their_limits() {
    let head = "offline = { spend_day = 20, age_days = 14 }";
    let off = "[[reward]]\nid = \"off\"\nkind = \"amount-off\"\namount = 1.00\ncost = 10\n";
    let book = programme(head, off);
    for (days, asked, refused) in
        [(14, 2, None), (15, 2, Some(("offline-too-long", ""))), (0, 3, Some(("offline-limit", "20")))]
    {
        let order = claiming(vec![times("off", asked)], vec![line("a", "", "1", "9.00")]);
        let outcome = rules::evaluate(
            &book,
            Some(&member("point", 100)),
            Order::Sale(&order),
            without_server(days),
            &noon(),
        );
        let reason = outcome.refused.first().map(|refusal| refusal.reason.as_str());
        assert_eq!(reason, refused.map(|(code, _)| code), "{days} {asked}");
        if let Some((code, limit)) = refused {
            assert_eq!(value(&outcome, code, "limit"), limit);
            assert_eq!(counter(&outcome, "p#offline"), None);
        } else {
            assert_eq!(counter(&outcome, "p#offline"), Some(20));
        }
    }
}

/// Journals hold these names: a device that wrote them otherwise would count from nothing again.
#[test]
fn what_is_counted_keeps_its_name() {
    let gift = "[[reward]]\nid = \"g\"\nkind = \"gift\"\ncost = 10\nfills = \"coffee\"\n\
         limit = { month = 5 }\nstock = { total = 100 }\n";
    let book = programme("offline = { spend_day = 20 }", gift);
    let order = claiming(vec![times("g", 2)], vec![]);
    let outcome =
        rules::evaluate(&book, Some(&member("point", 100)), Order::Sale(&order), without_server(0), &noon());
    let steps = |steps: &[stempel_domain::event::CounterStep]| -> Vec<(String, i64)> {
        let mut steps: Vec<_> = steps.iter().map(|step| (step.key.clone(), step.amount)).collect();
        steps.sort();
        steps
    };
    assert_eq!(steps(&outcome.counters), [("p#offline".to_owned(), 20), ("p/g#taken".to_owned(), 2)]);
    assert_eq!(steps(&outcome.tallies), [("p#pool:coffee".to_owned(), 2), ("p/g#stock".to_owned(), 2)]);
}

#[test]
fn a_voucher_is_taken_unless_units_are_owed() {
    let rules = "[[reward]]\nid = \"v\"\nkind = \"amount-off\"\namount = 1.00\nvoucher = true\n\
         [[voucher]]\nreward = \"v\"\ndays = 30\n";
    let head = "overdraft = \"block\"\noffline = { spend_day = 20 }";
    let book = programme(head, rules);
    for (balance, refused) in [(1, None), (0, None), (-1, Some("owes"))] {
        let mut facts = member("voucher:p:v", 1);
        facts.lots.extend(member("point", balance).lots);
        let order = claiming(vec![claim("v")], vec![line("a", "", "1", "9.00")]);
        let outcome = rules::evaluate(&book, Some(&facts), Order::Sale(&order), without_server(0), &noon());
        assert_eq!(outcome.refused.first().map(|refusal| refusal.reason.as_str()), refused, "{balance}");
        assert_eq!(counter(&outcome, "p#offline"), None, "a voucher is none of the units that are limited");
    }
}
