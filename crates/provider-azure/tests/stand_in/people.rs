//! Logins of somebody in front of a screen, whose button curl presses here. A real browser does it in tests/e2e.

use std::process::Command;
use std::sync::Mutex;

use subrosa_provider::{ErrorKind, External, Login, Person, ProviderError, System as _};
use subrosa_provider_azure::Azure;
use subrosa_secret::SecretValue;
use subrosa_testkit::{Azure as StandIn, AzureCertificate, needs};

use crate::vault::{Way, copied, failure, secret, settings, text};

/// Somebody who says yes, and remembers what was shown.
struct Ada {
    ca: std::path::PathBuf,
    told: Mutex<Vec<String>>,
}

impl Ada {
    fn of(azure: &StandIn) -> Self {
        Self { ca: azure.ca(), told: Mutex::default() }
    }

    fn told(&self) -> String {
        self.told.lock().expect("no panic").join("\n")
    }
}

impl Person for Ada {
    fn tell(&self, line: &str) {
        self.told.lock().expect("no panic").push(line.to_owned());
    }

    fn open(&self, url: &str) {
        self.tell(url);
        let mut curl = Command::new("curl");
        curl.args(["-q", "-s", "-L", "--noproxy", "*", "--max-time", "20", "-d", "", "--cacert"]);
        curl.arg(&self.ca).arg(url).stdout(std::process::Stdio::null());
        std::thread::spawn(move || curl.status().expect("curl runs"));
    }

    fn ask(&self, what: &str) -> Result<SecretValue, ProviderError> {
        assert_eq!(what, "passphrase of the certificate's key", "nothing else is asked for");
        Ok(secret("opensesame"))
    }
}

fn vault() -> Option<StandIn> {
    let azure = needs(&["curl"]).then(StandIn::start)?;
    azure.put("db-password", "hunter2");
    Some(azure)
}

fn none() -> Result<SecretValue, ProviderError> {
    panic!("there is no credential")
}

fn enter<'p>(
    azure: &StandIn,
    method: &'static str,
    person: Option<&'p dyn Person>,
    session: Option<SecretValue>,
) -> Box<dyn External + 'p> {
    let settings = settings(&azure.address(), &azure.ca(), &[]);
    let login =
        Login { method, session, is_kept: false, is_new: person.is_some(), credential: &none, person };
    Azure.connect(&settings, login).expect("a connection")
}

#[test]
fn somebody_logs_in_in_a_browser_and_need_not_do_so_again() {
    let Some(azure) = vault() else { return };
    let ada = Ada::of(&azure);
    let provider = enter(&azure, "browser", Some(&ada), None);
    provider.describe().expect("it works");
    assert_eq!(text(&*provider, "db-password"), "hunter2");
    let told = ada.told();
    let scope = format!(
        "{}%2Fuser_impersonation+offline_access",
        azure.address().replace(':', "%3A").replace('/', "%2F")
    );
    for part in
        [&scope, "code_challenge_method=S256", "redirect_uri=http%3A%2F%2Flocalhost%3A", StandIn::CLIENT]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    let session = provider.session().expect("a session");
    assert_eq!((session.expires, provider.session_end()), (None, None), "it can be renewed");

    // the next process has nobody, and needs nobody: first by the token, then by what leads to another
    let next = enter(&azure, "browser", None, Some(copied(&session.state)));
    assert_eq!(text(&*next, "db-password"), "hunter2");
    assert!(next.session().is_none());
    azure.revoke(false);
    let later = enter(&azure, "browser", None, Some(copied(&session.state)));
    assert_eq!(text(&*later, "db-password"), "hunter2");
    let renewed = later.session().expect("it is another one");
    // the one before it was good once
    azure.revoke(false);
    let late = enter(&azure, "browser", None, Some(copied(&session.state)));
    assert_eq!(failure(&*late, "db-password").kind(), ErrorKind::Expired);
    let again = enter(&azure, "browser", None, Some(copied(&renewed.state)));
    assert_eq!(text(&*again, "db-password"), "hunter2");
    // until the authority has enough of it
    azure.revoke(true);
    let session = again.session().expect("another one");
    let over = enter(&azure, "browser", None, Some(copied(&session.state)));
    assert_eq!(failure(&*over, "db-password").kind(), ErrorKind::Expired);
    let told = ada.told();
    let back = enter(&azure, "browser", Some(&ada), Some(session.state));
    assert_eq!(text(&*back, "db-password"), "hunter2");
    assert_ne!(ada.told(), told, "somebody logged in again");
}

#[test]
fn somebody_logs_in_by_a_code_on_another_device() {
    let Some(azure) = vault() else { return };
    azure.approve_devices(true);
    let ada = Ada::of(&azure);
    let provider = enter(&azure, "device-code", Some(&ada), None);
    assert_eq!(text(&*provider, "db-password"), "hunter2");
    let told = ada.told();
    assert!(told.contains(&format!("{}/device", azure.address())) && told.contains("EXAMPLE12"), "{told}");
    let session = provider.session().expect("a session");
    azure.revoke(false);
    let next = enter(&azure, "device-code", None, Some(session.state));
    assert_eq!(text(&*next, "db-password"), "hunter2");

    azure.approve_devices(false);
    let error = failure(&*enter(&azure, "device-code", Some(&ada), None), "db-password");
    assert_eq!(error.kind(), ErrorKind::Denied);
}

#[test]
fn without_anybody_there_is_no_question() {
    let Some(azure) = vault() else { return };
    for method in ["browser", "device-code"] {
        let error = failure(&*enter(&azure, method, None, None), "db-password");
        assert_eq!(error.kind(), ErrorKind::Expired, "{method}");
    }
    assert!(azure.server().requests().is_empty());
}

#[test]
fn an_encrypted_certificate_is_opened_once_and_kept_open() {
    let Some(azure) = vault() else { return };
    let certificate = AzureCertificate::new();
    azure.register(&certificate);
    let pfx = certificate.pfx("opensesame");
    let given = || Ok(SecretValue::new(pfx.clone()).expect("short"));
    let (ada, settings) = (Ada::of(&azure), settings(&azure.address(), &azure.ca(), &[]));
    let (method, person) = ("client-certificate", Some(&ada as &dyn Person));
    let login = Login { method, session: None, is_kept: true, is_new: true, credential: &given, person };
    let provider = Azure.connect(&settings, login).expect("a connection");
    assert_eq!(text(&*provider, "db-password"), "hunter2");
    let kept = provider.credential().expect("what is to be kept instead");
    let later = crate::vault::connect(&settings, Way::new(method, kept.expose_secret()));
    assert_eq!(text(&*later, "db-password"), "hunter2");
    assert!(later.credential().is_none());

    let wrong = certificate.pfx("something else");
    let given = || Ok(SecretValue::new(wrong.clone()).expect("short"));
    let login = Login { method, session: None, is_kept: true, is_new: true, credential: &given, person };
    let error = failure(&*Azure.connect(&settings, login).expect("a connection"), "db-password");
    assert_eq!(error.to_string(), "the passphrase does not open the key of the client certificate");
}
