//! A script that fetches all files of a bundle, goes on where it broke off, and checks what it got.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use domain::Right;
use http::header;

use super::find;
use super::one::back;

use crate::app::download;
use crate::auth::signed::Signed;
use crate::contents::{File, files};
use crate::error::{Code, Problem};
use crate::pages::Path;
use crate::pages::servers::visit;
use crate::platform::Platform;

/// What the script does; the lines with its values come before.
const SCRIPT: &str = r#"
umask 077
mkdir -p "$FOLDER" && cd "$FOLDER" || exit 1
fetch() {
  case "$1" in */*) mkdir -p "${1%/*}" ;; esac
  [ -f "$1" ] && [ "$(wc -c < "$1" | tr -d ' ')" = "$2" ] && return 0
  echo "$1"
  tries=0
  until printf 'header = "Authorization: Bearer %s"\n' "$SECRET" |
    curl --config - --fail --silent --show-error --continue-at - --output "$1" "$SOURCE/$1"
  do
    tries=$((tries + 1))
    [ "$tries" -lt 5 ] || { echo "giving up; run this script again to go on where it stopped" >&2; exit 1; }
    sleep $((tries * 2))
  done
}
while read -r size name; do
  fetch "$name" "$size"
done <<'FILES'
"#;

/// The script, made for this browser's log-in: it stops working when that ends, and after a day.
///
/// # Errors
/// `not-found`, `forbidden`, `password-needed`, `download-paused`, `wrong-state`.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path((id, bundle)): Path<(String, String)>,
    signed: Signed,
) -> Result<Response, Problem> {
    let visit = visit(&platform, &signed, &id, Right::See, "/exports").await?;
    let export = find(&platform, &visit, &bundle).await?;
    download::check(&platform, &signed, visit.instance.organization)
        .map_err(|problem| back(problem, &visit, &export))?;
    let files = files(&platform, &visit.instance, &export).await?;
    let secret = download::allow(&platform, &signed, &export, true).await?.ok_or(Problem::new(Code::Internal))?;
    let source = platform.link(&format!("/servers/{}/exports/{}/files", visit.instance.id, export.id));
    let folder = format!("{}-{}", visit.instance.hostname, export.created_at.strftime("%Y-%m-%d"));
    let text = script(&source, &folder, &secret.text(), &files);
    let name = format!("attachment; filename=\"fetch-{folder}.sh\"");
    Ok(([(header::CONTENT_TYPE, "text/x-shellscript".to_owned()), (header::CONTENT_DISPOSITION, name)], text)
        .into_response())
}

/// All of it is made of names that are safe in a shell: a host name, our own address, a bundle's object names, base64.
fn script(source: &str, folder: &str, secret: &str, files: &[File]) -> String {
    let mut text = String::from("#!/bin/sh\n# Keep this file to yourself: for a day it can fetch the bundle.\n");
    let _ = writeln!(text, "SOURCE='{source}'\nFOLDER='{folder}'\nSECRET='{secret}'");
    text.push_str(SCRIPT.trim_start_matches('\n'));
    for file in files {
        let _ = writeln!(text, "{} {}", file.size, file.name);
    }
    text.push_str("FILES\nsha256sum --check --quiet <<'SUMS' && echo \"complete: $PWD\"\n");
    for file in files {
        if let Some(sha256) = &file.sha256 {
            let _ = writeln!(text, "{sha256}  {}", file.name);
        }
    }
    text.push_str("SUMS\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_one_that_a_shell_reads() {
        let files = [
            File { name: "manifest.json".into(), size: 3, sha256: None },
            File { name: "segment-0000/part-0000.tar.gz.age".into(), size: 9, sha256: Some("ab".repeat(32)) },
        ];
        let text = script("https://steppe.example/servers/x/files", "birds.example-2026-11-26", "c2VjcmV0", &files);
        insta::assert_snapshot!(text);
        let mut child = std::process::Command::new("sh").arg("-n").stdin(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }
}
