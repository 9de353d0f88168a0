//! Judges what other decoders sampled.
//!
//! They repair a grid as far as the checks go and ask no further: now and then chance makes a code out of a busy
//! picture. Their grids are read here, by the same rules as our own.

use super::super::stages::Rule;
use super::layout::{Layout, side_of};
use super::symbol::SymbolDecoder;
use super::{VERSION_MAX, layout_of};

/// Reads grids of black and white modules; keeps its memory.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    layouts: Vec<Option<Box<Layout>>>,
    symbol: SymbolDecoder,
    modules: Vec<f32>,
    known: Vec<f32>,
}

impl Judge {
    /// Gives the text of a grid of `side` modules along each side, or `None` when nobody wrote it. `is_black` is asked
    /// for columns and rows.
    pub(crate) fn read(
        &mut self,
        side: usize,
        is_black: &dyn Fn(usize, usize) -> bool,
        good: Rule<'_>,
    ) -> Option<String> {
        let version = side.checked_sub(17)? / 4;
        if !(1..=VERSION_MAX).contains(&version) || side_of(version) != side {
            return None;
        }
        let Self { layouts, symbol, modules, known } = self;
        let layout = layout_of(layouts, version)?;
        modules.clear();
        modules.extend((0..side * side).map(|at| if is_black(at % side, at / side) { 1.0 } else { -1.0 }));
        known.clear();
        known.resize(side * side, 0.0);
        symbol.decode_hard(layout, modules, known, good)
    }
}
