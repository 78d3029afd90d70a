//! One question.

use std::collections::BTreeMap;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use subrosa_http::{Body, BodyKind, Connection, HeaderField, HttpError, Request, RequestDraft, Text, Values};
use subrosa_secret::{Name, SecretValue};

/// What stays as it is in a path: RFC 3986's unreserved characters, and the slash between parts.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A path, percent-encoded.
#[must_use]
pub fn encoded(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

/// A request to be sent to a [`Server`](crate::Server). It borrows the credentials in it until then.
pub struct Call<'s> {
    method: &'static str,
    path: String,
    headers: Vec<HeaderField>,
    body: Option<Body>,
    secrets: Secrets<'s>,
}

/// The credentials of one call, under names of its own.
#[derive(Default)]
struct Secrets<'s>(BTreeMap<Name, &'s SecretValue>);

impl<'s> Secrets<'s> {
    /// Puts one in; what comes back stands for it.
    fn reference(&mut self, secret: &'s SecretValue) -> String {
        let text = format!("credential-{}", self.0.len() + 1);
        let name = Name::parse(&text).expect("letters and a number are a name");
        self.0.insert(name, secret);
        format!("<<vault:{text}>>")
    }
}

impl Values for Secrets<'_> {
    fn value(&self, name: &Name) -> Option<&SecretValue> {
        self.0.get(name).copied()
    }
}

impl<'s> Call<'s> {
    fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: None, secrets: Secrets::default() }
    }

    /// A GET of a path below the server's address; it begins with a slash and is percent-encoded.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    /// A POST to such a path.
    #[must_use]
    pub fn post(path: impl Into<String>) -> Self {
        Self::new("POST", path)
    }

    /// A PUT to such a path.
    #[must_use]
    pub fn put(path: impl Into<String>) -> Self {
        Self::new("PUT", path)
    }

    /// A PATCH of such a path.
    #[must_use]
    pub fn patch(path: impl Into<String>) -> Self {
        Self::new("PATCH", path)
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(HeaderField::new(name, Text::literal(value)));
        self
    }

    /// With a header whose value is a credential.
    #[must_use]
    pub fn secret_header(mut self, name: &str, value: &'s SecretValue) -> Self {
        let reference = self.secrets.reference(value);
        self.headers.push(HeaderField::new(name, Text::new(reference)));
        self
    }

    /// With a JSON object as its body.
    #[must_use]
    pub fn json(mut self, object: JsonObject<'s>) -> Self {
        let mut body = Body::new(BodyKind::Json);
        self.write(object, &mut body);
        self.body = Some(body);
        self
    }

    /// With a list of JSON objects as its body.
    #[must_use]
    pub fn json_list(mut self, objects: Vec<JsonObject<'s>>) -> Self {
        let mut body = Body::new(BodyKind::Json);
        self.write_list(objects, &mut body);
        self.body = Some(body);
        self
    }

    fn write_list(&mut self, objects: Vec<JsonObject<'s>>, body: &mut Body) {
        let mut separator = "[";
        for object in objects {
            body.append(Text::literal(separator));
            self.write(object, body);
            separator = ",";
        }
        body.append(Text::literal(if separator == "[" { "[]" } else { "]" }));
    }

    fn write(&mut self, object: JsonObject<'s>, body: &mut Body) {
        let mut separator = "{";
        for (field, value) in object.0 {
            body.append(Text::literal(format!("{separator}{}:", quoted(&field))));
            match value {
                Field::Plain(json) => body.append(Text::literal(json)),
                Field::Secret(secret) => {
                    let reference = self.secrets.reference(secret);
                    body.append(Text::new(format!("\"{reference}\"")));
                }
                Field::SecretJson(secret) => body.append(Text::new(self.secrets.reference(secret))),
                Field::Object(object) => self.write(object, body),
                Field::List(objects) => self.write_list(objects, body),
            }
            separator = ",";
        }
        body.append(Text::literal(if separator == "{" { "{}" } else { "}" }));
    }

    /// With a form as its body.
    #[must_use]
    pub fn form(mut self, form: Form<'s>) -> Self {
        let mut body = Body::new(BodyKind::Form);
        for (name, value) in form.0 {
            let name = Some(Text::literal(name));
            match value {
                FormField::Plain(text) => body.append_urlencoded(name, Text::literal(text)),
                FormField::Secret(secret) => {
                    body.append_urlencoded(name, Text::new(self.secrets.reference(secret)));
                }
            }
        }
        self.body = Some(body);
        self
    }

    /// The request, with its credentials in it.
    pub(crate) fn request(self, address: &str, connection: &Arc<Connection>) -> Result<Request, HttpError> {
        let mut draft = RequestDraft::new(Text::literal(format!("{address}{}", self.path)));
        draft.method = Some(self.method.to_owned());
        draft.headers = self.headers;
        draft.headers.push(HeaderField::new("Accept", "application/json"));
        draft.body = self.body;
        draft.fill(connection, &self.secrets)
    }
}

