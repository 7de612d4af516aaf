//! Somebody who opens every link they see and sends every form without filling it in.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use e2e::control::{Answer, Browser};
use e2e::page::Page;
use http::StatusCode;

/// How many pages of one kind are opened.
const ALIKE: usize = 4;

/// Where somebody has been, and which words they read there that are no text of ours.
#[derive(Debug, Default)]
pub struct Walk {
    /// The kinds of pages: paths, with `{}` for what has an id.
    pub seen: BTreeMap<String, usize>,
    /// What is left of a page without our texts and what is known, with the page.
    pub words: BTreeSet<String>,
    known: BTreeSet<String>,
}

impl Walk {
    /// Somebody who knows the names that people here gave themselves and their things.
    pub fn knowing(known: &[&str]) -> Self {
        Self { known: known.iter().map(|word| (*word).to_owned()).collect(), ..Self::default() }
    }

    /// Goes everywhere that can be reached from some pages.
    pub async fn go(&mut self, browser: &mut Browser, from: &[&str]) {
        let mut ahead: VecDeque<String> = from.iter().map(|path| (*path).to_owned()).collect();
        let mut met: BTreeSet<String> = ahead.iter().cloned().collect();
        let mut sent = BTreeSet::new();
        let mut alike: BTreeMap<String, usize> = BTreeMap::new();
        while let Some(path) = ahead.pop_front() {
            let kind = kind(&path);
            let already = alike.entry(kind.clone()).or_default();
            if *already == ALIKE {
                continue;
            }
            *already += 1;
            *self.seen.entry(kind).or_default() += 1;
            let answer = browser.get(&path).await.unwrap();
            let links = match answer.status {
                StatusCode::SEE_OTHER => vec![answer.location().unwrap()],
                _ => {
                    let page = self.read(&path, &answer);
                    for form in page.forms.iter().filter(|form| form.asks && !form.action.is_empty()) {
                        if sent.insert(self::kind(&form.action)) {
                            let fields: Vec<(&str, &str)> =
                                form.hidden.iter().map(|(name, value)| (&**name, &**value)).collect();
                            let answer = browser.post(&form.action, &fields).await.unwrap();
                            assert!(answer.status.is_client_error(), "{} took an empty form", form.action);
                            self.read(&form.action, &answer);
                        }
                    }
                    page.links
                }
            };
            let links = links.into_iter().filter(|link| link.starts_with('/') && !link.contains("/files/"));
            ahead.extend(links.filter(|link| met.insert(link.clone())));
        }
    }

    /// Reads a page that somebody was shown.
    pub fn read(&mut self, path: &str, answer: &Answer) -> Page {
        let page = Page::read(&answer.text()).unwrap_or_else(|error| panic!("{path}: {error:#}"));
        assert!(page.texts.iter().any(|text| text.contains('⟦')), "{path} has no texts: {}", answer.text());
        for text in page.unmarked() {
            let words = text.split(|letter: char| letter.is_whitespace() || ",;()<>→/".contains(letter));
            let mut words = words.map(|word| word.trim_matches(|letter: char| !letter.is_alphanumeric()));
            if words.any(|word| word.contains(char::is_alphabetic) && !self.knows(word)) {
                self.words.insert(format!("{}: {text}", kind(path)));
            }
        }
        page
    }

    /// Whether a word is somebody's, an address, or has a number in it, as ids have and words have not.
    fn knows(&self, word: &str) -> bool {
        self.known.contains(word) || word.contains(|letter: char| letter.is_ascii_digit()) || word.ends_with(".example")
    }
}

/// A path without what is different in each of its kind.
fn kind(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let part = |part: &str| if part.len() > 20 { "{}".to_owned() } else { part.to_owned() };
    let path = path.split('/').map(part).collect::<Vec<_>>().join("/");
    let names = query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(_, value)| !value.is_empty());
    let query: Vec<String> =
        names.map(|(name, value)| if name == "state" { format!("{name}={value}") } else { name.to_owned() }).collect();
    if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
}

/// The kinds of pages that a router's source names: what is opened by a link and shows a page.
pub fn pages(source: &str) -> Vec<String> {
    let routes = source.split(".route(\"").skip(1).filter_map(|route| route.split_once('"'));
    let opened = routes.filter(|(_, rest)| rest.split('\n').next().unwrap_or_default().contains("get("));
    let shown = opened
        .map(|(path, _)| path)
        .filter(|path| !path.starts_with("/static/") && !path.ends_with("/live") && !path.contains("/files/"));
    shown
        .map(|path| {
            path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect::<Vec<_>>().join("/")
        })
        .collect()
}
