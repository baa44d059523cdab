//! Which frames net_af_packet hands over whole.

use super::claim::Devices;
use super::{Device, PortError};

/// Bytes of a frame in the driver's ring unless `framesz` says otherwise.
const FRAME: usize = 2048;
/// Bytes of it before the Ethernet header: where `tpacket_rcv` of Linux puts the packet of a ring of
/// version 2, 80 bytes behind header and address, less the Ethernet header.
const BEFORE: usize = 80 - 14;
/// What a frame has beyond its MTU: Ethernet header and one VLAN tag. The kernel takes the tag out
/// and the driver puts it back, so it needs no place in the ring; but it counts against the limit.
const BEYOND_MTU: usize = 18;
/// Blocks of the ring are made of pages.
const PAGE: usize = 4096;
/// What a frame of the ring is rounded up to, so that a whole number of them fills a block.
const STEP: usize = 1024;

impl Device {
    /// Bytes from which on a received frame may have been cut by the driver, without a sign of it.
    /// `None` if the driver hands over what fits and drops the rest. A slow call.
    pub fn rx_limit(&self) -> Result<Option<u16>, PortError> {
        if self.info()?.driver != "net_af_packet" {
            return Ok(None);
        }
        let _devices = Devices::lock();
        let arguments = self.arguments().unwrap_or_default();
        Ok(Some(limit(&arguments.to_string_lossy())))
    }
}

/// The limit of a device with such arguments. What is longer than the place in the ring is cut to
/// it, so what fills the place may have been longer.
fn limit(arguments: &str) -> u16 {
    let given = arguments
        .split(',')
        .rev()
        .find_map(|argument| argument.trim().strip_prefix("framesz="))
        .and_then(|value| value.parse().ok());
    let place = given.unwrap_or(FRAME).saturating_sub(BEFORE);
    u16::try_from(place).unwrap_or(u16::MAX)
}

/// What to tell the user of a port whose frames do not all fit below its limit: nothing if they do.
pub fn advice(mtu: u16, limit: u16) -> Option<String> {
    let longest = usize::from(mtu) + BEYOND_MTU;
    if longest < usize::from(limit) {
        return None;
    }
    let frame = (longest + BEFORE + 1).next_multiple_of(STEP);
    let block = (1..).map(|n| n * PAGE).find(|block| block % frame == 0)?;
    Some(format!(
        "frames of {limit} bytes and more are dropped: for an MTU of {mtu} the device needs \
         framesz={frame},blocksz={block}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_what_a_frame_of_the_ring_leaves() {
        assert_eq!(limit("iface=p0"), 1982);
        assert_eq!(limit(""), 1982);
        assert_eq!(limit("iface=p0,framesz=4096,blocksz=8192"), 4030);
        assert_eq!(limit("framesz=16,iface=p0"), 0);
        assert_eq!(limit("framesz=1000000"), u16::MAX);
    }

    #[test]
    fn advice_is_given_from_the_first_frame_that_does_not_fit() {
        assert_eq!(advice(1500, 1982), None);
        assert_eq!(advice(1963, 1982), None);
        assert_eq!(
            advice(1964, 1982).unwrap(),
            "frames of 1982 bytes and more are dropped: for an MTU of 1964 the device needs \
             framesz=3072,blocksz=12288"
        );
        assert!(
            advice(9600, 1982)
                .unwrap()
                .ends_with("framesz=10240,blocksz=20480")
        );
    }

    #[test]
    fn advice_helps() {
        for mtu in 68..=9600 {
            if let Some(text) = advice(mtu, 1982) {
                let arguments = text.rsplit(' ').next().unwrap();
                assert_eq!(advice(mtu, limit(arguments)), None, "{text}");
            }
        }
    }
}
