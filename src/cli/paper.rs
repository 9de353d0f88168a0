//! What a server's owner prints: sheets of cards, posters, the code to join.

use std::path::Path;

use serde_json::json;
use stempel_domain::{ShopId, TenantId};
use stempel_server::Server;
use stempel_server::card::paper::{self, Tongue};

use super::admin::failure;
use super::args::AdminPaper;
use super::{Answer, Failure};

/// Carries one of these commands out.
pub(super) async fn paper(
    server: &Server,
    tenant: TenantId,
    shop: Option<ShopId>,
    command: &AdminPaper,
) -> Result<Answer, Failure> {
    match command {
        AdminPaper::JoinLink => {
            let link = server.join_link(tenant, shop).await.map_err(failure)?;
            let text = format!("Guests join at /J/{} behind the server's address.", link.code);
            Ok(Answer::one(
                text,
                json!({"code": link.code, "path": format!("/J/{}", link.code), "shop": link.shop}),
            ))
        }
        AdminPaper::Sheet { count, out, url, english } => {
            let batch = server.batch_make(tenant, shop, *count).await.map_err(failure)?;
            let cards = server.batch_cards(tenant, &batch).await.map_err(failure)?;
            let numbers: Vec<String> =
                cards.iter().map(|card| card.token.card().number().to_string()).collect();
            let pdf = server.sheets(tenant, shop, &cards, url.as_deref(), tongue(*english)).await;
            let pdf = pdf.map_err(failure)?;
            write(out, &pdf)?;
            let file = out.display().to_string();
            let text = format!(
                "{} cards are in {file}. Print it on both sides, turned at the long edge; the codes on the backs are \
                 secret.",
                cards.len()
            );
            Ok(Answer::one(text, json!({"file": file, "cards": cards.len(), "numbers": numbers})))
        }
        AdminPaper::Poster { out, url, tent, english } => {
            let made = server.poster(tenant, shop, url, *tent, tongue(*english)).await;
            let (pdf, code) = made.map_err(failure)?;
            write(out, &pdf)?;
            let (file, link) = (out.display().to_string(), paper::join_link(url, &code));
            Ok(Answer::one(
                format!("The poster is {file}; its code opens {link}."),
                json!({"file": file, "link": link}),
            ))
        }
    }
}

fn tongue(english: bool) -> Tongue {
    if english { Tongue::En } else { Tongue::De }
}

fn write(out: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(out, bytes).map_err(|error| Failure::machine(format!("{}: {error}", out.display())))
}
