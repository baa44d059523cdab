//! When a learned address has not been seen for too long. Time is an argument.
//!
//! As in a Linux bridge only what a station sends keeps it alive, not what is sent to it.

/// Whether an address last seen in second `seen` is over in second `now`, where `limit` seconds of
/// silence are allowed. A worker's clock may be a second ahead; that is no age at all.
pub fn is_over(seen: u32, now: u32, limit: u32) -> bool {
    age(seen, now) > limit
}

/// Seconds since an address was seen.
pub fn age(seen: u32, now: u32) -> u32 {
    now.saturating_sub(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_up_to_the_limit_is_allowed() {
        assert!(!is_over(100, 400, 300));
        assert!(is_over(100, 401, 300));
        assert!(!is_over(401, 400, 0));
    }
}
