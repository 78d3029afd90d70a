//! Finding references, judging hosts, masking: `cargo bench -p subrosa-secret`.

use divan::{Bencher, black_box, counter::BytesCount};
use subrosa_secret::{Access, HostRule, Name, Origin, Placement, Policy, Redactor, SecretValue, scan};

fn main() {
    divan::main();
}

const MIB: usize = 1 << 20;

/// A MiB of JSON with a reference in every kibibyte.
fn document() -> Vec<u8> {
    let mut line = b"{\"token\": \"<<vault:team-1/service-1>>\", \"text\": \"".to_vec();
    line.resize(1020, b'x');
    line.extend_from_slice(b"\"}\n\n");
    line.repeat(MIB / line.len())
}

fn secrets(count: usize) -> Vec<(Name, SecretValue)> {
    let secret = |number| {
        let name = Name::parse(&format!("service-{number}")).expect("a name");
        (name, SecretValue::new(format!("made-up-token-{number:032}").into_bytes()).expect("short"))
    };
    (0..count).map(secret).collect()
}

#[divan::bench]
fn parse(bencher: Bencher<'_, '_>) {
    let text = document();
    bencher.counter(BytesCount::new(text.len())).bench(|| scan(black_box(&text)));
}

#[divan::bench(args = [1, 10, 100])]
fn prepare_a_mask(bencher: Bencher<'_, '_>, count: usize) {
    let secrets = secrets(count);
    bencher.bench(|| Redactor::new(secrets.iter().map(|(name, value)| (name.clone(), value))));
}

#[divan::bench(args = [1, 10, 100])]
fn mask(bencher: Bencher<'_, '_>, count: usize) {
    let (secrets, text) = (secrets(count), document());
    let redactor = Redactor::new(secrets.iter().map(|(name, value)| (name.clone(), value)));
    bencher.counter(BytesCount::new(text.len())).bench(|| redactor.redact(black_box(&text)).len());
}

#[divan::bench]
fn judge(bencher: Bencher<'_, '_>) {
    let rule = |text: String| HostRule::parse(&text).expect("a rule").rule;
    let rules = (0..10).map(|number| rule(format!("*.api-{number}.example.com"))).collect();
    let policy = Policy { access: Access::Restricted(rules), ..Policy::default() };
    bencher.bench(|| {
        let origin = Origin::of_url(black_box("https://eu.api-9.example.com/v1/items")).expect("a URL");
        policy.judge(&origin, Placement::Header)
    });
}
