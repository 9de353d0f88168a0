//! The opening line and the closing sums.

use std::collections::{BTreeMap, BTreeSet};

use stempel_domain::event::Fact;
use stempel_domain::proof::ProofKind;
use stempel_domain::rules::Outcome;
use stempel_domain::{Day, Event, EventRef, Moment, Money, OperatorId};

use crate::paper::paper_card;
use crate::{Terminal, TerminalError};

/// Rows that are read at a time, and at most, when a day is summed.
const ROWS: u64 = 500;
const ROWS_MAX: u64 = 100_000;
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// The last rows among which the last guests are looked for.
const LOOK_BACK_MAX: usize = 200;

/// How this device is, before the first guest. Nothing here needs a camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The clock reads earlier than the last event.
    pub clock_doubtful: bool,
    /// How far the clock is ahead of the server's, in milliseconds, when it was last known.
    pub skew_ms: Option<i64>,
    /// Events that wait for the server.
    pub pending: u64,
    /// When the server was last heard, in milliseconds; none: never, or the terminal works alone.
    pub last_sync_ms: Option<i64>,
    /// What went wrong at the last attempt.
    pub last_error: Option<String>,
    /// It works alone: nothing has to be sent.
    pub alone: bool,
    /// Blank cards left; none where cards are signed here.
    pub blanks: Option<usize>,
    /// Rows that the server keeps without effect.
    pub troubles: usize,
    /// Programmes that this version cannot run.
    pub unreadable_programmes: usize,
    /// Tills whose receipts are taken.
    pub tills: usize,
}

/// What was done on a day at this device, without what was undone the same day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    /// Stamps given.
    pub stamps: i64,
    /// Rewards given.
    pub rewards: u64,
    /// Sales at this till.
    pub sales: u64,
    /// Members who joined, with and without a name.
    pub joined: u64,
    /// Events taken back.
    pub undone: u64,
    /// Paper cards collected.
    pub paper_cards: u64,
    /// Stamps on them.
    pub paper_stamps: i64,
    /// Receipts of other tills that were counted.
    pub receipts: u64,
    /// Slips that were used here.
    pub slips_used: u64,
    /// Slips that were issued here.
    pub slips_issued: u64,
    /// Rewards that guests gave away, and that staff handed out.
    pub gifts_released: u64,
    /// Answers to the question.
    pub answers: u64,
}

/// A day's sums: all of it, and by operator (the empty name is nobody's).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DaySums {
    /// Everything.
    pub all: Sums,
    /// By who did it.
    pub by_operator: BTreeMap<String, Sums>,
}

/// Something that was given at this device, for the list of the last guests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastGiven {
    /// What an undo names.
    pub event: EventRef,
    /// The first name; empty for a card without one.
    pub name: String,
    /// When.
    pub at: Moment,
    /// Stamps given.
    pub stamps: i64,
    /// A reward was taken.
    pub reward: bool,
    /// It was taken back.
    pub undone: bool,
}

/// A sale at this device, for its change and for taking it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastSold {
    /// What an undo names.
    pub event: EventRef,
    /// When.
    pub at: Moment,
    /// What it cost.
    pub total: Money,
}

impl Terminal {
    /// How this device is.
    pub fn health(&self) -> Result<Health, TerminalError> {
        let sync = self.view().sync_state()?;
        let signs = self.identity.card_key()?.is_some();
        Ok(Health {
            clock_doubtful: self.moment(None)?.clock_doubtful,
            skew_ms: sync.skew_ms,
            pending: self.pending()?,
            last_sync_ms: sync.last_sync_ms,
            last_error: sync.last_error,
            alone: self.identity.server.is_none(),
            blanks: if signs { None } else { Some(self.view().blanks_left()?) },
            troubles: self.view().troubles()?.len(),
            unreadable_programmes: self.unreadable_programmes.len(),
            tills: self.tills()?.len(),
        })
    }

