//! Proxies and client certificates from the command line: whose secrets they are, and who is asked.

use subrosa_testkit::{Answer, CaptureOptions, CaptureServer};

use crate::home::{Home, text};
use crate::stage::VALUE;

const PASSWORD: &str = "proxy-password-7d1e90";

/// A proxy that tunnels to `server` and answers what it is to forward itself.
fn proxy_before(server: &CaptureServer) -> CaptureServer {
    let address = server.addr();
    CaptureServer::start(CaptureOptions::default().answering(
        move |_, request| match request.method.as_str() {
            "CONNECT" => Answer::tunnel_to(address),
            _ => Answer::ok("forwarded"),
        },
    ))
}

fn allow_proxy(host: &str) -> String {
    format!("[[trust]]\nhost = \"{host}\"\nallow = [\"--proxy\", \"--cacert\"]\n")
}

#[test]
fn hostile_e65a_a_proxy_needs_the_users_word_for_a_secret_of_the_request() {
    let home = Home::new();
    home.store("key", VALUE, &["--host", "https://api.example.com", "--host", "http://api.example.com"]);
    let server = CaptureServer::start(CaptureOptions::tls_for(&["api.example.com"]));
    let proxy = proxy_before(&server);
    let (address, ca) = (proxy.addr().to_string(), text(&server.ca_path()));
    let secret = ["-H", "X-Key: <<vault:key>>"];
    for url in ["http://api.example.com/", "https://api.example.com/"] {
        for flags in [vec!["-x", &address], vec!["--socks5", &address], vec!["-p", "-x", &address]] {
            let words = [&["send", url, "--cacert", &ca][..], &flags, &secret].concat();
            let run = home.run(&words).ends(100);
            assert!(!run.shows(VALUE), "{run}");
        }
    }
    assert_eq!((proxy.connections(), server.connections()), (0, 0), "nobody was even asked");

    home.configure(&[allow_proxy("http://api.example.com"), allow_proxy("https://api.example.com")].concat());
    let words = ["send", "-x", &address, "http://api.example.com/", secret[0], secret[1]];
    assert_eq!(home.run(&words).ok().out, b"forwarded");
    let words = ["send", "-x", &address, "--cacert", &ca, "https://api.example.com/", secret[0], secret[1]];
    assert_eq!(home.run(&words).ok().out, b"ok");
    let told = proxy.requests();
    assert!(told[0].contains(VALUE) && !told[1].contains(VALUE), "https passes a proxy unseen");
    assert!(server.requests()[0].contains(VALUE));
}

#[test]
fn hostile_e65a_what_a_proxy_is_told_is_judged_by_the_proxys_host() {
    let home = Home::new();
    let server = CaptureServer::start(CaptureOptions::tls_for(&["api.example.com"]));
    let proxy = proxy_before(&server);
    let (address, ca) = (proxy.addr().to_string(), text(&server.ca_path()));
    home.store("password", PASSWORD, &["--host", &format!("http://{address}")]);
    home.store("key", VALUE, &["--host", "https://api.example.com"]);
    let plain = ["send", "--cacert", &ca, "https://api.example.com/path"];
    for flags in [
        vec!["-x", "http://me:<<vault:password>>@PROXY"],
        vec!["-x", "PROXY", "-U", "me:<<vault:password>>"],
        vec!["-x", "PROXY", "--proxy-header", "Proxy-Authorization: <<vault:password>>"],
    ] {
        let flags: Vec<String> = flags.iter().map(|word| word.replace("PROXY", &address)).collect();
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let run = home.run(&[&plain[..], &["-v"], &flags].concat()).ok();
        assert!(!run.shows(PASSWORD) && run.err.contains("> CONNECT api.example.com:443"), "{run}");
        assert!(!server.requests().iter().any(|request| request.contains("authorization")));
        // the key of the host is not for the proxy, wherever it stands
        let swapped: Vec<String> =
            flags.iter().map(|word| word.replace("vault:password", "vault:key")).collect();
        let swapped: Vec<&str> = swapped.iter().map(String::as_str).collect();
        home.run(&[&plain[..], &swapped].concat()).ends(100).says("<<vault:key>> in proxy ");
    }
    // and the proxy's password is not for the host
    let words = [&plain[..], &["-x", &address, "-H", "X: <<vault:password>>"]].concat();
    home.run(&words).ends(100);
    assert_eq!(proxy.requests().len(), 3);
    let log = home.run(&["audit", "show", "--json"]).ok();
    assert!(log.text().contains(&format!("http://{address}")), "the use is recorded for the proxy: {log}");
    assert!(!log.text().contains("api.example.com"));
}

