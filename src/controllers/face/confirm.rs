//! What does not happen before somebody has confirmed it: who works here, the counter, or the server.

use super::Face;
use crate::controllers::action::{Effect, Route, Sound, UiAction};
use crate::controllers::desk::{Asking, ColleagueId, Desk, Moment, Refusal, RewardId, SyncState};
use crate::controllers::device::Note;
use crate::controllers::model::{Notice, NoticeKind};
use crate::controllers::pin::{PinController, Wanted};

/// What waits for the server's answer.
#[derive(Debug)]
pub(super) struct Waiting {
    /// What is done when it is there.
    then: Then,
    since: Moment,
}

/// What is done when the server has answered.
#[derive(Debug)]
enum Then {
    /// The same again.
    Again(UiAction),
    /// The guest at the kiosk gets a reward that somebody has confirmed, by a slip of theirs or otherwise. The counter that
    /// was called is told.
    Reward { reward: RewardId, slip: Option<String>, call: Option<String> },
}

/// How long a guest waits for the server, in seconds. Asking it takes less, but what waits to be transferred is sent first.
const ASKING_SECONDS: i64 = 4;
impl<D: Desk> Face<D> {
    /// The counter has answered a call of this kiosk.
    pub(super) fn counter_said(&mut self, id: &str, yes: bool, now: Moment) -> Vec<Effect> {
        if self.help.as_deref() == Some(id) {
            self.help = None;
            if yes {
                self.kiosk.coming();
            }
            return Vec::new();
        }
        let wanted = self.pin.as_ref().filter(|pin| pin.call.as_deref() == Some(id)).map(|pin| &pin.wanted);
        match wanted.cloned() {
            Some(Wanted::Reward(reward)) if yes => {
                self.pin = None;
                self.confirmed(reward, Some(id.to_owned()), now)
            }
            Some(_) => {
                self.kiosk.stay(now);
                if let Some(pin) = &mut self.pin {
                    pin.call = None;
                    pin.wrong(Notice::of(NoticeKind::CounterSaidNo));
                }
                vec![Effect::Play(Sound::Refused)]
            }
            // The guest has gone.
            None if yes => vec![Effect::Tell(Note::Done { id: id.to_owned(), given: false })],
            None => Vec::new(),
        }
    }

    /// The guest at the kiosk wants a reward. What is given away stays in the shop; everything else is confirmed by
    /// somebody who works here. The sample shop has nobody who works there.
    pub(super) fn claim_at_kiosk(&mut self, reward: RewardId, now: Moment) -> Vec<Effect> {
        let offers = self.kiosk.model().guest.iter().flat_map(|guest| &guest.rewards);
        let gift = offers.into_iter().any(|offer| offer.id == reward && offer.gift);
        let staff = self.desk.colleagues();
        if gift || (self.app.demo && staff.is_empty()) {
            return self.confirmed(reward, None, now);
        }
        self.kiosk.stay(now);
        let people = staff.into_iter().filter(|colleague| colleague.has_pin).collect();
        let member = self.kiosk.member().cloned();
        let mut pin = PinController::colleague(Wanted::Reward(reward.clone()), people);
        let asked = member.filter(|_| self.relayed).map(|member| {
            let id = self.call_name(now);
            pin.call = Some(id.clone());
            Effect::Tell(Note::Reward { id, member: member.0, reward: reward.0 })
        });
        self.pin = Some(pin);
        asked.into_iter().collect()
    }

    /// Somebody has confirmed a reward of the guest at the kiosk; the counter that was called is told what came of it.
    fn confirmed(&mut self, reward: RewardId, call: Option<String>, now: Moment) -> Vec<Effect> {
        let mut effects = self.kiosk.claim(&mut self.desk, &reward, now);
        if self.desk.asking() != Asking::Nothing {
            self.asking = Some(Waiting { then: Then::Reward { reward, slip: None, call }, since: now });
            return effects;
        }
        let given = !self.kiosk.model().reward_taken.is_empty();
        effects.extend(call.map(|id| Effect::Tell(Note::Done { id, given })));
        effects
    }

