//! Changing the key with which this terminal signs, with or without a network: the old key certifies the new one in the
//! journal, and the next exchange tells the server.

use std::sync::Arc;

use stempel_domain::EventRef;
use stempel_wire::{SecretKey, key_change};

use crate::identity::IDENTITY;
use crate::{Operator, Terminal, TerminalError};

/// How often a terminal can change its key: a server that was set back is asked with each of them.
const CHANGES_MAX: usize = 16;

impl Terminal {
    /// Makes a new key that signs from the next event on. Slips that were printed before are not taken any more.
    ///
    /// # Errors
    /// [`TerminalError::NotNow`] after sixteen changes: such a terminal is set up anew.
    pub fn change_key(&mut self, operator: &Operator) -> Result<EventRef, TerminalError> {
        if self.identity.changes() >= CHANGES_MAX {
            return Err(TerminalError::NotNow(format!(
                "the key was changed {CHANGES_MAX} times; set up a new folder with a new code"
            )));
        }
        let new = SecretKey::generate(&mut *self.entropy);
        let fact = key_change::fact(self.identity.device, &new);
        let identity = self.identity.clone().with_key(&new);
        let at = self.moment(None)?;
        // The event and the key that signs the next one become durable together.
        let event = self.record(at, operator, vec![fact], |write, events| {
            write.set(IDENTITY, &identity)?;
            Ok(events.first().copied())
        })?;
        self.identity = identity;
        self.key = Arc::new(new);
        self.keys.change(Arc::clone(&self.key));
        event.ok_or_else(|| TerminalError::NotNow("the journal took no event".to_owned()))
    }
}
