//! Dense from 1, hash-chained, never changed.

use rusqlite::Connection;
use stempel_domain::event::{CounterStep, Reversal, ReversalReason};
use stempel_domain::{EventRef, Fact};
use stempel_store::journal::Keeping;
use stempel_store::{Head, StoreError};
use stempel_wire::Hash;

use crate::support::*;

#[test]
fn rows_come_back_as_they_were_signed() {
    let dir = folder();
    let mut store = open(dir.path());
    let (row, event) = row_after(store.view().head(OWN).unwrap(), joined(1), moment(day(0), 1));
    store.write::<_, StoreError>(|write| write.append(&row, &event, Keeping::Overlay)).unwrap();
    let found = store.view().row(row.reference()).unwrap().unwrap();
    assert_eq!(found, row);
    assert_eq!(found.event().unwrap(), event);
    assert_eq!(store.view().head(OWN).unwrap(), Head { seq: 1, hash: row.hash() });
    assert_eq!(store.view().row(EventRef { author: OTHER, seq: 1 }).unwrap(), None);
}

#[test]
fn a_row_that_does_not_continue_the_journal_is_refused_and_nothing_changes() {
    let dir = folder();
    let mut store = open(dir.path());
    note(&mut store, joined(1), day(0), Keeping::Overlay);
    let head = store.view().head(OWN).unwrap();
    let wrong = [
        ("the same number", Head { seq: 0, hash: Hash::NONE }),
        ("a number left out", Head { seq: 2, ..head }),
        ("another row before it", Head { hash: Hash([9; 32]), ..head }),
    ];
    for (what, after) in wrong {
        let (row, event) = row_after(after, given(member(1), day(0), 1), moment(day(0), 2));
        let refused = store.write(|write| write.append(&row, &event, Keeping::Overlay));
        assert!(matches!(refused, Err(StoreError::NotNext { expected: 1, .. })), "{what}: {refused:?}");
        assert_eq!(store.view().head(OWN).unwrap(), head, "{what}");
        assert_eq!(balance(&store, member(1), day(0)), 0, "{what}");
    }
}

#[test]
fn an_action_is_whole_or_not_at_all() {
    let dir = folder();
    let mut store = open(dir.path());
    note(&mut store, joined(1), day(0), Keeping::Base);
    let failed: Result<(), StoreError> = store.write(|write| {
        let (row, event) = row_after(write.view().head(OWN)?, given(member(1), day(0), 1), moment(day(0), 2));
        write.append(&row, &event, Keeping::Base)?;
        write.set("half", &true)?;
        assert_eq!(write.view().head(OWN)?.seq, 2, "the transaction sees what it has written");
        Err(StoreError::Full)
    });
    assert!(matches!(failed, Err(StoreError::Full)));
    assert_eq!(store.view().head(OWN).unwrap().seq, 1);
    assert_eq!(balance(&store, member(1), day(0)), 0);
    assert_eq!(store.view().setting::<bool>("half").unwrap(), None);
}

#[test]
fn rows_are_handed_out_within_bounds_and_at_least_one() {
    let dir = folder();
    let mut store = open(dir.path());
    let facts = (0..10).map(|minute| (given(member(1), day(0), 1), moment(day(0), minute)));
    append(&mut store, facts, Keeping::Overlay).unwrap();
    let view = store.view();
    let sizes: Vec<usize> = view.rows_after(OWN, 0, 100, usize::MAX).unwrap().iter().map(Vec::len).collect();
    assert_eq!(sizes.len(), 10);
    assert_eq!(view.rows_after(OWN, 0, 3, usize::MAX).unwrap().len(), 3);
    assert_eq!(view.rows_after(OWN, 8, 100, usize::MAX).unwrap().len(), 2);
    assert_eq!(view.rows_after(OWN, 10, 100, usize::MAX).unwrap().len(), 0);
    assert_eq!(view.rows_after(OWN, 0, 100, sizes[0] + sizes[1]).unwrap().len(), 2);
    assert_eq!(view.rows_after(OWN, 0, 100, 1).unwrap().len(), 1, "a row longer than the bound still goes");
    assert_eq!(view.rows_after(OTHER, 0, 100, usize::MAX).unwrap().len(), 0);
}

