//! The second factor: which device it is, and its code.
//!
//! Which devices a user has, IAM says. Its SDK is ten times that of STS, so that the one request is made and signed here.

use std::time::SystemTime;

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_xml::decode::{Document, try_data};
use subrosa_provider::{ErrorKind, Login, ProviderError};

use crate::keys::Keys;
use crate::services::Services;
use crate::{arn, fault};

/// ListMFADevices without a user name is about whoever signs it (IAM API reference).
const QUESTION: &str = "Action=ListMFADevices&Version=2010-05-08";
const WHAT: &str = "ListMFADevices";
const FORM: &str = "application/x-www-form-urlencoded";

/// The code of a device, for a request that wants both.
pub(super) struct Code {
    pub(super) device: String,
    pub(super) code: String,
}

/// Asks whoever is there for the code of a device; which one that is, the user of these keys need not know.
pub(super) fn code(
    services: &Services,
    login: &Login<'_>,
    device: Option<&str>,
    keys: &Keys,
) -> Result<Code, ProviderError> {
    let person = login.person.ok_or_else(nobody)?;
    let device = match device {
        Some(device) => device.to_owned(),
        None => the_one(services.wait(devices(services, keys))??)?,
    };
    let typed = person.ask(&format!("code of {device}"))?;
    let text = std::str::from_utf8(typed.expose_secret()).unwrap_or_default().trim();
    // TokenCode: six digits (STS API reference)
    match text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(Code { device, code: text.to_owned() }),
        false => Err(ProviderError::new(ErrorKind::BadSettings, "a code has six digits")),
    }
}

/// Nobody is there to be asked.
pub(super) fn nobody() -> ProviderError {
    let text = "its session is over, and the next one wants the code of a second factor";
    ProviderError::new(ErrorKind::Expired, text)
}

fn the_one(devices: Vec<String>) -> Result<String, ProviderError> {
    let refuse = |text: String| ProviderError::new(ErrorKind::BadSettings, text);
    match devices.as_slice() {
        [device] => Ok(device.clone()),
        [] => Err(refuse("the user has no device that gives codes".to_owned())),
        several => Err(refuse(format!("the user has several devices: {}", several.join(", ")))
            .hint_at("--mfa-serial ARN says which")),
    }
}

/// The serial numbers of the devices that give codes. Passkeys do not.
async fn devices(services: &Services, keys: &Keys) -> Result<Vec<String>, ProviderError> {
    let failed = |kind, why: &str| ProviderError::new(kind, format!("{WHAT}: {why}"));
    let request = signed(services, keys)?;
    let answer = services.carrier()?.call(request).await;
    let answer: HttpResponse = answer.map_err(|error| fault::of_connector(Some(&error), WHAT))?;
    let status = answer.status().as_u16();
    let text = answer.body().bytes().and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
    if status != 200 {
        let code = elements(text, "Code").pop();
        let (kind, why) = fault::of_answer(code.as_deref(), status);
        return Err(
            failed(kind, &why).hint_at("--mfa-serial ARN names the device, where the user may not list them")
        );
    }
    let gives_codes = |serial: &String| arn::is_mfa_device(serial) && !serial.contains(":u2f/");
    Ok(elements(text, "SerialNumber").into_iter().filter(gives_codes).collect())
}

/// The request. IAM is at one address in each partition, and signed for one region of it (AWS General Reference, "IAM endpoints").
fn signed(services: &Services, keys: &Keys) -> Result<HttpRequest, ProviderError> {
    let (address, region) = match arn::partition_of(services.region()?) {
        "aws-cn" => ("https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        "aws-us-gov" => ("https://iam.us-gov.amazonaws.com", "us-gov-west-1"),
        _ => ("https://iam.amazonaws.com", "us-east-1"),
    };
    let address = format!("{}/", services.login_endpoint().unwrap_or(address));
    let unsigned =
        |_| ProviderError::new(ErrorKind::BadSettings, format!("{WHAT}: the request cannot be signed"));
    let identity = keys.credentials()?.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("iam")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| unsigned(error.to_string()))?
        .into();
    let body = SignableBody::Bytes(QUESTION.as_bytes());
    let headers = std::iter::once(("content-type", FORM));
    let signable = SignableRequest::new("POST", &address, headers, body);
    let signed = signable
        .and_then(|request| sign(request, &parameters))
        .map_err(|error| unsigned(error.to_string()))?;
    let request = http::Request::post(&address).header("content-type", FORM).body(SdkBody::from(QUESTION));
    let mut request = request.map_err(|error| unsigned(error.to_string()))?;
    signed.into_parts().0.apply_to_request_http1x(&mut request);
    HttpRequest::try_from(request).map_err(|error| unsigned(error.to_string()))
}

/// The texts of all elements of that name.
fn elements(xml: &str, name: &str) -> Vec<String> {
    let (mut document, mut found) = (Document::new(xml), Vec::new());
    while let Some(element) = document.next_start_element() {
        if element.local() == name {
            found.extend(try_data(&mut document).ok().map(|text| text.trim().to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_found_in_an_answer() {
        let answer = "<ListMFADevicesResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListMFADevicesResult><MFADevices>\
            <member><UserName>ada</UserName><SerialNumber>arn:aws:iam::123456789012:mfa/ada</SerialNumber></member>\
            <member><SerialNumber> GAHT12345678 </SerialNumber></member></MFADevices></ListMFADevicesResult></ListMFADevicesResponse>";
        assert_eq!(elements(answer, "SerialNumber"), ["arn:aws:iam::123456789012:mfa/ada", "GAHT12345678"]);
        assert!(elements("<SerialNumber>a", "Other").is_empty());
        assert!(elements("no XML < at all", "SerialNumber").is_empty());
    }

    #[test]
    fn one_device_is_the_one() {
        let devices = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(the_one(devices(&["a"])).expect("one"), "a");
        assert!(the_one(devices(&[])).is_err());
        let error = the_one(devices(&["a", "b"])).expect_err("two");
        assert_eq!(error.hint(), Some("--mfa-serial ARN says which"));
    }
}
