//! The suite that every provider passes, and what is a folder's own.

use std::{fs, path::Path};

use subrosa_provider::{ErrorKind, External, Login, ProviderError, Settings, System as _, conformance};
use subrosa_provider_folder::Folder;
use subrosa_secret::{MAX_VALUE_LEN, SecretValue};

fn no_credential() -> Result<SecretValue, ProviderError> {
    panic!("a folder asks for no credential")
}

fn connected(path: &Path, exact: bool) -> Box<dyn External> {
    let mut settings = Settings::from_iter([("path", path.to_str().expect("text"))]);
    if exact {
        settings.set("exact", "");
    }
    let settings = Folder.settle(settings).expect("settings");
    let login = Login {
        method: "",
        session: None,
        is_kept: false,
        is_new: false,
        credential: &no_credential,
        person: None,
    };
    Folder.connect(&settings, login).expect("a connection")
}

/// A provider that is only known as the trait.
struct Known(Box<dyn External>);

impl subrosa_provider::Provider for Known {
    type Locator = String;

    fn name(&self) -> &str {
        self.0.name()
    }

    fn capabilities(&self) -> subrosa_provider::Capabilities {
        self.0.capabilities()
    }

    fn lookup(&self, target: &String) -> Result<Option<SecretValue>, ProviderError> {
        self.0.lookup(target)
    }

    fn lookup_many(&self, targets: &[&String]) -> Vec<Result<Option<SecretValue>, ProviderError>> {
        self.0.lookup_many(targets)
    }
}

#[test]
fn a_folder_conforms() {
    let place = tempfile::tempdir().expect("a folder");
    fs::create_dir(place.path().join("db")).expect("a folder");
    let contents: [(&str, &[u8]); 4] = [
        ("db/password", b"hunter2\n"),
        ("binary", &[0, 255, 10]),
        ("empty", b""),
        ("large", &[7; MAX_VALUE_LEN]),
    ];
    for (name, content) in contents {
        fs::write(place.path().join(name), content).expect("a file");
    }
    let provider = Known(connected(place.path(), true));
    let present = contents.map(|(name, content)| (name.to_owned(), content.to_vec()));
    conformance::check(&provider, &present, &"gone".to_owned());
    conformance::check_failure(&provider, &"../x".to_owned(), ErrorKind::BadLink, &["hunter2"]);
    conformance::check_failure(&provider, &"db".to_owned(), ErrorKind::BadAnswer, &["hunter2"]);
    fs::write(place.path().join("longer"), vec![b'x'; MAX_VALUE_LEN + 1]).expect("a file");
    conformance::check_failure(&provider, &"longer".to_owned(), ErrorKind::BadAnswer, &["xxx"]);
    let gone = Known(connected(&place.path().join("gone"), true));
    conformance::check_failure(&gone, &"x".to_owned(), ErrorKind::Unavailable, &[]);
}

#[test]
fn the_line_break_of_a_single_line_goes_unless_it_is_to_stay() {
    let place = tempfile::tempdir().expect("a folder");
    for (content, expected) in [
        (&b"hunter2\n"[..], &b"hunter2"[..]),
        (b"hunter2\r\n", b"hunter2"),
        (b"hunter2", b"hunter2"),
        (b"a\nb\n", b"a\nb\n"),
        (b"\xff\n", b"\xff\n"),
        (b"\n", b""),
    ] {
        fs::write(place.path().join("x"), content).expect("a file");
        let read = |exact| {
            let value = connected(place.path(), exact).lookup(&"x".to_owned()).expect("read").expect("there");
            value.expose_secret().to_vec()
        };
        assert_eq!((read(false).as_slice(), read(true).as_slice()), (expected, content));
    }
}

#[test]
fn it_says_where_it_looks_and_why_it_cannot() {
    let place = tempfile::tempdir().expect("a folder");
    let who = connected(place.path(), false).describe().expect("it is there").who;
    assert_eq!(who, place.path().display().to_string());
    let error = connected(&place.path().join("gone"), false).describe().expect_err("it is gone");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().ends_with("gone: there is no such folder"), "{error}");
    fs::write(place.path().join("file"), "").expect("a file");
    let error = connected(&place.path().join("file"), false).describe().expect_err("it is a file");
    assert!(error.to_string().ends_with("file: it is not a folder"), "{error}");
}

#[cfg(unix)]
#[test]
fn hostile_h85_a_fifo_does_not_keep_a_lookup_waiting() {
    let place = tempfile::tempdir().expect("a folder");
    let fifo = place.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    let error = connected(place.path(), false).lookup(&"fifo".to_owned()).err().expect("no file");
    assert_eq!(error.kind(), ErrorKind::BadAnswer);
}

/// What Kubernetes does when a Secret changes: a new folder, and `..data` is renamed to point to it.
#[cfg(unix)]
#[test]
fn a_kubernetes_mount_is_followed_through_a_change() {
    use std::os::unix::fs::symlink;
    let place = tempfile::tempdir().expect("a folder");
    let path = |name: &str| place.path().join(name);
    for (folder, value) in [("..2026_1", "old"), ("..2026_2", "new")] {
        fs::create_dir(path(folder)).expect("a folder");
        fs::write(path(folder).join("token"), value).expect("a file");
    }
    symlink("..data/token", path("token")).expect("a link");
    let folder = connected(place.path(), false);
    for (target, value) in [("..2026_1", "old"), ("..2026_2", "new")] {
        symlink(target, path("..data_tmp")).expect("a link");
        fs::rename(path("..data_tmp"), path("..data")).expect("rename");
        let found = folder.lookup(&"token".to_owned()).expect("read").expect("there");
        assert!(found.expose_secret() == value.as_bytes());
    }
}
