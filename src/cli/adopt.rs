//! `stempel admin adopt`: a shop that began alone on one terminal comes to a server.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;
use stempel_domain::MemberId;
use stempel_domain::event::Fact;
use stempel_server::Server;
use stempel_server::admin::Adoption;
use stempel_store::StoreError;
use stempel_store::inbox::SHOP;
use stempel_terminal::identity::ServerIdentity;
use stempel_terminal::{Terminal, TerminalError};
use stempel_wire::Row;
use stempel_wire::message::{Article, KeyOf, PUSH_LEN_MAX, PUSH_ROWS_MAX, Shop};

use super::admin::failure;
use super::{Answer, Failure, open};
use crate::edge::SystemEntropy;

/// Hands a folder's shop over to the server, then makes the folder a device of it. Cut off anywhere, the same
/// command goes on.
pub(super) async fn adopt(server: &Server, folder: &Path, url: &str) -> Result<Answer, Failure> {
    // The lock keeps a running terminal from writing meanwhile.
    let store = open::store(folder, "stempel admin adopt")?;
    let clock = open::clock_of(&store);
    let mut terminal = Terminal::open(store, clock, Box::new(SystemEntropy))?;
    let (adoption, rows, keys) = hand_over(&terminal)?;
    let adopted = server.adopt(&adoption).await.map_err(failure)?;
    let new: Vec<Row> = rows.into_iter().filter(|row| row.seq() > adopted.held).collect();
    for batch in batches(new) {
        server.adopt_rows(&adopted, batch, Vec::new()).await.map_err(failure)?;
    }
    for keys in keys.chunks(PUSH_ROWS_MAX) {
        server.adopt_rows(&adopted, Vec::new(), keys.to_vec()).await.map_err(failure)?;
    }
    let report = server.verify(adopted.tenant).await.map_err(failure)?;
    if let Some(problem) = report.problems.first() {
        return Err(Failure::machine(format!(
            "what was taken over does not agree: {problem}. The terminal was left as it was."
        )));
    }
    let identity = ServerIdentity { url: url.to_owned(), author: adopted.server, key: adopted.server_key };
    terminal.taken_over(identity, &adopted.certificate)?;
    let text = format!(
        "“{}” is on the server with {} members and {} events. The terminal belongs to {url} from now on.",
        adoption.name, report.members, report.events
    );
    let json = json!({
        "tenant": adopted.tenant, "device": adoption.device, "members": report.members,
        "events": report.events, "server": url,
    });
    Ok(Answer::one(text, json))
}

/// Everything that a folder hands over.
fn hand_over(terminal: &Terminal) -> Result<(Adoption, Vec<Row>, Vec<KeyOf>), Failure> {
    let (identity, view) = (terminal.identity(), terminal.view());
    let Some(card_key) = identity.card_key()? else {
        return Err(Failure::usage("this terminal belongs to a server already"));
    };
    let shop: Option<Shop> = view.setting(SHOP)?;
    let shop = shop.ok_or_else(|| StoreError::Damaged("the folder does not say which shop it is".into()))?;
    let (mut rows, mut programmes, mut members) = (Vec::new(), Vec::new(), BTreeSet::<MemberId>::new());
    view.for_each_row(|row| -> Result<(), TerminalError> {
        let event = row.event().map_err(|error| StoreError::Damaged(error.to_string()))?;
        members.extend(event.record.fact.member());
        if let Fact::ProgrammePublished(published) = event.record.fact {
            let ended = view.programme(&published.programme)?.is_some_and(|row| row.ended);
            programmes.push((published.programme, published.text, ended));
        }
        rows.push(row);
        Ok(())
    })?;
    let mut keys = Vec::new();
    for member in members {
        keys.extend(view.member_keys(member)?.into_iter().map(|key| KeyOf { member, key }));
    }
    let articles: Vec<Article> = view.articles()?;
    let adoption = Adoption {
        tenant: identity.tenant,
        name: identity.tenant_name.clone(),
        shop,
        device: identity.device,
        device_name: identity.device_name.clone(),
        public_key: identity.first_key()?.public(),
        card_key,
        programmes,
        articles,
        demo: identity.demo,
    };
    Ok((adoption, rows, keys))
}

/// The rows in parts that a push may have.
fn batches(rows: Vec<Row>) -> Vec<Vec<Row>> {
    let (mut batches, mut length) = (vec![Vec::new()], 0);
    for row in rows {
        let full = batches.last().is_some_and(|batch| batch.len() >= PUSH_ROWS_MAX);
        if full || length + row.bytes().len() > PUSH_LEN_MAX / 2 {
            batches.push(Vec::new());
            length = 0;
        }
        length += row.bytes().len();
        if let Some(batch) = batches.last_mut() {
            batch.push(row);
        }
    }
    batches
}
