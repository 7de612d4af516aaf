//! What members of an organization may do, as one table.

words! {
    /// What someone is in an organization. Each organization has one owner.
    pub enum Role, "role" {
        /// Whose it is. May do everything, and alone what hands a server over whole.
        Owner = "owner",
        /// Runs it day by day: orders, settings, people.
        Admin = "admin",
        /// Looks after those who live on the servers.
        Moderator = "moderator",
        /// Pays.
        Billing = "billing",
    }
}

words! {
    /// Something that can be done in an organization.
    pub enum Right, "right" {
        /// See the servers, their state and their history of work.
        See = "see",
        /// Order servers, cancel and retry orders, take offered places.
        Order = "order",
        /// Change title, description and contact of a server.
        Settings = "settings",
        /// Pause a server and lift that pause.
        Pause = "pause",
        /// Close a server.
        Close = "close",
        /// Take a closing back. It only ever brings something back.
        UndoClose = "undo-close",
        /// Start an export.
        Export = "export",
        /// Take a bundle away. It contains everything, keys and passwords among it.
        Download = "download",
        /// Add people to a server whose software has no sign-up, and give them new passwords.
        AddUsers = "add-users",
        /// Give the server's owner a new password.
        ResetOwnerLogin = "reset-owner-login",
        /// Read the password of the server's owner, once.
        SeeClaim = "see-claim",
        /// See who is in the organization.
        SeeMembers = "see-members",
        /// Change the role of members and remove them, those that [`Role::may_manage`] allows.
        Members = "members",
        /// Invite people.
        Invite = "invite",
        /// Make API tokens and revoke them. Whoever has none of this right may still revoke their own.
        Tokens = "tokens",
        /// See what is paid and change how.
        Billing = "billing",
        /// Rename the organization.
        Rename = "rename",
        /// Give the organization to another member.
        HandOver = "hand-over",
        /// Delete the organization.
        DeleteOrganization = "delete-organization",
        /// Read who did what.
        SeeAudit = "see-audit",
    }
}

impl Role {
    /// The one table of what roles may do.
    #[must_use]
    pub const fn may(self, right: Right) -> bool {
        match right {
            Right::See | Right::SeeMembers => match self {
                Self::Owner | Self::Admin | Self::Moderator | Self::Billing => true,
            },
            Right::AddUsers | Right::SeeAudit => match self {
                Self::Owner | Self::Admin | Self::Moderator => true,
                Self::Billing => false,
            },
            Right::Order
            | Right::Settings
            | Right::Pause
            | Right::UndoClose
            | Right::Export
            | Right::Members
            | Right::Invite
            | Right::Tokens
            | Right::Rename => match self {
                Self::Owner | Self::Admin => true,
                Self::Moderator | Self::Billing => false,
            },
            Right::Billing => match self {
                Self::Owner | Self::Billing => true,
                Self::Admin | Self::Moderator => false,
            },
            Right::Close
            | Right::Download
            | Right::ResetOwnerLogin
            | Right::SeeClaim
            | Right::HandOver
            | Right::DeleteOrganization => match self {
                Self::Owner => true,
                Self::Admin | Self::Moderator | Self::Billing => false,
            },
        }
    }

    /// Whether someone of this role may give, change or take away the role `other`. Nobody makes an owner this way: the
    /// organization is handed over. Admins do not make admins, so that one stolen log-in does not multiply.
    #[must_use]
    pub const fn may_manage(self, other: Self) -> bool {
        match (self, other) {
            (Self::Owner, Self::Admin | Self::Moderator | Self::Billing)
            | (Self::Admin, Self::Moderator | Self::Billing) => true,
            (Self::Owner, Self::Owner)
            | (Self::Admin, Self::Owner | Self::Admin)
            | (Self::Moderator | Self::Billing, _) => false,
        }
    }
}

impl Right {
    /// Whether the password must have been entered again a short while ago: what is handed out cannot be taken back, or
    /// something ends.
    #[must_use]
    pub const fn needs_password(self) -> bool {
        match self {
            Self::Close
            | Self::Download
            | Self::ResetOwnerLogin
            | Self::SeeClaim
            | Self::Tokens
            | Self::HandOver
            | Self::DeleteOrganization => true,
            Self::See
            | Self::Order
            | Self::Settings
            | Self::Pause
            | Self::UndoClose
            | Self::Export
            | Self::AddUsers
            | Self::SeeMembers
            | Self::Members
            | Self::Invite
            | Self::Billing
            | Self::Rename
            | Self::SeeAudit => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> String {
        let mut table = format!("{:<22}", "");
        for role in Role::ALL {
            table += &format!("{:<11}", role.as_str());
        }
        table += "password again";
        for right in Right::ALL {
            table += &format!("\n{:<22}", right.as_str());
            for role in Role::ALL {
                table += &format!("{:<11}", if role.may(*right) { "yes" } else { "-" });
            }
            table += if right.needs_password() { "yes" } else { "-" };
        }
        table
    }

    #[test]
    fn who_may_do_what() {
        insta::assert_snapshot!(table());
    }

    #[test]
    fn an_owner_may_do_everything() {
        assert!(Right::ALL.iter().all(|right| Role::Owner.may(*right)));
    }

    #[test]
    fn who_pays_changes_no_server() {
        let rights: Vec<_> = Right::ALL.iter().filter(|right| Role::Billing.may(**right)).collect();
        assert_eq!(rights, [&Right::See, &Right::SeeMembers, &Right::Billing]);
    }

    #[test]
    fn nobody_manages_their_equal_or_better() {
        for role in Role::ALL {
            for other in Role::ALL {
                assert!(!(role.may_manage(*other) && other <= role), "{role} managed {other}");
                assert!(!role.may_manage(*other) || role.may(Right::Members), "{role} managed {other}");
            }
        }
    }
}
