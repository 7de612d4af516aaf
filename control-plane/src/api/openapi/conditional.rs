//! What is read with a tag can be asked for with it again: told of each endpoint that answers with one.

use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Required};

/// Tells it of an endpoint that reads.
pub(crate) fn tell(operation: &mut Operation) {
    let tagged = match operation.responses.responses.get("200") {
        Some(RefOr::T(response)) => response.headers.contains_key("ETag"),
        Some(RefOr::Ref(_)) | None => false,
    };
    if !tagged {
        return;
    }
    let text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
    let parameter = ParameterBuilder::new()
        .name("If-None-Match")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("Its `ETag`, as it was read: answered `304` while it would be read the same"))
        .schema(Some(text))
        .build();
    operation.parameters.get_or_insert_default().push(RefOr::T(parameter));
    let same = ResponseBuilder::new().description("It is as it was read").build();
    operation.responses.responses.insert("304".to_owned(), RefOr::T(same));
}
