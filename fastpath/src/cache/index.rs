//! From hash to places in the slab: buckets of eight, one cache line of signatures and places.

const WAYS: usize = 8;
const EMPTY: u16 = 0;

/// One bucket.
#[derive(Clone, Debug, Default)]
#[repr(align(64))]
struct Bucket {
    /// High bits of the hash; 0 marks a free way.
    signatures: [u16; WAYS],
    places: [u32; WAYS],
}

/// The index.
#[derive(Debug)]
pub(super) struct Index {
    buckets: Box<[Bucket]>,
}

impl Index {
    /// An index for `capacity` entries, half empty when that many are in.
    pub(super) fn new(capacity: usize) -> Self {
        let buckets = (2 * capacity / WAYS).max(1).next_power_of_two();
        Index {
            buckets: vec![Bucket::default(); buckets].into(),
        }
    }

    fn bucket(&self, hash: u64) -> usize {
        hash as usize & (self.buckets.len() - 1)
    }

    fn signature(hash: u64) -> u16 {
        ((hash >> 48) as u16).max(1)
    }

    /// Places whose entry may have this hash.
    pub(super) fn candidates(&self, hash: u64) -> impl Iterator<Item = usize> {
        let bucket = &self.buckets[self.bucket(hash)];
        let wanted = Self::signature(hash);
        let pairs = bucket.signatures.iter().zip(bucket.places);
        pairs
            .filter(move |(signature, _)| **signature == wanted)
            .map(|(_, at)| at as usize)
    }

    /// All places of the bucket of `hash`, if it has no free way.
    pub(super) fn full_bucket(&self, hash: u64) -> Option<&[u32; WAYS]> {
        let bucket = &self.buckets[self.bucket(hash)];
        (!bucket.signatures.contains(&EMPTY)).then_some(&bucket.places)
    }

    /// Adds a place. The caller has made sure of a free way; without one nothing happens.
    pub(super) fn insert(&mut self, hash: u64, at: u32) {
        let number = self.bucket(hash);
        let bucket = &mut self.buckets[number];
        if let Some(way) = bucket
            .signatures
            .iter()
            .position(|signature| *signature == EMPTY)
        {
            bucket.signatures[way] = Self::signature(hash);
            bucket.places[way] = at;
        }
    }

    /// Removes a place.
    pub(super) fn remove(&mut self, hash: u64, at: u32) {
        let number = self.bucket(hash);
        let bucket = &mut self.buckets[number];
        let ways = bucket.signatures.iter_mut().zip(&bucket.places);
        for (signature, place) in ways {
            if *signature != EMPTY && *place == at {
                *signature = EMPTY;
            }
        }
    }
}

#[cfg(not(loom))]
#[cfg(test)]
impl Index {
    /// Places in all buckets.
    pub(super) fn len(&self) -> usize {
        let ways = self.buckets.iter().flat_map(|bucket| bucket.signatures);
        ways.filter(|signature| *signature != EMPTY).count()
    }
}
