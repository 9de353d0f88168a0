//! What a server's owner prints: sheets of cards, posters, the code to join.

use std::path::Path;

use serde_json::json;
use stempel_domain::{ShopId, TenantId};
use stempel_server::Server;
use stempel_server::card::paper::{self, Look, Poster, Tongue};

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
            let cards = server.cards_to_print(tenant, *count).await.map_err(failure)?;
            let code = server.join_link(tenant, shop).await.map_err(failure)?.code;
            let welcome = server.welcome(&code).await.map_err(failure)?;
            let name = welcome.shop.unwrap_or(welcome.name);
            let numbers: Vec<String> =
                cards.iter().map(|card| card.token.card().number().to_string()).collect();
            let logo = server.logo_for_paper(tenant, welcome.shop_id).await.map_err(failure)?;
            let look = Look { shop: &name, url: url.as_deref(), logo, tongue: tongue(*english) };
            let pdf = paper::sheets(&look, &cards).map_err(failure)?;
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
            let code = server.join_link(tenant, shop).await.map_err(failure)?.code;
            let welcome = server.welcome(&code).await.map_err(failure)?;
            let tag = if *english { "en" } else { "de" };
            let poster = Poster {
                shop: welcome.shop.unwrap_or(welcome.name),
                url: url.clone(),
                code: code.clone(),
                reward: welcome.reward.map(|(reward, size)| (size, reward.get(tag).to_owned())),
                tent: *tent,
                logo: server.logo_for_paper(tenant, welcome.shop_id).await.map_err(failure)?,
            };
            write(out, &paper::poster(&poster, tongue(*english)).map_err(failure)?)?;
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
