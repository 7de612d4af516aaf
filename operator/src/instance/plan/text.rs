//! A decision as text, for people and for snapshots.

use std::fmt::{self, Write as _};

use super::{Birth, Decision, NamespacePlan, Plan, ProbePlan};
use crate::apply::Object;
use crate::instance::power::Power;

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Paused(by) => writeln!(f, "nothing: {by} is paused"),
            Self::Refused(refusal) => {
                writeln!(f, "nothing: {}: {}", refusal.reason, refusal.message)
            }
            Self::Carry(plan) => plan.fmt(f),
        }
    }
}

impl fmt::Display for Plan {
    /// What is done, line by line, in the order in which it is done. `{:#}` adds each object whole.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            wish: _,
            hold,
            namespace,
            bounds,
            surroundings,
            ingress,
            birth,
            claim,
            volume,
            server,
            prune,
            probe,
            power,
            missing,
            doubt,
        } = self;
        let (mode, why) = self.mode();
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        writeln!(f, "mode {}{why}", mode.as_str())?;
        writeln!(f, "{}", power_text(power))?;
        for (word, what) in [("missing", missing), ("warn", doubt)] {
            if let Some(what) = what {
                writeln!(f, "{word} {}: {}", what.reason, what.message)?;
            }
        }
        if *hold {
            writeln!(f, "add finalizer to the Instance")?;
        }
        match namespace {
            NamespacePlan::Create(object) => show(f, "create", object)?,
            NamespacePlan::Apply(object) => show(f, "apply", object)?,
        }
        for object in bounds.iter().chain(surroundings) {
            show(f, "apply", object)?;
        }
        show(f, "apply", ingress)?;
        if let Some(object) = server.as_ref().filter(|_| !power.is_on()) {
            show(f, "apply", object)?;
        }
        for object in claim.iter().chain(volume) {
            show(f, "apply", object)?;
        }
        birth_text(f, birth)?;
        if let Some(object) = server.as_ref().filter(|_| power.is_on()) {
            show(f, "apply", object)?;
        }
        for held in prune {
            writeln!(f, "delete {} (uid {})", held.path(), held.uid)?;
        }
        match probe {
            ProbePlan::Watch(probed) => {
                writeln!(f, "probe {} and {}", probed.service.url, probed.public.url)
            }
            ProbePlan::Leave => writeln!(f, "probe when a pod is ready"),
            ProbePlan::Forget => writeln!(f, "probe nothing"),
        }
    }
}

fn power_text(power: &Power) -> String {
    match power {
        Power::Off(rest) => format!("server off: {}", rest.reason()),
        Power::Announce => "server off: its start is announced first".to_owned(),
        Power::Wait(why) => format!("server off: its start waits, because {why}"),
        Power::On => "server on".to_owned(),
    }
}

fn birth_text(f: &mut fmt::Formatter<'_>, birth: &Birth) -> fmt::Result {
    match birth {
        Birth::Over => Ok(()),
        Birth::Restore(record) => writeln!(f, "record again the identity {}", record.identity.fingerprint),
        Birth::Begin(job) => {
            writeln!(f, "create Secret identity, if there is none")?;
            show(f, "create", job)
        }
        Birth::Wait { reason, message } => writeln!(f, "wait for the birth: {reason}: {message}"),
        Birth::Again { message } => writeln!(f, "repeat the birth: {message}"),
        Birth::Finish(record) => {
            if let Some(escrow) = &record.escrow {
                writeln!(f, "put {} if there is none", escrow.key)?;
            }
            writeln!(f, "record the identity {}", record.identity.fingerprint)
        }
    }
}

fn show(f: &mut fmt::Formatter<'_>, verb: &str, object: &Object) -> fmt::Result {
    write!(f, "{verb} {object}")?;
    if let Some(uid) = &object.uid {
        write!(f, " (only uid {uid})")?;
    }
    if object.unseen_writes_refused {
        write!(f, " (only if nobody wrote since)")?;
    }
    writeln!(f)?;
    if f.alternate() {
        let mut body = object.body.clone();
        if let Some(fields) = body.as_object_mut() {
            fields.remove("apiVersion");
            fields.remove("kind");
        }
        let text = serde_saphyr::to_string(&body).map_err(|_| fmt::Error)?;
        let mut indented = String::new();
        for line in text.lines() {
            writeln!(indented, "    {line}")?;
        }
        f.write_str(&indented)?;
    }
    Ok(())
}
