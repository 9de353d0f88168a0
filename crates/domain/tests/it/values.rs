//! What single values say and how they are read, to the letter.

use serde_json::{Value, json};
use stempel_domain::alarm::{Limit, Limits};
use stempel_domain::card::{CardId, CardNumber};
use stempel_domain::event::Fact;
use stempel_domain::grant::Grant;
use stempel_domain::member::MemberState;
use stempel_domain::money::{Money, split};
use stempel_domain::ports::{Entropy, draw};
use stempel_domain::programme::{Hours, OccasionOf, Period, Programme};
use stempel_domain::proof::{ProofHash, ProofKind};
use stempel_domain::receipt::FiscalReceipt;
use stempel_domain::sale::Claim;
use stempel_domain::{AuthorId, EventRef, MemberId, Moment, TenantId, Unit};

use crate::support::*;

#[test]
fn a_card_has_the_number_that_its_bytes_give() {
    // Computed by another program: eight characters of base 32, and two that make the whole leave 1 by 1021.
    for (bytes, number) in [
        ([0, 0, 0, 0, 0], "00000-00001"),
        ([0, 0, 0, 0, 1], "00000-001ZV"),
        ([0x12, 0x34, 0x56, 0x78, 0x9a], "28T5C-Y4T1P"),
        ([0xde, 0xad, 0xbe, 0xef, 0x42], "VTPVX-VT266"),
        ([0xff; 5], "ZZZZZ-ZZZRE"),
    ] {
        assert_eq!(CardNumber(bytes).to_string(), number);
        assert_eq!(number.parse(), Ok(CardNumber(bytes)));
    }
}

#[test]
fn a_card_is_read_as_it_is_written() {
    let card = CardId([0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0]);
    assert_eq!(card.to_string(), "123456789abcdef0");
    assert_eq!("123456789abcdef0".parse(), Ok(card));
    assert_eq!(CardId::from_slice(&card.0), Some(card));
    for text in ["", "123456789abcdef", "123456789abcde", "123456789abcdef012", "123456789ABCDEF0"] {
        assert!(text.parse::<CardId>().is_err(), "{text}");
    }
}

#[test]
fn what_is_looked_at_while_searching_a_fault_says_what_it_is() {
    let card = CardId([0x12; 8]);
    let (author, day) = (AuthorId([0xab; 16]), noon().day);
    for (shown, said) in [
        (format!("{card:?}"), "CardId(1212121212121212)".to_owned()),
        (format!("{:?}", card.number()), format!("CardNumber({})", card.number())),
        (format!("{:?}", EventRef { author, seq: 7 }), format!("EventRef({}-7)", "ab".repeat(16))),
        (format!("{:?}", ProofHash([0xcd; 32])), format!("ProofHash({})", "cd".repeat(32))),
        (format!("{day:?}"), "Day(2026-11-20)".to_owned()),
        (format!("{:?}", unit("point.1")), "Unit(point.1)".to_owned()),
    ] {
        assert_eq!(shown, said);
    }
}

#[test]
fn a_proof_is_named_by_its_kind_too() {
    assert_eq!([ProofKind::Receipt, ProofKind::Slip].map(ProofKind::as_str), ["receipt", "slip"]);
    for kind in [ProofKind::Receipt, ProofKind::Slip] {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
    }
    let (tenant, device) = (TenantId([1; 16]), AuthorId([2; 16]));
    let hash = |kind: &str, name: &[u8]| {
        let message = [&[1; 16][..], kind.as_bytes(), &[0], name].concat();
        ProofHash(blake3::derive_key("stempel proof v1", &message))
    };
    let receipt = [&[3; 32][..], &[0, 0, 0, 0, 0, 0, 1, 7]].concat();
    assert_eq!(ProofHash::of_receipt(tenant, &[3; 32], 0x107), hash("receipt", &receipt));
    let slip = [&[2; 16][..], &[7; 8]].concat();
    assert_eq!(ProofHash::of_slip(tenant, device, &[7; 8]), hash("slip", &slip));
}

