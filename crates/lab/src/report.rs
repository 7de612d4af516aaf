//! What `steppe-lab` says: results on standard output, everything else on standard error.

use std::io::Write;

use anyhow::Result;
use lab::mailpit::{Mail, Mailpit};
use lab::node::Status;
use lab::tools;
use serde::Serialize;
use serde_json::json;

use crate::cli::Progress;

/// Tells steps as they begin.
pub struct Report {
    stage: &'static str,
    how: Progress,
    step: String,
    /// Lines of detail since the step began.
    done: u64,
}

impl Report {
    /// Tells the steps of `stage`.
    pub fn new(stage: &'static str, how: Progress) -> Self {
        Self { stage, how, step: String::new(), done: 0 }
    }

    fn json(&self, message: &str) {
        if self.how == Progress::Json {
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
        if self.how == Progress::Text {
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

/// Tells what went wrong, without the places in the code it passed through.
pub fn error(error: &anyhow::Error) {
    line_to_stderr(&format!("steppe-lab: {error:#}"));
}

/// Tells how a ground is.
pub fn tell(status: &Status, json: bool) -> Result<()> {
    let text = if json { serde_json::to_string(status)? } else { status.text() };
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(())
}

/// Prints a result as one line of JSON.
pub fn json(result: &impl Serialize) -> Result<()> {
    writeln!(std::io::stdout().lock(), "{}", serde_json::to_string(result)?)?;
    Ok(())
}

/// Prints mails, the newest last: that is where people look.
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
