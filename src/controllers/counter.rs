//! The stamp-card screen: a scan gives a stamp by itself, and the next scan takes over at once.

use super::action::{Effect, Sound};
use super::desk::{
    Claim, Desk, EventId, Guest, MemberId, Moment, Paper, PoolId, ProgrammeId, Refusal, RewardId, Stamped,
    Stamping,
};
use super::model::{CounterModel, LastGuest, Notice, NoticeKind};

/// How many of the last guests stay on the screen.
const LAST_GUESTS: usize = 3;
/// The most stamps that one scan gives.
const MOST_ARMED: u32 = 3;

/// Keeps the stamp-card screen.
#[derive(Debug, Clone, PartialEq)]
pub struct CounterController {
    model: CounterModel,
    stamp_by_scan: bool,
}

impl CounterController {
    /// Starts with an empty counter. With `stamp_by_scan` a scan gives its stamp by itself; without, it asks.
    pub fn new(stamp_by_scan: bool) -> Self {
        Self { model: CounterModel { armed: 1, ..CounterModel::default() }, stamp_by_scan }
    }

    /// What is on the screen.
    pub fn model(&self) -> &CounterModel {
        &self.model
    }

    /// Takes the stamps of the day from the desk.
    pub fn refresh(&mut self, desk: &impl Desk, now: Moment) {
        self.model.today = desk.stamps_today(now);
        self.model.gifts = desk.gifts();
        // How the device is, is shown as long as nobody's card is.
        if self.model.guest.is_none() {
            self.model.health = desk.health();
        }
    }

    /// The list of the last guests as the desk has kept it.
    pub fn recall(&mut self, desk: &impl Desk) {
        if let Some(last) = desk.last_guests(LAST_GUESTS) {
            self.model.last = last;
        }
    }

    /// What other devices gave counts for the card on the screen too.
    pub fn look_again(&mut self, desk: &impl Desk) {
        let Some(shown) = &self.model.guest else { return };
        let Some(mut now) = desk.look_again(&shown.member).filter(|now| now.cards != shown.cards) else {
            return;
        };
        now.turn_to(&shown.card.programme);
        now.is_new = shown.is_new;
        self.model.guest = Some(now);
        self.model.fresh = 0;
        self.model.of_these = false;
    }

