//! Figures and words at the very edge of a rule, worked out by hand: one more, or one less, and it is another case.

use std::collections::BTreeMap;

use stempel_domain::alarm::{AlarmKind, Done, Sight, is_own};
use stempel_domain::event::{
    Adjustment, Event, Fact, GrantFact, Loyalty, Record, Reversal, ReversalReason, SaleFact, StampFact,
    TraitsChanged,
};
use stempel_domain::member::{CardState, effect_of};
use stempel_domain::money::{Money, Quantity};
use stempel_domain::person::{MEMBERS_MAX, Search};
use stempel_domain::receipt::{FiscalReceipt, LogTimeFormat, ReceiptError};
use stempel_domain::rules::{
    self, CLAIM_TIMES_MAX, Language, Outcome, RuleBook, TraceStep, challenges, check_order, sentence,
};
use stempel_domain::sale::{Claim, Deed, Line, Order, Sale};
use stempel_domain::{
    Account, AuthorId, CardId, Day, EventRef, MemberFacts, MemberId, MemberState, Person, Posting, ShopId,
};

use crate::support::*;

const ADA: MemberId = MemberId([1; 16]);
const ANYWHERE: ShopId = ShopId([8; 16]);

fn programme(rules: &str) -> RuleBook {
    book(&[&format!("id = \"p\"\nname = \"P\"\n{rules}")])
}

/// What an order adds to the member's counters: the key after the programme, how many days ago, how much.
fn counted(outcome: &Outcome) -> Vec<(&str, Option<i32>, i64)> {
    let back = |day: Day| (0..400).find(|back| noon().day.plus_days(-back) == day);
    outcome.counters.iter().map(|step| (&step.key[2..], back(step.day), step.amount)).collect()
}

fn known(counters: &[(&str, i32, i64)]) -> MemberFacts {
    let mut facts = MemberFacts::default();
    for (key, back, amount) in counters {
        let day = noon().day.plus_days(-back);
        facts.counters.entry(format!("p/{key}")).or_default().insert(day, *amount);
    }
    facts
}

// ---- Bounds

#[test]
fn an_order_is_taken_up_to_its_bounds_and_no_further() {
    let text = |len| "x".repeat(len);
    let cents = |cents| Line { price: Money(cents), ..line("a", "", "1", "0.00") };
    let pieces = |quantity| Line { quantity: Quantity(quantity), ..line("a", "", "1", "0.01") };
    let dear = |quantity| Line { quantity: Quantity(quantity), ..cents(Money::MAX) };
    let name = |len| Line { name: text(len), ..cents(1) };
    let category = |len| Line { category: text(len), ..cents(1) };
    let times = |times| Sale { claims: vec![Claim { times, ..claim("r") }], ..Sale::default() };
    let code = |len| Sale { codes: vec![text(len)], ..Sale::default() };
    for (what, taken, refused) in [
        ("lines", sale(vec![cents(1); 500]), sale(vec![cents(1); 501])),
        ("a code", code(200), code(201)),
        ("the price", sale(vec![cents(Money::MAX)]), sale(vec![cents(Money::MAX + 1)])),
        ("below zero", sale(vec![cents(-Money::MAX)]), sale(vec![cents(-Money::MAX - 1)])),
        ("the quantity", sale(vec![pieces(Quantity::MAX)]), sale(vec![pieces(Quantity::MAX + 1)])),
        ("the line", sale(vec![dear(1000)]), sale(vec![dear(1001)])),
        ("the name", sale(vec![name(200)]), sale(vec![name(201)])),
        ("the category", sale(vec![category(200)]), sale(vec![category(201)])),
        ("claims", times(CLAIM_TIMES_MAX), times(CLAIM_TIMES_MAX + 1)),
        ("no claims", times(1), times(0)),
    ] {
        assert_eq!(check_order(Order::Sale(&taken)), Ok(()), "{what}");
        assert!(check_order(Order::Sale(&refused)).is_err(), "{what}");
    }
    let deed = |len| Deed::Activity {
        programme: "p".parse().unwrap(),
        activity: "a".to_owned(),
        reference: text(len),
    };
    assert_eq!(check_order(Order::Deed(&deed(60))), Ok(()));
    assert!(check_order(Order::Deed(&deed(61))).is_err());
    assert_eq!(check_order(Order::Deed(&Deed::Day)), Ok(()));
}

// ---- Challenges

/// A basket of 10.50: two of `a` at 5.25.
fn two() -> Sale {
    sale(vec![line("a", "", "2", "5.25")])
}

