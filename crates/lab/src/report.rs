//! What programs of the ground say: results on standard output, everything else on standard error.

use std::io::Write;

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;
use serde_json::json;

use crate::mailpit::{Mail, Mailpit};
use crate::node::Status;
use crate::tools;

/// How progress is told, on standard error.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum How {
    /// A line for each step
    Text,
    /// A JSON object for each step: {"stage","step","message","done"}
    Json,
    /// Not at all
    None,
}

/// Tells steps as they begin.
#[derive(Debug)]
pub struct Report {
    stage: &'static str,
    how: How,
    step: String,
    /// Lines of detail since the step began.
    done: u64,
}

impl Report {
    /// Tells the steps of `stage`.
    pub fn new(stage: &'static str, how: How) -> Self {
        Self { stage, how, step: String::new(), done: 0 }
    }

    fn json(&self, message: &str) {
        if self.how == How::Json {
            let line = json!({"stage": self.stage, "step": self.step, "message": message, "done": self.done});
            line_to_stderr(&line.to_string());
        }
    }
}

impl tools::Progress for Report {
    fn step(&mut self, what: &str) {
        what.clone_into(&mut self.step);
        self.done = 0;
        self.json("");
        if self.how == How::Text {
            line_to_stderr(what);
        }
    }

    fn detail(&mut self, line: &str) {
        self.done += 1;
        self.json(line);
    }
}

/// Says something to people.
pub fn say(text: &str) {
    line_to_stderr(text);
}

/// Tells what went wrong in `program`, without the places in the code it passed through.
pub fn error(program: &str, error: &anyhow::Error) {
    line_to_stderr(&format!("{program}: {error:#}"));
}

/// Tells a result.
///
/// # Errors
/// When nobody listens.
pub fn result(text: &str) -> Result<()> {
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(())
}

/// Tells how a ground is.
///
/// # Errors
/// When nobody listens.
pub fn tell(status: &Status, json: bool) -> Result<()> {
    result(&if json { serde_json::to_string(status)? } else { status.text() })
}

/// Prints a result as one line of JSON.
///
/// # Errors
/// When nobody listens.
pub fn json(result: &impl Serialize) -> Result<()> {
    writeln!(std::io::stdout().lock(), "{}", serde_json::to_string(result)?)?;
    Ok(())
}

/// Prints mails, the newest last: that is where people look.
///
/// # Errors
/// When nobody listens.
pub fn mails(mailpit: &Mailpit, mails: &[Mail]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for mail in mails.iter().rev() {
        let to: Vec<&str> = mail.to.iter().map(|to| to.address.as_str()).collect();
        writeln!(out, "To: {}\nDate: {}\nSubject: {}", to.join(", "), mail.date, mail.subject)?;
        writeln!(out, "As a page: {}\n\n{}\n", mailpit.page(&mail.id), mail.text.trim_end())?;
    }
    Ok(())
}

fn line_to_stderr(text: &str) {
    // When nobody listens any more there is nobody to complain to.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
