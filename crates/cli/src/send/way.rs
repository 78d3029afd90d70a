//! The flags that decide what kind of connection a request needs.

use super::flags::Id;
use super::identity::IdentityFlags;
use super::operation::{not_empty, text};
use super::wire::WireFlags;
use std::ffi::OsString;
use std::path::PathBuf;

/// Operations for which these are the same share connections, so a flag that makes two connections differ has its
/// place here.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Way {
    pub(super) insecure: bool,
    pub(super) cacert: Option<PathBuf>,
    pub(super) identity: IdentityFlags,
    /// `--no-certs`
    pub(super) leaves_kept: bool,
    pub(super) resolve: Vec<String>,
    pub(super) connect_to: Vec<String>,
    pub(super) version: Option<Version>,
    pub(super) proxy: ProxyFlags,
    pub(super) wire: WireFlags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Http10,
    Http11,
    Http2,
    Http2Only,
}

/// `-x` and what belongs to it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ProxyFlags {
    /// The last of `-x`, `--socks5` and `--socks5-hostname`; an empty text is none.
    pub(super) proxy: Option<(OsString, Option<SocksFlag>)>,
    pub(super) user: Option<OsString>,
    pub(super) headers: Vec<OsString>,
    pub(super) tunnel: bool,
    pub(super) hides_answers: bool,
    pub(super) except: Option<String>,
    pub(super) cacert: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SocksFlag {
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
            Id::Cert | Id::CertType | Id::Key | Id::KeyType | Id::Pass => {
                return self.identity.take(id, value);
            }
            _ => return self.wire.take(id, value),
        }
        Ok(())
    }

    /// Whether TLS is spoken with a proxy.
    pub(super) fn has_https_proxy(&self) -> bool {
        let Some((proxy, None)) = &self.proxy.proxy else { return false };
        let scheme = proxy.as_encoded_bytes().get(..6).unwrap_or_default();
        scheme.eq_ignore_ascii_case(b"https:")
    }

    /// Takes a flag that has none.
    pub(super) fn switch(&mut self, id: Id, on: bool) -> Result<(), String> {
        match id {
            Id::Insecure => self.insecure = on,
            Id::Certs => self.leaves_kept = !on,
            Id::Http10 => self.version = Some(Version::Http10),
            Id::Http2PriorKnowledge => self.version = Some(Version::Http2Only),
            Id::Http11 => self.version = Some(Version::Http11),
            Id::Http2 => self.version = Some(Version::Http2),
            Id::Proxytunnel => self.proxy.tunnel = on,
            Id::SuppressConnectHeaders => self.proxy.hides_answers = on,
            _ => return self.wire.switch(id, on),
        }
        Ok(())
    }
}
