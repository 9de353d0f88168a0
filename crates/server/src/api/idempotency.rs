//! Keys that make a write happen once: the same key gives the same answer, the same key with another body is
//! refused.

use serde::Serialize;
use serde_json::Value as Json;
use stempel_domain::TenantId;

use super::access::Principal;
use crate::db::{Tx, values};
use crate::error::{Error, Result};

/// The longest key, in bytes.
pub(crate) const KEY_LEN_MAX: usize = 128;

/// How long an answer is kept for its key, in milliseconds: whoever asks again does so within hours.
pub(crate) const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// A key with what it stands for. Keys of different callers never meet.
pub(crate) struct Key {
    name: String,
    request: [u8; 32],
}

impl Key {
    /// The key of a write of that kind.
    pub fn of(principal: &Principal, key: &str, kind: &str, request: &impl Serialize) -> Result<Self> {
        let name = name(principal, key)?;
        let mut hasher = blake3::Hasher::new_derive_key("stempel api request v1");
        hasher.update(kind.as_bytes());
        hasher.update(&[0]);
        hasher.update(&serde_json::to_vec(request)?);
        Ok(Self { name, request: *hasher.finalize().as_bytes() })
    }
}

/// A caller's key as it is stored.
pub(crate) fn name(principal: &Principal, key: &str) -> Result<String> {
    if key.is_empty() || key.len() > KEY_LEN_MAX || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        let detail =
            format!("An idempotency-key has 1 to {KEY_LEN_MAX} printable characters without spaces.");
        return Err(Error::bad_request(detail));
    }
    Ok(format!("api {} {key}", principal.actor.as_str()))
}

/// The refusal of a key that stood for something else.
pub(crate) fn used_otherwise() -> Error {
    Error::refused(
        "key-used",
        422,
        "This key was used for something else",
        "An idempotency-key stands for one write. Take a new one for another write.",
    )
}

/// The answer that the same write was given before.
pub(crate) async fn earlier(tx: &mut Tx, tenant: TenantId, key: &Key) -> Result<Option<Json>> {
    let row = tx
        .row(
            "SELECT request, answer FROM idempotency WHERE tenant = $1 AND key = $2",
            values![tenant, &key.name[..]],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    if row.bytes(0)? != key.request {
        return Err(used_otherwise());
    }
    Ok(Some(serde_json::from_str(&row.text(1)?)?))
}

/// Notes the answer, in the transaction of the write, and lets go of answers that nobody asks for any more.
pub(crate) async fn remember(
    tx: &mut Tx,
    tenant: TenantId,
    key: &Key,
    answer: &Json,
    now_ms: i64,
) -> Result<()> {
    tx.execute(
        "DELETE FROM idempotency WHERE tenant = $1 AND created_ms < $2",
        values![tenant, now_ms.saturating_sub(KEPT_MS)],
    )
    .await?;
    tx.execute(
        "INSERT INTO idempotency (tenant, key, request, answer, created_ms) VALUES ($1, $2, $3, $4, $5)",
        values![tenant, &key.name[..], &key.request[..], answer.to_string(), now_ms],
    )
    .await?;
    Ok(())
}