enum Field<'s> {
    /// JSON as it stands.
    Plain(String),
    Secret(&'s SecretValue),
    SecretJson(&'s SecretValue),
    Object(JsonObject<'s>),
    List(Vec<JsonObject<'s>>),
}

/// The fields of a JSON object, some of which are credentials.
#[derive(Default)]
pub struct JsonObject<'s>(Vec<(String, Field<'s>)>);

impl<'s> JsonObject<'s> {
    /// With a text.
    #[must_use]
    pub fn text(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), Field::Plain(quoted(value))));
        self
    }

    /// With a number.
    #[must_use]
    pub fn number(mut self, name: &str, value: i64) -> Self {
        self.0.push((name.to_owned(), Field::Plain(value.to_string())));
        self
    }

    /// With a truth value.
    #[must_use]
    pub fn truth(mut self, name: &str, value: bool) -> Self {
        self.0.push((name.to_owned(), Field::Plain(value.to_string())));
        self
    }

    /// With a credential, as a text.
    #[must_use]
    pub fn secret(mut self, name: &str, value: &'s SecretValue) -> Self {
        self.0.push((name.to_owned(), Field::Secret(value)));
        self
    }

    /// With a secret that is a whole JSON value.
    #[must_use]
    pub fn secret_json(mut self, name: &str, value: &'s SecretValue) -> Self {
        self.0.push((name.to_owned(), Field::SecretJson(value)));
        self
    }

    /// With another object.
    #[must_use]
    pub fn object(mut self, name: &str, value: JsonObject<'s>) -> Self {
        self.0.push((name.to_owned(), Field::Object(value)));
        self
    }

    /// With a list of other objects.
    #[must_use]
    pub fn list(mut self, name: &str, objects: Vec<JsonObject<'s>>) -> Self {
        self.0.push((name.to_owned(), Field::List(objects)));
        self
    }
}

enum FormField<'s> {
    Plain(String),
    Secret(&'s SecretValue),
}

/// The fields of a form (`application/x-www-form-urlencoded`), some of which are credentials. Their names are sent as they are.
#[derive(Default)]
pub struct Form<'s>(Vec<(String, FormField<'s>)>);

impl<'s> Form<'s> {
    /// With a text.
    #[must_use]
    pub fn text(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), FormField::Plain(value.to_owned())));
        self
    }

    /// With a credential.
    #[must_use]
    pub fn secret(mut self, name: &str, value: &'s SecretValue) -> Self {
        self.0.push((name.to_owned(), FormField::Secret(value)));
        self
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_encoded_whatever_is_in_it() {
        assert_eq!(encoded("secret/data/a b/é?x#y%z"), "secret/data/a%20b/%C3%A9%3Fx%23y%25z");
        assert_eq!(encoded("a/<<vault:x>>"), "a/%3C%3Cvault%3Ax%3E%3E");
    }
}
