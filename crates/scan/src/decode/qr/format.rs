//! The format information: 15 bits, twice, of which five say the level of correction and the mask.

use rxing::qrcode::common::ErrorCorrectionLevel;

/// The generator of the BCH(15, 5) code (ISO/IEC 18004, 7.9).
const GENERATOR: u16 = 0b101_0011_0111;
/// What is laid over the bits so that they are never all white.
const MASK: u16 = 0b101_0100_0001_0010;
/// Bits of one copy.
const BITS: usize = 15;

/// Level and mask, with how well they fit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Format {
    pub(super) level: ErrorCorrectionLevel,
    pub(super) mask: u8,
    /// The code is seen in a mirror: rows and columns have changed places.
    pub(super) mirrored: bool,
    /// From -1 to 1: the share of the bits' weight that agrees, less the share that does not.
    pub(super) fit: f32,
}

/// The places of one copy's bits as (column, row), highest bit first.
fn places(side: usize) -> [[(usize, usize); BITS]; 2] {
    let mut first = [(0, 0); BITS];
    let mut second = [(0, 0); BITS];
    for (at, place) in first.iter_mut().enumerate() {
        *place = match at {
            0..=5 => (at, 8),
            6 => (7, 8),
            7 => (8, 8),
            8 => (8, 7),
            _ => (8, 14 - at),
        };
    }
    for (at, place) in second.iter_mut().enumerate() {
        *place = if at < 7 { (8, side - 1 - at) } else { (side - 15 + at, 8) };
    }
    [first, second]
}

/// Gives the 15 bits of a level and mask.
fn word(level_bits: u16, mask: u16) -> u16 {
    let data = level_bits << 3 | mask;
    let mut rest = data << 10;
    for bit in (10..BITS as u16).rev() {
        if rest >> bit & 1 == 1 {
            rest ^= GENERATOR << (bit - 10);
        }
    }
    (data << 10 | rest) ^ MASK
}

/// Gives the formats that fit the modules best, best first; `soft` is positive for black, row by row.
pub(super) fn best_formats(soft: &[f32], side: usize) -> [Option<Format>; 3] {
    let mut best: [Option<Format>; 3] = [None; 3];
    for mirrored in [false, true] {
        let mut bits = [0.0_f32; BITS];
        let mut weight = 1e-6;
        for copy in places(side) {
            for (bit, (column, row)) in bits.iter_mut().zip(copy) {
                let at = if mirrored { column * side + row } else { row * side + column };
                *bit += soft[at];
                weight += soft[at].abs();
            }
        }
        for level_bits in 0..4_u16 {
            let Ok(level) = ErrorCorrectionLevel::forBits(level_bits as u8) else { continue };
            for mask in 0..8_u16 {
                let word = word(level_bits, mask);
                let agree: f32 = bits
                    .iter()
                    .enumerate()
                    .map(|(at, bit)| if word >> (BITS - 1 - at) & 1 == 1 { *bit } else { -*bit })
                    .sum();
                let format = Format { level, mask: mask as u8, mirrored, fit: agree / weight };
                insert(&mut best, format);
            }
        }
    }
    best
}

fn insert(best: &mut [Option<Format>; 3], format: Format) {
    let better = |old: &Option<Format>| old.is_none_or(|old| format.fit > old.fit);
    if let Some(at) = best.iter().position(better) {
        best[at..].rotate_right(1);
        best[at] = Some(format);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Writes both copies of a format into a grid, quite sure.
    pub(in super::super) fn write_format(soft: &mut [f32], side: usize, level_bits: u16, mask: u16) {
        for copy in places(side) {
            for (at, (column, row)) in copy.into_iter().enumerate() {
                let black = word(level_bits, mask) >> (BITS - 1 - at) & 1 == 1;
                soft[row * side + column] = if black { 6.0 } else { -6.0 };
            }
        }
    }

    #[test]
    fn the_word_of_the_standard_is_found_again() {
        // ISO/IEC 18004, the example of 7.9: level M, mask 5.
        assert_eq!(word(0b00, 0b101), 0b100_0000_1100_1110);
    }

    #[test]
    fn a_damaged_format_is_read_and_a_mirror_is_seen() {
        let side = 37;
        for mirrored in [false, true] {
            let mut soft = vec![0.0; side * side];
            for copy in places(side) {
                for (at, (column, row)) in copy.into_iter().enumerate() {
                    let place = if mirrored { column * side + row } else { row * side + column };
                    soft[place] = if word(1, 6) >> (14 - at) & 1 == 1 { 1.0 } else { -1.0 };
                }
            }
            for place in [8 * side, 8 * side + 2, 3 * side + 8, side + 8] {
                soft[place] = -soft[place];
            }
            let best = best_formats(&soft, side)[0].unwrap();
            assert_eq!((best.level, best.mask, best.mirrored), (ErrorCorrectionLevel::L, 6, mirrored));
        }
    }
}
