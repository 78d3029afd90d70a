//! Where a redirect leads, compared with what a browser would make of it.

use std::sync::OnceLock;

use subrosa_http::{Connection, RequestDraft, fuzzing};
use subrosa_secret::{Scheme, UrlParts};

use crate::input::parts;

/// A URL and, after a NUL, a Location header: whoever resolves it goes to the same host, or it is refused.
pub fn redirect(data: &[u8]) {
    static CONNECTION: OnceLock<std::sync::Arc<Connection>> = OnceLock::new();
    let [url, location] = parts::<2>(data);
    let url = String::from_utf8_lossy(url);
    let plan = RequestDraft::new(&*url).plan(CONNECTION.get_or_init(Connection::plain));
    let Some(request) = plan.ok().and_then(|plan| plan.fill(&()).ok()) else { return };
    // as the head's parser hands it over
    let location = location.trim_ascii();
    let Some(next) = fuzzing::resolve_location(&request, location) else { return };
    let Ok(next) = String::from_utf8(next) else { panic!("a URL is text") };
    assert!(!next.contains(|c: char| c.is_control() || c == ' '), "{next:?}");
    let Ok(parts) = UrlParts::split(&next, &[]) else { return };
    let base = url::Url::parse(&format!("{}", request.origin())).expect("an origin is a URL");
    let Ok(theirs) = base.join(&String::from_utf8_lossy(location)) else { return };
    if theirs.scheme().parse::<Scheme>().is_err() {
        return;
    }
    let host = theirs.host_str().unwrap_or_default();
    let host = host.strip_suffix('.').unwrap_or(host);
    assert_eq!(parts.host.to_string(), host, "{next:?}");
    assert_eq!(Some(parts.port), theirs.port_or_known_default(), "{next:?}");
    assert_eq!(parts.scheme.as_str(), theirs.scheme(), "{next:?}");
}
