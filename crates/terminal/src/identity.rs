//! Who this terminal is: its tenant, shop and keys.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use stempel_domain::{AuthorId, ShopId, TenantId};
use stempel_store::StoreError;
use stempel_wire::{PublicKey, SecretKey};

/// The setting under which it is kept.
pub(crate) const IDENTITY: &str = "identity";

/// Who this terminal is. Kept in the store of its folder, which nobody but its owner can read.
#[derive(Clone, Serialize, Deserialize)]
pub struct Identity {
    /// Whose programme.
    pub tenant: TenantId,
    /// What it is called.
    pub tenant_name: String,
    /// Where the terminal stands.
    pub shop: ShopId,
    /// The terminal itself, as an author.
    pub device: AuthorId,
    /// What people call it.
    pub device_name: String,
    secret: String,
    /// The keys before this one, the first of the journal first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former: Vec<String>,
    /// The server it belongs to; none while it works alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerIdentity>,
    /// The key that signs cards, while the terminal works alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    card_secret: Option<String>,
    /// Made by `init --demo`: its keys are no secret, so no server adopts it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub demo: bool,
}

/// The server that a terminal belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerIdentity {
    /// Where it answers.
    pub url: String,
    /// The server as an author.
    pub author: AuthorId,
    /// Its public key.
    pub key: PublicKey,
}

impl Identity {
    /// An identity with fresh keys.
    pub(crate) fn new(
        tenant: TenantId,
        tenant_name: &str,
        shop: ShopId,
        device: AuthorId,
        device_name: &str,
        key: &SecretKey,
    ) -> Self {
        Self {
            tenant,
            tenant_name: tenant_name.to_owned(),
            shop,
            device,
            device_name: device_name.to_owned(),
            secret: HEXLOWER.encode(&key.to_bytes()),
            former: Vec::new(),
            server: None,
            card_secret: None,
            demo: false,
        }
    }

    /// The key that signs this terminal's events and requests.
    pub fn key(&self) -> Result<SecretKey, StoreError> {
        secret_key(&self.secret)
    }

    /// The key with which the journal began.
    pub fn first_key(&self) -> Result<SecretKey, StoreError> {
        secret_key(self.former.first().unwrap_or(&self.secret))
    }

    /// Every key that this terminal has had, the newest first.
    pub(crate) fn keys(&self) -> Result<Vec<SecretKey>, StoreError> {
        std::iter::once(&self.secret).chain(self.former.iter().rev()).map(|text| secret_key(text)).collect()
    }

    /// How often the key was changed.
    pub(crate) fn changes(&self) -> usize {
        self.former.len()
    }

    /// The same terminal with another key.
    pub(crate) fn with_key(mut self, key: &SecretKey) -> Self {
        self.former.push(std::mem::replace(&mut self.secret, HEXLOWER.encode(&key.to_bytes())));
        self
    }

    /// The key that signs cards, if this terminal holds it.
    pub fn card_key(&self) -> Result<Option<SecretKey>, StoreError> {
        self.card_secret.as_deref().map(secret_key).transpose()
    }

    /// The same terminal as a device of a server, which holds the key that signs cards from now on.
    pub(crate) fn belonging_to(mut self, server: ServerIdentity) -> Self {
        self.server = Some(server);
        self.card_secret = None;
        self
    }

    pub(crate) fn with_card_key(mut self, key: &SecretKey) -> Self {
        self.card_secret = Some(HEXLOWER.encode(&key.to_bytes()));
        self
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("tenant", &self.tenant_name)
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}

fn secret_key(text: &str) -> Result<SecretKey, StoreError> {
    let damaged = || StoreError::Damaged("the terminal's key cannot be read".into());
    let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| damaged())?;
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| damaged())?;
    Ok(SecretKey::from_bytes(&bytes))
}
