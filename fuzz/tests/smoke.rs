//! Each target over its seeds, and over some changes of them that are the same in every run.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use subrosa_fuzz::{TARGETS, Target};

/// How many changes are made of all seeds of a target: fewer where one run takes long.
fn changes(target: &str) -> usize {
    match target {
        "vault_file" | "audit_log" | "decoding" => 200,
        "redactor" | "globs" => 400,
        _ => 2000,
    }
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// The seeds of a target, in the order of their names.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = corpus().join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut seeds: Vec<(String, Vec<u8>)> = files
        .map(|file| file.expect("an entry"))
        .map(|file| (file.file_name().to_string_lossy().into_owned(), fs::read(file.path()).expect("a seed")))
        .collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "{target} has no seeds");
    seeds
}

/// Xorshift: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// A seed with some bytes changed, added, taken out or moved, or a part of another seed in it.
fn changed(seed: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    const TELLING: &[u8] = b"\0\n\r\t <>{}[]:;@/\\?#%&=+-_.,\"'vV019aAzZ\x7f\x80\xc3\xff";
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let telling = TELLING[random.below(TELLING.len())];
        match random.below(6) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            1 if !bytes.is_empty() => bytes[at] = telling,
            2 => bytes.insert(at, telling),
            3 => drop(bytes.drain(at..(at + random.below(8)).min(bytes.len()))),
            4 => {
                let from = random.below(other.len());
                let part = &other[from..(from + random.below(16)).min(other.len())];
                bytes.splice(at..at, part.iter().copied());
            }
            _ => bytes.truncate(at),
        }
    }
    bytes
}

/// Runs one target; a failure names the input that shows it.
fn run((name, target): Target, input: &[u8], from: &str) {
    if let Err(panic) = catch_unwind(|| target(input)) {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        panic!("{name}, {from}: {text}\ninput: {}", input.escape_ascii());
    }
}

fn smoke(name: &str) {
    let target = *TARGETS.iter().find(|(known, _)| *known == name).expect("a target of that name");
    let seeds = seeds(name);
    for (seed, bytes) in &seeds {
        run(target, bytes, seed);
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for number in 0..changes(name) {
        let (seed, bytes) = &seeds[number % seeds.len()];
        let (_, other) = &seeds[random.below(seeds.len())];
        run(target, &changed(bytes, other, &mut random), &format!("change {number}, of {seed}"));
    }
}

macro_rules! smoke_tests {
    ($($name:ident),+ $(,)?) => {
        $(#[test] fn $name() { smoke(stringify!($name)); })+

        const TESTED: &[&str] = &[$(stringify!($name)),+];
    };
}

smoke_tests![
    age_file,
    arguments,
    audit_log,
    certificate,
    challenges,
    config,
    cookies,
    decoding,
    detect,
    documents,
    dotenv,
    environment,
    export,
    forms,
    globs,
    host_rules,
    postman,
    redactor,
    redirect,
    reference,
    response,
    rows,
    substitute,
    vault_file,
    vault_key,
];

/// A target is a function, a test here, a binary, and a folder of seeds.
#[test]
fn every_target_is_complete() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert!(targets.iter().eq(TESTED), "tests of other targets");
    let names = |folder: &str| -> BTreeSet<String> {
        let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect("a folder");
        let stem =
            |file: fs::DirEntry| file.path().file_stem().expect("a name").to_string_lossy().into_owned();
        files.map(|file| stem(file.expect("an entry"))).collect()
    };
    assert_eq!(names("fuzz_targets"), targets);
    assert_eq!(names("corpus"), targets);
    assert!(names("dictionaries").is_subset(&targets));
    let manifest = include_str!("../Cargo.toml");
    for name in &targets {
        assert!(
            manifest.contains(&format!("name = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"")),
            "{name}"
        );
    }
}
