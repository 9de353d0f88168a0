//! Four eyes: where the owner says so, certain changes wait until a second account agrees.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use stempel_domain::event::ErasureReason;
use stempel_domain::{AuthorId, MemberId, ShopId, TenantId};

use super::{FOUR_EYES, setting};
use crate::api::access::{Principal, Scope};
use crate::api::idempotency::KEPT_MS;
use crate::api::orders::{AdjustmentRequest, checked};
use crate::audit;
use crate::db::values;
use crate::error::{Error, Result};
use crate::people::check_months;
use crate::server::Server;
use crate::tenant::Tenant;

/// The most changes that wait.
const PENDING_MAX: i64 = 500;
/// How long the same answer can be asked for once more, in milliseconds: shorter than it is kept for its key.
const AGAIN_MS: i64 = KEPT_MS / 2;
/// The most changes of one list.
const LIST_MAX: i64 = 200;

/// A change that may need a second person.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Change {
    /// A device is signed out.
    DeviceRevoke { device: AuthorId, shop: ShopId },
    /// Units are given or taken by hand.
    Adjust { code: String, adjustment: AdjustmentRequest },
    /// The rule of four eyes itself.
    FourEyes { on: bool },
    /// Two members are made one person.
    Merge { member: MemberId, into: MemberId },
    /// A member is forgotten.
    Erase { member: MemberId },
    /// After how many months without an event members are forgotten; none: nobody is.
    Retention { months: Option<u16> },
}

impl Change {
    /// Whether somebody may do this, or agree to it.
    fn allowed(&self, principal: &Principal) -> Result<()> {
        match self {
            Self::DeviceRevoke { shop, .. } => principal.may_at(Scope::Manage, *shop),
            Self::Adjust { adjustment: AdjustmentRequest { shop: Some(shop), .. }, .. } => {
                principal.may_at(Scope::Manage, *shop)
            }
            Self::Adjust { .. } => principal.may(Scope::Manage),
            Self::Merge { .. } | Self::Erase { .. } => principal.may_everywhere(Scope::Manage),
            Self::FourEyes { .. } | Self::Retention { .. } => principal.may_everywhere(Scope::Own),
        }
    }
}

/// What became of a change that was asked for.
pub(crate) enum Asked {
    /// It was done.
    Done(Json),
    /// It waits for a second person.
    Waits(Json),
}

fn unknown() -> Error {
    Error::not_found("change that waits under this id")
}

impl Server {
    /// Does a change, or lets it wait for a second person. `key` makes a correction happen once.
    pub(crate) async fn change(
        &self,
        principal: &Principal,
        change: Change,
        key: Option<&str>,
    ) -> Result<Asked> {
        change.allowed(principal)?;
        match &change {
            Change::Adjust { adjustment, .. } => drop(checked(adjustment)?),
            Change::Retention { months } => check_months(*months)?,
            _ => {}
        }
        if !self.four_eyes(principal.tenant).await? {
            return Ok(Asked::Done(self.carry_out(principal, &change, key).await?));
        }
        let mut tx = self.write_of(principal.tenant).await?;
        let locked = Tenant::lock(&mut tx, principal.tenant).await?;
        if !setting(&mut tx, principal.tenant, FOUR_EYES).await? {
            // It was switched off just now.
            return Err(Error::Busy);
        }
        let open = tx
            .row(
                "SELECT COUNT(*) FROM pending_change WHERE tenant = $1 AND decided_ms IS NULL",
                values![principal.tenant],
            )
            .await?;
        if open.map(|row| row.int(0)).transpose()?.unwrap_or(0) >= PENDING_MAX {
            return Err(Error::bad_request(format!(
                "{PENDING_MAX} changes wait already; decide some first."
            )));
        }
        let body = serde_json::to_string(&change)?;
        // The same key asks for the same change; without one, each question is a change of its own.
        let id: [u8; 16] = match key {
            Some(key) => {
                let name = format!("{}\n{key}\n{body}", principal.actor.as_str());
                let hash = blake3::derive_key("stempel pending change v1", name.as_bytes());
                let mut id = [0; 16];
                id.copy_from_slice(&hash[..16]);
                id
            }
            None => self.random(),
        };
        let shown = data_encoding::HEXLOWER.encode(&id);
        let added = tx
            .execute(
                "INSERT INTO pending_change (tenant, id, body, asked_by, asked_ms)
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                values![principal.tenant, &id[..], body, principal.actor.as_str(), self.now_ms()],
            )
            .await?;
        if added > 0 {
            let what = audit::detail(&change)?;
            self.note(&mut tx, &locked, "change-asked", &shown, what).await?;
        }
        tx.commit().await?;
        Ok(Asked::Waits(json!({ "change": shown, "waits_for": "a second account" })))
    }

