//! Secrets as a database keeps them: wrapped under a key that is kept elsewhere, so that a copy of the database opens no
//! profile and signs nothing. Members' keys here and at the server; at the server also the keys that sign, the secrets of
//! second factors and those of webhooks.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 1 | version, 1 |
//! | 1 | 8 | the wrapping key's name |
//! | 9 | 24 | nonce: the first bytes of BLAKE3, under a key derived from the wrapping key, over associated data and secret |
//! | 33 | *n* + 16 | the secret of *n* bytes, XChaCha20-Poly1305; associated data: what it is (for a member's key `stempel wrapped key v1`) ‖ whose |
//!
//! A secret has 32 bytes at most; so whatever is no longer than that is one that was stored as it is.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use stempel_domain::MemberId;
use stempel_domain::ports::{Entropy, draw};

use crate::MemberKey;

/// What a member's key is, where it is wrapped.
pub const MEMBER_KEY: &str = "stempel wrapped key v1";
const VERSION: u8 = 1;
const ID_LEN: usize = 8;
const NONCE_LEN: usize = 24;
/// What stands before the sealed secret.
const HEAD_LEN: usize = 1 + ID_LEN + NONCE_LEN;
const TAG_LEN: usize = 16;
/// The longest secret that is wrapped, in bytes. Longer stored ones are wrapped, others are not.
pub const SECRET_MAX: usize = 32;
/// The most wrapping keys that are kept: the one in force, and those of rotations that were cut off.
const KEYS_MAX: usize = 16;

/// Why a wrapped key does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrapError {
    /// Wrapped under a key that is not here.
    #[error("it is wrapped under another key than the key file holds; put the right key file in its place")]
    OtherKey,
    /// Not a wrapped key.
    #[error("a wrapped key is damaged")]
    Damaged,
    /// The key file cannot be read.
    #[error("the key file is damaged; put a copy of it in its place")]
    File,
}

/// A secret of the system's own store of keys, under which a key file is sealed: the file alone opens nothing then.
#[derive(Clone, PartialEq, Eq)]
pub struct SealingKey {
    key: [u8; 32],
    entry: Option<String>,
}

impl SealingKey {
    /// Bytes that a secret has at least and at most.
    pub const LEN: std::ops::RangeInclusive<usize> = 16..=4096;

    /// The key that a secret gives; none if it is too short or too long.
    pub fn of(secret: &[u8]) -> Option<Self> {
        let key = || Self { key: blake3::derive_key("stempel sealed key file v1", secret), entry: None };
        Self::LEN.contains(&secret.len()).then(key)
    }

    /// The same key, with the name under which its secret is found again: the sealed file says it.
    pub fn found_under(self, entry: String) -> Self {
        Self { entry: Some(entry), ..self }
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey")
    }
}

/// The keys that wrap secrets: the first is in force, the others only unwrap.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappingKeys(Vec<[u8; 32]>);

#[derive(Serialize, Deserialize)]
struct File {
    wrapping_keys: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    sealed_keys: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
}

