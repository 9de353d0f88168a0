//! The first run: from a new device to the first stamp, in a few taps.
//!
//! Its first half knows no terminal, for there is none yet ([`SetupController::handle`]). Its second half asks the desk:
//! how the device stands, whether the camera reads, whether the disk keeps what it says ([`SetupController::settle`]).

use super::action::{Effect, Route, UiAction};
use super::desk::{Desk, Moment, Refusal};
use super::device::{HEIGHT_MM, Placement};
use super::model::{Notice, SetupModel, SetupStep};

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

    /// Goes on at a page of the second half, after the terminal was made or the machine started again.
    pub fn go_on(&mut self, desk: &mut impl Desk, step: SetupStep) -> Vec<Effect> {
        self.model.under_way = true;
        self.turn_to(desk, step)
    }

    /// The cameras that there are.
    pub fn cameras(&mut self, names: Vec<String>, used: &str) {
        self.model.cameras = names;
        used.clone_into(&mut self.model.camera);
    }

    /// Looks at how the device stands before the pages are shown again.
    pub fn open(&mut self, role: Route) {
        let under_way = self.model.under_way;
        *self = Self::new(role, true);
        self.model.under_way = under_way;
    }

    /// Does what was asked on the pages of the second half, and says what else is to be done.
    pub fn settle(&mut self, desk: &mut impl Desk, action: &UiAction, now: Moment) -> Vec<Effect> {
        self.model.notice = Notice::default();
        match (self.model.step, action) {
            (SetupStep::Device, UiAction::SetupNext) => return self.turn_to(desk, SetupStep::Place),
            (SetupStep::Place, UiAction::SetupNext) => return self.turn_to(desk, SetupStep::Camera),
            (SetupStep::Camera, UiAction::SetupNext) => return self.turn_to(desk, SetupStep::Plug),
            (SetupStep::Place, UiAction::SetupBack) => return self.turn_to(desk, SetupStep::Device),
            (SetupStep::Camera, UiAction::SetupBack) => return self.turn_to(desk, SetupStep::Place),
            (SetupStep::Plug, UiAction::SetupBack) => return self.turn_to(desk, SetupStep::Camera),
            (SetupStep::Place, UiAction::SetupFacing(faces_guest)) => {
                self.place(desk, Placement { faces_guest: *faces_guest, ..self.model.placement });
            }
            (SetupStep::Place, UiAction::SetupHeight(height)) => {
                let height_mm = (*height).clamp(HEIGHT_MM.0, HEIGHT_MM.1);
                self.place(desk, Placement { height_mm, ..self.model.placement });
            }
            (SetupStep::Camera, UiAction::SetupTurn) => {
                let quarter_turns = (self.model.placement.quarter_turns + 1) % 4;
                self.place(desk, Placement { quarter_turns, ..self.model.placement });
            }
            (SetupStep::Camera, UiAction::SetupCamera(name)) if self.model.cameras.contains(name) => {
                self.model.camera.clone_from(name);
                self.model.read = false;
                return vec![Effect::UseCameraNamed(name.clone())];
            }
            (SetupStep::Camera, UiAction::Scan(text)) => match desk.scan(text, now) {
                // It is held up to be read, and nothing is stamped.
                Ok(_) => self.model.read = true,
                Err(refusal) => self.wrong(refusal),
            },
            (SetupStep::Plug, UiAction::PlugTest) => match desk.begin_plug_test(now) {
                Ok(test) => self.model.plug = Some(test),
                Err(refusal) => self.wrong(refusal),
            },
            (_, UiAction::FinishSetup) => self.model.under_way = false,
            _ => {}
        }
        Vec::new()
    }

    fn turn_to(&mut self, desk: &mut impl Desk, step: SetupStep) -> Vec<Effect> {
        self.model.step = step;
        self.model.placement = desk.placement();
        self.model.plug = desk.plug_test();
        let mut effects = vec![Effect::KeepSettings];
        if step == SetupStep::Camera {
            match desk.test_card() {
                Ok(code) => self.model.test_code = code,
                Err(refusal) => self.wrong(refusal),
            }
            effects.push(Effect::ListCameras);
        }
        effects
    }

    fn place(&mut self, desk: &mut impl Desk, placement: Placement) {
        match desk.keep_placement(placement) {
            Ok(()) => self.model.placement = placement,
            Err(refusal) => self.wrong(refusal),
        }
    }

    fn wrong(&mut self, refusal: Refusal) {
        self.model.notice = Notice::refused(refusal).0;
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
                self.model.unknown_code = false;
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
                    None => {
                        // What was wrong with the code before is no longer what is wrong.
                        self.model.error.clear();
                        self.model.unknown_code = true;
                    }
                }
            }
            _ => {}
        }
        Vec::new()
    }

    /// Whether a text is what the server shows for a new device.
    pub fn is_code(text: &str) -> bool {
        address(text).is_some()
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
    fn one_thing_is_wrong_at_a_time() {
        let mut setup = SetupController::new(Route::Setup, false);
        setup.handle(&UiAction::SetupNext);
        setup.handle(&UiAction::SetupJoin);
        setup.handle(&UiAction::SetupAddress("https://stempel.example#ABCD-EFGH".into()));
        setup.failed("Der Server ist nicht erreichbar.".into());
        setup.handle(&UiAction::SetupAddress("hello".into()));
        assert!(setup.model().unknown_code && setup.model().error.is_empty());
        setup.handle(&UiAction::SetupBack);
        assert!(!setup.model().unknown_code, "another page begins anew");
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

    #[test]
    fn the_second_half_is_kept_page_by_page_and_a_test_scan_stamps_nothing() {
        use super::super::sample_desk::{SampleDesk, at};
        let (mut desk, mut setup) = (SampleDesk::default(), SetupController::new(Route::Kiosk, true));
        let effects = setup.go_on(&mut desk, SetupStep::Place);
        assert_eq!(effects, [Effect::KeepSettings]);
        setup.settle(&mut desk, &UiAction::SetupHeight(9000), at(0));
        setup.settle(&mut desk, &UiAction::SetupFacing(false), at(0));
        assert_eq!(desk.placement, Placement { faces_guest: false, height_mm: 1700, quarter_turns: 0 });
        let effects = setup.settle(&mut desk, &UiAction::SetupNext, at(1));
        assert_eq!(effects, [Effect::KeepSettings, Effect::ListCameras]);
        assert!(!setup.model().test_code.is_empty());
        setup.settle(&mut desk, &UiAction::Scan("forged".into()), at(2));
        assert!(!setup.model().read);
        setup.settle(&mut desk, &UiAction::Scan("ada".into()), at(3));
        assert!(setup.model().read);
        assert_eq!(desk.recorded, 0);
        setup.settle(&mut desk, &UiAction::SetupNext, at(4));
        setup.settle(&mut desk, &UiAction::PlugTest, at(5));
        assert_eq!(setup.model().plug.map(|plug| (plug.given, plug.result)), Some((5, None)));
        setup.settle(&mut desk, &UiAction::FinishSetup, at(6));
        assert!(!setup.model().under_way);
    }
}
