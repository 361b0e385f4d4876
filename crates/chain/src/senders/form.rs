//! The forms in which senders take a transaction.

use crate::rpc;
use crate::{Commitment, Error};
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, HeaderName};
use serde::Deserialize;
use serde_json::{Value, json};
use strum::{EnumString, IntoStaticStr, VariantNames};

/// The form in which a sender takes a transaction, and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum SenderForm {
    /// `sendTransaction` as nodes take it.
    Rpc,
    /// `sendTransaction` as Jito's block engines take it.
    Jito,
    /// `sendBundle` of the single transaction, as Jito's block engines take it.
    Bundle,
    /// A `POST` of the transaction alone, as bloXroute and NextBlock take it at `/api/v2/submit`.
    Submit,
}

/// The parameters of `sendTransaction`, for nodes and for senders alike.
pub(crate) fn send_params(encoded: &str, skip_preflight: bool) -> Value {
    json!([encoded, {
        "encoding": "base64",
        "skipPreflight": skip_preflight,
        // That of the blockhash: a node that is behind would not know it otherwise.
        "preflightCommitment": Commitment::Confirmed.name(),
        // Whoever sends it repeats it; the node need not.
        "maxRetries": 0,
    }])
}

impl SenderForm {
    /// The forms' names, as settings write them.
    pub const NAMES: &'static [&'static str] = <Self as VariantNames>::VARIANTS;

    /// The name, as settings write it.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// True if senders of this form land what pays them a tip, and refuse or delay the rest.
    pub const fn wants_tip(self) -> bool {
        match self {
            Self::Rpc => false,
            Self::Jito | Self::Bundle | Self::Submit => true,
        }
    }

    /// The method, for errors.
    pub(super) const fn method(self) -> &'static str {
        match self {
            Self::Rpc | Self::Jito => "sendTransaction",
            Self::Bundle => "sendBundle",
            Self::Submit => "submit",
        }
    }

    /// The header that carries a key. None: a key is part of the URL.
    pub(super) const fn key_header(self) -> Option<HeaderName> {
        match self {
            Self::Rpc => None,
            Self::Jito | Self::Bundle => Some(HeaderName::from_static("x-jito-auth")),
            Self::Submit => Some(AUTHORIZATION),
        }
    }

    /// The body of the request that hands a transaction over, which is in base64.
    pub(super) fn body(self, encoded: &str) -> Value {
        let encoding = json!({ "encoding": "base64" });
        match self {
            Self::Rpc => rpc::request(self.method(), &send_params(encoded, true)),
            Self::Jito => rpc::request(self.method(), &json!([encoded, encoding])),
            Self::Bundle => rpc::request(self.method(), &json!([[encoded], encoding])),
            Self::Submit => json!({
                "transaction": { "content": encoded },
                "skipPreFlight": true,
                "frontRunningProtection": false,
            }),
        }
    }

    /// Reads the answer. `Ok` if it took the transaction.
    pub(super) fn read(self, name: &str, status: StatusCode, body: &[u8]) -> Result<(), Error> {
        let method = self.method();
        match self {
            Self::Rpc | Self::Jito | Self::Bundle => match rpc::parse::<String>(method, body) {
                Err(Error::Malformed { .. }) if !status.is_success() => Err(unreadable(method, name, status)),
                answer => answer.map(drop),
            },
            Self::Submit => match (status.is_success(), serde_json::from_slice::<Submitted>(body)) {
                (true, Ok(Submitted { signature: Some(_), .. })) => Ok(()),
                (_, Ok(Submitted { code, message: Some(message), .. })) => {
                    Err(Error::Answer { method, code: code.unwrap_or_default(), message, data: None })
                }
                (true, _) => Err(Error::Malformed { method, reason: "it has no signature".to_owned() }),
                (false, _) => Err(unreadable(method, name, status)),
            },
        }
    }
}

/// The answer to [`SenderForm::Submit`]: a signature, or a refusal in the words of gRPC.
#[derive(Deserialize)]
struct Submitted {
    signature: Option<String>,
    code: Option<i64>,
    message: Option<String>,
}

fn unreadable(method: &'static str, name: &str, status: StatusCode) -> Error {
    Error::Unreachable { method, node: name.to_owned(), reason: format!("HTTP status {status}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [SenderForm; 4] = [SenderForm::Rpc, SenderForm::Jito, SenderForm::Bundle, SenderForm::Submit];

    #[test]
    fn each_form_keeps_its_wire_form() {
        let body = |form: SenderForm| form.body("AQID").to_string();
        assert_eq!(ALL.map(SenderForm::name).as_slice(), SenderForm::NAMES);
        assert_eq!(
            ALL.map(body),
            [
                r#"{"id":1,"jsonrpc":"2.0","method":"sendTransaction","params":["AQID",{"encoding":"base64","maxRetries":0,"preflightCommitment":"confirmed","skipPreflight":true}]}"#,
                r#"{"id":1,"jsonrpc":"2.0","method":"sendTransaction","params":["AQID",{"encoding":"base64"}]}"#,
                r#"{"id":1,"jsonrpc":"2.0","method":"sendBundle","params":[["AQID"],{"encoding":"base64"}]}"#,
                r#"{"frontRunningProtection":false,"skipPreFlight":true,"transaction":{"content":"AQID"}}"#,
            ]
        );
        let headers = ALL.map(|form| form.key_header().map(|header| header.to_string()));
        let jito = || Some("x-jito-auth".to_owned());
        assert_eq!(headers, [None, jito(), jito(), Some("authorization".to_owned())]);
    }

    #[test]
    fn an_answer_is_taken_or_refused_in_the_words_of_the_form() {
        let read = |form: SenderForm, status: u16, body: &str| {
            form.read("host", StatusCode::from_u16(status).unwrap(), body.as_bytes())
        };
        let rpc = r#"{"jsonrpc":"2.0","id":1,"result":"5sig"}"#;
        let refused = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"tip is too low"}}"#;
        for form in [SenderForm::Rpc, SenderForm::Jito, SenderForm::Bundle] {
            assert!(read(form, 200, rpc).is_ok());
            // Some give their refusals another status than 200.
            for status in [200, 400] {
                let error = read(form, status, refused).unwrap_err();
                assert_eq!(error.code(), Some(-32602), "{error}");
            }
            assert!(matches!(read(form, 500, "<html>"), Err(Error::Unreachable { .. })));
            assert!(matches!(read(form, 200, "<html>"), Err(Error::Malformed { .. })));
        }
        let submit = |status, body| read(SenderForm::Submit, status, body);
        assert!(submit(200, r#"{"signature":"5sig"}"#).is_ok());
        let error = submit(400, r#"{"code":3,"message":"no tip","details":[]}"#).unwrap_err();
        assert!(matches!(&error, Error::Answer { code: 3, message, .. } if message == "no tip"), "{error}");
        assert!(matches!(submit(200, "{}"), Err(Error::Malformed { .. })));
        assert!(matches!(submit(502, "<html>"), Err(Error::Unreachable { .. })));
    }
}
