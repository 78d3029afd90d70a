//! What `-v` shows is what curl shows, line for line, but for what is curl's own.

use subrosa_testkit::needs;

use crate::station::{Case, Station};

/// Command lines that show what there is to see on the way.
#[rustfmt::skip]
const CASES: &[&[&str]] = &[
    &["-v", "http://plain.test/"],
    &["-v", "-d", "a=b", "http://plain.test/"],
    &["-v", "http://plain.test/one", "http://plain.test/two"],
    &["-v", "http://plain.test/http10"],
    &["-v", "-I", "http://plain.test/"],
    &["-v", "http://plain.test/until-close"],
    &["-v", "http://plain.test/interim"],
    &["-v", "-L", "http://plain.test/redirect/302"],
    &["-v", "-L", "-d", "a=b", "http://plain.test/redirect/301"],
    &["-v", "http://plain.test/status/404"],
    &["-v", "-0", "http://plain.test/"],
    &["-v", "-k", "https://tls.test/"],
    &["-v", "-k", "--http1.1", "https://tls.test/"],
    &["-v", "-k", "--tls-max", "1.2", "https://tls.test/"],
    &["-v", "-k", "--no-alpn", "https://tls.test/"],
    &["-v", "--cacert", "../f/ca.pem", "https://tls.test/one", "https://tls.test/two"],
    &["-v", "-x", "http://proxy.test", "http://plain.test/"],
    &["-v", "-x", "http://proxy.test", "-k", "https://tls.test/"],
    &["-v", "--unix-socket", "../f/socket", "http://anything.test/"],
];

/// What curl says of its own inside, and of the steps of a handshake.
const CURLS_OWN: [&str; 24] = [
    "* TLSv1",
    "*  CAfile",
    "*  CApath",
    "* Found bundle",
    "* Can not multiplex",
    "* Mark bundle",
    "* Please rewind",
    "* Ignoring the response-body",
    "* old SSL session",
    "*  subjectAltName",
    "* h2h3",
    "* Using Stream ID",
    "* Using HTTP2, server",
    "* Copying HTTP/2",
    "* allocate connect buffer",
    "* CONNECT phase completed",
    "* Connection state changed",
    "* Multiplexed connection found",
    "* no chunk, no close",
    "* HTTP 1.0, assume close",
    "* Excess found",
    "* Closing connection -1",
    "* Proxy replied",
    "*  SSL certificate verify result",
];

#[test]
fn verbose_output_is_curls() {
    if !needs(&["curl"]) {
        return;
    }
    let station = Station::new();
    let mut differing = Vec::new();
    for words in CASES {
        // a meter in the middle of lines would be in the way
        let case = Case::new(["-s"].iter().chain(*words));
        let lines = |text: &str| -> Vec<String> {
            let text = station.comparable(text);
            let is_common = |line: &&str| {
                // pieces of data are cut at other places, TLS's own among them
                let is_data = line.starts_with("{ [") || line.starts_with("} [");
                let is_meter = !["*", "<", ">"].iter().any(|mark| line.starts_with(mark));
                !is_data
                    && !is_meter
                    && !line.starts_with("< date: ")
                    && !CURLS_OWN.iter().any(|start| line.starts_with(start))
            };
            text.lines().filter(is_common).map(|line| line.trim_end().to_owned()).collect()
        };
        let (curl, ours) = (lines(&station.curl(&case).stderr), lines(&station.subrosa(&case).stderr));
        assert!(curl.len() > 5, "{words:?}: {curl:?}");
        if curl != ours {
            differing.push(format!("{words:?}\n  curl: {curl:#?}\n  ours: {ours:#?}"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}
