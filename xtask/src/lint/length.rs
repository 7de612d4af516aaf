//! Small rooms: a file of at most 400 lines without its tests, a function of at most 60; a test has the
//! limit of its file, because a story or a table of cases is read best in one piece.

use syn::spanned::Spanned as _;
use syn::visit::Visit;
use syn::{ImplItemFn, ItemFn, Signature, TraitItemFn};

use super::Violation;
use super::source::{Source, extent, test_module};

const FILE: usize = 400;
const TEST_FILE: usize = 800;
const FUNCTION: usize = 60;

pub fn check(sources: &[Source]) -> Vec<Violation> {
    sources.iter().flat_map(|source| file(source).into_iter().chain(functions(source))).collect()
}

fn file(source: &Source) -> Option<Violation> {
    let (length, limit, kind) = if source.test {
        (source.lines, TEST_FILE, "lines of tests")
    } else {
        (source.lines - lines_of_tests(source), FILE, "lines without tests")
    };
    (length > limit).then(|| {
        let what = format!("{length} {kind}, {limit} are the limit");
        Violation::new(&source.path, limit + 1, what, "split it by noun: one thing, one file")
    })
}

fn lines_of_tests(source: &Source) -> usize {
    let tests = source.syntax.items.iter().filter(|item| test_module(item).is_some());
    tests.map(extent).map(|(first, last)| last - first + 1).sum()
}

fn functions(source: &Source) -> Vec<Violation> {
    let mut long = Long { path: &source.path, found: Vec::new() };
    long.visit_file(&source.syntax);
    long.found
}

struct Long<'a> {
    path: &'a str,
    found: Vec<Violation>,
}

impl Long<'_> {
    fn measure(&mut self, signature: &Signature, end: proc_macro2::Span) {
        let first = signature.span().start().line;
        let length = end.end().line - first + 1;
        if length > FUNCTION {
            let what = format!("fn {} has {length} lines, {FUNCTION} are the limit", signature.ident);
            self.found.push(Violation::new(self.path, first, what, "take a step out of it and give it a name"));
        }
    }
}

/// `#[test]`, `#[tokio::test]` and the like.
fn is_test(function: &ItemFn) -> bool {
    let last = |attribute: &syn::Attribute| attribute.path().segments.last().map(|segment| segment.ident.to_string());
    function.attrs.iter().any(|attribute| last(attribute).as_deref() == Some("test"))
}

impl<'a> Visit<'a> for Long<'_> {
    fn visit_item_fn(&mut self, function: &'a ItemFn) {
        if !is_test(function) {
            self.measure(&function.sig, function.block.span());
        }
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'a ImplItemFn) {
        self.measure(&function.sig, function.block.span());
        syn::visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'a TraitItemFn) {
        if let Some(block) = &function.default {
            self.measure(&function.sig, block.span());
        }
        syn::visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::parse;
    use super::*;

    fn checked(path: &str, text: &str) -> Vec<String> {
        check(&[parse(path, text).unwrap()])
            .iter()
            .map(|one| format!("{}:{} {}", one.file, one.line, one.what))
            .collect()
    }

    #[test]
    fn a_long_file_is_found_and_its_tests_do_not_count() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "// case\n".repeat(300));
        let allowed = format!("{}{tests}", "const A: u8 = 1;\n".repeat(400));
        assert_eq!(checked("a/src/a.rs", &allowed), Vec::<String>::new());
        let long = format!("{}{tests}", "const A: u8 = 1;\n".repeat(401));
        assert_eq!(checked("a/src/a.rs", &long), ["a/src/a.rs:401 401 lines without tests, 400 are the limit"]);
    }

    #[test]
    fn a_test_folder_has_a_limit_of_its_own() {
        assert!(checked("a/tests/a.rs", &"// case\n".repeat(800)).is_empty());
        assert_eq!(checked("a/tests/a.rs", &"// case\n".repeat(801)).len(), 1);
    }

    #[test]
    fn a_test_may_hold_a_table() {
        let body = "    // case\n".repeat(90);
        assert!(checked("a/src/a.rs", &format!("#[test]\nfn table() {{\n{body}}}\n")).is_empty());
        assert_eq!(checked("a/src/a.rs", &format!("fn table() {{\n{body}}}\n")).len(), 1);
        assert!(checked("a/src/a.rs", &format!("#[tokio::test]\nasync fn table() {{\n{body}}}\n")).is_empty());
    }

    #[test]
    fn long_functions_are_found_wherever_they_are() {
        let body = |lines| format!("{{\n{}}}", "    step();\n".repeat(lines));
        let text = format!(
            "fn short() {}\nfn long() {}\nimpl A {{ fn method() {} }}\ntrait B {{ fn given() {} fn none(); }}\n",
            body(58),
            body(59),
            body(59),
            body(59),
        );
        let found = checked("a/src/a.rs", &text);
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0], "a/src/a.rs:61 fn long has 61 lines, 60 are the limit");
    }
}
