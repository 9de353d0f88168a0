//! From soft modules to the text: format, order of the bits, blocks, error correction, text.
//!
//! A soft module is positive for black and negative for white; the further from zero, the surer (a logarithm of odds).
//! Codewords with doubtful bits are given to the correction as erasures, first none, then ever more. What the
//! correction had to turn over against sure modules decides whether its answer is believed. A text is believed when all
//! its blocks together, and the fillers behind it, are more than chance gives to a till that looks at a busy counter for
//! years.

use rxing::qrcode::common::{ErrorCorrectionLevel, Version};
use rxing::qrcode::cpp_port::decoder::DecodeBitStream;

use super::super::stages::Rule;
use super::content::content_of;
use super::format::{Format, best_formats};
use super::layout::{Layout, is_masked};
use super::reed_solomon::Corrector;

/// A format that fits worse is none.
const FORMAT_FIT_MIN: f32 = 0.30;
/// A repair that chance gives once in two to the power of so many is believed.
const EVIDENCE_BITS_ENOUGH: f32 = 26.0;
/// With no evidence at all, a repair may turn over this share of the block's weight.
const TURNED_MAX_UNPROVEN: f32 = 0.045;
/// With nearly enough evidence, this share.
const TURNED_MAX_NEARLY: f32 = 0.14;
/// No repair may turn over more.
const TURNED_MAX: f32 = 0.25;
/// Check bytes that erasures never use up.
const CHECKS_KEPT: usize = 2;
/// A text is believed whose repairs and fillers chance gives once in two to the power of so many.
const TEXT_EVIDENCE_BITS_MIN: f32 = 28.0;
/// Some programs fill codes up in ways of their own: then the repairs alone must say so much.
const UNFILLED_EVIDENCE_BITS_MIN: f32 = 60.0;

/// What a decoding gave.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// All blocks were repaired and their text is valid.
    Text(String),
    /// So many blocks were repaired, not all.
    Blocks(usize),
}

/// Scratch memory of the decoding.
#[derive(Debug, Clone, Default)]
pub(super) struct SymbolDecoder {
    corrector: Corrector,
    blocks: Vec<Block>,
    bits: Vec<f32>,
    block: Vec<u8>,
    repaired: Vec<u8>,
    places: Vec<u16>,
    doubts: Vec<f32>,
    worst: Vec<u8>,
    data: Vec<u8>,
    /// What was written as proven, and what stood there before.
    told: Vec<(u16, f32)>,
    /// Modules are black or white and nothing is known of their doubts.
    hard: bool,
}

/// One block: where its codewords stand in the stream.
#[derive(Debug, Clone)]
struct Block {
    data_len: usize,
    checks: usize,
}

impl SymbolDecoder {
    /// Decodes a grid of soft modules, row by row; a text that `good` accepts needs no other proof of each block. Into
    /// `known` goes 1 or -1 for each module whose colour the repair of a block proved; other places keep what they have.
    pub(super) fn decode(
        &mut self,
        layout: &Layout,
        soft: &[f32],
        known: &mut [f32],
        good: Rule<'_>,
    ) -> Outcome {
        let formats = best_formats(soft, layout.side);
        let best_fit = formats[0].map_or(0.0, |format| format.fit);
        let mut most = 0;
        for format in formats.into_iter().flatten() {
            if format.fit < FORMAT_FIT_MIN || format.fit < 0.6 * best_fit {
                break;
            }
            match self.decode_as(layout, soft, format, known, good) {
                text @ Outcome::Text(_) => return text,
                Outcome::Blocks(count) => most = most.max(count),
            }
            if most > 0 {
                break;
            }
        }
        Outcome::Blocks(most)
    }

    /// Decodes a grid of which it is known only which modules are black: 1 for black, -1 for white.
    pub(super) fn decode_hard(
        &mut self,
        layout: &Layout,
        modules: &[f32],
        known: &mut [f32],
        good: Rule<'_>,
    ) -> Option<String> {
        self.hard = true;
        let outcome = self.decode(layout, modules, known, good);
        self.hard = false;
        match outcome {
            Outcome::Text(text) => Some(text),
            Outcome::Blocks(_) => None,
        }
    }