#[test]
fn a_grant_is_read_up_to_its_longest_occurrence() {
    for length in [0, 1, 64] {
        let text = format!("p/rule@{}", "x".repeat(length));
        assert_eq!(text.parse::<Grant>().unwrap().to_string(), text);
    }
    for text in ["", "p", "p/rule", "p/@x", "/rule@x", &format!("p/rule@{}", "x".repeat(65))] {
        assert!(text.parse::<Grant>().is_err(), "{text}");
    }
}

#[test]
fn a_claim_is_for_one_if_nothing_is_said() {
    assert_eq!(serde_json::to_value(claim("cup")).unwrap(), json!({"reward": "cup"}));
    assert_eq!(serde_json::from_value::<Claim>(json!({"reward": "cup"})).unwrap(), claim("cup"));
    let two = Claim { times: 2, ..claim("cup") };
    assert_eq!(serde_json::to_value(&two).unwrap(), json!({"reward": "cup", "times": 2}));
    assert_eq!(serde_json::from_value::<Claim>(json!({"reward": "cup", "times": 2})).unwrap(), two);
}

#[test]
fn a_sale_comes_to_the_sum_of_its_lines() {
    let sold =
        sale(vec![line("a", "", "2", "1.25"), line("b", "", "0.333", "9.99"), line("a", "", "-1", "1.25")]);
    // 2.50 + 3.32667 rounded to 3.33 − 1.25
    assert_eq!(sold.gross(), Money(458));
}

#[test]
fn parts_of_nothing_are_nothing() {
    assert_eq!(split(0, &[1, 2]), [0, 0]);
    assert_eq!(split(-5, &[1, 1, 1]), [-2, -2, -1]);
    assert_eq!(split(5, &[1, 1, 1]), [2, 2, 1]);
    assert_eq!(split(-5, &[0, 0]), [-5, 0]);
}

#[test]
fn a_moment_keeps_the_offset_that_it_names() {
    let noon_utc = Moment::parse_rfc3339("2026-11-21T12:00:00Z").unwrap().0;
    for (text, offset) in [
        ("2026-11-21T12:00:00Z", 0),
        ("2026-11-21t12:00:00z", 0),
        ("2026-11-21T13:00:00+01:00", 60),
        ("2026-11-21T17:45:00+05:45", 345),
        ("2026-11-21T08:30:00-03:30", -210),
        ("2026-11-21T07:00:00-05:00", -300),
    ] {
        assert_eq!(Moment::parse_rfc3339(text), Ok((noon_utc, offset)), "{text}");
        let moment = Moment { utc_ms: noon_utc, offset_minutes: offset, ..noon() };
        assert_eq!(Moment::parse_rfc3339(&moment.rfc3339()), Ok((noon_utc, offset)), "{text}");
    }
    for text in ["", "2026-11-21", "2026-11-21T12:00:00", "12:00Z"] {
        assert!(Moment::parse_rfc3339(text).is_err(), "{text}");
    }
}

#[test]
fn an_amount_is_read_at_the_scale_of_its_unit() {
    for (name, text, amount) in [
        ("point", "12", Ok(12)),
        ("point.1", "12", Ok(120)),
        ("point.1", "-0.5", Ok(-5)),
        ("eur.2", "5.05", Ok(505)),
        ("point", "0.5", Err(())),
        ("point.1", "0.25", Err(())),
        ("point", "many", Err(())),
    ] {
        assert_eq!(unit(name).parse_amount(text).map_err(drop), amount, "{text} {name}");
    }
    assert_eq!(Unit::euro(), unit("eur.2"));
}

#[test]
fn what_is_kept_for_some_time_is_kept_for_so_long() {
    assert_eq!(MemberState::VISIT_MS, 259_200_000, "three days");
    let limits = |minutes| Limits { take_backs: Limit { minutes, warn: 1, ask: 1 }, ..Limits::default() };
    for (minutes, is_well, span_ms) in [
        (1_440, true, 86_400_000),
        (10_080, true, 604_800_000),
        (10_081, false, 604_800_000),
        (u32::MAX, false, 604_800_000),
    ] {
        assert_eq!((limits(minutes).are_well(), limits(minutes).span_ms()), (is_well, span_ms), "{minutes}");
    }
}

