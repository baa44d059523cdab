//! `overpath route`: what is printed, and the words of a change.

use crate::table::{Cell, Hue, Table, maybe, word};
use crate::words::pick;
use clap::Subcommand;
use control::api::messages::{Gateways, Method, Network, NetworkError, NewRoute, Route, RouteKind};
use control::config::{Command, Edit, Prefix};
use std::net::Ipv4Addr;

/// What to do with routes; show them, if nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show all of them
    #[command(alias = "s")]
    Show,
    /// Add one to a network that has none
    ///
    /// overpath route add default via 192.0.2.254
    /// overpath route add 203.0.113.0/24 via 192.0.2.254 via 192.0.2.253
    #[command(verbatim_doc_comment)]
    Add(Words),
    /// Change the gateways of the one to a network
    #[command(alias = "change")]
    Set(Words),
    /// Remove the one to a network
    #[command(alias = "delete")]
    Del {
        /// A network such as 203.0.113.0/24, a host, or default
        #[arg(value_parser = network)]
        to: Network,
    },
    /// Add one, in the place of the one to the same network if there is one
    Replace(Words),
}

/// A route, in the words of `ip`.
#[derive(Debug, clap::Args)]
pub(crate) struct Words {
    /// A network such as 203.0.113.0/24, a host, or default
    #[arg(value_parser = network)]
    to: Network,
    /// The gateways, up to 8: via GATEWAY [via GATEWAY]...
    #[arg(required = true, value_name = "via GATEWAY")]
    via: Vec<String>,
}

impl Words {
    fn route(&self) -> Result<NewRoute, String> {
        let (to, via) = (self.to, gateways(&self.via)?);
        Ok(NewRoute { to, via })
    }
}

/// # Errors
/// What is wrong with the words.
pub(crate) fn method(verb: Option<&Verb>) -> Result<Method, String> {
    Ok(match verb {
        None | Some(Verb::Show) => Method::RouteShow,
        Some(Verb::Add(words)) => Method::RouteAdd(words.route()?),
        Some(Verb::Set(words)) => {
            let NewRoute { to, via } = words.route()?;
            let words = [
                ("to".to_owned(), to.to_string().into()),
                ("via".to_owned(), serde_json::json!(via.as_slice())),
            ];
            let words = words.into_iter().collect();
            Method::Edit(Edit::Do(Command::RouteSet, words))
        }
        Some(Verb::Replace(words)) => Method::RouteReplace(words.route()?),
        Some(Verb::Del { to }) => Method::RouteDel(*to),
    })
}

/// A line for each way, which begins with where it leads.
pub(crate) fn text(routes: &[Route]) -> String {
    let mut table = Table::default();
    for route in routes {
        let kind = match route.kind {
            RouteKind::Connected => "connected",
            RouteKind::Static => "static",
        };
        for via in &route.via {
            table.push([
                Cell::from(destination(route.to)).hued(Hue::Address),
                maybe("via", via.gateway).hued(Hue::Address),
                word("port", &via.port).hued(Hue::Name),
                maybe("vlan", via.vlan),
                maybe("lladdr", via.mac).hued(Hue::Mac),
                kind.into(),
                Cell::from(if via.alive { "" } else { "dead" }).hued(Hue::Bad),
            ]);
        }
    }
    table.to_string()
}

/// As `ip` prints it.
pub(crate) fn destination(to: Network) -> String {
    match to.prefix().length() {
        0 => "default".into(),
        32 => to.prefix().address().to_string(),
        _ => to.to_string(),
    }
}

/// A network as it can be said: with a prefix length, a host alone, or `default`.
pub(crate) fn network(text: &str) -> Result<Network, NetworkError> {
    match (text, text.parse::<Ipv4Addr>()) {
        ("default", _) => "0.0.0.0/0".parse(),
        (_, Ok(host)) => Network::new(Prefix::new(host, 32).ok_or(NetworkError::Text)?),
        _ => text.parse(),
    }
}

