//! What an authenticator says, checked by the rules of Web Authentication (W3C, level 3, sections 7.1 and 7.2). Pure: what
//! was expected is handed in.
//!
//! Taken is what a passkey needs and nothing else: the key of a new one without looking at who made the authenticator
//! (conveyance “none”: nothing in an attestation is believed), and an assertion with the person verified by the
//! authenticator (PIN, finger, face). Keys are ES256, Ed25519 or RS256, as COSE writes them (RFC 9053).

use std::net::IpAddr;

use ciborium::Value;
use data_encoding::BASE64URL_NOPAD;
use ring::signature;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// Bytes of a challenge.
pub(super) const CHALLENGE_LEN: usize = 32;
/// The longest id of a credential, in bytes (section 5.8.1 of the standard).
pub(super) const CREDENTIAL_LEN_MAX: usize = 1023;
/// The longest of what a browser hands over, in bytes.
const CLIENT_DATA_LEN_MAX: usize = 4 * 1024;
const ATTESTATION_LEN_MAX: usize = 16 * 1024;
const AUTH_DATA_LEN_MAX: usize = 4 * 1024;
/// Where authenticator data has its fixed head: hash of the site, flags, counter.
const HEAD_LEN: usize = 37;
/// How deep CBOR may nest.
const DEPTH_MAX: usize = 8;

/// Flags of authenticator data.
const PRESENT: u8 = 1;
const VERIFIED: u8 = 1 << 2;
const MAY_BE_COPIED: u8 = 1 << 3;
const COPIED: u8 = 1 << 4;
const HAS_KEY: u8 = 1 << 6;
const HAS_EXTENSIONS: u8 = 1 << 7;

/// What a browser says was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ceremony {
    Create,
    Get,
}

/// Why something is not believed. For tests and the log: whoever sent it learns nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It cannot be read, or is longer than it may be.
    Shape,
    /// It was made for something else.
    Ceremony,
    /// It answers another challenge.
    Challenge,
    /// It was made on another site's page.
    Origin,
    /// The authenticator made it for another site.
    Site,
    /// Nobody touched the authenticator.
    Absent,
    /// The authenticator did not ask who it is.
    Unverified,
    /// A kind of key that is not taken.
    Algorithm,
    /// The signature is not that of this key over these bytes.
    Signature,
    /// The authenticator has counted back: there may be a copy of it.
    Counter,
}

/// The site for which passkeys are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    /// Where its pages come from, as browsers write it.
    pub(crate) origin: String,
    /// The name to which keys are bound.
    pub(crate) name: String,
}

impl Site {
    /// The site of a server's public address. None: passkeys are not made for it, because it is a number or goes by plain
    /// http to another machine.
    pub(crate) fn of(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let place = rest.split(['/', '?', '#']).next()?.to_ascii_lowercase();
        let (name, port) =
            place.split_once(':').map_or((&place[..], None), |(name, port)| (name, Some(port)));
        let port = match port {
            Some(port) => Some(port.parse::<u16>().ok()?),
            None => None,
        };
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
        let loopback = name == "localhost" || name.ends_with(".localhost");
        if name.is_empty() || !plain || name.parse::<IpAddr>().is_ok() {
            return None;
        }
        let own = match (&scheme[..], loopback) {
            ("https", _) => 443,
            ("http", true) => 80,
            _ => return None,
        };
        let port = port.filter(|port| *port != own).map(|port| format!(":{port}")).unwrap_or_default();
        Some(Self { origin: format!("{scheme}://{name}{port}"), name: name.to_owned() })
    }
}

/// A passkey that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    /// Its id.
    pub credential: Vec<u8>,
    /// Its public key, in COSE.
    pub key: Vec<u8>,
    /// How often it was used.
    pub counter: u32,
}

/// What the browser says, in its own words.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

fn client_data(bytes: &[u8]) -> Result<(ClientData, Vec<u8>), Flaw> {
    if bytes.len() > CLIENT_DATA_LEN_MAX {
        return Err(Flaw::Shape);
    }
    let said: ClientData = serde_json::from_slice(bytes).map_err(|_| Flaw::Shape)?;
    let challenge = BASE64URL_NOPAD.decode(said.challenge.as_bytes()).map_err(|_| Flaw::Shape)?;
    Ok((said, challenge))
}

