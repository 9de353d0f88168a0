//! The one window, and the way to it from other threads.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use slint::{ComponentHandle, EventLoopError, PlatformError, Timer, TimerMode, Weak};

use super::app::AppAdapter;
use super::counter::CounterAdapter;
use super::files::FilesAdapter;
use super::generated::{AppWindow, Board, Theme};
use super::kiosk::KioskAdapter;
use super::lost::LostAdapter;
use super::pin::PinAdapter;
use super::scan::{self, CameraFrame, ScanAdapter};
use super::till::TillAdapter;
use crate::controllers::{Route, ScreenModel, UiAction};

/// Where the actions of a screen go.
pub(super) type Handler = Rc<dyn Fn(UiAction)>;

/// The screens in their window.
pub struct AppScreens {
    window: AppWindow,
    adapters: Rc<Adapters>,
    handler: Handler,
    clock: Timer,
}

/// The adapters, and what they show now.
struct Adapters {
    app: AppAdapter,
    counter: CounterAdapter,
    till: TillAdapter,
    kiosk: KioskAdapter,
    scan: ScanAdapter,
    files: FilesAdapter,
    pin: PinAdapter,
    lost: LostAdapter,
    shown: RefCell<Option<ScreenModel>>,
}

thread_local! {
    /// The adapters of this thread's window, for what comes in through the event loop.
    static ADAPTERS: RefCell<Option<Rc<Adapters>>> = const { RefCell::new(None) };
}

impl std::fmt::Debug for AppScreens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppScreens").finish_non_exhaustive()
    }
}

/// A picture of the window: four bytes for each pixel, red, green, blue and opacity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// The pixels, row by row.
    pub rgba: Vec<u8>,
}

impl AppScreens {
    /// Makes the window. Every action goes to `handler`, on the thread of the window.
    ///
    /// # Errors
    /// There is no display, or its window system refuses.
    pub fn new(handler: impl Fn(UiAction) + 'static) -> Result<Self, PlatformError> {
        let window = AppWindow::new()?;
        let handler: Handler = Rc::new(handler);
        let adapters = Rc::new(Adapters {
            app: AppAdapter::new(&window, &handler),
            counter: CounterAdapter::new(&window, &handler),
            till: TillAdapter::new(&window, &handler),
            kiosk: KioskAdapter::new(&window, &handler),
            scan: ScanAdapter::new(&window, &handler),
            files: FilesAdapter::new(&window, &handler),
            pin: PinAdapter::new(&window, &handler),
            lost: LostAdapter::new(&window, &handler),
            shown: RefCell::new(None),
        });
        ADAPTERS.with(|slot| *slot.borrow_mut() = Some(Rc::clone(&adapters)));
        Ok(Self { window, adapters, handler, clock: Timer::default() })
    }

    /// Shows the model. What did not change is left alone.
    pub fn show(&self, model: &ScreenModel) {
        self.adapters.show(&self.window, model);
    }

    /// Asks `gate` about every key before the screen sees it; `true` keeps it from the screen, as it is a scanner's.
    pub fn on_key(&self, gate: impl FnMut(&str) -> bool + 'static) {
        app_keys(&self.window, gate);
    }

    /// Fills the screen and hides the pointer's frame, as a terminal without a desktop wants it.
    pub fn set_fullscreen(&self, on: bool) {
        self.window.window().set_fullscreen(on);
    }

    /// Lets text be typed on the screen: the machine has no keyboard.
    pub fn type_on_screen(&self, on: bool) {
        self.window.global::<Board>().set_on(on);
    }

    /// The way to the window from other threads.
    pub fn handle(&self) -> ScreensHandle {
        ScreensHandle { window: self.window.as_weak() }
    }

    /// The window itself, for its size and for snapshots.
    pub fn window(&self) -> &slint::Window {
        self.window.window()
    }

    /// The component, for tests that look for its elements.
    #[doc(hidden)]
    pub fn component(&self) -> &AppWindow {
        &self.window
    }

    /// Lets every text that has too little room show itself, for tests.
    #[doc(hidden)]
    pub fn probe(&self, on: bool) {
        self.window.global::<Theme>().set_probe(on);
    }

    /// Shows a frame of the camera, as [`ScreensHandle::camera_frame`] does from another thread.
    pub fn camera_frame(&self, frame: &CameraFrame) {
        scan::show_frame(&self.window, frame);
    }

    /// Shows the window without running the event loop.
    ///
    /// # Errors
    /// The window system refuses.
    pub fn open(&self) -> Result<(), PlatformError> {
        self.window.show()
    }

    /// Shows the window, ticks once a second, and returns when the window is closed.
    ///
    /// # Errors
    /// The window system refuses.
    pub fn run(&self) -> Result<(), PlatformError> {
        let handler = Rc::clone(&self.handler);
        self.clock.start(TimerMode::Repeated, Duration::from_secs(1), move || handler(UiAction::Tick));
        let answer = self.window.run();
        self.clock.stop();
        answer
    }

