//! The code on a card: 122 characters that a terminal can check with no network.
//!
//! `S1`, then 75 bytes in base 32 (RFC 4648, upper case, no padding): key id (3), card id (8), Ed25519
//! signature (64) over tenant id ‖ key id ‖ card id, context `stempel card v1`. The digit 1 does not occur
//! in the alphabet, so the prefix can be found inside whatever text surrounds the token.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use stempel_domain::{CardId, TenantId};

use crate::key::{PublicKey, SecretKey, Signature};
use crate::rotating::{RotatingCode, Shown};

/// What every token begins with; the 1 is its version.
pub const PREFIX: &str = "S1";
/// Characters of a token.
pub const TOKEN_LEN: usize = 122;
const BODY_LEN: usize = 75;
const CONTEXT: &str = "stempel card v1";
/// Texts longer than this are not searched for a token: no code on a card is as long.
const TEXT_LEN_MAX: usize = 8 * 1024;

/// Names a card key: the first three bytes of the BLAKE3 hash of its public half.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 3]);

impl KeyId {
    /// The id of a key.
    pub fn of(key: &PublicKey) -> Self {
        let hash = blake3::hash(key.as_bytes());
        let bytes = hash.as_bytes();
        Self([bytes[0], bytes[1], bytes[2]])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A text that is no card of this programme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is no token in it.
    #[error("this code is not a customer card")]
    NotACard,
    /// A card of somebody else's programme, or of a key that this device has not heard of yet.
    #[error("this card belongs to another programme")]
    Foreign(KeyId),
    /// The signature does not match: somebody made it up, or it was misread.
    #[error("this card is not genuine")]
    Forged,
}

/// A card's token as printed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token {
    key: KeyId,
    card: CardId,
    signature: [u8; 64],
}

impl Token {
    /// Signs a card.
    pub fn issue(tenant: TenantId, key: &SecretKey, card: CardId) -> Self {
        let id = KeyId::of(&key.public());
        let signature = key.sign(CONTEXT, &signed_bytes(tenant, id, card));
        Self { key: id, card, signature: signature.0 }
    }

    /// The card it names. Means nothing before [`CardKeys::verify`].
    pub fn card(&self) -> CardId {
        self.card
    }

    /// Names the key that is said to have signed it. Means nothing before [`CardKeys::verify`].
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// Finds a token inside a text: alone, in a link, or among other words; upper or lower case.
    pub fn find(text: &str) -> Option<Self> {
        Self::find_after(text, PREFIX)
    }

    fn find_after(text: &str, prefix: &str) -> Option<Self> {
        if text.len() > TEXT_LEN_MAX {
            return None;
        }
        let text = text.to_ascii_uppercase();
        let mut from = 0;
        while let Some(at) = text[from..].find(prefix) {
            let start = from + at;
            if let Some(candidate) = text.get(start..start + TOKEN_LEN)
                && let Some(token) = Self::read(candidate, prefix)
            {
                return Some(token);
            }
            from = start + prefix.len();
        }
        None
    }

    fn read(text: &str, prefix: &str) -> Option<Self> {
        let body = BASE32_NOPAD.decode(text.strip_prefix(prefix)?.as_bytes()).ok()?;
        if body.len() != BODY_LEN {
            return None;
        }
        let mut signature = [0; 64];
        signature.copy_from_slice(&body[11..]);
        let card = CardId::from_slice(&body[3..11])?;
        Some(Self { key: KeyId([body[0], body[1], body[2]]), card, signature })
    }

    fn text(&self, prefix: &str) -> String {
        let body = [&self.key.0[..], &self.card.0[..], &self.signature[..]].concat();
        format!("{prefix}{}", BASE32_NOPAD.encode(&body))
    }
}

/// The second code of a card: on its back, or on a slip that stays at home. Whoever shows it owns the card. It has a
/// token's form with another prefix, and is signed for another purpose: the front does not give it away.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecondCode(Token);

impl SecondCode {
    /// What it begins with.
    pub const PREFIX: &'static str = "R1";
    const CONTEXT: &'static str = "stempel card back v1";

