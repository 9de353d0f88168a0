//! Ed25519 keys and signatures. Every use signs under its own context, so that a signature made for one
//! purpose is worth nothing for another.

use std::fmt;

use data_encoding::HEXLOWER;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use stempel_domain::ports::{Entropy, draw};

/// A text or bytes that were meant as a key or signature and are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not the right number of hexadecimal digits, or not a point of the curve.
    #[error("this is not a key; it may have been cut off when it was copied")]
    NotAKey,
    /// The signature does not belong to this text and key.
    #[error("the signature does not match: the content was changed, or somebody else signed it")]
    WrongSignature,
}

/// A secret Ed25519 key. It is never printed.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// Makes a new key.
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        Self(SigningKey::from_bytes(&draw(entropy)))
    }

    /// Takes a key from its 32 secret bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(bytes))
    }

    /// The 32 secret bytes, for the store that keeps them.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// The secret that whoever has this key and whoever has the other one's secret half come to: both keys on the
    /// Montgomery form of the curve (X25519).
    pub(crate) fn shared(&self, other: &PublicKey) -> [u8; 32] {
        (other.0.to_montgomery() * self.0.to_scalar()).to_bytes()
    }

    /// Signs a message under a context.
    pub fn sign(&self, context: &str, message: &[u8]) -> Signature {
        Signature(self.0.sign(&with_context(context, message)).to_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public())
    }
}

fn with_context(context: &str, message: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(context.len() + 1 + message.len());
    bytes.extend_from_slice(context.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(message);
    bytes
}

/// A public Ed25519 key, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Takes a key from its 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes: &[u8; 32] = bytes.try_into().map_err(|_| KeyError::NotAKey)?;
        VerifyingKey::from_bytes(bytes).map(Self).map_err(|_| KeyError::NotAKey)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| KeyError::NotAKey)?;
        Self::from_slice(&bytes)
    }

    /// Checks a signature (strictly: no malleable encodings, no weak keys).
    pub fn verify(&self, context: &str, message: &[u8], signature: &Signature) -> Result<(), KeyError> {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0
            .verify_strict(&with_context(context, message), &signature)
            .map_err(|_| KeyError::WrongSignature)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(self.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// An Ed25519 signature, written as 128 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl Signature {
    /// Takes a signature from its 64 bytes.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, KeyError> {
        bytes.try_into().map(Self).map_err(|_| KeyError::NotAKey)
    }

    /// Reads 128 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| KeyError::NotAKey)?;
        Self::from_slice(&bytes)
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({self})")
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_worth_nothing_in_another_context() {
        let key = SecretKey::from_bytes(&[1; 32]);
        let signature = key.sign("one", b"text");
        key.public().verify("one", b"text", &signature).unwrap();
        assert_eq!(key.public().verify("two", b"text", &signature), Err(KeyError::WrongSignature));
        assert_eq!(key.public().verify("one", b"test", &signature), Err(KeyError::WrongSignature));
    }

    #[test]
    fn a_secret_key_is_never_printed() {
        let key = SecretKey::from_bytes(&[0xab; 32]);
        assert!(!format!("{key:?}").contains("abababab"));
    }
}
