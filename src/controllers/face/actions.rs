//! What was done at the screen or held up, and what comes of it.

use super::{CLEANING_SECONDS, Face};
use crate::controllers::action::{Effect, Heard, Route, UiAction, Volume};
use crate::controllers::desk::{Desk, Moment, Money};
use crate::controllers::lost::LostController;
use crate::controllers::model::{
    AppModel, CameraState, DiagnosticsModel, FilesWanted, KioskPage, Notice, NoticeKind,
};
use crate::controllers::pin::{PinController, Wanted};

/// How long a caption of a sound stays, in seconds.
const CAPTION_SECONDS: i64 = 3;
/// How long the screen stays bright at night after somebody was here, in seconds.
const AWAKE_SECONDS: i64 = 120;

impl<D: Desk> Face<D> {
    /// Does what was asked, and says what else is to be done.
    pub fn handle(&mut self, action: UiAction, now: Moment) -> Vec<Effect> {
        self.app.now = now;
        self.dim(matches!(action, UiAction::Tick | UiAction::ServerAnswered), now);
        let asked = action.clone();
        self.wipe(now);
        // A cloth is no finger. Cards held up count all the same.
        let by_cloth = !matches!(
            action,
            UiAction::Tick | UiAction::Scan(_) | UiAction::NoCode | UiAction::EndCleaning | UiAction::Clean
        );
        if by_cloth && self.clean_at.is_some() {
            return Vec::new();
        }
        // Whoever does something else does not wait for the server any more. A card that is still held up is nothing else.
        let mut before = Vec::new();
        let waits = matches!(
            action,
            UiAction::Tick
                | UiAction::ServerAnswered
                | UiAction::NoCode
                | UiAction::Say(_)
                | UiAction::SetSpeech(_)
                | UiAction::Louder(_)
                | UiAction::SetLarger(_)
                | UiAction::EndCleaning
        );
        if self.asking.is_some() && !waits {
            if self.app.route == Route::Kiosk && matches!(action, UiAction::Scan(_)) {
                return Vec::new();
            }
            before = self.stop_asking();
        }
        // Whoever changes how the kiosk looks or sounds is there.
        let at_the_look = matches!(
            action,
            UiAction::SetSpeech(_)
                | UiAction::Louder(_)
                | UiAction::SetLarger(_)
                | UiAction::SetLanguage(_)
                | UiAction::SetHighContrast(_)
                | UiAction::SetStill(_)
        );
        if at_the_look {
            self.kiosk.stay(now);
        }
        let done = match action {
            UiAction::Tick => self.tick(now),
            UiAction::ServerAnswered => self.go_on(now),
            // Done above.
            UiAction::StopAsking => Vec::new(),
            UiAction::Scan(text) => self.scanned(&text, now),
            UiAction::SampleCard { id } => match self.desk.sample_text(&id) {
                Some(text) => self.scanned(&text, now),
                None => Vec::new(),
            },
            UiAction::Navigate(route) => self.navigate(route, now),
            UiAction::SetLanguage(language) => {
                self.kiosk.say_anew(&self.desk);
                self.keep(|app| app.language = language)
            }
            UiAction::SetLook(look) => self.keep(|app| app.look = look),
            UiAction::SetHighContrast(on) => self.keep(|app| app.high_contrast = on),
            UiAction::SetStill(on) => self.keep(|app| app.still = on),
            // For the guest who asked for it, not for the next: it is kept nowhere.
            UiAction::SetSpeech(on) => {
                self.app.speech = on && self.app.can_speak;
                if on { Vec::new() } else { vec![Effect::Hush] }
            }
            UiAction::Louder(louder) => {
                self.app.volume = self.app.volume.turned(louder);
                Vec::new()
            }
            UiAction::SetLarger(on) => {
                self.app.larger = on;
                Vec::new()
            }
            UiAction::Say(text) if self.app.speech => vec![Effect::Say(text)],
            UiAction::Say(_) => Vec::new(),
            UiAction::ChooseRole(_) => self.setup.handle(&action),
            UiAction::FinishSetup => {
                self.setup.settle(&mut self.desk, &action, now);
                self.app.route = self.setup.model().role;
                vec![Effect::KeepSettings, Effect::KeepRole(self.app.route)]
            }
            UiAction::SetupNext | UiAction::SetupBack | UiAction::SetupHeight(_) | UiAction::PlugTest => {
                self.setup.settle(&mut self.desk, &action, now)
            }
            UiAction::SetupFacing(_) | UiAction::SetupTurn => {
                let effects = self.setup.settle(&mut self.desk, &action, now);
                self.placement = self.desk.placement();
                effects
            }
            UiAction::SetupCamera(ref name) => {
                self.camera_name.clone_from(name);
                self.setup.settle(&mut self.desk, &action, now)
            }
            UiAction::OpenLost => {
                self.lost = Some(LostController::default());
                Vec::new()
            }
            UiAction::CloseLost => {
                self.lost = None;
                Vec::new()
            }
            UiAction::LostSearch(text) => {
                self.lost.as_mut().map(|lost| lost.search(&self.desk, &text)).unwrap_or_default()
            }
            UiAction::LostSearchOn => {
                self.lost.as_mut().map(|lost| lost.search_on(&self.desk)).unwrap_or_default()
            }
            UiAction::LostSecond(text) => match &mut self.lost {
                Some(lost) => lost.second(&mut self.desk, &text, now),
                None => Vec::new(),
            },
            UiAction::LostPick(card) => {
                if self.lost.as_ref().is_some_and(|lost| lost.picked(&card).is_some()) {
                    self.pin = Some(PinController::manager(Wanted::Lost(card)));
                }
                Vec::new()
            }
            UiAction::AnswerCall { id, yes } => {
                self.calls.answer(&id, yes).map(Effect::Tell).into_iter().collect()
            }
            UiAction::OpenDiagnostics => {
                let health = self.desk.health();
                let plug = self.desk.plug_test();
                self.diagnostics = Some(DiagnosticsModel { health, plug, ..DiagnosticsModel::default() });
                Vec::new()
            }
            UiAction::CloseDiagnostics => {
                self.diagnostics = None;
                Vec::new()
            }
            UiAction::WriteReport => vec![Effect::WriteReport],
            UiAction::SyncNow => {
                self.desk.sync_now();
                Vec::new()
            }
            // The machine's folders and what reads its codes are no business of guests.
            UiAction::OpenImage | UiAction::OpenFolder | UiAction::UseScanner
                if self.app.route == Route::Kiosk =>
            {
                Vec::new()
            }
            UiAction::OpenImage => {
                self.files.open(FilesWanted::Picture);
                Vec::new()
            }
            UiAction::OpenFolder => {
                self.files.open(FilesWanted::Folder);
                Vec::new()
            }
            UiAction::PickFile(name) => self.files.pick(&name).into_iter().map(Effect::OpenImage).collect(),
            UiAction::PickFolder => vec![Effect::OpenFolder(self.files.pick_folder())],
            UiAction::FolderUp => {
                self.files.up();
                Vec::new()
            }
            UiAction::CloseFiles => {
                self.files.close();
                Vec::new()
            }
            UiAction::UseScanner => {
                self.camera(CameraState::Scanner, "", 0, 0);
                vec![Effect::UseScanner]
            }
            UiAction::ScannerHeard => {
                let known = std::mem::replace(&mut self.scan.hand_scanner, true);
                if self.scan.state == CameraState::None {
                    self.scan.state = CameraState::Scanner;
                }
                if known { Vec::new() } else { vec![Effect::KeepSettings] }
            }
            UiAction::UseCamera => {
                self.camera(CameraState::Starting, "", 0, 0);
                vec![Effect::UseCamera]
            }
            UiAction::NoCode => self.no_code(),
            UiAction::Clean => {
                self.clean_at = Some(Moment { unix_ms: now.unix_ms + CLEANING_SECONDS * 1000, ..now });
                self.wipe(now);
                Vec::new()
            }
            UiAction::EndCleaning => {
                self.clean_at = None;
                self.wipe(now);
                Vec::new()
            }
            UiAction::CloseNotice => {
                self.counter.close_notice();
                self.till.close_notice();
                Vec::new()
            }
            UiAction::PinWho(_)
            | UiAction::PinKey(_)
            | UiAction::PinErase
            | UiAction::PinDone
            | UiAction::PinCancel
            | UiAction::LeaveKiosk => self.pin_pad(action, now),
            other => self.on_screen(other, now),
        };
        self.wait_for_server(&asked, now);
        self.ask_a_second_person(asked);
        let effects: Vec<Effect> = before.into_iter().chain(done).collect();
        self.counter.refresh(&self.desk, now);
        if self.app.route == Route::Kiosk {
            self.kiosk.refresh(&mut self.desk, now);
        }
        self.caption(&effects, now);
        effects
    }

