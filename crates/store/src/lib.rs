//! The terminal's SQLite: journal, member state, outbox, settings.
//!
//! **Promise: when [`Store::write`] returns, the change survives kill -9 and a pulled plug.** WAL with
//! `synchronous=FULL`; everything that belongs to one action is one transaction.
//!
//! - [`folder`]: the data folder and its one writer.
//! - [`journal`]: what happened here, in order; each row names the hash of the one before.
//! - [`members`]: base row + overlay = now. A balance costs the same after ten years as on day one.
//! - [`keyring`]: members' keys, wrapped under a key that is not in the database.
//! - [`people`]: merged members are one person; whoever is forgotten leaves no key.
//! - [`tallies`]: what each author has given of what there is only so much of.
//! - [`inbox`]: what the feed brings, applied in one transaction with the cursor.
//! - [`mod@reference`]: programmes, articles, devices, card keys, blank cards.
//!
//! The store knows no rules and no network; it takes rows that are already signed.

pub mod error;
pub mod folder;
pub mod inbox;
pub mod journal;
pub mod keyring;
pub mod members;
pub mod people;
pub mod reference;
mod schema;
pub mod settings;
pub mod tallies;

use std::path::{Path, PathBuf};

use keyring::Found;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use stempel_domain::AuthorId;
use stempel_wire::wrap::SealingKey;
use stempel_wire::{Hash, WrappingKeys};

pub use error::StoreError;
pub use folder::{Folder, Holder};

/// How many prepared statements are kept. More than the store has: rusqlite keeps 16 unless told, a sale runs through
/// more than that, and then each of them is compiled anew each time.
const STATEMENTS: usize = 128;

/// The last row of this device's own journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its number; 0 before the first.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
}

/// The open store of one terminal.
///
/// Made by [`Store::open`] it is the one writer and holds the folder's lock; made by [`Store::read`] it
/// needs no lock and cannot write.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    folder: Option<Folder>,
    /// What wraps members' keys; none: they are kept as they are, as earlier versions did.
    keys: Option<WrappingKeys>,
    /// Under which the key file is sealed.
    sealing: Option<SealingKey>,
    /// The key file stood there in clear and can be sealed.
    unsealed: bool,
}

impl Store {
    /// Opens the store of a folder for writing, making it if it is new.
    pub fn open(folder: Folder) -> Result<Self, StoreError> {
        Self::open_sealed(folder, None)
    }

    /// As [`Store::open`], with the key to members' names in a file that is sealed from now on under a secret of the
    /// system's store of keys.
    ///
    /// # Errors
    /// [`StoreError::Sealed`] if the file is sealed and that secret does not open it.
    pub fn open_sealed(folder: Folder, sealing: Option<SealingKey>) -> Result<Self, StoreError> {
        let path = folder.path().join(folder::DATABASE);
        let mut connection = Connection::open(&path)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        schema::prepare_writer(&connection)?;
        schema::migrate(&mut connection)?;
        let found = keyring::read(folder.path(), sealing.as_ref())?;
        if matches!(found, Found::Shut) {
            return Err(StoreError::Sealed);
        }
        let unsealed = sealing.is_some() && matches!(found, Found::Clear(_));
        let mut store =
            Self { connection, path, folder: Some(folder), keys: found.keys(), sealing, unsealed };
        match store.clean() {
            Ok(()) | Err(StoreError::Uncleaned) => Ok(store),
            Err(error) => Err(error),
        }
    }

    /// Opens the store of a folder for reading only. Somebody else may be writing.
    pub fn read(dir: &Path) -> Result<Self, StoreError> {
        Self::read_sealed(dir, None)
    }

    /// As [`Store::read`], with what opens a sealed key file. Without it the names of members are missing.
    pub fn read_sealed(dir: &Path, sealing: Option<SealingKey>) -> Result<Self, StoreError> {
        let path = dir.join(folder::DATABASE);
        if !path.exists() {
            return Err(StoreError::NoData(dir.to_owned()));
        }
        let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        schema::check_version(&connection)?;
        schema::complete(&connection)?;
        let keys = keyring::read(dir, sealing.as_ref())?.keys();
        Ok(Self { connection, path, folder: None, keys, sealing, unsealed: false })
    }

    /// The database's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this is the one writer.
    pub fn is_writer(&self) -> bool {
        self.folder.is_some()
    }

    /// Does everything in `action` as one durable transaction, or nothing of it.
    pub fn write<T, E: From<StoreError>>(
        &mut self,
        action: impl FnOnce(&mut Write<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let (answer, cleans) = {
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(StoreError::from)?;
            let mut write = Write { transaction, keys: self.keys.as_ref(), cleans: false };
            let answer = action(&mut write)?;
            let Write { transaction, cleans, .. } = write;
            transaction.commit().map_err(StoreError::from)?;
            (answer, cleans)
        };
        if cleans {
            // What was done is done; what could not be cleaned now is cleaned before the next exchange.
            match self.clean() {
                Ok(()) | Err(StoreError::Uncleaned) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(answer)
    }

    /// From here until the answer is dropped everything is read as of one moment, and SQLite's lock is taken once
    /// instead of with each read. None where that is so already.
    pub fn one_moment(&self) -> Result<Option<OneMoment<'_>>, StoreError> {
        if !self.connection.is_autocommit() {
            return Ok(None);
        }
        Ok(Some(OneMoment { _reading: self.connection.unchecked_transaction()? }))
    }

    /// What can be read.
    pub fn view(&self) -> View<'_> {
        View { connection: &self.connection, keys: self.keys.as_ref() }
    }

    /// Looks through the whole database file for damage. Takes as long as reading the file.
    pub fn check_file(&self) -> Result<(), StoreError> {
        let verdict: String = self.connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        if verdict == "ok" { Ok(()) } else { Err(StoreError::Damaged(verdict)) }
    }
}

/// As long as it lives, the store is read as of one moment.
#[derive(Debug)]
pub struct OneMoment<'a> {
    /// It writes nothing, and is rolled back when it is dropped.
    _reading: rusqlite::Transaction<'a>,
}

/// A transaction under way. Everything that [`View`] reads, it reads too.
#[derive(Debug)]
pub struct Write<'a> {
    transaction: rusqlite::Transaction<'a>,
    keys: Option<&'a WrappingKeys>,
    /// A key was dropped: nothing of it may be left in the file afterwards.
    cleans: bool,
}

impl Write<'_> {
    /// What can be read, with what this transaction has written so far.
    pub fn view(&self) -> View<'_> {
        View { connection: &self.transaction, keys: self.keys }
    }
}

/// A way to read the store.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    connection: &'a Connection,
    keys: Option<&'a WrappingKeys>,
}

pub(crate) fn author_from(bytes: Vec<u8>) -> Result<AuthorId, StoreError> {
    AuthorId::from_slice(&bytes)
        .ok_or_else(|| StoreError::Damaged("an author's id has the wrong length".into()))
}