struct Sevens;

impl Entropy for Sevens {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

#[test]
fn what_is_drawn_comes_from_the_source() {
    assert_eq!(draw::<5>(&mut Sevens), [7; 5]);
}

#[test]
fn a_receipt_writes_its_amounts_in_one_way() {
    let total = |first: &str| {
        let data = format!("Beleg^{first}_0.00_0.00_0.00_0.00^0.00:Bar");
        let tail = "2026-06-02T09:58:12.000Z;2026-06-02T09:58:40.000Z;ecdsa-plain-SHA256;unixTime;c2ln;a2V5";
        FiscalReceipt::parse(&format!("V0;K;Kassenbeleg-V1;{data};18;112;{tail}"))
            .map(|receipt| receipt.total)
    };
    for (text, amount) in [("0.00", 0), ("3.60", 360), ("-3.60", -360), ("1234567.89", 123_456_789)] {
        assert_eq!(total(text), Ok(Money(amount)), "{text}");
    }
    for text in [
        "", ".", "-", "3", "3.6", "3.600", ".60", "-.60", "3.", "--3.60", "-3.-6", "+3.60", "3.6x", "x.60",
        "3,60", " 3.60", "3.60 ", "3.60.1", "٣.60",
    ] {
        assert!(total(text).is_err(), "{text:?}");
    }
}

#[test]
fn hours_are_written_in_one_way() {
    for text in ["00:00-24:00", "09:00-17:30", "22:00-02:00", "23:59-00:00", "00:00-00:01"] {
        assert_eq!(text.parse::<Hours>().unwrap().to_string(), text);
    }
    for text in [
        "",
        "09:00",
        "9:00-12:00",
        "09:0-12:00",
        "009:00-12:00",
        "09:000-12:00",
        "09:60-12:00",
        "00:61-12:00",
        "24:01-12:00",
        "25:00-12:00",
        "30:00-12:00",
        "99:99-12:00",
        "09:00-09:00",
        "ab:cd-12:00",
        "09:00-12:00-13:00",
    ] {
        assert!(text.parse::<Hours>().is_err(), "{text}");
    }
    let night: Hours = "22:00-02:00".parse().unwrap();
    for (minute, is_inside) in
        [(0, true), (119, true), (120, false), (1319, false), (1320, true), (1439, true)]
    {
        assert_eq!(night.has(minute), is_inside, "{minute}");
    }
}

#[test]
fn a_span_of_the_calendar_is_known_by_its_name() {
    for period in Period::ALL {
        assert!(Period::is_label(&period.label(noon().day)), "{period:?}");
    }
    for label in ["2026", "2026-11", "2026-11-20", "2026-W01", "2026-W47"] {
        assert!(Period::is_label(label), "{label}");
    }
    for label in [
        "",
        "202",
        "20261",
        "2026-",
        "2026-1",
        "2026-W",
        "2026-W4",
        "2026-W4x",
        "2026-W047",
        "2026-Wxy",
        "2026-x1",
        "2026-11-2x",
        "2026-1x-20",
        "2026-11-200",
        "2026-11-2",
        "2026W47",
        "2026/11",
        "abcd",
        "abcd-11",
        "s-1",
        "2o26",
    ] {
        assert!(!Period::is_label(label), "{label}");
    }
}

#[test]
fn dates_come_to_those_who_are_not_there() {
    let dates = [OccasionOf::Birthday, OccasionOf::Joined, OccasionOf::FirstPurchase];
    assert!(dates.into_iter().all(OccasionOf::is_a_date));
    assert!(![OccasionOf::Absence, OccasionOf::Welcome].into_iter().any(OccasionOf::is_a_date));
}

#[test]
fn a_programme_is_kept_in_the_fewest_words() {
    let written = "language = 1\nid = \"p\"\nname = \"P\"\nscale = 0\ngrace_days = 30\nrefunds = \"owe\"\noverdraft = \"owe\"\n\
        expiry = { months = 1, warn_days = 30 }\nleaderboard = { by = \"visits\", period = \"week\", top = 10 }\n\
        [[earn]]\nper = \"item\"\namount = 1\nevery = 1\nrounding = \"down\"\ncap = {}\npause_minutes = 0\n\
        [[reward]]\nid = \"r\"\nkind = \"cheapest-item\"\ncost = 1\nquantity = 1\non = \"set\"\nautomatic = false\n";
    let kept = json!({
        "id": "p", "name": "P", "unit": "point",
        "expiry": {"months": 1},
        "leaderboard": {"by": "visits", "period": "week"},
        "earn": [{"id": "earn-1", "per": "item", "amount": "1"}],
        "reward": [{"id": "r", "kind": "cheapest-item", "cost": "1"}]});
    let programme = Programme::parse_toml(written).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&programme.to_json()).unwrap(), kept);
    assert_eq!(serde_json::to_value(&programme).unwrap(), kept);
    assert_eq!(Programme::from_json(&kept.to_string()).unwrap(), programme);
    assert_eq!(programme.spec().leaderboard.unwrap().top, 10);
    // What is not as usual is said.
    let other =
        written.replace("= 30", "= 29").replace("top = 10", "top = 11").replace("every = 1", "every = 2");
    let said: Value = serde_json::from_str(&Programme::parse_toml(&other).unwrap().to_json()).unwrap();
    assert_eq!((&said["grace_days"], &said["expiry"]["warn_days"]), (&json!(29), &json!(29)));
    assert_eq!((&said["leaderboard"]["top"], &said["earn"][0]["every"]), (&json!(11), &json!("2")));
}