#[test]
fn a_goal_counts_what_it_says_and_tells_how_far_it_is() {
    let points = "[[earn]]\nid = \"e\"\nper = \"money\"\namount = 1\n";
    let article = |key| (key, None, 1);
    for (goal, counts, de, en) in [
        ("count = \"orders\", target = 10", vec![article("c#1")], "1 von 10 Einkäufen", "1 of 10 orders"),
        (
            "count = \"days\", target = 10",
            vec![("c#1", Some(0), 1), ("c#1", None, 1)],
            "1 von 10 Tagen",
            "1 of 10 days",
        ),
        ("count = \"items\", target = 10", vec![("c#1", None, 2000)], "2 von 10 Stück", "2 of 10 items"),
        (
            "count = \"different\", target = 10",
            vec![article("c#1=a")],
            "1 von 10 verschiedenen",
            "1 of 10 different ones",
        ),
        (
            "count = \"spend\", target = 100",
            vec![("c#1", None, 1050)],
            "10,50 € von 100,00 €",
            "€10.50 of €100.00",
        ),
        ("count = \"units\", target = 100", vec![("c#1", None, 10)], "10 von 100", "10 of 100"),
    ] {
        let text =
            format!("{points}[[challenge]]\nid = \"c\"\ngoal = [{{ {goal} }}]\ngives = {{ amount = 1 }}\n");
        let book = programme(&text);
        let outcome = judge(&book, &MemberFacts::default(), Order::Sale(&two()));
        let mut steps = counted(&outcome);
        steps.sort();
        let mut counts = counts;
        counts.sort();
        assert_eq!(steps, counts, "{goal}");
        let progress = outcome.trace.iter().find(|step| step.code == "progress").unwrap();
        assert_eq!(sentence(progress, Language::De), format!("c: {de}"));
        assert_eq!(sentence(progress, Language::En), format!("c: {en}"));
        // Nothing was paid, and nothing earned: an order, but neither money nor units.
        let free =
            judge(&book, &MemberFacts::default(), Order::Sale(&sale(vec![line("a", "", "2", "0.00")])));
        let is_money = goal.contains("spend") || goal.contains("units");
        assert_eq!(counted(&free).is_empty(), is_money, "{goal}");
    }
}

#[test]
fn a_minimum_is_reached_by_the_very_cent() {
    let book = programme(
        "[[challenge]]\nid = \"c\"\ngoal = [{ count = \"orders\", target = 10, minimum = 5.00 }]\n\
         gives = { amount = 1 }\n",
    );
    for (price, counts) in [("4.99", 0), ("5.00", 1), ("5.01", 1)] {
        let order = sale(vec![line("a", "", "1", price)]);
        let outcome = judge(&book, &MemberFacts::default(), Order::Sale(&order));
        assert_eq!(outcome.counters.len(), counts, "{price}");
    }
}

#[test]
fn an_article_of_which_nothing_is_left_is_not_another_one() {
    let book = programme(
        "[[challenge]]\nid = \"c\"\ngoal = [{ count = \"different\", target = 3 }]\nwithin_days = 30\n\
         gives = { amount = 1 }\n",
    );
    let order = sale(vec![line("a", "", "1", "1.00"), line("b", "", "0", "1.00")]);
    let outcome = judge(&book, &MemberFacts::default(), Order::Sale(&order));
    assert_eq!(counted(&outcome), vec![("c#1=a", Some(0), 1)]);
    // Taken back, too long ago, and the two that count: the first of the thirty days, and today.
    let facts = known(&[("c#1=w", 3, 0), ("c#1=x", 30, 1), ("c#1=y", 29, 1), ("c#1=z", 0, 1)]);
    let standing = &challenges(&book, &facts, SHOP, &noon())[0];
    assert_eq!(standing.goals, vec![("2".to_owned(), "3".to_owned())]);
}

#[test]
fn a_day_counts_once_and_not_at_all_when_it_was_taken_back() {
    let text = |window: &str, count: &str| {
        format!(
            "[[challenge]]\nid = \"c\"\ngoal = [{{ count = \"{count}\", target = 9 }}]\n{window}\ngives = {{ amount = 1 }}\n"
        )
    };
    let twice = vec![("c#1", Some(0), 1), ("c#1", None, 1)];
    for (window, count, facts, steps) in [
        ("", "days", known(&[]), twice.clone()),
        ("", "days", known(&[("c#1", 1, 1)]), twice.clone()),
        ("", "days", known(&[("c#1", 0, 0)]), twice),
        ("", "days", known(&[("c#1", 0, 1)]), vec![("c#1", Some(0), 1)]),
        ("", "orders", known(&[]), vec![("c#1", None, 1)]),
        ("within_days = 30", "days", known(&[]), vec![("c#1", Some(0), 1)]),
        ("within_days = 30", "orders", known(&[]), vec![("c#1", Some(0), 1)]),
    ] {
        let outcome = judge(&programme(&text(window, count)), &facts, Order::Sale(&two()));
        assert_eq!(counted(&outcome), steps, "{window} {count}");
    }
    let book = programme(&text("within_days = 30", "days"));
    let facts = known(&[("c#1", 1, 0), ("c#1", 2, 3), ("c#1", 29, 1), ("c#1", 30, 1)]);
    let standing = &challenges(&book, &facts, SHOP, &noon())[0];
    assert_eq!(standing.goals, vec![("2".to_owned(), "9".to_owned())]);
}

#[test]
fn as_many_days_are_read_as_a_challenge_looks_back() {
    for (rule, days) in [
        ("within_days = 10", 9),
        ("within_days = 1", 0),
        ("each = \"week\"", 7),
        ("each = \"week\"\nstreak = 3", 28),
        ("each = \"month\"\nstreak = 2", 93),
    ] {
        let text = format!(
            "[[challenge]]\nid = \"c\"\ngoal = [{{ count = \"orders\", target = 1 }}]\n{rule}\ngives = {{ amount = 1 }}\n"
        );
        assert_eq!(programme(&text).reads_days_back(), days, "{rule}");
    }
}

