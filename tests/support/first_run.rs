//! The first run by the names of its controls: both halves, in both languages, with every tap counted.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use i_slint_backend_testing::{
    AccessibleRole, ElementHandle, TestingBackend, TestingBackendOptions, mock_elapsed_time,
};
use slint::platform::PointerEventButton;

use crate::controllers::{
    AppModel, Begin, Effect, FaceOptions, Language, Look, PlugResult, PlugTest, Route, ScreenModel,
    SetupController, SetupStep, UiAction,
};
use crate::sample_desk::at;
use crate::screens::AppScreens;
use crate::terminal::Terminal;

/// The most taps from an empty folder to the first guest, the plug test among them.
const TAPS_MAX: u32 = 12;

/// The first half, before there is a terminal.
struct Beginning {
    screens: AppScreens,
    state: Rc<State>,
}

struct State {
    setup: RefCell<SetupController>,
    app: RefCell<AppModel>,
    effects: RefCell<Vec<Effect>>,
    taps: RefCell<u32>,
}

impl Beginning {
    fn new() -> Self {
        let options = TestingBackendOptions {
            mock_time: true,
            threading: false,
            renderer_name: Some("software".into()),
        };
        slint::platform::set_platform(Box::new(TestingBackend::new(options))).ok();
        let app = AppModel {
            route: Route::Setup,
            language: Language::English,
            look: Look::Light,
            ..AppModel::default()
        };
        let state = Rc::new(State {
            setup: RefCell::new(SetupController::new(Route::Counter, false)),
            app: RefCell::new(app),
            effects: RefCell::default(),
            taps: RefCell::default(),
        });
        let acting = Rc::clone(&state);
        let screens = AppScreens::new(move |action| {
            if let UiAction::SetLanguage(language) = &action {
                acting.app.borrow_mut().language = *language;
            }
            acting.effects.borrow_mut().extend(acting.setup.borrow_mut().handle(&action));
        })
        .unwrap();
        screens.open().unwrap();
        screens.window().set_size(slint::PhysicalSize::new(1280, 800));
        let beginning = Self { screens, state };
        beginning.draw();
        beginning
    }

    fn draw(&self) {
        let model = ScreenModel {
            app: self.state.app.borrow().clone(),
            setup: self.state.setup.borrow().model().clone(),
            ..ScreenModel::default()
        };
        self.screens.show(&model);
        for _ in 0..4 {
            mock_elapsed_time(Duration::from_millis(400));
        }
    }

    fn tap(&self, label: &str) {
        let found = ElementHandle::find_by_accessible_label(self.screens.component(), label)
            .find(|element| element.accessible_role() == Some(AccessibleRole::Button))
            .unwrap_or_else(|| panic!("no button is called {label:?}"));
        *self.state.taps.borrow_mut() += 1;
        found.mock_single_click(PointerEventButton::Left);
        self.draw();
    }
}

fn settled(route: Route, language: Language, step: SetupStep, plug: Option<PlugTest>) -> Terminal {
    let terminal = Terminal::new(FaceOptions {
        route,
        language,
        look: Look::Light,
        setup: Some(step),
        ..FaceOptions::default()
    });
    terminal.face(|face| face.desk().plug = plug);
    if step == SetupStep::Plug {
        // The page looks at the desk when it is turned to.
        terminal.act(UiAction::SetupBack);
        terminal.act(UiAction::SetupNext);
    }
    terminal
}

#[test]
fn a_shop_that_works_alone_is_ready_after_at_most_twelve_taps_with_the_plug_pulled() {
    let beginning = Beginning::new();
    beginning.tap("Deutsch");
    beginning.tap("Kiosk");
    beginning.tap("Weiter");
    beginning.tap("Arbeitet allein");
    beginning.tap("Los geht’s");
    let shop = "Mein Café".to_owned();
    assert_eq!(*beginning.state.effects.borrow(), [Effect::Begin(Begin::Alone { shop })]);
    let mut taps = *beginning.state.taps.borrow();

    // The terminal is made, and the program goes on at the next page.
    let terminal = settled(Route::Kiosk, Language::German, SetupStep::Place, None);
    assert!(terminal.sees("Wie steht es?"));
    terminal.tap("zum Gast");
    terminal.tap("100 cm");
    terminal.tap("Weiter");
    assert!(terminal.sees("Liest die Kamera?"));
    assert!(terminal.effects().contains(&Effect::ListCameras));
    terminal.scan("ada");
    assert!(terminal.sees("Gelesen"));
    assert_eq!(terminal.face(|face| face.desk().recorded), 0, "a test scan stamps nothing");
    terminal.tap("Weiter");
    terminal.tap("Fünf Stempel geben");
    assert!(terminal.sees("Hat das Gerät einen Akku: Halte den Schalter, bis es aus ist."));
    taps += terminal.taps();
    let (placement, test) = terminal.face(|face| (face.desk().placement, face.desk().plug));
    assert_eq!((placement.faces_guest, placement.height_mm), (true, 1000));
    drop(terminal);

    // The plug is pulled, and the machine starts again.
    let result = PlugResult { found: 5, at: at(90), machine: true };
    let plug = test.map(|test| PlugTest { result: Some(result), ..test });
    let terminal = settled(Route::Kiosk, Language::German, SetupStep::Plug, plug);
    assert!(terminal.sees("5 von 5"));
    assert!(!terminal.sees("Das Gerät selbst war nicht aus"));
    terminal.tap("Los geht’s");
    taps += terminal.taps();
    assert_eq!(terminal.face(|face| face.model().app.route), Route::Kiosk);
    assert!(!terminal.face(|face| face.model().setup.under_way), "the next start is the kiosk");
    assert!(taps <= TAPS_MAX, "{taps} taps");
}

