//! The JSON Schema says what the reader takes, no more and no less.

use serde_json::Value;
use stempel_domain::programme::{Programme, schema};

use crate::support::template;

/// Uses every key of the language once.
const EVERYTHING: &str = r#"
language = 1
id = "all"
name = { de = "Alles", en = "Everything" }
unit = "point"
scale = 1
card = 10
valid = { from = "2026-01-01", to = "2026-12-31" }
when = { weekdays = ["monday"], hours = ["08:00-12:00"] }
shops = ["01010101010101010101010101010101"]
merchants = ["baker"]
overdraft = "block"
offline = { spend_day = 20, age_days = 14 }
who = { holds = ["membership:plus"], tiers = ["t"], tags = ["a"], except_tags = ["b"], birthday = true, anniversary = true, joined_within_days = 3, absent_days = 4 }
expiry = { days = 1, months = 2, to_end_of = "year", idle_days = 3, idle_months = 4, warn_days = 5 }
grace_days = 14
refunds = "forgive"
tiers = { by = "spend", window_days = 365, grace_days = 30, ladder = [{ name = "t", from = 100.00, gives = { amount = 1 } }] }
leaderboard = { by = "visits", period = "month", top = 5 }
clearing = { per_unit = 0.01 }

[[earn]]
id = "e"
per = "item"
amount = "0.5"
every = 2
categories = ["a"]
skus = ["b"]
except_categories = ["c"]
except_skus = ["d"]
minimum = 1.00
minimum_quantity = 2
rounding = "up"
cap = { sale = 1, day = 2, week = 3, month = 4, year = 5, period = 6, period_days = 7 }
pause_minutes = 5
when = { hours = ["08:00-12:00"] }
who = { birthday = true }

[[multiplier]]
id = "m"
factor = 2
earn = ["e"]
valid = { to = "2026-12-31" }
when = { weekdays = ["monday"] }
who = { birthday = true }

[[reward]]
id = "r"
name = "R"
kind = "free-item"
cost = 3
quantity = 2
at_least = 3
categories = ["a"]
skus = ["b"]
except_categories = ["c"]
except_skus = ["d"]
minimum = 1
minimum_quantity = 1
needs = { categories = ["a"], skus = ["b"], except_categories = ["c"], except_skus = ["d"], minimum = 1, quantity = 2 }
limit = { year = 1 }
valid = { to = "2026-12-31" }
when = { weekdays = ["monday"] }
who = { tags = ["a"] }

[[reward]]
id = "auto"
kind = "percent-off"
percent = 10
cap = 5
on = "cheapest"
automatic = true
needs_card = true
only_best = "x"
priority = 2

[[reward]]
id = "v"
kind = "amount-off"
amount = 5
voucher = true

[[reward]]
id = "c"
kind = "amount-off"
amount = 5
needs = { quantity = 3, each = true }
code = "HI"
from_pool = "p"

[[reward]]
id = "g"
kind = "gift"
cost = 5
cause = "trees"
stock = { total = 100, device = 10, device_day = 2 }
fills = "p"
shows = { de = "Code NACHBAR", en = "Code NEIGHBOUR" }

[[reward]]
id = "u"
kind = "units"
cost = 5
gives = { unit = "ticket", scale = 1, amount = 2.5, expiry = { days = 3 } }

[[voucher]]
id = "w"
reward = "v"
minimum = 10
days = 20
limit = { week = 1 }

[[message]]
at = 10
text = { de = "Zehn", en = "Ten" }

[[challenge]]
id = "many"
name = "Many"
goal = [{ count = "spend", target = 50.00, minimum = 2.00, categories = ["a"], skus = ["b"], except_categories = ["c"], except_skus = ["d"] }]
within_days = 30
gives = [{ amount = 1.5, expiry = { days = 3 } }, { unit = "badge:x", scale = 0, amount = 1 }, { voucher = "v", days = 14 }]
valid = { to = "2026-12-31" }
when = { weekdays = ["monday"] }
who = { tags = ["a"] }

[[challenge]]
id = "row"
goal = [{ count = "days", target = 1 }]
each = "week"
streak = 4
gives = { amount = 2 }

[[occasion]]
id = "away"
name = "Back"
on = "absence"
days = 60
gives = { amount = 1 }
valid = { to = "2026-12-31" }
who = { tags = ["a"] }

