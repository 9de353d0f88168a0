//! The programme language as a JSON Schema (draft 2020-12), for editors that complete and check while one
//! writes. What only [`Programme::parse_toml`](crate::programme::Programme::parse_toml) can say, it leaves out.

use serde_json::{Map, Value, json};

use crate::programme::{CARD_MAX, LANGUAGE, Leaderboard, RULES_MAX, TEXT_LEN_MAX, WORDS_MAX};
use crate::unit::Unit;

/// The schema of a programme.
pub fn schema() -> Value {
    let mut head = object(
        &[
            ("language", json!({"type": "integer", "minimum": 1, "maximum": LANGUAGE})),
            ("id", id("The programme's name within the tenant.")),
            ("name", refer("text", "What people call it.")),
            (
                "unit",
                json!({"type": "string", "maxLength": Unit::NAME_LEN_MAX, "pattern": "^[a-z0-9:_-]+$",
                            "description": "What is counted: point, stamp:coffee, ticket, eur."}),
            ),
            (
                "scale",
                json!({"type": "integer", "minimum": 0, "maximum": Unit::SCALE_MAX,
                             "description": "Digits after the point of the unit."}),
            ),
            (
                "card",
                json!({"type": "integer", "minimum": 1, "maximum": CARD_MAX,
                            "description": "Places of a stamp card."}),
            ),
            ("valid", refer("valid", "From and to which business day it runs; both are inside.")),
            ("when", refer("when", "On which weekdays and at which hours it runs.")),
            (
                "shops",
                list(json!({"type": "string", "pattern": "^[0-9a-f]{32}$"}), "Ids of shops; none: all."),
            ),
            ("merchants", words("Merchants of a coalition whose shops run it; none: all.")),
            ("who", refer("who", "Who takes part.")),
            ("expiry", refer("expiry", "How long units last; left out: for ever.")),
            (
                "grace_days",
                json!({"type": "integer", "minimum": 0, "maximum": 65535,
                                  "description": "How long units last that a refund gives back after their lot expired."}),
            ),
            (
                "refunds",
                word(
                    &["owe", "forgive"],
                    "What happens to units that a refund takes back when they were spent.",
                ),
            ),
            ("tiers", refer("tiers", "The tiers that members reach by it.")),
            ("leaderboard", refer("leaderboard", "Who did most, of those who agreed to be named.")),
            ("clearing", refer("clearing", "How shops of a coalition settle with each other.")),
            ("earn", rules("earn")),
            ("multiplier", rules("multiplier")),
            ("reward", rules("reward")),
            ("voucher", rules("voucher")),
            ("message", rules("message")),
            ("challenge", rules("challenge")),
            ("occasion", rules("occasion")),
            ("activity", rules("activity")),
            ("giving", rules("giving")),
            ("referral", refer("referral", "Members who bring others.")),
            ("membership", refer("membership", "A membership that is bought or granted.")),
            ("goodwill", refer("goodwill", "How much staff may give away to make up for something.")),
            ("offline", refer("offline", "What may be spent while the server cannot be reached.")),
            (
                "overdraft",
                word(&["owe", "forgive", "block", "ask"], "What follows when more was given than there was."),
            ),
        ],
        &["id", "name"],
    );
    if let Some(head) = head.as_object_mut() {
        head.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        head.insert("title".to_owned(), json!("A programme of Stempel"));
        head.insert("$defs".to_owned(), definitions());
    }
    head
}

