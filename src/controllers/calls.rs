//! Calls from the kiosks of the shop, at the counter: who wants help, and which reward waits for a word.

use super::desk::{Desk, MemberId, Moment, RewardId};
use super::device::{Call, Note};

/// Calls on the screen at once; the oldest goes first.
const CALLS_MAX: usize = 3;
/// How long a call stays, in seconds: nobody waits longer at a kiosk.
const CALL_SECONDS: i64 = 60;

/// Keeps the calls.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct CallsController {
    calls: Vec<Call>,
}

impl CallsController {
    /// What is on the screen, oldest first.
    pub fn model(&self) -> &[Call] {
        &self.calls
    }

    /// A note from a kiosk. Says whether somebody has to hear it.
    pub fn told(&mut self, desk: &impl Desk, note: &Note, now: Moment) -> bool {
        let call = match note {
            Note::Help { id } => Call { id: id.clone(), at: now, ..Call::default() },
            Note::Reward { id, member, reward } => {
                let (name, reward) = desk.call_words(&MemberId(member.clone()), &RewardId(reward.clone()));
                Call { id: id.clone(), name, reward: Some(reward), at: now }
            }
            Note::Gone { id } | Note::Done { id, .. } => {
                self.calls.retain(|call| call.id != *id);
                return false;
            }
            // Another counter was faster.
            Note::Answer { id, .. } => {
                self.calls.retain(|call| call.id != *id);
                return false;
            }
        };
        if self.calls.iter().any(|known| known.id == call.id) {
            return false;
        }
        self.calls.push(call);
        if self.calls.len() > CALLS_MAX {
            self.calls.remove(0);
        }
        true
    }

    /// Somebody at the counter answers.
    pub fn answer(&mut self, id: &str, yes: bool) -> Option<Note> {
        let place = self.calls.iter().position(|call| call.id == id)?;
        self.calls.remove(place);
        Some(Note::Answer { id: id.to_owned(), yes })
    }

    /// Lets old calls go.
    pub fn tick(&mut self, now: Moment) {
        self.calls.retain(|call| now.seconds_since(call.at) < CALL_SECONDS);
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample_desk::{SampleDesk, at};
    use super::*;

    fn help(id: &str) -> Note {
        Note::Help { id: id.into() }
    }

    #[test]
    fn a_call_is_heard_once_answered_once_and_does_not_stay_for_ever() {
        let (desk, mut calls) = (SampleDesk::default(), CallsController::default());
        assert!(calls.told(&desk, &help("a"), at(0)));
        assert!(!calls.told(&desk, &help("a"), at(1)), "the same call rings once");
        let wanted = Note::Reward { id: "b".into(), member: "ada".into(), reward: "free-coffee".into() };
        assert!(calls.told(&desk, &wanted, at(2)));
        assert_eq!(calls.model()[1].name, "Ada");
        assert_eq!(calls.model()[1].reward.as_deref(), Some("Gratis-Kaffee"));
        assert_eq!(calls.answer("b", true), Some(Note::Answer { id: "b".into(), yes: true }));
        assert_eq!(calls.answer("b", true), None);
        calls.tick(at(61));
        assert!(calls.model().is_empty());
    }

    #[test]
    fn a_call_that_is_over_goes_and_the_oldest_gives_way() {
        let (desk, mut calls) = (SampleDesk::default(), CallsController::default());
        for id in ["a", "b", "c", "d"] {
            calls.told(&desk, &help(id), at(0));
        }
        assert_eq!(calls.model().iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["b", "c", "d"]);
        calls.told(&desk, &Note::Gone { id: "c".into() }, at(1));
        calls.told(&desk, &Note::Answer { id: "d".into(), yes: true }, at(1));
        assert_eq!(calls.model().len(), 1);
    }
}
