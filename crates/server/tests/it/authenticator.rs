//! An authenticator in memory, which does what it is told: also what a real one would not. The unit tests of the server's
//! `webauthn` use it too.

use ciborium::Value;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use sha2::{Digest as _, Sha256};

/// Somebody is there and was asked who it is.
pub const VERIFIED: u8 = 0b0000_0101;
/// A key follows.
pub const WITH_KEY: u8 = 0b0100_0000;

pub struct Authenticator {
    pub pair: EcdsaKeyPair,
    pub credential: Vec<u8>,
    pub counter: u32,
}

/// A piece of CBOR as bytes.
pub fn cbor(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

/// What a browser says of a ceremony.
pub fn client(kind: &str, challenge: &str, origin: &str) -> Vec<u8> {
    serde_json::json!({ "type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false, "other": 1 })
        .to_string()
        .into_bytes()
}

impl Authenticator {
    pub fn new(number: u8) -> Self {
        let random = SystemRandom::new();
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, made.as_ref(), &random).unwrap();
        Self { pair, credential: vec![number; 32], counter: 0 }
    }

    /// The public key, as COSE writes it.
    pub fn cose(&self) -> Vec<u8> {
        let point = self.pair.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        let entries = [
            (1, Value::from(2)),
            (3, Value::from(-7)),
            (-1, Value::from(1)),
            (-2, Value::from(x)),
            (-3, Value::from(y)),
        ];
        cbor(&Value::Map(entries.map(|(label, value)| (Value::from(label), value)).into()))
    }

    /// Authenticator data for a site.
    pub fn data(&self, site: &str, flags: u8) -> Vec<u8> {
        let mut data = Sha256::digest(site.as_bytes()).to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        if flags & WITH_KEY != 0 {
            data.extend([0; 16]);
            data.extend(u16::try_from(self.credential.len()).unwrap().to_be_bytes());
            data.extend(&self.credential);
            data.extend(self.cose());
        }
        data
    }

    /// An attestation that says nothing of who made it.
    pub fn attestation(data: &[u8]) -> Vec<u8> {
        cbor(&Value::Map(vec![
            (Value::from("fmt"), Value::from("none")),
            (Value::from("attStmt"), Value::Map(Vec::new())),
            (Value::from("authData"), Value::from(data)),
        ]))
    }

    pub fn sign(&self, data: &[u8], client: &[u8]) -> Vec<u8> {
        let signed = [data, &Sha256::digest(client)[..]].concat();
        self.pair.sign(&SystemRandom::new(), &signed).unwrap().as_ref().to_vec()
    }
}
