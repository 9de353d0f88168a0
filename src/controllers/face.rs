//! All screens together: one action in, the model and the effects out.

use std::path::PathBuf;

use super::action::{Effect, Heard, Language, Look, Route, Sound, UiAction, Volume};
use super::calls::CallsController;
use super::counter::CounterController;
use super::desk::{Asking, ColleagueId, Desk, Moment, Money, Refusal, RewardId};
use super::device::{Note, Placement};
use super::files::FilesController;
use super::kiosk::KioskController;
use super::lost::LostController;
use super::model::{
    AppModel, CameraState, DiagnosticsModel, FilesWanted, KioskPage, Notice, NoticeKind, ScanModel,
    ScreenModel, SetupStep, SyncModel,
};
use super::pin::{PinController, Wanted};
use super::setup::SetupController;
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
    /// Devices of the shop reach each other through a server.
    pub relayed: bool,
    /// What this device is called in the names of its calls.
    pub device: String,
    /// The first run goes on at this page.
    pub setup: Option<SetupStep>,
    /// The camera that was chosen; empty for the first.
    pub camera: String,
    /// The shop's own picture: a file on this device.
    pub picture: Option<PathBuf>,
    /// The version of the terms.
    pub terms: String,
    /// When the screen is dark, in minutes after midnight; may go over midnight.
    pub night: Option<(u16, u16)>,
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
            relayed: false,
            device: String::new(),
            setup: None,
            camera: String::new(),
            picture: None,
            terms: TERMS.into(),
            night: None,
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
    setup: SetupController,
    files: FilesController,
    /// When the wiping of the screen is over.
    clean_at: Option<Moment>,
    /// A PIN is asked for.
    pin: Option<PinController>,
    /// How the device is, while it is looked at.
    diagnostics: Option<DiagnosticsModel>,
    /// A lost card is being replaced.
    lost: Option<LostController>,
    /// Calls from the kiosks.
    calls: CallsController,
    /// Devices of the shop reach each other.
    relayed: bool,
    /// What this device's calls are named after, and how many there were.
    device: String,
    called: u64,
    /// The call for help of the guest at the kiosk.
    help: Option<String>,
    /// When the last sound was made.
    heard_at: Moment,
    /// When it is night, and when somebody was last here.
    night: Option<(u16, u16)>,
    touched: Moment,
    camera_name: String,
    /// The server is being asked about a reward.
    asking: Option<Waiting>,
    /// How the device stands: the camera's picture is shown by it.
    placement: Placement,
}

/// What waits for the server's answer.
#[derive(Debug)]
struct Waiting {
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
/// How long a caption of a sound stays, in seconds.
const CAPTION_SECONDS: i64 = 3;
/// How long the screen stays bright at night after somebody was here, in seconds.
const AWAKE_SECONDS: i64 = 120;

/// The version of the page that says what happens to a name, where the shop names none of its own.
pub const TERMS: &str = "2026-11";

/// How long the screen can be wiped.
pub const CLEANING_SECONDS: i64 = 30;

impl<D: Desk> Face<D> {
    /// Puts the screens in front of the desk.
    pub fn new(mut desk: D, options: FaceOptions, now: Moment) -> Self {
        let mut counter = CounterController::new(options.stamp_by_scan);
        counter.refresh(&desk, now);
        let mut setup = SetupController::new(options.route, true);
        if let Some(step) = options.setup {
            setup.open(options.route);
            // What it asks for is asked for when the screens are up.
            setup.go_on(&mut desk, step);
        }
        let route = if options.setup.is_some() { Route::Setup } else { options.route };
        Self {
            counter,
            till: TillController::new(&desk, now),
            kiosk: KioskController::new(options.needs_proof),
            scan: ScanModel { samples: desk.samples(), ..ScanModel::default() },
            setup,
            files: FilesController::new(options.pictures),
            app: AppModel {
                route,
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
                volume: Volume::default(),
                larger: false,
                can_speak: options.can_speak,
                can_ring: options.can_ring,
                heard: None,
                dimmed: false,
                picture: options.picture,
                terms: options.terms,
            },
            clean_at: None,
            pin: None,
            diagnostics: None,
            lost: None,
            calls: CallsController::default(),
            relayed: options.relayed,
            device: options.device,
            called: 0,
            help: None,
            heard_at: Moment::default(),
            night: options.night,
            touched: now,
            camera_name: options.camera,
            asking: None,
            placement: desk.placement(),
            desk,
        }
    }

