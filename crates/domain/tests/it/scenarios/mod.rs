//! The table of sales and the figures they must give. Each row is a case with what its answers must hold.

mod later;

use later::{messages, refunds, stamp_cards, stored_value, times};
use serde_json::{Value, json};
use stempel_domain::programme::Programme;
use stempel_domain::rules::case;

use crate::support::holds;

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
