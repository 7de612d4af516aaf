//! Bundles: a server, to take away.

pub mod download;
pub mod key_ask;
pub mod key_claim;
pub mod list;
pub mod recipient;
pub mod show;
pub mod start;

use domain::Right;
use domain::id::{ExportId, InstanceId, OperationId};
use domain::scope::Scope;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::{instances, schema};
use crate::app::export::{Key, is_there};
use crate::auth::caller::Caller;
use crate::auth::signed::Signed;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::export::Export;
use crate::store::instance::Instance;

/// A bundle, or the try to make one.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportBody {
    #[schema(value_type = schema::ExportId)]
    id: ExportId,
    #[schema(value_type = schema::InstanceId)]
    instance: InstanceId,
    /// What makes it; none for nightly ones.
    #[schema(value_type = Option<schema::OperationId>)]
    operation: Option<OperationId>,
    /// Why it is made: `requested`, `nightly`, `final`.
    #[schema(example = "requested")]
    reason: &'static str,
    /// Where it stands: `pending`, `running`, `succeeded`, `failed`.
    #[schema(example = "succeeded")]
    state: &'static str,
    /// How far it is.
    #[schema(minimum = 0, maximum = 100)]
    percent: u8,
    /// Whether it can be downloaded.
    available: bool,
    /// To which age recipient it is encrypted; none when it has a key of its own.
    recipient: Option<String>,
    /// How its own key stands: `theirs` (there is none), `askable`, `asked`, `here`.
    #[schema(example = "askable")]
    key: &'static str,
    bundle: Option<BundleBody>,
    created_at: Timestamp,
    finished_at: Option<Timestamp>,
    /// When it was removed.
    expired_at: Option<Timestamp>,
}

/// A complete bundle.
#[derive(Debug, Serialize, ToSchema)]
pub struct BundleBody {
    /// SHA-256 of its manifest, hex.
    manifest_sha256: String,
    /// Sum of the parts' sizes.
    bytes: u64,
    /// Number of parts.
    parts: u32,
    /// For how many seconds the server was stopped.
    stopped_seconds: u32,
}

impl From<&Export> for ExportBody {
    fn from(export: &Export) -> Self {
        let key = match Key::of(export) {
            Key::Theirs => "theirs",
            Key::Askable => "askable",
            Key::Asked => "asked",
            Key::Here => "here",
        };
        let bundle = export.bundle.as_ref().map(|bundle| BundleBody {
            manifest_sha256: bundle.manifest_digest.clone(),
            bytes: bundle.bytes,
            parts: bundle.parts,
            stopped_seconds: bundle.stopped_seconds,
        });
        Self {
            id: export.id,
            instance: export.instance,
            operation: export.operation,
            reason: export.reason.as_str(),
            state: export.phase.as_str(),
            percent: export.work.percent.min(100),
            available: is_there(export),
            recipient: export.recipient.clone(),
            key,
            bundle,
            created_at: export.created_at,
            finished_at: export.finished_at,
            expired_at: export.expired_at,
        }
    }
}

/// Finds a bundle of a server for a caller who wants to do something with it.
async fn find(
    platform: &Platform,
    caller: &Caller,
    id: InstanceId,
    export: ExportId,
    right: Right,
) -> Result<(Instance, Export), Problem> {
    let instance = instances::find(platform, caller, id, Scope::ExportsRead, right).await?;
    let mut connection = platform.pool.acquire().await?;
    let found = store::export::find(&mut connection, export).await?;
    Ok((instance, found.filter(|one| one.instance == id).ok_or(Problem::new(Code::NotFound))?))
}

/// What a bundle holds is for people in a browser, not for tokens.
fn signed(caller: &Caller) -> Result<&Signed, Problem> {
    match caller {
        Caller::Session(signed) => Ok(signed),
        Caller::Token(_) => Err(Problem::new(Code::Forbidden)),
    }
}