    /// What the desk asks the server for is done again when it has answered.
    pub(super) fn wait_for_server(&mut self, asked: &UiAction, now: Moment) {
        if self.desk.asking() != Asking::Nothing && self.asking.is_none() {
            self.asking = Some(Waiting { then: Then::Again(asked.clone()), since: now });
        }
    }

    /// Goes on with what the server was asked for, when it has answered or when a guest has waited long enough.
    pub(super) fn go_on(&mut self, now: Moment) -> Vec<Effect> {
        let Some(waiting) = &self.asking else { return Vec::new() };
        if self.desk.asking() == Asking::Waiting {
            if now.seconds_since(waiting.since) < ASKING_SECONDS {
                return Vec::new();
            }
            self.desk.wait_no_longer();
        }
        match self.asking.take().map(|waiting| waiting.then) {
            Some(Then::Again(action)) => self.handle(action, now),
            Some(Then::Reward { reward, slip: None, call }) => self.confirmed(reward, call, now),
            Some(Then::Reward { reward, slip: Some(slip), .. }) => {
                match self.kiosk.claim_by_slip(&mut self.desk, &reward, &slip, now) {
                    Ok(effects) => effects.into_iter().chain(self.close_pin()).collect(),
                    // Another slip, or a PIN, may still confirm it.
                    Err(refusal) if self.pin.is_some() => self.wrong_pin(refusal),
                    Err(refusal) => self.kiosk.refuse(refusal),
                }
            }
            None => Vec::new(),
        }
    }

    /// Nobody waits for the server any more.
    pub(super) fn stop_asking(&mut self) -> Vec<Effect> {
        let Some(waiting) = self.asking.take() else { return Vec::new() };
        self.desk.stop_asking();
        match waiting.then {
            Then::Reward { call: Some(id), .. } => vec![Effect::Tell(Note::Done { id, given: false })],
            _ => Vec::new(),
        }
    }

    /// The guest at the kiosk asks for somebody. One call is enough.
    pub(super) fn call_help(&mut self, now: Moment) -> Vec<Effect> {
        let mut effects = self.kiosk.help(now);
        // Where the server is not heard, nobody at the counter hears the call.
        if self.relayed && matches!(self.desk.sync_report().state, SyncState::Online | SyncState::Busy) {
            self.kiosk.rings_at_counter();
        }
        if self.relayed && self.help.is_none() {
            let id = self.call_name(now);
            self.help = Some(id.clone());
            effects.push(Effect::Tell(Note::Help { id }));
        }
        effects
    }

    /// Nobody waits any more for what the guest asked of the server, the counter and the shop.
    pub(super) fn guest_gone(&mut self) -> Vec<Effect> {
        let mut effects = self.stop_asking();
        effects.extend(self.close_pin());
        effects.extend(self.help.take().map(|id| Effect::Tell(Note::Gone { id })));
        effects
    }

    /// The name of a new call.
    fn call_name(&mut self, now: Moment) -> String {
        self.called += 1;
        let device: String = self.device.chars().take(32).collect();
        format!("{device}-{:x}-{}", now.unix_ms, self.called)
    }

    /// The pad goes, and with it what the counter was asked.
    pub(super) fn close_pin(&mut self) -> Vec<Effect> {
        let call = self.pin.take().and_then(|pin| pin.call);
        call.map(|id| Effect::Tell(Note::Gone { id })).into_iter().collect()
    }

    /// What was refused because it goes beyond a limit waits for a manager's PIN. A guest alone is not asked for one.
    pub(super) fn ask_a_second_person(&mut self, asked: UiAction) {
        let Some(beyond) = self.desk.beyond() else { return };
        if self.pin.is_none() && matches!(self.app.route, Route::Counter | Route::Till) {
            let mut pin = PinController::manager(Wanted::Agree(beyond, Box::new(asked)));
            let counter = self.counter.model().notice.clone();
            let till = self.till.model().notice.clone();
            pin.wrong(if self.app.route == Route::Till { till } else { counter });
            self.pin = Some(pin);
        }
    }

