//! Where both programs are run with the same words: servers that keep what reaches them, and a folder that is made anew
//! for every run.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};
use std::{env, fs};

use subrosa_testkit::{CaptureOptions, CaptureServer, Captured, CertificateFault, Folder};

use crate::answers::answer;
use crate::proxy::{Proxy, bridge};

const SUBROSA: &str = env!("CARGO_BIN_EXE_subrosa");
/// What stands for the addresses of the servers in the words of a case.
pub const PLAIN: &str = "http://plain.test";
pub const TLS: &str = "https://tls.test";
/// The only server that asks for a client certificate.
pub const MUTUAL: &str = "https://mutual.test";
const PROXY: &str = "proxy.test";

/// One command line, without the program's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub words: Vec<String>,
}

impl Case {
    pub fn new<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> Self {
        Self { words: words.into_iter().map(|word| word.as_ref().to_owned()).collect() }
    }

    /// Whether a word is one of these.
    pub fn has(&self, words: &[&str]) -> bool {
        self.words.iter().any(|word| words.contains(&word.as_str()))
    }

    /// Whether a text stands in a word.
    pub fn mentions(&self, text: &str) -> bool {
        self.words.iter().any(|word| word.contains(text))
    }
}

/// What a program did.
#[derive(Debug)]
pub struct Seen {
    pub requests: Vec<String>,
    pub code: i32,
    pub stdout: Vec<u8>,
    /// What was written, by name; with the time of last change where that is long ago.
    pub files: BTreeMap<String, (Vec<u8>, Option<u64>)>,
    pub stderr: String,
}

/// In what two programs differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    Wire,
    Code,
    Output,
    Files,
}

impl Seen {
    pub fn differs(&self, other: &Seen) -> Vec<Aspect> {
        let mut found = Vec::new();
        let mut note = |differs: bool, aspect| found.extend(differs.then_some(aspect));
        note(self.requests != other.requests, Aspect::Wire);
        note(self.code != other.code, Aspect::Code);
        note(self.stdout != other.stdout, Aspect::Output);
        note(self.files != other.files, Aspect::Files);
        found
    }

    /// These aspects for a person, and what the program said.
    pub fn shown(&self, aspects: &[Aspect]) -> String {
        let text = |bytes: &[u8]| {
            let text: String = String::from_utf8_lossy(bytes).chars().take(2000).collect();
            text.escape_debug().to_string()
        };
        let mut shown = vec![format!("exit code {}", self.code)];
        for aspect in aspects {
            shown.push(match aspect {
                Aspect::Wire => text(self.requests.join("\n---\n").as_bytes()),
                Aspect::Code => continue,
                Aspect::Output => format!("stdout {}", text(&self.stdout)),
                Aspect::Files => {
                    let file = |(name, (content, changed)): (&String, &(Vec<u8>, Option<u64>))| {
                        format!("{name}: {} {changed:?}", text(content))
                    };
                    self.files.iter().map(file).collect::<Vec<_>>().join(", ")
                }
            });
        }
        let said = |line: &&str| {
            ["curl:", "subrosa:", "error:", "hint:", "Warning:", "warning:"]
                .iter()
                .any(|start| line.starts_with(start))
        };
        shown.extend(self.stderr.lines().filter(said).map(str::to_owned));
        shown.join("\n        ")
    }
}

pub struct Station {
    folder: Folder,
    plain: CaptureServer,
    tls: CaptureServer,
    mutual: CaptureServer,
    proxy: Proxy,
}

impl Station {
    pub fn new() -> Self {
        let tls = CaptureOptions::tls().answering(answer);
        let mutual = CaptureOptions { client_certificate: true, ..tls.clone() };
        let plain = CaptureServer::start(CaptureOptions::default().answering(answer));
        let proxy = Proxy::start(plain.addr());
        let (tls, mutual) = (CaptureServer::start(tls), CaptureServer::start(mutual));
        let folder = Folder::in_memory();
        let station = Self { folder, plain, tls, mutual, proxy };
        station.write_fixtures();
        station
    }

