//! Names whose class is known: forms and headers have the same names again and again.

use super::ids::ClassId;
use crate::bytes::fold;
use crate::limits::{KNOWN_NAME_BYTES, KNOWN_NAMES};

/// Some names of this request and those before it, and their classes. Each has one place: a sender
/// who makes names meet there only makes them be looked at again.
#[derive(Debug, Default)]
pub struct KnownNames(Vec<Place>);

#[derive(Clone, Copy, Debug)]
struct Place {
    /// Whose class it is; 0: nobody's.
    of: u64,
    length: u8,
    name: [u8; KNOWN_NAME_BYTES],
    class: ClassId,
}

impl Place {
    const EMPTY: Self = Self { of: 0, length: 0, name: [0; KNOWN_NAME_BYTES], class: ClassId(0) };

    fn holds(&self, of: u64, name: &[u8]) -> bool {
        self.of == of && self.name.get(..usize::from(self.length)) == Some(name)
    }
}

impl KnownNames {
    /// The class of a name among those with this number, which is not 0; `find` is asked what is not
    /// known.
    pub(super) fn class(
        &mut self,
        of: u64,
        name: &[u8],
        find: impl FnOnce() -> ClassId,
    ) -> ClassId {
        if name.len() > KNOWN_NAME_BYTES {
            return find();
        }
        if self.0.is_empty() {
            self.0.resize(KNOWN_NAMES, Place::EMPTY);
        }
        let place = &mut self.0[fold(of, name) as usize % KNOWN_NAMES];
        if !place.holds(of, name) {
            place.class = find();
            place.of = of;
            place.length = name.len() as u8;
            place.name[..name.len()].copy_from_slice(name);
        }
        place.class
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_asked_once_for_each_of_those_who_class_it() {
        let mut known = KnownNames::default();
        let mut asked = Vec::new();
        let mut class = |of, name: &'static str, class| {
            let find = || {
                asked.push((of, name));
                ClassId(class)
            };
            known.class(of, name.as_bytes(), find)
        };
        for _ in 0..2 {
            assert_eq!(class(1, "user", 7), ClassId(7));
            assert_eq!(class(1, "", 2), ClassId(2));
            assert_eq!(class(2, "user", 8), ClassId(8));
        }
        assert_eq!(asked, [(1, "user"), (1, ""), (2, "user")]);
    }

    #[test]
    fn any_number_of_names_and_any_length_are_classed_right() {
        let mut known = KnownNames::default();
        for round in 0..3 {
            for number in 0..4 * KNOWN_NAMES as u16 {
                let name = format!("{}{number}", "x".repeat(usize::from(number % 40)));
                let class = known.class(9, name.as_bytes(), || ClassId(number));
                assert_eq!(class, ClassId(number), "{name} in round {round}");
            }
        }
        assert_eq!(known.0.len(), KNOWN_NAMES);
    }
}
