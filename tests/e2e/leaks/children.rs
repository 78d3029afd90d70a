//! What other programs get to see: children, and whoever reads /proc.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use subrosa_testkit::leak::Sink;

use super::planted::{Planted, VAULT_KEY, read};

/// The editor is the one program that subrosa starts for a user: it gets neither value nor key, in no way.
#[test]
fn hostile_d46_what_a_child_is_given() {
    let mut planted = Planted::new();
    let seen = planted.own("seen");
    let script = format!(
        "#!/bin/sh\n{{ echo \"$0\" \"$@\"; cat /proc/$$/cmdline /proc/$$/environ /proc/$PPID/cmdline; env; cat \"$1\"\n\
         ls -l \"$1\" /proc/$$/fd; }} >'{seen}' 2>&1\n"
    );
    let editor = planted.write_own("editor", &script);
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o700)).expect("a program");
    let key = read(planted.own("key"));
    let name = planted.texts.name.clone();
    let set = [("EDITOR", editor.as_str()), ("SUBROSA_KEY", &key), ("SUBROSA_KEY_FILE", "")];
    planted.run_with(&set, &["edit", &name]).ok();
    let seen = read(&seen);
    assert!(seen.contains(&format!("name = \"{name}\"")) && seen.contains("-rw-------"), "{seen}");
    for word in ["SUBROSA_KEY", "vault.db"] {
        assert!(!seen.contains(word), "{word}: {seen}");
    }
    planted.look(Sink::Process, "what the editor saw", seen.as_bytes(), &[]);
    assert_eq!(fs::read_dir(planted.home().folder("TMPDIR")).expect("the folder").count(), 0);
    planted.done();
}

/// Whoever can list processes sees command lines; a key in the environment is seen by the same user only, and by root.
#[test]
fn hostile_d46_what_stands_in_proc() {
    let mut planted = Planted::new();
    let name = planted.texts.name.clone();
    let mut command =
        planted.home().command(&["set", &name, "--passphrase-file", &planted.own("passphrase"), "-"]);
    let mut child =
        command.stdin(Stdio::piped()).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("subrosa");
    let mut stdin = child.stdin.take().expect("its input");
    stdin.write_all(planted.texts.value.as_bytes()).expect("it reads");
    for file in ["cmdline", "environ", "comm", "status"] {
        let content = fs::read(format!("/proc/{}/{file}", child.id())).expect("what /proc tells root");
        planted.look(Sink::Process, &format!("/proc/PID/{file}"), &content, &[]);
    }
    drop(stdin);
    let mut said = String::new();
    child.stderr.take().expect("its errors").read_to_string(&mut said).expect("text");
    assert!(child.wait().expect("its end").success(), "{said}");
    planted.look(Sink::Message, "standard error", said.as_bytes(), &[]);
    // the scan would see a key there
    let environment = format!("SUBROSA_KEY={}", read(planted.own("key")));
    assert_eq!(planted.scanner.labels_in(environment.as_bytes()), [VAULT_KEY]);
    planted.done();
}
