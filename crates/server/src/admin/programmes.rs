//! Programmes: publishing a version, ending one.

use serde::Serialize;
use serde_json::json;
use stempel_domain::event::{Fact, ProgrammePublished, ProgrammeRef};
use stempel_domain::{ProgrammeId, TenantId};
use stempel_wire::message::FeedChange;

use crate::author;
use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::occasions;
use crate::server::Server;
use crate::tenant::Tenant;

/// The longest programme, in bytes of JSON.
const TEXT_LEN_MAX: usize = 256 * 1024;

/// The newest version of a programme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProgrammeInfo {
    /// Which programme, and which version.
    #[serde(flatten)]
    pub reference: ProgrammeRef,
    /// The programme as published, in JSON.
    pub text: String,
    /// No longer in force.
    pub ended: bool,
    /// When it was published, in milliseconds.
    pub published_ms: i64,
}

impl Server {
    /// Publishes a programme's next version, as an event of the server. `text` is the checked programme in
    /// JSON. The same text again gives the same version.
    pub async fn programme_publish(
        &self,
        tenant: TenantId,
        id: &ProgrammeId,
        text: &str,
    ) -> Result<ProgrammeRef> {
        self.programme_publish_after(tenant, id, text, None).await
    }

    /// As [`Server::programme_publish`], if the newest version is still the one that was looked at; 0: there is none.
    pub(crate) async fn programme_publish_after(
        &self,
        tenant: TenantId,
        id: &ProgrammeId,
        text: &str,
        expected: Option<u32>,
    ) -> Result<ProgrammeRef> {
        let wrong = |why: &str| Error::refused("programme", 400, "The programme cannot be published", why);
        if text.len() > TEXT_LEN_MAX {
            return Err(wrong("It is too long."));
        }
        if !serde_json::from_str(text).is_ok_and(|value: serde_json::Value| value.is_object()) {
            return Err(wrong("It is not a programme in JSON; check it with “stempel programme check”."));
        }
        let moment = self.moment();
        let mut tx = self.write_of(tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, tenant).await?;
        let newest = newest(&mut tx, tenant.id, id).await?;
        if let Some(newest) = &newest
            && newest.text == text
            && !newest.ended
        {
            return Ok(newest.reference.clone());
        }
        let known = newest.as_ref().map_or(0, |newest| newest.reference.version);
        if expected.is_some_and(|expected| expected != known) {
            return Err(Error::refused(
                "programme-changed",
                409,
                "Somebody else has changed this programme",
                format!(
                    "Version {known} came into force meanwhile. Look at what is different, then publish again."
                ),
            ));
        }
        let version = newest.map_or(1, |newest| newest.reference.version.saturating_add(1));
        let programme = ProgrammeRef { id: id.clone(), version };
        let fact = Fact::ProgrammePublished(ProgrammePublished {
            programme: programme.clone(),
            text: text.to_owned(),
        });
        author::append(&mut tx, &mut tenant, moment, vec![fact], &[]).await?;
        tx.execute(
            "INSERT INTO programme (tenant, programme, version, body, ended, published_ms)
             VALUES ($1, $2, $3, $4, 0, $5)",
            values![tenant.id, id.as_str(), i64::from(version), text, moment.utc_ms],
        )
        .await?;
        publish(&mut tx, &mut tenant, &programme, text, false).await?;
        occasions::begin(&mut tx, tenant.id, text, moment.utc_ms).await?;
        self.note(&mut tx, &tenant, "programme-published", id.as_str(), json!({ "version": version }))
            .await?;
        tenant.save_head(&mut tx).await?;
        tx.commit().await?;
        self.announce(tenant.id, tenant.head);
        Ok(programme)
    }

    /// Takes a programme out of force. Its versions stay readable.
    pub async fn programme_end(&self, tenant: TenantId, id: &ProgrammeId) -> Result<()> {
        let mut tx = self.write_of(tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, tenant).await?;
        let newest = newest(&mut tx, tenant.id, id)
            .await?
            .ok_or_else(|| Error::not_found(format!("programme “{id}”")))?;
        if newest.ended {
            return Ok(());
        }
        tx.execute(
            "UPDATE programme SET ended = 1 WHERE tenant = $1 AND programme = $2 AND version = $3",
            values![tenant.id, id.as_str(), i64::from(newest.reference.version)],
        )
        .await?;
        publish(&mut tx, &mut tenant, &newest.reference, &newest.text, true).await?;
        self.note(&mut tx, &tenant, "programme-ended", id.as_str(), json!({})).await?;
        tenant.save_head(&mut tx).await?;
        tx.commit().await?;
        self.announce(tenant.id, tenant.head);
        Ok(())
    }

    /// Every version of a programme, newest first.
    pub(crate) async fn programme_versions(
        &self,
        tenant: TenantId,
        id: &ProgrammeId,
    ) -> Result<Vec<ProgrammeInfo>> {
        let mut tx = self.read_of(tenant).await?;
        let rows = tx
            .rows(
                "SELECT programme, version, body, ended, published_ms FROM programme
                 WHERE tenant = $1 AND programme = $2 ORDER BY version DESC LIMIT 200",
                values![tenant, id.as_str()],
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// The newest version of every programme.
    pub async fn programme_list(&self, tenant: TenantId) -> Result<Vec<ProgrammeInfo>> {
        let mut tx = self.read_of(tenant).await?;
        let rows = tx
            .rows(
                "SELECT programme, version, body, ended, published_ms FROM programme p
                 WHERE tenant = $1 AND version = (SELECT MAX(version) FROM programme q
                 WHERE q.tenant = p.tenant AND q.programme = p.programme) ORDER BY programme",
                values![tenant],
            )
            .await?;
        rows.iter().map(read).collect()
    }
}

async fn publish(
    tx: &mut Tx,
    tenant: &mut Tenant,
    reference: &ProgrammeRef,
    text: &str,
    ended: bool,
) -> Result<()> {
    let change = FeedChange::Programme { reference: reference.clone(), text: text.to_owned(), ended };
    tenant.publish(tx, "programme", reference.id.as_str().as_bytes(), &change).await
}

async fn newest(tx: &mut Tx, tenant: TenantId, id: &ProgrammeId) -> Result<Option<ProgrammeInfo>> {
    let row = tx
        .row(
            "SELECT programme, version, body, ended, published_ms FROM programme
             WHERE tenant = $1 AND programme = $2 ORDER BY version DESC LIMIT 1",
            values![tenant, id.as_str()],
        )
        .await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &crate::db::Row) -> Result<ProgrammeInfo> {
    let damaged = || Error::Damaged("a programme's name or version".to_owned());
    let id = row.text(0)?.parse().map_err(|_| damaged())?;
    let version = row.int(1)?.try_into().map_err(|_| damaged())?;
    Ok(ProgrammeInfo {
        reference: ProgrammeRef { id, version },
        text: row.text(2)?,
        ended: row.flag(3)?,
        published_ms: row.int(4)?,
    })
}
