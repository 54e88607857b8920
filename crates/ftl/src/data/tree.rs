//! [`Data`] for the tree that Millstream parses events into: nothing of it is copied or wrapped.

use model::json::{Object, Value};

use super::{Data, Entries, Hash, Place, View, same};

impl Data for Value<'_> {
    #[inline]
    fn view(&self) -> View<'_> {
        match self {
            Self::Null => View::Null,
            Self::Bool(value) => View::Bool(*value),
            Self::Number(number) => View::Number(number.text()),
            Self::String(text) => View::Str(text),
            Self::Array(items) => View::Seq(items),
            Self::Object(object) => View::Hash(object),
        }
    }
}

impl Data for Object<'_> {
    fn view(&self) -> View<'_> {
        View::Hash(self)
    }
}

impl Hash for Object<'_> {
    fn get(&self, key: &str) -> Option<View<'_>> {
        Object::get(self, key).map(Data::view)
    }

    fn get_near(&self, key: &str, place: &Place) -> Option<View<'_>> {
        let near = place.index();
        if let Some((name, value)) = self.at(near)
            && same(name, key)
        {
            return Some(value.view());
        }
        // Threads share the template: nothing is written where the name was found before.
        let (index, value) = self.find_near(key, near)?;
        place.moved_to(index);
        Some(value.view())
    }

    fn len(&self) -> usize {
        Object::len(self)
    }

    fn entries(&self) -> Entries<'_> {
        Box::new(self.iter().map(|(name, value)| (name, value.view())))
    }
}

#[cfg(test)]
mod tests {
    use model::json::{Limits, parse};

    use super::*;

    #[test]
    fn numbers_keep_their_text_and_members_their_order() {
        let text = br#"{"b":1.10,"a":[true,{"c":"d"}],"n":null}"#;
        let tree = parse(text, &Limits::OWN).expect("JSON");
        let View::Hash(root) = tree.view() else {
            panic!("a hash")
        };
        let names: Vec<_> = root.entries().map(|(name, _)| name).collect();
        assert_eq!(names, ["b", "a", "n"]);
        assert!(matches!(root.get("b"), Some(View::Number("1.10"))));
        assert!(matches!(root.get("n"), Some(View::Null)));
        let place = Place::default();
        assert!(matches!(root.get_near("n", &place), Some(View::Null)));
        assert_eq!(place.index(), 2);
        let first = root.get_near("b", &place);
        assert!(matches!(first, Some(View::Number("1.10"))));
        place.moved_to(7);
        assert!(root.get_near("x", &place).is_none());
        let Some(View::Seq(items)) = root.get("a") else {
            panic!("a sequence")
        };
        let Some(View::Hash(inner)) = items.get(1) else {
            panic!("a hash")
        };
        assert!(matches!(inner.get("c"), Some(View::Str("d"))));
        assert!(inner.get("b").is_none());
    }
}
