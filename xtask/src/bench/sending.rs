//! Requests beside curl's: one, many over one connection, and bodies of a gibibyte.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::ROUNDS;
use super::contest::{Contest, command};
use super::home::{self, Home};
use super::server::{self, Server};

/// Requests in the run of many.
const REQUESTS: u32 = 1_000;
/// Bytes of a long body.
const LONG: u64 = 1 << 30;
/// Rounds of what takes a second.
const FEW: usize = ROUNDS / 3;

/// Every request of subrosa's holds a secret.
pub(super) fn measure(home: &Home) -> Result<(), String> {
    let server = Server::start().map_err(|error| format!("a local server: {error}"))?;
    let secret = home::name(3);
    let header = format!("X-Key: <<vault:{secret}>>");
    home.run(&["allow", &secret, &server.url("")])?;
    short(home, &server, &header);
    long(home, &server, &header).map_err(|error| format!("a long body: {error}"))
}

fn curl(words: &[&str]) -> std::process::Command {
    command(Path::new("curl"), &[&["-s", "-H", "X-Key: x"], words].concat())
}

fn short(home: &Home, server: &Server, header: &str) {
    let (url, many) = (server.url("/"), server.url(&format!("/[1-{REQUESTS}]")));
    let mut one = Contest::new("send: one GET on loopback", "<= curl, <= 1.5 x its memory, <= 16 MB");
    one.enter("subrosa", |_| home.command(&["send", "-s", "-H", header, &url]));
    one.enter_installed("curl", |_| curl(&[&url]));
    one.enter_installed("xh", |_| command(Path::new("xh"), &["--ignore-stdin", "GET", &url]));
    one.hold(2 * ROUNDS);
    let mut all = Contest::new(
        format!("send: {REQUESTS} requests in one run, keep-alive"),
        "<= 1.6 x curl's time, <= 100 ms",
    );
    all.enter("subrosa", |_| home.command(&["send", "-s", "-H", header, &many]));
    all.enter_installed("curl", |_| curl(&[&many]));
    all.hold(ROUNDS);
}

fn long(home: &Home, server: &Server, header: &str) -> io::Result<()> {
    let (budget, url) = ("<= 1.43 x curl's time, constant memory", server.url(&format!("/long/{LONG}")));
    let mut down = Contest::new("send: download of 1 GiB to standard output", budget);
    down.enter("subrosa", |_| home.command(&["send", "-s", "-H", header, &url]));
    down.enter_installed("curl", |_| curl(&[&url]));
    down.enter("subrosa, masked", |_| home.command(&["send", "-s", "--mask", "-H", header, &url]));
    down.hold(FEW);

    let (path, sink) = (home.path("long"), server.url("/"));
    let mut file = File::create(&path)?;
    for _ in 0..LONG / server::BLOCK as u64 {
        file.write_all(&server::block())?;
    }
    let path = path.to_string_lossy();
    let mut up = Contest::new("send: upload of 1 GiB from a file", budget);
    up.enter("subrosa", |_| home.command(&["send", "-s", "-H", header, "-T", &path, &sink]));
    up.enter_installed("curl", |_| curl(&["-T", &path, &sink]));
    up.hold(FEW);
    std::fs::remove_file(&*path)
}
