//! Work that is done after a request was answered, by whichever server has time.
//!
//! A job is put down in the transaction of the change that makes it necessary. A server that takes it has a lease;
//! if it dies, the lease runs out and another one takes the job. The effect of a job and its end are one
//! transaction under the tenant's lock, in which the lease is looked at once more: so nothing is done twice, also
//! when clocks differ.

use std::time::Duration;

use stempel_domain::TenantId;

use crate::db::{Db, Tx, values};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::Tenant;
use crate::{grants, people, policy, rejudge};

/// For how long a server may work on a job before another one may take it, in milliseconds.
const LEASE_MS: i64 = 60_000;
/// How long a job that failed waits: the first time, doubled each time, at most.
const RETRY_MS: (i64, i64) = (2_000, 3_600_000);
/// How often a server that has nothing to do looks for jobs that others put down.
const IDLE: Duration = Duration::from_millis(500);
/// Jobs that one call of [`Server::work`] does.
const ROUND_MAX: usize = 1000;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The programme's policy for a case; the id is the case.
    Case,
    /// Judging the rows of a journal again; the id is the author.
    Judge,
    /// Taking back what a member was given twice; the id is the member.
    Grants,
    /// Writing the pages anew that held keys which were dropped; there is one for each tenant.
    Clean,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Case, Self::Judge, Self::Grants, Self::Clean];

    fn name(self) -> &'static str {
        match self {
            Self::Case => "case",
            Self::Judge => "judge",
            Self::Grants => "grants",
            Self::Clean => "clean",
        }
    }
}

/// A job that this server has the lease of.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub tenant: TenantId,
    pub kind: Kind,
    pub id: Vec<u8>,
    tries: i64,
    lease: [u8; 16],
}

/// How a piece of work stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Done,
    /// Some of it; the rest comes when the job is taken again.
    More,
}

/// Puts a job down, unless the same one is there. The caller has locked the tenant.
pub(crate) async fn put(tx: &mut Tx, tenant: TenantId, kind: Kind, id: &[u8], due_ms: i64) -> Result<()> {
    tx.execute(
        "INSERT INTO job (tenant, kind, id, due_ms, tries, lease_until_ms) VALUES ($1, $2, $3, $4, 0, 0)
         ON CONFLICT DO NOTHING",
        values![tenant, kind.name(), id, due_ms],
    )
    .await?;
    Ok(())
}

impl Job {
    /// Locks the tenant and makes sure that the job is still this server's to do.
    pub(crate) async fn begin(&self, tx: &mut Tx) -> Result<Tenant> {
        let tenant = Tenant::lock(tx, self.tenant).await?;
        let row = tx
            .row(
                "SELECT lease FROM job WHERE tenant = $1 AND kind = $2 AND id = $3",
                values![self.tenant, self.kind.name(), &self.id[..]],
            )
            .await?;
        match row.map(|row| row.opt_bytes(0)).transpose()?.flatten() {
            Some(lease) if lease == self.lease => Ok(tenant),
            // Somebody else has done it meanwhile, or is about to.
            _ => Err(Error::Busy),
        }
    }

    /// Ends the job, or gives it back for the rest, in the transaction of its effect.
    pub(crate) async fn end(&self, tx: &mut Tx, progress: Progress, now_ms: i64) -> Result<()> {
        let key = values![self.tenant, self.kind.name(), &self.id[..]];
        match progress {
            Progress::Done => {
                tx.execute("DELETE FROM job WHERE tenant = $1 AND kind = $2 AND id = $3", key).await?;
            }
            Progress::More => self.give_back(tx, now_ms, 0, None).await?,
        }
        Ok(())
    }

