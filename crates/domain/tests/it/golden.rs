//! The outcome is part of every sale's event: these bytes are for ever. If this test fails, an old event would
//! be read with another meaning; a new meaning needs a new version of the rules.

use stempel_domain::money::Money;
use stempel_domain::rules::{Outcome, VERSION};
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
    judge(&book, &facts, Order::Sale(&sold))
}

#[test]
fn an_outcome_keeps_its_bytes() {
    assert_eq!(VERSION, 1);
    let bytes = serde_json::to_string_pretty(&outcome()).unwrap();
    assert_eq!(bytes.trim(), BYTES.trim());
    assert_eq!(serde_json::from_str::<Outcome>(BYTES).unwrap(), outcome());
}
