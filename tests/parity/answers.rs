//! What the servers answer, by path: the same to both programs.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use subrosa_testkit::{Answer, Captured};

use crate::digest;

const TEXT: &[u8] = b"compressed, and more of it: aaaaaaaaaaaaaaaaaaaa\n";
/// [`TEXT`] as `brotli` and `zstd` make it.
const BROTLI: &str = "1b3000f89d09768c64124419b6d96b90b1b43719e646570a6da543969d28b24e22b04f48fc9dd284af4100";
const ZSTD: &str =
    "28b52ffd0468250100f0636f6d707265737365642c20616e64206d6f7265206f662069743a20610a010025c00985b1cccc";
const MODIFIED: &str = "Tue, 05 Mar 2019 10:20:30 GMT";

/// The answer to a request that has been preceded by `place` others of the same command.
pub fn answer(place: usize, request: &Captured) -> Answer {
    let target = match request.target.strip_prefix("http://") {
        // through a proxy
        Some(rest) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => &request.target,
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut parts = path.trim_start_matches('/').split('/');
    let (kind, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    match kind {
        "status" => Answer::status(rest.parse().unwrap_or(200)).with("X-Kind", "status").with_body("gone\n"),
        "redirect" => {
            let is_place = ["/", "http", "relative"].iter().any(|start| query.starts_with(start));
            let to = if is_place { query } else { "/landed" };
            Answer::redirect(rest.parse().unwrap_or(302), to).with_body("moved\n")
        }
        "loop" => Answer::redirect(302, "/loop"),
        "loop-long" => Answer::redirect(302, "/loop-long").with("X-Long", &"a".repeat(40_000)),
        "cookies" => Answer::ok("sweet")
            .with("Set-Cookie", "one=1; Path=/")
            .with("Set-Cookie", "two=2; Path=/; Max-Age=4000000000; HttpOnly")
            .with("Set-Cookie", "three=3; Domain=example.org"),
        "cookies-then" => Answer::redirect(302, "/landed").with("Set-Cookie", "hop=yes; Path=/"),
        "auth" => challenge(rest, request),
        "compressed" => compressed(rest),
        "chunked" => {
            Answer::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5;x=y\r\npedia\r\n0\r\n\r\n")
                .left_open()
        }
        "trailers" => Answer::raw(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n4\r\nwiki\r\n0\r\nX-T: t\r\n\r\n",
        )
        .left_open(),
        "early" => Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"),
        "until-close" => Answer::raw("HTTP/1.1 200 OK\r\nX-A: b\r\n\r\nuntil the end"),
        "http10" => Answer::raw("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        "no-reason" => Answer::raw("HTTP/1.1 299\r\nContent-Length: 2\r\n\r\nok").left_open(),
        "interim" => Answer::raw(
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        )
        .left_open(),
        "empty" => Answer::raw(""),
        "garbage" => Answer::raw("what is this\r\n\r\n"),
        "slow" => Answer::ok("late").after(Duration::from_secs(3)),
        "once" if place == 0 => Answer::status(rest.parse().unwrap_or(503)).with_body("try again\n"),
        "after" if place == 0 => Answer::status(429).with("Retry-After", "0").with_body("wait\n"),
        "named" => Answer::ok("named").with("Content-Disposition", "attachment; filename=\"from-server.txt\""),
        "dated" => Answer::ok("dated").with("Last-Modified", MODIFIED),
        "tagged" => Answer::ok("tagged").with("ETag", "\"v1\""),
        "range" => range(request),
        "json" => Answer::ok("{\"a\":[1,2],\"b\":\"c\"}").with("Content-Type", "application/json"),
        "big" => Answer::ok("0123456789abcdef".repeat(8192)),
        "none" => Answer::status(204),
        "binary" => Answer::ok(vec![0, 1, 2, 0xff, b'\n', 0]),
        _ => Answer::ok("ok").with("X-Kind", "plain").with("Content-Type", "text/plain"),
    }
}

/// MS-NLMP, 4.2.4.3: what an NTLM server asks.
const NTLM: &str = "NTLM TlRMTVNTUAACAAAADAAMADgAAAAzgoriASNFZ4mrze8AAAAAAAAAACQAJABEAAAABgBwFwAAAA9TAGUAcgB2AGUAcgACAAwARABvAG0AYQBpAG4AAQAMAFMAZQByAHYAZQByAAAAAAA=";

fn challenge(kind: &str, request: &Captured) -> Answer {
    let given = request.header("authorization").first().map(|value| value.to_vec()).unwrap_or_default();
    let refused = Answer::status(401).with_body("who are you?\n");
    let is_new = given.windows(5).any(|text| text == b"\"new\"");
    let is_let_in = (digest::is_answer(request) && (is_new || kind != "digest-stale"))
        || (["basic", "any"].contains(&kind) && given.starts_with(b"Basic "))
        || (kind.contains("ntlm") && given.starts_with(b"NTLM TlRMTVNTUAAD"));
    match kind {
        "digest-moved" | "ntlm-moved" if is_let_in => Answer::redirect(302, "/landed"),
        _ if is_let_in => Answer::ok("let in"),
        "digest-stale" => {
            let question = if given.is_empty() { "nonce=\"old\"" } else { "nonce=\"new\", stale=true" };
            refused.with("WWW-Authenticate", &format!("Digest realm=\"r\", qop=\"auth\", {question}"))
        }
        "digest-moved" if given.is_empty() => {
            refused.with("WWW-Authenticate", digest::question("digest").unwrap_or_default())
        }
        "any" => refused
            .with("WWW-Authenticate", "Basic realm=\"a realm\"")
            .with("WWW-Authenticate", digest::question("digest-md5").unwrap_or_default())
            .with("WWW-Authenticate", digest::question("digest").unwrap_or_default()),
        "ntlm" | "ntlm-moved" if given.starts_with(b"NTLM TlRMTVNTUAAB") => {
            refused.with("WWW-Authenticate", NTLM)
        }
        "ntlm" => refused.with("WWW-Authenticate", "NTLM").with("WWW-Authenticate", "Basic realm=\"r\""),
        _ => refused.with("WWW-Authenticate", digest::question(kind).unwrap_or("Basic realm=\"a realm\"")),
    }
}

fn compressed(kind: &str) -> Answer {
    let unhex = |text: &str| -> Vec<u8> {
        let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
        digits.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal")).collect()
    };
    let body = match kind {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(TEXT).expect("memory");
            encoder.finish().expect("memory")
        }
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(TEXT).expect("memory");
            encoder.finish().expect("memory")
        }
        "br" => unhex(BROTLI),
        "zstd" => unhex(ZSTD),
        _ => b"not compressed at all".to_vec(),
    };
    let named = if kind == "broken" { "gzip" } else { kind };
    Answer::ok(body).with("Content-Encoding", named)
}

fn range(request: &Captured) -> Answer {
    const WHOLE: &[u8] = b"0123456789";
    let asked = request.header("range").first().map(|value| String::from_utf8_lossy(value).into_owned());
    let from_to = asked.as_deref().and_then(|text| text.strip_prefix("bytes=")?.split_once('-'));
    let Some((Ok(from), to)) = from_to.map(|(from, to)| (from.parse::<usize>(), to)) else {
        return Answer::ok(WHOLE).with("Accept-Ranges", "bytes");
    };
    let to = to.parse().unwrap_or(WHOLE.len() - 1).min(WHOLE.len() - 1);
    match WHOLE.get(from..=to) {
        Some(part) if from < WHOLE.len() => {
            Answer::status(206).with("Content-Range", &format!("bytes {from}-{to}/10")).with_body(part)
        }
        _ => Answer::status(416).with("Content-Range", "bytes */10"),
    }
}
