//! `millstream definition test`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use model::Clock;
use model::time::SystemClock;
use pipeline::lint::{Edit, Finding, Severity, lint};
use serde::Serialize;

use super::difference::Difference;
use super::fixture::Fixture;
use super::folder::{self, Folder};
use super::logo::Logo;
use crate::cli::{Failure, output};
use crate::source::Fault;

/// Options of `millstream definition test`.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// The definitions' folders.
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
    /// Write what comes out now into the fixtures as what they expect.
    #[arg(long)]
    update: bool,
    /// Don't look for faults that only some events show.
    #[arg(long)]
    no_lint: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What there is to say about a folder.
#[derive(Debug, Serialize)]
struct Report {
    folder: PathBuf,
    /// Whether nothing is wrong; warnings don't count.
    ok: bool,
    /// What is wrong with the definition or with a fixture.
    faults: Vec<Fault>,
    /// What is probably a slip, and what only some events break.
    warnings: Vec<Warning>,
    fixtures: Vec<FixtureReport>,
}

/// Something that doesn't fail the test.
#[derive(Debug, Serialize)]
struct Warning {
    #[serde(flatten)]
    fault: Fault,
    /// How to mend it; absent where that isn't known.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<Mend>,
}

/// A replacement of a part of a template. Lines and columns are the template's own.
#[derive(Debug, Serialize)]
struct Mend {
    /// The first character that is replaced.
    line: u32,
    column: u32,
    /// Where the template goes on.
    end_line: u32,
    end_column: u32,
    /// The same as bytes of the template, from 0.
    start_byte: usize,
    end_byte: usize,
    /// What stands there now.
    replaced: String,
    /// What to write in its place.
    replacement: String,
}

/// What became of a fixture.
#[derive(Debug, Serialize)]
struct FixtureReport {
    name: String,
    file: PathBuf,
    /// Whether it came out as expected.
    ok: bool,
    /// Whether the file was written.
    updated: bool,
    differences: Vec<Difference>,
}

/// Tests the folders; exit code 1 when something is wrong with one.
pub(crate) fn run(options: &Test) -> Result<(), Failure> {
    for folder in &options.folders {
        if !folder.is_dir() {
            let message = format!("{} is no folder", folder.display());
            return Err(Failure::usage(message));
        }
    }
    let reports = options.folders.iter().map(|folder| options.test(folder));
    let reports = reports.collect::<anyhow::Result<Vec<_>>>()?;
    if options.json {
        output::print_json(&reports)?;
    } else {
        for report in &reports {
            report.print();
        }
    }
    let failed = reports.iter().filter(|report| !report.ok).count();
    match failed {
        0 => Ok(()),
        _ => Err(anyhow::anyhow!("{failed} of {} definitions failed", reports.len()).into()),
    }
}

