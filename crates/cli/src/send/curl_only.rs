//! The flags of curl 8 that `send` does not act on, each with the reason.
//!
//! They are known so that a copied command gets a true answer: "never, because", or nothing at all where
//! the flag asks for what happens anyway.

use super::flags::{Flag, Section, Support, Takes};
use Support::{Already, Never};
use Takes::{Switch, Value};

const CURL_CONFIG: &str =
    "files with curl's settings are not read: what a request does stands on its command line";
const NETRC: &str = ".netrc holds passwords in clear; store them with 'subrosa set' and write -u '<<vault:user>>:<<vault:password>>'";
const VARIABLES: &str = "write a reference instead: '<<vault:name>>'";
const LIBCURL: &str = "there is no libcurl here";
const MANUAL: &str = "see 'subrosa send --help'";
const VERSION: &str = "see 'subrosa --version'";
const REMOVED: &str = "curl itself has given it up";
const XATTR: &str = "the URL of a request may hold a secret, which would be written beside the file";
const LOCATION_TRUSTED: &str =
    "what was sent to one host does not follow to another; send to the new URL instead";
const HIDDEN_STATE: &str = "where a request goes must not depend on what an earlier answer said";
const HTTP09: &str = "an answer without a header cannot be told from garbage";
const TRACE_CONFIG: &str = "-v shows the request and the response";
const TRACE: &str = "-v shows heads with secrets masked; a dump in columns would break values up, and masking would miss them";
const PARALLEL: &str =
    "requests go one after another, each recorded before it leaves; start several with '&' or xargs -P";
const AWS_SIGV4: &str = "requests are not signed here; programs for AWS sign their own, with credentials that are looked up for them";
const HTTP3: &str = "HTTP/3 is not spoken; a server that offers it offers HTTP/2 as well";
const CAPATH: &str = "a folder of authorities is one of OpenSSL's own making; name a file by --cacert";
const CERT_STATUS: &str =
    "most authorities have given OCSP up; --crlfile looks whether a certificate was taken back";
const CIPHERS: &str = "only what is safe is offered, and of that the two ends take what both do best";
const FAST_OPEN: &str = "the request would leave before it is known where the connection ends";
const WEAK_TLS: &str = "TLS 1.2 is the oldest that is spoken";
const SCHANNEL: &str = "it is for Windows' own TLS, which is not used";
const TLS_KNOBS: &str = "the TLS library has no such setting";
const TLS_CA_NATIVE: &str = "the system's authorities are what is trusted anyway";
const TLS_SRP: &str = "the TLS library has no SRP";
const RESOLVER: &str = "names are resolved by the system, --resolve names an address";
const SOCKET_KNOBS: &str = "sockets are left as the system makes them";
const TR_ENCODING: &str = "no server in use compresses this way; see --compressed";
const KERBEROS: &str = "the machine's single sign-on is not used";
const PROXY_AUTH: &str = "a proxy is told user and password by Basic, which -U does";
const PROXIES: &str = "of proxies only the usual ways are meant to be supported";
const PROXY_CERT: &str = "'subrosa cert add' keeps one for the proxy's host, and it is shown by itself";
const NOT_HTTP: &str = "subrosa speaks HTTP only";

const fn known(short: Option<char>, long: &'static str, takes: Takes, support: Support) -> Flag {
    Flag { long, short, takes, support, section: Section::General, help: "" }
}

