//! What a proxy is told on the way of a request, and what of that it is told in the end.

use subrosa_secret::{Destination, Origin};
use zeroize::Zeroizing;

use crate::assemble::{PlannedHeader, PlannedValue, USER_AGENT, planned_field};
use crate::connection::{Connection, Endpoint};
use crate::error::HttpError;
use crate::header::{HeaderField, refused};
use crate::plan::fill_header;
use crate::proxy::{Proxy, ProxyKind};
use crate::template::{MalformedUse, Scanned, Template};
use crate::text::Sink;
use crate::values::Values;

const AUTHORIZATION: &str = "Proxy-Authorization";
pub(crate) const CONNECTION: &str = "Proxy-Connection";

/// The proxy's part of a plan.
pub(crate) struct PlannedProxy {
    /// The proxy, which is a destination of its own.
    pub(crate) destination: Destination,
    told: Told,
}

enum Told {
    /// The request itself, with the URL's origin in its first line; the proxy's headers stand among its own.
    Request,
    /// CONNECT: the first line, and the headers.
    Connect(String, Vec<PlannedHeader>),
    Socks(Vec<Template>),
}

/// The proxy's part of a filled request.
pub(crate) enum FilledProxy {
    /// The request goes to the proxy as it is, in absolute form.
    Request,
    /// The head of a CONNECT.
    Connect(Zeroizing<Vec<u8>>),
    /// User and password, if it is to be told any.
    Socks(Option<[Zeroizing<Vec<u8>>; 2]>),
}

impl PlannedProxy {
    pub(crate) fn of(
        proxy: &Proxy,
        connection: &Connection,
        origin: &Origin,
        malformed: &mut Vec<MalformedUse>,
    ) -> Result<Self, HttpError> {
        malformed.extend(proxy.malformed().iter().cloned());
        let told = match proxy.kind() {
            ProxyKind::Http if connection.forwards(origin) => Told::Request,
            ProxyKind::Http => {
                let end = authority(&connection.far_end(origin));
                let headers = connect_headers(proxy, &end, malformed)?;
                Told::Connect(format!("CONNECT {end} HTTP/1.1\r\n"), headers)
            }
            _ => Told::Socks(proxy.userinfo().unwrap_or_default().to_vec()),
        };
        Ok(Self { destination: connection.proxy_destination(proxy), told })
    }

    /// The templates that go to the proxy apart from the request.
    pub(crate) fn templates(&self) -> Vec<&Template> {
        match &self.told {
            Told::Request => Vec::new(),
            Told::Connect(_, headers) => headers.iter().flat_map(|header| header.value.templates()).collect(),
            Told::Socks(userinfo) => userinfo.iter().collect(),
        }
    }

    pub(crate) fn fill(&self, values: &dyn Values) -> Result<FilledProxy, HttpError> {
        match &self.told {
            Told::Request => Ok(FilledProxy::Request),
            Told::Connect(line, headers) => {
                let mut head = Sink::default();
                head.extend(line.as_bytes());
                for header in headers {
                    head.extend(header.name.as_bytes());
                    head.push(b':');
                    head.extend(&fill_header(&header.value, 0, values)?);
                    head.extend(b"\r\n");
                }
                head.extend(b"\r\n");
                Ok(FilledProxy::Connect(head.into_bytes()))
            }
            Told::Socks(userinfo) => fill_socks(userinfo, values).map(FilledProxy::Socks),
        }
    }
}

/// Those of a CONNECT in curl's order. Nothing of the request's own headers goes to the proxy.
fn connect_headers(
    proxy: &Proxy,
    end: &str,
    malformed: &mut Vec<MalformedUse>,
) -> Result<Vec<PlannedHeader>, HttpError> {
    let mut headers = Vec::new();
    if !proxy.names_header("Host") {
        headers.push(fixed("Host", end));
    }
    headers.extend(authorization(proxy));
    if !proxy.names_header("User-Agent") {
        headers.extend(user_agent(proxy, malformed)?);
    }
    headers.extend(keep_alive(proxy));
    headers.extend(own_headers(proxy, malformed)?);
    Ok(headers)
}

/// What goes to a proxy among the headers of a request that it is to forward: before the request's own authorization,
/// behind its `Referer`, and at the end of the user's own.
pub(crate) fn authorization(proxy: &Proxy) -> Option<PlannedHeader> {
    let userinfo = proxy.userinfo().filter(|_| !proxy.names_header(AUTHORIZATION))?;
    Some(PlannedHeader::new(AUTHORIZATION, PlannedValue::Basic(userinfo.to_vec())).for_proxy())
}

pub(crate) fn keep_alive(proxy: &Proxy) -> Option<PlannedHeader> {
    (!proxy.names_header(CONNECTION)).then(|| fixed(CONNECTION, "Keep-Alive"))
}

fn fixed(name: &str, text: &str) -> PlannedHeader {
    PlannedHeader::new(name, PlannedValue::Text(Template::fixed(format!(" {text}")))).for_proxy()
}

pub(crate) fn own_headers(
    proxy: &Proxy,
    malformed: &mut Vec<MalformedUse>,
) -> Result<Vec<PlannedHeader>, HttpError> {
    let mut headers = Vec::new();
    for field in &proxy.headers {
        if field.is("Content-Length") || field.is("Transfer-Encoding") {
            return Err(refused(field.name(), "a request to a proxy has no body of its own"));
        }
        headers.extend(planned_field(field, "proxy header", malformed)?.map(PlannedHeader::for_proxy));
    }
    Ok(headers)
}

/// curl tells the proxy what `-A` says. A reference in it is meant for the request alone.
fn user_agent(proxy: &Proxy, malformed: &mut Vec<MalformedUse>) -> Result<Option<PlannedHeader>, HttpError> {
    let own = proxy.user_agent.as_ref().filter(|text| Scanned::of(text).references.is_empty());
    match own {
        Some(text) if text.as_bytes().is_empty() => Ok(None),
        Some(text) => {
            let field = HeaderField::new("User-Agent", text.clone());
            Ok(planned_field(&field, "header", malformed)?.map(PlannedHeader::for_proxy))
        }
        None => Ok(Some(fixed("User-Agent", USER_AGENT))),
    }
}

fn authority(end: &Endpoint) -> String {
    format!("{}:{}", end.host, end.port)
}

/// RFC 1929: each of the two has 1 to 255 bytes.
fn fill_socks(
    userinfo: &[Template],
    values: &dyn Values,
) -> Result<Option<[Zeroizing<Vec<u8>>; 2]>, HttpError> {
    if userinfo.is_empty() {
        return Ok(None);
    }
    let mut whole = Sink::default();
    let mut colon = None;
    for (at, template) in userinfo.iter().enumerate() {
        if at == 1 {
            colon = Some(whole.as_bytes().len());
        }
        template.fill(values, &mut whole)?;
    }
    let whole = whole.into_bytes();
    let colon = colon.or_else(|| whole.iter().position(|byte| *byte == b':')).unwrap_or(whole.len());
    let user = Zeroizing::new(whole[..colon].to_vec());
    let password = Zeroizing::new(whole[(colon + 1).min(whole.len())..].to_vec());
    let fits = |part: &[u8]| (1..=255).contains(&part.len()) && std::str::from_utf8(part).is_ok();
    if !fits(&user) || !fits(&password) {
        return Err(HttpError::ProxyMalformed {
            why: "SOCKS takes a user and a password of 1 to 255 bytes of text each".to_owned(),
        });
    }
    Ok(Some([user, password]))
}
