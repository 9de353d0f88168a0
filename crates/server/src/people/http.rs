//! Personal data through the API.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use stempel_domain::event::ErasureReason;

use super::NewConsent;
use crate::api::access::Scope;
use crate::api::{Asking, CodePath, Route, body, code};
use crate::http::{Answer, Shared};

/// The routes.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        ("/api/v1/members/{code}/merge", post(merge)),
        ("/api/v1/members/{code}/unmerge", post(unmerge)),
        ("/api/v1/members/{code}/export", get(export)),
        ("/api/v1/members/{code}/erase", post(erase)),
        ("/api/v1/members/{code}/consents", get(consents).post(consent)),
        ("/api/v1/erasures", get(erasures)),
    ]
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MergeRequest {
    into: String,
}

async fn merge(State(http): Shared, asking: Asking, path: CodePath, request: Request) -> Answer {
    asking.principal.may_everywhere(Scope::Manage)?;
    let (_, MergeRequest { into }) = body::<MergeRequest>(&http, request).await?;
    let merged = asking.server.member_merge(asking.principal.tenant, &code(path)?, &into).await?;
    Ok(Json(merged).into_response())
}

async fn unmerge(asking: Asking, path: CodePath) -> Answer {
    asking.principal.may_everywhere(Scope::Manage)?;
    let merged = asking.server.member_unmerge(asking.principal.tenant, &code(path)?).await?;
    Ok(Json(merged).into_response())
}

async fn export(asking: Asking, path: CodePath) -> Answer {
    asking.principal.may_everywhere(Scope::Manage)?;
    let export = asking.server.member_export(asking.principal.tenant, &code(path)?).await?;
    Ok(Json(export).into_response())
}

async fn erase(asking: Asking, path: CodePath) -> Answer {
    asking.principal.may_everywhere(Scope::Manage)?;
    let erased =
        asking.server.member_erase(asking.principal.tenant, &code(path)?, ErasureReason::Asked).await?;
    Ok(Json(erased).into_response())
}

async fn consents(asking: Asking, path: CodePath) -> Answer {
    asking.principal.may(Scope::Read)?;
    let consents = asking.server.member_consents(asking.principal.tenant, &code(path)?).await?;
    Ok(Json(json!({ "consents": consents })).into_response())
}

async fn consent(State(http): Shared, asking: Asking, path: CodePath, request: Request) -> Answer {
    asking.principal.may(Scope::Members)?;
    let (_, new) = body::<NewConsent>(&http, request).await?;
    let consents = asking.server.member_consent(asking.principal.tenant, &code(path)?, &new).await?;
    Ok(Json(json!({ "consents": consents })).into_response())
}

async fn erasures(asking: Asking) -> Answer {
    asking.principal.may_everywhere(Scope::Manage)?;
    let erasures = asking.server.erasures(asking.principal.tenant).await?;
    Ok(Json(json!({ "erasures": erasures })).into_response())
}
