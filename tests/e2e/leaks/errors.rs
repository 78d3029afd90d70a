//! Every way to fail that could show something.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use subrosa_testkit::leak::Sink;
use subrosa_testkit::{Answer, CaptureOptions, CertificateFault};

use super::planted::{Planted, VALUE, read};
use crate::home::text;
use crate::stage::Stage;

/// The challenge of MS-NLMP, 4.2.4.3.
const NTLM: &str = "NTLM TlRMTVNTUAACAAAADAAMADgAAAAzgoriASNFZ4mrze8AAAAAAAAAACQAJABEAAAABgBwFwAAAA9TAGUAcgB2AGUAcgAC\
    AAwARABvAG0AYQBpAG4AAQAMAFMAZQByAHYAZQByAAAAAAA=";

/// Runs what has to fail, with this exit code.
#[track_caller]
fn fails(planted: &mut Planted, words: &[&str], code: i32) {
    let run = planted.run(words, "", &[]);
    assert_eq!(run.code, code, "{run}");
}

#[test]
fn keys_that_do_not_fit() {
    let mut planted = Planted::new();
    let key = read(planted.own("key"));
    planted.write_own("cut-key", &key[..60]);
    planted.write_own("mistyped-key", &key.replace('-', "_"));
    planted.write_own("two-keys", &format!("{key} {key}"));
    for (file, code) in [
        ("wrong-key", 101),
        ("cut-key", 101),
        ("mistyped-key", 101),
        ("two-keys", 101),
        // a secret in place of a key
        ("stray", 101),
        ("passphrase", 101),
        ("recovery", 101),
        ("none", 1),
    ] {
        let path = planted.own(file);
        for words in [&["list"][..], &["get", "x", "--json"], &["keys", "show"], &["keys", "rotate"]] {
            let words = [words, &["--key-file", &path]].concat();
            fails(&mut planted, &words, code);
        }
        fails(&mut planted, &["doctor", "--json", "--key-file", &path], 1);
        let run = planted.run_with(&[("SUBROSA_KEY_FILE", &path)], &["doctor"]);
        assert_eq!(run.code, 1, "{run}");
    }
    for text in [&key[..60], &planted.texts.wrong_key.clone(), &planted.texts.stray.clone()] {
        for words in [&["list"][..], &["doctor"], &["doctor", "--json"], &["verify"], &["keys", "list"]] {
            let run = planted.run_with(&[("SUBROSA_KEY_FILE", ""), ("SUBROSA_KEY", text)], words);
            assert_ne!(run.code, 0, "{run}");
        }
    }
    let run = planted.run_with(&[("SUBROSA_KEY_FD", &key)], &["list"]);
    assert_eq!(run.code, 2, "{run}");
    let wrong = planted.own("wrong-passphrase");
    fails(&mut planted, &["list", "--passphrase-file", &wrong], 101);
    fails(&mut planted, &["keys", "rotate", "--passphrase-file", &wrong], 101);
    // readable by others
    let open = planted.write_own("open", &planted.texts.passphrase.clone());
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).expect("a mode");
    fails(&mut planted, &["list", "--passphrase-file", &open], 101);
    fails(&mut planted, &["list", "--key-file", &open], 101);
    let third = planted.own("third");
    fails(&mut planted, &["--vault", &third, "init", "--no-recovery", "--passphrase-file", &open], 101);
    planted.done();
}

