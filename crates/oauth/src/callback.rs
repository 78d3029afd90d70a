//! One request to the listener: is it the answer to this login?

use std::borrow::Cow;

use subrosa_secret::SecretValue;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::page::{self, Page};

/// The longest head of a request, in bytes. Codes of some authorities have thousands.
pub(crate) const MAX_HEAD: usize = 32 << 10;
const MAX_HEADERS: usize = 100;

/// What the answer to a login has to be like.
pub(crate) struct Expected {
    /// `HOST:PORT` as the redirect address names it.
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) state: String,
    /// What the authority calls itself, where it does.
    pub(crate) issuer: Option<String>,
}

/// The answer of the authority.
pub(crate) enum Callback {
    Code(SecretValue),
    /// What it refused with, as it came.
    Refusal {
        code: String,
        description: String,
    },
}

/// What to do with the bytes so far.
pub(crate) enum Read {
    More,
    Refuse(&'static Page),
    Done(Callback),
}

impl Expected {
    /// Reads the head of a request, as far as it has come.
    pub(crate) fn read(&self, bytes: &[u8]) -> Read {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(bytes) {
            Ok(httparse::Status::Complete(_)) => self.judge(&request),
            Ok(httparse::Status::Partial) if bytes.len() < MAX_HEAD => Read::More,
            _ => Read::Refuse(&page::BAD_REQUEST),
        }
    }

    fn judge(&self, request: &httparse::Request<'_, '_>) -> Read {
        let mut hosts = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("host"));
        let (host, more) = (hosts.next(), hosts.next());
        // a page elsewhere whose name leads here (DNS rebinding) asks for its own name
        if more.is_some() || host.is_none_or(|header| header.value != self.host.as_bytes()) {
            return Read::Refuse(&page::BAD_HOST);
        }
        let target = request.path.unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if path != self.path {
            return Read::Refuse(&page::NOT_FOUND);
        }
        if request.method != Some("GET") {
            return Read::Refuse(&page::BAD_METHOD);
        }
        match self.answer(query) {
            Some(callback) => Read::Done(callback),
            None => Read::Refuse(&page::BAD_REQUEST),
        }
    }

