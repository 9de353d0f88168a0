//! `AppView`, `SyncView`, `SetupView` and `Theme`: what every screen has around it.

use slint::platform::{Key, WindowEvent};
use slint::{ComponentHandle, SharedString};

use super::code::drawn;
use super::counter::{count, notice};
use super::format;
use super::generated::{
    self as ui, AppView, AppWindow, AskingView, Board, CallsView, DiagnosticsView, SetupView, Speech,
    SyncView, Theme,
};
use super::rows::Rows;
use super::window::Handler;
use crate::controllers::{
    AppModel, Call, DiagnosticsModel, HEIGHT_REACH_MM, Heard, Language, Look, Route, ScanModel, SetupModel,
    SetupStep, Sound, SyncModel, SyncState, UiAction,
};

/// Shows the surroundings.
#[derive(Debug, Default)]
pub(super) struct AppAdapter {
    cameras: Rows<SharedString>,
    calls: Rows<ui::Call>,
}

fn route(route: ui::Route) -> Route {
    match route {
        ui::Route::Setup => Route::Setup,
        ui::Route::Counter => Route::Counter,
        ui::Route::Till => Route::Till,
        ui::Route::Kiosk => Route::Kiosk,
    }
}

fn shown_route(route: Route) -> ui::Route {
    match route {
        Route::Setup => ui::Route::Setup,
        Route::Counter => ui::Route::Counter,
        Route::Till => ui::Route::Till,
        Route::Kiosk => ui::Route::Kiosk,
    }
}

fn look(look: ui::Look) -> Look {
    match look {
        ui::Look::System => Look::System,
        ui::Look::Light => Look::Light,
        ui::Look::Dark => Look::Dark,
    }
}

/// Lets `gate` see every key first.
pub(super) fn on_key(window: &AppWindow, gate: impl Fn(&str) -> bool + 'static) {
    window.global::<AppView>().on_key_captured(move |text| gate(&text));
}

/// How long the last picture took to read; empty where none was read.
fn decode_time(scan: &ScanModel) -> SharedString {
    let tenths = |tenths: u32| slint::format!("{}.{} ms", tenths / 10, tenths % 10);
    scan.decode_tenths_ms.map(tenths).unwrap_or_default()
}

/// Moves the focus to the next control or the one before, as the tabulator does.
fn step_focus(window: &slint::Weak<AppWindow>, on: bool) {
    press(window, SharedString::from(if on { Key::Tab } else { Key::Backtab }));
}

/// Presses a key and lets it go, as a keyboard would.
fn press(window: &slint::Weak<AppWindow>, text: SharedString) {
    let Some(window) = window.upgrade() else { return };
    for event in [WindowEvent::KeyPressed { text: text.clone() }, WindowEvent::KeyReleased { text }] {
        window.window().dispatch_event(event);
    }
}

