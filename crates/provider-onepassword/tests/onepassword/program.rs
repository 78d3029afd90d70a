//! The program `op`: which one is run, how, and what it says.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;

use subrosa_provider::{ErrorKind, Login, ProviderError, Settings, System as _, WriteMode};
use subrosa_provider_onepassword::OnePassword;
use subrosa_secret::SecretValue;
use subrosa_testkit::{FakeOp, Folder, Vaults};

use crate::connected::{TARGET, VALUE, connect, look_up, program_settings, refused, to_program, value};

/// A user and a group whom nobody is.
const NOBODY: u32 = 65_534;

fn installed() -> Option<FakeOp> {
    FakeOp::install(&Vaults::with(VALUE))
}

fn named(path: &Path) -> Result<Settings, ProviderError> {
    OnePassword.settle([("op", path.to_str().expect("text"))].into_iter().collect())
}

#[test]
fn hostile_h81_the_token_is_in_the_environment_of_the_child_alone() {
    let Some(op) = installed() else { return };
    let provider = to_program(&op);
    provider.describe().expect("it works");
    assert_eq!(value(&provider, TARGET), VALUE.as_bytes());
    assert_eq!(look_up(&provider, &[TARGET, "op://shared/guest wi-fi/password"]).len(), 2);
    let calls = op.calls();
    assert_eq!(calls.len(), 4, "a version, a list, one value, and two by one process");
    for call in &calls {
        let words = call["argv"].to_string();
        assert!(!words.contains(FakeOp::TOKEN) && !words.contains(VALUE), "{words}");
        assert!(words.contains("--cache=false"), "no daemon stays behind: {words}");
        assert_eq!(call["folder"], "/");
        let names: Vec<&str> =
            call["environment"].as_array().expect("names").iter().filter_map(|name| name.as_str()).collect();
        let known = [
            "HOME",
            "LC_CTYPE",
            "OP_BIOMETRIC_UNLOCK_ENABLED",
            "OP_LOAD_DESKTOP_APP_SETTINGS",
            "OP_SERVICE_ACCOUNT_TOKEN",
        ];
        assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
        let with_token = names.contains(&"OP_SERVICE_ACCOUNT_TOKEN");
        assert_eq!(with_token, !words.contains("--version"), "{words}");
    }
}

#[test]
fn many_values_are_one_process_unless_one_of_them_fails() {
    let Some(op) = installed() else { return };
    let provider = to_program(&op);
    let all = [TARGET, "op://automation/account/password", "op://automation/certificates/key.bin"];
    assert!(look_up(&provider, &all).iter().all(|answer| matches!(answer, Ok(Some(_)))));
    assert_eq!(op.calls().len(), 1);
    let answers = look_up(&provider, &[TARGET, "op://nowhere/a/b", "op://automation/stripe/gone"]);
    assert!(
        matches!(&answers[..], [Ok(Some(_)), Err(error), Ok(None)] if error.kind() == ErrorKind::NotFound)
    );
    assert_eq!(op.calls().len(), 1 + 1 + 3);
}

#[test]
fn what_op_complains_of_has_a_kind() {
    let Some(op) = installed() else { return };
    let provider = to_program(&op);
    let two = [TARGET, "op://automation/account/password"];
    for (mode, kind) in [
        ("offline", ErrorKind::Unavailable),
        ("throttled", ErrorKind::Throttled),
        ("refused", ErrorKind::Denied),
        ("broken", ErrorKind::BadAnswer),
    ] {
        op.behave(mode);
        assert_eq!(refused(&provider, TARGET).kind(), kind, "{mode}");
        let error = provider.describe().expect_err("it does not work");
        assert_eq!(error.kind(), kind, "{mode}");
        assert!(!error.to_string().contains(FakeOp::TOKEN), "{error}");
        for answer in look_up(&provider, &two) {
            assert_eq!(answer.err().map(|error| error.kind()), Some(kind), "{mode}");
        }
    }
    op.behave("");
    // what concerns all of them is not asked for each
    op.accept("ops_another");
    let before = op.calls().len();
    for answer in look_up(&provider, &two) {
        assert_eq!(answer.err().map(|error| error.kind()), Some(ErrorKind::Expired));
    }
    assert_eq!(op.calls().len(), before + 1);
    op.behave("old");
    let error = provider.describe().expect_err("too old");
    assert_eq!(error.kind(), ErrorKind::BadSettings);
    assert_eq!(error.to_string(), "op 2.17.0 is too old for service accounts");
}

#[test]
fn hostile_h85_a_program_that_never_ends_or_says_too_much() {
    let Some(op) = installed() else { return };
    let provider = to_program(&op);
    op.behave("huge");
    let error = refused(&provider, TARGET);
    assert_eq!(error.kind(), ErrorKind::BadAnswer);
    assert!(error.to_string().contains("longer than 16 MiB"), "{error}");
    op.behave("garbage");
    assert_eq!(provider.describe().expect_err("no list").kind(), ErrorKind::BadAnswer);
    for answer in look_up(&provider, &[TARGET, "op://automation/account/password"]) {
        // without the marks it was given, what it prints is no answer; read by itself it is taken for a value
        assert!(answer.is_ok());
    }
}

