//! What people read: sentences of the trace, and what is said of a programme with mistakes.

use serde_json::{Value, json};
use stempel_domain::programme::{Programme, ProgrammeError};
use stempel_domain::rules::{Language, Outcome, case, sentence};
use stempel_domain::sale::{Deed, Order, Sale};
use stempel_domain::{MemberFacts, MemberId};

use crate::support::*;

fn said(outcome: &Outcome) -> Vec<(String, String)> {
    let both = |step| (sentence(step, Language::De), sentence(step, Language::En));
    outcome.trace.iter().map(both).collect()
}

fn is_said(outcome: &Outcome, de: &str, en: &str) {
    let said = said(outcome);
    assert!(said.contains(&(de.to_owned(), en.to_owned())), "{said:#?}");
}

const CAPPED: &str = "id = \"k\"\nname = \"K\"\nunit = \"stamp\"\n\
    [[earn]]\nid = \"e\"\nper = \"item\"\namount = 1\ncategories = [\"coffee\"]\ncap = { day = 2 }\n";

#[test]
fn stamps_are_explained() {
    let book = book(&[CAPPED]);
    let coffee = |count: &str| {
        let mut line = line("c1", "coffee", count, "3.00");
        line.name = "Kaffee".to_owned();
        sale(vec![line])
    };
    let two = judge(&book, &member("stamp", 0), Order::Sale(&coffee("2")));
    is_said(&two, "2 Stempel: 2 × Kaffee", "2 stamps: 2 × Kaffee");
    let three = judge(&book, &member("stamp", 0), Order::Sale(&coffee("3")));
    is_said(
        &three,
        "Nur 2 Stempel statt 3: Tagesgrenze von 2 erreicht",
        "Only 2 of 3 stamps: daily limit of 2 reached",
    );
    let mut full = member("stamp", 0);
    for step in three.counters {
        full.counters.entry(step.key).or_default().insert(step.day, step.amount);
    }
    let none = judge(&book, &full, Order::Sale(&coffee("1")));
    is_said(&none, "Kein Stempel: Tagesgrenze von 2 erreicht", "No stamp: daily limit of 2 reached");
    assert!(none.awards.is_empty());
    let one = judge(&book, &member("stamp", 0), Order::Stamps(&stamps("k", 1, vec![])));
    is_said(&one, "1 Stempel: 1 Artikel", "1 stamp: 1 item");
    let tea = judge(&book, &member("stamp", 0), Order::Sale(&sale(vec![line("t", "tea", "1", "2.00")])));
    is_said(&tea, "Kein Stempel: nichts davon zählt", "No stamp: nothing of this counts");
}

#[test]
fn money_is_written_as_people_write_it() {
    let text = "id = \"p\"\nname = \"P\"\nscale = 1\n[[earn]]\nper = \"money\"\namount = 0.1\nminimum = 5\n\
        [[reward]]\nid = \"off\"\nkind = \"amount-off\"\namount = 2.50\ncost = 1000\n";
    let book = book(&[text]);
    let rich = member("point.1", 20_000);
    let big = Sale { claims: vec![claim("off")], ..sale(vec![line("a", "", "1", "1237.50")]) };
    let outcome = judge(&book, &rich, Order::Sale(&big));
    is_said(&outcome, "2,50 € Rabatt für 1.000 Punkte", "€2.50 off for 1,000 points");
    is_said(&outcome, "123,5 Punkte: für 1.235,00 €", "123.5 points: for €1,235.00");
    let small = judge(&book, &rich, Order::Sale(&sale(vec![line("a", "", "1", "4.99")])));
    is_said(&small, "Keine Punkte: erst ab 5,00 €, bisher 4,99 €", "No points: only from €5.00, now €4.99");
    let poor = judge(&book, &member("point.1", 0), Order::Sale(&big));
    is_said(
        &poor,
        "off nicht eingelöst: noch nicht genug, 1.000 Punkte nötig, 123,5 da",
        "off not redeemed: not enough yet, 1,000 points needed, 123.5 there",
    );
    let nobody = stempel_domain::rules::evaluate(&book, None, Order::Sale(&big), SHOP, &noon());
    is_said(&nobody, "Keine Karte", "No card");
    assert_eq!(Language::De.money("-0.50"), "−0,50 €");
    assert_eq!(Language::En.units("1", "point"), "1 point");
}