    fn decode_as(
        &mut self,
        layout: &Layout,
        soft: &[f32],
        format: Format,
        known: &mut [f32],
        good: Rule<'_>,
    ) -> Outcome {
        let Some(table) =
            u32::try_from(layout.version).ok().and_then(|v| Version::getVersionForNumber(v).ok())
        else {
            return Outcome::Blocks(0);
        };
        self.take_bits(layout, soft, format);
        let mut blocks = std::mem::take(&mut self.blocks);
        blocks_of(table, format.level, &mut blocks);
        self.data.clear();
        let (mut repaired_blocks, mut proven_blocks) = (0, 0);
        let mut evidence = 0.0;
        self.told.clear();
        for index in 0..blocks.len() {
            self.gather(&blocks, index);
            if let Some(bits) = self.repair(blocks[index].checks) {
                self.data.extend_from_slice(&self.repaired[..blocks[index].data_len]);
                repaired_blocks += 1;
                // What was proven before has had its part in how this block looks now.
                let again = self.was_known(layout, format, known);
                evidence += if again { bits.min(EVIDENCE_BITS_ENOUGH) } else { bits };
                if bits >= EVIDENCE_BITS_ENOUGH {
                    proven_blocks += 1;
                    self.tell_known(layout, format, known);
                }
            }
        }
        let block_count = blocks.len();
        self.blocks = blocks;
        if repaired_blocks < block_count {
            return Outcome::Blocks(repaired_blocks);
        }
        let believed = is_believed(&self.data, layout.version, evidence);
        if let Some(text) = believed.then(|| text_of(&self.data, table, format.level)).flatten() {
            // The code is real; but what one block or the fillers prove says nothing of how another was repaired.
            return if proven_blocks == block_count || good(&text) {
                Outcome::Text(text)
            } else {
                Outcome::Blocks(proven_blocks)
            };
        }
        // Nobody wrote this: what it would have proven must not help the next try to come to the same.
        for &(at, before) in &self.told {
            known[usize::from(at)] = before;
        }
        Outcome::Blocks(0)
    }

    /// Takes the data bits in their order, unmasked.
    fn take_bits(&mut self, layout: &Layout, soft: &[f32], format: Format) {
        let side = layout.side;
        self.bits.clear();
        self.bits.extend(layout.order.iter().map(|&at| {
            let (row, column) = (usize::from(at) / side, usize::from(at) % side);
            let value = soft[if format.mirrored { column * side + row } else { usize::from(at) }];
            if is_masked(format.mask, column, row) { -value } else { value }
        }));
    }

    /// Collects one block's codewords out of the interleaved stream, with their places and doubts.
    fn gather(&mut self, blocks: &[Block], index: usize) {
        let data_longest = blocks.iter().map(|block| block.data_len).max().unwrap_or(0);
        let data_total: usize = blocks.iter().map(|block| block.data_len).sum();
        self.places.clear();
        let mut before = 0;
        for round in 0..data_longest {
            let in_round = blocks.iter().filter(|block| block.data_len > round).count();
            if blocks[index].data_len > round {
                let rank = blocks[..index].iter().filter(|block| block.data_len > round).count();
                self.places.push((before + rank) as u16);
            }
            before += in_round;
        }
        let checks =
            (0..blocks[index].checks).map(|round| (data_total + round * blocks.len() + index) as u16);
        self.places.extend(checks);
        self.block.clear();
        self.doubts.clear();
        for &place in &self.places {
            let bits = self.bits.get(usize::from(place) * 8..usize::from(place) * 8 + 8).unwrap_or(&[0.0; 8]);
            self.block.push(bits.iter().fold(0, |byte, &bit| byte << 1 | u8::from(bit > 0.0)));
            self.doubts.push(bits.iter().map(|bit| (-bit.abs()).exp()).sum());
        }
    }

    /// Repairs the block; gives the evidence for the repair in bits, or `None` when no repair is to be believed.
    fn repair(&mut self, checks: usize) -> Option<f32> {
        self.worst.clear();
        self.worst.extend(0..self.block.len() as u8);
        let Self { worst, doubts, .. } = self;
        worst.sort_unstable_by(|&a, &b| {
            doubts[usize::from(b)].total_cmp(&doubts[usize::from(a)]).then(a.cmp(&b))
        });
        let weight: f32 = self
            .places
            .iter()
            .flat_map(|&place| self.bits.get(usize::from(place) * 8..usize::from(place) * 8 + 8))
            .flatten()
            .map(|bit| bit.abs())
            .sum();
        // Without doubts there is nothing to choose erasures by.
        let erasures_max = if self.hard { 0 } else { checks.saturating_sub(CHECKS_KEPT) };
        for erasures in (0..=erasures_max).step_by(2) {
            self.repaired.clone_from(&self.block);
            let erased = &self.worst[..erasures];
            if self.corrector.correct(&mut self.repaired, checks, erased).is_none() {
                continue;
            }
            let errors = (0..self.block.len() as u8)
                .filter(|place| {
                    self.block[usize::from(*place)] != self.repaired[usize::from(*place)]
                        && !erased.contains(place)
                })
                .count();
            let turned = self.turned();
            let evidence = evidence_bits(self.block.len(), checks, erasures, errors);
            let limit = if evidence >= EVIDENCE_BITS_ENOUGH {
                TURNED_MAX
            } else {
                let share = (evidence / EVIDENCE_BITS_ENOUGH).max(0.0);
                TURNED_MAX_UNPROVEN + share * (TURNED_MAX_NEARLY - TURNED_MAX_UNPROVEN)
            };
            if turned <= limit * weight {
                return Some(evidence.max(0.0));
            }
        }
        None
    }

