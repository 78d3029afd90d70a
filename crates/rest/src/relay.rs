//! Requests that a client library made, sent by the transport of this crate.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use subrosa_http::{Body, BodyKind, Client, Connection, HeaderField, HttpError, Request, RequestDraft, Text};
use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_secret::{Name, SecretValue};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::LocalSet;

use crate::answer::Answer;
use crate::fault;
use crate::server::{AT_ONCE, connection_of, exchange, runtime};

/// The transport of a client library that is asynchronous and brings none of its own.
///
/// The library gets a [`RelayHandle`], and its futures are [run](Relay::run) here; what this crate promises of answers, redirects and
/// trust holds for its requests too.
pub struct Relay {
    connection: Arc<Connection>,
    client: Rc<Client>,
    runtime: Runtime,
    jobs: RefCell<UnboundedReceiver<Job>>,
    handle: RelayHandle,
    plain_http: bool,
}

/// What the library holds of a [`Relay`].
#[derive(Debug, Clone)]
pub struct RelayHandle(UnboundedSender<Job>);

struct Job {
    outgoing: Outgoing,
    reply: oneshot::Sender<Result<Answer, ProviderError>>,
}

/// A request as a client library made it.
pub struct Outgoing {
    method: String,
    url: String,
    headers: Vec<HeaderField>,
    credentials: BTreeMap<Name, SecretValue>,
    body: Option<Body>,
}

impl Outgoing {
    /// A request without headers and body.
    #[must_use]
    pub fn new(method: &str, url: &str) -> Self {
        let (method, url) = (method.to_owned(), url.to_owned());
        Self { method, url, headers: Vec::new(), credentials: BTreeMap::new(), body: None }
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(HeaderField::new(name, Text::literal(value)));
        self
    }

    /// With a header whose value is a credential.
    #[must_use]
    pub fn secret_header(mut self, name: &str, value: SecretValue) -> Self {
        let text = format!("credential-{}", self.credentials.len() + 1);
        self.headers.push(HeaderField::new(name, Text::new(format!("<<vault:{text}>>"))));
        self.credentials.insert(Name::parse(&text).expect("letters and a number are a name"), value);
        self
    }

    /// With a body, of which a header says what it is.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Some(Body::of(BodyKind::Form, Text::literal(bytes)));
        self
    }

    fn request(self, connection: &Arc<Connection>) -> Result<Request, HttpError> {
        let mut draft = RequestDraft::new(Text::literal(self.url));
        draft.method = Some(self.method);
        draft.headers = self.headers;
        draft.body = self.body;
        draft.fill(connection, &self.credentials)
    }
}

impl RelayHandle {
    /// Sends a request. Whatever the status, an answer is one. It waits for [`Relay::run`].
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn send(&self, outgoing: Outgoing) -> Result<Answer, ProviderError> {
        let gone = || ProviderError::new(ErrorKind::Unavailable, "the connection was given up");
        let (reply, answer) = oneshot::channel();
        self.0.send(Job { outgoing, reply }).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

impl Relay {
    /// One that knows servers by these authorities (PEM) or the system's. Plain http is refused, unless it is what a machine's own
    /// endpoint speaks.
    ///
    /// # Errors
    /// [`BadSettings`](ErrorKind::BadSettings) for authorities that cannot be read.
    pub fn new(ca: Option<&str>, plain_http: bool) -> Result<Self, ProviderError> {
        let (sender, jobs) = unbounded_channel();
        Ok(Self {
            connection: connection_of(ca, None)?,
            client: Rc::default(),
            runtime: runtime()?,
            jobs: RefCell::new(jobs),
            handle: RelayHandle(sender),
            plain_http,
        })
    }

    /// What the client library sends by.
    #[must_use]
    pub fn handle(&self) -> RelayHandle {
        self.handle.clone()
    }

    /// Runs what a client library does, and sends what it wants to be sent.
    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        let places = Rc::new(Semaphore::new(AT_ONCE));
        LocalSet::new().block_on(&self.runtime, async {
            let mut work = pin!(work);
            poll_fn(|context| {
                while let Poll::Ready(Some(job)) = self.jobs.borrow_mut().poll_recv(context) {
                    self.start(job, Rc::clone(&places));
                }
                work.as_mut().poll(context)
            })
            .await
        })
    }

    fn start(&self, Job { outgoing, reply }: Job, places: Rc<Semaphore>) {
        let is_plain = !outgoing.url.starts_with("https://");
        let request = match is_plain && !self.plain_http {
            true => Err(ProviderError::new(ErrorKind::BadSettings, "an address without TLS is not asked")),
            false => outgoing.request(&self.connection).map_err(|error| fault::of(&error)),
        };
        let client = Rc::clone(&self.client);
        tokio::task::spawn_local(async move {
            let _place = places.acquire().await;
            let answer = match request {
                Ok(request) => exchange(&client, request).await,
                Err(error) => Err(error),
            };
            // whoever asked may have given up
            let _ = reply.send(answer);
        });
    }
}

#[cfg(test)]
mod tests {
    use subrosa_testkit::{Answer as Scripted, CaptureOptions, CaptureServer};

    use super::*;

    fn relay(server: &CaptureServer, plain_http: bool) -> Relay {
        let pem = std::fs::read_to_string(server.ca_path()).expect("a CA");
        Relay::new(Some(&pem), plain_http).expect("a relay")
    }

    #[test]
    fn what_a_library_made_is_sent_as_it_is() {
        let script =
            |place: usize, _: &_| Scripted::status(418).with("X-Place", "here").with_body(format!("{place}"));
        let server = CaptureServer::start(CaptureOptions::tls().answering(script));
        let relay = relay(&server, false);
        let handle = relay.handle();
        let token = SecretValue::new(b"Bearer <<vault:x>>".to_vec()).expect("short");
        let outgoing = Outgoing::new("PUT", &server.url("/a?b=%3C"));
        let outgoing =
            outgoing.header("Content-Type", "application/json").secret_header("Authorization", token);
        let answer = relay.run(async { handle.send(outgoing.body("{\"<<vault:y>>\":1}")).await });
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 418);
        assert!(answer.headers().any(|header| header == ("x-place", "here")));
        assert_eq!(answer.into_body().as_slice(), b"0");
        let sent = &server.requests()[0];
        assert_eq!((sent.method.as_str(), sent.target.as_str()), ("PUT", "/a?b=%3C"));
        assert_eq!(sent.header("authorization"), [b"Bearer <<vault:x>>"]);
        assert_eq!(sent.header("content-type"), [b"application/json"]);
        assert_eq!(sent.body, b"{\"<<vault:y>>\":1}");
    }

    #[test]
    fn hostile_h83_a_library_gets_no_way_around_tls() {
        let server = CaptureServer::start(CaptureOptions::tls());
        let plain = CaptureServer::start(CaptureOptions::default());
        let relay = relay(&server, false);
        let handle = relay.handle();
        for url in
            [plain.url("/"), plain.url("/").to_uppercase(), String::from("ftp://127.0.0.1/"), String::new()]
        {
            let refused = relay.run(handle.send(Outgoing::new("GET", &url)));
            assert_eq!(refused.err().expect("refused").kind(), ErrorKind::BadSettings, "{url}");
        }
        assert_eq!(plain.connections(), 0);
        let untrusting = Relay::new(None, false).expect("a relay");
        let handle = untrusting.handle();
        let refused = untrusting.run(handle.send(Outgoing::new("GET", &server.url("/"))));
        assert_eq!(refused.err().expect("refused").kind(), ErrorKind::Unavailable);
        assert!(server.requests().is_empty());
    }
}
