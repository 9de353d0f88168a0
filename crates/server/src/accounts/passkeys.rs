//! Passkeys: a key in somebody's phone, computer or stick that signs for this server alone, and only after a finger, a face
//! or a PIN. It signs in by itself, and stands beside the password as a second factor.
//!
//! What the authenticator is asked to sign (the challenge) is good once, for some minutes, and for what it was made for.
//! Kept is its hash, so that a copy of the database answers nothing. Everything else is checked by [`super::webauthn`].

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use stempel_domain::TenantId;

use super::webauthn::{self, Assertion, CHALLENGE_LEN, CREDENTIAL_LEN_MAX, Flaw, Site, challenge_of};
use super::{AccountId, open_account, password, second, shown, unknown};
use crate::config::Secret;
use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::Tenant;

/// How long a challenge can be answered, in milliseconds.
const CHALLENGE_MS: i64 = 5 * 60 * 1000;
/// The most challenges that wait for an answer.
const CHALLENGES_MAX: i64 = 10_000;
/// The most passkeys of one account.
const PASSKEYS_MAX: usize = 10;
/// The longest name of one, in characters.
const NAME_CHARS_MAX: usize = 40;
/// The longest of what a browser hands over, in bytes.
const BROUGHT_LEN_MAX: usize = 40 * 1024;
/// Kinds of signatures that are taken, best first: ES256, Ed25519, RS256.
const ALGORITHMS: [i64; 3] = [-7, -8, -257];

/// A passkey, for lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passkey {
    /// Its id, in hexadecimal.
    pub credential: String,
    /// What its person calls it.
    pub name: String,
    pub created_ms: i64,
    pub used_ms: Option<i64>,
}

/// What a challenge is made for.
#[derive(Debug, Clone, Copy)]
enum Purpose<'a> {
    /// Making a passkey for an account.
    New(TenantId, &'a AccountId),
    /// Signing in.
    SignIn,
    /// Signing in by somebody who has shown the password, and got this ticket.
    Second(&'a str),
}

impl Purpose<'_> {
    fn hash(self) -> [u8; 32] {
        let bytes = match self {
            Self::New(tenant, account) => [&b"new "[..], &tenant.0, account].concat(),
            Self::SignIn => b"sign-in".to_vec(),
            Self::Second(ticket) => [b"second ", ticket.as_bytes()].concat(),
        };
        blake3::derive_key("stempel passkey purpose v1", &bytes)
    }
}

fn challenge_hash(challenge: &[u8; CHALLENGE_LEN]) -> [u8; 32] {
    blake3::derive_key("stempel passkey challenge v1", challenge)
}

/// What a page hands over, as text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Brought {
    id: String,
    client: String,
    #[serde(default)]
    attestation: String,
    #[serde(default)]
    data: String,
    #[serde(default)]
    signature: String,
    /// Whose passkey it is, as the authenticator has it: only a hint where to look for it.
    #[serde(default)]
    user: String,
}

impl Brought {
    fn read(text: &str) -> Result<Self> {
        if text.len() > BROUGHT_LEN_MAX {
            return Err(refused());
        }
        serde_json::from_str(text).map_err(|_| refused())
    }
}

fn bytes(text: &str) -> Result<Vec<u8>> {
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| refused())
}

/// What is said whatever was wrong.
fn refused() -> Error {
    Error::refused(
        "passkey",
        401,
        "This passkey did not work",
        "Try once more. If it stays so, sign in with your password and look whether the passkey is still on your account's list.",
    )
}

fn not_believed(flaw: Flaw) -> Error {
    tracing::info!(?flaw, "a passkey was not believed");
    refused()
}

fn label(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    if name.trim().is_empty() { "Passkey".to_owned() } else { name.trim().to_owned() }
}

fn listed(credential: &[u8]) -> Json {
    json!({ "type": "public-key", "id": BASE64URL_NOPAD.encode(credential) })
}

