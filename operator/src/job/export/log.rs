//! The job's own log, handed over whole at its end.

/// Lines as they were said, at most [`Log::LIMIT`] bytes; beyond that the middle is lost first.
#[derive(Debug, Default)]
pub(super) struct Log {
    lines: Vec<String>,
    bytes: usize,
    dropped: usize,
}

impl Log {
    const LIMIT: usize = 200_000;
    const HEAD: usize = 100;

    /// Logs a line and keeps it.
    pub(super) fn say(&mut self, line: impl Into<String>) {
        let line = line.into();
        tracing::info!("{line}");
        self.bytes += line.len() + 1;
        self.lines.push(line);
        while self.bytes > Self::LIMIT && self.lines.len() > Self::HEAD {
            self.bytes -= self.lines.remove(Self::HEAD).len() + 1;
            self.dropped += 1;
        }
    }

    /// All lines.
    pub(super) fn text(&self) -> String {
        let mut text = String::with_capacity(self.bytes + 100);
        for (number, line) in self.lines.iter().enumerate() {
            if number == Self::HEAD && self.dropped > 0 {
                text.push_str(&format!("({} lines left out)\n", self.dropped));
            }
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginning_and_end_are_kept() {
        let mut log = Log::default();
        for n in 0..20_000 {
            log.say(format!("line {n}"));
        }
        let text = log.text();
        assert!(text.len() < Log::LIMIT + 100);
        assert!(text.starts_with("line 0\n") && text.ends_with("line 19999\n"));
        assert!(text.contains("lines left out"));
    }
}