#[test]
fn of_several_goals_each_counts_its_own_and_the_furthest_is_told() {
    let text = |a: u32, b: u32| {
        format!(
            "[[challenge]]\nid = \"c\"\ngoal = [{{ count = \"items\", target = {a}, skus = [\"a\"] }}, \
             {{ count = \"items\", target = {b}, skus = [\"b\"] }}]\ngives = {{ amount = 1 }}\n"
        )
    };
    for (targets, bought, told) in [
        // Two of five are less than two of three, whichever stands first.
        ((5, 3), ("2", "2"), Some(("2", "5"))),
        ((3, 5), ("2", "2"), Some(("2", "5"))),
        // Of equals the first; in parts, not in pieces: three of ten against one of two.
        ((4, 2), ("2", "1"), Some(("2", "4"))),
        ((2, 10), ("1", "3"), Some(("3", "10"))),
        ((10, 2), ("3", "1"), Some(("3", "10"))),
        // One is reached and the other did not move.
        ((2, 3), ("2", "0"), None),
        ((3, 2), ("0", "2"), None),
        ((3, 2), ("2.5", "0"), Some(("2.5", "3"))),
    ] {
        let lines = [("a", bought.0), ("b", bought.1)];
        let lines = lines.into_iter().filter(|(_, count)| *count != "0");
        let order = sale(lines.map(|(sku, count)| line(sku, "", count, "1.00")).collect());
        let outcome =
            judge(&programme(&text(targets.0, targets.1)), &MemberFacts::default(), Order::Sale(&order));
        let progress = outcome.trace.iter().find(|step| step.code == "progress");
        let progress = progress.map(|step| (step.value("done"), step.value("target")));
        assert_eq!(progress, told, "{targets:?} {bought:?}");
        assert!(!has(&outcome, "challenge-done"));
    }
    let order = sale(vec![line("a", "", "2", "1.00"), line("b", "", "3", "1.00")]);
    assert!(has(
        &judge(&programme(&text(2, 3)), &MemberFacts::default(), Order::Sale(&order)),
        "challenge-done"
    ));
}

#[test]
fn a_week_is_told_of_once_on_the_way_to_a_row() {
    let book = programme(
        "[[challenge]]\nid = \"c\"\ngoal = [{ count = \"days\", target = 1 }]\neach = \"week\"\nstreak = 3\n\
         gives = { amount = 1 }\n",
    );
    // Noon is on a Friday: seven days ago was another week, three days ago was not.
    for (facts, row) in [
        (known(&[]), Some("1")),
        (known(&[("c#1", 7, 1)]), Some("2")),
        (known(&[("c#1", 14, 1)]), Some("1")),
        (known(&[("c#1", 3, 1)]), None),
        (known(&[("c#1", 3, 0)]), Some("1")),
    ] {
        let outcome = judge(&book, &facts, Order::Sale(&two()));
        let told = outcome.trace.iter().find(|step| step.code == "streak").map(|step| step.value("done"));
        assert_eq!(told, row, "{facts:?}");
    }
}

#[test]
fn beside_another_till_only_things_count_and_only_without_a_minimum() {
    for (goal, of_two, of_none) in [
        ("count = \"orders\", target = 10", Some(1), None),
        ("count = \"days\", target = 10", Some(1), None),
        ("count = \"items\", target = 10", Some(2000), None),
        ("count = \"units\", target = 10", Some(2), None),
        ("count = \"orders\", target = 10, minimum = 1", None, None),
        ("count = \"items\", target = 10, minimum = 1", None, None),
        ("count = \"spend\", target = 10", None, None),
        ("count = \"different\", target = 10", None, None),
    ] {
        let text = format!(
            "unit = \"stamp\"\n[[earn]]\nid = \"e\"\nper = \"item\"\namount = 1\n\
             [[challenge]]\nid = \"c\"\ngoal = [{{ {goal} }}]\nwithin_days = 30\ngives = {{ amount = 1 }}\n"
        );
        let book = programme(&text);
        for (count, added) in [(2, of_two), (0, of_none)] {
            let order = stamps("p", count, vec![]);
            let outcome = judge(&book, &MemberFacts::default(), Order::Stamps(&order));
            let steps = outcome.counters.iter().filter(|step| step.key == "p/c#1");
            assert_eq!(
                steps.map(|step| step.amount).collect::<Vec<_>>(),
                Vec::from_iter(added),
                "{goal}: {count}"
            );
        }
    }
}

#[test]
fn a_programme_that_is_over_has_no_challenges_to_show() {
    let text = |valid: &str| {
        format!(
            "{valid}[[challenge]]\nid = \"c\"\ngoal = [{{ count = \"orders\", target = 2 }}]\ngives = {{ amount = 1 }}\n"
        )
    };
    for (valid, shown) in
        [("", 1), ("valid = { to = \"2026-11-20\" }\n", 1), ("valid = { to = \"2026-11-19\" }\n", 0)]
    {
        let standings = challenges(&programme(&text(valid)), &MemberFacts::default(), SHOP, &noon());
        assert_eq!(standings.len(), shown, "{valid}");
    }
}

