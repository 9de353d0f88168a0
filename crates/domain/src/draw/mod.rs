//! Prize draws that anybody can check.
//!
//! **Before**, the organiser draws a secret, and publishes a *commitment* to it together with the prizes and where
//! the public seed will come from: numbers that nobody can know yet and everybody can read later, such as those
//! of a state lottery. **At the close** the list of entries is published under names that only the members know.
//! **After** the public seed is out, the secret is revealed, and both together give the winners. The organiser
//! cannot choose the winners, because the secret was fixed before the public seed was known; the guests cannot
//! either, because they do not know the secret.
//!
//! All hashes are SHA-256 of plain lines of text, each ended by a line feed, so that common tools can repeat them:
//!
//! > commitment = hash of `stempel draw v1`, `draw: …`, `secret: …`, `again: yes` or `no`, `public seed: …`,
//! > and `prize: …` for each prize
//! >
//! > name of an entry = hash of `stempel draw entry v1`, `draw: …`, `member: …`
//! >
//! > hash of the entries = hash of a line `name tickets` for each, in the order of the names
//! >
//! > pick of a counter = the first 16 digits of the hash of `stempel draw pick v1`, `secret: …`,
//! > `public seed: …`, `entries: …`, `counter: …`, read as a number
//!
//! With *n* tickets in the drum a pick counts if it is below the largest multiple of *n* up to 2⁶⁴ (else the next
//! counter is tried, so that every ticket has exactly the same chance); its remainder by *n* is the ticket,
//! counted from 0 in the order of the entries. Counters begin at 1 and go on from prize to prize. The tickets of a
//! winner leave the drum, unless the announcement says that one may win again.

mod verify;

use std::collections::BTreeMap;
use std::fmt::Write;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use verify::{Check, Published};

/// The version of the way a draw is made. Its meaning never changes; another way gets another number.
pub const VERSION: u32 = 1;
/// The most prizes of a draw.
pub const PRIZES_MAX: usize = 200;
/// The most entries of a draw.
pub const ENTRIES_MAX: usize = 100_000;
/// The most tickets of all entries together.
pub const TICKETS_MAX: u64 = 1_000_000_000_000;
/// The longest text of a draw, in bytes.
pub const TEXT_LEN_MAX: usize = 200;
/// How many picks may be refused for one prize before something must be wrong: each is refused with a chance
/// below one half.
const REFUSED_MAX: u32 = 256;

/// Why a draw does not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    /// A text that would not be the same for everybody who reads it.
    #[error("{what}: 1 to {TEXT_LEN_MAX} bytes in one line, with no space at its ends")]
    BadText {
        /// Which text.
        what: &'static str,
    },
    /// Nothing to win, or too much.
    #[error("a draw has 1 to {PRIZES_MAX} prizes")]
    BadPrizes,
    /// More entries or tickets than a draw takes.
    #[error("a draw has at most {ENTRIES_MAX} entries and {TICKETS_MAX} tickets in all")]
    TooMany,
    /// Nobody takes part.
    #[error("nobody has a ticket; close the draw when somebody has")]
    Nobody,
    /// The entries were closed before, and can be published only once.
    #[error("the entries of this draw are closed already; another list would need another draw")]
    ClosedAlready,
    /// The entries must be published before the public seed is known.
    #[error(
        "the entries are not closed yet; close them and publish their hash before the public seed is out"
    )]
    NotClosed,
    /// There is one result only.
    #[error("this draw was made already; verify it instead")]
    RunAlready,
    /// The secret is another one than was committed to.
    #[error(
        "this secret does not fit the commitment that was published; find the file that `draw open` wrote"
    )]
    WrongSecret,
    /// The file is none, or of a newer version.
    #[error("this is no draw that can be read here: {0}")]
    Unreadable(String),
}

/// A draw as it is published: more of it at each stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draw {
    /// The way it is made: [`VERSION`].
    pub version: u32,
    /// What the organiser calls it; no two draws share a name.
    pub draw: String,
    /// What is won, in the order in which it is drawn.
    pub prizes: Vec<String>,
    /// Where the public seed comes from, and how it is written.
    pub public_seed_from: String,
    /// Whether one entry may win more than one prize.
    pub again: bool,
    /// The hash that binds the secret to all of this.
    pub commitment: String,
    /// Who takes part, once it is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<Closing>,
    /// Who has won, once it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<DrawResult>,
}

