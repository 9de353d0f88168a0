//! One writer, and folders that cannot be used: a clear message, nothing lost, and it works again afterwards.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rusqlite::Connection;
use stempel_store::journal::Keeping;
use stempel_store::{Folder, Store, StoreError};

use crate::child;
use crate::support::*;

/// A folder with two rows in it.
fn used_folder() -> tempfile::TempDir {
    let dir = folder();
    let mut store = open(dir.path());
    note(&mut store, joined(1), day(0), Keeping::Overlay);
    note(&mut store, given(member(1), day(0), 1), day(0), Keeping::Overlay);
    dir
}

fn head(path: &Path) -> u64 {
    open(path).view().head(OWN).unwrap().seq
}

#[test]
fn a_second_writer_is_refused_and_told_who_holds_the_folder() {
    let dir = folder();
    let held = Folder::take(dir.path(), "terminal, process 17").unwrap();
    let refused = Folder::take(dir.path(), "another").unwrap_err();
    assert!(matches!(refused, StoreError::InUse { .. }));
    assert!(refused.to_string().contains("in use by terminal, process 17"), "{refused}");
    drop(held);
    take(dir.path());
}

#[test]
fn the_lock_goes_with_the_process_that_held_it() {
    let dir = folder();
    let mut holder = child::start("holds_the_folder", dir.path());
    let output = holder.stdout.take().unwrap();
    assert_eq!(child::said(output).next().as_deref(), Some("held"));
    let refused = Folder::take(dir.path(), "me").unwrap_err();
    assert!(refused.to_string().contains("till, process 4711"), "{refused}");
    holder.kill().unwrap();
    holder.wait().unwrap();
    take(dir.path());
}

#[test]
fn a_reader_needs_no_lock() {
    let dir = used_folder();
    let _writer = open(dir.path());
    assert_eq!(Store::read(dir.path()).unwrap().view().head(OWN).unwrap().seq, 2);
}

#[test]
fn a_reader_cannot_write() {
    let dir = used_folder();
    let mut reader = Store::read(dir.path()).unwrap();
    let refused = reader.write::<_, StoreError>(|write| write.set("a", &1));
    assert!(matches!(refused, Err(StoreError::ReadOnly(_))), "{refused:?}");
}

