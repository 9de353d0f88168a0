//! Each programme in `assets/programmes` does what it says.

use serde_json::json;
use stempel_domain::ledger::Account;
use stempel_domain::money::Money;
use stempel_domain::programme::Programme;
use stempel_domain::rules::{self, Outcome, RuleBook, case, sale_postings};
use stempel_domain::sale::{Order, Sale, Tender, TenderKind};
use stempel_domain::{MemberFacts, MemberId, Moment};

use crate::support::*;

#[test]
fn every_template_is_read_and_owes_no_warning() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/programmes");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let programme =
            Programme::parse_toml(&template(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(Programme::from_json(&programme.to_json()).unwrap(), programme, "{name}");
        let warnings = programme.warnings();
        let owed = !matches!(name.as_str(), "coffee-card" | "visit-card");
        assert!(warnings.is_empty() || !owed, "{name}: {warnings:?}");
        names.push(name);
    }
    names.sort();
    let mut tried: Vec<&str> = TRIED.into_iter().chain(crate::rights::tried()).collect();
    tried.sort_unstable();
    assert_eq!(names, tried, "each template has a test below, or in `several` or `rights`");
}

const TRIED: [&str; 20] = [
    "basket-target",
    "birthday-double-points",
    "cash-back",
    "coalition",
    "coffee-card",
    "donation",
    "double-points-day",
    "draw-tickets",
    "happy-hour",
    "idle-points",
    "member-discount",
    "month-board",
    "next-visit-voucher",
    "points",
    "stored-value-reward",
    "tier-ladder",
    "tier-year",
    "visit-card",
    "volume-discount",
    "welcome",
];

fn judge_at(book: &RuleBook, member: Option<&MemberFacts>, sale: &Sale, at: &Moment) -> Outcome {
    rules::evaluate(book, member, Order::Sale(sale), SHOP, at)
}

fn earned(outcome: &Outcome, name: &str) -> i64 {
    outcome.earned().get(&unit(name)).copied().unwrap_or(0)
}

#[test]
fn ten_coffees_and_one_is_free() {
    let book = book(&[&template("coffee-card")]);
    let stamp = unit("stamp:coffee");
    let three = judge(&book, &member("stamp:coffee", 9), Order::Stamps(&stamps("coffee", 3, vec![])));
    assert_eq!(three.earned()[&stamp], 3);
    let one_free = stamps("coffee", 3, vec![claim("free-coffee")]);
    let outcome = judge(&book, &member("stamp:coffee", 9), Order::Stamps(&one_free));
    assert_eq!((outcome.earned()[&stamp], outcome.spent()[&stamp]), (2, 10));
    let only = stamps("coffee", 1, vec![claim("free-coffee")]);
    let outcome = judge(&book, &member("stamp:coffee", 9), Order::Stamps(&only));
    assert_eq!(outcome.refused[0].reason, "not-enough");
    assert_eq!(outcome.earned()[&stamp], 1);
    let mut extra = only;
    extra.claims[0].extra = true;
    let outcome = judge(&book, &member("stamp:coffee", 9), Order::Stamps(&extra));
    assert_eq!((outcome.earned()[&stamp], outcome.spent()[&stamp]), (1, 10));
    let sold = sale(vec![line("latte", "coffee", "2", "4.10"), line("cake", "cake", "1", "3.50")]);
    let outcome = judge(&book, &member("stamp:coffee", 0), Order::Sale(&sold));
    assert_eq!((outcome.total, outcome.earned()[&stamp]), (Money(1170), 2));
}

#[test]
fn a_point_for_each_euro_and_five_euro_for_a_hundred() {
    let book = book(&[&template("points")]);
    let point = unit("point");
    let mut sold =
        Sale { claims: vec![claim("five-off")], ..sale(vec![line("beans", "beans", "1", "12.90")]) };
    let outcome = judge(&book, &member("point", 100), Order::Sale(&sold));
    assert_eq!((outcome.total, outcome.earned()[&point], outcome.spent()[&point]), (Money(790), 7, 100));
    assert_eq!(outcome.awards[0].last.unwrap().to_string(), "2028-12-31");
    sold.claims[0].times = 4;
    let outcome = judge(&book, &member("point", 500), Order::Sale(&sold));
    assert_eq!((outcome.total, outcome.spent()[&point]), (Money(0), 300));
    assert!(has(&outcome, "claim-reduced"));
    let outcome = judge(&book, &member("point", 90), Order::Sale(&sold));
    assert!(has(&outcome, "not-enough"));
    let nobody = judge_at(&book, None, &sold, &noon());
    assert!(has(&nobody, "no-card") && nobody.awards.is_empty());
    assert_eq!(nobody.total, Money(1290));
}

