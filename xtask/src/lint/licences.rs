//! Licences of what we link: only those on the list, as each package states them itself.

use cargo_metadata::Metadata;

use super::Violation;
use super::crates::{Tree, line_in};

/// All of them may be combined with the AGPL that our own packages are under.
const ALLOWED: [&str; 15] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

const OURS: &str = "AGPL-3.0-or-later";

pub fn check(metadata: &Metadata, lockfile: &str) -> Vec<Violation> {
    let tree = Tree::of(metadata);
    let mut violations = Vec::new();
    for package in tree.packages() {
        let stated = package.license.as_deref().unwrap_or("none stated");
        let good = match metadata.workspace_members.contains(&package.id) {
            true => stated == OURS,
            false => allowed(stated),
        };
        if !good {
            let what = format!("{} {} has the licence «{stated}»", package.name, package.version);
            let remedy = "replace the crate, or allow the licence in xtask/src/lint/licences.rs after reading it";
            violations.push(Violation::new("Cargo.lock", line_in(lockfile, package), what, remedy));
        }
    }
    violations
}

/// Whether an SPDX expression leaves us a choice of allowed licences only.
fn allowed(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words, at: 0 };
    let good = parser.either();
    good == Some(true) && parser.at == words.len()
}

/// Each part returns whether it is allowed; `None` when it is no expression.
struct Parser<'a> {
    words: &'a [&'a str],
    at: usize,
}

impl<'a> Parser<'a> {
    fn takes(&mut self, word: &str) -> bool {
        let here = self.words.get(self.at).is_some_and(|next| next.eq_ignore_ascii_case(word));
        self.at += usize::from(here);
        here
    }

    fn word(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.at).copied();
        self.at += 1;
        word.filter(|word| !["(", ")", "OR", "AND", "WITH"].contains(word))
    }

    fn either(&mut self) -> Option<bool> {
        let mut good = self.all()?;
        while self.takes("OR") {
            good |= self.all()?;
        }
        Some(good)
    }

    fn all(&mut self) -> Option<bool> {
        let mut good = self.one()?;
        while self.takes("AND") {
            good &= self.one()?;
        }
        Some(good)
    }

    fn one(&mut self) -> Option<bool> {
        if self.takes("(") {
            let good = self.either()?;
            return self.takes(")").then_some(good);
        }
        let name = self.word()?;
        if !self.takes("WITH") {
            return Some(ALLOWED.contains(&name));
        }
        let exception = self.word()?;
        Some(ALLOWED.contains(&format!("{name} WITH {exception}").as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::crates::tests::planted;
    use super::*;

    #[test]
    fn expressions_are_understood() {
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "Apache-2.0 OR GPL-2.0-only",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "ISC AND (Apache-2.0 OR ISC) AND Apache-2.0 AND MIT",
            "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
        ] {
            assert!(allowed(good), "{good}");
        }
        for bad in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR GPL-3.0) AND SSPL-1.0", "none stated", "MIT OR", "(MIT", ""]
        {
            assert!(!allowed(bad), "{bad}");
        }
    }

    #[test]
    fn a_foreign_licence_in_the_tree_is_found() {
        let mut metadata = planted(&[]);
        for package in &mut metadata.packages {
            package.license = Some("MIT".to_owned());
            match package.name.as_str() {
                "app" => package.license = Some(OURS.to_owned()),
                "chrono" => package.license = Some("SSPL-1.0".to_owned()),
                "stack" => package.license = None,
                _ => {}
            }
        }
        let found: Vec<_> = check(&metadata, "").into_iter().map(|one| one.what).collect();
        assert_eq!(found, ["chrono 0.4.45 has the licence «SSPL-1.0»", "stack 1.0.0 has the licence «none stated»"]);
    }
}
