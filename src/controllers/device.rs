//! What the screens ask about the device itself, and what devices of a shop say to each other: plain data.

use serde::{Deserialize, Serialize};

use super::desk::{MemberId, Moment};

/// How low and how high the middle of a screen may hang, in millimetres above the floor.
pub const HEIGHT_MM: (u32, u32) = (500, 1700);
/// Above this a kiosk is out of reach for some: its upper edge is then higher than 1,220 mm.
pub const HEIGHT_REACH_MM: u32 = 1100;

/// How a device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// It faces the guest; otherwise whoever works at the counter.
    pub faces_guest: bool,
    /// How high the middle of the screen is, in millimetres above the floor.
    pub height_mm: u32,
    /// By how many quarters to the right the camera's picture has to be turned to stand upright.
    pub quarter_turns: u8,
}

impl Default for Placement {
    fn default() -> Self {
        Self { faces_guest: true, height_mm: HEIGHT_REACH_MM, quarter_turns: 0 }
    }
}

/// The plug test: stamps are given, the plug is pulled, and what is left is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlugTest {
    /// How many stamps it gave.
    pub given: u32,
    /// What was counted after the next start; none as long as there was none.
    pub result: Option<PlugResult>,
}

/// What a plug test found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlugResult {
    /// Stamps that were there.
    pub found: u32,
    /// When it was counted.
    pub at: Moment,
    /// The machine itself had been started again, and not the program alone.
    pub machine: bool,
}

/// A question to guests: from 0 to 10, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Question {
    /// How it is asked.
    pub text: String,
    /// What a guest may say to “why”.
    pub reasons: Vec<String>,
}

/// A member who was looked for by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The first name.
    pub name: String,
    /// The number of the card.
    pub card: String,
}

/// What looking through some of the members has found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Looked {
    /// Those whose name fits.
    pub found: Vec<Found>,
    /// Behind whom it goes on; none when all were looked at.
    pub behind: Option<MemberId>,
}

/// What shows that a lost card was somebody's.
#[derive(Clone, PartialEq, Eq)]
pub enum Owner {
    /// The second code on the card's back, or on a slip that was kept at home.
    Second(String),
    /// A manager's word, for the card with this number.
    Manager {
        /// The number of the lost card.
        card: String,
        /// The manager's PIN.
        pin: String,
    },
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Second(_) => f.write_str("Second"),
            Self::Manager { card, .. } => {
                f.debug_struct("Manager").field("card", card).finish_non_exhaustive()
            }
        }
    }
}

/// What the devices of a shop say to each other: no name stands in it, each looks the guest up in its own data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Note {
    /// A guest at a kiosk asks for somebody.
    Help {
        /// The call's name, for the answer.
        id: String,
    },
    /// A guest at a kiosk wants a reward, which somebody has to confirm.
    Reward {
        /// The call's name, for the answer.
        id: String,
        /// Whose.
        member: String,
        /// Which.
        reward: String,
    },
    /// A call is over: the guest has gone, or it was confirmed otherwise.
    Gone {
        /// Which call.
        id: String,
    },
    /// The counter answers.
    Answer {
        /// Which call.
        id: String,
        /// Somebody comes; the reward is to be given.
        yes: bool,
    },
    /// The kiosk has done what the counter said, or could not any more.
    Done {
        /// Which call.
        id: String,
        /// It was given.
        given: bool,
    },
}

impl Note {
    /// The longest name in a note, in bytes: what is longer was not written by a device of ours.
    const NAME_LEN_MAX: usize = 64;

    /// Which call it is about.
    pub fn id(&self) -> &str {
        match self {
            Self::Help { id }
            | Self::Reward { id, .. }
            | Self::Gone { id }
            | Self::Answer { id, .. }
            | Self::Done { id, .. } => id,
        }
    }

    /// Whether it can be one of ours.
    pub fn is_plain(&self) -> bool {
        let fine = |text: &str| (1..=Self::NAME_LEN_MAX).contains(&text.len());
        match self {
            Self::Reward { id, member, reward } => fine(id) && fine(member) && fine(reward),
            other => fine(other.id()),
        }
    }
}

/// A call that is shown at the counter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Call {
    /// Its name.
    pub id: String,
    /// The guest's first name; empty for a card without one.
    pub name: String,
    /// What is wanted; none for help.
    pub reward: Option<String>,
    /// When it came.
    pub at: Moment,
}
