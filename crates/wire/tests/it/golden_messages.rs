//! What device and server say to each other: read, and written again with the same bytes.

use std::collections::BTreeSet;

use serde::Serialize;
use serde::de::DeserializeOwned;
use stempel_domain::event::Fact;
use stempel_wire::message::{
    BlanksAnswer, EnrollAnswer, EnrollRequest, FeedChange, FeedPage, Problem, PushAnswer, PushHeader,
    push_body,
};
use stempel_wire::{Row, frame};

use crate::support::*;

/// Reads a golden file and shows that it is written again as it stands.
fn same<T: Serialize + DeserializeOwned>(name: &str) -> T {
    let text = golden_json(name);
    let value: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(serde_json::to_string(&value).unwrap(), text, "{name}");
    value
}

#[test]
fn messages_keep_their_bytes() {
    let answer: EnrollAnswer = same("enroll-answer.json");
    answer.certificate.verify(&answer.server_key).unwrap();
    assert_eq!((answer.server, answer.server_key), (SERVER, server_key().public()));
    same::<PushAnswer>("push-answer.json");
    same::<BlanksAnswer>("blanks-answer.json");
    same::<Problem>("problem.json");
    let asked: EnrollRequest = same("enroll-request.json");
    assert_eq!(asked.public_key, device_key().public());
    asked.public_key.verify(EnrollRequest::CONTEXT, asked.code.as_bytes(), &asked.proof).unwrap();
}

#[test]
fn a_push_keeps_its_bytes() {
    let header: PushHeader = same("push-header.json");
    let rows = ["journal-begun", "member-joined"].map(|kind| golden_hex(&format!("rows/{kind}.hex")));
    let body = push_body(&header, &rows).unwrap();
    assert_eq!(body, golden_hex("push.hex"));
    let frames = frame::split(&body).unwrap();
    assert_eq!(frames[0], golden_json("push-header.json").as_bytes());
    assert_eq!(frames[1..], rows);
    assert!(frames[1..].iter().all(|row| Row::parse(row.to_vec()).is_ok()));
}

#[test]
fn a_page_of_the_feed_keeps_its_bytes_and_shows_every_kind_of_change() {
    let page: FeedPage = same("feed-page.json");
    let mut kinds = BTreeSet::new();
    for item in &page.changes {
        let change = item.read().unwrap_or_else(|| panic!("{}", item.change.get()));
        assert_eq!(serde_json::to_string(&change).unwrap(), item.change.get());
        // A match with no way out: a new kind of change does not compile until it has a golden line.
        kinds.insert(match change {
            FeedChange::Member { .. } => "member",
            FeedChange::Programme { .. } => "programme",
            FeedChange::Article(_) => "article",
            FeedChange::Device { .. } => "device",
            FeedChange::CardKey { .. } => "card-key",
            FeedChange::CardRevoked { .. } => "card-revoked",
            FeedChange::Shop(_) => "shop",
            FeedChange::MemberErased { .. } => "member-erased",
            FeedChange::AlarmLimits { .. } => "alarm-limits",
        });
    }
    assert_eq!(kinds.len(), 9);
    let last = Row::parse(golden_hex(&format!("rows/{}.hex", Fact::KINDS[Fact::KINDS.len() - 1]))).unwrap();
    assert_eq!((page.held, page.held_hash), (last.seq(), last.hash().to_string()));
}

#[test]
fn a_change_of_a_later_version_is_passed_over_and_kept_as_it_came() {
    let text = r#"{"epoch":"e","changes":[{"position":7,"change":{"weather":{"sun":true}}}],"next":7,"head":7,"held":0,"held_hash":"","later":1}"#;
    let page: FeedPage = serde_json::from_str(text).unwrap();
    assert_eq!(page.changes[0].read(), None);
    assert_eq!(page.changes[0].change.get(), r#"{"weather":{"sun":true}}"#);
    assert_eq!(page.next, 7, "the cursor goes on");
}

#[test]
fn fields_of_a_later_version_are_ignored() {
    fn with_more<T: Serialize + DeserializeOwned>(name: &str) {
        let text = golden_json(name).replacen('{', r#"{"later":{"deep":[1]},"#, 1);
        let read: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(serde_json::to_string(&read).unwrap(), golden_json(name));
    }
    with_more::<EnrollRequest>("enroll-request.json");
    with_more::<EnrollAnswer>("enroll-answer.json");
    with_more::<PushHeader>("push-header.json");
    with_more::<PushAnswer>("push-answer.json");
    with_more::<FeedPage>("feed-page.json");
    with_more::<BlanksAnswer>("blanks-answer.json");
    with_more::<Problem>("problem.json");
}

#[test]
fn an_answer_of_an_earlier_version_is_read() {
    let answer: PushAnswer = serde_json::from_str(r#"{"epoch":"e","held":{}}"#).unwrap();
    assert!(answer.dead.is_empty() && answer.quarantined.is_empty() && answer.refused.is_empty());
    let page = r#"{"epoch":"e","changes":[],"next":0,"head":0,"held":3}"#;
    assert_eq!(serde_json::from_str::<FeedPage>(page).unwrap().held_hash, "");
}
