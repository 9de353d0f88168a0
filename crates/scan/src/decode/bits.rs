//! A picture in black and white, one bit for each pixel.

const WORD: usize = 64;

/// Black pixels are set bits; the first pixel of a row is the lowest bit of its first word.
#[derive(Debug, Clone, Default)]
pub(crate) struct BitPlane {
    width: usize,
    height: usize,
    words_per_row: usize,
    words: Vec<u64>,
}

impl BitPlane {
    /// Takes another size and forgets the pixels.
    pub(crate) fn start(&mut self, width: usize, height: usize) {
        (self.width, self.height) = (width, height);
        self.words_per_row = width.div_ceil(WORD);
        self.words.clear();
        self.words.resize(self.words_per_row * height, 0);
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn height(&self) -> usize {
        self.height
    }

    /// Gives the words of a row to be written. Bits behind the width must stay 0.
    pub(crate) fn row_mut(&mut self, y: usize) -> &mut [u64] {
        &mut self.words[y * self.words_per_row..(y + 1) * self.words_per_row]
    }

    /// Tells whether a pixel is black; the place must lie inside.
    #[inline]
    pub(crate) fn get(&self, x: usize, y: usize) -> bool {
        self.words[y * self.words_per_row + x / WORD] >> (x % WORD) & 1 == 1
    }

    /// Writes the places where the colour changes along a row, with 0 and the width at its ends.
    pub(crate) fn edges_of_row(&self, y: usize, edges: &mut Vec<u16>) {
        edges.clear();
        edges.push(0);
        let row = &self.words[y * self.words_per_row..(y + 1) * self.words_per_row];
        let mut before = row.first().map_or(0, |word| word & 1);
        for (index, &word) in row.iter().enumerate() {
            let mut changes = word ^ (word << 1 | before);
            before = word >> (WORD - 1);
            while changes != 0 {
                let at = index * WORD + changes.trailing_zeros() as usize;
                changes &= changes - 1;
                if at < self.width {
                    edges.push(at as u16);
                }
            }
        }
        edges.push(self.width.min(usize::from(u16::MAX)) as u16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_found_across_words() {
        let mut plane = BitPlane::default();
        plane.start(130, 2);
        plane.row_mut(1)[0] = u64::MAX << 60;
        plane.row_mut(1)[1] = 0b111;
        let mut edges = Vec::new();
        plane.edges_of_row(0, &mut edges);
        assert_eq!(edges, [0, 130]);
        plane.edges_of_row(1, &mut edges);
        assert_eq!(edges, [0, 60, 67, 130]);
        assert!(plane.get(66, 1) && !plane.get(67, 1));
    }
}
