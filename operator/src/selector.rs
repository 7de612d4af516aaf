//! Label selectors as people write them.

use kube::core::{Expression, Selector};

/// Parses a selector in kubectl's syntax: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, joined by commas.
///
/// # Errors
/// Says which part cannot be read.
pub fn parse(text: &str) -> Result<Selector, String> {
    parts(text)
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(expression)
        .collect::<Result<Vec<_>, _>>()
        .map(|all| all.into_iter().collect())
}

/// Splits at the commas that are in no brackets.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut begin, mut depth) = (0, 0_i32);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[begin..at].trim());
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[begin..].trim());
    parts
}

fn expression(part: &str) -> Result<Expression, String> {
    let key = |text: &str| {
        let text = text.trim();
        let good = |b: u8| b.is_ascii_alphanumeric() || b"-_./".contains(&b);
        if !text.is_empty() && text.bytes().all(good) {
            Ok(text.to_owned())
        } else {
            Err(format!("{part:?} is no label selector"))
        }
    };
    let value = |text: &str| text.trim().trim_start_matches('=').trim().to_owned();
    if let Some((name, set)) = part.split_once('(') {
        let set = set.strip_suffix(')').ok_or_else(|| format!("{part:?} lacks a closing bracket"))?;
        let values = set.split(',').map(value).collect();
        let name = name.trim();
        return if let Some(name) = name.strip_suffix(" notin") {
            Ok(Expression::NotIn(key(name)?, values))
        } else if let Some(name) = name.strip_suffix(" in") {
            Ok(Expression::In(key(name)?, values))
        } else {
            Err(format!("{part:?} has brackets without `in` or `notin`"))
        };
    }
    if let Some((name, text)) = part.split_once("!=") {
        return Ok(Expression::NotEqual(key(name)?, value(text)));
    }
    if let Some((name, text)) = part.split_once('=') {
        return Ok(Expression::Equal(key(name)?, value(text)));
    }
    match part.strip_prefix('!') {
        Some(name) => Ok(Expression::DoesNotExist(key(name)?)),
        None => Ok(Expression::Exists(key(part)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::SelectorExt as _;
    use std::collections::BTreeMap;

    #[test]
    fn matches_as_kubectl_does() {
        let labels = BTreeMap::from([("a".to_owned(), "b".to_owned()), ("x.y/z".to_owned(), "1".to_owned())]);
        for (text, matches) in [
            ("", true),
            ("a=b", true),
            ("a==b", true),
            ("a = b , x.y/z=1", true),
            ("a=c", false),
            ("a!=c", true),
            ("a in (b,c)", true),
            ("a notin (b,c),x.y/z", false),
            ("x.y/z", true),
            ("!x.y/z", false),
            ("!nothing,a", true),
        ] {
            assert_eq!(parse(text).unwrap().matches(&labels), matches, "{text}");
        }
        for bad in ["a in (b", "a (b)", "=b", "a b=c", "!"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
