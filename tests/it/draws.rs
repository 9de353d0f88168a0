//! A prize draw from its announcement to a guest who checks it.

use std::fs;

use serde_json::Value;

use crate::support::{Till, text};

const SEED: &str = "3 12 17 22 31 44";

/// Announces a draw of two prizes in the till's folder, and gives the arguments that name its files.
fn announced(till: &Till) -> (String, String, Value) {
    fs::create_dir_all(till.folder()).unwrap();
    let path = |name: &str| till.folder().join(name).display().to_string();
    let (file, secret) = (path("draw.json"), path("secret.txt"));
    let opened = till.one(&[
        "draw",
        "open",
        &file,
        "--secret-file",
        &secret,
        "--draw",
        "xmas",
        "--prize",
        "Espresso machine",
        "--prize",
        "Beans",
        "--public-seed-from",
        "Lotto 6aus49 of 5 December 2026",
    ]);
    (file, secret, opened)
}

#[test]
fn a_list_of_guests_is_drawn_and_checked() {
    let till = Till::new();
    let (file, secret, opened) = announced(&till);
    let commitment = text(&opened["commitment"]);
    assert!(!fs::read_to_string(&file).unwrap().contains(fs::read_to_string(&secret).unwrap().trim()));
    let (exit, _) = till.refused(&["draw", "verify", &file]);
    assert_eq!(exit, 1, "nothing is proven yet");

    let list = till.folder().join("guests.csv");
    fs::write(&list, "member,tickets\nM-1,3\nM-2,1\nM-3,0\n\"M-4\",10\n").unwrap();
    let list = list.display().to_string();
    let closed = till.one(&["draw", "close", &file, "--entries", &list]);
    assert_eq!((&closed["entries"], &closed["tickets"]), (&Value::from(3), &Value::from(14)));
    let run = till.run(&["draw", "run", &file, "--secret-file", &secret, "--public-seed", SEED]);
    assert_eq!((run.exit, run.lines.len()), (0, 2), "{}", run.error);

    let published = ["--commitment", &commitment, "--entries-hash", &text(&closed["entries_hash"])];
    let verified = till.run(&[&["draw", "verify", &file][..], &published].concat());
    assert_eq!(verified.exit, 0, "{:?}", verified.lines);
    assert!(verified.lines.iter().all(|line| line["good"] == true));
    let winners = till.run(&["draw", "winners", &file, "--entries", &list]);
    for (winner, drawn) in winners.lines.iter().zip(&run.lines) {
        assert_eq!(winner["entry"], drawn["entry"]);
        let member = text(&winner["member"]);
        let entry = till.one(&["draw", "entry", &file, &member]);
        assert_eq!(entry["won"], serde_json::json!([winner["prize"]]), "{member}");
    }
    let (exit, _) = till.refused(&["draw", "entry", &file, "M-3"]);
    assert_eq!(exit, 1, "who has no ticket is not in it");

    let forged = fs::read_to_string(&file).unwrap().replace("Espresso machine", "Espresso cup");
    fs::write(&file, forged).unwrap();
    let verified = till.run(&["draw", "verify", &file]);
    assert_eq!(verified.exit, 1);
    assert!(verified.lines.iter().any(|line| line["check"] == "commitment" && line["good"] == false));
}

#[test]
fn the_members_of_a_terminal_take_part_with_what_they_hold() {
    let till = Till::new();
    till.one(&["init", "--shop", "Zum Anker"]);
    let (file, secret, _) = announced(&till);
    let (ada, ada_card) = till.joined("Ada");
    let (_, ben_card) = till.joined("Ben");
    till.joined("Cem");
    till.one(&["stamp", "--member", &ada_card, "--count", "3"]);
    till.one(&["stamp", "--member", &ben_card]);
    let closed = till.one(&["draw", "close", &file, "--unit", "stamp:coffee"]);
    assert_eq!((&closed["entries"], &closed["tickets"]), (&Value::from(2), &Value::from(4)));
    let by_id = till.one(&["draw", "entry", &file, &ada]);
    assert_eq!(by_id["tickets"], 3);
    assert_eq!(by_id, till.one(&["draw", "entry", &file, &ada_card]), "by card as by id");
    till.run(&["draw", "run", &file, "--secret-file", &secret, "--public-seed", SEED]);
    assert_eq!(till.run(&["draw", "verify", &file]).exit, 0);
    let winners = till.run(&["draw", "winners", &file, "--unit", "stamp:coffee"]);
    assert!(winners.lines.iter().any(|winner| winner["member"] == ada.as_str()), "two prizes for two");
}

#[test]
fn nothing_is_overwritten_and_nothing_is_done_twice() {
    let till = Till::new();
    let (file, secret, _) = announced(&till);
    let before = fs::read(&secret).unwrap();
    let open = [
        "draw",
        "open",
        &file,
        "--secret-file",
        &secret,
        "--draw",
        "x",
        "--prize",
        "y",
        "--public-seed-from",
        "z",
    ];
    assert_ne!(till.refused(&open).0, 0);
    assert_eq!(fs::read(&secret).unwrap(), before);
    assert_eq!(till.refused(&["draw", "run", &file, "--secret-file", &secret, "--public-seed", SEED]).0, 1);
    let list = till.folder().join("guests.json");
    fs::write(&list, r#"[{"member": "M-1", "tickets": 1}]"#).unwrap();
    let close = ["draw", "close", &file, "--entries", &list.display().to_string()];
    till.one(&close);
    assert_eq!(till.refused(&close).0, 1);
    fs::write(&list, "M-1;many\n").unwrap();
    assert_eq!(till.refused(&["draw", "winners", &file, "--entries", &list.display().to_string()]).0, 1);
    fs::write(&secret, format!("{}\n", "0".repeat(64))).unwrap();
    assert_eq!(till.refused(&["draw", "run", &file, "--secret-file", &secret, "--public-seed", SEED]).0, 1);
}
