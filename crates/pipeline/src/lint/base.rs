//! Bases: what most events hold, from which one value at a time is varied.

use ftl::Step;
use model::{EventKind, Part};

use super::case::{Case, empty, put};
use super::domain::{self, Kind};
use super::explore::{Budget, Explorer, MOST_SAMPLES, items};
use super::target::{Printed, Version};
use super::values;
use super::varied::Varied;
use crate::views::Root;

/// Renders that settle the plain values.
const MOST_SETTLING: u32 = 600;

impl Explorer<'_, '_> {
    /// The event that most events resemble.
    pub(super) fn plain(&self, kind: EventKind) -> Case {
        let mut case = Case::new(self.target.part, kind);
        for (name, kind_of_value) in domain::always() {
            let of_user = matches!(
                name,
                "amplitude_id" | "user_creation_time" | "user_properties"
            );
            if !(of_user && kind == EventKind::GroupIdentify) {
                let step = [Step::Key(name.to_owned())];
                put(&mut case.event, &step, values::plain(kind_of_value));
            }
        }
        let name = match kind {
            EventKind::Track => "plain",
            EventKind::Identify => "$identify",
            EventKind::GroupIdentify => "$groupidentify",
        };
        let ids: &[(&str, &str)] = match kind {
            EventKind::GroupIdentify => &[],
            _ => &[("user_id", "ann-1"), ("device_id", "device-1")],
        };
        for (field, value) in ids
            .iter()
            .chain(&[("event_type", name), ("event_name", name)])
        {
            let step = [Step::Key((*field).to_owned())];
            put(&mut case.event, &step, Some(values::text(value)));
        }
        self.fill_fields(&mut case);
        if self.target.follows {
            let mut answer = empty();
            put(
                &mut answer,
                &[Step::Key("status".into())],
                values::plain(Kind::Status),
            );
            case.answer = Some(answer);
        }
        for each in self.varied {
            let path = &each.path;
            let is_set = path.root == Root::Input
                && matches!(path.steps.as_slice(), [Step::Key(name)] if case.event.get(name).is_some());
            let leads_on = |other: &Varied<'_>| {
                let is_made_by_it = matches!(each.domain.kind, Kind::Any | Kind::Answered)
                    || matches!(other.path.steps.get(path.steps.len()), Some(Step::Key(_)));
                other.path.steps.len() > path.steps.len()
                    && other.path.starts_with(path)
                    && is_made_by_it
            };
            let is_set = is_set || path.root == Root::MappedFields;
            let only_optional = kind == EventKind::GroupIdentify && each.domain.optional;
            if is_set || only_optional || self.varied.iter().any(leads_on) {
                continue;
            }
            let Some(value) = values::plain(each.domain.kind) else {
                continue;
            };
            for item in 0..items(path) {
                case.set(path, Some(value.clone()), item);
            }
        }
        case
    }

    /// All that is varied from, of which `plain` is the first.
    pub(super) fn bases(&self, plain: &Case) -> Vec<Case> {
        let mut bases = vec![plain.clone()];
        bases.extend(self.kinds_of_identifiers(plain));
        if self.target.part == Part::User {
            let mut group = self.plain(EventKind::GroupIdentify);
            group.fields.clone_from(&plain.fields);
            bases.push(group);
        }
        bases
    }

    /// Has the template rendered with the bases and samples, so that it shows which names it asks for.
    pub(super) fn ask(&self, budget: &mut Budget) {
        let target = self.target;
        let plain = self.plain(EventKind::Track);
        let mut cases = self.bases(&plain);
        // What may be of any type is an object once, where it is asked by names.
        let mut of_objects = plain.clone();
        for each in self.varied {
            let of_any = matches!(each.domain.kind, Kind::Any | Kind::Answered);
            let is_object = |case: &Case| {
                let value = case.value(&each.path);
                value.is_some_and(|value| value.as_object().is_some())
            };
            let is_asked = target.asked.objects().any(|path| *path == each.path);
            if of_any && is_asked && !is_object(&of_objects) {
                of_objects.set(&each.path, Some(empty()), 0);
            }
        }
        cases.push(of_objects);
        for (kind, event) in self.samples.iter().take(MOST_SAMPLES) {
            let mut sample = plain.clone();
            (sample.kind, sample.event) = (*kind, event.clone());
            cases.push(sample);
        }
        for case in cases {
            if !budget.take() {
                return;
            }
            // Only what it asks for counts.
            let printed = case.render_watched(&target.template, Some(&target.asked));
            budget.spend(printed.map_or(0, |printed| printed.len()));
        }
    }

    /// Mapped fields have values; of several kinds of identifiers the first is chosen.
    fn fill_fields(&self, case: &mut Case) {
        for mapping in &self.definition.mappings {
            if case.kind == EventKind::GroupIdentify && !mapping.required {
                continue;
            }
            if let Some(first) = mapping.fields().next() {
                let step = [Step::Key(first.to_owned())];
                put(&mut case.fields, &step, Some(values::text("plain")));
            }
        }
    }

    /// The same with each other kind of identifier chosen.
    pub(super) fn kinds_of_identifiers(&self, plain: &Case) -> Vec<Case> {
        let mut cases = Vec::new();
        for mapping in &self.definition.mappings {
            let fields: Vec<&str> = mapping.fields().collect();
            for chosen in fields.iter().skip(1) {
                let mut case = plain.clone();
                for field in &fields {
                    let value = (field == chosen).then(|| values::text("plain"));
                    put(&mut case.fields, &[Step::Key((*field).to_owned())], value);
                }
                cases.push(case);
            }
        }
        cases.truncate(20);
        cases
    }

    /// Looks for values that the template can work with: a price is a number.
    pub(super) fn settle(&self, case: &mut Case, version: &Version, budget: &mut Budget) {
        let sound = Printed::default();
        let mut left = MOST_SETTLING.min(budget.renders);
        let mut best = self.progress(case, version, &sound);
        while let Some(progress) = best {
            let mut better: Option<(usize, Case)> = None;
            'search: for each in self.varied {
                for value in values::alternatives(each.domain.kind) {
                    if left == 0 || !budget.take() {
                        break 'search;
                    }
                    left -= 1;
                    let mut other = case.clone();
                    for item in 0..items(&each.path) {
                        other.set(&each.path, Some(value.clone()), item);
                    }
                    match self.progress(&other, version, &sound) {
                        None => {
                            *case = other;
                            return;
                        }
                        Some(further) => {
                            let most = better.as_ref().map_or(progress, |(most, _)| *most);
                            if further > most {
                                better = Some((further, other));
                            }
                        }
                    }
                }
            }
            let Some((further, other)) = better else {
                return;
            };
            *case = other;
            best = Some(further);
        }
    }

    /// How far into the template it works; `None` when nothing is wrong.
    fn progress(&self, case: &Case, version: &Version, sound: &Printed) -> Option<usize> {
        let fault = self.target.judge(version, case, sound).fault?;
        Some(fault.place.start)
    }
}
