//! What stands behind a seal: decoders that only a holder of the key can feed, or a newer version with a mistake in it.

use subrosa_vault::{Kdf, Padding, Pin, Sealed, VaultId, fuzzing};

use crate::input::parts;

const VAULT: VaultId = VaultId::from_bytes([5; 16]);

/// The first byte says what the rest is: `e`ntry, `s`lot, `m`anifest, `p`in or framed te`x`t.
pub fn rows(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    match kind {
        b'e' => entry(data),
        b's' => slot(data),
        b'm' => manifest(data),
        b'p' => pin(data),
        b'x' => padding(data),
        _ => {}
    }
}

/// Metadata, policy and value of a secret: what opens can be written and opens again as the same.
fn entry(data: &[u8]) {
    let [metadata, policy, value] = parts::<3>(data);
    let value = (!value.is_empty()).then_some(value);
    let policy = String::from_utf8_lossy(policy);
    let Ok((entry, opened)) = fuzzing::open_entry(metadata, &policy, value) else { return };
    assert_eq!(opened.as_ref().map(|opened| opened.expose_secret()), value);
    let again = fuzzing::reopen_entry(&entry).expect("what is written opens");
    assert_eq!((&again.metadata, &again.policy), (&entry.metadata, &entry.policy));
    assert_eq!(
        (again.record, again.version, again.has_value()),
        (entry.record, entry.version, value.is_some())
    );
}

/// Public column and label of a keyslot: costs are within the limits, or not shown.
fn slot(data: &[u8]) {
    let (public, label) = data.split_at(data.len().min(31));
    if let Ok(kdf) = Kdf::decode(public.get(1..).unwrap_or_default()) {
        assert_eq!(kdf.encode()[..], public[1..], "parameters have one form");
        let params = kdf.params();
        assert!((19 << 10..=1 << 20).contains(&params.memory()));
        assert!((2..=10).contains(&params.passes()) && (1..=16).contains(&params.lanes()));
    }
    let _ = fuzzing::open_slot(public, label);
    let _ = fuzzing::open_slot(data, br#"{"label":"","created":0}"#);
}

/// The manifest's text: what is accepted says what it said when it is written again.
fn manifest(data: &[u8]) {
    for generation in [0, 7, u64::MAX] {
        let Ok(written) = fuzzing::open_manifest(generation, data) else { continue };
        assert_eq!(fuzzing::open_manifest(generation, &written).expect("it is read back"), written);
    }
}

/// The text of a pin: one text for each pin.
fn pin(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(pin) = fuzzing::read_pin(&VAULT, &text) {
        assert_eq!(fuzzing::write_pin(&VAULT, &pin), text);
    }
    // with a right checksum
    let number = data.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
    let made = Pin { generation: number, tag: [number as u8; 16] };
    assert_eq!(fuzzing::read_pin(&VAULT, &fuzzing::write_pin(&VAULT, &made)), Some(made));
}

/// What a seal held, with its padding, and a seal's two parts.
fn padding(data: &[u8]) {
    if let Some(sealed) = Sealed::from_slice(data) {
        assert_eq!(sealed.to_bytes(), data);
    }
    for padding in [Padding::Row, Padding::Value, Padding::None] {
        let Some(plain) = fuzzing::take_padding_off(padding, data) else { continue };
        assert_eq!(padding.padded(plain.len()), data.len());
    }
}
