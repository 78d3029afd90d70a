//! One request and its response on one HTTP/1 connection.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;

use super::framing::{Framing, Step, keeps_alive};
use super::head::{self, HeadFault, MAX_HEAD};
use super::outgoing::{Message, Outgoing, WriteFault};
use crate::error::HttpError;
use crate::response::ResponseHead;
use crate::tls_fault::TlsFault;
use crate::transport::stream::Stream;

/// As much as a long body is worth: each read costs a call of the system.
const READ_SIZE: usize = 64 * 1024;
/// More interim responses than this before the final one are an attack on somebody's memory, and so are more bytes of
/// them than one head may have.
const MAX_INTERIM: usize = 64;

/// A connection between two exchanges.
pub(crate) struct Http1 {
    stream: Stream,
    inbox: BytesMut,
}

/// An exchange under way: the response body is read from it.
pub(crate) struct Exchange {
    connection: Http1,
    outgoing: Outgoing,
    write_error: Option<io::Error>,
    framing: Framing,
    reusable: bool,
    host: String,
    first_byte: Option<Instant>,
    received: bool,
}

/// How an answer is to be read.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    /// It is the answer to a HEAD.
    pub(crate) to_head: bool,
    /// Its chunks stay as they are (`--raw`).
    pub(crate) raw: bool,
    /// It ends with the connection, whatever its head says (`--ignore-content-length`).
    pub(crate) ignores_length: bool,
}

/// What `Exchange::start` is told when the answer began.
pub(crate) struct Answer {
    pub(crate) head: ResponseHead,
    pub(crate) interim: Vec<ResponseHead>,
    pub(crate) first_byte: Option<Instant>,
    /// The body was held back, and nobody asked for it.
    pub(crate) unasked: bool,
}

impl Http1 {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream, inbox: BytesMut::new() }
    }

    /// Whether an idle connection is still silent and open: neither closed nor already talking.
    pub(crate) async fn is_idle(&mut self) -> bool {
        // the runtime learns of what arrived meanwhile when it is given a turn
        tokio::task::yield_now().await;
        let mut byte = [0; 1];
        let mut read = pin!(self.stream.read(&mut byte));
        poll_fn(|cx| Poll::Ready(read.as_mut().poll(cx).is_pending())).await
    }
}

impl Exchange {
    /// Sends head and body and reads up to the end of the final response head.
    ///
    /// # Errors
    /// `EmptyReply` when the connection ended before a byte came back, else what went wrong.
    pub(crate) async fn start(
        connection: Http1,
        host: &str,
        message: Message,
        reading: Reading,
    ) -> Result<(Self, Answer), HttpError> {
        let mut exchange = Self {
            connection,
            outgoing: Outgoing::new(message),
            write_error: None,
            framing: Framing::UntilClose,
            reusable: false,
            host: host.to_owned(),
            first_byte: None,
            received: false,
        };
        let mut interim: Vec<ResponseHead> = Vec::new();
        let head = loop {
            let head = exchange.next_head().await?;
            if head.status >= 200 || head.status == 101 {
                break head;
            }
            if head.status == 100 {
                exchange.outgoing.release();
            }
            let length: usize = interim.iter().map(|head| head.raw.len()).sum();
            if interim.len() == MAX_INTERIM || length + head.raw.len() > MAX_HEAD {
                return Err(exchange.reply("too many interim responses"));
            }
            interim.push(head);
        };
        exchange.framing = Framing::of(&head, reading).map_err(|why| exchange.reply(why))?;
        exchange.reusable = keeps_alive(&head, &exchange.framing);
        let unasked = exchange.outgoing.is_held();
        if unasked || (head.status >= 300 && !exchange.outgoing.is_done()) {
            // as curl does: the rest of a body that nobody waits for is not sent
            exchange.outgoing.stop();
        }
        let first_byte = exchange.first_byte;
        Ok((exchange, Answer { head, interim, first_byte, unasked }))
    }

