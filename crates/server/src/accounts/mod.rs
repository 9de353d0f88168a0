//! People's accounts: who they are, what they may at which shop, and how they sign in.
//!
//! An account belongs to one tenant. Its roles are given for every shop or for some:
//!
//! | role | may |
//! |---|---|
//! | owner | everything |
//! | manager | everything but accounts, API keys and settings |
//! | staff | look, give stamps and points, take units for rewards |
//! | support | look |

pub(crate) mod changes;
mod guard;
pub(crate) mod http;
mod links;
pub(crate) mod passkeys;
mod password;
pub(crate) mod second;
pub(crate) mod sessions;
pub(crate) mod webauthn;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;
use stempel_domain::{ShopId, TenantId};

use crate::api::access::{Right, Scope};
use crate::audit;
use crate::db::{Row, Tx, values};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::{self, Tenant};
pub(crate) use guard::Guard;
pub(crate) use http::{principal, routes};
pub use links::Link;

/// The longest address, in bytes.
const EMAIL_LEN_MAX: usize = 254;
/// The most roles of an account.
const ROLES_MAX: usize = 200;

/// What somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Everything.
    Owner,
    /// Everything but accounts, API keys and settings.
    Manager,
    /// Works at the counter.
    Staff,
    /// Looks.
    Support,
}

impl Role {
    const ALL: [Self; 4] = [Self::Owner, Self::Manager, Self::Staff, Self::Support];

    /// As it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Manager => "manager",
            Self::Staff => "staff",
            Self::Support => "support",
        }
    }

    fn scopes(self) -> &'static [Scope] {
        use Scope::{Award, Manage, Members, Own, Read, Redeem};
        match self {
            Self::Owner => &[Read, Award, Redeem, Members, Manage, Own],
            Self::Manager => &[Read, Award, Redeem, Members, Manage],
            Self::Staff => &[Read, Award, Redeem],
            Self::Support => &[Read],
        }
    }
}

/// A role at a shop, or at every shop.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleAt {
    /// Which role.
    pub role: Role,
    /// Where; none: everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop: Option<ShopId>,
}

impl RoleAt {
    fn right(&self) -> Right {
        Right { shop: self.shop, scopes: self.role.scopes().iter().copied().collect() }
    }
}

/// An account's id.
pub(crate) type AccountId = [u8; 16];

/// An account, for lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountInfo {
    /// Its id.
    pub account: String,
    /// The address of the person.
    pub email: String,
    /// What the person is, and where.
    pub roles: Vec<RoleAt>,
    /// A password was set: the invitation was taken.
    pub active: bool,
}

pub(crate) fn shown(account: &AccountId) -> String {
    data_encoding::HEXLOWER.encode(account)
}

fn unknown(account: &str) -> Error {
    Error::not_found(format!("account “{}”", account.chars().take(40).collect::<String>()))
}

fn parse(account: &str) -> Result<AccountId> {
    let bytes = data_encoding::HEXLOWER.decode(account.as_bytes()).ok();
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| unknown(account))
}

/// An address as it is stored: trimmed, in lower case.
fn clean_email(email: &str) -> Result<String> {
    let email = email.trim().to_lowercase();
    let good = email.len() <= EMAIL_LEN_MAX && email.parse::<lettre::Address>().is_ok();
    if good {
        Ok(email)
    } else {
        Err(Error::refused("email", 400, "This is not an e-mail address", "Write it like name@example.org."))
    }
}

/// Where the directory keeps an address: its hash, then the tenant. One address may have accounts at several.
fn directory_id(email: &str, tenant: &[u8]) -> Vec<u8> {
    let hash = blake3::derive_key("stempel account address v1", email.as_bytes());
    [&hash[..], tenant].concat()
}

