//! What a person decides: rows held for review, rows that were not understood, journals that were stopped.

use serde_json::json;
use stempel_domain::event::Event;
use stempel_domain::{AuthorId, TenantId};
use stempel_wire::Row;

use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::ingest::{Booking, Status, judge, let_through};
use crate::server::Server;
use crate::tenant::Tenant;

/// Rows looked at in one transaction.
const FETCH: i64 = 500;

impl Server {
    /// Lets through every row of a device that was held for review, and says how many. They count from now on.
    pub async fn held_release(&self, tenant: TenantId, device: AuthorId) -> Result<u64> {
        self.review(tenant, Some(device), Status::Held).await
    }

    /// Looks again at every row that could not be understood, after the program became newer, and says how
    /// many count now.
    pub async fn dead_retry(&self, tenant: TenantId) -> Result<u64> {
        self.review(tenant, None, Status::Dead).await
    }

    /// Goes on with a journal that was stopped because there were two rows under one number. The row that is
    /// here stays; the copy whose row was refused must not be used any more.
    pub async fn quarantine_lift(&self, tenant: TenantId, author: AuthorId) -> Result<()> {
        let mut tx = self.write_of(tenant).await?;
        let lifted = tx
            .execute("DELETE FROM quarantine WHERE tenant = $1 AND author = $2", values![tenant, author])
            .await?;
        if lifted == 0 {
            return Err(Error::not_found(format!("stopped journal of {author}")));
        }
        let locked = Tenant::lock(&mut tx, tenant).await?;
        self.note(&mut tx, &locked, "quarantine-lifted", &author.to_string(), json!({})).await?;
        tx.commit().await?;
        tracing::info!(%tenant, %author, "a stopped journal goes on");
        Ok(())
    }

    async fn review(&self, tenant: TenantId, device: Option<AuthorId>, status: Status) -> Result<u64> {
        let (mut released, mut after) = (0, (Vec::new(), 0_u64));
        loop {
            let moment = self.moment();
            let mut tx = self.write_of(tenant).await?;
            let mut tenant = Tenant::lock(&mut tx, tenant).await?;
            let rows = tx
                .rows(
                    "SELECT author, seq, bytes FROM event
                     WHERE tenant = $1 AND status <> 0 AND status = $2 AND (author > $3 OR (author = $3 AND seq > $4))
                     ORDER BY author, seq LIMIT $5",
                    values![tenant.id, status.code(), after.0.clone(), after.1, FETCH],
                )
                .await?;
            let Some(last) = rows.last() else { return Ok(released) };
            after = (last.bytes(0)?, last.number(1)?);
            let mut events: Vec<Event> = Vec::new();
            for row in rows {
                if device.is_some_and(|device| row.id(0).is_ok_and(|author: AuthorId| author != device)) {
                    continue;
                }
                let row = Row::parse(row.bytes(2)?).map_err(|error| Error::Damaged(error.to_string()))?;
                if let Ok(event) = judge::judge(&row).verdict {
                    count(&mut tx, tenant.id, &event).await?;
                    events.push(*event);
                }
            }
            let booking = Booking { now_ms: moment.utc_ms, today: moment.day };
            let_through(&mut tx, &mut tenant, booking, &events).await?;
            if !events.is_empty() {
                let subject = device.map_or("dead letters".to_owned(), |device| device.to_string());
                self.note(&mut tx, &tenant, "rows-let-through", &subject, json!({ "rows": events.len() }))
                    .await?;
            }
            tenant.save_head(&mut tx).await?;
            tx.commit().await?;
            self.announce(tenant.id, tenant.head);
            released += events.len() as u64;
        }
    }
}

/// Marks a stored row as one that counts.
async fn count(tx: &mut Tx, tenant: TenantId, event: &Event) -> Result<()> {
    let (author, seq) = (event.author, event.seq);
    tx.execute(
        "UPDATE event SET status = 0, kind = $4, member = $5 WHERE tenant = $1 AND author = $2 AND seq = $3",
        values![tenant, author, seq, event.record.fact.kind(), event.record.fact.member()],
    )
    .await?;
    tx.execute(
        "DELETE FROM dead_letter WHERE tenant = $1 AND author = $2 AND seq = $3",
        values![tenant, author, seq],
    )
    .await?;
    Ok(())
}
