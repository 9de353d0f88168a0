//! How a device comes to belong to a shop, and the blank cards that it is given.

use data_encoding::BASE32_NOPAD;
use serde::Serialize;
use serde_json::json;
use stempel_domain::{AuthorId, CardId, ShopId, TenantId};
use stempel_wire::message::{BLANKS_POOL, BlanksAnswer, EnrollAnswer, EnrollRequest, FeedChange};
use stempel_wire::token::{SecondCode, Token};
use stempel_wire::{Certificate, SecretKey};

use crate::caller::{Caller, revoked};
use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::{self, Tenant};
use crate::vault::CARD_KEY;

/// The longest name of a device, in characters.
const NAME_CHARS_MAX: usize = 80;
/// Digits of a code: no I, L, O or U to be mistaken.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a code, without the dash.
const CODE_LEN: usize = 8;
/// How often the pool of blanks is filled up with other numbers when some were taken.
const DRAWS_MAX: usize = 8;

/// A one-time code that makes a device belong to a shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Invite {
    /// The code to type: two groups of four characters. It is shown once and stored only as a hash.
    pub code: String,
    /// Where the device will stand.
    pub shop: ShopId,
    /// Until when it can be used, in milliseconds.
    pub expires_ms: i64,
}

/// The code as it is hashed: without spaces and dashes, upper case, look-alikes taken for what is meant.
fn normal(code: &str) -> String {
    code.chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            c => c,
        })
        .take(64)
        .collect()
}

/// Codes are looked up by this hash, so that the time of a look-up says nothing of a code that exists.
fn code_hash(code: &str) -> [u8; 32] {
    blake3::derive_key("stempel invite code v1", normal(code).as_bytes())
}

fn refuse(code: &'static str, status: u16, title: &'static str) -> Error {
    Error::refused(code, status, title, "Ask the owner for a new code; each works once and for a short time.")
}

impl Server {
    /// Makes a one-time code for a device of that shop.
    pub async fn device_invite(&self, tenant: TenantId, shop: ShopId, valid_ms: i64) -> Result<Invite> {
        let random: [u8; CODE_LEN] = self.random();
        let mut code: String =
            random.iter().map(|byte| char::from(DIGITS[usize::from(*byte) % DIGITS.len()])).collect();
        code.insert(CODE_LEN / 2, '-');
        let now_ms = self.now_ms();
        let expires_ms = now_ms.saturating_add(valid_ms.max(0));
        let hash = code_hash(&code);
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        tenant::shop(&mut tx, tenant, shop).await?;
        tenant::enter(&mut tx, "invite", &hash, tenant).await?;
        tx.execute(
            "INSERT INTO invite (tenant, code_hash, shop, created_ms, expires_ms) VALUES ($1, $2, $3, $4, $5)",
            values![tenant, &hash[..], shop, now_ms, expires_ms],
        )
        .await?;
        let expires = json!({ "expires_ms": expires_ms });
        self.note(&mut tx, &locked, "device-invited", &shop.to_string(), expires).await?;
        self.enter_at_home(tenant, "invite", &hash).await?;
        tx.commit().await?;
        tracing::info!(%tenant, %shop, "a device was invited");
        Ok(Invite { code, shop, expires_ms })
    }

