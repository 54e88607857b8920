//! A list that most renders have a single item in: the first one needs no memory of its own.

use std::ops::{Index, IndexMut};

pub(crate) struct First<T> {
    first: T,
    rest: Vec<T>,
}

impl<T> First<T> {
    pub(crate) fn new(first: T) -> Self {
        let rest = Vec::new();
        Self { first, rest }
    }

    pub(crate) fn first_mut(&mut self) -> &mut T {
        &mut self.first
    }

    pub(crate) fn len(&self) -> usize {
        1 + self.rest.len()
    }

    pub(crate) fn push(&mut self, item: T) {
        self.rest.push(item);
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        std::iter::once(&mut self.first).chain(&mut self.rest)
    }
}

impl<T> Index<usize> for First<T> {
    type Output = T;

    #[inline]
    fn index(&self, index: usize) -> &T {
        match index.checked_sub(1) {
            None => &self.first,
            Some(rest) => &self.rest[rest],
        }
    }
}

impl<T> IndexMut<usize> for First<T> {
    #[inline]
    fn index_mut(&mut self, index: usize) -> &mut T {
        match index.checked_sub(1) {
            None => &mut self.first,
            Some(rest) => &mut self.rest[rest],
        }
    }
}
