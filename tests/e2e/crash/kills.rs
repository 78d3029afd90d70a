//! Killed at every step and at any moment, and with a disk that fails at every step.
//!
//! A thousand kills by default. `SUBROSA_KILLS=10000` makes ten rounds of them, in each of which other steps are
//! struck: of calls that a command makes often, such as writing a page, a round takes some.

use std::fs;
use std::iter::repeat_with;
use std::time::Instant;

use subrosa_testkit::faults::{self, Dice};
use subrosa_testkit::needs;

use super::action::Action;
use super::contents::Contents;
use super::trial::Trial;
use crate::home::Home;

/// Kills at random moments, for each command and round.
const MOMENTS: usize = 28;
/// Kills of a round in which every command has its share.
const ROUND: usize = 1000;

fn rounds() -> usize {
    faults::kills().div_ceil(ROUND)
}

fn killed_at_every_step(action: Action) {
    if !needs(&["strace"]) {
        return;
    }
    let trial = Trial::of(action);
    for round in 0..rounds() {
        let chosen = trial.chosen(round);
        let killed = chosen.iter().filter(|call| trial.kill_at(call)).count();
        // a run now and then makes a call less, of locks above all
        assert!(killed > chosen.len() / 2, "{}: {killed} of {} kills", trial.action.name, chosen.len());
        faults::tally(trial.action.name, "killed at a step", killed);
    }
}

fn killed_at_any_moment(action: Action) {
    if !needs(&["strace"]) {
        return;
    }
    let mut dice = Dice::new();
    let trial = Trial::of(action);
    for _ in 0..rounds() {
        // what has ended before it was to be killed is no kill
        let kills = repeat_with(|| trial.kill_at_random(&mut dice)).take(4 * MOMENTS);
        let killed = kills.filter(|killed| *killed).take(MOMENTS).count();
        faults::tally(trial.action.name, "killed at a moment", killed);
    }
}

fn fails_at_every_step(action: Action) {
    if !needs(&["strace"]) {
        return;
    }
    let trial = Trial::of(action);
    for round in 0..rounds() {
        let chosen = trial.chosen(round);
        let on_disk: Vec<_> = chosen.into_iter().filter(|call| call.is_on_a_file()).collect();
        assert!(!on_disk.is_empty(), "{} never touches a file", trial.action.name);
        for (error, kind) in [("EIO", "input/output error"), ("ENOSPC", "disk full")] {
            let struck = on_disk.iter().filter(|call| trial.fail_at(call, error)).count();
            assert!(struck > on_disk.len() / 2, "{}: {struck} of {}", trial.action.name, on_disk.len());
            faults::tally(trial.action.name, kind, struck);
        }
    }
}

/// What one crash leaves, the next one finds.
#[test]
fn hostile_c29_killed_again_and_again_in_one_vault() {
    let home = Home::new().copy();
    let mut dice = Dice::new();
    let mut written = Vec::new();
    let mut killed = 0;
    let begun = Instant::now();
    home.store("first", "made-up-first", &[]);
    let takes = begun.elapsed() * 3 / 2;
    for number in 0..rounds() * 60 {
        let name = format!("secret-{number}");
        match faults::kill_after(&mut home.command(&["set", &name]), name.as_bytes(), dice.moment(takes)) {
            Some(true) => written.push(name),
            Some(false) => panic!("{name} failed without a fault"),
            None => killed += 1,
        }
    }
    let now = Contents::of(&home, &["key"]).expect("a sound vault");
    for name in &written {
        assert!(now.secrets.contains(&format!("{name} = {name} ")), "{name} was acknowledged: {now:?}");
    }
    let half = now.secrets.lines().find(|line| {
        let (name, value) = line.split_once(" = ").expect("a secret");
        name != "first" && !value.starts_with(&format!("{name} "))
    });
    assert_eq!(half, None);
    let left = fs::read_dir(home.vault()).expect("its folder").count();
    assert!(left <= 3, "{:?}", home.files());
    faults::tally("set, one vault", "killed at a moment", killed);
}

/// Three tests for each command.
macro_rules! each {
    ($($command:ident: $steps:ident, $moments:ident, $errors:ident;)*) => {$(
        #[test]
        fn $steps() {
            killed_at_every_step(Action::$command());
        }

        #[test]
        fn $moments() {
            killed_at_any_moment(Action::$command());
        }

        #[test]
        fn $errors() {
            fails_at_every_step(Action::$command());
        }
    )*};
}

