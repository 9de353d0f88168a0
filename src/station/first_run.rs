//! The first run in its window: a folder that is no terminal yet becomes one.

use std::cell::RefCell;
use std::rc::Rc;

use stempel_store::{Store, StoreError};
use stempel_terminal::Terminal;

use super::alive::Alive;
use super::display;
use super::guest::spoken;
use super::kept::{SCREEN_SETTINGS, ScreenSettings, role_of, step_name};
use super::keys;
use super::reading::{Heard, Reader, ReaderChoice, ReaderOptions};
use super::{no_window, system_language};
use crate::cli::args::{Enroll, Global, Init, Screen};
use crate::cli::{Failure, NotJoined, begin_alone, begin_joined};
use crate::controllers::{
    AppModel, Begin, CameraState, Effect, Language, Route, ScanModel, ScreenModel, SetupController,
    SetupStep, UiAction,
};
use crate::screens::{AppScreens, ScreensHandle};
use crate::words;

/// What the window's thread holds.
struct FirstRun {
    setup: SetupController,
    app: AppModel,
    scan: ScanModel,
    window: Option<ScreensHandle>,
    reader: Option<Reader>,
    global: Global,
    /// Whoever started the program waits to hear that its window is up, also before there is a terminal.
    alive: Option<Alive>,
    done: bool,
}

thread_local! {
    /// The first run of the window's thread, for what other threads send to it.
    static FIRST_RUN: RefCell<Option<Rc<RefCell<FirstRun>>>> = const { RefCell::new(None) };
}

/// Shows the pages until the folder is a terminal, and gives its job; none when the window was closed before.
pub(super) fn first_run(global: &Global, screen: &Screen, role: Route) -> Result<Option<Route>, Failure> {
    let kept = kept(global);
    let language = kept.language.as_deref().map_or_else(system_language, Language::from_tag);
    let role = kept.role.as_deref().map_or(role, role_of);
    let app = AppModel { route: Route::Setup, language, ..AppModel::default() };
    let first_run = Rc::new(RefCell::new(FirstRun {
        setup: SetupController::new(role, false),
        app,
        scan: ScanModel::default(),
        window: None,
        reader: None,
        global: global.clone(),
        alive: Alive::find(),
        done: false,
    }));
    FIRST_RUN.with(|slot| *slot.borrow_mut() = Some(first_run.clone()));
    let acting = first_run.clone();
    let screens = AppScreens::new(move |action| act(&acting, action)).map_err(no_window)?;
    let hearing = Rc::clone(&first_run);
    keys::listen_for_code(&screens, move |text| act(&hearing, UiAction::Scan(text)));
    if screen.fullscreen {
        display::fill(&screens);
    }
    screens.type_on_screen(screen.keyboard || display::bare());
    if let Some((width, height)) = screen.size {
        screens.window().set_size(slint::PhysicalSize::new(width, height));
    }
    first_run.borrow_mut().window = Some(screens.handle());
    if let Some(seconds) = screen.seconds {
        super::end_after(std::time::Duration::from_secs(seconds), screens.handle());
    }
    first_run.borrow_mut().read(ReaderChoice::of(Some(screen)));
    screens.show(&first_run.borrow().model());
    let ended = screens.run().map_err(no_window);
    FIRST_RUN.with(|slot| slot.borrow_mut().take());
    first_run.borrow_mut().reader = None;
    ended?;
    let first_run = first_run.borrow();
    let role = first_run.setup.model().role;
    Ok(first_run.done.then_some(role))
}

fn act(first_run: &Rc<RefCell<FirstRun>>, action: UiAction) {
    let (effects, window, model) = {
        let mut first_run = first_run.borrow_mut();
        if action == UiAction::Tick
            && let Some(alive) = &mut first_run.alive
        {
            alive.beat();
        }
        match &action {
            UiAction::SetLanguage(language) => first_run.app.language = *language,
            UiAction::SetLook(look) => first_run.app.look = *look,
            UiAction::SetHighContrast(on) => first_run.app.high_contrast = *on,
            UiAction::SetStill(on) => first_run.app.still = *on,
            UiAction::UseCamera => first_run.read(Some(ReaderChoice::Camera(String::new()))),
            _ => {}
        }
        let effects = first_run.setup.handle(&action);
        (effects, first_run.window.clone(), first_run.model())
    };
    let Some(window) = window else { return };
    // The event loop is gone only when the program ends.
    let _ = window.show(model);
    for effect in effects {
        if let Effect::Begin(begin) = effect {
            let (global, chosen) = {
                let first_run = first_run.borrow();
                (first_run.global.clone(), first_run.chosen(&begin))
            };
            begin_beside(global, begin, chosen, &window);
        }
    }
}

