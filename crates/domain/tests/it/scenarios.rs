//! The table of sales and the figures they must give. Each row is a case with what its answers must hold.

use serde_json::{Value, json};
use stempel_domain::programme::Programme;
use stempel_domain::rules::case;

/// One row: its number, the programmes, the member, and the steps with what each answer must hold.
struct Row {
    number: &'static str,
    programmes: Vec<String>,
    member: Value,
    day_ends: Value,
    steps: Vec<(Value, Value)>,
}

fn row(number: &'static str, programme: &str, member: Value, steps: Vec<(Value, Value)>) -> Row {
    Row { number, programmes: vec![programme.to_owned()], member, day_ends: Value::Null, steps }
}

/// A programme that counts points, with rules in TOML.
fn points(rules: &str) -> String {
    format!("id = \"p\"\nname = \"P\"\n{rules}")
}

const PER_EURO: &str = "[[earn]]\nper = \"money\"\namount = 1\n";

fn member(points: &str) -> Value {
    json!({"balances": {"point": points}})
}

fn noon(sale: Value) -> Value {
    json!({"at": "2026-11-20T12:00:00+01:00", "shop": "A", "sale": sale})
}

fn line(sku: &str, category: &str, quantity: &str, price: &str) -> Value {
    json!({"sku": sku, "category": category, "quantity": quantity, "price": price, "vat": "19"})
}

fn buy(lines: &[Value]) -> Value {
    noon(json!({"lines": lines}))
}

fn claim(lines: &[Value], reward: &str, times: u32) -> Value {
    noon(json!({"lines": lines, "claims": [{"reward": reward, "times": times}]}))
}

fn refund(of: usize, lines: Value) -> Value {
    json!({"at": "2026-11-20T13:00:00+01:00", "refund": {"of": of, "lines": lines}})
}

fn balance(points: &str) -> Value {
    json!({"point": points})
}

fn discounts() -> Vec<Row> {
    let percent = |extra: &str| points(&format!("[[reward]]\nid = \"off\"\nkind = \"percent-off\"\n{extra}"));
    let ten = "[[reward]]\nid = \"ten\"\nkind = \"percent-off\"\npercent = 10\nautomatic = true\n";
    let food = "[[earn]]\nper = \"money\"\namount = 1\ncategories = [\"Food\"]\n";
    let basket = [line("F", "Food", "1", "100.00"), line("O", "other", "1", "50.00")];
    let cheapest = percent("percent = 90\non = \"cheapest\"\nautomatic = true\n");
    let by_count = points(
        "[[reward]]\nid = \"five\"\nkind = \"percent-off\"\npercent = 5\nautomatic = true\nminimum_quantity = 2\n\
         only_best = \"count\"\n\
         [[reward]]\nid = \"ten\"\nkind = \"percent-off\"\npercent = 10\nautomatic = true\nminimum_quantity = 4\n\
         only_best = \"count\"\n",
    );
    let ten_times: String = (0..10).map(|index| ten.replace("ten", &format!("ten-{index}"))).collect();
    vec![
        row(
            "6",
            &points(&format!("{PER_EURO}{ten}")),
            member("0"),
            vec![(
                buy(&[line("A", "", "1", "100.00")]),
                json!({"total": "90.00", "earned": {"point": "90"}}),
            )],
        ),
        row(
            "7",
            &points(&format!("{food}{ten}")),
            member("0"),
            vec![(buy(&basket), json!({"total": "135.00", "earned": {"point": "90"}}))],
        ),
        row(
            "8",
            &points(&format!("{food}{ten}categories = [\"Food\"]\n")),
            member("0"),
            vec![(buy(&basket), json!({"total": "140.00", "earned": {"point": "90"}}))],
        ),
        row(
            "10",
            &cheapest,
            Value::Null,
            vec![(
                buy(&[line("A", "", "5", "3.20")]),
                json!({"total": "13.12", "lines": [{"discount": "2.88"}]}),
            )],
        ),
        row(
            "11",
            &cheapest,
            Value::Null,
            vec![(
                buy(&[
                    json!({"sku": "A", "quantity": "10", "price": "5.10", "vat": "0"}),
                    line("B", "", "4", "5.28"),
                ]),
                json!({"lines": [{"discount": "4.59"}, {"discount": "0.00"}]}),
            )],
        ),
        row(
            "12",
            &percent("percent = 10\nautomatic = true\nskus = [\"A\"]\nminimum = 40.00\n"),
            Value::Null,
            vec![
                (
                    buy(&[line("A", "", "1", "20.00"), line("B", "", "1", "30.00")]),
                    json!({"total": "50.00", "trace": ["below-minimum"]}),
                ),
                (
                    buy(&[line("A", "", "2", "20.00"), line("B", "", "1", "30.00")]),
                    json!({"total": "66.00", "lines": [{"discount": "4.00"}, {"discount": "0.00"}]}),
                ),
            ],
        ),
        row(
            "13",
            &by_count,
            Value::Null,
            vec![
                (buy(&[line("A", "", "1", "10.00")]), json!({"total": "10.00"})),
                (buy(&[line("A", "", "3", "10.00")]), json!({"total": "28.50"})),
                (
                    buy(&[line("A", "", "5", "10.00")]),
                    json!({"total": "45.00", "trace": ["discount", "not-best"]}),
                ),
            ],
        ),
        row(
            "14",
            &points(&ten_times),
            Value::Null,
            vec![(buy(&[line("A", "", "1", "100.00")]), json!({"total": "34.87"}))],
        ),
        row(
            "31",
            &points(&format!("{PER_EURO}{ten}")),
            member("0"),
            vec![(
                buy(&[
                    line("A", "", "1", "15.00"),
                    json!({"sku": "pfand", "price": "0.25", "vat": "19", "deposit": true}),
                ]),
                json!({"total": "13.75", "earned": {"point": "13"}, "lines": [{"discount": "1.50"}, {"discount": "0.00"}]}),
            )],
        ),
    ]
}