    async fn give_back(&self, tx: &mut Tx, due_ms: i64, tries: i64, failed: Option<String>) -> Result<()> {
        tx.execute(
            "UPDATE job SET lease = NULL, lease_until_ms = 0, due_ms = $5, tries = $6, failed = $7
             WHERE tenant = $1 AND kind = $2 AND id = $3 AND lease = $4",
            values![self.tenant, self.kind.name(), &self.id[..], &self.lease[..], due_ms, tries, failed],
        )
        .await?;
        Ok(())
    }
}

impl Server {
    /// Does what is due, and says how many jobs were taken. Called by tests; a running server calls
    /// `work_until_stopped`.
    pub async fn work(&self) -> Result<usize> {
        let mut taken = 0;
        for db in self.databases().await? {
            while taken < ROUND_MAX && !*self.stopping().borrow() {
                let Some(job) = self.take(&db).await? else { break };
                taken += 1;
                if let Err(error) = self.perform(&db, &job).await {
                    tracing::warn!(kind = job.kind.name(), tenant = %job.tenant, %error, "a job was not done");
                    self.put_off(&db, &job, &error).await?;
                }
            }
        }
        Ok(taken)
    }

    /// Does what is due until the server stops; what was begun is finished.
    pub(crate) async fn work_until_stopped(self) {
        let mut stopping = self.stopping();
        while !*stopping.borrow() {
            match self.work().await {
                Ok(taken) if taken >= ROUND_MAX => continue,
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "could not look for work"),
            }
            tokio::select! {
                () = tokio::time::sleep(IDLE) => {}
                _ = stopping.changed() => {}
            }
        }
    }

    /// Takes the lease of a job that is due.
    async fn take(&self, db: &Db) -> Result<Option<Job>> {
        let now_ms = self.now_ms();
        let due = "SELECT tenant, kind, id FROM job WHERE due_ms <= $1 AND lease_until_ms <= $1
                   ORDER BY due_ms LIMIT 1";
        // Looking keeps no writer waiting.
        if db.read().await?.row(due, values![now_ms]).await?.is_none() {
            return Ok(None);
        }
        let lease: [u8; 16] = self.random();
        let mut tx = db.write().await?;
        let Some(found) = tx.free_row(due, values![now_ms]).await? else { return Ok(None) };
        let (tenant, name, id): (TenantId, String, Vec<u8>) = (found.id(0)?, found.text(1)?, found.bytes(2)?);
        let row = tx
            .row(
                "UPDATE job SET lease = $4, lease_until_ms = $5, tries = tries + 1
                 WHERE tenant = $1 AND kind = $2 AND id = $3 RETURNING tries",
                values![tenant, &name[..], &id[..], &lease[..], now_ms.saturating_add(LEASE_MS)],
            )
            .await?;
        tx.commit().await?;
        let tries = row.map_or(Ok(1), |row| row.int(0))?;
        match Kind::ALL.into_iter().find(|kind| kind.name() == name) {
            Some(kind) => Ok(Some(Job { tenant, kind, id, tries, lease })),
            None => {
                // A newer server put it down and will do it; this one has the lease until then.
                tracing::debug!(kind = name, "a job of a kind that this program does not know");
                Ok(None)
            }
        }
    }

    async fn perform(&self, db: &Db, job: &Job) -> Result<()> {
        match job.kind {
            Kind::Case => policy::carry_out(self, db, job).await,
            Kind::Judge => rejudge::judge_again(self, db, job).await,
            Kind::Grants => grants::withdraw_doubled(self, db, job).await,
            Kind::Clean => people::clean_up(self, db, job).await,
        }
    }

    /// Gives a job back that failed, for a later time.
    async fn put_off(&self, db: &Db, job: &Job, error: &Error) -> Result<()> {
        let wait_ms = RETRY_MS.0.saturating_mul(1 << job.tries.clamp(1, 20)).min(RETRY_MS.1);
        let mut tx = db.write().await?;
        job.give_back(&mut tx, self.now_ms().saturating_add(wait_ms), job.tries, Some(error.to_string()))
            .await?;
        tx.commit().await
    }
}