#[test]
fn what_op_would_lose_is_not_changed() {
    let Some(op) = installed() else { return };
    let provider = to_program(&op);
    let value = SecretValue::new(b"new".to_vec()).expect("short");
    for target in ["op://automation/account/password", "op://automation/certificates/new field"] {
        let error =
            provider.write(&target.to_owned(), &value, WriteMode::Replace).expect_err("a login, and files");
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
    assert!(!op.calls().iter().any(|call| call["argv"].to_string().contains("edit")));
}

#[test]
fn a_token_of_another_kind_is_not_given_to_the_program() {
    let Some(op) = installed() else { return };
    for token in ["", "not-a-token", "eyJhbGciOiJub25lIn0.CANARY.x", "ops_CANARY\0", "ops_CANARY two"] {
        let error = refused(&connect(&program_settings(&op), "service-account", token), TARGET);
        assert_eq!(error.kind(), ErrorKind::BadSettings, "{token:?}");
    }
    assert!(op.calls().is_empty());
}

/// Why there is no connection; nobody is asked for a token.
fn refused_before_a_token(settings: &Settings) -> ProviderError {
    let login = Login {
        method: "service-account",
        session: None,
        is_kept: true,
        is_new: false,
        credential: &|| panic!("somebody is asked for a token"),
        person: None,
    };
    OnePassword.connect(settings, login).err().expect("no connection")
}

#[test]
fn hostile_h81_who_else_can_write_a_program_or_a_folder_above_it() {
    let Some(op) = installed() else { return };
    let folder = Folder::new();
    let bin = folder.join("above/bin");
    fs::create_dir_all(&bin).expect("folders");
    let program = bin.join("op");
    fs::copy(op.path(), &program).expect("a copy");
    named(&program).expect("it is safe");
    let mode = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    };
    let above = folder.join("above");
    for (path, bad, good) in [(&program, 0o702, 0o700), (&bin, 0o707, 0o700), (&above, 0o777, 0o755)] {
        mode(path, bad);
        let error = named(&program).expect_err("everybody can write it");
        assert_eq!(error.kind(), ErrorKind::BadSettings);
        assert!(error.to_string().contains("everybody can write it"), "{error}");
        // in a sticky folder nobody moves what is another's
        if path.is_dir() {
            mode(path, bad | 0o1000);
            named(&program).expect("a sticky folder");
        }
        mode(path, good);
    }
    // who is not root cannot make this so
    if chown(&program, None, Some(NOBODY)).is_ok() {
        mode(&program, 0o720);
        let error = named(&program).expect_err("a group can write it");
        assert!(error.to_string().contains("the group 65534 can write it"), "{error}");
        mode(&program, 0o700);
        chown(&program, Some(NOBODY), None).expect("as before");
        let error = named(&program).expect_err("somebody else's");
        assert!(error.to_string().contains("it belongs to another user, 65534"), "{error}");
        chown(&program, Some(0), Some(0)).expect("as before");
    }
    // behind links the same holds for where they lead, and for where they stand
    let link = folder.join("link");
    symlink(&bin, &link).expect("a link");
    assert_eq!(named(&link.join("op")).expect("safe").text("op"), link.join("op").to_str());
    mode(&above, 0o777);
    named(&link.join("op")).expect_err("where it leads");
    mode(&above, 0o755);
    let open = folder.join("open");
    fs::create_dir(&open).expect("a folder");
    symlink(&program, open.join("op")).expect("a link");
    named(&open.join("op")).expect("safe");
    mode(&open, 0o777);
    named(&open.join("op")).expect_err("where it stands");
    // what was safe once is looked at again
    let settings = named(&link.join("op")).expect("safe");
    mode(&program, 0o722);
    assert_eq!(refused_before_a_token(&settings).kind(), ErrorKind::BadSettings);
    for path in [folder.join("nothing"), folder.path().to_owned(), op.path().with_file_name("token")] {
        assert_eq!(named(&path).expect_err("no program").kind(), ErrorKind::BadSettings);
    }
    let (a, b) = (folder.join("a"), folder.join("b"));
    symlink(&a, &b).expect("a link");
    symlink(&b, &a).expect("a link");
    assert!(named(&a).expect_err("a ring").to_string().contains("too many symbolic links"));
}

#[test]
fn an_address_is_not_one_of_a_service_account() {
    let settings = [("address", "https://connect.example.com")].into_iter().collect();
    let settings = OnePassword.settle(settings).expect("settings");
    let error = refused_before_a_token(&settings);
    assert_eq!(error.hint(), Some("add --auth connect-server, or leave --address out"));
}
