//! Runs what the fuzz target runs over its seeds and many changes of them, so that the ordinary tests notice when the
//! target does not build, a seed crashes, or a rule does not hold.
#![cfg(test)]

mod common;

#[path = "../fuzz/body.rs"]
mod body;

use std::path::PathBuf;

use common::noise;

fn seeds() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/extract");
    let mut seeds: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap()))
        .collect();
    seeds.sort();
    seeds
}

#[test]
fn the_seeds_hold() {
    assert!(seeds().len() >= 20);
    for (name, seed) in seeds() {
        let held = std::panic::catch_unwind(|| body::extract(&seed));
        assert!(held.is_ok(), "{name}");
    }
}

/// Cheap changes with a fixed seed: bits, bytes that mean something to tar, cuts, repeats, splices.
#[test]
fn changed_seeds_hold() {
    let seeds: Vec<_> = seeds().into_iter().map(|(_, seed)| seed).collect();
    let mut random = noise(0x5eed, 8 * 40_000).into_iter();
    let mut next = move |below: usize| {
        let bytes: Vec<u8> = random.by_ref().take(4).collect();
        u32::from_le_bytes(bytes.try_into().unwrap()) as usize % below.max(1)
    };
    let dictionary: [&[u8]; 12] = [
        b"../",
        b"/",
        b"\0",
        b"L",
        b"K",
        b"1",
        b"5",
        b"2",
        b"ustar  \0",
        b"././@LongLink",
        b"77777777777",
        b"\x80\0\0\0\x7f\xff",
    ];
    for _ in 0..4000 {
        let mut input = seeds[next(seeds.len())].clone();
        for _ in 0..=next(4) {
            let at = next(input.len());
            match next(6) {
                0 => input[at] ^= 1 << next(8),
                1 => {
                    let word = dictionary[next(dictionary.len())];
                    let end = (at + word.len()).min(input.len());
                    input[at..end].copy_from_slice(&word[..end - at]);
                }
                2 => input.truncate(at.max(2)),
                3 => input.extend_from_within(at..),
                4 => input[at] = next(256) as u8,
                _ => {
                    let other = &seeds[next(seeds.len())];
                    input.truncate(at.max(1));
                    input.extend_from_slice(&other[next(other.len())..]);
                }
            }
        }
        input[0] ^= 0x80 * next(2) as u8;
        body::extract(&input);
    }
}
