//! The questions that a planner asks, and what can go wrong with the answers.

use stempel_wire::message::{BlanksAnswer, EnrollAnswer, EnrollRequest, FeedPage, Problem, PushAnswer};

/// Why an exchange did not go through. Nothing is lost: the queue is kept, and the exchange can be tried again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyncError {
    /// Nobody answers at that address.
    #[error("the server cannot be reached; everything is kept here and sent later")]
    Unreachable,
    /// It took too long.
    #[error("the server did not answer in time; everything is kept here and sent later")]
    Slow,
    /// The connection broke in the middle of the answer.
    #[error("the connection broke off in the middle of the answer; it will be asked again")]
    CutOff,
    /// Something answers, but not a Stempel server.
    #[error("what answers there is not a Stempel server, or not one that this program understands ({0})")]
    Rubbish(String),
    /// The server understood, and says no.
    #[error("{}. {}", .0.title, .0.detail)]
    Refused(Problem),
    /// The server is busy or its database is away.
    #[error("the server is busy just now; it will be asked again")]
    Busy,
    /// The address would send data in clear through a network.
    #[error("the address must begin with https:// (plain http is allowed on this machine only)")]
    Insecure,
    /// The address is none.
    #[error("“{0}” is not the address of a server; write it like https://stempel.example")]
    BadAddress(String),
    /// The server answered without moving forward, again and again.
    #[error("the server answers but takes nothing; please have somebody look at it")]
    Stuck,
    /// This device's data is older than what the server has of it.
    #[error(
        "the server knows more of this terminal than the terminal itself: an older copy was put in its place. Enrol it anew; nothing that the server has is lost"
    )]
    OlderCopy,
}

impl SyncError {
    /// The problem's code, if the server named one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(problem) => Some(&problem.code),
            _ => None,
        }
    }

    /// Whether the server tells this device nothing any more: the owner has signed it out.
    pub fn is_signed_out(&self) -> bool {
        self.code() == Some("device-revoked")
    }
}

/// Carries questions to the server and answers back.
pub trait Transport {
    /// Asks to belong to a shop.
    fn enroll(&mut self, request: &EnrollRequest) -> Result<EnrollAnswer, SyncError>;

    /// Sends journal rows, in the form of [`stempel_wire::message::push_body`].
    fn push(&mut self, body: Vec<u8>) -> Result<PushAnswer, SyncError>;

    /// Asks for the changes after a position; with `wait_ms` the server may hold the answer until there is one.
    fn feed(&mut self, after: u64, limit: usize, wait_ms: u64) -> Result<FeedPage, SyncError>;

    /// Hands over a sealed frame of another device's second copy ([`stempel_wire::copy`]).
    ///
    /// # Errors
    /// Always, on a line that carries none.
    fn copy(&mut self, sealed: Vec<u8>) -> Result<PushAnswer, SyncError> {
        drop(sealed);
        Err(SyncError::Rubbish("this line carries no second copies".to_owned()))
    }

    /// Asks for blank cards.
    fn blanks(&mut self) -> Result<BlanksAnswer, SyncError>;

    /// How far this device's clock is ahead of the server's, in milliseconds, if an answer has told.
    fn skew_ms(&self) -> Option<i64>;
}
