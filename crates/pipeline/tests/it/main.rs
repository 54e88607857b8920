//! What a sync makes of events, seen from outside.

mod arbitrary;
mod discarded;
mod guide;
mod payload;
mod problems;
mod selected;
mod selection;
mod support;
