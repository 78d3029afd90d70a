//! The reference scanner over arbitrary bytes.

use std::ops::Range;

use subrosa_secret::scan;

/// What one input is repeated to, so that a scan which is not linear runs into the time limit.
const LARGE: usize = 64 << 10;

/// Spans lie within the text, in order, apart from each other; each reference stands for itself.
pub fn reference(data: &[u8]) {
    let found = scan(data);
    for reference in &found.references {
        let alone = scan(&data[reference.span.clone()]);
        assert!(alone.malformed.is_empty(), "well-formed only among others");
        let [again] = &alone.references[..] else {
            panic!("another number of references when it stands alone")
        };
        assert_eq!((&again.name, again.form), (&reference.name, reference.form));
    }
    let mut spans: Vec<Range<usize>> = found.references.iter().map(|found| found.span.clone()).collect();
    assert!(spans.is_sorted_by_key(|span| span.start));
    assert!(found.malformed.is_sorted_by_key(|malformed| malformed.span.start));
    spans.extend(found.malformed.iter().map(|malformed| malformed.span.clone()));
    spans.sort_by_key(|span| span.start);
    let mut done = 0;
    for span in &spans {
        assert!(done <= span.start && span.start < span.end && span.end <= data.len(), "{span:?}");
        done = span.end;
    }
    if let Ok(text) = std::str::from_utf8(data) {
        assert!(
            spans.iter().all(|span| text.is_char_boundary(span.start) && text.is_char_boundary(span.end))
        );
    }
    what_stands_between_is_kept(data, &spans);
    if (64..1024).contains(&data.len()) && data.len().is_multiple_of(16) {
        scan(&data.repeat(LARGE / data.len()));
    }
}

/// With something harmless in the place of every span nothing is left to be found, and nothing else has changed.
fn what_stands_between_is_kept(data: &[u8], spans: &[Range<usize>]) {
    let (mut marked, mut done) = (Vec::new(), 0);
    for span in spans {
        marked.extend_from_slice(&data[done..span.start]);
        marked.push(b'#');
        done = span.end;
    }
    marked.extend_from_slice(&data[done..]);
    assert_eq!(marked.len(), data.len() + spans.len() - spans.iter().map(Range::len).sum::<usize>());
    assert!(scan(&marked).references.is_empty(), "a reference was passed over");
}
