//! The configuration reference: what each program says of its own options, in one document.

use anyhow::Context as _;

use crate::binaries;
use crate::context::Context;

const HEAD: &str = "\
# Configuration reference

Written by `cargo xtask gen` from the programs' own help; do not edit. Where an environment variable is named, it
sets the option unless the option is given.
";

pub fn markdown(context: &Context, programs: &[&str]) -> anyhow::Result<String> {
    let mut text = HEAD.to_owned();
    for program in programs {
        describe(context, program, &[], &mut text)?;
    }
    Ok(text)
}

/// Whether the program has this command.
pub fn has(context: &Context, program: &str, command: &str) -> anyhow::Result<bool> {
    Ok(commands(&help(context, program, &[])?).iter().any(|name| name == command))
}

/// One command and all below it.
fn describe(context: &Context, program: &str, words: &[String], text: &mut String) -> anyhow::Result<()> {
    let help = help(context, program, words)?;
    let title = [&[program.to_owned()], words].concat().join(" ");
    text.push_str(&section(&title, words.len(), &help));
    for command in commands(&help) {
        describe(context, program, &[words, &[command]].concat(), text)?;
    }
    Ok(())
}

/// Without the surroundings: clap shows the values that it finds there.
fn help(context: &Context, program: &str, words: &[String]) -> anyhow::Result<String> {
    let path = binaries::path(&context.cache.bin(), program)?;
    let bare = crate::child::Program::new("env", &context.root).args(["-i"]).args([path]);
    bare.args(words).args(["--help"]).read().with_context(|| format!("asking {program} for its options"))
}

fn section(title: &str, depth: usize, help: &str) -> String {
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    format!("\n{} {title}\n\n```text\n{}\n```\n", "#".repeat(depth + 2), lines.join("\n").trim())
}

/// The commands that a help text lists, but for `help` itself.
fn commands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = listed.filter_map(|line| {
        let rest = line.strip_prefix("  ")?;
        // Deeper lines continue a description.
        (!rest.starts_with(' ')).then(|| rest.split_whitespace().next()).flatten()
    });
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELP: &str = "\
Turns instances into servers

Usage: steppe-operator <COMMAND>

Commands:
  run   Reconcile until told to stop
          (a second line)
  crds  Print the custom resources
  help  Print this message

Options:
  -h, --help  Print help
";

    #[test]
    fn commands_are_read_from_the_help() {
        assert_eq!(commands(HELP), ["run", "crds"]);
        assert!(commands("Usage: x\n\nOptions:\n  -h\n").is_empty());
    }

    #[test]
    fn a_section_has_no_trailing_space() {
        assert_eq!(section("a b", 1, "\nUsage:  \n  x\n\n"), "\n### a b\n\n```text\nUsage:\n  x\n```\n");
    }
}
