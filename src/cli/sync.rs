//! Enrolling and syncing from the command line.

use std::sync::Arc;

use serde_json::json;
use stempel_sync::http::Http;
use stempel_terminal::exchange::{Report, exchange};
#[cfg(feature = "ui")]
use stempel_terminal::handle::Handle;
use stempel_terminal::second_copy::hand_over;
use stempel_terminal::{Terminal, TerminalError, setup};

use super::args::{Enroll, Global, Replace};
use super::deed::Deed;
use super::{Answer, Failure, open};
use crate::edge::{SystemClock, SystemEntropy};

/// The transport of a terminal that belongs to a server.
pub(crate) fn transport_of(terminal: &Terminal) -> Result<Http, TerminalError> {
    let identity = terminal.identity();
    let server = identity.server.as_ref().ok_or_else(|| {
        TerminalError::NotNow("this terminal works alone; there is no server to sync with".into())
    })?;
    let skew_ms = terminal.view().sync_state()?.skew_ms;
    Ok(Http::new(&server.url, identity.device, terminal.request_keys(), terminal.clock().clone(), skew_ms)?)
}

/// One exchange, by a command that owns the terminal for as long as it takes.
pub(super) fn exchange_now(terminal: &mut Terminal) -> Result<Answer, Failure> {
    let mut transport = transport_of(terminal)?;
    let report = exchange(terminal, &mut transport)?;
    Ok(report_answer(&report))
}

/// One exchange beside a running screen: the terminal is asked for short pieces only.
#[cfg(feature = "ui")]
pub(crate) fn exchange_beside(handle: &Handle) -> Result<Answer, Failure> {
    let mut transport = handle.call(|terminal| transport_of(terminal)).map_err(Failure::machine)??;
    let report = exchange(&mut handle.clone(), &mut transport)?;
    Ok(report_answer(&report))
}

pub(super) fn sync(global: &Global) -> Result<Answer, Failure> {
    open::write(global, Deed::Sync)
}

fn report_answer(report: &Report) -> Answer {
    let mut text = format!(
        "{} sent, {} taken over by the server, {} received, {} waiting.",
        report.sent, report.acked, report.received, report.pending
    );
    let mut json = json!({
        "sent": report.sent, "acked": report.acked, "received": report.received, "pending": report.pending,
    });
    if report.quarantined {
        text.push_str(
            "\nThis terminal was copied: the server holds other rows under the same numbers. Nothing is \
                       overwritten and nothing is lost; somebody has to decide on the server.",
        );
        json["quarantined"] = json!(true);
    }
    Answer { no: report.quarantined, ..Answer::one(text, json) }
}

/// Hands a dead device's second copy to the server, by the line of this one.
pub(super) fn replace(global: &Global, replace: &Replace) -> Result<Answer, Failure> {
    let mut transport = transport_of(&open::read(global)?)?;
    let done = hand_over(&replace.copy, &mut transport)?;
    let mut text = match done.held.keys().next() {
        Some(device) => format!("What device {device} had not sent is with the server."),
        None => "Nothing waited there.".to_owned(),
    };
    for trouble in &done.trouble {
        text.push_str(&format!("\nNot counted: {trouble}"));
    }
    text.push_str(
        "\nSign the dead device out now, so that it is not used again: stempel admin device revoke ID.",
    );
    let mut json = serde_json::to_value(&done).map_err(Failure::machine)?;
    json["devices"] = done.held.keys().map(|device| json!(device)).collect();
    Ok(Answer::one(text, json))
}

/// Why a folder did not become a device of a shop.
#[derive(Debug)]
pub(crate) enum NotJoined {
    /// The server, or the way to it.
    Refused(TerminalError),
    /// Something on this side.
    Here(Failure),
}

impl From<TerminalError> for NotJoined {
    fn from(error: TerminalError) -> Self {
        Self::Refused(error)
    }
}

impl From<Failure> for NotJoined {
    fn from(failure: Failure) -> Self {
        Self::Here(failure)
    }
}

/// Makes the folder a device of a shop.
pub(crate) fn join(global: &Global, enroll: &Enroll) -> Result<Terminal, NotJoined> {
    stempel_sync::http::parse_address(&enroll.server).map_err(Failure::usage)?;
    let store = open::store(&global.data, "stempel enroll").map_err(Failure::from)?;
    let clock = Arc::new(SystemClock::new(""));
    let (mut terminal, _) = setup::enroll(
        store,
        clock.clone(),
        Box::new(SystemEntropy),
        &enroll.server,
        &enroll.code,
        &enroll.name,
        |device, key| Http::new(&enroll.server, device, key, clock, None),
    )?;
    let mut transport = transport_of(&terminal)?;
    exchange(&mut terminal, &mut transport)?;
    Ok(terminal)
}

pub(crate) fn enroll(global: &Global, enroll: &Enroll) -> Result<Answer, Failure> {
    let terminal = join(global, enroll).map_err(|why| match why {
        NotJoined::Refused(error) => error.into(),
        NotJoined::Here(failure) => failure,
    })?;
    let identity = terminal.identity();
    let members = terminal.view().member_count()?;
    Ok(Answer::one(
        format!("This device belongs to “{}” now. {members} members are here.", identity.tenant_name),
        json!({
            "device": identity.device, "shop": identity.shop, "tenant": identity.tenant,
            "tenant_name": identity.tenant_name, "members": members,
        }),
    ))
}
