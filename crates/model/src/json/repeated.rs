//! Names that one object has more than once.

use super::parse::Member;

/// Of members with the same name, the last one's value in the first one's place.
#[cold]
#[inline(never)]
pub(super) fn last_of_repeated(members: Vec<Member<'_>>) -> Vec<Member<'_>> {
    let mut places = std::collections::HashMap::with_capacity(members.len());
    let mut unique: Vec<Member<'_>> = Vec::with_capacity(members.len());
    for (name, value) in members {
        match places.get(&name) {
            Some(&place) => {
                let slot: &mut Member<'_> = &mut unique[place];
                slot.1 = value;
            }
            None => {
                places.insert(name.clone(), unique.len());
                unique.push((name, value));
            }
        }
    }
    unique
}

/// Whether two members have the same name.
pub(super) fn has_repeated(members: &[Member<'_>]) -> bool {
    const FEW: usize = 64;
    let mut marks = [0_u32; FEW];
    let Some(marks) = marks.get_mut(..members.len()) else {
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        return names.windows(2).any(|pair| pair[0] == pair[1]);
    };
    for (index, (name, _)) in members.iter().enumerate() {
        let mark = mark(name.as_bytes());
        // Equal names have equal marks. All earlier ones are compared, not only up to the first
        // that is equal: that many processors do at once.
        let seen = marks[..index]
            .iter()
            .fold(false, |seen, &m| seen | (m == mark));
        if seen && members[..index].iter().any(|(earlier, _)| earlier == name) {
            return true;
        }
        marks[index] = mark;
    }
    false
}

/// What tells most names apart at a glance: the length, two bytes at the ends, one in the middle.
fn mark(name: &[u8]) -> u32 {
    let [first, .., last] = name else {
        return name.first().map_or(0, |&only| 1 + u32::from(only));
    };
    let middle = name[name.len() / 2];
    u32::from_le_bytes([name.len() as u8, *first, middle, *last])
}