    /// What was done here on a business day; none: today.
    pub fn day_sums(&self, day: Option<Day>) -> Result<(Day, DaySums), TerminalError> {
        let day = match day {
            Some(day) => day,
            None => self.moment(None)?.day,
        };
        let events = self.events_of(day)?;
        let undone: BTreeSet<EventRef> = events.iter().filter_map(wholly_taken_back).collect();
        let test = self.test_member()?;
        let mut sums = DaySums::default();
        for event in &events {
            // The plug test is no guest.
            let tested = test.is_some() && event.record.fact.member() == test;
            let mut one = Sums::default();
            one.count(&event.record.fact);
            if undone.contains(&event.reference()) || tested {
                one = Sums::default();
            }
            let operator = event.record.operator.as_ref().map(OperatorId::to_string).unwrap_or_default();
            sums.all.add(&one);
            if one != Sums::default() {
                sums.by_operator.entry(operator).or_default().add(&one);
            }
        }
        for (operator, issued) in self.slips_issued(day)? {
            let one = Sums { slips_issued: issued.slips.into(), ..Sums::default() };
            sums.all.add(&one);
            sums.by_operator.entry(operator).or_default().add(&one);
        }
        Ok((day, sums))
    }

    /// What that operator gave here today, newest first: as many as the list of the last guests has places. Stamps that
    /// were given again with a free one among them stand there once.
    pub fn last_given(&self, operator: &OperatorId, most: usize) -> Result<Vec<LastGiven>, TerminalError> {
        let (mut found, mut replaced) = (Vec::new(), Vec::new());
        for event in self.newest_of_today()? {
            let event = event?;
            if found.len() == most {
                break;
            }
            if event.record.operator.as_ref() != Some(operator) || replaced.contains(&event.reference()) {
                continue;
            }
            let fact = &event.record.fact;
            if !matches!(fact, Fact::Stamp(_)) && paper_card(fact).is_none() {
                continue;
            }
            let mut one = Sums::default();
            one.count(fact);
            let stamps = one.stamps + one.paper_stamps;
            let Some(member) = fact.member().filter(|_| stamps > 0 || one.rewards > 0) else {
                continue;
            };
            replaced.extend(self.free_instead_of(&event)?);
            found.push(LastGiven {
                event: event.reference(),
                name: self.view().profile(member)?.map(|profile| profile.name).unwrap_or_default(),
                at: event.record.at,
                stamps,
                reward: one.rewards > 0,
                undone: !self.view().reversals_of(event.reference())?.is_empty(),
            });
        }
        Ok(found)
    }

    /// The sale that was rung up here last today by that operator; none where it was taken back.
    pub fn last_sold(&self, operator: &OperatorId) -> Result<Option<LastSold>, TerminalError> {
        for event in self.newest_of_today()? {
            let event = event?;
            let Fact::Sale(sold) = &event.record.fact else { continue };
            if event.record.operator.as_ref() != Some(operator) {
                continue;
            }
            let (event, at, total) = (event.reference(), event.record.at, sold.outcome.total);
            let stands = self.view().reversals_of(event)?.is_empty();
            return Ok(stands.then_some(LastSold { event, at, total }));
        }
        Ok(None)
    }

    /// The last events of this journal, newest first, as far as they are today's. A row of a later version of this
    /// program is left out.
    pub(crate) fn newest_of_today(
        &self,
    ) -> Result<impl Iterator<Item = Result<Event, TerminalError>>, TerminalError> {
        let (author, today) = (self.identity.device, self.moment(None)?.day);
        let head = self.view().head(author)?.seq;
        let rows =
            (1..=head).rev().take(LOOK_BACK_MAX).map(move |seq| self.view().row(EventRef { author, seq }));
        let events = rows.map_while(Result::transpose).filter_map(|row| match row {
            Ok(row) => row.event().ok().map(Ok),
            Err(error) => Some(Err(TerminalError::from(error))),
        });
        Ok(events.take_while(move |event| event.as_ref().map_or(true, |event| event.record.at.day >= today)))
    }