    /// A real shop from now on, and no sample: nothing is given that nobody confirms.
    #[doc(hidden)]
    pub fn be_a_shop(&mut self) {
        self.app.demo = false;
    }

    /// The desk behind the screens.
    pub fn desk(&mut self) -> &mut D {
        &mut self.desk
    }

    /// Whether packages are put into a basket here, so that their codes are looked for.
    pub fn sells(&self) -> bool {
        self.app.route == Route::Till
    }

    /// What every screen has around it.
    pub fn app(&self) -> &AppModel {
        &self.app
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
            setup: self.setup.model().clone(),
            files: self.files.model().clone(),
            pin: self.pin.as_ref().map(PinController::model),
            diagnostics: self.diagnostics.clone(),
            lost: self.lost.as_ref().map(|lost| lost.model().clone()),
            calls: self.calls.model().to_vec(),
            asking: self.asking.is_some(),
        }
    }

    /// Says what the camera does, or which file is shown.
    pub fn camera(&mut self, state: CameraState, file: &str, frame: u32, frames: u32) {
        self.scan.state = state;
        file.clone_into(&mut self.scan.file);
        (self.scan.frame, self.scan.frames) = (frame, frames);
    }

    /// How the device stands. The camera of a screen that faces the guest looks back like a mirror; one that looks at the
    /// guest for those who work there does not.
    pub fn placement(&self) -> Placement {
        self.placement
    }

    /// Says whether the camera's pictures are kept.
    pub fn recording(&mut self, on: bool) {
        self.scan.recording = on;
    }

    /// Says how long the last picture took to read, in tenths of a millisecond.
    pub fn decoded(&mut self, tenths_ms: u32) {
        self.scan.decode_tenths_ms = Some(tenths_ms);
    }

    /// The cameras that were found.
    pub fn cameras(&mut self, names: Vec<String>) {
        let used = self.camera_name.clone();
        self.setup.cameras(names, &used);
    }

    /// Another device of the shop says something.
    pub fn told(&mut self, note: &Note, now: Moment) -> Vec<Effect> {
        if !note.is_plain() {
            return Vec::new();
        }
        let effects = match (self.app.route, note) {
            (Route::Kiosk, Note::Answer { id, yes }) => self.counter_said(id, *yes, now),
            (Route::Counter | Route::Till, Note::Done { given, .. }) => {
                self.calls.told(&self.desk, note, now);
                let kind = if *given { NoticeKind::CallDone } else { NoticeKind::GuestGone };
                let notice = Notice::of(kind);
                if self.app.route == Route::Till {
                    self.till.say(notice)
                } else {
                    self.counter.say(notice)
                }
                Vec::new()
            }
            (Route::Counter | Route::Till, _) => {
                if self.calls.told(&self.desk, note, now) {
                    vec![Effect::CallHelp]
                } else {
                    Vec::new()
                }
            }
            _ => Vec::new(),
        };
        self.caption(&effects, now);
        effects
    }

