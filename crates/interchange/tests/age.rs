//! Age files against Debian's age: each opens what the other wrote, for every kind of recipient.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use subrosa_interchange::age::{self, Form, Identities, Key, KeyFile, Lock, Recipients};
use subrosa_interchange::{Format, InterchangeError, detect, subrosa};
use subrosa_secret::SecretValue;
use subrosa_testkit::{Terminal, needs};

const PASSPHRASE: &str = "made up for tests";

/// A folder with keys that other programs made.
struct Keys(tempfile::TempDir);

impl Keys {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect(name)
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).expect("text")
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        fs::write(self.path(name), bytes).expect("written");
        self.path(name)
    }

    /// A key of age's own, and its public half.
    fn x25519(&self, name: &str) -> String {
        run(Command::new("age-keygen").arg("-o").arg(self.path(name)));
        let text = self.text(name);
        let public = text.lines().find_map(|line| line.strip_prefix("# public key: "));
        public.expect("a public key").to_owned()
    }

    /// A key of ssh, and its public half.
    fn ssh(&self, name: &str, kind: &[&str], passphrase: &str) -> String {
        let mut keygen = Command::new("ssh-keygen");
        keygen
            .args(["-q", "-t"])
            .args(kind)
            .args(["-C", "somebody", "-N", passphrase, "-f"])
            .arg(self.path(name));
        run(&mut keygen);
        self.text(&format!("{name}.pub"))
    }

    fn identities(&self, name: &str) -> Identities {
        match KeyFile::read(&self.read(name)).expect(name) {
            KeyFile::Ready(identities) => identities,
            KeyFile::Locked(locked) => locked.unlock(&secret(PASSPHRASE)).expect(name),
        }
    }
}

fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn secret(text: &str) -> SecretValue {
    SecretValue::new(text.as_bytes().to_vec()).expect("short")
}

fn document() -> Vec<u8> {
    let text = br#"{"format":"subrosa-plain","version":1,"secrets":[{"name":"a","value":"made up"}]}"#;
    let items = subrosa::read_plain(text).expect("secrets").items;
    subrosa::write_plain(&items).expect("ready").to_bytes().expect("written").to_vec()
}

/// What Debian's age finds in a file with a key.
fn decrypted(keys: &Keys, file: &[u8], key: &str) -> Vec<u8> {
    let file = keys.write("ours.age", file);
    run(Command::new("age").arg("-d").arg("-i").arg(keys.path(key)).arg(file))
}

/// A file of Debian's age for a recipient.
fn encrypted(keys: &Keys, recipient: &str, arguments: &[&str], plain: &[u8]) -> Vec<u8> {
    let (plain, list) = (keys.write("plain", plain), keys.write("recipients", recipient.as_bytes()));
    run(Command::new("age").args(arguments).arg("-R").arg(list).arg(plain))
}

fn both_ways(keys: &Keys, recipient: &str, key: &str) {
    let plain = document();
    let recipients = Recipients::parse(recipient).expect("a recipient");
    let identities = keys.identities(key);
    for form in [Form::Binary, Form::Armored] {
        let ours = age::seal(plain.as_slice().into(), &recipients, form)
            .expect("ready")
            .to_bytes()
            .expect("written");
        assert_eq!(detect(&ours, None).expect("recognised"), Format::Age);
        assert!(*ours != plain && decrypted(keys, &ours, key) == plain, "{key} {form:?}");
        let arguments: &[&str] = if form == Form::Armored { &["-a"] } else { &[] };
        let theirs = encrypted(keys, recipient, arguments, &plain);
        assert_eq!(age::File::parse(&theirs).expect("an age file").lock(), Lock::Recipients);
        let opened = age::open(&theirs, &Key::Identities(&identities)).expect("it opens");
        assert_eq!(*opened, plain, "{key} {form:?}");
        assert_eq!(detect(&opened, None).expect("recognised"), Format::SubrosaPlain);
    }
}

#[test]
fn files_for_keys_of_age_are_read_by_both() {
    if !needs(&["age", "age-keygen"]) {
        return;
    }
    let keys = Keys::new();
    let recipient = keys.x25519("key.txt");
    both_ways(&keys, &recipient, "key.txt");
}

#[test]
fn files_for_keys_of_ssh_are_read_by_both() {
    if !needs(&["age", "ssh-keygen"]) {
        return;
    }
    let keys = Keys::new();
    for (name, kind) in [("ed25519", &["ed25519"][..]), ("rsa", &["rsa", "-b", "2048"])] {
        let recipient = keys.ssh(name, kind, "");
        both_ways(&keys, &recipient, name);
    }
}

