//! URLs: split strictly, with references in the places where they may stand.

use proptest::prelude::*;
use subrosa_secret::{AuthorityPart, Host, HostError, HostRule, Origin, Scheme, UrlError, UrlParts, scan};

fn origin(url: &str) -> Result<String, UrlError> {
    Origin::of_url(url).map(|origin| origin.to_string())
}

fn kind(url: &str) -> &'static str {
    UrlParts::parse(url).expect_err(url).kind()
}

/// Whether the rule `api.example.com` lets a secret go to `url`.
fn allowed(url: &str) -> bool {
    let rule = HostRule::parse("api.example.com").expect("a rule").rule;
    Origin::of_url(url).is_ok_and(|origin| rule.matches(&origin))
}

#[test]
fn parts_are_byte_ranges_of_the_text() {
    let url = "HTTPS://us:er@API.example.com:8443/a/<<vault:p>>?q=<<vault:q>>&x=é#f";
    let parts = UrlParts::parse(url).unwrap();
    let text = |range: std::ops::Range<usize>| &url[range];
    assert_eq!((parts.scheme, parts.scheme_written, parts.port), (Scheme::Https, true, 8443));
    assert_eq!(parts.userinfo.map(text), Some("us:er"));
    assert_eq!(text(parts.host_range), "API.example.com");
    assert_eq!(parts.port_range.map(text), Some("8443"));
    assert_eq!(text(parts.path), "/a/<<vault:p>>");
    assert_eq!(parts.query.map(text), Some("q=<<vault:q>>&x=é"));
    assert_eq!(parts.fragment.map(text), Some("f"));
}

#[test]
fn parts_may_be_missing_or_empty() {
    let parts = |url| UrlParts::parse(url).unwrap();
    let bare = parts("api.example.com");
    assert_eq!((bare.scheme, bare.scheme_written, bare.port, bare.path), (Scheme::Http, false, 80, 15..15));
    assert_eq!((bare.query, bare.fragment, bare.userinfo, bare.port_range), (None, None, None, None));
    let empty = parts("https://@a?#");
    assert_eq!((empty.userinfo, empty.query, empty.fragment), (Some(8..8), Some(11..11), Some(12..12)));
    let question = parts("https://a/#x?y");
    assert_eq!((question.query, question.fragment), (None, Some(11..14)));
    assert_eq!(origin("localhost:8080/x"), Ok("http://localhost:8080".into()));
    assert_eq!(origin("user:pass@localhost/x"), Ok("http://localhost".into()));
    assert_eq!(origin("wss://a.example/?x=https://b.example"), Ok("wss://a.example".into()));
    assert_eq!(origin("a.example?x=https://b.example"), Ok("http://a.example".into()));
}

#[test]
fn references_are_single_characters_to_the_splitter() {
    let url = "https://<<vault:team/user:name>>:{{ vault:a b }}@api.example.com/x/<<vault:c/d>>?e=<<vault:f>>#{{vault:g}}";
    let parts = UrlParts::parse(url).unwrap();
    assert_eq!(parts.origin().to_string(), "https://api.example.com");
    assert_eq!(&url[parts.userinfo.clone().unwrap()], "<<vault:team/user:name>>:{{ vault:a b }}");
    let holders = [
        parts.userinfo.clone().unwrap(),
        parts.userinfo.unwrap(),
        parts.path,
        parts.query.unwrap(),
        parts.fragment.unwrap(),
    ];
    let references = scan(url.as_bytes()).references;
    assert_eq!(references.len(), holders.len());
    for (reference, holder) in references.iter().zip(holders) {
        assert!(holder.start <= reference.span.start && reference.span.end <= holder.end);
    }
}

#[test]
fn text_without_references_has_no_opaque_parts() {
    let url = "https://api.example.com/<<vault:a>>";
    assert_eq!(UrlParts::split(url, &[]).unwrap().path, 23..35);
    assert!(matches!(
        UrlParts::split("https://<<vault:a>>/", &[]),
        Err(UrlError::Host(HostError::Character('<'))) | Err(UrlError::Port)
    ));
}

#[test]
fn hostile_e48_the_host_after_the_at_is_judged_or_the_url_refused() {
    assert_eq!(origin("https://api.example.com@evil.com"), Ok("https://evil.com".into()));
    assert!(!allowed("https://api.example.com@evil.com/"));
    assert_eq!(kind("https://evil.com\\@api.example.com"), "url_backslash");
    assert_eq!(kind("https://a@b@api.example.com/"), "url_several_at");
    assert_eq!(kind("https://evil.com/\\@api.example.com"), "url_backslash");
    assert_eq!(origin("https://evil.com/@api.example.com"), Ok("https://evil.com".into()));
    assert_eq!(origin("https://evil.com?@api.example.com"), Ok("https://evil.com".into()));
    assert_eq!(origin("https://evil.com#@api.example.com"), Ok("https://evil.com".into()));
    assert_eq!(origin("https://api.example.com/?q=\\n"), Ok("https://api.example.com".into()));
}

