//! The examples of `docs/api.md`, run one after the other as whoever reads them would, by a shell with curl.

use std::process::Stdio;

use domain::scope::Scope;
use e2e::control::Control;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// What stands between the answers of two examples.
const END: &str = "-- end of an example --";

/// An example, and the answer that is shown for it.
struct Example {
    script: String,
    answer: Option<Value>,
}

fn examples(text: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let block = block.join("\n");
        match language {
            "sh" => found.push(Example { script: block, answer: None }),
            "json" => found.last_mut().unwrap().answer = Some(serde_json::from_str(&block).unwrap()),
            _ => {}
        }
    }
    found
}

/// In what the answer shown differs from the real one: fields, kinds of values, and the words that do not change.
fn differences(at: &str, shown: &Value, real: &Value) -> Vec<String> {
    match (shown, real) {
        (Value::Object(one), Value::Object(other)) => {
            let of = |name: &String| format!("{at}.{name}");
            let absent =
                one.keys().filter(|name| !other.contains_key(*name)).map(|name| format!("{} is not there", of(name)));
            let untold =
                other.keys().filter(|name| !one.contains_key(*name)).map(|name| format!("{} is not shown", of(name)));
            let within = one.iter().filter_map(|(name, value)| Some(differences(&of(name), value, other.get(name)?)));
            absent.chain(untold).chain(within.flatten()).collect()
        }
        (Value::Array(one), Value::Array(other)) => match (one.first(), other.first()) {
            (Some(one), Some(other)) => differences(&format!("{at}[]"), one, other),
            _ => Vec::new(),
        },
        (Value::String(one), Value::String(other)) => {
            let word = ["code", "state", "kind", "type", "key", "title", "detail", "message", "hostname"];
            let fixed = word.iter().any(|name| at.ends_with(&format!(".{name}"))) && one != other;
            fixed.then(|| format!("{at} is {other:?}")).into_iter().collect()
        }
        (Value::Number(_), Value::Number(_)) | (Value::Bool(_), Value::Bool(_)) | (Value::Null, Value::Null) => {
            Vec::new()
        }
        (one, other) => vec![format!("{at} is {other}, shown is {one}")],
    }
}

#[tokio::test]
async fn the_examples_run_and_answer_as_shown() {
    let all = examples(include_str!("../../../docs/api.md"));
    assert!(all.len() >= 10, "{}", all.len());
    let control = Control::open("api_examples").await.unwrap();
    let jo = control.person("jo").await.unwrap();
    let scopes = Scope::ALL.iter().copied();
    let token = control.token(jo.account, jo.organization, &scopes.collect()).await.unwrap();
    let served = control.serve().await.unwrap();
    let script: String = all.iter().map(|one| format!("{}\necho; echo '{END}'\n", one.script)).collect();
    let mut shell = Command::new("bash")
        .args(["-e", "-o", "pipefail", "-s"])
        .env("STEPPE", &served.url)
        .env("TOKEN", token)
        .env("ORGANIZATION", jo.organization.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut input = shell.stdin.take().unwrap();
    input.write_all(script.as_bytes()).await.unwrap();
    drop(input);
    let work = async {
        loop {
            control.settle().await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let output = tokio::select! {
        output = shell.wait_with_output() => output.unwrap(),
        () = work => unreachable!("work does not end"),
        () = tokio::time::sleep(e2e::workshop::LIMIT) => panic!("the examples do not end"),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let end = format!("{END}\n");
    let mut answers = text.split(&end);
    for example in &all {
        let answer = answers.next().unwrap();
        let Some(shown) = &example.answer else { continue };
        let real: Value = serde_json::from_str(answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
        let differ = differences("", shown, &real);
        assert!(differ.is_empty(), "{}\n{differ:#?}\n{answer}", example.script);
    }
}
