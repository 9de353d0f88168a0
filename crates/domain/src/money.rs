//! Money, quantities and rates as integers, and the two ways of rounding that the product knows.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use serde::{Deserialize, Serialize};

/// An amount in minor units of the tenant's currency (cents of a euro).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(pub i64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// Digits after the point. Every currency of the product has two.
    pub const SCALE: u8 = 2;
    /// The largest amount taken from outside, in minor units: sums of them stay far from overflow.
    pub const MAX: i64 = 1_000_000_000_000;

    /// Reads `"2.40"`, `"2"`, `"-0.50"`. At most two digits after the point.
    pub fn parse(text: &str) -> Result<Self, NotANumber> {
        let value = parse_decimal(text, Self::SCALE)?;
        if value.abs() > Self::MAX {
            return Err(NotANumber::new(text, NoNumber::TooLarge));
        }
        Ok(Self(value))
    }

    /// The amount for a quantity at this unit price, rounded half up to the minor unit.
    pub fn times(self, quantity: Quantity) -> Self {
        Self(div_half_up(i128::from(self.0) * i128::from(quantity.0), Quantity::ONE.0.into()))
    }

    /// The share that a rate names, rounded half up to the minor unit.
    pub fn at(self, rate: Rate) -> Self {
        Self(div_half_up(i128::from(self.0) * i128::from(rate.0), Rate::WHOLE.0.into()))
    }

    /// The tax contained in this gross amount: `gross · rate / (1 + rate)`, rounded half up.
    pub fn tax_inside(self, rate: Rate) -> Self {
        let whole = i128::from(Rate::WHOLE.0);
        Self(div_half_up(i128::from(self.0) * i128::from(rate.0), whole + i128::from(rate.0)))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_decimal(self.0, Self::SCALE))
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}
impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}
impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}
impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}
impl SubAssign for Money {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}
impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        Self(amounts.map(|amount| amount.0).sum())
    }
}

/// How much of an article, in thousandths: 2 pieces are 2000, 350 g are 350 of a kilogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quantity(pub i64);

impl Quantity {
    /// One piece.
    pub const ONE: Self = Self(1000);
    /// The largest quantity taken from outside: a million pieces.
    pub const MAX: i64 = 1_000_000_000;

    /// That many whole pieces.
    pub fn pieces(count: u32) -> Self {
        Self(i64::from(count) * Self::ONE.0)
    }

    /// The whole pieces in it; a rest of a piece does not count.
    pub fn whole(self) -> i64 {
        self.0 / Self::ONE.0
    }

    /// Reads `"2"` or `"0.350"`.
    pub fn parse(text: &str) -> Result<Self, NotANumber> {
        let value = parse_decimal(text, 3)?;
        if value.abs() > Self::MAX {
            return Err(NotANumber::new(text, NoNumber::TooLarge));
        }
        Ok(Self(value))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&trim_decimal(&format_decimal(self.0, 3)))
    }
}

/// A rate in basis points: 19 % are 1900.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rate(pub i32);

impl Rate {
    /// 100 %.
    pub const WHOLE: Self = Self(10_000);

    /// Reads a percentage, `"19"` or `"7.5"`, between 0 and 100.
    pub fn parse_percent(text: &str) -> Result<Self, NotANumber> {
        let value = parse_decimal(text, 2)?;
        match i32::try_from(value) {
            Ok(value) if (0..=Self::WHOLE.0).contains(&value) => Ok(Self(value)),
            _ => Err(NotANumber::new(text, NoNumber::NoPercentage)),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&trim_decimal(&format_decimal(self.0.into(), 2)))
    }
}

/// A text that was meant as a number and is none that we take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{text}” is not a number to use here: {why}")]
pub struct NotANumber {
    text: String,
    /// Why not.
    pub why: NoNumber,
}

/// Why a text is no number that we take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoNumber {
    /// It is written otherwise.
    #[error("write it like 2 or 2.40")]
    Shape,
    /// It has more digits after the point than there may be.
    #[error("at most {0} digits may follow the point")]
    Digits(u8),
    /// It is larger than any amount here.
    #[error("it is too large")]
    TooLarge,
    /// A rate that is none.
    #[error("it is not between 0 and 100 %")]
    NoPercentage,
}

impl NotANumber {
    pub(crate) fn new(text: &str, why: NoNumber) -> Self {
        Self { text: text.chars().take(40).collect(), why }
    }

    /// What was written, cut off after forty characters.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Reads a decimal with at most `scale` digits after the point as an integer of that scale.
pub fn parse_decimal(text: &str, scale: u8) -> Result<i64, NotANumber> {
    let wrong = |why| NotANumber::new(text, why);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || digits.ends_with('.') {
        return Err(wrong(NoNumber::Shape));
    }
    if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return Err(wrong(NoNumber::Shape));
    }
    if fraction.len() > usize::from(scale) {
        return Err(wrong(NoNumber::Digits(scale)));
    }
    let mut value: i64 = 0;
    let padding = std::iter::repeat_n(b'0', usize::from(scale) - fraction.len());
    for digit in whole.bytes().chain(fraction.bytes()).chain(padding) {
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(i64::from(digit - b'0')))
            .ok_or_else(|| wrong(NoNumber::TooLarge))?;
    }
    Ok(if negative { -value } else { value })
}

/// Writes an integer of a scale as a decimal with exactly `scale` digits after the point.
pub fn format_decimal(value: i64, scale: u8) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = value.unsigned_abs().to_string();
    let scale = usize::from(scale);
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

