//! What ends soon is said before it is too late.

use stempel_domain::ledger::{Idle, Lot};
use stempel_domain::money::Money;
use stempel_domain::rules::{self, Language, RuleBook};
use stempel_domain::sale::{Order, Sale, Tender, TenderKind};
use stempel_domain::{Day, MemberFacts};

use crate::support::*;

fn points(expiry: &str) -> RuleBook {
    book(&[&format!(
        "id = \"p\"\nname = \"P\"\nexpiry = {{ {expiry} }}\n[[earn]]\nper = \"money\"\namount = 1\n\
         [[reward]]\nid = \"mug\"\nkind = \"gift\"\ncost = 4\n"
    )])
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// Lots of points with their last days; today is the twentieth of November 2026.
fn held(lots: &[(i64, &str)]) -> MemberFacts {
    let mut facts = MemberFacts::default();
    let lot = |(amount, last): &(i64, &str)| Lot {
        amount: *amount,
        earned: day("2026-01-01"),
        last: Some(day(last)),
        idle: None,
    };
    facts.lots.insert(unit("point"), lots.iter().map(lot).collect());
    facts
}

fn said(book: &RuleBook, facts: &MemberFacts, order: Option<&rules::Outcome>) -> Vec<String> {
    let offers = rules::offers(book, facts, order, SHOP, &noon());
    offers.ending.iter().map(|ending| ending.sentence(Language::En)).collect()
}

#[test]
fn it_is_said_in_time_and_soonest_first() {
    let facts = held(&[(5, "2026-11-20"), (1, "2026-12-20"), (7, "2026-12-20"), (9, "2026-12-21")]);
    assert_eq!(
        said(&points("months = 12"), &facts, None),
        ["5 points end on 20 November 2026", "8 points end on 20 December 2026"]
    );
    assert_eq!(said(&points("months = 12, warn_days = 31"), &facts, None).len(), 3);
    assert_eq!(said(&points("months = 12, warn_days = 0"), &facts, None).len(), 1, "the last day itself");
    assert_eq!(said(&book(&[]), &facts, None).len(), 2, "units that no programme counts any more end, too");
}

#[test]
fn it_is_said_in_both_languages() {
    let mut facts = held(&[(1, "2026-11-30")]);
    facts.lots.insert(
        unit("eur.2"),
        vec![Lot { amount: 1250, earned: day("2026-01-01"), last: Some(day("2026-12-01")), idle: None }],
    );
    let idle = Some(Idle { months: 12, days: 0 });
    let stamps = Lot { amount: 3, earned: day("2026-01-01"), last: Some(day("2026-12-02")), idle };
    facts.lots.insert(unit("stamp:coffee"), vec![stamps]);
    let ending = rules::offers(&points("months = 12"), &facts, None, SHOP, &noon()).ending;
    let both: Vec<(String, String)> =
        ending.iter().map(|ending| (ending.sentence(Language::De), ending.sentence(Language::En))).collect();
    let wanted = [
        ("1 Punkt gilt bis 30. November 2026", "1 point ends on 30 November 2026"),
        ("12,50 € gelten bis 1. Dezember 2026", "€12.50 ends on 1 December 2026"),
        (
            "3 Stempel gelten bis 2. Dezember 2026, mit einem Besuch bis dahin länger",
            "3 stamps end on 2 December 2026 unless there is a visit before",
        ),
    ];
    assert_eq!(both, wanted.map(|(de, en)| (de.to_owned(), en.to_owned())));
}

#[test]
fn an_order_takes_what_ends_first() {
    let book = points("days = 10");
    let facts = held(&[(5, "2026-11-25"), (5, "2026-12-01")]);
    let sold = Sale { claims: vec![claim("mug")], ..sale(vec![line("a", "", "1", "2.00")]) };
    let outcome = judge(&book, &facts, Order::Sale(&sold));
    assert_eq!(
        said(&book, &facts, Some(&outcome)),
        [
            "1 point ends on 25 November 2026",
            "2 points end on 30 November 2026",
            "5 points end on 1 December 2026"
        ]
    );
}

#[test]
fn a_debt_is_paid_before_anything_ends() {
    let mut facts = held(&[(-3, "2026-11-25")]);
    facts.lots.get_mut(&unit("point")).unwrap()[0].last = None;
    let book = points("days = 10");
    let outcome = judge(&book, &facts, Order::Sale(&sale(vec![line("a", "", "1", "5.00")])));
    assert_eq!(said(&book, &facts, Some(&outcome)), ["2 points end on 30 November 2026"]);
}

#[test]
fn a_visit_keeps_what_ends_by_inactivity() {
    let book = points("idle_days = 90");
    let mut facts = held(&[(5, "2026-11-25")]);
    facts.lots.get_mut(&unit("point")).unwrap()[0].idle = Some(Idle { months: 0, days: 90 });
    assert_eq!(said(&book, &facts, None).len(), 1);
    let outcome = judge(&book, &facts, Order::Sale(&sale(vec![line("a", "", "1", "5.00")])));
    assert_eq!(said(&book, &facts, Some(&outcome)), Vec::<String>::new());
}

#[test]
fn stored_value_that_pays_does_not_end() {
    let book = book(&[]);
    let mut facts = MemberFacts::default();
    let lot = Lot { amount: 500, earned: day("2026-01-01"), last: Some(day("2026-11-30")), idle: None };
    facts.lots.insert(unit("eur.2"), vec![lot]);
    let tenders = vec![Tender { kind: TenderKind::Stored, amount: Money(400) }];
    let sold = Sale { tenders, ..sale(vec![line("a", "", "1", "5.00")]) };
    let outcome = judge(&book, &facts, Order::Sale(&sold));
    assert_eq!(said(&book, &facts, Some(&outcome)), ["€1.00 ends on 30 November 2026"]);
}

#[test]
fn what_is_taken_to_the_last_unit_does_not_end() {
    let book = points("idle_days = 90");
    let facts = held(&[(4, "2026-11-25"), (2, "2026-11-26")]);
    let sold = Sale { claims: vec![claim("mug")], ..sale(vec![]) };
    let outcome = judge(&book, &facts, Order::Sale(&sold));
    assert_eq!(outcome.spent()[&unit("point")], 4);
    assert_eq!(said(&book, &facts, Some(&outcome)), ["2 points end on 26 November 2026"]);
}

#[test]
fn what_an_order_gives_ends_by_the_earlier_of_its_ends() {
    for (expiry, ending) in [
        ("days = 5", "9 points end on 25 November 2026"),
        ("idle_days = 5", "9 points end on 25 November 2026 unless there is a visit before"),
        ("days = 5, idle_days = 20", "9 points end on 25 November 2026"),
        ("days = 5, idle_days = 5", "9 points end on 25 November 2026"),
        ("days = 20, idle_days = 5", "9 points end on 25 November 2026 unless there is a visit before"),
    ] {
        let book = points(expiry);
        let outcome =
            judge(&book, &MemberFacts::default(), Order::Sale(&sale(vec![line("a", "", "1", "9.00")])));
        assert_eq!(said(&book, &MemberFacts::default(), Some(&outcome)), [ending], "{expiry}");
    }
}

#[test]
fn stored_value_ends_by_inactivity_unless_it_pays() {
    let book = book(&[]);
    let mut facts = MemberFacts::default();
    let idle = Some(Idle { months: 12, days: 0 });
    let lot = Lot { amount: 500, earned: day("2026-01-01"), last: Some(day("2026-11-30")), idle };
    facts.lots.insert(unit("eur.2"), vec![lot]);
    for (paid, endings) in [(None, 1), (Some(0), 1), (Some(1), 0)] {
        let tender = |amount| Tender { kind: TenderKind::Stored, amount: Money(amount) };
        let sold = Sale {
            tenders: paid.map(tender).into_iter().collect(),
            ..sale(vec![line("a", "", "1", "5.00")])
        };
        let outcome = judge(&book, &facts, Order::Sale(&sold));
        assert_eq!(said(&book, &facts, Some(&outcome)).len(), endings, "{paid:?}");
    }
}