#[test]
fn points_last_as_long_as_the_guest_comes() {
    let programme = Programme::parse_toml(&template("idle-points")).unwrap();
    let visit =
        |at: &str| json!({"at": at, "sale": {"lines": [{"sku": "a", "price": "10.00", "vat": "19"}]}});
    let look = |at: &str| json!({"at": at, "look": true});
    let case = json!({"member": {"balances": {"point": "0"}}, "steps": [
        visit("2026-01-31T12:00:00+01:00"), visit("2027-01-31T12:00:00+01:00"),
        look("2028-01-31T12:00:00+01:00"), look("2028-02-01T12:00:00+01:00"),
        visit("2028-02-02T12:00:00+01:00"),
    ]});
    let answers = case::run(&[programme], &case.to_string()).unwrap();
    let balances: Vec<&str> =
        answers.iter().map(|answer| answer["balances"]["point"].as_str().unwrap()).collect();
    assert_eq!(balances, ["10", "20", "20", "0", "10"]);
}

#[test]
fn birthdays_count_double() {
    let book = book(&[&template("birthday-double-points")]);
    let sold = sale(vec![line("a", "", "1", "10.00")]);
    let plain = MemberFacts::default();
    let feted = MemberFacts { birthday: true, ..member("point", 90) };
    assert_eq!(earned(&judge(&book, &plain, Order::Sale(&sold)), "point"), 10);
    let outcome = judge(&book, &feted, Order::Sale(&sold));
    assert_eq!(earned(&outcome, "point"), 20);
    assert!(has(&outcome, "message"));
}

#[test]
fn drinks_are_cheaper_in_the_afternoon() {
    let book = book(&[&template("happy-hour")]);
    let sold = sale(vec![line("c", "coffee", "1", "4.00"), line("k", "cake", "1", "3.00")]);
    for (at_text, total) in [
        ("2026-11-20T15:00:00+01:00", 620),
        ("2026-11-20T16:59:59+01:00", 620),
        ("2026-11-20T17:00:00+01:00", 700),
        ("2026-11-21T15:30:00+01:00", 700),
    ] {
        assert_eq!(judge_at(&book, None, &sold, &at(at_text)).total, Money(total), "{at_text}");
    }
}

#[test]
fn tuesdays_count_three_times_up_to_the_cap() {
    let book = book(&[&template("double-points-day")]);
    let sold = sale(vec![line("a", "", "1", "120.00")]);
    let nobody_special = MemberFacts::default();
    let tuesday = judge_at(&book, Some(&nobody_special), &sold, &at("2026-11-24T12:00:00+01:00"));
    assert_eq!(earned(&tuesday, "point"), 300);
    assert!(has(&tuesday, "daily-limit"));
    assert_eq!(earned(&judge(&book, &nobody_special, Order::Sale(&sold)), "point"), 120);
    assert_eq!(book.reads_days_back(), 0);
    let sold = Sale { claims: vec![claim("cake")], ..sale(vec![line("tart", "cake", "1", "4.00")]) };
    assert_eq!(judge(&book, &member("point", 80), Order::Sale(&sold)).total, Money(0));
}

#[test]
fn a_tier_gets_its_discount_and_not_both() {
    let book = book(&[&template("member-discount")]);
    let sold = sale(vec![line("a", "", "1", "100.00")]);
    let tier = |tier: &str| MemberFacts { tier: Some(tier.to_owned()), ..MemberFacts::default() };
    assert_eq!(judge(&book, &tier("silver"), Order::Sale(&sold)).total, Money(9500));
    assert_eq!(judge(&book, &tier("gold"), Order::Sale(&sold)).total, Money(9000));
    let large = sale(vec![line("a", "", "1", "300.00")]);
    assert_eq!(judge(&book, &tier("gold"), Order::Sale(&large)).total, Money(28_000), "the cap of gold");
    assert_eq!(judge(&book, &MemberFacts::default(), Order::Sale(&sold)).total, Money(10_000));
    assert_eq!(judge_at(&book, None, &sold, &noon()).total, Money(10_000));
}

#[test]
fn more_costs_less() {
    let book = book(&[&template("volume-discount")]);
    let sold = sale(vec![
        line("b", "beans", "3", "10.00"),
        line("k", "cake", "3", "3.00"),
        line("t", "cake", "1", "2.50"),
    ]);
    let outcome = judge_at(&book, None, &sold, &noon());
    assert_eq!(outcome.total, Money(2700 + 900));
    assert_eq!(outcome.lines[2].discount, Money(250));
}

