//! Every state of every screen, in every size: that each control has a name and a size, and how it looks.

use std::path::{Path, PathBuf};
use std::time::Duration;

use i_slint_backend_testing::{AccessibleRole, ElementHandle, mock_elapsed_time};
use stempel_scan::decode::{Mode, Pipeline};
use stempel_scan::frame::Frame;

use crate::controllers::{
    CameraState, Claim, Colleague, Desk as _, FaceOptions, Language, Look, Note, PlugResult, PlugTest,
    Question, Route, Stamping, SyncReport, SyncState, UiAction,
};
use crate::sample_desk::at;
use crate::terminal::Terminal;

const SIZES: [(u32, u32); 3] = [(1280, 800), (1024, 600), (800, 1280)];
/// A small kiosk; everything else is made for 1024×600 and more.
const SMALL_KIOSK: (u32, u32) = (800, 600);

fn sizes(route: Route) -> impl Iterator<Item = (u32, u32)> {
    SIZES.into_iter().chain((route == Route::Kiosk).then_some(SMALL_KIOSK))
}

type Play = fn(&Terminal);

fn offline(terminal: &Terminal) {
    terminal.face(|face| {
        face.desk().report = SyncReport {
            state: SyncState::Offline,
            waiting: 12,
            offline_since: Some(at(-5000)),
            last_sync: Some(at(-90_000)),
            last_error: "Der Server antwortet nicht. Wahrscheinlich ist das WLAN weg.".into(),
        };
    });
    terminal.draw();
}

fn basket(terminal: &Terminal) {
    terminal.scan("ada");
    for sku in ["flat-white", "flat-white", "chocolate"] {
        terminal.act(UiAction::AddToBasket { sku: sku.into() });
    }
    terminal.act(UiAction::PickCategory("all".into()));
}

fn question(terminal: &Terminal) {
    let reasons = ["Der Kaffee", "Die Leute", "Die Wartezeit", "Der Platz", "Der Preis"];
    let text = "Wie gern würdest du uns weiterempfehlen?".to_owned();
    let reasons = reasons.map(str::to_owned).to_vec();
    terminal.face(|face| face.desk().question = Some(Question { text, reasons }));
}

fn staff(terminal: &Terminal) {
    terminal.face(|face| {
        face.desk().colleagues = ["Lena", "Maximilian", "Jo"]
            .map(|name| Colleague {
                id: name.into(),
                name: name.into(),
                has_pin: true,
                manager: name == "Lena",
            })
            .to_vec();
    });
}

/// Clara's card is full, and she takes what it gives.
fn full_card(terminal: &Terminal) {
    terminal.scan("clara");
    let reward = "free-coffee".into();
    terminal.act(UiAction::Claim { member: "clara".into(), reward, how: Claim::Extra });
}

