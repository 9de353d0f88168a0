//! What only looks. Needs no lock, so it works beside a running terminal.

use serde_json::{Value, json};
use stempel_domain::Unit;
use stempel_domain::programme::Published;

use super::args::{Global, Journal};
use super::{Answer, Failure, open};
use crate::words;

pub(super) fn why(global: &Global, code: &str) -> Result<Answer, Failure> {
    let terminal = open::read(global)?;
    let why = terminal.why(terminal.who_ever(code)?.member())?;
    let mut lines = Vec::new();
    if !why.confirmed.is_empty() {
        let position = terminal.view().sync_state()?.cursor;
        lines.push((
            format!("Confirmed by the server at {position}: {}", words::balances_line(&why.confirmed)),
            json!({"confirmed": words::amounts(&why.confirmed), "position": position, "includes": why.includes}),
        ));
    }
    for reason in &why.events {
        let mut text = format!("{}  {}  {}", reason.at.rfc3339(), reason.kind, reason.event);
        let mut postings = Vec::new();
        for posting in &reason.postings {
            text.push_str(&format!(
                "\n    {:>8} {}",
                signed(&posting.unit, posting.amount),
                posting.unit.name()
            ));
            postings
                .push(json!({"unit": posting.unit.name(), "amount": posting.unit.format(posting.amount)}));
        }
        let said = words::said(&reason.fact);
        for line in said.iter().cloned().chain(reason.trace.iter().map(words::sentence)) {
            text.push_str(&format!("\n    {line}"));
        }
        lines.push((
            text,
            json!({
                "event": reason.event, "kind": reason.kind, "at": reason.at.rfc3339(), "postings": postings,
                "programmes": reason.programmes, "reverses": reason.reverses, "trace": words::trace(&reason.trace),
                "said": said,
            }),
        ));
    }
    if !why.expired.is_empty() {
        lines.push((
            format!("Expired: {}", words::balances_line(&why.expired)),
            json!({"expired": words::amounts(&why.expired)}),
        ));
    }
    lines.push((
        format!("Now: {}", words::balances_line(&why.balances)),
        json!({"member": why.member, "balances": words::amounts(&why.balances)}),
    ));
    Ok(Answer::lines(lines))
}

fn signed(unit: &Unit, amount: i64) -> String {
    if amount > 0 { format!("+{}", unit.format(amount)) } else { unit.format(amount) }
}

pub(super) fn journal(global: &Global, command: Journal) -> Result<Answer, Failure> {
    let terminal = open::read(global)?;
    match command {
        Journal::Verify => {
            let verdict = terminal.verify_journal()?;
            let own = verdict.journals.get(&terminal.identity().device).copied().unwrap_or(0);
            Ok(Answer::one(
                format!("{} rows are in order; chain and signatures agree.", verdict.rows),
                json!({"ok": true, "rows": verdict.rows, "journal_seq": own}),
            ))
        }
        Journal::Export => {
            let mut lines = Vec::new();
            terminal.view().for_each_row::<Failure>(|row| {
                let record: Value = serde_json::from_slice(row.record_json()).map_err(Failure::machine)?;
                let kind = row.kind().unwrap_or_default();
                let json = json!({
                    "event": row.reference(), "author": row.author(), "seq": row.seq(), "kind": kind,
                    "hash": row.hash().to_string(), "at": record["at"], "operator": record["operator"],
                    "fact": record["fact"][&kind],
                });
                lines.push((json.to_string(), json));
                Ok(())
            })?;
            Ok(Answer::lines(lines))
        }
    }
}

pub(super) fn status(global: &Global) -> Result<Answer, Failure> {
    let terminal = open::read(global)?;
    let sync = terminal.view().sync_state()?;
    let identity = terminal.identity();
    let head = terminal.view().head(identity.device)?;
    let pending = terminal.pending()?;
    let when = |ms: Option<i64>| ms.map(|ms| time_text(&terminal, ms));
    let troubles: Vec<Value> = terminal
        .view()
        .troubles()?
        .into_iter()
        .map(|(trouble, kind)| json!({"author": trouble.author, "seq": trouble.seq, "kind": kind, "reason": trouble.reason}))
        .collect();
    let server = identity.server.as_ref().map(|server| server.url.clone());
    let shop = terminal.shop()?.map(|shop| shop.name).unwrap_or_default();
    let mut text = format!("{} · {shop} · {}\n", identity.tenant_name, identity.device_name);
    text.push_str(&match (&server, pending) {
        (None, _) => "Works alone; nothing has to be sent.".to_owned(),
        (Some(_), 0) => "Everything is with the server.".to_owned(),
        (Some(_), 1) => "1 event waits for the server.".to_owned(),
        (Some(_), waiting) => format!("{waiting} events wait for the server."),
    });
    for trouble in &troubles {
        text.push_str(&format!("\nRow {}: {} ({})", trouble["seq"], trouble["reason"], trouble["kind"]));
    }
    if let Some(error) = &sync.last_error {
        text.push_str(&format!("\nLast attempt: {error}"));
    }
    let second_copy = terminal.second_copy()?;
    if let Some(error) = second_copy.as_ref().and_then(|copy| copy.error.as_ref()) {
        text.push_str(&format!("\nThe second copy cannot be written: {error}"));
    }
    let unconfirmed = terminal.unconfirmed()?;
    let limits = |published: &Published| published.programme.spec().offline.is_some();
    if unconfirmed.is_some() && terminal.programmes().iter().any(limits) {
        text.push_str("\nWhat programmes allow without the server holds until it is heard again.");
    }
    for name in terminal.unreadable_programmes() {
        text.push_str(&format!("\nNot in use: {name}"));
    }
    let json = json!({
        "pending": pending,
        "last_sync": when(sync.last_sync_ms),
        "last_error": sync.last_error,
        "journal_seq": head.seq,
        "feed_position": sync.cursor,
        "epoch": sync.epoch,
        "held": sync.held,
        "server": server,
        "tenant": identity.tenant,
        "shop": identity.shop,
        "device": identity.device,
        "members": terminal.view().member_count()?,
        "blanks": terminal.view().blanks_left()?,
        "clock_ahead_ms": sync.skew_ms,
        "unconfirmed_days": unconfirmed.map(|unconfirmed| unconfirmed.days),
        "troubles": troubles,
        "second_copy": second_copy,
        "unreadable_programmes": terminal.unreadable_programmes(),
    });
    Ok(Answer::one(text, json))
}

fn time_text(terminal: &stempel_terminal::Terminal, utc_ms: i64) -> String {
    let offset_minutes = terminal.clock().offset_minutes_at(utc_ms);
    let day = stempel_domain::time::business_day(utc_ms, offset_minutes, 0);
    stempel_domain::Moment { utc_ms, offset_minutes, day, skew_ms: None, clock_doubtful: false }.rfc3339()
}
