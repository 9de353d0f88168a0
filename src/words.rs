//! Amounts and explanations as the command line says them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use stempel_domain::Unit;
use stempel_domain::rules::{self, Language, TraceStep};

/// Amounts by unit, as decimal strings.
pub fn amounts(amounts: &BTreeMap<Unit, i64>) -> Value {
    let entries = amounts.iter().map(|(unit, amount)| (unit.name().to_owned(), json!(unit.format(*amount))));
    Value::Object(entries.collect::<Map<_, _>>())
}

/// Amounts by unit in one line: `7 stamp:coffee, 12.5 point`.
pub fn balances_line(amounts: &BTreeMap<Unit, i64>) -> String {
    if amounts.is_empty() {
        return "nothing yet".into();
    }
    let each: Vec<String> =
        amounts.iter().map(|(unit, amount)| format!("{} {}", unit.format(*amount), unit.name())).collect();
    each.join(", ")
}

/// The steps of an explanation, each with its sentence.
pub fn trace(steps: &[TraceStep]) -> Value {
    let each = steps.iter().map(|step| {
        let mut value = serde_json::to_value(step).unwrap_or_default();
        value["text"] = Value::String(sentence(step));
        value
    });
    Value::Array(each.collect())
}

/// One step as a sentence, in the language of the machine.
pub fn sentence(step: &TraceStep) -> String {
    rules::sentence(step, language())
}

/// The language that the environment asks for.
pub fn language() -> Language {
    let named = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().filter_map(|name| std::env::var(name).ok());
    Language::of(&named.into_iter().find(|value| !value.is_empty()).unwrap_or_default())
}
