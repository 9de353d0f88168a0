//! The ways back to a card, and from one browser to another: the second code of a printed card, a one-time code, a
//! mail to a confirmed address. Browsers forget; a printed card and a mailbox do not.

use data_encoding::BASE32_NOPAD;
use serde::Deserialize;
use stempel_domain::event::{Fact, MemberJoined, ProfileChanged};
use stempel_domain::{CardId, MemberId, TenantId};
use stempel_wire::token::SecondCode;
use stempel_wire::{KeyId, MemberKey, PhoneKey, Profile, SecretKey};

use super::join::{clean_language, clean_name};
use super::phone::{self, Caller};
use super::view;
use crate::admin::keys_of;
use crate::author;
use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::{self, Tenant};
use crate::vault::CARD_KEY;

/// How long codes can be used, in milliseconds.
const HAND_OVER_MS: i64 = 60 * 60 * 1000;
const CONFIRM_MS: i64 = 24 * 60 * 60 * 1000;
const RETURN_MS: i64 = 60 * 60 * 1000;
/// The most mails to one member that can be used at a time.
const MAILS_MAX: i64 = 3;
/// The most hand-over codes of one member that can be used at a time; a new one ends the oldest.
const HAND_OVERS_MAX: i64 = 5;
/// The most tenants at which one address is looked for.
const TENANTS_MAX: i64 = 4;
const SECRET_LEN: usize = 15;
/// Characters of a second code.
const SECOND_LEN: usize = 10;
/// Digits that are not mistaken for others.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What a browser shows to be given a card.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AttachRequest {
    /// The browser's public key.
    pub key: String,
    /// A printed card and the second code on its back.
    #[serde(default)]
    pub token: Option<String>,
    #[serde(default)]
    pub second: Option<String>,
    /// A one-time code: from another browser, or from a mail.
    #[serde(default)]
    pub code: Option<String>,
}

/// A mail that is to be sent.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    pub shop: String,
    pub code: String,
}

fn hash(code: &str) -> [u8; 32] {
    blake3::derive_key("stempel card code v1", code.as_bytes())
}

/// An address as it is stored: its hash at one tenant. The address itself is kept nowhere.
fn address_hash(tenant: TenantId, email: &str) -> [u8; 32] {
    blake3::derive_key("stempel member address v1", &[&tenant.0[..], email.as_bytes()].concat())
}

/// Where the directory keeps an address: its hash, then the tenant.
fn directory_id(email: &str, tenant: &[u8]) -> Vec<u8> {
    let hash = blake3::derive_key("stempel member address directory v1", email.as_bytes());
    [&hash[..], tenant].concat()
}

fn unknown_code() -> Error {
    Error::refused(
        "code",
        422,
        "This code is not valid",
        "It was used already, or is too old. Ask for a new one, or take the second code on the back of a printed card.",
    )
}

fn wrong_second() -> Error {
    Error::refused(
        "second-code",
        422,
        "This is not the code of that card",
        "It stands on the back: ten characters. After some wrong ones each further try has to wait.",
    )
}

/// The second code of a card, as it is typed from its back: who holds the card can read it, who has seen the front
/// cannot guess it.
pub(super) fn second_code(key: &SecretKey, card: CardId) -> String {
    let secret = blake3::derive_key("stempel card second code v1", &key.to_bytes());
    let mac = blake3::keyed_hash(&secret, &card.0);
    let digit = |byte: &u8| char::from(DIGITS[usize::from(*byte) % DIGITS.len()]);
    mac.as_bytes()[..SECOND_LEN].iter().map(digit).collect()
}

fn clean_second(text: &str) -> String {
    let digit = |c: char| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    };
    text.chars().filter(char::is_ascii_alphanumeric).map(digit).take(SECOND_LEN + 1).collect()
}

pub(super) fn clean_email(email: &str) -> Result<String> {
    let email = email.trim().to_lowercase();
    let good = email.len() <= 254 && email.parse::<lettre::Address>().is_ok();
    if good {
        Ok(email)
    } else {
        Err(Error::refused("email", 422, "This is not an e-mail address", "Write it like name@example.org."))
    }
}

impl Server {
    /// Gives a browser the card whose printed front and second code it shows.
    pub(super) async fn attach_printed(&self, key: &PhoneKey, token: &str, second: &str) -> Result<Caller> {
        let (id, card, signed_by) = self.card_in(token).await?.ok_or_else(wrong_second)?;
        let mut tx = self.write_of(id).await?;
        let mut tenant = Tenant::lock(&mut tx, id).await?;
        let member = holder_of(&mut tx, id, card, signed_by, second).await?;
        let member = match member {
            Some(member) => member,
            None => {
                let member = MemberId::of_first_card(id, card);
                let fact = Fact::MemberJoined(MemberJoined::new(member, card, None));
                author::append(&mut tx, &mut tenant, self.moment(), vec![fact], &[]).await?;
                tenant.save_head(&mut tx).await?;
                member
            }
        };
        let caller = phone::bind(&mut tx, id, key, member, card, self.now_ms()).await?;
        tx.commit().await?;
        self.announce(id, tenant.head);
        Ok(caller)
    }

