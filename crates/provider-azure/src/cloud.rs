//! Which vaults there are, and who makes the tokens that they take.
//!
//! Sources: "Azure Key Vault keys, secrets and certificates overview" (the suffixes of vaults), "National clouds" (the authorities).

use subrosa_provider::{ErrorKind, ProviderError, Settings};
use subrosa_rest::settle_address;

/// A cloud: the end of its vaults' names, and its authority.
struct Cloud {
    suffix: &'static str,
    authority: &'static str,
    /// what Azure's command line calls it, if it is not the usual one
    command_line: Option<&'static str>,
}

/// All that are documented. What tokens are for is `https://` and the suffix.
const CLOUDS: [Cloud; 4] = [
    cloud("vault.azure.net", "https://login.microsoftonline.com", None),
    cloud("vault.azure.cn", "https://login.chinacloudapi.cn", Some("AzureChinaCloud")),
    cloud("vault.usgovcloudapi.net", "https://login.microsoftonline.us", Some("AzureUSGovernment")),
    cloud("vault.microsoftazure.de", "https://login.microsoftonline.de", Some("AzureGermanCloud")),
];

const fn cloud(suffix: &'static str, authority: &'static str, command_line: Option<&'static str>) -> Cloud {
    Cloud { suffix, authority, command_line }
}

/// The cloud of a vault's host, if it is in one that is known.
fn known(host: &str) -> Option<&'static Cloud> {
    CLOUDS.iter().find(|cloud| is_below(host, cloud.suffix))
}

/// Whether the name of a vault's host says who makes tokens for it, and for what.
pub(crate) fn is_known(host: &str) -> bool {
    known(host).is_some()
}

/// The cloud that Azure's command line has to be told before it finds a vault.
pub(crate) fn command_line_name(host: &str) -> Option<&'static str> {
    known(host)?.command_line
}

/// Ends of names that hold keys and no secrets.
const MANAGED_HSM: &str = ".managedhsm.";

/// The vault, its authority and what tokens are for, as they are stored.
pub(crate) fn settle(settings: &mut Settings) -> Result<(), ProviderError> {
    let vault = vault(settings.text("key-vault").unwrap_or_default())?;
    let host = host_of(&vault).to_owned();
    if host.contains(MANAGED_HSM) {
        return Err(refuse("a managed HSM holds keys and no secrets"));
    }
    let known = known(&host);
    let resource = match (settings.text("resource"), known) {
        (None, Some(cloud)) => format!("https://{}", cloud.suffix),
        (Some(text), _) => address(text, "resource")?,
        (None, None) => {
            let text =
                format!("{host} is in no cloud that is known: whoever answers there would get a token");
            return Err(refuse(&text).hint_at("--resource URL says which tokens this vault takes"));
        }
    };
    // whoever has a token for a resource can show it to every vault of it
    let belongs = resource == vault || is_below(&host, host_of(&resource));
    if !belongs {
        return Err(refuse(&format!("tokens for {resource} are not for {host}")));
    }
    let authority = match (settings.text("authority"), known) {
        (Some(text), _) => address(text, "authority")?,
        (None, Some(cloud)) => cloud.authority.to_owned(),
        (None, None) => {
            return Err(refuse("no authority is known for it").hint_at("--authority URL names it"));
        }
    };
    settings.set("key-vault", vault);
    settings.set("resource", resource);
    settings.set("authority", authority);
    Ok(())
}

/// A vault's name, or its address.
fn vault(text: &str) -> Result<String, ProviderError> {
    if text.contains(['/', ':', '.']) {
        return address(text, "vault");
    }
    // 3 to 24 letters, digits and hyphens, in the public cloud
    let is_name = (3..=24).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && text.starts_with(|first: char| first.is_ascii_alphabetic());
    if !is_name {
        return Err(refuse(&format!("{text:?} is no name of a vault")));
    }
    Ok(format!("https://{}.{}", text.to_ascii_lowercase(), CLOUDS[0].suffix))
}