const SCENES: &[(&str, Route, Play)] = &[
    ("counter-idle", Route::Counter, |_| {}),
    ("counter-guest", Route::Counter, |terminal| {
        terminal.scan("ben");
        terminal.scan("new");
        terminal.scan("ada");
    }),
    ("counter-full", Route::Counter, |terminal| {
        terminal.act(UiAction::Arm(2));
        terminal.scan("clara");
        terminal.act(UiAction::Arm(3));
    }),
    ("counter-already", Route::Counter, |terminal| {
        offline(terminal);
        terminal.scan("ada2");
        terminal.scan("ada2");
    }),
    ("counter-forged", Route::Counter, |terminal| terminal.scan("forged")),
    ("counter-foreign", Route::Counter, |terminal| {
        terminal.scan("clara");
        terminal.scan("foreign");
    }),
    ("counter-new", Route::Counter, |terminal| terminal.scan("new")),
    ("counter-undone", Route::Counter, |terminal| {
        terminal.scan("ada");
        let event = terminal.face(|face| face.model().counter.last[0].event.clone());
        terminal.act(UiAction::Undo { event });
    }),
    ("counter-camera", Route::Counter, |terminal| {
        terminal.camera_frame();
        terminal.face(|face| face.camera(CameraState::Live, "", 0, 0));
        terminal.scan("ben");
    }),
    ("counter-recording", Route::Counter, |terminal| {
        terminal.camera_frame();
        terminal.face(|face| {
            face.camera(CameraState::Live, "", 0, 0);
            face.recording(true);
        });
        terminal.scan("ben");
    }),
    ("counter-film", Route::Counter, |terminal| {
        terminal.camera_frame();
        terminal.face(|face| face.camera(CameraState::Film, "IMG_0003.jpg", 3, 12));
        terminal.draw();
    }),
    ("counter-sync", Route::Counter, |terminal| {
        offline(terminal);
        let badge = terminal
            .all(AccessibleRole::Button)
            .into_iter()
            .find(|button| button.accessible_label().is_some_and(|label| label.starts_with("offline")));
        badge.unwrap().invoke_accessible_default_action();
    }),
    ("counter-menu", Route::Counter, |terminal| {
        let menu = ["Menu", "Menü"].into_iter().find(|name| terminal.sees(name));
        terminal.tap(menu.unwrap());
    }),
    ("counter-several", Route::Counter, |terminal| terminal.scan("dora")),
    ("counter-cleaning", Route::Counter, |terminal| terminal.act(UiAction::Clean)),
    ("counter-two", Route::Counter, |terminal| {
        terminal.two_cards();
        terminal.face(|face| face.camera(CameraState::Live, "", 0, 0));
        terminal.scan("ada");
    }),
    ("counter-picture", Route::Counter, |terminal| terminal.act(UiAction::OpenImage)),
    ("counter-folder", Route::Counter, |terminal| terminal.act(UiAction::OpenFolder)),
    ("counter-focus", Route::Counter, |terminal| {
        terminal.scan("clara");
        for _ in 0..10 {
            terminal.key(&slint::SharedString::from(slint::platform::Key::Tab));
        }
    }),
    ("till-focus", Route::Till, |terminal| {
        for _ in 0..3 {
            terminal.key(&slint::SharedString::from(slint::platform::Key::Tab));
        }
    }),
    ("counter-contrast", Route::Counter, |terminal| {
        terminal.act(UiAction::SetHighContrast(true));
        offline(terminal);
        terminal.scan("clara");
    }),
    ("till-empty", Route::Till, |_| {}),
    ("till-basket", Route::Till, basket),
    ("till-ending", Route::Till, |terminal| {
        terminal.scan("dora");
        terminal.act(UiAction::AddToBasket { sku: "espresso".into() });
    }),
    ("till-many", Route::Till, |terminal| {
        for sku in
            ["chocolate", "tea", "lemonade", "croissant", "sandwich", "beans", "cookie", "latte+oat+shot"]
        {
            terminal.act(UiAction::AddToBasket { sku: sku.into() });
        }
    }),
    ("till-nobody", Route::Till, |terminal| {
        terminal.act(UiAction::AddToBasket { sku: "cookie".into() });
    }),
    ("till-cash", Route::Till, |terminal| {
        basket(terminal);
        terminal.act(UiAction::OpenCash);
    }),
    ("till-typed", Route::Till, |terminal| {
        basket(terminal);
        terminal.act(UiAction::OpenCash);
        terminal.act(UiAction::CashKey("2000".into()));
    }),
    ("till-paid", Route::Till, |terminal| {
        basket(terminal);
        terminal.act(UiAction::PayCash { given: 2000 });
        terminal.wait(2);
    }),
    ("till-next", Route::Till, |terminal| {
        basket(terminal);
        terminal.act(UiAction::PayCash { given: 2000 });
        terminal.act(UiAction::AddToBasket { sku: "espresso".into() });
        terminal.wait(4);
    }),
    ("till-nothing", Route::Till, |terminal| terminal.act(UiAction::Search("Schnitzel".into()))),
    ("till-foreign", Route::Till, |terminal| {
        offline(terminal);
        terminal.scan("foreign");
    }),
    ("till-reasons", Route::Till, |terminal| {
        basket(terminal);
        terminal.act(UiAction::AddToBasket { sku: "croissant".into() });
        let why = ["Why this is earned", "Warum das zählt"].into_iter().find(|name| terminal.sees(name));
        terminal.tap(why.unwrap());
    }),
    ("kiosk-nameless", Route::Kiosk, |terminal| terminal.scan("new")),
    ("kiosk-attract", Route::Kiosk, |_| {}),
    ("kiosk-scan", Route::Kiosk, |terminal| {
        terminal.camera_frame();
        terminal.face(|face| face.camera(CameraState::Live, "", 0, 0));
        terminal.act(UiAction::KioskStart);
    }),
    ("kiosk-nocamera", Route::Kiosk, |terminal| terminal.act(UiAction::KioskStart)),
    ("kiosk-scanner", Route::Kiosk, |terminal| {
        terminal.act(UiAction::ScannerHeard);
        terminal.act(UiAction::KioskStart);
    }),
    ("kiosk-card", Route::Kiosk, |terminal| terminal.scan("ada")),
    ("kiosk-reward", Route::Kiosk, |terminal| terminal.scan("clara")),
    ("kiosk-message", Route::Kiosk, |terminal| terminal.scan("foreign")),
    ("kiosk-thanks", Route::Kiosk, |terminal| {
        terminal.scan("clara");
        terminal.act(UiAction::KioskLeave);
    }),
    ("kiosk-asking", Route::Kiosk, |terminal| {
        terminal.scan("ada2");
        terminal.wait(27);
    }),
    ("kiosk-several", Route::Kiosk, |terminal| terminal.scan("dora")),
    ("kiosk-join", Route::Kiosk, |terminal| terminal.act(UiAction::KioskJoin)),
    ("kiosk-privacy", Route::Kiosk, |terminal| {
        terminal.act(UiAction::KioskJoin);
        terminal.act(UiAction::KioskJoinNamed);
    }),
    ("kiosk-name", Route::Kiosk, |terminal| {
        terminal.act(UiAction::KioskJoin);
        terminal.act(UiAction::KioskJoinNamed);
        terminal.act(UiAction::KioskAgree);
        terminal.act(UiAction::KioskKey("ANNA-LENA".into()));
    }),
    ("kiosk-code", Route::Kiosk, |terminal| {
        terminal.act(UiAction::KioskJoin);
        terminal.act(UiAction::KioskJoinAnonymous);
    }),
    ("kiosk-reading", Route::Kiosk, |terminal| {
        let name = ["Reading and listening", "Lesen und Hören"].into_iter().find(|name| terminal.sees(name));
        terminal.tap(name.unwrap());
    }),
    ("kiosk-speaking", Route::Kiosk, |terminal| {
        terminal.act(UiAction::SetSpeech(true));
        let name = ["Reading and listening", "Lesen und Hören"].into_iter().find(|name| terminal.sees(name));
        terminal.tap(name.unwrap());
    }),
    ("kiosk-help", Route::Kiosk, |terminal| terminal.act(UiAction::KioskHelp)),
    ("kiosk-live", Route::Kiosk, |terminal| {
        terminal.camera_frame();
        terminal.face(|face| face.camera(CameraState::Live, "", 0, 0));
        terminal.act(UiAction::KioskStart);
    }),
    ("kiosk-proof", Route::Kiosk, |terminal| {
        terminal.camera_frame();
        terminal.face(|face| face.camera(CameraState::Live, "", 0, 0));
        terminal.scan("ada");
    }),
    ("kiosk-proof-slip", Route::Kiosk, |terminal| {
        terminal.camera_frame();
        terminal.face(|face| {
            face.camera(CameraState::Live, "", 0, 0);
            face.desk().no_receipts = true;
        });
        terminal.scan("ada");
    }),
    ("kiosk-proof-full", Route::Kiosk, |terminal| {
        terminal.face(|face| face.desk().stamp(&"clara".into(), None, 2, Stamping::Hand, at(0))).unwrap();
        terminal.scan("clara");
    }),
    ("kiosk-pin", Route::Kiosk, |terminal| {
        staff(terminal);
        full_card(terminal);
        terminal.act(UiAction::PinKey("12".into()));
        terminal.act(UiAction::PinDone);
    }),
    ("kiosk-leave", Route::Kiosk, |terminal| {
        staff(terminal);
        terminal.wait(1);
        terminal.act(UiAction::LeaveKiosk);
    }),
    ("counter-slip", Route::Counter, |terminal| terminal.act(UiAction::ForgottenCard)),
    ("counter-printed", Route::Counter, |terminal| {
        terminal.face(|face| face.desk().prints = true);
        terminal.act(UiAction::ForgottenCard);
        terminal.face(|face| face.slip_printed("slip", Ok(())));
    }),
    ("counter-unprinted", Route::Counter, |terminal| {
        terminal.face(|face| face.desk().prints = true);
        terminal.act(UiAction::ForgottenCard);
        let why = "Der Drucker nimmt nichts an. Ist er an, hat er Papier?";
        terminal.face(|face| face.slip_printed("slip", Err(why.into())));
    }),
    ("counter-closing", Route::Counter, |terminal| terminal.act(UiAction::OpenClosing)),
    ("counter-gifts", Route::Counter, |terminal| {
        terminal.face(|face| face.desk().waiting_gifts = 3);
        terminal.act(UiAction::Tick);
    }),
    ("counter-diagnostics", Route::Counter, |terminal| {
        offline(terminal);
        terminal.act(UiAction::OpenDiagnostics);
        terminal.face(|face| face.report_written("/var/lib/stempel-kiosk/support.txt".into()));
    }),
    ("counter-paper", Route::Counter, |terminal| {
        terminal.scan("new");
        terminal.act(UiAction::TakePaper { stamps: 6 });
    }),
    ("counter-asking-server", Route::Counter, |terminal| {
        terminal.face(|face| face.desk().asks = true);
        full_card(terminal);
    }),
    ("counter-unheard", Route::Counter, |terminal| {
        terminal.face(|face| face.desk().asks = true);
        full_card(terminal);
        terminal.wait(4);
    }),
    ("kiosk-asking-server", Route::Kiosk, |terminal| {
        terminal.face(|face| face.desk().asks = true);
        full_card(terminal);
    }),
    ("counter-second-person", Route::Counter, |terminal| {
        terminal.face(|face| face.desk().many = Some(0));
        terminal.scan("ben");
    }),
    ("counter-lost", Route::Counter, |terminal| {
        terminal.act(UiAction::OpenLost);
        terminal.act(UiAction::LostSearch("ada".into()));
    }),
    ("counter-lost-nobody", Route::Counter, |terminal| {
        terminal.act(UiAction::OpenLost);
        terminal.act(UiAction::LostSearch("zacharias".into()));
    }),
    ("counter-lost-many", Route::Counter, |terminal| {
        terminal.face(|face| face.desk().named = (0..9).map(|number| format!("Ada {number}")).collect());
        terminal.act(UiAction::OpenLost);
        terminal.act(UiAction::LostSearch("ada".into()));
        terminal.act(UiAction::LostSearchOn);
    }),
    ("counter-replaced", Route::Counter, |terminal| {
        terminal.act(UiAction::OpenLost);
        terminal.scan("R1-of-nobody");
    }),
    ("counter-call", Route::Counter, |terminal| {
        terminal.scan("ben");
        let (id, member, reward) = ("b".into(), "ada2".into(), "free-coffee".into());
        terminal.tell(&Note::Help { id: "a".into() });
        terminal.tell(&Note::Reward { id, member, reward });
    }),
    ("till-additions", Route::Till, |terminal| {
        basket(terminal);
        terminal.act(UiAction::AddToBasket { sku: "latte".into() });
        terminal.act(UiAction::PickAddition("oat".into()));
    }),
    ("till-away", Route::Till, |terminal| {
        basket(terminal);
        terminal.act(UiAction::AddToBasket { sku: "latte".into() });
        terminal.act(UiAction::PickAddition("oat".into()));
        terminal.act(UiAction::AddChosen);
        terminal.act(UiAction::AddToBasket { sku: "cheesecake".into() });
        terminal.act(UiAction::ServeAway(true));
        terminal.act(UiAction::PickCategory("cake".into()));
    }),
    ("till-call", Route::Till, |terminal| {
        basket(terminal);
        terminal.tell(&Note::Help { id: "a".into() });
    }),
    ("kiosk-nobody", Route::Kiosk, |terminal| {
        terminal.face(|face| face.be_a_shop());
        full_card(terminal);
    }),
    ("kiosk-question", Route::Kiosk, |terminal| {
        question(terminal);
        terminal.scan("ada");
        terminal.act(UiAction::KioskLeave);
    }),
    ("kiosk-why", Route::Kiosk, |terminal| {
        question(terminal);
        terminal.scan("ada");
        terminal.act(UiAction::KioskLeave);
        terminal.act(UiAction::KioskScore(9));
    }),
    ("kiosk-gifts", Route::Kiosk, |terminal| {
        terminal.face(|face| face.desk().waiting_gifts = 3);
        terminal.wait(1);
    }),
    ("till-keyboard", Route::Till, |terminal| {
        terminal.screens.type_on_screen(true);
        terminal.touch_middle(|name| ["Artikel suchen", "Search an article"].contains(&name));
    }),
    ("setup-place", Route::Setup, |terminal| terminal.act(UiAction::SetupNext)),
    ("setup-camera", Route::Setup, |terminal| {
        terminal.act(UiAction::SetupNext);
        terminal.act(UiAction::SetupNext);
        terminal.face(|face| face.cameras(vec!["Integrierte Kamera".into(), "USB 2.0 Camera".into()]));
        terminal.camera_frame();
        terminal.face(|face| face.camera(CameraState::Live, "", 0, 0));
        terminal.scan("ada");
    }),
    ("setup-plug", Route::Setup, |terminal| {
        for _ in 0..3 {
            terminal.act(UiAction::SetupNext);
        }
    }),
    ("setup-pull", Route::Setup, |terminal| {
        for _ in 0..3 {
            terminal.act(UiAction::SetupNext);
        }
        terminal.act(UiAction::PlugTest);
    }),
    ("setup-kept", Route::Setup, |terminal| {
        let result = Some(PlugResult { found: 5, at: at(-60), machine: true });
        terminal.face(|face| face.desk().plug = Some(PlugTest { given: 5, result }));
        for _ in 0..3 {
            terminal.act(UiAction::SetupNext);
        }
    }),
    ("setup", Route::Setup, |_| {}),
];

