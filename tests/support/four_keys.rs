//! The whole way of a guest who does not see the screen: join, prove a purchase, take a reward, with four keys, and what
//! is said on the way. Cards and receipts are held up; everything else is up, down, Return and Escape.

use slint::platform::Key;

use crate::controllers::{Colleague, Effect, FaceOptions, Language, Look, Route};
use crate::terminal::Terminal;

struct Guest {
    terminal: Terminal,
    heard: usize,
}

impl Guest {
    fn at_the_kiosk(language: Language) -> Self {
        let terminal = Terminal::new(FaceOptions {
            route: Route::Kiosk,
            shop: "Café Muster".into(),
            language,
            look: Look::Light,
            needs_proof: true,
            can_speak: true,
            ..FaceOptions::default()
        });
        terminal.face(|face| {
            face.desk().colleagues =
                vec![Colleague { id: "lena".into(), name: "Lena".into(), has_pin: true, manager: true }];
        });
        terminal.wait(1);
        Self { terminal, heard: 0 }
    }

    fn press(&self, key: Key) {
        self.terminal.key(&slint::SharedString::from(key));
    }

    /// What was said since the last time.
    fn said(&mut self) -> Vec<String> {
        let effects = self.terminal.effects();
        let new = effects[self.heard..].iter();
        let said =
            new.filter_map(
                |effect| if let Effect::Say(text) = effect { Some(text.trim().to_owned()) } else { None },
            );
        let said = said.collect();
        self.heard = effects.len();
        said
    }

    /// Goes down until that control is named.
    fn down_to(&mut self, label: &str) {
        let mut passed = Vec::new();
        for _ in 0..40 {
            self.press(Key::DownArrow);
            let said = self.said();
            if said.last().is_some_and(|said| said == label || said.starts_with(&format!("{label}."))) {
                return;
            }
            passed.extend(said);
        }
        panic!("{label:?} is not reached; what was: {passed:?}");
    }

    /// Presses the control that is named, and hears what comes of it.
    fn chooses(&mut self, label: &str) -> Vec<String> {
        self.down_to(label);
        self.press(Key::Return);
        self.said()
    }

    fn holds_up(&mut self, text: &str) -> Vec<String> {
        self.terminal.scan(text);
        self.said()
    }
}

fn walk(language: Language, words: &[&str; 12]) {
    let [none, join, anonymous, code, receipt, refused, again, card, reward, take, confirm, thanks] = words;
    let mut guest = Guest::at_the_kiosk(language);
    // Join: the keys switch the voice on.
    let said = guest.chooses(none);
    assert!(said.iter().any(|said| said.starts_with(join)), "{said:?}");
    let said = guest.chooses(anonymous);
    assert!(said.iter().any(|said| said.starts_with(code)), "{said:?}");
    // Prove a purchase: a wrong receipt is told, the right one counts.
    let said = guest.holds_up("new");
    assert!(said.iter().any(|said| said.starts_with(receipt)), "{said:?}");
    let said = guest.holds_up("old-slip");
    assert!(said.iter().any(|said| said.starts_with(refused)), "{said:?}");
    guest.chooses(again);
    let said = guest.holds_up("receipt");
    assert!(said.iter().any(|said| said.starts_with(card)), "{said:?}");
    guest.press(Key::Escape);
    guest.press(Key::Escape);
    assert_eq!(guest.terminal.face(|face| face.model().kiosk.page), crate::controllers::KioskPage::Attract);
    // Take a reward: somebody who works here confirms it.
    guest.said();
    guest.holds_up("clara");
    let said = guest.holds_up("receipt");
    assert!(said.iter().any(|said| said.contains(reward)), "{said:?}");
    let said = guest.chooses(take);
    assert!(said.iter().any(|said| said.starts_with(confirm)), "{said:?}");
    let said = guest.holds_up("staff");
    assert!(said.iter().any(|said| said.starts_with(thanks)), "{said:?}");
    assert_eq!(guest.terminal.taps(), 0, "nothing was touched");
}

#[test]
fn a_guest_joins_proves_and_takes_a_reward_by_four_keys_and_ear() {
    walk(
        Language::English,
        &[
            "No card yet?",
            "A card for you. Free, and good at once.",
            "Without a name",
            "This code is your card. Photograph it.",
            "And now the receipt. The square code",
            "That is not counted. Dieser Zettel galt bis 1. September.",
            "Try again",
            "Welcome!. 9 stamps to go: Gratis-Kaffee",
            "This one is on us: Gratis-Kaffee",
            "Take it now",
            "Please confirm. Somebody from the counter holds up the staff card",
            "Thank you, Clara!. Show this at the counter: Gratis-Kaffee.",
        ],
    );
}

