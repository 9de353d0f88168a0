//! Personal data through the API.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;

use super::NewConsent;
use crate::accounts::changes::Change;
use crate::accounts::http::answered;
use crate::api::access::Scope;
use crate::api::{Asking, CodePath, Route, body, code, query};
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
        ("/api/v1/retention", get(retention).put(retention_put)),
        ("/api/v1/retention/due", get(retention_due)),
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
    let tenant = asking.principal.tenant;
    let member = asking.server.member_named(tenant, &code(path)?).await?;
    let into = asking.server.member_named(tenant, &into).await?;
    answered(asking.server.change(&asking.principal, Change::Merge { member, into }, None).await?)
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
    let member = asking.server.member_named(asking.principal.tenant, &code(path)?).await?;
    answered(asking.server.change(&asking.principal, Change::Erase { member }, None).await?)
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RetentionRequest {
    /// None takes the rule away; it has to be said.
    #[serde(deserialize_with = "Option::deserialize")]
    months: Option<u16>,
}

async fn retention(asking: Asking) -> Answer {
    asking.principal.may_everywhere(Scope::Manage)?;
    let months = asking.server.retention(asking.principal.tenant).await?;
    Ok(Json(json!({ "months": months })).into_response())
}

async fn retention_put(State(http): Shared, asking: Asking, request: Request) -> Answer {
    asking.principal.may_everywhere(Scope::Own)?;
    let (_, RetentionRequest { months }) = body::<RetentionRequest>(&http, request).await?;
    answered(asking.server.change(&asking.principal, Change::Retention { months }, None).await?)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DueQuery {
    months: u16,
}

/// The most members that one answer names.
const DUE_MAX: usize = 500;

/// Whom a rule would concern: looking changes nothing.
async fn retention_due(asking: Asking, request: Request) -> Answer {
    asking.principal.may_everywhere(Scope::Manage)?;
    let DueQuery { months } = query(&request)?;
    super::check_months(Some(months))?;
    let mut due = asking.server.retention_due(asking.principal.tenant, months).await?;
    let all = due.len();
    due.truncate(DUE_MAX);
    Ok(Json(json!({ "members": due, "all": all })).into_response())
}