#[test]
fn command_lines_that_make_no_sense() {
    let mut planted = Planted::new();
    let (name, stray) = (planted.texts.name.clone(), planted.texts.stray.clone());
    let flag = format!("--valu={stray}");
    let short = format!("-Z{stray}");
    let url = planted.stage.server.url("/");
    // what is one of a few fixed words is repeated, so that a slip is seen: --sort, SHELL, a command
    let lines: &[&[&str]] = &[
        &["set", &name, &stray, "--file", "x"],
        &["set", &name, "-", &stray],
        &["set", &name, &flag],
        &["set", &name, "--value", &stray],
        &["set", &name, &short],
        &["set", "--new", &name, "--empty", &stray],
        &["list", &stray],
        &["get", &name, &stray],
        &["keys", "add", "passphrase", &stray],
        &["keys", "rotate", &stray],
        &["init", "--passphrase", &stray],
        &["list", "--passphrase", &stray],
        &["list", &format!("--passphrase={stray}")],
        &["list", &format!("--recovery={stray}")],
        &[&flag],
        &["send", &flag, &url],
        &["send", "--no-such-flag", &stray, &url],
        &["send", &short, &url],
        &["send", &format!("-?{stray}"), &url],
        &["send", &format!("--user={stray}"), &url],
        &["send", &format!("--with={name}={stray}"), &url],
        &["send", "-m", &stray, &url],
        &["send", "--connect-timeout", &stray, &url],
        &["send", "--max-redirs", &stray, &url],
        &["send", "--with", &stray, &url],
        &["send", "--with", &format!("{name}={stray}"), &url],
        &["send", "-X", &stray, &url],
        &["send", "-H", &stray, &url],
        &["send", "--trace", "-", &url],
        &["send", "--trace-ascii", "-", &url],
        &["send", "--resolve", &stray, &url],
        &["send", "--connect-to", &stray, &url],
        &["send", "--url-query", &format!("{stray}=<<vault:"), &url],
    ];
    let mut accepted = Vec::new();
    for words in lines {
        let run = planted.run(words, "", &[]);
        if run.code == 0 {
            accepted.push(words.join(" "));
        }
    }
    assert_eq!(accepted, Vec::<String>::new());
    assert_eq!(planted.stage.server.requests(), []);
    // a value on the command line is warned of, and shown nowhere
    let run = planted.run(&["set", &name, &stray], "", &[]).ok();
    assert!(run.err.contains("command line"), "{run}");
    planted.done();
}

#[test]
fn references_and_destinations_that_are_refused() {
    let mut planted = Planted::new();
    let home = planted.home();
    let name = planted.texts.name.clone();
    home.run(&["rename", &name, "bird"]).ok();
    let value = planted.texts.value.clone();
    home.store("undecided", &value, &[]);
    home.store("header-only", &value, &["--host", &format!("{};header", planted.stage.origin())]);
    home.store("broken", format!("{value}\r\nX-Injected: {value}"), &["--host", &planted.stage.origin()]);
    home.store("binary", [value.as_bytes(), b"\0\xff"].concat(), &["--host", &planted.stage.origin()]);
    home.store("off", &value, &["--host", &planted.stage.origin()]);
    home.run(&["disable", "off"]).ok();
    home.store("hidden", &value, &["--send-only"]);
    home.run(&["set", "empty", "--empty"]).ok();
    home.store("form", format!("{value}&a=b"), &["--host", &planted.stage.origin()]);
    let url = planted.stage.server.url("/");
    let header = |name: &str| format!("X-Key: <<vault:{name}>>");
    for name in ["undecided", "broken", "binary", "off", "empty", "birt", "none"] {
        for extra in [&["-v"][..], &["-s", "-S"], &["-w", "%{json} %{errormsg}"], &["--mask", "-i"]] {
            let header = header(name);
            let run = planted.run(&[&["send", "-H", &header], extra, &[&url]].concat(), "", &[]);
            assert_ne!(run.code, 0, "{run}");
        }
    }
    for (words, code) in [
        (&["send", "-v", "-H", &header("bird"), "http://127.0.0.1:1/"][..], 100),
        (&["send", "-v", "-H", &header("bird"), "https://evil.example/"], 100),
        (&["send", "-v", "-d", "x=<<vault:header-only>>", &url], 100),
        (&["send", "-v", "-d", "x=<<vault:form>>", &url], 100),
        (&["send", "-v", "-H", "X-<<vault:bird>>: x", &url], 100),
        (&["send", "-v", "-X", "<<vault:bird>>", &url], 100),
        (&["send", "-v", "-H", "X-Key: <<vault:bird", &url], 100),
        (&["send", "-v", "http://<<vault:bird>>/"], 100),
        (&["get", "hidden"], 1),
        (&["get", "off", "--json"], 1),
        (&["get", "empty"], 1),
        (&["get", "birt"], 1),
        (&["get", "bird", "--version", "77"], 1),
        (&["refs", "--check", "none.sh"], 1),
    ] {
        let run = planted.run(words, "", &[]);
        assert!(run.code == code || (run.code > 0 && code == 100), "{run}");
    }
    assert_eq!(planted.stage.server.requests(), []);
    planted.done();
}

