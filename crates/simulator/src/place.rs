//! A device's folder, the terminal that lives in it, and what the auditor has seen there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stempel_domain::{AuthorId, EventRef, MemberId};
use stempel_store::{Folder, Store, StoreError};
use stempel_sync::Backoff;
use stempel_terminal::{Terminal, TerminalError};
use stempel_wire::SecretKey;

use crate::model::Name;
use crate::random::{Hand, Random};
use crate::stop::{OrStop, Result, Stop, broken};

/// Why a device says that a person has to help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stuck {
    /// Its journal was stopped.
    Quarantined,
    /// The server holds more of it than it has itself.
    OlderCopy,
    /// It was signed out.
    Revoked,
    /// The server does not know it: it was set back to before the enrolment.
    Unknown,
}

/// Something that was reported done.
#[derive(Debug, Clone)]
pub struct Done {
    /// The key it was asked for with.
    pub key: String,
    /// The event.
    pub event: EventRef,
    /// The event by its hash.
    pub name: Name,
    /// The card that was shown.
    pub code: Option<String>,
    /// How many things were stamped; none for what was no plain stamp.
    pub stamps: Option<u32>,
    /// It can be refunded.
    pub sale: bool,
    /// It was taken back here.
    pub taken_back: bool,
}

/// What a member's balance was seen to be made of.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The events.
    pub names: BTreeSet<Name>,
    /// How many rows of its own the folder had then.
    pub rows: u64,
}

/// What goes with a folder when it is copied.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    /// Every row of the own journal.
    pub rows: Vec<Name>,
    /// What each member's balance was last seen to be made of.
    pub seen: BTreeMap<MemberId, Seen>,
    /// The history of the server that this was seen in.
    pub seen_epoch: String,
    /// Rows that were let through were on their way when this was seen.
    pub seen_unclear: bool,
    /// When an exchange last went through, by the device's clock.
    pub heard_ms: Option<i64>,
    /// The last exchange failed.
    pub failed: bool,
    /// What was reported done.
    pub done: Vec<Done>,
}

/// A folder and the terminal in it.
pub struct Place {
    /// Where it is.
    pub folder: PathBuf,
    /// The device's clock.
    pub clock: Hand,
    /// The terminal, while it runs.
    pub terminal: Option<Terminal>,
    /// Grows with each start: what was begun before has ended with the power.
    pub incarnation: u32,
    /// The device.
    pub device: AuthorId,
    /// Its key.
    pub key: Arc<SecretKey>,
    /// What goes with the folder.
    pub notes: Notes,
    /// Its network is away.
    pub away: bool,
    /// An exchange is under way.
    pub syncing: bool,
    /// When to try again.
    pub backoff: Backoff,
    /// The earliest next exchange, by the true time.
    pub next_try_ms: i64,
    /// Failed exchanges in a row, and when the last one ended.
    pub failures: (u32, i64),
    /// It says that a person has to help.
    pub stuck: Option<Stuck>,
}

impl Place {
    /// A folder with a terminal that was just set up.
    pub fn new(folder: PathBuf, clock: Hand, terminal: Terminal) -> Result<Self> {
        let key = Arc::new(terminal.identity().key().never("reading the device's key")?);
        Ok(Self {
            device: terminal.identity().device,
            folder,
            clock,
            terminal: Some(terminal),
            incarnation: 0,
            key,
            notes: Notes::default(),
            away: false,
            syncing: false,
            backoff: Backoff::default(),
            next_try_ms: 0,
            failures: (0, 0),
            stuck: None,
        })
    }

    /// A copy of the folder as it is, with nobody in it.
    pub fn copied(&self, folder: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&folder).machine("making a folder")?;
        for entry in std::fs::read_dir(&self.folder).machine("reading a folder")? {
            let path = entry.machine("reading a folder")?.path();
            let Some(name) = path.file_name() else { continue };
            // What is shared memory of the one who has it open is no part of a copy.
            if !name.to_string_lossy().ends_with("-shm") {
                std::fs::copy(&path, folder.join(name)).machine("copying a folder")?;
            }
        }
        Ok(Self {
            folder,
            clock: self.clock.clone(),
            terminal: None,
            incarnation: 0,
            device: self.device,
            key: Arc::clone(&self.key),
            notes: self.notes.clone(),
            away: false,
            syncing: false,
            backoff: Backoff::default(),
            next_try_ms: 0,
            failures: (0, 0),
            stuck: None,
        })
    }

    /// The terminal.
    pub fn terminal(&self) -> Result<&Terminal> {
        self.terminal.as_ref().ok_or_else(|| Stop::Machine("a terminal is asked that does not run".into()))
    }

    /// The terminal, to act.
    pub fn acting(&mut self) -> Result<&mut Terminal> {
        self.terminal.as_mut().ok_or_else(|| Stop::Machine("a terminal is asked that does not run".into()))
    }

    /// The power goes away: nothing is said to anybody.
    pub fn fall(&mut self) {
        self.terminal = None;
        self.incarnation += 1;
        self.syncing = false;
        // A program that starts anew tries at once.
        self.backoff = Backoff::default();
        self.next_try_ms = 0;
        self.failures = (0, 0);
    }

    /// The program starts on its folder.
    pub fn rise(&mut self, seed: u64) -> Result<()> {
        let opened = open(&self.folder, &self.clock, seed);
        self.terminal = Some(opened.never("starting on a folder after the power was gone")?);
        Ok(())
    }

    /// The event of the own journal under a number.
    pub fn own(&self, reference: EventRef) -> Option<Name> {
        let index = usize::try_from(reference.seq.checked_sub(1)?).ok()?;
        (reference.author == self.device).then(|| self.notes.rows.get(index).copied()).flatten()
    }

    /// Starts a second program on the folder: it must be told that the folder is taken.
    pub fn second(&self, unlocked: bool) -> Result<()> {
        if unlocked {
            std::fs::remove_file(self.folder.join("lock")).machine("removing a lock")?;
        }
        match Folder::take(&self.folder, "another program") {
            Err(StoreError::InUse { .. }) => Ok(()),
            Err(error) => {
                broken(format!("a second program on a folder is not told who has it, but: {error}"))
            }
            Ok(_) => broken("two programs have the same data folder"),
        }
    }
}

/// Opens the terminal of a folder.
pub fn open(folder: &Path, clock: &Hand, seed: u64) -> std::result::Result<Terminal, TerminalError> {
    let store = Store::open(Folder::take(folder, "simulated terminal")?)?;
    Terminal::open(store, Arc::new(clock.clone()), Box::new(Random::new(seed)))
}
