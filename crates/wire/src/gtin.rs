//! The number on a package (GTIN): what a scanner reads off an article that somebody else has packed.
//!
//! EAN-8, UPC-A (12 digits), EAN-13 and GTIN-14 are one number with noughts in front (GS1 General Specifications,
//! section 3.3). The last digit is a check digit over the others, with weights 3 and 1 in turn from the right.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Digits of the number with its noughts.
const LEN: usize = 14;
/// Digits with which it may be written.
const WRITTEN: [usize; 4] = [8, 12, 13, LEN];

/// The number on a package: fourteen digits that agree with their check digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Gtin([u8; LEN]);

/// Why a text is no number of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GtinError {
    /// It has other signs than digits, or another length.
    #[error("a code is the number on the package: 8, 12, 13 or 14 digits")]
    Shape,
    /// A digit was mistyped.
    #[error("the code does not agree with its last digit; one of its digits is wrong")]
    CheckDigit,
}

impl Gtin {
    /// The fourteen digits.
    pub fn digits(&self) -> String {
        self.0.iter().map(|digit| char::from(b'0' + digit)).collect()
    }
}

impl FromStr for Gtin {
    type Err = GtinError;

    fn from_str(text: &str) -> Result<Self, GtinError> {
        if !WRITTEN.contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(GtinError::Shape);
        }
        let mut digits = [0; LEN];
        for (place, byte) in digits[LEN - text.len()..].iter_mut().zip(text.bytes()) {
            *place = byte - b'0';
        }
        // With fourteen digits every second one from the first on has the weight 3.
        let weighted = digits.iter().enumerate().map(|(place, digit)| {
            let weight = if place % 2 == 0 { 3 } else { 1 };
            weight * u32::from(*digit)
        });
        let empty = digits.iter().all(|digit| *digit == 0);
        if empty || weighted.sum::<u32>() % 10 != 0 {
            return Err(GtinError::CheckDigit);
        }
        Ok(Self(digits))
    }
}

/// As it is usually printed: with 8, 13 or 14 digits.
impl fmt::Display for Gtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noughts = self.0.iter().take_while(|digit| **digit == 0).count();
        let from = match noughts {
            6.. => 6,
            1.. => 1,
            0 => 0,
        };
        f.write_str(&self.digits()[from..])
    }
}

impl TryFrom<String> for Gtin {
    type Error = GtinError;

    fn try_from(text: String) -> Result<Self, GtinError> {
        text.parse()
    }
}

impl From<Gtin> for String {
    fn from(gtin: Gtin) -> Self {
        gtin.digits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_in_each_of_its_lengths() {
        for (written, digits, shown) in [
            ("4006381333931", "04006381333931", "4006381333931"),
            ("04006381333931", "04006381333931", "4006381333931"),
            ("96385074", "00000096385074", "96385074"),
            ("036000291452", "00036000291452", "0036000291452"),
            ("10012345678902", "10012345678902", "10012345678902"),
        ] {
            let gtin: Gtin = written.parse().unwrap();
            assert_eq!((&gtin.digits()[..], &gtin.to_string()[..]), (digits, shown), "{written}");
            assert_eq!(shown.parse(), Ok(gtin.clone()));
            let json = serde_json::to_string(&gtin).unwrap();
            assert_eq!(
                (&json[..], serde_json::from_str(&json).ok()),
                (&format!("\"{digits}\"")[..], Some(gtin))
            );
        }
    }

    #[test]
    fn a_mistyped_digit_is_found() {
        let good = "4006381333931";
        for place in 0..good.len() {
            for digit in '0'..='9' {
                let mut typed: Vec<char> = good.chars().collect();
                typed[place] = digit;
                let typed: String = typed.into_iter().collect();
                assert_eq!(typed.parse::<Gtin>().is_ok(), typed == good, "{typed}");
            }
        }
        for odd in [
            "",
            "400638133393",
            "400638133393x",
            "40063813339315",
            " 4006381333931",
            "４00638133393",
            "00000000",
        ] {
            assert!(odd.parse::<Gtin>().is_err(), "{odd}");
        }
        assert!(serde_json::from_str::<Gtin>("\"4006381333932\"").is_err());
    }
}
