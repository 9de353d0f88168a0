//! What holds for any input. Each function panics where it does not.

use std::collections::BTreeMap;

use stempel_domain::draw::{Draw, Published};
use stempel_domain::event::ReversalReason;
use stempel_domain::ledger::{Account, Booking, Idle, Posting, Purse, imbalance};
use stempel_domain::member::MemberFacts;
use stempel_domain::money::{Money, Quantity, Rate};
use stempel_domain::programme::Programme;
use stempel_domain::rules::{
    Language, Original, RuleBook, Take, TakeBack, TakenBack, case, check_order, evaluate, offers, reverse,
    sale_postings, sentence, standings,
};
use stempel_domain::sale::{Claim, Line, Order, Sale, Tender, TenderKind};
use stempel_domain::time::business_day;
use stempel_domain::{MemberId, Moment, ShopId, Unit};

/// A programme in TOML or JSON: what is read and written again is the same.
pub fn programme(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for read in [Programme::parse_toml(text), Programme::from_json(text)] {
        match read {
            Ok(programme) => {
                let json = programme.to_json();
                let again = Programme::from_json(&json).expect("what was written can be read");
                assert_eq!(again, programme);
                assert_eq!(again.to_json(), json);
                programme.warnings();
                programme.card_size();
                RuleBook::new(vec![programme.published(1)]).expect("one programme stands alone");
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

/// Programmes, each after a line `---`, and then a case.
pub fn case(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut parts: Vec<&str> = text.split("\n---\n").collect();
    let Some(case) = parts.pop() else { return };
    let programmes: Vec<Programme> =
        parts.into_iter().take(8).filter_map(|part| Programme::parse_toml(part).ok()).collect();
    assert_eq!(case::run(&programmes, case), case::run(&programmes, case));
}

/// A draw's file.
pub fn draw(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(draw) = Draw::from_json(text) else { return };
    let proven = |draw: &Draw| draw.verify(&Published::default()).iter().all(|check| check.good);
    let again = Draw::from_json(&draw.to_json()).expect("what was written can be read");
    assert_eq!(again, draw);
    assert_eq!(proven(&again), proven(&draw));
}

const SHOP: ShopId = ShopId([1; 16]);
const MEMBER: MemberId = MemberId([7; 16]);

/// Programmes that use most of the language.
const PROGRAMMES: [&str; 3] = [
    r#"
id = "p"
name = "P"
scale = 1
expiry = { idle_days = 40, months = 3 }
refunds = "forgive"
grace_days = 9
tiers = { by = "spend", window = "month", grace_days = 20, ladder = [{ name = "gold", from = 30 }] }
leaderboard = { by = "visits", period = "week" }
[[earn]]
id = "e"
per = "money"
amount = 0.3
minimum = 2
rounding = "half-up"
cap = { sale = 30, day = 50 }
[[multiplier]]
id = "m"
factor = 1.5
who = { tiers = ["gold"] }
[[reward]]
id = "r0"
kind = "amount-off"
amount = 1.11
cost = 3
at_least = 3
[[reward]]
id = "r1"
kind = "free-item"
cost = 7
quantity = 2
skus = ["a", "b"]
[[reward]]
id = "r2"
kind = "percent-off"
percent = 33.33
on = "cheapest"
automatic = true
priority = 1
except_categories = ["x"]
[[reward]]
id = "r3"
kind = "units"
cost = 5
gives = { unit = "eur", scale = 2, amount = 1.50, expiry = { idle_months = 2 } }
[[message]]
at = 10
text = "ten"
"#,
    r#"
id = "q"
name = "Q"
unit = "stamp"
tiers = { by = "units", window_days = 9, grace_days = 3, ladder = [{ name = "fan", from = 2 }] }
[[earn]]
id = "e"
per = "item"
amount = 1
categories = ["y"]
except_skus = ["b"]
cap = { day = 9 }
[[reward]]
id = "r4"
kind = "cheapest-item"
cost = 2
limit = { day = 3 }
[[reward]]
id = "r5"
kind = "amount-off"
amount = 2
code = "HI"
minimum = 5
[[reward]]
id = "r6"
kind = "gift"
cost = 1
cause = "trees"
[[voucher]]
id = "v"
reward = "r7"
minimum = 9
days = 5
[[reward]]
id = "r7"
kind = "percent-off"
percent = 50
cap = 3
voucher = true
only_best = "v"
"#,
    "id = \"c\"\nname = \"C\"\nunit = \"eur\"\nscale = 2\n[[earn]]\nper = \"money\"\namount = 0.02\n[[earn]]\nper = \"visit\"\namount = 0.05\n",
];

/// Reads small numbers from bytes; zeros once there are none.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    fn below(&mut self, most: u8) -> u8 {
        self.next() % most.max(1)
    }

    fn wide(&mut self) -> i64 {
        i64::from(self.next()) << 8 | i64::from(self.next())
    }
}

fn moment(days: i64, minutes: i64) -> Moment {
    let utc_ms = (20_700 + days) * 86_400_000 + minutes * 60_000;
    let day = business_day(utc_ms, 60, 240);
    Moment { utc_ms, offset_minutes: 60, day, skew_ms: None, clock_doubtful: false }
}

fn line(bytes: &mut Bytes<'_>) -> Line {
    let kind = bytes.next();
    Line {
        sku: ["a", "b", "c", "d"][usize::from(kind & 3)].parse().expect("a name"),
        name: String::new(),
        category: ["x", "y", "", "z"][usize::from(kind >> 2 & 3)].to_owned(),
        quantity: match bytes.below(5) {
            0 => Quantity(bytes.wide()),
            1 => Quantity(-1000),
            pieces => Quantity(i64::from(pieces) * 1000),
        },
        price: Money(if kind & 16 == 0 { bytes.wide() % 3000 } else { bytes.wide() * 100_000 }),
        vat: Rate([0, 700, 1900, 10_000][usize::from(kind >> 5 & 3)]),
        deposit: kind & 128 != 0,
        stored: kind & 64 != 0 && kind & 32 != 0,
    }
}

fn sale_of(bytes: &mut Bytes<'_>) -> Sale {
    let lines = (0..bytes.below(6)).map(|_| line(bytes)).collect();
    let claims = (0..bytes.below(4)).map(|_| {
        let reward = bytes.next();
        Claim {
            times: u32::from(bytes.below(6)) + 1,
            extra: reward & 16 != 0,
            sku: (reward & 32 != 0).then(|| "b".parse().expect("a name")),
            ..Claim::once(format!("r{}", reward % 9).parse().expect("a name"))
        }
    });
    let claims = claims.collect();
    let tenders = (0..bytes.below(3))
        .map(|kind| {
            let kind = [TenderKind::Stored, TenderKind::Cash][usize::from(kind & 1)];
            Tender { kind, amount: Money(bytes.wide()) }
        })
        .collect();
    let codes = (0..bytes.below(3)).map(|_| "HI".to_owned()).collect();
    Sale { lines, tenders, claims, codes }
}

/// A member's purses, some days before.
fn purses_of(bytes: &mut Bytes<'_>) -> BTreeMap<Unit, Purse> {
    let mut purses: BTreeMap<Unit, Purse> = BTreeMap::new();
    for _ in 0..bytes.below(6) {
        let unit = ["point.1", "stamp", "eur.2", "voucher:q:r7"][usize::from(bytes.below(4))];
        let purse = purses.entry(unit.parse().expect("a unit")).or_default();
        let day = moment(-i64::from(bytes.next()), 0).day;
        let amount = bytes.wide() % 2000;
        let life = bytes.next();
        let booking = if life == 255 {
            Booking::Spend { day }
        } else {
            let idle = Idle { months: 0, days: u16::from(life % 60) };
            Booking::Lot {
                earned: day,
                last: (life & 1 == 0).then(|| day.plus_days(i32::from(life))),
                idle: (life.is_multiple_of(3) && !life.is_multiple_of(60)).then_some(idle),
            }
        };
        purse.add(booking, if life == 255 { -amount } else { amount });
    }
    purses
}

fn apply(purses: &mut BTreeMap<Unit, Purse>, postings: &[Posting]) {
    for posting in postings.iter().filter(|posting| posting.account == Account::Member(MEMBER)) {
        let booking = posting.booking.expect("a member's posting says how it touches the purse");
        purses.entry(posting.unit.clone()).or_default().add(booking, posting.amount);
    }
}

/// A member, a sale and refunds: every event balances, no line costs less than nothing, and when everything
/// has come back everything is as it was, but for what was let go.
pub fn sale(bytes: &[u8]) {
    let bytes = &mut Bytes(bytes);
    let which = bytes.next();
    let programmes = PROGRAMMES.iter().enumerate().filter(|(place, _)| which >> place & 1 == 0);
    let programmes =
        programmes.map(|(_, text)| Programme::parse_toml(text).expect("a programme").published(1));
    let book = RuleBook::new(programmes.collect()).expect("they stand together");
    let at = moment(i64::from(bytes.next()), i64::from(bytes.next()) * 5);
    let mut purses = purses_of(bytes);
    let before = purses.clone();
    let sale = sale_of(bytes);
    if check_order(Order::Sale(&sale)).is_err() {
        return;
    }
    let mut facts = MemberFacts::default();
    for (unit, purse) in &purses {
        let (mut lots, debt) = purse.lots(at.day);
        assert_eq!(lots.iter().map(|lot| lot.amount).sum::<i64>() - debt, purse.balance(at.day));
        if debt != 0 {
            lots.insert(
                0,
                stempel_domain::ledger::Lot { amount: -debt, earned: at.day, last: None, idle: None },
            );
        }
        facts.lots.insert(unit.clone(), lots);
    }
    let order = Order::Sale(&sale);
    let outcome = evaluate(&book, Some(&facts), order, SHOP, &at);
    assert_eq!(outcome, evaluate(&book, Some(&facts), order, SHOP, &at));
    offers(&book, &facts, Some(&outcome), SHOP, &at);
    standings(&book, &facts, &at);
    for step in &outcome.trace {
        assert!(!sentence(step, Language::De).is_empty() && !sentence(step, Language::En).is_empty());
    }
    assert_eq!(outcome.lines.iter().map(|line| line.paid).sum::<Money>(), outcome.total);
    for line in &outcome.lines {
        assert_eq!(line.gross - line.discount, line.paid);
        assert!(line.gross < Money::ZERO || (line.paid >= Money::ZERO && line.discount >= Money::ZERO));
    }
    let postings = sale_postings(&sale, &outcome, Some(MEMBER), SHOP, at.day);
    assert!(imbalance(&postings).is_empty());
    apply(&mut purses, &postings);

    let original = Original {
        sale: Some(&sale),
        is_visit: true,
        outcome: &outcome,
        member: Some(MEMBER),
        shop: SHOP,
        at: &at,
    };
    let mut reversals = Vec::new();
    let mut refund = Money::ZERO;
    let mut let_go: BTreeMap<Unit, i64> = BTreeMap::new();
    let parts = bytes.below(4);
    for part in 0..=parts {
        let quantities: Vec<i64> = sale.lines.iter().map(|_| i64::from(bytes.below(3)) * 1000).collect();
        let take = if part == parts { Take::Everything } else { Take::Quantities(&quantities) };
        let taken = TakenBack::by(&reversals);
        let wish =
            TakeBack { take, reason: ReversalReason::Refund, before: &taken, purses: &purses, at: &at };
        let Ok(reversed) = reverse(&original, &wish) else { continue };
        assert!(imbalance(&reversed.postings).is_empty());
        apply(&mut purses, &reversed.postings);
        refund += reversed.refund;
        for (unit, amount) in &reversed.let_go {
            *let_go.entry(unit.clone()).or_default() += amount;
        }
        let of = "00000000000000000000000000000001-1".parse().expect("an event");
        reversals.push(reversed.into_reversal(of, Some(MEMBER), ReversalReason::Refund));
    }
    assert_eq!(refund, outcome.total);
    for (unit, purse) in &purses {
        let was = before.get(unit).map_or(0, |purse| purse.balance(at.day));
        let kept = let_go.get(unit).copied().unwrap_or(0);
        assert_eq!(purse.balance(at.day), was + kept, "{unit}");
    }
    let mut counters: BTreeMap<&str, i64> = BTreeMap::new();
    for step in outcome.counters.iter().chain(reversals.iter().flat_map(|reversal| &reversal.counters)) {
        *counters.entry(&step.key).or_default() += step.amount;
    }
    assert!(counters.values().all(|sum| *sum == 0), "{counters:?}");
}
