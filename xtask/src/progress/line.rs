//! How `steppe-lab` tells what it does: one JSON object a line,
//! `{"stage":"cluster","step":"kubelet","message":"waiting for the node","done":3,"total":7}`.
//! `stage` and `step` are needed, the rest is not. Any other line is plain output.

use serde::Deserialize;

#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct ProgressLine {
    pub stage: String,
    pub step: String,
    #[serde(default)]
    pub message: String,
    pub done: Option<u64>,
    pub total: Option<u64>,
}

impl ProgressLine {
    pub fn parse(line: &str) -> Option<Self> {
        // A cheap look first: most lines are no JSON.
        if !line.trim_start().starts_with('{') {
            return None;
        }
        serde_json::from_str(line).ok()
    }

    pub fn count(&self) -> Option<(u64, u64)> {
        self.done.zip(self.total).filter(|(_, total)| *total > 0)
    }

    /// `cluster, kubelet: waiting for the node`.
    pub fn text(&self) -> String {
        if self.message.is_empty() {
            format!("{}, {}", self.stage, self.step)
        } else {
            format!("{}, {}: {}", self.stage, self.step, self.message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_from_output() {
        let line = ProgressLine::parse(r#"{"stage":"tools","step":"etcd","message":"go build","done":1,"total":9}"#);
        let line = line.unwrap();
        assert_eq!(line.count(), Some((1, 9)));
        assert_eq!(line.text(), "tools, etcd: go build");
        assert_eq!(ProgressLine::parse(r#"{"stage":"up","step":"dns"}"#).unwrap().text(), "up, dns");
        for other in ["etcd is up", r#"{"cluster":12.5,"ready":30.1}"#, "{", ""] {
            assert_eq!(ProgressLine::parse(other), None, "{other}");
        }
    }
}
