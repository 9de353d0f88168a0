//! The stamps of the day, which stand on the screen after each action.

use stempel_domain::Day;
use stempel_terminal::{Terminal, TerminalError};

use super::goods::stamps_of;

/// The kinds of events in which stamps are given or taken back.
const KINDS: [&str; 4] = ["stamp", "sale", "grant", "reversal"];
/// The most rows that are looked back over when a program starts in the middle of a day.
const ROWS_MAX: u64 = 1000;

/// What was counted so far: the next count goes on from there, so that each row is read once.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Today {
    day: Option<Day>,
    seq: u64,
    stamps: i64,
}

impl Today {
    /// How many.
    pub fn stamps(&self) -> u32 {
        u32::try_from(self.stamps).unwrap_or(0)
    }

    /// Counts on with what has happened since; a new business day begins at zero.
    pub fn count_on(self, terminal: &Terminal) -> Result<Self, TerminalError> {
        let day = terminal.moment(None)?.day;
        let device = terminal.identity().device;
        let head = terminal.view().head(device)?.seq;
        let before = if self.day == Some(day) && self.seq <= head {
            self
        } else {
            Self { day: Some(day), ..Self::default() }
        };
        let new = usize::try_from((head - before.seq).min(ROWS_MAX)).unwrap_or(0);
        let mut stamps = before.stamps;
        if new > 0 {
            for row in terminal.view().recent(device, &KINDS, new)? {
                let event = row.event()?;
                if row.seq() > before.seq && event.record.at.day == day {
                    stamps += stamps_of(&event);
                }
            }
        }
        Ok(Self { seq: head, stamps, ..before })
    }
}
