//! A programme's version for one shop first. The devices of that shop follow it like any other; everywhere else the
//! version before goes on. It ends by being published for all, or by the version before being published anew.
//!
//! A version on trial is told to the devices of its shop alone, so no other device has to know of trials.

use serde_json::json;
use stempel_domain::event::ProgrammeRef;
use stempel_domain::programme::{Programme, Published};
use stempel_domain::{Day, ProgrammeId, ShopId, TenantId};
use stempel_wire::message::FeedChange;

use crate::admin::{newest_version, write_version};
use crate::db::{Row, Tx, values};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::{self, Tenant};

/// A version that holds at one shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Which version of which programme.
    pub reference: ProgrammeRef,
    /// The programme, in JSON.
    pub text: String,
    /// Where it holds.
    pub shop: ShopId,
    /// Since when, in milliseconds.
    pub begun_ms: i64,
    /// The business day from which it holds everywhere; none: when somebody says so.
    pub from: Option<Day>,
}

fn read(row: &Row) -> Result<Trial> {
    let damaged = || Error::Damaged("a programme on trial".to_owned());
    Ok(Trial {
        reference: ProgrammeRef {
            id: row.text(0)?.parse().map_err(|_| damaged())?,
            version: row.int(1)?.try_into().map_err(|_| damaged())?,
        },
        text: row.text(2)?,
        shop: row.id(3)?,
        begun_ms: row.int(4)?,
        from: row.opt_int(5)?.map(Day::from_number),
    })
}

impl Server {
    /// Publishes a checked programme's next version for one shop. `base` is the version that was looked at, 0 for a new
    /// programme; `from` the business day from which it holds everywhere, if that is known. A version that was on trial
    /// gives way to it.
    pub async fn trial_begin(
        &self,
        tenant: TenantId,
        programme: &Programme,
        base: u32,
        shop: ShopId,
        from: Option<Day>,
    ) -> Result<ProgrammeRef> {
        if let Some(from) = from {
            self.may_be_planned(tenant, from).await?;
        }
        let (id, text, moment) = (programme.id(), programme.to_json(), self.moment());
        let mut tx = self.write_of(tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, tenant).await?;
        tenant::shop(&mut tx, tenant.id, shop).await?;
        let newest = newest_version(&mut tx, tenant.id, id).await?;
        let known = newest.as_ref().map_or(0, |newest| newest.reference.version);
        let known = known.max(last_version(&mut tx, tenant.id, id).await?);
        if base != known {
            return Err(changed(known));
        }
        end(&mut tx, tenant.id, id, moment.utc_ms).await?;
        let reference = write_version(&mut tx, &mut tenant, moment, id, known, &text).await?;
        let version = reference.version;
        let change = FeedChange::Programme { reference: reference.clone(), text: text.clone(), ended: false };
        let position = tenant.next_position();
        tx.execute(
            "INSERT INTO programme_trial
             (tenant, programme, version, shop, body, change, position, begun_ms, from_day, over_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL)",
            values![
                tenant.id,
                id.as_str(),
                i64::from(version),
                shop,
                text,
                serde_json::to_string(&change)?,
                position,
                moment.utc_ms,
                from.map(|from| i64::from(from.number()))
            ],
        )
        .await?;
        let what = json!({ "version": version, "shop": shop, "from": from });
        self.note(&mut tx, &tenant, "programme-trial", id.as_str(), what).await?;
        tenant.save_head(&mut tx).await?;
        tx.commit().await?;
        self.announce(tenant.id, tenant.head);
        Ok(reference)
    }

    /// The versions on trial, by programme.
    pub async fn trials(&self, tenant: TenantId) -> Result<Vec<Trial>> {
        running(&mut self.read_of(tenant).await?, tenant, None).await
    }

