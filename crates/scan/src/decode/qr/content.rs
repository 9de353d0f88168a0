//! What the data of a code says beside its text: how many characters it holds, and whether it ends as the standard
//! wants.
//!
//! Behind the text a code is filled up with two bytes in turn. Data that chance made, or that a repair turned into
//! something else, does not know that: what follows its text is anything.

/// The bytes behind the end of the text, in turn (ISO/IEC 18004, 7.4.10).
const FILLERS: [u8; 2] = [0xec, 0x11];

/// How the data of a code is made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Content {
    /// Characters of the text; marks before it do not count.
    pub(super) characters: usize,
    /// What follows the text is what the standard wants.
    pub(super) is_filled: bool,
    /// So many bits follow the text.
    pub(super) filler_bits: usize,
}

/// Walks through the segments of the data; `None` for data with no such segments.
pub(super) fn content_of(data: &[u8], version: usize) -> Option<Content> {
    let mut bits = Bits { data, at: 0 };
    let class = usize::from(version > 9) + usize::from(version > 26);
    let mut characters = 0;
    while bits.left() >= 4 {
        let (count_bits, whole, per_whole, rest) = match bits.take(4)? {
            0 => break,
            // Numbers: three digits in ten bits, two in seven, one in four.
            1 => ([10, 12, 14][class], 3, 10, [0, 4, 7]),
            2 => ([9, 11, 13][class], 2, 11, [0, 6, 0]),
            4 => ([8, 16, 16][class], 1, 8, [0; 3]),
            8 => ([8, 10, 12][class], 1, 13, [0; 3]),
            13 => {
                bits.skip(4)?;
                ([8, 10, 12][class], 1, 13, [0; 3])
            }
            mark @ (3 | 5 | 7 | 9) => {
                bits.skip_mark(mark)?;
                continue;
            }
            _ => return None,
        };
        let count = bits.take(count_bits)?;
        bits.skip(count / whole * per_whole + rest[count % whole])?;
        characters += count;
    }
    let filler_bits = bits.left();
    Some(Content { characters, is_filled: bits.are_fillers(), filler_bits })
}

/// Bits from the highest of the first byte on.
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn left(&self) -> usize {
        (self.data.len() * 8).saturating_sub(self.at)
    }

    fn take(&mut self, count: usize) -> Option<usize> {
        let start = self.at;
        self.skip(count)?;
        Some(
            (start..self.at).fold(0, |sum, at| sum << 1 | usize::from(self.data[at / 8] >> (7 - at % 8) & 1)),
        )
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count).filter(|&at| at <= self.data.len() * 8)?;
        Some(())
    }

    /// Passes over a mark that stands before text: part of a series, GS1, an application's number, an alphabet.
    fn skip_mark(&mut self, mark: usize) -> Option<()> {
        match mark {
            3 => self.skip(16),
            9 => self.skip(8),
            7 if self.take(1)? == 0 => self.skip(7),
            7 if self.take(1)? == 0 => self.skip(14),
            7 => self.skip(22),
            _ => Some(()),
        }
    }

    /// Tells whether nothing but zeros up to the next byte and the two bytes in turn follow.
    fn are_fillers(mut self) -> bool {
        let to_byte = self.at.next_multiple_of(8) - self.at;
        if self.take(to_byte.min(self.left())) != Some(0) {
            return false;
        }
        self.data[self.at / 8..].iter().zip(FILLERS.iter().cycle()).all(|(byte, filler)| byte == filler)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(text: &str, bytes: usize, version: usize) -> Option<Content> {
        let bits: String = text.chars().filter(|bit| !bit.is_whitespace()).collect();
        let mut data: Vec<u8> = bits
            .as_bytes()
            .chunks(8)
            .map(|byte| (0..8).fold(0, |sum, at| sum << 1 | u8::from(byte.get(at) == Some(&b'1'))))
            .collect();
        let fillers = bytes.saturating_sub(data.len());
        data.extend(FILLERS.iter().cycle().take(fillers));
        content_of(&data, version)
    }

    #[test]
    fn text_and_fillers_are_told_apart() {
        // Five digits, then four letters in bytes.
        let numbers = "0001 0000000101 0001111011 0101101 0000";
        let letters = "0100 00000100 01000001 01000010 01000011 01000100 0000";
        let table = [
            (numbers, Some(Content { characters: 5, is_filled: true, filler_bits: 117 })),
            (letters, Some(Content { characters: 4, is_filled: true, filler_bits: 104 })),
            // An application's number and the end: nothing that anybody wrote.
            ("1001 00000011 0000", Some(Content { characters: 0, is_filled: true, filler_bits: 136 })),
            // Longer than the data.
            ("0100 11111111 0100", None),
            // There is no such segment.
            ("0110 0000", None),
        ];
        for (bits, expected) in table {
            assert_eq!(content(bits, 19, 1), expected, "{bits}");
        }
    }

    #[test]
    fn anything_else_behind_the_text_is_noticed() {
        let mut data = vec![0x40, 0x14, 0x10, 0xec, 0x11, 0xec];
        let filled = |data: &[u8]| content_of(data, 1).map(|content| content.is_filled);
        assert_eq!(filled(&data), Some(true));
        data[5] = 0xed;
        assert_eq!(filled(&data), Some(false));
        assert_eq!(filled(&[0x40, 0x14, 0x10, 0x11, 0xec]), Some(false));
        // The data ends with the text.
        assert_eq!(filled(&[0x40, 0x14, 0x10]), Some(true));
    }
}
