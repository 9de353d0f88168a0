//! Settings by name, each a JSON value.

use rusqlite::{OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{StoreError, View, Write};

impl View<'_> {
    /// Reads a setting.
    pub fn setting<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StoreError> {
        let text: Option<String> = self
            .connection
            .prepare_cached("SELECT value FROM setting WHERE name = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    /// The answer that was given for a key, if it was asked before.
    pub fn answered(&self, key: &str) -> Result<Option<String>, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT answer FROM answered WHERE key = ?1")?
            .query_row([key], |row| row.get(0))
            .optional()?)
    }
}

impl Write<'_> {
    /// Writes a setting.
    pub fn set<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), StoreError> {
        self.transaction
            .prepare_cached("INSERT OR REPLACE INTO setting (name, value) VALUES (?1, ?2)")?
            .execute(params![name, serde_json::to_string(value)?])?;
        Ok(())
    }

    /// Remembers the answer given for a key.
    pub fn remember(&mut self, key: &str, answer: &str) -> Result<(), StoreError> {
        self.transaction
            .prepare_cached("INSERT INTO answered (key, answer) VALUES (?1, ?2)")?
            .execute([key, answer])?;
        Ok(())
    }

    /// Forgets the answer given for a key: what it stood for was taken back.
    pub fn forget(&mut self, key: &str) -> Result<(), StoreError> {
        self.transaction.prepare_cached("DELETE FROM answered WHERE key = ?1")?.execute([key])?;
        Ok(())
    }
}
