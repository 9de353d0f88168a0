//! Rows about what comes after the sale: refunds, vouchers, dates, limits and expiry.

use serde_json::{Value, json};

use super::{PER_EURO, Row, balance, buy, claim, line, member, noon, points, refund, row};

pub fn refunds() -> Vec<Row> {
    let gift = "[[reward]]\nid = \"gift\"\nkind = \"percent-off\"\npercent = 50\ncost = 150\n";
    let ten_for_three = points("[[earn]]\nper = \"order\"\namount = 10\n");
    let thirds: Vec<Value> = ["A", "B", "C"].iter().map(|sku| line(sku, "", "1", "3.33")).collect();
    let third = |sku: &str, left: &str| (refund(0, json!({sku: "1"})), json!({"balances": balance(left)}));
    let load = json!({"sku": "load", "price": "50.00", "stored": true});
    let half = points(&format!(
        "{PER_EURO}[[reward]]\nid = \"cup\"\nkind = \"free-item\"\nskus = [\"cup\"]\ncost = 10\n"
    ));
    let later =
        |points: &str| json!({"lots": [{"unit": "point", "amount": points, "last_day": "2026-11-25"}]});
    vec![
        row(
            "20",
            &points(PER_EURO),
            member("0"),
            vec![
                (buy(&[line("A", "", "2", "50.00")]), json!({"balances": balance("100")})),
                (
                    refund(0, json!({"A": "1"})),
                    json!({"total": "-50.00", "earned": {"point": "-50"}, "balances": balance("50")}),
                ),
            ],
        ),
        row(
            "21",
            &points(&format!("{PER_EURO}{gift}")),
            member("200"),
            vec![
                (claim(&[line("A", "", "1", "140.00")], "gift", 1), json!({"balances": balance("120")})),
                (refund(0, json!("all")), json!({"total": "-70.00", "balances": balance("200")})),
                (
                    refund(0, json!("all")),
                    json!({"total": "0.00", "refused": ["nothing-left"], "balances": balance("200")}),
                ),
            ],
        ),
        row(
            "22",
            &points(&format!("{PER_EURO}{gift}")),
            member("200"),
            vec![
                (claim(&[line("A", "", "2", "70.00")], "gift", 1), json!({"balances": balance("120")})),
                (
                    refund(0, json!({"A": "1"})),
                    json!({"earned": {"point": "-35"}, "spent": {"point": "-75"}, "balances": balance("160")}),
                ),
            ],
        ),
        row(
            "22, on two lines",
            &points(&format!("{PER_EURO}{gift}")),
            member("200"),
            vec![
                (
                    claim(&[line("A", "", "1", "70.00"), line("B", "", "1", "70.00")], "gift", 1),
                    json!({"balances": balance("120")}),
                ),
                (refund(0, json!({"B": "1"})), json!({"balances": balance("160")})),
                (refund(0, json!({"B": "1"})), json!({"refused": ["too-much"], "balances": balance("160")})),
            ],
        ),
        row(
            "23",
            &points(PER_EURO),
            member("0"),
            vec![
                (
                    buy(&[load]),
                    json!({"total": "50.00", "earned": {}, "balances": {"eur": "50", "point": "0"}}),
                ),
                (refund(0, json!("all")), json!({"total": "-50.00", "balances": {"eur": "0"}})),
            ],
        ),
        row(
            "38",
            &ten_for_three,
            member("0"),
            vec![
                (buy(&thirds), json!({"balances": balance("10")})),
                third("B", "7"),
                third("A", "3"),
                third("C", "0"),
            ],
        ),
        row(
            "38, on one line",
            &ten_for_three,
            member("0"),
            vec![
                (buy(&[line("A", "", "3", "3.33")]), json!({"balances": balance("10")})),
                third("A", "7"),
                third("A", "3"),
                third("A", "0"),
            ],
        ),
        row(
            "40",
            &half,
            later("10"),
            vec![
                (
                    claim(&[line("cup", "", "1", "4.00")], "cup", 1),
                    json!({"total": "0.00", "balances": balance("0")}),
                ),
                (
                    json!({"at": "2026-12-01T12:00:00+01:00", "refund": {"of": 0, "lines": "all"}}),
                    json!({"spent": {"point": "-10"}, "balances": balance("10")}),
                ),
                (
                    json!({"at": "2026-12-31T12:00:00+01:00", "look": true}),
                    json!({"balances": balance("10")}),
                ),
                (json!({"at": "2027-01-01T12:00:00+01:00", "look": true}), json!({"balances": balance("0")})),
            ],
        ),
    ]
}