    /// What belongs to the screen that is shown.
    fn on_screen(&mut self, action: UiAction, now: Moment) -> Vec<Effect> {
        let desk = &mut self.desk;
        match action {
            UiAction::AddStamp { member, count } => return self.counter.add(desk, &member, count, now),
            UiAction::Claim { reward, .. } if self.app.route == Route::Kiosk => {
                return self.claim_at_kiosk(reward, now);
            }
            UiAction::TakePaper { stamps } => match self.counter.take_paper(desk, stamps, None, now) {
                Ok(effects) => return effects,
                Err(_) => self.pin = Some(PinController::manager(Wanted::Paper(stamps))),
            },
            UiAction::ForgottenCard => return self.counter.forgotten_card(desk, now),
            UiAction::CloseSlip => self.counter.close_slip(),
            UiAction::PrintSlip => return self.counter.print_slip(),
            UiAction::ReleaseGift { pool } => return self.counter.release_gift(desk, &pool, now),
            UiAction::OpenClosing => self.counter.closing(desk, true, now),
            UiAction::CloseClosing => self.counter.closing(desk, false, now),
            UiAction::Claim { member, reward, how } => {
                return self.counter.claim(desk, &member, &reward, how, now);
            }
            UiAction::Undo { event } if self.app.route == Route::Till => {
                return self.till.undo(desk, &event, now);
            }
            UiAction::Undo { event } => return self.counter.undo(desk, &event, now),
            UiAction::Arm(count) if self.app.route == Route::Counter => {
                return self.counter.arm(desk, count, now);
            }
            UiAction::PickCard { programme } => self.counter.pick_card(&programme),
            UiAction::PutAway => self.counter.put_away(),
            UiAction::AddToBasket { sku } => return self.till.put_in(desk, &sku, now),
            UiAction::PickAddition(code) => self.till.pick_addition(&code),
            UiAction::AddChosen => return self.till.add_chosen(desk, now),
            UiAction::CloseAdditions => self.till.close_additions(),
            UiAction::ServeAway(away) => self.till.serve(desk, away, now),
            UiAction::RemoveLine { line } => return self.till.take_out(desk, &line, now),
            UiAction::RemoveMember => return self.till.remove_member(desk, now),
            UiAction::BasketReward { reward, take } => return self.till.reward(desk, &reward, take, now),
            UiAction::PickCategory(category) => self.till.pick_category(category),
            UiAction::Search(text) => self.till.search(text),
            UiAction::OpenCash => self.till.open_cash(),
            UiAction::CloseCash => self.till.close_cash(),
            UiAction::CashKey(digits) => self.till.cash_key(&digits),
            UiAction::CashErase => self.till.cash_erase(),
            UiAction::PayTyped => return self.till.pay_typed(desk, now),
            UiAction::PayCash { given } => return self.till.pay(desk, Money(given), now),
            UiAction::KioskStart => self.kiosk.start(now),
            UiAction::KioskJoin => self.kiosk.join(now),
            UiAction::KioskJoinAnonymous => return self.kiosk.join_anonymous(desk, now),
            UiAction::KioskJoinNamed => self.kiosk.join_named(now),
            UiAction::KioskAgree => self.kiosk.agree(now),
            UiAction::KioskKey(letter) => self.kiosk.key(&letter, now),
            UiAction::KioskErase => self.kiosk.erase(now),
            UiAction::KioskNameDone => return self.kiosk.name_done(desk, now),
            UiAction::KioskLeave => {
                self.kiosk.done(desk, now);
                return self.close_pin();
            }
            UiAction::KioskScore(score) => return self.kiosk.score(desk, score, now),
            UiAction::KioskWhy(reason) => return self.kiosk.why(desk, Some(&reason), now),
            UiAction::KioskSkip => return self.kiosk.why(desk, None, now),
            UiAction::KioskStay => self.kiosk.stay(now),
            UiAction::KioskHelp => return self.call_help(now),
            // The rest is done in `handle`.
            _ => {}
        }
        Vec::new()
    }

