//! What holds for every programme, member and sale.

use std::collections::BTreeMap;

use proptest::prelude::*;
use stempel_domain::event::ReversalReason;
use stempel_domain::ledger::{Account, Booking, Posting, Purse, imbalance};
use stempel_domain::money::{Money, Quantity, Rate};
use stempel_domain::programme::Programme;
use stempel_domain::rules::{
    Language, Original, Outcome, RuleBook, Take, TakeBack, TakenBack, case, evaluate, offers, reverse,
    sale_postings, sentence,
};
use stempel_domain::sale::{Claim, Line, Order, Sale, Tender, TenderKind};
use stempel_domain::{MemberFacts, MemberId, Unit};

use crate::support::*;

const MEMBER: MemberId = MemberId([7; 16]);

/// Rules that can stand together in one programme of points.
const RULES: [&str; 20] = [
    "[[earn]]\nid = \"e0\"\nper = \"money\"\namount = 1\ncap = { sale = 40, day = 60 }\n",
    "[[earn]]\nid = \"e1\"\nper = \"item\"\namount = 2\ncategories = [\"a\", \"b\"]\ncap = { day = 9, week = 20 }\n",
    "[[earn]]\nid = \"e2\"\nper = \"order\"\namount = 5\nminimum = 20.00\nexcept_categories = [\"c\"]\n",
    "[[earn]]\nid = \"e3\"\nper = \"visit\"\namount = 3\n",
    "[[multiplier]]\nid = \"m\"\nfactor = 1.5\nearn = [\"e0\"]\n",
    "[[reward]]\nid = \"r0\"\nkind = \"percent-off\"\npercent = 10\nautomatic = true\n",
    "[[reward]]\nid = \"r1\"\nkind = \"percent-off\"\npercent = 33.33\nautomatic = true\ncategories = [\"a\"]\ncap = 7.77\n",
    "[[reward]]\nid = \"r2\"\nkind = \"percent-off\"\npercent = 90\non = \"cheapest\"\nautomatic = true\npriority = 3\n",
    "[[reward]]\nid = \"r3\"\nkind = \"amount-off\"\namount = 1.11\ncost = 3\n",
    "[[reward]]\nid = \"r4\"\nkind = \"free-item\"\ncost = 7\ncategories = [\"a\", \"c\"]\n",
    "[[reward]]\nid = \"r5\"\nkind = \"cheapest-item\"\ncost = 4\nlimit = { day = 2 }\n",
    "[[reward]]\nid = \"r6\"\nkind = \"amount-off\"\namount = 2.50\nautomatic = true\nonly_best = \"x\"\n",
    "[[reward]]\nid = \"r7\"\nkind = \"percent-off\"\npercent = 5\nautomatic = true\nonly_best = \"x\"\n",
    "[[reward]]\nid = \"r8\"\nkind = \"gift\"\ncost = 11\n",
    "[[reward]]\nid = \"r9\"\nkind = \"gift\"\ncost = 2\nstock = { total = 3 }\n",
    "[[challenge]]\nid = \"c0\"\ngoal = [{ count = \"different\", target = 2 }]\neach = \"month\"\ngives = { amount = 4 }\n",
    "[[challenge]]\nid = \"c1\"\ngoal = [{ count = \"spend\", target = 30 }, { count = \"items\", target = 3, categories = [\"a\"] }]\n\
     gives = [{ unit = \"badge:x\", amount = 1 }]\n",
    "[[occasion]]\nid = \"o\"\non = \"birthday\"\ngives = { amount = 2 }\n",
    "[[giving]]\nid = \"g\"\ncause = \"trees\"\npercent = 1.5\nexcept_categories = [\"b\"]\n",
    "[membership]\nname = \"plus\"\nskus = [\"sku1\"]\nmonths = 12\n",
];

fn books() -> impl Strategy<Value = RuleBook> {
    prop::collection::vec(any::<bool>(), RULES.len()).prop_map(|chosen| {
        let has_e0 = chosen[0];
        let rules: String = RULES
            .iter()
            .zip(chosen)
            .filter(|(rule, chosen)| *chosen && (has_e0 || !rule.contains("\"m\"")))
            .map(|(rule, _)| *rule)
            .collect();
        book(&[&format!("id = \"p\"\nname = \"P\"\nexpiry = {{ months = 12 }}\n\
             tiers = {{ by = \"spend\", window_days = 30, ladder = [{{ name = \"x\", from = 10 }}] }}\n{rules}")])
    })
}

