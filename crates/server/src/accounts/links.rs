//! One-time codes by mail: the first password after an invitation, a new one when it was forgotten.

use data_encoding::BASE32_NOPAD;
use serde::Serialize;
use serde_json::json;
use stempel_domain::TenantId;

use super::{AccountId, clean_email, id, open_account, password, shown};
use crate::audit::Actor;
use crate::config::Secret;
use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::Tenant;

/// How long an invitation can be taken, and how long a code for a new password, in milliseconds.
pub(super) const INVITATION_MS: i64 = 3 * 24 * 60 * 60 * 1000;
const FORGOTTEN_MS: i64 = 60 * 60 * 1000;
/// The most codes of one account that can be used.
const OPEN_MAX: i64 = 5;
/// The most tenants at which one address is looked for.
pub(super) const TENANTS_MAX: i64 = 4;

const SECRET_LEN: usize = 24;

/// A one-time code for an account's password. It is shown once and stored as a hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Whose.
    pub account: String,
    /// The person's address.
    pub email: String,
    /// The code.
    pub code: String,
    /// Until when, in milliseconds.
    pub expires_ms: i64,
}

fn hash(code: &str) -> [u8; 32] {
    blake3::derive_key("stempel account link v1", code.as_bytes())
}

fn unknown() -> Error {
    Error::refused(
        "link",
        422,
        "This code is not valid",
        "It was used already, or is too old. Ask for a new one as “forgotten password”, or ask the owner for a new \
         invitation.",
    )
}

impl Server {
    /// Makes a code for an account.
    pub(super) async fn link(
        &self,
        tx: &mut Tx,
        tenant: TenantId,
        account: &AccountId,
        email: &str,
        valid_ms: i64,
    ) -> Result<Link> {
        let secret: [u8; SECRET_LEN] = self.random();
        let code = BASE32_NOPAD.encode(&[&tenant.0[..], &secret].concat()).to_ascii_lowercase();
        let expires_ms = self.now_ms().saturating_add(valid_ms);
        tx.execute(
            "INSERT INTO account_link (tenant, hash, account, expires_ms) VALUES ($1, $2, $3, $4)",
            values![tenant, &hash(&code)[..], &account[..], expires_ms],
        )
        .await?;
        Ok(Link { account: shown(account), email: email.to_owned(), code, expires_ms })
    }

    /// Codes for a new password, one for each tenant at which the address has an account. Nobody learns from
    /// this whether there is one: the codes go by mail only.
    pub(crate) async fn password_forgotten(&self, email: &str) -> Result<Vec<Link>> {
        let email = clean_email(email)?;
        let mut links = Vec::new();
        for tenant in self.tenants_of(&email, TENANTS_MAX).await? {
            let mut tx = self.write_of(tenant).await?;
            let locked = Tenant::lock(&mut tx, tenant).await?;
            let row = tx
                .row(
                    "SELECT account FROM account WHERE tenant = $1 AND email = $2 AND closed_ms IS NULL",
                    values![tenant, &email[..]],
                )
                .await?;
            let Some(row) = row else { continue };
            let account = id(&row, 0)?;
            let open = tx
                .row(
                    "SELECT COUNT(*) FROM account_link
                     WHERE tenant = $1 AND account = $2 AND used_ms IS NULL AND expires_ms > $3",
                    values![tenant, &account[..], self.now_ms()],
                )
                .await?;
            if open.map(|row| row.int(0)).transpose()?.unwrap_or(0) >= OPEN_MAX {
                // Whoever asks on and on fills nobody's mailbox.
                continue;
            }
            links.push(self.link(&mut tx, tenant, &account, &email, FORGOTTEN_MS).await?);
            self.note(&mut tx, &locked, "password-forgotten", &shown(&account), json!({})).await?;
            tx.commit().await?;
        }
        Ok(links)
    }

    /// Sets an account's password by a code. Every session of the account ends, every other code too.
    pub async fn password_set(&self, code: &str, new: Secret) -> Result<()> {
        let code = code.trim().to_ascii_lowercase();
        let bytes = BASE32_NOPAD.decode(code.to_ascii_uppercase().as_bytes()).map_err(|_| unknown())?;
        let tenant = bytes.get(..16).filter(|_| bytes.len() == 16 + SECRET_LEN);
        let tenant = tenant.and_then(TenantId::from_slice).ok_or_else(unknown)?;
        password::check(&new)?;
        let hash = hash(&code);
        // Guesses are turned away before anything slow is done.
        let mut tx = self.read_of(tenant).await?;
        usable(&mut tx, tenant, &hash, self.now_ms()).await?;
        drop(tx);
        let salt = self.random();
        let hashed = password::aside(move || password::hash(&new, salt)).await??;
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await.map_err(|_| unknown())?;
        let account = usable(&mut tx, tenant, &hash, self.now_ms()).await?;
        open_account(&mut tx, tenant, &account).await?.ok_or_else(unknown)?;
        tx.execute(
            "UPDATE account SET password = $3 WHERE tenant = $1 AND account = $2",
            values![tenant, &account[..], hashed],
        )
        .await?;
        tx.execute(
            "UPDATE account_link SET used_ms = $3 WHERE tenant = $1 AND account = $2 AND used_ms IS NULL",
            values![tenant, &account[..], self.now_ms()],
        )
        .await?;
        tx.execute("DELETE FROM session WHERE tenant = $1 AND account = $2", values![tenant, &account[..]])
            .await?;
        let own = self.acting(Actor::of("account", &shown(&account)));
        own.note(&mut tx, &locked, "password-set", &shown(&account), json!({})).await?;
        tx.commit().await
    }
}

/// The account of a code that can still be used.
async fn usable(tx: &mut Tx, tenant: TenantId, hash: &[u8; 32], now_ms: i64) -> Result<AccountId> {
    let row = tx
        .row(
            "SELECT account FROM account_link
             WHERE tenant = $1 AND hash = $2 AND used_ms IS NULL AND expires_ms > $3",
            values![tenant, &hash[..], now_ms],
        )
        .await?
        .ok_or_else(unknown)?;
    id(&row, 0)
}
