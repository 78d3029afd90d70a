//! Exports, and what their key derivation costs beside: `cargo bench -p subrosa-interchange --features fuzzing`.

use divan::Bencher;
use subrosa_interchange::age::{self, Form, Recipients};
use subrosa_interchange::{Item, Place, fuzzing, subrosa};
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

/// What a passphrase costs beside all else.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn derive_the_key(bencher: Bencher<'_, '_>) {
    let passphrase = passphrase();
    let kdf = subrosa_vault::Kdf::generate(KdfParams::MINIMUM).expect("random");
    bencher.bench_local(|| kdf.derive(&passphrase).expect("derived"));
}

#[divan::bench(args = [10, 10_000])]
fn seal(bencher: Bencher<'_, '_>, count: usize) {
    let items = items(count);
    bencher.bench_local(|| fuzzing::seal_secrets(&items).expect("sealed").len());
}

#[divan::bench(args = [10, 10_000])]
fn open(bencher: Bencher<'_, '_>, count: usize) {
    let file = fuzzing::seal_secrets(&items(count)).expect("sealed");
    bencher.bench_local(|| fuzzing::open(&file).expect("opens").items.len());
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
