use super::*;
use fastpath::ids::PortId;
use fastpath::io::NicWord;
use fastpath::io::heap::{HeapIo, HeapPool, HeapQueue};

fn queue(capacity: usize) -> HeapQueue {
    HeapQueue::new(PortId::modulo(0), capacity)
}

#[test]
fn what_comes_in_by_any_queue_is_heard_with_what_the_nic_said() {
    let pool = HeapPool::new(8);
    let (mut rx, mut tx) = ([queue(4), queue(4)], queue(4));
    let word = NicWord {
        mark: Some(7),
        ..NicWord::default()
    };
    rx[1]
        .push(pool.alloc(&[1; 60]).unwrap().with_nic_word(word))
        .unwrap();
    rx[0].push(pool.alloc_chain(&[2; 70], 30).unwrap()).unwrap();
    let mut queues = Queues::<HeapIo>::new(&mut rx, &mut tx, &pool);
    let (first, second) = (queues.receive().unwrap(), queues.receive().unwrap());
    assert_eq!((first.bytes, first.word), (vec![2; 70], NicWord::default()));
    assert_eq!((second.bytes, second.word), (vec![1; 60], word));
    assert_eq!(queues.receive(), None);
    assert_eq!(pool.out(), 0);
}

#[test]
fn a_frame_that_finds_no_room_is_not_sent_and_not_lost_to_the_pool() {
    let pool = HeapPool::new(2);
    let (mut rx, mut tx) = ([queue(1)], queue(1));
    let mut queues = Queues::<HeapIo>::new(&mut rx, &mut tx, &pool);
    assert!(queues.send(&[3; 60]));
    assert!(!queues.send(&[4; 60]), "the queue is full");
    assert_eq!(pool.out(), 1);
    let _other = pool.alloc(&[5; 60]).unwrap();
    let mut empty = queue(1);
    let mut queues = Queues::<HeapIo>::new(&mut rx, &mut empty, &pool);
    assert!(!queues.send(&[6; 60]), "the pool is empty");
    let sent = tx.pop().unwrap();
    assert_eq!(sent.bytes(), [3; 60]);
}
