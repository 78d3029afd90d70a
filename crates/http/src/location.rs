//! Resolving a Location header (RFC 9110, 10.2.2) against the URL of the request that it answers.

use zeroize::Zeroizing;

use crate::percent;
use crate::request::Request;
use crate::text::Sink;

/// The URL that `location` names, or nothing if it holds what no URL can hold.
///
/// What it looks like is never a reference: the result is literal text. Spaces and non-ASCII bytes are encoded,
/// as curl does; in a host that makes the URL unusable, which is wanted.
pub(crate) fn resolve(request: &Request, location: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let origin = &request.origin;
    let authority = crate::assemble::authority(origin);
    join(origin.scheme.as_str(), &authority, &request.target, location)
}

/// The same for a URL as it is shown, of which `target` is all that follows the authority.
pub(crate) fn join(
    scheme: &str,
    authority: &str,
    target: &[u8],
    location: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    if location.iter().any(u8::is_ascii_control) {
        return None;
    }
    let mut url = Sink::default();
    let (path, query) = split_target(target);
    if has_scheme(location) {
        return Some(written(location, url));
    }
    url.extend(scheme.as_bytes());
    url.push(b':');
    if location.starts_with(b"//") {
        return Some(written(location, url));
    }
    url.extend(b"//");
    url.extend(authority.as_bytes());
    match location.first() {
        Some(b'/') => {}
        Some(b'?') => url.extend(path),
        Some(b'#') | None => {
            url.extend(path);
            if let Some(query) = query {
                url.push(b'?');
                url.extend(query);
            }
        }
        Some(_) => {
            let folder = path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
            url.extend(&path[..folder]);
        }
    }
    Some(written(location, url))
}

fn written(location: &[u8], mut url: Sink) -> Zeroizing<Vec<u8>> {
    for byte in location {
        match byte {
            b' ' | 0x80.. => percent::encode(&[*byte], &mut url),
            _ => url.push(*byte),
        }
    }
    url.into_bytes()
}

fn split_target(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    match target.iter().position(|byte| *byte == b'?') {
        Some(at) => (&target[..at], Some(&target[at + 1..])),
        None => (target, None),
    }
}

/// RFC 3986, 3.1.
fn has_scheme(location: &[u8]) -> bool {
    let Some(colon) = location.iter().position(|byte| *byte == b':') else { return false };
    let scheme = &location[..colon];
    scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}
