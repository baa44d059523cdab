//! What the daemon says that it wants, read by its lines alone: not by the product's own reader.

use crate::model::Model;
use overpath_tests::Result;
use overpath_tests::daemon::Daemon;

/// The value of a key that is a text, in a line.
fn quoted(line: &str, key: &str) -> Option<String> {
    let (_, rest) = line.split_once(&format!("{key} = \""))?;
    rest.split('"').next().map(str::to_owned)
}

pub(crate) fn exported(daemon: &Daemon) -> Result<Model> {
    let text = daemon.client(&["config", "export"])?;
    let mut model = Model::default();
    for line in text.lines().filter(|line| line.contains("bridge = \"")) {
        let fields = ["bridge", "mac", "port"].map(|key| quoted(line, key));
        if let [Some(bridge), Some(mac), Some(port)] = fields {
            model.fdb.insert((bridge, mac), port);
        }
    }
    for table in text.split("[[") {
        read(table, &mut model)?;
    }
    Ok(model)
}

fn read(table: &str, model: &mut Model) -> Result {
    let value = |key: &str| {
        let mut lines = table.lines();
        let line = lines.find(|line| line.starts_with(&format!("{key} = ")));
        let value = line.map(|line| line[key.len() + 3..].trim_matches('"'));
        value.unwrap_or_default().to_owned()
    };
    let number = |key: &str, default: u64| match value(key).as_str() {
        "" => Ok(default),
        text => text.parse(),
    };
    let (kind, _) = table.split_once("]]").unwrap_or_default();
    let list = |key: &str| {
        let value = value(key);
        let items = value.split(['[', ']', ',', '"', ' ']);
        let items = items.filter(|item| !item.is_empty()).map(str::to_owned);
        items.collect::<Vec<_>>()
    };
    match kind {
        "port" if value("name") != "up" => {
            model.ports.insert(value("name"), number("mtu", 1500)?);
        }
        "bridge" => {
            let ports = list("ports").into_iter().collect();
            let bridge = (number("ageing", 300)?, ports);
            model.bridges.insert(value("name"), bridge);
        }
        "tunnel" => {
            model.tunnels.insert(value("name"), value("bridge"));
        }
        "route" => {
            model.routes.insert(value("to"), list("via").concat());
        }
        "neighbour" => {
            model.neighbours.insert(value("address"), value("mac"));
        }
        _ => {}
    }
    Ok(())
}
