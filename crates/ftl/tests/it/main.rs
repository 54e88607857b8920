//! The engine from outside: what templates print, how they fail, what they can't do.

#[path = "../golden/compare.rs"]
mod compare;
mod formats;
mod golden;
mod guides;
mod host;
mod hostile;
mod inspect;
mod inventory;
mod language;
mod loading;
mod memory;
mod safety;
