//! Watches a source from outside: a pure state machine over what the reader thread reports and what the clock says.
//!
//! A camera's read call has no time-out, and a driver can repeat one picture or an error for ever. The watchdog turns
//! each of these into a [`Condition`] for the screen and decides when the source is opened again. Waits double from
//! try to try and start small again once pictures come.

use std::time::Duration;

use crate::source::SourceError;

/// When the watchdog acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchPolicy {
    /// Without a frame for so long the source counts as stalled.
    pub stalled_after: Duration,
    /// A stalled source is given up after so long without a frame, and opened again.
    pub abandoned_after: Duration,
    /// Opening may take so long, the first frame included.
    pub opening_max: Duration,
    /// A live source that repeats one picture for so long counts as frozen and is opened again.
    pub frozen_after: Duration,
    /// A source that gives only black for so long counts as black. It is not opened again: somebody covered it.
    pub black_after: Duration,
    /// The first wait before opening again.
    pub retry_first: Duration,
    /// The longest wait before opening again.
    pub retry_max: Duration,
}

impl Default for WatchPolicy {
    fn default() -> Self {
        Self {
            stalled_after: Duration::from_secs(2),
            abandoned_after: Duration::from_secs(5),
            opening_max: Duration::from_secs(10),
            frozen_after: Duration::from_secs(10),
            black_after: Duration::from_secs(3),
            retry_first: Duration::from_millis(500),
            retry_max: Duration::from_secs(5),
        }
    }
}

/// How the source is, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Condition {
    /// It is being opened, or waits to be.
    Opening,
    /// Frames come.
    Running,
    /// Frames stopped coming.
    Stalled,
    /// The same picture comes again and again.
    Frozen,
    /// Only black comes: the lens is covered, or there is no light.
    Black,
    /// Another program holds the camera.
    Busy,
    /// The camera went away, or was never there.
    Unplugged,
    /// It cannot be opened or read; the detail says why.
    Failed,
    /// All frames were given.
    Ended,
    /// The scanner was stopped.
    Stopped,
}

/// How the source is, for the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceState {
    /// In one word.
    pub condition: Condition,
    /// The clock's reading when it became so.
    pub since: Duration,
    /// What happened and what to do, in a sentence.
    pub detail: Option<String>,
    /// The clock's reading at which it is opened again.
    pub retry_at: Option<Duration>,
    /// Tries to open since the last good frame.
    pub attempts: u32,
}

/// What the watchdog has to know of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameFacts {
    /// Equal for equal pictures.
    pub fingerprint: u64,
    /// There is no light in it.
    pub black: bool,
    /// Equal pictures mean that the source is frozen.
    pub live: bool,
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Open the source.
    Open,
    /// Let the reader thread go: its call does not come back, or its source has to be opened again.
    Abandon,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing is open; open at this moment.
    Waiting { until: Duration },
    /// Opened at this moment, no frame yet.
    Opening { from: Duration },
    /// Frames come.
    Reading(Reading),
    /// Nothing more will come.
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reading {
    last_frame: Duration,
    fingerprint: u64,
    same_since: Duration,
    black_since: Option<Duration>,
}

/// Decides what to do about a source.
#[derive(Debug)]
pub struct Watchdog {
    policy: WatchPolicy,
    phase: Phase,
    state: SourceState,
    retry: Duration,
    /// The picture at which the source was opened again for being frozen.
    frozen_at: Option<u64>,
}

impl Watchdog {
    /// Makes a watchdog that opens the source at the first tick.
    pub fn new(policy: WatchPolicy, now: Duration) -> Self {
        let state = SourceState {
            condition: Condition::Opening,
            since: now,
            detail: None,
            retry_at: None,
            attempts: 0,
        };
        Self {
            policy,
            phase: Phase::Waiting { until: now },
            state,
            retry: policy.retry_first,
            frozen_at: None,
        }
    }

    /// Gives the state for the screen.
    pub fn state(&self) -> &SourceState {
        &self.state
    }

    /// Says what is to be done now. Call it several times a second.
    pub fn tick(&mut self, now: Duration) -> Option<Action> {
        match self.phase {
            Phase::Waiting { until } if now >= until => {
                self.phase = Phase::Opening { from: now };
                self.state.attempts = self.state.attempts.saturating_add(1);
                self.state.retry_at = None;
                Some(Action::Open)
            }
            Phase::Waiting { .. } | Phase::Over => None,
            Phase::Opening { from } => (now.saturating_sub(from) >= self.policy.opening_max).then(|| {
                self.abandon(now, Condition::Stalled, "the camera does not answer; plug it out and in again")
            }),
            Phase::Reading(reading) => self.judge(reading, now),
        }
    }