// ---- Friends, memberships, ladders

#[test]
fn a_friend_counts_from_the_first_cent_and_to_the_last_day() {
    let today = noon().day;
    let text =
        |rule: &str| format!("[referral]\n{rule}friend = {{ amount = 5 }}\nreferrer = {{ amount = 5 }}\n");
    for (rule, price, joined_ago, is_given) in [
        ("", Some("0.01"), 0, true),
        ("", Some("0.00"), 0, false),
        ("", None, 0, true),
        ("minimum = 5.00\n", Some("5.00"), 0, true),
        ("minimum = 5.00\n", Some("4.99"), 0, false),
        ("minimum = 5.00\n", None, 0, false),
        ("within_days = 90\n", Some("1.00"), 89, true),
        ("within_days = 90\n", Some("1.00"), 90, true),
        ("within_days = 90\n", Some("1.00"), 91, false),
    ] {
        let book = programme(&text(rule));
        let friend = MemberFacts {
            referrer: Some(MemberId([2; 16])),
            joined: Some(today.plus_days(-joined_ago)),
            ..MemberFacts::default()
        };
        let outcome = match price {
            Some(price) => judge(&book, &friend, Order::Sale(&sale(vec![line("a", "", "1", price)]))),
            None => judge(&book, &friend, Order::Stamps(&stamps("p", 1, vec![]))),
        };
        assert_eq!(has(&outcome, "referral"), is_given, "{rule} {price:?} {joined_ago}");
        assert_eq!(outcome.due.len(), usize::from(is_given), "{rule} {price:?} {joined_ago}");
    }
}

#[test]
fn two_terms_last_twice_as_long_and_fall_to_their_line() {
    let book = programme("[membership]\nname = \"plus\"\nskus = [\"plus\"]\ndays = 10\n");
    let order = sale(vec![line("a", "", "3", "2.00"), line("plus", "", "2", "9.00")]);
    let outcome = judge(&book, &MemberFacts::default(), Order::Sale(&order));
    let given: Vec<_> =
        outcome.awards.iter().map(|award| (award.amount, award.last, &award.weights[..])).collect();
    // Twenty days from the twentieth of November on, today among them.
    assert_eq!(given, vec![(1, Day::from_date(2026, 12, 9), &[0, 2000][..])]);
    let none = judge(&book, &MemberFacts::default(), Order::Sale(&two()));
    assert!(none.awards.is_empty() && !has(&none, "membership"));
}

#[test]
fn what_costs_nothing_is_no_step_up_a_ladder() {
    let book =
        programme("[tiers]\nby = \"spend\"\nwindow_days = 30\nladder = [{ name = \"gold\", from = 10 }]\n");
    for (price, steps) in [("0.00", vec![]), ("0.01", vec![1])] {
        let order = sale(vec![line("a", "", "1", price)]);
        let outcome = judge(&book, &MemberFacts::default(), Order::Sale(&order));
        assert_eq!(outcome.counters.iter().map(|step| step.amount).collect::<Vec<_>>(), steps, "{price}");
    }
}

// ---- Receipts

const TAIL: &str = "2026-06-02T09:58:12.000Z;2026-06-02T09:58:40.000Z;ecdsa-plain-SHA256";

fn receipt(till: &str, gross: &str, paid: &str, format: &str) -> String {
    format!("V0;{till};Kassenbeleg-V1;Beleg^{gross}^{paid};18;112;{TAIL};{format};c2ln;a2V5")
}

#[test]
fn a_receipt_is_read_up_to_its_bounds_and_no_further() {
    const GROSS: &str = "1.00_0.00_0.00_0.00_0.00";
    let of = |till: &str| receipt(till, GROSS, "1.00:Bar", "unixTime");
    let long = |len: usize| {
        let bare = receipt("K", GROSS, "", "unixTime").len();
        receipt("K", GROSS, &"x".repeat(len - bare), "unixTime")
    };
    for (what, text, is_read) in [
        ("a till of 128", of(&"k".repeat(128)), true),
        ("a till of 129", of(&"k".repeat(129)), false),
        ("no till", of(""), false),
        ("a till with a bell", of("K\u{7}1"), false),
        ("2048 bytes", long(2048), true),
        ("2049 bytes", long(2049), false),
        ("thirteen parts", of("K") + ";", false),
        ("one digit of cents", receipt("K", "1.5_0.00_0.00_0.00_0.00", "1.50:Bar", "unixTime"), false),
        ("three digits of cents", receipt("K", "1.500_0.00_0.00_0.00_0.00", "1.50:Bar", "unixTime"), false),
        ("two signs", receipt("K", "--1.00_0.00_0.00_0.00_0.00", "1.00:Bar", "unixTime"), false),
    ] {
        assert_eq!(FiscalReceipt::parse(&text).is_ok(), is_read, "{what}");
    }
    assert_eq!(FiscalReceipt::parse("V0"), Err(ReceiptError::NotAReceipt));
    assert!(matches!(FiscalReceipt::parse("V0;x"), Err(ReceiptError::Unreadable(_))));
    for (name, format) in [
        ("unixTime", Some(LogTimeFormat::Unix)),
        ("utcTime", Some(LogTimeFormat::Utc)),
        ("generalizedTime", Some(LogTimeFormat::Generalized)),
        ("sundial", None),
    ] {
        let read = FiscalReceipt::parse(&receipt("K", GROSS, "1.00:Bar", name));
        assert_eq!(read.ok().map(|receipt| receipt.time_format), format, "{name}");
    }
    for (text, is_one) in [
        (of("K"), true),
        (format!(" \n{}", of("K")), true),
        (long(2048), true),
        (long(2049), false),
        ("https://example.org".to_owned(), false),
        (String::new(), false),
    ] {
        assert_eq!(FiscalReceipt::is_one(&text), is_one, "{text:.20}");
    }
}

