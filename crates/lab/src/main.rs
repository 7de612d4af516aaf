//! `steppe-lab`: brings up, shows and takes away the ground Steppe is tried on.

mod cli;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use lab::browser::Browser;
use lab::cache::Cache;
use lab::node::{self, Config, Ground};
use lab::report::{self, Report};
use lab::{control, demo, images, mailpit, preflight, queries, tools, watchers};

use cli::{Action, Cli, Verb};

#[tokio::main]
async fn main() -> ExitCode {
    // The one TLS provider; a second call would find it set, and this is the first.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cli = Cli::parse();
    match work(&cli).await {
        Ok(code) => code,
        Err(error) => {
            report::error("steppe-lab", &error);
            ExitCode::FAILURE
        }
    }
}

async fn work(cli: &Cli) -> Result<ExitCode> {
    let cache = Cache::open(cli.cache.as_deref())?;
    let mut report = Report::new(cli.verb.stage(), cli.progress);
    match &cli.verb {
        Verb::Preflight => {
            notice(&cache)?;
            preflight::prepare(&cache, &mut report)?;
        }
        Verb::Tools => {
            preflight::check(&cache)?;
            tools::kubernetes(&cache, &mut report).await?;
            tools::mail(&cache, &mut report).await?;
            tools::services(&cache, &mut report).await?;
        }
        Verb::Images => {
            preflight::check(&cache)?;
            let services = tools::services(&cache, &mut report).await?;
            images::build(&cache, &services, &mut report).await?;
        }
        Verb::Browser => {
            preflight::browser(&cache, &mut report)?;
            Browser::prepare(&cache, &mut report).await?;
        }
        Verb::Cluster { action } | Verb::Direct(action) => {
            return cluster(action, &cache, &mut report).await;
        }
        Verb::Demo { name, options } => {
            notice(&cache)?;
            preflight::check(&cache)?;
            let config = Config::named(name)?;
            demo::run(options, &config, &cache, &mut report).await?;
        }
        Verb::Elsewhere { context, registry, place, run } => {
            let named = demo::Named { context, kubeconfig: None, registry, place };
            demo::vacant(&named, run.as_deref(), &cache, &mut report).await?;
        }
        Verb::Mails { name, to } => {
            let mailpit = mailpit::of(&ground(name)?)?;
            let mails = match to {
                Some(address) => mailpit.mails(address, "").await?,
                None => mailpit.search("").await?,
            };
            report::mails(&mailpit, &mails)?;
        }
        Verb::Code { name } => report::result(&control::code(&ground(name)?)?)?,
        Verb::Queries { migrations, list } => {
            report::json(&queries::describe(&cache, migrations, list).await?)?;
        }
        Verb::Watch { ground: name } => watchers::run(&ground(name)?).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn ground(name: &str) -> Result<Ground> {
    Ground::load(&Config::named(name)?.state_dir)?.with_context(|| format!("there is no ground {name}"))
}

/// Says what will be done to the machine, before it is done for the first time.
fn notice(cache: &Cache) -> Result<()> {
    if let Some(text) = preflight::first_notice(cache)? {
        report::say(&text);
    }
    Ok(())
}

async fn cluster(action: &Action, cache: &Cache, report: &mut Report) -> Result<ExitCode> {
    match action {
        Action::Up { name, keep, bare, json } => {
            notice(cache)?;
            let lab = Some(std::env::current_exe().context("cannot find the running program")?);
            let config = Config { keep: *keep, bare: *bare, lab, ..Config::named(name)? };
            let ground = node::up(&config, cache, report).await?;
            report::tell(&node::status(ground).await?, *json)?;
        }
        Action::Down { name, keep } => {
            let config = Config { keep: *keep, ..Config::named(name)? };
            let there = node::down(&config, cache, report).await?;
            report::say(&if there { format!("{name} is down") } else { format!("there is no ground {name}") });
        }
        Action::Status { name, json } => {
            let all = match name {
                Some(name) => Ground::load(&Config::named(name)?.state_dir)?.into_iter().collect(),
                None => Ground::all(),
            };
            if all.is_empty() && !json {
                report::say("there is no ground; `up` makes one");
            }
            let mut up = !all.is_empty();
            for ground in all {
                let status = node::status(ground).await?;
                up &= status.up;
                report::tell(&status, *json)?;
            }
            return Ok(if up { ExitCode::SUCCESS } else { ExitCode::from(3) });
        }
    }
    Ok(ExitCode::SUCCESS)
}
