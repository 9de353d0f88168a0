//! Cases: how they are read, where they end, and what they answer.

use serde_json::{Value, json};
use stempel_domain::programme::Programme;
use stempel_domain::rules::case::{self, CASE_LEN_MAX, CaseError, STEPS_MAX};

const EURO: &str = "[[earn]]\nid = \"e\"\nper = \"money\"\namount = 1\n";

fn tried(rules: &str, case: &str) -> Result<Vec<Value>, CaseError> {
    let text = format!("id = \"p\"\nname = \"P\"\n{rules}");
    let programme = Programme::parse_toml(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    case::run(&[programme], case)
}

fn run(rules: &str, case: &Value) -> Vec<Value> {
    tried(rules, &case.to_string()).unwrap_or_else(|error| panic!("{error}\n{case}"))
}

/// Why a case of one step cannot be run; empty if it can.
fn fault(member: Value, step: Value) -> String {
    let case = json!({"member": member, "steps": [step]});
    tried(EURO, &case.to_string()).err().map(|error| error.to_string()).unwrap_or_default()
}

fn sold(at: &str, lines: Value) -> Value {
    json!({"at": at, "sale": {"lines": lines}})
}

fn look(at: &str) -> Value {
    json!({"at": at, "look": true})
}

const NOON: &str = "2026-11-20T12:00:00+01:00";

#[test]
fn a_case_is_taken_up_to_its_bounds_and_no_further() {
    let padded = |len: usize| {
        let case = json!({"steps": [look(NOON)]}).to_string();
        case.clone() + &" ".repeat(len - case.len())
    };
    assert_eq!(tried("", &padded(CASE_LEN_MAX)).map(|answers| answers.len()), Ok(1));
    let long = tried("", &padded(CASE_LEN_MAX + 1)).unwrap_err().to_string();
    assert_eq!(long, "the case cannot be read: it is longer than 1048576 bytes");
    let steps = |count: usize| json!({"steps": vec![look(NOON); count]}).to_string();
    assert_eq!(tried("", &steps(STEPS_MAX)).map(|answers| answers.len()), Ok(1000));
    let many = tried("", &steps(STEPS_MAX + 1)).unwrap_err().to_string();
    assert_eq!(many, "the case cannot be read: it has more than 1000 steps");
}

#[test]
fn a_shops_day_ends_at_the_minute_that_is_said() {
    // A visit counts once on each day of the shop: 04:29 belongs to the evening before, 04:30 does not.
    let visit = "[[earn]]\nid = \"v\"\nper = \"visit\"\namount = 1\n";
    let coffee = json!([{"sku": "a", "price": "1.00"}]);
    let times = ["2026-11-19T23:00:00+01:00", "2026-11-20T04:29:00+01:00", "2026-11-20T04:30:00+01:00"];
    for (day_ends, balances) in
        [(Some("04:30"), ["1", "1", "2"]), (Some("4:31"), ["1", "1", "1"]), (None, ["1", "2", "2"])]
    {
        let steps = times.map(|at| sold(at, coffee.clone()));
        let case = json!({"member": {}, "day_ends": day_ends, "steps": steps});
        let answers = run(visit, &case);
        let told: Vec<&str> =
            answers.iter().map(|answer| answer["balances"]["point"].as_str().unwrap()).collect();
        assert_eq!(told, balances, "{day_ends:?}");
    }
    for (day_ends, is_time) in [
        ("00:00", true),
        ("23:59", true),
        ("24:00", false),
        ("23:60", false),
        ("0400", false),
        ("-1:00", false),
        ("4:", false),
    ] {
        let case = json!({"day_ends": day_ends, "steps": []}).to_string();
        let wanted = CaseError::Unreadable("day_ends is written like \"04:00\"".to_owned());
        assert_eq!(tried("", &case), if is_time { Ok(vec![]) } else { Err(wanted) }, "{day_ends}");
    }
}

#[test]
fn a_balance_below_its_lots_is_a_debt_that_they_pay() {
    // Three points end with the day, and eight are owed: five are left to owe, before and after.
    for (balance, lots, today, later) in [
        ("-5", json!([]), "-5", "-5"),
        ("-5", json!([{"unit": "point", "amount": "3", "last_day": "2026-11-20"}]), "-2", "-2"),
        ("2", json!([{"unit": "point", "amount": "3", "last_day": "2026-11-20"}]), "5", "2"),
        ("5", json!([{"unit": "point", "amount": "3", "last_day": "2026-11-20"}]), "5", "2"),
        ("3", json!([{"unit": "point", "amount": "3", "last_day": "2026-11-20"}]), "3", "0"),
    ] {
        let member = json!({"balances": {"point": balance}, "lots": lots});
        let steps = [look(NOON), look("2026-11-21T12:00:00+01:00")];
        let answers = run(EURO, &json!({"member": member, "steps": steps}));
        let told = [&answers[0], &answers[1]].map(|answer| answer["balances"]["point"].clone());
        assert_eq!(told, [today, later], "{balance} {lots}");
    }
}

#[test]
fn units_are_named_as_people_see_them() {
    let gives = |id: &str, unit: &str| {
        format!(
            "[[reward]]\nid = \"{id}\"\nkind = \"units\"\ncost = 1\ngives = {{ unit = \"{unit}\", scale = 1, amount = 1 }}\n"
        )
    };
    let rules = format!("{}{}", gives("x", "gem"), gives("y", "token"));
    let member = json!({"balances": {"point": "4", "token": "2.5", "gem": "1.5", "eur": "0.25"}});
    let answers = run(&rules, &json!({"member": member, "steps": [look(NOON)]}));
    assert_eq!(
        answers[0]["balances"],
        json!({"point": "4", "token": "2.5", "gem": "1.5", "eur": "0.25"}),
        "each with its own digits"
    );
    assert_eq!(
        fault(json!({"balances": {"point": "0.5"}}), look(NOON)),
        "the case cannot be read: 0.5 has more digits than point counts"
    );
}

#[test]
fn what_a_programme_counts_is_told_even_where_there_is_none() {
    let off = |condition: &str| {
        format!("[[reward]]\nid = \"r\"\nkind = \"percent-off\"\npercent = 10\n{condition}\n")
    };
    for (rules, balances) in [
        (EURO.to_owned(), json!({"point": "0"})),
        (off("cost = 5"), json!({"point": "0"})),
        (format!("{EURO}{}", off("cost = 5")), json!({"point": "0"})),
        (off("automatic = true"), json!({})),
    ] {
        let answers = run(&rules, &json!({"member": {}, "steps": [look(NOON)]}));
        assert_eq!(answers[0]["balances"], balances, "{rules}");
    }
}

#[test]
fn a_refund_tells_what_goes_the_other_way_for_each_line() {
    let lines = json!([
        {"sku": "a", "quantity": "2", "price": "5.00"},
        {"sku": "b", "price": "4.00"},
        {"sku": "c", "price": "0.00"}]);
    let case = json!({"member": {}, "steps": [
        sold(NOON, lines),
        {"at": NOON, "refund": {"of": 0, "lines": {"a": "1"}}},
        {"at": NOON, "refund": {"of": 0}}]});
    let answers = run(EURO, &case);
    let back = |sku: &str, paid: &str| json!({"sku": sku, "gross": paid, "discount": "0.00", "paid": paid});
    assert_eq!((&answers[1]["total"], &answers[1]["earned"]), (&json!("-5.00"), &json!({"point": "-5"})));
    assert_eq!(answers[1]["lines"], json!([back("a", "-5.00")]));
    assert_eq!(answers[2]["lines"], json!([back("a", "-5.00"), back("b", "-4.00")]), "c cost nothing");
}

#[test]
fn quantities_of_an_article_fall_to_its_lines_in_order() {
    // One `a` at 3.00, a `b`, and two more `a` at 2.00.
    let lines = json!([
        {"sku": "a", "price": "3.00"}, {"sku": "b", "price": "9.00"}, {"sku": "a", "quantity": "2", "price": "2.00"}]);
    let refund = |lines: Value| json!({"at": NOON, "refund": {"of": 0, "lines": lines}});
    for (refunds, told) in [
        (vec![json!({"a": "1"}), json!({"a": "1"}), json!({"a": "1"})], vec!["-3.00", "-2.00", "-2.00"]),
        (vec![json!({"a": "2"}), json!({"a": "1"})], vec!["-5.00", "-2.00"]),
        (vec![json!({"a": "3", "b": "1"})], vec!["-16.00"]),
        (
            vec![json!({"a": "4"}), json!({"b": "2"}), json!({"a": "3"})],
            vec!["too-much", "too-much", "-7.00"],
        ),
        (vec![json!({"a": "1"}), json!({"a": "3"})], vec!["-3.00", "too-much"]),
    ] {
        let steps: Vec<Value> =
            [sold(NOON, lines.clone())].into_iter().chain(refunds.iter().cloned().map(refund)).collect();
        let answers = run(EURO, &json!({"member": {}, "steps": steps}));
        let said = |answer: &Value| match answer["refused"].as_array().unwrap().first() {
            Some(refused) => refused["reason"].as_str().unwrap().to_owned(),
            None => answer["total"].as_str().unwrap().to_owned(),
        };
        assert_eq!(answers[1..].iter().map(said).collect::<Vec<_>>(), told, "{refunds:?}");
    }
    let other = json!({"steps": [sold(NOON, lines), refund(json!("some"))]}).to_string();
    assert_eq!(
        tried(EURO, &other).unwrap_err().to_string(),
        "step 1: lines are \"all\" or a quantity for each article"
    );
}

#[test]
fn a_birthday_is_a_date_with_or_without_its_year() {
    for (birthday, is_one) in [
        (json!("1990-05-04"), true),
        (json!("05-04"), true),
        (json!("02-29"), true),
        (json!("1990-02-29"), true),
        (json!(true), true),
        (json!("5-4"), false),
        (json!("990-05-04"), false),
        (json!("11990-05-04"), false),
        (json!("x990-05-04"), false),
        (json!("on 05-04"), false),
        (json!("13-01"), false),
        (json!("02-30"), false),
        (json!(""), false),
    ] {
        let told = fault(json!({"birthday": birthday}), look(NOON));
        let text = birthday.as_str().unwrap_or_default();
        let wanted = format!(
            "the case cannot be read: “{text}” is no birthday: write \"1990-05-04\", \"05-04\", true or false"
        );
        assert_eq!(told, if is_one { "" } else { &wanted }, "{birthday}");
    }
}

#[test]
fn a_tax_rate_lies_between_nothing_and_all() {
    for (vat, is_rate) in
        [("0", true), ("7.25", true), ("100", true), ("-1", false), ("100.01", false), ("7.125", false)]
    {
        let told = fault(json!({}), sold(NOON, json!([{"sku": "a", "price": "1.00", "vat": vat}])));
        let wanted = format!("step 0: {vat} is no tax rate in per cent");
        assert_eq!(told, if is_rate { "" } else { &wanted }, "{vat}");
    }
}
