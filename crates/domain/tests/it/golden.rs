//! The outcome is part of every sale's event: these bytes are for ever. If this test fails, an old event would
//! be read with another meaning; a new meaning needs a new version of the rules.

use stempel_domain::money::Money;
use stempel_domain::rules::{Outcome, Rules, UnknownRules, VERSION};
use stempel_domain::sale::{Order, Sale, Tender, TenderKind};

use crate::support::*;

const BYTES: &str = include_str!("golden/outcome-1.json");

fn outcome() -> Outcome {
    let shop = "id = \"p\"\nname = \"P\"\nexpiry = { months = 12 }\ngrace_days = 14\n\
        [[earn]]\nid = \"euro\"\nper = \"money\"\namount = 1\ncap = { day = 50 }\n\
        [[earn]]\nid = \"coffee\"\nper = \"item\"\namount = 2\ncategories = [\"coffee\"]\n\
        [[reward]]\nid = \"off\"\nkind = \"percent-off\"\npercent = 10\nautomatic = true\nexcept_categories = [\"cake\"]\n\
        [[reward]]\nid = \"mug\"\nkind = \"free-item\"\ncost = 5\nskus = [\"mug\"]\n\
        [[reward]]\nid = \"gift\"\nkind = \"gift\"\ncost = 1000\n\
        [[reward]]\nid = \"trees\"\nkind = \"gift\"\ncost = 1\ncause = \"trees\"\n";
    let book = book(&[shop]);
    let mut facts = member("point", 20);
    facts.lots.extend(member("eur.2", 150).lots);
    let sold = Sale {
        claims: vec![claim("mug"), claim("gift"), claim("trees")],
        tenders: vec![Tender { kind: TenderKind::Stored, amount: Money(150) }],
        ..sale(vec![line("latte", "coffee", "3", "4.15"), line("tart", "cake", "1", "3.50")])
    };
    // The first rules, whatever newer ones there are.
    Rules::of(1).unwrap().evaluate(&book, Some(&facts), Order::Sale(&sold), SHOP, &noon())
}

#[test]
fn an_outcome_keeps_its_bytes() {
    assert_eq!(VERSION, 1);
    let bytes = serde_json::to_string_pretty(&outcome()).unwrap();
    assert_eq!(bytes.trim(), BYTES.trim());
    assert_eq!(serde_json::from_str::<Outcome>(BYTES).unwrap(), outcome());
}

#[test]
fn each_version_of_the_rules_stays_runnable_and_no_other_is_guessed() {
    for version in 1..=VERSION {
        assert!(Rules::of(version).is_ok(), "{version}");
    }
    for version in [0, VERSION + 1, u32::MAX] {
        assert_eq!(Rules::of(version), Err(UnknownRules(version)));
    }
    assert_eq!(
        UnknownRules(7).to_string(),
        "It was judged by rules of version 7; known here are 1 to 1: update Stempel."
    );
}

#[test]
fn what_is_judged_now_is_judged_by_the_newest_rules() {
    let book = book(&["id = \"p\"\nname = \"P\"\n[[earn]]\nper = \"money\"\namount = 1\n"]);
    let (facts, sold) = (member("point", 0), sale(vec![line("a", "", "1", "9.00")]));
    let newest = Rules::of(VERSION).unwrap();
    let now = judge(&book, &facts, Order::Sale(&sold));
    assert_eq!(newest.evaluate(&book, Some(&facts), Order::Sale(&sold), SHOP, &noon()), now);
}