#[test]
fn rows_are_found_by_member_by_kind_and_by_what_took_them_back() {
    let dir = folder();
    let mut store = open(dir.path());
    note(&mut store, joined(1), day(0), Keeping::Base);
    note(&mut store, joined(2), day(0), Keeping::Base);
    note(&mut store, given(member(1), day(0), 3), day(0), Keeping::Base);
    let of = EventRef { author: OWN, seq: 3 };
    let reversal = Reversal {
        of,
        member: Some(member(1)),
        reason: ReversalReason::Undo,
        quantities: Vec::new(),
        postings: Vec::new(),
        counters: vec![CounterStep { key: "p/r".into(), day: day(0), amount: -1 }],
        tallies: Vec::new(),
        grants: Vec::new(),
        visit_ms: None,
        planned: false,
    };
    note(&mut store, Fact::Reversal(Box::new(reversal)), day(0), Keeping::Base);
    let view = store.view();
    let numbers = |rows: Vec<stempel_wire::Row>| rows.iter().map(|row| row.seq()).collect::<Vec<_>>();
    assert_eq!(numbers(view.rows_of_member(member(1), 10).unwrap()), [4, 3, 1]);
    assert_eq!(numbers(view.rows_of_member(member(1), 2).unwrap()), [4, 3]);
    assert_eq!(numbers(view.recent(OWN, &["member-joined"], 10).unwrap()), [2, 1]);
    assert_eq!(numbers(view.recent(OWN, &["member-joined", "adjustment"], 2).unwrap()), [3, 2]);
    assert_eq!(view.reversals_of(of).unwrap(), [EventRef { author: OWN, seq: 4 }]);
    assert_eq!(view.reversals_of(EventRef { author: OWN, seq: 1 }).unwrap(), []);
}

/// Changes the database behind the store's back, as bit rot or a curious hand would.
fn meddle(path: &std::path::Path, sql: &str) {
    let connection = Connection::open(path.join("stempel.db")).unwrap();
    assert_ne!(connection.execute(sql, []).unwrap(), 0, "{sql}");
}

#[test]
fn whatever_is_changed_in_a_journal_is_noticed() {
    let verify =
        |path: &std::path::Path| open(path).view().verify(|author| (author == OWN).then(|| key().public()));
    let cases = [
        (
            "a record",
            "UPDATE journal SET bytes = CAST(replace(CAST(bytes AS TEXT), 'test', 'tess') AS BLOB) WHERE seq = 2",
        ),
        ("a row taken out", "DELETE FROM journal WHERE seq = 2"),
        ("the first row taken out", "DELETE FROM journal WHERE seq = 1"),
        (
            "a row put in another's place",
            "UPDATE journal SET bytes = (SELECT bytes FROM journal WHERE seq = 1) WHERE seq = 2",
        ),
        (
            "a signature",
            "UPDATE journal SET bytes = CAST(substr(bytes, 1, length(bytes) - 1) || x'00' AS BLOB) WHERE seq = 3",
        ),
        ("a row cut off", "UPDATE journal SET bytes = substr(bytes, 1, 100) WHERE seq = 3"),
    ];
    for (what, sql) in cases {
        let dir = folder();
        let mut store = open(dir.path());
        append(
            &mut store,
            (0..3).map(|minute| (given(member(1), day(0), 1), moment(day(0), minute))),
            Keeping::Base,
        )
        .unwrap();
        drop(store);
        assert_eq!(verify(dir.path()).unwrap().rows, 3);
        meddle(dir.path(), sql);
        let found = verify(dir.path());
        assert!(matches!(found, Err(StoreError::Damaged(_))), "{what}: {found:?}");
    }
}

#[test]
fn the_last_row_is_computed_and_not_believed() {
    let dir = folder();
    let mut store = open(dir.path());
    note(&mut store, joined(1), day(0), Keeping::Base);
    note(&mut store, given(member(1), day(0), 1), day(0), Keeping::Base);
    drop(store);
    meddle(dir.path(), "UPDATE journal SET hash = x'00' WHERE seq = 2");
    let store = open(dir.path());
    assert_eq!(
        store.view().head(OWN).unwrap().hash,
        store.view().row(EventRef { author: OWN, seq: 2 }).unwrap().unwrap().hash()
    );
    drop(store);
    meddle(dir.path(), "UPDATE journal SET bytes = (SELECT bytes FROM journal WHERE seq = 1) WHERE seq = 2");
    assert!(matches!(open(dir.path()).view().head(OWN), Err(StoreError::Damaged(_))));
}

#[test]
fn an_author_who_is_not_known_is_not_verified() {
    let dir = folder();
    let mut store = open(dir.path());
    note(&mut store, joined(1), day(0), Keeping::Base);
    assert!(matches!(store.view().verify(|_| None), Err(StoreError::Damaged(_))));
}