each! {
    init: hostile_c29_init_killed_at_every_step, hostile_c29_init_killed_at_any_moment, hostile_c30_init_with_a_failing_disk;
    set_new: hostile_c29_set_new_killed_at_every_step, hostile_c29_set_new_killed_at_any_moment, hostile_c30_set_new_with_a_failing_disk;
    set_again: hostile_c29_set_again_killed_at_every_step, hostile_c29_set_again_killed_at_any_moment, hostile_c30_set_again_with_a_failing_disk;
    rm: hostile_c29_rm_killed_at_every_step, hostile_c29_rm_killed_at_any_moment, hostile_c30_rm_with_a_failing_disk;
    undo: hostile_c29_undo_killed_at_every_step, hostile_c29_undo_killed_at_any_moment, hostile_c30_undo_with_a_failing_disk;
    rename: hostile_c29_rename_killed_at_every_step, hostile_c29_rename_killed_at_any_moment, hostile_c30_rename_with_a_failing_disk;
    allow: hostile_c29_allow_killed_at_every_step, hostile_c29_allow_killed_at_any_moment, hostile_c30_allow_with_a_failing_disk;
    edit: hostile_c29_edit_killed_at_every_step, hostile_c29_edit_killed_at_any_moment, hostile_c30_edit_with_a_failing_disk;
    connect: hostile_c29_connect_killed_at_every_step, hostile_c29_connect_killed_at_any_moment, hostile_c30_connect_with_a_failing_disk;
    link: hostile_c29_link_killed_at_every_step, hostile_c29_link_killed_at_any_moment, hostile_c30_link_with_a_failing_disk;
    unlink: hostile_c29_unlink_killed_at_every_step, hostile_c29_unlink_killed_at_any_moment, hostile_c30_unlink_with_a_failing_disk;
    disconnect: hostile_c29_disconnect_killed_at_every_step, hostile_c29_disconnect_killed_at_any_moment, hostile_c30_disconnect_with_a_failing_disk;
    cert_add: hostile_c29_cert_add_killed_at_every_step, hostile_c29_cert_add_killed_at_any_moment, hostile_c30_cert_add_with_a_failing_disk;
    cert_rm: hostile_c29_cert_rm_killed_at_every_step, hostile_c29_cert_rm_killed_at_any_moment, hostile_c30_cert_rm_with_a_failing_disk;
    purge: hostile_c29_purge_killed_at_every_step, hostile_c29_purge_killed_at_any_moment, hostile_c30_purge_with_a_failing_disk;
    keys_add: hostile_c29_keys_add_killed_at_every_step, hostile_c29_keys_add_killed_at_any_moment, hostile_c30_keys_add_with_a_failing_disk;
    keys_remove: hostile_c29_keys_remove_killed_at_every_step, hostile_c29_keys_remove_killed_at_any_moment, hostile_c30_keys_remove_with_a_failing_disk;
    keys_rotate: hostile_b27_keys_rotate_killed_at_every_step, hostile_b27_keys_rotate_killed_at_any_moment, hostile_c30_keys_rotate_with_a_failing_disk;
    keys_rotate_root: hostile_b27_keys_rotate_root_killed_at_every_step, hostile_b27_keys_rotate_root_killed_at_any_moment, hostile_c30_keys_rotate_root_with_a_failing_disk;
    backup: hostile_c29_backup_killed_at_every_step, hostile_c29_backup_killed_at_any_moment, hostile_c30_backup_with_a_failing_disk;
    accept_rollback: hostile_c29_accept_rollback_killed_at_every_step, hostile_c29_accept_rollback_killed_at_any_moment, hostile_c30_accept_rollback_with_a_failing_disk;
    export: hostile_c29_export_killed_at_every_step, hostile_c29_export_killed_at_any_moment, hostile_c30_export_with_a_failing_disk;
    import: hostile_i90_import_killed_at_every_step, hostile_i90_import_killed_at_any_moment, hostile_c30_import_with_a_failing_disk;
    import_rewrite: hostile_i90_import_rewrite_killed_at_every_step, hostile_i90_import_rewrite_killed_at_any_moment, hostile_c30_import_rewrite_with_a_failing_disk;
    clear: hostile_c29_clear_killed_at_every_step, hostile_c29_clear_killed_at_any_moment, hostile_c30_clear_with_a_failing_disk;
    get: hostile_c29_get_killed_at_every_step, hostile_c29_get_killed_at_any_moment, hostile_c30_get_with_a_failing_disk;
}