impl Server {
    /// Makes an account and the link with which its person sets the first password. For an address that has an
    /// account here already, its roles are changed and it gets a new link.
    pub async fn account_invite(&self, tenant: TenantId, email: &str, roles: &[RoleAt]) -> Result<Link> {
        let email = clean_email(email)?;
        check_roles(roles)?;
        let now_ms = self.now_ms();
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        let known = tx
            .row(
                "SELECT account, closed_ms FROM account WHERE tenant = $1 AND email = $2",
                values![tenant, &email[..]],
            )
            .await?;
        let account: AccountId = match known {
            Some(row) => {
                let account = id(&row, 0)?;
                tx.execute(
                    "UPDATE account SET closed_ms = NULL WHERE tenant = $1 AND account = $2",
                    values![tenant, &account[..]],
                )
                .await?;
                account
            }
            None => {
                let account: AccountId = self.random();
                tx.execute(
                    "INSERT INTO account (tenant, account, email, created_ms) VALUES ($1, $2, $3, $4)",
                    values![tenant, &account[..], &email[..], now_ms],
                )
                .await?;
                let entry = directory_id(&email, &tenant.0);
                tenant::enter(&mut tx, "account", &entry, tenant).await?;
                self.enter_at_home(tenant, "account", &entry).await?;
                account
            }
        };
        write_roles(&mut tx, tenant, &account, roles).await?;
        keep_an_owner(&mut tx, tenant).await?;
        let link = self.link(&mut tx, tenant, &account, &email, links::INVITATION_MS).await?;
        let what = json!({ "roles": audit::detail(roles)? });
        self.note(&mut tx, &locked, "account-invited", &shown(&account), what).await?;
        tx.commit().await?;
        Ok(link)
    }

    /// Makes an owner of every shop. Whoever may do this stands at the server's machine, and gets in also where the
    /// second factor was lost.
    pub async fn owner_add(&self, tenant: TenantId, email: &str) -> Result<Link> {
        let link = self.account_invite(tenant, email, &[RoleAt { role: Role::Owner, shop: None }]).await?;
        self.second_reset(tenant, &link.account).await?;
        Ok(link)
    }

    /// Every account that is not closed, by address.
    pub async fn accounts(&self, tenant: TenantId) -> Result<Vec<AccountInfo>> {
        let mut tx = self.read_of(tenant).await?;
        let rows = tx
            .rows(
                "SELECT account, email, password FROM account WHERE tenant = $1 AND closed_ms IS NULL
                 ORDER BY email",
                values![tenant],
            )
            .await?;
        let mut accounts = Vec::with_capacity(rows.len());
        for row in rows {
            let account = id(&row, 0)?;
            accounts.push(AccountInfo {
                account: shown(&account),
                email: row.text(1)?,
                roles: roles(&mut tx, tenant, &account).await?,
                active: row.opt_text(2)?.is_some(),
            });
        }
        Ok(accounts)
    }

    /// Changes what somebody is. Who is signed in feels it with the next request.
    pub(crate) async fn account_roles(&self, tenant: TenantId, account: &str, new: &[RoleAt]) -> Result<()> {
        check_roles(new)?;
        let account_id = parse(account)?;
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        open_account(&mut tx, tenant, &account_id).await?.ok_or_else(|| unknown(account))?;
        write_roles(&mut tx, tenant, &account_id, new).await?;
        keep_an_owner(&mut tx, tenant).await?;
        let what = json!({ "roles": audit::detail(new)? });
        self.note(&mut tx, &locked, "account-roles", account, what).await?;
        tx.commit().await
    }

    /// Closes an account: its sessions end, its links open nothing. What it did stays in the log.
    pub(crate) async fn account_close(&self, tenant: TenantId, account: &str) -> Result<()> {
        let account_id = parse(account)?;
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        open_account(&mut tx, tenant, &account_id).await?.ok_or_else(|| unknown(account))?;
        tx.execute(
            "UPDATE account SET closed_ms = $3, password = NULL WHERE tenant = $1 AND account = $2",
            values![tenant, &account_id[..], self.now_ms()],
        )
        .await?;
        for sql in [
            "DELETE FROM account_role WHERE tenant = $1 AND account = $2",
            "DELETE FROM account_link WHERE tenant = $1 AND account = $2",
            "DELETE FROM session WHERE tenant = $1 AND account = $2",
            "DELETE FROM passkey WHERE tenant = $1 AND account = $2",
        ] {
            tx.execute(sql, values![tenant, &account_id[..]]).await?;
        }
        keep_an_owner(&mut tx, tenant).await?;
        self.note(&mut tx, &locked, "account-closed", account, json!({})).await?;
        tx.commit().await
    }

    /// The tenants at which an address has an account, at most so many.
    async fn tenants_of(&self, email: &str, most: i64) -> Result<Vec<TenantId>> {
        let mut tx = self.db().read().await?;
        let (from, to) = (directory_id(email, &[0; 16]), directory_id(email, &[255; 16]));
        let rows = tx
            .rows(
                "SELECT tenant FROM directory WHERE kind = 'account' AND id >= $1 AND id <= $2
                 ORDER BY id LIMIT $3",
                values![from, to, most],
            )
            .await?;
        rows.iter().map(|row| row.id(0)).collect()
    }

