//! One round of sync: the planner's steps, carried out on the store and over a transport.
//!
//! The network is slow and the counter must not wait for it. So the exchange runs wherever the transport is,
//! and touches the terminal in short pieces through [`Local`]: directly for a command, through
//! [`crate::handle::Handle`] beside a running screen.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use stempel_domain::{AuthorId, CardId, EventRef, Fact, MemberId};
use stempel_store::StoreError;
use stempel_sync::plan::PageVerdict;
use stempel_sync::{Planner, Progress, Step, SyncError, Transport};
use stempel_wire::message::{
    BLANKS_POOL, BlanksAnswer, FeedPage, KeyOf, PUSH_ROWS_MAX, PushAnswer, PushHeader, push_body,
};
use stempel_wire::token::SecondCode;
use stempel_wire::{MemberKey, Row};

use crate::handle::Handle;
use crate::lost::SECONDS;
use crate::{Terminal, TerminalError};

/// What one exchange did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Rows sent.
    pub sent: u64,
    /// Rows that the server holds by now and did not before.
    pub acked: u64,
    /// Changes received.
    pub received: u64,
    /// Rows that still wait.
    pub pending: u64,
    /// The server has other rows under the same numbers: this terminal was cloned. A person has to decide.
    pub quarantined: bool,
}

/// Rows on their way to the server.
#[derive(Debug)]
pub struct Parcel {
    body: Vec<u8>,
    keys: Vec<(MemberId, MemberKey)>,
    rows: u64,
}

/// The pieces of an exchange that happen at the terminal. Each is short and touches no network.
pub trait Local {
    /// How far we have come.
    fn begin(&mut self) -> Result<(AuthorId, Progress), TerminalError>;
    /// Packs own rows after a number.
    fn pack(
        &mut self,
        epoch: &str,
        after: u64,
        rows_max: usize,
        bytes_max: usize,
    ) -> Result<Parcel, TerminalError>;
    /// Whether the row that the server holds under a number stands here too. There is no row 0 on either side.
    fn has_row(&mut self, seq: u64, hash: &str) -> Result<bool, TerminalError>;
    /// Takes what the server said of a parcel; the server holds our journal up to `held`.
    fn delivered(
        &mut self,
        answer: PushAnswer,
        keys: Vec<(MemberId, MemberKey)>,
        held: u64,
    ) -> Result<(), TerminalError>;
    /// Takes a page of the feed, as judged by the planner; the server holds our journal up to `held`.
    fn take_page(&mut self, page: FeedPage, verdict: PageVerdict, held: u64) -> Result<(), TerminalError>;
    /// Takes blank cards; says how many are left.
    fn take_blanks(&mut self, answer: BlanksAnswer) -> Result<usize, TerminalError>;
    /// Notes how the exchange ended; says how many rows wait.
    fn end(&mut self, error: Option<String>, skew_ms: Option<i64>) -> Result<u64, TerminalError>;
}

/// Brings terminal and server to agreement. After an error everything that was agreed so far stays agreed.
pub fn exchange(local: &mut dyn Local, transport: &mut dyn Transport) -> Result<Report, TerminalError> {
    let mut report = Report::default();
    let outcome = steps(local, transport, &mut report);
    let words = outcome.as_ref().err().map(ToString::to_string);
    report.pending = local.end(words, transport.skew_ms())?;
    outcome.map(|()| report)
}

fn steps(
    local: &mut dyn Local,
    transport: &mut dyn Transport,
    report: &mut Report,
) -> Result<(), TerminalError> {
    let (own, progress) = local.begin()?;
    let mut planner = Planner::new(own, progress);
    let mut turned_away = None;
    loop {
        match planner.next_step() {
            Step::Feed { after, limit } => {
                let page = match transport.feed(after, limit, 0) {
                    Err(error) if error.is_signed_out() => {
                        planner.signed_out();
                        turned_away = Some(error);
                        continue;
                    }
                    page => page?,
                };
                let same_row = local.has_row(page.held, &page.held_hash)?;
                let verdict = planner.page(&page, same_row);
                if verdict == PageVerdict::Apply {
                    report.received += page.changes.len() as u64;
                }
                local.take_page(page, verdict, planner.progress().held)?;
            }
            Step::Push { after, rows_max, bytes_max } => {
                let parcel = local.pack(&planner.progress().epoch, after, rows_max, bytes_max)?;
                let answer = transport.push(parcel.body)?;
                report.sent += parcel.rows;
                let before = planner.progress().held;
                if planner.pushed(&answer) {
                    report.acked += planner.progress().held.saturating_sub(before);
                    report.quarantined |= planner.is_quarantined();
                    local.delivered(answer, parcel.keys, planner.progress().held)?;
                }
            }
            Step::Blanks => {
                let answer = transport.blanks()?;
                planner.blanks(local.take_blanks(answer)?);
            }
            Step::Done => return Ok(()),
            Step::Stuck => return Err(SyncError::Stuck.into()),
            Step::OlderCopy => return Err(SyncError::OlderCopy.into()),
            // What waited is with the server by now; the word that turned this device away still stands.
            Step::SignedOut => return turned_away.map_or(Ok(()), |error| Err(error.into())),
        }
    }
}

