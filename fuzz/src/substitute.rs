//! A request with a hostile value in it, compared with the same request and a harmless one.

use std::sync::{Arc, OnceLock};

use data_encoding::BASE64;
use serde::de::IgnoredAny;
use subrosa_http::{Body, BodyKind, Connection, HeaderField, Plan, RequestDraft, Text, Values, fuzzing};
use subrosa_secret::{Name, SecretValue};

use crate::input::parts;

/// What every reference becomes in the request that the hostile one is held to: valid wherever a value can stand.
const HARMLESS: &[u8] = b"1";

/// Kind of the body, URL, headers by lines, `-u`, body, and the value, which is all the rest.
pub fn substitute(data: &[u8]) {
    let [kind, url, headers, user, body, value] = parts::<6>(data);
    let mut draft = RequestDraft::new(Text::new(url));
    for line in headers.split(|byte| *byte == b'\n') {
        if let Ok(Some(field)) = HeaderField::parse(&Text::new(line)) {
            draft.headers.push(field);
        }
    }
    draft.basic_auth = (!user.is_empty()).then(|| Text::new(user));
    draft.data_in_query = kind.contains(&b'G');
    draft.body = body_of(kind, body);
    let Ok(plan) = draft.plan(connection()) else { return };
    let Ok(harmless) = plan.fill(&Everywhere::new(HARMLESS)) else { return };
    match plan.fill(&Everywhere::new(value)) {
        Ok(hostile) => same_structure(&plan, &harmless, &hostile, value),
        Err(error) => names_no_value(&error.to_string(), data, value),
    }
}

fn connection() -> &'static Arc<Connection> {
    static CONNECTION: OnceLock<Arc<Connection>> = OnceLock::new();
    CONNECTION.get_or_init(Connection::plain)
}

fn body_of(kind: &[u8], text: &[u8]) -> Option<Body> {
    let kind_of_body = match kind.first()? {
        b'f' | b'e' => BodyKind::Form,
        b'j' => BodyKind::Json,
        b'u' => BodyKind::Upload,
        _ => return None,
    };
    let mut body = Body::new(kind_of_body);
    for piece in text.split(|byte| *byte == 0x1e) {
        if kind.starts_with(b"e") {
            body.append_urlencoded(Some(Text::new("name")), Text::new(piece));
        } else {
            body.append(Text::new(piece));
        }
    }
    Some(body)
}

/// One value for every name.
struct Everywhere(SecretValue);

impl Everywhere {
    fn new(value: &[u8]) -> Self {
        Self(SecretValue::new(value.to_vec()).expect("a short value"))
    }
}

impl Values for Everywhere {
    fn value(&self, _: &Name) -> Option<&SecretValue> {
        Some(&self.0)
    }
}

fn same_structure(plan: &Plan, harmless: &fuzzing::Request, hostile: &fuzzing::Request, value: &[u8]) {
    let (calm, wild) = (fuzzing::head(harmless), fuzzing::head(hostile));
    let (calm, wild) = (lines(&calm), lines(&wild));
    assert_eq!(calm.len(), wild.len(), "another number of header lines");
    same_target(calm[0], wild[0]);
    for (calm, wild) in calm.iter().zip(&wild).skip(1) {
        let name = |line: &[u8]| line.iter().position(|byte| *byte == b':').map(|end| line[..end].to_vec());
        assert_eq!(name(calm), name(wild), "another header");
        same_credentials(calm, wild);
    }
    let (Some(calm), Some(wild)) = (fuzzing::body(harmless), fuzzing::body(hostile)) else { return };
    if plan.uses().iter().all(|used| used.place != "body") {
        assert_eq!(calm, wild, "a body without references");
        return;
    }
    let content_type = lines(&fuzzing::head(hostile)).iter().find_map(|line| {
        let text = String::from_utf8_lossy(line).to_ascii_lowercase();
        text.strip_prefix("content-type:").map(|value| value.trim().to_owned())
    });
    if is_json(&calm)
        && (calm.trim_ascii_start().starts_with(b"{") || calm.trim_ascii_start().starts_with(b"["))
    {
        assert!(is_json(&wild), "JSON is no JSON any more");
        if !is_json(value) {
            assert_eq!(skeleton(&calm), skeleton(&wild), "another shape of JSON");
        }
    } else if content_type.as_deref() == Some("application/x-www-form-urlencoded") {
        let count = |body: &[u8]| {
            [b'&', b'=', b';', b'\r', b'\n', 0].map(|byte| body.iter().filter(|b| **b == byte).count())
        };
        assert_eq!(count(&calm), count(&wild), "other fields of a form");
    }
}

/// The lines of a head, none of which has a control character in it that ends a line or a text elsewhere.
fn lines(head: &[u8]) -> Vec<&[u8]> {
    let head = head.strip_suffix(b"\r\n\r\n").expect("a head ends with an empty line");
    let mut lines: Vec<&[u8]> = head.split(|byte| *byte == b'\n').collect();
    let last = lines.len() - 1;
    for line in &mut lines[..last] {
        *line = line.strip_suffix(b"\r").expect("a line ends with CR and LF");
    }
    assert!(!lines.iter().any(|line| line.contains(&b'\r') || line.contains(&0)));
    lines
}

/// The request line: as many segments, fields and words.
fn same_target(calm: &[u8], wild: &[u8]) {
    let count = |line: &[u8]| {
        [b' ', b'/', b'?', b'#', b'&', b'=', b';', b'+']
            .map(|byte| line.iter().filter(|b| **b == byte).count())
    };
    assert_eq!(count(calm), count(wild), "another structure of the target");
    assert_eq!(wild.iter().filter(|byte| **byte == b' ').count(), 2, "{}", String::from_utf8_lossy(wild));
}

/// Basic authentication: the user ends where it ended.
fn same_credentials(calm: &[u8], wild: &[u8]) {
    let decoded = |line: &[u8]| BASE64.decode(line.strip_prefix(b"Authorization: Basic ")?).ok();
    let (Some(calm), Some(wild)) = (decoded(calm), decoded(wild)) else { return };
    let control = |text: &[u8]| text.iter().filter(|byte| byte.is_ascii_control()).count();
    assert_eq!(control(&calm), control(&wild), "control characters in credentials");
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

/// Valid JSON without what its strings, numbers and words are.
fn skeleton(text: &[u8]) -> Vec<u8> {
    let (mut shape, mut inside, mut escaped) = (Vec::new(), false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => {
                inside = !inside;
                shape.push(b'"');
            }
            b'{' | b'}' | b'[' | b']' | b',' | b':' if !inside => shape.push(*byte),
            _ => {}
        }
    }
    shape
}

/// An error says nothing of the value that was refused.
fn names_no_value(error: &str, data: &[u8], value: &[u8]) {
    let written = &data[..data.len() - value.len()];
    let elsewhere = written.windows(value.len().max(1)).any(|window| window == value);
    // digits, because a message may well hold some words
    if value.len() >= 8 && value.iter().any(u8::is_ascii_digit) && !elsewhere {
        assert!(!error.contains(&*String::from_utf8_lossy(value)), "{error}");
    }
}
