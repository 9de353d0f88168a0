//! When a write has returned, it is on the disk.

use stempel_store::journal::Keeping;
use stempel_store::{Store, StoreError};

use crate::child;
use crate::support::*;

#[test]
fn what_was_written_is_there_after_reopening() {
    let dir = folder();
    let mut store = open(dir.path());
    note(&mut store, joined(1), day(0), Keeping::Base);
    note(&mut store, given(member(1), day(0), 4), day(0), Keeping::Base);
    note(&mut store, given(member(2), day(0), 1), day(0), Keeping::Overlay);
    let before = store.view().member(member(1)).unwrap();
    let head = store.view().head(OWN).unwrap();
    drop(store);
    for _ in 0..2 {
        let store = open(dir.path());
        assert_eq!(store.view().head(OWN).unwrap(), head);
        assert_eq!(store.view().member(member(1)).unwrap(), before);
        assert_eq!((balance(&store, member(1), day(0)), balance(&store, member(2), day(0))), (4, 1));
        assert_eq!(store.view().verify(|_| Some(key().public())).unwrap().rows, 3);
        store.check_file().unwrap();
    }
}

#[test]
fn kill_9_loses_nothing_that_was_reported_done() {
    let dir = folder();
    for _ in 0..3 {
        let mut writer = child::start("writes_until_it_is_killed", dir.path());
        let mut lines = child::said(writer.stdout.take().unwrap());
        let mut done: u64 = 0;
        for _ in 0..15 {
            done = lines.next().unwrap().parse().unwrap();
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        // What it said before it died, and was still on its way to us.
        done = lines.last().map_or(done, |line| line.parse().unwrap());
        let store = open(dir.path());
        let head = store.view().head(OWN).unwrap().seq;
        assert!(head == done || head == done + 1, "{done} were reported, {head} are there");
        assert_eq!(balance(&store, member(1), day(0)), head as i64, "row and balance are one");
        assert_eq!(store.view().verify(|_| Some(key().public())).unwrap().rows, head);
    }
}

#[test]
fn a_reader_sees_what_is_done_and_nothing_half_done() {
    let dir = folder();
    let mut store = open(dir.path());
    note(&mut store, given(member(1), day(0), 1), day(0), Keeping::Base);
    let reader = Store::read(dir.path()).unwrap();
    assert!(!reader.is_writer());
    assert_eq!(balance(&reader, member(1), day(0)), 1);
    store
        .write::<_, StoreError>(|write| {
            let (row, event) =
                row_after(write.view().head(OWN)?, given(member(1), day(0), 1), moment(day(0), 1));
            write.append(&row, &event, Keeping::Base)?;
            assert_eq!(balance(&reader, member(1), day(0)), 1);
            Ok(())
        })
        .unwrap();
    assert_eq!(balance(&reader, member(1), day(0)), 2);
}
