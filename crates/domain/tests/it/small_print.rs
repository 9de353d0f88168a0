//! What stands in the small print: amounts of nothing, exactly the most, what is written of an order and what is not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use stempel_domain::event::{Adjustment, ProgrammeRef};
use stempel_domain::ledger::Booking;
use stempel_domain::money::Money;
use stempel_domain::programme::Programme;
use stempel_domain::rules::clearing::turnovers;
use stempel_domain::rules::{
    Amends, LineResult, Outcome, Place, PlaceFacts, RuleBook, TraceStep, Unconfirmed, goodwill, invitation,
    leaderboard, offers, settled,
};
use stempel_domain::sale::{Claim, Order, Sale, Tender, TenderKind};
use stempel_domain::{Account, Day, MemberFacts, MemberId, Posting, ProgrammeId};

use crate::support::*;

const MEMBER: MemberId = MemberId([7; 16]);

fn programme(rules: &str) -> RuleBook {
    book(&[&format!("id = \"p\"\nname = \"P\"\n{rules}")])
}

fn id() -> ProgrammeId {
    "p".parse().unwrap()
}

// ---- What is asked of a book

#[test]
fn a_book_names_its_programmes_with_their_versions() {
    let parse = |id: &str| Programme::parse_toml(&format!("id = \"{id}\"\nname = \"P\"\n")).unwrap();
    let book = RuleBook::new(vec![parse("tea").published(7), parse("coffee").published(3)]).unwrap();
    let reference = |id: &str, version| ProgrammeRef { id: id.parse().unwrap(), version };
    assert_eq!(book.references(), [reference("coffee", 3), reference("tea", 7)]);
}

#[test]
fn as_many_days_are_read_as_the_longest_rule_looks_back() {
    let tiers = |window: &str| {
        format!("tiers = {{ by = \"spend\", {window}, ladder = [{{ name = \"x\", from = 1 }}] }}\n")
    };
    let limit =
        |limit: &str| format!("[[reward]]\nid = \"r\"\nkind = \"gift\"\ncost = 1\nlimit = {{ {limit} }}\n");
    for (rules, days) in [
        (String::new(), 0),
        (tiers("window_days = 30, grace_days = 5"), 35),
        (tiers("window_days = 30"), 30),
        (limit("day = 1"), 0),
        (limit("week = 1"), 6),
        (limit("month = 1"), 30),
        (limit("period = 1, period_days = 10"), 9),
        (limit("year = 1, period = 1, period_days = 10"), 365),
    ] {
        assert_eq!(programme(&rules).reads_days_back(), days, "{rules}");
    }
}

#[test]
fn rights_are_remembered_as_long_as_they_keep_others_from_being_given() {
    let book = programme(
        "[[challenge]]\nid = \"row\"\ngoal = [{ count = \"days\", target = 1 }]\neach = \"week\"\nstreak = 3\n\
         gives = { amount = 1 }\n\
         [[activity]]\nid = \"news\"\nonce = \"week\"\ngives = { amount = 1 }\n",
    );
    let weeks = ["2026-W42", "2026-W43", "2026-W44", "2026-W45", "2026-W46", "2026-W47", "2026-W48"];
    let kept = |rule: &str| -> Vec<String> {
        let name = |week: &&str| format!("p/{rule}@{week}");
        let mut facts = MemberFacts { grants: weeks.iter().map(name).collect(), ..MemberFacts::default() };
        // The twentieth of November is in the 47th week.
        book.trim(&mut facts, noon().day);
        facts.grants.iter().map(|grant| grant[grant.len() - 3..].to_owned()).collect()
    };
    assert_eq!(kept("row"), ["W44", "W45", "W46", "W47"], "a row of three, and the one before it");
    assert_eq!(kept("news"), ["W46", "W47", "W48"], "a week that begins or ends near");
}

// ---- Claims

