//! Personal data through the whole program: a member with two cards, and one who wants to be forgotten.

use std::path::Path;

use crate::support::{Server, Till, text};

fn files_hold(folder: &Path, wanted: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return files_hold(&path, wanted);
        }
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes.windows(wanted.len()).any(|window| window == wanted.as_bytes())
    })
}

#[test]
fn two_cards_become_one_member_everywhere_and_two_again() {
    let server = Server::start();
    let (one, two) = (server.enrolled(), server.enrolled());
    let ((id, ada), (_, also)) = (one.joined("Ada"), one.joined("Ada L."));
    one.one(&["stamp", "--member", &ada, "--count", "3"]);
    one.one(&["stamp", "--member", &also, "--count", "4"]);
    for till in [&one, &two] {
        till.one(&["sync"]);
    }
    let merged = one.one(&["member", "merge", &also, &ada]);
    assert_eq!(text(&merged["into"]), id);
    // The other one does not know of it yet.
    two.one(&["stamp", "--member", &also, "--count", "1"]);
    for till in [&one, &two, &one] {
        till.one(&["sync"]);
    }
    for till in [&one, &two] {
        assert_eq!(
            (till.balance(&ada, "stamp:coffee"), till.balance(&also, "stamp:coffee")),
            ("8".into(), "8".into())
        );
        assert_eq!(till.one(&["member", "show", &also])["name"], "Ada");
    }
    assert_eq!(server.balance(&also, "stamp:coffee"), "8");
    server.verified();
    server.admin(&["member", "unmerge", &also]).one();
    two.one(&["sync"]);
    assert_eq!(
        (two.balance(&ada, "stamp:coffee"), two.balance(&also, "stamp:coffee")),
        ("3".into(), "5".into())
    );
    two.one(&["journal", "verify"]);
    server.verified();
}

#[test]
fn whoever_is_forgotten_is_named_nowhere_any_more() {
    let server = Server::start();
    let (one, two) = (server.enrolled(), server.enrolled());
    let name = "Wilhelmine";
    let code = text(&one.one(&["--key", "k-1", "member", "add", "--name", name])["code"]);
    one.one(&["stamp", "--member", &code, "--count", "2"]);
    let consent = ["member", "consent", &code, "--give", "mail", "--terms", "2026-01"];
    assert_eq!(one.one(&consent)["consents"][0]["given"], true);
    one.one(&["sync"]);
    two.one(&["sync"]);
    let export = server.admin(&["member", "export", &code]).one();
    assert_eq!((&export["profile"]["name"], &export["complete"]), (&name.into(), &true.into()));
    assert_eq!(export["events"].as_array().unwrap().len(), 3);
    let backup = server.file("yesterday.backup");
    server.admin(&["backup", backup.to_str().unwrap()]).one();
    let id = text(&two.one(&["member", "show", &code])["member"]);
    assert_eq!(two.one(&["member", "find", name])["name"], name);

    two.one(&["member", "erase", &code]);
    two.one(&["sync"]);
    assert_eq!(two.refused(&["member", "find", name]).0, 1);
    let waiting = |list: &serde_json::Value| list["waiting"].as_array().unwrap().len();
    let open = waiting(&server.admin(&["member", "erasures"]).one());
    assert!(open >= 1, "the first terminal still holds the key");
    for till in [&one, &two, &one, &two] {
        till.one(&["sync"]);
    }
    assert_eq!(waiting(&server.admin(&["member", "erasures"]).one()), 0);
    assert_eq!(one.refused(&["stamp", "--member", &code]).0, 1, "the card is blocked");
    for folder in [one.folder(), two.folder(), server.file("").as_path()] {
        assert!(!files_hold(folder, name), "{}", folder.display());
    }
    assert!(server.admin(&["member", "show", &id]).one()["name"].is_null());
    server.verified();
    one.one(&["journal", "verify"]);
}

#[test]
fn a_terminal_alone_needs_no_server_for_any_of_it() {
    let till = Till::new();
    till.one(&["--shop", "Morgenrot", "init"]);
    let ((_, ada), (_, also)) = (till.joined("Ada"), till.joined("Ada L."));
    till.one(&["stamp", "--member", &also, "--count", "2"]);
    till.one(&["member", "merge", &also, &ada]);
    assert_eq!(till.balance(&ada, "stamp:coffee"), "2");
    assert_eq!(till.refused(&["member", "merge", &ada, &ada]).0, 2);
    till.one(&["member", "unmerge", &also]);
    assert_eq!(till.refused(&["member", "unmerge", &also]).0, 1);
    let export = till.one(&["member", "export", &also]);
    assert_eq!((&export["profile"]["name"], &export["complete"]), (&"Ada L.".into(), &true.into()));
    till.one(&["member", "erase", &also]);
    assert_eq!(till.refused(&["stamp", "--member", &also]).0, 1);
    till.one(&["journal", "verify"]);
}
