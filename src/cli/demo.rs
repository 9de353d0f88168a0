//! The demo: server, terminal and a sample café in one process, with nothing to set up.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use stempel_domain::TenantId;
use stempel_domain::ports::Entropy;
use stempel_server::admin::{Demo as Sample, demo_guests};
use stempel_server::config::Secret;
use stempel_server::{Db, Server, http};
use stempel_sync::http::Http;
use stempel_terminal::exchange::exchange;
use stempel_terminal::{Terminal, setup};

use super::admin::failure;
use super::args::{Demo, Global};
use super::cards::draw_code;
use super::{Answer, Failure, open};
use crate::controllers::Route;
use crate::edge::{SystemClock, SystemEntropy};
use crate::station::{SampleCard, StationOptions, need_display, stand};

/// How long the code for the terminal beside the server is good, in milliseconds.
const INVITE_MS: i64 = 60_000;

/// Who signs in to the demo's dashboard. The server listens to this machine only, and nothing in it is real.
const OWNER: (&str, &str) = ("owner@example.org", "stempel demo");

/// What the server's thread tells when it is ready.
#[derive(Debug)]
pub(crate) struct Ready {
    pub url: String,
    pub code: String,
    pub sample: Sample,
}

/// Opens the demo and stays until the window is closed.
pub(super) fn demo(global: &Global, demo: Demo) -> Result<Answer, Failure> {
    need_display()?;
    let folder = global.data.join("demo");
    let (server, ready) = start_server(&folder)?;
    let ready = ready.recv().map_err(|_| ()).and_then(|ready| ready.map_err(|_| ()));
    let ready = match ready {
        Ok(ready) => ready,
        // The thread has ended; what it says is why.
        Err(()) => {
            return Err(server
                .join()
                .unwrap_or_else(|_| Err(Failure::machine("the server stopped")))
                .err()
                .unwrap_or_else(|| Failure::machine("the server stopped")));
        }
    };
    let terminal = terminal_of(&folder.join("terminal"), &ready)?;
    let route = if demo.kiosk {
        Route::Kiosk
    } else if demo.screen.till {
        Route::Till
    } else {
        Route::Counter
    };
    let samples = cards(&ready.sample);
    let pictures = folder.join("cards");
    draw_cards(&pictures, &ready.sample)?;
    let screen = demo.screen;
    let options =
        StationOptions { route, samples, demo: true, screen: Some(screen), pictures: Some(pictures) };
    stand(terminal, folder.join("terminal"), options)?;
    // The server's thread ends with the process; what it has taken in is durable.
    drop(server);
    Ok(Answer::default())
}

pub(crate) type Started = (JoinHandle<Result<(), Failure>>, Receiver<Result<Ready, ()>>);

pub(crate) fn start_server(folder: &Path) -> Result<Started, Failure> {
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::machine(format!("{}: {error}", folder.display())))?;
    let database = format!("sqlite:{}", folder.join("server.db").display());
    let (tell, ready) = channel();
    let serve = move || -> Result<(), Failure> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::machine)?;
        runtime.block_on(async {
            let db = Db::open(&database).await.map_err(failure)?;
            let server = Server::open(db, Arc::new(SystemClock::new("")), Box::new(SystemEntropy));
            server.use_keys(None).await.map_err(failure)?;
            let sample = server
                .init_demo(
                    &crate::sample::published()?,
                    crate::sample::articles().map_err(Failure::machine)?,
                    &demo_guests(),
                )
                .await
                .map_err(failure)?;
            let invite =
                server.device_invite(sample.tenant, sample.shop.id, INVITE_MS).await.map_err(failure)?;
            let listener = http::listen("127.0.0.1:0", false).await.map_err(failure)?;
            let url = format!("http://{}", listener.local_addr().map_err(Failure::machine)?);
            let (email, password) = owner(&server, sample.tenant).await?;
            // Nobody reads stderr: the demo goes on without.
            let _ = writeln!(
                std::io::stderr().lock(),
                "The owner's dashboard: {url}/dashboard   sign in as {email} with the password “{password}”"
            );
            // Nobody waits any more if the program is ending already.
            let _ = tell.send(Ok(Ready { url, code: invite.code, sample }));
            http::serve(server, listener, std::future::pending()).await.map_err(failure)
        })
    };
    let thread = std::thread::Builder::new().name("server".into()).spawn(serve).map_err(Failure::machine)?;
    Ok((thread, ready))
}

/// The demo's owner, made at the first start. A password that was changed since stays.
async fn owner(server: &Server, tenant: TenantId) -> Result<(&'static str, &'static str), Failure> {
    let (email, password) = OWNER;
    let accounts = server.accounts(tenant).await.map_err(failure)?;
    if !accounts.iter().any(|account| account.email == email && account.active) {
        let link = server.owner_add(tenant, email).await.map_err(failure)?;
        server.password_set(&link.code, Secret::new(password)).await.map_err(failure)?;
    }
    Ok((email, password))
}

/// The terminal of an earlier demo, brought to the server's new address; or a new one.
pub(crate) fn terminal_of(folder: &Path, ready: &Ready) -> Result<Terminal, Failure> {
    let entropy = || -> Box<dyn Entropy> { Box::new(SystemEntropy) };
    let store = open::store(folder, "stempel demo")?;
    if Terminal::is_set_up(&store)? {
        let clock = open::clock_of(&store);
        let mut terminal = Terminal::open(store, clock, entropy())?;
        terminal.move_to(&ready.url)?;
        return Ok(terminal);
    }
    let clock = Arc::new(SystemClock::new(&ready.sample.shop.zone));
    let (mut terminal, mut transport) =
        setup::enroll(store, clock.clone(), entropy(), &ready.url, &ready.code, "Kasse 1", |device, key| {
            Http::new(&ready.url, device, key, clock, None)
        })?;
    exchange(&mut terminal, &mut transport)?;
    Ok(terminal)
}

/// Draws the members' cards as pictures to print, or to be read as a picture or a film strip.
fn draw_cards(folder: &Path, sample: &Sample) -> Result<(), Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::machine(format!("{}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(|error| wrong(&error))?;
    for member in &sample.members {
        let file = folder.join(format!("{}.png", member.name.as_deref().unwrap_or(&member.number)));
        if !file.exists() {
            let picture = draw_code(&member.code.to_string()).map_err(|error| wrong(&error))?;
            picture.save(&file).map_err(|error| wrong(&error))?;
        }
    }
    Ok(())
}

/// The members' cards, and cards that something is the matter with.
fn cards(sample: &Sample) -> Vec<SampleCard> {
    let mut cards: Vec<SampleCard> = sample
        .members
        .iter()
        .map(|member| SampleCard {
            name: member.name.clone().unwrap_or_default(),
            detail: member.number.clone(),
            text: member.code.to_string(),
        })
        .collect();
    if let Some(first) = cards.first() {
        let mut forged = first.text.clone();
        let last = forged.pop().unwrap_or('A');
        forged.push(if last == 'A' { 'B' } else { 'A' });
        let middle = forged.len() / 2;
        let other = if forged.as_bytes()[middle] == b'A' { "B" } else { "A" };
        forged.replace_range(middle..=middle, other);
        cards.push(SampleCard { name: "?".into(), detail: "gefälscht · forged".into(), text: forged });
    }
    cards
}
