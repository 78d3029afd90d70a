//! Whole logins, against an authority that answers as the test says and a person who does what a browser would.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest as _, Sha256};
use subrosa_oauth::{Authority, Browser, Client, Endpoints, Loopback, Tokens};
use subrosa_provider::{ErrorKind, Person, ProviderError};
use subrosa_secret::SecretValue;
use subrosa_testkit::{Answer, CaptureOptions, CaptureServer, Captured};

/// What the page that was opened asks for.
struct Asked(Vec<(String, String)>);

impl Asked {
    fn of(url: &str) -> Self {
        let (_, query) = url.split_once('?').expect("a query");
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    fn text(&self, name: &str) -> &str {
        let mut found = self.0.iter().filter(|(one, _)| one == name);
        let (Some((_, value)), None) = (found.next(), found.next()) else { panic!("{name} is there once") };
        value
    }

    /// Brings an answer to where it is waited for; what was answered.
    fn answer(&self, query: &str) -> String {
        let redirect = self.text("redirect_uri");
        let (host, path) =
            redirect.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("an address");
        request(host, &format!("GET /{path}?{query} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
    }
}

fn request(host: &str, text: &str) -> String {
    let mut stream = TcpStream::connect(host).expect("somebody listens");
    stream.write_all(text.as_bytes()).expect("sent");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

/// Somebody who does in the browser what the test says, and remembers what was shown.
struct Ada<'a> {
    browses: Box<dyn Fn(Asked) + Send + Sync + 'a>,
    told: Mutex<Vec<String>>,
}

impl<'a> Ada<'a> {
    fn who(browses: impl Fn(Asked) + Send + Sync + 'a) -> Self {
        Self { browses: Box::new(browses), told: Mutex::default() }
    }

    fn told(&self) -> String {
        self.told.lock().expect("no panic").join("\n")
    }
}

impl Person for Ada<'_> {
    fn tell(&self, line: &str) {
        self.told.lock().expect("no panic").push(line.to_owned());
    }

    fn open(&self, url: &str) {
        self.tell(url);
        (self.browses)(Asked::of(url));
    }

    fn ask(&self, _: &str) -> Result<SecretValue, ProviderError> {
        panic!("nothing is asked for")
    }
}

/// Does something while the login waits.
fn meanwhile(work: impl FnOnce() + Send + 'static) {
    thread::spawn(work);
}

type Script = Box<dyn Fn(&Captured) -> Option<Answer> + Send + Sync>;

/// An authority with a discovery document; what else is asked, the script answers.
fn server(script: Script) -> CaptureServer {
    CaptureServer::start(CaptureOptions::tls().answering(move |_, request| {
        if let Some(answer) = script(request) {
            return answer;
        }
        let host = host(request);
        json(&format!(
            r#"{{"issuer":"https://{host}/id","authorization_endpoint":"https://{host}/page?a=b","token_endpoint":"https://{host}/token"}}"#
        ))
    }))
}

fn host(request: &Captured) -> String {
    String::from_utf8(request.header(":authority")[0].to_vec()).expect("text")
}

fn json(text: &str) -> Answer {
    Answer::ok(text).with("Content-Type", "application/json")
}

fn ca(server: &CaptureServer) -> String {
    std::fs::read_to_string(server.ca_path()).expect("a file")
}

fn discovered(server: &CaptureServer) -> Result<Authority, ProviderError> {
    Authority::discover(&server.url("/id"), Some(&ca(server)), false)
}

fn form(request: &Captured) -> Vec<(String, String)> {
    form_urlencoded::parse(&request.body).into_owned().collect()
}

fn identity(issuer: &str, nonce: &str) -> String {
    let part = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
    let claims = format!(r#"{{"iss":"{issuer}","aud":["subrosa"],"exp":9e9,"nonce":"{nonce}"}}"#);
    format!("{}.{}.{}", part("{}"), part(&claims), part("x"))
}

fn failure(result: Result<Tokens, ProviderError>) -> ProviderError {
    result.err().expect("no tokens")
}

const OPENID: Browser<'_> = Browser {
    scope: "openid",
    more: &[("prompt", "login")],
    loopback: Loopback { host: "127.0.0.1", ports: &[], path: "/" },
    explain: None,
};

/// The authority's side of a login: the nonce that it was asked with goes into the token.
#[derive(Clone, Default)]
struct Noted(Arc<Mutex<Option<Asked>>>);

#[test]
fn a_login_in_a_browser_proves_that_it_is_one_and_the_same() {
    let noted = Noted::default();
    let (seen, authority_knows) = (noted.clone(), noted.clone());
    let server = server(Box::new(move |request| {
        (request.target == "/token").then(|| {
            let host = host(request);
            let asked = authority_knows.0.lock().expect("no panic");
            let nonce = asked.as_ref().expect("a page was opened").text("nonce").to_owned();
            let id = identity(&format!("https://{host}/id"), &nonce);
            json(&format!(
                r#"{{"access_token":"at-1","token_type":"Bearer","expires_in":300,"refresh_token":"rt-1","id_token":"{id}"}}"#
            ))
        })
    }));
    let authority = discovered(&server).expect("it is there");
    let ada = Ada::who(move |asked| {
        let state = asked.text("state").to_owned();
        let copy = Asked(asked.0.clone());
        *seen.0.lock().expect("no panic") = Some(copy);
        meanwhile(move || {
            // what a page elsewhere, a scanner or an impatient browser would send
            assert!(asked.answer("code=evil&state=guessed").starts_with("HTTP/1.1 400"));
            let idle = TcpStream::connect(
                asked.text("redirect_uri").trim_start_matches("http://").trim_end_matches('/'),
            );
            let page = asked.answer(&format!("code=c%2B1&state={state}"));
            assert!(page.starts_with("HTTP/1.1 200") && !page.contains("c+1") && !page.contains(&state));
            drop(idle);
        });
    });
    let tokens = authority.log_in(&Client::public("subrosa"), &OPENID, &ada).expect("a login");
    assert!(tokens.access.expose_secret() == b"at-1" && tokens.id.is_some() && tokens.expires.is_some());
    assert!(tokens.refresh.expect("one").expose_secret() == b"rt-1");

    let asked = noted.0.lock().expect("no panic").take().expect("a page was opened");
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "subrosa"),
        ("scope", "openid"),
        ("a", "b"),
        ("prompt", "login"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(asked.text(name), value);
    }
    let exchange = server.requests().pop().expect("the exchange");
    let sent = Asked(form(&exchange));
    assert_eq!(
        (sent.text("grant_type"), sent.text("code"), sent.text("client_id")),
        ("authorization_code", "c+1", "subrosa")
    );
    assert_eq!(sent.text("redirect_uri"), asked.text("redirect_uri"));
    let challenge = BASE64URL_NOPAD.encode(&Sha256::digest(sent.text("code_verifier")));
    assert_eq!(challenge, asked.text("code_challenge"));
    assert!(!ada.told().contains(sent.text("code_verifier")) && !ada.told().contains("c+1"));
    assert!(
        TcpStream::connect(asked.text("redirect_uri").trim_start_matches("http://").trim_end_matches('/'))
            .is_err(),
        "the port is closed"
    );
}

#[test]
fn a_refusal_is_told_by_its_code_and_what_the_caller_knows_of_it() {
    let server = server(Box::new(|_| None));
    let authority = discovered(&server).expect("it is there");
    let refused = |query: &'static str, explain| {
        let ada = Ada::who(move |asked| {
            let state = asked.text("state").to_owned();
            meanwhile(move || drop(asked.answer(&format!("{query}&state={state}"))));
        });
        failure(authority.log_in(&Client::public("subrosa"), &Browser { explain, ..OPENID }, &ada))
    };
    let error = refused("error=access_denied&error_description=hunter2", None);
    assert_eq!(
        (error.kind(), error.to_string()),
        (ErrorKind::Denied, "the login was refused: access_denied".into())
    );
    let error = refused("error=hunter2", None);
    assert!(error.kind() == ErrorKind::Denied && !error.to_string().contains("hunter2"), "{error}");
    let explain: subrosa_oauth::Explain = |code, description| {
        (code == "access_denied" && description == "a b")
            .then(|| ProviderError::new(ErrorKind::NotFound, "it is explained"))
    };
    assert_eq!(
        refused("error=access_denied&error_description=a+b", Some(explain)).kind(),
        ErrorKind::NotFound
    );
    assert_eq!(refused("error=access_denied", Some(explain)).kind(), ErrorKind::Denied);
}