#[test]
fn a_proxy_that_refuses_says_what_to_do() {
    let home = Home::new();
    let proxy = CaptureServer::start(
        CaptureOptions::default()
            .answering(|_, _| Answer::status(407).with("Proxy-Authenticate", "Basic realm=\"x\"")),
    );
    let address = proxy.addr().to_string();
    let run = home.run(&["send", "-x", &address, "https://api.example.com/"]).ends(56);
    run.says("the proxy 127.0.0.1 refuses to connect: it answered with status 407").says("-U ");
    home.run(&["send", "-x", "socks4://127.0.0.1", "http://api.example.com/"]).ends(7);
    home.run(&["send", "-x", "http://[::1:3", "http://api.example.com/"]).ends(5);
    home.run(&["send", "-x", "127.0.0.1:1", "http://api.example.com/"]).ends(7);
}

#[test]
fn the_answer_to_a_connect_is_shown_unless_it_is_not_wanted() {
    let home = Home::new();
    let server = CaptureServer::start(CaptureOptions::default());
    let proxy = proxy_before(&server);
    let address = proxy.addr().to_string();
    let words = ["send", "-i", "-p", "-x", &address, "http://api.example.com/"];
    let run = home.run(&words).ok();
    assert!(
        run.text().starts_with("HTTP/1.1 200 Connection established\r\nX-Proxy: yes\r\n\r\nHTTP/1.1 200 ")
    );
    let run = home.run(&[&words[..], &["--suppress-connect-headers"]].concat()).ok();
    assert!(run.text().starts_with("HTTP/1.1 200 Scripted\r\n"), "{run}");
    let run = home.run(&["send", "-x", &address, "--noproxy", "127.0.0.1", &server.url("/")]).ok();
    assert_eq!((run.text(), proxy.requests().len()), ("ok", 2));
}

#[test]
fn a_client_certificate_is_opened_with_a_secret_of_the_vault() {
    let home = Home::new();
    home.store("passphrase", "sesame", &["--host", "https://elsewhere.example"]);
    let identities = concat!(env!("CARGO_MANIFEST_DIR"), "/../http/tests/identities");
    let (pem, key) = (format!("{identities}/certificate.pem"), format!("{identities}/key-aes.pem"));
    let p12 = format!("{identities}/modern.p12");
    let server = CaptureServer::start(CaptureOptions::tls());
    let (url, ca) = (server.url("/"), text(&server.ca_path()));
    let with_reference = format!("{p12}:<<vault:passphrase>>");
    for flags in [
        vec!["--cert", &pem, "--key", &key, "--pass", "<<vault:passphrase>>"],
        vec!["--cert", &with_reference],
        vec!["--cert", &p12, "--cert-type", "P12", "--pass", "<<vault:passphrase>>"],
    ] {
        let run = home.run(&[&["send", &url, "--cacert", &ca][..], &flags].concat()).ok();
        assert!(!run.err.contains("command line"), "{run}");
    }
    let run = home.run(&["send", &url, "--cacert", &ca, "--cert", &format!("{p12}:sesame")]).ok();
    run.says("the passphrase stood on the command line");
    let piped = home.feed(&["send", &url, "--cacert", &ca, "--cert", &p12, "--pass", "-"], "sesame\n");
    piped.ok();
    home.run(&["send", &url, "--cacert", &ca, "--cert", &p12]).ends(58).says("--pass '<<vault:NAME>>'");
    home.run(&["send", &url, "--cacert", &ca, "--cert", &p12, "--pass", "wrong"]).ends(58);
    home.run(&["send", &url, "--cert", &p12, "--pass", "<<vault:missing>>"]).ends(100);
    assert_eq!(server.requests().len(), 5);
}