/// The scenes whose name contains `STEMPEL_SCENE`, for whoever works on one; without it all of them.
fn scenes() -> impl Iterator<Item = &'static (&'static str, Route, Play)> {
    SCENES.iter().filter(|(name, ..)| name.contains(&only()))
}

fn only() -> String {
    std::env::var("STEMPEL_SCENE").unwrap_or_default()
}

fn terminal(
    name: &str,
    route: Route,
    language: Language,
    look: Look,
    (width, height): (u32, u32),
) -> Terminal {
    let terminal = Terminal::new(FaceOptions {
        route,
        place: "Kasse 1 · Lena".into(),
        shop: "Café Muster".into(),
        language,
        look,
        demo: true,
        can_speak: true,
        needs_proof: name.starts_with("kiosk-proof"),
        pictures: "assets".into(),
        ..FaceOptions::default()
    });
    terminal.size(width, height);
    terminal.draw();
    terminal
}

#[test]
fn every_control_has_a_name_and_a_size_that_a_finger_finds_and_every_word_its_room() {
    let mut poor = Vec::new();
    for &(name, route, play) in scenes() {
        let least = if route == Route::Kiosk { 80.0 } else { 60.0 };
        for size in sizes(route) {
            let terminal = terminal(name, route, Language::German, Look::Light, size);
            play(&terminal);
            poor.extend(terminal.cut().iter().map(|text| format!("{name} {size:?}: {text:?} is cut off")));
            if route == Route::Kiosk {
                poor.extend(covered(&terminal).iter().map(|both| format!("{name} {size:?}: {both}")));
            }
            for button in terminal.all(AccessibleRole::Button) {
                let (label, place) = (button.accessible_label().unwrap_or_default(), button.size());
                if label.is_empty() {
                    poor.push(format!("{name}: a button has no name"));
                }
                if place.width + 0.01 < least || place.height + 0.01 < least {
                    poor.push(format!("{name} {size:?}: {label:?} is {}×{}", place.width, place.height));
                }
                let at = button.absolute_position();
                if at.x < -0.01 || at.x + place.width > size.0 as f32 + 0.01 {
                    poor.push(format!("{name} {size:?}: {label:?} leaves the screen at its side"));
                }
                let lowest = at.y + place.height;
                if route == Route::Kiosk && (at.y < -0.01 || lowest > size.1 as f32 + 0.01) {
                    poor.push(format!("{name} {size:?}: {label:?} ends at {lowest}, below the screen"));
                }
            }
        }
    }
    poor.sort();
    poor.dedup();
    assert!(poor.is_empty(), "{poor:#?}");
}