#[test]
fn an_old_debt_refuses_a_claim_only_if_it_grows() {
    // Five points are owed. The order earns a point for each euro, and a mug takes ten.
    let points = "id = \"p\"\nname = \"P\"\n[[earn]]\nid = \"e\"\nper = \"money\"\namount = 1\n\
         [[reward]]\nid = \"mug\"\nkind = \"gift\"\ncost = 10\n";
    let stars = |off: &str| {
        format!(
            "id = \"s\"\nname = \"S\"\nunit = \"star\"\n\
             [[reward]]\nid = \"off\"\nkind = \"amount-off\"\namount = {off}\ncost = 1\n"
        )
    };
    let mut facts = member("point", -5);
    facts.lots.extend(member("star", 1).lots);
    for (off, refused) in [("9.00", None), ("10.00", None), ("11.00", Some("not-enough"))] {
        let book = book(&[points, &stars(off)]);
        let order =
            Sale { claims: vec![claim("mug"), claim("off")], ..sale(vec![line("a", "", "1", "20.00")]) };
        let outcome = judge(&book, &facts, Order::Sale(&order));
        let reasons: Vec<&str> = outcome.refused.iter().map(|refusal| refusal.reason.as_str()).collect();
        assert_eq!(reasons, Vec::from_iter(refused), "{off}");
        assert_eq!(outcome.spent().get(&unit("star")).copied(), refused.is_none().then_some(1), "{off}");
    }
}

// ---- What screens offer

#[test]
fn an_offer_says_how_often_and_what_is_missing() {
    let reward = |more: &str| programme(&format!("[[reward]]\nid = \"r\"\nkind = \"gift\"\n{more}\n"));
    for (more, have, times, missing) in [
        ("cost = 10", 9, 0, 1),
        ("cost = 10", 10, 1, 0),
        ("cost = 10", 39, 3, 0),
        ("cost = 10", -5, 0, 15),
        ("cost = 10\nat_least = 30", 29, 0, 1),
        ("cost = 10\nat_least = 30", 30, 3, 0),
    ] {
        let offer = offers(&reward(more), &member("point", have), None, SHOP, &noon()).rewards.remove(0);
        assert_eq!((offer.times, offer.missing), (times, missing), "{more} with {have}");
        assert_eq!(offer.possible(), times > 0);
    }
}

#[test]
fn a_stamp_card_shows_whole_stamps() {
    let card = |scale: &str, have: i64| {
        let text = format!("unit = \"stamp\"\n{scale}\ncard = 10\n");
        let facts = member(if scale.is_empty() { "stamp" } else { "stamp.1" }, have);
        let card = offers(&programme(&text), &facts, None, SHOP, &noon()).cards.remove(0);
        (card.full, card.filled, card.size)
    };
    assert_eq!(card("", 25), (2, 5, 10));
    assert_eq!(card("scale = 1", 259), (2, 5, 10), "nine tenths of a stamp are none");
    assert_eq!(card("scale = 1", -30), (0, 0, 10));
}

// ---- Rights, boards, goodwill, memberships

#[test]
fn a_prize_of_the_programmes_own_unit_lasts_as_the_programme_says() {
    let book = programme(
        "expiry = { months = 1 }\n[[activity]]\nid = \"a\"\n\
         gives = [{ amount = 1 }, { unit = \"point\", amount = 2 }, { unit = \"badge:x\", amount = 1 }, \
         { unit = \"ticket\", amount = 1, expiry = { days = 3 } }, { amount = 4, expiry = { days = 9 } }]\n",
    );
    let deed = stempel_domain::sale::Deed::Activity {
        programme: id(),
        activity: "a".to_owned(),
        reference: String::new(),
    };
    let outcome = judge(&book, &MemberFacts::default(), Order::Deed(&deed));
    let given: Vec<(&str, i64, Option<String>)> = outcome
        .awards
        .iter()
        .map(|award| (award.unit.name(), award.amount, award.last.map(|day| day.to_string())))
        .collect();
    let until = |day: &str| Some(day.to_owned());
    assert_eq!(
        given,
        [
            ("point", 1, until("2026-12-20")),
            ("point", 2, until("2026-12-20")),
            ("badge:x", 1, None),
            ("ticket", 1, until("2026-11-23")),
            ("point", 4, until("2026-11-29")),
        ]
    );
}

