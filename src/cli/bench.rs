//! The figures of docs/PERFORMANCE.md, each beside its floor on the same machine.

use super::args::Bench;
use super::{Answer, Failure};

pub(super) fn run(bench: &Bench) -> Result<Answer, Failure> {
    Err(Failure::usage(format!("there is no bench “{}”", bench.name)))
}
