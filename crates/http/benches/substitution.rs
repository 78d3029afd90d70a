//! What it costs to put values into a request: `cargo bench -p subrosa-http`.

use std::collections::BTreeMap;

use divan::{Bencher, black_box};
use subrosa_http::{Connection, HeaderField, RequestDraft};
use subrosa_secret::{Name, SecretValue};

fn main() {
    divan::main();
}

fn values(count: usize) -> BTreeMap<Name, SecretValue> {
    let secret = |number| {
        let name = Name::parse(&format!("service-{number}")).expect("a name");
        (name, SecretValue::new(format!("made-up-token-{number:032}").into_bytes()).expect("short"))
    };
    (0..count).map(secret).collect()
}

#[divan::bench(args = [1, 10])]
fn headers(bencher: Bencher<'_, '_>, count: usize) {
    let values = values(count);
    let mut draft = RequestDraft::new("https://api.example.com/v1/items");
    for number in 0..count {
        let value = format!("Bearer <<vault:service-{number}>>");
        draft.headers.push(HeaderField::new(format!("X-Key-{number}"), value));
    }
    let connection = Connection::plain();
    bencher.bench(|| black_box(&draft).fill(&connection, &values).is_ok());
}