    /// Every version of a programme that was ever on trial, newest first.
    pub(crate) async fn trial_versions(&self, tenant: TenantId, id: &ProgrammeId) -> Result<Vec<Trial>> {
        let mut tx = self.read_of(tenant).await?;
        let rows = tx
            .rows(
                "SELECT programme, version, body, shop, begun_ms, from_day FROM programme_trial
                 WHERE tenant = $1 AND programme = $2 ORDER BY version DESC LIMIT 200",
                values![tenant, id.as_str()],
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// Has the version on trial hold everywhere.
    pub async fn trial_for_all(&self, tenant: TenantId, id: &ProgrammeId) -> Result<ProgrammeRef> {
        let trial = self.trial_of(tenant, id).await?;
        let version = trial.reference.version;
        self.programme_publish_after(tenant, id, &trial.text, Some(version)).await
    }

    /// Takes the version on trial back: the one before is published anew. A programme that there was nowhere else ends.
    pub async fn trial_back(&self, tenant: TenantId, id: &ProgrammeId) -> Result<()> {
        let trial = self.trial_of(tenant, id).await?;
        let before = newest_version(&mut self.read_of(tenant).await?, tenant, id).await?;
        match before.filter(|before| !before.ended) {
            Some(before) => {
                let version = Some(trial.reference.version);
                self.programme_publish_after(tenant, id, &before.text, version).await.map(|_| ())
            }
            None => self.programme_end(tenant, id).await,
        }
    }

    async fn trial_of(&self, tenant: TenantId, id: &ProgrammeId) -> Result<Trial> {
        let trial = running_of(&mut self.read_of(tenant).await?, tenant, id).await?;
        trial.ok_or_else(|| Error::not_found("such trial"))
    }

    /// Has those hold everywhere whose day has come, and says how many.
    pub(crate) async fn trials_carry_out(&self, tenant: TenantId, today: Day) -> Result<usize> {
        let mut done = 0;
        for trial in self.trials(tenant).await? {
            if trial.from.is_some_and(|from| from <= today) {
                match self.trial_for_all(tenant, &trial.reference.id).await {
                    Ok(_) => done += 1,
                    // Somebody was faster.
                    Err(error) if error.problem().status < 500 => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(done)
    }
}

/// Somebody else has published meanwhile.
pub(crate) fn changed(known: u32) -> Error {
    Error::refused(
        "programme-changed",
        409,
        "Somebody else has changed this programme",
        format!("Version {known} came into force meanwhile. Look at what is different, then publish again."),
    )
}

/// The versions on trial: at one shop or at all.
async fn running(tx: &mut Tx, tenant: TenantId, shop: Option<ShopId>) -> Result<Vec<Trial>> {
    let rows = tx
        .rows(
            "SELECT programme, version, body, shop, begun_ms, from_day FROM programme_trial
             WHERE tenant = $1 AND over_ms IS NULL AND ($2 IS NULL OR shop = $2) ORDER BY programme LIMIT 1000",
            values![tenant, shop],
        )
        .await?;
    rows.iter().map(read).collect()
}

/// The version of a programme that is on trial, if one is.
pub(crate) async fn running_of(tx: &mut Tx, tenant: TenantId, id: &ProgrammeId) -> Result<Option<Trial>> {
    let row = tx
        .row(
            "SELECT programme, version, body, shop, begun_ms, from_day FROM programme_trial
             WHERE tenant = $1 AND over_ms IS NULL AND programme = $2",
            values![tenant, id.as_str()],
        )
        .await?;
    row.as_ref().map(read).transpose()
}

/// The highest version of a programme that was ever on trial; 0: none was.
pub(crate) async fn last_version(tx: &mut Tx, tenant: TenantId, id: &ProgrammeId) -> Result<u32> {
    let sql = "SELECT COALESCE(MAX(version), 0) FROM programme_trial WHERE tenant = $1 AND programme = $2";
    let row = tx.row(sql, values![tenant, id.as_str()]).await?;
    let version = row.map_or(Ok(0), |row| row.int(0))?;
    version.try_into().map_err(|_| Error::Damaged("a programme's version".to_owned()))
}

/// Ends the trial of a programme, in the transaction of what takes its place.
pub(crate) async fn end(tx: &mut Tx, tenant: TenantId, id: &ProgrammeId, now_ms: i64) -> Result<()> {
    tx.execute(
        "UPDATE programme_trial SET over_ms = $3 WHERE tenant = $1 AND programme = $2 AND over_ms IS NULL",
        values![tenant, id.as_str(), now_ms],
    )
    .await?;
    Ok(())
}

/// Puts what is on trial at a shop in the place of what holds elsewhere.
pub(crate) async fn at_shop(
    tx: &mut Tx,
    tenant: TenantId,
    shop: ShopId,
    published: &mut Vec<Published>,
) -> Result<()> {
    for trial in running(tx, tenant, Some(shop)).await? {
        published.retain(|other| other.reference.id != trial.reference.id);
        // What this program cannot read is left out, as a device does.
        if let Ok(programme) = Programme::from_json(&trial.text) {
            published.push(Published { reference: trial.reference, programme });
        }
    }
    published.sort_by(|one, other| one.reference.id.cmp(&other.reference.id));
    Ok(())
}
