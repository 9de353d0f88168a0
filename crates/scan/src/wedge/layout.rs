//! Undoes what a wrong keyboard layout does to a scanner's text.
//!
//! A scanner in keyboard mode sends keys, not letters. It believes in one layout, the computer in another, and
//! `STEMPEL-7` arrives as `STEMPELß7`. Both layouts are known, so each letter goes back to its key and from there to
//! the letter the scanner meant. Caps Lock may turn cases around, on some systems those of digits too.

use std::fmt;

/// Keys of a layout in the order of their places, first without and then with Shift. A NUL is a key without a letter.
struct Keys {
    plain: &'static str,
    shifted: &'static str,
}

/// A keyboard layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// QWERTY of the United States, the factory setting of nearly all scanners.
    Us,
    /// German QWERTZ.
    De,
    /// French AZERTY.
    Fr,
}

impl Layout {
    fn keys(self) -> Keys {
        match self {
            Self::Us => Keys {
                plain: "`1234567890-=qwertyuiop[]asdfghjkl;'\\zxcvbnm,./\\ ",
                shifted: "~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:\"|ZXCVBNM<>?| ",
            },
            Self::De => Keys {
                plain: "^1234567890ß´qwertzuiopü+asdfghjklöä#yxcvbnm,.-< ",
                shifted: "°!\"§$%&/()=?`QWERTZUIOPÜ*ASDFGHJKLÖÄ'YXCVBNM;:_> ",
            },
            Self::Fr => Keys {
                plain: "²&é\"'(-è_çà)=azertyuiop^$qsdfghjklmù*wxcvbn,;:!< ",
                shifted: "\u{0}1234567890°+AZERTYUIOP¨£QSDFGHJKLM%µWXCVBN?./§> ",
            },
        }
    }

    fn find(self, letter: char) -> Option<(usize, bool)> {
        let keys = self.keys();
        let place = |row: &str| row.chars().position(|key| key == letter);
        if letter == '\0' {
            return None;
        }
        place(keys.plain).map(|at| (at, false)).or_else(|| place(keys.shifted).map(|at| (at, true)))
    }

    fn letter(self, place: usize, shift: bool) -> Option<char> {
        let keys = self.keys();
        let row = if shift { keys.shifted } else { keys.plain };
        row.chars().nth(place).filter(|letter| *letter != '\0')
    }
}

/// What Caps Lock does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Caps {
    /// Nothing: it is off.
    Off,
    /// It exchanges upper and lower case of letters.
    Letters,
    /// It exchanges Shift and no Shift on every key, as on some German and French systems.
    EveryKey,
}

/// One way in which a text may have been garbled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Translation {
    /// The layout that the scanner believes in.
    pub scanner: Layout,
    /// The layout that the computer believes in.
    pub computer: Layout,
    /// What Caps Lock does.
    pub caps: Caps,
}

impl Translation {
    /// Nothing was garbled.
    pub const NONE: Translation = Translation { scanner: Layout::Us, computer: Layout::Us, caps: Caps::Off };

    /// Gives all translations in the order in which they are tried, the likeliest first.
    pub fn all() -> impl Iterator<Item = Translation> {
        const PAIRS: [(Layout, Layout); 7] = [
            (Layout::Us, Layout::Us),
            (Layout::Us, Layout::De),
            (Layout::Us, Layout::Fr),
            (Layout::De, Layout::Us),
            (Layout::Fr, Layout::Us),
            (Layout::De, Layout::Fr),
            (Layout::Fr, Layout::De),
        ];
        PAIRS.into_iter().flat_map(|(scanner, computer)| {
            [Caps::Off, Caps::Letters, Caps::EveryKey].into_iter().map(move |caps| Translation {
                scanner,
                computer,
                caps,
            })
        })
    }

    /// Gives what the scanner meant, or `None` when the computer's layout cannot have typed this.
    pub fn undo(self, typed: &str) -> Option<String> {
        if self.scanner == self.computer && self.caps != Caps::EveryKey {
            return Some(match self.caps {
                Caps::Off => typed.to_owned(),
                _ => typed.chars().map(exchange_case).collect(),
            });
        }
        let mut meant = String::with_capacity(typed.len());
        for letter in typed.chars() {
            if let Some(key) = self.undo_letter(letter) {
                meant.push(key);
            } else {
                // An accent key waits for the next letter and melts into it; both keys are taken back.
                let (accent, base) = split_accent(letter)?;
                meant.push(self.undo_letter(accent)?);
                meant.push(self.undo_letter(base)?);
            }
        }
        Some(meant)
    }