fn wrong(text: &str) -> ProgrammeError {
    Programme::parse_toml(text).unwrap_err()
}

#[test]
fn a_mistake_is_named_with_its_place() {
    let head = "id = \"p\"\nname = \"P\"\n";
    for (rules, line, column, part, hint) in [
        ("unitt = \"x\"\n", 3, 1, "unknown field", "did you mean `unit`?"),
        ("[[earn]]\nper = \"monney\"\namount = 1\n", 4, 7, "unknown variant", "did you mean `money`?"),
        ("[[earn]]\nper = \"money\"\namount = 0.1\nevery = 0\n", 6, 9, "more than 0", ""),
        ("[[earn]]\nper = \"item\"\n", 3, 1, "missing field", ""),
        ("[[reward]]\nid = \"r\"\nkind = \"gift\"\n", 4, 6, "what it costs", "automatic = true"),
        ("[[reward]]\nid = \"r\"\nkind = \"gift\"\ncost = 1.5\n", 6, 8, "more digits", "scale = 1"),
        ("[[reward]]\nid = \"r\"\nkind = \"free-item\"\ncost = 1\n", 5, 8, "which articles", "categories"),
        (
            "[[reward]]\nid = \"r\"\nkind = \"gift\"\ncost = 1\n[[reward]]\nid = \"r\"\nkind = \"gift\"\ncost = 2\n",
            8,
            6,
            "two with",
            "",
        ),
        ("[[reward]]\nid = \"r\"\nkind = \"gift\"\ncost = 1\npriority = 3\n", 7, 12, "belongs to", ""),
        (
            "[[reward]]\nid = \"r\"\nkind = \"gift\"\ncost = 1\nskus = [\"a\"]\n",
            5,
            8,
            "outside the sale",
            "leave out",
        ),
        ("[[message]]\nat = 1\ntext = 3\n", 5, 8, "a text is written", ""),
        ("valid = { from = 2026-02-03 }\n", 3, 18, "", "in quotes"),
        ("unit = \"voucher:x\"\n", 3, 8, "[[voucher]]", ""),
        ("valid = { from = \"2026-02-30\" }\n", 3, 18, "is not a day", ""),
        ("when = { hours = [\"9-12\"] }\n", 3, 18, "09:00", ""),
        ("unit = \"Punkte\"\n", 3, 8, "is not a unit", ""),
        ("name = 3\n", 3, 1, "duplicate key", ""),
        ("expiry = { warn_days = 9 }\n", 3, 10, "when units expire", "months = 12"),
        (
            "leaderboard = { by = \"visits\", period = \"month\", top = 0 }\n",
            3,
            56,
            "1 to 100 ranks",
            "top = 10",
        ),
        ("[clearing]\nper_unit = 0\n", 4, 12, "more than nothing", "per_unit = 0.01"),
        ("[clearing]\nper_units = 0.1\n", 4, 1, "unknown field", "did you mean `per_unit`?"),
        ("expirey = { months = 12 }\n", 3, 1, "unknown field", "did you mean `expiry`?"),
        ("expiry = 12\n", 3, 10, "invalid type", "write it like `{ months = 12 }`"),
        ("valid = \"2026\"\n", 3, 9, "invalid type", "write it like `{ from = \"2026-01-01\""),
        ("clearing = 3\n", 3, 12, "invalid type", "write it like `{ … = … }`"),
        ("[earn]\nper = \"money\"\namount = 1\n", 3, 1, "invalid type", "write `[[earn]]`"),
        ("earn = { per = \"money\", amount = 1 }\n", 3, 8, "invalid type", "square brackets"),
        ("[[earn]]\namount = 1\n", 3, 1, "missing field", "write `per = …`"),
        (
            "[[earn]]\nid = \"euro\"\nper = \"money\"\namount = 1\n[[multiplier]]\nid = \"m\"\nfactor = 2\nearn = [\"euros\"]\n",
            10,
            8,
            "no [[earn]]",
            "did you mean `euro`?",
        ),
        (
            "[[voucher]]\nreward = \"tenoff\"\n[[reward]]\nid = \"ten-off\"\nkind = \"amount-off\"\namount = 10\nvoucher = true\n",
            4,
            10,
            "takes a voucher",
            "did you mean `ten-off`?",
        ),
        (
            "[[voucher]]\nreward = \"ten-off\"\n[[reward]]\nid = \"ten-off\"\nkind = \"amount-off\"\namount = 10\ncost = 1\n",
            4,
            10,
            "takes a voucher",
            "write `voucher = true`",
        ),
        ("tiers = { by = \"spend\", ladder = [] }\n", 3, 16, "over how long", "window = \"year\""),
        (
            "tiers = { by = \"spend\", window_days = 9, window = \"year\", ladder = [] }\n",
            3,
            39,
            "not both",
            "window_days = 365",
        ),
        ("tiers = { by = \"spend\", window = \"yaer\", ladder = [] }\n", 3, 34, "unknown", "`year`"),
        (
            "tiers = { by = \"spend\", window_days = 700, grace_days = 99, ladder = [] }\n",
            3,
            39,
            "790 days",
            "",
        ),
    ] {
        let error = wrong(&format!("{head}{rules}"));
        assert_eq!((error.line, error.column), (line, column), "{rules}: {error}");
        assert!(error.to_string().contains(part) || part == "09:00", "{rules}: {error}");
        assert!(error.suggestion.clone().unwrap_or_default().contains(hint), "{rules}");
        assert!(!error.needs_newer_version());
    }
}

