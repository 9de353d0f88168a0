//! The key that a member's phone holds, and the server's word that it speaks for a card.
//!
//! The key is ECDSA over P-256 with SHA-256: what every browser makes and keeps without giving it away. Ed25519,
//! which everything else here uses, came to browsers years later, and older phones would have no card.

use std::fmt;

use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{self, SigningKey, VerifyingKey};
use stempel_domain::ports::{Entropy, draw};
use stempel_domain::{CardId, TenantId, Unit};

use crate::key::{KeyError, PublicKey, SecretKey, Signature};
use crate::token::KeyId;

/// Bytes of a phone's public key: a point of the curve, compressed.
pub const PHONE_KEY_LEN: usize = 33;
/// Bytes of a certificate without its signature.
const SAID_LEN: usize = 58;
/// Bytes of a certificate.
pub const PHONE_CERTIFICATE_LEN: usize = SAID_LEN + 64;
const CONTEXT: &str = "stempel phone v1";
/// How often a secret key is drawn anew if the bytes are none: it happens once in 2^32.
const DRAWS_MAX: usize = 8;

/// A phone's public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PhoneKey([u8; PHONE_KEY_LEN]);

impl PhoneKey {
    /// Takes a key as a browser gives it (65 bytes) or as it is carried (33 bytes).
    pub fn from_slice(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() != 65 && bytes.len() != PHONE_KEY_LEN {
            return Err(KeyError::NotAKey);
        }
        let key = VerifyingKey::from_sec1_bytes(bytes).map_err(|_| KeyError::NotAKey)?;
        let point = key.to_sec1_point(true);
        point.as_bytes().try_into().map(Self).map_err(|_| KeyError::NotAKey)
    }

    /// The 33 bytes.
    pub fn as_bytes(&self) -> &[u8; PHONE_KEY_LEN] {
        &self.0
    }

    /// Checks a signature of the phone: r and s, 32 bytes each, as browsers write them.
    pub fn verify(&self, context: &str, message: &[u8], signature: &[u8; 64]) -> Result<(), KeyError> {
        let key = VerifyingKey::from_sec1_bytes(&self.0).map_err(|_| KeyError::NotAKey)?;
        let signature = ecdsa::Signature::from_slice(signature).map_err(|_| KeyError::WrongSignature)?;
        key.verify(&with_context(context, message), &signature).map_err(|_| KeyError::WrongSignature)
    }
}

impl fmt::Debug for PhoneKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneKey({})", data_encoding::HEXLOWER.encode(&self.0))
    }
}

/// A phone's secret key, for tools that stand in for a phone. A browser keeps its own and never shows it.
pub struct PhoneSecret(SigningKey);

impl PhoneSecret {
    /// Makes a new key.
    pub fn generate(entropy: &mut dyn Entropy) -> Option<Self> {
        (0..DRAWS_MAX).find_map(|_| Self::from_bytes(&draw(entropy)))
    }

    /// Takes a key from its 32 secret bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        SigningKey::from_slice(bytes).ok().map(Self)
    }

    /// The public half.
    pub fn public(&self) -> Result<PhoneKey, KeyError> {
        PhoneKey::from_slice(self.0.verifying_key().to_sec1_point(true).as_bytes())
    }

    /// Signs a message under a context.
    pub fn sign(&self, context: &str, message: &[u8]) -> [u8; 64] {
        let signature: ecdsa::Signature = self.0.sign(&with_context(context, message));
        signature.to_bytes().into()
    }
}

impl fmt::Debug for PhoneSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneSecret")
    }
}

fn with_context(context: &str, message: &[u8]) -> Vec<u8> {
    [context.as_bytes(), &[0], message].concat()
}

/// What the server knew a member to have of one unit when it signed a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AsOf {
    /// Names the unit, see [`AsOf::tag`].
    pub unit: [u8; 4],
    /// How much, in the unit's smallest part.
    pub amount: u32,
}

