//! What a reference leads to, the same by both ways.

use subrosa_provider::{ErrorKind, Provider as _, WriteMode, conformance};
use subrosa_secret::SecretValue;
use subrosa_testkit::{ConnectServer, Vaults};

use crate::connected::{Known, TARGET, VALUE, failure, look_up, to_server, value};

/// Both ways to the same vaults, as far as there are both here.
fn by_each_way(test: impl Fn(&Known)) {
    let vaults = Vaults::with(VALUE);
    #[cfg(unix)]
    if let Some(op) = subrosa_testkit::FakeOp::install(&vaults) {
        test(&crate::connected::to_program(&op));
    }
    test(&to_server(&ConnectServer::start(vaults)));
}

const PRESENT: [(&str, &[u8]); 14] = [
    ("op://automation/stripe/credential", VALUE.as_bytes()),
    ("op://automation/stripe/username", b"ada"),
    ("op://automation/stripe/admin/username", b"ada in the section"),
    ("op://automation/stripe/admin/api key", b"of the section"),
    // one field has it, in whatever section
    ("op://automation/stripe/api key", b"of the section"),
    ("op://automation/stripe/own field", b"by its owner\n"),
    ("op://automation/stripe/empty", b""),
    ("op://automation/account/password", b"opensesame"),
    ("op://automation/account/one-time password?attribute=otp", Vaults::CODE.as_bytes()),
    ("op://automation/account/password?attribute=purpose", b"PASSWORD"),
    ("op://automation/deploy key/private key?ssh-format=openssh", b"an OpenSSH key, or not\n"),
    ("op://automation/certificates/cert.pem", b"a certificate, or not\n"),
    ("op://automation/certificates/key.bin", &[0, 0xff, 0xfe, b'\n', 0x80]),
    ("op://shared/guest wi-fi/wireless network password", b"guests-only"),
];

#[test]
fn both_ways_conform() {
    let present: Vec<_> =
        PRESENT.iter().map(|(target, value)| ((*target).to_owned(), value.to_vec())).collect();
    by_each_way(|provider| {
        for absent in ["op://automation/gone/password", "op://automation/stripe/gone"] {
            conformance::check(provider, &present, &absent.to_owned());
        }
    });
}

#[test]
fn ids_and_other_spellings_lead_to_the_same() {
    let (vault, item, file) = (Vaults::id("automation"), Vaults::id("itemstripe"), Vaults::id("filecert"));
    by_each_way(|provider| {
        for target in [
            format!("op://{vault}/{item}/credential"),
            format!("op://Automation/{item}/Credential"),
            format!("op://{vault}/STRIPE/credential"),
        ] {
            assert_eq!(value(provider, &target), VALUE.as_bytes(), "{target}");
        }
        let cases = [
            ("op://automation/stripe/adminsection/sectionkey".to_owned(), &b"of the section"[..]),
            (format!("op://automation/certificates/{file}"), b"a certificate, or not\n"),
            (
                "op://automation/certificates/cert.pem?attribute=content".to_owned(),
                b"a certificate, or not\n",
            ),
            ("op://automation/certificates/admin/ca.pem".to_owned(), b"of the section"),
            ("op://automation/certificates/cert.pem?attribute=size".to_owned(), b"22"),
            (
                "op://automation/certificates/filecertaaaaaaaaaaaaaaaaaa?attribute=name".to_owned(),
                b"cert.pem",
            ),
            ("op://automation/account/password?attribute=type".to_owned(), b"CONCEALED"),
            ("op://automation/account/password?attribute=id".to_owned(), b"password"),
            ("op://automation/account/password?attr=title".to_owned(), b"password"),
        ];
        for (target, expected) in cases {
            assert_eq!(value(provider, &target), expected, "{target}");
        }
    });
}

#[test]
fn what_names_nothing_or_several_things_is_told() {
    let private = format!("op://{}/hidden/password", Vaults::id("private"));
    by_each_way(|provider| {
        for (target, kind, says) in [
            ("op://nowhere/item/password", ErrorKind::NotFound, "no such vault"),
            ("op://private/hidden/password", ErrorKind::NotFound, "no such vault"),
            ("op://twin/item/password", ErrorKind::BadLink, "more than one vault"),
            ("op://automation/twin/password", ErrorKind::BadLink, "more than one item"),
            ("op://automation/stripe/port", ErrorKind::BadLink, "more than one field"),
        ] {
            let error = failure(provider, target);
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(says), "{error}");
            conformance::check_failure(provider, &target.to_owned(), kind, &[VALUE]);
        }
        let error = failure(provider, &private);
        assert!(matches!(error.kind(), ErrorKind::Denied | ErrorKind::NotFound), "{error}");
        // archived; in another section
        for absent in ["op://automation/old/password", "op://automation/stripe/other/api key"] {
            let answer = look_up(provider, &[absent, TARGET]);
            assert!(matches!(answer[..], [Ok(None), Ok(Some(_))]), "{absent}");
        }
        for target in [
            "op://automation/stripe/credential?attribute=otp",
            "op://automation/stripe/credential?ssh-format=openssh",
            "op://automation/certificates/cert.pem?attribute=purpose",
        ] {
            assert_eq!(failure(provider, target).kind(), ErrorKind::BadLink, "{target}");
        }
    });
}

#[test]
fn a_one_time_password_is_used_once() {
    by_each_way(|provider| {
        let target = "op://automation/account/one-time password?attribute=otp".to_owned();
        assert_eq!(provider.value_end(&target), Some(0));
        assert_eq!(provider.value_end(&TARGET.to_owned()), None);
    });
}

