//! The judgement of a basket: how long it takes with many programmes, and that it does not grow with those that
//! cannot apply. `stempel bench rules` measures the same beside reading the rows from SQLite.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench that cannot go on ends here")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use stempel_domain::ledger::Lot;
use stempel_domain::money::{Money, Quantity, Rate};
use stempel_domain::programme::{Programme, Published};
use stempel_domain::rules::{RuleBook, evaluate, offers};
use stempel_domain::sale::{Claim, Line, Order, Sale};
use stempel_domain::time::business_day;
use stempel_domain::{MemberFacts, Moment, ShopId};

const SHOP: ShopId = ShopId([1; 16]);

/// Ten of the ready programmes, three times each under other names: all of them may say something to the basket.
const TEMPLATES: [&str; 10] = [
    include_str!("../../../assets/programmes/coffee-card.toml"),
    include_str!("../../../assets/programmes/points.toml"),
    include_str!("../../../assets/programmes/happy-hour.toml"),
    include_str!("../../../assets/programmes/cash-back.toml"),
    include_str!("../../../assets/programmes/tier-ladder.toml"),
    include_str!("../../../assets/programmes/volume-discount.toml"),
    include_str!("../../../assets/programmes/birthday-double-points.toml"),
    include_str!("../../../assets/programmes/next-visit-voucher.toml"),
    include_str!("../../../assets/programmes/basket-target.toml"),
    include_str!("../../../assets/programmes/member-discount.toml"),
];

fn noon() -> Moment {
    let (utc_ms, offset_minutes) = Moment::parse_rfc3339("2026-11-20T12:00:00+01:00").unwrap();
    let day = business_day(utc_ms, offset_minutes, 0);
    Moment { utc_ms, offset_minutes, day, skew_ms: None, clock_doubtful: false }
}

fn renamed(text: &str, number: usize) -> Published {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let id = lines.iter_mut().find(|line| line.starts_with("id = ")).unwrap();
    *id = format!("id = \"bench-{number}\"");
    Programme::parse_toml(&lines.join("\n")).unwrap().published(1)
}

fn thirty() -> RuleBook {
    let texts = TEMPLATES.iter().cycle().take(30);
    RuleBook::new(texts.enumerate().map(|(number, text)| renamed(text, number)).collect()).unwrap()
}

/// Stamp cards for one category each: ten of them are in the basket, however many there are.
fn cards(count: usize) -> RuleBook {
    let card = |number: usize| {
        Programme::parse_toml(&format!(
            "id = \"card-{number}\"\nname = \"Card\"\nunit = \"stamp:{number}\"\n[[earn]]\nper = \"item\"\namount = 1\n\
             categories = [\"cat-{number}\"]\ncap = {{ day = 5 }}\n[[reward]]\nid = \"free\"\nkind = \"free-item\"\n\
             cost = 10\ncategories = [\"cat-{number}\"]\n"
        ))
        .unwrap()
        .published(1)
    };
    RuleBook::new((0..count).map(card).collect()).unwrap()
}

fn basket(category: impl Fn(usize) -> String) -> Sale {
    let line = |number: usize| Line {
        sku: format!("sku-{number}").parse().unwrap(),
        name: String::new(),
        category: category(number),
        quantity: Quantity::pieces(1 + (number % 3) as u32),
        price: Money(120 + 37 * number as i64),
        vat: Rate(if number.is_multiple_of(2) { 700 } else { 1900 }),
        deposit: number == 19,
        stored: false,
    };
    Sale { lines: (0..20).map(line).collect(), ..Sale::default() }
}

/// A member who was here on each of the last hundred days.
fn regular(book: &RuleBook) -> MemberFacts {
    let mut facts = MemberFacts { joined: Some(noon().day.plus_days(-400)), ..MemberFacts::default() };
    for published in book.programmes().iter().take(30) {
        let lot = |back: i32| Lot {
            amount: 15,
            earned: noon().day.plus_days(-back),
            last: Some(noon().day.plus_days(365 - back)),
            idle: None,
        };
        facts.lots.insert(published.programme.unit().clone(), (0..20).rev().map(lot).collect());
        for rule in &published.programme.spec().earn {
            let days = facts.counters.entry(format!("{}/{}", published.reference.id, rule.id)).or_default();
            days.extend((1..100).map(|back| (noon().day.plus_days(-back), 3)));
        }
        if published.programme.spec().tiers.is_some() {
            let days = facts.counters.entry(format!("{}#tier", published.reference.id)).or_default();
            days.extend((1..100).map(|back| (noon().day.plus_days(-back), 450)));
        }
    }
    facts
}

fn rules(criterion: &mut Criterion) {
    let book = thirty();
    let facts = regular(&book);
    let categories = ["coffee", "cake", "beans", "food", "breakfast"];
    let mut sale = basket(|number| categories[number % categories.len()].to_owned());
    criterion.bench_function("20 lines, 30 programmes", |bencher| {
        bencher.iter(|| evaluate(black_box(&book), Some(&facts), Order::Sale(&sale), SHOP, &noon()));
    });
    let reward = book.programmes().iter().find_map(|published| {
        let rewards = &published.programme.spec().reward;
        rewards
            .iter()
            .find(|reward| reward.cost.is_some())
            .map(|reward| (published.reference.id.clone(), reward.id.clone()))
    });
    let (programme, reward) = reward.unwrap();
    sale.claims = vec![Claim { programme: Some(programme), ..Claim::once(reward) }; 3];
    criterion.bench_function("20 lines, 30 programmes, 3 claims", |bencher| {
        bencher.iter(|| evaluate(black_box(&book), Some(&facts), Order::Sale(&sale), SHOP, &noon()));
    });
    criterion.bench_function("what can be taken, 30 programmes", |bencher| {
        bencher.iter(|| offers(black_box(&book), &facts, None, SHOP, &noon()));
    });
    let mut group = criterion.benchmark_group("20 lines, 10 of so many cards apply");
    for count in [10, 100, 1000] {
        let book = cards(count);
        let facts = regular(&cards(10));
        let sale = basket(|number| format!("cat-{}", number % 10));
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| evaluate(black_box(&book), Some(&facts), Order::Sale(&sale), SHOP, &noon()));
        });
    }
    group.finish();
}

criterion_group!(benches, rules);
criterion_main!(benches);
