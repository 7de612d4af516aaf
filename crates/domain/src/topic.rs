//! Topics of the outbox: the facts that live pages, mails and whoever else follows along are told.

words! {
    /// What a fact is about. A reader that does not know a topic passes over it.
    pub enum Topic, "topic" {
        /// An account, its sessions or its address changed.
        Account = "account",
        /// An organization, its members or invitations changed.
        Organization = "organization",
        /// An order went to another state.
        Order = "order",
        /// What is wanted of a server changed: settings, holds, closing, entitlement.
        Instance = "instance",
        /// What is seen of a server changed: mode, conditions, address.
        InstanceSeen = "instance.seen",
        /// An operation moved: state, step, percent, log.
        Operation = "operation",
        /// A bundle was begun, made, failed or expired.
        Export = "export",
        /// A change to an account on a server was begun, done or failed.
        AccountChange = "account-change",
        /// A hold was placed, lifted or ended.
        Hold = "hold",
        /// A place became free, or an order joined or left the waitlist.
        Waitlist = "waitlist",
        /// A report of abuse came in or was answered.
        Report = "report",
        /// A cell was reached or lost, or its room changed.
        Cell = "cell",
        /// Something has taken too long or was given up: for staff.
        Alarm = "alarm",
    }
}

impl Topic {
    /// Whether members of the organization may be told, on their own pages.
    #[must_use]
    pub const fn is_for_customers(self) -> bool {
        match self {
            Self::Account
            | Self::Organization
            | Self::Order
            | Self::Instance
            | Self::InstanceSeen
            | Self::Operation
            | Self::Export
            | Self::AccountChange
            | Self::Hold
            | Self::Waitlist => true,
            Self::Report | Self::Cell | Self::Alarm => false,
        }
    }
}
