//! Which bundles have had their day.
//!
//! The newest complete bundle of a server never goes while the server exists, and no bundle goes before those that
//! replace it are there. What we have no record of is left alone.

use std::collections::BTreeSet;

use crd::{Export, ExportReason, Phase};
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;

/// How long leavings of a failed export are kept, for whoever wants to know why it failed.
const FAILED: SignedDuration = SignedDuration::from_hours(48);

/// How long bundles are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// How many nightly ones; the newest.
    pub nightly: usize,
    /// Those that somebody asked for.
    pub requested: SignedDuration,
}

/// What is known of one server's bundles.
#[derive(Debug, Clone, Copy)]
pub struct Shelf<'a> {
    /// The server's exports.
    pub exports: &'a [&'a Export],
    /// Uids of those exports whose manifest was seen in the store just now.
    pub complete: &'a BTreeSet<String>,
    /// Manifest digests that purges name: those bundles stay.
    pub pinned: &'a BTreeSet<String>,
}

/// A bundle that goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Doomed {
    /// The export's name.
    pub export: String,
    /// The export's uid, which names the bundle in the store.
    pub uid: String,
    /// Why, for the log.
    pub why: String,
}

/// The bundles of one existing server that go now, oldest first.
#[must_use]
pub fn plan(now: Timestamp, keep: Keep, shelf: Shelf<'_>) -> Vec<Doomed> {
    let mut exports: Vec<&Export> = shelf.exports.to_vec();
    exports.sort_by_key(|export| (finished(export), export.name_any()));
    exports
        .iter()
        .filter_map(|export| {
            let why = doom(now, keep, shelf, export)?;
            Some(Doomed { export: export.name_any(), uid: export.uid()?, why })
        })
        .collect()
}

fn doom(now: Timestamp, keep: Keep, shelf: Shelf<'_>, export: &Export) -> Option<String> {
    let status = export.status.as_ref()?;
    let uid = export.uid()?;
    let finished = finished(export)?;
    if status.expired_at.is_some() {
        return None;
    }
    let Some(bundle) = &status.bundle else {
        let over = status.work.phase == Phase::Failed && now.duration_since(finished) >= FAILED;
        // A manifest without a record of it: the commit was the last thing that happened. It stays.
        return (over && !shelf.complete.contains(&uid)).then(|| "leavings of a failed export".to_owned());
    };
    if status.work.phase != Phase::Succeeded || shelf.pinned.contains(&bundle.manifest_digest) {
        return None;
    }
    match export.spec.reason {
        ExportReason::Nightly => {
            let newer = newer(shelf, export, |other| other.spec.reason == ExportReason::Nightly);
            (newer >= keep.nightly.max(1)).then(|| format!("{newer} newer nightly bundles are complete"))
        }
        ExportReason::Requested | ExportReason::Final => {
            let old = now.duration_since(finished) >= keep.requested;
            (old && newer(shelf, export, |_| true) > 0)
                .then(|| format!("made on {finished}, and a newer one is complete"))
        }
    }
}

/// How many complete bundles are newer than this one.
fn newer(shelf: Shelf<'_>, than: &Export, counts: impl Fn(&Export) -> bool) -> usize {
    let key = |export: &Export| (finished(export), export.name_any());
    let is_complete = |export: &Export| {
        let status = export.status.as_ref();
        status.is_some_and(|status| {
            status.work.phase == Phase::Succeeded && status.bundle.is_some() && status.expired_at.is_none()
        }) && export.uid().is_some_and(|uid| shelf.complete.contains(&uid))
    };
    shelf.exports.iter().filter(|other| counts(other) && is_complete(other) && key(other) > key(than)).count()
}

fn finished(export: &Export) -> Option<Timestamp> {
    export.status.as_ref()?.work.finished_at
}

