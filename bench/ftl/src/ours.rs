//! Our engine, with the tree and the views of the pipeline.

use std::hint::black_box;

use anyhow::anyhow;
use ftl::{Engine, Template};
use model::json::{Limits, Object, Value, parse};
use pipeline::views::Roots;

use crate::case::{Case, Work};
use crate::clock::nanos_per_run;
use crate::inputs::{EVENT, FIELDS, PROPERTIES};

/// One case, ready to run.
pub(crate) struct Ours<'p> {
    engine: Engine,
    source: &'static str,
    template: Template,
    parameters: &'p Value<'p>,
    event: &'p Value<'p>,
    mapped: Mapped<'p>,
}

/// What `mappedProperties` and `mappedFields` hold.
struct Mapped<'p> {
    properties: [(&'static str, &'p str); PROPERTIES.len()],
    fields: [(&'static str, &'p str); FIELDS.len()],
}

/// Parses data as [`Ours`] takes it.
pub(crate) fn parse_data(text: &str) -> anyhow::Result<Value<'_>> {
    parse(text.as_bytes(), &Limits::OWN).map_err(|error| anyhow!("{error}"))
}

impl<'p> Ours<'p> {
    pub(crate) fn new(
        case: &Case,
        event: &'p Value<'p>,
        parameters: &'p Value<'p>,
    ) -> anyhow::Result<Self> {
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
            event,
            mapped: Mapped::of(object(event)),
        })
    }

    fn render(
        &self,
        event: &Value<'_>,
        mapped: &Mapped<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ftl::Error> {
        out.clear();
        let roots = Roots {
            input: object(event),
            parameters: object(self.parameters),
            mapped_properties: &mapped.properties,
            mapped_fields: &mapped.fields,
            answer: None,
        };
        self.template.render_into(&roots, out)
    }

    /// What the template makes of the event.
    pub(crate) fn output(&self) -> anyhow::Result<Vec<u8>> {
        let mut out = Vec::new();
        self.render(self.event, &self.mapped, &mut out)
            .map_err(|error| anyhow!("{}", error.render()))?;
        Ok(out)
    }

    /// Does `work` once.
    pub(crate) fn run(&self, work: Work, out: &mut Vec<u8>) {
        let done = match work {
            Work::Render => self.render(self.event, &self.mapped, out),
            Work::ParseRender => {
                let event = parse(black_box(EVENT.as_bytes()), &Limits::OWN);
                let event = event.expect("parsed before");
                let mapped = Mapped::of(object(&event));
                self.render(&event, &mapped, out)
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

fn object<'v>(value: &'v Value<'v>) -> &'v Object<'v> {
    match value {
        Value::Object(object) => object,
        other => panic!("not an object: {other:?}"),
    }
}

impl<'v> Mapped<'v> {
    fn of(event: &'v Object<'v>) -> Self {
        let value = |(name, field)| match event.get(field) {
            Some(Value::String(text)) => (name, &**text),
            other => panic!("{field} isn't a string: {other:?}"),
        };
        Self {
            properties: PROPERTIES.map(value),
            fields: FIELDS.map(value),
        }
    }
}
