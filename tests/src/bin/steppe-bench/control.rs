//! What the control plane costs beside its database: reads of the API, operations of a worker, memory.

mod idle;
mod login;
mod reads;
mod work;

use std::collections::BTreeMap;

use anyhow::Result;
use e2e::control::Control;
use lab::cache::Cache;
use lab::postgres::Postgres;
use lab::tools::Progress;

use crate::Options;
use crate::frame::{Better, Chapter, Comparison, Figure, Side, TURNS};

/// Measures.
///
/// # Errors
/// When the database or a program fails.
pub async fn measure(options: &Options, cache: &Cache, progress: &mut dyn Progress) -> Result<Chapter> {
    progress.step("Control plane: a database of its own");
    let control = Control::open("bench_control").await?;
    let postgres = Postgres::shared(cache).await?;
    let (reads, work) = (reads::Reads::prepare(&control, postgres).await?, work::Work::prepare(&control).await?);
    let mut counts = BTreeMap::from([
        ("statements for a read of one server".to_owned(), reads.statements(&reads.server).await? as f64),
        ("statements for a read of the list".to_owned(), reads.statements(&reads.list).await? as f64),
    ]);
    let model = work.model().await?;
    counts.insert("statements for an operation, from claim to done".to_owned(), model.len() as f64);
    let mut samples = Samples::default();
    for round in 1..=options.rounds {
        progress.step(&format!("Control plane: round {round} of {}", options.rounds));
        for side in TURNS {
            samples.take(side, options, &control, &reads, &work, &model).await?;
        }
    }
    progress.step("Control plane: its programs, idle");
    let figures = idle::measure(cache, postgres).await?;
    Ok(chapter(counts, samples, figures))
}

/// What both sides' turns led to.
#[derive(Debug, Default)]
struct Samples {
    one: Vec<f64>,
    list: Vec<f64>,
    selects: Vec<f64>,
    operations: Vec<f64>,
    bare: Vec<f64>,
    known: Vec<f64>,
    unknown: Vec<f64>,
}

impl Samples {
    async fn take(
        &mut self,
        side: Side,
        options: &Options,
        control: &Control,
        reads: &reads::Reads<'_>,
        work: &work::Work<'_>,
        model: &[work::Kind],
    ) -> Result<()> {
        match side {
            Side::Ours => {
                self.one.push(reads.rate(&reads.server, options.connections).await?);
                self.list.push(reads.rate(&reads.list, options.connections).await?);
                self.operations.push(work.rate().await?);
                self.known.push(login::refused(control, "reader@mail.example").await?);
            }
            Side::Theirs => {
                self.selects.push(reads.pgbench(options.connections).await?);
                self.bare.push(work.bare(model).await?);
                self.unknown.push(login::refused(control, "nobody@mail.example").await?);
            }
        }
        Ok(())
    }
}

fn chapter(counts: BTreeMap<String, f64>, samples: Samples, figures: Vec<Figure>) -> Chapter {
    let second = |what: &str, samples: Vec<f64>| Figure::of(what, "per second", samples);
    let selects = second("pgbench -S of the same PostgreSQL", samples.selects);
    let comparisons = vec![
        Comparison::of(second("GET of one server", samples.one), selects.clone(), Better::More),
        Comparison::of(second("GET of the list of servers", samples.list), selects, Better::More),
        Comparison::of(
            second("operations, from claim to done", samples.operations),
            second("as many statements of the same kinds, bare", samples.bare),
            Better::More,
        ),
        Comparison::of(
            Figure::of("a log-in that fails, of an account", "ms", samples.known),
            Figure::of("the same for an address without one", "ms", samples.unknown),
            Better::Less,
        ),
    ];
    let next = format!(
        "control: a read is {:.3} of a bare select and an operation {:.2} of its bare statements; each statement less shows \
         in the counts",
        comparisons[0].ratio, comparisons[2].ratio
    );
    Chapter {
        name: "control",
        how: "the API over HTTP with the database on this machine, nothing waits for its disk; one worker, a cell in memory"
            .to_owned(),
        counts,
        comparisons,
        figures,
        next: vec![next],
    }
}