#[test]
fn a_board_counts_what_was_done_and_nothing_else() {
    let board = |by: &str| programme(&format!("leaderboard = {{ by = \"{by}\", period = \"month\" }}\n"));
    for (by, price, counted) in [
        ("spend", "0.00", None),
        ("spend", "0.01", Some(1)),
        ("units", "5.00", None),
        ("visits", "0.00", Some(1)),
    ] {
        let order = sale(vec![line("a", "", "1", price)]);
        let outcome = judge(&board(by), &MemberFacts::default(), Order::Sale(&order));
        assert_eq!(outcome.counters.first().map(|step| step.amount), counted, "{by} {price}");
    }
    // Three days, of which one was taken back and one is of another month.
    let days = [(0, 2), (1, 0), (2, 1), (20, 5)].map(|(back, amount)| (noon().day.plus_days(-back), amount));
    let counters = BTreeMap::from([("p#board".to_owned(), BTreeMap::from(days))]);
    let facts = MemberFacts { counters, ..MemberFacts::default() };
    for (by, score) in [("visits", 2), ("spend", 3)] {
        assert_eq!(leaderboard::score(&board(by).programmes()[0], &facts, noon().day), Some(score), "{by}");
    }
}

#[test]
fn goodwill_goes_to_the_very_unit_and_says_what_held_it() {
    let book = programme(
        "scale = 1\nexpiry = { months = 1 }\n[goodwill]\nreasons = [\"cold\", \"late\"]\nat_once = 20\n\
         four_eyes_above = 10\nmember = { month = 30 }\ndevice = { day = 25.5 }\noperator = { day = 22 }\n",
    );
    let (programme, ada, bob) = (id(), "ada".parse().unwrap(), "bob".parse().unwrap());
    let give = |amount: &str, before: i64, reason: &str| -> Result<Adjustment, TraceStep> {
        let today = BTreeMap::from([(noon().day, before)]);
        let mut facts = MemberFacts::default();
        facts.counters.insert("p#goodwill".to_owned(), today.clone());
        let wish = Amends {
            member: MEMBER,
            programme: &programme,
            amount: amount.parse().unwrap(),
            reason,
            operator: Some(&ada),
            agreed: (amount.parse::<f64>().unwrap() > 10.0).then_some(&bob),
        };
        goodwill(&book, &wish, &facts, &Place::from(SHOP), &noon())
    };
    let last = Day::from_date(2026, 12, 20);
    let lot = Booking::Lot { earned: noon().day, last, idle: None };
    for (amount, before, given) in [("0.1", 0, 1), ("10", 0, 100), ("20", 0, 200), ("20", 100, 200)] {
        let point = |account, amount, booking| Posting { account, unit: unit("point.1"), amount, booking };
        let adjustment = give(amount, before, "late").unwrap();
        assert_eq!(
            adjustment.postings,
            [point(Account::Member(MEMBER), given, Some(lot)), point(Account::Goodwill, -given, None)]
        );
        let tallies: Vec<(&str, i64)> =
            adjustment.tallies.iter().map(|step| (step.key.as_str(), step.amount)).collect();
        assert_eq!(tallies, [("p#goodwill:ada", given), ("p#goodwill", given)]);
        assert_eq!(
            (adjustment.counters[0].key.as_str(), adjustment.counters[0].amount),
            ("p#goodwill", given)
        );
    }
    for (amount, before, reason, code, limit) in [
        ("0", 0, "late", "sale-limit", "20"),
        ("-1", 0, "late", "sale-limit", "20"),
        ("0.05", 0, "late", "sale-limit", "20"),
        ("20.1", 0, "late", "sale-limit", "20"),
        ("20", 101, "late", "monthly-limit", "30"),
        ("5", 300, "late", "monthly-limit", "30"),
    ] {
        let refused = give(amount, before, reason).unwrap_err();
        let values: BTreeMap<&str, &str> =
            refused.values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(refused.code, code, "{amount}");
        assert_eq!(
            values,
            BTreeMap::from([("limit", limit), ("refused", "goodwill"), ("unit", "point")]),
            "{amount}"
        );
    }
    let unknown = give("5", 0, "bribe").unwrap_err();
    assert_eq!((unknown.code.as_str(), unknown.value("reasons")), ("unknown-reason", "cold, late"));
}

