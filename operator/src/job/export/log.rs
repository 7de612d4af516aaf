//! The job's own log, handed over after each segment, so that little of it dies with a pod.

/// Lines that were said and not handed over yet.
#[derive(Debug, Default)]
pub(super) struct Log(String);

impl Log {
    /// Logs a line and keeps it.
    pub(super) fn say(&mut self, line: impl Into<String>) {
        let line = line.into();
        tracing::info!("{line}");
        self.0.push_str(&line);
        self.0.push('\n');
    }

    /// What was said since the last time.
    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_once() {
        let mut log = Log::default();
        log.say("one");
        log.say("two");
        assert_eq!(log.take(), "one\ntwo\n");
        log.say("three");
        assert_eq!(log.take(), "three\n");
        assert_eq!(log.take(), "");
    }
}
