//! What a browser is shown. Nothing of a request stands in it, no script, nothing from elsewhere.

/// An answer, whole: head and page.
pub(crate) struct Page {
    status: &'static str,
    text: &'static str,
}

pub(crate) const DONE: Page = Page {
    status: "200 OK",
    text: "subrosa has what it needs. You can close this page and go back to the terminal.",
};
pub(crate) const REFUSED: Page =
    Page { status: "200 OK", text: "The login was refused. The terminal says why; you can close this page." };
pub(crate) const NOT_FOUND: Page = Page { status: "404 Not Found", text: "There is nothing here." };
pub(crate) const BAD_METHOD: Page =
    Page { status: "405 Method Not Allowed", text: "Only GET is answered here." };
pub(crate) const BAD_HOST: Page = Page { status: "421 Misdirected Request", text: "This is another host." };
pub(crate) const BAD_REQUEST: Page =
    Page { status: "400 Bad Request", text: "This is not the login that subrosa waits for." };

impl Page {
    /// The bytes to send.
    pub(crate) fn answer(&self) -> Vec<u8> {
        let Self { status, text } = self;
        let body = format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>subrosa</title><p>{text}</p></html>\n"
        );
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
             Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\nX-Content-Type-Options: nosniff\r\n\
             Referrer-Policy: no-referrer\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }
}
