//! From soft modules to the text: format, order of the bits, blocks, error correction, text.
//!
//! A soft module is positive for black and negative for white; the further from zero, the surer (a logarithm of odds).
//! Codewords with doubtful bits are given to the correction as erasures, first none, then ever more. What the
//! correction had to turn over against sure modules decides whether its answer is believed.

use rxing::qrcode::common::{ErrorCorrectionLevel, Version};
use rxing::qrcode::cpp_port::decoder::DecodeBitStream;

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
    bits: Vec<f32>,
    block: Vec<u8>,
    repaired: Vec<u8>,
    places: Vec<u16>,
    doubts: Vec<f32>,
    worst: Vec<u8>,
    data: Vec<u8>,
}

/// One block: where its codewords stand in the stream.
struct Block {
    data_len: usize,
    checks: usize,
}

impl SymbolDecoder {
    /// Decodes a grid of soft modules, row by row. Into `known` goes 1 or -1 for each module whose colour the repair of
    /// a block proved; other places keep what they have.
    pub(super) fn decode(&mut self, layout: &Layout, soft: &[f32], known: &mut [f32]) -> Outcome {
        let formats = best_formats(soft, layout.side);
        let best_fit = formats[0].map_or(0.0, |format| format.fit);
        let mut most = 0;
        for format in formats.into_iter().flatten() {
            if format.fit < FORMAT_FIT_MIN || format.fit < 0.6 * best_fit {
                break;
            }
            match self.decode_as(layout, soft, format, known) {
                text @ Outcome::Text(_) => return text,
                Outcome::Blocks(count) => most = most.max(count),
            }
            if most > 0 {
                break;
            }
        }
        Outcome::Blocks(most)
    }

    fn decode_as(&mut self, layout: &Layout, soft: &[f32], format: Format, known: &mut [f32]) -> Outcome {
        let Some(table) =
            u32::try_from(layout.version).ok().and_then(|v| Version::getVersionForNumber(v).ok())
        else {
            return Outcome::Blocks(0);
        };
        self.take_bits(layout, soft, format);
        let blocks = blocks_of(table, format.level);
        self.data.clear();
        let mut repaired_blocks = 0;
        for index in 0..blocks.len() {
            self.gather(&blocks, index);
            if self.repair(blocks[index].checks) {
                self.data.extend_from_slice(&self.repaired[..blocks[index].data_len]);
                repaired_blocks += 1;
                self.tell_known(layout, format, known);
            }
        }
        if repaired_blocks < blocks.len() {
            return Outcome::Blocks(repaired_blocks);
        }
        match text_of(&self.data, table, format.level) {
            Some(text) => Outcome::Text(text),
            None => Outcome::Blocks(0),
        }
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

    /// Repairs the block; false when no repair is to be believed.
    fn repair(&mut self, checks: usize) -> bool {
        self.worst.clear();
        self.worst.extend(0..self.block.len() as u8);
        let Self { worst, doubts, .. } = self;
        worst.sort_by(|&a, &b| doubts[usize::from(b)].total_cmp(&doubts[usize::from(a)]));
        let weight: f32 = self
            .places
            .iter()
            .flat_map(|&place| self.bits.get(usize::from(place) * 8..usize::from(place) * 8 + 8))
            .flatten()
            .map(|bit| bit.abs())
            .sum();
        for erasures in (0..=checks.saturating_sub(CHECKS_KEPT)).step_by(2) {
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
                return true;
            }
        }
        false
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

    /// Writes the colours that the repaired block has in the picture.
    fn tell_known(&self, layout: &Layout, format: Format, known: &mut [f32]) {
        let side = layout.side;
        for (&place, &byte) in self.places.iter().zip(&self.repaired) {
            for bit in 0..8 {
                let Some(&at) = layout.order.get(usize::from(place) * 8 + bit) else { continue };
                let (row, column) = (usize::from(at) / side, usize::from(at) % side);
                let black = (byte >> (7 - bit) & 1 == 1) != is_masked(format.mask, column, row);
                let seen_at = if format.mirrored { column * side + row } else { usize::from(at) };
                known[seen_at] = if black { 1.0 } else { -1.0 };
            }
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

fn blocks_of(table: &Version, level: ErrorCorrectionLevel) -> Vec<Block> {
    let groups = table.getECBlocksForLevel(level);
    let checks = groups.getECCodewordsPerBlock() as usize;
    groups
        .getECBlocks()
        .iter()
        .flat_map(|group| {
            let data_len = group.getDataCodewords() as usize;
            (0..group.getCount()).map(move |_| Block { data_len, checks })
        })
        .collect()
}

fn text_of(data: &[u8], table: &Version, level: ErrorCorrectionLevel) -> Option<String> {
    let decoded = DecodeBitStream(data, table, level).ok()?;
    if !decoded.isValid() {
        return None;
    }
    Some(decoded.text()).filter(|text| !text.is_empty())
}