impl Terminal {
    /// Rows that wait for the server; none where the terminal works alone.
    pub fn pending(&self) -> Result<u64, TerminalError> {
        if self.identity.server.is_none() {
            return Ok(0);
        }
        let head = self.view().head(self.identity.device)?;
        Ok(head.seq.saturating_sub(self.view().sync_state()?.held))
    }

    /// The keys that travel beside rows: those of the members whose profiles the rows seal, also where the server
    /// had them before (it may have been set back since), and others that wait, as many as a push holds.
    pub(crate) fn keys_for(&self, rows: &[Vec<u8>]) -> Result<Vec<(MemberId, MemberKey)>, TerminalError> {
        let events = rows.iter().filter_map(|bytes| Row::parse(bytes.clone()).ok()?.event().ok());
        let sealed: BTreeSet<MemberId> = events
            .filter_map(|event| match event.record.fact {
                Fact::MemberJoined(fact) => fact.profile.map(|_| fact.member),
                Fact::ProfileChanged(fact) => Some(fact.member),
                _ => None,
            })
            .collect();
        let mut keys = Vec::new();
        for member in &sealed {
            keys.extend(self.view().member_keys(*member)?.into_iter().map(|key| (*member, key)));
        }
        let waiting = self.view().pending_keys()?.into_iter();
        keys.extend(waiting.filter(|(member, _)| !sealed.contains(member)));
        keys.truncate(PUSH_ROWS_MAX);
        Ok(keys)
    }
}

/// Keys as they travel.
pub(crate) fn keys_of(keys: &[(MemberId, MemberKey)]) -> Vec<KeyOf> {
    keys.iter().map(|(member, key)| KeyOf { member: *member, key: key.clone() }).collect()
}

impl Local for Terminal {
    fn begin(&mut self) -> Result<(AuthorId, Progress), TerminalError> {
        // To ask for what comes after an erasure says that it is carried out.
        self.store.clean()?;
        let state = self.view().sync_state()?;
        let progress = Progress {
            epoch: state.epoch,
            cursor: state.cursor,
            held: state.held,
            head: self.view().head(self.identity.device)?.seq,
            blanks: self.view().blanks_left()?,
        };
        Ok((self.identity.device, progress))
    }

    fn pack(
        &mut self,
        epoch: &str,
        after: u64,
        rows_max: usize,
        bytes_max: usize,
    ) -> Result<Parcel, TerminalError> {
        let rows = self.view().rows_after(self.identity.device, after, rows_max, bytes_max)?;
        let keys = self.keys_for(&rows)?;
        let header = PushHeader { epoch: epoch.to_owned(), keys: keys_of(&keys) };
        Ok(Parcel { body: push_body(&header, &rows)?, keys, rows: rows.len() as u64 })
    }

    fn has_row(&mut self, seq: u64, hash: &str) -> Result<bool, TerminalError> {
        // A server of an earlier version names no hash: then its number has to do.
        if seq == 0 || hash.is_empty() {
            return Ok(true);
        }
        let row = self.view().row(EventRef { author: self.identity.device, seq })?;
        Ok(row.is_some_and(|row| row.hash().to_string() == hash))
    }

    fn delivered(
        &mut self,
        answer: PushAnswer,
        keys: Vec<(MemberId, MemberKey)>,
        held: u64,
    ) -> Result<(), TerminalError> {
        let own = self.identity.device;
        self.store.write::<_, StoreError>(|write| {
            let mut state = write.view().sync_state()?;
            state.held = held;
            write.set_sync_state(&state)?;
            write.keys_delivered(&keys)?;
            for trouble in answer.dead.iter().filter(|trouble| trouble.author == own) {
                write.put_trouble(trouble, "dead")?;
            }
            for trouble in answer.quarantined.iter().filter(|trouble| trouble.author == own) {
                write.put_trouble(trouble, "quarantined")?;
            }
            for trouble in answer.refused.iter().filter(|trouble| trouble.author == own) {
                write.put_trouble(trouble, "refused")?;
            }
            Ok(())
        })?;
        Ok(())
    }

