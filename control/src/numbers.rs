//! Numbers for things that come and go by name.
//!
//! Workers know things by number, and count by number. A number that was given back is not the next
//! one's at once: packets and events on their way may still name it. It is usable again when every
//! worker has passed the change without it, and [`REST`] after that it was given back, in which all
//! rings have run empty. Who comes back under its old name gets its old number, and with it its
//! counters, if that is usable; else a new one is taken while there are any.

use fastpath::publish::Change;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

/// Milliseconds for which a number that was given back rests. A ring between two threads is emptied
/// in eight rounds of the receiving one, and a packet that waits for a neighbour does so for three
/// seconds.
pub const REST: u64 = 4_000;

/// A number that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// The number.
    pub at: usize,
    /// Something of another name had it before, and was counted under it.
    pub used: bool,
}

#[derive(Clone, Debug)]
struct Place<K, T> {
    name: K,
    thing: Option<T>,
    /// When it was given back, and the first change without it.
    gone: (u64, Option<Change>),
}

/// Things by number and by name.
#[derive(Clone, Debug)]
pub struct Numbers<K, T> {
    places: Vec<Place<K, T>>,
    names: HashMap<K, usize>,
    limit: usize,
}

/// Whether a number was given back, and may be another's.
fn is_rested<K, T>(place: &Place<K, T>, now: u64, passed: impl Fn(Change) -> bool) -> bool {
    let (at, since) = place.gone;
    place.thing.is_none() && now >= at + REST && since.is_some_and(passed)
}

impl<K: Copy + Eq + Hash, T> Numbers<K, T> {
    /// None yet, and never more than `limit`.
    pub fn new(limit: usize) -> Self {
        Numbers {
            places: Vec::new(),
            names: HashMap::new(),
            limit,
        }
    }

    /// The number that something of this name would get at `now`, in milliseconds; `passed` says
    /// which changes all workers have passed. `None` if there is something of that name, or no
    /// number that could be given.
    pub fn free(&self, name: K, now: u64, passed: impl Fn(Change) -> bool) -> Option<Given> {
        if self.names.contains_key(&name) {
            return None;
        }
        let rested = |place: &Place<K, T>| is_rested(place, now, &passed);
        // One that is in every snapshot still was not missed by anybody.
        let is_own = |place: &Place<K, T>| {
            let unsealed = place.thing.is_none() && place.gone.1.is_none();
            place.name == name && (unsealed || rested(place))
        };
        if let Some(at) = self.places.iter().position(is_own) {
            return Some(Given { at, used: false });
        }
        if self.places.len() < self.limit {
            let at = self.places.len();
            return Some(Given { at, used: false });
        }
        let numbered = self.places.iter().enumerate();
        let rested = numbered.filter(|(_, place)| rested(place));
        let longest = rested.min_by_key(|(_, place)| place.gone.0);
        longest.map(|(at, _)| Given { at, used: true })
    }

    /// Whether numbers can be given to all of `names` that are not there, and to as many `others` that
    /// had none before, one after the other. `now` and `passed` as for [`Numbers::free`].
    pub fn have_room(
        &self,
        names: impl IntoIterator<Item = K>,
        others: usize,
        now: u64,
        passed: impl Fn(Change) -> bool,
    ) -> bool {
        let gone = || self.places.iter().filter(|place| place.thing.is_none());
        let own = gone().filter(|place| place.gone.1.is_none());
        let own: HashSet<_> = own.map(|place| place.name).collect();
        let names = names.into_iter();
        let new = names.filter(|name| !self.names.contains_key(name) && !own.contains(name));
        let rested = gone().filter(|place| is_rested(place, now, &passed));
        let unused = self.limit.saturating_sub(self.places.len());
        new.count() + others <= unused + rested.count()
    }

    /// Who went at `since` or later may have its number back at once: that it went is taken back, and
    /// was never acknowledged.
    pub fn recall(&mut self, since: u64) {
        for place in &mut self.places {
            let (at, sealed) = &mut place.gone;
            if place.thing.is_none() && *at >= since {
                *sealed = None;
            }
        }
    }

    /// Puts something under a number that is free for it.
    pub fn put(&mut self, given: Given, name: K, thing: T) {
        let place = Place {
            name,
            thing: Some(thing),
            gone: (0, None),
        };
        match self.places.get_mut(given.at) {
            Some(known) => *known = place,
            None => self.places.push(place),
        }
        self.names.insert(name, given.at);
    }

    /// Takes something away.
    pub fn remove(&mut self, name: K, now: u64) -> Option<(usize, T)> {
        let at = self.names.remove(&name)?;
        let place = self.places.get_mut(at)?;
        place.gone = (now, None);
        Some((at, place.thing.take()?))
    }

    /// What was removed is in no snapshot from `change` on.
    pub fn seal(&mut self, change: Change) {
        for place in &mut self.places {
            if place.thing.is_none() {
                place.gone.1.get_or_insert(change);
            }
        }
    }

    /// The number of a name.
    pub fn by_name(&self, name: K) -> Option<usize> {
        self.names.get(&name).copied()
    }

    /// What has a number.
    pub fn get(&self, at: usize) -> Option<&T> {
        self.places.get(at)?.thing.as_ref()
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        self.places.get_mut(at)?.thing.as_mut()
    }

