//! Age files, recipients and keys as nobody should write them.

use ::age::x25519;
use subrosa_secret::SecretValue;

use super::*;

const PLAIN: &[u8] = b"API_KEY=made-up";
/// The work of a passphrase that is quickly done.
const CHEAP: u8 = 4;

fn secret(text: &str) -> SecretValue {
    SecretValue::new(text.as_bytes().to_vec()).expect("short")
}

/// A key, and a file for it.
fn sealed(plain: &[u8], form: Form) -> (Identities, Vec<u8>) {
    use ::age::secrecy::ExposeSecret as _;
    let identity = x25519::Identity::generate();
    let recipients = Recipients::parse(&identity.to_public().to_string()).expect("a recipient");
    let file = seal(plain.into(), &recipients, form).expect("sealed").to_bytes().expect("written").to_vec();
    match KeyFile::read(identity.to_string().expose_secret().as_bytes()) {
        Ok(KeyFile::Ready(identities)) => (identities, file),
        _ => panic!("a key of age"),
    }
}

fn cheaply(plain: &[u8], passphrase: &str, work: u8) -> Vec<u8> {
    let mut recipient = scrypt::Recipient::new(text_of(&secret(passphrase)).expect("text"));
    recipient.set_work_factor(work);
    let encryptor = Encryptor::with_recipients(std::iter::once(&recipient as &dyn ::age::Recipient));
    super::sealed(encryptor.expect("one recipient"), plain.into(), Form::Binary)
        .to_bytes()
        .expect("written")
        .to_vec()
}

