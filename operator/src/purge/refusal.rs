//! Why a purge is not carried out now, and what would have to be otherwise.

use jiff::Timestamp;

/// A condition that is not met. Each stands for one way to lose data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no `Cell` object.
    #[error("there is no Cell object, so nothing says which cluster this is: apply the chart again")]
    CellMissing,
    /// The cell has not been recognised yet.
    #[error("the cell's status does not say yet which cluster this is: see that the operator runs")]
    ClusterUnknown,
    /// The cell's record is of another cluster.
    #[error(
        "the cell was recorded for cluster {recorded}, but this is cluster {found}: the objects were copied here, and \
         nothing is destroyed on the word of a copy"
    )]
    WrongCluster {
        /// What the cell's status says.
        recorded: String,
        /// What was found.
        found: String,
    },
    /// All destruction is stopped.
    #[error("the breaker is open since {since} ({why}): find out why, then close it (docs/operating.md)")]
    BreakerOpen {
        /// Since when.
        since: Timestamp,
        /// What was seen then.
        why: String,
    },
    /// There is no instance of that name.
    #[error("there is no instance {0}: correct the name in a new Purge")]
    InstanceMissing(String),
    /// There is one, but another.
    #[error(
        "instance {name} has uid {found}, the purge means {wanted}: a new server has the old name; make a new Purge"
    )]
    UidMismatch {
        /// The name.
        name: String,
        /// The uid that the purge names.
        wanted: String,
        /// The uid of the object that is there.
        found: String,
    },
    /// It is not time yet.
    #[error("not before {0}")]
    TooEarly(Timestamp),
    /// Too few people approved.
    #[error("{have} of {need} needed people approved: add to spec.approvals")]
    NotApproved {
        /// How many different people approved.
        have: usize,
        /// How many must.
        need: usize,
    },
    /// A legal hold.
    #[error("a legal hold keeps this server ({0}): it is lifted in the instance's spec.legalHold, by whoever set it")]
    LegalHold(String),
    /// The server is not to be closed.
    #[error("instance {name} is wished to be {mode}: set spec.mode to Closing")]
    NotClosing {
        /// The instance.
        name: String,
        /// The mode it should have.
        mode: &'static str,
    },
    /// The server may still write.
    #[error("the server has not stopped for good ({0}): wait, or see the instance's conditions")]
    NotStopped(String),
    /// A copy is being made.
    #[error("export {0} is not finished: wait for it, or delete it")]
    ExportActive(String),
    /// Its accounts are being changed.
    #[error("account change {0} is not finished: wait for it, or delete it")]
    AccountChangeActive(String),
    /// The namespace is somebody else's.
    #[error(
        "namespace {namespace} belongs to {owner}, not to this instance: nothing in it is touched; ask who made it"
    )]
    NamespaceForeign {
        /// The namespace.
        namespace: String,
        /// Whose it is, in words.
        owner: String,
    },
    /// No bundle in the store has this digest.
    #[error(
        "no bundle under {prefix} has a manifest with SHA-256 {digest}: make an Export with reason Final and a Purge that \
         names its digest"
    )]
    BundleMissing {
        /// Where it was looked for.
        prefix: String,
        /// The digest that the purge names.
        digest: String,
    },
    /// The signature is not the platform's.
    #[error("the bundle's signature is not good ({0}): the bundle does not count; make a new Export")]
    SignatureBad(String),
    /// The bundle is of another server.
    #[error("the bundle is of {0}: make an Export of this server and a Purge that names it")]
    BundleForeign(String),
    /// The server ran after the bundle was made.
    #[error(
        "the bundle is of {made}, but the server ran until {stopped}: what was written between is in no bundle; make an \
         Export with reason Final"
    )]
    BundleOutdated {
        /// When the copy was finished.
        made: Timestamp,
        /// Since when the server is stopped.
        stopped: Timestamp,
    },
    /// A part is missing or changed.
    #[error("the bundle is damaged ({0}): make a new Export while the server's data is still there")]
    BundleDamaged(String),
    /// Nobody could open the bundle.
    #[error("the bundle could not be opened by anybody ({0}): make a new Export")]
    KeyMissing(String),
}

impl Refusal {
    /// The refusal as one CamelCase word, for `status.reason`.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::CellMissing => "CellMissing",
            Self::ClusterUnknown => "ClusterUnknown",
            Self::WrongCluster { .. } => "WrongCluster",
            Self::BreakerOpen { .. } => "BreakerOpen",
            Self::InstanceMissing(_) => "InstanceMissing",
            Self::UidMismatch { .. } => "UidMismatch",
            Self::TooEarly(_) => "TooEarly",
            Self::NotApproved { .. } => "NotApproved",
            Self::LegalHold(_) => "LegalHold",
            Self::NotClosing { .. } => "NotClosing",
            Self::NotStopped(_) => "NotStopped",
            Self::ExportActive(_) => "ExportActive",
            Self::AccountChangeActive(_) => "AccountChangeActive",
            Self::NamespaceForeign { .. } => "NamespaceForeign",
            Self::BundleMissing { .. } => "BundleMissing",
            Self::SignatureBad(_) => "SignatureBad",
            Self::BundleForeign(_) => "BundleForeign",
            Self::BundleOutdated { .. } => "BundleOutdated",
            Self::BundleDamaged(_) => "BundleDamaged",
            Self::KeyMissing(_) => "KeyMissing",
        }
    }

    /// Whether somebody should be told: the bundle is not what it should be, or the cluster is not.
    #[must_use]
    pub const fn is_alarming(&self) -> bool {
        match self {
            Self::WrongCluster { .. }
            | Self::BreakerOpen { .. }
            | Self::UidMismatch { .. }
            | Self::NamespaceForeign { .. }
            | Self::BundleMissing { .. }
            | Self::SignatureBad(_)
            | Self::BundleForeign(_)
            | Self::BundleDamaged(_)
            | Self::KeyMissing(_) => true,
            Self::CellMissing
            | Self::ClusterUnknown
            | Self::InstanceMissing(_)
            | Self::TooEarly(_)
            | Self::NotApproved { .. }
            | Self::LegalHold(_)
            | Self::NotClosing { .. }
            | Self::NotStopped(_)
            | Self::ExportActive(_)
            | Self::AccountChangeActive(_)
            | Self::BundleOutdated { .. } => false,
        }
    }
}
