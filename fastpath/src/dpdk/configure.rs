//! Fitting a port to what it is asked for.

#![expect(unsafe_code, reason = "configures foreign devices")]

use super::claim::Devices;
use super::plan::{OPEN, Plan, plan};
use super::{Device, Errno, Mempool, Port, PortConfig, PortError, PortInfo, PortSettings};
use dpdk_sys as sys;
use std::ffi::{c_int, c_uint};

/// A port could not be configured.
#[derive(Debug, thiserror::Error)]
pub enum ConfigureError {
    /// The device refused.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The pool belongs to smaller frames.
    #[error("MTU {mtu} of port {device} is above that of the packet pool: {room} bytes")]
    Room {
        /// Name of the device.
        device: String,
        /// Wanted MTU.
        mtu: u16,
        /// Bytes of a buffer of the pool.
        room: usize,
    },
    /// The driver held on to its queues, and to packets of the pool, when it was closed or failed.
    #[error(
        "port {device} cannot be set up again by this process: its driver never lets go of its \
         queues; restart the daemon"
    )]
    Spent {
        /// Name of the device.
        device: String,
    },
}

/// What is kept of a configured port.
#[derive(Debug)]
pub(super) struct Configured {
    pub(super) settings: PortSettings,
    pub(super) promiscuous: bool,
    pub(super) vxlan_ports: Vec<u16>,
    /// Receive queues take their mbufs from here.
    pub(super) _pool: Mempool,
}

impl Port {
    /// Configures the port and its queues, anew if it was before. What the device cannot do is
    /// left out or adjusted, and noted in the result; only without what cannot be left out it
    /// fails. A slow call.
    ///
    /// Received packets come from `pool`, which is kept alive.
    pub fn configure(
        &mut self,
        config: &PortConfig,
        pool: &Mempool,
    ) -> Result<&PortSettings, ConfigureError> {
        // The queues refer to the old pool until new ones are set up.
        let _old = self.configured.take();
        let info = self.device.info()?;
        let mut plan = plan(&info, config);
        let looping = plan.loopback_mode != 0;
        let mut configured = self.fit(&info, plan.clone(), config, pool);
        if let Err(error) = &configured
            && plan.no_cuts()
        {
            // For mlx5 headers of such packets take room in queues, which is seen as these are set up.
            let note = format!("the device cannot be set up to cut packets: {error}");
            configured = self.fit(&info, plan, config, pool);
            if let Ok(configured) = &mut configured {
                configured.settings.notes.push(note);
            }
        }
        if let Err(error) = &configured
            && looping
        {
            // Whichever step it was that failed.
            let note = format!("the device cannot be set up to loop: {error}");
            let without = PortConfig {
                loopback: false,
                ..config.clone()
            };
            let mut plan = self::plan(&info, &without);
            // What did not help then may be in the way still.
            plan.no_cuts();
            configured = self.fit(&info, plan, &without, pool);
            if let Ok(configured) = &mut configured {
                configured.settings.notes.push(note);
            }
        }
        Ok(&self.configured.insert(configured?).settings)
    }

    fn fit(
        &self,
        info: &PortInfo,
        mut plan: Plan,
        config: &PortConfig,
        pool: &Mempool,
    ) -> Result<Configured, ConfigureError> {
        let device = &self.device;
        if plan.settings.loopback && plan.loopback_mode == 0 && device.has_arguments() {
            // Rings that are attached are those of another process, too (net_ring: nodeaction).
            plan.settings.loopback = false;
        }
        device.heed_arguments(&mut plan);
        if usize::from(plan.settings.mtu) + 22 > pool.room() {
            return Err(ConfigureError::Room {
                device: device.name().to_owned(),
                mtu: plan.settings.mtu,
                room: pool.room(),
            });
        }
        if plan.ask_marks {
            device.ask_marks(&mut plan.settings);
        }
        device.configure(&mut plan)?;
        device.heed_cuts(&mut plan.settings);
        device.adjust_descriptors(&mut plan.settings)?;
        if let Some(mtu) = plan.mtu {
            device.set_mtu(mtu, &mut plan.settings)?;
        }
        // Each try costs as many packets, whether it succeeds or not.
        if plan.settings.kept > 0 && !Devices::lock().spend(device.name()) {
            return Err(ConfigureError::Spent {
                device: device.name().to_owned(),
            });
        }
        device.set_up_queues(info, &plan.settings, pool)?;
        Ok(Configured {
            settings: plan.settings,
            promiscuous: config.promiscuous,
            vxlan_ports: config.vxlan_ports.clone(),
            _pool: pool.clone(),
        })
    }

