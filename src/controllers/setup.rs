//! The first run: from a new device to the first stamp, in a few taps. It knows no terminal, for there is none yet.

use super::action::{Effect, Route, UiAction};
use super::model::{SetupModel, SetupStep};

/// The longest address with its code.
const ADDRESS_MAX: usize = 300;
/// The longest name of a shop.
const NAME_MAX: usize = 60;

/// How a device begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// As a device of a server's shop.
    Join {
        /// The server's address.
        server: String,
        /// The one-time code.
        code: String,
    },
    /// Alone, with keys of its own.
    Alone {
        /// What the shop is called.
        shop: String,
    },
    /// As the sample shop.
    Sample,
}

/// Keeps the pages of the first run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupController {
    model: SetupModel,
}

impl SetupController {
    /// Starts at the first page. A device that is set up already (`settled`) only changes its role.
    pub fn new(role: Route, settled: bool) -> Self {
        let role = if role == Route::Setup { Route::Counter } else { role };
        Self { model: SetupModel { role, settled, ..SetupModel::default() } }
    }

    /// What is on the screen.
    pub fn model(&self) -> &SetupModel {
        &self.model
    }

    /// Does what was asked; what is not about the first run does nothing.
    pub fn handle(&mut self, action: &UiAction) -> Vec<Effect> {
        if self.model.busy {
            return Vec::new();
        }
        match action {
            UiAction::ChooseRole(role) if *role != Route::Setup => self.model.role = *role,
            UiAction::SetupNext if self.model.step == SetupStep::Device && !self.model.settled => {
                self.model.step = SetupStep::Begin;
            }
            UiAction::SetupBack => {
                self.model.error.clear();
                self.model.step = match self.model.step {
                    SetupStep::Join | SetupStep::Alone => SetupStep::Begin,
                    _ => SetupStep::Device,
                };
            }
            UiAction::SetupJoin if self.model.step == SetupStep::Begin => self.model.step = SetupStep::Join,
            UiAction::SetupAlone if self.model.step == SetupStep::Begin => self.model.step = SetupStep::Alone,
            UiAction::TryDemo if self.model.step == SetupStep::Begin => return self.begin(Begin::Sample),
            UiAction::SetupName(name) if self.model.step == SetupStep::Alone => {
                let shop: String = name.trim().chars().take(NAME_MAX).collect();
                if !shop.is_empty() {
                    return self.begin(Begin::Alone { shop });
                }
            }
            UiAction::Scan(text) | UiAction::SetupAddress(text)
                if matches!(self.model.step, SetupStep::Begin | SetupStep::Join) =>
            {
                match address(text) {
                    Some(join) => return self.begin(join),
                    None => self.model.unknown_code = true,
                }
            }
            _ => {}
        }
        Vec::new()
    }

    fn begin(&mut self, begin: Begin) -> Vec<Effect> {
        self.model.busy = true;
        self.model.unknown_code = false;
        self.model.error.clear();
        vec![Effect::Begin(begin)]
    }

    /// It did not work: a plain sentence says why, and it can be tried again.
    pub fn failed(&mut self, why: String) {
        self.model.busy = false;
        self.model.error = why;
    }
}

/// Reads what the server shows: its address, a `#`, and the one-time code.
fn address(text: &str) -> Option<Begin> {
    let text = text.trim();
    if text.len() > ADDRESS_MAX {
        return None;
    }
    let (server, code) = text.split_once('#')?;
    let known = server.starts_with("https://") || server.starts_with("http://");
    let plain = (4..=64).contains(&code.len())
        && code.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    (known && plain)
        .then(|| Begin::Join { server: server.trim_end_matches('/').to_owned(), code: code.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_that_the_server_shows_is_enough() {
        let mut setup = SetupController::new(Route::Setup, false);
        setup.handle(&UiAction::ChooseRole(Route::Kiosk));
        setup.handle(&UiAction::SetupNext);
        let effects = setup.handle(&UiAction::Scan("https://stempel.example/#ABCD-EFGH".into()));
        let server = "https://stempel.example".to_owned();
        assert_eq!(effects, [Effect::Begin(Begin::Join { server, code: "ABCD-EFGH".into() })]);
        assert!(setup.model().busy);
        assert!(setup.handle(&UiAction::TryDemo).is_empty(), "one beginning at a time");
        setup.failed("Der Server ist nicht erreichbar.".into());
        assert!(!setup.model().busy);
        assert_eq!(setup.handle(&UiAction::TryDemo), [Effect::Begin(Begin::Sample)]);
    }

    #[test]
    fn other_codes_say_so_and_change_nothing() {
        let mut setup = SetupController::new(Route::Setup, false);
        for text in ["S1ABC", "https://stempel.example", "ftp://x#ABCD", "https://x#<script>", "#ABCD", ""] {
            assert!(setup.handle(&UiAction::Scan(text.into())).is_empty(), "{text}: not on the first page");
            setup.handle(&UiAction::SetupNext);
            assert!(setup.handle(&UiAction::Scan(text.into())).is_empty(), "{text}");
            assert!(setup.model().unknown_code, "{text}");
            setup.handle(&UiAction::SetupBack);
        }
    }

    #[test]
    fn a_shop_that_works_alone_needs_a_name() {
        let mut setup = SetupController::new(Route::Setup, false);
        setup.handle(&UiAction::SetupNext);
        setup.handle(&UiAction::SetupAlone);
        assert!(setup.handle(&UiAction::SetupName("  ".into())).is_empty());
        let effects = setup.handle(&UiAction::SetupName(" Café Anker ".into()));
        assert_eq!(effects, [Effect::Begin(Begin::Alone { shop: "Café Anker".into() })]);
    }
}