impl AsOf {
    /// The first four bytes of the BLAKE3 hash of a unit's name.
    pub fn tag(unit: &Unit) -> [u8; 4] {
        let hash = blake3::hash(unit.name().as_bytes());
        let mut tag = [0; 4];
        tag.copy_from_slice(&hash.as_bytes()[..4]);
        tag
    }
}

/// What a phone's certificate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certified {
    /// For which card the phone speaks.
    pub card: CardId,
    /// The phone's key.
    pub phone: PhoneKey,
    /// When it was signed, in minutes since 1970.
    pub since_minutes: u32,
    /// How long it is good, in hours.
    pub valid_hours: u16,
    /// What the member had then.
    pub balance: Option<AsOf>,
}

/// The server's word that a phone speaks for a card, signed with the key that signs cards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneCertificate {
    key: KeyId,
    said: Certified,
    signature: Signature,
}

impl PhoneCertificate {
    /// Signs a phone's key.
    pub fn issue(tenant: TenantId, key: &SecretKey, said: Certified) -> Self {
        let id = KeyId::of(&key.public());
        let signature = key.sign(CONTEXT, &signed_bytes(tenant, &said_bytes(id, &said)));
        Self { key: id, said, signature }
    }

    /// Which of the tenant's keys signed it. Means nothing before [`PhoneCertificate::verify`].
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// What it says. Means nothing before [`PhoneCertificate::verify`].
    pub fn said(&self) -> &Certified {
        &self.said
    }

    /// Whether a tenant's key signed it.
    pub fn verify(&self, tenant: TenantId, key: &PublicKey) -> Result<(), KeyError> {
        key.verify(CONTEXT, &signed_bytes(tenant, &said_bytes(self.key, &self.said)), &self.signature)
    }

    /// Whether it is good at an instant. It may seem to come from the near future: clocks differ.
    pub fn holds_at(&self, utc_ms: i64) -> bool {
        let since_ms = i64::from(self.said.since_minutes) * 60_000;
        let until_ms = since_ms + i64::from(self.said.valid_hours) * 3_600_000;
        (since_ms - CLOCKS_DIFFER_MS..until_ms).contains(&utc_ms)
    }

    /// As it is carried.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&said_bytes(self.key, &self.said)[..], &self.signature.0].concat()
    }

    /// Reads a certificate as it is carried.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let (said, signature) = bytes.split_at_checked(SAID_LEN)?;
        let (key, rest) = said.split_first_chunk::<3>()?;
        let (card, rest) = rest.split_at_checked(8)?;
        let (phone, rest) = rest.split_at_checked(PHONE_KEY_LEN)?;
        let (since, rest) = rest.split_first_chunk::<4>()?;
        let (hours, rest) = rest.split_first_chunk::<2>()?;
        let (unit, amount) = rest.split_first_chunk::<4>()?;
        let amount = u32::from_be_bytes(amount.try_into().ok()?);
        let balance = (*unit != [0; 4]).then_some(AsOf { unit: *unit, amount });
        Some(Self {
            key: KeyId(*key),
            said: Certified {
                card: CardId::from_slice(card)?,
                phone: PhoneKey::from_slice(phone).ok()?,
                since_minutes: u32::from_be_bytes(*since),
                valid_hours: u16::from_be_bytes(*hours),
                balance,
            },
            signature: Signature::from_slice(signature).ok()?,
        })
    }
}

/// How far a terminal's clock may be behind the server's: a certificate of this minute is good all the same.
const CLOCKS_DIFFER_MS: i64 = 15 * 60 * 1000;

fn said_bytes(key: KeyId, said: &Certified) -> Vec<u8> {
    let AsOf { unit, amount } = said.balance.unwrap_or(AsOf { unit: [0; 4], amount: 0 });
    [
        &key.0[..],
        &said.card.0[..],
        &said.phone.0[..],
        &said.since_minutes.to_be_bytes()[..],
        &said.valid_hours.to_be_bytes()[..],
        &unit[..],
        &amount.to_be_bytes()[..],
    ]
    .concat()
}

fn signed_bytes(tenant: TenantId, said: &[u8]) -> Vec<u8> {
    [&tenant.0[..], said].concat()
}
