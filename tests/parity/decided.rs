//! Where `send` differs from curl, and why. docs/curl.md shows this table.

use crate::station::Aspect::{self, Code, Files, Output, Wire};
use crate::station::{Case, Seen};

/// One difference.
pub struct Decided {
    /// What differs, as the documentation says it.
    pub what: &'static str,
    /// The reason, likewise.
    pub why: &'static str,
    pub how: How,
}

/// How far a difference goes.
pub enum How {
    /// The requests are the same after this has been done to both.
    Wire(When, Change),
    /// These aspects are not compared.
    Outcome(When, &'static [Aspect]),
}

/// What is done to a request.
pub type Change = fn(&str) -> String;

/// Whether it may be this that makes two runs differ.
type When = fn(&Case, curl: &Seen, ours: &Seen) -> bool;

const ALL: &[Aspect] = &[Wire, Code, Output, Files];

pub const DECIDED: &[Decided] = &[
    // stricter
    Decided {
        what: "A file of data that cannot be read is an error (26).",
        why: "curl warns and sends an empty body, which nobody meant.",
        how: How::Outcome(|case, _, ours| case.mentions("no-such-file") && ours.code == 26, ALL),
    },
    Decided {
        what: "`-H` with a text that is no header is an error (2).",
        why: "curl sends the request without it.",
        how: How::Outcome(|case, _, ours| case.has(&["no colon"]) && ours.code == 2, ALL),
    },
    Decided {
        what: "A URL that begins with a line break and a dash is an error (3), before anything is sent.",
        why: "it is a flag of a command that was copied over several lines; curl sends the request without it.",
        how: How::Outcome(|case, _, ours| case.mentions("\n--") && ours.code == 3, ALL),
    },
    Decided {
        what: "A certificate, key, authority, `--resolve`, `--connect-to`, pin or revocation list that cannot be used stops the whole command line before its first request (49, 58, 77, 82, 90).",
        why: "curl ignores a wrong `--connect-to`, and finds the others when it connects; nothing is to leave before everything is clear.",
        how: How::Outcome(
            |_, _, ours| ours.requests.is_empty() && [49, 58, 77, 82, 90].contains(&ours.code),
            ALL,
        ),
    },
    Decided {
        what: "A URL that makes no sense, has a scheme other than http and https or is one that `--proto` or `--disallow-username-in-url` excludes, and an operation or a `-O` without a name to go by, stop the whole command line before its first request (1, 2, 3, 23, 67).",
        why: "curl sends what stands before it.",
        how: How::Outcome(
            |_, _, ours| {
                ours.requests.is_empty() && [1, 2, 3, 23, 67].contains(&ours.code) && refused_all(ours)
            },
            ALL,
        ),
    },
    Decided {
        what: "`-C` with a body that is no upload is an error (2).",
        why: "curl leaves out the end of the body, and sends what is left as the whole.",
        how: How::Outcome(|case, _, ours| case.has(&["-C"]) && ours.stderr.contains("-C goes on with"), ALL),
    },
    Decided {
        what: "A download that cannot be gone on with makes no file, and `-C -` with `-T` adds to none.",
        why: "curl opens the file of the answer before it knows; `-C -` is about the file that is uploaded.",
        how: How::Outcome(|case, _, _| case.has(&["-C"]), &[Files]),
    },
    Decided {
        what: "`-C` with `-T` is about the upload alone: where a redirect leads to a GET, all of that is asked for.",
        why: "curl asks for the rest of an answer of which nothing is there yet (33).",
        how: How::Outcome(
            |case, _, _| case.has(&["-C"]) && case.has(&["-T"]) && case.has(&["-L"]),
            &[Wire, Code, Output],
        ),
    },
    Decided {
        what: "`-C -` with `-T .` or `-T -` sends no Content-Range.",
        why: "curl sends one that counts below zero, `0--2/-1`.",
        how: How::Wire(|case, _, _| case.has(&["-C"]), without_part_below_zero),
    },
    Decided {
        what: "With `--retry`, a body that was a stream is not sent again.",
        why: "curl sends an empty one.",
        how: How::Outcome(
            |case, _, ours| case.has(&["--retry"]) && ours.stderr.contains("not tried again: the body"),
            ALL,
        ),
    },
    Decided {
        what: "`-c -` shows the cookies once, when all is done.",
        why: "curl shows them after every transfer.",
        how: How::Outcome(
            |case, _, ours| case.has(&["-c"]) && ours.stdout.windows(8).any(|text| text == b"Netscape"),
            &[Output],
        ),
    },
    Decided {
        what: "With `-i` and a proxy, an output that cannot be written is noticed when the request is out (23).",
        why: "the heads of a proxy's answers are shown with those of the host.",
        how: How::Outcome(|case, _, ours| case.has(&["-x"]) && ours.code == 23, &[Wire]),
    },
    Decided {
        what: "A certificate whose chain has a wrong signature ends with 60.",
        why: "it is the certificate that is not trusted; curl passes on what OpenSSL says, 35.",
        how: How::Outcome(|_, curl, ours| curl.code == 35 && ours.code == 60, &[Code]),
    },
    Decided {
        what: "A `-z` that is no time and no file is an error (2).",
        why: "curl warns and sends the request without a condition.",
        how: How::Outcome(|case, _, ours| case.mentions("lines-not-there") && ours.code == 2, ALL),
    },
    Decided {
        what: "`--tls-max` below 1.2 is an error (2).",
        why: "TLS 1.2 is the oldest that is spoken.",
        how: How::Outcome(|case, _, ours| case.has(&["--tls-max"]) && ours.code == 2, ALL),
    },
    Decided {
        what: "`-0` offers no protocol over TLS.",
        why: "curl offers http/1.0, which servers do not know: some end the connection for it (35).",
        how: How::Outcome(|case, curl, _| case.has(&["-0", "--http1.0"]) && curl.code == 35, ALL),
    },
    Decided {
        what: "An answer in HTTP/1 to `--http2-prior-knowledge` ends with 16.",
        why: "it is an answer, if in the wrong protocol; curl says that the connection ended (52, 55, 56).",
        how: How::Outcome(|case, _, ours| case.has(&["--http2-prior-knowledge"]) && ours.code == 16, &[Code]),
    },
    Decided {
        what: "A form from standard input, and over HTTP/2 a body that `--digest` or `--ntlm` has held back, is sent whole when it is sent again.",
        why: "curl announces all of it, has nothing left to send, and waits for ever.",
        how: How::Outcome(
            |case, curl, _| {
                [28, 137].contains(&curl.code) && (case.mentions("=@-") || case.has(&["--ntlm", "--digest"]))
            },
            &[Wire, Code, Output],
        ),
    },
    // on the wire
    Decided {
        what: "A SOCKS proxy that looks names up is told the address of `--resolve`.",
        why: "that says where the host is; curl lets the proxy look it up nonetheless.",
        how: How::Outcome(|case, _, _| case.mentions("socks5") && case.has(&["--resolve"]), &[Wire]),
    },
    Decided {
        what: "`--etag-compare` adds one header to each request.",
        why: "curl adds one more for each URL of an operation.",
        how: How::Wire(|case, _, _| case.has(&["--etag-compare"]), with_one_etag),
    },
    Decided {
        what: "`Authorization` of `--oauth2-bearer` stands behind the other headers.",
        why: "the order of headers with different names means nothing (RFC 9110, 5.3).",
        how: How::Wire(|case, _, _| case.has(&["--oauth2-bearer"]), sorted),
    },
    Decided {
        what: "What is percent-encoded in a query by `--url-query` or `-G` has upper-case digits.",
        why: "RFC 3986, 2.1, and as in a body.",
        how: How::Wire(|case, _, _| case.has(&["--url-query", "-G", "--get"]), upper_case),
    },
    Decided {
        what: "`--http2` offers no upgrade over plain http.",
        why: "no server in use takes it, and a request that is upgraded cannot be judged by its connection.",
        how: How::Wire(|case, _, _| case.has(&["--http2"]), without_upgrade),
    },
    Decided {
        what: "A connection whose exchange was given up is not used again, nor one that was opened with other settings of trust and route.",
        why: "what is left of an answer would have to be read first; a connection is as good as what it was opened with.",
        how: How::Wire(
            |case, curl, _| {
                let others = ["--next", "-:", "--head", "-I", "--stderr", "-s", "--silent"];
                curl.code > 0 || curl.stderr.contains("curl: (") || case.has(&others)
            },
            without_connections,
        ),
    },
    Decided {
        what: "A connection to a proxy serves one host.",
        why: "connections are kept by where they lead to, so that none is taken for another's.",
        how: How::Wire(|case, _, _| case.has(&["-x", "--proxy"]), without_numbers),
    },
    Decided {
        what: "A SOCKS proxy is not offered GSSAPI.",
        why: "the machine's single sign-on is not used.",
        how: How::Wire(|case, _, _| case.mentions("proxy.test"), without_gssapi),
    },
    Decided {
        what: "`-A ''` sends no User-Agent to a proxy either.",
        why: "curl sends an empty one with CONNECT.",
        how: How::Wire(
            |case, _, _| case.mentions("proxy.test") && case.has(&["-A", "--user-agent"]),
            without_empty_agent,
        ),
    },
    Decided {
        what: "The parameters of a Digest answer stand in another order, `algorithm=MD5` always among them.",
        why: "their order means nothing, and MD5 is what is meant where nothing is said (RFC 7616, 3.3 and 3.4).",
        how: How::Wire(|_, _, ours| ours.requests.iter().any(|text| text.contains(" Digest ")), in_order),
    },
    Decided {
        what: "NTLM offers Unicode, and is answered with NTLMv2 only.",
        why: "names and passwords are UTF-8 here, of which curl makes Latin-1; what is older can be broken by whoever hears it.",
        how: How::Wire(|_, _, ours| ours.requests.iter().any(|text| text.contains(" NTLM ")), without_offer),
    },
    Decided {
        what: "Over HTTP/2 a header's value has no space at its end.",
        why: "RFC 9113, 8.2.1.",
        how: How::Wire(|_, _, ours| ours.requests.iter().any(|text| text.contains("HTTP/2\n")), trimmed),
    },
    Decided {
        what: "Over HTTP/2, `\"`, `<`, `>` and `` ` `` in a URL are percent-encoded.",
        why: "RFC 3986 has no such letters in a URL, and HTTP/2 servers end the stream for them.",
        how: How::Outcome(|case, curl, _| curl.code == 92 && case.mentions("<"), ALL),
    },
    Decided {
        what: "With `-G`, `--url-query` and the data are both in the query.",
        why: "curl forgets the first of them.",
        how: How::Outcome(|case, _, _| case.has(&["--url-query"]) && case.has(&["-G", "--get"]), &[Wire]),
    },
    Decided {
        what: "`-d @file` leaves out NUL bytes.",
        why: "curl leaves out the rest of their line as well.",
        how: How::Outcome(|case, _, _| case.has(&["@../f/binary"]), &[Wire]),
    },
    Decided {
        what: "With `--ntlm` a server is offered HTTP/1.1 only.",
        why: "a connection of HTTP/2 cannot be one user's; curl finds out when it is asked, and comes again.",
        how: How::Outcome(
            |case, _, _| case.has(&["--ntlm"]) && case.mentions("tls.test"),
            &[Wire, Output, Files],
        ),
    },
    Decided {
        what: "`-C -` is about the file of each URL.",
        why: "curl asks for the rest of what goes to standard output as well (33).",
        how: How::Outcome(
            |case, curl, ours| case.has(&["-C"]) && curl.code == 33 && ours.code == 0,
            &[Wire, Code, Output],
        ),
    },
    Decided {
        what: "`--path-as-is` holds with `-G` as well.",
        why: "curl forgets it.",
        how: How::Outcome(|case, _, _| case.has(&["--path-as-is"]) && case.has(&["-G", "--get"]), &[Wire]),
    },
    // what is shown
    Decided {
        what: "With `-J` the file is named when the request is answered, not when the server asks for a password.",
        why: "curl makes an empty file of the answer to what it sent without a body.",
        how: How::Outcome(|case, _, _| case.has(&["-J"]) && case.has(&["--ntlm", "--digest"]), &[Files]),
    },
    Decided {
        what: "`--max-filesize` ends a body of unknown length as well (63), and its first byte too many is not written.",
        why: "curl 7.88 lets it pass; later ones do not.",
        how: How::Outcome(
            |case, _, ours| {
                let is_said = ours.stderr.contains("of --max-filesize") || ours.code == 63;
                case.has(&["--max-filesize"]) && is_said
            },
            &[Code, Output, Files],
        ),
    },
    Decided {
        what: "A file of `-D` that cannot be made is an error (23).",
        why: "curl 7.88 crashes.",
        how: How::Outcome(|case, _, ours| case.mentions("no/such/folder") && ours.code == 23, &[Code]),
    },
    Decided {
        what: "Messages are in subrosa's words, in a file of `--stderr` and in `%{errormsg}` too, and `-v` leaves out the steps of a TLS handshake.",
        why: "each is one line that says what failed on what, with a hint where there is one, and with secrets masked.",
        how: How::Outcome(
            |case, _, _| case.has(&["--stderr"]) || case.mentions("%{errormsg}"),
            &[Output, Files],
        ),
    },
    Decided {
        what: "With `--retry`, the head of an attempt that is tried again is not in the file.",
        why: "it is not that of what the file holds.",
        how: How::Outcome(
            |case, _, _| case.has(&["--retry"]) && case.has(&["-i", "--include", "-I", "--head"]),
            &[Files, Output],
        ),
    },
    Decided {
        what: "Trailers are not shown by `-i`, nor saved by `-D`.",
        why: "they come when the body is gone already, which may be somewhere else.",
        how: How::Outcome(|case, _, _| case.mentions("/trailers"), &[Output, Files]),
    },
];

fn refused_all(ours: &Seen) -> bool {
    let said = format!("{}{}", ours.stderr, String::from_utf8_lossy(&ours.stdout));
    let texts = ["the URL is refused", "ask for two methods", "no URL to send to", "is no name of a file"];
    texts.iter().chain(&["excluded by --proto", "which --disallow"]).any(|text| said.contains(text))
}

/// The header lines of each request in the order of their letters.
fn sorted(request: &str) -> String {
    let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
    let mut lines: Vec<&str> = head.lines().collect();
    if lines.len() > 2 {
        lines[2..].sort_unstable();
    }
    format!("{}\n\n{body}", lines.join("\n"))
}

fn upper_case(request: &str) -> String {
    let mut parts = request.split('%');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.chars().take_while(char::is_ascii_hexdigit).count().min(2);
        text.push('%');
        text.push_str(&part[..digits].to_ascii_uppercase());
        text.push_str(&part[digits..]);
    }
    text
}

