#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use data_encoding::{BASE64, HEXLOWER};

use super::*;
use authenticator::{Authenticator, VERIFIED, WITH_KEY, cbor, client};

#[path = "../../../tests/it/authenticator.rs"]
mod authenticator;

const CHALLENGE: [u8; CHALLENGE_LEN] = [7; CHALLENGE_LEN];

fn site() -> Site {
    Site::of("https://cards.example").unwrap()
}

fn said(kind: &str, challenge: &[u8], origin: &str) -> Vec<u8> {
    client(kind, &BASE64URL_NOPAD.encode(challenge), origin)
}

fn created() -> Vec<u8> {
    said("webauthn.create", &CHALLENGE, "https://cards.example")
}

fn used() -> Vec<u8> {
    said("webauthn.get", &CHALLENGE, "https://cards.example")
}

#[test]
fn a_site_is_a_name_over_https_or_this_machine() {
    for (url, origin, name) in [
        ("https://cards.example", "https://cards.example", "cards.example"),
        ("https://Cards.Example:443/stempel/", "https://cards.example", "cards.example"),
        ("https://cards.example:8443", "https://cards.example:8443", "cards.example"),
        ("http://localhost:8080", "http://localhost:8080", "localhost"),
    ] {
        let site = Site::of(url).unwrap();
        assert_eq!((&site.origin[..], &site.name[..]), (origin, name), "{url}");
    }
    for url in [
        "http://cards.example",
        "https://192.0.2.1",
        "http://127.0.0.1:8080",
        "https://[2001:db8::1]",
        "https://cards.example@evil.example",
        "https://cards.example:x",
        "https://",
        "cards.example",
        "ftp://localhost",
        "http://localhost.example",
    ] {
        assert_eq!(Site::of(url), None, "{url}");
    }
}

#[test]
fn a_new_passkey_is_taken_as_it_was_made() {
    let phone = Authenticator { counter: 3, ..Authenticator::new(1) };
    let data = phone.data("cards.example", VERIFIED | WITH_KEY);
    let made = made(&site(), &CHALLENGE, &created(), &Authenticator::attestation(&data)).unwrap();
    assert_eq!(made, Made { credential: vec![1; 32], key: phone.cose(), counter: 3 });
    // Extensions may follow the key.
    let mut more = phone.data("cards.example", VERIFIED | WITH_KEY | HAS_EXTENSIONS);
    more.extend(cbor(&Value::Map(vec![(Value::from("credProtect"), Value::from(2))])));
    let with = super::made(&site(), &CHALLENGE, &created(), &Authenticator::attestation(&more)).unwrap();
    assert_eq!(with.key, phone.cose());
}

#[test]
fn a_forged_passkey_is_not_taken() {
    let phone = Authenticator::new(1);
    let good = phone.data("cards.example", VERIFIED | WITH_KEY);
    let attested = Authenticator::attestation;
    let longer = [&good[..], &[0]].concat();
    let twice = cbor(&Value::Map(vec![
        (Value::from("authData"), Value::from(&good[..])),
        (Value::from("authData"), Value::from(&good[..])),
    ]));
    let nameless = Authenticator { credential: Vec::new(), ..Authenticator::new(1) };
    let endless = Authenticator { credential: vec![1; CREDENTIAL_LEN_MAX + 1], ..Authenticator::new(1) };
    let whole = VERIFIED | WITH_KEY;
    let table: [(&str, Vec<u8>, Vec<u8>, Flaw); 16] = [
        ("an assertion", used(), attested(&good), Flaw::Ceremony),
        (
            "another challenge",
            said("webauthn.create", &[8; 32], "https://cards.example"),
            attested(&good),
            Flaw::Challenge,
        ),
        (
            "another origin",
            said("webauthn.create", &CHALLENGE, "https://evil.example"),
            attested(&good),
            Flaw::Origin,
        ),
        (
            "another port",
            said("webauthn.create", &CHALLENGE, "https://cards.example:1"),
            attested(&good),
            Flaw::Origin,
        ),
        (
            "plain http",
            said("webauthn.create", &CHALLENGE, "http://cards.example"),
            attested(&good),
            Flaw::Origin,
        ),
        ("another site", created(), attested(&phone.data("evil.example", whole)), Flaw::Site),
        ("nobody there", created(), attested(&phone.data("cards.example", whole & !PRESENT)), Flaw::Absent),
        (
            "nobody asked",
            created(),
            attested(&phone.data("cards.example", whole & !super::VERIFIED)),
            Flaw::Unverified,
        ),
        (
            "copied and not to be",
            created(),
            attested(&phone.data("cards.example", whole | COPIED)),
            Flaw::Shape,
        ),
        ("no key", created(), attested(&phone.data("cards.example", VERIFIED)), Flaw::Shape),
        ("no id", created(), attested(&nameless.data("cards.example", whole)), Flaw::Shape),
        ("an endless id", created(), attested(&endless.data("cards.example", whole)), Flaw::Shape),
        ("something behind it", created(), attested(&longer), Flaw::Shape),
        ("two of it", created(), twice, Flaw::Shape),
        ("something behind all", created(), [&attested(&good)[..], &[0]].concat(), Flaw::Shape),
        ("too long", created(), attested(&vec![0; ATTESTATION_LEN_MAX]), Flaw::Shape),
    ];
    for (what, client, attestation, flaw) in table {
        assert_eq!(made(&site(), &CHALLENGE, &client, &attestation), Err(flaw), "{what}");
    }
    let framed = String::from_utf8(created()).unwrap().replace("false", "true");
    let refused = made(&site(), &CHALLENGE, framed.as_bytes(), &attested(&good));
    assert_eq!(refused, Err(Flaw::Origin), "a frame in another site's page");
    // However it is cut off, or one bit is turned, nothing panics, and what is taken is what the key says.
    let whole = attested(&good);
    for end in 0..whole.len() {
        assert!(made(&site(), &CHALLENGE, &created(), &whole[..end]).is_err(), "{end}");
    }
    for bit in 0..whole.len() * 8 {
        let mut turned = whole.clone();
        turned[bit / 8] ^= 1 << (bit % 8);
        let _ = made(&site(), &CHALLENGE, &created(), &turned);
    }
    for nested in
        [vec![0x81; 4000], vec![0xbf; 4000], vec![0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]]
    {
        assert_eq!(
            made(&site(), &CHALLENGE, &created(), &nested),
            Err(Flaw::Shape),
            "deep, or said to be long"
        );
    }
}

