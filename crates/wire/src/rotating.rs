//! The code that a phone shows and that changes every half-minute: 306 characters that a terminal can check with
//! no network, while the phone has none either.
//!
//! `S2`, then 190 bytes in base 32 (RFC 4648, upper case, no padding): the phone's certificate (122), the half-minute
//! since 1970 (4), the phone's signature (64) over both before, context `stempel rotating card v1`.
//! A QR code of version 10, level M, holds it.

use data_encoding::BASE32_NOPAD;

use crate::phone::{PHONE_CERTIFICATE_LEN, PhoneCertificate, PhoneSecret};

/// What every rotating code begins with; the 2 says that it is one.
pub const PREFIX: &str = "S2";
/// Characters of a rotating code.
pub const ROTATING_LEN: usize = 306;
/// So many first characters are the same in all codes of a card: its key and, but for a few bits, its id.
pub const SAME_LEN: usize = 19;
/// How long one code is shown, in milliseconds.
pub const TURN_MS: i64 = 30_000;
const BODY_LEN: usize = PHONE_CERTIFICATE_LEN + 4 + 64;
const CONTEXT: &str = "stempel rotating card v1";
/// Texts longer than this are not searched.
const TEXT_LEN_MAX: usize = 8 * 1024;

/// A code as a phone shows it. Means nothing before [`crate::CardKeys::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotatingCode {
    /// The server's word for the phone.
    pub certificate: PhoneCertificate,
    /// Half-minutes since 1970 by the phone's clock.
    pub turn: u32,
    signature: [u8; 64],
}

impl RotatingCode {
    /// Shows a code as a phone does.
    pub fn show(certificate: PhoneCertificate, phone: &PhoneSecret, turn: u32) -> Self {
        let signature = phone.sign(CONTEXT, &signed_bytes(&certificate, turn));
        Self { certificate, turn, signature }
    }

    /// Finds a rotating code inside a text.
    pub fn find(text: &str) -> Option<Self> {
        if text.len() > TEXT_LEN_MAX {
            return None;
        }
        let text = text.to_ascii_uppercase();
        let mut from = 0;
        while let Some(at) = text[from..].find(PREFIX) {
            let start = from + at;
            if let Some(candidate) = text.get(start..start + ROTATING_LEN)
                && let Some(code) = Self::read(candidate)
            {
                return Some(code);
            }
            from = start + PREFIX.len();
        }
        None
    }

    fn read(text: &str) -> Option<Self> {
        let body = BASE32_NOPAD.decode(text.strip_prefix(PREFIX)?.as_bytes()).ok()?;
        if body.len() != BODY_LEN {
            return None;
        }
        let (certificate, rest) = body.split_at_checked(PHONE_CERTIFICATE_LEN)?;
        let (turn, signature) = rest.split_first_chunk::<4>()?;
        Some(Self {
            certificate: PhoneCertificate::from_slice(certificate)?,
            turn: u32::from_be_bytes(*turn),
            signature: signature.try_into().ok()?,
        })
    }

    /// Whether the phone that the certificate names signed it.
    pub(crate) fn is_signed(&self) -> bool {
        let message = signed_bytes(&self.certificate, self.turn);
        self.certificate.said().phone.verify(CONTEXT, &message, &self.signature).is_ok()
    }
}

/// The half-minute of an instant.
pub fn turn_at(utc_ms: i64) -> u32 {
    u32::try_from(utc_ms.max(0) / TURN_MS).unwrap_or(u32::MAX)
}

fn signed_bytes(certificate: &PhoneCertificate, turn: u32) -> Vec<u8> {
    [&certificate.to_bytes()[..], &turn.to_be_bytes()[..]].concat()
}

impl std::fmt::Display for RotatingCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = [&signed_bytes(&self.certificate, self.turn)[..], &self.signature[..]].concat();
        write!(f, "{PREFIX}{}", BASE32_NOPAD.encode(&body))
    }
}

/// What a rotating code says beyond which card it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Half-minutes since 1970 by the phone's clock.
    pub turn: u32,
    /// The server's word for the phone.
    pub certificate: PhoneCertificate,
}

