//! Keys made anew, and a dead device's second copy, over the command line.

use std::fs;

use serde_json::json;

use crate::support::{Server, Till, text};

#[test]
fn a_new_wrapping_key_leaves_names_readable_here_and_in_no_older_copy() {
    let till = Till::new();
    till.one(&["init", "--shop", "Café Anker"]);
    let (_, code) = till.joined("Quirinalde");
    let keys = till.folder().join("stempel.keys");
    let old = fs::read(&keys).unwrap();
    // Nobody has the folder open: the file is whole.
    let older_copy = fs::read(till.folder().join("stempel.db")).unwrap();
    assert_eq!(till.one(&["rotate-keys"])["rotated"], true);
    let new = fs::read(&keys).unwrap();
    assert!(old != new && new.len() == old.len(), "the old key is dropped");
    assert_eq!(till.one(&["member", "show", &code])["name"], "Quirinalde");
    till.one(&["stamp", "--member", &code]);
    till.one(&["journal", "verify"]);
    // An older copy of the database beside the new key: everything is there but the name.
    let copy = Till::new();
    fs::create_dir_all(copy.folder()).unwrap();
    fs::write(copy.folder().join("stempel.db"), older_copy).unwrap();
    fs::write(copy.folder().join("stempel.keys"), &new).unwrap();
    let shown = copy.one(&["member", "show", &code]);
    assert!(shown["name"].is_null(), "{shown}");
    fs::write(copy.folder().join("stempel.keys"), &old).unwrap();
    assert_eq!(
        copy.one(&["member", "show", &code])["name"],
        "Quirinalde",
        "with the old key it was readable"
    );
}

#[test]
fn the_server_s_new_wrapping_key_is_known_to_the_running_one_and_opens_no_older_backup() {
    let mut server = Server::start();
    let till = server.enrolled();
    let (_, code) = till.joined("Quirinalde");
    till.one(&["sync"]);
    let older = server.file("older.db").to_str().unwrap().to_owned();
    server.admin(&["backup", &older]).one();
    let rotated = server.admin(&["rotate-keys"]).one();
    assert!(rotated["wrapped"].as_u64().unwrap() > 2, "{rotated}");
    // The process that was running all the while goes on: it signs, and opens the name.
    till.one(&["stamp", "--member", &code]);
    till.one(&["sync"]);
    let other = server.enrolled();
    assert_eq!(other.one(&["member", "show", &code])["name"], "Quirinalde");
    let newer = server.file("newer.db").to_str().unwrap().to_owned();
    server.admin(&["backup", &newer]).one();
    server.kill();
    let refused = server.admin(&["restore", &older]);
    assert_eq!(refused.exit, 3, "{}", refused.error);
    assert!(refused.error.contains("another key"), "{}", refused.error);
    // Nothing was touched; what was copied afterwards can be put back.
    server.verified();
    server.admin(&["restore", &newer]).one();
    server.resume();
    till.one(&["sync"]);
    assert_eq!(server.balance(&code, "stamp:coffee"), "1");
    server.verified();
}

#[test]
fn a_device_key_changed_without_a_network_is_handed_over_with_the_journal() {
    let mut server = Server::start();
    let (till, other) = (server.enrolled(), server.enrolled());
    let (_, code) = till.joined("Ada");
    till.one(&["stamp", "--member", &code]);
    till.one(&["sync"]);
    server.kill();
    till.one(&["stamp", "--member", &code]);
    let event = text(&till.one(&["rotate-device-key"])["event"]);
    till.one(&["stamp", "--member", &code]);
    till.one(&["journal", "verify"]);
    let rows = till.run(&["journal", "export"]).lines;
    let row = rows.iter().find(|row| row["event"] == json!(event)).unwrap();
    assert_eq!(row["kind"], "key-changed");
    server.resume();
    assert_eq!(till.one(&["sync"])["pending"], 0);
    // And once more, with the server there.
    till.one(&["rotate-device-key"]);
    till.one(&["stamp", "--member", &code]);
    assert_eq!(till.one(&["sync"])["pending"], 0);
    assert_eq!(till.one(&["sync"])["sent"], 0, "the new key asks");
    other.one(&["sync"]);
    for seen in [till.balance(&code, "stamp:coffee"), other.balance(&code, "stamp:coffee")] {
        assert_eq!(seen, "4");
    }
    till.one(&["journal", "verify"]);
    server.verified();
}

#[test]
fn what_a_dead_device_had_not_sent_comes_to_the_server_from_its_second_copy() {
    let mut server = Server::start();
    let (dead, heir) = (server.enrolled(), server.enrolled());
    let (_, code) = dead.joined("Ada");
    dead.one(&["stamp", "--member", &code, "--count", "2"]);
    dead.one(&["sync"]);
    let stick = server.file("stick");
    fs::create_dir(&stick).unwrap();
    dead.one(&["settings", "set", "second_copy", stick.to_str().unwrap()]);
    server.kill();
    dead.one(&["stamp", "--member", &code, "--count", "3"]);
    let (exit, _) = dead.refused(&["sync"]);
    assert_eq!(exit, 3);
    let device = text(&dead.one(&["status"])["device"]);
    // The device falls into the sink.
    fs::remove_dir_all(dead.folder()).unwrap();
    let copy = fs::read_dir(&stick).unwrap().next().unwrap().unwrap().path();
    let sealed = fs::read(&copy).unwrap();
    assert!(!sealed.windows(5).any(|window| window == b"stamp"), "whoever finds the stick reads nothing");
    server.resume();
    let copy = copy.to_str().unwrap();
    let done = heir.one(&["replace", "--copy", copy]);
    assert_eq!(done["devices"], json!([device]), "{done}");
    assert_eq!(server.balance(&code, "stamp:coffee"), "5");
    // Again changes nothing.
    heir.one(&["replace", "--copy", copy]);
    server.admin(&["device", "revoke", &device]).one();
    heir.one(&["sync"]);
    assert_eq!(heir.balance(&code, "stamp:coffee"), "5");
    server.verified();
    // Another shop's server opens nothing of it.
    let foreign = Server::start();
    let (exit, said) = foreign.enrolled().refused(&["replace", "--copy", copy]);
    assert_eq!(exit, 1, "{said}");
    assert!(said.contains("made for another server"), "{said}");
}
