//! Tar archives made by hand, and those of them that must be refused.

use bundle::format::Hostile;
use bundle::stream::{ReadError, TarError};

/// A tar header made by hand, sharing nothing with the writer.
#[derive(Clone)]
pub struct Raw([u8; 512]);

impl Raw {
    pub fn new(kind: u8, name: &[u8], size: u64) -> Self {
        let mut block = [0; 512];
        block[..name.len()].copy_from_slice(name);
        block[100..108].copy_from_slice(b"0000644\0");
        block[108..116].copy_from_slice(b"0000000\0");
        block[116..124].copy_from_slice(b"0000000\0");
        block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
        block[136..148].copy_from_slice(b"00000000000\0");
        block[156] = kind;
        block[257..265].copy_from_slice(b"ustar  \0");
        Self(block).sealed()
    }

    pub fn set(mut self, at: usize, bytes: &[u8]) -> Self {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        self.sealed()
    }

    pub fn link(self, target: &[u8]) -> Self {
        self.set(157, target)
    }

    fn sealed(mut self) -> Self {
        self.0[148..156].fill(b' ');
        let sum: u32 = self.0.iter().map(|b| u32::from(*b)).sum();
        self.0[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self
    }
}

#[derive(Default)]
pub struct Archive(Vec<u8>);

impl Archive {
    pub fn add(mut self, header: &Raw, content: &[u8]) -> Self {
        self.0.extend_from_slice(&header.0);
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub fn file(self, name: &str, content: &[u8]) -> Self {
        self.add(&Raw::new(b'0', name.as_bytes(), content.len() as u64), content)
    }

    pub fn folder(self, name: &str) -> Self {
        self.add(&Raw::new(b'5', name.as_bytes(), 0), b"")
    }

    pub fn end(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        self.0
    }
}

/// What an archive must be refused for.
pub type Check = fn(&ReadError) -> bool;

type Group = Vec<(&'static str, Vec<u8>)>;

/// Every archive of the corpus, by name, with the reason it must be refused for.
pub fn corpus() -> Vec<(&'static str, Vec<u8>, Check)> {
    let groups: [(Group, Check); 9] = [
        (kinds(), |e| matches!(e, ReadError::Tar(TarError::Kind { .. }))),
        (paths(), |e| matches!(e, ReadError::Tar(TarError::Path(_)))),
        (links(), |e| matches!(e, ReadError::Hostile(Hostile::LinkTarget { .. }))),
        (headers(), |e| matches!(e, ReadError::Tar(TarError::Header { .. }))),
        (parents(), |e| matches!(e, ReadError::Hostile(Hostile::NoParent(_)))),
        (twice(), |e| matches!(e, ReadError::Hostile(Hostile::Duplicate(_)))),
        (cut(), |e| matches!(e, ReadError::Tar(TarError::Truncated | TarError::Read(_)))),
        (trailing(), |e| matches!(e, ReadError::Tar(TarError::Trailing))),
        (beyond(), |e| matches!(e, ReadError::Hostile(Hostile::Mode { .. } | Hostile::FileBytes { .. }))),
    ];
    let named =
        groups.into_iter().flat_map(|(group, check)| group.into_iter().map(move |(name, plain)| (name, plain, check)));
    named.collect()
}

fn one(header: &Raw) -> Vec<u8> {
    new().add(header, b"").end()
}

fn new() -> Archive {
    Archive::default()
}

fn link(name: &str, target: &str) -> Raw {
    Raw::new(b'1', name.as_bytes(), 0).link(target.as_bytes())
}

fn empty(name: &str) -> Raw {
    Raw::new(b'0', name.as_bytes(), 0)
}

/// An archive that begins with a record of a long name (`L`) or link target (`K`).
fn long(kind: u8, content: &[u8]) -> Archive {
    new().add(&Raw::new(kind, b"././@LongLink", content.len() as u64), content)
}

fn kinds() -> Group {
    let kinds = [
        ("symbolic link", b'2'),
        ("character device", b'3'),
        ("block device", b'4'),
        ("named pipe", b'6'),
        ("contiguous file", b'7'),
        ("sparse file", b'S'),
        ("pax header", b'x'),
        ("global pax header", b'g'),
        ("volume label", b'V'),
        ("dump folder", b'D'),
    ];
    let mut group: Group = kinds.map(|(name, kind)| (name, one(&Raw::new(kind, b"x", 0).link(b"/etc")))).into();
    group
        .push(("two long names", long(b'L', b"a\0").add(&Raw::new(b'L', b"x", 2), b"b\0").add(&empty("f"), b"").end()));
    group
}

fn paths() -> Group {
    vec![
        ("absolute", one(&empty("/tmp/x"))),
        ("parent folder", one(&empty("../x"))),
        ("parent folder inside", new().folder("a/").file("a/../../x", b"").end()),
        ("parent folder as folder", one(&Raw::new(b'5', b"../", 0))),
        ("this folder", one(&Raw::new(b'5', b"./", 0))),
        ("no name", one(&empty(""))),
        ("double slash", new().folder("a/").file("a//b", b"").end()),
        ("absolute link target", one(&link("l", "/etc/passwd"))),
        ("link target above", one(&link("l", "../x"))),
        ("link without target", one(&link("l", ""))),
        ("long name that leaves", long(b'L', b"../../x\0").add(&empty("f"), b"").end()),
        ("long name, absolute", long(b'L', b"/x\0").add(&empty("f"), b"").end()),
        ("long target that leaves", long(b'K', b"../x\0").add(&link("l", ""), b"").end()),
        ("component of 300 bytes", long(b'L', &[vec![b'a'; 300], vec![0]].concat()).add(&empty("f"), b"").end()),
    ]
}

fn links() -> Group {
    vec![
        ("forward", new().add(&link("l", "f"), b"").file("f", b"x").end()),
        ("to itself", one(&link("l", "l"))),
        ("to a folder", new().folder("d/").add(&link("l", "d"), b"").end()),
        ("to nothing", one(&link("l", "etc/passwd"))),
    ]
}

fn headers() -> Group {
    let mut wrong_checksum = one(&empty("f"));
    wrong_checksum[0] = b'g';
    vec![
        ("wrong checksum", wrong_checksum),
        ("link with content", one(&Raw::new(b'1', b"l", 512).link(b"f"))),
        ("folder with content", one(&Raw::new(b'5', b"d/", 512))),
        ("file with a folder's name", one(&empty("d/"))),
        ("no magic", one(&empty("f").set(257, &[0; 8]))),
        ("size is no number", one(&empty("f").set(124, b"zzzzzzzzzzz\0"))),
        ("lone block of zeros", [&[0; 512], empty("f").0.as_slice(), &[0; 1024]].concat()),
        ("long name with NUL inside", long(b'L', b"a\0b\0").add(&empty("f"), b"").end()),
        ("long name without NUL", long(b'L', b"abc").add(&empty("f"), b"").end()),
        ("long name that is empty", long(b'L', b"").add(&empty("f"), b"").end()),
        ("long name of a megabyte", long(b'L', &vec![b'a'; 1 << 20]).add(&empty("f"), b"").end()),
        ("long name alone", long(b'L', b"abc\0").end()),
        ("long target for a file", long(b'K', b"abc\0").add(&empty("f"), b"").end()),
        ("path of 5,000 bytes", long(b'L', &[b"a/".repeat(2500), vec![0]].concat()).add(&empty("f"), b"").end()),
    ]
}

fn parents() -> Group {
    vec![("inside a file", new().file("f", b"1").file("f/x", b"2").end()), ("folder missing", one(&empty("a/b")))]
}

fn twice() -> Group {
    vec![
        ("twice", new().file("f", b"1").file("f", b"2").end()),
        ("folder over a file", new().file("f", b"1").folder("f/").end()),
        ("link over a file", new().file("f", b"1").file("g", b"2").add(&link("f", "g"), b"").end()),
    ]
}

fn cut() -> Group {
    let file = new().file("f", b"x").0;
    vec![
        ("no end", file.clone()),
        ("half an end", [file.as_slice(), &[0; 512]].concat()),
        ("nothing at all", vec![]),
        ("cut in a header", file[..300].to_vec()),
        ("cut in the padding", file[..600].to_vec()),
        ("content cut off", new().add(&Raw::new(b'0', b"f", 5000), b"short").0),
    ]
}

fn trailing() -> Group {
    vec![
        ("second archive behind the first", [new().end(), new().file("f", b"x").end()].concat()),
        ("byte behind the end", [new().end(), vec![0, 0, 1]].concat()),
    ]
}

fn beyond() -> Group {
    let size = [0x80, 0, 0, 0, 0x7f, 255, 255, 255, 255, 255, 255, 255];
    vec![
        ("set-user-id", one(&empty("f").set(100, b"0004755\0"))),
        ("sticky folder", one(&Raw::new(b'5', b"d/", 0).set(100, b"0001777\0"))),
        ("size beyond all bounds", one(&empty("f").set(124, &size))),
    ]
}
