//! The connection that the flags ask for.

use super::certificate;
use super::secrets::Secrets;
use super::way::{ProxyFlags, SocksFlag, Version, Way};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use std::ffi::OsStr;
use std::sync::Arc;
use subrosa_http::{
    ConnectTo, Connection, ConnectionOptions, HeaderField, Kept, NoProxy, Protocol, Proxy, ProxyKind,
    Resolve, Text, Trust, read_authorities,
};
use zeroize::Zeroizing;

/// How requests reach their hosts.
pub(super) fn prepare(
    context: &Context,
    secrets: &mut Secrets,
    way: &Way,
    refs: Refs<'_>,
    kept: &[Kept],
) -> Outcome<Arc<Connection>> {
    let trust = match &way.cacert {
        _ if way.insecure => Trust::InsecureAnybody,
        Some(path) => Trust::from_ca_file(path)?,
        None => Trust::System,
    };
    if way.wire.revoked.is_some() && way.cacert.is_none() && !way.insecure {
        return Err(Failure::usage(
            "--crlfile needs --cacert: it is about those authorities; nothing was sent",
        )
        .hint("--cacert FILE names the authorities that the lists are of"));
    }
    let protocol = match way.version {
        Some(Version::Http10) => Protocol::Http10,
        Some(Version::Http11) => Protocol::Http11,
        Some(Version::Http2Only) => Protocol::Http2Only,
        Some(Version::Http2) | None => Protocol::Http2,
    };
    let options = ConnectionOptions {
        trust,
        identity: certificate::read(context, secrets, &way.identity, refs.no_refs)?,
        kept: if way.leaves_kept { Vec::new() } else { kept.to_vec() },
        resolve: way.resolve.iter().map(|text| Resolve::parse(text)).collect::<Result<_, _>>()?,
        connect_to: way.connect_to.iter().map(|text| ConnectTo::parse(text)).collect::<Result<_, _>>()?,
        proxy: way.proxy.read(context, refs)?,
        protocol,
        tls: way.wire.tls()?,
        socket: way.wire.socket()?,
        unix_socket: way.wire.unix_socket.clone(),
    };
    Ok(Connection::new(options))
}

/// How the texts of an operation are to be read, and what of it proxies are told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Refs<'a> {
    pub(super) no_refs: bool,
    pub(super) user_agent: Option<&'a OsStr>,
}

impl Refs<'_> {
    fn text(self, value: &OsStr) -> Text {
        let bytes = value.as_encoded_bytes();
        if self.no_refs { Text::literal(bytes) } else { Text::new(bytes) }
    }
}

impl ProxyFlags {
    fn read(&self, context: &Context, refs: Refs<'_>) -> Outcome<Option<Proxy>> {
        let Some((text, socks)) = self.proxy.as_ref().filter(|(text, _)| !text.is_empty()) else {
            return Ok(None);
        };
        let text = refs.text(text);
        let mut proxy = match socks {
            None => Proxy::parse(&text)?,
            Some(SocksFlag::Socks5) => Proxy::parse_socks(&text, ProxyKind::Socks5)?,
            Some(SocksFlag::Socks5Hostname) => Proxy::parse_socks(&text, ProxyKind::Socks5Hostname)?,
        };
        if let Some(user) = &self.user {
            proxy.set_user(&self.credentials(context, user, refs)?);
        }
        for line in &self.headers {
            proxy.headers.extend(HeaderField::parse(&refs.text(line))?);
        }
        proxy.user_agent = refs.user_agent.map(|text| refs.text(text));
        proxy.tunnel = self.tunnel;
        proxy.hides_answers = self.hides_answers;
        proxy.except = NoProxy::parse(self.except.as_deref().unwrap_or_default());
        if let Some(path) = &self.cacert {
            proxy.authorities = read_authorities(path)?;
        }
        Ok(Some(proxy))
    }

    /// curl asks for a password that is not there. A text that is all reference may hold both.
    fn credentials(&self, context: &Context, user: &OsStr, refs: Refs<'_>) -> Outcome<Text> {
        let bytes = user.as_encoded_bytes();
        if bytes.contains(&b':') || !subrosa_secret::scan(bytes).references.is_empty() {
            return Ok(refs.text(user));
        }
        let Some(mut terminal) = context.terminal()? else { return Ok(refs.text(user)) };
        let password = terminal.secret(&format!("proxy password of {}:", user.to_string_lossy()))?;
        // what was typed is a password, whatever it looks like; the text is percent-decoded later
        let encoded: Vec<u8> = password.iter().flat_map(|byte| format!("%{byte:02X}").into_bytes()).collect();
        let encoded = Zeroizing::new(encoded);
        Ok(Text::literal(Zeroizing::new([bytes, b":", &encoded].concat()).as_slice()))
    }
}
