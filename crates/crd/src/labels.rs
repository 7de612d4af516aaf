//! Labels, annotations, finalizers and fixed object names that both programs and people rely on.

/// On every object of a tenant: the name of its instance.
pub const INSTANCE: &str = "steppe.host/instance";
/// On every object of a tenant: the uid of its instance. Names can come back after a deletion; uids cannot.
pub const INSTANCE_UID: &str = "steppe.host/instance-uid";
/// On pods: what they are there for (`server`, `birth`, `export`, `account`).
pub const ROLE: &str = "steppe.host/role";
/// On the objects of one piece of work: the uid of its work object.
pub const WORK_UID: &str = "steppe.host/work-uid";
/// The standard label that says who manages an object, and its value for ours.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// See [`MANAGED_BY`].
pub const MANAGER: &str = "steppe-operator";

/// On an `Instance` or the `Cell`, with any value: the operator looks on and changes nothing.
pub const PAUSED: &str = "steppe.host/paused";
/// On a new `Instance`: the uid of a deleted one whose namespace and volume it takes over (same name, host name and
/// flavour). Without it, a namespace that carries another uid is never touched.
pub const ADOPT_UID: &str = "steppe.host/adopt-uid";
/// On an object that the operator applies: digest of what was applied last, so that an unchanged plan costs no write.
pub const APPLIED: &str = "steppe.host/applied";

/// Keeps a deleted `Instance` object until its data has been purged. Only the purger takes it off.
pub const KEEP_FINALIZER: &str = "steppe.host/keep";

/// The namespace of the platform's own programs.
pub const SYSTEM_NAMESPACE: &str = "steppe-system";
/// The only namespace in which a control plane may write Secrets, for what it passes down.
pub const INBOX_NAMESPACE: &str = "steppe-inbox";
/// The ClusterRole that the operator may bind in a tenant's namespace, and nothing else.
pub const TENANT_ROLE: &str = "steppe-tenant";
/// The name of the only `Cell` object.
pub const CELL: &str = "cell";
