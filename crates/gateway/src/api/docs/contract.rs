//! Completes the OpenAPI document with what operations share: server, security, and common responses.
//!
//! A handler lists its success, and the errors that have a meaning of their own there. Every other status that it
//! may answer with follows from its inputs, and is added here.

use crate::access::needed;
use crate::http::error_codes::Code;
use crate::http::problem::{self, Problem};
use http::Method;
use order_core::Scope;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::link::LinkBuilder;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, Header, OpenApi, Ref, RefOr, ServerBuilder};

/// Name of the security scheme.
const SCHEME: &str = "bearer";

/// A response that several operations have.
struct Shared {
    status: &'static str,
    /// Name among the components.
    name: &'static str,
    description: &'static str,
    /// Code of its example.
    example: Option<Code>,
}

const SHARED: [Shared; 12] = [
    shared("400", "BadRequest", "The request cannot be read", Some(Code::MalformedJson)),
    shared("401", "Unauthorized", "The API key is missing, unknown or revoked", Some(Code::Unauthorized)),
    shared(
        "403",
        "Forbidden",
        "The API key has not the scope, or a page of another site asks",
        Some(Code::Forbidden),
    ),
    shared("404", "NotFound", "The path does not exist", Some(Code::NotFound)),
    shared("408", "RequestTimeout", "The body did not arrive in time", Some(Code::RequestTimeout)),
    shared("413", "BodyTooLarge", "The body is over 16 KiB", Some(Code::BodyTooLarge)),
    shared(
        "415",
        "UnsupportedMediaType",
        "The content type of the body is not JSON",
        Some(Code::UnsupportedMediaType),
    ),
    shared(
        "421",
        "Misdirected",
        "The host of the request is not this service",
        Some(Code::MisdirectedRequest),
    ),
    shared("422", "Invalid", "The request is not valid", Some(Code::InvalidRequest)),
    shared("429", "RateLimited", "Too many requests", Some(Code::RateLimited)),
    shared("500", "Internal", "A fault of this service", Some(Code::Internal)),
    shared("503", "Unavailable", "A dependency does not answer", Some(Code::JournalUnavailable)),
];

const fn shared(
    status: &'static str,
    name: &'static str,
    description: &'static str,
    example: Option<Code>,
) -> Shared {
    Shared { status, name, description, example }
}

/// Headers of responses, by their name and the name of their component.
const HEADERS: [(&str, &str, &str, &str); 5] = [
    ("x-request-id", "RequestId", "Id of the request in the logs", "01a21a78-27ad-7000-8000-000000000000"),
    ("Retry-After", "RetryAfter", "Seconds until the request may succeed", "1"),
    ("RateLimit", "RateLimit", "Requests left, and seconds until they are renewed", "\"orders\";r=5999;t=60"),
    ("RateLimit-Policy", "RateLimitPolicy", "Requests per window of seconds", "\"orders\";q=6000;w=60"),
    ("WWW-Authenticate", "WwwAuthenticate", "The scheme of the credentials", "Bearer"),
];

/// Adds the server, the security scheme, the responses and the headers that operations share.
pub(crate) fn complete(api: &mut OpenApi) {
    let server = ServerBuilder::new().url("/").description(Some("This gateway"));
    api.servers = Some(vec![server.build()]);
    api.security = Some(vec![SecurityRequirement::new(SCHEME, [""; 0])]);
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations(item) {
            complete_operation(path, needed(&method, path), operation);
            link_order(operation);
        }
    }
    let components = api.components.get_or_insert_default();
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
        "An API key, made by the operator: `Authorization: Bearer KEY`. Its scopes are `read` (quotes, markets, \
         orders and statistics), `trade` (placing and cancelling orders) and `admin` (accounts and keys). None \
         implies another.",
    ));
    components.add_security_scheme(SCHEME, SecurityScheme::Http(scheme.build()));
    for (_, component, description, example) in HEADERS {
        components.headers.insert(component.to_owned(), RefOr::T(header(description, example)));
    }
    for shared in &SHARED {
        let mut response = ResponseBuilder::new().description(shared.description).build();
        complete_problem(shared.status, shared.example, &mut response);
        components.responses.insert(shared.name.to_owned(), RefOr::T(response));
    }
}

fn header(description: &str, example: &str) -> Header {
    let text = ObjectBuilder::new().schema_type(Type::String).examples([example]);
    HeaderBuilder::new().schema(Some(text)).description(Some(description)).build()
}