pub fn stored_value() -> Vec<Row> {
    let pays = |amount: &str| {
        noon(
            json!({"lines": [line("A", "", "1", amount)], "tenders": [{"kind": "stored", "amount": amount}]}),
        )
    };
    let eur = |amount: &str| json!({"balances": {"eur": amount}});
    vec![
        row(
            "24, first",
            &points(PER_EURO),
            json!({"balances": {"eur": "50.00"}}),
            vec![(pays("12.00"), eur("38")), (pays("38.00"), eur("0"))],
        ),
        row(
            "24, second",
            &points(PER_EURO),
            json!({"balances": {"eur": "10.00"}}),
            vec![(
                pays("36.00"),
                json!({"balances": {"eur": "0"}, "spent": {"eur": "10"}, "trace": ["stored-short"]}),
            )],
        ),
    ]
}

pub fn times() -> Vec<Row> {
    let dated = |dates: &str| points(&format!("valid = {{ {dates} }}\n{PER_EURO}"));
    let one = buy(&[line("A", "", "1", "10.00")]);
    let voucher = points(
        "valid = { to = \"2026-12-31\" }\n\
         [[voucher]]\nreward = \"next\"\nminimum = 100.00\n\
         [[reward]]\nid = \"next\"\nkind = \"amount-off\"\namount = 10.00\nvoucher = true\n",
    );
    let code = points("[[reward]]\nid = \"hi\"\nkind = \"percent-off\"\npercent = 10\ncode = \"HELLO\"\n");
    let buy_at =
        |at: &str, lines: Value, claims: Value| json!({"at": at, "sale": {"lines": lines, "claims": claims}});
    let big = json!([line("A", "", "1", "150.00")]);
    let next = json!([{"reward": "next"}]);
    vec![
        row(
            "25",
            &voucher,
            member("0"),
            vec![
                (
                    buy_at("2026-11-20T12:00:00+01:00", big.clone(), next.clone()),
                    json!({"total": "150.00", "refused": ["not-enough"],
                       "vouchers": [{"reward": "next", "count": "1", "last_day": "2026-12-31"}]}),
                ),
                (
                    buy_at("2026-12-31T12:00:00+01:00", json!([line("A", "", "1", "50.00")]), next.clone()),
                    json!({"total": "40.00", "refused": [], "vouchers": []}),
                ),
            ],
        ),
        row(
            "25, too late",
            &voucher,
            member("0"),
            vec![
                (buy_at("2026-11-20T12:00:00+01:00", big, json!([])), json!({"vouchers": [{"count": "1"}]})),
                (
                    json!({"at": "2026-12-31T12:00:00+01:00", "look": true}),
                    json!({"vouchers": [{"count": "1"}]}),
                ),
                (json!({"at": "2027-01-01T12:00:00+01:00", "look": true}), json!({"vouchers": []})),
                (
                    buy_at("2027-01-01T12:00:00+01:00", json!([line("A", "", "1", "50.00")]), next),
                    json!({"total": "50.00", "refused": ["programme-ended"]}),
                ),
            ],
        ),
        row(
            "26",
            &dated("to = \"2026-11-15\""),
            member("0"),
            vec![(
                one.clone(),
                json!({"earned": {}, "balances": balance("0"), "trace": ["programme-ended"]}),
            )],
        ),
        row(
            "27",
            &dated("from = \"2026-11-20\", to = \"2026-11-20\""),
            member("0"),
            vec![(one.clone(), json!({"earned": {"point": "10"}}))],
        ),
        row(
            "29",
            &code,
            Value::Null,
            vec![(
                noon(json!({"lines": [line("A", "", "1", "10.00")], "codes": ["HELLO", "HELLO"]})),
                json!({"total": "9.00", "trace": ["code-twice", "discount"]}),
            )],
        ),
    ]
}

pub fn messages() -> Vec<Row> {
    let told = points(&format!(
        "{PER_EURO}[[message]]\nat = 50\ntext = \"fifty\"\n[[message]]\nat = 100\ntext = \"hundred\"\n"
    ));
    let earn = |euro: &str, said: Value| (buy(&[line("A", "", "1", euro)]), json!({"messages": said}));
    vec![row(
        "30",
        &told,
        member("0"),
        vec![
            earn("50.00", json!(["fifty"])),
            earn("49.00", json!([])),
            earn("1.00", json!(["hundred"])),
            (refund(0, json!("all")), json!({})),
            (refund(1, json!("all")), json!({})),
            (refund(2, json!("all")), json!({"balances": balance("0")})),
            earn("100.00", json!(["hundred"])),
        ],
    )]
}

