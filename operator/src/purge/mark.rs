//! Marks that the purger writes on objects.

/// On a volume: the uid of the purge that lets it go. The admission policy of volumes rests on it: only the purger may
/// write it, and without it nobody may delete the volume.
pub const PURGE_UID: &str = "steppe.host/purge-uid";