    /// Files that commands read, as `../f/name`.
    fn write_fixtures(&self) {
        let write = |name: &str, content: &[u8]| {
            fs::write(self.folder.join("f").join(name), content).expect("a fixture");
        };
        fs::create_dir(self.folder.join("f")).expect("the folder of fixtures");
        write("lines", b"a=1\r\nb=2\n");
        write("headers", b"X-From: file\n# no header\nX-More: b\n\n");
        write("binary", &[0, 1, 0xfe, 0xff, b'\n', b'"']);
        write("empty", b"");
        write("photo.png", b"\x89PNG not really");
        write("page.html", b"<p>text</p>\n");
        write("format", b"%{http_code} from a file\n");
        write("etag", b"\"v1\"\n");
        write("large", "0123456789abcdef".repeat(20_000).as_bytes());
        let jar = "# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\tfrom\tjar\n\
            #HttpOnly_127.0.0.1\tFALSE\t/\tFALSE\t4102444800\thidden\tyes\n.example.org\tTRUE\t/\tFALSE\t0\tother\tno\n";
        write("jar", jar.as_bytes());
        // one that signed nothing here, under another name
        let other = CaptureOptions { fault: CertificateFault::SelfSigned, ..CaptureOptions::tls() };
        let other = CaptureServer::start(other);
        let authorities = [
            (self.tls.ca_path(), "ca.pem"),
            (self.mutual.ca_path(), "mutual-ca.pem"),
            (other.ca_path(), "other-ca.pem"),
        ];
        for (from, to) in authorities {
            fs::copy(from, self.folder.join("f").join(to)).expect("a certificate");
        }
        let pinned = self.folder.join("f/pinned.pem");
        fs::copy(self.tls.public_key_path(), pinned).expect("a public key");
        let list = self.folder.join("f/revokes-nobody.pem");
        fs::copy(self.tls.revocation_path(false), list).expect("a list");
        bridge(&self.folder.join("f/socket"), self.plain.addr());
        let (certificate, key) = self.mutual.client_identity();
        let both = [fs::read(&certificate).expect("it"), fs::read(&key).expect("it")].concat();
        fs::copy(certificate, self.folder.join("f/client.pem")).expect("a certificate");
        fs::copy(key, self.folder.join("f/client.key")).expect("a key");
        write("client-both.pem", &both);
    }

    pub fn curl(&self, case: &Case) -> Seen {
        self.run("curl", &["-q"], case)
    }

    pub fn subrosa(&self, case: &Case) -> Seen {
        self.run(SUBROSA, &["send", "-q"], case)
    }

    fn run(&self, program: &str, first: &[&str], case: &Case) -> Seen {
        for server in [&self.plain, &self.tls, &self.mutual] {
            drop(server.take_requests());
        }
        drop(self.proxy.take());
        let work = self.folder.join("work");
        let _ = fs::remove_dir_all(&work);
        fs::create_dir(&work).expect("a folder to work in");
        fs::write(work.join("part"), "0123").expect("the beginning of a file");
        let home = self.folder.join("home");
        let mut command = Command::new(program);
        command.env_clear().current_dir(&work).env("HOME", &home);
        command.env("PATH", env::var_os("PATH").unwrap_or_default());
        let words = case.words.iter().map(|word| self.filled(word));
        command.args(first).args(words).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.stdin(fs::File::open(self.folder.join("f/lines")).expect("what is on standard input"));
        let (status, stdout, stderr) = finish(command);
        let mut requests: Vec<String> = self.proxy.take();
        for server in [&self.plain, &self.tls, &self.mutual] {
            requests.extend(comparable(&server.take_requests()));
        }
        let requests = requests.iter().map(|text| without_itself(&self.anywhere(text))).collect();
        let stdout = self.anywhere_bytes(&stdout);
        Seen { requests, code: status, stdout, files: self.written(&work), stderr }
    }

    /// What a program said, without its name and without ports that are others at every station.
    pub fn comparable(&self, text: &str) -> String {
        without_itself(&self.anywhere(text))
    }

