//! What is found out over several members, shops or orders: clearing, boards, targets.

use std::collections::BTreeMap;

use stempel_domain::event::ReversalReason;
use stempel_domain::ledger::Posting;
use stempel_domain::money::Money;
use stempel_domain::programme::Programme;
use stempel_domain::rules::clearing::{self, Turnover};
use stempel_domain::rules::leaderboard::{self, Entrant};
use stempel_domain::rules::{self, Original, Take, TakeBack, TakenBack, reverse, sale_postings};
use stempel_domain::sale::{Order, Sale};
use stempel_domain::{MemberFacts, MemberId, ShopId};

use crate::support::*;

const MEMBER: MemberId = MemberId([7; 16]);
const BAKER: ShopId = ShopId([2; 16]);

#[test]
fn shops_of_a_street_settle_what_they_gave_and_honoured() {
    let text = template("coalition");
    let book = book(&[&text]);
    let points = |amount: i64| member("point", amount);
    let sell = |facts: &MemberFacts, sale: &Sale, shop: ShopId| {
        let outcome = rules::evaluate(&book, Some(facts), Order::Sale(sale), shop, &noon());
        let postings = sale_postings(sale, &outcome, Some(MEMBER), shop, noon().day);
        (outcome, postings)
    };
    // 300 and 100 points are given in one shop and 50 at the baker's, who honours 200 of them.
    let mut events: Vec<Vec<Posting>> = Vec::new();
    for (price, shop) in [("300.00", SHOP), ("100.00", SHOP), ("50.00", BAKER)] {
        events.push(sell(&points(0), &sale(vec![line("a", "", "1", price)]), shop).1);
    }
    let claims =
        Sale { claims: vec![claim("one-off"), claim("one-off")], ..sale(vec![line("b", "", "1", "2.00")]) };
    let (outcome, honoured) = sell(&points(300), &claims, BAKER);
    assert_eq!(outcome.total, Money::ZERO);
    events.push(honoured);
    let turnovers = clearing::turnovers(events.iter().map(Vec::as_slice), |shop| shop);
    let of_points = &turnovers[&unit("point")];
    assert_eq!(of_points[&SHOP], Turnover { issued: 400, honoured: 0 });
    assert_eq!(of_points[&BAKER], Turnover { issued: 50, honoured: 200 });
    let per_unit = Programme::parse_toml(&text).unwrap().spec().clearing.unwrap().per_unit;
    let settled = clearing::clear(of_points, &unit("point"), per_unit);
    // 2.00 is charged 400 to 50: 1.78 and 0.22.
    assert_eq!(settled.transfers.len(), 1);
    let transfer = &settled.transfers[0];
    assert_eq!((transfer.from, transfer.to, transfer.amount), (SHOP, BAKER, Money(178)));

    // The baker takes the sale back: nothing was honoured after all, and nobody pays anybody.
    let (at, before) = (noon(), TakenBack::default());
    let original = Original {
        sale: Some(&claims),
        is_visit: true,
        outcome: &outcome,
        member: Some(MEMBER),
        shop: BAKER,
        at: &at,
    };
    let mut purses = BTreeMap::new();
    for posting in events.iter().flatten().filter(|posting| posting.booking.is_some()) {
        let purse: &mut stempel_domain::ledger::Purse = purses.entry(posting.unit.clone()).or_default();
        purse.add(posting.booking.unwrap(), posting.amount);
    }
    let wish = TakeBack {
        take: Take::Everything,
        reason: ReversalReason::Refund,
        before: &before,
        purses: &purses,
        at: &at,
    };
    events.push(reverse(&original, &wish).unwrap().postings);
    let turnovers = clearing::turnovers(events.iter().map(Vec::as_slice), |shop| shop);
    assert_eq!(turnovers[&unit("point")][&BAKER], Turnover { issued: 50, honoured: 0 });
    let settled = clearing::clear(&turnovers[&unit("point")], &unit("point"), per_unit);
    assert!(settled.transfers.is_empty());
}

#[test]
fn shops_of_one_merchant_settle_as_one() {
    let book = book(&[&template("coalition")]);
    let sold = sale(vec![line("a", "", "1", "10.00")]);
    let outcome = judge(&book, &MemberFacts::default(), Order::Sale(&sold));
    let of = |shop| sale_postings(&sold, &outcome, Some(MEMBER), shop, noon().day);
    let events = [of(SHOP), of(BAKER)];
    let turnovers = clearing::turnovers(events.iter().map(Vec::as_slice), |_| "one");
    assert_eq!(turnovers[&unit("point")]["one"], Turnover { issued: 20, honoured: 0 });
}

#[test]
fn a_board_counts_in_its_month_and_takes_back_what_was_undone() {
    let board = book(&[&template("month-board")]);
    let published = &board.programmes()[0];
    let mut facts = MemberFacts::default();
    let coffee = sale(vec![line("a", "", "1", "3.00")]);
    for day in ["2026-10-31", "2026-11-02", "2026-11-20"] {
        let at = at(&format!("{day}T12:00:00+01:00"));
        for _ in 0..2 {
            let outcome = rules::evaluate(&board, Some(&facts), Order::Sale(&coffee), SHOP, &at);
            for step in outcome.counters {
                *facts.counters.entry(step.key).or_default().entry(step.day).or_default() += step.amount;
            }
        }
    }
    assert_eq!(leaderboard::score(published, &facts, noon().day), Some(2), "days, and those of November");
    assert_eq!(leaderboard::score(&book(&[&template("points")]).programmes()[0], &facts, noon().day), None);

    let spend = book(&["id = \"s\"\nname = \"S\"\nleaderboard = { by = \"spend\", period = \"week\" }\n"]);
    let outcome = judge(&spend, &MemberFacts::default(), Order::Sale(&coffee));
    assert_eq!(outcome.counters[0].key, "s#board");
    let (at, before, purses) = (noon(), TakenBack::default(), BTreeMap::new());
    let original = Original {
        sale: Some(&coffee),
        is_visit: true,
        outcome: &outcome,
        member: Some(MEMBER),
        shop: SHOP,
        at: &at,
    };
    let wish = TakeBack {
        take: Take::Everything,
        reason: ReversalReason::Refund,
        before: &before,
        purses: &purses,
        at: &at,
    };
    assert_eq!(reverse(&original, &wish).unwrap().counters[0].amount, -300);
}

#[test]
fn the_first_of_a_month_begins_with_nothing() {
    let board = book(&[&template("month-board")]);
    let mut facts = MemberFacts::default();
    facts.counters.entry("board#board".to_owned()).or_default().insert(noon().day, 1);
    let first = at("2026-12-01T12:00:00+01:00").day;
    let score = leaderboard::score(&board.programmes()[0], &facts, first).unwrap();
    assert_eq!(score, 0);
    assert!(leaderboard::ranks([Entrant { member: MEMBER, score, consent: true }], 10).is_empty());
}
