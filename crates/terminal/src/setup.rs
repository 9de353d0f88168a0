//! How a folder becomes a terminal.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stempel_domain::event::{Fact, JournalBegun};
use stempel_domain::ports::{Clock, Entropy, draw};
use stempel_domain::programme::Programme;
use stempel_domain::{AuthorId, ShopId, TenantId};
use stempel_store::inbox::SHOP;
use stempel_store::{Store, StoreError};
use stempel_sync::Transport;
use stempel_wire::message::{Article, EnrollRequest, Shop};
use stempel_wire::{Certificate, SecretKey, Signature};

use crate::identity::{IDENTITY, Identity, ServerIdentity};
use crate::{Terminal, TerminalError};

const ENROLLING: &str = "enrolling";
/// True while a beginning is under way.
const BEGINNING: &str = "beginning";

/// What a shop that works alone begins with.
#[derive(Debug, Clone, Default)]
pub struct Beginning {
    /// What the shop is called.
    pub shop_name: String,
    /// The first programmes.
    pub programmes: Vec<Programme>,
    /// The first articles.
    pub articles: Vec<Article>,
    /// The first members, by name.
    pub members: Vec<String>,
    /// A sample shop, whose keys are worth nothing.
    pub demo: bool,
    /// The time zone, by its IANA name.
    pub zone: String,
}

/// Makes a store a terminal that works alone and holds its own keys.
///
/// A beginning that was cut off (the plug was pulled) is gone on with when it is asked for again.
pub fn begin_alone(
    mut store: Store,
    clock: Arc<dyn Clock>,
    mut entropy: Box<dyn Entropy>,
    beginning: &Beginning,
) -> Result<Terminal, TerminalError> {
    if store.view().setting::<bool>(BEGINNING)? != Some(true) {
        refuse_if_set_up(&store)?;
        write_identity(&mut store, clock.now_ms(), &mut *entropy, beginning)?;
    }
    let mut terminal = Terminal::open(store, clock, entropy)?;
    for programme in &beginning.programmes {
        terminal.publish(programme.clone(), &None)?;
    }
    for name in &beginning.members {
        // The key is kept; a name is not.
        let key = format!("beginning {}", stempel_wire::row::hash_of(name.as_bytes()));
        terminal.add_member(Some(name), &None, Some(&key))?;
    }
    terminal.keep_setting(BEGINNING, &false)?;
    Ok(terminal)
}

/// The first step: who the terminal is, with a mark that says that more is to come.
fn write_identity(
    store: &mut Store,
    now_ms: i64,
    entropy: &mut dyn Entropy,
    beginning: &Beginning,
) -> Result<(), TerminalError> {
    let tenant = TenantId::from_time(now_ms, draw(entropy));
    let shop = ShopId::from_time(now_ms, draw(entropy));
    let device = AuthorId::from_time(now_ms, draw(entropy));
    let key = SecretKey::generate(entropy);
    let card_key = SecretKey::generate(entropy);
    let mut identity =
        Identity::new(tenant, &beginning.shop_name, shop, device, "Kasse 1", &key).with_card_key(&card_key);
    identity.demo = beginning.demo;
    let shop = Shop {
        id: shop,
        name: beginning.shop_name.clone(),
        day_ends_minutes: 0,
        zone: beginning.zone.clone(),
        merchant: None,
        rotating_above: std::collections::BTreeMap::new(),
    };
    store.write::<_, StoreError>(|write| {
        write.set(BEGINNING, &true)?;
        write.set(IDENTITY, &identity)?;
        write.set(SHOP, &shop)?;
        write.put_card_key(&card_key.public(), false)?;
        for article in &beginning.articles {
            write.put_article(article)?;
        }
        Ok(())
    })?;
    Ok(())
}

/// An enrolment under way. Kept until it is done, so that a lost answer can be asked for again.
#[derive(Serialize, Deserialize)]
struct Enrolling {
    device: AuthorId,
    secret: String,
}

