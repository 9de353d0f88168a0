//! The mutants that may live, each with the reason why no test can notice it or need not.
//!
//! All files of `mutants/lives/` are read. A line is `FILE | FUNCTION | CHANGE | reason`, with FILE under
//! `crates/domain/src` and no line numbers, so that it stays true when lines move. CHANGE is written as a run prints it,
//! or as cargo-mutants does. Each line speaks of one mutant. Where a function has several of the same change,
//! `CHANGE at CODE` names the line of code that is meant, and without it as many may live as there are lines. Empty
//! lines and lines that begin with `#` say nothing.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::weave::Mutant;

/// What the files name is below this folder.
const SOURCES: &str = "crates/domain/src/";
/// Between the fields of a line.
const BAR: &str = " | ";

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    file: String,
    function: String,
    /// The change, with or without its line of code.
    change: String,
    reason: String,
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{BAR}{}{BAR}{}{BAR}{}", self.file, self.function, self.change, self.reason)
    }
}

/// A change with its line of code.
fn placed(mutant: &Mutant) -> String {
    format!("{} at {}", mutant.change(), mutant.code)
}

/// How a mutant would stand in the list, without a reason.
pub fn line_of(mutant: &Mutant) -> String {
    let file = mutant.file.strip_prefix(SOURCES).unwrap_or(&mutant.file);
    format!("{file}{BAR}{}{BAR}{}", mutant.function, placed(mutant))
}

impl Life {
    /// Reads one line.
    fn parse(line: &str) -> Result<Self> {
        let mut fields = line.splitn(3, BAR);
        let (file, function) = (fields.next(), fields.next());
        // The change and the code may hold bars of their own.
        let (change, reason) = fields.next().and_then(|rest| rest.rsplit_once(BAR)).unzip();
        let fields =
            [file, function, change, reason].map(|field| field.unwrap_or_default().trim().to_owned());
        ensure!(
            fields.iter().all(|field| !field.is_empty()),
            "write it as FILE | FUNCTION | CHANGE | reason"
        );
        let [file, function, change, reason] = fields;
        let file = file.strip_prefix(SOURCES).unwrap_or(&file).to_owned();
        Ok(Self { file, function, change, reason })
    }

    /// Whether it speaks of a mutant; of its line of code, if that is asked.
    fn is_of(&self, mutant: &Mutant, with_code: bool) -> bool {
        mutant.file.strip_prefix(SOURCES) == Some(&self.file)
            && mutant.function == self.function
            && if with_code {
                self.change == placed(mutant)
            } else {
                self.change == mutant.change() || self.change == mutant.listed()
            }
    }
}

/// Reads every file of the folder, in the order of their names; none, if there is no folder.
pub fn read(folder: &Path) -> Result<Vec<Life>> {
    let mut lives = Vec::new();
    if !folder.is_dir() {
        return Ok(lives);
    }
    let mut paths: Vec<_> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.sort();
    for path in paths {
        for (index, line) in std::fs::read_to_string(&path)?.lines().enumerate() {
            if !line.trim().is_empty() && !line.starts_with('#') {
                let place = || format!("{}, line {}", path.display(), index + 1);
                lives.push(Life::parse(line).with_context(place)?);
            }
        }
    }
    Ok(lives)
}

/// Those that live, told apart by the list.
#[derive(Debug, Default)]
pub struct Judged<'a> {
    /// Those with a reason.
    pub explained: Vec<&'a Mutant>,
    /// Those without one.
    pub unexplained: Vec<&'a Mutant>,
    /// Lines of the list that speak of no mutant, or of one that was noticed.
    pub stale: Vec<&'a Life>,
}

