use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use axum::extract::FromRequestParts;
use http::request::Parts;
use journal::KeyId;
use order_core::{AccountId, Scope};
use std::collections::BTreeSet;

/// The caller of a request, whom the guard has identified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The account that the caller acts for.
    pub(crate) account: AccountId,
    /// The rights of the caller.
    pub(crate) scopes: BTreeSet<Scope>,
    /// The key that the caller has shown. None on a gateway that has no keys yet.
    pub(crate) key: Option<KeyId>,
}

impl Caller {
    /// The caller on this machine, while no key was ever issued: the operator, without the right to issue keys.
    pub(super) fn local() -> Self {
        let scopes = BTreeSet::from([Scope::Read, Scope::Trade]);
        Self { account: AccountId::operator(), scopes, key: None }
    }

    /// Checks that the caller has a right.
    ///
    /// # Errors
    /// It has not.
    pub(super) fn require(&self, scope: Scope) -> Result<(), Problem> {
        if self.scopes.contains(&scope) {
            return Ok(());
        }
        Err(Problem::new(Code::Forbidden, format!("the key lacks the scope {scope}")))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    /// Fails closed: a route that the guard lets through without a caller has none to give.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            tracing::error!(path = parts.uri.path(), "a public route asks for its caller");
            Problem::new(Code::Internal, "the caller is unknown")
        })
    }
}
