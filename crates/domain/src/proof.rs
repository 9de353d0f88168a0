//! What proves a purchase where nobody stands by: a receipt of the shop's own till, or a one-time slip.
//!
//! An event carries the proof's kind and hash and nothing else of it. The hash names the proof, so that it
//! counts once wherever it is shown; what stood on the receipt stays with the guest.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use crate::ids::{AuthorId, NotAnId, TenantId};

/// What hashes of proofs are derived under.
const CONTEXT: &str = "stempel proof v1";

/// What was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProofKind {
    /// The fiscal code of a receipt.
    Receipt,
    /// A one-time slip of a device of the shop.
    Slip,
}

impl ProofKind {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::Slip => "slip",
        }
    }
}

/// Names one proof within a tenant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProofHash(pub [u8; 32]);

impl ProofHash {
    /// The hash of a sale at another till: its security device's serial number and the transaction's number.
    pub fn of_receipt(tenant: TenantId, serial: &[u8; 32], transaction: u64) -> Self {
        Self::of(tenant, ProofKind::Receipt, &[&serial[..], &transaction.to_be_bytes()[..]].concat())
    }

    /// The hash of a slip: the device that issued it and the slip's own number.
    pub fn of_slip(tenant: TenantId, device: AuthorId, slip: &[u8; 8]) -> Self {
        Self::of(tenant, ProofKind::Slip, &[&device.0[..], &slip[..]].concat())
    }

    fn of(tenant: TenantId, kind: ProofKind, name: &[u8]) -> Self {
        let message = [&tenant.0[..], kind.as_str().as_bytes(), &[0], name].concat();
        Self(blake3::derive_key(CONTEXT, &message))
    }
}

impl fmt::Display for ProofHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for ProofHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProofHash({self})")
    }
}

impl FromStr for ProofHash {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let wrong = || NotAnId::new(text, "the hash of a proof");
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| wrong())?;
        bytes.try_into().map(Self).map_err(|_| wrong())
    }
}

serde_as_text!(ProofHash);

/// What an event says of the proof that was shown for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// What was shown.
    pub kind: ProofKind,
    /// Which one.
    pub hash: ProofHash,
    /// The device that issued it, if it was a slip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<AuthorId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_proof_has_a_name_of_its_own() {
        let (tenant, device) = (TenantId([1; 16]), AuthorId([2; 16]));
        let all = [
            ProofHash::of_receipt(tenant, &[3; 32], 7),
            ProofHash::of_receipt(tenant, &[3; 32], 8),
            ProofHash::of_receipt(tenant, &[4; 32], 7),
            ProofHash::of_receipt(TenantId([9; 16]), &[3; 32], 7),
            ProofHash::of_slip(tenant, device, &[7; 8]),
            ProofHash::of_slip(tenant, device, &[8; 8]),
        ];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert_eq!(all[0], ProofHash::of_receipt(tenant, &[3; 32], 7));
        assert_eq!(all[0].to_string().parse::<ProofHash>().unwrap(), all[0]);
        assert!("ab".parse::<ProofHash>().is_err());
    }
}