/// Who takes part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closing {
    /// In the order of their names.
    pub entries: Vec<Entry>,
    /// All tickets together.
    pub tickets: u64,
    /// The hash of the entries.
    pub entries_hash: String,
}

/// One who takes part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The name of the entry ([`entry_name`]).
    pub entry: String,
    /// How many chances it has.
    pub tickets: u64,
}

/// Who has won.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawResult {
    /// The secret, revealed.
    pub secret: String,
    /// The public seed as it came out.
    pub public_seed: String,
    /// For each prize.
    pub winners: Vec<Winner>,
}

/// Who has won a prize.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Winner {
    /// The prize.
    pub prize: String,
    /// The counter whose pick counted; none where nobody was left in the drum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<u64>,
    /// The ticket among those then in the drum, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<u64>,
    /// The name of the entry that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
}

/// What is announced before anybody can know who wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// What the organiser calls the draw.
    pub draw: String,
    /// What is won, in the order in which it is drawn.
    pub prizes: Vec<String>,
    /// Where the public seed will come from, and how it is written.
    pub public_seed_from: String,
    /// Whether one entry may win more than one prize.
    pub again: bool,
}

/// The hash of a text, in hexadecimal.
fn hash(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
}

/// Whether a text is one line that everybody reads the same.
fn is_line(text: &str) -> bool {
    let fits = !text.is_empty() && text.len() <= TEXT_LEN_MAX && text.trim() == text;
    fits && !text.chars().any(char::is_control)
}

/// Whether a text is a hash or a secret as written here.
fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The name under which a member stands in a draw's list: only who knows the member's text can compute it.
pub fn entry_name(draw: &str, member: &str) -> String {
    hash(&format!("stempel draw entry v1\ndraw: {draw}\nmember: {member}\n"))
}

impl Announcement {
    fn check(&self) -> Result<(), DrawError> {
        if !is_line(&self.draw) {
            return Err(DrawError::BadText { what: "the name of the draw" });
        }
        if !is_line(&self.public_seed_from) {
            return Err(DrawError::BadText { what: "where the public seed comes from" });
        }
        if self.prizes.is_empty() || self.prizes.len() > PRIZES_MAX {
            return Err(DrawError::BadPrizes);
        }
        if !self.prizes.iter().all(|prize| is_line(prize)) {
            return Err(DrawError::BadText { what: "a prize" });
        }
        Ok(())
    }

    fn commitment(&self, secret: &str) -> String {
        let again = if self.again { "yes" } else { "no" };
        let mut text = format!(
            "stempel draw v1\ndraw: {}\nsecret: {secret}\nagain: {again}\npublic seed: {}\n",
            self.draw, self.public_seed_from
        );
        for prize in &self.prizes {
            // Writing to a string does not fail.
            let _ = writeln!(text, "prize: {prize}");
        }
        hash(&text)
    }

    /// Opens the draw: the file to publish now. The secret is kept until the public seed is out.
    pub fn open(self, secret: &[u8; 32]) -> Result<Draw, DrawError> {
        self.check()?;
        let commitment = self.commitment(&HEXLOWER.encode(secret));
        let Self { draw, prizes, public_seed_from, again } = self;
        Ok(Draw {
            version: VERSION,
            draw,
            prizes,
            public_seed_from,
            again,
            commitment,
            closing: None,
            result: None,
        })
    }
}

impl Closing {
    /// Whether a list has so many entries.
    fn takes(entries: usize) -> bool {
        (1..=ENTRIES_MAX).contains(&entries)
    }

    fn hash_of(entries: &[Entry]) -> String {
        let mut text = String::with_capacity(entries.len() * 70);
        for entry in entries {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{} {}", entry.entry, entry.tickets);
        }
        hash(&text)
    }

    fn sum(entries: &[Entry]) -> Option<u64> {
        let sum = entries.iter().try_fold(0_u64, |sum, entry| sum.checked_add(entry.tickets));
        sum.filter(|sum| *sum <= TICKETS_MAX)
    }
}

