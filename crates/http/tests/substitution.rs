//! Where values enter a request, and what the server then sees.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use subrosa_http::{Body, BodyKind, Connection, HeaderField, HttpError, RequestDraft, Text};
use subrosa_secret::Placement;
use subrosa_testkit::{CaptureOptions, CaptureServer, Captured};
use support::{clock, values};

/// What arrives of `draft` once `key` has `value`.
fn arrives(draft: &RequestDraft, server: &CaptureServer, value: &str) -> Result<Captured, HttpError> {
    let request = draft.fill(&Connection::plain(), &values(&[("key", value), ("user", "me")]))?;
    let client = subrosa_http::blocking::Client::new()?;
    client.send(&request, &clock(), &mut subrosa_http::Unobserved)?;
    Ok(server.requests().pop().unwrap())
}

fn server() -> CaptureServer {
    CaptureServer::start(CaptureOptions::default())
}

fn with_header(url: String, line: &str) -> RequestDraft {
    let mut draft = RequestDraft::new(url);
    draft.headers.extend(HeaderField::parse(&line.into()).unwrap());
    draft
}

fn with_body(url: String, kind: BodyKind, text: &str) -> RequestDraft {
    let mut draft = RequestDraft::new(url);
    draft.body = Some(Body::of(kind, text));
    draft
}

