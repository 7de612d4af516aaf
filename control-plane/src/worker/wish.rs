//! What a cell is told about a server: made from rows alone.

use crd::instance::{ExportPolicy, Owner, Settings};
use crd::{InstanceSpec, Mode};
use domain::operation::Kind;
use domain::{Hold, HoldKind, mode};
use jiff::Timestamp;
use names::Revision;

use crate::store::instance::Instance;

/// How many characters of a legal hold's reason a cell takes.
const REASON: usize = 300;

/// The wish for a server, all of it: the same rows always make the same wish.
///
/// `claim` is the recipient of our one-time key while the owner's first password is to come back or to be shown.
#[must_use]
pub fn wish(
    instance: &Instance,
    holds: &[Hold],
    operation: Kind,
    claim: Option<String>,
    revision: Revision,
    now: Timestamp,
) -> crd::Instance {
    let effective = mode::effective(instance.entitlement, holds, instance.closing.is_some(), Some(operation), now);
    let legal = holds.iter().find(|hold| hold.kind == HoldKind::Legal && hold.is_in_force(now));
    crd::Instance::new(
        instance.object_name.as_str(),
        InstanceSpec {
            flavour: instance.flavour,
            version: instance.software_version.clone(),
            size: instance.size,
            hostname: instance.hostname.clone(),
            owner: Owner { handle: instance.owner_handle.clone() },
            settings: Settings {
                title: instance.title.clone(),
                description: instance.description.clone(),
                contact_email: instance.contact_email.as_ref().map(ToString::to_string),
            },
            mode: in_cell(effective.mode),
            exports: ExportPolicy { recipient: instance.export_recipient.clone(), ..ExportPolicy::default() },
            owner_claim: claim,
            legal_hold: legal.map(|hold| hold.reason.chars().take(REASON).collect()),
            revision: Some(revision),
        },
    )
}

const fn in_cell(mode: domain::Mode) -> Mode {
    match mode {
        domain::Mode::Running => Mode::Running,
        domain::Mode::ReadOnly => Mode::ReadOnly,
        domain::Mode::Frozen => Mode::Frozen,
        domain::Mode::Closing => Mode::Closing,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use domain::closing::Closing;
    use domain::hold::Authority;
    use domain::{Entitlement, id};
    use uuid::Uuid;

    use super::*;
    use crate::store::instance::Observed;

    fn now() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    pub(crate) fn instance() -> Instance {
        let id = id::InstanceId::from(Uuid::from_u128(7));
        Instance {
            id,
            organization: Uuid::from_u128(1).into(),
            cell: Uuid::from_u128(2).into(),
            offer: Uuid::from_u128(3).into(),
            order: None,
            object_name: id.object_name(),
            hostname: "birds.example".parse().unwrap(),
            flavour: names::Flavour::Snac,
            software_version: "2.75".parse().unwrap(),
            size: names::Size::Small,
            owner_handle: "jo".parse().unwrap(),
            owner_email: "jo@mail.example".parse().unwrap(),
            title: Some("Birds".to_owned()),
            description: None,
            contact_email: None,
            export_recipient: None,
            entitlement: Entitlement::Full,
            closing: None,
            purged_at: None,
            revision: Revision(4),
            observed: Observed::default(),
            ready_at: None,
            claim_key_sealed: None,
            claim_answer: None,
            created_at: now(),
            version: 1,
        }
    }

    fn hold(kind: HoldKind) -> Hold {
        Hold::place(Uuid::from_u128(9).into(), kind, "a reason".to_owned(), Authority::Staff, now(), None).unwrap()
    }

    #[test]
    fn the_whole_wish() {
        let claim = Some("age1qqq".to_owned());
        let wish = wish(&instance(), &[hold(HoldKind::Legal)], Kind::ApplyInstance, claim, Revision(5), now());
        insta::assert_json_snapshot!(wish);
    }

    #[test]
    fn the_mode_follows_from_money_holds_and_closing() {
        let mode = |instance: &Instance, holds: &[Hold]| {
            wish(instance, holds, Kind::ApplyInstance, None, Revision(1), now()).spec.mode
        };
        let running = instance();
        assert_eq!(mode(&running, &[]), Mode::Running);
        assert_eq!(mode(&running, &[hold(HoldKind::Staff)]), Mode::Frozen);
        assert_eq!(mode(&Instance { entitlement: Entitlement::ReadOnly, ..instance() }, &[]), Mode::ReadOnly);
        let closing = Closing { at: now(), purge_after: now() };
        assert_eq!(mode(&Instance { closing: Some(closing), ..instance() }, &[hold(HoldKind::Staff)]), Mode::Closing);
    }

    #[test]
    fn nothing_of_people_goes_to_the_cell() {
        let text =
            serde_json::to_string(&wish(&instance(), &[], Kind::CreateInstance, None, Revision(1), now())).unwrap();
        assert!(!text.contains("mail.example"), "{text}");
    }
}
