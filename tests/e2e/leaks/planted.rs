//! A user whose vault holds canaries, and everything that the user's commands leave behind.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use subrosa_testkit::leak::{Canaries, Kind, Leak, Scanner, Sink};
use subrosa_testkit::{Answer, CaptureOptions, CaptureServer, Captured};

use crate::home::{Home, Run, text};
use crate::stage::Stage;

pub(super) const VALUE: &str = "the value of bird";
pub(super) const EARLIER: &str = "the earlier value of bird";
pub(super) const OTHER: &str = "the value of another secret";
pub(super) const LINKED: &str = "the value of a linked secret";
pub(super) const AT_SERVER: &str = "the value at a server";
pub(super) const CLIENT_KEY: &str = "the key of the client certificate";
pub(super) const VAULT_KEY: &str = "the vault key";

/// Where the user's own files lie: whatever is in them, the user put it there.
const OWN: &str = "own";

/// What a canary reads.
pub(super) struct Texts {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) earlier: String,
    pub(super) deleted: String,
    pub(super) other: String,
    /// What a linked secret is called where it is kept.
    pub(super) target: String,
    pub(super) linked: String,
    pub(super) host: String,
    pub(super) tag: String,
    pub(super) description: String,
    pub(super) profile: String,
    pub(super) passphrase: String,
    pub(super) wrong_passphrase: String,
    /// What opens the key of the client certificate.
    pub(super) key_passphrase: String,
    pub(super) wrong_key: String,
    /// A value that was typed where none belongs.
    pub(super) stray: String,
}

/// A user, a server that echoes whatever reaches it, and what was planted.
pub(super) struct Planted {
    pub(super) stage: Stage,
    /// Talks to nobody who does not show the client certificate in `own`.
    pub(super) strict: CaptureServer,
    pub(super) texts: Texts,
    pub(super) scanner: Scanner,
    canaries: Canaries,
    /// What is wrong so far.
    leaks: Vec<Leak>,
}

/// All of a request, as a server that keeps no secret gives it back.
fn echo(request: &Captured) -> Answer {
    let mut all = format!("{} {}\n", request.method, request.target).into_bytes();
    for (name, value) in &request.headers {
        all.extend_from_slice(&[name.as_bytes(), b": ", value, b"\n"].concat());
    }
    all.extend_from_slice(&request.body);
    Answer::ok(all).with("X-Path", &request.target)
}

impl Planted {
    /// A vault with a key file, a passphrase and a recovery key, and in it a secret with an earlier value, one that was
    /// deleted, and one that nobody asks for.
    pub(super) fn new() -> Self {
        Self::with(Stage::answering(|_, request| echo(request)))
    }

