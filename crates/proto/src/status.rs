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

/// What a status means to us: the code that it carries, or the nearest one to its gRPC code.
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
    (info.domain == DOMAIN).then(|| Code::ALL.into_iter().find(|code| code.name() == info.reason))?
}

const fn grpc_code(code: failure::Code) -> tonic::Code {
    match code {
        Code::NoRoute => tonic::Code::NotFound,
        Code::RouterUnavailable | Code::ClusterUnavailable => tonic::Code::Unavailable,
        Code::AttemptTimedOut => tonic::Code::DeadlineExceeded,
        Code::SlippageExceeded | Code::InsufficientFunds => tonic::Code::FailedPrecondition,
        Code::Interrupted | Code::SimulationFailed | Code::TransactionReverted | Code::TransactionExpired => {
            tonic::Code::Aborted
        }
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