impl WrappingKeys {
    /// Makes a new key.
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        Self(vec![draw(entropy)])
    }

    /// The same keys behind a new one that is in force from now on.
    pub fn rotated(&self, entropy: &mut dyn Entropy) -> Self {
        let mut keys = self.0.clone();
        keys.insert(0, draw(entropy));
        keys.truncate(KEYS_MAX);
        Self(keys)
    }

    /// Whether a rotation was begun and not ended.
    pub fn is_rotating(&self) -> bool {
        self.0.len() > 1
    }

    /// Only the key that is in force: nothing is wrapped under the others any more.
    pub fn newest(&self) -> Self {
        Self(self.0[..1].to_vec())
    }

    /// Reads what [`WrappingKeys::to_text`] wrote.
    pub fn parse(text: &str) -> Result<Self, WrapError> {
        let file: File = serde_json::from_str(text).map_err(|_| WrapError::File)?;
        let key =
            |text: &String| -> Option<[u8; 32]> { HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok() };
        let keys: Option<Vec<[u8; 32]>> = file.wrapping_keys.iter().map(key).collect();
        match keys {
            Some(keys) if (1..=KEYS_MAX).contains(&keys.len()) => Ok(Self(keys)),
            _ => Err(WrapError::File),
        }
    }

    /// The keys as the key file holds them.
    pub fn to_text(&self) -> String {
        let keys: Vec<String> = self.0.iter().map(|key| format!("\"{}\"", HEXLOWER.encode(key))).collect();
        format!("{{\"wrapping_keys\":[{}]}}\n", keys.join(","))
    }

    /// The key file's text, sealed. The same keys give the same text.
    pub fn to_sealed(&self, sealing: &SealingKey) -> Result<String, WrapError> {
        let text = self.to_text();
        let seed = blake3::derive_key("stempel nonce of a sealed key file v1", &sealing.key);
        let nonce = blake3::keyed_hash(&seed, text.as_bytes());
        let nonce: [u8; NONCE_LEN] = nonce.as_bytes()[..NONCE_LEN].try_into().map_err(|_| WrapError::File)?;
        let sealed = XChaCha20Poly1305::new(&sealing.key.into())
            .encrypt(&XNonce::from(nonce), text.as_bytes())
            .map_err(|_| WrapError::File)?;
        let sealed_keys = HEXLOWER.encode(&[&nonce[..], &sealed].concat());
        let file = Sealed { sealed_keys, entry: sealing.entry.clone() };
        serde_json::to_string(&file).map(|text| text + "\n").map_err(|_| WrapError::File)
    }

    /// Whether a key file's text is sealed.
    pub fn is_sealed(text: &str) -> bool {
        serde_json::from_str::<Sealed>(text).is_ok()
    }

    /// The name under which the secret is found that opens a sealed text, where it says one.
    pub fn entry_of(text: &str) -> Option<String> {
        serde_json::from_str::<Sealed>(text).ok()?.entry
    }

    /// Reads what [`WrappingKeys::to_sealed`] wrote.
    pub fn parse_sealed(text: &str, sealing: &SealingKey) -> Result<Self, WrapError> {
        let file: Sealed = serde_json::from_str(text).map_err(|_| WrapError::File)?;
        let bytes = HEXLOWER.decode(file.sealed_keys.as_bytes()).map_err(|_| WrapError::File)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>().ok_or(WrapError::File)?;
        let text = XChaCha20Poly1305::new(&sealing.key.into())
            .decrypt(&XNonce::from(*nonce), sealed)
            .map_err(|_| WrapError::OtherKey)?;
        Self::parse(std::str::from_utf8(&text).map_err(|_| WrapError::File)?)
    }

    /// Wraps a member's key. The same key wrapped again gives the same bytes.
    pub fn wrap(&self, member: MemberId, key: &MemberKey) -> Result<Vec<u8>, WrapError> {
        self.wrap_secret(MEMBER_KEY, &member.0, key.as_bytes())
    }

    /// Whether a stored secret is wrapped under the key that is in force.
    pub fn is_current(&self, stored: &[u8]) -> bool {
        is_wrapped(stored) && stored.get(1..=ID_LEN) == Some(&name_of(&self.0[0]))
    }

    /// Opens a stored key, also one that an earlier version kept as it is.
    pub fn unwrap(&self, member: MemberId, stored: &[u8]) -> Result<MemberKey, WrapError> {
        let secret = self.unwrap_secret(MEMBER_KEY, &member.0, stored)?;
        MemberKey::from_slice(&secret).ok_or(WrapError::Damaged)
    }

    /// Wraps a secret of at most [`SECRET_MAX`] bytes. `what` it is and who is its `owner` are bound to it, so that none
    /// can stand in another's place; kinds have texts of which none begins with another one.
    pub fn wrap_secret(&self, what: &str, owner: &[u8], secret: &[u8]) -> Result<Vec<u8>, WrapError> {
        if secret.len() > SECRET_MAX {
            return Err(WrapError::Damaged);
        }
        let (wrapping, aad) = (&self.0[0], &[what.as_bytes(), owner].concat()[..]);
        let seed = blake3::derive_key("stempel nonce of a wrapped key v1", wrapping);
        let nonce = blake3::keyed_hash(&seed, &[aad, secret].concat());
        let nonce: [u8; NONCE_LEN] =
            nonce.as_bytes()[..NONCE_LEN].try_into().map_err(|_| WrapError::Damaged)?;
        let sealed = XChaCha20Poly1305::new(&(*wrapping).into())
            .encrypt(&XNonce::from(nonce), Payload { msg: secret, aad })
            .map_err(|_| WrapError::Damaged)?;
        Ok([&[VERSION][..], &name_of(wrapping), &nonce, &sealed].concat())
    }

    /// Opens a stored secret, also one that is stored as it is.
    pub fn unwrap_secret(&self, what: &str, owner: &[u8], stored: &[u8]) -> Result<Vec<u8>, WrapError> {
        if !is_wrapped(stored) {
            return Ok(stored.to_vec());
        }
        if stored.len() < HEAD_LEN + TAG_LEN || stored[0] != VERSION {
            return Err(WrapError::Damaged);
        }
        let aad = &[what.as_bytes(), owner].concat()[..];
        let name = &stored[1..=ID_LEN];
        let wrapping = self.0.iter().find(|key| name_of(key) == name).ok_or(WrapError::OtherKey)?;
        let nonce: [u8; NONCE_LEN] =
            stored[1 + ID_LEN..HEAD_LEN].try_into().map_err(|_| WrapError::Damaged)?;
        let payload = Payload { msg: &stored[HEAD_LEN..], aad };
        XChaCha20Poly1305::new(&(*wrapping).into())
            .decrypt(&XNonce::from(nonce), payload)
            .map_err(|_| WrapError::Damaged)
    }
}