    /// This journal's events of a day, oldest first. A journal's days never decrease, so it is read backwards.
    fn events_of(&self, day: Day) -> Result<Vec<Event>, TerminalError> {
        let device = self.identity.device;
        let head = self.view().head(device)?.seq;
        let (mut found, mut below) = (Vec::new(), head);
        while below > 0 && head - below < ROWS_MAX {
            let mut from = below.saturating_sub(ROWS);
            let mut chunk = Vec::new();
            // A chunk of large rows comes in several parts.
            while from < below {
                let rows = self.view().rows_after(device, from, (below - from) as usize, BYTES_MAX)?;
                if rows.is_empty() {
                    break;
                }
                from += rows.len() as u64;
                chunk.extend(rows);
            }
            let mut earlier = false;
            let mut events = Vec::new();
            for bytes in chunk {
                let row = stempel_wire::Row::parse(bytes)
                    .map_err(|error| stempel_store::StoreError::Damaged(error.to_string()))?;
                // A row of a later version of this program counts for nothing here.
                let Ok(event) = row.event() else { continue };
                earlier |= event.record.at.day < day;
                if event.record.at.day == day {
                    events.push(event);
                }
            }
            events.append(&mut found);
            found = events;
            if earlier {
                break;
            }
            below = below.saturating_sub(ROWS);
        }
        Ok(found)
    }
}

fn wholly_taken_back(event: &Event) -> Option<EventRef> {
    match &event.record.fact {
        Fact::Reversal(reversal) if reversal.quantities.is_empty() => Some(reversal.of),
        _ => None,
    }
}

impl Sums {
    fn count(&mut self, fact: &Fact) {
        match fact {
            Fact::MemberJoined(_) => self.joined = 1,
            Fact::Stamp(fact) => {
                self.outcome(&fact.outcome);
                self.rewards = fact.order.claims.iter().map(|claim| u64::from(claim.times)).sum();
                match fact.proof.map(|proof| proof.kind) {
                    Some(ProofKind::Receipt) => self.receipts = 1,
                    Some(ProofKind::Slip) => self.slips_used = 1,
                    None => {}
                }
            }
            Fact::Sale(fact) => {
                self.sales = 1;
                self.outcome(&fact.outcome);
                self.rewards = fact.sale.claims.iter().map(|claim| u64::from(claim.times)).sum();
            }
            Fact::Grant(fact) => self.outcome(&fact.outcome),
            Fact::Reversal(fact) => self.undone = u64::from(!fact.planned),
            Fact::GiftReleased(_) => self.gifts_released = 1,
            Fact::AnswerGiven(_) => self.answers = 1,
            fact => {
                if let Some((member, adjustment)) = paper_card(fact) {
                    self.paper_cards = 1;
                    let own = stempel_domain::Account::Member(member);
                    let stamps = adjustment.postings.iter().filter(|posting| posting.account == own);
                    self.paper_stamps = stamps.map(|posting| posting.amount).sum();
                }
            }
        }
    }

    fn outcome(&mut self, outcome: &Outcome) {
        let stamps = outcome.awards.iter().filter(|award| award.unit.is_stamp());
        self.stamps = stamps.map(|award| award.amount).sum();
    }

    fn add(&mut self, other: &Self) {
        self.stamps += other.stamps;
        self.rewards += other.rewards;
        self.sales += other.sales;
        self.joined += other.joined;
        self.undone += other.undone;
        self.paper_cards += other.paper_cards;
        self.paper_stamps += other.paper_stamps;
        self.receipts += other.receipts;
        self.slips_used += other.slips_used;
        self.slips_issued += other.slips_issued;
        self.gifts_released += other.gifts_released;
        self.answers += other.answers;
    }
}
