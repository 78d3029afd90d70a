//! Seals, keys, the manifest, lookups and writes, without the process around them: `cargo bench -p subrosa-vault`.

use divan::{Bencher, black_box, counter::BytesCount};
use subrosa_secret::{Name, Policy, SecretValue};
use subrosa_vault::{
    Arrival, Context, Epoch, Location, NewSlot, Over, Padding, Portable, RootKey, SlotId, Unlock, ValueKey,
    Vault, VaultId, VaultKey, open, seal,
};
use tempfile::TempDir;

fn main() {
    divan::main();
}

const VAULT: VaultId = VaultId::from_bytes([7; 16]);
const PLACE: Context<'_> =
    Context { vault: &VAULT, table: "secret", record: &[1; 16], field: "value", version: 1, epoch: Epoch(1) };
const LENGTHS: [usize; 3] = [64, 4 << 10, 1 << 20];

fn key() -> ValueKey {
    ValueKey::derive(&RootKey::from_slice(&[9; 32]).expect("32 bytes"), &VAULT, Epoch(1))
}

#[divan::bench(args = LENGTHS)]
fn seal_a_value(bencher: Bencher<'_, '_>, length: usize) {
    let (key, plain) = (key(), vec![0xa5; length]);
    bencher.counter(BytesCount::new(length)).bench(|| seal(&key, &PLACE, Padding::Value, black_box(&plain)));
}

#[divan::bench(args = LENGTHS)]
fn open_a_value(bencher: Bencher<'_, '_>, length: usize) {
    let key = key();
    let sealed = seal(&key, &PLACE, Padding::Value, &vec![0xa5; length]).expect("a seal");
    bencher
        .counter(BytesCount::new(length))
        .with_inputs(|| sealed.body.clone())
        .bench_values(|body| open(&key, &PLACE, Padding::Value, &sealed.head, body).map(|plain| plain.len()));
}

/// A vault in a folder that goes with it.
struct Stage {
    vault: Vault,
    key: VaultKey,
    folder: TempDir,
}

fn name(number: u32) -> Name {
    Name::parse(&format!("team-{}/service-{number}", number % 40)).expect("a name")
}

fn value(number: u32) -> SecretValue {
    SecretValue::new(format!("made-up-token-{number:032}").into_bytes()).expect("short")
}

fn stage(count: u32) -> Stage {
    let folder = tempfile::tempdir().expect("a folder");
    let key = VaultKey::generate().expect("random");
    let slot = (SlotId::random().expect("random"), NewSlot::VaultKey { key: &key, label: "bench" });
    let mut vault =
        Vault::create(&location(&folder), VaultId::random().expect("random"), &[slot]).expect("a vault");
    vault
        .change(|change| {
            (0..count).try_for_each(|number| change.set(&name(number), Some(&value(number))).map(drop))
        })
        .expect("secrets");
    Stage { vault, key, folder }
}

fn location(folder: &TempDir) -> Location {
    Location { dir: folder.path().join("vault"), state: folder.path().join("state") }
}

#[divan::bench]
fn open_a_vault(bencher: Bencher<'_, '_>) {
    let stage = stage(10);
    bencher.bench_local(|| Vault::open(&location(&stage.folder), &Unlock::VaultKey(&stage.key)).is_ok());
}

#[divan::bench]
fn open_the_manifest(bencher: Bencher<'_, '_>) {
    let stage = stage(10);
    bencher.bench_local(|| stage.vault.generation().expect("a generation"));
}

#[divan::bench(args = [10, 10_000])]
fn find_and_open(bencher: Bencher<'_, '_>, count: u32) {
    let stage = stage(count);
    let mut number = 0;
    bencher.bench_local(|| {
        number = (number + 7) % count;
        let entry = stage.vault.find(&name(number)).expect("proven").expect("there");
        stage.vault.value(&entry).expect("opens").map(|value| value.len())
    });
}

#[divan::bench(args = [10, 10_000])]
fn list(bencher: Bencher<'_, '_>, count: u32) {
    let stage = stage(count);
    bencher.bench_local(|| stage.vault.list().expect("proven").len());
}

#[divan::bench(args = [10, 10_000])]
fn set(bencher: Bencher<'_, '_>, count: u32) {
    let mut stage = stage(count);
    let mut number = 0;
    bencher.bench_local(|| {
        number += 1;
        stage
            .vault
            .change(|change| change.set(&name(count), Some(&value(number))).map(drop))
            .expect("written");
    });
}

#[divan::bench(args = [10, 10_000], sample_count = 10, sample_size = 1)]
fn export(bencher: Bencher<'_, '_>, count: u32) {
    let stage = stage(count);
    bencher.bench_local(|| stage.vault.export(|_| true, true, |some| some.len()).expect("proven").len());
}

/// Into an empty vault; on the disk that the temporary folder is on.
#[divan::bench(args = [10, 10_000], sample_count = 10, sample_size = 1)]
fn restore(bencher: Bencher<'_, '_>, count: u32) {
    let portable = |number| Portable {
        name: name(number),
        value: Some(value(number)),
        link: None,
        description: format!("token of service {number}"),
        tags: Default::default(),
        policy: Policy::default(),
        created: None,
        changed: None,
        history: Vec::new(),
    };
    let secrets: Vec<Portable> = (0..count).map(portable).collect();
    let arrivals: Vec<_> = secrets.iter().map(|secret| Arrival { secret, over: Over::Nothing }).collect();
    bencher.with_inputs(|| stage(0)).bench_local_values(|mut stage| {
        stage.vault.change(|change| change.restore(arrivals.as_slice())).expect("written");
        stage
    });
}
