//! The event of a preview for which no event is given.

use model::filter::Selection;
use model::json::{Limits, Value, parse};

use super::given::Given;

const EVENT: &[u8] = include_bytes!("sample.json");

/// An event with all common fields, as it is streamed, of a type that is selected.
pub(super) fn event(selected: &Selection) -> Given {
    let sample = parse(EVENT, &Limits::OWN);
    let mut sample = sample.expect("the sample is JSON, as a test shows");
    if let (Value::Object(members), Some(event_type)) = (&mut sample, selected_type(selected)) {
        for name in ["event_type", "event_name"] {
            members.set(name, Value::String(event_type.into()));
        }
    }
    Given::own(&sample)
}

/// One of the types that are selected: where there is one without a condition, the first such.
fn selected_type(selected: &Selection) -> Option<&str> {
    let Selection::Types(types) = selected else {
        return None;
    };
    let mut free = types.iter().filter(|each| each.condition.is_none());
    let chosen = free.next().or(types.first())?;
    Some(&chosen.event_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_can_be_rendered() {
        let sample = super::event(&Selection::default());
        let event = super::super::subject::event_of(&sample).unwrap();
        assert!(event.root().is_ok());
    }
}