#[test]
fn files_that_cannot_be_imported_or_exported() {
    let mut planted = Planted::new();
    let (name, value) = (planted.texts.name.clone(), planted.texts.value.clone());
    let [pass, wrong, none, stray] =
        ["passphrase", "wrong-passphrase", "none", "stray"].map(|file| planted.own(file));
    let sealed = ["export", "--without-linked", "-o", "sealed", "--export-passphrase-file", &pass];
    planted.run(&sealed, "", &[]).ok();
    fails(&mut planted, &sealed, 1);
    fails(&mut planted, &["import", "sealed", "--export-passphrase-file", &wrong], 1);
    fails(&mut planted, &["import", "sealed"], 2);
    fails(&mut planted, &["import", "--env", "NONE_*"], 1);
    fails(&mut planted, &["import", "sealed", "--export-passphrase-file", &none], 1);
    // cut, and with a letter of its text changed
    let text = read(planted.home().work().join("sealed"));
    let changed = format!("{}!{}", &text[..text.len() - 40], &text[text.len() - 39..]);
    for (file, content) in [("cut", &text[..text.len() - 10]), ("changed", &changed)] {
        let path = planted.write_own(file, content);
        fails(&mut planted, &["import", &path, "--export-passphrase-file", &pass], 1);
    }
    let short = planted.write_own("short", &value[..8]);
    for (words, code) in [
        (&["export", "--without-linked", "-o", "x", "--export-passphrase-file", &short][..], 2),
        (&["export", "--without-linked", "-o", "x", "--plaintext", "json"], 2),
        (&["export", "-o", "no/folder", "--plaintext", "json", "--yes"], 1),
        (&["export", "none", "-o", "x", "--plaintext", "json", "--yes"], 1),
    ] {
        fails(&mut planted, words, code);
    }
    // what is linked does not leave without its link, and no link comes in unasked
    fails(&mut planted, &["export", "-o", "x", "--plaintext", "dotenv", "--yes"], 1);
    let linked = planted.own("linked.json");
    planted.run(&["export", "linked", "-o", &linked, "--plaintext", "json", "--yes"], "", &[]).ok();
    fails(&mut planted, &["import", &linked, "--prefix", "x."], 1);
    let link = format!("{{\"connection\":\"c\",\"system\":\"folder\",\"target\":\"{value}\"}}");
    let both = format!(
        "{{\"format\":\"subrosa-plain\",\"version\":1,\"secrets\":[{{\"name\":\"a\",\"value\":\"{value}\",\"link\":{link}}}]}}"
    );
    // a value where none belongs
    let plain = format!(
        "{{\"format\":\"subrosa secrets\",\"version\":1,\"secrets\":[{{\"name\":\"{value}\u{7}\"}},{value}]}}"
    );
    for (number, content) in [
        value.clone(),
        format!("{value}\n{value}=\n"),
        format!("KEY='{value}\n"),
        format!("KEY=\"{value}\" {value}\n"),
        format!("{name}={value}\n{name} {value}\n"),
        format!("KEY={value}\0\n"),
        format!("{{\"a\":\"{value}\",}}"),
        format!("{{\"{value}"),
        plain,
        both,
    ]
    .iter()
    .enumerate()
    {
        let path = planted.write_own(&format!("file-{number}"), content);
        let formats = [
            &[][..],
            &["--format", "dotenv"],
            &["--format", "subrosa-plain"],
            &["--format", "subrosa"],
            &["--format", "json"],
            &["--format", "yaml"],
            &["--format", "toml"],
        ];
        let failed = formats.iter().filter(|format| {
            let run = planted.run(&[&["import", &path, "--dry-run"], **format].concat(), "", &[]);
            run.code != 0
        });
        assert!(failed.count() >= 5, "{number}");
    }
    // with another value of a name that is taken
    let path = planted.write_own("taken", &format!("KEY={value}-and-more\n"));
    planted.run(&["set", "KEY", "--file", &stray], "", &[]).ok();
    fails(&mut planted, &["import", &path], 1);
    fails(&mut planted, &["import", &path, "--on-conflict", "skip", "--rewrite", "--format", "subrosa"], 2);
    // one of two values of a name would be lost
    let path = planted.write_own("twice", &format!("KEY={value}\nKEY={value}-and-more\n"));
    for (words, code) in [
        (&["import", &path, "--rewrite", "--format", "dotenv"][..], 1),
        (&["import", &path, "--path", &value, "--format", "dotenv"], 2),
        (&["import", &path, "--identity", &stray, "--format", "dotenv"], 2),
        (&["export", "-o", "x", "--plaintext", "dotenv", "--yes", "--history"], 2),
    ] {
        fails(&mut planted, words, code);
    }
    planted.done();
}