impl Shown {
    /// Whether the code is of this moment: of the half-minute of `utc_ms`, the one before or the one after. So a
    /// picture of it is worth nothing after a minute at most, and clocks may differ by half a minute.
    pub fn is_of_now(&self, utc_ms: i64) -> bool {
        turn_at(utc_ms).abs_diff(self.turn) <= 1 && self.certificate.holds_at(utc_ms)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stempel_domain::{CardId, TenantId};

    use super::*;
    use crate::phone::{AsOf, Certified};
    use crate::{CardKeys, SecretKey, token::TokenError};

    const NOW_MS: i64 = 1_780_394_400_000;
    const TENANT: TenantId = TenantId([5; 16]);

    fn phone() -> PhoneSecret {
        PhoneSecret::from_bytes(&[9; 32]).unwrap()
    }

    fn certificate(tenant: TenantId, key: &SecretKey) -> PhoneCertificate {
        let said = Certified {
            card: CardId([1, 2, 3, 4, 5, 6, 7, 8]),
            phone: phone().public().unwrap(),
            since_minutes: (NOW_MS / 60_000) as u32,
            valid_hours: 720,
            balance: Some(AsOf { unit: [1, 2, 3, 4], amount: 7 }),
        };
        PhoneCertificate::issue(tenant, key, said)
    }

    fn keys() -> (SecretKey, CardKeys) {
        let key = SecretKey::from_bytes(&[3; 32]);
        let mut keys = CardKeys::new(TENANT);
        keys.insert(key.public(), false);
        (key, keys)
    }

    fn code() -> String {
        RotatingCode::show(certificate(TENANT, &keys().0), &phone(), turn_at(NOW_MS)).to_string()
    }

    #[test]
    fn a_picture_of_the_code_is_stale_within_a_minute() {
        let (_, keys) = keys();
        let text = code();
        assert_eq!(text.len(), ROTATING_LEN);
        let shown = keys.verify(&text.to_lowercase()).unwrap().shown.unwrap();
        for (later_ms, fresh) in
            [(-30_000, true), (-30_001, false), (0, true), (59_999, true), (60_000, false)]
        {
            assert_eq!(shown.is_of_now(NOW_MS + later_ms), fresh, "{later_ms}");
        }
        assert!(!shown.is_of_now(NOW_MS + 720 * 3_600_000));
        assert_eq!(shown.certificate.said().balance, Some(AsOf { unit: [1, 2, 3, 4], amount: 7 }));
    }

    #[test]
    fn whatever_is_not_signed_by_both_is_forged() {
        let (key, keys) = keys();
        let good = certificate(TENANT, &key);
        let other = PhoneSecret::from_bytes(&[10; 32]).unwrap();
        let stolen = RotatingCode::show(good, &other, turn_at(NOW_MS)).to_string();
        assert_eq!(keys.verify(&stolen), Err(TokenError::Forged));
        let elsewhere = RotatingCode::show(certificate(TenantId([6; 16]), &key), &phone(), 1).to_string();
        assert_eq!(keys.verify(&elsewhere), Err(TokenError::Forged));
        let stranger = SecretKey::from_bytes(&[4; 32]);
        let foreign = RotatingCode::show(certificate(TENANT, &stranger), &phone(), 1).to_string();
        assert!(matches!(keys.verify(&foreign), Err(TokenError::Foreign(_))));
    }

    proptest! {
        #[test]
        fn a_flipped_character_never_passes(place in 2_usize..ROTATING_LEN, letter in 0_usize..32) {
            let (_, keys) = keys();
            let good = code();
            let mut bytes = good.clone().into_bytes();
            bytes[place] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[letter];
            let text = String::from_utf8(bytes).unwrap();
            prop_assert!(text == good || keys.verify(&text).is_err());
        }

        #[test]
        fn any_text_is_taken_or_refused(text in "S2[A-Z2-7]{300,310}") {
            let (_, keys) = keys();
            prop_assert!(keys.verify(&text).is_err());
        }
    }
}