    /// A word with the addresses of this station's servers.
    fn filled(&self, word: &str) -> String {
        let (plain, tls, mutual) = (self.plain.url(""), self.tls.url(""), self.mutual.url(""));
        let proxy = self.proxy.address.to_string();
        let ports = [("PLAINPORT", self.plain.port()), ("TLSPORT", self.tls.port())];
        let word = word.replace(PLAIN, &plain).replace(MUTUAL, &mutual).replace(TLS, &tls);
        let word = word.replace(PROXY, &proxy);
        ports.iter().fold(word, |word, (name, port)| word.replace(name, &port.to_string()))
    }

    /// A text without the ports that are others at every station.
    fn anywhere(&self, text: &str) -> String {
        let ports = [self.plain.port(), self.tls.port(), self.mutual.port(), self.proxy.address.port()];
        let names = ["<plain>", "<tls>", "<mutual>", "<proxy>"];
        ports.iter().zip(names).fold(text.to_owned(), |text, (port, name)| {
            text.replace(&format!(":{port}"), &format!(":{name}"))
        })
    }

    fn anywhere_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        match std::str::from_utf8(bytes) {
            Ok(text) => without_itself(&self.anywhere(text)).into_bytes(),
            Err(_) => bytes.to_vec(),
        }
    }

    fn written(&self, work: &Path) -> BTreeMap<String, (Vec<u8>, Option<u64>)> {
        let mut found = BTreeMap::new();
        let mut folders = vec![work.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder of the run") {
                let path: PathBuf = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path.strip_prefix(work).expect("below").display().to_string();
                let changed = fs::metadata(&path).and_then(|facts| facts.modified()).expect("a time");
                let changed = changed.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                let is_old = changed + Duration::from_secs(1_000_000) < now();
                let content = self.anywhere_bytes(&fs::read(&path).expect("a file of the run"));
                found.insert(name, (content, is_old.then_some(changed.as_secs())));
            }
        }
        found
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Runs a program that is ended after ten seconds: its exit code (128 and the signal's number), and what it wrote.
fn finish(mut command: Command) -> (i32, Vec<u8>, String) {
    let mut child = command.spawn().expect("the program starts");
    let (mut stdout, mut stderr) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let errors = std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = stderr.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let output = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stdout.read_to_end(&mut bytes);
        bytes
    });
    let mut waited = Duration::ZERO;
    let status = loop {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            break status;
        }
        if waited > Duration::from_secs(20) {
            let _ = child.kill();
        }
        let pause = if waited < Duration::from_millis(50) { 2 } else { 10 };
        std::thread::sleep(Duration::from_millis(pause));
        waited += Duration::from_millis(pause);
    };
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    (code, output.join().expect("it ends"), errors.join().expect("it ends"))
}

/// The requests as text: over HTTP/1.1 byte for byte, over HTTP/2 what it means.
fn comparable(requests: &[Captured]) -> Vec<String> {
    let mut connections: Vec<usize> = requests.iter().map(|request| request.connection).collect();
    connections.sort_unstable();
    connections.dedup();
    let text = |request: &Captured| {
        let connection = connections.iter().position(|known| *known == request.connection);
        let connection = connection.unwrap_or_default();
        let mut bytes = format!("connection {connection}\n").into_bytes();
        if request.raw_head.is_empty() {
            bytes.extend(format!("{} {} {}\n", request.method, request.target, request.version).bytes());
            let mut headers = request.headers.clone();
            headers.sort();
            for (name, value) in headers {
                bytes.extend([name.as_bytes(), b": ", &value, b"\n"].concat());
            }
            bytes.extend_from_slice(&request.body);
        } else {
            bytes.extend_from_slice(&request.raw_head);
            bytes.extend_from_slice(&request.raw_body);
        }
        bytes.iter().flat_map(|byte| std::ascii::escape_default(*byte)).map(char::from).collect::<String>()
    };
    requests.iter().map(|request| text(request).replace("\\r\\n", "\n").replace("\\n", "\n")).collect()
}