#[test]
fn a_newer_programme_is_kept_and_not_run() {
    let programme = Programme::parse_toml(&template("points")).unwrap();
    let json = programme.to_json();
    assert_eq!(Programme::from_json(&json).unwrap(), programme);
    for newer in [
        json.replacen('{', "{\"language\":2,", 1),
        json.replacen('{', "{\"dance\":true,", 1),
        json.replace("amount-off", "hologram"),
    ] {
        assert!(Programme::from_json(&newer).unwrap_err().needs_newer_version(), "{newer}");
    }
    for broken in ["", "{", "{}", "[]", "{\"id\":1}"] {
        assert!(!Programme::from_json(broken).unwrap_err().needs_newer_version(), "{broken}");
    }
}

#[test]
fn an_owner_is_warned_of_what_is_regretted() {
    let warned = |rules: &str| {
        Programme::parse_toml(&format!("id = \"p\"\nname = \"P\"\n{rules}")).unwrap().warnings().join("\n")
    };
    assert!(warned("[[reward]]\nid = \"r\"\nkind = \"gift\"\ncost = 1\n").contains("nobody can reach"));
    assert!(warned("[[earn]]\nper = \"order\"\namount = 1\n").contains("only grows"));
    assert!(
        warned(
            "unit = \"eur\"\nscale = 2\nexpiry = { months = 12 }\n[[earn]]\nper = \"order\"\namount = 1\n"
        )
        .contains("§§ 195, 199")
    );
    assert_eq!(Programme::parse_toml(&template("points")).unwrap().warnings(), Vec::<String>::new());
}

