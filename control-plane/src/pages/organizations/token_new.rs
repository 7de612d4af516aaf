//! Making a token for a program. It is shown once, in the answer to the form.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use domain::id::{OrganizationId, TokenId};
use domain::scope::{Scope, Scopes};
use domain::{PersonName, Right};
use http::{StatusCode, header};

use super::Head;
use crate::app::token::{DAYS, Wish, create};
use crate::auth::signed::Signed;
use crate::error::{Code, Problem};
use crate::pages::form::Check;
use crate::pages::{Form, Page, Path, html};
use crate::platform::Platform;

/// The form as it is sent: `id`, `name`, `days`, and `scope` as often as there are ticks.
pub type Input = Vec<(String, String)>;

#[derive(Template)]
#[template(path = "organizations/token-new.html")]
struct NewPage<'a> {
    page: &'a Page,
    head: Head,
    /// The id that the token gets: a form that is sent twice makes one token.
    id: String,
    called: &'a str,
    days: &'a str,
    ticked: Vec<&'a str>,
    scopes: &'static [Scope],
    choices: [i64; 4],
    problem: Option<&'a Problem>,
}

#[derive(Template)]
#[template(path = "organizations/token-made.html")]
struct MadePage<'a> {
    page: &'a Page,
    head: Head,
    token: String,
}

impl NewPage<'_> {
    fn words(&self, scope: &Scope) -> String {
        self.page.t(&format!("scope-{}", scope.as_str().replace(':', "-")))
    }

    fn is_ticked(&self, scope: &Scope) -> bool {
        self.ticked.contains(&scope.as_str())
    }

    fn time(&self, days: &i64) -> String {
        self.page.tn("day-count", *days)
    }
}

/// The empty form.
///
/// # Errors
/// `not-found`, `forbidden`, `unconfirmed`, `password-needed`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path(organization): Path<OrganizationId>,
    signed: Signed,
) -> Result<Response, Problem> {
    signed.demand(&platform, organization, Right::Tokens)?;
    page(&platform, &signed, organization, &Input::new(), None)
}

/// The form that was sent. The answer holds the token and is kept by no cache.
///
/// # Errors
/// As [`show`]; `shown-once` when the form was sent before.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path(organization): Path<OrganizationId>,
    signed: Signed,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let member = signed.member(&platform, organization, Right::Tokens)?;
    let made = match parse(&input) {
        Ok(wish) => create(&platform, &member, &wish).await,
        Err(problem) => Err(problem),
    };
    match made {
        Ok(token) => {
            let (page, head) = (&Page::to(&signed), Head::of(&signed, organization)?);
            let answer = html(StatusCode::OK, &MadePage { page, head, token })?;
            Ok(([(header::CACHE_CONTROL, "no-store")], answer).into_response())
        }
        Err(problem) if problem.is_about_input() => page(&platform, &signed, organization, &input, Some(&problem)),
        Err(problem) => Err(problem),
    }
}

fn page(
    platform: &Platform,
    signed: &Signed,
    organization: OrganizationId,
    input: &Input,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let page = NewPage {
        page: &Page::to(signed),
        head: Head::of(signed, organization)?,
        id: platform.id(TokenId::new)?.to_string(),
        called: value(input, "name"),
        days: value(input, "days"),
        ticked: values(input, "scope").collect(),
        scopes: Scope::ALL,
        choices: DAYS,
        problem,
    };
    html(problem.map_or(StatusCode::OK, Problem::status), &page)
}

fn values<'a>(input: &'a Input, name: &'a str) -> impl Iterator<Item = &'a str> {
    input.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn value<'a>(input: &'a Input, name: &'a str) -> &'a str {
    values(input, name).next().unwrap_or_default()
}

fn parse(input: &Input) -> Result<Wish, Problem> {
    let id: TokenId = value(input, "id").parse().map_err(|_| Problem::new(Code::Malformed))?;
    let mut check = Check::default();
    let name = check.take("name", value(input, "name").parse::<PersonName>().map_err(|error| error.code()));
    let days = value(input, "days").parse().ok().filter(|days| DAYS.contains(days)).ok_or("days-unknown");
    let days = check.take("days", days);
    let scopes: Result<Scopes, _> = values(input, "scope").map(str::parse::<Scope>).collect();
    let scopes = scopes.ok().filter(|scopes| !scopes.is_empty()).ok_or("scope-needed");
    let scopes = check.take("scope", scopes);
    match (name, days, scopes) {
        (Some(name), Some(days), Some(scopes)) => Ok(Wish { id, name, scopes, days }),
        _ => Err(check.problem()),
    }
}

#[cfg(test)]
mod tests {
    use domain::Locale;

    use super::*;
    use crate::text::Texts;

    fn input(pairs: &[(&str, &str)]) -> Input {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn several_ticks_and_nothing_unknown() {
        let id = ("id", "tok_01k9z3w0000000000000000000");
        let good = [id, ("name", "backup"), ("days", "30"), ("scope", "exports:write"), ("scope", "exports:read")];
        let wish = parse(&input(&good)).unwrap();
        assert_eq!((wish.scopes.to_string().as_str(), wish.days), ("exports:read exports:write", 30));
        let problem = parse(&input(&[id, ("days", "9999"), ("scope", "staff:*")])).unwrap_err();
        assert_eq!(["name", "days", "scope"].map(|name| problem.of(name).is_some()), [true; 3]);
        assert_eq!(parse(&input(&good[1..])).unwrap_err().code, Code::Malformed);
    }

    #[test]
    fn every_scope_is_explained() {
        for scope in Scope::ALL {
            let id = format!("scope-{}", scope.as_str().replace(':', "-"));
            assert_ne!(Texts::new(Locale::En).get(&id), id);
        }
    }
}
