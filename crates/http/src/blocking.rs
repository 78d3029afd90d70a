//! The client for callers without a runtime of their own.

use bytes::Bytes;
use tokio::runtime::Runtime;

use crate::error::HttpError;
use crate::event::Observer;
use crate::redirect::{self, Hops};
use crate::request::Request;
use crate::response::{Ends, ResponseHead, Sizes, Timings};
use crate::transport;
use crate::{Clock, RequestDraft};

/// A client with a single-threaded runtime, set up at its creation: create it when something is to be sent.
pub struct Client {
    runtime: Runtime,
    client: transport::Client,
}

/// A response that is read without `await`.
pub struct Response<'c> {
    runtime: &'c Runtime,
    response: transport::Response,
}

impl Client {
    /// Starts the runtime.
    ///
    /// # Errors
    /// `Setup` when the system refuses what a runtime needs.
    pub fn new() -> Result<Self, HttpError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(|error| HttpError::Setup { why: error.to_string() })?;
        Ok(Self { runtime, client: transport::Client::new() })
    }

    /// As [`transport::Client::send`].
    ///
    /// # Errors
    /// See [`HttpError`].
    pub fn send(
        &self,
        request: &Request,
        clock: &Clock,
        observer: &mut dyn Observer,
    ) -> Result<Response<'_>, HttpError> {
        let response = self.runtime.block_on(Box::pin(self.client.send(request, clock, observer)))?;
        Ok(Response { runtime: &self.runtime, response })
    }

    /// As [`redirect::follow`].
    ///
    /// # Errors
    /// See [`HttpError`].
    pub fn follow(
        &self,
        draft: &RequestDraft,
        request: Request,
        clock: &Clock,
        limit: u32,
        hops: &mut dyn Hops,
    ) -> Result<Response<'_>, HttpError> {
        // not on the stack, which would be deeper by it
        let chain = Box::pin(redirect::follow(&self.client, draft, request, clock, limit, hops));
        let response = self.runtime.block_on(chain)?;
        Ok(Response { runtime: &self.runtime, response })
    }
}

impl Response<'_> {
    /// Status line and headers as received.
    #[must_use]
    pub fn head(&self) -> &ResponseHead {
        self.response.head()
    }

    /// As [`transport::Response::decode`].
    pub fn decode(&mut self) {
        self.response.decode();
    }

    /// As [`transport::Response::chunk`].
    ///
    /// # Errors
    /// The body ended early, the time is up, or it does not decode.
    pub fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        self.runtime.block_on(self.response.chunk())
    }

    /// When each step was done; `total` goes on until the body is read.
    #[must_use]
    pub fn timings(&self) -> Timings {
        self.response.timings()
    }

    /// Bytes so far.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        self.response.sizes()
    }

    /// As [`transport::Response::is_kept`].
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.response.is_kept()
    }

    /// The addresses of both ends.
    #[must_use]
    pub fn ends(&self) -> Ends {
        self.response.ends()
    }
}
