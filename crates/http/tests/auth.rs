//! Digest and NTLM: what is sent before it is asked for, what answers, and who gets no answer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use subrosa_http::blocking::Client;
use subrosa_http::{
    AuthMethods, Body, BodyKind, Connection, ConnectionOptions, Event, Observer, RequestDraft, Text,
    Unobserved,
};
use subrosa_testkit::{Answer, CaptureOptions, CaptureServer, Captured};
use support::{CANARY, Judge, body, canary, clock, send, trusting, values, with_ca};

const QUESTION: &str = "Digest realm=\"r\", qop=\"auth\", algorithm=SHA-256, nonce=\"n1\", opaque=\"o\"";
const DIGEST: AuthMethods = AuthMethods { basic: false, digest: true, ntlm: false };
const NTLM: AuthMethods = AuthMethods { basic: false, digest: false, ntlm: true };
/// The beginnings of NTLM's first and last message.
const NEGOTIATE: &str = "NTLM TlRMTVNTUAAB";
const AUTHENTICATE: &str = "NTLM TlRMTVNTUAAD";
/// MS-NLMP, 4.2.4.3.
const CHALLENGE: &str = "NTLM TlRMTVNTUAACAAAADAAMADgAAAAzgoriASNFZ4mrze8AAAAAAAAAACQAJABEAAAABgBwFwAAAA9TAGUAcgB2AGUAcgAC\
    AAwARABvAG0AYQBpAG4AAQAMAFMAZQByAHYAZQByAAAAAAA=";

fn asking(question: &'static str, times: usize) -> CaptureServer {
    CaptureServer::start(CaptureOptions::default().answering(move |place, _| {
        if place < times { Answer::status(401).with("WWW-Authenticate", question) } else { Answer::ok("in") }
    }))
}

/// What an NTLM server answers to a request on a connection that it does not know yet.
fn shake(request: &Captured) -> Answer {
    let given = authorization(request);
    match () {
        () if given.starts_with(NEGOTIATE) => Answer::status(401).with("WWW-Authenticate", CHALLENGE),
        () if given.starts_with(AUTHENTICATE) => Answer::ok("in"),
        () => Answer::status(401).with("WWW-Authenticate", "NTLM"),
    }
}

/// Connections that were authenticated once stay so.
fn ntlm(options: CaptureOptions) -> CaptureServer {
    let known = std::sync::Mutex::new(Vec::new());
    CaptureServer::start(options.answering(move |_, request| {
        let mut known = known.lock().unwrap();
        if authorization(request).starts_with(AUTHENTICATE) {
            known.push(request.connection);
        }
        if known.contains(&request.connection) { Answer::ok("in") } else { shake(request) }
    }))
}

fn draft(url: &str, auth: AuthMethods) -> RequestDraft {
    let mut draft = RequestDraft::new(url);
    draft.auth = auth;
    draft.basic_auth = Some(Text::new("user:<<vault:key>>"));
    draft
}

fn with_body(mut draft: RequestDraft) -> RequestDraft {
    draft.body = Some(Body::of(BodyKind::Form, "x=1"));
    draft
}

fn authorization(request: &Captured) -> String {
    request.header("authorization").iter().map(|value| String::from_utf8_lossy(value)).collect()
}

/// Connection, beginning of the authorization, and body of each request.
fn legs(server: &CaptureServer) -> Vec<(usize, String, String)> {
    let short = |request: &Captured| authorization(request).chars().take(17).collect();
    let text = |request: &Captured| String::from_utf8_lossy(&request.body).into_owned();
    server.requests().iter().map(|request| (request.connection, short(request), text(request))).collect()
}

fn leg(connection: usize, authorization: &str, body: &str) -> (usize, String, String) {
    (connection, authorization.to_owned(), body.to_owned())
}

