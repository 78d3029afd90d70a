//! HTTP/2 through hyper.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::{Captured, Shared};

/// Serves one connection until it closes.
pub(super) async fn serve(stream: TlsStream<TcpStream>, shared: Arc<Shared>, connection: usize) {
    let service = service_fn(move |request| answer(request, shared.clone(), connection));
    let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
    connection: usize,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|whole| whole.to_bytes().to_vec()).unwrap_or_default();
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    if let Some(authority) = parts.uri.authority() {
        headers.push((":authority".to_owned(), authority.as_str().as_bytes().to_vec()));
    }
    for (name, value) in &parts.headers {
        headers.push((name.as_str().to_owned(), value.as_bytes().to_vec()));
    }
    shared.count(body.len() + headers.len());
    let captured = Captured {
        method: parts.method.as_str().to_owned(),
        target: parts.uri.path_and_query().map_or_else(String::new, |target| target.as_str().to_owned()),
        headers,
        body,
        version: "HTTP/2".to_owned(),
        raw_head: Vec::new(),
        raw_body: Vec::new(),
        connection,
    };
    let to_head = captured.method == "HEAD";
    let answer = shared.capture(captured);
    tokio::time::sleep(answer.delay).await;
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let body = if to_head { Vec::new() } else { answer.body };
    Ok(response.body(Full::from(body)).expect("a test scripts a valid answer"))
}