#[test]
fn an_invitation_books_one_membership_to_its_last_day() {
    let plus = "[membership]\nname = \"plus\"\nmonths = 12\n";
    let invite = |rules: &str, until| invitation(&programme(rules), MEMBER, &id(), SHOP, until, &noon());
    let day = |text: &str| text.parse::<Day>().unwrap();
    for (until, last) in [(None, "2027-11-19"), (Some(day("2026-12-24")), "2026-12-24")] {
        let posting =
            |account, amount, booking| Posting { account, unit: unit("membership:plus"), amount, booking };
        let booking = Booking::Lot { earned: noon().day, last: Some(day(last)), idle: None };
        let wanted = Adjustment {
            member: MEMBER,
            reason: "invitation".to_owned(),
            postings: vec![
                posting(Account::Member(MEMBER), 1, Some(booking)),
                posting(Account::Shop(SHOP), -1, None),
            ],
            tallies: vec![],
            counters: vec![],
            agreed: None,
        };
        assert_eq!(invite(plus, until), Some(wanted), "{until:?}");
    }
    assert_eq!(invite("", None), None, "there is nothing to be invited to");
    let other = invitation(&programme(plus), MEMBER, &"q".parse().unwrap(), SHOP, None, &noon());
    assert_eq!(other, None);
}

// ---- What is paid, and what is written of it

#[test]
fn tenders_become_what_each_really_paid() {
    use TenderKind::{Card, Cash, Stored};
    let tenders = |list: &[(TenderKind, i64)]| -> Vec<Tender> {
        list.iter().map(|&(kind, amount)| Tender { kind, amount: Money(amount) }).collect()
    };
    for (named, total, stored, paid) in [
        (vec![], 0, 0, vec![(Cash, 0)]),
        (vec![], 1000, 0, vec![(Cash, 1000)]),
        (vec![(Card, 5)], 1000, 0, vec![(Card, 1000)]),
        (vec![(Card, 5)], 0, 0, vec![(Card, 0)]),
        (vec![(Stored, 1000)], 1000, 1000, vec![(Stored, 1000)]),
        (vec![(Stored, 1000)], 1000, 400, vec![(Stored, 400), (Cash, 600)]),
        (vec![(Stored, 1000)], 1000, 0, vec![(Cash, 1000)]),
        (vec![(Stored, 400), (Card, 600)], 1000, 400, vec![(Stored, 400), (Card, 600)]),
        (vec![(Card, 600), (Cash, 0), (Stored, 400)], 1000, 400, vec![(Stored, 400), (Card, 600)]),
    ] {
        let lines = vec![line("a", "", "1", "10.00")];
        let asked = Sale { tenders: tenders(&named), ..sale(lines.clone()) };
        let outcome = Outcome { total: Money(total), stored: Money(stored), ..Outcome::default() };
        let done = settled(asked, &outcome, Cash);
        assert_eq!(done.tenders, tenders(&paid), "{named:?} {total} {stored}");
        assert_eq!(done.lines, lines, "nothing else changes");
    }
}

#[test]
fn what_is_usual_is_not_written() {
    let keys = |value: &Value| -> BTreeSet<String> { value.as_object().unwrap().keys().cloned().collect() };
    let judged = |head: &str, tender: i64| {
        let gift = "[[reward]]\nid = \"g\"\nkind = \"gift\"\ncost = 1\n";
        let mut facts = member("point", 5);
        facts.lots.extend(member("eur.2", 500).lots);
        let order = Sale {
            claims: vec![claim("g")],
            tenders: vec![Tender { kind: TenderKind::Stored, amount: Money(tender) }],
            ..sale(vec![line("a", "", "1", "4.00")])
        };
        let outcome = judge(&programme(&format!("{head}{gift}")), &facts, Order::Sale(&order));
        let written = serde_json::to_value(&outcome).unwrap();
        assert_eq!(serde_json::from_value::<Outcome>(written.clone()).unwrap(), outcome);
        written
    };
    let usual = judged("", 0);
    assert!(!keys(&usual).contains("stored") && !keys(&usual["spends"][0]).contains("grace_days"));
    let unusual = judged("grace_days = 7\n", 1);
    assert_eq!((&unusual["stored"], &unusual["spends"][0]["grace_days"]), (&1.into(), &7.into()));
    assert!(!keys(&judged("grace_days = 30\n", 0)["spends"][0]).contains("grace_days"));
}

