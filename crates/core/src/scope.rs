use crate::name::{UnknownName, every};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// A right that an API key has. None implies another.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumString, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "lowercase", parse_err_ty = UnknownName, parse_err_fn = UnknownName::of::<Self>)]
pub enum Scope {
    /// Quotes, and reading what belongs to the account.
    Read,
    /// Placing and cancelling orders of the account.
    Trade,
    /// Accounts and keys, of all accounts.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = every(Self::VARIANTS);

    /// The name, as in the database and in JSON.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
