//! Alarms at this device, with no network: what looks as if somebody helped himself, from this device's own journal.
//!
//! A limit warns first; the action is done, and says so ([`Terminal::raised`]). Above its second step a second person
//! has to agree ([`Terminal::agree`]) before it is done, where there is a manager with a PIN who could. A sale that was
//! paid is never held up, and neither is a script.

use std::collections::BTreeMap;

use stempel_domain::alarm::{Alarm, AlarmKind, Level, Limits, LimitsSet, Sight, Watch, alarms, is_own};
use stempel_domain::event::{Fact, LimitLifted};
use stempel_domain::{Event, EventRef, MemberId, Moment, OperatorId};
use stempel_store::StoreError;
use stempel_store::inbox::ALARM_LIMITS;
use stempel_wire::Row;

use crate::{Operator, Terminal, TerminalError};

/// Rows that are read at a time.
const ROWS: u64 = 200;
/// The most rows that are looked at before the first action.
const ROWS_BEFORE: u64 = 2_000;
/// The most rows that are looked at for a list.
const ROWS_LISTED: u64 = 100_000;
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// For how long what a second person has agreed to holds, in milliseconds.
const AGREED_MS: i64 = 15 * 60 * 1000;
/// Under this name scripts work; nobody stands beside them.
const SCRIPT: &str = "cli";

/// What this device has in mind of the last hours.
#[derive(Debug, Default)]
pub(crate) struct Lookout {
    /// It has read what happened before this program started.
    awake: bool,
    limits: Limits,
    /// What the owner has set for every shop, once it was read; the feed may change it.
    owners: Option<LimitsSet>,
    watch: Watch,
    lifted: Vec<LimitLifted>,
    raised: Vec<Alarm>,
}

/// An alarm with what opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The alarm.
    pub alarm: Alarm,
    /// Its events, as far as they are here.
    pub facts: Vec<Event>,
}

impl Terminal {
    /// The alarms that the last action raised. They are said once.
    pub fn raised(&mut self) -> Vec<Alarm> {
        std::mem::take(&mut self.lookout.raised)
    }

    /// The alarms since an instant, oldest first, each with its events. Looks back over at most 100,000 rows.
    pub fn alarms(&self, since_ms: i64) -> Result<Vec<Opened>, TerminalError> {
        let limits = self.limits()?;
        let mut sights = Vec::new();
        self.look_back(since_ms.saturating_sub(limits.span_ms()), ROWS_LISTED, &mut |event| {
            sights.extend(Sight::of(&event, Some(self.identity.shop)));
        })?;
        self.know(&mut sights)?;
        let found = alarms(&limits, sights, since_ms);
        found.into_iter().map(|alarm| Ok(Opened { facts: self.events(&alarm.facts)?, alarm })).collect()
    }

    /// A manager agrees that something goes on that has raised an alarm, for a quarter of an hour. The manager must be
    /// somebody else than whoever it is about.
    pub fn agree(&mut self, alarm: AlarmKind, subject: &str, pin: &str) -> Result<EventRef, TerminalError> {
        if subject.is_empty() || subject.len() > LimitLifted::SUBJECT_LEN_MAX {
            return Err(TerminalError::Input("name the operator, or the member's id".into()));
        }
        let agreed = self.manager_of(pin)?;
        if agreed.as_str() == subject {
            return Err(TerminalError::NotNow("a second person has to agree, not the same one".into()));
        }
        let at = self.moment(None)?;
        let until_ms = at.utc_ms.saturating_add(AGREED_MS);
        let lifted =
            LimitLifted { shop: self.identity.shop, alarm, subject: subject.to_owned(), agreed, until_ms };
        let fact = Fact::LimitLifted(lifted.clone());
        let by = Some(lifted.agreed.clone());
        let event = self.record(at, &by, vec![fact], |_, events| Ok(events.last().copied()))?;
        self.lookout.lifted.push(lifted);
        event.ok_or_else(|| StoreError::Damaged("nothing was written".into()).into())
    }

    /// Before facts are written: those beyond a limit wait for a second person.
    pub(crate) fn before(
        &mut self,
        at: &Moment,
        operator: &Operator,
        facts: &[Fact],
    ) -> Result<(), TerminalError> {
        self.lookout.raised.clear();
        let seen = |fact: &Fact| {
            matches!(
                fact,
                Fact::Sale(_) | Fact::Stamp(_) | Fact::Grant(_) | Fact::Adjustment(_) | Fact::Reversal(_)
            )
        };
        // Looking out is help, not a condition: what cannot be read here is found by `journal verify`.
        if !facts.iter().any(seen) || self.wake().is_err() {
            return Ok(());
        }
        if operator.as_ref().is_some_and(|operator| operator.as_str() == SCRIPT) {
            return Ok(());
        }
        let waits = |fact: &&Fact| !matches!(fact, Fact::Sale(_)) && seen(fact);
        let mut beyond = Vec::new();
        for fact in facts.iter().filter(waits) {
            // Its number is not known yet; it is the last one in any case.
            let event = EventRef { author: self.identity.device, seq: u64::MAX };
            let shop = Some(self.identity.shop);
            let Some(mut sight) = Sight::of_fact(event, at, operator.as_ref(), fact, shop) else { continue };
            sight.own = self.is_own(&sight)?;
            let raised = self.lookout.watch.look(&self.lookout.limits, &sight);
            beyond.extend(raised.into_iter().filter(|alarm| alarm.level == Level::FourEyes));
        }
        beyond.retain(|alarm| !self.lookout.is_lifted(alarm, at, operator.as_ref()));
        if beyond.is_empty() || !self.has_second_person(operator.as_ref())? {
            return Ok(());
        }
        Err(TerminalError::SecondPerson(beyond))
    }