impl AppAdapter {
    pub(super) fn new(window: &AppWindow, handler: &Handler) -> Self {
        let act = |make: fn() -> UiAction| {
            let handler = handler.clone();
            move || handler(make())
        };
        window.global::<Board>().on_press({
            let window = window.as_weak();
            move |sign| press(&window, sign)
        });
        let app = window.global::<AppView>();
        app.on_navigate({
            let handler = handler.clone();
            move |to| handler(UiAction::Navigate(route(to)))
        });
        app.on_set_language({
            let handler = handler.clone();
            move |tag| handler(UiAction::SetLanguage(Language::from_tag(&tag)))
        });
        app.on_set_look({
            let handler = handler.clone();
            move |to| handler(UiAction::SetLook(look(to)))
        });
        app.on_set_high_contrast({
            let handler = handler.clone();
            move |on| handler(UiAction::SetHighContrast(on))
        });
        app.on_set_still({
            let handler = handler.clone();
            move |on| handler(UiAction::SetStill(on))
        });
        app.on_step_focus({
            let window = window.as_weak();
            move |on| {
                let window = window.clone();
                // The key that asked for it is still being handled.
                slint::Timer::single_shot(std::time::Duration::ZERO, move || step_focus(&window, on));
            }
        });
        app.on_set_speech({
            let handler = handler.clone();
            move |on| handler(UiAction::SetSpeech(on))
        });
        app.on_set_larger({
            let handler = handler.clone();
            move |on| handler(UiAction::SetLarger(on))
        });
        window.global::<Speech>().on_louder({
            let handler = handler.clone();
            move |louder| handler(UiAction::Louder(louder))
        });
        window.global::<Speech>().on_say({
            let handler = handler.clone();
            move |text| handler(UiAction::Say(text.as_str().to_owned()))
        });
        app.on_pad_key({
            let handler = handler.clone();
            move |count| handler(UiAction::Arm(u32::try_from(count).unwrap_or(1)))
        });
        window.global::<SyncView>().on_sync_now(act(|| UiAction::SyncNow));
        app.on_clean(act(|| UiAction::Clean));
        app.on_open_diagnostics(act(|| UiAction::OpenDiagnostics));
        let diagnostics = window.global::<DiagnosticsView>();
        diagnostics.on_close(act(|| UiAction::CloseDiagnostics));
        diagnostics.on_write_report(act(|| UiAction::WriteReport));
        window.global::<AskingView>().on_stop(act(|| UiAction::StopAsking));
        app.on_close_day(act(|| UiAction::OpenClosing));
        app.on_end_cleaning(act(|| UiAction::EndCleaning));
        let setup = window.global::<SetupView>();
        setup.on_choose_role({
            let handler = handler.clone();
            move |to| handler(UiAction::ChooseRole(route(to)))
        });
        setup.on_start(act(|| UiAction::FinishSetup));
        setup.on_try_demo(act(|| UiAction::TryDemo));
        setup.on_next(act(|| UiAction::SetupNext));
        setup.on_back(act(|| UiAction::SetupBack));
        setup.on_join(act(|| UiAction::SetupJoin));
        setup.on_alone(act(|| UiAction::SetupAlone));
        let adapter = Self::default();
        setup.set_cameras(adapter.cameras.model());
        setup.on_plug_test(act(|| UiAction::PlugTest));
        setup.on_facing({
            let handler = handler.clone();
            move |guest| handler(UiAction::SetupFacing(guest))
        });
        setup.on_set_height({
            let handler = handler.clone();
            move |height| handler(UiAction::SetupHeight(u32::try_from(height).unwrap_or_default()))
        });
        setup.on_turn_picture(act(|| UiAction::SetupTurn));
        setup.on_pick_camera({
            let handler = handler.clone();
            move |name| handler(UiAction::SetupCamera(name.as_str().to_owned()))
        });
        let calls = window.global::<CallsView>();
        calls.set_calls(adapter.calls.model());
        calls.on_answer({
            let handler = handler.clone();
            move |id, yes| handler(UiAction::AnswerCall { id: id.as_str().to_owned(), yes })
        });
        setup.on_named({
            let handler = handler.clone();
            move |name| handler(UiAction::SetupName(name.as_str().to_owned()))
        });
        setup.on_addressed({
            let handler = handler.clone();
            move |text| handler(UiAction::SetupAddress(text.as_str().to_owned()))
        });
        adapter
    }

    pub(super) fn show(&self, window: &AppWindow, model: &AppModel, setup: &SetupModel) {
        // English is the language of the sources; it has no catalogue of its own.
        let catalogue = if model.language == Language::English { "" } else { model.language.tag() };
        if slint::select_bundled_translation(catalogue).is_err() {
            debug_assert!(false, "the catalogue of {catalogue:?} is bundled");
        }
        let theme = window.global::<Theme>();
        let shown_look = match model.look {
            Look::System => ui::Look::System,
            Look::Light => ui::Look::Light,
            Look::Dark => ui::Look::Dark,
        };
        theme.set_look(shown_look);
        theme.set_high_contrast(model.high_contrast);
        theme.set_still(model.still);
        theme.set_large(model.route == Route::Kiosk);
        theme.set_larger(model.route == Route::Kiosk && model.larger);
        let speech = window.global::<Speech>();
        speech.set_on(model.speech);
        speech.set_possible(model.can_speak);
        speech.set_volume(model.volume.step().into());

        let app = window.global::<AppView>();
        app.set_route(shown_route(model.route));
        app.set_place(SharedString::from(model.place.as_str()));
        app.set_time(format::time(model.now));
        app.set_language(model.language.tag().into());
        app.set_demo(model.demo);
        app.set_cleaning(model.cleaning.and_then(|left| i32::try_from(left).ok()).unwrap_or(0));
        let calls = window.global::<CallsView>();
        calls.set_dimmed(model.dimmed);
        calls.set_heard(match model.heard {
            None => ui::Heard::Nothing,
            Some(Heard::Bell) => ui::Heard::Bell,
            Some(Heard::Sound(Sound::Stamp)) => ui::Heard::Stamp,
            Some(Heard::Sound(Sound::Reward)) => ui::Heard::Reward,
            Some(Heard::Sound(Sound::AlreadyCounted)) => ui::Heard::Already,
            Some(Heard::Sound(Sound::Refused)) => ui::Heard::Refused,
        });
        self.show_setup(window, model, setup);
    }

