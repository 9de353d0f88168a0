//! Deeds that take a member's units: the server is asked first, and its word handed in. The counter never waits for longer
//! than it takes to ask.

use serde_json::json;
use stempel_domain::sale::{Claim, Order, StampCount, StampOrder};
use stempel_sync::http::Http;
use stempel_terminal::Terminal;
#[cfg(feature = "ui")]
use stempel_terminal::handle::Handle;
use stempel_terminal::holds::{Asked, Wish, Word, ask, release};

use super::deed::{Deed, Request, sale_of};
use super::sync::transport_of;
use super::{Answer, Failure};

/// Runs a request at a terminal that nobody else uses.
pub(super) fn run(request: Request, terminal: &mut Terminal) -> Result<Answer, Failure> {
    let Some((wish, mut line)) = asking(&request, terminal) else { return request.run(terminal) };
    let asked = ask(terminal, &mut line, &wish);
    heard(asked, &wish, line, |word| terminal.hearing(word, |terminal| request.run(terminal)))
}

/// Runs a request at the terminal beside a running screen, which goes on meanwhile.
#[cfg(feature = "ui")]
pub(crate) fn run_beside(request: Request, handle: &Handle) -> Result<Answer, Failure> {
    let looked = request.clone();
    let asking = handle.call(move |terminal| asking(&looked, terminal)).map_err(Failure::machine)?;
    let Some((wish, mut line)) = asking else {
        return handle.call(move |terminal| request.run(terminal)).map_err(Failure::machine)?;
    };
    let asked = ask(&mut handle.clone(), &mut line, &wish);
    heard(asked, &wish, line, |word| {
        let done = handle.call(move |terminal| terminal.hearing(word, |terminal| request.run(terminal)));
        done.map_err(Failure::machine)?
    })
}

/// What the server is to be asked for, and the line to it; none for a request that takes nothing.
fn asking(request: &Request, terminal: &mut Terminal) -> Option<(Wish, Http)> {
    let wish = wish(request, terminal)?;
    Some((wish, transport_of(terminal).ok()?))
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
        Deed::Sale { code: Some(code), items, claims, codes, pay, away, at: at @ None }
            if !claims.is_empty() =>
        {
            let sale = sale_of(terminal, items, claims.clone(), codes.clone(), *pay, *away, *at).ok()?;
            terminal.wish(code, Order::Sale(&sale), key).ok()?
        }
        _ => None,
    }
}

/// Carries the request out with the server's word and says beside the answer what it was; what was set aside for nothing
/// is given back.
fn heard(
    asked: Asked,
    wish: &Wish,
    mut line: Http,
    deed: impl FnOnce(Word) -> Result<Answer, Failure>,
) -> Result<Answer, Failure> {
    if let Asked::NotEnough(error) = asked {
        return Err(Failure::refused(error));
    }
    let done = deed(asked.word());
    match asked {
        Asked::Silent(error) => match done {
            Ok(mut answer) => {
                answer.text.push_str(&format!(
                    "\nGiven without the server, as the programme allows: {error}. Another device may have given the same."
                ));
                mark(&mut answer, "silent");
                Ok(answer)
            }
            Err(mut failure) => {
                failure.message = format!(
                    "{}\nThe server could not set it aside for this guest: {error}.",
                    failure.message
                );
                Err(failure)
            }
        },
        _ => match done {
            Ok(mut answer) => {
                mark(&mut answer, "held");
                Ok(answer)
            }
            Err(failure) => {
                release(&mut line, wish);
                Err(failure)
            }
        },
    }
}

fn mark(answer: &mut Answer, word: &str) {
    if let Some(object) = answer.json.first_mut().and_then(serde_json::Value::as_object_mut) {
        object.insert("server".to_owned(), json!(word));
    }
}
