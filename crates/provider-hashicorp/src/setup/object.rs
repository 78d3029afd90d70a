//! What a step makes on the server: an object of its API, which a command of its client makes as well.

use shlex::try_quote;

/// One object.
pub(super) struct Object {
    pub(super) about: String,
    pub(super) kind: Kind,
    /// Below `/v1/`.
    pub(super) path: String,
    pub(super) fields: Vec<Field>,
}

/// How it is written and how it is found to be there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Fields at a path, read there as well.
    Plain,
    /// Fields of an object that an earlier step made: empty ones are not there yet.
    Addition,
    /// A policy, which has one field.
    Policy,
    /// A way to log in that is mounted.
    Mount,
    /// An alias: it is found with the entity that it belongs to, at this path.
    Alias,
}

/// A field of an object.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) value: Value,
    /// What the server says of it afterwards, where that is another text.
    pub(super) reads: Option<String>,
}

/// What a field is to be.
pub(super) enum Value {
    One(Part),
    /// In any order.
    Many(Vec<Part>),
    /// In seconds.
    Time(i64),
}

/// A text that is known, or stands in another object.
#[derive(Clone)]
pub(super) enum Part {
    Text(String),
    Of { path: String, field: &'static str },
}

/// How commands call the client and its namespace.
pub(super) struct Client<'c> {
    pub(super) program: &'c str,
    pub(super) namespace: Option<&'c str>,
}

impl Field {
    pub(super) fn text(name: &'static str, text: impl Into<String>) -> Self {
        Self::one(name, Part::Text(text.into()))
    }

    pub(super) fn one(name: &'static str, part: Part) -> Self {
        Self { name, value: Value::One(part), reads: None }
    }

    pub(super) fn many(name: &'static str, parts: Vec<Part>) -> Self {
        Self { name, value: Value::Many(parts), reads: None }
    }

    pub(super) fn time(name: &'static str, seconds: i64) -> Self {
        Self { name, value: Value::Time(seconds), reads: None }
    }
}

impl Client<'_> {
    /// A command word and the flag that all of them take.
    fn call(&self, words: &str) -> String {
        match self.namespace {
            Some(namespace) => format!("{} {words} -namespace={}", self.program, quoted(namespace)),
            None => format!("{} {words}", self.program),
        }
    }

    /// The command that makes an object.
    pub(super) fn command(&self, object: &Object) -> String {
        let path = &object.path;
        match object.kind {
            Kind::Policy => {
                let name = path.rsplit('/').next().unwrap_or_default();
                let text = object.fields.first().map(|field| self.value(&field.value)).unwrap_or_default();
                format!("printf '%s' {text} |\n  {} {} -", self.call("policy write"), quoted(name))
            }
            Kind::Mount => {
                let at = path.strip_prefix("sys/auth/").unwrap_or_default();
                format!("{} -path={} jwt", self.call("auth enable"), quoted(at))
            }
            Kind::Alias => self.write("identity/entity-alias", &object.fields),
            Kind::Plain | Kind::Addition => self.write(path, &object.fields),
        }
    }

    fn write(&self, path: &str, fields: &[Field]) -> String {
        let mut command = format!("{} {}", self.call("write"), quoted(path));
        for field in fields {
            command.push_str(&format!(" \\\n  {}={}", field.name, self.value(&field.value)));
        }
        command
    }

    fn value(&self, value: &Value) -> String {
        match value {
            Value::One(part) => self.part(part),
            Value::Many(parts) => parts.iter().map(|part| self.part(part)).collect::<Vec<_>>().join(","),
            Value::Time(seconds) => format!("{seconds}s"),
        }
    }

    /// In a shell's words: a text quoted, or what a command prints.
    pub(super) fn part(&self, part: &Part) -> String {
        match part {
            Part::Text(text) => quoted(text),
            Part::Of { path, field } => {
                format!("\"$({} -field={field} {})\"", self.call("read"), quoted(path))
            }
        }
    }
}

/// A word for a shell.
pub(super) fn quoted(text: &str) -> String {
    // a NUL is in nothing that was settled
    try_quote(text).map(String::from).unwrap_or_default()
}