fn refusal(file: &[u8], key: &Key<'_>) -> Option<&'static str> {
    open(file, key).err().map(|error| {
        let text = error.to_string();
        assert!(!text.contains("made-up") && !text.contains("API_KEY"), "{text}");
        error.kind()
    })
}

#[test]
fn hostile_b19_more_work_than_is_done_is_refused_at_once() {
    let cheap = cheaply(PLAIN, "made up", CHEAP);
    let passphrase = secret("made up");
    let key = Key::Passphrase(&passphrase);
    assert_eq!(refusal(&cheap, &key), None);
    let at = cheap.windows(3).position(|part| part == b" 4\n").expect("the work");
    for work in ["21", "22", "40", "63", "64", "255"] {
        let greedy = [&cheap[..at + 1], work.as_bytes(), &cheap[at + 2..]].concat();
        // 2^21 steps would take 2 GiB, 2^40 of them no machine has
        assert_eq!(refusal(&greedy, &key), Some("kdf_parameters"), "{work}");
    }
    for work in ["0", "04", "-1", "256", "x", "99999999999999999999"] {
        let odd = [&cheap[..at + 1], work.as_bytes(), &cheap[at + 2..]].concat();
        assert!(refusal(&odd, &key).is_some(), "{work}");
    }
}

#[test]
fn hostile_b23_passphrases_that_are_short_or_no_text_are_refused() {
    let recipient = |bytes: &[u8]| {
        let passphrase = SecretValue::new(bytes.to_vec()).expect("short");
        seal_with_passphrase(PLAIN.into(), &passphrase, Form::Binary).err().map(|error| error.kind())
    };
    assert_eq!(recipient(b""), Some("passphrase_empty"));
    assert_eq!(recipient(b"eleven char"), Some("passphrase_too_short"));
    assert_eq!(recipient(&[0xff; 20]), Some("passphrase_not_text"));
}

#[test]
fn hostile_b24_a_wrong_passphrase_and_a_damaged_header_say_the_same() {
    let mut file = cheaply(PLAIN, "made up", CHEAP);
    let (right, wrong) = (secret("made up"), secret("made-up"));
    let said =
        |file: &[u8], passphrase| open(file, &Key::Passphrase(passphrase)).expect_err("refused").to_string();
    let with_wrong = said(&file, &wrong);
    // the salt, then the wrapped key
    let salt = file.windows(7).position(|part| part == b"scrypt ").expect("a stanza") + 7;
    for at in [salt, salt + 30] {
        let byte = if file[at] == b'A' { b'B' } else { b'A' };
        let old = std::mem::replace(&mut file[at], byte);
        assert_eq!(said(&file, &right), with_wrong, "{at}");
        file[at] = old;
    }
}

#[test]
fn hostile_i88_a_header_without_end_is_refused_quickly() {
    let line = [&[b'A'; 64][..], b"\n"].concat();
    let (identities, _) = sealed(PLAIN, Form::Binary);
    for start in ["age-encryption.org/v1\n-> X25519 ", "age-encryption.org/v1\n-> X25519 a\n"] {
        let mut file = start.as_bytes().to_vec();
        while file.len() < 32 << 20 {
            file.extend_from_slice(&line);
        }
        assert_eq!(refusal(&file, &Key::Identities(&identities)), Some("malformed"));
    }
    let long = vec![b'a'; MAX_FILE_LEN + 1];
    assert_eq!(refusal(&long, &Key::Identities(&identities)), Some("too_long"));
}

#[test]
fn hostile_i88_an_age_file_within_an_age_file_is_refused() {
    for form in [Form::Binary, Form::Armored] {
        let (_, inner) = sealed(PLAIN, form);
        let (identities, outer) = sealed(&inner, Form::Armored);
        assert_eq!(refusal(&outer, &Key::Identities(&identities)), Some("format_unsupported"));
    }
}

#[test]
fn hostile_i91_every_bit_of_a_file_and_every_cut_is_noticed() {
    let (identities, file) = sealed(PLAIN, Form::Binary);
    let key = Key::Identities(&identities);
    assert_eq!(refusal(&file, &key), None);
    for bit in 0..file.len() * 8 {
        let mut flipped = file.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(refusal(&flipped, &key).is_some(), "bit {bit}");
    }
    for length in 0..file.len() {
        assert!(refusal(&file[..length], &key).is_some(), "{length} bytes");
    }
    let longer = [file.as_slice(), b"x"].concat();
    assert!(refusal(&longer, &key).is_some());

    let (identities, armored) = sealed(PLAIN, Form::Armored);
    let key = Key::Identities(&identities);
    // without the line ending behind its last marker it is whole
    for length in 0..armored.len() - 1 {
        assert!(refusal(&armored[..length], &key).is_some(), "{length} bytes, armored");
    }
    let longer = [armored.as_slice(), b"x"].concat();
    assert!(refusal(&longer, &key).is_some());
}

#[test]
fn hostile_i91_chunks_of_a_payload_cannot_be_left_out_or_swapped() {
    const CHUNK: usize = (64 << 10) + 16;
    let (identities, file) = sealed(&vec![b'x'; 150_000], Form::Binary);
    let key = Key::Identities(&identities);
    assert_eq!(refusal(&file, &key), None);
    let last = 150_000 - 2 * (64 << 10) + 16;
    let (head, chunks) = file.split_at(file.len() - 2 * CHUNK - last);
    let (one, rest) = chunks.split_at(CHUNK);
    let (two, three) = rest.split_at(CHUNK);
    let parts: [&[&[u8]]; 6] = [
        &[one, three],
        &[one, two],
        &[two, one, three],
        &[one, one, two, three],
        &[one, two, three, three],
        &[],
    ];
    for parts in parts {
        let edited = [head, &parts.concat()].concat();
        assert_eq!(refusal(&edited, &key), Some("damaged"));
    }
}

#[test]
fn a_newer_version_of_the_format_is_told() {
    let (identities, file) = sealed(PLAIN, Form::Binary);
    let newer = [b"age-encryption.org/v2\n", &file[22..]].concat();
    assert_eq!(refusal(&newer, &Key::Identities(&identities)), Some("needs_newer"));
    assert_eq!(refusal(b"age-encryption.org/v1x\n", &Key::Identities(&identities)), Some("needs_newer"));
    assert_eq!(refusal(b"API_KEY=made-up", &Key::Identities(&identities)), Some("malformed"));
}

#[test]
fn what_is_no_recipient_is_named_by_its_line() {
    let small = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7vbqajDw4o6gJy8UtmIbkcpnkO3Kwc4qsEnSZp/TR+fQi62F79RHWmwKOtFmwteURgLbj7D/WGuNLGOfa/2vse3G2eHnHl5CB8ruRX9fBl/KgwCVr2JaEuUm66bBQeP5XeBotdR4cvX38uPYivCDdPjJ1QWPdspTBKcxeFbccDw== x";
    for (text, said) in [
        ("age1notakey", "X25519"),
        ("AGE-SECRET-KEY-1XXXX", "secret key"),
        (small, "2048 bits"),
        ("ecdsa-sha2-nistp256 AAAA", "ssh-ed25519 and ssh-rsa"),
        ("ssh-ed25519 AAAA", "ssh-ed25519 and ssh-rsa"),
        ("somebody", "ssh-ed25519 and ssh-rsa"),
    ] {
        let error = Recipients::parse(&format!("# one\n{text}\n")).err().expect("refused").to_string();
        assert!(error.starts_with("line 2: ") && error.contains(said), "{error}");
        assert!(!error.contains("XXXX"), "{error}");
    }
    let none = Recipients::parse("# nobody\n").expect("comments");
    assert_eq!(seal(PLAIN.into(), &none, Form::Binary).err().expect("refused").kind(), "no_recipients");
}

#[test]
fn what_is_no_file_of_keys_is_refused_without_quoting_it() {
    let (_, for_recipients) = sealed(b"AGE-SECRET-KEY-1", Form::Binary);
    let long = vec![b'#'; MAX_KEY_FILE_LEN + 1];
    let files: [&[u8]; 8] = [
        b"",
        b"# nothing\n",
        b"hunter2",
        b"AGE-SECRET-KEY-1HUNTER2",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN CERTIFICATE-----\nhunter2\n",
        &for_recipients,
        &long,
    ];
    for file in files {
        let error = KeyFile::read(file).err().expect("refused").to_string();
        assert!(!error.to_lowercase().contains("hunter2"), "{error}");
    }
}
