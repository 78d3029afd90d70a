//! How bytes can be spelled.

use std::fmt;

use data_encoding::{BASE32_NOPAD, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER};

/// A spelling. Letters are compared without case, so that both cases of hexadecimal digits are one form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// As it is.
    Raw,
    /// Last byte first.
    Reversed,
    /// RFC 4648, section 4, wherever in the encoded text it begins.
    Base64,
    /// RFC 4648, section 5.
    Base64Url,
    /// RFC 4648, section 6.
    Base32,
    /// Two digits a byte.
    Hex,
    /// Two digits a byte, with something between them: `68:65` or `68 65`.
    SpacedHex,
    /// `%68%65`.
    Percent,
    /// `\u0068\u0065`.
    JsonEscape,
    /// `\x68\x65`.
    CEscape,
    /// `&#104;` or `&#x68;`.
    HtmlEntity,
    /// `104, 101` or `104,101`: bytes as a list of numbers.
    Numbers,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raw => "as it is",
            Self::Reversed => "reversed",
            Self::Base64 => "in base64",
            Self::Base64Url => "in URL-safe base64",
            Self::Base32 => "in base32",
            Self::Hex => "in hexadecimal",
            Self::SpacedHex => "in spaced hexadecimal",
            Self::Percent => "percent-encoded",
            Self::JsonEscape => "escaped as JSON",
            Self::CEscape => "escaped as C",
            Self::HtmlEntity => "as HTML entities",
            Self::Numbers => "as a list of numbers",
            Self::Utf16Le => "in UTF-16 LE",
            Self::Utf16Be => "in UTF-16 BE",
        })
    }
}

/// Every spelling of `text`. Of encodings that mix neighbouring bytes only what depends on `text` alone, at each
/// alignment.
pub(super) fn spellings(text: &[u8]) -> Vec<(Form, Vec<u8>)> {
    let each = |write: &dyn Fn(u8) -> String, between: &str| {
        text.iter().map(|byte| write(*byte)).collect::<Vec<_>>().join(between).into_bytes()
    };
    let mut found = vec![
        (Form::Raw, text.to_vec()),
        (Form::Reversed, text.iter().rev().copied().collect()),
        (Form::Hex, HEXLOWER.encode(text).into_bytes()),
        (Form::SpacedHex, each(&|byte| format!("{byte:02x}"), " ")),
        (Form::SpacedHex, each(&|byte| format!("{byte:02x}"), ":")),
        (Form::Percent, each(&|byte| format!("%{byte:02x}"), "")),
        (Form::JsonEscape, each(&|byte| format!("\\u{byte:04x}"), "")),
        (Form::CEscape, each(&|byte| format!("\\x{byte:02x}"), "")),
        (Form::HtmlEntity, each(&|byte| format!("&#{byte};"), "")),
        (Form::HtmlEntity, each(&|byte| format!("&#x{byte:x};"), "")),
        (Form::Numbers, each(&|byte| byte.to_string(), ", ")),
        (Form::Numbers, each(&|byte| byte.to_string(), ",")),
    ];
    let wide = |order: fn(u16) -> [u8; 2]| text.iter().flat_map(|byte| order(u16::from(*byte))).collect();
    found.push((Form::Utf16Le, wide(u16::to_le_bytes)));
    found.push((Form::Utf16Be, wide(u16::to_be_bytes)));
    for before in 0..3 {
        let padded = [&vec![0; before], text].concat();
        for (form, encoded) in
            [(Form::Base64, BASE64_NOPAD.encode(&padded)), (Form::Base64Url, BASE64URL_NOPAD.encode(&padded))]
        {
            found.push((form, own(&encoded, before, text.len(), 6)));
        }
    }
    for before in 0..5 {
        let encoded = BASE32_NOPAD.encode(&[&vec![0; before], text].concat());
        found.push((Form::Base32, own(&encoded, before, text.len(), 5)));
    }
    found
}

/// The symbols, of `bits` bits each, that depend on no byte but the `len` that follow `before`.
fn own(encoded: &str, before: usize, len: usize, bits: usize) -> Vec<u8> {
    let first = (8 * before).div_ceil(bits);
    let end = 8 * (before + len) / bits;
    encoded.as_bytes()[first..end].to_vec()
}