#[test]
fn a_reward_is_called_by_its_name() {
    let cup = "id = \"p\"\nname = \"P\"\n[[reward]]\nid = \"cup\"\nname = { de = \"Tasse\", en = \"Mug\" }\n\
        kind = \"gift\"\ncost = 5\n[[reward]]\nid = \"bag\"\nkind = \"gift\"\ncost = 5\n";
    let sold = Sale { claims: vec![claim("cup"), claim("cup"), claim("bag")], ..sale(vec![]) };
    let outcome = judge(&book(&[cup]), &member("point", 5), Order::Sale(&sold));
    is_said(&outcome, "1 × Tasse eingelöst für 5 Punkte", "1 × Mug redeemed for 5 points");
    is_said(
        &outcome,
        "Tasse nicht eingelöst: noch nicht genug, 5 Punkte nötig, 0 da",
        "Mug not redeemed: not enough yet, 5 points needed, 0 there",
    );
    is_said(
        &outcome,
        "bag nicht eingelöst: noch nicht genug, 5 Punkte nötig, 0 da",
        "bag not redeemed: not enough yet, 5 points needed, 0 there",
    );
}

#[test]
fn it_is_said_for_whom_and_until_when() {
    let discount = |rule: &str| {
        let text = format!(
            "id = \"p\"\nname = \"P\"\n[[reward]]\nid = \"r\"\nkind = \"percent-off\"\npercent = 10\n\
             automatic = true\n{rule}\n"
        );
        judge(&book(&[&text]), &MemberFacts::default(), Order::Sale(&sale(vec![line("a", "", "1", "9.00")])))
    };
    for (rule, de, en) in [
        ("who = { tiers = [\"gold\"] }", "nur für die Stufe gold", "only for the tier gold"),
        ("who = { birthday = true }", "nur in der Woche des Geburtstags", "only in the week of the birthday"),
        (
            "who = { anniversary = true }",
            "nur in der Woche des Jahrestags",
            "only in the week of the anniversary",
        ),
        ("who = { absent_days = 1 }", "nur nach einem Tag ohne Besuch", "only after one day without a visit"),
        ("who = { absent_days = 30 }", "nur nach 30 Tagen ohne Besuch", "only after 30 days without a visit"),
        (
            "who = { joined_within_days = 1 }",
            "nur bis zum Tag nach dem Beitritt",
            "only until the day after joining",
        ),
        ("who = { tags = [\"vip\"] }", "gilt für andere Mitglieder", "it is for other members"),
        ("valid = { to = \"2026-11-19\" }", "er endete am 19.11.2026", "it ended on 19 Nov 2026"),
        ("valid = { from = \"2026-11-21\" }", "er beginnt am 21.11.2026", "it begins on 21 Nov 2026"),
    ] {
        is_said(&discount(rule), &format!("Kein Rabatt: {de}"), &format!("No discount: {en}"));
    }
}

#[test]
fn a_discount_with_a_name_is_called_by_it() {
    let text = |valid: &str| {
        format!(
            "id = \"p\"\nname = \"P\"\n[[reward]]\nid = \"r\"\nname = {{ de = \"Frühaufsteher\", en = \"Early bird\" }}\n\
             kind = \"percent-off\"\npercent = 10\nautomatic = true\n{valid}\n"
        )
    };
    let nine = sale(vec![line("a", "", "1", "9.00")]);
    let said = |valid: &str| judge(&book(&[&text(valid)]), &MemberFacts::default(), Order::Sale(&nine));
    is_said(&said(""), "Frühaufsteher: 0,90 € Rabatt", "Early bird: €0.90 off");
    is_said(
        &said("valid = { to = \"2026-11-19\" }"),
        "Frühaufsteher: er endete am 19.11.2026",
        "Early bird: it ended on 19 Nov 2026",
    );
}