#[test]
fn the_question_is_asked_for_without_the_body_and_answered_with_it() {
    let server = asking(QUESTION, 1);
    let draft = with_body(draft(&server.url("/a?b=c"), DIGEST));
    assert_eq!(send(&draft, &Connection::plain()).unwrap(), (200, b"in".to_vec()));
    let requests = server.requests();
    assert_eq!((requests.len(), requests[0].method.as_str()), (2, "POST"));
    assert_eq!((requests[0].header("content-length"), &requests[0].body[..]), (vec![&b"0"[..]], &b""[..]));
    assert_eq!(authorization(&requests[0]), "");
    assert_eq!((requests[1].header("content-length"), &requests[1].body[..]), (vec![&b"3"[..]], &b"x=1"[..]));
    let answer = authorization(&requests[1]);
    for part in ["Digest username=\"user\"", "uri=\"/a?b=c\"", "nonce=\"n1\"", "nc=00000001", "opaque=\"o\""]
    {
        assert!(answer.contains(part), "{part}: {answer}");
    }
    assert!(!requests.iter().any(|request| request.contains(CANARY)), "the password itself never leaves");
    assert_eq!(requests[0].connection, requests[1].connection);
}

#[test]
fn a_server_that_does_not_ask_gets_the_body_all_the_same() {
    for auth in [DIGEST, NTLM] {
        let server = CaptureServer::start(CaptureOptions::default());
        assert_eq!(send(&with_body(draft(&server.url("/"), auth)), &Connection::plain()).unwrap().0, 200);
        let bodies: Vec<String> = legs(&server).into_iter().map(|(_, _, body)| body).collect();
        assert_eq!(bodies, ["", "x=1"], "{auth:?}");
    }
}

#[test]
fn a_wrong_answer_is_not_repeated_but_an_old_question_is() {
    let wrong = asking(QUESTION, 9);
    assert_eq!(send(&draft(&wrong.url("/"), DIGEST), &Connection::plain()).unwrap().0, 401);
    assert_eq!(wrong.requests().len(), 2);
    let stale = asking("Digest realm=\"r\", qop=\"auth\", nonce=\"n\", stale=true", 99);
    assert_eq!(send(&draft(&stale.url("/"), DIGEST), &Connection::plain()).unwrap().0, 401);
    assert_eq!(stale.requests().len(), 4, "a server that never has enough is not answered for ever");
}

/// Whoever asks for the password itself does not get it where Digest or NTLM was meant.
#[test]
fn hostile_e65a_no_way_is_talked_down_to_a_weaker_one() {
    for question in [
        "Basic realm=\"r\"",
        "NTLM",
        "Digest",
        "Digest realm=\"r\", nonce=",
        "Digest realm=\"r\", nonce=\"n\", algorithm=ROT13",
        "Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"",
        "Negotiate",
        "",
    ] {
        let server = asking(question, 9);
        assert_eq!(send(&draft(&server.url("/"), DIGEST), &Connection::plain()).unwrap().0, 401);
        assert_eq!(server.requests().len(), 1, "{question}");
    }
    for question in [QUESTION, "Basic realm=\"r\"", "NTLM", "NTLM AAAA", "NTLM !", "NTLM TlRMTVNTUAACAAAA"] {
        let server = asking(question, 9);
        assert_eq!(send(&draft(&server.url("/"), NTLM), &Connection::plain()).unwrap().0, 401);
        assert_eq!(legs(&server), [leg(0, NEGOTIATE, "")], "{question}");
    }
}

#[test]
fn of_several_ways_the_best_counts() {
    let best = |questions: &'static [&'static str], auth| {
        let server = CaptureServer::start(CaptureOptions::default().answering(move |_, request| {
            match authorization(request).is_empty() {
                true => questions
                    .iter()
                    .fold(Answer::status(401), |answer, text| answer.with("WWW-Authenticate", text)),
                false => Answer::ok("in"),
            }
        }));
        send(&with_body(draft(&server.url("/"), auth)), &Connection::plain()).unwrap();
        let all = server.requests();
        assert_eq!(all[0].body, b"x=1", "who may tell it by Basic does not hold the body back");
        authorization(&all[1]).chars().take(5).collect::<String>()
    };
    assert_eq!(best(&["Basic realm=\"r\", NTLM", QUESTION], AuthMethods::ANY), "Diges");
    assert_eq!(best(&["Basic realm=\"r\"", "NTLM"], AuthMethods::ANY), "NTLM ");
    assert_eq!(best(&["Negotiate, Basic realm=\"r\""], AuthMethods::ANY), "Basic");
    let unknown_first = &["Digest realm=\"r\", nonce=\"n\", algorithm=ROT13", QUESTION];
    assert_eq!(best(unknown_first, AuthMethods { basic: true, ..DIGEST }), "Diges");
}

