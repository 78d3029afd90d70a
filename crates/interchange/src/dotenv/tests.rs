use subrosa_secret::Name;

use super::*;
use crate::{Items, MAX_ITEMS};

fn value(item: &Item) -> Option<&str> {
    item.value.as_ref().map(|value| str::from_utf8(value.expose_secret()).unwrap())
}

fn pairs(text: &str) -> Vec<(String, Option<String>)> {
    let contents = read(text.as_bytes()).unwrap();
    contents.items.iter().map(|item| (item.name.to_string(), value(&item).map(str::to_owned))).collect()
}

fn refused(text: &[u8]) -> (&'static str, String) {
    let error = read(text).err().expect("it is refused");
    (error.kind(), error.to_string())
}

fn notices(text: &str) -> Vec<String> {
    let contents = read(text.as_bytes()).unwrap();
    contents.notices.iter().map(|notice| format!("{}: {}", notice.place, notice.text)).collect()
}

fn item(name: &str, value: &[u8]) -> Item {
    let value = SecretValue::new(value.to_vec()).unwrap();
    Item::new(Name::parse(name).unwrap(), Some(value), Place::File)
}

fn written(items: &[Item]) -> Result<String, String> {
    let items = Items::of(items).unwrap();
    let written = write(&items).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(written.to_bytes().unwrap().to_vec()).unwrap())
}

#[test]
fn the_last_value_counts_and_an_empty_one_is_none() {
    assert_eq!(pairs("A=1\nB=2\nA=3\n"), [("A".into(), Some("3".into())), ("B".into(), Some("2".into()))]);
    assert_eq!(pairs("A=\nB=''\nC= # c"), [("A".into(), None), ("B".into(), None), ("C".into(), None)]);
    assert_eq!(notices("A=1\n\nA=3\n"), ["line 3: A was set above; the last value counts"]);
}

#[test]
fn lines_are_counted_over_all_kinds_of_ends() {
    let contents = read(b"A=1\r\nB='x\r\ny'\rC=3\n\nD=\"4\"").unwrap();
    let lines: Vec<Place> = contents.items.iter().map(|item| item.place).collect();
    assert_eq!(lines, [Place::Line(1), Place::Line(2), Place::Line(4), Place::Line(6)]);
}

#[test]
fn what_others_read_differently_is_told() {
    assert!(notices("A=$HOME")[0].contains("'$' in A stays"));
    assert!(notices("A='${HOME}'")[0].contains("'$' in A stays"));
    assert!(notices("A=a#b")[0].contains("'#' is part of A"));
    assert!(notices("A=`a`")[0].contains("backticks"));
    assert!(notices("A=\"a\\tb\"")[0].contains("escapes in A"));
    assert!(notices("A='it\\'s'")[0].contains("escapes in A"));
    for plain in ["A=5$", "A=\"a\\nb\"", "A='a\\nb'", "A=a\\tb", "A='a#b'", "A=\"\\z\"", "A=a #b"] {
        assert!(notices(plain).is_empty(), "{plain}");
    }
}

#[test]
fn references_are_no_secrets() {
    let text = "A=\"<<vault:a>>\"\nB=Bearer {{vault:b}}\nC=<<x>>\n";
    assert_eq!(pairs(text), [("C".into(), Some("<<x>>".into()))]);
    assert_eq!(notices(text).len(), 2);
}

#[test]
fn what_is_no_assignment_is_refused_without_being_quoted() {
    for text in [
        "A",
        "export A",
        "A: b",
        "=b",
        "A b=c",
        "export =b",
        "é=1",
        "'A'=1",
        "A='b",
        "A=\"b\nB=c",
        "A='a'b",
        "A=\"a\"\"b\"",
        "A=`b",
        "A=-----BEGIN KEY-----\nc2VjcmV0\n-----END KEY-----\n",
        "A='b\\'",
        "[a]\nb='c'",
    ] {
        let (kind, message) = refused(text.as_bytes());
        assert_eq!(kind, "malformed", "{text}");
        assert!(message.starts_with("line ") && !message.contains("c2VjcmV0"), "{message}");
    }
    assert_eq!(refused(b"A=1\nB='x'y").1, "line 2: something stands behind the closing quote");
}

#[test]
fn hostile_i88_a_huge_field_is_refused() {
    let mut huge = b"A='".to_vec();
    huge.resize(huge.len() + (8 << 20), b'x');
    assert_eq!(refused(&huge).0, "malformed");
    huge.push(b'\'');
    assert_eq!(refused(&huge).0, "value_too_large");
    // quotes and backslashes without end: one pass
    for open in ["'", "\"", "`", "'\\", "# "] {
        let many = "A='x'\n".repeat(100) + &open.repeat(1 << 20);
        assert_eq!(read(many.as_bytes()).is_ok(), open == "# ");
    }
}

