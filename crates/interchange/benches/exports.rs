//! Exports beside their key derivation: `cargo bench -p subrosa-interchange --bench exports`.

use divan::Bencher;
use subrosa_interchange::age::{self, Form, Recipients};
use subrosa_interchange::{Item, Place, subrosa};
use subrosa_secret::{Access, HostRule, Name, Policy, SecretValue};
use subrosa_vault::{KdfParams, Passphrase};

fn main() {
    divan::main();
}

const RECIPIENT: &str = "age1083t4sx67uz8wh7k9lcfm7jvwyvq3m7j3fedlxyemw2dtqhqusxs9ae8zc";

fn passphrase() -> Passphrase {
    Passphrase::new(b"made up for measuring").expect("a passphrase")
}

fn items(count: usize) -> Vec<Item> {
    let rule = HostRule::parse("api.example.com;header").expect("a rule").rule;
    let item = |number: usize| Item {
        description: format!("token of service {number}"),
        tags: ["measured".parse().expect("a tag")].into(),
        policy: Policy { access: Access::Restricted(vec![rule.clone()]), ..Policy::default() },
        created: Some(1_700_000_000),
        changed: Some(1_700_000_000),
        ..Item::new(
            Name::parse(&format!("team-{}/service-{number}", number % 40)).expect("a name"),
            Some(SecretValue::new(format!("made-up-token-{number:032}").into_bytes()).expect("short")),
            Place::File,
        )
    };
    (0..count).map(item).collect()
}

/// The derivation alone: what the two after it have in them.
#[divan::bench]
fn derive_the_key(bencher: Bencher<'_, '_>) {
    let passphrase = passphrase();
    let kdf = subrosa_vault::Kdf::generate(KdfParams::MINIMUM).expect("random");
    bencher.bench_local(|| kdf.derive(&passphrase).expect("derived"));
}

#[divan::bench(args = [0, 10_000])]
fn seal_with_derivation(bencher: Bencher<'_, '_>, count: usize) {
    let (items, passphrase) = (items(count), passphrase());
    bencher.bench_local(|| subrosa::seal(&items, &passphrase, KdfParams::MINIMUM).expect("sealed").len());
}

#[divan::bench(args = [0, 10_000])]
fn open_with_derivation(bencher: Bencher<'_, '_>, count: usize) {
    let passphrase = passphrase();
    let file = subrosa::seal(&items(count), &passphrase, KdfParams::MINIMUM).expect("sealed");
    bencher.bench_local(|| subrosa::open(&file, &passphrase).expect("opens").items.len());
}

#[divan::bench(args = [10_000])]
fn write_plain(bencher: Bencher<'_, '_>, count: usize) {
    let items = items(count);
    bencher.bench_local(|| subrosa::write_plain(&items).expect("written").len());
}

#[divan::bench(args = [10_000])]
fn read_plain(bencher: Bencher<'_, '_>, count: usize) {
    let file = subrosa::write_plain(&items(count)).expect("written");
    bencher.bench_local(|| subrosa::read_plain(&file).expect("read").items.len());
}

#[divan::bench(args = [10_000])]
fn seal_for_a_recipient_of_age(bencher: Bencher<'_, '_>, count: usize) {
    let plain = subrosa::write_plain(&items(count)).expect("written");
    let recipients = Recipients::parse(RECIPIENT).expect("a recipient");
    bencher.bench_local(|| age::seal(&plain, &recipients, Form::Binary).expect("sealed").len());
}

/// 200 MiB that begin as an export does, and have no end.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn refuse_junk(bencher: Bencher<'_, '_>) {
    let file = subrosa::seal(&[], &passphrase(), KdfParams::MINIMUM).expect("sealed");
    let text = String::from_utf8(file).expect("text");
    let (head, _) = text.split_once("\"payload\": [").expect("a payload");
    let junk = format!("{head}\"payload\": [\"{}", "A".repeat(200 << 20));
    bencher.bench_local(|| subrosa::Export::parse(junk.as_bytes()).is_err());
}