/// Which challenge is answered. Nothing is checked yet.
pub(super) fn challenge_of(bytes: &[u8]) -> Option<[u8; CHALLENGE_LEN]> {
    client_data(bytes).ok()?.1.try_into().ok()
}

fn check_client(
    site: &Site,
    wanted: Ceremony,
    challenge: &[u8; CHALLENGE_LEN],
    bytes: &[u8],
) -> Result<(), Flaw> {
    let (said, answered) = client_data(bytes)?;
    let kind = match wanted {
        Ceremony::Create => "webauthn.create",
        Ceremony::Get => "webauthn.get",
    };
    if said.r#type != kind {
        return Err(Flaw::Ceremony);
    }
    if answered != challenge {
        return Err(Flaw::Challenge);
    }
    if said.origin != site.origin || said.cross_origin {
        return Err(Flaw::Origin);
    }
    Ok(())
}

/// Reads one piece of CBOR from the front, as the authenticator wrote it: the piece, and what follows.
fn piece(bytes: &[u8]) -> Result<(Value, &[u8]), Flaw> {
    let mut rest = bytes;
    let value =
        ciborium::de::from_reader_with_recursion_limit(&mut rest, DEPTH_MAX).map_err(|_| Flaw::Shape)?;
    Ok((value, rest))
}

/// The value of one name in a map; none if it is not there, a flaw if it is there twice.
fn only<'a>(map: &'a Value, name: &Value) -> Result<Option<&'a Value>, Flaw> {
    let mut found = map.as_map().ok_or(Flaw::Shape)?.iter().filter(|(known, _)| known == name);
    let first = found.next().map(|(_, value)| value);
    if found.next().is_some() { Err(Flaw::Shape) } else { Ok(first) }
}

/// The head of authenticator data, checked: flags, counter, and what follows.
fn head<'a>(site: &Site, data: &'a [u8]) -> Result<(u8, u32, &'a [u8]), Flaw> {
    if data.len() > AUTH_DATA_LEN_MAX {
        return Err(Flaw::Shape);
    }
    let (head, rest) = data.split_first_chunk::<HEAD_LEN>().ok_or(Flaw::Shape)?;
    if head[..32] != Sha256::digest(site.name.as_bytes())[..] {
        return Err(Flaw::Site);
    }
    let flags = head[32];
    if flags & PRESENT == 0 {
        return Err(Flaw::Absent);
    }
    if flags & VERIFIED == 0 {
        return Err(Flaw::Unverified);
    }
    if flags & COPIED != 0 && flags & MAY_BE_COPIED == 0 {
        return Err(Flaw::Shape);
    }
    Ok((flags, u32::from_be_bytes([head[33], head[34], head[35], head[36]]), rest))
}

/// Whether what is left of authenticator data is what its flags promise: extensions, or nothing.
fn check_end(flags: u8, rest: &[u8]) -> Result<(), Flaw> {
    let rest = match flags & HAS_EXTENSIONS {
        0 => rest,
        _ => {
            let (extensions, rest) = piece(rest)?;
            extensions.as_map().ok_or(Flaw::Shape)?;
            rest
        }
    };
    if rest.is_empty() { Ok(()) } else { Err(Flaw::Shape) }
}

/// Checks what came of making a passkey.
pub(super) fn made(
    site: &Site,
    challenge: &[u8; CHALLENGE_LEN],
    client: &[u8],
    attestation: &[u8],
) -> Result<Made, Flaw> {
    check_client(site, Ceremony::Create, challenge, client)?;
    if attestation.len() > ATTESTATION_LEN_MAX {
        return Err(Flaw::Shape);
    }
    let (object, rest) = piece(attestation)?;
    let data = only(&object, &Value::from("authData"))?.and_then(Value::as_bytes).ok_or(Flaw::Shape)?;
    if !rest.is_empty() {
        return Err(Flaw::Shape);
    }
    let (flags, counter, rest) = head(site, data)?;
    if flags & HAS_KEY == 0 {
        return Err(Flaw::Shape);
    }
    // The authenticator's make, the id's length, the id, the key, and extensions.
    let (_, rest) = rest.split_first_chunk::<16>().ok_or(Flaw::Shape)?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or(Flaw::Shape)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length == 0 || length > CREDENTIAL_LEN_MAX {
        return Err(Flaw::Shape);
    }
    let (credential, rest) = rest.split_at_checked(length).ok_or(Flaw::Shape)?;
    let (key, after) = piece(rest)?;
    Key::of(&key)?;
    check_end(flags, after)?;
    let key = rest[..rest.len() - after.len()].to_vec();
    Ok(Made { credential: credential.to_vec(), key, counter })
}