#[test]
fn the_same_in_german() {
    walk(
        Language::German,
        &[
            "Noch keine Karte?",
            "Eine Karte für dich.",
            "Ohne Namen",
            "Dieser Code ist deine Karte.",
            "Und jetzt der Bon.",
            "Das zählt nicht. Dieser Zettel galt bis 1. September.",
            "Noch einmal",
            "Willkommen!. Noch 9 Stempel, dann: Gratis-Kaffee",
            "Gratis-Kaffee",
            "Jetzt einlösen",
            "Bitte bestätigen.",
            "Danke, Clara!.",
        ],
    );
}

#[test]
fn what_happens_to_a_name_is_read_before_it_is_asked_for() {
    let mut guest = Guest::at_the_kiosk(Language::English);
    guest.chooses("No card yet?");
    let said = guest.chooses("With my first name");
    let privacy = said.iter().find(|said| said.starts_with("What happens to your name")).unwrap();
    assert!(privacy.contains("Only Café Muster can read it."), "{privacy}");
}

#[test]
fn left_and_right_are_the_volume_and_home_says_it_again() {
    let mut guest = Guest::at_the_kiosk(Language::English);
    guest.press(Key::Home);
    let page = "Collect a stamp here. Hold the card here, on paper or on the phone.";
    assert!(guest.said().iter().any(|said| said.starts_with(page)), "the first press switches the voice on");
    guest.down_to("Help");
    guest.press(Key::Home);
    assert!(guest.said().iter().any(|said| said.starts_with(page)));
    for (key, said) in [(Key::RightArrow, "4"), (Key::RightArrow, "5"), (Key::LeftArrow, "4")] {
        guest.press(key);
        assert_eq!(guest.said(), [format!("Volume {said} of 5")]);
    }
    // What lies over the page is what is said again.
    guest.holds_up("clara");
    guest.holds_up("receipt");
    guest.chooses("Take it now");
    guest.press(Key::Home);
    assert!(guest.said().iter().any(|said| said.starts_with("Please confirm")));
    guest.press(Key::Escape);
    guest.press(Key::Home);
    assert!(guest.said().iter().any(|said| said.contains("This one is on us")));
    // For the next guest everything is as it was.
    guest.terminal.wait(40);
    guest.terminal.wait(40);
    let app = guest.terminal.face(|face| face.model().app);
    assert_eq!((app.speech, app.volume.step()), (false, 3));
}

#[test]
fn softer_louder_and_again_are_touched_too() {
    let mut guest = Guest::at_the_kiosk(Language::English);
    guest.terminal.tap("Reading and listening");
    assert!(!guest.terminal.sees("Louder"), "without a voice there is nothing to turn");
    guest.terminal.tap("Read everything aloud");
    guest.said();
    guest.terminal.tap("Louder");
    guest.terminal.tap("Softer");
    assert_eq!(guest.said(), ["Volume 4 of 5", "Volume 3 of 5"]);
    guest.terminal.tap("Say it again");
    assert!(guest.said()[0].starts_with("Collect a stamp here"));
    guest.terminal.tap("Larger text");
    assert!(guest.terminal.face(|face| face.model().app.larger));
    guest.terminal.wait(45);
    assert!(!guest.terminal.face(|face| face.model().app.larger), "it goes with the guest");
}

#[test]
fn what_lies_over_the_page_takes_the_keys_and_gives_them_back() {
    let mut guest = Guest::at_the_kiosk(Language::English);
    guest.chooses("Reading and listening");
    guest.press(Key::DownArrow);
    assert_eq!(guest.said(), ["Close"], "not a control of the page behind it");
    guest.down_to("Read everything aloud");
    guest.press(Key::Escape);
    assert!(!guest.terminal.sees("Larger text"));
    guest.holds_up("ada");
    guest.terminal.wait(21);
    guest.said();
    guest.press(Key::DownArrow);
    assert_eq!(guest.said(), ["No, finish"]);
    guest.press(Key::UpArrow);
    guest.press(Key::Return);
    assert!(!guest.terminal.sees("Still there?") && guest.terminal.sees("Hello Ada! And now the receipt"));
    guest.terminal.wait(21);
    guest.said();
    guest.chooses("No, finish");
    assert!(guest.terminal.sees("Collect a stamp here"));
}

#[test]
fn help_is_told_to_the_ear_too() {
    let mut guest = Guest::at_the_kiosk(Language::English);
    let said = guest.chooses("Help");
    assert!(said.iter().any(|said| said == "Please ask at the counter"), "{said:?}");
}
