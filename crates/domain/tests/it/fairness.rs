//! Who gets what back, and what is not given by the side door.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stempel_domain::MemberFacts;
use stempel_domain::MemberId;
use stempel_domain::event::ReversalReason;
use stempel_domain::money::Money;
use stempel_domain::programme::Programme;
use stempel_domain::rules::{self, Original, RuleBook, Take, TakeBack, TakenBack, case, reverse};
use stempel_domain::sale::{Claim, Order, Sale, Tender, TenderKind};

use crate::support::*;

fn programme(rules: &str) -> String {
    format!("id = \"p\"\nname = \"P\"\n{rules}")
}

fn run(rules: &str, case: Value) -> Vec<Value> {
    let programme = Programme::parse_toml(&programme(rules)).unwrap_or_else(|error| panic!("{error}"));
    case::run(&[programme], &case.to_string()).unwrap_or_else(|error| panic!("{error}"))
}

fn rules_book(rules: &str) -> RuleBook {
    book(&[&programme(rules)])
}

#[test]
fn only_what_has_expired_gets_days_of_grace() {
    let cup = "[[reward]]\nid = \"cup\"\nkind = \"gift\"\ncost = 10\n";
    let look = |at: &str| json!({"at": at, "look": true});
    let answers = run(
        cup,
        json!({"member": {"balances": {"point": "5"}, "lots": [{"unit": "point", "amount": "10", "last_day": "2026-11-25"}]},
        "steps": [
            {"at": "2026-11-20T12:00:00+01:00", "sale": {"claims": [{"reward": "cup"}]}},
            {"at": "2026-12-01T12:00:00+01:00", "refund": {"of": 0, "lines": "all"}},
            look("2026-12-31T12:00:00+01:00"),
            look("2027-01-01T12:00:00+01:00"),
        ]}),
    );
    let balances: Vec<&Value> = answers.iter().map(|answer| &answer["balances"]["point"]).collect();
    assert_eq!(balances, ["5", "15", "15", "5"]);
}

#[test]
fn a_line_that_earned_nothing_takes_nothing_back() {
    let food = "[[earn]]\nper = \"money\"\namount = 1\ncategories = [\"food\"]\n";
    let answers = run(
        food,
        json!({"member": {"balances": {"point": "0"}}, "steps": [
            {"at": "2026-11-20T12:00:00+01:00", "sale": {"lines": [
                {"sku": "bread", "category": "food", "price": "10.00"}, {"sku": "pen", "price": "30.00"}]}},
            {"at": "2026-11-20T13:00:00+01:00", "refund": {"of": 0, "lines": {"pen": "1"}}},
            {"at": "2026-11-20T13:00:00+01:00", "refund": {"of": 0, "lines": {"bread": "1"}}},
        ]}),
    );
    let balances: Vec<&Value> = answers.iter().map(|answer| &answer["balances"]["point"]).collect();
    assert_eq!(balances, ["10", "10", "0"]);
}

#[test]
fn a_refund_does_not_make_the_visit_unhappen() {
    let book = rules_book("[[earn]]\nper = \"order\"\namount = 1\n");
    let sold = sale(vec![line("a", "", "1", "5.00")]);
    let outcome = judge(&book, &MemberFacts::default(), Order::Sale(&sold));
    let (at, purses, before) = (noon(), BTreeMap::new(), TakenBack::default());
    let member = Some(MemberId([1; 16]));
    let original =
        Original { sale: Some(&sold), is_visit: true, outcome: &outcome, member, shop: SHOP, at: &at };
    let visit = |reason| {
        let wish = TakeBack { take: Take::Everything, reason, before: &before, purses: &purses, at: &at };
        reverse(&original, &wish).unwrap().visit_ms
    };
    assert_eq!(visit(ReversalReason::Refund), None);
    assert_eq!(visit(ReversalReason::Undo), Some(at.utc_ms));
}

#[test]
fn what_comes_by_itself_cannot_be_claimed_again() {
    let book = rules_book("[[reward]]\nid = \"r\"\nkind = \"percent-off\"\npercent = 10\nautomatic = true\n");
    let sold = Sale { claims: vec![claim("r")], ..sale(vec![line("a", "", "1", "10.00")]) };
    let outcome = judge(&book, &MemberFacts::default(), Order::Sale(&sold));
    assert_eq!((outcome.total, outcome.refused[0].reason.as_str()), (Money(900), "comes-by-itself"));
}

