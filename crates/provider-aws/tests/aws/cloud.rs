//! An account with something in it, and connections to it.

use subrosa_provider::{
    Capabilities, ErrorKind, External, Login, Person, Provider, ProviderError, Settings, System as _,
};
use subrosa_provider_aws::Aws;
use subrosa_secret::SecretValue;
use subrosa_testkit::{AwsEmulator, Emulator};

/// An access key in the form of the documentation's examples.
pub(crate) const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

pub(crate) fn secret(text: &str) -> SecretValue {
    SecretValue::new(text.as_bytes().to_vec()).expect("short")
}

/// How a test connects.
pub(crate) struct Way<'w> {
    pub(crate) method: &'w str,
    pub(crate) credential: &'w str,
    pub(crate) session: Option<SecretValue>,
    pub(crate) is_kept: bool,
    pub(crate) person: Option<&'static dyn Person>,
}

impl<'w> Way<'w> {
    pub(crate) fn new(method: &'w str, credential: &'w str) -> Self {
        Self { method, credential, session: None, is_kept: true, person: None }
    }

    pub(crate) fn after(self, session: Option<SecretValue>) -> Self {
        Self { session, ..self }
    }
}

/// A provider that is only known as the trait.
pub(crate) struct Known(pub(crate) Box<dyn External>);

impl Provider for Known {
    type Locator = String;

    fn name(&self) -> &str {
        self.0.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn lookup(&self, target: &String) -> Result<Option<SecretValue>, ProviderError> {
        self.0.lookup(target)
    }

    fn lookup_many(&self, targets: &[&String]) -> Vec<Result<Option<SecretValue>, ProviderError>> {
        self.0.lookup_many(targets)
    }
}

/// Settings that lead to one server for everything.
pub(crate) fn settings(address: &str, ca: &str, more: &[(&str, &str)]) -> Settings {
    let mut settings = Settings::from_iter([
        ("region", AwsEmulator::REGION),
        ("endpoint", address),
        ("sts-endpoint", address),
        ("ca", ca),
    ]);
    for (name, value) in more {
        settings.set(*name, *value);
    }
    Aws.settle(settings).expect("settings")
}

/// Connects; a credential that is empty is not at hand.
pub(crate) fn connect(settings: &Settings, way: Way<'_>) -> Known {
    let credential = way.credential.to_owned();
    let given = move || match credential.as_str() {
        "" => Err(ProviderError::new(ErrorKind::Expired, "no credential is at hand")),
        text => Ok(secret(text)),
    };
    let (given, method) = (Box::leak(Box::new(given)), Box::leak(way.method.to_owned().into_boxed_str()));
    let Way { session, is_kept, person, .. } = way;
    let login = Login { method, session, is_kept, is_new: true, credential: given, person };
    Known(Aws.connect(settings, login).expect("a connection"))
}

/// An emulator, and a user of it.
pub(crate) struct Cloud {
    pub(crate) aws: AwsEmulator,
}

impl Cloud {
    pub(crate) fn start(which: Emulator) -> Option<Self> {
        Some(Self { aws: AwsEmulator::start(which)? })
    }

    pub(crate) fn settings(&self, more: &[(&str, &str)]) -> Settings {
        settings(&self.aws.address(), self.aws.ca().to_str().expect("text"), more)
    }

    /// Makes a secret; its ARN.
    pub(crate) fn create(&self, name: &str, text: &str) -> String {
        let json = serde_json::json!({ "Name": name, "SecretString": text, "ClientRequestToken": token(1) });
        let answer = self.aws.secrets("CreateSecret", &json.to_string());
        let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
        answer["ARN"].as_str().expect("an ARN").to_owned()
    }

    /// Gives it another value, of this number.
    pub(crate) fn put(&self, name: &str, text: &str, number: u8) -> String {
        let id = token(number);
        let json = serde_json::json!({ "SecretId": name, "SecretString": text, "ClientRequestToken": id });
        self.aws.secrets("PutSecretValue", &json.to_string());
        id
    }

    /// A connection by a user who may do this.
    pub(crate) fn user(&self, name: &str, policy: &str) -> Known {
        let (id, secret) = self.aws.user(name, policy);
        connect(&self.settings(&[("access-key-id", &id)]), Way::new("keys", &secret))
    }
}

impl Cloud {
    /// Credentials of a role of these rights. With its checks on, moto knows these, and those of a user's session not: they are the same
    /// example for everybody there.
    pub(crate) fn role_credentials(&self, name: &str, policy: &str) -> String {
        let role = self.aws.role(name, policy);
        let form = format!("Action=AssumeRole&RoleArn={role}&RoleSessionName=test&Version=2011-06-15");
        let answer = self.aws.query("sts", &form);
        exported(&answer)
    }

    /// A connection with credentials of a role.
    pub(crate) fn in_role(&self, name: &str, policy: &str) -> Known {
        let credentials = self.role_credentials(name, policy);
        connect(&self.settings(&[]), Way::new("temporary", &credentials))
    }
}

/// The credentials in an answer of STS as a shell takes them.
pub(crate) fn exported(xml: &str) -> String {
    let part = |name: &str| {
        let (_, rest) =
            xml.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("{name} is not in {xml}"));
        rest.split('<').next().expect("it ends").to_owned()
    };
    let [id, key, token] = ["AccessKeyId", "SecretAccessKey", "SessionToken"].map(part);
    format!(
        "export AWS_ACCESS_KEY_ID={id}\nexport AWS_SECRET_ACCESS_KEY={key}\nexport AWS_SESSION_TOKEN={token}\n"
    )
}

/// The id of a version.
pub(crate) fn token(number: u8) -> String {
    format!("00000000-0000-4000-8000-0000000000{number:02}")
}

/// A policy of one statement.
pub(crate) fn policy(actions: &str, resource: &str) -> String {
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": actions.split(' ').collect::<Vec<_>>(), "Resource": resource }],
    })
    .to_string()
}

/// The text of a value that has to be there.
pub(crate) fn text(provider: &Known, target: &str) -> String {
    let value = provider.lookup(&target.to_owned()).expect(target).expect(target);
    String::from_utf8(value.expose_secret().to_vec()).expect("text")
}

pub(crate) fn failure(provider: &Known, target: &str) -> ProviderError {
    provider.lookup(&target.to_owned()).err().unwrap_or_else(|| panic!("{target} was found"))
}