/// Makes a store a device of a shop. `connect` makes the transport for the device's id and key.
///
/// After an error the same code can be tried again from the same folder: the server knows the device by the
/// key that was kept.
///
/// A folder that is a device already comes back under its own id, key and journal: a server that was set back to
/// before its enrolment knows it again then, and the next exchange brings what only the folder holds.
pub fn enroll<T: Transport>(
    mut store: Store,
    clock: Arc<dyn Clock>,
    mut entropy: Box<dyn Entropy>,
    url: &str,
    code: &str,
    device_name: &str,
    connect: impl FnOnce(AuthorId, Arc<SecretKey>) -> Result<T, stempel_sync::SyncError>,
) -> Result<(Terminal, T), TerminalError> {
    let before = store.view().setting::<Identity>(IDENTITY)?;
    let (device, key) = match &before {
        Some(identity) if identity.server.is_none() => {
            return Err(TerminalError::SetUpAlready(identity.tenant_name.clone()));
        }
        Some(identity) => (identity.device, identity.key()?),
        None => begin_enrolling(&mut store, clock.now_ms(), &mut *entropy)?,
    };
    let first = before.as_ref().map(|identity| identity.first_key()).transpose()?.map(|key| key.public());
    let key = Arc::new(key);
    let mut transport = connect(device, key.clone())?;
    let proof: Signature = key.sign(EnrollRequest::CONTEXT, code.as_bytes());
    let answer = transport.enroll(&EnrollRequest {
        code: code.to_owned(),
        device,
        public_key: key.public(),
        proof,
        name: device_name.to_owned(),
        journal_key: first.filter(|first| *first != key.public()),
    })?;
    let certificate = &answer.certificate;
    let wrong = |why: &str| {
        TerminalError::Sync(stempel_sync::SyncError::Rubbish(format!("its certificate is wrong: {why}")))
    };
    certificate.verify(&answer.server_key).map_err(|error| wrong(&error.to_string()))?;
    if certificate.device != device || certificate.public_key != key.public() {
        return Err(wrong("it is for another device"));
    }
    let server = ServerIdentity { url: url.to_owned(), author: answer.server, key: answer.server_key };
    let identity = match before {
        Some(identity) if (identity.tenant, identity.shop) != (answer.tenant, certificate.shop) => {
            return Err(TerminalError::NotNow(format!(
                "this folder is a device of “{}” and stays with that shop; ask for a code of the same shop",
                identity.tenant_name
            )));
        }
        Some(identity) => identity.belonging_to(server),
        None => {
            Identity::new(answer.tenant, &answer.tenant_name, certificate.shop, device, device_name, &key)
                .belonging_to(server)
        }
    };
    store.write::<_, StoreError>(|write| {
        write.set(IDENTITY, &identity)?;
        write.set(SHOP, &answer.shop)?;
        write.put_device(certificate, false)
    })?;
    let terminal = Terminal::open(store, clock, entropy)?;
    Ok((terminal, transport))
}

/// The id and the key of a device that is not one yet, kept before the server hears of them.
fn begin_enrolling(
    store: &mut Store,
    now_ms: i64,
    entropy: &mut dyn Entropy,
) -> Result<(AuthorId, SecretKey), TerminalError> {
    let begun: Option<Enrolling> = store.view().setting(ENROLLING)?;
    if let Some(begun) = begun {
        return Ok((begun.device, secret_from(&begun.secret)?));
    }
    let device = AuthorId::from_time(now_ms, draw(entropy));
    let key = SecretKey::generate(entropy);
    let secret = data_encoding::HEXLOWER.encode(&key.to_bytes());
    store.write::<_, StoreError>(|write| write.set(ENROLLING, &Enrolling { device, secret }))?;
    Ok((device, key))
}

fn refuse_if_set_up(store: &Store) -> Result<(), TerminalError> {
    match store.view().setting::<Identity>(IDENTITY)? {
        Some(identity) => Err(TerminalError::SetUpAlready(identity.tenant_name)),
        None => Ok(()),
    }
}

fn secret_from(text: &str) -> Result<SecretKey, TerminalError> {
    let damaged = || StoreError::Damaged("the key of the enrolment cannot be read".into());
    let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).map_err(|_| damaged())?;
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| damaged())?;
    Ok(SecretKey::from_bytes(&bytes))
}

impl Terminal {
    /// Whether a store is a terminal already.
    pub fn is_set_up(store: &Store) -> Result<bool, TerminalError> {
        Ok(store.view().setting::<Identity>(IDENTITY)?.is_some())
    }

    /// Takes note that the server answers at another address now.
    pub fn move_to(&mut self, url: &str) -> Result<(), TerminalError> {
        let Some(server) = &mut self.identity.server else {
            return Err(TerminalError::NotNow(
                "this terminal works alone; there is no server to move to".into(),
            ));
        };
        server.url = url.to_owned();
        let identity = self.identity.clone();
        self.keep_setting(IDENTITY, &identity)
    }

    /// Takes note that a server has taken this shop over: the terminal is a device of it from now on, and the
    /// key that signs cards is the server's alone.
    pub fn taken_over(
        &mut self,
        server: ServerIdentity,
        certificate: &Certificate,
    ) -> Result<(), TerminalError> {
        let identity = self.identity.clone().belonging_to(server);
        self.store.write::<_, StoreError>(|write| {
            write.set(IDENTITY, &identity)?;
            write.put_device(certificate, false)
        })?;
        self.identity = identity;
        Ok(())
    }

    /// Writes the first event of the journal.
    pub(crate) fn begin_journal(&mut self) -> Result<(), TerminalError> {
        let fact = Fact::JournalBegun(JournalBegun {
            tenant: self.identity.tenant,
            shop: Some(self.identity.shop),
            public_key: self.key.public().to_string(),
        });
        let at = self.moment(None)?;
        self.record(at, &None, vec![fact], |_, _| Ok(()))
    }
}
