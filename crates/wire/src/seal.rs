//! Personal data sealed under the member's own key (XChaCha20-Poly1305).
//!
//! Sealed bytes: key id (8), nonce (24), ciphertext with tag. The associated data is `stempel profile v1`
//! and the member's id, so that a seal cannot be moved to another member. Dropping the key everywhere
//! erases the person and leaves the chain of events whole.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use stempel_domain::MemberId;
use stempel_domain::event::Sealed;
use stempel_domain::ports::{Entropy, draw};

const CONTEXT: &[u8] = b"stempel profile v1";
const NONCE_LEN: usize = 24;
const KEY_ID_LEN: usize = 8;
/// The longest name, in characters.
pub const NAME_CHARS_MAX: usize = 80;

/// Why a seal does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Not sealed bytes.
    #[error("the sealed data is damaged")]
    Damaged,
    /// Sealed with another key than this one.
    #[error("the sealed data needs another key")]
    OtherKey,
}

/// What is known of a person, in clear.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// The first name, as the member gave it.
    pub name: String,
    /// The language to greet in: `de`, `en`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// Names one key of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemberKeyId(pub [u8; KEY_ID_LEN]);

/// The key under which a member's personal data is sealed. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct MemberKey([u8; 32]);

impl MemberKey {
    /// Makes a new key.
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        Self(draw(entropy))
    }

    /// Takes a key from its 32 secret bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 secret bytes, for the store that keeps them.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key's name. Says nothing of the key.
    pub fn id(&self) -> MemberKeyId {
        let hash = blake3::derive_key("stempel member key id v1", &self.0);
        let mut id = [0; KEY_ID_LEN];
        id.copy_from_slice(&hash[..KEY_ID_LEN]);
        MemberKeyId(id)
    }

    /// Seals a profile for one member.
    pub fn seal(
        &self,
        member: MemberId,
        profile: &Profile,
        entropy: &mut dyn Entropy,
    ) -> Result<Sealed, SealError> {
        let nonce: [u8; NONCE_LEN] = draw(entropy);
        let text = serde_json::to_vec(profile).map_err(|_| SealError::Damaged)?;
        let aad = [CONTEXT, &member.0].concat();
        let cipher = XChaCha20Poly1305::new(&self.0.into());
        let sealed = cipher
            .encrypt(&XNonce::from(nonce), Payload { msg: &text, aad: &aad })
            .map_err(|_| SealError::Damaged)?;
        Ok(Sealed(HEXLOWER.encode(&[&self.id().0[..], &nonce[..], &sealed[..]].concat())))
    }

    /// Opens a seal.
    pub fn open(&self, member: MemberId, sealed: &Sealed) -> Result<Profile, SealError> {
        let bytes = HEXLOWER.decode(sealed.0.as_bytes()).map_err(|_| SealError::Damaged)?;
        let (id, rest) = bytes.split_at_checked(KEY_ID_LEN).ok_or(SealError::Damaged)?;
        if id != self.id().0 {
            return Err(SealError::OtherKey);
        }
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Damaged)?;
        let aad = [CONTEXT, &member.0].concat();
        let cipher = XChaCha20Poly1305::new(&self.0.into());
        let opened = cipher
            .decrypt(&XNonce::from(*nonce), Payload { msg: text, aad: &aad })
            .map_err(|_| SealError::Damaged)?;
        serde_json::from_slice(&opened).map_err(|_| SealError::Damaged)
    }
}

impl fmt::Debug for MemberKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemberKey({})", HEXLOWER.encode(&self.id().0))
    }
}

impl Serialize for MemberKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for MemberKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(de::Error::custom)?;
        Self::from_slice(&bytes).ok_or_else(|| de::Error::custom(SealError::Damaged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Counting;

    #[test]
    fn a_seal_opens_for_its_member_and_key_alone() {
        let mut entropy = Counting(0);
        let (key, other) = (MemberKey::generate(&mut entropy), MemberKey::generate(&mut entropy));
        let ada = MemberId([1; 16]);
        let profile = Profile { name: "Ada".into(), language: Some("de".into()) };
        let sealed = key.seal(ada, &profile, &mut entropy).unwrap();
        assert!(!sealed.0.contains(&HEXLOWER.encode(b"Ada")));
        assert_eq!(key.open(ada, &sealed), Ok(profile));
        assert_eq!(key.open(MemberId([2; 16]), &sealed), Err(SealError::Damaged));
        assert_eq!(other.open(ada, &sealed), Err(SealError::OtherKey));
        for damaged in ["", "zz", "00", &sealed.0[..sealed.0.len() - 2]] {
            assert!(key.open(ada, &Sealed(damaged.to_owned())).is_err(), "{damaged}");
        }
    }
}
