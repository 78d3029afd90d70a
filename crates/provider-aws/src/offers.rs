//! What there is to be linked.

use subrosa_provider::{Offer, Offers, ProviderError};

use crate::connected::Connected;
use crate::fault;
use crate::target::Target;

/// The most pages of a list that are turned, of a hundred secrets each (ListSecrets, `MaxResults`).
const PAGES: usize = 100;
const A_PAGE: i32 = 100;
/// Of a description, so many letters are shown.
const ABOUT: usize = 60;

impl Connected<'_> {
    /// The names that hold a text. ListSecrets can filter by how a name begins, not by what it holds, so that all are looked through.
    pub(crate) fn offered(&self, search: &str, limit: usize) -> Result<Offers, ProviderError> {
        let (search, mut offers, mut next) = (search.to_lowercase(), Offers::default(), None);
        let region = self.services.region()?;
        let client = self.with_keys(self.role(None), |keys| self.services.secrets(region, keys))?;
        for _ in 0..PAGES {
            let call = client.list_secrets().max_results(A_PAGE).set_next_token(next.take());
            let page = self.services.wait(call.send())?.map_err(|error| fault::of(&error, "the secrets"))?;
            for secret in page.secret_list.unwrap_or_default() {
                let target = secret.name.as_deref().and_then(|name| Target::parse(name).ok());
                let target = target.map(|target| target.to_string());
                let Some(target) = target.filter(|target| target.to_lowercase().contains(&search)) else {
                    continue;
                };
                let about = secret.description.unwrap_or_default();
                let about = about.chars().filter(|letter| !letter.is_control()).take(ABOUT).collect();
                offers.found.push(Offer { target, about });
            }
            match page.next_token {
                Some(token) if !token.is_empty() => next = Some(token),
                _ => break,
            }
        }
        offers.found.sort_by(|one, other| one.target.cmp(&other.target));
        offers.more = next.is_some() || offers.found.len() > limit;
        offers.found.truncate(limit);
        Ok(offers)
    }
}