/// A text without the names that the programs give themselves, and without what they choose at random.
fn without_itself(text: &str) -> String {
    let curl = ["curl/", &version_of_curl()].concat();
    let ours = concat!("subrosa/", env!("CARGO_PKG_VERSION"));
    let mut text = text.replace(&curl, "<itself>").replace(ours, "<itself>");
    // the end of a cookie's life is counted from when it came
    while let Some(digits) = between(&text, "\tFALSE\t5", &["\t", "\n"]).filter(|digits| digits.len() == 9) {
        text = text.replace(&format!("\tFALSE\t5{digits}\t"), "\tFALSE\t<later>\t");
    }
    for name in ["generated by libcurl!", "generated by subrosa!"] {
        text = text.replace(name, "generated by <itself>!");
    }
    // each answer over HTTP/2 has its own
    let mut parts = text.split("\ndate: ");
    let first = parts.next().unwrap_or_default().to_owned();
    text = parts.fold(first, |text, part| {
        let end = part.find(['\n', '\r']).unwrap_or(part.len());
        format!("{text}\ndate: <now>{}", &part[end..])
    });
    if let Some(boundary) = between(&text, "boundary=", &["\n", "\r", "\"", ";"]) {
        let length = format!(
            "Content-Length: {}",
            between(&text, "Content-Length: ", &["\n", "\r"]).unwrap_or_default()
        );
        text = text.replace(&boundary, "<boundary>").replace(&length, "Content-Length: <length>");
        // one of parts within a part
        while let Some(inner) = between(&text, "boundary=---", &["\n", "\r", "\"", ";"]) {
            text = text.replace(&format!("---{inner}"), "<inner boundary>");
        }
    }
    for (name, ends) in [
        ("cnonce=\\\"", &["\\\""][..]),
        ("response=\\\"", &["\\\""]),
        ("Authorization: NTLM TlRMTVNTUAAD", &["\n", "\r"]),
    ] {
        if let Some(value) = between(&text, name, ends).filter(|value| !value.is_empty()) {
            text = text.replace(&value, "<random>");
        }
    }
    text
}

fn between(text: &str, before: &str, ends: &[&str]) -> Option<String> {
    let rest = &text[text.find(before)? + before.len()..];
    let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
    Some(rest[..end].to_owned())
}

fn version_of_curl() -> String {
    use std::sync::OnceLock;
    static VERSION: OnceLock<String> = OnceLock::new();
    let ask = || {
        let output = Command::new("curl").arg("-V").output().expect("curl runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.split_whitespace().nth(1).unwrap_or_default().to_owned()
    };
    VERSION.get_or_init(ask).clone()
}

/// The flags of `subrosa send --help`: their long names, with the letter of those that have one.
pub fn supported() -> BTreeMap<String, Option<char>> {
    let output = Command::new(SUBROSA).args(["send", "--help"]).env_clear().output().expect("subrosa runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let mut found = BTreeMap::new();
    let is_flag = |line: &&str| line.starts_with("  -") || line.starts_with("      --");
    for line in text.lines().filter(is_flag).map(str::trim_start) {
        let mut words = line.split([' ', ',']).filter(|word| !word.is_empty());
        let first = words.next().unwrap_or_default();
        let (short, long) = match first.strip_prefix("--") {
            Some(long) => (None, long),
            None => (
                first.chars().nth(1),
                words.next().and_then(|word| word.strip_prefix("--")).unwrap_or_default(),
            ),
        };
        found.insert(long.to_owned(), short);
    }
    found
}

/// Words that follow a program in a shell.
pub fn typed(words: &[impl AsRef<OsStr>]) -> String {
    let quoted = |word: &OsStr| {
        let text = word.to_string_lossy();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(&byte);
        let is_plain = !text.is_empty() && text.bytes().all(plain);
        if is_plain { text.into_owned() } else { format!("'{}'", text.replace('\'', r"'\''").escape_debug()) }
    };
    words.iter().map(|word| quoted(word.as_ref())).collect::<Vec<_>>().join(" ")
}