/// What a browser brings to sign in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Assertion<'a> {
    pub client: &'a [u8],
    pub data: &'a [u8],
    pub signature: &'a [u8],
}

/// Checks an assertion of a known passkey, and gives how often it was used. `counter` is what it said the last time.
pub(super) fn asserted(
    site: &Site,
    challenge: &[u8; CHALLENGE_LEN],
    brought: &Assertion,
    key: &[u8],
    counter: u32,
) -> Result<u32, Flaw> {
    check_client(site, Ceremony::Get, challenge, brought.client)?;
    let (flags, counted, rest) = head(site, brought.data)?;
    if flags & HAS_KEY != 0 {
        return Err(Flaw::Shape);
    }
    check_end(flags, rest)?;
    let (key, _) = piece(key)?;
    let signed = [brought.data, &Sha256::digest(brought.client)[..]].concat();
    Key::of(&key)?.verify(&signed, brought.signature)?;
    // Authenticators that keep no count say 0 each time.
    if (counted != 0 || counter != 0) && counted <= counter {
        return Err(Flaw::Counter);
    }
    Ok(counted)
}

/// A public key.
enum Key {
    /// A point of P-256, not compressed.
    Es256([u8; 65]),
    Ed25519([u8; 32]),
    Rs256 {
        n: Vec<u8>,
        e: Vec<u8>,
    },
}

impl Key {
    fn of(map: &Value) -> Result<Self, Flaw> {
        let number = |label: i64| -> Result<Option<i128>, Flaw> {
            Ok(only(map, &Value::from(label))?.and_then(Value::as_integer).map(i128::from))
        };
        let bytes = |label: i64| -> Result<&[u8], Flaw> {
            only(map, &Value::from(label))?.and_then(Value::as_bytes).map(Vec::as_slice).ok_or(Flaw::Shape)
        };
        let half = |label: i64| <[u8; 32]>::try_from(bytes(label)?).map_err(|_| Flaw::Shape);
        // Kind of key, algorithm, curve.
        match (number(1)?, number(3)?) {
            (Some(2), Some(-7)) if number(-1)? == Some(1) => {
                let mut point = [4; 65];
                point[1..33].copy_from_slice(&half(-2)?);
                point[33..].copy_from_slice(&half(-3)?);
                Ok(Self::Es256(point))
            }
            (Some(1), Some(-8)) if number(-1)? == Some(6) => Ok(Self::Ed25519(half(-2)?)),
            (Some(3), Some(-257)) => {
                let (n, e) = (bytes(-1)?, bytes(-2)?);
                match (256..=512).contains(&n.len()) && (1..=8).contains(&e.len()) {
                    true => Ok(Self::Rs256 { n: n.to_vec(), e: e.to_vec() }),
                    false => Err(Flaw::Shape),
                }
            }
            _ => Err(Flaw::Algorithm),
        }
    }

    fn verify(&self, signed: &[u8], by: &[u8]) -> Result<(), Flaw> {
        let by_point = |algorithm: &'static dyn signature::VerificationAlgorithm, key: &[u8]| {
            signature::UnparsedPublicKey::new(algorithm, key).verify(signed, by)
        };
        let verified = match self {
            Self::Es256(point) => by_point(&signature::ECDSA_P256_SHA256_ASN1, point),
            Self::Ed25519(point) => by_point(&signature::ED25519, point),
            Self::Rs256 { n, e } => signature::RsaPublicKeyComponents { n: &n[..], e: &e[..] }.verify(
                &signature::RSA_PKCS1_2048_8192_SHA256,
                signed,
                by,
            ),
        };
        verified.map_err(|_| Flaw::Signature)
    }
}

#[cfg(test)]
mod tests;
