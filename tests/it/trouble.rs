//! Bad input and a world that misbehaves: a clear message, and nothing lost.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::support::{Till, program, text};

fn sample() -> Till {
    let till = Till::new();
    till.one(&["init", "--demo"]);
    till
}

#[test]
fn every_code_that_is_no_card_is_called_by_its_name() {
    let (till, other) = (sample(), sample());
    let (_, code) = till.joined("Ada");
    let (_, foreign) = other.joined("Eve");
    let mut forged = code.clone().into_bytes();
    let last = forged.len() - 1;
    forged[last - 3] = if forged[last - 3] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    let cases = [
        ("https://example.com/menu", "not a customer card"),
        (&foreign, "another programme"),
        (&forged, "not genuine"),
        ("K7Q2M-9XVT4", "not known here"),
        ("", "not a customer card"),
        (&code[..60], "not"),
    ];
    for (given, words) in cases {
        let (exit, said) = till.refused(&["stamp", "--member", given]);
        assert_eq!(exit, 1, "{given}: {said}");
        assert!(said.contains(words), "{given}: {said}");
    }
    assert_eq!(till.balance(&code, "stamp:coffee"), "0");
}

#[test]
fn wrong_use_is_said_and_exits_with_2() {
    let till = sample();
    let (_, code) = till.joined("Ada");
    for words in [
        &["stamp"][..],
        &["fly"],
        &["sale", "--member", &code, "--item", "espresso=0"],
        &["sale", "--member", &code, "--item", "espresso=x"],
        &["sale", "--member", &code, "--item", "espresso", "--at", "yesterday"],
        &["stamp", "--member", &code, "--count", "101"],
        &["undo", "not-an-event"],
        &["member", "add", "--name", ""],
    ] {
        let (exit, said) = till.refused(words);
        assert_eq!(exit, 2, "{words:?}: {said}");
        assert!(!said.trim().is_empty());
    }
    let (exit, said) = till.refused(&["sale", "--member", &code, "--item", "unicorn"]);
    assert_eq!(exit, 1, "{said}");
}

#[test]
fn a_folder_that_is_no_terminal_says_what_to_do() {
    let till = Till::new();
    let (exit, said) = till.refused(&["status"]);
    assert_eq!(exit, 3);
    assert!(said.contains("stempel init"), "{said}");
}

#[cfg(feature = "demo")]
#[test]
fn a_database_that_is_not_there_is_not_made_by_looking_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("elsewhere.db").display());
    for words in
        [&["admin", "--database", &database, "verify"][..], &["report", "--database", &database, "stock"]]
    {
        let run = program().args(words).output().unwrap();
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(1), "{said}");
        assert!(said.contains("no database at") && said.contains("--database"), "{said}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{words:?} made something");
    }
    let made =
        program().args(["admin", "--database", &database, "tenant", "add", "Café Neu"]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let found = program().args(["admin", "--database", &database, "verify"]).output().unwrap();
    assert!(found.status.success(), "{found:?}");
}

#[test]
fn a_folder_is_set_up_once() {
    let till = sample();
    let (exit, said) = till.refused(&["init", "--shop", "Another"]);
    assert_eq!(exit, 2, "{said}");
    assert!(said.contains("already"), "{said}");
}

#[test]
fn a_programme_with_a_mistake_is_shown_the_place() {
    let till = sample();
    let file = till.folder().join("wrong.toml");
    std::fs::write(&file, "id = \"tea\"\nname = \"Tea\"\n\n[[earn]]\nper = \"itme\"\n").unwrap();
    let (exit, said) = till.refused(&["programme", "check", file.to_str().unwrap()]);
    assert_eq!(exit, 1);
    assert!(said.contains("5"), "{said}");
}

#[test]
fn a_folder_in_use_names_who_has_it() {
    let till = sample();
    let lock = std::fs::OpenOptions::new().write(true).open(till.folder().join("lock")).unwrap();
    lock.lock().unwrap();
    let (exit, said) = till.refused(&["member", "add"]);
    assert_eq!(exit, 3, "{said}");
    assert!(said.contains("in use by"), "{said}");
    // Looking needs no lock.
    till.one(&["status"]);
    drop(lock);
    till.one(&["member", "add"]);
}

/// A terminal, or the sample café, that is started while a command is at work on its folder.
#[test]
fn whoever_comes_while_a_command_is_at_work_waits_for_it() {
    let till = Till::new();
    std::fs::create_dir_all(till.folder()).unwrap();
    let lock = std::fs::File::create(till.folder().join("lock")).unwrap();
    lock.lock().unwrap();
    let command = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(700));
        drop(lock);
    });
    till.one(&["init", "--demo"]);
    command.join().unwrap();
}

