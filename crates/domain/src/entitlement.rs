//! What money allows.

words! {
    /// What a server may do as far as money is concerned, from most to least.
    pub enum Entitlement, "entitlement" {
        /// Everything.
        Full = "full",
        /// Being read. Payment has failed for good; nothing is lost and export works.
        ReadOnly = "read-only",
        /// Nothing but being exported: there is no subscription any more, or not yet.
        None = "none",
    }
}
