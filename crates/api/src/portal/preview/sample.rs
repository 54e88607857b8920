//! The event of a preview for which no event is given.

use model::json::{Limits, parse};

use super::given::Given;

const EVENT: &[u8] = include_bytes!("sample.json");

/// An event with all common fields, as it is streamed.
pub(super) fn event() -> Given {
    let sample = parse(EVENT, &Limits::OWN);
    Given::own(&sample.expect("the sample is JSON, as a test shows"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_sample_can_be_rendered() {
        let event = super::super::subject::event_of(&super::event()).unwrap();
        assert!(event.root().is_ok());
    }
}
