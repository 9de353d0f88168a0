//! The place where a person stands: the window, what reads codes, the thread that syncs, and the door for
//! commands, all around one terminal.
//!
//! Data flows one way: a device gives a text → the face asks the desk → the terminal stores an event → the model
//! → the window. The window's thread never touches the store or the network; it asks the terminal's thread.

mod alive;
mod asking;
mod basket;
mod desk;
mod display;
mod first_run;
mod goods;
mod guest;
mod kept;
mod keys;
mod printer;
mod reading;
mod relay;
mod report;
mod sound;
mod syncing;
mod today;
mod upkeep;
mod voice;

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use stempel_domain::ports::Clock;
use stempel_scan::source::record::{PICTURES_MAX, Recorder};
use stempel_store::StoreError;
use stempel_terminal::handle::Handle;
use stempel_terminal::settings::OnScan;
use stempel_terminal::{Terminal, TerminalError, door};

use crate::cli::args::{Global, Screen};
use crate::cli::deed::{Deed, Request};
use crate::cli::{Answer, Failure, writer};
use crate::controllers::{
    CameraState, Effect, Face, FaceOptions, Language, Moment, Note, Placement, Route, Sample, ScreenModel,
    SetupStep, TERMS, UiAction,
};
use crate::screens::{AppScreens, CameraFrame, ScreensHandle};
use alive::Alive;
pub use desk::SampleCard;
use desk::TerminalDesk;
use kept::{SCREEN_SETTINGS, ScreenSettings, role_of};
use reading::{CameraMemory, Heard, Reader, ReaderChoice, ReaderOptions};
use sound::Loudspeaker;
use syncing::Syncing;
use voice::Voice;

/// How a station begins.
#[derive(Debug, Clone, Default)]
pub struct StationOptions {
    /// The first screen.
    pub route: Route,
    /// Cards of the sample shop to click.
    pub samples: Vec<SampleCard>,
    /// It is the sample shop.
    pub demo: bool,
    /// Where codes come from.
    pub screen: Option<Screen>,
    /// The folder where a choice of pictures begins; none: the person's own.
    pub pictures: Option<PathBuf>,
}

/// Opens the screens of the folder's terminal and stays until the window is closed.
pub fn run(global: &Global, screen: &Screen, route: Route) -> Result<Answer, Failure> {
    need_display()?;
    let mut route = route;
    let opened = writer(global, "stempel terminal");
    let mut terminal = match opened {
        Err(TerminalError::NotSetUp | TerminalError::Store(StoreError::NoData(_))) => {
            let Some(chosen) = first_run::first_run(global, screen, route)? else {
                return Ok(Answer::default());
            };
            display::again_where_needed()?;
            route = chosen;
            writer(global, "stempel terminal")?
        }
        opened => opened?,
    };
    // What an open plug test left on the disk is counted before anything else is written. A disk that cannot tell
    // must not keep the shop shut.
    let _ = terminal.check_plug_test(&upkeep::start_of_machine());
    let kept: ScreenSettings = terminal.view().setting(SCREEN_SETTINGS)?.unwrap_or_default();
    if route == Route::Counter {
        // Named by nothing on the command line, the device does what it was set up for.
        route = kept.role.as_deref().map_or(route, role_of);
    }
    let demo = terminal.identity().demo;
    let samples = if demo { desk::samples_of(&terminal)? } else { Vec::new() };
    let options =
        StationOptions { route, samples, demo, screen: Some(screen.clone()), ..StationOptions::default() };
    stand(terminal, global.data.clone(), options)?;
    Ok(Answer::default())
}

