//! Where a tenant's data is: in the home database, or in one of its own.
//!
//! The home database is the one that the server was started with. Its directory says to which tenant an id from
//! outside belongs, its table `placement` names the tenants whose data is elsewhere. Everything that belongs to a
//! tenant goes through [`Server::read_of`] and [`Server::write_of`].

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use stempel_domain::TenantId;

use crate::db::{Db, Tx, values};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::vault::Vault;

/// The most databases beside the home one that a process keeps open.
const DATABASES_MAX: usize = 64;

/// What a server knows of other databases.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// The URL of each tenant that was asked for; none if its data is at home.
    known: Mutex<BTreeMap<TenantId, Option<String>>>,
    /// Databases that are open. Locked while one is opened, so that it is opened once.
    open: tokio::sync::Mutex<BTreeMap<String, Db>>,
}

impl Places {
    pub(crate) fn note(&self, tenant: TenantId, url: Option<String>) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant, url);
    }

    fn noted(&self, tenant: TenantId) -> Option<Option<String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&tenant).cloned()
    }

    async fn database(&self, url: &str, vault: &Vault) -> Result<Db> {
        let mut open = self.open.lock().await;
        if let Some(db) = open.get(url) {
            return Ok(db.clone());
        }
        if open.len() >= DATABASES_MAX {
            return Err(Error::Unusable(format!("more than {DATABASES_MAX} databases are in use")));
        }
        let db = Db::open(url).await?.sharing(vault);
        open.insert(url.to_owned(), db.clone());
        Ok(db)
    }

    /// Every open database, to be closed.
    pub(crate) async fn take_all(&self) -> Vec<Db> {
        std::mem::take(&mut *self.open.lock().await).into_values().collect()
    }
}

impl Server {
    /// The database with a tenant's data.
    pub(crate) async fn db_of(&self, tenant: TenantId) -> Result<Db> {
        let url = match self.places().noted(tenant) {
            Some(url) => url,
            None => {
                let mut tx = self.db().read().await?;
                let row = tx.row("SELECT url FROM placement WHERE tenant = $1", values![tenant]).await?;
                let url = row.map(|row| row.text(0)).transpose()?;
                self.places().note(tenant, url.clone());
                url
            }
        };
        match url {
            None => Ok(self.db().clone()),
            Some(url) => self.places().database(&url, self.db().vault()).await,
        }
    }

    /// Begins a transaction that sees one moment of a tenant's data.
    pub(crate) async fn read_of(&self, tenant: TenantId) -> Result<Tx> {
        self.db_of(tenant).await?.read().await
    }

    /// Begins a transaction that may write a tenant's data, once it has locked the tenant.
    pub(crate) async fn write_of(&self, tenant: TenantId) -> Result<Tx> {
        self.db_of(tenant).await?.write().await
    }

    /// Finds the tenant to which an id from outside belongs, and begins to read its data.
    pub(crate) async fn look_up(&self, kind: &'static str, id: &[u8]) -> Result<Option<(TenantId, Tx)>> {
        let mut tx = self.db().read().await?;
        let row = tx
            .row(
                "SELECT d.tenant, p.url FROM directory d LEFT JOIN placement p ON p.tenant = d.tenant
                 WHERE d.kind = $1 AND d.id = $2",
                values![kind, id],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let (tenant, url) = (row.id(0)?, row.opt_text(1)?);
        self.places().note(tenant, url.clone());
        match url {
            None => Ok(Some((tenant, tx))),
            Some(_) => {
                drop(tx);
                Ok(Some((tenant, self.read_of(tenant).await?)))
            }
        }
    }

    /// Enters an id into the home directory if the tenant's data is elsewhere: the transaction that uses the id
    /// cannot do it. Called before that transaction commits; an entry that is not used after all does no harm.
    pub(crate) async fn enter_at_home(&self, tenant: TenantId, kind: &'static str, id: &[u8]) -> Result<()> {
        if self.places().noted(tenant).flatten().is_none() {
            return Ok(());
        }
        let mut tx = self.db().write().await?;
        tx.execute(
            "INSERT INTO directory (kind, id, tenant) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            values![kind, id, tenant],
        )
        .await?;
        let there =
            tx.row("SELECT tenant FROM directory WHERE kind = $1 AND id = $2", values![kind, id]).await?;
        if there.map(|row| row.id::<TenantId>(0)).transpose()? != Some(tenant) {
            return Err(Error::refused(
                "already-there",
                409,
                "This is already there",
                "Another programme owner has the same id. Try again.",
            ));
        }
        tx.commit().await
    }

    /// Every database in which this server has tenants.
    pub(crate) async fn databases(&self) -> Result<Vec<Db>> {
        let rows = self.db().read().await?.rows("SELECT DISTINCT url FROM placement", Vec::new()).await?;
        let mut all = vec![self.db().clone()];
        for row in rows {
            all.push(self.places().database(&row.text(0)?, self.db().vault()).await?);
        }
        Ok(all)
    }

    /// Closes every database that is open.
    pub async fn close(&self) {
        for db in self.places().take_all().await {
            db.close().await;
        }
        self.db().close().await;
    }
}
