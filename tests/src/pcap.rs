//! Capture files, as net_pcap and tcpdump write and read them: the classic format, Ethernet.

use crate::Result;
use std::path::Path;

const MAGIC: u32 = 0xa1b2_c3d4;
const MAGIC_NANOS: u32 = 0xa1b2_3c4d;
const ETHERNET: u32 = 1;
const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;

/// Writes frames to a file, a microsecond apart.
///
/// # Errors
/// If the file cannot be written.
pub fn write<F: AsRef<[u8]>>(path: &Path, frames: &[F]) -> Result {
    let mut out = Vec::new();
    out.extend(MAGIC.to_le_bytes());
    out.extend([2u16, 4].iter().flat_map(|version| version.to_le_bytes()));
    out.extend(
        [0u32, 0, 65535, ETHERNET]
            .iter()
            .flat_map(|word| word.to_le_bytes()),
    );
    for (i, frame) in frames.iter().enumerate() {
        let frame = frame.as_ref();
        let (micros, len) = (u32::try_from(i)?, u32::try_from(frame.len())?);
        out.extend(
            [0, micros, len, len]
                .iter()
                .flat_map(|word| word.to_le_bytes()),
        );
        out.extend(frame);
    }
    std::fs::write(path, out)?;
    Ok(())
}

/// Reads the frames of a file. A last record that is cut off, because its writer still runs, is
/// left out.
///
/// # Errors
/// If it is no capture file, or a frame was cut by a snap length.
pub fn read(path: &Path) -> Result<Vec<Vec<u8>>> {
    let bytes = std::fs::read(path)?;
    let head = bytes
        .get(..FILE_HEADER)
        .ok_or_else(|| format!("{}: too short", path.display()))?;
    let big = match [le(head, 0), be(head, 0)] {
        [MAGIC | MAGIC_NANOS, _] => false,
        [_, MAGIC | MAGIC_NANOS] => true,
        _ => return Err(format!("{}: no capture file", path.display()).into()),
    };
    let word = if big { be } else { le };
    if word(head, 20) != ETHERNET {
        return Err(format!("{}: not of Ethernet frames", path.display()).into());
    }
    let (mut frames, mut rest) = (Vec::new(), &bytes[FILE_HEADER..]);
    while let Some((record, after)) = rest.split_at_checked(RECORD_HEADER) {
        let (captured, len) = (word(record, 8), word(record, 12));
        if captured != len {
            return Err(format!("{}: a frame was cut by a snap length", path.display()).into());
        }
        let Some((frame, after)) = after.split_at_checked(usize::try_from(captured)?) else {
            break;
        };
        frames.push(frame.to_vec());
        rest = after;
    }
    Ok(frames)
}

fn le(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn be(bytes: &[u8], at: usize) -> u32 {
    le(bytes, at).swap_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_as_they_were_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.pcap");
        let frames = vec![vec![1; 14], Vec::new(), (0..=255).collect::<Vec<u8>>()];
        write(&path, &frames).unwrap();
        assert_eq!(read(&path).unwrap(), frames);
    }

    #[test]
    fn a_cut_record_is_left_out_and_other_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.pcap");
        write(&path, &[vec![1; 60], vec![2; 60]]).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert_eq!(read(&path).unwrap(), [vec![1; 60]]);
        std::fs::write(&path, [0; 40]).unwrap();
        assert!(read(&path).is_err());
    }

    #[test]
    fn big_endian_files_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.pcap");
        let words = [
            MAGIC,
            0x0002_0004,
            0,
            0,
            65535,
            ETHERNET,
            0,
            0,
            4,
            4,
            0x0102_0304,
        ];
        std::fs::write(
            &path,
            words
                .iter()
                .flat_map(|w| w.to_be_bytes())
                .collect::<Vec<_>>(),
        )
        .unwrap();
        assert_eq!(read(&path).unwrap(), [[1, 2, 3, 4]]);
    }
}