/// The controls of the kiosk that cover each other, or words: of a page without anything over it, as what lies under a sheet
/// is out of reach. Where a list can be moved, as at the till, what is out of sight lies under other things.
fn covered(terminal: &Terminal) -> Vec<String> {
    let place = |element: &ElementHandle| {
        let (at, size) = (element.absolute_position(), element.size());
        (at.x + 1.0, at.y + 1.0, at.x + size.width - 1.0, at.y + size.height - 1.0)
    };
    if !terminal.all(AccessibleRole::Groupbox).is_empty() {
        return Vec::new();
    }
    let buttons = terminal.all(AccessibleRole::Button);
    let words = terminal.all(AccessibleRole::Text);
    let mut found = Vec::new();
    for (index, button) in buttons.iter().enumerate() {
        let (left, top, right, bottom) = place(button);
        for other in buttons.iter().skip(index + 1).chain(&words) {
            let (x, y, x_end, y_end) = place(other);
            if left < x_end && x < right && top < y_end && y < bottom {
                let name = |element: &ElementHandle| element.accessible_label().unwrap_or_default();
                found.push(format!("{:?} and {:?} cover each other", name(button), name(other)));
            }
        }
    }
    found
}

/// The third step of text, for a guest who asks for it at the kiosk.
#[test]
fn larger_text_has_its_room_on_every_page_of_the_kiosk() {
    let mut poor = Vec::new();
    for &(name, route, play) in scenes().filter(|(_, route, _)| *route == Route::Kiosk) {
        for size in sizes(route) {
            let terminal = terminal(name, route, Language::German, Look::Light, size);
            terminal.act(UiAction::SetLarger(true));
            play(&terminal);
            poor.extend(terminal.cut().iter().map(|text| format!("{name} {size:?}: {text:?} is cut off")));
            poor.extend(covered(&terminal).iter().map(|both| format!("{name} {size:?}: {both}")));
            for button in terminal.all(AccessibleRole::Button) {
                let (at, place) = (button.absolute_position(), button.size());
                let inside = at.x > -0.01
                    && at.y > -0.01
                    && at.x + place.width < size.0 as f32 + 0.01
                    && at.y + place.height < size.1 as f32 + 0.01;
                if !inside {
                    let label = button.accessible_label().unwrap_or_default();
                    poor.push(format!("{name} {size:?}: {label:?} leaves the screen"));
                }
            }
        }
    }
    poor.sort();
    poor.dedup();
    assert!(poor.is_empty(), "{poor:#?}");
}