// ---- Persons

#[test]
fn everybody_is_found_who_is_the_same_person_and_the_search_ends() {
    let id = |number: u8| MemberId([number; 16]);
    let aliases = [(1, 2), (2, 3), (4, 3), (7, 8)].map(|(member, into)| (id(member), id(into)));
    for begin in [1, 2, 3, 4] {
        let mut search = Search::new(id(begin));
        let mut asked = Vec::new();
        while let Some(member) = search.ask() {
            asked.push(member);
            for (one, other) in aliases {
                if one == member || other == member {
                    search.found(one, other);
                }
            }
        }
        asked.sort();
        assert_eq!(asked, [1, 2, 3, 4].map(id), "each is asked for once");
        assert_eq!(search.group(), [3, 1, 2, 4].map(id));
    }
    // Somebody is always the same as the next one: it ends all the same.
    let number = |number: u128| MemberId(number.to_be_bytes());
    let mut search = Search::new(number(0));
    let mut asked = 0;
    while search.ask().is_some() {
        search.found(number(asked), number(asked + 1));
        asked += 1;
        assert!(asked < 1000);
    }
    assert_eq!(asked, 2 * MEMBERS_MAX as u128);
}

#[test]
fn of_one_person_sums_add_up_and_a_block_stays() {
    let [one, two] = [1, 2].map(|back| noon().day.plus_days(-back));
    let event = |seq| EventRef { author: AuthorId([1; 16]), seq };
    let first = MemberState {
        cards: BTreeMap::from([(CardId([1; 8]), CardState { blocked: true })]),
        counters: BTreeMap::from([
            ("a".to_owned(), BTreeMap::from([(one, 3), (two, 1)])),
            ("b".to_owned(), BTreeMap::from([(one, 2)])),
        ]),
        visits: BTreeMap::from([(5, 1)]),
        grants: BTreeMap::from([
            ("g".to_owned(), BTreeMap::from([(event(1), 1)])),
            ("h".to_owned(), BTreeMap::from([(event(2), 1)])),
        ]),
        ..MemberState::default()
    };
    let second = MemberState {
        cards: BTreeMap::from([
            (CardId([1; 8]), CardState { blocked: false }),
            (CardId([2; 8]), CardState { blocked: true }),
        ]),
        counters: BTreeMap::from([
            ("a".to_owned(), BTreeMap::from([(one, 4), (two, -1)])),
            ("b".to_owned(), BTreeMap::from([(one, -2)])),
        ]),
        visits: BTreeMap::from([(5, 1), (6, 1)]),
        grants: BTreeMap::from([
            ("g".to_owned(), BTreeMap::from([(event(1), 1)])),
            ("h".to_owned(), BTreeMap::from([(event(2), -1)])),
        ]),
        ..MemberState::default()
    };
    for parts in [[&first, &second], [&second, &first]] {
        let parts = parts.into_iter().zip([ADA, MemberId([2; 16])]);
        let person = Person::new(parts.map(|(state, id)| (id, state.clone())).collect());
        assert_eq!(person.parts().len(), 2);
        let state = person.state();
        assert_eq!(state.counters, BTreeMap::from([("a".to_owned(), BTreeMap::from([(one, 7)]))]));
        assert_eq!(state.visits, BTreeMap::from([(5, 2), (6, 1)]));
        assert_eq!(state.grants, BTreeMap::from([("g".to_owned(), BTreeMap::from([(event(1), 2)]))]));
        assert!(state.cards.len() == 2 && state.cards.values().all(|card| card.blocked));
    }
}

// ---- Sights of events