impl Test {
    fn test(&self, path: &Path) -> anyhow::Result<Report> {
        let mut report = Report {
            folder: path.to_owned(),
            ok: false,
            faults: Vec::new(),
            warnings: Vec::new(),
            fixtures: Vec::new(),
        };
        let folder = match Folder::open(path) {
            Ok(folder) => folder,
            Err(fault) => {
                report.faults.push(fault);
                return Ok(report);
            }
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        report.check(&folder, &clock);
        if report.faults.is_empty() {
            if !self.no_lint {
                let linted = lint(&folder.definition, &[], &clock);
                let found = linted.findings.iter();
                report
                    .warnings
                    .extend(found.map(|finding| warning(&folder, finding)));
                report.warnings.extend(linted.left.iter().map(|left| {
                    let message = format!("not looked at whole: {}", left.message);
                    Warning::from(folder.fault(&left.pointer, None, message))
                }));
            }
            self.test_fixtures(&folder, &mut report)?;
        }
        report.ok = report.faults.is_empty() && report.fixtures.iter().all(|each| each.ok);
        Ok(report)
    }

    fn test_fixtures(&self, folder: &Folder, report: &mut Report) -> anyhow::Result<()> {
        let files = match folder::fixtures(folder.path()) {
            Ok(files) => files,
            Err(fault) => {
                report.faults.push(fault);
                return Ok(());
            }
        };
        if files.is_empty() {
            let message =
                "there are no fixtures: nothing was tested. Write one to fixtures/NAME.json";
            report.faults.push(Fault::new(folder.path(), message));
        }
        for file in files {
            let rendered = Fixture::open(&file).map_err(|fault| vec![fault]);
            let rendered = rendered.and_then(|fixture| {
                let outcome = fixture.render(&folder.definition)?;
                Ok((fixture, outcome))
            });
            let (fixture, outcome) = match rendered {
                Ok(rendered) => rendered,
                Err(faults) => {
                    report.faults.extend(faults);
                    continue;
                }
            };
            let differences = fixture.compare(&outcome);
            let updated = self.update && !differences.is_empty();
            if updated {
                folder::write_text(&fixture.path, &fixture.updated(&outcome)?)?;
            }
            report.fixtures.push(FixtureReport {
                name: fixture.name,
                file,
                ok: updated || differences.is_empty(),
                updated,
                differences,
            });
        }
        Ok(())
    }
}

impl Report {
    fn check(&mut self, folder: &Folder, clock: &Arc<dyn Clock>) {
        let check = pipeline::check(&folder.definition, clock);
        let problems = check.problems.iter();
        self.faults
            .extend(problems.map(|problem| folder.fault_of(problem)));
        self.faults.extend(Logo::open(folder.path()).err());
        let warnings = check.warnings.iter();
        self.warnings
            .extend(warnings.map(|warning| folder.fault_of(warning).into()));
    }

    fn print(&self) {
        let verdict = if self.ok { "ok" } else { "failed" };
        let counted = self.fixtures.iter().filter(|each| each.ok).count();
        output::print(&format!(
            "{}: {verdict}, {counted} of {} fixtures as expected",
            self.folder.display(),
            self.fixtures.len()
        ));
        for fault in &self.faults {
            output::print(&format!("  error: {fault}"));
        }
        for warning in &self.warnings {
            output::print(&format!("  warning: {}", warning.fault));
            if let Some(mend) = &warning.mend {
                output::print(&format!("    mend: {}", mend.in_words()));
            }
        }
        for fixture in &self.fixtures {
            fixture.print();
        }
    }
}

impl FixtureReport {
    fn print(&self) {
        let verdict = match (self.updated, self.ok) {
            (true, _) => "updated",
            (false, true) => return,
            (false, false) => "differs",
        };
        output::print(&format!(
            "  {verdict}: {} ({})",
            self.name,
            self.file.display()
        ));
        for each in &self.differences {
            output::print(&format!(
                "    {}\n      - {}\n      + {}",
                each.place, each.expected, each.actual
            ));
        }
    }
}

impl From<Fault> for Warning {
    fn from(fault: Fault) -> Self {
        Self { fault, mend: None }
    }
}

impl Mend {
    fn new(folder: &Folder, pointer: &str, edit: &Edit) -> Option<Self> {
        let definition = serde_json::to_value(&folder.definition).ok()?;
        let template = definition.pointer(pointer)?.as_str()?;
        Some(Self {
            line: edit.line,
            column: edit.column,
            end_line: edit.end_line,
            end_column: edit.end_column,
            start_byte: edit.bytes.start,
            end_byte: edit.bytes.end,
            replaced: template.get(edit.bytes.clone())?.to_owned(),
            replacement: edit.replacement.clone(),
        })
    }

    fn in_words(&self) -> String {
        let (line, column, replacement) = (self.line, self.column, &self.replacement);
        match self.replaced.as_str() {
            "" => format!("insert {replacement} at {line}:{column} of the template"),
            replaced => {
                format!("replace {replaced} at {line}:{column} of the template with {replacement}")
            }
        }
    }
}

/// What the linter found, in the file that has it.
fn warning(folder: &Folder, finding: &Finding) -> Warning {
    let message = match finding.severity {
        Severity::Error => finding.message.clone(),
        Severity::Advice => format!("advice: {}", finding.message),
    };
    let place = Some((finding.line, finding.column));
    let mend = finding.mend.as_ref();
    Warning {
        fault: folder.fault(&finding.pointer, place, message),
        mend: mend.and_then(|edit| Mend::new(folder, &finding.pointer, edit)),
    }
}
