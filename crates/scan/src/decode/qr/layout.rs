//! Where everything stands in a QR code of a version: finder, timing and alignment patterns, and the order of the data.

use rxing::qrcode::common::Version;

/// One module whose colour is known beforehand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Known {
    /// Column, from 0.
    pub(super) column: u16,
    /// Row, from 0.
    pub(super) row: u16,
    /// 1 for black, -1 for white.
    pub(super) sign: f32,
}

/// What is fixed in all codes of one version.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) version: usize,
    /// Modules along one side.
    pub(super) side: usize,
    /// Finder patterns with their separators, timing patterns and alignment patterns.
    pub(super) known: Vec<Known>,
    /// The middle modules of the alignment patterns, as (column, row).
    pub(super) alignments: Vec<(usize, usize)>,
    /// For each module, whether it is data.
    pub(super) is_data: Vec<bool>,
    /// The modules of the data bits in their order, as places in a grid of `side * side`.
    pub(super) order: Vec<u16>,
}

/// Modules along the side of a version.
pub(super) fn side_of(version: usize) -> usize {
    17 + 4 * version
}

impl Layout {
    /// Lays a version out; `None` for a number that is none.
    pub(super) fn new(version: usize) -> Option<Self> {
        let table = Version::getVersionForNumber(u32::try_from(version).ok()?).ok()?;
        let side = side_of(version);
        let mut layout = Self {
            version,
            side,
            known: Vec::new(),
            alignments: Vec::new(),
            is_data: vec![true; side * side],
            order: Vec::new(),
        };
        for (left, top) in [(0, 0), (side - 7, 0), (0, side - 7)] {
            layout.add_finder(left, top);
        }
        let centres: Vec<usize> = table.getAlignmentPatternCenters().iter().map(|&at| at as usize).collect();
        // Three of the crossings of their lines belong to the finder patterns.
        let (low, high) = (6, side - 7);
        let near_finder =
            |column: usize, row: usize| [(low, low), (low, high), (high, low)].contains(&(column, row));
        for &row in &centres {
            for &column in centres.iter().filter(|&&column| !near_finder(column, row)) {
                layout.add_alignment(column, row);
            }
        }
        for at in 8..side - 8 {
            let sign = if at % 2 == 0 { 1.0 } else { -1.0 };
            layout.add_known(at, 6, sign);
            layout.add_known(6, at, sign);
        }
        layout.reserve_information();
        layout.order = layout.data_order();
        Some(layout)
    }

    fn add_known(&mut self, column: usize, row: usize, sign: f32) {
        let at = row * self.side + column;
        if self.is_data[at] {
            self.is_data[at] = false;
            self.known.push(Known { column: column as u16, row: row as u16, sign });
        }
    }

    /// Adds a finder pattern with the white separator that lies inside the code.
    fn add_finder(&mut self, left: usize, top: usize) {
        for row in top.saturating_sub(1)..(top + 8).min(self.side) {
            for column in left.saturating_sub(1)..(left + 8).min(self.side) {
                let ring = (row as i32 - top as i32 - 3).abs().max((column as i32 - left as i32 - 3).abs());
                let black = ring <= 1 || ring == 3;
                self.add_known(column, row, if black { 1.0 } else { -1.0 });
            }
        }
    }

    fn add_alignment(&mut self, column: usize, row: usize) {
        self.alignments.push((column, row));
        for y in row - 2..=row + 2 {
            for x in column - 2..=column + 2 {
                let ring = y.abs_diff(row).max(x.abs_diff(column));
                self.add_known(x, y, if ring == 1 { -1.0 } else { 1.0 });
            }
        }
    }

    /// Takes the modules of the format and version information out of the data.
    fn reserve_information(&mut self) {
        let side = self.side;
        for at in 0..9 {
            self.is_data[8 * side + at] = false;
            self.is_data[at * side + 8] = false;
        }
        for at in side - 8..side {
            self.is_data[8 * side + at] = false;
            self.is_data[at * side + 8] = false;
        }
        if self.version >= 7 {
            for long in 0..6 {
                for short in side - 11..side - 8 {
                    self.is_data[long * side + short] = false;
                    self.is_data[short * side + long] = false;
                }
            }
        }
    }

    /// Walks the data in pairs of columns from the right, up and down in turn, leaving out the column of the timing.
    fn data_order(&self) -> Vec<u16> {
        let side = self.side;
        let mut order = Vec::with_capacity(side * side);
        let mut upwards = true;
        let pairs = (0..side / 2).map(|pair| side - 1 - 2 * pair);
        for right in pairs.map(|right| if right <= 6 { right - 1 } else { right }) {
            for step in 0..side {
                let row = if upwards { side - 1 - step } else { step };
                for column in [right, right - 1] {
                    let at = row * side + column;
                    if self.is_data[at] {
                        order.push(at as u16);
                    }
                }
            }
            upwards = !upwards;
        }
        order
    }
}

/// Tells whether a mask turns the module over.
pub(super) fn is_masked(mask: u8, column: usize, row: usize) -> bool {
    let (i, j) = (row, column);
    match mask {
        0 => (i + j).is_multiple_of(2),
        1 => i.is_multiple_of(2),
        2 => j.is_multiple_of(3),
        3 => (i + j).is_multiple_of(3),
        4 => (i / 2 + j / 3).is_multiple_of(2),
        5 => (i * j) % 2 + (i * j) % 3 == 0,
        6 => ((i * j) % 2 + (i * j) % 3).is_multiple_of(2),
        _ => ((i + j) % 2 + (i * j) % 3).is_multiple_of(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_room_for_its_codewords() {
        for version in 1..=40 {
            let layout = Layout::new(version).unwrap();
            let table = Version::getVersionForNumber(version as u32).unwrap();
            let bits = layout.order.len();
            assert_eq!(bits / 8, table.getTotalCodewords() as usize, "version {version}");
            assert!(bits % 8 <= 7 && layout.order.iter().all(|&at| layout.is_data[usize::from(at)]));
        }
        assert!(Layout::new(0).is_none() && Layout::new(41).is_none());
    }
}
