//! One-time slips: what a device of the shop prints for a guest whose card lies at home, or as its word for
//! another device of the shop.
//!
//! `L1`, then 95 bytes in base 32 (RFC 4648, upper case, no padding): the device that issued it (16), the slip's
//! id (8), its last day as days since 1970 (4), what it is for (1), how many (2), and the device's signature (64)
//! over tenant id ‖ these 31 bytes, context `stempel slip v1`. 154 characters: a QR code of version 6, level M.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use stempel_domain::proof::ProofHash;
use stempel_domain::{AuthorId, Day, TenantId};

use crate::key::{KeyError, PublicKey, SecretKey, Signature};

/// What every slip begins with; the 1 is its version.
pub const PREFIX: &str = "L1";
/// Characters of a slip.
pub const SLIP_LEN: usize = 154;
const CONTEXT: &str = "stempel slip v1";
const HEAD_LEN: usize = 31;
const BODY_LEN: usize = HEAD_LEN + 64;
/// Texts longer than this are not searched for a slip.
const TEXT_LEN_MAX: usize = 8 * 1024;

/// What a slip is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlipPurpose {
    /// So many stamps.
    Stamps,
    /// The word of staff that so many rewards may be given.
    Reward,
}

impl SlipPurpose {
    fn byte(self) -> u8 {
        match self {
            Self::Stamps => 1,
            Self::Reward => 2,
        }
    }

    fn of_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Stamps),
            2 => Some(Self::Reward),
            _ => None,
        }
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stamps => "stamps",
            Self::Reward => "reward",
        }
    }
}

/// A slip that was found in a text. Means nothing before [`Slip::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slip {
    /// The device that issued it.
    pub issuer: AuthorId,
    /// Its own id.
    pub id: [u8; 8],
    /// The last business day on which it counts.
    pub last: Day,
    /// What it is for.
    pub purpose: SlipPurpose,
    /// How many.
    pub count: u16,
    signature: Signature,
}

impl Slip {
    /// Signs a slip by the key of the device that issues it.
    pub fn issue(
        tenant: TenantId,
        issuer: AuthorId,
        key: &SecretKey,
        id: [u8; 8],
        last: Day,
        purpose: SlipPurpose,
        count: u16,
    ) -> Self {
        let mut slip = Self { issuer, id, last, purpose, count, signature: Signature([0; 64]) };
        slip.signature = key.sign(CONTEXT, &slip.signed_bytes(tenant));
        slip
    }

    /// Finds a slip inside a text, in upper or lower case.
    pub fn find(text: &str) -> Option<Self> {
        if text.len() > TEXT_LEN_MAX {
            return None;
        }
        let text = text.to_ascii_uppercase();
        let starts = text.match_indices(PREFIX).map(|(start, _)| start);
        starts.filter_map(|start| text.get(start + PREFIX.len()..start + SLIP_LEN)).find_map(Self::read)
    }

    fn read(text: &str) -> Option<Self> {
        let body: [u8; BODY_LEN] = BASE32_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok()?;
        let days = u32::from_be_bytes(body[24..28].try_into().ok()?);
        let count = u16::from_be_bytes(body[29..31].try_into().ok()?);
        if i64::from(days) > i64::from(Day::MAX.number()) || count == 0 {
            return None;
        }
        Some(Self {
            issuer: AuthorId(body[..16].try_into().ok()?),
            id: body[16..24].try_into().ok()?,
            last: Day::from_number(days.into()),
            purpose: SlipPurpose::of_byte(body[28])?,
            count,
            signature: Signature(body[HEAD_LEN..].try_into().ok()?),
        })
    }

    /// Checks that the device with this key issued it, for this tenant.
    pub fn verify(&self, tenant: TenantId, key: &PublicKey) -> Result<(), KeyError> {
        key.verify(CONTEXT, &self.signed_bytes(tenant), &self.signature)
    }

    /// Its name among the proofs of a tenant.
    pub fn hash(&self, tenant: TenantId) -> ProofHash {
        ProofHash::of_slip(tenant, self.issuer, &self.id)
    }

    fn head(&self) -> [u8; HEAD_LEN] {
        let mut head = [0; HEAD_LEN];
        head[..16].copy_from_slice(&self.issuer.0);
        head[16..24].copy_from_slice(&self.id);
        head[24..28].copy_from_slice(&self.last.number().to_be_bytes());
        head[28] = self.purpose.byte();
        head[29..].copy_from_slice(&self.count.to_be_bytes());
        head
    }

    fn signed_bytes(&self, tenant: TenantId) -> Vec<u8> {
        [&tenant.0[..], &self.head()[..]].concat()
    }
}

impl fmt::Display for Slip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = [&self.head()[..], &self.signature.0[..]].concat();
        write!(f, "{PREFIX}{}", BASE32_NOPAD.encode(&body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: TenantId = TenantId([0x11; 16]);

    fn slip(key: &SecretKey) -> Slip {
        let last = "2026-06-16".parse().unwrap();
        Slip::issue(TENANT, AuthorId([0x33; 16]), key, [1, 2, 3, 4, 5, 6, 7, 8], last, SlipPurpose::Stamps, 3)
    }

    #[test]
    fn a_slip_is_found_in_whatever_surrounds_it_and_verified() {
        let key = SecretKey::from_bytes(&[2; 32]);
        let printed = slip(&key).to_string();
        assert_eq!(printed.len(), SLIP_LEN);
        for text in [printed.clone(), format!("L1 https://x/{} .", printed.to_lowercase())] {
            let found = Slip::find(&text).unwrap();
            assert_eq!(found, slip(&key));
            assert!(found.verify(TENANT, &key.public()).is_ok());
        }
    }

    #[test]
    fn what_was_changed_or_is_of_somebody_else_does_not_verify() {
        let key = SecretKey::from_bytes(&[2; 32]);
        let genuine = slip(&key);
        assert!(genuine.verify(TenantId([9; 16]), &key.public()).is_err());
        assert!(genuine.verify(TENANT, &SecretKey::from_bytes(&[3; 32]).public()).is_err());
        for changed in [
            Slip { count: 4, ..genuine.clone() },
            Slip { last: genuine.last.plus_days(1), ..genuine.clone() },
            Slip { purpose: SlipPurpose::Reward, ..genuine.clone() },
            Slip { id: [9; 8], ..genuine.clone() },
            Slip { issuer: AuthorId([9; 16]), ..genuine.clone() },
        ] {
            let read = Slip::find(&changed.to_string()).unwrap();
            assert!(read.verify(TENANT, &key.public()).is_err());
        }
    }

    #[test]
    fn cut_and_made_up_texts_are_no_slips() {
        let printed = slip(&SecretKey::from_bytes(&[2; 32])).to_string();
        for end in 0..printed.len() {
            assert_eq!(Slip::find(&printed[..end]), None);
        }
        for text in ["", "L1", &"L1".repeat(1000), &"L1Ä".repeat(100), &"A".repeat(9000)] {
            assert_eq!(Slip::find(text), None);
        }
        let nothing = Slip { count: 0, ..slip(&SecretKey::from_bytes(&[2; 32])) };
        assert_eq!(Slip::find(&nothing.to_string()), None);
    }
}