#[test]
fn a_field_without_a_value_has_none() {
    let server = ConnectServer::start(Vaults::with(VALUE));
    let provider = to_server(&server);
    let answer = look_up(&provider, &["op://automation/stripe/notesplain"]);
    assert!(matches!(answer[..], [Ok(None)]));
}

/// However many fields of an item are wanted, and of however many: a list of vaults, one of items, an item each.
#[test]
fn an_item_is_asked_for_once() {
    let server = ConnectServer::start(Vaults::with(VALUE));
    let provider = to_server(&server);
    let targets = PRESENT.map(|(target, _)| target);
    assert!(look_up(&provider, &targets).iter().all(|answer| matches!(answer, Ok(Some(_)))));
    let asked: Vec<String> = server.server().requests().into_iter().map(|request| request.target).collect();
    let of = |name: &str| asked.iter().filter(|target| target.ends_with(name)).count();
    assert_eq!((asked.len(), of("/items"), of("/content")), (1 + 2 + 5 + 2, 2, 2), "{asked:?}");
    assert_eq!(server.server().connections(), 1);

    // by ids nothing is looked for
    let _ = server.server().take_requests();
    let target = format!("op://{}/{}/credential", Vaults::id("automation"), Vaults::id("itemstripe"));
    assert_eq!(value(&provider, &target), VALUE.as_bytes());
    assert_eq!(server.server().requests().len(), 1);
}

#[test]
fn who_one_is() {
    by_each_way(|provider| {
        let who = provider.describe().expect("it works").who;
        assert!(who.ends_with(" for Automation, Shared, Twin, Twin"), "{who}");
    });
}

fn write(provider: &Known, target: &str, value: &[u8], mode: WriteMode) -> Result<(), ErrorKind> {
    let value = SecretValue::new(value.to_vec()).expect("a short value");
    provider.write(&target.to_owned(), &value, mode).map_err(|error| error.kind())
}

#[test]
fn a_value_is_written_beside_the_others() {
    by_each_way(|provider| {
        let hard = "a \"new\" value\n\\ <<vault:x>> {{ é \u{1}".as_bytes();
        let (old, other) = (TARGET, "op://automation/stripe/username");
        assert_eq!(write(provider, old, hard, WriteMode::New), Err(ErrorKind::Exists));
        assert_eq!(value(provider, old), VALUE.as_bytes());
        assert_eq!(write(provider, old, hard, WriteMode::Replace), Ok(()));
        assert_eq!(value(provider, old), hard);
        // a field without a value, a new one, one of a section, a new item
        for target in [
            "op://automation/stripe/notesplain",
            "op://automation/stripe/new field",
            "op://automation/stripe/admin/new field",
            "op://automation/brand new/password",
        ] {
            assert_eq!(write(provider, target, hard, WriteMode::New), Ok(()), "{target}");
            assert_eq!(value(provider, target), hard, "{target}");
            assert_eq!(write(provider, target, b"x", WriteMode::New), Err(ErrorKind::Exists), "{target}");
        }
        assert_eq!(value(provider, other), b"ada");
        assert_eq!(value(provider, "op://automation/stripe/admin/api key"), b"of the section");
        assert_eq!(value(provider, "op://automation/stripe/own field"), b"by its owner\n");
    });
}

#[test]
fn what_cannot_be_written_is_told_and_nothing_changes() {
    let gone = format!("op://automation/{}/password", Vaults::id("itemgone"));
    by_each_way(|provider| {
        for (target, value, kind) in [
            (TARGET, &b"\xff"[..], ErrorKind::Unsupported),
            ("op://automation/account/one-time password?attribute=otp", b"123456", ErrorKind::Unsupported),
            ("op://automation/certificates/cert.pem", b"x", ErrorKind::Unsupported),
            ("op://automation/stripe/nowhere/field", b"x", ErrorKind::BadLink),
            ("op://automation/stripe/port", b"x", ErrorKind::BadLink),
            ("op://automation/twin/password", b"x", ErrorKind::BadLink),
            ("op://automation/brand new/section/password", b"x", ErrorKind::NotFound),
            (&gone, b"x", ErrorKind::NotFound),
            ("op://nowhere/item/password", b"x", ErrorKind::NotFound),
        ] {
            assert_eq!(write(provider, target, value, WriteMode::Replace), Err(kind), "{target}");
        }
        assert_eq!(value(provider, TARGET), VALUE.as_bytes());
    });
}

#[test]
fn what_is_there_can_be_searched() {
    by_each_way(|provider| {
        let offers = |search: &str, limit: usize| provider.offers(search, limit).expect("a list");
        let targets = |search: &str| offers(search, 100).found.into_iter().map(|offer| offer.target);
        let all = offers("", 100);
        assert!(!all.more);
        let all: Vec<String> = all.found.into_iter().map(|offer| offer.target).collect();
        assert!(all.is_sorted() && all.len() > 12, "{all:?}");
        // each can be linked as it stands, and means one value
        for target in &all {
            assert!(provider.lookup(target).expect(target).is_some(), "{target}");
        }
        assert!(!all.iter().any(|target| target.contains("op://private") || target.contains("notesplain")));
        assert_eq!(
            targets("Stripe/Admin").collect::<Vec<_>>(),
            ["op://automation/stripe/admin/port", "op://automation/stripe/admin/username"]
        );
        assert_eq!(
            targets("one-time").collect::<Vec<_>>(),
            ["op://automation/account/one-time password?attribute=otp"]
        );
        assert_eq!(targets("wi-fi").count(), 1);
        assert_eq!(targets("no such thing").count(), 0);
        let some = offers("stripe", 2);
        assert_eq!((some.found.len(), some.more), (2, true));
        assert!(all.contains(&"op://automation/certificates/cert.pem".to_owned()));
        let about = &offers("cert.pem", 10).found[0].about;
        assert_eq!(about, "file");
    });
}