#[test]
fn a_place_says_nothing_or_something() {
    let merchant = PlaceFacts { merchant: Some("baker".into()), ..PlaceFacts::default() };
    let tallies =
        PlaceFacts { tallies: BTreeMap::from([("k".into(), BTreeMap::new())]), ..PlaceFacts::default() };
    let offline = PlaceFacts { offline: Some(Unconfirmed::default()), ..PlaceFacts::default() };
    assert!(PlaceFacts::default().is_nothing() && Place::from(SHOP).facts.is_nothing());
    assert!([merchant, tallies, offline].iter().all(|facts| !facts.is_nothing()));
}

#[test]
fn only_a_whole_movement_is_a_turnover() {
    let member = |amount, booking| Posting {
        account: Account::Member(MEMBER),
        unit: unit("point"),
        amount,
        booking: Some(booking),
    };
    let shop = |unit_name: &str, amount| Posting {
        account: Account::Shop(SHOP),
        unit: unit(unit_name),
        amount,
        booking: None,
    };
    let lot = Booking::Lot { earned: noon().day, last: None, idle: None };
    let spend = Booking::Spend { day: noon().day };
    for (postings, turnover) in [
        (vec![member(5, lot), shop("point", -5)], Some((5, 0))),
        (vec![member(-5, spend), shop("point", 5)], Some((0, 5))),
        (vec![member(5, lot), shop("point", -4)], None),
        (vec![member(5, lot), shop("stamp", -5)], None),
        (vec![shop("point", -5), member(5, lot)], None),
    ] {
        let sums = turnovers([postings.as_slice()], |shop| shop);
        let of_shop = sums.get(&unit("point")).and_then(|sums| sums.get(&SHOP));
        let of_shop = of_shop.map(|turnover| (turnover.issued, turnover.honoured));
        assert_eq!(of_shop, turnover, "{postings:?}");
    }
}

#[test]
fn of_several_factors_the_highest_counts_and_is_named_once() {
    let multiplier = |id: &str, factor: &str| format!("[[multiplier]]\nid = \"{id}\"\nfactor = {factor}\n");
    let text = |factors: &[&str]| {
        let all: String = factors
            .iter()
            .enumerate()
            .map(|(place, factor)| multiplier(&format!("m{place}"), factor))
            .collect();
        format!("[[earn]]\nid = \"e\"\nper = \"money\"\namount = 1\n{all}")
    };
    for (factors, earned) in [
        (vec!["2", "3"], 30),
        (vec!["3", "2"], 30),
        (vec!["2", "2"], 20),
        (vec!["0.5"], 5),
        (vec!["0.5", "1"], 10),
    ] {
        let order = sale(vec![line("a", "", "1", "10.00")]);
        let outcome = judge(&programme(&text(&factors)), &MemberFacts::default(), Order::Sale(&order));
        assert_eq!(outcome.awards[0].amount, earned, "{factors:?}");
        assert_eq!(outcome.trace.iter().filter(|step| step.code == "multiplied").count(), 1);
    }
}

#[test]
fn an_added_article_alone_stands_in_the_only_line() {
    let book = programme("[[reward]]\nid = \"f\"\nkind = \"free-item\"\ncost = 1\nskus = [\"x\"]\n");
    let order = Sale { claims: vec![Claim { extra: true, ..claim("f") }], ..Sale::default() };
    let outcome = judge(&book, &member("point", 1), Order::Sale(&order));
    let nothing = Money::ZERO;
    let added = LineResult {
        sku: "x".parse().unwrap(),
        gross: nothing,
        discount: nothing,
        paid: nothing,
        free: true,
    };
    assert_eq!(outcome.lines, [added]);
    assert_eq!((outcome.spends[0].amount, outcome.spends[0].weights.len()), (1, 0));
}
