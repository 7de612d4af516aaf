//! A mail's words: from the texts of its language, as plain text and as HTML.
//!
//! A mail `NAME` has the texts `mail-NAME-subject` and `mail-NAME-body` (paragraphs with blank lines between them), and
//! `mail-NAME-button` when its link is there to be opened.

use askama::Template;
use domain::Locale;
use serde_json::{Map, Value};

use crate::text::Texts;

/// Who sends.
#[derive(Debug)]
pub struct Sender<'a> {
    /// The dashboard's address.
    pub url: &'a str,
    /// Who runs this host, line by line.
    pub operator: &'a [String],
}

/// A mail's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// What it is about.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// Something to open.
struct Button {
    label: String,
    link: String,
}

/// One paragraph, line by line.
struct Paragraph {
    lines: Vec<String>,
}

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Html<'a> {
    locale: Locale,
    subject: &'a str,
    greeting: Option<&'a str>,
    paragraphs: &'a [Paragraph],
    button: Option<&'a Button>,
    footer: &'a str,
    operator: &'a [String],
    url: &'a str,
}

#[derive(Template)]
#[template(path = "mail/letter.txt")]
struct Text<'a> {
    greeting: Option<&'a str>,
    paragraphs: &'a [Paragraph],
    button: Option<&'a Button>,
    footer: &'a str,
    operator: &'a [String],
    url: &'a str,
}

/// Why a mail has no words.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// There is no such text, or it needs an argument that was not given.
    #[error("there is no text {0}, or an argument that it needs is missing")]
    Missing(String),
    /// The template failed.
    #[error("the template: {0}")]
    Template(#[from] askama::Error),
}

/// Makes a mail's words. `secret` is its link, when that must not stand in the database.
///
/// # Errors
/// When a text is missing.
pub fn render(
    locale: Locale,
    template: &str,
    arguments: &Value,
    secret: Option<&str>,
    sender: &Sender<'_>,
) -> Result<Rendered, RenderError> {
    words(Texts::new(locale), template, arguments, secret, sender)
}