    fn undo_letter(self, letter: char) -> Option<char> {
        let letter = if self.caps == Caps::Letters { exchange_case(letter) } else { letter };
        let (place, shift) = self.computer.find(letter)?;
        self.scanner.letter(place, shift != (self.caps == Caps::EveryKey))
    }
}

impl fmt::Display for Translation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "scanner {:?}, computer {:?}, caps {:?}", self.scanner, self.computer, self.caps)
    }
}

/// Exchanges the case of a letter that has exactly one other case.
fn exchange_case(letter: char) -> char {
    let mut lower = letter.to_lowercase();
    let mut upper = letter.to_uppercase();
    let other =
        if letter.is_lowercase() { (upper.next(), upper.next()) } else { (lower.next(), lower.next()) };
    match other {
        (Some(other), None) => other,
        _ => letter,
    }
}

fn split_accent(letter: char) -> Option<(char, char)> {
    const ACCENTS: [(char, &str); 4] =
        [('´', "áéíóúýÁÉÍÓÚÝ"), ('`', "àèìòùỳÀÈÌÒÙỲ"), ('^', "âêîôûŷÂÊÎÔÛŶ"), ('¨', "äëïöüÿÄËÏÖÜŸ")];
    ACCENTS.iter().find_map(|(accent, letters)| {
        let at = letters.chars().position(|accented| accented == letter)?;
        Some((*accent, "aeiouyAEIOUY".chars().nth(at)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undo(scanner: Layout, computer: Layout, caps: Caps, typed: &str) -> Option<String> {
        Translation { scanner, computer, caps }.undo(typed)
    }

    #[test]
    fn every_layout_has_the_same_number_of_keys() {
        for layout in [Layout::Us, Layout::De, Layout::Fr] {
            let keys = layout.keys();
            assert_eq!(keys.plain.chars().count(), 49, "{layout:?}");
            assert_eq!(keys.shifted.chars().count(), 49, "{layout:?}");
        }
    }

    #[test]
    fn garbled_texts_are_put_right() {
        use Caps::{EveryKey, Letters, Off};
        use Layout::{De, Fr, Us};
        let table = [
            ("nothing wrong", Us, Us, Off, "STEMPEL-7/YZ", "STEMPEL-7/YZ"),
            ("US scanner, German computer", Us, De, Off, "STEMPELß7-ZY", "STEMPEL-7/YZ"),
            ("a link, US scanner, German computer", Us, De, Off, "HTTPSÖ--A.DE-C_T´1", "HTTPS://A.DE/C?T=1"),
            ("an accent key melted into a letter", Us, De, Off, "TÁB", "T=AB"),
            ("US scanner, French computer", Us, Fr, Off, "QZER&é\"à)", "AWER1230-"),
            ("German scanner, US computer", De, Us, Off, "STEMPEL/7&ZY", "STEMPEL-7/YZ"),
            ("French scanner, US computer", Fr, Us, Off, "AQ!@", "QA12"),
            ("Caps Lock", Us, Us, Letters, "stempel-7", "STEMPEL-7"),
            ("Caps Lock, German computer", Us, De, Letters, "ztß7", "YT-7"),
            ("Shift Lock on every key", Us, De, EveryKey, "zt?/", "YT-7"),
        ];
        for (name, scanner, computer, caps, typed, meant) in table {
            assert_eq!(undo(scanner, computer, caps, typed).as_deref(), Some(meant), "{name}");
        }
    }

    #[test]
    fn a_letter_that_the_layout_does_not_have_rules_the_translation_out() {
        assert_eq!(undo(Layout::De, Layout::Us, Caps::Off, "Aß"), None);
        assert_eq!(undo(Layout::Us, Layout::De, Caps::Off, "A€"), None);
    }

    #[test]
    fn typing_on_any_pair_of_layouts_can_be_undone() {
        let meant = "ST7ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        for translation in Translation::all() {
            let typed: Option<String> = meant
                .chars()
                .map(|letter| {
                    let (place, shift) = translation.scanner.find(letter)?;
                    let every_key = translation.caps == Caps::EveryKey;
                    let letter = translation.computer.letter(place, shift != every_key)?;
                    Some(if translation.caps == Caps::Letters { exchange_case(letter) } else { letter })
                })
                .collect();
            let typed = typed.unwrap();
            assert_eq!(translation.undo(&typed).as_deref(), Some(meant), "{translation}: {typed}");
        }
    }
}