#[test]
fn a_bigger_basket_earns_more() {
    let book = book(&[&template("basket-target")]);
    let nobody_special = MemberFacts::default();
    for (price, points) in [("24.99", 0), ("25.00", 5), ("50.00", 15)] {
        let outcome = judge(&book, &nobody_special, Order::Sale(&sale(vec![line("a", "", "1", price)])));
        assert_eq!(earned(&outcome, "point"), points, "{price}");
    }
}

#[test]
fn a_voucher_is_given_once_a_week_for_the_next_visit() {
    let book = book(&[&template("next-visit-voucher")]);
    let mut facts = MemberFacts::default();
    let sold = sale(vec![line("a", "", "1", "20.00")]);
    let first = judge(&book, &facts, Order::Sale(&sold));
    let voucher = first.vouchers().next().unwrap();
    assert_eq!(voucher.last.unwrap(), noon().day.plus_days(30));
    let lot = stempel_domain::ledger::Lot { amount: 1, earned: noon().day, last: voucher.last, idle: None };
    facts.lots.insert(voucher.unit.clone(), vec![lot]);
    for step in &first.counters {
        facts.counters.entry(step.key.clone()).or_default().insert(step.day, step.amount);
    }
    let redeemed = Sale { claims: vec![claim("three-off")], ..sold };
    let second = judge(&book, &facts, Order::Sale(&redeemed));
    assert_eq!(second.total, Money(1700));
    assert_eq!(second.vouchers().count(), 0, "seventeen euro are not enough");
    let offers = rules::offers(&book, &facts, None, SHOP, &noon());
    assert!(offers.rewards[0].possible());
    let large = judge(&book, &facts, Order::Sale(&sale(vec![line("a", "", "1", "30.00")])));
    assert!(has(&large, "weekly-limit") && large.vouchers().count() == 0);
}

#[test]
fn a_visit_counts_once_an_hour_and_twice_a_day() {
    let book = book(&[&template("visit-card")]);
    let order = stamps("visits", 5, vec![]);
    let mut facts = MemberFacts::default();
    let outcome = judge(&book, &facts, Order::Stamps(&order));
    assert_eq!(earned(&outcome, "stamp:visit"), 1);
    facts.last_visit_ms = Some(noon().utc_ms - 59 * 60_000);
    let soon = judge(&book, &facts, Order::Stamps(&order));
    assert!(soon.awards.is_empty() && soon.trace[0].value("minutes") == "1", "{:?}", soon.trace);
    facts.last_visit_ms = Some(noon().utc_ms - 60 * 60_000);
    facts.counters.entry("visits/visit".to_owned()).or_default().insert(noon().day, 2);
    assert!(has(&judge(&book, &facts, Order::Stamps(&order)), "daily-limit"));
    let full = stamps("visits", 0, vec![claim("surprise")]);
    assert_eq!(judge(&book, &member("stamp:visit", 8), Order::Stamps(&full)).spends.len(), 1);
    let cards = rules::offers(&book, &member("stamp:visit", 19), None, SHOP, &noon()).cards;
    assert_eq!((cards[0].filled, cards[0].size, cards[0].full), (3, 8, 2));
}

#[test]
fn two_percent_come_back_and_pay() {
    let book = book(&[&template("cash-back")]);
    let mut sold = sale(vec![line("a", "", "1", "59.99")]);
    let outcome = judge(&book, &MemberFacts::default(), Order::Sale(&sold));
    assert_eq!(earned(&outcome, "eur.2"), 119);
    sold.tenders.push(Tender { kind: TenderKind::Stored, amount: Money(5000) });
    let outcome = judge(&book, &member("eur.2", 119), Order::Sale(&sold));
    assert_eq!((outcome.total, outcome.stored), (Money(5999), Money(119)));
}

#[test]
fn newcomers_and_those_who_were_missed_are_welcome() {
    let book = book(&[&template("welcome")]);
    let sold = sale(vec![line("k", "cake", "2", "3.00"), line("c", "coffee", "1", "4.00")]);
    let today = noon().day;
    let mut new = MemberFacts { joined: Some(today.plus_days(-14)), ..MemberFacts::default() };
    let outcome = judge(&book, &new, Order::Sale(&sold));
    assert_eq!(outcome.total, Money(700));
    new.counters.entry(outcome.counters[0].key.clone()).or_default().insert(today, 1);
    assert_eq!(judge(&book, &new, Order::Sale(&sold)).total, Money(1000), "once");
    let old = MemberFacts {
        joined: Some(today.plus_days(-15)),
        last_visit_ms: Some(noon().utc_ms - 60 * 86_400_000),
        ..MemberFacts::default()
    };
    assert_eq!(judge(&book, &old, Order::Sale(&sold)).total, Money(600));
    assert_eq!(judge_at(&book, None, &sold, &noon()).total, Money(1000));
    assert_eq!(book.reads_days_back(), 365);
}

