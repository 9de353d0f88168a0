//! All screens together: one action in, the model and the effects out.

use std::path::PathBuf;

use super::action::{Effect, Language, Look, Route, Sound, UiAction};
use super::counter::CounterController;
use super::desk::{ColleagueId, Desk, Moment, Money, Refusal};
use super::files::FilesController;
use super::kiosk::KioskController;
use super::model::{
    AppModel, CameraState, DiagnosticsModel, FilesWanted, KioskPage, Notice, NoticeKind, ScanModel,
    ScreenModel, SetupModel, SyncModel,
};
use super::pin::{PinController, Wanted};
use super::till::TillController;

/// What the face starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaceOptions {
    /// The first screen.
    pub route: Route,
    /// Where we are and who works here.
    pub place: String,
    /// The name of the shop.
    pub shop: String,
    /// The language.
    pub language: Language,
    /// Light or dark.
    pub look: Look,
    /// It is the sample shop.
    pub demo: bool,
    /// A scan gives its stamp by itself; otherwise it asks.
    pub stamp_by_scan: bool,
    /// The kiosk wants a proof of purchase.
    pub needs_proof: bool,
    /// Where the chooser of pictures opens first.
    pub pictures: PathBuf,
    /// The machine has a voice.
    pub can_speak: bool,
    /// The machine has a loudspeaker.
    pub can_ring: bool,
}

impl Default for FaceOptions {
    fn default() -> Self {
        Self {
            route: Route::default(),
            place: String::new(),
            shop: String::new(),
            language: Language::default(),
            look: Look::default(),
            demo: false,
            stamp_by_scan: true,
            needs_proof: false,
            pictures: PathBuf::from("/"),
            can_speak: false,
            can_ring: false,
        }
    }
}

/// The terminal's screens in front of a desk.
#[derive(Debug)]
pub struct Face<D> {
    desk: D,
    app: AppModel,
    counter: CounterController,
    till: TillController,
    kiosk: KioskController,
    scan: ScanModel,
    setup: SetupModel,
    files: FilesController,
    /// When the wiping of the screen is over.
    clean_at: Option<Moment>,
    /// A PIN is asked for.
    pin: Option<PinController>,
    /// How the device is, while it is looked at.
    diagnostics: Option<DiagnosticsModel>,
}

/// How long the screen can be wiped.
pub const CLEANING_SECONDS: i64 = 30;

impl<D: Desk> Face<D> {
    /// Puts the screens in front of the desk.
    pub fn new(desk: D, options: FaceOptions, now: Moment) -> Self {
        let mut counter = CounterController::new(options.stamp_by_scan);
        counter.refresh(&desk, now);
        let role = if options.route == Route::Setup { Route::Counter } else { options.route };
        Self {
            counter,
            till: TillController::new(&desk, now),
            kiosk: KioskController::new(options.needs_proof),
            scan: ScanModel { samples: desk.samples(), ..ScanModel::default() },
            setup: SetupModel { role, settled: true, ..SetupModel::default() },
            files: FilesController::new(options.pictures),
            app: AppModel {
                route: options.route,
                place: options.place,
                shop: options.shop,
                now,
                language: options.language,
                look: options.look,
                high_contrast: false,
                still: false,
                demo: options.demo,
                cleaning: None,
                speech: false,
                can_speak: options.can_speak,
                can_ring: options.can_ring,
            },
            clean_at: None,
            pin: None,
            diagnostics: None,
            desk,
        }
    }

    /// The desk behind the screens.
    pub fn desk(&mut self) -> &mut D {
        &mut self.desk
    }

    /// What is on the screens.
    pub fn model(&self) -> ScreenModel {
        ScreenModel {
            app: self.app.clone(),
            counter: self.counter.model().clone(),
            till: self.till.model().clone(),
            kiosk: self.kiosk.model().clone(),
            sync: SyncModel { report: self.desk.sync_report() },
            scan: self.scan.clone(),
            setup: self.setup.clone(),
            files: self.files.model().clone(),
            pin: self.pin.as_ref().map(PinController::model),
            diagnostics: self.diagnostics.clone(),
        }
    }

