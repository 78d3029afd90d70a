//! The flags that decide what kind of connection a request needs, and the connection that comes of them.

use super::flags::Id;
use super::identity::{self, IdentityFlags};
use super::operation::{not_empty, text};
use super::secrets::Secrets;
use crate::context::Context;
use crate::failure::Outcome;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;
use subrosa_http::{
    ConnectTo, Connection, ConnectionOptions, HeaderField, NoProxy, Protocol, Proxy, ProxyKind, Resolve,
    Text, Trust, read_authorities,
};
use zeroize::Zeroizing;

/// Operations for which these are the same share connections, so a flag that makes two connections differ has its
/// place here.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Way {
    pub(super) insecure: bool,
    cacert: Option<PathBuf>,
    identity: IdentityFlags,
    resolve: Vec<String>,
    connect_to: Vec<String>,
    version: Option<Version>,
    proxy: ProxyFlags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Http11,
    Http2,
}

/// `-x` and what belongs to it.
#[derive(Debug, Default, PartialEq, Eq)]
struct ProxyFlags {
    /// The last of `-x`, `--socks5` and `--socks5-hostname`; an empty text is none.
    proxy: Option<(OsString, Option<SocksFlag>)>,
    user: Option<OsString>,
    headers: Vec<OsString>,
    tunnel: bool,
    hides_answers: bool,
    except: Option<String>,
    cacert: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SocksFlag {
    Socks5,
    Socks5Hostname,
}

impl Way {
    /// Takes a flag that has a value. The error says what is wrong with the value.
    pub(super) fn take(&mut self, id: Id, value: OsString) -> Result<(), String> {
        match id {
            Id::Cacert => self.cacert = Some(not_empty(value)?.into()),
            Id::Resolve => self.resolve.push(text(value)?),
            Id::ConnectTo => self.connect_to.push(text(value)?),
            Id::Proxy => self.proxy.proxy = Some((value, None)),
            Id::Socks5 => self.proxy.proxy = Some((not_empty(value)?, Some(SocksFlag::Socks5))),
            Id::Socks5Hostname => {
                self.proxy.proxy = Some((not_empty(value)?, Some(SocksFlag::Socks5Hostname)));
            }
            Id::ProxyUser => self.proxy.user = Some(value),
            Id::ProxyHeader => self.proxy.headers.push(value),
            Id::Noproxy => self.proxy.except = Some(text(value)?),
            Id::ProxyCacert => self.proxy.cacert = Some(not_empty(value)?.into()),
            _ => return self.identity.take(id, value),
        }
        Ok(())
    }

    /// Takes a flag that has none.
    pub(super) fn switch(&mut self, id: Id, on: bool) -> Result<(), String> {
        match id {
            Id::Insecure => self.insecure = on,
            Id::Http11 => self.version = Some(Version::Http11),
            Id::Http2 => self.version = Some(Version::Http2),
            Id::Proxytunnel => self.proxy.tunnel = on,
            Id::SuppressConnectHeaders => self.proxy.hides_answers = on,
            _ => return Err(String::from("the flag needs a value")),
        }
        Ok(())
    }
}

/// How requests reach their hosts.
pub(super) fn connection(
    context: &Context,
    secrets: &mut Secrets,
    way: &Way,
    refs: Refs<'_>,
) -> Outcome<Arc<Connection>> {
    let trust = match &way.cacert {
        _ if way.insecure => Trust::InsecureAnybody,
        Some(path) => Trust::from_ca_file(path)?,
        None => Trust::System,
    };
    let protocol = if way.version == Some(Version::Http11) { Protocol::Http11 } else { Protocol::Http2 };
    let options = ConnectionOptions {
        trust,
        identity: identity::read(context, secrets, &way.identity, refs.no_refs)?,
        kept: Vec::new(),
        resolve: way.resolve.iter().map(|text| Resolve::parse(text)).collect::<Result<_, _>>()?,
        connect_to: way.connect_to.iter().map(|text| ConnectTo::parse(text)).collect::<Result<_, _>>()?,
        proxy: way.proxy.read(context, refs)?,
        protocol,
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