#[test]
fn a_discount_for_cards_needs_one() {
    let book = rules_book(
        "[[reward]]\nid = \"r\"\nkind = \"percent-off\"\npercent = 10\nautomatic = true\nneeds_card = true\n",
    );
    let sold = sale(vec![line("a", "", "1", "10.00")]);
    assert_eq!(judge(&book, &MemberFacts::default(), Order::Sale(&sold)).total, Money(900));
    let nobody = rules::evaluate(&book, None, Order::Sale(&sold), SHOP, &noon());
    assert!(nobody.total == Money(1000) && has(&nobody, "needs-card"));
}

#[test]
fn the_guest_chooses_which_article_is_free_within_the_set() {
    let book =
        rules_book("[[reward]]\nid = \"f\"\nkind = \"free-item\"\ncost = 1\nskus = [\"tea\", \"latte\"]\n");
    let lines = vec![line("tea", "", "1", "3.00"), line("latte", "", "1", "5.00")];
    let with = |sku: Option<&str>| {
        let claim = Claim { sku: sku.map(|sku| sku.parse().unwrap()), ..claim("f") };
        judge(&book, &member("point", 1), Order::Sale(&Sale { claims: vec![claim], ..sale(lines.clone()) }))
    };
    assert_eq!(with(None).total, Money(500), "the cheapest, if nobody chose");
    assert_eq!(with(Some("latte")).total, Money(300));
    assert_eq!(with(Some("cake")).refused[0].reason, "not-in-set");
}

#[test]
fn stored_value_pays_no_more_than_there_is_to_pay() {
    let tenders = vec![Tender { kind: TenderKind::Stored, amount: Money(1000) }];
    let sold = Sale { tenders, ..sale(vec![line("a", "", "1", "5.00")]) };
    let outcome = judge(&rules_book(""), &member("eur.2", 5000), Order::Sale(&sold));
    assert_eq!(outcome.stored, Money(500));
    assert!(!has(&outcome, "stored-short"));
}

#[test]
fn vouchers_are_offered_to_those_who_hold_one() {
    let book = book(&[&template("next-visit-voucher")]);
    assert!(rules::offers(&book, &MemberFacts::default(), None, SHOP, &noon()).rewards.is_empty());
    let holder = member("voucher:again:three-off", 2);
    assert_eq!(rules::offers(&book, &holder, None, SHOP, &noon()).rewards[0].times, 2);
}

#[test]
fn a_card_is_full_when_the_cheapest_reward_can_be_taken() {
    let gift = |id: &str, cost: u32| format!("[[reward]]\nid = \"{id}\"\nkind = \"gift\"\ncost = {cost}\n");
    let rules = format!("unit = \"stamp\"\n{}{}", gift("a", 10), gift("b", 5));
    assert_eq!(Programme::parse_toml(&programme(&rules)).unwrap().card_size(), Some(5));
    let points = programme(&gift("a", 10));
    assert_eq!(Programme::parse_toml(&points).unwrap().card_size(), None, "points fill no card");
}

#[test]
fn a_line_discounted_to_nothing_is_free_and_earns_nothing() {
    let rules = "[[earn]]\nper = \"item\"\namount = 1\n\
        [[reward]]\nid = \"r\"\nkind = \"percent-off\"\npercent = 100\nskus = [\"a\"]\nautomatic = true\n";
    let sold = sale(vec![line("a", "", "2", "3.00"), line("b", "", "1", "3.00")]);
    let outcome = judge(&rules_book(rules), &MemberFacts::default(), Order::Sale(&sold));
    assert_eq!(outcome.earned()[&unit("point")], 1);
}

#[test]
fn an_anniversary_at_new_year_is_remembered_for_its_week() {
    let book = rules_book("[[occasion]]\nid = \"j\"\non = \"joined\"\ngives = { amount = 5 }\n");
    let kept = |occurrence: &str, today: &str| {
        let mut facts = MemberFacts { grants: vec![format!("p/j@{occurrence}")], ..MemberFacts::default() };
        book.trim(&mut facts, at(&format!("{today}T12:00:00+01:00")).day);
        !facts.grants.is_empty()
    };
    for (occurrence, today, remembered) in [
        ("2027", "2026-12-28", true),
        ("2027", "2027-01-03", true),
        ("2026", "2027-01-03", true),
        ("2026", "2027-01-10", false),
        ("2027", "2026-12-20", false),
    ] {
        assert_eq!(kept(occurrence, today), remembered, "{occurrence} on {today}");
    }
}