#[test]
fn hostile_i89_names_and_encodings() {
    for name in ["../x", "a\u{1b}b", "a\u{202e}b", "a\u{200b}b", "a\0b", "\u{7f}a"] {
        let kind = refused(format!("{name}=1").as_bytes()).0;
        assert!(["malformed", "not_text"].contains(&kind), "{name:?}: {kind}");
    }
    assert_eq!(refused(&[&b"A".repeat(257), b"=1".as_slice()].concat()).0, "name");
    assert_eq!(pairs("\u{feff}A=1"), [("A".into(), Some("1".into()))]);
    assert_eq!(refused(b"\xff\xfeA\0=\x001\0").0, "encoding");
    assert_eq!(refused(b"A=\xff").0, "not_text");
    // a line separator of Unicode ends no line: nothing hides behind it
    assert_eq!(pairs("# x\u{2028}B=c\nA=b\u{2028}B=c"), [("A".into(), Some("b\u{2028}B=c".into()))]);
}

#[test]
fn values_are_written_as_plainly_as_they_can_be() {
    let cases = [
        ("plain_1.2/3", "A=plain_1.2/3\n"),
        ("", "A=''\n"),
        ("two words", "A='two words'\n"),
        ("a#b $c \"d\"", "A='a#b $c \"d\"'\n"),
        ("it's", "A=\"it's\"\n"),
        ("l1\nl2\n", "A='l1\nl2\n'\n"),
        ("l1\r\nl2", "A=\"l1\\r\nl2\"\n"),
        ("{\"key\": \"a\\nb\"}", "A='{\"key\": \"a\\nb\"}'\n"),
        ("'\"", "refused"),
        ("both ' and \" \\n", "A=both ' and \" \\n\n"),
        ("ends\\", "A=ends\\\n"),
        (" '\" ", "refused"),
        ("'\"#", "refused"),
        ("\\'\"\n", "refused"),
    ];
    for (value, text) in cases {
        let got = written(&[item("A", value.as_bytes())]);
        match text {
            "refused" => assert!(got.unwrap_err().contains("the value of A: no way of quoting"), "{value:?}"),
            text => assert_eq!(got.as_deref(), Ok(text)),
        }
    }
}

#[test]
fn what_dotenv_cannot_say_is_told_or_refused() {
    assert!(written(&[item("A", b"\xff")]).unwrap_err().contains("it is no text"));
    assert!(written(&[item("A", b"a\0")]).unwrap_err().contains("it is no text"));
    let twins = written(&[item("a-b", b"1"), item("A_B", b"2")]).unwrap_err();
    assert_eq!(twins, "a-b and A_B would both be written as A_B");
    let mut off = item("off", b"${x}");
    off.policy.enabled = false;
    let empty = Item::new(Name::parse("none").unwrap(), None, Place::File);
    let items = Items::of(&[off, empty]).unwrap();
    let written = write(&items).unwrap();
    let told: Vec<String> = written.notices.iter().map(|notice| notice.text.clone()).collect();
    assert_eq!(written.to_bytes().unwrap().as_slice(), b"off='${x}'\n");
    assert_eq!(told.len(), 3);
    assert!(told[2].contains("none has no value"));
}

#[test]
fn a_file_is_rewritten_and_keeps_every_other_byte() {
    let text = "\u{feff}# head\r\nexport A = 'x' # why\r\nB=\"l1\nl2\"\nA=again\n#C=old\nE=\n\tD=d # d\nF=<<vault:f>>\nG=g";
    let written =
        rewrite(text.as_bytes(), |name| (name.as_str() != "D").then(|| format!("<<vault:{name}>>")));
    let written = written.unwrap();
    let wanted = "\u{feff}# head\r\nexport A = \"<<vault:A>>\" # why\r\nB=\"<<vault:B>>\"\nA=\"<<vault:A>>\"\n#C=old\nE=\n\tD=d # d\nF=<<vault:f>>\nG=\"<<vault:G>>\"";
    assert_eq!(str::from_utf8(&written.bytes).unwrap(), wanted);
    assert_eq!(written.notices.len(), 1);
    assert_eq!(written.notices[0].place, Place::Line(6));
    let again = rewrite(&written.bytes, |name| Some(format!("<<vault:{name}>>"))).unwrap();
    assert_eq!(str::from_utf8(&again.bytes).unwrap(), wanted.replace("D=d", "D=\"<<vault:D>>\""));
}

#[test]
fn values_that_no_longer_count_are_told() {
    let text =
        "A=1\nB='same'\nC=\nA=2\nB=\"same\"\nC=c\nD=<<vault:d>>\nD=d\nA=3\nE=e\nE=\nF=f\nF=<<vault:f>>\n";
    let found: Vec<_> = superseded(text.as_bytes()).unwrap();
    let found: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.line, one.by)).collect();
    assert_eq!(found, [("A", 1, 4), ("A", 4, 9), ("E", 10, 11)]);
}

#[test]
fn hostile_i88_a_name_that_is_set_a_million_times_is_refused() {
    let file = "A=b\n".repeat(MAX_ITEMS + 1);
    let error = read(file.as_bytes()).err().expect("refused");
    assert_eq!(error.kind(), "too_many");
    let error = rewrite(file.as_bytes(), |_| None).err().expect("refused");
    assert_eq!(error.kind(), "too_many");
}

#[test]
fn hostile_i88_remarks_without_end_are_counted_and_not_kept() {
    let written = rewrite("#A=b\n".repeat(100_000).as_bytes(), |_| None).expect("nothing is wrong with it");
    assert_eq!((written.notices.total(), written.notices.len()), (100_000, 100));
}
