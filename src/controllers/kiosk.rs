//! The kiosk: one guest at a time, nobody hurried, nobody's card left on the screen.

use super::action::{Effect, Sound};
use super::desk::{
    Claim, Desk, Guest, Joined, MemberId, Moment, Refusal, RewardId, Stamped, Stamping, WhyKind,
};
use super::model::{KioskModel, KioskPage, Notice, NoticeKind};

/// How long a page waits before it asks, and how long the question waits for its answer.
pub const KIOSK_PATIENCE_SECONDS: i64 = 20;

/// The most lines about what a visit brought beside the stamp: there is no room for more.
const NEWS_MAX: usize = 3;

/// The best answer to the question.
const SCORE_MAX: u8 = 10;
/// Lines about challenges and tickets: there is no room for more.
const PROGRESS_MAX: usize = 2;

/// The longest first name that can be typed.
const NAME_LETTERS_MAX: usize = 24;

/// Keeps the kiosk's screen.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KioskController {
    model: KioskModel,
    needs_proof: bool,
    touched: Moment,
    /// The answer to the question, before the “why”.
    score: Option<u8>,
    /// An answer whose guest went before the “why”: it is stored without one.
    unsaid: Option<u8>,
    /// The guest whose card was read still has to show a proof of purchase.
    owes_proof: bool,
}

impl KioskController {
    /// Starts at the first page. With `needs_proof` a stamp needs a proof of purchase after the card.
    pub fn new(needs_proof: bool) -> Self {
        Self { needs_proof, ..Self::default() }
    }

    /// What is on the screen.
    pub fn model(&self) -> &KioskModel {
        &self.model
    }

    /// Lets time go by: asks whether somebody is there, and goes back to the first page when nobody answers.
    pub fn tick(&mut self, now: Moment) {
        let idle = now.seconds_since(self.touched);
        self.model.alone = self.model.page == KioskPage::Attract && idle >= 2 * KIOSK_PATIENCE_SECONDS;
        match self.model.page {
            KioskPage::Attract => {}
            KioskPage::Thanks if idle >= KIOSK_PATIENCE_SECONDS => self.leave(),
            KioskPage::Thanks => {}
            _ if idle >= 2 * KIOSK_PATIENCE_SECONDS => self.leave(),
            _ if idle >= KIOSK_PATIENCE_SECONDS => {
                self.model.asking = u32::try_from(2 * KIOSK_PATIENCE_SECONDS - idle).ok();
            }
            _ => self.model.asking = None,
        }
    }

    /// Somebody is there.
    pub fn stay(&mut self, now: Moment) {
        self.touched = now;
        self.model.alone = false;
        self.model.asking = None;
    }

    /// The guest begins, or tries again.
    pub fn start(&mut self, now: Moment) {
        self.stay(now);
        let to_proof = self.owes_proof && self.model.page == KioskPage::Message;
        self.model.page = if to_proof { KioskPage::Proof } else { KioskPage::Scan };
        self.model.notice = Notice::default();
        if !to_proof {
            self.forget_guest();
        }
    }

    /// The guest is done with the card, or gives up before it. Who is done is asked one question, if there is one.
    pub fn done(&mut self, desk: &impl Desk, now: Moment) {
        let page = self.model.page;
        if matches!(page, KioskPage::Card | KioskPage::Code | KioskPage::Question | KioskPage::Why)
            && self.model.asking.is_none()
        {
            self.model.code.clear();
            self.unsaid = self.score.take().or(self.unsaid);
            self.stay(now);
            let question = if page == KioskPage::Card { desk.question() } else { None };
            self.model.page = if question.is_some() { KioskPage::Question } else { KioskPage::Thanks };
            self.model.question = question;
        } else {
            self.leave();
        }
    }

    /// The guest has chosen another language: what is being asked is said in it.
    pub fn say_anew(&mut self, desk: &impl Desk) {
        if matches!(self.model.page, KioskPage::Question | KioskPage::Why) {
            self.model.question = desk.question().or(self.model.question.take());
        }
    }