#[test]
fn literals_that_are_refused() {
    let mut planted = Planted::new();
    let (value, url) = (planted.texts.value.clone(), planted.stage.server.url("/"));
    let (header, user, cookie) = (format!("X-Key: {value}"), format!("me:{value}"), format!("a={value}"));
    planted.home().store("taken", "made-up", &[]);
    for (words, code) in [
        (&["--vault-literal", "taken=header:X-Key", "-H", &header, &url][..], 1),
        (&["--vault-literal", "k=header:X-Key", "-H", &header, "-H", &header, &url], 2),
        (&["--vault-literal", "k=header:X-Key", "-H", &header, "-d", &value, &url], 2),
        (&["--vault-literal", "k=user:password", "-u", &user, "-H", "X: <<vault:none>>", &url], 100),
        (&["--vault-literal", "k=cookie:b", "-b", &cookie, &url], 2),
        (&["--vault-literal", "k=user", "-u", &value, &url], 2),
        (&["--vault-literal", &value, &url], 2),
        (&["--vault-literal", &format!("k={value}"), &url], 2),
        (&["--no-refs", "--vault-literal", "k=user", "-u", &user, &url], 2),
    ] {
        fails(&mut planted, &[&["send", "-v"], words].concat(), code);
    }
    assert_eq!(planted.stage.server.requests(), []);
    planted.done();
}

#[test]
fn certificates_that_are_refused() {
    let mut planted = Planted::new();
    let [certificate, key, pfx, stray, wrong] =
        ["client.pem", "client.key", "client.p12", "stray", "wrong-passphrase"].map(|file| planted.own(file));
    let add = ["cert", "add", "--host", "x.example"];
    for (words, code) in [
        (&["--pfx", &pfx][..], 1),
        (&["--pfx", &pfx, "--pass-file", &wrong], 1),
        (&["--pfx", &pfx, "--pass-file", &stray], 1),
        (&["--pfx", &stray, "--pass-file", &wrong], 1),
        (&["--cert", &stray, "--key", &key], 1),
        (&["--cert", &key, "--key", &key], 1),
        (&["--cert", &certificate, "--key", &stray], 1),
        (&["--cert", &certificate, "--key", &certificate], 1),
        (&["--cert", &key, "--pfx", &pfx], 2),
    ] {
        fails(&mut planted, &[&add[..], words].concat(), code);
    }
    for file in [&stray, &key, &certificate, &pfx] {
        fails(&mut planted, &["ca", "add", "--host", "x.example", file], 1);
    }
    let stray = planted.texts.stray.clone();
    fails(&mut planted, &["cert", "add", "--host", "x.example", "--pass", &stray], 2);
    planted.done();
}