/// The order in which a bundle's objects are deleted: its key, so that it is unreadable from then on; its manifest, so
/// that it counts for nothing; the rest.
#[must_use]
pub fn order(mut keys: Vec<String>) -> Vec<String> {
    let rank = |key: &str| {
        if key.ends_with("/key.age") {
            0
        } else if key.ends_with("/manifest.json") {
            1
        } else {
            2
        }
    };
    keys.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
    keys
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEEP: Keep = Keep { nightly: 3, requested: SignedDuration::from_hours(30 * 24) };

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(day * 86_400).unwrap()
    }

    fn export(n: usize, reason: ExportReason, day: i64) -> Export {
        let mut export = Export::new(
            &format!("e{n:03}"),
            crd::ExportSpec {
                instance_ref: crd::InstanceRef { name: "birds".into(), uid: "u".into() },
                reason,
                recipient: None,
                key_claim: None,
            },
        );
        export.metadata.uid = Some(format!("uid-{n:03}"));
        let mut status = crd::ExportStatus::default();
        status.work.phase = Phase::Succeeded;
        status.work.finished_at = Some(at(day));
        status.bundle = Some(crd::Bundle { manifest_digest: format!("{n:064}"), ..Default::default() });
        export.status = Some(status);
        export
    }

    fn doomed(now: i64, exports: &[Export], missing: &[usize], pinned: &[usize]) -> Vec<String> {
        let complete = (0..exports.len()).filter(|n| !missing.contains(n)).map(|n| format!("uid-{n:03}")).collect();
        let pinned = pinned.iter().map(|n| format!("{n:064}")).collect();
        let exports: Vec<&Export> = exports.iter().collect();
        let shelf = Shelf { exports: &exports, complete: &complete, pinned: &pinned };
        plan(at(now), KEEP, shelf).into_iter().map(|doomed| doomed.export).collect()
    }

    #[test]
    fn the_newest_nightly_bundles_stay() {
        let exports: Vec<Export> =
            (0..5_usize).map(|n| export(n, ExportReason::Nightly, i64::try_from(n).unwrap())).collect();
        assert_eq!(doomed(5, &exports, &[], &[]), ["e000", "e001"]);
        assert_eq!(doomed(5, &exports[..3], &[], &[]), Vec::<String>::new());
    }

    #[test]
    fn no_bundle_goes_before_its_replacement_is_there() {
        let exports: Vec<Export> =
            (0..5_usize).map(|n| export(n, ExportReason::Nightly, i64::try_from(n).unwrap())).collect();
        assert_eq!(doomed(5, &exports, &[3, 4], &[]), Vec::<String>::new());
        // A bundle whose own manifest is gone already is finished off only if it had been doomed anyway.
        assert_eq!(doomed(5, &exports, &[0], &[]), ["e000", "e001"]);
        assert_eq!(doomed(5, &exports, &[2], &[]), ["e000"]);
    }

    #[test]
    fn what_was_asked_for_stays_until_there_is_a_newer_one() {
        let mut exports = vec![export(0, ExportReason::Requested, 0)];
        assert_eq!(doomed(1000, &exports, &[], &[]), Vec::<String>::new());
        exports.push(export(1, ExportReason::Nightly, 2));
        assert_eq!(doomed(20, &exports, &[], &[]), Vec::<String>::new());
        assert_eq!(doomed(30, &exports, &[], &[]), ["e000"]);
        assert_eq!(doomed(30, &exports, &[1], &[]), Vec::<String>::new());
        assert_eq!(doomed(30, &exports, &[], &[0]), Vec::<String>::new());
    }

    #[test]
    fn leavings_of_failures_go_after_two_days_unless_there_is_a_manifest() {
        let mut failed = export(0, ExportReason::Nightly, 0);
        let status = failed.status.as_mut().unwrap();
        status.work.phase = Phase::Failed;
        status.bundle = None;
        let exports = [failed];
        assert_eq!(doomed(1, &exports, &[0], &[]), Vec::<String>::new());
        assert_eq!(doomed(2, &exports, &[0], &[]), ["e000"]);
        assert_eq!(doomed(2, &exports, &[], &[]), Vec::<String>::new());
    }

    #[test]
    fn a_running_export_is_left_alone() {
        let mut running = export(0, ExportReason::Nightly, 0);
        running.status.as_mut().unwrap().work.phase = Phase::Running;
        running.status.as_mut().unwrap().bundle = None;
        assert_eq!(doomed(1000, &[running], &[0], &[]), Vec::<String>::new());
    }

    #[test]
    fn the_key_goes_first_and_the_manifest_second() {
        let keys = ["b/e/segment-0000/part-0000.tar.gz.age", "b/e/restore.sh", "b/e/manifest.json", "b/e/key.age"];
        let ordered = order(keys.iter().map(ToString::to_string).collect());
        assert_eq!(ordered[..2], ["b/e/key.age", "b/e/manifest.json"]);
    }

    proptest! {
        #[test]
        fn the_newest_complete_bundle_never_goes(
            made in prop::collection::vec((0i64..400, 0u8..3, any::<bool>()), 1..40),
            now in 400i64..900,
        ) {
            let exports: Vec<Export> = made.iter().enumerate().map(|(n, (day, reason, _))| {
                let reason = [ExportReason::Nightly, ExportReason::Requested, ExportReason::Final][usize::from(*reason)];
                export(n, reason, *day)
            }).collect();
            let missing: Vec<usize> = made.iter().enumerate().filter(|(_, m)| !m.2).map(|(n, _)| n).collect();
            let gone = doomed(now, &exports, &missing, &[]);
            let newest = exports.iter().enumerate().filter(|(n, _)| !missing.contains(n))
                .max_by_key(|(_, export)| (finished(export), export.name_any())).map(|(_, export)| export.name_any());
            if let Some(newest) = newest {
                prop_assert!(!gone.contains(&newest));
            }
            let nightly: Vec<&Export> = exports.iter().enumerate()
                .filter(|(n, export)| !missing.contains(n) && export.spec.reason == ExportReason::Nightly).map(|(_, e)| e).collect();
            let left = nightly.iter().filter(|export| !gone.contains(&export.name_any())).count();
            prop_assert_eq!(left, nightly.len().min(KEEP.nightly));
            if missing.len() == exports.len() {
                prop_assert!(gone.is_empty());
            }
        }
    }
}
