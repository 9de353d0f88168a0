//! From when on something looks odd, where the owner says so. What is not said has its default. The limits stand in the
//! feed and nowhere else: a device goes by the same ones as the server.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};
use stempel_domain::TenantId;
use stempel_domain::alarm::{AlarmKind, Limit, Limits, LimitsSet};
use stempel_wire::message::FeedChange;

use crate::api::access::Scope;
use crate::api::{Asking, body};
use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::http::{Answer, Shared};
use crate::server::Server;
use crate::tenant::Tenant;

/// The kind of thing under which they stand in the feed.
const KIND: &str = "alarm-limits";
/// The highest step, in whatever is counted; a million of money.
const STEP_MAX: u32 = 100_000_000;

/// What the owner has set.
pub(super) async fn set(tx: &mut Tx, tenant: TenantId) -> Result<LimitsSet> {
    let sql = "SELECT body FROM thing WHERE tenant = $1 AND kind = $2 AND id = $3";
    let Some(row) = tx.row(sql, values![tenant, KIND, &tenant.0[..]]).await? else {
        return Ok(LimitsSet::new());
    };
    match serde_json::from_str(&row.text(0)?)? {
        FeedChange::AlarmLimits { limits } => Ok(limits),
        _ => Err(Error::Damaged("the limits of alarms".to_owned())),
    }
}

/// Refuses limits that nobody means.
fn check(limits: &LimitsSet) -> Result<()> {
    if !Limits::default().with(limits).are_well() {
        return Err(Error::bad_request("A limit counts over 1 to 10080 minutes, which is a week."));
    }
    if limits.values().any(|limit| limit.warn.max(limit.ask) > STEP_MAX) {
        return Err(Error::bad_request(format!("warn and ask are 0, which is never, to {STEP_MAX}.")));
    }
    match limits.get(&AlarmKind::TwoPlaces) {
        // A device sees its own shop alone, so nobody there could be asked.
        Some(limit) if limit.ask > 0 => {
            Err(Error::bad_request("two-places is seen by the server only, and asks nobody: leave ask at 0."))
        }
        _ => Ok(()),
    }
}

impl Server {
    /// The limits that the owner has set, and those that are in force with them.
    pub async fn alarm_limits(&self, tenant: TenantId) -> Result<(LimitsSet, Limits)> {
        let set = set(&mut self.read_of(tenant).await?, tenant).await?;
        let in_force = Limits::default().with(&set);
        Ok((set, in_force))
    }

    /// Sets limits; those that are not named have their defaults again. They hold for what is judged from now on, and at
    /// a device from its next contact on.
    pub async fn alarm_limits_set(&self, tenant: TenantId, limits: LimitsSet) -> Result<()> {
        self.alarm_limits_change(tenant, |_| limits).await
    }

    /// Sets the limit of one kind, or gives it its default again.
    pub async fn alarm_limit_set(
        &self,
        tenant: TenantId,
        kind: AlarmKind,
        limit: Option<Limit>,
    ) -> Result<()> {
        let change = |mut limits: LimitsSet| {
            match limit {
                Some(limit) => limits.insert(kind, limit),
                None => limits.remove(&kind),
            };
            limits
        };
        self.alarm_limits_change(tenant, change).await
    }

    async fn alarm_limits_change(
        &self,
        tenant: TenantId,
        change: impl FnOnce(LimitsSet) -> LimitsSet,
    ) -> Result<()> {
        let mut tx = self.write_of(tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, tenant).await?;
        let before = set(&mut tx, tenant.id).await?;
        let limits = change(before.clone());
        check(&limits)?;
        if limits == before {
            return Ok(());
        }
        let (id, what) = (tenant.id.0, json!({ "limits": limits }));
        tenant.publish(&mut tx, KIND, &id, &FeedChange::AlarmLimits { limits }).await?;
        self.note(&mut tx, &tenant, "setting-changed", KIND, what).await?;
        tenant.save_head(&mut tx).await?;
        tx.commit().await?;
        self.announce(tenant.id, tenant.head);
        Ok(())
    }
}

/// As the API tells them.
async fn told(server: &Server, tenant: TenantId) -> Result<Value> {
    let (set, in_force) = server.alarm_limits(tenant).await?;
    let in_force: LimitsSet = AlarmKind::ALL.into_iter().map(|kind| (kind, in_force.of(kind))).collect();
    Ok(json!({ "limits": set, "in_force": in_force }))
}

pub(super) async fn show(asking: Asking) -> Answer {
    asking.principal.may_everywhere(Scope::Manage)?;
    Ok(Json(told(&asking.server, asking.principal.tenant).await?).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLimits {
    limits: LimitsSet,
}

pub(super) async fn put(State(http): Shared, asking: Asking, request: Request) -> Answer {
    asking.principal.may_everywhere(Scope::Own)?;
    let (_, NewLimits { limits }) = body::<NewLimits>(&http, request).await?;
    asking.server.alarm_limits_set(asking.principal.tenant, limits).await?;
    Ok(Json(told(&asking.server, asking.principal.tenant).await?).into_response())
}
