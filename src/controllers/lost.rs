//! A lost card at the counter: whose it was is shown by the second code or said by a manager; then there is a new one.

use super::action::{Effect, Sound, UiAction};
use super::desk::{Desk, Joined, MemberId, Moment, Refusal};
use super::device::{Found, Owner};
use super::model::{Looking, LostModel, Notice};

/// The fewest letters of a name that are looked for: nobody leafs through the members.
const LETTERS_LEAST: usize = 2;
/// Members that are listed.
pub const LISTED_MAX: usize = 5;
/// The longest name or code.
const TEXT_MAX: usize = 200;

/// Keeps the way from a lost card to a new one.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct LostController {
    model: LostModel,
    wanted: String,
    /// Behind whom it is looked next.
    behind: Option<MemberId>,
    /// The next step was asked for: one is enough, however fast somebody types.
    asked: bool,
}

impl LostController {
    /// What is on the screen.
    pub fn model(&self) -> &LostModel {
        &self.model
    }

    /// The member's name, as far as it was typed.
    pub fn search(&mut self, desk: &impl Desk, text: &str) -> Vec<Effect> {
        let text: String = text.trim().chars().take(TEXT_MAX).collect();
        (self.model.notice, self.model.found, self.behind) = (Notice::default(), Vec::new(), None);
        let enough = text.chars().count() >= LETTERS_LEAST;
        self.model.looking = if enough { Looking::On } else { Looking::Nowhere };
        self.wanted = text;
        self.look(desk)
    }

    /// Looks at further members for the name.
    pub fn search_on(&mut self, desk: &impl Desk) -> Vec<Effect> {
        self.asked = false;
        self.look(desk)
    }

    fn look(&mut self, desk: &impl Desk) -> Vec<Effect> {
        if self.model.looking != Looking::On {
            return Vec::new();
        }
        let looked = desk.find_named(&self.wanted, self.behind.as_ref());
        for found in looked.found {
            if !self.model.found.contains(&found) {
                self.model.found.push(found);
            }
        }
        self.behind = looked.behind;
        if self.model.found.len() > LISTED_MAX {
            self.model.found.truncate(LISTED_MAX);
            self.model.looking = Looking::Many;
        } else if self.behind.is_none() {
            self.model.looking = Looking::All;
        } else if !std::mem::replace(&mut self.asked, true) {
            return vec![Effect::Then(UiAction::LostSearchOn)];
        }
        Vec::new()
    }

    /// A member among those found.
    pub fn picked(&self, card: &str) -> Option<&Found> {
        self.model.found.iter().find(|found| found.card == card)
    }

    /// The second code, typed or read.
    pub fn second(&mut self, desk: &mut impl Desk, text: &str, now: Moment) -> Vec<Effect> {
        let text: String = text.trim().chars().take(TEXT_MAX).collect();
        if self.model.joined.is_some() || text.is_empty() {
            return Vec::new();
        }
        match desk.replace_lost(&Owner::Second(text), now) {
            Ok(joined) => self.replaced(joined),
            Err(refusal) => self.refused(refusal),
        }
    }

    /// A manager says that the card was that member's.
    ///
    /// # Errors
    /// The PIN is wrong, or nobody may do it.
    pub fn by_manager(
        &mut self,
        desk: &mut impl Desk,
        card: &str,
        pin: &str,
        now: Moment,
    ) -> Result<Vec<Effect>, Refusal> {
        let owner = Owner::Manager { card: card.to_owned(), pin: pin.to_owned() };
        match desk.replace_lost(&owner, now) {
            Ok(joined) => Ok(self.replaced(joined)),
            Err(refused @ (Refusal::NeedsManager | Refusal::WrongPin | Refusal::PinWait { .. })) => {
                Err(refused)
            }
            Err(refusal) => Ok(self.refused(refusal)),
        }
    }

    fn replaced(&mut self, joined: Joined) -> Vec<Effect> {
        self.model = LostModel { joined: Some(joined), ..LostModel::default() };
        vec![Effect::Play(Sound::Reward)]
    }

    fn refused(&mut self, refusal: Refusal) -> Vec<Effect> {
        self.model.notice = Notice::refused(refusal).0;
        vec![Effect::Play(Sound::Refused)]
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::NoticeKind;
    use super::super::sample_desk::{SampleDesk, at};
    use super::*;

    #[test]
    fn the_second_code_is_enough_for_a_card_without_a_name_and_for_no_other() {
        let (mut desk, mut lost) = (SampleDesk::default(), LostController::default());
        lost.second(&mut desk, "R1-of-ada", at(0));
        assert_eq!(lost.model().notice.kind, NoticeKind::NeedsManager, "a named card needs a manager");
        lost.second(&mut desk, "rubbish", at(0));
        assert_eq!(lost.model().notice.kind, NoticeKind::UnknownCode);
        let effects = lost.second(&mut desk, " R1-of-nobody ", at(1));
        assert_eq!(effects, [Effect::Play(Sound::Reward)]);
        assert!(lost.model().joined.is_some());
    }

    #[test]
    fn members_are_looked_through_in_steps_and_only_for_what_was_typed_last() {
        let mut desk = SampleDesk::default();
        desk.named =
            (0..10).map(|number| if number == 7 { "Zoe".into() } else { format!("Ada {number}") }).collect();
        let (mut lost, then) = (LostController::default(), [Effect::Then(UiAction::LostSearchOn)]);
        assert_eq!(lost.search(&desk, "zo"), then, "not all at once");
        assert_eq!((lost.model().looking, lost.model().found.len()), (Looking::On, 0));
        assert_eq!(lost.search(&desk, "zoe"), [], "one step is on its way already");
        let mut steps = 0;
        while lost.search_on(&desk) == then {
            steps += 1;
        }
        assert!(steps > 1 && lost.model().looking == Looking::All);
        assert_eq!(lost.model().found.iter().map(|found| &found.name[..]).collect::<Vec<_>>(), ["Zoe"]);
        lost.search(&desk, "ada");
        while lost.search_on(&desk) == then {}
        assert_eq!((lost.model().looking, lost.model().found.len()), (Looking::Many, LISTED_MAX));
        lost.search(&desk, "nobody");
        while lost.search_on(&desk) == then {}
        assert_eq!((lost.model().looking, lost.model().found.len()), (Looking::All, 0));
    }

    #[test]
    fn a_name_alone_gives_nothing() {
        let (mut desk, mut lost) = (SampleDesk::default(), LostController::default());
        lost.search(&desk, "a");
        assert!(lost.model().found.is_empty(), "one letter lists nobody");
        assert_eq!(lost.model().looking, Looking::Nowhere);
        lost.search(&desk, "ad");
        let card = lost.model().found[0].card.clone();
        assert!(lost.picked(&card).is_some() && lost.picked("other").is_none());
        assert_eq!(lost.by_manager(&mut desk, &card, "1234", at(0)), Err(Refusal::WrongPin));
        assert!(lost.model().joined.is_none());
        lost.by_manager(&mut desk, &card, "9090", at(1)).unwrap();
        assert_eq!(lost.model().joined.as_ref().map(|joined| joined.guest.name.as_str()), Some("Ada"));
    }
}
