//! Writing a field.

use subrosa_provider::{ErrorKind, ProviderError, WriteMode};
use subrosa_rest::{Call, JsonObject};
use subrosa_secret::SecretValue;

use super::place::Spot;
use super::{Connect, api};
use crate::edit::{CATEGORY, Edit, KIND, check, check_new, edit};
use crate::item::Item;
use crate::target::Target;

impl Connect<'_> {
    pub(super) fn written(
        &self,
        target: &Target,
        value: &SecretValue,
        mode: WriteMode,
    ) -> Result<(), ProviderError> {
        check(target, value)?;
        let mut items = self.items([&target.place].into())?;
        match items.remove(&target.place) {
            Some((Spot::Failed(error), _)) => Err(error),
            Some((spot, Some(answer))) => {
                let about = |error: ProviderError| error.about(&target.place.to_string());
                let item: Item<'_> = answer.json().map_err(about)?;
                let path = spot.path().unwrap_or_default();
                self.change(&path, target, value, &edit(&item, target, mode)?)
            }
            Some((Spot::Nothing(Some(vault)), _)) => self.create(&vault, target, value),
            Some((_, None)) | None => {
                check_new(target)?;
                let text = format!("{}: there is no such vault", target.place);
                Err(ProviderError::new(ErrorKind::NotFound, text))
            }
        }
    }

    fn change(
        &self,
        path: &str,
        target: &Target,
        value: &SecretValue,
        edit: &Edit,
    ) -> Result<(), ProviderError> {
        let operation = match edit {
            Edit::Replace(id) if id.contains(['/', '~']) => {
                let text = format!("{target}: the id of the field cannot stand in a path");
                return Err(ProviderError::new(ErrorKind::BadAnswer, text));
            }
            Edit::Replace(id) => JsonObject::default()
                .text("op", "replace")
                .text("path", &format!("/fields/{id}/value"))
                .secret("value", value),
            Edit::Add(section) => JsonObject::default()
                .text("op", "add")
                .text("path", "/fields")
                .object("value", field(target, value, section.as_deref())),
        };
        self.send(Call::patch(path).json_list(vec![operation]), target)
    }

    fn create(&self, vault: &str, target: &Target, value: &SecretValue) -> Result<(), ProviderError> {
        check_new(target)?;
        let item = JsonObject::default()
            .text("title", &target.place.item)
            .text("category", CATEGORY)
            .object("vault", JsonObject::default().text("id", vault))
            .list("fields", vec![field(target, value, None)]);
        self.send(Call::post(format!("/v1/vaults/{vault}/items")).json(item), target)
    }

    fn send(&self, call: Call<'_>, target: &Target) -> Result<(), ProviderError> {
        let answer = self.api.send(call, self.credential.token()?);
        let answer = answer.map_err(|error| error.about(&target.to_string()))?;
        match answer.status() {
            403 => {
                let text = format!("{target}: the token may not write there");
                Err(ProviderError::new(ErrorKind::Denied, text))
            }
            _ if answer.is_success() => Ok(()),
            _ => Err(api::refused(&answer, &target.to_string())),
        }
    }
}

fn field<'v>(target: &Target, value: &'v SecretValue, section: Option<&str>) -> JsonObject<'v> {
    let field = JsonObject::default()
        .text("id", &target.field)
        .text("type", KIND)
        .text("label", &target.field)
        .secret("value", value);
    match section {
        Some(id) => field.object("section", JsonObject::default().text("id", id)),
        None => field,
    }
}
