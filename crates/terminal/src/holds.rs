//! Asking the server before a reward is given, so that no other device gives the same units at the same moment.
//!
//! No action asks the network. Whoever carries an action out asks first ([`Terminal::wish`] says for what, [`ask`] asks) and
//! hands in the server's word with the action ([`Terminal::hearing`]). Without a word from the server the programme's own
//! limits for that case decide.

use std::collections::BTreeMap;
use std::time::Duration;

use stempel_domain::sale::Order;
use stempel_domain::{MemberId, Unit};
use stempel_sync::SyncError;
use stempel_sync::http::Http;
use stempel_wire::message::HoldRequest;

use crate::exchange::{Local, exchange};
use crate::{Terminal, TerminalError};

/// How long the server has for its answer: a guest is waiting.
const PATIENCE: Duration = Duration::from_millis(1500);
/// Units that one order takes at most.
const UNITS_MAX: usize = 8;

/// What the server has said of an action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Word {
    /// It was not asked: when it was last heard of counts.
    #[default]
    Unasked,
    /// It has set the units aside for this device.
    Held,
    /// It was asked and did not answer.
    Silent,
}

/// What is to be set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// A name for each hold, drawn at random, with what it is for.
    holds: Vec<HoldRequest>,
    /// There are rows that the server has not: it is told first, or it does not know what the member has.
    tell_first: bool,
}

/// What became of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Everything is set aside.
    Held,
    /// There is less than that, says the server: what it is being given for elsewhere is not there.
    NotEnough(SyncError),
    /// No word, and why.
    Silent(SyncError),
}

impl Asked {
    /// The server's word for the action.
    pub fn word(&self) -> Word {
        match self {
            Self::Held => Word::Held,
            Self::NotEnough(_) | Self::Silent(_) => Word::Silent,
        }
    }
}

impl Terminal {
    /// What the server is to be asked for before an order takes units; none if it takes none, was answered before, is refused
    /// by the rules anyway, or stays within what the programme lets a device give by itself.
    pub fn wish(
        &mut self,
        code: &str,
        order: Order<'_>,
        key: Option<&str>,
    ) -> Result<Option<Wish>, TerminalError> {
        if self.identity.server.is_none()
            || key.map(|key| self.view().answered(key)).transpose()?.flatten().is_some()
        {
            return Ok(None);
        }
        let who = self.who(code)?;
        let with = self.hearing(Word::Held, |terminal| terminal.preview(Some(&who), order))?;
        let spent: BTreeMap<Unit, i64> = with.spent().into_iter().filter(|(_, amount)| *amount > 0).collect();
        if !with.refused.is_empty() || spent.is_empty() || spent.len() > UNITS_MAX {
            return Ok(None);
        }
        let limited = with.spends.iter().all(|spend| {
            let published = self.book.find(&spend.programme);
            published.is_some_and(|found| {
                found.programme.spec().offline.as_ref().is_some_and(|offline| offline.spend_day.is_some())
            })
        });
        let without = self.hearing(Word::Silent, |terminal| terminal.preview(Some(&who), order))?;
        if limited && without.refused.is_empty() {
            return Ok(None);
        }
        let member: MemberId = who.member();
        let holds = spent.into_iter().map(|(unit, amount)| {
            let name: [u8; 16] = stempel_domain::ports::draw(&mut *self.entropy);
            HoldRequest { hold: data_encoding::HEXLOWER.encode(&name), member, unit, amount }
        });
        let holds = holds.collect();
        Ok(Some(Wish { holds, tell_first: self.pending()? > 0 }))
    }

    /// Carries something out with the server's word.
    pub fn hearing<T>(&mut self, word: Word, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.word, word);
        let done = work(self);
        self.word = before;
        done
    }
}

/// Asks the server to set units aside, after it was told what it has not heard. It has a second and a half for each unit;
/// what was set aside when a later one is not there is given back.
pub fn ask(local: &mut impl Local, line: &mut Http, wish: &Wish) -> Asked {
    if wish.tell_first
        && let Err(error) = exchange(local, line)
    {
        return Asked::Silent(match error {
            TerminalError::Sync(error) => error,
            other => SyncError::Rubbish(other.to_string()),
        });
    }
    for (place, hold) in wish.holds.iter().enumerate() {
        if let Err(error) = line.hold(hold, PATIENCE) {
            give_back(line, &wish.holds[..place]);
            return match error.code() {
                Some("not-enough") => Asked::NotEnough(error),
                _ => Asked::Silent(error),
            };
        }
    }
    Asked::Held
}

/// Gives back what was set aside for an action that was not done. What does not arrive runs out by itself.
pub fn release(line: &mut Http, wish: &Wish) {
    give_back(line, &wish.holds);
}

fn give_back(line: &mut Http, holds: &[HoldRequest]) {
    for hold in holds {
        let _ = line.hold_release(&hold.hold, PATIENCE);
    }
}
