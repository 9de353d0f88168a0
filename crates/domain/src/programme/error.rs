//! What is wrong with a programme's text, where, and what was probably meant.

use std::fmt;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// Why a text is no programme that can run here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgrammeError {
    /// The line, from 1; 0 where the text has no lines that a person wrote.
    pub line: u32,
    /// The character in the line, from 1; 0 where it is not known.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What was probably meant, or what to do.
    pub suggestion: Option<String>,
    needs_newer: bool,
}

impl ProgrammeError {
    /// Whether the text is probably right, and only this version cannot read it: keep it, and do not run it.
    pub fn needs_newer_version(&self) -> bool {
        self.needs_newer
    }

    pub(crate) fn plain(message: impl Into<String>) -> Self {
        Self { line: 0, column: 0, message: message.into(), suggestion: None, needs_newer: false }
    }

    pub(crate) fn newer(detail: &str) -> Self {
        Self {
            line: 0,
            column: 0,
            message: format!("this programme needs a newer version of Stempel ({detail})"),
            suggestion: Some("update this device; until then the programme is kept and does not run".into()),
            needs_newer: true,
        }
    }

    pub(crate) fn of_toml(text: &str, error: &toml::de::Error) -> Self {
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        let written = error.span().and_then(|span| text.get(span)).unwrap_or_default();
        let suggestion = match written.parse::<crate::time::Day>() {
            Ok(day) => Some(format!("write the day in quotes: \"{day}\"")),
            Err(_) => nearest(&message).or_else(|| shape(&message, written)),
        };
        Self { suggestion, ..Self::plain(message) }.at(text, error.span())
    }

    pub(crate) fn of_problem(text: &str, problem: &Problem) -> Self {
        let found = DeTable::parse(text).ok().and_then(|table| span_of(table.get_ref(), &problem.path));
        Self { suggestion: problem.suggestion.clone(), ..Self::plain(problem.message.clone()) }
            .at(text, found)
    }

    fn at(mut self, text: &str, span: Option<Range<usize>>) -> Self {
        let Some(before) = span.and_then(|span| text.get(..span.start)) else { return self };
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        self.line = u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX);
        self.column = u32::try_from(before[start..].chars().count() + 1).unwrap_or(u32::MAX);
        self
    }
}

impl fmt::Display for ProgrammeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}, column {}: ", self.line, self.column)?;
        }
        f.write_str(&self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; {suggestion}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ProgrammeError {}

/// One step to a place in a programme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A key of a table.
    Key(&'static str),
    /// A place in a list, from 0.
    Index(usize),
}

/// Something that the language allows to be written and that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub path: Vec<Step>,
    /// What.
    pub message: String,
    /// What to do.
    pub suggestion: Option<String>,
}

/// The place of a path in the text; of the last table on the way, where the key itself is not written.
fn span_of(table: &DeTable<'_>, path: &[Step]) -> Option<Range<usize>> {
    let mut found = None;
    let mut here: Option<&DeValue<'_>> = None;
    for step in path {
        let next = match (step, here) {
            (Step::Key(key), None) => table.get(*key),
            (Step::Key(key), Some(value)) => value.get(*key),
            (Step::Index(index), Some(value)) => value.get(*index),
            (Step::Index(_), None) => None,
        };
        let Some(next) = next else { break };
        found = Some(next.span());
        here = Some(next.get_ref());
    }
    found
}

/// Reads “unknown field `x`, expected one of `a`, `b`” and says which of the known words is nearest.
fn nearest(message: &str) -> Option<String> {
    if !message.contains("unknown") {
        return None;
    }
    let mut words = message.split('`').skip(1).step_by(2);
    let unknown = words.next()?;
    meant(unknown, words)
}

/// Asks for the word that is nearest to one that is not known, if one is near.
pub(super) fn meant<'a>(unknown: &str, words: impl Iterator<Item = &'a str>) -> Option<String> {
    let best = words.map(|word| (distance(unknown, word), word)).min_by_key(|(distance, _)| *distance)?;
    (best.0 <= unknown.chars().count().max(3) / 2).then(|| format!("did you mean `{}`?", best.1))
}

/// How something is written that stands in another shape than it should.
fn shape(message: &str, written: &str) -> Option<String> {
    const TABLES: [(&str, &str); 6] = [
        ("Expiry", "{ months = 12 }"),
        ("Validity", "{ from = \"2026-01-01\", to = \"2026-12-31\" }"),
        ("When", "{ weekdays = [\"friday\"], hours = [\"15:00-17:00\"] }"),
        ("Who", "{ tiers = [\"gold\"] }"),
        ("Limit", "{ day = 2 }"),
        ("Stock", "{ total = 100 }"),
    ];
    if let Some(key) = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        return Some(format!("write `{key} = …`"));
    }
    if message.starts_with("invalid type: map, expected a sequence") {
        return Some(match written.split(['[', ']']).nth(1) {
            Some(name) => format!("there may be several: write `[[{name}]]`"),
            None => "put it into square brackets: `[{ … }]`".to_owned(),
        });
    }
    let name = message.rsplit_once(", expected struct ")?.1;
    let example =
        TABLES.iter().find(|(known, _)| *known == name).map_or("{ … = … }", |(_, example)| example);
    Some(format!("write it like `{example}`"))
}

/// How many letters must be added, dropped or changed to make one word of the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().take(64).enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let changed = corner + usize::from(letter != *other);
            corner = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_as_far_apart_as_letters_must_change() {
        for (a, b, letters) in [
            ("", "", 0),
            ("abc", "", 3),
            ("", "abc", 3),
            ("abc", "a", 2),
            ("a", "abc", 2),
            ("bc", "abc", 1),
            ("abc", "bc", 1),
            ("ab", "ba", 2),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("größe", "grösse", 2),
        ] {
            assert_eq!(distance(a, b), letters, "{a} {b}");
        }
    }

    #[test]
    fn only_what_is_near_was_meant() {
        let meant = |unknown: &str| meant(unknown, ["amount", "every"].into_iter());
        // Half of the letters may differ, and of a short word one.
        assert_eq!(meant("amnout"), Some("did you mean `amount`?".to_owned()));
        assert_eq!(meant("amoXYZ"), Some("did you mean `amount`?".to_owned()));
        assert_eq!(meant("amWXYZ"), None);
        assert_eq!(meant("ev"), None);
        assert_eq!(meant("evXYZ"), None);
        assert_eq!(super::meant("at", ["on"].into_iter()), None);
        assert_eq!(super::meant("at", ["as"].into_iter()), Some("did you mean `as`?".to_owned()));
    }
}
