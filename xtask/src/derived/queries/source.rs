//! The queries in a file of Rust: the texts in calls of sqlx's query macros, wherever they stand, in other macros too.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::{LitStr, Token, Type};

/// Macros that take the text first.
const TEXT: [&str; 4] = ["query", "query_unchecked", "query_scalar", "query_scalar_unchecked"];
/// Macros that take a type before it.
const TYPE_AND_TEXT: [&str; 2] = ["query_as", "query_as_unchecked"];
/// Macros that take a file's name.
const FILE: [&str; 6] = [
    "query_file",
    "query_file_unchecked",
    "query_file_as",
    "query_file_as_unchecked",
    "query_file_scalar",
    "query_file_scalar_unchecked",
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub file: String,
    pub line: usize,
    pub sql: String,
}

/// # Errors
/// A line that says where something is no Rust or not to be read.
pub fn find(path: &str, text: &str) -> Result<Vec<Query>, String> {
    // Most files have none.
    if !text.contains("query") {
        return Ok(Vec::new());
    }
    let tokens: TokenStream = text
        .parse()
        .map_err(|error: proc_macro2::LexError| format!("{path}:{}: {error}", error.span().start().line))?;
    let mut queries = Vec::new();
    walk(path, tokens, &mut queries)?;
    Ok(queries)
}

fn walk(path: &str, tokens: TokenStream, queries: &mut Vec<Query>) -> Result<(), String> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        if let Some(name) = called(&tokens[..index]) {
            let line = group.span_open().start().line;
            if let Some(sql) = sql(&name, group).map_err(|error| format!("{path}:{line}: {error}"))? {
                queries.push(Query { file: path.to_owned(), line, sql });
            }
        }
        walk(path, group.stream(), queries)?;
    }
    Ok(())
}

/// The macro's name, when these tokens end with `name!`.
fn called(before: &[TokenTree]) -> Option<String> {
    match before {
        [.., TokenTree::Ident(name), TokenTree::Punct(mark)] if mark.as_char() == '!' => Some(name.to_string()),
        _ => None,
    }
}

/// The query in the call of a macro; `None` if it is no query macro.
fn sql(name: &str, group: &Group) -> Result<Option<String>, String> {
    let with_type = TYPE_AND_TEXT.contains(&name);
    if FILE.contains(&name) {
        return Err(format!("{name}! reads its query from a file: write it into the call"));
    }
    if !(with_type || TEXT.contains(&name)) || group.delimiter() == Delimiter::None {
        return Ok(None);
    }
    let text = |input: ParseStream<'_>| {
        if with_type {
            input.parse::<Type>()?;
            input.parse::<Token![,]>()?;
        }
        let parts = Punctuated::<LitStr, Token![+]>::parse_separated_nonempty(input)?;
        input.parse::<TokenStream>()?;
        Ok(parts.iter().map(LitStr::value).collect())
    };
    let text = text.parse2(group.stream());
    text.map(Some).map_err(|error| format!("{name}!: {error}: a query is a text, or texts joined by +"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(usize, String)> {
        find("a.rs", text).unwrap().into_iter().map(|query| (query.line, query.sql)).collect()
    }

    #[test]
    fn queries_are_found_wherever_they_stand() {
        let text = r##"
            //! query!("in words")
            async fn one() {
                sqlx::query!("SELECT 1", a, b).execute(db).await?;
                let (a, b) = tokio::try_join!(
                    query_as!(Map<K, V>, r#"SELECT "x!" FROM t"#, id).fetch_one(x),
                    sqlx::query_scalar!("SELECT 2
                        " + "UNION SELECT 3").fetch_one(y),
                )?;
                sqlx::query("SELECT 4").bind(1);
                query![""];
            }
            #[cfg(test)] mod tests { fn t() { query_as_unchecked! { Row, "SELECT 5" } } }
        "##;
        let expected = [
            (4, "SELECT 1"),
            (6, "SELECT \"x!\" FROM t"),
            (7, "SELECT 2\n                        UNION SELECT 3"),
            (11, ""),
            (13, "SELECT 5"),
        ];
        assert_eq!(found(text), expected.map(|(line, sql)| (line, sql.to_owned())));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        for text in ["fn a() {\n query!(SQL)\n}", "fn a() {\n query_file!(\"a.sql\")\n}", "\nfn \"query"] {
            let error = find("a.rs", text).unwrap_err();
            assert!(error.starts_with("a.rs:2: "), "{error}");
        }
    }
}