prop_compose! {
    fn lines()(
        sku in 0..6_usize, category in 0..4_usize, quantity in prop_oneof![(1..6_i64).prop_map(|q| q * 1000), 1..4000_i64],
        price in 0..3000_i64, vat in 0..3_usize, deposit in prop::bool::weighted(0.1), stored in prop::bool::weighted(0.05),
        returned in prop::bool::weighted(0.08), by_hand in prop::bool::weighted(0.05),
    ) -> Line {
        Line {
            sku: format!("sku{sku}").parse().unwrap(),
            name: String::new(),
            category: ["a", "b", "c", ""][category].to_owned(),
            quantity: Quantity(if returned && !stored { -quantity } else { quantity }),
            price: Money(if by_hand && !stored { -price } else { price }),
            vat: Rate([0, 700, 1900][vat]),
            deposit,
            stored,
        }
    }
}

fn claims() -> impl Strategy<Value = Vec<Claim>> {
    let one = (0..10_usize, 1..4_u32, any::<bool>()).prop_map(|(reward, times, extra)| Claim {
        times,
        extra,
        ..Claim::once(format!("r{reward}").parse().unwrap())
    });
    prop::collection::vec(one, 0..4)
}

prop_compose! {
    fn sales()(lines in prop::collection::vec(lines(), 1..8), claims in claims(), stored in 0..2000_i64) -> Sale {
        let tenders = vec![Tender { kind: TenderKind::Stored, amount: Money(stored) }];
        Sale { lines, claims, tenders, codes: Vec::new() }
    }
}

/// A member's purses before the sale.
fn purses(points: i64, euro: i64) -> BTreeMap<Unit, Purse> {
    let mut purses: BTreeMap<Unit, Purse> = BTreeMap::new();
    let booking =
        Booking::Lot { earned: noon().day.plus_days(-10), last: Some(noon().day.plus_days(90)), idle: None };
    purses.entry(unit("point")).or_default().add(booking, points);
    let booking = Booking::Lot { earned: noon().day.plus_days(-10), last: None, idle: None };
    purses.entry(Unit::euro()).or_default().add(booking, euro);
    purses
}

fn facts(purses: &BTreeMap<Unit, Purse>) -> MemberFacts {
    let lots = purses.iter().map(|(unit, purse)| (unit.clone(), purse.lots(noon().day).0));
    MemberFacts { lots: lots.collect(), birthday: true, ..MemberFacts::default() }
}

fn book_all(purses: &mut BTreeMap<Unit, Purse>, postings: &[Posting]) {
    for posting in postings.iter().filter(|posting| posting.account == Account::Member(MEMBER)) {
        purses.entry(posting.unit.clone()).or_default().add(posting.booking.unwrap(), posting.amount);
    }
}

fn accounts(postings: &[Posting]) -> BTreeMap<(String, Unit), i64> {
    let mut sums = BTreeMap::new();
    for posting in postings {
        *sums.entry((posting.account.to_string(), posting.unit.clone())).or_insert(0) += posting.amount;
    }
    sums.retain(|_, sum| *sum != 0);
    sums
}

fn figures(outcome: &Outcome) -> (Money, BTreeMap<Unit, i64>, BTreeMap<Unit, i64>, Vec<String>) {
    let refused = outcome.refused.iter().map(|refusal| refusal.reward.to_string()).collect();
    (outcome.total, outcome.earned(), outcome.spent(), refused)
}

