//! `restore.sh`, run for real with the stock programs that a plain Debian has.
#![cfg(test)]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{Made, make, put, signer, small, snac_like, snac_order, snapshot};

async fn bundle() -> (tempfile::TempDir, Made) {
    let source = tempfile::tempdir().unwrap();
    snac_like(source.path(), 30);
    let made = make(source.path(), snac_order(), small(25, 20_000, 3000)).await;
    assert!(made.manifest.segments.len() > 3);
    (source, made)
}

/// Runs the bundle's own script with `sh`, from another folder.
fn restore(made: &Made, args: &[&str]) -> Output {
    for program in ["age", "openssl", "sha256sum", "tar", "gzip"] {
        let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
        assert!(found.status.success(), "`{program}` is needed for this test: apt install age openssl");
    }
    run(Command::new("sh").arg(made.folder().path().join("restore.sh")).args(args).current_dir(made.room.path()))
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap()
}

fn good(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert_eq!(err, "", "a good run complains about nothing");
    out.into_owned()
}

fn bad(output: &Output, word: &str) {
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains(word), "`{word}` is not in: {err}");
}

fn target(made: &Made) -> PathBuf {
    made.room.path().join("the data")
}

fn assert_restored(source: &Path, target: &Path, address: &str, port: &str) {
    let config = std::fs::read_to_string(source.join("server.json")).unwrap();
    let config = config.replace("\"address\": \"0.0.0.0\"", &format!("\"address\": \"{address}\""));
    let config = config.replace("\"port\": 8001", &format!("\"port\": {port}"));
    assert_eq!(std::fs::read_to_string(target.join("server.json")).unwrap(), config);
    let (mut expected, mut found) = (common::expected(source), snapshot(target));
    assert!(expected.remove(Path::new("server.json")).is_some());
    assert!(found.remove(Path::new("server.json")).is_some());
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn brings_everything_back() {
    let (source, made) = bundle().await;
    let id = signer().public().id().to_string();
    let output = restore(&made, &["-K", &id, "-i", made.key_file().to_str().unwrap(), "-t", "the data"]);
    let out = good(&output);
    for word in [
        "by the expected key",
        "there and unchanged",
        "snac httpd",
        "reverse_proxy 127.0.0.1:8001",
        "https://a.example",
    ] {
        assert!(out.contains(word), "{word}: {out}");
    }
    assert_restored(source.path(), &target(&made), "127.0.0.1", "8001");
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_address_port_and_key_file() {
    let (source, made) = bundle().await;
    let pem = made.room.path().join("signer.pem");
    std::fs::write(&pem, signer().public().to_pem()).unwrap();
    let output = restore(
        &made,
        &["-k", "signer.pem", "-i", made.key_file().to_str().unwrap(), "-t", "the data", "-a", "::1", "-p", "9999"],
    );
    assert!(good(&output).contains("by the expected key"));
    assert_restored(source.path(), &target(&made), "::1", "9999");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_checks_when_asked_and_says_whose_signature_it_is() {
    let (_source, made) = bundle().await;
    let out = good(&restore(&made, &["-n"]));
    assert!(out.contains("which you did not ask for"), "{out}");
    assert!(out.contains(&signer().public().id().to_string()), "{out}");
    assert!(!target(&made).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_is_not_right_and_writes_nothing() {
    let (_source, made) = bundle().await;
    let key = made.key_file();
    let key = key.to_str().unwrap();
    let stranger = bundle::format::Signer::from_seed(&[1; 32]).public();
    std::fs::write(made.room.path().join("stranger.pem"), stranger.to_pem()).unwrap();
    bad(&restore(&made, &["-K", &stranger.id().to_string(), "-i", key, "-t", "the data"]), "expected was");
    bad(&restore(&made, &["-k", "stranger.pem", "-i", key, "-t", "the data"]), "is signed by key");
    bad(&restore(&made, &["-k", "missing.pem", "-n"]), "cannot be read");
    bad(&restore(&made, &["-i", "missing", "-t", "the data"]), "cannot be read");
    bad(&restore(&made, &["-i", key, "-t", "the data", "-p", "80; id"]), "is no number");
    bad(&restore(&made, &["-i", key, "-t", "the data", "-a", "$(id)"]), "is not one");
    assert_eq!(restore(&made, &["-t", "the data"]).status.code(), Some(2));
    assert!(!target(&made).exists());
    put(made.room.path(), "the data/mine", "precious");
    bad(&restore(&made, &["-i", key, "-t", "the data"]), "is not empty");
    assert_eq!(snapshot(&target(&made)).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_every_changed_file() {
    let (_source, made) = bundle().await;
    let names: Vec<_> = made.manifest.objects().map(|(name, ..)| name.to_string()).collect();
    // The script cannot check itself before it runs, but it does notice.
    for name in names.iter().map(String::as_str).chain(["manifest.json", "manifest.sig"]) {
        let path = made.folder().path().join(name);
        let content = std::fs::read(&path).unwrap();
        let mut changed = content.clone();
        match name {
            "restore.sh" => changed.extend_from_slice(b"#\n"),
            _ => changed[content.len() / 2] ^= 4,
        }
        std::fs::write(&path, changed).unwrap();
        let word = if name.starts_with("manifest") { "restore.sh: " } else { name };
        bad(&restore(&made, &["-n"]), word);
        if !name.starts_with("restore") {
            std::fs::remove_file(&path).unwrap();
            bad(&restore(&made, &["-n"]), word);
        }
        std::fs::write(&path, content).unwrap();
    }
    good(&restore(&made, &["-n"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_key_is_said_plainly_and_the_right_one_goes_on() {
    use age::secrecy::ExposeSecret;
    let (source, made) = bundle().await;
    let wrong = made.room.path().join("wrong.txt");
    std::fs::write(&wrong, bundle::seal::BundleKey::generate().key_file().expose_secret()).unwrap();
    bad(&restore(&made, &["-i", "wrong.txt", "-t", "the data"]), "Wrong key");
    good(&restore(&made, &["-i", made.key_file().to_str().unwrap(), "-t", "the data"]));
    assert_restored(source.path(), &target(&made), "127.0.0.1", "8001");
}

/// Puts a `tar` in front of the real one that dies in the middle of its n-th run.
fn dying_tar(made: &Made, dies_at: usize) -> String {
    let folder = made.room.path().join(format!("dying-{dies_at}"));
    let script = format!(
        "#!/bin/sh\necho x >>'{0}/runs'\nif [ $(grep -c '' '{0}/runs') -gt {dies_at} ]; then head -c 900 | /usr/bin/env -i PATH=/usr/bin:/bin tar \"$@\" 2>/dev/null; exit 1; fi\nPATH=/usr/bin:/bin exec tar \"$@\"\n",
        folder.display()
    );
    let path = put(&folder, "tar", script);
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    format!("{}:/usr/bin:/bin", folder.display())
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_where_it_was_interrupted() {
    let (source, made) = bundle().await;
    let key = made.key_file();
    for dies_at in 0..made.manifest.segments.len() {
        let _ = std::fs::remove_dir_all(target(&made));
        let script = made.folder().path().join("restore.sh");
        let output = run(Command::new("sh")
            .arg(&script)
            .args(["-i", key.to_str().unwrap(), "-t", "the data"])
            .env("PATH", dying_tar(&made, dies_at))
            .current_dir(made.room.path()));
        bad(&output, "Run the same again");
        let out = good(&restore(&made, &["-i", key.to_str().unwrap(), "-t", "the data"]));
        assert!(out.contains(&format!("where {dies_at} segments are there already")), "{out}");
        assert_restored(source.path(), &target(&made), "127.0.0.1", "8001");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_begun_from_another_bundle_is_left_alone() {
    let (_source, made) = bundle().await;
    put(made.room.path(), "the data/.steppe-restore", "0123456789abcdef\nsegment-0000\n");
    bad(&restore(&made, &["-i", made.key_file().to_str().unwrap(), "-t", "the data"]), "another bundle");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_config_it_does_not_understand_is_left_to_the_owner() {
    let source = tempfile::tempdir().unwrap();
    snac_like(source.path(), 2);
    let odd = "{\"address\":\"1.2.3.4\",\"x\":{\"address\":\"5.6.7.8\"},\"port\":1}";
    put(source.path(), "server.json", odd);
    let made = make(source.path(), snac_order(), small(25, 20_000, 3000)).await;
    bad(&restore(&made, &["-i", made.key_file().to_str().unwrap(), "-t", "the data"]), "exactly one \"address\"");
    assert_eq!(std::fs::read_to_string(target(&made).join("server.json")).unwrap(), odd);
}

/// age asks for the passphrase at the terminal, so the test gives it one: `script` is in every Debian.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_with_a_passphrase_is_asked_for_once() {
    use std::io::Write;
    let (source, made) = bundle().await;
    let plain = std::fs::read(made.key_file()).unwrap();
    let passphrase = age::secrecy::SecretString::from("open sesame".to_owned());
    let mut recipient = age::scrypt::Recipient::new(passphrase);
    recipient.set_work_factor(2);
    let sealed = age::encrypt(&recipient, &plain).unwrap();
    std::fs::write(made.room.path().join("key.age"), sealed).unwrap();
    let restore = |typed: &str| {
        let script = made.folder().path().join("restore.sh");
        let command = format!("sh '{}' -i key.age -t 'the data'", script.display());
        let mut child = Command::new("script")
            .args(["-qec", &command, "/dev/null"])
            .current_dir(made.room.path())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("`script` is needed for this test: {e}"));
        child.stdin.as_mut().unwrap().write_all(typed.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let wrong = restore("close sesame\n");
    assert!(!wrong.status.success());
    assert!(String::from_utf8_lossy(&wrong.stdout).contains("wrong passphrase?"));
    assert!(!target(&made).exists());
    let right = restore("open sesame\n");
    assert!(right.status.success(), "{}", String::from_utf8_lossy(&right.stdout));
    assert_restored(source.path(), &target(&made), "127.0.0.1", "8001");
}