    /// What is done at the pad where a PIN is typed.
    pub(super) fn pin_pad(&mut self, action: UiAction, now: Moment) -> Vec<Effect> {
        if self.app.route == Route::Kiosk {
            self.kiosk.stay(now);
        }
        match (action, &mut self.pin) {
            (UiAction::LeaveKiosk, None) if self.kiosk.model().can_leave => {
                self.pin = Some(PinController::manager(Wanted::Leave));
            }
            (UiAction::PinWho(who), Some(pin)) => pin.pick(who),
            (UiAction::PinKey(digits), Some(pin)) => pin.key(&digits),
            (UiAction::PinErase, Some(pin)) => pin.erase(),
            (UiAction::PinCancel, _) => return self.close_pin(),
            (UiAction::PinDone, Some(pin)) => {
                if let Some((who, typed)) = pin.answer() {
                    let wanted = pin.wanted.clone();
                    return self.with_pin(wanted, who.as_ref(), &typed, now);
                }
            }
            _ => {}
        }
        Vec::new()
    }

    /// Does what the PIN is for, if it is right.
    fn with_pin(
        &mut self,
        wanted: Wanted,
        who: Option<&ColleagueId>,
        typed: &str,
        now: Moment,
    ) -> Vec<Effect> {
        let done = match &wanted {
            // The desk looks at the PIN together with what it allows.
            Wanted::Paper(stamps) => self.counter.take_paper(&mut self.desk, *stamps, Some(typed), now),
            Wanted::Lost(card) => match &mut self.lost {
                Some(lost) => lost.by_manager(&mut self.desk, card, typed, now),
                None => Ok(Vec::new()),
            },
            Wanted::Agree(beyond, _) => self.desk.agree(beyond, typed).map(|()| Vec::new()),
            Wanted::Leave | Wanted::Reward(_) => self.desk.check_pin(who, typed).map(|()| Vec::new()),
        };
        match done {
            Ok(effects) => {
                let mut told = self.close_pin();
                told.extend(match wanted {
                    Wanted::Leave => self.navigate(Route::Counter, now),
                    Wanted::Reward(reward) => self.confirmed(reward, None, now),
                    Wanted::Paper(_) | Wanted::Lost(_) => effects,
                    Wanted::Agree(_, asked) => self.handle(*asked, now),
                });
                told
            }
            Err(refusal) => self.wrong_pin(refusal),
        }
    }

    fn wrong_pin(&mut self, refusal: Refusal) -> Vec<Effect> {
        let (notice, _, _) = Notice::refused(refusal);
        if let Some(pin) = &mut self.pin {
            pin.wrong(notice);
        }
        vec![Effect::Play(Sound::Refused)]
    }

    /// A code is held up while staff are asked to confirm a reward: a staff card, or a slip of theirs.
    pub(super) fn confirmed_by(&mut self, text: &str, now: Moment) -> Option<Vec<Effect>> {
        let Wanted::Reward(reward) = self.pin.as_ref()?.wanted.clone() else { return None };
        let done = if self.desk.is_staff_card(text) {
            Ok(self.confirmed(reward, None, now))
        } else if self.desk.is_proof(text) {
            match self.kiosk.claim_by_slip(&mut self.desk, &reward, text, now) {
                Err(Refusal::AskingServer) => {
                    let then = Then::Reward { reward, slip: Some(text.to_owned()), call: None };
                    self.asking = Some(Waiting { then, since: now });
                    return Some(Vec::new());
                }
                done => done,
            }
        } else {
            // The guest's own card is still in view.
            self.kiosk.stay(now);
            return Some(Vec::new());
        };
        Some(match done {
            Ok(mut effects) => {
                effects.extend(self.close_pin());
                effects
            }
            Err(refusal) => self.wrong_pin(refusal),
        })
    }
}
