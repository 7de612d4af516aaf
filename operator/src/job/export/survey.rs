//! What a manifest tells of a snac folder besides its files: accounts, posts, keys, and what the last stop cut.

use std::fs;
use std::io;
use std::path::Path;

use bundle::format::ActorKey;
use jiff::{Span, Timestamp};
use names::Handle;
use serde::Deserialize;

use crate::job::durable;
use crate::job::outcome::Failure;
use crate::job::snac::Snac;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Survey {
    /// Local accounts.
    pub users: u64,
    /// Entries of the accounts' public timelines: what they posted for all to see.
    pub posts: u64,
    /// The accounts' keys, sorted by name.
    pub actor_keys: Vec<ActorKey>,
    /// Deliveries that were cut by the stop; `None`: nobody knows.
    pub deliveries_cut: Option<u64>,
    /// What people should know.
    pub warnings: Vec<String>,
}

/// `.steppe-drain.json`, left by the container's last act before it stopped.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Drain {
    pending: u64,
    drained_at: i64,
}

/// Looks through the folder.
pub(super) fn survey(home: &Path, stopped_at: Option<Timestamp>) -> Result<Survey, Failure> {
    let failed = |e: io::Error| Failure::again(format!("counting accounts and posts in {}", home.display()), e);
    let mut survey = Survey::default();
    let snac = Snac::new("snac".as_ref(), home.to_owned());
    for name in names(&home.join("user")).map_err(failed)? {
        survey.users += 1;
        let public = home.join("user").join(&name).join("public");
        survey.posts += names(&public).map_err(failed)?.iter().filter(|name| name.ends_with(".json")).count() as u64;
        match name
            .parse::<Handle>()
            .map_err(|e| e.to_string())
            .and_then(|h| snac.fingerprint(&h).map_err(|e| e.to_string()))
        {
            Ok(sha256) => survey.actor_keys.push(ActorKey {
                actor: name,
                sha256: sha256.parse().map_err(|e| Failure::again("reading a fingerprint", e))?,
            }),
            Err(error) => survey.warnings.push(format!("account {name} has no readable key: {error}")),
        }
    }
    let drain = durable::read(&home.join(".steppe-drain.json")).map_err(failed)?;
    survey.deliveries_cut = deliveries_cut(drain.as_deref(), stopped_at);
    match survey.deliveries_cut {
        Some(0) => {}
        Some(cut) => survey.warnings.push(format!(
            "{cut} deliveries to other servers were still waiting when the server stopped, and were cut"
        )),
        None if stopped_at.is_some() => {
            survey.warnings.push("nobody knows whether deliveries to other servers were cut by the stop".to_owned())
        }
        None => {}
    }
    Ok(survey)
}

/// What a drain's record says of this stop. A record from before it is of an earlier one; a minute is allowed for clocks.
fn deliveries_cut(drain: Option<&str>, stopped_at: Option<Timestamp>) -> Option<u64> {
    let drain: Drain = serde_json::from_str(drain?).ok()?;
    let drained_at = Timestamp::from_second(drain.drained_at).ok()?;
    let earliest = stopped_at?.checked_sub(Span::new().minutes(1)).ok()?;
    (drained_at >= earliest).then_some(drain.pending)
}

/// Names in a folder, sorted; none when it is missing.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drain_of_an_earlier_stop_says_nothing() {
        let stopped = Timestamp::from_second(1_000_000).ok();
        let cut =
            |drained_at: i64| deliveries_cut(Some(&format!(r#"{{"pending":7,"drainedAt":{drained_at}}}"#)), stopped);
        assert_eq!(cut(1_000_005), Some(7));
        assert_eq!(cut(999_990), Some(7));
        assert_eq!(cut(999_000), None);
        assert_eq!(deliveries_cut(None, stopped), None);
        assert_eq!(deliveries_cut(Some("{"), stopped), None);
        assert_eq!(deliveries_cut(Some(r#"{"pending":7,"drainedAt":1000005}"#), None), None);
    }

    #[test]
    fn a_folder_of_two() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path();
        for (user, posts) in [("alice", 2), ("bob", 1)] {
            fs::create_dir_all(home.join("user").join(user).join("public")).unwrap();
            for n in 0..posts {
                fs::write(home.join(format!("user/{user}/public/{n}.json")), "{}").unwrap();
            }
        }
        let key = r#"{"public": "-----BEGIN PUBLIC KEY-----\nAQID\n-----END PUBLIC KEY-----\n",
            "secret": "-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----\n"}"#;
        fs::write(home.join("user/alice/key.json"), key).unwrap();
        let survey = survey(home, None).unwrap();
        assert_eq!((survey.users, survey.posts, survey.actor_keys.len(), survey.deliveries_cut), (2, 3, 1, None));
        assert_eq!(survey.warnings.len(), 1);
        assert!(!format!("{survey:?}").contains("CANARY"));
    }
}