/// A text with too little room says so while the probe is on. German is longer nearly everywhere, and is looked at with
/// the controls.
#[test]
fn no_english_word_is_cut_off() {
    let mut cut = Vec::new();
    for &(name, route, play) in scenes() {
        for size in sizes(route) {
            let terminal = terminal(name, route, Language::English, Look::Light, size);
            play(&terminal);
            cut.extend(terminal.cut().iter().map(|text| format!("{name} {size:?}: {text}")));
        }
    }
    cut.sort();
    cut.dedup();
    assert!(cut.is_empty(), "{cut:#?}");
}

/// Where pictures are wanted.
fn wanted() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("STEMPEL_SNAPSHOTS")?);
    std::fs::create_dir_all(&folder).unwrap();
    Some(folder)
}

fn keep(terminal: &Terminal, file: &Path) {
    let picture = terminal.screens.picture().unwrap();
    let (width, height) = (picture.width, picture.height);
    image::save_buffer(file, &picture.rgba, width, height, image::ColorType::Rgba8).unwrap();
}

#[test]
fn every_scene_is_drawn() {
    let Some(folder) = wanted() else { return };
    for &(name, route, play) in scenes() {
        for size in sizes(route) {
            for language in [Language::German, Language::English] {
                for (look, shade) in [(Look::Light, "light"), (Look::Dark, "dark")] {
                    let terminal = terminal(name, route, language, look, size);
                    play(&terminal);
                    terminal.draw();
                    let file = format!("{name}-{}x{}-{}-{shade}", size.0, size.1, language.tag());
                    keep(&terminal, &folder.join(format!("{file}.png")));
                    if route == Route::Kiosk {
                        terminal.act(UiAction::SetLarger(true));
                        keep(&terminal, &folder.join(format!("{file}-larger.png")));
                    }
                }
            }
        }
    }
}