fn definitions() -> Value {
    json!({
        "number": {
            "description": "A number, at most six digits after the point.",
            "oneOf": [{"type": "number"}, {"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]{1,6})?$"}],
        },
        "text": {
            "oneOf": [
                {"type": "string", "minLength": 1, "maxLength": TEXT_LEN_MAX},
                {"type": "object", "additionalProperties": {"type": "string", "maxLength": TEXT_LEN_MAX}},
            ],
        },
        "day": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
        "valid": object(&[("from", refer("day", "The first day.")), ("to", refer("day", "The last day."))], &[]),
        "when": object(&[
            ("weekdays", list(word(&["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"], ""),
                              "Weekdays of the business day.")),
            ("hours", list(json!({"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$"}),
                           "Times of the shop's clock; the end is outside.")),
        ], &[]),
        "who": object(&[
            ("tiers", words("One of these tiers.")),
            ("tags", words("One of these tags or segments.")),
            ("except_tags", words("None of these tags or segments.")),
            ("holds", words("Holds one of these units, like membership:plus.")),
            ("birthday", flag("It is the week of the birthday.")),
            ("anniversary", flag("It is the week of the day of joining, a year or more later.")),
            ("joined_within_days", count("Joined at most so many days ago.")),
            ("absent_days", count("Not here for at least so many days.")),
        ], &[]),
        "expiry": object(&[
            ("days", count("Days after earning.")),
            ("months", count("Months after earning.")),
            ("to_end_of", word(&["month", "year"], "And then to the end of it.")),
            ("idle_days", count("Days after the last earning or spend.")),
            ("idle_months", count("Months after the last earning or spend.")),
            ("warn_days", count("So many days before the end it is said.")),
        ], &[]),
        "gives": object(&[
            ("unit", json!({"type": "string", "maxLength": Unit::NAME_LEN_MAX, "description": "Of what."})),
            ("scale", json!({"type": "integer", "minimum": 0, "maximum": Unit::SCALE_MAX})),
            ("amount", number("How many for one claim.")),
            ("expiry", refer("expiry", "How long they can be spent; left out: for ever.")),
        ], &["unit", "amount"]),
        "limit": object(&[
            ("sale", number("In one sale.")),
            ("day", number("On one business day.")),
            ("week", number("In one week, Monday to Sunday.")),
            ("month", number("In one calendar month.")),
            ("year", number("In one calendar year.")),
            ("period", number("In the period that ends today.")),
            ("period_days", count("The days of the period.")),
        ], &[]),
        "tiers": object(&[
            ("by", word(&["spend", "units", "visits"], "What is counted.")),
            ("window_days", count("In the last so many days; or window.")),
            ("window", word(&["week", "month", "quarter", "year", "ever"], "In this part of the calendar; or window_days.")),
            ("grace_days", count("For so long a tier is kept.")),
            ("ladder", json!({"type": "array", "minItems": 1, "maxItems": 20, "items": {"$ref": "#/$defs/tier"}})),
        ], &["by", "ladder"]),
        "tier": object(&[
            ("name", json!({"type": "string", "description": "What `who` calls it."})),
            ("from", number("How much reaches it.")),
            ("gives", refer("prizes", "What is given once to those who reach it.")),
        ], &["name", "from"]),
        "prize": object(&[
            ("amount", number("How many units.")),
            ("unit", json!({"type": "string", "maxLength": Unit::NAME_LEN_MAX,
                            "description": "Of what; left out: of what the programme counts."})),
            ("scale", json!({"type": "integer", "minimum": 0, "maximum": Unit::SCALE_MAX})),
            ("expiry", refer("expiry", "How long they can be spent.")),
            ("voucher", id("A voucher for this reward of the programme.")),
            ("days", count("For how many days after today the voucher is good.")),
        ], &[]),
        "prizes": {"oneOf": [{"$ref": "#/$defs/prize"},
                             {"type": "array", "maxItems": 10, "items": {"$ref": "#/$defs/prize"}}]},
        "goal": object(&goal(), &["count", "target"]),
        "challenge": object(&[
            ("id", id("Its name within the programme.")),
            ("name", refer("text", "What people call it.")),
            ("goal", json!({"type": "array", "minItems": 1, "maxItems": 20, "items": {"$ref": "#/$defs/goal"},
                            "description": "What is to be reached: all of it."})),
            ("within_days", count("In the last so many days.")),
            ("each", word(&["day", "week", "month", "year"], "Anew in each span of the calendar.")),
            ("streak", count("In so many spans in a row.")),
            ("gives", refer("prizes", "What is given for it.")),
            ("valid", refer("valid", "On which days orders count.")),
            ("when", refer("when", "On which weekdays and at which hours orders count.")),
            ("who", refer("who", "For whom.")),
        ], &["id", "goal"]),
        "occasion": object(&[
            ("id", id("Its name within the programme.")),
            ("name", refer("text", "What people call it.")),
            ("on", word(&["birthday", "joined", "first-purchase", "absence", "welcome"], "Which occasion.")),
            ("days", count("Days of absence, or days after joining.")),
            ("gives", refer("prizes", "What is given.")),
            ("valid", refer("valid", "On which days.")),
            ("who", refer("who", "For whom.")),
        ], &["id", "on", "gives"]),
        "activity": object(&[
            ("id", id("Its name within the programme.")),
            ("name", refer("text", "What people call it.")),
            ("once", word(&["ever", "day", "week", "month", "year", "reference"], "How often it is given.")),
            ("gives", refer("prizes", "What is given for it.")),
            ("limit", refer("limit", "How often a member may be given it.")),
            ("valid", refer("valid", "On which days.")),
            ("who", refer("who", "For whom.")),
        ], &["id", "gives"]),
        "giving": object(&giving(), &["id", "cause", "percent"]),
        "referral": object(&[
            ("minimum", number("The friend's first purchase comes to so much.")),
            ("within_days", count("At most so many days after joining.")),
            ("friend", refer("prizes", "What the friend is given.")),
            ("referrer", refer("prizes", "What the one is given who brought the friend.")),
            ("limit", refer("limit", "For how many friends a member is rewarded.")),
        ], &[]),
        "membership": object(&[
            ("name", json!({"type": "string", "pattern": "^[a-z0-9_-]{1,29}$", "description": "Its name."})),
            ("skus", words("The articles whose sale gives one term for each piece.")),
            ("months", count("The term in months.")),
            ("days", count("The term in days, added to the months.")),
        ], &["name"]),
        "goodwill": object(&[
            ("reasons", words("The reasons that can be chosen.")),
            ("at_once", number("The most units at once.")),
            ("operator", refer("limit", "What one operator gives at one device.")),
            ("device", refer("limit", "What one device gives in all.")),
            ("member", refer("limit", "What one member is given.")),
            ("four_eyes_above", number("Above so many a second person must agree.")),
        ], &["reasons", "at_once"]),
        "offline": object(&[
            ("spend_day", number("So many units on one business day by one member.")),
            ("age_days", count("The balance was confirmed at most so many days ago.")),
        ], &[]),
        "stock": object(&[
            ("total", count("So often in all.")),
            ("device", count("So often at each device.")),
            ("device_day", count("So often at each device on one business day.")),
        ], &[]),
        "leaderboard": object(&[
            ("by", word(&["spend", "units", "visits"], "What is counted.")),
            ("period", word(&["week", "month", "quarter", "year"], "In which part of the calendar.")),
            ("top", json!({"type": "integer", "minimum": 1, "maximum": Leaderboard::TOP_MAX,
                           "description": "Down to which rank it is shown."})),
        ], &["by", "period"]),
        "clearing": object(&[("per_unit", number("The money for one whole unit."))], &["per_unit"]),
        "earn": earn(),
        "multiplier": object(&[
            ("id", id("Its name within the programme.")),
            ("factor", number("Times how much.")),
            ("earn", words("Only for these earning rules.")),
            ("valid", refer("valid", "On which days.")),
            ("when", refer("when", "On which weekdays and at which hours.")),
            ("who", refer("who", "For whom.")),
        ], &["factor"]),
        "reward": reward(),
        "needs": object(&needs(), &[]),
        "voucher": object(&[
            ("id", id("Its name within the programme.")),
            ("reward", id("The reward that the voucher is good for.")),
            ("minimum", number("The order must come to so much.")),
            ("days", count("For how many days after today it is good.")),
            ("limit", refer("limit", "How often a member may get one.")),
        ], &["reward"]),
        "message": object(&[
            ("at", number("The balance that is reached.")),
            ("text", refer("text", "What is said.")),
        ], &["at", "text"]),
    })
}