    /// Whose printed card it is whose second code is shown: none if it was never scanned.
    pub(super) async fn open_printed(
        &self,
        token: &str,
        second: &str,
    ) -> Result<(TenantId, CardId, Option<MemberId>)> {
        let (id, card, signed_by) = self.card_in(token).await?.ok_or_else(wrong_second)?;
        let mut tx = self.read_of(id).await?;
        let member = holder_of(&mut tx, id, card, signed_by, second).await?;
        Ok((id, card, member))
    }

    /// Gives a browser the card of a one-time code. The same browser may ask again with the same code, so that an
    /// answer that was lost does no harm.
    pub(super) async fn attach_by_code(&self, key: &PhoneKey, code: &str) -> Result<Caller> {
        let id = tenant_of(code)?;
        let now_ms = self.now_ms();
        let mut tx = self.write_of(id).await.map_err(|_| unknown_code())?;
        Tenant::lock(&mut tx, id).await.map_err(|_| unknown_code())?;
        let phone = phone::id_of(key);
        let row = tx
            .row(
                "SELECT member, expires_ms, used_ms, address FROM card_code
                 WHERE tenant = $1 AND hash = $2 AND kind IN ('hand-over', 'return')",
                values![id, &hash(code)[..]],
            )
            .await?
            .ok_or_else(unknown_code)?;
        let member: MemberId = row.id(0)?;
        if row.opt_int(2)?.is_some() {
            // Who used it stands where an address would.
            let same = row.bytes(3).is_ok_and(|by| by == phone);
            let caller = if same { phone::find(&mut tx, id, &phone).await? } else { None };
            return caller.ok_or_else(unknown_code);
        }
        if row.int(1)? < now_ms {
            return Err(unknown_code());
        }
        let state = view::person(&mut tx, id, member).await?.state();
        let card = state.cards.iter().find(|(_, card)| !card.blocked).map(|(card, _)| *card);
        let card = card.ok_or_else(unknown_code)?;
        let caller = phone::bind(&mut tx, id, key, member, card, now_ms).await?;
        tx.execute(
            "UPDATE card_code SET used_ms = $3, address = $4 WHERE tenant = $1 AND hash = $2",
            values![id, &hash(code)[..], now_ms, &phone[..]],
        )
        .await?;
        tx.commit().await?;
        Ok(caller)
    }

