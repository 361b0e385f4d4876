//! Reader of query strings that collects the errors of all parameters.

use crate::http::error_codes::Code;
use crate::http::problem::{FieldErrors, Problem};
use axum::extract::FromRequestParts;
use http::request::Parts;
use std::collections::BTreeMap;
use std::fmt::Display;

/// The unread parameters of a query string, and the errors of the parameters that were read.
#[derive(Debug)]
pub(crate) struct Query {
    unread: BTreeMap<String, String>,
    errors: FieldErrors,
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let axum::extract::Query(pairs) = query.map_err(|error| {
            Problem::new(Code::InvalidRequest, format!("the query cannot be read: {error}"))
        })?;
        Ok(Self::of(pairs))
    }
}

impl Query {
    /// A query of these names and values.
    pub(crate) fn of(pairs: Vec<(String, String)>) -> Self {
        let mut query = Self { unread: BTreeMap::new(), errors: FieldErrors::default() };
        for (name, value) in pairs {
            if query.unread.insert(name.clone(), value).is_some() {
                query.refuse(&name, "is given more than once");
            }
        }
        query
    }

    /// An optional parameter.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        self.unread.remove(name)
    }

    /// An optional parameter, parsed by `parse`.
    pub(crate) fn parsed<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match parse(&self.text(name)?) {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(name, error);
                None
            }
        }
    }

    /// Adds an error of a parameter.
    pub(crate) fn refuse(&mut self, name: &str, message: impl Display) {
        self.errors.add(Code::InvalidRequest, name, message);
    }

    /// Ok if every parameter was read and none had an error.
    ///
    /// # Errors
    /// One problem with all errors. Parameters that are left unread are unknown.
    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        for name in self.unread.keys() {
            self.errors.add(Code::UnknownField, name, "is unknown");
        }
        self.errors.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(pairs: &[(&str, &str)]) -> Query {
        Query::of(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn what_is_wrong_is_named() {
        let mut read = parameters(&[("limit", "x"), ("page", "2")]);
        assert_eq!(read.parsed("limit", str::parse::<u32>), None);
        let problem = read.finish().unwrap_err();
        assert_eq!(problem.code, Code::InvalidRequest);
        assert_eq!(problem.errors.len(), 2);
        assert_eq!(parameters(&[("page", "2")]).finish().unwrap_err().code, Code::UnknownField);
        assert!(parameters(&[("a", "1"), ("a", "1")]).finish().is_err());
        parameters(&[]).finish().unwrap();
    }
}