    /// Signs the second code of a card, by the key that signs the card. The same card has the same one for ever.
    pub fn issue(tenant: TenantId, key: &SecretKey, card: CardId) -> Self {
        let id = KeyId::of(&key.public());
        let signature = key.sign(Self::CONTEXT, &signed_bytes(tenant, id, card));
        Self(Token { key: id, card, signature: signature.0 })
    }

    /// The card it names. Means nothing before [`CardKeys::verify_second`].
    pub fn card(&self) -> CardId {
        self.0.card
    }

    /// Finds one inside a text.
    pub fn find(text: &str) -> Option<Self> {
        Token::find_after(text, Self::PREFIX).map(Self)
    }
}

impl fmt::Display for SecondCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text(Self::PREFIX))
    }
}

impl fmt::Debug for SecondCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecondCode(card {})", self.0.card)
    }
}

impl Serialize for SecondCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SecondCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let read = Token::read(&text, Self::PREFIX).map(Self);
        read.ok_or_else(|| de::Error::custom("this is not the second code of a card"))
    }
}

fn signed_bytes(tenant: TenantId, key: KeyId, card: CardId) -> Vec<u8> {
    [&tenant.0[..], &key.0[..], &card.0[..]].concat()
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(PREFIX))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token(card {})", self.card)
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::read(&text, PREFIX).ok_or_else(|| de::Error::custom(TokenError::NotACard))
    }
}

/// Whether a text holds something that looks like a card's code, of either kind.
pub fn looks_like_a_card(text: &str) -> bool {
    Token::find(text).is_some() || RotatingCode::find(text).is_some()
}

/// A genuine card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Which card.
    pub card: CardId,
    /// Its key was retired: only a card that is already known counts.
    pub retired_key: bool,
    /// What a phone's rotating code says beyond that; none for a code that stays the same.
    pub shown: Option<Shown>,
}

/// The public card keys of a tenant, as a device holds them.
#[derive(Debug, Clone)]
pub struct CardKeys {
    tenant: TenantId,
    keys: Vec<(KeyId, PublicKey, bool)>,
}

impl CardKeys {
    /// Starts with no keys.
    pub fn new(tenant: TenantId) -> Self {
        Self { tenant, keys: Vec::new() }
    }

    /// Adds a key, or says anew whether it is retired.
    pub fn insert(&mut self, key: PublicKey, retired: bool) {
        let id = KeyId::of(&key);
        match self.keys.iter_mut().find(|(_, known, _)| *known == key) {
            Some(entry) => entry.2 = retired,
            None => self.keys.push((id, key, retired)),
        }
    }

    /// Finds a token or a phone's rotating code in a text and says whether it is a genuine card of this tenant.
    /// Of which moment a rotating code is, is for the caller to look at.
    pub fn verify(&self, text: &str) -> Result<Verified, TokenError> {
        match Token::find(text) {
            Some(token) => self.check(&token, CONTEXT),
            None => self.verify_rotating(RotatingCode::find(text).ok_or(TokenError::NotACard)?),
        }
    }

    fn verify_rotating(&self, code: RotatingCode) -> Result<Verified, TokenError> {
        let id = code.certificate.key();
        let mut known = false;
        for (_, key, retired) in self.keys.iter().filter(|(known, _, _)| *known == id) {
            known = true;
            if code.certificate.verify(self.tenant, key).is_ok() {
                if !code.is_signed() {
                    break;
                }
                let card = code.certificate.said().card;
                let shown = Some(Shown { turn: code.turn, certificate: code.certificate });
                return Ok(Verified { card, retired_key: *retired, shown });
            }
        }
        Err(if known { TokenError::Forged } else { TokenError::Foreign(id) })
    }

    /// Finds a second code in a text and says which card it belongs to, if it is genuine.
    pub fn verify_second(&self, text: &str) -> Result<Verified, TokenError> {
        let SecondCode(token) = SecondCode::find(text).ok_or(TokenError::NotACard)?;
        self.check(&token, SecondCode::CONTEXT)
    }

