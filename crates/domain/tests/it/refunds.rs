//! What comes back, in whatever parts and order, and what is owed or let go.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use stempel_domain::event::{Reversal, ReversalReason};
use stempel_domain::ledger::{Account, Booking, Lot, Posting, Purse, imbalance};
use stempel_domain::money::{Money, Quantity, Rate};
use stempel_domain::programme::Programme;
use stempel_domain::rules::{
    Original, Outcome, ReverseError, Reversed, RuleBook, Take, TakeBack, TakenBack, TraceStep, case, reverse,
    sale_postings,
};
use stempel_domain::sale::{Line, Order, Sale, Tender, TenderKind};
use stempel_domain::{EventRef, MemberFacts, MemberId, Moment, Unit};

use crate::support::*;

const MEMBER: MemberId = MemberId([7; 16]);

/// A sale, the member's purses after it, and what was taken back of it so far.
struct Sold {
    sale: Sale,
    outcome: Outcome,
    purses: BTreeMap<Unit, Purse>,
    reversals: Vec<Reversal>,
    let_go: BTreeMap<Unit, i64>,
}

fn of() -> EventRef {
    "00000000000000000000000000000001-1".parse().unwrap()
}

fn apply(purses: &mut BTreeMap<Unit, Purse>, postings: &[Posting]) {
    for posting in postings.iter().filter(|posting| posting.account == Account::Member(MEMBER)) {
        purses.entry(posting.unit.clone()).or_default().add(posting.booking.unwrap(), posting.amount);
    }
}

impl Sold {
    fn new(book: &RuleBook, facts: &MemberFacts, sale: Sale) -> Self {
        let outcome = judge(book, facts, Order::Sale(&sale));
        let mut purses: BTreeMap<Unit, Purse> = BTreeMap::new();
        for (unit, lot) in facts.lots.iter().flat_map(|(unit, lots)| lots.iter().map(move |lot| (unit, lot)))
        {
            let booking = Booking::Lot { earned: lot.earned, last: lot.last, idle: lot.idle };
            purses.entry(unit.clone()).or_default().add(booking, lot.amount);
        }
        apply(&mut purses, &sale_postings(&sale, &outcome, Some(MEMBER), SHOP, noon().day));
        Self { sale, outcome, purses, reversals: Vec::new(), let_go: BTreeMap::new() }
    }

    fn back(&mut self, take: Take<'_>, at: &Moment) -> Result<Reversed, ReverseError> {
        let sold_at = noon();
        let original = Original {
            sale: Some(&self.sale),
            is_visit: true,
            outcome: &self.outcome,
            member: Some(MEMBER),
            shop: SHOP,
            at: &sold_at,
        };
        let before = TakenBack::by(&self.reversals);
        let reason = ReversalReason::Refund;
        let wish = TakeBack { take, reason, before: &before, purses: &self.purses, at };
        let reversed = reverse(&original, &wish)?;
        apply(&mut self.purses, &reversed.postings);
        for (unit, amount) in &reversed.let_go {
            *self.let_go.entry(unit.clone()).or_default() += amount;
        }
        self.reversals.push(reversed.clone().into_reversal(of(), Some(MEMBER), reason));
        Ok(reversed)
    }

    fn balance(&self, name: &str) -> i64 {
        self.purses.get(&unit(name)).map_or(0, |purse| purse.balance(noon().day))
    }

    fn counter(&self, key: &str) -> i64 {
        let steps = self.reversals.iter().flat_map(|reversal| &reversal.counters);
        steps.chain(&self.outcome.counters).filter(|step| step.key == key).map(|step| step.amount).sum()
    }

    fn accounts(&self) -> BTreeMap<(String, Unit), i64> {
        let mut sums = BTreeMap::new();
        for posting in self.reversals.iter().flat_map(|reversal| &reversal.postings) {
            *sums.entry((posting.account.to_string(), posting.unit.clone())).or_insert(0) += posting.amount;
        }
        sums.retain(|_, sum| *sum != 0);
        sums
    }
}

fn shop(head: &str) -> RuleBook {
    book(&[&format!(
        "id = \"p\"\nname = \"P\"\n{head}\n\
         [[earn]]\nid = \"euro\"\nper = \"money\"\namount = 1\ncap = {{ day = 70 }}\n\
         [[earn]]\nid = \"a\"\nper = \"item\"\namount = 3\ncategories = [\"a\"]\n\
         [[reward]]\nid = \"off\"\nkind = \"amount-off\"\namount = 1.11\ncost = 7\n\
         [[reward]]\nid = \"ten\"\nkind = \"percent-off\"\npercent = 10\nautomatic = true\n"
    )])
}

