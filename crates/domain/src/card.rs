//! A card's id and the number that people type or read aloud.
//!
//! The number is the first five bytes of the card's id in base 32 (eight characters) and two check
//! characters: whoever issues cards makes these five bytes unique within the tenant. So a number is known
//! from the card alone, and says nothing that would help to forge one.

use std::fmt;
use std::str::FromStr;

use crate::ids::NotAnId;

/// Names one card within a tenant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CardId(pub [u8; 8]);

impl CardId {
    /// The number that people type for this card.
    pub fn number(&self) -> CardNumber {
        let mut data = [0; 5];
        data.copy_from_slice(&self.0[..5]);
        CardNumber(data)
    }

    /// Takes an id from its raw bytes, if there are eight.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for CardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for CardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CardId({self})")
    }
}

impl FromStr for CardId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok();
        bytes
            .and_then(|bytes| Self::from_slice(&bytes))
            .ok_or_else(|| NotAnId::new(text, "a card's id (16 hexadecimal digits)"))
    }
}

serde_as_text!(CardId);

/// The digits of Crockford's base 32: no I, L, O or U to be mistaken.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// The largest prime below 32². Being prime and larger than the base, it catches every single wrong
/// character and every swap of two neighbours.
const CHECK_MODULUS: u32 = 1021;
/// Characters of a number: eight of data, two of check.
const NUMBER_LEN: usize = 10;

/// The number of a card: ten characters with check digits, written as `K7Q2M-9XVT4`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CardNumber(pub [u8; 5]);

impl CardNumber {
    fn digits(self) -> [u8; 8] {
        let mut bytes = [0; 8];
        bytes[3..].copy_from_slice(&self.0);
        let bits = u64::from_be_bytes(bytes);
        std::array::from_fn(|index| (bits >> (35 - 5 * index) & 31) as u8)
    }

    fn check(digits: &[u8; 8]) -> u32 {
        // Data and check read as one number in base 32 leave the remainder 1.
        let data = digits.iter().fold(0, |sum, &digit| (sum * 32 + u32::from(digit)) % CHECK_MODULUS);
        (1 + CHECK_MODULUS - data * 1024 % CHECK_MODULUS) % CHECK_MODULUS
    }
}

impl fmt::Display for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.digits();
        let check = Self::check(&digits);
        let tail = [(check / 32) as u8, (check % 32) as u8];
        for (index, digit) in digits.iter().chain(&tail).enumerate() {
            if index == 5 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(DIGITS[usize::from(*digit)]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CardNumber({self})")
    }
}

impl FromStr for CardNumber {
    type Err = NotAnId;

    /// Takes spaces, dashes, lower case and the look-alikes O, I, L as people type them.
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let wrong = || NotAnId::new(text, "a card's number (ten characters; please check what was typed)");
        let mut digits = [0_u8; NUMBER_LEN];
        let mut count = 0;
        for c in text.chars() {
            let c = match c.to_ascii_uppercase() {
                ' ' | '-' => continue,
                'O' => '0',
                'I' | 'L' => '1',
                c => c,
            };
            let digit = DIGITS.iter().position(|&d| char::from(d) == c).ok_or_else(wrong)?;
            *digits.get_mut(count).ok_or_else(wrong)? = digit as u8;
            count += 1;
        }
        if count != NUMBER_LEN {
            return Err(wrong());
        }
        let mut data = [0; 8];
        data.copy_from_slice(&digits[..8]);
        if Self::check(&data) != u32::from(digits[8]) * 32 + u32::from(digits[9]) {
            return Err(wrong());
        }
        let bits = data.iter().fold(0_u64, |bits, &digit| bits * 32 + u64::from(digit));
        let mut bytes = [0; 5];
        bytes.copy_from_slice(&bits.to_be_bytes()[3..]);
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_read_as_people_type_them() {
        let number = CardId([0x12, 0x34, 0x56, 0x78, 0x9a, 1, 2, 3]).number();
        let text = number.to_string();
        assert_eq!(text.len(), 11);
        for typed in [text.clone(), text.to_lowercase(), text.replace('-', ""), text.replace('-', " - ")] {
            assert_eq!(typed.parse::<CardNumber>().unwrap(), number, "{typed}");
        }
        for typed in ["", "12345", "K7Q2M-9XVT", "ÄÖÜßÄÖÜßÄÖ", "00000000000000"] {
            assert!(typed.parse::<CardNumber>().is_err(), "{typed}");
        }
    }

    proptest! {
        #[test]
        fn a_wrong_or_swapped_character_is_noticed(data: [u8; 5], place in 0_usize..10, other in 0_usize..32) {
            let number = CardNumber(data);
            let good: Vec<u8> = number.to_string().replace('-', "").into_bytes();
            prop_assert_eq!(String::from_utf8(good.clone()).unwrap().parse::<CardNumber>().unwrap(), number);
            let mut wrong = good.clone();
            wrong[place] = DIGITS[other];
            if wrong != good {
                prop_assert!(String::from_utf8(wrong).unwrap().parse::<CardNumber>().is_err());
            }
            let mut swapped = good.clone();
            swapped.swap(place, (place + 1) % 10);
            if swapped != good && place < 9 {
                prop_assert!(String::from_utf8(swapped).unwrap().parse::<CardNumber>().is_err());
            }
        }
    }
}
