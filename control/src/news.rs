//! What happened to the entries of a table since somebody last looked, as long as anybody listens.

/// Most that is kept: more in one step is only counted.
const LIMIT: usize = 1024;

/// Changes in their order. While nobody listens nothing is built or kept.
#[derive(Clone, Debug)]
pub struct News<T> {
    listened: bool,
    kept: Vec<T>,
    more: u64,
}

impl<T> News<T> {
    /// Nobody listens.
    pub const fn new() -> Self {
        News {
            listened: false,
            kept: Vec::new(),
            more: 0,
        }
    }

    /// Somebody listens, or nobody does any more.
    pub fn listen(&mut self, listened: bool) {
        self.listened = listened;
        if !listened {
            (self.kept, self.more) = (Vec::new(), 0);
        }
    }

    /// Something happened.
    pub fn note(&mut self, what: impl FnOnce() -> T) {
        if !self.listened {
        } else if self.kept.len() < LIMIT {
            self.kept.push(what());
        } else {
            self.more += 1;
        }
    }

    /// Something may have happened.
    pub fn note_some(&mut self, what: impl FnOnce() -> Option<T>) {
        if self.listened
            && let Some(what) = what()
        {
            self.note(|| what);
        }
    }

    /// What happened since the last call, and how much more did after it.
    pub fn take(&mut self) -> (Vec<T>, u64) {
        (
            std::mem::take(&mut self.kept),
            std::mem::take(&mut self.more),
        )
    }
}

impl<T> Default for News<T> {
    fn default() -> Self {
        News::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_built_for_nobody() {
        let mut news = News::<u8>::new();
        news.note(|| unreachable!("nobody listens"));
        news.listen(true);
        news.note(|| 7);
        assert_eq!(news.take(), (vec![7], 0));
        news.note(|| 8);
        news.listen(false);
        assert_eq!(news.take(), (vec![], 0));
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let mut news = News::new();
        news.listen(true);
        for number in 0..LIMIT + 3 {
            news.note(|| number);
        }
        let (kept, more) = news.take();
        assert_eq!(
            (kept.len(), kept.last(), more),
            (LIMIT, Some(&(LIMIT - 1)), 3)
        );
        assert_eq!(news.take(), (vec![], 0));
    }
}
