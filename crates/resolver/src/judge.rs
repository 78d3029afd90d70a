//! One use against one policy.

use std::collections::BTreeSet;

use subrosa_provider::Registered;
use subrosa_secret::{Access, Placement, TrustRules, Verdict};

use crate::{Reason, Use};

/// What becomes of one use.
pub(crate) enum Judgement {
    Ready,
    Ask,
    Refused(Reason),
}

/// Judges a stored secret, or the lack of one. `given` says that the user gave a value for this call, `placements` all
/// parts in which the same secret goes to the same origin.
pub(crate) fn judge<L>(
    wanted: &Use,
    stored: Option<&Registered<L>>,
    given: bool,
    placements: BTreeSet<Placement>,
    trust: &TrustRules,
) -> Judgement {
    if let Err(deviation) = trust.permits(&wanted.destination) {
        let origin = wanted.destination.origin.clone();
        return Judgement::Refused(Reason::NotTrusted { origin, deviation });
    }
    let Some(stored) = stored else {
        // the user has just typed a value for this very request
        return if given { Judgement::Ready } else { Judgement::Refused(Reason::Missing) };
    };
    let origin = &wanted.destination.origin;
    match stored.policy.judge(origin, wanted.placement) {
        Verdict::Disabled => Judgement::Refused(Reason::Disabled),
        Verdict::HostNotAllowed { origin } => {
            let allowed = match &stored.policy.access {
                Access::Restricted(rules) => rules.clone(),
                Access::Undecided | Access::Unrestricted => Vec::new(),
            };
            Judgement::Refused(Reason::HostNotAllowed { origin, allowed, wanted: placements })
        }
        Verdict::PlacementNotAllowed { origin, placement, allowed } => {
            let reason = Reason::PlacementNotAllowed { origin, placement, allowed, wanted: placements };
            Judgement::Refused(reason)
        }
        _ if stored.locator.is_none() && !given => Judgement::Refused(Reason::Empty),
        Verdict::Undecided => Judgement::Ask,
        Verdict::Allowed => Judgement::Ready,
    }
}