    /// Takes note of a frame.
    pub fn frame(&mut self, now: Duration, facts: FrameFacts) {
        let last = match self.phase {
            Phase::Reading(reading) => Some(reading),
            Phase::Waiting { .. } | Phase::Opening { .. } => None,
            Phase::Over => return,
        };
        let same = last.filter(|last| facts.live && last.fingerprint == facts.fingerprint);
        let black_since = facts.black.then(|| last.and_then(|last| last.black_since).unwrap_or(now));
        let reading = Reading {
            last_frame: now,
            fingerprint: facts.fingerprint,
            same_since: same.map_or(now, |same| same.same_since),
            black_since,
        };
        self.phase = Phase::Reading(reading);
        // The picture that was frozen before the source was opened again is no proof that it works.
        if self.frozen_at.is_none_or(|frozen| frozen != facts.fingerprint) {
            self.frozen_at = None;
            self.retry = self.policy.retry_first;
        }
        self.state.attempts = 0;
        let judged = self.condition_of(reading, now);
        self.enter(judged, now, detail_of(judged), None);
    }

    /// Takes note that the source failed and is closed.
    pub fn failed(&mut self, now: Duration, error: &SourceError) {
        if *error == SourceError::Ended {
            self.phase = Phase::Over;
            return self.enter(Condition::Ended, now, None, None);
        }
        let condition = match error {
            SourceError::Busy { .. } => Condition::Busy,
            SourceError::Unplugged { .. } | SourceError::Missing { .. } => Condition::Unplugged,
            _ => Condition::Failed,
        };
        self.wait(now, condition, error.to_string());
    }

    /// Takes note that the scanner stops.
    pub fn stopped(&mut self, now: Duration) {
        self.phase = Phase::Over;
        self.enter(Condition::Stopped, now, None, None);
    }

    /// Puts off an opening that cannot happen yet.
    pub fn put_off(&mut self, now: Duration, reason: &str) {
        self.wait(now, Condition::Stalled, reason.to_owned());
    }

    fn judge(&mut self, reading: Reading, now: Duration) -> Option<Action> {
        let condition = self.condition_of(reading, now);
        if now.saturating_sub(reading.last_frame) >= self.policy.abandoned_after {
            let detail = "the camera stopped sending pictures; it is opened again";
            return Some(self.abandon(now, Condition::Stalled, detail));
        }
        if condition == Condition::Frozen && now.saturating_sub(reading.same_since) >= self.frozen_limit() {
            self.frozen_at = Some(reading.fingerprint);
            let detail = "the camera repeats one picture; it is opened again";
            return Some(self.abandon(now, Condition::Frozen, detail));
        }
        self.enter(condition, now, detail_of(condition), None);
        None
    }

    /// A picture that stays the same across an opening is looked at ever longer before the next one.
    fn frozen_limit(&self) -> Duration {
        let grown = self.retry.as_secs_f64() / self.policy.retry_first.as_secs_f64().max(1e-9);
        self.policy.frozen_after.mul_f64(grown.clamp(1.0, 60.0))
    }

    fn condition_of(&self, reading: Reading, now: Duration) -> Condition {
        let lasts = |since: Duration, limit: Duration| now.saturating_sub(since) >= limit;
        if lasts(reading.last_frame, self.policy.stalled_after) {
            Condition::Stalled
        } else if reading.black_since.is_some_and(|since| lasts(since, self.policy.black_after)) {
            Condition::Black
        } else if lasts(reading.same_since, self.policy.frozen_after) {
            Condition::Frozen
        } else {
            Condition::Running
        }
    }

    fn abandon(&mut self, now: Duration, condition: Condition, detail: &str) -> Action {
        self.wait(now, condition, detail.to_owned());
        Action::Abandon
    }

    fn wait(&mut self, now: Duration, condition: Condition, detail: String) {
        let until = now + self.retry;
        self.retry = (self.retry * 2).min(self.policy.retry_max.max(self.policy.retry_first));
        self.phase = Phase::Waiting { until };
        self.enter(condition, now, Some(detail), Some(until));
    }

    fn enter(
        &mut self,
        condition: Condition,
        now: Duration,
        detail: Option<String>,
        retry_at: Option<Duration>,
    ) {
        if self.state.condition != condition {
            self.state.condition = condition;
            self.state.since = now;
        }
        self.state.detail = detail;
        self.state.retry_at = retry_at;
    }
}

fn detail_of(condition: Condition) -> Option<String> {
    let detail = match condition {
        Condition::Stalled => "the camera sends no pictures; check its cable",
        Condition::Frozen => "the camera repeats one picture; it is opened again",
        Condition::Black => "the camera sees only black; uncover its lens or make light",
        _ => return None,
    };
    Some(detail.to_owned())
}