    /// Makes a device belong to the shop that the code names. Asking again with the same code, device and key
    /// gives the same answer, so an answer that was lost on its way does no harm.
    pub async fn enroll(&self, request: &EnrollRequest) -> Result<EnrollAnswer> {
        if request.public_key.verify(EnrollRequest::CONTEXT, request.code.as_bytes(), &request.proof).is_err()
        {
            return Err(Error::refused(
                "proof",
                400,
                "The device could not prove its key",
                "The request was damaged on its way. Try again.",
            ));
        }
        let hash = code_hash(&request.code);
        // Guesses are turned away by a reader, so that they keep no writer waiting.
        let Some((id, _)) = self.look_up("invite", &hash).await? else {
            return Err(refuse("code-unknown", 404, "This code is not known here"));
        };
        let mut tx = self.write_of(id).await?;
        let mut tenant = Tenant::lock(&mut tx, id).await?;
        let known = self.known_device(request).await?;
        let invite = tx
            .row(
                "SELECT shop, expires_ms, used_device FROM invite WHERE tenant = $1 AND code_hash = $2",
                values![id, &hash[..]],
            )
            .await?
            .ok_or_else(|| refuse("code-unknown", 404, "This code is not known here"))?;
        if let Some(used_by) = invite.opt_id::<AuthorId>(2)? {
            return match known {
                Some(known) if used_by == request.device && known.certificate.shop == invite.id(0)? => {
                    known.check(request)?;
                    answer(&mut tx, &tenant, known.certificate).await
                }
                _ => Err(refuse("code-used", 409, "This code was used already")),
            };
        }
        if self.now_ms() > invite.int(1)? {
            return Err(refuse("code-expired", 410, "This code is no longer valid"));
        }
        if let Some(known) = &known {
            known.check(request)?;
            if known.tenant != id {
                return Err(taken());
            }
        }
        let now_ms = self.now_ms();
        let certificate =
            Certificate::issue(&tenant.key, id, invite.id(0)?, request.device, request.public_key, now_ms);
        save_device(&mut tx, request, &certificate, known.is_some()).await?;
        tx.execute(
            "UPDATE invite SET used_ms = $3, used_device = $4 WHERE tenant = $1 AND code_hash = $2",
            values![id, &hash[..], now_ms, request.device],
        )
        .await?;
        let change = FeedChange::Device { certificate: certificate.clone(), revoked: false };
        tenant.publish(&mut tx, "device", &request.device.0, &change).await?;
        tenant.save_head(&mut tx).await?;
        let place = json!({ "shop": certificate.shop });
        self.note(&mut tx, &tenant, "device-enrolled", &request.device.to_string(), place).await?;
        let answer = answer(&mut tx, &tenant, certificate).await?;
        self.enter_at_home(id, "author", &request.device.0).await?;
        tx.commit().await?;
        self.announce(id, tenant.head);
        tracing::info!(tenant = %id, device = %request.device, "a device was enrolled");
        Ok(answer)
    }

    /// Gives the device its pool of blank cards, filled up. Asking again gives the same cards, less those that
    /// have become somebody's since.
    pub async fn blanks(&self, caller: &Caller) -> Result<BlanksAnswer> {
        let (mut cards, key) = {
            let mut tx = self.read_of(caller.tenant).await?;
            (blanks_of(&mut tx, caller).await?, card_key(&mut tx, caller.tenant).await?)
        };
        if cards.len() < BLANKS_POOL {
            cards = self.fill_pool(caller).await?;
        }
        let seconds = cards.iter().map(|card| SecondCode::issue(caller.tenant, &key, *card)).collect();
        let blanks = cards.into_iter().map(|card| Token::issue(caller.tenant, &key, card)).collect();
        Ok(BlanksAnswer { blanks, seconds })
    }

    async fn fill_pool(&self, caller: &Caller) -> Result<Vec<CardId>> {
        let now_ms = self.now_ms();
        let mut tx = self.write_of(caller.tenant).await?;
        Tenant::lock(&mut tx, caller.tenant).await?;
        let mut cards = blanks_of(&mut tx, caller).await?;
        for _ in 0..DRAWS_MAX {
            let wanted = BLANKS_POOL.saturating_sub(cards.len());
            if wanted == 0 {
                break;
            }
            let mut rows = Vec::with_capacity(wanted * 6);
            for _ in 0..wanted {
                let card = CardId(self.random());
                rows.extend(values![caller.tenant, card, &card.0[..5], caller.device, 0_i64, now_ms]);
            }
            // A number that another card has already is drawn anew in the next round.
            tx.insert_all(
                "INSERT INTO card (tenant, card, number, device, status, issued_ms)",
                "ON CONFLICT DO NOTHING",
                6,
                rows,
            )
            .await?;
            cards = blanks_of(&mut tx, caller).await?;
        }
        tx.commit().await?;
        Ok(cards)
    }
}

/// A device that is enrolled already.
struct Known {
    tenant: TenantId,
    certificate: Certificate,
    revoked: bool,
}

