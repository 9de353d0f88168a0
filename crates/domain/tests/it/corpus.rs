//! What fuzzing has found, and where it began: each file of `fuzz/corpus` through the same checks.

#[path = "../../../../fuzz/src/checks.rs"]
mod checks;

/// Runs a check on every file of a folder, and says how many there were.
fn run(target: &str, check: fn(&[u8])) -> usize {
    let folder = format!("{}/../../fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        let checked = std::panic::catch_unwind(|| check(&bytes));
        assert!(checked.is_ok(), "{} does not hold", file.display());
    }
    files.len()
}

#[test]
fn programmes_are_read_or_refused() {
    assert!(run("programme", checks::programme) > 10);
}

#[test]
fn cases_are_answered_or_refused() {
    assert!(run("case", checks::case) > 5);
}

#[test]
fn sales_balance_and_come_back() {
    assert!(run("sale", checks::sale) > 10);
}

#[test]
fn draws_are_proven_or_not() {
    assert!(run("draw", checks::draw) > 3);
}