impl Draw {
    /// Reads a draw's file.
    pub fn from_json(text: &str) -> Result<Self, DrawError> {
        let draw: Self =
            serde_json::from_str(text).map_err(|error| DrawError::Unreadable(error.to_string()))?;
        if draw.version != VERSION {
            return Err(DrawError::Unreadable(format!(
                "its version is {}, known is {VERSION}; update Stempel",
                draw.version
            )));
        }
        Ok(draw)
    }

    /// The draw's file: the same bytes for the same draw.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    fn announcement(&self) -> Announcement {
        Announcement {
            draw: self.draw.clone(),
            prizes: self.prizes.clone(),
            public_seed_from: self.public_seed_from.clone(),
            again: self.again,
        }
    }

    /// Closes the list of those who take part: members by what they are known as, and their tickets. Who is named
    /// twice has all tickets under one name; who has none is left out.
    pub fn close(mut self, members: impl IntoIterator<Item = (String, u64)>) -> Result<Self, DrawError> {
        if self.closing.is_some() {
            return Err(DrawError::ClosedAlready);
        }
        let mut sums: BTreeMap<String, u64> = BTreeMap::new();
        for (member, tickets) in members.into_iter().filter(|(_, tickets)| *tickets > 0) {
            if !is_line(&member) {
                return Err(DrawError::BadText { what: "a member" });
            }
            let sum = sums.entry(entry_name(&self.draw, &member)).or_default();
            *sum = sum.checked_add(tickets).ok_or(DrawError::TooMany)?;
            if !Closing::takes(sums.len()) {
                return Err(DrawError::TooMany);
            }
        }
        if sums.is_empty() {
            return Err(DrawError::Nobody);
        }
        let entries: Vec<Entry> = sums.into_iter().map(|(entry, tickets)| Entry { entry, tickets }).collect();
        let tickets = Closing::sum(&entries).ok_or(DrawError::TooMany)?;
        let entries_hash = Closing::hash_of(&entries);
        self.closing = Some(Closing { entries, tickets, entries_hash });
        Ok(self)
    }

    /// Makes the draw: the secret is revealed, and with the public seed it gives the winners.
    pub fn run(mut self, secret: &str, public_seed: &str) -> Result<Self, DrawError> {
        if self.result.is_some() {
            return Err(DrawError::RunAlready);
        }
        let closing = self.closing.as_ref().ok_or(DrawError::NotClosed)?;
        if !is_hash(secret) || self.announcement().commitment(secret) != self.commitment {
            return Err(DrawError::WrongSecret);
        }
        if !is_line(public_seed) {
            return Err(DrawError::BadText { what: "the public seed" });
        }
        let winners = self.winners(closing, secret, public_seed);
        self.result =
            Some(DrawResult { secret: secret.to_owned(), public_seed: public_seed.to_owned(), winners });
        Ok(self)
    }

    /// The winners, from what is published alone.
    fn winners(&self, closing: &Closing, secret: &str, public_seed: &str) -> Vec<Winner> {
        let pick = |counter: u64| {
            let digest = Sha256::digest(
                format!(
                    "stempel draw pick v1\nsecret: {secret}\npublic seed: {public_seed}\nentries: {}\ncounter: {counter}\n",
                    closing.entries_hash
                )
                .as_bytes(),
            );
            digest.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
        };
        let mut drum: Vec<&Entry> = closing.entries.iter().collect();
        let mut counter = 0_u64;
        self.prizes
            .iter()
            .map(|prize| {
                let nobody = || Winner { prize: prize.clone(), counter: None, ticket: None, entry: None };
                let tickets: u64 = drum.iter().map(|entry| entry.tickets).fold(0, u64::saturating_add);
                if tickets == 0 {
                    return nobody();
                }
                let Some(ticket) = (0..REFUSED_MAX).find_map(|_| {
                    counter += 1;
                    ticket_of(pick(counter), tickets)
                }) else {
                    return nobody();
                };
                let mut left = ticket;
                let place = drum.iter().position(|entry| {
                    let here = left < entry.tickets;
                    if !here {
                        left -= entry.tickets;
                    }
                    here
                });
                let Some(place) = place else { return nobody() };
                let entry = drum[place].entry.clone();
                if !self.again {
                    drum.remove(place);
                }
                Winner {
                    prize: prize.clone(),
                    counter: Some(counter),
                    ticket: Some(ticket),
                    entry: Some(entry),
                }
            })
            .collect()
    }
}