    /// A code was read.
    pub fn scan(&mut self, desk: &mut impl Desk, text: &str, now: Moment) -> Vec<Effect> {
        if desk.is_proof(text) {
            return self.proof(desk, text, now);
        }
        let guest = match desk.scan(text, now) {
            Ok(guest) => guest,
            Err(refusal) => return self.refuse(refusal),
        };
        // A number pressed before the scan is an answer already.
        if !self.stamp_by_scan && self.model.armed == 1 {
            self.model.notice = Notice::default();
            self.put_down(guest);
            self.model.asks = true;
            return Vec::new();
        }
        let count = std::mem::replace(&mut self.model.armed, 1);
        let is_new = guest.is_new;
        // A number pressed before the scan says what was sold: the pause is for scans that nobody looked at.
        let how = if count > 1 { Stamping::Hand } else { Stamping::Scan };
        match desk.stamp(&guest.member, None, count, how, now) {
            Ok(stamped) => {
                let effects = self.land(stamped, now);
                if is_new {
                    self.model.notice = Notice::of(NoticeKind::NewGuest);
                    self.model.paper = true;
                }
                effects
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// A slip or a receipt: it is for the guest whose card lies there.
    fn proof(&mut self, desk: &mut impl Desk, text: &str, now: Moment) -> Vec<Effect> {
        let Some(member) = self.model.guest.as_ref().map(|guest| guest.member.clone()) else {
            return self.refuse(Refusal::CardFirst);
        };
        match desk.stamp_for_proof(&member, text, now) {
            Ok(stamped) => self.land(stamped, now),
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// A paper card is taken over for the guest on the screen; above the day's limit with a manager's PIN.
    ///
    /// # Errors
    /// Only a manager's PIN can do it now.
    pub fn take_paper(
        &mut self,
        desk: &mut impl Desk,
        stamps: u32,
        manager: Option<&str>,
        now: Moment,
    ) -> Result<Vec<Effect>, Refusal> {
        let Some(member) = self.model.guest.as_ref().map(|guest| guest.member.clone()) else {
            return Ok(Vec::new());
        };
        if !self.model.paper {
            return Ok(Vec::new());
        }
        let card = self.card_in_use(&member);
        match desk.take_paper(&member, card.as_ref(), stamps, manager, now) {
            Ok(stamped) => {
                let effects = self.land(stamped, now);
                self.model.notice =
                    Notice { kind: NoticeKind::PaperTaken, text: stamps.to_string(), ..Notice::default() };
                Ok(effects)
            }
            Err(refused @ (Refusal::NeedsManager | Refusal::WrongPin | Refusal::PinWait { .. })) => {
                Err(refused)
            }
            Err(refusal) => {
                let effects = self.refuse(refusal);
                self.model.paper = true;
                Ok(effects)
            }
        }
    }

    /// A slip for a guest whose card lies at home, good for as many stamps as are armed.
    pub fn forgotten_card(&mut self, desk: &mut impl Desk, now: Moment) -> Vec<Effect> {
        match desk.issue_slip(self.model.armed, now) {
            Ok(slip) => {
                self.model.armed = 1;
                self.put_away();
                let prints = slip.paper == Paper::Printing;
                self.model.slip = Some(slip);
                if prints { self.print_slip() } else { Vec::new() }
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// The slip is printed, or printed once more.
    pub fn print_slip(&mut self) -> Vec<Effect> {
        let Some(slip) = self.model.slip.as_mut().filter(|slip| slip.paper != Paper::None) else {
            return Vec::new();
        };
        slip.paper = Paper::Printing;
        vec![Effect::PrintSlip(slip.code.clone())]
    }

    /// The printer has said something of the slip with that code.
    pub fn slip_printed(&mut self, code: &str, done: Result<(), String>) {
        if let Some(slip) = self.model.slip.as_mut().filter(|slip| slip.code == code) {
            slip.paper = done.map_or_else(Paper::Failed, |()| Paper::Printed);
        }
    }

    /// The slip is photographed.
    pub fn close_slip(&mut self) {
        self.model.slip = None;
    }

    /// Something that was given away is handed out.
    pub fn release_gift(&mut self, desk: &mut impl Desk, pool: &PoolId, now: Moment) -> Vec<Effect> {
        let name = self.model.gifts.iter().find(|gift| gift.pool == *pool).map(|gift| gift.name.clone());
        match desk.release_gift(pool, now) {
            Ok(()) => {
                let text = name.unwrap_or_default();
                self.model.notice = Notice { kind: NoticeKind::GiftReleased, text, ..Notice::default() };
                vec![Effect::Play(Sound::Reward)]
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// The sums of the day are looked at, or not any more.
    pub fn closing(&mut self, desk: &impl Desk, open: bool, now: Moment) {
        self.model.closing = open.then(|| desk.day_sums(now));
    }

    /// More stamps for the guest on the screen.
    pub fn add(&mut self, desk: &mut impl Desk, member: &MemberId, count: u32, now: Moment) -> Vec<Effect> {
        let card = self.card_in_use(member);
        match desk.stamp(member, card.as_ref(), count, Stamping::Hand, now) {
            Ok(stamped) => self.land(stamped, now),
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// Another card of the guest on the screen.
    pub fn pick_card(&mut self, programme: &ProgrammeId) {
        if let Some(guest) = &mut self.model.guest {
            guest.turn_to(programme);
            self.model.fresh = 0;
        }
    }

    /// Which card of the guest on the screen is in use.
    fn card_in_use(&self, member: &MemberId) -> Option<ProgrammeId> {
        let guest = self.model.guest.as_ref().filter(|guest| guest.member == *member)?;
        Some(guest.card.programme.clone()).filter(|programme| !programme.0.is_empty())
    }

    /// A reward is taken.
    pub fn claim(
        &mut self,
        desk: &mut impl Desk,
        member: &MemberId,
        reward: &RewardId,
        how: Claim,
        now: Moment,
    ) -> Vec<Effect> {
        match desk.claim(member, reward, how, now) {
            Ok(stamped) => {
                let kind = Notice::taken(stamped.unheard);
                let name = stamped.reward.clone();
                let mut effects = self.land(stamped, now);
                // Stamps that were given again with a free one among them stand in the list once.
                self.recall(desk);
                self.model.notice = Notice { kind, text: name, ..Notice::default() };
                effects.retain(|effect| *effect != Effect::Play(Sound::Stamp));
                effects.push(Effect::Play(Sound::Reward));
                effects
            }
            Err(Refusal::AskingServer) => Vec::new(),
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// A stamp is taken back.
    pub fn undo(&mut self, desk: &mut impl Desk, event: &EventId, now: Moment) -> Vec<Effect> {
        match desk.undo(event, now) {
            Ok(guest) => {
                let name = guest.as_ref().map(|guest| guest.name.clone()).unwrap_or_default();
                if let Some(last) = self.model.last.iter_mut().find(|last| last.event == *event) {
                    last.undone = true;
                }
                if let (Some(shown), Some(guest)) = (&self.model.guest, guest)
                    && shown.member == guest.member
                {
                    self.put_down(guest);
                }
                self.recall(desk);
                self.model.notice = Notice { kind: NoticeKind::Undone, name, ..Notice::default() };
                Vec::new()
            }
            Err(refusal) => {
                // The card on the screen is not what the refusal is about.
                let (notice, _, _) = Notice::refused(refusal);
                self.model.notice = notice;
                // Somebody else may have taken it back.
                self.recall(desk);
                vec![Effect::Play(Sound::Refused)]
            }
        }
    }

    /// The next scan gives so many stamps. The number that is armed already goes back to one. Where the screen asks
    /// how many, the number is the answer.
    pub fn arm(&mut self, desk: &mut impl Desk, count: u32, now: Moment) -> Vec<Effect> {
        let count = count.clamp(1, MOST_ARMED);
        let asked = self.model.guest.as_ref().filter(|_| self.model.asks).map(|guest| guest.member.clone());
        if let Some(member) = asked {
            return self.add(desk, &member, count, now);
        }
        self.model.armed = if self.model.armed == count { 1 } else { count };
        Vec::new()
    }

    /// The card is put away.
    pub fn put_away(&mut self) {
        self.model.guest = None;
        self.model.reasons.clear();
        self.model.fresh = 0;
        self.model.of_these = false;
        self.model.asks = false;
        self.model.paper = false;
        self.close_notice();
    }

    /// The message is read.
    pub fn close_notice(&mut self) {
        self.model.notice = Notice::default();
    }

    /// Shows a message beside the card.
    pub fn say(&mut self, notice: Notice) {
        self.model.notice = notice;
    }

    fn put_down(&mut self, mut guest: Guest) {
        // The card that was picked stays in use for as long as its guest stands here.
        if let Some(programme) = self.card_in_use(&guest.member) {
            guest.turn_to(&programme);
        }
        self.model.guest = Some(guest);
        self.model.slip = None;
        self.model.paper = false;
        self.model.asks = false;
        self.model.fresh = 0;
        self.model.of_these = false;
        self.model.reasons.clear();
        self.close_notice();
    }

    fn land(&mut self, stamped: Stamped, now: Moment) -> Vec<Effect> {
        let Stamped { event, guest, given, reward, reasons, unheard: _ } = stamped;
        self.model.last.insert(
            0,
            LastGuest {
                event,
                name: guest.name.clone(),
                at: now,
                stamps: given,
                reward: !reward.is_empty(),
                undone: false,
            },
        );
        self.model.last.truncate(LAST_GUESTS);
        let (of_these, full) = (given > 0, guest.card.slots > 0 && guest.card.stamps == guest.card.slots);
        self.put_down(guest);
        self.model.reasons = reasons;
        self.model.fresh = given;
        self.model.of_these = of_these;
        if given == 0 {
            return Vec::new();
        }
        self.model.landing += 1;
        let mut effects = vec![Effect::Play(Sound::Stamp)];
        if full {
            effects.push(Effect::Play(Sound::Reward));
        }
        effects
    }

    fn refuse(&mut self, refusal: Refusal) -> Vec<Effect> {
        let sound = match refusal {
            Refusal::AlreadyCounted { .. } | Refusal::DayIsFull { .. } => Sound::AlreadyCounted,
            _ => Sound::Refused,
        };
        let (notice, guest, reasons) = Notice::refused(refusal);
        if let Some(guest) = guest {
            self.put_down(guest);
            self.model.reasons = reasons;
        }
        self.model.notice = notice;
        vec![Effect::Play(sound)]
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample_desk::{SampleDesk, at};
    use super::*;

    #[test]
    fn a_scan_gives_one_stamp_and_shows_the_card() {
        let (mut desk, mut counter) = (SampleDesk::default(), CounterController::new(true));
        let effects = counter.scan(&mut desk, "ada", at(0));
        let model = counter.model();
        assert_eq!(model.guest.as_ref().map(|guest| guest.card.stamps), Some(8));
        assert_eq!((model.fresh, model.landing, model.last.len()), (1, 1, 1));
        assert_eq!(effects, [Effect::Play(Sound::Stamp)]);
    }

    #[test]
    fn three_coffees_with_one_free_take_two_taps() {
        let (mut desk, mut counter) = (SampleDesk::default(), CounterController::new(true));
        counter.arm(&mut desk, 3, at(0));
        counter.scan(&mut desk, "ada", at(0));
        assert_eq!(counter.model().armed, 1, "the number is used up by the scan");
        assert_eq!(counter.model().guest.as_ref().map(|guest| guest.card.stamps), Some(10));
        let effects = counter.claim(&mut desk, &"ada".into(), &"free-coffee".into(), Claim::OfThese, at(1));
        assert_eq!(counter.model().notice.kind, NoticeKind::RewardTaken);
        assert!(counter.model().last[0].reward);
        assert!(effects.contains(&Effect::Play(Sound::Reward)));
    }

    #[test]
    fn the_same_card_again_says_when_it_counted() {
        let (mut desk, mut counter) = (SampleDesk::default(), CounterController::new(true));
        counter.scan(&mut desk, "ada", at(0));
        let effects = counter.scan(&mut desk, "ada", at(5));
        assert_eq!(counter.model().notice.kind, NoticeKind::AlreadyCounted);
        assert_eq!(counter.model().notice.at, Some(at(0)));
        assert_eq!(counter.model().landing, 1, "no stamp lands twice");
        assert_eq!(effects, [Effect::Play(Sound::AlreadyCounted)]);
        counter.add(&mut desk, &"ada".into(), 1, at(6));
        assert_eq!(counter.model().guest.as_ref().map(|guest| guest.card.stamps), Some(9));
        assert_eq!(counter.model().notice.kind, NoticeKind::None);
    }

    #[test]
    fn the_next_scan_takes_over_at_once() {
        let (mut desk, mut counter) = (SampleDesk::default(), CounterController::new(true));
        counter.scan(&mut desk, "ada", at(0));
        counter.scan(&mut desk, "ben", at(1));
        assert_eq!(counter.model().guest.as_ref().map(|guest| guest.name.as_str()), Some("Ben"));
        assert_eq!(counter.model().last.len(), 2);
    }

    #[test]
    fn each_of_the_last_three_guests_can_be_undone() {
        let (mut desk, mut counter) = (SampleDesk::default(), CounterController::new(true));
        for (second, name) in ["ada", "ben", "clara", "ada2"].iter().enumerate() {
            counter.scan(&mut desk, name, at(second as i64));
        }
        assert_eq!(counter.model().last.len(), 3);
        let oldest = counter.model().last[2].event.clone();
        counter.undo(&mut desk, &oldest, at(9));
        assert!(counter.model().last[2].undone);
        assert_eq!(counter.model().notice.kind, NoticeKind::Undone);
        assert_eq!(counter.model().notice.name, "Ben");
    }

    #[test]
    fn an_undo_puts_the_card_on_the_screen_back() {
        let (mut desk, mut counter) = (SampleDesk::default(), CounterController::new(true));
        counter.scan(&mut desk, "ada", at(0));
        let event = counter.model().last[0].event.clone();
        counter.undo(&mut desk, &event, at(1));
        assert_eq!(counter.model().guest.as_ref().map(|guest| guest.card.stamps), Some(7));
        counter.undo(&mut desk, &event, at(2));
        assert_eq!(counter.model().notice.kind, NoticeKind::TooLate);
        assert!(counter.model().guest.is_some(), "the card stays");
    }

    #[test]
    fn codes_that_are_no_cards_leave_the_guest_where_it_is() {
        let (mut desk, mut counter) = (SampleDesk::default(), CounterController::new(true));
        counter.scan(&mut desk, "ada", at(0));
        for (text, kind) in [
            ("forged", NoticeKind::ForgedCode),
            ("foreign", NoticeKind::ForeignCode),
            ("blocked", NoticeKind::BlockedCard),
            ("WIFI:S:Gast;;", NoticeKind::UnknownCode),
        ] {
            let effects = counter.scan(&mut desk, text, at(1));
            assert_eq!(counter.model().notice.kind, kind, "{text}");
            assert_eq!(effects, [Effect::Play(Sound::Refused)]);
            assert_eq!(counter.model().guest.as_ref().map(|guest| guest.name.as_str()), Some("Ada"));
        }
    }

    #[test]
    fn a_new_card_counts_from_its_first_scan() {
        let (mut desk, mut counter) = (SampleDesk::default(), CounterController::new(true));
        counter.scan(&mut desk, "new", at(0));
        assert_eq!(counter.model().notice.kind, NoticeKind::NewGuest);
        assert_eq!(counter.model().guest.as_ref().map(|guest| guest.card.stamps), Some(1));
    }

    #[test]
    fn where_the_scan_asks_nothing_lands_by_itself() {
        let (mut desk, mut counter) = (SampleDesk::default(), CounterController::new(false));
        counter.scan(&mut desk, "ada", at(0));
        assert_eq!(counter.model().landing, 0);
        counter.add(&mut desk, &"ada".into(), 2, at(1));
        assert_eq!((counter.model().landing, counter.model().fresh), (1, 2));
    }

    #[test]
    fn a_number_is_armed_and_disarmed_by_the_same_key() {
        let (mut desk, mut counter) = (SampleDesk::default(), CounterController::new(true));
        counter.arm(&mut desk, 2, at(0));
        assert_eq!(counter.model().armed, 2);
        counter.arm(&mut desk, 2, at(0));
        assert_eq!(counter.model().armed, 1);
        counter.arm(&mut desk, 9, at(0));
        assert_eq!(counter.model().armed, 3);
    }
}