    /// The guest answers the question. Where there is a “why” to it, it is stored with that.
    pub fn score(&mut self, desk: &mut impl Desk, score: u32, now: Moment) -> Vec<Effect> {
        let Ok(score) = u8::try_from(score) else { return Vec::new() };
        if self.model.page != KioskPage::Question || score > SCORE_MAX {
            return Vec::new();
        }
        self.stay(now);
        if self.model.question.as_ref().is_some_and(|question| !question.reasons.is_empty()) {
            self.score = Some(score);
            self.model.page = KioskPage::Why;
            return Vec::new();
        }
        self.answered(desk, score, None, now)
    }

    /// The guest says why, or would rather not.
    pub fn why(&mut self, desk: &mut impl Desk, reason: Option<&str>, now: Moment) -> Vec<Effect> {
        match (self.model.page, self.score) {
            (KioskPage::Why, Some(score)) => self.answered(desk, score, reason, now),
            (KioskPage::Question, _) => {
                self.done(desk, now);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// An answer that cannot be stored is no reason to keep a guest waiting: it is lost, and nothing else is.
    fn answered(
        &mut self,
        desk: &mut impl Desk,
        score: u8,
        reason: Option<&str>,
        now: Moment,
    ) -> Vec<Effect> {
        self.stay(now);
        self.score = None;
        self.model.page = KioskPage::Thanks;
        match desk.answer(score, reason, now) {
            Ok(()) => Vec::new(),
            Err(_) => vec![Effect::Play(Sound::Refused)],
        }
    }

    /// What guests gave away is told on the first page; an answer that was left half is stored as it is.
    pub fn refresh(&mut self, desk: &mut impl Desk, now: Moment) {
        if let Some(score) = self.unsaid.take() {
            // There is nobody left to tell.
            let _ = desk.answer(score, None, now);
        }
        if self.model.page == KioskPage::Attract {
            self.model.gifts = desk.gifts();
        }
    }

    /// Somebody at the counter has heard the call for help.
    pub fn coming(&mut self) {
        self.model.coming = self.model.help_called;
    }

    /// The call goes to the counter as well, and rings there.
    pub fn rings_at_counter(&mut self) {
        self.model.at_counter = self.model.help_called;
    }

    /// Who stands there, and may want something.
    pub fn member(&self) -> Option<&MemberId> {
        self.model.guest.as_ref().map(|guest| &guest.member)
    }

    /// Whether a manager can leave the kiosk by a PIN.
    pub fn set_can_leave(&mut self, can: bool) {
        self.model.can_leave = can;
    }

    /// Whoever comes next is somebody else.
    fn forget_guest(&mut self) {
        self.model.guest = None;
        self.owes_proof = false;
    }

    /// The page is clean for the next guest.
    pub fn leave(&mut self) {
        self.owes_proof = false;
        self.unsaid = self.score.take().or(self.unsaid);
        let KioskModel { landing, can_leave, .. } = self.model;
        let gifts = std::mem::take(&mut self.model.gifts);
        self.model = KioskModel { landing, can_leave, gifts, ..KioskModel::default() };
    }

    /// Help is called; the counter rings.
    pub fn help(&mut self, now: Moment) -> Vec<Effect> {
        self.stay(now);
        self.model.help_called = true;
        (self.model.coming, self.model.at_counter) = (false, false);
        vec![Effect::CallHelp]
    }

    /// A code was read: a card, or after it the proof of purchase. After a proof that was refused the next one counts
    /// without a touch; a card is a card on every page, and what is neither leads nobody to the guest before.
    pub fn scan(&mut self, desk: &mut impl Desk, text: &str, now: Moment) -> Vec<Effect> {
        self.stay(now);
        if self.at_new_card() {
            // The receipt in the hand, or the card in view again, takes neither the code nor the letters away.
            match desk.scan(text, now) {
                Ok(guest) if self.member() != Some(&guest.member) => {}
                Ok(_) if self.model.page == KioskPage::Code => {}
                Ok(_) => return Vec::new(),
                Err(_) => return vec![Effect::Play(Sound::Refused)],
            }
        }
        let waiting = self.model.guest.clone().filter(|_| self.owes_proof);
        // The card of somebody who works here says that something was bought, where the shop wants it so.
        if desk.is_proof(text) || (waiting.is_some() && desk.is_staff_card(text)) {
            return match waiting {
                Some(guest) => {
                    let answer = desk.stamp_for_proof(&guest.member, text, now);
                    self.land(answer, guest.is_new)
                }
                None => {
                    self.forget_guest();
                    self.refuse(Refusal::CardFirst)
                }
            };
        }
        match (desk.scan(text, now), waiting) {
            (Ok(guest), _) => self.welcome(desk, guest, now),
            (Err(_), Some(guest)) => {
                let answer = desk.stamp_for_proof(&guest.member, text, now);
                self.land(answer, guest.is_new)
            }
            (Err(refusal), _) => {
                self.forget_guest();
                self.refuse(refusal)
            }
        }
    }

    /// The code of a new card is being photographed, or a name is being typed.
    fn at_new_card(&self) -> bool {
        matches!(self.model.page, KioskPage::Privacy | KioskPage::Name | KioskPage::Code)
    }

    /// A guest without a card wants one.
    pub fn join(&mut self, now: Moment) {
        self.leave();
        self.stay(now);
        self.model.page = KioskPage::Join;
    }

    /// The card shall have a name, a new one or the one on the screen: first it is said what happens to it.
    pub fn join_named(&mut self, now: Moment) {
        self.stay(now);
        let nameless = self.model.guest.as_ref().is_some_and(|guest| guest.name.is_empty());
        if self.model.page == KioskPage::Join || (self.model.page == KioskPage::Card && nameless) {
            self.model.page = KioskPage::Privacy;
        }
    }

    /// The guest agrees; nothing was stored so far.
    pub fn agree(&mut self, now: Moment) {
        self.stay(now);
        if self.model.page == KioskPage::Privacy {
            self.model.page = KioskPage::Name;
        }
    }

    /// A letter of the name: large at the beginning and after a hyphen, small elsewhere.
    pub fn key(&mut self, letters: &str, now: Moment) {
        self.stay(now);
        if self.model.page != KioskPage::Name {
            return;
        }
        for letter in letters.chars().filter(|letter| letter.is_alphabetic() || *letter == '-') {
            let begins = self.model.typed.is_empty() || self.model.typed.ends_with('-');
            if self.model.typed.chars().count() >= NAME_LETTERS_MAX || (begins && letter == '-') {
                continue;
            }
            if begins {
                self.model.typed.extend(letter.to_uppercase());
            } else {
                self.model.typed.extend(letter.to_lowercase());
            }
        }
    }

    /// The last letter goes.
    pub fn erase(&mut self, now: Moment) {
        self.stay(now);
        self.model.typed.pop();
    }

    /// The name is typed: the card is made.
    pub fn name_done(&mut self, desk: &mut impl Desk, now: Moment) -> Vec<Effect> {
        self.stay(now);
        let name = self.model.typed.trim_end_matches('-').to_owned();
        if self.model.page != KioskPage::Name || name.is_empty() {
            return Vec::new();
        }
        let Some(guest) = &self.model.guest else {
            let joined = desk.join(Some(&name), now);
            return self.joined(joined);
        };
        match desk.name_guest(&guest.member, &name, now) {
            Ok(named) => {
                self.back_to_card(named);
                vec![Effect::Play(Sound::Reward)]
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// The card that is on the screen already is shown again; no stamp lands a second time.
    fn back_to_card(&mut self, guest: Guest) {
        self.model.guest = Some(guest);
        self.model.typed.clear();
        self.model.fresh = 0;
        self.model.page = KioskPage::Card;
    }

    /// The card is made without a name, or stays without one.
    pub fn join_anonymous(&mut self, desk: &mut impl Desk, now: Moment) -> Vec<Effect> {
        self.stay(now);
        if !matches!(self.model.page, KioskPage::Join | KioskPage::Privacy) {
            return Vec::new();
        }
        if let Some(guest) = self.model.guest.take() {
            self.back_to_card(guest);
            return Vec::new();
        }
        let joined = desk.join(None, now);
        self.joined(joined)
    }

    /// The code of the new card stays until it was photographed; held up, it gets its first stamp like any other.
    fn joined(&mut self, joined: Result<Joined, Refusal>) -> Vec<Effect> {
        match joined {
            Ok(Joined { guest, code }) => {
                self.model.guest = Some(Guest { is_new: true, ..guest });
                self.model.code = code;
                self.model.typed.clear();
                self.model.page = KioskPage::Code;
                vec![Effect::Play(Sound::Reward)]
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// The guest on the screen takes a reward.
    pub fn claim(&mut self, desk: &mut impl Desk, reward: &RewardId, now: Moment) -> Vec<Effect> {
        self.stay(now);
        let Some(member) = self.model.guest.as_ref().map(|guest| guest.member.clone()) else {
            return Vec::new();
        };
        match desk.claim(&member, reward, Claim::Extra, now) {
            Ok(stamped) => self.taken(stamped),
            Err(Refusal::AskingServer) => Vec::new(),
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// Staff have confirmed a reward by a slip.
    pub fn claim_by_slip(
        &mut self,
        desk: &mut impl Desk,
        reward: &RewardId,
        slip: &str,
        now: Moment,
    ) -> Result<Vec<Effect>, Refusal> {
        self.stay(now);
        let Some(member) = self.model.guest.as_ref().map(|guest| guest.member.clone()) else {
            return Ok(Vec::new());
        };
        let stamped = desk.claim_by_slip(&member, reward, slip, now)?;
        Ok(self.taken(stamped))
    }

    fn taken(&mut self, stamped: Stamped) -> Vec<Effect> {
        self.owes_proof = false;
        self.model.reward_taken = stamped.reward;
        self.model.guest = Some(stamped.guest);
        self.model.fresh = 0;
        self.model.page = KioskPage::Thanks;
        vec![Effect::Play(Sound::Reward)]
    }

    fn welcome(&mut self, desk: &mut impl Desk, guest: Guest, now: Moment) -> Vec<Effect> {
        if self.needs_proof {
            self.model.code.clear();
            self.model.typed.clear();
            self.owes_proof = true;
            self.model.guest = Some(guest);
            self.model.receipts = desk.takes_receipts();
            self.model.page = KioskPage::Proof;
            return Vec::new();
        }
        let answer = desk.stamp(&guest.member, None, 1, Stamping::Scan, now);
        self.land(answer, guest.is_new)
    }

    fn land(&mut self, answer: Result<Stamped, Refusal>, is_new: bool) -> Vec<Effect> {
        match answer {
            Ok(stamped) => {
                let news = stamped.reasons.iter().filter(|why| why.kind == WhyKind::News).take(NEWS_MAX);
                self.model.news = news.map(|why| why.what.as_str()).collect::<Vec<_>>().join("\n");
                self.model.progress = stamped.guest.progress.iter().take(PROGRESS_MAX).cloned().collect();
                self.model.guest = Some(Guest { is_new, ..stamped.guest });
                self.model.fresh = stamped.given;
                self.model.landing += 1;
                self.model.code.clear();
                self.model.typed.clear();
                self.owes_proof = false;
                self.model.page = KioskPage::Card;
                self.model.notice = Notice::default();
                vec![Effect::Play(Sound::Stamp)]
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// Says why something did not go as wished.
    pub(super) fn refuse(&mut self, refusal: Refusal) -> Vec<Effect> {
        let (notice, guest, _) = Notice::refused(refusal);
        let sound =
            if notice.kind == NoticeKind::AlreadyCounted { Sound::AlreadyCounted } else { Sound::Refused };
        self.model.notice = notice;
        // Somebody who has stamped already and can take a reward is shown the card, not a closed door.
        if let Some(guest) = guest {
            self.model.fresh = 0;
            self.model.news.clear();
            let has_reward = !guest.rewards.is_empty();
            self.owes_proof &= !has_reward;
            self.model.guest = Some(guest);
            self.model.page = if has_reward { KioskPage::Card } else { KioskPage::Message };
        } else {
            self.model.page = KioskPage::Message;
        }
        vec![Effect::Play(sound)]
    }
}

#[cfg(test)]
mod tests {
    use super::super::desk::Colleague;
    use super::super::sample_desk::{SampleDesk, at};
    use super::*;

    #[test]
    fn a_card_held_up_on_the_first_page_is_enough() {
        let (mut desk, mut kiosk) = (SampleDesk::default(), KioskController::new(false));
        let effects = kiosk.scan(&mut desk, "ada", at(0));
        assert_eq!(kiosk.model().page, KioskPage::Card);
        assert_eq!(kiosk.model().guest.as_ref().map(|guest| guest.card.stamps), Some(8));
        assert_eq!(effects, [Effect::Play(Sound::Stamp)]);
    }

    #[test]
    fn no_stamp_without_a_proof_where_one_is_wanted() {
        let (mut desk, mut kiosk) = (SampleDesk::default(), KioskController::new(true));
        kiosk.scan(&mut desk, "ada", at(0));
        assert_eq!((kiosk.model().page, kiosk.model().landing), (KioskPage::Proof, 0));
        kiosk.scan(&mut desk, "rubbish", at(1));
        assert_eq!(kiosk.model().page, KioskPage::Message);
        kiosk.start(at(2));
        assert_eq!(kiosk.model().page, KioskPage::Proof, "the card need not be shown again");
        kiosk.scan(&mut desk, "receipt", at(3));
        assert_eq!((kiosk.model().page, kiosk.model().landing), (KioskPage::Card, 1));
    }

    #[test]
    fn the_right_receipt_counts_after_a_wrong_one_without_a_touch() {
        let (mut desk, mut kiosk) = (SampleDesk::default(), KioskController::new(true));
        kiosk.scan(&mut desk, "ada", at(0));
        kiosk.scan(&mut desk, "old-slip", at(1));
        assert_eq!(kiosk.model().notice.kind, NoticeKind::ProofRefused);
        kiosk.scan(&mut desk, "receipt", at(2));
        assert_eq!((kiosk.model().page, kiosk.model().landing), (KioskPage::Card, 1));
    }

    #[test]
    fn whoever_comes_next_does_not_show_a_receipt_for_the_guest_before() {
        let (mut desk, mut kiosk) = (SampleDesk::default(), KioskController::new(true));
        for next in ["forged", "receipt"] {
            kiosk.scan(&mut desk, "ada", at(0));
            kiosk.scan(&mut desk, "slip", at(1));
            kiosk.scan(&mut desk, next, at(2));
            assert_eq!((kiosk.model().page, &kiosk.model().guest), (KioskPage::Message, &None), "{next}");
            kiosk.start(at(3));
            assert_eq!(kiosk.model().page, KioskPage::Scan, "{next}");
            kiosk.leave();
        }
    }

    #[test]
    fn a_staff_card_after_the_card_is_a_proof_and_no_card() {
        let (mut desk, mut kiosk) = (SampleDesk::default(), KioskController::new(true));
        let lena = Colleague { id: "lena".into(), name: "Lena".into(), has_pin: true, manager: true };
        desk.colleagues = vec![lena];
        kiosk.scan(&mut desk, "ada", at(0));
        kiosk.scan(&mut desk, "staff", at(1));
        assert_eq!((kiosk.model().page, kiosk.member()), (KioskPage::Card, Some(&"ada".into())));
    }

    #[test]
    fn a_card_held_up_where_a_receipt_is_asked_for_is_a_card() {
        let (mut desk, mut kiosk) = (SampleDesk::default(), KioskController::new(true));
        for card in ["ada", "ada", "ben"] {
            kiosk.scan(&mut desk, card, at(0));
            assert_eq!((kiosk.model().page, kiosk.model().landing), (KioskPage::Proof, 0));
            assert_eq!(kiosk.member(), Some(&card.into()));
        }
    }

    #[test]
    fn what_a_visit_brings_beside_the_stamp_stands_below_it_until_the_next_guest() {
        let (mut desk, mut kiosk) = (SampleDesk::default(), KioskController::new(false));
        kiosk.scan(&mut desk, "ada", at(0));
        assert_eq!(kiosk.model().news, "Zum Geburtstag: 5 Punkte");
        kiosk.scan(&mut desk, "ada", at(1));
        assert_eq!(kiosk.model().news, "", "the second scan gives nothing");
        kiosk.scan(&mut desk, "ben", at(2));
        assert_eq!(kiosk.model().news, "");
    }

    #[test]
    fn nobody_there_asks_first_and_then_leaves_nothing_behind() {
        let (mut desk, mut kiosk) = (SampleDesk::default(), KioskController::new(false));
        kiosk.scan(&mut desk, "ada", at(0));
        kiosk.tick(at(19));
        assert_eq!(kiosk.model().asking, None);
        kiosk.tick(at(20));
        assert_eq!(kiosk.model().asking, Some(20), "twenty seconds to answer");
        kiosk.stay(at(39));
        kiosk.tick(at(58));
        assert_eq!(kiosk.model().asking, None, "as often as wanted");
        kiosk.tick(at(79));
        assert_eq!(kiosk.model().page, KioskPage::Attract);
        assert_eq!(kiosk.model().guest, None);
    }

    #[test]
    fn a_full_card_can_be_cashed_in() {
        let (mut desk, mut kiosk) = (SampleDesk::default(), KioskController::new(false));
        desk.stamp(&"ada".into(), None, 2, Stamping::Hand, at(0)).unwrap();
        kiosk.scan(&mut desk, "ada", at(10_000));
        let reward = kiosk.model().guest.as_ref().unwrap().rewards[0].id.clone();
        let effects = kiosk.claim(&mut desk, &reward, at(10_001));
        assert_eq!(kiosk.model().page, KioskPage::Thanks);
        assert_eq!(kiosk.model().reward_taken, "Gratis-Kaffee");
        assert_eq!(effects, [Effect::Play(Sound::Reward)]);
        kiosk.tick(at(10_021));
        assert_eq!(kiosk.model().page, KioskPage::Attract);
    }

    #[test]
    fn a_forged_card_is_told_so_and_can_be_tried_again() {
        let (mut desk, mut kiosk) = (SampleDesk::default(), KioskController::new(false));
        kiosk.scan(&mut desk, "forged", at(0));
        assert_eq!(
            (kiosk.model().page, kiosk.model().notice.kind),
            (KioskPage::Message, NoticeKind::ForgedCode)
        );
        kiosk.start(at(1));
        assert_eq!(kiosk.model().page, KioskPage::Scan);
    }

    #[test]
    fn a_guest_without_a_card_gets_one_with_two_taps() {
        let (mut desk, mut kiosk) = (SampleDesk::default(), KioskController::new(false));
        kiosk.join(at(0));
        kiosk.join_anonymous(&mut desk, at(1));
        assert_eq!((kiosk.model().page, kiosk.model().landing), (KioskPage::Code, 0));
        assert_eq!(kiosk.model().code, "new", "the code is shown, for it is all the guest has");
        kiosk.scan(&mut desk, "new", at(2));
        assert_eq!((kiosk.model().page, kiosk.model().landing), (KioskPage::Card, 1));
    }

    #[test]
    fn a_pre_printed_card_is_live_at_its_first_scan_without_a_tap() {
        let (mut desk, mut kiosk) = (SampleDesk::default(), KioskController::new(false));
        kiosk.scan(&mut desk, "new", at(0));
        assert_eq!((kiosk.model().page, kiosk.model().landing), (KioskPage::Card, 1));
        assert!(kiosk.model().guest.as_ref().is_some_and(|guest| guest.is_new));
    }

    #[test]
    fn a_name_is_asked_for_only_after_it_was_said_what_happens_to_it() {
        let (mut desk, mut kiosk) = (SampleDesk::default(), KioskController::new(false));
        kiosk.key("A", at(0));
        kiosk.join(at(0));
        kiosk.agree(at(0));
        assert_eq!(kiosk.model().page, KioskPage::Join, "nobody agrees before reading");
        kiosk.join_named(at(1));
        assert_eq!(kiosk.model().page, KioskPage::Privacy);
        kiosk.agree(at(2));
        assert!(kiosk.name_done(&mut desk, at(3)).is_empty(), "an empty name is none");
        for letter in ["-", "J", "Ö", "R", "G", "-", "M", "X"] {
            kiosk.key(letter, at(4));
        }
        kiosk.erase(at(5));
        assert_eq!(kiosk.model().typed, "Jörg-M");
        kiosk.name_done(&mut desk, at(6));
        assert_eq!(kiosk.model().page, KioskPage::Code);
        assert_eq!(kiosk.model().guest.as_ref().map(|guest| guest.name.as_str()), Some("Jörg-M"));
        kiosk.done(&desk, at(7));
        assert_eq!((kiosk.model().page, kiosk.model().code.as_str()), (KioskPage::Thanks, ""));
    }

    #[test]
    fn a_card_without_a_name_gets_one_and_keeps_its_stamps() {
        let (mut desk, mut kiosk) = (SampleDesk::default(), KioskController::new(false));
        kiosk.scan(&mut desk, "new", at(0));
        let stamps = kiosk.model().guest.as_ref().map(|guest| guest.card.stamps);
        kiosk.join_named(at(1));
        assert_eq!(kiosk.model().page, KioskPage::Privacy, "first what happens to it");
        kiosk.join_anonymous(&mut desk, at(2));
        assert_eq!(
            (kiosk.model().page, kiosk.model().code.as_str()),
            (KioskPage::Card, ""),
            "no further card"
        );
        kiosk.join_named(at(3));
        kiosk.agree(at(4));
        kiosk.key("ada", at(5));
        kiosk.name_done(&mut desk, at(6));
        let guest = kiosk.model().guest.clone().unwrap();
        assert_eq!((kiosk.model().page, guest.name.as_str()), (KioskPage::Card, "Ada"));
        assert_eq!((Some(guest.card.stamps), kiosk.model().landing), (stamps, 1), "and no stamp lands again");
        kiosk.join_named(at(7));
        assert_eq!(kiosk.model().page, KioskPage::Card, "a name is not typed over by whoever holds the card");
        assert_eq!(kiosk.scan(&mut desk, "new", at(8)), [Effect::Play(Sound::AlreadyCounted)]);
    }

    #[test]
    fn a_receipt_in_view_takes_neither_the_code_of_a_new_card_nor_what_is_typed() {
        let (mut desk, mut kiosk) = (SampleDesk::default(), KioskController::new(true));
        kiosk.join(at(0));
        kiosk.join_named(at(0));
        kiosk.agree(at(1));
        kiosk.key("Ada", at(2));
        for text in ["receipt", "rubbish"] {
            assert_eq!(kiosk.scan(&mut desk, text, at(3)), [Effect::Play(Sound::Refused)], "{text}");
            assert_eq!(
                (kiosk.model().page, kiosk.model().typed.as_str()),
                (KioskPage::Name, "Ada"),
                "{text}"
            );
        }
        kiosk.name_done(&mut desk, at(4));
        kiosk.scan(&mut desk, "receipt", at(5));
        assert_eq!((kiosk.model().page, kiosk.model().code.as_str()), (KioskPage::Code, "new"));
        kiosk.scan(&mut desk, "new", at(6));
        assert_eq!(kiosk.model().page, KioskPage::Proof, "the new card itself goes on");
    }

    #[test]
    fn the_own_card_seen_again_while_a_name_is_typed_takes_no_letter_away() {
        let (mut desk, mut kiosk) = (SampleDesk::default(), KioskController::new(false));
        kiosk.scan(&mut desk, "new", at(0));
        kiosk.join_named(at(1));
        kiosk.agree(at(2));
        kiosk.key("A", at(3));
        assert!(kiosk.scan(&mut desk, "new", at(4)).is_empty());
        assert_eq!((kiosk.model().page, kiosk.model().typed.as_str()), (KioskPage::Name, "A"));
        kiosk.scan(&mut desk, "ben", at(5));
        assert_eq!(
            (kiosk.model().page, kiosk.model().typed.as_str()),
            (KioskPage::Card, ""),
            "the next guest"
        );
    }

    #[test]
    fn what_was_typed_goes_with_the_guest() {
        let mut kiosk = KioskController::new(false);
        kiosk.join(at(0));
        kiosk.join_named(at(0));
        kiosk.agree(at(0));
        kiosk.key("ADA", at(0));
        kiosk.tick(at(2 * KIOSK_PATIENCE_SECONDS));
        assert_eq!(kiosk.model(), &KioskModel::default());
        kiosk.join(at(100));
        kiosk.join_named(at(100));
        kiosk.agree(at(100));
        assert_eq!(kiosk.model().typed, "");
    }

    #[test]
    fn a_guest_who_is_done_is_thanked() {
        let (mut desk, mut kiosk) = (SampleDesk::default(), KioskController::new(false));
        kiosk.scan(&mut desk, "ada", at(0));
        kiosk.done(&desk, at(1));
        assert_eq!(kiosk.model().page, KioskPage::Thanks);
        kiosk.done(&desk, at(2));
        assert_eq!(kiosk.model().page, KioskPage::Attract);
    }

    #[test]
    fn help_rings_at_the_counter() {
        let mut kiosk = KioskController::new(false);
        assert_eq!(kiosk.help(at(0)), [Effect::CallHelp]);
        assert!(kiosk.model().help_called);
    }

    fn asking_desk() -> SampleDesk {
        let reasons = vec!["Kaffee".to_owned(), "Freundlichkeit".to_owned()];
        let question = Some(crate::controllers::Question { text: "Wie war es?".into(), reasons });
        let mut desk = SampleDesk::default();
        desk.question = question;
        desk
    }

    #[test]
    fn one_question_and_why_before_the_thanks() {
        let (mut desk, mut kiosk) = (asking_desk(), KioskController::new(false));
        kiosk.scan(&mut desk, "ada", at(0));
        kiosk.done(&desk, at(1));
        assert_eq!(kiosk.model().page, KioskPage::Question);
        kiosk.score(&mut desk, 11, at(2));
        assert_eq!(kiosk.model().page, KioskPage::Question, "eleven is no answer");
        kiosk.score(&mut desk, 9, at(2));
        assert_eq!((kiosk.model().page, desk.answers.len()), (KioskPage::Why, 0));
        kiosk.why(&mut desk, Some("Kaffee"), at(3));
        assert_eq!(desk.answers, [(9, Some("Kaffee".to_owned()))]);
        assert_eq!(kiosk.model().page, KioskPage::Thanks);
        kiosk.done(&desk, at(4));
        assert_eq!(kiosk.model().page, KioskPage::Attract, "nobody is asked twice");
    }

    #[test]
    fn an_answer_whose_guest_goes_is_kept_and_no_answer_is_none() {
        let (mut desk, mut kiosk) = (asking_desk(), KioskController::new(false));
        kiosk.scan(&mut desk, "ada", at(0));
        kiosk.done(&desk, at(1));
        kiosk.score(&mut desk, 3, at(2));
        kiosk.tick(at(60));
        assert_eq!(kiosk.model().page, KioskPage::Attract);
        kiosk.refresh(&mut desk, at(60));
        assert_eq!(desk.answers, [(3, None)]);
        kiosk.scan(&mut desk, "ben", at(70));
        kiosk.done(&desk, at(71));
        kiosk.why(&mut desk, None, at(72));
        assert_eq!((kiosk.model().page, desk.answers.len()), (KioskPage::Thanks, 1), "rather not");
    }
}
