//! A balance costs the same after ten years as on day one: counted in rows and bytes, not in time.

use rusqlite::{Connection, StatementStatus};
use stempel_domain::MemberId;
use stempel_store::journal::Keeping;

use crate::support::*;

/// What reading a member costs: full-scan steps, virtual machine steps, bytes of the row.
fn cost(path: &std::path::Path, member: MemberId) -> (i32, i32, i64) {
    let connection = Connection::open(path.join("stempel.db")).unwrap();
    // The statement of `View::member`.
    let mut statement = connection.prepare("SELECT now FROM member WHERE member = ?1").unwrap();
    let text: String = statement.query_row([member.0.as_slice()], |row| row.get(0)).unwrap();
    let status = |what| statement.get_status(what);
    (status(StatementStatus::FullscanStep), status(StatementStatus::VmStep), text.len() as i64)
}

#[test]
fn a_balance_is_one_row_whatever_the_history() {
    let dir = fast_folder();
    let mut store = open(dir.path());
    // One stamp every eighth day: two and a half years, then ten.
    let visits = |from: i64, to: i64| {
        (from..to).map(|visit| (given(member(1), day(visit * 8), 1), moment(day(visit * 8), 1)))
    };
    append(&mut store, visits(0, 112), Keeping::Base).unwrap();
    let young = cost(dir.path(), member(1));
    append(&mut store, visits(112, 456), Keeping::Base).unwrap();
    for number in 2..200 {
        note(&mut store, joined(number), day(3650), Keeping::Base);
    }
    let old = cost(dir.path(), member(1));
    assert_eq!((young.0, old.0), (0, 0), "no table is walked through");
    assert_eq!(young.1, old.1, "the same steps after four times the history and 200 times the members");
    assert!((old.2 - young.2).abs() < young.2 / 20, "{} bytes have become {}", young.2, old.2);
    assert_eq!(balance(&store, member(1), day(3650)), 456);
}

#[test]
fn what_the_server_has_confirmed_leaves_no_overlay_behind() {
    let dir = fast_folder();
    let mut store = open(dir.path());
    let mut effects = Vec::new();
    for round in 0..20 {
        let facts = (0..10).map(|minute| (given(member(1), day(round), 1), moment(day(round), minute)));
        effects.extend(
            append(&mut store, facts, Keeping::Overlay).unwrap().into_iter().map(|(_, effect)| effect),
        );
        feed_base(&mut store, member(1), base(&effects));
        assert_eq!(store.view().overlay(member(1)).unwrap().len(), 0);
    }
    assert_eq!(balance(&store, member(1), day(20)), 200);
}
