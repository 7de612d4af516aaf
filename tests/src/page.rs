//! What a page of ours is made of, read by a parser: its words, where it leads, and what it asks for.

use anyhow::{Context as _, Result, bail};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Attributes that are shown or read out.
const READ_OUT: [&str; 7] = ["alt", "aria-description", "aria-label", "data-label", "label", "placeholder", "title"];
/// Elements that end where they begin.
const EMPTY: [&str; 6] = ["br", "hr", "img", "input", "link", "meta"];
/// Elements whose text is a value by what they are: a time, a command, a name of something for programs. Of any other, the page
/// says so by `translate="no"`.
const VALUES: [&str; 3] = ["code", "pre", "time"];

/// A page.
#[derive(Debug, Default)]
pub struct Page {
    /// All texts that somebody sees or hears, one for each element or attribute.
    pub texts: Vec<String>,
    /// Where its links lead.
    pub links: Vec<String>,
    /// Its forms.
    pub forms: Vec<Form>,
}

/// A form.
#[derive(Debug, Default)]
pub struct Form {
    /// Where it is sent; empty when sending changes nothing.
    pub action: String,
    /// What it sends that nobody enters.
    pub hidden: Vec<(String, String)>,
    /// Whether it asks for something that has to be entered.
    pub asks: bool,
}

impl Page {
    /// Reads a page.
    ///
    /// # Errors
    /// When its elements are not closed as they were opened.
    pub fn read(html: &str) -> Result<Self> {
        let mut reader = Reader::from_str(html);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        let (mut page, mut open, mut text) = (Self::default(), Vec::new(), String::new());
        loop {
            match reader.read_event().with_context(|| html.to_owned())? {
                Event::Start(tag) | Event::Empty(tag) => {
                    page.keep(&mut text);
                    let (name, is_value) = page.begin(&tag)?;
                    if !EMPTY.contains(&name.as_str()) {
                        open.push((name, is_value));
                    }
                }
                Event::End(tag) => {
                    page.keep(&mut text);
                    let (name, opened) =
                        (String::from_utf8(tag.name().as_ref().to_vec())?, open.pop().map(|(name, _)| name));
                    if opened.as_ref() != Some(&name) {
                        bail!("{name} is closed where {opened:?} is open: {html}");
                    }
                }
                Event::Text(words) if !open.iter().any(|(_, is_value)| *is_value) => {
                    text += &words.decode()?;
                }
                // What an entity stands for is a sign, not a word.
                Event::GeneralRef(_) => text.push(' '),
                Event::Eof if open.is_empty() => return Ok(page),
                Event::Eof => bail!("{open:?} are open at the end: {html}"),
                Event::Text(_)
                | Event::CData(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::DocType(_) => {}
            }
        }
    }

    fn keep(&mut self, text: &mut String) {
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.texts.extend(Some(words).filter(|words| !words.is_empty()));
        text.clear();
    }

    /// The name of an element, and whether what is in it is a value and no text.
    fn begin(&mut self, tag: &BytesStart<'_>) -> Result<(String, bool)> {
        let name = String::from_utf8(tag.name().as_ref().to_vec())?;
        let mut attributes = Vec::new();
        for attribute in tag.html_attributes() {
            let attribute = attribute.with_context(|| format!("{tag:?}"))?;
            let value = String::from_utf8(attribute.value.to_vec())?.replace("&#38;", "&").replace("&amp;", "&");
            attributes.push((String::from_utf8(attribute.key.as_ref().to_vec())?, value));
        }
        let of = |name: &str| attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        self.texts.extend(READ_OUT.iter().filter_map(|name| of(name)).filter(|value| !value.is_empty()));
        match name.as_str() {
            "a" => self.links.extend(of("href")),
            "form" => {
                let action = of("action").filter(|_| of("method").as_deref() == Some("post"));
                self.forms.push(Form { action: action.unwrap_or_default(), ..Form::default() });
            }
            "input" | "select" | "textarea" => {
                if let Some(form) = self.forms.last_mut() {
                    match (of("type").as_deref(), of("name")) {
                        (Some("hidden"), Some(name)) => form.hidden.push((name, of("value").unwrap_or_default())),
                        _ => form.asks |= of("required").is_some(),
                    }
                }
            }
            _ => {}
        }
        let is_value = VALUES.contains(&name.as_str()) || of("translate").as_deref() == Some("no");
        Ok((name, is_value))
    }

    /// What is left of its texts without those that are marked as ours.
    #[must_use]
    pub fn unmarked(&self) -> Vec<String> {
        self.texts.iter().map(|text| unmarked(text)).filter(|text| !text.is_empty()).collect()
    }
}

fn unmarked(text: &str) -> String {
    let mut depth = 0_i32;
    let mut left = String::new();
    for letter in text.chars() {
        match letter {
            '⟦' => depth += 1,
            '⟧' => {
                depth -= 1;
                left.push(' ');
            }
            other if depth <= 0 => left.push(other),
            _ => {}
        }
    }
    left.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_and_heard_and_where_it_leads() {
        let page = Page::read(
            "<!doctype html><html><body><p>⟦Log out ⟧Firefox⟦⟧</p><img alt=\"A heron\" src=x><br>\
             <a href=\"/a?b=1&#38;c=2\" title=\"⟦There⟧\">⟦Go⟧</a> <time>1 Dec</time> bare\
             <form method=\"post\" action=\"/do\"><input type=\"hidden\" name=\"a\" value=\"b\"><input name=c required></form>\
             </body></html>",
        )
        .unwrap();
        assert_eq!(page.unmarked(), ["Firefox", "A heron", "bare"]);
        assert_eq!(page.links, ["/a?b=1&c=2"]);
        let form = &page.forms[0];
        assert!(form.asks && form.action == "/do" && form.hidden == [("a".to_owned(), "b".to_owned())]);
        assert!(Page::read("<p><b>x</p></b>").is_err());
    }
}
