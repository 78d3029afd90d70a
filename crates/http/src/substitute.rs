//! How a value is written in each kind of place. Values enter a request here and nowhere else.

use subrosa_secret::Placement;

use crate::json;
use crate::percent;
use crate::text::Sink;

/// The rules of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A header's value: no control characters (RFC 9110, 5.5).
    Header,
    /// The user of Basic authentication: no control characters, no colon (RFC 7617, 2).
    BasicUser,
    /// The password of Basic authentication, or user and password in one.
    BasicPassword,
    /// A URL's query: percent-encoded.
    Query,
    /// A URL's path: percent-encoded, so that no slash comes from a value.
    Path,
    /// Inside a string of a JSON body: escaped.
    JsonString,
    /// Elsewhere in a JSON body: the value must be a whole JSON value.
    JsonValue,
    /// A form's body as curl's `-d` sends it: what would change the form is refused.
    Form,
    /// Text that is encoded for a form (`--data-urlencode`): percent-encoded.
    Urlencoded,
    /// Any other body: as it is.
    Raw,
    /// A header within a body, of a part of a form: no control characters, no quote that would end a name.
    PartHeader,
}

/// Why a value cannot stand where its reference stands. Says nothing of the value but that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A line break, NUL or another control character where there can be none.
    #[error("it holds a line break or another control character")]
    ControlCharacter,
    /// A quote would end the quoted name that it stands in.
    #[error("it holds a quote or a backslash, or a line break or another control character")]
    Quote,
    /// A colon in a user's name would move the border between user and password.
    #[error("it holds a colon, which separates user and password")]
    Colon,
    /// A character that has a meaning in a form.
    #[error("it holds a character that has a meaning in a form (& = + % ; or a control character)")]
    FormCharacter,
    /// JSON is UTF-8.
    #[error("it is not UTF-8 text")]
    NotText,
    /// Outside of quotes only a whole JSON value keeps the document what it is.
    #[error("it is not a JSON value, and the reference stands outside of quotes")]
    NotJson,
    /// `.` and `..` would be taken as steps in the path.
    #[error("it would make a . or .. segment of the path")]
    DotSegment,
}

impl Refusal {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::FormCharacter => Some("--data-urlencode 'name=<<vault:...>>' encodes it"),
            Self::NotJson => Some("write the reference inside the quotes of a JSON string"),
            Self::ControlCharacter => Some("store the value without a line break at its end"),
            _ => None,
        }
    }
}

impl Rule {
    pub(crate) fn placement(self) -> Placement {
        match self {
            Self::Header | Self::BasicUser | Self::BasicPassword => Placement::Header,
            Self::Query => Placement::Query,
            Self::Path => Placement::Path,
            Self::JsonString
            | Self::JsonValue
            | Self::Form
            | Self::Urlencoded
            | Self::Raw
            | Self::PartHeader => Placement::Body,
        }
    }

    /// Writes `value` by this rule. What is written is never looked at for references again.
    pub(crate) fn write(self, value: &[u8], out: &mut Sink) -> Result<(), Refusal> {
        match self {
            Self::Header | Self::BasicPassword | Self::BasicUser => {
                refuse_if(value.iter().any(u8::is_ascii_control), Refusal::ControlCharacter)?;
                refuse_if(self == Self::BasicUser && value.contains(&b':'), Refusal::Colon)?;
                out.extend(value);
            }
            Self::Query | Self::Path | Self::Urlencoded => percent::encode(value, out),
            Self::JsonString => {
                refuse_if(std::str::from_utf8(value).is_err(), Refusal::NotText)?;
                json::escape(value, out);
            }
            Self::JsonValue => {
                refuse_if(!json::is_value(value), Refusal::NotJson)?;
                out.extend(value);
            }
            Self::Form => {
                refuse_if(value.iter().any(|byte| changes_a_form(*byte)), Refusal::FormCharacter)?;
                out.extend(value);
            }
            Self::PartHeader => {
                let unfit = |byte: &u8| byte.is_ascii_control() || matches!(byte, b'"' | b'\\');
                refuse_if(value.iter().any(unfit), Refusal::Quote)?;
                out.extend(value);
            }
            Self::Raw => out.extend(value),
        }
        Ok(())
    }
}

/// `;` because some servers separate fields at it.
fn changes_a_form(byte: u8) -> bool {
    byte.is_ascii_control() || matches!(byte, b'&' | b'=' | b'+' | b'%' | b';')
}

fn refuse_if(condition: bool, refusal: Refusal) -> Result<(), Refusal> {
    if condition { Err(refusal) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(rule: Rule, value: &str) -> Result<String, Refusal> {
        let mut out = Sink::default();
        rule.write(value.as_bytes(), &mut out)?;
        Ok(String::from_utf8(out.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn hostile_e59_control_characters_never_reach_a_header() {
        for value in ["a\rb", "a\nb", "a\0b", "a\tb", "a\x7f", "\x1b[0m"] {
            for rule in [Rule::Header, Rule::BasicUser, Rule::BasicPassword] {
                assert_eq!(write(rule, value), Err(Refusal::ControlCharacter), "{value:?}");
            }
        }
        assert_eq!(write(Rule::Query, "a\r\n\0b").unwrap(), "a%0D%0A%00b");
        assert_eq!(write(Rule::Path, "../a?b#c").unwrap(), "..%2Fa%3Fb%23c");
    }

    #[test]
    fn every_place_has_its_own_spelling() {
        let value = "p&ss \"w\\rd\"";
        assert_eq!(write(Rule::Header, value).unwrap(), value);
        assert_eq!(write(Rule::Query, value).unwrap(), "p%26ss%20%22w%5Crd%22");
        assert_eq!(write(Rule::JsonString, value).unwrap(), r#"p&ss \"w\\rd\""#);
        assert_eq!(write(Rule::JsonValue, value), Err(Refusal::NotJson));
        assert_eq!(write(Rule::Form, value), Err(Refusal::FormCharacter));
        assert_eq!(write(Rule::Raw, value).unwrap(), value);
    }

    #[test]
    fn whole_json_values_stand_outside_of_quotes() {
        for value in ["1.5e3", "true", "null", "\"x\"", "{\"a\":[1]}"] {
            assert_eq!(write(Rule::JsonValue, value).unwrap(), value);
        }
        for value in ["", "1,\"b\":2", "true}", "x", "01", "NaN"] {
            assert_eq!(write(Rule::JsonValue, value), Err(Refusal::NotJson), "{value}");
        }
    }

    #[test]
    fn forms_take_only_what_leaves_them_alone() {
        for value in ["a&b", "a=b", "a+b", "a%b", "a;b", "a\nb"] {
            assert_eq!(write(Rule::Form, value), Err(Refusal::FormCharacter), "{value:?}");
        }
        assert_eq!(write(Rule::Form, "sk_live-a.b~c/d é").unwrap(), "sk_live-a.b~c/d é");
    }

    #[test]
    fn binary_values_are_no_json() {
        let mut out = Sink::default();
        assert_eq!(Rule::JsonString.write(b"\xff", &mut out), Err(Refusal::NotText));
        assert_eq!(Rule::BasicUser.write(b"a:b", &mut out), Err(Refusal::Colon));
    }
}
