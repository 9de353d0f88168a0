//! `AppView`, `SyncView`, `SetupView` and `Theme`: what every screen has around it.

use slint::platform::{Key, WindowEvent};
use slint::{ComponentHandle, SharedString};

use super::format;
use super::generated::{self as ui, AppView, AppWindow, DiagnosticsView, SetupView, Speech, SyncView, Theme};
use super::window::Handler;
use crate::controllers::{
    AppModel, DiagnosticsModel, Language, Look, Route, ScanModel, SetupModel, SetupStep, SyncModel,
    SyncState, UiAction,
};

/// Shows the surroundings.
#[derive(Debug)]
pub(super) struct AppAdapter;

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

/// Moves the focus to the next control or the one before, as the tabulator does.
fn step_focus(window: &slint::Weak<AppWindow>, on: bool) {
    let Some(window) = window.upgrade() else { return };
    let key = if on { Key::Tab } else { Key::Backtab };
    let text = SharedString::from(key);
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
        setup.on_named({
            let handler = handler.clone();
            move |name| handler(UiAction::SetupName(name.as_str().to_owned()))
        });
        setup.on_addressed({
            let handler = handler.clone();
            move |text| handler(UiAction::SetupAddress(text.as_str().to_owned()))
        });
        Self
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
        let speech = window.global::<Speech>();
        speech.set_on(model.speech);
        speech.set_possible(model.can_speak);

        let app = window.global::<AppView>();
        app.set_route(shown_route(model.route));
        app.set_place(SharedString::from(model.place.as_str()));
        app.set_time(format::time(model.now));
        app.set_language(model.language.tag().into());
        app.set_demo(model.demo);
        app.set_cleaning(model.cleaning.and_then(|left| i32::try_from(left).ok()).unwrap_or(0));
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
        });
    }

    pub(super) fn show_diagnostics(
        &self,
        window: &AppWindow,
        model: Option<&DiagnosticsModel>,
        scan: &ScanModel,
    ) {
        let view = window.global::<DiagnosticsView>();
        view.set_open(model.is_some());
        let Some(DiagnosticsModel { health, report }) = model else { return };
        let tenths = |tenths: u32| slint::format!("{}.{} ms", tenths / 10, tenths % 10);
        view.set_decode(scan.decode_tenths_ms.map(tenths).unwrap_or_default());
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
