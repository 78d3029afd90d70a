//! What has to be there before somebody can log in in a browser: an application of their own, and the right to read.
//!
//! The commands are those of Azure's own command line, in which whoever may do so is logged in already; from here nothing is done.

use subrosa_provider::{ErrorKind, Plan, ProviderError, Setting, Settings, Setup, Step};

use crate::cloud::{self, host_of};

/// How an application for a vault is made.
pub(crate) struct Application;

const SETTINGS: &[Setting] = &[
    one("name", "NAME", "what the application is called [default: subrosa]"),
    one("people", "LIST", "who may read the vault's secrets: names or object ids, separated by commas"),
    one("may-write", "", "they may write secrets too"),
];

const fn one(name: &'static str, value_name: &'static str, help: &'static str) -> Setting {
    Setting { name, value_name, help, required: false, login: false }
}

/// Azure Key Vault as an API that applications use, and what they may do there in the name of who logged in.
const API: &str = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093";
const USER_IMPERSONATION: &str = "f53da476-18e3-4152-8e01-aec403e6edc0";

struct ApplicationPlan {
    name: String,
    people: Vec<String>,
    role: &'static str,
    /// the vault's name, as Azure's command line takes it
    vault: String,
    cloud: Option<&'static str>,
    settings: Settings,
}

impl Setup for Application {
    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn plan(&self, settings: &Settings) -> Result<Box<dyn Plan>, ProviderError> {
        let name = plain("name", settings.text("name").unwrap_or("subrosa"))?;
        let people = settings.text("people").unwrap_or_default().split(',').map(str::trim);
        let people = people.filter(|person| !person.is_empty()).map(|person| plain("people", person));
        let host = host_of(settings.text("key-vault").unwrap_or_default());
        Ok(Box::new(ApplicationPlan {
            name,
            people: people.collect::<Result<_, _>>()?,
            role: if settings.is_on("may-write") {
                "Key Vault Secrets Officer"
            } else {
                "Key Vault Secrets User"
            },
            vault: plain("key-vault", host.split('.').next().unwrap_or(host))?,
            cloud: cloud::command_line_name(host),
            settings: settings.clone(),
        }))
    }
}

/// A word that a shell takes as it is.
fn plain(setting: &str, text: &str) -> Result<String, ProviderError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@#".contains(&byte);
    match text.bytes().all(fits) && text.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        true => Ok(text.to_owned()),
        false => {
            let text =
                format!("{setting} {text:?}: it has something else than letters, digits and - _ . @ #");
            Err(ProviderError::new(ErrorKind::BadSettings, text))
        }
    }
}

impl Plan for ApplicationPlan {
    fn before(&self) -> Vec<String> {
        let cloud = self.cloud.map(|cloud| format!("az cloud set --name {cloud}"));
        let tenant =
            self.settings.text("tenant").map(|tenant| format!(" --tenant {tenant}")).unwrap_or_default();
        cloud.into_iter().chain([format!("az login{tenant}")]).collect()
    }

    fn steps(&self) -> Vec<Step> {
        let step = |about: &str, command: String| Step { about: about.to_owned(), command };
        let Self { name, vault, role, .. } = self;
        let mut steps = vec![
            step(
                "an application that people log in with, in a browser on their own machines",
                format!(
                    "app=$(az ad app create --display-name {name} --sign-in-audience AzureADMyOrg --is-fallback-public-client true \\\n  \
                     --public-client-redirect-uris http://localhost --query appId --output tsv)"
                ),
            ),
            step("the application in this tenant", "az ad sp create --id \"$app\"".to_owned()),
            step(
                "it may ask the vault in the name of who logged in",
                format!(
                    "az ad app permission add --id \"$app\" --api {API} \\\n  --api-permissions {USER_IMPERSONATION}=Scope"
                ),
            ),
        ];
        steps.extend(self.people.iter().map(|person| {
            let about = format!(
                "{person} may {} the vault's secrets",
                if role.ends_with("User") { "read" } else { "read and write" }
            );
            let scope = format!("\"$(az keyvault show --name {vault} --query id --output tsv)\"");
            step(
                &about,
                format!(
                    "az role assignment create --assignee {person} --role '{role}' \\\n  --scope {scope}"
                ),
            )
        }));
        steps
    }

    fn after(&self, connection: &str, _: &Settings) -> String {
        let mut command = format!("subrosa connect azure {connection}");
        for name in ["key-vault", "tenant", "authority", "resource"] {
            // what the vault's name tells is not said
            let told =
                matches!(name, "authority" | "resource") && cloud::is_known(host_of(self.vault_address()));
            if let Some(text) = self.settings.text(name).filter(|_| !told) {
                command.push_str(&format!(" --{name} {text}"));
            } else if name == "tenant" {
                command.push_str(" --tenant \"$(az account show --query tenantId --output tsv)\"");
            }
        }
        command + " --client-id \"$app\""
    }
}

impl ApplicationPlan {
    fn vault_address(&self) -> &str {
        self.settings.text("key-vault").unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(more: &[(&str, &str)]) -> Result<Box<dyn Plan>, ProviderError> {
        let mut settings = Settings::from_iter([("key-vault", "contoso")]);
        for (name, value) in more {
            settings.set(*name, *value);
        }
        cloud::settle(&mut settings)?;
        Application.plan(&settings)
    }

    #[test]
    fn the_commands_make_an_application_and_give_rights() {
        let plan = plan(&[("people", "ada@contoso.com, grace@contoso.com"), ("tenant", "contoso.com")])
            .expect("a plan");
        assert_eq!(plan.before(), ["az login --tenant contoso.com"]);
        let steps = plan.steps();
        assert_eq!(steps.len(), 5);
        assert!(steps[0].command.contains("--public-client-redirect-uris http://localhost"));
        assert!(steps[4].command.contains("--assignee grace@contoso.com --role 'Key Vault Secrets User'"));
        assert_eq!(
            plan.after("prod", &Settings::default()),
            "subrosa connect azure prod --key-vault https://contoso.vault.azure.net --tenant contoso.com --client-id \"$app\""
        );
        assert!(plan.credential().is_none());
    }

    #[test]
    fn another_cloud_is_named_first() {
        let plan =
            plan(&[("key-vault", "https://contoso.vault.azure.cn"), ("may-write", "")]).expect("a plan");
        assert_eq!(plan.before(), ["az cloud set --name AzureChinaCloud", "az login"]);
        assert!(plan.after("prod", &Settings::default()).contains("az account show"));
    }

    #[test]
    fn what_a_shell_would_take_otherwise_is_refused() {
        for (name, value) in [
            ("name", "a b"),
            ("name", "$(x)"),
            ("name", "-x"),
            ("people", "ada;x"),
            ("people", "a,'b'"),
            ("name", ""),
        ] {
            let error = plan(&[(name, value)]).err().expect(value);
            assert_eq!(error.kind(), ErrorKind::BadSettings, "{value}");
        }
    }
}
