//! The flags of sockets and of TLS: how a connection is made, not to whom.

use super::flags::Id;
use super::numbers::count;
use super::operation::{not_empty, text};
use crate::failure::Outcome;
use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;
use subrosa_http::{
    Family, Interface, KeepAlive, Pin, SocketOptions, TlsOptions, TlsVersion, UnixSocket,
    read_revocation_lists,
};

/// The flags as given.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct WireFlags {
    family: Family,
    head_start: Option<Duration>,
    interface: Option<String>,
    local_ports: Option<RangeInclusive<u16>>,
    pub(super) unix_socket: Option<UnixSocket>,
    no_keep_alive: bool,
    keep_alive_time: Option<Duration>,
    keep_alive_count: Option<u32>,
    oldest: Option<TlsVersion>,
    newest: Option<TlsVersion>,
    no_alpn: bool,
    pins: Option<String>,
    pub(super) revoked: Option<PathBuf>,
}

impl WireFlags {
    /// Takes a flag that has a value. The error says what is wrong with the value.
    pub(super) fn take(&mut self, id: Id, value: OsString) -> Result<(), String> {
        match id {
            Id::HappyEyeballsTimeoutMs => self.head_start = Some(Duration::from_millis(count(&value)?)),
            Id::Interface => self.interface = Some(text(not_empty(value)?)?),
            Id::LocalPort => self.local_ports = Some(ports(&text(value)?)?),
            Id::UnixSocket => self.unix_socket = Some(UnixSocket::Path(not_empty(value)?.into())),
            Id::AbstractUnixSocket => {
                self.unix_socket = Some(UnixSocket::Abstract(text(not_empty(value)?)?));
            }
            Id::KeepaliveTime => {
                self.keep_alive_time =
                    Some(Duration::from_secs(count(&value)?)).filter(|time| !time.is_zero());
            }
            Id::KeepaliveCnt => {
                self.keep_alive_count = u32::try_from(count(&value)?).ok().filter(|count| *count > 0);
            }
            Id::TlsMax => self.newest = newest(&text(value)?)?,
            Id::Pinnedpubkey => self.pins = Some(text(not_empty(value)?)?),
            Id::Crlfile => self.revoked = Some(not_empty(value)?.into()),
            _ => return Err(String::from("the flag takes no value")),
        }
        Ok(())
    }

    /// Takes a flag that has none.
    pub(super) fn switch(&mut self, id: Id, on: bool) -> Result<(), String> {
        match id {
            Id::Ipv4 => self.family = Family::V4,
            Id::Ipv6 => self.family = Family::V6,
            Id::NoKeepalive => self.no_keep_alive = on,
            Id::NoAlpn => self.no_alpn = on,
            // what is older than 1.2 as a lower end leaves it at 1.2
            Id::Tlsv12 => self.oldest = Some(TlsVersion::V12),
            Id::Tlsv13 => self.oldest = Some(TlsVersion::V13),
            _ => return Err(String::from("the flag needs a value")),
        }
        Ok(())
    }

    pub(super) fn socket(&self) -> Outcome<SocketOptions> {
        let plain = SocketOptions::default();
        let keep_alive = KeepAlive {
            time: self.keep_alive_time.unwrap_or(KeepAlive::default().time),
            count: self.keep_alive_count,
        };
        Ok(SocketOptions {
            family: self.family,
            head_start: self.head_start.unwrap_or(plain.head_start),
            interface: self.interface.as_deref().map(Interface::parse).transpose()?,
            local_ports: self.local_ports.clone(),
            keep_alive: (!self.no_keep_alive).then_some(keep_alive),
        })
    }

    pub(super) fn tls(&self) -> Outcome<TlsOptions> {
        let plain = TlsOptions::default();
        Ok(TlsOptions {
            oldest: self.oldest.unwrap_or(plain.oldest),
            newest: self.newest.unwrap_or(plain.newest),
            pins: self.pins.as_deref().map(Pin::parse).transpose()?.unwrap_or_default(),
            no_alpn: self.no_alpn,
            revoked: self.revoked.as_deref().map(read_revocation_lists).transpose()?.unwrap_or_default(),
        })
    }
}

/// `PORT` or `FIRST-LAST`.
fn ports(value: &str) -> Result<RangeInclusive<u16>, String> {
    let port = |text: &str| -> Option<u16> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|port| digits && *port > 0)
    };
    let (first, last) = value.split_once('-').unwrap_or((value, value));
    match (port(first.trim()), port(last.trim())) {
        (Some(first), Some(last)) if first <= last => Ok(first..=last),
        _ => Err(String::from("the value is no port and no range such as 4000-4200")),
    }
}

/// curl takes 1.0 and 1.1 too, which are not spoken here.
fn newest(value: &str) -> Result<Option<TlsVersion>, String> {
    match value {
        "default" => Ok(None),
        "1.2" => Ok(Some(TlsVersion::V12)),
        "1.3" => Ok(Some(TlsVersion::V13)),
        "1.0" | "1.1" => Err(String::from("TLS 1.2 is the oldest that is spoken")),
        _ => Err(String::from("the value is none of 1.2, 1.3 and default")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_ports_has_two_ends() {
        assert_eq!(ports("80"), Ok(80..=80));
        assert_eq!(ports("4000-4200"), Ok(4000..=4200));
        for wrong in ["", "0", "-", "80-", "90-80", "70000", "+1", "80,90"] {
            assert!(ports(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_flag_asks_for_less_than_is_always_demanded() {
        let mut flags = WireFlags::default();
        let plain = TlsOptions::default();
        assert_eq!(flags.tls().unwrap(), plain);
        flags.switch(Id::Tlsv13, true).unwrap();
        assert_eq!(flags.tls().unwrap().oldest, TlsVersion::V13);
        // the last counts, as in curl
        flags.switch(Id::Tlsv12, true).unwrap();
        assert_eq!(flags.tls().unwrap(), plain);
        for wrong in ["1.0", "1.1", "1.4", "", "TLSv1.2"] {
            assert!(flags.take(Id::TlsMax, wrong.into()).is_err(), "{wrong}");
        }
        flags.take(Id::TlsMax, "1.2".into()).unwrap();
        assert_eq!(flags.tls().unwrap().newest, TlsVersion::V12);
    }

    #[test]
    fn sockets_are_as_curl_makes_them() {
        let mut flags = WireFlags::default();
        assert_eq!(flags.socket().unwrap(), SocketOptions::default());
        flags.switch(Id::Ipv4, true).unwrap();
        flags.switch(Id::Ipv6, true).unwrap();
        flags.take(Id::HappyEyeballsTimeoutMs, "70".into()).unwrap();
        flags.take(Id::KeepaliveTime, "9".into()).unwrap();
        let socket = flags.socket().unwrap();
        assert_eq!((socket.family, socket.head_start), (Family::V6, Duration::from_millis(70)));
        assert_eq!(socket.keep_alive.unwrap().time, Duration::from_secs(9));
        flags.switch(Id::NoKeepalive, true).unwrap();
        assert_eq!(flags.socket().unwrap().keep_alive, None);
    }
}