#[test]
fn a_signature_is_taken_as_long_as_the_counter_rises() {
    let mut phone = Authenticator::new(1);
    let check = |phone: &Authenticator, before: u32| {
        let data = phone.data("cards.example", VERIFIED);
        let (client, signature) = (used(), phone.sign(&data, &used()));
        let brought = Assertion { client: &client, data: &data, signature: &signature };
        asserted(&site(), &CHALLENGE, &brought, &phone.cose(), before)
    };
    assert_eq!(check(&phone, 0), Ok(0), "it keeps no count");
    assert_eq!(check(&phone, 4), Err(Flaw::Counter), "it has forgotten its count");
    phone.counter = 5;
    assert_eq!(check(&phone, 4), Ok(5));
    assert_eq!(check(&phone, 5), Err(Flaw::Counter), "twice");
    assert_eq!(check(&phone, 6), Err(Flaw::Counter), "back");
    phone.counter = u32::MAX;
    assert_eq!(check(&phone, 6), Ok(u32::MAX));
}

#[test]
fn a_forged_signature_is_not_taken() {
    let (phone, other) = (Authenticator::new(1), Authenticator::new(2));
    let good = phone.data("cards.example", VERIFIED);
    let signed = phone.sign(&good, &used());
    let try_it = |client: &[u8], data: &[u8], signature: &[u8]| {
        asserted(&site(), &CHALLENGE, &Assertion { client, data, signature }, &phone.cose(), 0)
    };
    assert_eq!(try_it(&used(), &good, &signed), Ok(0));
    let over = |client: Vec<u8>, data: Vec<u8>| {
        let signature = phone.sign(&data, &client);
        try_it(&client, &data, &signature)
    };
    let get = |challenge: &[u8], origin: &str| said("webauthn.get", challenge, origin);
    let table = [
        ("another challenge", over(get(&[8; 32], "https://cards.example"), good.clone()), Flaw::Challenge),
        ("a short challenge", over(get(&[7; 31], "https://cards.example"), good.clone()), Flaw::Challenge),
        ("another origin", over(get(&CHALLENGE, "https://cards.example.evil"), good.clone()), Flaw::Origin),
        ("a passkey being made", over(created(), good.clone()), Flaw::Ceremony),
        ("another site", over(used(), phone.data("evil.example", VERIFIED)), Flaw::Site),
        ("nobody there", over(used(), phone.data("cards.example", VERIFIED & !PRESENT)), Flaw::Absent),
        ("nobody asked", over(used(), phone.data("cards.example", PRESENT)), Flaw::Unverified),
        ("a key in it", over(used(), phone.data("cards.example", VERIFIED | WITH_KEY)), Flaw::Shape),
        ("something behind it", over(used(), [&good[..], &[0]].concat()), Flaw::Shape),
        ("cut off", over(used(), good[..36].to_vec()), Flaw::Shape),
        ("no JSON", over(b"{}".to_vec(), good.clone()), Flaw::Shape),
        ("endless", over(vec![b' '; CLIENT_DATA_LEN_MAX + 1], good.clone()), Flaw::Shape),
        ("another key", try_it(&used(), &good, &other.sign(&good, &used())), Flaw::Signature),
        ("no signature", try_it(&used(), &good, &[]), Flaw::Signature),
    ];
    for (what, said, flaw) in table {
        assert_eq!(said, Err(flaw), "{what}");
    }
    for bit in 0..signed.len() * 8 {
        let mut turned = signed.clone();
        turned[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(try_it(&used(), &good, &turned), Err(Flaw::Signature), "bit {bit}");
    }
    let counted = Authenticator { counter: 9, ..Authenticator::new(1) }.data("cards.example", VERIFIED);
    assert_eq!(try_it(&used(), &counted, &signed), Err(Flaw::Signature), "a count that was not signed");
}

#[test]
fn keys_of_each_kind_verify_and_odd_ones_are_not_taken() {
    let map = |entries: Vec<(i64, Value)>| {
        Value::Map(entries.into_iter().map(|(label, value)| (Value::from(label), value)).collect())
    };
    // RFC 8032, section 7.1, test 2.
    let point = HEXLOWER.decode(b"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c").unwrap();
    let signature = HEXLOWER
        .decode(
            b"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        )
        .unwrap();
    let edwards = map(vec![(1, 1.into()), (3, (-8).into()), (-1, 6.into()), (-2, point[..].into())]);
    let key = Key::of(&edwards).unwrap();
    assert_eq!(
        (key.verify(&[0x72], &signature), key.verify(&[0x73], &signature)),
        (Ok(()), Err(Flaw::Signature))
    );
    // Made with OpenSSL: RSA of 2048 bits, SHA-256, over the eleven bytes “hello world”.
    let n = BASE64.decode(RSA_N.as_bytes()).unwrap();
    let signature = BASE64.decode(RSA_SIGNATURE.as_bytes()).unwrap();
    let rsa = |n: &[u8]| {
        map(vec![(1, 3.into()), (3, (-257).into()), (-1, n.into()), (-2, (&[1_u8, 0, 1][..]).into())])
    };
    let key = Key::of(&rsa(&n)).unwrap();
    assert_eq!(key.verify(b"hello world", &signature), Ok(()));
    assert_eq!(key.verify(b"hello World", &signature), Err(Flaw::Signature));
    let half = Value::from(&[1_u8; 32][..]);
    let short = Value::from(&[1_u8; 31][..]);
    let p256 = |x: &Value| {
        vec![(1, 2.into()), (3, (-7).into()), (-1, 1.into()), (-2, x.clone()), (-3, half.clone())]
    };
    let mut doubled = p256(&half);
    doubled.push((-3, half.clone()));
    for (what, odd, flaw) in [
        ("a short coordinate", map(p256(&short)), Flaw::Shape),
        ("a name twice", map(doubled), Flaw::Shape),
        ("no map", Value::from(1), Flaw::Shape),
        ("nothing", map(Vec::new()), Flaw::Algorithm),
        ("another curve", map(vec![(1, 2.into()), (3, (-7).into()), (-1, 2.into())]), Flaw::Algorithm),
        ("another algorithm", map(vec![(1, 2.into()), (3, (-35).into()), (-1, 2.into())]), Flaw::Algorithm),
        ("a small RSA key", rsa(&[1; 128]), Flaw::Shape),
        ("a vast RSA key", rsa(&[1; 1024]), Flaw::Shape),
    ] {
        assert_eq!(Key::of(&odd).err(), Some(flaw), "{what}");
    }
    // A point that is not on the curve verifies nothing.
    let nowhere = Key::of(&map(p256(&half))).unwrap();
    assert_eq!(nowhere.verify(b"x", &[0; 70]), Err(Flaw::Signature));
}

const RSA_N: &str = "skkEvj7qGfGPpJEg2SXrhg4jraL6JyswhrEBkgMFdc98UgdiwCLSwxoBRo0qw/AXXl9+sWKk9GGRtM0IA+RkGGRGed+PZEUfUZeeJILR9Le51GHSqdLDZ4cH5jPFGC1yaQIIrWesozR15xQeRH6iRxDnTkBPwLCK421S7pFb1sB07XasEKLdLEqiapMik2oIgyM/EYkvEDRMqGyg/Ybg/2we37J5dM6beQ0wsWD90eyrppTDuiLkWxFDamQPIDoVsTWmxfPU/dmjGp3WGXsYkUJLovlKtQvWIeE/11/tt3fw/JLdTOsxQjKnWUsM4q0W+wpYeaGARWsF1d1hFn8rdQ==";
const RSA_SIGNATURE: &str = "efG1xubxfE2bygPaaCXlGP8NL+PmKFsyFxpnA8iG3n9tYgz0JI1nVTQ4+11NuZ0Ql88IIdqqp5PaxNrScDPOzWDPpyJtGoUGBCpK5Utj8W5TW5LzvTvc6OyrCs20lLIG3nAJE1vWhJ4RBMjC7uxDDfN2J+HuDqYW3y9KjJJV1Mi5WtfHcaQsK/7J+x7t2Jemj4iSLy4E28AECa/J+1zuvj0sKZDo9fk6HHAmC/srKlNzbz+rCMW2AJ9jNW0BjhaXS4Fb56A44Oc10DrQu5eXROqMivIDwl/hHoiV3I5YaGaGJH4txfz0u3w8zp7UJeecYSv0rQbEcgZ0F4AMpj3M1g==";