/// The gateways of `via GW [via GW]...`, or of `nexthop via GW [nexthop via GW]...`.
pub(crate) fn gateways(words: &[String]) -> Result<Gateways, String> {
    let mut words = words.iter().map(String::as_str);
    let mut gateways = Vec::new();
    while let Some(word) = words.next() {
        let word = match pick(word, [("via", "via"), ("nexthop", "nexthop")]) {
            Ok("nexthop") => words.next().ok_or("via GATEWAY is missing after nexthop")?,
            _ => word,
        };
        if pick(word, [("via", ())]).is_err() {
            return Err(format!(
                "{word:?} is not understood here: say via GATEWAY; the port follows from the gateway"
            ));
        }
        let gateway = words.next().ok_or("the gateway is missing after via")?;
        let parsed = gateway.parse();
        gateways.push(parsed.map_err(|_| format!("via {gateway:?}: not an IPv4 address"))?);
    }
    let allowed = Gateways::ALLOWED;
    Gateways::new(gateways).map_err(|e| format!("via: {e}; allowed: {allowed}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use control::api::messages::Via;

    fn route(to: &str, kind: RouteKind, via: Vec<Via>) -> Route {
        let to = to.parse().unwrap();
        Route { to, via, kind }
    }

    #[test]
    fn one_line_for_each_way() {
        let link = Via {
            gateway: None,
            port: "uplink".into(),
            vlan: None,
            mac: None,
            alive: true,
        };
        let known = Via {
            gateway: Some([192, 0, 2, 253].into()),
            mac: Some("02:00:00:00:00:01".parse().unwrap()),
            ..link.clone()
        };
        let dead = Via {
            gateway: Some([198, 51, 100, 1].into()),
            port: "up2".into(),
            vlan: Some(10),
            alive: false,
            ..link.clone()
        };
        let routes = [
            route("192.0.2.0/24", RouteKind::Connected, vec![link]),
            route("0.0.0.0/0", RouteKind::Static, vec![known.clone()]),
            route("203.0.113.7/32", RouteKind::Static, vec![known, dead]),
        ];
        let expected = "\
192.0.2.0/24                  port uplink                                  connected
default      via 192.0.2.253  port uplink         lladdr 02:00:00:00:00:01 static
203.0.113.7  via 192.0.2.253  port uplink         lladdr 02:00:00:00:00:01 static
203.0.113.7  via 198.51.100.1 port up2    vlan 10                          static    dead
";
        assert_eq!(text(&routes), expected);
    }

    #[test]
    fn a_network_is_said_as_to_ip() {
        for (text, meant) in [
            ("default", "0.0.0.0/0"),
            ("203.0.113.7", "203.0.113.7/32"),
            ("203.0.113.0/24", "203.0.113.0/24"),
        ] {
            assert_eq!(network(text).unwrap().to_string(), meant);
            assert_eq!(destination(network(text).unwrap()), text);
        }
        assert!(network("203.0.113.7/24").is_err());
        assert!(network("defualt").is_err());
    }

    #[test]
    fn gateways_are_said_as_to_ip() {
        let said = |line: &str| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            gateways(&words).map(|gateways| gateways.as_slice().to_vec())
        };
        let both: [Ipv4Addr; 2] = [[192, 0, 2, 1].into(), [192, 0, 2, 2].into()];
        assert_eq!(said("via 192.0.2.1").unwrap(), both[..1]);
        assert_eq!(said("via 192.0.2.1 via 192.0.2.2").unwrap(), both);
        let ip = "nexthop via 192.0.2.1 nexthop via 192.0.2.2";
        assert_eq!(said(ip).unwrap(), both);

        let complaint = |line: &str, part: &str| {
            let message = said(line).unwrap_err();
            assert!(message.contains(part), "{line}: {message}");
        };
        complaint("via 192.0.2.1 dev uplink", "\"dev\"");
        complaint("via 192.0.2.1 dev uplink", "say via GATEWAY");
        complaint("192.0.2.1", "say via GATEWAY");
        complaint("via", "gateway is missing");
        complaint("nexthop", "missing after nexthop");
        complaint("via 192.0.2", "\"192.0.2\": not an IPv4 address");
        complaint("via 192.0.2.1 via 192.0.2.1", "192.0.2.1 is named twice");
        let nine: String = (1..=9).map(|i| format!("via 192.0.2.{i} ")).collect();
        complaint(&nine, "more than 8");
    }
}