    /// Counts the seconds down in which touches do nothing. A clock that was set back does not make them more.
    fn wipe(&mut self, now: Moment) {
        let left = self.clean_at.map(|end| (end.unix_ms - now.unix_ms + 999) / 1000);
        let left = left.filter(|left| (1..=CLEANING_SECONDS).contains(left));
        if left.is_none() {
            self.clean_at = None;
        }
        self.app.cleaning = left.and_then(|left| u32::try_from(left).ok());
    }

    pub(super) fn tick(&mut self, now: Moment) -> Vec<Effect> {
        let mut effects = self.go_on(now);
        self.till.tick(now);
        self.calls.tick(now);
        if self.app.route != Route::Kiosk {
            return effects;
        }
        let before = self.kiosk.model().page;
        let manager = self.desk.colleagues().iter().any(|colleague| colleague.manager && colleague.has_pin);
        self.kiosk.set_can_leave(manager);
        self.kiosk.tick(now);
        let gone = self.kiosk.model().alone
            || (before != KioskPage::Attract && self.kiosk.model().page == KioskPage::Attract);
        if !gone {
            return effects;
        }
        // The guest has gone, and with the guest what was asked and called for, the voice, how it was set, how it looked
        // and the language.
        (self.app.volume, self.app.larger) = (Volume::default(), false);
        self.look_as_the_shop_wants();
        effects.extend(self.guest_gone());
        if std::mem::take(&mut self.app.speech) {
            effects.push(Effect::Hush);
        }
        effects
    }

