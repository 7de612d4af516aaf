//! `job account`: adds or removes an account, or gives one a new password, beside the running server or without it.
//!
//! What is going to be done is written down on the volume first, under the work's uid, so that a repeat after a kill can
//! tell its own half-done work from somebody else's account.

use std::path::PathBuf;

use age::secrecy::ExposeSecret as _;
use names::{Flavour, Handle};
use serde::{Deserialize, Serialize};

use super::birth::{recipient, seal};
use super::durable;
use super::identity::Volume;
use super::outcome::Failure;
use super::snac::Snac;
use crate::clock::Random;

/// What the work needs to know.
#[derive(Debug, Clone, clap::Args)]
pub struct AccountArgs {
    /// The software; only snac is built.
    #[arg(long, default_value = "snac")]
    pub flavour: Flavour,
    /// The uid of the work object.
    #[arg(long)]
    pub work_uid: uuid::Uuid,
    /// What to do.
    #[arg(long, value_enum)]
    pub action: Action,
    /// To which account.
    #[arg(long)]
    pub handle: Handle,
    /// The one-time recipient for the new password.
    #[arg(long)]
    pub claim: Option<String>,
    /// Where the volume is mounted.
    #[arg(long, default_value = "/data")]
    pub data: PathBuf,
    /// The flavour's program.
    #[arg(long, default_value = "snac")]
    pub program: PathBuf,
}

/// What to do to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Make it, with a new password.
    Add,
    /// Give it a new password.
    ResetLogin,
    /// Remove it with all it posted.
    Remove,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The new password, sealed to the claim.
    pub claim: Option<String>,
}

/// The record of a piece of work on the volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Marker {
    action: Action,
    handle: Handle,
    done: bool,
}

/// What is to be done next, decided from the record and from what is there of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Write the record, then make the account.
    Make,
    /// Remove the half of an account that an earlier try of this work left behind, then make it.
    MakeAgain,
    /// Only a new password.
    SetPassword,
    /// Write the record, then remove the account.
    Remove,
    /// Remove what an earlier try of this work left.
    RemoveRest,
    /// Nothing.
    Nothing,
}

/// How much there is of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    None,
    Half,
    Whole,
}

/// Does the work, or what is left of it.
///
/// # Errors
/// [`super::outcome::REFUSED`] when there is such an account already, or none.
pub fn run(args: &AccountArgs, random: &dyn Random) -> Result<Changed, Failure> {
    super::only_snac(args.flavour)?;
    let claim = recipient("claim", args.claim.as_deref())?;
    let volume = Volume::at(&args.data);
    let owner = volume
        .identity()?
        .ok_or_else(|| Failure::identity("the volume has no identity.json: it is empty, or another one"))?
        .handle;
    if args.action == Action::Remove && args.handle == owner {
        return Err(Failure::refused(
            "OwnerRefused",
            format!("{owner} owns the server; this account cannot be removed"),
        ));
    }
    let _lock = volume.lock()?;
    let snac = Snac::new(&args.program, volume.home());
    let done = read_marker(&volume, args)?;
    let presence = presence(&snac, &args.handle);
    let next = next(args.action, done, presence).ok_or_else(|| refusal(args))?;
    tracing::info!(action = ?args.action, handle = %args.handle, ?presence, ?next, "account");
    carry_out(next, &volume, &snac, args)?;
    let claim = if args.action == Action::Remove {
        None
    } else {
        // An earlier try may have been killed right after the account was made.
        snac.mend_key(&args.handle)?;
        let password = snac.new_password(&args.handle, random)?;
        seal(claim.as_ref(), password.expose_secret().as_bytes())?
    };
    write_marker(&volume, args, true)?;
    Ok(Changed { claim })
}

/// `done`: what this work's record says, if there is one. `None` as the answer: it cannot be done.
fn next(action: Action, done: Option<bool>, presence: Presence) -> Option<Next> {
    match (action, done, presence) {
        (Action::Add, None | Some(false), Presence::None) => Some(Next::Make),
        (Action::Add, Some(false), Presence::Half) => Some(Next::MakeAgain),
        (Action::Add, Some(_), Presence::Whole) => Some(Next::SetPassword),
        (Action::Add, None, Presence::Half | Presence::Whole) => None,
        // It was made, and somebody removed it since.
        (Action::Add, Some(true), Presence::None | Presence::Half) => None,
        (Action::ResetLogin, _, Presence::Whole) => Some(Next::SetPassword),
        (Action::ResetLogin, _, Presence::None | Presence::Half) => None,
        (Action::Remove, Some(true), _) | (Action::Remove, Some(false), Presence::None) => Some(Next::Nothing),
        // A broken account may be removed by whoever asks for it, never overwritten by an addition.
        (Action::Remove, None | Some(false), Presence::Half) => Some(Next::RemoveRest),
        (Action::Remove, None | Some(false), Presence::Whole) => Some(Next::Remove),
        (Action::Remove, None, Presence::None) => None,
    }
}