#[test]
fn of_an_event_is_seen_what_somebody_did_at_the_counter() {
    let posting = |account, amount| Posting { account, unit: unit("point"), amount, booking: None };
    let gains = |amount| vec![posting(Account::Member(ADA), amount), posting(Account::Shop(SHOP), 9)];
    let loyalty = || Loyalty {
        member: ADA,
        card: None,
        rules: rules::VERSION,
        programmes: Vec::new(),
        facts: MemberFacts::default(),
    };
    let sale = |postings| {
        Fact::Sale(Box::new(SaleFact {
            shop: SHOP,
            sale: Sale::default(),
            loyalty: Some(loyalty()),
            outcome: Outcome::default(),
            postings,
            place: Default::default(),
        }))
    };
    let stamp = |postings| {
        Fact::Stamp(Box::new(StampFact {
            shop: SHOP,
            order: stamps("p", 1, vec![]),
            loyalty: loyalty(),
            outcome: Outcome::default(),
            postings,
            place: Default::default(),
            proof: None,
        }))
    };
    let deed = |deed| {
        Fact::Grant(Box::new(GrantFact {
            shop: SHOP,
            deed,
            loyalty: loyalty(),
            outcome: Outcome::default(),
            postings: gains(5),
            place: Default::default(),
        }))
    };
    let activity = Deed::Activity {
        programme: "p".parse().unwrap(),
        activity: "a".to_owned(),
        reference: String::new(),
    };
    let of = EventRef { author: AuthorId([3; 16]), seq: 4 };
    let back = |cash: i64, quantities| {
        let shop = Posting { account: Account::Shop(SHOP), unit: unit("eur"), amount: 700, booking: None };
        let cash = Posting { account: Account::Cash, unit: unit("eur"), amount: cash, booking: None };
        Fact::Reversal(Box::new(Reversal {
            of,
            member: Some(ADA),
            reason: ReversalReason::Refund,
            quantities,
            postings: vec![shop, cash.clone(), cash],
            counters: Vec::new(),
            tallies: Vec::new(),
            grants: Vec::new(),
            visit_ms: None,
            planned: false,
        }))
    };
    let took = |whole, money| Done::TookBack { of, whole, money, planned: false };
    let at = stempel_domain::Moment { skew_ms: Some(1_500), ..noon() };
    for (fact, seen) in [
        (sale(gains(5)), Some((Done::Gave, SHOP))),
        (sale(gains(1)), Some((Done::Gave, SHOP))),
        (sale(gains(0)), Some((Done::Seen, SHOP))),
        (sale(gains(-5)), Some((Done::Seen, SHOP))),
        (stamp(gains(5)), Some((Done::Gave, SHOP))),
        (stamp(vec![]), Some((Done::Seen, SHOP))),
        (deed(activity), Some((Done::Gave, SHOP))),
        (deed(Deed::Day), None),
        (deed(Deed::Calendar), None),
        (Fact::Adjustment(Adjustment::new(ADA, "spilt", gains(5))), Some((Done::Gave, ANYWHERE))),
        (back(-250, vec![]), Some((took(true, 500), ANYWHERE))),
        (back(-250, vec![1000]), Some((took(false, 500), ANYWHERE))),
        (back(250, vec![]), Some((took(true, 0), ANYWHERE))),
        (tagged(true), None),
    ] {
        let record = Record { at, operator: "ben".parse().ok(), fact };
        let event = Event { author: AuthorId([1; 16]), seq: 7, record };
        let wanted = seen.map(|(done, shop)| Sight {
            event: event.reference(),
            at_ms: noon().utc_ms - 1_500,
            shop: Some(shop),
            operator: "ben".parse().ok(),
            member: Some(ADA),
            own: false,
            done,
        });
        assert_eq!(Sight::of(&event, Some(ANYWHERE)), wanted, "{}", event.record.fact.kind());
    }
}

/// The card is Ben's own, or no longer.
fn tagged(value: bool) -> Fact {
    Fact::TraitsChanged(TraitsChanged {
        member: ADA,
        tags: BTreeMap::from([("operator:ben".to_owned(), value)]),
        birthday_week: None,
        referrer: None,
    })
}

#[test]
fn an_own_card_has_the_tag_of_the_operator() {
    let mut state = MemberState::default();
    let (ben, eva) = ("ben".parse().unwrap(), "eva".parse().unwrap());
    assert!(!is_own(&state, &ben));
    for (seq, value) in [(1, true), (2, false)] {
        let record = Record { at: noon(), operator: None, fact: tagged(value) };
        let event = Event { author: AuthorId([1; 16]), seq, record };
        state.apply(&effect_of(&event).unwrap().1);
        assert_eq!((is_own(&state, &ben), is_own(&state, &eva)), (value, false));
    }
    for kind in AlarmKind::ALL {
        assert_eq!(AlarmKind::named(kind.name()), Some(kind));
    }
    assert_eq!(AlarmKind::named("Self-Award"), None);
}

// ---- Sentences

/// A step as `code`, `code@rule`, then its figures: `name=value|name=value`.
fn step(text: &str) -> TraceStep {
    let (head, values) = text.split_once(' ').unwrap_or((text, ""));
    let (code, rule) = head.split_once('@').map_or((head, None), |(code, rule)| (code, Some(rule)));
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    TraceStep {
        code: code.to_owned(),
        programme: "p".parse().ok(),
        rule: rule.map(str::to_owned),
        values: values.split('|').filter_map(pair).collect(),
    }
}

