//! The server in its house: started, stopped, copied, set back; and its database as an auditor reads it.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags};
use stempel_domain::{AuthorId, MemberId, ShopId, TenantId};
use stempel_server::{Db, Server, admin};
use tokio::runtime::Runtime;

use crate::random::{Hand, Random};
use crate::stop::{OrStop, Result};

/// The server, its database and a copy of it.
pub struct House {
    runtime: Runtime,
    /// Two on one database, as two processes are; none while it is stopped.
    servers: Vec<Server>,
    /// Decides which of them is asked.
    turn: Cell<u64>,
    /// A planted fault: the second one has a database of its own.
    apart: bool,
    folder: PathBuf,
    clock: Hand,
    /// Beside the server, while it runs.
    beside: RefCell<Option<Rc<Connection>>>,
    /// Makes each start's randomness another one.
    draws: Random,
    backups: u32,
    /// The newest copy of the database.
    pub backup: Option<PathBuf>,
    /// Whose programme.
    pub tenant: TenantId,
    /// The tenant's shops.
    pub shops: Vec<ShopId>,
}

/// A row as it stands in the server's database.
pub struct ServerRow {
    /// Whose journal.
    pub author: AuthorId,
    /// Which row.
    pub seq: u64,
    /// Its hash, as the server has noted it.
    pub hash: Vec<u8>,
    /// It counts.
    pub counts: bool,
    /// The row as signed.
    pub bytes: Vec<u8>,
}

