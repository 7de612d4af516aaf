//! Which paths are names of the same file.

use std::collections::HashMap;

use crate::format::RelPath;

/// Files with more than one name: the first path that is met carries the data, the others become hard links to it.
///
/// A file is forgotten when all of its names were met, so that the table holds only what is still open.
#[derive(Debug, Default)]
pub(super) struct Links(HashMap<(u64, u64), Group>);

#[derive(Debug)]
struct Group {
    first: RelPath,
    left: u64,
}

impl Links {
    /// Meets `path`, a name of the file `inode` on `device` that has `names` names altogether. Gives the path that
    /// carries its data, or `None` when this one does.
    pub(super) fn meet(&mut self, device: u64, inode: u64, names: u64, path: &RelPath) -> Option<RelPath> {
        if names < 2 {
            return None;
        }
        let key = (device, inode);
        let Some(group) = self.0.get_mut(&key) else {
            self.0.insert(key, Group { first: path.clone(), left: names - 1 });
            return None;
        };
        let first = group.first.clone();
        group.left -= 1;
        if group.left == 0 {
            self.0.remove(&key);
        }
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_name_carries_and_a_finished_group_is_forgotten() {
        let path = |name: &str| RelPath::parse(name.as_bytes()).unwrap();
        let mut links = Links::default();
        assert_eq!(links.meet(1, 7, 1, &path("alone")), None);
        assert_eq!(links.meet(1, 7, 3, &path("a")), None);
        assert_eq!(links.meet(2, 7, 2, &path("other device")), None);
        assert_eq!(links.meet(1, 7, 3, &path("b")), Some(path("a")));
        assert_eq!(links.meet(1, 7, 3, &path("c")), Some(path("a")));
        assert_eq!(links.0.len(), 1);
    }
}
