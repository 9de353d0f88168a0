//! The server's word that a device's key belongs to a shop of a tenant.

use serde::{Deserialize, Serialize};
use stempel_domain::{AuthorId, ShopId, TenantId};

use crate::key::{KeyError, PublicKey, SecretKey, Signature};

const CONTEXT: &str = "stempel certificate v1";

/// A device's certificate. Signed: tenant ‖ shop ‖ device ‖ public key ‖ milliseconds (big-endian).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Whose programme.
    pub tenant: TenantId,
    /// Where the device stands.
    pub shop: ShopId,
    /// The device.
    pub device: AuthorId,
    /// Its public key.
    pub public_key: PublicKey,
    /// When it was enrolled, by the server's clock.
    pub issued_ms: i64,
    /// The server's signature.
    pub signature: Signature,
}

impl Certificate {
    /// Signs a device's key.
    pub fn issue(
        server: &SecretKey,
        tenant: TenantId,
        shop: ShopId,
        device: AuthorId,
        public_key: PublicKey,
        issued_ms: i64,
    ) -> Self {
        let message = signed_bytes(tenant, shop, device, &public_key, issued_ms);
        let signature = server.sign(CONTEXT, &message);
        Self { tenant, shop, device, public_key, issued_ms, signature }
    }

    /// Whether the server's key signed it.
    pub fn verify(&self, server: &PublicKey) -> Result<(), KeyError> {
        let message = signed_bytes(self.tenant, self.shop, self.device, &self.public_key, self.issued_ms);
        server.verify(CONTEXT, &message, &self.signature)
    }
}

fn signed_bytes(
    tenant: TenantId,
    shop: ShopId,
    device: AuthorId,
    key: &PublicKey,
    issued_ms: i64,
) -> Vec<u8> {
    [&tenant.0[..], &shop.0[..], &device.0[..], &key.as_bytes()[..], &issued_ms.to_be_bytes()[..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_certificate_is_noticed() {
        let server = SecretKey::from_bytes(&[1; 32]);
        let device = SecretKey::from_bytes(&[2; 32]).public();
        let mut certificate =
            Certificate::issue(&server, TenantId([3; 16]), ShopId([4; 16]), AuthorId([5; 16]), device, 6);
        certificate.verify(&server.public()).unwrap();
        certificate.shop = ShopId([9; 16]);
        assert_eq!(certificate.verify(&server.public()), Err(KeyError::WrongSignature));
    }
}