/// Opens the screens in front of a terminal and stays until the window is closed.
pub fn stand(terminal: Terminal, folder: PathBuf, options: StationOptions) -> Result<(), Failure> {
    let clock: Arc<dyn Clock> = terminal.clock().clone();
    let place = terminal.identity().device_name.clone();
    let set = terminal.settings()?;
    let shop = terminal.shop()?.map(|shop| shop.name).unwrap_or_default();
    let settings: ScreenSettings = terminal.view().setting(SCREEN_SETTINGS)?.unwrap_or_default();
    let terminal_has_server = terminal.identity().server.is_some();
    let device_name = terminal.identity().device.to_string();
    let syncing = Syncing::of(&terminal)?;
    let (handle, thread) = Handle::start(terminal).map_err(Failure::machine)?;
    open_door(&folder, &handle)?;

    let recorder = options.screen.as_ref().and_then(|screen| screen.record.as_deref());
    let recorder = recorder.map(|folder| Recorder::start(folder, PICTURES_MAX)).transpose();
    let recorder = recorder.map_err(|error| Failure::usage(error.to_string()))?.map(Arc::new);
    let (voice, loudspeaker) = (Voice::find(), Loudspeaker::find(&folder));
    let language = settings.language.as_deref().map_or_else(system_language, Language::from_tag);
    let face_options = FaceOptions {
        route: options.route,
        place,
        shop,
        language,
        look: settings.look(),
        demo: options.demo,
        pictures: options.pictures.clone().or_else(own_folder).unwrap_or_default(),
        stamp_by_scan: set.scan == OnScan::Stamp,
        // The sample shop has no till that prints receipts.
        needs_proof: set.proof.needed && !options.demo,
        can_speak: voice.is_there(),
        can_ring: loudspeaker.is_there(),
        relayed: terminal_has_server,
        device: device_name,
        setup: settings.step(),
        camera: settings.camera.clone().unwrap_or_default(),
        picture: set.picture.as_ref().map(PathBuf::from),
        terms: set.terms.clone().unwrap_or_else(|| TERMS.to_owned()),
        night: set.dimming.map(|hours| (hours.from, hours.to)),
        hand_scanner: settings.hand_scanner,
    };
    let began = moment(&*clock);
    let desk = TerminalDesk::new(
        handle.clone(),
        syncing.report(),
        syncing.wake(),
        options.samples,
        language,
        folder.clone(),
        began,
    );
    let now = {
        let clock = clock.clone();
        move || moment(&*clock)
    };
    let station = Rc::new(RefCell::new(Station {
        face: Face::new(desk, face_options, now()),
        handle: handle.clone(),
        screens: None,
        reader: None,
        role: settings.role.as_deref().map(role_of),
        camera: settings.camera.clone().unwrap_or_default(),
        measured: settings.measured.clone(),
        recorder,
        relay: None,
        folder: folder.clone(),
        alive: Alive::find(),
        voice,
        loudspeaker,
        printer: printer::SlipPrinter::default(),
        screen: options.screen.clone(),
        clock: clock.clone(),
    }));
    STATION.with(|slot| *slot.borrow_mut() = Some(station.clone()));
    let acting = {
        let (station, now) = (station.clone(), now.clone());
        move |action: UiAction| act(&station, action, now())
    };
    let screens = AppScreens::new(acting).map_err(no_window)?;
    keys::listen(&screens, &handle, clock.clone());
    let window = screens.handle();
    station.borrow_mut().screens = Some(window.clone());
    if options.screen.as_ref().is_some_and(|screen| screen.fullscreen) {
        display::fill(&screens);
    }
    screens.type_on_screen(options.screen.as_ref().is_some_and(|screen| screen.keyboard) || display::bare());
    station.borrow_mut().face.desk().when_answered(answered_in(&window));
    if let Some((width, height)) = options.screen.as_ref().and_then(|screen| screen.size) {
        screens.window().set_size(slint::PhysicalSize::new(width, height));
    }
    station.borrow_mut().begin_reading(None);
    if settings.step() == Some(SetupStep::Camera) {
        list_cameras(&window);
    }
    let relay = relay::Relay::start(&handle, told_in(&window)).map_err(Failure::machine)?;
    station.borrow_mut().relay = relay;
    let sync_thread =
        syncing.start(handle.clone(), clock.clone(), refresh_window(&window)).map_err(Failure::machine)?;
    if let Some(seconds) = options.screen.as_ref().and_then(|screen| screen.seconds) {
        end_after(Duration::from_secs(seconds), window.clone());
    }
    screens.show(&station.borrow().face.model());
    let ended = screens.run().map_err(no_window);

    // Everything that the window's thread holds goes first, so that the terminal's thread can end.
    station.borrow_mut().reader = None;
    STATION.with(|slot| slot.borrow_mut().take());
    drop((screens, station));
    sync_thread.stop();
    drop(handle);
    // The door keeps a handle for as long as the process lives; the terminal's events are durable as they are.
    drop(thread);
    ended
}

