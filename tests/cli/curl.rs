//! What goes over the wire is what curl would send: both are run with the same words against the same server, which
//! keeps what it got byte for byte.

use crate::home::{Home, SUBROSA, both};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use subrosa_testkit::needs;

/// Words after `curl -q -sS` or `subrosa send -sS`; `U` is the server's URL. What both send must be the same.
const SAME: &[&[&str]] = &[
    &["U/"],
    &["U"],
    &["-X", "DELETE", "U/a"],
    &["-sXPUT", "U/a"],
    &["-XPATCH", "-dx", "U/"],
    &["-d", "a", "-d", "b", "U/"],
    &["-d", "a", "-d", "", "U/"],
    &["-d", "", "-d", "b", "U/"],
    &["-d", "", "U/"],
    &["-d", "@lines", "U/"],
    &["-d@lines", "U/"],
    &["--data-ascii", "@lines", "U/"],
    &["--data-binary", "@lines", "U/"],
    &["--data-raw", "@lines", "U/"],
    &["--data", "x", "--data-raw", "@y", "--data-binary", "z", "U/"],
    &["--data-urlencode", "a b", "U/"],
    &["--data-urlencode", "=a b=c", "U/"],
    &["--data-urlencode", "n m=a b&=+%~é/", "U/"],
    &["--data-urlencode", "@lines", "U/"],
    &["--data-urlencode", "name@lines", "U/"],
    &["--data-urlencode", "n@m=x", "U/"],
    &["-d", "a", "--data-urlencode", "=", "U/"],
    &["--json", "{\"a\":1}", "--json", "{\"b\"}", "U/"],
    &["--json", "{\"a\":1}", "-d", "x", "U/"],
    &["-d", "x", "--json", "{\"a\":1}", "U/"],
    &["--json", "@lines", "U/"],
    &["--json", "{}", "-H", "content-type: x/y", "U/"],
    &["--json", "{}", "-H", "accept: x/y", "U/"],
    &["--json", "{}", "-X", "PUT", "U/"],
    &["--json", "1", "-G", "U/"],
    &["-G", "-d", "a", "-d", "b=c", "U/?x=1"],
    &["-G", "-d", "a", "U/?"],
    &["-G", "-d", "a", "U/#fragment"],
    &["-G", "-I", "-d", "q", "U/"],
    &["-I", "U/"],
    &["-d", "a", "--get", "--no-get", "U/"],
    &["-H", "X-A: 1", "-H", "X-A: 2", "U/"],
    &["-H", "Accept:", "-H", "X-Empty;", "-H", "X-Gone:", "U/"],
    &["-H", "@headers", "U/"],
    &["-HX:1", "U/"],
    &["-H", "", "U/"],
    &["-H", "Host: other.example", "U/"],
    &["-H", "Content-Type: text/plain", "-d", "a", "U/"],
    &["-H", "Content-Type:", "-d", "a", "U/"],
    &["-H", "Transfer-Encoding: chunked", "-d", "abc", "U/"],
    &["-u", "me:pass", "U/"],
    &["-u", "me:", "U/"],
    &["-u", ":pass", "U/"],
    &["-u", "m:p:q", "U/"],
    &["-u", "a:b", "-H", "Authorization: z", "U/"],
    &["-A", "", "U/"],
    &["-A", "x", "U/"],
    &["-A", "x", "-H", "User-Agent: y", "U/"],
    &["-e", "http://from.example", "U/"],
    &["-b", "a=b", "U/"],
    &["-b", "a=b", "-b", "c=d", "U/"],
    &["-b", "a=b", "-H", "Cookie: z=1", "U/"],
    &["--url", "U/a", "U/b"],
    &["--url-query", "a=b c", "U/?z"],
    &["U/{a}/languages"],
    &["U/{a,b}/[1-2]"],
    &["U/[01-10:3]"],
    &["-g", "U/{a}[1]"],
    &["U/\\{a\\}"],
    &["U/{a,b}", "-d", "x"],
    &["U/é"],
    &["U/#fragment"],
    &["U/a/../b/./c"],
    &["U/?a='b'&c=\"d\""],
    &["-o", "out", "U/"],
    &["-sfSLi", "U/"],
];