#[test]
fn connections_that_fail() {
    let mut planted = Planted::new();
    let reference = planted.reference();
    let header = format!("X-Key: {reference}");
    let name = planted.texts.name.clone();
    // nobody listens there
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let refused = format!("http://{closed}");
    let self_signed = Stage::with(CaptureOptions {
        fault: CertificateFault::SelfSigned,
        ..CaptureOptions::tls_for(&["127.0.0.1"])
    });
    let silent = Stage::answering(|_, _| Answer::ok("late").after(Duration::from_secs(600)));
    let garbled = Stage::answering(|_, request| Answer::raw(request.raw_head.clone()));
    let cut = Stage::answering(|_, request| {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
        Answer::raw([&head[..], &request.raw_head].concat())
    });
    let onwards = Stage::answering(|_, request| {
        Answer::redirect(307, &format!("http://127.0.0.1:1{}", request.target))
    });
    // it asks for a password, and ends the connection over which it is to be proven
    let asking = Stage::answering(|_, _| {
        let answer = Answer::status(401).with("Connection", "close");
        answer
            .with("WWW-Authenticate", NTLM)
            .with("WWW-Authenticate", "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"")
    });
    let stages = [&self_signed, &silent, &garbled, &cut, &onwards, &asking];
    let mut hosts = vec![refused];
    hosts.extend(stages.iter().map(|stage| stage.origin()));
    for host in &hosts {
        planted.home().run(&["allow", &name, host]).ok();
        let url = format!("{host}/?q={reference}");
        for extra in [
            &["-v"][..],
            &["-s", "-S", "-w", "%{json} %{errormsg} %{redirect_url}"],
            &["-i", "-L", "-d", "x"],
        ] {
            let words = [&["send", "--mask", "-m", "2", "-H", &header], extra, &[&url]].concat();
            let run = planted.run(&words, "", &[]);
            assert!(run.code != 0 || [onwards.origin(), asking.origin()].contains(host), "{run}");
        }
        for (way, code) in [("--ntlm", 94), ("--digest", 0)] {
            let user = format!("{reference}:{reference}");
            let run = planted.run(&["send", "--mask", "-v", "-m", "2", way, "-u", &user, &url], "", &[]);
            assert!(run.code == code || *host != asking.origin(), "{run}");
        }
    }
    assert_eq!(self_signed.server.bytes(), 0, "a request went through TLS that proved nothing");
    planted.done();
}

#[test]
fn a_terminal_shows_no_value_that_a_server_echoes() {
    let mut planted = Planted::new();
    let reference = planted.reference();
    let url = planted.stage.server.url(&format!("/{reference}?q={reference}"));
    let words =
        ["send", "-v", "-i", "-u", &format!("{reference}:x"), "-H", &format!("X-Key: {reference}"), &url];
    let finished = planted.home().terminal(&words).finish();
    assert!(finished.status.success(), "{}", finished.status);
    planted.look(Sink::Report, "a terminal", finished.shown.as_bytes(), &[]);
    let finished = planted.home().terminal(&[&words[..], &["--unmask"]].concat()).finish();
    assert!(planted.scanner.labels_in(finished.shown.as_bytes()).contains(&VALUE), "nothing was echoed");
    planted.done();
}

#[test]
fn vaults_that_are_damaged_rolled_back_or_gone() {
    let mut planted = Planted::new();
    let database = planted.home().database();
    let before = fs::read(&database).expect("the vault");
    let name = planted.texts.name.clone();
    planted.home().run(&["set", "new", "--empty"]).ok();
    let newest = fs::read(&database).expect("the vault");
    let commands: &[&[&str]] = &[
        &["list"],
        &["list", "--json"],
        &["get", &name],
        &["verify"],
        &["verify", "--json"],
        &["doctor"],
        &["doctor", "--json"],
        &["history", &name, "--json"],
        &["keys", "list", "--json"],
        &["audit", "show", "--json"],
        &["backup", "copy"],
        &["keys", "rotate", "--root", "--yes", "--save-recovery", "no-recovery"],
        &["send", "-v", "-H", "X-Key: <<vault:x>>", "http://127.0.0.1:1/"],
    ];
    let mut damaged: Vec<Vec<u8>> = vec![before, newest[..newest.len() / 2].to_vec(), b"no vault".to_vec()];
    for place in 1..24 {
        let mut bytes = newest.clone();
        let at = bytes.len() * place / 24;
        let end = bytes.len().min(at + 64);
        bytes[at..end].fill(0x5a);
        damaged.push(bytes);
    }
    let mut refused = 0;
    for bytes in damaged {
        fs::write(&database, bytes).expect("the vault");
        for words in commands {
            // what is damaged elsewhere can still be read
            let shown: &[&str] = if words[0] == "get" { &[VALUE] } else { &[] };
            let run = planted.run(words, "", shown);
            assert!(
                run.code == 0 || words.contains(&"--json") || run.out.is_empty() || words[0] == "doctor",
                "{run}"
            );
            refused += usize::from(run.code != 0);
        }
        let _ = fs::remove_dir_all(planted.home().work().join("copy"));
    }
    assert!(refused > 40, "damage went unnoticed: {refused}");
    fs::remove_file(&database).expect("the vault");
    for words in commands {
        let code = planted.run(words, "", &[]).code;
        assert!(code == 103 || words[0] == "doctor", "{words:?} {code}");
    }
    planted.done();
}

#[test]
fn editors_and_files_that_fail() {
    let mut planted = Planted::new();
    let name = planted.texts.name.clone();
    let editors = [
        "#!/bin/sh\nexit 3\n",
        "#!/bin/sh\nkill -9 $$\n",
        "#!/bin/sh\necho 'hosts = [' >>\"$1\"\n",
        "#!/bin/sh\nsed -i 's/hosts.*/hosts = 7/' \"$1\"\n",
        "#!/bin/sh\nprintf '\\377' >\"$1\"\n",
        "#!/bin/sh\nrm \"$1\"\n",
    ];
    for (at, script) in editors.iter().enumerate() {
        let editor = planted.write_own(&format!("editor-{at}"), script);
        fs::set_permissions(&editor, fs::Permissions::from_mode(0o700)).expect("a program");
        let run = planted.run_with(&[("EDITOR", &editor)], &["edit", &name]);
        assert_ne!(run.code, 0, "{run}");
        let left = fs::read_dir(planted.home().folder("TMPDIR")).expect("the folder").count();
        assert_eq!(left, 0, "a temporary file is left");
    }
    let run = planted.run_with(&[("EDITOR", "/no/such/editor")], &["edit", &name]);
    assert_ne!(run.code, 0, "{run}");
    planted.home().configure(&format!("profile = \"{}\nask = 3\n", "x"));
    fails(&mut planted, &["get", &name], 1);
    planted.home().configure("");
    let too_large = text(&planted.home().write("large", vec![b'x'; (1 << 20) + 1]));
    fails(&mut planted, &["set", "large", "--file", &too_large], 2);
    fails(&mut planted, &["set", "none", "--file", "no-such-file"], 1);
    fails(&mut planted, &["init"], 1);
    planted.home().run(&["reset", "--yes"]).ok();
    fails(&mut planted, &["init", "--no-recovery"], 104);
    planted.done();
}

/// The journal of a process that is killed while it writes holds what the database held, and that is sealed.
#[test]
fn what_a_killed_writer_leaves() {
    let mut planted = Planted::new();
    if !subrosa_testkit::needs(&["strace"]) {
        return;
    }
    let name = planted.texts.name.clone();
    let value = planted.texts.value.clone();
    let value = planted.write_own("new-value", &value);
    let mut seen = false;
    for call in ["fdatasync", "pwrite64"] {
        for times in 1..8 {
            let mut command = planted.home().program("strace");
            let inject = format!("inject={call}:signal=KILL:when={times}");
            command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject]);
            command.args([crate::home::PROGRAM, "set", &name, "--file", &value]);
            let run = planted.run_command(command, &["set"]);
            let journal = planted.home().vault().join("vault.db-journal");
            seen |= run.code != 0 && fs::metadata(&journal).is_ok_and(|journal| journal.len() > 512);
            planted.look_at_disk();
        }
    }
    assert!(seen, "no journal was left behind");
    planted.home().run(&["verify"]).ok();
    planted.done();
}

