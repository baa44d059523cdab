use super::*;

#[test]
fn a_chained_replica_has_the_same_bytes_and_its_own_front() {
    let pool = HeapPool::new(4);
    let bytes: Vec<u8> = (0..1000).map(|i| i as u8).collect();
    let packet = pool.alloc(&bytes).unwrap();
    let mut replica = pool.replicate(&packet, true).unwrap();
    assert_eq!((replica.head().len(), replica.len()), (COPIED_HEAD, 1000));
    replica.prepend(50).unwrap().fill(0xaa);
    assert!(replica.trim_front(50) && replica.truncate(999));
    assert_eq!(replica.bytes(), bytes[..999]);
    assert_eq!(packet.bytes(), bytes);
    assert!(!replica.truncate(COPIED_HEAD));
}

#[test]
fn what_a_nic_says_is_forgotten_as_a_whole_and_not_replicated() {
    let pool = HeapPool::new(2);
    let word = NicWord {
        tunnel: true,
        checksums: RxChecksums {
            ip: Checksum::Good,
            l4: Checksum::Bad,
        },
        inner: RxChecksums::default(),
        mark: Some(5),
    };
    let mut packet = pool.alloc(&[0; 60]).unwrap().with_nic_word(word);
    assert_eq!((packet.nic_says(), packet.mark()), (word, Some(5)));
    assert_eq!(packet.rx_checksums(), word.checksums);
    let replica = pool.replicate(&packet, false).unwrap();
    assert_eq!(replica.nic_says(), NicWord::default());
    packet.distrust_rx_checksums();
    let mark = NicWord {
        mark: Some(5),
        ..NicWord::default()
    };
    assert_eq!(packet.nic_says(), mark);
    packet.clear_rx_checksums();
    assert_eq!(packet.nic_says(), NicWord::default());
}

#[test]
fn the_pool_runs_empty_and_counts_what_is_out() {
    let pool = HeapPool::new(1);
    let packet = pool.alloc(&[1, 2, 3]).unwrap();
    assert!(pool.alloc(&[]).is_none() && pool.replicate(&packet, false).is_none());
    assert_eq!(pool.out(), 1);
    drop(packet);
    assert_eq!(pool.out(), 0);
}

#[test]
fn a_segment_holds_as_much_as_the_pool_says() {
    for (pool, room) in [
        (HeapPool::new(1), DATA_ROOM),
        (HeapPool::with_data_room(1, 9000), 9000),
    ] {
        assert!(pool.alloc(&vec![0; room]).is_some());
        assert!(pool.alloc(&vec![0; room + 1]).is_none());
    }
}

#[test]
fn a_packet_has_as_much_in_front_as_the_pool_says_and_what_was_taken_off_it() {
    let pool = HeapPool::new(1).with_headroom(3);
    let mut packet = pool.alloc(&[1, 2, 3, 4]).unwrap();
    assert!(packet.trim_front(2) && packet.prepend(6).is_none());
    assert_eq!(
        packet.prepend(5).map(|front| front[3..].to_vec()),
        Some(vec![1, 2])
    );
    assert!(packet.prepend(1).is_none());
}

#[test]
fn segments_are_skipped_to_the_byte() {
    let pool = HeapPool::new(2);
    let bytes: Vec<u8> = (0..300).map(|i| i as u8).collect();
    let replica = pool.replicate(&pool.alloc(&bytes).unwrap(), true).unwrap();
    for skip in [0, 1, 127, 128, 129, 299, 300, 301] {
        let mut seen = Vec::new();
        replica.for_each_segment(skip, |s| seen.extend_from_slice(s));
        assert_eq!(seen, bytes[skip.min(300)..], "{skip}");
    }
}