    fn show_setup(&self, window: &AppWindow, model: &AppModel, setup: &SetupModel) {
        let view = window.global::<SetupView>();
        view.set_role(shown_route(setup.role));
        view.set_settled(setup.settled);
        view.set_busy(setup.busy);
        view.set_unknown_code(setup.unknown_code);
        view.set_error(SharedString::from(setup.error.as_str()));
        view.set_step(match setup.step {
            SetupStep::Device => ui::SetupStep::Device,
            SetupStep::Begin => ui::SetupStep::Begin,
            SetupStep::Join => ui::SetupStep::Join,
            SetupStep::Alone => ui::SetupStep::Alone,
            SetupStep::Place => ui::SetupStep::Place,
            SetupStep::Camera => ui::SetupStep::Camera,
            SetupStep::Plug => ui::SetupStep::Plug,
        });
        let placement = setup.placement;
        view.set_faces_guest(placement.faces_guest);
        view.set_height(count(placement.height_mm));
        view.set_too_high(setup.role == Route::Kiosk && placement.height_mm > HEIGHT_REACH_MM);
        self.cameras.set(setup.cameras.iter().map(|name| SharedString::from(name.as_str())));
        let used = if setup.camera.is_empty() { setup.cameras.first() } else { Some(&setup.camera) };
        view.set_camera(SharedString::from(used.map(String::as_str).unwrap_or_default()));
        view.set_test_code(drawn(&setup.test_code));
        view.set_read(setup.read);
        view.set_notice(notice(&setup.notice, model));
        let plug = setup.plug.unwrap_or_default();
        view.set_plug_given(count(plug.given));
        view.set_plug_done(plug.result.is_some());
        let result = plug.result.unwrap_or_default();
        view.set_plug_found(count(result.found));
        view.set_plug_machine(result.machine);
        view.set_plug_at(format::day_and_time(result.at, model.language));
    }

    /// Shows that the server is being asked.
    pub(super) fn show_asking(&self, window: &AppWindow, asking: bool) {
        window.global::<AskingView>().set_open(asking);
    }

    /// Shows the calls from the kiosks.
    pub(super) fn show_calls(&self, calls: &[Call]) {
        self.calls.set(calls.iter().map(|call| ui::Call {
            id: SharedString::from(call.id.as_str()),
            name: SharedString::from(call.name.as_str()),
            reward: SharedString::from(call.reward.as_deref().unwrap_or_default()),
        }));
    }

    pub(super) fn show_diagnostics(
        &self,
        window: &AppWindow,
        model: Option<&DiagnosticsModel>,
        scan: &ScanModel,
        app: &AppModel,
    ) {
        let view = window.global::<DiagnosticsView>();
        view.set_open(model.is_some());
        window.global::<SetupView>().set_decode(decode_time(scan));
        let Some(DiagnosticsModel { health, report, plug }) = model else { return };
        view.set_decode(decode_time(scan));
        let plug = plug.and_then(|plug| plug.result.map(|result| (plug.given, result)));
        let (given, result) = plug.unwrap_or_default();
        view.set_plug_given(count(given));
        view.set_plug_found(count(result.found));
        view.set_plug_machine(result.machine);
        let at = plug.map(|(_, result)| format::day_and_time(result.at, app.language));
        view.set_plug_at(at.unwrap_or_default());
        let skew = |ms: i64| slint::format!("{:+.1} s", ms as f64 / 1000.0);
        view.set_skew(health.skew_ms.map(skew).unwrap_or_default());
        let room = |mb: u64| {
            if mb < 10_000 { slint::format!("{mb} MB") } else { slint::format!("{} GB", mb / 1000) }
        };
        view.set_room(health.free_mb.map(room).unwrap_or_default());
        view.set_cards(health.blanks.map(|left| slint::format!("{left}")).unwrap_or_default());
        view.set_events(slint::format!("{}", health.events));
        view.set_position(slint::format!("{}", health.position));
        view.set_version(env!("CARGO_PKG_VERSION").into());
        view.set_report(SharedString::from(report.as_str()));
    }

    pub(super) fn show_sync(&self, window: &AppWindow, model: &SyncModel, app: &AppModel) {
        let report = &model.report;
        let moment = |moment| format::moment(moment, app.now, app.language);
        let sync = window.global::<SyncView>();
        sync.set_state(match report.state {
            SyncState::Online => ui::SyncState::Online,
            SyncState::Busy => ui::SyncState::Busy,
            SyncState::Offline => ui::SyncState::Offline,
            SyncState::Alone => ui::SyncState::Alone,
            SyncState::Trouble => ui::SyncState::Trouble,
        });
        sync.set_waiting(i32::try_from(report.waiting).unwrap_or(i32::MAX));
        sync.set_since(report.offline_since.map(moment).unwrap_or_default());
        sync.set_last_sync(report.last_sync.map(moment).unwrap_or_default());
        sync.set_last_error(SharedString::from(report.last_error.as_str()));
    }
}
