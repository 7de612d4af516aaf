//! The permission to take a bundle away.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::{ExportId, InstanceId};
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{find, signed};
use crate::api::body::Once;
use crate::api::{Path, schema};
use crate::app::download::{self, GRANTED_FOR};
use crate::auth::caller::Caller;
use crate::contents::{File, files};
use crate::error::{Code, Problem};
use crate::platform::Platform;

/// What fetches the files of a bundle.
#[derive(Serialize, ToSchema)]
pub struct DownloadBody {
    /// Where the files are: this, a slash, and the file's name.
    #[schema(
        example = "https://steppe.example/servers/inst_01kb0c9w40e8ar2xtk7c0h8v4f/exports/exp_01kb0c9w40e8ar2xtk7c0h8v4f/files"
    )]
    base: String,
    /// What to send with each request: `Authorization: Bearer …`. It is good for this bundle alone, and not shown again.
    secret: String,
    /// Until when. It ends earlier when the log-in does.
    expires_at: Timestamp,
    files: Vec<FileBody>,
}

/// A file of a bundle. `Range` and `If-Range` are understood, so that a download goes on where it broke off.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileBody {
    /// Its name, which may have folders.
    #[schema(example = "segment-0000/part-0000.tar.gz.age")]
    name: String,
    /// How many bytes it has.
    size: u64,
    /// Absent for the manifest and its signature, which are checked by what they are.
    sha256: Option<String>,
}

impl From<File> for FileBody {
    fn from(File { name, size, sha256 }: File) -> Self {
        Self { name, size, sha256 }
    }
}

/// Allow a download
///
/// For a day, told by mail and written down. The password must have been entered again, and not have been changed within the
/// last day: no token can do this.
#[utoipa::path(
    post, path = "/instances/{instance}/exports/{export}/download", tag = "Exports", operation_id = "exports_download",
    params(("instance" = schema::InstanceId, Path), ("export" = schema::ExportId, Path)),
    responses((status = 201, description = "What fetches the files", body = DownloadBody)),
    security(("session" = [])),
    extensions(("x-right" = json!("download"))),
)]
pub async fn allow(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path((id, export)): Path<(InstanceId, ExportId)>,
) -> Result<Once<DownloadBody>, Problem> {
    let (instance, export) = find(&platform, &caller, id, export, Right::See).await?;
    let signed = signed(&caller)?;
    download::check(&platform, signed, instance.organization)?;
    let files = files(&platform, &instance, &export).await?;
    let expires_at = platform.now() + GRANTED_FOR;
    let secret = download::allow(&platform, signed, &export, true).await?.ok_or(Problem::new(Code::Internal))?;
    let body = DownloadBody {
        base: platform.link(&format!("/servers/{id}/exports/{}/files", export.id)),
        secret: secret.text(),
        expires_at,
        files: files.into_iter().map(FileBody::from).collect(),
    };
    Ok(Once(StatusCode::CREATED, body))
}
