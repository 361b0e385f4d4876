//! Failures as gRPC statuses, and back.
//!
//! The code travels as the `reason` of `google.rpc.ErrorInfo`, the sentence as the status's message.

use crate::Invalid;
use order_core::failure::Code;
use order_core::{Failure, failure};
use std::collections::HashMap;
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

/// Who defines the codes, in `google.rpc.ErrorInfo`.
pub const DOMAIN: &str = "dex.router.v1";

/// The code of a request that breaks the contract; the fields are in `google.rpc.BadRequest`.
pub const INVALID_REQUEST: &str = "invalid_request";

/// The status that tells a caller of this failure.
pub fn from_failure(failure: &Failure) -> tonic::Status {
    let details = ErrorDetails::with_error_info(failure.code.name(), DOMAIN, HashMap::new());
    tonic::Status::with_error_details(grpc_code(failure.code), failure.message.clone(), details)
}

/// The status that tells a caller which field of its request is wrong.
pub fn from_invalid(invalid: &Invalid) -> tonic::Status {
    let mut details = ErrorDetails::with_error_info(INVALID_REQUEST, DOMAIN, HashMap::new());
    details.set_bad_request(vec![FieldViolation::new(invalid.field, invalid.message.clone())]);
    tonic::Status::with_error_details(tonic::Code::InvalidArgument, invalid.to_string(), details)
}

/// The failure code of a status: the one that it carries, or the nearest one to its gRPC code.
///
/// A status without a code of ours comes from something between the two processes, or from tonic
/// itself: unless it blames the request, another attempt may do better.
pub fn to_failure(status: &tonic::Status) -> Failure {
    let code = carried_code(status).unwrap_or_else(|| nearest_code(status.code()));
    let message = match status.message() {
        "" => format!("the router answered {}", status.code()),
        message => message.to_owned(),
    };
    Failure::new(code, message)
}

fn carried_code(status: &tonic::Status) -> Option<Code> {
    let info = status.get_details_error_info()?;
    (info.domain == DOMAIN).then(|| info.reason.parse().ok())?
}

const fn grpc_code(code: failure::Code) -> tonic::Code {
    match code {
        Code::NoRoute => tonic::Code::NotFound,
        Code::RouterUnavailable | Code::ClusterUnavailable | Code::SignerUnavailable => {
            tonic::Code::Unavailable
        }
        Code::AttemptTimedOut => tonic::Code::DeadlineExceeded,
        Code::SlippageExceeded
        | Code::PriceImpactTooHigh
        | Code::InsufficientFunds
        | Code::FundsReserved
        | Code::Halted
        | Code::WalletChanged
        | Code::LimitExceeded => tonic::Code::FailedPrecondition,
        Code::Interrupted
        | Code::SimulationFailed
        | Code::TransactionReverted
        | Code::TransactionExpired
        | Code::MarkerInUse => tonic::Code::Aborted,
        Code::Unsupported => tonic::Code::Unimplemented,
    }
}

const fn nearest_code(code: tonic::Code) -> Code {
    match code {
        tonic::Code::InvalidArgument | tonic::Code::Unimplemented | tonic::Code::OutOfRange => {
            Code::Unsupported
        }
        tonic::Code::Ok
        | tonic::Code::Cancelled
        | tonic::Code::Unknown
        | tonic::Code::DeadlineExceeded
        | tonic::Code::NotFound
        | tonic::Code::AlreadyExists
        | tonic::Code::PermissionDenied
        | tonic::Code::ResourceExhausted
        | tonic::Code::FailedPrecondition
        | tonic::Code::Aborted
        | tonic::Code::Internal
        | tonic::Code::Unavailable
        | tonic::Code::DataLoss
        | tonic::Code::Unauthenticated => Code::RouterUnavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_comes_back_as_itself() {
        for code in Code::ALL {
            let failure = Failure::new(code, "what happened");
            assert_eq!(to_failure(&from_failure(&failure)), failure);
        }
    }

    #[test]
    fn the_wire_form_is_google_rpc_error_info() {
        let status = from_failure(&Failure::new(Code::NoRoute, "no pool trades the pair"));
        assert_eq!(status.code(), tonic::Code::NotFound);
        assert_eq!(status.message(), "no pool trades the pair");
        let info = status.get_details_error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("no_route", "dex.router.v1"));
    }

    #[test]
    fn a_wrong_request_names_its_field_and_is_not_worth_a_retry() {
        let status = from_invalid(&Invalid::new("amount", "must be more than zero"));
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        assert_eq!(status.get_details_error_info().unwrap().reason, "invalid_request");
        let violations = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations.len(), 1);
        assert_eq!(violations[0].field, "amount");
        assert_eq!(violations[0].description, "must be more than zero");
        assert!(!to_failure(&status).code.retryable());
    }

    #[test]
    fn what_others_say_is_never_taken_for_a_code_of_ours() {
        let foreign =
            ErrorDetails::with_error_info("insufficient_funds", "elsewhere.example", HashMap::new());
        let foreign = tonic::Status::with_error_details(tonic::Code::Internal, "", foreign);
        assert_eq!(to_failure(&foreign).code, Code::RouterUnavailable);
        assert!(!to_failure(&foreign).message.is_empty());
        let unknown = ErrorDetails::with_error_info("tomorrows_code", DOMAIN, HashMap::new());
        let unknown = tonic::Status::with_error_details(tonic::Code::ResourceExhausted, "busy", unknown);
        assert_eq!(to_failure(&unknown), Failure::new(Code::RouterUnavailable, "busy"));
        let garbage = tonic::Status::with_details(tonic::Code::Unknown, "?", vec![0xff; 40].into());
        assert_eq!(to_failure(&garbage).code, Code::RouterUnavailable);
    }
}
