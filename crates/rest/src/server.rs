//! The other end.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use subrosa_http::{
    Client, Clock, Connection, ConnectionOptions, HttpError, Identity, Limits, Request, Trust, Unobserved,
    authorities,
};
use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_secret::SecretValue;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};
use zeroize::Zeroizing;

use crate::answer::Answer;
use crate::call::Call;
use crate::fault;

/// The longest answer, in bytes: 4 MiB. A secret is at most a quarter of that.
pub const MAX_ANSWER: usize = 4 << 20;
/// How long one answer may take, its connection included.
pub const PATIENCE: Duration = Duration::from_secs(30);

const CONNECT: Duration = Duration::from_secs(10);
/// So many calls are under way at the same time. Over HTTP/1.1 each has a connection.
pub(crate) const AT_ONCE: usize = 32;

/// An API at one address. Nobody is contacted before the first call.
pub struct Server {
    address: String,
    connection: Arc<Connection>,
    client: Rc<Client>,
    runtime: Runtime,
    /// Whether there was an answer, so that a connection may be there to be shared.
    reached: Cell<bool>,
}

impl Server {
    /// The server at a [settled](crate::settle_address) address, known by these authorities (PEM) or the system's.
    ///
    /// # Errors
    /// [`BadSettings`](ErrorKind::BadSettings) for authorities that cannot be read.
    pub fn new(address: &str, ca: Option<&str>) -> Result<Self, ProviderError> {
        Self::made(address, ca, None)
    }

    /// The same, showing a client certificate; certificate and key stand in one PEM text.
    ///
    /// # Errors
    /// [`BadSettings`](ErrorKind::BadSettings) also for a certificate that cannot be used.
    pub fn with_certificate(
        address: &str,
        ca: Option<&str>,
        pem: &SecretValue,
    ) -> Result<Self, ProviderError> {
        let pem = pem.expose_secret();
        let identity = Identity::from_pem(pem, pem, None).map_err(|error| fault::of(&error))?;
        Self::made(address, ca, Some(identity))
    }

    fn made(address: &str, ca: Option<&str>, identity: Option<Identity>) -> Result<Self, ProviderError> {
        Ok(Self {
            address: address.to_owned(),
            connection: connection_of(ca, identity)?,
            client: Rc::default(),
            runtime: runtime()?,
            reached: Cell::new(false),
        })
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// Why there is none. Whatever the status, an answer is one.
    pub fn call(&self, call: Call<'_>) -> Result<Answer, ProviderError> {
        let request = call.request(&self.address, &self.connection).map_err(|error| fault::of(&error))?;
        let answer = self.runtime.block_on(exchange(&self.client, request));
        self.reached.set(self.reached.get() || answer.is_ok());
        answer
    }

    /// Asks several things at the same time; answers stand in the order of their calls.
    pub fn call_all(&self, calls: Vec<Call<'_>>) -> Vec<Result<Answer, ProviderError>> {
        let mut calls = calls.into_iter();
        let mut answers = Vec::with_capacity(calls.len());
        // the first one makes the connection that the others share, or there would be one for each
        if !self.reached.get() {
            answers.extend(calls.next().map(|call| self.call(call)));
        }
        let requests: Vec<_> = calls.map(|call| call.request(&self.address, &self.connection)).collect();
        let offset = answers.len();
        answers.extend(requests.iter().map(|_| Err(ProviderError::new(ErrorKind::Unavailable, "no answer"))));
        let local = LocalSet::new();
        local.block_on(&self.runtime, async {
            let (places, mut tasks) = (Rc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
            for (at, request) in requests.into_iter().enumerate() {
                let (client, places) = (Rc::clone(&self.client), Rc::clone(&places));
                tasks.spawn_local(async move {
                    let _place = places.acquire().await;
                    let answer = match request {
                        Ok(request) => exchange(&client, request).await,
                        Err(error) => Err(fault::of(&error)),
                    };
                    (at, answer)
                });
            }
            while let Some(done) = tasks.join_next().await {
                if let Ok((at, answer)) = done {
                    answers[offset + at] = answer;
                }
            }
        });
        answers
    }
}

/// How servers are known by these authorities, or the system's, and what they are shown.
pub(crate) fn connection_of(
    ca: Option<&str>,
    identity: Option<Identity>,
) -> Result<Arc<Connection>, ProviderError> {
    let trust = match ca.map(|pem| authorities(pem.as_bytes())) {
        Some(Ok(found)) => Trust::Ca(found),
        Some(Err(why)) => {
            let text = format!("the authorities to trust: {why}");
            return Err(ProviderError::new(ErrorKind::BadSettings, text));
        }
        None => Trust::System,
    };
    Ok(Connection::new(ConnectionOptions { trust, identity, ..ConnectionOptions::default() }))
}

pub(crate) fn runtime() -> Result<Runtime, ProviderError> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let made = runtime.enable_io().enable_time().build();
    made.map_err(|error| ProviderError::new(ErrorKind::BadSettings, error.to_string()))
}

pub(crate) async fn exchange(client: &Client, request: Request) -> Result<Answer, ProviderError> {
    let clock = Clock::start(&Limits { connect: Some(CONNECT), total: Some(PATIENCE), ..Limits::default() });
    let failed = |error: HttpError| fault::of(&error);
    let mut response = client.send(&request, &clock, &mut Unobserved).await.map_err(failed)?;
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            let text = format!("the answer is longer than {} MiB", MAX_ANSWER >> 20);
            return Err(ProviderError::new(ErrorKind::BadAnswer, text));
        }
        extend(&mut body, &chunk);
    }
    Ok(Answer { head: response.head().clone(), body })
}

/// Appends; where that needs more room, what was there is wiped where it stood.
fn extend(body: &mut Zeroizing<Vec<u8>>, more: &[u8]) {
    if body.len() + more.len() > body.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(2 * (body.len() + more.len())));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(more);
}