prop_compose! {
    fn lines()(sku in 0..4_usize, category in 0..2_usize, pieces in 1..5_i64, price in prop_oneof![1 => Just(0), 4 => 0..3000_i64], vat in 0..2_usize) -> Line {
        Line {
            sku: format!("sku{sku}").parse().unwrap(),
            name: String::new(),
            category: ["a", ""][category].to_owned(),
            quantity: Quantity(pieces * 1000),
            price: Money(price),
            vat: Rate([700, 1900][vat]),
            deposit: false,
            stored: false,
        }
    }
}

prop_compose! {
    fn sales()(lines in prop::collection::vec(lines(), 1..5), claims in 0..3_usize, stored in 0..900_i64) -> Sale {
        let tenders = vec![Tender { kind: TenderKind::Stored, amount: Money(stored) }];
        Sale { lines, claims: vec![claim("off"); claims], tenders, codes: Vec::new() }
    }
}

fn facts(points: i64) -> MemberFacts {
    let mut facts = member("point", points);
    facts.lots.extend(member("eur.2", 500).lots);
    facts
}

/// Cuts a sale into refunds of one piece each, and deals them into an order.
fn pieces(sale: &Sale, seed: u64) -> Vec<Vec<i64>> {
    let mut pieces: Vec<Vec<i64>> = Vec::new();
    for (line, sold) in sale.lines.iter().enumerate() {
        for _ in 0..sold.quantity.whole() {
            let mut quantities = vec![0; sale.lines.len()];
            quantities[line] = 1000;
            pieces.push(quantities);
        }
    }
    let mut state = seed | 1;
    for index in (1..pieces.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        pieces.swap(index, (state >> 33) as usize % (index + 1));
    }
    pieces
}

proptest! {
    #[test]
    fn the_order_of_partial_refunds_does_not_matter(
        sale in sales(), points in 0..60_i64, seed in any::<u64>(), other in any::<u64>(), most in 1..8_usize,
    ) {
        // The same pieces come back in two orders, one of them in fewer and larger parts.
        let mut some = pieces(&sale, seed);
        some.truncate(most);
        let mut straight = Sold::new(&shop(""), &facts(points), sale.clone());
        for quantities in &some {
            straight.back(Take::Quantities(quantities), &noon()).unwrap();
        }
        let mut sums = some.clone();
        sums.rotate_left((other as usize) % some.len());
        let joined: Vec<i64> = (0..sale.lines.len()).map(|line| sums.iter().skip(1).map(|quantities| quantities[line]).sum()).collect();
        let mut another = Sold::new(&shop(""), &facts(points), sale.clone());
        if joined.iter().any(|quantity| *quantity != 0) {
            another.back(Take::Quantities(&joined), &noon()).unwrap();
        }
        another.back(Take::Quantities(&sums[0]), &noon()).unwrap();
        prop_assert_eq!(straight.accounts(), another.accounts());
        for unit in ["point", "eur.2"] {
            prop_assert_eq!(straight.balance(unit), another.balance(unit));
        }
        prop_assert_eq!(straight.counter("p/euro"), another.counter("p/euro"));
    }

    #[test]
    fn piece_by_piece_is_the_whole_and_nothing_comes_twice(sale in sales(), points in 0..60_i64, seed in any::<u64>(), head in 0..2_usize) {
        let head = ["", "tiers = { by = \"spend\", window_days = 30, ladder = [{ name = \"x\", from = 10 }] }"][head];
        let mut sold = Sold::new(&shop(head), &facts(points), sale.clone());
        for quantities in pieces(&sale, seed) {
            let reversed = sold.back(Take::Quantities(&quantities), &noon()).unwrap();
            prop_assert!(imbalance(&reversed.postings).is_empty());
            prop_assert!(reversed.lines.iter().all(|money| *money >= Money::ZERO), "{:?}", reversed.lines);
            prop_assert_eq!(reversed.lines.iter().copied().sum::<Money>(), reversed.refund);
            let twice: Vec<i64> = sale.lines.iter().map(|line| line.quantity.0 + 1000).collect();
            prop_assert!(sold.back(Take::Quantities(&twice), &noon()).is_err());
        }
        prop_assert_eq!(sold.back(Take::Everything, &noon()), Err(ReverseError::NothingLeft));
        prop_assert_eq!((sold.balance("point"), sold.balance("eur.2")), (points, 500));
        for key in ["p/euro", "p/a", "p#tier"] {
            prop_assert_eq!(sold.counter(key), 0, "{}", key);
        }
    }

    #[test]
    fn who_forgives_never_makes_a_debt(
        sale in sales(), points in 0..60_i64, used in 0..200_i64, seed in any::<u64>(), most in 0..20_usize, later in 0..3_usize,
    ) {
        let mut sold = Sold::new(&shop("refunds = \"forgive\"\nexpiry = { days = 20 }"), &facts(points), sale.clone());
        let earned: i64 = sold.outcome.awards.iter().map(|award| award.amount).sum();
        // What was earned is spent elsewhere, before or between the refunds.
        let spend = Booking::Spend { day: noon().day.plus_days(1) };
        sold.purses.entry(unit("point")).or_default().add(spend, -used);
        let at = at(["2026-11-22T12:00:00+01:00", "2026-12-10T12:00:00+01:00", "2026-12-20T12:00:00+01:00"][later]);
        let balance = |sold: &Sold| sold.purses[&unit("point")].balance(at.day);
        let mut taken = 0;
        for quantities in pieces(&sale, seed).into_iter().take(most) {
            let least = balance(&sold).min(0);
            let reversed = sold.back(Take::Quantities(&quantities), &at).unwrap();
            prop_assert!(imbalance(&reversed.postings).is_empty());
            prop_assert!(balance(&sold) >= least, "{} from {}", balance(&sold), least);
            taken += reversed.taken_back.get(&unit("point")).copied().unwrap_or(0);
        }
        if let Ok(reversed) = sold.back(Take::Everything, &at) {
            taken += reversed.taken_back.get(&unit("point")).copied().unwrap_or(0);
        }
        let let_go = sold.let_go.get(&unit("point")).copied().unwrap_or(0);
        prop_assert!(let_go >= 0 && taken >= 0);
        prop_assert_eq!(taken + let_go, earned);
    }
}