#[test]
fn nobody_but_its_owner_looks_into_a_folder() {
    let dir = folder();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let _held = take(dir.path());
    assert_eq!(fs::metadata(dir.path()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn an_empty_folder_says_how_to_begin() {
    let dir = folder();
    let refused = Store::read(dir.path()).unwrap_err();
    assert!(matches!(refused, StoreError::NoData(_)));
    assert!(refused.to_string().contains("stempel init"), "{refused}");
}

#[test]
fn data_of_a_newer_program_is_left_alone() {
    let dir = used_folder();
    let set = |version: i64| {
        let connection = Connection::open(dir.path().join("stempel.db")).unwrap();
        connection.pragma_update(None, "user_version", version).unwrap();
    };
    set(99);
    let refused = [Store::open(take(dir.path())).unwrap_err(), Store::read(dir.path()).unwrap_err()];
    for error in refused {
        assert!(matches!(error, StoreError::Newer { found: 99, known: 3 }), "{error:?}");
        assert!(error.to_string().contains("update the program"), "{error}");
    }
    set(3);
    assert_eq!(head(dir.path()), 2);
}

#[test]
fn a_file_of_something_else_is_called_damaged_and_kept() {
    let dir = used_folder();
    let path = dir.path().join("stempel.db");
    let good = fs::read(&path).unwrap();
    let mut random = Random(1);
    let mut garbage = vec![0; good.len()];
    stempel_domain::ports::Entropy::fill(&mut random, &mut garbage);
    fs::write(&path, &garbage).unwrap();
    for _ in 0..2 {
        let refused = Store::open(take(dir.path())).unwrap_err();
        assert!(matches!(refused, StoreError::Damaged(_)), "{refused:?}");
        assert!(refused.to_string().contains("Keep the folder"), "{refused}");
    }
    assert!(matches!(Store::read(dir.path()), Err(StoreError::Damaged(_))));
    assert_eq!(fs::read(&path).unwrap(), garbage, "nothing is written over it");
    fs::write(&path, &good).unwrap();
    assert_eq!(head(dir.path()), 2);
}

/// Whether damage is noticed by opening, by looking through the file, or by verifying the journal.
fn is_noticed(path: &Path) -> bool {
    let damaged = |error: &StoreError| matches!(error, StoreError::Damaged(_));
    let store = match Store::open(take(path)) {
        Ok(store) => store,
        Err(error) => return damaged(&error),
    };
    let journal = store.view().verify(|_| Some(key().public()));
    store.check_file().is_err_and(|error| damaged(&error)) || journal.is_err_and(|error| damaged(&error))
}

#[test]
fn a_file_that_was_cut_off_is_noticed() {
    let dir = used_folder();
    let path = dir.path().join("stempel.db");
    let good = fs::read(&path).unwrap();
    for part in [10, 30, 50, 70, 90] {
        fs::write(&path, &good[..good.len() * part / 100]).unwrap();
        assert!(is_noticed(dir.path()), "cut to {part} of 100");
    }
    fs::write(&path, &good).unwrap();
    assert_eq!(head(dir.path()), 2);
}

#[test]
fn a_page_that_was_overwritten_is_noticed() {
    let dir = used_folder();
    let path = dir.path().join("stempel.db");
    let good = fs::read(&path).unwrap();
    let pages = good.len() / 4096;
    let used = |page: &usize| good[page * 4096..][..4096].iter().filter(|byte| **byte != 0).count() > 64;
    let full: Vec<usize> = (1..pages).filter(used).collect();
    assert!(full.len() >= 3, "{full:?}");
    for page in full {
        let mut bad = good.clone();
        bad[page * 4096..][..4096].fill(0x5a);
        fs::write(&path, &bad).unwrap();
        assert!(is_noticed(dir.path()), "page {page}");
    }
    fs::write(&path, &good).unwrap();
    assert_eq!(head(dir.path()), 2);
}

/// Shows that a child wrote until it was refused, lost nothing, and that the folder works again.
fn refused_without_loss(path: &Path, said: &[String]) -> String {
    let done = said.iter().filter_map(|line| line.parse::<u64>().ok()).max().unwrap();
    let tail = |name: &str| said.iter().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
    assert_eq!(tail("still "), Some(done.to_string()), "the refused row is not there: {said:?}");
    let again = tail("again ").map(|seq| seq.parse().unwrap());
    assert_eq!(again.unwrap_or(done + 1), done + 1, "when there is room it goes on");
    let held = again.unwrap_or(done);
    let mut store = open(path);
    assert_eq!(store.view().head(OWN).unwrap().seq, held);
    assert_eq!(balance(&store, member(1), day(0)), held as i64 - 1);
    assert_eq!(store.view().verify(|_| Some(key().public())).unwrap().rows, held);
    store.check_file().unwrap();
    note(&mut store, given(member(1), day(0), 1), day(0), Keeping::Overlay);
    tail("refused ").unwrap()
}

#[test]
fn a_full_disk_is_said_and_loses_nothing() {
    let (dir, small) = (used_folder(), folder());
    // A disk of 600 KiB that only this child sees. Where that is not allowed, the next test must do.
    let script = format!(
        "exec unshare --user --map-root-user --mount bash -c '
            mount -t tmpfs -o size=600k tmpfs \"{small}\" && cp \"{used}\"/* \"{small}\" || exit
            dd if=/dev/zero of=\"{small}/{ballast}\" bs=1k count=200
            \"$@\"
            cp \"{small}\"/* \"{used}\"' bash \"$@\"",
        small = small.path().display(),
        used = dir.path().display(),
        ballast = child::BALLAST,
    );
    let Some(said) = child::in_shell(&script, "writes_until_the_disk_refuses", small.path()) else {
        return;
    };
    let refused = refused_without_loss(dir.path(), &said);
    assert_eq!(refused, StoreError::Full.to_string());
}

#[test]
fn a_file_that_may_not_grow_is_said_and_loses_nothing() {
    let dir = used_folder();
    // Like a disk that gives errors: the system refuses to make the file longer.
    let script = "trap '' XFSZ; ulimit -f 300; exec \"$@\"";
    let said = child::in_shell(script, "writes_until_the_disk_refuses", dir.path()).unwrap();
    let refused = refused_without_loss(dir.path(), &said);
    assert!(refused.contains("nothing was changed"), "{refused}");
}

#[test]
fn a_folder_that_may_not_be_written_says_so_and_keeps_what_is_there() {
    let dir = used_folder();
    let outside = folder();
    let program = outside.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let lock = |mode: u32, file_mode: u32| {
        for entry in fs::read_dir(dir.path()).unwrap() {
            fs::set_permissions(entry.unwrap().path(), fs::Permissions::from_mode(file_mode)).unwrap();
        }
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
    };
    lock(0o555, 0o444);
    fs::set_permissions(outside.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // The superuser may write everywhere, so the child is somebody else.
    let script = format!(
        "shift; if [ $(id -u) = 0 ]; then exec setpriv --reuid=65534 --regid=65534 --clear-groups '{program}' \"$@\"; \
         else exec '{program}' \"$@\"; fi",
        program = program.display()
    );
    let said = child::in_shell(&script, "tries_to_write_and_to_read", dir.path()).unwrap();
    lock(0o700, 0o600);
    assert!(said[0].contains("cannot be written; check the rights"), "{said:?}");
    assert!(said[1] == "head: 2" || said[1].contains("check the rights"), "{said:?}");
    assert_eq!(head(dir.path()), 2);
}