/// The stamp card in front of a terminal, without a window: each text that is scanned gives what is to be shown.
pub(crate) fn counter_of(
    terminal: Terminal,
    folder: PathBuf,
) -> Result<impl FnMut(&str) -> ScreenModel, Failure> {
    let (mut face, clock) = face_of(terminal, folder, Route::Counter)?;
    Ok(move |text: &str| {
        face.handle(UiAction::Scan(text.to_owned()), moment(&*clock));
        face.model()
    })
}

/// The screens in front of a terminal, without a window.
fn face_of(
    terminal: Terminal,
    folder: PathBuf,
    route: Route,
) -> Result<(Face<TerminalDesk>, Arc<dyn Clock>), Failure> {
    let clock: Arc<dyn Clock> = terminal.clock().clone();
    let syncing = Syncing::of(&terminal)?;
    let (report, wake) = (syncing.report(), syncing.wake());
    let (handle, _thread) = Handle::start(terminal).map_err(Failure::machine)?;
    let began = moment(&*clock);
    let desk = TerminalDesk::new(handle, report, wake, Vec::new(), Language::German, folder, began);
    let face = Face::new(desk, FaceOptions { route, ..FaceOptions::default() }, began);
    Ok((face, clock))
}

/// What the window's thread holds.
struct Station {
    face: Face<TerminalDesk>,
    handle: Handle,
    screens: Option<ScreensHandle>,
    reader: Option<Reader>,
    /// What the device is for, as far as somebody said it here.
    role: Option<Route>,
    folder: PathBuf,
    alive: Option<Alive>,
    voice: Voice,
    loudspeaker: Loudspeaker,
    printer: printer::SlipPrinter,
    /// The camera that was chosen; empty for the first.
    camera: String,
    /// The mode that was measured with it.
    measured: Option<CameraMemory>,
    /// Keeps the camera's pictures, where support asked for it.
    recorder: Option<Arc<Recorder>>,
    /// The way to the other devices of the shop.
    relay: Option<relay::Relay>,
    screen: Option<Screen>,
    clock: Arc<dyn Clock>,
}

thread_local! {
    /// The station of the window's thread, for what other threads send to it.
    static STATION: RefCell<Option<Rc<RefCell<Station>>>> = const { RefCell::new(None) };
}

fn moment(clock: &dyn Clock) -> Moment {
    let unix_ms = clock.now_ms();
    Moment { unix_ms, offset_minutes: clock.offset_minutes_at(unix_ms).into() }
}

/// Does what was asked, shows what it led to, and sees to the rest.
fn act(station: &Rc<RefCell<Station>>, action: UiAction, now: Moment) {
    let (effects, model, window) = {
        let mut station = station.borrow_mut();
        if action == UiAction::Tick
            && let Some(alive) = &mut station.alive
        {
            alive.beat();
        }
        if let UiAction::SetLanguage(language) = &action {
            station.face.desk().speak(*language);
        }
        let effects = station.face.handle(action, now);
        // A guest's language goes with the guest.
        let language = station.face.app().language;
        station.face.desk().speak(language);
        if let Some(reader) = &station.reader {
            reader.read_products(station.face.sells());
        }
        (effects, station.face.model(), station.screens.clone())
    };
    if let Some(window) = window {
        // The event loop is gone only when the program ends.
        let _ = window.show(model);
    }
    for effect in effects {
        station.borrow_mut().see_to(effect);
    }
}

