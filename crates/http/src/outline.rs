//! What a plan would send, for people who ask before it is sent.

use subrosa_secret::{Destination, Host, Name, Origin};

use crate::assemble::{PlannedHeader, PlannedValue};
use crate::body::PlannedPiece;
use crate::connection::{Connection, Kept, Trust};
use crate::plan::Plan;

/// A piece of a header as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written<'a> {
    /// Text of the request's author, or of subrosa itself.
    Text(&'a [u8]),
    /// A reference.
    Reference(&'a Name),
}

/// A header that would be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderOutline<'a> {
    /// Its name.
    pub name: &'a str,
    /// How user and password are told, if that is what the pieces are: `Basic`, `Digest` ...
    pub scheme: Option<&'static str>,
    /// The value. That of a Content-Length is left out: it depends on the values of references.
    pub pieces: Vec<Written<'a>>,
}

/// The body that would be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyOutline<'a> {
    /// How many bytes it has with its references as they are written; `None` where what is read tells no length.
    pub length: Option<u64>,
    /// The references in it.
    pub references: Vec<&'a Name>,
}

/// By what way a request would go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteOutline {
    /// Who may vouch for the host: `system`, `kept`, `--cacert` or `anybody`; `None` without TLS.
    pub trusts: Option<&'static str>,
    /// Whether a client certificate is there to be shown.
    pub has_identity: bool,
    /// The proxy on the way, if there is one: the connection is opened to it.
    pub proxy: Option<Origin>,
    /// The host that the connection is opened to.
    pub host: Host,
    /// Its port.
    pub port: u16,
    /// Whether its address was given, so that no name is looked up.
    pub is_resolved: bool,
}

impl Plan {
    /// The headers in the order in which they would be sent.
    pub fn headers(&self) -> impl Iterator<Item = HeaderOutline<'_>> {
        // what a jar will have is not known before the requests in front are answered
        let known = |header: &&PlannedHeader| !matches!(header.value, PlannedValue::Cookies(_, None));
        self.planned_headers().iter().filter(known).map(|header| {
            let (scheme, pieces) = match &header.value {
                PlannedValue::Text(template) => (None, template.pieces().collect()),
                PlannedValue::Basic(parts) => {
                    (Some("Basic"), parts.iter().flat_map(|part| part.pieces()).collect())
                }
                PlannedValue::Answer(methods, parts) => {
                    (Some(methods.names()), parts.iter().flat_map(|part| part.pieces()).collect())
                }
                PlannedValue::SentRange(template, _) | PlannedValue::Cookies(_, Some(template)) => {
                    (None, template.pieces().collect())
                }
                PlannedValue::Length | PlannedValue::Cookies(_, None) => (None, Vec::new()),
            };
            HeaderOutline { name: &header.name, scheme, pieces }
        })
    }

    /// The body, if there is one.
    #[must_use]
    pub fn body(&self) -> Option<BodyOutline<'_>> {
        let pieces = self.planned_body()?;
        let length = pieces.iter().map(|piece| match piece {
            PlannedPiece::Text(template) | PlannedPiece::Encoded(template, _) => {
                u64::try_from(template.written().len()).ok()
            }
            PlannedPiece::Source(source) => source.length(),
        });
        let slots = pieces.iter().filter_map(PlannedPiece::template).flat_map(|template| template.slots());
        Some(BodyOutline { length: length.sum(), references: slots.map(|slot| &slot.name).collect() })
    }

    /// What is kept for the host and whose identity is shown to it, if it asks for one.
    #[must_use]
    pub fn kept_identity(&self) -> Option<&Kept> {
        self.connection().kept_for(&self.destination().origin).0
    }

    /// What is kept for the host and whose authorities may vouch for it.
    #[must_use]
    pub fn kept_authorities(&self) -> Option<&Kept> {
        self.connection().kept_for(&self.destination().origin).1
    }

    /// What is kept for the proxy on the way and whose identity is shown to it, with the proxy as a destination.
    #[must_use]
    pub fn kept_proxy_identity(&self) -> Option<(&Kept, &Destination)> {
        let proxy = self.connection().proxy_for(&self.destination().origin)?;
        Some((self.connection().kept_for_proxy(proxy).0?, self.proxy()?))
    }

    /// Trust and route.
    #[must_use]
    pub fn route(&self) -> RouteOutline {
        let origin = &self.destination().origin;
        let connection: &Connection = self.connection();
        let endpoint = connection.endpoint(origin);
        let (kept_identity, kept_authorities) = (self.kept_identity(), self.kept_authorities());
        let options = connection.options();
        let trusts = origin.scheme.is_encrypted().then_some(match options.trust {
            Trust::InsecureAnybody => "anybody",
            Trust::Ca(_) => "--cacert",
            Trust::System if kept_authorities.is_some() => "kept",
            Trust::System => "system",
        });
        let has_identity =
            origin.scheme.is_encrypted() && (options.identity.is_some() || kept_identity.is_some());
        let is_resolved = endpoint.addresses.is_some() && matches!(endpoint.host, Host::Domain(_));
        let proxy = connection.proxy_for(origin).map(|proxy| proxy.origin().clone());
        RouteOutline { trusts, has_identity, proxy, host: endpoint.host, port: endpoint.port, is_resolved }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Body, BodyKind, HeaderField, RequestDraft};

    #[test]
    fn an_outline_shows_references_and_no_values() {
        let mut draft = RequestDraft::new("https://api.example.com/a?b=<<vault:b>>");
        draft.basic_auth = Some("me:<<vault:password>>".into());
        draft.headers.push(HeaderField::new("X-Key", "k <<vault:key>>"));
        draft.body = Some(Body::of(BodyKind::Json, "{\"a\":\"<<vault:body>>\"}"));
        let plan = draft.plan(&Connection::plain()).unwrap();
        let headers: Vec<HeaderOutline<'_>> = plan.headers().collect();
        let named = |name: &str| headers.iter().find(|header| header.name == name).unwrap();
        let password = Name::parse("password").unwrap();
        let basic = named("Authorization");
        assert_eq!(basic.scheme, Some("Basic"));
        assert!(basic.pieces.contains(&Written::Reference(&password)));
        let key = Name::parse("key").unwrap();
        assert_eq!(named("X-Key").pieces, [Written::Text(b" k "), Written::Reference(&key)]);
        let body = plan.body().unwrap();
        assert_eq!(body.length, Some(22));
        assert_eq!(body.references, [&Name::parse("body").unwrap()]);
        assert_eq!(plan.route().trusts, Some("system"));
        assert!(!plan.route().has_identity);
    }
}