#[test]
fn the_stamp_lands_and_then_everything_keeps_still() {
    let terminal = terminal("", Route::Counter, Language::German, Look::Light, SIZES[0]);
    terminal.act(UiAction::Arm(2));
    terminal.scan("ben");
    let still = terminal.screens.picture().unwrap();
    terminal.act_without_drawing(UiAction::AddStamp { member: "ben".into(), count: 2 });
    let mut moved = 0;
    for step in 0..10 {
        let picture = terminal.screens.picture().unwrap();
        moved += usize::from(picture != still);
        if let Some(folder) = wanted().filter(|_| "landing".contains(&only())) {
            keep(&terminal, &folder.join(format!("landing-{:03}ms.png", step * 40)));
        }
        mock_elapsed_time(Duration::from_millis(40));
    }
    assert!(moved > 5, "the stamp falls");
    terminal.draw();
    let landed = terminal.screens.picture().unwrap();
    mock_elapsed_time(Duration::from_millis(500));
    assert!(landed == terminal.screens.picture().unwrap(), "it lies still");
    assert!(!terminal.screens.window().has_active_animations(), "and the screen rests");

    terminal.act(UiAction::SetStill(true));
    terminal.act_without_drawing(UiAction::AddStamp { member: "ben".into(), count: 1 });
    let at_once = terminal.screens.picture().unwrap();
    mock_elapsed_time(Duration::from_millis(60));
    assert!(at_once == terminal.screens.picture().unwrap(), "without motion it lies there at once");
}

#[test]
fn codes_on_the_screen_can_be_read_from_it() {
    let clock = stempel_scan::clock::monotonic();
    // The first text ends the search, however busy the machine is.
    let patient = Mode::Live { budget: Duration::from_secs(10) };
    for &(name, route, play) in
        SCENES.iter().filter(|(name, ..)| ["kiosk-code", "counter-slip", "setup-camera"].contains(name))
    {
        for size in sizes(route) {
            for look in [Look::Light, Look::Dark] {
                let terminal = terminal(name, route, Language::German, look, size);
                play(&terminal);
                terminal.draw();
                let picture = terminal.screens.picture().unwrap();
                let luma = picture.rgba.chunks_exact(4).map(|pixel| pixel[1]).collect();
                let frame = Frame::new(picture.width, picture.height, luma, clock()).unwrap();
                let report = Pipeline::new(patient, clock.clone()).decode(&frame, &|_| true);
                assert!(report.good().is_some(), "{name} {size:?} {look:?}: the code cannot be read");
            }
        }
    }
}
