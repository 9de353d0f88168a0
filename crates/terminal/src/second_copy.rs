//! A second copy of what waits for the server, in another place: a stick, a folder on another machine.
//!
//! Where the setting `second_copy` names a folder, every exchange, also one that finds no server, ends by adding the rows
//! that are not there yet. They are sealed for the server ([`stempel_wire::copy`]): whoever finds the stick reads nothing.
//! Once the server holds everything the file is removed. A device that takes a dead one's place hands it over
//! ([`hand_over`]).

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stempel_domain::AuthorId;
use stempel_sync::Transport;
use stempel_wire::copy;
use stempel_wire::message::{PUSH_ROWS_MAX, PushHeader, push_body};

use crate::{Terminal, TerminalError};

/// The setting under which its state is kept.
const STATE: &str = "second-copy";
/// Rows of one frame, and their bytes.
const ROWS: usize = PUSH_ROWS_MAX / 2;
const BYTES: usize = 1024 * 1024;
/// A file that is longer is begun anew with what still waits, in bytes.
const LENGTH_MAX: u64 = 8 * 1024 * 1024;
/// The longest file that is handed over, in bytes: a device that was offline for a year.
const HANDED_MAX: u64 = 512 * 1024 * 1024;

/// How the second copy stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SecondCopy {
    /// The file.
    pub file: PathBuf,
    /// It holds the rows after this one …
    pub from: u64,
    /// … up to this one.
    pub through: u64,
    length: u64,
    /// Why it could not be written, if it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Terminal {
    /// How the second copy stands; none if no place for one is set, or nothing waits.
    pub fn second_copy(&self) -> Result<Option<SecondCopy>, TerminalError> {
        Ok(self.view().setting::<Option<SecondCopy>>(STATE)?.flatten())
    }

    /// Brings the second copy up to what waits. A place that cannot be written is noted and keeps nobody waiting: the stick
    /// may have been pulled.
    pub(crate) fn copy_out(&mut self) -> Result<(), TerminalError> {
        let before = self.second_copy()?;
        let after = match self.settings()?.second_copy {
            Some(folder) if self.identity.server.is_some() => {
                let file = Path::new(&folder).join(format!("stempel-{}.copy", self.identity.device));
                self.copied(&file, before.clone().unwrap_or_default())?
            }
            _ => None,
        };
        if before == after { Ok(()) } else { self.keep_setting(STATE, &after) }
    }

    fn copied(&mut self, file: &Path, mut state: SecondCopy) -> Result<Option<SecondCopy>, TerminalError> {
        let device = self.identity.device;
        let (head, held) = (self.view().head(device)?.seq, self.view().sync_state()?.held);
        if head <= held {
            return match fs::remove_file(file) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    Ok(Some(SecondCopy { file: file.to_owned(), error: Some(error.to_string()), ..state }))
                }
                _ => Ok(None),
            };
        }
        let there = fs::metadata(file).map_or(0, |found| found.len());
        let whole = state.file == file && state.from <= held && state.length == there && there > 0;
        if !whole || (there > LENGTH_MAX && held > state.from) {
            let file = file.to_owned();
            state = SecondCopy { file, from: held, through: held, length: 0, error: None };
        }
        match self.add_rows(&mut state, head)? {
            Ok(()) => state.error = None,
            // Another stick, or a full one: the next time everything that waits is written anew.
            Err(error) => state = SecondCopy { length: 0, error: Some(error.to_string()), ..state },
        }
        Ok(Some(state))
    }

    /// Adds what the file lacks, durably. The inner error is the place's.
    fn add_rows(&mut self, state: &mut SecondCopy, head: u64) -> Result<std::io::Result<()>, TerminalError> {
        let Some(server) = self.identity.server.clone() else { return Ok(Ok(())) };
        let device = self.identity.device;
        let (mut text, mut through) = (Vec::new(), state.through);
        while through < head {
            let rows = self.view().rows_after(device, through, ROWS, BYTES)?;
            if rows.is_empty() {
                break;
            }
            through += rows.len() as u64;
            let keys = self.keys_for(&rows)?;
            let header = PushHeader { keys: crate::exchange::keys_of(&keys), ..PushHeader::default() };
            let body = push_body(&header, &rows)?;
            let sealed = copy::seal(&server.key, device, &body, &mut *self.entropy)
                .map_err(|error| TerminalError::NotNow(error.to_string()))?;
            stempel_wire::frame::push(&mut text, &sealed);
        }
        let written = if state.length == 0 { begin(&state.file, &text) } else { append(&state.file, &text) };
        Ok(written.map(|length| {
            (state.through, state.length) = (through, length);
        }))
    }
}

/// Writes a new file in the place of another.
fn begin(file: &Path, frames: &[u8]) -> std::io::Result<u64> {
    let part = file.with_extension("part");
    let text = [&copy::beginning()[..], frames].concat();
    let mut open = fs::File::create(&part)?;
    open.write_all(&text)?;
    open.sync_all()?;
    fs::rename(&part, file)?;
    // Not every system lets a folder be opened; the file itself is safe.
    if let Some(Ok(folder)) = file.parent().map(fs::File::open) {
        let _ = folder.sync_all();
    }
    Ok(text.len() as u64)
}

fn append(file: &Path, frames: &[u8]) -> std::io::Result<u64> {
    let mut open = fs::OpenOptions::new().append(true).open(file)?;
    if !frames.is_empty() {
        open.write_all(frames)?;
        open.sync_all()?;
    }
    Ok(open.metadata()?.len())
}

/// What a dead device's second copy came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct HandedOver {
    /// Whose rows, and up to which number the server holds them by now.
    pub held: std::collections::BTreeMap<AuthorId, u64>,
    /// Rows that the server keeps without effect, or that it did not take, with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trouble: Vec<String>,
}

/// Hands a dead device's second copy to the server, by way of a device that took its place. Doing it again changes nothing.
pub fn hand_over(file: &Path, transport: &mut dyn Transport) -> Result<HandedOver, TerminalError> {
    let unreadable = |why: String| TerminalError::Input(format!("{}: {why}", file.display()));
    let mut text = Vec::new();
    let open = fs::File::open(file).map_err(|error| unreadable(error.to_string()))?;
    open.take(HANDED_MAX + 1).read_to_end(&mut text).map_err(|error| unreadable(error.to_string()))?;
    if text.len() as u64 > HANDED_MAX {
        return Err(unreadable("it is far too long".to_owned()));
    }
    let mut done = HandedOver::default();
    for frame in copy::frames(&text).map_err(|error| unreadable(error.to_string()))? {
        let device = copy::device_of(frame).map_err(|error| unreadable(error.to_string()))?;
        let answer = transport.copy(frame.to_vec())?;
        let held = answer.held.get(&device).copied().unwrap_or(0);
        done.held.insert(device, held);
        let trouble = answer.dead.iter().chain(&answer.quarantined).chain(&answer.refused);
        done.trouble.extend(trouble.map(|row| format!("{}/{}: {}", row.author, row.seq, row.reason)));
    }
    Ok(done)
}
