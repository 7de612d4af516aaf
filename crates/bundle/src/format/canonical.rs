//! The one way to write a manifest down.

use serde_json::Value;

/// JSON in canonical form, as `docs/bundle-format.md` defines it.
///
/// Members are sorted by name. A list or object that holds no other list or object stands on one line without spaces,
/// any other has each element on a line of its own, indented by two spaces per level. Strings are escaped as little as
/// JSON allows. One newline ends the text. So each part stands on one line in a fixed shape, and a shell script can read
/// the names and digests with `sed`.
#[must_use]
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, 0, &mut out);
    out.push(b'\n');
    out
}

fn write(value: &Value, level: usize, out: &mut Vec<u8>) {
    match value {
        Value::Array(items) => {
            let nested = items.iter().any(is_container);
            let items = items.iter().map(|item| (None, item));
            container(*b"[]", items, nested, level, out);
        }
        Value::Object(members) => {
            let nested = members.values().any(is_container);
            let mut members: Vec<_> = members.iter().map(|(name, value)| (Some(name.as_str()), value)).collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            container(*b"{}", members.into_iter(), nested, level, out);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.extend_from_slice(value.to_string().as_bytes())
        }
    }
}

fn container<'a>(
    brackets: [u8; 2],
    items: impl Iterator<Item = (Option<&'a str>, &'a Value)>,
    nested: bool,
    level: usize,
    out: &mut Vec<u8>,
) {
    let newline = |level: usize, out: &mut Vec<u8>| {
        if nested {
            out.push(b'\n');
            out.resize(out.len() + 2 * level, b' ');
        }
    };
    out.push(brackets[0]);
    for (index, (name, value)) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        newline(level + 1, out);
        if let Some(name) = name {
            out.extend_from_slice(Value::from(name).to_string().as_bytes());
            out.push(b':');
        }
        write(value, level + 1, out);
    }
    newline(level, out);
    out.push(brackets[1]);
}

fn is_container(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_stand_on_one_line_and_members_are_sorted() {
        let value = serde_json::json!({"b": [{"z": 1, "a": "x\n\"ü"}, {"c": null}], "a": [], "e": {}});
        let text = String::from_utf8(canonical(&value)).unwrap();
        assert_eq!(
            text,
            "{\n  \"a\":[],\n  \"b\":[\n    {\"a\":\"x\\n\\\"ü\",\"z\":1},\n    {\"c\":null}\n  ],\n  \"e\":{}\n}\n"
        );
    }

    #[test]
    fn the_form_is_a_fixed_point() {
        let value = serde_json::json!({"a": {"b": {"c": [1, -2, [true]]}}, "": "\u{7f}\u{1}/"});
        let once = canonical(&value);
        assert_eq!(canonical(&serde_json::from_slice(&once).unwrap()), once);
    }
}