    /// A one-time code that moves the card to another browser: the installed app has a storage of its own on some
    /// systems.
    pub(super) async fn hand_over(&self, caller: &Caller) -> Result<String> {
        let mut tx = self.write_of(caller.tenant).await?;
        Tenant::lock(&mut tx, caller.tenant).await?;
        let now_ms = self.now_ms();
        tx.execute(
            "DELETE FROM card_code WHERE tenant = $1 AND member = $2 AND expires_ms < $3",
            values![caller.tenant, caller.member, now_ms],
        )
        .await?;
        if open_codes(&mut tx, caller, "hand-over", now_ms).await? >= HAND_OVERS_MAX {
            tx.execute(
                "DELETE FROM card_code WHERE tenant = $1 AND hash = (SELECT hash FROM card_code
                 WHERE tenant = $1 AND member = $2 AND kind = 'hand-over' ORDER BY expires_ms LIMIT 1)",
                values![caller.tenant, caller.member],
            )
            .await?;
        }
        let code = self.code(&mut tx, caller, "hand-over", None, HAND_OVER_MS).await?;
        tx.commit().await?;
        Ok(code)
    }

    /// The letter that confirms an address. None: enough of them are under way.
    pub(super) async fn address_ask(&self, caller: &Caller, email: &str) -> Result<Option<Letter>> {
        let mut tx = self.write_of(caller.tenant).await?;
        let tenant = Tenant::lock(&mut tx, caller.tenant).await?;
        if open_codes(&mut tx, caller, "confirm", self.now_ms()).await? >= MAILS_MAX {
            return Ok(None);
        }
        let hash = address_hash(caller.tenant, email);
        let code = self.code(&mut tx, caller, "confirm", Some(&hash), CONFIRM_MS).await?;
        // Found by its address on the way back; without a confirmed address the entry leads nowhere.
        let entry = directory_id(email, &caller.tenant.0);
        tx.execute(
            "INSERT INTO directory (kind, id, tenant) VALUES ('member-address', $1, $2) ON CONFLICT DO NOTHING",
            values![entry.clone(), caller.tenant],
        )
        .await?;
        self.enter_at_home(caller.tenant, "member-address", &entry).await?;
        tx.commit().await?;
        Ok(Some(Letter { shop: tenant.name, code }))
    }

    /// An address is confirmed by whoever has read the mail.
    pub(super) async fn address_confirm(&self, code: &str) -> Result<()> {
        let id = tenant_of(code)?;
        let now_ms = self.now_ms();
        let mut tx = self.write_of(id).await.map_err(|_| unknown_code())?;
        Tenant::lock(&mut tx, id).await.map_err(|_| unknown_code())?;
        let row = tx
            .row(
                "SELECT member, address FROM card_code WHERE tenant = $1 AND hash = $2 AND kind = 'confirm'
                 AND used_ms IS NULL AND expires_ms >= $3",
                values![id, &hash(code)[..], now_ms],
            )
            .await?
            .ok_or_else(unknown_code)?;
        let (member, address) = (row.id::<MemberId>(0)?, row.bytes(1)?);
        tx.execute(
            "INSERT INTO member_address (tenant, address, member, confirmed_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant, address) DO UPDATE SET member = excluded.member, confirmed_ms = excluded.confirmed_ms",
            values![id, address, member, now_ms],
        )
        .await?;
        tx.execute(
            "UPDATE card_code SET used_ms = $3 WHERE tenant = $1 AND hash = $2",
            values![id, &hash(code)[..], now_ms],
        )
        .await?;
        tx.commit().await
    }

    /// The tenant whose puzzle has to be solved for a mail to an address: that of the page from which is asked.
    pub(super) async fn tenant_named(&self, tenant: TenantId) -> Result<Tenant> {
        Tenant::load(&mut self.read_of(tenant).await?, tenant).await
    }

    /// Letters with a way back, one for each tenant at which the address was confirmed. Nobody learns from this
    /// whether there is one: the codes go by mail only.
    pub(super) async fn address_return(&self, email: &str) -> Result<Vec<Letter>> {
        let tenants: Vec<TenantId> = {
            let mut tx = self.db().read().await?;
            let (from, to) = (directory_id(email, &[0; 16]), directory_id(email, &[255; 16]));
            let rows = tx
                .rows(
                    "SELECT tenant FROM directory WHERE kind = 'member-address' AND id >= $1 AND id <= $2
                     ORDER BY id LIMIT $3",
                    values![from, to, TENANTS_MAX],
                )
                .await?;
            rows.iter().map(|row| row.id(0)).collect::<Result<_>>()?
        };
        let mut letters = Vec::new();
        for id in tenants {
            let mut tx = self.write_of(id).await?;
            let tenant = Tenant::lock(&mut tx, id).await?;
            let row = tx
                .row(
                    "SELECT member FROM member_address WHERE tenant = $1 AND address = $2",
                    values![id, &address_hash(id, email)[..]],
                )
                .await?;
            let Some(row) = row else { continue };
            let member: MemberId = row.id(0)?;
            if open_codes_of(&mut tx, id, member, "return", self.now_ms()).await? >= MAILS_MAX {
                continue;
            }
            let code = self.code_of(&mut tx, id, member, "return", None, RETURN_MS).await?;
            tx.commit().await?;
            letters.push(Letter { shop: tenant.name, code });
        }
        Ok(letters)
    }

    async fn code(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        kind: &'static str,
        address: Option<&[u8; 32]>,
        valid_ms: i64,
    ) -> Result<String> {
        self.code_of(tx, caller.tenant, caller.member, kind, address, valid_ms).await
    }

    async fn code_of(
        &self,
        tx: &mut Tx,
        tenant: TenantId,
        member: MemberId,
        kind: &'static str,
        address: Option<&[u8; 32]>,
        valid_ms: i64,
    ) -> Result<String> {
        let secret: [u8; SECRET_LEN] = self.random();
        let code = BASE32_NOPAD.encode(&[&tenant.0[..], &secret].concat());
        let address = crate::db::Value::Bytes(address.map(|address| address.to_vec()));
        let mut row = values![tenant, &hash(&code)[..], kind, member];
        row.push(address);
        row.extend(values![self.now_ms().saturating_add(valid_ms)]);
        tx.execute(
            "INSERT INTO card_code (tenant, hash, kind, member, address, expires_ms) VALUES ($1, $2, $3, $4, $5, $6)",
            row,
        )
        .await?;
        Ok(code)
    }

    /// Changes what the member is called and in which language the shop speaks.
    pub(super) async fn card_profile(
        &self,
        caller: &Caller,
        name: Option<&str>,
        language: Option<&str>,
    ) -> Result<()> {
        let name = clean_name(name)?.unwrap_or_default();
        let language = clean_language(language);
        let mut tx = self.write_of(caller.tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, caller.tenant).await?;
        let person = view::person(&mut tx, caller.tenant, caller.member).await?;
        let known = self.card_name(&mut tx, caller.tenant, &person).await?.unwrap_or_default();
        let wanted = Profile { name, language };
        if known == wanted {
            return Ok(());
        }
        let kept = keys_of(&mut tx, caller.tenant, caller.member).await?.into_iter().next();
        let (key, sealed) = self.with_entropy(|entropy| {
            let key = kept.unwrap_or_else(|| MemberKey::generate(entropy));
            let sealed = key.seal(caller.member, &wanted, entropy);
            (key, sealed)
        });
        let profile = sealed.map_err(|error| Error::Damaged(error.to_string()))?;
        let fact = Fact::ProfileChanged(ProfileChanged { member: caller.member, profile, terms: None });
        let keys = tx.vault().seal_members(&[stempel_wire::message::KeyOf { member: caller.member, key }])?;
        author::append(&mut tx, &mut tenant, self.moment(), vec![fact], &keys).await?;
        tenant.save_head(&mut tx).await?;
        tx.commit().await?;
        self.announce(caller.tenant, tenant.head);
        Ok(())
    }
}

