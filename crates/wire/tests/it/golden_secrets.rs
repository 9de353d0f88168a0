//! Cards, seals, certificates and signed requests with fixed keys.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::HEXLOWER;
use serde_json::Value;
use stempel_domain::CardNumber;
use stempel_domain::event::Sealed;
use stempel_wire::key::KeyError;
use stempel_wire::token::Token;
use stempel_wire::{CardKeys, Certificate, KeyId, Profile, PublicKey, Signature, request};

use crate::support::*;

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}"))
}

#[test]
fn a_card_keeps_its_code_and_its_number() {
    let card: Value = serde_json::from_str(&golden("card.json")).unwrap();
    let token = Token::issue(TENANT, &card_key(), CARD).to_string();
    assert_eq!(token, text(&card, "token"));
    assert_eq!(card_key().public().to_string(), text(&card, "public_key"));
    assert_eq!(KeyId::of(&card_key().public()).to_string(), text(&card, "key_id"));
    assert_eq!(CARD.to_string(), text(&card, "card"));
    assert_eq!(CARD.number().to_string(), text(&card, "number"));
    assert_eq!(text(&card, "number").parse::<CardNumber>().unwrap(), CARD.number());
    assert_eq!(member().to_string(), text(&card, "member"));
    let mut keys = CardKeys::new(TENANT);
    keys.insert(PublicKey::parse(text(&card, "public_key")).unwrap(), false);
    assert_eq!(keys.verify(text(&card, "token")).unwrap().card, CARD);
}

#[test]
fn a_sealed_profile_keeps_its_bytes() {
    let golden: Value = serde_json::from_str(&golden("profile.json")).unwrap();
    let profile: Profile = serde_json::from_value(golden["profile"].clone()).unwrap();
    let mut nonce = Drawn(unhex(text(&golden, "nonce")));
    let sealed = member_key().seal(member(), &profile, &mut nonce).unwrap();
    assert_eq!(sealed.0, text(&golden, "sealed"));
    assert_eq!(text(&golden, "member"), member().to_string());
    assert_eq!(unhex(text(&golden, "key")), member_key().as_bytes());
    assert_eq!(unhex(text(&golden, "key_id")), member_key().id().0);
    assert_eq!(member_key().open(member(), &Sealed(text(&golden, "sealed").into())), Ok(profile));
}

#[test]
fn a_profile_of_a_later_version_opens() {
    // Sealed as `docs/PROTOCOL.md` says, with a field more.
    let (key, nonce) = ([7; 32], [9; 24]);
    let aad = [&b"stempel profile v1"[..], &member().0].concat();
    let text = Payload { msg: br#"{"name":"Ada","pronoun":"she"}"#, aad: &aad };
    let ciphertext = XChaCha20Poly1305::new(&key.into()).encrypt(&XNonce::from(nonce), text).unwrap();
    let id = &blake3::derive_key("stempel member key id v1", &key)[..8];
    let sealed = Sealed(HEXLOWER.encode(&[id, &nonce, &ciphertext].concat()));
    let read = member_key().open(member(), &sealed).unwrap();
    assert_eq!(read, Profile { name: "Ada".into(), language: None });
}

#[test]
fn a_certificate_keeps_its_bytes() {
    let text = golden_json("certificate.json");
    let certificate: Certificate = serde_json::from_str(&text).unwrap();
    let issued_ms = certificate.issued_ms;
    let issued = Certificate::issue(&server_key(), TENANT, SHOP, DEVICE, device_key().public(), issued_ms);
    assert_eq!(certificate, issued);
    assert_eq!(serde_json::to_string(&certificate).unwrap(), text);
    certificate.verify(&server_key().public()).unwrap();
    assert_eq!(certificate.verify(&device_key().public()), Err(KeyError::WrongSignature));
}

#[test]
fn a_signed_request_keeps_its_signature() {
    let asked: Value = serde_json::from_str(&golden("request.json")).unwrap();
    let (method, path, body) =
        (text(&asked, "method"), text(&asked, "path"), text(&asked, "body").as_bytes());
    let time_ms: i64 = text(&asked, request::TIME_HEADER).parse().unwrap();
    assert_eq!(text(&asked, request::DEVICE_HEADER), DEVICE.to_string());
    assert_eq!(text(&asked, "body_hash"), HEXLOWER.encode(blake3::hash(body).as_bytes()));
    let signature = request::sign(&device_key(), method, path, DEVICE, time_ms, body);
    assert_eq!(signature.to_string(), text(&asked, request::SIGNATURE_HEADER));
    let signature = Signature::parse(text(&asked, request::SIGNATURE_HEADER)).unwrap();
    request::verify(&device_key().public(), method, path, DEVICE, time_ms, body, &signature).unwrap();
}