fn earn() -> Value {
    let mut keys = vec![
        ("id", id("Its name within the programme.")),
        ("per", word(&["money", "item", "order", "visit"], "What it counts.")),
        ("amount", number("How many units it gives.")),
        ("every", number("For every so much money, or so many articles.")),
        ("rounding", word(&["down", "half-up", "up"], "How the result is rounded.")),
        ("cap", refer("limit", "The most it gives each member.")),
        ("pause_minutes", count("So long must the last visit be ago.")),
        ("when", refer("when", "On which weekdays and at which hours.")),
        ("who", refer("who", "For whom.")),
    ];
    keys.extend(articles());
    object(&keys, &["per", "amount"])
}

fn reward() -> Value {
    let kinds = ["free-item", "cheapest-item", "percent-off", "amount-off", "units", "gift"];
    let mut keys = vec![
        ("id", id("Its name within the programme.")),
        ("name", refer("text", "What people call it.")),
        ("kind", word(&kinds, "What it is.")),
        ("cost", number("How many units it takes.")),
        ("quantity", count("How many pieces one cost gives.")),
        ("at_least", number("One claim takes at least so many units.")),
        ("percent", number("The percentage off.")),
        ("amount", number("The amount off.")),
        ("gives", refer("gives", "The units that it gives.")),
        ("cap", number("The most that comes off.")),
        ("on", word(&["set", "cheapest"], "What it is taken from.")),
        ("needs", refer("needs", "What must be bought beside it.")),
        ("automatic", flag("It comes by itself and costs no units.")),
        ("code", json!({"type": "string", "description": "It comes when this code is shown."})),
        ("voucher", flag("It takes a voucher that a voucher rule gave.")),
        ("cause", id("The units of a gift go to this cause.")),
        ("fills", id("The gift waits in this pool for whoever needs it.")),
        ("from_pool", id("It is given as long as this pool is filled.")),
        ("stock", refer("stock", "How often it can be given in all.")),
        (
            "shows",
            refer("text", "What is shown when a gift is taken: a partner's code, the place of an event."),
        ),
        ("needs_card", flag("It needs a card, though it costs nothing.")),
        ("priority", json!({"type": "integer", "description": "Higher ones come first."})),
        (
            "only_best",
            json!({"type": "string", "description": "Of those with the same word only the best applies."}),
        ),
        ("limit", refer("limit", "How often a member may take it.")),
        ("valid", refer("valid", "On which days.")),
        ("when", refer("when", "On which weekdays and at which hours.")),
        ("who", refer("who", "For whom.")),
    ];
    keys.extend(articles());
    object(&keys, &["id", "kind"])
}

