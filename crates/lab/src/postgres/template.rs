//! The data of an empty server, made once: initdb takes longer than all the rest of a start.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use sha2::{Digest as _, Sha256};

use super::ROLE;
use super::program::Program;
use crate::cache::Cache;
use crate::light::base;
use crate::node::command::run;

/// How the data is made. Times and order are the same on every machine.
const INIT: [&str; 7] = [
    "--no-sync",
    "--no-instructions",
    "--username=postgres",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--auth-local=trust",
    "--auth-host=scram-sha-256",
];

/// Who may come in: over the socket, which lies in a closed folder, the superuser too; from elsewhere who knows the
/// password. The superuser has none.
const ACCESS: &str = "local all all trust\nhost all all all scram-sha-256\n";

/// Data to copy.
#[derive(Clone)]
pub struct Template {
    folder: PathBuf,
    /// Of the role whose address is given out.
    pub password: String,
}

/// The template in the cache, made when it is missing.
pub async fn ready(cache: &Cache, program: &Program) -> Result<Template> {
    let (cache, program) = (cache.clone(), program.clone());
    tokio::task::spawn_blocking(move || made(&cache, &program)).await?
}

fn made(cache: &Cache, program: &Program) -> Result<Template> {
    let folder = cache.keyed("postgres", &key(program))?;
    if !folder.exists() {
        let _lock = cache.lock("postgres")?;
        if !folder.exists() {
            make(program, &folder)?;
        }
    }
    let file = folder.join("password");
    let password = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Template { folder, password })
}

fn key(program: &Program) -> String {
    let user = program.user.as_ref().map_or_else(|| nix::unistd::geteuid().to_string(), |user| user.uid.to_string());
    let mut hash = Sha256::new();
    hash.update(format!("{user}\n{}\n{ACCESS}\n{ROLE}", INIT.join(" ")));
    format!("{}-{}", program.version, &hex::encode(hash.finalize())[..16])
}

/// Makes the data in a folder that the server's user can reach, which the cache need not be.
fn make(program: &Program, folder: &Path) -> Result<()> {
    let work = tempfile::Builder::new()
        .prefix("steppe-postgres-")
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir_in(base())
        .context("no temporary folder")?;
    program.own(work.path())?;
    let data = work.path().join("data");
    run(as_user(program, "initdb", work.path()).args(INIT).arg("--pgdata").arg(&data))?;
    fs::write(data.join("pg_hba.conf"), ACCESS).context("cannot write pg_hba.conf")?;
    let password = password()?;
    let sql = format!("CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}';\n");
    alone(as_user(program, "postgres", work.path()).arg("--single").arg("-D").arg(&data).arg("postgres"), &sql)?;

    let fresh = folder.with_extension("new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).with_context(|| format!("cannot clear {}", fresh.display()))?;
    }
    fs::create_dir(&fresh).with_context(|| format!("cannot create {}", fresh.display()))?;
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o700))?;
    run(Command::new("cp").arg("-a").arg(&data).arg(fresh.join("data")))?;
    let secret = fs::File::options().create_new(true).write(true).mode(0o600).open(fresh.join("password"));
    secret.and_then(|mut file| file.write_all(password.as_bytes())).context("cannot write the password")?;
    fs::rename(&fresh, folder).with_context(|| format!("cannot move the template to {}", folder.display()))
}

impl Template {
    /// A copy of the data for a server of one's own.
    pub fn copy(&self, to: &Path) -> Result<()> {
        run(Command::new("cp").arg("-a").arg(self.folder.join("data")).arg(to))
    }
}

fn as_user(program: &Program, name: &str, folder: &Path) -> Command {
    let wrapper = program.wrapper();
    let mut command = Command::new(&wrapper[0]);
    command.args(&wrapper[1..]).arg("--").arg(program.path(name)).env_clear();
    command.env("PATH", "/usr/bin:/bin").env("TZ", "UTC").env("LANG", "C.UTF-8").current_dir(folder);
    command
}

/// Runs a server for one user, who says `sql` and leaves.
fn alone(command: &mut Command, sql: &str) -> Result<()> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut server = command.spawn().context("cannot run postgres")?;
    server.stdin.take().context("postgres has no input")?.write_all(sql.as_bytes())?;
    let output = server.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    // It goes on after an error and ends well.
    ensure!(output.status.success() && !said.contains("ERROR"), "cannot make the role {ROLE}: {}", said.trim());
    Ok(())
}

fn password() -> Result<String> {
    let mut random = [0; 16];
    let source =
        fs::File::open("/dev/urandom").and_then(|mut source| std::io::Read::read_exact(&mut source, &mut random));
    source.context("cannot read /dev/urandom")?;
    Ok(hex::encode(random))
}