#[test]
fn data_of_a_newer_program_is_left_alone() {
    let till = sample();
    let database = till.folder().join("stempel.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    for words in [&["status"][..], &["member", "add"]] {
        let (exit, said) = till.refused(words);
        assert_eq!(exit, 3);
        assert!(said.contains("newer version"), "{said}");
    }
}

#[test]
fn a_changed_row_is_noticed() {
    let till = sample();
    let database = till.folder().join("stempel.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    let mut bytes: Vec<u8> =
        connection.query_row("SELECT bytes FROM journal WHERE seq = 4", [], |row| row.get(0)).unwrap();
    bytes[90] ^= 1;
    connection.execute("UPDATE journal SET bytes = ?1 WHERE seq = 4", [bytes]).unwrap();
    drop(connection);
    let (exit, said) = till.refused(&["journal", "verify"]);
    assert_eq!(exit, 3);
    assert!(said.contains("-4") || said.contains("-5"), "the row is named: {said}");
}

#[test]
fn a_damaged_database_is_said_and_kept() {
    let till = sample();
    let database = till.folder().join("stempel.db");
    std::fs::write(&database, b"this is no database at all, but long enough to be looked at".repeat(100))
        .unwrap();
    let _ = std::fs::remove_file(till.folder().join("stempel.db-wal"));
    let before = std::fs::read(&database).unwrap();
    let (exit, said) = till.refused(&["member", "add"]);
    assert_eq!(exit, 3);
    assert!(said.contains("damaged"), "{said}");
    assert_eq!(std::fs::read(&database).unwrap(), before, "what is there is kept");
}

#[test]
fn a_clock_in_the_past_marks_the_events_and_the_day_stays() {
    let till = sample();
    let (_, code) = till.joined("Ada");
    let stamped = till.one(&["stamp", "--member", &code, "--at", "2020-01-01T10:00:00+01:00"]);
    let event = text(&stamped["event"]);
    let export = till.run(&["journal", "export"]);
    let row = export.lines.iter().find(|line| line["event"] == event.as_str()).unwrap();
    assert_eq!(row["at"]["clock_doubtful"], true);
    assert_ne!(row["at"]["day"], "2020-01-01", "the business day never goes back");
}

/// A server that answers every caller with the same bytes, or with nothing, `calls` times.
fn stranger(calls: usize, answer: &'static [u8], delay: Duration) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        for _ in 0..calls {
            let Ok((mut caller, _)) = listener.accept() else { return };
            read_request(&mut caller);
            std::thread::sleep(delay);
            let _ = caller.write_all(answer);
        }
    });
    (url, thread)
}

fn read_request(caller: &mut TcpStream) {
    caller.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut buffer = [0; 4096];
    while matches!(caller.read(&mut buffer), Ok(read) if read > 0) {}
}

#[test]
fn a_server_that_misbehaves_is_described_in_plain_words() {
    let answers: [(&[u8], &str); 4] = [
        (b"", "broke off"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{\"tenant\":", "broke off"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n<html>Hi!", "not a Stempel server"),
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "not a Stempel server"),
    ];
    for (answer, words) in answers {
        let (url, thread) = stranger(1, answer, Duration::ZERO);
        let till = Till::new();
        let (exit, said) = till.refused(&["enroll", "--server", &url, "--code", "ABCD-EFGH"]);
        assert_eq!(exit, 3, "{said}");
        assert!(said.contains(words), "{said}");
        thread.join().unwrap();
    }
    let till = Till::new();
    let (exit, said) = till.refused(&["enroll", "--server", "http://192.0.2.1", "--code", "ABCD-EFGH"]);
    assert_eq!(exit, 2, "nothing goes in clear through a network: {said}");
}

#[test]
fn reading_pictures_says_what_it_could_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let white = folder.path().join("white.png");
    image::GrayImage::from_pixel(200, 200, image::Luma([255])).save(&white).unwrap();
    let output = program().args(["--json", "scan"]).arg(&white).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let output = program().args(["--json", "scan", "nowhere.png"]).arg(&white).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        said.lines().count(),
        2,
        "one file that cannot be read keeps no other from being read: {said}"
    );
    assert!(said.lines().next().unwrap().contains("\"error\""), "{said}");
}

#[cfg(all(feature = "ui", target_os = "linux"))]
#[test]
fn without_a_display_the_command_line_is_named() {
    let till = sample();
    for words in [&["demo"][..], &["terminal"]] {
        let mut command = till.command(words);
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{words:?}: {said}");
        assert!(said.contains("stempel stamp --member"), "{words:?}: {said}");
    }
}