/// Begins beside the window's thread: the network may be slow.
fn begin_beside(global: Global, begin: Begin, chosen: ScreenSettings, window: &ScreensHandle) {
    let answering = window.clone();
    std::thread::spawn(move || {
        let name = if chosen.role.as_deref() == Some("kiosk") { "Kiosk" } else { "Kasse" };
        let here = global.clone();
        // What was chosen is on the disk before there is a terminal: a pulled plug loses no tap.
        let answer = keep(&global, &chosen).map_err(NotJoined::Here).and_then(|()| match begin {
            Begin::Join { server, code } => {
                begin_joined(&global, &Enroll { server, code, name: name.into() }).map(drop)
            }
            Begin::Alone { shop } => {
                let global = Global { shop: Some(shop), ..global };
                begin_alone(&global, &Init { demo: false }).map(drop).map_err(NotJoined::Here)
            }
            Begin::Sample => begin_alone(&global, &Init { demo: true }).map(drop).map_err(NotJoined::Here),
        });
        // A device that has its place already goes on, even if the first exchange broke off.
        let answer = match answer {
            Err(_) if is_terminal(&here) => Ok(()),
            answer => answer,
        };
        let shown = answering.clone();
        let _ = answering.run_there(move || begun(answer, &shown));
    });
}

/// What was kept of an earlier first run that did not come to its end.
fn kept(global: &Global) -> ScreenSettings {
    let store = Store::read(&global.data).ok();
    store.and_then(|store| store.view().setting(SCREEN_SETTINGS).ok().flatten()).unwrap_or_default()
}

/// Keeps what was chosen, in a folder that is no terminal yet.
fn keep(global: &Global, chosen: &ScreenSettings) -> Result<(), Failure> {
    let mut store = crate::cli::store(&global.data, "stempel terminal")?;
    store.write::<_, StoreError>(|write| write.set(SCREEN_SETTINGS, chosen))?;
    Ok(())
}

fn is_terminal(global: &Global) -> bool {
    Store::read(&global.data).is_ok_and(|store| Terminal::is_set_up(&store).unwrap_or(false))
}

fn begun(answer: Result<(), NotJoined>, window: &ScreensHandle) {
    let Some(first_run) = FIRST_RUN.with(|slot| slot.borrow().clone()) else { return };
    match answer {
        Ok(()) => {
            first_run.borrow_mut().done = true;
            let _ = window.quit();
        }
        Err(why) => {
            let language = spoken(first_run.borrow().app.language);
            let why = match why {
                NotJoined::Refused(error) => words::not_joined(&error, language),
                NotJoined::Here(failure) => words::sentence_case(&failure.message),
            };
            first_run.borrow_mut().setup.failed(why);
            let _ = window.show(first_run.borrow().model());
        }
    }
}

impl FirstRun {
    /// What is kept before the folder becomes a terminal. The sample shop has nothing more to set up.
    fn chosen(&self, begin: &Begin) -> ScreenSettings {
        let setup = (*begin != Begin::Sample).then(|| step_name(SetupStep::Place).to_owned());
        ScreenSettings { setup, ..ScreenSettings::chosen(&self.app, Some(self.setup.model().role)) }
    }

    fn model(&self) -> ScreenModel {
        ScreenModel {
            app: self.app.clone(),
            setup: self.setup.model().clone(),
            scan: self.scan.clone(),
            ..ScreenModel::default()
        }
    }

    fn read(&mut self, choice: Option<ReaderChoice>) {
        self.reader = None;
        let (Some(choice), Some(window)) = (choice, self.window.clone()) else { return };
        (self.scan.state, self.scan.file) = choice.begins_as();
        let heard = move |heard: Heard| {
            let shown = window.clone();
            let _ = window.run_there(move || hear(heard, &shown));
        };
        self.reader =
            Reader::start(&choice, |text: &str| text.contains('#'), ReaderOptions::default(), heard);
    }
}

fn hear(heard: Heard, window: &ScreensHandle) {
    let Some(first_run) = FIRST_RUN.with(|slot| slot.borrow().clone()) else { return };
    match heard {
        Heard::Code(text) => act(&first_run, UiAction::Scan(text)),
        Heard::State(state) => {
            first_run.borrow_mut().scan.state = state;
            let _ = window.show(first_run.borrow().model());
        }
        Heard::Strip(place, length) => {
            let mut first_run = first_run.borrow_mut();
            (first_run.scan.state, first_run.scan.frame, first_run.scan.frames) =
                (CameraState::Film, place, length);
            let _ = window.show(first_run.model());
        }
        Heard::Frame(frame) => {
            let _ = window.camera_frame(frame);
        }
        // Measured again when the folder is a terminal, which can keep it; here nothing is recorded.
        Heard::Measured(_) | Heard::Recording(_) | Heard::NoCode => {}
    }
}