impl House {
    /// Builds the house: a tenant with shops, on a fresh database.
    pub fn build(folder: &Path, clock: Hand, seed: u64, shops: usize, apart: bool) -> Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().machine("a runtime")?;
        let mut house = Self {
            runtime,
            servers: Vec::new(),
            turn: Cell::new(seed),
            apart: false,
            folder: folder.to_owned(),
            clock,
            beside: RefCell::new(None),
            draws: Random::new(seed ^ 0x5e17),
            backups: 0,
            backup: None,
            tenant: TenantId([0; 16]),
            shops: Vec::new(),
        };
        house.start()?;
        house.tenant =
            house.ask(async |server| server.tenant_add("Morgenrot", false).await).never("adding a tenant")?;
        for number in 1..=shops {
            let (tenant, name) = (house.tenant, format!("Shop {number}"));
            let shop = house.ask(async |server| server.shop_add(tenant, &name, "Europe/Berlin", 0).await);
            house.shops.push(shop.never("adding a shop")?.id);
        }
        house.apart = apart;
        house.restart()?;
        Ok(house)
    }

    /// Where the database is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The database.
    pub fn path(&self) -> PathBuf {
        self.folder.join("server.db")
    }

    fn url(&self) -> String {
        format!("sqlite:{}", self.path().display())
    }

    fn start(&mut self) -> Result<()> {
        for second in [false, true] {
            let mut path = self.path();
            if second && self.apart {
                path = self.folder.join("apart.db");
                std::fs::copy(self.path(), &path).machine("planting a fault")?;
            }
            let url = format!("sqlite:{}", path.display());
            let entropy = Box::new(Random::new(self.draws.number()));
            let db = self.runtime.block_on(Db::open(&url)).never("opening the server's database")?;
            self.servers.push(Server::open(db, Arc::new(self.clock.clone()), entropy));
        }
        Ok(())
    }

    fn stop(&mut self) {
        self.beside.take();
        for server in self.servers.drain(..) {
            self.runtime.block_on(server.close());
        }
    }

    /// Stops the server and starts it again.
    pub fn restart(&mut self) -> Result<()> {
        self.stop();
        self.start()
    }

    /// Copies the database while the server is running.
    pub fn back_up(&mut self) -> Result<()> {
        self.backups += 1;
        let file = self.folder.join(format!("backup-{}.db", self.backups));
        self.ask(async |server| server.backup(&file).await).never("a backup")?;
        if let Some(older) = self.backup.replace(file) {
            std::fs::remove_file(older).machine("removing an older backup")?;
        }
        Ok(())
    }

    /// Sets the server back to the newest copy; false if there is none.
    pub fn restore(&mut self) -> Result<bool> {
        let Some(file) = self.backup.clone() else { return Ok(false) };
        self.stop();
        let (clock, entropy) = (Arc::new(self.clock.clone()), Box::new(Random::new(self.draws.number())));
        let restored = self.runtime.block_on(admin::restore(&file, &self.url(), None, clock, entropy));
        let before = restored.never("a restore")?.before;
        if let Some(before) = before {
            std::fs::remove_file(before).machine("removing what was there before")?;
        }
        self.start()?;
        Ok(true)
    }

    /// Asks the server something and waits for the answer.
    pub fn ask<T, E: From<stempel_server::Error>>(
        &self,
        question: impl AsyncFnOnce(&Server) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let turn = Random::new(self.turn.get()).number();
        self.turn.set(turn);
        // Not evenly: often the same one again.
        let second = turn % 5 < 2;
        match self.servers.get(usize::from(second)) {
            Some(server) => self.runtime.block_on(question(server)),
            None => Err(stempel_server::Error::Away.into()),
        }
    }

    /// The server's database beside the server, for reading, or for a planted fault to write.
    pub fn beside(&self) -> Result<Rc<Connection>> {
        if let Some(connection) = &*self.beside.borrow() {
            return Ok(Rc::clone(connection));
        }
        let opened = Connection::open_with_flags(self.path(), OpenFlags::SQLITE_OPEN_READ_WRITE);
        let connection = Rc::new(opened.machine("reading the server's database")?);
        *self.beside.borrow_mut() = Some(Rc::clone(&connection));
        Ok(connection)
    }

    /// The epoch and the newest position of the feed.
    pub fn epoch(&self) -> Result<(String, u64)> {
        let connection = self.beside()?;
        let statement = connection.prepare_cached("SELECT epoch, head FROM tenant WHERE tenant = ?1");
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        statement
            .and_then(|mut statement| statement.query_row([self.tenant.0], read))
            .machine("reading the epoch")
    }

    /// The journals that the server holds, each with its last number.
    pub fn heads(&self) -> Result<Vec<(AuthorId, u64)>> {
        let connection = self.beside()?;
        let mut statement = connection
            .prepare_cached("SELECT author, held FROM journal WHERE tenant = ?1 ORDER BY author")
            .machine("reading journals")?;
        let rows = statement.query_map([self.tenant.0], |row| Ok((AuthorId(row.get(0)?), row.get(1)?)));
        rows.and_then(Iterator::collect).machine("reading journals")
    }

    /// Rows of a journal after a number.
    pub fn rows_after(&self, author: AuthorId, after: u64) -> Result<Vec<ServerRow>> {
        let connection = self.beside()?;
        let mut statement = connection
            .prepare_cached(
                "SELECT author, seq, hash, status, bytes FROM event WHERE tenant = ?1 AND author = ?2 AND seq > ?3
                 ORDER BY seq",
            )
            .machine("reading rows")?;
        let rows = statement.query_map((self.tenant.0, author.0, after), |row| {
            Ok(ServerRow {
                author: AuthorId(row.get(0)?),
                seq: row.get(1)?,
                hash: row.get(2)?,
                counts: row.get::<_, i64>(3)? == 0,
                bytes: row.get(4)?,
            })
        });
        rows.and_then(Iterator::collect).machine("reading rows")
    }

    /// Members up to a position of the feed: who, where, and the state as JSON.
    pub fn members(&self, through: u64) -> Result<Vec<(MemberId, u64, String)>> {
        let connection = self.beside()?;
        let mut statement = connection
            .prepare_cached(
                "SELECT member, position, base FROM member WHERE tenant = ?1 AND position <= ?2 ORDER BY position",
            )
            .machine("reading members")?;
        let rows = statement
            .query_map((self.tenant.0, through), |row| Ok((MemberId(row.get(0)?), row.get(1)?, row.get(2)?)));
        rows.and_then(Iterator::collect).machine("reading members")
    }

    /// Other things up to a position of the feed: where, and the change as JSON.
    pub fn things(&self, through: u64) -> Result<Vec<(u64, String)>> {
        let connection = self.beside()?;
        let mut statement = connection
            .prepare_cached(
                "SELECT position, body FROM thing WHERE tenant = ?1 AND position <= ?2 ORDER BY position",
            )
            .machine("reading things")?;
        let rows = statement.query_map((self.tenant.0, through), |row| Ok((row.get(0)?, row.get(1)?)));
        rows.and_then(Iterator::collect).machine("reading things")
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop();
    }
}