#[test]
fn a_programme_is_called_by_its_name_and_card() {
    let text = |rules: &str| format!("id = \"p\"\nname = {{ de = \"Karte\", en = \"Card\" }}\n{rules}");
    let programme = |rules: &str| Programme::parse_toml(&text(rules)).unwrap();
    let named = programme("");
    assert_eq!(["de", "en", "fr"].map(|language| named.name(language)), ["Karte", "Card", "Card"]);
    let reward =
        |id: &str, cost: &str| format!("[[reward]]\nid = \"{id}\"\nkind = \"gift\"\ncost = {cost}\n");
    for (rules, size) in [
        (format!("unit = \"stamp\"\n{}{}", reward("a", "12"), reward("b", "10")), Some(10)),
        (format!("unit = \"stamp\"\ncard = 8\n{}", reward("a", "12")), Some(8)),
        (format!("unit = \"stamp\"\nscale = 1\n{}", reward("a", "1.5")), Some(1)),
        // Less than one stamp fills no card.
        (format!("unit = \"stamp\"\nscale = 1\n{}", reward("a", "0.5")), None),
        (format!("unit = \"point\"\n{}", reward("a", "12")), None),
        ("unit = \"stamp\"\n".to_owned(), None),
    ] {
        assert_eq!(programme(&rules).card_size(), size, "{rules}");
    }
}

#[test]
fn a_programme_has_a_longest_text() {
    const MOST: usize = 256 * 1024;
    let too_long = "a programme has at most 256 KiB";
    let toml = "id = \"p\"\nname = \"P\"\n#";
    let toml = |length: usize| format!("{toml}{}", "x".repeat(length - toml.len()));
    assert!(Programme::parse_toml(&toml(MOST)).is_ok());
    assert_eq!(Programme::parse_toml(&toml(MOST + 1)).unwrap_err().to_string(), too_long);
    assert_eq!(Programme::parse_toml(&toml(MOST + 2)).unwrap_err().to_string(), too_long);
    let json = "{\"id\":\"p\",\"name\":\"P\"}";
    let json = |length: usize| format!("{json}{}", " ".repeat(length - json.len()));
    assert!(Programme::from_json(&json(MOST)).is_ok());
    assert_eq!(Programme::from_json(&json(MOST + 1)).unwrap_err().to_string(), too_long);
    assert_eq!(Programme::from_json(&json(MOST + 2)).unwrap_err().to_string(), too_long);
}