#[test]
fn a_nonce_counts_on_within_an_origin() {
    let server = CaptureServer::start(CaptureOptions::default().answering(|place, _| match place {
        0 => Answer::status(401).with("WWW-Authenticate", QUESTION),
        1 => Answer::redirect(302, "/there"),
        _ => Answer::ok("in"),
    }));
    let mut judge = Judge::allowing(&[&format!("http://127.0.0.1:{}", server.port())]);
    assert_eq!(judge.follow(&draft(&server.url("/"), DIGEST), &Connection::plain()).unwrap(), 200);
    let answers: Vec<String> = server.requests().iter().map(authorization).collect();
    assert!(answers[1].contains("nc=00000001") && answers[1].contains("uri=\"/\""));
    assert!(answers[2].contains("nc=00000002") && answers[2].contains("uri=\"/there\""), "{answers:?}");
}

#[test]
fn hostile_e57_a_redirect_takes_no_answer_to_another_host() {
    for (auth, question) in [(DIGEST, QUESTION), (AuthMethods::ANY, "Basic realm=\"r\""), (NTLM, "NTLM")] {
        let stranger = asking(question, 9);
        let location = stranger.url("/");
        let server = CaptureServer::start(CaptureOptions::default().answering(move |_, request| {
            let given = authorization(request);
            match () {
                () if given.starts_with(NEGOTIATE) => shake(request),
                () if given.is_empty() => Answer::status(401).with("WWW-Authenticate", question),
                () => Answer::redirect(307, &location),
            }
        }));
        let mut judge = Judge::allowing(&[&format!("http://127.0.0.1:{}", server.port())]);
        assert_eq!(judge.follow(&draft(&server.url("/"), auth), &Connection::plain()).unwrap(), 401);
        assert_eq!(legs(&stranger), [leg(0, "", "")], "nobody answers it");
    }
}

#[test]
fn ntlm_shakes_hands_over_one_connection_which_is_the_users_then() {
    let server = ntlm(CaptureOptions::default());
    let client = Client::new().unwrap();
    let connection = Connection::plain();
    let go = |draft: &RequestDraft, password: &str| {
        let request = draft.fill(&connection, &values(&[("key", password)])).unwrap();
        let response = client.send(&request, &clock(), &mut Unobserved).unwrap();
        let status = response.head().status;
        body(response).unwrap();
        status
    };
    let mine = with_body(draft(&server.url("/"), NTLM));
    assert_eq!((go(&mine, "one"), go(&mine, "one")), (200, 200));
    assert_eq!(
        legs(&server),
        [leg(0, NEGOTIATE, ""), leg(0, AUTHENTICATE, "x=1"), leg(0, "", "x=1")],
        "the second needs no handshake"
    );
    // another password, another user, nobody: none of them goes over the first one's connection
    assert_eq!(go(&mine, "two"), 200);
    let mut other = mine.clone();
    other.basic_auth = Some(Text::new("other:<<vault:key>>"));
    assert_eq!(go(&other, "one"), 200);
    let mut nobody = mine.clone();
    nobody.basic_auth = None;
    assert_eq!(go(&nobody, "one"), 401);
    let connections: Vec<usize> = legs(&server).iter().map(|(connection, ..)| *connection).collect();
    assert_eq!(connections, [0, 0, 0, 1, 1, 2, 2, 3]);
    assert_eq!(go(&mine, "two"), 200);
    assert_eq!(legs(&server).last(), Some(&leg(1, "", "x=1")));
}

#[test]
fn ntlm_goes_on_where_it_was_asked_for() {
    let server = ntlm(CaptureOptions::default());
    let draft = with_body(draft(&server.url("/"), AuthMethods::ANY));
    assert_eq!(send(&draft, &Connection::plain()).unwrap().0, 200);
    assert_eq!(legs(&server), [leg(0, "", "x=1"), leg(0, NEGOTIATE, ""), leg(0, AUTHENTICATE, "x=1")]);
}

/// RFC 9113 has no connections that are anybody's own.
#[test]
fn ntlm_leaves_http2_alone() {
    let server = ntlm(CaptureOptions::tls());
    let connection = trusting(&server);
    assert_eq!(send(&draft(&server.url("/"), NTLM), &connection).unwrap().0, 200);
    assert_eq!(send(&draft(&server.url("/"), AuthMethods::ANY), &connection).unwrap().0, 200);
    let versions: Vec<String> = server.requests().into_iter().map(|request| request.version).collect();
    assert_eq!(versions, ["HTTP/1.1", "HTTP/1.1", "HTTP/2", "HTTP/1.1", "HTTP/1.1"]);
}