/// The operations of a path.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let PathItem { get, post, put, delete, .. } = item;
    let all = [(Method::GET, get), (Method::POST, post), (Method::PUT, put), (Method::DELETE, delete)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Links the receipt of an order to the operations on it.
fn link_order(operation: &mut Operation) {
    let accepted = operation.responses.responses.get_mut("202");
    if let Some(RefOr::T(response)) = accepted {
        for target in ["getOrder", "cancelOrder", "listOrderEvents"] {
            let link =
                LinkBuilder::new().operation_id(target).parameter("orderId", "$response.body#/orderId");
            response.links.insert(target.to_owned(), RefOr::T(link.build()));
        }
    }
}

/// Removes the schemas of the messages on WebSockets, which the AsyncAPI document has.
pub(crate) fn leave_out_sockets(api: &mut OpenApi) {
    if let Some(components) = &mut api.components {
        for name in ["SocketMessage", "OrderUpdate"] {
            components.schemas.remove(name);
        }
    }
}

/// Removes null from the schema of a parameter: a parameter without a value is left out.
fn without_null(schema: &mut RefOr<Schema>) {
    let value = match schema {
        RefOr::T(Schema::OneOf(one)) => one.items.iter().find(|item| matches!(item, RefOr::Ref(_))).cloned(),
        RefOr::T(Schema::Object(object)) => {
            let SchemaType::Array(types) = &object.schema_type else { return };
            let Some(only) = types.iter().find(|one| **one != Type::Null).cloned() else { return };
            object.schema_type = SchemaType::Type(only);
            None
        }
        _ => None,
    };
    if let Some(value) = value {
        *schema = value;
    }
}

fn complete_operation(path: &str, scope: Option<Scope>, operation: &mut Operation) {
    if let Some(scope) = scope {
        let about = operation.description.take().map_or_else(String::new, |about| format!("{about}\n\n"));
        operation.description = Some(format!("{about}Needs an API key with the scope `{scope}`."));
    } else {
        operation.security = Some(Vec::new());
    }
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && let Some(schema) = &mut parameter.schema
        {
            without_null(schema);
        }
    }
    let statuses = statuses(path, operation, scope.is_none());
    let limited = operation.responses.responses.contains_key("429");
    let responses = &mut operation.responses.responses;
    for shared in SHARED.iter().filter(|shared| statuses.contains(&shared.status)) {
        let reference = || RefOr::Ref(Ref::from_response_name(shared.name));
        responses.entry(shared.status.to_owned()).or_insert_with(reference);
    }
    for (status, response) in responses.iter_mut() {
        let RefOr::T(response) = response else { continue };
        if status.as_str() >= "400" && response.content.is_empty() {
            complete_problem(status, example(status), response);
        } else {
            refer(response, "x-request-id");
        }
        if limited && status.as_str() < "300" && status != "101" || status == "429" {
            refer(response, "RateLimit");
            refer(response, "RateLimit-Policy");
        }
    }
}

/// The statuses that follow from the inputs of an operation.
fn statuses(path: &str, operation: &Operation, public: bool) -> Vec<&'static str> {
    let has = |place: ParameterIn| {
        let parameters = operation.parameters.iter().flatten();
        parameters
            .filter_map(|parameter| match parameter {
                RefOr::T(parameter) => Some(&parameter.parameter_in),
                RefOr::Ref(_) => None,
            })
            .any(|found| *found == place)
    };
    let mut statuses = vec!["403", "421", "500"];
    if !public {
        statuses.extend(["401", "429", "503"]);
    }
    if operation.request_body.is_some() {
        statuses.extend(["400", "408", "413", "415", "422"]);
    }
    if has(ParameterIn::Query) || has(ParameterIn::Header) {
        statuses.push("422");
    }
    if path.contains('{') {
        statuses.push("404");
    }
    statuses
}

/// The code that the example of a problem with this status has.
fn example(status: &str) -> Option<Code> {
    Some(match status {
        "404" => Code::OrderNotFound,
        "409" => Code::TooLate,
        "422" => Code::InvalidAmount,
        "426" => Code::UpgradeRequired,
        "429" => Code::RateLimited,
        "503" => Code::JournalUnavailable,
        _ => return None,
    })
}

/// Gives the response of a problem its body and its headers.
fn complete_problem(status: &str, example: Option<Code>, response: &mut Response) {
    let mut content = Content::new(Some(Ref::from_schema_name("Problem")));
    content.example = example.and_then(|code| {
        let problem =
            Problem::new(code, code.explanation()).body(Some("01a21a78-27ad-7000-8000-000000000000"));
        serde_json::to_value(problem).ok()
    });
    response.content.insert(problem::MEDIA_TYPE.to_owned(), RefOr::T(content));
    refer(response, "x-request-id");
    match status {
        "401" => refer(response, "WWW-Authenticate"),
        "429" | "503" => refer(response, "Retry-After"),
        _ => {}
    }
}

/// Adds a header to a response, as a reference to its component.
fn refer(response: &mut Response, header: &str) {
    if let Some((name, component, ..)) = HEADERS.iter().find(|(name, ..)| *name == header) {
        let reference = Ref::new(format!("#/components/headers/{component}"));
        response.headers.insert((*name).to_owned(), RefOr::Ref(reference));
    }
}
