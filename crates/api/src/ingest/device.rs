//! What a device is called, from what SDKs tell of it.

use std::borrow::Cow;

/// What an event says of its device.
#[derive(Debug, Default)]
pub(super) struct Device<'v> {
    pub(super) brand: Option<Cow<'v, str>>,
    pub(super) manufacturer: Option<Cow<'v, str>>,
    pub(super) model: Option<Cow<'v, str>>,
}

impl Device<'_> {
    /// The device's kind, maker first: `Apple iPhone12,1`, `Samsung Galaxy S9`, `Windows`.
    pub(super) fn kind(&self) -> Option<String> {
        let model = self.model.as_deref()?;
        Some(match self.maker(model) {
            Some(maker) if !starts_with(model, maker) => [maker, " ", model].concat(),
            _ => model.to_owned(),
        })
    }

    /// The family it belongs to: the maker and the model's first word, where that is a word:
    /// `Apple iPhone`, `Samsung Galaxy`, `Windows`; of a model number (`SM-G960F`) only the maker.
    pub(super) fn family(&self) -> Option<String> {
        let model = self.model.as_deref()?;
        let maker = self.maker(model);
        let name = match maker {
            Some(maker) if starts_with(model, maker) => model[maker.len()..].trim_start(),
            _ => model,
        };
        let letters = name.find(|c: char| !c.is_alphabetic());
        let word = &name[..letters.unwrap_or(name.len())];
        let word = (word.chars().count() >= 3).then_some(word);
        match (maker, word) {
            (Some(maker), Some(word)) => Some([maker, " ", word].concat()),
            (Some(maker), None) => Some(maker.to_owned()),
            (None, Some(word)) => Some(word.to_owned()),
            (None, None) => Some(model.to_owned()),
        }
    }

    fn maker<'d>(&'d self, model: &str) -> Option<&'d str> {
        let told = self.brand.as_deref().or(self.manufacturer.as_deref());
        let apple = || {
            ["iPhone", "iPad", "iPod"]
                .iter()
                .any(|name| model.starts_with(name))
                .then_some("Apple")
        };
        told.or_else(apple)
    }
}

/// Whether `model` names its maker itself, as its first word.
fn starts_with(model: &str, maker: &str) -> bool {
    model
        .get(..maker.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(maker))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_called_by_maker_and_model() {
        for (brand, model, kind, family) in [
            ("Apple", "iPhone12,1", "Apple iPhone12,1", "Apple iPhone"),
            ("", "iPad8,3", "Apple iPad8,3", "Apple iPad"),
            (
                "samsung",
                "Samsung Galaxy S9",
                "Samsung Galaxy S9",
                "samsung Galaxy",
            ),
            ("samsung", "SM-G960F", "samsung SM-G960F", "samsung"),
            ("Google", "Pixel 7", "Google Pixel 7", "Google Pixel"),
            ("", "Windows", "Windows", "Windows"),
            ("", "X1", "X1", "X1"),
            ("é", "aé", "é aé", "é"),
        ] {
            let device = Device {
                brand: (!brand.is_empty()).then_some(brand.into()),
                manufacturer: None,
                model: Some(model.into()),
            };
            assert_eq!(device.kind().as_deref(), Some(kind));
            assert_eq!(device.family().as_deref(), Some(family));
        }
        assert_eq!(Device::default().kind(), None);
        assert_eq!(Device::default().family(), None);
    }
}
