//! HTTP/1.1 as a client speaks it (RFC 9112), by hand on `httparse`.
//!
//! A request has to leave byte for byte as curl would write it, and `-i` shows the response head as it was
//! received. hyper's client can do neither, because its header map keeps names in lower case and in groups.
//! Measured with hyper 1.12: of `X-API-KEY`, `X-Foo: 1`, `x-bar`, `X-Foo: 2` it sends `x-api-key`, `x-foo: 1`,
//! `x-foo: 2`, `x-bar`; `X-Api-Key`, `X-Foo`, `X-Foo`, `X-Bar` with `title_case_headers`; and with
//! `preserve_header_case` the same as without, since the original case can only come from a message that hyper
//! itself has read. Of a response's `X-B: 1`, `Server-ID`, `x-b: 2` it gives `x-b: 1`, `x-b: 2`, `server-id`.
//!
//! What is written here is the framing of one exchange and nothing else; splitting a head into lines, names and
//! values is `httparse`'s, the parser under hyper. Everything that a server controls has a limit: a head 300 KiB
//! (curl's), interim heads 64, a line of a chunked body and all trailers 16 KiB each, one read 16 KiB. Whatever
//! leaves the end of a body in doubt is an error or closes the connection.

mod exchange;
mod framing;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod head;
mod outgoing;

pub(crate) use exchange::{Exchange, Http1, Reading};
pub(super) use head::{HeadFault, parse as parse_head};
pub(crate) use outgoing::Message;
