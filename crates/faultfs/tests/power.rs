//! What was synced is there when the power goes; what was not is lost or torn; a full disk says so.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::path::Path;

use rusqlite::{Connection, ErrorCode};
use stempel_faultfs::{How, Plan, arm, disarm, install, operations};

/// A folder in memory where there is one: what a disk keeps is simulated here.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

fn open(folder: &Path, synchronous: &str) -> Connection {
    let connection = Connection::open(folder.join("test.db")).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "synchronous", synchronous).unwrap();
    connection.execute("CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, text TEXT)", []).unwrap();
    connection
}

/// Writes until it fails; gives how many writes were said to be done.
fn fill(connection: &Connection) -> (i64, rusqlite::Error) {
    for number in 1..10_000 {
        let text = "x".repeat(number as usize % 700);
        if let Err(error) = connection.execute("INSERT INTO t (text) VALUES (?1)", [text]) {
            return (number - 1, error);
        }
    }
    panic!("it never failed");
}

fn count(connection: &Connection) -> i64 {
    connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
}

#[test]
fn what_was_synced_is_there_wherever_the_power_goes() {
    install().unwrap();
    let mut torn = 0;
    for at in 1..=120 {
        let folder = folder();
        drop(open(folder.path(), "FULL"));
        let connection = open(folder.path(), "FULL");
        arm(folder.path(), Plan { at, how: How::Dead, seed: at });
        let (done, _) = fill(&connection);
        drop(connection);
        assert!(disarm(folder.path()).unwrap() >= at);
        let connection = open(folder.path(), "FULL");
        let there = count(&connection);
        assert!(there == done || there == done + 1, "at {at}: {done} were done and {there} are there");
        torn += i64::from(there == done);
        let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(verdict, "ok");
    }
    assert!(torn > 20, "what was not synced is lost most of the time, and here {torn} times of 120");
}

#[test]
fn without_syncing_writes_that_were_said_to_be_done_are_lost() {
    install().unwrap();
    let lost = (1..=40).any(|seed| {
        let folder = folder();
        drop(open(folder.path(), "OFF"));
        let connection = open(folder.path(), "OFF");
        arm(folder.path(), Plan { at: 60, how: How::Dead, seed });
        let (done, _) = fill(&connection);
        drop(connection);
        disarm(folder.path()).unwrap();
        let connection = Connection::open(folder.path().join("test.db")).unwrap();
        let there: i64 = connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap_or(0);
        there < done
    });
    assert!(lost, "or this file system forgives everything");
}

#[test]
fn a_full_disk_says_so_and_goes_on_when_there_is_room() {
    install().unwrap();
    let folder = folder();
    let connection = open(folder.path(), "FULL");
    arm(folder.path(), Plan { at: 40, how: How::Full, seed: 1 });
    let (done, error) = fill(&connection);
    assert_eq!(error.sqlite_error_code(), Some(ErrorCode::DiskFull));
    assert!(operations(folder.path()) >= 40);
    disarm(folder.path()).unwrap();
    connection.execute("INSERT INTO t (text) VALUES ('again')", []).unwrap();
    assert_eq!(count(&connection), done + 1);
}

#[test]
fn one_error_leaves_everything_as_it_was() {
    install().unwrap();
    for at in 1..=30 {
        let folder = folder();
        let connection = open(folder.path(), "FULL");
        arm(folder.path(), Plan { at, how: How::Error, seed: 1 });
        let (done, error) = fill(&connection);
        assert_eq!(error.sqlite_error_code(), Some(ErrorCode::SystemIoFailure), "{error}");
        disarm(folder.path()).unwrap();
        drop(connection);
        assert!((done..=done + 1).contains(&count(&open(folder.path(), "FULL"))));
    }
}

const FILE: &str = "STEMPEL_FAULTFS_FILE";

/// Asks another process for the whole file: it gets it where no lock of this one is left. (`/proc/locks` is given out
/// by pieces and leaves out locks while others come and go, so it is not asked.)
fn another_process_gets(file: &Path) -> bool {
    std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "takes_the_whole_file", "--ignored"])
        .env(FILE, file)
        .output()
        .unwrap()
        .status
        .success()
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn takes_the_whole_file() {
    let Ok(file) = std::env::var(FILE) else { return };
    let connection = Connection::open(file).unwrap();
    connection.busy_timeout(std::time::Duration::ZERO).unwrap();
    // With a log and no memory shared with others SQLite wants a lock on the whole file, and on nothing else.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE").unwrap();
    assert!(count(&connection) > 0);
}

#[test]
fn what_stood_in_a_file_is_read_without_dropping_its_locks() {
    install().unwrap();
    // On a disk of its own kind: a folder in memory locks like any other.
    let folder = folder();
    let connection = open(folder.path(), "FULL");
    connection.execute("INSERT INTO t (text) VALUES ('one')", []).unwrap();
    let file = folder.path().join("test.db");
    assert!(!another_process_gets(&file), "a connection holds a lock for as long as it is open");
    arm(folder.path(), Plan { at: u64::MAX, how: How::Dead, seed: 1 });
    connection.execute("INSERT INTO t (text) VALUES ('two')", []).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    assert!(operations(folder.path()) > 3);
    assert!(!another_process_gets(&file));
    disarm(folder.path()).unwrap();
    // Opening and closing the file once more is what would have dropped them.
    drop(std::fs::File::open(&file).unwrap());
    assert!(another_process_gets(&file));
}

#[test]
fn a_folder_is_found_behind_a_symbolic_link() {
    install().unwrap();
    let folder = folder();
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    std::fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let connection = open(&link, "FULL");
    arm(&link, Plan { at: 1, how: How::Full, seed: 1 });
    assert!(connection.execute("INSERT INTO t (text) VALUES ('one')", []).is_err());
    assert!(disarm(&link).unwrap() > 0);
}
