//! Numbers as a programme's author writes them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::money::{Money, NoNumber, NotANumber, Rate, format_decimal, parse_decimal, trim_decimal};

/// A decimal with at most six digits after the point. It may be written `"0.1"`, `0.1` or `1`; it is kept
/// as a whole number of millionths, so nothing is ever computed in floating point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i64);

impl Decimal {
    /// Digits after the point.
    pub const SCALE: u8 = 6;
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// One.
    pub const ONE: Self = Self(1_000_000);
    /// The largest number taken: a thousand million.
    pub const MAX: Self = Self(1_000_000_000_000_000);

    /// The number in millionths.
    pub fn millionths(self) -> i64 {
        self.0
    }

    /// A whole number.
    pub fn whole(number: u32) -> Self {
        Self(i64::from(number) * Self::ONE.0)
    }

    /// The sum of two numbers, held within what is taken.
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0).clamp(-Self::MAX.0, Self::MAX.0))
    }

    /// The difference of two numbers, held within what is taken.
    pub fn minus(self, other: Self) -> Self {
        self.plus(Self(other.0.saturating_neg()))
    }

    /// Whether it needs no more than that many digits after the point.
    pub fn fits(self, scale: u8) -> bool {
        scale >= Self::SCALE || self.0 % 10_i64.pow(u32::from(Self::SCALE - scale)) == 0
    }

    /// The number as an integer with that many digits after the point; further digits are dropped.
    pub fn at_scale(self, scale: u8) -> i64 {
        self.0 / 10_i64.pow(u32::from(Self::SCALE - scale.min(Self::SCALE)))
    }

    /// The number as an amount of money.
    pub fn money(self) -> Money {
        Money(self.at_scale(Money::SCALE))
    }

    /// The number as a percentage, held between 0 and 100.
    pub fn rate(self) -> Rate {
        Rate(self.at_scale(2).clamp(0, Rate::WHOLE.0.into()) as i32)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&trim_decimal(&format_decimal(self.0, Self::SCALE)))
    }
}

impl FromStr for Decimal {
    type Err = NotANumber;

    fn from_str(text: &str) -> Result<Self, NotANumber> {
        let number = Self(parse_decimal(text, Self::SCALE)?);
        if number.0.abs() > Self::MAX.0 {
            return Err(NotANumber::new(text, NoNumber::TooLarge));
        }
        Ok(number)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Decimal;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number like 1, 0.5 or \"2.40\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Decimal, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Decimal, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Decimal, E> {
                // The shortest text that names this number is what its author wrote.
                self.visit_str(&number.to_string())
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
