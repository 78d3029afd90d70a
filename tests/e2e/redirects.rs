//! Redirects take nothing along that was filled in: not to another host, port or scheme, and not back again.

use data_encoding::BASE64;
use subrosa_testkit::{Answer, CaptureOptions, CaptureServer, Captured};

use crate::home::{Home, Run, text};
use crate::stage::VALUE;

const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];

/// Every place that takes a secret, with the words for it; `{}` is the URL.
const PLACES: [(&str, &[&str]); 8] = [
    ("header", &["-H", "X-Key: <<vault:key>>", "{}"]),
    ("authorization", &["-H", "Authorization: Bearer <<vault:key>>", "{}"]),
    ("user", &["-u", "me:<<vault:key>>", "{}"]),
    ("cookie", &["-b", "session=<<vault:key>>", "{}"]),
    ("referer", &["-e", "https://example.com/<<vault:key>>", "{}"]),
    ("agent", &["-A", "tool/<<vault:key>>", "{}"]),
    ("query", &["{}?key=<<vault:key>>"]),
    ("body", &["-d", "key=<<vault:key>>", "{}"]),
];

/// A user whose secret may go anywhere, so that it is not the rules that hold it back.
fn home() -> Home {
    let home = Home::new();
    home.store("key", VALUE, &["--unrestricted"]);
    home
}

