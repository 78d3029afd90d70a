//! What may leave a vault, and what is left after `clear`.

use std::process::Command;

use subrosa_testkit::{needs, skip};

use super::{export, names, traveller};
use crate::home::{Home, PROGRAM, Run};

#[test]
fn the_policy_of_a_vault_is_kept_and_loosened_only_on_purpose() {
    let home = traveller();
    home.store("key", "made-up", &[]);
    home.run(&["policy", "export", "encrypted"]).ok();
    let plain = ["export", "-o", "plain", "--plaintext", "json", "--yes"];
    home.run(&plain)
        .ends(1)
        .says("the policy of this vault allows only encrypted exports; nothing was exported");
    export(&home, "file", &[]).ok();
    home.run(&["policy", "export", "none"]).ok();
    export(&home, "another", &[]).ends(1).says("the policy of this vault allows no export");
    home.run(&["policy", "export", "all"]).ends(2).says("no terminal to confirm it on");
    let shown = home.run(&["policy", "--json"]).ok().json();
    assert_eq!((&shown["export"]["effective"], &shown["export"]["vault"]), (&"none".into(), &"none".into()));
    home.run(&["doctor"]).ok();
    assert!(home.run(&["doctor"]).text().contains("vault policy\tgood\tallows no export\n"));
    // a change of the root key keeps it
    home.run(&["keys", "rotate", "--root", "--yes"]).ok();
    export(&home, "another", &[]).ends(1);
    home.run(&["policy", "export", "all", "--yes"]).ok();
    home.run(&plain).ok();
    assert!(!home.work().join("another").exists());
}

/// Runs subrosa where root has made `/etc/subrosa` with a line of shell; `None` where nobody may mount anything.
fn on_a_machine(home: &Home, made_by: &str, words: &[&str]) -> Option<Run> {
    let script = format!(
        "mount -t tmpfs none /etc && mkdir -m 755 /etc/subrosa && cd /etc/subrosa && {made_by}\ncd \"$0\" && exec \"$@\""
    );
    let inside = |of_user: &[&str], words: &[&str]| {
        let mut command = Command::new("unshare");
        command
            .args(["--mount"])
            .args(of_user)
            .args(["--", "sh", "-c", &script])
            .arg(home.work())
            .args(words);
        let run = home.command(&[]);
        command.env_clear().envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Run::of(command, b"")
    };
    let of_user: &[&str] = &["--user", "--map-root-user"];
    let way = [of_user, &[]].into_iter().find(|way| inside(way, &["true"]).code == 0)?;
    Some(inside(way, &[&[PROGRAM], words].concat()))
}

#[test]
fn the_policy_of_the_machine_holds_whatever_the_vault_says() {
    if !needs(&["unshare", "mount"]) {
        return;
    }
    let home = traveller();
    home.store("key", "made-up", &[]);
    home.run(&["policy", "export", "all"]).ok();
    let sealed = ["export", "-o", "file", "--export-passphrase-file", "pass", "--force"];
    let plain = ["export", "-o", "plain", "--plaintext", "json", "--yes", "--force"];
    let Some(run) = on_a_machine(&home, "echo 'export = \"encrypted\"' > policy.toml", &sealed) else {
        return skip("a namespace in which a file system can be mounted");
    };
    run.ok();
    let on =
        |made_by: &str, words: &[&str]| on_a_machine(&home, made_by, words).expect("it was possible before");
    let refused = on("echo 'export = \"encrypted\"' > policy.toml", &plain).ends(1);
    refused.says("the policy of this machine allows only encrypted exports (/etc/subrosa/policy.toml)");
    on("echo 'export = \"none\"' > policy.toml", &sealed).ends(1).says("allows no export");
    on("true", &plain).ok();
    let shown = on("echo 'export = \"none\"' > policy.toml", &["policy", "--json"]).ok().json();
    assert_eq!(shown["export"]["effective"], "none");
    // what cannot be relied on lets nothing out
    for made_by in [
        "echo 'export = \"all\"' > policy.toml && chmod 666 policy.toml",
        "echo 'export = \"all\"' > policy.toml && chmod 777 .",
        "echo 'export = \"all\"' > other && ln -s other policy.toml",
        "mkdir policy.toml",
        "mkfifo policy.toml",
        "echo 'export = \"sometimes\"' > policy.toml",
        "echo 'import = \"none\"' > policy.toml",
    ] {
        for words in [&sealed[..], &plain, &["policy"]] {
            on(made_by, words).ends(1).says("the policy of this machine cannot be relied on");
        }
        let doctor = on(made_by, &["doctor"]).ends(1);
        assert!(doctor.text().contains("machine policy\tbad\t"), "{made_by}: {doctor}");
    }
}

#[test]
fn clear_empties_the_vault_and_nothing_brings_it_back() {
    let home = traveller();
    home.store("a", "made-up", &[]);
    home.store("b", "made-up", &[]);
    home.run(&["rm", "b"]).ok();
    home.run(&["policy", "export", "encrypted"]).ok();
    home.run(&["clear"]).ends(2).says("no terminal to confirm it on");
    let mut terminal = home.terminal(&["clear"]);
    terminal.expect("1 secret in ");
    terminal.expect("type 'clear' to go on:");
    terminal.type_line("yes");
    assert!(!terminal.finish().status.success());
    assert_eq!(names(&home), ["a"]);
    home.run(&["clear", "--yes"]).ok();
    assert!(names(&home).is_empty() && home.run(&["list", "--deleted"]).ok().out.is_empty());
    home.run(&["undo", "b"]).ends(1);
    home.run(&["verify"]).ok();
    assert_eq!(home.run(&["policy", "--json"]).ok().json()["export"]["vault"], "encrypted");
}