    /// After facts were written. What is done is done: nothing here fails it.
    pub(crate) fn after(&mut self, sights: Vec<Sight>) {
        for mut sight in sights {
            sight.own = self.is_own(&sight).unwrap_or(false);
            let raised = self.lookout.watch.look(&self.lookout.limits, &sight);
            self.lookout.raised.extend(raised);
            self.lookout.watch.keep(&self.lookout.limits, sight);
        }
    }

    /// What raises an alarm: what the owner has set for every shop, or else what is set here.
    fn limits(&self) -> Result<Limits, TerminalError> {
        let own = self.as_set()?.alarms;
        Ok(match &self.lookout.owners {
            Some(owners) => own.with(owners),
            None => own.with(&self.owners_limits()?),
        })
    }

    fn owners_limits(&self) -> Result<LimitsSet, TerminalError> {
        Ok(self.view().setting(ALARM_LIMITS)?.unwrap_or_default())
    }

    /// Reads the limits as they are now and, the first time, what happened before this program started.
    fn wake(&mut self) -> Result<(), TerminalError> {
        if self.lookout.owners.is_none() {
            self.lookout.owners = Some(self.owners_limits()?);
        }
        self.lookout.limits = self.limits()?;
        if self.lookout.awake {
            return Ok(());
        }
        let limits = self.lookout.limits;
        let (mut sights, mut lifted) = (Vec::new(), Vec::new());
        let now_ms = self.last_moment.map_or(0, |at| at.utc_ms);
        self.look_back(now_ms.saturating_sub(limits.span_ms()), ROWS_BEFORE, &mut |event| {
            sights.extend(Sight::of(&event, Some(self.identity.shop)));
            if let Fact::LimitLifted(fact) = event.record.fact {
                lifted.push(fact);
            }
        })?;
        self.know(&mut sights)?;
        for sight in sights {
            self.lookout.watch.keep(&limits, sight);
        }
        self.lookout.lifted = lifted;
        self.lookout.awake = true;
        Ok(())
    }

    /// Calls `each` for this journal's events since an instant, in parts: the newest part first.
    fn look_back(
        &self,
        since_ms: i64,
        rows_max: u64,
        each: &mut dyn FnMut(Event),
    ) -> Result<(), TerminalError> {
        let device = self.identity.device;
        let head = self.view().head(device)?.seq;
        let mut below = head;
        while below > 0 && head - below < rows_max {
            let from = below.saturating_sub(ROWS);
            let rows = self.view().rows_after(device, from, (below - from) as usize, BYTES_MAX)?;
            let mut earlier = rows.is_empty();
            for bytes in rows {
                let row = Row::parse(bytes).map_err(|error| StoreError::Damaged(error.to_string()))?;
                // A row of a later version of this program counts for nothing here.
                let Ok(event) = row.event() else { continue };
                if event.record.at.utc_ms < since_ms {
                    earlier = true;
                } else if event.seq <= below {
                    each(event);
                }
            }
            if earlier {
                break;
            }
            below = from;
        }
        Ok(())
    }

    /// Notes of sights which of them are of an operator's own card.
    fn know(&self, sights: &mut [Sight]) -> Result<(), TerminalError> {
        let mut known: BTreeMap<(MemberId, OperatorId), bool> = BTreeMap::new();
        for sight in sights {
            let (Some(member), Some(operator)) = (sight.member, sight.operator.clone()) else { continue };
            sight.own = match known.get(&(member, operator.clone())) {
                Some(own) => *own,
                None => self.is_own(sight)?,
            };
            known.insert((member, operator), sight.own);
        }
        Ok(())
    }

    fn is_own(&self, sight: &Sight) -> Result<bool, TerminalError> {
        let (Some(member), Some(operator)) = (sight.member, &sight.operator) else { return Ok(false) };
        if operator.as_str() == SCRIPT {
            return Ok(false);
        }
        Ok(self.view().member(member)?.is_some_and(|state| is_own(&state, operator)))
    }

    /// Whether there is somebody who could agree.
    fn has_second_person(&self, operator: Option<&OperatorId>) -> Result<bool, TerminalError> {
        let manages = |worker: &crate::operators::Worker| {
            worker.role == crate::operators::Role::Manager && worker.has_pin && Some(&worker.id) != operator
        };
        Ok(self.operators()?.iter().any(manages))
    }

    fn events(&self, references: &[EventRef]) -> Result<Vec<Event>, TerminalError> {
        let mut found = Vec::with_capacity(references.len());
        for reference in references {
            if let Some(row) = self.view().row(*reference)?
                && let Ok(event) = row.event()
            {
                found.push(event);
            }
        }
        Ok(found)
    }
}

impl Lookout {
    /// Has the owner's limits read anew.
    pub(crate) fn forget_limits(&mut self) {
        self.owners = None;
    }

    /// Whether somebody else has agreed to it a short while ago.
    fn is_lifted(&self, alarm: &Alarm, at: &Moment, operator: Option<&OperatorId>) -> bool {
        self.lifted.iter().any(|lifted| {
            let since_ms = lifted.until_ms.saturating_sub(AGREED_MS);
            lifted.alarm == alarm.kind
                && lifted.subject == alarm.subject
                && Some(&lifted.agreed) != operator
                && (since_ms..=lifted.until_ms).contains(&at.utc_ms)
        })
    }
}
