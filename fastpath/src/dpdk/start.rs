//! Starting a port hands out its queues; stopping it needs them back.

#![expect(unsafe_code, reason = "starts and stops foreign devices")]

use super::configure::Configured;
use super::queue::Shared;
use super::{Device, Errno, Port, PortError, PortSettings, RxQueue, TxQueue};
use crate::ids::PortId;
use dpdk_sys as sys;
use std::fmt;
use std::sync::Arc;

/// A port could not be started. It is given back.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct StartError {
    /// The port, as it was.
    pub port: Box<Port>,
    /// Why.
    pub error: PortError,
}

/// A port could not be stopped. It is given back, and runs.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// Somebody still has queues of it.
    #[error("port {} cannot stop before it has back {}", .port.device().name(), names(.missing))]
    Missing {
        /// The port.
        port: Box<StartedPort>,
        /// The queues that are out.
        missing: Vec<QueueName>,
    },
    /// The device refused.
    #[error("{error}")]
    Device {
        /// The port. Its queues are gone.
        port: Box<StartedPort>,
        /// Why.
        error: PortError,
    },
}

/// A queue of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum QueueName {
    /// A receive queue, by its number.
    Rx(u16),
    /// A transmit queue, by its number.
    Tx(u16),
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QueueName::Rx(number) => write!(f, "receive queue {number}"),
            QueueName::Tx(number) => write!(f, "transmit queue {number}"),
        }
    }
}

fn names(queues: &[QueueName]) -> String {
    let names: Vec<_> = queues.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// A port that runs. It runs on until [`StartedPort::stop`], or until this and all its queues are
/// dropped.
#[derive(Debug)]
pub struct StartedPort(Arc<Shared>);

impl Port {
    /// Starts the port and hands out its queues, each of which says that it belongs to `port`. A
    /// slow call.
    ///
    /// Fails with `EINVAL` if the port was not configured.
    pub fn start(
        self,
        port: PortId,
    ) -> Result<(StartedPort, Vec<RxQueue>, Vec<TxQueue>), StartError> {
        let Port { configured, device } = self;
        let Some(mut configured) = configured else {
            let error = device.refused("start the queues", Errno::of(libc::EINVAL));
            let port = Box::new(Port {
                configured: None,
                device,
            });
            return Err(StartError { port, error });
        };
        configured.settings.vxlan_ports = device.add_vxlan_ports(&configured.vxlan_ports);
        if let Err(error) = device.start() {
            let port = Box::new(Port {
                configured: Some(configured),
                device,
            });
            return Err(StartError { port, error });
        }
        device.set_promiscuous(&mut configured);
        device.check_rss(&mut configured.settings);
        let (rx, tx) = (configured.settings.rx_queues, configured.settings.tx_queues);
        let shared = Shared::new(device, configured);
        let rx = (0..rx)
            .map(|number| RxQueue::new(&shared, number, port))
            .collect();
        let tx = (0..tx)
            .map(|number| TxQueue::new(&shared, number, port))
            .collect();
        Ok((StartedPort(shared), rx, tx))
    }
}

impl StartedPort {
    /// Stops the port. `rx` and `tx` are the queues that [`Port::start`] handed out; a queue that
    /// was dropped counts as given back. Queues that are in flight to another thread have to come
    /// back first: the error names them. Packets that wait in the receive queues are freed. A slow
    /// call.
    pub fn stop(self, rx: Vec<RxQueue>, tx: Vec<TxQueue>) -> Result<Port, StopError> {
        drop((rx, tx));
        let shared = match Arc::try_unwrap(self.0) {
            Ok(shared) => shared,
            Err(shared) => {
                let missing = shared.queues_out();
                return Err(StopError::Missing {
                    port: Box::new(StartedPort(shared)),
                    missing,
                });
            }
        };
        match shared.stop() {
            Ok(port) => Ok(port),
            Err(refused) => {
                let (shared, error) = *refused;
                let port = Box::new(StartedPort(Arc::new(shared)));
                Err(StopError::Device { port, error })
            }
        }
    }

    /// What can be asked of it.
    pub fn device(&self) -> &Device {
        self.0.device()
    }

    /// What belongs to it, if it is a bond whose members could be found, in the order of the bond.
    /// They are asked and told as any device is; set up, started and stopped they are by the bond.
    pub fn members(&self) -> &[Device] {
        self.device().members.get().map_or(&[], Vec::as_slice)
    }

    /// What it was configured to, with what was learned at start.
    pub fn settings(&self) -> &PortSettings {
        self.0.settings()
    }

    /// Queues that somebody has.
    pub fn queues_out(&self) -> Vec<QueueName> {
        self.0.queues_out()
    }
}

impl Device {
    fn refused(&self, what: &'static str, errno: Errno) -> PortError {
        PortError {
            device: self.name().to_owned(),
            what,
            errno,
        }
    }

    fn start(&self) -> Result<(), PortError> {
        let mut told = self.calls();
        // SAFETY: the port is ours, and configured with all its queues.
        let returned = unsafe { sys::rte_eth_dev_start(self.index().get()) };
        self.check("start the queues", returned)?;
        told.runs = true;
        drop(told);
        self.find_members();
        Ok(())
    }

    /// Only without a queue that could poll it. Rules go first: drivers differ in what becomes of
    /// them and of their handles when the port is stopped.
    pub(super) fn stop(&self) -> Result<(), PortError> {
        let mut told = self.calls();
        self.drop_flows(&mut told);
        self.members_stop();
        // SAFETY: the port is ours, and runs.
        let returned = unsafe { sys::rte_eth_dev_stop(self.index().get()) };
        self.check("stop the queues", returned)?;
        told.runs = false;
        self.drop_vxlan_ports(&mut told);
        self.members_stopped();
        Ok(())
    }

    /// Many virtual drivers receive everything and know no such mode.
    fn set_promiscuous(&self, configured: &mut Configured) {
        let _calls = self.calls();
        let port = self.index().get();
        // SAFETY: the port is ours, and runs.
        let returned = unsafe {
            match configured.promiscuous {
                true => sys::rte_eth_promiscuous_enable(port),
                false => sys::rte_eth_promiscuous_disable(port),
            }
        };
        if let Err(errno) = Errno::check(returned) {
            let note = format!("promiscuous mode cannot be set: {errno}");
            configured.settings.notes.push(note);
        }
    }

    /// Asks whether RSS is really on: some drivers offer it and take no notice.
    fn check_rss(&self, settings: &mut PortSettings) {
        if !settings.rss {
            return;
        }
        let mut conf = sys::rte_eth_rss_conf::default();
        let _calls = self.calls();
        // SAFETY: the port exists; without a buffer for the key only the types are written.
        let returned =
            unsafe { sys::rte_eth_dev_rss_hash_conf_get(self.index().get(), &raw mut conf) };
        if returned < 0 || conf.rss_hf == 0 {
            settings.no_rss();
        }
    }
}
