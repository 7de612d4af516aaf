//! `steppe-lab`: brings up, shows and takes away the ground Steppe is tried on.

mod cli;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use lab::cache::Cache;
use lab::node::{self, Config, Ground};
use lab::report::{self, Report};
use lab::{demo, images, preflight, tools, watchers};

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
            tools::services(&cache, &mut report).await?;
        }
        Verb::Images => {
            preflight::check(&cache)?;
            let services = tools::services(&cache, &mut report).await?;
            images::build(&cache, &services, &mut report).await?;
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
        Verb::Watch { ground } => {
            let config = Config::named(ground)?;
            let ground = Ground::load(&config.state_dir)?.with_context(|| format!("there is no ground {ground}"))?;
            watchers::run(&ground).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
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
