//! Making the objects by the API.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value as Json;
use subrosa_provider::{ErrorKind, ProviderError, Settings, Standing, Work};
use subrosa_rest::{Call, JsonObject, encoded};
use subrosa_secret::SecretValue;

use super::object::{Field, Kind, Object, Part, Value};
use super::plan::ServerPlan;
use crate::api::{Api, Envelope, refused};

/// Somebody's token, and what it is to be used for.
pub(super) struct Hands<'p> {
    plan: &'p ServerPlan,
    api: Api,
    token: SecretValue,
}

#[derive(Deserialize)]
struct Entity {
    #[serde(default)]
    aliases: Vec<Alias>,
}

#[derive(Deserialize)]
struct Alias {
    name: String,
    mount_accessor: String,
}

impl<'p> Hands<'p> {
    pub(super) fn new(plan: &'p ServerPlan, token: SecretValue) -> Result<Self, ProviderError> {
        Ok(Self { plan, api: Api::new(&plan.settings)?, token })
    }

    fn object(&self, step: usize) -> Result<&Object, ProviderError> {
        let none = || ProviderError::new(ErrorKind::BadSettings, "there is no such step");
        self.plan.objects.get(step).ok_or_else(none)
    }

    /// What stands at a path; `None` where nothing does. None of it is secret.
    fn read(&self, path: &str) -> Result<Option<Json>, ProviderError> {
        let call = self.api.authorized(Call::get(format!("/v1/{}", encoded(path))), &self.token);
        let answer = self.api.server.call(call).map_err(|error| error.about(path))?;
        // a mount that is not there is a 400, what would be below it a 404
        match answer.status() {
            404 => return Ok(None),
            400 if path.starts_with("sys/auth/") => return Ok(None),
            _ if !answer.is_success() => return Err(refused(&answer, path)),
            _ => {}
        }
        let envelope: Envelope<'_> = answer.json()?;
        let data = envelope.data.and_then(|data| serde_json::from_str(data.get()).ok());
        let bad = || ProviderError::new(ErrorKind::BadAnswer, format!("{path}: it cannot be read"));
        data.ok_or_else(bad).map(Some)
    }

    /// The text of a part; `None` where it stands in what is not there.
    fn text(&self, part: &Part) -> Result<Option<String>, ProviderError> {
        match part {
            Part::Text(text) => Ok(Some(text.clone())),
            Part::Of { path, field } => {
                let found = self.read(path)?;
                Ok(found.and_then(|data| data.get(field)?.as_str().map(str::to_owned)))
            }
        }
    }

    /// Whether a field is as it is to be.
    fn agrees(&self, field: &Field, data: &Json) -> Result<bool, ProviderError> {
        let found = &data[field.name];
        Ok(match &field.value {
            Value::Time(seconds) => found.as_i64() == Some(*seconds),
            Value::One(part) => {
                let wanted = match &field.reads {
                    Some(reads) => Some(reads.clone()),
                    None => self.text(part)?,
                };
                // a line break at the end is nobody's meaning
                let same =
                    |wanted: String| found.as_str().is_some_and(|text| text.trim_end() == wanted.trim_end());
                wanted.is_some_and(same)
            }
            Value::Many(parts) => {
                let wanted =
                    parts.iter().map(|part| self.text(part)).collect::<Result<Option<BTreeSet<_>>, _>>()?;
                wanted.is_some_and(|wanted| wanted == texts(found))
            }
        })
    }

    /// The same for what is added to an object: `None` for what is not there yet.
    fn added(&self, field: &Field, data: &Json) -> Result<Option<bool>, ProviderError> {
        if texts(&data[field.name]).is_empty() {
            return Ok(None);
        }
        self.agrees(field, data).map(Some)
    }

