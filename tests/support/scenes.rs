//! Every state of every screen, in every size: that each control has a name and a size, and how it looks.

use std::path::Path;

use i_slint_backend_testing::AccessibleRole;

use crate::controllers::sample_desk::at;
use crate::controllers::{
    CameraState, FaceOptions, Language, Look, Route, SyncReport, SyncState, UiAction,
};
use crate::terminal::Terminal;

const SIZES: [(u32, u32); 3] = [(1280, 800), (1024, 600), (800, 1280)];

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

const SCENES: [(&str, Route, Play); 32] = [
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
    ("counter-film", Route::Counter, |terminal| {
        terminal.camera_frame();
        terminal.face(|face| face.camera(CameraState::Film, "IMG_0003.jpg", 3, 12));
        terminal.draw();
    }),
    ("counter-sync", Route::Counter, |terminal| {
        offline(terminal);
        let badge = terminal.all(AccessibleRole::Button).into_iter().find(|button| {
            button.accessible_label().is_some_and(|label| label.starts_with("offline"))
        });
        badge.unwrap().invoke_accessible_default_action();
    }),
    ("counter-menu", Route::Counter, |terminal| {
        let menu = ["Menu", "Menü"].into_iter().find(|name| terminal.sees(name));
        terminal.tap(menu.unwrap());
    }),
    ("counter-contrast", Route::Counter, |terminal| {
        terminal.act(UiAction::SetHighContrast(true));
        offline(terminal);
        terminal.scan("clara");
    }),
    ("till-empty", Route::Till, |_| {}),
    ("till-basket", Route::Till, basket),
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
    ("kiosk-attract", Route::Kiosk, |_| {}),
    ("kiosk-scan", Route::Kiosk, |terminal| {
        terminal.camera_frame();
        terminal.face(|face| face.camera(CameraState::Live, "", 0, 0));
        terminal.act(UiAction::KioskStart);
    }),
    ("kiosk-nocamera", Route::Kiosk, |terminal| terminal.act(UiAction::KioskStart)),
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
    ("setup", Route::Setup, |_| {}),
];

fn terminal(route: Route, language: Language, look: Look, (width, height): (u32, u32)) -> Terminal {
    let terminal = Terminal::new(FaceOptions {
        route,
        place: "Kasse 1 · Lena".into(),
        shop: "Café Muster".into(),
        language,
        look,
        demo: true,
        ..FaceOptions::default()
    });
    terminal.size(width, height);
    terminal.draw();
    terminal
}

#[test]
fn every_control_has_a_name_and_a_size_that_a_finger_finds() {
    let mut poor = Vec::new();
    for (name, route, play) in SCENES {
        let least = if route == Route::Kiosk { 80.0 } else { 60.0 };
        for size in SIZES {
            let terminal = terminal(route, Language::German, Look::Light, size);
            play(&terminal);
            terminal.draw();
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
            }
        }
    }
    poor.sort();
    poor.dedup();
    assert!(poor.is_empty(), "{poor:#?}");
}

#[test]
fn every_scene_is_drawn() {
    let Some(folder) = std::env::var_os("STEMPEL_SNAPSHOTS") else { return };
    let only = std::env::var("STEMPEL_SCENE").unwrap_or_default();
    std::fs::create_dir_all(&folder).unwrap();
    for (name, route, play) in SCENES.into_iter().filter(|(name, ..)| name.contains(&only)) {
        for size in SIZES {
            for language in [Language::German, Language::English] {
                for (look, shade) in [(Look::Light, "light"), (Look::Dark, "dark")] {
                    let terminal = terminal(route, language, look, size);
                    play(&terminal);
                    terminal.draw();
                    let picture = terminal.screens.picture().unwrap();
                    assert_eq!((picture.width, picture.height), size);
                    let file = format!("{name}-{}x{}-{}-{shade}.png", size.0, size.1, language.tag());
                    image::save_buffer(
                        Path::new(&folder).join(file),
                        &picture.rgba,
                        picture.width,
                        picture.height,
                        image::ColorType::Rgba8,
                    )
                    .unwrap();
                }
            }
        }
    }
}
