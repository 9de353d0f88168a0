//! One terminal that works alone.

use crate::support::{Till, program, text};

fn sample() -> Till {
    let till = Till::new();
    till.one(&["init", "--demo"]);
    till
}

#[test]
fn from_nothing_to_a_free_coffee() {
    let till = Till::new();
    till.one(&["init", "--shop", "Zum Anker"]);
    let (member, code) = till.joined("Zoë");
    for expected in 1..=10 {
        let stamped = till.one(&["stamp", "--member", &code]);
        assert_eq!(stamped["balances"]["stamp:coffee"], expected.to_string());
    }
    let free = till.one(&["redeem", "--member", &code, "--reward", "free-coffee"]);
    assert_eq!(free["spent"]["stamp:coffee"], "10");
    assert_eq!(free["balances"]["stamp:coffee"], "0");
    let (exit, said) = till.refused(&["redeem", "--member", &code, "--reward", "free-coffee"]);
    assert_eq!(exit, 1);
    assert!(said.contains("not-enough"), "{said}");
    let shown = till.one(&["member", "show", &member]);
    assert_eq!(shown["name"], "Zoë");
    till.one(&["journal", "verify"]);
}

#[test]
fn what_ends_soon_is_said_in_time() {
    let till = Till::new();
    till.one(&["init", "--shop", "Zum Anker"]);
    let (_, code) = till.joined("Ada");
    let file = till.folder().join("tea.toml");
    let tea = "id = \"tea\"\nname = \"Tea\"\nunit = \"stamp:tea\"\nexpiry = { days = 10 }\n\
        [[earn]]\nper = \"item\"\namount = 1\n";
    std::fs::write(&file, tea).unwrap();
    till.one(&["programme", "publish", &file.display().to_string()]);
    till.one(&["stamp", "--member", &code]);
    assert_eq!(till.one(&["member", "show", &code])["ending"], serde_json::json!([]), "coffee lasts");
    till.one(&["stamp", "--member", &code, "--programme", "tea", "--count", "2"]);
    let ending = &till.one(&["member", "show", &code])["ending"][0];
    assert_eq!((&ending["unit"], &ending["amount"]), (&"stamp:tea".into(), &"2".into()));
    assert!(text(&ending["en"]).starts_with("2 stamps end on "), "{ending}");
    assert!(text(&ending["de"]).starts_with("2 Stempel gelten bis "), "{ending}");
}

#[test]
fn a_sale_earns_and_says_why() {
    let till = sample();
    let (_, code) = till.joined("Ada");
    let sale = till.one(&["sale", "--member", &code, "--item", "espresso=2", "--item", "croissant"]);
    assert_eq!(sale["total"], "7.00");
    assert_eq!(sale["balances"]["stamp:coffee"], "2");
    assert_eq!(sale["balances"]["point"], "7");
    let codes: Vec<&str> =
        sale["trace"].as_array().unwrap().iter().map(|step| step["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["earned", "earned"]);
    let why = till.run(&["why", &code]);
    let of_sale = why.lines.iter().find(|line| line["kind"] == "sale").unwrap();
    assert_eq!(of_sale["event"], sale["event"]);
    assert_eq!(of_sale["postings"].as_array().unwrap().len(), 2);
}

#[test]
fn what_is_taken_back_is_taken_back_once() {
    let till = sample();
    let (_, code) = till.joined("Ada");
    let sale = till.one(&["sale", "--member", &code, "--item", "espresso=2", "--item", "croissant"]);
    let event = text(&sale["event"]);
    let part = till.one(&["refund", &event, "--line", "espresso=1"]);
    assert_eq!(part["total"], "-2.40");
    assert_eq!(part["balances"]["stamp:coffee"], "1");
    let (exit, _) = till.refused(&["refund", &event, "--line", "espresso=2"]);
    assert_eq!(exit, 1);
    let rest = till.one(&["refund", &event]);
    assert_eq!(rest["total"], "-4.60");
    assert_eq!(rest["balances"]["stamp:coffee"], "0");
    assert_eq!(rest["balances"]["point"], "0");
    let (exit, said) = till.refused(&["undo", &event]);
    assert_eq!(exit, 1, "{said}");
}

#[test]
fn the_same_key_gives_the_same_answer() {
    let till = sample();
    let (_, code) = till.joined("Ada");
    let first = till.one(&["stamp", "--member", &code, "--key", "abc"]);
    let again = till.one(&["stamp", "--member", &code, "--key", "abc"]);
    assert_eq!(first["event"], again["event"]);
    assert_eq!(till.balance(&code, "stamp:coffee"), "1");
    let added = till.one(&["member", "add", "--name", "Ben", "--key", "ben"]);
    assert_eq!(added, till.one(&["member", "add", "--name", "Ben", "--key", "ben"]));
}

#[test]
fn a_drawn_card_is_read_from_its_picture_and_stamped() {
    let till = sample();
    let (_, code) = till.joined("Ada");
    let picture = till.folder().join("card.png");
    let picture = picture.to_str().unwrap();
    till.one(&["card", "png", &code, "--out", picture]);
    let scanned = till.one(&["scan", picture]);
    let read = text(&scanned["codes"][0]["text"]);
    assert_eq!(read, code);
    assert_eq!(scanned["codes"][0]["corners"].as_array().unwrap().len(), 4);
    till.one(&["stamp", "--member", &read]);
    assert_eq!(till.balance(&code, "stamp:coffee"), "1");
}

#[test]
fn a_card_is_found_by_its_number_and_a_lost_one_is_replaced() {
    let till = sample();
    let added = till.one(&["member", "add", "--name", "Ada"]);
    let (code, number) = (text(&added["code"]), text(&added["number"]));
    till.one(&["stamp", "--member", &number.to_lowercase(), "--count", "3"]);
    let new = till.one(&["card", "replace", &number]);
    let (exit, said) = till.refused(&["stamp", "--member", &code]);
    assert_eq!(exit, 1);
    assert!(said.contains("blocked"), "{said}");
    assert_eq!(till.balance(&text(&new["code"]), "stamp:coffee"), "3");
    let show = ["member", "show", &text(&new["code"])];
    let shown = program().arg("--data").arg(till.folder()).args(show).output().unwrap().stdout;
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains(&format!("{number} (blocked)")), "which one of them is blocked: {shown}");
    till.one(&["card", "block", &text(&new["code"])]);
    till.refused(&["stamp", "--member", &text(&new["code"])]);
}

#[test]
fn an_anonymous_card_is_named_later_and_keeps_everything() {
    let till = sample();
    let added = till.one(&["member", "add"]);
    let code = text(&added["code"]);
    till.one(&["stamp", "--member", &code, "--count", "4"]);
    till.one(&["member", "name", &code, "Mina"]);
    let shown = till.one(&["member", "show", &code]);
    assert_eq!((&shown["name"], &shown["balances"]["stamp:coffee"]), (&"Mina".into(), &"4".into()));
    let found = till.one(&["member", "find", "mIN"]);
    assert_eq!(found["member"], added["member"]);
}

#[test]
fn a_programme_is_checked_published_and_versioned() {
    let till = sample();
    let file = till.folder().join("tea.toml");
    let path = file.to_str().unwrap();
    let tea = "id = \"tea\"\nname = \"Tea\"\nunit = \"stamp:tea\"\n\n[[earn]]\nper = \"item\"\namount = 1\ncategories = [\"tea\"]\n";
    std::fs::write(&file, tea).unwrap();
    assert_eq!(till.one(&["programme", "check", path])["ok"], true);
    assert_eq!(till.one(&["programme", "publish", path])["version"], 1);
    assert_eq!(till.one(&["programme", "publish", path])["version"], 1, "nothing has changed");
    std::fs::write(&file, tea.replace("amount = 1", "amount = 2")).unwrap();
    assert_eq!(till.one(&["programme", "publish", path])["version"], 2);
    let (_, code) = till.joined("Ada");
    let sale = till.one(&["sale", "--member", &code, "--item", "tea"]);
    assert_eq!(sale["balances"]["stamp:tea"], "2");
}

#[test]
fn the_journal_can_be_read_by_anybody() {
    let till = sample();
    let (_, code) = till.joined("Ada");
    till.one(&["stamp", "--member", &code]);
    let export = till.run(&["journal", "export"]);
    let seqs: Vec<u64> = export.lines.iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "dense from 1");
    assert_eq!(export.lines[0]["kind"], "journal-begun");
    let everything = format!("{:?}", export.lines);
    assert!(!everything.contains("Ada"), "no name stands in the journal in clear");
}