/// The same headers, which stand elsewhere among the others.
const SAME_BUT_ORDER: &[&[&str]] = &[&["--oauth2-bearer", "token", "U/"], &["-r", "0-9", "U/"]];

/// Words, curl's exit code, ours. Where they differ, ours is stricter: nothing is sent that was not meant.
const CODES: &[(&[&str], i32, i32)] = &[
    (&["U/{{app}}"], 3, 3),
    (&["U/{a"], 3, 3),
    (&["U/a b"], 3, 3),
    (&["U/[3-1]"], 3, 3),
    (&["-G", "-d", "a b", "U/"], 3, 3),
    (&["-X"], 2, 2),
    (&["-m", "abc", "U/"], 2, 2),
    (&["--nosuch", "U/"], 2, 2),
    (&["--request=PUT", "U/"], 2, 2),
    (&["-f", "--fail-with-body", "U/"], 2, 2),
    (&["-f", "U/404"], 22, 22),
    (&["--fail-with-body", "U/404"], 22, 22),
    (&["-f", "U/404", "U/"], 0, 0),
    (&["-f", "U/", "U/404"], 22, 22),
    (&["-f", "U/404", "-:", "U/"], 0, 0),
    (&["--fail-early", "-f", "U/404", "U/"], 22, 22),
    (&["-:", "U/"], 0, 0),
    (&["U/", "-:"], 2, 2),
    (&["--no-next", "U/"], 2, 2),
    (&["-O", "U/"], 23, 23),
    (&["-o", "no-folder/x", "U/"], 23, 23),
    (&["http://127.0.0.1:1/"], 7, 7),
    (&["http://nowhere.invalid/"], 6, 6),
    (&["-m", "0.2", "U/slow"], 28, 28),
    (&["U/empty"], 52, 52),
    (&["-L", "--max-redirs", "2", "U/loop"], 47, 47),
    // curl goes on where something is missing or makes no sense
    (&["-d", "@no-file", "U/"], 0, 26),
    (&["-H", "no colon", "U/"], 0, 2),
    (&["U/", "\n--header", "A: b"], 3, 3),
];

#[test]
fn the_same_words_send_the_same_bytes() {
    if !needs(&["curl"]) {
        return;
    }
    let (home, server) = (home(), Server::start());
    let mut differing = Vec::new();
    let all = SAME.iter().map(|words| (words, true)).chain(SAME_BUT_ORDER.iter().map(|words| (words, false)));
    for (words, in_order) in all {
        let (curl, mut theirs) = server.watch(|| run(&home, "curl", &["-q", "-sS"], words, &server));
        let (ours, mut sent) = server.watch(|| run(&home, SUBROSA, &["send", "-sS"], words, &server));
        assert!(!theirs.is_empty(), "{words:?}: curl sent nothing: {}", both(&curl));
        if !in_order {
            [&mut theirs, &mut sent].into_iter().flatten().for_each(sort_lines);
        }
        if sent != theirs || ours.status.code() != curl.status.code() || ours.stdout != curl.stdout {
            differing.push(format!("{words:?}\n  curl: {theirs:?}\n  ours: {sent:?} {}", both(&ours)));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn the_same_words_end_with_the_same_code() {
    if !needs(&["curl"]) {
        return;
    }
    let (home, server) = (home(), Server::start());
    let mut differing = Vec::new();
    for (words, theirs, ours) in CODES {
        let curl = run(&home, "curl", &["-q", "-sS"], words, &server);
        let output = run(&home, SUBROSA, &["send", "-sS"], words, &server);
        if (curl.status.code(), output.status.code()) != (Some(*theirs), Some(*ours)) {
            let codes = (curl.status.code(), output.status.code());
            differing.push(format!("{words:?} {codes:?}, not {:?}: {}", (theirs, ours), both(&output)));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

fn home() -> Home {
    let home = Home::empty();
    home.0.write("lines", "a=1\r\nb=2\n");
    home.0.write("headers", "X-A: 1\n# no header\nX-B: 2\n\n");
    home
}

pub fn run(home: &Home, program: &str, first: &[&str], words: &[&str], server: &Server) -> Output {
    let url = |word: &&str| match word.strip_prefix('U') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{}{rest}", server.url),
        _ => (*word).to_owned(),
    };
    home.command(program).args(first).args(words.iter().map(url)).output().expect("it runs")
}

/// A server that keeps what it got.
pub struct Server {
    url: String,
    got: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let got = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&got);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = Arc::clone(&kept);
                thread::spawn(move || answer(stream, &kept));
            }
        });
        Server { url, got }
    }

    /// What came in while something ran.
    pub fn watch<T>(&self, work: impl FnOnce() -> T) -> (T, Vec<String>) {
        self.got.lock().expect("the list").clear();
        let done = work();
        let mut got = std::mem::take(&mut *self.got.lock().expect("the list"));
        got.iter_mut().for_each(|request| *request = comparable(request));
        (done, got)
    }
}

