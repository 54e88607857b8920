//! [`Data`] for the types of the standard library.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

use super::{Data, Entries, Hash, Seq, View};

impl<T: Data + ?Sized> Data for &T {
    fn view(&self) -> View<'_> {
        (**self).view()
    }
}

impl<T: Data + ?Sized> Data for Box<T> {
    fn view(&self) -> View<'_> {
        (**self).view()
    }
}

impl Data for View<'_> {
    fn view(&self) -> View<'_> {
        *self
    }
}

impl Data for str {
    fn view(&self) -> View<'_> {
        View::Str(self)
    }
}

impl Data for String {
    fn view(&self) -> View<'_> {
        View::Str(self)
    }
}

impl Data for Cow<'_, str> {
    fn view(&self) -> View<'_> {
        View::Str(self)
    }
}

impl Data for bool {
    fn view(&self) -> View<'_> {
        View::Bool(*self)
    }
}

impl Data for i64 {
    fn view(&self) -> View<'_> {
        View::Int(*self)
    }
}

impl Data for i32 {
    fn view(&self) -> View<'_> {
        View::Int(i64::from(*self))
    }
}

impl Data for u32 {
    fn view(&self) -> View<'_> {
        View::Int(i64::from(*self))
    }
}

impl Data for f64 {
    fn view(&self) -> View<'_> {
        View::Float(*self)
    }
}

impl<T: Data> Data for Option<T> {
    fn view(&self) -> View<'_> {
        self.as_ref().map_or(View::Null, Data::view)
    }
}

impl<T: Data> Seq for Vec<T> {
    fn len(&self) -> usize {
        self.as_slice().len()
    }

    fn get(&self, index: usize) -> Option<View<'_>> {
        self.as_slice().get(index).map(Data::view)
    }
}

impl<T: Data> Data for Vec<T> {
    fn view(&self) -> View<'_> {
        View::Seq(self)
    }
}

impl<K: AsRef<str> + Ord + std::borrow::Borrow<str>, T: Data> Hash for BTreeMap<K, T> {
    fn get(&self, key: &str) -> Option<View<'_>> {
        BTreeMap::get(self, key).map(Data::view)
    }

    fn len(&self) -> usize {
        BTreeMap::len(self)
    }

    fn entries(&self) -> Entries<'_> {
        Box::new(self.iter().map(|(key, value)| (key.as_ref(), value.view())))
    }
}

impl<K: AsRef<str> + Ord + std::borrow::Borrow<str>, T: Data> Data for BTreeMap<K, T> {
    fn view(&self) -> View<'_> {
        View::Hash(self)
    }
}

impl<K, T, S> Hash for HashMap<K, T, S>
where
    K: AsRef<str> + Eq + std::hash::Hash + std::borrow::Borrow<str>,
    T: Data,
    S: BuildHasher,
{
    fn get(&self, key: &str) -> Option<View<'_>> {
        HashMap::get(self, key).map(Data::view)
    }

    fn len(&self) -> usize {
        HashMap::len(self)
    }

    fn entries(&self) -> Entries<'_> {
        Box::new(self.iter().map(|(key, value)| (key.as_ref(), value.view())))
    }
}

impl<K, T, S> Data for HashMap<K, T, S>
where
    K: AsRef<str> + Eq + std::hash::Hash + std::borrow::Borrow<str>,
    T: Data,
    S: BuildHasher,
{
    fn view(&self) -> View<'_> {
        View::Hash(self)
    }
}

/// A short hash, looked up from the front: a root with a few names.
impl<K: AsRef<str>, T: Data> Hash for [(K, T)] {
    fn get(&self, key: &str) -> Option<View<'_>> {
        let (_, value) = self.iter().find(|(name, _)| name.as_ref() == key)?;
        Some(value.view())
    }

    fn len(&self) -> usize {
        <[(K, T)]>::len(self)
    }

    fn entries(&self) -> Entries<'_> {
        Box::new(self.iter().map(|(key, value)| (key.as_ref(), value.view())))
    }
}

impl<K: AsRef<str>, T: Data, const N: usize> Hash for [(K, T); N] {
    fn get(&self, key: &str) -> Option<View<'_>> {
        Hash::get(self.as_slice(), key)
    }

    fn len(&self) -> usize {
        N
    }

    fn entries(&self) -> Entries<'_> {
        Hash::entries(self.as_slice())
    }
}

impl<K: AsRef<str>, T: Data, const N: usize> Data for [(K, T); N] {
    fn view(&self) -> View<'_> {
        View::Hash(self)
    }
}
