//! Programmes: publishing a version, ending one.

use serde::Serialize;
use serde_json::json;
use stempel_domain::event::{Fact, ProgrammePublished, ProgrammeRef};
use stempel_domain::{Moment, ProgrammeId, TenantId};
use stempel_wire::message::FeedChange;

use crate::author;
use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::occasions;
use crate::server::Server;
use crate::tenant::Tenant;
use crate::trials::{self, Trial};

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
        let trial = trials::running_of(&mut tx, tenant.id, id).await?;
        if let Some(newest) = &newest
            && newest.text == text
            && !newest.ended
            && trial.is_none()
        {
            return Ok(newest.reference.clone());
        }
        let known = newest.as_ref().map_or(0, |newest| newest.reference.version);
        let known = known.max(trials::last_version(&mut tx, tenant.id, id).await?);
        if expected.is_some_and(|expected| expected != known) {
            return Err(trials::changed(known));
        }
        trials::end(&mut tx, tenant.id, id, moment.utc_ms).await?;
        let programme = match trial.filter(|trial| trial.text == text) {
            // It was published for one shop, and holds everywhere now.
            Some(trial) => trial.reference,
            None => write_version(&mut tx, &mut tenant, moment, id, known, text).await?,
        };
        let version = programme.version;
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
        let (newest, moment) = (newest(&mut tx, tenant.id, id).await?, self.moment());
        let trial = trials::running_of(&mut tx, tenant.id, id).await?;
        trials::end(&mut tx, tenant.id, id, moment.utc_ms).await?;
        let newest = match (trial, newest) {
            // The devices of one shop know a later version: a version after that one ends it everywhere.
            (Some(trial), before) => ended_after(&mut tx, &mut tenant, moment, trial, before).await?,
            (None, Some(newest)) => newest,
            (None, None) => return Err(Error::not_found(format!("programme “{id}”"))),
        };
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

/// Publishes what held before a trial once more, so that it can end: the trial's version is above all others.
async fn ended_after(
    tx: &mut Tx,
    tenant: &mut Tenant,
    moment: Moment,
    trial: Trial,
    before: Option<ProgrammeInfo>,
) -> Result<ProgrammeInfo> {
    let text = before.map_or(trial.text, |before| before.text);
    let (id, known) = (trial.reference.id, trial.reference.version);
    let reference = write_version(tx, tenant, moment, &id, known, &text).await?;
    tx.execute(
        "INSERT INTO programme (tenant, programme, version, body, ended, published_ms)
         VALUES ($1, $2, $3, $4, 0, $5)",
        values![tenant.id, id.as_str(), i64::from(reference.version), &text[..], moment.utc_ms],
    )
    .await?;
    Ok(ProgrammeInfo { reference, text, ended: false, published_ms: moment.utc_ms })
}

/// The setting that holds the number from which versions go on after a restore.
const FIRST_VERSION: &str = "first-version";
/// The beginning of 2020, in milliseconds: minutes since then are far above what anybody counts up to one by one.
const YEAR_2020_MS: i64 = 1_577_836_800_000;
const MINUTE_MS: i64 = 60_000;

/// Has the versions of a restored tenant go on beyond all that were published before: what came after the backup is
/// lost here but may be known at devices, and no number stands for two texts. The minute of the restore grows with
/// each one, also when the same backup is restored twice.
pub(super) async fn leap_versions(tx: &mut Tx, tenant: TenantId, now_ms: i64) -> Result<()> {
    let first = (now_ms - YEAR_2020_MS).max(0) / MINUTE_MS;
    tx.execute(
        "INSERT INTO setting (tenant, name, value) VALUES ($1, $2, $3)
         ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value",
        values![tenant, FIRST_VERSION, first.to_string()],
    )
    .await?;
    Ok(())
}

/// Writes down the programme's version that comes after `known`, as an event of the server.
pub(crate) async fn write_version(
    tx: &mut Tx,
    tenant: &mut Tenant,
    moment: Moment,
    id: &ProgrammeId,
    known: u32,
    text: &str,
) -> Result<ProgrammeRef> {
    let version = next_version(tx, tenant.id, known).await?;
    let programme = ProgrammeRef { id: id.clone(), version };
    let published = ProgrammePublished { programme: programme.clone(), text: text.to_owned() };
    author::append(tx, tenant, moment, vec![Fact::ProgrammePublished(published)], &[]).await?;
    Ok(programme)
}

/// The number of the version that comes after `known`.
async fn next_version(tx: &mut Tx, tenant: TenantId, known: u32) -> Result<u32> {
    let row = tx
        .row("SELECT value FROM setting WHERE tenant = $1 AND name = $2", values![tenant, FIRST_VERSION])
        .await?;
    let first = row.map(|row| row.text(0)).transpose()?.and_then(|text| text.parse().ok()).unwrap_or(1);
    Ok(known.saturating_add(1).max(first))
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

pub(crate) async fn newest(tx: &mut Tx, tenant: TenantId, id: &ProgrammeId) -> Result<Option<ProgrammeInfo>> {
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
