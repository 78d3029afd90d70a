//! What `-v` shows: curl's lines in curl's order, with secrets masked.
//!
//! The steps of a handshake are left out, and what curl says of its own buffers and bundles: they are about a library
//! that is not there.

use crate::failure::visible;
use jiff::Timestamp;
use std::io::{self, Write};
use subrosa_http::{CertificateFacts, TlsFacts};
use subrosa_secret::Redactor;

/// Standard error of one transfer with `-v`.
pub(super) struct Verbose<'a> {
    redactor: &'a Redactor,
    is_on: bool,
    /// Whether data is mentioned: it is not where a terminal shows it.
    tells_data: bool,
    /// Whether the last line was about data; several pieces in a row are mentioned once.
    after_data: bool,
    /// The connection in use.
    current: Option<(u64, String)>,
}

impl<'a> Verbose<'a> {
    pub(super) fn new(redactor: &'a Redactor, is_on: bool, tells_data: bool) -> Self {
        Self { redactor, is_on, tells_data, after_data: false, current: None }
    }

    /// One line.
    pub(super) fn say(&mut self, mark: char, text: &[u8]) {
        if self.is_on {
            self.after_data = false;
            let masked = self.redactor.redact(text);
            let text = String::from_utf8_lossy(&masked);
            let _ = writeln!(io::stderr(), "{mark} {}", visible(&text));
        }
    }

    fn note(&mut self, text: &str) {
        self.say('*', text.as_bytes());
    }

    pub(super) fn head(&mut self, mark: char, head: &[u8]) {
        let lines = head.strip_suffix(b"\r\n").unwrap_or(head);
        for line in lines.split(|byte| *byte == b'\n') {
            self.say(mark, line.strip_suffix(b"\r").unwrap_or(line));
        }
    }

    /// Data that is shown elsewhere: `{` comes in, `}` goes out.
    pub(super) fn data(&mut self, mark: char, length: usize) {
        if self.is_on && self.tells_data && !self.after_data && length > 0 {
            let _ = writeln!(io::stderr(), "{mark} [{length} bytes data]");
            self.after_data = true;
        }
    }

    pub(super) fn trying(&mut self, to: &str) {
        self.note(&format!("  Trying {to}..."));
    }

    pub(super) fn connected(&mut self, host: &str, at: &str, port: u16, number: u64) {
        self.note(&format!("Connected to {host} ({at}) port {port} (#{number})"));
        self.current = Some((number, host.to_owned()));
    }

    pub(super) fn reused(&mut self, host: &str, number: u64) {
        self.note(&format!("Re-using existing connection #{number} with host {host}"));
        self.current = Some((number, host.to_owned()));
    }

    /// A response is complete, or will never be.
    pub(super) fn left(&mut self, is_kept: bool) {
        match self.current.take() {
            Some((number, host)) if is_kept => {
                self.note(&format!("Connection #{number} to host {host} left intact"));
            }
            Some((number, _)) => self.note(&format!("Closing connection {number}")),
            None => {}
        }
    }

    pub(super) fn redirected(&mut self, url: &[u8]) {
        if self.is_on {
            self.say('*', &[b"Issue another request to this URL: '", url, b"'"].concat());
        }
    }

    pub(super) fn method(&mut self, from: &str, to: &str) {
        if from != to {
            self.note(&format!("Switch from {from} to {to}"));
        }
    }

    /// The request for a tunnel.
    pub(super) fn connect(&mut self, head: &[u8]) {
        if self.is_on {
            let target = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
            self.say('*', &[b"Establish HTTP proxy tunnel to ", target].concat());
            self.head('>', head);
        }
    }

    pub(super) fn tunnelled(&mut self, status: u16) {
        match status {
            200..=299 => self.note(&format!("CONNECT tunnel established, response {status}")),
            300.. => self.note(&format!("CONNECT tunnel failed, response {status}")),
            _ => {}
        }
    }

    pub(super) fn tls(&mut self, facts: &TlsFacts) {
        if !self.is_on {
            return;
        }
        if !facts.offered.is_empty() {
            self.note(&format!("ALPN: offers {}", facts.offered.join(",")));
        }
        self.note(&format!("SSL connection using {} / {}", facts.version, cipher(&facts.cipher)));
        match &facts.alpn {
            Some(name) => self.note(&format!("ALPN: server accepted {name}")),
            None if facts.offered.is_empty() => {}
            None => self.note("ALPN: server did not agree on a protocol. Uses default."),
        }
        if let Some(certificate) = &facts.certificate {
            self.certificate(certificate);
        }
        match facts.is_verified {
            true => self.note(" SSL certificate verify ok."),
            false => self.note(" SSL certificate verify result: not checked, continuing anyway."),
        }
        match facts.alpn.as_deref() {
            Some("h2") => self.note("using HTTP/2"),
            Some("http/1.1") => self.note("using HTTP/1.1"),
            _ => {}
        }
    }

    fn certificate(&mut self, facts: &CertificateFacts) {
        self.note("Server certificate:");
        self.note(&format!(" subject: {}", facts.subject));
        self.note(&format!(" start date: {}", date(facts.not_before)));
        self.note(&format!(" expire date: {}", date(facts.not_after)));
        self.note(&format!(" issuer: {}", facts.issuer));
    }
}

/// As OpenSSL writes it.
fn date(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map(|time| time.strftime("%b %e %H:%M:%S %Y GMT").to_string()).unwrap_or_default()
}

/// OpenSSL's name of a cipher suite, from that of IANA's registry or of the TLS library.
fn cipher(name: &str) -> String {
    if let Some(rest) = name.strip_prefix("TLS13_") {
        return format!("TLS_{rest}");
    }
    let Some(rest) = name.strip_prefix("TLS_").filter(|rest| rest.contains("_WITH_")) else {
        return name.to_owned();
    };
    let rest = rest.replace("_WITH_", "_").replace("AES_", "AES").replace('_', "-");
    match rest.strip_suffix("-SHA256").filter(|rest| rest.ends_with("POLY1305")) {
        Some(rest) => rest.to_owned(),
        None => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ciphers_have_the_names_that_curl_shows() {
        for (name, shown) in [
            ("TLS13_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
            ("TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
            ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
            ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"),
        ] {
            assert_eq!(cipher(name), shown);
        }
    }

    #[test]
    fn dates_are_written_as_openssl_writes_them() {
        assert_eq!(date(1_551_781_230), "Mar  5 10:20:30 2019 GMT");
    }
}