/// The ticket of a pick; none if it lies beyond the largest multiple of the number of tickets up to 2⁶⁴, where some
/// tickets would have one chance more than others.
fn ticket_of(pick: u64, tickets: u64) -> Option<u64> {
    let all = u128::from(u64::MAX) + 1;
    let fair = all - all % u128::from(tickets);
    (u128::from(pick) < fair).then(|| pick % tickets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picks_count_up_to_the_largest_multiple_of_the_tickets() {
        // 2⁶⁴ is 18,446,744,073,709,551,616: with ten tickets the last six picks do not count.
        for (pick, tickets, ticket) in [
            (0, 10, Some(0)),
            (18_446_744_073_709_551_609, 10, Some(9)),
            (18_446_744_073_709_551_610, 10, None),
            (u64::MAX, 10, None),
            (u64::MAX, 1, Some(0)),
            (u64::MAX, 1 << 32, Some((1 << 32) - 1)),
            (u64::MAX - 1, 3, Some(2)),
            (u64::MAX, 3, None),
        ] {
            assert_eq!(ticket_of(pick, tickets), ticket, "{pick} of {tickets}");
        }
    }

    #[test]
    fn a_list_holds_its_most_entries_and_no_more() {
        for (entries, fits) in [(0, false), (1, true), (100_000, true), (100_001, false)] {
            assert_eq!(Closing::takes(entries), fits, "{entries}");
        }
    }

    /// A draw whose commitment, entries and winners all fit a secret and a public seed, whatever those are.
    fn fitting(secret: &str, public_seed: &str) -> Draw {
        let announcement = Announcement {
            draw: "xmas".into(),
            prizes: vec!["Beans".into()],
            public_seed_from: "the lottery".into(),
            again: false,
        };
        let commitment = announcement.commitment(secret);
        let open = Draw { commitment, ..announcement.open(&[0; 32]).unwrap() };
        let mut draw = open.close([("ada".to_owned(), 3), ("ben".to_owned(), 4)]).unwrap();
        let winners = draw.winners(draw.closing.as_ref().unwrap(), secret, public_seed);
        draw.result = Some(DrawResult { secret: secret.into(), public_seed: public_seed.into(), winners });
        draw
    }

    fn bad(draw: &Draw) -> Vec<&'static str> {
        let checks = draw.verify(&Published::default());
        checks.iter().filter(|check| !check.good).map(|check| check.code).collect()
    }

    #[test]
    fn a_secret_is_written_in_one_way_only() {
        // Hardly any secret but one fits a commitment; but one that is guessed easily would do.
        for (secret, is_one) in [
            ("09af".repeat(16), true),
            ("AF".repeat(32), false),
            ("0g".repeat(32), false),
            ("af".repeat(31), false),
            ("af".repeat(33), false),
            ("é".repeat(32), false),
            ("password".into(), false),
            (String::new(), false),
        ] {
            let drawn = fitting(&secret, "1 2 3");
            assert_eq!(bad(&drawn), if is_one { vec![] } else { vec!["commitment", "winners"] }, "{secret}");
            let closed = Draw { result: None, ..drawn.clone() };
            let wanted = if is_one { Ok(drawn) } else { Err(DrawError::WrongSecret) };
            assert_eq!(closed.run(&secret, "1 2 3"), wanted, "{secret}");
        }
    }

    #[test]
    fn winners_stand_on_what_is_sound_or_are_not_proven() {
        let secret = "07".repeat(32);
        assert_eq!(bad(&fitting(&secret, "1 2\n3")), ["winners"], "a seed that can be read in two ways");
        // The winners would be the same from another source; but it is not the one that was committed to.
        let other = Draw { public_seed_from: "the weather".into(), ..fitting(&secret, "1 2 3") };
        assert_eq!(bad(&other), ["commitment", "winners"]);
        let unnamed = Draw { commitment: "x".into(), ..fitting(&secret, "1 2 3") };
        assert_eq!(bad(&unnamed), ["form", "commitment", "winners"]);
    }
}