#[test]
fn hostile_e62_a_handshake_that_is_cut_off_is_an_error() {
    let server = CaptureServer::start(
        CaptureOptions::default().answering(|_, request| shake(request).with("Connection", "close")),
    );
    let error = send(&draft(&server.url("/"), NTLM), &Connection::plain()).unwrap_err();
    assert_eq!((error.kind(), error.curl_code()), ("ntlm", Some(94)));
    assert!(!error.to_string().contains(CANARY));
}

#[test]
fn a_wrong_password_leaves_no_connection_behind() {
    let server = CaptureServer::start(CaptureOptions::default().answering(|_, request| {
        match authorization(request).starts_with(AUTHENTICATE) {
            true => Answer::status(401).with("WWW-Authenticate", "NTLM"),
            false => shake(request),
        }
    }));
    let client = Client::new().unwrap();
    let request = draft(&server.url("/"), NTLM).fill(&Connection::plain(), &canary()).unwrap();
    for _ in 0..2 {
        let response = client.send(&request, &clock(), &mut Unobserved).unwrap();
        assert_eq!(response.head().status, 401);
        body(response).unwrap();
    }
    let connections: Vec<usize> = legs(&server).iter().map(|(connection, ..)| *connection).collect();
    assert_eq!(connections, [0, 0, 1, 1]);
}

#[derive(Default)]
struct Heads(Vec<String>);

impl Observer for Heads {
    fn event(&mut self, event: Event<'_>) {
        if let Event::RequestHead(head) = event {
            self.0.push(String::from_utf8_lossy(head).into_owned());
        }
    }
}

/// Who has seen an answer can try passwords until one makes it.
#[test]
fn hostile_f66_an_answer_is_not_shown() {
    let servers = [(asking(QUESTION, 1), DIGEST), (ntlm(CaptureOptions::default()), NTLM)];
    for (server, auth) in servers {
        let request = draft(&server.url("/"), auth).fill(&Connection::plain(), &canary()).unwrap();
        let mut heads = Heads::default();
        let client = Client::new().unwrap();
        body(client.send(&request, &clock(), &mut heads).unwrap()).unwrap();
        let sent = &server.requests()[1];
        let told = authorization(sent);
        let answer = match told.split_once("response=\"") {
            Some((_, rest)) => rest.split('"').next().unwrap(),
            None => told.trim_start_matches("NTLM "),
        };
        assert!(answer.len() >= 64 && !heads.0[1].contains(answer), "{}", heads.0[1]);
        assert_eq!(heads.0[1].len(), sent.raw_head.len());
        assert!(heads.0[1].contains(&"*".repeat(answer.len())));
    }
}

#[test]
fn a_proxy_and_http2_carry_answers_too() {
    let server = CaptureServer::start(CaptureOptions::tls().answering(|place, _| match place {
        0 => Answer::status(401).with("WWW-Authenticate", QUESTION),
        _ => Answer::ok("in"),
    }));
    let connection = with_ca(&server, ConnectionOptions::default());
    assert_eq!(send(&with_body(draft(&server.url("/"), DIGEST)), &connection).unwrap().0, 200);
    let requests = server.requests();
    assert_eq!((&requests[0].body[..], &requests[1].body[..]), (&b""[..], &b"x=1"[..]));
    assert_eq!(requests[1].version, "HTTP/2");
    assert!(authorization(&requests[1]).starts_with("Digest "));
}

#[test]
fn user_and_password_may_stand_in_the_url_and_are_text() {
    let server = asking(QUESTION, 1);
    let mut draft = RequestDraft::new(server.url("/").replace("http://", "http://ad%61:<<vault:key>>@"));
    draft.auth = DIGEST;
    assert_eq!(send(&draft, &Connection::plain()).unwrap().0, 200);
    assert!(authorization(&server.requests()[1]).contains("username=\"ada\""));
    draft.url = server.url("/").into();
    draft.basic_auth = Some(Text::new(b"a:\xff".to_vec()));
    let error = send(&draft, &Connection::plain()).unwrap_err();
    assert_eq!(error.kind(), "header_refused");
}