    /// The counter has answered a call of this kiosk.
    fn counter_said(&mut self, id: &str, yes: bool, now: Moment) -> Vec<Effect> {
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

    /// Goes on with what the server was asked for, when it has answered or when a guest has waited long enough.
    fn go_on(&mut self, now: Moment) -> Vec<Effect> {
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
                    Ok(effects) => effects,
                    Err(refusal) => self.kiosk.refuse(refusal),
                }
            }
            None => Vec::new(),
        }
    }

    /// Nobody waits for the server any more.
    fn stop_asking(&mut self) -> Vec<Effect> {
        let Some(waiting) = self.asking.take() else { return Vec::new() };
        self.desk.stop_asking();
        match waiting.then {
            Then::Reward { call: Some(id), .. } => vec![Effect::Tell(Note::Done { id, given: false })],
            _ => Vec::new(),
        }
    }

    /// The name of a new call.
    fn call_name(&mut self, now: Moment) -> String {
        self.called += 1;
        let device: String = self.device.chars().take(32).collect();
        format!("{device}-{:x}-{}", now.unix_ms, self.called)
    }

    /// The pad goes, and with it what the counter was asked.
    fn close_pin(&mut self) -> Vec<Effect> {
        let call = self.pin.take().and_then(|pin| pin.call);
        call.map(|id| Effect::Tell(Note::Gone { id })).into_iter().collect()
    }

    /// What can be heard is written as well, for a moment.
    fn caption(&mut self, effects: &[Effect], now: Moment) {
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

    /// The printer has said something of a slip.
    pub fn slip_printed(&mut self, code: &str, done: Result<(), String>) {
        self.counter.slip_printed(code, done);
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
            UiAction::SetLanguage(language) => self.keep(|app| app.language = language),
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
        if self.desk.asking() != Asking::Nothing && self.asking.is_none() {
            self.asking = Some(Waiting { then: Then::Again(asked.clone()), since: now });
        }
        self.ask_a_second_person(asked);
        let effects: Vec<Effect> = before.into_iter().chain(done).collect();
        self.counter.refresh(&self.desk, now);
        if self.app.route == Route::Kiosk {
            self.kiosk.refresh(&mut self.desk, now);
        }
        self.caption(&effects, now);
        effects
    }

    /// What was refused because it goes beyond a limit waits for a manager's PIN. A guest alone is not asked for one.
    fn ask_a_second_person(&mut self, asked: UiAction) {
        let Some(beyond) = self.desk.beyond() else { return };
        if self.pin.is_none() && matches!(self.app.route, Route::Counter | Route::Till) {
            let mut pin = PinController::manager(Wanted::Agree(beyond, Box::new(asked)));
            let counter = self.counter.model().notice.clone();
            let till = self.till.model().notice.clone();
            pin.wrong(if self.app.route == Route::Till { till } else { counter });
            self.pin = Some(pin);
        }
    }

    /// What belongs to the screen that is shown.
    fn on_screen(&mut self, action: UiAction, now: Moment) -> Vec<Effect> {
        let desk = &mut self.desk;
        match action {
            UiAction::AddStamp { member, count } => return self.counter.add(desk, &member, count, now),
            UiAction::Claim { reward, .. } if self.app.route == Route::Kiosk => {
                // What is given away stays in the shop; everything else is confirmed by somebody who works here. The
                // sample shop has nobody who works there.
                let offers = self.kiosk.model().guest.iter().flat_map(|guest| &guest.rewards);
                let gift = offers.into_iter().any(|offer| offer.id == reward && offer.gift);
                let staff = desk.colleagues();
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
                return asked.into_iter().collect();
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
            UiAction::KioskLeave => self.kiosk.done(desk, now),
            UiAction::KioskScore(score) => return self.kiosk.score(desk, score, now),
            UiAction::KioskWhy(reason) => return self.kiosk.why(desk, Some(&reason), now),
            UiAction::KioskSkip => return self.kiosk.why(desk, None, now),
            UiAction::KioskStay => self.kiosk.stay(now),
            UiAction::KioskHelp => {
                let mut effects = self.kiosk.help(now);
                if self.relayed && self.help.is_none() {
                    let id = self.call_name(now);
                    self.help = Some(id.clone());
                    effects.push(Effect::Tell(Note::Help { id }));
                }
                return effects;
            }
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
    fn confirmed_by(&mut self, text: &str, now: Moment) -> Option<Vec<Effect>> {
        let Wanted::Reward(reward) = self.pin.as_ref()?.wanted.clone() else { return None };
        let done = if self.desk.is_staff_card(text) {
            Ok(self.confirmed(reward, None, now))
        } else if self.desk.is_proof(text) {
            match self.kiosk.claim_by_slip(&mut self.desk, &reward, text, now) {
                Err(Refusal::AskingServer) => {
                    let then = Then::Reward { reward, slip: Some(text.to_owned()), call: None };
                    self.asking = Some(Waiting { then, since: now });
                    Ok(Vec::new())
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

    fn tick(&mut self, now: Moment) -> Vec<Effect> {
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
        // The guest has gone, and with the guest what was asked, the voice and how it was set, and the larger text.
        (self.app.volume, self.app.larger) = (Volume::default(), false);
        effects.extend(self.stop_asking());
        effects.extend(self.close_pin());
        effects.extend(self.help.take().map(|id| Effect::Tell(Note::Gone { id })));
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

    fn navigate(&mut self, route: Route, now: Moment) -> Vec<Effect> {
        if route == Route::Setup {
            self.setup.open(self.app.route);
        }
        self.app.route = route;
        self.lost = None;
        self.kiosk.leave();
        self.kiosk.stay(now);
        self.close_pin()
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
