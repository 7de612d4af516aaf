//! Whether a bundle may be taken away now. It contains everything a server is, so whoever has stolen a log-in must not
//! have it before its owner can notice.

use jiff::{SignedDuration, Timestamp};

use crate::{Right, Role};

/// How long no bundle leaves after the password or the mail address was changed: a day in which the mail that tells of it
/// is read.
pub const PAUSE: SignedDuration = SignedDuration::from_hours(24);

/// What is known about who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker {
    /// Their role in the organization of the server.
    pub role: Role,
    /// Until when their password counts as just entered.
    pub confirmed_until: Option<Timestamp>,
    /// Since when their account exists. The password that it was made with is no change.
    pub created_at: Timestamp,
    /// When their password was last set.
    pub password_changed_at: Timestamp,
    /// When their address was last set.
    pub email_changed_at: Timestamp,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Download {
    /// Yes.
    Ok,
    /// The password must be entered again first.
    PasswordNeeded,
    /// Not before then: the password or the address was changed a short while ago.
    Wait {
        /// When the pause is over.
        until: Timestamp,
    },
    /// It is not theirs to take.
    Refused,
}

/// Whether a bundle may be taken away now.
#[must_use]
pub fn decide(asker: &Asker, now: Timestamp) -> Download {
    if !asker.role.may(Right::Download) {
        return Download::Refused;
    }
    let changed = [asker.password_changed_at, asker.email_changed_at];
    let pause = changed.into_iter().filter(|at| *at > asker.created_at).map(|at| at + PAUSE).max();
    if let Some(until) = pause.filter(|until| now < *until) {
        return Download::Wait { until };
    }
    match asker.confirmed_until.is_some_and(|until| now < until) {
        true => Download::Ok,
        false => Download::PasswordNeeded,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000).unwrap() + SignedDuration::from_hours(hour)
    }

    /// An owner with an account as old as the epoch of this test, who has just entered the password at hour 100.
    fn owner() -> Asker {
        Asker {
            role: Role::Owner,
            confirmed_until: Some(at(101)),
            created_at: at(0),
            password_changed_at: at(0),
            email_changed_at: at(0),
        }
    }

    #[test]
    fn the_owner_who_has_just_entered_the_password() {
        assert_eq!(decide(&owner(), at(100)), Download::Ok);
        assert_eq!(decide(&owner(), at(101)), Download::PasswordNeeded);
        assert_eq!(decide(&Asker { confirmed_until: None, ..owner() }, at(100)), Download::PasswordNeeded);
    }

    #[test]
    fn a_new_account_does_not_wait_for_its_own_first_password() {
        let asker = Asker { confirmed_until: Some(at(2)), ..owner() };
        assert_eq!(decide(&asker, at(1)), Download::Ok);
    }

    #[test]
    fn a_day_after_a_change_of_either() {
        let password = Asker { password_changed_at: at(90), ..owner() };
        assert_eq!(decide(&password, at(100)), Download::Wait { until: at(114) });
        let both = Asker { email_changed_at: at(95), ..password };
        assert_eq!(decide(&both, at(100)), Download::Wait { until: at(119) });
        let later = Asker { confirmed_until: Some(at(120)), ..both };
        assert_eq!(decide(&later, at(119)), Download::Ok);
    }

    #[test]
    fn nobody_else_is_told_more_than_no() {
        for role in [Role::Admin, Role::Moderator, Role::Billing] {
            assert_eq!(decide(&Asker { role, password_changed_at: at(99), ..owner() }, at(100)), Download::Refused);
        }
    }

    proptest! {
        #[test]
        fn a_yes_has_all_its_reasons(
            role in select(Role::ALL), confirmed in proptest::option::of(0_i64..200), password in 0_i64..200, email in 0_i64..200, now in 0_i64..200,
        ) {
            let asker = Asker { role, confirmed_until: confirmed.map(at), created_at: at(0), password_changed_at: at(password), email_changed_at: at(email) };
            if decide(&asker, at(now)) == Download::Ok {
                prop_assert_eq!(role, Role::Owner);
                prop_assert!(confirmed.unwrap() > now);
                prop_assert!(password == 0 || now >= password + 24);
                prop_assert!(email == 0 || now >= email + 24);
            }
        }
    }
}
