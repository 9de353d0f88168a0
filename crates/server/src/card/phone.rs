//! A browser's key: which member it speaks for, and requests that it signs.
//!
//! A request carries `authorization: Phone TENANT.PHONE.MILLIS.SIGNATURE`. Signed is, under the context
//! `stempel phone request v1`: method, path with query, milliseconds and body, each but the last followed by a line
//! feed.

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use stempel_domain::{CardId, MemberId, TenantId};
use stempel_wire::PhoneKey;

use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::http::{Http, read_body};
use crate::server::Server;
use crate::tenant::Tenant;

/// How far a phone's clock may be from the server's, in milliseconds.
const CLOCKS_DIFFER_MS: i64 = 10 * 60 * 1000;
/// The longest body of a phone's request, in bytes.
pub(super) const BODY_LEN_MAX: usize = 4 * 1024;
const CONTEXT: &str = "stempel phone request v1";

/// A phone's id: the first bytes of the hash of its key.
pub(crate) type PhoneId = [u8; 16];

pub(super) fn id_of(key: &PhoneKey) -> PhoneId {
    let hash = blake3::derive_key("stempel phone id v1", key.as_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&hash[..16]);
    id
}

/// A phone whose request was checked.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub tenant: TenantId,
    pub phone: PhoneId,
    pub key: PhoneKey,
    pub member: MemberId,
    pub card: CardId,
}

/// What is said to whoever is not known: it is the same whatever was wrong.
fn unknown() -> Error {
    Error::refused(
        "phone-unknown",
        401,
        "This phone does not hold the card",
        "The card was moved to another phone, or this browser has forgotten it. Open the printed card, the mail or \
         the poster again.",
    )
}

struct Claimed {
    tenant: TenantId,
    phone: PhoneId,
    at_ms: i64,
    signature: [u8; 64],
}

fn claimed(headers: &HeaderMap) -> Option<Claimed> {
    let (scheme, text) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let mut parts = text.trim().split('.');
    let mut next = || parts.next();
    let (tenant, phone, at_ms, signature) = (next()?, next()?, next()?, next()?);
    if !scheme.eq_ignore_ascii_case("phone") || next().is_some() {
        return None;
    }
    Some(Claimed {
        tenant: tenant.parse().ok()?,
        phone: HEXLOWER.decode(phone.as_bytes()).ok()?.try_into().ok()?,
        at_ms: at_ms.parse().ok()?,
        signature: BASE64URL_NOPAD.decode(signature.as_bytes()).ok()?.try_into().ok()?,
    })
}

/// Checks a phone's request and reads its body.
pub(super) async fn signed(http: &Http, request: Request) -> Result<(Caller, Bytes)> {
    let (parts, body) = request.into_parts();
    let claimed = claimed(&parts.headers).ok_or_else(unknown)?;
    let now_ms = http.server.now_ms();
    if now_ms.saturating_sub(claimed.at_ms).saturating_abs() > CLOCKS_DIFFER_MS {
        return Err(Error::refused(
            "clock",
            401,
            "The phone's clock is wrong",
            "The page corrects itself by the time in this answer; it asks once more.",
        ));
    }
    let body = read_body(http, &parts.headers, body, BODY_LEN_MAX).await?;
    let (caller, ended) = http.server.phone(claimed.tenant, &claimed.phone).await?.ok_or_else(unknown)?;
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let head = format!("{}\n{path}\n{}\n", parts.method, claimed.at_ms);
    let message = [head.as_bytes(), &body].concat();
    caller.key.verify(CONTEXT, &message, &claimed.signature).map_err(|_| unknown())?;
    if ended {
        // Only the phone itself hears it, and forgets the card. A server that knows too little says “unknown”.
        let detail = "The card was moved to another phone, or taken off this one.";
        return Err(Error::refused("phone-ended", 410, "The card is no longer on this phone", detail));
    }
    Ok((caller, body))
}

impl Server {
    /// The phone that has this id, and whether it was ended.
    async fn phone(&self, tenant: TenantId, phone: &PhoneId) -> Result<Option<(Caller, bool)>> {
        let mut tx = match self.read_of(tenant).await {
            Ok(tx) => tx,
            Err(Error::Refused(refusal)) if refusal.status == 404 => return Ok(None),
            Err(error) => return Err(error),
        };
        load(&mut tx, tenant, phone).await
    }

    /// Ends a phone: its key opens nothing any more.
    pub(super) async fn phone_end(&self, caller: &Caller) -> Result<()> {
        let mut tx = self.write_of(caller.tenant).await?;
        Tenant::lock(&mut tx, caller.tenant).await?;
        tx.execute(
            "UPDATE phone SET ended_ms = $3 WHERE tenant = $1 AND phone = $2 AND ended_ms IS NULL",
            values![caller.tenant, &caller.phone[..], self.now_ms()],
        )
        .await?;
        tx.commit().await
    }
}

/// The phone that has this id and was not ended.
pub(super) async fn find(tx: &mut Tx, tenant: TenantId, phone: &PhoneId) -> Result<Option<Caller>> {
    Ok(load(tx, tenant, phone).await?.filter(|(_, ended)| !ended).map(|(caller, _)| caller))
}

async fn load(tx: &mut Tx, tenant: TenantId, phone: &PhoneId) -> Result<Option<(Caller, bool)>> {
    let row = tx
        .row(
            "SELECT member, card, public_key, ended_ms FROM phone WHERE tenant = $1 AND phone = $2",
            values![tenant, &phone[..]],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let key = PhoneKey::from_slice(&row.bytes(2)?).map_err(|error| Error::Damaged(error.to_string()))?;
    let caller = Caller { tenant, phone: *phone, key, member: row.id(0)?, card: row.id(1)? };
    Ok(Some((caller, row.opt_int(3)?.is_some())))
}

/// Binds a phone to a member's card. Every other phone of the member ends: a card is on one phone.
pub(super) async fn bind(
    tx: &mut Tx,
    tenant: TenantId,
    key: &PhoneKey,
    member: MemberId,
    card: CardId,
    now_ms: i64,
) -> Result<Caller> {
    let phone = id_of(key);
    tx.execute(
        "UPDATE phone SET ended_ms = $4 WHERE tenant = $1 AND member = $2 AND phone <> $3 AND ended_ms IS NULL",
        values![tenant, member, &phone[..], now_ms],
    )
    .await?;
    tx.execute(
        "INSERT INTO phone (tenant, phone, member, card, public_key, created_ms) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant, phone) DO UPDATE SET member = excluded.member, card = excluded.card, ended_ms = NULL",
        values![tenant, &phone[..], member, card, &key.as_bytes()[..], now_ms],
    )
    .await?;
    Ok(Caller { tenant, phone, key: *key, member, card })
}

/// Reads a key as browsers write it: base64 of 65 bytes, in an address's alphabet.
pub(super) fn read_key(text: &str) -> Result<PhoneKey> {
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok();
    bytes
        .and_then(|bytes| PhoneKey::from_slice(&bytes).ok())
        .ok_or_else(|| Error::bad_request("The browser sent no key that can be used."))
}
