//! Mails about what has become of things, written in the transaction of what they tell.

use domain::Locale;
use domain::closing::Closing;
use domain::id::AccountId;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::app::mail::{Letter, send};
use crate::app::tell::{News, owners};
use crate::app::{order, server};
use crate::error::Problem;
use crate::platform::{Platform, Tx};
use crate::store;
use crate::store::cell::{Cell, Refused};
use crate::store::instance::Instance;
use crate::store::operation::{Operation, Stuck};
use crate::store::order::Order;

/// How many operations one mail names.
const NAMED: usize = 20;

async fn to_staff(
    platform: &Platform,
    connection: &mut PgConnection,
    template: &'static str,
    arguments: Value,
) -> Result<(), Problem> {
    let to = platform.config.support.clone();
    let letter = Letter { template, locale: Locale::En, to: &to, account: None, arguments, secret_link: None };
    send(platform, connection, letter).await
}

/// Tells those who ordered a server that it is there.
pub async fn of_ready(platform: &Platform, tx: &mut Tx, instance: &Instance) -> Result<(), Problem> {
    owners(platform, tx, instance.organization, server::told(platform, instance, "server-ready")).await
}

/// Tells those who ordered a server that it could not be made, and until when that can be tried again.
pub async fn of_failed_order(platform: &Platform, tx: &mut Tx, order: &Order) -> Result<(), Problem> {
    owners(platform, tx, order.organization, order::told(platform, order, "order-failed")).await
}

/// Tells those who wait for a server that a place is kept for it, and until when.
pub async fn of_offered_place(platform: &Platform, tx: &mut Tx, order: &Order) -> Result<(), Problem> {
    owners(platform, tx, order.organization, order::told(platform, order, "place-offered")).await
}

/// Tells those who ordered a server that the order has ended because nobody acted in time.
pub async fn of_expired_order(platform: &Platform, tx: &mut Tx, order: &Order) -> Result<(), Problem> {
    owners(platform, tx, order.organization, order::told(platform, order, "order-expired")).await
}

/// Tells who asked for a bundle that it is there.
pub async fn of_bundle(
    platform: &Platform,
    tx: &mut Tx,
    operation: &Operation,
    instance: &Instance,
) -> Result<(), Problem> {
    let asked = operation.requested_by.strip_prefix("account:").and_then(|id| id.parse::<AccountId>().ok());
    let Some(account) = asked else { return Ok(()) };
    let Some(account) = store::account::find(tx, account).await? else { return Ok(()) };
    let News { template, mut arguments, .. } = server::told(platform, instance, "export-ready");
    arguments["name"] = Value::from(account.name.as_str());
    let letter = Letter {
        template,
        locale: account.locale,
        to: &account.email,
        account: Some(account.id),
        arguments,
        secret_link: None,
    };
    send(platform, tx, letter).await
}

/// Tells the owners of a server that it is closed, and until when that can be taken back.
pub async fn of_closed(platform: &Platform, tx: &mut Tx, instance: &Instance, closing: Closing) -> Result<(), Problem> {
    let news = server::told(platform, instance, "server-closed");
    owners(platform, tx, instance.organization, News { until: Some(closing.purge_after), ..news }).await
}

/// Tells staff that something was given up.
pub async fn staff_of_failure(
    platform: &Platform,
    tx: &mut Tx,
    operation: &Operation,
    reason: &str,
) -> Result<(), Problem> {
    let instance = store::instance::find(tx, operation.subject.instance()).await?;
    let host = instance.map_or_else(|| operation.subject.instance().to_string(), |found| found.hostname.to_string());
    let arguments = json!({
        "operation": operation.id, "kind": operation.course.kind, "host": host, "reason": reason,
        "message": operation.message, "link": staff_link(platform, &format!("operations/{}", operation.id)),
    });
    to_staff(platform, tx, "operation-failed", arguments).await
}

/// Tells staff, in one mail, of everything that has begun to take long.
pub async fn staff_of_stuck(platform: &Platform, tx: &mut Tx, stuck: &[Stuck]) -> Result<(), Problem> {
    let line = |one: &Stuck| {
        let host = one.hostname.as_deref().unwrap_or("-");
        format!("{} {} {host}: {} {}", one.id, one.kind, one.reason, one.message).trim_end().to_owned()
    };
    let list = stuck.iter().take(NAMED).map(line).collect::<Vec<_>>().join("\n");
    let arguments = json!({ "count": stuck.len(), "list": list, "link": staff_link(platform, "operations") });
    to_staff(platform, tx, "operations-stuck", arguments).await
}

/// Tells staff that nothing is written to a cell any more.
pub async fn staff_of_cell(
    platform: &Platform,
    connection: &mut PgConnection,
    cell: &Cell,
    reason: Refused,
    message: &str,
) -> Result<(), Problem> {
    let link = staff_link(platform, "cells");
    let arguments = json!({ "cell": cell.name, "reason": reason.as_str(), "message": message, "link": link });
    to_staff(platform, connection, "cell-refused", arguments).await
}

fn staff_link(platform: &Platform, path: &str) -> String {
    format!("{}/{path}", platform.config.staff_url.as_str().trim_end_matches('/'))
}