#[test]
fn each_step_is_said_in_both_languages() {
    for (text, de, en) in [
        ("earned amount=1|unit=stamp|per=visit", "1 Stempel: für den Besuch", "1 stamp: for the visit"),
        ("earned amount=2|unit=ticket:x|per=order", "2 Lose: für den Einkauf", "2 tickets: for the order"),
        ("earned amount=1|unit=ticket:x|per=item|quantity=1", "1 Los: 1 Artikel", "1 ticket: 1 item"),
        ("earned amount=2|unit=point|per=item|quantity=2", "2 Punkte: 2 Artikel", "2 points: 2 items"),
        ("multiplied factor=2.5", "Jetzt zählt alles mal 2,5", "Everything counts times 2.5 now"),
        ("discount@r off=1.50", "1,50 € Rabatt", "€1.50 off"),
        ("free-item quantity=2|what=Kaffee", "2 × Kaffee gratis", "2 × Kaffee free"),
        (
            "free-item quantity=1|cost=10|unit=stamp",
            "1 × Artikel gratis für 10 Stempel",
            "1 × item free for 10 stamps",
        ),
        (
            "exchanged given=1|given_unit=voucher:x|cost=5|unit=point",
            "1 Gutschein für 5 Punkte",
            "1 voucher for 5 points",
        ),
        ("exchanged given=2|given_unit=voucher:x", "2 Gutscheine", "2 vouchers"),
        ("exchanged given=1|given_unit=badge:x", "1 Abzeichen", "1 badge"),
        ("exchanged given=2|given_unit=badge:x", "2 Abzeichen", "2 badges"),
        ("exchanged given=1|given_unit=place:x", "1 Platz", "1 place"),
        ("exchanged given=2|given_unit=place:x", "2 Plätze", "2 places"),
        ("exchanged given=1|given_unit=membership:x", "1 Mitgliedschaft", "1 membership"),
        ("exchanged given=1|given_unit=leaf", "1 leaf", "1 leaf"),
        ("voucher", "Ein Gutschein für den nächsten Besuch", "A voucher for the next visit"),
        (
            "voucher last=2026-12-05",
            "Ein Gutschein für den nächsten Besuch, gültig bis 05.12.2026",
            "A voucher for the next visit, valid until 5 Dec 2026",
        ),
        ("challenge-done@c", "c geschafft", "c done"),
        ("challenge-done@c amount=20|unit=point", "c geschafft: 20 Punkte", "c done: 20 points"),
        (
            "challenge-done@c de=Fünf|en=Five|reward=Kaffee",
            "Fünf geschafft: Gutschein Kaffee",
            "Five done: voucher Kaffee",
        ),
        (
            "occasion@birthday reward=Kaffee|last=2026-12-31",
            "birthday: Gutschein Kaffee, gültig bis 31.12.2026",
            "birthday: voucher Kaffee, valid until 31 Dec 2026",
        ),
        ("activity@survey amount=1|unit=badge:x", "survey: 1 Abzeichen", "survey: 1 badge"),
        (
            "referral@referral amount=5|unit=point",
            "Geworben und zum ersten Mal hier gekauft: 5 Punkte",
            "Brought by a member, first purchase: 5 points",
        ),
        (
            "referrer@referrer amount=5|unit=eur",
            "Ein geworbenes Mitglied hat zum ersten Mal gekauft: 5,00 €",
            "A member whom you brought has bought for the first time: €5.00",
        ),
        ("tier-reached@tier:gold", "Stufe gold erreicht", "gold reached"),
        ("giving@g amount=0.50|de=Bäume|en=Trees", "0,50 € für Bäume", "€0.50 for Trees"),
        ("streak@s done=2|target=4", "s: 2 von 4 in Folge", "s: 2 of 4 in a row"),
        (
            "membership name=plus|last=2027-11-19",
            "Mitgliedschaft plus bis 19.11.2027",
            "Membership plus until 19 Nov 2027",
        ),
        // Limits: one that left something, one that left nothing, and one without a unit.
        (
            "sale-limit@e given=2|wanted=3|unit=stamp|limit=2",
            "Nur 2 Stempel statt 3: Grenze je Einkauf von 2 erreicht",
            "Only 2 of 3 stamps: limit per sale of 2 reached",
        ),
        (
            "weekly-limit@e given=0|wanted=3|unit=point|limit=9",
            "Keine Punkte: Wochengrenze von 9 erreicht",
            "No points: weekly limit of 9 reached",
        ),
        (
            "monthly-limit@e wanted=3|unit=point|limit=9",
            "Keine Punkte: Monatsgrenze von 9 erreicht",
            "No points: monthly limit of 9 reached",
        ),
        (
            "yearly-limit@e given=1|limit=9",
            "Kein Rabatt: Jahresgrenze von 9 erreicht",
            "No discount: yearly limit of 9 reached",
        ),
        ("period-limit limit=9|days=3", "Grenze von 9 in 3 Tagen erreicht", "Limit of 9 in 3 days reached"),
        (
            "period-limit limit=9|days=1",
            "Grenze von 9 an einem Tag erreicht",
            "Limit of 9 in one day reached",
        ),
        (
            "daily-limit@e unit=eur|limit=9",
            "Kein Guthaben: Tagesgrenze von 9 erreicht",
            "No stored value: daily limit of 9 reached",
        ),
        // Why not.
        ("below-quantity minimum=3|quantity=2", "Erst ab 3 Stück, bisher 2", "Only from 3 pieces, now 2"),
        (
            "too-soon@e unit=stamp|minutes=5",
            "Kein Stempel: der letzte Besuch ist zu kurz her, in 5 min wieder",
            "No stamp: too soon after the last visit, again in 5 min",
        ),
        (
            "programme-not-started@r day=2026-12-01",
            "Kein Rabatt: er beginnt am 01.12.2026",
            "No discount: it begins on 1 Dec 2026",
        ),
        (
            "programme-not-started day=2026-12-01",
            "Programm beginnt am 01.12.2026",
            "Programme not started, it begins on 1 Dec 2026",
        ),
        (
            "programme-not-started@e unit=point|day=2026-12-01",
            "Keine Punkte: Programm beginnt am 01.12.2026",
            "No points: programme not started, it begins on 1 Dec 2026",
        ),
        (
            "programme-not-started@r refused=ended|day=2026-12-01",
            "r nicht eingelöst: Programm beginnt am 01.12.2026",
            "r not redeemed: programme not started, it begins on 1 Dec 2026",
        ),
        (
            "programme-ended@r day=2026-11-01",
            "Kein Rabatt: er endete am 01.11.2026",
            "No discount: it ended on 1 Nov 2026",
        ),
        ("programme-ended day=2026-11-01", "Programm beendet am 01.11.2026", "Programme ended on 1 Nov 2026"),
        (
            "programme-ended@e unit=point|day=2026-11-01",
            "Keine Punkte: Programm beendet am 01.11.2026",
            "No points: programme ended on 1 Nov 2026",
        ),
        (
            "programme-ended@r refused=ended|day=2026-11-01",
            "r nicht eingelöst: Programm beendet am 01.11.2026",
            "r not redeemed: programme ended on 1 Nov 2026",
        ),
        (
            "not-now@r hours=09:00-12:00",
            "Kein Rabatt: nur 09:00-12:00 Uhr",
            "No discount: only at 09:00-12:00",
        ),
        (
            "not-best@r better=half",
            "Kein Rabatt: ein anderer ist besser (half)",
            "No discount: another is better (half)",
        ),
        (
            "claim-reduced@r given=1|asked=3",
            "1 statt 3 eingelöst, mehr bringt nichts",
            "1 of 3 redeemed, more would give nothing",
        ),
        (
            "not-enough@r refused=not-enough|unit=point|needed=1000|have=1",
            "r nicht eingelöst: noch nicht genug, 1.000 Punkte nötig, 1 da",
            "r not redeemed: not enough yet, 1,000 points needed, 1 there",
        ),
        (
            "claim-too-small@r refused=claim-too-small|unit=point|minimum=5",
            "r nicht eingelöst: erst ab 5 Punkte",
            "r not redeemed: only from 5 points",
        ),
        (
            "not-in-set@r refused=x|sku=b2",
            "r nicht eingelöst: b2 gehört nicht dazu",
            "r not redeemed: b2 is not part of it",
        ),
        (
            "code-twice code=X1",
            "Code X1 wurde zweimal gezeigt und zählt einmal",
            "Code X1 was shown twice and counts once",
        ),
        ("code-unknown code=X1", "Code X1 ist unbekannt", "Code X1 is unknown"),
        (
            "stored-short given=2.00|asked=3.50",
            "Guthaben reicht nur für 2,00 € von 3,50 €",
            "Stored value covers only €2.00 of €3.50",
        ),
        (
            "referral-below-minimum@referral minimum=5.00|paid=4.99",
            "Die Werbung zählt erst ab 5,00 €, bisher 4,99 €",
            "The referral counts only from €5.00, now €4.99",
        ),
        ("unknown-activity activity=x", "Das Programm kennt x nicht", "The programme does not know x"),
        (
            "owes@r refused=owes|unit=point|owed=7",
            "r nicht eingelöst: erst sind 7 Punkte auszugleichen",
            "r not redeemed: 7 points must be made up for first",
        ),
        (
            "offline-too-long@r refused=x|days=3",
            "r nicht eingelöst: ohne Netz geht das höchstens 3 Tage lang",
            "r not redeemed: without the network it goes for 3 days at most",
        ),
        (
            "offline-too-long@r refused=x|days=1",
            "r nicht eingelöst: ohne Netz geht das höchstens einen Tag lang",
            "r not redeemed: without the network it goes for one day at most",
        ),
        (
            "offline-limit@r refused=x|unit=point|limit=1",
            "r nicht eingelöst: ohne Netz höchstens 1 Punkt am Tag",
            "r not redeemed: without the network at most 1 point a day",
        ),
        (
            "unknown-reason refused=goodwill|reasons=spilt, late",
            "Keine Kulanz: bitte einen Grund wählen: spilt, late",
            "No goodwill: choose a reason: spilt, late",
        ),
        (
            "too-much left=1|asked=2.5",
            "Davon kann noch 1 zurückkommen, nicht 2,5",
            "1 of it can still come back, not 2.5",
        ),
    ] {
        let step = step(text);
        assert_eq!(
            [Language::De, Language::En].map(|language| sentence(&step, language)),
            [de, en],
            "{text}"
        );
    }
    assert_eq!(
        ["eur", "point", "leaf"].map(|unit| Language::De.unit_word(unit, true)),
        ["Guthaben", "Punkt", "leaf"]
    );
}