/// Compares the list with what became of the mutants: `lived` are those that no test noticed, `open` those that were not
/// tried now, of which a line may still be true.
pub fn judge<'a>(lives: &'a [Life], lived: &[&'a Mutant], open: &[&'a Mutant]) -> Judged<'a> {
    let mut judged =
        Judged { unexplained: lived.to_vec(), stale: lives.iter().collect(), ..Judged::default() };
    let mut open = open.to_vec();
    // Lines that name their code take theirs first.
    for with_code in [true, false] {
        let mut unmatched = Vec::new();
        for life in std::mem::take(&mut judged.stale) {
            let is_meant = |mutant: &&Mutant| life.is_of(mutant, with_code);
            if let Some(place) = judged.unexplained.iter().position(is_meant) {
                judged.explained.push(judged.unexplained.remove(place));
            } else if let Some(place) = open.iter().position(is_meant) {
                open.remove(place);
            } else {
                unmatched.push(life);
            }
        }
        judged.stale = unmatched;
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(id: usize, change: &str, code: &str) -> Mutant {
        Mutant {
            id,
            name: format!("crates/domain/src/a.rs:{id}:1: {change} in f"),
            file: "crates/domain/src/a.rs".to_owned(),
            genre: "BinaryOperator".to_owned(),
            replacement: String::new(),
            place: 0..0,
            function: "f".to_owned(),
            code: code.to_owned(),
        }
    }

    #[test]
    fn a_line_is_read_with_its_own_bars() {
        let life = Life::parse("a.rs | f | replace | with ^ at x | y | the low bits are zero").unwrap();
        assert!(life.is_of(&mutant(1, "replace | with ^", "x | y"), true));
        assert!(!life.is_of(&mutant(1, "replace | with ^", "x | z"), true));
        assert!(!life.is_of(&mutant(1, "replace | with &", "x | y"), true));
        assert_eq!(life.to_string(), "a.rs | f | replace | with ^ at x | y | the low bits are zero");
        let life = Life::parse("a.rs | f | replace | with ^ | the low bits are zero").unwrap();
        assert!(life.is_of(&mutant(1, "replace | with ^", "x | z"), false));
        for line in ["", "a.rs", "a.rs | f | replace < with <=", "a.rs | f | replace < with <= | "] {
            assert!(Life::parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn what_a_mutant_is_called_is_what_a_line_says() {
        let one = mutant(1, "replace < with <=", "a < b");
        assert!(Life::parse(&format!("{} | why", line_of(&one))).unwrap().is_of(&one, true));
        // As the whole run and cargo-mutants write it.
        let whole = Life::parse("crates/domain/src/a.rs | f | replace < with <= in f | why").unwrap();
        assert!(whole.is_of(&one, false) && !whole.is_of(&one, true));
    }

    #[test]
    fn each_line_speaks_of_one() {
        let (one, other) = (mutant(1, "replace < with <=", "a < b"), mutant(2, "replace < with <=", "c < d"));
        let any = Life::parse("a.rs | f | replace < with <= | why").unwrap();
        let that = Life::parse("a.rs | f | replace < with <= at c < d | why").unwrap();
        let gone = Life::parse("a.rs | g | replace < with <= | why").unwrap();
        let ids = |found: &[&Mutant]| found.iter().map(|mutant| mutant.id).collect::<Vec<_>>();

        let lives = [any.clone(), gone.clone()];
        let judged = judge(&lives, &[&one, &other], &[]);
        assert_eq!((ids(&judged.explained), ids(&judged.unexplained)), (vec![1], vec![2]));
        assert_eq!(judged.stale, [&gone]);

        let lives = [any.clone(), that.clone()];
        let judged = judge(&lives, &[&one, &other], &[]);
        assert_eq!((ids(&judged.explained), ids(&judged.unexplained)), (vec![2, 1], vec![]));

        // Of one that was not tried a line may be true; of one that was noticed it is not.
        let lives = [that.clone()];
        assert!(judge(&lives, &[], &[&other]).stale.is_empty());
        assert_eq!(judge(&lives, &[&one], &[]).stale, [&that]);
    }
}
