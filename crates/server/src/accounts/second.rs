//! A second factor beside the password: a code that an app makes anew each half-minute (TOTP, RFC 6238), a passkey
//! ([`super::passkeys`]), or one of ten recovery codes that were written down.
//!
//! The secret is stored wrapped ([`crate::vault`]). Recovery codes are stored
//! as hashes. A code is taken once: its half-minute is noted.

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use ring::hmac;
use serde_json::json;
use stempel_domain::TenantId;

use super::{AccountId, id, open_account, parse, shown, unknown};
use crate::audit::Actor;
use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::Tenant;
use crate::vault::SECOND_FACTOR;

/// Bytes of a secret, as RFC 4226 recommends.
const SECRET_LEN: usize = 20;
/// How long a code is shown, in milliseconds.
const STEP_MS: i64 = 30_000;
/// How many steps a phone's clock may be off, either way.
const STEPS_OFF: i64 = 1;
const DIGITS: u32 = 6;
/// Recovery codes, and their characters.
const RECOVERY: usize = 10;
const RECOVERY_LEN: usize = 10;
/// How long somebody may take for the code, in milliseconds, and how many wrong ones there may be.
const HALF_MS: i64 = 10 * 60 * 1000;
const TRIES_MAX: i64 = 5;
const TICKET_LEN: usize = 32;

/// What an app is set up with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SetUp {
    /// The secret, to be typed.
    pub secret: String,
    /// The same as a link that apps read from a code.
    pub link: String,
}

/// Whether an account has a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Second {
    /// No.
    Off,
    /// A secret was made, and no code of it was shown yet.
    Begun,
    /// Yes; so many recovery codes are left.
    On(usize),
}

/// Somebody who has shown the password, in a transaction that is under way.
pub(super) struct Half {
    pub tx: Tx,
    pub tenant: TenantId,
    pub account: AccountId,
    hash: [u8; 32],
}

impl Half {
    /// What was wanted beside the password was brought: the ticket ends, and the session may begin.
    pub(super) async fn end(mut self) -> Result<(TenantId, AccountId)> {
        self.tx
            .execute(
                "DELETE FROM half_session WHERE tenant = $1 AND hash = $2",
                values![self.tenant, &self.hash[..]],
            )
            .await?;
        self.tx.commit().await?;
        Ok((self.tenant, self.account))
    }

    /// It was not: the try is counted.
    pub(super) async fn miss(mut self, why: Error) -> Error {
        let counted = self.tx.execute(
            "UPDATE half_session SET tries = tries + 1 WHERE tenant = $1 AND hash = $2",
            values![self.tenant, &self.hash[..]],
        );
        match counted.await {
            Ok(_) => self.tx.commit().await.err().unwrap_or(why),
            Err(error) => error,
        }
    }
}

/// The code of one half-minute (RFC 6238 with SHA-1, the one that every app knows).
fn totp(secret: &[u8], step: i64, digits: u32) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let mac = hmac::sign(&key, &step.to_be_bytes());
    let mac = mac.as_ref();
    let from = usize::from(mac[mac.len() - 1] & 15);
    let word = u32::from_be_bytes([mac[from] & 127, mac[from + 1], mac[from + 2], mac[from + 3]]);
    word % 10_u32.pow(digits)
}

/// The half-minute whose code this is, near a moment and after the last that was taken.
fn step_of(secret: &[u8], code: &str, now_ms: i64, last: i64) -> Option<i64> {
    if secret.is_empty() {
        // It was lost with its wrapping key: only recovery codes are left.
        return None;
    }
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != DIGITS as usize || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let wanted: u32 = digits.parse().ok()?;
    let now = now_ms / STEP_MS;
    // Every step is computed, so that the time it takes says nothing.
    let mut fitting = None;
    for step in now - STEPS_OFF..=now + STEPS_OFF {
        if totp(secret, step, DIGITS) == wanted && step > last {
            fitting = Some(step);
        }
    }
    fitting
}

