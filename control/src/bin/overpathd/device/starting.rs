//! From a port that was opened to one that runs, and the self-test of its NIC on the way.

use super::nic::{DpdkNic, taken};
use super::{Devices, SelfTests};
use control::device::Test;
use control::offload::selftest::{Queues, Site, Tested, run};
use fastpath::dpdk::{
    DpdkIo, Port, PortConfig, PortInfo, RxQueue, StartError, StartedPort, TxQueue,
};
use fastpath::ids::PortId;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::info;

/// How long a link may take to come up before a test: by itself, and by a wire.
const LOOPED_LINK: Duration = Duration::from_secs(2);
const WIRE_LINK: Duration = Duration::from_secs(5);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(10);

/// A port that runs, with all its queues.
pub(super) struct Begun {
    pub(super) port: StartedPort,
    pub(super) rx: Vec<RxQueue>,
    pub(super) tx: Vec<TxQueue>,
}

/// What a port is started as.
pub(super) struct Start<'a> {
    pub(super) id: PortId,
    pub(super) config: PortConfig,
    /// What its device said before.
    pub(super) info: &'a PortInfo,
    /// The device, as it is wanted.
    pub(super) device: &'a str,
    /// Which test somebody asked for, if anybody did.
    pub(super) test: Test,
    /// It is to be tested all the same, if its device loops.
    pub(super) due: bool,
    /// The UDP port of the test's tunnels.
    pub(super) udp_port: u16,
}

impl Devices {
    /// Configures a port and starts it. If its NIC is tested, what the test has sent and told it is gone
    /// again, and what it found is kept whatever fails afterwards.
    pub(super) fn start(
        &self,
        port: Port,
        start: &Start<'_>,
        tests: &mut SelfTests,
    ) -> Result<Begun, String> {
        let by_wire = start.test == Test::ByWire;
        let looping = start.info.can_loop() && (start.test.is_asked() || start.due);
        let config = PortConfig {
            loopback: looping,
            ..start.config.clone()
        };
        let begun = self.begin(port, start, &config)?;
        let looped = looping && begun.port.settings().loopback;
        if !(looped || by_wire) {
            if looping {
                info!(device = %start.info.name, "it is not tested, as it does not loop after all");
            }
            return Ok(begun);
        }
        if !looped {
            info!(
                device = %start.info.name,
                "it does not loop: frames of the test that was asked for leave by its wire"
            );
        }
        let (begun, is_clean) = self.test(begun, start, tests)?;
        if !looped && is_clean {
            return Ok(begun);
        }
        // Also takes away what the test could not.
        let Begun { port, rx, tx } = begun;
        let port = port.stop(rx, tx).map_err(|error| error.to_string())?;
        self.turns.add(1);
        self.begin(port, start, &start.config)
    }

    /// Configures a port so, and starts it. One that cannot start looping starts as it is to be.
    fn begin(
        &self,
        mut port: Port,
        start: &Start<'_>,
        config: &PortConfig,
    ) -> Result<Begun, String> {
        let configured = port.configure(config, &self.pool);
        let looping = configured.map_err(|error| error.to_string())?.loopback;
        self.turns.add(1);
        let begun = port.start(start.id);
        self.turns.add(1);
        match begun {
            Ok((port, rx, tx)) => Ok(Begun { port, rx, tx }),
            Err(StartError { port, error }) if looping && config.loopback => {
                info!(device = %start.info.name, "it does not start looping: {error}");
                self.begin(*port, start, &start.config)
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Nobody else has its queues. Returns whether the NIC has forgotten all that it was told.
    fn test(
        &self,
        begun: Begun,
        start: &Start<'_>,
        tests: &mut SelfTests,
    ) -> Result<(Begun, bool), String> {
        let Begun {
            port,
            mut rx,
            mut tx,
        } = begun;
        let looped = port.settings().loopback;
        let link = self.wait_for_link(&port, if looped { LOOPED_LINK } else { WIRE_LINK });
        let mac = port.device().mac().map_err(|error| error.to_string())?;
        let site = Site::of(mac, start.udp_port, taken(&port));
        let port = Rc::new(port);
        let mut nic = DpdkNic::new(Rc::clone(&port), start.info, Arc::clone(&self.turns));
        let out = tx.first_mut().ok_or("it has no transmit queue")?;
        let mut queues = Queues::<DpdkIo>::new(&mut rx, out, &self.pool);
        let report = run(&mut nic, &mut queues, &site, tests.begin());
        drop((nic, queues));
        self.turns.add(1);
        let is_clean = report.left.is_none();
        let tested = Tested {
            asked: start.test.is_asked(),
            looped,
            link,
            report,
        };
        tests.found(start.id, start.device, tested);
        let port = Rc::into_inner(port).ok_or("a port that was tested is still used")?;
        Ok((Begun { port, rx, tx }, is_clean))
    }

    /// A device that was just started may take seconds. Whether it is up.
    fn wait_for_link(&self, port: &StartedPort, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        loop {
            self.turns.add(1);
            let up = port.device().link().is_ok_and(|link| link.up);
            if up || end <= Instant::now() {
                return up;
            }
            std::thread::sleep(LOOK);
        }
    }
}
