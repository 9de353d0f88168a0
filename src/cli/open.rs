//! How a command comes to a terminal: opens the folder, or asks the one that is running on it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use stempel_domain::programme::Programme;
use stempel_store::inbox::SHOP;
use stempel_store::{Folder, Store, StoreError};
use stempel_terminal::door::{self, Asked};
use stempel_terminal::setup::{Beginning, begin_alone};
use stempel_terminal::{Terminal, TerminalError};
use stempel_wire::message::Shop;

use super::args::{Global, Init};
use super::deed::{Deed, Request};
use super::{Answer, Failure};
use crate::edge::{SystemClock, SystemEntropy, folder_key};

/// How long is waited for a folder that another program holds: a command is done with it in less.
const LOCK_WAIT: Duration = Duration::from_secs(5);
const LOCK_POLL: Duration = Duration::from_millis(25);

/// The clock of a shop's time zone, as far as a store knows the shop.
pub(crate) fn clock_of(store: &Store) -> Arc<SystemClock> {
    let shop: Option<Shop> = store.view().setting(SHOP).ok().flatten();
    Arc::new(SystemClock::new(&shop.map(|shop| shop.zone).unwrap_or_default()))
}

/// Opens a folder's terminal for looking only.
pub(crate) fn read(global: &Global) -> Result<Terminal, Failure> {
    let store = Store::read_sealed(&global.data, folder_key::of(&global.data).map_err(StoreError::Io)?)?;
    let clock = clock_of(&store);
    Ok(Terminal::open(store, clock, Box::new(SystemEntropy))?)
}

/// Opens a store as its one writer, waiting a little for a command to finish that is at work on it.
pub(crate) fn store(path: &Path, who: &str) -> Result<Store, StoreError> {
    let (started, who) = (Instant::now(), format!("{who}, process {}", std::process::id()));
    let folder = loop {
        match Folder::take(path, &who) {
            Err(StoreError::InUse { .. }) if started.elapsed() < LOCK_WAIT => std::thread::sleep(LOCK_POLL),
            taken => break taken?,
        }
    };
    Store::open_sealed(folder, folder_key::of(path).map_err(StoreError::Io)?)
}

/// Opens a folder's terminal as its one writer.
pub(crate) fn writer(global: &Global, who: &str) -> Result<Terminal, TerminalError> {
    if !global.data.join(stempel_store::folder::DATABASE).exists() {
        return Err(StoreError::NoData(global.data.clone()).into());
    }
    let store = store(&global.data, who)?;
    let clock = clock_of(&store);
    Terminal::open(store, clock, Box::new(SystemEntropy))
}

/// Does a deed: here, or at the terminal that is running on the folder.
///
/// A deed that is handed over has a key, so that it happens once even if the answer is lost on its way.
pub(crate) fn write(global: &Global, deed: Deed) -> Result<Answer, Failure> {
    let key = global.key.clone().unwrap_or_else(|| {
        data_encoding::HEXLOWER.encode(&stempel_domain::ports::draw::<16>(&mut SystemEntropy))
    });
    let request = Request { operator: Some(global.operator.clone()), key: Some(key.clone()), deed };
    let line = serde_json::to_string(&request).map_err(Failure::usage)?;
    match door::ask(&global.data, &line) {
        Asked::Answer(reply) => serde_json::from_str(&reply).map_err(|error| {
            Failure::machine(format!("the running terminal gave an answer that cannot be read: {error}"))
        })?,
        Asked::NoAnswer => Err(Failure::machine(format!(
            "the running terminal has not answered; it may have done it all the same. Ask again with --key {key}: \
             then it happens once"
        ))),
        Asked::Nobody => {
            let mut terminal = writer(global, "stempel command")?;
            super::holds::run(Request { key: global.key.clone(), ..request }, &mut terminal)
        }
    }
}

/// Makes the folder a terminal that works alone.
pub(crate) fn init(global: &Global, init: &Init) -> Result<Answer, Failure> {
    let name = match (&global.shop, init.demo) {
        (Some(name), _) => name.clone(),
        (None, true) => crate::sample::TENANT.to_owned(),
        (None, false) => return Err(Failure::usage("say what the shop is called: stempel init --shop NAME")),
    };
    let store = store(&global.data, "stempel init")?;
    let clock = Arc::new(SystemClock::new(""));
    let mut beginning = Beginning {
        shop_name: name.clone(),
        demo: init.demo,
        zone: SystemClock::system_zone(),
        ..Beginning::default()
    };
    beginning.programmes = first_programmes(init.demo)?;
    if init.demo {
        beginning.articles = crate::sample::articles().map_err(Failure::machine)?;
        beginning.members = crate::sample::MEMBERS.map(str::to_owned).to_vec();
    }
    let terminal = begin_alone(store, clock, Box::new(SystemEntropy), &beginning)?;
    let identity = terminal.identity();
    let json = json!({
        "device": identity.device, "shop": identity.shop, "tenant": identity.tenant, "name": name,
        "data": global.data.display().to_string(),
    });
    Ok(Answer::one(format!("“{name}” is ready in {}.", global.data.display()), json))
}

/// What a shop begins with: the stamp card; the sample shop also has points at the till.
fn first_programmes(demo: bool) -> Result<Vec<Programme>, Failure> {
    let texts = if demo { crate::sample::PROGRAMMES.as_slice() } else { &crate::sample::PROGRAMMES[..1] };
    texts.iter().map(|text| Programme::parse_toml(text).map_err(Failure::machine)).collect()
}
