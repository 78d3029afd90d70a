//! The table of the flags that are about protocols, sockets and TLS: a part of [`flags`](super::flags).

use super::flags::{Flag, Id, Section, Support, Takes, flag};
use Section::{Connection, Request, Response};
use Support::Yes;
use Takes::{Nothing, Switch, Value};

#[rustfmt::skip]
pub(super) const FLAGS: &[Flag] = &[
    flag(None, "request-target", Value("TARGET"), Yes(Id::RequestTarget), Request, "ask for this in place of the path and query of the URL"),
    flag(None, "disallow-username-in-url", Switch, Yes(Id::DisallowUsernameInUrl), Request, "exit with 67 when a URL holds a user"),
    flag(Some('z'), "time-cond", Value("TIME|FILE"), Yes(Id::TimeCond), Request, "only what is newer, with '-' what is older, than a time or the change of a file"),
    flag(None, "etag-compare", Value("FILE"), Yes(Id::EtagCompare), Request, "only what has another ETag than this file"),

    flag(None, "follow", Switch, Yes(Id::Follow), Connection, "-L, and -X ends with a redirect that makes a GET of the request"),
    flag(None, "proto", Value("[+-=]NAMES"), Yes(Id::Proto), Connection, "the schemes that requests and redirects may have: '=https'"),
    flag(None, "proto-redir", Value("[+-=]NAMES"), Yes(Id::ProtoRedir), Connection, "the schemes that redirects may lead to"),
    flag(None, "proto-default", Value("NAME"), Yes(Id::ProtoDefault), Connection, "the scheme of a URL without one [default: http]"),
    flag(Some('y'), "speed-time", Value("SECONDS"), Yes(Id::SpeedTime), Connection, "how long a transfer may be too slow [default: 30]"),
    flag(Some('Y'), "speed-limit", Value("BYTES"), Yes(Id::SpeedLimit), Connection, "exit with 28 when fewer bytes a second are transferred"),
    flag(Some('4'), "ipv4", Nothing, Yes(Id::Ipv4), Connection, "IPv4 addresses only"),
    flag(Some('6'), "ipv6", Nothing, Yes(Id::Ipv6), Connection, "IPv6 addresses only"),
    flag(None, "happy-eyeballs-timeout-ms", Value("MILLISECONDS"), Yes(Id::HappyEyeballsTimeoutMs), Connection, "try the next address beside one that takes longer [default: 200]"),
    flag(None, "interface", Value("NAME|ADDRESS"), Yes(Id::Interface), Connection, "begin at this address or interface; an interface with a secret only where config.toml allows it"),
    flag(None, "local-port", Value("PORT|FIRST-LAST"), Yes(Id::LocalPort), Connection, "begin at this port, or the first of them that is free"),
    flag(None, "unix-socket", Value("PATH"), Yes(Id::UnixSocket), Connection, "connect to this socket, whatever the host; with a secret only to your own and root's"),
    flag(None, "abstract-unix-socket", Value("NAME"), Yes(Id::AbstractUnixSocket), Connection, "the same for a socket that is no file (Linux)"),
    flag(None, "no-keepalive", Switch, Yes(Id::NoKeepalive), Connection, "do not ask whether the other end of a silent connection is there"),
    flag(None, "keepalive-time", Value("SECONDS"), Yes(Id::KeepaliveTime), Connection, "ask after so long a silence, and as often [default: 60]"),
    flag(None, "keepalive-cnt", Value("NUMBER"), Yes(Id::KeepaliveCnt), Connection, "give up after so many questions [default: the system's]"),
    flag(Some('0'), "http1.0", Nothing, Yes(Id::Http10), Connection, "HTTP/1.0"),
    flag(None, "http2-prior-knowledge", Nothing, Yes(Id::Http2PriorKnowledge), Connection, "HTTP/2 without asking, over http as well"),
    flag(Some('1'), "tlsv1", Nothing, Yes(Id::Tlsv12), Connection, "TLS 1.2 or newer, which is the default"),
    flag(None, "tlsv1.0", Nothing, Yes(Id::Tlsv12), Connection, "the same: TLS 1.2 is the oldest that is spoken"),
    flag(None, "tlsv1.1", Nothing, Yes(Id::Tlsv12), Connection, "the same"),
    flag(None, "tlsv1.2", Nothing, Yes(Id::Tlsv12), Connection, "the same"),
    flag(None, "tlsv1.3", Nothing, Yes(Id::Tlsv13), Connection, "TLS 1.3 or newer"),
    flag(None, "tls-max", Value("VERSION"), Yes(Id::TlsMax), Connection, "TLS no newer than 1.2 or 1.3"),
    flag(None, "pinnedpubkey", Value("HASHES|FILE"), Yes(Id::Pinnedpubkey), Connection, "the server must have one of these keys, 'sha256//BASE64;...' or a file; -k changes nothing of it"),
    flag(None, "crlfile", Value("FILE"), Yes(Id::Crlfile), Connection, "with --cacert: take nobody who is on these revocation lists (PEM), or on whom they say nothing"),
    flag(None, "no-alpn", Switch, Yes(Id::NoAlpn), Connection, "offer no protocol over TLS, which leaves HTTP/1.1"),

    flag(None, "etag-save", Value("FILE"), Yes(Id::EtagSave), Response, "write the ETag of the answer to this file, for --etag-compare"),
    flag(None, "raw", Switch, Yes(Id::Raw), Response, "leave chunks and compression of the answer as they are"),
    flag(None, "ignore-content-length", Switch, Yes(Id::IgnoreContentLength), Response, "read until the connection ends, whatever length is announced"),
];