    /// Draws the window as it is now.
    ///
    /// # Errors
    /// The renderer cannot draw into memory.
    pub fn picture(&self) -> Result<Picture, PlatformError> {
        let pixels = self.window.window().take_snapshot()?;
        Ok(Picture { width: pixels.width(), height: pixels.height(), rgba: pixels.as_bytes().to_vec() })
    }
}

impl Drop for AppScreens {
    fn drop(&mut self) {
        ADAPTERS.with(|slot| {
            let mut slot = slot.borrow_mut();
            if slot.as_ref().is_some_and(|adapters| Rc::ptr_eq(adapters, &self.adapters)) {
                *slot = None;
            }
        });
    }
}

fn app_keys(window: &AppWindow, gate: impl FnMut(&str) -> bool + 'static) {
    let gate = RefCell::new(gate);
    super::app::on_key(window, move |text| (gate.borrow_mut())(text));
}

impl Adapters {
    fn show(&self, window: &AppWindow, model: &ScreenModel) {
        let mut shown = self.shown.borrow_mut();
        let before = shown.as_ref();
        // Language and time change how everything else is written.
        let anew = before.is_none_or(|before| before.app.language != model.app.language);
        if anew || before.is_some_and(|before| before.app != model.app || before.setup != model.setup) {
            self.app.show(window, &model.app, &model.setup);
        }
        if anew || before.is_some_and(|before| before.sync != model.sync || before.app.now != model.app.now) {
            self.app.show_sync(window, &model.sync, &model.app);
        }
        if anew || before.is_some_and(|before| before.counter != model.counter) {
            self.counter.show(window, &model.counter, &model.app);
        }
        if anew || before.is_some_and(|before| before.till != model.till) {
            self.till.show(window, &model.till, &model.app);
        }
        if anew
            || before.is_some_and(|before| {
                before.kiosk != model.kiosk
                    || before.app.shop != model.app.shop
                    || before.app.can_ring != model.app.can_ring
                    || before.app.picture != model.app.picture
            })
        {
            self.kiosk.show(window, &model.kiosk, &model.app);
        }
        if anew || before.is_some_and(|before| before.scan != model.scan) {
            self.scan.show(window, &model.scan);
        }
        if anew || before.is_some_and(|before| before.files != model.files) {
            self.files.show(window, &model.files);
        }
        if anew || before.is_some_and(|before| before.pin != model.pin) {
            self.pin.show(window, model.pin.as_ref(), &model.app);
        }
        if anew || before.is_some_and(|before| before.lost != model.lost) {
            self.lost.show(window, model.lost.as_ref(), &model.app);
        }
        if anew || before.is_some_and(|before| before.calls != model.calls) {
            self.app.show_calls(&model.calls);
        }
        if anew || before.is_some_and(|before| before.asking != model.asking) {
            self.app.show_asking(window, model.asking);
        }
        let open = model.diagnostics.is_some() || model.app.route == Route::Setup;
        if anew
            || before.is_some_and(|before| {
                before.diagnostics != model.diagnostics || (open && before.scan != model.scan)
            })
        {
            self.app.show_diagnostics(window, model.diagnostics.as_ref(), &model.scan, &model.app);
        }
        *shown = Some(model.clone());
    }
}

/// The way to the window from other threads. What is sent arrives in order, on the window's thread.
#[derive(Clone)]
pub struct ScreensHandle {
    window: Weak<AppWindow>,
}

impl std::fmt::Debug for ScreensHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScreensHandle").finish_non_exhaustive()
    }
}

impl ScreensHandle {
    /// Shows the model.
    ///
    /// # Errors
    /// The event loop does not run any more.
    pub fn show(&self, model: ScreenModel) -> Result<(), EventLoopError> {
        self.window.upgrade_in_event_loop(move |window| {
            let adapters = ADAPTERS.with(|slot| slot.borrow().clone());
            if let Some(adapters) = adapters {
                adapters.show(&window, &model);
            }
        })
    }

    /// Shows a frame of the camera.
    ///
    /// # Errors
    /// The event loop does not run any more.
    pub fn camera_frame(&self, frame: CameraFrame) -> Result<(), EventLoopError> {
        self.window.upgrade_in_event_loop(move |window| scan::show_frame(&window, &frame))
    }

    /// Runs something on the window's thread, such as handing an action to the controllers.
    ///
    /// # Errors
    /// The event loop does not run any more.
    pub fn run_there(&self, work: impl FnOnce() + Send + 'static) -> Result<(), EventLoopError> {
        slint::invoke_from_event_loop(work)
    }

    /// Ends the program's event loop.
    ///
    /// # Errors
    /// The event loop does not run any more.
    pub fn quit(&self) -> Result<(), EventLoopError> {
        slint::quit_event_loop()
    }
}
