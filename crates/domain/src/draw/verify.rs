//! Checking a draw, from its file alone.

use super::{Closing, Draw, is_hash, is_line};

/// One check and what it found, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was checked, for machines: `form`, `commitment`, `entries`, `entries-hash`, `winners`, `published`.
    pub code: &'static str,
    /// Whether it holds.
    pub good: bool,
    /// What was found.
    pub says: String,
}

/// What was published while the draw was open, from a receipt, a newspaper or a screenshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Published {
    /// The commitment.
    pub commitment: Option<String>,
    /// The hash of the entries.
    pub entries_hash: Option<String>,
}

fn check(code: &'static str, good: bool, yes: impl Into<String>, no: impl Into<String>) -> Check {
    Check { code, good, says: if good { yes.into() } else { no.into() } }
}

impl Draw {
    /// Checks everything that the file says. A draw is proven if every check is good; one that was not made yet is
    /// not.
    ///
    /// The file alone cannot show that it was published in time: compare it with what was published before
    /// (`published`), and the public seed with its source.
    pub fn verify(&self, published: &Published) -> Vec<Check> {
        let announcement = self.announcement();
        let mut checks = vec![check(
            "form",
            announcement.check().is_ok() && is_hash(&self.commitment),
            format!(
                "“{}” has {} prizes, and every text can be read in one way",
                self.draw,
                self.prizes.len()
            ),
            "a text of the announcement is missing, too long, or can be read in two ways",
        )];
        checks.extend(self.closing.iter().flat_map(check_closing));
        match (&self.closing, &self.result) {
            (Some(closing), Some(result)) => {
                let fits =
                    is_hash(&result.secret) && announcement.commitment(&result.secret) == self.commitment;
                checks.push(check(
                    "commitment",
                    fits,
                    "the secret, the prizes and the rules are those that were committed to",
                    "the secret, the prizes or the rules are not those that were committed to",
                ));
                // Without a sound list there is nothing to draw from.
                let sound = checks.iter().all(|check| check.good) && is_line(&result.public_seed);
                let right =
                    sound && self.winners(closing, &result.secret, &result.public_seed) == result.winners;
                checks.push(check(
                    "winners",
                    right,
                    format!(
                        "the secret and the public seed “{}” give exactly these {} winners",
                        result.public_seed,
                        result.winners.iter().filter(|winner| winner.entry.is_some()).count()
                    ),
                    "the secret and the public seed do not give these winners",
                ));
            }
            (None, None) => checks.push(check("winners", false, "", "the entries are not closed yet")),
            (Some(_), None) => checks.push(check("winners", false, "", "the draw was not made yet")),
            (None, Some(_)) => {
                checks.push(check(
                    "winners",
                    false,
                    "",
                    "there are winners, but no list of those who took part",
                ));
            }
        }
        checks.extend(self.check_published(published));
        checks
    }

    fn check_published(&self, published: &Published) -> Vec<Check> {
        let here = self.closing.as_ref().map(|closing| closing.entries_hash.as_str());
        let commitment = published.commitment.as_ref().map(|commitment| {
            check(
                "published",
                commitment.trim() == self.commitment,
                "the commitment is the one that was published before",
                format!("another commitment was published before: {}", commitment.trim()),
            )
        });
        let entries = published.entries_hash.as_ref().map(|hash| {
            check(
                "published",
                Some(hash.trim()) == here,
                "the list of entries is the one that was published before",
                format!("another list was published before: its hash is {}", hash.trim()),
            )
        });
        commitment.into_iter().chain(entries).collect()
    }
}

fn check_closing(closing: &Closing) -> [Check; 2] {
    let entries = &closing.entries;
    let ordered = entries.is_sorted_by(|one, next| one.entry < next.entry);
    let sound = entries.iter().all(|entry| entry.tickets > 0 && is_hash(&entry.entry));
    let sum = Closing::sum(entries);
    let fits = Closing::takes(entries.len());
    [
        check(
            "entries",
            fits && ordered && sound && sum == Some(closing.tickets),
            format!("{} entries hold {} tickets, each entry once", entries.len(), closing.tickets),
            "the list of entries is not in order, names one twice, or its tickets do not add up",
        ),
        check(
            "entries-hash",
            Closing::hash_of(entries) == closing.entries_hash,
            format!("the hash of the entries is {}", closing.entries_hash),
            "the list of entries is not the one whose hash was published",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::Entry;
    use super::*;

    #[test]
    fn a_list_is_sound_where_each_stands_once_in_order_and_with_tickets() {
        let name = |letter: &str| letter.repeat(64);
        let (a, b) = (name("a"), name("b"));
        for (what, entries, more, is_sound) in [
            ("one", vec![(&a, 1)], 0, true),
            ("two", vec![(&a, 1), (&b, 2)], 0, true),
            ("nobody", vec![], 0, false),
            ("one twice", vec![(&a, 1), (&a, 2)], 0, false),
            ("out of order", vec![(&b, 1), (&a, 2)], 0, false),
            ("no ticket", vec![(&a, 0), (&b, 2)], 0, false),
            ("no name", vec![(&name("x"), 1)], 0, false),
            ("neither", vec![(&name("x"), 0)], 0, false),
            ("another sum", vec![(&a, 1), (&b, 2)], 1, false),
            ("too many tickets", vec![(&a, super::super::TICKETS_MAX), (&b, 1)], 0, false),
        ] {
            let entries: Vec<Entry> = entries
                .iter()
                .map(|(name, tickets)| Entry { entry: (*name).clone(), tickets: *tickets })
                .collect();
            let tickets = entries.iter().map(|entry| entry.tickets).sum::<u64>() + more;
            let entries_hash = Closing::hash_of(&entries);
            let checks = check_closing(&Closing { entries, tickets, entries_hash });
            let good = checks.each_ref().map(|check| (check.code, check.good));
            assert_eq!(good, [("entries", is_sound), ("entries-hash", true)], "{what}");
        }
    }
}
