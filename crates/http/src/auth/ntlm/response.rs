//! NTLMv2's responses (MS-NLMP, 3.3.2).

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use md4::{Digest, Md4};
use md5::Md5;
use zeroize::Zeroizing;

use super::message::{Challenge, utf16};

/// From the beginning of 1601 to that of 1970.
const EPOCH_SECONDS: u64 = 11_644_473_600;
/// MsvAvTimestamp (2.2.2.1).
const TIMESTAMP: u16 = 7;

/// What proves that the password is known.
pub(super) struct Response {
    pub(super) lm: Vec<u8>,
    pub(super) nt: Vec<u8>,
}

/// The time as NTLM counts it, in steps of 100 ns.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (since.as_secs() + EPOCH_SECONDS) * 10_000_000 + u64::from(since.subsec_nanos() / 100)
}

/// The responses to `challenge`; `nonce` is the client's own. The server's time counts where it tells it, and then there
/// is no LM response (3.1.5.1.2).
pub(super) fn respond(
    challenge: &Challenge,
    domain: &str,
    user: &str,
    password: &str,
    nonce: [u8; 8],
    now: u64,
) -> Response {
    let key = response_key(domain, user, password);
    let told = challenge.pair(TIMESTAMP).and_then(|time| <[u8; 8]>::try_from(time).ok());
    let time = told.unwrap_or(now.to_le_bytes());
    let blob =
        [&[1, 1, 0, 0, 0, 0, 0, 0], &time[..], &nonce, &[0; 4], &challenge.target_info, &[0; 4]].concat();
    let nt = [&proof(&key, &[&challenge.nonce, &blob])[..], &blob].concat();
    let lm = match told {
        Some(_) => vec![0; 24],
        None => [&proof(&key, &[&challenge.nonce, &nonce])[..], &nonce].concat(),
    };
    Response { lm, nt }
}

/// NTOWFv2: the key that the password stands behind.
fn response_key(domain: &str, user: &str, password: &str) -> Zeroizing<[u8; 16]> {
    let text = Zeroizing::new(utf16(password));
    let hash = Zeroizing::new(<[u8; 16]>::from(Md4::digest(&*text)));
    proof(&hash, &[&utf16(&upper_case(user)), &utf16(domain)])
}

/// Letter by letter: one that would become two stays as it is.
fn upper_case(user: &str) -> String {
    let upper = |letter: char| match &letter.to_uppercase().collect::<Vec<_>>()[..] {
        [one] => *one,
        _ => letter,
    };
    user.chars().map(upper).collect()
}

/// HMAC-MD5, which takes a key of any length.
fn proof(key: &[u8; 16], parts: &[&[u8]]) -> Zeroizing<[u8; 16]> {
    let mut padded = Zeroizing::new([0; 64]);
    padded[..16].copy_from_slice(key);
    let mut mac = Hmac::<Md5>::new((&*padded).into());
    parts.iter().for_each(|part| mac.update(part));
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
pub(super) mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    /// MS-NLMP, 4.2.4: NTLMv2 authentication, with the values of 4.2.1.
    const CHALLENGE: &str = "4e544c4d53535000020000000c000c003800000033828ae20123456789abcdef\
        00000000000000002400240044000000060070170000000f530065007200760065007200\
        02000c0044006f006d00610069006e0001000c0053006500720076006500720000000000";
    const NONCE: [u8; 8] = [0xaa; 8];

    pub fn challenge() -> Vec<u8> {
        HEXLOWER.decode(CHALLENGE.as_bytes()).unwrap()
    }

    fn hex(bytes: &[u8]) -> String {
        HEXLOWER.encode(bytes)
    }

    /// 4.2.4.1.1
    #[test]
    fn the_key_is_that_of_the_specification() {
        let key = response_key("Domain", "User", "Password");
        assert_eq!(hex(&*key), "0c868a403bfd7a93a3001ef22ef02e3f");
    }

    /// 4.2.4.1.3, 4.2.4.2.1 and 4.2.4.2.2
    #[test]
    fn the_responses_are_those_of_the_specification() {
        let challenge = Challenge::parse(&challenge()).unwrap();
        let response = respond(&challenge, "Domain", "User", "Password", NONCE, 0);
        assert_eq!(hex(&response.lm), "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa");
        assert_eq!(hex(&response.nt[..16]), "68cd0ab851e51c96aabc927bebef6a1c");
        let blob = "01010000000000000000000000000000aaaaaaaaaaaaaaaa0000000002000c0044006f006d0061\
            0069006e0001000c005300650072007600650072000000000000000000";
        assert_eq!(hex(&response.nt[16..]), blob);
    }

    /// 3.1.5.1.2: with a time of the server's there is no LM response.
    #[test]
    fn the_servers_time_counts() {
        let mut bytes = challenge();
        let pair = [&[7, 0, 8, 0][..], &[0x11; 8]].concat();
        let length = u16::try_from(36 + pair.len()).unwrap().to_le_bytes();
        bytes[40..42].copy_from_slice(&length);
        bytes.splice(68..68, pair);
        let challenge = Challenge::parse(&bytes).unwrap();
        let response = respond(&challenge, "", "User", "Password", NONCE, 0);
        assert_eq!((&response.lm[..], &response.nt[24..32]), (&[0; 24][..], &[0x11; 8][..]));
    }

    #[test]
    fn time_begins_in_1601() {
        let years = now() / 10_000_000 / 86_400 / 365;
        assert!((420..1000).contains(&years), "{years}");
    }

    #[test]
    fn letters_become_capitals_one_by_one() {
        assert_eq!(upper_case("jürgen.straße"), "JÜRGEN.STRAßE");
    }
}
