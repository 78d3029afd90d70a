//! What a dynamic engine made for us, for a while.

use subrosa_provider::ProviderError;
use subrosa_rest::{Call, JsonObject};
use subrosa_secret::SecretValue;
use zeroize::Zeroizing;

use crate::api::{Api, Envelope};
use crate::clock::now;
use crate::token::Life;

/// A lease with what was leased. All keys of it belong together: the password of one lease fits no name of another.
pub(crate) struct Lease {
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) life: Life,
    /// The object `data` of the answer, as JSON.
    pub(crate) data: Zeroizing<Vec<u8>>,
}

impl Lease {
    /// Until when it is used without a thought: a third is left for renewing it, of one that cannot be renewed for a new one.
    pub(crate) fn used_until(&self) -> i64 {
        self.life.expires.map_or(i64::MAX, |end| end - self.life.granted / 3)
    }

    /// Asks for more time; whether that gave enough to go on with.
    pub(crate) fn renew(&mut self, api: &Api, token: &SecretValue) -> Result<bool, ProviderError> {
        let fields = JsonObject::default().text("lease_id", &self.id).number("increment", self.life.granted);
        let answer = api.ask(Call::put("/v1/sys/leases/renew").json(fields), token, &self.path)?;
        let envelope: Envelope<'_> = answer.json()?;
        let granted = self.life.granted.max(envelope.lease_duration);
        self.life = Life { granted, ..Life::granted(envelope.lease_duration, envelope.renewable) };
        Ok(self.used_until() > now())
    }

    /// Takes back what was leased; when this is answered, it is gone.
    pub(crate) fn revoke(&self, api: &Api, token: &SecretValue) -> Result<(), ProviderError> {
        let fields = JsonObject::default().text("lease_id", &self.id).truth("sync", true);
        api.ask(Call::put("/v1/sys/leases/revoke").json(fields), token, &self.path).map(drop)
    }
}