#[test]
fn a_device_of_a_server_needs_fewer_taps_for_its_code_is_held_up() {
    let beginning = Beginning::new();
    beginning.tap("Next");
    beginning.state.effects.borrow_mut().extend(
        beginning.state.setup.borrow_mut().handle(&UiAction::Scan("https://shop.example#AB12-CD34".into())),
    );
    assert!(matches!(beginning.state.effects.borrow()[..], [Effect::Begin(Begin::Join { .. })]));
    assert_eq!(*beginning.state.taps.borrow(), 1);
}

#[test]
fn a_disk_that_lost_something_is_told_so_and_a_program_that_was_only_closed_too() {
    let lost = PlugTest { given: 5, result: Some(PlugResult { found: 3, at: at(0), machine: true }) };
    let terminal = settled(Route::Counter, Language::English, SetupStep::Plug, Some(lost));
    assert!(terminal.sees("3 of 5"));
    assert!(
        terminal.sees(
            "Something was lost. This disk does not keep what it says it has stored: use another one before guests come."
        )
    );
    let closed = PlugTest { given: 5, result: Some(PlugResult { found: 5, at: at(0), machine: false }) };
    let terminal = settled(Route::Counter, Language::English, SetupStep::Plug, Some(closed));
    assert!(terminal.sees("5 of 5"));
    assert!(terminal.sees("The machine itself was not off"));
    terminal.tap("Once more");
    assert!(terminal.sees("Later"), "the plug is still to be pulled");
}

#[test]
fn the_plug_test_is_dated_in_the_diagnostics() {
    let terminal = Terminal::at(Route::Counter);
    terminal.act(UiAction::OpenDiagnostics);
    assert!(terminal.sees("not done"));
    terminal.act(UiAction::CloseDiagnostics);
    terminal.face(|face| {
        face.desk().plug =
            Some(PlugTest { given: 5, result: Some(PlugResult { found: 5, at: at(0), machine: true }) });
    });
    terminal.act(UiAction::OpenDiagnostics);
    assert!(terminal.sees("5 of 5, 21 Sep, 16:13"));
}

#[test]
fn a_kiosk_that_hangs_too_high_is_told_so() {
    let terminal = settled(Route::Kiosk, Language::English, SetupStep::Place, None);
    assert!(!terminal.sees("Not everybody reaches that"));
    terminal.tap("130 cm");
    assert!(terminal.sees("Not everybody reaches that"));
    terminal.tap("110 cm");
    assert!(!terminal.sees("Not everybody reaches that"));
}

#[test]
fn each_page_is_kept_before_the_next_so_that_a_pulled_plug_loses_no_tap() {
    let terminal = settled(Route::Counter, Language::English, SetupStep::Place, None);
    for step in [SetupStep::Camera, SetupStep::Plug] {
        terminal.tap("Next");
        assert!(terminal.effects().contains(&Effect::KeepSettings));
        let model = terminal.face(|face| face.model().setup);
        assert_eq!((model.step, model.under_way), (step, true));
    }
    terminal.tap("Later");
    assert!(!terminal.face(|face| face.model().setup.under_way));
    assert_eq!(terminal.face(|face| face.model().app.route), Route::Counter);
}

#[test]
fn a_camera_is_chosen_by_its_name() {
    let terminal = settled(Route::Counter, Language::English, SetupStep::Camera, None);
    terminal.face(|face| face.cameras(vec!["Front".into(), "On a cable".into()]));
    terminal.draw();
    terminal.tap("On a cable");
    assert!(terminal.effects().contains(&Effect::UseCameraNamed("On a cable".into())));
}
