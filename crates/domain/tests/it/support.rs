//! Members, sales and moments for the tests.

use serde_json::Value;
use stempel_domain::ledger::Lot;
use stempel_domain::money::{Money, Quantity, Rate};
use stempel_domain::programme::Programme;
use stempel_domain::rules::{self, Outcome, RuleBook};
use stempel_domain::sale::{Claim, Line, Order, Sale, StampCount, StampOrder};
use stempel_domain::time::business_day;
use stempel_domain::{MemberFacts, Moment, ShopId, Unit};

pub const SHOP: ShopId = ShopId([1; 16]);

/// A template by its file name.
pub fn template(name: &str) -> String {
    let path = format!("{}/../../assets/programmes/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub fn book(texts: &[&str]) -> RuleBook {
    let parse = |text: &&str| Programme::parse_toml(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    RuleBook::new(texts.iter().map(|text| parse(text).published(1)).collect()).unwrap()
}

pub fn at(text: &str) -> Moment {
    let (utc_ms, offset_minutes) = Moment::parse_rfc3339(text).unwrap();
    let day = business_day(utc_ms, offset_minutes, 0);
    Moment { utc_ms, offset_minutes, day, skew_ms: None, clock_doubtful: false }
}

pub fn noon() -> Moment {
    at("2026-11-20T12:00:00+01:00")
}

pub fn line(sku: &str, category: &str, quantity: &str, price: &str) -> Line {
    Line {
        sku: sku.parse().unwrap(),
        name: String::new(),
        category: category.to_owned(),
        quantity: Quantity::parse(quantity).unwrap(),
        price: Money::parse(price).unwrap(),
        vat: Rate(1900),
        deposit: false,
        stored: false,
    }
}

pub fn sale(lines: Vec<Line>) -> Sale {
    Sale { lines, ..Sale::default() }
}

pub fn claim(reward: &str) -> Claim {
    Claim::once(reward.parse().unwrap())
}

pub fn stamps(programme: &str, count: u32, claims: Vec<Claim>) -> StampOrder {
    StampOrder { stamps: vec![StampCount { programme: programme.parse().unwrap(), count }], claims }
}

pub fn member(unit: &str, amount: i64) -> MemberFacts {
    let mut facts = MemberFacts::default();
    let lot = Lot { amount, earned: noon().day, last: None, idle: None };
    facts.lots.insert(unit.parse().unwrap(), vec![lot]);
    facts
}

pub fn judge(book: &RuleBook, member: &MemberFacts, order: Order<'_>) -> Outcome {
    rules::evaluate(book, Some(member), order, SHOP, &noon())
}

pub fn unit(text: &str) -> Unit {
    text.parse().unwrap()
}

pub fn has(outcome: &Outcome, code: &str) -> bool {
    outcome.trace.iter().any(|step| step.code == code)
}

/// Whether an answer holds what is wanted under a key.
pub fn holds(key: &str, answer: &Value, wanted: &Value) -> bool {
    let named = |list: &str, name: &str| -> Vec<Value> {
        answer[list].as_array().unwrap().iter().map(|entry| entry[name].clone()).collect()
    };
    match key {
        "trace" => wanted.as_array().unwrap().iter().all(|code| named("trace", "code").contains(code)),
        "refused" => Value::from(named("refused", "reason")) == *wanted,
        "messages" => {
            let steps = answer["trace"].as_array().unwrap().iter();
            let said = steps.filter(|step| step["code"] == "message").map(|step| step["en"].clone());
            Value::from(said.collect::<Vec<Value>>()) == *wanted
        }
        "earned" | "spent" => answer[key] == *wanted,
        "balances" => within(&answer[key], wanted),
        "lines" | "vouchers" => {
            let (answers, wanted) = (answer[key].as_array().unwrap(), wanted.as_array().unwrap());
            answers.len() == wanted.len()
                && answers.iter().zip(wanted).all(|(answer, wanted)| within(answer, wanted))
        }
        _ => answer[key] == *wanted,
    }
}

fn within(answer: &Value, wanted: &Value) -> bool {
    wanted.as_object().unwrap().iter().all(|(key, value)| answer[key] == *value)
}