fn words(
    texts: Texts,
    template: &str,
    arguments: &Value,
    secret: Option<&str>,
    sender: &Sender<'_>,
) -> Result<Rendered, RenderError> {
    let arguments = arguments.as_object().cloned().unwrap_or_default();
    let text = |id: String, arguments: &Map<String, Value>| texts.fill(&id, arguments).ok_or(RenderError::Missing(id));
    let subject = text(format!("mail-{template}-subject"), &arguments)?;
    let body = text(format!("mail-{template}-body"), &arguments)?;
    let paragraphs: Vec<Paragraph> = body
        .split("\n\n")
        .filter(|paragraph| !paragraph.trim().is_empty())
        .map(|paragraph| Paragraph { lines: paragraph.trim().lines().map(str::to_owned).collect() })
        .collect();
    let link = secret.or_else(|| arguments.get("link").and_then(Value::as_str));
    let button = match link {
        Some(link) => {
            Some(Button { label: text(format!("mail-{template}-button"), &arguments)?, link: link.to_owned() })
        }
        None => None,
    };
    let greeting = texts.fill("mail-greeting", &arguments);
    let footer = texts.get("mail-footer");
    let (greeting, button) = (greeting.as_deref(), button.as_ref());
    let html = Html {
        locale: texts.locale(),
        subject: &subject,
        greeting,
        paragraphs: &paragraphs,
        button,
        footer: &footer,
        operator: sender.operator,
        url: sender.url,
    };
    let html = html.render()?;
    let text =
        Text { greeting, paragraphs: &paragraphs, button, footer: &footer, operator: sender.operator, url: sender.url };
    let text = text.render()?;
    Ok(Rendered { subject: subject.replace(['\r', '\n'], " "), text, html })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use serde_json::json;

    use super::*;

    const SENDER: Sender<'static> = Sender { url: "https://steppe.example/", operator: &[] };

    /// Every mail that any code of ours asks for.
    fn asked_for(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                asked_for(&path, found);
                continue;
            }
            let code = std::fs::read_to_string(&path).unwrap();
            let code = code.split("#[cfg(test)]").next().unwrap();
            let word = |text: &str| text.split('"').next().map(str::to_owned);
            found.extend(code.split("template: \"").skip(1).filter_map(word));
            // The first literal in the call, if it is near.
            for call in ["told(", "to_staff("] {
                let calls = code.split(call).skip(1).map(|rest| rest.split(')').next().unwrap_or_default());
                let words = calls.filter_map(|call| call.split('"').nth(1)).filter(|word| !word.contains('/'));
                found.extend(words.map(str::to_owned));
            }
            for chosen in code.split("let template = ").skip(1) {
                let chosen = chosen.split(';').next().unwrap_or_default();
                found.extend(chosen.split('"').skip(1).step_by(2).map(str::to_owned));
            }
        }
    }

    fn texts(locale: Locale) -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/locales").join(locale.as_str());
        let files = std::fs::read_dir(folder).unwrap().flatten();
        files.map(|file| std::fs::read_to_string(file.path()).unwrap()).collect::<Vec<_>>().join("\n")
    }

    fn templates() -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        asked_for(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        found
    }

    #[test]
    fn every_mail_has_its_words_in_every_language() {
        let templates = templates();
        assert!(
            templates.contains("confirm")
                && templates.contains("operation-failed")
                && templates.contains("server-ready"),
            "{templates:?}"
        );
        let missing: Vec<String> = templates
            .iter()
            .flat_map(|template| {
                Locale::ALL.iter().flat_map(move |locale| {
                    ["subject", "body", "button"].map(|part| (*locale, format!("mail-{template}-{part}")))
                })
            })
            .filter(|(locale, id)| !texts(*locale).contains(&format!("\n{id} =")))
            .map(|(locale, id)| format!("{locale}: {id}"))
            .collect();
        assert!(missing.is_empty(), "add to the mails' files in web/locales: {missing:#?}");
    }

    /// Values for all that any mail takes.
    fn given() -> Value {
        json!({
            // For customers, from `app::tell` and its like.
            "name": "Jo", "host": "birds.example", "until": "1 Dec 2026", "link": "https://steppe.example/x",
            "organization": "Birds", "role": "admin", "by": "Kim", "address": "new@mail.example", "answer": "yes",
            "support": "help@steppe.example", "token": "backup", "days": 90, "inviter": "Kim", "person": "Lou", "hours": 48,
            "from": "192.0.2.1", "email": "jo@mail.example",
            // For staff.
            "operation": "op_1", "kind": "instance.create", "reason": "why", "message": "because", "count": 2, "list": "op_1",
            "cell": "one", "category": "spam",
        })
    }

    #[test]
    fn no_mail_wants_what_it_is_not_given() {
        let given = given();
        for template in templates() {
            for locale in Locale::ALL {
                let made = render(*locale, &template, &given, None, &SENDER);
                assert!(made.is_ok(), "{template} in {locale}: {}", made.unwrap_err());
            }
        }
    }

    /// What is left of a text without what is marked as one of ours.
    fn unmarked(text: &str) -> String {
        let mut depth = 0_u32;
        let outside = |letter: &char| {
            match letter {
                '⟦' => depth += 1,
                '⟧' => depth -= 1,
                _ => return depth == 0,
            }
            false
        };
        text.chars().filter(outside).collect()
    }

    #[test]
    fn no_mail_has_words_of_its_own() {
        let given = given();
        let values = given.as_object().unwrap().values().filter_map(Value::as_str);
        // The longest first: one may be a part of another.
        let mut known: Vec<&str> = values.chain([SENDER.url, "Steppe"]).collect();
        known.sort_by_key(|value| std::cmp::Reverse(value.len()));
        for template in templates() {
            let made = words(Texts::pseudo(), &template, &given, None, &SENDER).unwrap();
            let visible = made.html.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text);
            let shown = [made.subject.clone(), made.text.clone(), visible.collect::<Vec<_>>().join(" ")];
            for text in shown {
                assert!(text.contains('⟦'), "{template}: {text}");
                let left = known.iter().fold(unmarked(&text), |left, value| left.replace(value, ""));
                assert!(!left.contains(char::is_alphabetic), "{template}: {left}");
            }
        }
    }

    #[test]
    fn a_confirmation_as_text() {
        let secret = "https://steppe.example/confirm?link=SECRET";
        let mail = render(Locale::En, "confirm", &json!({ "name": "Jo" }), Some(secret), &SENDER).unwrap();
        insta::assert_snapshot!(format!("{}\n---\n{}", mail.subject, mail.text));
        assert!(mail.html.contains(secret) && mail.html.starts_with("<!doctype html>"), "{}", mail.html);
    }

    #[test]
    fn what_people_enter_is_text_and_nothing_else() {
        let arguments =
            json!({ "name": "<script>alert(1)</script>", "host": "birds.example", "link": "https://x.example/\"><b>" });
        let mail = render(Locale::De, "server-ready", &arguments, None, &SENDER).unwrap();
        assert!(!mail.html.contains("<script>") && !mail.html.contains("\"><b>"), "{}", mail.html);
        assert!(mail.text.contains("<script>alert(1)</script>"), "plain text shows it as it is: {}", mail.text);
    }

    #[test]
    fn a_list_keeps_its_lines() {
        let arguments =
            json!({ "count": 2, "list": "op_1 instance.create\nop_2 instance.apply", "link": "https://s.example" });
        let mail = render(Locale::En, "operations-stuck", &arguments, None, &SENDER).unwrap();
        assert!(mail.text.contains("op_1 instance.create\nop_2 instance.apply"), "{}", mail.text);
    }

    #[test]
    fn a_mail_without_words_is_not_sent() {
        let error = render(Locale::En, "no-such", &json!({}), None, &SENDER).unwrap_err();
        assert_eq!(error.to_string(), "there is no text mail-no-such-subject, or an argument that it needs is missing");
    }
}
