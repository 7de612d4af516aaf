//! Parts of files (RFC 9110 §14): one range of bytes, which is all that resuming needs. Whoever asks for several gets the
//! whole file, as the RFC allows.

use std::ops::Range;

/// What a `Range` header asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The whole file.
    All,
    /// A part that is there.
    Part(Range<u64>),
    /// A part that is not there.
    Nothing,
}

/// What of a file of `size` bytes is wanted.
#[must_use]
pub fn wanted(header: Option<&str>, size: u64) -> Wanted {
    let Some(range) = header.and_then(|text| text.strip_prefix("bytes=")) else { return Wanted::All };
    let Some((first, last)) = range.trim().split_once('-').filter(|_| !range.contains(',')) else {
        return Wanted::All;
    };
    match (number(first), number(last)) {
        (Ok(Some(first)), Ok(last)) => {
            if last.is_some_and(|last| last < first) {
                return Wanted::All; // no range at all, §14.1.1
            }
            let end = last.map_or(size, |last| last.saturating_add(1).min(size));
            if first < end { Wanted::Part(first..end) } else { Wanted::Nothing }
        }
        (Ok(None), Ok(Some(count))) => match size.saturating_sub(count) {
            first if first < size => Wanted::Part(first..size),
            _ => Wanted::Nothing,
        },
        _ => Wanted::All,
    }
}

fn number(text: &str) -> Result<Option<u64>, ()> {
    match text {
        "" => Ok(None),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().map(Some).map_err(drop),
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (header, is) in [
            ("bytes=0-", Wanted::Part(0..100)),
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=40-", Wanted::Part(40..100)),
            ("bytes=40-59", Wanted::Part(40..60)),
            ("bytes=40-1000", Wanted::Part(40..100)),
            ("bytes=-10", Wanted::Part(90..100)),
            ("bytes=-1000", Wanted::Part(0..100)),
            ("bytes=100-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=5-2", Wanted::All),
            ("bytes=0-1,5-6", Wanted::All),
            ("bytes=", Wanted::All),
            ("bytes=-", Wanted::All),
            ("bytes=a-b", Wanted::All),
            ("bytes=+1-2", Wanted::All),
            ("bytes=99999999999999999999-", Wanted::All),
            ("lines=1-2", Wanted::All),
        ] {
            assert_eq!(wanted(Some(header), 100), is, "{header}");
        }
        assert_eq!(wanted(None, 100), Wanted::All);
        assert_eq!(wanted(Some("bytes=0-"), 0), Wanted::Nothing);
    }
}