#[test]
fn keys_of_ssh_under_a_passphrase_open_files() {
    if !needs(&["age", "ssh-keygen"]) {
        return;
    }
    let keys = Keys::new();
    let recipient = keys.ssh("locked", &["ed25519"], PASSPHRASE);
    let theirs = encrypted(&keys, &recipient, &[], &document());
    let opened = age::open(&theirs, &Key::Identities(&keys.identities("locked"))).expect("it opens");
    assert_eq!(*opened, document());
    let Ok(KeyFile::Locked(locked)) = KeyFile::read(&keys.read("locked")) else { panic!("it is locked") };
    let error = locked.unlock(&secret("another one")).err().expect("refused");
    assert_eq!(error.kind(), "wrong_passphrase");
}

#[test]
fn each_of_several_recipients_opens_a_file_and_no_other() {
    if !needs(&["age", "age-keygen", "ssh-keygen"]) {
        return;
    }
    let keys = Keys::new();
    let list = format!("# a team\n{}\n\n{}", keys.x25519("one"), keys.ssh("two", &["ed25519"], ""));
    keys.x25519("stranger");
    let recipients = Recipients::parse(&list).expect("recipients");
    assert_eq!(recipients.len(), 2);
    let plain = document();
    let file = age::seal(plain.as_slice().into(), &recipients, Form::Binary).expect("sealed");
    let file = file.to_bytes().expect("written");
    for key in ["one", "two"] {
        assert_eq!(decrypted(&keys, &file, key), document(), "{key}");
        assert_eq!(*age::open(&file, &Key::Identities(&keys.identities(key))).expect("opens"), document());
    }
    let error = age::open(&file, &Key::Identities(&keys.identities("stranger"))).expect_err("refused");
    assert!(matches!(error, InterchangeError::NoKeyFits), "{error}");
    // all keys at once
    let mut all = keys.identities("stranger");
    all.append(keys.identities("two"));
    assert_eq!(*age::open(&file, &Key::Identities(&all)).expect("opens"), document());
}

/// Runs age on a terminal, which is where it asks for passphrases.
fn on_terminal(arguments: &[&str], questions: &[&str]) {
    let mut command = Command::new("age");
    command.args(arguments);
    let mut terminal = Terminal::start(command);
    for question in questions {
        terminal.expect(question);
        terminal.type_line(PASSPHRASE);
    }
    let finished = terminal.finish();
    assert!(finished.status.success(), "{}", finished.shown);
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of ours")
}

#[test]
fn files_under_a_passphrase_are_read_by_both() {
    if !needs(&["age"]) {
        return;
    }
    let keys = Keys::new();
    let (plain, out) = (keys.write("plain", &document()), keys.path("out"));
    let passphrase = secret(PASSPHRASE);

    let document = document();
    let ours =
        age::seal_with_passphrase(document.as_slice().into(), &passphrase, Form::Armored).expect("sealed");
    let ours = ours.to_bytes().expect("written");
    let file = keys.write("ours.age", &ours);
    on_terminal(&["-d", "-o", text(&out), text(&file)], &["passphrase"]);
    assert_eq!(keys.read("out"), document);

    on_terminal(&["-p", "-o", text(&keys.path("theirs.age")), text(&plain)], &["passphrase", "onfirm"]);
    let theirs = keys.read("theirs.age");
    assert_eq!(age::File::parse(&theirs).expect("an age file").lock(), Lock::Passphrase);
    assert_eq!(*age::open(&theirs, &Key::Passphrase(&passphrase)).expect("opens"), document);
    let error = age::open(&theirs, &Key::Passphrase(&secret("made up for testt"))).expect_err("refused");
    assert_eq!(error.kind(), "wrong_passphrase");
}

#[test]
fn keys_in_a_file_under_a_passphrase_open_files() {
    if !needs(&["age", "age-keygen"]) {
        return;
    }
    let keys = Keys::new();
    let recipient = keys.x25519("key.txt");
    on_terminal(
        &["-p", "-a", "-o", text(&keys.path("key.age")), text(&keys.path("key.txt"))],
        &["passphrase", "onfirm"],
    );
    let theirs = encrypted(&keys, &recipient, &[], &document());
    let opened = age::open(&theirs, &Key::Identities(&keys.identities("key.age"))).expect("it opens");
    assert_eq!(*opened, document());
}