    fn check(&self, token: &Token, context: &str) -> Result<Verified, TokenError> {
        let message = signed_bytes(self.tenant, token.key, token.card);
        let signature = Signature(token.signature);
        let mut known = false;
        for (_, key, retired) in self.keys.iter().filter(|(id, _, _)| *id == token.key) {
            known = true;
            if key.verify(context, &message, &signature).is_ok() {
                return Ok(Verified { card: token.card, retired_key: *retired, shown: None });
            }
        }
        Err(if known { TokenError::Forged } else { TokenError::Foreign(token.key) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys() -> (SecretKey, TenantId, CardKeys) {
        let (key, tenant) = (SecretKey::from_bytes(&[3; 32]), TenantId([5; 16]));
        let mut keys = CardKeys::new(tenant);
        keys.insert(key.public(), false);
        (key, tenant, keys)
    }

    #[test]
    fn a_token_is_found_in_whatever_surrounds_it() {
        let (key, tenant, keys) = keys();
        let card = CardId([1, 2, 3, 4, 5, 6, 7, 8]);
        let token = Token::issue(tenant, &key, card).to_string();
        assert_eq!(token.len(), TOKEN_LEN);
        for text in [
            token.clone(),
            format!("HTTPS://CAFE.EXAMPLE/C/{token}"),
            format!("  S1 S1S1{token}?X=1\n"),
            token.to_lowercase(),
        ] {
            assert_eq!(keys.verify(&text).map(|found| found.card), Ok(card), "{text}");
        }
    }

    #[test]
    fn the_second_code_proves_the_card_and_the_front_does_not() {
        let (key, tenant, keys) = keys();
        let card = CardId([1, 2, 3, 4, 5, 6, 7, 8]);
        let second = SecondCode::issue(tenant, &key, card).to_string();
        assert_eq!(second.len(), TOKEN_LEN);
        assert_eq!(keys.verify_second(&format!("x {second} y")).map(|found| found.card), Ok(card));
        assert_eq!(keys.verify(&second), Err(TokenError::NotACard), "it is no card");
        let front = Token::issue(tenant, &key, card).to_string();
        assert_eq!(keys.verify_second(&front), Err(TokenError::NotACard));
        assert_eq!(keys.verify_second(&front.replacen("S1", "R1", 1)), Err(TokenError::Forged));
        assert_eq!(keys.verify(&second.replacen("R1", "S1", 1)), Err(TokenError::Forged));
    }

    #[test]
    fn each_wrong_card_is_called_by_its_name() {
        let (key, tenant, keys) = keys();
        let card = CardId([1; 8]);
        assert_eq!(keys.verify("https://example.com"), Err(TokenError::NotACard));
        assert_eq!(keys.verify(&"ß".repeat(9000)), Err(TokenError::NotACard));
        let stranger = SecretKey::from_bytes(&[4; 32]);
        let foreign = Token::issue(tenant, &stranger, card).to_string();
        assert_eq!(keys.verify(&foreign), Err(TokenError::Foreign(KeyId::of(&stranger.public()))));
        let other_tenant = Token::issue(TenantId([6; 16]), &key, card).to_string();
        assert_eq!(keys.verify(&other_tenant), Err(TokenError::Forged));
        let mut forged = Token::issue(tenant, &key, card);
        forged.card = CardId([2; 8]);
        assert_eq!(keys.verify(&forged.to_string()), Err(TokenError::Forged));
    }

    proptest! {
        #[test]
        fn any_text_is_taken_or_refused(text in "\\PC{0,300}") {
            let (_, _, keys) = keys();
            prop_assert!(keys.verify(&text).is_err());
        }

        #[test]
        fn a_flipped_character_never_passes(place in 2_usize..TOKEN_LEN, letter in 0_usize..32) {
            let (key, tenant, keys) = keys();
            let good = Token::issue(tenant, &key, CardId([9; 8])).to_string();
            let mut bytes = good.clone().into_bytes();
            bytes[place] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[letter];
            let text = String::from_utf8(bytes).unwrap();
            prop_assert!(text == good || keys.verify(&text).is_err());
        }
    }
}