#[test]
fn a_mistake_is_said_with_its_place_where_it_has_one() {
    let said = |rules: &str| {
        Programme::parse_toml(&format!("id = \"p\"\nname = \"P\"\n{rules}")).unwrap_err().to_string()
    };
    let number = "expected a number like 1, 0.5 or \"2.40\"";
    assert_eq!(said("card = 0\n"), "line 3, column 8: a card has 1 to 1000 places");
    assert_eq!(
        said("expiry = {}\n"),
        "line 3, column 10: it does not say when units expire; write for example `expiry = { months = 12, to_end_of = \"month\" }`"
    );
    let earn = "[[earn]]\nper = \"order\"\namount = 1\n";
    assert!(said(&earn.replace("= 1", "= true")).contains(number));
    // Only what is near is offered.
    assert!(!said("dance = 1\n").contains("did you mean"));
    assert!(said("[[activity]]\nid = \"a\"\ngives = 3\n").contains(
        "expected what it gives, like { amount = 5 } or { voucher = \"free-coffee\" }, or a list of these"
    ));
    // A limit is called as its rule calls it.
    assert!(said(&format!("{earn}cap = {{ day = -1 }}\n")).starts_with("line 6, column 7: it must not be"));
    let reward = "[[reward]]\nid = \"r\"\nkind = \"gift\"\ncost = 1\nlimit = { day = -1 }\n";
    assert!(said(reward).starts_with("line 7, column 9: it must not be"));
    let published = Programme::from_json("{\"id\":\"p\",\"name\":\"P\",\"card\":0}").unwrap_err();
    assert_eq!(published.to_string(), "a card has 1 to 1000 places");
    // The largest number either way, and what lies beyond.
    for (number, is_read) in
        [("1000000000", true), ("1000000000.000001", false), ("1000000001", false), ("9999999999999", false)]
    {
        assert_eq!(!said(&earn.replace("= 1", &format!("= -{number}"))).contains("too large"), is_read);
        let read = Programme::parse_toml(&format!(
            "id = \"p\"\nname = \"P\"\n{}",
            earn.replace("= 1", &format!("= {number}"))
        ));
        assert_eq!(read.is_ok(), is_read, "{number}");
    }
}

