//! Label selectors as the API server reads them, for objects that are already here.

use kube::core::{Expression, Selector};

/// Parses `key=value`, `key!=value`, `key in (a,b)`, `key notin (a,b)`, `key` and `!key`, joined by commas.
///
/// # Errors
/// What cannot be read, in words.
pub fn parse(text: &str) -> Result<Selector, String> {
    let mut terms = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                terms.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(&text[start..]);
    terms.iter().map(|term| term.trim()).filter(|term| !term.is_empty()).map(expression).collect()
}

fn expression(term: &str) -> Result<Expression, String> {
    let key = |text: &str| {
        let text = text.trim();
        let fits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b));
        if fits { Ok(text.to_owned()) } else { Err(format!("{term:?} is not a term of a label selector")) }
    };
    let set = |text: &str| {
        let inner = text.trim().strip_prefix('(').and_then(|text| text.strip_suffix(')'));
        let inner = inner.ok_or_else(|| format!("{term:?} needs a list in parentheses"))?;
        Ok::<_, String>(inner.split(',').map(|value| value.trim().to_owned()).collect())
    };
    if let Some((left, right)) = term.split_once(" notin ") {
        return Ok(Expression::NotIn(key(left)?, set(right)?));
    }
    if let Some((left, right)) = term.split_once(" in ") {
        return Ok(Expression::In(key(left)?, set(right)?));
    }
    if let Some((left, right)) = term.split_once("!=") {
        return Ok(Expression::NotEqual(key(left)?, right.trim().to_owned()));
    }
    if let Some((left, right)) = term.split_once('=') {
        return Ok(Expression::Equal(key(left)?, right.trim_start_matches('=').trim().to_owned()));
    }
    match term.strip_prefix('!') {
        Some(rest) => Ok(Expression::DoesNotExist(key(rest)?)),
        None => Ok(Expression::Exists(key(term)?)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kube::core::SelectorExt as _;

    use super::*;

    #[test]
    fn the_same_as_the_api_server() {
        let labels = BTreeMap::from([("canary".to_owned(), "yes".to_owned()), ("zone".to_owned(), "b".to_owned())]);
        for (selector, matches) in [
            ("", true),
            ("canary=yes", true),
            ("canary==yes,zone!=a", true),
            ("canary=no", false),
            ("zone in (a, b)", true),
            ("zone notin (a, b),canary=yes", false),
            ("canary", true),
            ("!canary", false),
            ("other", false),
            ("other!=x", true),
        ] {
            assert_eq!(parse(selector).unwrap().matches(&labels), matches, "{selector}");
        }
        assert!(parse("a b c").is_err());
        assert!(parse("zone in a").is_err());
    }
}