    /// What it was configured to.
    pub fn settings(&self) -> Option<&PortSettings> {
        self.configured
            .as_ref()
            .map(|configured| &configured.settings)
    }
}

impl Device {
    /// With as little left out as the device lets be.
    fn configure(&self, plan: &mut Plan) -> Result<(), PortError> {
        // Zero is the driver's own.
        let mtu = u32::from(plan.mtu.unwrap_or(0));
        plan.try_out(|plan| self.try_configure(plan, mtu))
    }

    /// Some make the driver say something else of packets than it does without.
    fn heed_arguments(&self, plan: &mut Plan) {
        let what = if self.has_argument("legacy-ol-flags=1") {
            // net_vhost says of none that it is open then, and makes none either.
            "legacy-ol-flags=1: what guests leave open is not told, and stays open"
        } else if plan.settings.open && self.has_argument("vectorized=1") {
            // On that way net_virtio adds flags to those that the buffer had.
            plan.rx_offloads &= !OPEN;
            "vectorized=1: what is open could not be told, and is not asked for"
        } else {
            return;
        };
        plan.settings.open = false;
        plan.settings.notes.push(what.to_owned());
    }

    /// A guest of net_vhost that was offered to leave packets to be cut does so, whoever knows of it.
    fn heed_cuts(&self, settings: &mut PortSettings) {
        if settings.open || !self.has_argument("tso=1") {
            return;
        }
        // Either the driver makes the checksum of the whole and forgets that it was open, or with flags of
        // sending nothing is said that could be believed.
        let note = match self.has_argument("legacy-ol-flags=1") {
            true => {
                "tso=1 with legacy-ol-flags=1: what is to be cut is not told, and dropped if it is \
                 longer than the MTU (mtu_exceeded); leave out one of them"
            }
            false => {
                "tso=1, and the driver is not asked what is open: what is to be cut is not told, and \
                 dropped if it is longer than the MTU (mtu_exceeded); leave out tso=1, or let offload be on"
            }
        };
        settings.notes.push(note.to_owned());
    }

    fn try_configure(&self, plan: &Plan, mtu: u32) -> Result<(), PortError> {
        let mut conf = sys::rte_eth_conf {
            link_speeds: sys::K_ETH_LINK_SPEED_AUTONEG,
            lpbk_mode: plan.loopback_mode,
            ..Default::default()
        };
        conf.rxmode.mtu = mtu;
        conf.rxmode.offloads = plan.rx_offloads;
        conf.txmode.offloads = plan.tx_offloads;
        if plan.rss_types != 0 {
            conf.rxmode.mq_mode = sys::rte_eth_rx_mq_mode::RTE_ETH_MQ_RX_RSS;
            conf.rx_adv_conf.rss_conf.rss_hf = plan.rss_types;
        }
        conf.intr_conf.set_lsc(plan.link_events.into());
        conf.intr_conf.set_rmv(plan.removal_events.into());
        let (rx, tx) = (plan.settings.rx_queues, plan.settings.tx_queues);
        let _calls = self.calls();
        // SAFETY: the port is ours and does not run; DPDK copies `conf`.
        let returned =
            unsafe { sys::rte_eth_dev_configure(self.index().get(), rx, tx, &raw const conf) };
        self.check("configure the queues", returned).map(drop)
    }

