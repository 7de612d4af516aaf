//! Accounts on a server whose software has no sign-up.

pub mod add;
pub mod change;
pub mod changes;
pub mod claim;
pub mod remove;
pub mod reset;

use domain::Right;
use domain::id::{AccountChangeId, InstanceId, OperationId};
use domain::scope::Scope;
use jiff::Timestamp;
use names::Handle;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::operations::Accepted;
use crate::api::{instances, schema};
use crate::app::server::user;
use crate::auth::caller::Caller;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::account_change::AccountChange;
use crate::store::instance::Instance;

/// A change to an account on a server.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeBody {
    #[schema(value_type = schema::ChangeId)]
    id: AccountChangeId,
    #[schema(value_type = schema::InstanceId)]
    instance: InstanceId,
    /// What is done: `add`, `reset`, `remove`.
    #[schema(example = "add")]
    action: &'static str,
    #[schema(value_type = schema::Handle)]
    handle: String,
    /// Where it stands: `pending`, `running`, `succeeded`, `failed`.
    #[schema(example = "succeeded")]
    state: &'static str,
    /// Whether a new password waits to be claimed, once.
    claimable: bool,
    /// What carries it out.
    #[schema(value_type = Option<schema::OperationId>)]
    operation: Option<OperationId>,
    created_at: Timestamp,
    finished_at: Option<Timestamp>,
}

impl From<&AccountChange> for ChangeBody {
    fn from(change: &AccountChange) -> Self {
        Self {
            id: change.id,
            instance: change.instance,
            action: change.action.as_str(),
            handle: change.handle.to_string(),
            state: change.phase.as_str(),
            claimable: change.claim_key_sealed.is_some() && change.claim_answer.is_some(),
            operation: change.operation,
            created_at: change.created_at,
            finished_at: change.finished_at,
        }
    }
}

/// How somebody logs in to a server, told once.
#[derive(Serialize, ToSchema)]
pub struct LoginBody {
    #[schema(value_type = schema::Handle)]
    handle: String,
    /// To be changed after the first log-in.
    password: String,
}

impl LoginBody {
    /// The log-in of an account.
    #[must_use]
    pub fn new(handle: &Handle, password: &SecretString) -> Self {
        Self { handle: handle.to_string(), password: password.expose_secret().to_owned() }
    }
}

/// Finds a server whose accounts are made from here.
async fn here(platform: &Platform, caller: &Caller, id: InstanceId, right: Right) -> Result<Instance, Problem> {
    let instance = instances::find(platform, caller, id, Scope::InstancesWrite, right).await?;
    match user::has_users(instance.flavour) {
        true => Ok(instance),
        false => Err(Problem::new(Code::NotFound)),
    }
}

/// Finds a change for a caller who has the right to make it.
async fn find(
    platform: &Platform,
    caller: &Caller,
    id: InstanceId,
    change: AccountChangeId,
) -> Result<AccountChange, Problem> {
    let missing = || Problem::new(Code::NotFound);
    let mut connection = platform.pool.acquire().await?;
    let instance = store::instance::find(&mut connection, id).await?.ok_or_else(missing)?;
    let found = store::account_change::find(&mut connection, change).await?;
    let found = found.filter(|one| one.instance == id).ok_or_else(missing)?;
    let right = user::right(&instance, found.action, &found.handle);
    caller.demand(platform, instance.organization, Scope::InstancesWrite, right)?;
    Ok(found)
}

/// The answer to whoever asked for a change.
pub(super) async fn asked(platform: &Platform, change: AccountChangeId) -> Result<Accepted, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let change = store::account_change::find(&mut connection, change).await?;
    let operation = change.and_then(|change| change.operation).ok_or(Problem::new(Code::NotFound))?;
    drop(connection);
    Accepted::of(platform, operation).await
}
