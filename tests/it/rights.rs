//! What is given for more than an order: friends, deeds, days of the year, memberships, challenges, goodwill; and
//! what there is only so much of.

use jiff::ToSpan;

use crate::support::{Till, program, text};

const CLUB: &str = r#"
id = "club"
name = "Club"
unit = "crumb"

[[earn]]
id = "per-euro"
per = "money"
amount = 1

[[reward]]
id = "mug"
name = { de = "Becher", en = "Mug" }
kind = "gift"
cost = 1
stock = { total = 2 }

[[activity]]
id = "review"
name = { de = "Bewertung", en = "Review" }
gives = { amount = 3 }

[[activity]]
id = "survey"
once = "reference"
gives = { amount = 2 }

[[occasion]]
id = "birthday"
on = "birthday"
gives = { amount = 7 }

[[challenge]]
id = "three-coffees"
name = { de = "Drei Kaffee", en = "Three coffees" }
goal = [{ count = "items", target = 3, categories = ["coffee"] }]
gives = { unit = "badge:barista", amount = 1 }

[referral]
minimum = 4.00
friend = { amount = 5 }
referrer = { amount = 10 }

[goodwill]
reasons = ["cold coffee", "long wait"]
at_once = 10
operator = { day = 15 }
four_eyes_above = 5
"#;

const PLUS: &str = r#"
id = "plus"
name = "Plus"
unit = "plus-point"

[membership]
name = "plus"
skus = ["beans"]
days = 30

[[reward]]
id = "ten-percent"
kind = "percent-off"
percent = 10
automatic = true
categories = ["coffee"]
who = { holds = ["membership:plus"] }
"#;

/// The sample café with a further programme.
fn cafe(programme: &str) -> Till {
    let till = Till::new();
    till.one(&["init", "--demo"]);
    let file = till.folder().join("programme.toml");
    std::fs::write(&file, programme).unwrap();
    till.one(&["programme", "publish", file.to_str().unwrap()]);
    till
}

/// Now, where the program is.
fn now() -> jiff::Zoned {
    jiff::Timestamp::now().in_tz("Europe/Berlin").unwrap()
}

/// Noon in so many days.
fn noon_in(days: i64) -> String {
    let noon = now().with().hour(12).build().unwrap().checked_add(days.days()).unwrap();
    noon.timestamp().to_string()
}

/// The month and day in so many days, as a birthday is written.
fn birthday_in(days: i64) -> String {
    now().checked_add(days.days()).unwrap().strftime("%m-%d").to_string()
}

fn codes(answer: &serde_json::Value) -> Vec<String> {
    answer["trace"].as_array().unwrap().iter().map(|step| text(&step["code"])).collect()
}

