//! What goes wrong beyond the network: power, disks, folders, devices that are lost, a server that is set back.

use stempel_faultfs::{How, Plan};
use stempel_store::StoreError;
use stempel_terminal::TerminalError;
use stempel_terminal::cards::Who;
use stempel_terminal::counter::Given;

use crate::place::Stuck;
use crate::planted::Planted;
use crate::stop::{OrStop, Result, broken, hold};
use crate::world::{World, asked};

impl World {
    /// The power goes away between two actions.
    pub fn crash(&mut self, at: usize) -> Result<()> {
        self.note("crash");
        let seed = self.random.number();
        let lost = self.is_planted(Planted::CommitLost);
        let place = &mut self.places[at];
        place.fall();
        if lost {
            let connection = rusqlite::Connection::open(place.folder.join("stempel.db"));
            let connection = connection.machine("planting a fault")?;
            let last = "DELETE FROM journal WHERE rowid = (SELECT max(rowid) FROM journal WHERE seq > 3)";
            connection.execute(last, []).machine("planting a fault")?;
        }
        place.rise(seed)?;
        self.whole_journal(at)?;
        self.learn(at)?;
        self.look_at_all(at)
    }

    /// The power goes away while an action is written: what was synced is on the disk, the rest as it may be.
    pub fn torn(&mut self, at: usize, guest: usize, operation: u64) -> Result<()> {
        let Some(code) = self.guest_code(guest) else { return Ok(()) };
        self.note("crash in a write");
        let (seed, folder) = (self.random.number(), self.places[at].folder.clone());
        let new_card = matches!(self.places[at].terminal()?.who(&code), Ok(Who::NewCard { .. }));
        stempel_faultfs::arm(&folder, Plan { at: operation, how: How::Dead, seed });
        let given =
            self.places[at].acting()?.stamp(&code, None, 1, Vec::new(), &asked(&format!("torn {seed}")));
        self.places[at].fall();
        stempel_faultfs::disarm(&folder).machine("ending a fault of the disk")?;
        let seed = self.random.number();
        self.places[at].rise(seed)?;
        self.whole_journal(at)?;
        let new = self.learn(at)?.len();
        let whole = if new_card { 2 } else { 1 };
        hold(new == 0 || new == whole, || {
            format!("after a crash {new} of {whole} rows of one action are there")
        })?;
        if let Ok(Given { event: Some(event), .. }) = given {
            hold(self.places[at].own(event).is_some(), || {
                format!("{event} was reported done and is gone after a crash")
            })?;
        }
        self.look_at_all(at)
    }

    /// The disk is full: nothing changes, it says so, and the same terminal goes on when there is room.
    pub fn full(&mut self, at: usize, guest: usize, operation: u64, key: &str) -> Result<()> {
        let Some(code) = self.guest_code(guest) else { return Ok(()) };
        let (seed, folder) = (self.random.number(), self.places[at].folder.clone());
        stempel_faultfs::arm(&folder, Plan { at: operation, how: How::Full, seed });
        let given = self.places[at].acting()?.stamp(&code, None, 1, Vec::new(), &asked(key));
        stempel_faultfs::disarm(&folder).machine("ending a fault of the disk")?;
        match given {
            Err(TerminalError::Store(StoreError::Full)) => {
                self.note("disk full");
                hold(self.learn(at)?.is_empty(), || "a full disk took a row and refused it".into())?;
                self.look_at_all(at)?;
                self.stamp(at, &code, 1, key).map(|_| ())
            }
            Err(TerminalError::Store(error)) => {
                broken(format!("a full disk is taken for something else: {error}"))
            }
            Ok(_) | Err(_) => self.learn(at).map(|_| ()),
        }
    }

    /// A copy of a device's folder is laid aside.
    pub fn copy(&mut self, device: usize) -> Result<()> {
        self.note("folder copied");
        let number = self.places.len();
        let folder = self.folder.path().join(format!("copy-{device}-{number}"));
        let copy = self.places[self.desks[device]].copied(folder)?;
        self.places.push(copy);
        self.copies[device] = Some(number);
        Ok(())
    }

    /// The copy takes the place of the folder; what was in the folder is gone.
    pub fn swap(&mut self, device: usize) -> Result<()> {
        let Some(copy) = self.copies[device].filter(|copy| self.places[*copy].terminal.is_none()) else {
            return Ok(());
        };
        self.note("folder set back");
        self.copies[device] = None;
        let at = self.desks[device];
        self.places[at].fall();
        self.desks[device] = copy;
        let seed = self.random.number();
        self.places[copy].rise(seed)?;
        self.whole_journal(copy)?;
        self.look_at_all(copy)
    }

    /// A person looks at a device that says that it is stuck.
    pub fn help(&mut self, device: usize) -> Result<()> {
        let at = self.desks[device];
        let Some(stuck) = self.places[at].stuck else { return Ok(()) };
        if self.places[at].syncing {
            return Ok(());
        }
        self.read_history()?;
        if stuck == Stuck::Quarantined && !self.is_forked(at)? && !self.is_behind(at)? {
            // What the server has is what this device has. The other copy must go.
            self.copies[device] = None;
            let (tenant, author) = (self.house.tenant, self.places[at].device);
            let lifted = self.house.ask(async |server| server.quarantine_lift(tenant, author).await);
            match lifted {
                Ok(()) => self.note("quarantine lifted"),
                // A restore has undone it meanwhile.
                Err(error) if error.code() == "not-found" => {}
                Err(error) => return broken(format!("a quarantine cannot be lifted: {error}")),
            }
            self.places[at].stuck = None;
            return Ok(());
        }
        self.note("device set up anew");
        self.copies[device] = None;
        self.places[at].fall();
        self.desks[device] = self.set_up(device)?;
        Ok(())
    }

    /// The owner signs a device out.
    pub fn revoke(&mut self, at: usize) -> Result<()> {
        self.note("device signed out");
        let (tenant, device) = (self.house.tenant, self.places[at].device);
        match self.house.ask(async |server| server.device_revoke(tenant, device).await) {
            Ok(()) => Ok(()),
            Err(error) if error.code() == "not-found" => Ok(()),
            Err(error) => broken(format!("a device cannot be signed out: {error}")),
        }
    }

    /// The owner lets held rows through.
    pub fn release(&mut self) -> Result<()> {
        let tenant = self.house.tenant;
        let devices =
            self.house.ask(async |server| server.device_list(tenant).await).never("listing devices")?;
        for device in devices.into_iter().filter(|device| device.revoked) {
            let released = self.house.ask(async |server| server.held_release(tenant, device.device).await);
            if released.never("letting rows through")? > 0 {
                self.note("held rows let through");
            }
        }
        self.read_all_history()
    }

    /// The server is set back to its copy.
    pub fn restore(&mut self) -> Result<()> {
        self.read_all_history()?;
        if self.house.restore()? {
            self.note("server set back");
            // Who was under way has to begin anew; what is late may still come.
            self.read_all_history()?;
        }
        Ok(())
    }
}
