//! `steppe-bundle`: check, list and extract a bundle that lies in a folder.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use bundle::format::{Counts, Entry, EntryKind, KeyId, Limits, PublicKey};
use bundle::seal::Identities;
use bundle::stream::{self, Folder, Opened, Trust};
use clap::{Args, Parser, Subcommand};

/// Checks, lists and extracts bundles. Exit code 0: good; 1: something is wrong with the bundle; 2: wrong usage.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the signature and every object. Needs no key to the data.
    Verify {
        #[command(flatten)]
        bundle: Bundle,
    },
    /// Check and list all data: permissions, size, path. Writes nothing.
    List {
        #[command(flatten)]
        bundle: Bundle,
        #[command(flatten)]
        data: Data,
    },
    /// Check and extract all data into a new or empty folder.
    Extract {
        #[command(flatten)]
        bundle: Bundle,
        /// The folder for the data.
        target: PathBuf,
        #[command(flatten)]
        data: Data,
    },
}

#[derive(Debug, Args)]
struct Bundle {
    /// The folder that holds manifest.json.
    folder: PathBuf,
    /// Public key (PEM) of whom the bundle must be signed by.
    #[arg(long, value_name = "FILE", conflicts_with = "key_id")]
    key: Option<PathBuf>,
    /// Id of the key that the bundle must be signed by.
    #[arg(long, value_name = "ID")]
    key_id: Option<KeyId>,
}

#[derive(Debug, Args)]
struct Data {
    /// File with the age identity that opens the bundle.
    #[arg(short, long, value_name = "KEYFILE")]
    identity: PathBuf,
    /// Most bytes of content to accept (without --key and --key-id: 256 GiB).
    #[arg(long, value_name = "BYTES")]
    max_bytes: Option<u64>,
    /// Most bytes of data for one compressed byte (without --key and --key-id: 250).
    #[arg(long, value_name = "RATIO")]
    max_ratio: Option<u64>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let result = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(run(cli.command)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of our output went away, as `head` does.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "steppe-bundle: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Verify { bundle } => {
            let (folder, opened) = bundle.open().await?;
            stream::verify(&folder, &opened.manifest, |_| {}).await?;
            let objects = opened.manifest.objects().count();
            say(format_args!("all {objects} files are there and unchanged"))
        }
        Command::List { bundle, data } => {
            let (folder, opened) = bundle.open().await?;
            let (identities, limits) = data.read(&bundle, &opened)?;
            let mut failed = None;
            let counts = stream::list(&folder, &opened.manifest, &identities, limits, |entry| {
                failed = failed.take().or_else(|| say(line(&entry)).err());
            });
            let counts = counts.await?;
            failed.map_or(Ok(()), Err)?;
            summary("listed", &counts)
        }
        Command::Extract { bundle, target, data } => {
            let (folder, opened) = bundle.open().await?;
            let (identities, limits) = data.read(&bundle, &opened)?;
            let manifest = &opened.manifest;
            let counts = stream::extract(&folder, manifest, &identities, limits, &target, |_| {});
            summary("extracted", &counts.await?)
        }
    }
}

impl Bundle {
    async fn open(&self) -> anyhow::Result<(Folder, Opened)> {
        let trust = match (&self.key, self.key_id) {
            (Some(file), _) => Trust::Key(PublicKey::from_pem(&text(file)?)?),
            (None, Some(id)) => Trust::KeyId(id),
            (None, None) => Trust::AnyKey,
        };
        let folder = Folder::new(&self.folder);
        let opened = stream::open(&folder, &trust)
            .await
            .with_context(|| format!("`{}` cannot be opened as a bundle", self.folder.display()))?;
        let manifest = &opened.manifest;
        say(format_args!(
            "{}: {} {}, copied {}, {} users, {} posts",
            manifest.instance.hostname,
            manifest.software.flavour,
            manifest.software.version,
            manifest.created_at,
            manifest.counts.users,
            manifest.counts.posts
        ))?;
        let id = manifest.signing.key_id;
        match trust {
            Trust::Key(_) | Trust::KeyId(_) => say(format_args!("signed by the expected key {id}"))?,
            Trust::AnyKey => say(format_args!(
                "signed by key {id}, which you did not ask for: compare it with the one your host publishes (--key-id)"
            ))?,
        }
        Ok((folder, opened))
    }

    fn is_trusted(&self) -> bool {
        self.key.is_some() || self.key_id.is_some()
    }
}

impl Data {
    fn read(&self, bundle: &Bundle, opened: &Opened) -> anyhow::Result<(Identities, Limits)> {
        let identities =
            Identities::parse(&text(&self.identity)?).with_context(|| format!("`{}`", self.identity.display()))?;
        let usual = match bundle.is_trusted() {
            true => Limits::signed(&opened.manifest),
            false => Limits::untrusted(),
        };
        let bytes = self.max_bytes.unwrap_or(usual.bytes);
        let file_bytes = self.max_bytes.unwrap_or(usual.file_bytes);
        let ratio = self.max_ratio.unwrap_or(usual.ratio);
        Ok((identities, Limits { bytes, file_bytes, ratio, ..usual }))
    }
}

fn line(entry: &Entry) -> impl std::fmt::Display {
    let (mode, size, path) = (entry.mode, entry.size(), &entry.path);
    match &entry.kind {
        EntryKind::Directory => format!("d {mode:03o} {size:>12} {path}/"),
        EntryKind::File { .. } => format!("- {mode:03o} {size:>12} {path}"),
        EntryKind::HardLink { target } => format!("h {mode:03o} {size:>12} {path} -> {target}"),
    }
}

fn summary(what: &str, counts: &Counts) -> anyhow::Result<()> {
    let Counts { files, directories, hard_links, bytes, .. } = counts;
    say(format_args!("{what}: {files} files, {directories} folders, {hard_links} hard links, {bytes} bytes"))
}

fn say(what: impl std::fmt::Display) -> anyhow::Result<()> {
    Ok(writeln!(io::stdout(), "{what}")?)
}

fn text(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("`{}` cannot be read", file.display()))
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let pipe = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.root_cause().downcast_ref().is_some_and(pipe)
}
