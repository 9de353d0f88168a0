//! API keys: made and withdrawn by the owner, shown once, stored as a hash.
//!
//! A key names its tenant and itself, so that it is found without a directory: `sk_`, then in base 32 the
//! tenant (16 bytes), the key's id (8) and a secret (24).

use std::collections::BTreeSet;

use data_encoding::BASE32_NOPAD;
use serde::Serialize;
use serde_json::json;
use stempel_domain::{ShopId, TenantId};

use super::access::{Principal, Right, Scope};
use crate::audit::Actor;
use crate::db::{Row, values};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::{self, Tenant};

const PREFIX: &str = "sk_";
const ID_LEN: usize = 8;
const SECRET_LEN: usize = 24;
/// The longest name of a key, in characters.
const NAME_CHARS_MAX: usize = 80;
/// The most keys of a tenant that are in force.
const KEYS_MAX: i64 = 200;

/// A key that was made. Nobody can show it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewKey {
    /// Its id, for lists and for withdrawing it.
    pub id: String,
    /// The key itself.
    pub key: String,
}

/// A key, for lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyInfo {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it allows.
    pub scopes: Vec<String>,
    /// Where; none: at every shop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shop: Option<ShopId>,
    /// When it was made, in milliseconds.
    pub created_ms: i64,
    /// When it was withdrawn, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_ms: Option<i64>,
}

fn hash(key: &str) -> [u8; 32] {
    blake3::derive_key("stempel api key v1", key.as_bytes())
}

impl Server {
    /// Makes a key with these scopes, for one shop or for all.
    pub async fn api_key_add(
        &self,
        tenant: TenantId,
        name: &str,
        scopes: &BTreeSet<Scope>,
        shop: Option<ShopId>,
    ) -> Result<NewKey> {
        let name = name.trim();
        let length = name.chars().count();
        if length == 0 || length > NAME_CHARS_MAX || name.chars().any(char::is_control) {
            return Err(Error::bad_request(format!("A key's name has 1 to {NAME_CHARS_MAX} characters.")));
        }
        if scopes.is_empty() || scopes.iter().any(|scope| !Scope::OF_KEYS.contains(scope)) {
            return Err(Error::bad_request("A key has at least one of read, award, redeem and members."));
        }
        let (id, secret): ([u8; ID_LEN], [u8; SECRET_LEN]) = (self.random(), self.random());
        let bytes = [&tenant.0[..], &id, &secret].concat();
        let key = format!("{PREFIX}{}", BASE32_NOPAD.encode(&bytes).to_ascii_lowercase());
        let shown = data_encoding::HEXLOWER.encode(&id);
        let names = scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(" ");
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        if let Some(shop) = shop {
            tenant::shop(&mut tx, tenant, shop).await?;
        }
        let count = tx
            .row("SELECT COUNT(*) FROM api_key WHERE tenant = $1 AND revoked_ms IS NULL", values![tenant])
            .await?;
        if count.map(|row| row.int(0)).transpose()?.unwrap_or(0) >= KEYS_MAX {
            return Err(Error::bad_request(format!("There are {KEYS_MAX} keys already; withdraw some.")));
        }
        tx.execute(
            "INSERT INTO api_key (tenant, id, hash, name, scopes, shop, created_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            values![tenant, &id[..], &hash(&key)[..], name, &names[..], shop, self.now_ms()],
        )
        .await?;
        let what = json!({ "name": name, "scopes": names, "shop": shop });
        self.note(&mut tx, &locked, "api-key-added", &shown, what).await?;
        tx.commit().await?;
        Ok(NewKey { id: shown, key })
    }

    /// Every key, also those that were withdrawn.
    pub async fn api_keys(&self, tenant: TenantId) -> Result<Vec<KeyInfo>> {
        let mut tx = self.read_of(tenant).await?;
        let rows = tx
            .rows(
                "SELECT id, name, scopes, shop, created_ms, revoked_ms FROM api_key
                 WHERE tenant = $1 ORDER BY created_ms, id",
                values![tenant],
            )
            .await?;
        let read = |row: &Row| {
            Ok(KeyInfo {
                id: data_encoding::HEXLOWER.encode(&row.bytes(0)?),
                name: row.text(1)?,
                scopes: row.text(2)?.split(' ').map(str::to_owned).collect(),
                shop: row.opt_id(3)?,
                created_ms: row.int(4)?,
                revoked_ms: row.opt_int(5)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Withdraws a key: it opens nothing any more. Doing it again changes nothing.
    pub async fn api_key_revoke(&self, tenant: TenantId, id: &str) -> Result<()> {
        let unknown = || Error::not_found(format!("API key “{}”", id.chars().take(40).collect::<String>()));
        let bytes = data_encoding::HEXLOWER.decode(id.as_bytes()).map_err(|_| unknown())?;
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        let row = tx
            .row("SELECT revoked_ms FROM api_key WHERE tenant = $1 AND id = $2", values![tenant, &bytes[..]])
            .await?
            .ok_or_else(unknown)?;
        if row.opt_int(0)?.is_some() {
            return Ok(());
        }
        tx.execute(
            "UPDATE api_key SET revoked_ms = $3 WHERE tenant = $1 AND id = $2",
            values![tenant, &bytes[..], self.now_ms()],
        )
        .await?;
        self.note(&mut tx, &locked, "api-key-revoked", id, json!({})).await?;
        tx.commit().await
    }

    /// Finds out what a key opens.
    pub(crate) async fn key_principal(&self, key: &str) -> Result<Principal> {
        let (tenant, id) = parts(key).ok_or_else(unknown_key)?;
        // A tenant that is not here looks like a key that is not known.
        let mut tx = self.read_of(tenant).await?;
        let row = tx
            .row(
                "SELECT hash, scopes, shop, revoked_ms FROM api_key WHERE tenant = $1 AND id = $2",
                values![tenant, &id[..]],
            )
            .await?
            .ok_or_else(unknown_key)?;
        // Hashes are compared: the time it takes says nothing of the key.
        if row.bytes(0)? != hash(key) || row.opt_int(3)?.is_some() {
            return Err(unknown_key());
        }
        let scopes = row.text(1)?.split(' ').map(Scope::of_key).collect::<Result<BTreeSet<_>>>()?;
        let shop = row.opt_id(2)?;
        let actor = Actor::of("key", &data_encoding::HEXLOWER.encode(&id));
        Ok(Principal { tenant, actor, rights: vec![Right { shop, scopes }] })
    }
}

fn parts(key: &str) -> Option<(TenantId, [u8; ID_LEN])> {
    let text = key.strip_prefix(PREFIX).filter(|text| text.len() <= 100)?;
    let bytes = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).ok()?;
    if bytes.len() != 16 + ID_LEN + SECRET_LEN {
        return None;
    }
    Some((TenantId::from_slice(&bytes[..16])?, bytes[16..16 + ID_LEN].try_into().ok()?))
}

pub(crate) fn unknown_key() -> Error {
    Error::refused(
        "credentials",
        401,
        "The server does not know who asks",
        "Send an API key as “authorization: Bearer sk_…”, or sign in. The key may have been withdrawn; the owner \
         can make a new one.",
    )
}
