//! What a case answers to a step.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::money::Money;
use crate::programme::VOUCHER_PREFIX;
use crate::rules::{Language, LineResult, Outcome, Refusal, ReverseError, Reversed, TraceStep, sentence};
use crate::time::Day;
use crate::unit::Unit;

/// What a step says beside the balances.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub total: Money,
    pub lines: Vec<Value>,
    pub earned: BTreeMap<Unit, i64>,
    pub spent: BTreeMap<Unit, i64>,
    pub vouchers: Vec<Value>,
    pub refused: Vec<Value>,
    pub trace: Vec<Value>,
    pub grants: Vec<Value>,
    pub due: Vec<Value>,
}

impl Answer {
    pub fn of_sale(outcome: &Outcome) -> Self {
        let mut spent = outcome.spent();
        if outcome.stored != Money::ZERO {
            let sum = spent.entry(Unit::euro()).or_default();
            *sum = sum.saturating_add(outcome.stored.0);
        }
        let line = |line: &LineResult| {
            let (gross, discount) = (line.gross.to_string(), line.discount.to_string());
            json!({"sku": line.sku, "gross": gross, "discount": discount, "paid": line.paid.to_string()})
        };
        let refused = |refusal: &Refusal| json!({"reward": refusal.reward, "reason": refusal.reason});
        Self {
            total: outcome.total,
            lines: outcome.lines.iter().map(line).collect(),
            earned: outcome.earned(),
            spent,
            vouchers: outcome
                .vouchers()
                .map(|award| voucher(&award.unit, award.amount, award.last))
                .collect(),
            refused: outcome.refused.iter().map(refused).collect(),
            trace: outcome.trace.iter().map(trace).collect(),
            grants: outcome.grants.iter().map(|grant| json!(grant.to_string())).collect(),
            due: outcome.due.iter().map(|due| json!(due.programme)).collect(),
        }
    }

    /// A refund answers with what goes the other way: paid back, taken back and given back are negative.
    pub fn of_refund(outcome: &Outcome, reversed: &Reversed) -> Self {
        let back = outcome.lines.iter().zip(&reversed.lines).filter(|(_, back)| **back != Money::ZERO);
        let line = |(line, back): (&LineResult, &Money)| {
            let paid = (-*back).to_string();
            json!({"sku": line.sku, "gross": paid, "discount": "0.00", "paid": paid})
        };
        let negative =
            |sums: &BTreeMap<Unit, i64>| sums.iter().map(|(unit, sum)| (unit.clone(), -sum)).collect();
        Self {
            total: -reversed.refund,
            lines: back.map(line).collect(),
            earned: negative(&reversed.taken_back),
            spent: negative(&reversed.given_back),
            trace: reversed.trace().iter().map(trace).collect(),
            ..Self::default()
        }
    }

    pub fn of_refusal(error: &ReverseError) -> Self {
        let step = error.trace();
        let refused = vec![json!({"reward": null, "reason": step.code})];
        Self { refused, trace: vec![trace(&step)], ..Self::default() }
    }
}

pub(super) fn units(sums: &BTreeMap<Unit, i64>) -> Value {
    let shown = sums.iter().filter(|(unit, _)| !unit.name().starts_with(VOUCHER_PREFIX));
    shown.map(|(unit, &amount)| (unit.name().to_owned(), Value::from(unit.format(amount)))).collect()
}

pub(super) fn voucher(unit: &Unit, amount: i64, last: Option<Day>) -> Value {
    let name = unit.name().strip_prefix(VOUCHER_PREFIX).unwrap_or_default();
    let (programme, reward) = name.split_once(':').unwrap_or(("", name));
    json!({"programme": programme, "reward": reward, "count": unit.format(amount), "last_day": last})
}

fn trace(step: &TraceStep) -> Value {
    json!({
        "code": step.code,
        "programme": step.programme,
        "rule": step.rule,
        "values": step.values,
        "de": sentence(step, Language::De),
        "en": sentence(step, Language::En),
    })
}
