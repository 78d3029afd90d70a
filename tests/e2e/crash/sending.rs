//! A request that is killed, or whose audit log cannot be written: nothing leaves without its entry.

use subrosa_testkit::faults::{self, Call, Fault};
use subrosa_testkit::needs;

use super::contents::Contents;
use crate::home::{Home, Run};
use crate::stage::Stage;

const HEADER: [&str; 3] = ["send", "-H", "X-Key: <<vault:key>>"];

/// A server, and a user whose secret may go there.
fn stage() -> (Stage, Home) {
    let stage = Stage::new();
    stage.allowed("key");
    stage.send_here(&HEADER[1..], "/first").ok();
    let home = stage.home.copy();
    (stage, home)
}

fn entries(home: &Home) -> u64 {
    Contents::of(home, &["key"]).expect("a sound vault and log").audit
}

/// Strikes one request and answers how it ended, whether it reached the server and whether it stands in the log.
fn struck(stage: &Stage, template: &Home, call: &Call, fault: Fault, path: &str) -> (Run, bool, bool) {
    let home = template.copy();
    let before = entries(&home);
    let url = stage.server.url(path);
    let command = home.command(&[&HEADER[..], &[&url]].concat());
    let run = Run::of(call.with(fault, &command), b"");
    let arrived = stage.server.requests().iter().any(|request| request.target == path);
    let noted = entries(&home) > before;
    // the next one goes through
    home.run(&[&HEADER[..], &[&stage.server.url("/next")]].concat()).ok();
    assert!(entries(&home) > before, "{call:?}");
    (run, arrived, noted)
}

fn calls(stage: &Stage, template: &Home) -> Vec<Call> {
    let url = stage.server.url("/counted");
    faults::calls(&template.copy().command(&[&HEADER[..], &[&url]].concat()), b"")
}

#[test]
fn hostile_c29_send_killed_at_every_step() {
    if !needs(&["strace"]) {
        return;
    }
    let (stage, template) = stage();
    let (mut sent, mut killed) = (0, 0);
    for (number, call) in calls(&stage, &template).iter().enumerate() {
        let (run, arrived, noted) = struck(&stage, &template, call, Fault::Kill, &format!("/case-{number}"));
        assert!(noted || !arrived, "{call:?}: it was sent and stands in no log: {run}");
        sent += usize::from(arrived);
        killed += usize::from(run.code == 137);
    }
    assert!(sent > 0 && killed > 0, "{sent} sent, {killed} killed");
    faults::tally("send", "killed at a step", killed);
}

#[test]
fn hostile_c30_send_with_a_failing_audit_log() {
    if !needs(&["strace"]) {
        return;
    }
    let (stage, template) = stage();
    let is_on_log = |call: &&Call| {
        call.file.as_ref().is_some_and(|file| file.ends_with("audit.log")) && call.name != "fcntl"
    };
    let calls = calls(&stage, &template);
    let on_log: Vec<_> = calls.iter().filter(is_on_log).collect();
    assert!(!on_log.is_empty(), "{calls:?}");
    for (number, call) in on_log.iter().enumerate() {
        for error in ["EIO", "ENOSPC"] {
            let path = format!("/{error}-{number}");
            let (run, arrived, noted) = struck(&stage, &template, call, Fault::Fails(error), &path);
            if run.code == 0 {
                // a lock that could not be given back ends with the process
                assert!(arrived && noted && call.name == "flock", "{call:?}: {run}");
                continue;
            }
            assert!(!arrived && !noted, "{call:?}: {run}");
            run.ends(105).says("nothing was sent");
        }
    }
    faults::tally("send", "failing audit log", 2 * on_log.len());
}
