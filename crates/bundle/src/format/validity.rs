//! What a manifest must fulfil beyond its shape.

use std::collections::BTreeSet;

use super::{Counts, Encryption, KitFile, Manifest, ObjectName, PartRecord, PublicKey, SegmentRecord, Signing};

/// A manifest contradicts itself or breaks a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A list is longer than the format allows.
    #[error("{what}: {found} entries, at most {most} are allowed")]
    TooMany {
        /// Which list.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The limit.
        most: usize,
    },
    /// Names must be the ones the format prescribes, in order, without gaps.
    #[error("`{found}` stands where `{expected}` belongs")]
    Name {
        /// What the format prescribes here.
        expected: ObjectName,
        /// What the manifest says.
        found: ObjectName,
    },
    /// A kit file with a name of the format's own, or a name twice.
    #[error("`{0}` cannot be the name of a kit file: it is reserved, has a folder, or stands there twice")]
    KitName(ObjectName),
    /// A part or kit file that is empty, too long, or a part of another size than its neighbours.
    #[error("`{name}` has {size} bytes, which is empty, too long, or not the size of the parts before it")]
    Size {
        /// The object.
        name: ObjectName,
        /// Its size.
        size: u64,
    },
    /// The totals are not the sums of the segments.
    #[error("the counts say {claimed} {what}, the segments {summed}")]
    Sum {
        /// Of what.
        what: &'static str,
        /// What the manifest's counts say.
        claimed: u64,
        /// What the segments add up to.
        summed: u64,
    },
    /// A text field with characters that it must not have.
    #[error("{field} is `{}`, which it cannot be", .value.escape_default())]
    Text {
        /// Which field.
        field: &'static str,
        /// Its value, shortened.
        value: String,
    },
    /// No recipient: nobody could open the bundle.
    #[error("the bundle has no recipient: nobody could open it")]
    NoRecipient,
    /// The signing key does not parse, or its id is not its own.
    #[error("the signing key in the manifest is broken: {0}")]
    SigningKey(String),
}

impl Manifest {
    /// Checks everything that does not need the objects themselves.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), Invalid> {
        self.check_text()?;
        self.check_kit()?;
        at_most("segments", self.segments.len(), Self::MAX_SEGMENTS)?;
        at_most("parts", self.segments.iter().map(|s| s.parts.len()).sum(), Self::MAX_PARTS)?;
        for (index, segment) in self.segments.iter().enumerate() {
            segment.check(index)?;
        }
        self.check_sums()?;
        self.check_keys()
    }

    fn check_text(&self) -> Result<(), Invalid> {
        let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        text("format", &self.format, |_| self.format == Self::FORMAT)?;
        text("instance.hostname", &self.instance.hostname, |c| lower(c) || matches!(c, '.' | '-'))?;
        text("software.flavour", &self.software.flavour, |c| lower(c) || c == '-')?;
        text("software.version", &self.software.version, |c| {
            c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '~' | '_' | '-')
        })?;
        at_most("instance.actor_keys", self.instance.actor_keys.len(), Self::MAX_LIST)?;
        for key in &self.instance.actor_keys {
            text("instance.actor_keys.actor", &key.actor, |c| !c.is_control())?;
        }
        at_most("freeze.cut", self.freeze.cut.len(), Self::MAX_LIST)?;
        for cut in &self.freeze.cut {
            text("freeze.cut.what", &cut.what, |c| !c.is_control())?;
        }
        at_most("skipped.listed", self.skipped.listed.len(), super::SkippedList::LISTED)
    }

    fn check_kit(&self) -> Result<(), Invalid> {
        at_most("kit", self.kit.len(), Self::MAX_LIST)?;
        let mut seen = BTreeSet::new();
        for file in &self.kit {
            if !file.name.is_kit() || !seen.insert(&file.name) {
                return Err(Invalid::KitName(file.name.clone()));
            }
            if file.size > KitFile::MAX {
                return Err(Invalid::Size { name: file.name.clone(), size: file.size });
            }
        }
        Ok(())
    }

    fn check_sums(&self) -> Result<(), Invalid> {
        let summed = Counts::of(&self.segments);
        let pairs = [
            ("files", self.counts.files, summed.files),
            ("folders", self.counts.directories, summed.directories),
            ("hard links", self.counts.hard_links, summed.hard_links),
            ("bytes", self.counts.bytes, summed.bytes),
        ];
        for (what, claimed, summed) in pairs {
            if claimed != summed {
                return Err(Invalid::Sum { what, claimed, summed });
            }
        }
        Ok(())
    }

    fn check_keys(&self) -> Result<(), Invalid> {
        text("encryption.scheme", &self.encryption.scheme, |_| self.encryption.scheme == Encryption::AGE)?;
        text("signing.algorithm", &self.signing.algorithm, |_| self.signing.algorithm == Signing::ED25519)?;
        at_most("encryption.recipients", self.encryption.recipients.len(), Encryption::MAX_RECIPIENTS)?;
        if self.encryption.recipients.is_empty() {
            return Err(Invalid::NoRecipient);
        }
        let key = PublicKey::from_base64(&self.signing.public_key).map_err(|e| Invalid::SigningKey(e.to_string()))?;
        if key.id() != self.signing.key_id {
            return Err(Invalid::SigningKey(format!(
                "its id is {}, the manifest says {}",
                key.id(),
                self.signing.key_id
            )));
        }
        Ok(())
    }
}

impl SegmentRecord {
    /// Checks the record as number `index` of a bundle: names, sizes, at least one part.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self, index: usize) -> Result<(), Invalid> {
        let expect = |expected: ObjectName, found: &ObjectName| {
            if *found == expected { Ok(()) } else { Err(Invalid::Name { expected, found: found.clone() }) }
        };
        expect(ObjectName::segment(index), &self.name)?;
        let first = self.parts.first().ok_or(Invalid::Size { name: ObjectName::part(index, 0), size: 0 })?.size;
        for (number, part) in self.parts.iter().enumerate() {
            expect(ObjectName::part(index, number), &part.name)?;
            let last = number + 1 == self.parts.len();
            let fits = if last { part.size <= first } else { part.size == first };
            if part.size == 0 || part.size > PartRecord::MAX || !fits {
                return Err(Invalid::Size { name: part.name.clone(), size: part.size });
            }
        }
        Ok(())
    }
}

impl Counts {
    /// The four exact counts, summed over segments; users and posts are 0.
    #[must_use]
    pub fn of(segments: &[SegmentRecord]) -> Self {
        segments.iter().fold(Self::default(), |sum, segment| Self {
            files: sum.files.saturating_add(segment.files),
            directories: sum.directories.saturating_add(segment.directories),
            hard_links: sum.hard_links.saturating_add(segment.hard_links),
            bytes: sum.bytes.saturating_add(segment.bytes),
            ..sum
        })
    }
}

fn at_most(what: &'static str, found: usize, most: usize) -> Result<(), Invalid> {
    if found > most { Err(Invalid::TooMany { what, found, most }) } else { Ok(()) }
}

fn text(field: &'static str, value: &str, allowed: impl Fn(char) -> bool) -> Result<(), Invalid> {
    if value.is_empty() || value.len() > 255 || !value.chars().all(allowed) {
        return Err(Invalid::Text { field, value: value.chars().take(80).collect() });
    }
    Ok(())
}