    pub(super) fn with(mut stage: Stage) -> Self {
        let mut canaries = Canaries::new();
        let wrong_key = Home::new_key();
        let texts = Texts {
            name: canaries.plant(Kind::Name, "the name of bird"),
            value: canaries.plant(Kind::Value, VALUE),
            earlier: canaries.plant(Kind::EarlierValue, EARLIER),
            deleted: canaries.plant(Kind::DeletedValue, "the value of a deleted secret"),
            other: canaries.plant(Kind::Value, OTHER),
            target: canaries.plant(Kind::Name, "the target of a link"),
            linked: canaries.plant(Kind::Value, LINKED),
            host: canaries.plant(Kind::Host, "the host"),
            tag: canaries.plant(Kind::Tag, "the tag"),
            description: canaries.plant(Kind::Description, "the description"),
            profile: canaries.plant(Kind::Profile, "the profile"),
            passphrase: canaries.plant(Kind::Passphrase, "the passphrase"),
            wrong_passphrase: canaries.plant(Kind::Passphrase, "a wrong passphrase"),
            key_passphrase: canaries.plant(Kind::Passphrase, "the passphrase of the client's key"),
            stray: canaries.plant(Kind::Value, "a value in the wrong place"),
            wrong_key,
        };
        stage.home = Home::bare();
        let home = &mut stage.home;
        for (name, value) in [("RUST_BACKTRACE", "full"), ("RUST_LIB_BACKTRACE", "full")] {
            home.set(name, value);
        }
        for name in ["RUST_LOG", "SUBROSA_LOG", "SUBROSA_TRACE", "SUBROSA_DEBUG", "DEBUG"] {
            home.set(name, "trace");
        }
        home.set("DO_NOT_TRACK", "0");
        own(home, "passphrase", &texts.passphrase);
        own(home, "wrong-passphrase", &texts.wrong_passphrase);
        own(home, "wrong-key", &texts.wrong_key);
        own(home, "stray", &texts.stray);
        let strict = strict(home, &mut canaries, &texts.key_passphrase);
        let key = own_path(home, "key");
        let words = ["--key-file", &key, "--passphrase-file", &own_path(home, "passphrase")];
        home.run(&[&["init", "--save-recovery", &own_path(home, "recovery")], &words[..]].concat()).ok();
        home.set("SUBROSA_KEY_FILE", &key);
        canaries.add_key(Kind::VaultKey, VAULT_KEY, &read(&key));
        canaries.add_key(Kind::RecoveryKey, "the recovery key", &read(own_path(home, "recovery")));
        canaries.add_key(Kind::VaultKey, "a wrong key", &texts.wrong_key);
        let name = texts.name.as_str();
        home.store(name, &texts.earlier, &[]);
        let host = stage.server.url("");
        let about = ["--host", &host, "--host", &texts.host, "--description", &texts.description];
        home.store(name, &texts.value, &[&about[..], &["--tag", &texts.tag]].concat());
        home.store("deleted", &texts.deleted, &[]);
        home.run(&["rm", "deleted"]).ok();
        home.store("other", &texts.other, &["--profile", &texts.profile, "--host", &host]);
        own(home, &format!("mounted/{}", texts.target), &texts.linked);
        home.run(&["connect", "folder", "mounted", "--path", &own_path(home, "mounted")]).ok();
        home.run(&["link", "linked", &format!("mounted:{}", texts.target), "--host", &host]).ok();
        own(home, "links", "# two\nbulk = mounted:gone\nbulk/2 = mounted:gone\n");
        own(home, "requests.sh", &format!("curl -H 'X-Key: <<vault:{name}>>' {host}\n"));
        let scanner = Scanner::new(&canaries);
        Self { stage, strict, texts, scanner, canaries, leaks: Vec::new() }
    }

    /// Looks for the root key and the role keys too, which the independent reader of the format gets out of the vault;
    /// answers their labels.
    pub(super) fn know_root_key(&mut self, python: &Path) -> Vec<String> {
        let script = "import struct, sys; sys.path.insert(0, sys.argv[1]); sys.dont_write_bytecode = True\n\
             import subrosa_reader as reader\n\
             database = reader.Database(sys.argv[2]); database.check_header(); vault = database.header['vault']\n\
             (epoch,) = struct.unpack('<I', database.header['epoch'])\n\
             slots = [row for row in database.rows if row.kind == reader.KEYSLOT]\n\
             root = reader.unlock(vault, epoch, slots, *reader.parse_key(open(sys.argv[3]).read().strip()))\n\
             keys = reader.Keys(root, vault, epoch)\n\
             print('root', root.hex()); [print(role, getattr(keys, role).hex()) for role in keys.ROLES]";
        let reader = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reader");
        let mut command = Command::new(python);
        command.args(["-c", script]).arg(reader).arg(self.home().vault()).arg(self.own("key"));
        let run = Run::of(command, b"").ok();
        let mut labels = Vec::new();
        for line in run.text().lines() {
            let (role, key) = line.split_once(' ').expect("a role and its key");
            let key = data_encoding::HEXLOWER.decode(key.as_bytes()).expect("hexadecimal digits");
            let label = format!("the {role} key");
            self.canaries.add(Kind::RootKey, &label, &key);
            labels.push(label);
        }
        self.scanner = Scanner::new(&self.canaries);
        labels
    }

    /// Plants another canary.
    pub(super) fn plant(&mut self, kind: Kind, label: &str) -> String {
        let text = self.canaries.plant(kind, label);
        self.scanner = Scanner::new(&self.canaries);
        text
    }

    /// Looks for a text that exists already.
    pub(super) fn add(&mut self, kind: Kind, label: &str, text: &[u8]) {
        self.canaries.add(kind, label, text);
        self.scanner = Scanner::new(&self.canaries);
    }

    pub(super) fn home(&self) -> &Home {
        &self.stage.home
    }

    /// One of the user's own files.
    pub(super) fn own(&self, name: &str) -> String {
        own_path(self.home(), name)
    }

    pub(super) fn write_own(&self, name: &str, content: &str) -> String {
        own(self.home(), name, content);
        self.own(name)
    }

    /// The reference to the secret.
    pub(super) fn reference(&self) -> String {
        format!("<<vault:{}>>", self.texts.name)
    }

