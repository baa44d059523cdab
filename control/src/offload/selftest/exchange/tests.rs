use super::*;
use std::collections::VecDeque;

const RUN: u32 = 9;

/// A loop that does with the packets that are sent as it is told.
struct Path<F> {
    way: F,
    queue: VecDeque<Heard>,
    sends: usize,
    pauses: usize,
}

impl<F: FnMut(usize, Heard) -> Vec<Heard>> Path<F> {
    fn new(way: F) -> Self {
        Path {
            way,
            queue: VecDeque::new(),
            sends: 0,
            pauses: 0,
        }
    }
}

impl<F: FnMut(usize, Heard) -> Vec<Heard>> Loop for Path<F> {
    fn send(&mut self, frame: &[u8]) -> bool {
        let arrived = (self.way)(self.sends, heard(frame));
        self.queue.extend(arrived);
        self.sends += 1;
        true
    }

    fn receive(&mut self) -> Option<Heard> {
        self.queue.pop_front()
    }

    fn pause(&mut self) {
        self.pauses += 1;
    }
}

fn heard(bytes: &[u8]) -> Heard {
    Heard {
        bytes: bytes.to_vec(),
        word: NicWord::default(),
    }
}

fn frames(count: u32) -> Vec<Frame> {
    let frame = |place: u32| Frame {
        name: place.to_string(),
        bytes: Id { run: RUN, place }.bytes().to_vec(),
    };
    (0..count).map(frame).collect()
}

#[test]
fn each_frame_is_sent_once_if_it_comes_back() {
    let frames = frames(100);
    let mut path = Path::new(|_, frame| vec![frame]);
    let exchange = exchange(&mut path, &frames, RUN);
    assert_eq!((exchange.sent, path.sends), (100, 100));
    assert_eq!(path.pauses, QUIET);
    assert_eq!((exchange.doubled, exchange.foreign), (0, 0));
    for (frame, of) in frames.iter().zip(&exchange.heard) {
        assert_eq!(of, &[heard(&frame.bytes)]);
    }
}

#[test]
fn what_is_lost_is_sent_again() {
    let frames = frames(30);
    // All but the first third, then all but one.
    let mut path = Path::new(|sent, frame| match sent {
        0..10 | 35 => vec![],
        _ => vec![frame],
    });
    let exchange = exchange(&mut path, &frames, RUN);
    assert_eq!(exchange.sent, 30 + 10 + 1);
    assert!(exchange.is_whole());
}

#[test]
fn what_comes_late_or_twice_or_from_others_does_not_matter() {
    let frames = frames(30);
    let mut kept = Vec::new();
    let mut path = Path::new(move |sent, frame: Heard| {
        kept.push(frame.clone());
        if sent % 10 != 9 {
            return vec![heard(
                &Id {
                    run: RUN + 1,
                    place: 0,
                }
                .bytes(),
            )];
        }
        // Ten of them, the last first, one of them twice, and somebody's who has no such frame.
        let mut all: Vec<_> = kept.drain(..).rev().collect();
        all.push(frame);
        all.push(heard(
            &Id {
                run: RUN,
                place: 30,
            }
            .bytes(),
        ));
        all
    });
    let exchange = exchange(&mut path, &frames, RUN);
    assert!(exchange.is_whole());
    assert_eq!(
        (exchange.sent, exchange.doubled, exchange.foreign),
        (30, 3, 30)
    );
}

#[test]
fn an_echo_that_never_ends_is_looked_at_a_few_times() {
    let frames = frames(2);
    let mut path = Path::new(|_, frame| vec![frame; 1000]);
    let exchange = exchange(&mut path, &frames, RUN);
    assert_eq!(exchange.doubled, 2 * 999);
    assert!(exchange.heard.iter().all(|of| of.len() == LOOKS));
}

#[test]
fn it_ends_where_nothing_comes_back() {
    let frames = frames(50);
    let mut path = Path::new(|_, _| vec![]);
    let exchange = exchange(&mut path, &frames, RUN);
    assert_eq!(exchange.sent, ROUNDS * 50);
    assert_eq!(path.pauses, ROUNDS * PAUSES + QUIET);
    assert!(exchange.heard.iter().all(Vec::is_empty));
}

/// Never takes a frame, and always has one of somebody else.
struct Flood(usize);

impl Loop for Flood {
    fn send(&mut self, _frame: &[u8]) -> bool {
        false
    }

    fn receive(&mut self) -> Option<Heard> {
        Some(heard(&[0; 20]))
    }

    fn pause(&mut self) {
        self.0 += 1;
    }
}

#[test]
fn it_ends_where_nothing_can_be_sent_and_others_never_stop() {
    let mut flood = Flood(0);
    let exchange = exchange(&mut flood, &frames(3), RUN);
    let pauses = ROUNDS * PAUSES + QUIET;
    assert_eq!((exchange.sent, flood.0), (0, pauses));
    assert_eq!(exchange.foreign, pauses * TAKE);
}

/// Sends each frame back at once, and once more so many pauses later; or never stops.
struct Slow {
    late: usize,
    pauses: usize,
    now: VecDeque<Heard>,
    later: VecDeque<Heard>,
    stops: bool,
}

impl Loop for Slow {
    fn send(&mut self, frame: &[u8]) -> bool {
        self.now.push_back(heard(frame));
        self.later.push_back(heard(frame));
        true
    }

    fn receive(&mut self) -> Option<Heard> {
        if self.pauses >= self.late {
            self.now.extend(self.later.pop_front());
            self.late += 1;
            if !self.stops {
                self.later.extend(self.now.back().cloned());
            }
        }
        self.now.pop_front()
    }

    fn pause(&mut self) {
        self.pauses += 1;
    }
}

#[test]
fn who_has_the_queues_next_finds_nothing_of_it() {
    let mut slow = Slow {
        late: QUIET - 1,
        pauses: 0,
        now: VecDeque::new(),
        later: VecDeque::new(),
        stops: true,
    };
    assert!(exchange(&mut slow, &frames(20), RUN).is_whole());
    assert!(slow.later.is_empty(), "they come one by one");
    assert_eq!(slow.pauses, QUIET - 1 + 20 - 1 + QUIET);
    // And there is an end of it.
    (slow.late, slow.pauses, slow.stops) = (0, 0, false);
    exchange(&mut slow, &frames(20), RUN);
    assert_eq!(slow.pauses, PAUSES);
}