#[rustfmt::skip]
pub(super) const FLAGS: &[Flag] = &[
    // asks for what happens anyway
    known(Some('q'), "disable", Switch, Already),
    known(None, "proxy-basic", Switch, Already),
    known(Some('N'), "no-buffer", Switch, Already),
    known(None, "tcp-nodelay", Switch, Already),
    known(None, "no-npn", Switch, Already),

    // never: what there is no need for here
    known(None, "http3", Switch, Never(HTTP3)),
    known(None, "http3-only", Switch, Never(HTTP3)),
    known(Some('#'), "progress-bar", Switch, Already),
    known(None, "capath", Value("VALUE"), Never(CAPATH)),
    known(None, "cert-status", Switch, Never(CERT_STATUS)),
    known(None, "aws-sigv4", Value("VALUE"), Never(AWS_SIGV4)),
    known(None, "trace", Value("VALUE"), Never(TRACE)),
    known(None, "trace-ascii", Value("VALUE"), Never(TRACE)),
    known(None, "trace-time", Switch, Never(TRACE)),
    known(Some('Z'), "parallel", Switch, Never(PARALLEL)),
    known(None, "parallel-immediate", Switch, Never(PARALLEL)),
    known(None, "parallel-max", Value("VALUE"), Never(PARALLEL)),
    known(None, "parallel-max-host", Value("VALUE"), Never(PARALLEL)),

    // never: other files and other people's settings
    known(Some('K'), "config", Value("VALUE"), Never(CURL_CONFIG)),
    known(Some('n'), "netrc", Switch, Never(NETRC)),
    known(None, "netrc-file", Value("VALUE"), Never(NETRC)),
    known(None, "netrc-optional", Switch, Never(NETRC)),
    known(None, "variable", Value("VALUE"), Never(VARIABLES)),
    known(None, "libcurl", Value("VALUE"), Never(LIBCURL)),
    known(Some('M'), "manual", Switch, Never(MANUAL)),
    known(Some('V'), "version", Switch, Never(VERSION)),
    known(None, "metalink", Switch, Never(REMOVED)),
    known(None, "egd-file", Value("VALUE"), Never(REMOVED)),
    known(None, "random-file", Value("VALUE"), Never(REMOVED)),
    known(None, "xattr", Switch, Never(XATTR)),
    known(None, "location-trusted", Switch, Never(LOCATION_TRUSTED)),
    known(None, "hsts", Value("VALUE"), Never(HIDDEN_STATE)),
    known(None, "alt-svc", Value("VALUE"), Never(HIDDEN_STATE)),
    known(None, "http0.9", Switch, Never(HTTP09)),
    known(None, "trace-ids", Switch, Never(TRACE_CONFIG)),
    known(None, "trace-config", Value("VALUE"), Never(TRACE_CONFIG)),

    // never: weaker or foreign TLS
    known(Some('2'), "sslv2", Switch, Never(WEAK_TLS)),
    known(Some('3'), "sslv3", Switch, Never(WEAK_TLS)),
    known(None, "ssl", Switch, Never(WEAK_TLS)),
    known(None, "ssl-reqd", Switch, Never(NOT_HTTP)),
    known(None, "ssl-allow-beast", Switch, Never(WEAK_TLS)),
    known(None, "ssl-no-revoke", Switch, Never(SCHANNEL)),
    known(None, "ssl-revoke-best-effort", Switch, Never(SCHANNEL)),
    known(None, "ssl-auto-client-cert", Switch, Never(SCHANNEL)),
    known(None, "no-sessionid", Switch, Never(TLS_KNOBS)),
    known(None, "ca-native", Switch, Never(TLS_CA_NATIVE)),
    known(None, "dump-ca-embed", Switch, Never(TLS_KNOBS)),
    known(None, "ciphers", Value("VALUE"), Never(CIPHERS)),
    known(None, "tls13-ciphers", Value("VALUE"), Never(CIPHERS)),
    known(None, "curves", Value("VALUE"), Never(CIPHERS)),
    known(None, "signature-algorithms", Value("VALUE"), Never(CIPHERS)),
    known(None, "engine", Value("VALUE"), Never(TLS_KNOBS)),
    known(None, "false-start", Switch, Never(TLS_KNOBS)),
    known(None, "ech", Value("VALUE"), Never(TLS_KNOBS)),
    known(None, "tls-earlydata", Switch, Never(TLS_KNOBS)),
    known(None, "tlsauthtype", Value("VALUE"), Never(TLS_SRP)),
    known(None, "tlsuser", Value("VALUE"), Never(TLS_SRP)),
    known(None, "tlspassword", Value("VALUE"), Never(TLS_SRP)),

    // never: name resolution beside the system's
    known(None, "dns-interface", Value("VALUE"), Never(RESOLVER)),
    known(None, "dns-ipv4-addr", Value("VALUE"), Never(RESOLVER)),
    known(None, "dns-ipv6-addr", Value("VALUE"), Never(RESOLVER)),
    known(None, "dns-servers", Value("VALUE"), Never(RESOLVER)),
    known(None, "doh-url", Value("VALUE"), Never(RESOLVER)),
    known(None, "doh-insecure", Switch, Never(RESOLVER)),
    known(None, "doh-cert-status", Switch, Never(RESOLVER)),
    known(None, "tcp-fastopen", Switch, Never(FAST_OPEN)),
    known(None, "mptcp", Switch, Never(SOCKET_KNOBS)),
    known(None, "ip-tos", Value("VALUE"), Never(SOCKET_KNOBS)),
    known(None, "vlan-priority", Value("VALUE"), Never(SOCKET_KNOBS)),
    known(None, "haproxy-protocol", Switch, Never(SOCKET_KNOBS)),
    known(None, "haproxy-clientip", Value("VALUE"), Never(SOCKET_KNOBS)),
    known(None, "tr-encoding", Switch, Never(TR_ENCODING)),

    // never: single sign-on of the machine
    known(None, "negotiate", Switch, Never(KERBEROS)),
    known(None, "delegation", Value("VALUE"), Never(KERBEROS)),
    known(None, "service-name", Value("VALUE"), Never(KERBEROS)),
    known(None, "ntlm-wb", Switch, Never(KERBEROS)),
    known(None, "krb", Value("VALUE"), Never(KERBEROS)),

    // never: proxies' less usual ways
    known(None, "preproxy", Value("VALUE"), Never(PROXIES)),
    known(None, "proxy1.0", Value("VALUE"), Never(PROXIES)),
    known(None, "proxy-anyauth", Switch, Never(PROXY_AUTH)),
    known(None, "proxy-cert", Value("VALUE"), Never(PROXY_CERT)),
    known(None, "proxy-key", Value("VALUE"), Never(PROXY_CERT)),
    known(None, "proxy-http2", Switch, Never(PROXIES)),
    known(None, "proxy-capath", Value("VALUE"), Never(PROXIES)),
    known(None, "proxy-ca-native", Switch, Never(PROXIES)),
    known(None, "proxy-cert-type", Value("VALUE"), Never(PROXIES)),
    known(None, "proxy-ciphers", Value("VALUE"), Never(PROXIES)),
    known(None, "proxy-crlfile", Value("VALUE"), Never(PROXIES)),
    known(None, "proxy-digest", Switch, Never(PROXY_AUTH)),
    known(None, "proxy-insecure", Switch, Never(PROXIES)),
    known(None, "proxy-key-type", Value("VALUE"), Never(PROXIES)),
    known(None, "proxy-negotiate", Switch, Never(PROXIES)),
    known(None, "proxy-ntlm", Switch, Never(PROXY_AUTH)),
    known(None, "proxy-pass", Value("VALUE"), Never(PROXIES)),
    known(None, "proxy-pinnedpubkey", Value("VALUE"), Never(PROXIES)),
    known(None, "proxy-service-name", Value("VALUE"), Never(PROXIES)),
    known(None, "proxy-ssl-allow-beast", Switch, Never(PROXIES)),
    known(None, "proxy-ssl-auto-client-cert", Switch, Never(PROXIES)),
    known(None, "proxy-tls13-ciphers", Value("VALUE"), Never(PROXIES)),
    known(None, "proxy-tlsauthtype", Value("VALUE"), Never(PROXIES)),
    known(None, "proxy-tlspassword", Value("VALUE"), Never(PROXIES)),
    known(None, "proxy-tlsuser", Value("VALUE"), Never(PROXIES)),
    known(None, "proxy-tlsv1", Switch, Never(PROXIES)),
    known(None, "socks4", Value("VALUE"), Never(PROXIES)),
    known(None, "socks4a", Value("VALUE"), Never(PROXIES)),
    known(None, "socks5-basic", Switch, Never(PROXIES)),
    known(None, "socks5-gssapi", Switch, Never(PROXIES)),
    known(None, "socks5-gssapi-nec", Switch, Never(PROXIES)),
    known(None, "socks5-gssapi-service", Value("VALUE"), Never(PROXIES)),

    // never: other protocols
    known(Some('a'), "append", Switch, Never(NOT_HTTP)),
    known(Some('B'), "use-ascii", Switch, Never(NOT_HTTP)),
    known(None, "crlf", Switch, Never(NOT_HTTP)),
    known(Some('l'), "list-only", Switch, Never(NOT_HTTP)),
    known(Some('Q'), "quote", Value("VALUE"), Never(NOT_HTTP)),
    known(Some('t'), "telnet-option", Value("VALUE"), Never(NOT_HTTP)),
    known(None, "tftp-blksize", Value("VALUE"), Never(NOT_HTTP)),
    known(None, "tftp-no-options", Switch, Never(NOT_HTTP)),
    known(None, "compressed-ssh", Switch, Never(NOT_HTTP)),
    known(None, "hostpubmd5", Value("VALUE"), Never(NOT_HTTP)),
    known(None, "hostpubsha256", Value("VALUE"), Never(NOT_HTTP)),
    known(None, "knownhosts", Value("VALUE"), Never(NOT_HTTP)),
    known(None, "pubkey", Value("VALUE"), Never(NOT_HTTP)),
    known(None, "disable-eprt", Switch, Never(NOT_HTTP)),
    known(None, "disable-epsv", Switch, Never(NOT_HTTP)),
    known(None, "ftp-account", Value("VALUE"), Never(NOT_HTTP)),
    known(None, "ftp-alternative-to-user", Value("VALUE"), Never(NOT_HTTP)),
    known(None, "ftp-create-dirs", Switch, Never(NOT_HTTP)),
    known(None, "ftp-method", Value("VALUE"), Never(NOT_HTTP)),
    known(None, "ftp-pasv", Switch, Never(NOT_HTTP)),
    known(Some('P'), "ftp-port", Value("VALUE"), Never(NOT_HTTP)),
    known(None, "ftp-pret", Switch, Never(NOT_HTTP)),
    known(None, "ftp-skip-pasv-ip", Switch, Never(NOT_HTTP)),
    known(None, "ftp-ssl-ccc", Switch, Never(NOT_HTTP)),
    known(None, "ftp-ssl-ccc-mode", Value("VALUE"), Never(NOT_HTTP)),
    known(None, "ftp-ssl-control", Switch, Never(NOT_HTTP)),
    known(None, "login-options", Value("VALUE"), Never(NOT_HTTP)),
    known(None, "mail-auth", Value("VALUE"), Never(NOT_HTTP)),
    known(None, "mail-from", Value("VALUE"), Never(NOT_HTTP)),
    known(None, "mail-rcpt", Value("VALUE"), Never(NOT_HTTP)),
    known(None, "mail-rcpt-allowfails", Switch, Never(NOT_HTTP)),
    known(None, "upload-flags", Value("VALUE"), Never(NOT_HTTP)),
    known(None, "sasl-authzid", Value("VALUE"), Never(NOT_HTTP)),
    known(None, "sasl-ir", Switch, Never(NOT_HTTP)),
];
