//! The kit: files in a bundle that bring it to life elsewhere, without any of our programs.

use bytes::Bytes;

use crate::format::{ObjectName, Software};
use crate::stream::Part;

/// POSIX sh; `@…@` are replaced.
const RESTORE: &str = include_str!("kit/restore.sh");
/// What `restore.sh` does with the data of a snac, and what it tells at the end.
const RESTORE_SNAC: &str = include_str!("kit/snac.sh");
const COMPOSE_SNAC: &str = include_str!("kit/snac-compose.yaml");

/// No kit can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KitError {
    /// A flavour that nobody has written steps for.
    #[error("there is no restore kit for flavour `{}`", .0.escape_default())]
    Flavour(String),
    /// A host name or version that must not get into a script.
    #[error("`{}` cannot stand in a restore kit", .0.escape_default())]
    Text(String),
}

/// The kit files of a bundle: `restore.sh` and `compose.yaml`. They depend on the software and the host name alone, so
/// they can be written at any time before the manifest.
///
/// # Errors
/// When the flavour has no kit, or a text holds a character that could mean something to a shell.
pub fn files(hostname: &str, software: &Software) -> Result<Vec<Part>, KitError> {
    let (steps, compose) = match software.flavour.as_str() {
        "snac" => (RESTORE_SNAC, COMPOSE_SNAC),
        other => return Err(KitError::Flavour(other.chars().take(80).collect())),
    };
    for text in [hostname, &software.flavour, &software.version] {
        if text.is_empty()
            || !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+' | b'~' | b'_'))
        {
            return Err(KitError::Text(text.chars().take(80).collect()));
        }
    }
    let fill = |template: &str| {
        let text = template.replace("@STEPS@", steps);
        text.replace("@HOSTNAME@", hostname)
            .replace("@FLAVOUR@", &software.flavour)
            .replace("@VERSION@", &software.version)
    };
    let named = [("restore.sh", fill(RESTORE)), ("compose.yaml", fill(compose))];
    Ok(named
        .into_iter()
        .filter_map(|(name, text)| Some(Part::new(ObjectName::parse(name).ok()?, Bytes::from(text))))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snac(version: &str) -> Software {
        Software { flavour: "snac".into(), version: version.into() }
    }

    #[test]
    fn nothing_is_left_unfilled() {
        let files = files("a.example", &snac("2.75-1+b1")).unwrap();
        assert_eq!(files.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["restore.sh", "compose.yaml"]);
        for file in files {
            let text = String::from_utf8(file.bytes.to_vec()).unwrap();
            assert!(text.contains("a.example"), "{}", file.name);
            for mark in ["@STEPS@", "@HOSTNAME@", "@FLAVOUR@", "@VERSION@"] {
                assert!(!text.contains(mark), "{} in {}", mark, file.name);
            }
        }
    }

    #[test]
    fn nothing_that_a_shell_understands_gets_in() {
        assert_eq!(files("a$(id)", &snac("1")), Err(KitError::Text("a$(id)".into())));
        assert_eq!(files("a", &snac("1\n2")), Err(KitError::Text("1\n2".into())));
        assert_eq!(files("", &snac("1")), Err(KitError::Text(String::new())));
        assert_eq!(
            files("a", &Software { flavour: "other".into(), version: "1".into() }),
            Err(KitError::Flavour("other".into()))
        );
    }
}
