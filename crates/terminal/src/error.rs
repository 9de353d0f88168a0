//! What can go wrong at a terminal, in words for the person who stands there.

use stempel_domain::EventRef;
use stempel_domain::alarm::Alarm;
use stempel_domain::ids::NotAnId;
use stempel_domain::money::NotANumber;
use stempel_domain::rules::{Language, Refusal, TraceStep, sentence};
use stempel_store::StoreError;
use stempel_sync::SyncError;
use stempel_wire::token::TokenError;

/// An error of a terminal. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// The code is no card of ours.
    #[error("{0}")]
    Code(#[from] TokenError),
    /// Nobody has that number, id or name here.
    #[error(
        "“{0}” is not known here; check what was typed, scan the card, or look for a name: `stempel member find NAME`"
    )]
    Unknown(String),
    /// The card was blocked.
    #[error("this card is blocked; it was lost or replaced")]
    Blocked,
    /// A new card under a key that no longer opens new cards.
    #[error("this card is of an old series and was never used here; please give the guest a new card")]
    OldSeries,
    /// A code that could be a copy, where the shop wants the phone itself.
    #[error(
        "this is worth more than the shop gives for a code that can be copied; ask the guest to open the card on the \
         phone and show the code that changes"
    )]
    RotatingCodeWanted,
    /// The rules said no.
    #[error("{}", refusals(.0, .1, Language::En))]
    Refused(Vec<Refusal>, Vec<TraceStep>),
    /// The rules give nothing, for this reason.
    #[error("{}", sentences(.0, Language::En))]
    NotGiven(Vec<TraceStep>),
    /// Something cannot be done in this state.
    #[error("{0}")]
    NotNow(String),
    /// The input cannot be used.
    #[error("{0}")]
    Input(String),
    /// The event was taken back before.
    #[error("event {0} was taken back already")]
    AlreadyReversed(EventRef),
    /// What was shown proves no purchase that counts.
    #[error(transparent)]
    Proof(#[from] crate::proofs::ProofError),
    /// A wrong PIN, or a wrong recovery code.
    #[error("that is not the PIN")]
    WrongPin,
    /// Too many wrong PINs.
    #[error("too many wrong PINs; wait {seconds} s and try again")]
    PinWait {
        /// How long, in seconds.
        seconds: i64,
    },
    /// Only a manager may do this.
    #[error("this needs a manager's PIN")]
    NeedsManager,
    /// A manager is asked for, and there is none who could answer.
    #[error("no manager has a PIN yet; set one up first (`stempel operator`)")]
    NoManager,
    /// It goes beyond a limit that guards against helping oneself: a second person has to agree.
    #[error("{}; a manager has to agree: {}", alarm_sentences(.0, Language::En), agreeing(.0))]
    SecondPerson(Vec<Alarm>),
    /// The folder is not a terminal yet.
    #[error("this folder is not a terminal yet; make it one with `stempel init` or `stempel enroll`")]
    NotSetUp,
    /// The folder is one already.
    #[error("this folder is a terminal of “{0}” already; choose another folder with --data")]
    SetUpAlready(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The network or the server.
    #[error(transparent)]
    Sync(#[from] SyncError),
}

impl TerminalError {
    /// Whether a rule or a fact refused it (the caller did everything right), rather than the machine or the
    /// input.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Code(_)
                | Self::Unknown(_)
                | Self::Blocked
                | Self::OldSeries
                | Self::RotatingCodeWanted
                | Self::Refused(..)
                | Self::NotGiven(_)
                | Self::Sync(SyncError::Refused(_))
                | Self::NotNow(_)
                | Self::AlreadyReversed(_)
                | Self::Proof(_)
                | Self::WrongPin
                | Self::PinWait { .. }
                | Self::NeedsManager
                | Self::NoManager
                | Self::SecondPerson(_)
        )
    }

    /// Whether the machine or the network failed.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Store(_) | Self::Sync(_)) && !self.is_refusal()
    }
}

/// Why rewards were refused, one sentence each: the step of the explanation that says it, with its figures.
pub fn refusals(refused: &[Refusal], trace: &[TraceStep], language: Language) -> String {
    let each = refused.iter().map(|refusal| {
        let reward = refusal.reward.as_str();
        let said =
            trace.iter().find(|step| step.code == refusal.reason && step.rule.as_deref() == Some(reward));
        match said {
            Some(step) => sentence(step, language),
            None => format!("{reward}: {}", refusal.reason),
        }
    });
    each.collect::<Vec<_>>().join(" ")
}

/// The steps of an explanation as sentences.
pub fn sentences(trace: &[TraceStep], language: Language) -> String {
    let each: Vec<String> = trace.iter().map(|step| sentence(step, language)).collect();
    if each.is_empty() { "Nothing is given.".to_owned() } else { each.join("; ") }
}

/// Alarms as sentences.
pub fn alarm_sentences(alarms: &[Alarm], language: Language) -> String {
    alarms.iter().map(|alarm| alarm.sentence(language)).collect::<Vec<_>>().join("; ")
}

/// What a manager types to agree.
fn agreeing(alarms: &[Alarm]) -> String {
    let each =
        |alarm: &Alarm| format!("stempel alarms agree {} {} --pin -", alarm.kind.name(), alarm.subject);
    alarms.iter().map(each).collect::<Vec<_>>().join("; ")
}

impl From<NotAnId> for TerminalError {
    fn from(error: NotAnId) -> Self {
        Self::Input(error.to_string())
    }
}

impl From<NotANumber> for TerminalError {
    fn from(error: NotANumber) -> Self {
        Self::Input(error.to_string())
    }
}

impl From<serde_json::Error> for TerminalError {
    fn from(error: serde_json::Error) -> Self {
        Self::Store(StoreError::from(error))
    }
}

impl From<stempel_wire::row::RecordError> for TerminalError {
    fn from(error: stempel_wire::row::RecordError) -> Self {
        Self::Store(StoreError::Damaged(error.to_string()))
    }
}

impl From<stempel_wire::seal::SealError> for TerminalError {
    fn from(error: stempel_wire::seal::SealError) -> Self {
        Self::Store(StoreError::Damaged(error.to_string()))
    }
}