fn recovery_hash(account: &AccountId, code: &str) -> [u8; 32] {
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).take(RECOVERY_LEN + 1).collect();
    blake3::derive_key(
        "stempel recovery code v1",
        &[&account[..], code.to_ascii_lowercase().as_bytes()].concat(),
    )
}

fn ticket_hash(ticket: &str) -> [u8; 32] {
    blake3::derive_key("stempel half session v1", ticket.as_bytes())
}

pub(crate) fn wrong_code() -> Error {
    Error::refused(
        "second-factor",
        401,
        "This is not the code",
        "Type the six digits that the app shows now, or one of the recovery codes that you wrote down. Each is good \
         once.",
    )
}

fn ended() -> Error {
    Error::refused("session", 401, "This took too long", "Sign in again, and have the app at hand.")
}

impl Server {
    /// Whether an account has a second factor.
    pub(crate) async fn second(&self, tenant: TenantId, account: &AccountId) -> Result<Second> {
        let mut tx = self.read_of(tenant).await?;
        let row = tx
            .row(
                "SELECT on_ms FROM second_factor WHERE tenant = $1 AND account = $2",
                values![tenant, &account[..]],
            )
            .await?;
        let Some(row) = row else { return Ok(Second::Off) };
        if row.opt_int(0)?.is_none() {
            return Ok(Second::Begun);
        }
        Ok(Second::On(recovery_left(&mut tx, tenant, account).await?))
    }

    /// Makes a secret for an account's app; it counts once a code of it was shown. Refused where one is in use.
    pub(crate) async fn second_begin(&self, tenant: TenantId, account: &AccountId) -> Result<SetUp> {
        let secret: [u8; SECRET_LEN] = self.random();
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        let email = open_account(&mut tx, tenant, account).await?.ok_or_else(|| unknown(&shown(account)))?;
        let stored = tx.vault().seal(&SECOND_FACTOR, &[&tenant.0, account], &secret)?;
        let changed = tx
            .execute(
                "INSERT INTO second_factor (tenant, account, secret, last_step) VALUES ($1, $2, $3, 0)
                 ON CONFLICT (tenant, account) DO UPDATE SET secret = excluded.secret
                 WHERE second_factor.on_ms IS NULL",
                values![tenant, &account[..], stored],
            )
            .await?;
        if changed == 0 {
            let detail = "Switch it off first, with a code.";
            return Err(Error::refused("second-on", 409, "There is a second factor already", detail));
        }
        tx.commit().await?;
        Ok(set_up(&secret, &email, &locked.name))
    }

    /// What the app is set up with, again: for a page that is shown anew. None: nothing was begun.
    pub(crate) async fn second_begun(&self, tenant: TenantId, account: &AccountId) -> Result<Option<SetUp>> {
        let mut tx = self.read_of(tenant).await?;
        let name = Tenant::load(&mut tx, tenant).await?.name;
        let row = tx
            .row(
                "SELECT f.secret, a.email FROM second_factor f
                 JOIN account a ON a.tenant = f.tenant AND a.account = f.account
                 WHERE f.tenant = $1 AND f.account = $2 AND f.on_ms IS NULL",
                values![tenant, &account[..]],
            )
            .await?;
        row.map(|row| Ok(set_up(&open(&tx, tenant, account, &row.bytes(0)?)?, &row.text(1)?, &name)))
            .transpose()
    }

