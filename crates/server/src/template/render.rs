//! `millstream template render` and `check`.

use ftl::{Error, Template};
use serde_json::Value;

use super::{Render, Source, answer, data, settings};
use crate::cli::{Failure, output};

/// The template of `source`; inside, what is wrong with it.
pub(super) fn compile(source: &Source) -> Result<Result<Template, Error>, Failure> {
    let pairs = source.settings.iter();
    let pairs = pairs.map(|(name, value)| (name.as_str(), value.as_str()));
    let engine =
        settings::engine(pairs).map_err(|error| Failure::usage(settings::reason(&error)))?;
    let text = source.read()?;
    let Some(folder) = source.folder()? else {
        return Ok(engine.compile(&source.name(), &text));
    };
    // What the template includes is found from where it lies.
    let name = folder.name_of(source.path());
    let name = name.unwrap_or_else(|| source.name());
    Ok(engine.loader(folder).compile(&name, &text))
}

/// What the template gives; inside, what it did wrong.
fn output(options: &Render) -> Result<Result<Vec<u8>, Error>, Failure> {
    let given = options.data()?;
    let template = compile(&options.source)?;
    let mut out = Vec::new();
    let rendered = template.and_then(|template| {
        template.render_into(&given.unwrap_or_else(data::none), &mut out)?;
        Ok(out)
    });
    Ok(rendered)
}

pub(super) fn run(options: &Render) -> Result<(), Failure> {
    match output(options)? {
        Ok(output) if options.source.json => {
            let output = String::from_utf8_lossy(&output).into_owned();
            output::print_json(&answer::done("output", output.into()))?;
        }
        Ok(output) => output::write(&output),
        Err(error) => return fail(&options.source, &error),
    }
    Ok(())
}

pub(super) fn check(options: &Render) -> Result<(), Failure> {
    let checked = if options.data.is_some() {
        output(options)?.map(|output| format!("the template renders: {} bytes", output.len()))
    } else {
        compile(&options.source)?.map(|_| "the template is well-formed".to_owned())
    };
    match checked {
        Ok(_) if options.source.json => {
            let rendered = Value::from(options.data.is_some());
            output::print_json(&answer::done("rendered", rendered))?;
        }
        Ok(message) => output::print(&message),
        Err(error) => return fail(&options.source, &error),
    }
    Ok(())
}

/// Tells a failure of the template, and ends with it.
pub(super) fn fail(source: &Source, error: &Error) -> Result<(), Failure> {
    if source.json {
        output::print_json(&answer::failed(error))?;
    }
    Err(answer::drawn(error))
}
