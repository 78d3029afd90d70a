//! ARNs, as far as links and settings have them.

/// What a name of a secret is made of.
pub(crate) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/_+=.@-!".contains(&byte)
}

/// A region in the form that all have, which also keeps it from being another host: it becomes part of one.
pub(crate) fn is_region(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (2..=32).contains(&text.len())
        && text.bytes().all(plain)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// The region in the ARN of a secret; `None` for what is none.
pub(crate) fn secret_region(text: &str) -> Option<&str> {
    let [region, account, name] = parts(text, "secretsmanager")?;
    let name = name.strip_prefix("secret:")?;
    let is_whole = is_region(region) && is_account(account) && !name.is_empty();
    (is_whole && name.bytes().all(is_name_byte)).then_some(region)
}

/// Whether it is the ARN of a role.
pub(crate) fn is_role(text: &str) -> bool {
    is_of_account(text, "role/")
}

/// Whether it names a second factor: the ARN of a virtual device, or the serial number of one of hardware.
pub(crate) fn is_mfa_device(text: &str) -> bool {
    let serial = |byte: u8| byte.is_ascii_alphanumeric() || b"=/:,.@+_-".contains(&byte);
    (9..=256).contains(&text.len()) && text.bytes().all(serial)
}

/// The partition, such as `aws` or `aws-cn`, by a region in it.
pub(crate) fn partition_of(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

fn is_of_account(text: &str, kind: &str) -> bool {
    let Some([region, account, rest]) = parts(text, "iam") else { return false };
    let name = rest.strip_prefix(kind).unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=,.@-".contains(&byte);
    region.is_empty()
        && is_account(account)
        && !name.is_empty()
        && name.len() <= 576
        && name.bytes().all(plain)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Region, account and the rest of an ARN of a service.
fn parts<'a>(text: &'a str, service: &str) -> Option<[&'a str; 3]> {
    let mut parts = text.splitn(6, ':');
    let is_arn = parts.next() == Some("arn");
    let partition = parts.next().is_some_and(|part| part.starts_with("aws"));
    let same = parts.next() == Some(service);
    let found = [parts.next()?, parts.next()?, parts.next()?];
    (is_arn && partition && same).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_no_hosts() {
        for good in ["us-east-1", "eu-central-2", "cn-north-1", "us-gov-west-1", "il-central-1"] {
            assert!(is_region(good), "{good}");
        }
        for bad in ["", "x", "EU-central-1", "a.b", "a/b", "-a", "a-", "a b", "evil.example.com#"] {
            assert!(!is_region(bad), "{bad}");
        }
    }

    #[test]
    fn roles_and_devices() {
        assert!(is_role("arn:aws:iam::123456789012:role/a"));
        assert!(is_role("arn:aws-cn:iam::123456789012:role/path/a+=,.@-_"));
        for bad in [
            "",
            "role/a",
            "arn:aws:iam::123456789012:user/a",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::12345678901:role/a",
            "arn:aws:iam::123456789012:role/a&b",
            "arn:aws:sts::123456789012:role/a",
        ] {
            assert!(!is_role(bad), "{bad}");
        }
        assert!(is_mfa_device("arn:aws:iam::123456789012:mfa/ada"));
        assert!(is_mfa_device("GAHT12345678"));
        assert!(!is_mfa_device("a b c d e f g h"));
        assert_eq!(partition_of("cn-north-1"), "aws-cn");
        assert_eq!(partition_of("us-gov-east-1"), "aws-us-gov");
        assert_eq!(partition_of("eu-central-1"), "aws");
    }
}