fn run(head: &str, case: &Value) -> Vec<Value> {
    let text = format!(
        "id = \"p\"\nname = \"P\"\n{head}\n[[earn]]\nper = \"money\"\namount = 1\n\
        [[reward]]\nid = \"mug\"\nkind = \"gift\"\ncost = 8\n"
    );
    let programme = Programme::parse_toml(&text).unwrap_or_else(|error| panic!("{error}"));
    case::run(&[programme], &case.to_string()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn what_was_spent_is_owed_or_let_go() {
    let ten = json!([{"sku": "a", "price": "5.00", "vat": "19"}, {"sku": "b", "price": "5.00", "vat": "19"}]);
    let case = json!({"member": {"balances": {"point": "0"}}, "steps": [
        {"at": "2026-11-20T12:00:00+01:00", "sale": {"lines": ten}},
        {"at": "2026-11-20T13:00:00+01:00", "sale": {"claims": [{"reward": "mug"}]}},
        {"at": "2026-11-20T14:00:00+01:00", "refund": {"of": 0, "lines": {"a": "1"}}},
        {"at": "2026-11-20T15:00:00+01:00", "sale": {"lines": [{"sku": "c", "price": "4.00", "vat": "19"}]}},
        {"at": "2026-11-20T16:00:00+01:00", "refund": {"of": 0, "lines": "all"}},
        {"at": "2026-11-20T17:00:00+01:00", "sale": {"lines": [{"sku": "c", "price": "9.00", "vat": "19"}]}},
    ]});
    let balances = |head: &str| -> Vec<String> {
        let answers = run(head, &case);
        answers.iter().map(|answer| answer["balances"]["point"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(balances(""), ["10", "2", "-3", "1", "-4", "5"]);
    assert_eq!(balances("refunds = \"owe\""), balances(""));
    assert_eq!(balances("refunds = \"forgive\""), ["10", "2", "0", "4", "0", "9"]);
}

#[test]
fn what_comes_back_covers_what_is_taken_back() {
    // The sale earned 10 and spent 8: the refund gives 8 back and takes 10, and nothing need be forgiven.
    let case = json!({"member": {"balances": {"point": "8"}}, "steps": [
        {"at": "2026-11-20T12:00:00+01:00", "sale": {"lines": [{"sku": "a", "price": "10.00", "vat": "19"}], "claims": [{"reward": "mug"}]}},
        {"at": "2026-11-20T13:00:00+01:00", "sale": {"claims": [{"reward": "mug"}]}},
        {"at": "2026-11-20T14:00:00+01:00", "refund": {"of": 0, "lines": "all"}},
    ]});
    let answers = run("refunds = \"forgive\"", &case);
    let balances: Vec<&str> =
        answers.iter().map(|answer| answer["balances"]["point"].as_str().unwrap()).collect();
    assert_eq!(balances, ["10", "2", "0"]);
}

#[test]
fn the_programme_of_the_sale_decides_and_not_that_of_today() {
    let forgiving = shop("refunds = \"forgive\"");
    let sold = sale(vec![line("a", "", "1", "10.00")]);
    let outcome = judge(&forgiving, &MemberFacts::default(), Order::Sale(&sold));
    assert!(outcome.awards.iter().all(|award| award.forgive));
    let kept: Outcome = serde_json::from_str(&serde_json::to_string(&outcome).unwrap()).unwrap();
    assert_eq!(kept, outcome);
    let owing = judge(&shop(""), &MemberFacts::default(), Order::Sale(&sold));
    assert!(!serde_json::to_string(&owing).unwrap().contains("forgive"), "old events keep their bytes");
}

#[test]
fn two_refunds_of_the_same_piece_give_nothing_away() {
    let two = sale(vec![line("a", "", "2", "5.00"), line("b", "", "1", "5.00")]);
    let mut sold = Sold::new(&shop(""), &facts(0), two);
    sold.back(Take::Quantities(&[2000, 0]), &noon()).unwrap();
    // Another device, which did not know of it, has taken the same two back.
    sold.reversals.push(sold.reversals[0].clone());
    let reversed = sold.back(Take::Everything, &noon()).unwrap();
    assert_eq!(reversed.refund, Money(450));
    assert!(reversed.taken_back[&unit("point")] > 0);
    sold.reversals.push(sold.reversals[0].clone());
    assert_eq!(sold.back(Take::Everything, &noon()), Err(ReverseError::NothingLeft));
}

#[test]
fn a_sale_of_nothing_can_still_be_taken_back() {
    let ten = book(&["id = \"p\"\nname = \"P\"\n[[reward]]\nid = \"mug\"\nkind = \"gift\"\ncost = 8\n"]);
    let nothing = Sale { claims: vec![claim("mug")], ..sale(vec![line("a", "", "0", "5.00")]) };
    let mut sold = Sold::new(&ten, &facts(8), nothing);
    assert_eq!(sold.balance("point"), 0);
    sold.back(Take::Everything, &noon()).unwrap();
    assert_eq!(sold.balance("point"), 8);
    assert_eq!(sold.back(Take::Everything, &noon()), Err(ReverseError::NothingLeft));
}

#[test]
fn what_comes_back_is_said_with_its_grace() {
    // Eleven points were spent: four had ended by the day of the refund, seven never do; two euro of stored value paid.
    let gift = |cost: i64| {
        let gift = format!("[[reward]]\nid = \"mug\"\nkind = \"gift\"\ncost = {cost}\n");
        book(&[&format!(
            "id = \"p\"\nname = \"P\"\ngrace_days = 14\n[[earn]]\nper = \"money\"\namount = 1\n{gift}"
        )])
    };
    let said = |cost: i64| {
        let mut facts = facts(0);
        let lot = |amount, last| Lot { amount, earned: noon().day, last, idle: None };
        facts.lots.insert(unit("point"), vec![lot(4, Some(noon().day.plus_days(2))), lot(30, None)]);
        let tenders = vec![Tender { kind: TenderKind::Stored, amount: Money(200) }];
        let paid = Sale { claims: vec![claim("mug")], tenders, ..sale(vec![line("a", "", "1", "5.00")]) };
        let mut sold = Sold::new(&gift(cost), &facts, paid);
        let reversed = sold.back(Take::Everything, &at("2026-12-01T12:00:00+01:00")).unwrap();
        let step = |step: &TraceStep| {
            format!("{} {} {} {}", step.code, step.value("amount"), step.value("unit"), step.value("last"))
        };
        reversed.trace().iter().map(step).collect::<Vec<_>>()
    };
    let (earned, stored) = ("taken-back 5 point ", "given-back 2 eur ");
    assert_eq!(said(11), [earned, stored, "given-back 7 point ", "given-back 4 point 2026-12-15"]);
    assert_eq!(said(4), [earned, stored, "given-back 4 point 2026-12-15"]);
}

#[test]
fn an_article_leaves_a_challenge_once_and_with_its_last_piece() {
    let book = book(&["id = \"p\"\nname = \"P\"\n[[challenge]]\nid = \"c\"\neach = \"month\"\n\
        goal = [{ count = \"different\", target = 9 }]\ngives = { amount = 1 }\n"]);
    let lines = vec![line("a", "", "2", "1.00"), line("b", "", "1", "1.00"), line("a", "", "1", "3.00")];
    let mut sold = Sold::new(&book, &facts(0), sale(lines));
    for (quantities, a, b) in
        [([2000, 0, 0], 1, 1), ([0, 1000, 0], 1, 0), ([0, 0, 500], 1, 0), ([0, 0, 500], 0, 0)]
    {
        sold.back(Take::Quantities(&quantities), &noon()).unwrap();
        assert_eq!((sold.counter("p/c#1=a"), sold.counter("p/c#1=b")), (a, b), "{quantities:?}");
    }
}

#[test]
fn lines_that_are_not_there_cannot_come_back() {
    let mut sold =
        Sold::new(&shop(""), &facts(0), sale(vec![line("a", "", "1", "5.00"), line("b", "", "3", "1.00")]));
    for quantities in [&[][..], &[1000], &[1000, 1000, 1000]] {
        assert_eq!(sold.back(Take::Quantities(quantities), &noon()), Err(ReverseError::NoSuchLines));
    }
    sold.back(Take::Quantities(&[0, 1000]), &noon()).unwrap();
    for (asked, line, left) in [([1001, 0], 1, 1000), ([0, 2001], 2, 2000), ([0, -1], 2, 2000)] {
        let asked_of_line = asked[line - 1];
        let refused = ReverseError::TooMuch { line, left, asked: asked_of_line };
        assert_eq!(sold.back(Take::Quantities(&asked), &noon()), Err(refused));
    }
    assert_eq!(sold.back(Take::Quantities(&[0, 0]), &noon()), Err(ReverseError::NothingLeft));
    // Stamps have no lines at all.
    let (outcome, at, before, purses) = (Outcome::default(), noon(), TakenBack::default(), BTreeMap::new());
    let original =
        Original { sale: None, is_visit: true, outcome: &outcome, member: Some(MEMBER), shop: SHOP, at: &at };
    let wish = TakeBack {
        take: Take::Quantities(&[]),
        reason: ReversalReason::Refund,
        before: &before,
        purses: &purses,
        at: &at,
    };
    assert_eq!(reverse(&original, &wish), Err(ReverseError::NoSuchLines));
}

#[test]
fn what_has_no_weights_falls_by_what_was_paid_and_else_by_what_it_cost() {
    // Half of the dearer one is off: 5.00 and 5.00 were paid, ten points are five and five. Where all is free, a mug
    // for nine points falls by the prices, 2 to 1: six and three.
    let shop = |percent: &str, set: &str| {
        book(&[&format!(
            "id = \"p\"\nname = \"P\"\n[[earn]]\nper = \"order\"\namount = 10\n\
             [[reward]]\nid = \"r\"\nkind = \"percent-off\"\npercent = {percent}\nautomatic = true\n{set}\
             [[reward]]\nid = \"mug\"\nkind = \"gift\"\ncost = 9\n"
        )])
    };
    let lines = || vec![line("a", "", "1", "10.00"), line("b", "", "1", "5.00")];
    let mut half = Sold::new(&shop("50", "skus = [\"a\"]\n"), &facts(0), sale(lines()));
    let reversed = half.back(Take::Quantities(&[1000, 0]), &noon()).unwrap();
    assert_eq!((reversed.refund, reversed.taken_back[&unit("point")]), (Money(500), 5));
    let claimed = Sale { claims: vec![claim("mug")], ..sale(lines()) };
    let mut free = Sold::new(&shop("100", ""), &facts(9), claimed);
    let reversed = free.back(Take::Quantities(&[0, 1000]), &noon()).unwrap();
    assert_eq!((reversed.refund, reversed.given_back[&unit("point")]), (Money::ZERO, 3));
}

#[test]
fn a_ladder_follows_what_it_counted() {
    let mut bottle = line("bottle", "", "1", "2.00");
    bottle.deposit = true;
    let lines = vec![bottle, line("juice", "a", "2", "4.00")];
    let ladder = |by: &str| {
        shop(&format!(
            "tiers = {{ by = \"{by}\", window_days = 30, ladder = [{{ name = \"x\", from = 1 }}] }}"
        ))
    };
    for (by, sold_for, without_bottle, without_one, without_both) in
        // 7.20 for the juice; 7 points and 3 for each of two pieces; a visit.
        [("spend", 720, 720, 360, 0), ("units", 13, 13, 6, 0), ("visits", 1, 1, 1, 0)]
    {
        let mut sold = Sold::new(&ladder(by), &facts(0), sale(lines.clone()));
        let counts = |sold: &Sold| sold.counter("p#tier");
        assert_eq!(counts(&sold), sold_for, "{by}");
        sold.back(Take::Quantities(&[1000, 0]), &noon()).unwrap();
        assert_eq!(counts(&sold), without_bottle, "{by}: a deposit was not counted");
        sold.back(Take::Quantities(&[0, 1000]), &noon()).unwrap();
        assert_eq!(counts(&sold), without_one, "{by}");
        sold.back(Take::Everything, &noon()).unwrap();
        assert_eq!(counts(&sold), without_both, "{by}");
    }
}

#[test]
fn what_a_claim_took_off_some_lines_comes_back_with_them() {
    // Two euro off tea, for seven points: 1.20 and 0.80 off the teas. The bread has no part in it.
    let tea = book(&["id = \"p\"\nname = \"P\"\n[[reward]]\nid = \"off\"\nkind = \"amount-off\"\n\
        amount = 2.00\ncost = 7\ncategories = [\"tea\"]\n"]);
    let lines =
        vec![line("b", "", "1", "9.00"), line("t", "tea", "1", "3.00"), line("u", "tea", "1", "2.00")];
    for (quantities, paid_back, given_back) in
        [([1000, 0, 0], 900, None), ([0, 1000, 0], 180, Some(4)), ([0, 0, 1000], 120, Some(3))]
    {
        let claimed = Sale { claims: vec![claim("off")], ..sale(lines.clone()) };
        let mut sold = Sold::new(&tea, &facts(7), claimed);
        assert_eq!(sold.outcome.spends[0].weights, [0, 120, 80]);
        let reversed = sold.back(Take::Quantities(&quantities), &noon()).unwrap();
        let given = reversed.given_back.get(&unit("point")).copied();
        assert_eq!((reversed.refund, given), (Money(paid_back), given_back), "{quantities:?}");
        sold.back(Take::Everything, &noon()).unwrap();
        assert_eq!(sold.balance("point"), 7);
    }
}

#[test]
fn a_free_article_beside_a_return_changes_no_refund() {
    // 12.00 and 8.00 are paid and 3.00 come back: seventeen points, and ten for the order.
    let lines = || vec![line("a", "", "1", "12.00"), line("r", "", "-1", "3.00"), line("b", "", "2", "4.00")];
    let book = book(&["id = \"p\"\nname = \"P\"\n[[earn]]\nid = \"e\"\nper = \"money\"\namount = 1\n\
        [[earn]]\nid = \"o\"\nper = \"order\"\namount = 10\n\
        [[reward]]\nid = \"f\"\nkind = \"free-item\"\ncost = 5\nskus = [\"x\"]\n"]);
    let taken = |claims: Vec<stempel_domain::sale::Claim>, parts: &[[i64; 3]]| -> Vec<i64> {
        let mut sold = Sold::new(&book, &facts(5), Sale { claims, ..sale(lines()) });
        assert_eq!(sold.outcome.earned()[&unit("point")], 27);
        let back = |quantities: &[i64; 3]| {
            let reversed = sold.back(Take::Quantities(quantities), &noon()).unwrap();
            reversed.taken_back.get(&unit("point")).copied().unwrap_or(0)
        };
        parts.iter().map(back).collect()
    };
    // Of seventeen 12 to 8 are 10.2 and 6.8: ten and seven; of ten, six and four. The return has no part in it.
    let parts = [[0, -1000, 0], [1000, 0, 0], [0, 0, 1000], [0, 0, 1000]];
    assert_eq!(taken(vec![], &parts), [0, 16, 6, 5]);
    assert_eq!(taken(vec![claim("f")], &parts), [0, 16, 6, 5]);
}

#[test]
fn a_share_for_a_cause_comes_back_with_the_lines_it_was_made_of() {
    let trees = book(&["id = \"p\"\nname = \"P\"\n[[giving]]\nid = \"g\"\ncause = \"trees\"\npercent = 1\n\
        categories = [\"a\"]\n"]);
    let lines = vec![line("x", "", "1", "9.00"), line("y", "a", "1", "7.50"), line("z", "a", "1", "5.00")];
    let mut sold = Sold::new(&trees, &facts(0), sale(lines));
    let cause = |postings: &[Posting]| -> Vec<(String, i64)> {
        let euro = |posting: &&Posting| posting.unit == Unit::euro() && posting.booking.is_none();
        let moved = postings.iter().filter(euro).filter_map(|posting| match &posting.account {
            Account::Cause(cause) => Some((cause.clone(), posting.amount)),
            Account::Shop(_) => Some(("shop".to_owned(), posting.amount)),
            _ => None,
        });
        moved.collect()
    };
    let both = |amount: i64| vec![("shop".to_owned(), -amount), ("trees".to_owned(), amount)];
    // One per cent of 12.50, half up: 0.13, of which 0.08 and 0.05 fall to the two lines.
    let given = sale_postings(&sold.sale, &sold.outcome, Some(MEMBER), SHOP, noon().day);
    assert_eq!(cause(&given), both(13));
    assert!(imbalance(&given).is_empty());
    for (quantities, back) in
        [([1000, 0, 0], vec![]), ([0, 1000, 0], both(-8)), ([0, 0, 500], both(-3)), ([0, 0, 500], both(-2))]
    {
        let reversed = sold.back(Take::Quantities(&quantities), &noon()).unwrap();
        assert_eq!(cause(&reversed.postings), back, "{quantities:?}");
        assert!(imbalance(&reversed.postings).is_empty());
    }
}

#[test]
fn what_costs_nothing_takes_its_own_units_along() {
    // Leaflets of 0.00 are what counts and a map of 0.00 is what is given free: the coffee has no part in either.
    let shop = |set: &str| {
        book(&[&format!(
            "id = \"p\"\nname = \"P\"\n[[earn]]\nid = \"o\"\nper = \"order\"\namount = 9\n{set}\
             [[reward]]\nid = \"f\"\nkind = \"free-item\"\ncost = 6\nskus = [\"map\", \"plan\"]\n"
        )])
    };
    let coffee = || line("coffee", "", "1", "4.00");
    let [leaflets, map, plans] =
        [("leaflet", "2"), ("map", "1"), ("plan", "2")].map(|(sku, count)| line(sku, "", count, "0.00"));
    let free = |times| stempel_domain::sale::Claim { times, ..claim("f") };
    for (set, lines, claims, parts) in [
        // Of the leaflets' nine points 4.5 fall to each; the map's six come back with it.
        (
            "skus = [\"leaflet\"]\n",
            vec![coffee(), leaflets.clone(), map.clone()],
            vec![free(1)],
            vec![([1000, 0, 0], 0), ([0, 1000, 0], -5), ([0, 0, 1000], 6), ([0, 1000, 0], -4)],
        ),
        // Eighteen points for three pieces: the one map and two plans.
        (
            "skus = [\"leaflet\"]\n",
            vec![coffee(), map.clone(), plans.clone()],
            vec![free(3)],
            vec![([1000, 0, 0], 0), ([0, 0, 1000], 6), ([0, 1000, 0], 6), ([0, 0, 1000], 6)],
        ),
        // Where nothing at all is paid, nine points fall to three pieces.
        (
            "",
            vec![map.clone(), leaflets],
            vec![],
            vec![([1000, 0, 0], -3), ([0, 1000, 0], -3), ([0, 1000, 0], -3)],
        ),
        // What costs something is what counts: a free leaflet has no part in it.
        ("", vec![map, coffee()], vec![], vec![([1000, 0, 0], 0), ([0, 1000, 0], -9)]),
    ] {
        let count = lines.len();
        let mut sold = Sold::new(&shop(set), &facts(50), Sale { claims, ..sale(lines) });
        assert_eq!(sold.outcome.refused, []);
        for (quantities, moved) in parts {
            let before = sold.balance("point");
            sold.back(Take::Quantities(&quantities[..count]), &noon()).unwrap();
            assert_eq!(sold.balance("point") - before, moved, "{set} {quantities:?}");
        }
        assert_eq!(sold.balance("point"), 50);
    }
}
