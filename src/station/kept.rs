//! What a person chose at this device, as the store keeps it.

use super::reading::CameraMemory;
use crate::controllers::{AppModel, Look, Route, SetupModel, SetupStep};

/// The setting that keeps language, look and role.
pub(super) const SCREEN_SETTINGS: &str = "screen";

/// The setting that keeps the cash of the last sale.
pub(super) const LAST_CASH: &str = "last-cash";

/// What was given for the last sale: the sale itself knows what it cost alone.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(super) struct CashGiven {
    /// The sale.
    pub event: stempel_domain::EventRef,
    /// In minor units.
    pub given: i64,
}

/// What the person chose at this device.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(super) struct ScreenSettings {
    pub language: Option<String>,
    pub look: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The page at which the first run goes on; none when it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup: Option<String>,
    /// The camera that was chosen, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera: Option<String>,
    /// The mode in which it gives most, as it was measured here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<CameraMemory>,
    /// A scanner that types has read a card here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hand_scanner: bool,
}

/// The pages of the first run that can be gone on with, by their names in the settings.
const STEPS: [(SetupStep, &str); 4] = [
    (SetupStep::Device, "device"),
    (SetupStep::Place, "place"),
    (SetupStep::Camera, "camera"),
    (SetupStep::Plug, "plug"),
];

pub(super) fn step_name(step: SetupStep) -> &'static str {
    STEPS.iter().find(|(known, _)| *known == step).map_or("place", |(_, name)| name)
}

pub(super) fn step_of(name: &str) -> SetupStep {
    STEPS.iter().find(|(_, known)| *known == name).map_or(SetupStep::Place, |(step, _)| *step)
}

pub(super) fn role_name(route: Route) -> &'static str {
    match route {
        Route::Till => "till",
        Route::Kiosk => "kiosk",
        Route::Counter | Route::Setup => "counter",
    }
}

pub(super) fn role_of(name: &str) -> Route {
    match name {
        "till" => Route::Till,
        "kiosk" => Route::Kiosk,
        _ => Route::Counter,
    }
}

impl ScreenSettings {
    /// What is chosen on the screens, for a device with that job.
    pub fn chosen(app: &AppModel, role: Option<Route>) -> Self {
        Self {
            language: Some(app.language.tag().to_owned()),
            look: Some(format!("{:?}", app.look).to_lowercase()),
            role: role.map(|role| role_name(role).to_owned()),
            ..Self::default()
        }
    }

    /// Light or dark; as the system says where nothing was chosen.
    pub fn look(&self) -> Look {
        match self.look.as_deref() {
            Some("light") => Look::Light,
            Some("dark") => Look::Dark,
            _ => Look::System,
        }
    }

    /// The page at which the first run goes on.
    pub fn step(&self) -> Option<SetupStep> {
        self.setup.as_deref().map(step_of)
    }

    /// The page of the first run that is open, if it is.
    pub fn under_way(setup: &SetupModel) -> Option<String> {
        setup.under_way.then(|| step_name(setup.step).to_owned())
    }
}
