//! Our engine, with the tree and the views of the pipeline.

use std::hint::black_box;

use anyhow::{Context, anyhow};
use bumpalo::Bump;
use ftl::{Engine, Template};
use model::json::{Limits, Object, Value, parse};
use pipeline::views::{Members, ObjectView, Roots, view};

use crate::case::{Case, Work};
use crate::clock::nanos_per_run;
use crate::inputs::{EVENT, FIELDS, PROPERTIES};

/// One case, ready to run.
pub(crate) struct Ours<'p> {
    engine: Engine,
    source: &'static str,
    template: Template,
    parameters: &'p Value<'p>,
    event: Value<'static>,
}

/// Parses `parameters` as [`Ours`] takes it.
pub(crate) fn parse_parameters(text: &str) -> anyhow::Result<Value<'_>> {
    parse(text.as_bytes(), &Limits::OWN).map_err(|error| anyhow!("{error}"))
}

impl<'p> Ours<'p> {
    pub(crate) fn new(case: &Case, parameters: &'p Value<'p>) -> anyhow::Result<Self> {
        let engine = Engine::new()
            .number_format("computer")
            .and_then(|engine| engine.boolean_format("c"))
            .map_err(|error| anyhow!("{error}"))?;
        let template = engine
            .compile(case.name, case.ftl)
            .map_err(|error| anyhow!("{}", error.render()))?;
        Ok(Self {
            engine,
            source: case.ftl,
            template,
            parameters,
            event: parse_event()?,
        })
    }

    /// Renders `event`; `false` if that fails.
    fn render(&self, event: &Value<'_>, out: &mut Vec<u8>) -> Result<(), ftl::Error> {
        out.clear();
        let (event, parameters) = (object(event), object(self.parameters));
        let arena = Bump::new();
        let roots = Roots {
            input: &ObjectView::new(event, &arena),
            parameters: &ObjectView::new(parameters, &arena),
            mapped_properties: &mapped(&PROPERTIES, event, &arena),
            mapped_fields: &mapped(&FIELDS, event, &arena),
        };
        self.template.render_into(&roots, out)
    }

    /// What the template makes of the event.
    pub(crate) fn output(&self) -> anyhow::Result<Vec<u8>> {
        let mut out = Vec::new();
        self.render(&self.event, &mut out)
            .map_err(|error| anyhow!("{}", error.render()))?;
        Ok(out)
    }

    /// Does `work` once.
    pub(crate) fn run(&self, work: Work, out: &mut Vec<u8>) {
        let done = match work {
            Work::Render => self.render(&self.event, out),
            Work::ParseRender => {
                let event = parse(black_box(EVENT.as_bytes()), &Limits::OWN);
                self.render(&event.expect("parsed before"), out)
            }
            Work::Compile => self.engine.compile("bench", self.source).map(|template| {
                black_box(template);
            }),
        };
        done.expect("done before without an error");
        black_box(out);
    }

    /// Nanoseconds of CPU time that `work` takes.
    pub(crate) fn measure(&self, work: Work, millis: u64) -> f64 {
        let mut out = Vec::new();
        nanos_per_run(millis, || self.run(work, &mut out))
    }
}

fn parse_event() -> anyhow::Result<Value<'static>> {
    parse(EVENT.as_bytes(), &Limits::OWN)
        .map_err(|error| anyhow!("{error}"))
        .context("data/event.json")
}

fn object<'v>(value: &'v Value<'v>) -> &'v Object<'v> {
    match value {
        Value::Object(object) => object,
        other => panic!("not an object: {other:?}"),
    }
}

fn mapped<'v>(
    names: &[(&'static str, &str)],
    event: &'v Object<'v>,
    arena: &'v Bump,
) -> Members<'v> {
    let found = names
        .iter()
        .filter_map(|(name, field)| Some((*name, view(event.get(field)?, arena))));
    Members(found.collect())
}
