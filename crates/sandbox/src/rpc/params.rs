use super::error::Error;
use crate::cluster::Commitment;
use crate::node::View;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use solana_pubkey::Pubkey;

/// The positional parameters of a request.
pub(crate) struct Params(Vec<Value>);

impl Params {
    /// Reads `params`, which may be absent.
    pub(crate) fn read(params: Option<Value>) -> Result<Self, Error> {
        match params {
            None | Some(Value::Null) => Ok(Self(Vec::new())),
            Some(Value::Array(values)) => Ok(Self(values)),
            Some(_) => Err(Error::invalid_params("Invalid params: expected an array")),
        }
    }

    /// The parameter at `index`.
    pub(crate) fn required<T: DeserializeOwned>(&self, index: usize, name: &str) -> Result<T, Error> {
        let value = self.0.get(index).cloned().unwrap_or_default();
        if value.is_null() {
            return Err(Error::invalid_params(format!("Invalid params: {name} is missing")));
        }
        parse(value, name)
    }

    /// The parameter at `index`, or what stands for none.
    pub(crate) fn optional<T: DeserializeOwned + Default>(
        &self,
        index: usize,
        name: &str,
    ) -> Result<T, Error> {
        match self.0.get(index) {
            None | Some(Value::Null) => Ok(T::default()),
            Some(value) => parse(value.clone(), name),
        }
    }

    /// The address at `index`.
    pub(crate) fn address(&self, index: usize) -> Result<Pubkey, Error> {
        address(&self.required::<String>(index, "address")?)
    }
}

/// Reads an address.
pub(crate) fn address(text: &str) -> Result<Pubkey, Error> {
    text.parse().map_err(|_| Error::invalid_params(format!("Invalid param: `{text}` is not an address")))
}

fn parse<T: DeserializeOwned>(value: Value, name: &str) -> Result<T, Error> {
    serde_json::from_value(value)
        .map_err(|error| Error::invalid_params(format!("Invalid params: {name}: {error}")))
}

/// The part of a configuration that says which state is asked for.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Context {
    /// How sure it must be.
    pub(crate) commitment: Commitment,
    /// How recent it must be.
    pub(crate) min_context_slot: Option<u64>,
}

impl Context {
    /// The slot that answers, if it is recent enough.
    pub(crate) fn slot(self, view: &View<'_>) -> Result<u64, Error> {
        let slot = view.slot(self.commitment);
        match self.min_context_slot {
            Some(wanted) if view.claimed(slot) < wanted => Err(Error::min_context_slot(slot)),
            Some(_) | None => Ok(slot),
        }
    }
}