impl Known {
    /// The same device may ask again; another one under the same name may not.
    fn check(&self, request: &EnrollRequest) -> Result<()> {
        if self.certificate.public_key != request.public_key {
            return Err(taken());
        }
        if self.revoked { Err(revoked()) } else { Ok(()) }
    }
}

fn taken() -> Error {
    Error::refused(
        "device-taken",
        409,
        "Another device has this identity",
        "This device was probably copied from another one. Set it up again as a new device.",
    )
}

impl Server {
    /// Finds the device that asks, at whichever tenant. It reads beside the transaction that has locked the
    /// tenant, and so sees what the one before has done.
    async fn known_device(&self, request: &EnrollRequest) -> Result<Option<Known>> {
        let Some((tenant, mut tx)) = self.look_up("author", &request.device.0).await? else {
            return Ok(None);
        };
        let row = tx
            .row(
                "SELECT certificate, revoked FROM device WHERE tenant = $1 AND device = $2",
                values![tenant, request.device],
            )
            .await?
            // The directory names a server: no device may take its place.
            .ok_or_else(taken)?;
        Ok(Some(Known { tenant, certificate: serde_json::from_str(&row.text(0)?)?, revoked: row.flag(1)? }))
    }
}

async fn save_device(
    tx: &mut Tx,
    request: &EnrollRequest,
    certificate: &Certificate,
    again: bool,
) -> Result<()> {
    if !again {
        tenant::enter(tx, "author", &request.device.0, certificate.tenant).await?;
    }
    let name: String = request.name.trim().chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    tx.execute(
        "INSERT INTO device (tenant, device, shop, name, public_key, certificate, enrolled_ms, revoked)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0)
         ON CONFLICT (tenant, device) DO UPDATE SET shop = excluded.shop, name = excluded.name,
         certificate = excluded.certificate, enrolled_ms = excluded.enrolled_ms",
        values![
            certificate.tenant,
            certificate.device,
            certificate.shop,
            name,
            &request.public_key.as_bytes()[..],
            serde_json::to_string(certificate)?,
            certificate.issued_ms
        ],
    )
    .await?;
    if let Some(key) = request.journal_key.filter(|_| !again) {
        tx.execute(
            "INSERT INTO author_key (tenant, author, seq, public_key) VALUES ($1, $2, 0, $3) ON CONFLICT DO NOTHING",
            values![certificate.tenant, certificate.device, &key.as_bytes()[..]],
        )
        .await?;
    }
    Ok(())
}

async fn answer(tx: &mut Tx, tenant: &Tenant, certificate: Certificate) -> Result<EnrollAnswer> {
    Ok(EnrollAnswer {
        tenant: tenant.id,
        tenant_name: tenant.name.clone(),
        shop: tenant::shop(tx, tenant.id, certificate.shop).await?,
        certificate,
        server: tenant.server,
        server_key: tenant.key.public(),
        epoch: tenant.epoch.clone(),
    })
}

async fn blanks_of(tx: &mut Tx, caller: &Caller) -> Result<Vec<CardId>> {
    let rows = tx
        .rows(
            "SELECT card FROM card WHERE tenant = $1 AND device = $2 AND status = 0 ORDER BY card LIMIT $3",
            values![caller.tenant, caller.device, BLANKS_POOL as i64],
        )
        .await?;
    rows.iter().map(|row| row.id(0)).collect()
}

/// The key that signs new cards.
pub(crate) async fn card_key(tx: &mut Tx, tenant: TenantId) -> Result<SecretKey> {
    let row = tx
        .row(
            "SELECT public_key, secret FROM card_key WHERE tenant = $1 AND retired = 0 AND length(secret) > 0
             ORDER BY created_ms DESC LIMIT 1",
            values![tenant],
        )
        .await?
        .ok_or_else(|| Error::Damaged("the tenant has no key for cards".to_owned()))?;
    tx.vault().open_signing(&CARD_KEY, &[&tenant.0, &row.bytes(0)?], &row.bytes(1)?)
}

/// A short name out of random bytes, for epochs and files: lower-case base 32.
pub(crate) fn short_name(random: &[u8]) -> String {
    BASE32_NOPAD.encode(random).to_ascii_lowercase()
}