    /// Sums the weight of the bits that the repair turned over.
    fn turned(&self) -> f32 {
        let mut turned = 0.0;
        for ((&place, &before), &after) in self.places.iter().zip(&self.block).zip(&self.repaired) {
            let changed = before ^ after;
            if changed != 0
                && let Some(bits) = self.bits.get(usize::from(place) * 8..usize::from(place) * 8 + 8)
            {
                turned += bits
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| changed >> (7 - at) & 1 == 1)
                    .map(|(_, bit)| bit.abs())
                    .sum::<f32>();
            }
        }
        turned
    }

    /// Gives the modules of the block in the picture, with the bit of the stream that each holds.
    fn modules_of_block<'a>(
        places: &'a [u16],
        layout: &'a Layout,
        format: Format,
    ) -> impl Iterator<Item = (usize, usize, usize)> + 'a {
        let side = layout.side;
        places.iter().enumerate().flat_map(move |(index, &place)| {
            (0..8).filter_map(move |bit| {
                let at = usize::from(*layout.order.get(usize::from(place) * 8 + bit)?);
                let (row, column) = (at / side, at % side);
                Some((index, bit, if format.mirrored { column * side + row } else { at }))
            })
        })
    }

    /// Tells whether the block was proven before.
    fn was_known(&self, layout: &Layout, format: Format, known: &[f32]) -> bool {
        Self::modules_of_block(&self.places, layout, format).all(|(_, _, at)| known[at] != 0.0)
    }

    /// Writes the colours that the repaired block has in the picture.
    fn tell_known(&mut self, layout: &Layout, format: Format, known: &mut [f32]) {
        let side = layout.side;
        let Self { places, repaired, told, .. } = self;
        for (index, bit, at) in Self::modules_of_block(places, layout, format) {
            let (row, column) = if format.mirrored { (at % side, at / side) } else { (at / side, at % side) };
            let black = (repaired[index] >> (7 - bit) & 1 == 1) != is_masked(format.mask, column, row);
            told.push((at as u16, known[at]));
            known[at] = if black { 1.0 } else { -1.0 };
        }
    }
}

/// Counts how many times two would have to be multiplied until chance gives such a repair: there are `256^(checks -
/// erasures)` sets of syndromes, and each way to place and fill the errors answers to one.
fn evidence_bits(length: usize, checks: usize, erasures: usize, errors: usize) -> f32 {
    let free = length - erasures.min(length);
    let ways: f32 =
        (0..errors).map(|at| (free.saturating_sub(at).max(1) as f32).log2() - ((at + 1) as f32).log2()).sum();
    8.0 * (checks as f32 - erasures as f32 - errors as f32) - ways
}

/// Tells whether somebody wrote this data: it holds characters, and what repaired it and what follows its text say more
/// than chance does.
fn is_believed(data: &[u8], version: usize, evidence: f32) -> bool {
    content_of(data, version).is_some_and(|content| {
        let with_fillers = evidence + content.filler_bits as f32;
        content.characters > 0
            && (content.is_filled && with_fillers >= TEXT_EVIDENCE_BITS_MIN
                || evidence >= UNFILLED_EVIDENCE_BITS_MIN)
    })
}

fn blocks_of(table: &Version, level: ErrorCorrectionLevel, blocks: &mut Vec<Block>) {
    let groups = table.getECBlocksForLevel(level);
    let checks = groups.getECCodewordsPerBlock() as usize;
    blocks.clear();
    blocks.extend(groups.getECBlocks().iter().flat_map(|group| {
        let data_len = group.getDataCodewords() as usize;
        (0..group.getCount()).map(move |_| Block { data_len, checks })
    }));
}