#[test]
fn hostile_e49_hosts_that_only_look_allowed() {
    assert_eq!(kind("https://api.example.com%2eevil.com/"), "host_character");
    assert_eq!(kind("https://api.example.com．evil.com/"), "host_mapped");
    for url in ["https://api.example.com.evil.com/", "https://notexample.com/", "https://notapi.example.com/"]
    {
        assert!(origin(url).is_ok() && !allowed(url), "{url}");
    }
    assert!(allowed("https://api.example.com/"));
}

#[test]
fn hostile_e50_white_space_and_control_characters() {
    for c in ['\t', '\n', '\r', ' ', '\0', '\u{7f}', '\u{a0}', '\u{2028}', '\u{85}'] {
        for at in [
            "",
            "https:",
            "https://",
            "https://api.exa",
            "https://api.example.com/a",
            "https://api.example.com/?a",
        ] {
            let url = format!("{at}{c}{}", &"https://api.example.com/?a=b"[at.len().min(26)..]);
            assert_eq!(UrlParts::parse(&url), Err(UrlError::Character(c)), "{url:?}");
        }
    }
}

#[test]
fn hostile_e51_two_slashes_and_no_other_number() {
    for url in [
        "https:api.example.com",
        "https:/api.example.com",
        "https:///evil.com",
        "https:////evil.com",
        "HTTP:evil.com",
        "ftp:/evil.com",
    ] {
        assert_eq!(kind(url), "url_slashes", "{url}");
    }
    for url in
        ["https:/\\evil.com", "https:\\\\evil.com", "https://\\evil.com", "\\\\evil.com", "https:\\/evil.com"]
    {
        assert_eq!(kind(url), "url_backslash", "{url}");
    }
    for url in
        ["", "//evil.com", "/evil.com", "https://", "https://?x", "https://user@/", "?x", "https://:443"]
    {
        assert_eq!(kind(url), "url_no_host", "{url}");
    }
}

#[test]
fn hostile_e52_lookalike_letters_are_refused_and_shown_as_punycode() {
    let shown = |url| UrlParts::parse(url).unwrap_err().to_string();
    assert!(shown("https://\u{0430}pi.example.com/").contains("xn--pi-6kc.example.com"));
    assert!(shown("https://a\u{ad}pi.example.com/").contains("api.example.com"));
    assert!(shown("https://ⓐpi.example.com/").contains("api.example.com"));
    assert_eq!(
        origin("https://\u{430}\u{440}\u{440}.example.com/"),
        Ok("https://xn--80a6aa.example.com".into())
    );
}

#[test]
fn hostile_e53_trailing_dot_and_case_are_one_host() {
    for url in ["https://API.EXAMPLE.COM/", "https://api.example.com./", "HTTPS://Api.Example.Com.:443"] {
        assert!(allowed(url), "{url}");
        assert_eq!(UrlParts::parse(url).unwrap().host, Host::Domain("api.example.com".into()));
    }
}

#[test]
fn hostile_e54_addresses_in_other_spellings() {
    for url in [
        "https://0x7f.1",
        "https://2130706433/",
        "https://127.1/",
        "https://0177.0.0.1/",
        "https://127.0.0.1./",
    ] {
        assert_eq!(kind(url), "host_unusual_address", "{url}");
    }
    assert_eq!(origin("https://[::ffff:127.0.0.1]/"), Ok("https://[::ffff:127.0.0.1]".into()));
    assert!(!allowed("https://[::ffff:127.0.0.1]/"));
    assert!(!allowed("https://127.0.0.1/"));
    assert_eq!(kind("https://[::1%25lo]/"), "host_bad_address");
}

#[test]
fn hostile_e55_port_or_scheme_not_listed() {
    for url in [
        "https://api.example.com:8443/",
        "http://api.example.com/",
        "ws://api.example.com/",
        "http://api.example.com:443/",
    ] {
        assert!(origin(url).is_ok() && !allowed(url), "{url}");
    }
    for port in ["0", "65536", "", "+443", "0443", "4 43", "443x", "-1", "99999999999999999999"] {
        let url = format!("https://api.example.com:{port}/");
        assert!(["url_port", "url_character"].contains(&kind(&url)), "{url}");
    }
}