#[test]
fn hostile_h86_a_token_endpoint_that_repeats_what_it_was_sent_is_not_repeated() {
    for (answer, kind) in [
        (
            Answer::status(400).with_body(r#"{"error":"invalid_grant","error_description":"c-1 hunter2"}"#),
            ErrorKind::Expired,
        ),
        (Answer::status(401).with_body(r#"{"error":"hunter2"}"#), ErrorKind::Denied),
        (Answer::status(400).with_body("hunter2"), ErrorKind::BadAnswer),
        (Answer::status(500).with_body("hunter2"), ErrorKind::Unavailable),
        (Answer::redirect(307, "https://evil.example/?hunter2"), ErrorKind::BadSettings),
        (Answer::ok("hunter2"), ErrorKind::BadAnswer),
        (Answer::ok(r#"{"access_token":"","token_type":"Bearer"}"#), ErrorKind::BadAnswer),
        (Answer::ok(r#"{"access_token":"hunter2","token_type":"mac"}"#), ErrorKind::BadAnswer),
        (
            Answer::ok(r#"{"access_token":"hunter2","token_type":"Bearer","id_token":"hunter2"}"#),
            ErrorKind::BadAnswer,
        ),
        (Answer::ok(vec![b'x'; 5 << 20]), ErrorKind::BadAnswer),
        (Answer::ok(&b"\xff\xfe"[..]), ErrorKind::BadAnswer),
    ] {
        let answer = Mutex::new(Some(answer));
        let server = server(Box::new(move |request| {
            (request.target == "/token").then(|| answer.lock().expect("no panic").take().expect("asked once"))
        }));
        let ada = Ada::who(|asked| {
            let state = asked.text("state").to_owned();
            meanwhile(move || drop(asked.answer(&format!("code=c-1&state={state}"))));
        });
        let authority = discovered(&server).expect("it is there");
        let error = failure(authority.log_in(&Client::public("subrosa"), &OPENID, &ada));
        assert_eq!(error.kind(), kind, "{error}");
        let text = format!("{error} {error:?}");
        assert!(!text.contains("hunter2") && !text.contains("c-1"), "{text}");
    }
}

#[test]
fn of_several_ports_the_first_free_one_is_taken() {
    let server = server(Box::new(|_| None));
    let authority = discovered(&server).expect("it is there");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let [first, second] = [&taken, &free].map(|one| one.local_addr().expect("bound").port());
    let both = Browser { loopback: Loopback { ports: &[first, second], ..Loopback::default() }, ..OPENID };
    let nobody = Ada::who(|_| panic!("no page is opened where nobody could come back"));
    let error = failure(authority.log_in(&Client::public("subrosa"), &both, &nobody));
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains(&format!("{first} and {second}")), "{error}");
    drop(free);
    let ada = Ada::who(|asked| {
        let state = asked.text("state").to_owned();
        meanwhile(move || drop(asked.answer(&format!("error=access_denied&state={state}"))));
    });
    assert_eq!(failure(authority.log_in(&Client::public("subrosa"), &both, &ada)).kind(), ErrorKind::Denied);
    assert!(ada.told().contains(&format!("127.0.0.1%3A{second}%2F")), "{}", ada.told());
}

#[test]
fn hostile_h84_an_authority_is_who_it_says_and_https() {
    let document = |text: &'static str| {
        let server = server(Box::new(move |_| Some(json(text))));
        discovered(&server).err().expect("it is refused").to_string()
    };
    assert!(document(r#"{"issuer":"https://evil.example","authorization_endpoint":"https://a/","token_endpoint":"https://a/"}"#).contains("calls itself https://evil.example"));
    assert!(document("{}").contains("not the JSON"));
    let with = |more: &'static str| {
        let server = server(Box::new(move |request| {
            let host = host(request);
            Some(json(&format!(r#"{{"issuer":"https://{host}/id",{more}}}"#)))
        }));
        discovered(&server).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(
        with(r#""authorization_endpoint":"http://a/","token_endpoint":"https://a/""#).contains("plain http")
    );
    assert!(
        with(r#""authorization_endpoint":"https://a/","token_endpoint":"http://a/""#).contains("plain http")
    );
    assert!(
        with(r#""authorization_endpoint":"file:///x","token_endpoint":"https://a/""#).contains("refused")
    );
    assert!(with(r#""authorization_endpoint":"https://a/","token_endpoint":"https://a/","code_challenge_methods_supported":["plain"]"#).contains("S256"));
    assert_eq!(
        with(
            r#""authorization_endpoint":"https://a/","token_endpoint":"https://a/","code_challenge_methods_supported":["S256"]"#
        ),
        ""
    );
    assert!(
        Authority::discover("http://127.0.0.1:1", None, false)
            .is_err_and(|error| error.kind() == ErrorKind::BadSettings)
    );
    let moved = server(Box::new(|_| Some(Answer::redirect(302, "https://evil.example/"))));
    assert!(discovered(&moved).is_err_and(|error| error.kind() == ErrorKind::BadSettings));
    assert_eq!(moved.requests().len(), 1);
}

#[test]
fn what_is_left_of_a_login_gets_new_tokens_until_it_ends() {
    let server = server(Box::new(|request| {
        (request.target == "/token").then(|| match form(request).iter().any(|(_, value)| value == "rt+1") {
            true => json(r#"{"access_token":"at-2","token_type":"bearer","refresh_token":"rt-2"}"#),
            false => Answer::status(400).with_body(r#"{"error":"invalid_grant"}"#),
        })
    }));
    let authority = discovered(&server).expect("it is there");
    let secret = |text: &str| SecretValue::new(text.as_bytes().to_vec()).expect("short");
    let (key, client) = (secret("s&=+%"), "a b");
    let tokens =
        authority.refresh(&Client::confidential(client, &key), &secret("rt+1"), "x y").expect("tokens");
    assert!(tokens.refresh.expect("a new one").expose_secret() == b"rt-2" && tokens.expires.is_none());
    let sent = Asked(form(&server.requests().pop().expect("it was asked")));
    assert_eq!(
        (sent.text("client_id"), sent.text("client_secret"), sent.text("scope")),
        ("a b", "s&=+%", "x y")
    );
    let over = authority.refresh(&Client::public(client), &secret("rt-0"), "");
    assert_eq!(failure(over).kind(), ErrorKind::Expired);
}

#[test]
fn a_login_on_another_device_waits_as_it_is_told() {
    let answers = Mutex::new(vec![
        json(r#"{"access_token":"at-1","token_type":"Bearer"}"#),
        Answer::status(400).with_body(r#"{"error":"authorization_pending"}"#),
    ]);
    let begun = r#"{"device_code":"dc+1","user_code":"WDJB-MJHT","verification_uri":"https://id.example.com/device","expires_in":900,"interval":1}"#;
    let server = server(Box::new(move |request| match request.target == "/device" {
        true => Some(json(begun)),
        false => (request.target == "/token")
            .then(|| answers.lock().expect("no panic").pop().expect("asked twice")),
    }));
    let url = |path| server.url(path);
    let endpoints = Endpoints {
        issuer: None,
        authorization: url("/page"),
        token: url("/token"),
        device: Some(url("/device")),
    };
    let authority = Authority::at(endpoints, Some(&ca(&server)), false).expect("addresses");
    let ada = Ada::who(|_| panic!("the browser is elsewhere"));
    let tokens = authority.log_in_elsewhere(&Client::public("subrosa"), "openid", &ada).expect("a login");
    assert!(tokens.access.expose_secret() == b"at-1");
    assert!(ada.told().contains("https://id.example.com/device") && ada.told().contains("WDJB-MJHT"));
    assert!(!ada.told().contains("dc+1"));
    let sent = Asked(form(&server.requests().pop().expect("it was asked")));
    assert_eq!(sent.text("device_code"), "dc+1");
    assert_eq!(sent.text("grant_type"), "urn:ietf:params:oauth:grant-type:device_code");
}
