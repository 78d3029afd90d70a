//! `-C`: going on with a transfer that was broken off.

use super::files::Files;
use super::operation::{Operation, Resume};
use super::saving;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, reason};
use std::fs::{self, File};
use std::path::Path;
use subrosa_http::{Body, RangeHeader, RequestDraft, Source, Text};

/// Lets a download go on; returns at which byte.
pub(super) fn download(
    draft: &mut RequestDraft,
    operation: &Operation,
    output: Option<&Path>,
) -> Outcome<u64> {
    let Some(resume) = operation.resume else { return Ok(0) };
    if draft.body.is_some() {
        return Err(Failure::usage("-C goes on with downloads and with uploads (-T), not with other bodies"));
    }
    let from = match (resume, output) {
        (Resume::At(from), _) => from,
        (Resume::Auto, Some(name)) => {
            fs::metadata(saving::located(&operation.saving, name)).map_or(0, |facts| facts.len())
        }
        (Resume::Auto, None) => 0,
    };
    if from > 0 {
        draft.range = Some(RangeHeader::Wanted(Text::literal(format!("{from}-"))));
    }
    Ok(from)
}

/// An upload that goes on: the rest of the file, and which part of it that is.
pub(super) fn upload(file: &str, resume: Resume, files: &Files, draft: &mut RequestDraft) -> Outcome {
    let unreadable =
        |why: &str| Failure::new(Exit::READ_ERROR, format!("cannot read {file}: {why}; nothing was sent"));
    let opened = File::open(file).map_err(|error| unreadable(&reason(&error)))?;
    let length = opened.metadata().ok().filter(fs::Metadata::is_file).map(|facts| facts.len());
    let Some(length) = length else { return Err(unreadable("-C goes on with files only")) };
    let before = match resume {
        Resume::At(from) => from,
        Resume::Auto => 0,
    };
    if before > 0 && before >= length {
        return Err(Failure::new(Exit::curl(18), format!("{file} is uploaded already; nothing was sent")));
    }
    files.check(Path::new(file))?;
    let source = Source::file_from(opened, file, before).map_err(|error| unreadable(&reason(&error)))?;
    let source = source.ok_or_else(|| unreadable("it has become shorter"))?;
    draft.body = Some(Body::upload(source));
    if length > 0 && resume != Resume::At(0) {
        let part = Text::literal(format!("{before}-{}", length - 1));
        draft.range = Some(RangeHeader::Sent { part, before: Some(before) });
    }
    Ok(())
}