impl Server {
    /// The passkeys of an account, oldest first.
    pub(crate) async fn passkeys(&self, tenant: TenantId, account: &AccountId) -> Result<Vec<Passkey>> {
        let mut tx = self.read_of(tenant).await?;
        let rows = tx
            .rows(
                "SELECT credential, name, created_ms, used_ms FROM passkey
                 WHERE tenant = $1 AND account = $2 ORDER BY created_ms, credential",
                values![tenant, &account[..]],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Passkey {
                    credential: HEXLOWER.encode(&row.bytes(0)?),
                    name: row.text(1)?,
                    created_ms: row.int(2)?,
                    used_ms: row.opt_int(3)?,
                })
            })
            .collect()
    }

    /// How many recovery codes of an account are left.
    pub(crate) async fn recovery_left(&self, tenant: TenantId, account: &AccountId) -> Result<usize> {
        second::recovery_left(&mut self.read_of(tenant).await?, tenant, account).await
    }

    /// Whether a password is that of an account.
    pub(crate) async fn password_is(
        &self,
        tenant: TenantId,
        account: &AccountId,
        secret: Secret,
    ) -> Result<()> {
        let sql = "SELECT password FROM account WHERE tenant = $1 AND account = $2 AND closed_ms IS NULL";
        let row = self.read_of(tenant).await?.row(sql, values![tenant, &account[..]]).await?;
        let hash = row.map(|row| row.opt_text(0)).transpose()?.flatten();
        let right = secret.reveal().len() <= password::LEN_MAX
            && password::aside(move || password::is(&secret, hash.as_deref())).await?;
        match right {
            true => Ok(()),
            false => Err(Error::refused(
                "password-wrong",
                422,
                "This is not your password",
                "Type the password with which you sign in here. Nothing was changed.",
            )),
        }
    }

    /// Begins to make a passkey: what the browser's `navigator.credentials.create` is asked for, bytes as base64.
    pub(crate) async fn passkey_begin(
        &self,
        site: &Site,
        tenant: TenantId,
        account: &AccountId,
    ) -> Result<Json> {
        let mut tx = self.read_of(tenant).await?;
        let shop = Tenant::load(&mut tx, tenant).await?.name;
        let email = open_account(&mut tx, tenant, account).await?.ok_or_else(|| unknown(&shown(account)))?;
        let there = credentials(&mut tx, tenant, account).await?;
        drop(tx);
        check_room(there.len())?;
        let challenge = self.challenge(Purpose::New(tenant, account)).await?;
        let algorithms = ALGORITHMS.map(|alg| json!({ "type": "public-key", "alg": alg }));
        Ok(json!({
            "challenge": BASE64URL_NOPAD.encode(&challenge),
            "rp": { "id": site.name, "name": shop },
            "user": {
                "id": BASE64URL_NOPAD.encode(&[&tenant.0[..], account].concat()),
                "name": email,
                "displayName": email,
            },
            "pubKeyCredParams": algorithms,
            "excludeCredentials": there.iter().map(|credential| listed(credential)).collect::<Vec<_>>(),
            "authenticatorSelection": {
                "residentKey": "required", "requireResidentKey": true, "userVerification": "required",
            },
            "attestation": "none",
            "timeout": CHALLENGE_MS,
        }))
    }

    /// Takes a passkey that was made. Gives recovery codes where there were none: they are shown once.
    pub(crate) async fn passkey_add(
        &self,
        site: &Site,
        tenant: TenantId,
        account: &AccountId,
        name: &str,
        brought: &str,
    ) -> Result<Option<Vec<String>>> {
        let brought = Brought::read(brought)?;
        let client = bytes(&brought.client)?;
        let challenge = self.answered(Purpose::New(tenant, account), &client).await?;
        let made = webauthn::made(site, &challenge, &client, &bytes(&brought.attestation)?);
        let made = made.map_err(not_believed)?;
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        open_account(&mut tx, tenant, account).await?.ok_or_else(|| unknown(&shown(account)))?;
        check_room(credentials(&mut tx, tenant, account).await?.len())?;
        let added = tx
            .execute(
                "INSERT INTO passkey (tenant, credential, account, public_key, name, counter, created_ms)
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, credential) DO NOTHING",
                values![
                    tenant,
                    made.credential,
                    &account[..],
                    made.key,
                    label(name),
                    i64::from(made.counter),
                    self.now_ms()
                ],
            )
            .await?;
        if added == 0 {
            let detail = "It is on the list already, or on somebody else's.";
            return Err(Error::refused("passkey-there", 409, "This passkey is known", detail));
        }
        let codes = match second::recovery_left(&mut tx, tenant, account).await? {
            0 => Some(self.recovery_codes(&mut tx, tenant, account).await?),
            _ => None,
        };
        self.note(&mut tx, &locked, "passkey-added", &shown(account), json!({})).await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Takes a passkey off an account.
    pub(crate) async fn passkey_remove(
        &self,
        tenant: TenantId,
        account: &AccountId,
        credential: &str,
    ) -> Result<()> {
        let not_there = || Error::not_found("such passkey");
        let credential = HEXLOWER.decode(credential.as_bytes()).map_err(|_| not_there())?;
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        let removed = tx
            .execute(
                "DELETE FROM passkey WHERE tenant = $1 AND credential = $2 AND account = $3",
                values![tenant, credential, &account[..]],
            )
            .await?;
        if removed == 0 {
            return Err(not_there());
        }
        second::keep_recovery(&mut tx, tenant, account).await?;
        self.note(&mut tx, &locked, "passkey-removed", &shown(account), json!({})).await?;
        tx.commit().await
    }

    /// What the browser's `navigator.credentials.get` is asked for, bytes as base64. With the ticket that the password gave,
    /// the account's passkeys are named; without one the authenticator knows itself which it has for this site.
    pub(crate) async fn passkey_ask(&self, site: &Site, ticket: Option<&str>) -> Result<Json> {
        let (purpose, there) = match ticket {
            None => (Purpose::SignIn, Vec::new()),
            Some(ticket) => {
                let mut half = self.half_session_of(ticket).await?;
                let there = credentials(&mut half.tx, half.tenant, &half.account).await?;
                (Purpose::Second(ticket), there)
            }
        };
        let challenge = self.challenge(purpose).await?;
        Ok(json!({
            "challenge": BASE64URL_NOPAD.encode(&challenge),
            "rpId": site.name,
            "allowCredentials": there.iter().map(|credential| listed(credential)).collect::<Vec<_>>(),
            "userVerification": "required",
            "timeout": CHALLENGE_MS,
        }))
    }

    /// Whether somebody who has shown the password has a passkey.
    pub(crate) async fn passkey_expected(&self, ticket: &str) -> Result<bool> {
        let mut half = self.half_session_of(ticket).await?;
        Ok(!credentials(&mut half.tx, half.tenant, &half.account).await?.is_empty())
    }

    /// Signs in by a passkey, alone or after the password, and gives what the cookie holds.
    pub(crate) async fn session_open_passkey(
        &self,
        site: &Site,
        ticket: Option<&str>,
        brought: &str,
    ) -> Result<String> {
        let brought = Brought::read(brought)?;
        let client = bytes(&brought.client)?;
        let (tenant, account) = match ticket {
            Some(ticket) => {
                let challenge = self.answered(Purpose::Second(ticket), &client).await?;
                let mut half = self.half_session_of(ticket).await?;
                let (tenant, account) = (half.tenant, half.account);
                match self.passkey_used(&mut half.tx, site, tenant, &account, &challenge, &brought).await {
                    Ok(()) => half.end().await?,
                    Err(error) => return Err(half.miss(error).await),
                }
            }
            None => {
                let challenge = self.answered(Purpose::SignIn, &client).await?;
                let user = bytes(&brought.user)?;
                let (tenant, account) = user.split_first_chunk::<16>().ok_or_else(refused)?;
                let account: AccountId = account.try_into().map_err(|_| refused())?;
                let tenant = TenantId::from_slice(tenant).ok_or_else(refused)?;
                let hidden = |error| match error {
                    Error::Refused(refusal) if refusal.status == 404 => refused(),
                    error => error,
                };
                let mut tx = self.write_of(tenant).await.map_err(hidden)?;
                Tenant::lock(&mut tx, tenant).await.map_err(hidden)?;
                let used = self.passkey_used(&mut tx, site, tenant, &account, &challenge, &brought).await;
                // Also what is noted of one that is doubtful.
                tx.commit().await?;
                used?;
                (tenant, account)
            }
        };
        self.session_begin(tenant, &account, json!({ "by": "passkey" })).await
    }

    /// Checks an assertion of one of an account's passkeys and notes its use, in the tenant's transaction.
    async fn passkey_used(
        &self,
        tx: &mut Tx,
        site: &Site,
        tenant: TenantId,
        account: &AccountId,
        challenge: &[u8; CHALLENGE_LEN],
        brought: &Brought,
    ) -> Result<()> {
        let credential = bytes(&brought.id)?;
        if credential.len() > CREDENTIAL_LEN_MAX {
            return Err(refused());
        }
        let row = tx
            .row(
                "SELECT p.public_key, p.counter FROM passkey p
                 JOIN account a ON a.tenant = p.tenant AND a.account = p.account AND a.closed_ms IS NULL
                 WHERE p.tenant = $1 AND p.credential = $2 AND p.account = $3",
                values![tenant, credential.clone(), &account[..]],
            )
            .await?
            .ok_or_else(refused)?;
        let (key, counter) = (row.bytes(0)?, u32::try_from(row.int(1)?).unwrap_or(u32::MAX));
        let (client, data, signature) =
            (bytes(&brought.client)?, bytes(&brought.data)?, bytes(&brought.signature)?);
        let assertion = Assertion { client: &client, data: &data, signature: &signature };
        let counter = match webauthn::asserted(site, challenge, &assertion, &key, counter) {
            Ok(counter) => counter,
            Err(flaw) => {
                if flaw == Flaw::Counter {
                    // The signature is right and old: somebody may have a copy of the authenticator.
                    let locked = Tenant::load(tx, tenant).await?;
                    let own = self.acting(second::actor(account));
                    own.note(tx, &locked, "passkey-doubtful", &shown(account), json!({})).await?;
                }
                return Err(not_believed(flaw));
            }
        };
        tx.execute(
            "UPDATE passkey SET counter = $3, used_ms = $4 WHERE tenant = $1 AND credential = $2",
            values![tenant, credential, i64::from(counter), self.now_ms()],
        )
        .await?;
        Ok(())
    }

    /// A new challenge. It is kept in the home database: whoever signs in has not said of which tenant.
    async fn challenge(&self, purpose: Purpose<'_>) -> Result<[u8; CHALLENGE_LEN]> {
        let (challenge, now_ms): ([u8; CHALLENGE_LEN], i64) = (self.random(), self.now_ms());
        let mut tx = self.db().write().await?;
        tx.execute("DELETE FROM passkey_challenge WHERE expires_ms <= $1", values![now_ms]).await?;
        let waiting = tx.row("SELECT COUNT(*) FROM passkey_challenge", Vec::new()).await?;
        if waiting.map_or(Ok(0), |row| row.int(0))? >= CHALLENGES_MAX {
            let detail =
                "Very many sign in by passkey just now. Sign in with your password, or wait five minutes.";
            return Err(Error::refused("too-many", 429, "Not just now", detail));
        }
        tx.execute(
            "INSERT INTO passkey_challenge (hash, purpose, expires_ms) VALUES ($1, $2, $3)",
            values![&challenge_hash(&challenge)[..], &purpose.hash()[..], now_ms + CHALLENGE_MS],
        )
        .await?;
        tx.commit().await?;
        Ok(challenge)
    }

    /// The challenge that is answered. It ends with this, whatever the answer is worth.
    async fn answered(&self, purpose: Purpose<'_>, client: &[u8]) -> Result<[u8; CHALLENGE_LEN]> {
        let challenge = challenge_of(client).ok_or_else(|| not_believed(Flaw::Shape))?;
        let mut tx = self.db().write().await?;
        let waited = tx
            .execute(
                "DELETE FROM passkey_challenge WHERE hash = $1 AND purpose = $2 AND expires_ms > $3",
                values![&challenge_hash(&challenge)[..], &purpose.hash()[..], self.now_ms()],
            )
            .await?;
        tx.commit().await?;
        if waited == 1 { Ok(challenge) } else { Err(not_believed(Flaw::Challenge)) }
    }
}

fn check_room(there: usize) -> Result<()> {
    if there < PASSKEYS_MAX {
        return Ok(());
    }
    let detail = format!("There are {PASSKEYS_MAX} at most. Remove one that you no longer use.");
    Err(Error::refused("passkeys-full", 409, "This account has enough passkeys", detail))
}

async fn credentials(tx: &mut Tx, tenant: TenantId, account: &AccountId) -> Result<Vec<Vec<u8>>> {
    let rows = tx
        .rows(
            "SELECT credential FROM passkey WHERE tenant = $1 AND account = $2 ORDER BY credential",
            values![tenant, &account[..]],
        )
        .await?;
    rows.iter().map(|row| row.bytes(0)).collect()
}
