//! A secret that one origin may get, in every place that takes one, and every redirect away from there: it does not
//! arrive, in whatever spelling, and it does not come back with the way back.

use subrosa_testkit::leak::{Canaries, Kind, Scanner, Sink};
use subrosa_testkit::{Answer, CaptureOptions, CaptureServer, Captured};

use crate::home::{Home, Run, text};

const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];
/// The header that tells the first server where to.
const TO: &str = "X-To";

/// Where the secret stands, with the words for it; `{}` is the URL. A body is what a redirect can repeat.
const PLACES: [(&str, &[&str]); 12] = [
    ("Authorization", &["-H", "Authorization: Bearer <<vault:key>>", "{}"]),
    ("custom header", &["-H", "X-Key: <<vault:key>>", "{}"]),
    ("query", &["{}?a=b&key=<<vault:key>>"]),
    ("--url-query", &["--url-query", "key=<<vault:key>>", "{}"]),
    ("path", &["{}/<<vault:key>>"]),
    ("cookie", &["-b", "session=<<vault:key>>", "{}"]),
    ("basic auth", &["-u", "user:<<vault:key>>", "{}"]),
    ("oauth2", &["--oauth2-bearer", "<<vault:key>>", "{}"]),
    ("-G", &["-G", "-d", "key=<<vault:key>>", "{}"]),
    ("body", &["-d", "key=<<vault:key>>", "{}"]),
    ("JSON body", &["--json", "{\"key\": \"<<vault:key>>\"}", "{}"]),
    ("PUT body", &["-X", "PUT", "-d", "key=<<vault:key>>", "{}"]),
];

/// How a chain goes on after the first request.
#[derive(Clone, Copy, PartialEq)]
enum End {
    /// One more request, without the secret.
    Stripped,
    /// Refused: 100.
    Refused,
}

/// A body that has to be repeated is what a chain cannot do without; 301 to 303 drop it, whatever the method.
fn end(place: &str, status: u16) -> End {
    if place.ends_with("body") && status >= 307 { End::Refused } else { End::Stripped }
}

/// `/go/STATUS` is a redirect to where its [`TO`] says, and everything else 200.
fn server(options: CaptureOptions) -> CaptureServer {
    CaptureServer::start(options.answering(|_, request| {
        let mut path = request.target.split(['?', '/']).skip(1);
        let status = path.next().filter(|step| *step == "go").and_then(|_| path.next()?.parse().ok());
        let to = request.header(TO).first().map(|to| String::from_utf8_lossy(to));
        match (status, to) {
            (Some(status), Some(to)) => Answer::redirect(status, &to),
            _ => Answer::ok("end"),
        }
    }))
}

/// Everything of a request that its server could have read.
fn wire(request: &Captured) -> Vec<u8> {
    let mut all = format!("{} {}\n", request.method, request.target).into_bytes();
    for (name, value) in &request.headers {
        all.extend([name.as_bytes(), b": ", value, b"\n"].concat());
    }
    [&all, &request.raw_head[..], &request.body].concat()
}

/// A user whose secret may go to one origin only.
struct Case {
    home: Home,
    value: String,
    scanner: Scanner,
    count: usize,
}

impl Case {
    fn new(origin: &str) -> Self {
        let mut canaries = Canaries::new();
        let value = canaries.plant(Kind::Value, "the value");
        let home = Home::new();
        home.store("key", &value, &["--host", origin]);
        Self { home, value, scanner: Scanner::new(&canaries), count: 0 }
    }