/// Drops zeros that say nothing from the end of a decimal: `"2.50"` → `"2.5"`, `"2.00"` → `"2"`.
pub fn trim_decimal(text: &str) -> String {
    if !text.contains('.') {
        return text.to_owned();
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Divides and rounds half away from zero (commercial rounding, DIN 1333). The divisor is positive.
pub fn div_half_up(numerator: i128, divisor: i128) -> i64 {
    debug_assert!(divisor > 0);
    let half = divisor / 2;
    let rounded =
        if numerator >= 0 { (numerator + half) / divisor } else { -((-numerator + half) / divisor) };
    rounded.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// Splits a total over weights by largest remainder, so that the parts sum to the whole.
///
/// Weights are not negative. Of equal remainders the earlier part gets the unit. With all weights zero the
/// whole goes to the first part; with no parts there is nothing to give to.
pub fn split(total: i64, weights: &[i64]) -> Vec<i64> {
    let sum: i128 = weights.iter().map(|&weight| i128::from(weight.max(0))).sum();
    let mut parts = vec![0; weights.len()];
    if weights.is_empty() {
        return parts;
    }
    if sum == 0 {
        parts[0] = total;
        return parts;
    }
    let magnitude = i128::from(total.unsigned_abs());
    let sign = total.signum();
    let mut given: i128 = 0;
    let mut remainders: Vec<(i128, usize)> = Vec::with_capacity(weights.len());
    for (index, &weight) in weights.iter().enumerate() {
        let exact = magnitude * i128::from(weight.max(0));
        let part = exact / sum;
        parts[index] = sign * part as i64;
        given += part;
        remainders.push((exact % sum, index));
    }
    remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let left_over = (magnitude - given) as usize;
    for &(_, index) in remainders.iter().take(left_over) {
        parts[index] += sign;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_largest_amount_is_taken_and_nothing_beyond_it() {
        assert_eq!(Money::parse("10000000000.00"), Ok(Money(Money::MAX)));
        assert_eq!(Money::parse("-10000000000.00"), Ok(Money(-Money::MAX)));
        assert!(Money::parse("10000000000.01").is_err() && Money::parse("-10000000000.01").is_err());
    }

    #[test]
    fn the_largest_quantity_is_taken_and_nothing_beyond_it() {
        assert_eq!(Quantity::pieces(3), Quantity(3000));
        assert_eq!(Quantity::parse("1000000"), Ok(Quantity(Quantity::MAX)));
        assert!(Quantity::parse("1000000.001").is_err());
    }

    #[test]
    fn a_rate_lies_between_nothing_and_all() {
        assert_eq!(Rate::parse_percent("7.5"), Ok(Rate(750)));
        assert_eq!(Rate::parse_percent("100"), Ok(Rate::WHOLE));
        assert!(Rate::parse_percent("100.01").is_err() && Rate::parse_percent("-1").is_err());
    }

    #[test]
    fn amounts_are_added_and_taken_off() {
        let mut sum = Money(500) + Money(20);
        assert_eq!(sum, Money(520));
        sum += Money(3);
        sum -= Money(23);
        assert_eq!((sum, sum - Money(600), -sum), (Money(500), Money(-100), Money(-500)));
    }

    #[test]
    fn decimals_are_read_and_written() {
        for (text, scale, value) in [
            ("2.40", 2, 240),
            ("2", 2, 200),
            ("-0.05", 2, -5),
            ("0.350", 3, 350),
            ("7", 0, 7),
            ("16.5", 1, 165),
        ] {
            assert_eq!(parse_decimal(text, scale).unwrap(), value, "{text}");
        }
        for text in ["", "-", ".5", "5.", "1.234", "1,5", "1e3", "+1", " 1", "99999999999999999999"] {
            assert!(Money::parse(text).is_err(), "{text}");
        }
        assert_eq!(format_decimal(-5, 2), "-0.05");
        assert_eq!(Quantity(2500).to_string(), "2.5");
        assert_eq!(Rate(1900).to_string(), "19");
    }

    #[test]
    fn halves_round_away_from_zero() {
        for (numerator, divisor, rounded) in [(5, 10, 1), (4, 10, 0), (-5, 10, -1), (-4, 10, 0), (15, 10, 2)]
        {
            assert_eq!(div_half_up(numerator, divisor), rounded);
        }
        assert_eq!(Money(1190).tax_inside(Rate(1900)), Money(190));
    }

    #[test]
    fn a_discount_is_split_to_the_cent() {
        // SCENARIOS 2: 5.00 off over 110.00 and 100.00.
        assert_eq!(split(500, &[11_000, 10_000]), [262, 238]);
        assert_eq!(split(10, &[1, 1, 1]), [4, 3, 3]);
        assert_eq!(split(-10, &[1, 1, 1]), [-4, -3, -3]);
        assert_eq!(split(7, &[0, 0]), [7, 0]);
        assert!(split(7, &[]).is_empty());
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_whole(total in -1_000_000_i64..1_000_000, weights in prop::collection::vec(0_i64..1_000_000, 1..12)) {
            prop_assert_eq!(split(total, &weights).iter().sum::<i64>(), total);
        }

        #[test]
        fn decimals_survive_their_text(value in -1_000_000_000_i64..1_000_000_000, scale in 0_u8..6) {
            prop_assert_eq!(parse_decimal(&format_decimal(value, scale), scale).unwrap(), value);
        }
    }
}
