//! Secrets at rest: what the database keeps wrapped, under a key that stands in a file of its own. The database, its log of
//! writes and its copies then open no name, sign nothing and give no second factor.
//!
//! | module | what it does |
//! |---|---|
//! | here | how one secret is stored and opened |
//! | `file` | the file with the wrapping key |
//! | `keys` | what is done about all secrets at once: at the start, when the key is changed, when it is lost |

mod file;
mod keys;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use stempel_domain::MemberId;
use stempel_wire::message::KeyOf;
use stempel_wire::wrap::{WrapError, is_wrapped};
use stempel_wire::{MemberKey, SecretKey, WrappingKeys};

use crate::error::{Error, Result};
pub(crate) use keys::lend;
pub use keys::{KeysLost, KeysWrapped};

/// A kind of secret in the database: where it stands, and what it is bound to.
#[derive(Debug)]
pub(crate) struct Kept {
    /// What it is. No text begins with another one.
    what: &'static str,
    table: &'static str,
    /// The columns of the table's key, which are bytes.
    key: &'static [&'static str],
    /// Which of these columns say whose it is.
    owner: std::ops::Range<usize>,
}

impl Kept {
    /// Whose a secret is, by the values of the key's columns.
    fn owner_of(&self, key: &[Vec<u8>]) -> Vec<u8> {
        key[self.owner.clone()].concat()
    }
}

/// What the server signs its events and the certificates with. Its owner: the tenant.
pub(crate) const SERVER_KEY: Kept =
    Kept { what: "stempel wrapped server key v1", table: "tenant", key: &["tenant"], owner: 0..1 };
/// What cards are signed with. Its owner: the tenant and the public key.
pub(crate) const CARD_KEY: Kept = Kept {
    what: "stempel wrapped card key v1",
    table: "card_key",
    key: &["tenant", "public_key"],
    owner: 0..2,
};
/// The secret of an account's app. Its owner: the tenant and the account.
pub(crate) const SECOND_FACTOR: Kept = Kept {
    what: "stempel wrapped second factor v1",
    table: "second_factor",
    key: &["tenant", "account"],
    owner: 0..2,
};
/// What deliveries to another system are signed with. Its owner: the tenant and the hook.
pub(crate) const WEBHOOK: Kept =
    Kept { what: "stempel wrapped webhook v1", table: "webhook", key: &["tenant", "hook"], owner: 0..2 };
/// What a member's profile is sealed under. Its owner: the member.
const MEMBER_KEY: Kept = Kept {
    what: stempel_wire::wrap::MEMBER_KEY,
    table: "member_key",
    key: &["tenant", "member", "key_id"],
    owner: 1..2,
};

/// Every kind. The server's keys come first: each writer opens its tenant's before it stores a secret, so another process
/// has heard of a new wrapping key before the rest is wrapped under it.
const ALL: [&Kept; 5] = [&SERVER_KEY, &CARD_KEY, &SECOND_FACTOR, &WEBHOOK, &MEMBER_KEY];

/// Where the wrapping key is, and the key. None: secrets are stored as they are.
#[derive(Debug, Clone, Default)]
struct Ring {
    file: Option<PathBuf>,
    keys: Option<WrappingKeys>,
}

/// How secrets are stored in the databases of one server. Cloning it gives the same one.
#[derive(Debug, Clone, Default)]
pub struct Vault(Arc<RwLock<Arc<Ring>>>);

/// A member's key as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct StoredKey {
    pub member: MemberId,
    pub id: [u8; 8],
    pub secret: Vec<u8>,
}

impl Vault {
    fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, file: PathBuf, keys: WrappingKeys) {
        let ring = Arc::new(Ring { file: Some(file), keys: Some(keys) });
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = ring;
    }

    /// The file with the wrapping key, if there is one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        self.ring().file.clone()
    }

    /// A secret as it is stored.
    pub(crate) fn seal(&self, kept: &Kept, owner: &[&[u8]], secret: &[u8]) -> Result<Vec<u8>> {
        match &self.ring().keys {
            Some(keys) => keys.wrap_secret(kept.what, &owner.concat(), secret).map_err(damaged),
            None => Ok(secret.to_vec()),
        }
    }

    /// Opens a stored secret. An empty one is a secret that was lost with its wrapping key.
    ///
    /// Another process may have made a new wrapping key: then the file is read anew.
    pub(crate) fn open(&self, kept: &Kept, owner: &[&[u8]], stored: &[u8]) -> Result<Vec<u8>> {
        if !is_wrapped(stored) {
            return Ok(stored.to_vec());
        }
        let (ring, owner) = (self.ring(), owner.concat());
        let keys = ring.keys.as_ref().ok_or_else(|| damaged(WrapError::OtherKey))?;
        match keys.unwrap_secret(kept.what, &owner, stored) {
            Err(WrapError::OtherKey) => {}
            opened => return opened.map_err(damaged),
        }
        let file = ring.file.clone().ok_or_else(|| damaged(WrapError::OtherKey))?;
        let anew = file::read(&file)?.ok_or_else(|| damaged(WrapError::OtherKey))?;
        let opened = anew.unwrap_secret(kept.what, &owner, stored).map_err(damaged)?;
        self.set(file, anew);
        Ok(opened)
    }

    /// Opens a key that signs.
    pub(crate) fn open_signing(&self, kept: &Kept, owner: &[&[u8]], stored: &[u8]) -> Result<SecretKey> {
        let secret = self.open(kept, owner, stored)?.try_into();
        let secret =
            secret.map_err(|_| Error::Damaged("a key that signs has the wrong length".to_owned()))?;
        Ok(SecretKey::from_bytes(&secret))
    }

    /// Members' keys as they are stored. Called by a writer that has locked the tenant.
    pub(crate) fn seal_members(&self, keys: &[KeyOf]) -> Result<Vec<StoredKey>> {
        let store = |of: &KeyOf| {
            let secret = self.seal(&MEMBER_KEY, &[&of.member.0], of.key.as_bytes())?;
            Ok(StoredKey { member: of.member, id: of.key.id().0, secret })
        };
        keys.iter().map(store).collect()
    }

    /// Opens a member's stored key.
    pub(crate) fn open_member(&self, member: MemberId, stored: &[u8]) -> Result<MemberKey> {
        let secret = self.open(&MEMBER_KEY, &[&member.0], stored)?;
        MemberKey::from_slice(&secret).ok_or_else(|| damaged(WrapError::Damaged))
    }

    fn is_current(&self, stored: &[u8]) -> bool {
        self.ring().keys.as_ref().is_none_or(|keys| keys.is_current(stored))
    }
}

fn damaged(error: WrapError) -> Error {
    Error::Damaged(error.to_string())
}