    fn send(&mut self, extra: &[&str], words: &[&str], url: &str, to: &str) -> Run {
        self.count += 1;
        let words: Vec<String> = words.iter().map(|word| word.replace("{}", url)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let to = format!("{TO}: {to}");
        let run = self.home.run(&[&["send", "-sS", "-L", "-H", &to], extra, &words].concat());
        for (sink, shown) in [(Sink::Report, &run.out[..]), (Sink::Message, run.err.as_bytes())] {
            assert_eq!(self.scanner.scan(sink, "what is shown", shown, &[]), [], "{run}");
        }
        run
    }

    fn has_it(&self, request: &Captured) -> bool {
        !self.scanner.labels_in(&wire(request)).is_empty()
    }
}

/// Every place with every status from `first`, as `from` names it, to `second` under that URL.
fn none_arrives(extra: &[&str], first: &CaptureServer, from: &str, second: &CaptureServer, to: &str) {
    let mut case = Case::new(from);
    for status in STATUSES {
        for (place, words) in PLACES {
            let before = (first.requests().len(), second.requests().len());
            let run = case.send(extra, words, &format!("{from}/go/{status}"), to);
            let told = format!("{status} from {from} to {to}, {place}: {run}");
            let sent = first.requests().split_off(before.0);
            assert!(case.has_it(&sent[0]), "the first request has it: {told}");
            let mut arrived = second.requests().split_off(before.1);
            if std::ptr::eq(first, second) {
                arrived.remove(0);
            }
            match end(place, status) {
                End::Refused => assert_eq!((run.code, arrived.len()), (100, 0), "{told}"),
                End::Stripped => {
                    assert_eq!((run.code, arrived.len()), (0, 1), "{told}");
                    assert!(!case.has_it(&arrived[0]), "{arrived:?} {told}");
                }
            }
        }
    }
    assert_eq!(case.count, STATUSES.len() * PLACES.len());
}

#[test]
fn hostile_e57_restricted_to_one_origin_and_another_port() {
    let (first, second) = (server(CaptureOptions::default()), server(CaptureOptions::default()));
    none_arrives(&[], &first, &first.url(""), &second, &second.url("/end"));
}

#[test]
fn hostile_e57_restricted_to_one_origin_and_another_name() {
    let server = server(CaptureOptions::default());
    let (address, name) = (server.url(""), format!("http://localhost:{}", server.port()));
    none_arrives(&[], &server, &address, &server, &format!("{name}/end"));
    none_arrives(&[], &server, &name, &server, &format!("{address}/end"));
}

#[test]
fn hostile_e57_restricted_to_one_origin_and_up_to_https() {
    let (first, second) = (server(CaptureOptions::default()), server(CaptureOptions::tls()));
    let ca = text(&second.ca_path());
    none_arrives(&["--cacert", &ca], &first, &first.url(""), &second, &second.url("/end"));
}

#[test]
fn hostile_e57_restricted_to_one_origin_and_down_to_http() {
    let (first, second) = (server(CaptureOptions::tls()), server(CaptureOptions::default()));
    let (ca, to) = (text(&first.ca_path()), second.url("/end"));
    let mut case = Case::new(&first.url(""));
    for status in STATUSES {
        for (place, words) in PLACES {
            let before = first.requests().len();
            let run = case.send(&["--cacert", &ca], words, &first.url(&format!("/go/{status}")), &to);
            assert!(run.err.contains("leaves https"), "{status} {place}: {run}");
            assert_eq!(run.code, 100, "{status} {place}: {run}");
            let sent = first.requests().split_off(before);
            assert!(sent.len() == 1 && case.has_it(&sent[0]), "{status} {place}: {run}");
        }
    }
    assert_eq!((case.count, second.connections()), (60, 0));
}

/// a -> b -> a: what b was not given, a does not get again, although it may have it.
#[test]
fn hostile_e57_restricted_to_one_origin_and_back_again() {
    let first = server(CaptureOptions::default());
    let back = first.url("/back");
    let second = CaptureServer::start(CaptureOptions::default().answering(move |_, request| {
        let status = request.target.trim_start_matches("/bounce/").parse().expect("a status");
        Answer::redirect(status, &back)
    }));
    let mut case = Case::new(&first.url(""));
    for status in STATUSES {
        let bounce = second.url(&format!("/bounce/{status}"));
        for (place, words) in PLACES {
            let before = first.requests().len();
            let run = case.send(&[], words, &first.url(&format!("/go/{status}")), &bounce);
            let seen = first.requests().split_off(before);
            assert!(case.has_it(&seen[0]), "{status} {place}: {run}");
            match end(place, status) {
                End::Refused => assert_eq!((run.code, seen.len()), (100, 1), "{status} {place}: {run}"),
                End::Stripped => {
                    assert_eq!((run.code, seen.len()), (0, 2), "{status} {place}: {run}");
                    assert_eq!(seen[1].target, "/back", "{status} {place}: {run}");
                    assert!(!case.has_it(&seen[1]), "{status} {place}: {:?}", seen[1]);
                }
            }
        }
    }
    assert!(second.requests().iter().all(|request| !case.has_it(request)));
    assert!(!second.requests().is_empty());
}

/// curl's flag that would take everything along is no flag here.
#[test]
fn hostile_e57_location_trusted_is_refused() {
    let (first, second) = (server(CaptureOptions::default()), server(CaptureOptions::default()));
    let mut case = Case::new(&first.url(""));
    for (place, words) in PLACES {
        let run = case.send(&["--location-trusted"], words, &first.url("/go/302"), &second.url("/end"));
        assert_eq!(run.code, 2, "{place}: {run}");
        assert!(run.err.contains("--location-trusted"), "{place}: {run}");
    }
    assert_eq!((first.connections(), second.connections()), (0, 0));
}

/// A server cannot have its own references filled in, neither for itself nor for another.
#[test]
fn hostile_e60_locations_that_hold_references() {
    let second = server(CaptureOptions::default());
    let mut followed = 0;
    for to in [
        "http://{}/<<vault:key>>",
        "http://{}/end?q=<<vault:key>>&p={{vault:key}}",
        "http://{}/end#<<vault:key>>",
        "http://<<vault:key>>@{}/end",
        "http://me:<<vault:key>>@{}/end",
        "http://<<vault:key>>.{}/end",
        "<<vault:key>>://{}/end",
        "/end/<<vault:key>>",
        "?<<vault:key>>",
        "<<vault:key>>",
    ] {
        for away in [false, true] {
            let elsewhere = second.addr();
            let first = CaptureServer::start(CaptureOptions::default().answering(move |place, request| {
                let here = String::from_utf8_lossy(request.header("Host")[0]).into_owned();
                let authority = if away { elsewhere.to_string() } else { here };
                if place == 0 {
                    Answer::redirect(302, &to.replace("{}", &authority))
                } else {
                    Answer::ok("end")
                }
            }));
            let mut case = Case::new(&first.url(""));
            // the vault is open, and what is asked for could go to either server
            case.home.store("key", &case.value, &["--unrestricted"]);
            case.home.store("other", "made-up-other", &["--unrestricted"]);
            let before = second.requests().len();
            let run = case.send(&[], &["-H", "X-Key: <<vault:other>>", "{}"], &first.url("/"), "nowhere");
            let seen = [first.requests(), second.requests().split_off(before)].concat();
            assert!([0, 100].contains(&run.code), "{to}: {run}");
            followed += usize::from(run.code == 0);
            assert_eq!(seen.len(), if run.code == 0 { 2 } else { 1 }, "{to}: {run}");
            assert!(!seen.iter().any(|request| case.has_it(request)), "{to}: {seen:?}");
        }
    }
    assert!(followed >= 10, "{followed} of 20 were followed");
}
