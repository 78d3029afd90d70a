//! The messages as bytes (MS-NLMP, 2.2.1). Numbers are little-endian; texts and blobs stand behind the fixed part, which
//! names their length, twice, and their offset.

use zeroize::Zeroizing;

use super::response::Response;
use crate::error::HttpError;
use crate::header::refused;

const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";
/// What curl calls the machine as well: its real name is nobody's business.
const WORKSTATION: &str = "WORKSTATION";
/// MS-NLMP, 2.2.2.5: UNICODE, OEM, REQUEST_TARGET, NTLM, ALWAYS_SIGN and EXTENDED_SESSIONSECURITY.
const OFFERED: u32 = 0x0008_8207;
const UNICODE: u32 = 0x0000_0001;
const TARGET_INFO: u32 = 0x0080_0000;
/// A target info that is longer is nobody's.
const MAX_TARGET_INFO: usize = 16 * 1024;

/// What a server wants to be answered.
pub(crate) struct Challenge {
    flags: u32,
    pub(super) nonce: [u8; 8],
    /// Pairs that tell of the server, which go back to it (2.2.2.1).
    pub(super) target_info: Vec<u8>,
}

pub(super) fn negotiate() -> Vec<u8> {
    let mut message = start(1);
    message.extend_from_slice(&OFFERED.to_le_bytes());
    // neither domain nor workstation
    message.extend_from_slice(&[0; 16]);
    message
}

fn start(kind: u32) -> Vec<u8> {
    let mut message = SIGNATURE.to_vec();
    message.extend_from_slice(&kind.to_le_bytes());
    message
}

impl Challenge {
    /// Reads a challenge (2.2.1.2). `None`: it is none.
    pub(crate) fn parse(message: &[u8]) -> Option<Self> {
        if !message.starts_with(SIGNATURE) || number(message, 8)? != 2 {
            return None;
        }
        let flags = number(message, 20)?;
        let nonce = message.get(24..32)?.try_into().ok()?;
        let target_info = match flags & TARGET_INFO {
            0 => Vec::new(),
            _ => field(message, 40)?.to_vec(),
        };
        (target_info.len() <= MAX_TARGET_INFO).then_some(Self { flags, nonce, target_info })
    }

    fn is_unicode(&self) -> bool {
        self.flags & UNICODE != 0
    }

    /// The value of the pair with this number, if there is one.
    pub(super) fn pair(&self, wanted: u16) -> Option<&[u8]> {
        let mut rest = &self.target_info[..];
        loop {
            let (id, length) = (short(rest, 0)?, usize::from(short(rest, 2)?));
            let value = rest.get(4..4 + length)?;
            match id {
                0 => return None,
                id if id == wanted => return Some(value),
                _ => rest = &rest[4 + length..],
            }
        }
    }
}

fn number(message: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(message.get(at..at + 4)?.try_into().ok()?))
}

fn short(message: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(message.get(at..at + 2)?.try_into().ok()?))
}

/// What the length and the offset at this place lead to.
fn field(message: &[u8], at: usize) -> Option<&[u8]> {
    let length = usize::from(short(message, at)?);
    let offset = usize::try_from(number(message, at + 4)?).ok()?;
    message.get(offset..offset.checked_add(length)?)
}

/// The last message (2.2.1.3), without a session key and without a MIC: nothing is signed with them over HTTP.
pub(super) fn authenticate(
    challenge: &Challenge,
    domain: &str,
    user: &str,
    response: &Response,
) -> Result<Zeroizing<Vec<u8>>, HttpError> {
    const FIXED: usize = 64;
    let text = |text: &str| encoded(text, challenge.is_unicode());
    let fields: [&[u8]; 6] =
        [&response.lm, &response.nt, &text(domain)?, &text(user)?, &text(WORKSTATION)?, &[]];
    let mut message = Zeroizing::new(start(3));
    message.reserve(FIXED + fields.iter().map(|field| field.len()).sum::<usize>());
    let mut offset = FIXED;
    for field in fields {
        let length = u16::try_from(field.len())
            .map_err(|_| refused("Authorization", "the user is too long for NTLM"))?;
        message.extend_from_slice(&length.to_le_bytes());
        message.extend_from_slice(&length.to_le_bytes());
        message.extend_from_slice(&u32::try_from(offset).unwrap_or(u32::MAX).to_le_bytes());
        offset += field.len();
    }
    message.extend_from_slice(&challenge.flags.to_le_bytes());
    fields.iter().for_each(|field| message.extend_from_slice(field));
    Ok(message)
}

/// UTF-16, or ASCII for a server that wants an encoding of its own which nobody here knows.
fn encoded(text: &str, unicode: bool) -> Result<Vec<u8>, HttpError> {
    if unicode {
        return Ok(utf16(text));
    }
    match text.is_ascii() {
        true => Ok(text.as_bytes().to_vec()),
        false => Err(refused("Authorization", "the server takes a user of ASCII letters only")),
    }
}

pub(super) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_message_offers_what_it_has() {
        let message = negotiate();
        assert_eq!(message.len(), 32);
        assert_eq!(&message[..12], b"NTLMSSP\0\x01\0\0\0");
        assert_eq!(message[12..16], [0x07, 0x82, 0x08, 0]);
    }

    #[test]
    fn hostile_e_no_damage_to_a_challenge_makes_it_panic() {
        let whole = super::super::response::tests::challenge();
        assert!(Challenge::parse(&whole).is_some());
        for cut in 0..whole.len() {
            let _ = Challenge::parse(&whole[..cut]).map(|challenge| challenge.pair(7).map(<[u8]>::len));
        }
        for at in 0..whole.len() {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                if let Some(challenge) = Challenge::parse(&damaged) {
                    assert!(challenge.pair(0xffff).is_none_or(|value| value.len() < damaged.len()));
                }
            }
        }
    }

    #[test]
    fn what_is_no_challenge_is_not_read() {
        for text in [&b""[..], b"NTLMSSP\0", b"NTLMSSP\0\x01\0\0\0", &negotiate(), &[0; 64]] {
            assert!(Challenge::parse(text).is_none());
        }
    }
}