/// A folder whose files are not what they were when they were linked.
#[test]
fn values_that_cannot_be_looked_up() {
    let mut planted = Planted::new();
    let file = planted.own(&format!("mounted/{}", planted.texts.target));
    let value = planted.texts.linked.clone();
    let (header, url) = ("X-Key: <<vault:linked>>", planted.stage.server.url("/"));
    let target = format!("mounted:{}", planted.texts.target);
    let too_long = value.repeat((1 << 20) / value.len() + 1);
    for content in [Some(too_long.as_str()), None] {
        match content {
            Some(content) => fs::write(&file, content).expect("a file"),
            None => fs::remove_file(&file).expect("removed"),
        }
        for words in [
            &["get", "linked", "--refresh"][..],
            &["send", "--refresh", "-H", header, &url],
            &["link", "linked", &target],
        ] {
            fails(&mut planted, words, 100);
        }
    }
    // tampered with, and another value in place of the link's
    fs::write(&file, &value).expect("a file");
    planted.run(&["send", "-s", "-o", &planted.own("body"), "-H", header, &url], "", &[]).ok();
    let cache = planted.home().vault().join("cache");
    let mut bytes = fs::read(&cache).expect("the cache");
    *bytes.last_mut().expect("a byte") ^= 1;
    fs::write(&cache, bytes).expect("written");
    planted.run(&["cache", "list"], "", &[]).ok();
    planted.run(&["send", "-sv", "--mask", "-H", header, &url], "", &[]).ok();
    let run = planted.run(&["set", "linked", "-"], &value, &[]);
    assert_eq!(run.code, 1, "{run}");
    planted.run(&["disconnect", "mounted"], "", &[]).ok();
    fails(&mut planted, &["send", "-H", header, &url], 100);
    fails(&mut planted, &["link", "x", &value], 2);
    planted.done();
}