/// Seals a text under a key that seals nothing else: the nonce is zero. `aad` says what it is, and is bound to it.
pub fn seal_once(key: &[u8; 32], aad: &[u8], text: &[u8]) -> Result<Vec<u8>, WrapError> {
    XChaCha20Poly1305::new(&(*key).into())
        .encrypt(&XNonce::from([0; NONCE_LEN]), Payload { msg: text, aad })
        .map_err(|_| WrapError::Damaged)
}

/// Opens what [`seal_once`] sealed.
pub fn open_once(key: &[u8; 32], aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, WrapError> {
    XChaCha20Poly1305::new(&(*key).into())
        .decrypt(&XNonce::from([0; NONCE_LEN]), Payload { msg: sealed, aad })
        .map_err(|_| WrapError::Damaged)
}

/// A key that was kept as it is, if it was.
pub fn clear(stored: &[u8]) -> Option<MemberKey> {
    MemberKey::from_slice(stored)
}

/// Whether a stored secret is wrapped, under whatever key.
pub fn is_wrapped(stored: &[u8]) -> bool {
    stored.len() > SECRET_MAX
}

fn name_of(key: &[u8; 32]) -> [u8; ID_LEN] {
    let hash = blake3::derive_key("stempel wrapping key id v1", key);
    let mut name = [0; ID_LEN];
    name.copy_from_slice(&hash[..ID_LEN]);
    name
}

impl fmt::Debug for WrappingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappingKeys({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Counting;

    #[test]
    fn a_wrapped_key_opens_for_its_member_under_its_wrapping_key_alone() {
        let mut entropy = Counting(0);
        let (keys, others) = (WrappingKeys::generate(&mut entropy), WrappingKeys::generate(&mut entropy));
        let (ada, bob) = (MemberId([1; 16]), MemberId([2; 16]));
        let key = MemberKey::generate(&mut entropy);
        let wrapped = keys.wrap(ada, &key).unwrap();
        assert!(!wrapped.windows(32).any(|window| window == key.as_bytes()));
        assert_eq!(keys.unwrap(ada, &wrapped), Ok(key.clone()));
        assert_eq!(keys.wrap(ada, &key).unwrap(), wrapped);
        assert_eq!(keys.unwrap(bob, &wrapped), Err(WrapError::Damaged));
        assert_eq!(others.unwrap(ada, &wrapped), Err(WrapError::OtherKey));
        assert_eq!(keys.unwrap(ada, &wrapped[1..]), Err(WrapError::Damaged));
        assert_eq!(keys.unwrap(ada, key.as_bytes()), Ok(key.clone()), "as earlier versions kept it");
        // After a rotation the old ones open until they are wrapped anew.
        let rotated = keys.rotated(&mut entropy);
        assert_eq!(rotated.unwrap(ada, &wrapped), Ok(key.clone()));
        assert!(!rotated.is_current(&wrapped) && keys.is_current(&wrapped));
        let anew = rotated.wrap(ada, &key).unwrap();
        assert_eq!(rotated.newest().unwrap(ada, &anew), Ok(key));
        assert_eq!(rotated.newest().unwrap(ada, &wrapped), Err(WrapError::OtherKey));
    }

    #[test]
    fn a_secret_opens_as_what_it_is_and_for_its_owner_alone() {
        let keys = WrappingKeys::generate(&mut Counting(0));
        for secret in [&[1; 32][..], &[2; 20]] {
            let wrapped = keys.wrap_secret("card key", b"one", secret).unwrap();
            assert!(is_wrapped(&wrapped) && keys.is_current(&wrapped));
            assert!(!wrapped.windows(secret.len()).any(|window| window == secret));
            assert_eq!(keys.unwrap_secret("card key", b"one", &wrapped).unwrap(), secret);
            assert_eq!(keys.unwrap_secret("card key", b"two", &wrapped), Err(WrapError::Damaged));
            assert_eq!(keys.unwrap_secret("webhook", b"one", &wrapped), Err(WrapError::Damaged));
            assert_eq!(keys.unwrap_secret("card key", b"one", secret).unwrap(), secret, "as it is");
            assert!(!is_wrapped(secret) && !keys.is_current(secret));
            for at in 0..wrapped.len() {
                let mut damaged = wrapped.clone();
                damaged[at] ^= 1;
                assert!(keys.unwrap_secret("card key", b"one", &damaged).is_err(), "byte {at}");
            }
        }
        assert_eq!(keys.wrap_secret("card key", b"one", &[0; 33]), Err(WrapError::Damaged));
    }

    #[test]
    fn what_is_sealed_once_opens_under_its_key_alone() {
        let sealed = seal_once(&[1; 32], b"form", b"Ada").unwrap();
        assert!(!sealed.windows(3).any(|window| window == b"Ada"));
        assert_eq!(open_once(&[1; 32], b"form", &sealed).unwrap(), b"Ada");
        assert_eq!(open_once(&[2; 32], b"form", &sealed), Err(WrapError::Damaged));
        assert_eq!(open_once(&[1; 32], b"copy", &sealed), Err(WrapError::Damaged));
        assert_eq!(open_once(&[1; 32], b"form", &sealed[1..]), Err(WrapError::Damaged));
    }

    #[test]
    fn a_sealed_key_file_opens_under_its_secret_alone() {
        let keys = WrappingKeys::generate(&mut Counting(7));
        let [one, two] =
            [b"the first secret", b"another one here"].map(|secret| SealingKey::of(secret).unwrap());
        let text = keys.to_sealed(&one).unwrap();
        assert_eq!(WrappingKeys::parse_sealed(&text, &one), Ok(keys.clone()));
        assert_eq!(WrappingKeys::parse_sealed(&text, &two), Err(WrapError::OtherKey));
        assert!(WrappingKeys::is_sealed(&text) && !WrappingKeys::is_sealed(&keys.to_text()));
        assert_eq!(WrappingKeys::parse(&text), Err(WrapError::File));
        let clear = keys.to_text();
        let key = &clear[20..60];
        assert!(!text.contains(key));
        for damaged in ["", "{}", "{\"sealed_keys\":\"00\"}", "{\"sealed_keys\":\"zz\"}"] {
            assert_eq!(WrappingKeys::parse_sealed(damaged, &one), Err(WrapError::File), "{damaged}");
        }
        assert_eq!(SealingKey::of(b"too short"), None);
        assert_eq!(SealingKey::of(&[1; 4097]), None);
    }

    #[test]
    fn a_key_file_is_read_as_it_was_written() {
        let keys = WrappingKeys::generate(&mut Counting(7)).rotated(&mut Counting(9));
        assert_eq!(WrappingKeys::parse(&keys.to_text()), Ok(keys));
        for damaged in ["", "{}", "{\"wrapping_keys\":[]}", "{\"wrapping_keys\":[\"00\"]}"] {
            assert_eq!(WrappingKeys::parse(damaged), Err(WrapError::File), "{damaged}");
        }
    }
}