    fn adjust_descriptors(&self, settings: &mut PortSettings) -> Result<(), PortError> {
        let (mut rx, mut tx) = (settings.rx_descriptors, settings.tx_descriptors);
        let _calls = self.calls();
        // SAFETY: the port exists; both numbers are read and written.
        let returned = unsafe {
            sys::rte_eth_dev_adjust_nb_rx_tx_desc(self.index().get(), &raw mut rx, &raw mut tx)
        };
        self.check("adjust the descriptors", returned)?;
        for (has, wanted, queue) in [
            (rx, &mut settings.rx_descriptors, "receive"),
            (tx, &mut settings.tx_descriptors, "transmit"),
        ] {
            if has != *wanted {
                let note = format!("{has} {queue} descriptors instead of {wanted}");
                settings.notes.push(note);
                *wanted = has;
            }
        }
        Ok(())
    }

    /// Gives a port that runs another MTU. Some drivers cannot do that, and packets have to fit the
    /// pool that it was configured with.
    ///
    /// # Errors
    /// What the driver says; then the port is as it was, and may be stopped and configured anew.
    pub fn change_mtu(&self, mtu: u16) -> Result<(), PortError> {
        let _calls = self.calls();
        // SAFETY: the port is ours. DPDK lets drivers that can do so change the MTU of a port that
        // runs, and the others refuse.
        let returned = unsafe { sys::rte_eth_dev_set_mtu(self.index().get(), mtu) };
        self.check("change the MTU", returned).map(drop)
    }

    /// Tells the driver, which may drop larger frames, or set the MTU of a kernel interface.
    fn set_mtu(&self, mtu: u16, settings: &mut PortSettings) -> Result<(), PortError> {
        let _calls = self.calls();
        // SAFETY: the port is ours and does not run.
        let returned = unsafe { sys::rte_eth_dev_set_mtu(self.index().get(), mtu) };
        match Errno::check(returned) {
            Ok(_) => return Ok(()),
            Err(errno) if errno.is_unsupported() => {
                settings
                    .notes
                    .push("the driver cannot be told the MTU".to_owned());
            }
            Err(_) => {
                self.check("set the MTU", returned)?;
            }
        }
        Ok(())
    }

    fn set_up_queues(
        &self,
        info: &PortInfo,
        settings: &PortSettings,
        pool: &Mempool,
    ) -> Result<(), PortError> {
        let raw = self.raw_info()?;
        let port = self.index().get();
        let socket = info
            .socket
            .map_or(sys::K_SOCKET_ID_ANY, |socket| socket as c_int) as c_uint;
        let _calls = self.calls();
        // What drivers recommend, but no offload beyond those of the port: some recommend to free
        // mbufs in a way that shared payloads forbid.
        let rx_conf = sys::rte_eth_rxconf {
            offloads: 0,
            ..raw.default_rxconf
        };
        for queue in 0..settings.rx_queues {
            let count = settings.rx_descriptors;
            // SAFETY: the port is ours and does not run; `rx_conf` is copied; the pool outlives the
            // configuration (`Configured`).
            let returned = unsafe {
                sys::rte_eth_rx_queue_setup(
                    port,
                    queue,
                    count,
                    socket,
                    &raw const rx_conf,
                    pool.as_ptr(),
                )
            };
            self.check("set up a receive queue", returned)?;
        }
        let tx_conf = sys::rte_eth_txconf {
            offloads: 0,
            ..raw.default_txconf
        };
        for queue in 0..settings.tx_queues {
            let count = settings.tx_descriptors;
            // SAFETY: as above.
            let returned = unsafe {
                sys::rte_eth_tx_queue_setup(port, queue, count, socket, &raw const tx_conf)
            };
            self.check("set up a transmit queue", returned)?;
        }
        Ok(())
    }
}

impl PortSettings {
    /// The device took back what it had said.
    pub(super) fn no_rss(&mut self) {
        self.rss = false;
        self.notes
            .push("the device refused RSS although it offers it".to_owned());
    }
}