    /// Everything there is, in the order of the numbers.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        let numbered = self.places.iter().enumerate();
        numbered.filter_map(|(at, place)| Some((at, place.thing.as_ref()?)))
    }

    /// The same, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut T)> {
        let numbered = self.places.iter_mut().enumerate();
        numbered.filter_map(|(at, place)| Some((at, place.thing.as_mut()?)))
    }

    /// Who had the numbers that are nobody's now.
    pub fn gone(&self) -> impl Iterator<Item = (usize, K)> {
        let numbered = self.places.iter().enumerate();
        let gone = numbered.filter(|(_, place)| place.thing.is_none());
        gone.map(|(at, place)| (at, place.name))
    }

    /// By number, up to the largest that was ever given; `None` where nothing is.
    pub fn places(&self) -> impl Iterator<Item = Option<&T>> {
        self.places.iter().map(|place| place.thing.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Name;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn add(
        numbers: &mut Numbers<Name, &'static str>,
        text: &'static str,
        now: u64,
    ) -> Option<Given> {
        let given = numbers.free(name(text), now, |_| true)?;
        numbers.put(given, name(text), text);
        Some(given)
    }

    fn given(at: usize, used: bool) -> Option<Given> {
        Some(Given { at, used })
    }

    #[test]
    fn who_comes_back_gets_its_number_and_others_a_new_one_while_there_are_any() {
        let mut numbers = Numbers::new(3);
        assert_eq!(add(&mut numbers, "a", 0), given(0, false));
        assert_eq!(add(&mut numbers, "b", 0), given(1, false));
        assert_eq!(add(&mut numbers, "a", 0), None, "it is there");
        assert_eq!(numbers.remove(name("a"), 10), Some((0, "a")));
        assert_eq!(numbers.remove(name("a"), 10), None);
        numbers.seal(Change::INITIAL);
        assert_eq!(add(&mut numbers, "c", 10 + REST), given(2, false));
        assert_eq!(add(&mut numbers, "a", 10 + REST), given(0, false));
        assert_eq!(numbers.get(0), Some(&"a"));
        assert_eq!(add(&mut numbers, "d", u64::MAX), None, "all are in use");
    }

    #[test]
    fn a_number_rests_and_the_longest_rested_comes_first() {
        let mut numbers = Numbers::new(2);
        add(&mut numbers, "a", 0);
        add(&mut numbers, "b", 0);
        numbers.remove(name("b"), 5);
        numbers.remove(name("a"), 6);
        assert_eq!(
            numbers.free(name("c"), 5 + REST, |_| true),
            None,
            "not sealed"
        );
        numbers.seal(Change::INITIAL);
        assert_eq!(
            numbers.free(name("c"), 5 + REST, |_| false),
            None,
            "not passed"
        );
        assert_eq!(
            numbers.free(name("c"), 4 + REST, |_| true),
            None,
            "not rested"
        );
        assert_eq!(add(&mut numbers, "c", 6 + REST), given(1, true));
        assert_eq!(numbers.iter().collect::<Vec<_>>(), [(1, &"c")]);
        assert_eq!(numbers.places().collect::<Vec<_>>(), [None, Some(&"c")]);
        assert_eq!(
            (numbers.by_name(name("c")), numbers.by_name(name("b"))),
            (Some(1), None)
        );
    }

    #[test]
    fn room_is_what_can_be_given() {
        let mut numbers = Numbers::new(3);
        for text in ["a", "b"] {
            add(&mut numbers, text, 0);
        }
        let room = |numbers: &Numbers<Name, &str>, names: &[&str], others, now| {
            let names = names.iter().map(|text| name(text));
            numbers.have_room(names, others, now, |_| true)
        };
        assert!(room(&numbers, &["a", "b"], 1, 0) && !room(&numbers, &["c"], 1, 0));
        assert!(room(&numbers, &["c"], 0, 0) && !room(&numbers, &["c", "d"], 0, 0));
        numbers.remove(name("b"), 5);
        assert!(room(&numbers, &["b", "c"], 0, 5), "it has not gone yet");
        numbers.seal(Change::INITIAL);
        assert!(room(&numbers, &["b"], 0, 5) && !room(&numbers, &["b", "c"], 0, 5));
        assert!(!room(&numbers, &["d", "c"], 0, 4 + REST));
        assert!(room(&numbers, &["d", "c"], 0, 5 + REST));
    }

    #[test]
    fn who_is_recalled_gets_its_number_at_once_and_nobody_else_does() {
        let mut numbers = Numbers::new(2);
        for text in ["a", "b"] {
            add(&mut numbers, text, 0);
        }
        numbers.remove(name("a"), 4);
        numbers.seal(Change::INITIAL);
        numbers.remove(name("b"), 5);
        numbers.seal(Change::INITIAL);
        numbers.recall(5);
        let free = |text: &str, now| numbers.free(name(text), now, |_| true);
        assert_eq!((free("a", 5), free("b", 5)), (None, given(1, false)));
        assert_eq!(
            free("c", 5 + REST),
            given(0, true),
            "the other is not sealed"
        );
    }
}