    fn scanned(&mut self, text: &str, now: Moment) -> Vec<Effect> {
        if let Some(lost) = self.lost.as_mut().filter(|_| self.app.route == Route::Counter) {
            return lost.second(&mut self.desk, text, now);
        }
        if let Some(effects) = self.confirmed_by(text, now) {
            return effects;
        }
        match self.app.route {
            Route::Counter => self.counter.scan(&mut self.desk, text, now),
            Route::Till => self.till.scan(&mut self.desk, text, now),
            Route::Kiosk => self.kiosk.scan(&mut self.desk, text, now),
            Route::Setup => self.setup.settle(&mut self.desk, &UiAction::Scan(text.to_owned()), now),
        }
    }

    fn no_code(&mut self) -> Vec<Effect> {
        match self.app.route {
            Route::Counter => self.counter.say(Notice::of(NoticeKind::NoCode)),
            Route::Till => self.till.no_code(),
            // A guest who is still moving the card needs no message.
            Route::Kiosk | Route::Setup => {}
        }
        Vec::new()
    }

    pub(super) fn navigate(&mut self, route: Route, now: Moment) -> Vec<Effect> {
        if route == Route::Setup {
            self.setup.open(self.app.route);
        }
        self.look_as_the_shop_wants();
        self.app.route = route;
        self.lost = None;
        self.kiosk.leave();
        self.kiosk.stay(now);
        self.close_pin()
    }

    /// Changes how the screen looks or speaks. A guest at a kiosk does it for this visit; in the sample shop it is kept, as
    /// its kiosk has a menu.
    fn keep(&mut self, change: impl FnOnce(&mut AppModel)) -> Vec<Effect> {
        if self.app.route == Route::Kiosk && !self.app.demo {
            self.shops_look.get_or_insert((self.app.language, self.app.high_contrast, self.app.still));
            change(&mut self.app);
            return Vec::new();
        }
        change(&mut self.app);
        vec![Effect::KeepSettings]
    }

    /// What a guest has changed is as it was.
    fn look_as_the_shop_wants(&mut self) {
        if let Some((language, high_contrast, still)) = self.shops_look.take() {
            (self.app.language, self.app.high_contrast, self.app.still) = (language, high_contrast, still);
        }
    }

    /// At night the screen is dark until somebody comes.
    fn dim(&mut self, by_clock: bool, now: Moment) {
        if !by_clock {
            self.touched = now;
        }
        let minutes = now.unix_ms.div_euclid(60_000) + i64::from(now.offset_minutes);
        let minute = u16::try_from(minutes.rem_euclid(24 * 60)).unwrap_or(0);
        let night = self.night.is_some_and(|(from, to)| {
            if from <= to { (from..to).contains(&minute) } else { minute >= from || minute < to }
        });
        self.app.dimmed = night && now.seconds_since(self.touched) >= AWAKE_SECONDS;
    }

    /// What can be heard is written as well, for a moment.
    pub(super) fn caption(&mut self, effects: &[Effect], now: Moment) {
        let heard = effects.iter().rev().find_map(|effect| match effect {
            Effect::Play(sound) => Some(Heard::Sound(*sound)),
            Effect::CallHelp => Some(Heard::Bell),
            _ => None,
        });
        if heard.is_some() {
            (self.app.heard, self.heard_at) = (heard, now);
        } else if now.seconds_since(self.heard_at) >= CAPTION_SECONDS {
            self.app.heard = None;
        }
    }
}
