//! The set-up of a server: by the commands that are printed, and by the API.

use std::process::Command;

use serde_json::{Value, json};
use subrosa_provider::{ErrorKind, Plan, Settings, Standing, System as _};
use subrosa_provider_hashicorp::Hashicorp;
use subrosa_testkit::OpenBao;

use crate::vault::{secret, settings};

const WHO: &[(&str, &str)] = &[
    ("mounts", "secret,kv1:plain,path:database/creds/app"),
    ("people", "ada"),
    ("groups", "devs"),
    ("claim", "username"),
    ("entity-alias", ""),
];

/// A server that knows ada and a group.
fn server() -> Option<OpenBao> {
    let bao = OpenBao::start()?;
    bao.admit("ada", "opensesame");
    bao.post("identity/group", r#"{"name":"devs"}"#);
    Some(bao)
}

fn plan(settings: &Settings) -> Box<dyn Plan> {
    Hashicorp.setup().expect("there is one").plan(settings).expect("a plan")
}

fn of(bao: &OpenBao, more: &[(&str, &str)]) -> Box<dyn Plan> {
    plan(&settings(&bao.address(), bao.ca().to_str().expect("text"), more))
}

/// How things stand before each step.
fn standings(plan: &dyn Plan, token: &str) -> Vec<Standing> {
    let work = plan.begin(secret(token)).expect("hands");
    (0..plan.steps().len()).map(|step| work.standing(step).expect("it is known")).collect()
}

/// Takes every step that is left; what kept it from that.
fn take_all(plan: &dyn Plan, token: &str) -> Result<(), subrosa_provider::ProviderError> {
    let work = plan.begin(secret(token))?;
    for step in 0..plan.steps().len() {
        work.standing(step)?;
        work.take(step)?;
    }
    work.learned().map(drop)
}

/// Runs a command as a person would who pasted it.
fn paste(bao: &OpenBao, command: &str) {
    let folder = bao.program().parent().expect("a folder");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").expect("a path"));
    let mut shell = Command::new("sh");
    shell.args(["-e", "-c", command]).env("PATH", path).env("BAO_ADDR", bao.address());
    shell.env("BAO_CACERT", bao.ca()).env("BAO_TOKEN", OpenBao::ROOT).env_remove("BAO_NAMESPACE");
    let output = shell.output().expect("a shell");
    assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_commands_that_are_printed_make_what_the_api_makes() {
    let Some(bao) = server() else { return };
    bao.post("sys/namespaces/team", "{}");
    for more in [&[][..], &[("namespace", "team")]] {
        // a namespace has people of its own
        let who = if more.is_empty() { WHO } else { &[("mounts", "secret"), ("everybody", "")] };
        let plan = of(&bao, &[who, more].concat());
        assert!(standings(&*plan, OpenBao::ROOT).iter().all(|standing| *standing == Standing::Missing));
        for step in plan.steps() {
            paste(&bao, &step.command);
        }
        for (step, standing) in plan.steps().iter().zip(standings(&*plan, OpenBao::ROOT)) {
            assert_eq!(standing, Standing::Done, "{}", step.command);
        }
        // and once more, the other way round
        take_all(&*plan, OpenBao::ROOT).expect("it is allowed");
        assert!(standings(&*plan, OpenBao::ROOT).iter().all(|standing| *standing == Standing::Done));
    }
    let config: Value =
        serde_json::from_str(&bao.api("GET", "identity/oidc/provider/subrosa", None).ok()).expect("JSON");
    assert_eq!(config["data"]["issuer"], format!("{}/v1/identity/oidc/provider/subrosa", bao.address()));
}

#[test]
fn what_is_there_and_otherwise_is_named_and_an_alias_is_that_of_the_entity() {
    let Some(bao) = server() else { return };
    let plan = of(&bao, WHO);
    take_all(&*plan, OpenBao::ROOT).expect("it is allowed");
    bao.post(
        "auth/jwt/role/subrosa",
        r#"{"role_type":"jwt","user_claim":"email","bound_audiences":"other"}"#,
    );
    bao.post("identity/oidc/key/subrosa", r#"{"allowed_client_ids":"*"}"#);
    bao.post(
        "sys/policies/acl/subrosa",
        &json!({ "policy": "path \"*\" { capabilities = [\"read\"] }" }).to_string(),
    );
    let different: Vec<_> = standings(&*plan, OpenBao::ROOT)
        .into_iter()
        .filter_map(|standing| match standing {
            Standing::Different(parts) => Some(parts),
            _ => None,
        })
        .collect();
    assert_eq!(
        different,
        [vec!["policy"], vec!["allowed_client_ids"], vec!["user_claim", "bound_audiences"]]
    );
    // what cannot be changed without a loss is not, and says so
    let elsewhere = of(&bao, &[WHO, &[("auth-path", "userpass")]].concat());
    let error = take_all(&*elsewhere, OpenBao::ROOT).expect_err("it is another method");
    assert_eq!(error.kind(), ErrorKind::BadSettings);
    assert!(error.to_string().contains("auth/userpass is another way"), "{error}");
    let ada: Value =
        serde_json::from_str(&bao.api("GET", "identity/entity/name/ada", None).ok()).expect("JSON");
    let aliases = ada["data"]["aliases"].as_array().expect("a list");
    assert!(aliases.iter().any(|alias| alias["mount_type"] == "jwt" && alias["name"] == "ada"), "{ada}");
}

#[test]
fn the_policy_for_whoever_sets_it_up_is_enough_and_no_more() {
    let Some(bao) = server() else { return };
    let plan = of(&bao, WHO);
    let permissions = plan.permissions().expect("it is known");
    let token = |policy: &str| {
        bao.post("sys/policies/acl/admin", &json!({ "policy": policy }).to_string());
        let made = bao.post("auth/token/create", r#"{"policies":["admin"],"no_default_policy":true}"#);
        let made: Value = serde_json::from_str(&made).expect("JSON");
        made["auth"]["client_token"].as_str().expect("a token").to_owned()
    };
    take_all(&*plan, &token(&permissions)).expect("it is enough");
    assert!(standings(&*plan, OpenBao::ROOT).iter().all(|standing| *standing == Standing::Done));
    let rules: Vec<_> = permissions.lines().collect();
    assert!(rules.len() >= 10, "{permissions}");
    for left_out in 0..rules.len() {
        let less: Vec<_> =
            rules.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, rule)| *rule).collect();
        let error = take_all(&*plan, &token(&less.join("\n"))).expect_err(rules[left_out]);
        assert_eq!(error.kind(), ErrorKind::Denied, "{} {error}", rules[left_out]);
    }
}

#[test]
fn a_plan_says_who_and_what_or_is_none() {
    let refused = |more: &[(&str, &str)]| {
        let settings = [&[("address", "https://vault.example.com")], more].concat();
        let settings = Hashicorp.settle(settings.into_iter().collect()).expect("settings");
        let plan = Hashicorp.setup().expect("there is one").plan(&settings);
        let error = plan.err().unwrap_or_else(|| panic!("{more:?} is a plan"));
        assert_eq!(error.kind(), ErrorKind::BadSettings);
        error.to_string()
    };
    let mounts = ("mounts", "secret");
    assert!(refused(&[mounts]).contains("--people, --groups or --everybody"));
    assert!(refused(&[mounts, ("everybody", ""), ("people", "ada")]).contains("--everybody"));
    assert!(refused(&[("everybody", "")]).contains("--mounts"));
    assert!(refused(&[mounts, ("everybody", ""), ("entity-alias", "")]).contains("--people"));
    assert!(refused(&[mounts, ("everybody", ""), ("program", "curl")]).contains("bao or vault"));
    for name in ["a b", "-x", "$(id)", "a'b", "../x", "é", ""] {
        assert!(refused(&[mounts, ("everybody", ""), ("name", name)]).contains("name"), "{name}");
        if !name.is_empty() {
            assert!(refused(&[mounts, ("people", name)]).contains("people"), "{name}");
        }
    }
}

#[test]
fn hostile_h82_what_is_printed_is_words_for_a_shell_whatever_is_in_it() {
    let settings: Settings = [
        ("address", "https://vault.example.com/$(id)/a'b"),
        ("namespace", "team/$(id);`id`"),
        ("auth-path", "jwt/'; id; '"),
        ("mounts", "path:a'$(id)/b"),
        ("everybody", ""),
        ("program", "vault"),
    ]
    .into_iter()
    .collect();
    let plan = plan(&Hashicorp.settle(settings).expect("settings"));
    let mut script = String::from(
        "vault() { printf 'word:%s\\n' \"$@\"; cat >/dev/null 2>&1 </dev/null; }\nid() { echo INJECTED; }\n",
    );
    for step in plan.steps() {
        assert!(
            step.command.starts_with("vault ") || step.command.starts_with("printf "),
            "{}",
            step.command
        );
        script.push_str(&step.command);
        script.push('\n');
    }
    let output = Command::new("sh").args(["-e", "-c", &script]).output().expect("a shell");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && !out.contains("INJECTED") && !err.contains("INJECTED"), "{out}{err}");
    assert!(
        out.contains("word:-namespace=team/$(id);`id`") && out.contains("word:-path=jwt/'; id; '"),
        "{out}"
    );
}
