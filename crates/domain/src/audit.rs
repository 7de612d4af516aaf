//! What the audit log tells: one stable word for each thing that people or the system do.

words! {
    /// Something that was done. The word never changes: what is in the log stays there.
    pub enum Action, "action" {
        /// An account was made.
        AccountSignUp = "account.sign-up",
        /// Its address was confirmed.
        AccountConfirm = "account.confirm",
        /// Its name or language was changed.
        AccountUpdate = "account.update",
        /// Its password was changed by someone who knew the old one.
        AccountChangePassword = "account.change-password",
        /// A new password was asked for by mail.
        AccountAskReset = "account.ask-reset",
        /// Its password was replaced through a mailed link.
        AccountReset = "account.reset",
        /// Another address was asked for.
        AccountAskEmail = "account.ask-email",
        /// Its address was changed.
        AccountChangeEmail = "account.change-email",
        /// Terms were agreed to.
        AccountAgree = "account.agree",
        /// It was deleted.
        AccountDelete = "account.delete",
        /// Someone logged in.
        SessionBegin = "session.begin",
        /// A log-in failed for an account that exists.
        SessionRefused = "session.refused",
        /// The password was entered again.
        SessionConfirm = "session.confirm",
        /// A session was ended.
        SessionEnd = "session.end",
        /// All other sessions of an account were ended.
        SessionEndOthers = "session.end-others",
        /// An organization was made.
        OrganizationCreate = "organization.create",
        /// It was renamed.
        OrganizationRename = "organization.rename",
        /// It was given to another member.
        OrganizationHandOver = "organization.hand-over",
        /// It was deleted.
        OrganizationDelete = "organization.delete",
        /// How many servers it may have was changed by staff.
        OrganizationLimit = "organization.limit",
        /// Someone was invited.
        MemberInvite = "member.invite",
        /// An invitation was taken back.
        MemberRevokeInvitation = "member.revoke-invitation",
        /// An invitation was accepted.
        MemberJoin = "member.join",
        /// A member's role was changed.
        MemberRole = "member.role",
        /// A member was removed.
        MemberRemove = "member.remove",
        /// A member left.
        MemberLeave = "member.leave",
        /// An API token was made.
        TokenCreate = "token.create",
        /// An API token was revoked.
        TokenRevoke = "token.revoke",
        /// A server was ordered.
        OrderPlace = "order.place",
        /// A freed place was offered to an order that waited.
        OrderOffer = "order.offer",
        /// An offered place was accepted.
        OrderAccept = "order.accept",
        /// An order was approved by staff.
        OrderApprove = "order.approve",
        /// An order was declined by staff.
        OrderDecline = "order.decline",
        /// An order was cancelled.
        OrderCancel = "order.cancel",
        /// Where the owner of an ordered server reads mail was corrected.
        OrderCorrect = "order.correct",
        /// A failed order was tried again.
        OrderRetry = "order.retry",
        /// An order ended because nobody acted in time.
        OrderExpire = "order.expire",
        /// A server became ready for the first time.
        InstanceReady = "instance.ready",
        /// A server's settings were changed.
        InstanceSettings = "instance.settings",
        /// A server was paused by its people.
        InstancePause = "instance.pause",
        /// That pause was ended.
        InstanceResume = "instance.resume",
        /// A server was closed.
        InstanceClose = "instance.close",
        /// A closing was taken back.
        InstanceReopen = "instance.reopen",
        /// The password of a server's owner was shown.
        InstanceShowClaim = "instance.show-claim",
        /// A new password for a server's owner was asked for.
        InstanceResetOwner = "instance.reset-owner",
        /// An account was added to a server.
        InstanceAddUser = "instance.add-user",
        /// An account on a server got a new password.
        InstanceResetUser = "instance.reset-user",
        /// An account was removed from a server.
        InstanceRemoveUser = "instance.remove-user",
        /// The key to which a server's bundles are sealed was changed.
        InstanceExportKey = "instance.export-key",
        /// What a server's subscription allows changed.
        InstanceEntitlement = "instance.entitlement",
        /// A server was adopted from its cell.
        InstanceAdopt = "instance.adopt",
        /// A server's data were destroyed.
        InstancePurge = "instance.purge",
        /// A hold was placed.
        HoldPlace = "hold.place",
        /// What is said about a hold was changed.
        HoldChange = "hold.change",
        /// A hold was lifted.
        HoldLift = "hold.lift",
        /// A hold ended by itself.
        HoldEnd = "hold.end",
        /// An export was asked for.
        ExportStart = "export.start",
        /// A bundle's own key was asked for, or shown.
        ExportKey = "export.key",
        /// A bundle, or a part of it, was taken away.
        ExportDownload = "export.download",
        /// An operation was asked to stop.
        OperationCancel = "operation.cancel",
        /// An operation that had been given up was tried again.
        OperationRetry = "operation.retry",
        /// Someone reported abuse.
        ReportFile = "report.file",
        /// A report was answered.
        ReportAnswer = "report.answer",
        /// A report was closed.
        ReportClose = "report.close",
        /// A closed report was taken up again.
        ReportReopen = "report.reopen",
        /// Someone of staff was added.
        StaffCreate = "staff.create",
        /// Someone of staff was shut out.
        StaffDisable = "staff.disable",
        /// Someone of staff logged in.
        StaffSessionBegin = "staff.session-begin",
        /// A log-in of staff failed.
        StaffSessionRefused = "staff.session-refused",
        /// A session of staff was ended.
        StaffSessionEnd = "staff.session-end",
        /// Staff got a token for the staff API.
        StaffToken = "staff.token",
        /// Offers were changed.
        OfferSync = "offer.sync",
        /// A cell was added.
        CellCreate = "cell.create",
        /// Whether a cell takes new servers was changed.
        CellOpen = "cell.open",
        /// How much room a cell has was changed.
        CellRoom = "cell.room",
        /// Somebody looked at a cell to which nothing was written, and it is written to again.
        CellTrust = "cell.trust",
    }
}

impl Action {
    /// What it is done to: the part before the dot.
    #[must_use]
    pub fn noun(self) -> &'static str {
        self.as_str().split_once('.').map_or(self.as_str(), |(noun, _)| noun)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn words_are_stable() {
        insta::assert_snapshot!(Action::ALL.iter().map(|action| action.as_str()).collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn each_has_a_word_of_its_own_made_of_noun_and_verb() {
        let words: BTreeSet<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(words.len(), Action::ALL.len());
        for action in Action::ALL {
            let (noun, verb) = action.as_str().split_once('.').unwrap();
            assert_eq!(action.noun(), noun);
            let plain =
                |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') && !word.is_empty();
            assert!(plain(noun) && plain(verb), "{action}");
        }
    }
}