    /// An alias is there if the entity has it; another alias of the entity at the same method is in its way.
    fn alias(&self, object: &Object) -> Result<Standing, ProviderError> {
        let wanted = |name| match object.fields.iter().find(|field| field.name == name) {
            Some(Field { value: Value::One(part), .. }) => self.text(part),
            _ => Ok(None),
        };
        let nobody =
            || ProviderError::new(ErrorKind::NotFound, format!("{}: there is no such entity", object.path));
        let entity = self.read(&object.path)?.ok_or_else(nobody)?;
        let entity: Entity = serde_json::from_value(entity).map_err(|_| {
            ProviderError::new(ErrorKind::BadAnswer, format!("{}: it cannot be read", object.path))
        })?;
        let (Some(name), Some(accessor)) = (wanted("name")?, wanted("mount_accessor")?) else {
            return Ok(Standing::Missing);
        };
        let mut at_mount = entity.aliases.iter().filter(|alias| alias.mount_accessor == accessor);
        Ok(match at_mount.next() {
            None => Standing::Missing,
            Some(alias) if alias.name == name => Standing::Done,
            Some(_) => Standing::Different(vec!["name".to_owned()]),
        })
    }

    fn body(&self, object: &Object) -> Result<JsonObject<'static>, ProviderError> {
        let mut body = JsonObject::default();
        for field in &object.fields {
            let known = |part: &Part| match (self.text(part)?, part) {
                (Some(text), _) => Ok(text),
                (None, Part::Of { path, .. }) => {
                    Err(ProviderError::new(ErrorKind::NotFound, format!("{path} is not there")))
                }
                (None, Part::Text(text)) => Ok(text.clone()),
            };
            body = match &field.value {
                Value::One(part) => body.text(field.name, &known(part)?),
                Value::Time(seconds) => body.number(field.name, *seconds),
                Value::Many(parts) => {
                    let texts = parts.iter().map(known).collect::<Result<Vec<_>, ProviderError>>()?;
                    body.text(field.name, &texts.join(","))
                }
            };
        }
        Ok(body)
    }
}

/// A mount stays what it is: to make another one of it would end what goes on there.
fn mounted(object: &Object, there: &Json) -> Result<(), ProviderError> {
    if there["type"] == "jwt" {
        return Ok(());
    }
    let at = object.path.trim_start_matches("sys/");
    let text = format!("{at} is another way to log in, which is not changed");
    Err(ProviderError::new(ErrorKind::BadSettings, text).hint_at("--auth-path names another place"))
}

/// The texts of a list.
fn texts(json: &Json) -> BTreeSet<String> {
    json.as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
}

impl Work for Hands<'_> {
    fn standing(&self, step: usize) -> Result<Standing, ProviderError> {
        let object = self.object(step)?;
        if object.kind == Kind::Alias {
            return self.alias(object);
        }
        let Some(data) = self.read(&object.path)? else { return Ok(Standing::Missing) };
        let mut different = Vec::new();
        for field in &object.fields {
            let agrees = match object.kind {
                Kind::Addition => self.added(field, &data)?,
                _ => Some(self.agrees(field, &data)?),
            };
            match agrees {
                None => return Ok(Standing::Missing),
                Some(true) => {}
                Some(false) => different.push(field.name.to_owned()),
            }
        }
        Ok(if different.is_empty() { Standing::Done } else { Standing::Different(different) })
    }

    fn take(&self, step: usize) -> Result<(), ProviderError> {
        let object = self.object(step)?;
        if object.kind == Kind::Mount
            && let Some(there) = self.read(&object.path)?
        {
            return mounted(object, &there);
        }
        let path = if object.kind == Kind::Alias { "identity/entity-alias" } else { &object.path };
        let call = Call::post(format!("/v1/{}", encoded(path))).json(self.body(object)?);
        let answer = self
            .api
            .server
            .call(self.api.authorized(call, &self.token))
            .map_err(|error| error.about(path))?;
        match answer.status() {
            200..300 => Ok(()),
            400 if path.ends_with("/config") => {
                let text = format!("{path}: the server does not get an answer from itself at its address");
                Err(ProviderError::new(ErrorKind::BadSettings, text)
                    .hint_at("--address has to be one that the server reaches as well, --ca what signed its certificate"))
            }
            400 => Err(ProviderError::new(
                ErrorKind::BadSettings,
                format!("{path}: the server does not take it"),
            )),
            _ => Err(refused(&answer, path)),
        }
    }

    fn learned(&self) -> Result<Settings, ProviderError> {
        let id = self.text(&self.plan.names.client_id())?;
        Ok(id.into_iter().map(|id| ("client-id", id)).collect())
    }
}
