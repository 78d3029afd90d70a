//! Which secrets an export is about.

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::{lookup, wildcard};
use clap::ArgMatches;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use subrosa_secret::{Name, Profile, Tag};
use subrosa_vault::Entry;

/// A pattern for names, and whether a secret that fits was seen.
struct Pattern {
    text: String,
    fitted: AtomicBool,
}

impl Pattern {
    fn fits(&self, name: &str) -> bool {
        let fits = wildcard::fits(&self.text, name);
        self.fitted.fetch_or(fits, Ordering::Relaxed);
        fits
    }
}

/// Names, patterns, tags and a profile; what fits all of them.
pub(super) struct Selection {
    names: BTreeSet<Name>,
    patterns: Vec<Pattern>,
    tags: Vec<Tag>,
    profile: Option<Profile>,
}

impl Selection {
    pub(super) fn of(context: &Context, arguments: &ArgMatches) -> Outcome<Selection> {
        let profile = context.given_profile().cloned();
        let tags = arguments.get_many::<String>("tag").unwrap_or_default();
        let tags = tags.map(|text| super::super::tag::parse(text)).collect::<Outcome<_>>()?;
        let mut selection = Selection { names: BTreeSet::new(), patterns: Vec::new(), tags, profile };
        for text in arguments.get_many::<String>("names").unwrap_or_default() {
            if text.contains(['*', '?']) {
                selection.patterns.push(Pattern { text: text.clone(), fitted: AtomicBool::new(false) });
                continue;
            }
            let name = lookup::name(text)?;
            let name = match &selection.profile {
                Some(profile) => name
                    .in_profile(profile)
                    .map_err(|error| Failure::usage(format!("name {text:?}: {error}")))?,
                None => name,
            };
            selection.names.insert(name);
        }
        Ok(selection)
    }

    pub(super) fn fits(&self, entry: &Entry) -> bool {
        let name = &entry.metadata.name;
        let Some(own) = self.within_profile(name) else { return false };
        if !self.tags.iter().all(|tag| entry.metadata.tags.contains(tag)) {
            return false;
        }
        // all of them: each is to see what fits it
        let fitting = self.patterns.iter().filter(|pattern| pattern.fits(own)).count();
        fitting > 0 || self.names.contains(name) || self.names.is_empty() && self.patterns.is_empty()
    }

    /// The name without the profile; `None` for one of another profile.
    fn within_profile<'n>(&self, name: &'n Name) -> Option<&'n str> {
        match &self.profile {
            Some(profile) => name.as_str().strip_prefix(profile.as_str())?.strip_prefix('/'),
            None => Some(name.as_str()),
        }
    }

    /// Whether anything is left out on purpose.
    pub(super) fn is_narrow(&self) -> bool {
        !(self.names.is_empty() && self.patterns.is_empty() && self.tags.is_empty() && self.profile.is_none())
    }

    /// Refuses an export in which a secret that was named is missing, or what a pattern stands for, or that would be
    /// empty.
    pub(super) fn require(&self, is_any: bool, is_found: impl Fn(&Name) -> bool) -> Outcome {
        if let Some(missing) = self.names.iter().find(|name| !is_found(name)) {
            let text = format!("no secret named {missing} to be exported; nothing was exported");
            return Err(Failure::general(text).hint("subrosa list"));
        }
        if let Some(vain) = self.patterns.iter().find(|pattern| !pattern.fitted.load(Ordering::Relaxed)) {
            let text = format!("no secret fits {}; nothing was exported", vain.text);
            return Err(Failure::general(text).hint("subrosa list"));
        }
        if !is_any {
            let text = if self.is_narrow() { "no secret fits" } else { "the vault holds no secrets" };
            return Err(Failure::general(format!("{text}; nothing was exported")).hint("subrosa list"));
        }
        Ok(())
    }
}