fn text_of(data: &[u8], table: &Version, level: ErrorCorrectionLevel) -> Option<String> {
    let decoded = DecodeBitStream(data, table, level).ok()?;
    if !decoded.isValid() {
        return None;
    }
    Some(decoded.text()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use qrcode::{Color, EcLevel, QrCode};

    use super::super::format::tests::write_format;
    use super::*;

    /// Counts the texts that chance makes out of grids with the right format, of which a part is in doubt as under a reflex.
    fn texts_of_chance(version: usize, grids: u64) -> Vec<String> {
        let layout = Layout::new(version).unwrap();
        let mut state = version as u64 * 7 + 1;
        let mut unit = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1_u64 << 24) as f32
        };
        let mut decoder = SymbolDecoder::default();
        let mut known = vec![0.0; layout.side * layout.side];
        let mut texts = Vec::new();
        for grid in 0..grids {
            let hidden = unit() * layout.side as f32;
            let mut soft: Vec<f32> = (0..layout.side * layout.side)
                .map(|at| {
                    let sure = if ((at / layout.side) as f32) < hidden { 0.02 } else { 9.0 * unit() };
                    if unit() < 0.5 { sure } else { -sure }
                })
                .collect();
            write_format(&mut soft, layout.side, (grid % 4) as u16, (grid / 4 % 8) as u16);
            known.fill(0.0);
            if let Outcome::Text(text) = decoder.decode(&layout, &soft, &mut known, &|_| false) {
                texts.push(text);
            }
        }
        texts
    }

    #[test]
    fn what_chance_makes_is_not_believed() {
        for version in [1, 2, 3, 5, 10] {
            assert_eq!(texts_of_chance(version, 2_000), Vec::<String>::new(), "version {version}");
        }
    }

    #[test]
    fn what_nobody_wrote_proves_nothing() {
        // A whole grid of version 1-M with an application's number and no text. Kept as proven, it would be the surer the
        // next time, and chance would need to come to a text only once.
        let layout = Layout::new(1).unwrap();
        let mut block = vec![0x90, 0x30];
        block.extend([0xec, 0x11].iter().cycle().take(14));
        block.resize(26, 0);
        let checks: Vec<u8> = (16..26).collect();
        let mut decoder = SymbolDecoder::default();
        decoder.corrector.correct(&mut block, 10, &checks).unwrap();
        let mut soft = vec![0.0; layout.side * layout.side];
        write_format(&mut soft, layout.side, 0, 0);
        for (index, &at) in layout.order.iter().enumerate() {
            let (row, column) = (usize::from(at) / layout.side, usize::from(at) % layout.side);
            let one = block[index / 8] >> (7 - index % 8) & 1 == 1;
            soft[usize::from(at)] = if one != is_masked(0, column, row) { 6.0 } else { -6.0 };
        }
        let mut known = vec![0.0; layout.side * layout.side];
        let format = best_formats(&soft, layout.side)[0].unwrap();
        assert_eq!(decoder.decode_as(&layout, &soft, format, &mut known, &|_| false), Outcome::Blocks(0));
        assert!(!decoder.told.is_empty(), "the block was repaired");
        assert!(known.iter().all(|&sign| sign == 0.0));
    }

    /// A code of one block with ten checks, of which so many codewords are hidden: they look like anything, hardly sure.
    fn half_hidden(text: &str, layout: &Layout, codewords: usize) -> Vec<f32> {
        let code = QrCode::with_version(text, qrcode::Version::Normal(2), EcLevel::L).unwrap();
        let mut soft: Vec<f32> =
            code.to_colors().iter().map(|color| if *color == Color::Dark { 6.0 } else { -6.0 }).collect();
        for &at in &layout.order[40..40 + 8 * codewords] {
            soft[usize::from(at)] *= -0.003;
        }
        soft
    }

    #[test]
    fn right_fillers_prove_nothing_of_what_is_hidden() {
        // With all checks but two used up for what is hidden, chance gives a repair soon enough. The fillers that are seen
        // say that this is a code, and nothing of its letters: twice a code of others was read with letters of chance so.
        let text = "ABCDEFGHIJKLMNOPQRSTABCDEFGHIJKLMNOPQRST";
        let layout = Layout::new(2).unwrap();
        let mut decoder = SymbolDecoder::default();
        let mut known = vec![0.0; layout.side * layout.side];
        let mut decode = |hidden: usize, good: Rule<'_>| {
            known.fill(0.0);
            decoder.decode(&layout, &half_hidden(text, &layout, hidden), &mut known, good)
        };
        let read = Outcome::Text(text.to_owned());
        assert_eq!(decode(4, &|_| false), read, "six checks are left as proof");
        assert_eq!(decode(8, &|_| false), Outcome::Blocks(0), "two are not enough");
        assert_eq!(decode(8, &|found| found == text), read, "unless somebody vouches for the text");
    }

    #[test]
    fn an_applications_number_alone_is_no_text() {
        // It was read once as “03” under a reflex that hid most of a code.
        let mut data = vec![0x90, 0x30];
        data.extend([0xec, 0x11].iter().cycle().take(60));
        assert!(!is_believed(&data, 4, 500.0));
        let written = [&[0x40, 0x14, 0x10][..], &[0xec, 0x11, 0xec, 0x11]].concat();
        assert!(is_believed(&written, 1, 20.0), "one letter, filled as the standard wants");
        assert!(!is_believed(&[0x40, 0x14, 0x10, 1, 2, 3, 4], 1, 20.0), "chance does not fill");
        assert!(
            is_believed(&[0x40, 0x14, 0x10, 0, 0, 0, 0], 1, 80.0),
            "an odd program's code, hardly damaged"
        );
    }
}
