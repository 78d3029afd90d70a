use super::*;
use crate::{Contents, InterchangeError};

type Read = fn(&[u8], Option<&str>) -> Result<Contents, InterchangeError>;
const READERS: [Read; 3] = [read_json, read_yaml, read_toml];

fn shown(contents: &Contents) -> Vec<String> {
    let value = |item: &crate::Item| {
        item.value.as_ref().map(|value| String::from_utf8(value.expose_secret().to_vec()).unwrap())
    };
    contents
        .items
        .iter()
        .map(|item| format!("{}={}", item.name, value(&item).unwrap_or("-".into())))
        .collect()
}

fn read(reader: Read, text: &str) -> Vec<String> {
    shown(&reader(text.as_bytes(), None).unwrap_or_else(|error| panic!("{text}: {error}")))
}

fn refused(reader: Read, text: &str) -> (&'static str, String) {
    let error = reader(text.as_bytes(), None).err().unwrap_or_else(|| panic!("{text} is read"));
    assert!(!format!("{error}{error:?}").contains("canary"), "{error:?}");
    (error.kind(), error.to_string())
}

#[test]
fn json_gives_every_value_as_it_is_written() {
    let text = r#"{"a": "x\u00e9\"", "n": {"i": 12345678901234567890123, "f": 1.10, "e": -1E+2, "z": -0},
        "t": true, "u": null, "v": "", "l": ["-1", 2, [3], {"k": "4"}], "o": {}, "p": []}"#;
    let expected = [
        "a=xé\"",
        "n.i=12345678901234567890123",
        "n.f=1.10",
        "n.e=-1E+2",
        "n.z=-0",
        "t=true",
        "u=-",
        "v=-",
        "l.0=-1",
        "l.1=2",
        "l.2.0=3",
        "l.3.k=4",
    ];
    assert_eq!(read(read_json, text), expected);
    assert_eq!(read(read_json, r#"[1, {"a": 2}]"#), ["0=1", "1.a=2"]);
}

#[test]
fn yaml_gives_every_value_as_it_is_written() {
    let text = "%YAML 1.2\n---\na: x # c\nn:\n  f: 1.10\n  o: 0o17\nb: yes\nu: ~\nv:\nq: 'null'\nl:\n- 1\n- k: |\n    two\n    lines\nr: &x same\ns: *x\n";
    let expected = [
        "a=x",
        "n.f=1.10",
        "n.o=0o17",
        "b=yes",
        "u=-",
        "v=-",
        "q=null",
        "l.0=1",
        "l.1.k=two\nlines\n",
        "r=same",
        "s=same",
    ];
    assert_eq!(read(read_yaml, text), expected);
    assert_eq!(read(read_yaml, "{a: [b, {c: d}], e: f}"), ["a.0=b", "a.1.c=d", "e=f"]);
    let tagged = read_yaml(b"a: !vault x\nb: !!str 1\n", None).unwrap();
    assert_eq!(shown(&tagged), ["a=x", "b=1"]);
    assert_eq!(tagged.notices.len(), 2);
}

#[test]
fn toml_gives_every_value_as_it_is_written() {
    let text = "z = 'x'\n[b]\ni = 1_000\nh = 0xFF\nf = 1.10\nd = 1979-05-27T07:32:00Z\nt = true\nl = [1, [\"2\"]]\n[[a.c]]\nk = \"\"\"\ntwo\nlines\"\"\"\n";
    let expected = [
        "z=x",
        "b.i=1_000",
        "b.h=0xFF",
        "b.f=1.10",
        "b.d=1979-05-27T07:32:00Z",
        "b.t=true",
        "b.l.0=1",
        "b.l.1.0=2",
        "a.c.0.k=two\nlines",
    ];
    assert_eq!(read(read_toml, text), expected);
}

#[test]
fn a_path_selects_what_is_below_it() {
    let text = br#"{"s": {"api": {"token": "1", "key": "2"}, "apix": "3"}, "t": "4"}"#;
    assert_eq!(shown(&read_json(text, Some("s.api")).unwrap()), ["token=1", "key=2"]);
    assert_eq!(shown(&read_json(text, Some("s.api.token")).unwrap()), ["token=1"]);
    assert_eq!(shown(&read_yaml(text, Some("s")).unwrap()), ["api.token=1", "api.key=2", "apix=3"]);
    for path in ["x", "s.ap", "s.api.token.x"] {
        let error = read_json(text, Some(path)).err().unwrap();
        assert_eq!(error.to_string(), format!("{path}: the document has nothing there"));
    }
}

#[test]
fn references_are_left_out_and_names_are_made() {
    let contents = read_json(br#"{"a": "<<vault:a>>", "my key!": "1", "prod/x": "2"}"#, None).unwrap();
    assert_eq!(shown(&contents), ["my key=1", "prod/x=2"]);
    assert_eq!(contents.notices.len(), 2);
}

#[test]
fn what_would_be_two_things_is_refused() {
    for (reader, text) in [
        (READERS[0], r#"{"a": "canary", "a": "canary"}"#),
        (read_json, r#"{"a": {"b": 1}, "a.b": "canary"}"#),
        (read_json, r#"{"a!": 1, "a?": "canary"}"#),
        (read_json, r#"{"a": {"b": 1}, "a": {"c": 2}}"#),
        (read_json, "\"canary\""),
        (read_json, "{\"a\": 1} 2"),
        (read_json, "{\"a\": canary}"),
        (read_yaml, "a: canary\na: 2\n"),
        (read_yaml, "a: 1\n---\nb: canary\n"),
        (read_yaml, "[a]: canary\n"),
        (read_yaml, "a: &x [canary]\nb: *x\n"),
        (read_yaml, "a: &x b\n*x : canary\n"),
        (read_yaml, "a: *nothing\n"),
        (read_yaml, "canary"),
        (read_yaml, "a: \"canary"),
        (read_toml, "a = 'canary'\na = 2\n"),
        (read_toml, "a = canary\n"),
        (read_toml, "a.b = 1\n\"a.b\" = 'canary'\n"),
    ] {
        assert_eq!(refused(reader, text).0, "malformed", "{text}");
    }
    assert_eq!(refused(read_toml, "a = 1\nb = canary\n").1, "line 2: this is no TOML");
    assert_eq!(refused(read_json, r#"{"a": [1, {"b": 1, "b": 2}]}"#).1, "a.1.b: this key stands twice");
}

#[test]
fn hostile_i88_nesting_bombs_and_huge_fields() {
    for depth in [65, 1_000, 200_000] {
        let json = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let kinds = ["too_deep", "malformed"];
        assert!(kinds.contains(&refused(read_json, &json).0), "JSON {depth}");
        assert!(kinds.contains(&refused(read_yaml, &json).0), "YAML {depth}");
        assert!(kinds.contains(&refused(read_toml, &format!("a={json}")).0), "TOML {depth}");
    }
    let levels = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(refused(read_json, &levels(65)).0, "too_deep");
    assert!(read_json(levels(64).as_bytes(), None).is_ok());
    let huge = "x".repeat((1 << 20) + 1);
    assert_eq!(refused(read_json, &format!("{{\"a\":\"{huge}\"}}")).0, "value_too_large");
    assert_eq!(refused(read_yaml, &format!("a: {huge}")).0, "value_too_large");
    assert_eq!(refused(read_toml, &format!("a='{huge}'")).0, "value_too_large");
    let long = "#".repeat(MAX_LEN + 1);
    assert_eq!(refused(read_yaml, &long).0, "document_too_long");
    assert_eq!(refused(read_toml, &long).0, "document_too_long");
}

#[test]
fn hostile_i88_an_alias_bomb_is_bounded() {
    let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n";
    assert_eq!(refused(read_yaml, bomb).0, "malformed");
    let many = format!("a: &a {}\nl:\n{}", "x".repeat(1 << 20), "- *a\n".repeat(300));
    assert_eq!(refused(read_yaml, &many).0, "too_long");
}

#[test]
fn hostile_i88_a_key_without_end_is_told_in_short() {
    let key = "k".repeat(1 << 20);
    // none of these becomes a secret, so that nothing else ends it
    let many = "\"<<vault:a>>\",".repeat(10_000);
    for (reader, text) in [
        (READERS[0], format!("{{\"{key}\": [{many} 1]}}")),
        (read_yaml, format!("? {key}\n: [{many} 1]\n")),
        (read_toml, format!("{key} = [{many} 1]")),
    ] {
        let (kind, message) = refused(reader, &text);
        assert_eq!(kind, "name");
        assert!(message.len() < 500 && message.contains("1048578 bytes"), "{message}");
    }
    let outside = format!("{{\"{key}\": [{many} 1], \"a\": {{\"b\": 2}}}}");
    assert_eq!(shown(&read_json(outside.as_bytes(), Some("a")).unwrap()), ["b=2"]);
}

#[test]
fn hostile_i88_brackets_of_yaml_that_hold_very_much_are_refused() {
    for (open, word, close) in
        [("[", "1,", "]"), ("{", ":,", "}"), ("[", "''", "]"), ("[", "? ", "]"), ("- {", "[],", "}")]
    {
        let many = format!("{open}{}{close}", word.repeat(crate::MAX_ITEMS + 1));
        assert_eq!(refused(read_yaml, &many).0, "too_many", "{word}");
    }
    let colons = format!("a: '{}'\n", ":".repeat(crate::MAX_ITEMS + 1));
    assert_eq!(read_yaml(colons.as_bytes(), None).unwrap().items.len(), 1);
}

#[test]
fn hostile_i88_a_toml_document_of_a_million_marks_is_refused() {
    for (head, word) in [("a=[", "1,"), ("", "#\n"), ("", "[[a]]\n"), ("a", ".a"), ("a=", "{")] {
        let many = format!("{head}{}", word.repeat(crate::MAX_ITEMS + 1));
        assert_eq!(refused(read_toml, &many).0, "too_many", "{word}");
        assert!(!is_toml(many.as_bytes()), "{word}");
    }
}

#[test]
fn tags_outside_of_what_is_asked_for_are_not_told() {
    let contents = read_yaml(b"a: !x 1\nb: !y 2\n", Some("b")).unwrap();
    assert_eq!((shown(&contents), contents.notices.len()), (vec!["b=2".to_owned()], 1));
}

#[test]
fn hostile_i89_names_and_encodings() {
    let escaped = ["\\u0000", "\\u001b", "\\u202e", "\\ufeff", "\\u200b"];
    for hidden in escaped {
        for (reader, text) in [
            (READERS[0], format!("{{\"a{hidden}b\": 1}}")),
            (read_yaml, format!("\"a{hidden}b\": 1\n")),
            (read_toml, format!("\"a{hidden}b\" = 1\n")),
        ] {
            let (kind, message) = refused(reader, &text);
            assert_eq!(kind, "name", "{text}");
            assert!(message.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{message:?}");
        }
    }
    assert_eq!(read(read_json, r#"{"../x": "v"}"#), ["../x=v"]);
    for (reader, text) in READERS.into_iter().zip(["{\"a\": 1}", "a: 1\n", "a = 1\n"]) {
        assert_eq!(read(reader, &format!("\u{feff}{text}")), ["a=1"]);
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(reader(&utf16, None).err().unwrap().kind(), "encoding");
        assert_eq!(reader(b"\xff", None).err().unwrap().kind(), "not_text");
    }
}