#[test]
fn every_ten_euro_are_a_ticket() {
    let book = book(&[&template("draw-tickets")]);
    let nobody_special = MemberFacts::default();
    let outcome = judge(&book, &nobody_special, Order::Sale(&sale(vec![line("a", "", "1", "39.99")])));
    assert_eq!(earned(&outcome, "ticket"), 3);
    assert_eq!(outcome.awards[0].last.unwrap().to_string(), "2026-11-30");
}

#[test]
fn a_donation_goes_to_its_cause() {
    let book = book(&[&template("donation")]);
    let given = Sale { claims: vec![claim("donate")], ..Sale::default() };
    let outcome = judge(&book, &member("point", 20), Order::Sale(&given));
    let postings = sale_postings(&given, &outcome, Some(MemberId([9; 16])), SHOP, noon().day);
    let cause = Account::Cause("food-bank".to_owned());
    let sum: i64 =
        postings.iter().filter(|posting| posting.account == cause).map(|posting| posting.amount).sum();
    assert_eq!(sum, 20);
}

#[test]
fn points_become_stored_value_or_tickets() {
    let book = book(&[&template("stored-value-reward")]);
    let turned = Sale { claims: vec![claim("ten-euro"), claim("tickets")], ..Sale::default() };
    let outcome = judge(&book, &member("point", 400), Order::Sale(&turned));
    assert_eq!((earned(&outcome, "eur.2"), earned(&outcome, "ticket")), (1000, 5));
    assert_eq!(outcome.spent()[&unit("point")], 400);
    assert_eq!(outcome.awards[1].last.unwrap().to_string(), "2026-11-30");
    let by_stamp = stamps("bank", 0, vec![claim("tickets")]);
    assert_eq!(earned(&judge(&book, &member("point", 200), Order::Stamps(&by_stamp)), "ticket"), 5);
    assert!(has(&judge(&book, &member("point", 399), Order::Sale(&turned)), "not-enough"));
}

#[test]
fn regulars_of_a_year_stay_so_until_spring() {
    let book = book(&[&template("tier-year")]);
    let mut facts = MemberFacts::default();
    let visits = facts.counters.entry("year#tier".to_owned()).or_default();
    for back in 0..12 {
        visits.insert(noon().day.plus_days(-back), 1);
    }
    let ten = sale(vec![line("a", "", "1", "10.00")]);
    for (at_text, total) in [("2027-03-31T12:00:00+02:00", 950), ("2027-04-01T12:00:00+02:00", 1000)] {
        assert_eq!(judge_at(&book, Some(&facts), &ten, &at(at_text)).total, Money(total), "{at_text}");
    }
}

#[test]
fn members_climb_and_come_down_with_grace() {
    let book = book(&[&template("tier-ladder")]);
    let mut facts = MemberFacts::default();
    let today = noon().day;
    let spend = |facts: &mut MemberFacts, cents: i64, days_ago: i32| {
        facts.counters.entry("ladder#tier".to_owned()).or_default().insert(today.plus_days(-days_ago), cents);
    };
    spend(&mut facts, 20_000, 10);
    let standing = &rules::standings(&book, &facts, &noon())[0];
    assert_eq!((standing.tier.as_deref(), standing.counted), (Some("silver"), 20_000));
    assert_eq!(standing.next, Some(("gold".to_owned(), 30_000)));
    spend(&mut facts, 30_000, 364);
    let tier = |facts: &MemberFacts| rules::standings(&book, facts, &noon())[0].tier.clone();
    assert_eq!(tier(&facts).as_deref(), Some("gold"));
    let sold = sale(vec![line("a", "", "1", "100.00")]);
    let outcome = judge(&book, &facts, Order::Sale(&sold));
    assert_eq!(outcome.total, Money(9000), "ten per cent for gold");
    assert_eq!(earned(&outcome, "point"), 135, "and half as many points again");
    let step = outcome.counters.iter().find(|step| step.key == "ladder#tier").unwrap();
    assert_eq!((step.day, step.amount), (today, 9000));
    let mut facts = MemberFacts::default();
    spend(&mut facts, 60_000, 364 + 30);
    assert_eq!(tier(&facts).as_deref(), Some("gold"), "kept for the days of grace");
    let mut facts = MemberFacts::default();
    spend(&mut facts, 60_000, 364 + 31);
    assert_eq!(tier(&facts), None);
    assert!(book.reads_days_back() >= 364 + 30);
}