    /// Runs a command, looks at all that it said, and answers its end.
    pub(super) fn run(&mut self, words: &[&str], input: &str, shown: &[&str]) -> Run {
        let run = self.home().feed(words, input);
        self.look_at(&run, words, shown);
        run
    }

    /// The same in an environment with something more in it.
    pub(super) fn run_with(&mut self, set: &[(&str, &str)], words: &[&str]) -> Run {
        let mut command = self.home().command(words);
        command.envs(set.iter().copied());
        self.run_command(command, words)
    }

    pub(super) fn run_command(&mut self, command: Command, words: &[&str]) -> Run {
        let run = Run::of(command, b"");
        self.look_at(&run, words, &[]);
        run
    }

    fn look_at(&mut self, run: &Run, words: &[&str], shown: &[&str]) {
        let verb = words.iter().find(|word| !word.starts_with('-')).unwrap_or(&"subrosa");
        self.look(Sink::Report, &format!("standard output of {verb}"), &run.out, shown);
        self.look(Sink::Message, &format!("standard error of {verb}"), run.err.as_bytes(), &[]);
    }

    /// Looks at bytes that came from somewhere else.
    pub(super) fn look(&mut self, sink: Sink, place: &str, bytes: &[u8], shown: &[&str]) {
        self.leaks.extend(self.scanner.scan(sink, place, bytes, shown));
    }

    /// Looks at every file of this user but those that the user wrote.
    pub(super) fn look_at_disk(&mut self) {
        let own = self.home().path(OWN);
        for path in self.home().files() {
            if !path.starts_with(&own) {
                // a name can leak too
                self.look(Sink::Storage, "the name of a file", text(&path).as_bytes(), &[]);
                // what cannot be read is a socket
                let content = fs::read(&path).unwrap_or_default();
                self.look(Sink::Storage, &format!("the file {}", path.display()), &content, &[]);
            }
        }
    }

    /// Looks at what reached the server, which was sent the values of bird, of the other secret and of the linked one.
    pub(super) fn look_at_wire(&mut self) {
        for request in wire(&self.stage.server).into_iter().chain(wire(&self.strict)) {
            self.look(Sink::Wire, "a request", &request, &[VALUE, OTHER, LINKED, AT_SERVER]);
        }
    }

    /// Fails the test if something was seen where it may not be.
    #[track_caller]
    pub(super) fn done(mut self) {
        self.look_at_disk();
        self.look_at_wire();
        let lines: Vec<String> = self.leaks.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "{} leaks:\n{}", lines.len(), lines.join("\n"));
    }
}

/// A server that wants a client certificate, and what it takes to talk to it among the user's own files.
fn strict(home: &Home, canaries: &mut Canaries, passphrase: &str) -> CaptureServer {
    let server = CaptureServer::start(CaptureOptions { client_certificate: true, ..CaptureOptions::tls() });
    let (certificate, key) = server.client_identity();
    own(home, "ca.pem", &read(server.ca_path()));
    own(home, "client.pem", &read(certificate));
    own(home, "client.key", &read(&key));
    own(home, "key-passphrase", passphrase);
    fs::write(own_path(home, "client.p12"), server.client_pfx(passphrase)).expect("a file of the user");
    let text = read(key);
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = data_encoding::BASE64.decode(body.as_bytes()).expect("a key");
    // the number itself (RFC 5915, behind the head of PKCS #8), and the text in which it is written
    canaries.add(Kind::Value, CLIENT_KEY, &der[36..68]);
    canaries.add(Kind::Value, CLIENT_KEY, &data_encoding::BASE64.encode(&der).as_bytes()[48..88]);
    server
}

/// Every request that reached a server, as bytes.
fn wire(server: &CaptureServer) -> Vec<Vec<u8>> {
    let bytes = |request: Captured| {
        let mut all = [request.target.as_bytes(), b"\n", &request.raw_head, b"\n", &request.body].concat();
        for (name, value) in &request.headers {
            all.extend([name.as_bytes(), b": ", value, b"\n"].concat());
        }
        all
    };
    server.requests().into_iter().map(bytes).collect()
}

fn own_path(home: &Home, name: &str) -> String {
    text(&home.path(OWN).join(name))
}

fn own(home: &Home, name: &str, content: &str) {
    let path = PathBuf::from(own_path(home, name));
    fs::create_dir_all(path.parent().expect("its folder")).expect("the user's own folder");
    fs::write(&path, content).expect("a file of the user");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a private file");
}

pub(super) fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).expect("a file of text").trim().to_owned()
}
