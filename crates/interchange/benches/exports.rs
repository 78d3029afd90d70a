//! Exports, and what their key derivation costs beside: `cargo bench -p subrosa-interchange --features fuzzing`.

use divan::Bencher;
use subrosa_interchange::age::{self, Form, Recipients};
use subrosa_interchange::{InterchangeError, Item, Items, Outgoing, Place, fuzzing, subrosa};
use subrosa_secret::{Access, HostRule, Name, Policy, SecretValue};
use subrosa_vault::{KdfParams, Passphrase};
use zeroize::Zeroizing;

fn main() {
    divan::main();
}

const RECIPIENT: &str = "age1083t4sx67uz8wh7k9lcfm7jvwyvq3m7j3fedlxyemw2dtqhqusxs9ae8zc";

fn passphrase() -> Passphrase {
    Passphrase::new(b"made up for measuring").expect("a passphrase")
}

fn items(count: usize) -> Items {
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
    Items::of(&(0..count).map(item).collect::<Vec<_>>()).expect("few")
}

fn bytes(file: Result<Outgoing<'_>, InterchangeError>) -> Zeroizing<Vec<u8>> {
    file.expect("ready").to_bytes().expect("in memory")
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
    bencher.bench_local(|| bytes(fuzzing::seal_secrets(&items)).len());
}

#[divan::bench(args = [10, 10_000])]
fn open(bencher: Bencher<'_, '_>, count: usize) {
    let items = items(count);
    let file = bytes(fuzzing::seal_secrets(&items));
    bencher.bench_local(|| fuzzing::open(&file).expect("opens").items.len());
}

#[divan::bench(args = [10_000])]
fn write_plain(bencher: Bencher<'_, '_>, count: usize) {
    let items = items(count);
    bencher.bench_local(|| bytes(subrosa::write_plain(&items)).len());
}

#[divan::bench(args = [10_000])]
fn read_plain(bencher: Bencher<'_, '_>, count: usize) {
    let items = items(count);
    let file = bytes(subrosa::write_plain(&items));
    bencher.bench_local(|| subrosa::read_plain(&file).expect("read").items.len());
}

#[divan::bench(args = [10_000])]
fn seal_for_a_recipient_of_age(bencher: Bencher<'_, '_>, count: usize) {
    let items = items(count);
    let recipients = Recipients::parse(RECIPIENT).expect("a recipient");
    bencher.bench_local(|| {
        let plain = subrosa::write_plain(&items).expect("ready");
        bytes(age::seal(plain, &recipients, Form::Binary)).len()
    });
}

/// 200 MiB that begin as an export does, and have no end.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn refuse_junk(bencher: Bencher<'_, '_>) {
    let items = Items::default();
    let file = bytes(subrosa::seal(&items, &passphrase(), KdfParams::MINIMUM));
    let text = String::from_utf8(file.to_vec()).expect("text");
    let (head, _) = text.split_once("\"payload\": [").expect("a payload");
    let junk = format!("{head}\"payload\": [\"{}", "A".repeat(200 << 20));
    bencher.bench_local(|| subrosa::Export::parse(junk.as_bytes()).is_err());
}