fn without_upgrade(request: &str) -> String {
    let of_upgrade = ["Connection: Upgrade, HTTP2-Settings\n", "Upgrade: h2c\n"];
    let text = of_upgrade.iter().fold(request.to_owned(), |text, line| text.replace(line, ""));
    let lines = text.split_inclusive('\n').filter(|line| !line.starts_with("HTTP2-Settings: "));
    lines.collect()
}

/// Without the part of something whose length is unknown.
fn without_part_below_zero(request: &str) -> String {
    let is_one = |line: &str| line.starts_with("Content-Range: ") && line.trim_end().ends_with("/-1");
    request.split_inclusive('\n').filter(|line| !is_one(line)).collect()
}

fn with_one_etag(request: &str) -> String {
    let mut seen = false;
    let is_kept = |line: &&str| {
        let is_one = line.to_ascii_lowercase().starts_with("if-none-match: ");
        !(is_one && std::mem::replace(&mut seen, true))
    };
    request.split_inclusive('\n').filter(is_kept).collect()
}

fn trimmed(request: &str) -> String {
    request.split('\n').map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// The parameters of Digest in the order of their letters, without the one that means nothing.
fn in_order(request: &str) -> String {
    let line = |line: &str| match line.split_once(" Digest ") {
        Some((name, parameters)) => {
            let mut all: Vec<&str> = parameters.split(", ").filter(|one| *one != "algorithm=MD5").collect();
            all.sort_unstable();
            format!("{name} Digest {}", all.join(", "))
        }
        None => line.to_owned(),
    };
    request.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Without what NTLM's first message says of what comes.
fn without_offer(request: &str) -> String {
    const START: &str = "NTLM TlRMTVNTUAAB";
    let line = |line: &str| line.find(START).map_or(line, |at| &line[..at + START.len()]).to_owned();
    request.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

fn without_gssapi(request: &str) -> String {
    if request.starts_with("methods ") { request.replace(", 1", "") } else { request.to_owned() }
}

fn without_empty_agent(request: &str) -> String {
    request.replace("User-Agent: \r\n", "")
}

fn without_numbers(request: &str) -> String {
    match request.split_once('\n') {
        Some((connection, rest)) if connection.starts_with("connection ") => format!("connection\n{rest}"),
        _ => request.to_owned(),
    }
}

/// What was asked of a proxy is said anew for each connection.
fn without_connections(request: &str) -> String {
    match request.split_once('\n') {
        Some((connection, rest)) if connection.starts_with("connection") => rest.to_owned(),
        _ => String::new(),
    }
}
