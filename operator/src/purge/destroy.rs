//! What is destroyed next. Computed from what is there, never from what was done, so that a purger that was killed
//! between any two writes goes on where it is.

use super::decide::NamespaceSeen;

/// The finalizer's holder and how far it has been taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceSeen {
    /// Its name.
    pub name: String,
    /// The version that was read.
    pub version: String,
    /// What the pause annotation says, if it is there.
    pub paused_by: Option<String>,
    /// Whether the operator said that it changes nothing any more.
    pub paused: bool,
    /// Whether it is being deleted.
    pub deleted: bool,
}

/// A volume of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeSeen {
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// The version that was read.
    pub version: String,
    /// Whether it carries this purge's mark and, where the volume is to go, the policy that lets it.
    pub released: bool,
    /// What hinders its removal, as the cluster says it.
    pub trouble: Option<String>,
}

/// What is there of a server whose purge has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scene {
    /// The purge's uid, which marks what it has taken hold of.
    pub purge: String,
    /// Whether a bundle outlives the server; if not, its volume is kept.
    pub proven: bool,
    /// The instance, if it is still there and the same.
    pub instance: Option<InstanceSeen>,
    /// The tenant's namespace, if it is there and the instance's.
    pub namespace: Option<NamespaceSeen>,
    /// Its volumes.
    pub volumes: Vec<VolumeSeen>,
    /// Keys of older bundles' objects, in the order in which they go.
    pub leavings: Vec<String>,
}

/// The next thing to do. Whatever comes after is decided by a new look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Tell the operator to keep its hands off.
    Pause,
    /// The operator has not said yet that it will.
    AwaitPause,
    /// Delete the namespace with this uid.
    DeleteNamespace(NamespaceSeen),
    /// It is being emptied.
    AwaitNamespace(String),
    /// Let this volume go.
    Release(VolumeSeen),
    /// It is being removed by its provisioner.
    AwaitVolume(VolumeSeen),
    /// Delete these objects.
    DeleteObjects(Vec<String>),
    /// Record that there will be one instance less, then remove it.
    RemoveInstance(InstanceSeen),
    /// Take the finalizer off.
    Unhold(InstanceSeen),
    /// Nothing is left to do.
    Finish,
}

impl Next {
    /// How much is done when the namespace is about to be deleted: the point of no return.
    pub const DELETING_PERCENT: u8 = 20;

    /// The step as written in the status.
    #[must_use]
    pub const fn step(&self) -> &'static str {
        match self {
            Self::Pause | Self::AwaitPause => "Pausing",
            Self::DeleteNamespace(_) | Self::AwaitNamespace(_) => DELETING,
            Self::Release(_) | Self::AwaitVolume(_) => "ReleasingVolume",
            Self::DeleteObjects(_) => "RemovingOldBundles",
            Self::RemoveInstance(_) | Self::Unhold(_) => "RemovingInstance",
            Self::Finish => "Finished",
        }
    }

    /// How much is done before it, in percent.
    #[must_use]
    pub const fn percent(&self) -> u8 {
        match self {
            Self::Pause | Self::AwaitPause => 10,
            Self::DeleteNamespace(_) => Self::DELETING_PERCENT,
            Self::AwaitNamespace(_) => 30,
            Self::Release(_) => 50,
            Self::AwaitVolume(_) => 60,
            Self::DeleteObjects(_) => 70,
            Self::RemoveInstance(_) => 80,
            Self::Unhold(_) => 90,
            Self::Finish => 100,
        }
    }

    /// What is waited for, in words; empty when there is something to do.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::AwaitPause => "waiting for the operator to say Paused on the instance".to_owned(),
            Self::AwaitNamespace(name) => format!("namespace {name} is being emptied"),
            Self::AwaitVolume(volume) => match &volume.trouble {
                Some(trouble) => format!("volume {} cannot be removed ({trouble}): remove it by hand", volume.name),
                None => format!("volume {} is being removed by its provisioner", volume.name),
            },
            Self::Pause
            | Self::DeleteNamespace(_)
            | Self::Release(_)
            | Self::DeleteObjects(_)
            | Self::RemoveInstance(_)
            | Self::Unhold(_)
            | Self::Finish => String::new(),
        }
    }
}

/// The step from which on there is no way back: it is written down before the namespace is deleted.
pub const DELETING: &str = "DeletingNamespace";

/// What the pause annotation says while a purge is at work.
#[must_use]
pub fn pause_mark(purge_uid: &str) -> String {
    format!("purge {purge_uid}")
}