    fn take_page(&mut self, page: FeedPage, verdict: PageVerdict, held: u64) -> Result<(), TerminalError> {
        let own = self.identity.device;
        self.store.write::<_, StoreError>(|write| {
            let mut state = write.view().sync_state()?;
            match verdict {
                PageVerdict::Snapshot { epoch, until } => {
                    write.begin_snapshot(own)?;
                    state.epoch = epoch;
                    state.cursor = 0;
                    state.snapshot_until = until;
                }
                PageVerdict::Apply => {
                    state.unknown_changes += write.apply_changes(&page.changes)?;
                    let under_way = state.cursor < state.snapshot_until;
                    state.cursor = page.next.max(state.cursor);
                    if under_way && state.cursor >= state.snapshot_until {
                        write.end_snapshot()?;
                    }
                }
            }
            state.held = held;
            write.set_sync_state(&state)
        })?;
        self.store.clean()?;
        self.reload()
    }

    fn take_blanks(&mut self, answer: BlanksAnswer) -> Result<usize, TerminalError> {
        let seconds: BTreeMap<CardId, &SecondCode> =
            answer.seconds.iter().take(BLANKS_POOL).map(|second| (second.card(), second)).collect();
        self.store.write::<_, StoreError>(|write| {
            write.add_blanks(&answer.blanks)?;
            if seconds.is_empty() { Ok(()) } else { write.set(SECONDS, &seconds) }
        })?;
        Ok(self.view().blanks_left()?)
    }

    fn end(&mut self, error: Option<String>, skew_ms: Option<i64>) -> Result<u64, TerminalError> {
        let now_ms = self.clock.now_ms();
        self.store.write::<_, StoreError>(|write| {
            let mut state = write.view().sync_state()?;
            match error {
                None => {
                    state.last_sync_ms = Some(now_ms);
                    state.last_error = None;
                    state.last_error_ms = None;
                }
                Some(error) => {
                    state.last_error = Some(error);
                    state.last_error_ms = Some(now_ms);
                }
            }
            state.skew_ms = skew_ms.or(state.skew_ms);
            write.set_sync_state(&state)
        })?;
        self.copy_out()?;
        self.pending()
    }
}

/// Each piece waits for its turn among the screen's own work.
impl Local for Handle {
    fn begin(&mut self) -> Result<(AuthorId, Progress), TerminalError> {
        self.piece(|terminal| terminal.begin())
    }

    fn pack(
        &mut self,
        epoch: &str,
        after: u64,
        rows_max: usize,
        bytes_max: usize,
    ) -> Result<Parcel, TerminalError> {
        let epoch = epoch.to_owned();
        self.piece(move |terminal| terminal.pack(&epoch, after, rows_max, bytes_max))
    }

    fn has_row(&mut self, seq: u64, hash: &str) -> Result<bool, TerminalError> {
        let hash = hash.to_owned();
        self.piece(move |terminal| terminal.has_row(seq, &hash))
    }

    fn delivered(
        &mut self,
        answer: PushAnswer,
        keys: Vec<(MemberId, MemberKey)>,
        held: u64,
    ) -> Result<(), TerminalError> {
        self.piece(move |terminal| terminal.delivered(answer, keys, held))
    }

    fn take_page(&mut self, page: FeedPage, verdict: PageVerdict, held: u64) -> Result<(), TerminalError> {
        self.piece(move |terminal| terminal.take_page(page, verdict, held))
    }

    fn take_blanks(&mut self, answer: BlanksAnswer) -> Result<usize, TerminalError> {
        self.piece(move |terminal| terminal.take_blanks(answer))
    }

    fn end(&mut self, error: Option<String>, skew_ms: Option<i64>) -> Result<u64, TerminalError> {
        self.piece(move |terminal| terminal.end(error, skew_ms))
    }
}

impl Handle {
    fn piece<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Local) -> Result<T, TerminalError> + Send + 'static,
    ) -> Result<T, TerminalError> {
        self.call(move |terminal| work(terminal))
            .map_err(|closed| TerminalError::NotNow(closed.to_string()))?
    }
}
