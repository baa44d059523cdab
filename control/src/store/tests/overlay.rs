//! A file with what is written to it in memory, against a plain list of bytes.

use super::disk::Disk;
use crate::store::medium::Place as _;
use crate::store::overlay::Overlay;
use proptest::collection::vec;
use proptest::prelude::*;
use redb::StorageBackend;

#[derive(Clone, Debug)]
enum Step {
    Length(usize),
    Write(usize, Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    let byte = 1..=255_u8;
    prop_oneof![
        (0..20_000_usize).prop_map(Step::Length),
        (0..12_000_usize, vec(byte, 0..9_000)).prop_map(|(at, data)| Step::Write(at, data)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn it_reads_as_a_file_that_was_written_and_the_file_is_as_it_was(
        file in vec(1..=255_u8, 0..16_000),
        steps in vec(step(), 0..8),
        reads in vec((0..24_000_usize, 0..9_000_usize), 1..8),
    ) {
        let disk = Disk::of(file.clone());
        let overlay = Overlay::new(disk.open().unwrap()).unwrap();
        let mut model = file.clone();
        for step in steps {
            match step {
                Step::Length(length) => {
                    overlay.set_len(length as u64).unwrap();
                    model.resize(length, 0);
                }
                Step::Write(at, data) => {
                    overlay.write(at as u64, &data).unwrap();
                    model.resize(model.len().max(at + data.len()), 0);
                    model[at..at + data.len()].copy_from_slice(&data);
                }
            }
            prop_assert_eq!(overlay.len().unwrap(), model.len() as u64);
        }
        for (at, length) in reads {
            let mut out = vec![7; length];
            let read = overlay.read(at as u64, &mut out);
            prop_assert_eq!(read.ok().map(|()| &out[..]), model.get(at..at + length));
        }
        prop_assert_eq!(disk.bytes(), file);
    }
}