    /// Does a change. Doing the same again changes nothing.
    async fn carry_out(&self, principal: &Principal, change: &Change, key: Option<&str>) -> Result<Json> {
        match change {
            Change::DeviceRevoke { device, .. } => {
                self.device_revoke(principal.tenant, *device).await?;
                Ok(json!({ "device": device, "revoked": true }))
            }
            Change::Adjust { code, adjustment } => self.api_adjust(principal, code, adjustment, key).await,
            Change::FourEyes { on } => {
                self.four_eyes_set(principal.tenant, *on).await?;
                Ok(json!({ "four_eyes": on }))
            }
            Change::Merge { member, into } => {
                let merged =
                    self.member_merge(principal.tenant, &member.to_string(), &into.to_string()).await?;
                Ok(serde_json::to_value(merged)?)
            }
            Change::Erase { member } => {
                let reason = ErasureReason::Asked;
                let erased = self.member_erase(principal.tenant, &member.to_string(), reason).await?;
                Ok(serde_json::to_value(erased)?)
            }
            Change::Retention { months } => {
                self.retention_set(principal.tenant, *months).await?;
                Ok(json!({ "months": months }))
            }
        }
    }

    /// The changes that wait, oldest first.
    pub(crate) async fn changes(&self, principal: &Principal) -> Result<Json> {
        principal.may(Scope::Manage)?;
        let mut tx = self.read_of(principal.tenant).await?;
        let rows = tx
            .rows(
                "SELECT id, body, asked_by, asked_ms FROM pending_change
                 WHERE tenant = $1 AND decided_ms IS NULL ORDER BY asked_ms, id LIMIT $2",
                values![principal.tenant, LIST_MAX],
            )
            .await?;
        let mut changes = Vec::with_capacity(rows.len());
        for row in rows {
            let change: Change = serde_json::from_str(&row.text(1)?)?;
            if change.allowed(principal).is_err() {
                continue;
            }
            changes.push(json!({
                "change": data_encoding::HEXLOWER.encode(&row.bytes(0)?),
                "what": change, "asked_by": row.text(2)?, "asked_ms": row.int(3)?,
            }));
        }
        Ok(json!({ "changes": changes }))
    }

    /// Agrees to a change, which is then done, or declines it. Agreeing again, after an answer was lost, gives
    /// the same answer.
    pub(crate) async fn change_decide(&self, principal: &Principal, id: &str, agree: bool) -> Result<Json> {
        principal.may(Scope::Manage)?;
        let bytes = data_encoding::HEXLOWER.decode(id.as_bytes()).map_err(|_| unknown())?;
        let change = self.claim(principal, id, &bytes, agree).await?;
        if !agree {
            return Ok(json!({ "change": id, "outcome": "declined" }));
        }
        // The key makes it happen once, also if the server stops between here and there.
        let decision = Principal { actor: audit::Actor::of("change", id), ..principal.clone() };
        let answer = self.carry_out(&decision, &change, Some(id)).await?;
        Ok(json!({ "change": id, "outcome": "approved", "answer": answer }))
    }

    /// Notes a decision, in a transaction of its own.
    async fn claim(&self, principal: &Principal, id: &str, bytes: &[u8], agree: bool) -> Result<Change> {
        let mut tx = self.write_of(principal.tenant).await?;
        let locked = Tenant::lock(&mut tx, principal.tenant).await?;
        let row = tx
            .row(
                "SELECT body, asked_by, decided_by, outcome, decided_ms FROM pending_change
                 WHERE tenant = $1 AND id = $2",
                values![principal.tenant, bytes],
            )
            .await?
            .ok_or_else(unknown)?;
        let change: Change = serde_json::from_str(&row.text(0)?)?;
        change.allowed(principal)?;
        let (actor, wanted) = (principal.actor.as_str(), if agree { "approved" } else { "declined" });
        if let Some(outcome) = row.opt_text(3)? {
            let again = self.now_ms().saturating_sub(row.opt_int(4)?.unwrap_or(0)) < AGAIN_MS;
            if again && outcome == wanted && row.opt_text(2)?.as_deref() == Some(actor) {
                return Ok(change);
            }
            let detail = format!("It was {outcome} already.");
            return Err(Error::refused("decided", 409, "This change was decided", detail));
        }
        // Whoever asked may take it back, but not agree with himself.
        if agree && row.text(1)? == actor {
            return Err(Error::refused(
                "second-person",
                403,
                "This needs a second person",
                "You asked for it yourself. Somebody else with the right “manage” has to agree.",
            ));
        }
        tx.execute(
            "UPDATE pending_change SET decided_by = $3, decided_ms = $4, outcome = $5
             WHERE tenant = $1 AND id = $2",
            values![principal.tenant, bytes, actor, self.now_ms(), wanted],
        )
        .await?;
        let action = if agree { "change-approved" } else { "change-declined" };
        self.note(&mut tx, &locked, action, id, json!({ "asked_by": row.text(1)? })).await?;
        tx.commit().await?;
        Ok(change)
    }

    /// Where a device of the tenant stands.
    pub(crate) async fn device_shop(&self, tenant: TenantId, device: AuthorId) -> Result<ShopId> {
        let mut tx = self.read_of(tenant).await?;
        let row = tx
            .row("SELECT shop FROM device WHERE tenant = $1 AND device = $2", values![tenant, device])
            .await?;
        row.ok_or_else(|| Error::not_found(format!("device {device}")))?.id(0)
    }
}