fn send(home: &Home, words: &[&str], url: &str) -> Run {
    let words: Vec<String> = words.iter().map(|word| word.replace("{}", url)).collect();
    home.run(&[&["send", "-sS", "-L"], &words.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat())
}

/// The value in any of the spellings in which a request could carry it.
fn carries_the_value(request: &Captured) -> bool {
    let basic = BASE64.encode(format!("me:{VALUE}").as_bytes());
    [VALUE, &basic].iter().any(|spelling| request.contains(spelling))
}

/// Answers `/start/STATUS` with that redirect, and everything else with 200.
fn redirecting(location: impl Fn(&Captured) -> String + Send + Sync + 'static) -> CaptureOptions {
    CaptureOptions::default().answering(move |_, request| {
        let path = request.target.split('?').next().unwrap_or_default();
        match path.strip_prefix("/start/").and_then(|status| status.parse().ok()) {
            Some(status) => Answer::redirect(status, &location(request)),
            None => Answer::ok("end"),
        }
    })
}

/// Every place with every status, towards a place that is another origin in one way.
fn nothing_travels(home: &Home, extra: &[&str], first: &CaptureServer, url: &str, second: &CaptureServer) {
    for status in STATUSES {
        for (place, words) in PLACES {
            let (first_before, second_before) = (first.requests().len(), second.requests().len());
            let run = send(home, &[extra, words].concat(), &format!("{url}/start/{status}"));
            let case = format!("{status} with the secret in the {place}: {run}");
            let sent = first.requests().split_off(first_before);
            assert!(carries_the_value(&sent[0]), "the first request has it: {case}");
            let mut arrived = second.requests().split_off(second_before);
            if std::ptr::eq(first, second) {
                arrived.remove(0);
            }
            assert!(!run.shows(VALUE), "{case}");
            if place == "body" && [307, 308].contains(&status) {
                assert_eq!(run.code, 100, "{case}");
                assert_eq!(arrived, [], "{case}");
                continue;
            }
            assert_eq!((run.code, arrived.len()), (0, 1), "{case}");
            assert!(!carries_the_value(&arrived[0]), "{arrived:?} {case}");
            for name in ["Authorization", "Cookie", "X-Key", "Referer"] {
                assert!(arrived[0].header(name).is_empty(), "{name} travelled: {case}");
            }
        }
    }
}

#[test]
fn hostile_e57_to_another_port() {
    let second = CaptureServer::start(CaptureOptions::default());
    let to = second.url("/end");
    let first = CaptureServer::start(redirecting(move |_| to.clone()));
    nothing_travels(&home(), &[], &first, &first.url(""), &second);
}

#[test]
fn hostile_e57_to_another_host() {
    // the same server under another name: nothing but the host differs
    let server = CaptureServer::start(redirecting(|request| {
        let authority = String::from_utf8_lossy(request.header("Host")[0]).into_owned();
        format!("http://{}/end", authority.replace("127.0.0.1", "localhost"))
    }));
    nothing_travels(&home(), &[], &server, &server.url(""), &server);
}

#[test]
fn hostile_e57_to_another_scheme() {
    let second = CaptureServer::start(CaptureOptions::tls());
    let (to, ca) = (second.url("/end"), text(&second.ca_path()));
    let first = CaptureServer::start(redirecting(move |_| to.clone()));
    nothing_travels(&home(), &["--cacert", &ca], &first, &first.url(""), &second);
}

#[test]
fn hostile_e57_from_https_to_http() {
    let second = CaptureServer::start(CaptureOptions::default());
    let to = second.url("/end");
    let script = redirecting(move |_| to.clone());
    let first = CaptureServer::start(CaptureOptions { tls: CaptureOptions::tls().tls, ..script });
    let (home, ca) = (home(), text(&first.ca_path()));
    for (place, words) in PLACES {
        let words = [&["--cacert", &ca][..], words].concat();
        let run = send(&home, &words, &first.url("/start/302")).ends(100).says("leaves https");
        assert!(!run.shows(VALUE), "{place}: {run}");
    }
    assert_eq!(second.connections(), 0);
    // without a secret it is followed, as curl does
    send(&home, &["--cacert", &ca, "-H", "X-Key: none", "{}"], &first.url("/start/302")).ok();
    assert_eq!(second.requests().len(), 1);
}

#[test]
fn hostile_e57_there_and_back_restores_nothing() {
    let home = home();
    for status in STATUSES {
        let back = CaptureServer::start(CaptureOptions::default().answering(move |_, request| {
            let from = request.target.trim_start_matches("/back-to=");
            Answer::redirect(status, &format!("http://{from}/end"))
        }));
        let bounce = back.url("/back-to=");
        let first = CaptureServer::start(redirecting(move |request| {
            format!("{bounce}{}", String::from_utf8_lossy(request.header("Host")[0]))
        }));
        for (place, words) in PLACES {
            let before = first.requests().len();
            let run = send(&home, words, &first.url(&format!("/start/{status}")));
            let seen = first.requests().split_off(before);
            assert!(carries_the_value(&seen[0]), "{status} {place}: {run}");
            if place == "body" && [307, 308].contains(&status) {
                assert_eq!((run.code, seen.len()), (100, 1), "{run}");
                continue;
            }
            assert_eq!((run.code, seen.len()), (0, 2), "{run}");
            assert_eq!(seen[1].target, "/end");
            assert!(!carries_the_value(&seen[1]), "{status} {place}: {:?}", seen[1]);
        }
        assert!(back.requests().iter().all(|request| !carries_the_value(request)), "{status}");
    }
}

#[test]
fn on_the_same_origin_everything_goes_on() {
    let home = home();
    let server = CaptureServer::start(redirecting(|_| "/end".to_owned()));
    for status in STATUSES {
        for (place, words) in PLACES {
            let before = server.requests().len();
            send(&home, words, &server.url(&format!("/start/{status}"))).ok();
            let seen = server.requests().split_off(before);
            assert_eq!(seen.len(), 2, "{status} {place}");
            // a new URL replaces the query, and a POST becomes a GET as with curl
            let goes_on = place != "query" && (place != "body" || status >= 307);
            assert_eq!(carries_the_value(&seen[1]), goes_on, "{status} {place}: {:?}", seen[1]);
        }
    }
}

#[test]
fn a_location_that_repeats_the_value_stops_the_chain() {
    let second = CaptureServer::start(CaptureOptions::default());
    let to = second.url("");
    let spelled = |value: &str| -> Vec<String> {
        let percent: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let twice = percent.replace('%', "%25");
        let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
        vec![value.to_owned(), percent, twice, hex, BASE64.encode(value.as_bytes())]
    };
    let spellings = spelled(VALUE);
    let count = spellings.len();
    let first = CaptureServer::start(
        CaptureOptions::default()
            .answering(move |place, _| Answer::redirect(302, &format!("{to}/?leak={}", spellings[place]))),
    );
    let home = home();
    for place in 0..count {
        let run = send(&home, &["-v", "-H", "X-Key: <<vault:key>>", "{}"], &first.url("/"));
        let run = run.ends(100).says("its Location carries the value of a secret");
        // what is percent-encoded twice is no spelling that -v masks, but one that stops the chain
        for spelling in spelled(VALUE).iter().filter(|spelling| !spelling.starts_with("%25")) {
            assert!(!run.shows(spelling), "{place}: {run}");
        }
    }
    assert_eq!((first.requests().len(), second.connections()), (count, 0));
}

#[test]
fn a_hop_is_written_into_the_audit_log_and_judged_by_the_rules() {
    let home = Home::new();
    let server = CaptureServer::start(redirecting(|_| "/end".to_owned()));
    home.store("key", VALUE, &["--host", &server.url(""), "--only", "query"]);
    home.run(&["send", "-L", &server.url("/start/302?key=<<vault:key>>")]).ok();
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn without_the_flag_nothing_is_followed() {
    let second = CaptureServer::start(CaptureOptions::default());
    let to = second.url("/end");
    let first = CaptureServer::start(redirecting(move |_| to.clone()));
    let run = home().run(&["send", "-w", "%{http_code} %{redirect_url}", &first.url("/start/302")]).ok();
    assert_eq!(run.text(), format!("302 {}", second.url("/end")));
    assert_eq!((first.requests().len(), second.connections()), (1, 0));
}

#[test]
fn a_chain_has_an_end() {
    let server = CaptureServer::start(redirecting(|_| "/start/302".to_owned()));
    let home = home();
    send(&home, &["--max-redirs", "3", "-H", "X-Key: <<vault:key>>", "{}"], &server.url("/start/302"))
        .ends(47);
    assert_eq!(server.requests().len(), 4);
}