/// Checks a printed card's second code, and gives the member who has the card; none if nobody has it yet.
async fn holder_of(
    tx: &mut Tx,
    tenant: TenantId,
    card: CardId,
    signed_by: KeyId,
    second: &str,
) -> Result<Option<MemberId>> {
    let secret = card_key_of(tx, tenant, signed_by).await?.ok_or_else(wrong_second)?;
    // Both forms prove the same: what was typed, and what a camera reads.
    let (wanted, shown) = match SecondCode::find(second) {
        Some(shown) => (SecondCode::issue(tenant, &secret, card).to_string(), shown.to_string()),
        None => (second_code(&secret, card), clean_second(second)),
    };
    // Hashes are compared, so that the time it takes says nothing.
    if blake3::hash(wanted.as_bytes()) != blake3::hash(shown.as_bytes()) {
        return Err(wrong_second());
    }
    let row = tx
        .row("SELECT member, status FROM card WHERE tenant = $1 AND card = $2", values![tenant, card])
        .await?;
    let Some(row) = row else { return Ok(None) };
    if row.int(1)? >= 2 {
        let detail = "It was lost or replaced. Ask for the new one at the counter.";
        return Err(Error::refused("card-blocked", 422, "This card is blocked", detail));
    }
    row.opt_id(0)
}

fn tenant_of(code: &str) -> Result<TenantId> {
    let bytes = BASE32_NOPAD.decode(code.as_bytes()).map_err(|_| unknown_code())?;
    let id = bytes.get(..16).filter(|_| bytes.len() == 16 + SECRET_LEN);
    id.and_then(TenantId::from_slice).ok_or_else(unknown_code)
}

async fn open_codes(tx: &mut Tx, caller: &Caller, kind: &'static str, now_ms: i64) -> Result<i64> {
    open_codes_of(tx, caller.tenant, caller.member, kind, now_ms).await
}

async fn open_codes_of(
    tx: &mut Tx,
    tenant: TenantId,
    member: MemberId,
    kind: &'static str,
    now_ms: i64,
) -> Result<i64> {
    let row = tx
        .row(
            "SELECT COUNT(*) FROM card_code
             WHERE tenant = $1 AND member = $2 AND kind = $3 AND used_ms IS NULL AND expires_ms >= $4",
            values![tenant, member, kind, now_ms],
        )
        .await?;
    Ok(row.map(|row| row.int(0)).transpose()?.unwrap_or(0))
}

/// The secret card key of that id.
async fn card_key_of(tx: &mut Tx, tenant: TenantId, id: KeyId) -> Result<Option<SecretKey>> {
    let rows = tx.rows("SELECT public_key, secret FROM card_key WHERE tenant = $1", values![tenant]).await?;
    for row in rows {
        let (public, stored) = (row.bytes(0)?, row.bytes(1)?);
        if KeyId::of(&tenant::public_key(&public)?) == id && !stored.is_empty() {
            return Ok(Some(tx.vault().open_signing(&CARD_KEY, &[&tenant.0, &public], &stored)?));
        }
    }
    Ok(None)
}