impl Station {
    fn see_to(&mut self, effect: Effect) {
        match effect {
            Effect::OpenImage(path) => self.begin_reading(Some(ReaderChoice::Picture(path))),
            Effect::OpenFolder(path) => self.begin_reading(Some(ReaderChoice::Folder(path))),
            Effect::UseCamera => self.begin_reading(Some(ReaderChoice::Camera(self.camera.clone()))),
            Effect::UseCameraNamed(name) => {
                self.camera = name;
                self.keep_settings();
                self.begin_reading(Some(ReaderChoice::Camera(self.camera.clone())));
            }
            Effect::ListCameras => {
                if let Some(window) = &self.screens {
                    list_cameras(window);
                }
            }
            Effect::Tell(note) => {
                if let Some(relay) = &self.relay {
                    relay.tell(note);
                }
            }
            Effect::UseScanner => self.reader = None,
            Effect::KeepSettings => self.keep_settings(),
            Effect::Play(sound) => self.loudspeaker.play(sound::Heard::Sound(sound)),
            Effect::CallHelp => self.loudspeaker.play(sound::Heard::Bell),
            Effect::Say(text) => {
                let app = self.face.app();
                self.voice.say(&text, app.language, app.volume);
            }
            Effect::Hush => self.voice.hush(),
            Effect::PrintSlip(code) => self.print_slip(code),
            Effect::Then(action) => {
                if let Some(window) = &self.screens {
                    at_the_station(window, move |station, now| {
                        for effect in station.face.handle(action, now) {
                            station.see_to(effect);
                        }
                    });
                }
            }
            Effect::KeepRole(role) => {
                self.role = Some(role);
                self.keep_settings();
            }
            Effect::WriteReport => {
                let model = self.face.model();
                match report::write(&self.folder, &model) {
                    Ok(file) => self.face.report_written(file.display().to_string()),
                    Err(error) => self.face.report_written(error.to_string()),
                }
                if let Some(window) = self.screens.clone() {
                    let _ = window.show(self.face.model());
                }
            }
            // Only a device that is no terminal yet begins.
            Effect::Begin(_) => {}
        }
    }

    fn print_slip(&self, code: String) {
        let Some(window) = self.screens.clone() else { return };
        let (language, printed) = (self.face.app().language, code.clone());
        self.printer.print(&self.handle, code, language, move |done| {
            at_the_station(&window, move |station, _| station.face.slip_printed(&printed, done));
        });
    }

    fn keep_settings(&mut self) {
        let model = self.face.model();
        let (app, setup) = (model.app, model.setup);
        let settings = ScreenSettings {
            setup: ScreenSettings::under_way(&setup),
            camera: Some(self.camera.clone()).filter(|name| !name.is_empty()),
            measured: self.measured.clone(),
            hand_scanner: model.scan.hand_scanner,
            ..ScreenSettings::chosen(&app, self.role)
        };
        // A setting that could not be kept is asked for again at the next start.
        let _ = self.handle.send(move |terminal| drop(terminal.keep_setting(SCREEN_SETTINGS, &settings)));
    }

    /// Begins to read codes: from what was chosen, or as the command line says.
    fn begin_reading(&mut self, choice: Option<ReaderChoice>) {
        let choice = choice.or_else(|| ReaderChoice::of(self.screen.as_ref())).map(|choice| match choice {
            ReaderChoice::Camera(name) if name.is_empty() => ReaderChoice::Camera(self.camera.clone()),
            choice => choice,
        });
        let Some(choice) = choice else {
            // A kiosk that was told to use no camera has a scanner: guests can choose nothing else.
            let kiosk = self.face.app().route == Route::Kiosk;
            let state = if kiosk { CameraState::Scanner } else { CameraState::None };
            self.face.camera(state, "", 0, 0);
            return;
        };
        self.reader = None;
        let Some(window) = self.screens.clone() else { return };
        let (state, file) = choice.begins_as();
        self.face.camera(state, &file, 0, 0);
        let good = {
            let handle = self.handle.clone();
            move |text: &str| {
                let text = text.to_owned();
                // Receipts and slips are looked for as well; what they are worth is said when they are shown.
                Terminal::is_proof(&text)
                    || handle.call(move |terminal| terminal.is_card(&text)).unwrap_or(false)
            }
        };
        let heard = move |heard: Heard| {
            let frames = window.clone();
            // The event loop is gone only when the program ends.
            let _ = window.run_there(move || hear(heard, &frames));
        };
        let options = ReaderOptions {
            products: self.face.sells(),
            memory: self.measured.clone(),
            recorder: self.recorder.clone(),
        };
        // Said before the first picture can be kept, and taken back when none are kept any more.
        let is_camera = matches!(choice, ReaderChoice::Camera(_));
        self.face
            .recording(is_camera && self.recorder.as_ref().is_some_and(|recorder| recorder.is_running()));
        self.reader = Reader::start(&choice, good, options, heard);
        if let Some(window) = self.screens.clone() {
            let _ = window.show(self.face.model());
        }
    }
}

