//! What all endpoints have in common, written into the description of each: what can go wrong, and headers.

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{OpenApi, Ref, RefOr, Required};

/// When an endpoint can answer with a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// It is about a thing with an id.
    Path,
    /// It reads a body or a query.
    Input,
    /// It reads a body, or may have an `Idempotency-Key`.
    Body,
    /// It reads a body of JSON.
    Json,
    /// It changes something.
    Change,
    /// It needs `If-Match`.
    Match,
}

const PROBLEMS: &[(&str, When, &str, &str)] = &[
    ("400", When::Input, "Malformed", "`malformed`: it cannot be read at all"),
    ("401", When::Always, "Unauthenticated", "`unauthenticated`: no token, or one that is not good"),
    (
        "403",
        When::Always,
        "Forbidden",
        "`forbidden`: the role or the token's scope does not allow it; `password-needed`, \
      `unconfirmed`, `download-paused`, `cross-site`",
    ),
    ("404", When::Path, "NotFound", "`not-found`: there is no such thing, or it is somebody else's"),
    (
        "409",
        When::Change,
        "Conflict",
        "`wrong-state`: not in a state in which this can be done; `key-busy`: the first request \
      with this key is still being answered; `name-taken`, `limit-reached`, `offer-changed`",
    ),
    ("412", When::Match, "Stale", "`stale`: somebody changed it meanwhile"),
    ("413", When::Body, "TooLarge", "`too-large`"),
    ("415", When::Json, "UnsupportedType", "`unsupported-type`: not `application/json`"),
    (
        "422",
        When::Input,
        "Invalid",
        "`invalid`: fields are missing or cannot be used, they are named; `key-reused`: the same \
      `Idempotency-Key` with another request",
    ),
    ("428", When::Match, "PreconditionNeeded", "`precondition-needed`: `If-Match` is needed"),
    ("429", When::Always, "TooMany", "`too-many`: see `Retry-After`"),
    ("500", When::Always, "Internal", "`internal`: a defect of ours"),
    ("503", When::Always, "Unavailable", "`unavailable`: a system of ours does not answer just now"),
];

/// Completes the description.
pub(super) fn complete(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    for (_, _, name, description) in PROBLEMS {
        components.responses.insert((*name).to_owned(), RefOr::T(problem(description)));
    }
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            one(path, method, operation);
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("GET", &mut item.get),
        ("POST", &mut item.post),
        ("PUT", &mut item.put),
        ("PATCH", &mut item.patch),
        ("DELETE", &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn one(path: &str, method: &str, operation: &mut Operation) {
    let parameters = operation.parameters.get_or_insert_default();
    for parameter in parameters.iter_mut() {
        if let RefOr::T(parameter) = parameter
            && parameter.parameter_in == ParameterIn::Query
        {
            parameter.required = Required::False;
        }
    }
    let has = |name: &str| parameters.iter().any(|one| matches!(one, RefOr::T(one) if one.name == name));
    let (matched, listed) = (has("If-Match"), has("limit"));
    let body = operation.request_body.is_some();
    if method == "POST" {
        parameters.push(RefOr::T(key()));
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && !status.starts_with('2')
        {
            describe(response);
        }
    }
    for (status, when, name, _) in PROBLEMS {
        let applies = match when {
            When::Always => true,
            When::Path => path.contains('{'),
            When::Input => body || listed || method == "POST",
            When::Json => body,
            When::Body => body || method == "POST",
            When::Change => method != "GET",
            When::Match => matched,
        };
        if applies {
            let shared = RefOr::Ref(Ref::from_response_name(*name));
            operation.responses.responses.entry((*status).to_owned()).or_insert(shared);
        }
    }
    if method == "GET" {
        super::conditional::tell(operation);
    }
}

fn key() -> Parameter {
    let text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).pattern(Some("^[!-~]{1,200}$"));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "A text of your own, 1 to 200 characters: sent again with it, the request is answered as the first time",
        ))
        .schema(Some(text))
        .build()
}

/// Headers that each answer has; what an endpoint says of a problem of its own is completed.
fn describe(response: &mut Response) {
    if response.content.is_empty() && !response.description.is_empty() && response.headers.is_empty() {
        *response = problem(&response.description);
    }
}

fn problem(description: &str) -> Response {
    let text = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
    let id = HeaderBuilder::new().schema(Some(text())).description(Some("Names this request in our logs")).build();
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemBody"))).build();
    ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content)
        .header("X-Request-Id", id)
        .build()
}
