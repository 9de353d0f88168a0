//! What there is only so much of: summed with the row that gives it, or not at all.

use stempel_store::StoreError;
use stempel_store::journal::Keeping;
use stempel_store::tallies::{EARLIER, KEPT_DAYS};

use crate::support::*;

const MUG: &str = "shop/mug#stock";

fn mugs(store: &stempel_store::Store) -> Vec<(stempel_domain::Day, i64)> {
    let tallies = store.view().tallies(OWN, &[MUG.to_owned(), "other".to_owned()]).unwrap();
    tallies
        .get(MUG)
        .map(|days| days.iter().map(|(day, amount)| (*day, *amount)).collect())
        .unwrap_or_default()
}

#[test]
fn rows_add_up_by_day_and_a_step_back_counts_on_its_own_day() {
    let dir = folder();
    let mut store = open(dir.path());
    assert!(mugs(&store).is_empty());
    for (on, amount) in [(0, 1), (0, 2), (1, 4), (0, -1)] {
        note(&mut store, tallied(1, MUG, day(on), amount), day(1), Keeping::Base);
    }
    note(&mut store, tallied(1, "another", day(1), 9), day(1), Keeping::Base);
    assert_eq!(mugs(&store), [(day(0), 2), (day(1), 4)]);
    drop(store);
    assert_eq!(mugs(&open(dir.path())), [(day(0), 2), (day(1), 4)]);
    assert!(open(dir.path()).view().tallies(OTHER, &[MUG.to_owned()]).unwrap().is_empty());
}

#[test]
fn a_row_that_is_not_kept_is_not_counted() {
    let dir = folder();
    let mut store = open(dir.path());
    note(&mut store, tallied(1, MUG, day(0), 1), day(0), Keeping::Overlay);
    let failed: Result<(), StoreError> = store.write(|write| {
        let at = moment(day(0), 721);
        let (row, event) = row_after(write.view().head(OWN)?, tallied(1, MUG, day(0), 1), at);
        write.append(&row, &event, Keeping::Overlay)?;
        assert_eq!(write.view().tallies(OWN, &[MUG.to_owned()])?[MUG][&day(0)], 2);
        Err(StoreError::Full)
    });
    assert!(failed.is_err());
    assert_eq!(mugs(&store), [(day(0), 1)]);
}

#[test]
fn days_that_no_rule_looks_at_become_one_and_the_total_stays() {
    let dir = fast_folder();
    let mut store = open(dir.path());
    for on in 0..10 {
        note(&mut store, tallied(1, MUG, day(on), 1), day(on), Keeping::Base);
    }
    let later = 4 + i64::from(KEPT_DAYS);
    note(&mut store, tallied(1, MUG, day(later), 1), day(later), Keeping::Base);
    let days = mugs(&store);
    assert_eq!(days[..2], [(EARLIER, 4), (day(4), 1)]);
    assert_eq!(days.iter().map(|(_, amount)| amount).sum::<i64>(), 11);
    // A step back of a day that was summed up comes off the sum.
    note(&mut store, tallied(1, MUG, day(0), -1), day(later), Keeping::Base);
    assert_eq!(mugs(&store)[0], (EARLIER, 3));
}