#[test]
fn a_key_used_for_something_else_is_refused() {
    let till = sample();
    let ((_, ada), (_, ben)) = (till.joined("Ada"), till.joined("Ben"));
    till.one(&["stamp", "--member", &ben, "--key", "k"]);
    let (exit, said) = till.refused(&["sale", "--member", &ada, "--item", "tea=5", "--key", "k"]);
    assert_eq!(exit, 2, "{said}");
    assert_eq!(till.balance(&ada, "point"), "0");
}

#[test]
fn an_article_on_two_lines_comes_back_piece_by_piece() {
    let till = sample();
    let sale = till.one(&["sale", "--item", "cappuccino=1", "--item", "cappuccino=2"]);
    let event = text(&sale["event"]);
    for _ in 0..3 {
        assert_eq!(till.one(&["refund", &event, "--line", "cappuccino=1"])["total"], "-3.50");
    }
    assert_eq!(till.refused(&["refund", &event, "--line", "cappuccino=1"]).0, 1);
}

#[test]
fn a_lost_card_is_blocked_first_and_replaced_later() {
    let till = sample();
    let added = till.one(&["member", "add", "--name", "Ada"]);
    let number = text(&added["number"]);
    till.one(&["stamp", "--member", &number, "--count", "4"]);
    till.one(&["card", "block", &number]);
    assert_eq!(till.refused(&["stamp", "--member", &number]).0, 1);
    assert_eq!(till.one(&["member", "show", &number])["balances"]["stamp:coffee"], "4");
    let new = till.one(&["card", "replace", &number]);
    assert_eq!(till.balance(&text(&new["code"]), "stamp:coffee"), "4");
}

#[test]
fn a_set_up_that_was_cut_off_is_gone_on_with() {
    // Killed somewhere in the middle; whatever is there, the same command makes it whole.
    for millis in [1, 4, 8, 12, 16, 24] {
        let till = Till::new();
        let mut child = till.command(&["init", "--demo"]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(millis));
        let _ = child.kill();
        child.wait().unwrap();
        let again = till.run(&["init", "--demo"]);
        assert!(again.exit == 0 || again.error.contains("already"), "{again:?}");
        let status = till.one(&["status"]);
        assert_eq!(status["members"], 6, "after {millis} ms");
        assert_eq!(till.run(&["programme", "list"]).lines.len(), 2);
        till.one(&["journal", "verify"]);
    }
}

#[test]
fn a_century_too_far_is_a_mistake() {
    let till = sample();
    let (_, code) = till.joined("Ada");
    let (exit, said) = till.refused(&["stamp", "--member", &code, "--at", "2062-01-01T00:00:00Z"]);
    assert_eq!(exit, 2, "{said}");
    assert_eq!(till.refused(&["stamp", "--member", &code, "--count", "0"]).0, 2);
}