/// Something came from the reader, on the window's thread.
fn hear(heard: Heard, window: &ScreensHandle) {
    let Some(station) = STATION.with(|slot| slot.borrow().clone()) else { return };
    let now = moment(&*station.borrow().clock);
    match heard {
        Heard::Code(text) => {
            station.borrow_mut().face.desk().seen_by_camera(now);
            act(&station, UiAction::Scan(text), now);
            station.borrow_mut().face.desk().put_down();
        }
        Heard::NoCode => act(&station, UiAction::NoCode, now),
        Heard::State(state) => {
            let mut station = station.borrow_mut();
            station.face.camera(state, "", 0, 0);
            let _ = window.show(station.face.model());
        }
        Heard::Strip(place, length) => {
            let mut station = station.borrow_mut();
            let scan = station.face.model().scan;
            station.face.camera(CameraState::Film, &scan.file, place, length);
            let _ = window.show(station.face.model());
        }
        Heard::Measured(memory) => {
            let mut station = station.borrow_mut();
            station.measured = Some(memory);
            station.keep_settings();
        }
        Heard::Recording(on) => {
            let mut station = station.borrow_mut();
            station.face.recording(on);
            let _ = window.show(station.face.model());
        }
        Heard::Frame(frame) => {
            let mut station = station.borrow_mut();
            if let Some(tenths) = frame.decode_tenths_ms {
                station.face.decoded(tenths);
            }
            let frame = as_it_stands(frame, station.face.placement());
            let _ = window.camera_frame(frame);
        }
    }
}

/// A frame as the device's place wants it shown. What is no camera's is shown as it is.
fn as_it_stands(frame: CameraFrame, placement: Placement) -> CameraFrame {
    if !frame.mirrored {
        return frame;
    }
    CameraFrame { mirrored: placement.faces_guest, quarter_turns: placement.quarter_turns, ..frame }
}

/// Does something with the station on the window's thread, and shows what it led to; false when the window is gone.
fn at_the_station(window: &ScreensHandle, work: impl FnOnce(&mut Station, Moment) + Send + 'static) -> bool {
    let shown = window.clone();
    let done = window.run_there(move || {
        let Some(station) = STATION.with(|slot| slot.borrow().clone()) else { return };
        let mut station = station.borrow_mut();
        let now = moment(&*station.clock);
        work(&mut station, now);
        let _ = shown.show(station.face.model());
    });
    done.is_ok()
}

/// Looks for cameras beside the window's thread: a driver may take its time.
fn list_cameras(window: &ScreensHandle) {
    let answering = window.clone();
    std::thread::spawn(move || {
        let found = stempel_scan::source::camera::list().unwrap_or_default();
        let mut names: Vec<String> = found.into_iter().map(|camera| camera.name).collect();
        names.dedup();
        at_the_station(&answering, move |station, _| station.face.cameras(names));
    });
}

/// What is done with a note of another device; false when the window is gone.
fn told_in(window: &ScreensHandle) -> impl Fn(Note) -> bool + Send + 'static {
    let window = window.clone();
    move |note: Note| {
        at_the_station(&window, move |station, now| {
            for effect in station.face.told(&note, now) {
                station.see_to(effect);
            }
        })
    }
}

/// What the sync thread and the door call when the data changed underneath.
fn refresh_window(window: &ScreensHandle) -> impl Fn() + Send + Sync + 'static {
    let window = window.clone();
    move || {
        at_the_station(&window, |station, now| station.face.reload(now));
    }
}

