//! Everything that can keep a request from being sent or a response from being read.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::tls_fault::{CertificateFault, TlsFault};

/// An error of the caller's own, carried through unchanged.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a request was not sent, or its response not read to the end.
///
/// No message carries a value, a URL's path or query, or the text of a header: what failed is named by its
/// place. [`HttpError::kind`] is stable; messages are not.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    // --- the request as written
    /// The URL cannot be used; nothing was sent.
    #[error("the URL is refused: {why}")]
    UrlMalformed {
        /// What is wrong with it, without its text.
        why: String,
    },
    /// A scheme that is not sent by this transport.
    #[error("requests to {scheme}:// URLs are not supported")]
    SchemeUnsupported {
        /// The scheme.
        scheme: &'static str,
    },
    /// A scheme that the request is not to have.
    #[error("{scheme}:// is excluded by {flag}")]
    SchemeExcluded {
        /// The scheme.
        scheme: &'static str,
        /// `--proto` or `--proto-redir`.
        flag: &'static str,
    },
    /// A user in the URL, which was forbidden (`--disallow-username-in-url`).
    #[error("the URL holds a user, which --disallow-username-in-url forbids")]
    UserInUrl,
    /// HTTP/1.0 knows no body of unknown length.
    #[error("a body of unknown length cannot be sent over HTTP/1.0")]
    LengthUnknown,
    /// The method is not an HTTP token (RFC 9110, 5.6.2).
    #[error("the method is not a token")]
    MethodMalformed,
    /// A header that cannot be sent, or that must not be sent with what else the request holds.
    #[error("header {name}: {why}")]
    HeaderRefused {
        /// The header's name, shortened to what is printable.
        name: String,
        /// Why it is refused.
        why: &'static str,
    },
    /// A reference in a place that decides where the request goes or how it is framed.
    #[error("a reference cannot stand in the {place}")]
    ReferenceNotAllowed {
        /// The place: "URL host", "method", "header name" ...
        place: String,
    },
    /// A reference that is begun but not well formed.
    #[error("malformed reference in {place}: {fault}")]
    MalformedReference {
        /// Where it stands.
        place: String,
        /// What is wrong with it.
        fault: String,
    },
    /// Substitution was asked for without a value for each reference.
    #[error("no value for {reference} in {place}")]
    NoValue {
        /// The reference as written in its canonical form.
        reference: String,
        /// Where it stands.
        place: String,
    },
    /// A value that would change the meaning of the place it goes to.
    #[error("the value of {reference} cannot stand in {place}: {why}")]
    ValueRefused {
        /// The reference in its canonical form.
        reference: String,
        /// Where it stands.
        place: String,
        /// What about the value is in the way, without showing any of it.
        why: crate::Refusal,
    },
    /// An option such as `--resolve` that cannot be read.
    #[error("{option}: {why}")]
    OptionMalformed {
        /// The option as it is written on the command line.
        option: &'static str,
        /// What is wrong with its text.
        why: &'static str,
    },

    /// The text of `-x` cannot be read.
    #[error("the proxy is refused: {why}")]
    ProxyMalformed {
        /// What is wrong with it, without its text.
        why: String,
    },
    /// A kind of proxy that is not spoken to.
    #[error("a proxy is one of http://, https://, socks5:// and socks5h://")]
    ProxySchemeUnsupported,

    // --- the machine
    /// The file of `--cacert` cannot be read or holds no certificate.
    #[error("cannot read the CA file {path}: {source}")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file of `--crlfile` cannot be read or holds no revocation list.
    #[error("cannot read the revocation lists of {path}: {source}")]
    CrlFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The text of `--pinnedpubkey`, or the file that it names, is no public key.
    #[error("--pinnedpubkey: {why}")]
    PinMalformed {
        /// What is wrong, naming the file where there is one.
        why: String,
    },
    /// No version of TLS is left that may be spoken.
    #[error("no version of TLS is left: the newest that is wanted is older than the oldest")]
    NoTlsVersion,
    /// The client certificate or its key cannot be read or used.
    #[error("cannot use the client certificate: {why}")]
    ClientCertificate {
        /// What is wrong, naming the file where there is one.
        why: String,
    },
    /// The key of the client certificate is encrypted and nothing was given that opens it.
    #[error("the key of the client certificate is encrypted")]
    PassphraseMissing,
    /// What was given does not open the key of the client certificate.
    #[error("the passphrase does not open the key of the client certificate")]
    PassphraseWrong,
    /// The key is encrypted in the way of PEM from before PKCS #8, which a single round of MD5 protects.
    #[error("the key of the client certificate is encrypted in an old way that is not safe")]
    KeyFormOld,
    /// What was to be kept as an authority is none.
    #[error("cannot use the authority: {why}")]
    AuthorityRefused {
        /// What is wrong with it.
        why: String,
    },
    /// The system's trusted certificates or the runtime cannot be set up.
    #[error("cannot prepare the connection: {why}")]
    Setup {
        /// What failed.
        why: String,
    },

    /// What a body was to be read from cannot be read.
    #[error("cannot read {what}: {source}")]
    BodyUnreadable {
        /// The file, or "standard input".
        what: String,
        /// Why.
        source: io::Error,
    },
    /// A file became longer or shorter while it was sent; the request was cut off.
    #[error("{what} changed its length while it was sent")]
    BodyChanged {
        /// The file.
        what: String,
    },
    /// A body has to be sent once more, and a part of it can be read only once.
    #[error("{what} would have to be sent again, and can be read only once")]
    BodyNotRepeatable {
        /// "standard input", or the pipe.
        what: String,
    },

    // --- the way there
    /// The host's name does not resolve.
    #[error("could not resolve host {host}")]
    Resolve {
        /// The name asked for.
        host: String,
        /// The resolver's answer.
        source: Option<io::Error>,
    },
    /// The proxy's name does not resolve.
    #[error("could not resolve the proxy {host}")]
    ResolveProxy {
        /// The name asked for.
        host: String,
        /// The resolver's answer.
        source: Option<io::Error>,
    },
    /// The proxy does not make the connection that it was asked for.
    #[error("the proxy {host} refuses to connect: it answered with status {status}")]
    ProxyRefused {
        /// The proxy.
        host: String,
        /// Its answer to CONNECT.
        status: u16,
    },
    /// The proxy's answer to CONNECT is none.
    #[error("the proxy {host} does not answer as a proxy: {why}")]
    ProxyReply {
        /// The proxy.
        host: String,
        /// What is wrong.
        why: &'static str,
    },
    /// A SOCKS proxy does not make the connection that it was asked for.
    #[error("the SOCKS proxy {host}: {why}")]
    Socks {
        /// The proxy.
        host: String,
        /// What it says, or what is wrong with it.
        why: &'static str,
    },
    /// No address of the host accepts a connection.
    #[error("could not connect to {host} port {port}")]
    Connect {
        /// The host connected to.
        host: String,
        /// The port.
        port: u16,
        /// The last address's error.
        source: Option<io::Error>,
    },
    /// The host has no address of the family that is wanted.
    #[error("{host} has no {family} address")]
    NoAddress {
        /// The host.
        host: String,
        /// `IPv4` or `IPv6`.
        family: &'static str,
        /// Whether it is an address itself, of the other family.
        is_literal: bool,
    },
    /// The connection cannot begin where it is to.
    #[error("cannot connect from where --interface or --local-port says: {source}")]
    Bind {
        /// Why.
        source: io::Error,
    },
    /// A Unix socket cannot be connected to.
    #[error("could not connect to the socket {path}: {source}")]
    Socket {
        /// The path, or the name.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The request holds a secret, and the Unix socket belongs to somebody else than the user or root.
    #[error("the socket {path} belongs to another user, and the request holds a secret")]
    SocketNotOurs {
        /// The path, or the name.
        path: String,
    },
    /// The destination was allowed because it ends on this machine, and the connection did not.
    #[error("{host} was to end on loopback but the connection went to {peer}")]
    NotLoopback {
        /// The host of the URL.
        host: String,
        /// Where the connection ended.
        peer: SocketAddr,
    },
    /// A time limit passed.
    #[error("timed out while {doing}")]
    Timeout {
        /// What was going on.
        doing: &'static str,
    },
    /// The transfer was slower than it may be.
    #[error("slower than {bytes} bytes a second for {seconds} s")]
    TooSlow {
        /// `--speed-limit`
        bytes: u64,
        /// `--speed-time`
        seconds: u64,
    },
    /// The TLS handshake failed for another reason than the server's certificate.
    #[error("no TLS connection to {host}: {fault}")]
    Tls {
        /// The host of the URL.
        host: String,
        /// What is wrong.
        fault: TlsFault,
    },
    /// The server's certificate is not trusted for this host.
    #[error("the certificate of {host} is not trusted: {fault}")]
    Certificate {
        /// The host of the URL.
        host: String,
        /// Expired, wrong name, unknown issuer ...
        fault: CertificateFault,
    },
    /// The server's public key is none of those that `--pinnedpubkey` names.
    #[error("the public key of {host} is not the one that is pinned")]
    PinMismatch {
        /// The host of the URL.
        host: String,
    },
    /// The caller's hook said no just before the first byte of the request.
    #[error("stopped before sending: {source}")]
    StoppedBeforeSend {
        /// The hook's error.
        source: BoxError,
    },

    // --- the exchange
    /// The request could not be written.
    #[error("sending to {host} failed: {source}")]
    Send {
        /// The host of the URL.
        host: String,
        /// The connection's error.
        source: io::Error,
    },
    /// The response could not be read.
    #[error("receiving from {host} failed: {source}")]
    Receive {
        /// The host of the URL.
        host: String,
        /// The connection's error.
        source: io::Error,
    },
    /// The connection was closed without a single byte of an answer.
    #[error("empty reply from {host}")]
    EmptyReply {
        /// The host of the URL.
        host: String,
    },
    /// What answers there does not speak HTTP/1.0 or 1.1.
    #[error("{host} does not answer in HTTP/1")]
    NotHttp {
        /// The host of the URL.
        host: String,
    },
    /// What answers there speaks TLS, and the URL says that it does not.
    #[error("{host} speaks TLS on this port")]
    SpeaksTls {
        /// The host of the URL.
        host: String,
    },
    /// The answer breaks the rules of HTTP.
    #[error("the reply of {host} is not valid HTTP: {why}")]
    Reply {
        /// The host of the URL.
        host: String,
        /// What is wrong.
        why: &'static str,
    },
    /// The body ended before it was complete.
    #[error("{host} closed the connection in the middle of the response body")]
    Partial {
        /// The host of the URL.
        host: String,
    },
    /// The body does not decode as its Content-Encoding says.
    #[error("the response body is not valid {coding}")]
    Decoding {
        /// "gzip", "deflate", "br" or "zstd".
        coding: &'static str,
    },
    /// The body is encoded in a way that is not known, or more often than anybody needs.
    #[error("the response body is encoded in a way that is not known")]
    CodingUnknown,
    /// HTTP/2 failed.
    #[error("HTTP/2 exchange with {host} failed: {why}")]
    Http2 {
        /// The host of the URL.
        host: String,
        /// The library's words.
        why: String,
    },

    /// The handshake of NTLM did not come to its end.
    #[error("NTLM with {host} failed: {why}")]
    Ntlm {
        /// The host of the URL.
        host: String,
        /// What is wrong.
        why: &'static str,
    },

    // --- redirects
    /// More redirects than allowed.
    #[error("more than {limit} redirects")]
    TooManyRedirects {
        /// The limit that was reached.
        limit: u32,
    },
    /// A redirect that would carry a secret where it must not go.
    #[error("redirect to {to} not followed: {why}")]
    RedirectRefused {
        /// The origin that it names, or "an unusable URL".
        to: String,
        /// Why.
        why: RedirectFault,
    },
    /// The caller did not let a hop of a redirect chain go on.
    #[error("{source}")]
    HopRefused {
        /// The caller's error.
        source: BoxError,
    },
}