proptest! {
    #[test]
    fn no_cent_is_lost(book in books(), sale in sales(), points in 0..60_i64, euro in 0..3000_i64) {
        let facts = facts(&purses(points, euro));
        let outcome = judge(&book, &facts, Order::Sale(&sale));
        prop_assert_eq!(outcome.lines.iter().map(|line| line.paid).sum::<Money>(), outcome.total);
        for line in &outcome.lines {
            prop_assert_eq!(line.gross - line.discount, line.paid);
            prop_assert!(line.paid >= line.gross.min(Money::ZERO) && line.discount >= Money::ZERO, "{:?}", line);
        }
        let mut rest = Money::ZERO;
        for (line, result) in sale.lines.iter().zip(&outcome.lines) {
            prop_assert!(!(line.deposit || line.stored) || result.discount == Money::ZERO);
            if !(line.deposit || line.stored) {
                rest += result.paid;
            }
        }
        let goods = sale.lines.iter().filter(|line| !(line.deposit || line.stored));
        let had: Money = goods.map(Line::gross).sum();
        let is_free = outcome.trace.iter().any(|step| step.code == "free-item");
        prop_assert!(is_free || rest >= had.min(Money::ZERO), "{} left of {}", rest, had);
        let postings = sale_postings(&sale, &outcome, Some(MEMBER), SHOP, noon().day);
        prop_assert!(imbalance(&postings).is_empty(), "{:?}", postings);
        let nobody = evaluate(&book, None, Order::Sale(&sale), SHOP, &noon());
        prop_assert!(nobody.awards.is_empty() && nobody.spends.is_empty());
        prop_assert!(imbalance(&sale_postings(&sale, &nobody, None, SHOP, noon().day)).is_empty());
    }

    #[test]
    fn a_claim_never_overdraws(book in books(), sale in sales(), points in 0..60_i64) {
        let facts = facts(&purses(points, 0));
        let outcome = judge(&book, &facts, Order::Sale(&sale));
        let point = unit("point");
        let of = |sums: BTreeMap<Unit, i64>| sums.get(&point).copied().unwrap_or(0);
        prop_assert!(points + of(outcome.earned()) - of(outcome.spent()) >= 0);
        prop_assert_eq!(outcome.spends.len() + outcome.refused.len(), sale.claims.len());
    }

    #[test]
    fn the_order_of_lines_does_not_matter(book in books(), sale in sales(), points in 0..60_i64, seed in any::<u64>()) {
        let facts = facts(&purses(points, 0));
        let mut shuffled = sale.clone();
        let mut state = seed | 1;
        for index in (1..shuffled.lines.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.lines.swap(index, (state >> 33) as usize % (index + 1));
        }
        let (straight, other) =
            (judge(&book, &facts, Order::Sale(&sale)), judge(&book, &facts, Order::Sale(&shuffled)));
        prop_assert_eq!(figures(&straight), figures(&other));
    }

    #[test]
    fn the_same_inputs_give_the_same_bytes(book in books(), sale in sales(), points in 0..60_i64) {
        let facts = facts(&purses(points, 500));
        let bytes = || serde_json::to_string(&judge(&book, &facts, Order::Sale(&sale))).unwrap();
        let first = bytes();
        prop_assert_eq!(&first, &bytes());
        let read: Outcome = serde_json::from_str(&first).unwrap();
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), first);
    }

    #[test]
    fn taking_everything_back_restores_everything(
        book in books(), sale in sales(), points in 0..60_i64, euro in 0..3000_i64,
        parts in prop::collection::vec((0..8_usize, 0..3000_i64), 0..4), undo in any::<bool>(),
    ) {
        let mut purses = purses(points, euro);
        let before = purses.clone();
        let facts = facts(&purses);
        let outcome = judge(&book, &facts, Order::Sale(&sale));
        let mut all = sale_postings(&sale, &outcome, Some(MEMBER), SHOP, noon().day);
        book_all(&mut purses, &all);
        let at = noon();
        let original = Original { sale: Some(&sale), is_visit: true, outcome: &outcome, member: Some(MEMBER), shop: SHOP, at: &at };
        let mut taken = TakenBack::default();
        let mut counters: BTreeMap<String, i64> = BTreeMap::new();
        for step in &outcome.counters {
            *counters.entry(step.key.clone()).or_default() += step.amount;
        }
        let mut refund = Money::ZERO;
        let reason = if undo { ReversalReason::Undo } else { ReversalReason::Refund };
        let mut wishes: Vec<Option<Vec<i64>>> = parts
            .iter()
            .map(|&(line, quantity)| {
                let mut quantities = vec![0; sale.lines.len()];
                quantities[line % sale.lines.len()] = quantity;
                Some(quantities)
            })
            .collect();
        wishes.push(None);
        for wish in wishes {
            let take = wish.as_deref().map_or(Take::Everything, Take::Quantities);
            let wish = TakeBack { take, reason, before: &taken, purses: &purses, at: &at };
            let Ok(reversed) = reverse(&original, &wish) else { continue };
            prop_assert!(imbalance(&reversed.postings).is_empty(), "{:?}", reversed.postings);
            for step in reversed.trace() {
                prop_assert!(sentence(&step, Language::De) != step.code, "{:?}", step);
            }
            book_all(&mut purses, &reversed.postings);
            all.extend(reversed.postings.iter().cloned());
            for step in &reversed.counters {
                *counters.entry(step.key.clone()).or_default() += step.amount;
            }
            refund += reversed.refund;
            let of = "00000000000000000000000000000001-1".parse().unwrap();
            let written = reversed.into_reversal(of, Some(MEMBER), reason);
            let next = TakenBack::by([&written]);
            taken.everything |= next.everything;
            taken.quantities.resize(sale.lines.len(), 0);
            next.quantities.iter().enumerate().for_each(|(line, quantity)| taken.quantities[line] += quantity);
        }
        prop_assert_eq!(refund, outcome.total);
        prop_assert!(accounts(&all).is_empty(), "{:?}", accounts(&all));
        prop_assert!(counters.values().all(|sum| *sum == 0), "{:?}", counters);
        for (unit, purse) in &purses {
            let was = before.get(unit).map_or(0, |purse| purse.balance(noon().day));
            prop_assert_eq!(purse.balance(noon().day), was, "{}", unit);
        }
    }

    #[test]
    fn caps_are_never_passed(book in books(), sales in prop::collection::vec(sales(), 1..6)) {
        let mut facts = facts(&purses(50, 0));
        let mut given: BTreeMap<String, i64> = BTreeMap::new();
        for sale in &sales {
            let outcome = judge(&book, &facts, Order::Sale(sale));
            for award in &outcome.awards {
                *given.entry(award.rule.clone()).or_default() += award.amount;
                prop_assert!(award.rule != "e0" || award.amount <= 40);
            }
            for step in &outcome.counters {
                *facts.counters.entry(step.key.clone()).or_default().entry(step.day).or_default() += step.amount;
            }
        }
        let of = |rule: &str| given.get(rule).copied().unwrap_or(0);
        prop_assert!(of("e0") <= 60 && of("e1") <= 9 && of("e3") <= 3, "{:?}", given);
    }

    #[test]
    fn every_step_has_a_sentence(book in books(), sale in sales(), points in 0..60_i64) {
        let facts = facts(&purses(points, 0));
        let outcome = judge(&book, &facts, Order::Sale(&sale));
        offers(&book, &facts, Some(&outcome), SHOP, &noon());
        for step in &outcome.trace {
            for language in [Language::De, Language::En] {
                let text = sentence(step, language);
                prop_assert!(text.len() > 4 && text != step.code && !text.contains("  "), "{:?}: {}", step, text);
            }
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}", cut in 0..600_usize, byte in any::<u8>(), which in 0..RULES.len()) {
        let _ = Programme::parse_toml(&text);
        let _ = Programme::from_json(&text);
        let whole = format!("id = \"p\"\nname = \"P\"\n{}", RULES[which]);
        let mut bytes = whole.into_bytes();
        let place = cut % bytes.len();
        bytes[place] = byte;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Ok(programme) = Programme::parse_toml(&text) {
            let json = programme.to_json();
            prop_assert_eq!(Programme::from_json(&json).unwrap(), programme);
        }
        let _ = case::run(&[], &text);
    }

    #[test]
    fn no_order_makes_the_rules_panic(
        book in books(), quantity in any::<i64>(), price in any::<i64>(), vat in any::<i32>(), times in any::<u32>(),
        stored in any::<i64>(), balance in any::<i64>(), count in any::<u32>(),
    ) {
        let wild = Line { quantity: Quantity(quantity), price: Money(price), vat: Rate(vat), ..line("sku1", "a", "1", "1") };
        let claims: Vec<Claim> = ["r3", "r4", "r5", "r8"]
            .iter()
            .map(|reward| Claim { times, ..claim(reward) })
            .collect();
        let tenders = vec![Tender { kind: TenderKind::Stored, amount: Money(stored) }];
        let sale = Sale { lines: vec![wild.clone(), wild], claims: claims.clone(), tenders, codes: vec![] };
        let facts = member("point", balance);
        let outcome = judge(&book, &facts, Order::Sale(&sale));
        prop_assert!(imbalance(&sale_postings(&sale, &outcome, Some(MEMBER), SHOP, noon().day)).is_empty());
        let order = stamps("p", count, claims);
        let outcome = judge(&book, &facts, Order::Stamps(&order));
        offers(&book, &facts, Some(&outcome), SHOP, &noon());
    }
}
