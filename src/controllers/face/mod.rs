//! All screens together: one action in, the model and the effects out.
//!
//! - `actions`: what was done at the screen or held up, and what comes of it.
//! - `confirm`: what somebody who works here has to confirm: at the pad, by a card, at the counter, or the server.

mod actions;
mod confirm;

use std::path::PathBuf;

use confirm::Waiting;

use super::action::{Effect, Language, Look, Route, Volume};
use super::calls::CallsController;
use super::counter::CounterController;
use super::desk::{Desk, Moment};
use super::device::{Note, Placement};
use super::files::FilesController;
use super::kiosk::KioskController;
use super::lost::LostController;
use super::model::{
    AppModel, CameraState, DiagnosticsModel, Notice, NoticeKind, ScanModel, ScreenModel, SetupStep, SyncModel,
};
use super::pin::PinController;
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
    /// A scanner that types has read a card here before.
    pub hand_scanner: bool,
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
            hand_scanner: false,
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
    /// Language, contrast and stillness as they were before a guest at the kiosk changed them.
    shops_look: Option<(Language, bool, bool)>,
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

/// The version of the page that says what happens to a name, where the shop names none of its own.
pub const TERMS: &str = "2026-11";

/// How long the screen can be wiped.
pub const CLEANING_SECONDS: i64 = 30;

impl<D: Desk> Face<D> {
    /// Puts the screens in front of the desk.
    pub fn new(mut desk: D, options: FaceOptions, now: Moment) -> Self {
        let mut counter = CounterController::new(options.stamp_by_scan);
        counter.refresh(&desk, now);
        counter.recall(&desk);
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
            scan: ScanModel {
                samples: desk.samples(),
                hand_scanner: options.hand_scanner,
                ..ScanModel::default()
            },
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
            shops_look: None,
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
        let absent = state == CameraState::None && self.scan.hand_scanner;
        self.scan.state = if absent { CameraState::Scanner } else { state };
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
        self.counter.look_again(&self.desk);
        self.counter.refresh(&self.desk, now);
        self.scan.samples = self.desk.samples();
    }

    /// Says on the stamp-card screen that the camera is gone.
    pub fn camera_gone(&mut self) {
        self.camera(CameraState::None, "", 0, 0);
        if self.app.route == Route::Counter {
            self.counter.say(Notice::of(NoticeKind::CameraGone));
        }
    }
}
