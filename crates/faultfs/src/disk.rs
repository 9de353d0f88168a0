//! Which folders are armed, what was written there and not synced, and what a crash leaves of it. No unsafe code.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A disk writes whole sectors, in bytes.
const SECTOR: usize = 512;

/// What happens at the chosen operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The power goes: what was not synced is lost or torn, and the process ends.
    Abort,
    /// The power goes for this folder alone: everything fails from then on, and [`disarm`] leaves what a disk would.
    Dead,
    /// The disk is full from then on, until the folder is disarmed.
    Full,
    /// This one operation fails.
    Error,
}

/// A fault to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// At which operation, counted from 1 since the folder was armed.
    pub at: u64,
    /// What happens.
    pub how: How,
    /// Decides what of the unsynced writes is there afterwards.
    pub seed: u64,
}

/// What an operation is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// Do it.
    Go,
    /// Say that the disk is full.
    Full,
    /// Say that the disk gave an error.
    Error,
}

/// A write that was not synced yet.
#[derive(Debug)]
struct Pending {
    file: PathBuf,
    offset: u64,
    old: Vec<u8>,
    new: Vec<u8>,
    /// How long the file was before.
    length: u64,
}

#[derive(Debug)]
struct Armed {
    /// The folder as SQLite names it: without symbolic links.
    folder: PathBuf,
    plan: Plan,
    operations: u64,
    dead: bool,
    pending: Vec<Pending>,
}

static ARMED: Mutex<BTreeMap<PathBuf, Armed>> = Mutex::new(BTreeMap::new());

fn armed() -> MutexGuard<'static, BTreeMap<PathBuf, Armed>> {
    ARMED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Arms a folder: its operations are counted from now on, and the fault comes.
pub fn arm(folder: &Path, plan: Plan) {
    let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let new = Armed { folder: real, plan, operations: 0, dead: false, pending: Vec::new() };
    armed().insert(folder.to_owned(), new);
}

/// The armed folder that a file lies in.
fn around<'a>(all: &'a mut BTreeMap<PathBuf, Armed>, file: &Path) -> Option<&'a mut Armed> {
    all.values_mut().find(|armed| file.starts_with(&armed.folder))
}

/// How many operations an armed folder has seen.
pub fn operations(folder: &Path) -> u64 {
    armed().get(folder).map_or(0, |armed| armed.operations)
}

/// Ends the fault and gives the number of operations. If the power had gone, the files are now what a disk would have
/// kept; call it when nobody has them open.
///
/// # Errors
/// If the files cannot be written.
pub fn disarm(folder: &Path) -> io::Result<u64> {
    let Some(found) = armed().remove(folder) else { return Ok(0) };
    if found.dead {
        lose(found.pending, found.plan.seed)?;
    }
    Ok(found.operations)
}

/// Whether a file lies in a folder that is armed.
pub(crate) fn is_watched(file: &Path) -> bool {
    around(&mut armed(), file).is_some()
}

/// One operation on a file is about to happen.
pub(crate) fn operation(file: &Path, writes: bool) -> Word {
    let mut all = armed();
    let Some(armed) = around(&mut all, file) else { return Word::Go };
    armed.operations += 1;
    let (now, plan) = (armed.operations, armed.plan);
    if armed.dead {
        return Word::Error;
    }
    match plan.how {
        How::Abort if now == plan.at => {
            // Nobody is left who could be told that a file could not be written.
            let _ = lose(std::mem::take(&mut armed.pending), plan.seed);
            std::process::abort();
        }
        How::Dead if now >= plan.at => {
            armed.dead = true;
            Word::Error
        }
        How::Full if now >= plan.at && writes => Word::Full,
        How::Error if now == plan.at => Word::Error,
        _ => Word::Go,
    }
}

/// Notes a write that was done and is not synced.
pub(crate) fn written(file: &Path, offset: u64, old: Vec<u8>, new: Vec<u8>, length: u64) {
    if let Some(armed) = around(&mut armed(), file) {
        armed.pending.push(Pending { file: file.to_owned(), offset, old, new, length });
    }
}

/// A file was synced, or is gone: what was written to it stays as it is.
pub(crate) fn synced(file: &Path) {
    if let Some(armed) = around(&mut armed(), file) {
        armed.pending.retain(|pending| pending.file != file);
    }
}

/// Takes every unsynced write back, and does those again that the seed lets be.
fn lose(pending: Vec<Pending>, seed: u64) -> io::Result<()> {
    for write in pending.iter().rev() {
        put(&write.file, write.offset, &write.old, Some(write.length))?;
    }
    let mut state = seed;
    for write in &pending {
        match draw(&mut state) % 4 {
            // Nothing of it came to the disk.
            0 => {}
            // Some of its sectors did, whichever.
            1 => {
                let kept = draw(&mut state);
                for (at, offset, sector) in sectors(write) {
                    if kept >> (at % 64) & 1 == 1 {
                        put(&write.file, offset, sector, None)?;
                    }
                }
            }
            _ => put(&write.file, write.offset, &write.new, None)?,
        }
    }
    Ok(())
}

/// The parts of a write that lie in one sector of the disk each, numbered, with their places in the file.
fn sectors(write: &Pending) -> Vec<(usize, u64, &[u8])> {
    let (mut parts, mut from) = (Vec::new(), 0);
    while from < write.new.len() {
        let offset = write.offset + from as u64;
        let left = SECTOR - (offset % SECTOR as u64) as usize;
        let to = (from + left).min(write.new.len());
        parts.push((parts.len(), offset, &write.new[from..to]));
        from = to;
    }
    parts
}

fn put(file: &Path, offset: u64, bytes: &[u8], length: Option<u64>) -> io::Result<()> {
    let mut file = match OpenOptions::new().write(true).open(file) {
        Ok(file) => file,
        // It was removed since: nothing of it can be lost.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !bytes.is_empty() {
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)?;
    }
    if let Some(length) = length {
        file.set_len(length)?;
    }
    Ok(())
}

/// SplitMix64.
fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