    /// Switches the second factor on with a first code of the app, and gives the recovery codes. They are shown once.
    pub(crate) async fn second_confirm(
        &self,
        tenant: TenantId,
        account: &AccountId,
        code: &str,
    ) -> Result<Vec<String>> {
        let now_ms = self.now_ms();
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        let row = tx
            .row(
                "SELECT secret FROM second_factor WHERE tenant = $1 AND account = $2 AND on_ms IS NULL",
                values![tenant, &account[..]],
            )
            .await?
            .ok_or_else(ended)?;
        let secret = open(&tx, tenant, account, &row.bytes(0)?)?;
        let step = step_of(&secret, code, now_ms, 0).ok_or_else(wrong_code)?;
        tx.execute(
            "UPDATE second_factor SET on_ms = $3, last_step = $4 WHERE tenant = $1 AND account = $2",
            values![tenant, &account[..], now_ms, step],
        )
        .await?;
        let codes = self.recovery_codes(&mut tx, tenant, account).await?;
        self.note(&mut tx, &locked, "second-factor-on", &shown(account), json!({})).await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Switches the own second factor off, with a code.
    pub(crate) async fn second_off(&self, tenant: TenantId, account: &AccountId, code: &str) -> Result<()> {
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        if !take_code(&mut tx, tenant, account, code, self.now_ms()).await? {
            return Err(wrong_code());
        }
        tx.execute(
            "DELETE FROM second_factor WHERE tenant = $1 AND account = $2",
            values![tenant, &account[..]],
        )
        .await?;
        keep_recovery(&mut tx, tenant, account).await?;
        self.note(&mut tx, &locked, "second-factor-off", &shown(account), json!({})).await?;
        tx.commit().await
    }

    /// Takes somebody's second factor and passkeys away who has lost them and the recovery codes. Their sessions end.
    pub(crate) async fn second_reset(&self, tenant: TenantId, account: &str) -> Result<()> {
        let account_id = parse(account)?;
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        open_account(&mut tx, tenant, &account_id).await?.ok_or_else(|| unknown(account))?;
        if clear(&mut tx, tenant, &account_id).await? {
            tx.execute(
                "DELETE FROM session WHERE tenant = $1 AND account = $2",
                values![tenant, &account_id[..]],
            )
            .await?;
            self.note(&mut tx, &locked, "second-factor-reset", account, json!({})).await?;
        }
        tx.commit().await
    }

    /// The accounts of a tenant that have a second factor.
    pub(crate) async fn second_accounts(&self, tenant: TenantId) -> Result<Vec<String>> {
        let mut tx = self.read_of(tenant).await?;
        let rows = tx
            .rows(
                "SELECT account FROM second_factor WHERE tenant = $1 AND on_ms IS NOT NULL
                 UNION SELECT account FROM passkey WHERE tenant = $1",
                values![tenant],
            )
            .await?;
        rows.iter().map(|row| Ok(HEXLOWER.encode(&row.bytes(0)?))).collect()
    }

    /// Takes the code of somebody who has shown the password, and gives whose session may begin. A wrong code may be
    /// followed by another; after some the password is asked for again.
    pub(super) async fn half_session_end(&self, ticket: &str, code: &str) -> Result<(TenantId, AccountId)> {
        let mut half = self.half_session_of(ticket).await?;
        let right = take_code(&mut half.tx, half.tenant, &half.account, code, self.now_ms()).await?;
        if right { half.end().await } else { Err(half.miss(wrong_code()).await) }
    }

    /// The ticket of somebody who has shown the password, in a transaction that is under way.
    pub(super) async fn half_session_of(&self, ticket: &str) -> Result<Half> {
        let bytes = BASE32_NOPAD.decode(ticket.to_ascii_uppercase().as_bytes()).map_err(|_| ended())?;
        let tenant = bytes.get(..16).filter(|_| bytes.len() == 16 + TICKET_LEN);
        let tenant = tenant.and_then(TenantId::from_slice).ok_or_else(ended)?;
        let (hash, now_ms) = (ticket_hash(ticket), self.now_ms());
        let mut tx = self.write_of(tenant).await.map_err(|_| ended())?;
        Tenant::lock(&mut tx, tenant).await.map_err(|_| ended())?;
        let row = tx
            .row(
                "SELECT account, tries FROM half_session
                 WHERE tenant = $1 AND hash = $2 AND created_ms > $3 AND tries < $4",
                values![tenant, &hash[..], now_ms - HALF_MS, TRIES_MAX],
            )
            .await?
            .ok_or_else(ended)?;
        let account = id(&row, 0)?;
        open_account(&mut tx, tenant, &account).await?.ok_or_else(ended)?;
        Ok(Half { tx, tenant, account, hash })
    }

    /// Makes ten new recovery codes for an account, in the place of those that it had.
    pub(super) async fn recovery_codes(
        &self,
        tx: &mut Tx,
        tenant: TenantId,
        account: &AccountId,
    ) -> Result<Vec<String>> {
        let random: [[u8; 8]; RECOVERY] = std::array::from_fn(|_| self.random());
        tx.execute(
            "DELETE FROM recovery_code WHERE tenant = $1 AND account = $2",
            values![tenant, &account[..]],
        )
        .await?;
        let codes: Vec<String> = random
            .iter()
            .map(|bytes| BASE32_NOPAD.encode(bytes).to_ascii_lowercase().chars().take(RECOVERY_LEN).collect())
            .collect();
        for code in &codes {
            tx.execute(
                "INSERT INTO recovery_code (tenant, hash, account) VALUES ($1, $2, $3)",
                values![tenant, &recovery_hash(account, code)[..], &account[..]],
            )
            .await?;
        }
        Ok(codes)
    }

    /// A ticket for whoever has shown the password and has a second factor; none if there is none.
    pub(super) async fn half_session(
        &self,
        tx: &mut Tx,
        tenant: TenantId,
        account: &AccountId,
    ) -> Result<Option<String>> {
        let on = tx
            .row(
                "SELECT 1 FROM second_factor WHERE tenant = $1 AND account = $2 AND on_ms IS NOT NULL
                 UNION SELECT 1 FROM passkey WHERE tenant = $1 AND account = $2",
                values![tenant, &account[..]],
            )
            .await?;
        if on.is_none() {
            return Ok(None);
        }
        let (secret, now_ms): ([u8; TICKET_LEN], i64) = (self.random(), self.now_ms());
        let ticket = BASE32_NOPAD.encode(&[&tenant.0[..], &secret].concat()).to_ascii_lowercase();
        tx.execute(
            "DELETE FROM half_session WHERE tenant = $1 AND created_ms <= $2",
            values![tenant, now_ms - HALF_MS],
        )
        .await?;
        tx.execute(
            "INSERT INTO half_session (tenant, hash, account, created_ms, tries) VALUES ($1, $2, $3, $4, 0)",
            values![tenant, &ticket_hash(&ticket)[..], &account[..], now_ms],
        )
        .await?;
        Ok(Some(ticket))
    }
}

fn set_up(secret: &[u8], email: &str, shop: &str) -> SetUp {
    let secret = BASE32_NOPAD.encode(secret);
    let part = |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    // Apps write a plus sign out where a blank is meant.
    let (email, shop) = (part(email), part(shop).replace('+', "%20"));
    let link = format!("otpauth://totp/{shop}:{email}?secret={secret}&issuer={shop}");
    SetUp { secret, link }
}

/// Opens an account's stored secret.
fn open(tx: &Tx, tenant: TenantId, account: &AccountId, stored: &[u8]) -> Result<Vec<u8>> {
    tx.vault().open(&SECOND_FACTOR, &[&tenant.0, account], stored)
}

/// Takes a code of the app or a recovery code, once. False: it is wrong.
async fn take_code(
    tx: &mut Tx,
    tenant: TenantId,
    account: &AccountId,
    code: &str,
    now_ms: i64,
) -> Result<bool> {
    let row = tx
        .row(
            "SELECT secret, last_step FROM second_factor
             WHERE tenant = $1 AND account = $2 AND on_ms IS NOT NULL",
            values![tenant, &account[..]],
        )
        .await?;
    let step = match row {
        Some(row) => step_of(&open(tx, tenant, account, &row.bytes(0)?)?, code, now_ms, row.int(1)?),
        // Whose second factor is a passkey has recovery codes alone.
        None => None,
    };
    if let Some(step) = step {
        tx.execute(
            "UPDATE second_factor SET last_step = $3 WHERE tenant = $1 AND account = $2",
            values![tenant, &account[..], step],
        )
        .await?;
        return Ok(true);
    }
    let taken = tx
        .execute(
            "UPDATE recovery_code SET used_ms = $4
             WHERE tenant = $1 AND account = $2 AND hash = $3 AND used_ms IS NULL",
            values![tenant, &account[..], &recovery_hash(account, code)[..], now_ms],
        )
        .await?;
    Ok(taken > 0)
}

/// The recovery codes of an account that were not used yet.
pub(super) async fn recovery_left(tx: &mut Tx, tenant: TenantId, account: &AccountId) -> Result<usize> {
    let row = tx
        .row(
            "SELECT COUNT(*) FROM recovery_code WHERE tenant = $1 AND account = $2 AND used_ms IS NULL",
            values![tenant, &account[..]],
        )
        .await?;
    Ok(row.map_or(Ok(0), |row| row.number(0))? as usize)
}

/// Takes the recovery codes away of an account that has no second factor any more, and the tickets of half sessions.
pub(super) async fn keep_recovery(tx: &mut Tx, tenant: TenantId, account: &AccountId) -> Result<()> {
    tx.execute(
        "DELETE FROM recovery_code WHERE tenant = $1 AND account = $2
         AND NOT EXISTS (SELECT 1 FROM passkey WHERE tenant = $1 AND account = $2)
         AND NOT EXISTS (SELECT 1 FROM second_factor WHERE tenant = $1 AND account = $2 AND on_ms IS NOT NULL)",
        values![tenant, &account[..]],
    )
    .await?;
    tx.execute("DELETE FROM half_session WHERE tenant = $1 AND account = $2", values![tenant, &account[..]])
        .await?;
    Ok(())
}

/// Takes everything of a second factor away, passkeys too. False: there was none.
pub(super) async fn clear(tx: &mut Tx, tenant: TenantId, account: &AccountId) -> Result<bool> {
    let mut there = 0;
    for sql in [
        "DELETE FROM second_factor WHERE tenant = $1 AND account = $2",
        "DELETE FROM recovery_code WHERE tenant = $1 AND account = $2",
        "DELETE FROM passkey WHERE tenant = $1 AND account = $2",
        "DELETE FROM half_session WHERE tenant = $1 AND account = $2",
    ] {
        there += tx.execute(sql, values![tenant, &account[..]]).await?;
    }
    Ok(there > 0)
}

/// Who acts where an account signs in.
pub(super) fn actor(account: &AccountId) -> Actor {
    Actor::of("account", &shown(account))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, the rows for SHA-1.
        let secret = b"12345678901234567890";
        for (seconds, code) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            assert_eq!(totp(secret, seconds / 30, 8), code, "{seconds}");
        }
    }

    #[test]
    fn a_code_is_good_near_its_half_minute_and_once() {
        let secret = b"12345678901234567890";
        let code = format!("{:06}", totp(secret, 100, DIGITS));
        let at = |step: i64| step * STEP_MS + 1;
        for near in 99..=101 {
            assert_eq!(step_of(secret, &code, at(near), 0), Some(100));
        }
        let spaced = format!(" {} {}", &code[..3], &code[3..]);
        assert_eq!(step_of(secret, &spaced, at(100), 0), Some(100));
        assert_eq!(step_of(secret, &code, at(102), 0), None, "too late");
        assert_eq!(step_of(secret, &code, at(98), 0), None, "too early");
        assert_eq!(step_of(secret, &code, at(100), 100), None, "twice");
        let known = format!("{:06}", totp(b"", 100, DIGITS));
        assert_eq!(step_of(b"", &known, at(100), 0), None, "a secret that was lost is nobody's");
        for wrong in ["", "12345", "1234567", "abcdef", "½½½½½½"] {
            assert_eq!(step_of(secret, wrong, at(100), 0), None, "{wrong}");
        }
    }

    #[test]
    fn an_app_is_told_whose_code_it_is() {
        let set_up = set_up(&[0; 20], "olga@example.org", "Café Nord & Süd");
        assert_eq!(set_up.secret.len(), 32);
        assert!(
            set_up.link.starts_with(
                "otpauth://totp/Caf%C3%A9%20Nord%20%26%20S%C3%BCd:olga%40example.org?secret=AAAA"
            )
        );
    }
}