/// What is done when the server has answered about a reward.
fn answered_in(window: &ScreensHandle) -> Arc<dyn Fn() + Send + Sync> {
    let window = window.clone();
    Arc::new(move || {
        let _ = window.run_there(|| {
            let Some(station) = STATION.with(|slot| slot.borrow().clone()) else { return };
            let now = moment(&*station.borrow().clock);
            act(&station, UiAction::ServerAnswered, now);
        });
    })
}

/// Lets commands in while the screens have the folder.
fn open_door(folder: &std::path::Path, handle: &Handle) -> Result<(), Failure> {
    let handle = handle.clone();
    let answer = move |line: String| -> String {
        let answer: Result<Answer, Failure> = match serde_json::from_str::<Request>(&line) {
            // The network is slow, and the counter must not wait for it.
            Ok(Request { deed: Deed::Sync, .. }) => crate::cli::exchange_beside(&handle),
            Ok(request) => crate::cli::run_beside(request, &handle),
            Err(error) => Err(Failure::usage(format!("the running terminal is of another version: {error}"))),
        };
        serde_json::to_string(&answer).unwrap_or_default()
    };
    door::listen(folder, answer).map_err(|error| Failure::machine(format!("the door for commands: {error}")))
}

fn end_after(time: Duration, window: ScreensHandle) {
    std::thread::spawn(move || {
        std::thread::sleep(time);
        let _ = window.quit();
    });
}

/// Says so where no window can be opened, and names what works instead.
pub fn need_display() -> Result<(), Failure> {
    let named = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !cfg!(target_os = "linux") || named("DISPLAY") || named("WAYLAND_DISPLAY") || display::bare() {
        return Ok(());
    }
    Err(Failure::machine(
        "there is no display here, so no window can be opened. The same works on the command line: \
         `stempel init --demo`, then `stempel member add --name Ada` and `stempel stamp --member CODE`",
    ))
}

fn own_folder() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from)
}

fn system_language() -> Language {
    Language::from_tag(crate::words::language().code())
}

fn no_window(error: impl std::fmt::Display) -> Failure {
    display::look_again_later();
    Failure::machine(format!(
        "no window can be opened here ({error}). On a machine without a display use the command line: `stempel stamp --member CODE`, `stempel --help`"
    ))
}