/// The two programs name themselves differently, and nothing else.
fn comparable(request: &str) -> String {
    let lines = request.split_inclusive("\r\n").map(|line| {
        let ours = line.starts_with("User-Agent: curl/") || line.starts_with("User-Agent: subrosa/");
        if ours { "User-Agent: <itself>\r\n" } else { line }
    });
    lines.collect()
}

fn sort_lines(request: &mut String) {
    let mut lines: Vec<&str> = request.split_inclusive("\r\n").collect();
    lines.sort_unstable();
    *request = lines.concat();
}

fn answer(mut stream: TcpStream, kept: &Mutex<Vec<String>>) {
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let mut pending = Vec::new();
    while let Some(request) = next_request(&mut stream, &mut pending) {
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let head = request.starts_with("HEAD ");
        let times = {
            let mut kept = kept.lock().expect("the list");
            kept.push(request);
            kept.iter().filter(|one| one.split(' ').nth(1) == Some(&path)).count()
        };
        // what stands behind ?h= is a header of the answer
        if let Some((_, header)) = path.split_once("?h=") {
            let header = header.replace("%20", " ").replace("%22", "\"");
            let reply = format!("HTTP/1.1 200 OK\r\n{header}\r\nContent-Length: 2\r\n\r\nok");
            if stream.write_all(reply.as_bytes()).is_err() {
                return;
            }
            continue;
        }
        let reply = match path.as_str() {
            "/404" => "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone",
            "/once" => "HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n",
            "/loop" => "HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n",
            "/busy" if times < 3 => "HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nbusy\n",
            "/part" => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nok");
                return;
            }
            "/later" => "HTTP/1.1 429 Slow down\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n",
            "/nothing" => "HTTP/1.1 204 No Content\r\nX-A: 1\r\nx-a: 2\r\n\r\n",
            "/empty" => return,
            "/slow" => {
                thread::sleep(Duration::from_secs(2));
                return;
            }
            _ if head => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
            _ => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        };
        if stream.write_all(reply.as_bytes()).is_err() {
            return;
        }
    }
}

fn next_request(stream: &mut TcpStream, pending: &mut Vec<u8>) -> Option<String> {
    loop {
        let text = String::from_utf8_lossy(pending).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lower = head.to_ascii_lowercase();
            let length =
                lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            let chunked = lower.contains("transfer-encoding: chunked");
            let length =
                if chunked { body.find("0\r\n\r\n").map(|at| at + 5) } else { Some(length.unwrap_or(0)) };
            if let Some(length) = length.filter(|length| body.len() >= *length) {
                pending.drain(..head.len() + 4 + length);
                return Some(text[..head.len() + 4 + length].to_owned());
            }
        }
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(count) => pending.extend_from_slice(&buffer[..count]),
        }
    }
}