/// A fact of each kind, and of which parts it has one: member, postings, counters, tallies, rights.
const FACTS: [(&str, &str, [usize; 5]); 21] = [
    ("journal-begun", r#"{"tenant": "ID", "public_key": "00"}"#, [0, 0, 0, 0, 0]),
    ("member-joined", r#"{"member": "ID", "card": "CARD"}"#, [1, 0, 0, 0, 0]),
    ("profile-changed", r#"{"member": "ID", "profile": "00"}"#, [1, 0, 0, 0, 0]),
    ("traits-changed", r#"{"member": "ID"}"#, [1, 0, 0, 0, 0]),
    ("card-bound", r#"{"member": "ID", "card": "CARD"}"#, [1, 0, 0, 0, 0]),
    ("card-blocked", r#"{"card": "CARD", "member": "ID"}"#, [1, 0, 0, 0, 0]),
    ("sale", r#"{"shop": "ID", "sale": {"lines": []}, LOYALTY, OUTCOME, POSTINGS}"#, [1, 1, 1, 1, 1]),
    ("stamp", r#"{"shop": "ID", "order": {"stamps": []}, LOYALTY, OUTCOME, POSTINGS}"#, [1, 1, 1, 1, 1]),
    ("grant", r#"{"shop": "ID", "deed": "day", LOYALTY, OUTCOME, POSTINGS}"#, [1, 1, 1, 1, 1]),
    ("reversal", r#"{"of": "EVENT", "member": "ID", "reason": "undo", POSTINGS, STEPS}"#, [1, 1, 1, 1, 0]),
    ("grant-withdrawn", r#"{"member": "ID", "of": "EVENT", "grant": "p/r@", POSTINGS}"#, [1, 1, 0, 0, 0]),
    ("adjustment", r#"{"member": "ID", "reason": "late", POSTINGS, STEPS}"#, [1, 1, 1, 1, 0]),
    ("programme-published", r#"{"programme": {"id": "p", "version": 1}, "text": "{}"}"#, [0, 0, 0, 0, 0]),
    ("clock-set", r#"{"before_ms": 1}"#, [0, 0, 0, 0, 0]),
    ("answer-given", r#"{"shop": "ID", "question": "q", "score": 9}"#, [0, 0, 0, 0, 0]),
    (
        "gift-released",
        r#"{"shop": "ID", "programme": "p", "pool": "c", "tallies": [TALLY]}"#,
        [0, 0, 0, 1, 0],
    ),
    ("member-merged", r#"{"member": "ID"}"#, [1, 0, 0, 0, 0]),
    (
        "consent-changed",
        r#"{"member": "ID", "consent": "mail", "given": true, "terms": "1", "place": "web"}"#,
        [1, 0, 0, 0, 0],
    ),
    ("member-erased", r#"{"member": "ID", "reason": "asked"}"#, [1, 0, 0, 0, 0]),
    (
        "limit-lifted",
        r#"{"shop": "ID", "alarm": "self-award", "subject": "ben", "agreed": "eva", "until_ms": 1}"#,
        [0, 0, 0, 0, 0],
    ),
    ("key-changed", r#"{"public_key": "00", "proof": "00"}"#, [0, 0, 0, 0, 0]),
];

#[test]
fn each_kind_of_fact_is_called_as_it_is_written_and_shows_its_parts() {
    let member = MemberId([1; 16]);
    let counter = r#"{"key": "p/counter", "day": "2026-11-20", "amount": 1}"#;
    let tally = counter.replace("counter", "tally");
    let steps = format!(r#""counters": [{counter}], "tallies": [{tally}]"#);
    let loyalty = r#""loyalty": {"member": "ID", "rules": 1, "programmes": [], "facts": {}}"#;
    let postings = r#""postings": [{"account": "member:ID", "unit": "point", "amount": 1}]"#;
    let mut kinds = Vec::new();
    for (kind, text, [members, bookings, counters, tallies, grants]) in FACTS {
        let text = text
            .replace("LOYALTY", loyalty)
            .replace("OUTCOME", &format!(r#""outcome": {{"total": 0, {steps}, "grants": ["p/r@"]}}"#))
            .replace("POSTINGS", postings)
            .replace("STEPS", &steps)
            .replace("TALLY", &tally)
            .replace("EVENT", &EventRef { author: AuthorId([1; 16]), seq: 3 }.to_string())
            .replace("CARD", &CardId([1; 8]).to_string())
            .replace("ID", &member.to_string());
        let written: Value = serde_json::from_str(&format!("{{\"{kind}\": {text}}}")).unwrap();
        let fact: Fact =
            serde_json::from_value(written.clone()).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(fact.kind(), kind);
        assert!(serde_json::to_value(&fact).unwrap().get(kind).is_some(), "{kind}");
        assert_eq!(fact.member(), (members == 1).then_some(member), "{kind}");
        assert_eq!(fact.postings().len(), bookings, "{kind}");
        let keys = |steps: &[stempel_domain::event::CounterStep]| {
            steps.iter().map(|step| step.key.clone()).collect::<Vec<_>>()
        };
        assert_eq!(keys(fact.counters()), vec!["p/counter"; counters], "{kind}");
        assert_eq!(keys(fact.tallies()), vec!["p/tally"; tallies], "{kind}");
        assert_eq!(
            fact.grants().map(ToString::to_string).collect::<Vec<_>>(),
            vec!["p/r@"; grants],
            "{kind}"
        );
        kinds.push(kind);
    }
    kinds.sort_unstable();
    let mut known = Fact::KINDS.to_vec();
    known.sort_unstable();
    assert_eq!(kinds, known);
}
