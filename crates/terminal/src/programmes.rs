//! Which programmes are in force here.

use stempel_domain::event::{Fact, ProgrammePublished, ProgrammeRef};
use stempel_domain::programme::{Programme, Published};
use stempel_domain::rules::RuleBook;
use stempel_store::reference::ProgrammeRow;

use crate::{Operator, Terminal, TerminalError};

impl Terminal {
    /// The programmes in force, by name.
    pub fn programmes(&self) -> &[Published] {
        self.book.programmes()
    }

    /// Programmes that are kept but need a newer version of the program to run.
    pub fn unreadable_programmes(&self) -> &[String] {
        &self.unreadable_programmes
    }

    pub(crate) fn load_programmes(&mut self) -> Result<(), TerminalError> {
        let rows = self.store.view().programmes()?;
        let mut readable = Vec::with_capacity(rows.len());
        self.unreadable_programmes.clear();
        for row in rows {
            match Programme::from_json(&row.text) {
                Ok(programme) => readable.push(Published { reference: row.reference, programme }),
                Err(error) => self.unreadable_programmes.push(format!("{}: {error}", row.reference.id)),
            }
        }
        self.book = RuleBook::new(readable).map_err(|error| TerminalError::NotNow(error.to_string()))?;
        self.tally_keys = self.book.tally_keys();
        Ok(())
    }

    /// Publishes a programme as its next version. Only where the terminal works alone: otherwise the server
    /// publishes for all devices.
    pub fn publish(
        &mut self,
        programme: Programme,
        operator: &Operator,
    ) -> Result<ProgrammeRef, TerminalError> {
        if self.identity.server.is_some() {
            return Err(TerminalError::NotNow(
                "programmes are published on the server, for all devices; use `stempel admin programme publish`".into(),
            ));
        }
        let text = programme.to_json();
        let current = self.book.find(programme.id());
        if let Some(current) = current
            && current.programme == programme
        {
            return Ok(current.reference.clone());
        }
        let version = current.map_or(0, |current| current.reference.version) + 1;
        let reference = ProgrammeRef { id: programme.id().clone(), version };
        let fact =
            Fact::ProgrammePublished(ProgrammePublished { programme: reference.clone(), text: text.clone() });
        let at = self.moment(None)?;
        let row = ProgrammeRow { reference: reference.clone(), text, ended: false };
        self.record(at, operator, vec![fact], |write, _| Ok(write.put_programme(&row)?))?;
        self.load_programmes()?;
        Ok(reference)
    }
}
