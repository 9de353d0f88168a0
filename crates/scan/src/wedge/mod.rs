//! Tells a scanner that types from a person who types.
//!
//! A hand scanner in keyboard mode ("wedge") types a code as keys, a few milliseconds apart, and ends with Enter, Tab
//! or nothing. A [`Wedge`] is a pure state machine over keys and their moments. It promises:
//! - keys further apart than the gap never become a reading, so a person who types is left alone;
//! - the buffer is bounded;
//! - only a text that the caller's rule accepts is a reading, in the first layout translation that it accepts;
//! - a scanner whose trigger is held, and that reads one card over and over, has read it once.

mod layout;

pub use layout::{Caps, Layout, Translation};

/// What the scanner sends after a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Suffix {
    /// The Enter key.
    #[default]
    Enter,
    /// The Tab key.
    Tab,
    /// Nothing: a code ends when no key came for longer than the gap. Enter and Tab end it as well.
    None,
}

impl Suffix {
    fn is_met_by(self, letter: char) -> bool {
        match self {
            Self::Enter => matches!(letter, '\r' | '\n'),
            Self::Tab => letter == '\t',
            Self::None => matches!(letter, '\r' | '\n' | '\t'),
        }
    }
}

/// How a scanner types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WedgePolicy {
    /// The longest time between two keys of a code.
    pub gap_ms_max: u64,
    /// What ends a code.
    pub suffix: Suffix,
    /// The fewest characters of a code.
    pub length_min: usize,
    /// The most characters of a code; longer bursts are dropped whole.
    pub length_max: usize,
    /// The same reading counts again only when so much time has passed since it came last, as with a camera
    /// ([`DedupePolicy`](crate::dedupe::DedupePolicy)).
    pub quiet_ms: u64,
}

impl Default for WedgePolicy {
    fn default() -> Self {
        Self { gap_ms_max: 100, suffix: Suffix::Enter, length_min: 8, length_max: 1_024, quiet_ms: 2_500 }
    }
}

/// A code that was typed by a scanner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WedgeReading {
    /// The text that the rule accepted.
    pub text: String,
    /// The keys as they came.
    pub typed: String,
    /// The translation that made one of the other.
    pub translation: Translation,
}

/// What a key or a tick led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WedgeOutcome {
    /// Nothing to be done.
    Nothing,
    /// A scanner typed a code that the rule accepts.
    Read(WedgeReading),
    /// A scanner typed once more what it had typed just before.
    Repeated,
    /// A scanner typed something that the rule accepts in no translation.
    Unknown {
        /// The keys as they came.
        typed: String,
    },
}

/// Collects the keys of a scanner.
#[derive(Debug, Default)]
pub struct Wedge {
    policy: WedgePolicy,
    typed: String,
    length: usize,
    last_key_ms: u64,
    overflowed: bool,
    last_read: Option<(String, u64)>,
}

impl Wedge {
    /// Makes a wedge that has seen no key.
    pub fn new(policy: WedgePolicy) -> Self {
        Self { policy, ..Self::default() }
    }

    /// Tells whether keys are being collected: a burst of at least two has begun.
    pub fn is_collecting(&self) -> bool {
        self.length >= 2
    }

    /// Takes the text of one key. Keys without a letter, as Shift, have an empty or a private text and are passed over.
    pub fn key(&mut self, text: &str, at_ms: u64, good: &dyn Fn(&str) -> bool) -> WedgeOutcome {
        let mut outcome = self.tick(at_ms, good);
        for letter in text.chars() {
            let next = self.letter(letter, at_ms, good);
            if outcome == WedgeOutcome::Nothing {
                outcome = next;
            }
        }
        outcome
    }

    /// Lets time pass: a burst is over when the gap is exceeded. Without a suffix it is then a code, else nothing.
    pub fn tick(&mut self, at_ms: u64, good: &dyn Fn(&str) -> bool) -> WedgeOutcome {
        if self.length == 0 || at_ms.saturating_sub(self.last_key_ms) <= self.policy.gap_ms_max {
            return WedgeOutcome::Nothing;
        }
        if self.policy.suffix == Suffix::None {
            return self.finish(good);
        }
        self.clear();
        WedgeOutcome::Nothing
    }

    fn letter(&mut self, letter: char, at_ms: u64, good: &dyn Fn(&str) -> bool) -> WedgeOutcome {
        if self.policy.suffix.is_met_by(letter) {
            return self.finish(good);
        }
        if is_private(letter) {
            return WedgeOutcome::Nothing;
        }
        // Backspace and Delete are a person's keys.
        if matches!(letter, '\u{8}' | '\u{7f}') {
            self.clear();
            return WedgeOutcome::Nothing;
        }
        if letter.is_control() {
            return WedgeOutcome::Nothing;
        }
        self.last_key_ms = at_ms;
        self.length += 1;
        if self.length > self.policy.length_max {
            self.overflowed = true;
            self.typed.clear();
        } else {
            self.typed.push(letter);
        }
        WedgeOutcome::Nothing
    }

    fn finish(&mut self, good: &dyn Fn(&str) -> bool) -> WedgeOutcome {
        let long_enough = self.length >= self.policy.length_min.max(1);
        let whole = long_enough && !self.overflowed;
        let typed = std::mem::take(&mut self.typed);
        self.clear();
        if whole { self.once(translate(typed, good)) } else { WedgeOutcome::Nothing }
    }

    /// Lets a reading through once while it is repeated.
    fn once(&mut self, outcome: WedgeOutcome) -> WedgeOutcome {
        let WedgeOutcome::Read(reading) = &outcome else { return outcome };
        let (read_ms, quiet_ms) = (self.last_key_ms, self.policy.quiet_ms);
        let repeats = |(text, at_ms): &(String, u64)| {
            *text == reading.text && read_ms.saturating_sub(*at_ms) < quiet_ms
        };
        let repeated = self.last_read.as_ref().is_some_and(repeats);
        self.last_read = Some((reading.text.clone(), read_ms));
        if repeated { WedgeOutcome::Repeated } else { outcome }
    }

    fn clear(&mut self) {
        self.typed.clear();
        self.length = 0;
        self.overflowed = false;
    }
}

/// Toolkits name keys without a letter in Unicode's private area.
fn is_private(letter: char) -> bool {
    matches!(letter, '\u{e000}'..='\u{f8ff}')
}

/// Tries the translations until the rule accepts one; equal texts are judged once.
fn translate(typed: String, good: &dyn Fn(&str) -> bool) -> WedgeOutcome {
    let mut judged: Vec<String> = Vec::new();
    for translation in Translation::all() {
        let Some(text) = translation.undo(&typed) else { continue };
        if judged.contains(&text) {
            continue;
        }
        if good(&text) {
            return WedgeOutcome::Read(WedgeReading { text, typed, translation });
        }
        judged.push(text);
    }
    WedgeOutcome::Unknown { typed }
}