fn carry_out(next: Next, volume: &Volume, snac: &Snac, args: &AccountArgs) -> Result<(), Failure> {
    let handle = &args.handle;
    match next {
        Next::Make => {
            write_marker(volume, args, false)?;
            snac.add_user(handle)
        }
        Next::MakeAgain => {
            snac.remove_rest(handle)?;
            snac.add_user(handle)
        }
        Next::Remove => {
            write_marker(volume, args, false)?;
            snac.remove_user(handle)?;
            snac.remove_rest(handle)
        }
        Next::RemoveRest => snac.remove_rest(handle),
        Next::SetPassword | Next::Nothing => Ok(()),
    }
}

fn refusal(args: &AccountArgs) -> Failure {
    let handle = &args.handle;
    match args.action {
        Action::Add => {
            Failure::refused("AccountExists", format!("there is an account {handle} already; choose another name"))
        }
        Action::ResetLogin | Action::Remove => {
            Failure::refused("AccountMissing", format!("there is no account {handle} on this server"))
        }
    }
}

fn presence(snac: &Snac, handle: &Handle) -> Presence {
    match (snac.has_user_folder(handle), snac.has_user(handle)) {
        (false, _) => Presence::None,
        (true, false) => Presence::Half,
        (true, true) => Presence::Whole,
    }
}

/// Whether this work has ended, if it has begun.
fn read_marker(volume: &Volume, args: &AccountArgs) -> Result<Option<bool>, Failure> {
    let path = volume.marker(&args.work_uid.to_string());
    let text = durable::read(&path).map_err(|e| Failure::again(format!("reading {}", path.display()), e))?;
    let Some(text) = text else { return Ok(None) };
    let marker: Marker =
        serde_json::from_str(&text).map_err(|e| Failure::again(format!("reading {}", path.display()), e))?;
    if (marker.action, &marker.handle) != (args.action, &args.handle) {
        return Err(Failure::refused("OtherWork", format!("{} records other work under this uid", path.display())));
    }
    Ok(Some(marker.done))
}

fn write_marker(volume: &Volume, args: &AccountArgs, done: bool) -> Result<(), Failure> {
    let path = volume.marker(&args.work_uid.to_string());
    let failed = |e: &dyn std::fmt::Display| Failure::again(format!("writing {}", path.display()), e);
    let marker = Marker { action: args.action, handle: args.handle.clone(), done };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| failed(&e))?;
    }
    let text = serde_json::to_vec(&marker).map_err(|e| failed(&e))?;
    durable::write(&path, &text, 0o640).map_err(|e| failed(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_next() {
        let mut lines = Vec::new();
        for action in [Action::Add, Action::ResetLogin, Action::Remove] {
            for done in [None, Some(false), Some(true)] {
                for presence in [Presence::None, Presence::Half, Presence::Whole] {
                    let record = done.map_or("none", |done| if done { "done" } else { "begun" });
                    let next = next(action, done, presence).map_or("refused".into(), |next| format!("{next:?}"));
                    lines.push(format!("{action:?} record={record} account={presence:?}: {next}"));
                }
            }
        }
        insta::assert_snapshot!(lines.join("\n"), @"
        Add record=none account=None: Make
        Add record=none account=Half: refused
        Add record=none account=Whole: refused
        Add record=begun account=None: Make
        Add record=begun account=Half: MakeAgain
        Add record=begun account=Whole: SetPassword
        Add record=done account=None: refused
        Add record=done account=Half: refused
        Add record=done account=Whole: SetPassword
        ResetLogin record=none account=None: refused
        ResetLogin record=none account=Half: refused
        ResetLogin record=none account=Whole: SetPassword
        ResetLogin record=begun account=None: refused
        ResetLogin record=begun account=Half: refused
        ResetLogin record=begun account=Whole: SetPassword
        ResetLogin record=done account=None: refused
        ResetLogin record=done account=Half: refused
        ResetLogin record=done account=Whole: SetPassword
        Remove record=none account=None: refused
        Remove record=none account=Half: RemoveRest
        Remove record=none account=Whole: Remove
        Remove record=begun account=None: Nothing
        Remove record=begun account=Half: RemoveRest
        Remove record=begun account=Whole: Remove
        Remove record=done account=None: Nothing
        Remove record=done account=Half: Nothing
        Remove record=done account=Whole: Nothing
        ");
    }
}
