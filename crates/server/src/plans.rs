//! Versions of programmes that come into force from a business day on: kept until then, and published by whichever
//! server sees the day first.

use serde_json::json;
use stempel_domain::programme::Programme;
use stempel_domain::{Day, ProgrammeId, TenantId};

use crate::db::{Row, values};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::Tenant;

/// How far ahead a day may be, in days: two years.
const AHEAD_MAX: i32 = 731;

/// A version that waits for its day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Which programme.
    pub programme: ProgrammeId,
    /// The programme, in JSON.
    pub text: String,
    /// The version that it was made from; 0: a new programme.
    pub base: u32,
    /// The first business day on which it holds.
    pub from: Day,
    /// Why it did not come into force although its day has come.
    pub failed: Option<String>,
}

fn read(row: &Row) -> Result<Plan> {
    let damaged = || Error::Damaged("a planned programme".to_owned());
    Ok(Plan {
        programme: row.text(0)?.parse().map_err(|_| damaged())?,
        text: row.text(1)?,
        base: row.int(2)?.try_into().map_err(|_| damaged())?,
        from: Day::from_number(row.int(3)?),
        failed: row.opt_text(4)?,
    })
}

impl Server {
    /// Plans a checked programme's next version for a day; a plan that there was gives way to it.
    pub async fn plan_programme(
        &self,
        tenant: TenantId,
        programme: &Programme,
        base: u32,
        from: Day,
    ) -> Result<()> {
        self.may_be_planned(tenant, from).await?;
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        tx.execute(
            "INSERT INTO planned_programme (tenant, programme, body, base, from_day) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (tenant, programme) DO UPDATE SET body = excluded.body, base = excluded.base,
             from_day = excluded.from_day, failed = NULL",
            values![
                tenant,
                programme.id().as_str(),
                programme.to_json(),
                i64::from(base),
                i64::from(from.number())
            ],
        )
        .await?;
        let what = json!({ "from": from });
        self.note(&mut tx, &locked, "programme-planned", programme.id().as_str(), what).await?;
        tx.commit().await
    }

    /// Refuses a day that is not after today, or too far ahead.
    pub(crate) async fn may_be_planned(&self, tenant: TenantId, from: Day) -> Result<()> {
        let today = self.business_day_of(tenant).await?;
        if from > today && from <= today.plus_days(AHEAD_MAX) {
            return Ok(());
        }
        let detail = "Choose a day after today and within two years, or publish it now.";
        Err(Error::refused("day", 422, "This day cannot be planned for", detail))
    }

    /// Every plan of a tenant, the next first.
    pub async fn plans(&self, tenant: TenantId) -> Result<Vec<Plan>> {
        let mut tx = self.read_of(tenant).await?;
        let rows = tx
            .rows(
                "SELECT programme, body, base, from_day, failed FROM planned_programme
                 WHERE tenant = $1 ORDER BY from_day, programme",
                values![tenant],
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// Drops a plan.
    pub async fn plan_drop(&self, tenant: TenantId, programme: &ProgrammeId) -> Result<()> {
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        let dropped = tx
            .execute(
                "DELETE FROM planned_programme WHERE tenant = $1 AND programme = $2",
                values![tenant, programme.as_str()],
            )
            .await?;
        if dropped > 0 {
            self.note(&mut tx, &locked, "programme-plan-dropped", programme.as_str(), json!({})).await?;
        }
        tx.commit().await
    }

    /// Publishes what has reached its day, and says how many versions came into force.
    pub async fn plans_carry_out(&self) -> Result<usize> {
        let mut done = 0;
        for db in self.databases().await? {
            let rows = db
                .read()
                .await?
                .rows(
                    "SELECT tenant FROM planned_programme WHERE failed IS NULL
                     UNION SELECT tenant FROM programme_trial WHERE over_ms IS NULL AND from_day IS NOT NULL",
                    Vec::new(),
                )
                .await?;
            for row in rows {
                let tenant: TenantId = row.id(0)?;
                let today = self.business_day_of(tenant).await?;
                for plan in self.plans(tenant).await? {
                    if plan.failed.is_none() && plan.from <= today {
                        done += usize::from(self.plan_carry_out(tenant, &plan).await?);
                    }
                }
                done += self.trials_carry_out(tenant, today).await?;
            }
        }
        Ok(done)
    }

    /// Publishes one. Done twice it gives one version: the same text again is the same version.
    async fn plan_carry_out(&self, tenant: TenantId, plan: &Plan) -> Result<bool> {
        let id = &plan.programme;
        let failed = match self.programme_publish_after(tenant, id, &plan.text, Some(plan.base)).await {
            Ok(_) => None,
            Err(error) if error.problem().status < 500 => Some(error.problem().title),
            Err(error) => return Err(error),
        };
        let mut tx = self.write_of(tenant).await?;
        let key = values![tenant, id.as_str(), &plan.text[..]];
        match &failed {
            None => {
                tx.execute(
                    "DELETE FROM planned_programme WHERE tenant = $1 AND programme = $2 AND body = $3",
                    key,
                )
                .await?;
            }
            Some(why) => {
                let mut key = key;
                key.extend(values![&why[..]]);
                tx.execute(
                    "UPDATE planned_programme SET failed = $4 WHERE tenant = $1 AND programme = $2 AND body = $3",
                    key,
                )
                .await?;
            }
        }
        tx.commit().await?;
        Ok(failed.is_none())
    }

    /// The business day at a tenant's first shop.
    async fn business_day_of(&self, tenant: TenantId) -> Result<Day> {
        let shops = self.shops(tenant).await?;
        Ok(shops.first().map_or_else(|| self.today(), |shop| self.moment_at(shop).day))
    }
}