    /// The answer in a query (RFC 6749, section 4.1.2), if it is one to this login. A parameter that comes twice means nothing.
    fn answer(&self, query: &str) -> Option<Callback> {
        let (mut code, mut error, mut description, mut state, mut issuer) = (None, None, None, None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "code" => &mut code,
                "error" => &mut error,
                "error_description" => &mut description,
                "state" => &mut state,
                "iss" => &mut issuer,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return None;
            }
        }
        let state = state?;
        if !bool::from(state.as_bytes().ct_eq(self.state.as_bytes())) {
            return None;
        }
        // RFC 9207: an authority that says who it is says it here too
        if let (Some(said), Some(known)) = (&issuer, &self.issuer)
            && **said != **known
        {
            return None;
        }
        match (code, error) {
            (Some(code), None) if !code.is_empty() => {
                let bytes = Zeroizing::new(Cow::into_owned(code).into_bytes());
                SecretValue::from_zeroizing(bytes).ok().map(Callback::Code)
            }
            (None, Some(error)) => Some(Callback::Refusal {
                code: error.into_owned(),
                description: description.unwrap_or_default().into_owned(),
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected() -> Expected {
        Expected {
            host: "127.0.0.1:10545".to_owned(),
            path: "/".to_owned(),
            state: "s-1".to_owned(),
            issuer: Some("https://id.example.com".to_owned()),
        }
    }

    fn read(head: &str) -> Read {
        expected().read(format!("{head}\r\n\r\n").as_bytes())
    }

    fn status(read: &Read) -> String {
        let Read::Refuse(page) = read else { panic!("it was not refused") };
        String::from_utf8(page.answer()).expect("text")[9..12].to_owned()
    }

    #[test]
    fn the_answer_to_this_login_is_taken() {
        let host = "Host: 127.0.0.1:10545";
        for (query, value) in [
            ("code=abc&state=s-1", "abc"),
            ("state=s-1&code=a%2Bb+c&scope=x", "a+b c"),
            ("state=s%2D1&code=abc&iss=https%3A%2F%2Fid.example.com", "abc"),
        ] {
            let Read::Done(Callback::Code(code)) = read(&format!("GET /?{query} HTTP/1.1\r\n{host}")) else {
                panic!("{query}")
            };
            assert!(code.expose_secret() == value.as_bytes(), "{query}");
        }
        let refused = read(&format!("GET /?error=access_denied&state=s-1 HTTP/1.1\r\n{host}"));
        assert!(matches!(refused, Read::Done(Callback::Refusal { code, .. }) if code == "access_denied"));
    }

    #[test]
    fn hostile_g80_everything_else_is_refused() {
        let host = "Host: 127.0.0.1:10545";
        for (head, answer) in [
            ("GET /?code=abc&state=s-1 HTTP/1.1\r\nHost: evil.example:10545".to_owned(), "421"),
            ("GET /?code=abc&state=s-1 HTTP/1.1\r\nHost: localhost:10545".to_owned(), "421"),
            (format!("GET /?code=abc&state=s-1 HTTP/1.1\r\n{host}\r\n{host}"), "421"),
            ("GET /?code=abc&state=s-1 HTTP/1.1".to_owned(), "421"),
            (format!("GET /?code=abc&state=other HTTP/1.1\r\n{host}"), "400"),
            (format!("GET /?code=abc HTTP/1.1\r\n{host}"), "400"),
            (format!("GET /?code=abc&state=s-1&state=s-1 HTTP/1.1\r\n{host}"), "400"),
            (format!("GET /?code=abc&code=def&state=s-1 HTTP/1.1\r\n{host}"), "400"),
            (format!("GET /?code=&state=s-1 HTTP/1.1\r\n{host}"), "400"),
            (format!("GET /?code=abc&error=x&state=s-1 HTTP/1.1\r\n{host}"), "400"),
            (format!("GET /?state=s-1 HTTP/1.1\r\n{host}"), "400"),
            (format!("GET /?code=abc&state=s-1&iss=https://evil.example HTTP/1.1\r\n{host}"), "400"),
            (format!("GET /favicon.ico HTTP/1.1\r\n{host}"), "404"),
            (format!("GET //?code=abc&state=s-1 HTTP/1.1\r\n{host}"), "404"),
            (format!("GET http://127.0.0.1:10545/?code=abc&state=s-1 HTTP/1.1\r\n{host}"), "404"),
            (format!("POST /?code=abc&state=s-1 HTTP/1.1\r\n{host}"), "405"),
            (format!("OPTIONS /?code=abc&state=s-1 HTTP/1.1\r\n{host}"), "405"),
            ("\u{16}\u{3}\u{1}".to_owned(), "400"),
        ] {
            assert_eq!(status(&read(&head)), answer, "{head}");
        }
    }

    #[test]
    fn a_head_is_read_as_it_comes_and_has_an_end() {
        let whole = b"GET /?code=abc&state=s-1 HTTP/1.1\r\nHost: 127.0.0.1:10545\r\n\r\n";
        for length in 0..whole.len() {
            assert!(matches!(expected().read(&whole[..length]), Read::More), "{length}");
        }
        let endless = [whole[..20].to_vec(), vec![b'a'; MAX_HEAD]].concat();
        assert_eq!(status(&expected().read(&endless)), "400");
    }

    #[test]
    fn no_page_holds_anything_of_a_request_or_from_elsewhere() {
        for page in
            [page::DONE, page::REFUSED, page::NOT_FOUND, page::BAD_METHOD, page::BAD_HOST, page::BAD_REQUEST]
        {
            let text = String::from_utf8(page.answer()).expect("text");
            let (head, body) = text.split_once("\r\n\r\n").expect("a head");
            assert!(head.contains("default-src 'none'") && head.contains("no-store"), "{head}");
            assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
            assert!(!body.contains("<script") && !body.contains("http") && !body.contains("abc"), "{body}");
        }
    }
}