/// Decides.
#[must_use]
pub fn next(scene: &Scene) -> Next {
    if let Some(instance) = &scene.instance {
        if instance.paused_by.is_none() {
            return Next::Pause;
        }
        if !instance.paused {
            return Next::AwaitPause;
        }
    }
    if let Some(namespace) = &scene.namespace {
        return if namespace.terminating {
            Next::AwaitNamespace(namespace.name.clone())
        } else {
            Next::DeleteNamespace(namespace.clone())
        };
    }
    if let Some(volume) = scene.volumes.iter().find(|volume| !volume.released) {
        return Next::Release(volume.clone());
    }
    if let Some(volume) = scene.volumes.first().filter(|_| scene.proven) {
        return Next::AwaitVolume(volume.clone());
    }
    if scene.proven && !scene.leavings.is_empty() {
        return Next::DeleteObjects(scene.leavings.clone());
    }
    match &scene.instance {
        Some(instance) if instance.deleted => Next::Unhold(instance.clone()),
        Some(instance) => Next::RemoveInstance(instance.clone()),
        None => Next::Finish,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene() -> Scene {
        Scene {
            purge: "p".into(),
            proven: true,
            instance: Some(InstanceSeen {
                name: "birds".into(),
                version: "7".into(),
                paused_by: None,
                paused: false,
                deleted: false,
            }),
            namespace: Some(NamespaceSeen {
                name: "steppe-t-birds".into(),
                uid: "n".into(),
                instance_uid: Some("i".into()),
                terminating: false,
                pods: vec![],
            }),
            volumes: vec![VolumeSeen {
                name: "pv-1".into(),
                uid: "v".into(),
                version: "9".into(),
                released: false,
                trouble: None,
            }],
            leavings: vec!["bundles/i/old/manifest.json".into()],
        }
    }

    /// Plays the cluster: does what it is told, at once.
    fn obey(scene: &mut Scene, next: &Next) {
        match next {
            Next::Pause => scene.instance.as_mut().unwrap().paused_by = Some(pause_mark("p")),
            Next::AwaitPause => scene.instance.as_mut().unwrap().paused = true,
            Next::DeleteNamespace(_) => scene.namespace.as_mut().unwrap().terminating = true,
            Next::AwaitNamespace(_) => scene.namespace = None,
            Next::Release(_) => scene.volumes[0].released = true,
            Next::AwaitVolume(_) => scene.volumes.clear(),
            Next::DeleteObjects(_) => scene.leavings.clear(),
            Next::RemoveInstance(_) => scene.instance.as_mut().unwrap().deleted = true,
            Next::Unhold(_) => scene.instance = None,
            Next::Finish => {}
        }
    }

    fn course(mut scene: Scene) -> Vec<Next> {
        let mut course = Vec::new();
        while course.last() != Some(&Next::Finish) {
            assert!(course.len() < 20, "it does not end: {course:?}");
            let next = next(&scene);
            obey(&mut scene, &next);
            course.push(next);
        }
        course
    }

    #[test]
    fn the_course_of_a_purge() {
        let steps: Vec<_> =
            course(scene()).iter().map(|next| format!("{:>3} {}", next.percent(), next.step())).collect();
        insta::assert_snapshot!(steps.join("\n"), @r"
         10 Pausing
         10 Pausing
         20 DeletingNamespace
         30 DeletingNamespace
         50 ReleasingVolume
         60 ReleasingVolume
         70 RemovingOldBundles
         80 RemovingInstance
         90 RemovingInstance
        100 Finished
        ");
    }

    #[test]
    fn percent_never_falls() {
        let course = course(scene());
        assert!(course.is_sorted_by_key(Next::percent));
    }

    #[test]
    fn nothing_goes_before_the_operator_has_let_go() {
        let mut scene = scene();
        for paused_by in [None, Some("a person".to_owned())] {
            scene.instance.as_mut().unwrap().paused_by = paused_by;
            assert!(matches!(next(&scene), Next::Pause | Next::AwaitPause));
        }
    }

    #[test]
    fn the_volume_keeps_its_policy_until_the_namespace_is_gone() {
        for next in course(scene()) {
            if let Next::Release(_) | Next::AwaitVolume(_) = next {
                return;
            }
            assert!(!matches!(next, Next::RemoveInstance(_) | Next::Unhold(_) | Next::Finish));
        }
        panic!("no volume was released");
    }

    #[test]
    fn without_a_bundle_volume_and_bundles_stay() {
        let course = course(Scene { proven: false, ..scene() });
        assert!(course.iter().any(|next| matches!(next, Next::Release(_))));
        assert!(!course.iter().any(|next| matches!(next, Next::AwaitVolume(_) | Next::DeleteObjects(_))));
    }

    #[test]
    fn a_volume_that_cannot_go_is_named() {
        let mut volume = scene().volumes.remove(0);
        volume.trouble = Some("Failed: no such plugin".into());
        let message = Next::AwaitVolume(volume).message();
        assert!(message.contains("pv-1") && message.contains("no such plugin"), "{message}");
    }
}
