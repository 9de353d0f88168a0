//! What is counted: stamps, points, stored value, tickets.

use std::fmt;
use std::str::FromStr;

use crate::ids::NotAnId;
use crate::money::{NotANumber, format_decimal, parse_decimal, trim_decimal};

/// A unit and its scale, the digits after the point.
///
/// The scale is part of the unit's identity (`point.1` counts tenths of a point), so amounts of one unit
/// can always be added, and an amount never needs a programme to be read. People see the name alone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unit {
    name: String,
    scale: u8,
}

impl Unit {
    /// The most digits after the point.
    pub const SCALE_MAX: u8 = 6;
    /// The longest name, in bytes.
    pub const NAME_LEN_MAX: usize = 40;
    /// The largest amount of any unit in one posting, so that sums stay far from overflow.
    pub const AMOUNT_MAX: i64 = 1_000_000_000_000_000;

    /// Makes a unit from its name (lower-case letters, digits, `:`, `-`, `_`) and scale.
    pub fn new(name: &str, scale: u8) -> Result<Self, NotAnId> {
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, ':' | '-' | '_');
        let fits = !name.is_empty() && name.len() <= Self::NAME_LEN_MAX && scale <= Self::SCALE_MAX;
        if !fits || !name.chars().all(good) {
            return Err(NotAnId::new(name, "a unit (a name like point or stamp:coffee, at most 6 digits)"));
        }
        Ok(Self { name: name.to_owned(), scale })
    }

    /// Stored value in euro.
    pub fn euro() -> Self {
        Self { name: "eur".to_owned(), scale: 2 }
    }

    /// The name that people see.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Digits after the point.
    pub fn scale(&self) -> u8 {
        self.scale
    }

    /// Whether it is counted on a stamp card.
    pub fn is_stamp(&self) -> bool {
        self.name == "stamp" || self.name.starts_with("stamp:")
    }

    /// Reads a decimal as an amount of this unit.
    pub fn parse_amount(&self, text: &str) -> Result<i64, NotANumber> {
        parse_decimal(text, self.scale)
    }

    /// Writes an amount for people and scripts: `16.5`, `100`.
    pub fn format(&self, amount: i64) -> String {
        trim_decimal(&format_decimal(amount, self.scale))
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scale == 0 { f.write_str(&self.name) } else { write!(f, "{}.{}", self.name, self.scale) }
    }
}

impl fmt::Debug for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unit({self})")
    }
}

impl FromStr for Unit {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        match text.split_once('.') {
            None => Self::new(text, 0),
            Some((name, scale)) => match scale.parse() {
                Ok(scale) if scale > 0 => Self::new(name, scale),
                _ => Err(NotAnId::new(text, "a unit (like point, or point.1 for tenths)")),
            },
        }
    }
}

serde_as_text!(Unit);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_part_of_the_unit() {
        let tenths = Unit::new("point", 1).unwrap();
        assert_eq!(tenths.to_string(), "point.1");
        assert_eq!("point.1".parse::<Unit>().unwrap(), tenths);
        assert_ne!("point".parse::<Unit>().unwrap(), tenths);
        assert_eq!(tenths.format(165), "16.5");
        assert_eq!(tenths.format(1000), "100");
    }

    #[test]
    fn bad_units_are_refused() {
        for text in ["", "Point", "point.", "point.0", "point.9", "po int", "a.1.2"] {
            assert!(text.parse::<Unit>().is_err(), "{text}");
        }
    }
}