/// Why a redirect stops the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedirectFault {
    /// 307 or 308 to another origin, and the body was filled from the vault.
    #[error("it asks for the body again, which held a secret, at another origin")]
    BodyHeldSecret,
    /// The Location repeats a value that was filled in.
    #[error("its Location carries the value of a secret")]
    LocationCarriesSecret,
    /// From https to http after a secret was sent.
    #[error("it leaves https after a secret was sent")]
    Downgrade,
    /// The Location is no URL that can be followed.
    #[error("its Location cannot be used")]
    Location,
}

impl HttpError {
    /// A stable name for scripts and tests.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::UrlMalformed { .. } => "url_malformed",
            Self::SchemeUnsupported { .. } => "scheme_unsupported",
            Self::SchemeExcluded { .. } => "scheme_excluded",
            Self::UserInUrl => "user_in_url",
            Self::LengthUnknown => "length_unknown",
            Self::MethodMalformed => "method_malformed",
            Self::HeaderRefused { .. } => "header_refused",
            Self::ReferenceNotAllowed { .. } => "reference_not_allowed",
            Self::MalformedReference { .. } => "malformed_reference",
            Self::NoValue { .. } => "no_value",
            Self::ValueRefused { .. } => "value_refused",
            Self::OptionMalformed { .. } => "option_malformed",
            Self::ProxyMalformed { .. } => "proxy_malformed",
            Self::ProxySchemeUnsupported => "proxy_scheme_unsupported",
            Self::CaFile { .. } => "ca_file",
            Self::CrlFile { .. } => "crl_file",
            Self::PinMalformed { .. } => "pin_malformed",
            Self::NoTlsVersion => "no_tls_version",
            Self::ClientCertificate { .. } => "client_certificate",
            Self::PassphraseMissing => "passphrase_missing",
            Self::PassphraseWrong => "passphrase_wrong",
            Self::KeyFormOld => "key_form_old",
            Self::AuthorityRefused { .. } => "authority_refused",
            Self::Setup { .. } => "setup",
            Self::BodyUnreadable { .. } => "body_unreadable",
            Self::BodyChanged { .. } => "body_changed",
            Self::BodyNotRepeatable { .. } => "body_not_repeatable",
            Self::Resolve { .. } => "resolve",
            Self::ResolveProxy { .. } => "resolve_proxy",
            Self::ProxyRefused { .. } => "proxy_refused",
            Self::ProxyReply { .. } => "proxy_reply",
            Self::Socks { .. } => "socks",
            Self::Connect { .. } => "connect",
            Self::NoAddress { .. } => "no_address",
            Self::Bind { .. } => "bind",
            Self::Socket { .. } => "socket",
            Self::SocketNotOurs { .. } => "socket_not_ours",
            Self::NotLoopback { .. } => "not_loopback",
            Self::Timeout { .. } => "timeout",
            Self::TooSlow { .. } => "too_slow",
            Self::Tls { .. } => "tls",
            Self::Certificate { .. } => "certificate",
            Self::PinMismatch { .. } => "pin_mismatch",
            Self::StoppedBeforeSend { .. } => "stopped_before_send",
            Self::Send { .. } => "send",
            Self::Receive { .. } => "receive",
            Self::EmptyReply { .. } => "empty_reply",
            Self::NotHttp { .. } => "not_http",
            Self::SpeaksTls { .. } => "speaks_tls",
            Self::Reply { .. } => "reply",
            Self::Partial { .. } => "partial",
            Self::Decoding { .. } => "decoding",
            Self::CodingUnknown => "coding_unknown",
            Self::Http2 { .. } => "http2",
            Self::Ntlm { .. } => "ntlm",
            Self::TooManyRedirects { .. } => "too_many_redirects",
            Self::RedirectRefused { .. } => "redirect_refused",
            Self::HopRefused { .. } => "hop_refused",
        }
    }

    /// The exit code that curl 7.88 has for this (`man curl`, EXIT CODES), where it has one.
    ///
    /// What only subrosa refuses has none: the caller chooses.
    #[must_use]
    pub fn curl_code(&self) -> Option<u8> {
        Some(match self {
            Self::NotHttp { .. }
            | Self::SpeaksTls { .. }
            | Self::SchemeUnsupported { .. }
            | Self::SchemeExcluded { .. } => 1,
            Self::UrlMalformed { .. } => 3,
            Self::ProxyMalformed { .. } | Self::ResolveProxy { .. } => 5,
            Self::Resolve { .. } | Self::NoAddress { is_literal: false, .. } => 6,
            Self::Connect { .. }
            | Self::NoAddress { .. }
            | Self::Socket { .. }
            | Self::ProxySchemeUnsupported => 7,
            Self::Reply { .. } => 8,
            Self::Http2 { .. } => 16,
            Self::Partial { .. } => 18,
            Self::Setup { .. } => 2,
            Self::BodyUnreadable { .. } | Self::BodyChanged { .. } => 26,
            Self::Timeout { .. } | Self::TooSlow { .. } => 28,
            Self::LengthUnknown => 25,
            Self::Tls { .. } | Self::NoTlsVersion => 35,
            Self::Bind { .. } => 45,
            Self::TooManyRedirects { .. } => 47,
            Self::OptionMalformed { .. } => 49,
            Self::EmptyReply { .. } => 52,
            Self::Send { .. } => 55,
            Self::Receive { .. } | Self::ProxyRefused { .. } | Self::ProxyReply { .. } => 56,
            Self::ClientCertificate { .. }
            | Self::PassphraseMissing
            | Self::PassphraseWrong
            | Self::KeyFormOld => 58,
            Self::Certificate { .. } => 60,
            Self::Decoding { .. } | Self::CodingUnknown => 61,
            Self::BodyNotRepeatable { .. } => 65,
            Self::UserInUrl => 67,
            Self::CaFile { .. } => 77,
            Self::CrlFile { .. } => 82,
            Self::PinMalformed { .. } | Self::PinMismatch { .. } => 90,
            Self::Ntlm { .. } => 94,
            Self::Socks { .. } => 97,
            _ => return None,
        })
    }

    /// What can be done about it, as one line or none.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::ValueRefused { why, .. } => why.hint(),
            Self::Certificate { fault, .. } => fault.hint(),
            Self::Tls { fault, .. } => fault.hint(),
            Self::ProxyRefused { status: 407, .. } => {
                Some("-U '<<vault:user>>:<<vault:password>>' says who asks")
            }
            Self::PinMismatch { .. } => {
                Some("look whether the server has a new key, or whether it is the server that you mean")
            }
            Self::PinMalformed { .. } => Some(
                "openssl x509 -in CERT.pem -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64",
            ),
            Self::NoTlsVersion => Some("leave --tls-max out"),
            Self::KeyFormOld => Some("openssl pkcs8 -topk8 -in OLD.pem -out NEW.pem"),
            Self::BodyNotRepeatable { .. } => Some("send it from a file"),
            Self::SpeaksTls { .. } => Some("write the URL with https://"),
            Self::RedirectRefused { .. } => Some("send the request to the final URL itself"),
            _ => None,
        }
    }
}