/// The samples as the screens list them.
fn listed(samples: &[SampleCard]) -> Vec<Sample> {
    samples
        .iter()
        .enumerate()
        .map(|(place, card)| Sample {
            id: place.to_string().as_str().into(),
            name: card.name.clone(),
            detail: card.detail.clone(),
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
mod tests {
    use stempel_store::{Folder, Store};
    use stempel_terminal::operators::{Authority, Role};
    use stempel_terminal::setup::{Beginning, begin_alone};
    use stempel_wire::message::Article;

    use super::*;
    use crate::controllers::NoticeKind;
    use crate::edge::{SystemClock, SystemEntropy};

    #[test]
    fn a_camera_that_looks_back_is_a_mirror_and_one_that_looks_at_the_guest_is_not() {
        let camera = CameraFrame {
            width: 1,
            height: 1,
            luma: vec![0].into(),
            corners: None,
            several: false,
            decode_tenths_ms: None,
            mirrored: true,
            quarter_turns: 0,
        };
        let guest = Placement::default();
        let staff = Placement { faces_guest: false, quarter_turns: 3, ..guest };
        assert!(as_it_stands(camera.clone(), guest).mirrored);
        let shown = as_it_stands(camera.clone(), staff);
        assert_eq!((shown.mirrored, shown.quarter_turns), (false, 3));
        let film = CameraFrame { mirrored: false, ..camera };
        assert_eq!(as_it_stands(film.clone(), staff), film, "a picture is shown as it is");
    }

    #[test]
    fn beyond_a_limit_a_managers_pin_lets_it_go_on_and_is_noted() {
        let dir = tempfile::tempdir().unwrap();
        let card = stempel_domain::programme::Programme::parse_toml(
            r#"id = "coffee"
name = "Coffee card"
unit = "stamp:coffee"
card = 10
[[earn]]
id = "coffees"
per = "item"
amount = 1"#,
        );
        let programmes = vec![card.unwrap()];
        let beginning = Beginning { shop_name: "Anker".into(), programmes, ..Beginning::default() };
        let store = Store::open(Folder::take(dir.path(), "test").unwrap()).unwrap();
        let (clock, entropy) = (Arc::new(SystemClock::new("")), Box::new(SystemEntropy));
        let mut terminal = begin_alone(store, clock, entropy, &beginning).unwrap();
        terminal.set_setting("alarms.card_often.warn", "1").unwrap();
        terminal.set_setting("alarms.card_often.ask", "2").unwrap();
        let lena = "lena".parse().unwrap();
        terminal.put_operator(&lena, "Lena", Role::Manager, Authority::First).unwrap();
        terminal.set_pin(&lena, "4711", Authority::First).unwrap();
        let ada = terminal.add_member(Some("Ada"), &None, None).unwrap();
        let (mut face, clock) = face_of(terminal, dir.path().to_owned(), Route::Counter).unwrap();
        let mut act = |action: UiAction| {
            face.handle(action, moment(&*clock));
            face.model()
        };
        act(UiAction::Scan(ada.token.to_string()));
        let member: crate::controllers::MemberId = ada.member.to_string().as_str().into();
        let model = act(UiAction::AddStamp { member, count: 1 });
        let stamps = |model: &crate::controllers::ScreenModel| {
            model.counter.guest.as_ref().map(|guest| guest.card.stamps)
        };
        let pin = model.pin.clone().unwrap();
        assert_eq!((pin.notice.kind, stamps(&model)), (NoticeKind::SecondPerson, Some(1)));
        act(UiAction::PinKey("1147".into()));
        let wrong = act(UiAction::PinDone);
        assert_eq!(wrong.pin.clone().unwrap().notice.kind, NoticeKind::WrongPin);
        act(UiAction::PinKey("4711".into()));
        let done = act(UiAction::PinDone);
        assert_eq!((done.pin.is_none(), stamps(&done)), (true, Some(2)), "{:?}", done.counter.notice);
    }

    /// The power goes while a card lies before the camera, and comes back.
    #[test]
    fn a_card_that_still_lies_there_after_a_start_is_not_counted_again() {
        let dir = tempfile::tempdir().unwrap();
        let programmes = crate::sample::PROGRAMMES.iter();
        let programmes =
            programmes.map(|text| stempel_domain::programme::Programme::parse_toml(text).unwrap()).collect();
        let beginning = Beginning { shop_name: "Anker".into(), programmes, ..Beginning::default() };
        let store = Store::open(Folder::take(dir.path(), "test").unwrap()).unwrap();
        let (clock, entropy) = (Arc::new(SystemClock::new("")), Box::new(SystemEntropy));
        let mut terminal = begin_alone(store, clock, entropy, &beginning).unwrap();
        let card = |terminal: &mut Terminal, name| {
            terminal.add_member(Some(name), &None, None).unwrap().token.to_string()
        };
        let (ada, ben) = (card(&mut terminal, "Ada"), card(&mut terminal, "Ben"));
        terminal.stamp(&ada, None, 1, Vec::new(), &Default::default()).unwrap();
        let (mut face, clock) = face_of(terminal, dir.path().to_owned(), Route::Counter).unwrap();
        let mut seen = |text: &str, by_camera: bool| {
            let now = moment(&*clock);
            if by_camera {
                face.desk().seen_by_camera(now);
            }
            face.handle(UiAction::Scan(text.to_owned()), now);
            face.desk().put_down();
            let counter = face.model().counter;
            (counter.guest.map(|guest| guest.card.stamps), counter.notice.kind)
        };
        assert_eq!(seen(&ada, true), (Some(1), NoticeKind::AlreadyCounted));
        assert_eq!(seen(&ben, true).0, Some(1), "who had nothing before is a new visit");
        assert_eq!(seen(&ada, false).0, Some(2), "a scanner reads what somebody holds up");
    }

    /// The power goes while the guest waits for the change.
    #[test]
    fn the_change_and_the_way_back_are_there_after_a_start() {
        let dir = tempfile::tempdir().unwrap();
        let articles = crate::sample::articles().unwrap();
        let sku = articles[0].sku.to_string();
        let beginning = Beginning { shop_name: "Anker".into(), articles, ..Beginning::default() };
        let store = || {
            let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
            loop {
                match Folder::take(dir.path(), "test") {
                    Ok(folder) => return Store::open(folder).unwrap(),
                    Err(error) => assert!(std::time::Instant::now() < until, "{error}"),
                }
                std::thread::yield_now();
            }
        };
        let time = || (Arc::new(SystemClock::new("")), Box::new(SystemEntropy));
        let (clock, entropy) = time();
        let terminal = begin_alone(store(), clock, entropy, &beginning).unwrap();
        let till = |terminal: Terminal, actions: Vec<UiAction>| {
            let (mut face, clock) = face_of(terminal, dir.path().to_owned(), Route::Till).unwrap();
            for action in actions {
                face.handle(action, moment(&*clock));
            }
            face.model().till
        };
        let again = || {
            let (clock, entropy) = time();
            Terminal::open(store(), clock, entropy).unwrap()
        };
        let add = UiAction::AddToBasket { sku: sku.as_str().into() };
        let sold = till(terminal, vec![add, UiAction::OpenCash, UiAction::PayCash { given: 10_000 }]);
        let before = sold.last_sale.expect("the sale");
        let after = till(again(), Vec::new()).last_sale.expect("the sale is shown again");
        assert_eq!((after.total, after.given, after.change), (before.total, before.given, before.change));
        assert!(after.change.0 > 0 && after.seconds > 0, "{after:?}");
        let undone = till(again(), vec![UiAction::Undo { event: after.event }]);
        assert_eq!((undone.notice.kind, undone.last_sale), (NoticeKind::SaleUndone, None));
        assert_eq!(till(again(), Vec::new()).last_sale, None, "what was taken back is not offered again");
    }

    #[test]
    fn at_the_till_a_package_is_an_article_and_a_card_a_member() {
        let dir = tempfile::tempdir().unwrap();
        let mut articles = crate::sample::articles().unwrap();
        let beans =
            Article { sku: "4006381333931".parse().unwrap(), name: "Bohnen".into(), ..articles[0].clone() };
        articles.push(beans);
        let beginning = Beginning { shop_name: "Anker".into(), articles, ..Beginning::default() };
        let store = Store::open(Folder::take(dir.path(), "test").unwrap()).unwrap();
        let (clock, entropy) = (Arc::new(SystemClock::new("")), Box::new(SystemEntropy));
        let mut terminal = begin_alone(store, clock, entropy, &beginning).unwrap();
        let card = terminal.add_member(Some("Ada"), &None, None).unwrap().token.to_string();
        let (mut face, clock) = face_of(terminal, dir.path().to_owned(), Route::Till).unwrap();
        let mut scan = |text: &str| {
            face.handle(UiAction::Scan(text.to_owned()), moment(&*clock));
            face.model().till
        };
        // As a camera tells it, as a scanner types it, and out of GS1 content.
        for text in ["04006381333931", "4006381333931", "]C1010400638133393110LOT7"] {
            scan(text);
        }
        let till = scan(&card);
        assert_eq!((till.basket.lines[0].name.as_str(), till.basket.lines[0].count), ("Bohnen", 3));
        assert_eq!(till.basket.guest.map(|guest| guest.name).as_deref(), Some("Ada"));
        let till = scan("00000096385074");
        assert_eq!((till.notice.kind, till.notice.text.as_str()), (NoticeKind::UnknownArticle, "96385074"));
        assert_eq!(scan("WIFI:S:Gast;;").notice.kind, NoticeKind::UnknownCode);
        face.handle(UiAction::Navigate(Route::Counter), moment(&*clock));
        assert!(!face.sells(), "packages are looked for at the till alone");
    }
}