    /// Says what the camera does, or which file is shown.
    pub fn camera(&mut self, state: CameraState, file: &str, frame: u32, frames: u32) {
        self.scan.state = state;
        file.clone_into(&mut self.scan.file);
        (self.scan.frame, self.scan.frames) = (frame, frames);
    }

    /// Says how long the last picture took to read, in tenths of a millisecond.
    pub fn decoded(&mut self, tenths_ms: u32) {
        self.scan.decode_tenths_ms = Some(tenths_ms);
    }

    /// The file for support is written, there.
    pub fn report_written(&mut self, file: String) {
        if let Some(diagnostics) = &mut self.diagnostics {
            diagnostics.report = file;
        }
    }

    /// Takes everything anew after the data changed underneath, as a sync does.
    pub fn reload(&mut self, now: Moment) {
        self.till.reload(&self.desk, now);
        self.counter.refresh(&self.desk, now);
        self.scan.samples = self.desk.samples();
    }

    /// Does what was asked, and says what else is to be done.
    pub fn handle(&mut self, action: UiAction, now: Moment) -> Vec<Effect> {
        self.app.now = now;
        self.wipe(now);
        // A cloth is no finger. Cards held up count all the same.
        let by_cloth = !matches!(
            action,
            UiAction::Tick | UiAction::Scan(_) | UiAction::NoCode | UiAction::EndCleaning | UiAction::Clean
        );
        if by_cloth && self.clean_at.is_some() {
            return Vec::new();
        }
        // Whoever changes how the kiosk looks or sounds is there.
        let at_the_look = matches!(
            action,
            UiAction::SetSpeech(_)
                | UiAction::SetLanguage(_)
                | UiAction::SetHighContrast(_)
                | UiAction::SetStill(_)
        );
        if at_the_look {
            self.kiosk.stay(now);
        }
        let effects = match action {
            UiAction::Tick => self.tick(now),
            UiAction::Scan(text) => self.scanned(&text, now),
            UiAction::SampleCard { id } => match self.desk.sample_text(&id) {
                Some(text) => self.scanned(&text, now),
                None => Vec::new(),
            },
            UiAction::Navigate(route) => self.navigate(route),
            UiAction::SetLanguage(language) => self.keep(|app| app.language = language),
            UiAction::SetLook(look) => self.keep(|app| app.look = look),
            UiAction::SetHighContrast(on) => self.keep(|app| app.high_contrast = on),
            UiAction::SetStill(on) => self.keep(|app| app.still = on),
            // For the guest who asked for it, not for the next: it is kept nowhere.
            UiAction::SetSpeech(on) => {
                self.app.speech = on && self.app.can_speak;
                if on { Vec::new() } else { vec![Effect::Hush] }
            }
            UiAction::Say(text) if self.app.speech => vec![Effect::Say(text)],
            UiAction::Say(_) => Vec::new(),
            UiAction::ChooseRole(role) => {
                self.setup.role = role;
                Vec::new()
            }
            UiAction::FinishSetup => {
                self.app.route = self.setup.role;
                vec![Effect::KeepSettings, Effect::KeepRole(self.setup.role)]
            }
            UiAction::OpenDiagnostics => {
                let health = self.desk.health();
                self.diagnostics = Some(DiagnosticsModel { health, ..DiagnosticsModel::default() });
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
        self.counter.refresh(&self.desk, now);
        effects
    }

    /// What belongs to the screen that is shown.
    fn on_screen(&mut self, action: UiAction, now: Moment) -> Vec<Effect> {
        let desk = &mut self.desk;
        match action {
            UiAction::AddStamp { member, count } => return self.counter.add(desk, &member, count, now),
            UiAction::Claim { reward, .. } if self.app.route == Route::Kiosk => {
                // What is given away stays in the shop; everything else is confirmed by somebody who works here.
                let offers = self.kiosk.model().guest.iter().flat_map(|guest| &guest.rewards);
                let gift = offers.into_iter().any(|offer| offer.id == reward && offer.gift);
                let staff = desk.colleagues();
                if gift || staff.is_empty() {
                    return self.kiosk.claim(desk, &reward, now);
                }
                self.kiosk.stay(now);
                let people = staff.into_iter().filter(|colleague| colleague.has_pin).collect();
                self.pin = Some(PinController::colleague(Wanted::Reward(reward), people));
            }
            UiAction::TakePaper { stamps } => match self.counter.take_paper(desk, stamps, None, now) {
                Ok(effects) => return effects,
                Err(_) => self.pin = Some(PinController::manager(Wanted::Paper(stamps))),
            },
            UiAction::ForgottenCard => return self.counter.forgotten_card(desk, now),
            UiAction::CloseSlip => self.counter.close_slip(),
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
            UiAction::KioskLeave => self.kiosk.done(now),
            UiAction::KioskStay => self.kiosk.stay(now),
            UiAction::KioskHelp => return self.kiosk.help(now),
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

    /// What is done at the pad where a PIN is typed.
    fn pin_pad(&mut self, action: UiAction, now: Moment) -> Vec<Effect> {
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
            (UiAction::PinCancel, _) => self.pin = None,
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
            _ => self.desk.check_pin(who, typed).map(|()| Vec::new()),
        };
        match done {
            Ok(effects) => {
                self.pin = None;
                match wanted {
                    Wanted::Leave => self.navigate(Route::Counter),
                    Wanted::Reward(reward) => self.kiosk.claim(&mut self.desk, &reward, now),
                    Wanted::Paper(_) => effects,
                }
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
    fn confirmed_by(&mut self, text: &str, now: Moment) -> Option<Vec<Effect>> {
        let Wanted::Reward(reward) = self.pin.as_ref()?.wanted.clone() else { return None };
        let done = if self.desk.is_staff_card(text) {
            Ok(self.kiosk.claim(&mut self.desk, &reward, now))
        } else if self.desk.is_proof(text) {
            self.kiosk.claim_by_slip(&mut self.desk, &reward, text, now)
        } else {
            // The guest's own card is still in view.
            self.kiosk.stay(now);
            return Some(Vec::new());
        };
        Some(match done {
            Ok(effects) => {
                self.pin = None;
                effects
            }
            Err(refusal) => self.wrong_pin(refusal),
        })
    }

    fn tick(&mut self, now: Moment) -> Vec<Effect> {
        self.till.tick(now);
        if self.app.route != Route::Kiosk {
            return Vec::new();
        }
        let before = self.kiosk.model().page;
        let manager = self.desk.colleagues().iter().any(|colleague| colleague.manager && colleague.has_pin);
        self.kiosk.set_can_leave(manager);
        self.kiosk.tick(now);
        let gone = self.kiosk.model().alone
            || (before != KioskPage::Attract && self.kiosk.model().page == KioskPage::Attract);
        if !gone {
            return Vec::new();
        }
        // The guest has gone, and with the guest what was asked and the voice.
        self.pin = None;
        if std::mem::take(&mut self.app.speech) { vec![Effect::Hush] } else { Vec::new() }
    }

    fn scanned(&mut self, text: &str, now: Moment) -> Vec<Effect> {
        if let Some(effects) = self.confirmed_by(text, now) {
            return effects;
        }
        match self.app.route {
            Route::Counter => self.counter.scan(&mut self.desk, text, now),
            Route::Till => self.till.scan(&mut self.desk, text, now),
            Route::Kiosk => self.kiosk.scan(&mut self.desk, text, now),
            Route::Setup => Vec::new(),
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

    fn navigate(&mut self, route: Route) -> Vec<Effect> {
        self.app.route = route;
        self.pin = None;
        self.kiosk.leave();
        Vec::new()
    }

    fn keep(&mut self, change: impl FnOnce(&mut AppModel)) -> Vec<Effect> {
        change(&mut self.app);
        vec![Effect::KeepSettings]
    }

    /// Says on the stamp-card screen that the camera is gone.
    pub fn camera_gone(&mut self) {
        self.camera(CameraState::None, "", 0, 0);
        if self.app.route == Route::Counter {
            self.counter.say(Notice::of(NoticeKind::CameraGone));
        }
    }
}
