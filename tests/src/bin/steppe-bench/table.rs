//! A run as people read it.

use std::fmt::Write as _;

use crate::frame::{Better, Chapter, Figure, Run};

/// The whole run as text; its last lines say what to do next.
pub fn text(run: &Run) -> String {
    let mut text = format!("{} rounds of A-B-B-A, load {:.1} on {} cores\n", run.rounds, run.load[0], run.cores);
    for chapter in &run.chapters {
        text.push('\n');
        text.push_str(&chapter_text(chapter));
    }
    text.push_str("\nnext:\n");
    for line in &run.next {
        let _ = writeln!(text, "- {line}");
    }
    text.trim_end().to_owned()
}

fn chapter_text(chapter: &Chapter) -> String {
    let mut text = format!("{}: {}\n", chapter.name, chapter.how);
    for (what, count) in &chapter.counts {
        let _ = writeln!(text, "  {what:<58}{:>12}", number(*count));
    }
    for one in &chapter.comparisons {
        let better = match one.better {
            Better::More => "more is better",
            Better::Less => "less is better",
        };
        let _ = writeln!(text, "{}{}", row(&one.ours), row(&one.theirs).trim_end());
        let _ = writeln!(text, "  {:<58}{:>12}  ({better})", "  ratio of the medians", number(one.ratio));
    }
    for figure in &chapter.figures {
        text.push_str(&row(figure));
    }
    text
}

fn row(figure: &Figure) -> String {
    let what = format!("{}, {}", figure.what, figure.unit);
    let spread = match figure.samples.len() {
        0 | 1 => String::new(),
        _ => format!("  ({} to {})", number(figure.least), number(figure.most)),
    };
    format!("  {what:<58}{:>12}{spread}\n", number(figure.median))
}

/// Three digits that matter.
fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 100.0 || size.fract() == 0.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::frame::Comparison;

    #[test]
    fn a_table_has_counts_first_and_ends_with_what_to_do() {
        let figure = |what: &str, samples: &[f64]| Figure::of(what, "per second", samples.to_vec());
        let chapter = Chapter {
            name: "converge",
            how: "5 servers at once".to_owned(),
            counts: BTreeMap::from([("writes for each server".to_owned(), 29.7)]),
            comparisons: vec![Comparison::of(
                figure("the operator", &[1.0, 3.0]),
                figure("the null writer", &[8.0]),
                Better::More,
            )],
            figures: vec![Figure::of("memory", "MiB", vec![31.25])],
            next: vec!["write less".to_owned()],
        };
        let text = text(&Run::of(1, [0.3, 0.4], 2, vec![chapter]));
        let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} is missing in\n{text}"));
        let places = ["writes for each server", "29.7", "the operator", "2  (1 to 3)", "0.25", "31.2", "next:"].map(at);
        assert!(places.is_sorted(), "{places:?}\n{text}");
        assert!(at("- write less") > at("next:"));
    }
}