#[test]
fn hostile_e58_references_in_scheme_host_and_port() {
    let part = |url| match UrlParts::parse(url) {
        Err(UrlError::ReferenceInAuthority { part, span }) => (part, span),
        other => panic!("{url}: {other:?}"),
    };
    assert_eq!(part("<<vault:s>>://api.example.com"), (AuthorityPart::Scheme, 0..11));
    assert_eq!(part("htt{{vault:s}}://api.example.com"), (AuthorityPart::Scheme, 3..14));
    assert_eq!(part("https://<<vault:h>>/x"), (AuthorityPart::Host, 8..19));
    assert_eq!(part("https://api.<<vault:h>>.com/<<vault:p>>"), (AuthorityPart::Host, 12..23));
    assert_eq!(part("https://u@{{vault:h}}"), (AuthorityPart::Host, 10..21));
    assert_eq!(part("<<vault:h>>"), (AuthorityPart::Host, 0..11));
    assert_eq!(part("https://api.example.com:<<vault:p>>/"), (AuthorityPart::Port, 24..35));
    assert_eq!(part("https://api.example.com:84{{vault:p}}/"), (AuthorityPart::Port, 26..37));
    assert_eq!(part("https://[<<vault:h>>]/"), (AuthorityPart::Host, 9..20));
}

#[test]
fn hostile_e65_malformed_references_stop_the_url() {
    for url in
        ["https://a/<<vault:", "https://a/?x=<<vault:>>", "https://<<vault:a", "https://a/{{vault:{{x}}}}"]
    {
        assert_eq!(kind(url), "url_malformed_reference", "{url}");
    }
}

#[test]
fn messages_hold_no_part_of_userinfo() {
    for url in [
        "https://u:hunter2@b@c/",
        "https://u:hunter2\\@c",
        "https://u:hunter2@c:x/",
        "https://u:hunter2@c d/",
        "https://u:hun/ter2@c",
    ] {
        let error = UrlParts::parse(url).unwrap_err();
        assert!(!error.to_string().contains("hun") && !error.to_string().contains("ter2"), "{error}");
    }
}

fn any_url() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("https://".to_owned()),
        Just("http:".to_owned()),
        Just("ws://".to_owned()),
        Just("//".to_owned()),
        Just("api.example.com".to_owned()),
        Just("127.0.0.1".to_owned()),
        Just("[::1]".to_owned()),
        Just("xn--bcher-kva".to_owned()),
        Just(":443".to_owned()),
        Just("%2e".to_owned()),
        Just("。".to_owned()),
        Just("<<vault:a/b>>".to_owned()),
        "[a-zA-Z0-9.:@/?#\\\\%\\[\\]_ü-]{1,4}",
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// The other parser stands for browsers and every WHATWG library.
    #[test]
    fn where_a_whatwg_parser_agrees_to_read_it_reads_the_same(start in "(https?|wss?|HTTPS)://", rest in any_url()) {
        let text = start + &rest;
        if let (Ok(ours), Ok(theirs)) = (UrlParts::split(&text, &[]), url::Url::parse(&text)) {
            prop_assert_eq!(ours.scheme.as_str(), theirs.scheme());
            prop_assert_eq!(Some(ours.port), theirs.port_or_known_default());
            let same = match (&ours.host, theirs.host()) {
                (Host::Domain(name), Some(url::Host::Domain(other))) => name == other.strip_suffix('.').unwrap_or(other),
                (Host::V4(address), Some(url::Host::Ipv4(other))) => *address == other,
                (Host::V6(address), Some(url::Host::Ipv6(other))) => *address == other,
                _ => false,
            };
            prop_assert!(same, "{:?} is not {:?}", ours.host, theirs.host());
            prop_assert_eq!(ours.userinfo.is_some_and(|u| !u.is_empty() && &text[u] != ":"), !theirs.username().is_empty() || theirs.password().is_some());
            prop_assert_eq!(ours.query.is_some(), theirs.query().is_some());
            prop_assert_eq!(ours.fragment.is_some(), theirs.fragment().is_some());
        }
    }

    #[test]
    fn ranges_are_ordered_and_cover_what_they_say(text in any_url()) {
        if let Ok(parts) = UrlParts::parse(&text) {
            let mut last = 0;
            let optional = [parts.userinfo, Some(parts.host_range), parts.port_range, Some(parts.path), parts.query, parts.fragment];
            for range in optional.into_iter().flatten() {
                prop_assert!(last <= range.start && range.start <= range.end);
                prop_assert!(text.get(range.clone()).is_some());
                last = range.end;
            }
            prop_assert_eq!(last, text.len());
        }
    }

    /// Canonical text is a fixed point: what a policy shows is what it judges.
    #[test]
    fn an_origin_reads_back_as_itself(text in any_url()) {
        if let Ok(origin) = Origin::of_url(&text) {
            prop_assert_eq!(Origin::of_url(&origin.to_string()), Ok(origin));
        }
    }
}