fn needs() -> Vec<(&'static str, Value)> {
    let mut keys = vec![
        ("quantity", number("So many of them; left out: one.")),
        ("each", flag("The reward comes once for each `quantity` of them.")),
    ];
    keys.extend(articles().into_iter().filter(|(key, _)| *key != "minimum_quantity"));
    keys
}

fn giving() -> Vec<(&'static str, Value)> {
    let mut keys = vec![
        ("id", id("Its name within the programme.")),
        ("name", refer("text", "What people call the cause.")),
        ("cause", id("The cause whose account the money is put into.")),
        ("percent", number("The percentage of what is paid.")),
        ("valid", refer("valid", "On which days.")),
    ];
    keys.extend(articles().into_iter().filter(|(key, _)| *key != "minimum_quantity"));
    keys
}

fn goal() -> Vec<(&'static str, Value)> {
    let mut keys = vec![
        ("count", word(&["orders", "days", "items", "different", "spend", "units"], "What is counted.")),
        ("target", number("How much of it.")),
    ];
    keys.extend(articles().into_iter().filter(|(key, _)| *key != "minimum_quantity"));
    keys
}

/// The keys that name a set of articles and what it must come to.
fn articles() -> [(&'static str, Value); 6] {
    [
        ("categories", words("Categories in the set.")),
        ("skus", words("Articles in the set.")),
        ("except_categories", words("Categories left out.")),
        ("except_skus", words("Articles left out.")),
        ("minimum", number("The set must come to so much.")),
        ("minimum_quantity", number("So many pieces of the set must be bought.")),
    ]
}

fn object(keys: &[(&str, Value)], required: &[&str]) -> Value {
    let properties: Map<String, Value> =
        keys.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn refer(name: &str, description: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}"), "description": description})
}

fn number(description: &str) -> Value {
    refer("number", description)
}

fn rules(name: &str) -> Value {
    json!({"type": "array", "maxItems": RULES_MAX, "items": {"$ref": format!("#/$defs/{name}")}})
}

fn list(items: Value, description: &str) -> Value {
    json!({"type": "array", "maxItems": WORDS_MAX, "items": items, "description": description})
}

fn words(description: &str) -> Value {
    list(json!({"type": "string", "minLength": 1, "maxLength": 64}), description)
}

fn word(words: &[&str], description: &str) -> Value {
    json!({"enum": words, "description": description})
}

fn count(description: &str) -> Value {
    json!({"type": "integer", "minimum": 0, "description": description})
}

fn flag(description: &str) -> Value {
    json!({"type": "boolean", "description": description})
}

fn id(description: &str) -> Value {
    json!({"type": "string", "pattern": "^[A-Za-z0-9_.:-]{1,64}$", "description": description})
}