pub fn stamp_cards() -> Vec<Row> {
    let card = |cap: &str| {
        format!(
            "id = \"coffee\"\nname = \"Coffee\"\nunit = \"stamp:coffee\"\n\
             [[earn]]\nper = \"item\"\namount = 1\ncategories = [\"coffee\"]\n{cap}\
             [[reward]]\nid = \"free\"\nkind = \"free-item\"\ncost = 10\ncategories = [\"coffee\"]\n"
        )
    };
    let daily = card("cap = { day = 2 }\n");
    let stamps = |count: &str| json!({"balances": {"stamp:coffee": count}});
    let coffee = |count: &str| line("latte", "coffee", count, "4.00");
    let at = |at: &str, count: &str| json!({"at": at, "sale": {"lines": [coffee(count)]}});
    let lasts = format!("expiry = {{ months = 12, to_end_of = \"month\" }}\n{PER_EURO}");
    let spend = "[[reward]]\nid = \"gift\"\nkind = \"gift\"\ncost = 12\n";
    let euro = |at: &str, euro: &str| json!({"at": at, "sale": {"lines": [line("A", "", "1", euro)]}});
    let month = points(&format!("expiry = {{ months = 1 }}\n{PER_EURO}"));
    let look = |at: &str| json!({"at": at, "look": true});
    let mut bar = row(
        "39",
        &daily,
        stamps("0"),
        vec![
            (at("2026-06-01T22:00:00+02:00", "1"), json!({"earned": {"stamp:coffee": "1"}})),
            (at("2026-06-01T23:30:00+02:00", "1"), json!({"earned": {"stamp:coffee": "1"}})),
            (at("2026-06-02T01:00:00+02:00", "1"), json!({"earned": {}, "trace": ["daily-limit"]})),
            (at("2026-06-02T05:00:00+02:00", "1"), json!({"earned": {"stamp:coffee": "1"}})),
        ],
    );
    bar.day_ends = json!("04:00");
    vec![
        row(
            "32",
            &daily,
            stamps("0"),
            vec![
                (
                    at("2026-11-20T09:00:00+01:00", "3"),
                    json!({"earned": {"stamp:coffee": "2"}, "trace": ["daily-limit"]}),
                ),
                (at("2026-11-20T12:00:00+01:00", "1"), json!({"earned": {}, "trace": ["daily-limit"]})),
            ],
        ),
        row("33", &card(""), stamps("9"), vec![(buy(&[coffee("3")]), stamps("12"))]),
        row(
            "34",
            &card(""),
            stamps("10"),
            vec![(
                claim(&[coffee("1")], "free", 1),
                json!({"total": "0.00", "earned": {}, "balances": {"stamp:coffee": "0"}}),
            )],
        ),
        row(
            "34, without a line",
            &card(""),
            stamps("10"),
            vec![(
                claim(&[], "free", 1),
                json!({"total": "0.00", "earned": {}, "balances": {"stamp:coffee": "0"}}),
            )],
        ),
        row(
            "35",
            &points(&format!("{lasts}{spend}")),
            member("0"),
            vec![
                (euro("2026-01-15T12:00:00+01:00", "10.00"), json!({"balances": balance("10")})),
                (euro("2026-03-15T12:00:00+01:00", "5.00"), json!({"balances": balance("15")})),
                (
                    json!({"at": "2026-04-15T12:00:00+02:00", "sale": {"claims": [{"reward": "gift"}]}}),
                    json!({"balances": balance("3")}),
                ),
                (look("2027-03-31T12:00:00+02:00"), json!({"balances": balance("3")})),
                (look("2027-04-01T12:00:00+02:00"), json!({"balances": balance("0")})),
            ],
        ),
        row(
            "36",
            &card(""),
            stamps("9"),
            vec![(
                claim(&[coffee("3")], "free", 1),
                json!({"earned": {"stamp:coffee": "2"}, "spent": {"stamp:coffee": "10"},
                   "balances": {"stamp:coffee": "1"}}),
            )],
        ),
        row(
            "37",
            &card(""),
            stamps("9"),
            vec![(
                claim(&[coffee("1")], "free", 1),
                json!({"total": "4.00", "refused": ["not-enough"], "balances": {"stamp:coffee": "10"}}),
            )],
        ),
        bar,
        row(
            "41",
            &month,
            member("0"),
            vec![
                (euro("2026-01-31T12:00:00+01:00", "10.00"), json!({"balances": balance("10")})),
                (look("2026-02-28T12:00:00+01:00"), json!({"balances": balance("10")})),
                (look("2026-03-01T12:00:00+01:00"), json!({"balances": balance("0")})),
            ],
        ),
        row(
            "41, leap year",
            &month,
            member("0"),
            vec![
                (euro("2028-01-31T12:00:00+01:00", "10.00"), json!({"balances": balance("10")})),
                (look("2028-02-29T12:00:00+01:00"), json!({"balances": balance("10")})),
                (look("2028-03-01T12:00:00+01:00"), json!({"balances": balance("0")})),
            ],
        ),
    ]
}