fn rewards() -> Vec<Row> {
    let per_cent_of_euro = points(
        "scale = 1\n[[earn]]\nper = \"money\"\namount = 0.1\nminimum = 1.00\n\
         [[reward]]\nid = \"off\"\nkind = \"amount-off\"\ncost = 1\namount = 1.00\nat_least = 100\n",
    );
    let five = "[[reward]]\nid = \"five\"\nkind = \"amount-off\"\ncost = 5\namount = 5.00\n";
    let pens = points(
        "[[earn]]\nper = \"item\"\namount = 1\nskus = [\"pen\"]\n\
         [[reward]]\nid = \"pen\"\nkind = \"free-item\"\ncost = 4\nskus = [\"pen\"]\n",
    );
    let pen = |count: &str| line("pen", "", count, "3.20");
    let per_order = points(
        "[[earn]]\nper = \"order\"\namount = 10\nminimum = 5.00\n\
         [[reward]]\nid = \"gift\"\nkind = \"free-item\"\ncost = 30\nskus = [\"mug\"]\n",
    );
    let cheapest = points(
        "[[earn]]\nper = \"item\"\namount = 1\n\
         [[reward]]\nid = \"cheapest\"\nkind = \"cheapest-item\"\ncost = 2\n",
    );
    let two = [line("A", "", "1", "5.10"), line("B", "", "1", "3.20")];
    let three_items = points(
        "[[earn]]\nper = \"order\"\namount = 1\nminimum_quantity = 3\n\
         [[reward]]\nid = \"free\"\nkind = \"free-item\"\ncost = 1\nskus = [\"A\", \"B\"]\n",
    );
    let free_and_half = points(
        "[[reward]]\nid = \"free\"\nkind = \"free-item\"\ncost = 1\nskus = [\"A\"]\n\
         [[reward]]\nid = \"half\"\nkind = \"percent-off\"\npercent = 50\nautomatic = true\n",
    );
    let packs =
        points("[[reward]]\nid = \"free\"\nkind = \"free-item\"\ncost = 3\nquantity = 2\nskus = [\"A\"]\n");
    vec![
        row(
            "1",
            &per_cent_of_euro,
            member("100"),
            vec![(
                claim(&[line("A", "", "1", "265.00")], "off", 100),
                json!({"total": "165.00", "spent": {"point": "100"}, "earned": {"point": "16.5"},
                   "balances": balance("16.5")}),
            )],
        ),
        row(
            "2",
            &points(&format!("{PER_EURO}{five}")),
            member("5"),
            vec![(
                claim(
                    &[
                        json!({"sku": "A", "price": "110.00", "vat": "10"}),
                        json!({"sku": "B", "price": "100.00", "vat": "0"}),
                    ],
                    "five",
                    1,
                ),
                json!({"total": "205.00", "lines": [{"discount": "2.62"}, {"discount": "2.38"}],
                   "earned": {"point": "205"}, "balances": balance("205")}),
            )],
        ),
        row(
            "3",
            &pens,
            member("0"),
            vec![
                (buy(&[pen("2")]), json!({"total": "6.40", "balances": balance("2")})),
                (
                    claim(&[pen("3")], "pen", 1),
                    json!({"total": "6.40", "balances": balance("0"), "refused": []}),
                ),
                (buy(&[pen("4")]), json!({"total": "12.80", "balances": balance("4")})),
                (
                    claim(&[pen("2")], "pen", 1),
                    json!({"total": "3.20", "balances": balance("1"), "refused": []}),
                ),
            ],
        ),
        row(
            "4",
            &per_order,
            member("30"),
            vec![
                (
                    claim(&[line("A", "", "1", "10.00")], "gift", 1),
                    json!({"total": "10.00", "lines": [{"sku": "A", "paid": "10.00"}, {"sku": "mug", "paid": "0.00"}],
                       "earned": {"point": "10"}, "balances": balance("10")}),
                ),
                (claim(&[line("A", "", "1", "10.00")], "gift", 1), json!({"refused": ["not-enough"]})),
            ],
        ),
        row(
            "5",
            &cheapest,
            member("2"),
            vec![(
                claim(&two, "cheapest", 1),
                json!({"total": "5.10", "spent": {"point": "2"}, "earned": {"point": "1"}, "balances": balance("1")}),
            )],
        ),
        row(
            "5, with nothing",
            &cheapest,
            member("0"),
            vec![(
                claim(&two, "cheapest", 1),
                json!({"total": "8.30", "refused": ["not-enough"], "balances": balance("2")}),
            )],
        ),
        row(
            "9",
            &points(PER_EURO),
            json!({"balances": {"eur": "10.00"}}),
            vec![(
                noon(json!({"lines": [line("A", "", "1", "100.00")],
                        "tenders": [{"kind": "stored", "amount": "10.00"}, {"kind": "cash", "amount": "90.00"}]})),
                json!({"total": "100.00", "earned": {"point": "100"}, "balances": {"eur": "0"}}),
            )],
        ),
        row(
            "15",
            &three_items,
            member("0"),
            vec![(
                claim(&[line("A", "", "4", "5.10")], "free", 1),
                json!({"total": "15.30", "balances": balance("0"), "refused": []}),
            )],
        ),
        row(
            "16",
            &cheapest,
            member("2"),
            vec![(
                buy(&[line("A", "", "2", "5.10")]),
                json!({"total": "10.20", "lines": [{"paid": "10.20"}], "spent": {}}),
            )],
        ),
        row(
            "17",
            &free_and_half,
            member("2"),
            vec![
                (
                    claim(&[line("B", "", "1", "100.00"), line("A", "", "1", "100.00")], "free", 1),
                    json!({"total": "50.00"}),
                ),
                (
                    claim(&[line("B", "", "1", "100.00"), line("A", "", "2", "115.00")], "free", 1),
                    json!({"total": "107.50"}),
                ),
            ],
        ),
        row(
            "18",
            &packs,
            member("50"),
            vec![(
                claim(&[line("A", "", "5", "1.00")], "free", 5),
                json!({"total": "0.00", "spent": {"point": "9"}, "balances": balance("41")}),
            )],
        ),
        row(
            "19",
            &points(&format!("{PER_EURO}{five}")),
            member("3"),
            vec![(
                claim(&[line("A", "", "1", "1.00")], "five", 1),
                json!({"total": "1.00", "refused": ["not-enough"], "balances": balance("4")}),
            )],
        ),
    ]
}

