//! Deeds that take a member's units: the server is asked first, and its word handed in. The counter never waits for longer
//! than it takes to ask.

use serde_json::json;
use stempel_domain::Sku;
use stempel_domain::sale::{Claim, Order, StampCount, StampOrder};
use stempel_sync::SyncError;
use stempel_sync::http::Http;
use stempel_terminal::exchange::exchange;
#[cfg(feature = "ui")]
use stempel_terminal::handle::Handle;
use stempel_terminal::holds::{Asked, Wish, ask, release};
use stempel_terminal::{Terminal, TerminalError};
use stempel_wire::article::Served;

use super::deed::{Deed, Request, basket};
use super::sync::transport_of;
use super::{Answer, Failure};

/// Runs a request at a terminal that nobody else uses.
pub(super) fn run(request: Request, terminal: &mut Terminal) -> Result<Answer, Failure> {
    let Some(wish) = wish(&request, terminal) else { return request.run(terminal) };
    let mut line = transport_of(terminal)?;
    let told = if wish.tell_first { exchange(terminal, &mut line).map(drop) } else { Ok(()) };
    let asked = said(told, &mut line, &wish);
    if let Asked::NotEnough(error) = asked {
        return Err(Failure::refused(error));
    }
    let word = asked.word();
    settled(asked, &wish, line, terminal.hearing(word, |terminal| request.run(terminal)))
}

/// Runs a request at the terminal beside a running screen, which goes on meanwhile.
#[cfg(feature = "ui")]
pub(crate) fn run_beside(request: Request, handle: &Handle) -> Result<Answer, Failure> {
    let looked = request.clone();
    let looked = handle.call(move |terminal| {
        let wish = wish(&looked, terminal)?;
        Some((wish, transport_of(terminal).ok()?))
    });
    let Some((wish, mut line)) = looked.map_err(Failure::machine)? else {
        return handle.call(move |terminal| request.run(terminal)).map_err(Failure::machine)?;
    };
    let told = if wish.tell_first { exchange(&mut handle.clone(), &mut line).map(drop) } else { Ok(()) };
    let asked = said(told, &mut line, &wish);
    if let Asked::NotEnough(error) = asked {
        return Err(Failure::refused(error));
    }
    let word = asked.word();
    let done = handle.call(move |terminal| terminal.hearing(word, |terminal| request.run(terminal)));
    settled(asked, &wish, line, done.map_err(Failure::machine)?)
}

/// What the server is to be asked for. What stands in the way of the deed is said by the deed itself.
fn wish(request: &Request, terminal: &mut Terminal) -> Option<Wish> {
    let key = request.key.as_deref();
    match &request.deed {
        Deed::Redeem { code, claim, at: None } => {
            let claims = vec![Claim { extra: true, ..claim.clone() }];
            let order = StampOrder { stamps: Vec::new(), claims };
            terminal.wish(code, Order::Stamps(&order), key).ok()?
        }
        Deed::Stamp { code, programme, count, claims, at: None } if !claims.is_empty() => {
            let stamps = match count {
                0 => Vec::new(),
                _ => {
                    let programme = terminal.stamp_programme(programme.as_ref()).ok()?;
                    vec![StampCount { programme, count: *count }]
                }
            };
            let order = StampOrder { stamps, claims: claims.clone() };
            terminal.wish(code, Order::Stamps(&order), key).ok()?
        }
        Deed::Sale { code: Some(code), items, claims, codes, pay, away, at: None } if !claims.is_empty() => {
            let served = if *away { Served::Away } else { Served::Here };
            let day = terminal.moment(None).ok()?.day;
            let line = |sku: &Sku, quantity| terminal.line_at(sku, quantity, day, served);
            let sale = basket(line, items, claims.clone(), codes.clone(), *pay).ok()?;
            terminal.wish(code, Order::Sale(&sale), key).ok()?
        }
        _ => None,
    }
}

fn said(told: Result<(), TerminalError>, line: &mut Http, wish: &Wish) -> Asked {
    match told {
        Ok(()) => ask(line, wish),
        Err(TerminalError::Sync(error)) => Asked::Silent(error),
        Err(other) => Asked::Silent(SyncError::Rubbish(other.to_string())),
    }
}

/// Says beside the answer what the server's word was; what was set aside for nothing is given back.
fn settled(
    asked: Asked,
    wish: &Wish,
    mut line: Http,
    done: Result<Answer, Failure>,
) -> Result<Answer, Failure> {
    match (asked, done) {
        (Asked::Held, Err(failure)) => {
            release(&mut line, wish);
            Err(failure)
        }
        (Asked::Silent(error), Err(mut failure)) => {
            failure.message =
                format!("{}\nThe server could not set it aside for this guest: {error}.", failure.message);
            Err(failure)
        }
        (Asked::Silent(error), Ok(mut answer)) => {
            answer.text.push_str(&format!(
                "\nGiven without the server, as the programme allows: {error}. Another device may have given the same."
            ));
            mark(&mut answer, "silent");
            Ok(answer)
        }
        (_, Ok(mut answer)) => {
            mark(&mut answer, "held");
            Ok(answer)
        }
        (_, failed) => failed,
    }
}

fn mark(answer: &mut Answer, word: &str) {
    if let Some(object) = answer.json.first_mut().and_then(serde_json::Value::as_object_mut) {
        object.insert("server".to_owned(), json!(word));
    }
}