/// An address without a path: neither vaults nor authorities have one.
fn address(text: &str, what: &str) -> Result<String, ProviderError> {
    let address = settle_address(text, false).map_err(|error| error.about(what))?;
    match address.matches('/').count() {
        2 => Ok(address),
        _ => Err(refuse(&format!("the {what} has a path, which none of them has"))),
    }
}

/// The host of a settled address, without its port.
pub(crate) fn host_of(address: &str) -> &str {
    let host = address.trim_start_matches("https://");
    match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host,
    }
}

fn is_below(host: &str, suffix: &str) -> bool {
    host.strip_suffix(suffix).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

fn refuse(why: &str) -> ProviderError {
    ProviderError::new(ErrorKind::BadSettings, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(pairs: &[(&str, &str)]) -> Result<[String; 3], ProviderError> {
        let mut settings = Settings::from_iter(pairs.iter().copied());
        settle(&mut settings)?;
        Ok(["key-vault", "resource", "authority"].map(|name| settings.text(name).expect(name).to_owned()))
    }

    #[test]
    fn a_vault_tells_its_cloud() {
        for (vault, host, resource, authority) in [
            ("Contoso-1", "contoso-1.vault.azure.net", "vault.azure.net", "login.microsoftonline.com"),
            (
                "https://Contoso.vault.azure.net:443/",
                "contoso.vault.azure.net",
                "vault.azure.net",
                "login.microsoftonline.com",
            ),
            ("https://c.vault.azure.cn", "c.vault.azure.cn", "vault.azure.cn", "login.chinacloudapi.cn"),
            (
                "https://c.vault.usgovcloudapi.net",
                "c.vault.usgovcloudapi.net",
                "vault.usgovcloudapi.net",
                "login.microsoftonline.us",
            ),
        ] {
            let found = settled(&[("key-vault", vault)]).expect(vault);
            assert_eq!(found, [host, resource, authority].map(|host| format!("https://{host}")), "{vault}");
        }
    }

    #[test]
    fn a_vault_elsewhere_says_whose_tokens_it_takes() {
        let stack = ("key-vault", "https://a.vault.local.azurestack.external");
        let error = settled(&[stack]).expect_err("unknown");
        assert_eq!(
            (error.kind(), error.hint()),
            (ErrorKind::BadSettings, Some("--resource URL says which tokens this vault takes"))
        );
        let resource = ("resource", "https://vault.local.azurestack.external");
        let error = settled(&[stack, resource]).expect_err("unknown");
        assert_eq!(error.hint(), Some("--authority URL names it"));
        let authority = ("authority", "https://login.local.azurestack.external/");
        assert!(settled(&[stack, resource, authority]).is_ok());
        let itself =
            [("key-vault", "https://127.0.0.1:8443"), ("resource", "https://127.0.0.1:8443"), authority];
        assert!(settled(&itself).is_ok());
    }

    #[test]
    fn hostile_h84_tokens_go_to_no_vault_that_they_are_not_for() {
        for vault in [
            "https://contoso.vault.azure.net.evil.example",
            "https://evilvault.azure.net",
            "https://vault.azure.net",
            "https://.vault.azure.net",
            "http://contoso.vault.azure.net",
            "https://contoso.vault.azure.net/path",
            "https://user@contoso.vault.azure.net",
            "https://contoso.managedhsm.azure.net",
            "a b",
            "x",
            "-contoso",
            "contoso.vault.azure.net",
            "",
        ] {
            let error = settled(&[("key-vault", vault)]).expect_err(vault);
            assert_eq!(error.kind(), ErrorKind::BadSettings, "{vault}");
        }
        let elsewhere = [("key-vault", "https://evil.example"), ("resource", "https://vault.azure.net")];
        assert!(settled(&elsewhere).is_err());
        let close = [("key-vault", "https://evilvault.azure.net"), ("resource", "https://vault.azure.net")];
        assert!(settled(&close).is_err());
    }
}