fn refunds() -> Vec<Row> {
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

fn stored_value() -> Vec<Row> {
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

fn times() -> Vec<Row> {
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

fn messages() -> Vec<Row> {
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

fn stamp_cards() -> Vec<Row> {
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

#[test]
fn every_row_gives_its_figures() {
    let tables = [discounts(), rewards(), refunds(), stored_value(), times(), messages(), stamp_cards()];
    let mut wrong = Vec::new();
    for row in tables.into_iter().flatten() {
        let parse =
            |text: &String| Programme::parse_toml(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let programmes: Vec<Programme> = row.programmes.iter().map(parse).collect();
        let steps: Vec<&Value> = row.steps.iter().map(|(step, _)| step).collect();
        let case = json!({"member": row.member, "steps": steps, "day_ends": row.day_ends}).to_string();
        let answers =
            case::run(&programmes, &case).unwrap_or_else(|error| panic!("row {}: {error}", row.number));
        for (index, ((_, wanted), answer)) in row.steps.iter().zip(&answers).enumerate() {
            for (key, wanted) in wanted.as_object().unwrap() {
                if !holds(key, answer, wanted) {
                    wrong.push(format!(
                        "row {}, step {index}: {key} is not {wanted} in {answer:#}",
                        row.number
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether an answer holds what is wanted under a key.
fn holds(key: &str, answer: &Value, wanted: &Value) -> bool {
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