[[giving]]
id = "one"
name = "Trees"
cause = "trees"
percent = 1.5
minimum = 2.00
categories = ["a"]
skus = ["b"]
except_categories = ["c"]
except_skus = ["d"]
valid = { to = "2026-12-31" }

[[activity]]
id = "review"
name = "Review"
once = "month"
gives = { amount = 1 }
limit = { year = 3 }
valid = { to = "2026-12-31" }
who = { tags = ["a"] }

[referral]
minimum = 5.00
within_days = 90
friend = { amount = 1 }
referrer = { amount = 2 }
limit = { year = 10 }

[membership]
name = "plus"
skus = ["PLUS"]
months = 12
days = 1

[goodwill]
reasons = ["late"]
at_once = 10
operator = { day = 20 }
device = { day = 50 }
member = { month = 10 }
four_eyes_above = 5
"#;

/// Finds what a value has that the schema does not allow.
fn faults(root: &Value, schema: &Value, value: &Value, path: &str, used: &mut Vec<String>) -> Vec<String> {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let name = name.strip_prefix("#/$defs/").unwrap();
        let target = &root["$defs"][name];
        assert!(!target.is_null(), "{name} is not defined");
        return faults(root, target, value, name, used);
    }
    if let Some(options) = schema.get("oneOf").and_then(Value::as_array) {
        let fits = options.iter().filter(|option| faults(root, option, value, path, used).is_empty()).count();
        return if fits == 1 { Vec::new() } else { vec![format!("{path}: {fits} options fit {value}")] };
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return if words.contains(value) { Vec::new() } else { vec![format!("{path}: {value}")] };
    }
    let right = match schema["type"].as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("{other}"),
    };
    if !right {
        return vec![format!("{path}: {value} is no {}", schema["type"])];
    }
    let mut found = Vec::new();
    for item in value.as_array().into_iter().flatten() {
        found.extend(faults(root, &schema["items"], item, path, used));
    }
    let Some(object) = value.as_object().filter(|_| schema.get("properties").is_some()) else { return found };
    for key in schema["required"].as_array().into_iter().flatten() {
        if !object.contains_key(key.as_str().unwrap()) {
            found.push(format!("{path}: {key} is missing"));
        }
    }
    for (key, value) in object {
        match schema["properties"].get(key) {
            None => found.push(format!("{path}: {key} is not in the schema")),
            Some(inner) => {
                used.push(format!("{path}.{key}"));
                found.extend(faults(root, inner, value, key, used));
            }
        }
    }
    found
}

#[test]
fn the_schema_knows_every_key_and_invents_none() {
    let schema = schema();
    let programme = Programme::parse_toml(EVERYTHING).unwrap_or_else(|error| panic!("{error}"));
    let mut json: Value = serde_json::from_str(&programme.to_json()).unwrap();
    // The first version of the language need not be written.
    json["language"] = Value::from(1);
    let mut used = Vec::new();
    assert_eq!(faults(&schema, &schema, &json, "", &mut used), Vec::<String>::new());
    // A ladder has one kind of window or the other.
    json["tiers"] =
        serde_json::json!({"by": "spend", "window": "year", "ladder": [{"name": "t", "from": "1"}]});
    Programme::from_json(&json.to_string()).unwrap();
    assert_eq!(faults(&schema, &schema, &json, "", &mut used), Vec::<String>::new());
    let mut known: Vec<String> = keys("", &schema);
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        known.extend(keys(name, definition));
    }
    let unused: Vec<&String> = known.iter().filter(|key| !used.contains(key)).collect();
    assert!(unused.is_empty(), "the reader never writes {unused:?}");
}

fn keys(name: &str, schema: &Value) -> Vec<String> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flat_map(|keys| keys.keys().map(move |key| format!("{name}.{key}"))).collect()
}

#[test]
fn templates_fit_the_schema_and_nonsense_does_not() {
    let schema = schema();
    for name in ["coffee-card", "points", "happy-hour", "welcome", "next-visit-voucher"] {
        let json: Value =
            serde_json::from_str(&Programme::parse_toml(&template(name)).unwrap().to_json()).unwrap();
        assert_eq!(faults(&schema, &schema, &json, "", &mut Vec::new()), Vec::<String>::new(), "{name}");
        let mut wrong = json.clone();
        wrong["dance"] = Value::from(true);
        assert!(!faults(&schema, &schema, &wrong, "", &mut Vec::new()).is_empty());
    }
}