/// What the program says to a person.
fn said(till: &Till, words: &[&str]) -> String {
    let mut command = program();
    command.arg("--data").arg(till.folder()).args(words);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_friend_joins_buys_and_both_are_rewarded_and_a_refund_takes_both_back() {
    let till = cafe(CLUB);
    let (ada, ada_code) = till.joined("Ada");
    let added = till.one(&["member", "add", "--name", "Ben", "--referred-by", &ada_code]);
    let ben = text(&added["code"]);
    assert_eq!(till.one(&["member", "show", &ben])["referrer"], ada.as_str());
    let sale = till.one(&["sale", "--member", &ben, "--item", "cappuccino=2", "--key", "first"]);
    assert!(codes(&sale).contains(&"referral".to_owned()), "{sale}");
    assert_eq!(sale["balances"]["crumb"], "12", "7 for €7.00, and 5 for being brought");
    assert_eq!(till.balance(&ada_code, "crumb"), "10");
    let again = till.one(&["sale", "--member", &ben, "--item", "cappuccino=2", "--key", "first"]);
    assert_eq!(again["event"], sale["event"], "the answer is the sale, not what was due for it");

    let why = till.run(&["why", &ada_code]);
    let grant = why.lines.iter().find(|line| line["kind"] == "grant").unwrap();
    assert_eq!(grant["trace"][0]["code"], "referrer");
    assert!(!text(&grant["trace"][0]["text"]).is_empty());
    let joined = till.run(&["why", &ben]).lines;
    assert_eq!(joined[0]["said"][0], format!("Brought by {ada}"));

    till.one(&["refund", &text(&sale["event"])]);
    assert_eq!((till.balance(&ada_code, "crumb"), till.balance(&ben, "crumb")), ("0".into(), "0".into()));
    till.one(&["journal", "verify"]);
}

#[test]
fn nobody_is_brought_who_was_here_before() {
    let till = cafe(CLUB);
    let ((_, ada), (_, ben), (_, cem)) = (till.joined("Ada"), till.joined("Ben"), till.joined("Cem"));
    till.one(&["sale", "--member", &cem, "--item", "tea"]);
    for (friend, by, why) in
        [(&ada, &ada, "nobody brings themselves"), (&cem, &ada, "has bought here before")]
    {
        let (exit, said) = till.refused(&["member", "refer", friend, "--by", by]);
        assert_eq!(exit, 1);
        assert!(said.contains(why), "{said}");
    }
    till.one(&["member", "refer", &ben, "--by", &ada]);
    for (friend, by, why) in [(&ben, &cem, "was named before"), (&ada, &ben, "circle")] {
        let (exit, said) = till.refused(&["member", "refer", friend, "--by", by]);
        assert_eq!(exit, 1);
        assert!(said.contains(why), "{said}");
    }
    let (exit, _) = till.refused(&["member", "add", "--referred-by", "nobody"]);
    assert_eq!(exit, 1);
}

#[test]
fn the_third_mug_of_two_is_sold_out() {
    let till = cafe(CLUB);
    let (_, ada) = till.joined("Ada");
    till.one(&["sale", "--member", &ada, "--item", "cappuccino=2"]);
    let first = till.one(&["redeem", "--member", &ada, "--reward", "mug"]);
    till.one(&["sale", "--member", &ada, "--item", "tea", "--claim", "mug"]);
    let (exit, said) = till.refused(&["redeem", "--member", &ada, "--reward", "mug"]);
    assert_eq!(exit, 1);
    assert!(said.contains("sold-out") && said.contains("none is left here"), "{said}");
    till.one(&["undo", &text(&first["event"])]);
    till.one(&["redeem", "--member", &ada, "--reward", "mug"]);
}

#[test]
fn a_deed_is_rewarded_once_and_can_be_taken_back() {
    let till = cafe(CLUB);
    let (_, ada) = till.joined("Ada");
    let review = ["earn", "--member", &ada, "--programme", "club", "--activity", "review"];
    let given = till.one(&[&review[..], &["--key", "r1"]].concat());
    assert_eq!(given["awards"][0]["amount"], "3");
    assert_eq!(till.one(&[&review[..], &["--key", "r1"]].concat())["event"], given["event"]);
    let (exit, said) = till.refused(&review);
    assert_eq!(exit, 1);
    assert!(said.contains("Review: it is given once, and was given before"), "{said}");
    till.one(&["undo", &text(&given["event"])]);
    till.one(&review);
    let survey = ["earn", "--member", &ada, "--programme", "club", "--activity", "survey"];
    assert_eq!(till.refused(&survey).0, 2, "the survey has a number");
    till.one(&[&survey[..], &["--reference", "41"]].concat());
    till.one(&[&survey[..], &["--reference", "42"]].concat());
    assert_eq!(till.refused(&[&survey[..], &["--reference", "41"]].concat()).0, 1);
    assert_eq!(till.balance(&ada, "crumb"), "7");
}

#[test]
fn a_birthday_is_a_week_and_its_date_is_nowhere() {
    let till = cafe(CLUB);
    let (_, ada) = till.joined("Ada");
    let date = birthday_in(20);
    till.one(&["member", "tag", &ada, "--birthday", &date, "--key", "birthday"]);
    let nothing = till.one(&["occasions", "--member", &ada]);
    assert_eq!((&nothing["event"], &nothing["awards"]), (&serde_json::Value::Null, &serde_json::json!([])));
    let export = till.run(&["journal", "export"]);
    let traits = export.lines.iter().find(|line| line["kind"] == "traits-changed").unwrap();
    assert!(traits["fact"]["birthday_week"].is_u64() && !traits.to_string().contains(&date), "{traits}");
    let stored = std::fs::read(till.folder().join("stempel.db")).unwrap();
    let wal = std::fs::read(till.folder().join("stempel.db-wal")).unwrap_or_default();
    let quoted = format!("\"{date}\"");
    assert!(!stored.windows(7).chain(wal.windows(7)).any(|bytes| bytes == quoted.as_bytes()));

    till.one(&["member", "tag", &ada, "--birthday", &birthday_in(0)]);
    assert_eq!(till.one(&["member", "show", &ada])["birthday"], true);
    let given = till.one(&["occasions", "--member", &ada]);
    assert_eq!(
        (given["awards"][0]["amount"].clone(), codes(&given)),
        ("7".into(), vec!["occasion".to_owned()])
    );
    let sale = till.one(&["sale", "--member", &ada, "--item", "tea"]);
    assert!(!codes(&sale).contains(&"occasion".to_owned()), "once a year");
    assert_eq!(till.refused(&["member", "tag", &ada, "--birthday", "31-12"]).0, 2);
}

#[test]
fn tags_are_given_taken_and_shown() {
    let till = cafe(CLUB);
    let (_, ada) = till.joined("Ada");
    till.one(&["member", "tag", &ada, "--add", "student", "--add", "choir"]);
    till.one(&["member", "tag", &ada, "--remove", "student"]);
    assert_eq!(till.one(&["member", "show", &ada])["tags"], serde_json::json!(["choir"]));
    assert_eq!(till.refused(&["member", "tag", &ada, "--add", "x", "--remove", "x"]).0, 2);
    assert_eq!(till.refused(&["member", "tag", &ada]).0, 2);
    let why = till.run(&["why", &ada]);
    assert!(why.lines.iter().any(|line| line["said"][0] == "Tag “student” taken"), "{:?}", why.lines);
}

#[test]
fn goodwill_over_the_budget_is_refused() {
    let till = cafe(CLUB);
    let (_, ada) = till.joined("Ada");
    let give = |amount: &str, more: &[&str]| {
        let words = ["goodwill", "--member", &ada, "--programme", "club", "--amount", amount];
        let words = [&words[..], &["--reason", "cold coffee", "--operator", "eva"], more].concat();
        till.run(&words)
    };
    let alone = give("6", &[]);
    assert_eq!(alone.exit, 1);
    assert!(alone.error.contains("a second person must agree"), "{}", alone.error);
    let given = give("10", &["--agreed", "max", "--key", "g"]).one();
    assert_eq!((&given["awards"][0]["amount"], &given["agreed"]), (&"10".into(), &"max".into()));
    assert_eq!(give("10", &["--agreed", "max", "--key", "g"]).one()["event"], given["event"]);
    assert_eq!(give("5", &[]).exit, 0);
    let over = give("1", &[]);
    assert_eq!(over.exit, 1);
    assert!(over.error.contains("No goodwill: daily limit of 15 reached"), "{}", over.error);
    assert_eq!(till.balance(&ada, "crumb"), "15");
    let why = till.run(&["why", &ada]);
    let line = why.lines.iter().find(|line| line["event"] == given["event"]).unwrap();
    assert_eq!(line["said"][0], "By hand: cold coffee (agreed by max)");
    let wrong = till.refused(&[
        "goodwill",
        "--member",
        &ada,
        "--programme",
        "club",
        "--amount",
        "1",
        "--reason",
        "a whim",
    ]);
    assert_eq!(wrong.0, 1);
    assert!(wrong.1.contains("cold coffee, long wait"), "{}", wrong.1);
}

#[test]
fn a_membership_bought_at_the_till_counts_at_once_and_ends_on_its_day() {
    let till = cafe(PLUS);
    let (_, ada) = till.joined("Ada");
    let before = till.one(&["sale", "--member", &ada, "--item", "cappuccino"]);
    assert_eq!(before["total"], "3.50");
    let bought = till.one(&["sale", "--member", &ada, "--item", "beans", "--item", "cappuccino"]);
    assert_eq!(bought["total"], "12.05", "8.90, and 3.50 less a tenth");
    let shown = till.one(&["member", "show", &ada]);
    let last = now().checked_add(29.days()).unwrap().date().to_string();
    assert_eq!(shown["memberships"][0]["last_day"], last, "{shown}");
    for (days, total) in [(29, "3.15"), (30, "3.50")] {
        let sale = till.one(&["sale", "--member", &ada, "--item", "cappuccino", "--at", &noon_in(days)]);
        assert_eq!(sale["total"], total, "after {days} days");
    }
    assert_eq!(till.one(&["member", "show", &ada])["memberships"], serde_json::json!([]));
}

#[test]
fn a_guest_is_invited_until_a_day() {
    let till = cafe(PLUS);
    let (_, ada) = till.joined("Ada");
    let until = now().checked_add(100.days()).unwrap().date().to_string();
    let words = ["member", "invite", &ada, "--programme", "plus", "--until", &until, "--key", "vip"];
    let invited = till.one(&words);
    assert_eq!((&invited["last_day"], &invited["reason"]), (&until.as_str().into(), &"invitation".into()));
    assert_eq!(till.one(&words)["event"], invited["event"]);
    assert_eq!(till.one(&["sale", "--member", &ada, "--item", "cappuccino"])["total"], "3.15");
    assert_eq!(till.refused(&["member", "invite", &ada, "--programme", "points"]).0, 1);
    assert_eq!(
        till.refused(&["member", "invite", &ada, "--programme", "plus", "--until", "2020-01-01"]).0,
        2
    );
    assert!(said(&till, &["member", "show", &ada]).contains(&format!("Member of plus, until {until}")));
}

#[test]
fn a_challenge_is_followed_reached_and_shown() {
    let till = cafe(CLUB);
    let (_, ada) = till.joined("Ada");
    let two = till.one(&["sale", "--member", &ada, "--item", "espresso=2"]);
    assert!(codes(&two).contains(&"progress".to_owned()), "{two}");
    let text = said(&till, &["member", "show", &ada]);
    assert!(text.contains("Challenge Three coffees: 2 of 3"), "{text}");
    till.one(&["sale", "--member", &ada, "--item", "espresso"]);
    let shown = till.one(&["member", "show", &ada]);
    assert_eq!(shown["challenges"][0]["reached"], true);
    assert_eq!(shown["badges"][0]["name"], "barista");
    let keys: Vec<&String> = shown.as_object().unwrap().keys().collect();
    assert!(keys.is_sorted(), "{keys:?}");
}

#[cfg(feature = "demo")]
#[test]
fn without_its_server_a_terminal_keeps_to_the_limits_of_the_programme() {
    use crate::support::Server;
    let limited = "id = \"limited\"\nname = \"Limited\"\nunit = \"crumb\"\noffline = { spend_day = 2 }\n\n\
                   [[earn]]\nid = \"per-order\"\nper = \"order\"\namount = 10\n\n\
                   [[reward]]\nid = \"mug\"\nkind = \"gift\"\ncost = 1\n";
    let mut server = Server::start();
    let file = server.file("limited.toml");
    std::fs::write(&file, limited).unwrap();
    server.admin(&["programme", "publish", file.to_str().unwrap()]).one();
    let till = server.enrolled();
    let (_, ada) = till.joined("Ada");
    till.one(&["sale", "--member", &ada, "--item", "tea"]);
    till.one(&["sync"]);
    let redeem = ["redeem", "--member", &ada, "--reward", "mug"];
    for _ in 0..3 {
        till.one(&redeem);
    }
    server.kill();
    assert_eq!(till.run(&["sync"]).exit, 3);
    assert_eq!(till.one(&["status"])["unconfirmed_days"], 0);
    till.one(&redeem);
    till.one(&redeem);
    let (exit, said) = till.refused(&redeem);
    assert_eq!(exit, 1);
    assert!(said.contains("offline-limit") && said.contains("without the network at most"), "{said}");
    server.resume();
    till.one(&["sync"]);
    till.one(&redeem);
    till.one(&["sync"]);
    assert_eq!(server.balance(&ada, "crumb"), "4");
    server.verified();
}