    /// Whether a change of that kind needs a second person.
    pub async fn four_eyes(&self, tenant: TenantId) -> Result<bool> {
        setting(&mut self.read_of(tenant).await?, tenant, FOUR_EYES).await
    }

    /// Says whether certain changes need a second person.
    pub async fn four_eyes_set(&self, tenant: TenantId, on: bool) -> Result<()> {
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        if setting(&mut tx, tenant, FOUR_EYES).await? == on {
            return Ok(());
        }
        tx.execute(
            "INSERT INTO setting (tenant, name, value) VALUES ($1, $2, $3)
             ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value",
            values![tenant, FOUR_EYES, if on { "on" } else { "off" }],
        )
        .await?;
        self.note(&mut tx, &locked, "setting-changed", FOUR_EYES, json!({ "on": on })).await?;
        tx.commit().await
    }
}

const FOUR_EYES: &str = "four-eyes";

async fn setting(tx: &mut Tx, tenant: TenantId, name: &'static str) -> Result<bool> {
    let row =
        tx.row("SELECT value FROM setting WHERE tenant = $1 AND name = $2", values![tenant, name]).await?;
    Ok(row.map(|row| row.text(0)).transpose()?.as_deref() == Some("on"))
}

fn id(row: &Row, column: usize) -> Result<AccountId> {
    row.bytes(column)?
        .try_into()
        .map_err(|_| Error::Damaged("an account's id has the wrong length".to_owned()))
}

fn check_roles(roles: &[RoleAt]) -> Result<()> {
    let shops: BTreeSet<Option<ShopId>> = roles.iter().map(|role| role.shop).collect();
    if roles.is_empty() || roles.len() > ROLES_MAX || shops.len() != roles.len() {
        return Err(Error::bad_request("Name at least one role, and one for each shop at most."));
    }
    if roles.iter().any(|role| role.role == Role::Owner && role.shop.is_some()) {
        return Err(Error::bad_request(
            "An owner is one of every shop; for a single shop there is the manager.",
        ));
    }
    Ok(())
}

/// The address of an account that is not closed.
async fn open_account(tx: &mut Tx, tenant: TenantId, account: &AccountId) -> Result<Option<String>> {
    let row = tx
        .row(
            "SELECT email FROM account WHERE tenant = $1 AND account = $2 AND closed_ms IS NULL",
            values![tenant, &account[..]],
        )
        .await?;
    row.map(|row| row.text(0)).transpose()
}

async fn roles(tx: &mut Tx, tenant: TenantId, account: &AccountId) -> Result<Vec<RoleAt>> {
    let rows = tx
        .rows(
            "SELECT role, shop FROM account_role WHERE tenant = $1 AND account = $2 ORDER BY shop",
            values![tenant, &account[..]],
        )
        .await?;
    let read = |row: &Row| {
        let (name, shop) = (row.text(0)?, row.bytes(1)?);
        let role = Role::ALL.into_iter().find(|role| role.name() == name);
        Ok(RoleAt {
            role: role.ok_or_else(|| Error::Damaged("an account has a role that is none".to_owned()))?,
            shop: ShopId::from_slice(&shop),
        })
    };
    rows.iter().map(read).collect()
}

async fn write_roles(tx: &mut Tx, tenant: TenantId, account: &AccountId, roles: &[RoleAt]) -> Result<()> {
    tx.execute("DELETE FROM account_role WHERE tenant = $1 AND account = $2", values![tenant, &account[..]])
        .await?;
    for RoleAt { role, shop } in roles {
        if let Some(shop) = shop {
            tenant::shop(tx, tenant, *shop).await?;
        }
        let shop = shop.map(|shop| shop.0.to_vec()).unwrap_or_default();
        tx.execute(
            "INSERT INTO account_role (tenant, account, shop, role) VALUES ($1, $2, $3, $4)",
            values![tenant, &account[..], shop, role.name()],
        )
        .await?;
    }
    Ok(())
}

/// A tenant with accounts has an owner among them: nobody can be locked out for ever.
async fn keep_an_owner(tx: &mut Tx, tenant: TenantId) -> Result<()> {
    let row = tx
        .row("SELECT COUNT(*) FROM account_role WHERE tenant = $1 AND role = 'owner'", values![tenant])
        .await?;
    if row.map(|row| row.int(0)).transpose()?.unwrap_or(0) > 0 {
        return Ok(());
    }
    Err(Error::refused(
        "last-owner",
        409,
        "There must be an owner",
        "This is the only one. Make somebody else an owner first.",
    ))
}
