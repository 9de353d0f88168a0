//! Faults put in on purpose, to see that they are found: one for each trap of sync, and some for the other promises.
//!
//! They stand in the simulator's own network, in its hands that act for people, or in its hand on the server's
//! database; nothing in the product knows of them.

/// A fault put in on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// Trap 1: a change committed late stands below a cursor that has passed.
    LateCommit,
    /// Trap 2: what is tried again has no key, and is done twice.
    RetryWithoutKey,
    /// Trap 3: another row under a known number is ignored, and answered as done.
    OtherBodyIgnored,
    /// Trap 4: another row under a known number takes the place of the one that was there.
    OtherBodyWins,
    /// Trap 5: a row that is not liked blocks those behind it.
    BadRowBlocks,
    /// Trap 6: rows above a gap are answered as taken.
    GapAnswered,
    /// Trap 7: an acknowledgement is given for what was not stored.
    AckWithoutData,
    /// Trap 8: the highest number hides a hole.
    HoleHidden,
    /// Trap 9: a device believes its own clock.
    OwnClock,
    /// Trap 10: a change has a name that the device does not know, though its meaning is the old one.
    RenamedChange,
    /// Trap 11: the position of a snapshot is noted after it instead of before.
    SnapshotLateMark,
    /// Trap 12: what failed is tried again at once.
    NoBackoff,
    /// Trap 13: the folder's lock is taken away from under its holder.
    LockRemoved,
    /// Trap 14: rows that were sent count as held though the answer never came.
    CutMarksSent,
    /// A base leaves out whose events are in it, so that the overlay counts them again.
    IncludesForgotten,
    /// A base says that it holds an event that is not in it.
    IncludesTooMuch,
    /// A base's amounts were changed on the way.
    AmountChanged,
    /// The inbox loses a case.
    CaseLost,
    /// An exchange that failed is noted as one that went through.
    FailureForgotten,
    /// A programme arrives with another cap than was published.
    CapChanged,
    /// A row disappears from the server.
    RowLost,
    /// The last thing that was done is gone after a crash.
    CommitLost,
    /// Nobody takes back a right that was given twice.
    RightTwice,
    /// The key that opens a name does not reach a device.
    NameKeyLost,
    /// A device does not hear that two members are one person.
    MergeLost,
    /// A device does not hear that somebody is forgotten.
    ErasureLost,
    /// The bytes of a dropped key stay on the disk.
    KeyLeft,
    /// Two servers that should share a database do not.
    ServersApart,
}

impl Planted {
    /// All of them.
    pub const ALL: [Self; 28] = [
        Self::LateCommit,
        Self::RetryWithoutKey,
        Self::OtherBodyIgnored,
        Self::OtherBodyWins,
        Self::BadRowBlocks,
        Self::GapAnswered,
        Self::AckWithoutData,
        Self::HoleHidden,
        Self::OwnClock,
        Self::RenamedChange,
        Self::SnapshotLateMark,
        Self::NoBackoff,
        Self::LockRemoved,
        Self::CutMarksSent,
        Self::IncludesForgotten,
        Self::IncludesTooMuch,
        Self::AmountChanged,
        Self::CaseLost,
        Self::FailureForgotten,
        Self::CapChanged,
        Self::RowLost,
        Self::CommitLost,
        Self::RightTwice,
        Self::NameKeyLost,
        Self::MergeLost,
        Self::ErasureLost,
        Self::KeyLeft,
        Self::ServersApart,
    ];
}