    async fn next_head(&mut self) -> Result<ResponseHead, HttpError> {
        let mut looked = 0;
        loop {
            if !self.connection.inbox.is_empty() {
                match head::parse_on(&self.connection.inbox, &mut looked) {
                    Ok(Some((head, length))) => {
                        let _ = self.connection.inbox.split_to(length);
                        return Ok(head);
                    }
                    Ok(None) => {}
                    Err(HeadFault::NotHttp) => return Err(self.not_http()),
                    Err(HeadFault::TooLong) => return Err(self.reply("the response head is too long")),
                    Err(HeadFault::Malformed) => return Err(self.reply("malformed response head")),
                }
            }
            if self.pump().await? == 0 {
                return Err(self.ended_early());
            }
        }
    }

    /// The next piece of the body; `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        loop {
            match self.framing.step(&mut self.connection.inbox) {
                Ok(Step::Data(data)) => return Ok(Some(data)),
                Ok(Step::End) => return Ok(None),
                Ok(Step::More) => {}
                Err(why) => {
                    return Err(self.receive(io::Error::new(io::ErrorKind::InvalidData, why)));
                }
            }
            if self.pump().await? == 0 {
                self.reusable = false;
                return if self.framing.ends_with_connection() {
                    Ok(None)
                } else {
                    Err(HttpError::Partial { host: self.host.clone() })
                };
            }
        }
    }

    /// The connection for another request, once the body was read to its end and everything was sent.
    pub(crate) fn into_idle(self) -> Option<Http1> {
        let clean = self.connection.inbox.is_empty() && self.outgoing.is_done() && self.write_error.is_none();
        (self.reusable && clean).then_some(self.connection)
    }

    /// Writes what can be written and reads what is there, both at once: a server may answer before it has
    /// read the whole request, and would wait for ever for a client that only writes.
    async fn pump(&mut self) -> Result<usize, HttpError> {
        poll_fn(|cx| self.poll_pump(cx)).await.map_err(|fault| match fault {
            WriteFault::Connection(error) => self.failed(error),
            // the request stays unfinished, and its connection is closed
            WriteFault::Body(error) => error,
        })
    }

    fn poll_pump(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, WriteFault>> {
        let Http1 { stream, inbox } = &mut self.connection;
        match self.outgoing.poll(stream, cx) {
            Poll::Ready(Err(WriteFault::Connection(error))) => {
                // the answer may have been sent before the server stopped reading: go on reading
                self.outgoing.stop();
                self.write_error = Some(error);
            }
            Poll::Ready(Err(fault)) => return Poll::Ready(Err(fault)),
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
        inbox.reserve(READ_SIZE);
        let count = ready!(pin!(stream.read_buf(inbox)).poll(cx)).map_err(WriteFault::Connection)?;
        if count > 0 && !self.received {
            self.received = true;
            self.first_byte = Some(Instant::now());
        }
        Poll::Ready(Ok(count))
    }

    fn failed(&mut self, error: io::Error) -> HttpError {
        match self.write_error.take() {
            Some(source) if !self.received => HttpError::Send { host: self.host.clone(), source },
            _ => self.receive(error),
        }
    }

    fn ended_early(&mut self) -> HttpError {
        let host = self.host.clone();
        match self.write_error.take() {
            _ if self.received => HttpError::Receive { host, source: io::ErrorKind::UnexpectedEof.into() },
            Some(source) => HttpError::Send { host, source },
            None => HttpError::EmptyReply { host },
        }
    }

    /// A server that speaks TLS answers to anything else with an alert (RFC 8446, 5.1: 21, then 3 and 1 to 3).
    fn not_http(&self) -> HttpError {
        let host = self.host.clone();
        match self.connection.inbox[..] {
            [21, 3, ..] => HttpError::SpeaksTls { host },
            _ => HttpError::NotHttp { host },
        }
    }

    fn receive(&self, source: io::Error) -> HttpError {
        let host = self.host.clone();
        match TlsFault::behind(&source) {
            Some(fault @ TlsFault::ClientCertificate) => HttpError::Tls { host, fault },
            _ => HttpError::Receive { host, source },
        }
    }

    fn reply(&self, why: &'static str) -> HttpError {
        HttpError::Reply { host: self.host.clone(), why }
    }
}
