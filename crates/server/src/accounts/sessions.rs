//! Signing in and staying signed in: an opaque token in a cookie, stored as a hash.

use data_encoding::BASE32_NOPAD;
use serde_json::json;
use stempel_domain::TenantId;

use super::{AccountId, RoleAt, clean_email, id, links, password, roles, second, shown};
use crate::api::access::Principal;
use crate::audit::Actor;
use crate::config::Secret;
use crate::db::values;
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::Tenant;

/// A session ends so long after its last use, and so long after its beginning, in milliseconds.
const IDLE_MS: i64 = 8 * 60 * 60 * 1000;
pub(crate) const LIFE_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// How often it is noted that a session is in use.
const NOTED_MS: i64 = 60 * 1000;
const SECRET_LEN: usize = 32;

/// How far somebody has come with signing in.
pub(crate) enum Opened {
    /// A session began: what the cookie holds.
    Session(String),
    /// The password is right, and the code of the second factor is wanted: a ticket to bring with it.
    CodeWanted(String),
}

/// Somebody who is signed in.
pub(crate) struct Session {
    pub principal: Principal,
    pub account: AccountId,
    pub email: String,
    pub roles: Vec<RoleAt>,
}

fn hash(token: &str) -> [u8; 32] {
    blake3::derive_key("stempel session v1", token.as_bytes())
}

/// The token that a page has to send with whatever changes something. It follows from the session's own, which
/// no other site can read.
pub(crate) fn csrf(token: &str) -> String {
    let hash = blake3::derive_key("stempel csrf v1", token.as_bytes());
    BASE32_NOPAD.encode(&hash[..16]).to_ascii_lowercase()
}

fn ended() -> Error {
    Error::refused(
        "session",
        401,
        "You are not signed in",
        "The session has ended, or never began. Sign in again.",
    )
}

impl Server {
    /// Signs in with address and password. Whether the address or the password is wrong is not said.
    pub(crate) async fn session_open(&self, email: &str, secret: Secret) -> Result<Opened> {
        let wrong = || {
            Error::refused(
                "login",
                401,
                "Address or password is wrong",
                "Try again, or ask for a new password as “forgotten password”.",
            )
        };
        if secret.reveal().len() > password::LEN_MAX {
            return Err(wrong());
        }
        let email = clean_email(email).map_err(|_| wrong())?;
        let mut candidates: Vec<(TenantId, AccountId, Option<String>)> = Vec::new();
        for tenant in self.tenants_of(&email, links::TENANTS_MAX).await? {
            let mut tx = self.read_of(tenant).await?;
            let row = tx
                .row(
                    "SELECT account, password FROM account
                     WHERE tenant = $1 AND email = $2 AND closed_ms IS NULL",
                    values![tenant, &email[..]],
                )
                .await?;
            if let Some(row) = row {
                candidates.push((tenant, id(&row, 0)?, row.opt_text(1)?));
            }
        }
        let found = password::aside(move || {
            if candidates.is_empty() {
                // It takes as long as with an account.
                password::is(&secret, None);
            }
            candidates.into_iter().find(|(_, _, hash)| password::is(&secret, hash.as_deref()))
        });
        let (tenant, account, _) = found.await?.ok_or_else(wrong)?;
        let mut tx = self.write_of(tenant).await?;
        Tenant::lock(&mut tx, tenant).await?;
        let ticket = self.half_session(&mut tx, tenant, &account).await?;
        tx.commit().await?;
        match ticket {
            Some(ticket) => Ok(Opened::CodeWanted(ticket)),
            None => Ok(Opened::Session(self.session_begin(tenant, &account, json!({})).await?)),
        }
    }

    /// Goes on with signing in: the ticket that the password gave, and a code of the second factor.
    pub(crate) async fn session_open_second(&self, ticket: &str, code: &str) -> Result<String> {
        let (tenant, account) = self.half_session_end(ticket, code).await?;
        self.session_begin(tenant, &account, json!({})).await
    }

    /// Begins a session, and gives what the cookie holds. `by` is noted in the log.
    pub(super) async fn session_begin(
        &self,
        tenant: TenantId,
        account: &AccountId,
        by: serde_json::Value,
    ) -> Result<String> {
        let secret: [u8; SECRET_LEN] = self.random();
        let token = BASE32_NOPAD.encode(&[&tenant.0[..], &secret].concat()).to_ascii_lowercase();
        let now_ms = self.now_ms();
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        tx.execute(
            "DELETE FROM session WHERE tenant = $1 AND (seen_ms < $2 OR created_ms < $3)",
            values![tenant, now_ms - IDLE_MS, now_ms - LIFE_MS],
        )
        .await?;
        tx.execute(
            "INSERT INTO session (tenant, hash, account, created_ms, seen_ms) VALUES ($1, $2, $3, $4, $4)",
            values![tenant, &hash(&token)[..], &account[..], now_ms],
        )
        .await?;
        let own = self.acting(second::actor(account));
        own.note(&mut tx, &locked, "signed-in", &shown(account), by).await?;
        tx.commit().await?;
        Ok(token)
    }

    /// Finds out who is signed in, and notes that the session is in use.
    pub(crate) async fn session(&self, token: &str) -> Result<Session> {
        let tenant = tenant_of(token).ok_or_else(ended)?;
        let (hash, now_ms) = (hash(token), self.now_ms());
        let mut tx = self.read_of(tenant).await?;
        let row = tx
            .row(
                "SELECT s.account, a.email, s.seen_ms FROM session s
                 JOIN account a ON a.tenant = s.tenant AND a.account = s.account AND a.closed_ms IS NULL
                 WHERE s.tenant = $1 AND s.hash = $2 AND s.seen_ms > $3 AND s.created_ms > $4",
                values![tenant, &hash[..], now_ms - IDLE_MS, now_ms - LIFE_MS],
            )
            .await?
            .ok_or_else(ended)?;
        let (account, email) = (id(&row, 0)?, row.text(1)?);
        let roles = roles(&mut tx, tenant, &account).await?;
        drop(tx);
        if row.int(2)? < now_ms - NOTED_MS {
            let mut tx = self.write_of(tenant).await?;
            tx.execute(
                "UPDATE session SET seen_ms = $3 WHERE tenant = $1 AND hash = $2",
                values![tenant, &hash[..], now_ms],
            )
            .await?;
            tx.commit().await?;
        }
        let rights = roles.iter().map(RoleAt::right).collect();
        let principal = Principal { tenant, actor: Actor::of("account", &shown(&account)), rights };
        Ok(Session { principal, account, email, roles })
    }

    /// Ends a session.
    pub(crate) async fn session_close(&self, token: &str) -> Result<()> {
        let tenant = tenant_of(token).ok_or_else(ended)?;
        let mut tx = self.write_of(tenant).await?;
        tx.execute("DELETE FROM session WHERE tenant = $1 AND hash = $2", values![tenant, &hash(token)[..]])
            .await?;
        tx.commit().await
    }
}

fn tenant_of(token: &str) -> Option<TenantId> {
    let bytes = BASE32_NOPAD.decode(token.to_ascii_uppercase().as_bytes()).ok()?;
    bytes.get(..16).filter(|_| bytes.len() == 16 + SECRET_LEN).and_then(TenantId::from_slice)
}