#[test]
fn what_is_no_discount_is_not_called_one() {
    let deeds = "id = \"p\"\nname = \"P\"\n[referral]\nminimum = 5.00\nfriend = { amount = 5 }\nreferrer = { amount = 5 }\n\
        [[activity]]\nid = \"survey\"\nname = { de = \"Umfrage\", en = \"Survey\" }\ngives = { amount = 5 }\n\
        [[voucher]]\nreward = \"off\"\n[[reward]]\nid = \"off\"\nkind = \"amount-off\"\namount = 1\nvoucher = true\n";
    let book = book(&[deeds]);
    let mut friend = MemberFacts { referrer: Some(MemberId([2; 16])), ..MemberFacts::default() };
    let small = judge(&book, &friend, Order::Sale(&sale(vec![line("a", "", "1", "4.00")])));
    is_said(
        &small,
        "Die Werbung zählt erst ab 5,00 €, bisher 4,00 €",
        "The referral counts only from €5.00, now €4.00",
    );
    let nothing = judge(&book, &friend, Order::Sale(&sale(vec![])));
    is_said(&nothing, "Kein Gutschein: nichts davon zählt", "No voucher: nothing of this counts");
    friend.grants.push("p/survey@".to_owned());
    let deed = Deed::Activity {
        programme: "p".parse().unwrap(),
        activity: "survey".to_owned(),
        reference: String::new(),
    };
    is_said(
        &judge(&book, &friend, Order::Deed(&deed)),
        "Umfrage: gibt es nur einmal, und es wurde schon gegeben",
        "Survey: it is given once, and was given before",
    );
}

/// What each step of a case says, in German and English.
fn told(programme: &str, case: &Value) -> Vec<Vec<[String; 2]>> {
    let answers = case::run(&[Programme::parse_toml(programme).unwrap()], &case.to_string()).unwrap();
    let trace = |answer: &Value| -> Vec<[String; 2]> {
        let said = answer["trace"].as_array().unwrap().iter();
        said.map(|said| ["de", "en"].map(|language| said[language].as_str().unwrap().to_owned())).collect()
    };
    answers.iter().map(trace).collect()
}

#[test]
fn a_refund_says_what_moved() {
    let kind = "id = \"p\"\nname = \"P\"\nrefunds = \"forgive\"\n[[earn]]\nper = \"money\"\namount = 1\n\
        [[reward]]\nid = \"mug\"\nkind = \"gift\"\ncost = 8\n";
    let at = |day: &str| format!("2026-12-{day}T12:00:00+01:00");
    let bought =
        json!({"lines": [{"sku": "a", "price": "9.00"}], "tenders": [{"kind": "stored", "amount": "5.00"}]});
    let spent_already = told(
        kind,
        &json!({"member": {"balances": {"eur": "5.00"}}, "steps": [
            {"at": at("01"), "sale": bought},
            {"at": at("02"), "sale": {"claims": [{"reward": "mug"}]}},
            {"at": at("03"), "refund": {"of": 0, "lines": {"a": "2"}}},
            {"at": at("03"), "refund": {"of": 0}},
            {"at": at("03"), "refund": {"of": 0}},
        ]}),
    );
    assert_eq!(
        spent_already[2],
        [["Davon kann noch 1 zurückkommen, nicht 2", "1 of it can still come back, not 2"]]
    );
    assert_eq!(
        spent_already[3],
        [
            ["1 Punkt zurückgenommen", "1 point taken back"],
            ["8 Punkte schon ausgegeben und erlassen", "8 points spent already and let go"],
            ["5,00 € Guthaben zurückgegeben", "€5.00 of stored value given back"],
        ]
    );
    assert_eq!(
        spent_already[4],
        [["Alles davon ist schon zurückgenommen", "All of it was taken back before"]]
    );
    let ended = told(
        kind,
        &json!({"member": {"lots": [{"unit": "point", "amount": "8", "last_day": "2026-12-05"}]}, "steps": [
            {"at": at("01"), "sale": {"claims": [{"reward": "mug"}]}},
            {"at": at("06"), "refund": {"of": 0}},
        ]}),
    );
    let grace =
        ["8 Punkte zurückgegeben, gültig bis 05.01.2027", "8 points given back, valid until 5 Jan 2027"];
    assert_eq!(ended[1], [grace]);
}