#[test]
fn every_place_is_filled_by_its_own_rules() {
    let server = server();
    let value = "a/b?c&d=\"e\\f\" +%é";
    let seen = arrives(
        &RequestDraft::new(server.url("/p/<<vault:key>>/x?q=<<vault:key>>&r={{vault:key}}")),
        &server,
        value,
    );
    let encoded = "a%2Fb%3Fc%26d%3D%22e%5Cf%22%20%2B%25%C3%A9";
    assert_eq!(seen.unwrap().target, format!("/p/{encoded}/x?q={encoded}&r={encoded}"));

    let seen =
        arrives(&with_header(server.url("/"), "X-Key: pre <<vault:key>> post"), &server, value).unwrap();
    assert_eq!(seen.header("x-key"), [format!("pre {value} post").as_bytes()]);

    let json = r#"{"a": "x<<vault:key>>y", "b":1 }"#;
    let seen = arrives(&with_body(server.url("/"), BodyKind::Form, json), &server, value).unwrap();
    assert_eq!(String::from_utf8(seen.body.clone()).unwrap(), r#"{"a": "xa/b?c&d=\"e\\f\" +%éy", "b":1 }"#);
    assert_eq!(seen.header("content-length"), [seen.body.len().to_string().as_bytes()]);

    let seen = arrives(&with_body(server.url("/"), BodyKind::Upload, "<a><<vault:key>></a>"), &server, value);
    assert_eq!(seen.unwrap().body, format!("<a>{value}</a>").as_bytes());

    let mut draft = RequestDraft::new(server.url("/"));
    let mut body = Body::of(BodyKind::Form, "x=1");
    body.append_urlencoded(Some("k".into()), "c d <<vault:key>>");
    draft.body = Some(body);
    let seen = arrives(&draft, &server, value).unwrap();
    assert_eq!(String::from_utf8(seen.body).unwrap(), format!("x=1&k=c+d+{encoded}"));

    draft.data_in_query = true;
    let seen = arrives(&draft, &server, value).unwrap();
    assert_eq!((seen.method.as_str(), seen.target), ("GET", format!("/?x=1&k=c+d+{encoded}")));
}

#[test]
fn basic_authentication_takes_references_on_both_sides() {
    let server = server();
    let authorization = |draft: &RequestDraft| {
        let seen = arrives(draft, &server, "p:w").unwrap();
        let value = String::from_utf8(seen.header("authorization")[0].to_vec()).unwrap();
        let plain = data_encoding::BASE64.decode(value.strip_prefix("Basic ").unwrap().as_bytes()).unwrap();
        String::from_utf8(plain).unwrap()
    };
    for (text, sent) in [
        ("<<vault:user>>:<<vault:key>>", "me:p:w"),
        ("u:<<vault:key>>", "u:p:w"),
        ("<<vault:key>>", "p:w"),
        ("<<vault:user>>", "me:"),
        ("a:b:c", "a:b:c"),
    ] {
        let mut draft = RequestDraft::new(server.url("/"));
        draft.basic_auth = Some(text.into());
        assert_eq!(authorization(&draft), sent, "{text}");
    }
    let url = server.url("/").replace("://", "://<<vault:user>>%40x:<<vault:key>>@");
    assert_eq!(authorization(&RequestDraft::new(url.as_str())), "me@x:p:w");
    let mut both = RequestDraft::new(url);
    both.basic_auth = Some("a:b".into());
    assert_eq!(authorization(&both), "a:b");
    assert!(both.plan(&Connection::plain()).unwrap().uses().is_empty(), "what is not sent is not asked for");
}

#[test]
fn a_plan_names_every_reference_with_its_place() {
    let mut draft = RequestDraft::new("https://<<vault:u>>:x@api.example.com/<<vault:p>>?q=<<vault:q>>");
    draft.headers.extend(HeaderField::parse(&"Authorization: Bearer <<vault:h>>".into()).unwrap());
    draft.headers.extend(HeaderField::parse(&"X-Two: {{vault:h}}".into()).unwrap());
    draft.cookies = Some("c=<<vault:c>>".into());
    draft.body = Some(Body::of(BodyKind::Form, "a=<<vault:b>>"));
    let plan = draft.plan(&Connection::plain()).unwrap();
    let uses: Vec<_> =
        plan.uses().iter().map(|used| (used.name.as_str(), used.placement, used.place.as_str())).collect();
    assert_eq!(
        uses,
        [
            ("p", Placement::Path, "URL path"),
            ("q", Placement::Query, "URL query"),
            ("c", Placement::Header, "header Cookie"),
            ("h", Placement::Header, "header Authorization"),
            ("h", Placement::Header, "header X-Two"),
            ("b", Placement::Body, "body"),
        ],
        "the Authorization header stands for user and password of the URL"
    );
    draft.headers.clear();
    draft.basic_auth = Some("<<vault:u>>:<<vault:w>>".into());
    let plan = draft.plan(&Connection::plain()).unwrap();
    let places: Vec<_> = plan.uses().iter().map(|used| used.place.as_str()).collect();
    assert_eq!(&places[2..4], ["-u user:password", "-u user:password"]);
    assert_eq!(plan.destination().origin.to_string(), "https://api.example.com");
    assert!(!plan.destination().ends_on_loopback);
}

#[test]
fn hostile_e58_references_where_they_would_decide_the_way() {
    let kind = |draft: RequestDraft| match draft.plan(&Connection::plain()) {
        Err(HttpError::ReferenceNotAllowed { place }) => place,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was planned"),
    };
    assert_eq!(kind(RequestDraft::new("<<vault:s>>://api.example.com/")), "URL scheme");
    assert_eq!(kind(RequestDraft::new("https://<<vault:h>>/")), "URL host");
    assert_eq!(kind(RequestDraft::new("https://<<vault:h>>.example.com/")), "URL host");
    assert_eq!(kind(RequestDraft::new("https://user@<<vault:h>>:80/")), "URL host");
    assert_eq!(kind(RequestDraft::new("https://api.example.com:<<vault:p>>/")), "URL port");
    assert_eq!(kind(RequestDraft::new("https://api.example.com/#<<vault:f>>")), "URL fragment");
    let mut draft = RequestDraft::new("https://api.example.com/");
    draft.method = Some("<<vault:m>>".to_owned());
    assert_eq!(kind(draft), "method");
    let mut draft = RequestDraft::new("https://api.example.com/");
    draft.headers.push(HeaderField::new("X-<<vault:n>>", "v"));
    assert_eq!(kind(draft), "header name");
    assert_eq!(kind(with_header("https://api.example.com/".into(), "Host: <<vault:h>>")), "header Host");
}

#[test]
fn hostile_e59_line_breaks_in_values_never_reach_the_wire() {
    let server = server();
    let url = || server.url("/");
    let mut basic = RequestDraft::new(url());
    basic.basic_auth = Some("u:<<vault:key>>".into());
    let mut agent = RequestDraft::new(url());
    agent.user_agent = Some("<<vault:key>>".into());
    for draft in [with_header(url(), "X: <<vault:key>>"), basic, agent] {
        for value in ["a\r\nEvil: 1", "a\nb", "a\0b", "a\rb"] {
            let error = arrives(&draft, &server, value).err().unwrap();
            assert_eq!(error.kind(), "value_refused");
            assert!(error.to_string().contains("<<vault:key>>"), "{error}");
            assert!(!error.to_string().contains("Evil"), "{error}");
        }
    }
    assert!(server.requests().is_empty());
    let seen = arrives(&RequestDraft::new(server.url("/?q=<<vault:key>>")), &server, "a\r\n\0b").unwrap();
    assert_eq!(seen.target, "/?q=a%0D%0A%00b");
    let literal = with_header(url(), "X: a\r\nEvil: 1");
    assert_eq!(arrives(&literal, &server, "v").err().unwrap().kind(), "header_refused");
}

#[test]
fn hostile_e60_what_is_inserted_is_never_read_again() {
    let server = server();
    let value = "<<vault:user>>{{vault:user}}";
    let seen = arrives(&with_header(server.url("/"), "X: <<vault:key>>"), &server, value).unwrap();
    assert_eq!(seen.header("x"), [value.as_bytes()]);
    let half = with_header(server.url("/"), "X: <<vault:key>>user>>");
    assert_eq!(arrives(&half, &server, "<<vault:").unwrap().header("x"), [&b"<<vault:user>>"[..]]);
}

#[test]
fn literal_text_holds_no_references() {
    let server = server();
    let mut draft = RequestDraft::new(Text::literal(server.url("/?<<vault:key>>")));
    draft.headers.push(HeaderField::new("X", Text::literal("<<vault:key>>")));
    draft.body = Some(Body::of(BodyKind::Form, Text::literal("<<vault:")));
    assert!(draft.plan(&Connection::plain()).unwrap().uses().is_empty());
    let seen = arrives(&draft, &server, "v").unwrap();
    assert_eq!((seen.target.as_str(), &seen.body[..]), ("/?<<vault:key>>", &b"<<vault:"[..]));
    assert_eq!(seen.header("x"), [&b"<<vault:key>>"[..]]);
}

#[test]
fn hostile_e65_malformed_references_stop_the_request() {
    let url = || "https://api.example.com/".to_owned();
    for text in
        ["<<vault:", "<<vault:>>", "<<vault:a", "<< vault : a >>", "<<VAULT:a>>", "<<vault:a<<vault:b>>>>"]
    {
        let mut basic = RequestDraft::new(url());
        basic.basic_auth = Some(format!("u:{text}").into());
        for draft in [
            with_header(url(), &format!("X: {text}")),
            with_body(url(), BodyKind::Form, text),
            with_body(url(), BodyKind::Json, &format!("{{\"a\": \"{text}\"}}")),
            basic,
        ] {
            let plan = draft.plan(&Connection::plain()).unwrap();
            assert_eq!(plan.malformed().len(), 1, "{text}");
            let error = plan.fill(&values(&[("a", "v"), ("b", "v")])).err().unwrap();
            assert_eq!(error.kind(), "malformed_reference", "{text}");
        }
        let in_url = RequestDraft::new(format!("https://api.example.com/?q={text}"));
        assert_eq!(in_url.plan(&Connection::plain()).err().unwrap().kind(), "malformed_reference", "{text}");
    }
    let plan = with_header(url(), "X: <<vault:a>>").plan(&Connection::plain()).unwrap();
    assert_eq!(plan.fill(&()).err().unwrap().kind(), "no_value");
}

#[test]
fn hostile_e65_ten_mebibytes_of_brackets_are_plain_text() {
    let text = "<<".repeat(5 << 20);
    let draft = with_body("https://api.example.com/".to_owned(), BodyKind::Form, &text);
    let plan = draft.plan(&Connection::plain()).unwrap();
    assert!(plan.uses().is_empty() && plan.malformed().is_empty());
    plan.fill(&()).unwrap();
}

#[test]
fn values_that_would_change_the_meaning_are_refused_with_a_hint() {
    let server = server();
    let url = || server.url("/");
    let cases = [
        (with_body(url(), BodyKind::Form, "a=<<vault:key>>"), "x&admin=1", Some("--data-urlencode")),
        (with_body(url(), BodyKind::Json, "{\"a\": <<vault:key>>}"), "1, \"b\": 2", Some("quotes")),
        (RequestDraft::new(server.url("/a/<<vault:key>>/b")), "..", None),
        (RequestDraft::new(server.url("/a/%2e<<vault:key>>")), ".", None),
        (RequestDraft::new(server.url("/a/<<vault:key>>?x")), ".", None),
    ];
    for (draft, value, hint) in cases {
        let error = arrives(&draft, &server, value).err().unwrap();
        assert_eq!(error.kind(), "value_refused", "{value}");
        assert_eq!(error.hint().is_some(), hint.is_some());
        assert!(error.hint().unwrap_or_default().contains(hint.unwrap_or_default()));
    }
    assert!(server.requests().is_empty());
    let seen = arrives(&RequestDraft::new(server.url("/a/v<<vault:key>>/../b")), &server, "..").unwrap();
    assert_eq!(seen.target, "/a/b", "a segment that the URL itself leaves out is gone before it is filled");
}

#[test]
fn a_length_that_is_not_the_bodys_is_refused() {
    let server = server();
    let mut draft = with_body(server.url("/"), BodyKind::Form, "a=<<vault:key>>");
    draft.headers.push(HeaderField::new("Content-Length", "5"));
    assert_eq!(arrives(&draft, &server, "123").unwrap().body, b"a=123");
    assert_eq!(arrives(&draft, &server, "1234").err().unwrap().kind(), "header_refused");
    let get = with_header(server.url("/"), "Content-Length: 5");
    assert_eq!(arrives(&get, &server, "v").err().unwrap().kind(), "header_refused");
}
